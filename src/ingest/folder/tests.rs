use std::sync::Mutex;

use super::*;
use crate::document::Section;

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Reads a file as one section; `bad` in it makes an error, `odd` a warning.
fn reader(path: &Path) -> Result<Document, IngestError> {
    let text = fs::read_to_string(path).map_err(|error| IngestError::Io(error.to_string()))?;
    if text == "bad" {
        return Err(IngestError::Empty);
    }
    let warnings = if text == "odd" { vec!["何か".to_owned()] } else { Vec::new() };
    let sections = vec![Section { text, ..Section::default() }];
    Ok(Document { sections, warnings, ..Document::default() })
}

#[test]
fn everything_is_named_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (name, text) in [
        ("b/二.txt", "two"),
        ("b/dataset.toml", "nested, no settings"),
        ("a.md", "odd"),
        ("c.txt", "bad"),
        ("d.jtd", "ichitaro"),
        ("dataset.toml", "settings"),
        ("golden.toml", "questions"),
        ("README.md", "for people"),
        (".hidden/x.txt", "hidden"),
        ("~$a.docx", "lock"),
        ("Thumbs.db", "leftover"),
    ] {
        write(dir, name, text);
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("a.md", dir.join("link.md")).unwrap();

    let steps = Mutex::new(Vec::new());
    let on_progress = |progress| steps.lock().unwrap().push(progress);
    let mut names = Vec::new();
    let on_document = |name: &str, _| names.push(name.to_owned());
    let report =
        read_folder(dir, reader, on_document, on_progress, &AtomicBool::new(false)).unwrap();
    assert_eq!(names, ["a.md", "b/二.txt"]);
    let failures: Vec<_> = report.failures.iter().map(|(name, _)| name.as_str()).collect();
    let linked = if cfg!(unix) { &["link.md"][..] } else { &[] };
    let link = report.failures.last().filter(|_| cfg!(unix)).map(|(_, why)| why.clone());
    assert_eq!(link, cfg!(unix).then_some(IngestError::Place(Place::Link)));
    assert_eq!(failures, [&["b/dataset.toml", "c.txt", "d.jtd"][..], linked].concat());
    assert_eq!(report.failures[0].1, IngestError::Unsupported);
    assert_eq!(report.warnings, [("a.md".to_owned(), "何か".to_owned())]);

    let steps = steps.into_inner().unwrap();
    let (first, last) = (&steps[0], &steps[steps.len() - 1]);
    assert_eq!((first.done, first.total, first.path.as_str()), (0, 5, ""));
    assert_eq!((last.done, last.bytes_done), (5, last.bytes_total));
    assert_eq!(steps.len(), 6);
}

#[test]
fn deep_folders_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let deep = "d/".repeat(DEPTH_MAX + 1);
    write(dir.path(), &format!("{deep}x.txt"), "unreachable");
    let on_document = |name: &str, _| panic!("{name} was read");
    let report =
        read_folder(dir.path(), reader, on_document, |_| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!(report.failures[0].0, deep.trim_end_matches('/'));
}

#[test]
fn cancelling_and_a_missing_folder_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..20 {
        write(dir.path(), &format!("{number}.txt"), "text");
    }
    let cancelled = AtomicBool::new(false);
    let stop = |progress: Progress| cancelled.store(progress.done == 1, Ordering::Relaxed);
    let result = read_folder(dir.path(), reader, |_, _| {}, stop, &cancelled);
    assert!(matches!(result, Err(FolderError::Cancelled)) || !cancelled.load(Ordering::Relaxed));
    cancelled.store(true, Ordering::Relaxed);
    let result = read_folder(dir.path(), reader, |_, _| {}, |_| {}, &cancelled);
    assert!(matches!(result, Err(FolderError::Cancelled)));
    let missing =
        read_folder(&dir.path().join("no"), reader, |_, _| {}, |_| {}, &AtomicBool::new(false));
    assert!(missing.unwrap_err().to_string().contains("no"));
}
