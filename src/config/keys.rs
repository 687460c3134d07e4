//! The table of settings: one row a key, with its parser and its help.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Config, Device, ENV_PREFIX, FileSource, Handling, KvNumbers, Said};

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// As in the file: `listen`, `engine.threads`.
    pub name: &'static str,
    /// What it does, for `kura.toml` and the help.
    pub help: &'static str,
    /// Parses a value and stores it; the error says what is allowed.
    pub set: fn(&mut Config, &str) -> Result<(), Said>,
}

impl Key {
    /// `engine` of `engine.threads`.
    pub fn table(&self) -> Option<&'static str> {
        self.name.split_once('.').map(|(table, _)| table)
    }

    /// `KURA_ENGINE_THREADS` of `engine.threads`.
    pub fn env_name(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

/// All settings.
pub const KEYS: &[Key] = &[
    Key {
        name: "data_dir",
        help: "folder of everything installed (an absolute or relative path)",
        set: |config, value| {
            config.data_dir = PathBuf::from(non_empty(value)?);
            Ok(())
        },
    },
    Key {
        name: "listen",
        help: "address and port of the HTTP server, 127.0.0.1:8480",
        set: |config, value| {
            config.listen = value.parse().map_err(|_| {
                Said::new(
                    "127.0.0.1:8480 のように、アドレスとポートを書いてください",
                    "an address with a port is expected, like 127.0.0.1:8480",
                )
            })?;
            Ok(())
        },
    },
    Key {
        name: "access_key",
        help: "secret of 16 characters or more that requests carry until people have accounts, and other systems (/v1, /api/search, /metrics) after",
        set: |config, value| {
            let long_enough = value.chars().count() >= 16;
            let visible = value.chars().all(|c| c.is_ascii_graphic());
            config.access_key = Some(value.to_owned());
            match long_enough && visible {
                true => Ok(()),
                false => Err(Said::new(
                    "半角の英数字と記号で16文字以上にしてください",
                    "16 or more visible ASCII characters are expected",
                )),
            }
        },
    },
    Key {
        name: "tls_certificate",
        help: "certificate for https, a PEM file or credential:NAME of systemd; needs tls_key",
        set: |config, value| {
            config.tls_certificate = Some(FileSource::parse(value)?);
            Ok(())
        },
    },
    Key {
        name: "tls_key",
        help: "private key of the certificate, a PEM file or credential:NAME of systemd",
        set: |config, value| {
            config.tls_key = Some(FileSource::parse(value)?);
            Ok(())
        },
    },
    Key {
        name: "model",
        help: "id of the model to use, as `kura model list` shows it",
        set: |config, value| {
            config.model = Some(non_empty(value)?.to_owned());
            Ok(())
        },
    },
    Key {
        name: "log",
        help: "error, warn, info, debug, trace, or a filter such as kura=debug",
        set: |config, value| {
            let levels = ["off", "error", "warn", "info", "debug", "trace"];
            let known = value.split(',').all(|part| {
                let level = part.rsplit('=').next().unwrap_or(part).trim();
                levels.contains(&level.to_ascii_lowercase().as_str())
            });
            if !known {
                return Err(Said::new(
                    "off、error、warn、info、debug、trace、または kura=debug の形で書いてください",
                    "off, error, warn, info, debug, trace, or a filter such as kura=debug is expected",
                ));
            }
            config.log = value.to_owned();
            Ok(())
        },
    },
    Key {
        name: "engine.threads",
        help: "threads of the model; 0 = one for each core",
        set: |config, value| number(value, 0, 1024).map(|n| config.engine.threads = n),
    },
    Key {
        name: "engine.slots",
        help: "answers written at the same time",
        set: |config, value| number(value, 1, 64).map(|n| config.engine.slots = n),
    },
    Key {
        name: "engine.context_tokens",
        help: "context of one answer in tokens; 0 = the model's own, at most 4,096",
        set: |config, value| {
            let tokens: usize = number(value, 0, 1 << 20)?;
            if (1..256).contains(&tokens) {
                return Err(Said::new(
                    "0か、256以上にしてください",
                    "0, or 256 or more is expected",
                ));
            }
            config.engine.context_tokens = tokens;
            Ok(())
        },
    },
    Key {
        name: "engine.queue",
        help: "requests that may wait; more are refused for a while",
        set: |config, value| number(value, 1, 4096).map(|n| config.engine.queue = n),
    },
    Key {
        name: "engine.device",
        help: "cpu, or cuda in a binary built for it",
        set: |config, value| {
            config.engine.device = match value {
                "cpu" => Device::Cpu,
                "cuda" if cfg!(feature = "cuda") => Device::Cuda,
                "cuda" => {
                    return Err(Said::new(
                        "この実行ファイルはcudaに対応していません。cpuにしてください",
                        "this binary was built without cuda; use cpu",
                    ));
                }
                _ => {
                    return Err(Said::new("cpuかcudaにしてください", "cpu or cuda is expected"));
                }
            };
            Ok(())
        },
    },
    Key {
        name: "engine.kv_type",
        help: "how keys and values are stored: f16, f32, or q8_0 for half of f16's memory",
        set: |config, value| {
            config.engine.kv_type = match value {
                "f16" => KvNumbers::F16,
                "f32" => KvNumbers::F32,
                "q8_0" => KvNumbers::Q8_0,
                _ => {
                    return Err(Said::new(
                        "f16、f32、q8_0のいずれかにしてください",
                        "f16, f32 or q8_0 is expected",
                    ));
                }
            };
            Ok(())
        },
    },
    Key {
        name: "engine.kv_cache_mib",
        help: "MiB of keys and values; 0 = what all slots need when they are full",
        set: |config, value| number(value, 0, 1 << 24).map(|n| config.engine.kv_cache_mib = n),
    },
    Key {
        name: "engine.prefill_step_ms",
        help: "milliseconds that answers may stand still for a piece of another's prompt",
        set: |config, value| number(value, 10, 10_000).map(|n| config.engine.prefill_step_ms = n),
    },
    Key {
        name: "engine.speculation",
        help: "true guesses words from the passages to write faster; the text stays the same",
        set: |config, value| switch(value).map(|on| config.engine.speculation = on),
    },
    Key {
        name: "answer.passages",
        help: "passages given to the model for one answer",
        set: |config, value| number(value, 1, 20).map(|n| config.answer.passages = n),
    },
    Key {
        name: "answer.max_tokens",
        help: "tokens of an answer at most",
        set: |config, value| number(value, 16, 8192).map(|n| config.answer.max_tokens = n),
    },
    Key {
        name: "answer.temperature",
        help: "0 always writes the same answer; higher varies, up to 2",
        set: |config, value| number(value, 0.0, 2.0).map(|n| config.answer.temperature = n),
    },
    Key {
        name: "answer.first_token_target_s",
        help: "seconds in which an answer should begin; passages are cut to fit; 0 = never cut",
        set: |config, value| {
            number(value, 0.0, 600.0).map(|n| config.answer.first_token_target_s = n)
        },
    },
    Key {
        name: "answer.verbatim",
        help: "true lets quotations say only what the passages say, word for word",
        set: |config, value| switch(value).map(|on| config.answer.verbatim = on),
    },
    Key {
        name: "ingest.time_limit_s",
        help: "seconds that reading one file may take",
        set: |config, value| number(value, 1, 3600).map(|n| config.ingest.time_limit_s = n),
    },
    Key {
        name: "ingest.memory_limit_mib",
        help: "MiB that reading one file may use",
        set: |config, value| number(value, 64, 65536).map(|n| config.ingest.memory_limit_mib = n),
    },
    Key {
        name: "sync.trusted_root",
        help: "fingerprint (BLAKE3) of the first root of the updates; empty takes no update",
        set: |config, value| {
            config.sync.trusted_root = fingerprint(value)?;
            Ok(())
        },
    },
    Key {
        name: "sync.channel",
        help: "updates are taken from this channel only",
        set: |config, value| {
            config.sync.channel = name(value)?.to_owned();
            Ok(())
        },
    },
    Key {
        name: "sync.operator",
        help: "name in the transfer record where the command gives none",
        set: |config, value| {
            config.sync.operator = person(value)?.to_owned();
            Ok(())
        },
    },
    Key {
        name: "store.conversation_days",
        help: "days after the last question that a conversation is kept; 0 keeps it",
        set: |config, value| {
            number(value, 0, 36_500).map(|days| config.store.conversation_days = days)
        },
    },
    Key {
        name: "store.record_days",
        help: "days that the record of an answer is kept, its reviews too; 0 keeps it",
        set: |config, value| number(value, 0, 36_500).map(|days| config.store.record_days = days),
    },
    Key {
        name: "store.upload_hours",
        help: "hours that a file in a conversation is kept; 0 takes no files",
        set: |config, value| number(value, 0, 720).map(|hours| config.store.upload_hours = hours),
    },
    Key {
        name: "store.upload_mib",
        help: "size in MiB of the files that are uploaded at once",
        set: |config, value| number(value, 1, 256).map(|size| config.store.upload_mib = size),
    },
    Key {
        name: "guard.my_number",
        help: "マイナンバー (individual numbers) in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.my_number = way),
    },
    Key {
        name: "guard.driving_licence",
        help: "numbers of driving licences in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.driving_licence = way),
    },
    Key {
        name: "guard.pension",
        help: "numbers of the basic pension in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.pension = way),
    },
    Key {
        name: "guard.passport",
        help: "numbers of passports in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.passport = way),
    },
    Key {
        name: "guard.residence_card",
        help: "numbers of residence cards in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.residence_card = way),
    },
    Key {
        name: "guard.bank_account",
        help: "numbers of bank accounts in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.bank_account = way),
    },
    Key {
        name: "guard.phone",
        help: "telephone numbers in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.phone = way),
    },
    Key {
        name: "guard.email",
        help: "e-mail addresses in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.email = way),
    },
    Key {
        name: "guard.address",
        help: "postal addresses in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.address = way),
    },
    Key {
        name: "guard.birth_date",
        help: "dates of birth in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.birth_date = way),
    },
    Key {
        name: "guard.name",
        help: "names of persons in questions: notice, mask or refuse",
        set: |config, value| Handling::parse(value).map(|way| config.guard.name = way),
    },
];

/// Settings that are true or false.
const SWITCHES: [&str; 2] = ["engine.speculation", "answer.verbatim"];

/// Whether a key takes true or false.
pub(super) fn is_switch(name: &str) -> bool {
    SWITCHES.contains(&name)
}

/// A key that does not exist, with the nearest one when it is one or two letters off.
pub(super) fn unknown(name: &str) -> Said {
    let nearest = KEYS.iter().min_by_key(|key| distance(key.name, name));
    match nearest.filter(|key| distance(key.name, name) <= 2) {
        Some(key) => Said::new(
            format!("{name}という設定はありません。{}のことですか", key.name),
            format!("unknown key {name}; did you mean {}?", key.name),
        ),
        None => Said::new(format!("{name}という設定はありません"), format!("unknown key {name}")),
    }
}

/// Levenshtein distance over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

pub(super) fn non_empty(value: &str) -> Result<&str, Said> {
    match value.trim() {
        "" => Err(Said::new("空になっています", "it is empty")),
        value => Ok(value),
    }
}

/// 64 hexadecimal digits; people copy them in groups and in capitals. Empty is none.
fn fingerprint(value: &str) -> Result<Option<String>, Said> {
    const DIGITS: usize = 64;
    let value: String = value.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    if value.is_empty() {
        return Ok(None);
    }
    let hexadecimal = value.chars().all(|c| c.is_ascii_hexdigit());
    match hexadecimal && value.len() == DIGITS {
        true => Ok(Some(value.to_ascii_lowercase())),
        false => Err(Said::new(
            "16進数64桁の指紋にしてください",
            "a fingerprint of 64 hexadecimal digits is expected",
        )),
    }
}

/// A short name in small letters, as bundles carry it.
fn name(value: &str) -> Result<&str, Said> {
    let value = value.trim();
    let begins = value.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    match begins && value.len() <= 64 && value.chars().all(plain) {
        true => Ok(value),
        false => Err(Said::new(
            "半角の英小文字、数字、. _ - で64文字までにしてください",
            "up to 64 of a-z, 0-9, . _ - are expected, beginning with a letter or digit",
        )),
    }
}

/// A person's name or post, on one line.
fn person(value: &str) -> Result<&str, Said> {
    let value = value.trim();
    match value.chars().count() <= 100 && !value.chars().any(char::is_control) {
        true => Ok(value),
        false => Err(Said::new(
            "改行のない100文字までの名前にしてください",
            "a name of up to 100 characters on one line is expected",
        )),
    }
}

fn switch(value: &str) -> Result<bool, Said> {
    value
        .trim()
        .parse()
        .map_err(|_| Said::new("trueかfalseにしてください", "true or false is expected"))
}

fn number<T: FromStr + PartialOrd + std::fmt::Display + Copy>(
    value: &str,
    least: T,
    most: T,
) -> Result<T, Said> {
    match value.trim().parse::<T>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(Said::new(
            format!("{least}から{most}までの数にしてください"),
            format!("a number from {least} to {most} is expected"),
        )),
    }
}
