//! `kura ledger`: the transfer record on the terminal, on paper, and checked.

use std::path::Path;

use serde::Serialize;

use super::{Context, Failure, output};
use crate::cli::LedgerArgs;
use crate::sync::SyncError;
use crate::sync::ledger::{Chain, Event, Ledger, Record, csv, html};
use crate::text::Lang;

/// The record as JSON, with the hash that covers it.
#[derive(Serialize)]
struct Printed<'c> {
    head: &'c str,
    records: &'c [Record],
}

pub(super) fn run(context: &Context, args: &LedgerArgs) -> Result<(), Failure> {
    let installation = context.installation();
    let chain = Ledger::of(&installation).read().map_err(damaged)?;
    match (&args.html, &args.csv) {
        (Some(path), _) => return write(context, path, &html(&chain), &chain),
        (_, Some(path)) => return write(context, path, &csv(&chain), &chain),
        _ => {}
    }
    if args.json {
        return output::json(&Printed { head: &chain.head, records: &chain.records });
    }
    if args.verify {
        return verify(context, &chain, args.head.as_deref());
    }
    print(context, &chain);
    Ok(())
}

/// A record that was changed is not a folder to be set up again.
fn damaged(error: SyncError) -> Failure {
    match &error {
        SyncError::Damaged { path, why } => Failure::new(
            format!(
                "持込記録{}が書き換えられたか、壊れています（{why}）。控えと突き合わせ、情報セキュリティの担当者に知らせてください。",
                path.display()
            ),
            format!(
                "the transfer record {} was changed or is damaged ({why}); compare it with a backup and tell the security officer",
                path.display()
            ),
        ),
        _ => Failure::from(error),
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
        let head = head.trim().to_ascii_lowercase();
        // After record n the head was what record n + 1 names as the line before it.
        let befores = chain.records.iter().map(|record| record.before.as_str());
        let heads = befores.chain(std::iter::once(chain.head.as_str()));
        let Some(covered) = heads.into_iter().position(|known| known == head) else {
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
    let what = record
        .subject
        .as_ref()
        .map(|subject| format!("{}/{} {}", subject.kind.name(), subject.id, subject.edition));
    let reason = record.reason.map(|reason| reason.name()).unwrap_or_default();
    let detail = [reason.as_str(), record.detail.as_str()];
    let detail: Vec<&str> = detail.into_iter().filter(|part| !part.is_empty()).collect();
    vec![
        record.number.to_string(),
        record.at.clone(),
        label(context, record.event).to_owned(),
        what.unwrap_or_default(),
        record.who.operator.clone(),
        record.who.approver.clone(),
        record.who.media.clone(),
        detail.join(": "),
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
    };
    if context.lang == Lang::Ja { ja } else { en }
}
