use super::super::bundle::{Artifact, ArtifactRole, Chunk, Header, Kind, Manifest};
use super::super::disk;
use super::super::ledger::Event;
use super::super::records::{CurrentDataset, Floor};
use super::*;

/// A data folder whose state names programs.
struct House {
    dir: tempfile::TempDir,
    installation: Installation,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let installation = Installation::new(dir.path());
        Self { dir, installation }
    }

    /// Puts a program in its place; its name is its hash.
    fn program(&self, content: &str) -> String {
        let blake3 = blake3::hash(content.as_bytes()).to_hex().to_string();
        let path = self.installation.app_path(&blake3);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        blake3
    }

    /// Says that a program came by a bundle of this counter.
    fn counter(&self, blake3: &str, counter: u64) {
        let hash = "0".repeat(64);
        let artifact = Artifact {
            id: "kura".to_owned(),
            role: ArtifactRole::Program,
            licence: "MIT".to_owned(),
            source: String::new(),
            len: 1,
            blake3: blake3.to_owned(),
            sha256: hash.clone(),
            chunks: vec![Chunk { hash, raw: 1, stored: 1, base: Vec::new() }],
        };
        let header = Header {
            channel: "stable".to_owned(),
            kind: Kind::App,
            id: "kura".to_owned(),
            title: "kura".to_owned(),
            edition: "1".to_owned(),
            counter,
            root_version: 1,
            stale_after_days: 0,
            min_app: "0.1.0".to_owned(),
            security_floor: 0,
        };
        let path = self.installation.app_path(blake3).parent().unwrap().join("manifest.json");
        disk::write_json(&path, &Manifest::new(header, vec![artifact])).unwrap();
    }

    fn write(&self, state: &State) {
        disk::write_json(&self.installation.state_path(), state).unwrap();
    }

    /// As an import leaves it: `new` on trial, `old` before it.
    fn imported(&self, new: &str, old: Option<&str>) {
        self.write(&State { app: Some(on_trial(new, old, 0)), format: 2, ..State::default() });
    }

    fn app(&self) -> CurrentApp {
        self.installation.state().unwrap().app.unwrap()
    }

    /// What a start chooses, and what it says.
    fn start(&self) -> (Option<String>, String) {
        let start = self.installation.begin_start(Duration::ZERO);
        let told: Vec<String> = start.notices.iter().map(ToString::to_string).collect();
        (start.program.map(|program| program.blake3), told.join("\n"))
    }

    fn events(&self) -> Vec<(Event, String)> {
        let records = Ledger::of(&self.installation).read().unwrap().records;
        records.into_iter().map(|record| (record.event, record.detail)).collect()
    }
}

fn on_trial(new: &str, old: Option<&str>, starts: u32) -> CurrentApp {
    CurrentApp {
        current: Some(new.to_owned()),
        previous: Some(old.map(str::to_owned)),
        trial: Some(Trial { starts }),
    }
}

#[test]
fn nothing_named_is_the_package_and_writes_nothing() {
    let house = House::new();
    let start = house.installation.begin_start(Duration::ZERO);
    assert!(start.program.is_none() && start.named.is_none() && start.notices.is_empty());
    assert_eq!(std::fs::read_dir(house.dir.path()).unwrap().count(), 0);
}

#[test]
fn the_package_before_is_written_and_read_back() {
    let house = House::new();
    let new = house.program("new");
    house.imported(&new, None);
    assert_eq!(house.app().previous, Some(None));
    house.write(&State {
        app: Some(CurrentApp { current: Some(new), previous: None, trial: None }),
        ..State::default()
    });
    assert_eq!(house.app().previous, None);
}

#[test]
fn a_program_that_runs_for_its_minute_is_confirmed() {
    let house = House::new();
    let new = house.program("new");
    house.imported(&new, None);
    assert_eq!(house.start(), (Some(new.clone()), String::new()));
    assert_eq!(house.app().trial, Some(Trial { starts: 1 }));
    assert!(!house.installation.confirm("another").unwrap());
    assert!(house.installation.confirm(&new).unwrap());
    let confirmed = CurrentApp { current: Some(new.clone()), previous: Some(None), trial: None };
    assert_eq!(house.app(), confirmed);
    assert!(!house.installation.confirm(&new).unwrap(), "there is no trial any more");
    assert_eq!(house.start(), (Some(new.clone()), String::new()));
    assert_eq!(house.start(), (Some(new), String::new()), "starts are not counted any more");
}

