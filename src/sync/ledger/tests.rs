use std::fs;
use std::path::PathBuf;

use super::super::testing::scratch;
use super::super::{Floor, State, disk};
use super::*;
use crate::text::Lang;

/// A data folder with a ledger of three records.
struct Office {
    dir: tempfile::TempDir,
    installation: Installation,
}

impl Office {
    fn new() -> Self {
        let dir = scratch();
        let office = Self { installation: Installation::new(dir.path()), dir };
        for word in ["一", "二", "三"] {
            office.note(word).unwrap();
        }
        office
    }

    fn ledger(&self) -> Ledger {
        Ledger::of(&self.installation)
    }

    fn note(&self, word: &str) -> Result<Record, SyncError> {
        self.ledger().note(Event::RolledBack, &Who::default(), word)
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("ledger.jsonl")
    }

    fn mark(&self) -> PathBuf {
        self.dir.path().join("ledger-mark.json")
    }

    fn fault(&self) -> Option<LedgerFault> {
        match self.ledger().read() {
            Ok(_) => None,
            Err(SyncError::Ledger { fault, .. }) => Some(fault),
            Err(error) => panic!("{error}"),
        }
    }

    fn keep_lines(&self, count: usize) {
        let text = fs::read_to_string(self.path()).unwrap();
        let kept: String = text.split_inclusive('\n').take(count).collect();
        fs::write(self.path(), kept).unwrap();
    }

    /// As an import of this attempt leaves it.
    fn state_names(&self, attempt: u64) {
        let floor = Floor {
            counter: 1,
            manifest: "00".into(),
            attempt,
            security_floor: 0,
            issued_at: String::new(),
            stale_after_days: 0,
        };
        let floors = [("dataset/town".to_owned(), floor)].into();
        let state = State { floors, ..State::default() };
        disk::write_json(&self.installation.state_path(), &state).unwrap();
    }
}

#[test]
fn a_whole_ledger_is_read() {
    let office = Office::new();
    assert_eq!(office.fault(), None);
    assert_eq!(office.ledger().read().unwrap().records.len(), 3);
}

#[test]
fn a_deleted_ledger_shows() {
    let office = Office::new();
    fs::remove_file(office.path()).unwrap();
    assert_eq!(office.fault(), Some(LedgerFault::Gone { of: 3 }));
    assert!(matches!(office.note("四"), Err(SyncError::Ledger { .. })), "nothing is added");
    assert!(!office.path().exists());
}

#[test]
fn a_cut_tail_shows() {
    for there in [1, 2] {
        let office = Office::new();
        office.keep_lines(there);
        assert_eq!(office.fault(), Some(LedgerFault::Cut { there: there as u64, of: 3 }));
    }
}

#[test]
fn half_of_the_last_record_shows() {
    let office = Office::new();
    let bytes = fs::read(office.path()).unwrap();
    fs::write(office.path(), &bytes[..bytes.len() - 20]).unwrap();
    assert_eq!(office.fault(), Some(LedgerFault::Cut { there: 2, of: 3 }));
}

#[test]
fn a_ledger_that_was_written_anew_shows() {
    let (office, other) = (Office::new(), Office::new());
    fs::remove_file(other.path()).unwrap();
    fs::remove_file(other.mark()).unwrap();
    for word in ["甲", "乙", "丙", "丁"] {
        other.note(word).unwrap();
    }
    fs::copy(other.path(), office.path()).unwrap();
    assert_eq!(office.fault(), Some(LedgerFault::Replaced { records: 3 }));
}

