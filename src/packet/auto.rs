//! Automatic values: what a length, a checksum or the number of the next layer should be.
//!
//! One set of rules serves building ([`super::build`]), verifying what was dissected, and the first edit.

use std::ops::Range;

use super::desc::{Header, LayerDesc};
use super::field::Auto;
use super::layer::Layer;
use super::{Packet, Shape, Slot, Value, bits};
use crate::base::checksum::{Sum, crc32c};

/// What an automatic field of a dissected packet should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds the right value, or is not automatic.
    Right,
    /// It should hold this.
    Wrong(u64),
    /// It holds no checksum: that was left to a network card.
    Offload,
    /// Not to be verified: cut, a fragment, quoted, or nothing to compare with.
    Unknown,
}

/// The number by which `under` names the layer above it, in the field that is filled automatically.
pub(super) fn next_number(under: &LayerDesc, field: &str, upper: Option<&Layer>, otherwise: u64) -> u64 {
    upper.and_then(|u| u.desc().number_over(under, field)).unwrap_or(otherwise)
}

/// The layer with the network addresses on which layer `at` lies, extension headers between them left out.
pub(super) fn network_below(layers: &[Layer], at: usize) -> Option<usize> {
    let below = (0..at).rev().find(|i| !layers[*i].desc().extension);
    below.filter(|i| layers[*i].desc().ends.is_some())
}

/// The Internet checksum of `covered` under the pseudo-header of `network` (RFC 9293 section 3.1, RFC 768, RFC 8200
/// section 8.1).
///
/// `header` holds the network layer's header, `end` the destination where that is not the header's; `len` is the length
/// that the pseudo-header states.
pub(super) fn pseudo_sum(
    network: &Layer,
    header: &[u8],
    end: Option<&Value>,
    upper: &LayerDesc,
    len: u32,
    covered: &[u8],
) -> Option<u16> {
    let (src, dst) = network.desc().ends?;
    let addr = |name: &str| {
        let index = network.index(name)?;
        let at = network.offset(index) / 8;
        let width = usize::from(network.desc().fields[index].width().unwrap_or(32)) / 8;
        header.get(at..at + width)
    };
    let protocol = upper.protocol_over(network.desc())? as u32;
    let sum = Sum::default().add(addr(src)?);
    let sum = match end {
        Some(Value::Ip4(end)) => sum.add(&end.octets()),
        Some(Value::Ip6(end, _)) => sum.add(&end.octets()),
        _ => sum.add(addr(dst)?),
    };
    Some(sum.add(&protocol.to_be_bytes()).add(&len.to_be_bytes()).add(covered).finish())
}

/// Where a packet really goes: the last address of IPv4's source route (RFC 1122 section 3.2.1.8), or of IPv6's routing
/// header while there are segments left (RFC 8200 section 8.1).
pub(super) fn routed_to(layer: &Layer) -> Option<Value> {
    if let Some((left, addresses)) = layer.desc().routes {
        let Some(Slot::Set(Value::List(addrs))) = layer.get(addresses) else { return None };
        return addrs.last().cloned().filter(|_| layer.int(left).is_none_or(|left| left > 0));
    }
    source_route_end(layer).map(Value::Ip4)
}

/// The last address of IPv4's source route.
fn source_route_end(network: &Layer) -> Option<std::net::Ipv4Addr> {
    network.desc().ends?;
    let mut fields = network.desc().fields.iter().enumerate();
    let (options, table) = fields.find_map(|(i, f)| match f.shape {
        Shape::Options(table) => Some((i, table)),
        _ => None,
    })?;
    let has_options = match network.set_slots() {
        Some(set) => set.iter().any(|(i, _)| usize::from(*i) == options),
        None => network.header_bytes().is_some_and(|h| h.len() > 20),
    };
    if !has_options {
        return None;
    }
    let Some(Slot::Set(Value::List(items))) = network.slot(options) else { return None };
    let mut routes = items.iter().filter_map(|item| match item {
        Value::List(pair) => match &pair[..] {
            [Value::Text(name), Value::List(addrs)] if table.is_source_route(name) => Some(addrs),
            _ => None,
        },
        _ => None,
    });
    // Of two source routes (RFC 791 allows one) neither is believed.
    let (Some(route), None) = (routes.next(), routes.next()) else { return None };
    match route.last() {
        Some(Value::Ip4(end)) => Some(*end),
        _ => None,
    }
}

/// Whether field `field` of layer `at` becomes automatic at the first edit: it holds what building would give it.
pub(super) fn becomes_auto(packet: &Packet, at: usize, field: usize) -> bool {
    let Some(rule) = packet.layers[at].desc().fields[field].auto_rule().filter(|rule| rule.is_computed()) else {
        return false;
    };
    let will_come_out = match rule {
        // Building puts padding behind everything; where it stands inside, a sum over it would not come out again.
        Auto::Sum | Auto::Crc32c => payload_end(packet, at) == end_of(packet, at),
        // A pseudo-header states the network layer's length when that is set.
        Auto::PseudoSum { .. } => {
            let network = network_below(&packet.layers, at);
            payload_end(packet, at) == end_of(packet, at)
                && network.is_some_and(|below| lengths_become_auto(packet, below))
        }
        _ => true,
    };
    will_come_out && matches!(verify(packet, at, field), Verdict::Right | Verdict::Offload)
}

