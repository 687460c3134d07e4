//! Japanese analysis: a folded text becomes terms, in two ways that complete each other.
//!
//! [`grams`] cuts runs of Japanese characters into bigrams, which find every spelling, and adds
//! those of other spellings ([`variants`]: 空家 to 空き家, ごみ to ゴミ); [`words`]
//! cuts with the dictionary of icu_segmenter, which weighs whole words. In both, what can be
//! written in several ways is one term: 第十条の二 and 第10条の2, 令和8年 and 2026年, 十五日 and 15日.
//! The only module that names icu_segmenter.

use std::ops::Range;

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};

use super::provision::{Spelling, step_at};
use crate::text::{is_hiragana, is_kanji, is_katakana, leading_number, western_year};

/// Longer terms (encoded data, long addresses) are left out of the index; in bytes.
const TERM_BYTES_MAX: usize = 120;

/// What is read behind a kanji number so that it counts as one: 十五日, 三割, 二人.
const COUNTERS: &str = "日月年歳人円回件週時分割倍名箇個か%名戸枚台本級度";

/// Ends of verb stems, which may be left out between two kanji: 空き家, 届け出, 引っ越し.
const OKURIGANA: &str = "いきぎしちみびりえけげせめべれっ";

/// Longer words in katakana are foreign words, which nobody writes in hiragana; in characters.
const KANA_WORD_MAX: usize = 3;

/// Takes a term and the bytes of the folded text that it stands for.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&str, Range<usize>);

/// A stretch of a folded text.
enum Piece<'a> {
    /// Text to cut, with its offset in bytes.
    Text(usize, &'a str),
    /// A term in canonical form and the bytes that it stands for.
    Canonical(Range<usize>, String),
}

/// Bigrams of each run of Japanese characters (a lone character is kept), other alphanumeric
/// runs whole. `folded` is a text after [`crate::text::fold`]; the sink gets term and byte range.
pub(super) fn grams(folded: &str, sink: Sink<'_>) {
    for piece in pieces(folded) {
        match piece {
            Piece::Canonical(range, term) => sink(&term, range),
            Piece::Text(offset, text) => {
                runs(text, |run, at| match run.chars().next().is_some_and(is_japanese) {
                    true => {
                        bigrams(run, offset + at, sink);
                        variants_of_run(run, offset + at, sink);
                    }
                    false => whole(run, offset + at, sink),
                });
            }
        }
    }
}

/// What [`grams`] adds of other spellings: pairs of kanji without the 送り仮名 between them, and
/// the hiragana of short words in katakana.
pub(super) fn variants(folded: &str, sink: Sink<'_>) {
    for piece in pieces(folded) {
        if let Piece::Text(offset, text) = piece {
            runs(text, |run, at| variants_of_run(run, offset + at, sink));
        }
    }
}

fn variants_of_run(run: &str, offset: usize, sink: Sink<'_>) {
    without_okurigana(run, offset, sink);
    in_hiragana(run, offset, sink);
}

/// 空家 for 空き家; the range is all of 空き家.
fn without_okurigana(run: &str, offset: usize, sink: Sink<'_>) {
    let chars = || run.char_indices();
    for (((at, first), (_, kana)), (last_at, last)) in
        chars().zip(chars().skip(1)).zip(chars().skip(2))
    {
        if is_kanji(first) && OKURIGANA.contains(kana) && is_kanji(last) {
            let end = last_at + last.len_utf8();
            let term: String = [first, last].iter().collect();
            sink(&term, offset + at..offset + end);
        }
    }
}

/// The bigrams of 生ごみ that 生ゴミ has in another spelling.
fn in_hiragana(run: &str, offset: usize, sink: Sink<'_>) {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut at = 0;
    while at < chars.len() {
        let len = chars[at..].iter().take_while(|(_, c)| is_katakana(*c)).count();
        let word = at..at + len;
        if (2..=KANA_WORD_MAX).contains(&len) && chars[word.clone()].iter().all(|c| c.1 != 'ー') {
            for pair in chars[at.saturating_sub(1)..chars.len().min(word.end + 1)].windows(2) {
                let (start, end) = (pair[0].0, pair[1].0 + pair[1].1.len_utf8());
                let term: String = pair.iter().map(|(_, c)| to_hiragana(*c)).collect();
                sink(&term, offset + start..offset + end);
            }
        }
        at += len.max(1);
    }
}

fn to_hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        _ => c,
    }
}

