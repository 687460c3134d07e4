//! Documents to passages: pieces small enough to quote, large enough to understand, each with an
//! exact citation.
//!
//! Sections that are cited alike (one article; one heading and page; rows of one table) are joined
//! while they are short. What is too long is cut at the bounds of sections, then lines, then
//! sentences, in this order. No character is lost; a table is cut between rows.

use jiff::civil::Date;

use crate::document::{
    ArticleRef, Authority, DatasetInfo, Document, Locator, Passage, Scope, Section, Validity,
};
use crate::text::sentences;

/// Length that a passage aims at, in characters.
pub const PASSAGE_CHARS: usize = 600;

/// Longest passage, in characters.
pub const PASSAGE_CHARS_MAX: usize = 1000;

/// Longest group of sections that stays whole although it is over the aim, in characters.
const WHOLE_CHARS_MAX: usize = 800;

/// A shorter rest joins the piece before it, in characters.
const REST_CHARS_MIN: usize = 150;

/// A row of a sheet or CSV file as long as this is a passage of its own, in characters.
const ROW_CHARS_ALONE: usize = 80;

/// What the data set says of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentDefaults {
    /// Title to show instead of the document's own.
    pub title: Option<String>,
    /// 位置付け that the manifest gives to this document; stands above what the file says.
    pub authority_override: Option<Authority>,
    /// 位置付け where neither the manifest's entry nor the file says one.
    pub authority: Authority,
    /// 通例 or 固有.
    pub scope: Scope,
    /// 基準日
    pub as_of: Date,
    /// When it is in force, as the manifest says.
    pub validity: Validity,
}

/// The data set's values for the document at `path` (inside the data set, with `/`).
pub fn defaults_for(dataset: &DatasetInfo, path: &str) -> DocumentDefaults {
    let own = dataset.documents.iter().find(|document| document.path == path);
    DocumentDefaults {
        title: own.and_then(|document| document.title.clone()),
        authority_override: own.and_then(|document| document.authority),
        authority: dataset.authority,
        scope: own.and_then(|document| document.scope).unwrap_or(dataset.scope),
        as_of: own.and_then(|document| document.as_of).unwrap_or(dataset.as_of),
        validity: own.map(|document| document.validity).unwrap_or_default(),
    }
}

/// Cuts a document into passages with the ids `path#1`, `path#2`, … in reading order.
pub fn passages(document: &Document, path: &str, defaults: &DocumentDefaults) -> Vec<Passage> {
    let law = document.law.clone().unwrap_or_default();
    let authority = defaults.authority_override.or(law.authority).unwrap_or(defaults.authority);
    let title = defaults.title.as_ref().unwrap_or(&document.title);
    let mut found = Vec::new();
    for group in groups(&document.sections) {
        for piece in cut(group) {
            found.push(Passage {
                id: format!("{path}#{}", found.len() + 1),
                path: path.to_owned(),
                title: title.clone(),
                law_number: law.number.clone(),
                abbreviations: law.abbreviations.clone(),
                headings: group[0].headings.clone(),
                caption: group[0].caption.clone(),
                article: piece.article(group),
                locator: piece.locator(),
                text: piece.text,
                authority,
                scope: defaults.scope,
                as_of: defaults.as_of,
                validity: defaults.validity.or(law.validity),
            });
        }
    }
    found
}

/// Runs of sections that may share a passage.
fn groups(sections: &[Section]) -> Vec<&[Section]> {
    let mut found = Vec::new();
    let (mut start, mut chars, mut before) = (0, 0, 0);
    for (at, section) in sections.iter().enumerate() {
        let length = section.text.chars().count();
        let joined = at > start && is_cited_alike(&sections[at - 1], section);
        // An article is one group however long; other neighbours join only while they are short.
        let fits = section.article.is_some()
            || (chars + length <= PASSAGE_CHARS && !rows_apart(&section.locator, before, length));
        if at > start && !(joined && fits) {
            found.push(&sections[start..at]);
            (start, chars) = (at, 0);
        }
        chars += length + 1;
        before = length;
    }
    if start < sections.len() {
        found.push(&sections[start..]);
    }
    found
}

