//! From layers to bytes: headers outward in, then lengths and checksums from the innermost layer outward.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use super::auto::{header_units, network_below, next_number, pseudo_sum, routed_to};
use super::desc::{Header, LayerDesc};
use super::field::{Auto, Field, Shape};
use super::layer::Layer;
use super::read::Read;
use super::value::{Slot, Value};
use super::{Packet, PacketError, bits, domain};
use crate::base::checksum::{Sum, crc32c};
use crate::base::targets::Target;
use crate::base::{Mac, Rng, rng};

/// What lies outside a packet but is needed to build it. Asking sends nothing.
pub trait Surroundings {
    /// The address from which this machine would reach `dst`; `None` when it would not.
    fn source_addr(&self, dst: &Target) -> Option<IpAddr>;

    /// The hardware address of the interface towards `dst` (of the default interface without one).
    fn source_mac(&self, dst: Option<&Target>) -> Option<Mac>;

    /// The hardware address of the next hop towards `dst`, if it is known.
    fn next_hop_mac(&self, dst: Option<&Target>) -> Option<Mac>;

    /// Draws a source port for IP protocol `protocol` on the way to `dst`.
    fn source_port(&self, rng: &mut Rng, protocol: u8, dst: Option<&Target>) -> u16;

    /// The key of all draws: the session's seed when the packet is only looked at, another number for each sending.
    fn draw_key(&self) -> u64;
}

/// Surroundings without a network: what the library uses when there is no session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn source_addr(&self, _dst: &Target) -> Option<IpAddr> {
        None
    }
    fn source_mac(&self, _dst: Option<&Target>) -> Option<Mac> {
        None
    }
    fn next_hop_mac(&self, _dst: Option<&Target>) -> Option<Mac> {
        None
    }
    fn source_port(&self, rng: &mut Rng, _protocol: u8, _dst: Option<&Target>) -> u16 {
        rng.between(61000, 65535) as u16
    }
    fn draw_key(&self) -> u64 {
        1
    }
}

/// A packet's bytes, and where its layers stand in them.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The bytes.
    pub bytes: Vec<u8>,
    spans: Vec<(&'static LayerDesc, usize, usize)>,
}

impl Built {
    /// The packet as it goes out: the same layers, every value fixed, in one copy of the bytes.
    pub fn to_packet(&self) -> Packet {
        let bytes: Arc<[u8]> = self.bytes.as_slice().into();
        let spans = self.spans.iter();
        Packet::from_layers(
            spans
                .map(|&(desc, start, end)| Layer::read(desc, Read::new(desc, bytes.clone(), start, end, None)))
                .collect(),
        )
    }
}

/// A value that waits until everything above it is written.
struct Pending {
    layer: usize,
    field: &'static Field,
    rule: Auto,
    /// Where it stands, in bits from the start of the packet.
    at: usize,
    width: u8,
}

/// The message that is being written, in which the pointers of domain names count.
struct Message {
    /// Where it begins.
    start: usize,
    /// The message whose records stand here so far, each at its old place; pointers lead back, so they lead right.
    same: Same,
}

/// Which message's records stand at their old places.
enum Same {
    /// There are none yet.
    Any,
    /// Those of the message that begins so far into these bytes.
    Of(Arc<[u8]>, usize),
    /// Not all are of one message, or have moved.
    None,
}

impl Message {
    fn at(start: usize) -> Self {
        Self { start, same: Same::Any }
    }

    /// Writes a record: as it was read, with its names at length where their pointers would lead somewhere else.
    fn put_record(&mut self, item: &Value, around: &dyn Surroundings, out: &mut Vec<u8>) -> Result<(), PacketError> {
        let Value::Packet(record) = item else {
            self.same = Same::None;
            return put_item(item, Shape::Bytes, around, out);
        };
        self.same = match record.layers().first().and_then(Layer::body) {
            Some(read) if read.place() == out.len() - self.start => match &self.same {
                Same::Of(bytes, message) if Arc::ptr_eq(bytes, &read.bytes) && *message == read.message() => {
                    return put_item(item, Shape::Bytes, around, out);
                }
                Same::Any => Same::Of(read.bytes.clone(), read.message()),
                _ => Same::None,
            },
            _ => Same::None,
        };
        if matches!(self.same, Same::None) && record.layers().iter().any(Layer::is_compressed) {
            out.extend_from_slice(&record.loose().bytes(around)?);
            return Ok(());
        }
        put_item(item, Shape::Bytes, around, out)
    }
}

