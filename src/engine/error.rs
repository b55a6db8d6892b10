//! Why an exchange could not be made; each message ends with the next step.

use std::net::IpAddr;

use crate::net::NetError;
use crate::packet::PacketError;

/// Why an exchange could not be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// The network refused.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The packet cannot be built.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A function of layer 3 got a frame, or one of layer 2 got none.
    #[error("{0}")]
    WrongLayer(String),
    /// A packet without a destination.
    #[error("{0} names no destination: put IP(\"192.0.2.10\")/ in front, or give iface=")]
    NoDestination(String),
    /// No world of this session takes the address.
    #[error("{addr} is not in this session: {hint}")]
    NoWorld {
        /// The address.
        addr: IpAddr,
        /// Which option removed its world.
        hint: &'static str,
    },
    /// One call with packets to both worlds.
    #[error("one call cannot send to both {0} and {1}: one is in the laboratory, the other on the real network")]
    Mixed(IpAddr, IpAddr),
    /// One capture on interfaces of both worlds.
    #[error("one capture cannot hear {0}: one is the laboratory's, the other of the real network")]
    MixedIfaces(String),
    /// The set is too large to keep.
    #[error("the set has {0} packets, and sr keeps each with its answer: send at most {1} in one call")]
    TooMany(u64, u64),
    /// What was asked cannot be done, and why: the zombie of an idle scan is of no use.
    #[error("{0}")]
    Useless(String),
    /// A public address, and nobody allowed it.
    #[error("{0} is a public address: start pktsh with --public to send there, and only with its owner's permission")]
    Public(IpAddr),
}

impl EngineError {
    /// The word of a call that an error is about: part of its capture filter, an interface, a host's name.
    pub fn word(&self, filter: &str) -> String {
        match self {
            Self::Net(NetError::Filter { at, .. }) => filter.get(at.clone()).unwrap_or(filter).to_owned(),
            Self::Net(NetError::NoInterface { name, .. } | NetError::UnknownName { name, .. }) => name.clone(),
            _ => String::new(),
        }
    }
}
