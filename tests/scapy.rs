//! Scapy (of `PyPI`) as witness: for the same explicit fields our bytes are Scapy's, byte for byte, wrong values included;
//! and what Scapy reads in them, layer by layer and field by field, is what we read.
//!
//! Wanted differences. Those about values are kept out of the packets here ([`is_scapys`]), given to Scapy as we have
//! them ([`OTHER_PRESETS`]), or named with the fields ([`OTHER_FIELDS`]):
//!
//! | layer | Scapy | here | why |
//! |---|---|---|---|
//! | ports, ids | one fixed value | drawn | probes are told apart |
//! | TCP, IP options over 40 bytes | the length wraps | an error | what is automatic is right |
//! | Ether in Ether | type 1 | left alone | 1 is no protocol |
//! | ARP | cuts or fills an address to an explicit length; IPv6 addresses by `ptype` | sends it as it is; bytes | what is set is sent |
//! | `IP()/TCPerror()` | a protocol number | none | a quote lies in an error |
//! | UDP, TCP below DNS and BOOTP | the ports of an answer, or none | those of a question | a client speaks first |
//! | VXLAN | frames of the generic extension, by default | plain ones | RFC 7348 section 5 |
//! | IPv6 over BSD's loopback | this system's number, read and written | the BSDs' | only they write that header |
//! | AH | next header and length are not computed, the payload is not read | both | RFC 4302 section 2 |
//! | GRE with routing present | reads a source route | does not | RFC 2784 section 2.3 |
//! | `ICMPv6error`, `SCTPChunkUnknown` | none | layers | so that all is read |
//! | `ICMPv6Unknown` | only of known types | of all others | the same |
//! | SCTP quoted in an `ICMPv6` error | `SCTP` | `SCTPerror` | as in an ICMP error |
//! | payload of a quoted header | read on | Raw | it is another packet's, and cut |
//! | SCTP parameters | the fill of the last one counts | does not | RFC 9260 section 3.2 |
//! | Dot3 with padding | counts it | does not | IEEE 802.3 section 3.2.6 |
//! | IGMP in IP | an option comes with it, read or made | the user's | a layer sets numbers of the one below |
//! | `ICMPv6MLReport2` | loses records behind one with sources | reads all | RFC 3810 section 5.2 |
//! | NTP of modes 6 and 7 | other layers | the same one | they have no standard |
//! | DNS over TCP with no record | Raw | DNS | its header is whole |
//! | EDNS and DHCP options with a form of their own | that form | bytes | not modelled |
//! | options of IPv6 | packets | a list | one form for all options |
//! | ports of other protocols | read | Raw | not modelled |
//! | zeros behind a list of names, `rdlen`, `autopad`, `ext`, `extpad`, `auxdata` | hidden, or its own | shown, or none | they are on the wire, or not |

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Manner, Spec, bytes, hex, packet, spec, specs};
use pktsh::base::Rng;
use pktsh::layers;
use pktsh::packet::options::{Fill, OptionFormat, OptionTable};
use pktsh::packet::{Field, Layer, LayerDesc, Packet, Shape, Slot, Value};

const PACKETS: u64 = 900;

#[test]
fn the_same_fields_give_the_same_bytes() {
    let asked: Vec<Vec<Spec>> = (0..PACKETS)
        .map(|seed| {
            let manner = if seed % 4 == 0 { Manner::Straight } else { Manner::Wild };
            with_router_alert(specs(&mut Rng::new(seed), manner))
        })
        .filter(|specs| is_scapys(&packet(specs)))
        .collect();
    assert!(asked.len() as u64 > PACKETS * 2 / 3, "{} packets to build", asked.len());
    assert_same_bytes(&asked);
}

#[test]
fn icmp_of_every_type_is_scapys() {
    let message = |number| {
        let rng = &mut Rng::new(number);
        let ip = spec(rng, &layers::ip::IP, &[], Some(&layers::icmp::ICMP), Manner::Straight);
        vec![ip, spec(rng, &layers::icmp::ICMP, &[("type", number)], None, Manner::Wild)]
    };
    assert_same_bytes(&(0..=255).map(message).collect::<Vec<_>>());
}

