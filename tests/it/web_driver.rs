//! A WebDriver client: as much of the protocol as the browser test needs, over plain TCP.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Keys as WebDriver writes them.
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ESCAPE: char = '\u{e00c}';

/// How long the browser may take for one thing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A headless browser with a profile of its own; ends with the value.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one, or says why there is none on this machine.
    pub(crate) fn start() -> Result<Self, String> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|why| format!("chromedriver does not start ({why})"))?;
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let number = line.split("started successfully on port ").nth(1)?;
            number.trim_end_matches('.').parse().ok()
        });
        let port = port.ok_or("chromedriver names no port")?;
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        browser.open_session()?;
        Ok(browser)
    }

    fn open_session(&mut self) -> Result<(), String> {
        let profile = format!("--user-data-dir={}", self._profile.path().display());
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            profile.as_str(),
        ];
        let options = json!({"browserName": "chrome", "goog:chromeOptions": {"args": flags}});
        let wanted = json!({"capabilities": {"alwaysMatch": options}});
        let session = self.call("POST", "/session", &wanted)?;
        let id = session["sessionId"].as_str().ok_or("the browser gives no session")?;
        self.session = format!("/session/{id}");
        Ok(())
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Sets the size of the page, in CSS pixels; below 500 as a phone.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": size});
        self.post("/goog/cdp/execute", &command);
    }

    /// What the browser tells a screen reader of the page, in reading order.
    pub(crate) fn accessibility(&self) -> Value {
        let command = json!({"cmd": "Accessibility.getFullAXTree", "params": {}});
        self.post("/goog/cdp/execute", &command)["nodes"].take()
    }

    /// Runs a script in the page and gives what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until a script returns true.
    pub(crate) fn wait(&self, condition: &str) {
        let started = Instant::now();
        while self.run(&format!("return Boolean({condition});")) != true {
            assert!(started.elapsed() < PATIENCE, "never came true: {condition}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Picks a file or a folder of this machine in a file input.
    pub(crate) fn choose(&self, selector: &str, path: &std::path::Path) {
        const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        let id = found[ELEMENT].as_str().unwrap();
        self.post(&format!("/element/{id}/value"), &json!({"text": path.to_str().unwrap()}));
    }

    /// Types on the keyboard, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let strokes: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        let actions = json!([{"type": "key", "id": "keyboard", "actions": strokes}]);
        self.post("/actions", &json!({"actions": actions}));
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let whole = format!("{}{path}", self.session);
        self.call("POST", &whole, body).unwrap_or_else(|why| panic!("{path} {body}: {why}"))
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let failed = |why: std::io::Error| why.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(failed)?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).map_err(failed)?;
        let answer = read_body(&mut BufReader::new(stream)).map_err(failed)?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|why| why.to_string())?;
        match answer["value"]["error"].as_str() {
            Some(_) => Err(answer["value"]["message"].to_string()),
            None => Ok(answer["value"].take()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.call("DELETE", &self.session, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The body of a response that says its length.
fn read_body(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let header = line.split_once(':');
        if let Some((_, value)) =
            header.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}
