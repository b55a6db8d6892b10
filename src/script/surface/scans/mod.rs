//! `scan`, a function for each kind of scan, and host discovery.
//!
//! | file | what lives there |
//! |---|---|
//! | `keywords` | the keywords that they share |
//! | `request` | the arguments of a scan, read |
//! | `perform` | its course, told to all who watch it |

mod keywords;
mod perform;
mod request;

use std::fs::File;
use std::io::BufReader;
use std::rc::Rc;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr};

use super::need;
use crate::layers::tcp::FLAGS;
use crate::scan::kinds::{KINDS, Probe};
use crate::scan::report::read;
use crate::scan::{Chosen, Presence, Scan};
use crate::script::func::{Call, Func, Kind, Reply, describe, say_at};
use crate::script::values::{Changes, Found};
pub use keywords::{KEYWORDS, Keyword};
use keywords::{OF_IDLE, OF_KIND, OF_SCAN, OF_TCP};
use perform::perform;
use request::{at, kinds, named, request};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// The function of a kind.
const fn of_kind(at: usize) -> Func {
    let kind = &KINDS[at];
    let is_idle = matches!(kind.probe, Probe::Idle);
    Func {
        name: kind.function,
        group: "scans",
        doc: kind.doc,
        params: if is_idle { OF_IDLE } else { OF_KIND },
        more: false,
        gives: "a Scan: rows, .open, .closed, .filtered, .ports(\"open\"), .hosts, .counts",
        examples: std::slice::from_ref(&kind.example),
        run: |call| {
            let kind = KINDS.iter().find(|kind| kind.function == call.func.name).unwrap_or(&KINDS[0]);
            run(call, vec![Chosen::of(kind)])
        },
    }
}

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "scan",
        group: "scans",
        doc: "Scans ports by one kind or several, whose verdicts are joined into what is known.",
        params: OF_SCAN,
        more: false,
        gives: "a Scan: rows, .open, .closed, .filtered, .ports(\"open\"), .hosts, .counts",
        examples: &[
            r#"scan("web.lab", ports="22,80,81")"#,
            r#"scan("stateless.lab", ports="8080,8081", kind=["syn", "ack", "fin"])"#,
        ],
        run: |call| {
            let given = call.take(at(call, "kind"));
            let kinds = kinds(call, given)?;
            run(call, kinds)
        },
    },
    of_kind(0),
    of_kind(1),
    of_kind(2),
    of_kind(3),
    of_kind(4),
    of_kind(5),
    of_kind(6),
    of_kind(7),
    of_kind(8),
    of_kind(9),
    of_kind(10),
    of_kind(11),
    of_kind(12),
    Func {
        name: "tcp_scan",
        group: "scans",
        doc: "A TCP scan with flags of your choice, read by the rules of a kind.",
        params: OF_TCP,
        more: false,
        gives: "a Scan, see syn_scan",
        examples: &[r#"tcp_scan("freebsd.lab", flags="SF", read_as="syn", ports="80,81")"#],
        run: tcp_scan,
    },
    Func {
        name: "ping_scan",
        group: "scans",
        doc: "Which hosts are there: ARP or neighbor discovery on the link; echo, SYN, ACK and timestamp beyond it.",
        params: OF_KIND,
        more: false,
        gives: "a Scan: .hosts with .up, .reason, .ttl, .mac, .rtt_us",
        examples: &[r#"ping_scan("192.0.2.10-14, far.lab")"#],
        run: |call| {
            let request = request(call, Vec::new(), true)?;
            Ok(Dynamic::from(Found::new(perform(call, request, None)?)))
        },
    },
    Func {
        name: "is_up",
        group: "scans",
        doc: "Whether a host is there: only an answer of its own counts.",
        params: OF_KIND,
        more: false,
        gives: "true or false",
        examples: &[r#"is_up("noping.lab")"#, r#"is_up("192.0.2.99")"#],
        run: |call| {
            let request = request(call, Vec::new(), true)?;
            let scan = perform(call, request, None)?;
            Ok(scan.hosts.iter().any(|host| host.presence == Presence::Up).into())
        },
    },
    Func {
        name: "diff",
        group: "scans",
        doc: "What has changed from one scan to a later one: hosts, and the states of ports.",
        params: &[
            need("old", Kind::Any, "The earlier scan, or a file that save() or --json wrote."),
            need("new", Kind::Any, "The later one."),
        ],
        more: false,
        gives: "the changes: .come, .gone, .changes, .is_empty()",
        examples: &[r#"diff(syn_scan("web.lab", ports="80"), ack_scan("web.lab", ports="80"))"#],
        run: |call| {
            let (old, new) = (call.take(0).unwrap_or_default(), call.take(1).unwrap_or_default());
            let (old, new) = (scan_of(call, &old)?, scan_of(call, &new)?);
            Ok(Dynamic::from(Changes::between(&old, &new)))
        },
    },
    Func {
        name: "merge",
        group: "scans",
        doc: "Puts scans together, as the pieces that many machines made: hosts in the order of their addresses.",
        params: &[need(
            "files",
            Kind::Any,
            "Scans, or files that save(), --json or resume= wrote: several, or a list. Of a port, the last one counts.",
        )],
        more: true,
        gives: "a Scan: all rows",
        examples: &[
            r#"merge(scan("web.lab", ports="22,80", shard=[1, 2]), scan("web.lab", ports="22,80", shard=[2, 2]))"#,
        ],
        run: merge,
    },
];

/// A scan, or the file that one was written to.
fn scan_of(call: &Call<'_, '_>, given: &Dynamic) -> Fallible<Rc<Scan>> {
    if let Some(found) = given.read_lock::<Found>() {
        return Ok(Rc::clone(&found.0));
    }
    let Ok(path) = given.clone().into_immutable_string() else {
        return Err(call.fail(format!("takes a scan or the name of a file, found {}", describe(given))));
    };
    let file = File::open(&*path).map_err(|e| say_at(format!("cannot read \"{path}\": {e}"), &path))?;
    read(BufReader::new(file)).map(Rc::new).map_err(|e| say_at(format!("\"{path}\": {e}"), &path))
}

fn merge(call: &mut Call<'_, '_>) -> Reply {
    let first = call.take(0).unwrap_or_default();
    let mut given = Vec::new();
    for value in std::iter::once(first).chain(std::mem::take(&mut call.rest)) {
        match value.clone().try_cast::<Array>() {
            Some(items) => given.extend(items),
            None => given.push(value),
        }
    }
    if given.is_empty() {
        return Err(call.fail("takes scans or files, found an empty list"));
    }
    let scans = given.iter().map(|value| scan_of(call, value)).collect::<Fallible<Vec<_>>>()?;
    Ok(Dynamic::from(Found::new(Scan::join_all(scans.iter().map(|scan| &**scan)).sorted())))
}

fn tcp_scan(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(at(call, "flags")).unwrap_or_default();
    let flags = match (given.as_int(), given.clone().into_immutable_string()) {
        (Ok(number @ 0..=0x1ff), _) => number as u64,
        (_, Ok(text)) => FLAGS.parse(&text).map_err(|e| say_at(format!("tcp_scan: flags: {e}"), &text))?,
        _ => return Err(call.fail(format!("flags takes text like \"SF\" or a number, found {}", describe(&given)))),
    };
    let name = call.text(at(call, "read_as")).unwrap_or_else(|| "syn".into());
    let kind = named(&name)?;
    if !matches!(kind.probe, Probe::Tcp(_)) {
        return Err(say_at(
            format!("tcp_scan: {name} does not read TCP flags; write \"syn\", \"ack\", \"fin\" .."),
            &name,
        ));
    }
    run(call, vec![Chosen { kind, flags: Some(flags) }])
}

/// Runs a scan by these kinds; none are a SYN scan, or one by connections where the system refuses raw packets.
fn run(call: &mut Call<'_, '_>, chosen: Vec<Chosen>) -> Reply {
    let prn = call.take(at(call, "prn")).and_then(Dynamic::try_cast::<FnPtr>);
    let request = request(call, chosen, false)?;
    Ok(Dynamic::from(Found::new(perform(call, request, prn.as_ref())?)))
}
