//! An answer on a page that was asked for without script.

use super::layers::{DifferencePart, GroupPart, differences, groups, layer_title};
use super::not_found::{NotFoundPart, not_found_part};
use super::{clock_time, japanese_date, scope_class, selection};
use crate::answer::{AnswerKind, AnswerSummary, FinishReason, Source, UNCONFIRMED};
use crate::web::answering::WholeAnswer;

#[derive(Default)]
pub(super) struct AnswerPart {
    pub(super) kind: &'static str,
    pub(super) question: String,
    /// The whole text, or nothing where it stands by layer in `groups`.
    pub(super) pieces: Vec<Piece>,
    pub(super) groups: Vec<GroupPart>,
    pub(super) differences: Vec<DifferencePart>,
    pub(super) notes: Vec<String>,
    pub(super) not_found: Option<NotFoundPart>,
    pub(super) provenance: Vec<Row>,
    pub(super) has_sources: bool,
    /// Code of its record; empty where none is kept.
    pub(super) record: String,
    pub(super) sources: Vec<SourceRow>,
}

/// A stretch of an answer: text, the number of a source, or the mark of a sentence.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) cites: bool,
    pub(super) unconfirmed: bool,
    pub(super) text: String,
}

pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) value: String,
}

pub(super) struct SourceRow {
    /// 国の共通ルール or 本市の取扱い on the first source of a layer, else empty.
    pub(super) layer: &'static str,
    pub(super) number: usize,
    pub(super) cited: bool,
    pub(super) citation: String,
    pub(super) authority: &'static str,
    pub(super) scope: &'static str,
    pub(super) scope_class: &'static str,
    pub(super) stale: bool,
    /// 未施行, 旧版, …; empty where the source is in force or does not say.
    pub(super) caution: &'static str,
    /// 施行日 and the like; empty where nothing is known.
    pub(super) time: String,
    pub(super) dataset: String,
    pub(super) edition: String,
    pub(super) as_of: String,
    pub(super) place: String,
    pub(super) runs: Vec<Run>,
    pub(super) warnings: Vec<String>,
}

/// A stretch of a passage, marked where it matched the question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) marked: bool,
    pub(super) text: String,
}

/// Puts an answer into the words of the interface; what it cites comes first.
pub(super) fn answer_part(question: &str, answer: &WholeAnswer) -> AnswerPart {
    let summary = &answer.summary;
    let numbers: Vec<_> = answer.sources.iter().map(|source| source.number).collect();
    let (mut cited, others): (Vec<&Source>, Vec<&Source>) =
        answer.sources.iter().partition(|source| summary.cited.contains(&source.number));
    cited.extend(others);
    let mut layer = None;
    let rows = cited.into_iter().map(|source| {
        let cited = summary.cited.contains(&source.number);
        let here = (cited, source.passage.scope);
        let opens = layer.replace(here) != Some(here);
        // Where nothing is cited, all of them are for reference, and that is said above them.
        let cited_or_all = cited || summary.cited.is_empty();
        let title = layer_title(cited_or_all, source.passage.scope);
        source_row(source, cited, if opens { title } else { "" })
    });
    let groups = groups(&summary.layers, &numbers);
    AnswerPart {
        kind: kind_label(summary.kind),
        question: question.to_owned(),
        pieces: if groups.is_empty() { pieces(&answer.text, &numbers) } else { Vec::new() },
        groups,
        differences: differences(&summary.layers),
        notes: notes(answer),
        not_found: summary.not_found.as_deref().map(not_found_part),
        provenance: provenance_rows(summary),
        has_sources: !answer.sources.is_empty(),
        record: summary.record.clone().unwrap_or_default(),
        sources: rows.collect(),
    }
}

/// Who wrote it.
pub(super) fn kind_label(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Generated => "AIが作成した回答",
        AnswerKind::Excerpt => "資料からの抜き出し",
        AnswerKind::NotFound => "該当なし",
        AnswerKind::Plain => "AIが作成した文章",
    }
}

fn notes(answer: &WholeAnswer) -> Vec<String> {
    let differences = &answer.summary.layers.differences;
    let mut notes = answer.summary.notes.clone();
    // Each stands in a place of its own.
    notes.retain(|note| !differences.iter().any(|difference| difference.message == *note));
    match answer.summary.finish {
        FinishReason::Stop => {}
        FinishReason::Length => {
            notes.push("長さの上限に達したため、回答は途中で終わっています。".to_owned());
        }
        FinishReason::Cancelled => {
            notes.push("回答の作成を途中で停止しました。文章は途中までです。".to_owned());
        }
    }
    if answer.summary.citations_removed > 0 {
        let count = answer.summary.citations_removed;
        notes.push(format!("資料で確かめられない出典番号を{count}件取り除きました。"));
    }
    notes
}

/// Cuts an answer at its citations; `[9]` stays text when there is no source 9.
pub(super) fn pieces(text: &str, numbers: &[usize]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let number = from[1..].split_once(']').map(|(number, _)| number);
        let known = number
            .filter(|number| number.parse().is_ok_and(|number: usize| numbers.contains(&number)));
        if let Some(number) = known {
            push_text(&mut pieces, &std::mem::take(&mut plain));
            pieces.push(Piece { cites: true, text: number.to_owned(), ..Piece::default() });
            rest = &from[number.len() + 2..];
        } else {
            plain.push('[');
            rest = &from[1..];
        }
    }
    plain.push_str(rest);
    push_text(&mut pieces, &plain);
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// Adds text, cut at the marks of sentences without confirmed grounds.
fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    for (at, stretch) in text.split(UNCONFIRMED).enumerate() {
        if at > 0 {
            let text = UNCONFIRMED.to_owned();
            pieces.push(Piece { unconfirmed: true, text, ..Piece::default() });
        }
        pieces.push(Piece { text: stretch.to_owned(), ..Piece::default() });
    }
}

