//! What an import would do: nothing is changed until it was looked at.

use super::{Assistant, Cabinet, CabinetError, Entry, Origin, Saving};

/// One assistant of an import, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub assistant: Assistant,
    pub effect: Effect,
    /// Revision that it is laid over; 0 where there is none.
    pub base: i64,
}

/// What an import does with one assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There is none with its id.
    Adds,
    /// The starting set or an update has one; it stays below, and can be shown again.
    Covers { title: String, version: u32, origin: &'static str },
    /// The office has one; its versions are kept.
    Replaces { title: String, version: u32 },
    /// It is there already, word for word.
    Same,
}

impl Effect {
    /// For the preview.
    pub fn label(&self) -> String {
        match self {
            Self::Adds => "追加します".to_owned(),
            Self::Covers { title, version, origin } => format!(
                "{origin}の「{title}」（第{version}版）の代わりに使います。{origin}の版は残り、いつでも戻せます"
            ),
            Self::Replaces { title, version } => format!(
                "この庁の「{title}」（第{version}版）を置き換えます。前の版は残り、いつでも戻せます"
            ),
            Self::Same => "同じ内容があるため、何もしません".to_owned(),
        }
    }
}

impl Cabinet {
    /// What keeping these would do.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn plan(&self, assistants: Vec<Assistant>) -> Result<Vec<Planned>, CabinetError> {
        let entries = self.list().await.entries;
        let mut planned = Vec::with_capacity(assistants.len());
        for assistant in assistants {
            let there = entries.iter().find(|entry| entry.assistant.id == assistant.id);
            let versions = self.versions(&assistant.id).await?;
            let base = versions.first().map_or(0, |version| version.revision);
            planned.push(Planned { effect: effect(&assistant, there), base, assistant });
        }
        Ok(planned)
    }

    /// Keeps what a plan says; those that are there already are left alone. Gives how many were
    /// kept.
    ///
    /// # Errors
    /// As in [`Cabinet::save`]; those before it were kept.
    pub async fn carry_out(
        &self,
        planned: Vec<Planned>,
        note: &str,
        author: &str,
    ) -> Result<usize, CabinetError> {
        let mut kept = 0;
        for each in planned.into_iter().filter(|each| each.effect != Effect::Same) {
            self.save(Saving {
                assistant: each.assistant,
                base: each.base,
                note: note.to_owned(),
                author: author.to_owned(),
            })
            .await?;
            kept += 1;
        }
        Ok(kept)
    }
}

fn effect(assistant: &Assistant, there: Option<&Entry>) -> Effect {
    let Some(entry) = there else { return Effect::Adds };
    let old = entry.assistant.as_ref();
    // The number may have been raised here.
    let same = Assistant { version: old.version, ..assistant.clone() } == *old;
    let (title, version) = (old.title.clone(), old.version);
    match &entry.origin {
        _ if same => Effect::Same,
        Origin::Office { .. } => Effect::Replaces { title, version },
        other => Effect::Covers { title, version, origin: other.label() },
    }
}
