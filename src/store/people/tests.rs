use super::*;

const GOOD: &str = "朝は六時に犬と川まで歩く";
const OTHER: &str = "夜は九時に本を少し読んで寝る";

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

fn new(login: &str, role: Role) -> NewAccount {
    NewAccount {
        login: login.to_owned(),
        name: "山田 花子".to_owned(),
        section: "総務課".to_owned(),
        role,
        password: GOOD.to_owned(),
        must_change: true,
    }
}

#[tokio::test]
async fn a_person_signs_in_with_name_and_password() {
    let (_dir, store) = store().await;
    assert!(!store.has_accounts().await.unwrap(), "shared and trial are no accounts");
    let added = store.add_account(new("Hanako", Role::Staff)).await.unwrap();
    assert_eq!(added.login, "hanako");
    assert!(store.has_accounts().await.unwrap());
    assert_eq!(store.sign_in("ＨＡＮＡＫＯ ", GOOD).await.unwrap(), Some(added.clone()));
    for (login, password) in [
        ("hanako", OTHER),
        ("hanako", ""),
        ("taro", GOOD),
        ("", GOOD),
        ("(shared)", ""),
        ("'", "'"),
    ] {
        assert_eq!(store.sign_in(login, password).await.unwrap(), None, "{login}");
    }
    let taken = store.add_account(new("hanako", Role::Admin)).await;
    assert!(matches!(taken, Err(AccountError::Taken)));
    let malformed = store.add_account(new("花子", Role::Staff)).await;
    assert!(matches!(malformed, Err(AccountError::Login)));
}

#[tokio::test]
async fn a_password_is_changed_by_its_owner_or_reset() {
    let (_dir, store) = store().await;
    let person = store.add_account(new("hanako", Role::Staff)).await.unwrap();
    let token = store.begin_session(&person.id).await.unwrap();
    assert!(store.session(&token).await.unwrap().unwrap().must_change);
    let change = async |present: &str, new: &str| {
        store.change_password(&person, present, new.to_owned()).await
    };
    assert!(matches!(change(OTHER, GOOD).await, Err(AccountError::Wrong)));
    assert!(matches!(change(GOOD, GOOD).await, Err(AccountError::Weak(Weak::Same))));
    assert!(matches!(change(GOOD, "hanako").await, Err(AccountError::Weak(Weak::Short))));
    change(GOOD, OTHER).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), None, "a stolen session ends with it");
    assert!(!store.account("hanako").await.unwrap().unwrap().must_change);
    assert!(store.sign_in("hanako", GOOD).await.unwrap().is_none());

    let token = store.begin_session(&person.id).await.unwrap();
    store.reset_password("hanako", GOOD.to_owned()).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), None);
    assert!(store.account("hanako").await.unwrap().unwrap().must_change);
    let unknown = store.reset_password("nobody", GOOD.to_owned()).await;
    assert!(matches!(unknown, Err(AccountError::Unknown)));
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once() {
    let (_dir, store) = store().await;
    store.add_account(new("chief", Role::Admin)).await.unwrap();
    let person = store.add_account(new("hanako", Role::Staff)).await.unwrap();
    let token = store.begin_session(&person.id).await.unwrap();
    store.set_disabled("hanako", true).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), None);
    assert_eq!(store.sign_in("hanako", GOOD).await.unwrap(), None);
    let late = store.begin_session(&person.id).await.unwrap();
    assert_eq!(store.session(&late).await.unwrap(), None, "nor by a session begun meanwhile");
    store.set_disabled("hanako", false).await.unwrap();
    assert!(store.sign_in("hanako", GOOD).await.unwrap().is_some());
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let (_dir, store) = store().await;
    store.add_account(new("chief", Role::Admin)).await.unwrap();
    store.add_account(new("hanako", Role::Staff)).await.unwrap();
    let demote =
        async |login: &str| store.change_account(login, Role::Reviewer, "山田", "税務課").await;
    let disabled = store.set_disabled("chief", true).await;
    assert!(matches!(disabled, Err(AccountError::LastAdmin)));
    assert!(matches!(demote("chief").await, Err(AccountError::LastAdmin)));
    assert_eq!(demote("hanako").await.unwrap().role, Role::Reviewer);
    store.change_account("hanako", Role::Admin, "山田", "税務課").await.unwrap();
    assert_eq!(demote("chief").await.unwrap().section, "税務課");
    let disabled = store.set_disabled("hanako", true).await;
    assert!(matches!(disabled, Err(AccountError::LastAdmin)));
}

#[tokio::test]
async fn the_guide_is_confirmed_once_for_each_person() {
    let (_dir, store) = store().await;
    for id in [SHARED, TRIAL] {
        let before = store.resident(id).await.unwrap();
        assert!(!before.guide_read && !before.must_change, "{before:?}");
    }
    store.confirm_guide(TRIAL).await.unwrap();
    assert!(store.resident(TRIAL).await.unwrap().guide_read);
    assert!(!store.resident(SHARED).await.unwrap().guide_read);
}

#[tokio::test]
async fn what_happened_is_listed_newest_first_without_secrets() {
    use crate::store::Happened;
    let (_dir, store) = store().await;
    store.note(Happened::AccountAdded, "hanako", "chief").await.unwrap();
    store.note(Happened::SignedIn, "hanako", "hanako").await.unwrap();
    let events = store.events(10).await.unwrap();
    assert_eq!(events.len(), 2);
    assert!(events.iter().any(|event| event.what == "利用者の追加" && event.actor == "chief"));
    assert_eq!(store.events(1).await.unwrap().len(), 1);
}
