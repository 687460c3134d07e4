//! Stop strings in a stream of text: nothing that may belong to one is shown too early.

/// Watches a stream for stop strings.
///
/// The stop string that is complete first wins; of several that end at the same character, the
/// longest. What comes out does not depend on how the stream was cut.
#[derive(Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    /// Text that is the beginning of a stop string so far.
    held: String,
}

/// What can be shown after a piece of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopStep {
    /// Text that belongs to no stop string.
    pub text: String,
    /// The stop string that was found; the stream is over then.
    pub stopped_by: Option<String>,
}

impl StopMatcher {
    /// Watches for these; empty ones are no stop strings.
    pub fn new(stops: impl IntoIterator<Item = String>) -> Self {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self { stops, held: String::new() }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &str) -> StopStep {
        self.held.push_str(piece);
        let found = self.stops.iter().filter_map(|stop| {
            let start = self.held.find(stop.as_str())?;
            Some((start + stop.len(), start, stop))
        });
        if let Some((_, start, stop)) = found.min() {
            let stopped_by = Some(stop.clone());
            self.held.truncate(start);
            return StopStep { text: std::mem::take(&mut self.held), stopped_by };
        }
        let keep = self.stops.iter().map(|stop| begun(&self.held, stop)).max().unwrap_or(0);
        let held = self.held.split_off(self.held.len() - keep);
        StopStep { text: std::mem::replace(&mut self.held, held), stopped_by: None }
    }

    /// The stream ended by itself: what was held back is ordinary text.
    pub fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length in bytes of the longest end of `text` with which `stop` begins, short of all of it.
fn begun(text: &str, stop: &str) -> usize {
    let starts = stop.char_indices().map(|(at, _)| at).rev();
    starts.into_iter().find(|at| text.ends_with(&stop[..*at])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All that is shown of a stream, and what stopped it.
    fn run(stops: &[&str], pieces: &[&str]) -> (String, Option<String>) {
        let mut matcher = StopMatcher::new(stops.iter().map(|stop| (*stop).to_owned()));
        let mut shown = String::new();
        for piece in pieces {
            let step = matcher.push(piece);
            shown.push_str(&step.text);
            if step.stopped_by.is_some() {
                return (shown, step.stopped_by);
            }
        }
        shown.push_str(&matcher.flush());
        (shown, None)
    }

    /// The definition, on the whole text.
    fn search(stops: &[&str], text: &str) -> (String, Option<String>) {
        let ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
        for end in ends {
            let found = stops.iter().filter(|stop| !stop.is_empty());
            let found = found.filter(|stop| text[..end].ends_with(**stop));
            if let Some(stop) = found.max_by_key(|stop| stop.len()) {
                return (text[..end - stop.len()].to_owned(), Some((*stop).to_owned()));
            }
        }
        (text.to_owned(), None)
    }

    #[test]
    fn holds_back_only_what_may_be_a_stop() {
        let mut matcher = StopMatcher::new(["。終わり".to_owned(), String::new()]);
        assert_eq!(matcher.push("答え").text, "答え");
        assert_eq!(matcher.push("です。").text, "です");
        assert_eq!(matcher.push("終").text, "");
        assert_eq!(matcher.push("了。").text, "。終了");
        assert_eq!(matcher.flush(), "。");
        assert_eq!(matcher.flush(), "");
    }

    #[test]
    fn overlapping_stops() {
        let check = |stops: &[&str], pieces: &[&str], shown: &str, stopped_by: Option<&str>| {
            assert_eq!(run(stops, pieces), (shown.to_owned(), stopped_by.map(str::to_owned)));
        };
        check(&["bc", "abcd"], &["xa", "b", "cd"], "xa", Some("bc"));
        check(&["bc", "abc"], &["xa", "bc"], "x", Some("abc"));
        check(&["aab"], &["aaa", "b"], "a", Some("aab"));
        check(&["出典："], &["本文\n出", "典", "：なし"], "本文\n", Some("出典："));
        check(&["</s>"], &["a<", "/", "p>"], "a</p>", None);
        check(&[], &["a", "b"], "ab", None);
    }

    proptest! {
        #[test]
        fn streaming_equals_searching_the_whole(
            pieces in proptest::collection::vec("[ab蔵。]{0,4}", 0..12),
            stops in proptest::collection::vec("[ab蔵。]{0,4}", 0..4),
        ) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            prop_assert_eq!(run(&stops, &pieces), search(&stops, &pieces.concat()));
        }
    }
}
