//! Do the citations that an answer shows hold? Looked at from the outside: from the text as the
//! reader has it and the sources beside it, and written apart from the check that the product
//! makes, of which nothing is used here.
//!
//! Quotations are lifted out of the text first; what is left is cut into sentences, and these at
//! their citations. A citation is answerable for what stands since the one before it, the last one
//! of a sentence for what follows, too.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::document::Passage;
use crate::text::{leading_number, normalize, sentence_ranges, to_kanji};

/// In 「」, less than this is a word, in characters without blanks: of a figure some source or the
/// question must have it, but not the one that is cited.
const QUOTATION_CHARS: usize = 8;

/// The first of the characters that stand for quotations; nobody writes them.
const PLACE: u32 = 0xF_0000;

/// What was seen in one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Numbers shown that cite something.
    pub citations: usize,
    /// Those that do not hold, each with why.
    pub failing: Vec<String>,
    /// Quotations, and those that stand in no source word for word.
    pub quotations: usize,
    pub misquoted: Vec<String>,
}

/// One text in 「」.
struct Quotation {
    text: String,
    bare: String,
}

/// A source in the form in which it is compared.
struct Plain<'s> {
    number: usize,
    passage: &'s Passage,
    /// Name and text, without blanks and in one width.
    text: String,
}

/// Looks an answer to `question` through. `sources` are the passages beside it, with their numbers.
pub fn look(question: &str, answer: &str, sources: &[(usize, &Passage)]) -> Seen {
    let sources: Vec<Plain<'_>> = sources
        .iter()
        .map(|(number, passage)| Plain {
            number: *number,
            passage,
            text: plain(&format!("{}\n{}", passage.citation(), passage.text)),
        })
        .collect();
    let (skeleton, quotations) = lift(answer);
    let mut seen = Seen::default();
    for quotation in quotations.iter().filter(|quotation| quotation.counts()) {
        seen.quotations += 1;
        if !sources.iter().any(|source| source.text.contains(&quotation.bare)) {
            seen.misquoted.push(quotation.text.clone());
        }
    }
    for sentence in sentences(&skeleton) {
        for (words, numbers) in claims(&sentence) {
            seen.citations += numbers.len();
            let why = fails(&words, &numbers, &quotations, &sources);
            let why = why.or_else(|| from_nowhere(&words, question, &quotations, &sources));
            if let Some(why) = why {
                seen.failing.push(format!("{why}: {words} {numbers:?}"));
            }
        }
    }
    seen
}

/// Why citations do not hold for the words that they stand for; `None` where they do.
fn fails(
    words: &str,
    numbers: &[usize],
    quotations: &[Quotation],
    sources: &[Plain<'_>],
) -> Option<String> {
    let cited: Vec<&Plain<'_>> =
        sources.iter().filter(|source| numbers.contains(&source.number)).collect();
    let known: BTreeSet<usize> = cited.iter().map(|source| source.number).collect();
    if let Some(stranger) = numbers.iter().find(|number| !known.contains(number)) {
        return Some(format!("no source {stranger}"));
    }
    let quoted =
        words.chars().filter_map(|c| quotations.get((c as u32).checked_sub(PLACE)? as usize));
    for quotation in quoted.filter(|quotation| quotation.counts()) {
        if !cited.iter().any(|source| source.text.contains(&quotation.bare)) {
            return Some(format!("not in the source: {}", quotation.text));
        }
    }
    // Words in 「」 belong to what is said: 「地方自治法」第10条.
    let said: String = words
        .chars()
        .map(|c| match (c as u32).checked_sub(PLACE).and_then(|at| quotations.get(at as usize)) {
            Some(quotation) if quotation.counts() => "。".to_owned(),
            Some(quotation) => quotation.text.clone(),
            None => c.to_string(),
        })
        .collect();
    let said = plain(&said);
    for (article, paragraph) in articles(&said) {
        if !cited.iter().any(|source| source.has(&article, paragraph)) {
            return Some(format!("another provision than {article} {paragraph:?}"));
        }
    }
    for title in titles(&said, sources) {
        let bears = |source: &&Plain<'_>| source.text.contains(&title);
        if !cited.iter().any(bears) {
            return Some(format!("another law than {title}"));
        }
    }
    None
}

/// A short text in 「」 with digits, among those that a citation stands for, whose number nobody has.
fn from_nowhere(
    words: &str,
    question: &str,
    quotations: &[Quotation],
    sources: &[Plain<'_>],
) -> Option<String> {
    let quoted =
        words.chars().filter_map(|c| quotations.get((c as u32).checked_sub(PLACE)? as usize));
    let stranger = quoted.filter(|quotation| !quotation.counts()).find(|word| {
        let mut numbers = numbers(&word.bare);
        !numbers.all(|number| {
            let texts = sources.iter().map(|source| source.text.as_str());
            texts.chain([question]).any(|text| has_number(text, number))
        })
    });
    stranger.map(|word| format!("a figure from nowhere: {}", word.text))
}

/// Numbers in digits.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok())
}

/// Whether a text has a number, in digits or in kanji.
fn has_number(text: &str, number: u64) -> bool {
    let plain = plain(text);
    numbers(&plain).any(|other| other == number) || plain.contains(&to_kanji(number))
}

impl Quotation {
    fn counts(&self) -> bool {
        self.text.chars().filter(|c| !c.is_whitespace()).count() >= QUOTATION_CHARS
    }
}

impl Plain<'_> {
    /// Whether it is the article, or speaks of it.
    fn has(&self, article: &str, paragraph: Option<u64>) -> bool {
        let own = self.passage.article.as_ref().filter(|own| own.article == article);
        let is_it = own.is_some_and(|own| {
            let both = own.paragraph.map(u64::from).zip(paragraph);
            both.is_none_or(|(own, wanted)| own == wanted)
        });
        is_it
            || articles(&self.text).iter().any(|(named, of)| {
                named == article && paragraph.zip(*of).is_none_or(|(wanted, of)| wanted == of)
            })
    }
}

