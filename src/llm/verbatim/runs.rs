//! All runs of bytes that stand in some texts: a suffix automaton, in time and space linear in
//! their length.

/// The state before any byte.
pub(super) const ROOT: u32 = 0;

const NONE: u32 = u32::MAX;

const OPEN: &[u8] = "「".as_bytes();
const CLOSE: &[u8] = "」".as_bytes();

/// Every path from [`ROOT`] spells a run, and every run is a path.
#[derive(Debug)]
pub(super) struct Runs {
    /// Where the edges of each state begin in `edges`; one more than there are states.
    starts: Vec<u32>,
    /// Byte and next state, by byte within a state.
    edges: Vec<(u8, u32)>,
}

impl Runs {
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut builder = Builder::default();
        builder.state(0, NONE, NONE);
        for text in texts {
            text.iter().fold(ROOT, |last, byte| builder.extend(last, *byte));
        }
        builder.finish()
    }

    /// The state after one more byte; `None` when no text goes on so.
    pub(super) fn step(&self, state: u32, byte: u8) -> Option<u32> {
        let edges = self.edges(state);
        edges.binary_search_by_key(&byte, |edge| edge.0).ok().map(|at| edges[at].1)
    }

    /// Whether nothing but a digit may follow, in one width or the other: a number goes on.
    pub(super) fn goes_on_with_a_digit(&self, state: u32) -> bool {
        let only = |state: u32, byte: u8| match self.edges(state) {
            [(only, next)] if *only == byte => Some(*next),
            _ => None,
        };
        let edges = self.edges(state);
        let wide = || only(state, 0xef).and_then(|next| only(next, 0xbc));
        let digits = |state: u32, first: u8| {
            let edges = self.edges(state);
            !edges.is_empty() && edges.iter().all(|(byte, _)| (first..=first + 9).contains(byte))
        };
        !edges.is_empty()
            && (digits(state, b'0') || wide().is_some_and(|state| digits(state, 0x90)))
    }

    /// The bytes that may follow, ascending, with the states that they lead to.
    pub(super) fn edges(&self, state: u32) -> &[(u8, u32)] {
        let at = state as usize;
        &self.edges[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// The automaton while it grows: the edges of a state are a list in one arena.
#[derive(Default)]
struct Builder {
    /// Of each state: the length of its longest run, its suffix link, its first edge.
    lengths: Vec<u32>,
    links: Vec<u32>,
    firsts: Vec<u32>,
    /// Byte, next state, next edge of the same state.
    edges: Vec<(u8, u32, u32)>,
}

impl Builder {
    fn state(&mut self, length: u32, link: u32, first: u32) -> u32 {
        self.lengths.push(length);
        self.links.push(link);
        self.firsts.push(first);
        (self.lengths.len() - 1) as u32
    }

    fn edge(&self, state: u32, byte: u8) -> Option<usize> {
        let mut at = self.firsts[state as usize];
        while at != NONE {
            let (label, _, next) = self.edges[at as usize];
            if label == byte {
                return Some(at as usize);
            }
            at = next;
        }
        None
    }

    fn add_edge(&mut self, state: u32, byte: u8, to: u32) {
        let first = std::mem::replace(&mut self.firsts[state as usize], self.edges.len() as u32);
        self.edges.push((byte, to, first));
    }

    /// Adds a byte behind `last`, the state of the whole text so far; gives the next one.
    fn extend(&mut self, last: u32, byte: u8) -> u32 {
        let length = self.lengths[last as usize] + 1;
        if let Some(at) = self.edge(last, byte) {
            return self.split(last, byte, self.edges[at].1);
        }
        let new = self.state(length, ROOT, NONE);
        let mut at = last;
        while at != NONE {
            if let Some(edge) = self.edge(at, byte) {
                self.links[new as usize] = self.split(at, byte, self.edges[edge].1);
                break;
            }
            self.add_edge(at, byte, new);
            at = self.links[at as usize];
        }
        new
    }

    /// The state of the longest run of `state` and `byte`: `to`, or a copy of it where `to`
    /// stands for longer runs as well.
    fn split(&mut self, state: u32, byte: u8, to: u32) -> u32 {
        let length = self.lengths[state as usize] + 1;
        if self.lengths[to as usize] == length {
            return to;
        }
        let copy = self.state(length, self.links[to as usize], NONE);
        let mut edge = self.firsts[to as usize];
        while edge != NONE {
            let (label, target, next) = self.edges[edge as usize];
            self.add_edge(copy, label, target);
            edge = next;
        }
        self.links[to as usize] = copy;
        let mut at = state;
        while at != NONE {
            match self.edge(at, byte) {
                Some(edge) if self.edges[edge].1 == to => self.edges[edge].1 = copy,
                _ => break,
            }
            at = self.links[at as usize];
        }
        copy
    }

    fn finish(self) -> Runs {
        let mut starts = Vec::with_capacity(self.firsts.len() + 1);
        let mut edges = Vec::with_capacity(self.edges.len());
        for first in &self.firsts {
            let begin = edges.len();
            starts.push(begin as u32);
            let mut at = *first;
            while at != NONE {
                let (byte, to, next) = self.edges[at as usize];
                edges.push((byte, to));
                at = next;
            }
            edges[begin..].sort_unstable();
        }
        starts.push(edges.len() as u32);
        Runs { starts, edges }
    }
}

/// A text cut at every 「 and 」 that has no partner in it: a run that has opened one can then
/// always go on to close it.
pub(super) fn paired(text: &[u8]) -> Vec<&[u8]> {
    let mut open = Vec::new();
    let mut alone = Vec::new();
    for at in 0..text.len() {
        if text[at..].starts_with(OPEN) {
            open.push(at);
        } else if text[at..].starts_with(CLOSE) && open.pop().is_none() {
            alone.push(at);
        }
    }
    alone.extend(open);
    alone.sort_unstable();
    let mut from = 0;
    let mut pieces = Vec::with_capacity(alone.len() + 1);
    for at in alone {
        pieces.push(&text[from..at]);
        from = at + OPEN.len();
    }
    pieces.push(&text[from..]);
    pieces
}
