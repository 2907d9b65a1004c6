//! The real network: tokio's sockets, TLS where the endpoint asks for it. The only sockets of this crate; `rehearsal serve`,
//! `worker` and `client` use it as well. Neighbours: `tls` (whom to trust). Left out: proxies, Unix sockets.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "this is the network that is handed in")]

use super::reached::Reached;
use super::startup::Sources;
use super::starved::Starved;
use super::tls::{TlsError, Trust};
use rehearsal_reference::network::{DatagramSocket, Endpoint, Listener, Network, Stream};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long name resolution, TCP and TLS may take together.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The network of this machine. Cheap to clone.
#[derive(Clone)]
pub struct TcpNetwork {
    tls: Arc<rustls::ClientConfig>,
    give_up_after: Option<Duration>,
    starved: Arc<Starved>,
    sources: Sources,
    opened: Arc<AtomicU32>,
    reached: Arc<Reached>,
}

impl TcpNetwork {
    /// A network that trusts these authorities for TLS.
    pub fn new(trust: &Trust) -> Result<Self, TlsError> {
        Ok(TcpNetwork {
            tls: trust.client_config()?,
            give_up_after: None,
            starved: Arc::default(),
            sources: Sources { first: 1, count: 1 },
            opened: Arc::default(),
            reached: Arc::default(),
        })
    }

    /// The same, whose connections end with `TimedOut` when what they sent is not acknowledged for so long: the live
    /// counterpart of the simulated network's time-out. A connection on which nobody sends is probed as often. Zero
    /// leaves it to the machine, which waits for about a quarter of an hour.
    pub fn giving_up_after(self, give_up_after: Duration) -> Self {
        TcpNetwork { give_up_after: Some(give_up_after).filter(|after| !after.is_zero()), ..self }
    }

    /// The same, whose connections to addresses 127.x are spread over these source addresses: each of them has ports of its
    /// own.
    pub fn spread_over(self, sources: Sources) -> Self {
        TcpNetwork { sources, ..self }
    }

    /// Which addresses were connected to, over all clones.
    pub fn reached(&self) -> &Reached {
        &self.reached
    }

    /// What this machine could not give, over all clones.
    pub fn starved(&self) -> &Starved {
        &self.starved
    }

