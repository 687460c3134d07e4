//! Bundles that come through the browser: piece by piece, again after an interruption, and from
//! people who mean harm.

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kura::web::WebOptions;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::web_bundles::{Bundle, Publisher};
use crate::web_env::{Reply, WebEnv, get, post_json, send, send_bytes};

const RAW: (&str, &str) = ("content-type", "application/octet-stream");
const NAMES: &str = r#"{"operator": "佐藤", "approver": "鈴木", "media": "USB-07"}"#;

/// A server that takes the updates of a publisher.
pub(crate) fn options(publisher: &Publisher) -> WebOptions {
    WebOptions { updates: Some(publisher.updates()), ..WebOptions::default() }
}

/// Sends a whole bundle and imports it.
pub(crate) async fn bring(router: &Router, bundle: &Bundle) {
    let begun = begin(router, bundle).await;
    for hash in missing(&begun) {
        assert_eq!(put(router, &begun, &hash, &bundle.chunks[&hash]).await.status, 204);
    }
    let last = commit(router, &begun).await;
    assert_eq!((&last["type"], &last["changed"]), (&"finished".into(), &true.into()), "{last}");
}

async fn begin(router: &Router, bundle: &Bundle) -> Value {
    let reply = post_json(router, "/api/updates", &bundle.papers().to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

fn missing(begun: &Value) -> Vec<String> {
    let hashes = begun["missing"].as_array().unwrap().iter();
    hashes.map(|hash| hash.as_str().unwrap().to_owned()).collect()
}

async fn put(router: &Router, begun: &Value, hash: &str, packed: &[u8]) -> Reply {
    let path = format!("/api/updates/{}/chunks/{hash}", begun["id"].as_str().unwrap());
    send_bytes(router, "PUT", &path, &[RAW], packed.to_vec()).await
}

/// The last event of an import.
async fn commit(router: &Router, begun: &Value) -> Value {
    let path = format!("/api/updates/{}/commit", begun["id"].as_str().unwrap());
    let reply = post_json(router, &path, NAMES).await;
    assert_eq!(reply.header("content-type"), "text/event-stream", "{}", reply.text);
    reply.events().pop().unwrap()
}

/// Everything below the data folder, to see what a request left.
fn tree(web: &WebEnv) -> Vec<PathBuf> {
    fn walk(dir: PathBuf, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(path.clone(), found);
            }
            found.push(path);
        }
    }
    let mut found = Vec::new();
    walk(web.service.installation().root().to_owned(), &mut found);
    found.sort();
    found
}

fn inboxes(web: &WebEnv) -> Vec<PathBuf> {
    let staging = web.service.installation().root().join("staging");
    let entries = std::fs::read_dir(staging).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().contains("upload-")).collect()
}

async fn found(router: &Router, query: &str) -> String {
    let body = json!({"query": query, "limit": 1}).to_string();
    let reply = post_json(router, "/api/search", &body).await;
    reply.json()["sources"][0]["passage"]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_bundle_comes_in_pieces_and_is_used_at_once() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let begun = begin(&router, &bundle).await;
    assert_eq!(begun["title"], "試験町のデータ");
    assert_eq!((&begun["edition"], &begun["is_in_use"]), (&"2".into(), &false.into()));
    assert_eq!(begun["signers"].as_array().unwrap().len(), 1);
    let hashes = missing(&begun);
    assert!(hashes.len() > 10, "{} chunks", hashes.len());
    assert_eq!(hashes.len(), bundle.chunks.len());
    let stored: usize = bundle.chunks.values().map(Vec::len).sum();
    assert_eq!(begun["missing_bytes"], stored);
    for hash in &hashes {
        assert_eq!(put(&router, &begun, hash, &bundle.chunks[hash]).await.status, 204);
    }
    let path = format!("/api/updates/{}/commit", begun["id"].as_str().unwrap());
    let events = post_json(&router, &path, NAMES).await.events();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "verified");
    assert!(kinds.ends_with(&["preparing", "switched", "finished"]), "{kinds:?}");
    let copied = events.iter().rfind(|event| event["type"] == "copied").unwrap();
    assert_eq!(copied["bytes"], copied["of"]);
    assert!(found(&router, "婚姻届").await.contains("夜間も預かる"));
    let state = web.service.installation().state().unwrap();
    assert_eq!(state.datasets["town"].current, "2");
    assert_eq!(state.datasets["town"].previous.as_deref(), Some("1"));
    assert!(inboxes(&web).is_empty());

    let again = begin(&router, &bundle).await;
    assert_eq!((&again["is_in_use"], missing(&again).len()), (&true.into(), 0));
    let last = commit(&router, &again).await;
    assert_eq!(last["changed"], false);
    let table = get(&router, "/updates/ledger.csv").await.text;
    assert!(table.contains("\"取込\"") && table.contains("\"変更なし（取込済み）\""), "{table}");
}

