//! Asks several indexes at once: candidates by BM25 with shared statistics, then a second look.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tantivy::collector::{FilterCollector, TopDocs};
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, Term};

use super::citation::{self, Cited};
use super::documents::{Filter, Revision};
use super::elsewhere::Elsewhere;
use super::rank::{Kind, QueryTerm, Question, Statistics};
use super::relevance::Relevance;
use super::schema::{DOCUMENT, Fields, provision_key};
use super::signs::{LIKELY_LEAST, Reader, Signs};
use super::snippet::{Snippet, snippet};
use super::titles::Titles;
use super::{Index, SearchError};
use crate::document::{ArticleRef, Passage};
use crate::text::fold;

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
    /// Which documents may be among the hits.
    pub filter: Filter,
    /// Texts beside the passages in which one's own town may stand, such as a data set's title.
    pub known: String,
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
    /// How likely the best of the first hits is to answer the question, 0 to 1.
    pub likely: f32,
    /// Municipalities that the question is about and no chosen data set knows.
    pub elsewhere: Vec<String>,
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
    /// How likely it is to answer the question, 0 to 1; of the first hits only.
    pub likely: f32,
    /// What that rests on.
    pub signs: Signs,
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
    /// How closely it is cited: 0 for the paragraph itself, 1 for the rest of its article.
    cited: Option<usize>,
}

/// A passage that the question cites.
struct CitedPassage {
    /// Place of its index among the chosen.
    part: usize,
    address: DocAddress,
    /// Term under which its article is found.
    key: String,
    /// 0 where the cited paragraph may be in it, 1 for the rest of the article.
    distance: usize,
}

impl Searcher {
    /// The order of the data sets decides between equal scores.
    pub fn new(indexes: Vec<(String, Arc<Index>)>) -> Self {
        let parts = indexes.into_iter().map(|(dataset, index)| Part { dataset, index }).collect();
        Self { parts, well_known: Titles::well_known() }
    }

    /// Asks the chosen data sets.
    ///
    /// # Errors
    /// [`SearchError::UnknownDataset`], or what reading an index gave.
    pub fn search(&self, query: &Query) -> Result<Found, SearchError> {
        let parts = self.chosen(query.datasets.as_deref())?;
        let taken: Vec<Taken> = parts
            .iter()
            .map(|part| part.index.documents.taken(&query.filter).map(Arc::from))
            .collect();
        let folded = fold(&query.text);
        let titles: Vec<&Titles> = parts.iter().map(|part| &part.index.titles).collect();
        let citations = citation::read(&folded, &titles, &self.well_known);
        let (resolved, cited) = look_up(&parts, &taken, citations.cited)?;
        let Some(first) = parts.first() else {
            return Ok(Found { resolved, weak: true, ..Found::default() });
        };
        let fields = first.index.fields;
        let statistics = Shared { parts: &parts, fields };
        let question = Question::new(&folded, &citations.rest, &statistics);
        let clauses = clauses(&fields, &question);
        let asked = Asked { parts: &parts, taken: &taken, clauses: &clauses, cited: &cited };
        let mut candidates = candidates(&asked, &statistics)?;
        candidates.sort_by(best_first);
        let elsewhere = Elsewhere::of(&folded, &question.grams, &query.known);
        let passages = statistics.passages();
        let reader = Reader::new(&question, &citations.rest, passages, elsewhere.leads);
        let judged = judge(query, &reader, candidates)?;
        Ok(Found { resolved, elsewhere: elsewhere.names, ..judged })
    }

