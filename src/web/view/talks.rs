//! Conversations: beside the desk, as a list, one by one, and as a text file.

mod text;

use askama::Template;
use serde::Deserialize;

use super::answer::{Piece, kind_label, pieces};
use super::people::local_time;
use super::{VERSION, clock_time, japanese_date, render};
use crate::answer::AnswerKind;
use crate::document::Provenance;
use crate::store::{Conversation, TITLE_CHARS_MAX, Turn};
use crate::web::talks::Beside;

pub(crate) use text::talks_text;

/// Days that a person can choose to keep conversations.
pub(crate) const KEPT_DAYS: [u32; 4] = [7, 30, 90, 180];

/// What the desk shows of conversations.
#[derive(Default)]
pub(super) struct TalksSide {
    /// The one that goes on; its id is empty for a new one.
    pub(super) current: TalkRow,
    pub(super) rows: Vec<TalkRow>,
}

/// A conversation in a list.
#[derive(Default)]
pub(super) struct TalkRow {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) used: String,
    pub(super) turns: i64,
}

impl TalkRow {
    fn of(conversation: &Conversation) -> Self {
        Self {
            id: conversation.id.clone(),
            title: conversation.title.clone(),
            used: local_time(&conversation.used_at),
            turns: conversation.turns,
        }
    }
}

/// The side of the desk.
pub(super) fn talks_side(beside: &Beside) -> TalksSide {
    TalksSide {
        current: beside.current.as_ref().map(TalkRow::of).unwrap_or_default(),
        rows: beside.latest.iter().map(TalkRow::of).collect(),
    }
}

/// What the list of conversations shows.
pub(crate) struct TalksDesk {
    pub(crate) rows: Vec<Conversation>,
    /// Whether there are more than are shown.
    pub(crate) more: bool,
    /// The words of a search.
    pub(crate) words: String,
    /// What was just done.
    pub(crate) done: String,
    /// Days that the box keeps conversations; 0 keeps them.
    pub(crate) days: u32,
    /// Days that the person chose; 0 is what the box says.
    pub(crate) own_days: u32,
    /// Whether many people may stand behind the account.
    pub(crate) shared: bool,
}

#[derive(Template)]
#[template(path = "talks.html", config = "src/web/askama.toml")]
struct TalksPage<'a> {
    version: &'static str,
    done: &'static str,
    words: &'a str,
    rows: Vec<TalkRow>,
    more: bool,
    rule: String,
    choices: Vec<DaysChoice>,
    shared: bool,
}

/// A time to keep conversations.
struct DaysChoice {
    days: u32,
    label: String,
    chosen: bool,
}

/// The list, its search, and what can be done with all.
pub(crate) fn talks_page(desk: &TalksDesk) -> String {
    let box_rule = match desk.days {
        0 => "期限なし".to_owned(),
        days => format!("最後の質問から{days}日"),
    };
    let own = KEPT_DAYS.into_iter().filter(|days| desk.days == 0 || *days < desk.days);
    let mut choices = vec![DaysChoice {
        days: 0,
        label: format!("この機器の設定どおり（{box_rule}）"),
        chosen: desk.own_days == 0,
    }];
    choices.extend(own.map(|days| DaysChoice {
        days,
        label: format!("{days}日"),
        chosen: desk.own_days == days,
    }));
    let shorter = desk.own_days > 0 && (desk.days == 0 || desk.own_days < desk.days);
    let rule = match (shorter, desk.days) {
        (true, _) => format!("最後の質問から{}日たつと、自動的に消えます。", desk.own_days),
        (false, 0) => "消すまで残ります。".to_owned(),
        (false, days) => format!("最後の質問から{days}日たつと、自動的に消えます。"),
    };
    render(&TalksPage {
        version: VERSION,
        done: match desk.done.as_str() {
            "deleted" => "会話を削除しました。",
            "all" => "会話をすべて削除しました。",
            "kept" => "保存期間を変更しました。",
            _ => "",
        },
        words: &desk.words,
        rows: desk.rows.iter().map(TalkRow::of).collect(),
        more: desk.more,
        rule,
        choices,
        shared: desk.shared,
    })
}

/// What the page of one conversation shows.
pub(crate) struct TalkDesk {
    pub(crate) conversation: Conversation,
    pub(crate) turns: Vec<Turn>,
    pub(crate) shared: bool,
}

