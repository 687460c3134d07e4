//! One hostile stick: a box with a generation in use, the stick, and what must not change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::record;
use super::press::{Draft, hash, root};
use crate::sync::bundle::{Manifest, Stick};
use crate::sync::ledger::{Event, Ledger, Who};
use crate::sync::{
    GenerationRecord, Imported, Importer, Installation, ModelRecord, Prepare, Progress, Reason,
    Refusal, State, SyncError, TrustSettings,
};

/// Names the folder of the case to the process that imports.
const CHILD: &str = "KURA_HOSTILE_CASE";
/// Resident memory that one import of a hostile stick may take beyond what the process has.
const PEAK_KIB_MAX: u64 = 64 * 1024;
/// Larger files are told apart by their length alone.
const HASHED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What the importing process must know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Setting {
    pub(super) fingerprint: Option<String>,
    pub(super) today: Date,
    pub(super) channel: String,
    /// Renamed once the signatures were found right: a stick that is not what it was.
    pub(super) swaps: Vec<(PathBuf, PathBuf)>,
    /// Mounted for the importing process alone.
    pub(super) mount: Option<(PathBuf, PathBuf)>,
}

/// What it did.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) reason: Option<Reason>,
    message: String,
    /// Whether a bundle was found at all; else no attempt begins.
    found: bool,
    prepared: bool,
    peak_kib: u64,
}

pub(super) struct Case {
    home: tempfile::TempDir,
    pub(super) draft: Draft,
    pub(super) setting: Setting,
    /// The stick brings a newer root that is right: it is kept whatever becomes of the rest.
    pub(super) brings_root: bool,
    /// Why this machine cannot make such a stick.
    pub(super) impossible: Option<&'static str>,
    written: bool,
}

/// The fingerprint of root 1.
pub(super) fn fingerprint() -> String {
    hash(&serde_json::to_vec(&root(1)).unwrap())
}

impl Case {
    /// A box with `r8.1` (counter 5, security floor 3) under root 2, and a draft of `r8.2`.
    pub(super) fn new() -> Self {
        static BOX: OnceLock<tempfile::TempDir> = OnceLock::new();
        let setting = Setting {
            fingerprint: Some(fingerprint()),
            today: jiff::civil::date(2026, 11, 24),
            channel: "stable".into(),
            swaps: Vec::new(),
            mount: None,
        };
        let installed = BOX.get_or_init(|| {
            let home = tempfile::tempdir().unwrap();
            Draft::good("r8.1", 5).write(&home.path().join("stick/kura-bundle"));
            let (result, _) = import(home.path(), &setting);
            assert!(result.unwrap().changed);
            home
        });
        let home = tempfile::tempdir().unwrap();
        copy(&installed.path().join("data"), &home.path().join("data"));
        fs::create_dir(home.path().join("canary")).unwrap();
        fs::write(home.path().join("canary/secret"), "秘密").unwrap();
        let draft = Draft::good("r8.2", 6);
        let case =
            Self { home, draft, setting, brings_root: false, impossible: None, written: false };
        fs::create_dir(case.medium()).unwrap();
        case
    }

    /// All of it: `stick`, `data`, `canary`.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The mount point of the stick.
    pub(super) fn medium(&self) -> PathBuf {
        self.home.path().join("stick")
    }

    /// The bundle's folder on it.
    pub(super) fn bundle(&self) -> PathBuf {
        self.medium().join("kura-bundle")
    }

    /// A file of the box that no stick may reach.
    pub(super) fn secret(&self) -> PathBuf {
        self.home.path().join("canary/secret")
    }

    /// A place for what is prepared for a swap.
    pub(super) fn spare(&self, name: &str) -> PathBuf {
        self.home.path().join("spare").join(name)
    }

    /// Where the first chunk of the passages lies.
    pub(super) fn first_chunk(&mut self) -> PathBuf {
        let hash = self.draft.passage_chunks()[0]["hash"].as_str().unwrap().to_owned();
        super::press::chunk_path(&self.bundle(), &hash)
    }

    /// Writes the draft, for attacks that change files.
    pub(super) fn write(&mut self) {
        self.draft.write(&self.bundle());
        self.written = true;
    }

    /// Puts everything where the import finds it.
    pub(super) fn finish(&mut self) {
        if !self.written {
            self.write();
        }
        let json = serde_json::to_vec(&self.setting).unwrap();
        fs::write(self.home.path().join("setting.json"), json).unwrap();
    }
}

/// The whole of one attack: the import is refused for the expected reason by a process that takes
/// little memory, nothing is written but staging and ledger, the ledger tells it, and the
/// generation in use is what it was.
pub(super) fn refused(name: &str, attack: fn(&mut Case), expected: Reason) {
    if let Some(home) = std::env::var_os(CHILD) {
        return in_child(Path::new(&home));
    }
    let mut case = Case::new();
    attack(&mut case);
    if let Some(why) = case.impossible {
        eprintln!("{name}: skipped, {why}");
        return;
    }
    case.finish();
    let data = Installation::new(&case.home.path().join("data"));
    let (before, state, told) = (tree(&case), data.state().unwrap(), records(&data));
    let outcome = import_elsewhere(&case, name);
    eprintln!("{name}: {:?}, +{} KiB, {}", outcome.reason, outcome.peak_kib, outcome.message);
    assert_eq!(outcome.reason, Some(expected), "{}", outcome.message);
    assert!(!outcome.prepared, "hostile content was looked into");
    assert!(outcome.peak_kib <= PEAK_KIB_MAX, "{} KiB", outcome.peak_kib);
    let changed = changes(&before, &tree(&case));
    let wrong: Vec<_> = changed.iter().filter(|path| !may_change(path, &case)).collect();
    assert!(wrong.is_empty(), "written: {wrong:#?}");
    let now = data.state().unwrap();
    let trust = if case.brings_root { now.trust.clone() } else { state.trust.clone() };
    let known = if case.brings_root { 3 } else { 2 };
    assert_eq!(trust.as_ref().map(|trust| trust.root_version), Some(known));
    assert_eq!(now, State { trust, ..state });
    let chain = Ledger::of(&data).read().unwrap();
    if outcome.found {
        let last = chain.records.last().unwrap();
        assert_eq!((last.event, last.reason), (Event::Refused, Some(expected)));
        assert_eq!(chain.records.len(), told + 2);
    } else {
        assert_eq!(chain.records.len(), told);
    }
}

