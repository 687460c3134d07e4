//! Plain data that every layer may hold: documents, passages, data sets, provenance. No I/O here.
//!
//! A file is read into a [`Document`] of [`Section`]s, cut into [`Passage`]s (the piece that is
//! searched, cited and quoted), and every answer carries a [`Provenance`].

mod validity;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use validity::{Standing, Validity};

/// 通例 (a national or shared rule) or 固有 (this municipality's own handling); what a person gave
/// to a conversation is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// 通例: national or shared rule.
    Common,
    /// 固有: this municipality's own rule or practice.
    Local,
    /// What somebody uploaded to ask about it. Nobody vouches for it, and no data set has it.
    Upload,
}

impl Scope {
    /// The word that the interface shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Common => "通例",
            Self::Local => "固有",
            Self::Upload => "アップロード",
        }
    }
}

/// 位置付け: what kind of source this is, in order of legal force (strongest first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// 法律
    Law,
    /// 政令
    CabinetOrder,
    /// 省令・規則
    MinisterialOrdinance,
    /// 告示
    PublicNotice,
    /// 通知 (処理基準・技術的助言)
    Circular,
    /// 国の方針 (検討会の議論, 首相会見 and the like)
    Policy,
    /// 条例・規則 of the municipality
    Ordinance,
    /// 要綱・マニュアル of the municipality
    Manual,
    /// FAQ・議事録
    Faq,
}

impl Authority {
    /// Every value, strongest first, with the name used in `dataset.toml`.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Law, "law"),
        (Self::CabinetOrder, "cabinet-order"),
        (Self::MinisterialOrdinance, "ministerial-ordinance"),
        (Self::PublicNotice, "public-notice"),
        (Self::Circular, "circular"),
        (Self::Policy, "policy"),
        (Self::Ordinance, "ordinance"),
        (Self::Manual, "manual"),
        (Self::Faq, "faq"),
    ];

    /// Legal force from 1 (law) to 0 (FAQ), for deciding between what is equal otherwise.
    pub fn weight(self) -> f32 {
        1.0 - self as usize as f32 / (Self::ALL.len() - 1) as f32
    }

    /// The word that the interface shows for a source: what somebody uploaded has no standing.
    pub fn label_in(self, scope: Scope) -> &'static str {
        match scope {
            Scope::Upload => "位置付けなし",
            Scope::Common | Scope::Local => self.label(),
        }
    }

    /// The word that the interface shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Law => "法律",
            Self::CabinetOrder => "政令",
            Self::MinisterialOrdinance => "省令・規則",
            Self::PublicNotice => "告示",
            Self::Circular => "通知",
            Self::Policy => "国の方針",
            Self::Ordinance => "条例・規則",
            Self::Manual => "要綱・マニュアル",
            Self::Faq => "FAQ・議事録",
        }
    }
}

/// The address of a provision inside a law or ordinance.
///
/// `article` is the canonical key: Arabic numerals, branches joined by `-`
/// (第十条の二 is `10-2`). Built by [`crate::text::article_key`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArticleRef {
    /// Canonical article key; empty where a supplementary provision has no articles.
    pub article: String,
    /// 項, counted from 1; `None` means the whole article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraph: Option<u32>,
    /// 号 as a key (`3`, `3-2`); `None` means the whole paragraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Set for 附則: the number of the amending law, or an empty string for the original one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplement: Option<String>,
}

impl ArticleRef {
    /// Written as in a law: 「第十条の二第二項第三号」, 「附則第一条」.
    pub fn label(&self) -> String {
        let mut label = String::new();
        if let Some(amending) = &self.supplement {
            label.push_str("附則");
            if !amending.is_empty() {
                label.push_str(&format!("（{amending}）"));
            }
        }
        if !self.article.is_empty() {
            label.push_str(&crate::text::article_label(&self.article, "条"));
        }
        if let Some(paragraph) = self.paragraph {
            label.push_str(&format!("第{}項", crate::text::to_kanji(u64::from(paragraph))));
        }
        if let Some(item) = &self.item {
            label.push_str(&crate::text::article_label(item, "号"));
        }
        label
    }
}

