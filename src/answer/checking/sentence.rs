//! One sentence of an answer, taken apart into words, quotations and citations, checked, and put
//! together again.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use super::folded::Folded;
use super::{MARK, bare_sentence, figures};
use crate::answer::citations::{belongs, closes, numbers, opens};
use crate::answer::quotes::{SHORTEST, closing, paired_part};
use crate::answer::types::CitationCounts;
use crate::search::Named;

/// A sentence as it may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) text: String,
    /// Numbers that it cites.
    pub(super) cited: Vec<usize>,
    pub(super) counts: CitationCounts,
}

#[derive(Debug)]
enum Part {
    /// Words, and 「」 too short to be a quotation.
    Words(String),
    Quote(Quote),
    /// Citations without anything between them.
    Cites(Cites),
}

#[derive(Debug)]
struct Quote {
    /// Between 「 and 」.
    inner: String,
    /// Passages that hold it.
    holders: Vec<usize>,
}

#[derive(Debug, Default)]
struct Cites {
    written: Vec<usize>,
    shown: Vec<usize>,
}

/// What became of the citations at one place.
enum Verdict {
    Shown(Vec<usize>),
    Renumbered(Vec<usize>),
    Removed(Why),
}

enum Why {
    NotGiven,
    Misquoted,
    Misnamed,
}

/// Most rounds over one sentence; each takes something out or puts it right.
const ROUNDS: usize = 8;

/// Checks a sentence. What is taken out leaves its words to the next citation, so that it is
/// looked at again until nothing is left to do.
///
/// `open`: bytes at its beginning that the reader may have already: the mark comes behind them.
pub(super) fn check(sentence: &str, evidence: &Evidence, open: usize) -> Checked {
    let mut checked = round(sentence, evidence);
    for _ in 0..ROUNDS {
        let again = round(&checked.text, evidence);
        let CitationCounts { unconfirmed, .. } = again.counts;
        let changed = again.counts.removed() + again.counts.repaired() > 0;
        checked.counts += CitationCounts { checked: 0, unconfirmed: 0, ..again.counts };
        checked.counts.unconfirmed = checked.counts.unconfirmed.max(unconfirmed);
        (checked.text, checked.cited) = (again.text, again.cited);
        if !changed {
            break;
        }
    }
    if checked.text.trim().is_empty() {
        // The citation is gone, and there is nothing to mark.
        checked.counts.unconfirmed = 0;
    }
    if checked.counts.unconfirmed > 0 {
        mark(&mut checked.text, open);
    }
    checked
}

fn mark(text: &mut String, open: usize) {
    let end = text.trim_end().len();
    let at = if text.is_char_boundary(open) { end.max(open) } else { end };
    text.insert_str(at, MARK);
}

/// Looks at a sentence that a person wrote: whatever the check would mend or take out is left, and
/// marked. Without a citation, it must name no law that no passage bears, and be none of those
/// `doubted` before.
pub(super) fn look(
    sentence: &str,
    evidence: &Evidence,
    doubted: &BTreeSet<String>,
    open: usize,
) -> Checked {
    let found = check(sentence, evidence, open).counts;
    let parts = parse(sentence);
    let written: Vec<usize> = parts.iter().filter_map(Part::cites).flatten().collect();
    let is_groundless = || {
        let words: String = parts.iter().filter_map(Part::words).collect();
        let named = evidence.named_in(&words);
        named.iter().any(|name| !evidence.is_borne(name))
            || doubted.contains(&bare_sentence(sentence))
    };
    let failed = found.unconfirmed + found.removed() + found.repaired() > 0
        || (written.is_empty() && is_groundless());
    let mut text = sentence.to_owned();
    if failed {
        mark(&mut text, open);
    }
    let counts = CitationCounts {
        checked: written.len(),
        unconfirmed: usize::from(failed),
        ..CitationCounts::default()
    };
    let cited = written.into_iter().filter(|number| evidence.is_given(*number)).collect();
    Checked { text, cited, counts }
}

/// One look at a sentence; the mark is left to the end.
fn round(sentence: &str, evidence: &Evidence) -> Checked {
    let mut parts = parse(sentence);
    let mut counts = CitationCounts::default();
    let mut confirmed = settle_quotes(&mut parts, evidence, &mut counts);
    let last = parts.iter().rposition(|part| matches!(part, Part::Cites(_)));
    let mut from = 0;
    for at in 0..parts.len() {
        let (before, rest) = parts.split_at_mut(at);
        let Some((Part::Cites(cites), after)) = rest.split_first_mut() else { continue };
        // What follows the last citation belongs to it.
        let tail = if Some(at) == last { &*after } else { &[] };
        let words: String = before[from..].iter().chain(tail).filter_map(Part::words).collect();
        let quotes: Vec<&Quote> = before[from..].iter().filter_map(Part::quote).collect();
        from = at + 1;
        let named = evidence.named_in(&words);
        let strange = figures::is_strange(&words, evidence);
        let stands_on = StandsOn { quotes, named, strange };
        confirmed &= settle_cites(cites, &stands_on, evidence, &mut counts);
    }
    counts.unconfirmed = usize::from(!confirmed);
    let text = parts.iter().map(Part::shown).collect();
    let cited = parts.iter().filter_map(Part::shown_numbers).flatten().copied().collect();
    Checked { text, cited, counts }
}

