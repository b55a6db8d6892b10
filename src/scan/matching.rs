//! Which probe a heard packet answers, and what it says.

use super::job::Sweep;
use super::kinds::{On, Probe};
use super::probe::Expected;
use super::read::{Verdict, by_error, by_rules, error_note, error_reason};
use super::state::{Reason, State};
use super::view::{Heard, ICMP, ICMPV6, Segment};
use crate::layers::tcp::{ACK, RST, SYN, letters};
use crate::net::ConnectError;

/// What a heard packet is to a scan.
pub(super) enum Found {
    /// None of its business.
    Nothing,
    /// It came to one of our ports, and nothing had asked for it; in words.
    Stray(String),
    /// It belongs to a unit, and is not believed; why.
    NotBelieved(u32, String),
    /// It answers these.
    Answers(Vec<Answer>),
}

/// An answer to one unit.
pub(super) struct Answer {
    pub(super) unit: u32,
    /// Which try it answers, where that can be told.
    pub(super) attempt: Option<u8>,
    pub(super) verdict: Verdict,
}

/// The most bytes of an answer that are kept.
const MOST_KEPT: usize = 256;

/// Finds the probe that `heard` answers.
pub(super) fn match_answer(sweep: &Sweep, heard: &Heard<'_>) -> Found {
    if let Some(quoted) = heard.quoted() {
        return quoted_probe(sweep, heard, &quoted);
    }
    match (sweep.setup.kind().probe, heard.proto) {
        (Probe::Tcp(_), 6) => segment(sweep, heard),
        (Probe::Udp, 17) => datagram(sweep, heard),
        (Probe::SctpInit | Probe::SctpCookie, 132) => chunk(sweep, heard),
        (Probe::Protocol, _) => protocol(sweep, heard),
        _ => Found::Nothing,
    }
}

fn verdict(heard: &Heard<'_>, state: State, reason: Reason) -> Verdict {
    let packet = heard.packet[..heard.packet.len().min(MOST_KEPT)].to_vec();
    Verdict { ttl: Some(heard.ttl), packet, ..Verdict::silent(state, reason) }
}

fn one(unit: u32, attempt: Option<u8>, verdict: Verdict) -> Found {
    Found::Answers(vec![Answer { unit, attempt, verdict }])
}

/// The unit that a packet from `heard.from`, port `theirs`, to our port `ours` belongs to.
fn unit_of(sweep: &Sweep, heard: &Heard<'_>, theirs: u16, ours: u16) -> Result<u32, Found> {
    let place = sweep.place(theirs);
    let unit = sweep.goal_at(heard.from).zip(place).map(|(goal, place)| sweep.unit(goal, place));
    match unit {
        Some(unit) if !tries_from(sweep, unit, ours).is_empty() => Ok(unit),
        _ if sweep.setup.sports.contains(&ours) => {
            Err(Found::Stray(format!("{} from {}:{theirs}", what(heard), heard.from)))
        }
        _ => Err(Found::Nothing),
    }
}

/// The tries of a unit that went out from our port `ours`.
fn tries_from(sweep: &Sweep, unit: u32, ours: u16) -> Vec<u8> {
    let tries = sweep.units[unit as usize].tries;
    (0..tries).filter(|&attempt| sweep.sport(unit, attempt) == ours).collect()
}

/// The one try, where there is but one.
fn only(tries: &[u8]) -> Option<u8> {
    (tries.len() == 1).then(|| tries[0])
}

/// A packet in a few words.
fn what(heard: &Heard<'_>) -> String {
    match heard.tcp() {
        Some(segment) => named(segment.flags),
        None if heard.proto == 17 => "UDP".into(),
        None if heard.proto == 132 => "SCTP".into(),
        None => format!("protocol {}", heard.proto),
    }
}

/// The flags by their letters, also where none is lit.
fn named(flags: u64) -> String {
    if flags == 0 { "no flags".into() } else { letters(flags) }
}

