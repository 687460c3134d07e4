//! Who may pass: host, origin, access key, log-in.

use kura::web::WebOptions;

use crate::web_env::{WebEnv, get, post_json, send};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn locked() -> WebOptions {
    WebOptions { access_key: Some("open-sesame".to_owned()), ..WebOptions::default() }
}

#[tokio::test]
async fn on_loopback_only_loopback_names_are_answered() {
    let web = WebEnv::new();
    let router = web.router(WebOptions { loopback_only: true, ..WebOptions::default() });
    for host in ["127.0.0.1", "127.0.0.1:8480", "localhost:80", "LOCALHOST", "[::1]:8480", "[::1]"]
    {
        assert_eq!(
            send(&router, "GET", "/healthz", &[("host", host)], "").await.status,
            200,
            "{host}"
        );
    }
    let foreign = [
        "kura.example",
        "127.0.0.1.example",
        "localhost.example:80",
        "127.0.0.1:80@x",
        "",
        "[::2]",
    ];
    for host in foreign {
        assert_eq!(
            send(&router, "GET", "/healthz", &[("host", host)], "").await.status,
            403,
            "{host}"
        );
    }
    assert_eq!(get(&router, "/").await.status, 403, "no host at all");
    for (host, url) in [
        ("kura.example:8480", " http://127.0.0.1:8480/ "),
        ("[::2]:81", " http://127.0.0.1:81/ "),
        ("kura.example", " http://127.0.0.1/ "),
        ("kura.example:x", " http://127.0.0.1/ "),
    ] {
        let page = send(&router, "GET", "/", &[("host", host)], "").await;
        assert!(page.status == 403 && page.text.contains(url), "{host}: {}", page.text);
        let style = send(&router, "GET", "/assets/kura.css", &[("host", host)], "").await;
        assert_eq!(style.status, 200, "that page has its style");
    }
}

#[tokio::test]
async fn pages_of_another_origin_cannot_send() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let cases: [(&[(&str, &str)], u16); 7] = [
        (&[], 200),
        (&[("origin", "http://kura.town:8480")], 200),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "http://kura.town:8481")], 403),
        (&[("origin", "null")], 403),
        (&[("sec-fetch-site", "same-origin"), ("origin", "http://kura.town:8480")], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
    ];
    for (headers, status) in cases {
        let mut all = vec![("host", "kura.town:8480"), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        let reply = send(&router, "POST", "/api/search", &all, r#"{"query": "会議室"}"#).await;
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn with_a_key_only_health_log_in_and_style_are_open() {
    let web = WebEnv::new();
    let router = web.router(locked());
    for path in ["/healthz", "/login", "/assets/kura.css"] {
        assert_eq!(get(&router, path).await.status, 200, "{path}");
    }
    for path in ["/", "/status"] {
        let reply = get(&router, path).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/login"), "{path}");
        assert!(!reply.text.contains("試験町"));
    }
    for path in ["/api/datasets", "/api/status", "/metrics", "/v1/models", "/v1/nowhere"] {
        let reply = get(&router, path).await;
        assert_eq!(reply.status, 401, "{path}");
        assert_eq!(reply.json()["error"]["code"], "invalid_api_key", "{path}");
    }
    assert_eq!(post_json(&router, "/v1/chat/completions", "{").await.status, 401);
}

#[tokio::test]
async fn the_key_opens_by_header_and_by_log_in() {
    let web = WebEnv::new();
    let router = web.router(locked());
    for (value, status) in [
        ("Bearer open-sesame", 200),
        ("bearer open-sesame", 200),
        ("Bearer open-sesam", 401),
        ("Basic open-sesame", 401),
    ] {
        let reply = send(&router, "GET", "/v1/models", &[("authorization", value)], "").await;
        assert_eq!(reply.status, status, "{value}");
    }
    let wrong = send(&router, "POST", "/login", &[FORM], "access_key=x").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("アクセスキーが違います") && wrong.header("set-cookie").is_empty());

    let right = send(&router, "POST", "/login", &[FORM], "access_key=open-sesame").await;
    assert_eq!((right.status.as_u16(), right.header("location")), (303, "/"));
    let cookie = right.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("sesame"), "the key is in the cookie");
    let pair = cookie.split(';').next().unwrap();
    let page = send(&router, "GET", "/", &[("cookie", pair)], "").await;
    assert!(page.status == 200 && page.text.contains("試験町"));
    let cut = &pair[..pair.len() - 1];
    for forged in [cut, "kura_session=9999999999.00", "kura_session="] {
        assert_eq!(send(&router, "GET", "/", &[("cookie", forged)], "").await.status, 303);
    }
}
