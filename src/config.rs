//! Settings: file, environment and flags become one validated [`Config`].
//!
//! Later sources win: built-in default, `kura.toml`, environment, command line. Every wrong key or
//! value of every source is collected and named with its place, so that one look mends them all.
//! Keys are in `keys.rs`.

mod credential;
mod guard;
mod keys;
mod store;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use credential::FileSource;
pub use guard::{GuardConfig, Handling};
pub use keys::{KEYS, Key};
pub use store::StoreConfig;

use crate::text::Lang;

/// Prefix of the environment variables: `engine.threads` is `KURA_ENGINE_THREADS`.
pub const ENV_PREFIX: &str = "KURA_";

/// The settings file that is read where none is named and this one exists.
pub const DEFAULT_FILE: &str = "/etc/kura/kura.toml";

/// Variables with the prefix that are no settings.
///
/// `KURA_PROGRAM` (BLAKE3) and `KURA_PACKAGE` (path) are set by the installed package for a program
/// that it gives its place to. `KURA_TRIAL_S` is for tests: seconds that a new program has to run
/// until it is confirmed, 60 otherwise.
const ENV_OTHER: [&str; 6] = [
    "KURA_CONFIG",
    "KURA_LANG",
    "KURA_KEY_PASSWORD",
    "KURA_PROGRAM",
    "KURA_PACKAGE",
    "KURA_TRIAL_S",
];

/// Validated settings. Nothing re-reads file, environment or flags after this.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where everything installed lies (DESIGN.md, "On disk").
    pub data_dir: PathBuf,
    /// Address of the HTTP server.
    pub listen: SocketAddr,
    /// Secret that requests carry until people have accounts, and other systems after; needed for
    /// an address that is not loopback.
    pub access_key: Option<String>,
    /// Certificate chain for https, PEM; always with a key.
    pub tls_certificate: Option<FileSource>,
    /// Private key of the certificate, PEM.
    pub tls_key: Option<FileSource>,
    /// Id of the model to use; `None` is the one that `state.json` names.
    pub model: Option<String>,
    /// Log filter, as `tracing` reads it: `info`, `kura=debug`.
    pub log: String,
    /// Inference.
    pub engine: EngineConfig,
    /// Answers.
    pub answer: AnswerConfig,
    /// Reading of files.
    pub ingest: IngestConfig,
    /// Signed updates.
    pub sync: SyncConfig,
    /// Personal data in what people type.
    pub guard: GuardConfig,
    /// What people leave behind.
    pub store: StoreConfig,
}

/// `[engine]`
#[derive(Clone, Debug, PartialEq)]
pub struct EngineConfig {
    /// Threads of the model; 0 means one for each core.
    pub threads: usize,
    /// Sequences decoded at the same time.
    pub slots: usize,
    /// Context of one sequence in tokens; 0 means the model's own, at most 4,096.
    pub context_tokens: usize,
    /// Requests that may wait; more are refused with 429.
    pub queue: usize,
    /// `cpu` or `cuda`.
    pub device: Device,
    /// How keys and values are stored.
    pub kv_type: KvNumbers,
    /// Memory of keys and values in MiB; 0 means what all slots need when they are full.
    pub kv_cache_mib: usize,
    /// Milliseconds that streams may stop for a piece of somebody else's prompt.
    pub prefill_step_ms: u64,
    /// Whether tokens are guessed from the text so far.
    pub speculation: bool,
}

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvNumbers {
    F16,
    F32,
    Q8_0,
}

/// Where the model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Cpu,
    /// Needs a binary built with `--features cuda`.
    Cuda,
}

/// `[answer]`
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerConfig {
    /// Passages given to the model.
    pub passages: usize,
    /// Tokens generated at most, unless the request says less.
    pub max_tokens: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// Seconds within which the first token should come: passages are cut to what the model reads
    /// in this time on this box. 0 sets no limit but the context.
    pub first_token_target_s: f64,
    /// Whether what is written in 「」 is held to the passages.
    pub verbatim: bool,
}

/// `[ingest]`
#[derive(Clone, Debug, PartialEq)]
pub struct IngestConfig {
    /// Seconds that one file may take.
    pub time_limit_s: u64,
    /// MiB of address space that the reader of one file may use.
    pub memory_limit_mib: u64,
}

