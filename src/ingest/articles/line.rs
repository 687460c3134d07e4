//! What a single line of an ordinance is: 第X条, 第X章, 附則, 別表, （見出し）, a 項 number.

use crate::text::{normalize, parse_number};

/// Longest caption, chapter title or name of an appendix, in characters.
const LABEL_CHARS_MAX: usize = 40;

/// A line that begins with 第X条.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArticleLine {
    /// The number and its branches: 第十条の二 is `[10, 2]`.
    pub(super) number: Vec<u64>,
    /// Last number of a range of deleted articles; else as `number`.
    pub(super) last: Vec<u64>,
    /// 見出し on the same line: 「第１条（目的）」.
    pub(super) caption: Option<String>,
    /// True when a space, a caption or the line's end follows, as in print.
    pub(super) strict: bool,
    /// True when what follows reads like a reference inside a sentence (「第三条の規定により」).
    pub(super) reference: bool,
}

impl ArticleLine {
    pub(super) fn key(&self) -> String {
        self.number.iter().map(u64::to_string).collect::<Vec<_>>().join("-")
    }
}

/// Reads 第X条(のY)* at the start of a line.
pub(super) fn article(line: &str) -> Option<ArticleLine> {
    let (number, rest) = article_number(line.trim_start())?;
    let next = rest.chars().next();
    let mut found = ArticleLine {
        last: number.clone(),
        number,
        caption: None,
        strict: next.is_none_or(char::is_whitespace),
        reference: next
            .is_some_and(|c| "のにをはがとでへ、。，及又並若各から中第等関・～―-".contains(c)),
    };
    if let Some((caption, after)) = parenthesized(rest.trim_start()) {
        let closed = after.chars().next().is_none_or(|c| !"のにをはがとで、及又中等".contains(c));
        found.strict |= closed;
        found.reference = !closed;
        found.caption = closed.then(|| caption.to_owned());
    }
    let deleted = rest.trim_end().ends_with("削除") && rest.chars().count() <= LABEL_CHARS_MAX;
    if deleted {
        let joined =
            ["から", "及び", "・", "～", "―"].iter().find_map(|word| rest.strip_prefix(word));
        if let Some((last, _)) = joined.and_then(article_number) {
            found.last = last;
        }
        found.strict = true;
        found.reference = false;
    }
    Some(found)
}

fn article_number(text: &str) -> Option<(Vec<u64>, &str)> {
    let (first, rest) = numeral(text.strip_prefix('第')?.trim_start())?;
    let mut rest = rest.trim_start().strip_prefix('条')?;
    let mut number = vec![first];
    while let Some((branch, after)) = rest.strip_prefix(['の', 'ノ']).and_then(numeral) {
        number.push(branch);
        rest = after;
    }
    Some((number, rest))
}

/// A numeral at the start of a text, and what follows.
fn numeral(text: &str) -> Option<(u64, &str)> {
    let digit = |c: char| c.is_ascii_digit() || ('０'..='９').contains(&c);
    let kanji = |c: char| "〇一二三四五六七八九十百千".contains(c);
    let first = text.chars().next()?;
    let end = match (digit(first), kanji(first)) {
        (true, _) => text.find(|c| !digit(c)),
        (_, true) => text.find(|c| !kanji(c)),
        _ => return None,
    };
    let (number, rest) = text.split_at(end.unwrap_or(text.len()));
    parse_number(number).map(|number| (number, rest))
}

/// Text inside parentheses at the start, and what follows; nested ones belong to it.
fn parenthesized(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(['（', '(']) {
        return None;
    }
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '（' | '(' => depth += 1,
            '）' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let open = text.chars().next().map_or(0, char::len_utf8);
            return Some((text[open..at].trim(), &text[at + c.len_utf8()..]));
        }
    }
    None
}

/// A line that is wholly （見出し）; not the number of an ordinance.
pub(super) fn caption(line: &str) -> Option<&str> {
    let (inner, after) = parenthesized(line.trim())?;
    let fits = (1..=LABEL_CHARS_MAX).contains(&inner.chars().count());
    (after.is_empty() && fits && !inner.contains('。') && !is_law_number(inner)).then_some(inner)
}

/// The inside of a line that is wholly in parentheses.
pub(super) fn bracketed(line: &str) -> Option<&str> {
    parenthesized(line.trim()).filter(|(_, after)| after.is_empty()).map(|(inner, _)| inner)
}

/// A text and what stands in parentheses at its end; a text wholly in parentheses is behind an
/// empty one.
pub(super) fn bracketed_end(text: &str) -> (&str, Option<&str>) {
    let opens = |(at, _): (usize, &str)| {
        let (inner, after) = parenthesized(&text[at..])?;
        after.is_empty().then_some((text[..at].trim_end(), Some(inner)))
    };
    // A title has few parentheses; a line with more is none.
    text.match_indices(['（', '(']).take(8).find_map(opens).unwrap_or((text, None))
}

/// 「平成12年3月29日条例第10号」, 「桜市規則第３号」: a kind, then 第X号 at the end.
pub(super) fn is_law_number(text: &str) -> bool {
    const KINDS: [&str; 9] = ["条例", "規則", "訓令", "告示", "法律", "政令", "規程", "要綱", "訓"];
    let text = text.trim();
    let Some(head) = text.strip_suffix('号') else {
        return false;
    };
    let Some((kind, number)) = head.rsplit_once('第') else {
        return false;
    };
    text.chars().count() <= LABEL_CHARS_MAX
        && parse_number(number).is_some()
        && KINDS.iter().any(|known| kind.trim_end().ends_with(known))
}

