//! The answers: from a file or from a person, each checked by the rules of the settings.

use std::io::BufRead;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use rand::Rng;
use rand::distr::Alphanumeric;
use serde::Deserialize;

use super::super::{Context, Failure};
use crate::config::{Config, Origin, Overrides};
use crate::store::plain_login;
use crate::text::Lang;

/// Who may come in where nothing else is said: the private ranges.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
/// How the first administrator signs in where nothing else is said.
const LOGIN: &str = "admin";
/// Characters of a key that is made here.
const KEY_CHARS: usize = 32;

/// The file of `--answers`; an empty value is one not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answers {
    /// Address and port for browsers.
    pub(super) address: String,
    /// Networks whose machines may come in: `10.1.0.0/16`.
    pub(super) allow: Vec<String>,
    /// Certificate chain, PEM.
    pub(super) certificate: String,
    /// Its private key, PEM.
    pub(super) key: String,
    /// The first administrator, 「総務課 山田」: the name in the transfer record, and of an account.
    pub(super) administrator: String,
    /// Name with which the first administrator signs in.
    pub(super) administrator_login: String,
    /// Fingerprint of the publisher's first root.
    pub(super) trusted_root: String,
    /// Secret that requests carry; made here where it is needed and not given.
    pub(super) access_key: String,
}

/// One answer that cannot be used.
struct Wrong {
    answer: String,
    ja: String,
    en: String,
}

impl Wrong {
    fn new(answer: &str, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { answer: answer.to_owned(), ja: ja.into(), en: en.into() }
    }
}

/// A question: name of the answer, words in both languages, where the answer goes.
struct Question {
    name: &'static str,
    ja: &'static str,
    en: &'static str,
    put: fn(&mut Answers, &str),
}

const QUESTIONS: [Question; 7] = [
    Question {
        name: "address",
        ja: "待ち受けるアドレスとポート（空欄＝127.0.0.1:8480、この機器だけ。例：10.1.2.3:8480）",
        en: "Address and port (empty = 127.0.0.1:8480, this machine only; e.g. 10.1.2.3:8480)",
        put: |answers, line| answers.address = line.to_owned(),
    },
    Question {
        name: "allow",
        ja: "使ってよい端末のネットワーク（空白区切り。空欄＝プライベートアドレス。例：10.1.0.0/16）",
        en: "Networks that may use it (separated by blanks; empty = private addresses)",
        put: |answers, line| {
            answers.allow = line.split_whitespace().map(str::to_owned).collect();
        },
    },
    Question {
        name: "certificate",
        ja: "HTTPSの証明書のファイル（PEM。空欄＝HTTP）",
        en: "Certificate file for HTTPS (PEM; empty = HTTP)",
        put: |answers, line| answers.certificate = line.to_owned(),
    },
    Question {
        name: "key",
        ja: "その秘密鍵のファイル（PEM）",
        en: "File of its private key (PEM)",
        put: |answers, line| answers.key = line.to_owned(),
    },
    Question {
        name: "administrator",
        ja: "最初の管理者の所属と氏名（アカウントを作ります。持込記録の作業者にもなります。例：総務課 山田。空欄＝作らない）",
        en: "Section and name of the first administrator (gets an account, and is named as operator in the transfer record; empty = none)",
        put: |answers, line| answers.administrator = line.to_owned(),
    },
    Question {
        name: "administrator_login",
        ja: "最初の管理者がログインに使う名前（半角英数字。空欄＝admin）",
        en: "Name with which the first administrator signs in (empty = admin)",
        put: |answers, line| answers.administrator_login = line.to_owned(),
    },
    Question {
        name: "trusted_root",
        ja: "配布元の鍵の指紋（書面などで受け取った16進数64桁。空欄＝まだ更新を受け取らない）",
        en: "Fingerprint of the publisher's key (64 hexadecimal digits; empty = no updates yet)",
        put: |answers, line| answers.trusted_root = line.to_owned(),
    },
];

