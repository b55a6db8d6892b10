//! Packets as text: `show`, one-line summaries, and the command that makes a packet again.
//!
//! Everything that came from the network is escaped here, so that no packet can move the reader's cursor.

use std::fmt::Write;
use std::sync::Arc;

use super::auto::{Verdict, verify};
use super::build::first_destination;
use super::desc::LayerDesc;
use super::field::{Auto, Field, Preset, Shape, decimal, name_of, signed};
use super::layer::{Layer, Tail};
use super::value::{Many, Slot, Value};
use super::{Nowhere, Packet, PacketError, Surroundings, slot};
use crate::base::text;

/// One row of a layer's table, as `ls(TCP)` prints it: name, shape, default, documentation.
pub fn describe(desc: &LayerDesc) -> Vec<[String; 4]> {
    let row = |field: &Field| {
        let shape = match field.shape {
            Shape::Bits(1) => "1 bit".into(),
            Shape::Bits(bits) => format!("{bits} bits"),
            Shape::Little(bits) => format!("{bits} bits, little-endian"),
            Shape::Fixed(bits, _) => format!("seconds, in {bits} bits"),
            Shape::Flags(bits, names) => format!("{bits} flags {}", named(names)),
            Shape::Ip4 => "IPv4 address".into(),
            Shape::Ip6 => "IPv6 address".into(),
            Shape::Mac => "MAC address".into(),
            Shape::HardwareAddr(_) => "MAC address, or bytes".into(),
            Shape::ProtocolAddr(_) => "IPv4 address, or bytes".into(),
            Shape::Bytes => "bytes".into(),
            Shape::Signed(bits) => format!("{bits} bits, signed"),
            Shape::Words => "list of 32-bit numbers".into(),
            Shape::Fill(bytes) => format!("{bytes} bytes"),
            Shape::Name => "domain name".into(),
            Shape::Names => "list of domain names".into(),
            Shape::Strings => "list of texts".into(),
            Shape::Ip4s => "list of IPv4 addresses".into(),
            Shape::Ip6s => "list of IPv6 addresses".into(),
            Shape::Options(_) => "list of options".into(),
            Shape::Packets(of) => format!("list of {}", of.name),
        };
        let default = match field.preset {
            Preset::Auto(_) => "auto".into(),
            Preset::Empty if matches!(field.shape, Shape::Bytes) => "\"\"".into(),
            _ => match field.preset_slot() {
                Slot::Set(value) => field.display(&value, Layer::new_names(field)),
                other => other.to_string(),
            },
        };
        [field.name.to_owned(), shape, default, field.doc.to_owned()]
    };
    desc.fields.iter().map(row).collect()
}

