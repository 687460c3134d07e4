//! A text without its personal data.
//!
//! What the box masks carries 「伏せた」 in its mark: the page has marks of its own, 「〔氏名1〕」,
//! whose originals it keeps in the browser, and the two must never be taken for each other.

use super::{Found, Kind, find};
use crate::config::{GuardConfig, Handling};

/// A text in which marks stand for personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    pub text: String,
    /// The kinds that were replaced, each once, in the order of [`Kind::ALL`].
    pub kinds: Vec<Kind>,
}

/// What the settings make of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screened {
    /// The text to go on with. Where something is refused, that is masked as well, so that the
    /// text may be shown again.
    pub text: String,
    /// Kinds that were masked.
    pub masked: Vec<Kind>,
    /// Kinds that were let through.
    pub noticed: Vec<Kind>,
    /// Kinds for which the whole text is refused.
    pub refused: Vec<Kind>,
}

impl Screened {
    /// What the person is told, in Japanese; empty when nothing was found.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.masked.is_empty() {
            let kinds = labels(&self.masked);
            notes.push(format!(
                "入力に含まれる{kinds}を伏せて扱いました。元の値は保存していません。"
            ));
        }
        if !self.noticed.is_empty() {
            let kinds = labels(&self.noticed);
            notes.push(format!(
                "入力に{kinds}が含まれています。必要がなければ、次からは除いてください。"
            ));
        }
        notes
    }
}

/// 「氏名、電話番号」
pub fn labels(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.label()).collect::<Vec<_>>().join("、")
}

/// Replaces what was found in a text by 〔伏せた氏名1〕 and the like. The same data gets the same
/// number, so that two persons stay two. `found` comes from [`find`] over this text.
pub fn mask(text: &str, found: &[Found]) -> Masked {
    let mut out = String::with_capacity(text.len());
    let mut seen: Vec<(Kind, &str)> = Vec::new();
    let mut at = 0;
    for each in found {
        let written = &text[each.range.clone()];
        let known = seen.iter().position(|seen| *seen == (each.kind, written));
        let place = known.unwrap_or_else(|| {
            seen.push((each.kind, written));
            seen.len() - 1
        });
        let number = seen[..=place].iter().filter(|(kind, _)| *kind == each.kind).count();
        out.push_str(&text[at..each.range.start]);
        out.push_str(&format!("〔伏せた{}{number}〕", each.kind.label()));
        at = each.range.end;
    }
    out.push_str(&text[at..]);
    Masked { text: out, kinds: kinds(found.iter()) }
}

/// Finds personal data in what somebody typed and does with it what the settings say.
pub fn screen(text: &str, config: &GuardConfig) -> Screened {
    screen_found(text, &find(text), config)
}

/// The same where it is found already: `found` comes from [`find`] over this text.
pub fn screen_found(text: &str, found: &[Found], config: &GuardConfig) -> Screened {
    let of = |handling: Handling| {
        kinds(found.iter().filter(|found| found.kind.handling(config) == handling))
    };
    let (masked, noticed, refused) =
        (of(Handling::Mask), of(Handling::Notice), of(Handling::Refuse));
    let hidden: Vec<Found> = found
        .iter()
        .filter(|found| found.kind.handling(config) != Handling::Notice)
        .cloned()
        .collect();
    Screened { text: mask(text, &hidden).text, masked, noticed, refused }
}

fn kinds<'f>(found: impl Iterator<Item = &'f Found>) -> Vec<Kind> {
    let present: Vec<Kind> = found.map(|found| found.kind).collect();
    Kind::ALL.into_iter().filter(|kind| present.contains(kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_data_has_the_same_number() {
        let text = "山田さんと佐藤さん。山田さんの電話は090-1234-5678。";
        let masked = mask(text, &find(text));
        assert_eq!(
            masked.text,
            "〔伏せた氏名1〕さんと〔伏せた氏名2〕さん。〔伏せた氏名1〕さんの電話は〔伏せた電話番号1〕。"
        );
        assert_eq!(masked.kinds, [Kind::Phone, Kind::Name]);
        assert_eq!(find(&masked.text), [], "marks are no personal data");
    }

    #[test]
    fn settings_decide_by_kind() {
        let text = "山田さんの電話は090-1234-5678、個人番号：123456789018";
        let screened = screen(text, &GuardConfig::default());
        assert_eq!(
            screened.text,
            "山田さんの電話は〔伏せた電話番号1〕、個人番号：〔伏せたマイナンバー1〕"
        );
        assert_eq!(screened.refused, [Kind::MyNumber]);
        assert_eq!(screened.masked, [Kind::Phone]);
        assert_eq!(screened.noticed, [Kind::Name]);
        let lax = GuardConfig { my_number: Handling::Mask, ..GuardConfig::default() };
        assert!(screen(text, &lax).refused.is_empty());
        let nothing = screen("転出届は何日前から出せますか", &lax);
        assert_eq!(
            (nothing.text.as_str(), nothing.notes()),
            ("転出届は何日前から出せますか", vec![])
        );
    }
}
