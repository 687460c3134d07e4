//! Asks several indexes at once: candidates by BM25 with shared statistics, then a second look.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tantivy::collector::TopDocs;
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, Term};

use super::citation::{self, Cited};
use super::rank::{Kind, Question, Statistics};
use super::schema::{Fields, provision_key};
use super::snippet::{Snippet, snippet};
use super::titles::Titles;
use super::{Index, SearchError};
use crate::document::{ArticleRef, Passage};
use crate::text::fold;

use super::rank::tune;

/// A question to the index.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// What the person typed.
    pub text: String,
    /// Ids of the data sets to ask; `None` asks all that are open.
    pub datasets: Option<Vec<String>>,
    /// Most hits to return.
    pub limit: usize,
    /// Most passages of one document among the hits; 0 sets no bound.
    pub per_document: usize,
    /// Leaves weak hits in: for measurement and for a second, wider look.
    pub keep_weak: bool,
}

/// What was found. Empty hits mean 該当なし.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Every citation in the question, in the order of the question.
    pub resolved: Vec<Citation>,
    /// True when nothing fits the question well enough; hits are then empty, unless
    /// [`Query::keep_weak`] asked for them.
    pub weak: bool,
}

/// A passage that speaks of the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Id of its data set.
    pub dataset: String,
    /// Comparable within one result only.
    pub score: f32,
    /// Share of the question's content that it covers, 0 to 1.
    pub coverage: f32,
    /// True when the question cites this very provision.
    pub resolved: bool,
    pub passage: Passage,
    pub snippet: Snippet,
}

/// Whether what a question cites is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CitationStatus {
    Found,
    /// The law is at hand and has no such article.
    NoSuchArticle,
    /// No chosen data set has a law of this name.
    NoSuchLaw,
}

/// A citation in the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// Title of the law; as in the question where the law is not at hand.
    pub law: String,
    /// The provision that is cited.
    pub provision: ArticleRef,
    pub status: CitationStatus,
}

impl Citation {
    /// 「地方自治法 第十条の二」
    pub fn label(&self) -> String {
        format!("{} {}", self.law, self.provision.label())
    }
}

struct Part {
    dataset: String,
    index: Arc<Index>,
}

/// Several data sets' indexes, asked as one.
pub struct Searcher {
    parts: Vec<Part>,
    well_known: Titles,
}

struct Candidate<'a> {
    part: &'a Part,
    order: (usize, u64),
    address: DocAddress,
    score: f32,
    resolved: bool,
}

impl Searcher {
    /// The order of the data sets decides between equal scores.
    pub fn new(indexes: Vec<(String, Arc<Index>)>) -> Self {
        let parts =
            indexes.into_iter().map(|(dataset, index)| Part { dataset, index }).collect();
        Self { parts, well_known: Titles::well_known() }
    }

    /// Asks the chosen data sets.
    ///
    /// # Errors
    /// [`SearchError::UnknownDataset`], or what reading an index gave.
    pub fn search(&self, query: &Query) -> Result<Found, SearchError> {
        let parts = self.chosen(query.datasets.as_deref())?;
        let folded = fold(&query.text);
        let titles: Vec<&Titles> = parts.iter().map(|part| &part.index.titles).collect();
        let citations = citation::read(&folded, &titles, &self.well_known);
        let (resolved, cited) = look_up(&parts, citations.cited)?;
        let Some(first) = parts.first() else {
            return Ok(Found { resolved, weak: true, ..Found::default() });
        };
        let fields = first.index.fields;
        let statistics = Shared { parts: &parts, fields };
        let question = Question::new(&folded, &citations.rest, &statistics);
        let clauses = clauses(&fields, &question, statistics.passages());
        let mut candidates = self.candidates(&parts, &clauses, &statistics, &cited)?;
        candidates.sort_by(best_first);
        let (hits, weak) = judge(query, &question, candidates)?;
        Ok(Found { hits, resolved, weak })
    }

    /// One passage by its id.
    ///
    /// # Errors
    /// [`SearchError::UnknownDataset`], or what reading the index gave.
    pub fn passage(&self, dataset: &str, id: &str) -> Result<Option<Passage>, SearchError> {
        let index = self.index(dataset)?;
        let found = index.exact(index.fields.id, id)?;
        found.first().map(|&address| index.load(address)).transpose()
    }

    /// All passages of an article, in reading order; paragraph and item are not looked at.
    ///
    /// # Errors
    /// As [`Self::passage`].
    pub fn article(
        &self,
        dataset: &str,
        title: &str,
        provision: &ArticleRef,
    ) -> Result<Vec<Passage>, SearchError> {
        let index = self.index(dataset)?;
        let found = index.exact(index.fields.provision, &provision_key(title, provision))?;
        found.into_iter().map(|address| index.load(address)).collect()
    }

