//! The page that compares two choices of data: its form, and both answers where they were asked
//! for without script.

use askama::Template;

use super::answer::{AnswerPart, answer_part};
use super::choice::{ChoiceFields, words_of_form};
use super::{VERSION, banner, japanese_date, render, scope_class};
use crate::answer::{self, Comparison, DatasetSummary, Health, Stretch};
use crate::web::answering::WholeAnswer;
use crate::web::compare::{PREFIXES, SIDES};
use crate::web::form::Form;

/// What the page shows besides answers.
pub(crate) struct CompareDesk {
    pub(crate) health: Health,
    pub(crate) datasets: Vec<DatasetSummary>,
    /// The question, without what may not be shown again.
    pub(crate) question: String,
    /// The form as it was sent, or filled by a preset.
    pub(crate) form: Form,
    pub(crate) error: String,
}

/// Two answers and what differs.
pub(crate) struct Compared {
    pub(crate) answers: [WholeAnswer; 2],
    pub(crate) comparison: Comparison,
}

#[derive(Template)]
#[template(path = "compare.html", config = "src/web/askama.toml")]
struct ComparePage<'a> {
    version: &'static str,
    has_banner: bool,
    banner: String,
    has_error: bool,
    error: &'a str,
    question: &'a str,
    has_several: bool,
    has_editions: bool,
    sides: [ChoiceFields; 2],
    has_answers: bool,
    same_answer: bool,
    answers: Vec<SideAnswer>,
    pairs: Vec<PairRow>,
}

/// An answer with what the other does not have marked.
struct SideAnswer {
    name: &'static str,
    words: String,
    id: &'static str,
    kind: &'static str,
    marks: Vec<Mark>,
    answer: AnswerPart,
}

/// A stretch of a text: marked as `del` on the left side, as `ins` on the right one.
struct Mark {
    removed: bool,
    added: bool,
    text: String,
}

struct PairRow {
    same: bool,
    sides: Vec<PairSide>,
}

struct PairSide {
    name: &'static str,
    is_there: bool,
    number: usize,
    citation: String,
    scope: &'static str,
    scope_class: &'static str,
    authority: &'static str,
    as_of: String,
    marks: Vec<Mark>,
}

const NAMES: [&str; 2] = ["条件A", "条件B"];

/// The page; with both answers where they were asked for without script.
pub(crate) fn compare_page(desk: &CompareDesk, compared: Option<&Compared>) -> String {
    let banner = banner(&desk.health);
    let words = |at: usize| words_of_form(&desk.form.under(PREFIXES[at]), &desk.datasets);
    let sides = [0, 1].map(|at| {
        let form = desk.form.under(PREFIXES[at]);
        let fields = ChoiceFields::of(&form, PREFIXES[at], "compare", &desk.datasets);
        ChoiceFields { name: NAMES[at], ..fields }
    });
    let question = desk.question.as_str();
    let answers = compared.map(|compared| {
        let side = |at: usize| SideAnswer {
            name: NAMES[at],
            words: words(at),
            id: SIDES[at],
            kind: super::answer::kind_label(compared.answers[at].summary.kind),
            marks: marks(&compared.comparison.answers[at], at),
            answer: answer_part(question, &compared.answers[at]),
        };
        vec![side(0), side(1)]
    });
    let comparison = compared.map(|compared| &compared.comparison);
    render(&ComparePage {
        version: VERSION,
        has_banner: !banner.is_empty(),
        banner,
        has_error: !desk.error.is_empty(),
        error: &desk.error,
        question,
        has_several: desk.datasets.len() > 1,
        has_editions: desk.datasets.iter().any(|dataset| !dataset.older.is_empty()),
        sides,
        has_answers: compared.is_some(),
        same_answer: comparison.is_some_and(|comparison| comparison.same_answer),
        answers: answers.unwrap_or_default(),
        pairs: comparison.map(pairs).unwrap_or_default(),
    })
}

fn pairs(comparison: &Comparison) -> Vec<PairRow> {
    let row = |pair: &answer::Pair| PairRow {
        same: pair.same,
        sides: (0..2).map(|at| pair_side(pair.sides[at].as_ref(), at)).collect(),
    };
    comparison.pairs.iter().map(row).collect()
}

fn pair_side(compared: Option<&answer::Compared>, at: usize) -> PairSide {
    let name = NAMES[at];
    match compared {
        Some(compared) => PairSide {
            name,
            is_there: true,
            number: compared.number,
            citation: compared.citation.clone(),
            scope: compared.scope_label,
            scope_class: scope_class(compared.scope),
            authority: compared.authority_label,
            as_of: japanese_date(compared.as_of),
            marks: marks(&compared.text, at),
        },
        None => PairSide {
            name,
            is_there: false,
            number: 0,
            citation: String::new(),
            scope: "",
            scope_class: "",
            authority: "",
            as_of: String::new(),
            marks: Vec::new(),
        },
    }
}

fn marks(stretches: &[Stretch], side: usize) -> Vec<Mark> {
    let mark = |stretch: &Stretch| Mark {
        removed: stretch.changed && side == 0,
        added: stretch.changed && side == 1,
        text: stretch.text.clone(),
    };
    stretches.iter().map(mark).collect()
}
