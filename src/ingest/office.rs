//! What DOCX, PPTX and XLSX share: the zip package with its limits, XML as a tree, table rows.
//!
//! The only module here that names `zip`; with the law reader, the only one that names `quick_xml`.

pub(crate) mod drawing;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod package;
pub(crate) mod table;
pub(crate) mod xml;

use super::IngestError;
use package::Package;

/// Titles that the office programs write by themselves; they say nothing about the document.
const PROGRAM_TITLES: [&str; 10] = [
    "powerpoint プレゼンテーション",
    "powerpoint presentation",
    "プレゼンテーション タイトル",
    "slide 1",
    "スライド 1",
    "無題",
    "タイトル",
    "untitled",
    "word document",
    "pwp-template",
];

/// The title in `docProps/core.xml`; `None` when it is missing, empty or the program's own.
pub(crate) fn core_title(package: &mut Package<'_>) -> Result<Option<String>, IngestError> {
    let Some(part) = package.related("", "core-properties")? else {
        return Ok(None);
    };
    let core = package.required_xml(&part)?;
    let title = core.child("title").map(|title| one_line(&title.text())).unwrap_or_default();
    let lower = title.to_lowercase();
    let made_by_program =
        PROGRAM_TITLES.contains(&lower.as_str()) || lower.starts_with("microsoft ");
    Ok(Some(title).filter(|title| !title.is_empty() && !made_by_program))
}

/// Runs of white space, line ends included, become one space; the ends are trimmed.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() && c != '\u{3000}') {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line.trim().to_owned()
}

/// Each line trimmed, empty lines left out.
pub(crate) fn tidy_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}
