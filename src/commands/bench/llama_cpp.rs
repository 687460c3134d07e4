//! The peer: llama.cpp as packaged in llama-cpp-python, driven by a small script of our own
//! (`llama_cpp.py`) through the package's low-level interface.
//!
//! It gets what suits it best: its own repacking of weights, its own threads, as many as kura's,
//! batches of 2,048 tokens in parts of 512 (its defaults), a cache of its own for each sequence,
//! guessing with the package's own prompt lookup, and flash attention on or off, whichever was
//! quicker on this model just before ([`FlashAttention::choose`]).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use super::super::Failure;
use super::runs::{Prompts, rate};
use super::scenario::Scenario;
use super::side::{Generate, Side, SideError};

const SCRIPT: &str = include_str!("llama_cpp.py");
/// As `--against` names it.
pub(super) const NAME: &str = "llama-cpp";
const PYTHON: &str = "python3";

/// Where flash attention is on.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct FlashAttention {
    /// For prompts.
    pub(super) prefill: bool,
    /// For token after token.
    pub(super) decode: bool,
}

impl FlashAttention {
    pub(super) fn of(self, scenario: Scenario) -> bool {
        match scenario {
            Scenario::Decode | Scenario::Users | Scenario::Copy => self.decode,
            Scenario::Prefill
            | Scenario::Rag
            | Scenario::Load
            | Scenario::Search
            | Scenario::Sync => self.prefill,
        }
    }

    /// Tries both on a fresh prompt and takes the quicker. `start` loads the model with flash
    /// attention on or off.
    ///
    /// # Errors
    /// The peer fails.
    pub(super) fn choose(
        start: impl Fn(bool) -> Result<Side, SideError>,
        vocabulary: usize,
        prompt_tokens: usize,
    ) -> Result<Self, SideError> {
        let measure = |on: bool| {
            let mut side = start(on)?;
            let mut prompts = Prompts::new(vocabulary, 0, Scenario::Search);
            // The first touches all weights.
            let mut run = |tokens: usize| {
                let prompts = vec![prompts.fresh(tokens)];
                let ask = Generate { prompts, tokens: 16, quoting: false };
                let streams = side.generate(ask)?;
                Ok::<_, SideError>((streams[0].times[0], rate(&streams[0])))
            };
            run(1)?;
            run(prompt_tokens)
        };
        let (on, off) = (measure(true)?, measure(false)?);
        Ok(Self { prefill: on.0 <= off.0, decode: on.1 >= off.1 })
    }
}

/// The process of the peer.
pub(super) fn command(python: Option<&PathBuf>) -> Command {
    let mut command = Command::new(python.map_or(Path::new(PYTHON), PathBuf::as_path));
    command.args(["-c", SCRIPT]);
    command
}

/// What to do when the peer does not start.
pub(super) fn failure(why: &SideError) -> Failure {
    match why {
        SideError::Start { program, why } => Failure::new(
            format!(
                "比べる相手（llama.cpp）を動かすPythonを起動できません（{program}：{why}）。--python でPythonの場所を指定してください。"
            ),
            format!(
                "cannot start the Python that runs the peer ({program}: {why}); name one with --python"
            ),
        ),
        SideError::Missing(what) => Failure::new(
            format!(
                "比べる相手（llama.cpp）のPythonパッケージがありません（{what}）。このPythonに次で入れてください：{INSTALL}"
            ),
            format!(
                "the Python package of the peer is missing ({what}); install it for this Python with: {INSTALL}"
            ),
        ),
        other => Failure::new(
            format!("比べる相手（llama.cpp）が失敗しました（{other}）。"),
            format!("the peer (llama.cpp) failed: {other}"),
        ),
    }
}

const INSTALL: &str = "CMAKE_ARGS=-DGGML_NATIVE=ON python3 -m pip install --no-binary llama-cpp-python llama-cpp-python";

/// Instruction sets of this processor that the peer was not built with: not a native build.
pub(super) fn not_native(instructions: &[String]) -> Vec<&'static str> {
    let missing = |name: &&str| !instructions.iter().any(|built| built == name);
    processor().into_iter().filter(missing).collect()
}

/// The instruction sets that llama.cpp names, as far as this processor has them.
#[cfg(target_arch = "x86_64")]
fn processor() -> Vec<&'static str> {
    let has = [
        ("AVX2", std::is_x86_feature_detected!("avx2")),
        ("FMA", std::is_x86_feature_detected!("fma")),
        ("F16C", std::is_x86_feature_detected!("f16c")),
        ("AVX_VNNI", std::is_x86_feature_detected!("avxvnni")),
        ("AVX512", std::is_x86_feature_detected!("avx512f")),
        ("AVX512_VBMI", std::is_x86_feature_detected!("avx512vbmi")),
        ("AVX512_VNNI", std::is_x86_feature_detected!("avx512vnni")),
        ("AVX512_BF16", std::is_x86_feature_detected!("avx512bf16")),
    ];
    has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn what_is_missing_is_said_in_plain_words() {
        let start = SideError::Start { program: "py".into(), why: "not found".into() };
        let missing = SideError::Missing("llama_cpp".into());
        for lang in [Lang::Ja, Lang::En] {
            assert!(failure(&start).message(lang).contains("--python"));
            assert!(failure(&missing).message(lang).contains("pip install"));
        }
    }

    #[test]
    fn a_build_for_another_processor_is_told() {
        let all: Vec<String> = processor().iter().map(|name| (*name).to_owned()).collect();
        assert!(not_native(&all).is_empty());
        assert_eq!(not_native(&[]), processor());
    }
}