fn lengths_become_auto(packet: &Packet, at: usize) -> bool {
    let fields = packet.layers[at].desc().fields.iter().enumerate();
    let mut lengths =
        fields.filter(|(_, f)| matches!(f.auto_rule(), Some(Auto::Length | Auto::PayloadLen | Auto::HeaderLen { .. })));
    lengths.all(|(field, _)| becomes_auto(packet, at, field))
}

/// Compares an automatic field of a dissected layer with what it should hold.
///
/// `at` counts all layers of the packet, remembered ones included.
pub(super) fn verify(packet: &Packet, at: usize, field: usize) -> Verdict {
    let layer = &packet.layers[at];
    let desc = layer.desc();
    let row = &desc.fields[field];
    let (Some(rule), Some((_, start, end))) = (row.auto_rule(), layer.range()) else { return Verdict::Right };
    let Some(Slot::Set(Value::Int(held))) = layer.slot(field) else { return Verdict::Right };
    let expected = match rule {
        Auto::HeaderLen { unit, minus } => expected_header(packet, at, held, unit, minus),
        Auto::Length => expected_length(packet, at, held),
        // A payload longer than the field has another length (RFC 2675), and segments joined by a network card have none.
        Auto::PayloadLen if held == 0 && end > start => {
            payload_len(packet, at, end - start, held).filter(|len| *len == 0)
        }
        Auto::PayloadLen => payload_len(packet, at, end - start, held),
        Auto::After => {
            let behind = (layer.offset(field) + usize::from(row.width().unwrap_or(0))) / 8;
            let here = ((end - start) as u64).saturating_sub(behind as u64);
            // What is not here may come in the next segment.
            (held <= here || !has_length(desc, row.name)).then_some(here)
        }
        Auto::SizeOf(name) => size_of(layer, name).or(Some(held)),
        Auto::CountOf(name) => count_of(layer, name).filter(|count| *count == held || !is_cut(packet, at)),
        Auto::Next(_) => expected_next(packet, at, row.name, held),
        Auto::WidthOf(_) => Some(held),
        Auto::PseudoSum { .. } if packet.meta().is_some_and(|m| m.offload) && !desc.quoted => return Verdict::Offload,
        Auto::PseudoSum { zero_as_ones: true } if held == 0 => None,
        Auto::HeaderSum => can_verify(packet, at).then(|| checksum(packet, at, field, rule, start..end)).flatten(),
        Auto::Sum | Auto::PseudoSum { .. } | Auto::Crc32c => {
            can_verify(packet, at).then(|| checksum(packet, at, field, rule, start..end_of(packet, at))).flatten()
        }
        _ => None,
    };
    match expected {
        Some(expected) if expected == held => Verdict::Right,
        // A quote may be cut, and routers change what they quote.
        Some(expected) if !desc.quoted => Verdict::Wrong(expected),
        _ => Verdict::Unknown,
    }
}

fn expected_header(packet: &Packet, at: usize, held: u64, unit: u8, minus: u8) -> Option<u64> {
    let layer = &packet.layers[at];
    let (_, start, end) = layer.range()?;
    if header_goes_on(packet, at) {
        return None;
    }
    // The zeros that fill a header may count in no length, and be missing at the end of a packet.
    let align = u64::from(layer.desc().align.max(1));
    let least = layer.offset(layer.desc().fields.len()) as u64 / 8;
    let counted = (held + u64::from(minus)) * u64::from(unit);
    if align > 1 && counted >= least && (counted..=counted.next_multiple_of(align)).contains(&((end - start) as u64)) {
        return Some(held);
    }
    Some(header_units(layer.desc(), end - start, unit, minus))
}

/// Whether a layer says how long it is in this field.
fn has_length(desc: &LayerDesc, field: &str) -> bool {
    desc.length.is_some_and(|length| length.field == field)
}

/// The length of a header in the units in which a field counts it: in one that is filled, the last is whole.
pub(super) fn header_units(desc: &LayerDesc, bytes: usize, unit: u8, minus: u8) -> u64 {
    let (bytes, unit) = (bytes as u64, u64::from(unit));
    let units = if desc.align > 1 { bytes.div_ceil(unit) } else { bytes / unit };
    units.saturating_sub(minus.into())
}

/// Bytes of the named field of a layer that was read.
fn size_of(layer: &Layer, name: &str) -> Option<u64> {
    let index = layer.index(name)?;
    let next = layer.offset(index + 1) - layer.offset(index);
    Some(next as u64 / 8)
}

/// Items of the named field of a layer that was read; those that are malformed do not count.
fn count_of(layer: &Layer, name: &str) -> Option<u64> {
    match layer.get(name)? {
        Slot::Set(Value::List(items)) => Some(items.iter().filter(|i| !matches!(i, Value::Bytes(_))).count() as u64),
        _ => None,
    }
}

