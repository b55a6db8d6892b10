//! `scan`, a function for each kind of scan, and host discovery.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, INT, ImmutableString};

use super::{need, opt};
use crate::base::common::top;
use crate::base::ports::{PortSpec, Proto};
use crate::base::spec::SpecError;
use crate::layers::tcp::FLAGS;
use crate::packet::Packet;
use crate::scan::kinds::{KINDS, Kind as ScanKind, Probe};
use crate::scan::report::{Journal, read, read_journal};
use crate::scan::targets::{TargetError, wanted};
use crate::scan::{Chosen, News, Presence, Request, Scan, Scanner, Shard, State, Timing};
use crate::script::func::{Call, Func, Kind, Param, Reply, describe, say, say_at};
use crate::script::listen::{Caller, pump};
use crate::script::values::{Changes, Found, Port};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// A keyword of the scan functions, and an option of `pktsh scan`.
pub struct Keyword {
    /// The parameter.
    pub param: Param,
    /// Nmap's options that mean it, each with the value that it stands for; an empty one takes the next word.
    pub nmap: &'static [(&'static str, &'static str)],
}

const fn word(param: Param, nmap: &'static [(&'static str, &'static str)]) -> Keyword {
    Keyword { param, nmap }
}

/// All keywords of all scan functions, in the order of their parameters.
pub const KEYWORDS: [Keyword; ALL] = [
    word(
        need("targets", Kind::Any, "Names, addresses, networks (/24), ranges (10.0.0-3.1,7), @FILE; text or a list."),
        &[("-iL", "@")],
    ),
    word(
        opt("ports", Kind::Any, "None", "\"22,80,8000-8100,-100,http*,T:53,U:53\", a number, a range or a list."),
        &[("-p", ""), ("-p-", "-")],
    ),
    word(
        opt(
            "top_ports",
            Kind::Count,
            "100",
            "So many of the ports that are most used today, where no ports are given.",
        ),
        &[("--top-ports", ""), ("-F", "100")],
    ),
    word(opt("exclude", Kind::Any, "None", "Targets that are left out."), &[("--exclude", "")]),
    word(opt("discover", Kind::Bool, "true", "Whether hosts are asked first if they are there."), &[("-Pn", "false")]),
    word(
        opt(
            "retry",
            Kind::Count,
            "None",
            "How often a silent port is asked again; else once more than was ever needed.",
        ),
        &[("--max-retries", "")],
    ),
    word(opt("timeout", Kind::Seconds, "None", "Seconds to wait for each answer; else as the round trips say."), &[]),
    word(opt("min_rate", Kind::Count, "None", "Probes a second, at least."), &[("--min-rate", "")]),
    word(opt("max_rate", Kind::Count, "None", "Probes a second, at most."), &[("--max-rate", "")]),
    word(
        opt(
            "timing",
            Kind::Any,
            "\"normal\"",
            "A template: paranoid, sneaky, polite, normal, aggressive, insane (T0 to T5).",
        ),
        &[("-T", "")],
    ),
    word(
        opt("host_timeout", Kind::Seconds, "None", "Seconds after which a host is given up, with what it has."),
        &[("--host-timeout", "")],
    ),
    word(opt("iface", Kind::Text, "None", "The only interface to use; else the route decides."), &[("-e", "")]),
    word(opt("ipv6", Kind::Bool, "false", "Whether a name stands for its IPv6 address."), &[("-6", "true")]),
    word(opt("open", Kind::Bool, "false", "Whether only open ports are shown and kept."), &[("--open", "true")]),
    word(
        opt("probe", Kind::Packet, "None", "A packet that all probes are made from: IP(ttl=12)/TCP(window=1024)."),
        &[],
    ),
    word(
        opt("shard", Kind::Any, "None", "\"1/4\" or [1, 4]: the first of four pieces, which four machines may share."),
        &[],
    ),
    word(
        opt(
            "resume",
            Kind::Text,
            "None",
            "A file that keeps what is found, from which the same scan goes on if stopped.",
        ),
        &[],
    ),
    word(opt("prn", Kind::Function, "None", "Called with each port as it is decided."), &[]),
    word(opt("kind", Kind::Any, "None", "A kind or several: syn connect ack window maimon fin null xmas udp .."), &[]),
    word(opt("zombie", Kind::Text, "None", "The host in whose name an idle scan sends."), &[]),
    word(opt("zombie_port", Kind::Count, "80", "The zombie's port that is asked for its IP IDs."), &[]),
    word(need("flags", Kind::Any, "The TCP flags of the probes: \"SF\", \"\" for none."), &[]),
    word(opt("read_as", Kind::Text, "\"syn\"", "The kind by whose rules the answers are read."), &[]),
];

