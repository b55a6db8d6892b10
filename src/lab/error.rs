//! The ICMP errors of a host, in both families: which, to what, and how long.

use std::net::IpAddr;
use std::time::Duration;

use etherparse::icmpv4::{DestUnreachableHeader, TimeExceededCode};
use etherparse::icmpv6::{self, DestUnreachableCode, ParameterProblemCode, ParameterProblemHeader};
use etherparse::{Icmpv4Header, Icmpv4Type, Icmpv6Type, Ipv4Header, Ipv6Header, ip_number};

use super::answer::Packet;
use super::chain::{Parameter, Problem};
use super::datagram::Datagram;
use super::host::Host;
use super::out::Scene;

/// An ICMP error is at most this long, its headers included (RFC 1812 section 4.3.2.3).
const LONGEST: usize = 576;

/// The same for `ICMPv6`: the smallest MTU of a link (RFC 4443 section 2.4, c).
const LONGEST6: usize = 1280;

/// Length of the header of either ICMP, in bytes.
const ICMP: usize = 8;

/// Why a packet is not taken or not sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It came from an address that has no meaning where it would go.
    BeyondScope,
    /// It has made too many hops.
    Expired,
    /// A filter does not want it for that host.
    HostProhibited,
    /// A filter does not want it for that network.
    NetProhibited,
    /// Nobody has its address.
    NobodyThere,
    /// No network has its address.
    NoRoute,
    /// One of its headers is wrong.
    Parameter(Parameter),
    /// Nothing listens at its port.
    Port,
    /// A filter does not want it.
    Prohibited,
    /// It carries a protocol that the host does not speak.
    Protocol,
}

impl Why {
    /// RFC 792, RFC 1812. What IPv4 has no word for is said by nothing.
    fn icmpv4(self) -> Option<Icmpv4Type> {
        Some(Icmpv4Type::DestinationUnreachable(match self {
            Self::BeyondScope | Self::Parameter(_) => return None,
            Self::Expired => return Some(Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit)),
            Self::HostProhibited => DestUnreachableHeader::HostProhibited,
            Self::NetProhibited => DestUnreachableHeader::NetworkProhibited,
            Self::NobodyThere => DestUnreachableHeader::Host,
            Self::NoRoute => DestUnreachableHeader::Network,
            Self::Port => DestUnreachableHeader::Port,
            Self::Prohibited => DestUnreachableHeader::FilterProhibited,
            Self::Protocol => DestUnreachableHeader::Protocol,
        }))
    }

    /// RFC 4443 section 3. `named_at` is where the packet names what it carries.
    fn icmpv6(self, named_at: usize) -> Icmpv6Type {
        let parameter = |code, pointer: usize| {
            Icmpv6Type::ParameterProblem(ParameterProblemHeader { code, pointer: pointer as u32 })
        };
        Icmpv6Type::DestinationUnreachable(match self {
            Self::BeyondScope => DestUnreachableCode::BeyondScope,
            Self::Expired => return Icmpv6Type::TimeExceeded(icmpv6::TimeExceededCode::HopLimitExceeded),
            Self::NobodyThere => DestUnreachableCode::Address,
            Self::NoRoute => DestUnreachableCode::NoRoute,
            Self::Parameter(wrong) => return parameter(wrong.code, wrong.pointer),
            Self::Port => DestUnreachableCode::Port,
            Self::HostProhibited | Self::NetProhibited | Self::Prohibited => DestUnreachableCode::Prohibited,
            Self::Protocol => return parameter(ParameterProblemCode::UnrecognizedNextHeader, named_at),
        })
    }

    /// Whether `datagram` may be answered by an error: RFC 1122 section 3.2.2, RFC 4443 section 2.4, e.
    fn may_answer(self, datagram: &Datagram<'_>) -> bool {
        let even_to_groups = matches!(self, Self::Parameter(Parameter { even_to_groups: true, .. }));
        let is_to_one = !datagram.is_to_many() || even_to_groups;
        let is_from_one = !datagram.src.is_unspecified();
        // What is not told by a later fragment is no error; in IPv4 it is answered by none all the same.
        let is_ipv4 = datagram.src.is_ipv4();
        let is_error = datagram.carried.as_ref().map_or(is_ipv4, |carried| carried.is_error(!is_ipv4));
        is_to_one && is_from_one && !is_error
    }
}

impl Host {
    /// An ICMP error that quotes `datagram`, unless it may not be answered by one or the limit is reached.
    pub(super) fn error(&mut self, datagram: &Datagram<'_>, why: Why, scene: &mut Scene<'_>) {
        self.error_after(Duration::ZERO, datagram, why, scene);
    }

    /// The same, some time later.
    pub(super) fn error_after(&mut self, hold: Duration, datagram: &Datagram<'_>, why: Why, scene: &mut Scene<'_>) {
        if !why.may_answer(datagram) || self.errors.as_mut().is_some_and(|errors| !errors.allows(scene.now)) {
            return;
        }
        let (bytes, manners) = (datagram.bytes, self.spec.stack().icmp);
        let quote = |longest: usize, header: usize| &bytes[..bytes.len().min(longest - header - ICMP)];
        match (self.voice(datagram), datagram.src) {
            (Some(IpAddr::V4(src)), IpAddr::V4(dst)) => {
                // Stacks differ in how much they quote of what the packet carries, which lies at its end.
                let payload = datagram.carried.as_ref().map_or(0, |carried| carried.payload.len());
                let most = (bytes.len() - payload).saturating_add(manners.quote);
                let quote = quote(LONGEST, Ipv4Header::MIN_LEN);
                let (Some(kind), quote) = (why.icmpv4(), &quote[..quote.len().min(most)]) else { return };
                let header = Icmpv4Header::with_checksum(kind, quote).to_bytes();
                let packet = Packet::new(src.into(), dst.into(), ip_number::ICMP, &header, quote);
                let (hops, dont_fragment) = (Some(self.icmp_ttl()), false);
                self.send(&Packet { hops, dont_fragment, hold, ..packet }, datagram.segment, scene);
            }
            (Some(IpAddr::V6(src)), IpAddr::V6(dst)) => {
                let named_at = datagram.carried.as_ref().map_or(0, |carried| carried.named_at);
                let (kind, quote) = (why.icmpv6(named_at), quote(LONGEST6, Ipv6Header::LEN));
                let Ok(header) = kind.to_header(src.octets(), dst.octets(), quote) else { return };
                let header = header.to_bytes();
                let packet = Packet::new(src.into(), dst.into(), ip_number::IPV6_ICMP, &header, quote);
                self.send(&Packet { hold, ..packet }, datagram.segment, scene);
            }
            _ => {}
        }
    }

    /// What a host does about a header that it must not pass over.
    pub(super) fn complain(&mut self, datagram: &Datagram<'_>, problem: Problem, scene: &mut Scene<'_>) {
        match problem {
            Problem::Silent => {}
            Problem::Parameter(wrong) => self.error(datagram, Why::Parameter(wrong), scene),
        }
    }

    /// The address with which the host answers `datagram`: the one it was sent to, or one that fits its sender when
    /// that is a group or another host (RFC 4443 section 2.2).
    pub(super) fn voice(&self, datagram: &Datagram<'_>) -> Option<IpAddr> {
        if self.owns(datagram.dst, datagram.segment) {
            return Some(datagram.dst);
        }
        self.source_for(datagram.src, datagram.segment)
    }
}
