//! `kura`: parse, dispatch, print the error once.

use std::process::ExitCode;

use kura::cli::Cli;
use kura::commands;

fn main() -> ExitCode {
    let (cli, lang) = Cli::parse_process();
    commands::run(&cli, lang)
}
