//! The passages that an answer was given, as its citations are checked against them.

use std::cell::OnceCell;

use super::folded::Folded;
use super::requote::closest;
use crate::answer::quotes::bare;
use crate::document::{ArticleRef, Passage};
use crate::search::{Named, Names};

/// What an answer may stand on.
#[derive(Debug)]
pub(crate) struct Evidence {
    given: Vec<Given>,
    names: Names,
    /// What was asked, as it is compared: its words in 「」 are no quotations of a passage.
    question: String,
}

#[derive(Debug)]
struct Given {
    number: usize,
    /// Key of its document's title.
    law: String,
    passage: Passage,
    /// Its name as the prompt has it.
    name: String,
    text: Folded,
    /// What its name and text name, read when it is first asked for.
    mentions: OnceCell<Vec<Named>>,
}

impl Evidence {
    /// `passages` are those that the prompt holds, with their numbers.
    pub(crate) fn of<'p>(
        passages: impl IntoIterator<Item = (usize, &'p Passage)>,
        question: &str,
    ) -> Self {
        let given = passages.into_iter().map(|(number, passage)| Given {
            number,
            law: Names::key(&passage.title),
            name: passage.citation(),
            text: Folded::of(&passage.text),
            passage: passage.clone(),
            mentions: OnceCell::new(),
        });
        let given: Vec<Given> = given.collect();
        let names = Names::of(given.iter().map(|given| &given.passage));
        Self { given, names, question: bare(question) }
    }

    /// The texts that a quotation may be taken from. None reaches over a 「…」, which may stand for
    /// what the model was not given.
    pub(crate) fn quotable(&self) -> Vec<&str> {
        let texts = self.given.iter().flat_map(|given| [given.passage.text.as_str(), &given.name]);
        texts.flat_map(|text| text.split('…')).collect()
    }

    pub(super) fn is_given(&self, number: usize) -> bool {
        self.given.iter().any(|given| given.number == number)
    }

    /// Numbers of the passages that hold a quotation, ascending as they were given.
    pub(super) fn holders(&self, quote: &Folded) -> Vec<usize> {
        let plain: String = quote.chars.iter().collect();
        let holds = |given: &&Given| {
            given.text.find(&quote.chars).is_some() || bare(&given.name).contains(&plain)
        };
        self.given.iter().filter(holds).map(|given| given.number).collect()
    }

    /// Whether words were asked with.
    pub(super) fn is_asked(&self, quote: &Folded) -> bool {
        self.question.contains(&quote.chars.iter().collect::<String>())
    }

    /// The stretch that a wrong quotation comes closest to: in one of the passages `cited` if any
    /// of them has one, else in any.
    pub(super) fn requote(&self, quote: &Folded, cited: &[usize]) -> Option<&str> {
        let nearest = |among: &dyn Fn(&Given) -> bool| {
            let close = self.given.iter().filter(|given| among(given)).filter_map(|given| {
                let (stretch, off) = closest(&quote.chars, &given.text)?;
                Some((&given.passage.text[given.text.place(stretch)], off))
            });
            close.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(stretch, _)| stretch)
        };
        nearest(&|given| cited.contains(&given.number)).or_else(|| nearest(&|_| true))
    }

    pub(super) fn named_in(&self, text: &str) -> Vec<Named> {
        self.names.read(text)
    }

    /// The passages that are the law or article named.
    pub(super) fn are(&self, named: &Named) -> Vec<usize> {
        self.given.iter().filter(|given| given.is(named)).map(|given| given.number).collect()
    }

    /// Whether any passage is the law or article named, or names it.
    pub(super) fn is_borne(&self, named: &Named) -> bool {
        self.given.iter().any(|given| self.bears(given.number, named))
    }

    /// Whether a passage is the law or article named, or names it.
    pub(super) fn bears(&self, number: usize, named: &Named) -> bool {
        let given = self.given.iter().find(|given| given.number == number);
        given.is_some_and(|given| given.is(named) || given.mentions(&self.names, named))
    }
}

