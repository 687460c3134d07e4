//! What must hold on every disk that a power cut leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::super::ledger::{Event, Ledger, Record};
use super::super::super::{Installation, State};
use super::disk::image_of;
use super::record::DATA;

/// What was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) enum Loss {
    /// A generation that the state names is not whole, or the state is no state that ever was.
    Generation,
    /// What was acknowledged is not in use.
    Acknowledged,
    /// The ledger is broken, or lacks a record that was acknowledged.
    Record,
    /// Done again, it did not come to its end.
    Resume,
}

/// A loss, and where.
pub(in super::super) type Found = Vec<(Loss, String)>;

/// Names and hashes of the files of each generation that was ever right, by its folder. A folder
/// named by its content may have had other papers before.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Gallery(BTreeMap<PathBuf, Vec<BTreeMap<PathBuf, blake3::Hash>>>);

impl Gallery {
    /// Adds what the state names on a disk that is right.
    pub(in super::super) fn add(&mut self, top: &Path) {
        let state = state_of(top).unwrap();
        for place in places(&state) {
            self.0
                .entry(place.clone())
                .or_default()
                .push(files_below(&top.join(DATA).join(&place)));
        }
    }

    /// What is wrong with the generations that a state names.
    fn wrong(&self, top: &Path, state: &State) -> Found {
        let mut found = Found::new();
        for place in places(state) {
            let files = files_below(&top.join(DATA).join(&place));
            let known = self.0.get(&place).map_or(&[][..], Vec::as_slice);
            let right = |name: &PathBuf, hash: &blake3::Hash| {
                known.iter().any(|one| one.get(name) == Some(hash))
            };
            let missing = |one: &BTreeMap<PathBuf, blake3::Hash>| {
                one.keys().any(|name| !files.contains_key(name))
            };
            let damaged = files.iter().find(|(name, hash)| !right(name, hash));
            if let Some((name, _)) = damaged {
                found.push((Loss::Generation, format!("{place:?}: {name:?} is not as it was")));
            } else if known.iter().all(missing) {
                found.push((Loss::Generation, format!("{place:?} lacks files")));
            }
        }
        found
    }
}

/// What may be met, and what must.
#[derive(Clone, Debug)]
pub(in super::super) struct Expected<'e> {
    pub(in super::super) gallery: &'e Gallery,
    /// All states that were, in order ([`plain`]).
    pub(in super::super) states: &'e [State],
    /// Index of the last one that was acknowledged.
    pub(in super::super) acknowledged: usize,
    /// The ledger as it came to be without the cut.
    pub(in super::super) records: &'e [Record],
    /// How many of them were acknowledged.
    pub(in super::super) on_record: usize,
}

impl Expected<'_> {
    /// After a cut, before anything else.
    pub(in super::super) fn after_cut(&self, top: &Path) -> Found {
        let mut found = Found::new();
        match state_of(top) {
            Err(why) => found.push((Loss::Generation, why)),
            Ok(state) => {
                match self.states.iter().rposition(|one| *one == plain(state.clone())) {
                    None => found.push((Loss::Generation, "a state that never was".to_owned())),
                    Some(at) if at < self.acknowledged => {
                        let why = format!("state {at} of {}", self.acknowledged);
                        found.push((Loss::Acknowledged, why));
                    }
                    Some(_) => {}
                }
                found.extend(self.gallery.wrong(top, &state));
                found.extend(wrong_root(top, &state));
            }
        }
        match records_of(top) {
            Err(why) => found.push((Loss::Record, why)),
            Ok(records) if records.len() < self.on_record => {
                let why = format!("{} records of {}", records.len(), self.on_record);
                found.push((Loss::Record, why));
            }
            Ok(records) if !self.records.starts_with(&records) => {
                found.push((Loss::Record, "records that never were".to_owned()));
            }
            Ok(_) => {}
        }
        found
    }

    /// After the change was done again, to its end.
    pub(in super::super) fn after_end(&self, top: &Path) -> Found {
        let mut found = Found::new();
        let state = match state_of(top) {
            Ok(state) => state,
            Err(why) => return vec![(Loss::Resume, why)],
        };
        if self.states.last() != Some(&plain(state.clone())) {
            found.push((Loss::Resume, "not the state that was to come".to_owned()));
        }
        found.extend(self.gallery.wrong(top, &state));
        found.extend(wrong_root(top, &state));
        found.extend(rubbish(top, &state).map(|why| (Loss::Resume, why)));
        match records_of(top) {
            Err(why) => found.push((Loss::Record, why)),
            Ok(records) => found.extend(wrong_records(&records, &state)),
        }
        found
    }
}

