//! `kura eval retrieval`: indexes a corpus of JSON lines as a data set is indexed, asks every
//! question, and reports quality and speed.
//!
//! A corpus line has `id` and `text`, and may have `title` or `law`, `art`, `head`, `cap`, `hier`;
//! it becomes one document, cut into passages as any other. A question line has `query` and
//! `gold` (a list of corpus ids, empty where nothing answers), and may have `choices`. A
//! document's place in a ranking is that of its best passage.
//!
//! With `--prompts` it also builds the prompts that an answer would have, at several budgets, and
//! reports how often what answers is left in them: one of a line's `answers`, or for a question
//! with `choices` and the letter `answer` the sentence of its gold documents that has most of the
//! right choice. A token is counted as 1.5 characters, about what models made for Japanese take.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Context, Failure, eval_labelled, output};
use crate::answer::evaluation::survival::{BUDGETS_TOKENS, Survival};
use crate::cli::EvalRetrievalArgs;
use crate::document::{ArticleRef, Authority, Document, LawInfo, Passage, Scope, Section};
use crate::ingest::chunk::{self, DocumentDefaults};
use crate::search::metrics::{Quality, percentile};
use crate::search::{Found, Index, Query, Relevance, SearchError, Searcher, Signs};
use crate::sync::FoundRates;
use crate::text::{Lang, article_key, sentences};

/// Documents judged.
const PLACES: usize = 10;
const DATASET: &str = "eval";

/// Passages of a prompt, and the characters that make a token of it.
const GIVEN: usize = 4;
const CHARS_PER_TOKEN: f64 = 1.5;

/// A sentence decides between choices when it has this share of the right one.
const DECIDES: f32 = 0.6;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
struct Report {
    /// Documents in the corpus.
    documents: u64,
    /// Passages in the index.
    passages: u64,
    /// Questions asked.
    queries: u64,
    /// Means over the questions, with weak hits kept.
    #[serde(flatten)]
    quality: Quality,
    /// Questions answered with 該当なし in normal use although they have a right answer, and
    /// those without one (`gold` is empty) that got passages.
    #[serde(flatten)]
    rates: FoundRates,
    /// The first of both, as a share.
    none_found: f64,
    /// … and whose right answer was among the first five.
    none_found_lost_at_5: f64,
    /// Building the index, in seconds.
    index_s: f64,
    /// Size of the index in bytes.
    index_bytes: u64,
    /// Median time of a question in milliseconds.
    query_p50_ms: f64,
    /// Time within which 99 of 100 questions are done, in milliseconds.
    query_p99_ms: f64,
    /// What is left in prompts; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<Survival>,
}

