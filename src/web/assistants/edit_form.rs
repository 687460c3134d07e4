//! The form of an assistant, read into the type. What is wrong stays in it, so that the form can
//! be shown again as it was sent.

use super::super::form::Form;
use crate::answer::assistant::{
    Assistant, Checks, Chosen, DataChoice, Example, FIELD_CHARS, Fault, Field, Join, Kind, Long,
    Named,
};

/// Rows for fields that the form reads at most.
pub(super) const ROWS: usize = 12;

/// An assistant that is yet to be made.
pub(super) fn blank() -> Assistant {
    Assistant { version: 1, fields: vec![Field::text()], ..Assistant::default() }
}

/// The form as an assistant, and what could not be read. `old` is the one that was opened: what the
/// form does not show is kept from it.
pub(super) fn read(form: &Form, old: Option<&Assistant>) -> (Assistant, Vec<String>) {
    let mut reading = Reading { form, faults: Vec::new() };
    let rows: Vec<Row> = (1..=ROWS).filter_map(|number| reading.row(number)).collect();
    let rows = named(rows);
    let fields: Vec<Field> = rows.iter().map(|row| row.field.clone()).collect();
    let chosen = |wanted: fn(&Row) -> bool| -> Vec<String> {
        rows.iter().filter(|row| wanted(row)).map(|row| row.field.id.clone()).collect()
    };
    let search = chosen(|row| row.search);
    let all = search.len() == fields.len();
    let assistant = Assistant {
        id: reading.text("id"),
        version: old.map_or(1, |old| old.version),
        title: reading.text("title"),
        purpose: reading.text("purpose"),
        group: reading.named("group").unwrap_or_default(),
        prompt: reading.text("prompt"),
        data: reading.data(),
        search: if all { Vec::new() } else { search },
        form: reading.named("form").unwrap_or_default(),
        verbatim: Some(reading.ticked("verbatim")),
        max_tokens: reading.number("max_tokens", "最大の長さ"),
        sampling: Chosen {
            temperature: reading.number("temperature", "ばらつき"),
            ..old.map(|old| old.sampling).unwrap_or_default()
        },
        long: reading.long(&fields),
        examples: examples(&rows, old, &fields),
        checks: reading.checks(chosen(|row| row.kept)),
        fields,
    };
    (assistant, reading.faults)
}

/// A field with what else its row says.
struct Row {
    field: Field,
    example: String,
    search: bool,
    kept: bool,
}

struct Reading<'f> {
    form: &'f Form,
    faults: Vec<String>,
}

