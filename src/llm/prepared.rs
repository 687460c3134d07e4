//! A model's matrices in tiled form: in a file beside the GGUF that is made once and mapped, or
//! in memory where there is no such file.
//!
//! The file `model.tiles` beside `model.gguf`, all numbers little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | `KURATILE` |
//! | 8..12 | version of the layout ([`tiles::LAYOUT_VERSION`]) |
//! | 12..16 | length of the table |
//! | 16.. | the table ([`Table`]) as JSON |
//! | from the next multiple of 4,096 | the matrices, each aligned to 64 |
//!
//! It can be derived from the GGUF at any time, so whatever is wrong with it (another model,
//! another version, cut short) only means that it is made again.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use super::gguf::{Gguf, TensorInfo};
use super::kernels::pool::{self, Pool};
use super::kernels::tiles::{self, Format, Tiles};

const MAGIC: &[u8; 8] = b"KURATILE";
const PAGE: usize = 4096;
/// Strips that are rearranged between two writes.
const STRIPS_AT_ONCE: usize = 256;

/// Why the tiled form could not be kept; it is then made in memory.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("interrupted")]
    Cancelled,
}

/// What the file holds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Table {
    /// Size of the GGUF.
    source_size_bytes: usize,
    /// BLAKE3 of the GGUF up to its first tensor.
    source_header_blake3: String,
    /// BLAKE3 of everything from the first matrix on.
    data_blake3: String,
    matrices: Vec<Entry>,
}

/// A matrix in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    name: String,
    /// As GGUF names the type.
    format: String,
    rows: usize,
    columns: usize,
    /// Bytes from the first matrix.
    offset: usize,
}

/// Matrices in tiled form, by name.
pub(crate) struct Prepared {
    storage: Storage,
    matrices: Vec<(String, Place)>,
}

/// Where a matrix lies, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    format: Format,
    rows: usize,
    columns: usize,
    bytes: Range<usize>,
}

enum Storage {
    Map(Mmap),
    /// The matrices begin where it is aligned to 64.
    Memory(Vec<u8>),
}

/// The file of a model's tiled form.
#[must_use]
pub fn path_beside(gguf: &Path) -> PathBuf {
    gguf.with_extension("tiles")
}

impl Prepared {
    /// The file beside the GGUF where it fits, else the same in memory.
    pub(crate) fn of(gguf: &Gguf) -> Arc<Self> {
        Arc::new(Self::open(gguf).unwrap_or_else(|| Self::in_memory(gguf)))
    }

    /// Maps the file beside the GGUF; `None` where there is none that fits.
    fn open(gguf: &Gguf) -> Option<Self> {
        let file = File::open(path_beside(gguf.path())).ok()?;
        let map = map_file(&file).ok()?;
        let (table, start) = read_table(&map)?;
        let expected = plan(gguf);
        let fits = table.source_size_bytes == gguf.file_size_bytes()
            && table.source_header_blake3 == header_hash(gguf)
            && table.matrices.iter().eq(expected.iter().map(|(entry, _)| entry));
        if !fits || map.len() < start + size_bytes(&expected) {
            return None;
        }
        let matrices = places(&expected, start);
        Some(Self { storage: Storage::Map(map), matrices })
    }

    fn in_memory(gguf: &Gguf) -> Self {
        let expected = plan(gguf);
        let mut bytes = vec![0u8; size_bytes(&expected) + 64];
        let start = bytes.as_ptr().align_offset(64);
        for (entry, format) in &expected {
            let matrix = &mut bytes[start + entry.offset..start + end(entry, *format)];
            let Some(tensor) = gguf.tensor(&entry.name) else { continue };
            pack(*format, gguf.tensor_bytes(tensor), entry.columns, matrix);
            gguf.release(tensor);
        }
        let matrices = places(&expected, start);
        Self { storage: Storage::Memory(bytes), matrices }
    }

    /// The matrix of a tensor, where its type has a tiled form.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.matrices.iter().find(|(known, _)| known == name).map(|(_, place)| place.clone())
    }

    pub(crate) fn tiles(&self, place: &Place) -> Tiles<'_> {
        let bytes: &[u8] = match &self.storage {
            Storage::Map(map) => map,
            Storage::Memory(bytes) => bytes,
        };
        Tiles::new(place.format, (place.rows, place.columns), &bytes[place.bytes.clone()])
    }
}

#[allow(unsafe_code, reason = "a memory map of a file that is never changed in place")]
fn map_file(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the file is written under another name and renamed; nobody changes it afterwards.
    unsafe { Mmap::map(file) }
}

fn end(entry: &Entry, format: Format) -> usize {
    entry.offset + format.matrix_bytes(entry.rows, entry.columns)
}

/// Bytes of all matrices of a plan, which lie one behind the other.
fn size_bytes(matrices: &[(Entry, Format)]) -> usize {
    matrices.last().map_or(0, |(entry, format)| end(entry, *format))
}

fn places(matrices: &[(Entry, Format)], start: usize) -> Vec<(String, Place)> {
    let place = |(entry, format): &(Entry, Format)| {
        let bytes = start + entry.offset..start + end(entry, *format);
        let (rows, columns) = (entry.rows, entry.columns);
        (entry.name.clone(), Place { format: *format, rows, columns, bytes })
    };
    matrices.iter().map(place).collect()
}

