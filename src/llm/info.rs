//! What a model file is, for lists, provenance and checks.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::gguf::{Gguf, GgufError, file_type_name};

const HASH_CHUNK_BYTES: usize = 1 << 20;

/// Facts about a model file, from its header.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ModelInfo {
    /// `general.name`, or the file's name without its extension.
    pub name: String,
    pub architecture: String,
    /// The mix that the quantizer was asked for (`Q4_K_M`), else the type of most weights.
    pub quantization: String,
    pub parameters: u64,
    /// Tokens the model was trained for; 0 when the file does not say.
    pub context_tokens: usize,
    pub file_size_bytes: u64,
    /// `general.license`; empty when the file does not say.
    pub licence: String,
}

impl ModelInfo {
    /// # Errors
    /// A value has the wrong type.
    pub fn read(gguf: &Gguf) -> Result<Self, GgufError> {
        let architecture = gguf.string("general.architecture")?.unwrap_or("unknown").to_string();
        let name = gguf.string("general.name")?.map(str::trim).filter(|name| !name.is_empty());
        let name = match name {
            Some(name) => name.to_string(),
            None => {
                gguf.path().file_stem().map_or_else(String::new, |s| s.to_string_lossy().into())
            }
        };
        let declared = gguf.u32("general.file_type")?.and_then(file_type_name);
        let context = gguf.u32(&format!("{architecture}.context_length"))?.unwrap_or(0);
        Ok(Self {
            quantization: declared.unwrap_or_else(|| commonest_type(gguf)).to_string(),
            parameters: gguf.tensors().iter().map(elements).sum(),
            context_tokens: context as usize,
            file_size_bytes: gguf.file_size_bytes() as u64,
            licence: gguf.string("general.license")?.unwrap_or_default().to_string(),
            name,
            architecture,
        })
    }
}

fn elements(tensor: &super::gguf::TensorInfo) -> u64 {
    tensor.shape.iter().map(|&d| d as u64).product()
}

fn commonest_type(gguf: &Gguf) -> &'static str {
    let mut counts: HashMap<&'static str, u64> = HashMap::new();
    for tensor in gguf.tensors() {
        *counts.entry(tensor.kind.name).or_default() += elements(tensor);
    }
    counts
        .into_iter()
        .max_by_key(|&(name, count)| (count, name))
        .map_or("unknown", |(name, _)| name)
}

/// The BLAKE3 hash of a file in hexadecimal. `progress` hears the bytes done and the whole, and
/// ends the work by returning false (then the hash is `None`).
///
/// # Errors
/// The file cannot be opened or read.
pub fn hash_file(
    path: &Path,
    mut progress: impl FnMut(u64, u64) -> bool,
) -> std::io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let total = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; HASH_CHUNK_BYTES];
    let mut done = 0;
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(Some(hasher.finalize().to_hex().to_string()));
        }
        hasher.update(&chunk[..count]);
        done += count as u64;
        if !progress(done, total.max(done)) {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::testing::TestModel;

    #[test]
    fn the_header_tells_what_the_model_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.gguf");
        let model = TestModel::new("qwen2");
        model.write(&path).unwrap();
        let info = ModelInfo::read(&Gguf::open(&path).unwrap()).unwrap();
        assert_eq!(info.architecture, "qwen2");
        assert_eq!(info.quantization, "F32");
        assert_eq!(info.context_tokens, model.context_tokens);
        assert_eq!(info.file_size_bytes, std::fs::metadata(&path).unwrap().len());
        assert!(info.parameters > 100_000);
    }

    #[test]
    fn hashing_reports_progress_and_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![7; 3 * HASH_CHUNK_BYTES]).unwrap();
        let mut seen = Vec::new();
        let hash = hash_file(&path, |done, total| {
            seen.push((done, total));
            true
        });
        let expected = blake3::hash(&vec![7; 3 * HASH_CHUNK_BYTES]).to_hex().to_string();
        assert_eq!(hash.unwrap(), Some(expected));
        let whole = 3 * HASH_CHUNK_BYTES as u64;
        assert_eq!(seen.last(), Some(&(whole, whole)));
        assert_eq!(hash_file(&path, |_, _| false).unwrap(), None);
    }
}
