//! Finds the structure of an ordinance in plain lines, whatever format they came from, so that
//! 条例 and 規則 in Word, PDF, HTML or text are cited by article as statutes are.
//!
//! A document counts as an ordinance when 第１条 opens a rising run of articles that makes up
//! most of it. Anything else comes back as it was.

mod line;

use self::line::ArticleLine;
use crate::document::{ArticleRef, Locator, Section};

/// Fewest articles of an ordinance; with 附則, one less.
const ARTICLES_MIN: usize = 3;

/// Furthest that a number may run ahead of the one before it (articles may be missing).
const STEP_MAX: u64 = 20;

/// Longest entry of a table of contents, in characters.
const CONTENTS_CHARS_MAX: usize = 40;

/// Longest title of an ordinance, in characters.
const TITLE_CHARS_MAX: usize = 60;

/// What an ordinance says of itself above its first article.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ordinance {
    /// 「平成12年3月29日条例第10号」; empty when it is not found.
    pub(crate) number: String,
    /// 「桜市手数料条例」
    pub(crate) title: Option<String>,
}

/// Splits the sections of an ordinance by article and paragraph; other documents come back
/// unchanged, with `None`.
pub(crate) fn split(sections: Vec<Section>) -> (Vec<Section>, Option<Ordinance>) {
    let lines = flatten(&sections);
    let mut splitter = Splitter::new(&sections);
    for at in 0..lines.len() {
        splitter.line(&lines[at..]);
        splitter.count(&lines[at]);
    }
    splitter.flush();
    if !splitter.is_ordinance() {
        return (sections, None);
    }
    let ordinance = head(&lines);
    (whole_articles(splitter.built), Some(ordinance))
}

/// One line of the document, or a table as a whole.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    text: &'a str,
    /// Index of its section.
    section: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A heading of this depth, which closes those as deep or deeper.
    Heading(usize),
    Text,
    Table,
}

/// Headings that begin with a section, then its lines.
fn flatten(sections: &[Section]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut before: &[String] = &[];
    for (section, current) in sections.iter().enumerate() {
        let common = before.iter().zip(&current.headings).take_while(|(a, b)| a == b).count();
        for (depth, text) in current.headings.iter().enumerate().skip(common) {
            lines.push(Line { text, section, kind: Kind::Heading(depth) });
        }
        before = &current.headings;
        if current.table {
            lines.push(Line { text: &current.text, section, kind: Kind::Table });
        } else {
            let text = |text| Line { text, section, kind: Kind::Text };
            lines.extend(current.text.lines().map(text));
        }
    }
    lines
}

/// A heading of the reader's; `taken` when it turned out to be an article, 附則 or appendix.
#[derive(Clone, Debug)]
struct Heading {
    text: String,
    taken: bool,
}

struct Splitter<'a> {
    sections: &'a [Section],
    built: Vec<Section>,
    /// Where in `built` the articles since the last 第１条 begin.
    part_start: usize,
    path: Vec<Heading>,
    /// 編, 章, 節 found in the text, with their levels; also 附則 and 別表 as level 0.
    chapters: Vec<(usize, String)>,
    supplement: Option<String>,
    article: Option<String>,
    caption: String,
    /// 見出し on a line of its own, waiting for its article.
    waiting: Option<String>,
    /// 項; 0 before the first.
    paragraph: u32,
    /// The document leaves no space behind its numbers, as many PDFs come out.
    tight: bool,
    /// Inside 別表 or 様式, where a form's own 第１条 is none of the ordinance.
    in_appendix: bool,
    /// Headings of the reader's that were open when the provision began.
    opened_depth: usize,
    /// Number of the last article of this part (main provisions or one 附則).
    last: Vec<u64>,
    buffer: Vec<&'a str>,
    /// Section that the buffer came from.
    section: usize,
    /// Articles of the main provisions, and how many of them follow the one before directly.
    articles: usize,
    in_order: usize,
    supplements: usize,
    chars_before: usize,
    chars: usize,
}

impl<'a> Splitter<'a> {
    fn new(sections: &'a [Section]) -> Self {
        Self {
            sections,
            built: Vec::new(),
            part_start: 0,
            path: Vec::new(),
            chapters: Vec::new(),
            supplement: None,
            article: None,
            caption: String::new(),
            waiting: None,
            paragraph: 0,
            tight: false,
            in_appendix: false,
            opened_depth: 0,
            last: Vec::new(),
            buffer: Vec::new(),
            section: 0,
            articles: 0,
            in_order: 0,
            supplements: 0,
            chars_before: 0,
            chars: 0,
        }
    }

