//! Values for the fields of a layer, by its table.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use pktsh::base::{Mac, Rng};
use pktsh::layers::{ALL, dns, ipv6};
use pktsh::packet::bits::mask;
use pktsh::packet::field::NameTable;
use pktsh::packet::options::{Fill, OptionKind, OptionShape, OptionTable};
use pktsh::packet::{Auto, Field, Layer, LayerDesc, Names, Preset, Shape, Value, Wanted, Way};

use super::{Manner, Spec, packet};

/// A random layer below `upper` in which some numbers are given.
pub(crate) fn spec(
    rng: &mut Rng,
    desc: &'static LayerDesc,
    fixed: &[(&'static str, u64)],
    upper: Option<&LayerDesc>,
    manner: Manner,
) -> Spec {
    let mut layer = Layer::new(desc);
    let mut fields = Vec::new();
    for (index, field) in desc.fields.iter().enumerate() {
        if !layer.has(field) {
            continue;
        }
        let value = match fixed.iter().find(|(name, _)| *name == field.name) {
            Some((_, number)) => Some(Value::Int(*number)),
            None if manner == Manner::Straight && is_left(desc, field, upper) => None,
            None => draw(rng, desc, field, manner).or_else(|| harmless(desc, field, manner)),
        };
        if let Some(value) = value {
            layer.set(index, &Wanted::Value(value.clone())).expect("the value fits");
            fields.push((field.name, value));
        }
    }
    Spec { desc, fields }
}

/// Whether a reader goes by a field, so that another value than the preset changes what it finds.
fn is_left(desc: &LayerDesc, field: &Field, upper: Option<&LayerDesc>) -> bool {
    let is_asked = upper.is_some_and(|upper| upper.number_over(desc, field.name).is_some());
    let is_kind = field.name == "type" && matches!(field.preset, Preset::Int(_)) && field.names_a_kind();
    let is_length = field.name == "len" && matches!(field.preset, Preset::Int(_));
    let is_fragment = desc == &ipv6::FRAGMENT && ["offset", "m"].contains(&field.name);
    let is_aux = ["auxdata_len", "auxdlen"].contains(&field.name);
    is_asked || is_kind || is_length || is_fragment || is_aux || ["version", "frag"].contains(&field.name)
}

/// A number in the place of a preset that names a layer which is not above.
fn harmless(desc: &LayerDesc, field: &Field, manner: Manner) -> Option<Value> {
    match field.preset {
        Preset::Auto(Auto::SourcePort) if manner == Manner::Straight => Some(Value::Int(40_000)),
        Preset::Int(number) if manner == Manner::Straight && names_a_layer(desc, field, number) => Some(Value::Int(9)),
        _ => None,
    }
}

trait Kind {
    fn names_a_kind(&self) -> bool;
}

impl Kind for Field {
    /// Types of messages, options, chunks and records have 8 or 16 bits and stand in the layer itself.
    fn names_a_kind(&self) -> bool {
        matches!(self.shape, Shape::Bits(8 | 16))
    }
}

/// Whether `number` in a field of `desc` names a layer to a reader.
fn names_a_layer(desc: &LayerDesc, field: &Field, number: u64) -> bool {
    let rows = ALL.iter().flat_map(|above| above.over).filter(|over| over.way != Way::Write);
    rows.into_iter().any(|over| over.under == desc && over.field == field.name && over.number == number)
}

/// A value for one field; `None` leaves it to its preset.
pub(crate) fn draw(rng: &mut Rng, desc: &'static LayerDesc, field: &Field, manner: Manner) -> Option<Value> {
    let wild = manner != Manner::Straight;
    match field.auto_rule() {
        Some(Auto::WidthOf(_)) => return None,
        Some(rule) if rule.is_computed() && (!wild || rng.chance(0.8)) => return None,
        _ => {}
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
        Shape::Bits(bits) | Shape::Little(bits) => {
            let number = match field.names {
                Names::Table(table) if rng.chance(0.5) => named(rng, table),
                _ => rng.between(0, mask(bits.into())),
            };
            (wild || !names_a_layer(desc, field, number)).then_some(Value::Int(number))
        }
        Shape::Signed(bits) | Shape::Fixed(bits, _) => Some(Value::Int(rng.next_u64() & mask(bits.into()))),
        Shape::Ip4 | Shape::ProtocolAddr(_) => Some(address(rng)),
        Shape::Ip6 => Some(address6(rng)),
        Shape::Mac | Shape::HardwareAddr(_) => {
            let mut mac = [0; 6];
            rng.fill(&mut mac);
            Some(Value::Mac(Mac(mac)))
        }
        Shape::Fill(_) if rng.chance(0.3) => None,
        Shape::Fill(bytes) => {
            let len = rng.between(0, bytes.into()) as usize;
            Some(blob(rng, len))
        }
        Shape::Bytes => Some(bytes(rng, desc, manner)),
        Shape::Name => Some(Value::text(&name(rng))),
        Shape::Names if !wild => Some(search_list(rng)),
        Shape::Names => Some(list(rng, |rng| Value::text(&format!("a{}", name(rng))))),
        Shape::Strings => Some(list(rng, |rng| {
            let len = rng.between(0, 30) as usize;
            blob(rng, len)
        })),
        Shape::Words => Some(list(rng, |rng| Value::Int(rng.below(1 << 32)))),
        Shape::Ip4s => Some(list(rng, address)),
        Shape::Ip6s => Some(list(rng, address6)),
        Shape::Packets(of) => Some(list(rng, |rng| record(rng, of, manner))),
        // A layer of options alone has one at least, or it is not there.
        Shape::Options(table) if desc.fields.len() == 1 => {
            let mut items = options(rng, table, manner);
            items.insert(0, Value::List([Value::text("message-type"), Value::text("discover")].into()));
            Some(items.into_list())
        }
        Shape::Options(_) if rng.chance(0.4) => None,
        Shape::Options(table) => Some(options(rng, table, manner).into_list()),
    }
}

/// Bytes up to the end of a layer: where the layer counts units, whole ones.
fn bytes(rng: &mut Rng, desc: &LayerDesc, manner: Manner) -> Value {
    let most = if rng.chance(0.1) { 600 } else { 40 };
    let len = rng.between(u64::from(manner == Manner::Straight), most) as usize;
    let whole = match desc.name {
        _ if manner == Manner::Chaos => len,
        "ICMPv6Unknown" => len.max(4),
        "AH" => len.next_multiple_of(4),
        "ICMPv6NDOptUnknown" => len.next_multiple_of(8) + 6,
        "ICMPv6NDOptRedirectedHdr" | "IPv6ExtHdrRouting" => len.next_multiple_of(8),
        _ => len,
    };
    blob(rng, whole)
}

fn list(rng: &mut Rng, mut item: impl FnMut(&mut Rng) -> Value) -> Value {
    (0..rng.below(4)).map(|_| item(rng)).collect::<Vec<_>>().into_list()
}

/// A domain name of plain letters.
fn name(rng: &mut Rng) -> String {
    if rng.chance(0.1) {
        return ".".into();
    }
    let mut label =
        |most| -> String { (0..rng.between(1, most)).map(|_| char::from(b'a' + rng.below(26) as u8)).collect() };
    let host = label(20);
    format!("{host}.{}.example.", label(5))
}

/// Names, and the zeros that fill up 8 bytes with them.
fn search_list(rng: &mut Rng) -> Value {
    let names: Vec<String> = (0..rng.between(1, 3)).map(|_| name(rng)).filter(|name| name != ".").collect();
    let len: usize = names.iter().map(|name| name.len() + 1).sum();
    let zeros = len.next_multiple_of(8) - len;
    names
        .iter()
        .map(String::as_str)
        .chain(std::iter::repeat_n(".", zeros))
        .map(Value::text)
        .collect::<Vec<_>>()
        .into_list()
}

/// A record of the kind `of`, or of one that it is refined to.
fn record(rng: &mut Rng, of: &'static LayerDesc, manner: Manner) -> Value {
    let (desc, fixed): (&'static LayerDesc, &[(&'static str, u64)]) = if of == &dns::DNSRR {
        match rng.below(8) {
            0 => (&dns::DNSRR_MX, &[]),
            1 => (&dns::DNSRR_SOA, &[]),
            2 => (&dns::DNSRR_SRV, &[]),
            3 => (&dns::DNSRR_OPT, &[]),
            4 => (&dns::DNSRR, &[("type", 28)]),
            5 => (&dns::DNSRR, &[("type", 5)]),
            6 => (&dns::DNSRR, &[("type", 16)]),
            _ => (&dns::DNSRR, &[("type", 1)]),
        }
    } else {
        (of, &[])
    };
    // A wrong length in a record moves all that follows; messages with such are made of spoilt bytes.
    let manner = if manner == Manner::Chaos { manner } else { Manner::Straight };
    Value::Packet(Arc::new(packet(&[spec(rng, desc, fixed, None, manner)])))
}

