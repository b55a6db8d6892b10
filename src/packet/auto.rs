//! Automatic values: what a length, a checksum or the number of the next layer should be.
//!
//! One set of rules serves building ([`super::build`]), verifying what was dissected, and the first edit.

use super::field::Auto;
use super::layer::{Layer, LayerDesc};
use super::{Packet, Shape, Slot, Value};
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
/// `bytes` hold the network layer's header; `len` is the length that the pseudo-header states.
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
    let options = network.desc().fields.iter().position(|f| matches!(f.shape, Shape::Options(_)))?;
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
            [Value::Text(name), Value::List(addrs)] if matches!(&**name, "LSRR" | "SSRR") => Some(addrs),
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

/// Whether field `field` of layer `at` becomes automatic at the first edit.
pub(super) fn becomes_auto(packet: &Packet, at: usize, field: usize) -> bool {
    let desc = packet.layers[at].desc();
    desc.fields[field].auto_rule().is_some_and(Auto::is_computed)
        && matches!(verify(packet, at, field), Verdict::Right | Verdict::Offload)
}

/// Compares an automatic field of a dissected layer with what it should hold.
///
/// `at` counts all layers of the packet, remembered ones included.
pub(super) fn verify(packet: &Packet, at: usize, field: usize) -> Verdict {
    let layer = &packet.layers[at];
    let desc = layer.desc();
    let row = &desc.fields[field];
    let (Some(rule), Some((bytes, start, end))) = (row.auto_rule(), layer.range()) else { return Verdict::Right };
    let Some(Slot::Set(Value::Int(held))) = layer.slot(field) else { return Verdict::Right };
    let stop = payload_end(packet, at).max(end);
    let expected = match rule {
        Auto::HeaderWords => Some((end - start) as u64 / 4),
        Auto::Length if ends_at_a_layer(packet, at, start + held as usize) => Some(held),
        Auto::Length => (!is_cut(packet, at)).then_some((stop - start) as u64),
        Auto::Next(_) => packet.layers.get(at + 1).and_then(|upper| upper.desc().number_over(desc, row.name)),
        Auto::WidthOf(_) => Some(held),
        Auto::HeaderSum | Auto::Sum | Auto::PseudoSum { .. } => {
            if !can_verify(packet, at) || (held == 0 && rule == Auto::PseudoSum { zero_as_ones: true }) {
                return Verdict::Unknown;
            }
            if matches!(rule, Auto::PseudoSum { .. }) && packet.meta().is_some_and(|m| m.offload) {
                return Verdict::Offload;
            }
            let covered = if rule == Auto::HeaderSum { end } else { stop };
            let at_bits = layer.offset(field);
            let mut own = bytes[start..covered].to_vec();
            if super::bits::read(&own, at_bits, 16).is_none() {
                return Verdict::Unknown;
            }
            super::bits::write(&mut own, at_bits, 16, 0);
            checksum(packet.layers[..at].last(), layer, rule, &own).map(u64::from)
        }
        _ => None,
    };
    match expected {
        Some(expected) if expected == held => Verdict::Right,
        Some(expected) => Verdict::Wrong(expected),
        None => Verdict::Unknown,
    }
}

/// A dissected layer's checksum over `own`, its header (field zeroed) and payload.
fn checksum(under: Option<&Layer>, layer: &Layer, rule: Auto, own: &[u8]) -> Option<u16> {
    let Auto::PseudoSum { zero_as_ones } = rule else { return Some(Sum::default().add(own).finish()) };
    let network = under.filter(|u| u.desc().ends.is_some())?;
    let sum = pseudo_sum(network, network.header_bytes()?, layer.desc(), own.len() as u16, own)?;
    Some(if sum == 0 && zero_as_ones { 0xffff } else { sum })
}

/// Where the layers of a dissected packet end, padding left out.
fn payload_end(packet: &Packet, at: usize) -> usize {
    let inner = packet.layers[at..].iter().rev().find(|l| !is_padding(l));
    inner.and_then(Layer::range).map_or(0, |(_, _, end)| end)
}

/// Whether a length that reaches `end` covers whole layers above `at` and all but padding.
fn ends_at_a_layer(packet: &Packet, at: usize, end: usize) -> bool {
    let last = packet.layers[at..].iter().rposition(|l| !is_padding(l)).unwrap_or(0);
    packet.layers[at + last..].iter().filter_map(Layer::range).any(|(_, _, e)| e == end)
}

/// Whether layer `at`, or one below it, says that it is longer than the bytes that are there.
pub(super) fn is_cut(packet: &Packet, at: usize) -> bool {
    packet.layers[..=at].iter().any(|layer| {
        let Some((bytes, start, _)) = layer.range() else { return false };
        let len = layer.desc().length.and_then(|name| layer.int(name));
        len.is_some_and(|len| start + len as usize > bytes.len())
    })
}

/// Whether checksums of layer `at` can be verified: all of it is here, and it is the original.
fn can_verify(packet: &Packet, at: usize) -> bool {
    let lower = &packet.layers[..=at];
    let quoted = lower.iter().any(|l| l.desc().quoted);
    let fragment = packet.layers[..at].iter().any(|l| {
        l.desc()
            .fragment
            .is_some_and(|f| l.int(f.offset).is_some_and(|n| n != 0) || l.int(f.flags).is_some_and(|n| n & f.more != 0))
    });
    // A network header's own sum covers the header alone, which is here even when the packet is cut.
    let only_header = packet.layers[at].desc().ends.is_some();
    !quoted && !fragment && (only_header || !is_cut(packet, at))
}

fn is_padding(layer: &Layer) -> bool {
    layer.desc().padding
}
