//! Which reply answers which probe: the rules of the layers, joined over a whole packet.

use crate::base::rng::{hash, mix};
use crate::packet::{Layer, Packet, Slot, Value};

/// What a heard packet is to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its answer.
    Answer,
    /// From the right host to the right place, but not its answer; in a few words, why.
    Mismatch(String),
    /// Something else.
    Unrelated,
}

/// Whether `reply` answers `probe`. Both begin with the same kind of layer, and hold the bytes as sent and received.
///
/// `any_source`: the probe went to many (broadcast, multicast), so anyone may answer.
pub(super) fn answers(probe: &Packet, reply: &Packet, any_source: bool) -> Verdict {
    let quote = reply.layers().iter().position(|l| l.desc().quoted);
    match quote {
        Some(at) => quotes(probe, &reply.layers()[at..]),
        None => replies(probe, reply, any_source),
    }
}

/// An ICMP error answers the probe that it quotes, whoever sent it (RFC 792).
fn quotes(probe: &Packet, quoted: &[Layer]) -> Verdict {
    let Some(start) = probe.layers().iter().position(|l| l.desc().ends.is_some()) else { return Verdict::Unrelated };
    for (sent, quote) in probe.layers()[start..].iter().filter(|l| !l.desc().extension).zip(quoted) {
        for field in sent.desc().pairs.quoted {
            // A short quote holds only some fields; those decide.
            if let (Some(wanted), Some(found)) = (sent.get(field), quote.get(field))
                && wanted != found
            {
                return Verdict::Unrelated;
            }
        }
    }
    Verdict::Answer
}

fn replies(probe: &Packet, reply: &Packet, any_source: bool) -> Verdict {
    let seen = |(_, layer): &(usize, &Layer)| !layer.desc().extension;
    let reply = reply.layers().iter().enumerate().filter(seen).map(|(_, got)| got);
    for ((at, sent), got) in probe.layers().iter().enumerate().filter(seen).zip(reply) {
        let by = sent.desc().pairs.by;
        let is_kind = if by.is_empty() { sent.desc() == got.desc() } else { by.contains(&got.desc()) };
        if !is_kind {
            return Verdict::Mismatch(format!("{}, not {}", got.desc().name, sent.desc().name));
        }
        if let Some((src, dst)) = sent.desc().ends
            && (!(any_source || got.get(src) == sent.get(dst)) || got.get(dst) != sent.get(src))
        {
            return Verdict::Unrelated;
        }
        let pairs = &sent.desc().pairs;
        for (a, b) in pairs.swap {
            if got.get(a) != sent.get(b) || got.get(b) != sent.get(a) {
                return Verdict::Unrelated;
            }
        }
        let payload: usize = probe.layers()[at + 1..]
            .iter()
            .filter(|l| !l.desc().padding)
            .map(|l| l.header_bytes().map_or(0, <[u8]>::len))
            .sum();
        if let Err(why) = (pairs.check)(sent, payload, got) {
            return Verdict::Mismatch(why);
        }
        for field in pairs.same {
            let (wanted, found) = (sent.int(field), got.int(field));
            if wanted != found {
                return Verdict::Mismatch(format!("{field} {}, not {}", found.unwrap_or(0), wanted.unwrap_or(0)));
            }
        }
        // Ports, or an identifier, or a kind of answer: from here on it is this conversation, whatever it carries.
        if (!pairs.quoted.is_empty() || !by.is_empty()) && sent.desc().ends.is_none() {
            break;
        }
    }
    Verdict::Answer
}

/// A number that a probe and all its answers share; others may share it too.
///
/// `remote` is false for probes that anyone may answer: their key leaves the far address out.
pub(super) fn key_of_probe(probe: &Packet, remote: bool) -> u64 {
    key(probe.layers(), |l| l.desc().ends.map(|(_, dst)| dst), remote)
}

/// The key of a heard packet, see [`key_of_probe`]. An ICMP error has the key of what it quotes.
pub(super) fn key_of_reply(reply: &Packet, remote: bool) -> u64 {
    match reply.layers().iter().position(|l| l.desc().quoted) {
        Some(at) => key(&reply.layers()[at..], |l| l.desc().ends.map(|(_, dst)| dst), remote),
        None => key(reply.layers(), |l| l.desc().ends.map(|(src, _)| src), remote),
    }
}

fn key(layers: &[Layer], far: impl Fn(&Layer) -> Option<&'static str>, remote: bool) -> u64 {
    let network = layers.iter().position(|l| l.desc().ends.is_some());
    let Some(at) = network else { return 0 };
    let address = far(&layers[at]).and_then(|field| layers[at].get(field));
    let address = match address {
        Some(Slot::Set(Value::Ip4(addr))) if remote => u64::from(u32::from(addr)),
        Some(Slot::Set(Value::Ip6(addr, _))) if remote => hash(0, &addr.octets()),
        _ => 0,
    };
    // A sum, so that the order of those that cross over (ports) does not count.
    let conversation = layers[at + 1..].iter().find(|l| !l.desc().extension).map_or(0, |layer| {
        key_fields(layer).fold(0u64, |sum, field| sum.wrapping_add(mix(layer.int(field).unwrap_or(0))))
    });
    mix(address ^ conversation)
}

/// The fields that tell one conversation from another: ports, or an identifier and a number.
fn key_fields(layer: &Layer) -> impl Iterator<Item = &'static str> {
    let pairs = &layer.desc().pairs;
    pairs.swap.iter().flat_map(|(a, b)| [*a, *b]).chain(pairs.same.iter().copied())
}

/// Whether a reply quotes so little of a probe that it has no key: less than the 8 bytes that RFC 792 asks for.
pub(super) fn quotes_too_little(reply: &Packet) -> bool {
    let quote = reply.layers().iter().skip_while(|l| !l.desc().quoted);
    quote.take_while(|l| l.desc().quoted).any(|layer| key_fields(layer).any(|f| layer.get(f).is_none()))
}
