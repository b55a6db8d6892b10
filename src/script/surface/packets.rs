//! Methods of packets.

use rhai::{Array, Blob, Dynamic, EvalAltResult, ImmutableString};

use super::{need, opt};
use crate::base::text;
use crate::packet::{LayerDesc, Packet};
use crate::script::func::{Call, Func, Kind, Param, describe, int};
use crate::script::values::layer_named;

const PACKET: Param = need("packet", Kind::Packet, "The packet.");
const LAYER: Param = need("layer", Kind::Any, "The layer, like TCP or \"TCP\".");
pub(super) const DUMP: Param = opt("dump", Kind::Bool, "false", "Return the text and print nothing.");

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "show2",
        group: "packets",
        doc: "Prints all layers and fields as they go out: with lengths and checksums.",
        params: &[PACKET, DUMP],
        more: false,
        gives: "None",
        examples: &[r#"(IP("web.lab")/TCP(dport=443)).show2()"#],
        run: |call| {
            let packet = call.packet(0);
            let text = packet.show2(&call.state.network.borrow().looking()).map_err(|e| call.fail(e))?;
            Ok(print_or_give(call, 1, text))
        },
    },
    Func {
        name: "command",
        group: "packets",
        doc: "The line of script that makes the packet again.",
        params: &[PACKET],
        more: false,
        gives: "text",
        examples: &[r#"(IP("web.lab")/TCP(80, flags="FPU")).command()"#],
        run: |call| Ok(call.packet(0).command().into()),
    },
    Func {
        name: "bytes",
        group: "packets",
        doc: "The bytes of a packet as they would go out now; sends nothing.",
        params: &[need("packet", Kind::Any, "A packet, bytes or text.")],
        more: false,
        gives: "a blob",
        examples: &[r#"(IP("web.lab")/ICMP()).bytes().len()"#],
        run: |call| own_bytes(call).map(Dynamic::from_blob),
    },
    Func {
        name: "hex",
        group: "packets",
        doc: "The bytes in lower-case hexadecimal.",
        params: &[need("packet", Kind::Any, "A packet, bytes or text.")],
        more: false,
        gives: "text",
        examples: &[r#"hex(ARP("192.0.2.10"))"#],
        run: |call| Ok(text::hex(&own_bytes(call)?).into()),
    },
    Func {
        name: "unhex",
        group: "packets",
        doc: "Bytes from hexadecimal text; blanks and colons are passed over.",
        params: &[need("text", Kind::Text, "The digits.")],
        more: false,
        gives: "a blob",
        examples: &[r#"unhex("ff 00 0a")"#],
        run: |call| {
            let digits = call.text(0).unwrap_or_default();
            text::unhex(&digits).map(Dynamic::from_blob).map_err(|e| call.fail(e))
        },
    },
    Func {
        name: "count",
        group: "packets",
        doc: "How many packets a set stands for.",
        params: &[PACKET],
        more: false,
        gives: "a number",
        examples: &[r#"(IP("192.0.2.0/24")/TCP(dport=1..=1024)).count()"#],
        run: |call| Ok(int(call.packet(0).count())),
    },
    Func {
        name: "haslayer",
        group: "packets",
        doc: "Whether a packet has a layer; one quoted in an ICMP error does not count.",
        params: &[PACKET, LAYER],
        more: false,
        gives: "true or false",
        examples: &[r#"(IP("web.lab")/TCP(80)).haslayer(TCP)"#],
        run: |call| {
            let packet = call.packet(0);
            Ok(packet.layer(layer_of(call)?).is_some().into())
        },
    },
    Func {
        name: "getlayer",
        group: "packets",
        doc: "The packet from a layer inward, or None.",
        params: &[PACKET, LAYER, opt("nth", Kind::Count, "1", "Which one, if there are several, from 1.")],
        more: false,
        gives: "a packet, or None",
        examples: &[r#"(IP("web.lab")/TCP(80)).getlayer(TCP).dport"#],
        run: |call| {
            let packet = call.packet(0);
            let desc = layer_of(call)?;
            let nth = call.count(2).unwrap_or(1);
            let at = packet.find(desc, usize::try_from(nth).unwrap_or(usize::MAX));
            Ok(at.map_or(Dynamic::UNIT, |at| Dynamic::from(packet.from_layer(at))))
        },
    },
    Func {
        name: "layers",
        group: "packets",
        doc: "The layers of a packet, the outermost first.",
        params: &[PACKET],
        more: false,
        gives: "a list of layers",
        examples: &[r#"(IP("web.lab")/TCP(80)).layers()"#],
        run: |call| Ok(call.packet(0).layers().iter().map(|l| Dynamic::from(l.desc())).collect::<Array>().into()),
    },
    Func {
        name: "copy",
        group: "packets",
        doc: "A copy; changes to it leave the packet as it is (so does `let q = p`).",
        params: &[PACKET],
        more: false,
        gives: "a packet",
        examples: &[r#"(IP("web.lab")/TCP(80)).copy()"#],
        run: |call| Ok(Dynamic::from(call.packet(0))),
    },
];

/// Prints a text, or gives it back when `dump` (argument `at`) says so.
pub(super) fn print_or_give(call: &mut Call<'_, '_>, at: usize, text: String) -> Dynamic {
    if call.is_true(at) {
        return text.into();
    }
    call.state.console.print(&text);
    Dynamic::UNIT
}

pub(super) fn packet_of(call: &Call<'_, '_>, given: Dynamic) -> Result<Packet, Box<EvalAltResult>> {
    given.try_cast_result().map_err(|other| call.fail(format!("takes a packet, found {}", describe(&other))))
}

pub(super) fn bytes_of(call: &Call<'_, '_>, given: Dynamic) -> Result<Blob, Box<EvalAltResult>> {
    if let Some(text) = given.read_lock::<ImmutableString>() {
        return Ok(text.as_bytes().to_vec());
    }
    match given.try_cast_result::<Blob>() {
        Ok(blob) => Ok(blob),
        Err(other) => {
            let packet = packet_of(call, other)?;
            call.state.bytes(&packet).map_err(|e| call.fail(e))
        }
    }
}

/// The bytes of argument 0.
fn own_bytes(call: &mut Call<'_, '_>) -> Result<Blob, Box<EvalAltResult>> {
    let given = call.take(0).unwrap_or_default();
    bytes_of(call, given)
}

fn layer_of(call: &mut Call<'_, '_>) -> Result<&'static LayerDesc, Box<EvalAltResult>> {
    let given = call.take(1).unwrap_or_default();
    if let Some(desc) = given.read_lock::<&'static LayerDesc>() {
        return Ok(*desc);
    }
    if let Some(name) = given.read_lock::<ImmutableString>() {
        return layer_named(&name);
    }
    Err(call.fail(format!("takes a layer like TCP, found {}", describe(&given))))
}