/// Where in its file a section or passage stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Locator {
    /// The format has no finer address than the file and its headings.
    #[default]
    None,
    /// PDF pages, counted from 1, both ends included.
    Pages { first: u32, last: u32 },
    /// A slide, counted from 1.
    Slide { number: u32 },
    /// Rows of a sheet or CSV file, counted from 1 as a spreadsheet shows them.
    Rows { sheet: String, first: u32, last: u32 },
}

impl Locator {
    /// As shown behind the title: 「3ページ」, 「スライド2」, 「シート「料金」5行」; empty for `None`.
    pub fn label(&self) -> String {
        let range = |first: &u32, last: &u32| match first == last {
            true => first.to_string(),
            false => format!("{first}～{last}"),
        };
        match self {
            Self::None => String::new(),
            Self::Pages { first, last } => format!("{}ページ", range(first, last)),
            Self::Slide { number } => format!("スライド{number}"),
            Self::Rows { sheet, first, last } if sheet.is_empty() => {
                format!("{}行", range(first, last))
            }
            Self::Rows { sheet, first, last } => {
                format!("シート「{sheet}」{}行", range(first, last))
            }
        }
    }
}

/// What a file says about the law or ordinance that it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LawInfo {
    /// 法令番号, 「昭和二十二年法律第六十七号」; empty when unknown.
    pub number: String,
    /// Kind of law as the file states it, where it does.
    pub authority: Option<Authority>,
    /// Other names under which it is cited (略称).
    pub abbreviations: Vec<String>,
    /// When this revision of it is in force, as far as the file says.
    #[serde(default, skip_serializing_if = "Validity::is_unknown")]
    pub validity: Validity,
}

/// One file after parsing, before it is cut into passages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The document's own title (law title, first heading, or the file's stem).
    pub title: String,
    /// Set when the document is a law, ordinance or rule made of articles.
    pub law: Option<LawInfo>,
    /// Sections in reading order.
    pub sections: Vec<Section>,
    /// What was not read although the file as a whole was: named, with place and advice.
    pub warnings: Vec<String>,
}

/// A run of text under one heading path and one place. Tables come as rows:
/// one line a row, `header: value` pairs joined by ` / `.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Headings above the text, outermost first (編・章・節, Heading 1–6, slide title).
    pub headings: Vec<String>,
    /// 見出し of an article, without its parentheses: 「目的」.
    pub caption: String,
    /// The provision, where the document is made of articles.
    pub article: Option<ArticleRef>,
    /// Page, slide or rows.
    pub locator: Locator,
    /// The text; lines separated by `\n`. Never empty.
    pub text: String,
    /// True where the text is table rows, which the chunker never cuts inside a line.
    pub table: bool,
}

/// The piece that is searched, cited and quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Unique in its data set: `path#n`, n counted from 1 in reading order.
    pub id: String,
    /// Path of the file inside the data set, with `/`.
    pub path: String,
    /// Title of the document.
    pub title: String,
    /// 法令番号; empty when there is none.
    pub law_number: String,
    /// Other names of the law (略称); empty for other documents.
    #[serde(default)]
    pub abbreviations: Vec<String>,
    /// Headings above the text, outermost first.
    pub headings: Vec<String>,
    /// 見出し of the article; empty when there is none.
    pub caption: String,
    /// The provision, where the document is made of articles.
    pub article: Option<ArticleRef>,
    /// Page, slide or rows.
    pub locator: Locator,
    /// The text that may be quoted.
    pub text: String,
    /// 位置付け of the document.
    pub authority: Authority,
    /// 通例 or 固有.
    pub scope: Scope,
    /// 基準日 of the document.
    pub as_of: Date,
    /// When the document is in force, as far as it says.
    #[serde(default, skip_serializing_if = "Validity::is_unknown")]
    pub validity: Validity,
}

