//! Command line: parsed once into plain values, then compiled into the validated `Config`.
//!
//! The help is written in English here and in Japanese in `cli/japanese.rs`.

mod assistants;
mod bundles;
mod choice;
mod japanese;
mod mistakes;
mod people;
mod updates;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Overrides;
use crate::text::Lang;
pub use assistants::AssistantCommand;
pub use bundles::{InitArgs, KeyCommand, KeyPlace, PackCommand, PackTo, RootCommand, RotateArgs};
pub use choice::ChoiceArgs;

pub use people::{ApiKeyCommand, PasswordArgs, UserAddArgs, UserCommand};
pub use updates::{LedgerArgs, RollbackArgs, SyncArgs};

/// kura (蔵): answers from local data with a local model, cites them, and has no way out
#[derive(Debug, Parser)]
#[command(name = "kura", version, arg_required_else_help = true)]
pub struct Cli {
    /// Settings file (kura.toml)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of everything installed
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Language of messages: ja or en [default: from KURA_LANG, LC_ALL, LANG]
    #[arg(long, global = true, value_name = "LANG", value_parser = ["ja", "en"])]
    #[arg(hide_possible_values = true)]
    pub lang: Option<String>,
    /// Log filter: error, warn, info, debug
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try kura: install the sample data and the bundled model in a folder of its own, and serve
    Demo(DemoArgs),
    /// Serve the page and the APIs
    Serve(ServeArgs),
    /// Answer a question here, with citations
    Ask(AskArgs),
    /// Search the data sets
    Search(SearchArgs),
    /// Data sets: add, list, remove, show
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Models: add, list, use, remove, verify
    #[command(subcommand)]
    Model(ModelCommand),
    /// Assistants: list, show, check, export, import
    #[command(subcommand)]
    Assistant(AssistantCommand),
    /// Keys that sign updates, and the root documents that say which count
    #[command(subcommand)]
    Key(KeyCommand),
    /// Pack data sets, models, assistants or the program onto a stick, signed
    #[command(subcommand)]
    Pack(PackCommand),
    /// Import signed updates from a medium: data sets, models, assistants, the program
    Sync(SyncArgs),
    /// Go back to the generation before, or forward again
    Rollback(RollbackArgs),
    /// The transfer record: every attempt to bring something in
    Ledger(LedgerArgs),
    /// People who sign in: add, list, disable, enable, reset, role
    #[command(subcommand)]
    User(UserCommand),
    /// Keys of other systems for the OpenAI API: add, list, revoke
    #[command(subcommand)]
    Apikey(ApiKeyCommand),
    /// Tell whether this box made a saved answer, and whether it was changed since
    Verify(VerifyArgs),
    /// Measure quality
    #[command(subcommand)]
    Eval(EvalCommand),
    /// Measure speed and memory of this box
    Bench(BenchArgs),
    /// Say what is wrong with this box, in plain words
    Doctor(DoctorArgs),
    /// Ask for address, certificate, administrator and trusted key, and write the settings
    Setup(SetupArgs),
    /// Print the completion script of a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Open everything installed, change nothing, and say the version (asked of a new program)
    #[command(hide = true)]
    CheckState,
    /// Read one file and print it as JSON (used by `dataset add` in a child process)
    #[command(hide = true)]
    IngestWorker(WorkerArgs),
}

/// `kura demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address and port [default: 127.0.0.1:8480]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Do not open the browser
    #[arg(long)]
    pub no_open: bool,
}

/// `kura serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port [default: 127.0.0.1:8480]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

/// `kura ask`
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The question
    pub question: String,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Tokens of the answer at most
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura search`
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// What to look for
    pub query: String,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Passages at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura dataset …`
