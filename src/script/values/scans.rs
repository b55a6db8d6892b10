//! What scans give: a `Scan`, its hosts and its ports.

use std::net::IpAddr;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, INT, ImmutableString, Map};

use super::Fallible;
use super::lists::place;
use crate::layers::{ip::IP, ipv6::IPV6};
use crate::scan::report::{diff, json, table};
use crate::scan::{Host, Presence, Row, Scan, State as PortState};
use crate::script::func::{int, say, say_at};
use crate::script::state::State;

/// A finished scan.
#[derive(Clone, Debug)]
pub(in crate::script) struct Found(pub(in crate::script) Rc<Scan>);

/// One row of a scan, with what its host is called.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::script) struct Port {
    host: ImmutableString,
    name: Option<ImmutableString>,
    row: Row,
}

/// A host of a scan.
#[derive(Clone, Debug, PartialEq)]
struct ScanHost(Host);

impl Found {
    pub(in crate::script) fn new(scan: Scan) -> Self {
        Self(Rc::new(scan))
    }

    fn ports(&self) -> impl Iterator<Item = Port> {
        self.0.rows.iter().map(|row| Port::of(&self.0, row))
    }

    fn in_state(&self, state: PortState) -> Array {
        self.ports().filter(|port| port.row.state == state).map(Dynamic::from).collect()
    }

    /// The rows of both; of a port that both know, the later scan's.
    fn join(&self, other: &Self) -> Self {
        Self::new(self.0.join(&other.0))
    }
}

impl Port {
    /// A row of `scan`.
    pub(in crate::script) fn of(scan: &Scan, row: &Row) -> Self {
        let host = &scan.hosts[row.host];
        let name = host.name.as_deref().map(Into::into);
        Self { host: host.target.to_string().into(), name, row: row.clone() }
    }
}

impl IntoIterator for Found {
    type Item = Port;
    type IntoIter = std::vec::IntoIter<Port>;
    fn into_iter(self) -> Self::IntoIter {
        self.ports().collect::<Vec<_>>().into_iter()
    }
}

/// What has changed between two scans.
#[derive(Clone, Debug)]
pub(in crate::script) struct Changes(pub(in crate::script) Rc<diff::Diff>);

impl Changes {
    pub(in crate::script) fn between(old: &Scan, new: &Scan) -> Self {
        Self(Rc::new(diff::diff(old, new)))
    }
}

/// A text, or `None` where there is none.
fn text(text: &str) -> Dynamic {
    if text.is_empty() { Dynamic::UNIT } else { ImmutableString::from(text).into() }
}

fn addr(addr: Option<IpAddr>) -> Dynamic {
    addr.map_or(Dynamic::UNIT, |addr| ImmutableString::from(addr.to_string()).into())
}

fn micros(span: Option<std::time::Duration>) -> Dynamic {
    span.map_or(Dynamic::UNIT, |span| int(span.as_micros()))
}

fn state_named(name: &str) -> Fallible<PortState> {
    PortState::of_word(name).ok_or_else(|| {
        let words = PortState::ALL.map(PortState::word).join(", ");
        say_at(format!("no state \"{}\"; there are {words}", name.escape_debug()), name)
    })
}

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<Found>("Scan");
    engine.register_type_with_name::<Port>("Port");
    engine.register_type_with_name::<ScanHost>("Host");
    engine.register_iterator::<Found>();
    ports(engine);
    hosts(engine);
    lists(engine);
    changes(engine);
    for name in ["to_string", "to_debug"] {
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Found| table::text(&r.0, shared.console.width()));
        engine.register_fn(name, |p: &mut Port| {
            format!("{} {}/{} {} {}", p.host, p.row.port, p.row.proto.name(), p.row.state, p.row.reason)
        });
        engine.register_fn(name, |h: &mut ScanHost| format!("{} {} {}", h.0.target, h.0.presence.word(), h.0.reason));
    }
}

