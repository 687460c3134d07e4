//! Keeping records in the database, reading them back, and judging documents by them.

use super::audited;
use super::blocks::{document, file_stem};
use super::code::Code;
use super::review::{
    Action, COMMENT_CHARS_MAX, Case, Noted, Refusal, Rule, Step, TEXT_CHARS_MAX, TextCheck,
};
use super::seal::{Seal, SealError};
use super::verdict::{Carried, Verdict, judge};
use super::{Block, Format, Record, hash_of};
use crate::answer::types::{AnswerSummary, Source};
use crate::document::Person;
use crate::store::{ReviewStep, Store, StoreError, StoredAnswer};

/// Keep the box's MACs of records and of lines of trails apart from each other.
const OF_RECORDS: &str = "record";
const OF_STEPS: &str = "step";

/// Codes are drawn so often before giving up; two records hardly ever draw the same.
const DRAWS: usize = 5;

/// Why a record cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Somebody changed the database by hand, or the disk lost something.
    #[error("the record {code} or its trail was changed in the database")]
    Tampered { code: Code },
    #[error("no free code was found")]
    NoCode,
    #[error("the document could not be put together: {0}")]
    Write(std::io::Error),
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// A record with its trail, both known to be as this box wrote them.
#[derive(Clone, Debug)]
pub struct Kept {
    pub record: Record,
    pub steps: Vec<Step>,
    /// MAC of the last line of the trail.
    last_mac: String,
}

impl Kept {
    /// Where its review stands.
    pub fn case(&self, rule: Rule) -> Case<'_> {
        let last = self.steps.last().map_or(Action::Created, |step| step.action);
        let last_by = self.steps.last().map_or("", |step| &step.person);
        let author = &self.record.author;
        Case { author: &author.id, section: &author.section, last, last_by, rule }
    }

    /// The text that counts now: as it was put right last, or as it was made.
    pub fn text(&self) -> &str {
        let corrected = self.steps.iter().rev().find(|step| !step.text.is_empty());
        corrected.map_or(&self.record.text, |step| &step.text)
    }

    /// The same with the marks of its check.
    fn shown(&self) -> &str {
        let corrected = self.steps.iter().rev().find(|step| !step.text.is_empty());
        corrected.and_then(Step::check).map_or(self.text(), |check| &check.shown)
    }

    /// The record, with what the text that counts now cites as cited too.
    pub fn as_cited(&self) -> Record {
        let mut record = self.record.clone();
        let cited = self.steps.iter().rev().find_map(Step::check).map(|check| &check.cited);
        for source in &mut record.sources {
            source.cited |= cited.is_some_and(|cited| cited.contains(&source.number));
        }
        record
    }
}

/// The records of this box.
#[derive(Clone, Debug)]
pub struct Records {
    store: Store,
    seal: Seal,
}

impl Records {
    /// Of a data folder and its database.
    ///
    /// # Errors
    /// The box's secret cannot be read or made.
    pub fn open(store: Store, data_dir: &std::path::Path) -> Result<Self, RecordError> {
        Ok(Self { store, seal: Seal::open(data_dir)? })
    }

