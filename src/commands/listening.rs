//! The socket that is served: the one that systemd, or the program before, handed over, or one
//! that is made here.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;

use super::Failure;

/// The listener handed over (`LISTEN_FDS`), or one at the address of the settings. Called before
/// any thread is started, because it takes the variables out of the environment.
pub(super) fn listener(address: SocketAddr) -> Result<TcpListener, Failure> {
    let mut handed = ListenFd::from_env();
    match handed.len() {
        0 => TcpListener::bind(address).map_err(|why| cannot_bind(address, &why)),
        1 => {
            let taken = handed.take_tcp_listener(0);
            let taken = taken.and_then(|taken| taken.ok_or_else(|| io::ErrorKind::NotFound.into()));
            taken.map_err(|why| {
                Failure::new(
                    format!("渡されたソケットで待ち受けられません（{why}）。kura.socketのListenStreamには、アドレスとポートを1つだけ書いてください。"),
                    format!("cannot listen on the socket that was handed over: {why}; ListenStream in kura.socket takes one address with a port"),
                )
            })
        }
        count => Err(Failure::new(
            format!(
                "ソケットが{count}個渡されました。kura.socketのListenStreamを1つにしてください。"
            ),
            format!("{count} sockets were handed over; leave one ListenStream in kura.socket"),
        )),
    }
}

fn cannot_bind(address: SocketAddr, why: &io::Error) -> Failure {
    let port = address.port();
    match why.kind() {
        io::ErrorKind::AddrInUse => Failure::new(
            format!(
                "{address}は使用中です。別のkuraを止めるか、--listen 127.0.0.1:{} のように別のポートを指定してください。",
                port.wrapping_add(1)
            ),
            format!(
                "{address} is in use; stop the other kura, or choose another port with --listen 127.0.0.1:{}",
                port.wrapping_add(1)
            ),
        ),
        io::ErrorKind::PermissionDenied => Failure::new(
            format!("{address}で待ち受ける権限がありません。1024以上のポートを指定してください。"),
            format!("listening on {address} is not permitted; choose a port of 1024 or above"),
        ),
        _ => Failure::new(
            format!("{address}で待ち受けられません（{why}）。"),
            format!("cannot listen on {address}: {why}"),
        ),
    }
}
