//! `kura model fetch`: downloads a model of the catalogue, on the connected machine that packs.
//!
//! The only code that opens a connection, left out of every binary that was not built with the
//! feature `connected`. A file gets its name only when it is whole, has the hash that the hub names
//! and is a model that kura can use; what a broken-off download left is continued the next time.

mod hub;
mod part;
mod sha256;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::ProgressBar;

use super::catalogue::{self, Entry};
use super::{Context, Failure, output};
use crate::llm::Model;
use crate::sync::Room;
use crate::text::Lang;
use hub::{Hub, HubError, Offer};
use part::{Part, Refusal};

/// Tries in a row that brought no new byte, after which the person decides.
const TRIES: u32 = 3;
/// Pause before the next try.
const PAUSE: Duration = Duration::from_secs(1);
/// Characters of the hash in a partial file's name.
const HASH_SHOWN: usize = 12;

pub(super) fn run(context: &Context, id: &str, to: &Path) -> Result<(), Failure> {
    let (entry, target) = fetch(context, id, to)?;
    match context.lang {
        Lang::Ja => say!("登録するには：kura model add {} --id {}", target.display(), entry.id),
        Lang::En => say!("To install it: kura model add {} --id {}", target.display(), entry.id),
    }
    Ok(())
}

/// Has the file of an entry of the catalogue in a folder, whole and checked.
pub(super) fn fetch(context: &Context, id: &str, to: &Path) -> Result<(Entry, PathBuf), Failure> {
    let entry = entry(id)?;
    fs::create_dir_all(to).map_err(|why| unwritable(to, &why))?;
    let target = to.join(entry.file.rsplit('/').next().unwrap_or(&entry.file));
    let runtime = super::serve::runtime()?;
    let hub = Hub::new(&entry).map_err(|why| why.failure(&entry))?;
    let offer = runtime.block_on(hub.offer()).map_err(|why| why.failure(&entry))?;
    announce(context, &entry, &offer, hub.address());
    if target.exists() {
        already(context, &offer, &target)?;
        return Ok((entry, target));
    }
    let mut part = open_part(&target, &offer)?;
    room(to, offer.size_bytes.saturating_sub(part.length_bytes()))?;
    let bar = output::progress_bytes(context, offer.size_bytes, "取得しています", "Fetching");
    let pulled = runtime.block_on(pull(&hub, &entry, &offer, &mut part, &bar));
    bar.finish_and_clear();
    pulled?;
    check(context, &offer, &part)?;
    part.become_file(&target).map_err(|why| unwritable(&target, &why))?;
    done(context, &offer, &target);
    Ok((entry, target))
}

/// The entry of the catalogue, if it says where a GGUF file lies.
fn entry(id: &str) -> Result<Entry, Failure> {
    let entry =
        catalogue::entries()?.into_iter().find(|entry| entry.id == id).ok_or_else(|| {
            Failure::new(
                format!(
                    "「{id}」はカタログにありません。kura model catalogue で確かめてください。"
                ),
                format!("{id} is not in the catalogue; see kura model catalogue"),
            )
        })?;
    if entry.self_test {
        return Err(Failure::new(
            format!("「{id}」はkuraに付属しているので、取得は要りません。"),
            format!("{id} comes with kura; there is nothing to fetch"),
        ));
    }
    if entry.repository.is_empty() || entry.file.is_empty() {
        return Err(Failure::new(
            format!(
                "「{id}」には取得できるGGUFファイルがありません。{}を入手し、GGUFに変換してから kura model add で登録してください。",
                entry.repository
            ),
            format!(
                "the catalogue names no GGUF file for {id}; get {}, convert it to GGUF, then: kura model add",
                entry.repository
            ),
        ));
    }
    Ok(entry)
}

/// Says what will be fetched and on which terms, before the first byte.
fn announce(context: &Context, entry: &Entry, offer: &Offer, hub: &str) {
    let size_mb = offer.size_bytes as f64 / 1e6;
    let stated = offer.licence.as_deref();
    match context.lang {
        Lang::Ja => {
            say!("{}：{hub}/{} の {}（{size_mb:.0}MB）", entry.title, entry.repository, entry.file);
            say!(
                "ライセンス：{}（配布元の表示：{}）。使う前に条件を確かめてください。",
                entry.licence,
                stated.unwrap_or("なし")
            );
        }
        Lang::En => {
            say!("{}: {} of {hub}/{} ({size_mb:.0} MB)", entry.title, entry.file, entry.repository);
            say!(
                "Licence: {} (the hub says: {}). Read its terms before use.",
                entry.licence,
                stated.unwrap_or("nothing")
            );
        }
    }
}

/// A file of that name is there: the same one needs no download, another one is not overwritten.
fn already(context: &Context, offer: &Offer, target: &Path) -> Result<(), Failure> {
    let same = match &offer.sha256 {
        Some(sha256) => hash(context, target, offer.size_bytes)? == *sha256,
        None => fs::metadata(target).is_ok_and(|found| found.len() == offer.size_bytes),
    };
    if same {
        done(context, offer, target);
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "{}には配布元と内容の違うファイルがあります。移すか、--to で別のフォルダーを指定してください。",
            target.display()
        ),
        format!(
            "{} is there with other content than the hub's; move it, or choose another folder with --to",
            target.display()
        ),
    ))
}

