//! Weight matrices: on a CPU in tiled form ([`super::prepared`]) or, for types that have none,
//! over the memory map of the file. On another device they are uploaded as candle's quantized
//! tensors.
//!
//! candle-core's own CPU storage would copy the file to the heap and then build wider tiles
//! beside it (6 bits a weight for Q4_K instead of 4.5), so the CPU side has its own storage,
//! multiplied by [`super::kernels`].

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use candle_core::quantized::k_quants as blocks;
use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Module, Tensor};
use half::{bf16, f16};
use memmap2::Mmap;

use super::error::ModelError;
use super::gguf::{Gguf, GgufError, TensorInfo};
use super::kernels::activations::{Activations, Unit};
use super::kernels::matmul::{WeightBlock, matmul};
use super::kernels::tiles::Tiles;
use super::kernels::{Level, level};
use super::prepared::{Place, Prepared};

/// Where a model computes.
#[derive(Clone, Debug)]
pub(crate) enum Compute {
    /// Our kernels on slices of host memory.
    Cpu,
    /// candle's operations on its device. With `Device::Cpu` this is the same code, for tests.
    Candle(Device),
}

/// Where the matrices of a model come from.
#[derive(Clone)]
pub(crate) struct Source<'a> {
    pub(crate) gguf: &'a Gguf,
    pub(crate) compute: &'a Compute,
    /// The tiled form; without it a CPU computes with the weights as they lie in the file.
    pub(crate) prepared: Option<Arc<Prepared>>,
}

/// A weight matrix of `rows` × `columns`; cheap to clone (tied embeddings use one matrix twice).
#[derive(Clone)]
pub(crate) struct Matrix {
    storage: MatrixStorage,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

#[derive(Clone)]
enum MatrixStorage {
    Tiled(Arc<Prepared>, Place),
    Mapped(Arc<dyn MappedMatrix>),
    Candle(QMatMul),
}

impl Matrix {
    /// Takes the tensor `name`, which must have the shape (`rows`, `columns`).
    pub(crate) fn load(
        source: &Source<'_>,
        name: &str,
        (rows, columns): (usize, usize),
    ) -> Result<Self, ModelError> {
        let gguf = source.gguf;
        let tensor = find(gguf, name, &[rows, columns])?;
        let place = source.prepared.as_ref().and_then(|all| Some((all.clone(), all.place(name)?)));
        let storage = match (source.compute, place) {
            (Compute::Candle(device), _) => MatrixStorage::Candle(upload(gguf, tensor, device)?),
            (Compute::Cpu, Some((prepared, place))) => MatrixStorage::Tiled(prepared, place),
            (Compute::Cpu, None) => MatrixStorage::Mapped(map_matrix(gguf, tensor, columns)?),
        };
        Ok(Self { storage, rows, columns })
    }

    /// `x` (tokens, columns) → (tokens, rows), on a device.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        match &self.storage {
            MatrixStorage::Candle(matrix) => Ok(matrix.forward(x)?),
            MatrixStorage::Tiled(..) | MatrixStorage::Mapped(_) => Err(misplaced()),
        }
    }

    /// `x` (tokens, columns) → `out` (tokens, rows), in host memory.
    pub(crate) fn product(&self, x: &mut Quantized<'_>, out: &mut Vec<f32>) {
        out.resize(x.values.len() / self.columns * self.rows, 0.0);
        match &self.storage {
            MatrixStorage::Tiled(prepared, place) => {
                let tiles = prepared.tiles(place);
                tiles.multiply(level(), x.for_tiles(&tiles), out);
            }
            MatrixStorage::Mapped(matrix) => matrix.multiply(level(), x.values, out),
            // A decoder loads all its matrices for one place.
            MatrixStorage::Candle(_) => out.fill(f32::NAN),
        }
    }

    /// The rows `ids`, dequantized one by one, on a device: (ids, columns).
    pub(crate) fn embed(&self, ids: &[u32]) -> Result<Tensor, ModelError> {
        self.check_ids(ids)?;
        match &self.storage {
            MatrixStorage::Candle(QMatMul::QTensor(matrix)) => {
                let ids = Tensor::new(ids, &matrix.device())?;
                Ok(matrix.embedding(&ids)?)
            }
            MatrixStorage::Candle(QMatMul::Tensor(table) | QMatMul::TensorF16(table)) => {
                let ids = Tensor::new(ids, table.device())?;
                Ok(table.index_select(&ids, 0)?.to_dtype(candle_core::DType::F32)?)
            }
            MatrixStorage::Tiled(..) | MatrixStorage::Mapped(_) => Err(misplaced()),
        }
    }

    /// The same in host memory.
    pub(crate) fn embed_on_host(&self, ids: &[u32], out: &mut Vec<f32>) -> Result<(), ModelError> {
        self.check_ids(ids)?;
        out.resize(ids.len() * self.columns, 0.0);
        for (id, out) in ids.iter().zip(out.chunks_exact_mut(self.columns)) {
            match &self.storage {
                MatrixStorage::Tiled(prepared, place) => {
                    prepared.tiles(place).dequantize_row(*id as usize, out);
                }
                MatrixStorage::Mapped(matrix) => matrix.dequantize_row(*id as usize, out),
                MatrixStorage::Candle(_) => return Err(misplaced()),
            }
        }
        Ok(())
    }

    fn check_ids(&self, ids: &[u32]) -> Result<(), ModelError> {
        match ids.iter().find(|&&id| id as usize >= self.rows) {
            Some(&id) => Err(ModelError::Token { id, vocabulary: self.rows }),
            None => Ok(()),
        }
    }
}

