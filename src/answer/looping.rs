//! A small model may write the same words without end: seen in the text, so that it can be ended.

/// Repetitions in a row that make a loop.
const TIMES: usize = 4;

/// Shortest and longest unit that is looked for, in characters.
const UNIT: std::ops::RangeInclusive<usize> = 2..=60;

/// A loop has at least this many characters in all: 「はは は」 is none.
const SHORTEST: usize = 24;

/// True when the text ends with one unit written several times in a row.
pub(super) fn is_looping(text: &str) -> bool {
    let most = UNIT.end() * TIMES;
    let mut tail: Vec<char> = text.chars().rev().take(most).collect();
    tail.reverse();
    UNIT.into_iter().any(|unit| {
        let times = TIMES.max(SHORTEST.div_ceil(unit));
        let Some(from) = tail.len().checked_sub(unit * times) else { return false };
        let run = &tail[from..];
        run.chunks(unit).all(|chunk| chunk == &run[..unit])
    })
}

#[cfg(test)]
mod tests {
    use super::is_looping;

    #[test]
    fn loops_are_told_from_text() {
        let once = "燃やさないごみ: 火・金 / ";
        assert!(is_looping(&format!("地区: 港町 / {}", once.repeat(4))));
        assert!(is_looping(&"第二条第".repeat(9)));
        assert!(is_looping(&"あ".repeat(30)));
        for text in [
            "",
            "住民票の写しの交付手数料は、一通につき三百円とする。",
            "1,000円、1,000円、1,000円",
            "第一条　目的。第二条　定義。第三条　責務。第四条　計画。第五条　報告。",
        ] {
            assert!(!is_looping(text), "{text}");
        }
    }
}
