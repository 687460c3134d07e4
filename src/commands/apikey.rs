//! `kura apikey`: keys of other systems for the OpenAI API.

use serde::Serialize;

use super::accounts::{look, note, with_store};
use super::{Context, Failure, output};
use crate::cli::ApiKeyCommand;
use crate::store::{ApiKey, Happened, NAME_CHARS_MAX};
use crate::text::Lang;

/// A key as JSON; the key itself is never listed.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    system: String,
    created_at: String,
    used_on: String,
    revoked_at: String,
}

impl From<ApiKey> for Listed {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, system, created_at, used_on, revoked_at } = key;
        Self { id, system, created_at, used_on, revoked_at }
    }
}

pub(super) fn run(context: &Context, asked: &ApiKeyCommand) -> Result<(), Failure> {
    match asked {
        ApiKeyCommand::Add { system } => add(context, system),
        ApiKeyCommand::List { json } => list(context, *json),
        ApiKeyCommand::Revoke { id } => revoke(context, id),
    }
}

fn add(context: &Context, system: &str) -> Result<(), Failure> {
    let system = system.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&system.chars().count());
    if !fits || system.chars().any(char::is_control) {
        return Err(Failure::usage(
            format!("システムの名前は、1文字以上{NAME_CHARS_MAX}文字以内の1行にしてください。"),
            format!("the name of a system has 1 to {NAME_CHARS_MAX} characters on one line"),
        ));
    }
    let (added, key) = with_store(context, async |store| {
        let made = store.add_api_key(system).await?;
        note(store, Happened::ApiKeyAdded, system).await?;
        Ok(made)
    })?;
    match context.lang {
        Lang::Ja => say!("「{}」のAPIキーを作りました（ID {}）。", added.system, added.id),
        Lang::En => say!("Made an API key for {} (id {}).", added.system, added.id),
    }
    say!("{}: {key}", context.words("APIキー", "API key"));
    say!(
        "{}",
        context.words(
            "二度と表示されません。システムの設定に直接書き写してください。",
            "It is not shown again; put it into the settings of the system."
        )
    );
    Ok(())
}

fn list(context: &Context, json: bool) -> Result<(), Failure> {
    let keys = look(context, Vec::new(), async |store| Ok(store.api_keys().await?))?;
    if json {
        return output::json(&keys.into_iter().map(Listed::from).collect::<Vec<_>>());
    }
    if keys.is_empty() {
        say!("{}", context.words("APIキーはありません。", "There are no API keys."));
        return Ok(());
    }
    let header = match context.lang {
        Lang::Ja => ["ID", "システム", "作成", "最後の利用", "状態"],
        Lang::En => ["ID", "SYSTEM", "MADE", "LAST USE", "STATE"],
    };
    let day = |stamp: &str| match stamp.get(..10) {
        Some(day) => day.to_owned(),
        None => "-".to_owned(),
    };
    let row = |key: &ApiKey| {
        let state = match key.revoked_at.is_empty() {
            true => context.words("有効", "good"),
            false => context.words("失効", "revoked"),
        };
        let (made, used) = (day(&key.created_at), day(&key.used_on));
        vec![key.id.clone(), key.system.clone(), made, used, state.to_owned()]
    };
    output::table(&header, &keys.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn revoke(context: &Context, id: &str) -> Result<(), Failure> {
    let system = with_store(context, async |store| {
        let known = store.api_keys().await?.into_iter().find(|key| key.id == id);
        match known {
            Some(key) if store.revoke_api_key(id).await? => {
                note(store, Happened::ApiKeyRevoked, &key.system).await?;
                Ok(key.system)
            }
            _ => Err(Failure::new(
                format!(
                    "IDが {id} の有効なAPIキーはありません。システムの名前ではなく、kura apikey list に出るIDを指定してください。"
                ),
                format!("no good API key has the id {id}; give the id that kura apikey list shows"),
            )),
        }
    })?;
    match context.lang {
        Lang::Ja => say!("「{system}」のAPIキーを失効させました。次の要求から使えません。"),
        Lang::En => say!("The API key of {system} is revoked, from the next request on."),
    }
    Ok(())
}