fn is_cited_alike(one: &Section, next: &Section) -> bool {
    let provision = |article: &ArticleRef| (article.article.clone(), article.supplement.clone());
    let same_provision =
        one.article.as_ref().map(provision) == next.article.as_ref().map(provision);
    let same_place = match (&one.locator, &next.locator) {
        (Locator::Pages { last, .. }, Locator::Pages { first, .. }) => {
            // An article may run over a page; other text is cited by one page.
            last == first || (one.article.is_some() && *first == last.saturating_add(1))
        }
        (Locator::Rows { sheet, last, .. }, Locator::Rows { sheet: next_sheet, first, .. }) => {
            sheet == next_sheet && first > last
        }
        (one, next) => one == next,
    };
    same_provision
        && same_place
        && one.headings == next.headings
        && one.caption == next.caption
        && (one.article.is_some() || one.table == next.table)
}

/// Long rows (an FAQ, a register) are cited one by one, short ones (a price list) together.
fn rows_apart(locator: &Locator, before: usize, chars: usize) -> bool {
    matches!(locator, Locator::Rows { .. }) && before.max(chars) >= ROW_CHARS_ALONE
}

/// The smallest part that is never cut.
#[derive(Debug)]
struct Unit<'a> {
    text: &'a str,
    /// Index of its section inside the group.
    section: usize,
    /// What stands between the unit before and this one.
    joiner: &'static str,
    locator: Locator,
    chars: usize,
}

/// A passage in the making.
#[derive(Debug, Default)]
struct Piece {
    text: String,
    chars: usize,
    locators: Vec<Locator>,
    first_section: usize,
    last_section: usize,
}

impl Piece {
    fn push(&mut self, unit: &Unit<'_>) {
        if self.text.is_empty() {
            self.first_section = unit.section;
        } else {
            self.text.push_str(unit.joiner);
            self.chars += unit.joiner.len();
        }
        self.text.push_str(unit.text);
        self.chars += unit.chars;
        self.last_section = unit.section;
        self.locators.push(unit.locator.clone());
    }

    fn article(&self, group: &[Section]) -> Option<ArticleRef> {
        let mut article = group[0].article.clone()?;
        let inside = &group[self.first_section..=self.last_section];
        let number = |section: &Section| section.article.as_ref().and_then(|a| a.paragraph);
        let one = inside.iter().all(|section| number(section) == number(&inside[0]));
        article.paragraph = number(&inside[0]).filter(|_| one);
        let items = |section: &Section| section.article.as_ref().and_then(|a| a.item.clone());
        let same_item = inside.iter().all(|section| items(section) == items(&inside[0]));
        article.item = items(&inside[0]).filter(|_| same_item && one);
        Some(article)
    }

    /// The smallest place that holds all of it.
    fn locator(&self) -> Locator {
        let mut all = self.locators.iter();
        let start = all.next().cloned().unwrap_or_default();
        all.fold(start, |whole, next| match (whole, next) {
            (Locator::Pages { first, last }, Locator::Pages { first: from, last: to }) => {
                Locator::Pages { first: first.min(*from), last: last.max(*to) }
            }
            (Locator::Rows { sheet, first, last }, Locator::Rows { first: from, last: to, .. }) => {
                Locator::Rows { sheet, first: first.min(*from), last: last.max(*to) }
            }
            (whole, _) => whole,
        })
    }
}

/// Cuts a group into pieces of at most [`PASSAGE_CHARS_MAX`] characters.
fn cut(group: &[Section]) -> Vec<Piece> {
    let units: Vec<Unit<'_>> = group.iter().enumerate().flat_map(units).collect();
    let total: usize = units.iter().map(|unit| unit.chars + unit.joiner.len()).sum();
    let aim = if total <= WHOLE_CHARS_MAX { WHOLE_CHARS_MAX } else { PASSAGE_CHARS };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut piece = Piece::default();
    for (at, unit) in units.iter().enumerate() {
        let begins = at > 0 && units[at - 1].section != unit.section;
        // A section that fits nowhere whole still begins a piece of its own.
        let needed = if begins { section_chars(&units[at..]) } else { unit.chars };
        let full = piece.chars + unit.joiner.len() + needed > aim || is_row_apart(&units, at);
        let tail = begins && piece.chars < REST_CHARS_MIN && needed <= aim;
        let fits = piece.chars + unit.joiner.len() + unit.chars <= PASSAGE_CHARS_MAX;
        let kept = tail && fits && needed + piece.chars <= WHOLE_CHARS_MAX;
        if full && !kept && !piece.text.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(unit);
    }
    finish(pieces, piece, &units)
}

