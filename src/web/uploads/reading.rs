//! From the bytes of an uploaded file to its passages: each file in a reader process with limits of
//! its own, under a name of ours.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tokio::sync::Semaphore;

use crate::answer::{NewUpload, READING, ReadFile, Service, UploadContent, UploadError};
use crate::document::{Authority, Document, Passage, Scope, Validity};
use crate::guard::invisible;
use crate::ingest::chunk::{self, DocumentDefaults};
use crate::ingest::worker::{self, Limits};
use crate::ingest::{Format, IngestError};
use crate::text::Lang;

/// Files that are read at the same time; each may take the memory of a reader.
const AT_ONCE: usize = 2;

/// Longest name that is shown, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The name of a file as it is shown: without folders and without what nobody sees.
pub(crate) fn plain_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen = invisible::seen(name);
    let name: String = seen.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim();
    let count = name.chars().count();
    if count > NAME_CHARS_MAX {
        // The end tells the format.
        let skipped = count - NAME_CHARS_MAX;
        return format!("…{}", name.chars().skip(skipped + 1).collect::<String>());
    }
    match name.is_empty() {
        true => "名前のないファイル".to_owned(),
        false => name.to_owned(),
    }
}

/// How uploaded files are read.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The program whose reader process is used; `None` is this one.
    pub program: Option<PathBuf>,
    /// What reading one file may take.
    pub limits: Limits,
}

/// The readers at work.
#[derive(Debug)]
pub(crate) struct Readers {
    reader: Reader,
    turns: Semaphore,
}

impl Readers {
    pub(crate) fn new(reader: Reader) -> Self {
        Self { reader, turns: Semaphore::new(AT_ONCE) }
    }

    /// Reads a file and keeps what was read until its fate is known. Waits while others are read.
    /// What is said where it is refused, in Japanese.
    pub(super) async fn keep(
        &self,
        service: &Service,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<NewUpload, String> {
        self.read(service, name, bytes, Service::keep_upload).await
    }

    /// Reads a file and gives its text; nothing is kept.
    pub(super) async fn text(
        &self,
        service: &Service,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(UploadContent, String), String> {
        self.read(service, name, bytes, Service::upload_text).await
    }

    async fn read<T: Send + 'static>(
        &self,
        service: &Service,
        name: &str,
        bytes: Vec<u8>,
        then: fn(&Service, ReadFile) -> Result<T, UploadError>,
    ) -> Result<T, String> {
        let Ok(_turn) = self.turns.acquire().await else {
            return Err("停止の準備中です。しばらくしてからお試しください。".to_owned());
        };
        let (service, reader, name) = (service.clone(), self.reader.clone(), plain_name(name));
        let work = move || {
            let file = read(&service, &reader, &name, &bytes)?;
            then(&service, file).map_err(|why| why.message(Lang::Ja))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|why| Err(UploadError::Disk(why.to_string()).message(Lang::Ja)))
    }
}

fn read(service: &Service, reader: &Reader, name: &str, bytes: &[u8]) -> Result<ReadFile, String> {
    let screened = service.screen(name);
    if !screened.refused.is_empty() {
        return Err(UploadError::PersonalData(screened.refused).message(Lang::Ja));
    }
    let document = parsed(service, reader, name, bytes)?;
    let unread = document.warnings.clone();
    let passages = cut(document, &screened.text);
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    Ok(ReadFile { name: screened.text, bytes: bytes.len() as u64, blake3, passages, unread })
}

/// The file under a name of ours, read by another process, and removed again.
fn parsed(
    service: &Service,
    reader: &Reader,
    name: &str,
    bytes: &[u8],
) -> Result<Document, String> {
    let said = |why: IngestError| why.advice(Lang::Ja);
    let disk = |why: std::io::Error| UploadError::Disk(why.to_string()).message(Lang::Ja);
    let extension = Path::new(name).extension().map(|end| end.to_string_lossy().to_lowercase());
    let known = Format::of(Path::new(name)).and(extension);
    let extension = known.ok_or_else(|| said(IngestError::Unsupported))?;
    if bytes.is_empty() {
        return Err(said(IngestError::Empty));
    }
    let root = service.uploads_folder().map_err(disk)?;
    let folder = tempfile::Builder::new().prefix(READING).tempdir_in(root).map_err(disk)?;
    let path = folder.path().join(format!("file.{extension}"));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path).map_err(disk)?;
    file.write_all(bytes).map_err(disk)?;
    drop(file);
    let program = match &reader.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(disk)?,
    };
    let read = worker::read_limited(&program, &path, &reader.limits, &AtomicBool::new(false));
    fs::remove_file(&path).map_err(disk)?;
    folder.close().map_err(disk)?;
    read.map_err(said)
}

/// Passages under the name of the file. That it is a law, in force, of some authority, is only what
/// it says of itself, and counts for nothing.
fn cut(document: Document, name: &str) -> Vec<Passage> {
    let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let defaults = DocumentDefaults {
        title: Some(stem.unwrap_or_else(|| name.to_owned())),
        authority_override: Some(Authority::Faq),
        authority: Authority::Faq,
        scope: Scope::Upload,
        as_of: jiff::ZonedDateTime::now().date(),
        validity: Validity::default(),
    };
    chunk::passages(&Document { law: None, ..document }, name, &defaults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_what_could_mislead() {
        for sent in ["../../案.docx", "C:\\temp\\案.docx", "案\u{202e}.docx", " 案.docx\n"] {
            assert_eq!(plain_name(sent), "案.docx", "{sent:?}");
        }
        assert_eq!(plain_name(""), "名前のないファイル");
        let long = plain_name(&format!("{}.pdf", "長".repeat(200)));
        assert_eq!(long.chars().count(), NAME_CHARS_MAX);
        assert!(long.starts_with('…') && long.ends_with(".pdf"));
    }
}
