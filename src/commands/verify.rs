//! `kura verify`: whether this box made a saved answer, whether it was changed, and what became of
//! its sources. Exit status: 0 unchanged, 3 changed, 4 not known to be this box's, 1 not readable.

use std::path::Path;

use serde::Serialize;

use super::accounts::with_store;
use super::{Context, Failure, output};
use crate::answer::Service;
use crate::answer::record::{
    Change, Kept, ModelSince, Origin, Record, Records, SourceSince, TextState, Verdict, clock,
};
use crate::cli::VerifyArgs;
use crate::ingest::saved;
use crate::text::Lang;

/// Exit statuses beyond 0 and 1.
const CHANGED: u8 = 3;
const NOT_OURS: u8 = 4;

/// Larger files are no saved answer, in bytes.
const SIZE_MAX: u64 = 32 << 20;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    /// this-box, recorded, other-box, forged or unknown.
    origin: &'static str,
    /// unchanged, changed or unknown.
    text: &'static str,
    code: Option<String>,
    /// Whether the record is still kept here.
    recorded: bool,
    changes: Vec<Place>,
    /// What was done with the record after the document was saved, in the order of the trail.
    later: Vec<Later>,
    sources: Vec<SourceReport>,
    /// The model in use where the one that wrote it is not.
    model_now: Option<String>,
}

#[derive(Serialize)]
struct Place {
    recorded: Option<String>,
    found: Option<String>,
}

#[derive(Serialize)]
struct Later {
    /// requested, confirmed, approved or returned.
    action: &'static str,
    /// RFC 3339 in UTC.
    at: String,
    by: String,
    /// Whether the text was put right in it.
    edited: bool,
}

#[derive(Serialize)]
struct SourceReport {
    number: usize,
    citation: String,
    /// Empty where nothing happened to it.
    since: String,
}

pub(super) fn run(context: &Context, args: &VerifyArgs) -> Result<(), Failure> {
    let lines = read(&args.file)?;
    let verdict = with_store(context, async |store| {
        let records = Records::open(store.clone(), &context.config.data_dir)?;
        let verdict = records.check(&lines).await?;
        let record = verdict.kept.as_ref().map(Kept::as_cited);
        let since = record.map(|record| since(context, &record)).transpose()?;
        match args.json {
            true => output::json(&report(context, &verdict, since.as_ref()))?,
            false => print(context, &verdict, since.as_ref()),
        }
        Ok(verdict)
    })?;
    ended(&verdict)
}

fn read(file: &Path) -> Result<Vec<String>, Failure> {
    let shown = file.display();
    let failed = |why: std::io::Error| {
        Failure::new(
            format!("ファイル {shown} を読めません（{why}）。場所と名前を確かめてください。"),
            format!("cannot read {shown}: {why}"),
        )
    };
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > SIZE_MAX {
        return Err(Failure::new(
            format!("ファイル {shown} は大きすぎます。保存した回答ではありません。"),
            format!("{shown} is too large to be a saved answer"),
        ));
    }
    let bytes = std::fs::read(file).map_err(failed)?;
    saved::lines(&file.to_string_lossy(), &bytes).map_err(|why| {
        Failure::new(
            format!("ファイル {shown} の内容を読めません。{}kuraで保存したDOCX、HTML、Markdown、テキストを指定してください。", why.advice(Lang::Ja)),
            format!("cannot make out {shown}: {} Give a saved DOCX, HTML, Markdown or text.", why.advice(Lang::En)),
        )
    })
}

/// Sources and model of a record today.
fn since(context: &Context, record: &Record) -> Result<(Vec<SourceSince>, ModelSince), Failure> {
    let service = Service::open_without_model(&context.config)?;
    Ok((service.sources_since(record)?, service.model_since(record)))
}

fn names(verdict: &Verdict) -> (&'static str, &'static str) {
    let origin = match &verdict.origin {
        Origin::ThisBox => "this-box",
        Origin::Recorded => "recorded",
        Origin::OtherBox { .. } => "other-box",
        Origin::Forged => "forged",
        Origin::Unknown => "unknown",
    };
    let text = match &verdict.text {
        TextState::Unchanged => "unchanged",
        TextState::Changed(_) => "changed",
        TextState::Unknown => "unknown",
    };
    (origin, text)
}

