//! Names of persons, by what stands around them: 「氏名：」, 「様」, 「世帯主の」, an age behind.
//!
//! A name with nothing around it is not looked for: 石川 is a person, a prefecture and a river.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::context::pattern;
use super::name_words::{
    GIVEN_ENDS, HONORIFIC_STOPS, LABELS, NO_NAME, ROLE_ENDS, STOPS, is_no_given,
    starts_with_surname,
};
use super::reading::Reading;
use super::{Hit, Kind};
use crate::text::{is_hiragana, is_kanji, is_katakana};

/// Characters of a family name and of a given name, at most.
const FAMILY: usize = 5;
const GIVEN: usize = 3;

/// Characters that are looked at before an honorific: no name is longer, and a text of nothing
/// but kanji costs no more than another.
const BACK: usize = 32;

/// Longest header of a cell, in characters.
const HEADER: usize = 20;

/// Names that are looked for again in the rest of a text.
const AGAIN: usize = 200;

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?x)(?:{LABELS})(?:の?(?:お|ご)?(?:氏名|名前|名))?(?:\((?:[^()\n]{{1,10}})\))?
        (?P<mark>\ {{0,2}}(?:[:=|]|/)\ {{0,3}}|\ ?\n\ ?|\ {{1,4}}|は、?|が、?|の|「|、|\ ?\(|\ ?[)\]】>]\ ?)(?:「|『|\(|<)?"
    ))
});
static LATIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[A-Z][A-Za-z'’-]*(?:(?:,\ ?|\ )[A-Z][A-Za-z'’.-]*){1,4}"));
static HONORIFIC: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\ ?(?:様|さま|さん|氏|殿|くん|君|ちゃん|サマ)"));
static BEHIND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)^\ ?(?:\((?:[0-9一二三四五六七八九十]{1,3}\ ?[歳才]|男|女|明治|大正|昭和|平成|令和|[MTSHR][0-9]|(?:19|20)[0-9]{2}年)
        |、\ ?(?:明治|大正|昭和|平成|令和|[MTSHR][0-9]|(?:19|20)[0-9]{2}[年/.-])
        |と申し|といいま|と名乗|名義)",
    )
});

/// How sure the words before make it that a name follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// 「氏名：」
    Colon,
    /// 「氏名 」 and 「氏名は」: a name that is known, or written as one.
    Blank,
    /// 「世帯主の」: only a known name, whole.
    Known,
}

/// Finds them in a plain reading.
pub(super) fn find(reading: &Reading, hits: &mut Vec<Hit>) {
    let mut found: Vec<Range<usize>> = Vec::new();
    labelled(&reading.text, &mut found);
    honoured(&reading.text, &mut found);
    explained(&reading.text, &mut found);
    again(&reading.text, &mut found);
    hits.extend(found.into_iter().map(|range| Hit::new(Kind::Name, range)));
}

fn labelled(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(label) = LABEL.captures_at(text, at) {
        let (Some(whole), Some(mark)) = (label.get(0), label.name("mark")) else { break };
        let kana = ["カナ", "かな", "フリガナ", "ふりがな"]
            .iter()
            .any(|word| whole.as_str().contains(word));
        let trust = match mark.as_str().trim() {
            "" if kana => Trust::Colon,
            // 「（氏名）山田太郎」, but 「（世帯主）全員」.
            ")" | "]" | "】" | ">" if whole.as_str().contains("名") => Trust::Colon,
            ":" | "=" | "|" | "/" => Trust::Colon,
            "の" => Trust::Known,
            _ => Trust::Blank,
        };
        let begins_word = !text[..whole.start()].ends_with(['同', '各', '全', '非', '元']);
        let heads = mark.as_str().contains('/') && is_header(&text[whole.end()..]);
        let length = name_at(&text[whole.end()..], trust).filter(|_| begins_word && !heads);
        if let Some(length) = length {
            found.push(whole.end()..whole.end() + length);
        }
        // 「申請者（山田太郎）は」
        let inside = whole.as_str().find('(').map(|at| whole.start() + at + 1);
        if let Some(from) = inside.filter(|from| length.is_none() && *from < whole.end()) {
            found.extend(name_at(&text[from..], Trust::Blank).map(|length| from..from + length));
        }
        // Labels follow each other: 「申請者 氏名：」.
        at = length.map_or(next_char(text, whole.start()), |length| whole.end() + length);
    }
}

