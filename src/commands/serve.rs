//! `kura serve`: the page and the APIs, until Ctrl-C or SIGTERM.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::{Context, Failure};
use crate::answer::Service;
use crate::web;

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    serve(context, Vec::new(), |address| {
        let ask = context.words("ブラウザーで開いてください", "Open in a browser");
        let host = context.words("この機器のアドレス", "address-of-this-machine");
        match address.ip().is_unspecified() {
            true => say!("{ask}: http://{host}:{}/", address.port()),
            false => say!("{ask}: http://{address}/"),
        }
    })
}

/// Serves until a signal comes. `on_ready` is called once requests are taken.
pub(super) fn serve(
    context: &Context,
    sample_questions: Vec<String>,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<(), Failure> {
    let config = &context.config;
    runtime()?.block_on(async {
        let service = Service::open(config)?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|why| cannot_bind(config.listen, &why))?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let options = web::WebOptions {
            access_key: config.access_key.clone(),
            sample_questions,
            ..web::WebOptions::default()
        };
        let asked_to_stop = interrupted()?;
        on_ready(address);
        tracing::info!(%address, "serving");
        web::serve(listener, service, options, asked_to_stop).await.map_err(|why| {
            Failure::new(
                format!("サーバーが止まりました（{why}）。"),
                format!("the server stopped: {why}"),
            )
        })
    })
}

/// The runtime of a command.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| {
        Failure::new(
            format!("スレッドを用意できません（{why}）。"),
            format!("cannot start threads: {why}"),
        )
    })
}

fn interrupted() -> Result<impl Future<Output = ()>, Failure> {
    let failed = |why: std::io::Error| {
        Failure::new(
            format!("中断の受け付けを準備できません（{why}）。"),
            format!("cannot prepare for signals: {why}"),
        )
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

fn cannot_bind(address: SocketAddr, why: &std::io::Error) -> Failure {
    let port = address.port();
    match why.kind() {
        std::io::ErrorKind::AddrInUse => Failure::new(
            format!(
                "{address}は使用中です。別のkuraを止めるか、--listen 127.0.0.1:{} のように別のポートを指定してください。",
                port.wrapping_add(1)
            ),
            format!(
                "{address} is in use; stop the other kura, or choose another port with --listen 127.0.0.1:{}",
                port.wrapping_add(1)
            ),
        ),
        std::io::ErrorKind::PermissionDenied => Failure::new(
            format!("{address}で待ち受ける権限がありません。1024以上のポートを指定してください。"),
            format!("listening on {address} is not permitted; choose a port of 1024 or above"),
        ),
        _ => Failure::new(
            format!("{address}で待ち受けられません（{why}）。"),
            format!("cannot listen on {address}: {why}"),
        ),
    }
}
