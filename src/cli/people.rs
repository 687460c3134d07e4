//! `kura user` and `kura apikey`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `kura user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person; the first sign-in asks for another password
    Add(UserAddArgs),
    /// List the people, with section, role and last sign-in
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a person's sessions and let nobody in under this name
    Disable {
        /// Name to sign in with
        login: String,
    },
    /// Let a disabled person in again
    Enable {
        /// Name to sign in with
        login: String,
    },
    /// Give a person another password, to be changed at the next sign-in
    Reset {
        /// Name to sign in with
        login: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Give a person another role
    Role {
        /// Name to sign in with
        login: String,
        /// staff, reviewer or admin
        #[arg(value_parser = ["staff", "reviewer", "admin"], hide_possible_values = true)]
        role: String,
    },
}

/// `kura user add`
#[derive(Debug, Args)]
pub struct UserAddArgs {
    /// Name to sign in with: a-z, 0-9, '.', '_', '-' and '@'
    pub login: String,
    /// Name as pages and saved documents show it
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Section of the office
    #[arg(long, value_name = "SECTION")]
    pub section: String,
    /// staff, reviewer or admin
    #[arg(long, value_name = "ROLE", default_value = "staff", hide_default_value = true)]
    #[arg(value_parser = ["staff", "reviewer", "admin"], hide_possible_values = true)]
    pub role: String,
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// Where a password comes from; typed twice on the terminal unless told otherwise.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// Make a password and print it once
    #[arg(long, conflicts_with = "password_file")]
    pub generate: bool,
    /// Read the password from the first line of a file; - is the standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `kura apikey …`
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key for another system and print it once
    Add {
        /// Name of the system
        system: String,
    },
    /// List the keys, with the day of their last use
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key useless
    Revoke {
        /// Its id, as the list shows it
        id: String,
    },
}
