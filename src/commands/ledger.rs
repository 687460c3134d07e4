//! `kura ledger`: the transfer record on the terminal, on paper, and checked.

use std::path::Path;

use serde::Serialize;

use super::{Context, Failure, output, sync};
use crate::cli::LedgerArgs;
use crate::sync::ledger::{Chain, Event, Ledger, Record, Who, csv, html, reason};
use crate::text::Lang;

/// The record as JSON, with the hash that covers it.
#[derive(Serialize)]
struct Printed<'c> {
    head: &'c str,
    records: &'c [Record],
}

pub(super) fn run(context: &Context, args: &LedgerArgs) -> Result<(), Failure> {
    let installation = context.installation();
    if args.set_aside {
        return set_aside(context, args);
    }
    let head = args.head.as_deref().map(head_of).transpose()?;
    let chain = Ledger::of(&installation).read()?;
    if let Some(path) = &args.html {
        write(context, path, &html(&chain), &chain)?;
    }
    if let Some(path) = &args.csv {
        write(context, path, &csv(&chain), &chain)?;
    }
    if args.html.is_some() || args.csv.is_some() {
        return Ok(());
    }
    if args.json {
        return output::json(&Printed { head: &chain.head, records: &chain.records });
    }
    if args.verify {
        return verify(context, &chain, head.as_deref());
    }
    print(context, &chain);
    Ok(())
}

/// After an investigation: keeps the ledger that does not verify under another name, and begins a
/// new one.
fn set_aside(context: &Context, args: &LedgerArgs) -> Result<(), Failure> {
    let who = Who {
        operator: sync::operator(context, args.operator.as_deref())?,
        approver: sync::required("--approver", args.approver.as_deref())?,
        media: String::new(),
    };
    let installation = context.installation();
    let writer = installation.writer()?;
    let Some(aside) = Ledger::of(&installation).set_aside(&writer, &who)? else {
        return Err(Failure::new(
            "持込記録に誤りはありません。そのまま使えるので、何もしませんでした。",
            "the transfer record is whole and stays in use; nothing was done",
        ));
    };
    for file in &aside.files {
        let file = file.display();
        match context.lang {
            Lang::Ja => say!("保全しました：{file}"),
            Lang::En => say!("kept: {file}"),
        }
    }
    let blake3 = &aside.blake3;
    match context.lang {
        Lang::Ja => say!("新しい記録を始めました。前の記録のBLAKE3：{blake3}"),
        Lang::En => say!("a new record begins. BLAKE3 of the one before: {blake3}"),
    }
    Ok(())
}

/// A head as it is printed: 64 hexadecimal digits.
fn head_of(given: &str) -> Result<String, Failure> {
    let head = given.trim().to_ascii_lowercase();
    match head.len() == 64 && head.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => Ok(head),
        false => Err(Failure::usage(
            format!(
                "--head {given} は、印刷した先頭ハッシュ（16進数64桁）ではありません。途中で切れていないか確かめてください。"
            ),
            format!("--head {given} is no head as printed (64 hexadecimal digits)"),
        )),
    }
}

fn write(context: &Context, path: &Path, text: &str, chain: &Chain) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|why| {
        Failure::new(
            format!("{}に書き込めません（{why}）。", path.display()),
            format!("cannot write {}: {why}", path.display()),
        )
    })?;
    let (count, head) = (chain.records.len(), &chain.head);
    let path = path.display();
    match context.lang {
        Lang::Ja => say!("{path} に{count}件の記録を書き出しました。先頭ハッシュ：{head}"),
        Lang::En => say!("{count} record(s) are written to {path}. Head: {head}"),
    }
    Ok(())
}

/// Reading has verified the chain; a head from paper shows whether its end was cut off.
fn verify(context: &Context, chain: &Chain, head: Option<&str>) -> Result<(), Failure> {
    if let Some(head) = head {
        let mut counts = 0..=chain.records.len() as u64;
        let Some(covered) = counts.find(|count| chain.head_after(*count) == Some(head)) else {
            return Err(Failure::new(
                "このハッシュの時点の記録がありません。末尾が切り取られたか、別の機器の記録です。控えと突き合わせてください。",
                "no record leads to this head: the end was cut off, or it is of another box; compare with a backup",
            ));
        };
        match context.lang {
            Lang::Ja => say!("このハッシュの時点までの{covered}件は、変わっていません。"),
            Lang::En => say!("The {covered} record(s) up to this head are unchanged."),
        }
    }
    let (count, head) = (chain.records.len(), &chain.head);
    match context.lang {
        Lang::Ja => say!("記録{count}件のつながりに誤りはありません。先頭ハッシュ：{head}"),
        Lang::En => say!("The chain of {count} record(s) is whole. Head: {head}"),
    }
    Ok(())
}

fn print(context: &Context, chain: &Chain) {
    if chain.records.is_empty() {
        say!("{}", context.words("記録はありません。", "There are no records."));
        return;
    }
    let header = match context.lang {
        Lang::Ja => ["番号", "日時", "結果", "対象", "作業者", "承認者", "媒体", "詳細"],
        Lang::En => ["NO", "AT", "RESULT", "WHAT", "OPERATOR", "APPROVER", "MEDIUM", "DETAIL"],
    };
    let rows: Vec<Vec<String>> = chain.records.iter().map(|record| row(context, record)).collect();
    output::table(&header, &rows);
    say!("{}: {}", context.words("先頭ハッシュ", "Head"), chain.head);
}

fn row(context: &Context, record: &Record) -> Vec<String> {
    let what = record.subject.as_ref().map(|subject| {
        let kind = context.words(subject.kind.label(), subject.kind.name());
        format!("{kind} {} {}", subject.id, subject.edition)
    });
    vec![
        record.number.to_string(),
        record.at.clone(),
        label(context, record.event).to_owned(),
        what.unwrap_or_default(),
        record.who.operator.clone(),
        record.who.approver.clone(),
        record.who.media.clone(),
        reason(record, context.lang),
    ]
}

fn label(context: &Context, event: Event) -> &'static str {
    let (ja, en) = match event {
        Event::Begun => ("開始", "begun"),
        Event::Imported => ("取込", "imported"),
        Event::Unchanged => ("取込済み", "unchanged"),
        Event::Refused => ("拒否", "refused"),
        Event::Interrupted => ("中断", "interrupted"),
        Event::Failed => ("失敗", "failed"),
        Event::RolledBack => ("切戻し", "rolled back"),
        Event::AppWentBack => ("自動切戻し", "app went back"),
        Event::Restarted => ("新規開始", "restarted"),
    };
    if context.lang == Lang::Ja { ja } else { en }
}
