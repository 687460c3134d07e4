//! What the pages show: plain data from the layers below, put into the words of the interface.

mod answer;
mod assistants;
mod choice;
mod compare;
mod layers;
mod not_found;
mod people;
mod records;
mod reviews;
mod selection;
mod talks;
mod updates;
mod uploads;
mod verify;

use askama::Template;

use super::answering::WholeAnswer;
use super::form::Form;
use super::problem::NO_DATASETS;
use super::talks::Beside;
use super::uploads::UploadsDesk;
use crate::answer::{DatasetSummary, Health, ModelSummary};
use crate::config::Handling;
use crate::document::Scope;
use crate::guard::personal::Kind;
use crate::text::Lang;
pub(crate) use crate::text::dates::japanese as japanese_date;
use answer::{AnswerPart, answer_part};
pub(crate) use assistants::{
    AssistantDesk, EditDesk, ImportDesk, assistant_page, assistants_page, edit_page, import_page,
    versions_page,
};
use choice::ChoiceFields;
pub(crate) use compare::{CompareDesk, Compared, compare_page};
pub(crate) use people::{
    AccountDesk, PeopleDesk, PersonDesk, Typed, account_error, account_page, guide_page,
    local_time, people_page, person_page, sign_in_page,
};
pub(crate) use records::{RecordDesk, record_page, records_page};
pub(crate) use reviews::{ReviewDesk, reviews_page};
pub(crate) use talks::{KEPT_DAYS, TalkDesk, TalksDesk, talk_page, talks_page, talks_text};
pub(crate) use updates::{RollBackDesk, rollback_page, updates_page};
pub(crate) use uploads::upload_notes;
pub(crate) use verify::{Checked, VerifyDesk, verify_page};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the desk (the main page) shows besides an answer.
pub(crate) struct Desk {
    pub(crate) health: Health,
    pub(crate) datasets: Vec<DatasetSummary>,
    pub(crate) samples: Vec<String>,
    pub(crate) question: String,
    /// Ids of the data sets that are ticked; `None` means all.
    pub(crate) ticked: Option<Vec<String>>,
    /// The choice of data as it was sent.
    pub(crate) chosen: Form,
    pub(crate) error: String,
    /// Conversations; `None` where none are kept.
    pub(crate) talks: Option<Beside>,
    /// Files of the conversation; `None` where none are taken.
    pub(crate) uploads: Option<UploadsDesk>,
}

#[derive(Template)]
#[template(path = "index.html", config = "src/web/askama.toml")]
struct IndexPage<'a> {
    version: &'static str,
    has_banner: bool,
    banner: String,
    has_stale: bool,
    stale: String,
    has_error: bool,
    error: &'a str,
    question: &'a str,
    has_samples: bool,
    samples: &'a [String],
    has_datasets: bool,
    datasets_count: String,
    datasets: Vec<DatasetRow<'a>>,
    choice: ChoiceFields,
    has_answer: bool,
    answer: AnswerPart,
    talks: Option<talks::TalksSide>,
    uploads: Option<uploads::UploadsPart>,
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
    measured: String,
}