/// A text without the 送り仮名 between two kanji, for comparing names.
pub(super) fn drop_okurigana(text: &str) -> String {
    let mut previous = None;
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let between = previous.is_some_and(is_kanji) && rest.peek().is_some_and(|c| is_kanji(*c));
        if !(between && OKURIGANA.contains(c)) {
            kept.push(c);
        }
        previous = Some(c);
    }
    kept
}

/// True for hiragana that may stand between two kanji of one word.
pub(super) fn is_okurigana(c: char) -> bool {
    OKURIGANA.contains(c)
}

/// Dictionary words; hiragana-only words under three characters are left out.
pub(super) fn words(folded: &str, sink: Sink<'_>) {
    let segmenter = segmenter();
    for piece in pieces(folded) {
        match piece {
            Piece::Canonical(range, term) => sink(&term, range),
            Piece::Text(offset, text) => {
                let mut start = 0;
                for end in segmenter.segment_str(text).skip(1) {
                    let word = &text[start..end];
                    if is_word(word) {
                        whole(word, offset + start, sink);
                    }
                    start = end;
                }
            }
        }
    }
}

/// Single characters: the coarsest cut, for questions of a few words.
pub(super) fn chars(folded: &str, sink: Sink<'_>) {
    for (at, c) in folded.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let end = at + c.len_utf8();
        sink(&folded[at..end], at..end);
    }
}

/// The cut at the words of a dictionary.
pub(super) fn segmenter() -> WordSegmenterBorrowed<'static> {
    WordSegmenter::new_dictionary(WordBreakInvariantOptions::default())
}

fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric)
        && (word.chars().nth(2).is_some() || !word.chars().all(is_hiragana))
}

fn is_japanese(c: char) -> bool {
    is_kanji(c) || is_hiragana(c) || is_katakana(c)
}

fn whole(term: &str, at: usize, sink: Sink<'_>) {
    if term.len() <= TERM_BYTES_MAX {
        sink(term, at..at + term.len());
    }
}

fn bigrams(run: &str, at: usize, sink: Sink<'_>) {
    let mut previous = None;
    let mut alone = true;
    for (here, c) in run.char_indices() {
        if let Some(from) = previous {
            let to = here + c.len_utf8();
            sink(&run[from..to], at + from..at + to);
            alone = false;
        }
        previous = Some(here);
    }
    if alone {
        sink(run, at..at + run.len());
    }
}

/// Maximal runs of Japanese characters and of other letters and digits.
fn runs(text: &str, mut sink: impl FnMut(&str, usize)) {
    let mut start: Option<(usize, bool)> = None;
    for (at, c) in text.char_indices() {
        let kind = c.is_alphanumeric().then(|| is_japanese(c));
        if let Some((from, japanese)) = start
            && kind != Some(japanese)
        {
            sink(&text[from..at], from);
            start = None;
        }
        if let (None, Some(japanese)) = (start, kind) {
            start = Some((at, japanese));
        }
    }
    if let Some((from, _)) = start {
        sink(&text[from..], from);
    }
}

/// Splits off what has a canonical form; the rest stays text.
fn pieces(folded: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut done, mut at) = (0, 0);
    while let Some(c) = folded[at..].chars().next() {
        let letter = matches!(c, 'r' | 'h' | 's')
            && !folded[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
        let candidate = matches!(c, '第' | '令' | '平' | '昭' | '大' | '明')
            || letter
            || c.is_ascii_digit()
            || (!c.is_ascii() && leading_number(&folded[at..at + c.len_utf8()]).is_some())
            || c == '十'
            || c == '百'
            || c == '千';
        if let Some((term, len)) = candidate.then(|| canonical(&folded[at..])).flatten() {
            if done < at {
                found.push(Piece::Text(done, &folded[done..at]));
            }
            found.push(Piece::Canonical(at..at + len, term));
            at += len;
            done = at;
        } else if candidate && c != '第' && leading_number(&folded[at..]).is_some() {
            // A number without canonical form is stepped over whole: 三十 in 三十三間堂.
            at += leading_number(&folded[at..]).map_or(c.len_utf8(), |(_, len)| len);
        } else {
            at += c.len_utf8();
        }
    }
    if done < folded.len() {
        found.push(Piece::Text(done, &folded[done..]));
    }
    found
}

/// The canonical term at the start of the text, with the bytes that it stands for.
fn canonical(text: &str) -> Option<(String, usize)> {
    if let Some(step) = step_at(text, Spelling::Running) {
        return Some((format!("第{}{}", step.key, step.unit), step.len));
    }
    if let Some((year, len)) = era_year(text) {
        return Some((year.to_string(), len));
    }
    let (number, len) = leading_number(text)?;
    let counted = text[len..].chars().next().is_some_and(|c| COUNTERS.contains(c));
    let arabic = text.starts_with(|c: char| c.is_ascii_digit());
    let plain = arabic && len == number.to_string().len();
    (counted || (arabic && !plain)).then(|| (number.to_string(), len))
}