/// A value that waits until its header is written.
struct Local {
    field: &'static Field,
    rule: Auto,
    /// Where it stands, in bits from the start of the packet.
    at: usize,
    width: u8,
    /// The size in bytes, or the count, of the field that it is about.
    measured: usize,
}

impl Packet {
    /// The bytes of the visible layers. Sets give their first packet; draws are drawn.
    pub fn build(&self, around: &dyn Surroundings) -> Result<Built, PacketError> {
        let (layers, from) = self.all_layers();
        let mut built = Writer { layers, around, built: Built::default(), pending: Vec::new(), rng: None }.write()?;
        if from > 0 {
            let start = built.spans.get(from).map_or(built.bytes.len(), |span| span.1);
            built.bytes.drain(..start);
            built.spans.drain(..from.min(built.spans.len()));
            for (_, s, e) in &mut built.spans {
                *s -= start;
                *e -= start;
            }
        }
        Ok(built)
    }

    /// The bytes alone.
    pub fn bytes(&self, around: &dyn Surroundings) -> Result<Vec<u8>, PacketError> {
        self.build(around).map(|built| built.bytes)
    }
}

struct Writer<'a> {
    layers: &'a [Layer],
    around: &'a dyn Surroundings,
    built: Built,
    pending: Vec<Pending>,
    rng: Option<Rng>,
}

