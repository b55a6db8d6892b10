//! From layers to bytes: headers outward in, then lengths and checksums from the innermost layer outward.

use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;

use super::auto::{next_number, pseudo_sum};
use super::field::{Auto, Field, Shape};
use super::layer::{Layer, LayerDesc};
use super::value::{Slot, Value};
use super::{Packet, PacketError, bits};
use crate::base::checksum::Sum;
use crate::base::{Mac, Rng, rng};

/// What lies outside a packet but is needed to build it. Asking sends nothing.
pub trait Surroundings {
    /// The address from which this machine would reach `dst`; `None` when it would not.
    fn source_addr(&self, dst: Ipv4Addr) -> Option<Ipv4Addr>;

    /// The hardware address of the interface towards `dst` (of the default interface without one).
    fn source_mac(&self, dst: Option<Ipv4Addr>) -> Option<Mac>;

    /// The hardware address of the next hop towards `dst`, if it is known.
    fn next_hop_mac(&self, dst: Option<Ipv4Addr>) -> Option<Mac>;

    /// Draws a source port for IP protocol `protocol` on the way to `dst`.
    fn source_port(&self, rng: &mut Rng, protocol: u8, dst: Option<Ipv4Addr>) -> u16;

    /// The key of all draws: the session's seed when the packet is only looked at, another number for each sending.
    fn draw_key(&self) -> u64;
}

