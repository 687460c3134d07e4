//! The main job as a newcomer runs it: `kura demo`, asked over HTTP, eight at once, then stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::env::Env;

/// A running demo; killed when a test fails half-way.
struct Demo {
    child: Child,
    address: String,
    questions: Vec<String>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Demo {
    fn start(env: &Env) -> Self {
        let mut child = env.spawn(&["demo", "--no-open", "--listen", "127.0.0.1:0"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut address, mut questions) = (None, Vec::new());
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some((_, rest)) = line.split_once("http://") {
                address = Some(rest.trim_end_matches('/').to_owned());
            }
            if let Some((_, question)) = line.split_once('・') {
                questions.push(question.to_owned());
            }
            if line.contains("Ctrl-C") {
                break;
            }
        }
        // What comes later must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the demo names its address"), questions }
    }

    /// Sends a request as HTTP/1.0, so that the body is what follows the head.
    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        stream
    }

    fn reply(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut text = String::new();
        self.send(method, path, body).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn events(&self, question: &str) -> Vec<Value> {
        let (status, body) =
            self.reply("POST", "/api/answer", &json!({"question": question}).to_string());
        assert_eq!(status, 200, "{body}");
        body.lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }
}

fn chat(stream: bool) -> String {
    json!({
        "model": "default", "stream": stream, "max_tokens": 24,
        "messages": [{"role": "user", "content": "こんにちは"}],
    })
    .to_string()
}

#[test]
fn a_newcomer_asks_and_eight_are_served() {
    let env = Env::new();
    let demo = Demo::start(&env);
    assert_eq!(demo.questions.len(), 3);
    for question in &demo.questions {
        let events = demo.events(question);
        assert_eq!(events[0]["type"], "sources");
        assert!(!events[0]["sources"].as_array().unwrap().is_empty(), "{question}");
        let last = events.last().unwrap();
        assert_eq!(last["type"], "finished", "{last}");
        let model = &last["summary"]["provenance"]["model"];
        assert_eq!(model["self_test"], true);
        assert_eq!(model["blake3"].as_str().unwrap().len(), 64);
        assert_eq!(last["summary"]["provenance"]["datasets"][0]["id"], "kurasaki-sample");
    }
    let bad = demo.reply("POST", "/v1/chat/completions", "{\"model\":");
    assert_eq!(bad.0, 400);
    let error: Value = serde_json::from_str(&bad.1).unwrap();
    assert!(error["error"]["message"].is_string(), "{error}");

    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (status, body) = demo.reply("POST", "/v1/chat/completions", &chat(false));
                assert_eq!(status, 200, "{body}");
                let reply: Value = serde_json::from_str(&body).unwrap();
                let usage = &reply["usage"];
                let sum = usage["prompt_tokens"].as_u64().unwrap()
                    + usage["completion_tokens"].as_u64().unwrap();
                assert_eq!(usage["total_tokens"], sum);
            });
        }
    });
}

/// Both signals: what is being streamed ends with an end, and the process ends well.
#[test]
fn signals_end_streams_cleanly() {
    let env = Env::new();
    for signal in ["-INT", "-TERM"] {
        let mut demo = Demo::start(&env);
        let long = json!({
            "model": "default", "stream": true, "max_tokens": 100_000,
            "messages": [{"role": "user", "content": "条例を書いてください"}],
        });
        let mut reader =
            BufReader::new(demo.send("POST", "/v1/chat/completions", &long.to_string()));
        let mut line = String::new();
        while !line.starts_with("data:") {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the stream never began");
        }
        let killed = Command::new("kill").args([signal, &demo.child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("[DONE]"), "{signal}: {rest}");
        assert_eq!(demo.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}
