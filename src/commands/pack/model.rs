//! `kura pack model`: a GGUF file, or on a connected machine a model of the catalogue.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::super::model::{check_id, id_of};
use super::super::{Context, Failure};
use super::press::{Press, Subject};
use super::today;
use crate::cli::PackTo;
use crate::llm::Model;
use crate::sync::bundle::{ArtifactRole, Kind};
use crate::sync::pack::{Content, Source};

/// What the command line says of the model.
pub(super) struct Said<'s> {
    pub(super) id: Option<&'s str>,
    pub(super) edition: Option<&'s str>,
    pub(super) licence: Option<&'s str>,
}

/// Where the file is, and what is known of it beside its content.
struct Found {
    path: PathBuf,
    id: String,
    /// Empty where nobody has said it.
    licence: String,
    source: String,
}

pub(super) fn run(
    context: &Context,
    source: &str,
    said: &Said<'_>,
    to: &PackTo,
    cancelled: &AtomicBool,
) -> Result<(), Failure> {
    let found = match Path::new(source).is_file() {
        true => local(Path::new(source)),
        false => fetched(context, source, to)?,
    };
    let id = said.id.map_or(found.id, str::to_owned);
    check_id(&id)?;
    let info = Model::check(&found.path).map_err(|why| {
        let path = found.path.display();
        Failure::new(
            format!(
                "{path}はモデルとして使えません（{why}）。GGUFファイルを入手し直してください。"
            ),
            format!("{path} cannot be used as a model: {why}"),
        )
    })?;
    let licence = [said.licence.unwrap_or_default(), &info.licence, &found.licence]
        .into_iter()
        .map(str::trim)
        .find(|licence| !licence.is_empty())
        .map(str::to_owned);
    let licence = licence.ok_or_else(|| unknown_licence(&found.path))?;
    let subject = Subject {
        kind: Kind::Model,
        id,
        title: info.name,
        edition: said.edition.map_or_else(today, str::to_owned),
        stale_after_days: 0,
    };
    let source = Source {
        id: "model.gguf".to_owned(),
        role: ArtifactRole::Weights,
        licence,
        source: found.source,
        content: Content::File(found.path),
    };
    Press::begin(context, to, subject, cancelled)?.finish(&[source])
}

fn local(path: &Path) -> Found {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Found {
        path: path.to_owned(),
        id: id_of(path),
        licence: String::new(),
        source: name.unwrap_or_default(),
    }
}

fn unknown_licence(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(
        format!(
            "{path}にはライセンスが書かれていません。配布元で確かめ、--licence で指定してください。"
        ),
        format!(
            "{path} does not state its licence; look it up where it came from, and give it with --licence"
        ),
    )
}

/// Fetches a model of the catalogue into the current folder, where a broken-off download is taken
/// up the next time.
#[cfg(feature = "connected")]
fn fetched(context: &Context, id: &str, to: &PackTo) -> Result<Found, Failure> {
    if to.json {
        return Err(Failure::usage(
            format!("--json では取得できません。先に kura model fetch {id} としてください。"),
            format!("--json does not fetch; first: kura model fetch {id}"),
        ));
    }
    let (entry, path) = super::super::model_fetch::fetch(context, id, Path::new("."))?;
    let source = format!("{} {}", entry.repository, entry.file);
    Ok(Found { path, id: entry.id, licence: entry.licence, source })
}

/// This program opens no connection.
#[cfg(not(feature = "connected"))]
fn fetched(_: &Context, source: &str, _: &PackTo) -> Result<Found, Failure> {
    Err(Failure::new(
        format!(
            "{source}というファイルはありません。カタログのモデルは、接続された端末用のkuraだけが取得できます。"
        ),
        format!(
            "there is no file {source}; models of the catalogue are fetched only by the kura for connected machines"
        ),
    ))
}
