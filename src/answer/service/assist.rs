//! Requests that come with an assistant: what it sets, and which data sets it may use.

use std::sync::Arc;

use super::{Service, check_question, check_sampling};
use crate::answer::assistant::{Chosen, DataChoice, Filled};
use crate::answer::pipeline;
use crate::answer::selection::Selection;
use crate::answer::types::*;
use crate::document::Scope;

impl Service {
    /// Runs an assistant's task. What the request says itself goes before what the assistant says.
    pub(super) async fn assist(
        &self,
        filled: Arc<Filled>,
        mut request: AnswerRequest,
    ) -> Result<AnswerStream, ServiceError> {
        let (filled, notes) = self.admissible_filled(&filled).await?;
        let filled = Arc::new(filled);
        request.assistant = Some(filled.clone());
        let assistant = filled.assistant().clone();
        request.question = filled.request();
        request.max_tokens = request.max_tokens.or(assistant.max_tokens);
        choose(&mut request.sampling, assistant.sampling);
        check_sampling(&request.sampling)?;
        request.verbatim = request.verbatim.or(assistant.verbatim);
        if assistant.uses_data() {
            check_question(&filled.search_text())?;
        }
        let admission = self.admit()?;
        if !assistant.uses_data() {
            let loaded = pipeline::ready(&self.inner).await?;
            let work =
                move |job: pipeline::Job| pipeline::write_draft(job.noting(notes), loaded, request);
            return Ok(self.start(work, admission));
        }
        narrow(&mut request.selection, &assistant.data)?;
        let selection = request.selection.clone();
        let shelf = self.blocking(move |inner| inner.library.chosen(&selection)).await?;
        Ok(self.start(move |job| pipeline::answer(job.noting(notes), shelf, request), admission))
    }
}

fn choose(sampling: &mut SamplingRequest, chosen: Chosen) {
    sampling.temperature = sampling.temperature.or(chosen.temperature);
    sampling.top_p = sampling.top_p.or(chosen.top_p);
    sampling.min_p = sampling.min_p.or(chosen.min_p);
    sampling.repetition_penalty = sampling.repetition_penalty.or(chosen.repetition_penalty);
}

/// Leaves what the assistant uses of what was asked for.
fn narrow(selection: &mut Selection, data: &DataChoice) -> Result<(), ServiceError> {
    let left = match data {
        DataChoice::All | DataChoice::None => true,
        DataChoice::Common => narrow_scopes(selection, Scope::Common),
        DataChoice::Local => narrow_scopes(selection, Scope::Local),
        DataChoice::Only(ids) => {
            let asked = selection.datasets.take();
            let both = |id: &&String| asked.as_ref().is_none_or(|asked| asked.contains(*id));
            let datasets: Vec<String> = ids.iter().filter(both).cloned().collect();
            let left = !datasets.is_empty();
            selection.datasets = Some(datasets);
            left
        }
    };
    match left {
        true => Ok(()),
        false => Err(ServiceError::Invalid {
            parameter: "datasets",
            ja: format!("この業務アシスタントが使うもの（{}）が含まれていません", data.label()),
            en: "none of what this assistant uses was chosen".to_owned(),
        }),
    }
}

fn narrow_scopes(selection: &mut Selection, scope: Scope) -> bool {
    let asked = selection.scopes.replace(vec![scope]);
    asked.is_none_or(|asked| asked.contains(&scope))
}