#[test]
fn a_program_that_dies_gives_way_to_the_one_before() {
    for old in [Some("old"), None] {
        let house = House::new();
        let (new, old) = (house.program("new"), old.map(|content| house.program(content)));
        house.imported(&new, old.as_deref());
        assert_eq!(house.start().0, Some(new.clone()));
        let (ran, told) = house.start();
        assert_eq!(ran, old);
        assert!(told.contains("ended within its first minute"), "{told}");
        let back = CurrentApp { current: old.clone(), previous: None, trial: None };
        assert_eq!(house.app(), back);
        let events = house.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].0, Event::AppWentBack);
        assert!(events[0].1.contains(&new[..16]), "{events:?}");
        assert!(!house.installation.app_path(&new).exists(), "what died is swept");
        assert_eq!(house.start(), (old, String::new()), "and stays back");
        assert_eq!(house.events().len(), 1);
    }
}

#[test]
fn an_import_that_was_cut_off_is_ended_before_a_return_is_told() {
    let house = House::new();
    let new = house.program("new");
    house.imported(&new, None);
    house.start();
    Ledger::of(&house.installation).note(Event::Begun, &Who::default(), "").unwrap();
    house.start();
    let events: Vec<Event> = house.events().into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, [Event::Begun, Event::Interrupted, Event::AppWentBack]);
}

#[test]
fn a_clean_stop_is_no_death() {
    let house = House::new();
    let new = house.program("new");
    house.imported(&new, None);
    for _ in 0..3 {
        assert_eq!(house.start(), (Some(new.clone()), String::new()));
        assert!(house.installation.stopped_cleanly(&new, Duration::ZERO).unwrap());
        assert_eq!(house.app(), on_trial(&new, None, 0));
    }
    assert!(!house.installation.stopped_cleanly("another", Duration::ZERO).unwrap());
    house.start();
    assert!(house.installation.confirm(&new).unwrap());
    assert!(!house.installation.stopped_cleanly(&new, Duration::ZERO).unwrap());
}

#[test]
fn a_changed_file_is_never_run() {
    let house = House::new();
    let (new, old) = (house.program("new"), house.program("old"));
    let tamper = |blake3: &str| {
        std::fs::write(house.installation.app_path(blake3), "changed").unwrap();
    };
    // Confirmed long ago: the package serves, and the state stays as it is.
    let confirmed =
        CurrentApp { current: Some(new.clone()), previous: Some(Some(old.clone())), trial: None };
    house.write(&State { app: Some(confirmed.clone()), ..State::default() });
    tamper(&new);
    let start = house.installation.begin_start(Duration::ZERO);
    assert!(start.program.is_none() && start.named.as_ref() == Some(&new));
    assert!(matches!(&start.notices[..], [Notice::NotRun(SyncError::Damaged { .. })]));
    assert_eq!(house.app(), confirmed);
    // On trial: it goes back without having been run.
    house.imported(&new, Some(&old));
    let (ran, told) = house.start();
    assert_eq!(ran, Some(old.clone()));
    assert!(told.contains("cannot be run"), "{told}");
    assert_eq!(house.events()[0].0, Event::AppWentBack);
    // The one before is damaged as well: the package serves.
    let new = house.program("newer");
    house.imported(&new, Some(&old));
    house.start();
    tamper(&old);
    let (ran, told) = house.start();
    assert!(ran.is_none() && told.contains("the installed package serves"), "{told}");
    assert_eq!(house.app().current, Some(old));
}

