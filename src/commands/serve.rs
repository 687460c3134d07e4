//! `kura serve`: the page and the APIs, until Ctrl-C or SIGTERM, or until another program is to
//! serve.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::program::Program;
use super::{Context, Failure, listening, prepare, retention, supervisor};
use crate::answer::Service;
use crate::config::{Config, FileSource};
use crate::ingest::worker;
use crate::store::Store;
use crate::web::{self, Reader, Tls, WebOptions};

/// How long running answers may take before another program takes over.
const ANSWERS_MAX: Duration = Duration::from_secs(60);
/// What work in the background may take to end.
const END_MAX: Duration = Duration::from_secs(5);

/// What people come to: a socket, with or without https.
pub(super) struct Front {
    listener: TcpListener,
    tls: Option<Tls>,
}

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// A person or the system asked for it.
    Asked,
    /// The state names another program.
    Replaced,
}

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    // Before the program is chosen: where there is no address or no key, no program is to blame.
    let front = Front::open(&context.config)?;
    let program = Program::choose(context, &front.listener)?;
    let ended = serve_as(context, &front, Vec::new(), false, Some(&program), |scheme, address| {
        let ask = context.words("ブラウザーで開いてください", "Open in a browser");
        let host = context.words("この機器のアドレス", "address-of-this-machine");
        match address.ip().is_unspecified() {
            true => say!("{ask}: {scheme}://{host}:{}/", address.port()),
            false => say!("{ask}: {scheme}://{address}/"),
        }
    })?;
    match ended {
        Ended::Asked => {
            program.stopped();
            Ok(())
        }
        Ended::Replaced => Err(program.give_place(&front.listener)),
    }
}

/// Serves a demo until a signal comes, as one program for all time. `on_ready` is called with
/// scheme and address once requests are taken.
pub(super) fn serve(
    context: &Context,
    sample_questions: Vec<String>,
    on_ready: impl FnOnce(&str, SocketAddr),
) -> Result<(), Failure> {
    let front = Front::open(&context.config)?;
    serve_as(context, &front, sample_questions, true, None, on_ready).map(|_| ())
}

impl Front {
    fn open(config: &Config) -> Result<Self, Failure> {
        let tls = match (&config.tls_certificate, &config.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::load(&file(certificate)?, &file(key)?)?),
            _ => None,
        };
        Ok(Self { listener: listening::listener(config.listen)?, tls })
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The socket for the runtime; the original stays open for the program that comes after.
    fn listener(&self) -> std::io::Result<tokio::net::TcpListener> {
        let listener = self.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    }
}

fn file(source: &FileSource) -> Result<PathBuf, Failure> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    source.path(credentials.as_deref()).map_err(|said| Failure::new(said.ja, said.en))
}

fn serve_as(
    context: &Context,
    front: &Front,
    sample_questions: Vec<String>,
    trial: bool,
    program: Option<&Program>,
    on_ready: impl FnOnce(&str, SocketAddr),
) -> Result<Ended, Failure> {
    let config = &context.config;
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let service = Service::open(config)?;
        let listener = front.listener().map_err(|why| stopped(&why))?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let store = Store::open(&config.data_dir).await?;
        let options = WebOptions {
            access_key: config.access_key.clone(),
            store: Some(store.clone()),
            conversation_days: config.store.conversation_days,
            upload_hours: config.store.upload_hours,
            reader: Reader {
                program: None,
                limits: worker::Limits {
                    time_s: config.ingest.time_limit_s,
                    memory_mib: config.ingest.memory_limit_mib,
                    ..worker::Limits::default()
                },
            },
            upload_bytes_max: (config.store.upload_mib as usize) << 20,
            trial,
            tls: front.tls.clone(),
            sample_questions,
            updates: Some(Arc::new(prepare::Updates::new(config, context.settings.as_deref()))),
            ..WebOptions::default()
        };
        let asked = asked_to_stop()?;
        let end = wait_for_end(asked.clone(), program.cloned(), service.clone());
        on_ready(front.scheme(), address);
        tracing::info!(%address, scheme = front.scheme(), "serving");
        supervisor::ready();
        tokio::spawn(supervisor::watchdog(service.clone()));
        tokio::spawn(retention::daily(store.clone(), config.store));
        tokio::spawn(retention::uploads(store, service.clone()));
        if let Some(program) = program {
            tokio::spawn(program.clone().confirm());
        }
        web::serve(listener, service, options, end).await.map_err(|why| stopped(&why))?;
        // Asked for while the last answers were written: that counts.
        let was_asked = *asked.borrow();
        Ok(if was_asked { Ended::Asked } else { Ended::Replaced })
    });
    runtime.shutdown_timeout(END_MAX);
    ended
}

/// Comes back when serving is to end.
async fn wait_for_end(
    mut asked: watch::Receiver<bool>,
    program: Option<Program>,
    service: Service,
) {
    tokio::select! {
        _ = asked.wait_for(|asked| *asked) => {
            tracing::info!("stopping");
            supervisor::stopping();
        }
        () = replaced(program, &service) => supervisor::reloading(),
    }
}

/// Comes back when another program is to serve and running answers have ended.
async fn replaced(program: Option<Program>, service: &Service) {
    let Some(program) = program else { return std::future::pending().await };
    program.replaced().await;
    tracing::info!("another program takes over");
    let until = Instant::now() + ANSWERS_MAX;
    while service.active_requests() > 0 && Instant::now() < until {
        sleep(Duration::from_millis(100)).await;
    }
}

fn stopped(why: &std::io::Error) -> Failure {
    if why.kind() == std::io::ErrorKind::PermissionDenied {
        return Failure::new(
            "ほかの端末から届くソケットです。kura.tomlにaccess_keyを設定してください。",
            "other machines reach this socket; set access_key in kura.toml",
        );
    }
    Failure::new(format!("サーバーが止まりました（{why}）。"), format!("the server stopped: {why}"))
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

/// Turns true when Ctrl-C or SIGTERM comes.
fn asked_to_stop() -> Result<watch::Receiver<bool>, Failure> {
    let failed = |why: std::io::Error| {
        Failure::new(
            format!("中断の受け付けを準備できません（{why}）。"),
            format!("cannot prepare for signals: {why}"),
        )
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (told, asked) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.send_replace(true);
    });
    Ok(asked)
}
