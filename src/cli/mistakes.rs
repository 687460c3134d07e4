//! What clap says, in Japanese: mistakes in the command line, and the words of its own that stand
//! in a help page.

use std::io::{IsTerminal, Write};

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Prints help or a mistake as clap does, in Japanese.
pub(super) fn print(error: &Error) {
    let text = said(error);
    // A reader that went away needs no help.
    let _ = match error.use_stderr() {
        true => std::io::stderr().write_all(text.as_bytes()),
        false => std::io::stdout().write_all(text.as_bytes()),
    };
}

fn said(error: &Error) -> String {
    if let Some(words) = mistake(error) {
        let usage = error.get(ContextKind::Usage).map(|usage| format!("\n{usage}\n"));
        let usage = page(&usage.unwrap_or_default());
        return format!("kura: {words}\n{usage}\n詳しい使い方は --help を付けると表示されます。\n");
    }
    let help = error.render();
    let coloured = !error.use_stderr() && std::io::stdout().is_terminal();
    page(&if coloured { help.ansi().to_string() } else { help.to_string() })
}

/// What is wrong with the command line; `None` for help, and for what has no words here.
fn mistake(error: &Error) -> Option<String> {
    let one = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = one(ContextKind::InvalidArg);
    let value = one(ContextKind::InvalidValue);
    let words = match error.kind() {
        ErrorKind::UnknownArgument => {
            format!("「{}」は、ここでは使えません。", argument?)
                + &suggestion(error, ContextKind::SuggestedArg)
        }
        ErrorKind::InvalidSubcommand => {
            let name = one(ContextKind::InvalidSubcommand)?;
            format!("「{name}」というコマンドはありません。")
                + &suggestion(error, ContextKind::SuggestedSubcommand)
        }
        ErrorKind::MissingRequiredArgument => {
            format!("{} を指定してください。", list(error, ContextKind::InvalidArg)?)
        }
        ErrorKind::InvalidValue if value == Some("") => {
            format!("{} の値を指定してください。{}", argument?, valid(error))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("「{}」は {} の値として使えません。{}", value?, argument?, valid(error))
        }
        ErrorKind::ArgumentConflict => match one(ContextKind::PriorArg) {
            Some(prior) if Some(prior) != argument => {
                format!("{} と {prior} は、一緒に指定できません。", argument?)
            }
            _ => format!("{} は、1回だけ指定できます。", argument?),
        },
        ErrorKind::InvalidUtf8 => "引数の文字コードはUTF-8にしてください。".to_owned(),
        _ => return None,
    };
    Some(words)
}

/// Texts of one context, joined.
fn list(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) if !texts.is_empty() => Some(texts.join("、")),
        _ => None,
    }
}

/// The name that was probably meant: clap puts the likeliest last.
fn suggestion(error: &Error, kind: ContextKind) -> String {
    let name = match error.get(kind) {
        Some(ContextValue::String(name)) => Some(name),
        Some(ContextValue::Strings(names)) => names.last(),
        _ => None,
    };
    name.map_or_else(String::new, |name| format!("「{name}」のことですか。"))
}

fn valid(error: &Error) -> String {
    let values = list(error, ContextKind::ValidValue);
    values.map_or_else(String::new, |values| format!("使える値：{values}"))
}

/// A page with clap's own words in Japanese.
fn page(text: &str) -> String {
    let text = bracketed(text, "default", "既定");
    let text = bracketed(&text, "possible values", "使える値");
    text.replace("Usage:", "使い方:").replace("[OPTIONS]", "[オプション]")
}

/// `[default: 3]` becomes ［既定：3］.
fn bracketed(text: &str, english: &str, japanese: &str) -> String {
    let mut page = String::with_capacity(text.len());
    let (mut rest, opening) = (text, format!("[{english}: "));
    while let Some((before, after)) = rest.split_once(&opening) {
        let (value, behind) = after.split_once(']').unwrap_or((after, ""));
        page.push_str(&format!("{before}［{japanese}：{value}］"));
        rest = behind;
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::super::{Lang, command};
    use super::*;

    #[test]
    fn mistakes_are_said_in_japanese() {
        for (line, expected) in [
            ("kura serch 転入届", "「serch」というコマンドはありません。「search」のことですか。"),
            ("kura search", "<QUERY> を指定してください。"),
            (
                "kura search a --limt 3",
                "「--limt」は、ここでは使えません。「--limit」のことですか。",
            ),
            ("kura model list x", "「x」は、ここでは使えません。"),
            ("kura search a --limit many", "「many」は --limit <N> の値として使えません。"),
            ("kura search a --limit", "--limit <N> の値を指定してください。"),
            ("kura completions dos", "使える値：bash、elvish、fish、powershell、zsh"),
            ("kura --lang fr doctor", "使える値：ja、en"),
            ("kura search a --limit 1 --limit 2", "--limit <N> は、1回だけ指定できます。"),
        ] {
            let error = command(Lang::Ja).try_get_matches_from(line.split(' ')).unwrap_err();
            let said = said(&error);
            assert!(said.starts_with("kura: ") && said.contains(expected), "{line}: {said}");
            assert!(!said.contains("error:") && !said.contains("Usage"), "{line}: {said}");
        }
    }

    #[test]
    fn help_pages_have_no_english_words_of_clap() {
        let lines = ["kura --help", "kura search --help", "kura completions -h", "kura eval"];
        for line in lines {
            let error = command(Lang::Ja).try_get_matches_from(line.split(' ')).unwrap_err();
            let said = said(&error);
            assert!(said.contains("使い方: kura"), "{line}: {said}");
            for word in
                ["Usage", "OPTIONS", "COMMAND", "default:", "possible", "Arguments", "Print"]
            {
                assert!(!said.contains(word), "{line}: {word} in {said}");
            }
        }
    }
}
