//! A scan's probes: a packet built once for each host, in which ports and numbers are written anew.

use std::net::IpAddr;

use super::kinds::{Kind, Probe};
use crate::base::checksum::{Sum, checksum, crc32c};
use crate::base::targets::Target;
use crate::layers::icmp::ICMP;
use crate::layers::icmpv6::ECHO_REQUEST;
use crate::layers::igmp::IGMP;
use crate::layers::ip::IP;
use crate::layers::ipv6::IPV6;
use crate::layers::sctp::{COOKIE_ECHO, INIT, SCTP};
use crate::layers::tcp::{ACK, FIN, SYN, TCP, letters};
use crate::layers::udp::UDP;
use crate::packet::{Layer, LayerDesc, Packet, PacketError, Slot, Surroundings, Value, Wanted};

/// A kind as it is asked for: `tcp_scan` chooses the flags itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// The kind.
    pub kind: &'static Kind,
    /// Flags in place of the kind's own, which then only reads the answers.
    pub flags: Option<u64>,
}

impl Chosen {
    /// A kind with its own flags.
    pub fn of(kind: &'static Kind) -> Self {
        Self { kind, flags: None }
    }

    /// The TCP flags of its probes.
    pub(super) fn tcp_flags(self) -> u64 {
        match (self.flags, self.kind.probe) {
            (Some(flags), _) | (None, Probe::Tcp(flags)) => flags,
            _ => 0,
        }
    }

    /// What reports call it: `fin`, or `SF as syn`.
    pub fn name(self) -> String {
        match self.flags {
            Some(0) => format!("none as {}", self.kind.name),
            Some(flags) => format!("{} as {}", letters(flags), self.kind.name),
            None => self.kind.name.to_owned(),
        }
    }

    /// The layer that its probes are made of, and what the engine sets there: the user's packet may not.
    fn layers(self) -> (&'static LayerDesc, &'static [&'static str]) {
        match self.kind.probe {
            Probe::Tcp(_) | Probe::Connect | Probe::Idle => (&TCP, &["dport", "flags", "dataofs"]),
            Probe::Udp => (&UDP, &["dport"]),
            Probe::SctpInit | Probe::SctpCookie => (&SCTP, &["dport", "tag"]),
            Probe::Protocol => (&IP, &[]),
        }
    }

    /// Refuses a packet that could not be told from others by its answer, with the reason.
    pub fn check_probe(self, packet: &Packet) -> Result<(), String> {
        let refused = |what: String| Err(format!("probe: {what}"));
        let (upper, engines) = self.layers();
        match self.kind.probe {
            Probe::Connect => return refused("a connect scan leaves its packets to the system".into()),
            Probe::Idle => return refused("an idle scan's SYNs are the zombie's".into()),
            _ => {}
        }
        if packet.is_set() {
            return refused(format!("{} is a set of packets; the scan makes the set: give one packet", packet.names()));
        }
        let layers = packet.layers();
        let ip = layers.iter().take_while(|l| is_network(l.desc()) || l.desc().extension).count();
        if self.kind.probe == Probe::Protocol {
            return match layers.get(ip) {
                Some(more) => {
                    refused(format!("a protocol scan sends each protocol's own; leave out {}", more.desc().name))
                }
                None => check_network(packet),
            };
        }
        match layers.get(ip) {
            Some(layer) if layer.desc() == upper => {}
            Some(other) => {
                let (name, wanted) = (other.desc().name, upper.name);
                return refused(format!("{} sends {wanted}, not {name}: {}", self.kind.function, packet.names()));
            }
            None => return check_network(packet),
        }
        for &field in engines {
            let is_default =
                packet.slot(ip, layers[ip].index(field).unwrap_or(0)) == Packet::new(upper).layers()[0].get(field);
            if !is_default {
                let way = if field == "flags" { "use tcp_scan(flags=..)" } else { "the scan sets it for each port" };
                return refused(format!("{}.{field} is what tells the answers apart: {way}", upper.name));
            }
        }
        check_network(packet)
    }
}

fn is_network(desc: &LayerDesc) -> bool {
    desc == &IP || desc == &IPV6
}

/// The fields of IP that the engine must set itself.
fn check_network(packet: &Packet) -> Result<(), String> {
    let Some(ip) = packet.layers().first().filter(|l| is_network(l.desc())) else { return Ok(()) };
    let own: &[(&str, &str)] = &[
        ("dst", "the targets are the scan's first argument"),
        ("src", "answers would go there, and not come back here"),
        ("proto", "the scan sets it"),
        ("nh", "the scan sets it"),
        ("version", "the answers' family would not fit"),
    ];
    let fresh = Packet::new(ip.desc());
    for (field, why) in own {
        if ip.get(field) != fresh.layers()[0].get(field) {
            return Err(format!("probe: {}.{field}: {why}", ip.desc().name));
        }
    }
    Ok(())
}

/// What differs from probe to probe.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    pub(super) sport: u16,
    /// Theirs; `None` where the packet has it already.
    pub(super) dport: Option<u16>,
    /// TCP's sequence and acknowledgment number, SCTP's tag.
    pub(super) number: u32,
    /// IPv4's identification.
    pub(super) id: u16,
}

