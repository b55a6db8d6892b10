//! Which layers lie on which: stacks as they are seen on a wire, and others.

use pktsh::base::Rng;
use pktsh::layers::{
    ALL, arp, cooked, dhcp, dns, dot1q, ether, icmp, icmpv6, igmp, ip, ipv6, llc, mld, nd_options, ntp, raw, sctp, tcp,
    tunnels, udp,
};
use pktsh::packet::LayerDesc;

use super::Manner;

type Fixed = &'static [(&'static str, u64)];

/// Layers from the outermost inward, each with the numbers that are given in it.
pub(super) type Stack = Vec<(&'static LayerDesc, Fixed)>;

/// Some layers in any order: those that Scapy stacks on any other as we do.
pub(super) fn any_stack(rng: &mut Rng) -> Stack {
    let all: [&'static LayerDesc; 9] =
        [&ether::ETHER, &dot1q::DOT1Q, &arp::ARP, &ip::IP, &icmp::ICMP, &tcp::TCP, &udp::UDP, &raw::RAW, &raw::PADDING];
    let mut stack: Stack = Vec::new();
    for _ in 0..rng.between(1, 5) {
        let next = one(rng, &all);
        // Scapy gives Ethernet in Ethernet the type 1, which is no protocol's number.
        let is_twice = next == &ether::ETHER && stack.last().is_some_and(|(below, _)| below.has_field("type"));
        if !is_twice {
            stack.push((next, &[]));
        }
    }
    stack
}

/// All layers in any order.
pub(super) fn chaos(rng: &mut Rng) -> Stack {
    (0..rng.between(1, 5)).map(|_| (one(rng, ALL), &[] as Fixed)).collect()
}

/// A stack as it is seen on a wire.
pub(super) fn wire_stack(rng: &mut Rng, manner: Manner) -> Stack {
    let mut stack: Stack = Vec::new();
    if rng.chance(0.6) {
        link(rng, &mut stack);
    }
    match stack.last() {
        Some((below, _)) if *below == &llc::LLC => {
            stack.push((&raw::RAW, &[]));
            return stack;
        }
        Some((below, _)) if !LOOPBACKS.contains(below) && rng.chance(0.15) => {
            stack.push((&arp::ARP, &[]));
            return stack;
        }
        _ => {}
    }
    network(rng, &mut stack, 0);
    // What no length covers cannot be told from the packet when it is read again without one.
    if manner == Manner::Wild && rng.chance(0.3) {
        stack.push((&raw::PADDING, &[]));
    }
    stack
}

/// They carry IP alone.
const LOOPBACKS: &[&LayerDesc] = &[&cooked::LOOPBACK, &cooked::LOOPBACK_OPENBSD];

fn link(rng: &mut Rng, stack: &mut Stack) {
    match rng.below(8) {
        0 => stack.push((&cooked::SLL, &[])),
        1 => stack.push((&cooked::SLL2, &[])),
        2 => stack.push((&cooked::LOOPBACK, &[])),
        3 => stack.push((&cooked::LOOPBACK_OPENBSD, &[])),
        4 => {
            stack.extend([(&llc::DOT3, &[] as Fixed), (&llc::LLC, &[])]);
            if rng.chance(0.7) {
                stack.push((&llc::SNAP, &[]));
            }
        }
        _ => {
            stack.push((&ether::ETHER, &[]));
            (0..rng.below(3)).for_each(|_| stack.push((&dot1q::DOT1Q, &[])));
        }
    }
}

/// A network layer, and what lies on it.
fn network(rng: &mut Rng, stack: &mut Stack, depth: u8) {
    let is_v6 = rng.chance(0.5);
    if is_v6 {
        stack.push((&ipv6::IPV6, &[]));
        extensions(rng, stack);
    } else {
        stack.push((&ip::IP, &[]));
        if rng.chance(0.1) {
            stack.push((&ipv6::AH, &[]));
        }
    }
    match rng.below(12) {
        0 | 1 if is_v6 => icmpv6(rng, stack),
        0 => icmp(rng, stack),
        1 => igmp(rng, stack),
        2 | 3 => sctp(rng, stack),
        4 if depth < 2 => network(rng, stack, depth + 1),
        5 if depth < 2 => {
            stack.push((&tunnels::GRE, &[]));
            network(rng, stack, depth + 1);
        }
        6 if depth < 2 => {
            stack.extend([(&udp::UDP, &[] as Fixed), (&tunnels::VXLAN, &[]), (&ether::ETHER, &[])]);
            network(rng, stack, depth + 1);
        }
        7 | 8 => {
            stack.push((&udp::UDP, &[]));
            datagram(rng, stack);
        }
        9 => stack.extend([(&tcp::TCP, &[] as Fixed), (&dns::DNS, &[])]),
        10 => {
            stack.push((&udp::UDP, &[]));
            some_raw(rng, stack);
        }
        _ => {
            stack.push((&tcp::TCP, &[]));
            some_raw(rng, stack);
        }
    }
}

fn some_raw(rng: &mut Rng, stack: &mut Stack) {
    if rng.chance(0.6) {
        stack.push((&raw::RAW, &[]));
    }
}

/// Extension headers in the order that RFC 8200 section 4.1 recommends.
fn extensions(rng: &mut Rng, stack: &mut Stack) {
    for desc in [&ipv6::HOP_BY_HOP, &ipv6::DEST_OPT, &ipv6::ROUTING, &ipv6::FRAGMENT, &ipv6::AH] {
        if rng.chance(0.12) {
            stack.push((desc, one(rng, if desc == &ipv6::ROUTING { ROUTES } else { &[&[]] })));
        }
    }
}

const ROUTES: &[Fixed] = &[&[("type", 0)], &[("type", 2)], &[("type", 3)]];

fn icmp(rng: &mut Rng, stack: &mut Stack) {
    if rng.chance(0.4) {
        stack.push((&icmp::ICMP, ASKING));
        return some_raw(rng, stack);
    }
    stack.push((&icmp::ICMP, one(rng, ERRORS)));
    (0..=u64::from(rng.chance(0.2))).for_each(|_| stack.push((&ip::IP_ERROR, &[])));
    stack.push(match rng.below(4) {
        0 => (&tcp::TCP_ERROR, &[]),
        1 => (&udp::UDP_ERROR, &[]),
        2 => (&sctp::SCTP_ERROR, &[]),
        _ => (&icmp::ICMP_ERROR, ASKING),
    });
    some_raw(rng, stack);
}

const ASKING: Fixed = &[("type", 8)];
/// Unreachable, quench, redirect, exceeded, problem.
const ERRORS: &[Fixed] = &[&[("type", 3)], &[("type", 4)], &[("type", 5)], &[("type", 11)], &[("type", 12)]];

fn icmpv6(rng: &mut Rng, stack: &mut Stack) {
    match rng.below(6) {
        0 => stack.push((&icmpv6::ICMPV6, &[("type", 200)])),
        1 => stack.push((one(rng, &[&icmpv6::ECHO_REQUEST, &icmpv6::ECHO_REPLY]), &[])),
        2 => {
            let messages = [&mld::QUERY, &mld::REPORT, &mld::DONE, &mld::QUERY2, &mld::REPORT2];
            stack.push((one(rng, &messages), &[]));
        }
        3 => {
            let errors =
                [&icmpv6::DEST_UNREACH, &icmpv6::PACKET_TOO_BIG, &icmpv6::TIME_EXCEEDED, &icmpv6::PARAM_PROBLEM];
            stack.extend([(one(rng, &errors), &[] as Fixed), (&ipv6::IPV6_ERROR, &[])]);
            stack.push(match rng.below(4) {
                0 => (&tcp::TCP_ERROR, &[]),
                1 => (&udp::UDP_ERROR, &[]),
                2 => (&sctp::SCTP_ERROR, &[]),
                _ => (&icmpv6::ICMPV6_ERROR, &[("type", 128)]),
            });
            some_raw(rng, stack);
        }
        _ => {
            let messages = [&icmpv6::ND_RS, &icmpv6::ND_RA, &icmpv6::ND_NS, &icmpv6::ND_NA, &icmpv6::ND_REDIRECT];
            stack.push((one(rng, &messages), &[]));
            for _ in 0..rng.below(4) {
                let desc = one(rng, ND_OPTIONS);
                stack.push((desc, if desc == &nd_options::UNKNOWN_OPTION { &[("type", 253)] } else { &[] }));
            }
        }
    }
}

const ND_OPTIONS: &[&LayerDesc] = &[
    &nd_options::UNKNOWN_OPTION,
    &nd_options::SRC_LL_ADDR,
    &nd_options::DST_LL_ADDR,
    &nd_options::PREFIX_INFO,
    &nd_options::REDIRECTED_HDR,
    &nd_options::MTU,
    &nd_options::RDNSS,
    &nd_options::DNSSL,
];

/// Query, report, report, leave.
const VERSIONS_1_AND_2: &[Fixed] = &[&[("type", 0x11)], &[("type", 0x12)], &[("type", 0x16)], &[("type", 0x17)]];

fn igmp(rng: &mut Rng, stack: &mut Stack) {
    match rng.below(3) {
        0 => stack.push((&igmp::IGMP, one(rng, VERSIONS_1_AND_2))),
        1 => stack.push((&igmp::QUERY, &[])),
        _ => stack.push((&igmp::REPORT, &[])),
    }
}

fn sctp(rng: &mut Rng, stack: &mut Stack) {
    stack.push((&sctp::SCTP, &[]));
    for _ in 0..rng.between(1, 4) {
        stack.push((one(rng, CHUNKS), &[]));
    }
}

const CHUNKS: &[&LayerDesc] = &[
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
];

/// What lies on UDP.
fn datagram(rng: &mut Rng, stack: &mut Stack) {
    match rng.below(4) {
        0 => stack.extend([(&dhcp::BOOTP, &[] as Fixed), (&dhcp::DHCP, &[])]),
        1 => {
            stack.push((&dhcp::BOOTP, &[]));
            some_raw(rng, stack);
        }
        2 => stack.push((&ntp::NTP, &[])),
        _ => stack.push((&dns::DNS, &[])),
    }
}

fn one<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.below(all.len() as u64) as usize]
}