/// The browser is closed right after the import began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_goes_on_when_the_browser_leaves() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let begun = begin(&router, &bundle).await;
    for hash in missing(&begun) {
        put(&router, &begun, &hash, &bundle.chunks[&hash]).await;
    }
    let path = format!("/api/updates/{}/commit", begun["id"].as_str().unwrap());
    let request = Request::post(path).header("content-type", "application/json");
    let response = router.clone().oneshot(request.body(Body::from(NAMES)).unwrap()).await;
    drop(response.unwrap());
    while web.service.installation().state().unwrap().datasets["town"].current != "2" {
        tokio::task::yield_now().await;
    }
    assert!(found(&router, "婚姻届").await.contains("夜間も預かる"));
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let begun = begin(&router, &bundle).await;
    let hashes = missing(&begun);
    let (half, rest) = hashes.split_at(hashes.len() / 2);
    for hash in half {
        put(&router, &begun, hash, &bundle.chunks[hash]).await;
    }
    let path = format!("/api/updates/{}/commit", begun["id"].as_str().unwrap());
    let early = post_json(&router, &path, NAMES).await;
    assert_eq!(
        (early.status.as_u16(), &early.json()["error"]["code"]),
        (409, &"incomplete".into())
    );

    // The box was started anew, and the power cut left one chunk empty.
    let router = web.router(options(&publisher));
    assert_eq!(put(&router, &begun, &rest[0], &bundle.chunks[&rest[0]]).await.status, 404);
    let inbox = inboxes(&web).pop().unwrap();
    let hurt = inbox.join(format!("chunks/{}/{}.zst", &half[0][..2], half[0]));
    std::fs::write(hurt, b"").unwrap();
    let begun = begin(&router, &bundle).await;
    let mut expected = rest.to_vec();
    expected.push(half[0].clone());
    expected.sort();
    let mut asked = missing(&begun);
    asked.sort();
    assert_eq!(asked, expected);
    for hash in &asked {
        put(&router, &begun, hash, &bundle.chunks[hash]).await;
    }
    assert_eq!(commit(&router, &begun).await["type"], "finished");
}

#[tokio::test]
async fn what_the_box_has_is_not_sent_again() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    bring(&router, &publisher.dataset("town", 2, "婚姻届は、夜間も預かる。")).await;
    let next = publisher.dataset("town", 3, "婚姻届は、夜間は預からない。");
    let begun = begin(&router, &next).await;
    let asked = missing(&begun).len();
    assert!(asked > 0 && asked * 4 < next.chunks.len(), "{asked} of {}", next.chunks.len());
    bring(&router, &next).await;
    assert!(found(&router, "婚姻届").await.contains("夜間は預からない"));
}

#[tokio::test]
async fn a_chunk_that_builds_on_what_the_box_has_is_verified_with_it() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let first = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    bring(&router, &first).await;
    let next = publisher.delta("town", 3, "婚姻届は、夜間は預からない。", &first);
    let bytes = |bundle: &Bundle| bundle.chunks.values().map(Vec::len).sum::<usize>();
    assert!(bytes(&next) * 20 < bytes(&first), "{} of {}", bytes(&next), bytes(&first));
    let begun = begin(&router, &next).await;
    let wrong = missing(&begun).into_iter().max_by_key(|hash| next.chunks[hash].len()).unwrap();
    let mut damaged = next.chunks[&wrong].clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_ne!(put(&router, &begun, &wrong, &damaged).await.status, 204);
    bring(&router, &next).await;
    assert!(found(&router, "婚姻届").await.contains("夜間は預からない"));
}

