//! A service over real data, and requests to its router without a port.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use kura::answer::Service;
use kura::config::Config;
use kura::web::{AppState, WebOptions, router};
use serde_json::Value;
use tower::ServiceExt;

use crate::env::{Env, text};

/// A data folder with one small data set and no model: answers are excerpts.
pub(crate) struct WebEnv {
    pub(crate) service: Service,
    _env: Env,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Documents of the data set; the last one holds what must never become markup.
const DOCUMENTS: [(&str, &str); 3] = [
    (
        "tenshutsu.md",
        "# 窓口業務マニュアル\n\n## 転出届\n\n転出届は、引っ越しの14日前から受け付ける。\
         代理人が届け出るときは、委任状と本人確認書類を求める。\n",
    ),
    (
        "kaigishitsu.md",
        "# 施設使用料の手引\n\n## 会議室\n\n会議室の使用料は、1時間あたり300円とする。\
         減免を受ける団体は、申請書を提出する。\n",
    ),
    (
        "gomi.txt",
        "ごみの収集\n\n粗大ごみの収集は、電話で申し込む。<img src=x onerror=alert(1)>と書かれた\
         札を貼らない。\n",
    ),
];

/// Common rules, and what a town makes of them.
const LAYERED: [(&str, &str); 5] = [
    (
        "fee-notice.txt",
        "証明書の標準的な手数料\n\n住民票の写しの交付手数料は、1通につき300円を標準とする。\n",
    ),
    ("fee-ordinance.txt", "手数料条例\n\n住民票の写しの交付手数料は、1通につき250円とする。\n"),
    (
        "move-law.txt",
        "転入の届出\n\n転入届は、転入をした日から十四日以内に提出しなければならない。\n",
    ),
    ("move-manual.txt", "窓口の手引\n\n転入届は、転入をした日から14日以内に受け付ける。\n"),
    ("bus.txt", "敬老乗車証の手引\n\n敬老乗車証は、満70歳以上の市民に交付する。\n"),
];

impl WebEnv {
    /// Must be called in a tokio runtime.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let env = Env::new();
        let dataset = env.dataset("town", "1", &DOCUMENTS);
        env.succeed(&["dataset", "add", text(&dataset)]);
        Self::over(env, change)
    }

    /// A data set with common and local rules that differ, agree, and stand alone.
    pub(crate) fn layered() -> Self {
        let env = Env::new();
        let dataset = env.dataset("town", "1", &LAYERED);
        let manifest = dataset.join("dataset.toml");
        let common = |path: &str, authority: &str| {
            format!(
                "[[document]]\npath = \"{path}\"\nscope = \"common\"\nauthority = \"{authority}\"\n"
            )
        };
        let text = std::fs::read_to_string(&manifest).unwrap()
            + &common("fee-notice.txt", "circular")
            + &common("move-law.txt", "law")
            + "[[document]]\npath = \"fee-ordinance.txt\"\nauthority = \"ordinance\"\n";
        std::fs::write(&manifest, text).unwrap();
        env.succeed(&["dataset", "add", crate::env::text(&dataset)]);
        Self::over(env, |_| {})
    }

    /// A data folder in which nothing is installed.
    pub(crate) fn empty() -> Self {
        Self::over(Env::new(), |_| {})
    }

    /// Over what is installed already.
    pub(crate) fn over(env: Env, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { data_dir: env.data_dir(), ..Config::default() };
        change(&mut config);
        Self { service: Service::open(&config).unwrap(), _env: env }
    }

    pub(crate) fn router(&self, options: WebOptions) -> Router {
        router(AppState::new(self.service.clone(), options))
    }
}

/// Sends one request.
pub(crate) async fn send(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    send_bytes(router, method, path, headers, body.as_bytes().to_vec()).await
}

/// The same with a body that is no text.
pub(crate) async fn send_bytes(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 64 * 1024 * 1024).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Reply { status: head.status, headers: head.headers, text }
}

/// A POST of JSON.
pub(crate) async fn post_json(router: &Router, path: &str, body: &str) -> Reply {
    send(router, "POST", path, &[("content-type", "application/json")], body).await
}

pub(crate) async fn get(router: &Router, path: &str) -> Reply {
    send(router, "GET", path, &[], "").await
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of each event of a stream; `[DONE]` stays a string.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data:"));
        data.map(|data| match data.trim() {
            "[DONE]" => Value::from("[DONE]"),
            data => serde_json::from_str(data).unwrap(),
        })
        .collect()
    }
}
