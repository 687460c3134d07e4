//! `dataset.toml`: what a folder of documents is. All mistakes are found at once, each with its
//! line.
//!
//! ```toml
//! id = "sakura-city"             # a-z, 0-9, '.', '_', '-'; a letter or digit first; up to 64
//! title = "桜市 例規と手引"
//! scope = "local"                # common (通例) | local (固有)
//! authority = "manual"           # law | cabinet-order | ministerial-ordinance | public-notice |
//!                                # circular | policy | ordinance | manual | faq
//! as_of = 2026-04-01             # 基準日; "2026-04-01" in quotes will do
//! edition = "2026-04"            # 版; same alphabet as id
//! publisher = "桜市総務課"
//! licence = "CC-BY-4.0"
//! stale_after_days = 180         # optional, 365 unless said; at least 1
//!
//! [[document]]                   # optional: what one document says otherwise
//! path = "条例/手数料条例.docx"    # inside the folder, with '/', without '..'
//! title = "桜市手数料条例"         # these seven are optional
//! scope = "local"
//! authority = "ordinance"
//! as_of = 2025-10-01
//! in_force_from = 2024-04-01     # 施行日: the first day in force
//! in_force_until = 2027-03-31    # the last day in force, before 廃止・失効 or the next revision
//! status = "repealed"            # current | scheduled (未施行) | undecided (施行日未定) |
//!                                # superseded (旧版) | repealed (廃止・失効); where days say
//!                                # otherwise, they count
//! ```

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{Authority, DatasetInfo, DocumentInfo, Scope, Standing, Validity};
use crate::text::Lang;

/// Days after which data is stale where the manifest does not say.
const STALE_AFTER_DAYS: u32 = 365;

const DATASET_KEYS: [&str; 10] = [
    "id",
    "title",
    "scope",
    "authority",
    "as_of",
    "edition",
    "publisher",
    "licence",
    "stale_after_days",
    "document",
];

const DOCUMENT_KEYS: [&str; 8] =
    ["path", "title", "scope", "authority", "as_of", "in_force_from", "in_force_until", "status"];

const SCOPES: [(Scope, &str); 2] = [(Scope::Common, "common"), (Scope::Local, "local")];

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// All mistakes that were found, in the order of the lines.
    #[error("{}", list(.0, Lang::En))]
    Invalid(Vec<Mistake>),
}

impl ManifestError {
    /// The message in a language, a mistake a line.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Io { path, source }, lang) if source.kind() == std::io::ErrorKind::NotFound => {
                let path = path.display();
                match lang {
                    Lang::Ja => format!(
                        "{path}がありません。データセットは、文書とdataset.tomlを入れたフォルダーです。"
                    ),
                    Lang::En => format!(
                        "there is no {path}; a data set is a folder with documents and a dataset.toml"
                    ),
                }
            }
            (Self::Io { path, source }, Lang::Ja) => {
                format!("{}を読めません: {source}", path.display())
            }
            (Self::Invalid(mistakes), lang) => list(mistakes, lang),
            (error, Lang::En) => error.to_string(),
        }
    }
}

fn list(mistakes: &[Mistake], lang: Lang) -> String {
    mistakes.iter().map(|mistake| mistake.message(lang)).collect::<Vec<_>>().join("\n")
}

/// One mistake in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, counted from 1. A missing key is reported at the line of its table.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl Mistake {
    /// The message in a language, with the line.
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => format!("{}行目: {}", self.line, self.problem.japanese()),
            Lang::En => format!("line {}: {}", self.line, self.problem),
        }
    }
}