impl Passage {
    /// A line of `passages.jsonl`: without the date where it is the data set's own, so that a new
    /// 基準日 does not change every line of the next edition.
    ///
    /// # Errors
    /// None that the type allows.
    pub fn to_line(&self, dataset_as_of: Date) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        if let Some(fields) = value.as_object_mut().filter(|_| self.as_of == dataset_as_of) {
            fields.shift_remove("as_of");
        }
        serde_json::to_string(&value)
    }

    /// Reads what [`Self::to_line`] wrote.
    ///
    /// # Errors
    /// It is no passage.
    pub fn from_line(line: &[u8], dataset_as_of: Date) -> serde_json::Result<Self> {
        let mut value: serde_json::Value = serde_json::from_slice(line)?;
        if let Some(fields) = value.as_object_mut() {
            fields.entry("as_of").or_insert(serde_json::to_value(dataset_as_of)?);
        }
        serde_json::from_value(value)
    }

    /// How the passage is cited: 「地方自治法 第十条第二項」, 「窓口マニュアル 3 転入届（2ページ）」.
    pub fn citation(&self) -> String {
        let mut citation = self.title.clone();
        if let Some(article) = &self.article {
            citation.push(' ');
            citation.push_str(&article.label());
            if !self.caption.is_empty() {
                citation.push_str(&format!("（{}）", self.caption));
            }
        } else if let Some(heading) = self.headings.last().filter(|last| **last != self.title) {
            citation.push(' ');
            citation.push_str(heading);
        }
        let place = self.locator.label();
        if !place.is_empty() {
            citation.push_str(&format!("（{place}）"));
        }
        citation
    }
}

/// `dataset.toml`, validated: who published which documents, and what day they speak of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// `[a-z0-9][a-z0-9._-]{0,63}`
    pub id: String,
    /// Name in the interface.
    pub title: String,
    /// Scope of documents that do not say otherwise.
    pub scope: Scope,
    /// Authority of documents that do not say otherwise.
    pub authority: Authority,
    /// 基準日: the day its content speaks of.
    pub as_of: Date,
    /// 版: which release this is; same alphabet as `id`.
    pub edition: String,
    /// Who published it.
    pub publisher: String,
    /// Licence of the content.
    pub licence: String,
    /// Days after `as_of` from which answers carry a note that the data may be stale.
    pub stale_after_days: u32,
    /// What single documents say otherwise.
    #[serde(default)]
    pub documents: Vec<DocumentInfo>,
}

impl DatasetInfo {
    /// True when `today` lies more than `stale_after_days` after `as_of`.
    pub fn is_stale(&self, today: Date) -> bool {
        let age = today.since(self.as_of).map(|span| span.get_days());
        age.is_ok_and(|days| i64::from(days) > i64::from(self.stale_after_days))
    }
}

/// What one document says otherwise than its data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentInfo {
    /// Path inside the data set, with `/`.
    pub path: String,
    /// Title to show instead of the one found in the file.
    pub title: Option<String>,
    /// Scope of this document.
    pub scope: Option<Scope>,
    /// Authority of this document.
    pub authority: Option<Authority>,
    /// 基準日 of this document.
    pub as_of: Option<Date>,
    /// When it is in force; what is said here stands above what the file says.
    #[serde(default, skip_serializing_if = "Validity::is_unknown")]
    pub validity: Validity,
}

/// What a person may do; each role holds the rights of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// 職員: asks, keeps own conversations, saves answers.
    Staff,
    /// 確認者: also confirms and approves answers of the section.
    Reviewer,
    /// 管理者: also accounts, settings, assistants of the whole office, updates and roll-back.
    Admin,
}

impl Role {
    /// Every role with its name in commands, least rights first.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Staff, "staff"), (Self::Reviewer, "reviewer"), (Self::Admin, "admin")];