fn misplaced() -> ModelError {
    candle_core::Error::Msg("the matrix lies elsewhere than where it is used".to_owned()).into()
}

/// Activations of a step, quantized at most once for each kind of matrix that reads them.
pub(crate) struct Quantized<'a> {
    /// (tokens, columns)
    values: &'a [f32],
    columns: usize,
    wide: Option<Activations>,
    narrow: Option<Activations>,
}

impl<'a> Quantized<'a> {
    pub(crate) fn of(values: &'a [f32], columns: usize) -> Self {
        Self { values, columns, wide: None, narrow: None }
    }

    fn for_tiles(&mut self, tiles: &Tiles<'_>) -> &Activations {
        let unit = tiles.format.unit();
        let place = match unit {
            Unit::Wide => &mut self.wide,
            Unit::Narrow => &mut self.narrow,
        };
        let (values, columns) = (self.values, self.columns);
        place.get_or_insert_with(|| Activations::quantize(level(), unit, values, columns))
    }
}

/// A matrix and the bias that is added to its product.
pub(crate) struct Linear {
    pub(crate) matrix: Matrix,
    pub(crate) bias: Option<Vector>,
}

impl Linear {
    /// `x` (tokens, columns) → (tokens, rows), on a device.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let product = self.matrix.forward(x)?;
        match &self.bias {
            None => Ok(product),
            Some(bias) => Ok(product.broadcast_add(&bias.tensor(x.device())?)?),
        }
    }
}

/// A small vector of weights (a norm, a bias), as f32.
#[derive(Clone)]
pub(crate) enum Vector {
    Host(Vec<f32>),
    Device(Tensor),
}

impl Vector {
    pub(crate) fn load(
        gguf: &Gguf,
        name: &str,
        length: usize,
        compute: &Compute,
    ) -> Result<Self, ModelError> {
        let values = load_floats(gguf, name, length)?;
        Ok(match compute {
            Compute::Cpu => Self::Host(values),
            Compute::Candle(device) => Self::Device(Tensor::from_vec(values, length, device)?),
        })
    }

    /// The numbers, where they lie in host memory.
    pub(crate) fn host(&self) -> Option<&[f32]> {
        match self {
            Self::Host(values) => Some(values),
            Self::Device(_) => None,
        }
    }

    /// As a tensor of the device.
    pub(crate) fn tensor(&self, device: &Device) -> Result<Tensor, ModelError> {
        Ok(match self {
            Self::Host(values) => Tensor::new(values.as_slice(), device)?,
            Self::Device(tensor) => tensor.clone(),
        })
    }
}

/// A small tensor as f32 numbers.
pub(crate) fn load_floats(gguf: &Gguf, name: &str, length: usize) -> Result<Vec<f32>, ModelError> {
    let tensor = find(gguf, name, &[length])?;
    let mut values = vec![0.0; length];
    map_matrix(gguf, tensor, length)?.dequantize_row(0, &mut values);
    Ok(values)
}

fn find<'a>(gguf: &'a Gguf, name: &str, shape: &[usize]) -> Result<&'a TensorInfo, GgufError> {
    let tensor = gguf.tensor(name).ok_or_else(|| gguf.tensor_error(name, "is missing"))?;
    if tensor.shape != shape {
        let found = &tensor.shape;
        return Err(gguf.tensor_error(name, &format!("has the shape {found:?}, not {shape:?}")));
    }
    Ok(tensor)
}

/// A matrix in the map, of any supported type.
trait MappedMatrix: Send + Sync {
    fn multiply(&self, level: Level, x: &[f32], out: &mut [f32]);
    fn dequantize_row(&self, row: usize, out: &mut [f32]);
}

struct Mapped<W> {
    map: Arc<Mmap>,
    offset: usize,
    /// Blocks in the whole matrix.
    blocks: usize,
    columns: usize,
    block: PhantomData<W>,
}