/// A probe to one host, all but its [`Numbers`].
#[derive(Clone, Debug)]
pub(super) struct Template {
    bytes: Vec<u8>,
    /// Where the transport header begins.
    upper: usize,
    /// The IP protocol of the transport header; 0 when nothing is written there.
    proto: u8,
    /// What the user has set, and is left.
    keep: Keep,
    /// Where SCTP's tag stands, from the transport header on.
    tag: usize,
    /// The probe carries a payload of the user's.
    pub(super) has_payload: bool,
}

#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a field of the packet that is set or not")]
struct Keep {
    id: bool,
    total_len: bool,
    ip_sum: bool,
    upper_len: bool,
    upper_sum: bool,
    sport: Option<u16>,
    seq: Option<u32>,
    ack: Option<u32>,
}

impl Template {
    /// The probe of a kind to `target`; `port` counts for protocol scans alone.
    pub(super) fn new(
        chosen: Chosen,
        target: &Target,
        port: u16,
        user: Option<&Packet>,
        around: &dyn Surroundings,
    ) -> Result<Self, PacketError> {
        let upper = match chosen.kind.probe {
            Probe::Protocol => protocol_probe(port, target.addr.is_ipv6())?,
            Probe::Udp => layer(&UDP, &[])?,
            Probe::SctpInit => sctp_init(0)?,
            Probe::SctpCookie => {
                layer(&SCTP, &[])?.stack(&layer(&COOKIE_ECHO, &[("cookie", Value::bytes(b"nobody's"))])?)
            }
            _ => layer(&TCP, &[("flags", Value::Int(chosen.tcp_flags()))])?,
        };
        let protocol = (chosen.kind.probe == Probe::Protocol).then_some(port);
        let (packet, at) = join(&upper, user, target)?;
        Self::build(packet, at, chosen.tcp_flags(), protocol, around)
    }

    /// A packet of the host discovery.
    pub(super) fn plain(upper: &Packet, target: &Target, around: &dyn Surroundings) -> Result<Self, PacketError> {
        let (packet, at) = join(upper, None, target)?;
        let flags = packet.layers().get(at).and_then(|layer| layer.int("flags")).unwrap_or(0);
        Self::build(packet, at, flags, None, around)
    }

    /// Builds `packet`, whose transport header is layer `at`: with these TCP flags, or as a bare `protocol`.
    fn build(
        mut packet: Packet,
        at: usize,
        flags: u64,
        protocol: Option<u16>,
        around: &dyn Surroundings,
    ) -> Result<Self, PacketError> {
        let transport = packet.layers().get(at).map(Layer::desc);
        if let Some(protocol) = protocol.filter(|_| transport.is_none()) {
            let field = if packet.layers()[0].desc() == &IPV6 { "nh" } else { "proto" };
            set(&mut packet, at - 1, field, Value::Int(protocol.into()))?;
        }
        if transport == Some(&TCP) {
            set(&mut packet, at, "flags", Value::Int(flags))?;
        }
        let keep = Keep::of(&packet, at);
        // A source port that is set keeps the build from drawing one for each host.
        if keep.sport.is_none() && transport.is_some_and(|desc| desc.has_field("sport")) {
            set(&mut packet, at, "sport", Value::Int(1))?;
        }
        let has_payload = packet.layers().len() > at + 1;
        let built = packet.build(around)?;
        let start = built.to_packet().layers().get(at).and_then(Layer::range).map_or(built.bytes.len(), |r| r.1);
        let proto = match transport {
            Some(desc) if desc == &TCP => 6,
            Some(desc) if desc == &UDP => 17,
            Some(desc) if desc == &SCTP => 132,
            _ => 0,
        };
        // An INIT's own header has no tag yet (RFC 9260 section 8.5.1): the one that it hands out is the number.
        let is_init = proto == 132 && built.bytes.get(start + 12) == Some(&1);
        Ok(Self { bytes: built.bytes, upper: start, proto, keep, tag: if is_init { 16 } else { 4 }, has_payload })
    }