const ALL: usize = 23;
/// The first of them are every function's.
const COMMON: usize = 18;
const KIND: usize = 18;
const ZOMBIE: usize = 19;
const ZOMBIE_PORT: usize = 20;
const FLAGS_AT: usize = 21;
const READ_AS: usize = 22;

/// The targets, what `before` names, the other common parameters, and what `after` names: places in [`KEYWORDS`].
const fn params<const N: usize>(before: &[usize], after: &[usize]) -> [Param; N] {
    let mut list = [KEYWORDS[0].param; N];
    let (mut at, ends) = (1, before.len() + COMMON);
    while at < N {
        let word = if at <= before.len() {
            before[at - 1]
        } else if at < ends {
            at - before.len()
        } else {
            after[at - ends]
        };
        list[at] = KEYWORDS[word].param;
        at += 1;
    }
    list
}

const OF_KIND: &[Param] = &params::<COMMON>(&[], &[]);
const OF_SCAN: &[Param] = &params::<{ COMMON + 3 }>(&[], &[KIND, ZOMBIE, ZOMBIE_PORT]);
const OF_IDLE: &[Param] = &params::<{ COMMON + 2 }>(&[], &[ZOMBIE, ZOMBIE_PORT]);
const OF_TCP: &[Param] = &params::<{ COMMON + 2 }>(&[FLAGS_AT], &[READ_AS]);

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

fn named(name: &str) -> Fallible<&'static ScanKind> {
    ScanKind::named(name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let hint = crate::base::nearest::did_you_mean(name, names.iter().copied());
        let hint = if hint.is_empty() { format!("; there are {}", names.join(", ")) } else { hint };
        say_at(format!("no kind of scan \"{}\"{hint}", name.escape_debug()), name)
    })
}

/// The kinds that `kind=` names; none when it is not given.
fn kinds(call: &Call<'_, '_>, given: Option<Dynamic>) -> Fallible<Vec<Chosen>> {
    let Some(given) = given.filter(|given| !given.is_unit()) else { return Ok(Vec::new()) };
    let names = texts(&given).ok_or_else(|| call.fail(format!("kind takes names, found {}", describe(&given))))?;
    let mut chosen: Vec<Chosen> = Vec::new();
    for name in names.iter().flat_map(|text| text.split([',', '+'])).map(str::trim) {
        let kind = Chosen::of(named(name)?);
        if !chosen.contains(&kind) {
            chosen.push(kind);
        }
    }
    Ok(chosen)
}

/// A text, or the texts of a list.
fn texts(given: &Dynamic) -> Option<Vec<String>> {
    if let Some(items) = given.read_lock::<Array>() {
        return items.iter().map(|item| item.clone().into_string().ok()).collect();
    }
    given.clone().into_string().ok().map(|text| vec![text])
}

/// Runs a scan by these kinds; none are a SYN scan, or one by connections where the system refuses raw packets.
fn run(call: &mut Call<'_, '_>, chosen: Vec<Chosen>) -> Reply {
    let prn = call.take(at(call, "prn")).and_then(Dynamic::try_cast::<FnPtr>);
    let request = request(call, chosen, false)?;
    Ok(Dynamic::from(Found::new(perform(call, request, prn.as_ref())?)))
}

/// Where a parameter of this name stands in a call; behind all of them when the function has none of that name.
fn at(call: &Call<'_, '_>, name: &str) -> usize {
    call.func.params.iter().position(|param| param.name == name).unwrap_or(usize::MAX)
}

