//! Going back to the generation before, with a record of who did it.

use std::fs;
use std::path::Path;

use super::bundle::{Kind, Manifest};
use super::ledger::{Change, Event, Ledger, Subject, Who};
use super::{Installation, SyncError};
use crate::text::Lang;

/// What stands for the installed package where an edition is named.
const PACKAGE: (&str, &str) = ("導入時のプログラム", "the installed package");
/// Digits of a hash that names what has no edition.
const SHORT: usize = 12;

impl Installation {
    /// Goes back to the generation before; asked again, it comes forward. Gives the name of the
    /// generation in use now.
    ///
    /// # Errors
    /// There is none before, or it was withdrawn for security; [`SyncError::Locked`] while another
    /// change runs; the ledger does not verify; reading or writing the data folder failed.
    pub fn roll_back(&self, kind: Kind, id: &str, who: &Who) -> Result<String, SyncError> {
        let mut writer = self.writer()?;
        let ledger = Ledger::of(self);
        ledger.ready(writer.state(), who, &format!("rollback {}/{id}", kind.name()))?;
        // On record first: a power cut between the two may leave a record too many, which the next
        // one shows, but never a generation that nobody can explain.
        let target = writer.generation_before(kind, id)?;
        let (now, before) = writer.dirs_of(kind, id);
        let from = now.map(|dir| self.edition_in(kind, id, dir.as_deref()));
        let to = before.map(|dir| self.subject_in(kind, id, dir.as_deref()));
        let change = Change { from, to };
        let detail = format!("{}/{id} → {target}", kind.name());
        ledger.note_back(Event::RolledBack, who, change.clone(), (detail, None))?;
        let done = writer.roll_back(kind, id);
        if let Err(error) = &done {
            let told = (error.to_string(), Some(error.message(Lang::Ja)));
            ledger.note_back(Event::Failed, who, change, told)?;
        }
        done
    }

    /// A generation for people: its edition, and the number of the bundle that brought it. `name`
    /// is that of its folder; `None` is the installed package.
    pub fn generation_label(&self, kind: Kind, id: &str, name: Option<&str>, lang: Lang) -> String {
        let Some(name) = name else {
            return if lang == Lang::Ja { PACKAGE.0 } else { PACKAGE.1 }.to_owned();
        };
        let dir = self.home_of(kind, id).join(name);
        let subject = self.subject_in(kind, id, Some(&dir));
        let (edition, counter) = (subject.edition, subject.counter);
        match (counter, lang) {
            (0, Lang::Ja) => format!("{edition}（手作業で追加）"),
            (0, Lang::En) => format!("{edition} (added by hand)"),
            (_, Lang::Ja) => format!("{edition}（番号 {counter}）"),
            (_, Lang::En) => format!("{edition} (number {counter})"),
        }
    }

    /// The edition of the generation in a folder; `None` is the installed package.
    pub(super) fn edition_in(&self, kind: Kind, id: &str, dir: Option<&Path>) -> String {
        let Some(dir) = dir else { return PACKAGE.0.to_owned() };
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bytes = fs::read(dir.join("manifest.json")).unwrap_or_default();
        if let Ok(manifest) = Manifest::parse(&bytes) {
            return manifest.edition;
        }
        // Added by hand.
        let edition = match kind {
            Kind::Dataset => self.generation(id, name).ok().map(|record| record.info.edition),
            Kind::Model | Kind::App => Some(name.chars().take(SHORT).collect()),
            Kind::Assistants => None,
        };
        edition.unwrap_or_else(|| name.to_owned())
    }

    /// What the generation in a folder is, for the ledger; `None` is the installed package.
    pub(super) fn subject_in(&self, kind: Kind, id: &str, dir: Option<&Path>) -> Subject {
        if let Some((subject, _)) = dir.and_then(Subject::in_dir) {
            return subject;
        }
        let name = dir.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let title = match kind {
            Kind::Dataset => self.generation(id, name).ok().map(|record| record.info.title),
            Kind::Model => self.model(id, name).ok().map(|record| record.name),
            Kind::App | Kind::Assistants => None,
        };
        Subject {
            kind,
            id: id.to_owned(),
            title: title.unwrap_or_else(|| id.to_owned()),
            edition: self.edition_in(kind, id, dir),
            counter: 0,
            signers: Vec::new(),
            files: Vec::new(),
        }
    }
}