    /// Takes the first of the lines; those after it decide what a （見出し） belongs to.
    fn line(&mut self, lines: &[Line<'a>]) {
        let [line, following @ ..] = lines else {
            return;
        };
        self.enter(line);
        if line.kind == Kind::Table {
            self.flush();
            self.buffer.push(line.text);
            self.flush();
            return;
        }
        if let Some(found) = line::article(line.text).filter(|found| self.accepts(found)) {
            self.open_article(&found, line);
        } else if self.articles > 0
            && let Some(amending) = line::supplement(line.text)
        {
            self.open_supplement(amending, line);
        } else if self.articles > 0 && line::appendix(line.text) {
            self.open_appendix(line);
        } else if let Some(caption) = self.caption_of(line.text, following) {
            self.flush();
            self.waiting = Some(caption.to_owned());
        } else if line.kind == Kind::Text {
            self.text(line);
        }
    }

    fn text(&mut self, line: &Line<'a>) {
        if let Some((level, title)) = line::chapter(line.text) {
            self.flush();
            self.chapters.retain(|(open, _)| *open < level);
            self.chapters.push((level, title));
            if self.supplement.is_none() {
                self.article = None;
            }
            return;
        }
        let amending = self.supplement.as_deref() == Some("") && self.paragraph == 0;
        if let Some(inner) =
            line::bracketed(line.text).filter(|_| amending && self.buffer.is_empty())
            && self.article.is_none()
            && line::is_law_number(inner)
        {
            self.supplement = Some(inner.to_owned());
            return;
        }
        let counted = self.article.is_some() || self.supplement.is_some();
        if counted && line::paragraph(line.text, self.tight) == Some(self.paragraph + 1) {
            self.flush();
            self.paragraph += 1;
            if let Some(caption) = self.waiting.take() {
                self.caption = caption;
            } else if self.article.is_none() {
                self.caption.clear();
            }
        }
        if let Some(caption) = self.waiting.take() {
            self.caption = caption;
        }
        self.buffer.push(line.text);
    }

    /// Follows the reader's headings and places: text of another place is another section.
    fn enter(&mut self, line: &Line<'a>) {
        let (now, next) = (&self.sections[self.section], &self.sections[line.section]);
        if self.section != line.section && now.locator != next.locator {
            self.flush();
        }
        if let Kind::Heading(depth) = line.kind {
            self.flush();
            self.close_headings(depth);
            self.path.push(Heading { text: line.text.to_owned(), taken: false });
        }
        if self.path.len() > next.headings.len() {
            self.flush();
            self.close_headings(next.headings.len());
        }
        self.section = line.section;
    }

    /// Closes the headings from this depth on, and the provision that stood under one of them.
    fn close_headings(&mut self, depth: usize) {
        self.path.truncate(depth);
        if depth < self.opened_depth {
            self.opened_depth = 0;
            self.article = None;
            self.supplement = None;
            self.caption.clear();
            self.chapters.retain(|(level, _)| *level > 0);
        }
    }

    fn accepts(&self, found: &ArticleLine) -> bool {
        if self.in_appendix {
            return false;
        }
        if self.last.is_empty() {
            return found.number == [1] && (found.strict || !found.reference);
        }
        if found.number == [1] && found.strict && self.articles > 1 && self.supplement.is_none() {
            return true;
        }
        let ahead = found.number > self.last
            && found.number.first().is_some_and(|first| *first <= self.last[0] + STEP_MAX);
        ahead && (found.strict || (follows(&self.last, &found.number) && !found.reference))
    }

    fn open_article(&mut self, found: &ArticleLine, line: &Line<'a>) {
        self.flush();
        if found.number == [1] && self.supplement.is_none() && self.articles > 0 {
            self.forget_contents();
        }
        if self.supplement.is_none() {
            self.in_order +=
                usize::from(self.last.is_empty() || follows(&self.last, &found.number));
            self.articles += 1;
        }
        self.take_heading(line);
        self.opened_depth = self.path.len();
        let waiting = self.waiting.take();
        self.caption = found.caption.clone().or(waiting).unwrap_or_default();
        self.article = Some(found.key());
        self.tight = !found.strict;
        self.last.clone_from(&found.last);
        self.paragraph = 1;
        self.buffer.push(line.text);
    }

    fn open_supplement(&mut self, amending: String, line: &Line<'a>) {
        self.open_part("附則", line);
        self.supplement = Some(amending);
        self.in_appendix = false;
        self.supplements += 1;
    }

    fn open_appendix(&mut self, line: &Line<'a>) {
        self.open_part(line.text.trim(), line);
        self.supplement = None;
        self.in_appendix = true;
    }

    /// 附則 and 別表 leave the chapters and articles before them.
    fn open_part(&mut self, heading: &str, line: &Line<'a>) {
        self.flush();
        self.take_heading(line);
        self.opened_depth = self.path.len();
        self.chapters = vec![(0, heading.to_owned())];
        self.article = None;
        self.caption.clear();
        self.waiting = None;
        self.paragraph = 0;
        self.last.clear();
    }

    fn take_heading(&mut self, line: &Line<'a>) {
        if let (Kind::Heading(_), Some(heading)) = (line.kind, self.path.last_mut()) {
            heading.taken = true;
        }
    }

    /// （見出し） counts only right before an article or a numbered paragraph of a 附則.
    fn caption_of(&self, text: &'a str, following: &[Line<'_>]) -> Option<&'a str> {
        let caption = line::caption(text)?;
        let next = following.iter().find(|line| !line.text.trim().is_empty())?;
        let article = line::article(next.text).is_some_and(|found| self.accepts(&found));
        let paragraph = self.supplement.is_some()
            && self.article.is_none()
            && line::paragraph(next.text, self.tight) == Some(self.paragraph + 1);
        (article || paragraph).then_some(caption)
    }

    /// 第１条 again: when what came before were only the entries of a 目次, they are no articles.
    fn forget_contents(&mut self) {
        let entry = |section: &Section| {
            section.text.chars().count() <= CONTENTS_CHARS_MAX && !section.text.contains('。')
        };
        let part = &mut self.built[self.part_start..];
        if part.iter().filter(|section| section.article.is_some()).all(entry) {
            for section in part.iter_mut().filter(|section| section.article.is_some()) {
                section.article = None;
                section.caption.clear();
            }
            self.articles = 0;
            self.in_order = 0;
        }
        self.part_start = self.built.len();
        self.last.clear();
    }

    /// Writes the buffer as a section of its place.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.buffer).join("\n");
        if text.trim().is_empty() {
            return;
        }
        let source = &self.sections[self.section];
        // 附則 and 別表 stand outside the chapters, also where those are the reader's headings.
        let outside = self.chapters.iter().any(|(level, _)| *level == 0);
        let above = |heading: &&Heading| {
            !(heading.taken || outside && line::chapter(&heading.text).is_some())
        };
        let own = self.path.iter().filter(above).map(|heading| &heading.text);
        let headings = own.chain(self.chapters.iter().map(|(_, title)| title)).cloned().collect();
        let cited = self.article.is_some() || self.supplement.is_some();
        let article = cited.then(|| ArticleRef {
            article: self.article.clone().unwrap_or_default(),
            paragraph: (self.paragraph > 0).then_some(self.paragraph),
            item: None,
            supplement: self.supplement.clone(),
        });
        self.built.push(Section {
            headings,
            caption: if cited { self.caption.clone() } else { String::new() },
            article,
            locator: source.locator.clone(),
            text,
            table: source.table,
        });
    }

    fn count(&mut self, line: &Line<'_>) {
        let chars = line.text.chars().count();
        self.chars += chars;
        if self.articles == 0 {
            self.chars_before += chars;
        }
    }

    fn is_ordinance(&self) -> bool {
        let enough = self.articles + usize::from(self.supplements > 0) >= ARTICLES_MIN;
        enough && self.in_order * 3 >= self.articles * 2 && self.chars_before * 2 <= self.chars
    }
}

