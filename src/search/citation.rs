//! Finds the citations in a question: 「地自法10条の2第3項」, 「同法施行令第五条及び第六条」.
//!
//! A law is recognized by the longest name that the chosen data sets know, then by the well-known
//! abbreviations, then by the short names of the town's own rules. Which passages a citation stands
//! for is looked up by the searcher.

use std::ops::Range;

use super::analysis::is_okurigana;
use super::provision::{Spelling, joins_word, step_at};
use super::short_names::{Meaning, meaning};
use super::titles::{Titles, title_key};
use crate::document::ArticleRef;
use crate::text::is_kanji;

/// More articles than this in one 「第N条から第M条まで」 are cut off.
const RANGE_ARTICLES_MAX: u64 = 10;

/// What a question cites, before the look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cited {
    /// Key of the law's title (see [`title_key`]).
    pub(super) law: String,
    /// The law as a person would write it.
    pub(super) law_written: String,
    /// False where no chosen data set has a law of this name.
    pub(super) law_known: bool,
    pub(super) provision: ArticleRef,
}

/// All that the reader of a question found.
#[derive(Debug, Default)]
pub(super) struct Citations {
    pub(super) cited: Vec<Cited>,
    /// Keys of known laws that are named, with or without an article.
    pub(super) laws: Vec<String>,
    /// The same for laws that no chosen data set has.
    pub(super) strangers: Vec<String>,
    /// The folded question with its citations blanked out.
    pub(super) rest: String,
}

#[derive(Clone)]
struct Law {
    key: String,
    written: String,
    known: bool,
}

struct Reader<'a> {
    text: &'a str,
    titles: &'a [&'a Titles],
    at: usize,
    law: Option<Law>,
    article: Option<ArticleRef>,
    /// End of the last citation, for lists such as 「第三条、第五条」.
    open_until: usize,
    spans: Vec<Range<usize>>,
    found: Citations,
}