#[derive(Template)]
#[template(path = "talk.html", config = "src/web/askama.toml")]
struct TalkPage<'a> {
    version: &'static str,
    id: &'a str,
    title: &'a str,
    title_max: usize,
    used: String,
    turns: Vec<TurnPart>,
    shared: bool,
}

/// One question with its answer.
struct TurnPart {
    number: i64,
    asked: String,
    question: String,
    kind: &'static str,
    pieces: Vec<Piece>,
    notes: Vec<String>,
    sources: Vec<KeptSource>,
    made: Vec<(&'static str, String)>,
}

/// One conversation.
pub(crate) fn talk_page(desk: &TalkDesk) -> String {
    render(&TalkPage {
        version: VERSION,
        id: &desk.conversation.id,
        title: &desk.conversation.title,
        title_max: TITLE_CHARS_MAX,
        used: local_time(&desk.conversation.used_at),
        turns: desk.turns.iter().map(turn_part).collect(),
        shared: desk.shared,
    })
}

fn turn_part(turn: &Turn) -> TurnPart {
    let kept = Kept::of(turn);
    let numbers: Vec<usize> = kept.sources.iter().map(|source| source.number).collect();
    TurnPart {
        number: turn.number,
        asked: local_time(&turn.asked_at),
        question: turn.question.clone(),
        kind: kept.kind(),
        pieces: pieces(&turn.answer, &numbers),
        notes: kept.notes(),
        made: kept.made(),
        sources: kept.shown_sources(),
    }
}

/// What was kept with an answer, as far as it is shown. What an older or a newer program wrote
/// otherwise is left out, never the question or the answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    state: String,
    message: String,
    sources: Vec<KeptSource>,
    summary: Option<KeptSummary>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct KeptSource {
    number: usize,
    citation: String,
    scope_label: String,
    authority_label: String,
    dataset: KeptDataset,
    passage: KeptPassage,
    warnings: Vec<String>,
    /// Set here: whether the answer cites it.
    #[serde(skip)]
    cited: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct KeptDataset {
    title: String,
    edition: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct KeptPassage {
    path: String,
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeptSummary {
    kind: Option<AnswerKind>,
    cited: Vec<usize>,
    notes: Vec<String>,
    provenance: Option<Provenance>,
}

impl Kept {
    fn of(turn: &Turn) -> Self {
        serde_json::from_str(&turn.record).unwrap_or_else(|why| {
            tracing::warn!(%why, "what was kept with an answer cannot be read");
            Self {
                message: "出典と生成情報の記録を読めません。".to_owned(), ..Self::default()
            }
        })
    }

    fn kind(&self) -> &'static str {
        match (self.state.as_str(), self.summary.as_ref().and_then(|summary| summary.kind)) {
            ("stopped", _) => "途中で停止",
            ("failed", _) => "回答できず",
            (_, Some(kind)) => kind_label(kind),
            (_, None) => "回答",
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes =
            self.summary.as_ref().map(|summary| summary.notes.clone()).unwrap_or_default();
        if self.state == "stopped" {
            notes.push("回答の作成を途中で停止しました。文章は途中までです。".to_owned());
        }
        notes.extend(Some(self.message.clone()).filter(|message| !message.is_empty()));
        notes
    }

    /// What the answer cites first, then the others.
    fn shown_sources(&self) -> Vec<KeptSource> {
        let cited = self.summary.as_ref().map(|summary| summary.cited.as_slice());
        let mut sources = self.sources.clone();
        for source in &mut sources {
            source.cited = cited.unwrap_or_default().contains(&source.number);
        }
        sources.sort_by_key(|source| (!source.cited, source.number));
        sources
    }

    /// 生成情報
    fn made(&self) -> Vec<(&'static str, String)> {
        let provenance = self.summary.as_ref().and_then(|summary| summary.provenance.as_ref());
        let Some(provenance) = provenance else { return Vec::new() };
        let model = provenance.model.as_ref().map_or_else(
            || "使用なし".to_owned(),
            |model| format!("{}（{}）", model.name, model.quantization),
        );
        let mut rows = vec![("モデル", model)];
        for dataset in &provenance.datasets {
            let (title, edition) = (&dataset.title, &dataset.edition);
            let day = japanese_date(dataset.as_of);
            rows.push(("データセット", format!("{title}　版 {edition}（基準日 {day}）")));
        }
        rows.push(("作成日時", clock_time(&provenance.created_at)));
        rows.push(("kuraの版", provenance.kura_version.clone()));
        rows
    }
}
