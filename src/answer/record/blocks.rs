//! A record as a document: what stands in it, in which order, whatever the format.

use super::code::Code;
use super::mark::Mark;
use super::review::{Action, Rule, Step, TextCheck};
use super::seal::Seal;
use super::{Record, RecordSource};
use crate::answer::layers::scope_title;
use crate::answer::types::{AnswerKind, FinishReason};
use crate::document::Scope;
use crate::text::dates::japanese;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Title,
    /// What the reader must know first.
    Lead,
    Heading,
    SubHeading,
    Body,
    /// Words of a source.
    Quote,
    /// 「名前：値」
    Row,
    Note,
    /// The mark.
    Mark,
}

/// One paragraph on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub style: Style,
    pub text: String,
}

/// Blocks under way.
#[derive(Default)]
struct Page(Vec<Block>);

impl Page {
    /// Adds a text by its lines; what no format can hold is left out.
    fn add(&mut self, style: Style, text: &str) {
        for line in text.lines() {
            let line: String = line
                .chars()
                .map(|c| if c == '\t' { ' ' } else { c })
                .filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{feff}'))
                .collect();
            let text = line.split_whitespace().collect::<Vec<_>>().join(" ");
            if !text.is_empty() {
                self.0.push(Block { style, text });
            }
        }
    }

    fn row(&mut self, name: &str, value: &str) {
        self.add(Style::Row, &format!("{name}：{value}"));
    }
}

/// The document of a record with the first `steps` lines of its trail under a rule of review, with
/// its mark at the end.
pub fn document(seal: &Seal, record: &Record, steps: &[Step], rule: Rule) -> Vec<Block> {
    let mut page = Page::default();
    // One that was put right without a check (an earlier program did) takes an earlier one's place.
    let corrected = steps.iter().rev().find(|step| !step.text.is_empty());
    let check = corrected.and_then(Step::check);
    let asked = steps.last().and_then(|step| rule.asks_for(step.action));
    head(&mut page, record, asked);
    answer(&mut page, record, corrected);
    sources(&mut page, record, check);
    provenance(&mut page, record);
    trail(&mut page, steps);
    page.add(Style::Heading, "真正性の確認");
    page.add(
        Style::Note,
        "作成した機器と改変の有無は、kuraの画面「文書の確認」か、コマンド kura verify で確かめられます。次の行は消さないでください。",
    );
    let lines: Vec<String> = page.0.iter().map(|block| block.text.clone()).collect();
    let mark = Mark::new(seal, &record.code, steps.len(), &lines);
    page.add(Style::Mark, &format!("検証情報：{}", mark.line()));
    page.0
}

fn head(page: &mut Page, record: &Record, asked: Option<String>) {
    let (title, lead) = match record.kind {
        AnswerKind::Generated => (
            "生成AIによる回答",
            "この文書は、生成AIを利用して作成しました。内容は、必ず出典で確かめてください。",
        ),
        AnswerKind::Plain => (
            "生成AIによる文章",
            "この文書は、生成AIを利用して作成しました。内容は、必ず職員が確かめてください。",
        ),
        AnswerKind::Excerpt => (
            "資料からの抜き出し",
            "この文書は、資料の文をそのまま抜き出したものです。生成AIによる文章は含みません。",
        ),
        AnswerKind::NotFound => {
            ("該当なし", "選ばれた資料に、質問に答えられる記載は見つかりませんでした。")
        }
    };
    page.add(Style::Title, title);
    page.add(Style::Lead, lead);
    if let Some(asked) = asked {
        page.add(Style::Lead, &format!("状態：{asked}"));
    }
    page.row("識別番号", &record.code.to_string());
    page.add(Style::Heading, if record.assistant.is_some() { "入力" } else { "質問" });
    page.add(Style::Body, &record.question);
}