/// Reads the arguments that all scans share.
fn request(call: &mut Call<'_, '_>, chosen: Vec<Chosen>, only_hosts: bool) -> Fallible<Request> {
    let given = call.take(at(call, "targets")).unwrap_or_default();
    let targets = texts(&given)
        .ok_or_else(|| call.fail(format!("targets takes text or a list of texts, found {}", describe(&given))))?
        .join(" ");
    let mut request = Request::new();
    let ports_given = call.take(at(call, "ports"));
    let most = call.count(at(call, "top_ports")).unwrap_or(100);
    let exclude = call.take(at(call, "exclude")).as_ref().and_then(texts).unwrap_or_default().join(" ");
    // An idle scan keeps away from its targets, unless it is told otherwise.
    let is_hidden = !chosen.is_empty() && chosen.iter().all(|chosen| chosen.kind.probe == Probe::Idle);
    request.discover = call.take(at(call, "discover")).map_or(!is_hidden, |v| v.as_bool().unwrap_or(true));
    request.retry = call.count(at(call, "retry")).map(|n| u32::try_from(n).unwrap_or(u32::MAX).min(100));
    request.timeout = call.seconds(at(call, "timeout"));
    request.min_rate = call.count(at(call, "min_rate")).map(|n| n.max(1) as f64);
    request.max_rate = call.count(at(call, "max_rate")).map(|n| n.max(1) as f64);
    request.timing = timing(call)?;
    request.host_timeout = call.seconds(at(call, "host_timeout"));
    request.iface = call.text(at(call, "iface")).map(Into::into);
    let v6 = call.is_true(at(call, "ipv6"));
    request.only_open = call.is_true(at(call, "open"));
    request.probe = probe(call, &chosen)?;
    request.shard = call.take(at(call, "shard")).map_or(Ok(None), |given| shard(call, &given))?;
    request.services = call.state.services();
    request.zombie = zombie(call, &chosen, v6)?;
    let read = |path: &str| read_targets(path);
    let network = call.state.network.borrow();
    request.targets = wanted(&network, &targets, &exclude, v6, &read).map_err(|e| at_part(&e, &targets))?;
    drop(network);
    let typed = || format!("{}(\"{targets}\")", call.func.name);
    request.args = call.state.command.borrow().clone().unwrap_or_else(typed);
    if only_hosts {
        return Ok(request);
    }
    let spec = ports_given.filter(|given| !given.is_unit()).map(|given| ports(call, &given)).transpose()?;
    let ports_of = |kind: &ScanKind| -> Arc<[u16]> {
        match (&spec, kind.proto) {
            (Some(spec), proto) => spec.of(proto).into(),
            (None, Proto::Ip) => (0..=255).collect(),
            (None, proto) => top(proto, usize::try_from(most).unwrap_or(usize::MAX)).into(),
        }
    };
    let with_ports = |chosen: Chosen| (chosen, ports_of(chosen.kind));
    if chosen.is_empty() {
        let syn = Chosen::of(named("syn")?);
        request.fallback = Some(with_ports(Chosen::of(named("connect")?)));
        request.kinds = vec![with_ports(syn)];
    } else {
        request.kinds = chosen.into_iter().map(with_ports).collect();
    }
    if request.kinds.iter().all(|(_, ports)| ports.is_empty()) {
        let protos: Vec<&str> = request.kinds.iter().map(|(chosen, _)| chosen.kind.proto.name()).collect();
        return Err(call.fail(format!("the ports have none for {}", protos.join(", "))));
    }
    request.kinds.retain(|(_, ports)| !ports.is_empty());
    Ok(request)
}

/// The text of a file of targets; `-` is standard input.
fn read_targets(path: &str) -> Result<String, String> {
    use std::io::Read;
    const MOST: u64 = 64 << 20;
    let mut text = String::new();
    let read = match path {
        "-" => std::io::stdin().take(MOST).read_to_string(&mut text),
        path => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text)),
    };
    read.map(|_| text).map_err(|e| e.to_string())
}

fn at_part(error: &TargetError, targets: &str) -> Box<EvalAltResult> {
    match error {
        TargetError::Spec(spec) => say_at(error.to_string(), part(targets, spec)),
        TargetError::Engine(engine) => say_at(error.to_string(), &engine.word("")),
        TargetError::TooMany(part, _) => say_at(error.to_string(), part),
        _ => say(error.to_string()),
    }
}

