//! A line from the terminal that is not shown while it is typed: passwords.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};

use super::Failure;

/// Asks for a password. `otherwise` says, in both languages, how to give it without a terminal.
pub(super) fn ask(prompt: &str, otherwise: (&str, &str)) -> Result<String, Failure> {
    let unasked = |why: &io::Error| {
        let (ja, en) = otherwise;
        Failure::new(
            format!("パスワードを尋ねる端末がありません（{why}）。端末から実行するか、{ja}"),
            format!("there is no terminal to ask for the password ({why}); run it in one, or {en}"),
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
