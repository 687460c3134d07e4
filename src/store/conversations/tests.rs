use super::*;
use crate::store::{FILE, Setting, TRIAL, stamp};

async fn a_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

fn a_turn(question: &str, answer: &str) -> NewTurn {
    NewTurn { question: question.to_owned(), answer: answer.to_owned(), record: "{}".to_owned() }
}

async fn a_conversation(store: &Store, person: &str, question: &str, answer: &str) -> String {
    let place = Place::new(person);
    assert!(store.add_turn(&place, &a_turn(question, answer)).await.unwrap());
    place.conversation
}

#[tokio::test]
async fn turns_follow_each_other_and_belong_to_one_person() {
    let (_dir, store) = a_store().await;
    let id = a_conversation(&store, TRIAL, "転出届はいつから？", "14日前から[1]。").await;
    let more = a_turn("その期限は？", "転出の日まで[1]。");
    assert!(store.add_turn(&Place::of(TRIAL, &id), &more).await.unwrap());
    let turns = store.turns(TRIAL, &id).await.unwrap();
    assert_eq!(turns.iter().map(|turn| turn.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(turns[1].question, "その期限は？");
    let listed = store.conversations(TRIAL, "", 10).await.unwrap();
    assert_eq!((listed[0].title.as_str(), listed[0].turns), ("転出届はいつから？", 2));

    let other = "shared";
    assert_eq!(store.conversation(other, &id).await.unwrap(), None);
    assert_eq!(store.turns(other, &id).await.unwrap(), []);
    assert_eq!(store.conversations(other, "", 10).await.unwrap(), []);
    assert!(!store.add_turn(&Place::of(other, &id), &more).await.unwrap());
    assert!(!store.rename_conversation(other, &id, "取った").await.unwrap());
    assert!(!store.delete_conversation(other, &id).await.unwrap());
    assert_eq!(store.delete_conversations(other).await.unwrap(), 0);
    assert_eq!(store.turns(TRIAL, &id).await.unwrap().len(), 2, "nothing changed");
}

#[tokio::test]
async fn the_last_used_comes_first_within_one_second_too() {
    let (_dir, store) = a_store().await;
    let tick = async || tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let mut begun = Vec::new();
    for question in ["一", "二", "三", "四", "五"] {
        begun.push(a_conversation(&store, TRIAL, question, "答え").await);
        tick().await;
    }
    assert!(store.add_turn(&Place::of(TRIAL, &begun[1]), &a_turn("続き", "答え")).await.unwrap());
    let listed = store.conversations(TRIAL, "", 10).await.unwrap();
    let titles: Vec<_> = listed.iter().map(|each| each.title.as_str()).collect();
    assert_eq!(titles, ["二", "五", "四", "三", "一"]);
}

#[tokio::test]
async fn a_search_takes_no_notice_of_width_and_case() {
    let (_dir, store) = a_store().await;
    let id = a_conversation(&store, TRIAL, "ＰＤＦの手数料は100%か", "300円です。").await;
    a_conversation(&store, TRIAL, "会議室の使用料", "1時間300円です。").await;
    assert!(store.rename_conversation(TRIAL, &id, "窓口の相談").await.unwrap());
    for (words, count) in [
        ("pdf", 1),
        ("ｐｄｆ　300円", 1),
        ("窓口", 1),
        ("窓口 手数料", 1),
        ("300円", 2),
        ("100%", 1),
        ("1%0", 0),
        ("300_", 0),
        ("会議室 手数料", 0),
        ("  ", 2),
    ] {
        let found = store.conversations(TRIAL, words, 10).await.unwrap();
        assert_eq!(found.len(), count, "{words}");
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_every_file() {
    const SECRET: &str = "浜松町の秘密の相談";
    let (dir, store) = a_store().await;
    let holds = || {
        std::fs::read_dir(dir.path()).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
        })
    };
    let long = format!("{SECRET}{}", "長い答え".repeat(5000));
    let id = a_conversation(&store, TRIAL, SECRET, &long).await;
    assert!(holds(), "the test looks where it is kept");
    assert!(store.delete_conversation(TRIAL, &id).await.unwrap());
    assert!(!holds(), "after deleting one");
    assert!(!store.add_turn(&Place::of(TRIAL, &id), &a_turn("後から", "")).await.unwrap());
    for _ in 0..3 {
        a_conversation(&store, TRIAL, SECRET, &long).await;
    }
    assert_eq!(store.delete_conversations(TRIAL).await.unwrap(), 3);
    assert!(!holds(), "after deleting all");
    assert!(dir.path().join(FILE).exists());
}

#[tokio::test]
async fn conversations_go_when_their_time_is_over() {
    let (_dir, store) = a_store().await;
    let aged = async |person: &str, days: i64| {
        let id = a_conversation(&store, person, "質問", "答え").await;
        sqlx::query("UPDATE conversations SET used_at = $1 WHERE id = $2")
            .bind(stamp(-24 * days))
            .bind(&id)
            .execute(&store.pool)
            .await
            .unwrap();
        id
    };
    aged(TRIAL, 400).await;
    aged(TRIAL, 40).await;
    aged("shared", 40).await;
    let new = aged(TRIAL, 1).await;
    assert_eq!(store.sweep_conversations(0).await.unwrap(), 0, "0 keeps");
    assert_eq!(store.sweep_conversations(365).await.unwrap(), 1);
    store.set(TRIAL, Setting::ConversationDays, "90").await.unwrap();
    store.set(TRIAL, Setting::ConversationDays, "30").await.unwrap();
    assert_eq!(store.sweep_conversations(0).await.unwrap(), 1, "the person's own rule");
    let left = store.conversations(TRIAL, "", 10).await.unwrap();
    assert_eq!(left.iter().map(|each| each.id.as_str()).collect::<Vec<_>>(), [new.as_str()]);
    assert_eq!(store.conversations("shared", "", 10).await.unwrap().len(), 1);
}

#[test]
fn titles_are_short_and_never_empty() {
    assert_eq!(short(" 転出届は\n いつ "), "転出届は いつ");
    assert_eq!(short(" \n"), "無題の会話");
    let cut = short(&"長".repeat(100));
    assert_eq!(cut.chars().count(), TITLE_CHARS_MAX + 1);
    assert!(cut.ends_with('…'));
}
