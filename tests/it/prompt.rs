//! What the model is given: over the sample data, the words that answer are not cut away.

use std::path::Path;
use std::sync::Arc;

use kura::answer::evaluation::survival::{BUDGETS_TOKENS, Survival};
use kura::document::Passage;
use kura::llm::{EngineOptions, Model};
use kura::search::{Index, Query, Searcher};
use kura::sync::Installation;

use crate::env::{Env, sample, text};

/// Passages given for a question, as in the settings.
const PASSAGES: usize = 4;

/// Answers that may be lost at each of the budgets looked at: one in a hundred from what the
/// slowest box gives its model, none from more.
const LOST_MOST: [usize; 5] = [3, 1, 0, 0, 0];

/// A question with the words that answer it; of a table, the words of its row as well.
struct Question {
    text: String,
    answer: String,
    row: String,
}

/// The questions of a file that something answers; `answer` is the key of the words.
fn questions(file: &str, answer: &str) -> Vec<Question> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("index").join(file);
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let questions = table["question"].as_array().unwrap();
    let read = |question: &toml::Value| {
        let words = |key: &str| question.get(key).and_then(|value| value.as_str());
        let answer = words(answer)?.to_owned();
        let row = words("row").unwrap_or_default().to_owned();
        Some(Question { text: words("text")?.to_owned(), answer, row })
    };
    questions.iter().filter_map(read).collect()
}

/// The sample data set as installed.
pub(crate) fn searcher(env: &Env) -> Searcher {
    env.succeed(&["dataset", "add", text(&sample())]);
    let installation = Installation::new(&env.data_dir());
    let state = installation.state().unwrap();
    let open = |(id, entry): (&String, &kura::sync::CurrentDataset)| {
        let index = Index::open(&installation.index_dir(id, &entry.current)).unwrap();
        (id.clone(), Arc::new(index))
    };
    Searcher::new(state.datasets.iter().map(open).collect())
}

fn bare(text: &str) -> String {
    let folded = kura::text::fold(text);
    folded.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn what_answers_is_left_in_the_prompt() {
    let env = Env::new();
    let searcher = searcher(&env);
    let mini = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kura-mini/kura-mini-q8_0.gguf");
    let model = Model::load(&mini, &EngineOptions { slots: 1, ..EngineOptions::default() });
    let model = model.unwrap();
    let tokens = |text: &str| model.raw_prompt(text).unwrap().len();
    let (mut survival, mut lost_at) = (Survival::default(), Vec::new());
    let mut all = questions("sample-questions.toml", "answer");
    all.extend(questions("sample-benchmark.toml", "quote"));
    for question in &all {
        // What is refused before a prompt is built is counted elsewhere (labelled.rs).
        let text = question.text.clone();
        let query = Query { text, limit: PASSAGES, keep_weak: true, ..Query::default() };
        let hits = searcher.search(&query).unwrap().hits;
        let passages: Vec<Passage> = hits.into_iter().map(|hit| hit.passage).collect();
        let relevance = searcher.relevance(&question.text, None).unwrap();
        let (answer, row) = (bare(&question.answer), bare(&question.row));
        let answers = |text: &str| match row.is_empty() {
            true => bare(text).contains(&answer),
            false => {
                text.lines().map(bare).any(|line| line.contains(&row) && line.contains(&answer))
            }
        };
        let before = survival;
        survival.count(&question.text, &relevance, &passages, answers, tokens);
        for (at, budget) in BUDGETS_TOKENS.iter().enumerate() {
            if survival.of > before.of && survival.kept[at] == before.kept[at] {
                lost_at.push((*budget, question.text.clone()));
            }
        }
    }
    assert!(survival.of >= 85, "search finds the answers: {survival:?}");
    for ((budget, kept), most) in BUDGETS_TOKENS.iter().zip(survival.kept).zip(LOST_MOST) {
        let lost = survival.of - kept;
        assert!(lost <= most, "{lost} lost at {budget}: {lost_at:?}");
    }
}
