//! Connections of the machine's own TCP: what a dialer is asked, and what becomes of it.

use std::net::{IpAddr, SocketAddr};

use super::NetError;
use crate::base::Time;

/// A connection that is wanted, see [`World::dialer`](super::World::dialer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial {
    /// With whom; a link-local IPv6 address has its interface's index as scope.
    pub to: SocketAddr,
    /// When it is given up, without an event.
    pub until: Time,
}

impl Dial {
    /// With `port` of `addr`; `scope` is the index of the interface, which only link-local IPv6 addresses need.
    pub fn new(addr: IpAddr, port: u16, scope: u32, until: Time) -> Self {
        let mut to = SocketAddr::new(addr, port);
        if let SocketAddr::V6(to) = &mut to {
            to.set_scope_id(scope);
        }
        Self { to, until }
    }
}

/// Why a connection did not come about, as the system's error number (errno) tells it.
///
/// Linux makes such a number of an ICMP error (`icmp_err_convert` and `icmpv6_err_convert` in its source): see each
/// variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// `ECONNREFUSED`: a reset, or ICMP 3/3 (`ICMPv6` 1/4) from anyone. The two cannot be told apart.
    #[error("connection refused")]
    Refused,
    /// `EHOSTUNREACH`: ICMP 3/1, 3/10, 3/12 to 3/15 or 11, `ICMPv6` 1/2, 1/3 or 3, or a neighbor that does not answer.
    #[error("no route to host")]
    HostUnreachable,
    /// `ENETUNREACH`: ICMP 3/0, 3/6, 3/9 or 3/11, `ICMPv6` 1/0, or no route of one's own.
    #[error("network is unreachable")]
    NetUnreachable,
    /// `ENOPROTOOPT`: ICMP 3/2.
    #[error("protocol not available")]
    ProtoUnreachable,
    /// `EACCES`: `ICMPv6` 1/1, 1/5 or 1/6.
    #[error("permission denied")]
    Denied,
    /// `ENONET`: ICMP 3/8.
    #[error("machine is not on the network")]
    NoNet,
    /// `ETIMEDOUT`: the system has given up sending SYNs.
    #[error("connection timed out")]
    TimedOut,
    /// `EHOSTDOWN`: ICMP 3/7.
    #[error("host is down")]
    HostDown,
    /// Another number, which decides nothing about the port.
    #[error("error number {0}")]
    Other(i32),
}

/// The refusal of a link that carries frames.
pub(crate) fn no_dialer() -> NetError {
    NetError::System {
        doing: "opening a connection".to_owned(),
        message: "this link carries frames; connections are opened by a dialer".to_owned(),
    }
}

/// The refusal of a link that opens connections.
pub(crate) fn only_dials(bytes: &[u8]) -> NetError {
    NetError::System {
        doing: format!("sending {} bytes", bytes.len()),
        message: "a dialer opens connections and carries no frames".to_owned(),
    }
}