/// 「令和八年」 and 「令和元年」, up to the number: 年 stays with what follows (年度). 「R6.4.1」 and
/// 「R6年度」 too.
fn era_year(text: &str) -> Option<(u64, usize)> {
    let letters = [("r", "令和"), ("h", "平成"), ("s", "昭和")];
    if let Some((letter, era)) = letters.iter().find(|(letter, _)| text.starts_with(letter)) {
        let digits = text[letter.len()..].bytes().take_while(u8::is_ascii_digit).count();
        let (count, behind) = text[letter.len()..].split_at(digits);
        let next = behind.trim_start_matches(['.', '/', '-']);
        let dated = next.len() < behind.len() && next.starts_with(|c: char| c.is_ascii_digit());
        let year = count.parse().ok().filter(|_| dated || behind.starts_with('年'))?;
        return western_year(era, year).map(|western| (western, letter.len() + digits));
    }
    let era = text.get(..6)?;
    let rest = &text[6..];
    let (year, len) = match rest.strip_prefix('元') {
        Some(_) => (1, '元'.len_utf8()),
        None => leading_number(rest)?,
    };
    rest[len..].starts_with('年').then_some(())?;
    western_year(era, year).map(|western| (western, 6 + len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fold;

    fn terms(cut: fn(&str, Sink<'_>), text: &str) -> Vec<String> {
        let mut found = Vec::new();
        cut(&fold(text), &mut |term, _| found.push(term.to_owned()));
        found
    }

    fn gram_terms(text: &str) -> Vec<String> {
        terms(grams, text)
    }

    fn word_terms(text: &str) -> Vec<String> {
        terms(words, text)
    }

    #[test]
    fn bigrams_of_runs() {
        assert_eq!(gram_terms("転入届の提出"), ["転入", "入届", "届の", "の提", "提出"]);
        assert_eq!(gram_terms("A棟、窓口"), ["a", "棟", "窓口"]);
        assert_eq!(gram_terms("ＰＤＦファイル"), gram_terms("PDFﾌｧｲﾙ"));
        assert!(gram_terms("、。（）").is_empty());
    }

    #[test]
    fn one_term_for_many_spellings() {
        for (left, right) in [
            ("第10条の２", "第十条の二"),
            ("第１０条第2項", "第十条第二項"),
            ("令和8年度", "2026年度"),
            ("令和元年", "２０１９年"),
            ("昭和二十二年", "1947年"),
            ("R6/4/1", "2024/4/1"),
            ("R6-4-1", "２０２４－０４－０１"),
            ("Ｒ６年度", "令和六年度"),
            ("十五日以内", "15日以内"),
            ("１，０００円", "千円"),
        ] {
            assert_eq!(gram_terms(left), gram_terms(right), "{left} {right}");
            assert_eq!(word_terms(left), word_terms(right), "{left} {right}");
        }
        assert_ne!(gram_terms("第十条"), gram_terms("第十一条"));
        assert_eq!(gram_terms("h2o、r6、pr6.4"), ["h2o", "r6", "pr6", "4"]);
        assert_eq!(gram_terms("三条市"), ["三条", "条市"]);
    }

    #[test]
    fn other_spellings_are_added() {
        let added = |text: &str| terms(variants, text);
        assert_eq!(added("空き家の届け出"), ["空家", "届出"]);
        assert_eq!(added("引っ越し、申し込み"), ["引越", "申込"]);
        assert_eq!(added("生ゴミの日"), ["生ご", "ごみ", "みの"]);
        assert_eq!(added("ﾊｶﾞｷ"), ["はが", "がき"]);
        assert!(added("家の中、本を読む、データ、カード、コンビニ").is_empty());
        assert!(gram_terms("空き家").contains(&"空家".to_owned()));
        assert_eq!(drop_okurigana("空き家等の取り扱い"), "空家等の取扱い");
    }

    #[test]
    fn words_leave_out_particles() {
        let found = word_terms("住民票の写しを交付する");
        assert!(found.iter().any(|word| word == "交付"), "{found:?}");
        assert!(!found.iter().any(|word| word == "の" || word == "を"), "{found:?}");
    }

    #[test]
    fn ranges_lie_on_the_text() {
        let text = fold("令和８年４月１日から第三条の規定をＡＢＣ社に適用する。");
        for cut in [grams, words] {
            cut(&text, &mut |_: &str, range: Range<usize>| assert!(text.get(range).is_some()));
        }
    }
}
