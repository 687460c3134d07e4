//! Manifests that pass, and every mistake with its line.

use proptest::prelude::*;

use super::*;

const WHOLE: &str = "id = \"sakura-city\"\ntitle = \"桜市\"\nscope = \"local\"\nauthority = \"manual\"\n\
as_of = 2026-04-01\nedition = \"2026-04\"\npublisher = \"桜市総務課\"\nlicence = \"CC-BY-4.0\"\n";

/// The mistakes of a text as (line, message).
fn check(text: &str, expected: &[(usize, &str)]) {
    let Err(ManifestError::Invalid(found)) = parse(text) else { panic!("accepted:\n{text}") };
    let found: Vec<_> = found.iter().map(|m| (m.line, m.problem.to_string())).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((line, message), (expected_line, part)) in found.iter().zip(expected) {
        assert_eq!(line, expected_line, "{message}");
        assert!(message.contains(part), "{message} has no {part}");
    }
}

#[test]
fn a_whole_manifest() {
    let dataset = parse(WHOLE).unwrap();
    assert_eq!((dataset.id.as_str(), dataset.stale_after_days), ("sakura-city", 365));
    assert_eq!(dataset.as_of, jiff::civil::date(2026, 4, 1));
    assert!(dataset.documents.is_empty());
    let text = WHOLE.replace("2026-04-01", "\"2026-04-01\"")
        + "stale_after_days = 1_80\n[[document]]\npath = \"条例/a.docx\"\nauthority = \"ordinance\"\n\
           [[document]]\npath = \"b.txt\"\nas_of = \"2020-01-01\"\nscope = \"common\"\ntitle = \"題\"\n";
    let dataset = parse(&text).unwrap();
    assert_eq!(dataset.stale_after_days, 180);
    assert_eq!(dataset.documents[0].authority, Some(Authority::Ordinance));
    assert_eq!(dataset.documents[1].as_of, Some(jiff::civil::date(2020, 1, 1)));
    assert_eq!(dataset.documents[1].scope, Some(Scope::Common));
}

#[test]
fn a_document_says_when_it_is_in_force() {
    let with = |more: &str| format!("{WHOLE}[[document]]\npath = \"a\"\n{more}");
    let days = "in_force_from = 2024-04-01\nin_force_until = 2026-03-31\n";
    let dataset = parse(&with(&format!("{days}status = \"repealed\"\n"))).unwrap();
    let validity = Validity {
        in_force_from: Some(jiff::civil::date(2024, 4, 1)),
        in_force_until: Some(jiff::civil::date(2026, 3, 31)),
        status: Some(Standing::Repealed),
    };
    assert_eq!(dataset.documents[0].validity, validity);
    check(
        &with("in_force_until = 2024-03-31\nin_force_from = 2024-04-01\nstatus = \"old\"\n"),
        &[
            (11, "`in_force_until` (2024-03-31) lies before `in_force_from` (2024-04-01)"),
            (13, "allowed are current, scheduled, undecided, superseded, repealed"),
        ],
    );
}

#[test]
fn all_mistakes_at_once_each_with_its_line() {
    check(
        "id = \"Sakura\"\ntitle = 5\nscope = \"town\"\nauthority = \"gesetz\"\nas_of = \"2026-02-30\"\n\
         edition = \"\"\ncolour = \"red\"\nstale_after_days = 0\n\n[[document]]\ntitle = \"題\"\n\n\
         [[document]]\npath = \"../secret\"\nas_of = true\n",
        &[
            (1, "`publisher` is missing"),
            (1, "`licence` is missing"),
            (1, "`id` cannot be `Sakura`"),
            (2, "`title` must be text"),
            (3, "allowed are common, local"),
            (4, "allowed are law, cabinet-order"),
            (5, "`2026-02-30` is no date"),
            (6, "`edition` is blank"),
            (7, "unknown key `colour`"),
            (8, "`stale_after_days` must be a whole number"),
            (10, "`path` is missing"),
            (14, "`path` cannot be `../secret`"),
            (15, "`as_of` must be a date"),
        ],
    );
}

#[test]
fn single_mistakes() {
    let with = |more: &str| format!("{WHOLE}{more}");
    check(
        &with("[[document]]\npath = \"a\"\n[[document]]\npath = \"a\"\n"),
        &[(12, "a second [[document]]")],
    );
    check(&with("document = 3\n"), &[(9, "`document` must be a table")]);
    check(&with("document = [3]\n"), &[(9, "`document` must be a table")]);
    check(&with("[[document]]\npath = \"/etc/a\"\n"), &[(10, "`path` cannot be")]);
    check(&with("[[document]]\npath = \"a\\\\b\"\n"), &[(10, "`path` cannot be")]);
    check(&WHOLE.replace("2026-04-01", "2026-04-01T09:00:00"), &[(5, "is no date")]);
    check(&with("title = \"again\"\n"), &[(9, "not TOML: ")]);
    assert!(parse(&format!("id = {}", "[".repeat(100_000))).is_err());
    check(&with("licence\n"), &[(9, "not TOML: ")]);
}

#[test]
fn messages_in_both_languages() {
    let error = parse(&WHOLE.replace("local", "town")).unwrap_err();
    assert_eq!(error.to_string(), "line 3: `scope` cannot be `town`; allowed are common, local");
    assert_eq!(
        error.message(Lang::Ja),
        "3行目: 「scope」に「town」は使えません。使えるのは common、local です"
    );
    let missing = load(Path::new("/nonexistent/dataset.toml")).unwrap_err();
    assert!(missing.message(Lang::Ja).starts_with("/nonexistent/dataset.tomlがありません"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutilated_manifests_never_panic(at in 0..200usize, length in 0..20usize, put in "\\PC{0,8}") {
        let mut text: Vec<char> = WHOLE.chars().collect();
        let from = at.min(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, put.chars());
        let text: String = text.into_iter().collect();
        if let Err(ManifestError::Invalid(mistakes)) = parse(&text) {
            prop_assert!(!mistakes.is_empty());
        }
    }

    #[test]
    fn ids_are_exactly_of_their_alphabet(id in "\\PC{0,6}|[a-z0-9._-]{1,70}") {
        let text = WHOLE.replace("sakura-city", &id.replace(['\\', '"'], "!"));
        let first = id.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let rest = id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
        prop_assert_eq!(parse(&text).is_ok(), first && rest && id.len() <= 64);
    }
}
