//! Bytes to text: the encodings that Japanese offices really use, told by mark, by label or by
//! statistics. A file that none of them explains is an error, not noise in the index.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use super::IngestError;

/// Share of unreadable characters, in percent, from which a text is refused.
const GARBLED_PERCENT_MIN: usize = 2;

/// A text and how much of it could not be made out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text, without a byte order mark, lines ended by `\n`.
    pub(crate) text: String,
    /// Characters that came out as U+FFFD or as control characters; under the limit.
    pub(crate) unreadable: usize,
}

impl Decoded {
    /// What a reader puts into `Document.warnings`: nothing when all was readable.
    pub(crate) fn warnings(&self) -> Vec<String> {
        match self.unreadable {
            0 => Vec::new(),
            count => {
                vec![format!("{count}文字を判読できませんでした。文字コードを確認してください。")]
            }
        }
    }
}

/// Decodes a text file. `label` is what the file says of itself (`<meta charset>`, the XML
/// declaration) and is believed only where the bytes agree.
///
/// # Errors
/// [`IngestError::Garbled`] when 2% or more of the characters are unreadable.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> Result<Decoded, IngestError> {
    let (encoding, start) = match Encoding::for_bom(bytes) {
        Some((encoding, mark_length)) => (encoding, mark_length),
        None => (detect(bytes, label), 0),
    };
    let (text, _) = encoding.decode_without_bom_handling(&bytes[start..]);
    let unreadable = text.chars().filter(|c| is_unreadable(*c)).count();
    let total = text.chars().filter(|c| !c.is_whitespace()).count().max(1);
    if unreadable * 100 >= total * GARBLED_PERCENT_MIN && unreadable > 0 {
        let percent = (unreadable * 100).div_ceil(total).min(100);
        return Err(IngestError::Garbled(u32::try_from(percent).unwrap_or(100)));
    }
    Ok(Decoded { text: text.replace("\r\n", "\n").replace(['\r', '\u{c}'], "\n"), unreadable })
}

/// What a file says of its encoding in its first bytes: `charset=…` or `encoding="…"`.
pub(crate) fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let found =
        ["charset=", "encoding="].iter().filter_map(|key| head.find(key).map(|at| at + key.len()));
    let label: String = head[found.min()?..]
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!label.is_empty()).then_some(label)
}

/// A character that no office document means: a replacement or a control other than line ends.
fn is_unreadable(c: char) -> bool {
    c == char::REPLACEMENT_CHARACTER
        || (c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{1a}'))
}

fn detect(bytes: &[u8], label: Option<&str>) -> &'static Encoding {
    if bytes.contains(&0) {
        return utf16_order(bytes);
    }
    let escapes = bytes.windows(2).any(|pair| matches!(pair, [0x1b, b'$' | b'(']));
    if escapes && bytes.is_ascii() {
        return ISO_2022_JP;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let labelled = label.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    if let Some(encoding) = labelled.filter(|encoding| damage(encoding, bytes) == 0) {
        return encoding;
    }
    if nearly_utf8(bytes) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let guess = detector.guess(Some(b"jp"), Utf8Detection::Allow);
    let japanese = [SHIFT_JIS, EUC_JP, ISO_2022_JP, UTF_8];
    if japanese.contains(&guess) && damage(guess, bytes) == 0 {
        return guess;
    }
    // A damaged or mixed file: the Japanese encoding that explains most of it.
    [SHIFT_JIS, EUC_JP, UTF_8]
        .into_iter()
        .min_by_key(|encoding| (damage(encoding, bytes), usize::from(*encoding != guess)))
        .unwrap_or(SHIFT_JIS)
}

/// Characters that come out unreadable under an encoding.
fn damage(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    text.chars().filter(|c| is_unreadable(*c)).count()
}

/// UTF-16 without a mark: the order in which more characters are Japanese or ASCII.
fn utf16_order(bytes: &[u8]) -> &'static Encoding {
    let plausible = |encoding: &'static Encoding| {
        let (text, _) = encoding.decode_without_bom_handling(bytes);
        let ascii = |c: char| matches!(c, '\n' | '\r' | '\t' | ' '..='~');
        let kana = |c: char| matches!(c, '\u{3000}'..='\u{30ff}' | '\u{ff01}'..='\u{ff9f}');
        let kanji = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
        let known = |c: &char| ascii(*c) || kana(*c) || kanji(*c);
        text.chars().filter(known).count()
    };
    let (little, big) = (plausible(UTF_16LE), plausible(UTF_16BE));
    // NUL bytes in a text of single bytes are damage, not UTF-16: let UTF-8 show it.
    let single = bytes.iter().filter(|byte| matches!(byte, b'\n' | b' '..=b'~')).count();
    match little.max(big) * 2 {
        found if found < bytes.len() / 2 && single > found => UTF_8,
        _ if little >= big => UTF_16LE,
        _ => UTF_16BE,
    }
}

