//! Figures in 「」 that are too short to be quotations: 「300円」 where 500円 was given.

use super::evidence::Evidence;
use super::folded::Folded;
use crate::answer::quotes::closing;
use crate::text::{leading_number, to_kanji};

/// What a number in kanji counts, where it begins a word: 三百円 and 三日, but not 一般 or 三者.
const COUNTED: &str = "円日月年人件回割時分週歳枚通点";

/// Whether words hold a figure in 「」 that no passage and no question has, in either kind of
/// numerals. Words without a figure are terms, which a writer may put into 「」.
pub(super) fn is_strange(words: &str, evidence: &Evidence) -> bool {
    words.match_indices('「').any(|(at, opened)| {
        let rest = &words[at + opened.len()..];
        let word: Option<String> =
            closing(rest).map(|end| Folded::of(&rest[..end]).chars.iter().collect());
        word.is_some_and(|word| has_figure(&word) && !is_known(&word, evidence))
    })
}

fn has_figure(word: &str) -> bool {
    let counted = |len: usize| word[len..].chars().next().is_some_and(|c| COUNTED.contains(c));
    word.contains(|c: char| c.is_ascii_digit())
        || leading_number(word).is_some_and(|(_, len)| counted(len))
}

fn is_known(word: &str, evidence: &Evidence) -> bool {
    let stands = |form: &str| {
        let form = Folded::of(form);
        !evidence.holders(&form).is_empty() || evidence.is_asked(&form)
    };
    let named = evidence.named_in(word);
    // 「第2条」 of an article that a passage is, however it writes its number.
    let is_provision = !named.is_empty() && named.iter().all(|name| evidence.is_borne(name));
    is_provision || stands(word) || stands(&in_kanji(word)) || stands(&in_digits(word))
}

/// 300円 as 三百円.
fn in_kanji(word: &str) -> String {
    let (mut written, mut rest) = (String::new(), word);
    while let Some(c) = rest.chars().next() {
        match leading_number(rest).filter(|_| c.is_ascii_digit()) {
            Some((number, len)) => {
                written.push_str(&to_kanji(number));
                rest = &rest[len..];
            }
            None => {
                written.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    written
}

/// 三百円 as 300円.
fn in_digits(word: &str) -> String {
    match leading_number(word) {
        Some((number, len)) => format!("{number}{}", &word[len..]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::evidence;
    use super::*;

    #[test]
    fn figures_are_known_in_either_numerals_and_terms_are_not_looked_at() {
        for (words, strange) in [
            ("手数料は「300円」です", false),
            ("手数料は「３００円」です", false),
            ("手数料は「三百円」です", false),
            ("手数料は「五百円」です", true),
            ("手数料は「500円」です", true),
            // A figure that ends inside another is none of it.
            ("手数料は「00円」です", true),
            ("「2人」まで", false),
            ("「3人」まで", true),
            ("「第2条」によります", false),
            ("「第8条」によります", true),
            ("「転入届」と「一般的な取扱い」は語です", false),
            ("「", false),
            ("「」", false),
        ] {
            assert_eq!(
                is_strange(words, &evidence("二人でも申請できますか、2人です")),
                strange,
                "{words}"
            );
        }
    }
}