/// Finds out who holds each quotation, and mends those that nobody does. False where one is left
/// that stands in no passage.
fn settle_quotes(parts: &mut [Part], evidence: &Evidence, counts: &mut CitationCounts) -> bool {
    let mut confirmed = true;
    for at in 0..parts.len() {
        let cited: Vec<usize> = parts[at..].iter().find_map(Part::cites).unwrap_or_default();
        let Part::Quote(quote) = &mut parts[at] else { continue };
        let folded = Folded::of(&quote.inner);
        quote.holders = evidence.holders(&folded);
        if !quote.holders.is_empty() || (cited.is_empty() && evidence.is_asked(&folded)) {
            continue;
        }
        match evidence.requote(&folded, &cited) {
            Some(stretch) if paired_part(stretch) == stretch => {
                quote.inner = stretch.trim().to_owned();
                quote.holders = evidence.holders(&Folded::of(&quote.inner));
                counts.requoted += 1;
            }
            _ => confirmed = false,
        }
    }
    confirmed
}

/// What the citations at one place are to bear.
struct StandsOn<'s> {
    quotes: Vec<&'s Quote>,
    named: Vec<Named>,
    /// A figure in 「」 that comes from nowhere is among it.
    strange: bool,
}

/// Decides which of the numbers at one place are shown. False where none is left.
fn settle_cites(
    cites: &mut Cites,
    stands_on: &StandsOn<'_>,
    evidence: &Evidence,
    counts: &mut CitationCounts,
) -> bool {
    counts.checked += cites.written.len();
    let given = cites.written.iter().copied().filter(|number| evidence.is_given(*number));
    let given: Vec<usize> = given.collect();
    let strangers = cites.written.len() - given.len();
    match verdict(&given, stands_on, evidence) {
        Verdict::Shown(shown) => {
            counts.removed_not_given += strangers;
            cites.shown = shown;
        }
        Verdict::Renumbered(shown) => {
            counts.renumbered += 1;
            cites.shown = shown;
        }
        Verdict::Removed(why) => {
            *match why {
                Why::NotGiven => &mut counts.removed_not_given,
                Why::Misquoted => &mut counts.removed_misquoted,
                Why::Misnamed => &mut counts.removed_misnamed,
            } += cites.written.len();
        }
    }
    !cites.shown.is_empty()
}

fn verdict(given: &[usize], stands_on: &StandsOn<'_>, evidence: &Evidence) -> Verdict {
    let StandsOn { quotes, named, strange } = stands_on;
    if *strange && !given.is_empty() {
        return Verdict::Removed(Why::Misquoted);
    }
    let mut shown = given.to_vec();
    let mut renumbered = false;
    let wrong = quotes.iter().filter(|quote| !quote.holders.iter().any(|n| given.contains(n)));
    let only: Option<Vec<usize>> = wrong
        .map(|quote| match quote.holders[..] {
            [only] => Some(only),
            _ => None,
        })
        .collect();
    let Some(only) = only else { return Verdict::Removed(Why::Misquoted) };
    if !only.is_empty() {
        shown.retain(|number| quotes.iter().any(|quote| quote.holders.contains(number)));
        add(&mut shown, &only);
        renumbered = true;
    }
    let borne = |shown: &[usize], name: &Named| shown.iter().any(|n| evidence.bears(*n, name));
    let unborne: Vec<&Named> = named.iter().filter(|name| !borne(&shown, name)).collect();
    if !unborne.is_empty() {
        let only: Option<Vec<usize>> = unborne
            .iter()
            .map(|name| match evidence.are(name)[..] {
                [only] => Some(only),
                _ => None,
            })
            .collect();
        // A quotation that stands elsewhere than the sentence says is no basis for either.
        let Some(only) = only.filter(|_| quotes.is_empty()) else {
            let why = if given.is_empty() { Why::NotGiven } else { Why::Misnamed };
            return Verdict::Removed(why);
        };
        shown.retain(|number| named.iter().any(|name| evidence.bears(*number, name)));
        add(&mut shown, &only);
        renumbered = true;
    }
    match (shown.is_empty(), renumbered) {
        (true, _) => Verdict::Removed(Why::NotGiven),
        (false, true) => Verdict::Renumbered(shown),
        (false, false) => Verdict::Shown(shown),
    }
}

