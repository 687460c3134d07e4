//! Passwords of keys: from the terminal, unseen, or from `KURA_KEY_PASSWORD`.

use super::super::{Context, Failure, hidden};

/// For scripts. Whoever reads the environment of the process can sign.
const VARIABLE: &str = "KURA_KEY_PASSWORD";
/// A new password has at least so many characters: the file of a key may be copied, and is then
/// guessed at without limit.
const CHARS_MIN: usize = 8;
/// Bytes of a password at most, as minisign has it.
const BYTES_MAX: usize = 1024;

/// The password of an existing key.
pub(super) fn of_key(context: &Context, name: &str) -> Result<String, Failure> {
    if let Some(password) = given()? {
        return Ok(password);
    }
    let prompt = context.words("のパスワード: ", ": password: ");
    ask(&format!("{name}{prompt}"))
}

/// A password for a new key, typed twice.
pub(super) fn for_new_key(context: &Context, name: &str) -> Result<String, Failure> {
    if let Some(password) = given()? {
        return long_enough(password);
    }
    let first = context.words("の新しいパスワード: ", ": new password: ");
    let password = long_enough(ask(&format!("{name}{first}"))?)?;
    let again = context.words("もう一度: ", "once more: ");
    match ask(again)? == password {
        true => Ok(password),
        false => Err(Failure::new(
            "二つのパスワードが違います。鍵は作っていません。もう一度実行してください。",
            "the two passwords differ; no key was made: run it again",
        )),
    }
}

fn given() -> Result<Option<String>, Failure> {
    match std::env::var(VARIABLE) {
        Ok(password) if password.is_empty() => Ok(None),
        Ok(password) => Ok(Some(password)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::new(
            format!("{VARIABLE}がUTF-8ではありません。"),
            format!("{VARIABLE} is not UTF-8"),
        )),
    }
}

fn long_enough(password: String) -> Result<String, Failure> {
    match password.chars().count() < CHARS_MIN || password.len() > BYTES_MAX {
        false => Ok(password),
        true => Err(Failure::new(
            format!(
                "パスワードは{CHARS_MIN}文字以上、{BYTES_MAX}バイト以内にしてください。鍵は作っていません。"
            ),
            format!(
                "a password has at least {CHARS_MIN} characters and at most {BYTES_MAX} bytes; no key was made"
            ),
        )),
    }
}

/// What to do where there is no terminal.
const OTHERWISE: (&str, &str) = ("KURA_KEY_PASSWORDを設定してください。", "set KURA_KEY_PASSWORD");

fn ask(prompt: &str) -> Result<String, Failure> {
    hidden::ask(prompt, OTHERWISE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_passwords_are_refused() {
        for (password, good) in [("1234567", false), ("12345678", true), ("合言葉は秘密です", true)]
        {
            assert_eq!(long_enough(password.to_owned()).is_ok(), good, "{password}");
        }
        assert!(long_enough("x".repeat(BYTES_MAX + 1)).is_err());
    }
}