#[tokio::test]
async fn two_uploads_at_once_do_not_mix() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let town = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let other = publisher.dataset("other", 7, "埋火葬許可証は、市民課が出す。");
    let begun = [begin(&router, &town).await, begin(&router, &other).await];
    assert_ne!(begun[0]["id"], begun[1]["id"]);
    let foreign: Vec<_> =
        other.chunks.keys().filter(|hash| !town.chunks.contains_key(*hash)).collect();
    let reply = put(&router, &begun[0], foreign[0], &other.chunks[foreign[0]]).await;
    assert_eq!(reply.json()["error"]["code"], "not_a_part");
    let (first, second) = (missing(&begun[0]), missing(&begun[1]));
    for at in 0..first.len().max(second.len()) {
        for (begun, bundle, hashes) in [(&begun[0], &town, &first), (&begun[1], &other, &second)] {
            if let Some(hash) = hashes.get(at) {
                assert_eq!(put(&router, begun, hash, &bundle.chunks[hash]).await.status, 204);
            }
        }
    }
    for begun in &begun {
        assert_eq!(commit(&router, begun).await["type"], "finished");
    }
    let state = web.service.installation().state().unwrap();
    assert_eq!((&*state.datasets["town"].current, &*state.datasets["other"].current), ("2", "7"));
}

#[tokio::test]
async fn only_a_few_inboxes_stay() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let mut ids = Vec::new();
    for counter in 1..=6 {
        let bundle = publisher.dataset("other", counter, "埋火葬許可証は、市民課が出す。");
        ids.push(begin(&router, &bundle).await["id"].as_str().unwrap().to_owned());
    }
    let kept: Vec<_> = inboxes(&web);
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert!(kept.iter().any(|path| path.ends_with(format!("upload-{}", ids[5]))), "{kept:?}");
    let gone = json!({"id": ids[0]});
    assert_eq!(put(&router, &gone, "00", b"x").await.json()["error"]["code"], "upload_not_found");
}

#[tokio::test]
async fn content_that_cannot_be_used_leaves_no_inbox() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.pack("town", 2, b"id = 1", b"{}\n");
    let begun = begin(&router, &bundle).await;
    for hash in missing(&begun) {
        put(&router, &begun, &hash, &bundle.chunks[&hash]).await;
    }
    let last = commit(&router, &begun).await;
    assert_eq!(last["type"], "failed");
    assert!(last["message"].as_str().unwrap().contains("内容をこの機器で使えません"), "{last}");
    assert!(inboxes(&web).is_empty());
    assert_eq!(web.service.installation().state().unwrap().datasets["town"].current, "1");
    assert!(get(&router, "/updates").await.text.contains("拒否"));
}

#[tokio::test]
async fn hostile_chunks_are_refused_and_leave_nothing() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let begun = begin(&router, &bundle).await;
    let id = begun["id"].as_str().unwrap();
    let before = tree(&web);
    let hash = missing(&begun)[0].clone();
    let good = &bundle.chunks[&hash];
    let unknown = "00".repeat(32);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let bomb = zstd_of_zeros();
    let cases: Vec<(String, Vec<u8>, u16, &str)> = vec![
        (
            format!("{id}/chunks/{unknown}"),
            good.clone(),
            404,
            "a chunk that is not in the manifest",
        ),
        (format!("{id}/chunks/{hash}"), flipped, 422, "wrong bytes of the right length"),
        (format!("{id}/chunks/{hash}"), good[..good.len() - 1].to_vec(), 422, "cut off"),
        (format!("{id}/chunks/{hash}"), Vec::new(), 422, "empty"),
        (format!("{id}/chunks/{hash}"), bomb, 422, "a bomb"),
        (format!("{id}/chunks/{hash}"), vec![0; 1_100_000], 413, "oversize"),
        (
            format!("{id}/chunks/..%2f..%2f..%2fstate.json"),
            good.clone(),
            404,
            "traversal in the hash",
        ),
        (format!("{id}/chunks/%2fetc%2fpasswd"), good.clone(), 404, "an absolute path"),
        (format!("{id}/chunks/{hash}%00"), good.clone(), 404, "a zero byte"),
        (format!("{id}/chunks/{}", hash.to_uppercase()), good.clone(), 404, "capitals"),
        (format!("..%2f..%2fx/chunks/{hash}"), good.clone(), 404, "traversal in the id"),
        (format!("0123456789abcdef/chunks/{hash}"), good.clone(), 404, "an unknown upload"),
        (format!("%2e%2e/chunks/{hash}"), good.clone(), 404, "dots as the id"),
    ];
    for (path, body, status, name) in cases {
        let path = format!("/api/updates/{path}");
        let reply = send_bytes(&router, "PUT", &path, &[RAW], body).await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text);
        assert!(!reply.json()["error"]["message"].as_str().unwrap().is_empty(), "{name}");
        assert_eq!(tree(&web), before, "{name} left something");
    }
    let path = format!("/api/updates/{id}/chunks/{hash}");
    assert_eq!(send_bytes(&router, "PUT", &path, &[], good.clone()).await.status, 415);
    let commit = post_json(&router, "/api/updates/..%2f..%2fx/commit", NAMES).await;
    assert_eq!(commit.status, 404);
    assert_eq!(put(&router, &begun, &hash, good).await.status, 204, "the good one still comes");
}

