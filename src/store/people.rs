//! People with an account: who they are, what they may do, and the one way from credentials to a
//! person ([`Store::sign_in`]).
//!
//! A directory of the office (LDAP, Active Directory) would come in there: it takes the place of
//! the comparison with the stored hash, and of name, section and disabled, which it then says at
//! each sign-in; role, sessions and everything that belongs to a person stay here, under the same
//! `id`. Rights per document hang on `section` and `role` of the [`Person`] that comes out.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::password::{self, Weak};
use super::{Store, StoreError, new_id, now};
use crate::document::{Person, Role};

/// Id of whoever comes in while there is no account.
pub const SHARED: &str = "shared";
/// Id of the one person of a demo, 試用者: a 管理者, because who tries it wants to see updates,
/// roll-back and accounts as well, and folder and loopback address are theirs alone.
pub const TRIAL: &str = "trial";

/// Longest login, name and section, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is an account with this login.
    #[error("there is an account with this login already")]
    Taken,
    #[error("there is no account with this login")]
    Unknown,
    /// Nobody could manage accounts any more.
    #[error("the last administrator keeps the role and stays enabled")]
    LastAdmin,
    /// Not `[a-z0-9][a-z0-9._@-]*`, or too long.
    #[error(
        "a login has 1 to 64 of a-z, 0-9, '.', '_', '-' and '@', and starts with a letter or digit"
    )]
    Login,
    /// Empty, too long or with control characters: a name or a section.
    #[error("a name and a section have 1 to 64 characters on one line")]
    Name,
    #[error("{0}")]
    Weak(#[from] Weak),
    /// The present password was typed wrongly.
    #[error("the present password is wrong")]
    Wrong,
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Compared in lower case and half width.
    pub login: String,
    pub name: String,
    pub section: String,
    pub role: Role,
    pub password: String,
    /// Whether the first sign-in asks for another password: where somebody else chose this one.
    pub must_change: bool,
}

/// An account as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub person: Person,
    /// Whether the next sign-in asks for another password.
    pub must_change: bool,
    pub disabled: bool,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// RFC 3339 in UTC; empty before the first sign-in.
    pub signed_in_at: String,
}

/// A person who is let in, with what the pages ask of them first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub person: Person,
    pub must_change: bool,
    /// Whether the first-use page was confirmed.
    pub guide_read: bool,
}

impl Store {
    /// Whether anybody has an account, disabled ones included: from then on pages need a sign-in.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_accounts(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM people WHERE kind = 'local'")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::query("count accounts"))?;
        Ok(number(&row, 0)? > 0)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// The login is taken or malformed, the password is weak, or the database fails.
    pub async fn add_account(&self, new: NewAccount) -> Result<Person, AccountError> {
        let person = Person {
            id: new_id(),
            login: plain_login(&new.login).ok_or(AccountError::Login)?,
            name: plain_name(&new.name)?,
            section: plain_name(&new.section)?,
            role: new.role,
        };
        password::check(&new.password, &person.login, &person.name)?;
        if self.account(&person.login).await?.is_some() {
            return Err(AccountError::Taken);
        }
        let hash = password::hash(new.password).await?;
        let written = sqlx::query(
            "INSERT INTO people (id, kind, login, name, section, role, password, must_change, \
             disabled, guide_read_at, created_at, signed_in_at) \
             VALUES ($1, 'local', $2, $3, $4, $5, $6, $7, 0, '', $8, '')",
        )
        .bind(&person.id)
        .bind(&person.login)
        .bind(&person.name)
        .bind(&person.section)
        .bind(person.role.name())
        .bind(hash)
        .bind(i64::from(new.must_change))
        .bind(now())
        .execute(&self.pool)
        .await;
        match written {
            Ok(_) => Ok(person),
            // Somebody else was quicker.
            Err(sqlx::Error::Database(why)) if why.is_unique_violation() => {
                Err(AccountError::Taken)
            }
            Err(why) => Err(StoreError::query("add an account")(why).into()),
        }
    }

