//! Automatic values: what a length, a checksum or the number of the next layer should be.
//!
//! One set of rules serves building ([`super::build`]), verifying what was dissected, and the first edit.

use std::ops::Range;

use super::field::Auto;
use super::layer::{Header, Layer, LayerDesc};
use super::{Packet, Shape, Slot, Value, bits};
use crate::base::checksum::Sum;

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

/// The Internet checksum of `covered` under the pseudo-header of `network` (RFC 9293 section 3.1, RFC 768).
///
/// `header` holds the network layer's header; `len` is the length that the pseudo-header states.
pub(super) fn pseudo_sum(network: &Layer, header: &[u8], upper: &LayerDesc, len: u16, covered: &[u8]) -> Option<u16> {
    let (src, dst) = network.desc().ends?;
    let addr = |name: &str| {
        let at = network.offset(network.index(name)?) / 8;
        header.get(at..at + 4)
    };
    let protocol = upper.over.iter().find(|o| o.under == network.desc())?.number as u16;
    let routed = source_route_end(network);
    let sum = Sum::default()
        .add(addr(src)?)
        .add(routed.as_ref().map_or(addr(dst)?, |end| &end[..]))
        .add(&protocol.to_be_bytes())
        .add(&len.to_be_bytes());
    Some(sum.add(covered).finish())
}

/// The last address of a source route: the destination that the pseudo-header means (RFC 1122 section 3.2.1.8).
fn source_route_end(network: &Layer) -> Option<[u8; 4]> {
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
        Some(Value::Ip4(end)) => Some(end.octets()),
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
        Auto::Sum => payload_end(packet, at) == end_of(packet, at),
        // A pseudo-header states the network layer's length when that is set.
        Auto::PseudoSum { .. } => {
            payload_end(packet, at) == end_of(packet, at) && at > 0 && lengths_become_auto(packet, at - 1)
        }
        _ => true,
    };
    will_come_out && matches!(verify(packet, at, field), Verdict::Right | Verdict::Offload)
}

fn lengths_become_auto(packet: &Packet, at: usize) -> bool {
    let fields = packet.layers[at].desc().fields.iter().enumerate();
    let mut lengths = fields.filter(|(_, f)| matches!(f.auto_rule(), Some(Auto::Length | Auto::HeaderWords)));
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
        Auto::HeaderWords => expected_words(packet, at),
        Auto::Length => expected_length(packet, at, held),
        Auto::Next(_) => expected_next(packet, at, row.name, held),
        Auto::WidthOf(_) => Some(held),
        Auto::PseudoSum { .. } if packet.meta().is_some_and(|m| m.offload) && !desc.quoted => return Verdict::Offload,
        Auto::PseudoSum { zero_as_ones: true } if held == 0 => None,
        Auto::HeaderSum => can_verify(packet, at).then(|| checksum(packet, at, field, rule, start..end)).flatten(),
        Auto::Sum | Auto::PseudoSum { .. } => {
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

fn expected_words(packet: &Packet, at: usize) -> Option<u64> {
    let (_, start, end) = packet.layers[at].range()?;
    (!header_goes_on(packet, at)).then_some((end - start) as u64 / 4)
}

/// Whether a header says that it is longer than what is left of a packet that was cut.
fn header_goes_on(packet: &Packet, at: usize) -> bool {
    let layer = &packet.layers[at];
    let (Header::Words(field), Some((bytes, start, _))) = (layer.desc().header, layer.range()) else { return false };
    layer.int(field).is_some_and(|words| start + words as usize * 4 > bytes.len()) && is_cut(packet, at)
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
    bits::read(&own, at_bits, 16)?;
    bits::write(&mut own, at_bits, 16, 0);
    let Auto::PseudoSum { zero_as_ones } = rule else { return Some(Sum::default().add(&own).finish().into()) };
    let network = packet.layers[..at].last().filter(|under| under.desc().ends.is_some())?;
    let sum = pseudo_sum(network, network.header_bytes()?, layer.desc(), own.len() as u16, &own)?;
    Some(if sum == 0 && zero_as_ones { 0xffff } else { sum.into() })
}

/// Where layer `at` of a dissected packet ends: where it or a layer below says so, else where its payload ends.
fn end_of(packet: &Packet, at: usize) -> usize {
    let lower = packet.layers[..=at].iter().filter_map(|layer| {
        let (bytes, start, end) = layer.range()?;
        let stated = start + layer.int(layer.desc().length?)? as usize;
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
        Some(start + layer.int(layer.desc().length?)? as usize > bytes.len())
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