/// Reads a folded question. `titles` are the tables of the chosen data sets, then of the
/// well-known abbreviations; only the former know which laws are at hand.
pub(super) fn read(folded: &str, titles: &[&Titles], well_known: &Titles) -> Citations {
    let mut tables = titles.to_vec();
    tables.push(well_known);
    let mut reader = Reader {
        text: folded,
        titles: &tables,
        at: 0,
        law: None,
        article: None,
        open_until: usize::MAX,
        spans: Vec::new(),
        found: Citations::default(),
    };
    while let Some(c) = reader.text[reader.at..].chars().next() {
        if !(reader.law_name() || reader.reference() || reader.step()) {
            reader.at += c.len_utf8();
        }
    }
    let mut rest = folded.to_owned();
    for span in reader.spans.iter().rev() {
        rest.replace_range(span.clone(), " ");
    }
    reader.found.rest = rest;
    reader.found
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn previous(&self) -> Option<char> {
        self.text[..self.at].chars().next_back()
    }

    /// A law's name here, with the provision behind it when there is one.
    fn law_name(&mut self) -> bool {
        let before = &self.text[..self.at];
        let qualified = ["改正", "現行", "当該"].iter().any(|prefix| before.ends_with(prefix));
        if self.previous().is_some_and(joins_word) && !qualified && self.open_until != self.at {
            return false;
        }
        let rest = self.rest();
        let matches = self.titles.iter().filter_map(|titles| titles.longest_at(rest));
        // Of equally long names the first table's counts: data sets come before abbreviations.
        let longest = matches.fold(None::<(usize, &str)>, |best, found| match best {
            Some(best) if best.0 >= found.0 => Some(best),
            _ => Some(found),
        });
        let Some((len, title)) = longest else { return false };
        let (len, key) = self.with_suffix(len, &title_key(title));
        let next = rest[len..].chars().next();
        let address = step_at(&rest[len..], Spelling::Address).is_some();
        if next.is_some_and(joins_word) && !address && !rest[len..].starts_with("附則") {
            return false;
        }
        let law = self.known(&key).unwrap_or_else(|| Law {
            written: if key == title_key(title) { title.to_owned() } else { key.clone() },
            key,
            known: false,
        });
        self.name(law, len);
        true
    }

    /// 「同法」「同条」「法第三条」「同法施行令」, which point back.
    fn reference(&mut self) -> bool {
        let Some(last) = self.law.clone() else { return false };
        if self.previous().is_some_and(joins_word) {
            return false;
        }
        let rest = self.rest();
        if rest.starts_with("同条") {
            let start = self.at;
            self.at += "同条".len();
            if let Some(article) = self.article.clone() {
                self.below(ArticleRef { paragraph: None, item: None, ..article });
                self.close(start);
            }
            return true;
        }
        let base = base_of(&last.key);
        for (word, suffix) in
            [("施行令", "施行令"), ("施行規則", "施行規則"), ("令", "施行令"), ("規則", "施行規則")]
        {
            if let Some(tail) = rest.strip_prefix(word)
                && tail.starts_with('第')
                && let Some(law) = self.known(&format!("{base}{suffix}"))
            {
                self.name(law, word.len());
                return true;
            }
        }
        let same =
            ["同法", "本法", "同令", "同規則", "同条例"].iter().find(|w| rest.starts_with(**w));
        let len = match same {
            Some(word) => word.len(),
            None if rest.starts_with("法第") => "法".len(),
            None => return false,
        };
        let key = if rest.starts_with("同法") || same.is_none() { base } else { &last.key };
        let (len, key) = self.with_suffix(len, key);
        let law = self.known(&key).unwrap_or(Law { key: key.clone(), written: key, known: false });
        self.name(law, len);
        true
    }

    /// A further article or paragraph in a list, or an article of a law that nobody knows.
    fn step(&mut self) -> bool {
        let supplement = self.rest().starts_with("附則");
        let Some(step) = step_at(self.rest(), Spelling::Running) else {
            return supplement && self.law.is_some() && self.address();
        };
        if step.unit == '条'
            && let Some((start, len, law)) = self.unlisted_law()
        {
            self.at = start;
            self.name(law, len);
            return true;
        }
        if self.previous().is_some_and(joins_word) || self.law.is_none() {
            self.at += step.len;
            return true;
        }
        match step.unit {
            '条' => {
                self.range_to(&step.key);
                self.address()
            }
            '項' if self.is_listed() && self.article.is_some() => {
                let start = self.at;
                let article = self.article.clone().unwrap_or_default();
                self.below(ArticleRef { paragraph: None, item: None, ..article });
                self.close(start);
                true
            }
            _ => {
                self.at += step.len;
                true
            }
        }
    }

    /// The law whose name stands in front and is in no table: its start, its bytes. A rule of the
    /// town is what its short name stands for; a law of the state is one that is not at hand.
    fn unlisted_law(&self) -> Option<(usize, usize, Law)> {
        let end = self.text[..self.at].trim_end_matches([' ', '」', '』']).len();
        let before = &self.text[..end];
        let (_, data_sets) = self.titles.split_last()?;
        let free = |start: usize| self.spans.last().is_none_or(|last| last.end <= start);
        let plain = word_start(before, false);
        for start in [word_start(before, true), plain] {
            if let Some(Meaning::Title(key)) = meaning(&before[start..], data_sets)
                && free(start)
                && let Some(law) = self.known(&key)
            {
                return Some((start, end - start, law));
            }
        }
        let name = &before[plain..];
        (is_law_of_state(name) && free(plain)).then(|| {
            let law = Law { key: name.to_owned(), written: name.to_owned(), known: false };
            (plain, name.len(), law)
        })
    }

    /// True right behind a citation and a connecting word.
    fn is_listed(&self) -> bool {
        let between = self.text.get(self.open_until..self.at).unwrap_or("?");
        between.chars().count() <= 4
            && between.chars().all(|c| "、,・とや及び並びに又は若しくはから ".contains(c))
    }

    /// 「第三条から第六条まで」: adds what lies between the last article and this one.
    fn range_to(&mut self, key: &str) {
        let between = self.text.get(self.open_until..self.at).unwrap_or_default();
        let last = self.article.as_ref().and_then(|article| article.article.parse::<u64>().ok());
        let (Some(first), Ok(last)) = (last, key.parse::<u64>()) else { return };
        if !matches!(between.trim(), "から" | "~" | "-" | "ないし" | "乃至") {
            return;
        }
        for number in (first + 1..last).take(RANGE_ARTICLES_MAX as usize) {
            let article = self.article.clone().unwrap_or_default();
            self.add(ArticleRef {
                article: number.to_string(),
                paragraph: None,
                item: None,
                ..article
            });
        }
    }

    /// Steps over a law's name and reads what is cited of it.
    fn name(&mut self, law: Law, len: usize) {
        let laws = if law.known { &mut self.found.laws } else { &mut self.found.strangers };
        if !laws.contains(&law.key) {
            laws.push(law.key.clone());
        }
        self.law = Some(law);
        self.article = None;
        let start = self.at;
        self.at += len;
        let tail = self.rest();
        let mut skip = tail.len() - tail.trim_start_matches([' ', '\u{3000}', '」', '』']).len();
        if tail[skip..].starts_with('(')
            && let Some(close) = tail[skip..].find(')')
        {
            skip += close + 1;
        }
        let spaced = &tail[skip..];
        skip += spaced.len() - spaced.trim_start_matches([' ', 'の', '、']).len();
        self.at += skip;
        if !self.address() {
            self.at -= skip;
            self.spans.push(start..self.at);
            self.open_until = self.at;
        } else if let Some(last) = self.spans.last_mut() {
            last.start = start;
        }
    }

    /// 「附則第一条第二項第三号」 here; false when there is nothing of the kind.
    fn address(&mut self) -> bool {
        let start = self.at;
        let mut provision = ArticleRef::default();
        if self.rest().starts_with("附則") {
            self.at += "附則".len();
            provision.supplement = Some(String::new());
        }
        match step_at(self.rest(), Spelling::Address) {
            Some(step) if step.unit == '条' => {
                self.at += step.len;
                provision.article = step.key;
            }
            _ if provision.supplement.is_some() => {}
            _ => return false,
        }
        self.below(provision);
        self.close(start);
        true
    }

    /// Reads 項 and 号 and adds the citation.
    fn below(&mut self, mut provision: ArticleRef) {
        if let Some(step) = self.next_step('項') {
            provision.paragraph = step.parse().ok();
        }
        if let Some(step) = self.next_step('号') {
            provision.item = Some(step);
        }
        self.add(provision);
    }

    fn next_step(&mut self, unit: char) -> Option<String> {
        let rest = self.rest();
        let space = rest.len() - rest.trim_start_matches([' ', 'の']).len();
        let step = step_at(&rest[space..], Spelling::Address).filter(|step| step.unit == unit)?;
        self.at += space + step.len;
        Some(step.key)
    }

    fn add(&mut self, provision: ArticleRef) {
        let Some(law) = &self.law else { return };
        let cited = Cited {
            law: law.key.clone(),
            law_written: law.written.clone(),
            law_known: law.known,
            provision: provision.clone(),
        };
        if !self.found.cited.contains(&cited) {
            self.found.cited.push(cited);
        }
        self.article = Some(provision);
    }

    fn close(&mut self, start: usize) {
        self.spans.push(start..self.at);
        self.open_until = self.at;
    }

    /// 会社法 followed by 施行令 is another law, whether or not it is at hand.
    fn with_suffix(&self, len: usize, key: &str) -> (usize, String) {
        let tail = &self.rest()[len..];
        let suffix = ["施行令", "施行規則", "施行条例", "施行細則"]
            .into_iter()
            .find(|suffix| tail.starts_with(suffix));
        match suffix {
            Some(suffix) => (len + suffix.len(), format!("{key}{suffix}")),
            None => (len, key.to_owned()),
        }
    }

    fn known(&self, key: &str) -> Option<Law> {
        let (_, data_sets) = self.titles.split_last()?;
        let written = data_sets.iter().find_map(|titles| titles.written(key))?;
        Some(Law { key: key.to_owned(), written: written.to_owned(), known: true })
    }
}

