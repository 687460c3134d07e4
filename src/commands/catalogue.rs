//! `kura model catalogue`: the models worth installing.

use serde::{Deserialize, Serialize};

use super::bundled::CATALOGUE;
use super::{Context, Failure, output};

/// One entry of `models/catalogue.toml`; the file's head explains the keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) repository: String,
    pub(super) file: String,
    pub(super) architecture: String,
    pub(super) parameters: String,
    pub(super) quantization: String,
    pub(super) licence: String,
    pub(super) size_mb: u64,
    pub(super) memory_mb: u64,
    pub(super) self_test: bool,
    pub(super) checked: String,
    pub(super) template: String,
    #[serde(rename = "use")]
    pub(super) purpose: String,
}

#[derive(Deserialize)]
struct Catalogue {
    model: Vec<Entry>,
}

/// The catalogue that is built in.
pub(super) fn entries() -> Result<Vec<Entry>, Failure> {
    let catalogue: Catalogue = toml::from_str(CATALOGUE).map_err(|why| {
        Failure::new(
            format!("内蔵のカタログが壊れています（{why}）。"),
            format!("the built-in catalogue is damaged: {why}"),
        )
    })?;
    Ok(catalogue.model)
}

pub(super) fn run(context: &Context, json: bool) -> Result<(), Failure> {
    let entries = entries()?;
    if json {
        return output::json(&entries);
    }
    let header = match context.lang {
        crate::text::Lang::Ja => ["ID", "量子化", "大きさ(MB)", "メモリ(MB)", "ライセンス", "用途"],
        crate::text::Lang::En => ["ID", "QUANT", "SIZE MB", "MEMORY MB", "LICENCE", "USE"],
    };
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            vec![
                entry.id.clone(),
                entry.quantization.clone(),
                entry.size_mb.to_string(),
                entry.memory_mb.to_string(),
                entry.licence.clone(),
                entry.purpose.clone(),
            ]
        })
        .collect();
    output::table(&header, &rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_built_in_catalogue_is_well_formed() {
        let entries = super::entries().unwrap();
        assert!(entries.iter().any(|entry| entry.self_test));
        assert!(entries.iter().all(|entry| entry.memory_mb > entry.size_mb));
    }
}
