//! `kura demo`: everything bundled, in a folder of its own, ready to be asked.

use std::path::PathBuf;

use super::{Context, Failure, bundled, cancel, dataset, install, model, serve};
use crate::cli::DemoArgs;
use crate::config::Config;

/// Where a demo lives unless told otherwise: beside the person who tries it.
const FOLDER: &str = "kura-demo";

/// The defaults of a demo.
pub(super) fn settings() -> Config {
    Config { data_dir: PathBuf::from(FOLDER), log: "warn".to_owned(), ..Config::default() }
}

pub(super) fn run(context: &Context, args: &DemoArgs) -> Result<(), Failure> {
    prepare(context)?;
    let questions = bundled::demo_questions();
    serve::serve(context, questions.clone(), |scheme, address| {
        let url = format!("{scheme}://{address}/");
        say!("");
        say!("{}: {url}", context.words("ブラウザーで開いてください", "Open in a browser"));
        say!("{}", context.words("たとえば、次のように聞いてみてください。", "Questions to try:"));
        for question in &questions {
            say!("  ・{question}");
        }
        say!(
            "{}",
            context.words("終了するには Ctrl-C を押してください。", "Press Ctrl-C to stop.")
        );
        if !args.no_open {
            // No desktop, no browser: the address is on the screen.
            let _ = open::that_detached(&url);
        }
    })
}

/// Installs the sample data set and the self-test model where they are not yet.
fn prepare(context: &Context) -> Result<(), Failure> {
    say!(
        "{}: {}",
        context.words("デモ用フォルダー", "Folder of the demo"),
        context.config.data_dir.display()
    );
    let cancelled = cancel::Cancelled::default();
    let sample = tempfile::tempdir().map_err(|why| {
        Failure::new(
            format!("一時フォルダーを作れません（{why}）。"),
            format!("cannot make a temporary folder: {why}"),
        )
    })?;
    bundled::write_sample(sample.path())?;
    let outcome = install::add(context, sample.path(), &cancelled)?;
    dataset::report(context, &outcome);
    model::add_bundled(context, &cancelled)
}
