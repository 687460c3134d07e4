//! Cuts the power after every step of a change, looks, does the change again, and cuts again.

use std::collections::HashSet;

use super::super::super::State;
use super::super::super::ledger::Record;
use super::super::super::testing::scratch;
use super::check::{Expected, Found, Gallery, Loss, plain, records_of, state_of};
use super::disk::{Cut, Disk, Image, Op, mark_of, mixed, write_image};
use super::record::{DATA, LeftOut, record};
use super::scenes::Scene;

/// How thoroughly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    /// Torn and scattered disks for each step.
    pub(super) seeds: u64,
    /// Second cuts for each first one.
    pub(super) second_cuts: usize,
}

/// A bug: a step left out while running, or other steps than those of the program.
#[derive(Clone, Copy)]
pub(super) struct Bug {
    pub(super) left_out: Option<LeftOut>,
    pub(super) rewrite: fn(Vec<Op>) -> Vec<Op>,
}

/// The program as it is.
pub(super) const NO_BUG: Bug = Bug { left_out: None, rewrite: |ops| ops };

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Disks that were looked at and gone on with, each another one.
    pub(super) states: usize,
    /// Those of them that came from a second cut.
    pub(super) second: usize,
    pub(super) found: Found,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Self) {
        self.states += other.states;
        self.second += other.second;
        self.found.extend(other.found);
    }

    pub(super) fn count(&self, loss: Loss) -> usize {
        self.found.iter().filter(|(one, _)| *one == loss).count()
    }
}

/// A run of a change: its steps, and what was on record at its end.
struct Run {
    ops: Vec<Op>,
    records: Vec<Record>,
}

/// What was acknowledged so far. A call has returned when a step is made that is not its own:
/// the switch and the ledger both end with a sync of the data folder.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    state: usize,
    state_now: usize,
    records: usize,
    records_now: usize,
}

impl Told {
    fn see(&mut self, op: &Op, disk: &Disk, states: &[State]) {
        let state_path = std::path::Path::new(DATA).join("state.json");
        let ledger_path = std::path::Path::new(DATA).join("ledger.jsonl");
        let is_own = match op {
            Op::SyncDir(path) => path.as_os_str() == DATA,
            Op::Append(path, _) | Op::SyncFile(path) | Op::Create(path) => *path == ledger_path,
            Op::Truncate(path, _) => *path == ledger_path,
            Op::Rename(_, to) => *to == state_path,
            _ => false,
        };
        if !is_own {
            self.state = self.state_now;
            self.records = self.records_now;
        }
        match op {
            Op::Append(path, _) if *path == ledger_path => {
                // With the lines that a killed process left: what follows them vouches for them.
                let bytes = disk.read(&ledger_path).unwrap_or_default();
                self.records_now = bytes.iter().filter(|byte| **byte == b'\n').count();
            }
            Op::Rename(_, path) | Op::Append(path, _) if *path == state_path => {
                let bytes = disk.read(&state_path).unwrap_or_default();
                let state = serde_json::from_slice(&bytes).ok().map(plain);
                let at = state.and_then(|state| states.iter().rposition(|one| *one == state));
                self.state_now = at.unwrap_or(self.state_now);
            }
            _ => {}
        }
    }
}

/// One scene under one bug.
pub(super) struct Walk<'w> {
    scene: &'w Scene,
    bug: Bug,
    depth: Depth,
    gallery: Gallery,
    states: Vec<State>,
    seen: HashSet<u64>,
    outcome: Outcome,
}

impl<'w> Walk<'w> {
    /// Does the scene once, undisturbed and without the bug, to know what is right.
    pub(super) fn new(scene: &'w Scene, bug: Bug, depth: Depth) -> Self {
        let dir = scratch();
        write_image(&scene.before, dir.path());
        let mut gallery = Gallery::default();
        gallery.add(dir.path());
        let (ops, end) = record(dir.path(), &scene.act, None);
        end.unwrap_or_else(|error| panic!("{}: {error}", scene.name));
        gallery.add(dir.path());
        let states = states_of(&scene.before, &ops);
        let (seen, outcome) = (HashSet::new(), Outcome::default());
        Self { scene, bug, depth, gallery, states, seen, outcome }
    }

    /// All first cuts, and second ones after them.
    pub(super) fn go(mut self) -> Outcome {
        let dir = scratch();
        write_image(&self.scene.before, dir.path());
        let told = Told { records: records_on(&self.scene.before), ..Told::default() };
        let told = Told { records_now: told.records, ..told };
        let Some(run) = self.run(&dir) else { return self.outcome };
        let mut disk = Disk::of(&self.scene.before);
        let mut now = told;
        for (at, op) in run.ops.iter().enumerate() {
            disk.apply(op);
            now.see(op, &disk, &self.states);
            for cut in self.cuts(at) {
                let Some((kept, told, again)) = self.cut(&disk, cut, now, &run, at) else {
                    continue;
                };
                self.second_cuts(&kept, told, &again, at);
            }
        }
        self.outcome
    }

