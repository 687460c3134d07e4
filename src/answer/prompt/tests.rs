use proptest::prelude::*;

use super::*;
use crate::document::{ArticleRef, Authority, Locator, Scope};

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
        validity: crate::document::Validity::default(),
    }
}

fn characters(turns: &[ChatTurn]) -> Result<usize, ()> {
    Ok(turns.iter().map(|turn| turn.content.chars().count()).sum())
}

/// A prompt in which a token is a character; `ranks` are those of the passages, in their order.
fn built(question: &str, passages: &[Passage], ranks: &[usize], budget: usize) -> Option<Prompt> {
    let relevance = Relevance::plain(question);
    let asked =
        Asked { instructions: INSTRUCTIONS, question, relevance: &relevance, layered: false };
    let given: Vec<Given<'_>> = (1..)
        .zip(passages.iter().zip(ranks))
        .map(|(number, (passage, rank))| Given { number, rank: *rank, passage })
        .collect();
    build(asked, &given, budget, characters, |text| text.chars().count()).unwrap()
}

/// Tokens beside the passages' own text.
fn frame() -> usize {
    INSTRUCTIONS.chars().count()
}

#[test]
fn everything_fits() {
    let passages = [passage("甲", "一つ目。"), passage("乙", "二つ目。")];
    let prompt = built("何か", &passages, &[2, 1], 1000).unwrap();
    assert_eq!(prompt.numbers, [1, 2]);
    assert_eq!(prompt.turns[1].content, "[1] 甲\n一つ目。\n\n[2] 乙\n二つ目。\n\n質問：何か");
}

/// A model that is not the self-test one has each layer under its heading.
#[test]
fn layers_stand_under_their_headings() {
    let mut law = passage("甲法", "十四日以内とする。");
    (law.scope, law.authority) = (Scope::Common, Authority::Law);
    let (manual, question) = (passage("手引", "七日以内とする。"), "何日以内ですか");
    let relevance = Relevance::plain(question);
    let given =
        [(1, &law), (2, &manual)].map(|(number, passage)| Given { number, rank: number, passage });
    let asked =
        Asked { instructions: INSTRUCTIONS, question, relevance: &relevance, layered: true };
    let count = |text: &str| text.chars().count();
    let prompt = build(asked, &given, 1000, characters, count).unwrap().unwrap();
    assert_eq!(
        prompt.turns[1].content,
        "【国の共通ルール】\n\n[1] 甲法（法律）\n十四日以内とする。\n\n\
         【本市の取扱い】\n\n[2] 手引（要綱・マニュアル）\n七日以内とする。\n\n質問：何日以内ですか"
    );
    assert!(prompt.turns[0].content.starts_with(INSTRUCTIONS));
    assert!(prompt.turns[0].content.ends_with(LAYERED));
}

#[test]
fn long_passages_keep_the_sentences_that_matter() {
    let filler = "関係のない文がここにあります。".repeat(40);
    let long = passage("甲", &format!("{filler}手数料は三百円とする。{filler}"));
    let prompt = built("手数料はいくら", &[long], &[1], frame() + 200).unwrap();
    assert!(characters(&prompt.turns).unwrap() <= frame() + 200);
    assert!(prompt.turns[1].content.contains("手数料は三百円とする。"));
}

#[test]
fn the_worst_ranked_are_left_out_of_a_small_context() {
    let long = "長い文が続きます。".repeat(30);
    let passages = ["甲", "乙", "丙", "丁"].map(|title| passage(title, &long));
    let prompt = built("長い文", &passages, &[3, 1, 4, 2], frame() + 130).unwrap();
    assert_eq!(prompt.numbers, [2, 4]);
    let content = &prompt.turns[1].content;
    assert!(content.starts_with("[2] 乙") && content.contains("[4] 丁"), "{content}");
    assert!(built("長い文", &passages, &[3, 1, 4, 2], frame() + 20).is_none());
}

#[test]
fn a_sentence_without_end_is_cut() {
    let endless = passage("甲", &"あいうえお".repeat(300));
    let prompt = built("質問", &[endless], &[1], frame() + 100).unwrap();
    assert!(characters(&prompt.turns).unwrap() <= frame() + 100);
    assert!(prompt.turns[1].content.contains("あいうえお"));
}

#[test]
fn a_prompt_of_parts() {
    let article = |article: &str, paragraph| ArticleRef {
        article: article.to_owned(),
        paragraph,
        ..ArticleRef::default()
    };
    let mut fees = passage(
        "手数料条例",
        "第５条　市長は、次の各号のいずれかに該当するときは、手数料を免除する。\n\
         (1)　法令の規定により無料で取り扱うこととされているとき。\n\
         (2)　災害により住家に被害を受けた者が証明書の交付を請求するとき。\n\
         (3)　進学又は就職のために住民票の写しの交付を請求するとき。\n\
         ２　前項第3号の規定による免除は、1人につき各年度3通を限度とする。\n\
         ３　免除を受けようとする者は、その事由を証する書類を提示しなければならない。",
    );
    (fees.caption, fees.article) = ("免除".to_owned(), Some(article("5", None)));
    let list = passage(
        "手数料一覧",
        "令和8年4月1日現在\n事務: 住民票の写し / 単位: 1通 / 手数料: 300円\n\
         事務: 印鑑登録証明書 / 単位: 1通 / 手数料: 300円\n\
         事務: 戸籍証明書 / 単位: 1通 / 手数料: 450円\n事務: 除籍証明書 / 単位: 1通 / 手数料: 750円",
    );
    let minutes = passage(
        "会議録",
        "○議長　7番、三宅君。\n○7番　住民票の写しの手数料を、就職する高校生に免除できませんか。\n\
         ○市民部長　条例の改正案を提出しております。可決されれば、1人につき年度3通まで免除します。\n\
         ○議長　次に、8番、大木君。",
    );
    let question = "住民票の写しの免除は、1人につき何通までですか";
    let prompt = built(question, &[fees, list, minutes], &[1, 3, 2], frame() + 330).unwrap();
    insta::assert_snapshot!("parts", prompt.turns[1].content);
}

proptest! {
    /// The budget is kept, the numbers are those of the passages, none is empty, and the order in
    /// which the passages were found changes nothing where all are given.
    #[test]
    fn budgets_are_kept(
        texts in proptest::collection::vec("あ([あ-お火水。、0-9]|\n第|ただし、|前項){1,120}", 1..5),
        question in "[あ-お火水]{1,10}",
        room in 60usize..500,
    ) {
        let passages: Vec<Passage> = texts.iter().map(|text| passage("甲", text)).collect();
        let up: Vec<usize> = (1..=passages.len()).collect();
        let down: Vec<usize> = up.iter().rev().copied().collect();
        let Some(prompt) = built(&question, &passages, &up, frame() + room) else { return Ok(()) };
        prop_assert!(characters(&prompt.turns).unwrap() <= frame() + room);
        prop_assert!(!prompt.numbers.is_empty());
        let content = &prompt.turns[1].content;
        for number in &prompt.numbers {
            let body = content.split(&format!("[{number}] 甲\n")).nth(1).unwrap_or_default();
            let body = body.split("\n\n").next().unwrap_or_default();
            prop_assert!(!body.trim().is_empty(), "{content}");
        }
        if prompt.numbers.len() == passages.len() {
            let whole = passages.iter().all(|passage| content.contains(&passage.text));
            let turned = built(&question, &passages, &down, frame() + room).unwrap();
            prop_assert!(!whole || turned.turns[1].content == *content);
        }
    }
}