fn named(rng: &mut Rng, table: NameTable) -> u64 {
    table[rng.below(table.len() as u64) as usize].0
}

fn address(rng: &mut Rng) -> Value {
    Value::Ip4(Ipv4Addr::from(rng.next_u64() as u32))
}

fn address6(rng: &mut Rng) -> Value {
    let low = u128::from(rng.next_u64());
    let high = if rng.chance(0.5) { 0x2001_0db8 << 96 } else { u128::from(rng.next_u64()) << 64 };
    Value::Ip6(Ipv6Addr::from(high | low), None)
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
        let kind = &table.kinds[rng.below(table.kinds.len() as u64) as usize];
        // The end of the list hides what follows from a reader; a value of bytes has a form that a reader checks.
        let has_form = kind.shape == OptionShape::Bytes && table.format.fill == Fill::Zeros;
        if manner == Manner::Straight && (table.format.end == Some(kind.kind) || has_form) {
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
    if manner != Manner::Straight && rng.chance(0.1) && kind.shape != OptionShape::Single {
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
            pair(name, if numbers.len() == 1 { numbers.remove(0) } else { numbers.into_list() }, len)
        }
        OptionShape::Named(width, table) => {
            let known = table[rng.below(table.len() as u64) as usize];
            pair(name, if rng.chance(0.7) { Value::text(known.1) } else { Value::Int(200) }, width.into())
        }
        OptionShape::Text => {
            let len = rng.between(1, 12) as usize;
            let text: String = (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect();
            pair(name, Value::text(&text), len)
        }
        OptionShape::Words => {
            let count = rng.between(1, 4) as usize;
            pair(name, (0..count).map(|_| Value::Int(rng.below(1 << 32))).collect::<Vec<_>>().into_list(), count * 4)
        }
        OptionShape::ByteList => {
            let count = rng.between(1, 6) as usize;
            pair(name, (0..count).map(|_| Value::Int(rng.below(256))).collect::<Vec<_>>().into_list(), count)
        }
        OptionShape::Ip4s if rng.chance(0.7) => pair(name, address(rng), 4),
        OptionShape::Ip4s => pair(name, vec![address(rng), address(rng)].into_list(), 8),
        OptionShape::Ip6 => pair(name, address6(rng), 16),
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
