//! The check of a text that a person put right: the same look at every sentence as at a model's,
//! but a person's words are theirs. What fails is marked, not mended and not taken out.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use super::stream::CitationCheck;
use super::{MARK, bare_sentence};
use crate::text::sentences;

/// A person's text with its marks.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::answer) struct Audited {
    pub(in crate::answer) text: String,
    /// Numbers of passages that it cites, ascending; others than those given are not among them.
    pub(in crate::answer) cited: Vec<usize>,
    /// Sentences that carry the mark.
    pub(in crate::answer) unconfirmed: usize,
}

/// Checks `text`, which was made out of `before`. A mark that the person left stays; one that was
/// only taken away from its sentence comes back.
pub(in crate::answer) fn audit(text: &str, before: &str, evidence: Evidence) -> Audited {
    let mut check = CitationCheck::of_person(evidence, doubted(before));
    let (mut shown, mut left) = (String::with_capacity(text.len()), 0);
    let mut pieces = text.split(MARK).peekable();
    while let Some(piece) = pieces.next() {
        shown.push_str(&check.push(piece));
        shown.push_str(&check.finish());
        if pieces.peek().is_some() && !shown.ends_with(MARK) {
            shown.push_str(MARK);
            left += 1;
        }
    }
    let unconfirmed = check.counts().unconfirmed + left;
    Audited { text: shown, cited: check.cited(), unconfirmed }
}

/// The sentences of a text that carry the mark.
fn doubted(text: &str) -> BTreeSet<String> {
    let mut pieces: Vec<&str> = text.split(MARK).collect();
    pieces.pop();
    let last = pieces.into_iter().filter_map(|piece| sentences(piece).pop());
    last.map(bare_sentence).filter(|sentence| !sentence.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::evidence;
    use super::*;

    fn becomes(text: &str, before: &str, shown: &str, cited: &[usize]) {
        let audited = audit(text, before, evidence(""));
        assert_eq!(audited.text, shown);
        assert_eq!(audited.cited, cited, "{text}");
        assert_eq!(audited.unconfirmed, shown.matches(MARK).count(), "{text}");
        assert_eq!(audited.text.replace(MARK, ""), text.replace(MARK, ""), "no word is changed");
    }

    #[test]
    fn what_fails_is_marked_and_nothing_else_is_touched() {
        for (text, shown, cited) in [
            ("一通につき300円です。[1]", "一通につき300円です。[1]", &[1usize] as &[usize]),
            // A number that no source has, an article that is another one, a wrong quotation.
            (
                "300円です。[1] 地方税法第999条により無料です。[9]",
                "300円です。[1] 地方税法第999条により無料です。[9]（根拠未確認）",
                &[1],
            ),
            ("特例法第8条によります。[3]", "特例法第8条によります。[3]（根拠未確認）", &[3]),
            (
                "「手数料は、一通につき500円とする。」[1]\n免除できます。[2]",
                "「手数料は、一通につき500円とする。」[1]（根拠未確認）\n免除できます。[2]",
                &[1, 2],
            ),
            (
                "「手数料は、一通につき300円とする。」【２】",
                "「手数料は、一通につき300円とする。」【２】（根拠未確認）",
                &[2],
            ),
            // A law without any citation, and words of the person's own.
            (
                "地方税法第999条により無料です。",
                "地方税法第999条により無料です。（根拠未確認）",
                &[],
            ),
            ("特例法第7条によります。", "特例法第7条によります。", &[]),
            ("よろしくお願いします。", "よろしくお願いします。", &[]),
        ] {
            becomes(text, "", shown, cited);
        }
    }

    #[test]
    fn a_mark_stays_where_it_was() {
        let before = "500円です。（根拠未確認）\n300円です。[1]";
        let marked = "500円です。（根拠未確認）\n一通300円です。[1]";
        becomes(marked, before, marked, &[1]);
        becomes("500円です。\n一通300円です。[1]", before, marked, &[1]);
        becomes("無料です。\n一通300円です。[1]", before, "無料です。\n一通300円です。[1]", &[1]);
        let again = "無料です。[9]（根拠未確認）次の文。";
        becomes(again, "", again, &[]);
    }
}
