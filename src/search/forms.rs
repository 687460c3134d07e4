//! The forms of questions: 「いつまでに」, 「どのように」, 「…しますか」, 「…を教えてください」.
//!
//! They say that something is asked and not what, and questions in the documents share them, so
//! terms inside them weigh next to nothing.

use std::ops::Range;

use crate::text::{is_hiragana, is_kanji};

/// Weight of what is form only, where content weighs 1.
const FORM_WEIGHT: f32 = 0.1;

/// Phrases that ask.
const PHRASES: &[&str] = &[
    "いつまで",
    "いつから",
    "いつ",
    "どのように",
    "どのような",
    "どのくらい",
    "どれくらい",
    "どうすれば",
    "どうしたら",
    "どうやって",
    "どこ",
    "いくら",
    "なぜ",
    "だれ",
    "誰",
    "教えて",
    "知りたい",
    "ください",
    "下さい",
    "でしょうか",
    "ですか",
    "できますか",
    "もらえますか",
    "よいですか",
    "いいですか",
    "ばよい",
    "ばいい",
    "したらよい",
    "について",
];

/// Polite endings; the verb's own ending before them, and a verb of one kanji, belong to them.
const ENDINGS: &[&str] = &["ますか", "ましょうか", "ませんか", "ましたか"];

/// What stands before a verb and is no part of it.
const PARTICLES: &str = "をはがにでともへの";

/// Most hiragana between a verb's kanji and its polite ending: 受け(られ)ますか.
const INFLECTION_CHARS_MAX: usize = 3;

/// Where a folded question is form.
pub(super) struct Forms {
    spans: Vec<Range<usize>>,
}

impl Forms {
    /// Reads a folded question.
    pub(super) fn of(folded: &str) -> Self {
        let mut spans = Vec::new();
        for phrase in PHRASES {
            spans.extend(folded.match_indices(phrase).map(|(at, _)| at..at + phrase.len()));
        }
        for ending in ENDINGS {
            let found = folded.match_indices(ending);
            spans.extend(found.map(|(at, _)| verb_start(folded, at)..at + ending.len()));
        }
        // What is counted stays: 日 of 何日以内.
        spans.extend(folded.match_indices('何').map(|(at, asks)| at..at + asks.len()));
        Self { spans }
    }

    /// Weight of a term at these bytes: the mean of its characters' weights.
    pub(super) fn weight(&self, folded: &str, range: &Range<usize>) -> f32 {
        let Some(term) = folded.get(range.clone()) else { return 1.0 };
        let mut chars = 0;
        let mut form = 0;
        for (at, _) in term.char_indices() {
            chars += 1;
            form += usize::from(self.spans.iter().any(|span| span.contains(&(range.start + at))));
        }
        let share = form as f32 / chars.max(1) as f32;
        1.0 - share * (1.0 - FORM_WEIGHT)
    }
}

/// Start of the verb whose polite ending begins at `ending`.
fn verb_start(folded: &str, ending: usize) -> usize {
    let mut before = folded[..ending].char_indices().rev().peekable();
    let mut start = ending;
    for _ in 0..INFLECTION_CHARS_MAX {
        match before.next_if(|(_, c)| is_hiragana(*c) && !PARTICLES.contains(*c)) {
            Some((at, _)) => start = at,
            None => break,
        }
    }
    let Some((at, _)) = before.next_if(|(_, c)| is_kanji(*c)) else { return start };
    let stands_alone = before.next().is_none_or(|(_, c)| {
        PARTICLES.contains(c) || c == 'て' || !(is_hiragana(c) || c.is_alphanumeric())
    });
    if stands_alone { at } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(question: &str) -> String {
        let forms = Forms::of(question);
        let chars = question.char_indices();
        let kept = chars.filter(|(at, c)| forms.weight(question, &(*at..at + c.len_utf8())) > 0.5);
        kept.map(|(_, c)| c).collect()
    }

    #[test]
    fn what_is_asked_stays() {
        for (question, expected) in [
            ("転入届はいつまでに出しますか", "転入届はに"),
            ("蛍光灯はどのように出しますか", "蛍光灯は"),
            ("公文書は何年保存しますか", "公文書は年保存"),
            ("減免を受けられますか", "減免を"),
            ("手数料はいくらですか。", "手数料は。"),
            ("事前調査はいつまでに申し込めばよいですか", "事前調査はに申し込め"),
            ("犬の登録について教えてください", "犬の登録"),
            ("ますか", ""),
            ("", ""),
        ] {
            assert_eq!(content(question), expected, "{question}");
        }
    }
}
