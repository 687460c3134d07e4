//! Questions that go on from earlier ones: 「その期限は？」.
//!
//! A question that points back is searched together with the one that it points to; one that
//! stands alone is searched alone, so that a new subject in an old conversation finds what it
//! would find anywhere. The model gets the last turns in either case, between the instructions
//! and the passages: what was said does not change any more, and so prompts share it.

use super::types::ChatTurn;
use crate::text::normalize;

/// One question of a conversation with its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    pub question: String,
    pub answer: String,
}

/// Turns that the model gets at most.
const TURNS_MOST: usize = 4;

/// Part of the tokens of a prompt that earlier turns may take; the passages need the rest.
const SHARE: usize = 4;

/// Characters of an earlier answer that are given; what it was about stands at its beginning.
const ANSWER_CHARS: usize = 200;

/// A question of so few characters names no subject of its own: 「手数料は？」.
const SHORT_CHARS: usize = 5;

/// Earlier questions that are searched with one that points back.
const BACK_MOST: usize = 2;

/// Words that point back.
const POINTERS: [&str; 11] = [
    "その",
    "それ",
    "この",
    "これ",
    "あの",
    "そちら",
    "上記",
    "前述",
    "先ほど",
    "さきほど",
    "さっき",
];

/// Words that hold a pointer and point to nothing.
const NO_POINTERS: [&str; 9] = [
    "その他",
    "およその",
    "そのまま",
    "それぞれ",
    "おそれ",
    "このまま",
    "これまで",
    "これから",
    "きのこの",
];

/// Beginnings by which a question goes on.
const STARTS: [&str; 12] = [
    "では",
    "じゃあ",
    "ほかに",
    "他に",
    "もっと",
    "さらに",
    "また、",
    "なぜ",
    "どうして",
    "例えば",
    "詳しく",
    "具体的に",
];

/// A question with the earlier ones that it points to.
#[derive(Debug)]
pub(super) struct Followed<'q> {
    question: &'q str,
    /// The first one first; empty where the question stands alone.
    before: Vec<&'q str>,
}

impl<'q> Followed<'q> {
    pub(super) fn of(question: &'q str, earlier: &'q [Earlier]) -> Self {
        let mut before = Vec::new();
        if points_back(question) {
            for turn in earlier.iter().rev().take(BACK_MOST) {
                before.push(turn.question.as_str());
                if !points_back(&turn.question) {
                    break;
                }
            }
            before.reverse();
        }
        Self { question, before }
    }

    /// What is searched.
    pub(super) fn search_text(&self) -> String {
        let parts = self.before.iter().copied().chain([self.question]);
        parts.collect::<Vec<_>>().join("\n")
    }

    /// Said to the reader, who would otherwise not know what was searched.
    pub(super) fn note(&self) -> Option<String> {
        let first = self.before.first()?;
        Some(format!("前の質問「{}」の続きとして調べました。", cut(first, 40)))
    }
}

fn points_back(question: &str) -> bool {
    let mut text = normalize(question.trim());
    if STARTS.iter().any(|start| text.starts_with(start)) {
        return true;
    }
    for word in NO_POINTERS {
        text = text.replace(word, "");
    }
    let said = text.chars().filter(|c| c.is_alphanumeric()).count();
    said <= SHORT_CHARS || POINTERS.iter().any(|word| text.contains(word))
}

/// The last turns that fit into their share of a prompt, as the model gets them: answers without
/// the numbers of passages that are no longer given.
pub(super) fn fitting(
    earlier: &[Earlier],
    budget_tokens: usize,
    text_tokens: impl Fn(&str) -> usize,
) -> Vec<ChatTurn> {
    let mut left = budget_tokens / SHARE;
    let mut turns = Vec::new();
    for turn in earlier.iter().rev().take(TURNS_MOST) {
        let answer = cut(&without_numbers(&turn.answer), ANSWER_CHARS);
        let tokens = text_tokens(&turn.question) + text_tokens(&answer);
        let Some(rest) = left.checked_sub(tokens) else { break };
        left = rest;
        turns.push(ChatTurn { role: "assistant".to_owned(), content: answer });
        turns.push(ChatTurn { role: "user".to_owned(), content: turn.question.clone() });
    }
    turns.reverse();
    turns
}

