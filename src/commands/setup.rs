//! `kura setup`: a few questions become `kura.toml` and the drop-ins of systemd.
//!
//! Nothing that exists is replaced without `--force`, nothing is written before all answers hold,
//! and the settings are read back by the loader that the service uses before they are in place.

mod account;
mod answers;
mod files;

use std::path::{Path, PathBuf};

use super::{Context, Failure, output};
use crate::cli::SetupArgs;
use crate::config::{Config, DEFAULT_FILE};
use account::First;
use answers::Answers;
use files::{Written, exists_already};

/// Where systemd looks for an administrator's drop-ins.
const SYSTEMD_DIR: &str = "/etc/systemd/system";

/// Where the files go.
struct Places {
    settings: PathBuf,
    /// `None` where there is no systemd.
    systemd: Option<PathBuf>,
}

pub(super) fn run(
    context: &Context,
    args: &SetupArgs,
    config: Option<&Path>,
) -> Result<(), Failure> {
    let standard = Path::new(SYSTEMD_DIR);
    let places = Places {
        settings: config.unwrap_or(Path::new(DEFAULT_FILE)).to_owned(),
        systemd: args
            .systemd_dir
            .clone()
            .or_else(|| standard.is_dir().then(|| standard.to_owned())),
    };
    // Before the questions: nobody answers in vain.
    if !args.print && !args.force && places.settings.exists() {
        return Err(exists_already(&places.settings));
    }
    let answers = match &args.answers {
        Some(file) => Answers::load(file)?,
        None => Answers::ask(context)?,
    };
    let answers = answers.complete()?;
    let planned = files::plan(&answers, &places, args.print);
    if args.print {
        for file in &planned {
            say!("# {}\n{}", file.path.display(), file.text);
        }
        return Ok(());
    }
    let written = files::write_all(&planned, args.force)?;
    let first = account::make(&context.config.data_dir, &answers);
    // The settings are there, whatever became of the account.
    report(context, &answers, &places, &written, first.as_ref().unwrap_or(&First::None));
    first.map(|_| ())
}

/// Where the service keeps its data: as told to this command, or as usual.
pub(super) fn data_dir(given: Option<&str>) -> PathBuf {
    let set = std::env::var_os("KURA_DATA_DIR").filter(|dir| !dir.is_empty());
    let given = given.map(PathBuf::from).or_else(|| set.map(PathBuf::from));
    given.unwrap_or_else(|| Config::default().data_dir)
}

/// What was written, and what to do next.
fn report(context: &Context, answers: &Answers, places: &Places, written: &Written, first: &First) {
    for path in &written.paths {
        say!("{}: {}", context.words("書きました", "Written"), path.display());
    }
    for path in &written.kept {
        say!("{}: {}", context.words("元のファイル", "The file before"), path.display());
    }
    say!("\n{}", context.words("次にすること", "What to do next"));
    let mut steps = Vec::new();
    let settings = places.settings.display();
    if !written.readable_by_service {
        steps.push((
            format!("サービスの利用者kuraが設定を読めるようにする：chgrp kura {settings}"),
            format!("let the service's user read the settings: chgrp kura {settings}"),
        ));
    }
    match &places.systemd {
        Some(_) => steps.push((
            "起動する：systemctl daemon-reload && systemctl enable --now kura.socket kura.service\n     すでに動いているときは、続けて：systemctl restart kura.socket kura.service".to_owned(),
            "start: systemctl daemon-reload && systemctl enable --now kura.socket kura.service\n     if it ran before, then: systemctl restart kura.socket kura.service".to_owned(),
        )),
        None => steps.push((
            format!("起動する：kura serve --config {settings}"),
            format!("start: kura serve --config {settings}"),
        )),
    }
    let url = answers.url(context.words("この機器のアドレス", "address-of-this-machine"));
    steps.push((format!("ブラウザーで開く：{url}"), format!("open in a browser: {url}")));
    steps.extend(to_sign_in(first, answers, &settings.to_string()));
    steps.push(match answers.trusted_root.is_empty() {
        true => (
            format!("更新を受け取る前に、配布元から受け取った指紋を {settings} の sync.trusted_root に書く"),
            format!("before the first update: set sync.trusted_root in {settings} to the publisher's fingerprint"),
        ),
        false => (
            "最初の更新を取り込む：USBを差す、または sudo -u kura kura sync フォルダー --operator 作業者 --approver 承認者".to_owned(),
            "import the first update: plug in the USB medium, or sudo -u kura kura sync DIR --operator NAME --approver NAME".to_owned(),
        ),
    });
    steps.push((
        "確かめる：sudo -u kura kura doctor".to_owned(),
        "check: sudo -u kura kura doctor".to_owned(),
    ));
    for (at, (ja, en)) in steps.iter().enumerate() {
        say!("  {}. {}", at + 1, context.words(ja, en));
    }
}

/// How people get in: by accounts, or by the key that all share.
fn to_sign_in(first: &First, answers: &Answers, settings: &str) -> Option<(String, String)> {
    let login = &answers.administrator_login;
    let shared = (
        format!("使う人に合言葉（access_key）を伝える。値は {settings} にあります"),
        format!("give the access_key, which is in {settings}, to those who use it"),
    );
    match first {
        First::Made { login, password } => Some((
            format!(
                "利用者名 {login}、一時パスワード {password} でログインし（二度と表示されません）、「利用者の管理」で使う人を追加する"
            ),
            format!(
                "sign in as {login} with the one-time password {password} (not shown again), and add the people who use it"
            ),
        )),
        First::Known { login } => Some((
            format!(
                "登録済みの利用者名 {login} でログインする（パスワードを忘れたときは sudo -u kura kura user reset {login} --generate）"
            ),
            format!(
                "sign in as {login}, who has an account already (forgotten: sudo -u kura kura user reset {login} --generate)"
            ),
        )),
        First::Later => Some((
            format!(
                "起動した後に、最初の管理者を登録する：sudo -u kura kura user add {login} --name 氏名 --section 所属 --role admin --generate"
            ),
            format!(
                "once it runs, add the first administrator: sudo -u kura kura user add {login} --name NAME --section SECTION --role admin --generate"
            ),
        )),
        First::None => (!answers.access_key.is_empty()).then_some(shared),
    }
}

/// Prints a question without ending the line.
fn prompt(text: &str) {
    output::write(text);
}