    /// The secret's public side.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Keeps the record of a finished answer; `question` is masked already.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep(
        &self,
        person: &Person,
        question: &str,
        text: &str,
        sources: &[Source],
        summary: &AnswerSummary,
    ) -> Result<Code, RecordError> {
        let rule = self.rule(&person.section).await?;
        for _ in 0..DRAWS {
            let code = Code::random();
            let record = Record::new(code.clone(), person, question, text, sources, summary);
            if self.add(&record, person, rule).await? {
                return Ok(code);
            }
        }
        Err(RecordError::NoCode)
    }

    async fn add(&self, record: &Record, person: &Person, rule: Rule) -> Result<bool, RecordError> {
        let written = record.canonical().map_err(|why| RecordError::Write(why.into()))?;
        let hash = hash_of(&written);
        let code = record.code.plain();
        let answer = StoredAnswer {
            code: code.to_owned(),
            person: person.id.clone(),
            section: person.section.clone(),
            created_at: now(),
            kind: serde_name(&record.kind),
            question: record.question.clone(),
            mac: self.seal.mac(OF_RECORDS, &[code, &hash]),
            hash,
            body: written,
        };
        let noted = note(rule, None)?;
        let first = self.step(&record.code, 1, person, Action::Created, ["", "", &noted], "");
        Ok(self.store.add_answer(&answer, &first).await?)
    }

    /// A record by its code.
    ///
    /// # Errors
    /// The database cannot be read, or holds what this box did not write.
    pub async fn find(&self, code: &Code) -> Result<Option<Kept>, RecordError> {
        let Some(stored) = self.store.answer(code.plain()).await? else { return Ok(None) };
        let tampered = || RecordError::Tampered { code: code.clone() };
        let hash = hash_of(&stored.body);
        if hash != stored.hash || !self.seal.knows(&stored.mac, OF_RECORDS, &[code.plain(), &hash])
        {
            return Err(tampered());
        }
        let record: Record = serde_json::from_str(&stored.body).map_err(|_| tampered())?;
        let (mut steps, mut last_mac) = (Vec::new(), String::new());
        for (number, line) in (1..).zip(self.store.review_steps(code.plain()).await?) {
            let known = self.seal.knows(&line.mac, OF_STEPS, &parts(&line, &last_mac));
            let action = Action::of(&line.action).filter(|_| known && line.step == number);
            let noted = match line.noted.as_str() {
                "" => None,
                noted => Some(serde_json::from_str(noted).map_err(|_| tampered())?),
            };
            last_mac.clone_from(&line.mac);
            steps.push(Step {
                action: action.ok_or_else(tampered)?,
                at: line.at,
                person: line.person,
                name: line.name,
                section: line.section,
                comment: line.comment,
                text: line.text,
                noted,
            });
        }
        match &record.code == code && !steps.is_empty() {
            true => Ok(Some(Kept { record, steps, last_mac })),
            false => Err(tampered()),
        }
    }

    /// What the sections ask for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rules(&self) -> Result<Vec<(String, String)>, RecordError> {
        Ok(self.store.review_rules().await?)
    }

    /// What a section asks for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rule(&self, section: &str) -> Result<Rule, RecordError> {
        Ok(Rule::for_section(&self.rules().await?, section))
    }

    /// Takes a step of the review. `text`, where it differs from what stands, is the text as the
    /// person put it right.
    ///
    /// # Errors
    /// The step is refused, or the database fails.
    pub async fn review(
        &self,
        kept: &Kept,
        person: &Person,
        action: Action,
        comment: &str,
        text: &str,
    ) -> Result<(), RecordError> {
        let rule = self.rule(&kept.record.author.section).await?;
        kept.case(rule).allows(person, action)?;
        let comment = comment.trim().replace("\r\n", "\n");
        let text = text.trim().replace("\r\n", "\n");
        if action == Action::Returned && comment.is_empty() {
            return Err(Refusal::NoComment.into());
        }
        let (comment_chars, chars) = (comment.chars().count(), text.chars().count());
        if comment_chars > COMMENT_CHARS_MAX || chars > TEXT_CHARS_MAX {
            return Err(Refusal::TooLong.into());
        }
        let same = !action.takes_text() || text == kept.text().trim();
        let text = if same { "" } else { &text };
        let (code, number) = (&kept.record.code, kept.steps.len() as i64 + 1);
        let check = match text.is_empty() {
            true => None,
            false => audited::check(&kept.record, kept.shown(), text),
        };
        let noted = note(rule, check)?;
        let words = [&comment, text, &noted];
        let step = self.step(code, number, person, action, words, &kept.last_mac);
        match self.store.add_review_step(&step).await? {
            true => Ok(()),
            false => Err(Refusal::Meanwhile.into()),
        }
    }

    /// `words`: the comment, the text, and what was noted.
    fn step(
        &self,
        code: &Code,
        number: i64,
        person: &Person,
        action: Action,
        [comment, text, noted]: [&str; 3],
        before: &str,
    ) -> ReviewStep {
        let mut step = ReviewStep {
            code: code.plain().to_owned(),
            step: number,
            at: now(),
            person: person.id.clone(),
            name: person.name.clone(),
            section: person.section.clone(),
            action: action.name().to_owned(),
            comment: comment.to_owned(),
            text: text.to_owned(),
            noted: noted.to_owned(),
            mac: String::new(),
        };
        step.mac = self.seal.mac(OF_STEPS, &parts(&step, before));
        step
    }

    /// A record as a document, under the rule of its section.
    pub fn document(&self, kept: &Kept, rule: Rule) -> Vec<Block> {
        document(&self.seal, &kept.record, &kept.steps, rule)
    }

    /// A record as a file: its name and its bytes.
    ///
    /// # Errors
    /// The file cannot be put together.
    pub fn save(
        &self,
        kept: &Kept,
        rule: Rule,
        format: Format,
    ) -> Result<(String, Vec<u8>), RecordError> {
        let bytes = format.write(&self.document(kept, rule)).map_err(RecordError::Write)?;
        let stem = file_stem(&kept.record, &kept.record.code);
        Ok((format!("{stem}.{}", format.extension()), bytes))
    }

    /// Judges a document by its lines.
    ///
    /// # Errors
    /// The database cannot be read, or holds what this box did not write.
    pub async fn check(&self, lines: &[String]) -> Result<Verdict, RecordError> {
        let carried = Carried::of(lines);
        let kept = match &carried.code {
            Some(code) => self.find(code).await?,
            None => None,
        };
        let rule = match &kept {
            Some(kept) => self.rule(&kept.record.author.section).await?,
            None => Rule::None,
        };
        Ok(judge(&self.seal, carried, kept, rule))
    }
}

/// What the MAC of a line holds: all of it, and the line before. Lines of before there were notes
/// have one part less.
fn parts<'a>(step: &'a ReviewStep, before: &'a str) -> Vec<&'a str> {
    let ReviewStep { code, at, person, name, section, action, comment, text, noted, .. } = step;
    let mut parts = vec![before, code, at, person, name, section, action, comment, text];
    parts.extend(Some(noted.as_str()).filter(|noted| !noted.is_empty()));
    parts
}

fn note(rule: Rule, check: Option<TextCheck>) -> Result<String, RecordError> {
    let noted = Noted { rule: rule.name().to_owned(), check };
    serde_json::to_string(&noted).map_err(|why| RecordError::Write(why.into()))
}

fn serde_name(kind: &crate::answer::types::AnswerKind) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// RFC 3339 in UTC, to the second, as the database has its times.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
