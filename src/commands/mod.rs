//! One file per subcommand: build the parts, run. Errors are printed here, once.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to a terminal")]

#[macro_use]
mod output;

mod ask;
mod bench;
mod bundled;
mod cancel;
mod catalogue;
mod dataset;
mod demo;
mod doctor;
mod eval_model;
mod eval_retrieval;
mod failure;
mod install;
mod model;
#[cfg(feature = "connected")]
mod model_fetch;
mod search;
mod serve;

use std::io::IsTerminal;
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
    let base = match cli.command {
        Command::Demo(_) => demo::settings(),
        Command::Serve(_) => Config::default(),
        // What these have to say, they print.
        _ => Config { log: "error".to_owned(), ..Config::default() },
    };
    let given = cli.overrides().with_process_env();
    // A demo stands apart from what is installed on the machine.
    let given = if matches!(cli.command, Command::Demo(_)) { given } else { given.or_installed() };
    let outcome = match Config::load(base, &given) {
        Ok(config) => {
            start_log(&config.log);
            dispatch(&cli.command, &Context { config, lang })
        }
        Err(error) => Err(Failure::usage(error.message(Lang::Ja), error.message(Lang::En))),
    };
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
        Command::Eval(EvalCommand::Retrieval(args)) => eval_retrieval::run(context, args),
        Command::Eval(EvalCommand::Model(args)) => eval_model::run(context, args),
        Command::Bench(args) => bench::run(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Completions { shell } => {
            let mut command = command(context.lang);
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "kura", &mut script);
            output::write(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::IngestWorker(_) => Ok(()),
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
