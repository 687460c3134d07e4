//! Writes assistants as TOML, so that reading gives the same again.

use std::fmt::Write;

use super::{Assistant, Checks, DataChoice, Example, FIELD_CHARS, Field, Named};

/// One assistant as a file.
pub fn to_toml(assistant: &Assistant) -> String {
    let mut text = String::new();
    put(&mut text, "", assistant);
    text
}

/// Several as one file.
pub fn to_set<'s>(assistants: impl IntoIterator<Item = &'s Assistant>) -> String {
    let mut text = String::from("# kuraの業務アシスタントのセット\n");
    for assistant in assistants {
        text.push_str("\n[[assistant]]\n");
        put(&mut text, "assistant.", assistant);
    }
    text
}

/// Writing to a String cannot fail.
fn line(text: &mut String, key: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{key} = {value}");
}

fn put(text: &mut String, prefix: &str, assistant: &Assistant) {
    line(text, "id", quoted(&assistant.id));
    line(text, "version", assistant.version);
    line(text, "title", quoted(&assistant.title));
    line(text, "purpose", quoted(&assistant.purpose));
    line(text, "group", quoted(assistant.group.name()));
    line(text, "prompt", quoted(&assistant.prompt));
    line(text, "data", data(&assistant.data));
    if !assistant.search.is_empty() {
        line(text, "search", list(&assistant.search));
    }
    line(text, "form", quoted(assistant.form.name()));
    if let Some(verbatim) = assistant.verbatim {
        line(text, "verbatim", verbatim);
    }
    if let Some(tokens) = assistant.max_tokens {
        line(text, "max_tokens", tokens);
    }
    let chosen = &assistant.sampling;
    let numbers = [
        ("temperature", chosen.temperature),
        ("top_p", chosen.top_p),
        ("min_p", chosen.min_p),
        ("repetition_penalty", chosen.repetition_penalty),
    ];
    if numbers.iter().any(|(_, number)| number.is_some()) {
        let _ = writeln!(text, "\n[{prefix}sampling]");
        for (name, number) in numbers {
            // Debug keeps the point of a whole number, which TOML reads as a float.
            number.into_iter().for_each(|number| line(text, name, format!("{number:?}")));
        }
    }
    if let Some(long) = &assistant.long {
        let _ = writeln!(text, "\n[{prefix}long]");
        line(text, "field", quoted(&long.field));
        line(text, "join", quoted(long.join.name()));
        if !long.prompt.is_empty() {
            line(text, "prompt", quoted(&long.prompt));
        }
    }
    assistant.fields.iter().for_each(|each| field(text, prefix, each));
    assistant.examples.iter().for_each(|each| example(text, prefix, each));
    checks(text, prefix, &assistant.checks);
}

fn data(choice: &DataChoice) -> String {
    match choice {
        DataChoice::All => quoted("all"),
        DataChoice::Common => quoted("common"),
        DataChoice::Local => quoted("local"),
        DataChoice::None => quoted("none"),
        DataChoice::Only(ids) => list(ids),
    }
}

fn field(text: &mut String, prefix: &str, field: &Field) {
    let _ = writeln!(text, "\n[[{prefix}field]]");
    line(text, "id", quoted(&field.id));
    line(text, "label", quoted(&field.label));
    if !field.help.is_empty() {
        line(text, "help", quoted(&field.help));
    }
    line(text, "kind", quoted(field.kind.name()));
    if !field.choices.is_empty() {
        line(text, "choices", list(&field.choices));
    }
    line(text, "required", field.required);
    if field.max_chars != FIELD_CHARS {
        line(text, "max_chars", field.max_chars);
    }
}

fn example(text: &mut String, prefix: &str, example: &Example) {
    let _ = writeln!(text, "\n[[{prefix}example]]");
    line(text, "title", quoted(&example.title));
    let _ = writeln!(text, "\n[{prefix}example.values]");
    for (id, value) in &example.values {
        // An id that validation refused is still written as a key.
        line(text, &quoted_key(id), quoted(value));
    }
}

fn checks(text: &mut String, prefix: &str, checks: &Checks) {
    if *checks == Checks::default() {
        return;
    }
    let _ = writeln!(text, "\n[{prefix}checks]");
    for (name, flag) in [
        ("cites", checks.cites),
        ("portable_characters", checks.portable_characters),
        ("plain_words", checks.plain_words),
        ("numbers", checks.numbers),
    ] {
        if flag {
            line(text, name, true);
        }
    }
    for (name, count) in [
        ("min_chars", checks.min_chars),
        ("max_chars", checks.max_chars),
        ("max_sentence_chars", checks.max_sentence_chars),
    ] {
        if count > 0 {
            line(text, name, count);
        }
    }
    for (name, words) in [
        ("contains", &checks.contains),
        ("contains_fields", &checks.contains_fields),
        ("avoids", &checks.avoids),
    ] {
        if !words.is_empty() {
            line(text, name, list(words));
        }
    }
    if let Some(style) = checks.style {
        line(text, "style", quoted(style.name()));
    }
}

fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !key.is_empty() && key.chars().all(bare) {
        true => key.to_owned(),
        false => format!("\"{}\"", escaped(key, false)),
    }
}

/// A string in one line, or in several where it has several.
fn quoted(text: &str) -> String {
    match text.contains('\n') {
        true => format!("\"\"\"\n{}\"\"\"", escaped(text, true)),
        false => format!("\"{}\"", escaped(text, false)),
    }
}

fn escaped(text: &str, keeps_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if keeps_lines => out.push(c),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn list(words: &[String]) -> String {
    let words: Vec<String> =
        words.iter().map(|word| format!("\"{}\"", escaped(word, false))).collect();
    format!("[{}]", words.join(", "))
}
