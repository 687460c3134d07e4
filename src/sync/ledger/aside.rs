//! After an investigation: the ledger that does not verify is kept under another name, and a new
//! one begins that names it.

use std::path::PathBuf;

use super::super::writer::Writer;
use super::super::{SyncError, disk};
use super::mark::Mark;
use super::trace::TurnedAway;
use super::{Entry, Event, Ledger, Who};
use crate::text::Lang;

/// What was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// The files, under the names that they have now.
    pub files: Vec<PathBuf>,
    /// BLAKE3 of the old ledger, lowercase hexadecimal; of nothing where it was gone.
    pub blake3: String,
}

impl Ledger {
    /// Puts a ledger that does not verify aside and begins a new one with a record of it. `None`
    /// where the ledger is whole: then nothing is done.
    ///
    /// # Errors
    /// The files cannot be moved or written.
    pub fn set_aside(&self, _writer: &Writer, who: &Who) -> Result<Option<Aside>, SyncError> {
        let fault = match self.read() {
            Err(SyncError::Ledger { fault, .. }) => fault,
            other => return other.map(|_| None),
        };
        let stamp: String =
            crate::document::timestamp().chars().filter(char::is_ascii_digit).take(14).collect();
        let bytes = disk::read(&self.path)?.unwrap_or_default();
        let blake3 = super::hash(&bytes);
        let turned_away = TurnedAway::read(&self.installation).map_or(0, |noted| noted.attempts);
        let mut files = Vec::new();
        // The mark first: a power cut in between leaves a ledger without one, which is still seen.
        for from in [Mark::path(&self.installation), self.path.clone()] {
            if from.exists() {
                let name = from.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let to = from.with_file_name(format!("{name}.{stamp}"));
                disk::rename(&from, &to)?;
                files.push(to);
            }
        }
        disk::sync_dir(self.installation.root())?;
        let kept: Vec<&str> =
            files.iter().filter_map(|path: &PathBuf| path.file_name()?.to_str()).collect();
        let (en, ja) = (fault.words(Lang::En), fault.words(Lang::Ja));
        let detail = format!(
            "the ledger before did not verify ({en}); kept: {}; BLAKE3 of the ledger {blake3}; \
             {turned_away} attempt(s) were turned away meanwhile",
            kept.join(", ")
        );
        let ja = format!(
            "前の記録を検証できないため（{ja}）、新しい記録を始めました。\
             保全したファイル：{}。前の記録のBLAKE3：{blake3}。\
             その間に受け付けなかった操作：{turned_away}件",
            kept.join("、")
        );
        self.begin_anew(Entry {
            who: who.clone(),
            detail,
            ja: Some(ja),
            ..Entry::of(Event::Restarted)
        })?;
        TurnedAway::clear(&self.installation)?;
        Ok(Some(Aside { files, blake3 }))
    }
}
