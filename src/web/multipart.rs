//! `multipart/form-data` (RFC 7578): a form with files, read whole.

use axum::http::{HeaderMap, header};

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Empty where it is no file.
    pub(crate) file_name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The boundary that a content type names.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let parameter = value.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let boundary = parameter.trim_matches('"');
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

/// Reads the fields; `None` where it is malformed.
pub(crate) fn parse(boundary: &str, body: &[u8]) -> Option<Vec<Part>> {
    let line = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&line.as_bytes()[2..])?;
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, line.as_bytes())?;
        parts.push(field(&part[..end])?);
        rest = &part[end + line.len()..];
    }
    (!boundary.is_empty() && rest.starts_with(b"--")).then_some(parts)
}

fn field(part: &[u8]) -> Option<Part> {
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some(Part {
        name: parameter(disposition, "name")?,
        file_name: parameter(disposition, "filename").unwrap_or_default(),
        bytes: part[end + 4..].to_vec(),
    })
}

/// `name="value"`; browsers write quotes in names as `%22`. A value in quotes may hold semicolons.
fn parameter(disposition: &str, name: &str) -> Option<String> {
    let mut rest = disposition.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.trim_start().strip_prefix(';').unwrap_or_default())
            }
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if key.trim() == name {
            return Some(value.trim().replace("%22", "\""));
        }
        rest = next;
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_read() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\r\nb\r\n--x\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"回答.txt\"\r\n\
             Content-Type: text/plain\r\n\r\na--x\r\n--x--\r\n";
        let parts = parse("x", body.as_bytes()).unwrap();
        let part = |name: &str, file_name: &str, bytes: &str| Part {
            name: name.to_owned(),
            file_name: file_name.to_owned(),
            bytes: bytes.as_bytes().to_vec(),
        };
        assert_eq!(parts, [part("text", "", "a\r\nb"), part("file", "回答.txt", "a--x")]);
    }

    #[test]
    fn names_may_hold_what_parts_the_line() {
        let line = "form-data; filename=\"a; name=b 1%22.txt\" ; name=\"file\"";
        assert_eq!(parameter(line, "name").as_deref(), Some("file"));
        assert_eq!(parameter(line, "filename").as_deref(), Some("a; name=b 1\".txt"));
        assert_eq!(parameter(line, "other"), None);
        assert_eq!(parameter("form-data; name=text", "name").as_deref(), Some("text"));
        assert_eq!(parameter("form-data; name=\"text", "name"), None);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for body in ["", "--x", "--x\r\n", "--x\r\nname\r\n\r\na\r\n--x--", "--y--"] {
            assert_eq!(parse("x", body.as_bytes()), None, "{body:?}");
        }
        assert_eq!(parse("x", b"--x--\r\n"), Some(Vec::new()));
        assert_eq!(parse("", b"--\r\n----"), None);
    }
}
