//! The short names that staff give to the rules of their own town: 「手数料条例」 for
//! 蔵崎市手数料条例, 「空家条例」 for 蔵崎市空家等の適切な管理に関する条例.

use super::analysis::drop_okurigana;
use super::titles::Titles;

/// Kinds of rules that a town makes, and that are called by short names.
const KINDS: &[&str] = &["条例", "規則", "規程", "要綱", "要領", "細則"];

/// Words before the name of a town's own rule.
const OWN: &[&str] = &["本市", "当市", "本町", "当町", "本村", "当村", "本区", "当区", "市", "町"];

/// Ends of a municipality's name.
const MUNICIPALITIES: &[char] = &['市', '町', '村', '区', '県', '都', '府', '道', '合', '域'];

/// Characters of a title that a short name keeps together, at least.
const PIECE_CHARS_MIN: usize = 2;

/// What a name that is no title stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The only title that fits; its key.
    Title(String),
    /// Several titles fit, or none.
    Open,
}

/// Finds the title that a short name stands for. `None` when the name is not of a kind that
/// towns shorten.
pub(super) fn meaning(name: &str, titles: &[&Titles]) -> Option<Meaning> {
    let kind = KINDS.iter().find(|kind| name.ends_with(**kind))?;
    let own = |name: &str| OWN.iter().find_map(|own| Some(name.strip_prefix(own)?.to_owned()));
    let names = [Some(name.to_owned()), own(name)];
    let titles: Vec<&str> = titles.iter().flat_map(|titles| titles.keys()).collect();
    for name in names.iter().flatten().map(|name| drop_okurigana(name)) {
        let Some(stem) = name.strip_suffix(kind) else { continue };
        if stem.chars().count() < PIECE_CHARS_MIN {
            continue;
        }
        let spelled = |title: &&&str| drop_okurigana(title).ends_with(&name);
        let ending: Vec<&str> = titles.iter().filter(spelled).copied().collect();
        let of_town = |title: &&&str| {
            let title = drop_okurigana(title);
            title.strip_suffix(&name).is_some_and(|town| town.ends_with(MUNICIPALITIES))
        };
        let named: Vec<&str> = ending.iter().filter(of_town).copied().collect();
        let worded = titles.iter().filter(|title| {
            let title = drop_okurigana(title);
            title.strip_suffix(kind).is_some_and(|body| has_in_order(body, stem))
        });
        let worded: Vec<&str> = worded.copied().collect();
        for mut fitting in [named, ending, worded] {
            fitting.sort_unstable();
            fitting.dedup();
            match fitting.as_slice() {
                [] => {}
                [only] => return Some(Meaning::Title((*only).to_owned())),
                _ => return Some(Meaning::Open),
            }
        }
    }
    Some(Meaning::Open)
}

/// True when `words` can be cut into pieces of [`PIECE_CHARS_MIN`] characters or more that the
/// title has in this order: 個人情報保護 in 個人情報の保護に関する.
fn has_in_order(title: &str, words: &str) -> bool {
    let (mut title, mut words) = (title, words);
    while !words.is_empty() {
        let ends = words.char_indices().map(|(at, c)| at + c.len_utf8());
        let longest = ends
            .skip(PIECE_CHARS_MIN - 1)
            .filter_map(|end| Some((title.find(&words[..end])? + end, end)))
            .last();
        let Some((read, end)) = longest else { return false };
        title = &title[read..];
        words = &words[end..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::titles::LawName;
    use super::*;

    fn meant(name: &str) -> Option<String> {
        let names = [
            "みほん市手数料条例",
            "みほん市消防手数料条例",
            "みほん市空き家等の適切な管理に関する条例",
            "みほん市個人情報の保護に関する条例",
            "みほん市文書管理規程",
            "みほん市営住宅条例",
            "みほん市営住宅の駐車場に関する条例",
            "みほん市公園条例",
            "みほん市都市公園条例施行規則",
            "会社法",
        ];
        let laws = names.map(|title| LawName { title: title.into(), abbreviations: Vec::new() });
        match meaning(name, &[&Titles::of(laws)])? {
            Meaning::Title(key) => Some(key),
            Meaning::Open => Some(String::new()),
        }
    }

    #[test]
    fn the_only_fitting_title_is_meant() {
        for (name, expected) in [
            ("手数料条例", "みほん市手数料条例"),
            ("本市手数料条例", "みほん市手数料条例"),
            ("消防手数料条例", "みほん市消防手数料条例"),
            ("空家条例", "みほん市空き家等の適切な管理に関する条例"),
            ("空き家条例", "みほん市空き家等の適切な管理に関する条例"),
            ("個人情報保護条例", "みほん市個人情報の保護に関する条例"),
            ("文書管理規程", "みほん市文書管理規程"),
            ("公園条例施行規則", "みほん市都市公園条例施行規則"),
            ("住宅条例", "みほん市営住宅条例"),
            ("市営条例", ""),
            ("廃棄物条例", ""),
            ("市条例", ""),
            ("条例", ""),
        ] {
            assert_eq!(meant(name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(meant("社法"), None);
        assert_eq!(meant("所得税法"), None);
    }
}
