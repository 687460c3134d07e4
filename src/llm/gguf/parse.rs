//! Reading and validating the header: magic, counts, metadata, tensor table, then the tensors
//! against the file.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use super::{GgufError, TensorInfo, TensorType, Value, ValueType};

const MAGIC: &[u8; 4] = b"GGUF";
const ALIGNMENT_DEFAULT: usize = 32;
/// Larger alignments have no use and only hide damage.
const ALIGNMENT_MAX: usize = 1 << 20;
const DIMENSIONS_MAX: u32 = 4;
/// Arrays in arrays are legal and unused; a chain of them must not exhaust the stack.
const ARRAY_DEPTH_MAX: usize = 4;
const NAME_BYTES_MAX: usize = 65_535;

pub(super) struct Header {
    pub(super) version: u32,
    pub(super) metadata: HashMap<String, Value>,
    pub(super) tensors: Vec<TensorInfo>,
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Header, GgufError> {
    let mut cursor = Cursor { path, bytes, position: 0 };
    let version = magic_and_version(&mut cursor)?;
    let tensor_count = cursor.u64("the tensor count")?;
    let key_count = cursor.u64("the metadata count")?;
    // A key takes at least 8 + 4 + 1 bytes, a tensor 8 + 4 + 4 + 8.
    let needed = key_count.saturating_mul(13).saturating_add(tensor_count.saturating_mul(24));
    if needed > cursor.left() as u64 {
        return Err(cursor.error(format!(
            "it declares {tensor_count} tensors and {key_count} metadata keys, more than fit in it"
        )));
    }
    let metadata = metadata(&mut cursor, key_count)?;
    let alignment = alignment(path, &metadata)?;
    let mut tensors = Vec::with_capacity(tensor_count as usize);
    let mut names = HashSet::new();
    for _ in 0..tensor_count {
        let tensor = tensor_info(&mut cursor)?;
        if !names.insert(tensor.name.clone()) {
            return Err(tensor_error(path, &tensor.name, "is listed twice"));
        }
        tensors.push(tensor);
    }
    let data_start = cursor.position.next_multiple_of(alignment);
    place(path, bytes.len(), data_start, alignment, &mut tensors)?;
    Ok(Header { version, metadata, tensors })
}

fn magic_and_version(cursor: &mut Cursor<'_>) -> Result<u32, GgufError> {
    if cursor.take(4, "the magic number")? != MAGIC {
        cursor.position = 0;
        return Err(cursor.error("it does not begin with the letters GGUF".to_string()));
    }
    match cursor.u32("the version")? {
        version @ (2 | 3) => Ok(version),
        version if matches!(version.swap_bytes(), 1..=3) => {
            Err(cursor.error("it is in big-endian byte order".to_string()))
        }
        version => Err(cursor.error(format!("version {version}; versions 2 and 3 are read"))),
    }
}

fn metadata(cursor: &mut Cursor<'_>, count: u64) -> Result<HashMap<String, Value>, GgufError> {
    let mut metadata = HashMap::new();
    for _ in 0..count {
        let key = cursor.name("a metadata key")?;
        let kind = cursor.value_type()?;
        let value = cursor.value(kind, 0)?;
        if metadata.insert(key.clone(), value).is_some() {
            let what = "is given twice".to_string();
            return Err(GgufError::Key { path: cursor.path.to_path_buf(), key, what });
        }
    }
    Ok(metadata)
}

fn alignment(path: &Path, metadata: &HashMap<String, Value>) -> Result<usize, GgufError> {
    let key = "general.alignment";
    let error = |what: String| GgufError::Key { path: path.into(), key: key.to_string(), what };
    match metadata.get(key) {
        None => Ok(ALIGNMENT_DEFAULT),
        Some(Value::Unsigned(value)) => match usize::try_from(*value) {
            Ok(value) if value.is_power_of_two() && (8..=ALIGNMENT_MAX).contains(&value) => {
                Ok(value)
            }
            _ => Err(error(format!("{value} is not a power of two from 8 to {ALIGNMENT_MAX}"))),
        },
        Some(_) => Err(error("expected an unsigned whole number".to_string())),
    }
}

/// One row of the tensor table; its offset is still relative to the data section.
fn tensor_info(cursor: &mut Cursor<'_>) -> Result<TensorInfo, GgufError> {
    let name = cursor.name("a tensor name")?;
    let path = cursor.path;
    let dimensions = cursor.u32("a tensor's number of dimensions")?;
    if dimensions == 0 || dimensions > DIMENSIONS_MAX {
        return Err(tensor_error(path, &name, &format!("has {dimensions} dimensions, not 1 to 4")));
    }
    let mut shape = Vec::with_capacity(dimensions as usize);
    for _ in 0..dimensions {
        let dimension = cursor.u64("a tensor dimension")?;
        match usize::try_from(dimension) {
            Ok(dimension) if dimension > 0 => shape.push(dimension),
            _ => {
                return Err(tensor_error(path, &name, &format!("has a dimension {dimension}")));
            }
        }
    }
    // The file lists the contiguous dimension first.
    shape.reverse();
    let code = cursor.u32("a tensor's type")?;
    let kind = TensorType::from_code(code)
        .ok_or_else(|| tensor_error(path, &name, &format!("has the unknown type {code}")))?;
    let offset = cursor.u64("a tensor's offset")?;
    let offset = usize::try_from(offset)
        .map_err(|_| tensor_error(path, &name, &format!("has the offset {offset}")))?;
    let size_bytes = size_bytes(&shape, kind).map_err(|what| tensor_error(path, &name, &what))?;
    Ok(TensorInfo { name, shape, kind, offset, size_bytes })
}

fn size_bytes(shape: &[usize], kind: TensorType) -> Result<usize, String> {
    let row = shape.last().copied().unwrap_or(0);
    if !row.is_multiple_of(kind.block_elements) {
        let block = kind.block_elements;
        return Err(format!("has rows of {row} elements, not a multiple of {kind}'s {block}"));
    }
    let overflow = || format!("has the shape {shape:?}, whose size overflows");
    let elements = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(overflow)?;
    (elements / kind.block_elements).checked_mul(kind.block_bytes).ok_or_else(overflow)
}

/// Makes the offsets absolute and checks that the tensors are aligned, inside the file, and apart.
fn place(
    path: &Path,
    file_bytes: usize,
    data_start: usize,
    alignment: usize,
    tensors: &mut [TensorInfo],
) -> Result<(), GgufError> {
    for tensor in tensors.iter_mut() {
        if !tensor.offset.is_multiple_of(alignment) {
            let what = format!("lies at {}, not a multiple of {alignment}", tensor.offset);
            return Err(tensor_error(path, &tensor.name, &what));
        }
        let start = data_start.checked_add(tensor.offset);
        let end = start.and_then(|start| start.checked_add(tensor.size_bytes));
        match (start, end) {
            (Some(start), Some(end)) if end <= file_bytes => tensor.offset = start,
            _ => {
                let what = format!(
                    "reaches past the end of the file ({file_bytes} bytes): it is cut off or \
                     damaged"
                );
                return Err(tensor_error(path, &tensor.name, &what));
            }
        }
    }
    let mut order: Vec<&TensorInfo> = tensors.iter().collect();
    order.sort_by_key(|t| t.offset);
    for pair in order.windows(2) {
        if pair[0].offset + pair[0].size_bytes > pair[1].offset {
            let what = format!("overlaps tensor {}", pair[0].name);
            return Err(tensor_error(path, &pair[1].name, &what));
        }
    }
    Ok(())
}

fn tensor_error(path: &Path, name: &str, what: &str) -> GgufError {
    GgufError::Tensor { path: path.into(), name: name.to_string(), what: what.to_string() }
}

/// Bounds-checked little-endian reading; every failure says where it happened.
struct Cursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn left(&self) -> usize {
        self.bytes.len() - self.position
    }

