//! What commands print: JSON, tables, progress bars.

use std::fmt::Arguments;
use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{Context, Failure};
use crate::answer::golden::GoldenOutcome;
use crate::text::Lang;

/// Prints a line as `println!` does, but ends the process quietly when nobody reads any more.
macro_rules! say {
    ($($arg:tt)*) => { $crate::commands::output::line(format_args!($($arg)*)) };
}

/// Status of a process whose reader went away, as a shell reports SIGPIPE.
const READER_GONE: i32 = 141;

/// Prints one line; see [`say!`].
pub(super) fn line(text: Arguments<'_>) {
    write(&format!("{text}\n"));
}

/// Prints text as it is, but for control characters, which may come from a file's name or content.
pub(super) fn write(text: &str) {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => {
            std::process::exit(READER_GONE);
        }
        Err(why) => {
            eprintln!("kura: cannot print: {why}");
            std::process::exit(1);
        }
    }
}

/// Says of something that went wrong, and stops nothing.
pub(super) fn warn(why: &Failure, lang: Lang) {
    let head = match lang {
        Lang::Ja => "注意",
        Lang::En => "warning",
    };
    eprintln!("kura: {head}: {}", why.message(lang));
}

/// A name on one line, whatever characters it has.
pub(super) fn name(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], "�")
}

/// Prints a value as indented JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|why| {
        Failure::new(format!("JSONにできません（{why}）。"), format!("cannot print JSON: {why}"))
    })?;
    say!("{}", escaped(&text));
    Ok(())
}

/// JSON stays JSON: control characters that it allows as they are would be made visible by
/// [`write`] in another way.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => text.push(c),
            c if c.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// Prints rows under a header, columns padded to their display width.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) {
    let width = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let mut widths: Vec<usize> = header.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, most)| format!("{cell}{}", " ".repeat(most - width(cell))))
            .collect();
        say!("{}", name(padded.join("  ").trim_end()));
    };
    line(&mut header.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// A size for people.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// How golden questions came out, with those that failed.
pub(super) fn golden(context: &Context, golden: &GoldenOutcome) {
    let (ja, en) = match golden.passes() {
        true => ("", ""),
        false => ("（基準を下回っています）", " (below the threshold)"),
    };
    line(format_args!("  {}{}", golden.tally(context.lang), context.words(ja, en)));
    for question in &golden.failed {
        line(format_args!("    ×「{}」", name(question)));
    }
}

/// A bar with rate and remaining time, on stderr; hidden where stderr is no terminal.
pub(super) fn progress(context: &Context, total: u64, ja: &str, en: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let left = context.words("残り", "left");
    let template =
        format!("{{prefix}} [{{bar:30}}] {{pos}}/{{len}} ({{per_sec}}, {left} {{eta}}) {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(context.words(ja, en).to_owned());
    bar
}

/// The same for bytes.
pub(super) fn progress_bytes(context: &Context, total: u64, ja: &str, en: &str) -> ProgressBar {
    let bar = progress(context, total, ja, en);
    let left = context.words("残り", "left");
    let template = format!(
        "{{prefix}} [{{bar:30}}] {{bytes}}/{{total_bytes}} ({{bytes_per_sec}}, {left} {{eta}})"
    );
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// A count with its rate, for work whose length is not known.
pub(super) fn counter(context: &Context, ja: &str, en: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{prefix} {pos} ({per_sec}, {elapsed})") {
        bar.set_style(style);
    }
    bar.set_prefix(context.words(ja, en).to_owned());
    bar
}

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_stay_in_json() {
        let name = "a\u{7f}b\u{9b}c\n\td";
        let json = serde_json::to_string_pretty(&[name]).unwrap();
        let printed = super::escaped(&json);
        assert!(printed.chars().all(|c| c == '\n' || !c.is_control()));
        assert_eq!(serde_json::from_str::<Vec<String>>(&printed).unwrap(), [name]);
    }
}