fn segment(sweep: &Sweep, heard: &Heard<'_>) -> Found {
    let (Some(segment), Some((theirs, ours))) = (heard.tcp(), heard.ports()) else { return Found::Nothing };
    let unit = match unit_of(sweep, heard, theirs, ours) {
        Ok(unit) => unit,
        Err(found) => return found,
    };
    let tries = tries_from(sweep, unit, ours);
    let seen = ons(sweep, &segment);
    let Some((state, reason)) = by_rules(sweep.setup.kind(), &seen) else {
        return Found::NotBelieved(unit, format!("unexpected: {}", named(segment.flags)));
    };
    let (goal, place) = sweep.of_unit(unit);
    let Some(template) = sweep.template(goal, place) else { return Found::Nothing };
    let expected: Vec<Expected> = tries.iter().map(|&t| template.expected(&sweep.numbers(unit, t))).collect();
    if !expected.iter().any(|expected| refers(expected, &segment)) {
        return Found::NotBelieved(unit, not_ours(&segment, expected.first().copied()));
    }
    let mut verdict = verdict(heard, state, reason.unwrap_or(Reason::Reset));
    let probe_has_ack = sweep.setup.chosen.tcp_flags() & ACK != 0;
    if !probe_has_ack && segment.flags & (RST | ACK) == RST {
        verdict.note = "a reset without ACK: a kernel would not believe it".into();
    }
    one(unit, only(&tries), verdict)
}

/// Why a segment does not refer to a probe, in words.
fn not_ours(segment: &Segment, expected: Option<Expected>) -> String {
    let flags = named(segment.flags);
    let wanted = expected.map_or((0, 0), |e| (e.seq.wrapping_add(e.len), e.ack));
    if segment.flags & ACK == 0 {
        return format!("not believed: {flags} has sequence number {}, not {}", segment.seq, wanted.1);
    }
    format!("not believed: {flags} acknowledges {}, not {}", segment.ack, wanted.0)
}

/// What a segment is to the rules.
fn ons(sweep: &Sweep, segment: &Segment) -> Vec<On> {
    let flags = sweep.setup.chosen.tcp_flags();
    let sends_syn = flags & SYN != 0 && flags & RST == 0;
    match segment.flags & (SYN | ACK | RST) {
        f if f & RST != 0 && segment.window > 0 => vec![On::ResetWithWindow, On::Reset],
        f if f & RST != 0 => vec![On::Reset],
        f if f == SYN | ACK && sends_syn => vec![On::SynAck],
        SYN if sends_syn => vec![On::Syn],
        _ => Vec::new(),
    }
}

/// Whether a segment refers to a probe: it acknowledges its sequence number, or takes up its acknowledgment number
/// (RFC 9293 section 3.10.7.1); some stacks do not count SYN or FIN.
fn refers(expected: &Expected, segment: &Segment) -> bool {
    let acknowledges = segment.ack.wrapping_sub(expected.seq) <= expected.len;
    match segment.flags & (SYN | ACK | RST) {
        SYN => true, // the far side opens by itself, and acknowledges nothing
        f if f & ACK != 0 => acknowledges || (f & RST != 0 && expected.ack != 0 && segment.seq == expected.ack),
        _ => segment.seq == expected.ack || acknowledges,
    }
}

fn datagram(sweep: &Sweep, heard: &Heard<'_>) -> Found {
    let Some((theirs, ours)) = heard.ports() else { return Found::Nothing };
    match unit_of(sweep, heard, theirs, ours) {
        Ok(unit) => {
            let Some((state, reason)) = by_rules(sweep.setup.kind(), &[On::Datagram]) else { return Found::Nothing };
            let tries = tries_from(sweep, unit, ours);
            one(unit, only(&tries), verdict(heard, state, reason.unwrap_or(Reason::UdpResponse)))
        }
        Err(stray) => datagram_elsewhere(sweep, heard, theirs, ours).unwrap_or(stray),
    }
}