fn answer(page: &mut Page, record: &Record, corrected: Option<&Step>) {
    let check = corrected.and_then(Step::check);
    if let Some(step) = corrected {
        page.add(Style::Heading, "本文（職員が修正したもの）");
        page.add(Style::Note, &format!("{}が修正しました。", step.who()));
        if let Some(check) = check {
            found(page, record, check);
        }
        page.add(Style::Body, check.map_or(&step.text, |check| &check.shown));
        page.add(Style::Heading, "修正前の文章");
    } else {
        page.add(Style::Heading, if record.assistant.is_some() { "文章" } else { "回答" });
    }
    if record.layers.is_empty() {
        page.add(Style::Body, &record.text);
    }
    for layer in &record.layers {
        page.add(Style::SubHeading, &layer.label);
        page.add(Style::Body, &layer.text);
    }
    match record.finish {
        FinishReason::Stop => {}
        FinishReason::Length => {
            page.add(Style::Note, "長さの上限に達したため、途中で終わっています。");
        }
        FinishReason::Cancelled => page.add(Style::Note, "作成を途中で停止しました。"),
    }
    if !record.notes.is_empty() {
        let about =
            if check.is_some() { "注意（修正前の文章について）" } else { "注意" };
        page.add(Style::Heading, about);
        for note in &record.notes {
            page.add(Style::Note, note);
        }
    }
}

/// What the check of a corrected text found.
fn found(page: &mut Page, record: &Record, check: &TextCheck) {
    let count = check.unconfirmed;
    let said = format!("職員の修正後の文章を検査しました：根拠未確認 {count}文");
    page.add(Style::Note, &said);
    if count > 0 {
        page.add(
            Style::Note,
            "出典で根拠を確かめられなかった文に「根拠未確認」と付けています。文章は、職員が書いたままです。",
        );
    }
    if check.cited.is_empty() && !record.sources.is_empty() {
        page.add(Style::Note, "修正後の文章には、出典の番号がありません。");
    }
}

/// Sources by what cites them: the corrected text where it was checked, else the answer.
fn sources(page: &mut Page, record: &Record, check: Option<&TextCheck>) {
    let is_cited = |each: &RecordSource| match check {
        Some(check) => check.cited.contains(&each.number),
        None => each.cited,
    };
    let cited: Vec<&RecordSource> = record.sources.iter().filter(|each| is_cited(each)).collect();
    if !cited.is_empty() {
        page.add(Style::Heading, "出典");
    }
    for scope in [Scope::Common, Scope::Local, Scope::Upload] {
        let here: Vec<_> = cited.iter().filter(|each| each.scope == scope).collect();
        if !here.is_empty() {
            page.add(Style::SubHeading, scope_title(scope));
        }
        for source in here {
            page.add(Style::Row, &format!("[{}] {}", source.number, source.citation));
            page.add(Style::Note, &about(source));
            page.add(Style::Quote, &source.text);
        }
    }
    let others = record.sources.iter().filter(|each| !is_cited(each));
    let (before, unused): (Vec<_>, Vec<_>) = others.partition(|each| each.cited);
    list(page, "修正前の文章だけの出典", &before);
    list(page, "回答に使わなかった該当箇所", &unused);
}

/// Sources by name only.
fn list(page: &mut Page, heading: &str, sources: &[&RecordSource]) {
    if !sources.is_empty() {
        page.add(Style::Heading, heading);
    }
    for source in sources {
        let authority = source.authority.label_in(source.scope);
        let scope = source.scope.label();
        let place = format!("[{}] {}（{authority}、{scope}）", source.number, source.citation);
        page.add(Style::Row, &place);
    }
}

/// Where a source comes from, in a line.
fn about(source: &RecordSource) -> String {
    let authority = source.authority.label_in(source.scope);
    let mut parts = vec![format!("{authority}・{}", source.scope.label())];
    if !source.caution.is_empty() {
        parts.push(source.caution.clone());
    }
    parts.push(format!("{} 版 {}", source.dataset.title, source.dataset.edition));
    parts.push(format!("基準日 {}", japanese(source.as_of)));
    if !source.time.is_empty() {
        parts.push(source.time.clone());
    }
    parts.push(match source.place.is_empty() {
        true => source.path.clone(),
        false => format!("{}（{}）", source.path, source.place),
    });
    parts.join("／")
}