fn records(data: &Installation) -> usize {
    Ledger::of(data).read().unwrap().records.len()
}

/// Runs the test of this name in a process of its own, in which [`refused`] only imports.
fn import_elsewhere(case: &Case, name: &str) -> Outcome {
    let home = case.home.path();
    let program = std::env::current_exe().unwrap();
    let mut command = match &case.setting.mount {
        None => Command::new(program),
        Some((from, to)) => {
            let mut command = Command::new("unshare");
            let script = r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#;
            command.args(["-m", "sh", "-c", script, "sh"]).args([from, to]).arg(program);
            command
        }
    };
    let name = name.strip_prefix("kura::").unwrap();
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, home);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json = fs::read(home.join("outcome.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn in_child(home: &Path) {
    let json = fs::read(home.join("setting.json")).unwrap();
    let setting: Setting = serde_json::from_slice(&json).unwrap();
    let idle = peak_kib();
    let found = Stick::find(&home.join("stick")).is_ok();
    let (result, prepared) = import(home, &setting);
    let peak_kib = peak_kib() - idle;
    let (reason, message) = match result {
        Ok(_) => (None, "imported".to_owned()),
        Err(SyncError::Refused(refusal)) => (Some(refusal.reason), refusal.to_string()),
        Err(error) => (None, error.to_string()),
    };
    let outcome = Outcome { reason, message, found, prepared, peak_kib };
    fs::write(home.join("outcome.json"), serde_json::to_vec(&outcome).unwrap()).unwrap();
}

/// Imports what is at `home/stick` into `home/data`; also whether content was looked into.
pub(super) fn import(home: &Path, setting: &Setting) -> (Result<Imported, SyncError>, bool) {
    let stick = match Stick::find(&home.join("stick")) {
        Ok(mut sticks) => sticks.remove(0),
        Err(refusal) => return (Err(refusal.into()), false),
    };
    let swap = |progress: Progress| {
        if matches!(progress, Progress::Verified { .. }) {
            for (from, to) in &setting.swaps {
                fs::rename(from, to).unwrap();
            }
        }
    };
    let prepare = Watching::default();
    let importer = Importer {
        installation: &Installation::new(&home.join("data")),
        trust: &TrustSettings {
            fingerprint: setting.fingerprint.clone(),
            channel: setting.channel.clone(),
        },
        today: setting.today,
        who: Who::default(),
        prepare: &prepare,
        progress: &swap,
        cancelled: &AtomicBool::new(false),
    };
    let result = importer.import(&stick);
    (result, prepare.reached.load(Ordering::Relaxed))
}

/// Says whether it was ever asked.
#[derive(Default)]
struct Watching {
    reached: AtomicBool,
}

impl Prepare for Watching {
    fn dataset(&self, _: &Path, manifest: &Manifest) -> Result<GenerationRecord, Refusal> {
        self.reached.store(true, Ordering::Relaxed);
        Ok(record(&manifest.edition))
    }

    fn model(&self, _: &Path, _: &Manifest) -> Result<ModelRecord, Refusal> {
        self.reached.store(true, Ordering::Relaxed);
        Err(Refusal::new(Reason::UnusableContent, "model"))
    }

    fn app(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        self.reached.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn assistants(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        self.reached.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// The highest resident memory that this process ever had.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What may change: staging, ledger and lock, and what the test itself wrote.
fn may_change(path: &Path, case: &Case) -> bool {
    let home = case.home.path();
    let below = |name: &str| path.starts_with(home.join(name));
    let always = ["data/staging", "data/ledger.jsonl", "data/ledger-mark.json"];
    let mut always = always.into_iter().chain(["data/kura.lock", "outcome.json"]);
    let with_root = ["data/trust", "data/state.json"];
    let moved = |(from, to): &(PathBuf, PathBuf)| path == from || path == to;
    always.any(below)
        || (case.brings_root && with_root.into_iter().any(below))
        || case.setting.swaps.iter().any(moved)
}

/// Every path below the case's folder, with what can be told of it.
fn tree(case: &Case) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    walk(case.home.path(), &mut found);
    found
}

fn walk(dir: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let mut what = format!("{:o} {}", meta.mode(), meta.ino());
        if meta.is_dir() {
            walk(&path, found);
        } else if meta.is_symlink() {
            what += &fs::read_link(&path).unwrap().display().to_string();
        } else if !meta.file_type().is_fifo() && meta.is_file() {
            what += &format!(" {}", meta.len());
            if meta.len() > 0 && meta.len() <= HASHED_BYTES_MAX {
                what += &hash(&fs::read(&path).unwrap());
            }
        }
        found.insert(path, what);
    }
}

fn changes(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>) -> Vec<PathBuf> {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let new = after.iter().filter(|(path, what)| before.get(*path) != Some(what));
    gone.cloned().chain(new.map(|(path, _)| path.clone())).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &place),
            false => drop(fs::copy(entry.path(), place).unwrap()),
        }
    }
}
