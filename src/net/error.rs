//! What can go wrong on the way to the wire, each with the next step.

use std::io;
use std::net::IpAddr;

/// Why the network could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NetError {
    /// The process may not open raw sockets.
    #[error("{doing} needs CAP_NET_RAW, which this process does not have: {hint}")]
    NoPrivilege {
        /// What was tried, as "opening a packet socket".
        doing: &'static str,
        /// The command that gives the capability.
        hint: String,
    },
    /// No route leads to the destination.
    #[error("no route to {dst}: {hint}")]
    NoRoute {
        /// The destination.
        dst: IpAddr,
        /// What to look at.
        hint: String,
    },
    /// A host name has no address.
    #[error("cannot resolve \"{name}\": {hint}")]
    UnknownName {
        /// The name.
        name: String,
        /// The nearest name, or what the resolver said.
        hint: String,
    },
    /// An interface does not exist.
    #[error("no interface \"{name}\"{hint}")]
    NoInterface {
        /// The name that was given.
        name: String,
        /// `; did you mean "eth0"?`, or nothing.
        hint: String,
    },
    /// An interface went away, or down, while it was used.
    #[error("interface {name} went away or down: {hint}")]
    InterfaceGone {
        /// Its name, or its index when the name is gone too.
        name: String,
        /// What to do.
        hint: &'static str,
    },
    /// A capture file could not be written.
    #[error(transparent)]
    File(#[from] super::capture::FileError),
    /// A capture filter that cannot be read.
    #[error("{message}")]
    Filter {
        /// What is wrong with it.
        message: String,
        /// Where in its text, in bytes.
        at: std::ops::Range<usize>,
    },
    /// The system refused something else.
    #[error("{doing}: {message}")]
    System {
        /// What was tried, as "sending 40 bytes".
        doing: String,
        /// What the system said.
        message: String,
    },
}

impl NetError {
    /// A system error with the operation that met it.
    pub fn system(doing: impl Into<String>, error: &io::Error) -> Self {
        Self::System { doing: doing.into(), message: error.to_string() }
    }
}
