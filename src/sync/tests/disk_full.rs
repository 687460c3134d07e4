//! The disk is full, or fails, at every step of an import.
//!
//! A disk that refuses takes half of the bytes first, as disks do, and forgets what a failed sync
//! was to make last though it can still be read.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use super::power_cut::{
    Builder, Cut, DATA, Desk, Disk, Expected, Gallery, Image, Op, after, note, on_disk, records_of,
    states_of,
};
use super::*;
use crate::sync::disk::{Step, tap};
use crate::sync::ledger::Record;
use crate::sync::testing::{import_with, scratch};
use crate::text::Lang;

/// How the disk refuses.
#[derive(Clone, Copy, Debug)]
struct Fault {
    errno: rustix::io::Errno,
    /// From this step on.
    at: usize,
    /// For so many steps.
    steps: usize,
}

impl Fault {
    /// A full disk takes what needs no room.
    fn refuses(self, step: Step<'_>) -> bool {
        let needs_room =
            !matches!(step, Step::RemoveFile(_) | Step::RemoveTree(_) | Step::Truncate(..));
        self.errno != rustix::io::Errno::NOSPC || needs_room
    }
}

/// Imports while the disk refuses. Gives the steps that were done, and how many were asked for.
fn import_on(
    top: &Path,
    desk: &Desk,
    stick: &Path,
    fault: Option<Fault>,
) -> (Vec<Op>, usize, Result<Imported, SyncError>) {
    let (ops, asked) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
    let watcher = {
        let (ops, asked, top) = (Rc::clone(&ops), Rc::clone(&asked), top.to_owned());
        move |step: Step<'_>| {
            let at = asked.replace(asked.get() + 1);
            let fault = fault.filter(|fault| {
                at >= fault.at && at - fault.at < fault.steps && fault.refuses(step)
            });
            match fault {
                Some(fault) => refuse(step, fault, &top, &mut ops.borrow_mut()),
                None => {
                    note(step, &top, &mut ops.borrow_mut());
                    Ok(!matches!(step, Step::SyncFile(_) | Step::SyncDir(_)))
                }
            }
        }
    };
    let tap = tap::install(watcher);
    let installation = Installation::new(&top.join(DATA));
    let end = import_with(&Builder, &installation, &desk.trust, stick);
    drop(tap);
    (ops.take(), asked.get(), end)
}

fn refuse(step: Step<'_>, fault: Fault, top: &Path, ops: &mut Vec<Op>) -> io::Result<bool> {
    match step {
        Step::Append(path, bytes) => {
            let half = &bytes[..bytes.len() / 2];
            File::options().append(true).open(path)?.write_all(half)?;
            note(Step::Append(path, half), top, ops);
        }
        Step::SyncFile(path) => {
            ops.push(Op::FailedSync(path.strip_prefix(top).unwrap().to_owned()));
        }
        _ => {}
    }
    Err(fault.errno.into())
}

/// The words say what happened, to which file, and what to do.
fn words_are_plain(error: &SyncError, fault: Fault, top: &str) {
    match (error, fault.errno) {
        (SyncError::Refused(refusal), rustix::io::Errno::NOSPC) => {
            assert_eq!(refusal.reason, Reason::NoSpace, "{fault:?}");
            let (ja, en) = (refusal.message(Lang::Ja), refusal.message(Lang::En));
            assert!(ja.contains("空き容量が足りません") && ja.contains("続きから再開"), "{ja}");
            assert!(en.contains("not enough free space"), "{en}");
            assert!(refusal.detail.contains(top), "{refusal:?} names no file");
        }
        (SyncError::Io { path, .. }, rustix::io::Errno::IO) => {
            let words = error.to_string();
            assert!(words.starts_with("cannot ") && words.contains(&path.display().to_string()));
        }
        // The builder of the test says what it met as the checks of an import do.
        (SyncError::Refused(refusal), rustix::io::Errno::IO) => {
            assert_eq!(refusal.reason, Reason::UnusableContent, "{fault:?}");
        }
        _ => panic!("{fault:?}: {error}"),
    }
}

