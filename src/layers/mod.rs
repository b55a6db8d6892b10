//! Floor 2: one file per protocol, each a table of fields and its bindings. A new layer is a file and a word here.

pub mod arp;
pub mod cooked;
pub mod dhcp;
pub mod dns;
pub mod dot1q;
pub mod ether;
pub mod icmp;
pub mod icmpv6;
pub mod igmp;
pub mod ip;
pub mod ipv6;
pub mod llc;
pub mod mld;
pub mod names;
pub mod nd_options;
pub mod ntp;
pub mod raw;
pub mod sctp;
pub mod tcp;
pub mod tunnels;
pub mod udp;

use std::sync::{Arc, OnceLock};

use crate::net::Medium;
use crate::packet::{LayerDesc, Packet, Registry};

/// All layers, in the order in which `ls()` prints them.
pub static ALL: &[&LayerDesc] = &[
    &ether::ETHER,
    &llc::DOT3,
    &llc::LLC,
    &llc::SNAP,
    &dot1q::DOT1Q,
    &cooked::SLL,
    &cooked::SLL2,
    &cooked::LOOPBACK,
    &cooked::LOOPBACK_OPENBSD,
    &arp::ARP,
    &ip::IP,
    &ip::IP_ERROR,
    &icmp::ICMP,
    &icmp::ICMP_ERROR,
    &igmp::IGMP,
    &igmp::QUERY,
    &igmp::REPORT,
    &igmp::GROUP,
    &ipv6::IPV6,
    &ipv6::IPV6_ERROR,
    &ipv6::HOP_BY_HOP,
    &ipv6::DEST_OPT,
    &ipv6::ROUTING,
    &ipv6::FRAGMENT,
    &ipv6::AH,
    &icmpv6::ICMPV6,
    &icmpv6::DEST_UNREACH,
    &icmpv6::PACKET_TOO_BIG,
    &icmpv6::TIME_EXCEEDED,
    &icmpv6::PARAM_PROBLEM,
    &icmpv6::ECHO_REQUEST,
    &icmpv6::ECHO_REPLY,
    &icmpv6::ICMPV6_ERROR,
    &icmpv6::ND_RS,
    &icmpv6::ND_RA,
    &icmpv6::ND_NS,
    &icmpv6::ND_NA,
    &icmpv6::ND_REDIRECT,
    &nd_options::UNKNOWN_OPTION,
    &nd_options::SRC_LL_ADDR,
    &nd_options::DST_LL_ADDR,
    &nd_options::PREFIX_INFO,
    &nd_options::REDIRECTED_HDR,
    &nd_options::MTU,
    &nd_options::RDNSS,
    &nd_options::DNSSL,
    &mld::QUERY,
    &mld::REPORT,
    &mld::DONE,
    &mld::QUERY2,
    &mld::REPORT2,
    &mld::RECORD,
    &tcp::TCP,
    &tcp::TCP_ERROR,
    &udp::UDP,
    &udp::UDP_ERROR,
    &sctp::SCTP,
    &sctp::SCTP_ERROR,
    &sctp::CHUNK_UNKNOWN,
    &sctp::DATA,
    &sctp::INIT,
    &sctp::INIT_ACK,
    &sctp::SACK,
    &sctp::HEARTBEAT_REQ,
    &sctp::HEARTBEAT_ACK,
    &sctp::ABORT,
    &sctp::SHUTDOWN,
    &sctp::SHUTDOWN_ACK,
    &sctp::ERROR,
    &sctp::COOKIE_ECHO,
    &sctp::COOKIE_ACK,
    &sctp::SHUTDOWN_COMPLETE,
    &dns::DNS,
    &dns::DNSQR,
    &dns::DNSRR,
    &dns::DNSRR_MX,
    &dns::DNSRR_SOA,
    &dns::DNSRR_SRV,
    &dns::DNSRR_OPT,
    &dhcp::BOOTP,
    &dhcp::DHCP,
    &ntp::NTP,
    &tunnels::GRE,
    &tunnels::VXLAN,
    &raw::RAW,
    &raw::PADDING,
];

/// The layer of this name.
pub fn by_name(name: &str) -> Option<&'static LayerDesc> {
    // Most names that are asked for are those of fields, in lower case.
    let is_layers = name.starts_with(|first: char| first.is_ascii_uppercase());
    ALL.iter().filter(|_| is_layers).find(|desc| desc.name == name).copied()
}

/// Dissects bytes that begin with a `first` header.
pub fn dissect(first: &'static LayerDesc, bytes: &Arc<[u8]>) -> Packet {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::new(ALL, &raw::RAW, &raw::PADDING)).dissect(first, bytes)
}

/// The layer that captured bytes begin with.
pub fn first_of(medium: Medium, bytes: &[u8]) -> &'static LayerDesc {
    match medium {
        Medium::Ethernet => &ether::ETHER,
        Medium::Ip if bytes.first().is_some_and(|first| first >> 4 == 6) => &ipv6::IPV6,
        Medium::Ip => &ip::IP,
        Medium::Sll => &cooked::SLL,
        Medium::Sll2 => &cooked::SLL2,
        // The family is a small number: which end of it comes first shows where it was captured.
        Medium::Null if bytes.first() == Some(&0) => &cooked::LOOPBACK_OPENBSD,
        Medium::Null => &cooked::LOOPBACK,
        Medium::Loop => &cooked::LOOPBACK_OPENBSD,
        Medium::Other(_) => &raw::RAW,
    }
}

/// The medium of packets that begin with this layer; `None` when no capture file begins with it.
pub fn medium_of(first: &LayerDesc) -> Option<Medium> {
    let media = [
        (&ether::ETHER, Medium::Ethernet),
        (&llc::DOT3, Medium::Ethernet),
        (&ip::IP, Medium::Ip),
        (&ipv6::IPV6, Medium::Ip),
        (&cooked::SLL, Medium::Sll),
        (&cooked::SLL2, Medium::Sll2),
        (&cooked::LOOPBACK, Medium::Null),
        (&cooked::LOOPBACK_OPENBSD, Medium::Loop),
    ];
    media.iter().find(|(desc, _)| *desc == first).map(|(_, medium)| *medium)
}
