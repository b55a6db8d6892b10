//! What listens at a TCP port, and what calls one.

use std::fmt::Write;
use std::sync::Arc;

use crate::lab::plan::TcpService;

/// A request or an answer is this long at most, in bytes; what is longer is cut, and the connection closed.
const LONGEST: usize = 64 << 10;

/// A program at one end of a connection.
#[derive(Clone, Debug)]
pub(in crate::lab) enum Program {
    /// Takes what comes, says nothing, and never closes.
    Sink,
    /// Says a text first; closes when the peer does.
    Banner(Arc<str>),
    /// Says what it is told (RFC 862); closes when the peer does.
    Echo,
    /// Answers one request and closes (RFC 9112), in the name of a host.
    Http {
        /// Whose pages they are.
        host: Arc<str>,
        /// What has come of the request.
        request: Vec<u8>,
    },
    /// Asks for a page, reads it, and closes.
    Fetch {
        /// From whom.
        host: Arc<str>,
    },
    /// Wants to know whether the connection comes about, and resets it then: see `dial`.
    Dial,
}

/// What a program does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Deed {
    /// What it says.
    pub(super) says: Vec<u8>,
    /// It says no more after that.
    pub(super) closes: bool,
}

impl Program {
    /// What listens at a port of `host`.
    pub(in crate::lab) fn serve(service: Option<&TcpService>, host: &str) -> Self {
        match service {
            None | Some(TcpService::Sink) => Self::Sink,
            Some(TcpService::Echo) => Self::Echo,
            Some(TcpService::Banner(text)) => Self::Banner(text.as_str().into()),
            Some(TcpService::Http) => Self::Http { host: host.into(), request: Vec::new() },
        }
    }

    /// The connection is there.
    pub(super) fn opened(&self) -> Deed {
        let says = match self {
            Self::Banner(text) => text.as_bytes().to_vec(),
            Self::Fetch { host } => {
                format!("GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: lab\r\nConnection: close\r\n\r\n").into_bytes()
            }
            _ => Vec::new(),
        };
        Deed { says, closes: false }
    }

    /// Data has come.
    pub(super) fn hears(&mut self, data: &[u8]) -> Deed {
        match self {
            Self::Echo => Deed { says: data.to_vec(), closes: false },
            Self::Http { host, request } => {
                request.extend_from_slice(&data[..data.len().min(LONGEST - request.len())]);
                match answer(host, request) {
                    Some(says) => Deed { says, closes: true },
                    None => Deed::default(),
                }
            }
            Self::Sink | Self::Banner(_) | Self::Fetch { .. } | Self::Dial => Deed::default(),
        }
    }

    /// The peer has said its last word.
    pub(super) fn ended(&self) -> Deed {
        Deed { says: Vec::new(), closes: !matches!(self, Self::Sink) }
    }
}

/// The answer to a request, once its head is whole.
fn answer(host: &str, request: &[u8]) -> Option<Vec<u8>> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    if end.is_none() && request.len() < LONGEST {
        return None;
    }
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_http = version.is_some_and(|version| version.starts_with(b"HTTP/1.")) && words.next().is_none();
    let status = match (method, target) {
        _ if end.is_none() || !is_http => "400 Bad Request",
        (Some(b"GET" | b"HEAD"), Some(b"/" | b"/index.html")) => "200 OK",
        (Some(b"GET" | b"HEAD"), Some(_)) => "404 Not Found",
        _ => "405 Method Not Allowed",
    };
    let page = if status == "200 OK" {
        format!("<!doctype html>\n<title>{host}</title>\n<h1>{host}</h1>\n<p>A host of the laboratory.</p>\n")
    } else {
        format!("{status}\n")
    };
    let kind = if status == "200 OK" { "text/html" } else { "text/plain" };
    let mut text = format!("HTTP/1.1 {status}\r\nServer: lab\r\nContent-Type: {kind}; charset=utf-8\r\n");
    if status.starts_with("405") {
        text.push_str("Allow: GET, HEAD\r\n");
    }
    let _ = write!(text, "Content-Length: {}\r\nConnection: close\r\n\r\n", page.len());
    if method != Some(b"HEAD") {
        text.push_str(&page);
    }
    Some(text.into_bytes())
}
