//! What kind of character a character is, and the ordinary form of presentation forms.

/// U+FFFD stands for a glyph whose character is unknown.
pub(super) const UNKNOWN: char = '\u{FFFD}';
/// Shown in the text where a glyph could not be made out (the printers' 下駄 mark).
pub(super) const GETA: char = '〓';

/// CJK radicals (U+2E80–2EFF) that look like a whole character, and that character.
/// The Kangxi radicals (U+2F00–2FD5) have Unicode decompositions and need no table.
const RADICALS: &[(char, char)] = &[
    ('⺎', '兀'),
    ('⺒', '巳'),
    ('⺓', '幺'),
    ('⺔', '彑'),
    ('⺖', '忄'),
    ('⺘', '扌'),
    ('⺟', '母'),
    ('⺠', '民'),
    ('⺡', '氵'),
    ('⺣', '灬'),
    ('⺦', '丬'),
    ('⺨', '犭'),
    ('⺩', '王'),
    ('⺬', '示'),
    ('⺭', '礻'),
    ('⺮', '竹'),
    ('⺯', '糸'),
    ('⺲', '罒'),
    ('⺶', '羊'),
    ('⺹', '耂'),
    ('⺼', '月'),
    ('⺾', '艹'),
    ('⻁', '虎'),
    ('⻂', '衤'),
    ('⻃', '覀'),
    ('⻄', '西'),
    ('⻊', '足'),
    ('⻌', '辶'),
    ('⻑', '長'),
    ('⻖', '阝'),
    ('⻗', '雨'),
    ('⻘', '青'),
    ('⻝', '食'),
    ('⻞', '飠'),
    ('⻤', '鬼'),
    ('⻨', '麦'),
    ('⻩', '黄'),
    ('⻫', '斉'),
    ('⻭', '歯'),
    ('⻯', '竜'),
    ('⻲', '亀'),
];

/// Vertical presentation forms (U+FE10–FE19, U+FE30–FE48) and the ordinary character.
const VERTICAL: &[(char, char)] = &[
    ('︐', '，'),
    ('︑', '、'),
    ('︒', '。'),
    ('︓', '：'),
    ('︔', '；'),
    ('︕', '！'),
    ('︖', '？'),
    ('︗', '〖'),
    ('︘', '〗'),
    ('︙', '…'),
    ('︰', '‥'),
    ('︱', '―'),
    ('︲', '–'),
    ('︳', '＿'),
    ('︵', '（'),
    ('︶', '）'),
    ('︷', '｛'),
    ('︸', '｝'),
    ('︹', '〔'),
    ('︺', '〕'),
    ('︻', '【'),
    ('︼', '】'),
    ('︽', '《'),
    ('︾', '》'),
    ('︿', '〈'),
    ('﹀', '〉'),
    ('﹁', '「'),
    ('﹂', '」'),
    ('﹃', '『'),
    ('﹄', '』'),
    ('﹇', '［'),
    ('﹈', '］'),
];

/// Marks of the symbol fonts that office programs put before list items, by their code.
const BULLETS: &[(u32, char)] = &[
    (0x6C, '●'),
    (0x6E, '■'),
    (0x6F, '□'),
    (0x71, '□'),
    (0x75, '◆'),
    (0x76, '❖'),
    (0x77, '◆'),
    (0x9F, '・'),
    (0xA7, '■'),
    (0xA8, '◻'),
    (0xB7, '・'),
    (0xD8, '➢'),
    (0xE0, '→'),
    (0xE8, '➔'),
    (0xF0, '⇨'),
    (0xFC, '✓'),
];

/// The ordinary form of a character: presentation forms and radicals replaced, list marks
/// of symbol fonts named; what stays private, a control or unassigned becomes [`UNKNOWN`].
pub(super) fn ordinary(c: char) -> char {
    let code = u32::from(c);
    let mapped = |table: &[(char, char)]| table.iter().find(|(from, _)| *from == c).map(|t| t.1);
    match code {
        0x00 => ' ',
        0x01..=0x1F | 0x7F..=0x9F if !c.is_whitespace() => UNKNOWN,
        0xAD => '-',
        0x2E80..=0x2EFF => mapped(RADICALS).unwrap_or(c),
        0x2F00..=0x2FD5 => single_decomposition(c),
        0xFE10..=0xFE48 => mapped(VERTICAL).unwrap_or(c),
        0xF000..=0xF0FF => {
            let found = BULLETS.iter().find(|(from, _)| *from == code - 0xF000);
            found.map_or(UNKNOWN, |bullet| bullet.1)
        }
        0xE000..=0xF8FF | 0xF_0000..=0x10_FFFF | 0xFFFE | 0xFFFF => UNKNOWN,
        _ => c,
    }
}

/// A ligature of Latin letters (ﬁ) as its letters; any other character as itself.
pub(super) fn expanded(c: char) -> Vec<char> {
    let mut letters = Vec::new();
    match c {
        '\u{FB00}'..='\u{FB06}' => {
            unicode_normalization::char::decompose_compatible(c, |letter| letters.push(letter));
        }
        _ => letters.push(c),
    }
    letters
}

fn single_decomposition(c: char) -> char {
    let mut decomposed = c;
    unicode_normalization::char::decompose_compatible(c, |part| decomposed = part);
    decomposed
}

/// Kanji, kana and the marks that are set with them, without spaces between words.
pub(super) fn is_japanese(c: char) -> bool {
    matches!(u32::from(c),
        0x2E80..=0x30FF | 0x31F0..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0xFE10..=0xFE4F | 0xFF00..=0xFFEF | 0x2_0000..=0x3_FFFF
        | 0x2460..=0x24FF | 0x25A0..=0x25FF | 0x2010..=0x2026 | 0x203B)
}

