//! Methods of packets and of lists of packets.

use rhai::{Array, Blob, Dynamic, EvalAltResult, FnPtr, ImmutableString};

use super::{need, opt};
use crate::base::text;
use crate::packet::{LayerDesc, Packet};
use crate::script::func::{Call, Func, Kind, Param, Reply, describe, int};
use crate::script::values::{Packets, Row, Rows, items, layer_named};

const PACKET: Param = need("packet", Kind::Packet, "The packet.");
const LAYER: Param = need("layer", Kind::Any, "The layer, like TCP or \"TCP\".");
const DUMP: Param = opt("dump", Kind::Bool, "false", "Return the text and print nothing.");
const PRN: Param =
    need("prn", Kind::Function, "Called with each item; for answers with the row, or with query and answer.");
const LIST: Param = need("list", Kind::Any, "Packets, answers or results.");

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "show",
        group: "packets",
        doc: "Prints all layers and fields; automatic ones as auto.",
        params: &[need("packet", Kind::Any, "A packet, or a list of packets or answers."), DUMP],
        more: false,
        gives: "None",
        examples: &[r#"(IP("web.lab")/TCP(dport=443)).show()"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            let text = match given.try_cast_result::<Packet>() {
                Ok(packet) => packet.show(&call.state.network.borrow().looking()),
                Err(other) => list_text(call, &other)?,
            };
            Ok(print_or_give(call, 1, text))
        },
    },
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
        name: "hexdump",
        group: "packets",
        doc: "Prints the bytes in hexadecimal and as text.",
        params: &[need("packet", Kind::Any, "A packet, bytes or text."), DUMP],
        more: false,
        gives: "None",
        examples: &[r#"hexdump(IP("web.lab")/ICMP())"#],
        run: |call| {
            let bytes = bytes_of(call)?;
            Ok(print_or_give(call, 1, text::hexdump(&bytes)))
        },
    },
    Func {
        name: "summary",
        group: "packets",
        doc: "One line on a packet; for a list, prints a line each.",
        params: &[
            need("packet", Kind::Any, "A packet, or a list of packets or answers."),
            opt("prn", Kind::Function, "None", "For a list: what to print of each item."),
        ],
        more: false,
        gives: "the line; for a list None",
        examples: &[r#"(IP("web.lab")/TCP(80)).summary()"#],
        run: summary,
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
        run: |call| bytes_of(call).map(Dynamic::from_blob),
    },
    Func {
        name: "hex",
        group: "packets",
        doc: "The bytes in lower-case hexadecimal.",
        params: &[need("packet", Kind::Any, "A packet, bytes or text.")],
        more: false,
        gives: "text",
        examples: &[r#"hex(ARP("192.0.2.10"))"#],
        run: |call| Ok(text::hex(&bytes_of(call)?).into()),
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
        name: "len",
        group: "packets",
        doc: "Length of a packet in bytes, or of a list in items.",
        params: &[need("packet", Kind::Any, "A packet, or a list of packets or answers.")],
        more: false,
        gives: "a number",
        examples: &[r#"(IP("web.lab")/TCP(80)).len()"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            match items(&given) {
                Some(items) => Ok(int(items.len())),
                None => {
                    let packet = packet_of(call, given)?;
                    call.state.bytes(&packet).map(|b| int(b.len())).map_err(|e| call.fail(e))
                }
            }
        },
    },
    Func {
        name: "is_empty",
        group: "packets",
        doc: "Whether a list of packets or answers has no items.",
        params: &[LIST],
        more: false,
        gives: "true or false",
        examples: &[r#"sr(IP("web.lab")/TCP(80)).unans.is_empty()"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            Ok(list_of(call, &given)?.is_empty().into())
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
    Func {
        name: "filter",
        group: "packets",
        doc: "The items of a list for which a function says true.",
        params: &[LIST, PRN],
        more: false,
        gives: "a list of the same kind",
        examples: &[r#"sr(IP("web.lab")/TCP(dport=[22, 23])).ans.filter(|s, r| r[TCP].flags.SA).len()"#],
        run: filter,
    },
    Func {
        name: "map",
        group: "packets",
        doc: "What a function gives for each item of a list.",
        params: &[LIST, PRN],
        more: false,
        gives: "a list",
        examples: &[r#"sr(IP("web.lab")/TCP(dport=[22, 23])).ans.map(|s, r| [s.dport, r[TCP].flags])"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            let (list, prn) = (list_of(call, &given)?, call.take(1));
            list.iter().map(|item| apply(call, prn.as_ref(), item)).collect::<Result<Array, _>>().map(Into::into)
        },
    },
];

/// Prints a text, or gives it back when `dump` (argument `at`) says so.
fn print_or_give(call: &mut Call<'_, '_>, at: usize, text: String) -> Dynamic {
    if call.is_true(at) {
        return text.into();
    }
    call.state.console.print(&text);
    Dynamic::UNIT
}

fn packet_of(call: &Call<'_, '_>, given: Dynamic) -> Result<Packet, Box<EvalAltResult>> {
    given.try_cast_result().map_err(|other| call.fail(format!("takes a packet, found {}", describe(&other))))
}

fn bytes_of(call: &mut Call<'_, '_>) -> Result<Blob, Box<EvalAltResult>> {
    let given = call.take(0).unwrap_or_default();
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

fn list_of(call: &Call<'_, '_>, given: &Dynamic) -> Result<Array, Box<EvalAltResult>> {
    items(given).ok_or_else(|| call.fail(format!("takes packets or answers, found {}", describe(given))))
}

fn list_text(call: &Call<'_, '_>, given: &Dynamic) -> Result<String, Box<EvalAltResult>> {
    let list = items(given).ok_or_else(|| call.fail(format!("takes a packet, found {}", describe(given))))?;
    let lines = list.iter().enumerate().map(|(i, item)| format!("{i:04} {}", line_of(call, item)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// A packet's or a row's line.
fn line_of(call: &Call<'_, '_>, item: &Dynamic) -> String {
    if let Some(row) = item.read_lock::<Row>() {
        return format!("{} ==> {}", call.state.summary(&row.query), call.state.summary(&row.answer));
    }
    item.read_lock::<Packet>().map(|p| call.state.summary(&p)).unwrap_or_default()
}

fn summary(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let Some(list) = items(&given) else {
        let packet = packet_of(call, given)?;
        return Ok(call.state.summary(&packet).into());
    };
    let prn = call.take(1);
    for item in &list {
        let line = match &prn {
            None => line_of(call, item),
            Some(_) => call.text_of(apply(call, prn.as_ref(), item)?)?,
        };
        call.state.console.print(&line);
    }
    Ok(Dynamic::UNIT)
}

fn filter(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let prn = call.take(1);
    let mut kept = Array::new();
    for item in list_of(call, &given)? {
        let said = apply(call, prn.as_ref(), &item)?;
        match said.as_bool() {
            Ok(true) => kept.push(item),
            Ok(false) => {}
            Err(_) => return Err(call.fail(format!("the function says true or false, found {}", describe(&said)))),
        }
    }
    Ok(if given.is::<Packets>() {
        Dynamic::from(Packets(kept.into_iter().filter_map(Dynamic::try_cast).collect::<Vec<_>>().into()))
    } else {
        Dynamic::from(Rows(kept.into_iter().filter_map(Dynamic::try_cast).collect::<Vec<_>>().into()))
    })
}

/// Calls a script's function with an item: a row goes as one parameter, or as query and answer.
fn apply(call: &Call<'_, '_>, prn: Option<&Dynamic>, item: &Dynamic) -> Reply {
    let Some(prn) = prn.and_then(Dynamic::read_lock::<FnPtr>) else { return Err(call.fail("no function")) };
    let row = item.read_lock::<Row>().map(|row| row.clone());
    match (row, parameters(call, &prn)) {
        (Some(row), Some(2)) => prn.call_raw(call.cx, None, [Dynamic::from(row.query), Dynamic::from(row.answer)]),
        (_, Some(1) | None) => prn.call_raw(call.cx, None, [item.clone()]),
        (row, Some(n)) => {
            let gets = if row.is_some() { "the row, |row|, or query and answer, |s, r|" } else { "the packet, |p|" };
            Err(call.fail(format!("the function has {n} parameters; it gets {gets}")))
        }
    }
}

/// How many parameters a script's function still takes; `None` for a built-in.
fn parameters(call: &Call<'_, '_>, prn: &FnPtr) -> Option<usize> {
    let curried = prn.curry().len();
    let counts: Vec<usize> = call
        .cx
        .iter_namespaces()
        .flat_map(|module| {
            module.iter_script_fn_info().map(|(_, _, name, count, _)| (name.to_owned(), count)).collect::<Vec<_>>()
        })
        .filter(|(name, _)| name == prn.fn_name())
        .map(|(_, count)| count - curried.min(count))
        .collect();
    counts.iter().find(|n| **n == 2).or_else(|| counts.first()).copied()
}