impl Answers {
    /// Reads a file of answers.
    pub(super) fn load(file: &Path) -> Result<Self, Failure> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).map_err(|why| {
            Failure::new(
                format!("{shown}を読めません（{why}）。"),
                format!("cannot read {shown}: {why}"),
            )
        })?;
        toml::from_str(&text).map_err(|why| {
            Failure::usage(
                format!("{shown}の回答を読めません。直してください。\n{why}"),
                format!("the answers in {shown} cannot be read:\n{why}"),
            )
        })
    }

    /// Asks one question after the other; a wrong answer is asked for again.
    pub(super) fn ask(context: &Context) -> Result<Self, Failure> {
        let mut answers = Self::default();
        let mut lines = std::io::stdin().lock().lines();
        for question in &QUESTIONS {
            if answers.needs_no(question.name) {
                continue;
            }
            loop {
                super::prompt(&format!("{}: ", context.words(question.ja, question.en)));
                let Some(Ok(line)) = lines.next() else {
                    return Err(no_answer(question.name));
                };
                (question.put)(&mut answers, line.trim());
                let wrong = answers.clone().finished().wrong();
                let Some(wrong) = wrong.into_iter().find(|w| w.answer == question.name) else {
                    break;
                };
                say!("  {}", context.words(&wrong.ja, &wrong.en));
            }
        }
        Ok(answers)
    }

    /// Questions that an earlier answer settled.
    fn needs_no(&self, question: &str) -> bool {
        match question {
            "allow" => !self.is_open(),
            "key" => self.certificate.is_empty(),
            "administrator_login" => self.administrator.is_empty(),
            _ => false,
        }
    }

    /// Fills in what was left out, and checks all of it.
    ///
    /// Every answer that cannot be used is named at once.
    pub(super) fn complete(self) -> Result<Self, Failure> {
        let answers = self.finished();
        let wrong = answers.wrong();
        if wrong.is_empty() {
            return Ok(answers);
        }
        let list = |words: fn(&Wrong) -> String| -> String {
            wrong.iter().map(|wrong| format!("\n  {}", words(wrong))).collect()
        };
        let count = wrong.len();
        Err(Failure::usage(
            format!(
                "使えない回答が{count}件あります。何も書いていません。{}",
                list(|wrong| format!("{}：{}", wrong.answer, wrong.ja))
            ),
            format!(
                "{count} answer(s) cannot be used; nothing was written:{}",
                list(|wrong| format!("{}: {}", wrong.answer, wrong.en))
            ),
        ))
    }

    fn finished(mut self) -> Self {
        if self.address.trim().is_empty() {
            self.address = Config::default().listen.to_string();
        }
        if self.administrator_login.is_empty() {
            self.administrator_login = LOGIN.to_owned();
        }
        if self.is_open() {
            if self.allow.is_empty() {
                self.allow = PRIVATE.map(str::to_owned).to_vec();
            }
            if self.access_key.is_empty() {
                let random = rand::rng().sample_iter(Alphanumeric);
                self.access_key = random.take(KEY_CHARS).map(char::from).collect();
            }
        }
        self
    }

    /// Whether other machines reach the address.
    fn is_open(&self) -> bool {
        let address = self.address.parse::<SocketAddr>();
        address.is_ok_and(|address| !address.ip().is_loopback())
    }

    /// What to open in a browser; `anywhere` stands for an address of all interfaces.
    pub(super) fn url(&self, anywhere: &str) -> String {
        let scheme = if self.certificate.is_empty() { "http" } else { "https" };
        match self.address.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_unspecified() => {
                format!("{scheme}://{anywhere}:{}/", address.port())
            }
            _ => format!("{scheme}://{}/", self.address),
        }
    }

    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = self.wrong_settings();
        for network in self.allow.iter().filter(|network| !is_network(network)) {
            wrong.push(Wrong::new(
                "allow",
                format!("「{network}」は、10.1.0.0/16 のような形にしてください"),
                format!("{network:?}: a network like 10.1.0.0/16 is expected"),
            ));
        }
        if plain_login(&self.administrator_login).is_none() {
            wrong.push(Wrong::new(
                "administrator_login",
                "半角の英小文字、数字、「.」「_」「-」「@」で64文字以内にし、英小文字か数字で始めてください",
                "1 to 64 of a-z, 0-9, '.', '_', '-' and '@' are expected, a letter or digit first",
            ));
        }
        match (self.certificate.is_empty(), self.key.is_empty()) {
            (true, true) => {}
            (false, true) => wrong.push(Wrong::new(
                "key",
                "証明書の秘密鍵も指定してください",
                "the private key of the certificate is needed as well",
            )),
            (true, false) => wrong.push(Wrong::new(
                "certificate",
                "秘密鍵の証明書も指定してください",
                "the certificate of the private key is needed as well",
            )),
            (false, false) => {}
        }
        for (answer, path, mark) in [
            ("certificate", &self.certificate, "-----BEGIN CERTIFICATE-----"),
            ("key", &self.key, "PRIVATE KEY-----"),
        ] {
            if !path.is_empty() {
                wrong.extend(wrong_pem(answer, path, mark));
            }
        }
        wrong
    }

    /// By the rules of the settings that the answers become.
    fn wrong_settings(&self) -> Vec<Wrong> {
        let mut flags = vec![
            ("address".to_owned(), "listen", self.address.clone()),
            ("administrator".to_owned(), "sync.operator", self.administrator.clone()),
            ("trusted_root".to_owned(), "sync.trusted_root", self.trusted_root.clone()),
        ];
        if !self.access_key.is_empty() {
            flags.push(("access_key".to_owned(), "access_key", self.access_key.clone()));
        }
        let given = Overrides { flags, ..Overrides::default() };
        let Err(error) = Config::load(Config::default(), &given) else {
            return Vec::new();
        };
        let named = error.problems.into_iter().map(|problem| {
            let answer = match &problem.origin {
                Origin::Flag(name) => name.clone(),
                other => other.message(Lang::En),
            };
            Wrong { answer, ja: problem.what.ja, en: problem.what.en }
        });
        named.collect()
    }
}

