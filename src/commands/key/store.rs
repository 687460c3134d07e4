//! The folder of keys: `NAME.key`, the secret half in minisign's own encrypted form, and
//! `NAME.pub`. Of other people's keys only the second is there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use minisign::{ErrorKind, KeyPair, SecretKey, SecretKeyBox};
use serde::Serialize;

use super::super::{Context, Failure};
use super::password;
use crate::cli::KeyPlace;
use crate::sync::bundle::id_is_plain;
use crate::sync::trust::{PublicKey, TrustedKey};

/// First words of every minisign file.
const COMMENT: &str = "untrusted comment: ";

/// The folder.
#[derive(Debug)]
pub(in crate::commands) struct Keys {
    dir: PathBuf,
}

/// A key of the folder.
#[derive(Clone, Debug, Serialize)]
pub(in crate::commands) struct Known {
    pub(in crate::commands) name: String,
    /// [`PublicKey::id`]
    pub(in crate::commands) id: String,
    pub(in crate::commands) owner: String,
    pub(in crate::commands) public_key: PublicKey,
    /// Whether it can sign here.
    pub(in crate::commands) secret: bool,
}

impl Known {
    pub(super) fn trusted(&self) -> TrustedKey {
        TrustedKey {
            id: self.id.clone(),
            public_key: self.public_key.clone(),
            owner: self.owner.clone(),
        }
    }
}

/// A key whose password was given.
pub(in crate::commands) struct Unlocked {
    name: String,
    id: String,
    public: minisign::PublicKey,
    secret: SecretKey,
}

impl Unlocked {
    /// Signs: the key's id, and the text of the `.minisig` file.
    pub(in crate::commands) fn sign(
        &self,
        message: &[u8],
        trusted_comment: &str,
    ) -> Result<(String, String), String> {
        let untrusted = format!("signature of the kura key {} ({})", self.name, self.id);
        let comments = (Some(trusted_comment), Some(untrusted.as_str()));
        minisign::sign(Some(&self.public), &self.secret, message, comments.0, comments.1)
            .map(|signature| (self.id.clone(), signature.into_string()))
            .map_err(|why| why.to_string())
    }
}

