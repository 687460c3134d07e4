use proptest::prelude::*;

use super::*;

fn characters(text: &str) -> usize {
    text.chars().count()
}

fn plan<'t>(question: &str, text: &'t str) -> Plan<'t> {
    Plan::new(text, &Relevance::plain(question), LONG_CHARS, characters)
}

/// The text after the first step.
fn first(question: &str, text: &str) -> String {
    plan(question, text).text(1)
}

const FEES: &str = "第５条　市長は、次の各号のいずれかに該当するときは、手数料を免除する。\n\
(1)　法令の規定により無料で取り扱うこととされているとき。\n\
(2)　進学又は就職のために住民票の写しの交付を請求するとき。\n\
２　前項第2号の規定による免除は、1人につき各年度3通を限度とする。\n\
３　免除を受けようとする者は、その事由を証する書類を提示しなければならない。";

#[test]
fn an_item_comes_with_its_lead() {
    assert_eq!(
        first("進学や就職で住民票の写しを請求するとき", FEES),
        "第５条　市長は、次の各号のいずれかに該当するときは、手数料を免除する。…\n\
         (2)　進学又は就職のために住民票の写しの交付を請求するとき。…"
    );
}

#[test]
fn a_paragraph_comes_with_what_it_points_to() {
    assert_eq!(
        first("1人につき年度何通まで免除されますか", FEES),
        "第５条　市長は、次の各号のいずれかに該当するときは、手数料を免除する。…\n\
         ２　前項第2号の規定による免除は、1人につき各年度3通を限度とする。…"
    );
}

#[test]
fn an_exception_comes_with_its_rule() {
    let text = "届出は窓口で受け付ける。届出をしない者は、簡易裁判所に通知する。\
                ただし、災害の場合は、この限りでない。受付は平日とする。";
    assert_eq!(
        first("災害のときはどうなりますか", text),
        "…届出をしない者は、簡易裁判所に通知する。ただし、災害の場合は、この限りでない。…"
    );
}

#[test]
fn a_row_comes_with_its_caption_and_its_headers() {
    let text = "文書の保存期間\n区分: 条例の制定 / 保存期間: 永年\n\
                区分: 附属機関の会議録 / 保存期間: 30年\n区分: 会計の証拠書類 / 保存期間: 5年";
    assert_eq!(
        first("会議録は何年保存しますか", text),
        "文書の保存期間…\n区分: 附属機関の会議録 / 保存期間: 30年…"
    );
}

#[test]
fn a_cell_of_a_long_row_comes_with_the_rows_name() {
    let filler = "この欄には関係のない説明が続きます。".repeat(9);
    let text = format!("施設: 市民会館 / 説明: {filler} / 休館日: 毎週月曜日");
    let cut = first("休館日はいつですか", &text);
    assert_eq!(cut, "施設: 市民会館…休館日: 毎週月曜日");
}

#[test]
fn a_long_sentence_keeps_its_beginning_and_its_end() {
    let text = format!(
        "市長は、{}災害により住家に被害を受けた者が申請したときは、{}手数料を減免することができる。",
        "別に定める規則の定めるところにより、".repeat(8),
        "必要があると認める場合に限り、".repeat(8)
    );
    let cut = first("災害で住家に被害を受けた者", &text);
    assert!(cut.starts_with("市長は、") && cut.ends_with("減免することができる。"), "{cut}");
    assert!(cut.contains("災害により住家に被害を受けた者") && cut.contains(LEFT_OUT), "{cut}");
    assert!(cut.chars().count() < text.chars().count());
}

#[test]
fn a_value_that_is_asked_for_decides() {
    let text = "住民票の写しの手数料について定める。手数料の納付は現金による。\
                住民票の写しの手数料は、300円とする。";
    assert!(first("手数料はいくらですか", text).contains("300円"));
}

#[test]
fn without_a_word_in_common_the_beginning_is_kept() {
    assert_eq!(first("量子", "一つ目の文。二つ目の文。"), "一つ目の文。…");
    assert_eq!(plan("量子", "").text(1), "");
}

#[test]
fn equal_questions_cut_alike_and_steps_only_add() {
    let (one, other) = (plan("免除の通数", FEES), plan("免除の通数", FEES));
    for steps in 1..one.steps().len() {
        assert_eq!(one.text(steps), other.text(steps));
        let more: Vec<_> = one.pieces(steps + 1);
        let inside = |piece: &Range<usize>| {
            more.iter().any(|wide| wide.start <= piece.start && piece.end <= wide.end)
        };
        assert!(one.pieces(steps).iter().all(inside), "a kept piece went away");
    }
    assert_eq!(one.text(one.steps().len()), FEES);
}

proptest! {
    /// Whatever the text: pieces are the passage's own, in its order, none is lost in the end, and
    /// a step costs what it says.
    #[test]
    fn pieces_are_the_passages_own(
        text in "([あ-お一-十火水()（）「」。、\n /:0-9・第項号だし前]|ただし|前項|次の各号| / ){0,160}",
        question in "[あ-お一-十火水0-9]{0,12}",
        long_chars in 5usize..80,
    ) {
        let plan = Plan::new(&text, &Relevance::plain(&question), long_chars, characters);
        let mut cost = 0;
        for steps in 0..=plan.steps().len() {
            let pieces = plan.pieces(steps);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let shown = plan.text(steps);
            let mut rest = shown.as_str();
            for piece in &pieces {
                let piece = &text[piece.clone()];
                prop_assert!(!piece.trim().is_empty());
                let Some(at) = rest.find(piece) else { panic!("{piece} is not in {rest}") };
                rest = &rest[at + piece.len()..];
            }
            let kept: usize = pieces.iter().map(|piece| characters(&text[piece.clone()])).sum();
            // The blanks between units are in the pieces, but in no unit.
            let blanks = text.chars().filter(|c| c.is_whitespace() || *c == '/').count();
            prop_assert!(kept <= cost + blanks, "{kept} characters for {cost}");
            prop_assert_eq!(steps > 0 && !text.trim().is_empty(), !pieces.is_empty());
            cost += plan.steps().get(steps).map_or(0, |step| step.tokens);
        }
        prop_assert_eq!(plan.text(plan.steps().len()), text);
    }
}
