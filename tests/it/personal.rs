//! How well personal data is told from everything else, over generated sentences, figures per kind.
//!
//! What is generated does not know how the detectors work: `values` makes data as the rules of
//! each number say, the other modules hold sentences of staff. `daily` was there first, `held_out`
//! was written before any result was seen, `fresh` after the mistakes over it had been mended.

mod daily;
mod fresh;
mod held_out;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;

use kura::guard::personal::{Kind, find};
use values::Rng;

/// Least shares over all kinds together.
const PRECISION_LEAST: f64 = 0.98;
const RECALL_LEAST: f64 = 0.99;

/// A sentence and what was planted in it.
struct Item {
    text: String,
    planted: Vec<(Kind, Range<usize>)>,
}

/// A piece of data for a place in a template, and its kind where it is personal.
fn value(place: &str, rng: &mut Rng, rare: u64) -> (Option<Kind>, String) {
    let personal = |kind, text| (Some(kind), text);
    match place {
        "my_number" => personal(Kind::MyNumber, values::my_number(rng)),
        "licence" => personal(Kind::DrivingLicence, values::licence(rng)),
        "pension" => personal(Kind::Pension, values::pension(rng)),
        "passport" => personal(Kind::Passport, values::passport(rng)),
        "residence" => personal(Kind::ResidenceCard, values::residence_card(rng)),
        "mobile" => personal(Kind::Phone, values::mobile(rng)),
        "fixed" => personal(Kind::Phone, values::fixed_phone(rng)),
        "email" => personal(Kind::Email, values::email(rng)),
        "address" => personal(Kind::Address, values::address(rng)),
        "account" => personal(Kind::BankAccount, values::account(rng)),
        "post_account" => personal(Kind::BankAccount, values::post_account(rng)),
        "birth" => personal(Kind::BirthDate, values::birth_date(rng)),
        "name" => personal(Kind::Name, values::full_name(rng, rare)),
        "known" => personal(Kind::Name, values::full_name(rng, u64::MAX)),
        "family" => personal(Kind::Name, values::family_name(rng, rare)),
        "kana" => personal(Kind::Name, values::kana_name(rng)),
        "foreign" => personal(Kind::Name, values::foreign_name(rng)),
        "latin" => personal(Kind::Name, values::latin_name(rng)),
        "corporate" => (None, values::corporate_number(rng)),
        "twelve_right" => (None, values::twelve_right(rng)),
        "twelve_wrong" => (None, values::twelve_wrong(rng)),
        "office_fixed" => (None, values::fixed_phone(rng)),
        "office_free" => (None, values::free_phone(rng)),
        "n" => (None, values::number(rng, 60)),
        "yen" => (None, values::number(rng, 9_000_000)),
        "big" => (None, values::number(rng, 400_000)),
        "digits3" => (None, values::digits(rng, 3)),
        "digits4" => (None, values::digits(rng, 4)),
        "digits6" => (None, values::digits(rng, 6)),
        "digits7" => (None, values::digits(rng, 7)),
        "digits8" => (None, values::digits(rng, 8)),
        other => panic!("no such place: {other}"),
    }
}

fn fill(template: &str, rng: &mut Rng, rare: u64) -> Item {
    let mut item = Item { text: String::new(), planted: Vec::new() };
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        let (place, after) = from.split_once('}').unwrap();
        item.text.push_str(before);
        let (kind, value) = value(place, rng, rare);
        let start = item.text.len();
        item.text.push_str(&value);
        item.planted.extend(kind.map(|kind| (kind, start..item.text.len())));
        rest = after;
    }
    item.text.push_str(rest);
    item
}

fn items(seed: u64, count: usize, rare: u64, with: &[&str], without: &[&str]) -> Vec<Item> {
    let mut rng = Rng::new(seed);
    (0..count)
        .map(|at| {
            let list = if at % 3 == 2 { without } else { with };
            let template = rng.pick(list);
            fill(template, &mut rng, rare)
        })
        .collect()
}

/// Right, missed and wrong findings of one kind.
#[derive(Clone, Copy, Default)]
struct Count {
    right: usize,
    missed: usize,
    wrong: usize,
}

impl Count {
    fn recall(self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }

    fn precision(self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }
}

/// Counts by kind, with some of the mistakes. Found means: of this kind, and the whole of it.
fn measure(items: &[Item]) -> (BTreeMap<Kind, Count>, Vec<String>) {
    let mut counts: BTreeMap<Kind, Count> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for item in items {
        let found = find(&item.text);
        for (kind, range) in &item.planted {
            let whole = found.iter().any(|found| {
                found.kind == *kind
                    && found.range.start <= range.start
                    && found.range.end >= range.end
            });
            let count = counts.entry(*kind).or_default();
            if whole {
                count.right += 1;
            } else {
                count.missed += 1;
                let written = &item.text[range.clone()];
                mistakes.push(format!("missed {kind:?} {written:?} in {:?}", item.text));
            }
        }
        for found in &found {
            let planted = item.planted.iter().any(|(kind, range)| {
                *kind == found.kind
                    && range.start < found.range.end
                    && found.range.start < range.end
            });
            if !planted {
                counts.entry(found.kind).or_default().wrong += 1;
                let written = &item.text[found.range.clone()];
                mistakes.push(format!("wrong {:?} {written:?} in {:?}", found.kind, item.text));
            }
        }
    }
    (counts, mistakes)
}

/// Prints the figures of a family and gives those over all kinds.
fn report(name: &str, items: &[Item]) -> (Count, Vec<String>) {
    let (counts, mistakes) = measure(items);
    let mut all = Count::default();
    let mut table = format!("{name}: {} sentences\n", items.len());
    for (kind, count) in &counts {
        all.right += count.right;
        all.missed += count.missed;
        all.wrong += count.wrong;
        row(&mut table, kind.label(), *count);
    }
    row(&mut table, "全体", all);
    // Not by a macro: the test harness keeps what those print to itself.
    let mut out = std::io::stderr();
    writeln!(out, "{table}").unwrap();
    (all, mistakes)
}

fn row(table: &mut String, name: &str, count: Count) {
    writeln!(
        table,
        "  precision {:.4}  recall {:.4}  right {:5}  missed {:4}  wrong {:4}  {name}",
        count.precision(),
        count.recall(),
        count.right,
        count.missed,
        count.wrong
    )
    .unwrap();
}

fn hold(name: &str, items: &[Item]) {
    let (all, mistakes) = report(name, items);
    let some: Vec<_> = mistakes.iter().step_by(1 + mistakes.len() / 60).collect();
    assert!(
        all.precision() >= PRECISION_LEAST && all.recall() >= RECALL_LEAST,
        "{name}: precision {:.4}, recall {:.4}\n{some:#?}",
        all.precision(),
        all.recall()
    );
}

#[test]
fn sentences_of_the_counter() {
    hold("daily", &items(20_260_401, 6000, 6, daily::WITH, daily::WITHOUT));
}

#[test]
fn sentences_of_mails_and_minutes() {
    hold("held out", &items(77, 3000, 4, held_out::WITH, held_out::WITHOUT));
}

#[test]
fn sentences_of_a_third_kind() {
    hold("fresh", &items(5, 2000, 4, fresh::WITH, fresh::WITHOUT));
}
