//! Signing in, accounts, and the first-use page.

use askama::Template;

use super::{VERSION, evaluation, japanese_date, render};
use crate::answer::ModelSummary;
use crate::document::{Person, Role};
use crate::store::{Account, AccountError, CHARS_MIN, Event, NAME_CHARS_MAX};

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/web/askama.toml")]
struct SignInPage<'a> {
    version: &'static str,
    login: &'a str,
    has_error: bool,
    error: &'a str,
}

/// The form of name and password; `error` is empty the first time.
pub(crate) fn sign_in_page(login: &str, error: &str) -> String {
    render(&SignInPage { version: VERSION, login, has_error: !error.is_empty(), error })
}

/// What one's own page shows.
pub(crate) struct AccountDesk<'a> {
    pub(crate) account: &'a Account,
    /// Whether the password was just changed.
    pub(crate) changed: bool,
    /// The field that is wrong (`present`, `new` or `again`), and why.
    pub(crate) error: Option<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "account.html", config = "src/web/askama.toml")]
struct AccountPage<'a> {
    version: &'static str,
    person: &'a Person,
    must_change: bool,
    changed: bool,
    chars_min: usize,
    present_error: &'a str,
    new_error: &'a str,
    again_error: &'a str,
}

pub(crate) fn account_page(desk: &AccountDesk<'_>) -> String {
    let error = |field: &str| match &desk.error {
        Some((wrong, why)) if *wrong == field => why.as_str(),
        _ => "",
    };
    render(&AccountPage {
        version: VERSION,
        person: &desk.account.person,
        must_change: desk.account.must_change,
        changed: desk.changed,
        chars_min: CHARS_MIN,
        present_error: error("present"),
        new_error: error("new"),
        again_error: error("again"),
    })
}

/// What a form holds while it is being mended.
pub(crate) struct Typed {
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) role: Role,
}

impl Default for Typed {
    fn default() -> Self {
        let empty = String::new;
        Self { login: empty(), name: empty(), section: empty(), role: Role::Staff }
    }
}

/// What the list of accounts shows.
pub(crate) struct PeopleDesk {
    pub(crate) accounts: Vec<Account>,
    pub(crate) events: Vec<Event>,
    /// False before the first account, which is made on the machine.
    pub(crate) may_change: bool,
    pub(crate) typed: Typed,
    pub(crate) error: String,
    /// The account that was just changed.
    pub(crate) changed: Option<Account>,
    /// A password that was just made, to be handed over.
    pub(crate) one_time: Option<(Person, String)>,
}

#[derive(Template)]
#[template(path = "people.html", config = "src/web/askama.toml")]
struct PeoplePage<'a> {
    version: &'static str,
    may_change: bool,
    accounts: Vec<AccountRow<'a>>,
    events: Vec<EventRow<'a>>,
    typed: &'a Typed,
    roles: Vec<RoleChoice>,
    name_chars_max: usize,
    error: &'a str,
    changed: String,
    one_time: Vec<OneTime<'a>>,
}

struct AccountRow<'a> {
    login: &'a str,
    name: &'a str,
    section: &'a str,
    role: &'static str,
    state: &'static str,
    state_class: &'static str,
    signed_in: String,
}

struct EventRow<'a> {
    at: String,
    what: &'a str,
    subject: &'a str,
    actor: &'a str,
}

struct RoleChoice {
    name: &'static str,
    label: &'static str,
    rights: &'static str,
    chosen: bool,
}

struct OneTime<'a> {
    login: &'a str,
    name: &'a str,
    password: &'a str,
}

pub(crate) fn people_page(desk: &PeopleDesk) -> String {
    let one_time = desk.one_time.iter().map(|(person, password)| OneTime {
        login: &person.login,
        name: &person.name,
        password,
    });
    let changed = desk.changed.as_ref().map(|account| {
        let state = account_state(account).0;
        format!("{}（{}）を変更しました。状態：{state}", account.person.name, account.person.login)
    });
    render(&PeoplePage {
        version: VERSION,
        may_change: desk.may_change,
        accounts: desk.accounts.iter().map(account_row).collect(),
        events: desk.events.iter().map(event_row).collect(),
        typed: &desk.typed,
        roles: role_choices(desk.typed.role),
        name_chars_max: NAME_CHARS_MAX,
        error: &desk.error,
        changed: changed.unwrap_or_default(),
        one_time: one_time.collect(),
    })
}

fn event_row(event: &Event) -> EventRow<'_> {
    let subject = match event.subject.as_str() {
        "" => "登録のない利用者名",
        subject => subject,
    };
    let actor = match event.actor.as_str() {
        "(command)" => "機器でのコマンド",
        "(trial)" => "試用者",
        actor => actor,
    };
    EventRow { at: local_time(&event.at), what: &event.what, subject, actor }
}