/// UTF-8 that was cut or lightly damaged: few errors among many well-formed long characters.
fn nearly_utf8(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let broken = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    let long = text.chars().filter(|c| c.len_utf8() > 2).count() - broken;
    long >= broken * 10
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "転入届は、引っ越した日から十四日以内に届け出てください。\n手数料は三百円です。ｶﾅ①\n";

    fn check(bytes: &[u8], label: Option<&str>, expected: &str) {
        let decoded = decode(bytes, label).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.unreadable), (expected, 0));
    }

    #[test]
    fn every_office_encoding_is_told() {
        let utf16 = |order: fn(u16) -> [u8; 2]| TEXT.encode_utf16().flat_map(order).collect();
        let little: Vec<u8> = utf16(u16::to_le_bytes);
        let big: Vec<u8> = utf16(u16::to_be_bytes);
        check(TEXT.as_bytes(), None, TEXT);
        check(&[b"\xef\xbb\xbf", TEXT.as_bytes()].concat(), None, TEXT);
        check(&SHIFT_JIS.encode(TEXT).0, None, TEXT);
        check(&little, None, TEXT);
        check(&big, None, TEXT);
        check(&[b"\xff\xfe".as_slice(), &little].concat(), None, TEXT);
        check(&[b"\xfe\xff".as_slice(), &big].concat(), None, TEXT);
        let without_kana = TEXT.replace("ｶﾅ①", "");
        check(&EUC_JP.encode(&without_kana).0, None, &without_kana);
        check(&ISO_2022_JP.encode(&without_kana).0, None, &without_kana);
    }

    #[test]
    fn short_texts_and_labels() {
        check(
            &SHIFT_JIS.encode("氏名,住所\n山田太郎,札幌市\n").0,
            None,
            "氏名,住所\n山田太郎,札幌市\n",
        );
        check(
            &EUC_JP.encode("氏名,住所\n山田太郎,札幌市\n").0,
            None,
            "氏名,住所\n山田太郎,札幌市\n",
        );
        check(&SHIFT_JIS.encode("ﾔﾏﾀﾞ").0, Some("Shift_JIS"), "ﾔﾏﾀﾞ");
        check(TEXT.as_bytes(), Some("Shift_JIS"), TEXT);
        check(b"plain\r\nascii\r", None, "plain\nascii\n");
        check(b"", None, "");
    }

    #[test]
    fn a_cut_text_is_read_with_a_warning_and_noise_is_refused() {
        let long = TEXT.repeat(5);
        let decoded = decode(&long.as_bytes()[..long.len() - 2], None).unwrap();
        assert_eq!(decoded.unreadable, 1);
        assert_eq!(decoded.warnings().len(), 1);
        let noise: Vec<u8> =
            (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(matches!(decode(&noise, None), Err(IngestError::Garbled(_))));
    }
}