/// What is wrong with a file that should hold such a block.
fn wrong_pem(answer: &str, path: &str, mark: &str) -> Option<Wrong> {
    if path.chars().any(char::is_control) {
        return Some(Wrong::new(
            answer,
            "1行のパスにしてください",
            "a path on one line is expected",
        ));
    }
    match std::fs::read_to_string(path) {
        Err(why) => Some(Wrong::new(
            answer,
            format!("{path}を読めません（{why}）"),
            format!("cannot read {path}: {why}"),
        )),
        Ok(text) if !text.contains(mark) => Some(Wrong::new(
            answer,
            format!("{path}に「{mark}」がありません。PEM形式にしてください"),
            format!("{path} has no {mark:?}; PEM is expected"),
        )),
        Ok(_) if !Path::new(path).is_absolute() => Some(Wrong::new(
            answer,
            format!("{path}は / で始まる絶対パスにしてください"),
            format!("{path}: an absolute path is expected"),
        )),
        Ok(_) => None,
    }
}

/// `10.1.0.0/16`, `fd00::/8`, or one address.
fn is_network(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|bits| bits <= longest))
}

fn no_answer(question: &str) -> Failure {
    Failure::usage(
        format!(
            "{question}の回答がないまま入力が終わりました。何も書いていません。回答をファイルにして --answers で渡すこともできます。"
        ),
        format!(
            "the input ended before {question} was answered; nothing was written. Answers can come from a file: --answers"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_told_from_other_words() {
        for good in ["10.1.0.0/16", "10.1.2.3", "fd00::/8", "0.0.0.0/0"] {
            assert!(is_network(good), "{good}");
        }
        for bad in ["10.1.0.0/33", "fd00::/129", "office", "10.1.0.0/", "10.1/16", "", "any\nx"] {
            assert!(!is_network(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_of_this_machine_needs_no_key() {
        let answers = Answers::default().complete().unwrap();
        assert_eq!(answers.address, "127.0.0.1:8480");
        assert!(answers.access_key.is_empty() && answers.allow.is_empty());
    }

    #[test]
    fn an_open_address_gets_a_key_of_its_own_each_time() {
        let open = Answers { address: "10.1.2.3:8480".to_owned(), ..Answers::default() };
        let (one, other) = (open.clone().complete().unwrap(), open.complete().unwrap());
        assert_eq!(one.access_key.len(), KEY_CHARS);
        assert_ne!(one.access_key, other.access_key);
        assert_eq!(one.allow, PRIVATE);
    }
}
