//! `kura model fetch`: downloads a model of the catalogue, on the connected machine that packs.
//!
//! The only module that names hf-hub, and the only code that opens a connection. It is left out of
//! every binary that was not built with the feature `connected`.

use std::path::Path;

use hf_hub::HFClientSync;
use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};
use indicatif::ProgressBar;

use super::{Context, Failure, catalogue, output};
use crate::text::Lang;

/// Shows the bytes of a download.
struct Bar(ProgressBar);

impl ProgressHandler for Bar {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else { return };
        match event {
            DownloadEvent::Start { total_bytes, .. } => self.0.set_length(*total_bytes),
            DownloadEvent::Progress { files } => {
                for file in files {
                    self.0.set_position(file.bytes_completed);
                }
            }
            DownloadEvent::AggregateProgress { bytes_completed, .. } => {
                self.0.set_position(*bytes_completed);
            }
            _ => {}
        }
    }
}

pub(super) fn run(context: &Context, id: &str, to: &Path) -> Result<(), Failure> {
    let entries = catalogue::entries()?;
    let entry = entries.iter().find(|entry| entry.id == id).ok_or_else(|| {
        Failure::new(
            format!("「{id}」はカタログにありません。kura model catalogue で確かめてください。"),
            format!("{id} is not in the catalogue; see kura model catalogue"),
        )
    })?;
    let (Some((owner, name)), false) = (entry.repository.split_once('/'), entry.file.is_empty())
    else {
        return Err(Failure::new(
            format!("「{id}」には取得できるGGUFファイルの場所がありません（{}）。", entry.checked),
            format!("the catalogue names no GGUF file for {id} ({})", entry.checked),
        ));
    };
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(
            format!("{}の{}を取得できません（{why}）。", entry.repository, entry.file),
            format!("cannot fetch {} of {}: {why}", entry.file, entry.repository),
        )
    };
    let total_bytes = entry.size_mb * 1_000_000;
    let bar = output::progress_bytes(context, total_bytes, "取得しています", "Fetching");
    let client = HFClientSync::new().map_err(|why| failed(&why))?;
    let path = client
        .model(owner, name)
        .download_file()
        .filename(entry.file.clone())
        .local_dir(to.to_owned())
        .progress(Bar(bar.clone()))
        .send()
        .map_err(|why| failed(&why))?;
    bar.finish_and_clear();
    match context.lang {
        Lang::Ja => say!(
            "{}（{}）を取得しました。kura model add で登録できます。",
            path.display(),
            entry.licence
        ),
        Lang::En => {
            say!("{} ({}) is here; kura model add installs it.", path.display(), entry.licence)
        }
    }
    Ok(())
}