/// An answer from another port, as TFTP gives it (RFC 1350 section 4): it belongs to the one port of that host that
/// was asked from our port and has not answered.
fn datagram_elsewhere(sweep: &Sweep, heard: &Heard<'_>, theirs: u16, ours: u16) -> Option<Found> {
    let goal = sweep.goal_at(heard.from)?;
    let asked = (0..sweep.setup.ports.len() as u32).map(|place| sweep.unit(goal, place)).filter(|&unit| {
        let it = &sweep.units[unit as usize];
        it.verdict.is_none() && !tries_from(sweep, unit, ours).is_empty()
    });
    let asked: Vec<u32> = asked.take(2).collect();
    let &[unit] = asked.as_slice() else { return None };
    let (state, reason) = by_rules(sweep.setup.kind(), &[On::DatagramElsewhere])?;
    let mut verdict = verdict(heard, state, reason.unwrap_or(Reason::UdpResponse));
    verdict.note = format!("udp-response from port {theirs}");
    Some(one(unit, only(&tries_from(sweep, unit, ours)), verdict))
}

fn chunk(sweep: &Sweep, heard: &Heard<'_>) -> Found {
    let (Some((theirs, ours)), Some((tag, kind, flags))) = (heard.ports(), heard.chunk()) else {
        return Found::Nothing;
    };
    let unit = match unit_of(sweep, heard, theirs, ours) {
        Ok(unit) => unit,
        Err(found) => return found,
    };
    let on = match kind {
        2 => On::InitAck,
        6 => On::Abort,
        other => return Found::NotBelieved(unit, format!("unexpected: SCTP chunk {other}")),
    };
    let tries = tries_from(sweep, unit, ours);
    // An ABORT with the T bit carries our own packet's tag, which is 0 with INIT (RFC 9260 section 8.5.1).
    let is_reflected = flags & 1 == 1 && sweep.setup.kind().probe == Probe::SctpInit && tag == 0;
    if !is_reflected && !tries.iter().any(|&t| sweep.numbers(unit, t).number == tag) {
        return Found::NotBelieved(unit, format!("not believed: SCTP chunk {kind} with tag {tag:#x}"));
    }
    match by_rules(sweep.setup.kind(), &[on]) {
        Some((state, reason)) => one(unit, only(&tries), verdict(heard, state, reason.unwrap_or(Reason::Abort))),
        None => Found::NotBelieved(unit, format!("unexpected: SCTP chunk {kind}")),
    }
}

/// A packet of a probed protocol from a probed host.
fn protocol(sweep: &Sweep, heard: &Heard<'_>) -> Found {
    let place = sweep.place(heard.proto.into());
    let Some(unit) = sweep.goal_at(heard.from).zip(place).map(|(goal, place)| sweep.unit(goal, place)) else {
        return Found::Nothing;
    };
    // Requests of others to us, and what TCP and UDP say to other ports, answer nothing of ours.
    let is_ours = match heard.ports() {
        Some((_, ours)) => sweep.setup.sports.contains(&ours),
        None => true,
    };
    let echo_reply = if heard.proto == ICMPV6 { 129 } else { 0 };
    let on = match heard.icmp() {
        Some((kind, _)) if kind == echo_reply => On::EchoReply,
        Some(_) => return Found::Nothing,
        None => On::Protocol,
    };
    match by_rules(sweep.setup.kind(), &[on]).filter(|_| is_ours) {
        Some((state, reason)) => one(unit, None, verdict(heard, state, reason.unwrap_or(Reason::ProtoResponse))),
        None => Found::Nothing,
    }
}

