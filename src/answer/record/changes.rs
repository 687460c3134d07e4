//! What differs between two lists of lines, as a person would point it out.

/// Longest lists that are compared line by line; beyond, what lies between the common beginning
/// and the common end is one change each.
const LINES_MAX: usize = 2000;

/// One place that differs; `None` where nothing corresponds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub recorded: Option<String>,
    pub found: Option<String>,
}

/// The places where `found` differs from `recorded`. Lines that were taken out and put in at the
/// same place are paired in their order.
pub fn changes(recorded: &[String], found: &[String]) -> Vec<Change> {
    let start = recorded.iter().zip(found).take_while(|(one, other)| one == other).count();
    let (recorded, found) = (&recorded[start..], &found[start..]);
    let ends = recorded.iter().rev().zip(found.iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    let (recorded, found) = (&recorded[..recorded.len() - end], &found[..found.len() - end]);
    let same = match recorded.len().max(found.len()) > LINES_MAX {
        true => Vec::new(),
        false => common(recorded, found),
    };
    let mut changes = Vec::new();
    let (mut at, mut at_found) = (0, 0);
    for (next, next_found) in same.into_iter().chain([(recorded.len(), found.len())]) {
        pair(&recorded[at..next], &found[at_found..next_found], &mut changes);
        (at, at_found) = (next + 1, next_found + 1);
    }
    changes
}

fn pair(recorded: &[String], found: &[String], changes: &mut Vec<Change>) {
    for at in 0..recorded.len().max(found.len()) {
        let (recorded, found) = (recorded.get(at).cloned(), found.get(at).cloned());
        changes.push(Change { recorded, found });
    }
}

/// The longest common run of lines, as pairs of places.
fn common(one: &[String], other: &[String]) -> Vec<(usize, usize)> {
    let width = other.len() + 1;
    let mut lengths = vec![0_u32; (one.len() + 1) * width];
    for at in (0..one.len()).rev() {
        for to in (0..other.len()).rev() {
            lengths[at * width + to] = match one[at] == other[to] {
                true => lengths[(at + 1) * width + to + 1] + 1,
                false => lengths[(at + 1) * width + to].max(lengths[at * width + to + 1]),
            };
        }
    }
    let (mut at, mut to, mut pairs) = (0, 0, Vec::new());
    while at < one.len() && to < other.len() {
        if one[at] == other[to] {
            pairs.push((at, to));
            (at, to) = (at + 1, to + 1);
        } else if lengths[(at + 1) * width + to] >= lengths[at * width + to + 1] {
            at += 1;
        } else {
            to += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_added_and_taken_out_is_named() {
        let list = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let shown = |one: &str, other: &str| {
            let part = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let changes = changes(&list(one), &list(other));
            let shown = changes.iter().map(|c| part(&c.recorded) + &part(&c.found));
            shown.collect::<Vec<_>>().join(" ")
        };
        for (one, other, expected) in [
            ("", "", ""),
            ("abc", "abc", ""),
            ("abc", "axc", "bx"),
            ("abc", "ac", "b-"),
            ("ac", "abc", "-b"),
            ("abcdef", "abXdYf", "cX eY"),
            ("abc", "", "a- b- c-"),
            ("aab", "ab", "a-"),
        ] {
            assert_eq!(shown(one, other), expected, "{one} {other}");
        }
    }
}
