//! A model of a disk that forgets: what a power cut leaves of a sequence of steps.
//!
//! A file has what was written and what was made last; a folder has the names it shows and those
//! that were made last. Nothing lasts but by a sync of that very file or folder, and each of them
//! may forget on its own. Journaling file systems are kinder: ext4 keeps renames in order and
//! writes a file before the rename that gives it its name. What holds here holds there.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A step, with paths relative to the folder that stands for the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Op {
    MakeDir(PathBuf),
    Create(PathBuf),
    Append(PathBuf, Rc<Vec<u8>>),
    Truncate(PathBuf, u64),
    SyncFile(PathBuf),
    /// The disk said no; what was written since the last sync is gone, though it can be read.
    FailedSync(PathBuf),
    SyncDir(PathBuf),
    Rename(PathBuf, PathBuf),
    /// A file or an empty folder.
    Remove(PathBuf),
    /// The call returned: what it did is acknowledged.
    Done,
}

/// What the cut leaves of what was not made last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Cut {
    /// Everything: the process was killed, the disk had time.
    Kill,
    /// Nothing.
    Synced,
    /// Names are there, contents are not: the empty file after a rename.
    Names,
    /// Names are there, contents are half there, or zeros.
    Torn(u64),
    /// Each folder and each file on its own.
    Scattered(u64),
}

/// A tree of files; `None` is a folder.
pub(in super::super) type Image = BTreeMap<PathBuf, Option<Rc<Vec<u8>>>>;

#[derive(Clone, Debug)]
enum Node {
    File(Content),
    Dir { now: BTreeMap<String, usize>, lasting: BTreeMap<String, usize> },
}

#[derive(Clone, Debug, Default)]
struct Content {
    now: Rc<Vec<u8>>,
    lasting: Rc<Vec<u8>>,
    /// What the next sync makes last: `now`, with zeros where a failed sync lost bytes.
    pending: Rc<Vec<u8>>,
}

/// The disk; node 0 is its top.
#[derive(Clone, Debug)]
pub(in super::super) struct Disk {
    nodes: Vec<Node>,
}

impl Disk {
    /// After a start: all that is there lasts.
    pub(in super::super) fn of(image: &Image) -> Self {
        let top = Node::Dir { now: BTreeMap::new(), lasting: BTreeMap::new() };
        let mut disk = Self { nodes: vec![top] };
        for (path, content) in image {
            let node = match content {
                None => Node::Dir { now: BTreeMap::new(), lasting: BTreeMap::new() },
                Some(bytes) => {
                    let [now, lasting, pending] = [bytes, bytes, bytes].map(Rc::clone);
                    Node::File(Content { now, lasting, pending })
                }
            };
            disk.add(path, node);
        }
        for node in &mut disk.nodes {
            if let Node::Dir { now, lasting } = node {
                lasting.clone_from(now);
            }
        }
        disk
    }

    pub(in super::super) fn apply(&mut self, op: &Op) {
        match op {
            Op::MakeDir(path) => {
                self.add(path, Node::Dir { now: BTreeMap::new(), lasting: BTreeMap::new() });
            }
            Op::Create(path) => match self.find(path) {
                Some(at) => {
                    let file = self.file(at);
                    file.now = Rc::default();
                    file.pending = Rc::default();
                }
                None => self.add(path, Node::File(Content::default())),
            },
            Op::Append(path, bytes) => {
                let file = self.file_at(path);
                Rc::make_mut(&mut file.now).extend_from_slice(bytes);
                Rc::make_mut(&mut file.pending).extend_from_slice(bytes);
            }
            Op::Truncate(path, len) => {
                let len = usize::try_from(*len).unwrap();
                let file = self.file_at(path);
                Rc::make_mut(&mut file.now).resize(len, 0);
                Rc::make_mut(&mut file.pending).resize(len, 0);
            }
            Op::SyncFile(path) => {
                let file = self.file_at(path);
                file.lasting = Rc::clone(&file.pending);
            }
            Op::FailedSync(path) => self.fail_sync(path),
            Op::SyncDir(path) => {
                let at = self.find(path).unwrap_or_else(|| panic!("no folder {path:?}"));
                if let Node::Dir { now, lasting } = &mut self.nodes[at] {
                    lasting.clone_from(now);
                }
            }
            Op::Rename(from, to) => {
                let at = self.take(from);
                let (dir, name) = self.parent(to);
                self.names(dir).insert(name, at);
            }
            Op::Remove(path) => {
                self.take(path);
            }
            Op::Done => {}
        }
    }

    /// The pages count as written from here on; only what is written anew can last.
    fn fail_sync(&mut self, path: &Path) {
        let Some(at) = self.find(path) else { return };
        if let Node::File(file) = &mut self.nodes[at] {
            let mut lost = file.lasting.as_ref().clone();
            lost.resize(file.now.len(), 0);
            file.pending = Rc::new(lost);
        }
    }

    /// What a file holds as programs see it.
    pub(super) fn read(&self, path: &Path) -> Option<Rc<Vec<u8>>> {
        match &self.nodes[self.find(path)?] {
            Node::File(file) => Some(Rc::clone(&file.now)),
            Node::Dir { .. } => None,
        }
    }

