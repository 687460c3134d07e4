//! A server whose people have accounts and are signed in, asked without a port.

use axum::Router;
use kura::config::Config;
use kura::document::{Person, Role};
use kura::store::{NewAccount, Store};
use kura::web::{Reader, WebOptions};
use serde_json::Value;

use crate::env::KURA;
use crate::web_env::{Reply, WebEnv, send, send_bytes};

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const PASSWORD: &str = "asa-wa-rokuji-ni-inu-to-aruku";
const BOUNDARY: &str = "kura-test";

/// A server whose people are signed in.
pub(crate) struct Office {
    pub(crate) store: Store,
    pub(crate) router: Router,
    pub(crate) web: WebEnv,
}

impl Office {
    /// `trial`: as in a demo.
    pub(crate) async fn new(trial: bool) -> Self {
        Self::with(WebOptions { trial, ..WebOptions::default() }, |_| {}).await
    }

    pub(crate) async fn with(options: WebOptions, change: impl FnOnce(&mut Config)) -> Self {
        let web = WebEnv::with(change);
        let store = Store::open(web.service.installation().root()).await.unwrap();
        let reader = Reader { program: Some(KURA.into()), ..options.reader };
        let options = WebOptions { store: Some(store.clone()), reader, ..options };
        let router = web.router(options);
        Self { store, router, web }
    }

    /// The cookie of somebody new who has signed in.
    pub(crate) async fn person(&self, login: &str, role: Role) -> String {
        let new = NewAccount {
            login: login.to_owned(),
            name: "山田 花子".to_owned(),
            section: "総務課".to_owned(),
            role,
            password: PASSWORD.to_owned(),
            must_change: false,
        };
        sign_in(&self.store, &self.router, new).await.1
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Reply {
        send(&self.router, "GET", path, &[("cookie", cookie)], "").await
    }

    pub(crate) async fn post(&self, path: &str, cookie: &str, body: &str) -> Reply {
        send(&self.router, "POST", path, &[FORM, ("cookie", cookie)], body).await
    }

    /// Asks by JSON, and gives the reply with the conversation in which it is kept.
    pub(crate) async fn ask(&self, cookie: &str, body: &Value) -> (Reply, String) {
        let headers = [JSON, ("cookie", cookie)];
        let body = body.to_string();
        let reply = send(&self.router, "POST", "/api/answer", &headers, &body).await;
        let id = reply.header("kura-conversation").to_owned();
        (reply, id)
    }

    pub(crate) async fn list(&self, cookie: &str) -> Vec<Value> {
        let list = self.get("/api/conversations", cookie).await.json();
        list["conversations"].as_array().unwrap().clone()
    }

    /// Sends files into a conversation; an empty id begins one.
    pub(crate) async fn upload(
        &self,
        path: &str,
        cookie: &str,
        conversation: &str,
        files: &[(&str, &[u8])],
    ) -> Reply {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"conversation\"\r\n\r\n\
             {conversation}\r\n"
        )
        .into_bytes();
        for (name, bytes) in files {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; \
                 filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("content-type", media.as_str()), ("cookie", cookie)];
        send_bytes(&self.router, "POST", path, &headers, body).await
    }
}

/// Adds a person who has read the guide, signs them in, and gives their cookie.
pub(crate) async fn sign_in(store: &Store, router: &Router, new: NewAccount) -> (Person, String) {
    let body = format!("login={}&password={}", new.login, new.password);
    let person = store.add_account(new).await.unwrap();
    store.confirm_guide(&person.id).await.unwrap();
    let reply = send(router, "POST", "/login", &[FORM], &body).await;
    (person, reply.header("set-cookie").split(';').next().unwrap().to_owned())
}
