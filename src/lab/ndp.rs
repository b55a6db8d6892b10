//! Neighbor discovery (RFC 4861): who has an IPv6 address, and where the router is.

use std::net::{IpAddr, Ipv6Addr};

use etherparse::icmpv6::{
    Icmpv6PayloadSlice, NdpOptionHeader, NdpOptionSlice, NdpOptionType, NdpOptionsIterator,
    NeighborAdvertisementHeader, NeighborSolicitationPayloadSlice, PrefixInformation, RouterAdvertisementHeader,
    RouterSolicitationPayloadSlice, TYPE_REDIRECT_MESSAGE, TYPE_ROUTER_SOLICITATION,
};
use etherparse::{EtherType, Icmpv6Slice, Icmpv6Type, ip_number};

use super::MTU;
use super::answer::Packet;
use super::datagram::{Datagram, Transport};
use super::host::Host;
use super::nets::{Nets, Nic, PREFIX6, Segment};
use super::out::{Scene, Way};
use crate::base::Mac;

/// The hop limit of all its messages: one that has passed a router has less, and is dropped.
const HOPS: u8 = 255;

/// All nodes of the link (RFC 4291 section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// All routers of the link.
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// How long the router and its prefixes are valid, in seconds: the defaults of RFC 4861 section 6.2.1.
const ROUTER_LIFETIME: u16 = 1800;
const VALID_LIFETIME: u32 = 2_592_000;
const PREFERRED_LIFETIME: u32 = 604_800;

/// The hardware address of an IPv6 group (RFC 2464 section 7).
pub(super) fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., c, d, e, f] = group.octets();
    Mac([0x33, 0x33, c, d, e, f])
}

/// The groups that a card is in: all nodes, those of its addresses, and all routers when it is a router's.
pub(super) fn groups(nic: &Nic, is_router: bool) -> impl Iterator<Item = Ipv6Addr> + use<> {
    let routers = is_router.then_some(ALL_ROUTERS);
    nic.addrs6().map(solicited_node).chain([ALL_NODES]).chain(routers)
}

/// The group in which an address is asked for (RFC 4291 section 2.7.1).
pub(super) fn solicited_node(addr: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = addr.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 0x00ff), low)
}

/// Whether a message is one of the five of neighbor discovery. No filter stands before them: without them a host could
/// not be reached at all, as none stands before ARP.
pub(super) fn is_discovery(icmp: &Icmpv6Slice<'_>) -> bool {
    (TYPE_ROUTER_SOLICITATION..=TYPE_REDIRECT_MESSAGE).contains(&icmp.type_u8())
}

/// What a neighbor advertisement in the IPv6 packet `bytes` says, if it is valid (RFC 4861 section 7.1.2).
pub(super) fn advertised(bytes: &[u8], nets: &Nets) -> Option<(IpAddr, Mac)> {
    let datagram = Datagram::read(EtherType::IPV6, bytes, Segment::HOME, false)?;
    let Some(Transport::Icmpv6(icmp)) = datagram.transport() else { return None };
    let Ok(Icmpv6PayloadSlice::NeighborAdvertisement(told)) = icmp.payload_slice() else { return None };
    let target = IpAddr::V6(told.target_address());
    let is_neighbor = told.target_address().is_unicast_link_local() || nets.segment(target) == Some(Segment::HOME);
    let mac = options(told.options_iterator())?.target?;
    (datagram.hops == HOPS && is_neighbor).then_some((target, mac))
}

/// The hardware addresses among the options.
#[derive(Default)]
struct Options {
    source: Option<Mac>,
    target: Option<Mac>,
}

/// Reads options; `None` when one has no length, which makes the message invalid.
fn options(all: NdpOptionsIterator<'_>) -> Option<Options> {
    let mac = |bytes: &[u8]| bytes.try_into().ok().map(Mac);
    let mut found = Options::default();
    for option in all {
        match option.ok()? {
            NdpOptionSlice::SourceLinkLayerAddress(addr) => found.source = mac(addr.link_layer_address()),
            NdpOptionSlice::TargetLinkLayerAddress(addr) => found.target = mac(addr.link_layer_address()),
            _ => {}
        }
    }
    Some(found)
}

impl Host {
    /// A message of neighbor discovery. Advertisements and redirects change nothing here: hosts know their neighbors.
    pub(super) fn discover(&mut self, datagram: &Datagram<'_>, icmp: &Icmpv6Slice<'_>, scene: &mut Scene<'_>) {
        let (IpAddr::V6(src), HOPS, 0) = (datagram.src, datagram.hops, icmp.code_u8()) else { return };
        let Some(nic) = self.nic(Some(datagram.segment)).copied() else { return };
        match icmp.payload_slice() {
            Ok(Icmpv6PayloadSlice::NeighborSolicitation(asked)) => self.advertise(datagram, src, &nic, &asked, scene),
            Ok(Icmpv6PayloadSlice::RouterSolicitation(asked)) if self.spec.forward => {
                self.advertise_router(src, &nic, &asked, scene);
            }
            _ => {}
        }
    }

