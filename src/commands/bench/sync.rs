//! How fast an update comes in. A model file and a data set are packed and imported in a temporary
//! folder beside the data; each step is also measured alone, against the disk's own rate, and an
//! edition of which one part in a hundred changed is packed as a delta.
//!
//! Files are read after they were put out of the page cache, as from a stick that was just put
//! in. The model is imported without being prepared for computing (that time is told by the other
//! scenarios); the data set with all that belongs to an import, its index built here.

mod content;
mod publish;
mod steps;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use super::super::cancel::Cancelled;
use super::super::prepare::Preparer;
use super::super::{Context, Failure};
use crate::config::Config;
use crate::document::timestamp;
use crate::sync::bundle::{Kind, Manifest, Stick};
use crate::sync::ledger::Who;
use crate::sync::pack::{Earlier, Packed};
use crate::sync::{
    GenerationRecord, Imported, Importer, Installation, ModelRecord, Prepare, Progress, Reason,
    Refusal, TrustSettings,
};
use content::{Edition, Sizes};
use publish::Publisher;
use steps::{Disk, Steps};

/// Megabytes are millions of bytes here, as disks are sold and rates are told.
const MB: f64 = 1e6;

#[derive(Debug, Serialize)]
pub(super) struct SyncReport {
    disk: Disk,
    model: Import,
    dataset: Import,
    editions: Vec<Delta>,
}

/// One import with its steps.
#[derive(Debug, Serialize)]
pub(super) struct Import {
    /// Bytes of the files.
    raw_mb: f64,
    /// Bytes on the stick.
    stored_mb: f64,
    pack_mb_per_s: f64,
    steps: Steps,
    /// Signatures, chunks, whole files, each made durable: all but making ready to serve.
    copy_mb_per_s: f64,
    /// The same as a share of what the disk writes, in percent.
    copy_percent_of_disk: f64,
    /// Index or other preparation.
    prepare_seconds: f64,
    index: Option<IndexRate>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct IndexRate {
    passages: u64,
    passages_per_s: f64,
    mb_per_s: f64,
}

/// A next edition as a delta.
#[derive(Debug, Serialize)]
pub(super) struct Delta {
    changed: Edition,
    /// Raw bytes of the chunks that it carries, of all, in percent.
    carried_percent: f64,
    /// Bytes on the stick, the manifest among them, of those of the whole edition, in percent.
    stored_percent: f64,
    import_seconds: f64,
}

/// Measures everything. `model` is the file to import; without one a file that does not compress
/// is made.
///
/// # Errors
/// There is no room, the data folder cannot be written, or it was interrupted.
pub(super) fn measure(
    context: &Context,
    model: Option<&Path>,
    quick: bool,
    cancelled: &Cancelled,
) -> Result<SyncReport, Failure> {
    let sizes = if quick { Sizes::QUICK } else { Sizes::FULL };
    std::fs::create_dir_all(&context.config.data_dir).map_err(|why| failed(&why))?;
    let home = tempfile::Builder::new()
        .prefix(".bench-")
        .tempdir_in(&context.config.data_dir)
        .map_err(|why| failed(&why))?;
    let bench = Bench {
        context,
        home: home.path(),
        publisher: Publisher::new()?,
        installation: Installation::new(&home.path().join("data")),
        cancelled,
    };
    let disk = Disk::measure(home.path(), sizes.disk_bytes).map_err(|why| failed(&why))?;
    let model = bench.model(model, sizes, disk)?;
    let (dataset, editions) = bench.dataset(sizes, disk)?;
    Ok(SyncReport { disk, model, dataset, editions })
}

struct Bench<'b> {
    context: &'b Context,
    home: &'b Path,
    publisher: Publisher,
    installation: Installation,
    cancelled: &'b AtomicBool,
}