/// Scapy gives IP the option that every IGMP message should have (RFC 3376 section 4) when it has none.
fn with_router_alert(mut specs: Vec<Spec>) -> Vec<Spec> {
    for at in 1..specs.len() {
        let is_under = specs[at].desc.name.starts_with("IGMP") && specs[at - 1].desc.name == "IP";
        let is_empty = |value: &Value| matches!(value, Value::List(items) if items.is_empty());
        if is_under && specs[at - 1].fields.iter().all(|(name, value)| *name != "options" || is_empty(value)) {
            specs[at - 1].fields.retain(|(name, _)| *name != "options");
            let alert = Value::List([Value::text("Router_Alert"), Value::Int(0)].into());
            specs[at - 1].fields.push(("options", Value::List([alert].into())));
        }
    }
    specs
}

fn assert_same_bytes(asked: &[Vec<Spec>]) {
    let answers = scapy(asked.iter().map(|specs| ask_to_build(specs)));
    let wrong: Vec<String> = asked
        .iter()
        .zip(&answers)
        .filter_map(|(specs, theirs)| {
            let packet = packet(specs);
            differ(&packet, &hex(&bytes(&packet)), theirs)
        })
        .collect();
    assert_none(&wrong, asked.len());
}

/// Where two answers begin to differ, if they do.
fn differ(packet: &Packet, ours: &str, theirs: &str) -> Option<String> {
    let at = (ours != theirs).then(|| ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count())?;
    let from = at.saturating_sub(40);
    let part = |text: &str| text.get(from..).unwrap_or_default().chars().take(160).collect::<String>();
    Some(format!("{}\n  ours   at {at}: {}\n  Scapy  at {at}: {}", packet.command(), part(ours), part(theirs)))
}

