//! 業務アシスタント (assistants): a task that people do often, as data that travels.
//!
//! The file, TOML, one assistant; a set of several has each as an `[[assistant]]` table. Only
//! `title` and `prompt` must be there.
//!
//! ```toml
//! id = "gijiroku"            # [a-z0-9][a-z0-9_-]{0,47}; default: the file's name
//! version = 1                # counted up with every change
//! title = "議事録整理"
//! purpose = "会議の記録から、決まったことと宿題を書き出します。"
//! group = "整える"            # 調べる, 書く or 整える: where the list shows it
//! prompt = "…"               # instructions, sent as the system turn; short, rules first
//! data = "none"              # all, common (通例), local (固有), none, or ["id", …] of data sets
//! search = ["text"]          # fields whose values are searched for; default: all
//! form = "list"              # free, letter, list, table or qa
//! verbatim = true            # quotations may only be copied from passages; default: the setting
//! max_tokens = 600
//!
//! [sampling]                 # what is missing is as in the settings
//! temperature = 0.2          # 0 to 2; also top_p, min_p (0 to 1), repetition_penalty (0.1 to 10)
//!
//! [long]                     # an input longer than the model's context; without: refused
//! field = "text"             # the field that is split
//! join = "merge"             # merge: the prompt below for each part, then the task on what came
//! prompt = "…"               # out; concat: the task for each part, one after the other
//!
//! [[field]]                  # what is asked for, in order; default: one text
//! id = "text"                # [a-z][a-z0-9_]{0,31}
//! label = "会議の記録"
//! help = "…"
//! kind = "text"              # line, text, date (2026-04-01) or choice
//! choices = []               # of a choice
//! required = true
//! max_chars = 60000
//!
//! [[example]]                # filled-in fields to try
//! title = "町内会との打合せ"
//! values = { text = "…" }
//!
//! [checks]                   # run on what came out, shown beside it (`checks`)
//! cites = false              # it cites a source
//! min_chars = 0
//! max_chars = 800
//! max_sentence_chars = 60
//! contains = ["件名"]
//! contains_fields = ["to"]   # the values of these fields
//! avoids = ["至急"]
//! portable_characters = true # no 機種依存文字
//! style = "desumasu"         # or dearu
//! plain_words = false        # no hard words (やさしい日本語)
//! numbers = true             # every number stands in the input or in the passages
//! ```

mod builtin;
mod cabinet;
mod checks;
mod exchange;
mod fill;
mod read;
mod split;
mod validate;
mod words;
mod write;

use serde::Serialize;

pub use builtin::built_in;
pub use cabinet::{Cabinet, CabinetError, Entry, Listing, Origin, Saving};
pub use checks::CheckOutcome;
pub(super) use checks::{Made, run as run_checks};
pub use exchange::{Effect, Planned};
pub use fill::{Filled, Gap};
pub use read::{Mistake, read_all, read_one};
pub(super) use split::split;
pub use validate::{Fault, check_id, validate};
pub use write::{to_set, to_toml};

use super::types::ChatTurn;

/// A task as data. Fields are as in the file; see the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assistant {
    pub id: String,
    pub version: u32,
    pub title: String,
    pub purpose: String,
    pub group: Group,
    pub prompt: String,
    pub data: DataChoice,
    /// Ids of fields; empty means all.
    pub search: Vec<String>,
    pub form: Form,
    /// Whether quotations may only be copied from passages; `None` as the settings say.
    pub verbatim: Option<bool>,
    pub max_tokens: Option<usize>,
    pub sampling: Chosen,
    pub long: Option<Long>,
    pub fields: Vec<Field>,
    pub examples: Vec<Example>,
    pub checks: Checks,
}

/// Where the list shows an assistant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// 調べる
    Search,
    /// 書く
    #[default]
    Write,
    /// 整える
    Edit,
}

/// Which data sets an assistant uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataChoice {
    All,
    /// 通例
    Common,
    /// 固有
    Local,
    /// By id.
    Only(Vec<String>),
    /// None: the model works on what was filled in alone.
    #[default]
    None,
}

/// The form of what comes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Free,
    Letter,
    List,
    Table,
    Qa,
}

/// How tokens are chosen; `None` is as in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chosen {
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub min_p: Option<f32>,
    pub repetition_penalty: Option<f32>,
}

/// What is done with an input that is longer than the model can take at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Long {
    pub field: String,
    pub join: Join,
    /// For each part; empty where parts are only joined.
    pub prompt: String,
}

/// How parts become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    Merge,
    Concat,
}

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub id: String,
    pub label: String,
    pub help: String,
    pub kind: Kind,
    pub choices: Vec<String>,
    pub required: bool,
    pub max_chars: usize,
}

/// How a field is filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    Line,
    #[default]
    Text,
    Date,
    Choice,
}

/// Filled-in fields: id and value, in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    pub title: String,
    pub values: Vec<(String, String)>,
}

/// What the output must fulfil.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub cites: bool,
    /// 0 is no bound.
    pub min_chars: usize,
    /// 0 is no bound.
    pub max_chars: usize,
    /// 0 is no bound.
    pub max_sentence_chars: usize,
    pub contains: Vec<String>,
    pub contains_fields: Vec<String>,
    pub avoids: Vec<String>,
    pub portable_characters: bool,
    pub style: Option<Style>,
    pub plain_words: bool,
    pub numbers: bool,
}

