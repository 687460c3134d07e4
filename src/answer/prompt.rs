//! The prompt: instructions, numbered passages and the question, within the model's context.

use std::fmt::Write;

use super::excerpt::{bigrams, overlap};
use super::types::ChatTurn;
use crate::document::Passage;
use crate::text::sentences;

/// What the model is told before every question.
pub(super) const INSTRUCTIONS: &str = "あなたは自治体職員を助ける業務アシスタントです。\
資料だけを根拠に、日本語で簡潔に答えてください。\
文ごとに根拠の資料の番号を[1]のように付けてください。\
資料に答えがないときは「該当なし」とだけ答えてください。";

/// What the model is told before a question with choices.
pub(super) const CHOOSE: &str = "あなたは自治体職員を助ける業務アシスタントです。\
資料だけを根拠に、正しい選択肢の記号を答えてください。";

/// A passage is left out rather than cut below this many tokens.
const LEAST_TOKENS: usize = 48;

/// Turns for the chat template, and how many of the passages they hold.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) turns: Vec<ChatTurn>,
    /// The first so many passages were given, numbered from 1.
    pub(super) given: usize,
}

/// Fits as many passages as the budget allows, best first. `count` gives the tokens of rendered
/// turns; `budget` is the context less the room kept for the answer. A passage that is too long is
/// cut to the sentences that fit the question best. `None` when not even one passage fits.
pub(super) fn build<E>(
    instructions: &str,
    question: &str,
    passages: &[&Passage],
    budget: usize,
    count: impl Fn(&[ChatTurn]) -> Result<usize, E>,
) -> Result<Option<Prompt>, E> {
    for given in (1..=passages.len()).rev() {
        let headers: Vec<String> = passages[..given].iter().enumerate().map(header).collect();
        let empty: Vec<&str> = vec![""; given];
        let frame = count(&turns(instructions, question, &headers, &empty))?;
        let Some(room) = budget.checked_sub(frame) else { continue };
        if room < given * LEAST_TOKENS {
            continue;
        }
        let mut texts: Vec<String> = passages[..given].iter().map(|p| p.text.clone()).collect();
        // Tokens per character differ by tokenizer: shrink by the measured ratio until it fits.
        for _ in 0..8 {
            let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
            let turns = turns(instructions, question, &headers, &borrowed);
            let used = count(&turns)?;
            if used <= budget {
                return Ok(Some(Prompt { turns, given }));
            }
            let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
            let ratio = characters as f64 / used.saturating_sub(frame).max(1) as f64;
            let allowed = (room as f64 * ratio * 0.95) as usize;
            shrink(question, &mut texts, allowed);
        }
    }
    Ok(None)
}

fn header((at, passage): (usize, &&Passage)) -> String {
    format!("[{}] {}", at + 1, passage.citation())
}

fn turns(instructions: &str, question: &str, headers: &[String], texts: &[&str]) -> Vec<ChatTurn> {
    let mut content = String::new();
    for (header, text) in headers.iter().zip(texts) {
        // Writing to a String cannot fail.
        let _ = write!(content, "{header}\n{text}\n\n");
    }
    let _ = write!(content, "質問：{question}");
    vec![
        ChatTurn { role: "system".to_owned(), content: instructions.to_owned() },
        ChatTurn { role: "user".to_owned(), content },
    ]
}

/// Cuts the longest texts so that all together have at most `allowed` characters.
fn shrink(question: &str, texts: &mut [String], allowed: usize) {
    let mut lengths: Vec<usize> = texts.iter().map(|text| text.chars().count()).collect();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|at| lengths[*at]);
    let mut left = allowed;
    for (done, at) in order.iter().enumerate() {
        let share = left / (texts.len() - done);
        lengths[*at] = lengths[*at].min(share);
        left -= lengths[*at];
    }
    for (text, length) in texts.iter_mut().zip(lengths) {
        if text.chars().count() > length {
            *text = window(question, text, length);
        }
    }
}

/// The run of whole sentences of at most `length` characters that shares most with the question;
/// a single sentence that is too long is cut.
fn window(question: &str, text: &str, length: usize) -> String {
    let wanted = bigrams(question);
    let all = sentences(text);
    let scores: Vec<f64> = all.iter().map(|sentence| overlap(&wanted, sentence)).collect();
    let sizes: Vec<usize> = all.iter().map(|sentence| sentence.chars().count() + 1).collect();
    let mut best = (f64::MIN, 0, 0);
    for from in 0..all.len() {
        let (mut size, mut score) = (0, 0.0);
        for to in from..all.len() {
            size += sizes[to];
            if size > length {
                break;
            }
            score += scores[to];
            if score > best.0 {
                best = (score, from, to + 1);
            }
        }
    }
    match best.2 {
        0 => text.chars().take(length).collect(),
        _ => all[best.1..best.2].join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Authority, Locator, Scope};

    fn passage(title: &str, text: &str) -> Passage {
        Passage {
            id: format!("{title}#1"),
            path: title.into(),
            title: title.into(),
            law_number: String::new(),
            abbreviations: Vec::new(),
            headings: Vec::new(),
            caption: String::new(),
            article: None,
            locator: Locator::None,
            text: text.into(),
            authority: Authority::Manual,
            scope: Scope::Local,
            as_of: jiff::civil::date(2026, 4, 1),
        }
    }

    fn characters(turns: &[ChatTurn]) -> Result<usize, ()> {
        Ok(turns.iter().map(|turn| turn.content.chars().count()).sum())
    }

    #[test]
    fn everything_fits() {
        let (a, b) = (passage("甲", "一つ目。"), passage("乙", "二つ目。"));
        let prompt = build(INSTRUCTIONS, "何か", &[&a, &b], 1000, characters).unwrap().unwrap();
        assert_eq!(prompt.given, 2);
        assert_eq!(prompt.turns[1].content, "[1] 甲\n一つ目。\n\n[2] 乙\n二つ目。\n\n質問：何か");
    }

    #[test]
    fn long_passages_keep_the_sentences_that_matter() {
        let filler = "関係のない文がここにあります。".repeat(40);
        let text = format!("{filler}手数料は三百円とする。{filler}");
        let long = passage("甲", &text);
        let prompt =
            build(INSTRUCTIONS, "手数料はいくら", &[&long], 400, characters).unwrap().unwrap();
        assert!(characters(&prompt.turns).unwrap() <= 400);
        assert!(prompt.turns[1].content.contains("手数料は三百円とする。"));
    }

    #[test]
    fn fewer_passages_in_a_small_context() {
        let long = "長い文が続きます。".repeat(30);
        let passages: Vec<Passage> = ["甲", "乙", "丙", "丁"].map(|t| passage(t, &long)).into();
        let borrowed: Vec<&Passage> = passages.iter().collect();
        let prompt = build(INSTRUCTIONS, "長い文", &borrowed, 300, characters).unwrap().unwrap();
        assert!((1..4).contains(&prompt.given), "{}", prompt.given);
        assert!(build(INSTRUCTIONS, "長い文", &borrowed, 50, characters).unwrap().is_none());
    }
}