/// `[sync]`
#[derive(Clone, Debug, PartialEq)]
pub struct SyncConfig {
    /// BLAKE3 of the first root document that this box trusts, 64 lowercase hexadecimal digits;
    /// `None` takes no update.
    pub trusted_root: Option<String>,
    /// Updates are taken from this channel only.
    pub channel: String,
    /// Name that a transfer record shows where none is given with the command.
    pub operator: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/kura"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
            access_key: None,
            tls_certificate: None,
            tls_key: None,
            model: None,
            log: "info".to_owned(),
            engine: EngineConfig {
                threads: 0,
                slots: 4,
                context_tokens: 0,
                queue: 16,
                device: Device::Cpu,
                kv_type: KvNumbers::F16,
                kv_cache_mib: 0,
                prefill_step_ms: 200,
                speculation: true,
            },
            answer: AnswerConfig {
                passages: 4,
                max_tokens: 400,
                temperature: 0.0,
                first_token_target_s: 5.0,
                verbatim: true,
            },
            ingest: IngestConfig { time_limit_s: 30, memory_limit_mib: 512 },
            sync: SyncConfig {
                trusted_root: None,
                channel: "stable".to_owned(),
                operator: String::new(),
            },
            guard: GuardConfig::default(),
            store: StoreConfig::default(),
        }
    }
}

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the settings file, counted from 1.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Env(String),
    /// A command line flag.
    Flag(String),
    /// Several settings that do not fit together.
    Together,
}

impl Origin {
    /// The place in the words of a language.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::File { path, line: 0 }, _) => path.display().to_string(),
            (Self::File { path, line }, Lang::Ja) => format!("{}の{line}行目", path.display()),
            (Self::File { path, line }, Lang::En) => format!("{}:{line}", path.display()),
            (Self::Env(name), Lang::Ja) => format!("環境変数{name}"),
            (Self::Env(name), Lang::En) => format!("environment {name}"),
            (Self::Flag(name), _) => name.clone(),
            (Self::Together, Lang::Ja) => "設定の組み合わせ".to_owned(),
            (Self::Together, Lang::En) => "settings".to_owned(),
        }
    }
}

/// A message in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub ja: String,
    pub en: String,
}

impl Said {
    fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ja: ja.into(), en: en.into() }
    }

    /// The words of a language.
    pub fn message(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub origin: Origin,
    pub what: Said,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}

impl ConfigError {
    /// All problems, a line each.
    pub fn message(&self, lang: Lang) -> String {
        let count = self.problems.len();
        let mut text = match lang {
            Lang::Ja => format!("設定に{count}件の誤りがあります。"),
            Lang::En => format!("the settings have {count} problem(s):"),
        };
        for problem in &self.problems {
            let place = problem.origin.message(lang);
            let colon = if lang == Lang::Ja { "：" } else { ": " };
            text.push_str(&format!("\n  {place}{colon}{}", problem.what.message(lang)));
        }
        text
    }
}

/// Values given outside the file, before validation.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Settings file; it must exist when named here.
    pub file: Option<PathBuf>,
    /// Environment variables, names and values.
    pub env: Vec<(String, String)>,
    /// Flags: name as typed, key, value.
    pub flags: Vec<(String, &'static str, String)>,
}

impl Overrides {
    /// Takes the `KURA_…` variables of this process.
    pub fn with_process_env(mut self) -> Self {
        let ours = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(ENV_PREFIX))?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        self.env.extend(ours);
        if self.file.is_none() {
            self.file = std::env::var_os("KURA_CONFIG").map(PathBuf::from);
        }
        self
    }

    /// Reads the settings file of the installation where no other was named.
    pub fn or_installed(mut self) -> Self {
        let installed = Path::new(DEFAULT_FILE);
        if self.file.is_none() && installed.exists() {
            self.file = Some(installed.to_owned());
        }
        self
    }
}

impl Config {
    /// Validates all sources at once. `base` holds the defaults (a demo has its own).
    ///
    /// # Errors
    /// Every wrong key and value with its place.
    pub fn load(base: Self, overrides: &Overrides) -> Result<Self, ConfigError> {
        let (config, wrong) = Self::read(base, overrides);
        wrong.map_or(Ok(config), Err)
    }

