//! `kura key sign`: one more signature beside a root document or a manifest, where the owners of
//! keys sit at different machines.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Context, Failure};
use super::{Keys, Known, Signatures, replace, root, rules, tell_signatures, unusable};
use crate::sync::bundle::{MANIFEST_BYTES_MAX, Manifest};
use crate::sync::pack::{self, PLACE, manifest_comment, root_comment};
use crate::sync::trust::{Link, Root, Signed};
use crate::text::Lang;

/// What is signed.
enum Document {
    Root(Box<Root>),
    Manifest(Box<Manifest>),
}

impl Document {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        if let Ok(root) = Root::parse(bytes) {
            return Ok(Self::Root(Box::new(root)));
        }
        let manifest = Manifest::parse(bytes).map_err(|why| {
            let path = path.display();
            Failure::new(
                format!(
                    "{path}はrootでも更新パッケージの目録でもありません（{}）。",
                    why.message(Lang::Ja)
                ),
                format!("{path} is neither a root document nor the manifest of a bundle: {why}"),
            )
        })?;
        Ok(Self::Manifest(Box::new(manifest)))
    }

    fn comment(&self) -> String {
        match self {
            Self::Root(root) => root_comment(root),
            Self::Manifest(manifest) => manifest_comment(manifest),
        }
    }
}

pub(super) fn run(
    context: &Context,
    keys: &Keys,
    file: &Path,
    names: &[String],
) -> Result<(), Failure> {
    let path = document_at(file);
    let bytes = fs::read(&path).map_err(|why| unusable(&path, &why))?;
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(Failure::new(
            format!("{}は長すぎます。", path.display()),
            format!("{} is too long", path.display()),
        ));
    }
    let document = Document::parse(&path, &bytes)?;
    for name in names {
        let key = keys.find(name)?;
        check_counts(&path, &document, &key)?;
        say!("{}", document.comment());
        let signed = keys.unlock(context, name)?.sign(&bytes, &document.comment());
        let (id, text) = signed.map_err(|why| {
            Failure::new(format!("署名できません（{why}）。"), format!("cannot sign: {why}"))
        })?;
        let place = put_signature(&path, &id, &text)?;
        match context.lang {
            Lang::Ja => say!("署名を加えました: {}", place.display()),
            Lang::En => say!("Signature added: {}", place.display()),
        }
    }
    tell_signatures(context, &status(&path, &document)?);
    Ok(())
}

/// The file itself, or the manifest of the bundle in a folder.
fn document_at(file: &Path) -> PathBuf {
    let inside = [file.join("manifest.json"), file.join(PLACE).join("manifest.json")];
    let found = inside.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| file.to_owned())
}

/// The folder in which a document lies.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The root documents that belong to a document; none where it lies alone.
fn roots_of(path: &Path, document: &Document) -> Result<Vec<Link>, Failure> {
    let dir = match document {
        Document::Root(_) => folder_of(path).to_owned(),
        Document::Manifest(_) => folder_of(path).join("root"),
    };
    match dir.is_dir() {
        true => Ok(pack::read_roots(&dir)?),
        false => Ok(Vec::new()),
    }
}

/// The root under which a manifest was made.
fn root_of(links: &[Link], manifest: &Manifest) -> Option<Root> {
    let link = links.iter().find(|link| link.version == manifest.root_version)?;
    Root::parse(&link.signed.bytes).ok()
}

/// Refuses a key whose signature would count for nothing, before its password is asked.
fn check_counts(path: &Path, document: &Document, key: &Known) -> Result<(), Failure> {
    let links = roots_of(path, document)?;
    let (counts, role) = match document {
        Document::Root(root) => {
            let before = links.iter().find(|link| link.version + 1 == root.version);
            let before = before.and_then(|link| Root::parse(&link.signed.bytes).ok());
            let mut roots = before.iter().chain([root.as_ref()]);
            (roots.any(|root| root.root.keys.contains(&key.id)), "root")
        }
        Document::Manifest(manifest) => {
            let root = root_of(&links, manifest);
            let counts = root.is_none_or(|root| root.role(manifest.kind).keys.contains(&key.id));
            (counts, manifest.kind.name())
        }
    };
    match counts {
        true => Ok(()),
        false => Err(root::not_a_signer(key, role)),
    }
}

/// Who has signed by now.
fn status(path: &Path, document: &Document) -> Result<Vec<Signatures>, Failure> {
    let mut links = roots_of(path, document)?;
    match document {
        Document::Root(signed) => {
            links.retain(|link| link.version <= signed.version);
            root::signatures(&links)
        }
        Document::Manifest(manifest) => {
            let Some(root) = root_of(&links, manifest) else { return Ok(Vec::new()) };
            let signed = beside(path)?;
            let role = root.role(manifest.kind);
            Ok(vec![rules::count(manifest.kind.name(), &root, role, &signed)])
        }
    }
}

/// A manifest with the signatures beside it.
fn beside(path: &Path) -> Result<Signed, Failure> {
    let dir = folder_of(path);
    let bytes = fs::read(path).map_err(|why| unusable(path, &why))?;
    let mut signatures = Vec::new();
    for entry in fs::read_dir(dir).map_err(|why| unusable(dir, &why))? {
        let entry = entry.map_err(|why| unusable(dir, &why))?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| {
            name.strip_suffix(".minisig")?.strip_prefix("manifest.").map(str::to_owned)
        });
        let Some(id) = id else { continue };
        let text = fs::read_to_string(entry.path()).map_err(|why| unusable(&entry.path(), &why))?;
        signatures.push((id, text));
    }
    Ok(Signed { bytes, signatures })
}

/// Writes `<stem>.<key id>.minisig` beside a document.
fn put_signature(document: &Path, id: &str, text: &str) -> Result<PathBuf, Failure> {
    let stem = document.file_stem().and_then(|stem| stem.to_str()).unwrap_or("manifest");
    let place = folder_of(document).join(format!("{stem}.{id}.minisig"));
    replace(&place, text.as_bytes())?;
    // Another user imports it.
    pack::open_for_all(&place, 0o644);
    Ok(place)
}