fn add(numbers: &mut Vec<usize>, more: &[usize]) {
    for number in more {
        if !numbers.contains(number) {
            numbers.push(*number);
        }
    }
}

impl Part {
    fn words(&self) -> Option<&str> {
        match self {
            Self::Words(words) => Some(words),
            _ => None,
        }
    }

    fn quote(&self) -> Option<&Quote> {
        match self {
            Self::Quote(quote) => Some(quote),
            _ => None,
        }
    }

    fn cites(&self) -> Option<Vec<usize>> {
        match self {
            Self::Cites(cites) => Some(cites.written.clone()),
            _ => None,
        }
    }

    fn shown_numbers(&self) -> Option<&Vec<usize>> {
        match self {
            Self::Cites(cites) => Some(&cites.shown),
            _ => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            // A number in brackets that the passage itself has is not a citation of ours.
            Self::Quote(quote) => {
                format!("「{}」", quote.inner.replace('[', "［").replace(']', "］"))
            }
            Self::Cites(cites) => cites.shown.iter().map(|number| format!("[{number}]")).collect(),
        }
    }
}

/// Takes a sentence apart. Nothing is lost: put together, the parts are the sentence, but that
/// citations have one form, and stand behind a quotation that they end.
fn parse(sentence: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some(c) = rest.chars().next() {
        if c == '「'
            && let Some((part, cites, after)) = quotation(&rest[c.len_utf8()..])
        {
            push(&mut parts, part);
            if !cites.is_empty() {
                push(&mut parts, Part::Cites(Cites { written: cites, shown: Vec::new() }));
            }
            rest = after;
        } else if let Some((written, after)) = citation(rest) {
            push(&mut parts, Part::Cites(Cites { written, shown: Vec::new() }));
            rest = after;
        } else {
            push(&mut parts, Part::Words(c.to_string()));
            rest = &rest[c.len_utf8()..];
        }
    }
    parts
}

/// Adds a part; words join words, and citations citations, each number once.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Words(words)), Part::Words(more)) => words.push_str(&more),
        (Some(Part::Cites(cites)), Part::Cites(more)) => add(&mut cites.written, &more.written),
        (_, Part::Cites(mut cites)) => {
            let written = std::mem::take(&mut cites.written);
            add(&mut cites.written, &written);
            parts.push(Part::Cites(cites));
        }
        (_, part) => parts.push(part),
    }
}

/// What stands behind a 「: the quotation, the citations that it wrongly takes in at its end, and
/// what follows. One that never ends goes to the first citation or to the end of the sentence.
/// `None` where it is too short to be one.
fn quotation(opened: &str) -> Option<(Part, Vec<usize>, &str)> {
    let (inner, after) = match closing(opened) {
        Some(end) => (&opened[..end], &opened[end + '」'.len_utf8()..]),
        None => opened.split_at(unclosed(opened)),
    };
    let (mut inner, mut cites) = (inner, Vec::new());
    while let Some((at, numbers)) = last_citation(inner) {
        inner = inner[..at].trim_end();
        cites.splice(0..0, numbers);
    }
    let counts = inner.chars().filter(|c| !c.is_whitespace()).count() >= SHORTEST;
    let quote = Quote { inner: inner.to_owned(), holders: Vec::new() };
    counts.then_some((Part::Quote(quote), cites, after))
}

/// Where a quotation without an end stops: before a citation or a 「 without a partner.
fn unclosed(opened: &str) -> usize {
    let stops = |(at, c): &(usize, char)| {
        let alone = *c == '「' && closing(&opened[at + c.len_utf8()..]).is_none();
        alone || citation(&opened[*at..]).is_some()
    };
    let stop = opened.char_indices().find(stops).map(|(at, _)| at);
    stop.unwrap_or_else(|| opened.trim_end().len())
}

/// A citation at the end of a text: where it begins, and its numbers.
fn last_citation(text: &str) -> Option<(usize, Vec<usize>)> {
    let at = text.trim_end().rfind(opens)?;
    let (numbers, after) = citation(&text[at..])?;
    after.trim().is_empty().then_some((at, numbers))
}

/// A citation at the head of a text, and what follows it.
pub(super) fn citation(text: &str) -> Option<(Vec<usize>, &str)> {
    let inner = text.strip_prefix(opens)?;
    let end = inner.find(|c| !belongs(c))?;
    let after = inner[end..].strip_prefix(closes)?;
    Some((numbers(&inner[..end])?, after))
}

#[cfg(test)]
mod tests;
