//! Reading an answer: an error's word, a kind's rules, and which of two answers stands.

use std::net::IpAddr;
use std::time::Duration;

use super::kinds::{Kind, On};
use super::state::{Reason, State};
use super::view::{Heard, ICMPV6};

/// What an ICMP error is called: the family, its type, its codes.
struct ErrorRow {
    v6: bool,
    kind: u8,
    codes: std::ops::RangeInclusive<u8>,
    reason: Reason,
}

const fn v4(kind: u8, code: u8, reason: Reason) -> ErrorRow {
    ErrorRow { v6: false, kind, codes: code..=code, reason }
}

const fn v6(kind: u8, code: u8, reason: Reason) -> ErrorRow {
    ErrorRow { v6: true, kind, codes: code..=code, reason }
}

/// The errors that say something of a port (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1, RFC 4443).
/// Source quench, redirect and IPv4's parameter problem do not.
const ERRORS: &[ErrorRow] = &[
    v4(3, 0, Reason::NetUnreach),
    v4(3, 1, Reason::HostUnreach),
    v4(3, 2, Reason::ProtoUnreach),
    v4(3, 3, Reason::PortUnreach),
    v4(3, 9, Reason::NetProhibited),
    v4(3, 10, Reason::HostProhibited),
    v4(3, 13, Reason::AdminProhibited),
    ErrorRow { v6: false, kind: 3, codes: 0..=255, reason: Reason::DestUnreach },
    ErrorRow { v6: false, kind: 11, codes: 0..=255, reason: Reason::TimeExceeded },
    v6(1, 0, Reason::NoRoute),
    v6(1, 1, Reason::AdminProhibited),
    v6(1, 2, Reason::BeyondScope),
    v6(1, 3, Reason::HostUnreach),
    v6(1, 4, Reason::PortUnreach),
    v6(1, 5, Reason::AdminProhibited),
    v6(1, 6, Reason::RejectRoute),
    ErrorRow { v6: true, kind: 1, codes: 0..=255, reason: Reason::DestUnreach },
    ErrorRow { v6: true, kind: 2, codes: 0..=255, reason: Reason::DestUnreach },
    ErrorRow { v6: true, kind: 3, codes: 0..=255, reason: Reason::TimeExceeded },
    ErrorRow { v6: true, kind: 4, codes: 0..=255, reason: Reason::ParamProblem },
];

/// The word for an ICMP error; `None` when it is none, or says nothing of a port.
pub(super) fn error_reason(heard: &Heard<'_>) -> Option<Reason> {
    let (kind, code) = heard.icmp()?;
    let is_v6 = heard.proto == ICMPV6;
    ERRORS.iter().find(|row| row.v6 == is_v6 && row.kind == kind && row.codes.contains(&code)).map(|row| row.reason)
}

/// Errors whose word says less than their type and code: reported with both.
pub(super) fn error_note(heard: &Heard<'_>, reason: Reason) -> Option<String> {
    let (kind, code) = heard.icmp()?;
    let name = if heard.proto == ICMPV6 { "ICMPv6" } else { "ICMP" };
    matches!(reason, Reason::DestUnreach | Reason::ParamProblem).then(|| format!("{name} type {kind} code {code}"))
}

/// What one answer says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) reason: Reason,
    /// Who said so, where it was not the target.
    pub(super) by: Option<IpAddr>,
    pub(super) ttl: Option<u8>,
    pub(super) rtt: Option<Duration>,
    pub(super) note: String,
    /// The first bytes of the packet.
    pub(super) packet: Vec<u8>,
}

impl Verdict {
    /// A verdict that no packet made.
    pub(super) fn silent(state: State, reason: Reason) -> Self {
        Self { state, reason, by: None, ttl: None, rtt: None, note: String::new(), packet: Vec::new() }
    }
}

/// What a kind says of an answer: the first of its rules that names one of `seen`.
pub(super) fn by_rules(kind: &Kind, seen: &[On]) -> Option<(State, Option<Reason>)> {
    kind.rules.iter().find(|rule| seen.contains(&rule.on)).map(|rule| (rule.state, rule.reason))
}

/// What a kind says of an ICMP error: the target's own by the kind's rules, all others filter.
pub(super) fn by_error(kind: &Kind, heard: &Heard<'_>, target: IpAddr) -> Option<(State, Reason)> {
    let reason = error_reason(heard)?;
    let own: &[On] = match heard.icmp()? {
        _ if heard.from != target => &[],
        (4, 0) if heard.proto == ICMPV6 => &[On::OwnBadField],
        // That a next header or an option is unknown; only the first says that the protocol is closed.
        (4, 1) if heard.proto == ICMPV6 => &[On::Own(reason)],
        (4, _) if heard.proto == ICMPV6 => &[],
        _ => &[On::Own(reason)],
    };
    let (state, word) = by_rules(kind, own).unwrap_or((State::Filtered, None));
    Some((state, word.unwrap_or(reason)))
}

/// Whether a later answer to another probe of the port takes the place of the first: what speaks for the port itself
/// stands against what stands before it, and where silence may mean open, an answer is not outdone by a second one.
pub(super) fn gives_way(kind: &Kind, first: State, later: State) -> bool {
    let quiet = kind.is_open_when_silent();
    match first {
        State::Open => quiet && later != State::Open,
        State::Closed => !quiet && later != State::Filtered,
        State::Filtered => !(quiet && later == State::Open),
        State::Unfiltered => matches!(later, State::Open | State::Closed),
        State::OpenFiltered | State::ClosedFiltered => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::kinds::KINDS;

    #[test]
    fn what_stands_of_two_answers() {
        use State::{Closed, Filtered, Open, Unfiltered};
        // As Nmap decides, except that -sW's open is not special.
        let rows = [
            ("syn", Open, Closed, false),
            ("syn", Open, Filtered, false),
            ("syn", Closed, Open, true),
            ("syn", Closed, Filtered, false),
            ("syn", Filtered, Open, true),
            ("syn", Filtered, Closed, true),
            ("ack", Unfiltered, Filtered, false),
            ("fin", Closed, Filtered, false),
            ("fin", Closed, Open, false),
            ("fin", Filtered, Closed, true),
            ("udp", Filtered, Open, false),
            ("udp", Open, Closed, true),
        ];
        for (kind, first, later, wanted) in rows {
            let kind = KINDS.iter().find(|k| k.name == kind).expect("a kind");
            assert_eq!(gives_way(kind, first, later), wanted, "{}: {first} then {later}", kind.name);
        }
    }
}
