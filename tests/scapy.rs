//! Scapy (of `PyPI`) as witness: for the same explicit fields our bytes are Scapy's, byte for byte, wrong values included;
//! and what Scapy reads in them, layer by layer and field by field, is what we read.
//!
//! Wanted differences, which the packets here keep clear of: what Scapy leaves at one fixed value (ports, ids) is drawn
//! by us; more than 40 bytes of options are an error with us and a wrapped length with Scapy; Scapy gives Ethernet
//! directly in Ethernet the type 1; Scapy cuts or fills an address of ARP to an explicit `hwlen` or `plen`; Scapy
//! renames the header quoted in an ICMP error by its class, so that `IP()/TCPerror()` has no protocol number.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Manner, Spec, bytes, hex, packet, spec, specs};
use pktsh::base::Rng;
use pktsh::layers;
use pktsh::packet::options::OptionTable;
use pktsh::packet::{Layer, LayerDesc, Packet, Shape, Slot, Value};

const PACKETS: u64 = 600;

#[test]
fn the_same_fields_give_the_same_bytes() {
    let asked: Vec<Vec<Spec>> = (0..PACKETS)
        .map(|seed| {
            let manner = if seed % 4 == 0 { Manner::Straight } else { Manner::Wild };
            specs(&mut Rng::new(seed), manner)
        })
        .collect();
    assert_same_bytes(&asked);
}

#[test]
fn icmp_of_every_type_is_scapys() {
    let message = |number| {
        let rng = &mut Rng::new(number);
        let ip = spec(rng, &layers::ip::IP, &[], Manner::Straight);
        vec![ip, spec(rng, &layers::icmp::ICMP, &[("type", number)], Manner::Wild)]
    };
    assert_same_bytes(&(0..=255).map(message).collect::<Vec<_>>());
}

fn assert_same_bytes(asked: &[Vec<Spec>]) {
    let answers = scapy(asked.iter().map(|specs| ask_to_build(specs)));
    let wrong: Vec<String> = asked
        .iter()
        .zip(&answers)
        .enumerate()
        .filter_map(|(seed, (specs, theirs))| {
            let packet = packet(specs);
            let ours = hex(&bytes(&packet));
            (ours != *theirs).then(|| format!("seed {seed}: {}\n  ours   {ours}\n  Scapy  {theirs}", packet.command()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), asked.len(), wrong[..wrong.len().min(8)].join("\n"));
}

#[test]
fn both_read_the_same_fields_in_the_same_bytes() {
    let packets: Vec<Packet> = (0..PACKETS)
        .map(|seed| common::random(seed, Manner::Straight))
        .filter(|packet| !has_long_quote(packet))
        .collect();
    assert!(packets.len() as u64 > PACKETS * 9 / 10, "{} packets to read", packets.len());
    let answers = scapy(
        packets
            .iter()
            .map(|packet| format!(r#"{{"read": ["{}", "{}"]}}"#, packet.layers()[0].desc().name, hex(&bytes(packet)))),
    );
    for (packet, theirs) in packets.iter().zip(&answers) {
        let read = layers::dissect(packet.layers()[0].desc(), &bytes(packet));
        assert_eq!(fields(&read), *theirs, "{}", packet.command());
    }
}

/// Whether an ICMP error is so long that Scapy reads extensions behind the quoted packet (RFC 4884).
fn has_long_quote(packet: &Packet) -> bool {
    let quote = packet.layers().iter().position(|layer| layer.desc() == &layers::ip::IP_ERROR);
    quote.is_some_and(|at| bytes(&packet.from_layer(at)).len() >= 136)
}

#[test]
fn field_names_and_widths_are_scapys() {
    let answers = scapy(layers::ALL.iter().map(|desc| format!(r#"{{"ls": "{}"}}"#, desc.name)));
    for (desc, theirs) in layers::ALL.iter().zip(&answers) {
        assert_eq!(names_and_widths(desc), *theirs, "{}", desc.name);
    }
}

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

fn ask_to_build(specs: &[Spec]) -> String {
    let layers: Vec<String> = specs
        .iter()
        .map(|spec| {
            let fields: Vec<String> = spec.fields.iter().map(|(name, v)| format!("\"{name}\": {}", json(v))).collect();
            format!("[\"{}\", {{{}}}]", spec.desc.name, fields.join(", "))
        })
        .collect();
    format!("{{\"layers\": [{}]}}", layers.join(", "))
}

/// A value as JSON; bytes as `{"hex": ".."}`.
fn json(value: &Value) -> String {
    match value {
        Value::Int(n) => n.to_string(),
        Value::Ip4(addr) => format!("\"{addr}\""),
        Value::Mac(mac) => format!("\"{mac}\""),
        Value::Text(text) => format!("\"{text}\""),
        Value::Bytes(bytes) => format!("{{\"hex\": \"{}\"}}", hex(bytes)),
        Value::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
    }
}

/// Layers and fields of a packet that was read, in the words of `compare.py`.
fn fields(packet: &Packet) -> String {
    let layer = |layer: &Layer| {
        let mut words = vec![layer.desc().name.to_owned()];
        for field in layer.desc().fields.iter().filter(|field| layer.has(field)) {
            if let Some(Slot::Set(value)) = layer.get(field.name) {
                words.push(format!("{}={}", field.name, text(&value, field.shape, layer.desc())));
            }
        }
        words.join(" ")
    };
    packet.layers().iter().map(layer).collect::<Vec<_>>().join(" / ")
}

fn text(value: &Value, shape: Shape, desc: &LayerDesc) -> String {
    match (value, shape) {
        (Value::List(items), Shape::Options(table)) => {
            let option = |item| if desc.name.starts_with("TCP") { tcp_option(item) } else { kind(table, item) };
            items.iter().map(option).collect::<Vec<_>>().join(",")
        }
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
    let known = table.0.iter().find(|kind| *name == Value::text(kind.name));
    known.map_or_else(|| name.to_string(), |kind| kind.kind.to_string())
}

fn names_and_widths(desc: &LayerDesc) -> String {
    let row = |field: &pktsh::packet::Field| {
        format!("{}:{}", field.name, field.width().map_or_else(|| "-".to_owned(), |bits| bits.to_string()))
    };
    desc.fields.iter().map(row).collect::<Vec<_>>().join(" ")
}

#[test]
fn options_over_forty_bytes_are_an_error_where_scapy_wraps_the_length() {
    let nops = Value::List(vec![Value::text("NOP"); 41].into());
    let specs = [Spec { desc: &layers::tcp::TCP, fields: vec![("sport", Value::Int(1)), ("options", nops)] }];
    let theirs = scapy(std::iter::once(ask_to_build(&specs)));
    assert_eq!(&theirs[0][24..25], "0", "the data offset of Scapy's header, {}", theirs[0]);
    let error = packet(&specs).bytes(&pktsh::packet::Nowhere).expect_err("16 words do not fit");
    assert!(error.to_string().starts_with("TCP.dataofs: the automatic value 16 does not fit 4 bits"), "{error}");
}
