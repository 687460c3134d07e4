//! What the answers become on disk: `kura.toml`, the drop-in of `kura.socket` with the address,
//! and that of `kura.service` with the key of the certificate.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::super::Failure;
use super::Places;
use super::answers::Answers;
use crate::config::{Config, Overrides};
use crate::text::Lang;

/// The service's group, which reads the settings.
const GROUP: &str = "kura";
/// The key as `LoadCredential=` of kura.service hands it over.
const CREDENTIAL: &str = "credential:tls.key";

/// A file to write.
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) text: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Holds the access key; read back as the service reads it.
    Settings,
    /// For systemd; everyone may read it.
    DropIn,
}

/// What was written.
pub(super) struct Written {
    pub(super) paths: Vec<PathBuf>,
    /// The files before, where some were replaced.
    pub(super) kept: Vec<PathBuf>,
    /// Whether the service's user may read the settings.
    pub(super) readable_by_service: bool,
}

/// The files, in the order in which they are written. `secrets_hidden` is for showing them.
pub(super) fn plan(answers: &Answers, places: &Places, secrets_hidden: bool) -> Vec<Planned> {
    let mut planned = vec![Planned {
        path: places.settings.clone(),
        text: settings(answers, places.systemd.is_some(), secrets_hidden),
        kind: Kind::Settings,
    }];
    let Some(systemd) = &places.systemd else {
        return planned;
    };
    let mut socket = format!(
        "# kura setup: the address of the page and the APIs.\n\
         [Socket]\nListenStream=\nListenStream={}\n",
        answers.address
    );
    for network in &answers.allow {
        socket.push_str(&format!("IPAddressAllow={network}\n"));
    }
    planned.push(Planned {
        path: systemd.join("kura.socket.d/address.conf"),
        text: socket,
        kind: Kind::DropIn,
    });
    if !answers.key.is_empty() {
        planned.push(Planned {
            path: systemd.join("kura.service.d/tls.conf"),
            text: format!(
                "# kura setup: the key may stay readable by root alone.\n\
                 [Service]\nLoadCredential=tls.key:{}\n",
                // systemd expands what follows a percent sign.
                answers.key.replace('%', "%%")
            ),
            kind: Kind::DropIn,
        });
    }
    planned
}

fn settings(answers: &Answers, with_credential: bool, secrets_hidden: bool) -> String {
    let key_path = if with_credential { CREDENTIAL } else { &answers.key };
    let access_key = if secrets_hidden { "…" } else { &answers.access_key };
    let mut text = format!(
        "# kura setupが書きました。すべての設定の説明は /usr/share/doc/kura/kura.toml にあります。\n\
         # Written by kura setup. All settings are explained in /usr/share/doc/kura/kura.toml.\n\
         listen = {}\n",
        quoted(&answers.address)
    );
    if !answers.access_key.is_empty() {
        text.push_str(&format!("access_key = {}\n", quoted(access_key)));
    }
    if !answers.certificate.is_empty() {
        text.push_str(&format!("tls_certificate = {}\n", quoted(&answers.certificate)));
        text.push_str(&format!("tls_key = {}\n", quoted(key_path)));
    }
    text.push_str(&format!(
        "\n[sync]\ntrusted_root = {}\noperator = {}\n",
        quoted(&answers.trusted_root),
        quoted(&answers.administrator)
    ));
    text
}

/// As a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes all of them, or says which one is in the way before the first is written.
pub(super) fn write_all(planned: &[Planned], force: bool) -> Result<Written, Failure> {
    if let Some(in_the_way) = planned.iter().find(|file| !force && file.path.exists()) {
        return Err(exists_already(&in_the_way.path));
    }
    let mut written = Written { paths: Vec::new(), kept: Vec::new(), readable_by_service: true };
    for file in planned {
        let failed = |why: io::Error| cannot_write(&file.path, &why);
        let folder = match file.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut temporary = NamedTempFile::new_in(folder).map_err(failed)?;
        temporary.write_all(file.text.as_bytes()).map_err(failed)?;
        match file.kind {
            Kind::Settings => {
                written.readable_by_service = hand_to_service(temporary.path());
                let mode = Permissions::from_mode(0o640);
                temporary.as_file().set_permissions(mode).map_err(failed)?;
                read_back(temporary.path())?;
            }
            Kind::DropIn => {
                let mode = Permissions::from_mode(0o644);
                temporary.as_file().set_permissions(mode).map_err(failed)?;
            }
        }
        temporary.as_file().sync_all().map_err(failed)?;
        if file.path.exists() && force {
            written.kept.push(keep(&file.path, folder).map_err(failed)?);
            temporary.persist(&file.path).map_err(|why| failed(why.error))?;
        } else {
            temporary.persist_noclobber(&file.path).map_err(|why| match why.error.kind() {
                io::ErrorKind::AlreadyExists => exists_already(&file.path),
                _ => failed(why.error),
            })?;
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        written.paths.push(file.path.clone());
    }
    Ok(written)
}

/// Copies a file to its name with `.bak`, with its permissions, whole or not at all.
fn keep(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    let mut kept = path.as_os_str().to_owned();
    kept.push(".bak");
    let kept = PathBuf::from(kept);
    let temporary = NamedTempFile::new_in(folder)?;
    fs::copy(path, temporary.path())?;
    temporary.as_file().sync_all()?;
    temporary.persist(&kept)?;
    Ok(kept)
}

/// Lets the service's group read a file. False where the group does not exist yet, or giving it
/// needs more rights than ours; both end in advice, for the file is good.
fn hand_to_service(path: &Path) -> bool {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let gid = groups.lines().find_map(|line| match line.split(':').collect::<Vec<_>>()[..] {
        [GROUP, _, gid, ..] => gid.parse::<u32>().ok(),
        _ => None,
    });
    gid.is_some_and(|gid| chown(path, None, Some(gid)).is_ok())
}

/// The service's own loader takes them.
fn read_back(path: &Path) -> Result<(), Failure> {
    let given = Overrides { file: Some(path.to_owned()), ..Overrides::default() };
    match Config::load(Config::default(), &given) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::usage(
            format!(
                "この回答からは正しい設定ができません。何も書いていません。{}",
                error.message(Lang::Ja)
            ),
            format!(
                "these answers make no valid settings; nothing was written. {}",
                error.message(Lang::En)
            ),
        )),
    }
}

pub(super) fn exists_already(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(
        format!(
            "{path}がすでにあります。置き換えるには --force を付けてください（元のファイルは .bak に残ります）。"
        ),
        format!("{path} exists; replace it with --force (the old file is kept as .bak)"),
    )
}

fn cannot_write(path: &Path, why: &io::Error) -> Failure {
    let path = path.display();
    match why.kind() {
        io::ErrorKind::PermissionDenied => Failure::new(
            format!(
                "{path}を書く権限がありません。sudo kura setup のように、管理者として実行してください。"
            ),
            format!("writing {path} is not permitted; run it as root: sudo kura setup"),
        ),
        _ => Failure::new(
            format!("{path}を書けません（{why}）。"),
            format!("cannot write {path}: {why}"),
        ),
    }
}