/// The main page, with an answer where one was asked for without script.
pub(crate) fn desk_page(desk: &Desk, answer: Option<&WholeAnswer>) -> String {
    let ticked = |id: &String| desk.ticked.as_ref().is_none_or(|ticked| ticked.contains(id));
    let rows = desk.datasets.iter().map(|each| dataset_row(each, ticked(&each.identity.id)));
    let banner = banner(&desk.health);
    let stale = stale_banner(&desk.datasets);
    render(&IndexPage {
        has_stale: !stale.is_empty(),
        stale,
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
        choice: ChoiceFields::of(&desk.chosen, "", "ask", &desk.datasets),
        has_answer: answer.is_some(),
        answer: answer.map(|answer| answer_part(&desk.question, answer)).unwrap_or_default(),
        talks: desk.talks.as_ref().map(talks::talks_side),
        uploads: desk.uploads.as_ref().map(uploads::uploads_part),
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
    render(&LoginPage { version: VERSION, has_error: !error.is_empty(), error })
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
    render(&ErrorPage { version: VERSION, heading, message })
}

#[derive(Template)]
#[template(path = "status.html", config = "src/web/askama.toml")]
struct StatusPage<'a> {
    version: &'static str,
    lamps: Vec<Lamp>,
    has_datasets: bool,
    datasets: Vec<DatasetRow<'a>>,
    has_models: bool,
    models: Vec<ModelRow<'a>>,
    /// Kinds of personal data and what is done with them.
    personal: Vec<(&'static str, &'static str)>,
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
    evaluation: String,
}

/// What works, and what is installed. `has_accounts` is `None` where nothing keeps accounts.
pub(crate) fn status_page(
    health: &Health,
    datasets: &[DatasetSummary],
    models: &[ModelSummary],
    personal: &[(Kind, Handling)],
    has_accounts: Option<bool>,
) -> String {
    let model_rows = models.iter().map(|model| ModelRow {
        name: &model.name,
        self_test: model.self_test,
        state: if model.current { "使用中" } else { "待機" },
        quantization: &model.quantization,
        size: size_label(model.size_bytes),
        context_tokens: model.context_tokens,
        blake3: &model.blake3,
        evaluation: evaluation(model),
    });
    render(&StatusPage {
        version: VERSION,
        lamps: lamps(health, datasets).into_iter().chain(has_accounts.map(people_lamp)).collect(),
        has_datasets: !datasets.is_empty(),
        datasets: datasets.iter().map(|each| dataset_row(each, true)).collect(),
        has_models: !models.is_empty(),
        models: model_rows.collect(),
        personal: personal.iter().map(|(kind, way)| (kind.label(), way.label())).collect(),
    })
}

/// What was measured with a model, and when; how to measure where nothing was.
fn evaluation(model: &ModelSummary) -> String {
    match &model.evaluation {
        Some(measured) => {
            let speed = measured.decode_tokens_per_s;
            let day = clock_time(&measured.evaluated_at);
            format!("{}。出力は毎秒{speed:.0}トークン（{day}に測定）", measured.label())
        }
        None => "未評価（情報担当者が kura eval model で測れます）".to_owned(),
    }
}

fn lamps(health: &Health, datasets: &[DatasetSummary]) -> [Lamp; 4] {
    let lamp = |name, good: bool, bad_class, state: &str, detail: String| Lamp {
        class: if good { "good" } else { bad_class },
        name,
        state: state.to_owned(),
        detail,
    };
    let stale: Vec<_> = datasets.iter().filter(|each| each.identity.stale).collect();
    let stale_titles: Vec<_> = stale.iter().map(|each| each.identity.title.as_str()).collect();
    let searchable = health.search && health.datasets > 0;
    let (search, search_detail) = match health.search {
        true if health.datasets == 0 => ("使えません", NO_DATASETS.to_owned()),
        true => ("使えます", format!("{}件のデータセットを調べられます。", health.datasets)),
        false => ("使えません", "データセットの登録を情報担当者に確かめてください。".to_owned()),
    };
    let (model, model_detail) = match health.model {
        true => ("使えます", "回答文をAIが作成します。".to_owned()),
        false => ("抜き出しのみ", health.model_problem.clone()),
    };
    let (age, age_detail) = match stale.is_empty() {
        true if datasets.is_empty() => ("データセットがありません", String::new()),
        true => ("期限内です", String::new()),
        false => ("古いデータセットがあります", stale_titles.join("、")),
    };
    let waiting = format!("{}件", health.active_requests);
    [
        lamp("資料の検索", searchable, "bad", search, search_detail),
        lamp("回答の作成", health.model, "warn", model, model_detail),
        lamp(
            "データセットの新しさ",
            stale.is_empty() && !datasets.is_empty(),
            "warn",
            age,
            age_detail,
        ),
        lamp("処理中の質問", true, "good", &waiting, String::new()),
    ]
}

fn people_lamp(has_accounts: bool) -> Lamp {
    let (class, state, detail) = match has_accounts {
        true => ("good", "設定済み", "利用者ごとにログインします。"),
        false => (
            "warn",
            "未設定",
            "来た人全員が、更新を含む全ての操作をできます。情報担当者が kura user add で最初の管理者を登録してください。",
        ),
    };
    Lamp {
        class, name: "利用者のアカウント", state: state.to_owned(), detail: detail.to_owned()
    }
}

/// What the top of the page says when not everything works; empty when it does.
pub(crate) fn banner(health: &Health) -> String {
    if health.search && health.datasets == 0 {
        return NO_DATASETS.to_owned();
    }
    if !health.search {
        return "いまは資料を検索できません。データセットの登録状況を情報担当者に確かめてください。"
            .to_owned();
    }
    if !health.model {
        let why = health.model_problem.trim_end_matches('。');
        let why = if why.is_empty() { String::new() } else { format!("（{why}）") };
        return format!(
            "いまは回答文を作成できません{why}。質問すると、資料からの抜き出しを表示します。"
        );
    }
    String::new()
}

/// Which data sets lie so far behind that their content may be out of date; empty when none does.
fn stale_banner(datasets: &[DatasetSummary]) -> String {
    let stale = datasets.iter().map(|dataset| &dataset.identity).filter(|dataset| dataset.stale);
    let named = stale
        .map(|dataset| format!("「{}」（基準日 {}）", dataset.title, japanese_date(dataset.as_of)));
    match named.collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        named => format!(
            "基準日から時間が経ったデータセットがあります：{}。最新の内容は、原典や担当課に確かめてください。",
            named.join("、")
        ),
    }
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
        measured: measured(dataset),
    }
}

/// How often search errs with 該当なし on a data set, as measured on this box.
fn measured(dataset: &DatasetSummary) -> String {
    let label = dataset.measured.as_ref().and_then(|measured| measured.label(Lang::Ja));
    label.unwrap_or_else(|| "未測定".to_owned())
}

fn scope_class(scope: Scope) -> &'static str {
    match scope {
        Scope::Common => "common",
        Scope::Local => "local",
        Scope::Upload => "upload",
    }
}

/// An RFC 3339 time as the clock of the box showed it: 令和8年4月1日 15:30.
fn clock_time(stamp: &str) -> String {
    let date = stamp.get(..10).and_then(|date| date.parse().ok());
    match (date, stamp.get(11..16)) {
        (Some(date), Some(time)) => format!("{} {time}", japanese_date(date)),
        _ => stamp.to_owned(),
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
    use jiff::civil::Date;

    use super::*;

    #[test]
    fn dates_are_written_with_their_era() {
        for (date, written) in [
            (Date::constant(2026, 4, 1), "令和8年4月1日"),
            (Date::constant(2019, 5, 1), "令和元年5月1日"),
            (Date::constant(2019, 4, 30), "平成31年4月30日"),
            (Date::constant(1989, 1, 7), "昭和64年1月7日"),
            (Date::constant(1900, 1, 2), "明治33年1月2日"),
        ] {
            assert_eq!(japanese_date(date), written);
        }
        assert_eq!(clock_time("2026-04-01T09:05:00+09:00"), "令和8年4月1日 09:05");
        assert_eq!(clock_time("さっき"), "さっき");
    }
}
