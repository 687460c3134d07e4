//! The set of questions, as TOML (`index/README.md` explains its form).

use serde::Deserialize;

use crate::answer::quotes::bare;
use crate::document::Passage;

/// Letters of the choices, in their order.
pub const LETTERS: [char; 4] = ['a', 'b', 'c', 'd'];

/// Said behind the choices.
const PICK: &str = "資料に照らして正しいものを一つ選び、aからdの記号だけを答えてください。";

/// One question with what is known about its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    /// Where the answer stands; `None` where no document answers and 該当なし is right.
    pub source: Option<Source>,
    pub choices: Option<Choices>,
}

/// The place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path of the document inside the data set.
    pub path: String,
    /// Words of the deciding passage, as they stand there.
    pub quote: String,
}

/// Four choices, of which one is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    pub texts: [String; 4],
    /// Letter of the right one.
    pub answer: char,
}

/// Why a set of questions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionsError {
    #[error("not TOML of questions: {0}")]
    Toml(String),
    #[error("question {number} ({text:?}): {why}")]
    Question { number: usize, text: String, why: &'static str },
    #[error("it holds no question")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    question: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    choices: Option<[String; 4]>,
    answer: Option<char>,
    source: Option<String>,
    quote: Option<String>,
    /// For the reader of the file; the quotation finds the passage.
    #[serde(rename = "article")]
    _article: Option<String>,
}

/// Reads a set of questions.
///
/// # Errors
/// It is not TOML, or a question is incomplete: both are named.
pub fn parse(text: &str) -> Result<Vec<Question>, QuestionsError> {
    let file: File = toml::from_str(text).map_err(|why| QuestionsError::Toml(why.to_string()))?;
    if file.question.is_empty() {
        return Err(QuestionsError::Empty);
    }
    (1..).zip(file.question).map(|(number, line)| question(number, line)).collect()
}

fn question(number: usize, line: Line) -> Result<Question, QuestionsError> {
    let text = line.text;
    let wrong = |why| Err(QuestionsError::Question { number, text: text.clone(), why });
    if text.trim().is_empty() {
        return wrong("`text` is blank");
    }
    let source = match (line.source, line.quote) {
        (Some(path), Some(quote)) if !quote.trim().is_empty() => Some(Source { path, quote }),
        (None, None) => None,
        _ => return wrong("`source` and `quote` belong together"),
    };
    let choices = match (line.choices, line.answer) {
        (Some(texts), Some(answer)) if LETTERS.contains(&answer) => Some(Choices { texts, answer }),
        (None, None) => None,
        _ => return wrong("`choices` needs an `answer` from a to d"),
    };
    match (&source, &choices) {
        (None, Some(_)) => wrong("a question with choices needs its `source`"),
        _ => Ok(Question { text, source, choices }),
    }
}

impl Question {
    /// Whether a passage holds the deciding words.
    pub fn decides(&self, passage: &Passage) -> bool {
        self.source.as_ref().is_some_and(|source| {
            source.path == passage.path && bare(&passage.text).contains(&bare(&source.quote))
        })
    }
}

impl Choices {
    /// The question with its choices.
    pub fn ask(&self, question: &str) -> String {
        let lines =
            LETTERS.iter().zip(&self.texts).map(|(letter, text)| format!("{letter} {text}\n"));
        format!("{question}\n{}{PICK}", lines.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read() {
        let text = "[[question]]\ntext = \"いくら\"\nchoices = [\"一\", \"二\", \"三\", \"四\"]\n\
                    answer = \"c\"\nsource = \"a.txt\"\nquote = \"三円\"\n\
                    [[question]]\ntext = \"ない\"\n";
        let questions = parse(text).unwrap();
        assert_eq!(questions.len(), 2);
        let asked = questions[0].choices.as_ref().unwrap().ask("いくら");
        assert!(asked.starts_with("いくら\na 一\nb 二\nc 三\nd 四\n"), "{asked}");
        assert_eq!(questions[1], Question { text: "ない".into(), source: None, choices: None });
    }

    #[test]
    fn mistakes_are_named() {
        let head = "[[question]]\ntext = \"いくら\"\n";
        for (rest, why) in [
            ("source = \"a\"\n", "belong together"),
            ("quote = \"a\"\n", "belong together"),
            ("answer = \"a\"\n", "needs an `answer`"),
            ("choices = [\"1\", \"2\", \"3\", \"4\"]\nanswer = \"e\"\n", "needs an `answer`"),
            ("choices = [\"1\", \"2\", \"3\", \"4\"]\nanswer = \"a\"\n", "needs its `source`"),
            ("choices = [\"1\"]\n", "not TOML"),
            ("colour = \"red\"\n", "colour"),
        ] {
            let said = parse(&format!("{head}{rest}")).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
        assert_eq!(parse(""), Err(QuestionsError::Empty));
    }
}
