//! What the pages show: plain data from the layers below, put into the words of the interface.

use askama::Template;
use jiff::civil::Date;

use super::answering::WholeAnswer;
use crate::answer::{AnswerKind, DatasetSummary, FinishReason, Health, ModelSummary, Source};
use crate::document::{Provenance, Scope};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const SELF_TEST: &str = "動作確認用・業務には使わないでください";

/// What the desk (the main page) shows besides an answer.
pub(crate) struct Desk {
    pub(crate) health: Health,
    pub(crate) datasets: Vec<DatasetSummary>,
    pub(crate) samples: Vec<String>,
    pub(crate) question: String,
    /// Ids of the data sets that are ticked; `None` means all.
    pub(crate) ticked: Option<Vec<String>>,
    pub(crate) error: String,
}

#[derive(Template)]
#[template(path = "index.html", config = "src/web/askama.toml")]
struct IndexPage<'a> {
    version: &'static str,
    has_banner: bool,
    banner: String,
    has_error: bool,
    error: &'a str,
    question: &'a str,
    has_samples: bool,
    samples: &'a [String],
    has_datasets: bool,
    datasets_count: String,
    datasets: Vec<DatasetRow<'a>>,
    has_answer: bool,
    answer: AnswerPart,
}

struct DatasetRow<'a> {
    id: &'a str,
    title: &'a str,
    scope: &'static str,
    scope_class: &'static str,
    authority: &'static str,
    as_of: String,
    edition: &'a str,
    publisher: &'a str,
    stale: bool,
    ticked: bool,
    documents: usize,
    failures: usize,
}

#[derive(Default)]
struct AnswerPart {
    kind: &'static str,
    question: String,
    pieces: Vec<Piece>,
    notes: Vec<String>,
    provenance: Vec<Row>,
    has_sources: bool,
    sources: Vec<SourceRow>,
}

/// A stretch of an answer: text, or the number of a source.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    cites: bool,
    text: String,
}

struct Row {
    name: &'static str,
    value: String,
}

struct SourceRow {
    number: usize,
    cited: bool,
    citation: String,
    authority: &'static str,
    scope: &'static str,
    scope_class: &'static str,
    stale: bool,
    dataset: String,
    edition: String,
    as_of: String,
    place: String,
    runs: Vec<Run>,
}

/// A stretch of a passage, marked where it matched the question.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    marked: bool,
    text: String,
}

/// The main page, with an answer where one was asked for without script.
pub(crate) fn desk_page(desk: &Desk, answer: Option<&WholeAnswer>) -> String {
    let ticked = |id: &String| {
        desk.ticked
            .as_ref()
            .is_none_or(|ticked| ticked.contains(id))
    };
    let rows = desk
        .datasets
        .iter()
        .map(|each| dataset_row(each, ticked(&each.identity.id)));
    let banner = banner(&desk.health);
    render(&IndexPage {
        version: VERSION,
        has_banner: !banner.is_empty(),
        banner,
        has_error: !desk.error.is_empty(),
        error: &desk.error,
        question: &desk.question,
        has_samples: !desk.samples.is_empty(),
        samples: &desk.samples,
        has_datasets: !desk.datasets.is_empty(),
        datasets_count: format!("{}件", desk.datasets.len()),
        datasets: rows.collect(),
        has_answer: answer.is_some(),
        answer: answer
            .map(|answer| answer_part(&desk.question, answer))
            .unwrap_or_default(),
    })
}

#[derive(Template)]
#[template(path = "login.html", config = "src/web/askama.toml")]
struct LoginPage<'a> {
    version: &'static str,
    has_error: bool,
    error: &'a str,
}

/// The log-in form; `error` is empty the first time.
pub(crate) fn login_page(error: &str) -> String {
    render(&LoginPage {
        version: VERSION,
        has_error: !error.is_empty(),
        error,
    })
}

#[derive(Template)]
#[template(path = "error.html", config = "src/web/askama.toml")]
struct ErrorPage<'a> {
    version: &'static str,
    heading: &'static str,
    message: &'a str,
}

/// A refusal as a page.
pub(crate) fn error_page(status: u16, message: &str) -> String {
    let heading = match status {
        401 => "ログインが必要です",
        403 => "受け付けられません",
        404 => "ページが見つかりません",
        429 => "混み合っています",
        500.. => "問題が起きました",
        _ => "送られた内容を確かめてください",
    };
    render(&ErrorPage {
        version: VERSION,
        heading,
        message,
    })
}

#[derive(Template)]
#[template(path = "status.html", config = "src/web/askama.toml")]
struct StatusPage<'a> {
    version: &'static str,
    lamps: [Lamp; 4],
    has_datasets: bool,
    datasets: Vec<DatasetRow<'a>>,
    has_models: bool,
    models: Vec<ModelRow<'a>>,
}

/// One thing that works or doesn't.
struct Lamp {
    class: &'static str,
    name: &'static str,
    state: String,
    detail: String,
}