    /// All passages of a document, in reading order.
    ///
    /// # Errors
    /// As [`Self::passage`].
    pub fn document(&self, dataset: &str, path: &str) -> Result<Vec<Passage>, SearchError> {
        let index = self.index(dataset)?;
        let found = index.exact(index.fields.path, path)?;
        found.into_iter().map(|address| index.load(address)).collect()
    }

    fn index(&self, dataset: &str) -> Result<&Index, SearchError> {
        let part = self.parts.iter().find(|part| part.dataset == dataset);
        part.map(|part| part.index.as_ref())
            .ok_or_else(|| SearchError::UnknownDataset(dataset.to_owned()))
    }

    fn chosen(&self, datasets: Option<&[String]>) -> Result<Vec<&Part>, SearchError> {
        let Some(datasets) = datasets else { return Ok(self.parts.iter().collect()) };
        for dataset in datasets {
            self.index(dataset)?;
        }
        Ok(self.parts.iter().filter(|part| datasets.contains(&part.dataset)).collect())
    }

    fn candidates<'a>(
        &self,
        parts: &[&'a Part],
        clauses: &[(Term, f32)],
        statistics: &Shared<'_>,
        cited: &[(usize, DocAddress, String)],
    ) -> Result<Vec<Candidate<'a>>, SearchError> {
        let mut found = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let index = &part.index;
            let here: Vec<_> = cited.iter().filter(|(at, ..)| *at == place).collect();
            let addresses: HashSet<DocAddress> = here.iter().map(|c| c.1).collect();
            let mut scored = ask(index, union(clauses), CANDIDATES, statistics)?;
            let mut terms: Vec<&str> = here.iter().map(|c| c.2.as_str()).collect();
            terms.dedup();
            for term in terms {
                let term = Term::from_field_text(index.fields.provision, term);
                let filter = TermQuery::new(term, IndexRecordOption::Basic);
                let filter = ConstScoreQuery::new(Box::new(filter), 0.0);
                let both = BooleanQuery::new(vec![
                    (Occur::Must, Box::new(filter)),
                    (Occur::Should, Box::new(union(clauses))),
                ]);
                scored.extend(ask(index, both, CANDIDATES, statistics)?);
            }
            let mut seen = HashSet::new();
            for (score, address) in scored {
                if seen.insert(address) {
                    let order = (place, index.ordinal(address)?);
                    let resolved = addresses.contains(&address);
                    found.push(Candidate { part, order, address, score, resolved });
                }
            }
        }
        Ok(found)
    }
}

/// Candidates that each index gives, and how many of all are looked at again.
const CANDIDATES: usize = 100;

fn best_first(left: &Candidate<'_>, right: &Candidate<'_>) -> std::cmp::Ordering {
    let resolved = right.resolved.cmp(&left.resolved);
    resolved.then(right.score.total_cmp(&left.score)).then(left.order.cmp(&right.order))
}

/// The cited provisions: their status, and the passages that they stand for.
fn look_up(
    parts: &[&Part],
    cited: Vec<Cited>,
) -> Result<(Vec<Citation>, Vec<(usize, DocAddress, String)>), SearchError> {
    let (mut resolved, mut addresses) = (Vec::new(), Vec::new());
    for cited in cited {
        let key = provision_key(&cited.law, &cited.provision);
        let before = addresses.len();
        for (place, part) in parts.iter().enumerate() {
            let found = part.index.exact(part.index.fields.provision, &key)?;
            addresses.extend(found.into_iter().map(|address| (place, address, key.clone())));
        }
        let status = match (cited.law_known, addresses.len() > before) {
            (false, _) => CitationStatus::NoSuchLaw,
            (true, true) => CitationStatus::Found,
            (true, false) => CitationStatus::NoSuchArticle,
        };
        resolved.push(Citation { law: cited.law_written, provision: cited.provision, status });
    }
    Ok((resolved, addresses))
}

/// The terms to ask for, with their weight.
fn clauses(fields: &Fields, question: &Question, passages: u64) -> Vec<(Term, f32)> {
    let mut clauses = Vec::new();
    let sides = [
        (fields.grams, &question.grams.list, tune("wg", 1.0)),
        (fields.words, &question.words.list, tune("ww", 1.0)),
    ];
    let cap = (passages as f32 * tune("cap", 1.0)) as u64;
    for (field, terms, weight) in sides {
        for term in terms.iter().filter(|term| term.found_in > 0 && term.found_in <= cap.max(20)) {
            let weight = weight * term.count.powf(tune("tf", 1.0)) * term.idf.powf(tune("idfp", 0.0));
            clauses.push((Term::from_field_text(field, &term.text), weight));
        }
    }
    clauses
}

