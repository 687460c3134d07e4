//! Reads assistants from TOML; every mistake is named with its line.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::validate::{Fault, validate};
use super::{
    Assistant, Checks, Chosen, DataChoice, Example, FIELD_CHARS, Field, Join, Long, Named,
};
use crate::text::Lang;

/// A file is at most so long, in bytes: one assistant, and a set.
pub(super) const FILE_BYTES_MAX: usize = 64 * 1024;
pub(super) const SET_BYTES_MAX: usize = 1024 * 1024;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    pub ja: String,
    pub en: String,
    /// Only a key that is not known: a newer kura may know it.
    pub unknown_key: bool,
}

impl Mistake {
    /// 「3行目：…」
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => format!("{}行目：{}", self.line, self.ja),
            Lang::En => format!("line {}: {}", self.line, self.en),
        }
    }
}

/// Keys of each table.
const TOP: [&str; 16] = [
    "id",
    "version",
    "title",
    "purpose",
    "group",
    "prompt",
    "data",
    "search",
    "form",
    "verbatim",
    "max_tokens",
    "sampling",
    "long",
    "field",
    "example",
    "checks",
];
const FIELD: [&str; 7] = ["id", "label", "help", "kind", "choices", "required", "max_chars"];
const CHECKS: [&str; 11] = [
    "cites",
    "min_chars",
    "max_chars",
    "max_sentence_chars",
    "contains",
    "contains_fields",
    "avoids",
    "portable_characters",
    "style",
    "plain_words",
    "numbers",
];

/// Reads one assistant; `name` is its id where the file gives none. Whatever could be read is
/// given beside the mistakes; nothing where the file is no TOML.
pub fn read_one(text: &str, name: &str) -> (Option<Assistant>, Vec<Mistake>) {
    let (mut all, mut mistakes) = read_all(text, name);
    if all.len() > 1 {
        mistakes.push(Mistake {
            line: 1,
            ja: "1つのファイルに複数の業務アシスタントがあります".to_owned(),
            en: "several assistants in one file".to_owned(),
            unknown_key: false,
        });
    }
    (if all.is_empty() { None } else { Some(all.remove(0)) }, mistakes)
}

/// Reads a file with one assistant, or a set of several.
pub fn read_all(text: &str, name: &str) -> (Vec<Assistant>, Vec<Mistake>) {
    let mut reading = Reading { text, mistakes: Vec::new() };
    if text.len() > SET_BYTES_MAX {
        let ja = format!("ファイルが長すぎます（{SET_BYTES_MAX}バイトまで）");
        reading.wrong(0, ja, format!("longer than {SET_BYTES_MAX} bytes"));
        return (Vec::new(), reading.mistakes);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        let why = error.message();
        reading.wrong(at, format!("TOMLとして読めません（{why}）"), format!("not TOML: {why}"));
    }
    if !errors.is_empty() {
        return (Vec::new(), reading.mistakes);
    }
    let table = table.get_ref();
    let all = match find(table, "assistant") {
        None => vec![reading.assistant(table, 0, name)],
        Some((at, _)) if table.len() > 1 => {
            let ja = "[[assistant]]のほかには、何も書けません";
            reading.wrong(at, ja, "nothing may stand beside [[assistant]]");
            Vec::new()
        }
        Some((at, value)) => {
            let tables = reading.tables(value, "assistant", at);
            tables.into_iter().map(|(at, table)| reading.assistant(table, at, "")).collect()
        }
    };
    twice(&mut reading, &all);
    reading.mistakes.sort_by_key(|mistake| mistake.line);
    (all, reading.mistakes)
}

fn twice(reading: &mut Reading<'_>, all: &[Assistant]) {
    for (at, assistant) in all.iter().enumerate() {
        if all[..at].iter().any(|before| before.id == assistant.id) {
            let id = &assistant.id;
            let ja = format!("ID「{id}」の業務アシスタントが2つあります");
            reading.wrong(0, ja, format!("two assistants have the id {id:?}"));
        }
    }
}

/// A key's place and its value.
type Found<'t, 'a> = (usize, &'t Spanned<DeValue<'a>>);