    /// All accounts, by section and login.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, login, name, section, role, must_change, disabled, created_at, \
             signed_in_at FROM people WHERE kind = 'local' ORDER BY section, login",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list accounts"))?;
        rows.iter().map(account).collect()
    }

    /// The account with a login; `None` where there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn account(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let Some(login) = plain_login(login) else { return Ok(None) };
        let row = sqlx::query(
            "SELECT id, login, name, section, role, must_change, disabled, created_at, \
             signed_in_at FROM people WHERE kind = 'local' AND login = $1",
        )
        .bind(login)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read an account"))?;
        row.as_ref().map(account).transpose()
    }

    /// Who stands for all who come in: [`SHARED`] or [`TRIAL`].
    ///
    /// # Errors
    /// There is no such person, or the database cannot be read.
    pub async fn resident(&self, id: &str) -> Result<Standing, StoreError> {
        let row = sqlx::query(
            "SELECT id, login, name, section, role, must_change, guide_read_at FROM people \
             WHERE id = $1 AND kind <> 'local'",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::query("read a person"))?;
        standing(&row)
    }

    /// The one way from credentials to a person. `None` for a wrong name, a wrong password or a
    /// disabled account, after the same work in all three cases: neither the answer nor its time
    /// tells which.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sign_in(&self, login: &str, given: &str) -> Result<Option<Person>, StoreError> {
        let login = plain_login(login).unwrap_or_default();
        let row = sqlx::query(
            "SELECT id, login, name, section, role, password FROM people \
             WHERE kind = 'local' AND disabled = 0 AND login = $1",
        )
        .bind(login)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read an account"))?;
        let hash = row.as_ref().map(|row| text(row, 5)).transpose()?;
        let right = password::matches(given.to_owned(), hash).await?;
        match (row, right) {
            (Some(row), true) => person(&row).map(Some),
            _ => Ok(None),
        }
    }

    /// Changes one's own password and ends all of one's sessions.
    ///
    /// # Errors
    /// The present password is wrong, the new one is weak or the same, or the database fails.
    pub async fn change_password(
        &self,
        person: &Person,
        present: &str,
        new: String,
    ) -> Result<(), AccountError> {
        if self.sign_in(&person.login, present).await?.as_ref() != Some(person) {
            return Err(AccountError::Wrong);
        }
        password::check(&new, &person.login, &person.name)?;
        if password::same(present, &new) {
            return Err(Weak::Same.into());
        }
        self.set_password(&person.id, new, false).await
    }

    /// Gives an account another password, which its owner has to change, and ends its sessions.
    ///
    /// # Errors
    /// There is no such account, the password is weak, or the database fails.
    pub async fn reset_password(&self, login: &str, new: String) -> Result<Person, AccountError> {
        let person = self.account(login).await?.ok_or(AccountError::Unknown)?.person;
        password::check(&new, &person.login, &person.name)?;
        self.set_password(&person.id, new, true).await?;
        Ok(person)
    }

    async fn set_password(
        &self,
        id: &str,
        new: String,
        must_change: bool,
    ) -> Result<(), AccountError> {
        let hash = password::hash(new).await?;
        sqlx::query("UPDATE people SET password = $1, must_change = $2 WHERE id = $3")
            .bind(hash)
            .bind(i64::from(must_change))
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("change a password"))?;
        Ok(self.end_sessions_of(id).await?)
    }

    /// Disables or enables an account; disabling ends its sessions. Nothing of a person is deleted.
    ///
    /// # Errors
    /// There is no such account, it is the last administrator's, or the database fails.
    pub async fn set_disabled(&self, login: &str, disabled: bool) -> Result<Person, AccountError> {
        let account = self.account(login).await?.ok_or(AccountError::Unknown)?;
        let query = match disabled {
            true => {
                "UPDATE people SET disabled = 1 WHERE id = $1 AND (role <> 'admin' OR EXISTS \
                 (SELECT 1 FROM people AS other WHERE other.kind = 'local' AND other.id <> $1 \
                 AND other.role = 'admin' AND other.disabled = 0))"
            }
            false => "UPDATE people SET disabled = 0 WHERE id = $1",
        };
        let changed = sqlx::query(query)
            .bind(&account.person.id)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("disable an account"))?;
        if changed.rows_affected() == 0 {
            return Err(AccountError::LastAdmin);
        }
        if disabled {
            self.end_sessions_of(&account.person.id).await?;
        }
        Ok(account.person)
    }

    /// Changes role, name and section of an account. Its sessions go on, with the new role from the
    /// next request.
    ///
    /// # Errors
    /// There is no such account, it is the last administrator's, or the database fails.
    pub async fn change_account(
        &self,
        login: &str,
        role: Role,
        name: &str,
        section: &str,
    ) -> Result<Person, AccountError> {
        let before = self.account(login).await?.ok_or(AccountError::Unknown)?.person;
        let (name, section) = (plain_name(name)?, plain_name(section)?);
        let changed = sqlx::query(
            "UPDATE people SET role = $1, name = $2, section = $3 WHERE id = $4 AND \
             ($1 = 'admin' OR role <> 'admin' OR disabled = 1 OR EXISTS \
             (SELECT 1 FROM people AS other WHERE other.kind = 'local' AND other.id <> $4 \
             AND other.role = 'admin' AND other.disabled = 0))",
        )
        .bind(role.name())
        .bind(&name)
        .bind(&section)
        .bind(&before.id)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("change an account"))?;
        match changed.rows_affected() {
            0 => Err(AccountError::LastAdmin),
            _ => Ok(Person { role, name, section, ..before }),
        }
    }

    /// Whether a person confirmed the first-use page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_read_guide(&self, person: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT guide_read_at FROM people WHERE id = $1")
            .bind(person)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read whether the guide was read"))?;
        row.map_or(Ok(false), |row| Ok(!text(&row, 0)?.is_empty()))
    }

    /// Notes that a person confirmed the first-use page; the first time counts.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn confirm_guide(&self, person: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE people SET guide_read_at = $1 WHERE id = $2 AND guide_read_at = ''")
            .bind(now())
            .bind(person)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::query("note that the guide was read"))
    }
}