    /// Does the change as it stands there, with the bug. `None` when it does not come to its end.
    fn run(&mut self, dir: &tempfile::TempDir) -> Option<Run> {
        let (ops, end) = record(dir.path(), &self.scene.act, self.bug.left_out);
        let records = records_of(dir.path());
        match (end, records) {
            (Ok(()), Ok(records)) => Some(Run { ops: (self.bug.rewrite)(ops), records }),
            (Err(error), _) => self.lost(Loss::Resume, &error.to_string()),
            (_, Err(error)) => self.lost(Loss::Record, &error),
        }
    }

    fn lost(&mut self, loss: Loss, why: &str) -> Option<Run> {
        self.outcome.found.push((loss, format!("{}: {why}", self.scene.name)));
        None
    }

    fn cuts(&self, at: usize) -> Vec<Cut> {
        let seeds = (0..self.depth.seeds).map(|n| mixed(at as u64 * 1000 + n));
        let seeded = seeds.flat_map(|seed| [Cut::Torn(seed), Cut::Scattered(seed)]);
        [Cut::Kill, Cut::Synced, Cut::Names].into_iter().chain(seeded).collect()
    }

    /// One cut: looks, does the change again, looks. Gives the disk as it was before the change
    /// was done again, with what it had forgotten still to be forgotten where only the process
    /// died. `None` for a disk that was seen before.
    fn cut(
        &mut self,
        disk: &Disk,
        cut: Cut,
        told: Told,
        run: &Run,
        at: usize,
    ) -> Option<(Disk, Told, Run)> {
        let image = disk.image(cut);
        // A killed process leaves more than can be seen: what is yet to be forgotten.
        let hidden = if cut == Cut::Kill { mark_of(&disk.image(Cut::Synced)) } else { 0 };
        let mark = mark_of(&image) ^ hidden.rotate_left(7);
        if !self.seen.insert(mixed(mark ^ ((told.state as u64) << 32) ^ told.records as u64)) {
            return None;
        }
        self.outcome.states += 1;
        let dir = scratch();
        write_image(&image, dir.path());
        let records_there = records_of(dir.path()).map_or(0, |records| records.len());
        let state_there = state_of(dir.path()).ok().map(plain);
        let state_there = state_there
            .and_then(|state| self.states.iter().rposition(|one| *one == state))
            .unwrap_or(told.state);
        let expected = self.expected(told, run);
        let found = expected.after_cut(dir.path());
        self.take(found, cut, at);
        let again = self.run(&dir)?;
        let found = self.expected(told, &again).after_end(dir.path());
        self.take(found, cut, at);
        // After a power cut what is met lasts, acknowledged or not. After a kill the next writer
        // makes the state last before it does anything else, and so vouches for it.
        let is_kill = cut == Cut::Kill;
        let kept = if is_kill { disk.clone() } else { Disk::of(&image) };
        let records = if is_kill { told.records } else { records_there };
        let state = if is_kill { told.state } else { state_there };
        let told = Told { records, records_now: records, state, state_now: state_there };
        Some((kept, told, again))
    }

    fn expected<'e>(&'e self, told: Told, run: &'e Run) -> Expected<'e> {
        Expected {
            gallery: &self.gallery,
            states: &self.states,
            acknowledged: told.state,
            records: &run.records,
            on_record: told.records,
        }
    }

    fn take(&mut self, found: Found, cut: Cut, at: usize) {
        let place = |why: String| format!("{}, step {at}, {cut:?}: {why}", self.scene.name);
        let found: Found = found.into_iter().map(|(loss, why)| (loss, place(why))).collect();
        self.outcome.found.extend(found);
    }

    /// A sample of cuts in the run that went on after the first; its end is always among them.
    fn second_cuts(&mut self, kept: &Disk, told: Told, run: &Run, first: usize) {
        let steps = run.ops.len();
        let mut at: Vec<usize> = (0..self.depth.second_cuts)
            .map(|n| mixed((first * 31 + n) as u64 ^ 0xc0ffee) as usize % steps.max(1))
            .collect();
        at.push(steps.saturating_sub(1));
        let (mut disk, mut now) = (kept.clone(), told);
        for (step, op) in run.ops.iter().enumerate() {
            disk.apply(op);
            now.see(op, &disk, &self.states);
            if !at.contains(&step) {
                continue;
            }
            let seed = mixed((first * 7919 + step) as u64);
            let all = [Cut::Synced, Cut::Torn(seed), Cut::Scattered(seed), Cut::Names];
            let cut = if step + 1 == steps { Cut::Synced } else { all[(seed % 4) as usize] };
            if self.cut(&disk, cut, now, run, step).is_some() {
                self.outcome.second += 1;
            }
        }
    }
}

fn records_on(image: &Image) -> usize {
    let path = std::path::Path::new(DATA).join("ledger.jsonl");
    let bytes = image.get(&path).cloned().flatten().unwrap_or_default();
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The states that a run goes through, the one before it first.
pub(in super::super) fn states_of(before: &Image, ops: &[Op]) -> Vec<State> {
    let path = std::path::Path::new(DATA).join("state.json");
    let parsed = |bytes: &[u8]| plain(serde_json::from_slice(bytes).unwrap());
    let mut disk = Disk::of(before);
    let mut states = vec![disk.read(&path).map_or_else(State::default, |bytes| parsed(&bytes))];
    for op in ops {
        disk.apply(op);
        if matches!(op, Op::Rename(_, to) if *to == path) {
            states.push(parsed(&disk.read(&path).unwrap()));
        }
    }
    states
}
