//! Passwords: what is too easy, and how they are kept (argon2id). Nothing here says one aloud.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use rand::seq::IndexedRandom;
use tokio::sync::Semaphore;

use super::StoreError;
use crate::text::normalize;

/// As OWASP has it for argon2id: 19 MiB, two passes, one lane. About 20 ms on an office PC.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes computed at once: a crowd of guesses costs neither memory nor the answers' cores.
const AT_ONCE: usize = 2;

/// Fewest characters.
pub const CHARS_MIN: usize = 12;
/// Most characters; a passphrase is shorter.
const CHARS_MAX: usize = 256;

/// Characters that have to be left when what everybody guesses first is taken out.
const REST_MIN: usize = 6;
/// Different characters that have to be there.
const DIFFERENT_MIN: usize = 5;
/// So much of a row of the keyboard, or of the digits, counts as one.
const RUN_MIN: usize = 4;

/// What people choose and others guess first, in lower case.
const WORDS: [&str; 14] = [
    "password",
    "passwd",
    "passw0rd",
    "p@ssword",
    "pass",
    "パスワード",
    "ぱすわーど",
    "admin",
    "kura",
    "welcome",
    "letmein",
    "secret",
    "令和",
    "役場",
];
const ROWS: [&str; 6] = [
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc",
];

/// No letters that look like others: it is read from paper.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

static HASHING: Semaphore = Semaphore::const_new(AT_ONCE);

/// What a wrong name is compared with, so that it takes as long as a wrong password.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("a password has at least 12 characters")]
    Short,
    #[error("a password has at most 256 characters")]
    Long,
    #[error("the password repeats few characters")]
    Repeated,
    #[error("the password is made of the name, of common words or of rows of the keyboard")]
    Guessed,
    #[error("the password is the present one")]
    Same,
}

impl Weak {
    /// For the person who chose it.
    pub fn ja(self) -> &'static str {
        match self {
            Self::Short => "パスワードは12文字以上にしてください。",
            Self::Long => "パスワードは256文字以内にしてください。",
            Self::Repeated => {
                "同じ文字の繰り返しが多く、推測されやすいパスワードです。別のものにしてください。"
            }
            Self::Guessed => {
                "名前やよく使われる言葉、キーの並びが中心で、推測されやすいパスワードです。別のものにしてください。"
            }
            Self::Same => "いまのパスワードとは別のものにしてください。",
        }
    }
}

/// Long enough, and not what is guessed first. No rules about kinds of characters.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(password: &str, login: &str, name: &str) -> Result<(), Weak> {
    let plain = normalize(password).to_lowercase();
    let count = plain.chars().count();
    if count < CHARS_MIN {
        return Err(Weak::Short);
    }
    if count > CHARS_MAX {
        return Err(Weak::Long);
    }
    let mut different: Vec<char> = plain.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN || is_one_piece_repeated(&plain) {
        return Err(Weak::Repeated);
    }
    match rest(plain, login, name) < REST_MIN {
        true => Err(Weak::Guessed),
        false => Ok(()),
    }
}

/// `abcabcabcabc`
fn is_one_piece_repeated(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=chars.len() / 2).any(|piece| {
        chars.len().is_multiple_of(piece) && chars.chunks(piece).all(|each| *each == chars[..piece])
    })
}

/// Letters and digits that are left without names, common words and rows.
fn rest(plain: String, login: &str, name: &str) -> usize {
    let name = normalize(name).to_lowercase();
    let parts = name.split_whitespace().chain(login.split(['.', '_', '-', '@']));
    let own = parts.chain([login]).filter(|part| part.chars().count() > 1);
    let mut text = plain;
    for word in own.chain(WORDS) {
        text = text.replace(word, " ");
    }
    let text: Vec<char> = text.chars().collect();
    let mut left = 0;
    let mut at = 0;
    while at < text.len() {
        match run(&text[at..]) {
            length if length >= RUN_MIN => at += length,
            _ => {
                left += usize::from(text[at].is_alphanumeric());
                at += 1;
            }
        }
    }
    left
}