fn part<'a>(text: &'a str, error: &SpecError) -> &'a str {
    text.get(error.at.clone()).filter(|part| !part.is_empty()).unwrap_or(text)
}

/// Ports as a number, a range, a list, or text.
pub(super) fn ports(call: &Call<'_, '_>, given: &Dynamic) -> Fallible<PortSpec> {
    let mut text = String::new();
    write_ports(given, &mut text)
        .ok_or_else(|| call.fail(format!("ports takes \"22,80-90\", numbers or a list, found {}", describe(given))))?;
    PortSpec::parse(&text, &call.state.services()).map_err(|e| say_at(format!("ports: {e}"), part(&text, &e)))
}

/// Writes one form of ports as text.
fn write_ports(given: &Dynamic, text: &mut String) -> Option<()> {
    use std::fmt::Write;
    if !text.is_empty() {
        text.push(',');
    }
    if let Some(range) = given.read_lock::<RangeInclusive<INT>>() {
        return write!(text, "{}-{}", range.start(), range.end()).ok();
    }
    if let Some(range) = given.read_lock::<std::ops::Range<INT>>() {
        return write!(text, "{}-{}", range.start, range.end - 1).ok();
    }
    if let Some(items) = given.read_lock::<Array>() {
        let start = text.len();
        for item in items.iter() {
            write_ports(item, text)?;
        }
        if text.get(start..).is_some_and(|rest| rest.starts_with(',')) && start == 0 {
            text.remove(0);
        }
        return Some(());
    }
    if let Ok(number) = given.as_int() {
        return write!(text, "{number}").ok();
    }
    given.read_lock::<ImmutableString>().map(|given| text.push_str(&given))
}

fn timing(call: &mut Call<'_, '_>) -> Fallible<&'static Timing> {
    let Some(given) = call.take(at(call, "timing")).filter(|given| !given.is_unit()) else {
        return Ok(Timing::normal());
    };
    let text = given.to_string();
    Timing::named(&text).ok_or_else(|| {
        let names: Vec<&str> = crate::scan::TIMINGS.iter().map(|t| t.name).collect();
        say_at(
            format!("timing: no template \"{}\"; there are {} (T0 to T5)", text.escape_debug(), names.join(", ")),
            &text,
        )
    })
}

fn probe(call: &mut Call<'_, '_>, chosen: &[Chosen]) -> Fallible<Option<Packet>> {
    let Some(given) = call.take(at(call, "probe")).filter(|given| !given.is_unit()) else { return Ok(None) };
    let found = describe(&given);
    let packet: Packet = given
        .try_cast()
        .ok_or_else(|| call.fail(format!("probe takes a packet like IP(ttl=12)/TCP(), found {found}")))?;
    let syn = [Chosen::of(&KINDS[0])];
    let chosen = if chosen.is_empty() { &syn } else { chosen };
    for kind in chosen {
        kind.check_probe(&packet).map_err(|why| say_at(why, "probe"))?;
    }
    Ok(Some(packet))
}

/// The zombie of an idle scan: its address and port.
fn zombie(
    call: &mut Call<'_, '_>,
    chosen: &[Chosen],
    v6: bool,
) -> Fallible<Option<(crate::base::targets::Target, u16)>> {
    if !chosen.iter().any(|c| c.kind.probe == Probe::Idle) {
        return Ok(None);
    }
    let (name, port) = (call.text(at(call, "zombie")), call.count(at(call, "zombie_port")).unwrap_or(80));
    let Some(name) = name else {
        return Err(call.fail("zombie is missing: a quiet host with IP IDs that count, as zombie=\"zombie.lab\""));
    };
    let port = u16::try_from(port).map_err(|_| call.fail(format!("zombie_port: {port} is no port (0 to 65535)")))?;
    let found = wanted(&call.state.network.borrow(), &name, "", v6, &|_| Err("a zombie is one host".into()));
    match found.map_err(|e| say_at(e.to_string(), &name))?.as_slice() {
        [one] => Ok(Some((one.target.clone(), port))),
        many => Err(say_at(format!("a zombie is one host; \"{name}\" is {}", many.len()), &name)),
    }
}