/// One import into `before`, and what it should come to.
struct Case<'c> {
    desk: &'c Desk,
    stick: &'c Path,
    before: Image,
    gallery: Gallery,
    states: Vec<State>,
    /// Steps of an import that meets no fault.
    steps: usize,
}

impl<'c> Case<'c> {
    fn new(before: Image, desk: &'c Desk, stick: &'c Path) -> Self {
        let (dir, _) = on_disk(&before);
        let mut gallery = Gallery::default();
        gallery.add(dir.path());
        let (ops, steps, end) = import_on(dir.path(), desk, stick, None);
        end.unwrap();
        gallery.add(dir.path());
        let states = states_of(&before, &ops);
        Self { desk, stick, before, gallery, states, steps }
    }

    fn expected<'e>(&'e self, records: &'e [Record]) -> Expected<'e> {
        let (gallery, states) = (&self.gallery, &self.states[..]);
        Expected { gallery, states, acknowledged: 0, records, on_record: 0 }
    }

    /// The import meets the fault; then there is room again, or the disk works again; then the
    /// power goes, so that what was acknowledged does not stand on what a failed sync had lost.
    fn meet(&self, fault: Fault) {
        let (dir, _) = on_disk(&self.before);
        let top = dir.path();
        let mut disk = Disk::of(&self.before);
        let (ops, _, end) = import_on(top, self.desk, self.stick, Some(fault));
        ops.iter().for_each(|op| disk.apply(op));
        let records = records_of(top).unwrap();
        let found = self.expected(&records).after_cut(top);
        assert!(found.is_empty(), "{fault:?}: {found:?}");
        if let Err(error) = &end {
            words_are_plain(error, fault, top.to_str().unwrap());
        }
        // A disk that fails throughout comes back by a restart only.
        let is_dead = fault.errno == rustix::io::Errno::IO && fault.steps > 1;
        let (dir, mut disk) = if is_dead {
            let left = disk.image(Cut::Synced);
            (on_disk(&left).0, Disk::of(&left))
        } else {
            (dir, disk)
        };
        let top = dir.path();
        let found = self.expected(&records).after_cut(top);
        assert!(found.is_empty(), "{fault:?}, started again: {found:?}");
        let (ops, _, end) = import_on(top, self.desk, self.stick, None);
        end.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        ops.iter().for_each(|op| disk.apply(op));
        let found = self.expected(&[]).after_end(top);
        assert!(found.is_empty(), "{fault:?}: {found:?}");
        let (cut, _) = on_disk(&disk.image(Cut::Synced));
        let found = self.expected(&[]).after_end(cut.path());
        assert!(found.is_empty(), "{fault:?}, cut afterwards: {found:?}");
    }

    /// At every step: there alone, and from there on. Gives the number of imports.
    fn meet_all(&self) -> usize {
        let errnos = [rustix::io::Errno::NOSPC, rustix::io::Errno::IO];
        let places = || (0..self.steps).flat_map(|at| [(at, 1), (at, usize::MAX)]);
        let faults = errnos
            .into_iter()
            .flat_map(|errno| places().map(move |(at, steps)| Fault { errno, at, steps }));
        faults.map(|fault| self.meet(fault)).count()
    }
}

#[test]
fn the_disk_is_full_or_fails_at_every_step() {
    let sticks = scratch();
    let desk = Desk::new(sticks.path());
    let (first, second) = (desk.dataset(1), desk.dataset(2));
    let one = after(&[desk.import(first.clone())]);
    let runs = Case::new(Image::new(), &desk, &first).meet_all()
        + Case::new(one, &desk, &second).meet_all();
    println!("{runs} imports on a disk that refused at one step, or from it on");
    assert!(runs > 400, "{runs}");
}