/// Whether a header says that it is longer than what is left of a packet that was cut.
fn header_goes_on(packet: &Packet, at: usize) -> bool {
    let layer = &packet.layers[at];
    let (Header::Units { field, unit, plus }, Some((bytes, start, _))) = (layer.desc().header, layer.range()) else {
        return false;
    };
    let said = |units: u64| units as usize * usize::from(unit) + usize::from(plus);
    layer.int(field).is_some_and(|units| start + said(units) > bytes.len()) && is_cut(packet, at)
}

fn payload_len(packet: &Packet, at: usize, header: usize, held: u64) -> Option<u64> {
    expected_length(packet, at, held + header as u64).map(|len| len - header as u64)
}

fn expected_length(packet: &Packet, at: usize, held: u64) -> Option<u64> {
    let (_, start, _) = packet.layers[at].range()?;
    let (stop, stated) = (payload_end(packet, at), start + held as usize);
    let is_at_padding =
        || packet.layers[at..].iter().any(|l| is_padding(l) && l.range().is_some_and(|r| r.2 == stated));
    if stop != stated && (is_at_padding() || is_cut(packet, at) || is_fragment(packet, at)) {
        return None;
    }
    Some((stop - start) as u64)
}

/// A number that leads to the layer above is not wrong, even when another one is written at build (802.1ad, 802.1Q).
fn expected_next(packet: &Packet, at: usize, field: &str, held: u64) -> Option<u64> {
    let under = packet.layers[at].desc();
    let upper = packet.layers.get(at + 1)?.desc();
    let first = upper.number_over(under, field)?;
    let leads_there = upper.over.iter().any(|o| o.under == under && o.field == field && o.number == held);
    (held == first || !leads_there).then_some(first)
}

/// The checksum that field `field` of a dissected layer should hold over `covered` bytes.
fn checksum(packet: &Packet, at: usize, field: usize, rule: Auto, covered: Range<usize>) -> Option<u64> {
    let layer = &packet.layers[at];
    let (bytes, ..) = layer.range()?;
    let mut own = bytes.get(covered)?.to_vec();
    let at_bits = layer.offset(field);
    let width = layer.desc().fields[field].width().map_or(16, usize::from);
    bits::read(&own, at_bits, width)?;
    bits::write(&mut own, at_bits, width, 0);
    let zero_as_ones = match rule {
        Auto::PseudoSum { zero_as_ones } => zero_as_ones,
        Auto::Crc32c => return Some(crc32c(&own).swap_bytes().into()),
        _ => return Some(Sum::default().add(&own).finish().into()),
    };
    let below = network_below(&packet.layers, at)?;
    let network = &packet.layers[below];
    let end = packet.layers[below..at].iter().rev().find_map(routed_to);
    let sum = pseudo_sum(network, network.header_bytes()?, end.as_ref(), layer.desc(), own.len() as u32, &own)?;
    Some(if sum == 0 && zero_as_ones { 0xffff } else { sum.into() })
}

/// Where layer `at` of a dissected packet ends: where it or a layer below says so, else where its payload ends.
fn end_of(packet: &Packet, at: usize) -> usize {
    let lower = packet.layers[..=at].iter().filter_map(|layer| {
        let (bytes, start, end) = layer.range()?;
        let stated = start + layer.stated_len()?;
        (end..=bytes.len()).contains(&stated).then_some(stated)
    });
    let inner = payload_end(packet, at);
    lower.min().map_or(inner, |stated| stated.max(inner))
}

/// Where the layers of a dissected packet end, padding left out.
fn payload_end(packet: &Packet, at: usize) -> usize {
    let inner = packet.layers[at..].iter().rev().find(|l| !is_padding(l));
    inner.and_then(Layer::range).map_or(0, |(_, _, end)| end)
}

/// Whether the packet goes on behind the bytes that are there. The outermost length tells: what lies in a whole
/// packet is whole, and a length in it that says more is wrong.
fn is_cut(packet: &Packet, at: usize) -> bool {
    let mut stated = packet.layers[..=at].iter().filter_map(|layer| {
        let (bytes, start, _) = layer.range()?;
        Some(start + layer.stated_len()? > bytes.len())
    });
    stated.next().unwrap_or(false)
}

/// Whether layer `at` lies in a fragment.
fn is_fragment(packet: &Packet, at: usize) -> bool {
    let says = |layer: &Layer| {
        let Some(f) = layer.desc().fragment else { return false };
        layer.int(f.offset).is_some_and(|n| n != 0) || layer.int(f.flags).is_some_and(|n| n & f.more != 0)
    };
    packet.layers[..at].iter().any(says)
}

/// Whether checksums of layer `at` can be verified: all of it is here, and it is the original.
fn can_verify(packet: &Packet, at: usize) -> bool {
    let is_quoted = packet.layers[..=at].iter().any(|l| l.desc().quoted);
    // A network header's own sum covers the header alone, which is here even when the packet is cut.
    let only_header = packet.layers[at].desc().ends.is_some();
    !is_quoted && !is_fragment(packet, at) && !header_goes_on(packet, at) && (only_header || !is_cut(packet, at))
}

fn is_padding(layer: &Layer) -> bool {
    layer.desc().padding
}
