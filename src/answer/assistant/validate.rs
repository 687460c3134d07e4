//! What an assistant must fulfil, whether it came from a file or from the form.

use super::{Assistant, DataChoice, Join, Kind};

/// One thing that is wrong, and where: `title`, `field[2].label`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub path: String,
    pub ja: String,
    pub en: String,
}

impl Fault {
    pub(super) fn new(
        path: impl Into<String>,
        ja: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), ja: ja.into(), en: en.into() }
    }
}

/// Paths of the interface that an id would hide.
const TAKEN: [&str; 4] = ["new", "import", "export", "save"];

const ID_CHARS: usize = 48;
const TITLE_CHARS: usize = 40;
const PURPOSE_CHARS: usize = 200;
const PROMPT_CHARS: usize = 4_000;
const LABEL_CHARS: usize = 40;
const HELP_CHARS: usize = 200;
const WORD_CHARS: usize = 100;
const FIELDS: usize = 12;
const EXAMPLES: usize = 8;
const WORDS: usize = 50;
const CHOICES: usize = 20;

/// Most characters that a field may take.
pub(super) const FIELD_CHARS_MAX: usize = 200_000;
/// Most tokens that may be written.
pub(super) const TOKENS_MAX: usize = 8_000;

/// Why a name cannot be an id; `None` when it can.
pub fn check_id(id: &str) -> Option<Fault> {
    let first = id.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = id
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    if !first || !rest || id.len() > ID_CHARS {
        return Some(Fault::new(
            "id",
            format!("IDは英小文字・数字・_ - で、{ID_CHARS}文字までにしてください（「{id}」）"),
            format!("`id` is of the form [a-z0-9][a-z0-9_-]{{0,47}}, not {id:?}"),
        ));
    }
    TAKEN.contains(&id).then(|| {
        Fault::new("id", format!("「{id}」はIDに使えません"), format!("`id` cannot be {id:?}"))
    })
}

/// Everything that is wrong with an assistant.
pub fn validate(assistant: &Assistant) -> Vec<Fault> {
    let mut faults: Vec<Fault> = check_id(&assistant.id).into_iter().collect();
    if assistant.version == 0 {
        faults.push(Fault::new("version", "versionは1以上です", "`version` starts at 1"));
    }
    text(&mut faults, "title", &assistant.title, 1, TITLE_CHARS);
    text(&mut faults, "purpose", &assistant.purpose, 0, PURPOSE_CHARS);
    text(&mut faults, "prompt", &assistant.prompt, 1, PROMPT_CHARS);
    if let Some(tokens) = assistant.max_tokens.filter(|tokens| !(1..=TOKENS_MAX).contains(tokens)) {
        faults.push(out_of_range("max_tokens", &tokens, &1, &TOKENS_MAX));
    }
    if let DataChoice::Only(ids) = &assistant.data {
        words(&mut faults, "data", ids);
        if ids.is_empty() {
            let ja = "dataには、データセットのIDを1つ以上書いてください";
            faults.push(Fault::new("data", ja, "`data` names no data set"));
        }
    }
    sampling(&mut faults, assistant);
    fields(&mut faults, assistant);
    references(&mut faults, assistant);
    examples(&mut faults, assistant);
    checks(&mut faults, assistant);
    faults
}

fn text(faults: &mut Vec<Fault>, path: &str, value: &str, least: usize, most: usize) {
    let count = value.chars().count();
    if value.trim().is_empty() && least > 0 {
        let en = format!("`{path}` is missing or blank");
        faults.push(Fault::new(path, format!("{path}がありません"), en));
    } else if count > most {
        let ja = format!("{path}は{most}文字までです（いまは{count}文字）");
        let en = format!("`{path}` has {count} characters; at most {most}");
        faults.push(Fault::new(path, ja, en));
    } else if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let ja = format!("{path}に、表示できない文字が入っています");
        faults.push(Fault::new(path, ja, format!("`{path}` holds control characters")));
    }
}

fn words(faults: &mut Vec<Fault>, path: &str, words: &[String]) {
    for word in words {
        text(faults, path, word, 1, WORD_CHARS);
    }
    if words.len() > WORDS {
        let ja = format!("{path}は{WORDS}個までです");
        faults.push(Fault::new(path, ja, format!("`{path}` holds more than {WORDS}")));
    }
}

fn out_of_range<T: std::fmt::Display>(path: &str, value: &T, low: &T, high: &T) -> Fault {
    Fault::new(
        path,
        format!("{path}は{low}から{high}までです（いまは{value}）"),
        format!("`{path}` is {value}; {low} to {high} is expected"),
    )
}

fn sampling(faults: &mut Vec<Fault>, assistant: &Assistant) {
    let chosen = &assistant.sampling;
    for (name, value, low, high) in [
        ("temperature", chosen.temperature, 0.0, 2.0),
        ("top_p", chosen.top_p, 0.01, 1.0),
        ("min_p", chosen.min_p, 0.0, 1.0),
        ("repetition_penalty", chosen.repetition_penalty, 0.1, 10.0),
    ] {
        if let Some(value) = value.filter(|value| !(low..=high).contains(value)) {
            faults.push(out_of_range(&format!("sampling.{name}"), &value, &low, &high));
        }
    }
}