impl Given {
    fn is(&self, named: &Named) -> bool {
        let law = named.law.as_ref().is_none_or(|law| *law == self.law);
        let provision = named.provision.as_ref().is_none_or(|wanted| {
            self.passage.article.as_ref().is_some_and(|own| lies_in(wanted, own))
        });
        law && provision
    }

    fn mentions(&self, names: &Names, named: &Named) -> bool {
        let read = || names.read(&format!("{}\n{}", self.name, self.passage.text));
        self.mentions.get_or_init(read).iter().any(|mention| {
            // In a law, an article without a law is one of its own; elsewhere, of some law.
            let own = self.passage.article.is_some().then_some(&self.law);
            let law = match (&named.law, mention.law.as_ref().or(own)) {
                (Some(wanted), Some(law)) => law == wanted,
                (None, _) | (_, None) => true,
            };
            let provision = match (&named.provision, &mention.provision) {
                (Some(wanted), Some(provision)) => lies_in(wanted, provision),
                (None, _) => true,
                (Some(_), None) => false,
            };
            let names_law =
                named.law.is_none() || named.provision.is_some() || mention.law.is_some();
            law && provision && names_law
        })
    }
}

/// Whether two addresses speak of one place: one of them may say less.
fn lies_in(wanted: &ArticleRef, own: &ArticleRef) -> bool {
    let agree = |a: Option<&str>, b: Option<&str>| a.is_none() || b.is_none() || a == b;
    wanted.article == own.article
        && wanted.supplement.is_some() == own.supplement.is_some()
        && (wanted.paragraph.is_none()
            || own.paragraph.is_none()
            || wanted.paragraph == own.paragraph)
        && agree(wanted.item.as_deref(), own.item.as_deref())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An ordinance of two articles, a law, a manual and a note, numbered from 1.
    pub(in crate::answer::checking) fn passages() -> Vec<Passage> {
        let article = |number: &str| serde_json::json!({"article": number, "paragraph": 1});
        let none = serde_json::Value::Null;
        let rows = [
            ("蔵崎市手数料条例", article("2"), "手数料は、一通につき３００円とする。", ""),
            ("蔵崎市手数料条例", article("3"), "市長が認めるときは、免除する。", ""),
            (
                "特例法",
                article("7"),
                "市長は、「特例」を定めることができる。市長が認めるときは、免除する。",
                "",
            ),
            (
                "窓口マニュアル",
                none.clone(),
                "空家法第22条の勧告をする前に、相談を受ける。",
                "空家の相談",
            ),
            ("窓口マニュアル", none, "注記[1]は、別表のとおりとする。", "注記"),
        ];
        let passage = |(title, article, text, heading): &(&str, serde_json::Value, &str, &str)| {
            let value = serde_json::json!({
                "id": "a#1", "path": "a.txt", "title": title, "law_number": "",
                "headings": [heading], "caption": "", "article": article,
                "locator": {"kind": "none"}, "text": text, "authority": "ordinance",
                "scope": "local", "as_of": "2026-04-01",
            });
            serde_json::from_value(value).unwrap()
        };
        rows.iter().map(passage).collect()
    }

    pub(in crate::answer::checking) fn evidence(question: &str) -> Evidence {
        Evidence::of((1..).zip(&passages()), question)
    }

    #[test]
    fn names_are_told_apart() {
        let evidence = evidence("");
        let bears = |number: usize, text: &str| {
            let named = evidence.named_in(text);
            assert_eq!(named.len(), 1, "{text}: {named:?}");
            evidence.bears(number, &named[0])
        };
        for (text, numbers) in [
            ("手数料条例第2条", &[1usize] as &[usize]),
            ("蔵崎市手数料条例第２条第１項", &[1]),
            ("蔵崎市手数料条例第二条第二項", &[]),
            ("第七条", &[3]),
            ("特例法", &[3]),
            ("蔵崎市手数料条例", &[1, 2]),
            ("空家法第22条", &[4]),
            ("第22条", &[4]),
            ("附則第2条", &[]),
        ] {
            let found: Vec<usize> = (1..=5).filter(|number| bears(*number, text)).collect();
            assert_eq!(found, numbers, "{text}");
        }
    }
}