/// Surroundings without a network: what the library uses when there is no session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn source_addr(&self, _dst: Ipv4Addr) -> Option<Ipv4Addr> {
        None
    }
    fn source_mac(&self, _dst: Option<Ipv4Addr>) -> Option<Mac> {
        None
    }
    fn next_hop_mac(&self, _dst: Option<Ipv4Addr>) -> Option<Mac> {
        None
    }
    fn source_port(&self, rng: &mut Rng, _protocol: u8, _dst: Option<Ipv4Addr>) -> u16 {
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
            spans.map(|&(desc, start, end)| Layer::read(desc, bytes.clone(), start, end, None)).collect(),
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
            self.header(i, layer);
        }
        let stop = self.built.bytes.len();
        for (i, layer) in layers.iter().enumerate().filter(|(_, l)| l.desc().padding) {
            self.header(i, layer);
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

    fn header(&mut self, i: usize, layer: &Layer) {
        let start = self.built.bytes.len();
        match layer.header_bytes() {
            Some(bytes) => self.built.bytes.extend_from_slice(bytes),
            None => self.made_header(i, layer, start),
        }
        self.built.spans.push((layer.desc(), start, self.built.bytes.len()));
    }

    fn made_header(&mut self, i: usize, layer: &Layer, start: usize) {
        let mut set = layer.set_slots().unwrap_or_default().iter().peekable();
        let mut at = start * 8;
        for (index, field) in layer.desc().fields.iter().enumerate() {
            let given = set.next_if(|(i, _)| usize::from(*i) == index).map(|(_, slot)| slot);
            if !layer.has(field) {
                continue;
            }
            match (given, field.auto_rule()) {
                (Some(Slot::Set(value)), _) => self.put(&mut at, field, value),
                (Some(Slot::Many(many)), _) => self.put(&mut at, field, &many.at(0)),
                (Some(Slot::Random(random)), _) => {
                    let value = random.draw(self.rng());
                    self.put(&mut at, field, &value);
                }
                (_, Some(rule)) => self.auto(&mut at, i, layer, field, rule),
                (_, None) => {
                    if let Slot::Set(value) = field.preset_slot() {
                        self.put(&mut at, field, &value);
                    }
                }
            }
        }
    }

    fn auto(&mut self, at: &mut usize, i: usize, layer: &Layer, field: &'static Field, rule: Auto) {
        let upper = self.layers.get(i + 1).filter(|l| !l.desc().padding);
        let value = match rule {
            Auto::Next(otherwise) => Value::Int(next_number(layer.desc(), field.name, upper, otherwise)),
            Auto::WidthOf(other) => Value::Int(width_of(layer, other)),
            Auto::SourceAddr => Value::Ip4(self.source_addr(layer)),
            Auto::SourceMac => Value::Mac(self.around.source_mac(self.destination(i)).unwrap_or_default()),
            Auto::NextHopMac => Value::Mac(self.around.next_hop_mac(self.destination(i)).unwrap_or(Mac::BROADCAST)),
            Auto::SourcePort => {
                let protocol = layer.desc().over.first().map_or(0, |over| over.number as u8);
                let dst = self.layers[..i].iter().rev().find_map(first_destination);
                let around = self.around;
                Value::Int(around.source_port(self.rng(), protocol, dst).into())
            }
            Auto::Id => Value::Int(self.rng().between(1, 0xffff)),
            Auto::HeaderWords | Auto::Length | Auto::HeaderSum | Auto::Sum | Auto::PseudoSum { .. } => {
                let width = field.width().unwrap_or(16);
                self.pending.push(Pending { layer: i, field, rule, at: *at, width });
                Value::Int(0)
            }
        };
        self.put(at, field, &value);
    }

    /// Writes one value at bit `at` and moves on.
    fn put(&mut self, at: &mut usize, field: &Field, value: &Value) {
        let out = &mut self.built.bytes;
        match value {
            Value::Int(n) => {
                let width = usize::from(field.width().unwrap_or(0));
                if width > 0 {
                    out.resize((*at + width).div_ceil(8), 0);
                    bits::write(out, *at, width, *n);
                    *at += width;
                    return;
                }
            }
            Value::Ip4(addr) => out.extend_from_slice(&addr.octets()),
            Value::Mac(mac) => out.extend_from_slice(&mac.0),
            Value::Bytes(bytes) => out.extend_from_slice(bytes),
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::List(items) => {
                if let Shape::Options(table) = field.shape {
                    table.encode(items, out);
                }
            }
        }
        *at = out.len() * 8;
    }

    /// Fills a pending value: the checksums in one pass, all others in another.
    fn resolve(&mut self, n: usize, stop: usize, checksums: bool) -> Result<(), PacketError> {
        let Pending { layer, field, rule, at, width } = self.pending[n];
        if rule.is_checksum() != checksums {
            return Ok(());
        }
        let (desc, start, end) = self.built.spans[self.span_of(layer)];
        let value = match rule {
            Auto::HeaderWords => ((end - start) / 4) as u64,
            Auto::Length => (stop - start) as u64,
            Auto::HeaderSum => Sum::default().add(&self.built.bytes[start..end]).finish().into(),
            Auto::Sum => Sum::default().add(&self.built.bytes[start..stop.max(end)]).finish().into(),
            Auto::PseudoSum { zero_as_ones } => self.pseudo_sum(layer, start..stop, zero_as_ones).into(),
            _ => return Ok(()),
        };
        if value > bits::mask(width.into()) {
            return Err(PacketError::AutoTooLarge { layer: desc.name, field: field.name, value, bits: width });
        }
        bits::write(&mut self.built.bytes, at, width.into(), value);
        Ok(())
    }

    fn pseudo_sum(&self, layer: usize, covered: Range<usize>, zero_as_ones: bool) -> u16 {
        let Some(network) = layer.checked_sub(1).map(|i| &self.layers[i]).filter(|l| l.desc().ends.is_some()) else {
            return 0;
        };
        let (_, start, end) = self.built.spans[self.span_of(layer - 1)];
        let header = &self.built.bytes[start..end];
        let len = stated_len(network, header.len()).unwrap_or(covered.len() as u16);
        let upper = self.layers[layer].desc();
        match pseudo_sum(network, header, upper, len, &self.built.bytes[covered]) {
            Some(0) if zero_as_ones => 0xffff,
            sum => sum.unwrap_or(0),
        }
    }

    /// Padding layers are written last, so the spans are not in the order of the layers.
    fn span_of(&self, layer: usize) -> usize {
        self.layers[..layer].iter().filter(|l| !l.desc().padding).count()
    }

    fn source_addr(&self, layer: &Layer) -> Ipv4Addr {
        first_destination(layer).and_then(|dst| self.around.source_addr(dst)).unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Where the packet goes: the first destination address in layer `i` or above.
    fn destination(&self, i: usize) -> Option<Ipv4Addr> {
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
    let field = network.desc().length?;
    let index = network.index(field)?;
    let is_set = |i| {
        network.set_slots().is_some_and(|set| set.iter().any(|(s, slot)| usize::from(*s) == i && *slot != Slot::Auto))
    };
    if !is_set(index) {
        return None;
    }
    let words = match network.desc().header {
        super::Header::Words(name) => network.index(name).filter(|i| is_set(*i)).and_then(|_| network.int(name)),
        _ => None,
    };
    let header = words.map_or(header as u64, |words| words * 4);
    Some(network.int(field)?.saturating_sub(header) as u16)
}

/// The first destination address that a layer names.
pub(super) fn first_destination(layer: &Layer) -> Option<Ipv4Addr> {
    let index = layer.index(layer.desc().ends?.1)?;
    match layer.slot(index)? {
        Slot::Set(Value::Ip4(addr)) => Some(addr),
        Slot::Many(many) => match many.at(0) {
            Value::Ip4(addr) => Some(addr),
            _ => None,
        },
        _ => None,
    }
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
