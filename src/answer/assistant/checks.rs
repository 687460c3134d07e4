//! What an assistant's output must fulfil, looked at in code: no model judges itself.

use std::collections::BTreeSet;

use serde::Serialize;

use super::words::{HARD, is_platform_dependent};
use super::{Checks, Filled, Style};
use crate::text::{fold, leading_number, normalize, sentences, western_year};

/// How one check came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckOutcome {
    /// 「1文は60文字以内」
    pub label: String,
    pub passed: bool,
    /// What was found, and where; empty where there is nothing to say.
    pub detail: String,
}

/// Things named in a detail at most.
const SHOWN: usize = 5;
/// Characters of a sentence that a detail quotes.
const QUOTED_CHARS: usize = 30;
/// Sentences below this length are headings and names.
const SENTENCE_LEAST: usize = 6;

/// What came out.
pub(in crate::answer) struct Made<'m> {
    pub(in crate::answer) text: &'m str,
    /// How many sources it cites.
    pub(in crate::answer) cited: usize,
    /// The passages that the model had.
    pub(in crate::answer) passages: &'m [&'m str],
}

/// Runs the checks of the assistant, in the order of the interface.
pub(in crate::answer) fn run(filled: &Filled, made: &Made<'_>) -> Vec<CheckOutcome> {
    let checks = &filled.assistant().checks;
    let text = without_citations(made.text);
    let mut outcomes = Vec::new();
    let mut say = |label: String, passed: bool, detail: String| {
        let detail = if passed && !label.contains("文字") { String::new() } else { detail };
        outcomes.push(CheckOutcome { label, passed, detail });
    };
    if checks.cites {
        let detail = "出典番号が付いていません。".to_owned();
        say("出典が示されている".to_owned(), made.cited > 0, detail);
    }
    let chars = text.chars().filter(|c| !c.is_whitespace()).count();
    if let Some(label) = length_label(checks) {
        let passed =
            chars >= checks.min_chars && (checks.max_chars == 0 || chars <= checks.max_chars);
        say(label, passed, format!("{chars}文字です。"));
    }
    contained(filled, &text, &mut say);
    let found: Vec<&str> =
        checks.avoids.iter().map(String::as_str).filter(|word| text.contains(*word)).collect();
    if !checks.avoids.is_empty() {
        say("使わない言葉が入っていない".to_owned(), found.is_empty(), listed(&found));
    }
    if checks.max_sentence_chars > 0 {
        let most = checks.max_sentence_chars;
        let long: Vec<String> = sentences(&text)
            .into_iter()
            .filter(|sentence| sentence.chars().count() > most)
            .map(quoted)
            .collect();
        say(format!("1文は{most}文字以内"), long.is_empty(), listed(&long));
    }
    if let Some(style) = checks.style {
        let others = in_other_style(&text, style);
        let label = match style {
            Style::Desumasu => "「です・ます」で書かれている",
            Style::Dearu => "「である」で書かれている",
        };
        say(label.to_owned(), others.is_empty(), listed(&others));
    }
    if checks.portable_characters {
        let found: BTreeSet<char> = text.chars().filter(|c| is_platform_dependent(*c)).collect();
        let found: Vec<String> = found.into_iter().map(String::from).collect();
        say("機種依存文字がない".to_owned(), found.is_empty(), listed(&found));
    }
    if checks.plain_words {
        let hard: Vec<String> = HARD
            .iter()
            .filter(|(word, _)| text.contains(word))
            .map(|(word, easy)| format!("{word}→{easy}"))
            .collect();
        say("難しい言葉がない".to_owned(), hard.is_empty(), listed(&hard));
    }
    if checks.numbers {
        let new = new_numbers(&text, filled, made.passages);
        say("数字が入力や資料にあるものと合っている".to_owned(), new.is_empty(), listed(&new));
    }
    outcomes
}

fn length_label(checks: &Checks) -> Option<String> {
    match (checks.min_chars, checks.max_chars) {
        (0, 0) => None,
        (0, most) => Some(format!("{most}文字以内")),
        (least, 0) => Some(format!("{least}文字以上")),
        (least, most) => Some(format!("{least}文字以上{most}文字以内")),
    }
}

