//! https: certificate and key from PEM files, checked before anything is served. The only module
//! that names the TLS crate.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use crate::text::Lang;

/// What https needs.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// The same when it was loaded once: a key is not compared.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

impl Eq for Tls {}

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message(Lang::En))]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable { path: PathBuf, source: io::Error },
    /// No certificate, or no key, is in the file.
    NotPem { path: PathBuf, what: PemKind, why: String },
    /// They cannot be used together.
    Unusable { certificate: PathBuf, key: PathBuf, why: String },
}

/// What a PEM file should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemKind {
    Certificate,
    Key,
}

impl PemKind {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Certificate => ("証明書（CERTIFICATE）", "certificate (CERTIFICATE)"),
            Self::Key => {
                ("暗号化されていない秘密鍵（PRIVATE KEY）", "unencrypted key (PRIVATE KEY)")
            }
        }
    }
}

impl TlsError {
    /// What is wrong with which file, and what to do.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Unreadable { path, source }, Lang::Ja) => format!(
                "{}を読めません（{source}）。tls_certificateとtls_keyのパスと権限を確かめてください。",
                path.display()
            ),
            (Self::Unreadable { path, source }, Lang::En) => format!(
                "cannot read {}: {source}; check the paths in tls_certificate and tls_key, and \
                 who may read them",
                path.display()
            ),
            (Self::NotPem { path, what, why }, Lang::Ja) => {
                format!("{}に、PEM形式の{}がありません（{why}）。", path.display(), what.words().0)
            }
            (Self::NotPem { path, what, why }, Lang::En) => {
                format!("{} holds no {} in PEM form: {why}", path.display(), what.words().1)
            }
            (Self::Unusable { certificate, key, why }, Lang::Ja) => format!(
                "証明書{}と秘密鍵{}を組み合わせて使えません（{why}）。対になるファイルを指定してください。",
                certificate.display(),
                key.display()
            ),
            (Self::Unusable { certificate, key, why }, Lang::En) => format!(
                "the certificate {} and the key {} cannot be used together: {why}; name a pair",
                certificate.display(),
                key.display()
            ),
        }
    }
}

impl Tls {
    /// Reads a certificate chain and its key.
    ///
    /// # Errors
    /// A file cannot be read, is not PEM, or the key is not that of the certificate.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let not_pem =
            |path: &Path, what, why: String| TlsError::NotPem { path: path.to_owned(), what, why };
        let pem = read(certificate)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|why| not_pem(certificate, PemKind::Certificate, why.to_string()))?;
        if chain.is_empty() {
            return Err(not_pem(certificate, PemKind::Certificate, "no items found".to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|why| not_pem(key, PemKind::Key, why.to_string()))?;
        let unusable = |why: rustls::Error| TlsError::Unusable {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            why: why.to_string(),
        };
        // The provider is named here, so that no other one is ever asked for.
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config) })
    }

    fn accept(&self, stream: TcpStream) -> Accept<TcpStream> {
        TlsAcceptor::from(self.config.clone()).accept(stream)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

/// A connection as it goes over the wire. The handshake is made by whoever reads or writes first:
/// the task of the connection, under that connection's time limits; so that a slow one holds
/// nobody else up.
pub(crate) enum Wire {
    Plain(TcpStream),
    Handshake(Box<Accept<TcpStream>>),
    Secure(Box<TlsStream<TcpStream>>),
    /// The handshake failed.
    Broken,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, tls: Option<&Tls>) -> Self {
        match tls {
            Some(tls) => Self::Handshake(Box::new(tls.accept(stream))),
            None => Self::Plain(stream),
        }
    }

    /// The stream, once the handshake is over.
    fn poll_open(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut (dyn Stream + Send)>>> {
        if let Self::Handshake(accept) = self {
            match ready!(Pin::new(accept.as_mut()).poll(context)) {
                Ok(stream) => *self = Self::Secure(Box::new(stream)),
                Err(error) => {
                    *self = Self::Broken;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match self {
            Self::Plain(stream) => Ok(Pin::new(stream)),
            Self::Secure(stream) => Ok(Pin::new(stream.as_mut())),
            Self::Handshake(_) | Self::Broken => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

/// What both kinds of connection are.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing was written before the handshake; flushing does not wait for one.
        match &*self {
            Self::Handshake(_) | Self::Broken => Poll::Ready(Ok(())),
            _ => ready!(self.poll_open(context))?.poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &*self {
            Self::Handshake(_) | Self::Broken => Poll::Ready(Ok(())),
            _ => ready!(self.poll_open(context))?.poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Secure(stream) => stream.is_write_vectored(),
            // hyper asks once, at the start.
            Self::Handshake(_) | Self::Broken => true,
        }
    }
}