    /// A question taken apart with the word statistics of the chosen data sets, to compare single
    /// sentences with.
    ///
    /// # Errors
    /// [`SearchError::UnknownDataset`].
    pub fn relevance(
        &self,
        question: &str,
        datasets: Option<&[String]>,
    ) -> Result<Relevance, SearchError> {
        let parts = self.chosen(datasets)?;
        let folded = fold(question);
        let titles: Vec<&Titles> = parts.iter().map(|part| &part.index.titles).collect();
        let rest = citation::read(&folded, &titles, &self.well_known).rest;
        let Some(first) = parts.first() else { return Ok(Relevance::plain(question)) };
        let statistics = Shared { parts: &parts, fields: first.index.fields };
        Ok(Relevance::new(Question::new(&folded, &rest, &statistics), &folded))
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

    /// Whether a filter leaves out any document of the chosen data sets.
    ///
    /// # Errors
    /// [`SearchError::UnknownDataset`].
    pub fn leaves_out(
        &self,
        datasets: Option<&[String]>,
        filter: &Filter,
    ) -> Result<bool, SearchError> {
        let parts = self.chosen(datasets)?;
        Ok(parts.iter().any(|part| part.index.documents.taken(filter).is_some()))
    }

    /// Other revisions of the law that a document holds, the earliest first.
    ///
    /// # Errors
    /// [`SearchError::UnknownDataset`].
    pub fn revisions(&self, dataset: &str, path: &str) -> Result<Vec<Revision>, SearchError> {
        Ok(self.index(dataset)?.documents.revisions(path))
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
}

/// Which documents of a part are taken, by number; `None` where all are.
type Taken = Option<Arc<[bool]>>;

/// What the candidates are looked for with.
struct Asked<'a, 'b> {
    parts: &'b [&'a Part],
    /// Of each part.
    taken: &'b [Taken],
    clauses: &'b [(Term, f32)],
    cited: &'b [CitedPassage],
}

fn candidates<'a>(
    asked: &Asked<'a, '_>,
    statistics: &Shared<'_>,
) -> Result<Vec<Candidate<'a>>, SearchError> {
    let mut found = Vec::new();
    for (place, (part, taken)) in asked.parts.iter().zip(asked.taken).enumerate() {
        let index = &part.index;
        let here = || asked.cited.iter().filter(|passage| passage.part == place);
        let mut scored = ask(index, &union(asked.clauses), taken, statistics)?;
        let mut terms: Vec<&str> = here().map(|passage| passage.key.as_str()).collect();
        terms.dedup();
        for term in terms {
            let term = Term::from_field_text(index.fields.provision, term);
            let filter = TermQuery::new(term, IndexRecordOption::Basic);
            let filter = ConstScoreQuery::new(Box::new(filter), 0.0);
            let both = BooleanQuery::new(vec![
                (Occur::Must, Box::new(filter)),
                (Occur::Should, Box::new(union(asked.clauses))),
            ]);
            scored.extend(ask(index, &both, taken, statistics)?);
        }
        let mut seen = HashSet::new();
        for (score, address) in scored {
            if seen.insert(address) {
                let order = (place, index.ordinal(address)?);
                let same = here().filter(|passage| passage.address == address);
                let cited = same.map(|passage| passage.distance).min();
                found.push(Candidate { part, order, address, score, cited });
            }
        }
    }
    Ok(found)
}

/// Terms that a question asks for, and passages that they lead to when counted for each: both bound
/// the time, however long the question and however large the index. On all articles of law, half
/// of these terms lost nothing and a third of these passages lost one question of 68.
const TERMS_MAX: usize = 128;
const POSTINGS_MAX: u64 = 1_500_000;
/// Terms that are asked for however common they are.
const TERMS_LEAST: usize = 12;
/// Candidates that each index gives.
const CANDIDATES: usize = 100;
/// Candidates of all that are looked at again.
const JUDGED: usize = 60;
/// Hits among which one must fit the question, else nothing was found.
const FITTING: usize = 5;
/// What being cited multiplies a passage's score by.
const CITED: f32 = 1.5;

fn best_first(left: &Candidate<'_>, right: &Candidate<'_>) -> std::cmp::Ordering {
    let cited = right.cited.is_some().cmp(&left.cited.is_some());
    cited.then(right.score.total_cmp(&left.score)).then(left.order.cmp(&right.order))
}

/// The cited provisions: their status, and the passages that they stand for.
fn look_up(
    parts: &[&Part],
    taken: &[Taken],
    cited: Vec<Cited>,
) -> Result<(Vec<Citation>, Vec<CitedPassage>), SearchError> {
    let (mut resolved, mut passages) = (Vec::new(), Vec::new());
    for cited in cited {
        let key = provision_key(&cited.law, &cited.provision);
        let before = passages.len();
        for (place, (part, taken)) in parts.iter().zip(taken).enumerate() {
            for address in part.index.exact(part.index.fields.provision, &key)? {
                if !part.index.is_taken(taken.as_deref(), address)? {
                    continue;
                }
                let distance = match cited.provision.paragraph {
                    Some(asked) => {
                        let own = part.index.load(address)?.article.and_then(|a| a.paragraph);
                        usize::from(own.is_some_and(|own| own != asked))
                    }
                    None => 0,
                };
                passages.push(CitedPassage { part: place, address, key: key.clone(), distance });
            }
        }
        let status = match (cited.law_known, passages.len() > before) {
            (false, _) => CitationStatus::NoSuchLaw,
            (true, true) => CitationStatus::Found,
            (true, false) => CitationStatus::NoSuchArticle,
        };
        resolved.push(Citation { law: cited.law_written, provision: cited.provision, status });
    }
    Ok((resolved, passages))
}