    fn error(&self, what: String) -> GgufError {
        GgufError::Structure { path: self.path.into(), offset: self.position, what }
    }

    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], GgufError> {
        if count > self.left() {
            return Err(self.error(format!("it ends inside {what}")));
        }
        let taken = &self.bytes[self.position..self.position + count];
        self.position += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    fn string(&mut self, what: &str) -> Result<Range<usize>, GgufError> {
        let length = self.u64(what)?;
        let start = self.position;
        match usize::try_from(length) {
            Ok(length) if length <= self.left() => {
                self.position += length;
                Ok(start..self.position)
            }
            _ => Err(self.error(format!("{what} claims {length} bytes, more than are left"))),
        }
    }

    fn name(&mut self, what: &str) -> Result<String, GgufError> {
        let range = self.string(what)?;
        if range.is_empty() || range.len() > NAME_BYTES_MAX {
            return Err(self.error(format!("{what} is {} bytes long", range.len())));
        }
        match std::str::from_utf8(&self.bytes[range]) {
            Ok(name) => Ok(name.to_string()),
            Err(_) => Err(self.error(format!("{what} is not valid UTF-8"))),
        }
    }

    fn value_type(&mut self) -> Result<ValueType, GgufError> {
        let code = self.u32("a value type")?;
        ValueType::from_code(code)
            .ok_or_else(|| self.error(format!("the unknown value type {code}")))
    }

    fn value(&mut self, kind: ValueType, depth: usize) -> Result<Value, GgufError> {
        let what = "a metadata value";
        Ok(match kind {
            ValueType::U8 => Value::Unsigned(u64::from(self.array::<1>(what)?[0])),
            ValueType::U16 => Value::Unsigned(u64::from(u16::from_le_bytes(self.array(what)?))),
            ValueType::U32 => Value::Unsigned(u64::from(self.u32(what)?)),
            ValueType::U64 => Value::Unsigned(self.u64(what)?),
            ValueType::I8 => Value::Signed(i64::from(i8::from_le_bytes(self.array(what)?))),
            ValueType::I16 => Value::Signed(i64::from(i16::from_le_bytes(self.array(what)?))),
            ValueType::I32 => Value::Signed(i64::from(i32::from_le_bytes(self.array(what)?))),
            ValueType::I64 => Value::Signed(i64::from_le_bytes(self.array(what)?)),
            ValueType::F32 => Value::Float(f64::from(f32::from_le_bytes(self.array(what)?))),
            ValueType::F64 => Value::Float(f64::from_le_bytes(self.array(what)?)),
            ValueType::Bool => match self.array::<1>(what)?[0] {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => return Err(self.error(format!("a boolean with the value {other}"))),
            },
            ValueType::String => Value::String(self.string(what)?),
            ValueType::Array => self.array_value(depth)?,
        })
    }

    fn array_value(&mut self, depth: usize) -> Result<Value, GgufError> {
        if depth >= ARRAY_DEPTH_MAX {
            return Err(self.error(format!("arrays nested deeper than {ARRAY_DEPTH_MAX}")));
        }
        let element = self.value_type()?;
        let count = self.u64("an array's length")?;
        let bytes_min = count.saturating_mul(element.size_bytes_min() as u64);
        if bytes_min > self.left() as u64 {
            return Err(self.error(format!("an array claims {count} elements, more than fit")));
        }
        let (count, start) = (count as usize, self.position);
        match element {
            ValueType::String => {
                for _ in 0..count {
                    self.string("a string of an array")?;
                }
            }
            ValueType::Array => {
                for _ in 0..count {
                    self.array_value(depth + 1)?;
                }
            }
            _ => {
                self.take(count * element.size_bytes_min(), "an array")?;
            }
        }
        Ok(Value::Array { element, count, bytes: start..self.position })
    }
}