struct ModelRow<'a> {
    name: &'a str,
    self_test: bool,
    state: &'static str,
    quantization: &'a str,
    size: String,
    context_tokens: usize,
    blake3: &'a str,
}

/// What works, and what is installed.
pub(crate) fn status_page(
    health: &Health,
    datasets: &[DatasetSummary],
    models: &[ModelSummary],
) -> String {
    let model_rows = models.iter().map(|model| ModelRow {
        name: &model.name,
        self_test: model.self_test,
        state: if model.current { "使用中" } else { "待機" },
        quantization: &model.quantization,
        size: size_label(model.size_bytes),
        context_tokens: model.context_tokens,
        blake3: &model.blake3,
    });
    render(&StatusPage {
        version: VERSION,
        lamps: lamps(health, datasets),
        has_datasets: !datasets.is_empty(),
        datasets: datasets
            .iter()
            .map(|each| dataset_row(each, true))
            .collect(),
        has_models: !models.is_empty(),
        models: model_rows.collect(),
    })
}

fn lamps(health: &Health, datasets: &[DatasetSummary]) -> [Lamp; 4] {
    let lamp = |name, good: bool, bad_class, state: &str, detail: String| Lamp {
        class: if good { "good" } else { bad_class },
        name,
        state: state.to_owned(),
        detail,
    };
    let stale: Vec<_> = datasets.iter().filter(|each| each.identity.stale).collect();
    let stale_titles: Vec<_> = stale
        .iter()
        .map(|each| each.identity.title.as_str())
        .collect();
    let (search, search_detail) = match health.search {
        true => (
            "使えます",
            format!("{}件の資料を調べられます。", health.datasets),
        ),
        false => (
            "使えません",
            "資料の登録を情報担当者に確かめてください。".to_owned(),
        ),
    };
    let (model, model_detail) = match health.model {
        true => ("使えます", "回答文をAIが作成します。".to_owned()),
        false => ("抜き書きのみ", health.model_problem.clone()),
    };
    let (age, age_detail) = match stale.is_empty() {
        true => ("期限内です", String::new()),
        false => ("古い資料があります", stale_titles.join("、")),
    };
    let waiting = format!("{}件", health.active_requests);
    [
        lamp("資料の検索", health.search, "bad", search, search_detail),
        lamp("回答の作成", health.model, "warn", model, model_detail),
        lamp("資料の新しさ", stale.is_empty(), "warn", age, age_detail),
        lamp("処理中の質問", true, "good", &waiting, String::new()),
    ]
}

/// What the top of the page says when not everything works; empty when it does.
pub(crate) fn banner(health: &Health) -> String {
    if !health.search {
        return "いまは資料を検索できません。資料の登録状況を情報担当者に確かめてください。"
            .to_owned();
    }
    if !health.model {
        let why = health.model_problem.trim_end_matches('。');
        let why = if why.is_empty() {
            String::new()
        } else {
            format!("（{why}）")
        };
        return format!(
            "いまは回答文を作成できません{why}。質問すると、資料からの抜き書きを表示します。"
        );
    }
    String::new()
}

fn dataset_row(dataset: &DatasetSummary, ticked: bool) -> DatasetRow<'_> {
    let local = dataset.scope_label == Scope::Local.label();
    DatasetRow {
        id: &dataset.identity.id,
        title: &dataset.identity.title,
        scope: dataset.scope_label,
        scope_class: scope_class(if local { Scope::Local } else { Scope::Common }),
        authority: dataset.authority_label,
        as_of: japanese_date(dataset.identity.as_of),
        edition: &dataset.identity.edition,
        publisher: &dataset.publisher,
        stale: dataset.identity.stale,
        ticked,
        documents: dataset.documents,
        failures: dataset.failures,
    }
}

fn answer_part(question: &str, answer: &WholeAnswer) -> AnswerPart {
    let summary = &answer.summary;
    let (mut cited, others): (Vec<&Source>, Vec<&Source>) = answer
        .sources
        .iter()
        .partition(|source| summary.cited.contains(&source.number));
    cited.extend(others);
    let rows = cited
        .into_iter()
        .map(|source| source_row(source, summary.cited.contains(&source.number)));
    AnswerPart {
        kind: match summary.kind {
            AnswerKind::Generated => "AIが作成した回答",
            AnswerKind::Excerpt => "資料からの抜き書き",
            AnswerKind::NotFound => "該当なし",
            AnswerKind::Plain => "AIが作成した文章",
        },
        question: question.to_owned(),
        pieces: pieces(&answer.text, &answer.sources),
        notes: notes(answer),
        provenance: provenance_rows(&summary.provenance),
        has_sources: !answer.sources.is_empty(),
        sources: rows.collect(),
    }
}

fn notes(answer: &WholeAnswer) -> Vec<String> {
    let mut notes = answer.summary.notes.clone();
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
        notes.push(format!(
            "資料で確かめられない出典番号を{count}件取り除きました。"
        ));
    }
    notes
}

