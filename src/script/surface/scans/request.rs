//! The arguments of a scan, read.

use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult};

use super::Fallible;
use crate::base::common::top;
use crate::base::ports::{PortSpec, Proto};
use crate::base::spec::SpecError;
use crate::packet::Packet;
use crate::scan::kinds::{KINDS, Kind as ScanKind, Probe};
use crate::scan::targets::{TargetError, wanted};
use crate::scan::{Chosen, Request, Shard, Timing};
use crate::script::convert::ports_text;
use crate::script::func::{Call, describe, say, say_at};
use crate::script::surface::sets::no_ports;

pub(super) fn named(name: &str) -> Fallible<&'static ScanKind> {
    ScanKind::named(name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let hint = crate::base::nearest::did_you_mean(name, names.iter().copied());
        let hint = if hint.is_empty() { format!("; there are {}", names.join(", ")) } else { hint };
        say_at(format!("no kind of scan \"{}\"{hint}", name.escape_debug()), name)
    })
}

/// The kinds that `kind=` names; none when it is not given.
pub(super) fn kinds(call: &Call<'_, '_>, given: Option<Dynamic>) -> Fallible<Vec<Chosen>> {
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

/// Where a parameter of this name stands in a call; behind all of them when the function has none of that name.
pub(super) fn at(call: &Call<'_, '_>, name: &str) -> usize {
    call.func.params.iter().position(|param| param.name == name).unwrap_or(usize::MAX)
}

/// Reads the arguments that all scans share.
pub(super) fn request(call: &mut Call<'_, '_>, chosen: Vec<Chosen>, only_hosts: bool) -> Fallible<Request> {
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

fn ports(call: &Call<'_, '_>, given: &Dynamic) -> Fallible<PortSpec> {
    let text = ports_text(given).ok_or_else(|| no_ports(given))?;
    PortSpec::parse(&text, &call.state.services()).map_err(|e| say_at(format!("ports: {e}"), part(&text, &e)))
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