/// Words and filled-in values that must be there.
fn contained(filled: &Filled, text: &str, say: &mut impl FnMut(String, bool, String)) {
    let checks = &filled.assistant().checks;
    let squeezed = squeeze(text);
    let missing = |words: &[(String, String)]| -> Vec<String> {
        let missing = words.iter().filter(|(_, word)| !squeezed.contains(&squeeze(word)));
        missing.map(|(label, _)| label.clone()).collect()
    };
    if !checks.contains.is_empty() {
        let words: Vec<_> = checks.contains.iter().map(|w| (w.clone(), w.clone())).collect();
        let missing = missing(&words);
        let label = format!("「{}」がある", checks.contains.join("」「"));
        say(label, missing.is_empty(), format!("見当たりません：{}", missing.join("、")));
    }
    let assistant = filled.assistant();
    let values: Vec<(String, String)> = checks
        .contains_fields
        .iter()
        .filter_map(|id| Some((assistant.field(id)?.label.clone(), filled.value(id).to_owned())))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if !values.is_empty() {
        let missing = missing(&values);
        let labels: Vec<&str> = values.iter().map(|(label, _)| label.as_str()).collect();
        let label = format!("入力した{}が入っている", labels.join("・"));
        say(label, missing.is_empty(), format!("見当たりません：{}", missing.join("、")));
    }
}

/// Without spaces and differences of width.
fn squeeze(text: &str) -> String {
    fold(text).chars().filter(|c| !c.is_whitespace()).collect()
}

/// `[1]`, which is no part of the wording.
fn without_citations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let inner = rest[at + 1..].split(']').next().unwrap_or_default();
        let is_number =
            !inner.is_empty() && inner.len() < 4 && inner.bytes().all(|b| b.is_ascii_digit());
        let closes = rest[at + 1..].len() > inner.len();
        out.push_str(&rest[..at]);
        if is_number && closes {
            rest = &rest[at + inner.len() + 2..];
        } else {
            out.push('[');
            rest = &rest[at + 1..];
        }
    }
    out + rest
}

fn quoted(sentence: &str) -> String {
    let sentence = sentence.trim();
    match sentence.char_indices().nth(QUOTED_CHARS) {
        Some((at, _)) => format!("「{}…」", &sentence[..at]),
        None => format!("「{sentence}」"),
    }
}

fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let shown: Vec<&str> = items.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = items.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join("、"),
        more => format!("{}、ほか{more}件", shown.join("、")),
    }
}

/// Endings of です・ます, before 。
const POLITE: [&str; 11] = [
    "です",
    "ます",
    "でした",
    "ました",
    "ません",
    "でしょう",
    "ましょう",
    "ください",
    "下さい",
    "ですか",
    "ますか",
];

/// Sentences that end in the other style, quoted. What has no 。 is a heading or an item.
fn in_other_style(text: &str, style: Style) -> Vec<String> {
    let ended = sentences(text).into_iter().filter_map(|sentence| {
        let bare = sentence.trim().strip_suffix('。')?.trim_end_matches(['」', '）', ')', '』']);
        (bare.chars().count() >= SENTENCE_LEAST).then_some((sentence, bare))
    });
    let polite = |bare: &str| POLITE.iter().any(|ending| bare.ends_with(ending));
    ended
        .filter(|(_, bare)| polite(bare) != (style == Style::Desumasu))
        .map(|(sentence, _)| quoted(sentence))
        .collect()
}

/// Numbers of the output that stand neither in what was filled in nor in the passages.
fn new_numbers(text: &str, filled: &Filled, passages: &[&str]) -> Vec<String> {
    let mut known = numbers(&filled.all_text(), true);
    for passage in passages {
        known.extend(numbers(passage, true));
    }
    let text: String = text.lines().map(|line| without_item_number(line) + "\n").collect();
    let new = numbers(&text, false);
    new.difference(&known).map(u64::to_string).collect()
}

/// A line without the number that counts it: 「1　」, 「(2)」, 「３．」.
fn without_item_number(line: &str) -> String {
    let line = normalize(line);
    let bare = line.trim_start().trim_start_matches('(');
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &bare[digits..];
    match (1..=2).contains(&digits) && rest.starts_with([' ', '.', ')', '、', ':', '．']) {
        true => rest.to_owned(),
        false => line,
    }
}

/// The numbers in a text. Where they are what is allowed (`wide`), kanji numerals count too, and a
/// year allows itself in the other calendar.
fn numbers(text: &str, wide: bool) -> BTreeSet<u64> {
    let text = normalize(text);
    let mut found = BTreeSet::new();
    let mut rest = text.as_str();
    let mut before = "";
    while let Some(first) = rest.chars().next() {
        let counts = first.is_ascii_digit() || (wide && !first.is_ascii());
        match leading_number(rest).filter(|_| counts) {
            Some((number, length)) => {
                found.insert(number);
                if wide {
                    found.extend(["令和", "平成", "昭和"].iter().filter_map(|era| {
                        before.ends_with(era).then(|| western_year(era, number)).flatten()
                    }));
                    found.extend(number.checked_sub(2018).filter(|year| (1..=99).contains(year)));
                }
                before = &text[..text.len() - rest.len() + length];
                rest = &rest[length..];
            }
            None => {
                before = &text[..text.len() - rest.len() + first.len_utf8()];
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    found
}
