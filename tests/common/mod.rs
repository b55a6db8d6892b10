//! Random packets for the tests: drawn from the layers' own tables, the same for the same seed.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use pktsh::base::{Mac, Rng};
use pktsh::layers::{arp, dot1q, ether, icmp, ip, raw, tcp, udp};
use pktsh::packet::field::NameTable;
use pktsh::packet::options::{OptionKind, OptionShape, OptionTable};
use pktsh::packet::{Auto, Field, Layer, LayerDesc, Names, Nowhere, Packet, Preset, Shape, Value, Wanted};

/// How far a random packet may stray.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A packet as it is seen on a wire: what can be computed is computed, and what was built can be read again.
    Straight,
    /// Layers in any order, and wrong values in every field.
    Wild,
}

/// One layer and what was set in it.
pub(crate) struct Spec {
    pub(crate) desc: &'static LayerDesc,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

/// A random packet, as what to set in which layer.
pub(crate) fn specs(rng: &mut Rng, manner: Manner) -> Vec<Spec> {
    let stack = if manner == Manner::Wild && rng.chance(0.4) { any_stack(rng) } else { wire_stack(rng, manner) };
    stack.iter().map(|(desc, fixed)| spec(rng, desc, fixed, manner)).collect()
}

/// The packet that `specs` describe.
pub(crate) fn packet(specs: &[Spec]) -> Packet {
    let layer = |spec: &Spec| {
        let mut packet = Packet::new(spec.desc);
        for (name, value) in &spec.fields {
            packet.set(0, name, &Wanted::Value(value.clone())).expect("the value fits");
        }
        packet
    };
    let (first, rest) = specs.split_first().expect("a packet has a layer");
    rest.iter().fold(layer(first), |packet, upper| packet.stack(&layer(upper)))
}

/// A random packet of `seed`.
pub(crate) fn random(seed: u64, manner: Manner) -> Packet {
    packet(&specs(&mut Rng::new(seed), manner))
}

/// The bytes of a packet, without a network around it.
pub(crate) fn bytes(packet: &Packet) -> Arc<[u8]> {
    packet.bytes(&Nowhere).expect("it can be built").into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    pktsh::base::text::hex(bytes)
}

type Stack = Vec<(&'static LayerDesc, &'static [(&'static str, u64)])>;

fn any_stack(rng: &mut Rng) -> Stack {
    let all: [&'static LayerDesc; 9] =
        [&ether::ETHER, &dot1q::DOT1Q, &arp::ARP, &ip::IP, &icmp::ICMP, &tcp::TCP, &udp::UDP, &raw::RAW, &raw::PADDING];
    let mut stack: Stack = Vec::new();
    for _ in 0..rng.between(1, 5) {
        let next = all[rng.below(9) as usize];
        // Scapy gives Ethernet in Ethernet the type 1, which is no protocol's number.
        let is_twice = next == &ether::ETHER && stack.last().is_some_and(|(below, _)| below.has_field("type"));
        if !is_twice {
            stack.push((next, &[]));
        }
    }
    stack
}

fn wire_stack(rng: &mut Rng, manner: Manner) -> Stack {
    let mut stack: Stack = Vec::new();
    if rng.chance(0.5) {
        stack.push((&ether::ETHER, &[]));
        (0..rng.below(3)).for_each(|_| stack.push((&dot1q::DOT1Q, &[])));
        if rng.chance(0.2) {
            stack.push((&arp::ARP, &[]));
            return stack;
        }
    }
    (0..=u64::from(rng.chance(0.2))).for_each(|_| stack.push((&ip::IP, &[])));
    match rng.below(5) {
        0 => stack.push((&udp::UDP, &[])),
        1 => stack.push((&icmp::ICMP, ASKING)),
        2 => {
            stack.push((&icmp::ICMP, [UNREACHABLE, QUENCH, REDIRECT, EXCEEDED, PROBLEM][rng.below(5) as usize]));
            (0..=u64::from(rng.chance(0.2))).for_each(|_| stack.push((&ip::IP_ERROR, &[])));
            stack.push(match rng.below(3) {
                0 => (&tcp::TCP_ERROR, &[]),
                1 => (&udp::UDP_ERROR, &[]),
                _ => (&icmp::ICMP_ERROR, ASKING),
            });
        }
        _ => stack.push((&tcp::TCP, &[])),
    }
    if rng.chance(0.6) {
        stack.push((&raw::RAW, &[]));
    }
    // What no length covers cannot be told from the packet when it is read again without one.
    if manner == Manner::Wild && rng.chance(0.3) {
        stack.push((&raw::PADDING, &[]));
    }
    stack
}

const ASKING: &[(&str, u64)] = &[("type", 8)];
const UNREACHABLE: &[(&str, u64)] = &[("type", 3)];
const QUENCH: &[(&str, u64)] = &[("type", 4)];
const REDIRECT: &[(&str, u64)] = &[("type", 5)];
const EXCEEDED: &[(&str, u64)] = &[("type", 11)];
const PROBLEM: &[(&str, u64)] = &[("type", 12)];

/// A random layer in which some numbers are given.
pub(crate) fn spec(rng: &mut Rng, desc: &'static LayerDesc, fixed: &[(&'static str, u64)], manner: Manner) -> Spec {
    let mut layer = Layer::new(desc);
    let mut fields = Vec::new();
    for (index, field) in desc.fields.iter().enumerate() {
        if !layer.has(field) {
            continue;
        }
        let value = match fixed.iter().find(|(name, _)| *name == field.name) {
            Some((_, number)) => Some(Value::Int(*number)),
            None => draw(rng, field, manner),
        };
        if let Some(value) = value {
            layer.set(index, &Wanted::Value(value.clone())).expect("the value fits");
            fields.push((field.name, value));
        }
    }
    Spec { desc, fields }
}

/// A value for one field; `None` leaves it to its preset.
fn draw(rng: &mut Rng, field: &Field, manner: Manner) -> Option<Value> {
    let wild = manner == Manner::Wild;
    match field.auto_rule() {
        Some(Auto::WidthOf(_)) => return None,
        Some(rule) if rule.is_computed() && (!wild || rng.chance(0.8)) => return None,
        _ => {}
    }
    // A reader goes by these, so that a wrong one changes what it finds.
    if !wild && ["version", "frag"].contains(&field.name) {
        return None;
    }
    // Scapy's default for these is the time of day.
    if let (true, Shape::Bits(bits)) = (field.name.starts_with("ts_"), field.shape) {
        return Some(Value::Int(rng.below(1 << bits)));
    }
    match field.shape {
        Shape::Bits(_) | Shape::Flags(..) if matches!(field.preset, Preset::Int(_)) && rng.chance(0.3) => None,
        Shape::Flags(bits, _) => {
            Some(Value::Int(rng.below(1 << bits) & if field.name == "flags" && bits == 3 && !wild { 6 } else { !0 }))
        }
        Shape::Bits(bits) => Some(Value::Int(match field.names {
            Names::Table(table) if rng.chance(0.5) => named(rng, table),
            _ => rng.between(0, (1 << bits) - 1),
        })),
        Shape::Ip4 | Shape::ProtocolAddr(_) => Some(address(rng)),
        Shape::Mac | Shape::HardwareAddr(_) => {
            let mut mac = [0; 6];
            rng.fill(&mut mac);
            Some(Value::Mac(Mac(mac)))
        }
        Shape::Bytes => {
            let least = u64::from(!wild);
            let most = if rng.chance(0.1) { 1200 } else { 40 };
            let len = rng.between(least, most) as usize;
            Some(blob(rng, len))
        }
        Shape::Options(_) if rng.chance(0.5) => None,
        Shape::Options(table) => Some(Value::List(options(rng, table, manner).into())),
    }
}

fn named(rng: &mut Rng, table: NameTable) -> u64 {
    table[rng.below(table.len() as u64) as usize].0
}

fn address(rng: &mut Rng) -> Value {
    Value::Ip4(Ipv4Addr::from(rng.next_u64() as u32))
}

fn blob(rng: &mut Rng, len: usize) -> Value {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    Value::bytes(&bytes)
}

/// Some options, 40 bytes at most.
fn options(rng: &mut Rng, table: &OptionTable, manner: Manner) -> Vec<Value> {
    let mut items = Vec::new();
    let mut room = 40;
    for _ in 0..rng.between(1, 5) {
        let kind = &table.0[rng.below(table.0.len() as u64) as usize];
        // The end of the list hides what follows from a reader; a value of bytes has a form that a reader checks.
        if manner == Manner::Straight && (kind.kind == 0 || kind.shape == OptionShape::Bytes) {
            continue;
        }
        let (item, len) = option(rng, kind, manner);
        if len <= room {
            room -= len;
            items.push(item);
        }
    }
    items
}

fn option(rng: &mut Rng, kind: &OptionKind, manner: Manner) -> (Value, usize) {
    let name = Value::text(kind.name);
    let pair = |name: Value, value: Value, len: usize| (Value::List([name, value].into()), len + 2);
    if manner == Manner::Wild && rng.chance(0.1) && kind.shape != OptionShape::Single {
        // By number, with any bytes.
        return pair(Value::Int(kind.kind.into()), blob(rng, 3), 3);
    }
    match kind.shape {
        OptionShape::Single => (name, 1),
        OptionShape::Numbers([]) => (name, 2),
        OptionShape::Numbers(widths) => {
            let mut numbers: Vec<Value> =
                widths.iter().map(|w| Value::Int(rng.between(0, (1 << (8 * w)) - 1))).collect();
            let len = widths.iter().map(|w| usize::from(*w)).sum();
            pair(name, if numbers.len() == 1 { numbers.remove(0) } else { Value::List(numbers.into()) }, len)
        }
        OptionShape::Words => {
            let count = rng.between(1, 4) as usize;
            pair(name, (0..count).map(|_| Value::Int(rng.below(1 << 32))).collect::<Vec<_>>().into_list(), count * 4)
        }
        OptionShape::Route | OptionShape::SourceRoute => {
            let count = rng.between(0, 3) as usize;
            let mut items: Vec<Value> = (0..count).map(|_| address(rng)).collect();
            if rng.chance(0.3) {
                items.insert(0, Value::Int(8));
            }
            pair(name, items.into_list(), count * 4 + 1)
        }
        OptionShape::Bytes => pair(name, blob(rng, 16), 16),
    }
}

trait IntoList {
    fn into_list(self) -> Value;
}

impl IntoList for Vec<Value> {
    fn into_list(self) -> Value {
        Value::List(self.into())
    }
}