/// A piece of a scan: `"1/4"` or `[1, 4]`.
pub(super) fn shard(call: &Call<'_, '_>, given: &Dynamic) -> Fallible<Option<Shard>> {
    if given.is_unit() {
        return Ok(None);
    }
    let numbers = given.read_lock::<Array>().and_then(|items| match &items[..] {
        [piece, of] => piece.as_int().ok().zip(of.as_int().ok()),
        _ => None,
    });
    let shard = match (numbers, given.clone().into_string()) {
        (Some((piece, of)), _) => Shard::new(piece, of),
        (None, Ok(text)) => text.parse(),
        (None, Err(_)) => {
            return Err(call.fail(format!("shard takes \"1/4\" or [1, 4], found {}", describe(given))));
        }
    };
    shard.map(Some).map_err(|e| say_at(format!("shard: {e}"), "shard"))
}

/// Opens the file of `resume=`: what it has is taken over, and what is found is written behind it.
fn resumed(path: &str, scanner: &mut Scanner) -> Fallible<Journal> {
    let fail = |what: String| say_at(format!("resume: \"{}\": {what}", path.escape_debug()), path);
    let io = |e: std::io::Error| fail(e.to_string());
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(fail(
            "another scan writes it now; give each scan, and each piece of one, a file of its own".into(),
        ));
    }
    let kept = read_journal(BufReader::new(&file)).map_err(|e| fail(e.to_string()))?;
    let length = kept.as_ref().map_or(0, |kept| kept.length);
    if let Some(kept) = &kept {
        let differences = scanner.identity().differences(&kept.identity);
        if !differences.is_empty() {
            return Err(fail(format!("it is of another scan: {}", differences.join("; "))));
        }
    }
    file.set_len(length).map_err(io)?;
    file.seek(SeekFrom::Start(length)).map_err(io)?;
    let out = Box::new(BufWriter::new(file));
    let Some(kept) = kept else { return Ok(Journal::begin(out, scanner.identity())) };
    let journal = Journal::go_on(out, &kept.scan);
    scanner.resume(kept.scan);
    Ok(journal)
}

/// Runs a scan to its end, telling all who watch it.
fn perform(call: &mut Call<'_, '_>, mut request: Request, prn: Option<&FnPtr>) -> Fallible<Scan> {
    pump(&Caller::Call(call.cx), call.state)?;
    call.state.may_wait()?;
    let state = call.state;
    let resume = call.text(at(call, "resume"));
    // A port that is not open is kept in the file, or it would be asked again.
    let only_open = request.only_open;
    request.only_open &= resume.is_none();
    let begun = Scanner::new(&mut state.network.borrow_mut(), request);
    let mut scanner = begun.map_err(|error| super::exchange::fault(call, &error))?;
    let mut journal = resume.as_ref().map(|path| resumed(path, &mut scanner)).transpose()?;
    let mut failed = None;
    loop {
        let news = scanner.next(&mut state.network.borrow_mut());
        let news = news.map_err(|error| super::exchange::fault(call, &error))?;
        state.watchers.borrow_mut().iter_mut().for_each(|watch| watch.news(scanner.scan(), &news));
        if let (Some(path), Some(journal)) = (&resume, &mut journal) {
            journal.news(scanner.scan(), &news);
            if let Some(error) = journal.take_error() {
                let path = path.escape_debug();
                state.console.note(&format!("cannot write \"{path}\": {error}; the scan goes on, the file does not"));
            }
        }
        match &news {
            News::Port(row) if failed.is_none() && (!only_open || row.state == State::Open) => {
                if let Some(prn) = prn {
                    let port = Port::of(scanner.scan(), row);
                    failed = prn.call_raw(call.cx, None, [Dynamic::from(port)]).err();
                    if failed.is_some() {
                        scanner.stop(&mut state.network.borrow_mut()).map_err(|e| super::exchange::fault(call, &e))?;
                    }
                }
            }
            News::Ended => break,
            _ => {}
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    if scanner.scan().interrupted {
        state.was_interrupted();
    }
    let mut scan = scanner.into_scan();
    scan.rows.retain(|row| !only_open || row.state == State::Open);
    Ok(scan)
}
