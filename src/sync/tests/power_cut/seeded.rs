//! Bugs that a program of this kind has had somewhere, each to be caught by the same checks.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::super::State;
use super::super::super::disk::Step;
use super::check::Loss;
use super::disk::Op;
use super::walk::{Bug, NO_BUG};

/// A bug, the scene that it shows in, and what it loses.
pub(super) struct Seeded {
    pub(super) name: &'static str,
    pub(super) scene: &'static str,
    pub(super) loses: Loss,
    pub(super) bug: Bug,
}

#[rustfmt::skip]
pub(super) fn all() -> Vec<Seeded> {
    let seeded = |name, scene, loses, rewrite| {
        Seeded { name, scene, loses, bug: Bug { rewrite, ..NO_BUG } }
    };
    let next = "next edition";
    vec![
        seeded("no file is synced", next, Loss::Generation, |ops| without(ops, |op| matches!(op, Op::SyncFile(_)))),
        seeded("no folder is synced", next, Loss::Acknowledged, |ops| without(ops, |op| matches!(op, Op::SyncDir(_)))),
        seeded("files of the generation are not synced", next, Loss::Generation, |ops| without(ops, |op| is_file_sync(op, "kura/staging"))),
        seeded("the state is not synced before its rename", next, Loss::Generation, |ops| without(ops, |op| is_file_sync(op, "kura/.state.json.new"))),
        seeded("the switch is not made last", next, Loss::Acknowledged, |ops| without(ops, |op| is_dir_sync(op, "kura"))),
        seeded("the generation's name is not made last", next, Loss::Generation, |ops| without(ops, |op| is_dir_sync(op, "kura/datasets/town"))),
        seeded("the folder of a data set is not made last", "data set with its index", Loss::Generation, |ops| without(ops, |op| is_dir_sync(op, "kura/datasets"))),
        seeded("the state is written in place", next, Loss::Generation, written_in_place),
        seeded("two state files", next, Loss::Generation, two_state_files),
        seeded("the generation is synced after the switch", next, Loss::Generation, synced_after_the_switch),
        seeded("the switch comes before the generation", next, Loss::Generation, switched_first),
        seeded("swept before the switch lasts", "third edition, the first is swept", Loss::Generation, swept_first),
        seeded("records are acknowledged without a sync", "records", Loss::Record, |ops| without(ops, |op| is_file_sync(op, "kura/ledger.jsonl"))),
        seeded("the mark of the ledger is not synced", "records", Loss::Record, |ops| without(ops, |op| is_file_sync(op, "kura/.ledger-mark.json.new"))),
        seeded("the mark of the ledger comes before the record", "records", Loss::Record, marked_first),
        seeded("what a killed process left is built on", "third edition, the first is swept", Loss::Acknowledged, without_first_sync),
        Seeded { name: "a half-made file is gone on with as it is", scene: next, loses: Loss::Generation, bug: Bug { left_out: Some(is_cut_of_part), ..NO_BUG } },
    ]
}

/// Each record is written after the mark that counts it.
fn marked_first(ops: Vec<Op>) -> Vec<Op> {
    let is_record = |op: &Op| match op {
        Op::Append(path, _) | Op::SyncFile(path) => path == Path::new("kura/ledger.jsonl"),
        _ => false,
    };
    let (mut held, mut turned) = (Vec::new(), Vec::new());
    for op in ops {
        let ends_mark =
            matches!(&op, Op::Rename(_, to) if to == Path::new("kura/ledger-mark.json"));
        match is_record(&op) {
            true => held.push(op),
            false => turned.push(op),
        }
        if ends_mark {
            turned.append(&mut held);
        }
    }
    turned.append(&mut held);
    turned
}

fn is_cut_of_part(step: Step<'_>) -> bool {
    matches!(step, Step::Truncate(path, _) if path.to_string_lossy().ends_with('~'))
}

fn without(ops: Vec<Op>, gone: impl Fn(&Op) -> bool) -> Vec<Op> {
    ops.into_iter().filter(|op| !gone(op)).collect()
}

fn is_file_sync(op: &Op, below: &str) -> bool {
    matches!(op, Op::SyncFile(path) if path.starts_with(below))
}

fn is_dir_sync(op: &Op, dir: &str) -> bool {
    matches!(op, Op::SyncDir(path) if path == Path::new(dir))
}