/// Why an evaluation stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum EvalError {
    #[error("cannot {operation} {path}: {source}")]
    Io { operation: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {detail}")]
    Line { path: PathBuf, line: u64, detail: String },
    #[error("{0} is compressed: unpack it first, for instance with `zstd -d`")]
    Compressed(PathBuf),
    #[error("{path}: the question {query:?} has no text in the field {field:?}")]
    Field { path: PathBuf, field: String, query: String },
    #[error("{0} has no lines")]
    NoLines(PathBuf),
    #[error(transparent)]
    Search(#[from] SearchError),
}

#[derive(Deserialize)]
struct CorpusLine {
    id: String,
    text: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    law: String,
    #[serde(default)]
    lawnum: String,
    #[serde(default)]
    art: String,
    #[serde(default)]
    head: String,
    #[serde(default)]
    cap: String,
    #[serde(default)]
    hier: String,
}

#[derive(Deserialize)]
struct QueryLine {
    query: String,
    gold: Vec<String>,
    #[serde(default)]
    choices: String,
    /// Letter of the right choice.
    #[serde(default)]
    answer: String,
    /// Words that answer.
    #[serde(default)]
    answers: Vec<String>,
    /// Other fields, for `--field`.
    #[serde(flatten)]
    other: serde_json::Map<String, serde_json::Value>,
}

impl QueryLine {
    /// What is searched.
    fn text(&self, args: &EvalRetrievalArgs) -> Result<String, EvalError> {
        let asked = match args.field.as_str() {
            "query" => Some(self.query.as_str()),
            field => self.other.get(field).and_then(serde_json::Value::as_str),
        };
        let Some(asked) = asked else {
            let path = args.queries.clone().unwrap_or_default();
            let field = args.field.clone();
            return Err(EvalError::Field { path, field, query: self.query.clone() });
        };
        Ok(if args.choices { format!("{asked}\n{}", self.choices) } else { asked.to_owned() })
    }

    /// The texts of which one answers, as they stand in the passages.
    fn answers(&self, passages: &[Passage]) -> Vec<String> {
        let lines = self.choices.lines();
        let mut right = lines.filter_map(|line| line.strip_prefix(self.answer.as_str()));
        let Some(choice) = right.next().filter(|_| !self.answer.is_empty()) else {
            return self.answers.clone();
        };
        let choice = Relevance::plain(choice);
        let gold = passages.iter().filter(|passage| self.gold.contains(&passage.path));
        let said = gold.flat_map(|passage| sentences(&passage.text));
        let best = said.max_by(|one, other| choice.share(one).total_cmp(&choice.share(other)));
        best.filter(|sentence| choice.share(sentence) >= DECIDES)
            .map(str::to_owned)
            .into_iter()
            .collect()
    }
}

pub(super) fn run(context: &Context, args: &EvalRetrievalArgs) -> Result<(), Failure> {
    if let Some(file) = &args.labelled {
        return eval_labelled::run(context, args, file);
    }
    let (Some(corpus), Some(queries)) = (&args.corpus, &args.queries) else {
        return Err(Failure::usage(
            "--corpusと--queries、または--labelledを指定してください。".to_owned(),
            "give --corpus and --queries, or --labelled".to_owned(),
        ));
    };
    let report = measure(context, args, corpus, queries).map_err(|why| {
        Failure::new(format!("測れませんでした：{why}"), format!("cannot measure: {why}"))
    })?;
    if args.json {
        return output::json(&report);
    }
    say!("{}", report.text());
    Ok(())
}

/// Builds the index in a temporary folder and asks every question.
///
/// # Errors
/// What a file, a line or the index gave.
fn measure(
    context: &Context,
    args: &EvalRetrievalArgs,
    corpus: &Path,
    asked: &Path,
) -> Result<Report, EvalError> {
    let queries = lines::<QueryLine>(asked)?.collect::<Result<Vec<_>, _>>()?;
    if queries.is_empty() {
        return Err(EvalError::NoLines(asked.to_owned()));
    }
    let folder = tempfile::tempdir().map_err(|source| EvalError::Io {
        operation: "create a temporary folder in",
        path: std::env::temp_dir(),
        source,
    })?;
    let dir = folder.path().join("index");
    let start = Instant::now();
    let (documents, stats) = build(context, corpus, &dir)?;
    let index_s = start.elapsed().as_secs_f64();
    let index = Arc::new(Index::open(&dir)?);
    let searcher = Searcher::new(vec![(DATASET.to_owned(), index)]);
    let mut report = ask(context, &searcher, &queries, args)?;
    report.documents = documents;
    report.passages = stats.passages;
    report.index_s = index_s;
    report.index_bytes = stats.size_bytes;
    Ok(report)
}

/// Indexes a corpus while it is read: memory does not grow with it.
fn build(
    context: &Context,
    corpus: &Path,
    dir: &Path,
) -> Result<(u64, crate::search::IndexStats), EvalError> {
    let defaults = DocumentDefaults {
        title: None,
        authority_override: None,
        authority: Authority::Law,
        scope: Scope::Common,
        as_of: Date::constant(2000, 1, 1),
        validity: crate::document::Validity::default(),
    };
    let mut lines = lines::<CorpusLine>(corpus)?;
    let mut documents = 0;
    let mut failure = None;
    let passages = std::iter::from_fn(|| match lines.next()? {
        Ok(line) => {
            documents += 1;
            Some(passages(line, &defaults))
        }
        Err(why) => {
            failure = Some(why);
            None
        }
    });
    let bar = output::counter(context, "索引を作っています", "Indexing");
    let stats =
        Index::build(dir, passages.flatten(), |n| bar.set_position(n), &AtomicBool::new(false));
    bar.finish_and_clear();
    match failure {
        Some(why) => Err(why),
        None if documents == 0 => Err(EvalError::NoLines(corpus.to_owned())),
        None => Ok((documents, stats?)),
    }
}

fn ask(
    context: &Context,
    searcher: &Searcher,
    queries: &[QueryLine],
    args: &EvalRetrievalArgs,
) -> Result<Report, EvalError> {
    let bar = output::progress(context, queries.len() as u64, "質問しています", "Asking");
    let (mut judged, mut times_ms) = (Vec::new(), Vec::new());
    let (mut rates, mut lost) = (FoundRates::default(), 0u32);
    let mut signs = SignsFile::create(args.signs.as_deref())?;
    let mut survival = args.prompts.then(Survival::default);
    for line in queries {
        let asked = line.text(args)?;
        let text = asked.clone();
        let query =
            Query { text, limit: PLACES, per_document: 1, keep_weak: true, ..Query::default() };
        let start = Instant::now();
        let found = searcher.search(&query)?;
        times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        let ranking: Vec<&str> = found.hits.iter().map(|hit| hit.passage.path.as_str()).collect();
        let gold: Vec<&str> = line.gold.iter().map(String::as_str).collect();
        let quality = Quality::of(&ranking, &gold);
        signs.write(&asked, !gold.is_empty(), quality.mrr_at_10, &found)?;
        if gold.is_empty() {
            rates.answered.count(!found.weak);
        } else {
            rates.refused.count(found.weak);
            lost += u32::from(found.weak && quality.hit_at_5 > 0.0);
            judged.push(quality);
        }
        if let Some(survival) = &mut survival {
            count_prompt(searcher, line, &asked, survival)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    signs.finish()?;
    times_ms.sort_by(f64::total_cmp);
    let count = rates.refused.of.max(1) as f64;
    Ok(Report {
        documents: 0,
        passages: 0,
        queries: queries.len() as u64,
        quality: Quality::mean(&judged),
        rates,
        none_found: rates.refused.count as f64 / count,
        none_found_lost_at_5: f64::from(lost) / count,
        index_s: 0.0,
        index_bytes: 0,
        query_p50_ms: percentile(&times_ms, 0.5),
        query_p99_ms: percentile(&times_ms, 0.99),
        prompts: survival,
    })
}

/// What the judgement of each question rests on, for those who calibrate it.
struct SignsFile(Option<(PathBuf, BufWriter<File>)>);

impl SignsFile {
    fn create(path: Option<&Path>) -> Result<Self, EvalError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = File::create(path).map_err(|source| unwritable(path, source))?;
        Ok(Self(Some((path.to_owned(), BufWriter::new(file)))))
    }

    fn write(
        &mut self,
        ask: &str,
        answerable: bool,
        reciprocal_rank: f64,
        found: &Found,
    ) -> Result<(), EvalError> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        let judged = found.hits.iter().filter(|hit| hit.signs != Signs::default());
        let line = serde_json::json!({
            "ask": ask,
            "answerable": answerable,
            "reciprocal_rank": reciprocal_rank,
            "found": !found.weak,
            "resolved": found.hits.iter().any(|hit| hit.resolved),
            "signs": judged.map(|hit| hit.signs).collect::<Vec<_>>(),
        });
        writeln!(file, "{line}").map_err(|source| unwritable(path, source))
    }

    fn finish(&mut self) -> Result<(), EvalError> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        file.flush().map_err(|source| unwritable(path, source))
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> EvalError {
    EvalError::Io { operation: "write", path: path.to_owned(), source }
}

/// Builds the prompts of a question as an answer does.
fn count_prompt(
    searcher: &Searcher,
    line: &QueryLine,
    asked: &str,
    survival: &mut Survival,
) -> Result<(), EvalError> {
    let query = Query { text: asked.to_owned(), limit: GIVEN, ..Query::default() };
    let hits = searcher.search(&query)?.hits;
    let passages: Vec<Passage> = hits.into_iter().map(|hit| hit.passage).collect();
    let answers = line.answers(&passages);
    let relevance = searcher.relevance(asked, None)?;
    let tokens = |text: &str| (text.chars().count() as f64 / CHARS_PER_TOKEN).ceil() as usize;
    let holds = |text: &str| answers.iter().any(|answer| text.contains(answer.as_str()));
    survival.count(asked, &relevance, &passages, holds, tokens);
    Ok(())
}

impl Report {
    fn text(&self) -> String {
        let quality = &self.quality;
        format!(
            "documents {}  passages {}  queries {}\n\
             hit@1 {:.3}  hit@5 {:.3}  hit@10 {:.3}\n\
             recall@10 {:.3}  MRR@10 {:.3}  nDCG@10 {:.3}\n\
             none found {:.3} (right answer among the first five: {:.3})\n\
             {}\n\
             index {:.1} s, {:.1} MB  query p50 {:.1} ms, p99 {:.1} ms",
            self.documents,
            self.passages,
            self.queries,
            quality.hit_at_1,
            quality.hit_at_5,
            quality.hit_at_10,
            quality.recall_at_10,
            quality.mrr_at_10,
            quality.ndcg_at_10,
            self.none_found,
            self.none_found_lost_at_5,
            self.rates.label(Lang::En).unwrap_or_default(),
            self.index_s,
            self.index_bytes as f64 / 1e6,
            self.query_p50_ms,
            self.query_p99_ms,
        ) + &self.prompts.map(prompts_text).unwrap_or_default()
    }
}

fn prompts_text(survival: Survival) -> String {
    let shares = BUDGETS_TOKENS.iter().zip(survival.percent());
    let shares: Vec<String> =
        shares.map(|(tokens, percent)| format!("{tokens}: {percent:.1}%")).collect();
    format!("\nanswer left in prompts of so many tokens {} ({})", shares.join("  "), survival.of)
}

/// Reads JSON lines one by one; blank lines are allowed, others are named when they are wrong.
fn lines<T: serde::de::DeserializeOwned>(
    path: &Path,
) -> Result<impl Iterator<Item = Result<T, EvalError>>, EvalError> {
    let compressed = ["zst", "gz", "bz2", "xz"];
    if path.extension().is_some_and(|e| compressed.iter().any(|kind| e == *kind)) {
        return Err(EvalError::Compressed(path.to_owned()));
    }
    let io = |operation| {
        let path = path.to_owned();
        move |source| EvalError::Io { operation, path: path.clone(), source }
    };
    let file = File::open(path).map_err(io("open"))?;
    let path = path.to_owned();
    let parsed = (1u64..).zip(BufReader::new(file).lines()).map(move |(number, line)| {
        let wrong = |detail: String| EvalError::Line { path: path.clone(), line: number, detail };
        let line = line.map_err(|why| wrong(why.to_string()))?;
        if line.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&line).map(Some).map_err(|why| wrong(why.to_string()))
    });
    Ok(parsed.filter_map(Result::transpose))
}

/// A line as the document that a reader of files would have made of it, cut as any other.
fn passages(line: CorpusLine, defaults: &DocumentDefaults) -> Vec<Passage> {
    let is_law = !line.law.is_empty();
    let article = article_key(&line.art)
        .filter(|_| is_law)
        .map(|article| ArticleRef { article, ..ArticleRef::default() });
    let mut headings: Vec<String> =
        line.hier.split(' ').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if article.is_none() && !line.head.is_empty() {
        headings.push(line.head);
    }
    let law = is_law.then(|| LawInfo { number: line.lawnum, ..LawInfo::default() });
    let section = Section {
        headings,
        caption: line.cap.trim_matches(['（', '）', '(', ')']).to_owned(),
        article,
        text: line.text,
        ..Section::default()
    };
    let title = if is_law { line.law } else { line.title };
    let document = Document { title, law, sections: vec![section], ..Document::default() };
    chunk::passages(&document, &line.id, defaults)
}
