//! Whether the machine is quiet: what other programs take makes every figure smaller, and it hits
//! both sides of a comparison differently.

use std::time::Duration;

/// How long is looked.
const LOOK: Duration = Duration::from_millis(500);
/// Beyond this share of all processors, figures are not to be trusted.
pub(super) const DISTURBING_PERCENT: f64 = 10.0;

/// The share of all processors' time that is taken while we do nothing, in percent; `None` where
/// the system does not tell.
pub(super) fn others_busy_percent() -> Option<f64> {
    let read = || times(&std::fs::read_to_string("/proc/stat").ok()?);
    let before = read()?;
    std::thread::sleep(LOOK);
    busy_percent(before, read()?)
}

/// Busy and all ticks of all processors since the start, from `/proc/stat`.
fn times(stat: &str) -> Option<(f64, f64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().map_while(|tick| tick.parse().ok()).collect();
    // user, nice, system, idle, waiting for disks, interrupts (2), taken by the host.
    let all: f64 = ticks.iter().take(8).sum();
    Some((all - ticks.get(3)? - ticks.get(4)?, all))
}

fn busy_percent(before: (f64, f64), after: (f64, f64)) -> Option<f64> {
    let all = after.1 - before.1;
    (all > 0.0).then(|| 100.0 * (after.0 - before.0) / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_time_is_not_busy() {
        let before = times("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4 5\n").unwrap();
        let after = times("cpu  130 0 60 840 60 5 5 0 9 9\n").unwrap();
        assert_eq!(busy_percent(before, after), Some(50.0));
        assert_eq!(busy_percent(before, before), None);
        assert_eq!(times("intr 5"), None);
    }
}
