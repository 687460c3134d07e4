use proptest::prelude::*;

use super::*;
use crate::answer::checking::evidence::tests::{evidence, passages};

fn checked(sentence: &str) -> (String, CitationCounts) {
    let found = check(sentence, &evidence("高齢者向けの新しい給付金"), 0);
    (found.text, found.counts)
}

const CLEAN: CitationCounts = CitationCounts {
    checked: 0,
    requoted: 0,
    renumbered: 0,
    removed_not_given: 0,
    removed_misquoted: 0,
    removed_misnamed: 0,
    unconfirmed: 0,
};

/// A sentence that is shown as it is, but for its form.
fn stands(sentence: &str, shown: &str, checked_numbers: usize) {
    let counts = CitationCounts { checked: checked_numbers, ..CLEAN };
    assert_eq!(checked(sentence), (shown.to_owned(), counts), "{sentence}");
}

#[test]
fn what_holds_is_shown() {
    for (sentence, shown, numbers) in [
        ("手数料は300円です。[1]", "手数料は300円です。[1]", 1),
        ("「手数料は、一通につき300円とする。」[1]", "「手数料は、一通につき300円とする。」[1]", 1),
        (
            "「市長は、「特例」を定めることができる。」【３】",
            "「市長は、「特例」を定めることができる。」[3]",
            1,
        ),
        (
            "蔵崎市手数料条例第2条により300円です[1]。",
            "蔵崎市手数料条例第2条により300円です[1]。",
            1,
        ),
        (
            "第二条では300円[1]、第３条では免除[2]です。",
            "第二条では300円[1]、第３条では免除[2]です。",
            2,
        ),
        (
            "手数料は「300円」、「高齢者」は「特例」です[1]。",
            "手数料は「300円」、「高齢者」は「特例」です[1]。",
            1,
        ),
        ("「転入届」と「該当なし」は語です。", "「転入届」と「該当なし」は語です。", 0),
        ("「高齢者向けの新しい給付金」は、", "「高齢者向けの新しい給付金」は、", 0),
        ("空家法第22条により勧告します[4]。", "空家法第22条により勧告します[4]。", 1),
        (
            "「窓口マニュアル 空家の相談」によります[4]。",
            "「窓口マニュアル 空家の相談」によります[4]。",
            1,
        ),
        ("[1、2]", "[1][2]", 2),
        ("[資料1]", "[1]", 1),
        ("【注意】と配列[0x]", "【注意】と配列[0x]", 0),
        ("", "", 0),
    ] {
        stands(sentence, shown, numbers);
    }
}

/// What became of a sentence, and what was counted besides the numbers written.
fn becomes(sentence: &str, shown: &str, counts: CitationCounts) {
    let (text, found) = checked(sentence);
    assert_eq!(text, shown, "{sentence}");
    assert_eq!(CitationCounts { checked: 0, ..found }, counts, "{sentence}");
}

const UNCONFIRMED: CitationCounts = CitationCounts { unconfirmed: 1, ..CLEAN };
const RENUMBERED: CitationCounts = CitationCounts { renumbered: 1, ..CLEAN };
const REQUOTED: CitationCounts = CitationCounts { requoted: 1, ..CLEAN };
const MISQUOTED: CitationCounts = CitationCounts { removed_misquoted: 1, ..UNCONFIRMED };
const MISNAMED: CitationCounts = CitationCounts { removed_misnamed: 1, ..UNCONFIRMED };

const QUOTE: &str = "「手数料は、一通につき300円とする。」";

#[test]
fn numbers_of_no_passage_given() {
    let removed = CitationCounts { removed_not_given: 1, ..CLEAN };
    let bare = CitationCounts { unconfirmed: 1, ..removed };
    becomes("300円です[9]。", "300円です。（根拠未確認）", bare);
    becomes("300円です[1][9]。", "300円です[1]。", removed);
    becomes(&format!("{QUOTE}[9]"), &format!("{QUOTE}[1]"), RENUMBERED);
    becomes("第3条により免除します[9]。", "第3条により免除します[2]。", RENUMBERED);
}

#[test]
fn quotations_of_other_passages_or_of_none() {
    becomes(&format!("{QUOTE}[2]"), &format!("{QUOTE}[1]"), RENUMBERED);
    let requoted = "「手数料は、一通につき３００円とする。」[1]";
    becomes("「手数料は一通につき400円とする。」[1]", requoted, REQUOTED);
    let both = CitationCounts { renumbered: 1, ..REQUOTED };
    becomes("「手数料は一通につき400円とする。」[3]", requoted, both);
    let made_up = "「申請は毎月末日に締め切る。」";
    becomes(&format!("{made_up}[1]\n"), &format!("{made_up}（根拠未確認）\n"), MISQUOTED);
    becomes(made_up, &format!("{made_up}（根拠未確認）"), UNCONFIRMED);
    // Two passages hold it: which one is meant?
    let twice = "「市長が認めるときは、免除する。」";
    becomes(&format!("{twice}[1]"), &format!("{twice}（根拠未確認）"), MISQUOTED);
    becomes(&format!("{twice}[3]"), &format!("{twice}[3]"), CLEAN);
}

