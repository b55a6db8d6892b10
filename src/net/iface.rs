//! Network interfaces, as both worlds describe them.

use std::net::IpAddr;

use crate::base::Mac;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's index; unique in its world.
    pub index: u32,
    /// `eth0`, `lo`, `lab0`.
    pub name: String,
    /// Its hardware address, where it has one.
    pub mac: Option<Mac>,
    /// The largest IP packet it carries, in bytes.
    pub mtu: u32,
    /// What its frames begin with.
    pub medium: Medium,
    /// Whether it is a loopback interface.
    pub loopback: bool,
    /// Whether it is up.
    pub up: bool,
    /// Its addresses with their networks.
    pub addrs: Vec<Subnet>,
}

/// An address and the prefix length of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The interface's address.
    pub addr: IpAddr,
    /// Length of the network prefix, in bits.
    pub prefix: u8,
}

/// What captured bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An Ethernet header (also on Linux' loopback, with zero addresses).
    Ethernet,
    /// The IP header itself (tun, `WireGuard`, PPP).
    Ip,
}