impl<W: WeightBlock> Mapped<W> {
    #[allow(unsafe_code, reason = "a view of weights in the memory map")]
    fn blocks(&self) -> &[W] {
        let bytes = &self.map[self.offset..self.offset + self.blocks * size_of::<W>()];
        // SAFETY: `map_matrix` checked size and alignment; weight blocks are plain data, any
        // bytes are a value; the slice cannot outlive `self.map`.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), self.blocks) }
    }
}

impl<W: WeightBlock> MappedMatrix for Mapped<W> {
    fn multiply(&self, level: Level, x: &[f32], out: &mut [f32]) {
        matmul(level, x, self.blocks(), self.columns, out);
    }

    fn dequantize_row(&self, row: usize, out: &mut [f32]) {
        let row_blocks = self.columns / W::ELEMENTS;
        W::dequantize(&self.blocks()[row * row_blocks..(row + 1) * row_blocks], out);
    }
}

fn map_matrix(
    gguf: &Gguf,
    tensor: &TensorInfo,
    columns: usize,
) -> Result<Arc<dyn MappedMatrix>, GgufError> {
    match tensor.kind.name {
        "F32" => mapped::<f32>(gguf, tensor, columns),
        "F16" => mapped::<f16>(gguf, tensor, columns),
        "BF16" => mapped::<bf16>(gguf, tensor, columns),
        "Q4_0" => mapped::<blocks::BlockQ4_0>(gguf, tensor, columns),
        "Q4_1" => mapped::<blocks::BlockQ4_1>(gguf, tensor, columns),
        "Q5_0" => mapped::<blocks::BlockQ5_0>(gguf, tensor, columns),
        "Q5_1" => mapped::<blocks::BlockQ5_1>(gguf, tensor, columns),
        "Q8_0" => mapped::<blocks::BlockQ8_0>(gguf, tensor, columns),
        "Q2_K" => mapped::<blocks::BlockQ2K>(gguf, tensor, columns),
        "Q3_K" => mapped::<blocks::BlockQ3K>(gguf, tensor, columns),
        "Q4_K" => mapped::<blocks::BlockQ4K>(gguf, tensor, columns),
        "Q5_K" => mapped::<blocks::BlockQ5K>(gguf, tensor, columns),
        "Q6_K" => mapped::<blocks::BlockQ6K>(gguf, tensor, columns),
        other => Err(unsupported(gguf, tensor, other)),
    }
}

fn unsupported(gguf: &Gguf, tensor: &TensorInfo, kind: &str) -> GgufError {
    let what = format!("is stored as {kind}, which kura does not compute with");
    gguf.tensor_error(&tensor.name, &what)
}

fn mapped<W: WeightBlock>(
    gguf: &Gguf,
    tensor: &TensorInfo,
    columns: usize,
) -> Result<Arc<dyn MappedMatrix>, GgufError> {
    let bytes = gguf.tensor_bytes(tensor);
    let whole = bytes.len().is_multiple_of(size_of::<W>()) && columns.is_multiple_of(W::ELEMENTS);
    if !whole || !bytes.as_ptr().cast::<W>().is_aligned() {
        return Err(gguf.tensor_error(&tensor.name, "is not aligned to its blocks"));
    }
    Ok(Arc::new(Mapped::<W> {
        map: gguf.map().clone(),
        offset: tensor.offset,
        blocks: bytes.len() / size_of::<W>(),
        columns,
        block: PhantomData,
    }))
}

fn upload(gguf: &Gguf, tensor: &TensorInfo, device: &Device) -> Result<QMatMul, ModelError> {
    let kind = match tensor.kind.name {
        "F32" => GgmlDType::F32,
        "F16" => GgmlDType::F16,
        "BF16" => GgmlDType::BF16,
        "Q4_0" => GgmlDType::Q4_0,
        "Q4_1" => GgmlDType::Q4_1,
        "Q5_0" => GgmlDType::Q5_0,
        "Q5_1" => GgmlDType::Q5_1,
        "Q8_0" => GgmlDType::Q8_0,
        "Q2_K" => GgmlDType::Q2K,
        "Q3_K" => GgmlDType::Q3K,
        "Q4_K" => GgmlDType::Q4K,
        "Q5_K" => GgmlDType::Q5K,
        "Q6_K" => GgmlDType::Q6K,
        other => return Err(unsupported(gguf, tensor, other).into()),
    };
    let bytes = Cow::Borrowed(gguf.tensor_bytes(tensor));
    let storage = QStorage::from_data(bytes, device, kind)?;
    Ok(QMatMul::from_qtensor(QTensor::new(storage, tensor.shape.as_slice())?)?)
}

/// The numbers of a tensor, flat.
pub(crate) fn take_vec(x: &Tensor) -> Result<Vec<f32>, ModelError> {
    let flat = x.flatten_all()?;
    Ok(flat.to_vec1()?)
}