/// Cuts an answer at its citations; `[9]` stays text when there is no source 9.
fn pieces(text: &str, sources: &[Source]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let number = from[1..].split_once(']').map(|(number, _)| number);
        let known = number.filter(|number| {
            let parsed = number.parse::<usize>();
            parsed.is_ok_and(|number| sources.iter().any(|source| source.number == number))
        });
        if let Some(number) = known {
            pieces.push(Piece {
                cites: false,
                text: std::mem::take(&mut plain),
            });
            pieces.push(Piece {
                cites: true,
                text: number.to_owned(),
            });
            rest = &from[number.len() + 2..];
        } else {
            plain.push('[');
            rest = &from[1..];
        }
    }
    plain.push_str(rest);
    pieces.push(Piece {
        cites: false,
        text: plain,
    });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

fn provenance_rows(provenance: &Provenance) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut push = |name, value| rows.push(Row { name, value });
    match &provenance.model {
        Some(model) => {
            let warning = if model.self_test {
                format!("（{SELF_TEST}）")
            } else {
                String::new()
            };
            push("モデル", format!("{}{warning}", model.name));
            push("量子化", model.quantization.clone());
            push("ハッシュ", model.blake3.clone());
        }
        None => push("モデル", "使用なし（資料からの抜き書き）".to_owned()),
    }
    for dataset in &provenance.datasets {
        let (title, edition) = (&dataset.title, &dataset.edition);
        let day = japanese_date(dataset.as_of);
        let stale = if dataset.stale {
            "、古い可能性"
        } else {
            ""
        };
        push(
            "資料",
            format!("{title}　版 {edition}（基準日 {day}{stale}）"),
        );
    }
    push("作成日時", provenance.created_at.clone());
    push("kuraの版", provenance.kura_version.clone());
    rows
}

fn source_row(source: &Source, cited: bool) -> SourceRow {
    let place = source.passage.locator.label();
    let path = &source.passage.path;
    SourceRow {
        number: source.number,
        cited,
        citation: source.citation.clone(),
        authority: source.authority_label,
        scope: source.scope_label,
        scope_class: scope_class(source.passage.scope),
        stale: source.dataset.stale,
        dataset: source.dataset.title.clone(),
        edition: source.dataset.edition.clone(),
        as_of: japanese_date(source.passage.as_of),
        place: if place.is_empty() {
            path.clone()
        } else {
            format!("{path}（{place}）")
        },
        runs: runs(source),
    }
}

/// The passage's text with the highlights of its snippet, which is a stretch of it.
fn runs(source: &Source) -> Vec<Run> {
    let text = source.passage.text.as_str();
    let mut runs = Vec::new();
    let mut at = 0;
    let offset = text.find(source.snippet.as_str());
    for highlight in offset.iter().flat_map(|_| &source.highlights) {
        let offset = offset.unwrap_or_default();
        let (start, end) = (highlight.start + offset, highlight.end + offset);
        let (Some(before), Some(inside)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        runs.push(Run {
            marked: false,
            text: before.to_owned(),
        });
        runs.push(Run {
            marked: true,
            text: inside.to_owned(),
        });
        at = end;
    }
    runs.push(Run {
        marked: false,
        text: text[at..].to_owned(),
    });
    runs.retain(|run| !run.text.is_empty());
    runs
}

fn scope_class(scope: Scope) -> &'static str {
    match scope {
        Scope::Common => "common",
        Scope::Local => "local",
    }
}

/// 令和8年4月1日
pub(crate) fn japanese_date(date: Date) -> String {
    const ERAS: [(&str, Date); 3] = [
        ("令和", Date::constant(2019, 5, 1)),
        ("平成", Date::constant(1989, 1, 8)),
        ("昭和", Date::constant(1926, 12, 25)),
    ];
    let (month, day) = (date.month(), date.day());
    match ERAS.iter().find(|(_, first)| date >= *first) {
        None => format!("{}年{month}月{day}日", date.year()),
        Some((era, first)) => match date.year() - first.year() + 1 {
            1 => format!("{era}元年{month}月{day}日"),
            year => format!("{era}{year}年{month}月{day}日"),
        },
    }
}

fn size_label(bytes: u64) -> String {
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.0} MB", bytes as f64 / 1e6),
    }
}

/// The templates only write strings that are there, so this cannot fail; if it ever does, the
/// page says so instead of the server falling over.
fn render(page: &impl Template) -> String {
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        "<!doctype html><html lang=\"ja\"><title>kura</title><p>画面を表示できませんでした。"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_with_their_era() {
        for (date, written) in [
            (Date::constant(2026, 4, 1), "令和8年4月1日"),
            (Date::constant(2019, 5, 1), "令和元年5月1日"),
            (Date::constant(2019, 4, 30), "平成31年4月30日"),
            (Date::constant(1989, 1, 7), "昭和64年1月7日"),
            (Date::constant(1900, 1, 2), "1900年1月2日"),
        ] {
            assert_eq!(japanese_date(date), written);
        }
    }
}