/// The properties of a row: the fields of the JSON output, and the packet.
fn ports(engine: &mut Engine) {
    engine.register_get("host", |p: &mut Port| p.host.clone());
    engine.register_get("name", |p: &mut Port| p.name.clone().map_or(Dynamic::UNIT, Into::into));
    engine.register_get("port", |p: &mut Port| INT::from(p.row.port));
    engine.register_get("proto", |p: &mut Port| p.row.proto.name());
    engine.register_get("kind", |p: &mut Port| ImmutableString::from(&*p.row.kind));
    engine.register_get("state", |p: &mut Port| p.row.state.word());
    engine.register_get("reason", |p: &mut Port| p.row.reason.word());
    engine.register_get("reason_ip", |p: &mut Port| addr(p.row.reason_ip));
    engine.register_get("ttl", |p: &mut Port| p.row.ttl.map_or(Dynamic::UNIT, int));
    engine.register_get("tries", |p: &mut Port| INT::from(p.row.tries));
    engine.register_get("rtt_us", |p: &mut Port| micros(p.row.rtt));
    engine.register_get("service", |p: &mut Port| text(&p.row.service));
    engine.register_get("note", |p: &mut Port| text(&p.row.note));
    engine.register_get("why", |p: &mut Port| text(&p.row.note));
    engine.register_get("answer", |p: &mut Port| match &p.row.answer {
        Some(bytes) => {
            let first = if bytes.first().is_some_and(|b| b >> 4 == 6) { &IPV6 } else { &IP };
            Dynamic::from(crate::layers::dissect(first, bytes))
        }
        None => Dynamic::UNIT,
    });
    engine.register_get("verdicts", |p: &mut Port| -> Array {
        let of = |row: &Row| Port { host: p.host.clone(), name: p.name.clone(), row: row.clone() };
        p.row.verdicts.iter().map(|row| Dynamic::from(of(row))).collect()
    });
    engine.register_fn("==", |a: Port, b: Port| a == b).register_fn("!=", |a: Port, b: Port| a != b);
}

fn hosts(engine: &mut Engine) {
    engine.register_get("host", |h: &mut ScanHost| h.0.target.to_string());
    engine.register_get("name", |h: &mut ScanHost| text(h.0.name.as_deref().unwrap_or_default()));
    engine.register_get("up", |h: &mut ScanHost| h.0.presence == Presence::Up);
    engine.register_get("reason", |h: &mut ScanHost| h.0.reason.word());
    engine.register_get("reason_ip", |h: &mut ScanHost| addr(h.0.reason_ip));
    engine.register_get("ttl", |h: &mut ScanHost| h.0.ttl.map_or(Dynamic::UNIT, int));
    engine.register_get("mac", |h: &mut ScanHost| text(&h.0.mac.map(|mac| mac.to_string()).unwrap_or_default()));
    engine.register_get("iface", |h: &mut ScanHost| text(&h.0.iface));
    engine.register_get("rtt_us", |h: &mut ScanHost| micros(h.0.rtt.map(|(rtt, _)| rtt)));
}