/// Whether a text begins with the header of a cell, as rows of tables are written:
/// 「対象: 外国人住民 / 必要なもの: 在留カード」.
fn is_header(text: &str) -> bool {
    let end = text.find([':', '/', '\n', '。', '、', ' ']).unwrap_or(text.len());
    text[end..].starts_with(':') && text[..end].chars().count() <= HEADER
}

fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Bytes of the name with which a text begins.
fn name_at(text: &str, trust: Trust) -> Option<usize> {
    let kanji = run(text, is_name_kanji);
    let length = if kanji > 0 {
        kanji_name(text, kanji, trust)
    } else if trust == Trust::Known {
        None
    } else if let Some(latin) = LATIN.find(text) {
        Some(latin.end())
    } else {
        kana_name(text, trust)
    };
    length.filter(|length| !is_no_name(&text[..*length]))
}

fn kanji_name(text: &str, kanji: usize, trust: Trust) -> Option<usize> {
    let (head, tail) = text.split_at(kanji);
    if let Some(family) = starts_with_surname(head) {
        let given = &head[family..];
        let chars = given.chars().count();
        if is_no_given(given) {
            return None;
        }
        if (1..=GIVEN).contains(&chars) {
            return ends_here(tail).then_some(kanji);
        }
        if chars == 0 {
            if let Some(length) = given_apart(tail) {
                return Some(kanji + length);
            }
            return (trust == Trust::Colon && ends_here(tail)).then_some(kanji);
        }
        // 東海林 is no 東: what is too long for a given name was no family name before it.
    }
    if trust == Trust::Known || head.chars().count() > FAMILY + GIVEN {
        return None;
    }
    if let Some(length) = given_apart(tail).filter(|_| head.chars().count() <= FAMILY) {
        let apart = tail.starts_with(' ') || trust == Trust::Colon;
        return apart.then_some(kanji + length);
    }
    let chars = head.chars().count();
    let sure = trust == Trust::Colon || chars >= 3 && head.ends_with(GIVEN_ENDS);
    (sure && (2..=7).contains(&chars) && ends_here(tail)).then_some(kanji)
}

/// A given name behind a family name: 「 太郎」, 「さくら」, 「 マリア」.
fn given_apart(tail: &str) -> Option<usize> {
    let blank = usize::from(tail.starts_with(' '));
    let rest = &tail[blank..];
    let kanji = run(rest, is_name_kanji);
    if kanji > 0 {
        let chars = rest[..kanji].chars().count();
        let next = &rest[kanji..];
        // 「山田 美ゆき」
        let kana = run(next, is_hiragana);
        let mixed = (1..=3).contains(&next[..kana].chars().count()) && !starts_particle(next);
        let length = if mixed { kanji + kana } else { kanji };
        let fits = chars <= GIVEN && !is_no_name(&rest[..kanji]);
        return (blank > 0 && fits && (mixed || ends_here(next))).then_some(blank + length);
    }
    let katakana = run(rest, is_katakana);
    if katakana > 0 {
        let chars = rest[..katakana].chars().count();
        let fits = (2..=8).contains(&chars) && ends_here(&rest[katakana..]);
        return fits.then_some(blank + katakana);
    }
    let kana = run(rest, is_hiragana);
    let length = hiragana_given(&rest[..kana], &rest[kana..], blank > 0)?;
    Some(blank + length)
}

/// Hiragana of a given name, without the particle behind it.
fn hiragana_given(kana: &str, next: &str, apart: bool) -> Option<usize> {
    let chars: Vec<(usize, char)> = kana.char_indices().collect();
    let whole = (2..=5).contains(&chars.len()) && !starts_particle(kana);
    let ends = [
        "です",
        "さん",
        "さま",
        "ちゃん",
        "くん",
        "と",
        "は",
        "が",
        "を",
        "に",
        "の",
        "も",
        "で",
        "から",
        "より",
        "だ",
        "へ",
    ];
    for &(at, _) in chars.iter().take(6).skip(2) {
        let rest = &kana[at..];
        if !starts_particle(kana) && ends.iter().any(|end| rest.starts_with(end)) {
            return Some(at);
        }
    }
    let closed =
        next.is_empty() || next.starts_with(|c: char| !is_kanji(c) && !c.is_alphanumeric());
    (whole && (apart || closed)).then_some(kana.len())
}

