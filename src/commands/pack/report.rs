//! What packing says: the result, and what it could not do.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::super::key::{self, Signatures};
use super::super::{Context, Failure, output};
use crate::sync::bundle::{Kind, Totals};
use crate::sync::pack::{PackError, Packed, Sizes};
use crate::text::Lang;

/// Says what lies on the stick, and how many have signed it.
pub(super) fn tell(
    context: &Context,
    json: bool,
    packed: &Packed,
    record: &Path,
    status: Signatures,
) -> Result<(), Failure> {
    let manifest = &packed.manifest;
    if json {
        return output::json(&Told::of(packed, record, status));
    }
    let Sizes { chunks, stored, raw, left_out } = packed.sizes;
    let [stored, raw, left_out] = [stored, raw, left_out].map(megabytes);
    let (place, record) = (packed.path.display(), record.display());
    match context.lang {
        Lang::Ja => {
            say!(
                "{}「{}」（ID {}、版 {}、番号 {}）を{place}に書き込みました。",
                manifest.kind.label(),
                manifest.title,
                manifest.id,
                manifest.edition,
                manifest.counter
            );
            say!(
                "内容{raw}MB、書き込んだ部分{chunks}個・{stored}MB、前の版にあるため省いた部分{left_out}MB"
            );
            say!("次の差分のための目録：{record}");
        }
        Lang::En => {
            say!(
                "The {} {} (id {}, edition {}, number {}) is on {place}.",
                manifest.kind.name(),
                manifest.title,
                manifest.id,
                manifest.edition,
                manifest.counter
            );
            say!(
                "{raw} MB of content: {chunks} chunks of {stored} MB written, {left_out} MB left out because the earlier edition has them"
            );
            say!("Manifest kept for the next delta: {record}");
        }
    }
    key::tell_signatures(context, &[status]);
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Told<'p> {
    path: PathBuf,
    record: &'p Path,
    kind: Kind,
    id: &'p str,
    edition: &'p str,
    counter: u64,
    root_version: u32,
    manifest_blake3: String,
    totals: Totals,
    chunks_written: u64,
    bytes_written: u64,
    bytes_left_out: u64,
    signers: Vec<&'p str>,
    signatures: Signatures,
}

impl<'p> Told<'p> {
    fn of(packed: &'p Packed, record: &'p Path, signatures: Signatures) -> Self {
        let manifest = &packed.manifest;
        Self {
            path: packed.path.clone(),
            record,
            kind: manifest.kind,
            id: &manifest.id,
            edition: &manifest.edition,
            counter: manifest.counter,
            root_version: manifest.root_version,
            manifest_blake3: blake3::hash(&packed.signed.bytes).to_hex().to_string(),
            totals: manifest.totals,
            chunks_written: packed.sizes.chunks,
            bytes_written: packed.sizes.stored,
            bytes_left_out: packed.sizes.left_out,
            signers: packed.signed.signatures.iter().map(|(id, _)| id.as_str()).collect(),
            signatures,
        }
    }
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

pub(super) fn no_space(out: &Path, needed: u64, free: u64) -> Failure {
    let (out, needed, free) = (out.display(), megabytes(needed), megabytes(free));
    Failure::new(
        format!(
            "{out}の空きは{free}MBで、{needed}MB必要です。空けるか、大きなUSBメモリーを使ってください。"
        ),
        format!(
            "{out} has {free} MB free and {needed} MB are needed; make room, or take a larger stick"
        ),
    )
}

pub(super) fn failure(why: &PackError) -> Failure {
    match why {
        PackError::Unfit(refusal) => refusal.clone().into(),
        PackError::NoSpace { path, needed, free } => no_space(path, *needed, *free),
        PackError::Cancelled => Failure::stopped(
            "中止しました。USBメモリーに作りかけは残っていません。",
            "interrupted; nothing half-made is left on the stick",
        ),
        PackError::TooManyChunks(bytes) => Failure::new(
            format!("内容が多すぎて、目録が{bytes}バイトになりました。分けて作ってください。"),
            why.to_string(),
        ),
        PackError::OtherContent { edition, path } => Failure::new(
            format!(
                "版「{edition}」は、違う内容で作成済みです（{}）。同じ版に2通りの内容があると、機器ごとの中身が分からなくなるため、作りませんでした。版の名前を変えてください（データセットは dataset.toml の edition、ほかは --edition）。",
                path.display()
            ),
            why.to_string(),
        ),
        PackError::Signing(why) => {
            Failure::new(format!("署名できません（{why}）。"), format!("cannot sign: {why}"))
        }
        PackError::OtherSubject { wanted, found } => {
            Failure::new(format!("{found}の目録から{wanted}の差分は作れません。"), why.to_string())
        }
        PackError::Sync(error) => Failure::new(
            format!("更新パッケージを作れません。{}", error.message(Lang::Ja)),
            format!("cannot make the bundle: {error}"),
        ),
    }
}

/// For work before the packing.
pub(super) fn go_on(cancelled: &AtomicBool) -> Result<(), Failure> {
    match cancelled.load(Ordering::Relaxed) {
        true => Err(failure(&PackError::Cancelled)),
        false => Ok(()),
    }
}
