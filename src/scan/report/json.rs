//! One JSON object a line: a port each, as it is decided, and the totals last.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Look, Writer};
use crate::base::text::is_unsafe;
use crate::scan::outcome::{Host, News, Presence, Row, Scan};
use crate::scan::state::State;

/// The kind that hosts have which were only looked for, and not scanned.
pub(super) const PING: &str = "ping";

/// The report.
pub(super) struct Lines {
    look: Look,
}

impl Lines {
    pub(super) fn new(look: Look) -> Self {
        Self { look }
    }
}

impl Writer for Lines {
    fn news(&mut self, out: &mut dyn Write, scan: &Scan, news: &News) -> io::Result<()> {
        let line = match news {
            News::Port(row) | News::Known(row) if self.look.shows(row) => port(scan, row),
            News::Host(at) if is_discovery(scan) => scan.hosts.get(*at).map(host),
            News::Ended => Some(totals(scan)),
            _ => None,
        };
        line.map_or(Ok(()), |line| writeln!(out, "{}", safe(&line)))
    }
}

/// A whole scan, as the report has it when the scan has ended.
pub fn lines(scan: &Scan) -> String {
    let ports = scan.rows.iter().filter_map(|row| port(scan, row));
    let is_known = |host: &&Host| is_discovery(scan) && host.presence != Presence::Unknown;
    let hosts = scan.hosts.iter().filter(is_known).map(host);
    hosts.chain(ports).chain([totals(scan)]).map(|line| safe(&line) + "\n").collect()
}

/// The text of a line. JSON leaves characters as they are that would reorder a line of a terminal: they are escaped, too.
pub(super) fn safe(line: &Value) -> String {
    let text = line.to_string();
    if !text.contains(is_unsafe) {
        return text;
    }
    let escaped = |c| if is_unsafe(c) { format!("\\u{:04x}", c as u32) } else { String::from(c) };
    text.chars().map(escaped).collect()
}

/// Whether hosts are looked for, and no ports.
fn is_discovery(scan: &Scan) -> bool {
    scan.about.kinds.is_empty() && scan.rows.is_empty()
}

/// A port. Unknown values are null; `name`, `note` and `verdicts` are there only where there are any.
pub(super) fn port(scan: &Scan, row: &Row) -> Option<Value> {
    let host = scan.hosts.get(row.host)?;
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("host", host.target.to_string().into());
    put("port", row.port.into());
    put("proto", row.proto.name().into());
    put("kind", (&*row.kind).into());
    put("state", row.state.word().into());
    put("reason", row.reason.word().into());
    put("reason_ip", row.reason_ip.map(|addr| addr.to_string()).into());
    put("ttl", row.ttl.into());
    put("tries", row.tries.into());
    put("rtt_us", row.rtt.map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)).into());
    put("service", Some(&*row.service).filter(|name| !name.is_empty()).into());
    if let Some(name) = &host.name {
        put("name", (&**name).into());
    }
    if !row.note.is_empty() {
        put("note", (&*row.note).into());
    }
    if !row.verdicts.is_empty() {
        let verdict = |row: &Row| json!({"kind": &*row.kind, "state": row.state.word(), "reason": row.reason.word()});
        put("verdicts", row.verdicts.iter().map(verdict).collect());
    }
    Some(object.into())
}

/// A host that was looked for: the keys of a port, without one.
pub(super) fn host(host: &Host) -> Value {
    let mut line = json!({
        "host": host.target.to_string(),
        "port": null,
        "proto": null,
        "kind": PING,
        "state": host.presence.word(),
        "reason": host.reason.word(),
        "reason_ip": host.reason_ip.map(|addr| addr.to_string()),
        "ttl": host.ttl,
        "tries": null,
        "rtt_us": host.rtt.map(|(rtt, _)| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
        "service": null,
    });
    let more = [("name", host.name.as_deref().map(Value::from)), ("mac", host.mac.map(|mac| mac.to_string().into()))];
    if let Some(object) = line.as_object_mut() {
        object.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    line
}

pub(super) fn totals(scan: &Scan) -> Value {
    let (up, down) = scan.presence();
    let ports: Map<String, Value> =
        State::ALL.iter().zip(scan.counts()).map(|(state, count)| (state.word().to_owned(), count.into())).collect();
    let unfinished: usize = scan.unfinished.iter().map(|part| part.ports.len()).sum();
    json!({"totals": {
        "hosts_up": up,
        "hosts_down": down,
        "ports": ports,
        "sent": scan.sent,
        "elapsed": scan.elapsed.as_micros() as f64 / 1e6,
        "unfinished": unfinished,
        "unbegun": scan.unbegun,
        "interrupted": scan.interrupted,
    }})
}