fn account_row(account: &Account) -> AccountRow<'_> {
    let (state, state_class) = account_state(account);
    AccountRow {
        login: &account.person.login,
        name: &account.person.name,
        section: &account.person.section,
        role: account.person.role.label(),
        state,
        state_class,
        signed_in: match account.signed_in_at.is_empty() {
            true => "まだありません".to_owned(),
            false => local_time(&account.signed_in_at),
        },
    }
}

fn account_state(account: &Account) -> (&'static str, &'static str) {
    match (account.disabled, account.must_change) {
        (true, _) => ("停止中", "bad"),
        (false, true) => ("一時パスワード", "warn"),
        (false, false) => ("利用中", "good"),
    }
}

fn role_choices(chosen: Role) -> Vec<RoleChoice> {
    let rights = |role| match role {
        Role::Staff => "質問し、自分の履歴を使う",
        Role::Reviewer => "職員の操作に加え、回答を確認・承認する",
        Role::Admin => "全ての操作に加え、利用者、設定、更新を管理する",
    };
    let choice = |(role, name): (Role, &'static str)| RoleChoice {
        name,
        label: role.label(),
        rights: rights(role),
        chosen: role == chosen,
    };
    Role::ALL.into_iter().map(choice).collect()
}

/// What the page of one account shows.
pub(crate) struct PersonDesk {
    account: Account,
    /// Whether it is the account of the person who looks at it.
    own: bool,
    pub(crate) typed: Typed,
    pub(crate) error: String,
}

impl PersonDesk {
    /// The account as it is, seen by a person.
    pub(crate) fn of(account: Account, asker: &Person) -> Self {
        let person = &account.person;
        let typed = Typed {
            login: person.login.clone(),
            name: person.name.clone(),
            section: person.section.clone(),
            role: person.role,
        };
        Self { own: person.id == asker.id, account, typed, error: String::new() }
    }
}

#[derive(Template)]
#[template(path = "person.html", config = "src/web/askama.toml")]
struct PersonPage<'a> {
    version: &'static str,
    login: &'a str,
    name: &'a str,
    state: &'static str,
    created: String,
    disabled: bool,
    own: bool,
    typed: &'a Typed,
    roles: Vec<RoleChoice>,
    name_chars_max: usize,
    error: &'a str,
}

pub(crate) fn person_page(desk: &PersonDesk) -> String {
    let PersonDesk { account, own, typed, error } = desk;
    render(&PersonPage {
        version: VERSION,
        login: &account.person.login,
        name: &account.person.name,
        state: account_state(account).0,
        created: local_time(&account.created_at),
        disabled: account.disabled,
        own: *own,
        typed,
        roles: role_choices(typed.role),
        name_chars_max: NAME_CHARS_MAX,
        error,
    })
}

/// Why an account was not made or changed, for an administrator or its owner.
pub(crate) fn account_error(error: &AccountError) -> String {
    match error {
        AccountError::Store(_) => "利用者の情報を書けませんでした。".to_owned(),
        AccountError::Taken => {
            "この利用者名はすでに使われています。別の利用者名にしてください。".to_owned()
        }
        AccountError::Unknown => "この利用者は登録されていません。".to_owned(),
        AccountError::LastAdmin => {
            "有効な管理者がほかにいないため、変更できません。先に、別の管理者を登録してください。"
                .to_owned()
        }
        AccountError::Login => format!(
            "利用者名は、半角の英小文字、数字、「.」「_」「-」「@」で{NAME_CHARS_MAX}文字以内にし、英小文字か数字で始めてください。"
        ),
        AccountError::Name => {
            format!("氏名と所属は、1文字以上{NAME_CHARS_MAX}文字以内で入力してください。")
        }
        AccountError::Weak(weak) => weak.ja().to_owned(),
        AccountError::Wrong => "パスワードが違います。".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "guide.html", config = "src/web/askama.toml")]
struct GuidePage {
    version: &'static str,
    confirmed: bool,
    has_model: bool,
    model: String,
    self_test: bool,
    measured: String,
    admins: Vec<String>,
}

/// What to know before the first question; `admins` are those to ask.
pub(crate) fn guide_page(models: &[ModelSummary], admins: &[Person], confirmed: bool) -> String {
    let model = models.iter().find(|model| model.current);
    let named = admins.iter().map(|person| format!("{} {}", person.section, person.name));
    render(&GuidePage {
        version: VERSION,
        confirmed,
        has_model: model.is_some(),
        model: model.map(|model| model.name.clone()).unwrap_or_default(),
        self_test: model.is_some_and(|model| model.self_test),
        measured: model.map(evaluation).unwrap_or_default(),
        admins: named.collect(),
    })
}

/// A time of the database (UTC) as the clock of the box shows it.
pub(crate) fn local_time(stamp: &str) -> String {
    let Ok(at) = stamp.parse::<jiff::Timestamp>() else { return stamp.to_owned() };
    let at = at.to_zoned_datetime(jiff::tz::TimeZone::system());
    format!("{} {}", japanese_date(at.date()), at.strftime("%H:%M"))
}