/// True when a unit begins a row that is cited apart from the row before it.
fn is_row_apart(units: &[Unit<'_>], at: usize) -> bool {
    let unit = &units[at];
    let before = at.checked_sub(1).map(|at| units[at].chars);
    unit.joiner == "\n"
        && before.is_some_and(|before| rows_apart(&unit.locator, before, unit.chars))
}

/// Joins a short rest to the piece before it where the limit allows.
fn finish(mut pieces: Vec<Piece>, rest: Piece, units: &[Unit<'_>]) -> Vec<Piece> {
    let begin = units.len() - rest.locators.len();
    let joined = begin < units.len() && !is_row_apart(units, begin);
    let joined = pieces.last().is_some_and(|last| {
        joined
            && rest.chars < REST_CHARS_MIN
            && last.chars + rest.chars < PASSAGE_CHARS_MAX
            && last.last_section == rest.first_section
    });
    match pieces.last_mut().filter(|_| joined) {
        Some(last) => {
            // The first unit of the rest says how it is joined.
            let joiner = units[begin].joiner;
            last.text.push_str(joiner);
            last.text.push_str(&rest.text);
            last.chars += joiner.len() + rest.chars;
            last.last_section = rest.last_section;
            last.locators.extend(rest.locators);
        }
        None if !rest.text.is_empty() => pieces.push(rest),
        None => {}
    }
    pieces.retain(|piece| !piece.text.trim().is_empty());
    pieces
}

/// Length of the section that begins at the first unit.
fn section_chars(units: &[Unit<'_>]) -> usize {
    let own = units.iter().take_while(|unit| unit.section == units[0].section);
    own.map(|unit| unit.chars + unit.joiner.len()).sum()
}

/// A section as units: lines, of which long ones are cut into sentences; rows stay whole unless
/// one alone is over the limit.
fn units((at, section): (usize, &Section)) -> Vec<Unit<'_>> {
    let mut found = Vec::new();
    for (nth, line) in section.text.split('\n').enumerate() {
        let locator = line_locator(section, nth);
        let length = line.chars().count();
        let limit = if section.table { PASSAGE_CHARS_MAX } else { PASSAGE_CHARS };
        let parts = match (length <= limit, section.table) {
            (true, _) => vec![line],
            (false, true) => split_row(line),
            (false, false) => split_sentences(line),
        };
        for (part, text) in parts.into_iter().enumerate() {
            found.push(Unit {
                text,
                section: at,
                joiner: if part == 0 { "\n" } else { "" },
                locator: locator.clone(),
                chars: text.chars().count(),
            });
        }
    }
    found
}

/// The row of a line, where a table has a line for each row.
fn line_locator(section: &Section, nth: usize) -> Locator {
    let lines = section.text.split('\n').count();
    match &section.locator {
        Locator::Rows { sheet, first, last } if (last - first.min(last)) as usize + 1 == lines => {
            let row = first.saturating_add(u32::try_from(nth).unwrap_or(u32::MAX));
            Locator::Rows { sheet: sheet.clone(), first: row, last: row }
        }
        other => other.clone(),
    }
}

/// Cuts a line behind its sentences; what stands between two sentences stays with the first.
fn split_sentences(line: &str) -> Vec<&str> {
    let starts =
        sentences(line).into_iter().map(|part| part.as_ptr() as usize - line.as_ptr() as usize);
    split_at(line, starts.skip(1))
}

/// Cuts a row between its pairs.
fn split_row(line: &str) -> Vec<&str> {
    split_at(line, line.match_indices(" / ").map(|(at, joiner)| at + joiner.len()))
}

/// Cuts at byte positions, and hard where a part is still over the limit.
fn split_at(line: &str, starts: impl Iterator<Item = usize>) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for to in starts.chain([line.len()]) {
        let mut rest = &line[from..to];
        while let Some(at) = hard_cut(rest) {
            parts.push(&rest[..at]);
            rest = &rest[at..];
        }
        parts.push(rest);
        from = to;
    }
    parts
}

/// Where a text over the limit is cut: behind the last 、 or space near the limit, else at it.
fn hard_cut(text: &str) -> Option<usize> {
    let (limit, _) = text.char_indices().nth(PASSAGE_CHARS_MAX)?;
    let near = text[..limit].rfind(['、', '，', '　', ' ', '・', '）']).and_then(|at| {
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        (end * 2 > limit).then_some(end)
    });
    Some(near.unwrap_or(limit))
}

#[cfg(test)]
mod tests;
