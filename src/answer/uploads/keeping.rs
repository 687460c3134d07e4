//! What was read of an uploaded file, made ready: personal data handled as the settings say before
//! anything is written, then indexed for its owner alone.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::{ReadFile, UploadContent, UploadError};
use crate::answer::library::today;
use crate::config::GuardConfig;
use crate::document::Passage;
use crate::guard::{instructions, invisible, personal};
use crate::search::Index;

/// Folder of the index inside the folder of an upload.
pub(super) const INDEX: &str = "index";

/// Parts that are screened as one text, so that a person has one mark in the whole file.
const PART: char = '\u{1e}';

/// The passages as they may be kept, and what there is to say of them.
pub(super) fn screened(
    file: ReadFile,
    guard: &GuardConfig,
) -> Result<(UploadContent, Vec<Passage>), UploadError> {
    let ReadFile { name, bytes, blake3, mut passages, unread } = file;
    let mut content = UploadContent {
        name,
        bytes,
        blake3,
        day: today(),
        passages: passages.len() as u64,
        characters: 0,
        unread,
        personal: Vec::new(),
        masked: Vec::new(),
        instructions: 0,
    };
    screen(&mut passages, guard, &mut content)?;
    content.characters = passages.iter().map(|each| each.text.chars().count() as u64).sum();
    content.instructions =
        passages.iter().filter(|each| !instructions::signs(&each.text).is_empty()).count();
    Ok((content, passages))
}

/// What was read as one text, with its headings.
pub(super) fn text(passages: &[Passage]) -> String {
    let mut text = String::new();
    let mut above: &[String] = &[];
    for passage in passages {
        if passage.headings != above {
            above = &passage.headings;
            if let Some(heading) = above.last() {
                text.push_str(&format!("\n{heading}\n"));
            }
        }
        text.push_str(&invisible::seen(&passage.text));
        text.push('\n');
    }
    text.trim().to_owned()
}

/// Indexes what was read. A failure leaves a folder that the caller removes.
pub(super) fn index(folder: &Path, passages: Vec<Passage>) -> Result<(), UploadError> {
    let index = folder.join(INDEX);
    private_folder(&index)?;
    let never = AtomicBool::new(false);
    Index::build(&index, passages.into_iter(), |_| {}, &never)
        .map_err(|why| UploadError::Disk(why.to_string()))?;
    for entry in fs::read_dir(&index)? {
        let path = entry?.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// A folder that nobody else can open.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Masks or refuses personal data; what was found is told.
fn screen(
    passages: &mut [Passage],
    guard: &GuardConfig,
    content: &mut UploadContent,
) -> Result<(), UploadError> {
    let mut all = String::new();
    for passage in passages.iter_mut() {
        for part in parts_of(passage) {
            *part = part.replace(PART, " ");
            all.push_str(part);
            all.push(PART);
        }
    }
    let found = personal::find(&all);
    for kind in personal::Kind::ALL {
        let count = found.iter().filter(|each| each.kind == kind).count();
        if count > 0 {
            content.personal.push((kind.label().to_owned(), count));
        }
    }
    let screened = personal::screen_found(&all, &found, guard);
    if !screened.refused.is_empty() {
        return Err(UploadError::PersonalData(screened.refused));
    }
    content.masked = screened.masked.iter().map(|kind| kind.label().to_owned()).collect();
    if content.masked.is_empty() {
        return Ok(());
    }
    let mut masked = screened.text.split(PART);
    for part in passages.iter_mut().flat_map(parts_of) {
        *part = masked.next().unwrap_or_default().to_owned();
    }
    Ok(())
}

/// Every text of a passage that a reader or a model sees.
fn parts_of(passage: &mut Passage) -> impl Iterator<Item = &mut String> {
    let Passage { title, headings, caption, text, .. } = passage;
    [title, caption, text].into_iter().chain(headings)
}