impl Bench<'_> {
    fn model(&self, given: Option<&Path>, sizes: Sizes, disk: Disk) -> Result<Import, Failure> {
        let made = self.home.join("model.gguf");
        let file = match given {
            Some(path) => path,
            None => {
                content::noise(&made, sizes.model_bytes).map_err(|why| failed(&why))?;
                &made
            }
        };
        let stick = self.home.join("model-stick");
        let source = publish::model(file);
        let started = Instant::now();
        let packed =
            self.publisher.pack(Kind::Model, 1, &[source], &stick, None, self.cancelled)?;
        let packing = started.elapsed().as_secs_f64();
        let steps = Steps::measure(&packed).map_err(|why| failed(&why))?;
        let import = self.import(&packed, &Unprepared, packing, steps, disk)?;
        for done in [&made, &stick] {
            remove(done)?;
        }
        remove(&self.home.join("data/models"))?;
        Ok(import)
    }

    fn dataset(&self, sizes: Sizes, disk: Disk) -> Result<(Import, Vec<Delta>), Failure> {
        let stick = self.home.join("dataset-stick");
        let config = Config { data_dir: self.home.join("data"), ..self.context.config.clone() };
        let told = |_| ();
        let preparer = Preparer::new(&config, None, self.cancelled, &told);
        let whole = content::sources(sizes, Edition::First)?;
        let kept = self.home.join("passages.jsonl");
        content::keep_passages(&whole, &kept).map_err(|why| failed(&why))?;
        let started = Instant::now();
        let packed = self.publisher.pack(Kind::Dataset, 1, &whole, &stick, None, self.cancelled)?;
        let packing = started.elapsed().as_secs_f64();
        let steps = Steps::measure(&packed).map_err(|why| failed(&why))?;
        let mut import = self.import(&packed, &preparer, packing, steps, disk)?;
        let passages = sizes.passages as u64;
        import.index = Some(IndexRate {
            passages,
            passages_per_s: passages as f64 / import.prepare_seconds,
            mb_per_s: import.raw_mb / import.prepare_seconds,
        });
        let mut deltas = Vec::new();
        for (counter, changed) in [(2, Edition::Documents), (3, Edition::Passages)] {
            let out = self.home.join(format!("delta-{counter}"));
            let since = Some(Earlier { manifest: &packed.manifest, passages: Some(&kept) });
            let sources = content::sources(sizes, changed)?;
            let delta = self.publisher.pack(
                Kind::Dataset,
                counter,
                &sources,
                &out,
                since,
                self.cancelled,
            )?;
            let carried = delta.sizes.raw - delta.sizes.left_out;
            let started = Instant::now();
            self.take(&delta, &preparer, &|_| ())?;
            deltas.push(Delta {
                changed,
                carried_percent: percent(carried as f64, delta.sizes.raw as f64),
                stored_percent: percent(on_stick(&delta), on_stick(&packed)),
                import_seconds: started.elapsed().as_secs_f64(),
            });
        }
        Ok((import, deltas))
    }

    /// Imports a bundle with its chunk files out of the page cache.
    fn import(
        &self,
        packed: &Packed,
        prepare: &dyn Prepare,
        packing: f64,
        steps: Steps,
        disk: Disk,
    ) -> Result<Import, Failure> {
        steps::forget(packed).map_err(|why| failed(&why))?;
        let ready = Mutex::new((None, None));
        let watch = |progress: Progress| {
            let mut ready = ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match progress {
                Progress::Preparing => ready.0 = Some(Instant::now()),
                Progress::Switched => ready.1 = Some(Instant::now()),
                _ => {}
            }
        };
        let started = Instant::now();
        self.take(packed, prepare, &watch)?;
        let seconds = started.elapsed().as_secs_f64();
        let (from, to) = *ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let prepare_seconds = match (from, to) {
            (Some(from), Some(to)) => to.duration_since(from).as_secs_f64(),
            _ => 0.0,
        };
        let raw_mb = packed.sizes.raw as f64 / MB;
        let copy_mb_per_s = raw_mb / (seconds - prepare_seconds);
        Ok(Import {
            raw_mb,
            stored_mb: packed.sizes.stored as f64 / MB,
            pack_mb_per_s: raw_mb / packing,
            steps,
            copy_mb_per_s,
            copy_percent_of_disk: percent(copy_mb_per_s, disk.write_mb_per_s),
            prepare_seconds,
            index: None,
            seconds,
        })
    }

    fn take(
        &self,
        packed: &Packed,
        prepare: &dyn Prepare,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Imported, Failure> {
        let stick = Stick::find(&packed.path)?.remove(0);
        let importer = Importer {
            installation: &self.installation,
            trust: &TrustSettings {
                fingerprint: Some(self.publisher.fingerprint()),
                channel: publish::CHANNEL.to_owned(),
            },
            today: jiff::ZonedDateTime::now().date(),
            who: Who::default(),
            prepare,
            progress,
            cancelled: self.cancelled,
        };
        Ok(importer.import(&stick)?)
    }
}