fn starts_particle(text: &str) -> bool {
    [
        "です",
        "でし",
        "では",
        "から",
        "まで",
        "より",
        "には",
        "とは",
        "という",
        "といい",
        "と申",
        "さん",
        "さま",
        "および",
        "ならび",
        "または",
        "を",
        "は",
        "が",
        "の",
        "に",
        "へ",
        "も",
        "と",
    ]
    .iter()
    .any(|word| text.starts_with(word))
}

fn kana_name(text: &str, trust: Trust) -> Option<usize> {
    let part = |c: char| is_katakana(c);
    let first = run(text, part);
    if first > 0 {
        let mut end = first;
        let mut parts = 1;
        while let Some(mark) = text[end..].chars().next().filter(|c| " ・=-".contains(*c)) {
            let next = run(&text[end + mark.len_utf8()..], part);
            if next == 0 {
                break;
            }
            end += mark.len_utf8() + next;
            parts += 1;
        }
        let chars = text[..end].chars().count();
        let fits = parts > 1 || trust == Trust::Colon && (2..=12).contains(&chars);
        return (fits && chars <= 40).then_some(end);
    }
    let family = run(text, is_hiragana);
    let blank = text[family..].strip_prefix(' ')?;
    let given = run(blank, is_hiragana);
    let chars = |text: &str| text.chars().count();
    let fits =
        (2..=6).contains(&chars(&text[..family])) && (2..=6).contains(&chars(&blank[..given]));
    (fits && (trust == Trust::Colon || closes(&blank[given..]))).then_some(family + 1 + given)
}

fn closes(text: &str) -> bool {
    text.is_empty() || text.starts_with(['\n', '。', '、', ' ', ')', '」', '('])
}

/// Names before 様 and the like.
fn honoured(text: &str, found: &mut Vec<Range<usize>>) {
    for mark in HONORIFIC.find_iter(text) {
        let honour = mark.as_str().trim();
        let after = &text[mark.end()..];
        let word = HONORIFIC_STOPS
            .iter()
            .any(|(mark, next)| *mark == honour && next.iter().any(|next| after.starts_with(next)));
        let length = if word { None } else { name_before(&text[..mark.start()], honour) };
        if let Some(length) = length {
            found.push(mark.start() - length..mark.start());
        }
    }
}

/// Bytes of the name with which a text ends.
fn name_before(text: &str, honour: &str) -> Option<usize> {
    let formal = matches!(honour, "殿" | "君");
    let katakana = run_back(text, |c| is_katakana(c) || c == '・' || c == '=');
    if katakana > 0 {
        let name = &text[text.len() - katakana..];
        let chars = name.chars().count();
        let fits = (2..=30).contains(&chars) && !STOPS.contains(&name) && !formal;
        return fits.then_some(katakana + family_before(&text[..text.len() - katakana]));
    }
    let kana = run_back(text, is_hiragana);
    if kana > 0 {
        return hiragana_before(text, kana, honour);
    }
    let given = run_back(text, is_name_kanji);
    if given == 0 {
        return None;
    }
    let head = &text[..text.len() - given];
    let apart = head.strip_suffix(' ').map(|head| run_back(head, is_name_kanji));
    if let Some(family) = apart.filter(|family| *family > 0) {
        let start = text.len() - given - 1 - family;
        let family = without_label(&text[start..start + family]);
        let (family_chars, given_chars) =
            (family.chars().count(), text[text.len() - given..].chars().count());
        let fits = (1..=FAMILY).contains(&family_chars) && (1..=GIVEN).contains(&given_chars);
        let name = &text[text.len() - given - 1 - family.len()..];
        if fits && !is_no_name(name) && !is_role(&text[text.len() - given..]) {
            return Some(name.len());
        }
    }
    kanji_before(&text[text.len() - given..], formal)
}

/// Bytes of a known family name, with a blank behind it or without, with which a text ends.
fn family_before(text: &str) -> usize {
    let head = text.strip_suffix(' ').unwrap_or(text);
    let family = run_back(head, is_name_kanji);
    let known = family > 0 && starts_with_surname(&head[head.len() - family..]) == Some(family);
    if known { family + text.len() - head.len() } else { 0 }
}