#[test]
fn going_back_does_not_break_a_security_floor() {
    let house = House::new();
    let (new, old) = (house.program("new"), house.program("old"));
    house.counter(&old, 6);
    house.counter(&new, 7);
    let floor = |security_floor| Floor {
        counter: 7,
        manifest: String::new(),
        security_floor,
        issued_at: String::new(),
        stale_after_days: 0,
        attempt: 0,
    };
    let state = |old: Option<&str>, security_floor| State {
        app: Some(on_trial(&new, old, 1)),
        floors: [("app/kura".to_owned(), floor(security_floor))].into(),
        ..State::default()
    };
    // The package has no counter, so that it is below any floor.
    for (before, security_floor) in [(Some(old.as_str()), 7), (None, 1)] {
        house.write(&state(before, security_floor));
        let start = house.installation.begin_start(Duration::ZERO);
        assert_eq!(start.program.unwrap().blake3, new);
        let [Notice::Kept { refusal: SyncError::Refused(refusal), .. }] = &start.notices[..] else {
            panic!("{:?}", start.notices)
        };
        assert_eq!(refusal.reason, Reason::BelowSecurityFloor);
        assert_eq!(house.app(), on_trial(&new, before, 2));
        assert!(house.events().is_empty());
    }
    // Swept while the state did not name it.
    assert_eq!(house.program("old"), old);
    house.counter(&old, 6);
    house.write(&state(Some(&old), 6));
    assert_eq!(house.start().0, Some(old));
}

#[test]
fn where_nothing_was_before_the_program_stays() {
    let house = House::new();
    let new = house.program("new");
    let app =
        CurrentApp { current: Some(new.clone()), previous: None, trial: Some(Trial { starts: 1 }) };
    house.write(&State { app: Some(app), ..State::default() });
    let (ran, told) = house.start();
    assert_eq!(ran, Some(new));
    assert!(told.contains("there is no generation before"), "{told}");
    assert_eq!(house.app().trial, Some(Trial { starts: 2 }));
}

#[test]
fn a_change_under_way_does_not_hold_a_start_up() {
    let house = House::new();
    let (new, old) = (house.program("new"), house.program("old"));
    house.imported(&new, Some(&old));
    let held = house.installation.writer().unwrap();
    let (ran, told) = house.start();
    assert_eq!(ran, Some(new.clone()));
    assert!(told.contains("could not be marked"), "{told}");
    assert!(matches!(house.installation.confirm(&new), Err(SyncError::Locked { .. })));
    drop(held);
    assert_eq!(house.app(), on_trial(&new, Some(&old), 0));
    house.start();
    // It died, and the switch cannot be made: the one before serves all the same.
    let held = house.installation.writer().unwrap();
    let start = house.installation.begin_start(Duration::ZERO);
    assert_eq!(start.program.unwrap().blake3, old);
    assert_eq!(start.named.as_ref(), Some(&new), "what the state names");
    drop(held);
    assert_eq!(house.app(), on_trial(&new, Some(&old), 1));
}

#[test]
fn a_lock_is_waited_for() {
    let house = House::new();
    let new = house.program("new");
    house.imported(&new, None);
    let held = house.installation.writer().unwrap();
    let start = std::thread::scope(|scope| {
        let asked = scope.spawn(|| house.installation.begin_start(Duration::from_secs(60)));
        std::thread::sleep(3 * LOCK_STEP);
        drop(held);
        asked.join().unwrap()
    });
    assert!(start.notices.is_empty(), "{:?}", start.notices);
    assert_eq!(house.app().trial, Some(Trial { starts: 1 }));
}

#[test]
fn what_a_newer_program_wrote_names_the_program_and_stays_as_it_is() {
    let house = House::new();
    let new = house.program("new");
    let path = house.installation.state_path();
    let app = format!("{{\"current\": \"{new}\", \"trial\": {{\"starts\": 1, \"of\": 3}}}}");
    let text = format!("{{\"format\": 9, \"app\": {app}, \"wings\": true}}");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(house.installation.program_named().unwrap(), Some(new.clone()));
    let (ran, told) = house.start();
    assert_eq!(ran, Some(new));
    assert!(told.contains("newer kura"), "{told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_rest_of_the_state_stays() {
    let house = House::new();
    let new = house.program("new");
    let entry = CurrentDataset { current: "r8".to_owned(), previous: None };
    let state = State {
        app: Some(on_trial(&new, None, 0)),
        datasets: [("town".to_owned(), entry)].into(),
        model: Some("m".to_owned()),
        ..State::default()
    };
    house.write(&state);
    house.start();
    house.start();
    let after = house.installation.state().unwrap();
    assert_eq!((after.datasets, after.model), (state.datasets, state.model));
}
