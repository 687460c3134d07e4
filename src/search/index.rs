//! One data set's index on disk: building, opening, checking, exact look-ups.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{DocAddress, DocSet, IndexReader, ReloadPolicy, TERMINATED, TantivyDocument, Term};

use super::SearchError;
use super::documents::Documents;
use super::schema::{DOCUMENT, Fields, ORDINAL, indexed_text, provision_key, register, schema};
use super::titles::{LawName, Titles};
use crate::document::Passage;

/// Raised whenever schema or analysis change: an index of another format is built again.
const FORMAT: u32 = 3;
/// The side table, written last: an index without it is not whole.
const SIDE_TABLE: &str = "kura-index.json";
/// Memory for terms while indexing, over all threads, in bytes.
const MEMORY_BYTES: usize = 120 << 20;
const THREADS_MAX: usize = 4;
/// Passages between two looks at the cancel flag.
const STEP: u64 = 64;

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexStats {
    /// Passages in the index.
    pub passages: u64,
    /// Laws and ordinances made of articles.
    pub laws: u64,
    /// Size of all its files in bytes.
    pub size_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct SideTable {
    format: u32,
    passages: u64,
    laws: Vec<LawName>,
    /// Characters over all passages, and the passages that hold each.
    characters: u64,
    found_in: BTreeMap<char, u64>,
    documents: serde_json::Value,
}

/// Counts single characters, which have no field of their own: there are few of them.
#[derive(Default)]
struct Characters {
    all: u64,
    found_in: BTreeMap<char, u64>,
    here: HashSet<char>,
}

impl Characters {
    fn add(&mut self, folded: &str) {
        for c in folded.chars().filter(|c| c.is_alphanumeric()) {
            self.all += 1;
            if self.here.insert(c) {
                *self.found_in.entry(c).or_default() += 1;
            }
        }
        self.here.clear();
    }
}

/// An opened index: immutable, shared between threads.
pub struct Index {
    dir: PathBuf,
    pub(super) fields: Fields,
    pub(super) searcher: tantivy::Searcher,
    pub(super) titles: Titles,
    pub(super) characters: u64,
    pub(super) found_in: BTreeMap<char, u64>,
    pub(super) documents: Documents,
    passages: u64,
    index: tantivy::Index,
    _reader: IndexReader,
}

impl Index {
    /// Builds an index in `dir`, which must be empty or absent. `on_progress` is told the number
    /// of passages so far. When it returns, all files are on disk.
    ///
    /// # Errors
    /// [`SearchError::NotEmpty`], [`SearchError::Cancelled`], or what the disk said. A folder
    /// left by a failure holds no usable index and may be deleted.
    pub fn build(
        dir: &Path,
        passages: impl Iterator<Item = Passage>,
        mut on_progress: impl FnMut(u64),
        cancelled: &AtomicBool,
    ) -> Result<IndexStats, SearchError> {
        fs::create_dir_all(dir).map_err(io("create", dir))?;
        if fs::read_dir(dir).map_err(io("read", dir))?.next().is_some() {
            return Err(SearchError::NotEmpty(dir.to_owned()));
        }
        let engine = engine("write", dir);
        let (schema, fields) = schema();
        let index = tantivy::Index::create_in_dir(dir, schema).map_err(&engine)?;
        register(index.tokenizers());
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let mut writer = index.writer_with_num_threads(threads, MEMORY_BYTES).map_err(&engine)?;
        let mut laws = BTreeMap::<String, Vec<String>>::new();
        let mut characters = Characters::default();
        let mut documents = Documents::default();
        let mut count = 0;
        for passage in passages {
            if count % STEP == 0 {
                if cancelled.load(Ordering::Relaxed) {
                    return Err(SearchError::Cancelled);
                }
                on_progress(count);
            }
            let text = indexed_text(&passage);
            characters.add(&text);
            let place = (count, documents.number(&passage));
            let document = document(&fields, &passage, &text, place)?;
            writer.add_document(document).map_err(&engine)?;
            count += 1;
            if passage.article.is_some() {
                let names = laws.entry(passage.title).or_default();
                names.extend(passage.abbreviations);
                names.sort();
                names.dedup();
            }
        }
        on_progress(count);
        writer.commit().map_err(&engine)?;
        let segments = index.searchable_segment_ids().map_err(&engine)?;
        if segments.len() > 1 {
            writer.merge(&segments).wait().map_err(&engine)?;
        }
        writer.wait_merging_threads().map_err(&engine)?;
        if cancelled.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        let laws: Vec<_> = laws
            .into_iter()
            .map(|(title, abbreviations)| LawName { title, abbreviations })
            .collect();
        let law_count = laws.len() as u64;
        let table = SideTable {
            format: FORMAT,
            passages: count,
            laws,
            characters: characters.all,
            found_in: characters.found_in,
            documents: documents.to_json().map_err(|why| damaged(dir, why.to_string()))?,
        };
        write_side_table(dir, &table)?;
        Ok(IndexStats { passages: count, laws: law_count, size_bytes: size_bytes(dir)? })
    }

    /// Opens the index in `dir`.
    ///
    /// # Errors
    /// [`SearchError::Format`] when another version built it, [`SearchError::Damaged`] or
    /// [`SearchError::Io`] when it is not whole.
    pub fn open(dir: &Path) -> Result<Self, SearchError> {
        let path = dir.join(SIDE_TABLE);
        let table = fs::read(&path).map_err(io("read", &path))?;
        let table: serde_json::Value = serde_json::from_slice(&table)
            .map_err(|why| damaged(dir, format!("{SIDE_TABLE}: {why}")))?;
        let found = table.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found != u64::from(FORMAT) {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(SearchError::Format { path: dir.to_owned(), found, expected: FORMAT });
        }
        let table: SideTable = serde_json::from_value(table)
            .map_err(|why| damaged(dir, format!("{SIDE_TABLE}: {why}")))?;
        let engine = engine("open", dir);
        let (schema, fields) = schema();
        let index = tantivy::Index::open_in_dir(dir).map_err(&engine)?;
        if index.schema() != schema {
            return Err(damaged(dir, "its fields are not those of its format".to_owned()));
        }
        register(index.tokenizers());
        let builder = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader = builder.try_into().map_err(&engine)?;
        let searcher = IndexReader::searcher(&reader);
        if searcher.num_docs() != table.passages {
            let detail = format!("{} of {} passages", searcher.num_docs(), table.passages);
            return Err(damaged(dir, detail));
        }
        let documents = Documents::from_json(table.documents)
            .map_err(|why| damaged(dir, format!("{SIDE_TABLE}: documents: {why}")))?;
        Ok(Self {
            dir: dir.to_owned(),
            documents,
            fields,
            searcher,
            titles: Titles::of(table.laws),
            characters: table.characters,
            found_in: table.found_in,
            passages: table.passages,
            index,
            _reader: reader,
        })
    }

    /// Number of passages.
    pub fn passages(&self) -> u64 {
        self.passages
    }

    /// Reads every file against its checksum, and one passage; takes seconds on a large index.
    ///
    /// # Errors
    /// [`SearchError::Damaged`] with the names of the damaged files.
    pub fn check(&self) -> Result<(), SearchError> {
        // By the segments' own list: the engine's checks only the files of `.managed.json`, which
        // does not travel in a bundle (its name begins with a dot).
        let engine = engine("check", &self.dir);
        let files = self.index.load_metas().map_err(&engine)?.list_segment_files();
        let mut damaged_files = Vec::new();
        for file in files.iter().filter(|file| self.dir.join(file).exists()) {
            let is_whole = self.index.directory().validate_checksum(file);
            if !is_whole.map_err(|why| engine(why.into()))? {
                damaged_files.push(file.display().to_string());
            }
        }
        if !damaged_files.is_empty() {
            return Err(damaged(&self.dir, damaged_files.join(", ")));
        }
        for ordinal in 0..self.searcher.segment_readers().len() as u32 {
            self.load(DocAddress::new(ordinal, 0))?;
        }
        Ok(())
    }

    /// The passage at an address; it knows when the next revision takes its place.
    pub(super) fn load(&self, address: DocAddress) -> Result<Passage, SearchError> {
        let document: TantivyDocument =
            self.searcher.doc(address).map_err(engine("read", &self.dir))?;
        let stored = document.get_first(self.fields.passage);
        let bytes = stored.as_ref().and_then(|value| value.as_bytes()).unwrap_or_default();
        let mut passage: Passage = serde_json::from_slice(bytes)
            .map_err(|why| damaged(&self.dir, format!("a stored passage: {why}")))?;
        if let Some(validity) = self.documents.validity(&passage.path) {
            passage.validity = validity;
        }
        Ok(passage)
    }

    /// Addresses of the passages that hold an exact term, in reading order.
    pub(super) fn exact(&self, field: Field, text: &str) -> Result<Vec<DocAddress>, SearchError> {
        let term = Term::from_field_text(field, text);
        let mut found = Vec::new();
        for (ordinal, segment) in (0..).zip(self.searcher.segment_readers()) {
            let inverted = segment.inverted_index(field).map_err(engine("read", &self.dir))?;
            let postings = inverted
                .read_postings(&term, IndexRecordOption::Basic)
                .map_err(|why| engine("read", &self.dir)(why.into()))?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != TERMINATED {
                found.push(DocAddress::new(ordinal, postings.doc()));
                postings.advance();
            }
        }
        let mut ordered = Vec::with_capacity(found.len());
        for address in found {
            ordered.push((self.ordinal(address)?, address));
        }
        ordered.sort();
        Ok(ordered.into_iter().map(|(_, address)| address).collect())
    }

    /// Place of a passage in reading order.
    pub(super) fn ordinal(&self, address: DocAddress) -> Result<u64, SearchError> {
        self.number(ORDINAL, address)
    }

    /// Whether a passage is of a document that is taken.
    pub(super) fn is_taken(
        &self,
        taken: Option<&[bool]>,
        address: DocAddress,
    ) -> Result<bool, SearchError> {
        let Some(taken) = taken else { return Ok(true) };
        let document = usize::try_from(self.number(DOCUMENT, address)?).ok();
        Ok(document.and_then(|at| taken.get(at)).copied().unwrap_or(false))
    }

    fn number(&self, field: &str, address: DocAddress) -> Result<u64, SearchError> {
        let segment = self.searcher.segment_reader(address.segment_ord);
        let column = segment.fast_fields().u64(field).map_err(engine("read", &self.dir))?;
        Ok(column.first(address.doc_id).unwrap_or(u64::MAX))
    }

    /// For errors of the engine while it searches.
    pub(super) fn failed(&self, source: tantivy::TantivyError) -> SearchError {
        engine("search", &self.dir)(source)
    }
}

fn document(
    fields: &Fields,
    passage: &Passage,
    text: &str,
    (ordinal, number): (u64, u64),
) -> Result<TantivyDocument, SearchError> {
    let mut document = TantivyDocument::default();
    document.add_text(fields.id, &passage.id);
    document.add_text(fields.path, &passage.path);
    if let Some(article) = &passage.article {
        document.add_text(fields.provision, provision_key(&passage.title, article));
    }
    document.add_text(fields.grams, text);
    document.add_text(fields.words, text);
    document.add_u64(fields.ordinal, ordinal);
    document.add_u64(fields.document, number);
    let stored = serde_json::to_vec(passage)
        .map_err(|why| damaged(Path::new(&passage.path), why.to_string()))?;
    document.add_bytes(fields.passage, &stored);
    Ok(document)
}

fn write_side_table(dir: &Path, table: &SideTable) -> Result<(), SearchError> {
    let path = dir.join(SIDE_TABLE);
    let bytes = serde_json::to_vec(table).map_err(|why| damaged(dir, why.to_string()))?;
    let write = || {
        let mut file = File::create(&path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        File::open(dir)?.sync_all()
    };
    write().map_err(io("write", &path))
}

fn size_bytes(dir: &Path) -> Result<u64, SearchError> {
    let files = || fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).sum();
    let sum: Result<u64, std::io::Error> = files();
    sum.map_err(io("read", dir))
}

fn io(operation: &'static str, path: &Path) -> impl Fn(std::io::Error) -> SearchError {
    move |source| SearchError::Io { operation, path: path.to_owned(), source }
}

fn engine(operation: &'static str, path: &Path) -> impl Fn(tantivy::TantivyError) -> SearchError {
    move |source| SearchError::Engine { operation, path: path.to_owned(), source: Box::new(source) }
}

fn damaged(path: &Path, detail: String) -> SearchError {
    SearchError::Damaged { path: path.to_owned(), detail }
}