fn report(
    context: &Context,
    verdict: &Verdict,
    since: Option<&(Vec<SourceSince>, ModelSince)>,
) -> Report {
    let (origin, text) = names(verdict);
    let place =
        |change: &Change| Place { recorded: change.recorded.clone(), found: change.found.clone() };
    let source = |source: &SourceSince| SourceReport {
        number: source.number,
        citation: source.citation.clone(),
        since: words(context, source),
    };
    let model_now = match since {
        Some((_, ModelSince::Replaced { now })) => Some(now.clone()),
        _ => None,
    };
    Report {
        origin,
        text,
        code: verdict.code.as_ref().map(ToString::to_string),
        recorded: verdict.kept.is_some(),
        changes: match &verdict.text {
            TextState::Changed(changes) => changes.iter().map(place).collect(),
            _ => Vec::new(),
        },
        later: verdict
            .later()
            .iter()
            .map(|step| Later {
                action: step.action.name(),
                at: step.at.clone(),
                by: step.who(),
                edited: !step.text.is_empty(),
            })
            .collect(),
        sources: since.iter().flat_map(|(sources, _)| sources).map(source).collect(),
        model_now,
    }
}

fn words(context: &Context, source: &SourceSince) -> String {
    match context.lang {
        Lang::Ja => source.words(),
        Lang::En => source.words_en(),
    }
}

fn print(context: &Context, verdict: &Verdict, since: Option<&(Vec<SourceSince>, ModelSince)>) {
    let say_words = |ja: &str, en: &str| say!("{}", context.words(ja, en));
    if let Some(code) = &verdict.code {
        say!("{}: {code}", context.words("識別番号", "Code"));
    }
    match &verdict.origin {
        Origin::ThisBox => say_words("この機器が作成した文書です。", "This box made it."),
        Origin::Recorded => say_words(
            "検証情報の行はありませんが、識別番号の記録がこの機器にあります。",
            "It has no mark, but this box has a record of its code.",
        ),
        Origin::OtherBox { box_id } => say!(
            "{} {box_id}",
            context.words(
                "別のkuraの機器が作成した文書です。その機器で確かめてください。機器：",
                "Another kura made it; ask that one:"
            )
        ),
        Origin::Forged => say_words(
            "検証情報が正しくありません。この機器が作成した文書と確かめられません。",
            "Its mark is not genuine: this box did not make it as it is.",
        ),
        Origin::Unknown => say_words(
            "kuraの検証情報も、この機器にある識別番号も見つかりません。",
            "It carries neither a mark nor the code of a record here.",
        ),
    }
    if let Some(kept) = &verdict.kept {
        let author = &kept.record.author;
        let who = format!("{} {}", author.section, author.name);
        let made = context.words("作成", "Made");
        let at = &kept.record.created_at;
        let at = match context.lang {
            Lang::Ja => clock(at),
            Lang::En => at.clone(),
        };
        say!("{made}: {at} {}", output::name(who.trim()));
    } else if verdict.origin == Origin::ThisBox {
        say_words(
            "記録は保存期間が過ぎたため残っていませんが、検証情報で確かめました。",
            "Its record is kept no longer; the mark alone was checked.",
        );
    }
    print_text(context, verdict);
    let later = match context.lang {
        Lang::Ja => verdict.later_words(),
        Lang::En => verdict.later_words_en(),
    };
    if !later.is_empty() {
        say!("{}", output::name(&later));
    }
    for source in since.iter().flat_map(|(sources, _)| sources) {
        let words = words(context, source);
        let citation = output::name(&source.citation);
        let words =
            if words.is_empty() { context.words("変更なし", "unchanged") } else { &words };
        say!("  [{}] {citation}: {words}", source.number);
    }
    if let Some((_, ModelSince::Replaced { now })) = since {
        let said = context.words(
            "作成に使ったモデルは、いま使っているモデルではありません。現在",
            "The model that wrote it is not the one in use now",
        );
        let none = context.words("なし", "none");
        say!("{said}: {}", if now.is_empty() { none } else { now });
    }
}

fn print_text(context: &Context, verdict: &Verdict) {
    match &verdict.text {
        TextState::Unchanged => {
            say!("{}", context.words("改変されていません。", "It was not changed."));
        }
        TextState::Unknown => {}
        TextState::Changed(changes) => {
            say!("{}", context.words("改変されています。", "It was changed."));
            for change in changes {
                let none = context.words("（なし）", "(nothing)");
                let shown = |text: &Option<String>| output::name(text.as_deref().unwrap_or(none));
                say!("  {}: {}", context.words("記録", "recorded"), shown(&change.recorded));
                say!("  {}: {}", context.words("文書", "found   "), shown(&change.found));
            }
            if changes.is_empty() {
                say!(
                    "{}",
                    context.words(
                        "  記録が残っていないため、改変された箇所は分かりません。",
                        "  Its record is gone, so the places are not known."
                    )
                );
            }
        }
    }
}

fn ended(verdict: &Verdict) -> Result<(), Failure> {
    if verdict.is_good() {
        return Ok(());
    }
    Err(match verdict.origin {
        Origin::ThisBox | Origin::Recorded => {
            Failure::verdict("改変された文書です。", "the document was changed", CHANGED)
        }
        _ => Failure::verdict(
            "この機器が作成した文書と確かめられません。",
            "the document is not known to be this box's",
            NOT_OURS,
        ),
    })
}