/// The state without the number of the attempt that made it: an attempt more is no other state.
pub(super) fn plain(mut state: State) -> State {
    for floor in state.floors.values_mut() {
        floor.attempt = 0;
    }
    state
}

pub(super) fn state_of(top: &Path) -> Result<State, String> {
    Installation::new(&top.join(DATA)).state().map_err(|error| error.to_string())
}

pub(in super::super) fn records_of(top: &Path) -> Result<Vec<Record>, String> {
    let ledger = Ledger::of(&Installation::new(&top.join(DATA)));
    ledger.read().map(|chain| chain.records).map_err(|error| error.to_string())
}

/// Folders of all generations that a state names, below the data folder.
fn places(state: &State) -> BTreeSet<PathBuf> {
    let mut places = BTreeSet::new();
    for (home, entries) in [("datasets", &state.datasets), ("assistants", &state.assistants)] {
        for (id, entry) in entries {
            let names = [Some(&entry.current), entry.previous.as_ref()];
            places.extend(
                names.into_iter().flatten().map(|name| Path::new(home).join(id).join(name)),
            );
        }
    }
    let models = state.models.values().chain(state.previous_models.values());
    places.extend(models.map(|name| Path::new("models").join(name)));
    if let Some(app) = &state.app {
        let names = [app.current.as_ref(), app.previous.as_ref().and_then(Option::as_ref)];
        places.extend(names.into_iter().flatten().map(|name| Path::new("app").join(name)));
    }
    places
}

/// What a cut left of replacing a paper as a whole (`.model.json.new`) is no file of a generation.
fn files_below(dir: &Path) -> BTreeMap<PathBuf, blake3::Hash> {
    if !dir.is_dir() {
        return BTreeMap::new();
    }
    let is_half =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
    let files = image_of(dir).into_iter().filter(|(path, _)| !is_half(path));
    files.filter_map(|(path, bytes)| Some((path, blake3::hash(&bytes?)))).collect()
}

fn wrong_root(top: &Path, state: &State) -> Found {
    let Some(trust) = &state.trust else { return Found::new() };
    let path = top.join(DATA).join("trust").join(format!("{}.json", trust.root_blake3));
    let bytes = fs::read(path).unwrap_or_default();
    match blake3::hash(&bytes).to_hex().as_str() == trust.root_blake3 {
        true => Found::new(),
        false => vec![(Loss::Generation, "the root that is trusted".to_owned())],
    }
}

/// What is left over in the places of generations and stages.
fn rubbish(top: &Path, state: &State) -> Option<String> {
    let named = places(state);
    let data = top.join(DATA);
    let below = |home: &str| -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(data.join(home)) else { return Vec::new() };
        entries.map(|entry| Path::new(home).join(entry.unwrap().file_name())).collect()
    };
    let homes = below("datasets").into_iter().chain(below("assistants"));
    let mut there: Vec<PathBuf> = homes.flat_map(|home| below(home.to_str().unwrap())).collect();
    there.extend(["models", "app", "staging"].iter().flat_map(|home| below(home)));
    there
        .into_iter()
        .find(|path| !named.contains(path))
        .map(|path| format!("{path:?} is left over"))
}

/// No attempt is open, and what was brought in is on record once.
fn wrong_records(records: &[Record], state: &State) -> Found {
    let mut found = Found::new();
    let begun = records.iter().filter(|record| record.event == Event::Begun);
    for begun in begun {
        let ends = records.iter().filter(|one| one.attempt == begun.number).count() - 1;
        if ends != 1 {
            found.push((Loss::Record, format!("attempt {} has {ends} ends", begun.number)));
        }
    }
    for (subject, floor) in &state.floors {
        let imported = records
            .iter()
            .filter(|one| one.event == Event::Imported && one.attempt == floor.attempt);
        if imported.count() != 1 {
            found.push((Loss::Record, format!("{subject} is in use, and not on record once")));
        }
    }
    found
}
