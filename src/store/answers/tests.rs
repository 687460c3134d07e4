use super::*;

fn an_answer(code: &str, created_at: &str) -> StoredAnswer {
    StoredAnswer {
        code: code.to_owned(),
        person: "p1".to_owned(),
        section: "総務課".to_owned(),
        created_at: created_at.to_owned(),
        kind: "excerpt".to_owned(),
        question: "会議室の使用料は".to_owned(),
        body: "{}".to_owned(),
        hash: "h".to_owned(),
        mac: "m".to_owned(),
    }
}

fn a_step(code: &str, step: i64, action: &str) -> ReviewStep {
    ReviewStep {
        code: code.to_owned(),
        step,
        at: format!("2026-04-0{step}T00:00:00Z"),
        person: "p1".to_owned(),
        name: "山田".to_owned(),
        section: "総務課".to_owned(),
        action: action.to_owned(),
        comment: String::new(),
        text: String::new(),
        noted: String::new(),
        mac: String::new(),
    }
}

#[tokio::test]
async fn records_and_trails_are_added_to_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    let (one, first) = (an_answer("A", "2026-04-01T00:00:00Z"), a_step("A", 1, "created"));
    assert!(store.add_answer(&one, &first).await.unwrap());
    let other = StoredAnswer { body: "別".to_owned(), ..one.clone() };
    assert!(!store.add_answer(&other, &first).await.unwrap(), "the code is taken");
    assert_eq!(store.answer("A").await.unwrap(), Some(one));
    assert_eq!(store.answer("B").await.unwrap(), None);
    assert!(store.answers_in_review().await.unwrap().is_empty());
    assert!(store.add_review_step(&a_step("A", 2, "requested")).await.unwrap());
    assert!(!store.add_review_step(&a_step("A", 2, "returned")).await.unwrap(), "once");
    let listed = store.answers_in_review().await.unwrap();
    assert_eq!((listed[0].action.as_str(), listed[0].author.as_str()), ("requested", "山田"));
    let steps = store.review_steps("A").await.unwrap();
    assert_eq!(steps, [first, a_step("A", 2, "requested")]);
}

#[tokio::test]
async fn old_records_are_forgotten_with_their_trails() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    for (code, day) in [("A", "2026-04-01T00:00:00Z"), ("B", "2026-05-01T00:00:00Z")] {
        store.add_answer(&an_answer(code, day), &a_step(code, 1, "created")).await.unwrap();
    }
    assert_eq!(store.sweep_answers(0).await.unwrap(), 0, "0 keeps them");
    assert_eq!(store.sweep_answers(36_500).await.unwrap(), 0, "none is so old");
    assert_eq!(store.forget_answers("2026-04-15T00:00:00Z").await.unwrap(), 1);
    assert_eq!(store.answer("A").await.unwrap(), None);
    assert!(store.review_steps("A").await.unwrap().is_empty());
    let left = store.answers_of("p1", 10).await.unwrap();
    assert_eq!(left.iter().map(|each| each.code.as_str()).collect::<Vec<_>>(), ["B"]);
}

#[tokio::test]
async fn a_rule_is_set_replaced_and_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    for (section, rule) in [("", "confirm"), ("税務課", "approve"), ("", "none")] {
        store.set_review_rule(section, rule).await.unwrap();
    }
    let pair = |section: &str, rule: &str| (section.to_owned(), rule.to_owned());
    let rules = store.review_rules().await.unwrap();
    assert_eq!(rules, [pair("", "none"), pair("税務課", "approve")]);
    store.set_review_rule("税務課", "").await.unwrap();
    assert_eq!(store.review_rules().await.unwrap(), [pair("", "none")]);
}