impl Reading<'_> {
    fn text(&self, name: &str) -> String {
        self.form.first(name).unwrap_or_default().replace("\r\n", "\n").trim().to_owned()
    }

    fn ticked(&self, name: &str) -> bool {
        self.form.first(name).is_some()
    }

    fn named<T: Named>(&self, name: &str) -> Option<T> {
        T::from_name(self.form.first(name)?)
    }

    /// A number; nothing where it is left blank.
    fn number<T: std::str::FromStr>(&mut self, name: &str, label: &str) -> Option<T> {
        let text = crate::text::normalize(&self.text(name));
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok();
        if number.is_none() {
            self.faults.push(format!("{label}は、数字で入力してください（いまは「{text}」）。"));
        }
        number
    }

    /// Words separated by 、 or lines.
    fn words(&self, name: &str) -> Vec<String> {
        let text = self.text(name);
        let words = text.split(['、', ',', '\n']).map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn row(&mut self, number: usize) -> Option<Row> {
        let name = |part: &str| format!("f{number}-{part}");
        let label = self.text(&name("label"));
        if label.is_empty() {
            return None;
        }
        let kind = self.named(&name("kind")).unwrap_or_default();
        let most = self.number(&name("max"), &format!("入力欄「{label}」の文字数の上限"));
        Some(Row {
            field: Field {
                id: self.text(&name("id")),
                label,
                help: self.text(&name("help")),
                choices: if kind == Kind::Choice {
                    self.words(&name("choices"))
                } else {
                    Vec::new()
                },
                kind,
                required: self.ticked(&name("required")),
                max_chars: most.unwrap_or(FIELD_CHARS),
            },
            example: self.text(&name("example")),
            search: self.ticked(&name("search")),
            kept: self.ticked(&name("kept")),
        })
    }

    fn data(&self) -> DataChoice {
        match self.form.first("data") {
            Some("all") => DataChoice::All,
            Some("common") => DataChoice::Common,
            Some("local") => DataChoice::Local,
            Some("only") => DataChoice::Only(self.form.list("dataset").unwrap_or_default()),
            _ => DataChoice::None,
        }
    }

    fn long(&self, fields: &[Field]) -> Option<Long> {
        let join: Join = self.named("long-join")?;
        let asked = self.text("long-field");
        let is_there = fields.iter().any(|field| field.id == asked);
        let longest = fields.iter().max_by_key(|field| field.max_chars);
        let field = match is_there {
            true => asked,
            false => longest.map(|field| field.id.clone()).unwrap_or_default(),
        };
        let prompt = if join == Join::Merge { self.text("long-prompt") } else { String::new() };
        Some(Long { field, join, prompt })
    }

    fn checks(&mut self, contains_fields: Vec<String>) -> Checks {
        Checks {
            cites: self.ticked("check-cites"),
            min_chars: self.number("check-min", "文字数の下限").unwrap_or_default(),
            max_chars: self.number("check-max", "文字数の上限").unwrap_or_default(),
            max_sentence_chars: self.number("check-sentence", "1文の上限").unwrap_or_default(),
            contains: self.words("check-contains"),
            contains_fields,
            avoids: self.words("check-avoids"),
            portable_characters: self.ticked("check-portable"),
            style: self.named("check-style"),
            plain_words: self.ticked("check-plain"),
            numbers: self.ticked("check-numbers"),
        }
    }
}

/// Gives new rows an id that no other has.
fn named(mut rows: Vec<Row>) -> Vec<Row> {
    for at in 0..rows.len() {
        if !rows[at].field.id.is_empty() {
            continue;
        }
        let taken = |id: &str| rows.iter().any(|row| row.field.id == id);
        let free = (1..).map(|number| format!("f{number}")).find(|id| !taken(id));
        rows[at].field.id = free.unwrap_or_default();
    }
    rows
}

/// The first example is in the form; the others are kept, as far as their fields are there.
fn examples(rows: &[Row], old: Option<&Assistant>, fields: &[Field]) -> Vec<Example> {
    let values: Vec<(String, String)> = rows
        .iter()
        .filter(|row| !row.example.is_empty())
        .map(|row| (row.field.id.clone(), row.example.clone()))
        .collect();
    let before = old.map(|old| old.examples.as_slice()).unwrap_or_default();
    let title = before.first().map_or_else(|| "記入例".to_owned(), |first| first.title.clone());
    let first = (!values.is_empty()).then_some(Example { title, values });
    let others = before.iter().skip(1).map(|example| {
        let there = |id: &String| fields.iter().any(|field| field.id == *id);
        let values = example.values.iter().filter(|(id, _)| there(id)).cloned().collect();
        Example { title: example.title.clone(), values }
    });
    first.into_iter().chain(others.filter(|example| !example.values.is_empty())).collect()
}

