//! `kura key …` and `kura pack …`: the command line of the machine that packs and signs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

/// `kura key …`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key pair; its secret half is encrypted with a password
    ///
    /// The password is asked twice. Scripts give it in KURA_KEY_PASSWORD: whoever can read the
    /// environment of the process, or the script, can then sign in your name.
    New {
        /// Its name: a-z, 0-9, '.', '_', '-'
        name: String,
        /// Whose it is, as root documents show it [default: the name]
        #[arg(long, value_name = "TEXT")]
        owner: Option<String>,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// List the keys: name, id, whether the secret half is here, public key
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Root documents: which keys count, and for what
    #[command(subcommand)]
    Root(RootCommand),
    /// Make the next root document: add or remove keys, change thresholds
    ///
    /// It needs the signatures of as many keys as the present root asks for, and of as many as the
    /// new one asks for. Those whose secret half is elsewhere sign later, with: kura key sign
    Rotate(RotateArgs),
    /// Add signatures to a root document or to the manifest of a bundle
    Sign {
        /// root/N.json, manifest.json, or the folder of a bundle
        file: PathBuf,
        /// Name of the key (may be repeated)
        #[arg(long = "key", value_name = "NAME", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        place: KeyPlace,
    },
}

/// Where keys are kept.
#[derive(Debug, Args)]
pub struct KeyPlace {
    /// Folder of the keys [default: kura/keys in XDG_CONFIG_HOME or ~/.config]
    #[arg(long = "keys", value_name = "DIR")]
    pub keys_dir: Option<PathBuf>,
}

/// `kura key root …`
#[derive(Debug, Subcommand)]
pub enum RootCommand {
    /// Make the first root document and print its fingerprint, which appliances are given
    Init(InitArgs),
    /// Show the newest root document: keys, thresholds, signatures, fingerprint
    Show {
        /// Folder that holds root/*.json [default: the folder above the keys]
        dir: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: KeyPlace,
    },
}

/// What every new root document may be told.
#[derive(Debug, Args)]
pub struct RootTerms {
    /// Another rule for one kind: root, app, model, dataset or assistants (may be repeated)
    #[arg(long = "role", value_name = "KIND=N:NAME,NAME")]
    pub roles: Vec<String>,
    /// Last day on which updates are taken under it [default: in 5 years]
    #[arg(long, value_name = "DATE")]
    pub expires: Option<Date>,
}

/// `kura key root init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// How many of the keys must sign
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threshold: u32,
    /// Name of a key in the folder of keys; of other people's keys only NAME.pub is there (may be
    /// repeated)
    #[arg(long = "key", value_name = "NAME", required = true)]
    pub names: Vec<String>,
    #[command(flatten)]
    pub terms: RootTerms,
    /// Folder in which root/1.json is made [default: the folder above the keys]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub place: KeyPlace,
}

/// `kura key rotate`
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Name of a key to add to every kind (may be repeated)
    #[arg(long = "add", value_name = "NAME")]
    pub added: Vec<String>,
    /// Name or id of a key to remove everywhere (may be repeated)
    #[arg(long = "remove", value_name = "NAME")]
    pub removed: Vec<String>,
    /// How many of the keys must sign, for every kind [default: as before]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threshold: Option<u32>,
    #[command(flatten)]
    pub terms: RootTerms,
    /// Name of a key that signs (may be repeated) [default: as many as are needed, of those whose
    /// secret half is here]
    #[arg(long = "key", value_name = "NAME")]
    pub names: Vec<String>,
    /// Folder that holds root/*.json [default: the folder above the keys]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    #[command(flatten)]
    pub place: KeyPlace,
}

/// `kura pack …`
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Pack a folder with dataset.toml and documents
    Dataset {
        /// The folder
        dir: PathBuf,
        /// Leave the index out; the appliance builds it. A delta never has one: the files of an
        /// index share nothing with those of the edition before, so that sending the changed
        /// passages and building is less than sending the index
        #[arg(long)]
        no_index: bool,
        /// Pack although some files could not be read; they are missing on the appliance
        #[arg(long)]
        allow_unread: bool,
        #[command(flatten)]
        to: PackTo,
    },
    /// Pack a GGUF file, or a model of the catalogue (on a connected machine)
    Model {
        /// The file, or an id of the catalogue
        source: String,
        /// Name for commands and requests [default: from the file's name]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Edition [default: the day of today]
        #[arg(long, value_name = "EDITION")]
        edition: Option<String>,
        /// Licence, where the file does not state it
        #[arg(long, value_name = "TEXT")]
        licence: Option<String>,
        #[command(flatten)]
        to: PackTo,
    },
    /// Pack the program
    App {
        /// The binary
        binary: PathBuf,
        /// Edition [default: the version that the binary prints]
        #[arg(long, value_name = "EDITION")]
        edition: Option<String>,
        #[command(flatten)]
        to: PackTo,
    },
    /// Pack assistants: a folder of TOML files with title and prompt
    Assistants {
        /// The folder
        dir: PathBuf,
        /// Id of the collection [default: the folder's name]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Name for people [default: the id]
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// Edition [default: the day of today]
        #[arg(long, value_name = "EDITION")]
        edition: Option<String>,
        /// Licence of the texts
        #[arg(long, value_name = "TEXT")]
        licence: Option<String>,
        #[command(flatten)]
        to: PackTo,
    },
}

/// What all kinds of bundles are told.
#[derive(Debug, Args)]
pub struct PackTo {
    /// The stick, or a folder; kura-bundle is made in it
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of a key that signs (may be repeated) [default: as many as are asked for, of those
    /// whose secret half is here]
    #[arg(long = "key", value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Folder that holds root/*.json [default: the folder above the keys]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Number of this release, above that of the last one [default: one more than was packed here]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub counter: Option<u64>,
    /// Only appliances set to this channel take it
    #[arg(long, value_name = "NAME", default_value = "stable")]
    pub channel: String,
    /// Oldest kura that can take it
    #[arg(long, value_name = "VERSION", default_value = "0.1.0")]
    pub min_app: String,
    /// Releases below this number may no longer be used, also not by rolling back
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub security_floor: u64,
    /// Days until the appliance says that an update is due; 0 is never [default: of a data set as
    /// in its dataset.toml, else 0]
    #[arg(long, value_name = "DAYS")]
    pub stale_after_days: Option<u32>,
    /// Leave off what this earlier edition brought: a delta for appliances that have it
    #[arg(long, value_name = "EDITION")]
    pub since: Option<String>,
    /// Folder of the manifests packed so far [default: packed beside the folder of the keys]
    #[arg(long, value_name = "DIR")]
    pub packed: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