fn find<'t, 'a>(table: &'t DeTable<'a>, key: &str) -> Option<Found<'t, 'a>> {
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
    Some((name.span().start, value))
}

struct Reading<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn wrong(&mut self, at: usize, ja: impl Into<String>, en: impl Into<String>) {
        let line = 1 + self.text[..at.min(self.text.len())].matches('\n').count();
        let (ja, en) = (ja.into(), en.into());
        self.mistakes.push(Mistake { line, ja, en, unknown_key: false });
    }

    fn unknown(&mut self, table: &DeTable<'_>, path: &str, known: &[&str]) {
        for (name, _) in table.iter().filter(|(name, _)| !known.contains(&name.get_ref().as_ref()))
        {
            let key = format!("{path}{}", name.get_ref());
            let ja = format!("{key}という項目はありません");
            self.wrong(name.span().start, ja, format!("unknown key `{key}`"));
            if let Some(last) = self.mistakes.last_mut() {
                last.unknown_key = true;
            }
        }
    }

    fn wrong_type(&mut self, at: usize, key: &str, ja: &str, en: &str) {
        let said = format!("{key}には{ja}を書いてください");
        self.wrong(at, said, format!("`{key}` must be {en}"));
    }

    fn text(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let (at, value) = find(table, key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text.replace("\r\n", "\n").trim().to_owned()),
            _ => {
                self.wrong_type(at, key, "文字列", "a string");
                None
            }
        }
    }

    fn flag(&mut self, table: &DeTable<'_>, key: &str) -> Option<bool> {
        let (at, value) = find(table, key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.wrong_type(at, key, "trueかfalse", "true or false");
                None
            }
        }
    }

    fn count(&mut self, table: &DeTable<'_>, key: &str) -> Option<usize> {
        let (at, value) = find(table, key)?;
        let count = match value.get_ref() {
            DeValue::Integer(number) => number.to_string().parse().ok(),
            _ => None,
        };
        if count.is_none() {
            self.wrong_type(at, key, "0以上の整数", "an integer of 0 or more");
        }
        count
    }

    fn number(&mut self, table: &DeTable<'_>, key: &str) -> Option<f32> {
        let (at, value) = find(table, key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.to_string().parse::<f32>().ok(),
            DeValue::Float(number) => number.to_string().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            self.wrong_type(at, key, "数", "a number");
        }
        number
    }

    fn texts(&mut self, table: &DeTable<'_>, key: &str) -> Option<Vec<String>> {
        let (at, value) = find(table, key)?;
        let texts = match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Some(text.trim().to_owned()),
                    _ => None,
                })
                .collect::<Option<Vec<String>>>(),
            _ => None,
        };
        if texts.is_none() {
            self.wrong_type(at, key, "文字列の配列", "a list of strings");
        }
        texts
    }

    fn named<T: Named>(&mut self, table: &DeTable<'_>, key: &str) -> Option<T> {
        let (at, _) = find(table, key)?;
        let text = self.text(table, key)?;
        let value = T::from_name(&text);
        if value.is_none() {
            let names: Vec<&str> = T::NAMES.iter().map(|(_, name, _)| *name).collect();
            let ja = format!("{}のどれか（いまは「{text}」）", names.join("、"));
            self.wrong_type(at, key, &ja, &format!("one of {}, not {text:?}", names.join(", ")));
        }
        value
    }

    fn table<'t, 'a>(&mut self, table: &'t DeTable<'a>, key: &str) -> Option<&'t DeTable<'a>> {
        let (at, value) = find(table, key)?;
        match value.get_ref() {
            DeValue::Table(inner) => Some(inner),
            _ => {
                self.wrong_type(at, key, "表", "a table");
                None
            }
        }
    }

    /// The tables of an array, each with its place.
    fn tables<'t, 'a>(
        &mut self,
        value: &'t Spanned<DeValue<'a>>,
        key: &str,
        at: usize,
    ) -> Vec<(usize, &'t DeTable<'a>)> {
        let items = match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::Table(table) => Some((item.span().start, table)),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        items.unwrap_or_else(|| {
            self.wrong_type(at, key, &format!("[[{key}]]の表"), &format!("[[{key}]] tables"));
            Vec::new()
        })
    }

    fn assistant(&mut self, table: &DeTable<'_>, at: usize, name: &str) -> Assistant {
        self.unknown(table, "", &TOP);
        let (fields, fields_at) = self.fields(table);
        let (examples, examples_at) = self.examples(table, &fields);
        let version = self.count(table, "version").map_or(1, |count| count.min(1_000_000_000));
        let assistant = Assistant {
            id: self.text(table, "id").unwrap_or_else(|| name.to_owned()),
            version: u32::try_from(version).unwrap_or(u32::MAX),
            title: self.text(table, "title").unwrap_or_default(),
            purpose: self.text(table, "purpose").unwrap_or_default(),
            group: self.named(table, "group").unwrap_or_default(),
            prompt: self.text(table, "prompt").unwrap_or_default(),
            data: self.data(table),
            search: self.texts(table, "search").unwrap_or_default(),
            form: self.named(table, "form").unwrap_or_default(),
            verbatim: self.flag(table, "verbatim"),
            max_tokens: self.count(table, "max_tokens"),
            sampling: self.sampling(table),
            long: self.long(table),
            fields,
            examples,
            checks: self.checks(table),
        };
        let places = Places { table, at, fields: fields_at, examples: examples_at };
        let wrong_already = self.mistakes.len();
        for fault in validate(&assistant) {
            let at = places.of(&fault);
            let line = 1 + self.text[..at.min(self.text.len())].matches('\n').count();
            // A value of the wrong type was named already; that it is missing is no news.
            let said = self.mistakes[..wrong_already].iter();
            if said.clone().any(|mistake| !mistake.unknown_key && mistake.line == line && at > 0) {
                continue;
            }
            self.wrong(at, fault.ja, fault.en);
        }
        assistant
    }

    fn data(&mut self, table: &DeTable<'_>) -> DataChoice {
        let Some((at, value)) = find(table, "data") else { return DataChoice::None };
        if let DeValue::Array(_) = value.get_ref() {
            return DataChoice::Only(self.texts(table, "data").unwrap_or_default());
        }
        match self.text(table, "data").as_deref() {
            Some("all") => DataChoice::All,
            Some("common") => DataChoice::Common,
            Some("local") => DataChoice::Local,
            Some("none") | None => DataChoice::None,
            Some(_) => {
                let ja = "all、common、local、noneのどれか、またはIDの配列";
                self.wrong_type(at, "data", ja, "all, common, local, none or a list of ids");
                DataChoice::None
            }
        }
    }

    fn sampling(&mut self, table: &DeTable<'_>) -> Chosen {
        let Some(inner) = self.table(table, "sampling") else { return Chosen::default() };
        let known = ["temperature", "top_p", "min_p", "repetition_penalty"];
        self.unknown(inner, "sampling.", &known);
        Chosen {
            temperature: self.number(inner, "temperature"),
            top_p: self.number(inner, "top_p"),
            min_p: self.number(inner, "min_p"),
            repetition_penalty: self.number(inner, "repetition_penalty"),
        }
    }

    fn long(&mut self, table: &DeTable<'_>) -> Option<Long> {
        let inner = self.table(table, "long")?;
        self.unknown(inner, "long.", &["field", "join", "prompt"]);
        Some(Long {
            field: self.text(inner, "field").unwrap_or_default(),
            join: self.named(inner, "join").unwrap_or(Join::Concat),
            prompt: self.text(inner, "prompt").unwrap_or_default(),
        })
    }

    fn fields(&mut self, table: &DeTable<'_>) -> (Vec<Field>, Vec<usize>) {
        let Some((at, value)) = find(table, "field") else {
            return (vec![Field::text()], vec![0]);
        };
        let (mut fields, mut places) = (Vec::new(), Vec::new());
        for (at, table) in self.tables(value, "field", at) {
            self.unknown(table, "field.", &FIELD);
            fields.push(Field {
                id: self.text(table, "id").unwrap_or_default(),
                label: self.text(table, "label").unwrap_or_default(),
                help: self.text(table, "help").unwrap_or_default(),
                kind: self.named(table, "kind").unwrap_or_default(),
                choices: self.texts(table, "choices").unwrap_or_default(),
                required: self.flag(table, "required").unwrap_or_default(),
                max_chars: self.count(table, "max_chars").unwrap_or(FIELD_CHARS),
            });
            places.push(at);
        }
        (fields, places)
    }

    fn examples(&mut self, table: &DeTable<'_>, fields: &[Field]) -> (Vec<Example>, Vec<usize>) {
        let Some((at, value)) = find(table, "example") else { return Default::default() };
        let (mut examples, mut places) = (Vec::new(), Vec::new());
        for (at, table) in self.tables(value, "example", at) {
            self.unknown(table, "example.", &["title", "values"]);
            let title = self.text(table, "title").unwrap_or_default();
            let mut values: BTreeMap<String, String> = BTreeMap::new();
            if let Some(inner) = self.table(table, "values") {
                for (name, _) in inner {
                    let value = self.text(inner, name.get_ref());
                    values.extend(value.map(|value| (name.get_ref().to_string(), value)));
                }
            }
            let place = |id: &String| fields.iter().position(|field| field.id == *id);
            let mut values: Vec<(String, String)> = values.into_iter().collect();
            values.sort_by_key(|(id, _)| place(id).unwrap_or(usize::MAX));
            examples.push(Example { title, values });
            places.push(at);
        }
        (examples, places)
    }

    fn checks(&mut self, table: &DeTable<'_>) -> Checks {
        let Some(inner) = self.table(table, "checks") else { return Checks::default() };
        self.unknown(inner, "checks.", &CHECKS);
        Checks {
            cites: self.flag(inner, "cites").unwrap_or_default(),
            min_chars: self.count(inner, "min_chars").unwrap_or_default(),
            max_chars: self.count(inner, "max_chars").unwrap_or_default(),
            max_sentence_chars: self.count(inner, "max_sentence_chars").unwrap_or_default(),
            contains: self.texts(inner, "contains").unwrap_or_default(),
            contains_fields: self.texts(inner, "contains_fields").unwrap_or_default(),
            avoids: self.texts(inner, "avoids").unwrap_or_default(),
            portable_characters: self.flag(inner, "portable_characters").unwrap_or_default(),
            style: self.named(inner, "style"),
            plain_words: self.flag(inner, "plain_words").unwrap_or_default(),
            numbers: self.flag(inner, "numbers").unwrap_or_default(),
        }
    }
}

