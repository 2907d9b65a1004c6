//! The real network: tokio's sockets, TLS where the endpoint asks for it. The only sockets of this crate; `rehearsal serve`,
//! `worker` and `client` use it as well. Neighbours: `tls` (whom to trust). Left out: proxies, Unix sockets.
#![allow(clippy::disallowed_types, reason = "this is the network that is handed in")]

use super::tls::{TlsError, Trust};
use rehearsal_reference::network::{Endpoint, Listener, Network, Stream};
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long name resolution, TCP and TLS may take together.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The network of this machine. Cheap to clone.
#[derive(Clone)]
pub struct TcpNetwork {
    tls: Arc<rustls::ClientConfig>,
}

impl TcpNetwork {
    /// A network that trusts these authorities for TLS.
    pub fn new(trust: &Trust) -> Result<Self, TlsError> {
        Ok(TcpNetwork { tls: trust.client_config()? })
    }

    async fn connect_unbounded(&self, endpoint: &Endpoint) -> io::Result<LiveStream> {
        let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
        tcp.set_nodelay(true)?;
        if !endpoint.tls {
            return Ok(LiveStream::Plain(tcp));
        }
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let tls = TlsConnector::from(self.tls.clone()).connect(name, tcp).await.map_err(tls_failure)?;
        Ok(LiveStream::Tls(Box::new(tls)))
    }
}

/// A target that answers TLS with something else closes or babbles: that is a failure of TLS, not of the network.
fn tls_failure(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(io::ErrorKind::InvalidData, "the target ended the TLS handshake; does it speak TLS?")
        }
        _ => error,
    }
}

impl Network for TcpNetwork {
    type Stream = LiveStream;
    type Listener = LiveListener;

    async fn bind(&self, address: &str) -> io::Result<LiveListener> {
        TcpListener::bind(address).await.map(LiveListener)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<LiveStream> {
        match timeout(CONNECT_WITHIN, self.connect_unbounded(endpoint)).await {
            Ok(connected) => connected,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection within 10 s")),
        }
    }
}

/// A listening socket of this machine.
pub struct LiveListener(TcpListener);

impl Listener for LiveListener {
    type Stream = LiveStream;

    async fn accept(&mut self) -> io::Result<(LiveStream, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        stream.set_nodelay(true)?;
        Ok((LiveStream::Plain(stream), from))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection of this machine.
pub enum LiveStream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream for LiveStream {
    fn abort(self) {
        let tcp = match &self {
            LiveStream::Plain(tcp) => tcp,
            LiveStream::Tls(tls) => tls.get_ref().0,
        };
        // On failure the peer sees a close in place of a reset; the stream is gone either way.
        let _ = tcp.set_zero_linger();
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            LiveStream::Plain(tcp) => {
                let $stream = Pin::new(tcp);
                $call
            }
            LiveStream::Tls(tls) => {
                let $stream = Pin::new(&mut **tls);
                $call
            }
        }
    };
}

impl AsyncRead for LiveStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for LiveStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            LiveStream::Plain(tcp) => tcp.is_write_vectored(),
            LiveStream::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}