/// 第X章 and its level (編 1, 章 2, 節 3, 款 4, 目 5). Lines of a table of contents, which end
/// with a range of articles, are none.
pub(super) fn chapter(line: &str) -> Option<(usize, String)> {
    let line = line.trim();
    let (_, rest) = numeral(line.strip_prefix('第')?.trim_start())?;
    let rest = rest.trim_start();
    let unit = rest.chars().next()?;
    let level = "編章節款目".chars().position(|known| known == unit)? + 1;
    let mut title = &rest[unit.len_utf8()..];
    while let Some((_, after)) = title.strip_prefix('の').and_then(numeral) {
        title = after;
    }
    let spaced = title.is_empty() || title.starts_with(char::is_whitespace);
    let range = title.contains('第') && title.contains('条');
    let fits = line.chars().count() <= LABEL_CHARS_MAX && !line.ends_with('。');
    (spaced && fits && !range).then(|| (level, line.to_owned()))
}

/// 附則, with the amending law in parentheses where it stands there.
pub(super) fn supplement(line: &str) -> Option<String> {
    let packed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    let rest = packed.strip_prefix("附則").or_else(|| packed.strip_prefix("付則"))?;
    let rest = rest.strip_suffix('抄').unwrap_or(rest);
    if rest.is_empty() {
        return Some(String::new());
    }
    bracketed(rest).map(|inner| if inner == "抄" { String::new() } else { inner.to_owned() })
}

/// 別表 or 様式: a short line that names an appendix.
pub(super) fn appendix(line: &str) -> bool {
    let line = line.trim();
    let Some(rest) =
        ["別表", "別記", "別紙", "様式"].iter().find_map(|word| line.strip_prefix(word))
    else {
        return false;
    };
    let after = rest.trim_start_matches("様式").trim_start_matches('第');
    let after = numeral(after).map_or(after, |(_, rest)| rest).trim_start_matches(['号', '表']);
    let named = after.is_empty() || after.starts_with(['（', '(', '　', ' ', 'の']);
    named
        && line.chars().count() <= LABEL_CHARS_MAX
        && !line.contains(['。', '、'])
        && !line.ends_with(['の', 'に', 'を', 'る'])
}

/// A 項 number before a space: 「２　前項の…」. `tight` takes it without the space as well, as it
/// comes out of many PDFs, where no counter follows (「２前項の」, not 「２年以内」).
pub(super) fn paragraph(line: &str, tight: bool) -> Option<u32> {
    let line = normalize(line.trim_start());
    let end = line.find(|c: char| !c.is_ascii_digit())?;
    let rest = &line[end..];
    let spaced = rest.starts_with(' ') && !rest.trim().is_empty();
    let counter = rest.starts_with(|c: char| {
        c.is_ascii()
            || "年月日人件円号条項章節歳時分回名割倍以第級階箇ヶか月週度万千百区丁番、。・～-"
                .contains(c)
    });
    let found = spaced || (tight && !counter);
    (found && (1..=2).contains(&end)).then(|| line[..end].parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_and_references_to_them() {
        let check = |line: &str, key: &str, strict: bool, caption: Option<&str>| {
            let found = article(line).unwrap();
            assert_eq!((found.key().as_str(), found.strict), (key, strict), "{line}");
            assert_eq!(found.caption.as_deref(), caption, "{line}");
        };
        check("第１条　この条例は", "1", true, None);
        check("　第十条の二　市長は", "10-2", true, None);
        check("第3条（定義）", "3", true, Some("定義"));
        check("第3条 (用語(略語)) この", "3", true, Some("用語(略語)"));
        check("第 5 条　この", "5", true, None);
        check("第４条この条例は", "4", false, None);
        check("第三条の規定により", "3", false, None);
        check("第三条（第二項を除く。）の規定", "3", false, None);
        assert!(article("第三条の規定により").unwrap().reference);
        let range = article("第５条から第７条まで　削除").unwrap();
        assert_eq!((range.number, range.last, range.strict), (vec![5], vec![7], true));
        assert_eq!(article("第１章　総則"), None);
        assert_eq!(article("第条"), None);
    }

    #[test]
    fn other_lines() {
        assert_eq!(chapter("第２章の２　手数料"), Some((2, "第２章の２　手数料".to_owned())));
        assert_eq!(chapter("第一章　総則（第一条―第五条）"), None);
        assert_eq!(chapter("第一章の規定は"), None);
        assert_eq!(supplement("附　則").as_deref(), Some(""));
        assert_eq!(
            supplement("附 則（令和５年条例第３号）").as_deref(),
            Some("令和５年条例第３号")
        );
        assert_eq!(supplement("附則第二条の規定"), None);
        assert_eq!(bracketed_end("題（一）（二）"), ("題（一）", Some("二")));
        assert_eq!(bracketed_end("（全部）"), ("", Some("全部")));
        assert_eq!(bracketed_end("題"), ("題", None));
        assert_eq!(caption("（目的）"), Some("目的"));
        assert_eq!(caption("（平成12年3月29日条例第10号）"), None);
        assert_eq!(caption("（注）を参照"), None);
        assert_eq!(paragraph("２　前項の規定", false), Some(2));
        assert_eq!(paragraph("２０２６年　度", false), None);
        assert_eq!(paragraph("2月 1日", true), None);
        assert_eq!(paragraph("２前項の規定", false), None);
        assert_eq!(paragraph("２前項の規定", true), Some(2));
        for (line, yes) in [
            ("別表第一（第３条関係）", true),
            ("別表", true),
            ("様式第１号（第５条関係）", true),
            ("別記様式第2号", true),
            ("別表に掲げる額を納める。", false),
            ("別表第一に掲げる額", false),
        ] {
            assert_eq!(appendix(line), yes, "{line}");
        }
    }
}