/// The terms to ask for, with their weight: the rarest first, as many as [`TERMS_MAX`] and
/// [`POSTINGS_MAX`] allow. A long question has hundreds of terms, and the commonest of them, which
/// cost most, say least; the candidates are judged by all of them.
fn clauses(fields: &Fields, question: &Question) -> Vec<(Term, f32)> {
    let sides = [(fields.grams, &question.grams), (fields.words, &question.words)];
    let known = sides.into_iter().flat_map(|(field, terms)| {
        terms.list.iter().filter(|term| term.found_in > 0).map(move |term| (field, term))
    });
    let mut known: Vec<(Field, &QueryTerm)> = known.collect();
    known.sort_by_key(|(_, term)| term.found_in);
    let mut postings = 0;
    let asked = known.into_iter().enumerate().take_while(|(at, (_, term))| {
        postings += term.found_in;
        *at < TERMS_LEAST || (*at < TERMS_MAX && postings <= POSTINGS_MAX)
    });
    asked.map(|(_, (field, term))| (Term::from_field_text(field, &term.text), term.count)).collect()
}

fn union(clauses: &[(Term, f32)]) -> BooleanQuery {
    let should = |(term, weight): &(Term, f32)| -> (Occur, Box<dyn tantivy::query::Query>) {
        let query = TermQuery::new(term.clone(), IndexRecordOption::WithFreqs);
        (Occur::Should, Box::new(BoostQuery::new(Box::new(query), *weight)))
    };
    BooleanQuery::new(clauses.iter().map(should).collect())
}

/// The best passages of the documents that are taken. The engine skips what cannot be among the
/// best only where all are, so a filter is used only where it leaves something out.
fn ask(
    index: &Index,
    query: &BooleanQuery,
    taken: &Taken,
    statistics: &Shared<'_>,
) -> Result<Vec<(f32, DocAddress)>, SearchError> {
    let best = TopDocs::with_limit(CANDIDATES).order_by_score();
    let searcher = &index.searcher;
    let found = match taken.clone() {
        None => searcher.search_with_statistics_provider(query, &best, statistics),
        Some(taken) => {
            let is_taken = move |document: u64| {
                usize::try_from(document)
                    .ok()
                    .and_then(|at| taken.get(at))
                    .copied()
                    .unwrap_or(false)
            };
            let filtered = FilterCollector::new(DOCUMENT.to_owned(), is_taken, best);
            searcher.search_with_statistics_provider(query, &filtered, statistics)
        }
    };
    found.map_err(|why| index.failed(why))
}

/// Reads the best candidates, ranks them again by what their text says of the question, and judges
/// whether the first of them answer it: where none is likely to, the result is weak.
fn judge(
    query: &Query,
    reader: &Reader<'_>,
    candidates: Vec<Candidate<'_>>,
) -> Result<Found, SearchError> {
    let question = reader.question();
    let cited_first = question.is_bare();
    let mut hits = Vec::new();
    for candidate in candidates.into_iter().take(JUDGED.max(query.limit)) {
        let passage = candidate.part.index.load(candidate.address)?;
        let evidence = question.evidence(&passage);
        let cited = candidate.cited.is_some();
        let hit = Hit {
            dataset: candidate.part.dataset.clone(),
            score: if cited { evidence.score * CITED } else { evidence.score },
            coverage: evidence.coverage,
            resolved: cited,
            likely: 0.0,
            signs: Signs::default(),
            snippet: Snippet::default(),
            passage,
        };
        let first = candidate.cited.filter(|_| cited_first).unwrap_or(usize::MAX);
        hits.push((first, hit));
    }
    hits.sort_by(|left, right| left.0.cmp(&right.0).then(right.1.score.total_cmp(&left.1.score)));
    for (.., hit) in hits.iter_mut().take(FITTING) {
        hit.signs = reader.signs(&hit.passage);
        hit.likely = hit.signs.likely();
    }
    let likely = hits.iter().map(|(.., hit)| hit.likely).fold(0.0, f32::max);
    let weak = likely < LIKELY_LEAST && !hits.iter().take(FITTING).any(|(.., hit)| hit.resolved);
    let mut hits: Vec<Hit> = hits.into_iter().map(|(.., hit)| hit).collect();
    if weak && !query.keep_weak {
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
    Ok(Found { hits, weak, likely, ..Found::default() })
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