/// The names of bits that have one.
fn named(names: super::FlagNames) -> String {
    names.0.iter().copied().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Packet {
    /// All layers and fields, a line each, the visible layers indented as Scapy does.
    pub fn show(&self, around: &dyn Surroundings) -> String {
        let (all, from) = self.all_layers();
        let sent = self.as_sent(around);
        let mut out = String::new();
        for (depth, at) in (from..all.len()).enumerate() {
            let layer = &all[at];
            let indent = " ".repeat(depth * 3);
            let note = layer.note().map(|n| format!("  ({})", text::escape(n))).unwrap_or_default();
            let _ = writeln!(out, "{indent}###[ {} ]###{note}", layer.desc().name);
            for (index, field) in layer.desc().fields.iter().enumerate().filter(|(_, f)| layer.has(f)) {
                if let Some(records) = records(layer, index) {
                    show_records(&mut out, &indent, field, &records, around);
                } else if let Some(value) = self.shown(at, index, sent.as_ref(), around) {
                    let _ = writeln!(out, "{indent}  {:<10} = {value}", field.name);
                }
            }
        }
        out.truncate(out.trim_end_matches('\n').len());
        out
    }

    /// The same after building: with every length and checksum as it goes out.
    pub fn show2(&self, around: &dyn Surroundings) -> Result<String, PacketError> {
        Ok(self.build(around)?.to_packet().show(around))
    }

    /// The packet in which set lengths and checksums can be compared with what they should be: itself when it was
    /// read, else as it would be sent; `None` when nothing is set that could be wrong.
    fn as_sent(&self, around: &dyn Surroundings) -> Option<Self> {
        let (all, _) = self.all_layers();
        if all.iter().all(Layer::is_read) {
            return Some(self.clone());
        }
        let is_set = |layer: &Layer| {
            let fields = layer.desc().fields;
            let is_computed = |i: u8| fields[usize::from(i)].auto_rule().is_some_and(Auto::is_computed);
            let set = layer.set_slots().unwrap_or_default();
            set.iter().any(|(i, slot)| matches!(slot, Slot::Set(_)) && is_computed(*i))
        };
        if !all.iter().any(is_set) {
            return None;
        }
        Some(Self { from: 0, ..self.clone() }.build(around).ok()?.to_packet())
    }

    fn shown(&self, at: usize, index: usize, sent: Option<&Self>, around: &dyn Surroundings) -> Option<String> {
        let (all, _) = self.all_layers();
        let layer = &all[at];
        let field = &layer.desc().fields[index];
        let names = layer.names_of(field);
        let value = match slot(all, at, index)? {
            Slot::Set(value) => field.display(&value, names),
            Slot::Auto => {
                let source = source(layer, around).filter(|_| field.auto_rule() == Some(Auto::SourceAddr));
                return Some(source.map_or_else(|| "auto".into(), |addr| format!("auto ({addr})")));
            }
            other => return Some(other.to_string()),
        };
        // Padding is sent last, and has nothing to verify.
        let place = all[..at].iter().filter(|lower| !lower.desc().padding).count();
        let sent = sent.filter(|_| !layer.desc().padding);
        Some(match sent.map_or(Verdict::Unknown, |sent| verify(sent, place, index)) {
            Verdict::Right | Verdict::Unknown => value,
            Verdict::Offload => "not computed (offload)".into(),
            Verdict::Wrong(right) => {
                let right = field.display(&Value::Int(right), names);
                format!("{value} (incorrect, should be {right})")
            }
        })
    }

    /// One line: `IP / TCP 192.0.2.2:61000 > 192.0.2.10:80 S`. Ports are numbers.
    pub fn summary(&self, around: &dyn Surroundings) -> String {
        let (all, from) = self.all_layers();
        let mut parts = Vec::with_capacity(all.len() - from.min(all.len()));
        for at in from..all.len() {
            let layer = &all[at];
            let desc = layer.desc();
            let is_named_above = all.get(at + 1).is_some_and(|upper| speaks_for_lower(upper, layer));
            let lower = at.checked_sub(1).map(|i| &all[i]);
            let text = if is_named_above {
                desc.name.to_owned()
            } else if lower.is_some_and(|lower| speaks_for_lower(layer, lower)) {
                fill(desc.summary.within, all, at, around)
            } else {
                fill(alone(layer), all, at, around)
            };
            parts.push(if text.is_empty() { desc.name.to_owned() } else { text });
        }
        parts.join(" / ")
    }

    /// The line of script that makes the packet again.
    pub fn command(&self) -> String {
        let loose = self.loose();
        let layers: Vec<String> = (0..loose.layers().len()).map(|at| layer_command(loose.layers(), at)).collect();
        layers.join("/")
    }
}

impl Layer {
    /// The names of a field's numbers in a layer with nothing set.
    fn new_names(field: &Field) -> super::field::NameTable {
        match field.names {
            super::Names::Table(table) => table,
            _ => &[],
        }
    }
}

/// The records that a field holds, when it holds any.
fn records(layer: &Layer, index: usize) -> Option<Arc<[Value]>> {
    match (layer.desc().fields[index].shape, layer.slot(index)?) {
        (Shape::Packets(_), Slot::Set(Value::List(items))) if !items.is_empty() => Some(items),
        _ => None,
    }
}

/// A list of records, each with its fields, at most so many that a screen holds them.
fn show_records(out: &mut String, indent: &str, field: &Field, items: &[Value], around: &dyn Surroundings) {
    const MOST: usize = 100;
    let _ = writeln!(out, "{indent}  {:<10} =", field.name);
    for item in items.iter().take(MOST) {
        let text = match item {
            Value::Packet(record) => record.show(around),
            other => format!("  malformed: {other}"),
        };
        for line in text.lines() {
            let _ = writeln!(out, "{indent}    | {line}");
        }
    }
    if items.len() > MOST {
        let _ = writeln!(out, "{indent}    | .. and {} more", items.len() - MOST);
    }
}

/// Whether `upper`'s part of a summary tells what `lower`'s would.
fn speaks_for_lower(upper: &Layer, lower: &Layer) -> bool {
    let within = upper.desc().summary.within;
    !within.is_empty() && lower.desc().ends.is_some()
}

/// The template for a layer by itself.
fn alone(layer: &Layer) -> &'static str {
    let summary = &layer.desc().summary;
    let special = summary.special.iter().find(|(field, number, _)| layer.int(field) == Some(*number));
    special.map_or(summary.alone, |(_, _, template)| template)
}