/// The steps of the last switch: from making the new file to the sync of the folder.
fn last_switch(ops: &[Op]) -> Option<std::ops::RangeInclusive<usize>> {
    let new = Path::new("kura/.state.json.new");
    let first = ops.iter().rposition(|op| *op == Op::Create(new.to_owned()))?;
    let sync = ops.iter().skip(first).position(|op| is_dir_sync(op, "kura"))?;
    Some(first..=first + sync)
}

/// Where the stage gets its place, and that place.
fn placed(ops: &[Op]) -> Option<(usize, PathBuf, PathBuf)> {
    ops.iter().enumerate().find_map(|(at, op)| match op {
        Op::Rename(from, to) if from.parent() == Some(Path::new("kura/staging")) => {
            Some((at, from.clone(), to.clone()))
        }
        _ => None,
    })
}

fn written_in_place(ops: Vec<Op>) -> Vec<Op> {
    let (new, path) = (Path::new("kura/.state.json.new"), Path::new("kura/state.json"));
    let renamed = |op| match op {
        Op::Create(at) if at == new => Op::Create(path.to_owned()),
        Op::Append(at, bytes) if at == new => Op::Append(path.to_owned(), bytes),
        Op::SyncFile(at) if at == new => Op::SyncFile(path.to_owned()),
        other => other,
    };
    without(ops, |op| matches!(op, Op::Rename(from, _) if from == new))
        .into_iter()
        .map(renamed)
        .collect()
}

/// What is in use in one file, the floors against going back in another: the one is switched, and
/// then the other.
fn two_state_files(mut ops: Vec<Op>) -> Vec<Op> {
    let Some(switch) = last_switch(&ops) else { return ops };
    let half = |op: &Op| match op {
        Op::Append(path, bytes) => {
            let mut state: State = serde_json::from_slice(bytes).unwrap();
            state.floors.clear();
            Op::Append(path.clone(), Rc::new(serde_json::to_vec(&state).unwrap()))
        }
        other => other.clone(),
    };
    let first: Vec<Op> = ops[switch.clone()].iter().map(half).collect();
    let at = *switch.start();
    ops.splice(at..at, first);
    ops
}

fn synced_after_the_switch(mut ops: Vec<Op>) -> Vec<Op> {
    let (Some((at, stage, place)), Some(switch)) = (placed(&ops), last_switch(&ops)) else {
        return ops;
    };
    let end = *switch.end();
    let is_late = |op: &Op| matches!(op, Op::SyncFile(path) if path.starts_with(&stage));
    let late: Vec<Op> = ops[..at]
        .iter()
        .filter(|op| is_late(op))
        .filter_map(|op| match op {
            Op::SyncFile(path) => Some(place.join(path.strip_prefix(&stage).unwrap())),
            _ => None,
        })
        .filter(|path| !path.to_string_lossy().ends_with('~'))
        .filter(|path| path.extension().is_none_or(|end| end != "new"))
        .map(Op::SyncFile)
        .collect();
    ops.splice(end + 1..end + 1, late);
    let (before, after) = ops.split_at(at);
    before.iter().filter(|op| !is_late(op)).chain(after).cloned().collect()
}

fn switched_first(mut ops: Vec<Op>) -> Vec<Op> {
    let (Some((at, _, _)), Some(switch)) = (placed(&ops), last_switch(&ops)) else { return ops };
    let moved: Vec<Op> = ops.drain(switch).collect();
    ops.splice(at..at, moved);
    ops
}

/// Removals of generations come before the sync that makes the switch last.
fn swept_first(mut ops: Vec<Op>) -> Vec<Op> {
    let Some(switch) = last_switch(&ops) else { return ops };
    let end = *switch.end();
    let is_swept = |op: &Op| matches!(op, Op::Remove(path) if path.starts_with("kura/datasets"));
    let (swept, rest): (Vec<Op>, Vec<Op>) =
        ops.split_off(end + 1).into_iter().partition(|op| is_swept(op));
    ops.splice(end..end, swept);
    ops.extend(rest);
    ops
}

/// The writer's first sync, of the data folder as a killed process may have left it.
fn without_first_sync(mut ops: Vec<Op>) -> Vec<Op> {
    if let Some(at) = ops.iter().position(|op| is_dir_sync(op, "kura")) {
        ops.remove(at);
    }
    ops
}
