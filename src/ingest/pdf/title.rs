//! The title: what the file's own information says, where that is a title at all.

/// Longest title that is believed, in characters.
const LENGTH_MAX: usize = 100;

/// The Title entry of the document information, decoded, or `None` when it is a file name, a
/// program's default or unreadable.
pub(super) fn from_info(bytes: &[u8]) -> Option<String> {
    let title = decode(bytes)?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    sane(&title).then_some(title)
}

fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.to_owned()),
            // Programs that do not know the rules write the code page of their machine.
            Err(_) => {
                let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(bytes);
                (!bad).then(|| text.into_owned())
            }
        },
    }
}

fn sane(title: &str) -> bool {
    const DEFAULTS: [&str; 16] = [
        "untitled",
        "無題",
        "名称未設定",
        "スライド 1",
        "スライド1",
        "powerpoint プレゼンテーション",
        "powerpoint presentation",
        "タイトルなし",
        "no title",
        "title",
        "タイトル",
        "document",
        "slide 1",
        "文書",
        "新規ドキュメント",
        "プレゼンテーション",
    ];
    const EXTENSIONS: [&str; 18] = [
        ".doc", ".docx", ".docm", ".xls", ".xlsx", ".xlsm", ".ppt", ".pptx", ".pdf", ".jtd",
        ".jtdc", ".indd", ".ai", ".txt", ".tex", ".dvi", ".html", ".xdw",
    ];
    let lower = title.to_lowercase();
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    (2..=LENGTH_MAX).contains(&title.chars().count())
        && letters >= 2
        && title
            .chars()
            .all(|c| !c.is_control() && super::chars::ordinary(c) != super::chars::UNKNOWN)
        && !lower.starts_with("microsoft ")
        && !lower.starts_with("document")
        && !DEFAULTS.contains(&lower.as_str())
        && !EXTENSIONS.iter().any(|extension| lower.ends_with(extension))
        && !title.contains(['\\', '/'])
        && (!title.contains('_') || title.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_be_bytes);
        [0xFE, 0xFF].into_iter().chain(units).collect()
    }

    #[test]
    fn titles_and_what_is_none() {
        let kept = Some("蔵市介護保険条例".to_owned());
        assert_eq!(from_info(&utf16("蔵市介護保険条例")), kept);
        assert_eq!(from_info(&encoding_rs::SHIFT_JIS.encode("蔵市介護保険条例").0), kept);
        for none in [
            "Microsoft Word - 条例.doc",
            "R6_yosan_final",
            "untitled",
            "会議資料.pdf",
            "12",
            "",
            "C:\\work\\a",
            "文字\u{FFFD}化け",
        ] {
            assert_eq!(from_info(&utf16(none)), None, "{none}");
        }
    }
}