/// What can be wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No TOML; what the parser says.
    Syntax(String),
    /// A key that does not exist here, and those that do.
    UnknownKey(String, Vec<&'static str>),
    /// A key that must be there.
    MissingKey(&'static str),
    /// The value has another type: key, expected.
    WrongType(String, &'static str),
    /// Not one of the allowed words: key, value, allowed.
    NotAllowed(String, String, Vec<&'static str>),
    /// Not of the alphabet of identifiers: key, value.
    BadId(String, String),
    /// No day of the calendar: key, value.
    BadDate(String, String),
    /// The last day in force lies before the first: first, last.
    EndsBeforeItBegins(String, String),
    /// Blank text: key.
    Blank(String),
    /// Not a relative path inside the folder.
    BadPath(String),
    /// A second `[[document]]` for a path.
    SamePath(String),
}

impl Problem {
    fn japanese(&self) -> String {
        match self {
            Self::Syntax(why) => format!("TOMLとして読めません（{why}）"),
            Self::UnknownKey(key, known) => {
                format!("「{key}」という項目はありません。使えるのは {} です", known.join("、"))
            }
            Self::MissingKey(key) => format!("「{key}」がありません"),
            Self::WrongType(key, expected) => {
                let expected = match *expected {
                    "text" => "引用符で囲んだ文字列",
                    "a date" => "日付（2026-04-01 の形）",
                    "a table" => "表（[[document]]）",
                    _ => "1以上の整数",
                };
                format!("「{key}」は{expected}にしてください")
            }
            Self::NotAllowed(key, value, allowed) => {
                format!(
                    "「{key}」に「{value}」は使えません。使えるのは {} です",
                    allowed.join("、")
                )
            }
            Self::BadId(key, value) => format!(
                "「{key}」の「{value}」は使えません。半角の英小文字か数字で始め、英小文字・数字・「.」「_」「-」だけの64文字以内にしてください"
            ),
            Self::BadDate(key, value) => {
                format!("「{key}」の「{value}」は日付ではありません（例: 2026-04-01）")
            }
            Self::EndsBeforeItBegins(from, until) => {
                format!("「in_force_until」（{until}）が「in_force_from」（{from}）より前です")
            }
            Self::Blank(key) => format!("「{key}」が空です"),
            Self::BadPath(path) => format!(
                "「path」の「{path}」は使えません。フォルダーの中の相対パスを「/」区切りで書いてください（「..」は不可）"
            ),
            Self::SamePath(path) => format!("「{path}」の[[document]]が二つあります"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(why) => write!(f, "not TOML: {why}"),
            Self::UnknownKey(key, known) => {
                write!(f, "unknown key `{key}`; the keys are {}", known.join(", "))
            }
            Self::MissingKey(key) => write!(f, "`{key}` is missing"),
            Self::WrongType(key, expected) => write!(f, "`{key}` must be {expected}"),
            Self::NotAllowed(key, value, allowed) => {
                write!(f, "`{key}` cannot be `{value}`; allowed are {}", allowed.join(", "))
            }
            Self::BadId(key, value) => write!(
                f,
                "`{key}` cannot be `{value}`: up to 64 of a-z, 0-9, '.', '_' and '-', \
                 beginning with a letter or digit"
            ),
            Self::BadDate(key, value) => {
                write!(f, "`{key}`: `{value}` is no date (write 2026-04-01)")
            }
            Self::EndsBeforeItBegins(from, until) => {
                write!(f, "`in_force_until` ({until}) lies before `in_force_from` ({from})")
            }
            Self::Blank(key) => write!(f, "`{key}` is blank"),
            Self::BadPath(path) => {
                write!(f, "`path` cannot be `{path}`: a relative path with '/', without '..'")
            }
            Self::SamePath(path) => write!(f, "a second [[document]] for `{path}`"),
        }
    }
}

/// Reads and checks a `dataset.toml`.
///
/// # Errors
/// [`ManifestError`]: the file cannot be read, or all of its mistakes.
pub fn load(path: &Path) -> Result<DatasetInfo, ManifestError> {
    let io = |source| ManifestError::Io { path: path.to_owned(), source };
    parse(&std::fs::read_to_string(path).map_err(io)?)
}

/// Checks the text of a `dataset.toml`.
///
/// # Errors
/// [`ManifestError::Invalid`] with all mistakes.
pub fn parse(text: &str) -> Result<DatasetInfo, ManifestError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut check = Check { text, mistakes: Vec::new() };
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        check.add(at, Problem::Syntax(error.message().to_owned()));
    }
    let dataset = check.dataset(table.get_ref());
    check.mistakes.sort_by_key(|mistake| mistake.line);
    match dataset {
        Some(dataset) if check.mistakes.is_empty() => Ok(dataset),
        _ => Err(ManifestError::Invalid(check.mistakes)),
    }
}

/// Checks value after value and goes on behind a mistake.
struct Check<'a> {
    text: &'a str,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn add(&mut self, at: usize, problem: Problem) {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.mistakes.push(Mistake { line, problem });
    }

    fn dataset(&mut self, table: &DeTable<'_>) -> Option<DatasetInfo> {
        self.unknown_keys(table, &DATASET_KEYS);
        for key in DATASET_KEYS.into_iter().take(8).filter(|key| !table.contains_key(*key)) {
            self.add(0, Problem::MissingKey(key));
        }
        let id = self.id(table, "id");
        let title = self.string(table, "title");
        let scope = self.word(table, "scope", &SCOPES);
        let authority = self.word(table, "authority", &Authority::ALL);
        let as_of = self.date(table, "as_of");
        let edition = self.id(table, "edition");
        let publisher = self.string(table, "publisher");
        let licence = self.string(table, "licence");
        let stale_after_days = self.days(table, "stale_after_days").unwrap_or(STALE_AFTER_DAYS);
        let documents = self.documents(table);
        Some(DatasetInfo {
            id: id?,
            title: title?,
            scope: scope?,
            authority: authority?,
            as_of: as_of?,
            edition: edition?,
            publisher: publisher?,
            licence: licence?,
            stale_after_days,
            documents,
        })
    }

    fn documents(&mut self, table: &DeTable<'_>) -> Vec<DocumentInfo> {
        let Some(value) = table.get("document") else {
            return Vec::new();
        };
        let Some(entries) = value.get_ref().as_array() else {
            self.wrong_type(value, "document", "a table");
            return Vec::new();
        };
        let mut found: Vec<DocumentInfo> = Vec::new();
        for entry in entries.iter() {
            let Some(table) = entry.get_ref().as_table() else {
                self.wrong_type(entry, "document", "a table");
                continue;
            };
            let at = table.iter().next().map_or(entry.span().start, |(key, _)| key.span().start);
            let Some(document) = self.document(table, entry.span().start.min(at)) else {
                continue;
            };
            if found.iter().any(|known| known.path == document.path) {
                self.add(at, Problem::SamePath(document.path.clone()));
            }
            found.push(document);
        }
        found
    }

    fn document(&mut self, table: &DeTable<'_>, at: usize) -> Option<DocumentInfo> {
        self.unknown_keys(table, &DOCUMENT_KEYS);
        if !table.contains_key("path") {
            self.add(at, Problem::MissingKey("path"));
        }
        let path = self.string(table, "path");
        if let (Some(path), Some(value)) = (&path, table.get("path"))
            && !is_inside(path)
        {
            self.add(value.span().start, Problem::BadPath(path.clone()));
        }
        let document = DocumentInfo {
            path: path.clone().unwrap_or_default(),
            title: self.string(table, "title"),
            scope: self.word(table, "scope", &SCOPES),
            authority: self.word(table, "authority", &Authority::ALL),
            as_of: self.date(table, "as_of"),
            validity: self.validity(table),
        };
        path.map(|_| document)
    }

    fn validity(&mut self, table: &DeTable<'_>) -> Validity {
        let validity = Validity {
            in_force_from: self.date(table, "in_force_from"),
            in_force_until: self.date(table, "in_force_until"),
            status: self.word(table, "status", &Standing::ALL),
        };
        if let (Some(from), Some(until)) = (validity.in_force_from, validity.in_force_until)
            && until < from
        {
            let at = table.get("in_force_until").map_or(0, |value| value.span().start);
            self.add(at, Problem::EndsBeforeItBegins(from.to_string(), until.to_string()));
        }
        validity
    }

    fn unknown_keys(&mut self, table: &DeTable<'_>, known: &[&'static str]) {
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let problem = Problem::UnknownKey(key.get_ref().to_string(), known.to_vec());
            self.add(key.span().start, problem);
        }
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, key: &str, expected: &'static str) {
        self.add(value.span().start, Problem::WrongType(key.to_owned(), expected));
    }

    fn string(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) if text.trim().is_empty() => {
                self.add(value.span().start, Problem::Blank(key.to_owned()));
                None
            }
            Some(text) => Some(text.trim().to_owned()),
            None => {
                self.wrong_type(value, key, "text");
                None
            }
        }
    }

    /// Taken as written: a blank at either end is outside the alphabet too.
    fn id(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        self.string(table, key)?;
        let id = table.get(key)?.get_ref().as_str()?.to_owned();
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = id.len() <= 64
            && id.bytes().next().is_some_and(letter)
            && id.bytes().all(|byte| letter(byte) || b"._-".contains(&byte));
        if !fits {
            let at = table.get(key).map_or(0, |value| value.span().start);
            self.add(at, Problem::BadId(key.to_owned(), id));
            return None;
        }
        Some(id)
    }

    fn word<T: Copy>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        allowed: &[(T, &'static str)],
    ) -> Option<T> {
        let word = self.string(table, key)?;
        let found = allowed.iter().find(|(_, name)| *name == word).map(|(value, _)| *value);
        if found.is_none() {
            let at = table.get(key).map_or(0, |value| value.span().start);
            let names = allowed.iter().map(|(_, name)| *name).collect();
            self.add(at, Problem::NotAllowed(key.to_owned(), word, names));
        }
        found
    }

    fn date(&mut self, table: &DeTable<'_>, key: &str) -> Option<Date> {
        let value = table.get(key)?;
        let written = match value.get_ref() {
            DeValue::String(text) => text.trim().to_owned(),
            DeValue::Datetime(datetime) => datetime.to_string(),
            _ => {
                self.wrong_type(value, key, "a date");
                return None;
            }
        };
        // Only the plain form: a time of day or a calendar extension is a mistake.
        let date = written.parse().ok().filter(|date: &Date| date.to_string() == written);
        if date.is_none() {
            self.add(value.span().start, Problem::BadDate(key.to_owned(), written));
        }
        date
    }

    fn days(&mut self, table: &DeTable<'_>, key: &str) -> Option<u32> {
        let value = table.get(key)?;
        let integer = value.get_ref().as_integer();
        let digits = |written: &str| written.replace('_', "").parse().ok();
        let days = integer.filter(|integer| integer.radix() == 10);
        let days = days.and_then(|integer| digits(integer.as_str())).filter(|days| *days > 0);
        if days.is_none() {
            self.wrong_type(value, key, "a whole number of at least 1");
        }
        days
    }
}

/// A relative path with `/` that stays inside its folder.
fn is_inside(path: &str) -> bool {
    !path.contains(['\\', '\0', ':'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests;
