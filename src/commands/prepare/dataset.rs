//! A staged data set: `dataset.toml`, `passages.jsonl`, `index/`, `golden.toml`.

use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::passages::{self, Lines, Survey};
use super::{Preparer, Work, cancelled, failed, unusable};
use crate::answer::golden::Golden;
use crate::document::{DatasetInfo, timestamp};
use crate::ingest::manifest::{self, ManifestError};
use crate::search::{Index, SearchError};
use crate::sync::bundle::Manifest;
use crate::sync::{GenerationRecord, MeasuredRates, Questions, Reason, Refusal};
use crate::text::Lang;

/// `dataset.toml` is at most so long, in bytes: it names each document in a few lines.
const INFO_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl Preparer<'_> {
    pub(super) fn prepare_dataset(
        &self,
        stage: &Path,
        bundle: &Manifest,
    ) -> Result<GenerationRecord, Refusal> {
        let info = info(&stage.join("dataset.toml"), bundle)?;
        let source = stage.join("passages.jsonl");
        self.told(Work::Passages { done: 0 });
        let survey = passages::survey(
            &source,
            info.as_of,
            || self.is_cancelled(),
            |done| self.told(Work::Passages { done }),
        )?;
        let index = self.index(&stage.join("index"), &source, info.as_of, survey)?;
        self.ask_golden(stage, &Arc::new(index))?;
        let manifest =
            fs::read(stage.join("manifest.json")).map_err(|why| failed("manifest.json", &why))?;
        Ok(GenerationRecord {
            info,
            content_blake3: blake3::hash(&manifest).to_hex().to_string(),
            documents: survey.documents,
            passages: survey.passages,
            failures: Vec::new(),
            warnings: Vec::new(),
            added_at: timestamp(),
            kura_version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// The index that came along, if it is sound and of this format; else a new one.
    fn index(
        &self,
        dir: &Path,
        source: &Path,
        as_of: jiff::civil::Date,
        survey: Survey,
    ) -> Result<Index, Refusal> {
        let brought = Index::open(dir)
            .ok()
            .filter(|index| index.passages() == survey.passages && index.check().is_ok());
        if let Some(index) = brought {
            return Ok(index);
        }
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(|why| failed("index", &why))?;
        }
        let of = survey.passages;
        let mut bad = None;
        let good =
            Lines::open(source, as_of)?.map_while(|line| line.map_err(|why| bad = Some(why)).ok());
        let told = |done| self.told(Work::Index { done, of });
        let built = Index::build(dir, good, told, self.cancelled);
        match (bad, built) {
            (Some(refusal), _) => Err(refusal),
            (None, Err(why)) => Err(search_failed(&why)),
            (None, Ok(_)) => Index::open(dir).map_err(|why| search_failed(&why)),
        }
    }

    fn ask_golden(&self, stage: &Path, index: &Arc<Index>) -> Result<(), Refusal> {
        let golden = Golden::load(&stage.join("golden.toml")).map_err(unusable)?;
        let Some(golden) = golden else { return Ok(()) };
        self.told(Work::Questions);
        let outcome = golden.ask(index, self.cancelled).map_err(|why| search_failed(&why))?;
        let measured = MeasuredRates::now(outcome.rates, Questions::Golden);
        measured.write_to(stage).map_err(|why| failed("measured.json", &why))?;
        let refusal = (!outcome.passes()).then(|| {
            let (ja, en) = (outcome.summary(Lang::Ja), outcome.summary(Lang::En));
            Refusal::told(Reason::GoldenQuestions, ja, en)
        });
        *self.golden.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        refusal.map_or(Ok(()), Err)
    }
}

/// Reads `dataset.toml`; it must name what the bundle says that it brings.
fn info(path: &Path, bundle: &Manifest) -> Result<DatasetInfo, Refusal> {
    let length = fs::metadata(path).map_err(|why| failed("dataset.toml", &why))?.len();
    if length > INFO_BYTES_MAX {
        let ja = format!("dataset.tomlが{INFO_BYTES_MAX}バイトを超えています");
        let en = format!("dataset.toml is longer than {INFO_BYTES_MAX} bytes");
        return Err(Refusal::told(Reason::UnusableContent, ja, en));
    }
    let info = manifest::load(path).map_err(|why| match &why {
        ManifestError::Io { source, .. } => failed("dataset.toml", source),
        ManifestError::Invalid(_) => {
            let [ja, en] = [Lang::Ja, Lang::En].map(|lang| why.message(lang).replace('\n', "; "));
            let (ja, en) = (format!("dataset.toml：{ja}"), format!("dataset.toml: {en}"));
            Refusal::told(Reason::UnusableContent, ja, en)
        }
    })?;
    for (what, told, found) in
        [("id", &bundle.id, &info.id), ("edition", &bundle.edition, &info.edition)]
    {
        if told != found {
            let ja =
                format!("dataset.tomlの{what}は {found}、更新パッケージの{what}は {told} です");
            let en = format!("dataset.toml has the {what} {found}, the bundle {told}");
            return Err(Refusal::told(Reason::UnusableContent, ja, en));
        }
    }
    Ok(info)
}

fn search_failed(why: &SearchError) -> Refusal {
    match why {
        SearchError::Cancelled => cancelled(),
        why => failed("index", why),
    }
}

#[cfg(test)]
mod tests;
