//! The packet filter in front of a host: ordered rules, the first that fits decides.

use std::fmt;

use etherparse::{icmpv4, icmpv6};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::datagram::Transport;
use super::error::Why;
use super::limit::Limiter;
use super::plan::{Limit, Ports};
use super::track::State;
use crate::base::Time;

/// The rules, and what happens to a packet that none fits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// For what no rule fits.
    pub default: Action,
    /// In the order in which they are asked.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Whether a bare ACK may begin a connection for [`Rule::state`]: `nf_conntrack_tcp_loose`, which Linux has on.
    #[serde(default = "yes")]
    pub loose: bool,
}

/// One rule. A packet fits when it fits every key that the rule has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens to a packet that fits.
    pub action: Action,
    /// The traffic that it is for.
    #[serde(default)]
    pub traffic: Traffic,
    /// The destination ports that it is for, as `"22,80-90"`; all when there are none.
    #[serde(default)]
    pub ports: Ports,
    /// The TCP flags that it is for, as `"S/SAFR"`; none is any, and all else than TCP.
    pub flags: Option<Flags>,
    /// What the packet is to the connections that the host remembers, any of these; none is any, and no memory.
    #[serde(default)]
    pub state: Vec<State>,
    /// How often it fits: once the tokens are gone, a packet is left to the next rules (`limit rate` of nftables).
    pub limit: Option<Limit>,
}

/// What a filter does to a packet; the words are those of nftables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Lets it through.
    Accept,
    /// Rejects it with ICMP 3/13 or `ICMPv6` 1/1, communication administratively prohibited (RFC 1812 section 5.2.7.1,
    /// RFC 4443 section 3.1).
    AdminProhibited,
    /// Says nothing.
    Drop,
    /// Rejects it with ICMP 3/10 or `ICMPv6` 1/1, the host is administratively prohibited (RFC 1122 section 3.2.2.1).
    HostProhibited,
    /// Rejects it with ICMP 3/1 or `ICMPv6` 1/3, as a router does that finds nobody.
    HostUnreachable,
    /// Rejects it with ICMP 3/9 or `ICMPv6` 1/1, the network is administratively prohibited (RFC 1122 section 3.2.2.1).
    NetProhibited,
    /// Rejects it with ICMP 3/0 or `ICMPv6` 1/0, as a router does that knows no way.
    NetUnreachable,
    /// Rejects it with ICMP 3/3 or `ICMPv6` 1/4, as a host without a listener does.
    PortUnreachable,
    /// Rejects it with ICMP 3/2, as a host that does not speak the protocol; with `ICMPv6` 4/1 where that says the same.
    ProtocolUnreachable,
    /// Rejects TCP with a reset, as a closed port does; drops the rest.
    TcpReset,
}

impl Action {
    /// The ICMP error with which it rejects, if it does.
    pub(super) fn why(self) -> Option<Why> {
        match self {
            Self::Accept | Self::Drop | Self::TcpReset => None,
            Self::AdminProhibited => Some(Why::Prohibited),
            Self::HostProhibited => Some(Why::HostProhibited),
            Self::HostUnreachable => Some(Why::NobodyThere),
            Self::NetProhibited => Some(Why::NetProhibited),
            Self::NetUnreachable => Some(Why::NoRoute),
            Self::PortUnreachable => Some(Why::Port),
            Self::ProtocolUnreachable => Some(Why::Protocol),
        }
    }
}

/// The traffic that a rule is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Traffic {
    /// Everything.
    #[default]
    Any,
    /// Echo requests of either ICMP.
    Echo,
    /// SCTP packets.
    Sctp,
    /// TCP segments.
    Tcp,
    /// UDP datagrams.
    Udp,
}

/// TCP flags as packet filters of BSD write them (`flags` in pf.conf(5)): which are set, a slash, and which are looked
/// at. `S/SAFR` is a SYN that no other flag of the four is set beside, `A/A` is any segment with ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    set: u8,
    mask: u8,
}

impl Flags {
    /// The letters, each with its bit, in the order in which they are written.
    const LETTERS: [(char, u8); 8] =
        [('S', 0x02), ('A', 0x10), ('F', 0x01), ('R', 0x04), ('P', 0x08), ('U', 0x20), ('E', 0x40), ('C', 0x80)];

