//! A hub on loopback that answers as the real one answers hf-hub 1.0: the repository's description,
//! a redirect to other servers for large files, ranges, and what can go wrong on the way.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::json;

/// The commit of every file.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server has and how it behaves; may change between requests.
pub(crate) struct Hub {
    /// `owner/name`
    pub(crate) repository: String,
    pub(crate) file: String,
    pub(crate) content: Vec<u8>,
    /// As announced.
    pub(crate) sha256: String,
    /// Bytes of content that still go out before connections break; `None` without limit.
    pub(crate) budget: Option<usize>,
    /// Sends the whole file whatever range was asked.
    pub(crate) ignores_ranges: bool,
    /// Status of every answer of the API, if it refuses.
    pub(crate) refusal: Option<&'static str>,
    /// First lines of the requests, with the range.
    pub(crate) seen: Vec<String>,
}

/// The server; its thread ends with the process of the test.
pub(crate) struct HubServer {
    pub(crate) endpoint: String,
    hub: Arc<Mutex<Hub>>,
}

impl HubServer {
    pub(crate) fn start(hub: Hub) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let hub = Arc::new(Mutex::new(hub));
        let (shared, place) = (hub.clone(), endpoint.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One after the other; a client that went away is no matter.
                let _ = answer(stream, &shared, &place);
            }
        });
        Self { endpoint, hub }
    }

    pub(crate) fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap()
    }

    /// Requests for the bytes themselves since the last call.
    pub(crate) fn downloads(&self) -> Vec<String> {
        let seen = std::mem::take(&mut self.hub().seen);
        seen.into_iter().filter(|line| line.starts_with("GET /blob")).collect()
    }
}

fn answer(mut stream: TcpStream, hub: &Mutex<Hub>, endpoint: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut range_start = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            range_start = range.split('-').next().and_then(|start| start.parse::<usize>().ok());
        }
    }
    let mut hub = hub.lock().unwrap();
    hub.seen.push(format!("{first} {range_start:?}"));
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (head, mut body) = reply(&hub, path, range_start, endpoint);
    let length = body.len();
    if path.starts_with("/blob") && method == "GET" {
        let sent = length.min(hub.budget.unwrap_or(length));
        hub.budget = hub.budget.map(|budget| budget - sent);
        body.truncate(sent);
    }
    write!(stream, "HTTP/1.1 {head}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    if method != "HEAD" {
        stream.write_all(&body)?;
    }
    Ok(())
}

/// Status and headers, and the body.
fn reply(hub: &Hub, path: &str, start: Option<usize>, endpoint: &str) -> (String, Vec<u8>) {
    let not_found = || {
        let head = "404 Not Found\r\nX-Error-Code: RepoNotFound\r\n".to_owned();
        (head, b"{\"error\":\"Repository not found\"}".to_vec())
    };
    if let Some(status) = hub.refusal.filter(|_| !path.starts_with("/blob")) {
        return (format!("{status}\r\n"), Vec::new());
    }
    if let Some(asked) = path.strip_prefix("/api/models/") {
        let (repository, query) = asked.split_once('?').unwrap_or((asked, ""));
        if repository != hub.repository {
            return not_found();
        }
        let head = "200 OK\r\nContent-Type: application/json\r\n".to_owned();
        return (head, description(hub, query == "blobs=true").into_bytes());
    }
    if path == format!("/{}/resolve/{COMMIT}/{}", hub.repository, hub.file) {
        let head = format!(
            "302 Found\r\nLocation: {endpoint}/blob\r\nX-Repo-Commit: {COMMIT}\r\n\
             X-Linked-ETag: \"{}\"\r\nX-Linked-Size: {}\r\n",
            hub.sha256,
            hub.content.len()
        );
        return (head, Vec::new());
    }
    match (path, start) {
        ("/blob", Some(start)) if !hub.ignores_ranges => {
            let (last, size) = (hub.content.len() - 1, hub.content.len());
            let head =
                format!("206 Partial Content\r\nContent-Range: bytes {start}-{last}/{size}\r\n");
            (head, hub.content[start..].to_vec())
        }
        ("/blob", _) => ("200 OK\r\n".to_owned(), hub.content.clone()),
        _ => not_found(),
    }
}

/// The hub tells sizes and hashes only to those who ask for them.
fn description(hub: &Hub, with_blobs: bool) -> String {
    let mut file = json!({"rfilename": hub.file});
    if with_blobs {
        file["blobId"] = json!("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        file["size"] = json!(hub.content.len());
        file["lfs"] = json!({"sha256": hub.sha256, "size": hub.content.len(), "pointerSize": 134});
    }
    json!({
        "_id": "66e0", "id": hub.repository, "modelId": hub.repository, "sha": COMMIT,
        "private": false, "gated": false, "disabled": false, "downloads": 1, "likes": 0,
        "tags": ["gguf", "license:apache-2.0"], "cardData": {"license": "apache-2.0"},
        "lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": ".gitattributes"}, {"rfilename": "README.md"}, file],
    })
    .to_string()
}
