//! Wrong passwords slow down the one who sends them: the same address for the same name. Others
//! are not held up, so that nobody can lock out a colleague by typing wrong passwords.
//!
//! In all, guessing is bounded by the two hashes that are computed at once (`store`) and by the
//! turns that wrong answers take ([`super::login`]).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords that are free of waiting: people mistype.
const FREE: u32 = 5;
/// The first wait; each wrong password doubles it.
const WAIT_FIRST: Duration = Duration::from_secs(2);
const WAIT_MOST: Duration = Duration::from_secs(60);
/// A name that was left alone for so long starts anew.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// Pairs that are remembered; the oldest go.
const PAIRS_MAX: usize = 10_000;

/// A name, as typed, and whence; the name is kept as a hash, since it may be a password.
type Pair = (blake3::Hash, Option<IpAddr>);

#[derive(Clone, Copy, Debug)]
struct Wrongs {
    count: u32,
    last: Instant,
}

impl Wrongs {
    fn wait(self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.last);
        match self.count.checked_sub(FREE) {
            Some(over) if since < FORGOTTEN => {
                let wait = WAIT_FIRST.saturating_mul(2u32.saturating_pow(over)).min(WAIT_MOST);
                wait.saturating_sub(since)
            }
            _ => Duration::ZERO,
        }
    }
}

/// Wrong passwords of late.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    wrongs: Mutex<HashMap<Pair, Wrongs>>,
}

impl Throttle {
    /// Called before a password is looked at: how long this address has to wait until one for this
    /// name is; zero lets it through, and counts it as wrong until [`Self::right`] says otherwise,
    /// so that many at once are no way around.
    pub(crate) fn attempt(&self, login: &str, from: Option<IpAddr>, now: Instant) -> Duration {
        let mut wrongs = self.wrongs.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = wrongs.get(&pair(login, from)).map_or(Duration::ZERO, |known| known.wait(now));
        if !wait.is_zero() {
            return wait;
        }
        if wrongs.len() >= PAIRS_MAX {
            wrongs.retain(|_, known| now.saturating_duration_since(known.last) < FORGOTTEN);
        }
        if wrongs.len() >= PAIRS_MAX {
            let oldest = wrongs.iter().min_by_key(|(_, known)| known.last).map(|(pair, _)| *pair);
            oldest.map(|oldest| wrongs.remove(&oldest));
        }
        let known = wrongs.entry(pair(login, from)).or_insert(Wrongs { count: 0, last: now });
        if now.saturating_duration_since(known.last) >= FORGOTTEN {
            known.count = 0;
        }
        *known = Wrongs { count: known.count.saturating_add(1), last: now };
        Duration::ZERO
    }

    /// Forgets what was wrong, after a right password.
    pub(crate) fn right(&self, login: &str, from: Option<IpAddr>) {
        let mut wrongs = self.wrongs.lock().unwrap_or_else(PoisonError::into_inner);
        wrongs.remove(&pair(login, from));
    }
}

fn pair(login: &str, from: Option<IpAddr>) -> Pair {
    let login = crate::text::normalize(login.trim()).to_lowercase();
    (blake3::hash(login.as_bytes()), from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_who_guesses_waits() {
        let throttle = Throttle::default();
        let (here, there): (IpAddr, IpAddr) = ([10, 1, 0, 1].into(), [10, 1, 0, 2].into());
        let start = Instant::now();
        let attempt = |login: &str, from, after: u64| {
            throttle.attempt(login, Some(from), start + Duration::from_secs(after)).as_secs()
        };
        for _ in 0..5 {
            assert_eq!(attempt("hanako", here, 0), 0, "mistyping is free");
        }
        assert_eq!((attempt("Ｈａｎａｋｏ ", here, 0), attempt("hanako", here, 1)), (2, 1));
        assert_eq!(attempt("hanako", there, 1), 0, "hanako herself, at her own desk");
        assert_eq!(attempt("taro", here, 1), 0);
        let mut at = 2;
        for wait in [4, 8, 16, 32, 60, 60] {
            assert_eq!(attempt("hanako", here, at), 0);
            assert_eq!(attempt("hanako", here, at), wait, "twice as long, at most a minute");
            at += wait;
        }
        assert_eq!(attempt("hanako", here, at), 0);
        throttle.right("hanako", Some(here));
        assert_eq!(attempt("hanako", here, at), 0);
    }

    #[test]
    fn a_flood_of_names_stays_small() {
        let throttle = Throttle::default();
        let start = Instant::now();
        for name in 0..PAIRS_MAX + 5 {
            throttle.attempt(&name.to_string(), None, start + Duration::from_micros(name as u64));
        }
        assert_eq!(throttle.wrongs.lock().unwrap().len(), PAIRS_MAX);
    }
}
