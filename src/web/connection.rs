//! Connections with patience that ends: a client that sends nothing, or dribbles a header, or
//! stops reading, does not hold a connection for ever.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::http::Extensions;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::tls::{Tls, Wire};

/// A client that takes no byte of its response for this time is gone.
const STALL_MAX: Duration = Duration::from_secs(30);

/// Accepts at most so many connections at once.
pub(crate) struct PatientListener {
    inner: TcpListener,
    tls: Option<Tls>,
    slots: Arc<Semaphore>,
    quiet_max: Duration,
}

impl PatientListener {
    /// A connection without a request under way is closed after `quiet_max`; so the handshake of
    /// `tls` and a request header have to arrive within it.
    pub(crate) fn new(
        inner: TcpListener,
        tls: Option<Tls>,
        connections_max: usize,
        quiet_max: Duration,
    ) -> Self {
        Self { inner, tls, slots: Arc::new(Semaphore::new(connections_max.max(1))), quiet_max }
    }
}

impl Listener for PatientListener {
    type Io = PatientStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (PatientStream, SocketAddr) {
        loop {
            // The semaphore is never closed, so this only ever waits.
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
                continue;
            };
            match self.inner.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY could not be set");
                    }
                    let wire = Wire::new(stream, self.tls.as_ref());
                    let stream = PatientStream::new(wire, slot, self.quiet_max, address.ip());
                    return (stream, address);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// What a request knows of its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Requests under way on it.
    busy: Arc<AtomicUsize>,
    /// Requests ended on it; a change starts the quiet time anew.
    ended: Arc<AtomicUsize>,
    /// Where it comes from.
    address: Option<IpAddr>,
}

/// Who asks, for turns: the person who signed in or the system, else the same address, and the same
/// name where the caller gives one (a program that asks for many people).
pub(crate) fn client(extensions: &Extensions, name: Option<&str>) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    match super::asker::turn(extensions) {
        Some(person) => (person, name).hash(&mut hasher),
        None => (address(extensions)?, name).hash(&mut hasher),
    }
    Some(hasher.finish())
}

/// Where a request comes from; `None` without a port (in tests).
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<Connection>>()?.0.address
}

impl Connection {
    /// Marks a request as under way until the mark is dropped.
    pub(crate) fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(self.clone())
    }
}

/// A request under way.
pub(crate) struct Busy(Connection);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, PatientListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, PatientListener>) -> Self {
        stream.io().connection.clone()
    }
}

/// A stream with the two time limits.
pub(crate) struct PatientStream {
    inner: Wire,
    connection: Connection,
    quiet_max: Duration,
    /// When the quiet time ends, and for which count of ended requests it was set.
    quiet: Pin<Box<Sleep>>,
    quiet_for: usize,
    /// Runs only while a write waits.
    stall: Option<Pin<Box<Sleep>>>,
    _slot: OwnedSemaphorePermit,
}

impl PatientStream {
    fn new(inner: Wire, slot: OwnedSemaphorePermit, quiet_max: Duration, address: IpAddr) -> Self {
        Self {
            inner,
            connection: Connection { address: Some(address), ..Connection::default() },
            quiet_max,
            quiet: Box::pin(sleep(quiet_max)),
            quiet_for: 0,
            stall: None,
            _slot: slot,
        }
    }

    /// Ready when the connection has been quiet for too long.
    fn poll_quiet(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.connection.busy.load(Ordering::SeqCst) > 0 {
            return Poll::Pending;
        }
        let ended = self.connection.ended.load(Ordering::SeqCst);
        if ended != self.quiet_for {
            self.quiet_for = ended;
            let until = Instant::now() + self.quiet_max;
            self.quiet.as_mut().reset(until);
        }
        self.quiet.as_mut().poll(context)
    }

    /// Passes a finished write on; ends one that has waited for too long.
    fn watch_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let limit = || Box::pin(sleep_until(Instant::now() + STALL_MAX));
        ready!(self.stall.get_or_insert_with(limit).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")))
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poll_quiet(context).is_ready() {
            let error = io::Error::new(io::ErrorKind::TimedOut, "no request came in time");
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch_write(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.watch_write(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch_write(context, closed)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, pieces);
        self.watch_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