fn provenance(page: &mut Page, record: &Record) {
    page.add(Style::Heading, "生成情報");
    page.row("作成日時", &clock(&record.created_at));
    page.row("作成者", format!("{} {}", record.author.section, record.author.name).trim());
    match &record.model {
        Some(model) => {
            page.row("作成方法", "生成AIを利用して作成");
            let warning =
                if model.self_test { "（業務には使わないでください）" } else { "" };
            page.row("モデル", &format!("{}{warning}", model.name));
            page.row("量子化", &model.quantization);
            page.row("モデルのハッシュ（BLAKE3）", &model.blake3);
            if let Some(evaluation) = &model.evaluation {
                page.row("モデルの評価", evaluation);
            }
        }
        None => page.row("作成方法", "生成AIは使用せず、資料を検索して作成"),
    }
    if let Some(assistant) = &record.assistant {
        page.row("業務アシスタント", &format!("{}（第{}版）", assistant.title, assistant.version));
    }
    for dataset in &record.datasets {
        let (title, edition, day) = (&dataset.title, &dataset.edition, japanese(dataset.as_of));
        let stale = if dataset.stale { "、古い可能性" } else { "" };
        page.row("データセット", &format!("{title} 版 {edition}（基準日 {day}{stale}）"));
    }
    selection(page, record);
    page.row("kuraの版", &record.kura_version);
}

fn selection(page: &mut Page, record: &Record) {
    let chosen = &record.selection;
    if let Some(day) = chosen.as_of {
        page.row("時点", &japanese(day));
    }
    if let Some(list) = &chosen.authorities {
        let labels: Vec<_> = list.iter().map(|authority| authority.label()).collect();
        page.row("位置付けの指定", &labels.join("、"));
    }
    if let Some(list) = &chosen.scopes {
        let labels: Vec<_> = list.iter().map(|scope| scope.label()).collect();
        page.row("区分の指定", &labels.join("、"));
    }
    if let Some(period) = chosen.period {
        let end = |day: Option<_>| day.map(japanese).unwrap_or_default();
        page.row("基準日の期間", &format!("{}～{}", end(period.from), end(period.until)));
    }
}

fn trail(page: &mut Page, steps: &[Step]) {
    page.add(Style::Heading, "作成・確認・承認の記録");
    for step in steps {
        let line = format!("{} {}", clock(&step.at), step.who());
        page.row(step.action.label(), &line);
        if !step.text.is_empty() {
            page.add(Style::Note, "文章を修正");
        }
        if !step.comment.is_empty() {
            page.add(Style::Note, &format!("コメント：{}", step.comment.replace('\n', " ")));
        }
    }
    if steps.last().is_some_and(|step| step.action != Action::Approved) {
        page.add(Style::Note, "この文書を保存した時点の記録です。");
    }
}

/// An RFC 3339 time as the clock of the box shows it: 令和8年4月1日 15:30.
pub fn clock(stamp: &str) -> String {
    let local = stamp.strip_suffix('Z').and_then(|_| stamp.parse::<jiff::Timestamp>().ok());
    let local = local.map(|at| {
        at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    });
    let shown = local.as_deref().unwrap_or(stamp);
    let date = shown.get(..10).and_then(|date| date.parse().ok());
    match (date, shown.get(11..16)) {
        (Some(date), Some(time)) => format!("{} {time}", japanese(date)),
        _ => stamp.to_owned(),
    }
}

/// Name of a saved file without its end: 「回答_20260401_K7QM3-XW9TD」.
pub(super) fn file_stem(record: &Record, code: &Code) -> String {
    let word = match record.kind {
        AnswerKind::Generated | AnswerKind::NotFound => "回答",
        AnswerKind::Excerpt => "抜き出し",
        AnswerKind::Plain => "文章",
    };
    let day: String = record.created_at.chars().take(10).filter(char::is_ascii_digit).collect();
    format!("{word}_{day}_{code}")
}
