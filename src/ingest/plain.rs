//! Plain text. Blank lines part the blocks; lines set off as headings (■…, 【…】) become headings.

use super::outline::Outline;
use super::{IngestError, encoding};
use crate::document::Document;

/// Longest line that may be a title or heading, in characters.
const HEADING_CHARS_MAX: usize = 40;

/// Longest 件名 of a letter, in characters, and how far down it may stand, in lines.
const SUBJECT_CHARS_MAX: usize = 80;
const SUBJECT_LINES_MAX: usize = 12;

/// Reads a text file; `name` is the title where its first line is none.
///
/// # Errors
/// [`IngestError::Garbled`]
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let decoded = encoding::decode(bytes, None)?;
    let mut outline = Outline::default();
    for line in decoded.text.lines() {
        match heading(line) {
            Some((level, text)) => outline.heading(level, text),
            None if line.trim().is_empty() => outline.flush(),
            None => outline.block(line.trim_end()),
        }
    }
    let head = || decoded.text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = head().next().filter(|line| is_title(line));
    let first = first.map(|line| heading(line).map_or(line, |(_, text)| text));
    let subject = head().take(SUBJECT_LINES_MAX).find(|line| is_subject(line));
    let title = subject.or(first).or(outline.first_heading()).unwrap_or(name);
    Ok(Document {
        title: title.to_owned(),
        warnings: decoded.warnings(),
        sections: outline.finish(),
        law: None,
    })
}

/// A heading and its level. Only marks that nothing else begins with count.
fn heading(line: &str) -> Option<(usize, &str)> {
    let line = line.trim();
    if line.chars().count() > HEADING_CHARS_MAX || line.ends_with('。') {
        return None;
    }
    if let Some(inner) = line.strip_prefix('【').and_then(|rest| rest.strip_suffix('】')) {
        return (!inner.contains(['【', '】'])).then_some((2, inner));
    }
    for (mark, level) in [('■', 1), ('◆', 2)] {
        if let Some(rest) = line.strip_prefix(mark) {
            let rest = rest.trim();
            return (!rest.is_empty()).then_some((level, rest));
        }
    }
    None
}

/// 件名 of a notice: 「…について（通知）」.
fn is_subject(line: &str) -> bool {
    let end = line.rfind(['（', '(']).filter(|_| line.ends_with(['）', ')']));
    line[..end.unwrap_or(line.len())].trim_end().ends_with("について")
        && line.chars().count() <= SUBJECT_CHARS_MAX
        && !line.starts_with(|c: char| c.is_numeric() || "（(・○".contains(c))
}

/// A first line that names the document: short, no sentence, no provision, no list.
fn is_title(line: &str) -> bool {
    let starts_otherwise = line.starts_with(['第', '（', '(', '・', '○', '●', '-', '*', 'Q', 'Ｑ'])
        || line.starts_with(|c: char| c.is_numeric());
    line.chars().count() <= HEADING_CHARS_MAX
        && !starts_otherwise
        && !line.ends_with(['号', '日', '様', '殿'])
        && !line.contains(['。', '、', '：', ':', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_headings_and_title() {
        let text = "\u{feff}窓口の手引\r\n\r\n■ 転入届\r\n十四日以内に届け出る。\r\n\r\n【必要なもの】\r\n本人確認書類\r\n";
        let document = read(text.as_bytes(), "file").unwrap();
        assert_eq!(document.title, "窓口の手引");
        let found: Vec<_> =
            document.sections.iter().map(|s| (s.headings.join(">"), s.text.as_str())).collect();
        assert_eq!(
            found,
            [
                (String::new(), "窓口の手引"),
                ("転入届".to_owned(), "十四日以内に届け出る。"),
                ("転入届>必要なもの".to_owned(), "本人確認書類"),
            ]
        );
    }

    #[test]
    fn a_file_without_a_title_line_takes_its_name() {
        let document = read("これは、手続の説明です。\n次の行。".as_bytes(), "説明").unwrap();
        assert_eq!(document.title, "説明");
        assert_eq!(document.sections[0].text, "これは、手続の説明です。\n次の行。");
        let letter =
            "総務第318号\n令和6年12月2日\n各市町村長　殿\n手数料の額について（通知）\n本文。";
        assert_eq!(read(letter.as_bytes(), "a").unwrap().title, "手数料の額について（通知）");
        assert_eq!(read("桜市手数料条例\n本文。".as_bytes(), "a").unwrap().title, "桜市手数料条例");
    }
}