/// A fault in the words of the form, whose names are not those of the file.
pub(super) fn friendly(fault: &Fault) -> String {
    let path = &fault.path;
    let label = match path.as_str() {
        "title" => "名前".to_owned(),
        "purpose" => "目的".to_owned(),
        "prompt" => "指示文".to_owned(),
        "max_tokens" => "最大の長さ".to_owned(),
        "sampling.temperature" => "ばらつき".to_owned(),
        "long.prompt" => "分けたときの指示文".to_owned(),
        "checks.contains" => "必ず入れる言葉".to_owned(),
        "checks.avoids" => "使わない言葉".to_owned(),
        "search" => "検索に使う入力欄".to_owned(),
        other => match other.strip_prefix("field[").and_then(|rest| rest.split_once("].")) {
            Some((number, part)) => {
                let part = match part {
                    "label" => "名前",
                    "help" => "説明",
                    "choices" => "選択肢",
                    "max_chars" => "文字数の上限",
                    _ => "ID",
                };
                format!("入力欄{number}の{part}")
            }
            None => String::new(),
        },
    };
    let said = match (path.as_str(), path.ends_with(".choices")) {
        ("data", _) => "使うデータセットを1つ以上選んでください".to_owned(),
        ("checks.cites", _) => {
            "「出典が示されている」の確認は、データセットを使うときだけ選べます".to_owned()
        }
        ("long", _) => "長い文章を分けられるのは、データセットを使わないときだけです".to_owned(),
        (_, true) => format!("{label}は、種類が「選択」のときに1個から20個まで入力してください"),
        _ if label.is_empty() => fault.ja.clone(),
        _ => fault.ja.replace(path.as_str(), &label),
    };
    format!("{said}。")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::assistant::{built_in, validate};

    #[test]
    fn a_form_becomes_an_assistant_with_named_fields() {
        let form = Form::parse(
            "id=hyouka&title=評価&prompt=評価する&data=only&dataset=town&dataset=law&form=list\
             &f1-id=text&f1-label=文章&f1-kind=text&f1-required=on&f1-example=例文&f1-search=on\
             &f2-label=観点&f2-kind=choice&f2-choices=早さ、正しさ&f2-kept=on&f3-label=\
             &check-max=４００&check-contains=件名、宛名&check-style=desumasu&temperature=0.5",
        );
        let (assistant, faults) = read(&form, None);
        assert_eq!(faults, [""; 0]);
        assert_eq!(validate(&assistant), []);
        let ids: Vec<&str> = assistant.fields.iter().map(|field| field.id.as_str()).collect();
        assert_eq!(ids, ["text", "f1"]);
        assert_eq!(assistant.fields[1].choices, ["早さ", "正しさ"]);
        assert_eq!(assistant.data, DataChoice::Only(vec!["town".into(), "law".into()]));
        assert_eq!(assistant.search, ["text"]);
        assert_eq!(assistant.checks.contains_fields, ["f1"]);
        assert_eq!((assistant.checks.max_chars, assistant.sampling.temperature), (400, Some(0.5)));
        assert_eq!(assistant.examples[0].values, [("text".to_owned(), "例文".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_form() {
        let form =
            Form::parse("id=a&title=&prompt=x&data=only&f1-label=欄&f1-kind=choice&check-max=多");
        let (assistant, mut faults) = read(&form, None);
        faults.extend(validate(&assistant).iter().map(friendly));
        for part in
            ["文字数の上限は、数字で", "名前がありません", "1つ以上選んで", "入力欄1の選択肢"]
        {
            assert!(faults.iter().any(|fault| fault.contains(part)), "{part}: {faults:#?}");
        }
        assert!(!faults.iter().any(|fault| fault.contains("field[")), "{faults:#?}");
    }

    #[test]
    fn what_the_form_does_not_show_is_kept() {
        let old = built_in().iter().find(|each| each.id == "bunsho").unwrap();
        let form =
            Form::parse("id=bunsho&title=文書&prompt=x&f1-id=to&f1-label=宛名&f1-example=甲");
        let (assistant, _) = read(&form, Some(old));
        assert_eq!(assistant.examples.len(), 2);
        assert_eq!(assistant.examples[0].title, old.examples[0].title);
        assert_eq!(
            assistant.examples[1].values,
            [("to".to_owned(), "県市町村課長　様".to_owned())]
        );
    }
}
