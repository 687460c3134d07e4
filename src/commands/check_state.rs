//! `kura check-state`: a new program opens all that is installed, before it is put to use, and
//! changes nothing. Success and one line of JSON say that it can serve here.

use super::{Context, Failure};
use crate::llm::gguf::Gguf;
use crate::search::Index;
use crate::sync::STATE_FORMAT;

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let installation = context.installation();
    let state = installation.state()?;
    for (id, entry) in &state.datasets {
        installation.generation(id, &entry.current)?;
        Index::open(&installation.index_dir(id, &entry.current)).map_err(|why| {
            Failure::new(
                format!("データセット「{id}」の索引を、この版では使えません（{why}）。"),
                format!("this version cannot use the index of data set {id}: {why}"),
            )
        })?;
    }
    let used = context.config.model.as_ref().or(state.model.as_ref());
    if let Some((id, blake3)) = used.and_then(|id| Some((id, state.models.get(id)?))) {
        installation.model(id, blake3)?;
        Gguf::open(&installation.model_path(blake3)).map_err(|why| {
            Failure::new(
                format!("モデル「{id}」を、この版では読めません（{why}）。"),
                format!("this version cannot read model {id}: {why}"),
            )
        })?;
    }
    let version = env!("CARGO_PKG_VERSION");
    say!("{}", serde_json::json!({"version": version, "state_format": STATE_FORMAT}));
    Ok(())
}
