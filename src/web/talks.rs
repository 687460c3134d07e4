//! Conversations (会話): where a question goes on, what is kept of it, and the pages on which a
//! person finds, reads, renames, exports and deletes their own.
//!
//! Whose they are comes from the [`Asker`] alone. There is no way to anybody else's, for
//! administrators neither. Where nobody is signed in nothing is kept here, and the page keeps a
//! list in its tab instead.

mod pages;
mod recording;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::AppState;
use super::asker::Asker;
use super::form::Form;
use super::problem::Problem;
use crate::answer::{Earlier, Selection};
use crate::store::{Conversation, Place, SHARED, Setting, Store};

pub(crate) use recording::{Recorder, Recording};

/// Name of the header that tells the page in which conversation its answer is kept.
pub(crate) const HEADER: &str = "kura-conversation";

/// Conversations beside the desk.
const BESIDE: u32 = 8;

/// Turns that a question may go on from.
const EARLIER: usize = 8;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/conversations", get(list))
        .route("/conversations", get(pages::all))
        .route("/conversations/export", get(pages::export))
        .route("/conversations/keep", post(pages::keep))
        .route("/conversations/delete", post(pages::delete_all))
        .route("/conversations/{id}", get(pages::one))
        .route("/conversations/{id}/rename", post(pages::rename))
        .route("/conversations/{id}/delete", post(pages::delete))
}

/// Somebody whose conversations are kept.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    pub(crate) store: Store,
    /// Id of the person.
    pub(crate) person: String,
}

impl Keeper {
    /// `None` where nobody stands behind a request: what all share would be read by all.
    pub(crate) fn of(state: &AppState, asker: &Asker) -> Option<Self> {
        let store = state.door.store().ok().filter(|_| asker.0.id != SHARED)?;
        Some(Self { store: store.clone(), person: asker.0.id.clone() })
    }

    /// The same where a page makes no sense without.
    pub(crate) fn required(state: &AppState, asker: &Asker) -> Result<Self, Problem> {
        Self::of(state, asker).ok_or(Problem::NoRoute)
    }

    /// A conversation of the person. Somebody else's is as good as none.
    pub(crate) async fn conversation(&self, id: &str) -> Result<Conversation, Problem> {
        self.store.conversation(&self.person, id).await?.ok_or(Problem::NoRoute)
    }

    /// What the desk shows: the conversation that goes on, where it is (still) there, and the last
    /// ones.
    pub(crate) async fn beside(&self, current: Option<&str>) -> Result<Beside, Problem> {
        let current = match current.filter(|id| !id.is_empty()) {
            Some(id) => self.store.conversation(&self.person, id).await?,
            None => None,
        };
        let latest = self.store.conversations(&self.person, "", BESIDE).await?;
        Ok(Beside { current, latest })
    }

    /// The choice of data of the person's last question.
    pub(crate) async fn choice(&self) -> Result<Option<Selection>, Problem> {
        let kept = self.store.setting(&self.person, Setting::Choice).await?;
        // One that an older program wrote and this one can't read is no choice.
        Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
    }

    async fn remember(&self, selection: &Selection) -> Result<(), Problem> {
        let choice = json!(selection).to_string();
        Ok(self.store.set(&self.person, Setting::Choice, &choice).await?)
    }
}

/// What the desk shows of a person's conversations.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) current: Option<Conversation>,
    pub(crate) latest: Vec<Conversation>,
}

/// The conversation of one question.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    keeper: Keeper,
    place: Place,
    /// What was said in it before.
    pub(crate) earlier: Vec<Earlier>,
}

impl Talk {
    /// The conversation that a request names, or a new one; `None` where nothing is kept.
    ///
    /// # Errors
    /// The request names a conversation that is not the person's.
    pub(crate) async fn of(
        state: &AppState,
        asker: &Asker,
        named: Option<&str>,
    ) -> Result<Option<Self>, Problem> {
        let named = named.filter(|id| !id.is_empty());
        let Some(keeper) = Keeper::of(state, asker) else {
            return if named.is_some() { Err(Problem::NoRoute) } else { Ok(None) };
        };
        let Some(id) = named else {
            let place = Place::new(&keeper.person);
            return Ok(Some(Self { keeper, place, earlier: Vec::new() }));
        };
        keeper.conversation(id).await?;
        let turns = keeper.store.turns(&keeper.person, id).await?;
        let from = turns.len().saturating_sub(EARLIER);
        let earlier = turns.into_iter().skip(from);
        let earlier =
            earlier.map(|turn| Earlier { question: turn.question, answer: turn.answer }).collect();
        let place = Place::of(&keeper.person, id);
        Ok(Some(Self { keeper, place, earlier }))
    }

    /// Its id, known before anything is kept.
    pub(crate) fn id(&self) -> &str {
        &self.place.conversation
    }

    /// Whose it is.
    pub(crate) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// What will keep the answer to a question. `question` is as it was admitted: masked.
    pub(crate) async fn recorder(
        &self,
        question: String,
        selection: &Selection,
    ) -> Result<Recorder, Problem> {
        self.keeper.remember(selection).await?;
        let store = self.keeper.store.clone();
        Ok(Recorder::new(store, self.place.clone(), question, selection))
    }
}

/// `?q=` words to search for. The last ones, as JSON.
async fn list(
    State(state): State<AppState>,
    asker: Asker,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let words = query.first("q").unwrap_or_default();
    let found = keeper.store.conversations(&keeper.person, words, BESIDE).await?;
    let row = |each: &Conversation| {
        let used = super::view::local_time(&each.used_at);
        json!({"id": each.id, "title": each.title, "used_at": used, "turns": each.turns})
    };
    let rows: Vec<Value> = found.iter().map(row).collect();
    Ok(Json(json!({"conversations": rows})))
}