/// How far the text goes along a row, in either direction.
fn run(text: &[char]) -> usize {
    let along = |row: &[char]| {
        let starts = row.iter().enumerate().filter(|(_, c)| **c == text[0]);
        let lengths =
            starts.map(|(at, _)| row[at..].iter().zip(text).take_while(|(a, b)| a == b).count());
        lengths.max().unwrap_or(0)
    };
    let both = ROWS.iter().flat_map(|row| {
        let forward: Vec<char> = row.chars().collect();
        let backward: Vec<char> = row.chars().rev().collect();
        [along(&forward), along(&backward)]
    });
    both.max().unwrap_or(0)
}

/// The same password, however its characters were typed.
pub(super) fn same(one: &str, other: &str) -> bool {
    normalize(one) == normalize(other)
}

/// A password for once, to be read from paper: four groups of four, about 79 bits.
pub fn one_time() -> String {
    let mut random = rand::rng();
    let mut password = String::new();
    for at in 0..16 {
        if at > 0 && at % 4 == 0 {
            password.push('-');
        }
        password.push(char::from(*ALPHABET.choose(&mut random).unwrap_or(&b'x')));
    }
    password
}

/// The form that is kept.
pub(super) async fn hash(password: String) -> Result<String, StoreError> {
    off_the_async_threads(move || hash_now(&password)).await?.ok_or(StoreError::Hash)
}

/// Whether it is the password of the hash. Without a hash it never is, after as much work.
pub(super) async fn matches(given: String, hash: Option<String>) -> Result<bool, StoreError> {
    off_the_async_threads(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&hash).ok();
        // Longer ones are none; their beginning is compared all the same.
        let fits = given.chars().count() <= CHARS_MAX;
        let given: String = normalize(&given).chars().take(CHARS_MAX).collect();
        let same = parsed.is_some_and(|parsed| {
            argon2().is_some_and(|argon2| argon2.verify_password(given.as_bytes(), &parsed).is_ok())
        });
        same && known && fits
    })
    .await
}

fn hash_now(password: &str) -> Option<String> {
    let hash = argon2()?.hash_password(normalize(password).as_bytes()).ok()?;
    Some(hash.to_string())
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    // The semaphore is never closed.
    let _turn = HASHING.acquire().await.map_err(|_| StoreError::Hash)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused() {
        for (password, verdict) in [
            ("短い", Err(Weak::Short)),
            ("elevenchars", Err(Weak::Short)),
            ("aaaaaaaaaaaaaaaa", Err(Weak::Repeated)),
            ("tobutobutobu", Err(Weak::Repeated)),
            ("123456789012", Err(Weak::Guessed)),
            ("qwertyuiopasdf", Err(Weak::Guessed)),
            ("Password2026!", Err(Weak::Guessed)),
            ("ＰＡＳＳＷＯＲＤ１２３４", Err(Weak::Guessed)),
            ("yamada-hanako12", Err(Weak::Guessed)),
            ("山田花子パスワード9876", Err(Weak::Guessed)),
            ("correct horse battery", Ok(())),
            ("朝は六時に犬と川まで歩く", Ok(())),
            ("k3m-9xw-tt4-vq7", Ok(())),
        ] {
            assert_eq!(check(password, "yamada.hanako", "山田 花子"), verdict, "{password}");
        }
        assert_eq!(check(&"長い言葉です".repeat(60), "x", "y"), Err(Weak::Long));
    }

    #[test]
    fn one_time_passwords_pass_the_check_and_differ() {
        let (one, other) = (one_time(), one_time());
        assert_ne!(one, other);
        assert_eq!(one.len(), 19);
        for _ in 0..200 {
            assert_eq!(check(&one_time(), "admin", "管理者"), Ok(()));
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_and_matches_its_password_only() {
        let kept = hash("朝は六時に犬と川まで歩く１".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let matches = async |given: &str, kept: Option<&String>| {
            matches(given.to_owned(), kept.cloned()).await.unwrap()
        };
        assert!(matches("朝は六時に犬と川まで歩く1", Some(&kept)).await, "width does not matter");
        assert!(!matches("朝は六時に犬と川まで歩く2", Some(&kept)).await);
        assert!(!matches("", Some(&kept)).await);
        assert!(!matches("nobody has this password", None).await);
        assert!(!matches("x", Some(&"not a hash".to_owned())).await);
    }
}
