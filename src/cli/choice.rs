//! Flags that choose the data, of `kura ask` and `kura search`.

use clap::Args;

/// What to look in. The values are checked where the question is asked.
#[derive(Clone, Debug, Default, Args)]
pub struct ChoiceArgs {
    /// Use only this data set (may be repeated)
    #[arg(long = "dataset", value_name = "ID")]
    pub datasets: Vec<String>,
    /// Use this installed edition of a data set instead of the current one (may be repeated)
    #[arg(long = "edition", value_name = "ID=EDITION")]
    pub editions: Vec<String>,
    /// Answer from what is in force on this day [default: today]
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<String>,
    /// Use only sources of this kind: law, cabinet-order, ministerial-ordinance, public-notice,
    /// circular, policy, ordinance, manual, faq (may be repeated)
    #[arg(long = "authority", value_name = "KIND")]
    pub authorities: Vec<String>,
    /// Use only rules of this scope: common or local
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Use only documents whose as-of date is this day or later
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Use only documents whose as-of date is this day or earlier
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
}