/// Start of the kanji and katakana at the end of a text, with 送り仮名 between kanji if asked.
fn word_start(text: &str, okurigana: bool) -> usize {
    let mut chars = text.char_indices().rev().peekable();
    let mut start = text.len();
    let mut followed_by_kanji = false;
    while let Some((at, c)) = chars.next() {
        let inner = okurigana
            && followed_by_kanji
            && is_okurigana(c)
            && chars.peek().is_some_and(|(_, c)| is_kanji(*c));
        if !(joins_word(c) || inner) {
            break;
        }
        followed_by_kanji = is_kanji(c);
        start = at;
    }
    start
}

/// True for what can only be the name of a law of the state: 所得税法, 会社法施行令.
fn is_law_of_state(name: &str) -> bool {
    const OTHER: [&str; 11] =
        ["本法", "新法", "旧法", "同法", "方法", "手法", "用法", "文法", "作法", "司法", "立法"];
    let law = ["施行令", "施行規則"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let kind = law.ends_with('法') || law.ends_with("法律");
    kind && !["法", "法律"].contains(&law) && !OTHER.contains(&law)
}

/// 会社法施行規則 belongs to 会社法.
fn base_of(key: &str) -> &str {
    let stripped = key.strip_suffix("施行令").or_else(|| key.strip_suffix("施行規則"));
    stripped.unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::super::titles::LawName;
    use super::*;
    use crate::text::fold;

    fn cited(question: &str) -> Vec<String> {
        let names = [
            "地方自治法",
            "地方自治法施行令",
            "会社法",
            "民法",
            "個人情報の保護に関する法律",
            "金融商品取引法",
            "金融商品取引法第二条に規定する定義に関する内閣府令",
            "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律",
            "みほん市空き家等の適切な管理に関する条例",
        ];
        let laws = names.map(|title| LawName { title: title.into(), abbreviations: Vec::new() });
        let (titles, well_known) = (Titles::of(laws), Titles::well_known());
        let found = read(&fold(question), &[&titles], &well_known);
        let show = |cited: &Cited| {
            let mark = if cited.law_known { "" } else { "?" };
            format!("{}{mark} {}", cited.law_written, cited.provision.label())
        };
        found.cited.iter().map(show).collect()
    }

    fn check(cases: &[(&str, &[&str])]) {
        for (question, expected) in cases {
            assert_eq!(cited(question), *expected, "{question}");
        }
    }

    #[test]
    fn one_article_in_many_spellings() {
        let article: &[&str] = &["地方自治法 第二百三十七条の二第三項第四号"];
        check(&[
            ("地方自治法第二百三十七条の二第三項第四号", article),
            ("地方自治法第237条の2第3項第4号の内容は？", article),
            ("地方自治法 ２３７条の２ 第３項 第４号", article),
            ("地方自治法（昭和22年法律第67号）第237条の2第3項第4号", article),
            ("地自法第237条の2の第3項第4号について", article),
            ("「地方自治法」第237条の2第3項第4号", article),
            ("民法七百九条", &["民法 第七百九条"]),
            ("個情法27条1項", &["個人情報の保護に関する法律 第二十七条第一項"]),
            (
                "薬機法第14条の2の2",
                &[
                    "医薬品、医療機器等の品質、有効性及び安全性の確保等に関する法律 第十四条の二の二",
                ],
            ),
        ]);
    }

    #[test]
    fn the_longest_title_is_meant() {
        check(&[
            (
                "金融商品取引法第二条に規定する定義に関する内閣府令第十条の二について教えて",
                &["金融商品取引法第二条に規定する定義に関する内閣府令 第十条の二"],
            ),
            ("地方自治法施行令第5条", &["地方自治法施行令 第五条"]),
            ("会社法施行令第5条", &["会社法施行令? 第五条"]),
            (
                "みほん市空き家等の適切な管理に関する条例第4条",
                &["みほん市空き家等の適切な管理に関する条例 第四条"],
            ),
        ]);
    }

    #[test]
    fn references_and_lists() {
        check(&[
            ("民法第3条及び第5条", &["民法 第三条", "民法 第五条"]),
            ("民法第3条第1項、第2項", &["民法 第三条第一項", "民法 第三条第二項"]),
            ("民法3条から6条まで", &["民法 第三条", "民法 第四条", "民法 第五条", "民法 第六条"]),
            (
                "会社法第2条と同法第8条、同条第2項",
                &["会社法 第二条", "会社法 第八条", "会社法 第八条第二項"],
            ),
            ("地方自治法第2条と同法施行令第3条", &["地方自治法 第二条", "地方自治法施行令 第三条"]),
            (
                "金商法第8条により規定される、法第4条第1項から第3項まで",
                &[
                    "金融商品取引法 第八条",
                    "金融商品取引法 第四条第一項",
                    "金融商品取引法 第四条第三項",
                ],
            ),
            ("民法附則第4条", &["民法 附則第四条"]),
            ("会社法第2条と民法第3条", &["会社法 第二条", "民法 第三条"]),
        ]);
    }

    #[test]
    fn a_town_s_rules_have_short_names() {
        let rule: &[&str] = &["みほん市空き家等の適切な管理に関する条例 第七条"];
        check(&[
            ("空家条例第7条", rule),
            ("空き家条例 第7条", rule),
            ("本市の「空き家条例」第七条の内容は？", rule),
            ("民法第3条と空家条例第7条", &["民法 第三条", rule[0]]),
        ]);
    }

    #[test]
    fn no_law_is_made_up() {
        check(&[
            ("第3条は何を定めていますか", &[]),
            ("三条市の二条通り", &[]),
            ("民法について", &[]),
            ("国民法第3条", &["国民法? 第三条"]),
            ("会社法第2条と所得税法第5条", &["会社法 第二条", "所得税法? 第五条"]),
            ("国籍法第2条", &["国籍法? 第二条"]),
            ("地公法第38条", &["地方公務員法? 第三十八条"]),
            ("国籍法 第2条", &["国籍法? 第二条"]),
            ("「国籍法」第2条", &["国籍法? 第二条"]),
            ("公園条例第3条", &[]),
            ("市規則第3条、この方法第2条", &[]),
        ]);
    }

    #[test]
    fn the_rest_has_no_citation() {
        let titles = Titles::of([LawName { title: "民法".into(), abbreviations: Vec::new() }]);
        let found = read("民法第3条及び第5条の内容は?", &[&titles], &Titles::well_known());
        assert_eq!(found.rest.replace(' ', ""), "及びの内容は?");
        assert_eq!(found.laws, ["民法"]);
    }
}