/// A kanji, without kana and marks.
pub(super) fn is_kanji(c: char) -> bool {
    matches!(u32::from(c),
        0x3005..=0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0x2_0000..=0x3_FFFF)
}

/// A kana, long-vowel mark included: what a reading (ルビ) is made of.
pub(super) fn is_kana(c: char) -> bool {
    matches!(u32::from(c), 0x3041..=0x309F | 0x30A0..=0x30FF | 0xFF66..=0xFF9F)
}

/// A mark that ends a sentence.
pub(super) fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '!' | '?' | '.')
}

/// True when a line that starts so begins an item of its own: a bullet, a numbered clause,
/// an article heading.
pub(super) fn starts_item(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let rest = chars.as_str();
    let followed = |rest: &str| {
        rest.starts_with([' ', '\u{3000}', '．', '.', '、', ')', '）', '：', ':'])
            || rest.is_empty()
    };
    match first {
        '・' | '●' | '○' | '■' | '□' | '◆' | '◇' | '※' | '▼' | '▲' | '▶' | '➢' | '•' | '–'
        | '◎' | '★' | '☆' | '✓' | '⇨' | '◯' | '＊' | '*' => true,
        '①'..='⓿' | '㋐'..='㋾' | '㈠'..='㉃' => true,
        '(' | '（' | '〔' | '【' | '《' => closes_number(rest) || first == '【',
        '第' => {
            let end = rest.find(['条', '章', '節', '款', '項', '号', '編', '部', '回']);
            end.is_some_and(|end| end > 0 && rest[..end].chars().all(is_number))
        }
        '附' | '付' => rest.starts_with(['則', '表']) && rest.chars().count() < 6,
        '-' | '－' | '—' | '―' => rest.starts_with([' ', '\u{3000}']),
        c if is_number(c) => {
            let after = rest.trim_start_matches(is_number);
            after.len() < rest.len() + 1 && followed(after) && rest.len() - after.len() < 9
        }
        'ア'..='ン' | 'ｱ'..='ﾝ' | 'a'..='z' | 'A'..='Z' | 'Ａ'..='Ｚ' => {
            rest.starts_with(['\u{3000}', '．', ')', '）']) || rest.starts_with(". ")
        }
        _ => false,
    }
}

fn is_number(c: char) -> bool {
    c.is_ascii_digit()
        || ('０'..='９').contains(&c)
        || "〇一二三四五六七八九十百千のⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ".contains(c)
}

/// `１）…`, `ア）…`: what follows an opening bracket is a short label that closes at once.
fn closes_number(rest: &str) -> bool {
    let Some(end) = rest.find([')', '）', '〕', '》']) else {
        return false;
    };
    let label = &rest[..end];
    let single =
        label.chars().count() == 1 && label.chars().all(|c| is_kana(c) || c.is_alphabetic());
    !label.is_empty() && (single || label.chars().all(is_number))
}

/// Punctuation and brackets, whose own box holds the space beside them.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '、' | '。' | '，' | '．' | '・' | '：' | '；')
        || "「」『』（）〔〕［］【】〈〉《》｛｝()[]".contains(c)
}

/// Joins two lines or pieces of one paragraph: no space beside a Japanese character, a
/// word that was cut by a hyphen made whole, a space between words otherwise.
pub(super) fn join(text: &mut String, next: &str) {
    let (Some(last), Some(first)) = (text.chars().next_back(), next.chars().next()) else {
        text.push_str(next);
        return;
    };
    let mut before = text.chars().rev().skip(1);
    let cut = last == '-' && before.next().is_some_and(char::is_alphabetic);
    if cut && first.is_ascii_lowercase() {
        text.pop();
    } else if !is_japanese(last) && !is_japanese(first) && !last.is_whitespace() && !cut {
        text.push(' ');
    }
    text.push_str(next);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presentation_forms_become_ordinary() {
        for (from, to) in [
            ('︑', '、'),
            ('︵', '（'),
            ('⻑', '長'),
            ('⼀', '一'),
            ('\u{F0B7}', '・'),
            ('亜', '亜'),
        ] {
            assert_eq!(ordinary(from), to, "{from}");
        }
        for unreadable in ['\u{E000}', '\u{FFFD}', '\u{1}', '\u{F0000}'] {
            assert_eq!(ordinary(unreadable), UNKNOWN);
        }
    }

    #[test]
    fn items_start_lines() {
        for item in [
            "（1）目的",
            "１　申請",
            "第十条の二　市長は",
            "・住所",
            "①氏名",
            "ア　転入届",
            "1. 目的",
            "※注",
        ] {
            assert!(starts_item(item), "{item}");
        }
        for plain in [
            "市長は、",
            "１０月から",
            "２，３００円",
            "（以下「法」という。）",
            "第三者",
            "アメリカ",
        ] {
            assert!(!starts_item(plain), "{plain}");
        }
    }

    #[test]
    fn lines_join_as_their_script_asks() {
        for (a, b, joined) in [
            ("申請書を", "提出する", "申請書を提出する"),
            ("inter-", "national law", "international law"),
            ("the", "law", "the law"),
            ("Ver.", "２の", "Ver.２の"),
            ("A-", "1", "A-1"),
        ] {
            let mut text = a.to_owned();
            join(&mut text, b);
            assert_eq!(text, joined);
        }
    }
}
