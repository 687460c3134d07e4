//! What every kind of bundle goes through: root and keys, number, room, writing, the record of it.

use std::sync::atomic::AtomicBool;

use super::super::key::{self, Keys, Known, Unlocked};
use super::super::{Context, Failure, output};
use super::records::Records;
use super::report;
use crate::cli::PackTo;
use crate::sync::Room;
use crate::sync::bundle::{ArtifactRole, Header, Kind, id_is_plain};
use crate::sync::pack::{Content, Earlier, PackError, Packed, Packer, Signer, Source};
use crate::sync::trust::{Link, Root};
use crate::text::Lang;

/// What a bundle is of.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) edition: String,
    pub(super) stale_after_days: u32,
}

/// All that was found good before the work.
pub(super) struct Press<'c> {
    context: &'c Context,
    to: &'c PackTo,
    cancelled: &'c AtomicBool,
    subject: Subject,
    root: Root,
    links: Vec<Link>,
    signers: Vec<Unlocked>,
    records: Records,
    counter: u64,
}

impl<'c> Press<'c> {
    pub(super) fn begin(
        context: &'c Context,
        to: &'c PackTo,
        subject: Subject,
        cancelled: &'c AtomicBool,
    ) -> Result<Self, Failure> {
        check_names(&subject)?;
        make_out(&to.out)?;
        let keys = Keys::of(&to.place)?;
        let packed = to.packed.clone().unwrap_or_else(|| keys.home().join("packed"));
        let records = Records::read(&packed, subject.kind, &subject.id)?;
        if let Some(since) = &to.since {
            records.edition(since)?;
        }
        let counter = next_counter(to, &records)?;
        let dir = to.root.clone().unwrap_or_else(|| keys.home());
        let links = key::read_roots(&dir)?;
        let newest = key::newest(&links);
        let root = newest.map_err(|why| half_signed(&dir, &links).unwrap_or(why))?.root;
        in_force(&root)?;
        let chosen = signers(to, &keys, &root, subject.kind)?;
        let unlocked = chosen.iter().map(|key| keys.unlock(context, &key.name));
        let signers = unlocked.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { context, to, cancelled, subject, root, links, signers, records, counter })
    }

    /// Whether only what changed is packed.
    pub(super) fn is_delta(&self) -> bool {
        self.to.since.is_some()
    }

    /// Whether only JSON is printed.
    pub(super) fn json(&self) -> bool {
        self.to.json
    }

    /// Packs the files.
    pub(super) fn finish(&self, sources: &[Source]) -> Result<(), Failure> {
        let kept = self.to.since.as_deref().and_then(|edition| self.records.passages(edition));
        let kept = kept.filter(|path| self.can_read(path));
        let since = match &self.to.since {
            Some(edition) => {
                let manifest = self.records.edition(edition)?;
                Some(Earlier { manifest, passages: kept.as_deref() })
            }
            None => None,
        };
        self.check_room(sources, since)?;
        let packed = self.write(sources, since)?;
        let record = self.records.keep(&packed.manifest, &packed.signed.bytes)?;
        let passages = sources.iter().find(|source| source.role == ArtifactRole::Passages);
        if let Some(Source { content: Content::File(path), .. }) = passages {
            // The bundle is whole without it.
            if let Err(why) = self.records.keep_passages(&packed.manifest, path) {
                output::warn(&why, self.context.lang);
            }
        }
        let manifest = &packed.manifest;
        let role = self.root.role(manifest.kind);
        let status = key::count(manifest.kind.name(), &self.root, role, &packed.signed);
        report::tell(self.context, self.to.json, &packed, &record, status)
    }

    /// A delta without the earlier passages is larger, and right.
    fn can_read(&self, kept: &std::path::Path) -> bool {
        let opened = std::fs::File::open(kept);
        if let Err(why) = &opened {
            output::warn(&key::unusable(kept, why), self.context.lang);
        }
        opened.is_ok()
    }

    fn header(&self) -> Header {
        let subject = self.subject.clone();
        Header {
            channel: self.to.channel.clone(),
            kind: subject.kind,
            id: subject.id,
            title: subject.title,
            edition: subject.edition,
            counter: self.counter,
            root_version: self.root.version,
            stale_after_days: self.to.stale_after_days.unwrap_or(subject.stale_after_days),
            min_app: self.to.min_app.clone(),
            security_floor: self.to.security_floor,
        }
    }

    /// Says how much comes and how much fits, and refuses what does not.
    fn check_room(&self, sources: &[Source], since: Option<Earlier<'_>>) -> Result<(), Failure> {
        let out = &self.to.out;
        let room = Room::of(out)?;
        let raw = self.with_packer(sources, since, &[], &|_| (), |packer| packer.raw_bytes())?;
        if !self.json() {
            let (raw_mb, free_mb) = (report::megabytes(raw), report::megabytes(room.free));
            match self.context.lang {
                Lang::Ja => say!(
                    "書き込む内容は最大{raw_mb}MB（圧縮前）、{}の空きは{free_mb}MBです。",
                    out.display()
                ),
                Lang::En => say!(
                    "At most {raw_mb} MB to write (before compression); {} has {free_mb} MB free.",
                    out.display()
                ),
            }
        }
        // Chunks have 16 KiB or more on average.
        if room.taken(raw / (16 * 1024) + 64, raw) <= room.free {
            return Ok(());
        }
        let words = ("大きさを測っています", "Measuring");
        let sizes = self.with_bar(raw, words, |told| {
            self.with_packer(sources, since, &[], told, |packer| packer.measure())
        })?;
        let needed = room.taken(sizes.chunks + 64, sizes.stored);
        match needed <= room.free {
            true => Ok(()),
            false => Err(report::no_space(out, needed, room.free)),
        }
    }

    fn write(&self, sources: &[Source], since: Option<Earlier<'_>>) -> Result<Packed, Failure> {
        let signers: Vec<Box<Signer<'_>>> = self
            .signers
            .iter()
            .map(|key| -> Box<Signer<'_>> {
                Box::new(|message: &[u8], comment: &str| key.sign(message, comment))
            })
            .collect();
        let signers: Vec<&Signer<'_>> = signers.iter().map(AsRef::as_ref).collect();
        let raw = self.with_packer(sources, since, &[], &|_| (), |packer| packer.raw_bytes())?;
        self.with_bar(raw, ("書き込んでいます", "Writing"), |told| {
            self.with_packer(sources, since, &signers, told, |packer| packer.pack())
        })
    }

    fn with_bar<T>(
        &self,
        raw: u64,
        (ja, en): (&str, &str),
        work: impl FnOnce(&dyn Fn(u64)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let bar = output::progress_bytes(self.context, raw, ja, en);
        let outcome = work(&|bytes| bar.inc(bytes));
        bar.finish_and_clear();
        outcome
    }

    fn with_packer<T>(
        &self,
        sources: &[Source],
        since: Option<Earlier<'_>>,
        signers: &[&Signer<'_>],
        progress: &dyn Fn(u64),
        work: impl FnOnce(&Packer<'_>) -> Result<T, PackError>,
    ) -> Result<T, Failure> {
        let packer = Packer {
            header: self.header(),
            sources,
            roots: &self.links,
            out: &self.to.out,
            since,
            packed_before: self.records.packed(&self.subject.edition),
            signers,
            progress,
            cancelled: self.cancelled,
        };
        work(&packer).map_err(|why| report::failure(&why))
    }
}

/// Makes the folder where only its last part is missing: more than that is a stick that is not
/// mounted, or a slip.
fn make_out(out: &std::path::Path) -> Result<(), Failure> {
    if out.is_dir() {
        return Ok(());
    }
    std::fs::create_dir(out).map_err(|why| {
        let out = out.display();
        Failure::new(
            format!(
                "{out}というフォルダーがなく、作れません（{why}）。USBメモリーが接続されているか確かめてください。"
            ),
            format!("there is no folder {out}, and it cannot be made ({why}); check that the stick is mounted"),
        )
    })
}

/// Where signatures of the newest root are still to come: what its owners do about it.
fn half_signed(dir: &std::path::Path, links: &[Link]) -> Option<Failure> {
    let (last, before) = links.split_last()?;
    // The chain is sound without it, so that it is this one that lacks something.
    let root = Root::parse(&last.signed.bytes).ok()?;
    let old = match before {
        [] => None,
        _ => Some(key::newest(before).ok()?.root),
    };
    let roots = old.iter().chain([&root]);
    let mut owners: Vec<String> = roots.flat_map(|root| open_owners(root, last)).collect();
    if owners.is_empty() {
        return None;
    }
    let place = dir.join("root").join(format!("{}.json", last.version));
    let (number, place) = (last.version, place.display().to_string());
    owners.sort();
    owners.dedup();
    Some(Failure::new(
        format!(
            "root {number} の署名がそろっていないので、まだ作れません（署名していない人：{}）。その人が {place} を自分の端末に写し、kura key sign {number}.json --key 名前 で署名して、できた .minisig を同じフォルダーに戻してください。",
            owners.join("、")
        ),
        format!(
            "root {number} is not signed by enough keys yet (open: {}). Have them copy {place}, run kura key sign {number}.json --key NAME, and bring the .minisig file back into the same folder",
            owners.join(", ")
        ),
    ))
}

/// Those who have not signed a root document that needs more signatures.
fn open_owners(root: &Root, link: &Link) -> Vec<String> {
    let signed = &link.signed;
    if root.check(&root.root, signed).is_ok() {
        return Vec::new();
    }
    let keys = root.keys.iter().filter(|key| root.root.keys.contains(&key.id));
    let open = keys.filter(|key| {
        let mut theirs = signed.signatures.iter().filter(|(id, _)| *id == key.id);
        !theirs.any(|(_, text)| key.public_key.has_signed(&signed.bytes, text))
    });
    open.map(|key| key.owner.clone()).collect()
}

fn check_names(subject: &Subject) -> Result<(), Failure> {
    for name in [&subject.id, &subject.edition] {
        if !id_is_plain(name) {
            return Err(Failure::usage(
                format!(
                    "「{name}」はIDや版に使えません。英小文字・数字・. _ - で64文字まで、先頭は英小文字か数字にしてください。"
                ),
                format!(
                    "{name:?} is no id or edition: lowercase letters, digits, . _ -, at most 64, a letter or digit first"
                ),
            ));
        }
    }
    Ok(())
}

/// One more than the last, or what was asked for if it is more.
fn next_counter(to: &PackTo, records: &Records) -> Result<u64, Failure> {
    let last = records.last_counter();
    match to.counter {
        Some(counter) if counter <= last => Err(Failure::usage(
            format!(
                "--counter {counter} は、最後に作った番号{last}より大きくしてください。機器は古い番号を受け付けません。"
            ),
            format!(
                "--counter {counter} must be above {last}, the last one packed: appliances refuse to go back"
            ),
        )),
        Some(counter) => Ok(counter),
        None => Ok(last.saturating_add(1)),
    }
}

fn in_force(root: &Root) -> Result<(), Failure> {
    match jiff::ZonedDateTime::now().date() > root.expires {
        false => Ok(()),
        true => Err(Failure::new(
            format!(
                "root {}の期限（{}）が過ぎています。kura key rotate で新しいrootを作ってください。",
                root.version, root.expires
            ),
            format!(
                "root {} has expired ({}); make the next one with: kura key rotate",
                root.version, root.expires
            ),
        )),
    }
}

/// The keys that sign: those that were named, or as many as are needed of those that are here.
fn signers(to: &PackTo, keys: &Keys, root: &Root, kind: Kind) -> Result<Vec<Known>, Failure> {
    let role = root.role(kind);
    if !to.names.is_empty() {
        let named = to.names.iter().map(|name| keys.find(name));
        let named = named.collect::<Result<Vec<_>, _>>()?;
        return match named.iter().find(|key| !role.keys.contains(&key.id)) {
            Some(stranger) => Err(key::not_a_signer(stranger, kind.name())),
            None => Ok(named),
        };
    }
    let all = keys.all()?;
    let chosen: Vec<Known> = key::enough(&[role], &all).into_iter().cloned().collect();
    match chosen.is_empty() {
        false => Ok(chosen),
        true => Err(Failure::new(
            format!(
                "{}に署名できる秘密鍵がここにありません。--keys で鍵のフォルダーを指定してください。",
                kind.label()
            ),
            format!(
                "no secret key that may sign a bundle of kind {} is here; name the folder of keys with --keys",
                kind.name()
            ),
        )),
    }
}