/// A megabyte of zeros, packed into a few bytes.
fn zstd_of_zeros() -> Vec<u8> {
    kura::sync::bundle::pack(&vec![0; 1024 * 1024]).unwrap().1
}

#[tokio::test]
async fn hostile_papers_are_refused_told_and_leave_no_inbox() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let papers = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。").papers();
    let stranger = Publisher::new().dataset("town", 3, "うそ").papers();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut papers = papers.clone();
        change(&mut papers);
        papers
    };
    let manifest = papers["manifest"]["text"].as_str().unwrap();
    let changed = manifest.replace("\"edition\":\"2\"", "\"edition\":\"9\"");
    assert_ne!(changed, manifest);
    let cases = [
        ("a stranger's", 422, stranger.clone()),
        ("a changed manifest", 422, with(&|p| p["manifest"]["text"] = changed.as_str().into())),
        ("no signature", 422, with(&|p| p["manifest"]["signatures"] = json!([]))),
        ("mixed papers", 422, with(&|p| p["manifest"] = stranger["manifest"].clone())),
        ("no root", 422, with(&|p| p["roots"] = json!([]))),
        (
            "a root twice",
            422,
            with(&|p| p["roots"] = json!([papers["roots"][0], papers["roots"][0]])),
        ),
        (
            "a path as key",
            422,
            with(&|p| p["manifest"]["signatures"][0]["key"] = "../../../../tmp/x".into()),
        ),
        ("root 0", 400, with(&|p| p["roots"][0]["version"] = 0.into())),
        ("a root that is text", 400, with(&|p| p["roots"][0]["version"] = "../1".into())),
        ("roots that are none", 400, with(&|p| p["roots"] = json!([1]))),
        ("no manifest", 400, with(&|p| p["manifest"] = Value::Null)),
        ("nobody", 400, with(&|p| p["operator"] = " ".into())),
        ("a long name", 400, with(&|p| p["approver"] = "長".repeat(101).into())),
        ("a field too many", 400, with(&|p| p["path"] = "/etc".into())),
        ("too long", 413, with(&|p| p["manifest"]["text"] = "x".repeat(6 << 20).into())),
    ];
    for (name, status, papers) in cases {
        let reply = post_json(&router, "/api/updates", &papers.to_string()).await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text);
        assert!(!reply.json()["error"]["message"].as_str().unwrap().is_empty(), "{name}");
        assert!(inboxes(&web).is_empty(), "{name}");
    }
    let state = web.service.installation().state().unwrap();
    assert_eq!(state.datasets["town"].current, "1");
    let table = get(&router, "/updates/ledger.csv").await.text;
    assert!(table.contains("\"拒否\"") && table.contains("必要な数の署名がありません"), "{table}");
}

#[tokio::test]
async fn a_refused_upload_does_not_hurt_one_under_way() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let begun = begin(&router, &bundle).await;
    let hash = missing(&begun)[0].clone();
    put(&router, &begun, &hash, &bundle.chunks[&hash]).await;
    let mut broken = bundle.papers();
    broken["manifest"]["signatures"] = json!([]);
    assert_eq!(post_json(&router, "/api/updates", &broken.to_string()).await.status, 422);
    let again = begin(&router, &bundle).await;
    assert_eq!(missing(&again).len(), bundle.chunks.len() - 1, "its chunk is still there");
}

#[tokio::test]
async fn an_upload_waits_for_another_change() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let other = web.service.installation().writer().unwrap();
    let reply = post_json(&router, "/api/updates", &bundle.papers().to_string()).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["code"]), (409, &"locked".into()));
    drop(other);
    bring(&router, &bundle).await;
}

#[tokio::test]
async fn other_requests_keep_their_size() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let long = json!({"question": "a".repeat(1024 * 1024)}).to_string();
    assert_eq!(post_json(&router, "/api/answer", &long).await.status, 413);
    let bundle = publisher.dataset("town", 2, "婚姻届は、夜間も預かる。");
    let begun = begin(&router, &bundle).await;
    let path = format!("/api/updates/{}/commit", begun["id"].as_str().unwrap());
    assert_eq!(post_json(&router, &path, &long).await.status, 413);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("operator={}", "a".repeat(1024 * 1024));
    assert_eq!(send(&router, "POST", "/updates/rollback", &form, &body).await.status, 413);
}
