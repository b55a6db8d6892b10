//! A plan as people read it: one row for each host, or everything about one.

use std::fmt::Write;
use std::net::IpAddr;

use serde::Serialize;

use super::{HostSpec, Known, Limit, Opening, Plan, Ports, TcpService, UdpService, net};
use crate::base::nearest::did_you_mean;
use crate::lab::faults::Faults;
use crate::lab::filter::{Filter, Rule};
use crate::lab::nets::{Net, Nic};
use crate::net::NetError;

const LINK_LOCAL: &str = "link-local";

/// A host in the list of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRow {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addrs: Vec<IpAddr>,
    /// One sentence on what can be learned from it.
    pub about: String,
}

impl Plan {
    /// All hosts, in the order of the plan after `you.lab`; one with several names has a row for each.
    pub fn list(&self) -> Vec<HostRow> {
        let row =
            |known: Known<'_>| HostRow { name: known.name.into(), addrs: known.addrs(), about: known.about.into() };
        self.names().map(row).collect()
    }

    /// Everything about one host, in lines. [`NetError::UnknownName`] when there is none of that name.
    pub fn show(&self, name: &str) -> Result<String, NetError> {
        let host = self.find(name).ok_or_else(|| self.unknown(name))?;
        let mut text = format!("{}\n{}\n", host.name, host.about);
        for (key, value) in self.lines(host) {
            let _ = write!(text, "\n  {key:<12}{value}");
        }
        Ok(text)
    }

    /// The error for a name that no host has.
    pub(in crate::lab) fn unknown(&self, name: &str) -> NetError {
        let hint = format!(
            "no host of the laboratory has that name{}",
            did_you_mean(name, self.names().map(|known| known.name))
        );
        NetError::UnknownName { name: name.escape_debug().to_string(), hint }
    }

    fn lines(&self, host: &HostSpec) -> Vec<(&'static str, String)> {
        let nics = self.nics(host);
        let mut lines: Vec<_> = nics.iter().flat_map(addresses).collect();
        lines.extend(host.alias.iter().map(|alias| {
            let addrs: Vec<_> = alias.addrs.iter().map(ToString::to_string).collect();
            ("alias", format!("{}  {}", addrs.join(", "), alias.name))
        }));
        lines.retain(|(key, _)| host.ipv6 || *key != LINK_LOCAL);
        lines.extend(host.claims.iter().map(|net| ("claims", format!("{net}, by ARP"))));
        if !host.dns {
            lines.push(("DNS", "no name".to_owned()));
        }
        let (stack, id) = (word(host.personality), word(host.ip_id()));
        lines.push(("stack", format!("{stack}, TTL {}, window {}, IP id {id}", host.ttl(), host.window()[0])));
        if host.busy_per_second > 0 {
            lines.push(("busy", format!("{} IP ids each second are used elsewhere", host.busy_per_second)));
        }
        lines.push(("tcp open", ports(&host.tcp_open(), "none")));
        lines.extend(host.serve.iter().map(|open| ("tcp says", format!("{} {}", open.port, program(&open.service)))));
        let opens = |opening: &Opening| ("tcp opens", format!("{} {}", ports(&opening.ports, ""), later(opening)));
        lines.extend(host.opens.iter().map(opens));
        let udp: Vec<_> = host.udp.iter().map(|u| format!("{} {}", u.port, udp_program(&u.service))).collect();
        lines.push(("udp open", if udp.is_empty() { "none".to_owned() } else { udp.join(", ") }));
        lines.extend(host.sctp.iter().map(|open| ("sctp open", ports(open, "none"))));
        if !host.protocols.is_empty() {
            let numbers: Vec<_> = host.protocols.iter().map(u8::to_string).collect();
            lines.push(("IP takes", format!("protocols {} in silence", numbers.join(", "))));
        }
        lines.extend(host.filter.iter().flat_map(|filter| rules("filter", filter)));
        lines.push(("link", link(&host.link)));
        let nets = nics.iter().filter_map(|nic| self.nets().get(nic.segment));
        lines.extend(nets.filter(|net| net.link != Faults::NONE).map(network));
        if host.forward {
            lines.push(("forwards", "between its networks".to_owned()));
        }
        lines.extend(host.forward_filter.iter().flat_map(|filter| rules("forwards", filter)));
        lines.extend(host.icmp_limit.map(|limit| ("ICMP errors", rate(limit))));
        lines.extend(host.rst_limit.map(|limit| ("TCP resets", rate(limit))));
        lines
    }
}

