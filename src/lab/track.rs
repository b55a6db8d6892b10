//! What a filter with state remembers: the connections through it, as Linux' `nf_conntrack` follows them.
//!
//! A packet is looked at before the rules and remembered when they let it pass; what the host itself sends is looked at,
//! too. Sequence numbers are not compared with the windows. `tests/filters_kernel.rs` holds this against a kernel.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use etherparse::{IpNumber, icmpv4, icmpv6, ip_number};
use serde::{Deserialize, Serialize};

use super::tcp::flag::{ACK, FIN, RST, SYN};
use crate::base::Time;

/// What a packet is to the connections; the words are those of nftables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It belongs to a connection of which both sides have been heard.
    Established,
    /// It can begin no connection and belongs to none.
    Invalid,
    /// It begins a connection, or comes once more from the side that did, before the other one has answered.
    New,
    /// An ICMP error about a packet of a connection.
    Related,
}

/// A packet as the tracker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    flow: Flow,
    kind: Kind,
}

/// From whom to whom: addresses with ports, or with the identifier of an echo, which both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    protocol: u8,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
}

impl Flow {
    fn back(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A segment with these flags.
    Tcp(u8),
    /// Of UDP, or of a protocol whose ports are unknown.
    Plain,
    /// An echo request.
    Asks,
    /// An echo reply.
    Answers,
    /// An ICMP error; the flow is that of the packet in it.
    Error,
}

impl Seen {
    /// Reads the packet of `protocol` in `bytes`. `None` when it is too short, and for the messages of ICMP that have no
    /// connection, neighbor discovery among them.
    pub(super) fn of(src: IpAddr, dst: IpAddr, protocol: IpNumber, bytes: &[u8]) -> Option<Self> {
        let flow = |from, to| Flow { protocol: protocol.0, from: (src, from), to: (dst, to) };
        let ports = || Some(flow(word(bytes, 0)?, word(bytes, 2)?));
        let echo = || word(bytes, 4).map(|id| flow(id, id));
        let (flow, kind) = match (protocol, bytes.first().copied()) {
            (ip_number::TCP, _) => (ports()?, Kind::Tcp(*bytes.get(13)?)),
            (ip_number::UDP, _) => (ports()?, Kind::Plain),
            (ip_number::ICMP | ip_number::IPV6_ICMP, Some(kind)) => match (protocol, kind) {
                (ip_number::ICMP, icmpv4::TYPE_ECHO_REQUEST) | (ip_number::IPV6_ICMP, icmpv6::TYPE_ECHO_REQUEST) => {
                    (echo()?, Kind::Asks)
                }
                (ip_number::ICMP, icmpv4::TYPE_ECHO_REPLY) | (ip_number::IPV6_ICMP, icmpv6::TYPE_ECHO_REPLY) => {
                    (echo()?, Kind::Answers)
                }
                (ip_number::ICMP, 3 | 4 | 11 | 12) | (ip_number::IPV6_ICMP, ..128) => {
                    (quoted(bytes.get(8..)?)?, Kind::Error)
                }
                _ => return None,
            },
            _ => (flow(0, 0), Kind::Plain),
        };
        Some(Self { flow, kind })
    }
}

/// The flow of a packet quoted in an ICMP error, extension headers apart.
fn quoted(packet: &[u8]) -> Option<Flow> {
    let (src, dst, protocol, rest): (IpAddr, IpAddr, u8, &[u8]) = match packet.first()? >> 4 {
        4 => {
            let addr = |at: usize| packet.get(at..at + 4).and_then(|a| <[u8; 4]>::try_from(a).ok());
            let header_len = usize::from(packet.first()? & 0x0f) * 4;
            (addr(12)?.into(), addr(16)?.into(), *packet.get(9)?, packet.get(header_len..)?)
        }
        6 => {
            let addr = |at: usize| packet.get(at..at + 16).and_then(|a| <[u8; 16]>::try_from(a).ok());
            (addr(8)?.into(), addr(24)?.into(), *packet.get(6)?, packet.get(40..)?)
        }
        _ => return None,
    };
    // An ICMP error never quotes another one. Eight bytes of TCP have no flags yet.
    match IpNumber(protocol) {
        ip_number::TCP => Some(Flow { protocol, from: (src, word(rest, 0)?), to: (dst, word(rest, 2)?) }),
        other => Seen::of(src, dst, other, rest).filter(|seen| seen.kind != Kind::Error).map(|seen| seen.flow),
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes)
}

/// The connections through one host.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// By the flow of the packet that began it.
    table: BTreeMap<Flow, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// None for all else than TCP.
    tcp: Option<Tcp>,
    /// The other side has been heard.
    is_answered: bool,
    /// A SYN from the side that began it may begin it anew.
    may_reopen: bool,
    /// When it is forgotten.
    until: Time,
}