impl Writer<'_> {
    fn write(mut self) -> Result<Built, PacketError> {
        let layers = self.layers;
        self.built.bytes.reserve(64 + layers.len() * 24);
        self.built.spans.reserve(layers.len());
        // Padding is sent after the packet, wherever it stands in the stack.
        for (i, layer) in layers.iter().enumerate().filter(|(_, l)| !l.desc().padding) {
            self.header(i, layer)?;
        }
        let stop = self.built.bytes.len();
        for (i, layer) in layers.iter().enumerate().filter(|(_, l)| l.desc().padding) {
            self.header(i, layer)?;
        }
        for n in (0..self.pending.len()).rev() {
            self.resolve(n, stop, false)?;
            // A layer's checksums wait for its lengths, which may stand behind them in the header.
            if n == 0 || self.pending[n - 1].layer != self.pending[n].layer {
                let layer = self.pending[n].layer;
                let last = self.pending[n..].iter().take_while(|p| p.layer == layer).count();
                for m in n..n + last {
                    self.resolve(m, stop, true)?;
                }
            }
        }
        Ok(self.built)
    }

    fn header(&mut self, i: usize, layer: &Layer) -> Result<(), PacketError> {
        let start = self.built.bytes.len();
        match layer.header_bytes() {
            Some(bytes) => self.built.bytes.extend_from_slice(bytes),
            None => {
                self.made_header(i, layer, start)?;
                self.fill(layer, start);
            }
        }
        self.built.spans.push((layer.desc(), start, self.built.bytes.len()));
        Ok(())
    }

    /// Fills a header that began at `start`: as it was read, or as its description says.
    fn fill(&mut self, layer: &Layer, start: usize) {
        if let Some(fill) = layer.tail().and_then(|tail| tail.fill.as_deref()) {
            return self.built.bytes.extend_from_slice(fill);
        }
        let align = usize::from(layer.desc().align.max(1));
        let end = start + (self.built.bytes.len() - start).next_multiple_of(align);
        self.built.bytes.resize(end, 0);
    }

    fn made_header(&mut self, i: usize, layer: &Layer, start: usize) -> Result<(), PacketError> {
        let mut set = layer.set_slots().unwrap_or_default().iter().peekable();
        let mut locals: Vec<Local> = Vec::new();
        let mut at = start * 8;
        let mut message = Message::at(start);
        for (index, field) in layer.desc().fields.iter().enumerate() {
            let given = set.next_if(|(i, _)| usize::from(*i) == index).map(|(_, slot)| slot);
            if !layer.has(field) {
                continue;
            }
            let drawn;
            let value = match (given, field.auto_rule()) {
                (Some(Slot::Set(value)), _) => value,
                (Some(Slot::Many(many)), _) => {
                    drawn = many.at(0);
                    &drawn
                }
                (Some(Slot::Random(random)), _) => {
                    drawn = random.draw(self.rng());
                    &drawn
                }
                (_, Some(rule)) if rule.is_local() => {
                    locals.push(Local { field, rule, at, width: number_width(field), measured: 0 });
                    &Value::Int(0)
                }
                (_, Some(rule)) => {
                    drawn = self.auto(at, i, layer, field, rule);
                    &drawn
                }
                (_, None) => {
                    drawn = self.preset(i, layer, field);
                    &drawn
                }
            };
            let before = self.built.bytes.len();
            if layer.desc().names_from == Some(field.name) {
                message = Message::at(before);
            }
            match (value, field.shape) {
                (Value::List(items), Shape::Packets(_)) => {
                    let out = &mut self.built.bytes;
                    items.iter().try_for_each(|item| message.put_record(item, self.around, out))?;
                    at = out.len() * 8;
                }
                _ => self.put(&mut at, start, field, value)?,
            }
            for local in &mut locals {
                match local.rule {
                    Auto::SizeOf(name) if name == field.name => local.measured = self.built.bytes.len() - before,
                    Auto::CountOf(name) if name == field.name => {
                        local.measured = count(value, field, self.built.bytes.len() - before);
                    }
                    _ => {}
                }
            }
        }
        self.built.bytes.extend_from_slice(layer.tail().map_or(&[], |tail| &tail.inside));
        let end = self.built.bytes.len();
        locals.iter().try_for_each(|local| {
            let value = match local.rule {
                Auto::HeaderLen { unit, minus } => header_units(layer.desc(), end - start, unit, minus),
                Auto::After => (end - (local.at + usize::from(local.width)) / 8) as u64,
                _ => local.measured as u64,
            };
            self.write_number(layer.desc(), local.field, local.at, local.width, value)
        })
    }

    /// What a field holds that nothing was set in: its preset, or what the layer above asks for.
    fn preset(&self, i: usize, layer: &Layer, field: &Field) -> Value {
        let upper = self.layers.get(i + 1).filter(|l| !l.desc().padding);
        if let Some(number) = upper.and_then(|upper| upper.desc().number_over(layer.desc(), field.name)) {
            return Value::Int(number);
        }
        match field.preset_slot() {
            Slot::Set(value) => value,
            _ => Value::bytes(&[]),
        }
    }

    fn auto(&mut self, at: usize, i: usize, layer: &Layer, field: &'static Field, rule: Auto) -> Value {
        let upper = self.layers.get(i + 1).filter(|l| !l.desc().padding);
        let bound = || upper.and_then(|upper| upper.desc().number_over(layer.desc(), field.name));
        match rule {
            Auto::Next(otherwise) => Value::Int(next_number(layer.desc(), field.name, upper, otherwise)),
            Auto::WidthOf(other) => Value::Int(width_of(layer, other)),
            Auto::SourceAddr => self.source_addr(layer, field),
            Auto::SourceMac => Value::Mac(self.around.source_mac(self.destination(i).as_ref()).unwrap_or_default()),
            Auto::NextHopMac => {
                Value::Mac(self.around.next_hop_mac(self.destination(i).as_ref()).unwrap_or(Mac::BROADCAST))
            }
            Auto::SourcePort => bound().map_or_else(
                || {
                    let protocol = layer.desc().over.first().map_or(0, |over| over.number as u8);
                    let dst = self.layers[..i].iter().rev().find_map(first_destination);
                    let around = self.around;
                    Value::Int(around.source_port(self.rng(), protocol, dst.as_ref()).into())
                },
                Value::Int,
            ),
            Auto::Id => Value::Int(self.rng().between(1, 0xffff)),
            _ => {
                self.pending.push(Pending { layer: i, field, rule, at, width: number_width(field) });
                Value::Int(0)
            }
        }
    }

    /// Writes one value at bit `at` and moves on. The header began at byte `start`.
    fn put(&mut self, at: &mut usize, start: usize, field: &Field, value: &Value) -> Result<(), PacketError> {
        let around = self.around;
        let out = &mut self.built.bytes;
        match (value, field.shape) {
            (Value::Int(n), _) => {
                let width = usize::from(field.width().unwrap_or(0)).min(64);
                if width > 0 {
                    out.resize((*at + width).div_ceil(8), 0);
                    let n = if matches!(field.shape, Shape::Little(_)) { n.swap_bytes() >> (64 - width) } else { *n };
                    bits::write(out, *at, width, n);
                    *at += width;
                    return Ok(());
                }
            }
            (Value::Text(name), Shape::Name) => domain::write(name, out),
            (Value::List(items), Shape::Options(table)) => table.encode(items, start, out),
            (Value::List(items), shape) => items.iter().try_for_each(|item| put_item(item, shape, around, out))?,
            (other, shape) => put_item(other, shape, around, out)?,
        }
        *at = out.len() * 8;
        Ok(())
    }

    /// Fills a pending value: the checksums in one pass, all others in another.
    fn resolve(&mut self, n: usize, stop: usize, checksums: bool) -> Result<(), PacketError> {
        let Pending { layer, field, rule, at, width } = self.pending[n];
        if rule.is_checksum() != checksums {
            return Ok(());
        }
        let (desc, start, end) = self.built.spans[self.span_of(layer)];
        let value = match rule {
            Auto::Length => (stop - start) as u64,
            Auto::PayloadLen => (stop - end) as u64,
            Auto::Crc32c => crc32c(&self.built.bytes[start..stop.max(end)]).swap_bytes().into(),
            Auto::HeaderSum => Sum::default().add(&self.built.bytes[start..end]).finish().into(),
            Auto::Sum => Sum::default().add(&self.built.bytes[start..stop.max(end)]).finish().into(),
            Auto::PseudoSum { zero_as_ones } => self.pseudo_sum(layer, start..stop, zero_as_ones).into(),
            _ => return Ok(()),
        };
        self.write_number(desc, field, at, width, value)
    }

    fn write_number(
        &mut self,
        desc: &LayerDesc,
        field: &Field,
        at: usize,
        width: u8,
        value: u64,
    ) -> Result<(), PacketError> {
        if value > bits::mask(width.into()) {
            return Err(PacketError::AutoTooLarge { layer: desc.name, field: field.name, value, bits: width });
        }
        bits::write(&mut self.built.bytes, at, width.into(), value);
        Ok(())
    }

    fn pseudo_sum(&self, layer: usize, covered: Range<usize>, zero_as_ones: bool) -> u16 {
        let Some(at) = network_below(self.layers, layer) else { return 0 };
        let network = &self.layers[at];
        let (_, start, end) = self.built.spans[self.span_of(at)];
        let header = &self.built.bytes[start..end];
        let len = stated_len(network, header.len()).map_or(covered.len() as u32, u32::from);
        let end = self.layers[at..layer].iter().rev().find_map(routed_to);
        let upper = self.layers[layer].desc();
        match pseudo_sum(network, header, end.as_ref(), upper, len, &self.built.bytes[covered]) {
            Some(0) if zero_as_ones => 0xffff,
            sum => sum.unwrap_or(0),
        }
    }

    /// Padding layers are written last, so the spans are not in the order of the layers.
    fn span_of(&self, layer: usize) -> usize {
        self.layers[..layer].iter().filter(|l| !l.desc().padding).count()
    }

    /// The source address, of the family that the field holds.
    fn source_addr(&self, layer: &Layer, field: &Field) -> Value {
        let found = first_destination(layer).and_then(|dst| self.around.source_addr(&dst));
        let is_v6 = field.shape == Shape::Ip6;
        let none = if is_v6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { Ipv4Addr::UNSPECIFIED.into() };
        Value::addr(found.filter(|addr| addr.is_ipv6() == is_v6).unwrap_or(none))
    }

    /// Where the packet goes: the first destination address in layer `i` or above.
    fn destination(&self, i: usize) -> Option<Target> {
        self.layers[i..].iter().find_map(first_destination)
    }

    fn rng(&mut self) -> &mut Rng {
        let key = || {
            let mut hasher = StableHasher(self.around.draw_key());
            for layer in self.layers {
                layer.desc().name.hash(&mut hasher);
                layer.set_slots().hash(&mut hasher);
                layer.header_bytes().hash(&mut hasher);
            }
            Rng::new(hasher.finish())
        };
        self.rng.get_or_insert_with(key)
    }
}