fn program(service: &TcpService) -> String {
    match service {
        TcpService::Banner(text) => format!("{:?}", text.trim_end()),
        service => word(service),
    }
}

fn udp_program(service: &UdpService) -> String {
    match service.name() {
        Some(name) => format!("{} {name}", variant(service)),
        None => word(service),
    }
}

fn addresses(nic: &Nic) -> Vec<(&'static str, String)> {
    let global = nic.v4.map(IpAddr::V4).into_iter().chain(nic.v6.map(IpAddr::V6));
    let lines = global.map(|addr| ("address", format!("{addr}  {}", nic.mac())));
    lines.chain([(LINK_LOCAL, format!("{}", nic.link_local()))]).collect()
}

/// What a filter says, a line for each rule.
fn rules(key: &'static str, filter: &Filter) -> Vec<(&'static str, String)> {
    let rules = filter.rules.iter().map(|rule| (key, said(rule)));
    let strict = (!filter.loose).then(|| (key, "a bare ACK begins no connection".to_owned()));
    rules.chain([(key, format!("{} the rest", word(filter.default)))]).chain(strict).collect()
}

/// `accept tcp 22, 80 flags S/SAFR state new`.
fn said(rule: &Rule) -> String {
    let mut text = format!("{} {} {}", word(rule.action), word(rule.traffic), ports(&rule.ports, ""));
    text.truncate(text.trim_end().len());
    if let Some(flags) = rule.flags {
        let _ = write!(text, " flags {flags}");
    }
    if !rule.state.is_empty() {
        let states: Vec<_> = rule.state.iter().map(word).collect();
        let _ = write!(text, " state {}", states.join(", "));
    }
    if let Some(limit) = rule.limit {
        let _ = write!(text, ", {}", rate(limit));
    }
    text
}

fn later(opening: &Opening) -> String {
    format!("{} s after the first TCP segment", opening.after_s)
}

fn rate(limit: Limit) -> String {
    match limit {
        Limit { burst: 0, .. } => "none".to_owned(),
        Limit { burst, per_second } => format!("{burst} at once, then {per_second} each second"),
    }
}

fn network(network: &Net) -> (&'static str, String) {
    let prefixes: Vec<_> = network.v4.iter().chain(&network.v6).map(net::text).collect();
    ("network", format!("{}: {}", prefixes.join(", "), link(&network.link)))
}

fn link(link: &Faults) -> String {
    let mut text = format!("{} ms each way", f64::from(link.delay_us) / 1000.0);
    if link.jitter_us > 0 {
        let _ = write!(text, ", up to {} ms more", f64::from(link.jitter_us) / 1000.0);
    }
    for (name, chance) in [("lost", link.loss), ("doubled", link.duplicate), ("reordered", link.reorder)] {
        if chance > 0.0 {
            let _ = write!(text, ", {}% {name}", chance * 100.0);
        }
    }
    if let Some(limit) = link.rate {
        let _ = write!(text, ", {}", rate(limit));
    }
    text
}

/// `22, 80-90`, with runs joined.
fn ports(ports: &Ports, none: &str) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for &port in &ports.0 {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => runs.push((port, port)),
        }
    }
    if runs.is_empty() {
        return none.to_owned();
    }
    let run = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

/// The word of a value that is written with more behind it.
fn variant(value: impl Serialize) -> String {
    let table = toml::Value::try_from(value).ok().and_then(|value| value.as_table()?.keys().next().cloned());
    table.unwrap_or_default()
}

/// The word that stands for `value` in a plan.
fn word(value: impl Serialize) -> String {
    toml::Value::try_from(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
