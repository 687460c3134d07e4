//! When a document is in force: 施行日, 廃止・失効日, and where that puts it on a day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// e-Gov writes a day of this year or later where the day of enforcement is not decided.
const UNDECIDED_FROM: i16 = 2100;

/// Where a document stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// 現行: in force.
    Current,
    /// 未施行: comes into force on a later day.
    Scheduled,
    /// 施行日未定: nobody has said when it comes into force.
    Undecided,
    /// 旧版: a later revision took its place.
    Superseded,
    /// 廃止: repealed or expired.
    Repealed,
}

impl Standing {
    /// Every value with the name used in `dataset.toml`.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Current, "current"),
        (Self::Scheduled, "scheduled"),
        (Self::Undecided, "undecided"),
        (Self::Superseded, "superseded"),
        (Self::Repealed, "repealed"),
    ];

    /// The word that the interface shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Current => "現行",
            Self::Scheduled => "未施行",
            Self::Undecided => "施行日未定",
            Self::Superseded => "旧版",
            Self::Repealed => "廃止",
        }
    }
}

/// What a document says of the time of its force. The default says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validity {
    /// 施行日: the first day in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force_from: Option<Date>,
    /// The last day in force: the one before 廃止・失効 or before the next revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force_until: Option<Date>,
    /// As the source states it, for its own 基準日. Days stand above it, since they stay true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Standing>,
}

impl Validity {
    /// True when nothing is said.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// What is said here, and where this says nothing, there.
    pub fn or(self, other: Self) -> Self {
        Self {
            in_force_from: self.in_force_from.or(other.in_force_from),
            in_force_until: self.in_force_until.or(other.in_force_until),
            status: self.status.or(other.status),
        }
    }

    /// True when the day of enforcement is not decided.
    pub fn is_undecided(&self) -> bool {
        match self.in_force_from {
            Some(from) => from.year() >= UNDECIDED_FROM,
            None => matches!(self.status, Some(Standing::Undecided | Standing::Scheduled)),
        }
    }

    /// Where the document stands on a day; `None` where it does not say. `as_of` is its 基準日,
    /// of which its status speaks.
    pub fn on(&self, day: Date, as_of: Date) -> Option<Standing> {
        if self.is_unknown() {
            return None;
        }
        if self.is_undecided() {
            return Some(Standing::Undecided);
        }
        if self.in_force_from.is_some_and(|from| day < from) {
            return Some(Standing::Scheduled);
        }
        let ended = match self.status {
            Some(Standing::Repealed) => Standing::Repealed,
            _ => Standing::Superseded,
        };
        match (self.in_force_until, self.status) {
            (Some(until), _) if until < day => Some(ended),
            // Over by its 基準日, and nobody says since when: before that day it may have counted.
            (None, Some(Standing::Superseded | Standing::Repealed)) if as_of <= day => Some(ended),
            _ => Some(Standing::Current),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_decide_and_status_where_there_are_none() {
        let as_of = date(2026, 4, 1);
        let (from, until) = (Some(date(2025, 4, 1)), Some(date(2027, 3, 31)));
        let of = |in_force_from, in_force_until, status| Validity {
            in_force_from,
            in_force_until,
            status,
        };
        use Standing::*;
        for (validity, day, expected) in [
            (of(None, None, None), as_of, None),
            (of(from, until, None), date(2025, 3, 31), Some(Scheduled)),
            (of(from, until, None), date(2025, 4, 1), Some(Current)),
            (of(from, until, None), date(2027, 3, 31), Some(Current)),
            (of(from, until, None), date(2027, 4, 1), Some(Superseded)),
            (of(from, until, Some(Repealed)), date(2027, 4, 1), Some(Repealed)),
            (of(from, until, Some(Repealed)), date(2027, 3, 31), Some(Current)),
            // What was 未施行 when it was written has come into force.
            (of(from, None, Some(Scheduled)), as_of, Some(Current)),
            (of(None, None, Some(Scheduled)), as_of, Some(Undecided)),
            (of(None, None, Some(Undecided)), as_of, Some(Undecided)),
            (of(Some(date(2100, 1, 1)), None, None), as_of, Some(Undecided)),
            (of(None, None, Some(Repealed)), as_of, Some(Repealed)),
            (of(from, None, Some(Superseded)), as_of, Some(Superseded)),
            (of(from, None, Some(Superseded)), date(2025, 5, 1), Some(Current)),
            (of(None, None, Some(Current)), as_of, Some(Current)),
        ] {
            assert_eq!(validity.on(day, as_of), expected, "{validity:?} {day}");
        }
    }
}
