//! `kura sync`, `kura rollback`, `kura ledger`.

use std::path::PathBuf;

use clap::Args;

/// `kura sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Where the medium is mounted, or a folder with a bundle
    pub path: PathBuf,
    /// Who does it, for the transfer record; required unless the settings have sync.operator
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Who approved it, for the transfer record; required
    #[arg(long, value_name = "NAME")]
    pub approver: Option<String>,
    /// Nobody is at the keyboard (a stick was plugged in): the record says so, and that an
    /// approver has yet to confirm it
    #[arg(long, conflicts_with_all = ["operator", "approver"])]
    pub unattended: bool,
    /// Number of the medium, for the transfer record
    #[arg(long, value_name = "ID")]
    pub media: Option<String>,
    /// Only say what the bundles are and whether they would be taken
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura rollback`
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// app, model, dataset or assistants; without it, what can go back is listed
    #[arg(value_parser = ["app", "model", "dataset", "assistants"], hide_possible_values = true)]
    pub kind: Option<String>,
    /// Its id (not needed for app)
    #[arg(requires = "kind")]
    pub id: Option<String>,
    /// Who does it, for the transfer record; required unless the settings have sync.operator
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Who approved it, for the transfer record
    #[arg(long, value_name = "NAME")]
    pub approver: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kura ledger`
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// Write a page to print on A4 paper
    #[arg(long, value_name = "FILE", conflicts_with = "form")]
    pub html: Option<PathBuf>,
    /// Write a table for a spreadsheet
    #[arg(long, value_name = "FILE", conflicts_with = "form")]
    pub csv: Option<PathBuf>,
    /// Print JSON
    #[arg(long, group = "form")]
    pub json: bool,
    /// Check that no record was changed, removed or swapped
    #[arg(long, group = "form")]
    pub verify: bool,
    /// A head printed earlier: what it covered must still be there
    #[arg(long, value_name = "HASH", requires = "verify")]
    pub head: Option<String>,
    /// After an investigation: keep a record that does not verify under another name, and begin a
    /// new one. Nothing is deleted
    #[arg(long, group = "form")]
    pub set_aside: bool,
    /// Who does it, with --set-aside
    #[arg(long, value_name = "NAME", requires = "set_aside")]
    pub operator: Option<String>,
    /// Who approved it, with --set-aside
    #[arg(long, value_name = "NAME", requires = "set_aside")]
    pub approver: Option<String>,
}