/// Takes the outermost 「…」 out of a text and leaves a mark for each.
fn lift(answer: &str) -> (String, Vec<Quotation>) {
    let chars: Vec<char> = answer.chars().collect();
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    for (at, c) in chars.iter().enumerate() {
        match c {
            '「' => open.push(at),
            '」' => pairs.extend(open.pop().map(|from| (from, at))),
            _ => {}
        }
    }
    pairs.sort_unstable();
    let (mut skeleton, mut quotations) = (String::new(), Vec::new());
    let mut at = 0;
    for (from, to) in pairs {
        if from < at {
            continue;
        }
        skeleton.extend(&chars[at..from]);
        let text: String = chars[from + 1..to].iter().collect();
        skeleton.extend(char::from_u32(PLACE + quotations.len() as u32));
        quotations.push(Quotation { bare: plain(&text), text });
        at = to + 1;
    }
    skeleton.extend(&chars[at..]);
    (skeleton, quotations)
}

/// The sentences of a text; citations behind the mark of a sentence belong to it.
fn sentences(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut end = 0;
    for range in sentence_ranges(text) {
        let same_line = !text[end..range.start].contains('\n') && !text[..end].ends_with('\n');
        let sentence = &text[range.clone()];
        end = range.end;
        let mut rest = sentence;
        while let Some((_, after)) = number_at(rest) {
            rest = after.trim_start();
        }
        let head = &sentence[..sentence.len() - rest.len()];
        match found.last_mut().filter(|_| same_line && !head.is_empty()) {
            Some(last) => {
                last.push_str(head);
                found.extend((!rest.is_empty()).then(|| rest.to_owned()));
            }
            None => found.push(sentence.to_owned()),
        }
    }
    found
}

/// The parts of a sentence, each with the numbers that are to bear it.
fn claims(sentence: &str) -> Vec<(String, Vec<usize>)> {
    let mut found: Vec<(String, Vec<usize>)> = Vec::new();
    let mut words = String::new();
    let mut rest = sentence;
    while let Some(c) = rest.chars().next() {
        match number_at(rest) {
            Some((number, after)) => {
                match found.last_mut().filter(|_| words.trim().is_empty()) {
                    Some((_, numbers)) => numbers.push(number),
                    None => found.push((words.clone(), vec![number])),
                }
                words.clear();
                rest = after;
            }
            None => {
                words.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if let Some((last, _)) = found.last_mut() {
        last.push_str(&words);
    }
    found
}

/// `[12]` at the head of a text.
fn number_at(text: &str) -> Option<(usize, &str)> {
    let (digits, after) = text.strip_prefix('[')?.split_once(']')?;
    Some((digits.parse().ok()?, after))
}

/// Articles with their paragraphs in a plain text: 第10条の2第3項 is (10-2, 3).
fn articles(text: &str) -> Vec<(String, Option<u64>)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('第') {
        let Some((number, rest)) = counted(&text[at..], '条') else { continue };
        let (mut key, mut rest) = (number.to_string(), rest);
        while let Some((branch, after)) = branch(rest) {
            key.push_str(&format!("-{branch}"));
            rest = after;
        }
        found.push((key, counted(rest, '項').map(|(number, _)| number)));
    }
    found
}

/// 第N and a unit at the head of a text.
fn counted(text: &str, unit: char) -> Option<(u64, &str)> {
    let (number, length) = leading_number(text.strip_prefix('第')?)?;
    Some((number, text['第'.len_utf8() + length..].strip_prefix(unit)?))
}

/// のN at the head of a text, where it is a branch of an article.
fn branch(text: &str) -> Option<(u64, &str)> {
    let rest = text.strip_prefix('の')?;
    let (number, length) = leading_number(rest)?;
    let after = &rest[length..];
    let counts =
        after.starts_with(|c: char| "部般種分つ者人件回年月日円以名箇個割倍時定歳通方".contains(c));
    (!counts).then_some((number, after))
}

/// Titles of the sources' laws that a plain text names; of nested ones the longest.
fn titles(said: &str, sources: &[Plain<'_>]) -> Vec<String> {
    let laws = sources.iter().filter(|source| source.passage.article.is_some());
    let mut laws: Vec<String> = laws.map(|source| plain(&source.passage.title)).collect();
    laws.sort_by_key(|title| std::cmp::Reverse(title.chars().count()));
    laws.dedup();
    let mut left = said.to_owned();
    let mut found = Vec::new();
    for title in laws.into_iter().filter(|title| !title.is_empty()) {
        if left.contains(&title) {
            left = left.replace(&title, "。");
            found.push(title);
        }
    }
    found
}

/// One width, no blanks.
fn plain(text: &str) -> String {
    normalize(text).split_whitespace().collect()
}

#[cfg(test)]
mod tests;