/// An ICMP error: it belongs to the probe that it quotes.
fn quoted_probe(sweep: &Sweep, heard: &Heard<'_>, quoted: &Heard<'_>) -> Found {
    let Some(goal) = sweep.goal_at(quoted.to) else { return Found::Nothing };
    let kind = sweep.setup.kind();
    let is_protocol = kind.probe == Probe::Protocol;
    let port = match (is_protocol, quoted.ports()) {
        (true, _) => u16::from(quoted.proto),
        (false, Some((_, theirs))) if u16::from(quoted.proto) == protocol_of(kind.probe) => theirs,
        _ => return Found::Nothing,
    };
    let Some(unit) = sweep.place(port).map(|place| sweep.unit(goal, place)) else { return Found::Nothing };
    let tries = match quoted.ports() {
        Some((ours, _)) if !is_protocol => tries_from(sweep, unit, ours),
        _ => (0..sweep.units[unit as usize].tries).collect(),
    };
    if tries.is_empty() {
        return Found::Nothing;
    }
    if !is_protocol && !quotes(sweep, unit, &tries, quoted) {
        return Found::NotBelieved(
            unit,
            format!("not believed: an ICMP error from {} quotes another probe", heard.from),
        );
    }
    let target = sweep.goals[goal].target.addr;
    let Some((state, reason)) = by_error(kind, heard, target) else {
        let (kind, code) = heard.icmp().unwrap_or_default();
        return Found::NotBelieved(unit, format!("unexpected: ICMP type {kind} code {code} from {}", heard.from));
    };
    let error = |state, reason| {
        let mut verdict = verdict(heard, state, reason);
        verdict.by = (heard.from != target).then_some(heard.from);
        verdict.note = error_note(heard, reason).unwrap_or_default();
        verdict
    };
    let mut answers = vec![Answer { unit, attempt: only(&tries), verdict: error(state, reason) }];
    answers.extend(speaks_icmp(sweep, heard, goal, unit).map(|unit| {
        let reason = error_reason(heard).unwrap_or(Reason::ProtoResponse);
        Answer { unit, attempt: None, verdict: error(State::Open, reason) }
    }));
    Found::Answers(answers)
}

/// Any ICMP from the target itself shows that it speaks ICMP.
fn speaks_icmp(sweep: &Sweep, heard: &Heard<'_>, goal: usize, but: u32) -> Option<u32> {
    let is_own = sweep.setup.kind().probe == Probe::Protocol && heard.from == sweep.goals[goal].target.addr;
    let number = if heard.proto == ICMP { ICMP } else { ICMPV6 };
    let unit = sweep.place(number.into()).filter(|_| is_own).map(|place| sweep.unit(goal, place))?;
    (unit != but).then_some(unit)
}

fn protocol_of(probe: Probe) -> u16 {
    match probe {
        Probe::Udp => 17,
        Probe::SctpInit | Probe::SctpCookie => 132,
        _ => 6,
    }
}

/// Whether an error quotes the number of one of these tries. UDP has none. INIT has no tag in its header; the one that
/// it hands out is behind the 8 bytes that every error quotes (RFC 792).
fn quotes(sweep: &Sweep, unit: u32, tries: &[u8], quoted: &Heard<'_>) -> bool {
    let (goal, place) = sweep.of_unit(unit);
    let number = match (sweep.setup.kind().probe, quoted.number()) {
        (Probe::Tcp(_) | Probe::SctpCookie, Some(number)) => number,
        (Probe::SctpInit, Some(0)) => match quoted.init_tag() {
            Some(number) => number,
            None => return true,
        },
        (Probe::SctpInit, Some(_)) => return false,
        _ => return true,
    };
    let Some(template) = sweep.template(goal, place) else { return false };
    tries.iter().any(|&t| template.expected(&sweep.numbers(unit, t)).seq == number)
}

/// What the system says of a connection (Linux' `connect(2)`): it has turned the packets into a number.
/// `None`: it says nothing that decides.
pub(super) fn by_connect(result: Result<(), ConnectError>) -> Option<Verdict> {
    let (state, reason, note) = match result {
        Ok(()) => (State::Open, Reason::SynAck, ""),
        Err(ConnectError::Refused) => {
            (State::Closed, Reason::ConnRefused, "a reset or ICMP port unreachable: connect() does not tell them apart")
        }
        Err(ConnectError::HostUnreachable) => (State::Filtered, Reason::HostUnreach, ""),
        Err(ConnectError::NetUnreachable) => (State::Filtered, Reason::NetUnreach, ""),
        Err(ConnectError::ProtoUnreachable) => (State::Filtered, Reason::ProtoUnreach, ""),
        Err(ConnectError::Denied) => (State::Filtered, Reason::AdminProhibited, ""),
        Err(ConnectError::NoNet) => (State::Filtered, Reason::DestUnreach, ""),
        Err(ConnectError::TimedOut | ConnectError::HostDown | ConnectError::Other(_)) => return None,
    };
    Some(Verdict { note: note.into(), ..Verdict::silent(state, reason) })
}
