//! Uploads beside the data sets: a shelf of both for one question, and questions about a document
//! as a whole.

use std::sync::Arc;

use super::{Upload, Uploads};
use crate::answer::library::{Library, Shelf, today};
use crate::answer::selection::Selection;
use crate::answer::service::Service;
use crate::answer::types::{AnswerRequest, ServiceError};
use crate::document::{Authority, DatasetInfo, Scope};
use crate::search::{Hit, SearchError, Searcher, Signs, Snippet};
use crate::sync::GenerationRecord;

/// Never stale: it is from today.
const STALE_AFTER_DAYS: u32 = 36_500;

/// What names a document that is at hand, and what asks for all of it. A longer question asks for
/// something of its own.
const AT_HAND: [&str; 9] =
    ["資料", "文書", "ファイル", "添付", "アップロード", "これ", "PDF", "書類", "議事録"];
const WHOLE: [&str; 12] = [
    "要約",
    "要点",
    "まとめて",
    "概要",
    "ポイント",
    "何が書",
    "なにが書",
    "どんな内容",
    "どのような内容",
    "内容を教え",
    "全体",
    "趣旨",
];
const WHOLE_CHARS_MAX: usize = 40;

impl Service {
    /// What a question is answered from: the data sets that it chooses, its uploads, or both.
    pub(in crate::answer) async fn shelf_for(
        &self,
        request: &AnswerRequest,
    ) -> Result<(Arc<Shelf>, Selection), ServiceError> {
        let selection = request.selection.clone();
        let (uploads, only) = (request.uploads.clone(), request.uploads_only);
        self.blocking(move |inner| {
            if uploads.is_empty() {
                return Ok((inner.library.chosen(&selection)?, selection));
            }
            if only {
                let shelf = with(None, &inner.library, &inner.uploads, &uploads)?;
                let selection = Selection { as_of: selection.as_of, ..Selection::default() };
                return Ok((shelf, selection));
            }
            let chosen = inner.library.chosen(&selection)?;
            let shelf = with(Some(&chosen), &inner.library, &inner.uploads, &uploads)?;
            let mut selection = selection;
            if let Some(ids) = &mut selection.datasets {
                ids.extend(uploads.iter().map(Upload::dataset));
            }
            Ok((shelf, selection))
        })
        .await
    }

    /// Uploads alone.
    pub(super) fn upload_shelf(&self, uploads: &[Upload]) -> Result<Arc<Shelf>, ServiceError> {
        with(None, self.library(), self.uploads(), uploads)
    }
}

fn with(
    chosen: Option<&Arc<Shelf>>,
    library: &Library,
    folder: &Uploads,
    uploads: &[Upload],
) -> Result<Arc<Shelf>, ServiceError> {
    let mut shelf = Shelf {
        searcher: Searcher::new(Vec::new()),
        indices: chosen.map(|shelf| shelf.indices.clone()).unwrap_or_default(),
        records: chosen.map(|shelf| shelf.records.clone()).unwrap_or_default(),
        broken: chosen.map(|shelf| shelf.broken.clone()).unwrap_or_default(),
        older: chosen.map(|shelf| shelf.older.clone()).unwrap_or_default(),
        generations: chosen.map(|shelf| shelf.generations.clone()).unwrap_or_default(),
        installation: library.installation().clone(),
    };
    for upload in uploads {
        let index = folder.index(&upload.id).map_err(|why| gone(upload, &why))?;
        shelf.indices.push((upload.dataset(), index));
        shelf.records.push(record(upload));
    }
    shelf.searcher = Searcher::new(shelf.indices.clone());
    Ok(Arc::new(shelf))
}

fn gone(upload: &Upload, why: &SearchError) -> ServiceError {
    tracing::warn!(%why, "an upload cannot be opened");
    let name = &upload.content.name;
    ServiceError::Invalid {
        parameter: "uploads",
        ja: format!("「{name}」を開けません。もう一度アップロードしてください"),
        en: format!("{name:?} cannot be opened; upload it again"),
    }
}

/// An upload in the place of a data set.
fn record(upload: &Upload) -> GenerationRecord {
    let content = &upload.content;
    let info = DatasetInfo {
        id: upload.dataset(),
        title: format!("アップロードした資料「{}」", content.name),
        scope: Scope::Upload,
        authority: Authority::Faq,
        as_of: content.day,
        edition: content.blake3.chars().take(12).collect(),
        publisher: String::new(),
        licence: String::new(),
        stale_after_days: STALE_AFTER_DAYS,
        documents: Vec::new(),
    };
    GenerationRecord {
        info,
        content_blake3: content.blake3.clone(),
        documents: 1,
        passages: content.passages,
        failures: Vec::new(),
        warnings: Vec::new(),
        added_at: today().to_string(),
        kura_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Whether a question is about a document as a whole, so that no words of it would be found there.
pub(in crate::answer) fn asks_for_whole(question: &str, only: bool) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| question.contains(word));
    question.chars().count() <= WHOLE_CHARS_MAX && has(&WHOLE) && (only || has(&AT_HAND))
}

/// The first passages of the uploads, in reading order, as if a search had found them.
///
/// # Errors
/// An index cannot be read.
pub(in crate::answer) fn leading(
    shelf: &Shelf,
    uploads: &[Upload],
    most: usize,
) -> Result<Vec<Hit>, SearchError> {
    let each = (most / uploads.len().max(1)).max(1);
    let mut hits = Vec::new();
    for upload in uploads {
        let dataset = upload.dataset();
        for number in 1..=each {
            let id = format!("{}#{number}", upload.content.name);
            let Some(passage) = shelf.searcher.passage(&dataset, &id)? else { break };
            hits.push(Hit {
                dataset: dataset.clone(),
                score: 0.0,
                coverage: 0.0,
                resolved: false,
                likely: 1.0,
                signs: Signs::default(),
                snippet: Snippet { text: passage.text.clone(), highlights: Vec::new() },
                passage,
            });
        }
    }
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_about_the_whole_is_told() {
        for whole in
            ["この資料を要約してください", "添付の文書の要点は？", "PDFには何が書いてありますか"]
        {
            assert!(asks_for_whole(whole, false), "{whole}");
        }
        assert!(asks_for_whole("3行でまとめて", true));
        for part in [
            "3行でまとめて",
            "会議室の使用料はいくらですか",
            "この資料で、転入届の期限について書かれている箇所を要約して、期限を過ぎたときの扱いも教えてください",
        ] {
            assert!(!asks_for_whole(part, false), "{part}");
        }
    }
}
