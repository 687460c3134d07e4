//! The page on which documents are verified.

use askama::Template;

use super::records::{ChangePart, SinceRow, change_part, model_words, since_row};
use super::{VERSION, clock_time, render};
use crate::answer::record::{Change, ModelSince, Origin, Record, SourceSince, TextState, Verdict};

/// Places that are shown; a document with more of them is another document.
const CHANGES_MAX: usize = 50;

/// What the page shows besides its forms.
#[derive(Default)]
pub(crate) struct VerifyDesk {
    pub(crate) error: String,
    /// The code as it was typed.
    pub(crate) code: String,
    pub(crate) checked: Option<Checked>,
    /// A record that the reader may not read.
    pub(crate) known: Option<Record>,
}

/// A document that was judged.
pub(crate) struct Checked {
    /// Name of the file; empty for a text.
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    pub(crate) sources: Vec<SourceSince>,
    /// `None` without a record.
    pub(crate) model: Option<ModelSince>,
    /// Whether the reader may read the record, and so what it has in the changed places.
    pub(crate) may_see: bool,
}

#[derive(Template)]
#[template(path = "verify.html", config = "src/web/askama.toml")]
struct VerifyPage<'a> {
    version: &'static str,
    error: &'a str,
    code: &'a str,
    /// One or none.
    results: Vec<ResultPart>,
}

#[derive(Default)]
struct ResultPart {
    class: &'static str,
    headline: &'static str,
    lines: Vec<String>,
    /// The code where the record can be opened, else empty.
    path: String,
    changes: Vec<ChangePart>,
    sources: Vec<SinceRow>,
    model: String,
}

/// The forms, with what was found out.
pub(crate) fn verify_page(desk: &VerifyDesk) -> String {
    let checked = desk.checked.as_ref().map(result);
    let known = desk.known.as_ref().map(|record| ResultPart {
        class: "good",
        headline: "この機器で作成した回答の識別番号です",
        lines: vec![
            made(record),
            "内容を見られるのは、作成した人と、その課の確認者、管理者です。文書が改変されていないかは、ファイルで確かめてください。".to_owned(),
        ],
        ..ResultPart::default()
    });
    render(&VerifyPage {
        version: VERSION,
        error: &desk.error,
        code: &desk.code,
        results: checked.into_iter().chain(known).collect(),
    })
}

fn result(checked: &Checked) -> ResultPart {
    let verdict = &checked.verdict;
    let (class, headline, first) = said(verdict);
    let mut lines = vec![first];
    if !checked.name.is_empty() {
        lines.push(format!("ファイル：{}", checked.name));
    }
    if let Some(code) = &verdict.code {
        lines.push(format!("識別番号：{code}"));
    }
    let record = verdict.kept.as_ref().map(|kept| &kept.record);
    match record {
        Some(record) => lines.push(made(record)),
        None if verdict.origin == Origin::ThisBox => lines.push(
            "記録は保存期間が過ぎたため残っていません。検証情報だけで確かめました。".to_owned(),
        ),
        None => {}
    }
    lines.extend(Some(verdict.later_words()).filter(|words| !words.is_empty()));
    let path = record.filter(|_| checked.may_see).map(|record| record.code.plain().to_owned());
    ResultPart {
        class,
        headline,
        changes: shown_changes(checked, &mut lines),
        lines,
        path: path.unwrap_or_default(),
        sources: checked.sources.iter().map(since_row).collect(),
        model: checked.model.as_ref().map(model_words).unwrap_or_default(),
    }
}

/// Colour, headline and first sentence.
fn said(verdict: &Verdict) -> (&'static str, &'static str, String) {
    let changed = matches!(verdict.text, TextState::Changed(_));
    match (&verdict.origin, changed) {
        (Origin::ThisBox, false) => (
            "good",
            "改変されていません",
            "この機器が作成した文書で、作成したときのままです。".to_owned(),
        ),
        (Origin::ThisBox, true) => (
            "bad",
            "改変されています",
            "この機器が作成した文書ですが、その後に内容が変えられています。".to_owned(),
        ),
        (Origin::Recorded, false) => (
            "good",
            "記録と同じ内容です",
            "検証情報の行はありませんが、文章はこの機器の記録と同じです。".to_owned(),
        ),
        (Origin::Recorded, true) => (
            "bad",
            "記録と違うところがあります",
            "検証情報の行はありません。この機器の記録と比べました。".to_owned(),
        ),
        (Origin::OtherBox { box_id }, _) => (
            "warn",
            "別の機器が作成した文書です",
            format!(
                "別のkuraの機器（{box_id}）の検証情報があります。作成した機器で確かめてください。"
            ),
        ),
        (Origin::Forged, _) => (
            "bad",
            "この機器が作成した文書と確かめられません",
            "検証情報が、この機器の作ったものではありません。書き換えられたか、偽造されています。"
                .to_owned(),
        ),
        (Origin::Unknown, _) => (
            "warn",
            "この機器が作成した文書と確かめられません",
            "kuraの検証情報も、この機器の記録にある識別番号も見つかりません。".to_owned(),
        ),
    }
}

fn made(record: &Record) -> String {
    let author = &record.author;
    let who = format!("{} {}", author.section, author.name);
    format!("作成：{}　{}", clock_time(&record.created_at), who.trim())
}

/// The places, without what the record has there where the reader may not see it.
fn shown_changes(checked: &Checked, lines: &mut Vec<String>) -> Vec<ChangePart> {
    let TextState::Changed(changes) = &checked.verdict.text else { return Vec::new() };
    if changes.is_empty() {
        lines.push("記録が残っていないため、改変されたところは示せません。".to_owned());
    } else if !checked.may_see {
        lines.push(format!(
            "改変されたところは{}か所です。記録の内容は、作成した人と、その課の確認者、管理者だけが見られます。",
            changes.len()
        ));
    }
    if changes.len() > CHANGES_MAX {
        lines.push(format!("{}か所のうち、初めの{CHANGES_MAX}か所を示します。", changes.len()));
    }
    let seen = |change: &Change| match checked.may_see {
        true => change_part(change),
        false => ChangePart {
            left: Vec::new(),
            right: change_part(&Change { recorded: None, found: change.found.clone() }).right,
        },
    };
    let seen = changes.iter().take(CHANGES_MAX).map(seen);
    seen.filter(|change| checked.may_see || !change.right.is_empty()).collect()
}
