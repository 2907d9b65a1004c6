//! How reaching a target fails, by class: what a user of the system counts and shows. Neighbours: `peer` and
//! `http_client` produce failures. Left out: refusals in the protocol's own words (`peer::AskError`).

use std::error::Error;
use std::fmt;
use std::io;
use tokio_tungstenite::tungstenite;

/// A class of failures, small enough to count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureClass {
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The connection broke.
    Reset,
    /// The name does not resolve (the network says `NotFound`).
    Dns,
    /// TLS failed, for example over the certificate (the network says `InvalidData`).
    Tls,
    /// Something answered that does not speak WebSocket.
    NotWebsocket,
    /// Something answered that does not speak HTTP.
    NotHttp,
    /// An HTTP status that says no.
    Status(u16),
    /// An answer that is not what it should be.
    Garbage,
    /// Anything else.
    Other,
}

impl FailureClass {
    /// The stable word for records; all statuses share one.
    pub fn word(self) -> &'static str {
        match self {
            FailureClass::Refused => "refused",
            FailureClass::TimedOut => "timed_out",
            FailureClass::Reset => "reset",
            FailureClass::Dns => "dns",
            FailureClass::Tls => "tls",
            FailureClass::NotWebsocket => "not_websocket",
            FailureClass::NotHttp => "not_http",
            FailureClass::Status(_) => "status",
            FailureClass::Garbage => "garbage",
            FailureClass::Other => "other",
        }
    }

    /// The class of an error of a stream or of connecting it.
    pub fn of_io(error: &io::Error) -> FailureClass {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => FailureClass::Refused,
            io::ErrorKind::TimedOut => FailureClass::TimedOut,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => FailureClass::Reset,
            io::ErrorKind::NotFound => FailureClass::Dns,
            io::ErrorKind::InvalidData => FailureClass::Tls,
            // The standard library gives a failed look-up no kind of its own.
            _ if error.to_string().contains("lookup address") => FailureClass::Dns,
            _ => FailureClass::Other,
        }
    }
}

/// A failure to reach a target or to understand it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", .class.word())]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// In words, a lower-case fragment.
    pub reason: String,
}

impl Failure {
    /// A failure of this class.
    pub fn new(class: FailureClass, reason: impl fmt::Display) -> Failure {
        Failure { class, reason: reason.to_string() }
    }

    /// Why a connection could not be opened.
    pub fn of_connect(error: &io::Error) -> Failure {
        Failure::new(FailureClass::of_io(error), format_args!("cannot connect: {error}"))
    }

    /// Why a WebSocket handshake failed.
    pub fn of_handshake(error: &tungstenite::Error) -> Failure {
        match error {
            tungstenite::Error::Io(error) => {
                Failure::new(FailureClass::of_io(error), format_args!("handshake: {error}"))
            }
            tungstenite::Error::Protocol(tungstenite::error::ProtocolError::HandshakeIncomplete) => {
                Failure::new(FailureClass::Reset, "closed during the handshake")
            }
            tungstenite::Error::Http(answer) => {
                Failure::new(FailureClass::NotWebsocket, format_args!("answered HTTP status {}", answer.status()))
            }
            other => Failure::new(FailureClass::NotWebsocket, other),
        }
    }

    /// Why an HTTP exchange failed.
    pub fn of_http(error: &hyper::Error) -> Failure {
        let io_error = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        let class = match io_error {
            Some(io_error) => FailureClass::of_io(io_error),
            None if error.is_parse() => FailureClass::NotHttp,
            None if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => FailureClass::Reset,
            None => FailureClass::Other,
        };
        Failure::new(class, error)
    }
}