impl Keys {
    /// The folder that was named, or the person's own. Nothing is made yet.
    pub(in crate::commands) fn of(place: &KeyPlace) -> Result<Self, Failure> {
        if let Some(dir) = &place.keys_dir {
            return Ok(Self { dir: dir.clone() });
        }
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let config = set("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")));
        let config = config.ok_or_else(|| {
            Failure::usage(
                "鍵のフォルダーが分かりません。--keys で指定してください。".to_owned(),
                "there is no home folder for the keys; name one with --keys".to_owned(),
            )
        })?;
        Ok(Self { dir: config.join("kura/keys") })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder above, where root documents are looked for.
    pub(in crate::commands) fn home(&self) -> PathBuf {
        match self.dir.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => self.dir.clone(),
        }
    }

    /// All keys, by name.
    pub(in crate::commands) fn all(&self) -> Result<Vec<Known>, Failure> {
        let listing = match fs::read_dir(&self.dir) {
            Ok(listing) => listing,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(unusable(&self.dir, &why)),
        };
        let mut names = Vec::new();
        for entry in listing {
            let name = entry.map_err(|why| unusable(&self.dir, &why))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".pub"));
            names.extend(name.map(str::to_owned));
        }
        names.sort();
        names.iter().map(|name| self.read(name)).collect()
    }

    /// The key of a name.
    pub(in crate::commands) fn find(&self, name: &str) -> Result<Known, Failure> {
        check_name(name)?;
        if self.public_path(name).exists() {
            return self.read(name);
        }
        let known: Vec<String> = self.all()?.into_iter().map(|key| key.name).collect();
        let (dir, names) = (self.dir.display(), known.join(", "));
        Err(Failure::new(
            format!(
                "{dir}に鍵「{name}」はありません（あるもの：{names}）。kura key new {name} で作るか、その人の公開鍵を{name}.pubという名前で置いてください。"
            ),
            format!(
                "{dir} has no key {name} (it has: {names}); make it with kura key new {name}, or put that person's public key there as {name}.pub"
            ),
        ))
    }

    fn read(&self, name: &str) -> Result<Known, Failure> {
        let path = self.public_path(name);
        let text = fs::read_to_string(&path).map_err(|why| unusable(&path, &why))?;
        let mut lines = text.lines();
        let comment = lines.next().and_then(|line| line.strip_prefix(COMMENT));
        let public_key = lines.next().and_then(|line| PublicKey::parse(line).ok());
        let id = public_key.as_ref().and_then(|key| key.id().ok());
        let (Some(comment), Some(public_key), Some(id)) = (comment, public_key, id) else {
            let path = path.display();
            return Err(Failure::new(
                format!("{path}はminisignの公開鍵ではありません。受け取り直してください。"),
                format!("{path} is no public key of minisign; get it again"),
            ));
        };
        // What the minisign tool writes there names nobody.
        let owner = if comment.starts_with("minisign public key") { name } else { comment.trim() };
        let secret = self.secret_path(name).exists();
        Ok(Known { name: name.to_owned(), id, owner: owner.to_owned(), public_key, secret })
    }

    /// Makes a key pair. What is there is never overwritten.
    pub(super) fn create(
        &self,
        context: &Context,
        name: &str,
        owner: &str,
    ) -> Result<Known, Failure> {
        check_name(name)?;
        check_owner(owner)?;
        let (secret, public) = (self.secret_path(name), self.public_path(name));
        if let Some(taken) = [&secret, &public].into_iter().find(|path| path.exists()) {
            let taken = taken.display();
            return Err(Failure::new(
                format!("{taken}が既にあります。別の名前にしてください。鍵は上書きしません。"),
                format!("{taken} is there already; choose another name: keys are not overwritten"),
            ));
        }
        let password = password::for_new_key(context, name)?;
        let pair = KeyPair::generate_encrypted_keypair(Some(password)).map_err(|why| {
            Failure::new(
                format!("鍵を作れません（{why}）。"),
                format!("cannot make the key: {why}"),
            )
        })?;
        let boxed = pair.sk.to_box(Some(&format!("encrypted secret key {name} of kura")));
        let boxed = boxed.map_err(|why| unusable(&secret, &io::Error::other(why)))?;
        let folder = DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        folder.map_err(|why| unusable(&self.dir, &why))?;
        write_new(&secret, 0o600, &boxed.into_string())?;
        let text = format!("{COMMENT}{owner}\n{}\n", pair.pk.to_base64());
        write_new(&public, 0o644, &text).inspect_err(|_| {
            // A secret half without its public one is of no use, and would be in the way.
            let _ = fs::remove_file(&secret);
        })?;
        self.read(name)
    }

    /// Decrypts the secret half of a key.
    pub(in crate::commands) fn unlock(
        &self,
        context: &Context,
        name: &str,
    ) -> Result<Unlocked, Failure> {
        let known = self.find(name)?;
        let path = self.secret_path(name);
        if !known.secret {
            let dir = self.dir.display();
            return Err(Failure::new(
                format!(
                    "{dir}には{name}の公開鍵しかありません。秘密鍵を持つ人が kura key sign で署名してください。"
                ),
                format!(
                    "{dir} has only the public half of {name}; the person who has the secret one signs with: kura key sign"
                ),
            ));
        }
        let text = fs::read_to_string(&path).map_err(|why| unusable(&path, &why))?;
        let password = password::of_key(context, name)?;
        let secret = SecretKey::from_box(SecretKeyBox::from(text), Some(password));
        let secret = secret.map_err(|why| match why.kind() {
            ErrorKind::Verify => Failure::new(
                format!("鍵「{name}」のパスワードが違います。"),
                format!("that is not the password of key {name}"),
            ),
            _ => Failure::new(
                format!(
                    "{}を秘密鍵として読めません（{why}）。控えから戻してください。",
                    path.display()
                ),
                format!("{} cannot be read as a secret key: {why}; restore it", path.display()),
            ),
        })?;
        let public = minisign::PublicKey::from_secret_key(&secret);
        match public {
            Ok(public) if public.to_base64() == known.public_key.as_str() => {
                Ok(Unlocked { name: known.name, id: known.id, public, secret })
            }
            _ => Err(Failure::new(
                format!("{name}.keyと{name}.pubが別の鍵です。控えから戻してください。"),
                format!("{name}.key and {name}.pub are of different keys; restore them"),
            )),
        }
    }

    fn secret_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key"))
    }

    fn public_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.pub"))
    }
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|why| unusable(path, &why))
}

/// Puts a file in its place, or replaces the one there, whole or not at all, and makes it last.
pub(in crate::commands) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = dir.join(format!(".{name}.new"));
    File::create(&fresh)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path))
        .and_then(|()| File::open(dir)?.sync_all())
        .map_err(|why| unusable(path, &why))
}

fn check_name(name: &str) -> Result<(), Failure> {
    match id_is_plain(name) {
        true => Ok(()),
        false => Err(Failure::usage(
            format!(
                "「{name}」は鍵の名前に使えません。英小文字・数字・. _ - で64文字まで、先頭は英小文字か数字にしてください。"
            ),
            format!(
                "{name:?} is no name for a key: lowercase letters, digits, . _ -, at most 64, a letter or digit first"
            ),
        )),
    }
}

/// The owner stands on one line of a file, and in root documents.
fn check_owner(owner: &str) -> Result<(), Failure> {
    let good = !owner.trim().is_empty()
        && owner.chars().count() <= 100
        && !owner.chars().any(char::is_control);
    match good {
        true => Ok(()),
        false => Err(Failure::usage(
            "--owner は1行、100文字以内にしてください。".to_owned(),
            "--owner takes one line of at most 100 characters".to_owned(),
        )),
    }
}

/// A file or folder of the packing side that cannot be read or written.
pub(in crate::commands) fn unusable(path: &Path, why: &io::Error) -> Failure {
    Failure::new(
        format!("{}を読み書きできません（{why}）。場所と権限を確かめてください。", path.display()),
        format!("cannot read or write {}: {why}", path.display()),
    )
}
