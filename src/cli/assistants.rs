//! `kura assistant …`

use std::path::PathBuf;

use clap::Subcommand;

/// `kura assistant …`
#[derive(Debug, Subcommand)]
pub enum AssistantCommand {
    /// List the assistants: the starting set, those of updates, and those made here
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one: its fields, its checks, and the prompt as it is sent
    Show {
        /// Its id
        id: String,
    },
    /// Check files, and name every mistake with its line
    Check {
        /// TOML files, each with one assistant or a set
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write assistants as TOML: one by itself, several as a set
    Export {
        /// Their ids [default: all]
        ids: Vec<String>,
        /// File to write [default: print]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take in a file with one assistant or a set
    Import {
        /// The file
        file: PathBuf,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// Name that is kept with the versions
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
    },
}
