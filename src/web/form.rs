//! `application/x-www-form-urlencoded`, with keys that may come more than once.

/// Pairs in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query string or a form body. Bytes that are no UTF-8 become U+FFFD.
    pub(crate) fn parse(encoded: &str) -> Self {
        let pairs = encoded.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(decode_pair).collect(),
        )
    }

    /// The pairs whose key begins with `prefix`, without it.
    pub(crate) fn under(&self, prefix: &str) -> Self {
        let own = self.0.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(prefix)?.to_owned(), value.clone()))
        });
        Self(own.collect())
    }

    /// The same with one more pair.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The first value of a key.
    pub(crate) fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Every non-empty value of a key; `None` when there is none. A value may hold several,
    /// joined by commas.
    pub(crate) fn list(&self, key: &str) -> Option<Vec<String>> {
        let values = self.0.iter().filter(|(name, _)| name == key);
        let list: Vec<_> = values
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect();
        (!list.is_empty()).then_some(list)
    }
}

fn decode_pair((name, value): (&str, &str)) -> (String, String) {
    (decode(name), decode(value))
}

fn decode(encoded: &str) -> String {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(hex_byte);
        match (bytes[at], escaped) {
            (_, Some(byte)) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            (b'+', None) => decoded.push(b' '),
            (byte, None) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_repeated_keys_kept() {
        let form = Form::parse("question=%E8%BB%A2%E5%87%BA+%26+100%&datasets=a&datasets=b,c&x");
        assert_eq!(form.first("question"), Some("転出 & 100%"));
        assert_eq!(form.list("datasets"), Some(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(form.first("x"), Some(""));
        assert_eq!(form.list("x"), None);
        assert_eq!(form.first("y"), None);
        let sides = Form::parse("left.scopes=common&right.scopes=local&question=a");
        assert_eq!(sides.under("right.").list("scopes"), Some(vec!["local".into()]));
        assert_eq!(sides.under("left.").with("x", "1").first("x"), Some("1"));
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for (encoded, decoded) in [("%", "%"), ("%e", "%e"), ("%zz", "%zz"), ("%ff", "\u{fffd}")] {
            assert_eq!(decode(encoded), decoded);
        }
    }
}