    fn set_options(&self, tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let Some(after) = self.give_up_after else { return Ok(()) };
        let socket = SockRef::from(tcp);
        // Keep-alive counts in whole seconds.
        let probe_every = after.max(Duration::from_secs(1));
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(probe_every).with_interval(probe_every))?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(after))?;
        Ok(())
    }

    /// Tries all addresses that the name has now, each connection beginning with the next one, as clients of a deployment
    /// behind several addresses do.
    async fn connect_tcp(&self, endpoint: &Endpoint) -> io::Result<TcpStream> {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        if let Ok(host) = endpoint.host.parse::<IpAddr>() {
            return self.connect_to(SocketAddr::from((host, endpoint.port)), nth).await;
        }
        let mut addresses: Vec<SocketAddr> = lookup_host((endpoint.host.as_str(), endpoint.port)).await?.collect();
        addresses.sort_unstable();
        addresses.dedup();
        self.reached.named(&addresses);
        let first = nth as usize % addresses.len().max(1);
        addresses.rotate_left(first);
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match self.connect_to(address, nth).await {
                Ok(tcp) => {
                    self.reached.connected(address);
                    return Ok(tcp);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn connect_to(&self, address: SocketAddr, nth: u32) -> io::Result<TcpStream> {
        let SocketAddr::V4(v4) = address else { return TcpStream::connect(address).await };
        let Sources { first, count } = self.sources;
        if !v4.ip().is_loopback() || (first, count) == (1, 1) {
            return TcpStream::connect(address).await;
        }
        let source = u32::from(first) - 1 + nth % u32::from(count.max(1));
        let socket = TcpSocket::new_v4()?;
        port_when_connecting(&socket);
        socket.bind(SocketAddr::from(([127, 0, 0, 1 + (source % 250) as u8], 0)))?;
        socket.connect(address).await
    }

    async fn connect_unbounded(&self, endpoint: &Endpoint) -> io::Result<LiveStream> {
        let tcp = self.connect_tcp(endpoint).await?;
        self.set_options(&tcp)?;
        if !endpoint.tls {
            return Ok(LiveStream::Plain(tcp));
        }
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        // Boxed: plain connections do not take the memory of a TLS handshake.
        let handshake = Box::pin(TlsConnector::from(self.tls.clone()).connect(name, tcp));
        let tls = handshake.await.map_err(tls_failure)?;
        Ok(LiveStream::Tls(Box::new(tls)))
    }
}

/// The port is chosen when the socket connects, not when it is bound: one port then serves connections to several targets.
/// Where that is not granted, each needs a port of its own.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "no safe wrapper knows this option")]
fn port_when_connecting(socket: &TcpSocket) {
    use std::os::fd::AsRawFd;
    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the socket is open for the length of the call, and the value is an integer of the length that is told.
    unsafe {
        let (file, value) = (socket.as_raw_fd(), std::ptr::from_ref(&on).cast());
        libc::setsockopt(file, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, value, length);
    }
}

#[cfg(not(target_os = "linux"))]
fn port_when_connecting(_: &TcpSocket) {}

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
    type Datagrams = LiveDatagrams;

    async fn bind(&self, address: &str) -> io::Result<LiveListener> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in lookup_host(address).await? {
            match listen(address) {
                Ok(listener) => return Ok(LiveListener(listener)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<LiveStream> {
        match timeout(CONNECT_WITHIN, self.connect_unbounded(endpoint)).await {
            Ok(connected) => connected.inspect_err(|error| self.starved.count(error)),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection within 10 s")),
        }
    }

    async fn bind_datagram(&self, address: &str) -> io::Result<LiveDatagrams> {
        UdpSocket::bind(address).await.map(LiveDatagrams)
    }
}

/// Connections that may wait to be accepted: as many as Linux allows by default, since a load that arrives at once waits a
/// second for each that was dropped.
const BACKLOG: u32 = 4_096;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A UDP socket of this machine.
pub struct LiveDatagrams(UdpSocket);

impl DatagramSocket for LiveDatagrams {
    async fn send_to(&self, datagram: &[u8], to: &str) -> io::Result<()> {
        self.0.send_to(datagram, to).await.map(drop)
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.recv_from(buffer).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A listening socket of this machine.
pub struct LiveListener(TcpListener);

impl Listener for LiveListener {
    type Stream = LiveStream;

    async fn accept(&mut self) -> io::Result<(LiveStream, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        // Whoever has gone again is found out by reading: that is no fault of the listener's.
        let _ = stream.set_nodelay(true);
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_datagram_arrives_whole_with_its_sender_and_is_cut_off_where_the_buffer_ends() {
        let network = TcpNetwork::new(&Trust::Machine).unwrap();
        for host in ["127.0.0.1", "[::1]"] {
            let one = network.bind_datagram(&format!("{host}:0")).await.unwrap();
            let other = network.bind_datagram(&format!("{host}:0")).await.unwrap();
            let mut buffer = [0; 4];
            for (sent, received) in [(&b"four"[..], &b"four"[..]), (b"", b""), (b"longer", b"long")] {
                one.send_to(sent, &other.local_addr().unwrap().to_string()).await.unwrap();
                let (length, from) = other.recv_from(&mut buffer).await.unwrap();
                assert_eq!((&buffer[..length], from), (received, one.local_addr().unwrap()));
            }
        }
    }

    #[tokio::test]
    async fn connections_on_loopback_are_spread_over_the_source_addresses() {
        let network = TcpNetwork::new(&Trust::Machine).unwrap().spread_over(Sources { first: 4, count: 3 });
        let listener = network.bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint { host: "127.0.0.1".into(), port, tls: false };
        let mut sources = Vec::new();
        for _ in 0..4 {
            let LiveStream::Plain(tcp) = network.clone().connect(&endpoint).await.unwrap() else {
                panic!("no TLS was asked for");
            };
            sources.push(tcp.local_addr().unwrap().ip().to_string());
        }
        assert_eq!(sources, ["127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.4"]);
    }

    #[tokio::test]
    async fn a_connection_gives_up_after_what_the_plan_says_and_zero_leaves_it_to_the_machine() {
        let plain = TcpNetwork::new(&Trust::Machine).unwrap();
        let listener = plain.bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint { host: "127.0.0.1".into(), port, tls: false };
        for (asked, expected) in [(Duration::from_millis(1_500), Some(1_500)), (Duration::ZERO, None)] {
            let LiveStream::Plain(tcp) = plain.clone().giving_up_after(asked).connect(&endpoint).await.unwrap() else {
                panic!("no TLS was asked for");
            };
            let socket = SockRef::from(&tcp);
            let expected = expected.map(Duration::from_millis);
            assert_eq!(socket.tcp_user_timeout().unwrap().filter(|it| !it.is_zero()), expected);
            assert_eq!(socket.keepalive().unwrap(), expected.is_some());
        }
    }
}
