//! https: log-in, origin, slow and wrong clients, wrong files.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kura::text::Lang;
use kura::web::{Tls, WebOptions, serve};
use rcgen::generate_simple_self_signed;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::env::{Env, text};
use crate::serving::Serving;
use crate::web_env::WebEnv;

/// Files of a certificate for localhost.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    der: CertificateDer<'static>,
}

impl Pair {
    fn new(dir: &Path, name: &str) -> Self {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { certificate, key, der: made.cert.der().clone() }
    }

    fn tls(&self) -> Tls {
        Tls::load(&self.certificate, &self.key).unwrap()
    }
}

/// A server on https, and a client that trusts it.
struct Server {
    address: SocketAddr,
    client: Arc<ClientConfig>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    _dir: tempfile::TempDir,
    _web: WebEnv,
}

impl Server {
    async fn start(options: WebOptions) -> Self {
        let (dir, web) = (tempfile::tempdir().unwrap(), WebEnv::new());
        let pair = Pair::new(dir.path(), "a");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let options = WebOptions { tls: Some(pair.tls()), ..options };
        let served = tokio::spawn(serve(listener, web.service.clone(), options, async {
            drop(stopped.await)
        }));
        let mut roots = RootCertStore::empty();
        roots.add(pair.der).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, client: Arc::new(config), stop: Some(stop), served, _dir: dir, _web: web }
    }

    /// Sends a request with more header lines, and gives the whole answer.
    fn send(&self, method: &str, path: &str, lines: &str, body: &str) -> String {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(self.client.clone(), name).unwrap();
        let mut stream = StreamOwned::new(session, self.connect());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n{lines}\r\n{body}",
            self.host(),
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_over_https_is_good_for_https_alone() {
    let key = Some("open-sesame".to_owned());
    let server = Server::start(WebOptions { access_key: key, ..WebOptions::default() }).await;
    let page = server.send("GET", "/", "", "");
    assert!(status(&page) == 303 && page.contains("location: /login"), "{page}");

    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let origin = |scheme: &str| format!("{form}Origin: {scheme}://{}\r\n", server.host());
    let foreign = server.send("POST", "/login", &origin("http"), "access_key=open-sesame");
    assert_eq!(status(&foreign), 403, "a page of http under the same name is a foreign one");
    let right = server.send("POST", "/login", &origin("https"), "access_key=open-sesame");
    assert_eq!(status(&right), 303, "{right}");
    let cookie = right.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.starts_with("__Host-kura_session=") && cookie.ends_with("; Secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let page = server.send("GET", "/", &format!("Cookie: {pair}\r\n"), "");
    assert!(status(&page) == 200 && page.contains("試験町"), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_handshake_holds_nobody_up_and_is_cut() {
    let quiet_max = Duration::from_millis(500);
    let server = Server::start(WebOptions { quiet_max, ..WebOptions::default() }).await;
    let (mut silent, mut half) = (server.connect(), server.connect());
    half.write_all(&[0x16, 0x03, 0x01]).unwrap();
    for _ in 0..3 {
        assert_eq!(status(&server.send("GET", "/healthz", "", "")), 200);
    }
    for cut in [&mut silent, &mut half] {
        let mut rest = Vec::new();
        let _ = cut.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_is_not_answered_on_https() {
    let server = Server::start(WebOptions::default()).await;
    let mut plain = server.connect();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    server.stop().await;
}

#[test]
fn wrong_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Pair::new(dir.path(), "a"), Pair::new(dir.path(), "b"));
    let missing = dir.path().join("missing.pem");
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (certificate, key, named, why) in [
        (&missing, &a.key, "missing.pem", "cannot read"),
        (&a.certificate, &missing, "missing.pem", "cannot read"),
        (&empty, &a.key, "empty.pem", "no certificate"),
        (&a.key, &a.key, "a.key", "no certificate"),
        (&a.certificate, &empty, "empty.pem", "no unencrypted key"),
        (&a.certificate, &a.certificate, "a.crt", "no unencrypted key"),
        (&a.certificate, &b.key, "b.key", "cannot be used together"),
    ] {
        let error = Tls::load(certificate, key).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(named) && said.contains(why), "{said}");
        assert!(error.message(Lang::Ja).contains(named));
    }
}

#[test]
fn the_settings_name_the_files_and_systemd_may_hand_the_key_over() {
    let env = Env::new();
    let handed = env.path("credentials");
    std::fs::create_dir(&handed).unwrap();
    let pair = Pair::new(&handed, "kura");
    let settings = [
        ("KURA_TLS_CERTIFICATE", text(&pair.certificate)),
        ("KURA_TLS_KEY", "credential:kura.key"),
        ("CREDENTIALS_DIRECTORY", text(&handed)),
    ];
    let serving = Serving::start(&env, &settings);
    assert!(serving.url.starts_with("https://127.0.0.1:"), "{}", serving.url);
    serving.stop(&env);

    let mut command = env.command(&["serve", "--listen", "127.0.0.1:0"]);
    let output = command.envs(settings[..2].iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("LoadCredential"), "{said}");
    std::fs::remove_file(&pair.key).unwrap();
    let mut command = env.command(&["serve", "--listen", "127.0.0.1:0"]);
    let output = command.envs(settings).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("kura.key"), "{said}");
}