    /// The same packet with this source address, whosever it is. The checksums follow when it is written.
    pub(super) fn in_the_name_of(mut self, from: IpAddr) -> Self {
        match (from, self.bytes.first().map_or(0, |first| first >> 4)) {
            (IpAddr::V4(addr), 4) => self.bytes[12..16].copy_from_slice(&addr.octets()),
            (IpAddr::V6(addr), 6) => self.bytes[8..24].copy_from_slice(&addr.octets()),
            _ => {}
        }
        self
    }

    /// The source port that the user has set.
    pub(super) fn own_port(&self) -> Option<u16> {
        self.keep.sport
    }

    /// The numbers that answers refer to: the sequence number or tag, the acknowledgment number, and the length of
    /// the sequence space that the probe takes.
    pub(super) fn expected(&self, numbers: &Numbers) -> Expected {
        let flags = self.flags();
        let payload = (self.bytes.len() - self.upper).saturating_sub(self.header_len());
        Expected {
            seq: self.keep.seq.unwrap_or(numbers.number),
            ack: self.keep.ack.unwrap_or(if flags & ACK != 0 { numbers.number } else { 0 }),
            len: payload as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0),
        }
    }

    fn flags(&self) -> u64 {
        match self.bytes.get(self.upper + 12..self.upper + 14) {
            Some(&[a, b]) if self.proto == 6 => u64::from(a & 1) << 8 | u64::from(b),
            _ => 0,
        }
    }

    fn header_len(&self) -> usize {
        self.bytes.get(self.upper + 12).map_or(0, |offset| usize::from(offset >> 4) * 4)
    }

    /// Appends the probe with these numbers, and with `payload` behind its header, to `out`.
    pub(super) fn write(&self, numbers: &Numbers, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(payload);
        let packet = &mut out[start..];
        self.patch_upper(&mut packet[self.upper..], numbers);
        self.patch_network(packet, numbers, payload.len());
        self.sum_upper(packet);
    }

    fn patch_upper(&self, upper: &mut [u8], numbers: &Numbers) {
        if self.proto == 0 || upper.len() < 8 {
            return;
        }
        let sport = self.keep.sport.unwrap_or(numbers.sport);
        upper[..2].copy_from_slice(&sport.to_be_bytes());
        if let Some(dport) = numbers.dport {
            upper[2..4].copy_from_slice(&dport.to_be_bytes());
        }
        match self.proto {
            6 if upper.len() >= 20 => {
                let expected = self.expected(numbers);
                upper[4..8].copy_from_slice(&expected.seq.to_be_bytes());
                upper[8..12].copy_from_slice(&expected.ack.to_be_bytes());
            }
            17 if !self.keep.upper_len => {
                let len = u16::try_from(upper.len()).unwrap_or(u16::MAX);
                upper[4..6].copy_from_slice(&len.to_be_bytes());
            }
            132 if upper.len() >= self.tag + 4 => {
                upper[self.tag..self.tag + 4].copy_from_slice(&numbers.number.to_be_bytes());
            }
            _ => {}
        }
    }

    fn patch_network(&self, packet: &mut [u8], numbers: &Numbers, payload: usize) {
        if packet[0] >> 4 == 6 {
            if !self.keep.total_len && payload > 0 {
                let len = u16::try_from(packet.len() - 40).unwrap_or(u16::MAX);
                packet[4..6].copy_from_slice(&len.to_be_bytes());
            }
            return;
        }
        if !self.keep.total_len && payload > 0 {
            let len = u16::try_from(packet.len()).unwrap_or(u16::MAX);
            packet[2..4].copy_from_slice(&len.to_be_bytes());
        }
        if !self.keep.id {
            packet[4..6].copy_from_slice(&numbers.id.to_be_bytes());
        }
        if !self.keep.ip_sum {
            let header = (usize::from(packet[0] & 0x0f) * 4).clamp(20, packet.len());
            packet[10..12].fill(0);
            let sum = checksum(&packet[..header]);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
    }

    /// The transport checksum (RFC 9293 section 3.1, RFC 768, RFC 9260 appendix A).
    fn sum_upper(&self, packet: &mut [u8]) {
        let (network, upper) = packet.split_at_mut(self.upper);
        let at = match self.proto {
            6 => 16,
            17 => 6,
            132 => 8,
            _ => return,
        };
        if self.keep.upper_sum || upper.len() < at + 4 - 2 * usize::from(self.proto != 132) {
            return;
        }
        if self.proto == 132 {
            upper[8..12].fill(0);
            let sum = crc32c(upper);
            upper[8..12].copy_from_slice(&sum.to_le_bytes());
            return;
        }
        upper[at..at + 2].fill(0);
        let ends = if network[0] >> 4 == 6 { &network[8..40] } else { &network[12..20] };
        let len = (upper.len() as u32).to_be_bytes();
        let sum = Sum::default().add(ends).add(&[0, self.proto]).add(&len).add(upper).finish();
        let sum = if sum == 0 && self.proto == 17 { 0xffff } else { sum };
        upper[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The numbers that an answer to a TCP probe refers to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) seq: u32,
    pub(super) ack: u32,
    /// How far the probe moves the sequence: SYN, FIN and each byte count one.
    pub(super) len: u32,
}

impl Keep {
    fn of(packet: &Packet, at: usize) -> Self {
        let value = |layer: usize, field: &str| {
            let layer = packet.layers().get(layer)?;
            let is_set = layer.set_slots().is_some_and(|slots| {
                layer.index(field).is_some_and(|i| slots.iter().any(|(at, _)| usize::from(*at) == i))
            });
            match layer.get(field)? {
                Slot::Set(value) if is_set => Some(value.int().unwrap_or(0)),
                _ => None,
            }
        };
        let has = |layer, field| value(layer, field).is_some();
        Self {
            id: has(0, "id"),
            total_len: has(0, "len") || has(0, "plen"),
            ip_sum: has(0, "chksum"),
            upper_len: has(at, "len"),
            upper_sum: has(at, "chksum"),
            sport: value(at, "sport").map(|n| n as u16),
            seq: value(at, "seq").map(|n| n as u32),
            ack: value(at, "ack").map(|n| n as u32),
        }
    }
}

/// The user's packet, or `upper` behind a network header, to `target`; and the place of its transport header.
fn join(upper: &Packet, user: Option<&Packet>, target: &Target) -> Result<(Packet, usize), PacketError> {
    let network = if target.addr.is_ipv6() { &IPV6 } else { &IP };
    let users = user.map_or(&[][..], Packet::layers);
    let below = users.iter().take_while(|layer| is_network(layer.desc()) || layer.desc().extension).count();
    let (below, above) = users.split_at(below);
    // A header of IPv4 is not for IPv6 targets, and the other way round.
    let is_fit = below.first().is_some_and(|layer| layer.desc() == network);
    let packet = if is_fit { Packet::from_layers(below.to_vec()) } else { Packet::new(network) };
    let at = packet.layers().len();
    let above = if above.is_empty() { upper.clone() } else { Packet::from_layers(above.to_vec()) };
    let mut packet = packet.stack(&above);
    set(&mut packet, 0, "dst", address(target))?;
    Ok((packet, at))
}

fn address(target: &Target) -> Value {
    match target.addr {
        IpAddr::V4(addr) => Value::Ip4(addr),
        IpAddr::V6(addr) => Value::Ip6(addr, target.zone.clone()),
    }
}

fn set(packet: &mut Packet, at: usize, field: &str, value: Value) -> Result<(), PacketError> {
    packet.set(at, field, &Wanted::Value(value))
}

/// A layer with these fields.
pub(super) fn layer(desc: &'static LayerDesc, fields: &[(&str, Value)]) -> Result<Packet, PacketError> {
    let mut packet = Packet::new(desc);
    for (field, value) in fields {
        set(&mut packet, 0, field, value.clone())?;
    }
    Ok(packet)
}

/// SCTP's INIT (RFC 9260 section 3.3.2), with streams and a window as an ordinary host offers them.
fn sctp_init(dport: u64) -> Result<Packet, PacketError> {
    let ends = [("dport", Value::Int(dport))];
    let init = [
        ("a_rwnd", Value::Int(32_768)),
        ("n_out_streams", Value::Int(10)),
        ("n_in_streams", Value::Int(2048)),
        ("init_tsn", Value::Int(1)),
    ];
    Ok(layer(&SCTP, &ends)?.stack(&layer(&INIT, &init)?))
}

/// The port that an IP protocol scan's datagram goes to: one that nobody listens at, so that the host says so.
const NOBODYS_PORT: u64 = 40_125;

/// What a host that speaks an IP protocol should answer; an empty body for the protocols that have no such thing.
fn protocol_probe(protocol: u16, is_v6: bool) -> Result<Packet, PacketError> {
    let port = |port| ("dport", Value::Int(port));
    match (protocol, is_v6) {
        (1, false) => layer(&ICMP, &[("id", Value::Int(1))]),
        (58, true) => layer(&ECHO_REQUEST, &[("id", Value::Int(1))]),
        (2, false) => layer(&IGMP, &[]),
        (6, _) => layer(&TCP, &[port(80), ("flags", Value::Int(ACK))]),
        (17, _) => layer(&UDP, &[port(NOBODYS_PORT)]),
        (132, _) => sctp_init(80),
        _ => Ok(Packet::from_layers(Vec::new())),
    }
}