/// Too short to be mended, but not too short to be wrong.
#[test]
fn figures_in_brackets_that_nobody_has() {
    for figure in ["400円", "００円", "五百円"] {
        let shown = format!("手数料は「{figure}」です。（根拠未確認）");
        becomes(&format!("手数料は「{figure}」です[1]。"), &shown, MISQUOTED);
    }
    let shown = format!("「2通」では{QUOTE}（根拠未確認）");
    becomes(&format!("「2通」では{QUOTE}[1]"), &shown, MISQUOTED);
    becomes("「転入届」は300円です[1]。", "「転入届」は300円です[1]。", CLEAN);
}

#[test]
fn quotations_that_end_wrongly() {
    for sentence in
        ["「手数料は、一通につき300円とする。[1]」", "「手数料は、一通につき300円とする。[1]"]
    {
        becomes(sentence, &format!("{QUOTE}[1]"), CLEAN);
    }
}

#[test]
fn laws_and_articles_that_are_others() {
    for (sentence, shown, counts) in [
        ("第3条により免除します[1]。", "第3条により免除します[2]。", RENUMBERED),
        ("手数料条例第三条により免除[1]。", "手数料条例第三条により免除[2]。", RENUMBERED),
        ("第8条により免除します[2]。", "第8条により免除します。（根拠未確認）", MISNAMED),
        ("第3条第2項により免除[2]。", "第3条第2項により免除。（根拠未確認）", MISNAMED),
        ("地方自治法では免除[2]。", "地方自治法では免除。（根拠未確認）", MISNAMED),
        ("免除[2]（地方自治法第10条）。", "免除（地方自治法第10条）。（根拠未確認）", MISNAMED),
    ] {
        becomes(sentence, shown, counts);
    }
    let shown = format!("第3条は{QUOTE}と定めます。（根拠未確認）");
    becomes(&format!("第3条は{QUOTE}と定めます[1]。"), &shown, MISNAMED);
}

/// What is taken out leaves its words to the citation that follows.
#[test]
fn a_sentence_is_checked_until_it_holds() {
    let both = CitationCounts { removed_misnamed: 2, ..MISNAMED };
    let shown = "第8条により、第3条により免除。（根拠未確認）";
    becomes("第8条により[2]、第3条により[2]免除。", shown, both);
}

#[test]
fn a_number_in_a_quotation_is_no_citation() {
    let (text, counts) = checked("「注記[1]は、別表のとおりとする。」[5]");
    assert_eq!(text, "「注記［1］は、別表のとおりとする。」[5]");
    assert_eq!(counts.unconfirmed, 0);
}

proptest! {
    /// Whatever is written, what is shown holds: checked again, nothing is left to do.
    #[test]
    fn what_is_shown_holds(pieces in prop::collection::vec(piece(), 0..8)) {
        let shown = check(&pieces.concat(), &evidence("質問"), 0);
        let again = check(&shown.text.replace(MARK, ""), &evidence("質問"), 0);
        // But for a bracket that never closed, which is closed only where words follow it.
        let words = |text: &str| text.replace(MARK, "").trim_end_matches('」').to_owned();
        prop_assert_eq!(words(&again.text), words(&shown.text));
        let left = again.counts.removed() + again.counts.repaired();
        prop_assert_eq!(left, 0, "{} of {:?}", shown.text, pieces);
        prop_assert_eq!(again.cited, shown.cited);
    }
}

/// Bits of sentences: quotations right, wrong and cut, citations, names.
fn piece() -> impl Strategy<Value = String> {
    let texts: Vec<Vec<char>> =
        passages().iter().map(|passage| passage.text.chars().collect()).collect();
    let run = (0..texts.len(), any::<prop::sample::Index>(), 1usize..30, 0usize..4);
    let quote = run.prop_map(move |(of, from, length, wrong)| {
        let text = &texts[of];
        let from = from.index(text.len());
        let mut run: Vec<char> = text[from..].iter().copied().take(length).collect();
        if wrong > 1 {
            let at = run.len() / wrong;
            run[at] = '異';
        }
        format!("「{}」", run.iter().collect::<String>())
    });
    let words = prop::sample::select(vec![
        "手数料は",
        "第2条",
        "第3条により",
        "地方自治法",
        "空家法第22条",
        "です",
        "（注）",
        "「語」",
        "「",
        "」",
    ]);
    let cites = (0usize..8).prop_map(|number| format!("[{number}]"));
    prop_oneof![3 => quote, 3 => cites, 3 => words.prop_map(str::to_owned)]
}
