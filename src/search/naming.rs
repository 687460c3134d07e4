//! Which laws and articles a sentence of an answer names, read as citations in a question are.
//!
//! The laws at hand are those of the passages that the answer was given. An article without a law
//! (「第5条第2項によると」) is read as well, since a sentence about one passage need not repeat
//! where it is from.

use super::citation;
use super::provision::{Spelling, step_at};
use super::titles::{LawName, Titles, title_key};
use crate::document::{ArticleRef, Passage};
use crate::text::fold;

/// A law, or a provision of a law, that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Key of the law's title (see [`Names::key`]); `None` where only an article is named.
    pub law: Option<String>,
    /// `None` where only the law is named.
    pub provision: Option<ArticleRef>,
}

/// Reads names, knowing the laws of some passages.
pub struct Names {
    titles: Titles,
    well_known: Titles,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    pub fn of<'p>(passages: impl IntoIterator<Item = &'p Passage>) -> Self {
        let of_articles = passages.into_iter().filter(|passage| passage.article.is_some());
        let laws = of_articles.map(|passage| LawName {
            title: passage.title.clone(),
            abbreviations: passage.abbreviations.clone(),
        });
        Self { titles: Titles::of(laws), well_known: Titles::well_known() }
    }

    /// The form in which titles of laws are compared.
    pub fn key(title: &str) -> String {
        title_key(title)
    }

    /// What a text names, each once.
    pub fn read(&self, text: &str) -> Vec<Named> {
        let found = citation::read(&fold(text), &[&self.titles], &self.well_known);
        let cited = found
            .cited
            .into_iter()
            .map(|cited| Named { law: Some(cited.law), provision: Some(cited.provision) });
        let mut named: Vec<Named> = cited.collect();
        for law in found.laws.into_iter().chain(found.strangers) {
            if named.iter().all(|named| named.law.as_deref() != Some(&law)) {
                named.push(Named { law: Some(law), provision: None });
            }
        }
        for provision in bare_articles(&found.rest) {
            let bare = Named { law: None, provision: Some(provision) };
            if !named.contains(&bare) {
                named.push(bare);
            }
        }
        named
    }
}

/// Articles in a folded text that stand behind no law.
fn bare_articles(text: &str) -> Vec<ArticleRef> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        // Without 第 it is a count as often: 3条件.
        let step = step_at(&text[at..], Spelling::Running).filter(|_| c == '第');
        let Some(step) = step.filter(|step| step.unit == '条') else {
            at += c.len_utf8();
            continue;
        };
        let supplement = text[..at].trim_end().ends_with("附則").then(String::new);
        let mut provision = ArticleRef { article: step.key, supplement, ..ArticleRef::default() };
        at += step.len;
        if let Some(step) = step_at(&text[at..], Spelling::Address).filter(|s| s.unit == '項') {
            provision.paragraph = step.key.parse().ok();
            at += step.len;
        }
        if let Some(step) = step_at(&text[at..], Spelling::Address).filter(|s| s.unit == '号') {
            provision.item = Some(step.key);
            at += step.len;
        }
        found.push(provision);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let law = |title: &str| LawName { title: title.to_owned(), abbreviations: Vec::new() };
        let titles = ["地方自治法", "蔵崎市手数料条例"].map(law);
        Names { titles: Titles::of(titles), well_known: Titles::well_known() }
    }

    fn named(text: &str) -> Vec<String> {
        let show = |named: &Named| {
            let provision = named.provision.as_ref().map(ArticleRef::label);
            format!("{}|{}", named.law.clone().unwrap_or_default(), provision.unwrap_or_default())
        };
        names().read(text).iter().map(show).collect()
    }

    #[test]
    fn laws_and_articles_in_every_spelling() {
        for (text, expected) in [
            ("地方自治法第10条により", &["地方自治法|第十条"] as &[_]),
            ("地方自治法第１０条第２項により", &["地方自治法|第十条第二項"]),
            ("地自法第十条の二", &["地方自治法|第十条の二"]),
            ("第5条第2項によると", &["|第五条第二項"]),
            ("附則第三条では", &["|附則第三条"]),
            ("地方自治法では、", &["地方自治法|"]),
            ("所得税法第5条と地方自治法第2条", &["所得税法|第五条", "地方自治法|第二条"]),
            (
                "手数料条例第2条と第百五条",
                &["蔵崎市手数料条例|第二条", "蔵崎市手数料条例|第百五条"],
            ),
            ("手数料は300円で、2回まで、3条件です", &[]),
            ("同条の規定", &[]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }
}
