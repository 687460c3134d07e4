//! The automaton against a plain search; the lists against trying every token; and whatever a
//! model prefers, its quotations stand in the texts.

use proptest::prelude::*;

use super::runs::{ROOT, Runs, paired};
use super::*;
use crate::llm::sampler::{Sampler, Sampling};
use crate::llm::tokenizer::{Tokenizer, Vocabulary};

/// Tokens besides the 256 bytes: whole words, brackets with what stands beside them, an end.
const WORDS: [&str; 16] = [
    "「",
    "」",
    "」[1]",
    "」と",
    "。」",
    "「手",
    "手数料",
    "手数料は、",
    "三百円とする。",
    "市長",
    "は",
    "特例",
    "」を定め",
    "「特例」",
    "。」[2]「",
    "あいうえおかきくけこ",
];

const TEXTS: [&str; 4] = [
    "手数料は、一通につき三百円とする。",
    "市長は、「特例」を定めることができる。\n手数料は、市長が定める。",
    "一つだけの」と「があり、また「「二つ」ある。",
    "小ホールは10000円、会議室は１０００円",
];

fn spelling() -> Arc<Spelling> {
    let bytes = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
    let tokens: Vec<String> = ["<unk>", "</s>"]
        .map(str::to_owned)
        .into_iter()
        .chain(bytes)
        .chain(WORDS.map(str::to_owned))
        .collect();
    let kind = |at: usize| match at {
        0 => 2,
        1 => 3,
        2..258 => 6,
        _ => 1,
    };
    let vocabulary = Vocabulary {
        model: "llama".to_owned(),
        scores: Some(vec![0.0; tokens.len()]),
        token_types: Some((0..tokens.len()).map(kind).collect()),
        tokens,
        ..Vocabulary::default()
    };
    Arc::new(Spelling::new(Arc::new(Tokenizer::new(vocabulary).unwrap())))
}

fn guide() -> Guide {
    Guide::new(Arc::new(Verbatim::new(&TEXTS)), spelling())
}

/// The ids that spell a text in bytes.
fn bytes(text: &str) -> Vec<u32> {
    text.bytes().map(|byte| u32::from(byte) + 2).collect()
}

fn word(text: &str) -> u32 {
    WORDS.iter().position(|word| *word == text).unwrap() as u32 + 258
}

/// How much of a text may be written.
fn written(text: &str) -> &str {
    let admitted = guide().admits(&bytes(text));
    (0..=admitted).rev().find_map(|end| text.get(..end)).unwrap()
}

#[test]
fn quotations_stand_in_the_texts() {
    for text in [
        "「手数料は、一通につき三百円とする。」[1]です。",
        "「一通につき三百円」の「手数料は、市長が定める。」",
        "「市長は、「特例」を定めることができる。\n手数料」",
        "「該当なし」「転入届です」と申します。",
        "「」「あいうえおかき」",
        "手数料は、四百円とする。",
        "「手数料は、」四百円",
        "「小ホールは10000」円",
        "「会議室は１０００」円",
    ] {
        assert_eq!(written(text), text);
    }
    for (text, until) in [
        ("「手数料は、四百円」", "「手数料は、"),
        ("「手数料と、いう言葉」", "「手数料と、いう"),
        ("「あいうえおかきくけこ」", "「あいうえおかき"),
        ("「市長は、「特例を」」", "「市長は、「特例"),
        ("「市長は、「特例」」を定める」", "「市長は、「特例」」を定める」"),
        ("「一通につき三百円とする。市長は」", "「一通につき三百円とする。"),
        ("「あ「い」」", "「あ"),
        ("「一つだけの」", "「一つだけの」"),
        // Not inside of a number.
        ("「小ホールは1000」", "「小ホールは1000"),
        ("「会議室は１００」", "「会議室は１００"),
    ] {
        assert_eq!(written(text), until, "{text}");
    }
}

#[test]
fn tokens_may_hold_brackets_and_halves() {
    let mut guide = guide();
    for token in [word("「手"), word("は")] {
        assert!(guide.allows(token));
    }
    guide.advance(word("「手"));
    for id in bytes("数料は") {
        guide.advance(id);
    }
    assert!(guide.is_held());
    let mut allowed = guide.allowed();
    allowed.sort_unstable();
    let mut expected = vec![word("」"), word("」[1]"), word("」と"), word("」を定め")];
    expected.push(bytes("、")[0]);
    expected.sort_unstable();
    assert_eq!(allowed, expected, "、 and 」 begin with the same byte");
    assert!(!guide.allows(1), "an answer does not end inside of a quotation");
    guide.advance(word("」を定め"));
    assert!(guide.allows(1) && guide.allows(word("あいうえおかきくけこ")));
}

#[test]
fn a_vocabulary_without_a_way_on_does_not_stop_the_answer() {
    let vocabulary = Vocabulary {
        model: "llama".to_owned(),
        tokens: ["<unk>", "「手数料は、", "x"].map(str::to_owned).to_vec(),
        scores: Some(vec![0.0; 3]),
        token_types: Some(vec![2, 1, 1]),
        ..Vocabulary::default()
    };
    let spelling = Arc::new(Spelling::new(Arc::new(Tokenizer::new(vocabulary).unwrap())));
    let guide = Guide::new(Arc::new(Verbatim::new(&TEXTS)), spelling);
    let mut sampler = Sampler::new(Sampling::default()).unwrap().guided(Some(guide));
    assert_eq!(sampler.sample(&mut [0.0, 3.0, 1.0], &[]), Ok(1));
    assert_eq!(sampler.sample(&mut [0.0, 1.0, 3.0], &[]), Ok(2));
}

