//! Accounts over HTTP: who gets in, who stays out, and what each role opens.

use axum::Router;
use kura::document::{Person, Role};
use kura::store::{NewAccount, Store, TRIAL};
use kura::web::WebOptions;

use crate::web_bundles::Publisher;
use crate::web_env::{Reply, WebEnv, get, send};
use crate::web_uploads;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const PASSWORD: &str = "asa-wa-rokuji-ni-inu-to-aruku";
const OTHER: &str = "yoru-wa-kuji-ni-hon-wo-yomu";

/// A server with a database of accounts.
struct Office {
    store: Store,
    router: Router,
    web: WebEnv,
}

impl Office {
    async fn new(options: WebOptions) -> Self {
        let web = WebEnv::new();
        let store = Store::open(web.service.installation().root()).await.unwrap();
        let router = web.router(WebOptions { store: Some(store.clone()), ..options });
        Self { store, router, web }
    }

    /// Somebody who has signed in before: own password, first-use page read.
    async fn person(&self, login: &str, role: Role) -> Person {
        let person = self.add(login, role, false).await;
        self.store.confirm_guide(&person.id).await.unwrap();
        person
    }

    async fn add(&self, login: &str, role: Role, must_change: bool) -> Person {
        let new = NewAccount {
            login: login.to_owned(),
            name: "山田 花子".to_owned(),
            section: "総務課".to_owned(),
            role,
            password: PASSWORD.to_owned(),
            must_change,
        };
        self.store.add_account(new).await.unwrap()
    }

    async fn post(&self, path: &str, cookie: &str, body: &str) -> Reply {
        send(&self.router, "POST", path, &[FORM, ("cookie", cookie)], body).await
    }

    async fn get(&self, path: &str, cookie: &str) -> Reply {
        send(&self.router, "GET", path, &[("cookie", cookie)], "").await
    }

    async fn try_sign_in(&self, login: &str, password: &str) -> Reply {
        self.post("/login", "", &format!("login={login}&password={password}")).await
    }

    /// The cookie of a new session.
    async fn sign_in(&self, login: &str, password: &str) -> String {
        let reply = self.try_sign_in(login, password).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/"), "{}", reply.text);
        let cookie = reply.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        pair(cookie)
    }
}

fn pair(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

fn where_to(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.header("location"))
}

fn locked() -> WebOptions {
    WebOptions { access_key: Some("open-sesame".to_owned()), ..WebOptions::default() }
}

const BEARER: (&str, &str) = ("authorization", "Bearer open-sesame");

#[tokio::test]
async fn before_the_first_account_all_is_as_it_was() {
    let office = Office::new(WebOptions::default()).await;
    for path in ["/", "/status", "/updates", "/api/datasets", "/v1/models", "/metrics"] {
        assert_eq!(get(&office.router, path).await.status, 200, "{path}");
    }
    let status = get(&office.router, "/status").await;
    assert!(status.text.contains("kura user add"), "{}", status.text);
    let people = get(&office.router, "/people").await;
    assert!(people.text.contains("アカウントはまだありません"), "{}", people.text);
    let form = "login=boss&name=x&section=y&role=admin";
    let grabbed = office.post("/people/add", "", form).await;
    assert_eq!(grabbed.status, 403, "whoever comes first must not become the administrator");
    assert!(!office.store.has_accounts().await.unwrap());
}