impl Tracker {
    /// Connections remembered at once; further ones are invalid.
    const MOST: usize = 4096;

    /// What a packet is, and what it changes in a connection that is remembered. `loose` is [`super::Filter::loose`].
    pub(super) fn look(&mut self, seen: &Seen, loose: bool, now: Time) -> State {
        let Some((flow, is_back)) = self.find(seen, now) else { return self.look_new(seen, loose, now) };
        if seen.kind == Kind::Error {
            return State::Related;
        }
        let Some(entry) = self.table.get_mut(&flow) else { return State::Invalid };
        match entry.take(seen.kind, is_back) {
            Step::Invalid => return State::Invalid,
            Step::Anew => {
                self.table.remove(&flow);
                return self.look_new(seen, loose, now);
            }
            Step::Over => {
                self.table.remove(&flow);
                return if is_back { State::Established } else { State::New };
            }
            Step::Ignored => entry.is_answered |= is_back,
            Step::On => {
                entry.is_answered |= is_back;
                entry.until = now + entry.patience();
            }
        }
        if entry.is_answered { State::Established } else { State::New }
    }

    /// Remembers the connection of a packet that was new and passed.
    pub(super) fn keep(&mut self, seen: &Seen, now: Time) {
        let tcp = match seen.kind {
            Kind::Tcp(flags) => Some(if flags & SYN != 0 { Tcp::SynSent } else { Tcp::Established }),
            _ => None,
        };
        let mut entry = Entry { tcp, is_answered: false, may_reopen: false, until: now };
        entry.until = now + entry.patience();
        self.table.entry(seen.flow).or_insert(entry);
    }

    /// The connection of a packet, and whether it goes against its direction.
    fn find(&mut self, seen: &Seen, now: Time) -> Option<(Flow, bool)> {
        let ways = [(seen.flow, false), (seen.flow.back(), true)];
        for (flow, is_back) in ways {
            let is_right = match seen.kind {
                Kind::Asks => !is_back,
                Kind::Answers => is_back,
                _ => true,
            };
            match self.table.get(&flow).filter(|_| is_right) {
                Some(entry) if entry.until > now => return Some((flow, is_back)),
                Some(_) => self.table.remove(&flow),
                None => None,
            };
        }
        None
    }

    /// What a packet is that belongs to no connection.
    fn look_new(&mut self, seen: &Seen, loose: bool, now: Time) -> State {
        let can_begin = match seen.kind {
            Kind::Tcp(flags) if !is_sound(flags) => false,
            Kind::Tcp(flags) => match Class::of(flags) {
                Class::Syn => true,
                Class::Ack => loose,
                Class::Fin | Class::None | Class::Reset | Class::SynAck => false,
            },
            Kind::Plain | Kind::Asks => true,
            Kind::Answers | Kind::Error => false,
        };
        if can_begin && self.table.len() >= Self::MOST {
            self.table.retain(|_, entry| entry.until > now);
        }
        if can_begin && self.table.len() < Self::MOST { State::New } else { State::Invalid }
    }
}

/// Whether a segment may have these flags at all: SYN, RST or FIN together, or none with ACK, are no TCP.
fn is_sound(flags: u8) -> bool {
    let flags = flags & (FIN | SYN | RST | ACK | URG);
    [SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG].contains(&flags)
}

const URG: u8 = 0x20;

/// Where a TCP connection is, as far as one can tell who only listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tcp {
    SynSent,
    SynReceived,
    Established,
    /// One side has said FIN.
    FinWait,
    /// The FIN is acknowledged.
    CloseWait,
    /// Both have said FIN.
    LastAck,
    TimeWait,
    /// It was reset.
    Closed,
}

/// What a segment says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Ack,
    Fin,
    None,
    Reset,
    Syn,
    SynAck,
}

