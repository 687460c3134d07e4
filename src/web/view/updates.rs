//! The page of updates and the question before going back.

use askama::Template;
use jiff::civil::Date;

use super::{VERSION, japanese_date, render};
use crate::sync::bundle::Kind;
use crate::sync::ledger::{Event, Row};
use crate::sync::trust::Root;
use crate::sync::{TrustSettings, days_between};
use crate::web::updates::{Overview, Subject};

#[derive(Template)]
#[template(path = "updates.html", config = "src/web/askama.toml")]
struct UpdatesPage {
    version: &'static str,
    went_back: bool,
    banner: String,
    subjects: Vec<SubjectRow>,
    takes_uploads: bool,
    has_trust: bool,
    trust: Vec<(&'static str, String)>,
    trust_problem: String,
    ledger_problem: String,
    records: Vec<RecordRow>,
    rows_count: usize,
    records_count: usize,
    head: String,
}

struct SubjectRow {
    kind: &'static str,
    title: String,
    note: String,
    stale: bool,
    edition: String,
    as_of: String,
    issued: String,
    previous: String,
    can_go_back: bool,
    kind_name: &'static str,
    id: String,
}

struct RecordRow {
    number: u64,
    at: String,
    result: &'static str,
    result_class: &'static str,
    what: String,
    operator: String,
    reason: String,
}

/// What is installed and what came in. `takes` is `None` where only the commands update.
pub(crate) fn updates_page(
    overview: &Overview,
    takes: Option<&TrustSettings>,
    went_back: bool,
) -> String {
    let row = |subject| subject_row(subject, overview, takes.is_some());
    let (trust, trust_problem) = trust(overview, takes);
    let (told, ledger_problem) = match &overview.ledger {
        Ok(told) => (Some(told), String::new()),
        Err(why) => (None, ledger_problem(why, overview)),
    };
    let records = told.map(|told| told.rows.iter().map(record_row).collect());
    render(&UpdatesPage {
        version: VERSION,
        went_back,
        banner: banner(overview),
        subjects: overview.subjects.iter().map(row).collect(),
        takes_uploads: takes.is_some(),
        has_trust: !trust.is_empty(),
        trust,
        trust_problem,
        ledger_problem,
        records: records.unwrap_or_default(),
        rows_count: told.map_or(0, |told| told.rows_count),
        records_count: told.map_or(0, |told| told.records_count),
        head: told.map(|told| told.head.clone()).unwrap_or_default(),
    })
}

/// Why the ledger cannot be told, and what was turned away for it.
fn ledger_problem(why: &str, overview: &Overview) -> String {
    let turned_away = overview.turned_away.as_ref().map(|noted| {
        let (count, last) = (noted.attempts, &noted.last_at);
        format!("この状態で受け付けなかった操作が{count}件あります（最後は {last}）。")
    });
    format!("{why}{}", turned_away.unwrap_or_default())
}

/// Says which of what is installed is due for replacement; empty when nothing is.
fn banner(overview: &Overview) -> String {
    let stale: Vec<_> = overview
        .subjects
        .iter()
        .filter(|subject| subject.stale)
        .map(|subject| format!("「{}」", subject.title))
        .collect();
    match stale.is_empty() {
        true => String::new(),
        false => format!(
            "{}は、更新の時期を過ぎています。使い続けられますが、新しい版がないか発行者に確かめてください。",
            stale.join("")
        ),
    }
}

fn subject_row(subject: &Subject, overview: &Overview, may_go_back: bool) -> SubjectRow {
    let as_of = subject.as_of.map(|day| {
        let days = days_between(day, overview.today);
        let days = days.filter(|days| *days >= 0).map(|days| format!("（{days}日経過）"));
        format!("{}{}", japanese_date(day), days.unwrap_or_default())
    });
    SubjectRow {
        kind: subject.kind.label(),
        title: subject.title.clone(),
        note: subject.note.clone().unwrap_or_default(),
        stale: subject.stale,
        edition: subject.edition.clone(),
        as_of: as_of.unwrap_or_else(|| "―".to_owned()),
        issued: subject.issued.map_or_else(|| "―".to_owned(), japanese_date),
        previous: subject.previous.clone().unwrap_or_else(|| "なし".to_owned()),
        can_go_back: may_go_back && subject.previous.is_some(),
        kind_name: subject.kind.name(),
        id: subject.id.clone(),
    }
}

/// Rows about the root of trust, and what is wrong with it.
fn trust(
    overview: &Overview,
    takes: Option<&TrustSettings>,
) -> (Vec<(&'static str, String)>, String) {
    let anchor = takes.and_then(|trust| trust.fingerprint.clone());
    let Some((trust, root)) = &overview.trust else {
        let rows = anchor.map(|anchor| vec![("設定された指紋", anchor)]);
        return (rows.unwrap_or_default(), String::new());
    };
    let mut rows = vec![
        ("鍵の一覧の版", trust.root_version.to_string()),
        ("指紋（BLAKE3）", trust.root_blake3.clone()),
    ];
    if anchor.as_ref().is_some_and(|anchor| *anchor != trust.root_blake3) {
        rows.extend(anchor.map(|anchor| ("設定された指紋", anchor)));
    }
    let root = match root {
        Ok(root) => root,
        Err(why) => return (rows, why.clone()),
    };
    rows.push(("期限", format!("{}まで", japanese_date(root.expires))));
    let owners: Vec<_> =
        root.keys.iter().map(|key| format!("{}（{}）", key.owner, key.id)).collect();
    rows.push(("署名できる鍵", owners.join("、")));
    match overview.today > root.expires {
        true => {
            let why = "鍵の一覧の期限が過ぎています。機器の日付を確かめ、発行者に新しい鍵の一覧を求めてください。導入済みのものは使い続けられます。";
            (rows, why.to_owned())
        }
        false => (rows, expiry_notice(root, overview.today)),
    }
}

/// Before the root runs out, while there is time to ask for the next one.
fn expiry_notice(root: &Root, today: Date) -> String {
    let days = root.days_left(today);
    match root.expires_soon(today) {
        false => String::new(),
        true => format!(
            "鍵の一覧の期限まであと{days}日です。期限を過ぎると、新しい更新パッケージを取り込めません。新しい鍵の一覧を含む更新パッケージを、発行者に求めてください。"
        ),
    }
}

fn record_row(row: &Row) -> RecordRow {
    let what = match row.title.is_empty() {
        true => "―".to_owned(),
        false => format!("{}　版 {}", row.title, row.edition),
    };
    RecordRow {
        number: row.number,
        at: row.at.clone(),
        result: row.result(),
        result_class: match row.event {
            Some(Event::Refused | Event::Failed) => "bad",
            Some(Event::Imported | Event::Unchanged) => "good",
            _ => "other",
        },
        what,
        operator: row.operator.clone(),
        reason: row.reason.clone(),
    }
}

/// What going back would change, and what was typed so far.
pub(crate) struct RollBackDesk {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) title: String,
    /// Name on disk of the generation in use.
    pub(crate) current: String,
    pub(crate) edition: String,
    pub(crate) previous: String,
    pub(crate) operator: String,
    pub(crate) approver: String,
    pub(crate) error: String,
}

#[derive(Template)]
#[template(path = "rollback.html", config = "src/web/askama.toml")]
struct RollBackPage<'a> {
    version: &'static str,
    kind: &'static str,
    kind_name: &'static str,
    is_program: bool,
    desk: &'a RollBackDesk,
    has_error: bool,
}

/// Asks whether going back is meant.
pub(crate) fn rollback_page(desk: &RollBackDesk) -> String {
    render(&RollBackPage {
        version: VERSION,
        kind: desk.kind.label(),
        kind_name: desk.kind.name(),
        is_program: desk.kind == Kind::App,
        desk,
        has_error: !desk.error.is_empty(),
    })
}
