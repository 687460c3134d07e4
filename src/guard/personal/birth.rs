//! Dates of birth: a date beside a word that says that somebody was born on it.

use std::sync::LazyLock;

use regex::Regex;

use super::context::pattern;
use super::reading::Reading;
use super::{Hit, Kind};

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:(?:明治|大正|昭和|平成|令和|[MTSHR明大昭平令])[.\ ]?)?
        (?:[0-9]{1,4}|元|[〇一二三四五六七八九十]{1,4})\ ?
        (?:\([^()\n]{1,8}\)\ ?)?(?:年|[./-])\ ?
        (?:\([^()\n]{1,8}\)\ ?)?(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})\ ?
        (?:月|[./-])\ ?(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})(?:\ ?日)?
        |(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])",
    )
});
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:生年月日|誕生年月日|誕生日|出生年月日|出生日|出生の日|生まれた日|生まれ|Birth(?:day)?|DOB)
        [^0-9。\n〇一二三四五六七八九十元明大昭平令MTSHR]{0,8}\n?\ ?(?:西暦|和暦)?\ ?[:(]?\ ?$",
    )
});
static BEHIND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)^\ ?(?:\([^()\n]{1,10}\))?\ ?(?:に|の|、)?\ ?[(]?(?:生まれ|出生|誕生|うまれ|生\ ?[)）]|生$|生[、。\n\ まの(]|生(?:ま|で))",
    )
});

/// Words behind a date that make a rule of it: everybody born before it.
const RULES: [&str; 9] = ["以前", "以後", "以降", "まで", "から", "より", "現在", "時点", "の間"];

/// Finds them in a plain reading.
pub(super) fn find(reading: &Reading, hits: &mut Vec<Hit>) {
    for found in DATE.find_iter(&reading.text) {
        let touches = reading.before(found.start(), 1).ends_with(|c: char| c.is_ascii_digit());
        let after = reading.after(found.end(), 16);
        if touches || after.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let rule = RULES.iter().any(|word| after.trim_start().starts_with(word));
        let before = BEFORE.is_match(reading.before(found.start(), 20));
        if !rule && (before || BEHIND.is_match(after)) {
            hits.push(Hit::new(Kind::BirthDate, found.range()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::personal::find_kinds;

    #[test]
    fn a_date_is_a_birth_date_by_its_words() {
        for text in [
            "生年月日：昭和55年4月1日",
            "生年月日　１９８０年４月１日",
            "S55.4.1生",
            "昭和五十五年四月一日生まれ",
            "平成元年1月8日に生まれた",
            "生年月日 19800401",
            "誕生日は1980/04/01です",
            "昭和55年4月1日生（46歳）",
        ] {
            assert_eq!(find_kinds(text), [Kind::BirthDate], "{text}");
        }
        for text in [
            "令和8年4月1日から施行する",
            "昭和22年法律第67号",
            "平成15年4月2日以後に生まれた者",
            "生年月日が昭和27年4月1日以前の方",
            "提出日：令和8年4月1日",
            "令和8年4月1日生活保護の申請",
        ] {
            assert_eq!(find_kinds(text), [], "{text}");
        }
    }
}
