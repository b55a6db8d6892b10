//! What a host answers to a datagram: the programs at its UDP ports.

mod daytime;
mod llmnr;
mod mdns;
mod names;
mod netbios;
mod ntp;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use etherparse::{UdpHeader, UdpSlice, ip_number};

use super::answer::Packet;
use super::datagram::{Datagram, pseudo_header};
use super::error::Why;
use super::host::Host;
use super::nets::{self, Nets, Nic, Segment};
use super::out::Scene;
use super::plan::UdpService;
use super::tcp::{Ends, Program};

pub(super) use mdns::Told;

/// The TTL, or hop limit, of names told on the link: it shows that they come from there (RFC 6762 section 11, RFC 4795
/// section 2.4).
pub(super) const LINK_HOPS: u8 = 255;

/// Where multicast DNS is asked (RFC 6762 section 3).
pub(super) const MDNS_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// Ports below this one are of services. Those that answer anything do not answer them: two of them would talk to each
/// other for ever.
const FIRST_CLIENT_PORT: u16 = 1024;

/// What a program sends.
pub(super) struct Reply<'a> {
    pub(super) data: Cow<'a, [u8]>,
    /// To the group of the service, not to the asker.
    pub(super) to_group: bool,
    /// Its TTL, when it is not the host's.
    pub(super) hops: Option<u8>,
    pub(super) hold: Duration,
}

impl<'a> Reply<'a> {
    pub(super) fn new(data: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { data: data.into(), to_group: false, hops: None, hold: Duration::ZERO }
    }
}

impl UdpService {
    /// The groups in which it is asked.
    pub(super) fn groups(&self) -> Option<(Ipv4Addr, Ipv6Addr)> {
        match self {
            // RFC 6762 section 3.
            Self::Mdns(_) => Some((MDNS_GROUP, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb))),
            // RFC 4795 section 2.
            Self::Llmnr(_) => Some((Ipv4Addr::new(224, 0, 0, 252), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 3))),
            Self::Call | Self::Daytime | Self::Dns | Self::Echo | Self::Netbios(_) | Self::Ntp | Self::Sink => None,
        }
    }
}

impl Host {
    /// Hands a datagram to the program that listens, and sends what it answers.
    pub(super) fn udp(&mut self, datagram: &Datagram<'_>, udp: &UdpSlice<'_>, scene: &mut Scene<'_>) {
        let open = self.spec.udp.iter().position(|open| open.port == udp.destination_port());
        let at = match open {
            Some(at) if self.spec.udp[at].service == UdpService::Call => return self.call_back(datagram, udp, scene),
            Some(at) => at,
            None if self.has_asked(udp.source_port(), udp.destination_port()) => return,
            None => return self.error(datagram, Why::Port, scene),
        };
        let Some(reply) = self.ask_program(at, datagram, udp, scene) else { return };
        let group = self.spec.udp[at].service.groups().filter(|_| reply.to_group);
        let (dst, port) = match (group, datagram.src) {
            (None, src) => (src, udp.source_port()),
            (Some((group, _)), IpAddr::V4(_)) => (group.into(), udp.destination_port()),
            (Some((_, group)), IpAddr::V6(_)) => (group.into(), udp.destination_port()),
        };
        let src = if group.is_some() { self.source_for(dst, datagram.segment) } else { self.voice(datagram) };
        let Some(src) = src else { return };
        let ports = [udp.destination_port(), port];
        self.send_datagram([src, dst], ports, &reply, datagram.segment, scene);
    }

    /// Sends a datagram between these addresses and these ports, the own ones first.
    pub(super) fn send_datagram(
        &mut self,
        [src, dst]: [IpAddr; 2],
        [source_port, destination_port]: [u16; 2],
        says: &Reply<'_>,
        zone: Segment,
        scene: &mut Scene<'_>,
    ) {
        let (data, length) = (&says.data, (UdpHeader::LEN + says.data.len()) as u16);
        let mut header = UdpHeader { source_port, destination_port, length, checksum: 0 };
        let sum = pseudo_header(src, dst, ip_number::UDP, length).add_slice(&header.to_bytes());
        header.checksum = sum.add_slice(data).to_ones_complement_with_no_zero().to_be();
        let header = header.to_bytes();
        let packet = Packet::new(src, dst, ip_number::UDP, &header, data);
        self.send(&Packet { hops: says.hops, hold: says.hold, ..packet }, zone, scene);
    }

    /// Opens a TCP connection to where a datagram came from.
    fn call_back(&mut self, datagram: &Datagram<'_>, udp: &UdpSlice<'_>, scene: &mut Scene<'_>) {
        const FROM: u16 = 7;
        let Some(local) = self.voice(datagram) else { return };
        let ends = Ends { peer: datagram.src, peer_port: udp.source_port(), local, local_port: FROM };
        self.call(ends, Program::Echo, scene);
    }

    /// What the program at the open port number `at` answers.
    fn ask_program<'a>(
        &mut self,
        at: usize,
        datagram: &Datagram<'_>,
        udp: &UdpSlice<'a>,
        scene: &Scene<'_>,
    ) -> Option<Reply<'a>> {
        let (data, port, segment, now) = (udp.payload(), udp.source_port(), datagram.segment, scene.now);
        let wall = super::wall(now);
        let is_client = port >= FIRST_CLIENT_PORT;
        match &self.spec.udp[at].service {
            UdpService::Daytime => is_client.then(|| Reply::new(daytime::text(wall).into_bytes())),
            UdpService::Dns => scene.zone.answer(data).map(Reply::new),
            UdpService::Echo => is_client.then(|| Reply::new(data)),
            UdpService::Llmnr(llmnr) => {
                let is_to_group = datagram.dst.is_multicast(); // RFC 4795 section 2.4: others come by TCP
                let message = llmnr::answer(data, &llmnr.name, &self.addrs_on(segment)).filter(|_| is_to_group)?;
                Some(Reply { hops: Some(LINK_HOPS), ..Reply::new(message) })
            }
            UdpService::Mdns(says) => {
                let is_unicast = !datagram.dst.is_multicast();
                if is_unicast && !is_neighbor(datagram.src, segment, &scene.map.nets) {
                    return None; // RFC 6762 section 11
                }
                let asked = mdns::Asked { message: data, port, is_unicast, segment, now };
                let addrs = self.addrs_on(segment);
                let answer = mdns::answer(&asked, says, &addrs, &mut self.told, &mut self.rng)?;
                let mdns::Answer { message, to_group, hold } = answer;
                Some(Reply { to_group, hold, hops: Some(LINK_HOPS), ..Reply::new(message) })
            }
            UdpService::Netbios(names) => {
                let mac = self.nic(Some(segment)).or(self.nics.first())?.mac();
                netbios::answer(data, names, mac).map(Reply::new)
            }
            UdpService::Ntp => ntp::answer(data, wall).map(Reply::new),
            UdpService::Call | UdpService::Sink => None,
        }
    }

    /// Its addresses on the cable of `segment`; those of its first card on none.
    fn addrs_on(&self, segment: Segment) -> Vec<IpAddr> {
        let nic = self.nic(Some(segment)).or(self.nics.first());
        let addrs = nic.into_iter().flat_map(Nic::subnets).map(|subnet| subnet.addr);
        addrs.filter(|addr| addr.is_ipv4() || self.spec.ipv6).collect()
    }
}

/// Whether `addr` is a station of the cable of `segment`.
fn is_neighbor(addr: IpAddr, segment: Segment, nets: &Nets) -> bool {
    nets::needs_zone(addr) || nets.segment(addr) == Some(segment) || segment == Segment::LOOPBACK
}
