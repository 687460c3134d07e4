//! The names under which the laws of an index are cited: official titles and abbreviations.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::abbreviations::ABBREVIATIONS;
use crate::text::fold;

/// A law or ordinance of the index, as kept in its side table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LawName {
    /// Official title, as written.
    pub(super) title: String,
    /// 略称 that its file states.
    pub(super) abbreviations: Vec<String>,
}

/// Names that can be found at the start of a text, longest first.
#[derive(Default)]
pub(super) struct Titles {
    /// First two characters of a folded name → (folded name, law), longest name first.
    names: HashMap<String, Vec<(String, usize)>>,
    /// Titles as written, by law.
    written: Vec<String>,
    by_fold: HashMap<String, usize>,
}

impl Titles {
    /// The names of these laws, and nothing else.
    pub(super) fn of(laws: impl IntoIterator<Item = LawName>) -> Self {
        let mut titles = Self::default();
        for law in laws {
            let id = titles.law(&law.title);
            for abbreviation in &law.abbreviations {
                titles.name(fold(abbreviation.trim()), id);
            }
        }
        titles.sort();
        titles
    }

    /// Well-known abbreviations, whether or not the law is at hand.
    pub(super) fn well_known() -> Self {
        let mut titles = Self::default();
        for (abbreviation, title) in ABBREVIATIONS {
            let id = titles.law(title);
            titles.name(fold(abbreviation), id);
        }
        titles.sort();
        titles
    }

    /// The longest name that the folded text starts with: its bytes and the law's key.
    pub(super) fn longest_at(&self, folded: &str) -> Option<(usize, &str)> {
        let names = self.names.get(head(folded)?)?;
        let (name, id) = names.iter().find(|(name, _)| folded.starts_with(name.as_str()))?;
        Some((name.len(), &self.written[*id]))
    }

    /// The title as written for a key made by [`title_key`].
    pub(super) fn written(&self, key: &str) -> Option<&str> {
        self.by_fold.get(key).map(|id| self.written[*id].as_str())
    }

    /// Keys of the titles, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_fold.keys().map(String::as_str)
    }

    fn law(&mut self, title: &str) -> usize {
        let key = title_key(title);
        if let Some(id) = self.by_fold.get(&key) {
            return *id;
        }
        let id = self.written.len();
        self.written.push(title.to_owned());
        self.by_fold.insert(key.clone(), id);
        self.name(key, id);
        id
    }

    fn name(&mut self, folded: String, id: usize) {
        if let Some(head) = head(&folded) {
            self.names.entry(head.to_owned()).or_default().push((folded, id));
        }
    }

    fn sort(&mut self) {
        for names in self.names.values_mut() {
            names.sort_by(|left, right| {
                right.0.len().cmp(&left.0.len()).then_with(|| left.cmp(right))
            });
            names.dedup();
        }
    }
}

/// The form in which a title is compared: folded, without the closing 抄 of an extract.
pub(super) fn title_key(title: &str) -> String {
    let folded = fold(title.trim());
    folded.strip_suffix('抄').map_or(folded.as_str(), str::trim_end).to_owned()
}

/// The first two characters; a name has at least two.
fn head(text: &str) -> Option<&str> {
    let (second, c) = text.char_indices().nth(1)?;
    Some(&text[..second + c.len_utf8()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_wins() {
        let law = |title: &str, abbreviations: &[&str]| LawName {
            title: title.to_owned(),
            abbreviations: abbreviations.iter().map(|&name| name.to_owned()).collect(),
        };
        let titles = Titles::of([
            law("会社法", &[]),
            law("会社法施行規則　抄", &["会規"]),
            law("会社法施行規則の特例", &[]),
        ]);
        for (text, expected) in [
            ("会社法第一条", Some("会社法")),
            ("会社法施行規則第一条", Some("会社法施行規則　抄")),
            ("会規1条", Some("会社法施行規則　抄")),
            ("会計法", None),
            ("会", None),
        ] {
            assert_eq!(titles.longest_at(text).map(|(_, title)| title), expected, "{text}");
        }
        assert_eq!(titles.written("会社法施行規則"), Some("会社法施行規則　抄"));
        let known = Titles::well_known();
        assert_eq!(
            known.longest_at("個情法2条").map(|(_, title)| title),
            Some("個人情報の保護に関する法律")
        );
    }
}
