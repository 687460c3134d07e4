//! A file on its way: bytes under a name of their own until they are whole and checked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// First bytes of every GGUF file.
const MAGIC: [u8; 4] = *b"GGUF";

/// Why bytes were not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The content does not begin as a GGUF file does.
    NotGguf,
    /// More bytes than the hub announced.
    TooLong,
    Io(io::Error),
}

/// The partial file.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: File,
    length_bytes: u64,
    size_bytes: u64,
}

impl Part {
    /// Opens what is there of `size_bytes`, or a new empty file.
    pub(super) fn open(path: &Path, size_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // Two writers would mix their bytes.
        file.try_lock()?;
        let mut part = Self { path: path.to_owned(), file, length_bytes: 0, size_bytes };
        part.length_bytes = part.file.metadata()?.len();
        if part.length_bytes > size_bytes {
            part.restart()?;
        }
        Ok(part)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// A writer for one response, whose first byte is meant to be the next of this file.
    pub(super) fn response(&mut self) -> Response<'_> {
        Response { part: self, head: Vec::new(), begun: false }
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length_bytes = 0;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.length_bytes + bytes.len() as u64 > self.size_bytes {
            return Err(Refusal::TooLong);
        }
        self.file.write_all(bytes).map_err(Refusal::Io)?;
        self.length_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives the whole file its name.
    pub(super) fn become_file(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)
    }

    pub(super) fn remove(&self) {
        // What stays behind is found and judged again by the next run.
        let _ = fs::remove_file(&self.path);
    }
}

/// The bytes of one response. A server that ignores the range asked for sends the file from its
/// start, which the magic number tells whatever the headers say.
#[derive(Debug)]
pub(super) struct Response<'p> {
    part: &'p mut Part,
    /// First bytes, until they can be judged.
    head: Vec<u8>,
    begun: bool,
}

impl Response<'_> {
    /// Takes the next bytes and gives the length of the file so far.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<u64, Refusal> {
        if self.begun {
            self.part.append(bytes)?;
            return Ok(self.part.length_bytes);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() >= MAGIC.len() {
            self.begin()?;
        }
        Ok(self.part.length_bytes)
    }

    /// Ends the response: what is too short to be judged can only be the tail of the file.
    pub(super) fn end(mut self) -> Result<u64, Refusal> {
        if !self.begun && self.part.length_bytes > 0 {
            let head = std::mem::take(&mut self.head);
            self.part.append(&head)?;
        }
        Ok(self.part.length_bytes)
    }

    fn begin(&mut self) -> Result<(), Refusal> {
        let from_start = self.head.starts_with(&MAGIC);
        match (self.part.length_bytes, from_start) {
            (0, false) => return Err(Refusal::NotGguf),
            (0, true) | (_, false) => {}
            (_, true) => self.part.restart().map_err(Refusal::Io)?,
        }
        self.begun = true;
        let head = std::mem::take(&mut self.head);
        self.part.append(&head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds responses, each as chunks, and gives the content at the end.
    fn content(size_bytes: u64, responses: &[&[&[u8]]]) -> Result<Vec<u8>, Refusal> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.part");
        for chunks in responses {
            let mut part = Part::open(&path, size_bytes).unwrap();
            let mut response = part.response();
            for chunk in *chunks {
                response.take(chunk)?;
            }
            response.end()?;
        }
        Ok(fs::read(&path).unwrap())
    }

    #[test]
    fn responses_follow_each_other() {
        let cases: [&[&[&[u8]]]; 4] = [
            &[&[b"GGUF0123"]],
            &[&[b"GG", b"UF01", b"23"]],
            &[&[b"GGUF01"], &[b"23"]],
            &[&[b"GGUF01"], &[b"GGU", b"F0123"]],
        ];
        for responses in cases {
            assert_eq!(content(8, responses).unwrap(), b"GGUF0123", "{responses:?}");
        }
    }

    #[test]
    fn what_is_no_gguf_or_too_long_is_refused() {
        assert!(matches!(content(8, &[&[b"<htm", b"l>"]]), Err(Refusal::NotGguf)));
        assert!(matches!(content(8, &[&[b"GGUF0123", b"4"]]), Err(Refusal::TooLong)));
    }
}