/// Puts the fields of layer `at` and of the one below into a summary's template.
fn fill(template: &str, all: &[Layer], at: usize, around: &dyn Surroundings) -> String {
    let mut out = String::with_capacity(64);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else { break };
        let key = &rest[open + 1..open + close];
        rest = &rest[open + close + 1..];
        match key.strip_prefix("under.") {
            _ if key == "layer" => out.push_str(all[at].desc().name),
            Some(field) => out.push_str(&short(all, at.saturating_sub(1), field, around)),
            None => out.push_str(&short(all, at, key, around)),
        }
    }
    out.push_str(rest);
    out.trim_end().to_owned()
}

/// One field in a summary: a number, an address, flags; `name:type` stands for the name of the number.
fn short(all: &[Layer], at: usize, key: &str, around: &dyn Surroundings) -> String {
    let layer = &all[at];
    let (by_name, key) = key.strip_prefix("name:").map_or((false, key), |key| (true, key));
    let Some(index) = layer.index(key) else { return String::new() };
    let field = &layer.desc().fields[index];
    match slot(all, at, index) {
        Some(Slot::Set(Value::Int(n))) if by_name => {
            name_of(layer.names_of(field), n).map_or_else(|| n.to_string(), ToOwned::to_owned)
        }
        Some(Slot::Set(Value::List(items))) if matches!(field.shape, Shape::Packets(_)) => {
            let records = items.iter().filter_map(|item| match item {
                Value::Packet(record) => Some(record.summary(around)),
                _ => None,
            });
            records.take(3).collect::<Vec<_>>().join(", ")
        }
        Some(Slot::Set(value)) => field.display(&value, &[]),
        Some(Slot::Auto) if field.auto_rule() == Some(Auto::SourceAddr) => {
            source(layer, around).map_or_else(|| "auto".into(), |addr| addr.to_string())
        }
        Some(Slot::Many(Many::Net(net))) => net.to_string(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn source(layer: &Layer, around: &dyn Surroundings) -> Option<std::net::IpAddr> {
    first_destination(layer).and_then(|dst| around.source_addr(&dst))
}

fn layer_command(layers: &[Layer], at: usize) -> String {
    let layer = &layers[at];
    let desc = layer.desc();
    // What stands behind the fields has no name, and a field that was cut no form: the layer is read again from its bytes.
    let is_cut_off = |(i, slot): &(u8, Slot)| match (slot, desc.fields[usize::from(*i)].width()) {
        (Slot::Set(Value::Bytes(bytes)), Some(width)) => {
            !matches!(desc.fields[usize::from(*i)].shape, Shape::Fill(_)) || bytes.len() * 8 != usize::from(width)
        }
        _ => false,
    };
    let is_cut = layer.set_slots().is_some_and(|set| set.iter().any(is_cut_off));
    if (is_cut || layer.tail().is_some_and(|tail| *tail != Tail::default()))
        && let Ok(bytes) = Packet::from_layers(vec![layer.clone()]).bytes(&Nowhere)
    {
        return format!("{}(unhex(\"{}\"))", desc.name, text::hex(&bytes));
    }
    // Whether a field holds the same without being set: its preset, and the layer above asks for nothing else.
    let is_preset = |field: &Field, slot: &Slot| {
        let asked = layers.get(at + 1).and_then(|upper| upper.desc().number_over(desc, field.name));
        *slot == field.preset_slot()
            && asked.is_none_or(|n| matches!(slot, Slot::Auto) || *slot == Slot::Set(Value::Int(n)))
    };
    let mut args = Vec::new();
    for (index, slot) in layer.set_slots().unwrap_or_default() {
        let field = &desc.fields[usize::from(*index)];
        if is_preset(field, slot) {
            continue;
        }
        let value = match (slot, field.shape) {
            (Slot::Set(Value::Int(n)), Shape::Flags(_, names)) => {
                let text = super::Flags { bits: *n, names }.to_string();
                if names.parse(&text).is_ok() { format!("\"{text}\"") } else { n.to_string() }
            }
            (Slot::Set(Value::Int(n)), Shape::Fixed(_, fraction)) => format!("\"{}\"", decimal(*n, fraction)),
            (Slot::Set(Value::Bytes(bytes)), shape) if !matches!(shape, Shape::Bytes | Shape::Fill(_)) => {
                format!("unhex(\"{}\")", text::hex(bytes))
            }
            (Slot::Set(Value::Int(n)), Shape::Signed(bits)) => signed(*n, bits).to_string(),
            _ => slot.to_string(),
        };
        args.push(format!("{}={value}", field.name));
    }
    format!("{}({})", desc.name, args.join(", "))
}
