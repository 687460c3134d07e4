//! Whether the machine was quiet: what other programs take makes every figure smaller, and it hits
//! both sides of a comparison differently (threads that wait for each other by spinning suffer
//! most).

/// Beyond this share of all processors, figures are not to be trusted.
pub(super) const DISTURBING_PERCENT: f64 = 10.0;

/// Clock ticks since the start of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticks {
    /// Of all processors together.
    all: f64,
    /// Those in which they were not idle.
    busy: f64,
    /// Those of this process and of its children that have ended.
    own: f64,
}

/// Watches what others take from now on.
#[derive(Debug)]
pub(super) struct Watch(Option<Ticks>);

impl Watch {
    pub(super) fn start() -> Self {
        Self(now())
    }

    /// The share of all processors that others took since the start, in percent; the children of
    /// this process must have ended. `None` where the system does not tell.
    pub(super) fn others_busy_percent(self) -> Option<f64> {
        others_busy_percent(self.0?, now()?)
    }
}

fn now() -> Option<Ticks> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    ticks(&read("/proc/stat")?, &read("/proc/self/stat")?)
}

fn ticks(machine: &str, process: &str) -> Option<Ticks> {
    let numbers = |text: &str| -> Vec<f64> {
        text.split_whitespace().map_while(|word| word.parse().ok()).collect()
    };
    // user, nice, system, idle, waiting for disks, interrupts (2), taken by the host.
    let machine = numbers(machine.lines().next()?.strip_prefix("cpu ")?);
    let all: f64 = machine.iter().take(8).sum();
    // After the name in brackets and the state: from the fourth field on, numbers; the 14th to
    // 17th are user and system time of the process and of its children.
    let process = numbers(process.rsplit_once(')')?.1.trim_start().split_once(' ')?.1);
    let own: f64 = process.get(10..14)?.iter().sum();
    Some(Ticks { all, busy: all - machine.get(3)? - machine.get(4)?, own })
}

fn others_busy_percent(before: Ticks, after: Ticks) -> Option<f64> {
    let all = after.all - before.all;
    let others = (after.busy - before.busy) - (after.own - before.own);
    (all > 0.0).then(|| (100.0 * others / all).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_take_is_busy_time_that_is_not_ours() {
        let process = "7 (a ) b) S 1 7 7 0 -1 0 0 0 0 0 10 20 30 40 20 0 9 0";
        let before = ticks("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n", process).unwrap();
        assert_eq!(before, Ticks { all: 1000.0, busy: 150.0, own: 100.0 });
        let after = Ticks { all: 1100.0, busy: 200.0, own: 130.0 };
        assert_eq!(others_busy_percent(before, after), Some(20.0));
        assert_eq!(others_busy_percent(before, before), None);
        assert_eq!(ticks("intr 5", process), None);
    }

    #[test]
    fn this_system_tells() {
        let watch = Watch::start();
        let mut child = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"])
            .spawn()
            .unwrap();
        child.wait().unwrap();
        let percent = watch.others_busy_percent().unwrap();
        assert!((0.0..=100.0).contains(&percent), "{percent}");
    }
}