    /// The word that the interface shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Staff => "職員",
            Self::Reviewer => "確認者",
            Self::Admin => "管理者",
        }
    }

    /// The name that the database and commands use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Never changes and is never given again.
    pub id: String,
    /// Name to sign in with.
    pub login: String,
    /// Name as the interface and saved documents show it.
    pub name: String,
    /// 課
    pub section: String,
    pub role: Role,
}

/// Which model made an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Name in the interface.
    pub name: String,
    /// BLAKE3 of the GGUF file, lowercase hexadecimal.
    pub blake3: String,
    /// As in the file: `Q4_K_M`, `F16`, …
    pub quantization: String,
    /// True for the bundled self-test model (動作確認用), which is not for work.
    pub self_test: bool,
    /// What was measured with it on this box, in one line of Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<String>,
}

/// Which edition of a data set an answer was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetIdentity {
    /// Id of the data set.
    pub id: String,
    /// Its title.
    pub title: String,
    /// 版
    pub edition: String,
    /// 基準日
    pub as_of: Date,
    /// True when the data may be stale on the day of the answer.
    pub stale: bool,
}

/// Which assistant (業務アシスタント) an answer was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistantIdentity {
    /// Id of the assistant.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its version, counted from 1.
    pub version: u32,
}

/// 生成情報: model, data, version and time, on every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `None` for an excerpt answer, which no model wrote.
    pub model: Option<ModelIdentity>,
    /// The assistant whose instructions were given, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<AssistantIdentity>,
    /// The data sets that were searched.
    pub datasets: Vec<DatasetIdentity>,
    /// kura's version.
    pub kura_version: String,
    /// RFC 3339, in local time.
    pub created_at: String,
}

/// The time of now as RFC 3339, local.
pub fn timestamp() -> String {
    jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn staleness_counts_days_over_years() {
        let info = DatasetInfo {
            id: "town".into(),
            title: "町".into(),
            scope: Scope::Local,
            authority: Authority::Manual,
            as_of: date(2024, 4, 1),
            edition: "1".into(),
            publisher: "町".into(),
            licence: "MIT".into(),
            stale_after_days: 730,
            documents: Vec::new(),
        };
        assert!(!info.is_stale(date(2026, 4, 1)));
        assert!(info.is_stale(date(2026, 4, 2)));
        assert!(!info.is_stale(date(2024, 1, 1)));
    }

    #[test]
    fn a_line_leaves_out_the_date_of_its_data_set() {
        let (old, new) = (date(2026, 4, 1), date(2026, 10, 1));
        let line = format!(
            r#"{{"id":"a#1","path":"a","title":"町","law_number":"","headings":[],"caption":"","article":null,
            "locator":{{"kind":"none"}},"text":"文","authority":"manual","scope":"local","as_of":"{old}"}}"#
        );
        let passage = Passage::from_line(line.as_bytes(), new).unwrap();
        assert_eq!(passage.as_of, old);
        let short = passage.to_line(old).unwrap();
        assert!(!short.contains("as_of"), "{short}");
        assert_eq!(Passage::from_line(short.as_bytes(), new).unwrap().as_of, new);
        assert_eq!(Passage::from_line(short.as_bytes(), old).unwrap(), passage);
        assert!(passage.to_line(new).unwrap().contains("as_of"));
    }

    #[test]
    fn citations_read_as_in_a_law() {
        let article = ArticleRef {
            article: "10-2".into(),
            paragraph: Some(2),
            item: Some("3".into()),
            supplement: None,
        };
        assert_eq!(article.label(), "第十条の二第二項第三号");
        let supplement = ArticleRef {
            article: "1".into(),
            supplement: Some(String::new()),
            ..ArticleRef::default()
        };
        assert_eq!(supplement.label(), "附則第一条");
        let rows = Locator::Rows { sheet: "料金".into(), first: 3, last: 5 };
        assert_eq!(rows.label(), "シート「料金」3～5行");
        assert_eq!(Locator::Pages { first: 2, last: 2 }.label(), "2ページ");
    }
}