/// A login in its one form; `None` where it cannot be one.
pub fn plain_login(given: &str) -> Option<String> {
    let login = crate::text::normalize(given.trim()).to_lowercase();
    let starts = login.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    let fits = login.chars().all(allowed) && login.len() <= NAME_CHARS_MAX;
    (starts && fits).then_some(login)
}

fn plain_name(given: &str) -> Result<String, AccountError> {
    let name = given.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    match fits && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err(AccountError::Name),
    }
}

/// The columns id, login, name, section, role, which come first.
pub(super) fn person(row: &AnyRow) -> Result<Person, StoreError> {
    let role = text(row, 4)?;
    let known = Role::ALL.iter().find(|(_, name)| *name == role);
    Ok(Person {
        id: text(row, 0)?,
        login: text(row, 1)?,
        name: text(row, 2)?,
        section: text(row, 3)?,
        // A role that this program does not know gives the fewest rights.
        role: known.map_or(Role::Staff, |(role, _)| *role),
    })
}

/// After those of [`person`]: must_change, guide_read_at.
pub(super) fn standing(row: &AnyRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        person: person(row)?,
        must_change: number(row, 5)? != 0,
        guide_read: !text(row, 6)?.is_empty(),
    })
}

fn account(row: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        person: person(row)?,
        must_change: number(row, 5)? != 0,
        disabled: number(row, 6)? != 0,
        created_at: text(row, 7)?,
        signed_in_at: text(row, 8)?,
    })
}

pub(super) fn text(row: &AnyRow, at: usize) -> Result<String, StoreError> {
    row.try_get(at).map_err(StoreError::query("read a text"))
}

pub(super) fn number(row: &AnyRow, at: usize) -> Result<i64, StoreError> {
    row.try_get(at).map_err(StoreError::query("read a number"))
}

#[cfg(test)]
mod tests;
