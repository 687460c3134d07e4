//! The GGUF header, read from a memory map and validated whole before anything else reads the file.
//!
//! [`Gguf::open`] is the only door: after it every string lies inside the map, every tensor is
//! aligned, inside the file, and shares no byte with another. Nothing is copied but the names;
//! values stay in the map. Versions 2 and 3, little-endian. A file that is cut short while it is
//! mapped is outside what a process can guard against: models live in generations that are never
//! changed in place.

mod parse;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

pub use types::{TensorType, ValueType, file_type_name};

/// Why a GGUF file cannot be used. Each names the file and what is wrong where.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    #[error("cannot open the model file {path}: {source}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot map the model file {path} into memory: {source}")]
    Map { path: PathBuf, source: std::io::Error },
    /// The structure of the file is broken at `offset` (bytes from its start).
    #[error("{path} is not a usable GGUF file: {what} (at byte {offset})")]
    Structure { path: PathBuf, offset: usize, what: String },
    #[error("{path}: metadata key {key}: {what}")]
    Key { path: PathBuf, key: String, what: String },
    #[error("{path}: tensor {name}: {what}")]
    Tensor { path: PathBuf, name: String, what: String },
}

/// A metadata value; strings and arrays are ranges of the map.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    String(Range<usize>),
    Array { element: ValueType, count: usize, bytes: Range<usize> },
}

/// Where a tensor lies and what it holds.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    pub name: String,
    /// As candle orders them: rows first, the contiguous dimension last.
    pub shape: Vec<usize>,
    pub kind: TensorType,
    /// Bytes from the start of the file.
    pub offset: usize,
    pub size_bytes: usize,
}

/// A validated GGUF file.
pub struct Gguf {
    path: PathBuf,
    map: Arc<Mmap>,
    version: u32,
    metadata: HashMap<String, Value>,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
}

impl std::fmt::Debug for Gguf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gguf({}, {} tensors)", self.path.display(), self.tensors.len())
    }
}

impl Gguf {
    /// Maps and validates the file.
    ///
    /// # Errors
    /// The file cannot be opened or mapped, or its header is damaged; see [`GgufError`].
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let file = File::open(path)
            .map_err(|source| GgufError::Open { path: path.to_path_buf(), source })?;
        let map = map_file(&file)
            .map_err(|source| GgufError::Map { path: path.to_path_buf(), source })?;
        let header = parse::parse(path, &map)?;
        let by_name = header.tensors.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        Ok(Self {
            path: path.to_path_buf(),
            map: Arc::new(map),
            version: header.version,
            metadata: header.metadata,
            tensors: header.tensors,
            by_name,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format version, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn file_size_bytes(&self) -> usize {
        self.map.len()
    }

    /// All tensors, in the order of the file's table.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|&i| &self.tensors[i])
    }

    /// The bytes of a tensor of this file.
    pub fn tensor_bytes(&self, tensor: &TensorInfo) -> &[u8] {
        &self.map[tensor.offset..tensor.offset + tensor.size_bytes]
    }

    /// Lets go of the memory that holds a tensor; it is read from the file again when needed.
    #[allow(unsafe_code, reason = "advice on a memory map")]
    pub(crate) fn release(&self, tensor: &TensorInfo) {
        // SAFETY: the map is of a file and read-only, so what comes back is what was there.
        let advised = unsafe {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            self.map.unchecked_advise_range(advice, tensor.offset, tensor.size_bytes)
        };
        if let Err(why) = advised {
            tracing::debug!(%why, "the system keeps pages of a model file");
        }
    }

    pub(crate) fn map(&self) -> &Arc<Mmap> {
        &self.map
    }

    pub fn contains(&self, key: &str) -> bool {
        self.metadata.contains_key(key)
    }

    /// All metadata keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    /// A whole number that fits `u32`, of any stored width. `None` when the key is absent.
    ///
    /// # Errors
    /// The value has another type or does not fit.
    pub fn u32(&self, key: &str) -> Result<Option<u32>, GgufError> {
        let Some(value) = self.metadata.get(key) else {
            return Ok(None);
        };
        let number = match value {
            Value::Unsigned(v) => u32::try_from(*v).ok(),
            Value::Signed(v) => u32::try_from(*v).ok(),
            _ => return Err(self.wrong_type(key, value, "a whole number")),
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.key_error(key, "out of range for 32 bits")),
        }
    }