#[tokio::test]
async fn the_first_account_closes_the_door_at_once() {
    let office = Office::new(locked()).await;
    let key = office.post("/login", "", "access_key=open-sesame").await;
    let cookie = pair(key.header("set-cookie"));
    assert_eq!(office.get("/", &cookie).await.status, 200, "the key opens pages");
    office.person("hanako", Role::Staff).await;
    assert_eq!(where_to(&office.get("/", &cookie).await), (303, "/login"), "no longer");
    let page = send(&office.router, "GET", "/", &[BEARER], "").await;
    assert_eq!(where_to(&page), (303, "/login"));
    let again = office.post("/login", "", "access_key=open-sesame").await;
    assert_eq!(again.status, 401);
    assert!(get(&office.router, "/login").await.text.contains("利用者名"));
    for path in ["/api/datasets", "/api/status", "/api/passage"] {
        let reply = send(&office.router, "GET", path, &[BEARER], "").await;
        assert_eq!(reply.status, 401, "{path}");
        assert_eq!(reply.json()["error"]["code"], "sign_in_required", "{path}");
    }
    for path in ["/v1/models", "/metrics", "/api/search?q=x"] {
        assert_eq!(get(&office.router, path).await.status, 401, "{path}");
        let reply = send(&office.router, "GET", path, &[BEARER], "").await;
        assert_eq!(reply.status, 200, "other systems go on with the key: {path}");
    }
    assert_eq!(get(&office.router, "/healthz").await.status, 200);
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let office = Office::new(WebOptions::default()).await;
    office.person("hanako", Role::Staff).await;
    for (login, password) in [("hanako", OTHER), ("nobody", PASSWORD), ("", "")] {
        let wrong = office.try_sign_in(login, password).await;
        assert_eq!(wrong.status, 401, "{login}");
        assert!(wrong.text.contains("利用者名かパスワードが違います"), "{}", wrong.text);
        assert!(wrong.header("set-cookie").is_empty() && !wrong.text.contains(PASSWORD));
    }
    let cookie = office.sign_in("hanako", PASSWORD).await;
    let page = office.get("/", &cookie).await;
    assert!(page.status == 200 && page.text.contains("総務課"), "{}", page.text);
    assert!(page.text.contains("山田 花子") && page.text.contains("ログアウト"));
    assert!(!page.text.contains("href=\"/updates\""), "a way that would be refused");
    let headers = [("content-type", "application/json"), ("cookie", cookie.as_str())];
    let question = r#"{"question": "会議室の使用料は"}"#;
    let answer = send(&office.router, "POST", "/api/answer", &headers, question).await;
    assert_eq!(answer.status, 200);
    let out = office.post("/logout", &cookie, "").await;
    assert_eq!(where_to(&out), (303, "/login"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(where_to(&office.get("/", &cookie).await), (303, "/login"));
    let events = office.store.events(20).await.unwrap();
    let what: Vec<&str> = events.iter().map(|event| event.what.as_str()).collect();
    for word in ["ログイン", "ログアウト", "ログイン失敗"] {
        assert!(what.contains(&word), "{what:?}");
    }
    assert!(events.iter().all(|event| event.subject != "nobody"), "it may be a password");
}

#[tokio::test]
async fn a_session_that_has_run_out_opens_nothing() {
    use sqlx::Connection;
    let office = Office::new(WebOptions::default()).await;
    office.person("hanako", Role::Staff).await;
    let cookie = office.sign_in("hanako", PASSWORD).await;
    assert_eq!(office.get("/", &cookie).await.status, 200);
    let file = office.web.service.installation().root().join(kura::store::FILE);
    let url = format!("sqlite://{}", file.display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::query("UPDATE sessions SET expires_at = '2026-01-01T00:00:00Z'")
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(where_to(&office.get("/", &cookie).await), (303, "/login"));
    let api = office.get("/api/datasets", &cookie).await;
    assert_eq!(api.json()["error"]["code"], "sign_in_required");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_said() {
    let office = Office::new(WebOptions::default()).await;
    office.person("hanako", Role::Staff).await;
    // Many at once are no way around: they are counted before a password is looked at.
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let router = office.router.clone();
        let body = format!("login=hanako&password={OTHER}");
        guesses.spawn(async move { send(&router, "POST", "/login", &[FORM], &body).await });
    }
    let replies = guesses.join_all().await;
    let stopped: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(!stopped.is_empty() && stopped.len() <= 7, "{} of 12", stopped.len());
    let wait: u64 = stopped[0].header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(stopped[0].text.contains("待ってから"), "{}", stopped[0].text);
}

#[tokio::test]
async fn a_password_of_the_administrator_is_changed_first() {
    let office = Office::new(WebOptions::default()).await;
    office.add("hanako", Role::Staff, true).await;
    let cookie = office.sign_in("hanako", PASSWORD).await;
    assert_eq!(where_to(&office.get("/", &cookie).await), (303, "/account"));
    let api = office.get("/api/datasets", &cookie).await;
    assert_eq!(api.status, 403);
    assert_eq!(api.json()["error"]["code"], "password_change_required");
    assert_eq!(office.get("/v1/models", &cookie).await.status, 403);
    let page = office.get("/account", &cookie).await;
    assert!(page.text.contains("一時的なもの"), "{}", page.text);
    let change = async |present: &str, new: &str, again: &str| {
        let body = format!("present={present}&new={new}&again={again}");
        office.post("/account", &cookie, &body).await
    };
    for (present, new, again, said) in [
        (OTHER, OTHER, OTHER, "いまのパスワードが違います"),
        (PASSWORD, OTHER, PASSWORD, "一致しません"),
        (PASSWORD, "short", "short", "12文字以上"),
        (PASSWORD, "hanako123456", "hanako123456", "推測されやすい"),
        (PASSWORD, PASSWORD, PASSWORD, "別のもの"),
    ] {
        let reply = change(present, new, again).await;
        assert!(reply.status == 400 && reply.text.contains(said), "{said}: {}", reply.text);
    }
    let done = change(PASSWORD, OTHER, OTHER).await;
    assert_eq!(where_to(&done), (303, "/account?done=password"), "{}", done.text);
    let renewed = pair(done.header("set-cookie"));
    assert_eq!(where_to(&office.get("/", &cookie).await), (303, "/login"), "the old session");
    let next = office.get("/", &renewed).await;
    assert_eq!(where_to(&next), (303, "/guide"), "the first-use page comes next");
    assert_eq!(office.get("/account", &renewed).await.status, 200);
    assert_eq!(office.post("/guide", &renewed, "").await.status, 303);
    assert_eq!(office.get("/", &renewed).await.status, 200);
    assert_eq!(office.get("/", &office.sign_in("hanako", OTHER).await).await.status, 200);
    assert!(office.get("/guide", &renewed).await.text.contains("個人情報や秘密を入力しない"));
}

#[tokio::test]
async fn each_wall_holds_for_each_role() {
    let options = web_uploads::options(&Publisher::new());
    let office = Office::new(options).await;
    let walls = [
        ("GET", "/updates"),
        ("GET", "/updates/ledger"),
        ("GET", "/updates/ledger.csv"),
        ("GET", "/updates/rollback?kind=dataset&id=town"),
        ("POST", "/updates/rollback"),
        ("POST", "/api/updates"),
        ("PUT", "/api/updates/1/chunks/2"),
        ("POST", "/api/updates/1/commit"),
        ("GET", "/people"),
        ("POST", "/people/add"),
        ("GET", "/people/edit?login=boss"),
        ("POST", "/people/edit"),
        ("POST", "/people/reset"),
        ("POST", "/people/disable"),
        ("POST", "/people/enable"),
    ];
    for (login, role) in
        [("boss", Role::Admin), ("checker", Role::Reviewer), ("clerk", Role::Staff)]
    {
        office.person(login, role).await;
    }
    for login in ["boss", "checker", "clerk"] {
        let cookie = office.sign_in(login, PASSWORD).await;
        for (method, path) in walls {
            let headers = [FORM, ("cookie", &cookie)];
            let status = send(&office.router, method, path, &headers, "").await.status.as_u16();
            assert_eq!(status == 403, login != "boss", "{login} {method} {path}: {status}");
        }
        assert_eq!(office.get("/", &cookie).await.status, 200);
    }
    for (method, path) in walls {
        let status = send(&office.router, method, path, &[FORM], "").await.status.as_u16();
        let closed = if method == "GET" { 303 } else { 401 };
        assert_eq!(status, closed, "nobody {method} {path}");
    }
}

#[tokio::test]
async fn an_administrator_keeps_the_accounts() {
    let office = Office::new(WebOptions::default()).await;
    office.person("boss", Role::Admin).await;
    let boss = office.sign_in("boss", PASSWORD).await;
    let form = "login=Taro&name=%E9%88%B4%E6%9C%A8&section=%E7%A8%8E%E5%8B%99%E8%AA%B2&role=staff";
    let added = office.post("/people/add", &boss, form).await;
    assert_eq!(added.status, 200, "{}", added.text);
    let password = secret(&added);
    assert!(!office.get("/people", &boss).await.text.contains(&password), "shown once");
    let taken = office.post("/people/add", &boss, form).await;
    assert!(taken.status == 400 && taken.text.contains("すでに使われています"), "{}", taken.text);
    assert!(taken.text.contains("value=\"鈴木\""), "what was typed stays");

    let taro = office.sign_in("taro", &password).await;
    let reset = office.post("/people/reset", &boss, "login=taro").await;
    assert_eq!(where_to(&office.get("/account", &taro).await), (303, "/login"));
    assert_eq!(office.try_sign_in("taro", &password).await.status, 401);
    let taro = office.sign_in("taro", &secret(&reset)).await;

    let form =
        "login=taro&name=%E9%88%B4%E6%9C%A8&section=%E7%A6%8F%E7%A5%89%E8%AA%B2&role=reviewer";
    let changed = office.post("/people/edit", &boss, form).await;
    assert_eq!(where_to(&changed), (303, "/people?done=taro"));
    let page = office.get("/account", &taro).await;
    assert!(page.text.contains("確認者") && page.text.contains("福祉課"), "the session goes on");

    office.post("/people/disable", &boss, "login=taro").await;
    assert_eq!(where_to(&office.get("/account", &taro).await), (303, "/login"));
    let list = office.get("/people?done=taro", &boss).await;
    assert!(list.text.contains("停止中") && list.text.contains("利用停止"), "{}", list.text);
    office.post("/people/enable", &boss, "login=taro").await;
    let own = office.post("/people/disable", &boss, "login=boss").await;
    assert!(own.status == 400 && own.text.contains("管理者がほかにいない"), "{}", own.text);
    assert_eq!(office.post("/people/disable", &boss, "login=nobody").await.status, 404);
}

/// The one-time password of a page.
fn secret(reply: &Reply) -> String {
    let rest = reply.text.split("class=\"secret\">").nth(1);
    rest.unwrap_or_else(|| panic!("{}", reply.text)).split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_api_key_opens_the_api_and_nothing_else() {
    let office = Office::new(WebOptions::default()).await;
    office.person("hanako", Role::Staff).await;
    let (made, key) = office.store.add_api_key("文書管理").await.unwrap();
    let bearer = format!("Bearer {key}");
    let with = [("authorization", bearer.as_str())];
    for (path, status) in [
        ("/v1/models", 200),
        ("/api/search?q=%E8%BB%A2%E5%87%BA", 200),
        ("/metrics", 200),
        ("/", 303),
        ("/people", 303),
        ("/updates", 303),
        ("/api/datasets", 401),
    ] {
        assert_eq!(send(&office.router, "GET", path, &with, "").await.status, status, "{path}");
    }
    assert!(!office.store.api_keys().await.unwrap()[0].used_on.is_empty());
    office.store.revoke_api_key(&made.id).await.unwrap();
    let revoked = send(&office.router, "GET", "/v1/models", &with, "").await;
    assert_eq!(revoked.status, 401);
    assert_eq!(revoked.json()["error"]["code"], "invalid_api_key");
}

#[tokio::test]
async fn a_demo_signs_in_by_itself() {
    let office = Office::new(WebOptions { trial: true, ..WebOptions::default() }).await;
    assert_eq!(where_to(&get(&office.router, "/").await), (303, "/guide"));
    assert_eq!(get(&office.router, "/api/datasets").await.status, 200, "the API has no first page");
    assert!(get(&office.router, "/guide").await.text.contains("確認しました"));
    assert_eq!(office.post("/guide", "", "").await.status, 303);
    assert!(office.store.resident(TRIAL).await.unwrap().guide_read);
    let page = get(&office.router, "/").await;
    assert!(page.status == 200 && page.text.contains("試用者"), "{}", page.text);
    assert!(!page.text.contains("ログアウト"), "there is nothing to sign out of");
    let form = "login=hanako&name=a&section=b&role=staff";
    let added = office.post("/people/add", "", form).await;
    let cookie = office.sign_in("hanako", &secret(&added)).await;
    assert_eq!(where_to(&office.get("/", &cookie).await), (303, "/account"), "as hanako");
    assert_eq!(get(&office.router, "/").await.status, 200, "and still open");
}

/// The transfer record names the one who is signed in: the form has the name already.
#[tokio::test]
async fn forms_name_the_one_who_is_signed_in() {
    let options = web_uploads::options(&Publisher::new());
    let office = Office::new(options).await;
    office.person("boss", Role::Admin).await;
    let boss = office.sign_in("boss", PASSWORD).await;
    let page = office.get("/updates", &boss).await;
    assert!(page.text.contains("readonly value=\"総務課 山田 花子\""), "{}", page.text);
}
