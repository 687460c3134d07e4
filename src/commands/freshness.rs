//! How fresh a data set is, and how it came: shown wherever a data set is, since a box that takes
//! no update goes on answering from what it has.

use jiff::civil::Date;
use serde::Serialize;

use crate::sync::bundle::Kind;
use crate::sync::ledger::{Ledger, Record};
use crate::sync::{GenerationRecord, Installation, Origin, State, days_between};
use crate::text::Lang;

/// What a list says beside a data set.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Freshness {
    /// Days since データ基準日; negative where that is yet to come.
    pub(super) days_since_as_of: i64,
    /// Older than the data set itself allows.
    pub(super) stale: bool,
    /// By when its publisher promised, an update should have come.
    pub(super) update_due: bool,
    /// The bundle that brought it; none by hand.
    pub(super) origin: Option<Origin>,
}

impl Freshness {
    pub(super) fn of(
        installation: &Installation,
        state: &State,
        ledger: &[Record],
        id: &str,
        record: &GenerationRecord,
    ) -> Self {
        let today = today();
        let generation = state.datasets.get(id).map(|entry| entry.current.as_str());
        let origin = generation.and_then(|name| installation.dataset_origin(id, name, ledger));
        Self {
            days_since_as_of: days_between(record.info.as_of, today).unwrap_or_default(),
            stale: record.info.is_stale(today),
            update_due: update_due(state, Kind::Dataset, id, today),
            origin,
        }
    }

    /// How it came, for a column.
    pub(super) fn came(&self, lang: Lang) -> String {
        match &self.origin {
            None => pick(lang, "手作業", "by hand").to_owned(),
            Some(origin) => format!("{} {}", pick(lang, "更新", "bundle"), origin.counter),
        }
    }

    /// The same with who signed.
    pub(super) fn came_whole(&self, lang: Lang) -> String {
        let Some(origin) = &self.origin else { return self.came(lang) };
        let signers = origin.signers.join(pick(lang, "、", ", "));
        let (counter, issued_at) = (origin.counter, &origin.issued_at);
        let ja = format!("署名された更新（番号 {counter}、発行 {issued_at}、署名 {signers}）");
        let en = format!("signed bundle (number {counter}, issued {issued_at}, by {signers})");
        if lang == Lang::Ja { ja } else { en }
    }

    /// What a person should know, if anything.
    pub(super) fn note(&self, lang: Lang) -> &'static str {
        match (self.update_due, self.stale) {
            (true, _) => pick(lang, "更新の時期を過ぎています", "an update is due"),
            (false, true) => pick(lang, "基準日から長くたっています", "old data"),
            (false, false) => "",
        }
    }
}

fn pick(lang: Lang, ja: &'static str, en: &'static str) -> &'static str {
    if lang == Lang::Ja { ja } else { en }
}

/// Whether the publisher of a `kind/id` let us expect an update before today.
pub(super) fn update_due(state: &State, kind: Kind, id: &str, today: Date) -> bool {
    let floor = state.floors.get(&format!("{}/{id}", kind.name()));
    floor.is_some_and(|floor| floor.is_due(today))
}

/// The records; none where the ledger is damaged, which `doctor` and `ledger` say.
pub(super) fn ledger(installation: &Installation) -> Vec<Record> {
    Ledger::of(installation).read().map(|chain| chain.records).unwrap_or_default()
}

/// As the box believes.
pub(super) fn today() -> Date {
    jiff::ZonedDateTime::now().date()
}