    /// What is there when the power comes back.
    pub(in super::super) fn image(&self, cut: Cut) -> Image {
        let mut image = Image::new();
        self.collect(0, Path::new(""), cut, &mut image);
        image
    }

    fn collect(&self, at: usize, path: &Path, cut: Cut, image: &mut Image) {
        let Node::Dir { now, lasting } = &self.nodes[at] else { return };
        let names = match cut {
            Cut::Synced => lasting,
            Cut::Scattered(seed) if choice(seed, at, 2) == 0 => lasting,
            _ => now,
        };
        for (name, child) in names {
            let path = path.join(name);
            match &self.nodes[*child] {
                Node::Dir { .. } => {
                    image.insert(path.clone(), None);
                    self.collect(*child, &path, cut, image);
                }
                Node::File(file) => {
                    image.insert(path, Some(file.after(cut, *child)));
                }
            }
        }
    }

    fn add(&mut self, path: &Path, node: Node) {
        let at = self.nodes.len();
        self.nodes.push(node);
        let (dir, name) = self.parent(path);
        self.names(dir).insert(name, at);
    }

    fn take(&mut self, path: &Path) -> usize {
        let (dir, name) = self.parent(path);
        self.names(dir).remove(&name).unwrap_or_else(|| panic!("no {path:?}"))
    }

    fn parent(&self, path: &Path) -> (usize, String) {
        let dir = path.parent().and_then(|dir| self.find(dir));
        let dir = dir.unwrap_or_else(|| panic!("no folder for {path:?}"));
        (dir, path.file_name().unwrap().to_str().unwrap().to_owned())
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.iter().try_fold(0, |at, name| match &self.nodes[at] {
            Node::Dir { now, .. } => now.get(name.to_str()?).copied(),
            Node::File(_) => None,
        })
    }

    fn names(&mut self, at: usize) -> &mut BTreeMap<String, usize> {
        match &mut self.nodes[at] {
            Node::Dir { now, .. } => now,
            Node::File(_) => panic!("a file is no folder"),
        }
    }

    fn file(&mut self, at: usize) -> &mut Content {
        match &mut self.nodes[at] {
            Node::File(file) => file,
            Node::Dir { .. } => panic!("a folder is no file"),
        }
    }

    fn file_at(&mut self, path: &Path) -> &mut Content {
        let at = self.find(path).unwrap_or_else(|| panic!("no file {path:?}"));
        self.file(at)
    }
}

impl Content {
    fn after(&self, cut: Cut, at: usize) -> Rc<Vec<u8>> {
        match cut {
            Cut::Kill => Rc::clone(&self.now),
            Cut::Synced | Cut::Names => Rc::clone(&self.lasting),
            Cut::Torn(seed) => self.torn(choice(seed, at, 3)),
            Cut::Scattered(seed) => match choice(seed ^ 0x5bd1_e995, at, 5) {
                0 => Rc::clone(&self.lasting),
                1 => Rc::clone(&self.pending),
                other => self.torn(other - 2),
            },
        }
    }

    /// Half of what was not made last, or zeros for all of it, or for its first half.
    fn torn(&self, how: u64) -> Rc<Vec<u8>> {
        if self.pending == self.lasting {
            return Rc::clone(&self.lasting);
        }
        let same = self.pending.iter().zip(self.lasting.iter()).take_while(|(a, b)| a == b);
        let same = same.count();
        let half = same + (self.pending.len() - same) / 2;
        let mut bytes = self.pending.as_ref().clone();
        match how {
            0 => bytes.truncate(half),
            1 => bytes[same..].fill(0),
            _ => bytes[same..half].fill(0),
        }
        Rc::new(bytes)
    }
}

/// One of `of`, always the same for the same seed and node.
fn choice(seed: u64, at: usize, of: u64) -> u64 {
    mixed(seed ^ (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) % of
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(super) fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number for an image, to count each one once. Of the ledger only its length and its holes
/// count: the time that it tells makes no other disk.
pub(super) fn mark_of(image: &Image) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (path, content) in image {
        path.hash(&mut hasher);
        match content {
            Some(bytes) if path.ends_with("ledger.jsonl") => {
                let holes = bytes.iter().filter(|byte| **byte == 0).count();
                (bytes.len(), holes).hash(&mut hasher);
            }
            other => other.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// Reads a real folder.
pub(super) fn image_of(top: &Path) -> Image {
    fn walk(top: &Path, dir: &Path, image: &mut Image) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().to_owned();
            if path.is_dir() {
                image.insert(name, None);
                walk(top, &path, image);
            } else {
                image.insert(name, Some(Rc::new(fs::read(&path).unwrap())));
            }
        }
    }
    let mut image = Image::new();
    walk(top, top, &mut image);
    image
}

/// Writes an image into an empty real folder.
pub(super) fn write_image(image: &Image, top: &Path) {
    for (path, content) in image {
        match content {
            None => fs::create_dir(top.join(path)).unwrap(),
            Some(bytes) => fs::write(top.join(path), bytes.as_slice()).unwrap(),
        }
    }
}
