//! Steps 1 to 4: the root chain, the signatures, the manifest, and whether it may come now.

use super::super::bundle::{Chunk, Kind, Manifest, Stick, version_numbers};
use super::super::ledger::{Known, Subject};
use super::super::records::State;
use super::super::trust::{Chain, Signed};
use super::super::writer::Writer;
use super::super::{Reason, Refusal, SyncError};
use super::{Imported, Importer, Preview};

/// A manifest that may be imported.
#[derive(Debug)]
pub(in crate::sync) struct Checked {
    pub(in crate::sync) manifest: Manifest,
    /// The manifest as it came, with its signatures: kept beside what it describes.
    pub(in crate::sync) signed: Signed,
    pub(in crate::sync) manifest_blake3: String,
    signers: Vec<String>,
    pub(super) is_in_use: bool,
}

impl Checked {
    pub(super) fn into_imported(self, changed: bool, read: u64, kept: u64) -> Imported {
        Imported {
            manifest: self.manifest,
            manifest_blake3: self.manifest_blake3,
            signers: self.signers,
            changed,
            bytes_read: read,
            bytes_kept: kept,
        }
    }

    pub(super) fn into_preview(self, wanted: Vec<Chunk>) -> Preview {
        Preview {
            manifest: self.manifest,
            manifest_blake3: self.manifest_blake3,
            signers: self.signers,
            is_in_use: self.is_in_use,
            wanted,
        }
    }
}

impl Importer<'_> {
    /// Whether a bundle may come now, without bringing it in.
    pub(super) fn check(
        &self,
        writer: &mut Writer,
        stick: &Stick,
        known: &mut Known,
    ) -> Result<Checked, SyncError> {
        // Step 1: from the root known here to the newest one on the stick.
        let chain = self.follow_roots(writer, stick)?;
        // A newer root counts from here on, whatever becomes of the rest: it may take back keys.
        writer.trust(&chain, self.trust.fingerprint.as_deref().unwrap_or_default())?;
        self.check_under(&chain, writer, stick, known)
    }

    /// Steps 1 to 4 without a change: what the bundle is, and whether it would be taken. Nothing
    /// is brought in, no newer root is kept, and the ledger says nothing of it.
    ///
    /// # Errors
    /// As [`Importer::import`].
    pub fn look(&self, stick: &Stick) -> Result<Imported, SyncError> {
        let writer = self.installation.writer()?;
        let chain = self.follow_roots(&writer, stick)?;
        let checked = self.check_under(&chain, &writer, stick, &mut Known::default())?;
        let is_new = !checked.is_in_use;
        Ok(checked.into_imported(is_new, 0, 0))
    }

    /// Steps 2 to 4.
    fn check_under(
        &self,
        chain: &Chain,
        writer: &Writer,
        stick: &Stick,
        known: &mut Known,
    ) -> Result<Checked, SyncError> {
        // Step 2: enough of some role's keys, so that a stranger's bytes are not even parsed …
        let signed = stick.manifest()?;
        let kinds = [Kind::App, Kind::Model, Kind::Dataset, Kind::Assistants];
        let root = &chain.in_force(self.today)?.root;
        if !kinds.iter().any(|kind| root.check(root.role(*kind), signed).is_ok()) {
            root.check(root.role(Kind::Dataset), signed)?;
        }
        // Step 3: what it says. Then enough keys of the role that it needs.
        let manifest = Manifest::parse(&signed.bytes)?;
        let signers = root.check(root.role(manifest.kind), signed)?;
        let manifest_blake3 = blake3::hash(&signed.bytes).to_hex().to_string();
        // From here on it is known what it is, whatever becomes of it.
        known.subject = Some(Subject::of(&manifest, &signers));
        // Step 4: meant for this box, and not older than what it had.
        self.check_fit(&manifest, root.version)?;
        let is_in_use = check_counter(writer.state(), &manifest, &manifest_blake3)?
            && writer.is_in_use(&manifest, &manifest_blake3);
        // Only what counted is kept: a stranger may put any number of files beside it.
        let mut signed = signed.clone();
        signed.signatures.retain(|(id, _)| signers.contains(id));
        Ok(Checked { manifest, signed, manifest_blake3, signers, is_in_use })
    }

    fn follow_roots(&self, writer: &Writer, stick: &Stick) -> Result<Chain, SyncError> {
        let links = stick.roots()?;
        let Some(fingerprint) = self.trust.fingerprint.as_deref() else {
            return Err(Refusal::new(Reason::NoTrustedRoot, "").into());
        };
        let known = match &writer.state().trust {
            // The settings name another root than the one that trust came from: a person chose
            // anew, as after all keys were lost.
            Some(trust) if trust.anchor == fingerprint => {
                Some(self.installation.known_root(trust)?)
            }
            _ => None,
        };
        let chain = match known {
            Some(bytes) => Chain::known(bytes)?,
            None => Chain::anchored(fingerprint, &links)?,
        };
        Ok(chain.follow(&links)?)
    }

    fn check_fit(&self, manifest: &Manifest, root_version: u32) -> Result<(), Refusal> {
        if manifest.channel != self.trust.channel {
            let (its, ours) = (&manifest.channel, &self.trust.channel);
            let ja = format!("チャンネル {its}。この機器が受け付けるのは {ours} です");
            let en = format!("channel {its}, this box takes {ours}");
            return Err(Refusal::told(Reason::NotForThisBox, ja, en));
        }
        if manifest.root_version != root_version {
            let its = manifest.root_version;
            let ja = format!(
                "目録はroot {its}、最新の鍵の一覧はroot {root_version} です。鍵を替える前に作られたものは、発行者に作り直しを求めてください"
            );
            let en = format!(
                "the manifest is of root {its}, the newest root is {root_version}; what was packed before keys were changed has to be packed again"
            );
            return Err(Refusal::told(Reason::MixedManifest, ja, en));
        }
        let own = env!("CARGO_PKG_VERSION");
        if version_numbers(&manifest.min_app) > version_numbers(own) {
            let least = &manifest.min_app;
            let ja = format!("必要な版 {least} 以降、この機器は {own}");
            let en = format!("needs {least}, this is {own}");
            return Err(Refusal::told(Reason::NeedsNewerApp, ja, en));
        }
        Ok(())
    }
}

/// Whether this very manifest was imported before.
fn check_counter(state: &State, manifest: &Manifest, blake3: &str) -> Result<bool, Refusal> {
    let Some(floor) = state.floors.get(&manifest.subject()) else { return Ok(false) };
    let (subject, its) = (manifest.subject(), manifest.counter);
    if its < floor.security_floor {
        return Err(below_floor(&subject, its, floor.security_floor));
    }
    if its < floor.counter {
        let had = floor.counter;
        let ja = format!("{subject}：番号 {its}、取り込み済みは {had}");
        let en = format!("{subject} {its} < {had}");
        return Err(Refusal::told(Reason::RolledBack, ja, en));
    }
    if its == floor.counter && floor.manifest != blake3 {
        let ja = format!("{subject}：番号 {its}");
        return Err(Refusal::told(Reason::Equivocation, ja, format!("{subject} {its}")));
    }
    Ok(manifest.counter == floor.counter)
}

/// Withdrawn by a publisher.
pub(in crate::sync) fn below_floor(subject: &str, counter: u64, floor: u64) -> Refusal {
    let ja = format!("{subject}：番号 {counter}、使えるのは {floor} 以降");
    Refusal::told(Reason::BelowSecurityFloor, ja, format!("{subject}: {counter} < {floor}"))
}