/// A run of kanji that ends with a name: 「申請者山田太郎」.
fn kanji_before(run: &str, formal: bool) -> Option<usize> {
    let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).collect();
    for start in &starts {
        let name = &run[*start..];
        let Some(family) = starts_with_surname(name) else { continue };
        let given = &name[family..];
        // 林業者 and 森林組合 begin with a family name of one character as well.
        let doubtful = name[..family].chars().count() == 1 && !given.is_empty();
        let fits = given.chars().count() <= GIVEN
            && !is_no_given(given)
            && !is_no_name(given)
            && (!doubtful || !is_role(name));
        if fits && (*start == 0 || is_prefix(&run[..*start])) {
            return Some(name.len());
        }
    }
    let name = without_label(run);
    let chars = name.chars().count();
    let least = if formal { 3 } else { 2 };
    let fits = (least..=7).contains(&chars) && !is_no_name(name) && !is_role(name);
    fits.then_some(name.len())
}

fn hiragana_before(text: &str, kana: usize, honour: &str) -> Option<usize> {
    let name = &text[text.len() - kana..];
    let head = &text[..text.len() - kana];
    let family = run_back(head, is_name_kanji);
    let chars = name.chars().count();
    if family > 0 {
        let before = &head[head.len() - family..];
        let known = before.char_indices().map(|(at, _)| at).find(|at| {
            starts_with_surname(&before[*at..]) == Some(before.len() - *at)
                && (*at == 0 || is_prefix(&before[..*at]))
        });
        let at = known.filter(|_| (2..=4).contains(&chars) && !starts_particle(name))?;
        return Some(kana + family - at);
    }
    let apart = head.strip_suffix(' ').map_or(0, |head| run_back(head, is_name_kanji));
    if apart > 0 && (2..=5).contains(&chars) && !STOPS.contains(&name) {
        return Some(kana + 1 + apart);
    }
    let begins = head.is_empty() || head.ends_with(|c: char| !c.is_alphanumeric());
    let fits = (2..=4).contains(&chars) && !STOPS.contains(&name) && !starts_particle(name);
    let honour_fits = matches!(honour, "さん" | "ちゃん" | "くん" | "様");
    (begins && fits && honour_fits && !name.starts_with('お')).then_some(kana)
}

/// Whole names that an age or a birth date explains: 「山田太郎（45歳）」.
fn explained(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < text.len() {
        let kanji = run(&text[at..], is_name_kanji);
        if kanji == 0 {
            at = next_char(text, at);
            continue;
        }
        let (word, tail) = (&text[at..at + kanji], &text[at + kanji..]);
        let apart = given_apart(tail);
        let length = match apart {
            Some(given) if starts_with_surname(word) == Some(kanji) => Some(kanji + given),
            _ => starts_with_surname(word)
                .filter(|family| (1..=GIVEN).contains(&word[*family..].chars().count()))
                .map(|_| kanji),
        };
        let named = |length: &usize| {
            BEHIND.is_match(&text[at + length..]) && !is_no_name(&text[at..at + length])
        };
        found.extend(length.filter(named).map(|length| at..at + length));
        at += kanji;
    }
}

/// Other places of a whole name that was found.
fn again(text: &str, found: &mut Vec<Range<usize>>) {
    let names: BTreeSet<&str> = found.iter().map(|range| &text[range.clone()]).collect();
    for name in names.into_iter().filter(|name| name.chars().count() >= 3).take(AGAIN) {
        found.extend(text.match_indices(name).map(|(at, _)| at..at + name.len()));
    }
}

fn is_name_kanji(c: char) -> bool {
    is_kanji(c) || matches!(c, 'ヶ' | 'ヵ')
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.chars().take_while(|c| belongs(*c)).map(char::len_utf8).sum()
}

fn run_back(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    let near = text.chars().rev().take(BACK);
    near.take_while(|c| belongs(*c)).map(char::len_utf8).sum()
}