/// The length that a network layer states for its payload, when the user set it (RFC 791: total length less header).
fn stated_len(network: &Layer, header: usize) -> Option<u16> {
    let field = network.desc().length.filter(|length| length.plus == 0)?.field;
    let index = network.index(field)?;
    let is_set = |i| {
        network.set_slots().is_some_and(|set| set.iter().any(|(s, slot)| usize::from(*s) == i && *slot != Slot::Auto))
    };
    if !is_set(index) {
        return None;
    }
    let words = match network.desc().header {
        Header::Units { field, .. } => network.index(field).filter(|i| is_set(*i)).and_then(|_| network.int(field)),
        _ => None,
    };
    let header = words.map_or(header as u64, |words| words * 4);
    Some(network.int(field)?.saturating_sub(header) as u16)
}

/// The first destination address that a layer names.
pub(super) fn first_destination(layer: &Layer) -> Option<Target> {
    let index = layer.index(layer.desc().ends?.1)?;
    match layer.slot(index)? {
        Slot::Set(value) => value.target(),
        Slot::Many(many) => many.at(0).target(),
        _ => None,
    }
}

/// The width of a field that holds a number, in bits.
fn number_width(field: &Field) -> u8 {
    field.width().map_or(16, |width| width.min(64) as u8)
}