fn fields(faults: &mut Vec<Fault>, assistant: &Assistant) {
    let all = &assistant.fields;
    if all.is_empty() || all.len() > FIELDS {
        let ja = format!("入力欄（field）は1個から{FIELDS}個までです");
        faults.push(Fault::new("field", ja, format!("1 to {FIELDS} fields are expected")));
    }
    for (at, field) in all.iter().enumerate() {
        let path = |name: &str| format!("field[{}].{name}", at + 1);
        let id = &field.id;
        let is_plain = id.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && id.len() <= 32;
        if !is_plain {
            faults.push(Fault::new(
                path("id"),
                format!("入力欄のidは英小文字で始まる英小文字・数字・_ です（「{id}」）"),
                format!("the id of a field is of the form [a-z][a-z0-9_]{{0,31}}, not {id:?}"),
            ));
        }
        if all[..at].iter().any(|before| before.id == *id) {
            let ja = format!("入力欄のid「{id}」が2回あります");
            faults.push(Fault::new(path("id"), ja, format!("the field {id:?} is there twice")));
        }
        text(faults, &path("label"), &field.label, 1, LABEL_CHARS);
        text(faults, &path("help"), &field.help, 0, HELP_CHARS);
        if !(1..=FIELD_CHARS_MAX).contains(&field.max_chars) {
            let most = FIELD_CHARS_MAX;
            faults.push(out_of_range(&path("max_chars"), &field.max_chars, &1, &most));
        }
        let count = field.choices.len();
        if (field.kind == Kind::Choice) != (count > 0) || count > CHOICES {
            let ja = format!("choicesは、kindがchoiceの入力欄に1個から{CHOICES}個まで書きます");
            let en = format!("`choices` holds 1 to {CHOICES} words of a field of kind choice");
            faults.push(Fault::new(path("choices"), ja, en));
        }
        for choice in &field.choices {
            text(faults, &path("choices"), choice, 1, WORD_CHARS);
        }
    }
}

/// What names a field names one that is there.
fn references(faults: &mut Vec<Fault>, assistant: &Assistant) {
    let mut known = |path: &str, id: &str| {
        if assistant.field(id).is_none() {
            let ja = format!("{path}の「{id}」という入力欄はありません");
            faults.push(Fault::new(path, ja, format!("`{path}` names no field: {id:?}")));
        }
    };
    assistant.search.iter().for_each(|id| known("search", id));
    assistant.checks.contains_fields.iter().for_each(|id| known("checks.contains_fields", id));
    let Some(long) = &assistant.long else { return };
    known("long.field", &long.field);
    if long.join == Join::Merge {
        text(faults, "long.prompt", &long.prompt, 1, PROMPT_CHARS);
    } else if !long.prompt.is_empty() {
        let ja = "long.promptは、joinがmergeのときだけ書きます";
        faults.push(Fault::new("long.prompt", ja, "`long.prompt` belongs to join = \"merge\""));
    }
    if assistant.uses_data() {
        let ja = "longは、dataがnoneのときだけ使えます";
        faults.push(Fault::new("long", ja, "`long` works with data = \"none\" only"));
    }
}

fn examples(faults: &mut Vec<Fault>, assistant: &Assistant) {
    if assistant.examples.len() > EXAMPLES {
        let ja = format!("記入例（example）は{EXAMPLES}個までです");
        faults.push(Fault::new("example", ja, format!("at most {EXAMPLES} examples")));
    }
    for (at, example) in assistant.examples.iter().enumerate() {
        let path = |name: &str| format!("example[{}].{name}", at + 1);
        text(faults, &path("title"), &example.title, 0, LABEL_CHARS);
        for (id, value) in &example.values {
            match assistant.field(id) {
                Some(field) => text(faults, &path("values"), value, 0, field.max_chars),
                None => faults.push(Fault::new(
                    path("values"),
                    format!("記入例の「{id}」という入力欄はありません"),
                    format!("an example fills in no field: {id:?}"),
                )),
            }
        }
    }
}

fn checks(faults: &mut Vec<Fault>, assistant: &Assistant) {
    let checks = &assistant.checks;
    words(faults, "checks.contains", &checks.contains);
    words(faults, "checks.avoids", &checks.avoids);
    if checks.max_chars > 0 && checks.min_chars > checks.max_chars {
        let ja = "checks.min_charsがmax_charsより大きくなっています";
        let en = "`checks.min_chars` is above `max_chars`";
        faults.push(Fault::new("checks.min_chars", ja, en));
    }
    if checks.cites && !assistant.uses_data() {
        let ja = "checks.citesは、データセットを使うときだけ指定できます";
        faults.push(Fault::new("checks.cites", ja, "`checks.cites` needs data sets"));
    }
}