/// What a former try left of this very content, or an empty file.
fn open_part(target: &Path, offer: &Offer) -> Result<Part, Failure> {
    let content = offer.sha256.as_ref().unwrap_or(&offer.commit);
    let shown: String = content.chars().filter(char::is_ascii_hexdigit).take(HASH_SHOWN).collect();
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{shown}.part"));
    let path = PathBuf::from(name);
    Part::open(&path, offer.size_bytes).map_err(|why| unwritable(&path, &why))
}

/// Refuses before the first byte what the disk cannot hold.
fn room(to: &Path, needed_bytes: u64) -> Result<(), Failure> {
    let Ok(room) = Room::of(to) else { return Ok(()) };
    let free_bytes = room.free;
    if free_bytes >= needed_bytes {
        return Ok(());
    }
    let (free_mb, needed_mb) = (free_bytes / 1_000_000, needed_bytes.div_ceil(1_000_000));
    Err(Failure::new(
        format!(
            "{}の空きは{free_mb}MBで、{needed_mb}MB必要です。空きを作るか、--to で別のフォルダーを指定してください。",
            to.display()
        ),
        format!("{} has {free_mb} MB free and {needed_mb} MB are needed", to.display()),
    ))
}

/// Streams until the file is whole; a connection that breaks is taken up where it broke.
async fn pull(
    hub: &Hub,
    entry: &Entry,
    offer: &Offer,
    part: &mut Part,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut fruitless = 0;
    // Rate and remaining time are of this download, not of what was there before.
    bar.set_position(part.length_bytes());
    bar.reset_eta();
    while part.length_bytes() < offer.size_bytes {
        let before = part.length_bytes();
        let outcome = hub.stream(offer, part, |length| bar.set_position(length)).await;
        let Err(why) = outcome else { continue };
        fruitless = if part.length_bytes() > before { 0 } else { fruitless + 1 };
        if matches!(why, HubError::Refused(Refusal::TooLong)) {
            part.remove();
            return Err(why.failure(entry));
        }
        if why.is_final() || fruitless == TRIES {
            let failure = why.failure(entry);
            if part.length_bytes() > 0 {
                return Err(resumable(&failure, part));
            }
            part.remove();
            return Err(failure);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Adds that the next run goes on from here.
fn resumable(failure: &Failure, part: &Part) -> Failure {
    let length_mb = part.length_bytes() as f64 / 1e6;
    let ja = format!(
        "{}{length_mb:.1}MBまでは保存してあり、もう一度実行すると続きから取得します。",
        failure.message(Lang::Ja)
    );
    let en = format!(
        "{} ({length_mb:.1} MB are kept; run it again to go on from there)",
        failure.message(Lang::En)
    );
    Failure::new(ja, en)
}

/// The hub's hash, then the format. What does not hold is thrown away, so that the next run starts
/// anew.
fn check(context: &Context, offer: &Offer, part: &Part) -> Result<(), Failure> {
    if let Some(expected) = &offer.sha256 {
        let found = hash(context, part.path(), offer.size_bytes)?;
        if found != *expected {
            part.remove();
            return Err(Failure::new(
                format!(
                    "取得した内容が配布元の示すSHA-256と違うため、捨てました（配布元 {expected}、実際 {found}）。もう一度実行してください。"
                ),
                format!(
                    "what came has another SHA-256 than the hub names and was thrown away (hub {expected}, found {found}); run it again"
                ),
            ));
        }
    }
    Model::check(part.path()).map(drop).map_err(|why| {
        part.remove();
        Failure::new(
            format!("取得したファイルはモデルとして使えないため、捨てました（{why}）。"),
            format!("what came cannot be used as a model and was thrown away: {why}"),
        )
    })
}

fn hash(context: &Context, path: &Path, size_bytes: u64) -> Result<String, Failure> {
    let bar = output::progress_bytes(context, size_bytes, "検査しています", "Checking");
    let read = File::open(path).and_then(|file| sha256::of(bar.wrap_read(file)));
    bar.finish_and_clear();
    read.map_err(|why| unwritable(path, &why))
}

fn done(context: &Context, offer: &Offer, target: &Path) {
    let path = target.display();
    match (context.lang, &offer.sha256) {
        (Lang::Ja, Some(sha256)) => {
            say!("{path} があります。SHA-256は配布元の値と一致しました（{sha256}）。");
        }
        (Lang::Ja, None) => {
            say!(
                "{path} があります。配布元がSHA-256を示していないため、大きさだけを照合しました。"
            );
        }
        (Lang::En, Some(sha256)) => say!("{path} is here; its SHA-256 is the hub's ({sha256})."),
        (Lang::En, None) => say!("{path} is here; the hub names no SHA-256: only its size agrees."),
    }
}

fn unwritable(path: &Path, why: &io::Error) -> Failure {
    Failure::new(
        format!(
            "{}を読み書きできません（{why}）。空き容量と権限を確認してください。",
            path.display()
        ),
        format!("cannot read or write {}: {why}", path.display()),
    )
}
