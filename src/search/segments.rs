//! A text in words, all of it: for comparing two texts word by word.

use super::analysis::segmenter;

/// The words, blanks and marks of a text in order; together they are the text.
pub fn segments(text: &str) -> Vec<&str> {
    let segmenter = segmenter();
    let (mut start, mut found) = (0, Vec::new());
    for end in segmenter.segment_str(text).skip(1) {
        found.push(&text[start..end]);
        start = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn segments_are_the_whole_text() {
        let text = "転入届は、14日以内に提出する。\n（注）カード";
        let found = segments(text);
        assert_eq!(found.concat(), text);
        for word in ["転入", "14", "提出", "。", "カード"] {
            assert!(found.iter().any(|segment| segment.contains(word)), "{word} {found:?}");
        }
        assert!(segments("").is_empty());
    }
}
