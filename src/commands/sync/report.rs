//! What became of a bundle, for people and as JSON.

use std::path::Path;

use jiff::civil::Date;
use serde::Serialize;

use crate::answer::golden::GoldenOutcome;
use crate::commands::{Context, Failure, output};
use crate::sync::bundle::{Kind, Manifest};
use crate::sync::{Imported, Installation, Reason, SyncError};
use crate::text::Lang;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Imported,
    /// It was in use already.
    Unchanged,
    /// It was only looked at.
    WouldImport,
    Refused,
    /// Stopped by a person, by a medium that is gone, or for want of space; goes on when run again.
    Interrupted,
    /// The box could not read or write.
    Failed,
}

impl Outcome {
    pub(super) fn is_good(self) -> bool {
        matches!(self, Self::Imported | Self::Unchanged | Self::WouldImport)
    }
}

/// One bundle.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Where it lies.
    path: String,
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<Bundle>,
    /// How its golden questions came out, where they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    golden: Option<GoldenOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// What happened and what to do, where it was not taken.
    #[serde(skip_serializing_if = "String::is_empty")]
    ja: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    en: String,
}

/// What its manifest says, once the signatures were right.
#[derive(Debug, Serialize)]
struct Bundle {
    kind: Kind,
    id: String,
    title: String,
    edition: String,
    counter: u64,
    issued_at: String,
    /// データ基準日, of a data set that is in use.
    as_of: Option<Date>,
    bytes: u64,
    /// Of these, what came from the medium, and what was on the box already.
    bytes_read: u64,
    bytes_kept: u64,
    signers: Vec<Signer>,
}

/// A key whose signature counted.
#[derive(Debug, Serialize)]
struct Signer {
    key: String,
    /// As the root document says; empty where it is not known yet.
    owner: String,
}

impl Report {
    pub(super) fn of_bundle(
        installation: &Installation,
        path: &Path,
        outcome: Outcome,
        imported: Imported,
        golden: Option<GoldenOutcome>,
    ) -> Self {
        let manifest = imported.manifest;
        let as_of = match outcome {
            Outcome::WouldImport => None,
            _ => as_of(installation, &manifest),
        };
        let bundle = Bundle {
            as_of,
            kind: manifest.kind,
            id: manifest.id,
            title: manifest.title,
            edition: manifest.edition,
            counter: manifest.counter,
            issued_at: manifest.issued_at,
            bytes: manifest.totals.raw,
            bytes_read: imported.bytes_read,
            bytes_kept: imported.bytes_kept,
            signers: signers(installation, imported.signers),
        };
        let (ja, en) = (String::new(), String::new());
        let path = path.display().to_string();
        Self { path, outcome, bundle: Some(bundle), golden, reason: None, ja, en }
    }

    pub(super) fn of_error(path: &Path, error: &SyncError, golden: Option<GoldenOutcome>) -> Self {
        let (outcome, reason) = match error {
            SyncError::Refused(refusal) => match refusal.reason {
                Reason::Cancelled | Reason::NoSpace | Reason::Unreadable => {
                    (Outcome::Interrupted, Some(refusal.reason))
                }
                reason => (Outcome::Refused, Some(reason)),
            },
            _ => (Outcome::Failed, None),
        };
        let words = Failure::from_sync(error);
        let (ja, en) = (words.message(Lang::Ja).to_owned(), words.message(Lang::En).to_owned());
        let path = path.display().to_string();
        Self { path, outcome, bundle: None, golden, reason, ja, en }
    }

    /// Prints it for people.
    pub(super) fn say(&self, context: &Context) {
        match &self.bundle {
            Some(bundle) => bundle.say(context, self.outcome),
            None => {
                let path = output::name(&self.path);
                let ja = format!("{path}：取り込みませんでした。{}", self.ja);
                let en = format!("{path}: not imported: {}", self.en);
                say!("{}", context.words(&ja, &en));
            }
        }
        if let Some(golden) = &self.golden {
            output::golden(context, golden);
        }
    }
}

impl Bundle {
    fn say(&self, context: &Context, outcome: Outcome) {
        let of_day = self.as_of.map(|day| match context.lang {
            Lang::Ja => format!("、データ基準日 {day}"),
            Lang::En => format!(", as of {day}"),
        });
        let of_day = of_day.unwrap_or_default();
        let (title, edition, id) = (&self.title, &self.edition, &self.id);
        let what = match context.lang {
            Lang::Ja => format!(
                "{}「{title}」（{id}、版 {edition}、番号 {}{of_day}）",
                self.kind.label(),
                self.counter
            ),
            Lang::En => format!(
                "{} {title} ({id}, edition {edition}, number {}{of_day})",
                self.kind.name(),
                self.counter
            ),
        };
        let (ja, en) = match (outcome, self.kind) {
            (Outcome::Unchanged, _) => ("は取り込み済みです。", " is in use already."),
            (Outcome::WouldImport, _) => ("は取り込めます。", " would be imported."),
            (_, Kind::App) => (
                "を取り込みました。動いているkura serveは、回答中のものを終えてから切り替わります。",
                " is imported; a running kura serve changes to it after its answers under way.",
            ),
            _ => ("を取り込み、切り替えました。", " is imported and in use."),
        };
        say!("{what}{}", context.words(ja, en));
        let signers = self.signers.iter().map(|signer| match signer.owner.as_str() {
            "" => signer.key.clone(),
            owner => format!("{owner} ({})", signer.key),
        });
        let signers = signers.collect::<Vec<_>>().join(context.words("、", ", "));
        say!("  {}: {signers}", context.words("署名", "signed by"));
        if outcome == Outcome::Imported {
            let read = output::megabytes(self.bytes_read);
            let kept = output::megabytes(self.bytes_kept);
            let ja = format!("媒体から {read}、この機器にあった分 {kept}");
            let en = format!("{read} from the medium, {kept} were on this box");
            say!("  {}", context.words(&ja, &en));
        }
    }
}

/// The day of the data set in use; none where it cannot be told.
fn as_of(installation: &Installation, manifest: &Manifest) -> Option<Date> {
    if manifest.kind != Kind::Dataset {
        return None;
    }
    let state = installation.state().ok()?;
    let entry = state.datasets.get(&manifest.id)?;
    Some(installation.generation(&manifest.id, &entry.current).ok()?.info.as_of)
}

/// Names beside key ids, from the root that is trusted now.
fn signers(installation: &Installation, keys: Vec<String>) -> Vec<Signer> {
    let root = installation.trusted_root().ok().flatten();
    let known = root.map(|root| root.keys).unwrap_or_default();
    let owner = |id: &str| known.iter().find(|key| key.id == id).map(|key| key.owner.clone());
    keys.into_iter().map(|key| Signer { owner: owner(&key).unwrap_or_default(), key }).collect()
}
