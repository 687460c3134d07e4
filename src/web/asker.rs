//! Who asks: the one place where a request becomes a [`Person`], and what each path asks of them.
//!
//! The gate calls [`Door::find`] for every request and puts the [`Asker`] into it; handlers take it
//! as an extractor. A later single sign-on of the office (Kerberos, a header of a reverse proxy)
//! comes in here, beside the cookie; a directory behind name and password comes in at
//! `Store::sign_in`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use super::problem::{Audience, Problem};
use super::throttle::Throttle;
use crate::document::{Person, Role};
use crate::store::{SHARED, Standing, Store, StoreError, TRIAL};

/// The person of a request. Without accounts it is one that all share ([`Asker::is_shared`]).
#[derive(Clone, Debug)]
pub(crate) struct Asker(pub(crate) Person);

impl Asker {
    /// True where many people may stand behind it: no account was used.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0.id.as_str(), SHARED | TRIAL)
    }

    /// Refuses those who lack a role.
    pub(crate) fn must_be(&self, role: Role) -> Result<(), Problem> {
        match self.0.role >= role {
            true => Ok(()),
            false => Err(Problem::NotAllowed { role }),
        }
    }

    /// As a record names them, 「総務課 山田 花子」, or, where many share, as they call themselves:
    /// nobody who is signed in acts under another name.
    pub(crate) fn or_called(&self, called: &str) -> String {
        match self.is_shared() {
            true => called.to_owned(),
            false => format!("{} {}", self.0.section, self.0.name).trim().to_owned(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        of(&parts.extensions)
    }
}

/// The person of a request that is at hand as a whole.
pub(crate) fn of(extensions: &Extensions) -> Result<Asker, Problem> {
    // Every request passes the gate; one that did not gets no rights.
    extensions.get::<Asker>().cloned().ok_or(Problem::SignIn)
}

/// What `turn` in the queue of answers is counted by; `None` where the address has to do.
pub(crate) fn turn(extensions: &Extensions) -> Option<&str> {
    let asker = extensions.get::<Asker>()?;
    (!asker.is_shared()).then_some(asker.0.id.as_str())
}

/// The role that a path asks for once people have accounts.
pub(crate) fn role_for(path: &str) -> Role {
    const OF_ADMINS: [&str; 3] = ["/updates", "/api/updates", "/people"];
    let under = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match OF_ADMINS.iter().any(|prefix| under(prefix)) {
        true => Role::Admin,
        false => Role::Staff,
    }
}

/// Paths that other systems call with a key of their own.
pub(crate) fn is_for_systems(path: &str) -> bool {
    Audience::of(path) == Audience::OpenAi || matches!(path, "/metrics" | "/api/search")
}

/// Accounts as the web side knows them.
#[derive(Debug)]
pub(crate) struct Door {
    store: Option<Store>,
    /// Whether everybody is the person of a demo.
    trial: bool,
    /// Once true it stays: accounts are disabled, never deleted.
    has_accounts: AtomicBool,
    pub(crate) throttle: Throttle,
}

impl Door {
    pub(crate) fn new(store: Option<Store>, trial: bool) -> Arc<Self> {
        Arc::new(Self {
            store,
            trial,
            has_accounts: AtomicBool::new(false),
            throttle: Throttle::default(),
        })
    }

    /// The database; a server without one has no accounts.
    pub(crate) fn store(&self) -> Result<&Store, Problem> {
        self.store.as_ref().ok_or(Problem::NoRoute)
    }

    /// Whether pages need a sign-in: somebody has an account, and it is no demo.
    pub(crate) async fn is_closed(&self) -> Result<bool, Problem> {
        Ok(!self.trial && self.has_accounts().await?.unwrap_or(false))
    }

    /// `None` without a database.
    pub(crate) async fn has_accounts(&self) -> Result<Option<bool>, Problem> {
        let Some(store) = &self.store else { return Ok(None) };
        if !self.has_accounts.load(Ordering::Relaxed) && store.has_accounts().await? {
            self.has_accounts.store(true, Ordering::Relaxed);
        }
        Ok(Some(self.has_accounts.load(Ordering::Relaxed)))
    }

    /// Who holds the session of a browser.
    pub(crate) async fn session(&self, token: Option<&str>) -> Result<Option<Standing>, Problem> {
        match (&self.store, token) {
            (Some(store), Some(token)) => Ok(store.session(token).await?),
            _ => Ok(None),
        }
    }

    /// Whoever comes in without an account.
    pub(crate) async fn resident(&self) -> Result<Standing, Problem> {
        let id = if self.trial { TRIAL } else { SHARED };
        let Some(store) = &self.store else {
            let (id, name) = (id.to_owned(), "共用".to_owned());
            let login = format!("({id})");
            let person = Person { id, login, name, section: String::new(), role: Role::Admin };
            return Ok(Standing { person, must_change: false, guide_read: true });
        };
        let standing = store.resident(id).await?;
        // Nobody can confirm for all who share.
        Ok(Standing { guide_read: standing.guide_read || !self.trial, ..standing })
    }

    /// The system whose key a request carries, as a person with the fewest rights.
    pub(crate) async fn system(&self, key: Option<&[u8]>) -> Result<Option<Asker>, Problem> {
        let (Some(store), Some(key)) = (&self.store, key) else { return Ok(None) };
        let Ok(key) = std::str::from_utf8(key) else { return Ok(None) };
        let found = store.system_of(key).await?;
        Ok(found.map(|(id, name)| Asker(system(&id, name))))
    }
}

/// Another system as a person.
pub(crate) fn system(id: &str, name: String) -> Person {
    let (id, section) = (format!("system:{id}"), String::new());
    Person { login: name.clone(), id, name, section, role: Role::Staff }
}

/// The value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(axum::http::header::COOKIE).iter();
    let mut pairs = lines
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='));
    pairs.find(|(each, _)| each.trim() == name).map(|(_, value)| value.trim())
}

impl From<StoreError> for Problem {
    /// Fails closed: without the database nobody is anybody.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed");
        Self::NoStore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_and_accounts_are_for_administrators() {
        for (path, role) in [
            ("/updates", Role::Admin),
            ("/updates/rollback", Role::Admin),
            ("/updates/ledger.csv", Role::Admin),
            ("/api/updates", Role::Admin),
            ("/api/updates/1/commit", Role::Admin),
            ("/people", Role::Admin),
            ("/people/add", Role::Admin),
            ("/peoples", Role::Staff),
            ("/account", Role::Staff),
            ("/", Role::Staff),
        ] {
            assert_eq!(role_for(path), role, "{path}");
        }
    }
}
