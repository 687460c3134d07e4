//! The account of the first administrator, in the database that the service will open.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use super::super::accounts::note;
use super::super::{Failure, serve};
use super::answers::Answers;
use crate::document::Role;
use crate::store::{AccountError, FILE, Happened, NewAccount, Store, one_time};

/// Section of an administrator of whom only a name was given.
const SECTION: &str = "情報担当";

/// What became of the account.
pub(super) enum First {
    /// Nobody was named.
    None,
    /// It is there; the password is shown once.
    Made { login: String, password: String },
    /// There was one with this login.
    Known { login: String },
    /// There is no data folder of the service yet.
    Later,
}

/// Makes the account. The settings are written by then, and stay where this fails.
pub(super) fn make(data_dir: &Path, answers: &Answers) -> Result<First, Failure> {
    if answers.administrator.is_empty() {
        return Ok(First::None);
    }
    // The package makes the folder, and for whom; made here it would be root's.
    let Ok(folder) = std::fs::metadata(data_dir) else { return Ok(First::Later) };
    let made = serve::runtime()?.block_on(add(data_dir, answers));
    let handed = hand_over(data_dir, (folder.uid(), folder.gid()));
    let made = made?;
    handed.map(|()| made)
}

async fn add(data_dir: &Path, answers: &Answers) -> Result<First, Failure> {
    let store = Store::open(data_dir).await?;
    let (section, name) = match answers.administrator.split_once(char::is_whitespace) {
        Some((section, name)) => (section, name.trim()),
        None => (SECTION, answers.administrator.as_str()),
    };
    let password = one_time();
    let new = NewAccount {
        login: answers.administrator_login.clone(),
        name: name.to_owned(),
        section: section.to_owned(),
        role: Role::Admin,
        password: password.clone(),
        must_change: true,
    };
    let first = match store.add_account(new).await {
        Ok(person) => {
            note(&store, Happened::AccountAdded, &person.login).await?;
            First::Made { login: person.login, password }
        }
        Err(AccountError::Taken) => First::Known { login: answers.administrator_login.clone() },
        Err(why) => return Err(why.into()),
    };
    store.close().await;
    Ok(first)
}

/// Setup runs as root: the file goes to the user of the service, whose folder it is in.
fn hand_over(data_dir: &Path, (uid, gid): (u32, u32)) -> Result<(), Failure> {
    for end in ["", "-wal", "-shm"] {
        let path = data_dir.join(format!("{FILE}{end}"));
        let Ok(meta) = std::fs::metadata(&path) else { continue };
        if meta.uid() == uid {
            continue;
        }
        chown(&path, Some(uid), Some(gid)).map_err(|why| {
            let path = path.display();
            Failure::new(
                format!("{path}の持ち主をサービスの利用者に変えられません（{why}）。sudo chown kura: {path} を実行してください。"),
                format!("cannot give {path} to the service's user: {why}; run sudo chown kura: {path}"),
            )
        })?;
    }
    Ok(())
}
