use proptest::prelude::*;

use super::*;
use crate::answer::checking::MARK;
use crate::answer::checking::evidence::tests::evidence;

/// The whole text, and what was shown after each piece.
fn run(pieces: &[&str]) -> (String, Vec<String>, Vec<usize>, CitationCounts) {
    let mut check = CitationCheck::new(evidence("質問"));
    let mut shown: Vec<String> = pieces.iter().map(|piece| check.push(piece)).collect();
    shown.push(check.finish());
    (shown.concat(), shown, check.cited(), check.counts())
}

#[test]
fn sentences_are_checked_one_by_one() {
    let text = "手数料は300円です。[1] 免除もできます[9]。\n「市長は、「特例」を定めることができる。」[3]と\n\n以上です。";
    let (shown, _, cited, counts) = run(&[text]);
    assert_eq!(
        shown,
        format!(
            "手数料は300円です。[1] 免除もできます。{MARK}\n「市長は、「特例」を定めることができる。」[3]と\n\n以上です。"
        )
    );
    assert_eq!(
        (cited, counts.checked, counts.removed(), counts.unconfirmed),
        (vec![1, 3], 3, 1, 1)
    );
}

#[test]
fn words_come_at_once_and_quotations_with_their_citation() {
    let (_, shown, ..) = run(&[
        "手数料は",
        "「転入届」",
        "と「手数料は、一通に",
        "つき300円とする。」[",
        "1",
        "]です",
        "。",
        "次の",
        "文",
    ]);
    assert_eq!(shown[..2], ["手数料は", "「転入届」"]);
    assert_eq!(shown[2..5], ["と", "", ""], "its end and its citation are to come");
    assert_eq!(shown[5], "「手数料は、一通につき300円とする。」[1]です");
    assert_eq!(shown[6..9], ["。", "次の", "文"]);
}

#[test]
fn the_mark_comes_behind_what_was_shown() {
    for pieces in [&["免除します [9]"][..], &["免除します ", "[9]"], &["免除します", " [", "9]"]]
    {
        assert_eq!(run(pieces).0, format!("免除します {MARK}"), "{pieces:?}");
    }
    let (shown, _, _, counts) = run(&[" [0]"]);
    assert_eq!((shown.as_str(), counts.removed(), counts.unconfirmed), (" ", 1, 0));
}

#[test]
fn citations_behind_the_mark_belong_to_the_sentence() {
    for (text, expected) in [
        ("第3条により免除します。[2]第2条では300円です。[1]", vec![1, 2]),
        ("第3条により免除します。　[2]\n第2条では300円です。 [1]", vec![1, 2]),
        ("300円です。【注意】第2条です。[1]", vec![1]),
        (
            "「手数料は、一通につき300円とする。」[1]「市長が認めるときは、免除する。」[2]",
            vec![1, 2],
        ),
    ] {
        assert_eq!(run(&[text]).2, expected, "{text}");
    }
}

proptest! {
    /// However the stream is cut, the text is the same; and what was shown stays.
    #[test]
    fn pieces_do_not_matter(
        text in text(),
        cuts in prop::collection::vec(0usize..80, 0..6),
    ) {
        let mut at: Vec<usize> = cuts
            .iter()
            .map(|cut| text.char_indices().map(|(at, _)| at).nth(*cut).unwrap_or(text.len()))
            .collect();
        at.sort_unstable();
        at.push(text.len());
        let mut from = 0;
        let pieces: Vec<&str> =
            at.iter().map(|to| &text[std::mem::replace(&mut from, *to)..*to]).collect();
        let (whole, cut) = (run(&[&text]), run(&pieces));
        prop_assert_eq!((&cut.0, &cut.2, cut.3), (&whole.0, &whole.2, whole.3));
        let sentences = |text: &str| text.matches(MARK).count();
        prop_assert_eq!(sentences(&whole.0), whole.3.unconfirmed);
        let words = |text: &str| {
            let plain = text.replace(MARK, "");
            plain.chars().filter(|c| !"[]［］【】「」0123456789２、 \n".contains(*c)).collect::<String>()
        };
        if whole.3.requoted == 0 {
            prop_assert_eq!(words(&whole.0), words(&text));
        }
    }
}

/// Bits of answers in any order.
fn text() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "手数料は",
        "「手数料は、一通につき300円とする。」",
        "「申請は毎月末に締め切る。」",
        "「語」",
        "「",
        "」",
        "。",
        "！",
        "\n",
        " ",
        "（",
        "）",
        "[0]",
        "[1]",
        "[2]",
        "[3]",
        "［２］",
        "[1、3]",
        "【",
        "】",
        "[",
        "第2条",
        "第3条",
    ]);
    prop::collection::vec(bits, 0..14).prop_map(|bits| bits.concat())
}