/// How many items a value has that takes `size` bytes.
fn count(value: &Value, field: &Field, size: usize) -> usize {
    match (value, field.shape) {
        // A record may be given as bytes; among numbers and addresses they are what is left over.
        (Value::List(items), Shape::Packets(_)) => items.len(),
        (Value::List(items), _) => items.iter().filter(|item| !matches!(item, Value::Bytes(_))).count(),
        (_, Shape::Ip4s | Shape::Words) => size / 4,
        (_, Shape::Ip6s) => size / 16,
        _ => 0,
    }
}

/// Writes one value, or one item of a list.
fn put_item(item: &Value, shape: Shape, around: &dyn Surroundings, out: &mut Vec<u8>) -> Result<(), PacketError> {
    match (item, shape) {
        (Value::Ip4(addr), _) => out.extend_from_slice(&addr.octets()),
        (Value::Ip6(addr, _), _) => out.extend_from_slice(&addr.octets()),
        (Value::Mac(mac), _) => out.extend_from_slice(&mac.0),
        (Value::Bytes(text), Shape::Strings) => {
            out.push(text.len() as u8);
            out.extend_from_slice(text);
        }
        (Value::Bytes(bytes), _) => out.extend_from_slice(bytes),
        (Value::Text(name), Shape::Names) => domain::write(name, out),
        (Value::Text(text), _) => out.extend_from_slice(text.as_bytes()),
        (Value::Packet(packet), _) => out.extend_from_slice(&packet.bytes(around)?),
        // Bytes in a list of their own are sent without the length that belongs to them.
        (Value::List(raw), _) => raw.iter().try_for_each(|item| put_item(item, Shape::Bytes, around, out))?,
        (Value::Int(n), Shape::Words) => out.extend_from_slice(&(*n as u32).to_be_bytes()),
        (Value::Int(_), _) => {}
    }
    Ok(())
}

fn width_of(layer: &Layer, field: &str) -> u64 {
    let Some(index) = layer.index(field) else { return 0 };
    match layer.slot(index) {
        Some(Slot::Set(Value::Bytes(bytes))) => bytes.len() as u64,
        _ if matches!(layer.desc().fields[index].shape, Shape::HardwareAddr(_)) => 6,
        _ => 4,
    }
}

/// A hasher that gives the same on every machine, as golden files need.
struct StableHasher(u64);

impl Hasher for StableHasher {
    fn finish(&self) -> u64 {
        rng::mix(self.0)
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = rng::hash(self.0, bytes);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = rng::mix(self.0.wrapping_add(n) ^ 0x9e37_79b9_7f4a_7c15);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}