    /// Whether segments with these flags fit.
    pub fn fit(self, flags: u8) -> bool {
        flags & self.mask == self.set
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wanted = "flags are written as \"S/SAFR\": those that are set, and those that are looked at";
        let (set, mask) = text.split_once('/').ok_or_else(|| format!("{text:?} has no slash; {wanted}"))?;
        let bits = |letters: &str| {
            letters.chars().try_fold(0, |bits, letter| match Self::LETTERS.iter().find(|(known, _)| *known == letter) {
                Some((_, bit)) => Ok(bits | bit),
                None => Err(format!("{letter:?} is no TCP flag, which are S A F R P U E C; {wanted}")),
            })
        };
        let (set, mask): (u8, u8) = (bits(set)?, bits(mask)?);
        match (set & !mask, mask) {
            (_, 0) => Err(format!("{text:?} looks at no flag; {wanted}")),
            (0, _) => Ok(Self { set, mask }),
            _ => Err(format!("{text:?} fits nothing: a flag is set that is not looked at; {wanted}")),
        }
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = |bits: u8| Self::LETTERS.iter().filter(move |(_, bit)| bits & bit != 0);
        let text = |bits| there(bits).map(|(letter, _)| letter).collect::<String>();
        write!(f, "{}/{}", text(self.set), text(self.mask))
    }
}

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(input)?).map_err(D::Error::custom)
    }
}

/// A filter at work: its rules, and the tokens of those with a limit.
pub(super) struct Gate {
    filter: Filter,
    buckets: Vec<Option<Limiter>>,
}

impl Gate {
    pub(super) fn new(filter: Filter) -> Self {
        let buckets = filter.rules.iter().map(|rule| rule.limit.map(Limiter::new)).collect();
        Self { filter, buckets }
    }

    /// Whether it asks what a packet is to the connections before it.
    pub(super) fn needs_state(&self) -> bool {
        self.filter.rules.iter().any(|rule| !rule.state.is_empty())
    }

    pub(super) fn is_loose(&self) -> bool {
        self.filter.loose
    }

    /// What to do with a packet; `state` is what it is to the connections, where that is known.
    pub(super) fn decide(&mut self, packet: &Transport<'_>, state: Option<State>, now: Time) -> Action {
        let packet = Packet::of(packet, state);
        let mut rules = self.filter.rules.iter().zip(&mut self.buckets);
        let fits = |(rule, bucket): &mut (&Rule, &mut Option<Limiter>)| {
            packet.fits(rule) && bucket.as_mut().is_none_or(|bucket| bucket.allows(now))
        };
        rules.find_map(|mut both| fits(&mut both).then_some(both.0.action)).unwrap_or(self.filter.default)
    }
}

/// What rules look at.
struct Packet {
    traffic: Traffic,
    port: Option<u16>,
    flags: Option<u8>,
    state: Option<State>,
}

impl Packet {
    fn of(packet: &Transport<'_>, state: Option<State>) -> Self {
        let (traffic, port, flags) = match packet {
            Transport::Icmpv4(icmp) if icmp.type_u8() == icmpv4::TYPE_ECHO_REQUEST => (Traffic::Echo, None, None),
            Transport::Icmpv6(icmp) if icmp.type_u8() == icmpv6::TYPE_ECHO_REQUEST => (Traffic::Echo, None, None),
            Transport::Tcp(tcp) => (Traffic::Tcp, Some(tcp.destination_port()), Some(tcp.header_slice()[13])),
            Transport::Udp(udp) => (Traffic::Udp, Some(udp.destination_port()), None),
            Transport::Sctp(port) => (Traffic::Sctp, Some(*port), None),
            _ => (Traffic::Any, None, None),
        };
        Self { traffic, port, flags, state }
    }

    fn fits(&self, rule: &Rule) -> bool {
        (rule.traffic == Traffic::Any || rule.traffic == self.traffic)
            && (rule.ports.is_empty() || self.port.is_some_and(|port| rule.ports.contains(port)))
            && rule.flags.is_none_or(|wanted| self.flags.is_some_and(|flags| wanted.fit(flags)))
            && (rule.state.is_empty() || self.state.is_some_and(|state| rule.state.contains(&state)))
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]
    use super::*;

    #[test]
    fn flags_are_read_as_packet_filters_write_them() {
        // What is written; segments that fit and others.
        let rows = [
            ("S/SAFR", [0x02, 0xc2, 0x2a], [0x12, 0x03, 0x06]),
            ("A/A", [0x10, 0x12, 0x14], [0x02, 0x00, 0x29]),
            ("/FSRA", [0x00, 0x28, 0xc0], [0x01, 0x02, 0x10]),
            ("FPU/FSRPAU", [0x29, 0x69, 0xe9], [0x01, 0x2b, 0x39]),
        ];
        for (text, fits, others) in rows {
            let flags = Flags::parse(text).unwrap();
            assert!(fits.into_iter().all(|bits| flags.fit(bits)), "{text}");
            assert!(!others.into_iter().any(|bits| flags.fit(bits)), "{text}");
            assert_eq!(Flags::parse(&flags.to_string()).unwrap(), flags);
        }
    }
}
