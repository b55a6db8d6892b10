//! Floor 2: one file per protocol, each a table of fields and its bindings. A new layer is a file and a word here.

pub mod arp;
pub mod dot1q;
pub mod ether;
pub mod icmp;
pub mod ip;
pub mod names;
pub mod raw;
pub mod tcp;
pub mod udp;

use std::sync::{Arc, OnceLock};

use crate::net::Medium;
use crate::packet::{LayerDesc, Packet, Registry};

/// All layers, in the order in which `ls()` prints them.
pub static ALL: &[&LayerDesc] = &[
    &ether::ETHER,
    &dot1q::DOT1Q,
    &arp::ARP,
    &ip::IP,
    &ip::IP_ERROR,
    &icmp::ICMP,
    &icmp::ICMP_ERROR,
    &tcp::TCP,
    &tcp::TCP_ERROR,
    &udp::UDP,
    &udp::UDP_ERROR,
    &raw::RAW,
    &raw::PADDING,
];

/// The layer of this name.
pub fn by_name(name: &str) -> Option<&'static LayerDesc> {
    ALL.iter().find(|desc| desc.name == name).copied()
}

/// Dissects bytes that begin with a `first` header.
pub fn dissect(first: &'static LayerDesc, bytes: &Arc<[u8]>) -> Packet {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::new(ALL, &raw::RAW, &raw::PADDING)).dissect(first, bytes)
}

/// The layer that captured bytes begin with.
pub fn first_of(medium: Medium) -> &'static LayerDesc {
    match medium {
        Medium::Ethernet => &ether::ETHER,
        Medium::Ip => &ip::IP,
        _ => &raw::RAW,
    }
}