impl Class {
    fn of(flags: u8) -> Self {
        match flags {
            _ if flags & RST != 0 => Self::Reset,
            _ if flags & SYN != 0 => {
                if flags & ACK != 0 {
                    Self::SynAck
                } else {
                    Self::Syn
                }
            }
            _ if flags & FIN != 0 => Self::Fin,
            _ if flags & ACK != 0 => Self::Ack,
            _ => Self::None,
        }
    }
}

/// What becomes of a connection by a packet.
enum Step {
    /// Another one begins in its place.
    Anew,
    /// The packet passes and changes nothing: one side or the other may be out of step.
    Ignored,
    Invalid,
    On,
    /// It is forgotten at once.
    Over,
}

impl Entry {
    /// Takes a packet of one side or the other, `is_back` of the one that did not begin.
    fn take(&mut self, kind: Kind, is_back: bool) -> Step {
        let (Kind::Tcp(flags), Some(old)) = (kind, self.tcp) else { return Step::On };
        let class = Class::of(flags);
        if !is_sound(flags) {
            return Step::Invalid;
        }
        if class == Class::Reset && !self.is_answered {
            return Step::Over; // the other side wants none
        }
        match old.next(class, is_back) {
            Next::Invalid => Step::Invalid,
            Next::Reopened if self.may_reopen => Step::Anew,
            Next::Reopened | Next::Same => Step::Ignored,
            Next::Is(new) => {
                self.tcp = Some(new);
                match class {
                    Class::Fin => self.may_reopen = true,
                    Class::Reset => self.may_reopen |= !is_back,
                    _ => {}
                }
                Step::On
            }
        }
    }

    /// How long it is remembered after a packet: the times of `nf_conntrack` in Linux 6.
    fn patience(&self) -> Duration {
        const UNANSWERED: u64 = 300;
        Duration::from_secs(match self.tcp {
            Some(Tcp::Established) if !self.is_answered => UNANSWERED,
            Some(Tcp::Established) => 5 * 24 * 60 * 60,
            None if !self.is_answered => 30,
            None | Some(Tcp::SynSent | Tcp::FinWait | Tcp::TimeWait) => 120,
            Some(Tcp::SynReceived | Tcp::CloseWait) => 60,
            Some(Tcp::LastAck) => 30,
            Some(Tcp::Closed) => 10,
        })
    }
}

/// What a segment makes of a connection.
enum Next {
    Invalid,
    Is(Tcp),
    /// A SYN where the connection is over.
    Reopened,
    Same,
}

impl Tcp {
    fn next(self, class: Class, is_back: bool) -> Next {
        use Tcp::{CloseWait, Closed, Established, FinWait, LastAck, SynReceived, SynSent, TimeWait};
        if self.excludes(class, is_back) {
            return Next::Invalid;
        }
        Next::Is(match (class, self) {
            (Class::Syn, TimeWait | Closed) => return Next::Reopened,
            (Class::Syn, SynSent) => SynSent,
            (Class::SynAck, SynSent) | (Class::SynAck | Class::Ack, SynReceived) if is_back || class != Class::Ack => {
                SynReceived
            }
            (Class::Syn | Class::SynAck, _) | (Class::Ack, SynSent) => return Next::Same,
            (Class::Fin, SynReceived | Established) => FinWait,
            (Class::Fin, FinWait | CloseWait | LastAck) => LastAck,
            (Class::Ack, SynReceived | Established) => Established,
            (Class::Ack, FinWait | CloseWait) => CloseWait,
            (Class::Ack, LastAck) | (Class::Fin | Class::Ack, TimeWait) => TimeWait,
            _ => Closed,
        })
    }