/// No word goes on behind a name.
fn ends_here(tail: &str) -> bool {
    let Some(next) = tail.chars().next() else { return true };
    if !is_hiragana(next) {
        return !is_kanji(next) && !is_katakana(next);
    }
    [
        "は",
        "が",
        "を",
        "に",
        "の",
        "と",
        "も",
        "で",
        "さん",
        "さま",
        "ちゃん",
        "くん",
        "か",
        "や",
        "へ",
        "より",
        "だ",
        "ほか",
        "ら",
        "な",
    ]
    .iter()
    .any(|word| tail.starts_with(word))
}

fn is_no_name(name: &str) -> bool {
    NO_NAME.iter().any(|word| name.contains(word)) || STOPS.contains(&name)
}

fn is_role(name: &str) -> bool {
    STOPS.contains(&name) || ROLE_ENDS.iter().any(|end| name.ends_with(end))
}

/// What may stand right before a name in one run of kanji.
fn is_prefix(before: &str) -> bool {
    [
        "者", "人", "主", "夫", "妻", "父", "母", "男", "女", "子", "兄", "弟", "姉", "妹", "員",
        "長", "方", "課", "係", "名",
    ]
    .iter()
    .any(|end| before.ends_with(end))
}

/// 「健一」 of 「長男健一」.
fn without_label(run: &str) -> &str {
    let labels = [
        "申請者",
        "届出人",
        "届出者",
        "世帯主",
        "代理人",
        "請求者",
        "保護者",
        "被保険者",
        "受給者",
        "本人",
        "長男",
        "長女",
        "次男",
        "二男",
        "次女",
        "二女",
        "三男",
        "三女",
        "契約者",
        "相談者",
        "名義人",
        "夫",
        "妻",
        "父",
        "母",
    ];
    let label = labels
        .iter()
        .find(|label| run.strip_prefix(**label).is_some_and(|rest| rest.chars().count() >= 2));
    label.map_or(run, |label| &run[label.len()..])
}

#[cfg(test)]
mod tests {
    use crate::guard::personal::{Kind, find, find_kinds};

    #[test]
    fn names_are_found_whole() {
        for (text, name) in [
            ("氏名：山田太郎", "山田太郎"),
            ("氏名　山田　太郎　様", "山田　太郎"),
            ("申請者の佐藤花子は", "佐藤花子"),
            ("世帯主 鈴木一郎", "鈴木一郎"),
            ("山田さんから電話", "山田"),
            ("フリガナ：ﾔﾏﾀﾞ ﾀﾛｳ", "ﾔﾏﾀﾞ ﾀﾛｳ"),
            ("氏名：グエン・ヴァン・アン", "グエン・ヴァン・アン"),
            ("Name: Taro Yamada", "Taro Yamada"),
            ("長男健一さんの", "健一"),
            ("田中一郎（45歳）が来庁", "田中一郎"),
            ("山田さくらさんの", "山田さくら"),
            ("氏名：勅使河原 剛", "勅使河原 剛"),
            ("（氏名）東海林智美", "東海林智美"),
            ("申請者（山田太郎）は", "山田太郎"),
            ("住民（山田太郎、昭和55年に転入）", "山田太郎"),
            ("氏名 / 山田太郎 / 電話 / なし", "山田太郎"),
            ("区分: 住民 / 氏名: 山田太郎", "山田太郎"),
        ] {
            let found = find(text);
            let names: Vec<_> = found.iter().filter(|found| found.kind == Kind::Name).collect();
            assert_eq!(names.len(), 1, "{text}: {found:?}");
            assert_eq!(&text[names[0].range.clone()], name, "{text}");
        }
    }

    #[test]
    fn roles_words_and_places_are_no_names() {
        for text in [
            "お客様は皆様、申請者様もご利用者様も",
            "氏名：",
            "氏名及び住所を記入する",
            "申請者の住所を確認する",
            "世帯主変更届",
            "申請者（代理人を含む）は、保護者（父母など）と来る",
            "（本人）確認書類",
            "様式第3号の模様と仕様は同様とする",
            "代理人は委任状を持参する",
            "石川県と山口市の担当者さん",
            "市長殿",
            "たくさんの皆さん",
            "氏名：（記入欄）",
            "妻の年金",
            "患者さんの保護者さん",
            "区分: 外国人住民 / 必要なもの: 在留カード",
            "対象: 住民 / 支給額: 1万円",
        ] {
            assert_eq!(find_kinds(text), [], "{text}");
        }
    }
}
