//! An assistant with what was filled in: the request as the model and the search get it.

use std::fmt::Write;
use std::sync::Arc;

use super::{Assistant, Field, Kind};
use crate::text::{Lang, dates};

/// An assistant, ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    assistant: Arc<Assistant>,
    /// Id and value of the fields that say something, in the order of the fields.
    values: Vec<(String, String)>,
}

/// A field that is not filled in as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Id of the field.
    pub field: String,
    pub label: String,
    pub ja: String,
    pub en: String,
}

impl Gap {
    /// 「件名：入力してください」
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => format!("{}：{}", self.label, self.ja),
            Lang::En => format!("{}: {}", self.field, self.en),
        }
    }
}

/// Characters of the request that names an answer in lists.
const TITLE_CHARS: usize = 80;

impl Filled {
    /// Takes the values of the fields; `given` has them by id.
    ///
    /// # Errors
    /// Every field that lacks something, or holds what it cannot hold.
    pub fn new<'v>(
        assistant: Arc<Assistant>,
        given: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Self, Vec<Gap>> {
        let (mut values, mut gaps) = (Vec::new(), Vec::new());
        for field in &assistant.fields {
            let value = given(&field.id).unwrap_or_default().replace("\r\n", "\n");
            let value = value.trim();
            match check(field, value) {
                Some((ja, en)) => {
                    gaps.push(Gap { field: field.id.clone(), label: field.label.clone(), ja, en })
                }
                None if value.is_empty() => {}
                None => values.push((field.id.clone(), value.to_owned())),
            }
        }
        match gaps.is_empty() {
            true => Ok(Self { assistant, values }),
            false => Err(gaps),
        }
    }

    /// One of its examples, as it stands; fields that the example leaves out stay empty.
    pub fn example(assistant: Arc<Assistant>, at: usize) -> Option<Self> {
        let values = assistant.examples.get(at)?.values.clone();
        Some(Self { assistant, values })
    }

    /// Nothing filled in, to show a prompt.
    pub fn blank(assistant: Arc<Assistant>) -> Self {
        let fields = assistant.fields.iter();
        let values = fields.map(|field| (field.id.clone(), format!("（{}）", field.label)));
        Self { values: values.collect(), assistant }
    }

    pub fn assistant(&self) -> &Arc<Assistant> {
        &self.assistant
    }

    /// The value of a field; empty where it was left out.
    pub fn value(&self, field: &str) -> &str {
        self.values.iter().find(|(id, _)| id == field).map_or("", |(_, value)| value)
    }

    /// What was filled in, field by field.
    pub(in crate::answer) fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(_, value)| value.as_str())
    }

    /// The same with other values, in the order of [`Self::values`].
    pub(in crate::answer) fn with_values(&self, values: impl Iterator<Item = String>) -> Self {
        let ids = self.values.iter().map(|(id, _)| id.clone());
        Self { assistant: self.assistant.clone(), values: ids.zip(values).collect() }
    }

    /// The same with another value in one field.
    pub(in crate::answer) fn with(&self, field: &str, value: &str) -> Self {
        let mut filled = self.clone();
        for (id, old) in &mut filled.values {
            if id == field {
                value.clone_into(old);
            }
        }
        filled
    }

    /// What was filled in, as the model reads it: the value alone where there is one field.
    pub fn request(&self) -> String {
        if self.assistant.fields.len() == 1 {
            return self.values.first().map(|(_, value)| value.clone()).unwrap_or_default();
        }
        let mut text = String::new();
        for (field, value) in self.shown() {
            let gap = if text.is_empty() { "" } else { "\n\n" };
            let value = shown_value(field, value);
            let _ = match value.contains('\n') {
                true => write!(text, "{gap}【{}】\n{value}", field.label),
                false => write!(text, "{gap}【{}】{value}", field.label),
            };
        }
        text
    }

    /// What is searched for.
    pub fn search_text(&self) -> String {
        let wanted = &self.assistant.search;
        let values = self.values.iter().filter(|(id, _)| wanted.is_empty() || wanted.contains(id));
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The request in a line, for lists and above the answer.
    pub fn title(&self) -> String {
        let text = self.request().replace('\n', " ");
        match text.char_indices().nth(TITLE_CHARS) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    }

    /// All values as one text, to compare an output with.
    pub(super) fn all_text(&self) -> String {
        let shown = self.shown().map(|(field, value)| shown_value(field, value));
        self.values
            .iter()
            .map(|(_, value)| value.clone())
            .chain(shown)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn shown(&self) -> impl Iterator<Item = (&Field, &str)> {
        self.values
            .iter()
            .filter_map(|(id, value)| Some((self.assistant.field(id)?, value.as_str())))
    }
}

/// What is wrong with a value, in Japanese and English.
fn check(field: &Field, value: &str) -> Option<(String, String)> {
    let said = |ja: String, en: &str| Some((ja, en.to_owned()));
    if value.is_empty() {
        return match field.required {
            true => said("入力してください。".to_owned(), "it is required"),
            false => None,
        };
    }
    let count = value.chars().count();
    if count > field.max_chars {
        let most = field.max_chars;
        let ja = format!("{most}文字までで入力してください（いまは{count}文字です）。");
        return Some((ja, format!("it has {count} characters; at most {most}")));
    }
    match field.kind {
        Kind::Line if value.contains('\n') => {
            said("1行で入力してください。".to_owned(), "it must be one line")
        }
        Kind::Date if dates::parse(value).is_none() => said(
            "日付を「2026-04-01」や「令和8年4月1日」の形で入力してください。".to_owned(),
            "it must be a date such as 2026-04-01",
        ),
        Kind::Choice if !field.choices.iter().any(|choice| choice == value) => {
            said("選択肢から選んでください。".to_owned(), "it must be one of the choices")
        }
        _ => None,
    }
}

/// A date with its era, as offices write it; everything else as it is.
fn shown_value(field: &Field, value: &str) -> String {
    let date = (field.kind == Kind::Date).then(|| dates::parse(value)).flatten();
    let Some(date) = date else { return value.to_owned() };
    dates::japanese(date)
}
