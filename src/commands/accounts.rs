//! What the commands of accounts share: the database, and passwords that somebody chooses for
//! another person.

use std::io::BufRead;
use std::os::unix::fs::MetadataExt;

use super::{Context, Failure, hidden, serve};
use crate::cli::PasswordArgs;
use crate::store::{FILE, Happened, Store, one_time};
use crate::sync::SyncError;

/// Who a command is, in the record of accounts; no login has parentheses.
pub(super) const ACTOR: &str = "(command)";

/// Runs work on the database, which a running `kura serve` may have open as well.
pub(super) fn with_store<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let dir = &context.config.data_dir;
    // A file of root's in the service's folder is one that the service cannot write.
    if let Ok(meta) = std::fs::metadata(dir)
        && meta.uid() != rustix::process::geteuid().as_raw()
    {
        return Err(SyncError::NotOwner { path: dir.clone(), owner: meta.uid() }.into());
    }
    open(context, work)
}

fn open<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    serve::runtime()?.block_on(async {
        let store = Store::open(&context.config.data_dir).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}

/// Looks into the database; `none` where there is none yet, for looking makes none. Root may look:
/// what SQLite lays beside the file gets its owner.
pub(super) fn look<T>(
    context: &Context,
    none: T,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match context.config.data_dir.join(FILE).exists() {
        true => open(context, work),
        false => Ok(none),
    }
}

/// Writes down what a command did.
pub(super) async fn note(store: &Store, what: Happened, subject: &str) -> Result<(), Failure> {
    Ok(store.note(what, subject, ACTOR).await?)
}

/// A password for somebody.
pub(super) struct Chosen {
    pub(super) password: String,
    /// Whether it was made here and nobody knows it yet.
    pub(super) made: bool,
}

/// Made, read, or typed twice.
pub(super) fn choose(context: &Context, args: &PasswordArgs) -> Result<Chosen, Failure> {
    let given = |password| Chosen { password, made: false };
    if args.generate {
        return Ok(Chosen { password: one_time(), made: true });
    }
    if let Some(file) = &args.password_file {
        return read(file).map(given);
    }
    let otherwise =
        ("--generate か --password-file を付けてください。", "use --generate or --password-file");
    let first = hidden::ask(context.words("新しいパスワード: ", "New password: "), otherwise)?;
    let again = hidden::ask(context.words("もう一度: ", "Once more: "), otherwise)?;
    match first == again {
        true => Ok(given(first)),
        false => Err(Failure::new(
            "二つのパスワードが違います。何も変更していません。もう一度実行してください。",
            "the two passwords differ; nothing was changed: run it again",
        )),
    }
}

/// The first line, without its end.
fn read(file: &std::path::Path) -> Result<String, Failure> {
    let shown = file.display();
    let mut line = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().lock().read_line(&mut line),
        _ => std::fs::File::open(file)
            .and_then(|file| std::io::BufReader::new(file).read_line(&mut line)),
    };
    read.map_err(|why| {
        Failure::new(
            format!("パスワードを{shown}から読めません（{why}）。"),
            format!("cannot read the password from {shown}: {why}"),
        )
    })?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line)
}

/// Says a password that was made here, once.
pub(super) fn tell(context: &Context, login: &str, chosen: &Chosen) {
    if chosen.made {
        let words = context.words("一時パスワード", "One-time password");
        say!("{words} ({login}): {}", chosen.password);
        say!(
            "{}",
            context.words(
                "二度と表示されません。本人に直接渡してください。",
                "It is not shown again; hand it over in person."
            )
        );
    }
    say!(
        "{}",
        context.words(
            "本人は、最初のログインで新しいパスワードに変更します。",
            "The first sign-in asks for a new password."
        )
    );
}
