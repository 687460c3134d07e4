//! One file per subcommand: build the parts, run. Errors are printed here, once.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to a terminal")]

#[macro_use]
mod output;

mod accounts;
mod apikey;
mod ask;
mod assistant;
mod bench;
mod bundled;
mod cancel;
mod catalogue;
mod check_state;
mod choosing;
mod dataset;
mod demo;
mod doctor;
mod eval_citations;
mod eval_labelled;
mod eval_model;
mod eval_retrieval;
mod failure;
mod freshness;
mod hidden;
mod install;
mod key;
mod ledger;
mod listening;
mod model;
#[cfg(feature = "connected")]
mod model_fetch;
mod pack;
mod prepare;
mod program;
mod reading;
mod retention;
mod rollback;
mod search;
mod serve;
mod setup;
mod supervisor;
mod sync;
mod user;
mod verify;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{Cli, Command, EvalCommand, command};
use crate::config::Config;
use crate::ingest::worker;
use crate::sync::Installation;
use crate::text::Lang;
use failure::Failure;

/// What every command needs: settings and the language of its messages.
#[derive(Debug)]
struct Context {
    config: Config,
    /// The settings file that was read.
    settings: Option<PathBuf>,
    lang: Lang,
}

impl Context {
    /// Picks the words of the language.
    fn words<'w>(&self, ja: &'w str, en: &'w str) -> &'w str {
        match self.lang {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }

    fn installation(&self) -> Installation {
        Installation::new(&self.config.data_dir)
    }
}

/// Runs the command line and says how it ended: 0 done, 1 failed, 2 asked wrongly, 130 interrupted.
pub fn run(cli: &Cli, lang: Lang) -> ExitCode {
    if let Command::IngestWorker(args) = &cli.command {
        return worker::run_worker(args.rest.iter().cloned());
    }
    if let Command::Setup(args) = &cli.command {
        // It writes the settings, so that there may be none yet.
        let data_dir = setup::data_dir(cli.data_dir.as_deref());
        let config = Config { data_dir, ..Config::default() };
        let context = Context { config, settings: None, lang };
        return ended(setup::run(&context, args, cli.config.as_deref()), lang);
    }
    let base = match cli.command {
        Command::Demo(_) => demo::settings(),
        Command::Serve(_) => Config::default(),
        // What these have to say, they print.
        _ => Config { log: "error".to_owned(), ..Config::default() },
    };
    let given = cli.overrides().with_process_env();
    // A demo stands apart from what is installed on the machine.
    let given = if matches!(cli.command, Command::Demo(_)) { given } else { given.or_installed() };
    let (config, wrong) = Config::read(base, &given);
    start_log(&config.log);
    let outcome = match wrong {
        None => {
            // `serve` chooses its program itself, and a check is about the one that is asked.
            if !matches!(cli.command, Command::Serve(_) | Command::CheckState) {
                program::stand_aside(&config);
            }
            dispatch(&cli.command, &Context { config, settings: given.file, lang })
        }
        Some(error) => {
            if matches!(cli.command, Command::Serve(_)) {
                program::let_it_read(&config);
            }
            Err(Failure::usage(error.message(Lang::Ja), error.message(Lang::En)))
        }
    };
    ended(outcome, lang)
}

/// Prints why it failed, if it did.
fn ended(outcome: Result<(), Failure>, lang: Lang) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kura: {}", failure.message(lang));
            ExitCode::from(failure.code())
        }
    }
}

fn dispatch(asked: &Command, context: &Context) -> Result<(), Failure> {
    match asked {
        Command::Demo(args) => demo::run(context, args),
        Command::Serve(_) => serve::run(context),
        Command::Ask(args) => ask::run(context, args),
        Command::Search(args) => search::run(context, args),
        Command::Dataset(args) => dataset::run(context, args),
        Command::Model(args) => model::run(context, args),
        Command::Assistant(asked) => assistant::run(context, asked),
        Command::Key(asked) => key::run(context, asked),
        Command::Pack(asked) => pack::run(context, asked),
        Command::Sync(args) => sync::run(context, args),
        Command::Rollback(args) => rollback::run(context, args),
        Command::Ledger(args) => ledger::run(context, args),
        Command::Eval(EvalCommand::Retrieval(args)) => eval_retrieval::run(context, args),
        Command::Eval(EvalCommand::Model(args)) => eval_model::run(context, args),
        Command::Eval(EvalCommand::Citations(args)) => eval_citations::run(context, args),
        Command::Bench(args) => bench::run(context, args),
        Command::Verify(args) => verify::run(context, args),
        Command::User(asked) => user::run(context, asked),
        Command::Apikey(asked) => apikey::run(context, asked),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Completions { shell } => {
            let mut command = command(context.lang);
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "kura", &mut script);
            output::write(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::CheckState => check_state::run(context),
        // Both ran before the settings were read.
        Command::IngestWorker(_) | Command::Setup(_) => Ok(()),
    }
}

fn start_log(filter: &str) {
    use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};
    let targets: Targets = filter.parse().unwrap_or_default();
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}