/// What stands in 「」 with its own pairs, and what is left open at the end.
fn quotations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut inner) = (0, String::new());
    for c in text.chars() {
        match c {
            '」' if depth == 1 => {
                found.push(std::mem::take(&mut inner));
                depth = 0;
                continue;
            }
            '」' if depth > 0 => depth -= 1,
            '「' => depth += 1,
            _ => {}
        }
        if depth > 1 || (depth == 1 && c != '「') || (depth == 1 && !inner.is_empty()) {
            inner.push(c);
        }
    }
    found.push(inner);
    found
}

fn is_quotation(text: &str) -> bool {
    text.chars().count() > TERM_CHARS
}

#[test]
fn quotations_are_found_with_their_pairs() {
    assert_eq!(quotations("あ「い」う「え「お」か」き「く"), ["い", "え「お」か", "く"]);
}

proptest! {
    #[test]
    fn the_automaton_knows_what_a_search_finds(
        texts in prop::collection::vec("[abc]{0,14}", 0..4),
        part in "[abc]{0,6}",
    ) {
        let runs = Runs::of(texts.iter().map(String::as_bytes));
        let end = part.bytes().try_fold(ROOT, |state, byte| runs.step(state, byte));
        let found = part.is_empty() || texts.iter().any(|text| text.contains(&part));
        prop_assert_eq!(end.is_some(), found, "{} in {:?}", part, texts);
        if let Some(end) = end {
            let next = |byte: &u8| {
                let longer = format!("{part}{}", char::from(*byte));
                texts.iter().any(|text| text.contains(&longer))
            };
            let edges: Vec<u8> = runs.edges(end).iter().map(|edge| edge.0).collect();
            prop_assert_eq!(edges, b"abc".iter().copied().filter(next).collect::<Vec<_>>());
        }
    }

    #[test]
    fn brackets_without_a_partner_are_cut_out(text in "[あ「」]{0,12}") {
        let pieces: Vec<String> = paired(text.as_bytes())
            .into_iter()
            .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
            .collect();
        for piece in &pieces {
            let depths = piece.chars().scan(0i32, |depth, c| {
                *depth += i32::from(c == '「') - i32::from(c == '」');
                Some(*depth)
            });
            let depths: Vec<i32> = depths.collect();
            prop_assert!(depths.iter().all(|depth| *depth >= 0), "{}", piece);
            prop_assert_eq!(depths.last().copied().unwrap_or(0), 0, "{}", piece);
        }
        let kept: usize = pieces.iter().map(|piece| piece.chars().count()).sum();
        prop_assert_eq!(kept + pieces.len() - 1, text.chars().count());
    }

    /// Wherever a text stands, the list is what trying every token finds; and there is a way on.
    #[test]
    fn lists_are_complete(choices in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let mut guide = guide();
        for choice in choices {
            let mut allowed = guide.allowed();
            allowed.sort_unstable();
            let count = 258 + WORDS.len() as u32;
            let spelled = |id: &u32| *id > 1 && guide.allows(*id);
            prop_assert_eq!(&allowed, &(0..count).filter(spelled).collect::<Vec<_>>());
            prop_assert!(!allowed.is_empty());
            // Brackets are rare among all tokens, and what matters.
            let words: Vec<u32> = allowed.iter().copied().filter(|id| *id >= 258).collect();
            let of = if words.is_empty() { &allowed } else { &words };
            guide.advance(of[choice.index(of.len())]);
        }
    }

    /// Whatever the model prefers.
    #[test]
    fn no_quotation_is_made_up(
        seed in any::<u64>(),
        temperature in prop_oneof![Just(0.0f32), Just(1.5f32)],
        top_p in prop_oneof![Just(1.0f32), Just(0.9f32)],
    ) {
        use rand::{Rng, SeedableRng};
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let sampling = Sampling { temperature, top_p, seed: Some(seed), ..Sampling::default() };
        let mut sampler = Sampler::new(sampling).unwrap().guided(Some(guide()));
        let spelling = spelling();
        let mut text = Vec::new();
        for _ in 0..120 {
            let mut logits: Vec<f32> = (0..258 + WORDS.len())
                .map(|id| random.random::<f32>() * 6.0 + if id >= 258 { 4.0 } else { 0.0 })
                .collect();
            let id = sampler.sample(&mut logits, &[]).unwrap();
            text.extend_from_slice(spelling.bytes(id));
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let found = quotations(&text);
        // The last character may have been cut off in the middle.
        let whole = found.iter().map(|quotation| quotation.trim_end_matches('\u{fffd}'));
        for quotation in whole.filter(|text| is_quotation(text)) {
            let stands = TEXTS.iter().any(|text| text.contains(quotation));
            prop_assert!(stands, "{} in {}", quotation, text);
        }
    }
}
