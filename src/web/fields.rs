//! Reading the fields of a JSON object, each with its type and range; `null` is as good as absent.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::problem::Problem;

/// The fields of a request, or of an object inside it.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// Written before the names in problems: empty, or `kura.` and the like.
    prefix: &'static str,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, prefix: "" }
    }

    /// The fields of an object inside this one.
    pub(crate) fn object(&self, name: &str, prefix: &'static str) -> Result<Option<Self>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self { map, prefix })),
            Some(_) => Err(self.wrong_type(name, "オブジェクト", "an object")),
        }
    }

    /// The value of a field that is there and not `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Refuses fields that are not known here.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                Err(self.wrong(key, "この項目はありません。", "there is no such parameter"))
            }
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong_type(name, "文字列", "a string")),
        }
    }

    /// A text that must be there and say something.
    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, Problem> {
        match self.text(name)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(self.wrong(name, "空です。", "it is empty")),
            None => Err(self.missing(name)),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong_type(name, "trueかfalse", "a boolean")),
        }
    }

    /// A number as the engine will see it: one too small for 32 bits is 0.
    fn single(&self, name: &str) -> Result<Option<f32>, Problem> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value.as_f64().map(|number| number as f32);
        number.map(Some).ok_or_else(|| self.wrong_type(name, "数", "a number"))
    }

    pub(crate) fn number(
        &self,
        name: &str,
        range: RangeInclusive<f32>,
    ) -> Result<Option<f32>, Problem> {
        match self.single(name)? {
            Some(number) if !range.contains(&number) => {
                Err(self.out_of_range(name, range.start(), range.end()))
            }
            number => Ok(number),
        }
    }

    /// A part of a whole: above 0, at most 1.
    pub(crate) fn share(&self, name: &str) -> Result<Option<f32>, Problem> {
        match self.single(name)? {
            Some(share) if !(share > 0.0 && share <= 1.0) => {
                let ja = "0より大きく1以下の数で指定してください。";
                Err(self.wrong(name, ja, "it must be above 0 and at most 1"))
            }
            share => Ok(share),
        }
    }

    pub(crate) fn count(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<usize>, Problem> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        if !value.is_i64() && !value.is_u64() {
            return Err(self.wrong_type(name, "整数", "an integer"));
        }
        match value.as_u64() {
            Some(number) if range.contains(&number) => Ok(usize::try_from(number).ok()),
            _ => Err(self.out_of_range(name, range.start(), range.end())),
        }
    }

    /// A seed: any integer of 64 bits, negative ones too.
    pub(crate) fn seed(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seed = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
        seed.map(Some).ok_or_else(|| self.wrong_type(name, "整数", "an integer"))
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let wrong = || self.wrong_type(name, "文字列の配列", "an array of strings");
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Ids of data sets, at least one; absent means all.
    pub(crate) fn datasets(&self) -> Result<Option<Vec<String>>, Problem> {
        match self.texts("datasets")? {
            Some(ids) if ids.is_empty() => {
                Err(self.wrong("datasets", "1つ以上選んでください。", "it is empty"))
            }
            ids => Ok(ids),
        }
    }

    pub(crate) fn missing(&self, name: &str) -> Problem {
        self.wrong(name, "指定してください。", "it is required")
    }

    pub(crate) fn wrong_type(&self, name: &str, ja: &str, en: &str) -> Problem {
        self.wrong(name, format!("{ja}で指定してください。"), format!("it must be {en}"))
    }

    pub(crate) fn wrong(
        &self,
        name: &str,
        ja: impl Into<String>,
        en: impl Into<String>,
    ) -> Problem {
        Problem::parameter(&format!("{}{name}", self.prefix), ja, en)
    }

    fn out_of_range<T: std::fmt::Display>(&self, name: &str, low: &T, high: &T) -> Problem {
        let ja = format!("{low}から{high}までで指定してください。");
        self.wrong(name, ja, format!("it must lie between {low} and {high}"))
    }
}