/// How sentences end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// です・ます
    Desumasu,
    /// である
    Dearu,
}

/// Said to the model where passages are given.
const GROUNDED: &str = "資料だけを根拠にし、根拠の資料の番号を文ごとに[1]のように付けてください。\
資料に答えがないときは「該当なし」とだけ答えてください。\
資料の「…」は、途中を省いた印です。";

/// Characters of a field that does not say its own bound.
pub const FIELD_CHARS: usize = 4_000;

impl Assistant {
    /// Whether passages are looked for and given.
    pub fn uses_data(&self) -> bool {
        self.data != DataChoice::None
    }

    /// The data sets that it names.
    pub fn data_ids(&self) -> &[String] {
        match &self.data {
            DataChoice::Only(ids) => ids,
            _ => &[],
        }
    }

    /// The field with this id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// What the model is told before what was filled in.
    pub fn instructions(&self) -> String {
        self.instructions_with(&self.prompt)
    }

    /// The same for one part of a long input.
    pub(super) fn part_instructions(&self) -> String {
        match &self.long {
            Some(long) if long.join == Join::Merge => long.prompt.clone(),
            _ => self.instructions(),
        }
    }

    fn instructions_with(&self, prompt: &str) -> String {
        let form = self.form.instruction();
        let grounded = if self.uses_data() { GROUNDED } else { "" };
        let parts = [prompt, form, grounded];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    /// The turns as they are sent, with a mark where passages will stand.
    pub fn preview(&self, filled: &Filled) -> Vec<ChatTurn> {
        let request = filled.request();
        let content = match self.uses_data() {
            true => {
                format!("（見つかった該当箇所が、番号を付けてここに入ります）\n\n質問：{request}")
            }
            false => request,
        };
        let turn = |role: &str, content| ChatTurn { role: role.to_owned(), content };
        vec![turn("system", self.instructions()), turn("user", content)]
    }

    /// How an answer names it.
    pub fn identity(&self) -> crate::document::AssistantIdentity {
        crate::document::AssistantIdentity {
            id: self.id.clone(),
            title: self.title.clone(),
            version: self.version,
        }
    }
}

/// Names of a kind of value: in the file, and for people.
pub trait Named: Sized + Copy + PartialEq + 'static {
    /// Every value, with its name in the file and its word in the interface.
    const NAMES: &'static [(Self, &'static str, &'static str)];

    /// The name in the file.
    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(value, ..)| *value == self).map_or("", |(_, name, _)| name)
    }

    /// The word in the interface.
    fn label(self) -> &'static str {
        Self::NAMES.iter().find(|(value, ..)| *value == self).map_or("", |(.., label)| label)
    }

    /// The value of a name in the file.
    fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known, _)| *known == name).map(|(value, ..)| *value)
    }
}

impl Named for Group {
    const NAMES: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Search, "調べる", "調べる"),
        (Self::Write, "書く", "書く"),
        (Self::Edit, "整える", "整える"),
    ];
}

impl Named for Form {
    const NAMES: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Free, "free", "自由"),
        (Self::Letter, "letter", "文書（宛名・件名・本文）"),
        (Self::List, "list", "箇条書き"),
        (Self::Table, "table", "表"),
        (Self::Qa, "qa", "問いと答え"),
    ];
}

impl Named for Kind {
    const NAMES: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Line, "line", "1行"),
        (Self::Text, "text", "文章"),
        (Self::Date, "date", "日付"),
        (Self::Choice, "choice", "選択"),
    ];
}

impl Named for Join {
    const NAMES: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Merge, "merge", "分けて要点を書き出し、まとめ直す"),
        (Self::Concat, "concat", "分けて処理し、順につなぐ"),
    ];
}

impl Named for Style {
    const NAMES: &'static [(Self, &'static str, &'static str)] =
        &[(Self::Desumasu, "desumasu", "です・ます"), (Self::Dearu, "dearu", "である")];
}

impl Form {
    /// What the form adds to the instructions.
    fn instruction(self) -> &'static str {
        match self {
            Self::Free => "",
            Self::Letter => "宛名、件名、本文の順に、そのまま使える文書の形で書いてください。",
            Self::List => "「・」で始まる箇条書きで書いてください。",
            Self::Table => "表は、列を「|」で区切り、行の初めと終わりにも「|」を付けてください。",
            Self::Qa => "「問」と「答」を1組ずつ、行を分けて書いてください。",
        }
    }
}

impl DataChoice {
    /// In the words of the interface.
    pub fn label(&self) -> String {
        match self {
            Self::All => "すべてのデータセット".to_owned(),
            Self::Common => "通例のデータセット".to_owned(),
            Self::Local => "固有のデータセット".to_owned(),
            Self::Only(ids) => format!("データセット：{}", ids.join("、")),
            Self::None => "使わない（入力した文章だけ）".to_owned(),
        }
    }
}

/// An assistant as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct AssistantSummary {
    pub id: String,
    pub version: u32,
    pub title: String,
    pub purpose: String,
    pub group: &'static str,
    pub uses_data: bool,
    /// 標準, 更新パッケージ or この庁
    pub origin: &'static str,
}

#[cfg(test)]
mod tests;
