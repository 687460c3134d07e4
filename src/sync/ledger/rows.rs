//! The ledger as people read it: one row an attempt, its beginning joined with its end, in
//! Japanese words.

use std::collections::{HashMap, HashSet};

use super::{Chain, Event, Record};
use crate::sync::Refusal;
use crate::sync::refusal::is_bidi;
use crate::text::Lang;

/// One attempt, or one thing that was done without a medium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Number of its first record.
    pub number: u64,
    /// When it began: `2026-11-24 09:05:00 +09:00`, as the clock of the box showed it.
    pub at: String,
    /// How it ended; `None` while it has no end.
    pub event: Option<Event>,
    /// 種類, 名称, 版, 世代番号: empty where no signature was right.
    pub kind: &'static str,
    pub title: String,
    pub edition: String,
    pub counter: String,
    pub media: String,
    pub operator: String,
    pub approver: String,
    /// Key ids that signed.
    pub signers: Vec<String>,
    /// Name and BLAKE3 of each file, the manifest first.
    pub files: Vec<(String, String)>,
    pub bytes_read: u64,
    /// Why it was not taken, or what was done.
    pub reason: String,
    pub kura_version: String,
}

impl Row {
    /// 結果
    pub fn result(&self) -> &'static str {
        match self.event {
            None | Some(Event::Begun) => "進行中（終了の記録なし）",
            Some(Event::Imported) => "取込",
            Some(Event::Unchanged) => "変更なし（取込済み）",
            Some(Event::Refused) => "拒否",
            Some(Event::Interrupted) => "中断",
            Some(Event::Failed) => "失敗",
            Some(Event::RolledBack) => "前の世代へ戻した",
            Some(Event::AppWentBack) => "プログラムを自動で戻した",
            Some(Event::Restarted) => "前の記録を保全し、新しく開始",
        }
    }
}

/// The rows of a ledger, oldest first.
pub fn rows(chain: &Chain) -> Vec<Row> {
    let mut ends = HashMap::new();
    for record in chain.records.iter().filter(|record| record.event != Event::Begun) {
        ends.entry(record.attempt).or_insert(record);
    }
    let begun = chain.records.iter().filter(|record| record.event == Event::Begun);
    let begun: HashSet<u64> = begun.map(|record| record.number).collect();
    chain
        .records
        .iter()
        .filter_map(|record| match record.event {
            Event::Begun => Some(row(record, ends.get(&record.number).copied())),
            _ => (!begun.contains(&record.attempt)).then(|| row(record, Some(record))),
        })
        .collect()
}

fn row(first: &Record, end: Option<&Record>) -> Row {
    let subject = end.and_then(|end| end.subject.as_ref());
    let manifest =
        (!first.manifest.is_empty()).then(|| ("manifest.json".to_owned(), plain(&first.manifest)));
    let files = subject.into_iter().flat_map(|subject| &subject.files);
    Row {
        number: first.number,
        at: clock(&first.at),
        event: end.map(|end| end.event),
        kind: subject.map_or("", |subject| subject.kind.label()),
        title: subject.map_or_else(String::new, |subject| plain(&subject.title)),
        edition: subject.map_or_else(String::new, |subject| plain(&subject.edition)),
        counter: subject
            .filter(|subject| subject.counter > 0)
            .map_or_else(String::new, |subject| subject.counter.to_string()),
        media: plain(&first.who.media),
        operator: plain(&first.who.operator),
        approver: plain(&first.who.approver),
        signers: subject
            .map_or_else(Vec::new, |subject| subject.signers.iter().map(|id| plain(id)).collect()),
        files: manifest
            .into_iter()
            .chain(files.map(|(id, hash)| (plain(id), plain(hash))))
            .collect(),
        bytes_read: end.map_or(0, |end| end.bytes_read),
        reason: end.map_or_else(String::new, |end| plain(&reason(end, Lang::Ja))),
        kura_version: plain(&end.unwrap_or(first).kura_version),
    }
}

/// Why an attempt came to nothing, or what was done; empty where there is nothing to say.
pub fn reason(end: &Record, lang: Lang) -> String {
    let told = match (lang, &end.ja) {
        (Lang::Ja, Some(ja)) => ja.clone(),
        _ => end.detail.clone(),
    };
    if let Some(reason) = end.reason {
        let refusal = Refusal { reason, detail: end.detail.clone(), ja: end.ja.clone() };
        return refusal.message(lang);
    }
    match (end.event, &end.from) {
        (Event::RolledBack, Some(from)) => match lang {
            Lang::Ja => format!("版 {from} から切り替えました。"),
            Lang::En => format!("from edition {from}"),
        },
        (Event::Failed, _) if lang == Lang::Ja && end.ja.is_none() => {
            format!("機器がファイルを読み書きできませんでした（技術情報：{told}）。")
        }
        _ => told,
    }
}

/// The date and time of an RFC 3339 stamp, with its zone: `2026-11-24 09:05:00 +09:00`.
fn clock(stamp: &str) -> String {
    let parts = (stamp.get(..10), stamp.get(10..11), stamp.get(11..19), stamp.get(19..));
    let (Some(date), Some("T"), Some(time), Some(rest)) = parts else { return plain(stamp) };
    let zone = match rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()) {
        "Z" => "UTC",
        zone => zone,
    };
    plain(&format!("{date} {time} {zone}"))
}

/// One line, without characters that act instead of being read.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() || is_bidi(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}