fn union(clauses: &[(Term, f32)]) -> BooleanQuery {
    let should = |(term, weight): &(Term, f32)| -> (Occur, Box<dyn tantivy::query::Query>) {
        let query = TermQuery::new(term.clone(), IndexRecordOption::WithFreqs);
        (Occur::Should, Box::new(BoostQuery::new(Box::new(query), *weight)))
    };
    BooleanQuery::new(clauses.iter().map(should).collect())
}

fn ask(
    index: &Index,
    query: BooleanQuery,
    limit: usize,
    statistics: &Shared<'_>,
) -> Result<Vec<(f32, DocAddress)>, SearchError> {
    let collector = TopDocs::with_limit(limit).order_by_score();
    index
        .searcher
        .search_with_statistics_provider(&query, &collector, statistics)
        .map_err(|why| index.failed(why))
}

/// Reads the best candidates and ranks them again by what their text says of the question.
fn judge(
    query: &Query,
    question: &Question,
    candidates: Vec<Candidate<'_>>,
) -> Result<(Vec<Hit>, bool), SearchError> {
    let again = (tune("rerank", 60.0) as usize).max(query.limit);
    let bare = question.is_bare();
    let mut hits = Vec::new();
    for candidate in candidates.into_iter().take(again) {
        let passage = candidate.part.index.load(candidate.address)?;
        let evidence = question.evidence(&passage);
        let mut score = evidence.score;
        if candidate.resolved {
            score = score * tune("res", 1.5) + if bare { 1000.0 } else { 0.0 };
        }
        hits.push(Hit {
            dataset: candidate.part.dataset.clone(),
            score,
            coverage: evidence.coverage,
            resolved: candidate.resolved,
            snippet: Snippet::default(),
            passage,
        });
    }
    hits.sort_by(|left, right| right.score.total_cmp(&left.score));
    let enough = tune("enough", 0.5);
    let fits = hits.iter().any(|hit| hit.resolved || hit.coverage >= enough);
    if !fits && !query.keep_weak {
        hits.clear();
    }
    if query.per_document > 0 {
        let mut of_document = HashMap::<(String, String), usize>::new();
        hits.retain(|hit| {
            let document = (hit.dataset.clone(), hit.passage.path.clone());
            let count = of_document.entry(document).or_default();
            *count += 1;
            *count <= query.per_document
        });
    }
    hits.truncate(query.limit);
    for hit in &mut hits {
        hit.snippet = snippet(&hit.passage.text, question);
    }
    Ok((hits, !fits))
}

/// Statistics over all chosen data sets, so that their scores compare.
struct Shared<'a> {
    parts: &'a [&'a Part],
    fields: Fields,
}

impl Shared<'_> {
    fn field(&self, kind: Kind) -> Field {
        if kind == Kind::Word { self.fields.words } else { self.fields.grams }
    }
}

impl Statistics for Shared<'_> {
    fn passages(&self) -> u64 {
        self.parts.iter().map(|part| part.index.passages()).sum()
    }

    fn found_in(&self, kind: Kind, term: &str) -> u64 {
        if let (Kind::Char, Some(c)) = (kind, term.chars().next()) {
            let of = |part: &&Part| part.index.found_in.get(&c).copied().unwrap_or(0);
            return self.parts.iter().map(of).sum();
        }
        // A term that cannot be looked up weighs as if it were new; the search itself will fail.
        self.doc_freq(&Term::from_field_text(self.field(kind), term)).unwrap_or(0)
    }

    fn mean_length(&self, kind: Kind) -> f32 {
        let all: u64 = match kind {
            Kind::Char => self.parts.iter().map(|part| part.index.characters).sum(),
            _ => self.total_num_tokens(self.field(kind)).unwrap_or(0),
        };
        all as f32 / self.passages().max(1) as f32
    }
}

impl Shared<'_> {
    fn sum(
        &self,
        value: impl Fn(&tantivy::Searcher) -> tantivy::Result<u64>,
    ) -> tantivy::Result<u64> {
        self.parts.iter().map(|part| value(&part.index.searcher)).sum()
    }
}

impl Bm25StatisticsProvider for Shared<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.sum(|searcher| searcher.total_num_tokens(field))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.sum(|searcher| searcher.total_num_docs())
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.sum(|searcher| searcher.doc_freq(term))
    }
}