    /// Whether that side cannot say this now.
    fn excludes(self, class: Class, is_back: bool) -> bool {
        match class {
            Class::None => true,
            Class::Syn => is_back,
            Class::SynAck => !is_back && self != Self::SynReceived,
            Class::Fin => self == Self::SynSent,
            Class::Ack => self == Self::SynSent && !is_back,
            Class::Reset => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

    fn seen(src: IpAddr, dst: IpAddr, protocol: IpNumber, bytes: &[u8]) -> Seen {
        Seen::of(src, dst, protocol, bytes).expect("it has a connection")
    }

    fn segment(to: IpAddr, flags: u8) -> Seen {
        let (src, from_port, to_port) = if to == B { (A, 7, 80) } else { (B, 80, 7) };
        let mut bytes = [0; 20];
        (bytes[1], bytes[3], bytes[13]) = (from_port, to_port, flags);
        seen(src, to, ip_number::TCP, &bytes)
    }

    /// Looks at a packet and remembers what is new.
    fn pass(tracker: &mut Tracker, seen: &Seen, now: Time) -> State {
        let state = tracker.look(seen, true, now);
        if state == State::New {
            tracker.keep(seen, now);
        }
        state
    }

    #[test]
    fn a_connection_is_followed_to_its_end() {
        // To whom, flags; what it is.
        let rows = [
            (B, SYN, State::New),
            (B, SYN, State::New),
            (A, SYN | ACK, State::Established),
            (B, ACK, State::Established),
            (A, ACK, State::Established),
            (A, SYN, State::Invalid),
            (B, SYN | ACK, State::Invalid),
            (B, FIN, State::Invalid),
            (B, FIN | ACK, State::Established),
            (A, FIN | ACK, State::Established),
            (B, ACK, State::Established),
            (B, SYN, State::New), // it begins anew
            (A, RST | ACK, State::Established),
            (A, ACK, State::New), // the reset was its end, and a bare ACK may begin another one
        ];
        let mut tracker = Tracker::default();
        for (row, (to, flags, state)) in rows.into_iter().enumerate() {
            assert_eq!(pass(&mut tracker, &segment(to, flags), Time::ZERO), state, "row {row}");
        }
    }

    #[test]
    fn what_is_not_heard_of_is_forgotten() {
        let mut tracker = Tracker::default();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        let datagram = |src, dst| seen(src, dst, ip_number::UDP, &[0, 9, 0, 9]);
        assert_eq!(pass(&mut tracker, &datagram(A, B), at(0)), State::New);
        assert_eq!(pass(&mut tracker, &datagram(B, A), at(29)), State::Established);
        assert_eq!(pass(&mut tracker, &datagram(A, B), at(148)), State::Established);
        assert_eq!(pass(&mut tracker, &datagram(A, B), at(300)), State::New);
    }

    #[test]
    fn echoes_and_errors_belong_to_what_they_answer() {
        let mut tracker = Tracker::default();
        let echo = |kind| [kind, 0, 0, 0, 0, 5, 0, 1];
        assert_eq!(pass(&mut tracker, &seen(B, A, ip_number::ICMP, &echo(0)), Time::ZERO), State::Invalid);
        assert_eq!(pass(&mut tracker, &seen(A, B, ip_number::ICMP, &echo(8)), Time::ZERO), State::New);
        assert_eq!(pass(&mut tracker, &seen(B, A, ip_number::ICMP, &echo(0)), Time::ZERO), State::Established);
        // Port unreachable, quoting a datagram that was sent and one that was not.
        let error = |port| {
            let quote =
                [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 2, 192, 0, 2, 10][..], &[0, 9, 0, port]];
            [&[3, 3, 0, 0, 0, 0, 0, 0][..], &quote.concat()].concat()
        };
        assert_eq!(pass(&mut tracker, &seen(A, B, ip_number::UDP, &[0, 9, 0, 53]), Time::ZERO), State::New);
        assert_eq!(pass(&mut tracker, &seen(B, A, ip_number::ICMP, &error(53)), Time::ZERO), State::Related);
        assert_eq!(pass(&mut tracker, &seen(B, A, ip_number::ICMP, &error(54)), Time::ZERO), State::Invalid);
        assert_eq!(Seen::of(B, A, ip_number::ICMP, &error(54)[..30]), None, "a quote cut short");
    }

    #[test]
    fn a_full_table_takes_nothing_new_until_something_is_forgotten() {
        let mut tracker = Tracker::default();
        let datagram = |number: usize| seen(A, B, ip_number::UDP, &[(number >> 8) as u8, number as u8, 0, 9]);
        assert!((0..Tracker::MOST).all(|n| pass(&mut tracker, &datagram(n), Time::ZERO) == State::New));
        assert_eq!(pass(&mut tracker, &datagram(Tracker::MOST), Time::ZERO), State::Invalid);
        let later = Time::ZERO + Duration::from_secs(31);
        assert_eq!(pass(&mut tracker, &datagram(Tracker::MOST), later), State::New);
        assert_eq!(tracker.table.len(), 1);
    }
}
