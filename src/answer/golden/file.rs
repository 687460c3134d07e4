//! Reads `golden.toml`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Expected, Golden, Question};
use crate::document::ArticleRef;
use crate::text::{Lang, article_key, normalize, parse_number};

/// A file is at most so long, in bytes.
pub const GOLDEN_BYTES_MAX: u64 = 1024 * 1024;
/// Questions at most: each is a search.
const QUESTIONS_MAX: usize = 1_000;
/// Characters of a question at most.
const CHARS_MAX: usize = 1_000;

/// Why golden questions cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("golden.toml is longer than {GOLDEN_BYTES_MAX} bytes")]
    TooLong,
    #[error("golden.toml, line {line}: {why}")]
    Toml { line: usize, why: String },
    #[error("golden.toml: `threshold` must be above 0 and at most 1")]
    Threshold,
    #[error("golden.toml holds {0} questions; 1 to {QUESTIONS_MAX} are expected")]
    Count(usize),
    #[error("golden.toml, question {number} ({text:?}): {}", fault.words(Lang::En))]
    Question { number: usize, text: String, fault: Fault },
}

/// What is wrong with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `ask` is blank or too long.
    Ask,
    /// Neither `source` nor `none`, or both.
    Expected,
    /// `article` is not of the form 第5条第2項.
    Article,
}

impl Fault {
    fn words(self, lang: Lang) -> &'static str {
        let (ja, en) = match self {
            Self::Ask => (
                "askは1文字以上1,000文字以内にしてください",
                "`ask` must have 1 to 1,000 characters",
            ),
            Self::Expected => (
                "sourceかnone = trueのどちらか一つを書いてください",
                "give either `source` or `none = true`",
            ),
            Self::Article => (
                "articleは「第5条」「第5条第2項」の形で書き、sourceを添えてください",
                "`article` is written as 第5条 or 第5条第2項, beside a `source`",
            ),
        };
        if lang == Lang::Ja { ja } else { en }
    }
}

impl GoldenError {
    /// The message in a language.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (error, Lang::En) => error.to_string(),
            (Self::Io { path, source }, Lang::Ja) => {
                format!("{}を読めません（{source}）。", path.display())
            }
            (Self::TooLong, Lang::Ja) => {
                format!("golden.tomlが長すぎます（{GOLDEN_BYTES_MAX}バイトまで）。")
            }
            (Self::Toml { line, why }, Lang::Ja) => {
                format!("golden.tomlの{line}行目を読めません（{why}）。")
            }
            (Self::Threshold, Lang::Ja) => {
                "golden.tomlのthresholdは、0より大きく1以下の数にしてください。".to_owned()
            }
            (Self::Count(count), Lang::Ja) => {
                format!(
                    "golden.tomlの質問が{count}件です。1件以上{QUESTIONS_MAX}件以内にしてください。"
                )
            }
            (Self::Question { number, text, fault }, Lang::Ja) => {
                format!("golden.tomlの{number}問目「{text}」：{}。", fault.words(lang))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    threshold: f64,
    #[serde(default)]
    question: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ask: String,
    source: Option<String>,
    article: Option<String>,
    #[serde(default)]
    none: bool,
}

pub(super) fn load(path: &Path) -> Result<Option<Golden>, GoldenError> {
    match read(path) {
        Ok(text) => parse(&text).map(Some),
        Err(GoldenError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The text of a file of questions.
pub(in crate::answer) fn read(path: &Path) -> Result<String, GoldenError> {
    let io = |source| GoldenError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let mut text = String::new();
    file.take(GOLDEN_BYTES_MAX + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > GOLDEN_BYTES_MAX {
        return Err(GoldenError::TooLong);
    }
    Ok(text)
}

pub(super) fn parse(text: &str) -> Result<Golden, GoldenError> {
    let content: Content = toml(text)?;
    if !(content.threshold > 0.0 && content.threshold <= 1.0) {
        return Err(GoldenError::Threshold);
    }
    check_count(content.question.len())?;
    let questions = (1..).zip(content.question).map(|(number, line)| {
        let (ask, expected) =
            checked(number, line.ask, line.source, line.article.as_deref(), line.none)?;
        Ok(Question { ask, expected })
    });
    let questions = questions.collect::<Result<_, GoldenError>>()?;
    Ok(Golden { threshold: content.threshold, questions })
}

/// Reads TOML of questions.
pub(in crate::answer) fn toml<T: serde::de::DeserializeOwned>(
    text: &str,
) -> Result<T, GoldenError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.as_bytes().get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        GoldenError::Toml { line, why: error.message().to_owned() }
    })
}

/// Each question is a search: there are not too many, and not none.
pub(in crate::answer) fn check_count(count: usize) -> Result<(), GoldenError> {
    match count {
        1..=QUESTIONS_MAX => Ok(()),
        _ => Err(GoldenError::Count(count)),
    }
}

/// A question and where its answer is expected; `None` where 該当なし is right.
pub(in crate::answer) fn checked(
    number: usize,
    ask: String,
    source: Option<String>,
    article: Option<&str>,
    none: bool,
) -> Result<(String, Option<Expected>), GoldenError> {
    let trimmed = ask.trim().to_owned();
    let expected = match trimmed.chars().count() {
        1..=CHARS_MAX => expected(source, article, none),
        _ => Err(Fault::Ask),
    };
    match expected {
        Ok(expected) => Ok((trimmed, expected)),
        Err(fault) => Err(GoldenError::Question { number, text: ask, fault }),
    }
}

fn expected(
    source: Option<String>,
    written: Option<&str>,
    none: bool,
) -> Result<Option<Expected>, Fault> {
    let article = match written {
        Some(text) => Some(article(text).ok_or(Fault::Article)?),
        None => None,
    };
    match (source, none) {
        (Some(path), false) if !path.trim().is_empty() => Ok(Some(Expected { path, article })),
        (None, true) if article.is_some() => Err(Fault::Article),
        (None, true) => Ok(None),
        _ => Err(Fault::Expected),
    }
}

/// 「第5条」, 「第十条の二第2項」, 「附則第1条」.
fn article(text: &str) -> Option<ArticleRef> {
    let text: String = normalize(text).chars().filter(|c| !c.is_whitespace()).collect();
    let (supplement, rest) = match text.strip_prefix("附則") {
        Some(rest) => (Some(String::new()), rest),
        None => (None, text.as_str()),
    };
    let (rest, paragraph) = match rest.strip_suffix('項') {
        Some(head) => {
            let (head, number) = head.rsplit_once('第')?;
            (head, Some(u32::try_from(parse_number(number)?).ok()?))
        }
        None => (rest, None),
    };
    // Only articles: a chapter or an item has the same key as an article of its number.
    if !rest.contains('条') {
        return None;
    }
    Some(ArticleRef { article: article_key(rest)?, paragraph, item: None, supplement })
}
