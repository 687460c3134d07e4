//! What a root says of its own end; the rest is held by the tests of hostile sticks.

use jiff::civil::date;

use super::{Role, Root};

#[test]
fn a_root_that_runs_out_is_announced_from_90_days_on() {
    let role = Role { threshold: 1, keys: Vec::new() };
    let root = Root::new(1, date(2027, 3, 31), Vec::new(), &role);
    for (today, days, soon) in [
        (date(2026, 12, 30), 91, false),
        (date(2026, 12, 31), 90, true),
        (date(2027, 3, 31), 0, true),
        (date(2027, 4, 1), -1, false),
    ] {
        assert_eq!((root.days_left(today), root.expires_soon(today)), (days, soon), "{today}");
    }
}
