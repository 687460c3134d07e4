//! What is installed, as the page of updates tells it: read anew for each page.

use jiff::civil::Date;

use super::problems::words;
use crate::sync::bundle::Kind;
use crate::sync::ledger::{Ledger, Row, TurnedAway, rows};
use crate::sync::trust::Root;
use crate::sync::{Floor, Installation, State, SyncError, Trust};
use crate::text::Lang;

/// Records of the ledger that the page shows.
const RECORDS_SHOWN: usize = 5;
/// Digits of a hash that names a generation for people.
const HASH_DIGITS: usize = 12;

/// All that the page shows.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) today: Date,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) trust: Option<(Trust, Result<Root, String>)>,
    /// What came in; or why it cannot be told.
    pub(crate) ledger: Result<Ledgered, String>,
    /// Attempts that were turned away because the ledger does not verify.
    pub(crate) turned_away: Option<TurnedAway>,
}

/// The ledger in short.
#[derive(Debug)]
pub(crate) struct Ledgered {
    /// The last attempts, newest first.
    pub(crate) rows: Vec<Row>,
    /// The number of all attempts, and of the records that they consist of.
    pub(crate) rows_count: usize,
    pub(crate) records_count: usize,
    pub(crate) head: String,
}

/// One thing that has generations.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) title: String,
    /// Generation in use, by its name on disk.
    pub(crate) current: String,
    /// The same for people.
    pub(crate) edition: String,
    /// The one before, for people.
    pub(crate) previous: Option<String>,
    pub(crate) as_of: Option<Date>,
    /// The day on which its publisher issued it; `None` for what was added by hand.
    pub(crate) issued: Option<Date>,
    pub(crate) stale: bool,
    /// 使用中, 試運転中, or what is wrong with it.
    pub(crate) note: Option<String>,
}

impl Overview {
    pub(crate) fn read(installation: &Installation) -> Result<Self, SyncError> {
        let state = installation.state()?;
        let today = today();
        let root = installation.trusted_root();
        let ledger = Ledger::of(installation).read();
        Ok(Self {
            today,
            subjects: subjects(installation, &state, today),
            trust: state.trust.clone().map(|trust| {
                let root = root
                    .map_err(|why| words(&why))
                    .and_then(|root| root.ok_or_else(|| "鍵の一覧が読めません。".to_owned()));
                (trust, root)
            }),
            ledger: ledger.map_err(|why| words(&why)).map(|chain| {
                let rows = rows(&chain);
                let (rows_count, records_count) = (rows.len(), chain.records.len());
                let rows = rows.into_iter().rev().take(RECORDS_SHOWN).collect();
                Ledgered { rows, rows_count, records_count, head: chain.head }
            }),
            turned_away: TurnedAway::read(installation),
        })
    }

    /// The subject of this name, if it is installed.
    pub(crate) fn subject(&self, kind: &str, id: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.kind.name() == kind && subject.id == id)
    }
}

fn subjects(installation: &Installation, state: &State, today: Date) -> Vec<Subject> {
    let mut subjects = datasets(installation, state, today);
    subjects.extend(models(installation, state, today));
    subjects.extend(assistants(installation, state, today));
    subjects.push(program(installation, state, today));
    subjects
}

fn datasets(installation: &Installation, state: &State, today: Date) -> Vec<Subject> {
    let subject = |(id, entry): (&String, &crate::sync::CurrentDataset)| {
        let record = installation.generation(id, &entry.current);
        let mut subject = bare(state, Kind::Dataset, id, &entry.current, today);
        subject.previous = before(installation, Kind::Dataset, id, entry.previous.as_deref());
        match record {
            Ok(record) => {
                subject.stale |= record.info.is_stale(today);
                subject.as_of = Some(record.info.as_of);
                subject.edition = record.info.edition;
                subject.title = record.info.title;
            }
            Err(why) => subject.note = Some(words(&why)),
        }
        subject
    };
    state.datasets.iter().map(subject).collect()
}

fn models(installation: &Installation, state: &State, today: Date) -> Vec<Subject> {
    let subject = |(id, blake3): (&String, &String)| {
        let mut subject = bare(state, Kind::Model, id, blake3, today);
        subject.edition = short(blake3);
        let previous = state.previous_models.get(id).map(String::as_str);
        subject.previous = before(installation, Kind::Model, id, previous);
        match installation.model(id, blake3) {
            Ok(record) => subject.title = record.name,
            Err(why) => subject.note = Some(words(&why)),
        }
        if state.model.as_ref() == Some(id) && subject.note.is_none() {
            subject.note = Some("使用中".to_owned());
        }
        subject
    };
    state.models.iter().map(subject).collect()
}

fn assistants(installation: &Installation, state: &State, today: Date) -> Vec<Subject> {
    let subject = |(id, entry): (&String, &crate::sync::CurrentDataset)| Subject {
        previous: before(installation, Kind::Assistants, id, entry.previous.as_deref()),
        ..bare(state, Kind::Assistants, id, &entry.current, today)
    };
    state.assistants.iter().map(subject).collect()
}

fn program(installation: &Installation, state: &State, today: Date) -> Subject {
    let named = |hash: &Option<String>| {
        installation.generation_label(Kind::App, "kura", hash.as_deref(), Lang::Ja)
    };
    let app = state.app.as_ref();
    let current = app.and_then(|app| app.current.clone()).unwrap_or_default();
    Subject {
        title: "kura".to_owned(),
        edition: env!("CARGO_PKG_VERSION").to_owned(),
        previous: app.and_then(|app| app.previous.as_ref()).map(named),
        note: app.and_then(|app| app.trial.as_ref()).map(|_| "試運転中".to_owned()),
        ..bare(state, Kind::App, "kura", &current, today)
    }
}

/// The generation before, for people.
fn before(installation: &Installation, kind: Kind, id: &str, name: Option<&str>) -> Option<String> {
    let name = name?;
    Some(installation.generation_label(kind, id, Some(name), Lang::Ja))
}

/// What the state alone says.
fn bare(state: &State, kind: Kind, id: &str, current: &str, today: Date) -> Subject {
    let floor = state.floors.get(&format!("{}/{id}", kind.name()));
    Subject {
        kind,
        id: id.to_owned(),
        title: id.to_owned(),
        current: current.to_owned(),
        edition: current.to_owned(),
        previous: None,
        as_of: None,
        issued: floor.and_then(issued),
        stale: floor.is_some_and(|floor| floor.is_due(today)),
        note: None,
    }
}

fn issued(floor: &Floor) -> Option<Date> {
    floor.issued_at.get(..10)?.parse().ok()
}

fn short(hash: &str) -> String {
    hash.chars().take(HASH_DIGITS).collect()
}

pub(super) fn today() -> Date {
    jiff::ZonedDateTime::now().date()
}