#[test]
fn changed_swapped_and_lost_lines_show() {
    let office = Office::new();
    let text = fs::read_to_string(office.path()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (changed, line) in [
        (text.replace("二", "弐"), 3),
        ([lines[0], lines[2], lines[1]].concat(), 2),
        ([lines[0], lines[2]].concat(), 2),
    ] {
        fs::write(office.path(), changed).unwrap();
        assert_eq!(office.fault(), Some(LedgerFault::Broken { line }));
    }
    fs::write(office.path(), format!("{}x\n", lines[0])).unwrap();
    assert!(matches!(office.fault(), Some(LedgerFault::Unreadable { line: 2, .. })));
}

#[test]
fn a_changed_last_line_shows_by_the_mark() {
    let office = Office::new();
    let text = fs::read_to_string(office.path()).unwrap();
    fs::write(office.path(), text.replace("三", "参")).unwrap();
    assert_eq!(office.fault(), Some(LedgerFault::Replaced { records: 3 }));
}

#[test]
fn a_mark_that_is_gone_or_damaged_shows() {
    let office = Office::new();
    fs::write(office.mark(), "{}").unwrap();
    assert!(matches!(office.fault(), Some(LedgerFault::BadMark(_))));
    fs::remove_file(office.mark()).unwrap();
    assert_eq!(office.fault(), Some(LedgerFault::NoMark));
}

/// Both files gone: what is in use still names the attempt that brought it.
#[test]
fn the_state_remembers_what_both_files_have_lost() {
    let office = Office::new();
    office.state_names(2);
    assert_eq!(office.fault(), None);
    fs::remove_file(office.mark()).unwrap();
    office.keep_lines(1);
    assert_eq!(office.fault(), Some(LedgerFault::Cut { there: 1, of: 2 }));
    fs::remove_file(office.path()).unwrap();
    assert_eq!(office.fault(), Some(LedgerFault::Gone { of: 2 }));
}

/// The power went between the record and its mark: the next record catches up.
#[test]
fn a_ledger_ahead_of_its_mark_is_right() {
    let office = Office::new();
    let before = fs::read(office.mark()).unwrap();
    office.note("四").unwrap();
    fs::write(office.mark(), before).unwrap();
    assert_eq!(office.fault(), None);
    office.note("五").unwrap();
    office.keep_lines(4);
    assert_eq!(office.fault(), Some(LedgerFault::Cut { there: 4, of: 5 }));
    // The very first record has no mark yet.
    let dir = scratch();
    let first = Office { installation: Installation::new(dir.path()), dir };
    first.note("一").unwrap();
    fs::remove_file(first.mark()).unwrap();
    assert_eq!(first.fault(), None);
    first.note("二").unwrap();
    assert_eq!(first.fault(), None);
}

#[test]
fn whoever_is_turned_away_is_noted_until_the_ledger_is_put_aside() {
    let office = Office::new();
    assert_eq!(TurnedAway::read(&office.installation), None);
    office.keep_lines(1);
    let who = Who { operator: "佐藤".into(), ..Who::default() };
    for times in 1..=2 {
        let refused = office.ledger().ready(&State::default(), &who, "/media/usb");
        let words = refused.unwrap_err().message(Lang::Ja);
        assert!(words.contains("情報セキュリティ担当者") && !words.contains("入れ直し"), "{words}");
        let noted = TurnedAway::read(&office.installation).unwrap();
        assert_eq!((noted.attempts, noted.who.operator.as_str()), (times, "佐藤"));
    }
    let old = fs::read(office.path()).unwrap();
    let writer = office.installation.writer().unwrap();
    let aside = office.ledger().set_aside(&writer, &who).unwrap().unwrap();
    assert_eq!(aside.blake3, hash(&old));
    assert_eq!(aside.files.len(), 2);
    assert!(aside.files.iter().any(|path| fs::read(path).unwrap() == old), "nothing is deleted");
    let chain = office.ledger().read().unwrap();
    let record = &chain.records[0];
    assert_eq!((chain.records.len(), record.event), (1, Event::Restarted));
    assert!(record.detail.contains(&aside.blake3) && record.detail.contains("2 attempt(s)"));
    assert_eq!(TurnedAway::read(&office.installation), None);
    // A whole ledger is not put aside.
    assert_eq!(office.ledger().set_aside(&writer, &who).unwrap(), None);
}
