//! The packet filter in front of a host: ordered rules, the first that fits decides.

use etherparse::{icmpv4, icmpv6};
use serde::{Deserialize, Serialize};

use super::datagram::Transport;
use super::plan::Ports;

/// The rules, and what happens to a packet that none fits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// For what no rule fits.
    pub default: Action,
    /// In the order in which they are asked.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One rule.
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
    /// Rejects it with ICMP 3/3 or `ICMPv6` 1/4, as a host without a listener does.
    PortUnreachable,
    /// Rejects TCP with a reset, as a closed port does; drops the rest.
    TcpReset,
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
    /// TCP segments.
    Tcp,
    /// UDP datagrams.
    Udp,
}

impl Filter {
    /// What to do with a packet.
    pub(super) fn decide(&self, packet: &Transport<'_>) -> Action {
        let (traffic, port) = match packet {
            Transport::Icmpv4(icmp) if icmp.type_u8() == icmpv4::TYPE_ECHO_REQUEST => (Traffic::Echo, None),
            Transport::Icmpv6(icmp) if icmp.type_u8() == icmpv6::TYPE_ECHO_REQUEST => (Traffic::Echo, None),
            Transport::Icmpv4(_) | Transport::Icmpv6(_) | Transport::Other => (Traffic::Any, None),
            Transport::Tcp(tcp) => (Traffic::Tcp, Some(tcp.destination_port())),
            Transport::Udp(udp) => (Traffic::Udp, Some(udp.destination_port())),
        };
        let fits = |rule: &&Rule| {
            (rule.traffic == Traffic::Any || rule.traffic == traffic)
                && (rule.ports.is_empty() || port.is_some_and(|port| rule.ports.contains(port)))
        };
        self.rules.iter().find(fits).map_or(self.default, |rule| rule.action)
    }
}
