//! The questions to ask: texts alone, from any of the forms that questions come in.

use std::path::{Path, PathBuf};

use super::super::{Failure, bundled};

/// The texts of all files; without a file, of the questions on the sample data set.
///
/// # Errors
/// A file cannot be read, or holds no question: it is named.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    if paths.is_empty() {
        let bundled = [bundled::QUESTIONS, bundled::BENCHMARK];
        return Ok(bundled.iter().filter_map(|text| of_toml(text).ok()).flatten().collect());
    }
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|why| unusable(path, &why.to_string()))?;
        let lines = path.extension().is_some_and(|extension| extension != "toml");
        let found = if lines { of_lines(&text) } else { of_toml(&text) };
        let found = found.map_err(|why| unusable(path, &why))?;
        if found.is_empty() {
            return Err(unusable(path, "no question"));
        }
        all.extend(found);
    }
    Ok(all)
}

/// `text` or `ask` of each `[[question]]`; what else is known of a question is not needed.
fn of_toml(text: &str) -> Result<Vec<String>, String> {
    let table: toml::Table = text.parse().map_err(|why: toml::de::Error| why.to_string())?;
    let questions = table.get("question").and_then(toml::Value::as_array);
    let of = |question: &toml::Value| {
        let text = question.get("text").or_else(|| question.get("ask"))?;
        text.as_str().map(str::to_owned)
    };
    Ok(questions.into_iter().flatten().filter_map(of).collect())
}

/// `query` of each line, or its `text`.
fn of_lines(text: &str) -> Result<Vec<String>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        let value: serde_json::Value =
            serde_json::from_str(line).map_err(|why| format!("line {}: {why}", at + 1))?;
        let question = value.get("query").or_else(|| value.get("text"));
        let question = question.and_then(serde_json::Value::as_str);
        question.map(str::to_owned).ok_or_else(|| format!("line {}: no `query`", at + 1))
    };
    lines.map(read).collect()
}

fn unusable(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::new(
        format!(
            "{path}を質問として読めません（{why}）。TOMLは [[question]] の text、JSON Linesは query に質問を書いてください。"
        ),
        format!("{path}: not questions: {why}; TOML has text in [[question]], JSON Lines query"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_form() {
        let toml =
            "[[question]]\ntext = \"いくら\"\nsource = \"a\"\n[[question]]\ntext = \"いつ\"\n";
        assert_eq!(of_toml(toml).unwrap(), ["いくら", "いつ"]);
        let lines = "{\"query\": \"いくら\", \"gold\": []}\n\n{\"text\": \"いつ\"}\n";
        assert_eq!(of_lines(lines).unwrap(), ["いくら", "いつ"]);
        assert!(of_lines("{\"gold\": []}").unwrap_err().contains("line 1"));
        assert!(of_toml("[[").is_err());
        assert!(read(&[]).unwrap().len() > 100);
        assert!(read(&[PathBuf::from("/no/such.toml")]).is_err());
    }
}