/// Takes a model as it is.
struct Unprepared;

impl Prepare for Unprepared {
    fn dataset(&self, _: &Path, _: &Manifest) -> Result<GenerationRecord, Refusal> {
        Err(Refusal::new(Reason::UnusableContent, "not measured so"))
    }

    fn model(&self, _: &Path, manifest: &Manifest) -> Result<ModelRecord, Refusal> {
        let weights = manifest.artifacts.first();
        Ok(ModelRecord {
            id: manifest.id.clone(),
            name: manifest.title.clone(),
            blake3: weights.map(|file| file.blake3.clone()).unwrap_or_default(),
            quantization: String::new(),
            architecture: String::new(),
            size_bytes: manifest.totals.raw,
            context_tokens: 0,
            licence: String::new(),
            self_test: false,
            added_at: timestamp(),
        })
    }

    fn app(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Err(Refusal::new(Reason::UnusableContent, "not measured so"))
    }

    fn assistants(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Err(Refusal::new(Reason::UnusableContent, "not measured so"))
    }
}

impl SyncReport {
    pub(super) fn print(&self, context: &Context) {
        let disk = self.disk;
        say!(
            "{}: {} {:.0} MB/s, {} {:.0} MB/s",
            context.words("更新の取り込み。ディスクの速さ", "updates; the disk alone"),
            context.words("書き込み", "write"),
            disk.write_mb_per_s,
            context.words("読み出し", "read"),
            disk.read_mb_per_s
        );
        for (ja, en, import) in
            [("モデル", "model", &self.model), ("データセット", "data set", &self.dataset)]
        {
            import.print(context, context.words(ja, en));
        }
        for delta in &self.editions {
            say!(
                "  {}: {:.1}% ({} {:.1}%), {:.1} s",
                delta.changed.label(context),
                delta.carried_percent,
                context.words("媒体上では", "on the stick"),
                delta.stored_percent,
                delta.import_seconds
            );
        }
    }
}

impl Import {
    fn print(&self, context: &Context, name: &str) {
        let steps = self.steps;
        say!(
            "  {name} {:.0} MB ({} {:.0} MB): {} {:.0}, {} {:.0}, BLAKE3 {:.0}, SHA-256 {:.0}, \
             {} {:.0}, {} {:.0} MB/s ({:.0}%), {:.1} s",
            self.raw_mb,
            context.words("媒体上", "on the stick"),
            self.stored_mb,
            context.words("作成", "pack"),
            self.pack_mb_per_s,
            context.words("読み出し", "read"),
            steps.read_mb_per_s,
            steps.blake3_mb_per_s,
            steps.sha256_mb_per_s,
            context.words("展開と照合", "unpack and verify"),
            steps.unpack_mb_per_s,
            context.words("取り込み", "import"),
            self.copy_mb_per_s,
            self.copy_percent_of_disk,
            self.seconds
        );
        if let Some(index) = &self.index {
            say!(
                "    {}: {} {}, {:.0}/s, {:.1} MB/s",
                context.words("索引", "index"),
                index.passages,
                context.words("該当箇所", "passages"),
                index.passages_per_s,
                index.mb_per_s
            );
        }
    }
}

/// Bytes of a bundle: its chunk files and its manifest.
fn on_stick(packed: &Packed) -> f64 {
    (packed.sizes.stored + packed.signed.bytes.len() as u64) as f64
}

fn percent(part: f64, whole: f64) -> f64 {
    part * 100.0 / whole
}

fn remove(path: &Path) -> Result<(), Failure> {
    let removed = match path.is_dir() {
        true => std::fs::remove_dir_all(path),
        false if path.exists() => std::fs::remove_file(path),
        false => Ok(()),
    };
    removed.map_err(|why| failed(&why))
}

fn failed(why: &std::io::Error) -> Failure {
    Failure::new(
        format!("更新の速さを測れません（{why}）。空き容量とデータの置き場所を確かめてください。"),
        format!("cannot measure updates: {why}; check free space and the data folder"),
    )
}
