//! What an import will do, and which versions are kept.

use askama::Template;

use super::super::{VERSION, clock_time, render};
use super::{data_label, missing};
use crate::answer::DatasetSummary;
use crate::answer::assistant::{Effect, Entry, Origin, Planned, read_one};
use crate::store::AssistantVersion;

/// What the page of an import shows.
#[derive(Default)]
pub(crate) struct ImportDesk {
    pub(crate) content: String,
    pub(crate) mistakes: Vec<String>,
    pub(crate) planned: Vec<Planned>,
    pub(crate) datasets: Vec<DatasetSummary>,
}

impl ImportDesk {
    /// Stands for what was looked at: another plan has another mark.
    pub(crate) fn mark(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.content.as_bytes());
        for each in &self.planned {
            hasher.update(
                format!("{} {} {:?}", each.assistant.id, each.base, each.effect).as_bytes(),
            );
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

#[derive(Template)]
#[template(path = "assistant_import.html", config = "src/web/askama.toml")]
struct ImportPage<'a> {
    version: &'static str,
    content: &'a str,
    mistakes: &'a [String],
    rows: Vec<ImportRow<'a>>,
    can_import: bool,
    mark: String,
}

struct ImportRow<'a> {
    title: &'a str,
    id: &'a str,
    number: u32,
    purpose: &'a str,
    effect: String,
    prompt: &'a str,
    data: String,
    missing: String,
}

/// A file to be taken in: what is wrong with it, or what it will do.
pub(crate) fn import_page(desk: &ImportDesk) -> String {
    let row = |each: &'_ Planned| -> (String, String, String) {
        let missing = missing(&each.assistant, &desk.datasets).join("、");
        (each.effect.label(), data_label(&each.assistant, &desk.datasets), missing)
    };
    let rows = desk.planned.iter().map(|each| {
        let (effect, data, missing) = row(each);
        let assistant = &each.assistant;
        ImportRow {
            title: &assistant.title,
            id: &assistant.id,
            number: assistant.version,
            purpose: &assistant.purpose,
            effect,
            prompt: &assistant.prompt,
            data,
            missing,
        }
    });
    render(&ImportPage {
        version: VERSION,
        content: &desk.content,
        mistakes: &desk.mistakes,
        rows: rows.collect(),
        can_import: desk.planned.iter().any(|each| each.effect != Effect::Same),
        mark: desk.mark(),
    })
}

#[derive(Template)]
#[template(path = "assistant_versions.html", config = "src/web/askama.toml")]
struct VersionsPage<'a> {
    version: &'static str,
    id: &'a str,
    title: &'a str,
    may_edit: bool,
    is_office: bool,
    hides: bool,
    is_there: bool,
    base: i64,
    rows: Vec<VersionRow<'a>>,
}

struct VersionRow<'a> {
    revision: i64,
    number: String,
    title: String,
    saved_at: String,
    author: &'a str,
    note: &'a str,
    content: &'a str,
    current: bool,
    can_restore: bool,
}

/// The versions of one; `entry` is what is in use.
pub(crate) fn versions_page(
    id: &str,
    entry: Option<&Entry>,
    versions: &[AssistantVersion],
    may_edit: bool,
) -> String {
    let used = entry.map_or(0, Entry::revision);
    let rows = versions.iter().map(|version| {
        let (read, mistakes) = read_one(&version.content, id);
        let sound = mistakes.iter().all(|mistake| mistake.unknown_key);
        let read = read.filter(|_| !version.content.is_empty());
        VersionRow {
            revision: version.revision,
            number: read.as_ref().map_or("―".to_owned(), |read| format!("第{}版", read.version)),
            title: read
                .as_ref()
                .map_or("（取り除いた）".to_owned(), |read| read.title.clone()),
            saved_at: clock_time(&version.saved_at),
            author: if version.author.is_empty() { "―" } else { &version.author },
            note: &version.note,
            content: &version.content,
            current: version.revision == used,
            can_restore: may_edit && read.is_some() && sound && version.revision != used,
        }
    });
    render(&VersionsPage {
        version: VERSION,
        id,
        title: entry.map_or(id, |entry| &entry.assistant.title),
        may_edit,
        is_office: used > 0,
        hides: matches!(entry.map(|entry| &entry.origin), Some(Origin::Office { hides: true, .. })),
        is_there: entry.is_some(),
        base: versions.first().map_or(0, |version| version.revision),
        rows: rows.collect(),
    })
}