/// The matrices of a GGUF that have a tiled form, and where each will lie.
fn plan(gguf: &Gguf) -> Vec<(Entry, Format)> {
    let mut offset = 0;
    let mut matrices = Vec::new();
    for tensor in gguf.tensors() {
        let Some((format, rows, columns)) = tiled(tensor) else { continue };
        let name = tensor.name.clone();
        matrices.push((
            Entry { name, format: format.name().to_owned(), rows, columns, offset },
            format,
        ));
        offset += format.matrix_bytes(rows, columns);
    }
    matrices
}

fn tiled(tensor: &TensorInfo) -> Option<(Format, usize, usize)> {
    let format = Format::of_gguf(tensor.kind.name)?;
    match tensor.shape[..] {
        [rows, columns] if columns > 0 && columns.is_multiple_of(format.columns()) => {
            Some((format, rows, columns))
        }
        _ => None,
    }
}

/// Rearranges a whole matrix into zeros, on the threads of the pool.
fn pack(format: Format, bytes: &[u8], columns: usize, out: &mut [u8]) {
    let source = tiles::ROWS * columns / format.columns() * format.gguf_bytes();
    let strips = out.chunks_mut(format.strip_bytes(columns)).zip(bytes.chunks(source));
    pool::for_each(strips, 2, |(strip, rows)| tiles::pack_strip(format, rows, columns, strip));
}

fn header_hash(gguf: &Gguf) -> String {
    let first = gguf.tensors().iter().map(|tensor| tensor.offset).min();
    blake3::hash(&gguf.map()[..first.unwrap_or(0)]).to_hex().to_string()
}

/// The table, and where the first matrix begins.
fn read_table(file: &[u8]) -> Option<(Table, usize)> {
    let number = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    if file.get(..8)? != MAGIC || number(8)? != tiles::LAYOUT_VERSION {
        return None;
    }
    let table_end = 16usize.checked_add(number(12)? as usize)?;
    let table = serde_json::from_slice(file.get(16..table_end)?).ok()?;
    Some((table, table_end.next_multiple_of(PAGE)))
}

/// Makes the file beside the GGUF unless one that fits is there. `progress` is told bytes done and
/// in all, and gives false to stop.
///
/// # Errors
/// It cannot be written, or `progress` stopped it; nothing is left behind.
pub fn prepare(gguf: &Gguf, progress: impl FnMut(u64, u64) -> bool) -> Result<(), PrepareError> {
    if Prepared::open(gguf).is_some() {
        return Ok(());
    }
    let path = path_beside(gguf.path());
    let failed = |source| PrepareError::Io { path: path.clone(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    write(gguf, file.as_file_mut(), progress).map_err(failed)?.ok_or(PrepareError::Cancelled)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes table and matrices; `None` when stopped.
fn write(
    gguf: &Gguf,
    file: &mut File,
    mut progress: impl FnMut(u64, u64) -> bool,
) -> std::io::Result<Option<()>> {
    // The threads end with this call; where none can be had, this thread does it all.
    let threads = Pool::new(0).map(Arc::new).ok();
    let _installed = threads.as_ref().map(Pool::installed);
    let expected = plan(gguf);
    let total = size_bytes(&expected);
    let mut table = Table {
        source_size_bytes: gguf.file_size_bytes(),
        source_header_blake3: header_hash(gguf),
        // As long as the hash that takes its place.
        data_blake3: "0".repeat(64),
        matrices: expected.iter().map(|(entry, _)| entry.clone()).collect(),
    };
    let start = write_table(file, &table)?;
    file.seek(SeekFrom::Start(start as u64))?;
    let (mut hasher, mut done) = (blake3::Hasher::new(), 0);
    for (entry, format) in &expected {
        let Some(tensor) = gguf.tensor(&entry.name) else { continue };
        let strip_rows = tiles::ROWS * entry.columns / format.columns() * format.gguf_bytes();
        for rows in gguf.tensor_bytes(tensor).chunks(STRIPS_AT_ONCE * strip_rows) {
            let strips = rows.len().div_ceil(strip_rows);
            let mut out = vec![0; strips * format.strip_bytes(entry.columns)];
            pack(*format, rows, entry.columns, &mut out);
            hasher.update(&out);
            file.write_all(&out)?;
            done += out.len();
            if !progress(done as u64, total as u64) {
                return Ok(None);
            }
        }
        gguf.release(tensor);
    }
    table.data_blake3 = hasher.finalize().to_hex().to_string();
    write_table(file, &table)?;
    Ok(Some(()))
}

/// Writes everything before the first matrix and gives where that begins.
fn write_table(file: &mut File, table: &Table) -> std::io::Result<usize> {
    let json = serde_json::to_vec(table)?;
    let length = u32::try_from(json.len()).map_err(std::io::Error::other)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(MAGIC)?;
    file.write_all(&tiles::LAYOUT_VERSION.to_le_bytes())?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&json)?;
    Ok((16 + json.len()).next_multiple_of(PAGE))
}

/// Whether the file beside a GGUF holds what it held when it was made; true where there is none.
///
/// # Errors
/// The file cannot be read.
pub fn verify(gguf: &Gguf) -> std::io::Result<bool> {
    let file = match File::open(path_beside(gguf.path())) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let map = map_file(&file)?;
    let Some((table, start)) = read_table(&map) else { return Ok(false) };
    let data = map.get(start..).unwrap_or_default();
    Ok(blake3::hash(data).to_hex().as_str() == table.data_blake3)
}

#[cfg(test)]
mod tests;
