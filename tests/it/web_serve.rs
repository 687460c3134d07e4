//! A real port: clients that leave, and ending well.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kura::web::{WebOptions, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::web_env::WebEnv;

#[tokio::test]
async fn a_foreign_address_needs_a_key() {
    let web = WebEnv::new();
    for key in [None, Some(String::new())] {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let options = WebOptions { access_key: key, ..WebOptions::default() };
        let served = serve(listener, web.service.clone(), options, async {}).await;
        assert_eq!(served.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signal_ends_it_even_with_an_idle_connection() {
    let web = WebEnv::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, web.service.clone(), WebOptions::default(), async {
        drop(stopped.await)
    }));
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut start = [0; 12];
    idle.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"GET /healthz HTT").unwrap();
    let asked = Instant::now();
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(8), "the promise is 5 seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_dribbles_its_header_is_cut_and_others_are_served() {
    let web = WebEnv::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let quiet_max = Duration::from_millis(300);
    let options = WebOptions { connections_max: 1, quiet_max, ..WebOptions::default() };
    let (stop, stopped) = oneshot::channel::<()>();
    let served =
        tokio::spawn(serve(listener, web.service.clone(), options, async { drop(stopped.await) }));
    let mut slow = TcpStream::connect(address).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: loc").unwrap();
    // There is room for one connection only: this one is answered when the slow one is cut.
    let mut next = TcpStream::connect(address).unwrap();
    next.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut start = [0; 12];
    next.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "half a request was answered");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}