/// A scan as a list of its rows.
fn lists(engine: &mut Engine) {
    let states = [
        ("open", PortState::Open),
        ("closed", PortState::Closed),
        ("filtered", PortState::Filtered),
        ("unfiltered", PortState::Unfiltered),
        ("open_filtered", PortState::OpenFiltered),
        ("closed_filtered", PortState::ClosedFiltered),
    ];
    for (name, state) in states {
        engine.register_get(name, move |r: &mut Found| r.in_state(state));
    }
    engine.register_get("hosts", |r: &mut Found| -> Array {
        let known = r.0.hosts.iter().filter(|host| host.presence != Presence::Unknown);
        known.map(|host| Dynamic::from(ScanHost(host.clone()))).collect()
    });
    engine.register_get("rows", |r: &mut Found| -> Array { r.ports().map(Dynamic::from).collect() });
    engine.register_get("counts", |r: &mut Found| -> Map {
        let counts = PortState::ALL.iter().zip(r.0.counts());
        counts.filter(|(_, n)| *n > 0).map(|(state, n)| (state.word().into(), int(n))).collect()
    });
    engine.register_get("unfinished", |r: &mut Found| -> Array {
        let rows = r.0.unfinished.iter().flat_map(|left| {
            let host = r.0.hosts[left.host].target.to_string();
            left.ports.iter().map(move |port| {
                let pairs: [(_, Dynamic); 3] = [
                    ("host".into(), host.clone().into()),
                    ("port".into(), INT::from(*port).into()),
                    ("kind".into(), left.kind.name.into()),
                ];
                Dynamic::from(Map::from(pairs))
            })
        });
        rows.collect()
    });
    engine.register_get("interrupted", |r: &mut Found| r.0.interrupted);
    engine.register_get("elapsed", |r: &mut Found| r.0.elapsed.as_secs_f64());
    engine.register_get("sent", |r: &mut Found| int(r.0.sent));
    engine.register_get("strays", |r: &mut Found| -> Array {
        r.0.strays.iter().map(|stray| stray.as_str().into()).collect()
    });
    engine.register_fn("len", |r: &mut Found| r.0.rows.len() as INT);
    engine.register_get("len", |r: &mut Found| r.0.rows.len() as INT);
    engine.register_fn("ports", |r: &mut Found, state: &str| -> Fallible<Array> {
        let state = state_named(state)?;
        let mut ports: Vec<u16> = r.0.rows.iter().filter(|row| row.state == state).map(|row| row.port).collect();
        ports.sort_unstable();
        ports.dedup();
        Ok(ports.into_iter().map(|port| Dynamic::from_int(port.into())).collect())
    });
    engine.register_fn("state", |r: &mut Found, host: &str, port: INT| -> Dynamic {
        let is_host = |row: &&Row| {
            let it = &r.0.hosts[row.host];
            it.name.as_deref() == Some(host) || it.target.to_string() == host
        };
        let row = r.0.rows.iter().filter(|row| INT::from(row.port) == port).find(is_host);
        row.map_or(Dynamic::UNIT, |row| row.state.word().into())
    });
    engine.register_indexer_get(|r: &mut Found, index: INT| {
        place(r.0.rows.len(), index).map(|at| Port::of(&r.0, &r.0.rows[at]))
    });
    engine.register_fn("filter", |cx: rhai::NativeCallContext<'_>, r: &mut Found, keep: rhai::FnPtr| {
        let mut scan = Scan::clone(&r.0);
        scan.rows.clear();
        for row in &r.0.rows {
            let said = keep.call_raw(&cx, None, [Dynamic::from(Port::of(&r.0, row))])?;
            if said.as_bool().map_err(|_| say("filter: the function says true or false"))? {
                scan.rows.push(row.clone());
            }
        }
        Ok::<Found, Box<rhai::EvalAltResult>>(Found::new(scan))
    });
    engine.register_fn("+", |a: Found, b: Found| a.join(&b));
    engine.register_fn("save", |r: &mut Found, path: &str| {
        std::fs::write(path, json::lines(&r.0))
            .map_err(|e| say_at(format!("cannot write \"{}\": {e}", path.escape_debug()), path))
    });
}

/// What a `diff` gives: hosts that came and went, and ports with their states before and now.
fn changes(engine: &mut Engine) {
    engine.register_type_with_name::<Changes>("Changes");
    let hosts =
        |list: &[crate::base::targets::Target]| -> Array { list.iter().map(|h| h.to_string().into()).collect() };
    engine.register_get("come", move |c: &mut Changes| hosts(&c.0.come));
    engine.register_get("gone", move |c: &mut Changes| hosts(&c.0.gone));
    engine.register_get("changes", |c: &mut Changes| -> Array {
        let row = |change: &diff::Change| {
            let pairs: [(_, Dynamic); 6] = [
                ("host".into(), change.host.to_string().into()),
                ("port".into(), INT::from(change.port).into()),
                ("proto".into(), change.proto.name().into()),
                ("kind".into(), ImmutableString::from(&*change.kind).into()),
                ("before".into(), change.old.word().into()),
                ("now".into(), change.new.word().into()),
            ];
            Dynamic::from(Map::from(pairs))
        };
        c.0.changes.iter().map(row).collect()
    });
    engine.register_fn("is_empty", |c: &mut Changes| c.0.is_empty());
    for name in ["to_string", "to_debug"] {
        engine.register_fn(name, |c: &mut Changes| c.0.to_string());
    }
}