fn provenance_rows(summary: &AnswerSummary) -> Vec<Row> {
    let (provenance, kind) = (&summary.provenance, summary.kind);
    let mut rows = Vec::new();
    let mut push = |name, value| rows.push(Row { name, value });
    match &provenance.model {
        Some(model) => {
            let warning = match (model.self_test, model.name.contains("動作確認用")) {
                (false, _) => "",
                (true, true) => "　業務には使わないでください",
                (true, false) => "　動作確認用・業務には使わないでください",
            };
            push("モデル", format!("{}{warning}", model.name));
            push("量子化", model.quantization.clone());
            push("ハッシュ", model.blake3.clone());
            if let Some(evaluation) = &model.evaluation {
                push("モデルの評価", evaluation.clone());
            }
        }
        None if kind == AnswerKind::Excerpt => {
            push("モデル", "使用なし（資料からの抜き出し）".to_owned());
        }
        None => push("モデル", "使用なし".to_owned()),
    }
    if let Some(assistant) = &provenance.assistant {
        push("業務アシスタント", format!("{}（第{}版）", assistant.title, assistant.version));
    }
    for dataset in &provenance.datasets {
        let (title, edition) = (&dataset.title, &dataset.edition);
        let day = japanese_date(dataset.as_of);
        let stale = if dataset.stale { "、古い可能性" } else { "" };
        push("データセット", format!("{title}　版 {edition}（基準日 {day}{stale}）"));
    }
    rows.extend(selection::rows(&summary.selection));
    let mut push = |name, value| rows.push(Row { name, value });
    push("作成日時", clock_time(&provenance.created_at));
    push("kuraの版", provenance.kura_version.clone());
    rows
}

fn source_row(source: &Source, cited: bool, layer: &'static str) -> SourceRow {
    let place = source.passage.locator.label();
    let path = &source.passage.path;
    SourceRow {
        layer,
        number: source.number,
        cited,
        citation: source.citation.clone(),
        authority: source.authority_label,
        scope: source.scope_label,
        scope_class: scope_class(source.passage.scope),
        stale: source.dataset.stale || source.time.stale,
        caution: if source.time.caution { source.time.label } else { "" },
        time: source.time.words.clone(),
        dataset: source.dataset.title.clone(),
        edition: source.dataset.edition.clone(),
        as_of: japanese_date(source.passage.as_of),
        place: if place.is_empty() { path.clone() } else { format!("{path}（{place}）") },
        runs: runs(source),
        warnings: source.warnings.clone(),
    }
}

/// The passage's text, with the words marked that matched in its snippet.
fn runs(source: &Source) -> Vec<Run> {
    let highlights = source.highlights.iter();
    let words = highlights.filter_map(|range| source.snippet.get(range.clone()));
    let words: Vec<_> = words.filter(|word| !word.trim().is_empty()).collect();
    marked_runs(&source.passage.text, &words)
}

/// Cuts a text at every place of the words; of two at the same place, the longer one counts.
fn marked_runs(text: &str, words: &[&str]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut rest = text;
    let next = |rest: &str| {
        let places = words.iter().filter_map(|word| rest.find(word).map(|at| (at, word.len())));
        places.min_by_key(|(at, length)| (*at, usize::MAX - length))
    };
    while let Some((at, length)) = next(rest) {
        runs.push(Run { marked: false, text: rest[..at].to_owned() });
        runs.push(Run { marked: true, text: rest[at..at + length].to_owned() });
        rest = &rest[at + length..];
    }
    runs.push(Run { marked: false, text: rest.to_owned() });
    runs.retain(|run| !run.text.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_at_the_numbers_of_its_sources() {
        for (text, cut) in [
            ("", vec![]),
            ("出せます。", vec!["出せます。"]),
            ("出せます[1][12]。", vec!["出せます", "<1>", "<12>", "。"]),
            ("[1]から", vec!["<1>", "から"]),
            ("配列[9]と[x]と[", vec!["配列[9]と[x]と["]),
            ("[[1]]", vec!["[", "<1>", "]"]),
            ("出せます。（根拠未確認）次", vec!["出せます。", "!（根拠未確認）", "次"]),
            ("（根拠未確認）", vec!["!（根拠未確認）"]),
        ] {
            let pieces = pieces(text, &[1, 12]);
            let shown = pieces.iter().map(|piece| match (piece.cites, piece.unconfirmed) {
                (true, _) => format!("<{}>", piece.text),
                (_, true) => format!("!{}", piece.text),
                _ => piece.text.clone(),
            });
            assert_eq!(shown.collect::<Vec<_>>(), cut, "{text}");
        }
    }

    #[test]
    fn every_place_of_a_matched_word_is_marked() {
        let shown = |text: &str, words: &[&str]| {
            let runs = marked_runs(text, words);
            let mark = |run: &Run| match run.marked {
                true => format!("<{}>", run.text),
                false => run.text.clone(),
            };
            runs.iter().map(mark).collect::<String>()
        };
        assert_eq!(shown("転出届は転出の前に", &["転出", "転出届"]), "<転出届>は<転出>の前に");
        assert_eq!(shown("そのまま", &[]), "そのまま");
    }
}