/// True when one article may stand right behind another: 3 and 4, 3 and 3-2, 3-2 and 4.
fn follows(last: &[u64], next: &[u64]) -> bool {
    let raised = |depth: usize| {
        let mut key = last[..=depth].to_vec();
        key[depth] += 1;
        key
    };
    let branch = [last, &[2]].concat();
    next == branch || (0..last.len()).any(|depth| next == raised(depth))
}

/// An article of one paragraph is cited as a whole.
fn whole_articles(mut sections: Vec<Section>) -> Vec<Section> {
    let same = |one: &Section, next: &Section| match (&one.article, &next.article) {
        (Some(one), Some(next)) => {
            (&one.article, &one.supplement) == (&next.article, &next.supplement)
        }
        _ => false,
    };
    for run in sections.chunk_by_mut(same) {
        let paragraphs = run.iter().filter_map(|section| section.article.as_ref()?.paragraph).max();
        if paragraphs == Some(1) {
            for article in run.iter_mut().filter_map(|section| section.article.as_mut()) {
                article.paragraph = None;
            }
        }
    }
    sections
}

/// Title and number, from the lines above the first article.
fn head(lines: &[Line<'_>]) -> Ordinance {
    let mut ordinance = Ordinance::default();
    for line in lines.iter().take_while(|line| line::article(line.text).is_none()) {
        let (name, behind) = line::bracketed_end(line.text.trim());
        if ordinance.number.is_empty()
            && let Some(number) = behind.or(Some(name)).filter(|text| line::is_law_number(text))
        {
            number.clone_into(&mut ordinance.number);
        }
        if ordinance.title.is_none() && is_title(name) {
            let alone = behind.is_none_or(|text| text == "抄" || line::is_law_number(text));
            let title = if alone { name } else { line.text.trim() };
            let title = title.trim_start_matches(['○', '◯', '◎', ' ', '　']);
            ordinance.title = Some(title.to_owned());
        }
    }
    ordinance
}

fn is_title(name: &str) -> bool {
    const KINDS: [&str; 8] = ["条例", "規則", "規程", "要綱", "要領", "細則", "訓令", "法"];
    name.chars().count() <= TITLE_CHARS_MAX
        && !name.contains(['。', '、'])
        && KINDS.iter().any(|kind| name.ends_with(kind) && name != *kind)
}

/// Says whether articles may be found here: rows and slides hold none.
pub(crate) fn applies(section: &Section) -> bool {
    !matches!(section.locator, Locator::Rows { .. } | Locator::Slide { .. })
}

#[cfg(test)]
mod tests;
