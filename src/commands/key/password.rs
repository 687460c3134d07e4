//! Passwords of keys: from the terminal, unseen, or from `KURA_KEY_PASSWORD`.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};

use super::super::{Context, Failure};

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

fn ask(prompt: &str) -> Result<String, Failure> {
    let unasked = |why: &io::Error| {
        Failure::new(
            format!(
                "パスワードを尋ねる端末がありません（{why}）。端末から実行するか、{VARIABLE}を設定してください。"
            ),
            format!(
                "there is no terminal to ask for the password ({why}); run it in one, or set {VARIABLE}"
            ),
        )
    };
    let opened = File::options().read(true).write(true).open("/dev/tty");
    let mut terminal = opened.map_err(|why| unasked(&why))?;
    terminal.write_all(prompt.as_bytes()).map_err(|why| unasked(&why))?;
    let typed = Hidden::begin(&terminal).and_then(|hidden| hidden.line());
    // The person's Enter was not shown.
    let _ = terminal.write_all(b"\n");
    match typed.map_err(|why| unasked(&why))? {
        Some(bytes) => String::from_utf8(bytes).map_err(|_| {
            Failure::new(
                "パスワードの文字コードがUTF-8ではありません。端末の設定を確かめてください。",
                "the password is not UTF-8; check the settings of the terminal",
            )
        }),
        None => Err(Failure::stopped("中止しました。", "interrupted; nothing was changed")),
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Hidden<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Hidden<'t> {
    /// Keys come one by one and without their meaning, so that Ctrl-C ends in here and the terminal
    /// gets its old modes back.
    fn begin(terminal: &'t File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Drain, &hidden)?;
        Ok(Self { terminal, before })
    }

    /// The bytes up to Enter; `None` for Ctrl-C or Ctrl-D.
    fn line(self) -> io::Result<Option<Vec<u8>>> {
        let mut typed = Vec::new();
        let mut terminal = self.terminal;
        let mut byte = [0];
        loop {
            if terminal.read(&mut byte)? == 0 {
                return Ok(None);
            }
            match byte[0] {
                b'\n' | b'\r' => return Ok(Some(typed)),
                // Ctrl-C, Ctrl-D
                3 | 4 => return Ok(None),
                // Backspace takes a character, of as many bytes as it has.
                8 | 0x7f => while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {},
                // Ctrl-U
                0x15 => typed.clear(),
                other => typed.push(other),
            }
        }
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nothing is left to try where this fails.
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
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