    /// A finite floating-point number. `None` when the key is absent.
    ///
    /// # Errors
    /// The value has another type or is not finite.
    pub fn f32(&self, key: &str) -> Result<Option<f32>, GgufError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Float(v)) if v.is_finite() => Ok(Some(*v as f32)),
            Some(Value::Float(_)) => Err(self.key_error(key, "is not a finite number")),
            Some(value) => Err(self.wrong_type(key, value, "a floating-point number")),
        }
    }

    /// # Errors
    /// The value is no boolean.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Bool(v)) => Ok(Some(*v)),
            Some(value) => Err(self.wrong_type(key, value, "a boolean")),
        }
    }

    /// # Errors
    /// The value is no string, or not UTF-8.
    pub fn string(&self, key: &str) -> Result<Option<&str>, GgufError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::String(range)) => match std::str::from_utf8(&self.map[range.clone()]) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.key_error(key, "is not valid UTF-8")),
            },
            Some(value) => Err(self.wrong_type(key, value, "a string")),
        }
    }

    /// The elements of an array of strings, as bytes (token texts need not be UTF-8), without
    /// copying.
    ///
    /// # Errors
    /// The value is no array of strings.
    pub fn byte_strings(&self, key: &str) -> Result<Option<ByteStrings<'_>>, GgufError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Array { element: ValueType::String, count, bytes }) => {
                Ok(Some(ByteStrings { bytes: &self.map[bytes.clone()], left: *count }))
            }
            // Writers give an empty array any type.
            Some(Value::Array { count: 0, .. }) => Ok(Some(ByteStrings { bytes: &[], left: 0 })),
            Some(value) => Err(self.wrong_type(key, value, "an array of strings")),
        }
    }

    /// The elements of an array of strings, checked to be UTF-8, without copying.
    ///
    /// # Errors
    /// The value is no array of strings, or one of them is not UTF-8.
    pub fn strings(&self, key: &str) -> Result<Option<Vec<&str>>, GgufError> {
        let Some(strings) = self.byte_strings(key)? else {
            return Ok(None);
        };
        let mut texts = Vec::with_capacity(strings.len());
        for (i, bytes) in strings.enumerate() {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| self.key_error(key, &format!("element {i} is not valid UTF-8")))?;
            texts.push(text);
        }
        Ok(Some(texts))
    }

    /// # Errors
    /// The value is no array of 32-bit floats.
    pub fn f32s(&self, key: &str) -> Result<Option<Vec<f32>>, GgufError> {
        let Some(bytes) = self.array_bytes(key, &[ValueType::F32])? else {
            return Ok(None);
        };
        Ok(Some(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()))
    }

    /// An array of 32-bit whole numbers, signed or not.
    ///
    /// # Errors
    /// The value is no such array.
    pub fn i32s(&self, key: &str) -> Result<Option<Vec<i32>>, GgufError> {
        let kinds = [ValueType::I32, ValueType::U32];
        let Some(bytes) = self.array_bytes(key, &kinds)? else {
            return Ok(None);
        };
        Ok(Some(bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect()))
    }

    /// # Errors
    /// The value is no array of booleans.
    pub fn bools(&self, key: &str) -> Result<Option<Vec<bool>>, GgufError> {
        let bytes = self.array_bytes(key, &[ValueType::Bool])?;
        Ok(bytes.map(|bytes| bytes.iter().map(|&b| b != 0).collect()))
    }

    /// # Errors
    /// The value is no array of bytes.
    pub fn bytes(&self, key: &str) -> Result<Option<&[u8]>, GgufError> {
        self.array_bytes(key, &[ValueType::U8, ValueType::I8])
    }

    /// Whether the key holds an array (some keys are a number in one model, an array in another).
    pub fn is_array(&self, key: &str) -> bool {
        matches!(self.metadata.get(key), Some(Value::Array { .. }))
    }

    fn array_bytes(&self, key: &str, kinds: &[ValueType]) -> Result<Option<&[u8]>, GgufError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Array { element, bytes, .. }) if kinds.contains(element) => {
                Ok(Some(&self.map[bytes.clone()]))
            }
            Some(Value::Array { count: 0, .. }) => Ok(Some(&[])),
            Some(value) => Err(self.wrong_type(key, value, &format!("an array of {}", kinds[0]))),
        }
    }

    /// An error about one key, for callers that check what a value means.
    pub fn key_error(&self, key: &str, what: &str) -> GgufError {
        GgufError::Key { path: self.path.clone(), key: key.to_string(), what: what.to_string() }
    }

    /// An error about one tensor, for callers that check what it means.
    pub fn tensor_error(&self, name: &str, what: &str) -> GgufError {
        let (name, what) = (name.to_string(), what.to_string());
        GgufError::Tensor { path: self.path.clone(), name, what }
    }

    fn wrong_type(&self, key: &str, value: &Value, expected: &str) -> GgufError {
        let found = match value {
            Value::Unsigned(_) | Value::Signed(_) => "a whole number".to_string(),
            Value::Float(_) => "a floating-point number".to_string(),
            Value::Bool(_) => "a boolean".to_string(),
            Value::String(_) => "a string".to_string(),
            Value::Array { element, .. } => format!("an array of {element}"),
        };
        self.key_error(key, &format!("expected {expected}, found {found}"))
    }
}

/// Iterator over a string array in the map.
#[derive(Clone, Debug)]
pub struct ByteStrings<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Iterator for ByteStrings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left == 0 {
            return None;
        }
        // The header was validated, so the lengths hold; a short slice ends the iteration all the
        // same.
        let (length, rest) = self.bytes.split_first_chunk::<8>()?;
        let (text, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
        self.bytes = rest;
        self.left -= 1;
        Some(text)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ByteStrings<'_> {}

#[allow(unsafe_code, reason = "a memory map is the only way to hold the weights once")]
fn map_file(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only, and model files are installed as generations that nobody
    // writes in place.
    unsafe { Mmap::map(file) }
}