fn assert_none(wrong: &[String], of: usize) {
    assert!(wrong.is_empty(), "{} of {of} differ:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
}

/// Scapy loses those that follow one with sources.
fn has_one_record(report: &Layer) -> bool {
    matches!(report.get("records"), Some(Slot::Set(Value::List(items))) if items.len() < 2)
}

fn ends_evenly(chunk: &Layer) -> bool {
    let params = chunk.desc().fields.iter().find_map(|field| match (field.shape, chunk.get(field.name)) {
        (Shape::Options(table), Some(Slot::Set(Value::List(items)))) => Some((table, items)),
        _ => None,
    });
    params.is_none_or(|(table, items)| items.last().is_none_or(|last| one_option(table, last).len().is_multiple_of(4)))
}

/// Layers and values that Scapy does not have, or takes otherwise: see the table above.
fn is_scapys(packet: &Packet) -> bool {
    let is_known = |layer: &Layer| match layer.desc().name {
        "SCTPChunkUnknown" | "ICMPv6error" | "ICMPv6Unknown" | "AH" => false,
        "UDPerror" | "TCPerror" => !layer.int("dport").is_some_and(|port| [53, 500, 4500].contains(&port)),
        // It knows more protocols by their ports.
        "UDP" if packet.layer(&layers::raw::RAW).is_some() => {
            let ports = [layer.int("sport"), layer.int("dport")];
            !ports.iter().flatten().any(|port| [500, 4500, 4789, 4790, 6633, 8472].contains(port))
        }
        "ICMPv6MLReport2" => layer.int("records_number").is_none_or(|n| n < 2) && has_one_record(layer),
        "NTP" => layer.int("mode").is_some_and(|mode| mode < 6),
        "ARP" => layer.int("ptype") != Some(0x86dd),
        "Dot3" => packet.layer(&layers::raw::PADDING).is_none(),
        "DNS" => ["qd", "an", "ns", "ar"].iter().any(|name| layer.get(name) != Some(Slot::Set(Value::List([].into())))),
        // The last parameter's fill is no part of the length (RFC 9260 section 3.2).
        name if name.starts_with("SCTPChunk") && layer.index("params").is_some() => ends_evenly(layer),
        "GRE" => layer.int("routing_present") == Some(0),
        "IPv6ExtHdrRouting" => layer.int("type").is_some_and(|kind| kind != 3),
        "VXLAN" => layer.int("flags").is_some_and(|flags| flags & 0x84 == 0),
        "Loopback" | "LoopbackOpenBSD" => layer.int("type").is_none_or(|family| family < 256),
        _ => true,
    };
    // Scapy reads the values of these options by their own forms, which random bytes do not have.
    let forms =
        ["classless_static_routes", r#"["IPv4", ["#, "edns-client-subnet", "Extended DNS Error", "DAU", "DHU", "N3U"];
    let has_form = |command: &str| forms.iter().any(|name| command.contains(name));
    packet.layers().iter().all(is_known)
        && !["IPerror6 / SCTPerror", "SCTPerror / Raw"].iter().any(|names| packet.names().contains(names))
        && !has_form(&packet.command())
}

#[test]
fn both_read_the_same_fields_in_the_same_bytes() {
    let packets: Vec<Packet> = (0..PACKETS)
        .map(|seed| without_loopback6(common::random(seed, Manner::Straight)))
        .filter(|packet| !has_long_quote(packet) && is_scapys(packet))
        .collect();
    assert!(packets.len() as u64 > PACKETS * 2 / 3, "{} packets to read", packets.len());
    let answers = scapy(
        packets
            .iter()
            .map(|packet| format!(r#"{{"read": ["{}", "{}"]}}"#, packet.layers()[0].desc().name, hex(&bytes(packet)))),
    );
    let wrong: Vec<String> = packets
        .iter()
        .zip(&answers)
        .filter_map(|(packet, theirs)| {
            let ours = fields(&layers::dissect(packet.layers()[0].desc(), &bytes(packet)));
            differ(packet, &ours, theirs)
        })
        .collect();
    assert_none(&wrong, packets.len());
}

/// The packet from its IPv6 on, where that is above BSD's loopback: Scapy reads only the number that the system it runs on
/// has for IPv6, which on Linux is none of the BSDs' 24, 28 and 30.
fn without_loopback6(packet: Packet) -> Packet {
    let is_loopback6 =
        packet.names().starts_with("Loopback") && packet.layers().get(1).is_some_and(|l| l.desc().name == "IPv6");
    if is_loopback6 { packet.from_layer(1) } else { packet }
}

/// Whether an ICMP error is so long that Scapy reads extensions behind the quoted packet (RFC 4884).
fn has_long_quote(packet: &Packet) -> bool {
    let quote = packet.layers().iter().position(|layer| layer.desc().name.starts_with("IPerror"));
    quote.is_some_and(|at| bytes(&packet.from_layer(at)).len() >= 136)
}

#[test]
fn field_names_and_widths_are_scapys() {
    let answers = scapy(layers::ALL.iter().map(|desc| format!(r#"{{"ls": "{}"}}"#, desc.name)));
    let wrong: Vec<String> = layers::ALL
        .iter()
        .zip(&answers)
        .filter(|(desc, theirs)| names_and_widths(desc) != wanted(desc, theirs))
        .map(|(desc, theirs)| format!("{}\n  ours   {}\n  Scapy  {theirs}", desc.name, names_and_widths(desc)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Scapy's answer, with what we want otherwise.
fn wanted(desc: &LayerDesc, theirs: &str) -> String {
    let other = OTHER_FIELDS.iter().find(|(name, ..)| *name == desc.name);
    other.map_or_else(|| theirs.to_owned(), |(_, from, to, _)| theirs.replace(from, to))
}

/// Layers with other fields than Scapy's: what to put for what in its answer, and why.
const OTHER_FIELDS: &[(&str, &str, &str, &str)] = &[
    ("IPv6ExtHdrRouting", "addresses:-", "addresses:- data:-", "the data of types that have no addresses"),
    ("BOOTP", "options:-", "options:32", "the magic cookie: what follows it are DHCP's options or Raw"),
    (
        "ICMPv6error",
        "error: KeyError: KeyError('ICMPv6error')",
        "type:8 code:8 cksum:16 id:16 seq:16",
        "Scapy has none",
    ),
    (
        "SCTPChunkUnknown",
        "error: KeyError: KeyError('SCTPChunkUnknown')",
        "type:8 flags:8 len:16 data:-",
        "Scapy has none",
    ),
];

/// Asks one Scapy all questions; a line of answer for each.
fn scapy(questions: impl Iterator<Item = String>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = root.join("target/venv/bin/python3");
    let python = if venv.exists() { venv } else { "python3".into() };
    let has_scapy = Command::new(&python).args(["-c", "import scapy"]).stderr(Stdio::null()).status();
    assert!(
        has_scapy.is_ok_and(|status| status.success()),
        "{} has no scapy; install it: python3 -m venv target/venv && target/venv/bin/pip install scapy",
        python.display()
    );
    let mut child = Command::new(python)
        .arg(root.join("tests/scapy/compare.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let text: Vec<String> = questions.collect();
    let mut stdin = child.stdin.take().expect("it was piped");
    let count = text.len();
    let writer = std::thread::spawn(move || text.iter().try_for_each(|line| writeln!(stdin, "{line}")));
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("the writer ends").expect("python reads all questions");
    let answers: Vec<String> = String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), count, "an answer for each question");
    answers
}

/// Fields that have another value with Scapy when nothing is set: a request of BOOTP leaves its client (RFC 951), a query
/// of the DNS over TCP goes to its port, VXLAN's frames are plain (RFC 7348), with Scapy they are those of an extension;
/// Scapy gives IPv6 over BSD's loopback the number of the system that it runs on.
const OTHER_PRESETS: &[(&str, &str)] = &[
    ("UDP", "sport"),
    ("UDP", "dport"),
    ("TCP", "dport"),
    ("VXLAN", "flags"),
    ("Loopback", "type"),
    ("LoopbackOpenBSD", "type"),
];

fn ask_to_build(specs: &[Spec]) -> String {
    let stacked = packet(specs);
    let layers: Vec<String> = specs
        .iter()
        .enumerate()
        .map(|(at, spec)| {
            let value = |name: &str, v: &Value| {
                let field = spec.desc.fields.iter().find(|field| field.name == name).expect("a field of the layer");
                format!("\"{name}\": {}", field_json(field, v))
            };
            let mut fields: Vec<String> = spec.fields.iter().map(|(name, v)| value(name, v)).collect();
            // What is set without being asked for where Scapy sets something else.
            for (desc, name) in OTHER_PRESETS {
                let is_given = spec.fields.iter().any(|(given, _)| given == name);
                let index = stacked.layers()[at].index(name);
                if let (true, false, Some(Slot::Set(held))) =
                    (spec.desc.name == *desc, is_given, index.and_then(|index| stacked.slot(at, index)))
                {
                    fields.push(value(name, &held));
                }
            }
            format!("[\"{}\", {{{}}}]", spec.desc.name, fields.join(", "))
        })
        .collect();
    format!("{{\"layers\": [{}]}}", layers.join(", "))
}

/// A value as JSON; bytes as `{"hex": ".."}`, records as `{"packet": ["DNSRR", {..}]}`.
fn json(value: &Value) -> String {
    match value {
        Value::Int(n) => n.to_string(),
        Value::Ip4(addr) => format!("\"{addr}\""),
        Value::Ip6(addr, _) => format!("\"{addr}\""),
        Value::Mac(mac) => format!("\"{mac}\""),
        Value::Text(text) => format!("\"{text}\""),
        Value::Bytes(bytes) => format!("{{\"hex\": \"{}\"}}", hex(bytes)),
        Value::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Value::Packet(packet) => {
            let layer = &packet.layers()[0];
            let fields = layer.desc().fields.iter().filter(|field| layer.has(field)).filter_map(|field| {
                let Some(Slot::Set(value)) = layer.get(field.name) else { return None };
                Some(format!("\"{}\": {}", field.name, field_json(field, &value)))
            });
            let fields = fields.collect::<Vec<_>>().join(", ");
            format!("{{\"packet\": [\"{}\", {{{fields}}}]}}", layer.desc().name)
        }
    }
}

/// The same; options of other formats than TCP's and IP's with their numbers: `[[kind, {"hex": ".."}], ..]`.
fn field_json(field: &Field, value: &Value) -> String {
    match (field.shape, value) {
        (Shape::Options(table), Value::List(items)) if table.format != OptionFormat::TCP_IP => {
            // What fills them is written out: Scapy puts it between options, too (RFC 8200 appendix A).
            let items = if table.format.fill == Fill::Pads { padded(table, items) } else { items.to_vec() };
            let pairs = items.iter().map(|item| one_option(table, item)).map(|bytes| {
                let width = usize::from(table.format.width);
                let number = bytes[..width].iter().fold(0, |n, b| n << 8 | u64::from(*b));
                format!("[{number}, {{\"hex\": \"{}\"}}]", hex(bytes.get(2 * width..).unwrap_or_default()))
            });
            format!("[{}]", pairs.collect::<Vec<_>>().join(", "))
        }
        // Scapy adds the zeros that fill up names.
        (Shape::Names, Value::List(items)) => json(&Value::List(without_zeros(items).into())),
        _ => json(value),
    }
}

/// Names without the zeros behind them.
fn without_zeros(items: &[Value]) -> &[Value] {
    let end = items.iter().rposition(|name| *name != Value::text(".")).map_or(0, |last| last + 1);
    &items[..end]
}

/// Options as they stand on the wire, with those that fill the header.
fn padded(table: &OptionTable, items: &[Value]) -> Vec<Value> {
    let mut out = vec![0; 2];
    table.encode(items, 0, &mut out);
    table.decode(&out[2..], 2)
}

/// An option's bytes, without what fills it.
fn one_option(table: &OptionTable, item: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let unfilled = OptionTable { format: OptionFormat { fill: Fill::None, ..table.format }, kinds: table.kinds };
    unfilled.encode(std::slice::from_ref(item), 0, &mut out);
    out
}

/// Layers and fields of a packet that was read, in the words of `compare.py`.
fn fields(packet: &Packet) -> String {
    packet.layers().iter().map(layer_text).collect::<Vec<_>>().join(" / ")
}

fn layer_text(layer: &Layer) -> String {
    let mut words = vec![layer.desc().name.to_owned()];
    for field in layer.desc().fields.iter().filter(|field| layer.has(field) && field.name != "rdlen") {
        if let Some(Slot::Set(value)) = layer.get(field.name) {
            words.push(format!("{}={}", field.name, text(&value, field.shape, layer.desc())));
        }
    }
    words.join(" ")
}

fn text(value: &Value, shape: Shape, desc: &LayerDesc) -> String {
    let joined = |items: &[Value]| items.iter().map(|item| text(item, shape, desc)).collect::<Vec<_>>().join(",");
    match (value, shape) {
        (Value::List(items), Shape::Options(table)) if table.format != OptionFormat::TCP_IP => {
            items.iter().map(|item| hex(&one_option(table, item))).collect::<Vec<_>>().join(",")
        }
        (Value::List(items), Shape::Options(table)) => {
            let option = |item| if desc.name.starts_with("TCP") { tcp_option(item) } else { kind(table, item) };
            items.iter().map(option).collect::<Vec<_>>().join(",")
        }
        // Scapy leaves them out, too.
        (Value::List(items), Shape::Names) => joined(without_zeros(items)),
        (Value::List(items), _) => joined(items),
        (Value::Packet(record), _) => format!("({})", layer_text(&record.layers()[0])),
        (Value::Bytes(bytes), _) => hex(bytes),
        (Value::Int(n), _) => n.to_string(),
        (other, _) => other.to_string().trim_matches('"').to_owned(),
    }
}

fn tcp_option(item: &Value) -> String {
    let Value::List(pair) = item else { return format!("{}=", item.to_string().trim_matches('"')) };
    let numbers = |items: &[Value]| items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let value = match &pair[1] {
        Value::List(items) => numbers(items),
        Value::Bytes(bytes) => hex(bytes),
        other => other.to_string(),
    };
    format!("{}={value}", pair[0].to_string().trim_matches('"'))
}

/// The first byte of an option.
fn kind(table: &OptionTable, item: &Value) -> String {
    let name = if let Value::List(pair) = item { &pair[0] } else { item };
    let known = table.kinds.iter().find(|kind| *name == Value::text(kind.name));
    known.map_or_else(|| name.to_string(), |kind| kind.kind.to_string())
}

fn names_and_widths(desc: &LayerDesc) -> String {
    let row = |field: &Field| {
        let is_measured = matches!(field.shape, Shape::Fill(_)) || field.width().is_none();
        format!(
            "{}:{}",
            field.name,
            field.width().filter(|_| !is_measured).map_or_else(|| "-".to_owned(), |bits| bits.to_string())
        )
    };
    let mut rows: Vec<String> = desc.fields.iter().map(row).collect();
    // Scapy has one field of a name where we have one for each condition.
    rows.dedup_by(|b, a| a.split(':').next() == b.split(':').next() && !a.starts_with("unused"));
    rows.join(" ")
}

#[test]
fn options_over_forty_bytes_are_an_error_where_scapy_wraps_the_length() {
    let nops = Value::List(vec![Value::text("NOP"); 41].into());
    let specs = [Spec { desc: &layers::tcp::TCP, fields: vec![("sport", Value::Int(1)), ("options", nops)] }];
    let question =
        r#"{"layers": [["TCP", {"sport": 1, "options": [NOPS]}]]}"#.replace("NOPS", &[r#""NOP""#; 41].join(", "));
    let theirs = scapy(std::iter::once(question));
    assert_eq!(&theirs[0][24..25], "0", "the data offset of Scapy's header, {}", theirs[0]);
    let error = packet(&specs).bytes(&pktsh::packet::Nowhere).expect_err("16 words do not fit");
    assert!(error.to_string().starts_with("TCP.dataofs: the automatic value 16 does not fit 4 bits"), "{error}");
}
