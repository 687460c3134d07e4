//! Where a text stands, byte by byte: outside of 「」, in a term, or in a quotation.

use super::runs::{ROOT, Runs};
use super::{HELD_CHARS, TERM_CHARS};

/// The bytes of 「 and 」, which begin alike.
const FIRST: u8 = 0xe3;
const SECOND: u8 = 0x80;
const OPENS: u8 = 0x8c;
const CLOSES: u8 = 0x8d;
const OPEN: u32 = 0xe3_80_8c;
const CLOSE: u32 = 0xe3_80_8d;

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// With so many bytes of a 「.
    Outside(u8),
    Inside(Inside),
}

/// Behind a 「.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside {
    /// The run of the passages that the text since then is; `None` where it is none.
    run: Option<u32>,
    /// It is a quotation: nothing but runs may come.
    held: bool,
    /// Whole characters so far, as far as they matter.
    chars: u8,
    /// 「 that stand open inside.
    depth: u16,
    /// The bytes of a character that has begun, and how many are missing.
    begun: u32,
    missing: u8,
    /// Bytes of the 」 that ends it.
    closing: u8,
}

impl State {
    pub(super) const OUTSIDE: Self = Self::Outside(0);

    /// Behind the 「 of what is known to be a quotation.
    pub(super) const HELD: Self = Self::Inside(Inside { held: true, ..Inside::NEW });

    pub(super) fn is_inside(self) -> bool {
        matches!(self, Self::Inside(_))
    }

    /// Whether only few bytes may follow.
    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Inside(inside) if inside.held || inside.is_full())
    }

    /// The state after one more byte; `None` where that byte may not come.
    pub(super) fn step(self, byte: u8, runs: &Runs) -> Option<Self> {
        match (self, byte) {
            (Self::Outside(2), OPENS) => Some(Self::Inside(Inside::NEW)),
            (Self::Outside(1), SECOND) => Some(Self::Outside(2)),
            (Self::Outside(_), FIRST) => Some(Self::Outside(1)),
            (Self::Outside(_), _) => Some(Self::OUTSIDE),
            (Self::Inside(inside), _) => inside.step(byte, runs),
        }
    }

    /// Lists the bytes that may follow, where they are few; others may be listed, too.
    pub(super) fn bytes_ahead(self, runs: &Runs, bytes: &mut Vec<u8>) -> bool {
        let Self::Inside(inside) = self else { return false };
        if !self.is_held() {
            return false;
        }
        if let Some(run) = inside.run {
            bytes.extend(runs.edges(run).iter().map(|edge| edge.0));
        }
        let closing = match inside.closing {
            1 => Some(SECOND),
            2 => Some(CLOSES),
            _ => (inside.missing == 0).then_some(FIRST),
        };
        if let Some(byte) = closing.filter(|byte| !bytes.contains(byte)) {
            bytes.push(byte);
        }
        true
    }
}

impl Inside {
    const NEW: Self =
        Self { run: Some(ROOT), held: false, chars: 0, depth: 0, begun: 0, missing: 0, closing: 0 };

    /// A term that is as long as a term may be.
    fn is_full(self) -> bool {
        usize::from(self.chars) >= TERM_CHARS
    }

    /// A quotation that would end inside of a number: 「1000」 of 10000円.
    fn splits_a_number(self, runs: &Runs) -> bool {
        let digit = matches!(self.begun, 0x30..=0x39 | 0xef_bc_90..=0xef_bc_99);
        self.held && digit && self.run.is_some_and(|run| runs.goes_on_with_a_digit(run))
    }

    fn step(self, byte: u8, runs: &Runs) -> Option<State> {
        let begins = self.missing == 0;
        let closing = match (self.closing, byte) {
            (0, FIRST) if begins && self.depth == 0 && !self.splits_a_number(runs) => 1,
            (1, SECOND) => 2,
            (2, CLOSES) => return Some(State::OUTSIDE),
            _ => 0,
        };
        let (begun, missing) = match begins {
            true => (u32::from(byte), following(byte)?),
            false if continues(self.begun, byte) => {
                (self.begun << 8 | u32::from(byte), self.missing - 1)
            }
            false => return None,
        };
        let run = self.run.and_then(|run| runs.step(run, byte));
        let is_term = run.is_none() && !self.held && self.depth == 0 && !self.is_full();
        if closing == 0 && run.is_none() && !is_term {
            return None;
        }
        let mut next = Self { run, begun, missing, closing, ..self };
        if missing == 0 {
            next.chars = self.chars.saturating_add(1);
            match begun {
                OPEN if run.is_none() => return None,
                OPEN => next.depth = self.depth.saturating_add(1),
                CLOSE => next.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            next.held |= run.is_some() && usize::from(next.chars) >= HELD_CHARS;
        }
        Some(State::Inside(next))
    }
}

/// Bytes that follow the first one of a character; `None` for one that begins none.
fn following(first: u8) -> Option<u8> {
    match first {
        0x00..=0x7f => Some(0),
        0xc2..=0xdf => Some(1),
        0xe0..=0xef => Some(2),
        0xf0..=0xf4 => Some(3),
        _ => None,
    }
}

/// Whether a byte goes on with a character, and with one that exists.
fn continues(begun: u32, byte: u8) -> bool {
    match begun {
        0xe0 => matches!(byte, 0xa0..=0xbf),
        0xed => matches!(byte, 0x80..=0x9f),
        0xf0 => matches!(byte, 0x90..=0xbf),
        0xf4 => matches!(byte, 0x80..=0x8f),
        _ => matches!(byte, 0x80..=0xbf),
    }
}
