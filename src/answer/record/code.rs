//! The short code of a record, to be read out, typed and found in a printed document.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 31 characters, a prime, so that the check finds every wrong or swapped character. I, L and O
/// are left out with 0 and 1, which they look like.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/// Characters with the check character, which is the last.
const LENGTH: usize = 10;

/// Ten characters without the hyphen that is shown in their middle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// A new one by chance.
    pub fn random() -> Self {
        let values: Vec<usize> =
            (1..LENGTH).map(|_| rand::random_range(0..ALPHABET.len())).collect();
        Self::of(&values)
    }

    fn of(values: &[usize]) -> Self {
        let letter = |value: usize| char::from(ALPHABET[value]);
        let mut code: String = values.iter().map(|value| letter(*value)).collect();
        code.push(letter(check(values)));
        Self(code)
    }

    /// Reads what was typed: in full or half width, upper or lower case, with or without hyphens
    /// and spaces. `None` where it is no code, or one with a wrong character.
    pub fn parse(typed: &str) -> Option<Self> {
        let plain = crate::text::normalize(typed).to_uppercase();
        let kept = plain.chars().filter(|c| !c.is_whitespace() && !is_hyphen(*c));
        let value = |c: char| ALPHABET.iter().position(|known| char::from(*known) == c);
        let values: Vec<usize> = kept.map(value).collect::<Option<_>>()?;
        let (last, first) = values.split_last()?;
        (values.len() == LENGTH && check(first) == *last).then(|| Self::of(first))
    }

    /// Without the hyphen, as in addresses and the database.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at_checked(LENGTH / 2).unwrap_or((self.0.as_str(), ""));
        write!(f, "{first}-{second}")
    }
}

/// Every weight differs and none is 0 modulo 31: one wrong character, or two that changed places,
/// always change the sum.
fn check(values: &[usize]) -> usize {
    values.iter().zip(2..).map(|(value, weight)| value * weight).sum::<usize>() % ALPHABET.len()
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '–' | '—' | '−' | 'ー' | '－')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for _ in 0..50 {
            let code = Code::random();
            let shown = code.to_string();
            assert_eq!(shown.len(), LENGTH + 1);
            for typed in [
                shown.clone(),
                shown.to_lowercase(),
                code.plain().to_owned(),
                shown.replace('-', "－"),
                format!(" {} ", shown.replace('-', " ")),
            ] {
                assert_eq!(Code::parse(&typed), Some(code.clone()), "{typed}");
            }
        }
    }

    #[test]
    fn a_wrong_or_swapped_character_is_found() {
        let code = Code::random();
        let letters: Vec<char> = code.plain().chars().collect();
        for at in 0..LENGTH {
            for other in ALPHABET.iter().map(|c| char::from(*c)).filter(|c| *c != letters[at]) {
                let mut wrong = letters.clone();
                wrong[at] = other;
                assert_eq!(Code::parse(&wrong.iter().collect::<String>()), None);
            }
            let mut swapped = letters.clone();
            swapped.swap(at, (at + 1) % LENGTH);
            if swapped != letters && at + 2 < LENGTH {
                assert_eq!(Code::parse(&swapped.iter().collect::<String>()), None);
            }
        }
        for typed in ["", "ABC", "IIIIIIIIII", "あいうえおかきくけこ"] {
            assert_eq!(Code::parse(typed), None, "{typed}");
        }
    }
}
