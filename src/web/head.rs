//! Whose page it is, for the head that all pages share.
//!
//! The head belongs to every template, also to those of refusals, which the edge renders. So it is
//! kept beside the request for as long as that runs, instead of as a field of each page: no page
//! can be without it, or show it for somebody else.

use std::sync::OnceLock;

use super::asker::Asker;
use crate::document::Role;
use crate::store::SHARED;

tokio::task_local! {
    static HEAD: OnceLock<Head>;
}

/// What the head shows of a person.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) section: String,
    /// Whether there is a session to end and a password to change.
    pub(crate) has_account: bool,
    pub(crate) is_admin: bool,
    /// Records that wait for a step of this person.
    pub(crate) waiting: usize,
    /// As a record names the person.
    signature: String,
    /// Whether there is anybody to name.
    pub(crate) is_named: bool,
}

/// Runs a request; nobody is known yet.
pub(crate) async fn scope<T>(request: impl Future<Output = T>) -> T {
    HEAD.scope(OnceLock::new(), request).await
}

/// Says who it is, and how much waits for them; the first word counts.
pub(crate) fn tell(asker: &Asker, waiting: usize) {
    let person = &asker.0;
    let head = Head {
        name: person.name.clone(),
        section: person.section.clone(),
        signature: asker.or_called(""),
        has_account: !asker.is_shared(),
        is_admin: person.role >= Role::Admin,
        waiting,
        is_named: person.id != SHARED,
    };
    // Outside of a request nobody reads it.
    let _ = HEAD.try_with(|told| told.set(head));
}

/// Whose page is being rendered; `None` before anybody is known.
pub(crate) fn current() -> Option<Head> {
    HEAD.try_with(|told| told.get().cloned()).ok().flatten()
}

/// Whether the foot leads to the updates: not for those whom they would refuse.
pub(crate) fn sees_updates() -> bool {
    current().is_none_or(|head| head.is_admin)
}

/// Whether somebody is signed in, whose name a form need not ask for.
pub(crate) fn has_account() -> bool {
    current().is_some_and(|head| head.has_account)
}

/// The name for such a form.
pub(crate) fn signature() -> String {
    current().map(|head| head.signature).unwrap_or_default()
}