#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Add a folder with dataset.toml and documents, or a new edition of it
    Add {
        /// The folder
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the data sets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a data set
    Remove {
        /// Its id
        id: String,
    },
    /// Show a data set: edition, dates, and the files that could not be read
    Show {
        /// Its id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `kura model …`
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Add a GGUF file
    Add {
        /// The file
        file: PathBuf,
        /// Name for commands and requests [default: from the file's name]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// List the installed models
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Choose the model in use
    Use {
        /// Its id
        id: String,
    },
    /// Remove a model
    Remove {
        /// Its id
        id: String,
    },
    /// Check installed models against their hashes and their format
    Verify {
        /// Only this model
        id: Option<String>,
    },
    /// List the models worth installing: size, memory, licence
    Catalogue {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download a model of the catalogue from its hub (connected machines only)
    #[cfg(feature = "connected")]
    Fetch {
        /// Its id in the catalogue
        id: String,
        /// Folder to put the file in
        #[arg(long, value_name = "DIR", default_value = ".")]
        to: PathBuf,
    },
}

/// `kura verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The saved file: DOCX, HTML, Markdown or text
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura eval …`
#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Measure search on a corpus and questions with known answers
    Retrieval(EvalRetrievalArgs),
    /// Measure how an installed model answers: choices, citations, quotations, not-found, speed
    Model(EvalModelArgs),
    /// Ask every question through the whole product and check the citations shown
    Citations(EvalCitationsArgs),
}

/// `kura eval citations`
#[derive(Debug, Args)]
pub struct EvalCitationsArgs {
    /// Questions: TOML ([[question]] with text) or JSON Lines (query); may be repeated
    /// [default: those of the sample data set]
    #[arg(long = "questions", value_name = "FILE")]
    pub questions: Vec<PathBuf>,
    /// Id of the model [default: the one in use]
    #[arg(long)]
    pub id: Option<String>,
    /// Use only this data set (may be repeated)
    #[arg(long = "dataset", value_name = "ID")]
    pub datasets: Vec<String>,
    /// Verbatim quotations: on, off, or both in turn
    #[arg(long, value_name = "MODE", default_value = "both", value_parser = ["on", "off", "both"])]
    #[arg(hide_possible_values = true)]
    pub verbatim: String,
    /// Ask only so many of the questions, evenly over all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Write each answer to this file, JSON Lines
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura eval model`
#[derive(Debug, Args)]
pub struct EvalModelArgs {
    /// Id of the model [default: the one in use]
    #[arg(long)]
    pub id: Option<String>,
    /// Ask only so many of the questions; the result is not kept
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Write each answer to this file, JSON Lines
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura eval retrieval`
#[derive(Debug, Args)]
pub struct EvalRetrievalArgs {
    /// Corpus, JSON Lines: id, text, title or law, art, head, cap, hier
    #[arg(long, value_name = "FILE", required_unless_present = "labelled", requires = "queries")]
    pub corpus: Option<PathBuf>,
    /// Questions, JSON Lines: query, gold (list of ids), choices
    #[arg(long, value_name = "FILE", requires = "corpus")]
    pub queries: Option<PathBuf>,
    /// Labelled or golden questions (TOML): how often 該当なし is wrong, and how often it is missing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["corpus", "queries"])]
    pub labelled: Option<PathBuf>,
    /// Id of the data set that --labelled asks [default: the only one]; the rates are kept with it
    #[arg(long, value_name = "ID", requires = "labelled")]
    pub dataset: Option<String>,
    /// Ask a folder with dataset.toml instead, without installing it
    #[arg(long, value_name = "DIR", requires = "labelled", conflicts_with = "dataset")]
    pub folder: Option<PathBuf>,
    /// Write for each question what the judgement of 該当なし rests on to this file, JSON Lines
    #[arg(long, value_name = "FILE", conflicts_with = "labelled")]
    pub signs: Option<PathBuf>,
    /// Search with the choices of a question as well
    #[arg(long)]
    pub choices: bool,
    /// Report as well how often what answers is left in prompts of 300 to 1,200 tokens
    #[arg(long)]
    pub prompts: bool,
    /// Field of a question line that is searched
    #[arg(long, value_name = "FIELD", default_value = "query")]
    pub field: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// GGUF file [default: the model in use]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Only these, separated by commas: prefill, decode, users, rag, copy, load, search;
    /// sync (time of updates) only where it is named, since it writes several gigabytes
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Smaller sizes, about a minute
    #[arg(long)]
    pub quick: bool,
    /// Rounds over everything [default: 1; with --against 3]
    #[arg(long, value_name = "N")]
    pub repeat: Option<usize>,
    /// Run the same with a peer in turn: llama-cpp (Python package llama-cpp-python)
    #[arg(long, value_name = "PEER", value_parser = ["llama-cpp"])]
    pub against: Option<String>,
    /// Python that has the peer's package [default: python3]
    #[arg(long, value_name = "PATH", requires = "against")]
    pub python: Option<PathBuf>,
    /// Draw how near the figures are to the machine's limits (SVG)
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Hold the model and answer on stdin and stdout (used by `bench` for its own measurements)
    #[arg(long, hide = true)]
    pub worker: bool,
}

/// `kura doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura setup`
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Take the answers from this file instead of asking (TOML: address, allow, certificate, key,
    /// administrator, administrator_login, trusted_root, access_key)
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Only show what would be written
    #[arg(long)]
    pub print: bool,
    /// Replace what is there; the old files are kept as .bak
    #[arg(long)]
    pub force: bool,
    /// Folder of systemd's units, for the drop-ins [default: /etc/systemd/system where it exists]
    #[arg(long, value_name = "DIR")]
    pub systemd_dir: Option<PathBuf>,
}

/// `kura ingest-worker`: what follows is read by `ingest::worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<OsString>,
}

impl Cli {
    /// Parses the arguments of this process. Help and mistakes print themselves and end it.
    pub fn parse_process() -> (Self, Lang) {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let lang = language(&arguments, |name| std::env::var(name).ok());
        let matches = command(lang).try_get_matches_from(arguments);
        match (matches.and_then(|matches| Self::from_arg_matches(&matches)), lang) {
            (Ok(cli), _) => (cli, lang),
            (Err(error), Lang::En) => error.exit(),
            (Err(error), Lang::Ja) => {
                mistakes::print(&error);
                std::process::exit(error.exit_code());
            }
        }
    }

    /// The settings given by flags, for [`crate::config::Config::load`].
    pub fn overrides(&self) -> Overrides {
        let listen = match &self.command {
            Command::Demo(args) => args.listen.as_ref(),
            Command::Serve(args) => args.listen.as_ref(),
            _ => None,
        };
        let given = [
            ("--data-dir", "data_dir", self.data_dir.as_ref()),
            ("--listen", "listen", listen),
            ("--log", "log", self.log.as_ref()),
        ];
        let flags = given
            .into_iter()
            .filter_map(|(flag, key, value)| Some((flag.to_owned(), key, value?.clone())))
            .collect();
        Overrides { file: self.config.clone(), env: Vec::new(), flags }
    }
}

/// The command line with help in one language.
pub fn command(lang: Lang) -> clap::Command {
    match lang {
        Lang::En => Cli::command(),
        Lang::Ja => japanese::translate(Cli::command()),
    }
}

/// `--lang`, then `KURA_LANG`, then the locale; English where none says Japanese.
fn language(arguments: &[OsString], env: impl Fn(&str) -> Option<String>) -> Lang {
    let flag = arguments.iter().enumerate().find_map(|(at, argument)| {
        let argument = argument.to_str()?;
        match argument.strip_prefix("--lang") {
            Some("") => arguments.get(at + 1)?.to_str().map(str::to_owned),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        }
    });
    let locale = ["KURA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
    let named = flag.or_else(|| locale.iter().find_map(|name| env(name).filter(|v| !v.is_empty())));
    match named.is_some_and(|name| name.to_ascii_lowercase().starts_with("ja")) {
        true => Lang::Ja,
        false => Lang::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        for lang in [Lang::Ja, Lang::En] {
            command(lang).debug_assert();
        }
    }

    #[test]
    fn language_is_found() {
        let arguments = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        let none = |_: &str| None;
        let japan = |name: &str| (name == "LANG").then(|| "ja_JP.UTF-8".to_owned());
        assert_eq!(language(&arguments(&["kura"]), none), Lang::En);
        assert_eq!(language(&arguments(&["kura"]), japan), Lang::Ja);
        assert_eq!(language(&arguments(&["kura", "--lang", "en"]), japan), Lang::En);
        assert_eq!(language(&arguments(&["kura", "--lang=ja"]), none), Lang::Ja);
    }
}