impl Field {
    /// The field of an assistant that names none.
    pub fn text() -> Self {
        Self {
            id: "text".to_owned(),
            label: "内容".to_owned(),
            help: String::new(),
            kind: super::Kind::Text,
            choices: Vec::new(),
            required: true,
            max_chars: FIELD_CHARS,
        }
    }
}

/// Where the parts of an assistant stand in the file.
struct Places<'p, 'a> {
    table: &'p DeTable<'a>,
    at: usize,
    fields: Vec<usize>,
    examples: Vec<usize>,
}

impl Places<'_, '_> {
    /// The place of a fault, or of what it is in.
    fn of(&self, fault: &Fault) -> usize {
        let numbered = |name: &str| {
            let rest = fault.path.strip_prefix(name)?.strip_prefix('[')?;
            rest.split(']').next()?.parse::<usize>().ok()?.checked_sub(1)
        };
        if let Some(at) = numbered("field").and_then(|at| self.fields.get(at)) {
            return *at;
        }
        if let Some(at) = numbered("example").and_then(|at| self.examples.get(at)) {
            return *at;
        }
        let mut keys = fault.path.split('.');
        let first = keys.next().unwrap_or_default();
        let Some((at, value)) = find(self.table, first) else { return self.at };
        let inner = match (value.get_ref(), keys.next()) {
            (DeValue::Table(inner), Some(key)) => find(inner, key),
            _ => None,
        };
        inner.map_or(at, |(at, _)| at)
    }
}
