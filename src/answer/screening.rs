//! What people type, before anything else sees it: personal data is masked or refused here, for
//! the page, the form without script, the JSON API, the OpenAI API and the commands alike.

use super::assistant::Filled;
use super::service::Service;
use super::types::{ChatTurn, ServiceError};
use crate::config::Handling;
use crate::guard::personal::{self, Found, Kind, Screened};

/// Parts the turns of a conversation while they are screened as one text, so that a person has the
/// same mark in all of them.
const TURN: char = '\u{1e}';

impl Service {
    /// The personal data of a text, for a page that warns while one types. Nothing is kept.
    pub fn personal_data(&self, text: &str) -> Vec<Found> {
        personal::find(text)
    }

    /// A text as the settings let it through, and what they did; see [`Screened`].
    pub fn screen(&self, text: &str) -> Screened {
        personal::screen(text, self.guard())
    }

    /// What the settings say is done with each kind.
    pub fn personal_rules(&self) -> Vec<(Kind, Handling)> {
        Kind::ALL.into_iter().map(|kind| (kind, kind.handling(self.guard()))).collect()
    }

    /// The text to go on with, and what to tell the person.
    ///
    /// # Errors
    /// It holds what the settings refuse.
    pub(super) fn admissible(&self, text: &str) -> Result<(String, Vec<String>), ServiceError> {
        let screened = self.screen(text);
        match screened.refused.is_empty() {
            true => Ok((screened.text.clone(), screened.notes())),
            false => Err(ServiceError::PersonalData { kinds: screened.refused }),
        }
    }

    /// The same for a text of any length, off the async threads.
    ///
    /// # Errors
    /// As [`Self::admissible`].
    pub(super) async fn admissible_prompt(
        &self,
        text: String,
    ) -> Result<(String, Vec<String>), ServiceError> {
        let service = self.clone();
        let screened = tokio::task::spawn_blocking(move || service.admissible(&text)).await;
        screened.unwrap_or_else(|why| Err(ServiceError::Internal(why.to_string())))
    }

    /// The same for the turns of a conversation.
    ///
    /// # Errors
    /// As [`Self::admissible`].
    pub(super) async fn admissible_turns(
        &self,
        turns: Vec<ChatTurn>,
    ) -> Result<(Vec<ChatTurn>, Vec<String>), ServiceError> {
        let contents: Vec<&str> = turns.iter().map(|turn| turn.content.as_str()).collect();
        let (contents, notes) = self.admissible_parts(&contents).await?;
        let turns = turns.into_iter().zip(contents);
        Ok((turns.map(|(turn, content)| ChatTurn { content, ..turn }).collect(), notes))
    }

    /// The same for what was filled in for an assistant.
    ///
    /// # Errors
    /// As [`Self::admissible`].
    pub(super) async fn admissible_filled(
        &self,
        filled: &Filled,
    ) -> Result<(Filled, Vec<String>), ServiceError> {
        let values: Vec<&str> = filled.values().collect();
        let (values, notes) = self.admissible_parts(&values).await?;
        Ok((filled.with_values(values.into_iter()), notes))
    }

    /// Parts of one matter, screened as one text.
    async fn admissible_parts(
        &self,
        parts: &[&str],
    ) -> Result<(Vec<String>, Vec<String>), ServiceError> {
        let plain: Vec<String> = parts.iter().map(|part| part.replace(TURN, " ")).collect();
        let (text, notes) = self.admissible_prompt(plain.join(TURN.to_string().as_str())).await?;
        Ok((text.split(TURN).map(str::to_owned).collect(), notes))
    }
}