    /// The same, with what could be read although something is wrong.
    pub fn read(base: Self, overrides: &Overrides) -> (Self, Option<ConfigError>) {
        let mut config = base;
        let mut problems = Vec::new();
        if let Some(path) = &overrides.file {
            match std::fs::read_to_string(path) {
                Ok(text) => config.apply_file(path, &text, &mut problems),
                Err(why) => problems.push(Problem {
                    origin: Origin::File { path: path.clone(), line: 0 },
                    what: match why.kind() {
                        std::io::ErrorKind::NotFound => {
                            Said::new("このファイルはありません", "there is no such file")
                        }
                        _ => Said::new(
                            format!("読めません（{why}）"),
                            format!("cannot be read: {why}"),
                        ),
                    },
                }),
            }
        }
        config.apply_env(&overrides.env, &mut problems);
        for (flag, key, value) in &overrides.flags {
            config.set(key, value, &Origin::Flag(flag.clone()), &mut problems);
        }
        config.check_together(&mut problems);
        problems.sort_by_key(|problem| match &problem.origin {
            Origin::File { line, .. } => *line,
            _ => usize::MAX,
        });
        let wrong = (!problems.is_empty()).then_some(ConfigError { problems });
        (config, wrong)
    }

    fn apply_file(&mut self, path: &Path, text: &str, problems: &mut Vec<Problem>) {
        let line_at = |offset: usize| 1 + text[..offset.min(text.len())].matches('\n').count();
        let origin = |offset| Origin::File { path: path.to_owned(), line: line_at(offset) };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            let why = error.message();
            let what = Said::new(format!("TOMLとして読めません（{why}）"), why);
            problems.push(Problem { origin: origin(offset), what });
        }
        for (name, value) in table.get_ref() {
            let DeValue::Table(inner) = value.get_ref() else {
                self.apply_value(name.get_ref(), value, &origin(name.span().start), problems);
                continue;
            };
            if !KEYS.iter().any(|key| key.table() == Some(name.get_ref())) {
                let name_written = name.get_ref();
                let what = Said::new(
                    format!("[{name_written}]という区分はありません"),
                    format!("unknown table [{name_written}]"),
                );
                problems.push(Problem { origin: origin(name.span().start), what });
                continue;
            }
            for (key, value) in inner {
                let full = format!("{}.{}", name.get_ref(), key.get_ref());
                self.apply_value(&full, value, &origin(key.span().start), problems);
            }
        }
    }

    fn apply_value(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        origin: &Origin,
        problems: &mut Vec<Problem>,
    ) {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(value) if keys::is_switch(key) => value.to_string(),
            other => {
                let (ja, en) = match other.type_str() {
                    "boolean" => ("真偽値", "a boolean"),
                    "array" => ("配列", "an array"),
                    "table" => ("表", "a table"),
                    _ => ("日時", "a date"),
                };
                let what = Said::new(
                    format!("{key}に{ja}は書けません。文字列か数にしてください"),
                    format!("{key}: {en} is not expected here"),
                );
                problems.push(Problem { origin: origin.clone(), what });
                return;
            }
        };
        self.set(key, &text, origin, problems);
    }

    fn apply_env(&mut self, env: &[(String, String)], problems: &mut Vec<Problem>) {
        for (name, value) in env {
            if ENV_OTHER.contains(&name.as_str()) {
                continue;
            }
            let origin = Origin::Env(name.clone());
            match KEYS.iter().find(|key| key.env_name() == *name) {
                Some(key) => self.set(key.name, value, &origin, problems),
                None => problems.push(Problem {
                    origin,
                    what: Said::new("この名前の設定はありません", "no such setting"),
                }),
            }
        }
    }

    fn set(&mut self, name: &str, value: &str, origin: &Origin, problems: &mut Vec<Problem>) {
        let shown = if name == "access_key" { "…" } else { value };
        let outcome = match KEYS.iter().find(|key| key.name == name) {
            Some(key) => (key.set)(self, value).map_err(|why| {
                Said::new(
                    format!("{name} = {shown:?}：{}", why.ja),
                    format!("{name} = {shown:?}: {}", why.en),
                )
            }),
            None => Err(keys::unknown(name)),
        };
        if let Err(what) = outcome {
            problems.push(Problem { origin: origin.clone(), what });
        }
    }

    fn check_together(&self, problems: &mut Vec<Problem>) {
        if !self.listen.ip().is_loopback() && self.access_key.is_none() {
            let listen = self.listen;
            let what = Said::new(
                format!("listen = {listen} はほかの端末から届くので、access_keyも設定してください"),
                format!(
                    "listen = {listen} is reachable from other machines, so access_key must be set"
                ),
            );
            problems.push(Problem { origin: Origin::Together, what });
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            let what = Said::new(
                "tls_certificateとtls_keyは、両方を設定するか、どちらも設定しないでください",
                "tls_certificate and tls_key belong together: set both or neither",
            );
            problems.push(Problem { origin: Origin::Together, what });
        }
    }
}

#[cfg(test)]
mod tests;