/// A prompt with earlier turns after its instructions.
pub(super) fn between(turns: &[ChatTurn], before: &[ChatTurn]) -> Vec<ChatTurn> {
    let instructions = turns.iter().take_while(|turn| turn.role == "system").count();
    let (first, rest) = turns.split_at(instructions);
    [first, before, rest].concat()
}

/// A text without `[1]`.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let number = from[1..].split_once(']').map(|(number, _)| number);
        let is_number = |n: &&str| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit());
        rest = match number.filter(is_number) {
            Some(number) => &from[number.len() + 2..],
            None => {
                out.push('[');
                &from[1..]
            }
        };
    }
    out.push_str(rest);
    out
}

/// The beginning of a text.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier(pairs: &[(&str, &str)]) -> Vec<Earlier> {
        let turn = |(question, answer): &(&str, &str)| Earlier {
            question: (*question).to_owned(),
            answer: (*answer).to_owned(),
        };
        pairs.iter().map(turn).collect()
    }

    #[test]
    fn a_question_that_points_back_is_searched_with_what_it_points_to() {
        let before = earlier(&[("転出届は何日前からですか", "14日前から[1]。")]);
        for (question, follows) in [
            ("その期限は？", true),
            ("手数料は？", true),
            ("代理人でもそれは出せますか", true),
            ("では、代理人が届け出るときに必要なものは何ですか", true),
            ("会議室の使用料は1時間いくらですか", false),
            ("その他の手数料の一覧を知りたいのですが", false),
            ("これまでの条例改正の経緯を教えてください", false),
        ] {
            let followed = Followed::of(question, &before);
            let text = followed.search_text();
            assert_eq!(text.starts_with("転出届"), follows, "{question}");
            assert!(text.ends_with(question), "{text}");
            assert_eq!(followed.note().is_some(), follows, "{question}");
            assert_eq!(Followed::of(question, &[]).search_text(), question, "nothing before");
        }
    }

    #[test]
    fn a_chain_leads_back_to_its_subject() {
        let chain = earlier(&[
            ("会議室の使用料はいくらですか", "300円"),
            ("転出届は何日前からですか", "14日前から"),
            ("その期限は？", "転出の日"),
        ]);
        let followed = Followed::of("それは代理でもよいですか", &chain);
        let text = followed.search_text();
        assert_eq!(text, "転出届は何日前からですか\nその期限は？\nそれは代理でもよいですか");
        assert_eq!(
            followed.note().unwrap(),
            "前の質問「転出届は何日前からですか」の続きとして調べました。"
        );
    }

    #[test]
    fn the_last_turns_are_given_within_their_share() {
        let turns = earlier(&[("一", "あ[1]。"), ("二", "い[x]"), ("三", "う[12][3]")]);
        let count = |text: &str| text.chars().count();
        let all = fitting(&turns, 100, count);
        let said: Vec<_> = all.iter().map(|turn| (&*turn.role, &*turn.content)).collect();
        let whole = [
            ("user", "一"),
            ("assistant", "あ。"),
            ("user", "二"),
            ("assistant", "い[x]"),
            ("user", "三"),
            ("assistant", "う"),
        ];
        assert_eq!(said, whole);
        assert_eq!(fitting(&turns, 8, count), all[4..], "two tokens: the last one alone");
        assert_eq!(fitting(&turns, 4, count), []);
        let long = earlier(&[("長い", &"答".repeat(1000))]);
        assert_eq!(fitting(&long, 10_000, count)[1].content.chars().count(), ANSWER_CHARS + 1);

        let turn = |role: &str| ChatTurn { role: role.to_owned(), content: String::new() };
        let prompt = between(&[turn("system"), turn("user")], &all);
        let roles: Vec<_> = prompt.iter().map(|turn| turn.role.as_str()).collect();
        assert_eq!(roles[..2], ["system", "user"]);
        assert_eq!((roles.len(), roles[7]), (8, "user"));
        assert_eq!(prompt[1..7], all, "no more and no less");
    }
}
