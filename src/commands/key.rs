//! `kura key …`: the keys that sign updates, and the root documents that say which of them count.
//!
//! The only place, with `pack`, that holds secret keys: an appliance has public ones only.

mod password;
mod root;
mod rules;
mod sign;
mod store;

use serde::Serialize;

use super::{Context, Failure, output};
use crate::cli::{KeyCommand, RootCommand};
use crate::text::Lang;

pub(super) use root::{newest, not_a_signer, read_roots};
pub(super) use rules::{count, enough};
pub(super) use store::{Keys, Known, Unlocked, replace, unusable};

pub(super) fn run(context: &Context, asked: &KeyCommand) -> Result<(), Failure> {
    match asked {
        KeyCommand::New { name, owner, place } => {
            let keys = Keys::of(place)?;
            let key = keys.create(context, name, owner.as_deref().unwrap_or(name))?;
            tell_new(context, &keys, &key);
            Ok(())
        }
        KeyCommand::List { json, place } => list(context, &Keys::of(place)?, *json),
        KeyCommand::Root(RootCommand::Init(args)) => root::init(context, args),
        KeyCommand::Root(RootCommand::Show { dir, json, place }) => {
            let dir = match dir {
                Some(dir) => dir.clone(),
                None => Keys::of(place)?.home(),
            };
            root::show(context, &dir, *json)
        }
        KeyCommand::Rotate(args) => root::rotate(context, args),
        KeyCommand::Sign { file, names, place } => {
            sign::run(context, &Keys::of(place)?, file, names)
        }
    }
}

fn tell_new(context: &Context, keys: &Keys, key: &Known) {
    let (name, dir) = (&key.name, keys.dir().display());
    match context.lang {
        Lang::Ja => {
            say!("鍵「{name}」を{dir}に作りました。");
            say!("ID: {}", key.id);
            say!("公開鍵: {}", key.public_key.as_str());
            say!(
                "秘密鍵（{name}.key）とパスワードの控えを、別々の場所に保管してください。失うと、この鍵では署名できなくなります。"
            );
        }
        Lang::En => {
            say!("Key {name} is made in {dir}.");
            say!("Id: {}", key.id);
            say!("Public key: {}", key.public_key.as_str());
            say!(
                "Keep a copy of the secret key ({name}.key) and one of the password, in two places: without them nobody can sign with it."
            );
        }
    }
}

fn list(context: &Context, keys: &Keys, json: bool) -> Result<(), Failure> {
    let all = keys.all()?;
    if json {
        return output::json(&all);
    }
    if all.is_empty() {
        let dir = keys.dir().display();
        match context.lang {
            Lang::Ja => say!("{dir}に鍵はありません。kura key new 名前 で作ります。"),
            Lang::En => say!("There are no keys in {dir}. Make one with: kura key new NAME"),
        }
        return Ok(());
    }
    let header = match context.lang {
        Lang::Ja => ["名前", "ID", "秘密鍵", "持ち主", "公開鍵"],
        Lang::En => ["NAME", "ID", "SECRET", "OWNER", "PUBLIC KEY"],
    };
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|key| {
            let secret = if key.secret {
                context.words("あり", "here")
            } else {
                context.words("なし", "elsewhere")
            };
            let public = key.public_key.as_str();
            [&key.name, &key.id, secret, &key.owner, public].map(str::to_owned).to_vec()
        })
        .collect();
    output::table(&header, &rows);
    Ok(())
}

/// How many of a role's keys have signed a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Signatures {
    /// `dataset`, `root`, or `root 1` for the document before.
    pub(super) role: String,
    pub(super) signed: usize,
    pub(super) needed: u32,
}

impl Signatures {
    fn complete(&self) -> bool {
        u32::try_from(self.signed).unwrap_or(u32::MAX) >= self.needed
    }
}

/// Says how many signatures there are, and what to do where some are missing.
pub(super) fn tell_signatures(context: &Context, of: &[Signatures]) {
    for Signatures { role, signed, needed } in of {
        match context.lang {
            Lang::Ja => say!("署名（{role}）: {needed}件必要、{signed}件あり"),
            Lang::En => say!("Signatures ({role}): {signed} ({needed} needed)"),
        }
    }
    if !of.iter().all(Signatures::complete) {
        say!(
            "{}",
            context.words(
                "署名が足りません。ほかの鍵を持つ人が kura key sign で署名を加えるまで、機器は受け付けません。",
                "More signatures are needed: appliances refuse it until the owners of other keys have added theirs with kura key sign."
            )
        );
    }
}
