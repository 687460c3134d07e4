//! `kura user`: people who sign in. Works while `kura serve` runs, and counts from the next
//! request.

use serde::Serialize;

use super::accounts::{choose, look, note, tell, with_store};
use super::{Context, Failure, output};
use crate::cli::{PasswordArgs, UserAddArgs, UserCommand};
use crate::document::Role;
use crate::store::{Account, Happened, NewAccount};
use crate::text::Lang;

/// An account as JSON.
#[derive(Debug, Serialize)]
struct Listed {
    login: String,
    name: String,
    section: String,
    role: &'static str,
    disabled: bool,
    must_change_password: bool,
    created_at: String,
    signed_in_at: String,
}

impl From<Account> for Listed {
    fn from(account: Account) -> Self {
        Self {
            login: account.person.login,
            name: account.person.name,
            section: account.person.section,
            role: account.person.role.name(),
            disabled: account.disabled,
            must_change_password: account.must_change,
            created_at: account.created_at,
            signed_in_at: account.signed_in_at,
        }
    }
}

pub(super) fn run(context: &Context, asked: &UserCommand) -> Result<(), Failure> {
    match asked {
        UserCommand::Add(args) => add(context, args),
        UserCommand::List { json } => list(context, *json),
        UserCommand::Disable { login } => set_disabled(context, login, true),
        UserCommand::Enable { login } => set_disabled(context, login, false),
        UserCommand::Reset { login, password } => reset(context, login, password),
        UserCommand::Role { login, role } => set_role(context, login, role),
    }
}

/// The parser let only known names through.
fn role(name: &str) -> Role {
    Role::ALL.iter().find(|(_, known)| *known == name).map_or(Role::Staff, |(role, _)| *role)
}

fn add(context: &Context, args: &UserAddArgs) -> Result<(), Failure> {
    let chosen = choose(context, &args.password)?;
    let new = NewAccount {
        login: args.login.clone(),
        name: args.name.clone(),
        section: args.section.clone(),
        role: role(&args.role),
        password: chosen.password.clone(),
        must_change: true,
    };
    let person = with_store(context, async |store| {
        let person = store.add_account(new).await?;
        note(store, Happened::AccountAdded, &person.login).await?;
        Ok(person)
    })?;
    match context.lang {
        Lang::Ja => say!(
            "{} {}さんを{}として登録しました。",
            person.section,
            person.name,
            person.role.label()
        ),
        Lang::En => say!("Added {} ({}).", person.login, person.role.name()),
    }
    tell(context, &person.login, &chosen);
    Ok(())
}

fn list(context: &Context, json: bool) -> Result<(), Failure> {
    let accounts = look(context, Vec::new(), async |store| Ok(store.accounts().await?))?;
    if json {
        return output::json(&accounts.into_iter().map(Listed::from).collect::<Vec<_>>());
    }
    if accounts.is_empty() {
        say!(
            "{}",
            context.words(
                "登録されている利用者はいません。kura user add で追加してください。",
                "There are no people yet; add one with kura user add."
            )
        );
        return Ok(());
    }
    let header = match context.lang {
        Lang::Ja => ["利用者名", "氏名", "所属", "役割", "状態", "最後のログイン"],
        Lang::En => ["LOGIN", "NAME", "SECTION", "ROLE", "STATE", "LAST SIGN-IN"],
    };
    let state = |account: &Account| match (account.disabled, account.must_change) {
        (true, _) => context.words("停止中", "disabled"),
        (false, true) => context.words("一時パスワード", "one-time password"),
        (false, false) => context.words("利用中", "enabled"),
    };
    let row = |account: &Account| {
        let person = &account.person;
        let role = context.words(person.role.label(), person.role.name()).to_owned();
        let signed_in = match account.signed_in_at.as_str() {
            "" => "-".to_owned(),
            at => at.to_owned(),
        };
        let state = state(account).to_owned();
        vec![
            person.login.clone(),
            person.name.clone(),
            person.section.clone(),
            role,
            state,
            signed_in,
        ]
    };
    output::table(&header, &accounts.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn set_disabled(context: &Context, login: &str, disabled: bool) -> Result<(), Failure> {
    let person = with_store(context, async |store| {
        let person = store.set_disabled(login, disabled).await?;
        let what = if disabled { Happened::AccountDisabled } else { Happened::AccountEnabled };
        note(store, what, &person.login).await?;
        Ok(person)
    })?;
    match (context.lang, disabled) {
        (Lang::Ja, true) => say!(
            "{}さんの利用を停止しました。ログインしていた画面は、すぐに使えなくなります。",
            person.name
        ),
        (Lang::Ja, false) => say!("{}さんの利用を再開しました。", person.name),
        (Lang::En, true) => say!("{} is disabled; running sessions have ended.", person.login),
        (Lang::En, false) => say!("{} is enabled.", person.login),
    }
    Ok(())
}

fn reset(context: &Context, login: &str, password: &PasswordArgs) -> Result<(), Failure> {
    let chosen = choose(context, password)?;
    let person = with_store(context, async |store| {
        let person = store.reset_password(login, chosen.password.clone()).await?;
        note(store, Happened::PasswordReset, &person.login).await?;
        Ok(person)
    })?;
    match context.lang {
        Lang::Ja => say!("{}さんのパスワードを再設定しました。", person.name),
        Lang::En => say!("The password of {} was reset.", person.login),
    }
    tell(context, &person.login, &chosen);
    Ok(())
}

fn set_role(context: &Context, login: &str, name: &str) -> Result<(), Failure> {
    let person = with_store(context, async |store| {
        let account = store.account(login).await?.ok_or(crate::store::AccountError::Unknown)?;
        let before = account.person;
        let changed =
            store.change_account(login, role(name), &before.name, &before.section).await?;
        note(store, Happened::AccountChanged, &changed.login).await?;
        Ok(changed)
    })?;
    match context.lang {
        Lang::Ja => say!("{}さんの役割を{}にしました。", person.name, person.role.label()),
        Lang::En => say!("{} is now {}.", person.login, person.role.name()),
    }
    Ok(())
}
