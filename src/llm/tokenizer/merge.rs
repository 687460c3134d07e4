//! The merge loop that both kinds of BPE share: the best pair of neighbours becomes one, until no
//! pair has a rule. A heap keeps it at n log n in the length of the text.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A piece of text, linked to its neighbours.
struct Symbol<T> {
    /// `None` once it has been merged into the one before it.
    value: Option<T>,
    previous: Option<usize>,
    next: Option<usize>,
}

/// Two neighbours that may become one.
struct Pair<T, P> {
    priority: P,
    left: usize,
    right: usize,
    /// What stood there when the pair was found: anything else since makes it out of date.
    found: (T, T),
    merged: T,
}

impl<T, P: Ord> Ord for Pair<T, P> {
    /// Best priority first, then leftmost.
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.cmp(&other.priority).then_with(|| other.left.cmp(&self.left))
    }
}

impl<T, P: Ord> PartialOrd for Pair<T, P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T, P: Ord> PartialEq for Pair<T, P> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T, P: Ord> Eq for Pair<T, P> {}

/// Merges neighbours by `rule`, which gives the priority and the result of a pair that may be
/// merged; the highest priority goes first.
pub(super) fn merge<T: Copy + PartialEq, P: Ord>(
    values: impl IntoIterator<Item = T>,
    rule: impl Fn(T, T) -> Option<(P, T)>,
) -> impl Iterator<Item = T> {
    let mut symbols: Vec<Symbol<T>> = Vec::new();
    for (at, value) in values.into_iter().enumerate() {
        if let Some(before) = symbols.last_mut() {
            before.next = Some(at);
        }
        symbols.push(Symbol { value: Some(value), previous: at.checked_sub(1), next: None });
    }
    let find = |symbols: &[Symbol<T>], left: usize, right: usize| {
        let found = (symbols[left].value?, symbols[right].value?);
        let (priority, merged) = rule(found.0, found.1)?;
        Some(Pair { priority, left, right, found, merged })
    };
    let mut pairs: BinaryHeap<_> =
        (1..symbols.len()).filter_map(|right| find(&symbols, right - 1, right)).collect();
    while let Some(Pair { left, right, found, merged, .. }) = pairs.pop() {
        if symbols[left].value != Some(found.0) || symbols[right].value != Some(found.1) {
            continue;
        }
        let after = symbols[right].next;
        symbols[left].value = Some(merged);
        symbols[left].next = after;
        symbols[right].value = None;
        if let Some(after) = after {
            symbols[after].previous = Some(left);
            pairs.extend(find(&symbols, left, after));
        }
        if let Some(before) = symbols[left].previous {
            pairs.extend(find(&symbols, before, left));
        }
    }
    symbols.into_iter().filter_map(|symbol| symbol.value)
}