    /// Answers a valid solicitation (section 7.1.1) for an own address (section 7.2.4). One that comes from no address
    /// asks whether the target is taken (RFC 4862 section 5.4.3), and the answer goes to all.
    fn advertise(
        &mut self,
        datagram: &Datagram<'_>,
        src: Ipv6Addr,
        nic: &Nic,
        asked: &NeighborSolicitationPayloadSlice<'_>,
        scene: &mut Scene<'_>,
    ) {
        let (target, Some(options)) = (asked.target_address(), options(asked.options_iterator())) else { return };
        let is_probe = src.is_unspecified();
        let is_right = !is_probe || (datagram.dst == solicited_node(target) && options.source.is_none());
        if !is_right || !nic.addrs6().any(|own| own == target) {
            return;
        }
        let kind = Icmpv6Type::NeighborAdvertisement(NeighborAdvertisementHeader {
            router: self.spec.forward,
            solicited: !is_probe,
            r#override: true,
        });
        let mut body = target.octets().to_vec();
        link_layer_option(&mut body, NdpOptionType::TARGET_LINK_LAYER_ADDRESS, nic.mac());
        let dst = if is_probe { ALL_NODES } else { src };
        self.send_discovery(&Message { kind, src: target, dst, body: &body }, nic, options.source, scene);
    }

    /// Answers a valid router solicitation (section 6.1.1) with the prefix of the link (section 6.2.3).
    fn advertise_router(
        &mut self,
        src: Ipv6Addr,
        nic: &Nic,
        asked: &RouterSolicitationPayloadSlice<'_>,
        scene: &mut Scene<'_>,
    ) {
        let Some(options) = options(asked.options_iterator()) else { return };
        if src.is_unspecified() && options.source.is_some() {
            return;
        }
        let kind = Icmpv6Type::RouterAdvertisement(RouterAdvertisementHeader {
            cur_hop_limit: self.spec.ttl(),
            managed_address_config: false,
            other_config: false,
            router_lifetime: ROUTER_LIFETIME,
        });
        let mut body = vec![0; 8]; // reachable and retransmission time: unspecified
        link_layer_option(&mut body, NdpOptionType::SOURCE_LINK_LAYER_ADDRESS, nic.mac());
        body.extend_from_slice(&NdpOptionHeader { option_type: NdpOptionType::MTU, length_units: 1 }.to_bytes());
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&MTU.to_be_bytes());
        if let Some(network) = nic.network6() {
            let prefix = PrefixInformation {
                prefix_length: PREFIX6,
                on_link: true,
                autonomous_address_configuration: true,
                valid_lifetime: VALID_LIFETIME,
                preferred_lifetime: PREFERRED_LIFETIME,
                prefix: network.octets(),
            };
            body.extend_from_slice(&prefix.to_bytes());
        }
        let dst = if src.is_unspecified() { ALL_NODES } else { src };
        let message = Message { kind, src: nic.link_local(), dst, body: &body };
        self.send_discovery(&message, nic, options.source, scene);
    }

    /// Sends a message of neighbor discovery, to hardware address `to` if the asker gave one.
    fn send_discovery(&mut self, message: &Message<'_>, nic: &Nic, to: Option<Mac>, scene: &mut Scene<'_>) {
        let Message { kind, src, dst, body } = *message;
        let told = to.map(|to| Way { segment: nic.segment, from: nic.mac(), to });
        let Some(way) = told.or_else(|| self.way(src.into(), dst.into(), nic.segment, scene.map)) else { return };
        let Ok(header) = kind.to_header(src.octets(), dst.octets(), body) else { return };
        let header = header.to_bytes();
        let packet = Packet::new(src.into(), dst.into(), ip_number::IPV6_ICMP, &header, body);
        self.send_by(&way, &Packet { hops: Some(HOPS), ..packet }, scene);
    }
}

/// A message to be sent; `body` is what follows the ICMP header.
struct Message<'a> {
    kind: Icmpv6Type,
    src: Ipv6Addr,
    dst: Ipv6Addr,
    body: &'a [u8],
}

/// Adds an option with a hardware address (section 4.6.1).
fn link_layer_option(body: &mut Vec<u8>, kind: NdpOptionType, mac: Mac) {
    body.extend_from_slice(&NdpOptionHeader { option_type: kind, length_units: 1 }.to_bytes());
    body.extend_from_slice(&mac.0);
}
