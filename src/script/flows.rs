//! Who speaks with whom: the two ends of a packet, for `sessions` and `conversations`.

use std::fmt;

use crate::layers::arp::ARP;
use crate::packet::{Layer, Packet, Slot};

/// Protocols that have a layer for each message.
const FAMILIES: &[&str] = &["ICMPv6"];

/// The ends of a packet: what it is, from whom, to whom; with ports where there are any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    pub(super) proto: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl Flow {
    /// The same for both directions.
    pub(super) fn both_ways(self) -> Self {
        if self.from <= self.to { self } else { Self { from: self.to, to: self.from, ..self } }
    }
}

/// As Scapy names a session.
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} > {}", self.proto, self.from, self.to)
    }
}

/// The ends of a packet: of its innermost network layer, and the ports above that.
pub(super) fn flow(packet: &Packet) -> Flow {
    let layers = packet.own_layers();
    let network = layers.iter().rposition(|l| l.desc().ends.is_some());
    let Some(at) = network else {
        let name = layers.first().map_or("nothing", |l| l.desc().name).to_owned();
        return Flow { proto: name, from: text(layers.first(), "src"), to: text(layers.first(), "dst") };
    };
    let (src, dst) = layers[at].desc().ends.unwrap_or_default();
    let (from, to) = (text(layers.get(at), src), text(layers.get(at), dst));
    if layers[at].desc() == &ARP {
        return Flow { proto: "ARP".into(), from, to };
    }
    let upper = layers[at + 1..].iter().find(|l| !l.desc().extension);
    let name = upper.unwrap_or(&layers[at]).desc().name;
    let proto = FAMILIES.iter().find(|family| name.starts_with(*family)).unwrap_or(&name).to_string();
    let Some((sport, dport)) = upper.and_then(|l| l.desc().pairs.swap.first()) else { return Flow { proto, from, to } };
    Flow { proto, from: with_port(&from, &text(upper, sport)), to: with_port(&to, &text(upper, dport)) }
}

fn text(layer: Option<&Layer>, field: &str) -> String {
    match layer.and_then(|l| l.get(field)) {
        Some(Slot::Set(value)) => value.to_string().trim_matches('"').to_owned(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// `192.0.2.10:80`, `[2001:db8::10]:80`.
fn with_port(addr: &str, port: &str) -> String {
    if addr.contains(':') { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
}
