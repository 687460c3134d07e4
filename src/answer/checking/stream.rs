//! The check while an answer is being written: sentence by sentence, and never taking back.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use super::sentence::{check, citation, look};
use crate::answer::citations::{LONGEST, belongs, closes, opens};
use crate::answer::quotes::{SHORTEST, closing};
use crate::answer::types::CitationCounts;

/// A sentence that has not ended after so many bytes is checked as far as it goes.
const SENTENCE_BYTES: usize = 4000;

/// Checks citations while text streams through.
#[derive(Debug)]
pub(crate) struct CitationCheck {
    evidence: Evidence,
    /// The sentence under way.
    sentence: String,
    /// Its bytes that were shown, words only, and from where on it waits for its end.
    shown: usize,
    held: Option<usize>,
    /// Brackets that stand open in it: 「 and 『, and parentheses.
    quoted: usize,
    bracketed: usize,
    /// Its last mark has come: only citations may follow.
    ended: bool,
    /// Where a bracket begins behind its end that may become a citation.
    bracket: Option<usize>,
    cited: BTreeSet<usize>,
    counts: CitationCounts,
    /// A person's text, with the sentences that were marked in it before: it is only looked at.
    of_person: Option<BTreeSet<String>>,
}

impl CitationCheck {
    pub(crate) fn new(evidence: Evidence) -> Self {
        Self {
            evidence,
            sentence: String::new(),
            shown: 0,
            held: None,
            quoted: 0,
            bracketed: 0,
            ended: false,
            bracket: None,
            cited: BTreeSet::new(),
            counts: CitationCounts::default(),
            of_person: None,
        }
    }

    /// Of a text that a person wrote.
    pub(super) fn of_person(evidence: Evidence, doubted: BTreeSet<String>) -> Self {
        Self { of_person: Some(doubted), ..Self::new(evidence) }
    }

    /// Takes more text; gives what may be shown.
    pub(crate) fn push(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            self.take(c, &mut out);
        }
        let until = self.held.unwrap_or(self.sentence.len());
        out.push_str(&self.sentence[self.shown..until]);
        self.shown = until;
        out
    }

    /// The end of the text: gives what was still held back.
    pub(crate) fn finish(&mut self) -> String {
        let mut out = String::new();
        self.settle(&mut out);
        out
    }

    /// Numbers cited so far, ascending.
    pub(crate) fn cited(&self) -> Vec<usize> {
        self.cited.iter().copied().collect()
    }

    /// What has been found so far.
    pub(crate) fn counts(&self) -> CitationCounts {
        self.counts
    }

    fn take(&mut self, c: char, out: &mut String) {
        if self.ended && !self.goes_on(c, out) {
            return;
        }
        if !self.ended && self.held.is_none() && (c == '「' || opens(c)) {
            self.held = Some(self.sentence.len());
        }
        self.sentence.push(c);
        if !self.ended {
            self.follow(c);
        }
        let line_ends = c == '\n' && self.quoted == 0;
        if line_ends || self.sentence.len() > SENTENCE_BYTES {
            self.settle(out);
        }
    }

    /// Behind the end of a sentence: whether the sentence under way (it, or a new one) has still
    /// to take this character.
    fn goes_on(&mut self, c: char, out: &mut String) -> bool {
        if let Some(start) = self.bracket {
            let inside = self.sentence[start..].chars().count() - 1;
            if belongs(c) && inside < LONGEST {
                return true;
            }
            if closes(c) {
                self.sentence.push(c);
                if citation(&self.sentence[start..]).is_some() {
                    self.bracket = None;
                    return false;
                }
                self.sentence.pop();
            }
            // No citation: it begins the next sentence.
            let next = self.sentence.split_off(start);
            self.settle(out);
            for c in next.chars() {
                self.take(c, out);
            }
        } else if opens(c) {
            self.bracket = Some(self.sentence.len());
            self.held.get_or_insert(self.sentence.len());
            return true;
        } else if !matches!(c, ' ' | '　' | '\n') {
            self.settle(out);
        }
        true
    }

    /// Keeps the books of brackets, and sees the end of the sentence.
    fn follow(&mut self, c: char) {
        match c {
            '「' | '『' => self.quoted += 1,
            '」' | '』' => {
                self.quoted = self.quoted.saturating_sub(1);
                self.release();
            }
            '（' | '(' => self.bracketed += 1,
            '）' | ')' => self.bracketed = self.bracketed.saturating_sub(1),
            _ => {}
        }
        let is_free = self.quoted == 0 && self.bracketed == 0;
        let ends = matches!(c, '。' | '！' | '？' | '!' | '?') && is_free;
        // 「…。」[1] is a sentence whatever follows.
        self.ended = ends || (closes(c) && is_free && quotes_a_sentence(&self.sentence));
    }

    /// A word in 「」 need not wait.
    fn release(&mut self) {
        let Some(from) = self.held.filter(|_| self.quoted == 0) else { return };
        let held = &self.sentence[from..];
        let inner = held
            .strip_prefix('「')
            .filter(|inner| closing(inner).is_some_and(|end| end + '」'.len_utf8() == inner.len()));
        let is_word = inner.is_some_and(|inner| {
            inner.chars().filter(|c| !c.is_whitespace()).count() <= SHORTEST
                && !inner.contains(opens)
        });
        if is_word {
            self.held = None;
        }
    }

    fn settle(&mut self, out: &mut String) {
        let sentence = std::mem::take(&mut self.sentence);
        // Up to here the reader may have it, however the stream was cut.
        let open = self.held.unwrap_or(sentence.len());
        let checked = match &self.of_person {
            // It is not read while it is checked: only what has been given is bound.
            Some(doubted) => look(&sentence, &self.evidence, doubted, self.shown),
            None => check(&sentence, &self.evidence, open),
        };
        // What was shown are words, which no check changes.
        out.push_str(checked.text.get(self.shown..).unwrap_or_default());
        self.cited.extend(checked.cited);
        self.counts += checked.counts;
        (self.shown, self.held, self.bracket) = (0, None, None);
        (self.quoted, self.bracketed, self.ended) = (0, 0, false);
    }
}

/// Whether a text ends with a quoted sentence and citations.
fn quotes_a_sentence(text: &str) -> bool {
    let mut rest = text;
    let mut cites = false;
    while let Some(at) = rest.trim_end().rfind(opens) {
        match citation(&rest[at..]) {
            Some((_, after)) if after.trim().is_empty() => (rest, cites) = (&rest[..at], true),
            _ => break,
        }
    }
    cites && rest.trim_end().ends_with("。」")
}

#[cfg(test)]
mod tests;
