//! The kinds of scan, a row each: what is sent, how answers are read, what silence means.

use super::state::{Reason, State};
use crate::base::ports::Proto;
use crate::layers::tcp::{ACK, FIN, RST, SYN};

/// A kind of scan.
#[derive(Debug, PartialEq)]
pub struct Kind {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// Its function in scripts.
    pub function: &'static str,
    /// Nmap's option.
    pub nmap: &'static str,
    /// Its name in Nmap's XML (`scaninfo type`).
    pub xml: &'static str,
    /// What it tells, in one sentence.
    pub doc: &'static str,
    /// What its numbers are.
    pub proto: Proto,
    /// A line to try in the laboratory; a test runs it.
    pub example: &'static str,
    /// What it sends.
    pub probe: Probe,
    /// How an answer is read: the first rule that fits. Errors that no rule names are filtered.
    pub rules: &'static [Rule],
    /// What silence means.
    pub silence: State,
    /// How much its word weighs against another kind's: 3 a port that speaks, 2 a rule of TCP, 1 a habit of some stacks.
    pub weight: u8,
}

/// What a kind sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A TCP segment with these flags.
    Tcp(u64),
    /// A connection, made by the system itself.
    Connect,
    /// A datagram with what the port's usual service answers.
    Udp,
    /// An SCTP INIT (RFC 9260 section 3.3.2).
    SctpInit,
    /// An SCTP COOKIE ECHO with a cookie that nobody gave (section 3.3.11).
    SctpCookie,
    /// An IP packet of the protocol.
    Protocol,
    /// A SYN in the name of a zombie.
    Idle,
}

/// How one answer is read.
#[derive(Debug, PartialEq)]
pub struct Rule {
    /// The answer.
    pub on: On,
    /// What the port is then.
    pub state: State,
    /// Nmap's word for it; where it is `None`, the error's own.
    pub reason: Option<Reason>,
}

/// An answer, as far as a rule cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// SYN and ACK.
    SynAck,
    /// SYN without ACK.
    Syn,
    /// RST with a window above 0.
    ResetWithWindow,
    /// RST.
    Reset,
    /// A datagram from the probed port.
    Datagram,
    /// A datagram from another port of the host.
    DatagramElsewhere,
    /// SCTP INIT ACK.
    InitAck,
    /// SCTP ABORT.
    Abort,
    /// A packet of the probed protocol.
    Protocol,
    /// An echo reply.
    EchoReply,
    /// This ICMP error, from the host itself.
    Own(Reason),
    /// ICMPv6 4/0: a field that the host found wrong (it read the probe, so it speaks the protocol).
    OwnBadField,
}

const fn rule(on: On, state: State, reason: Reason) -> Rule {
    Rule { on, state, reason: Some(reason) }
}

/// The error's own word is the reason.
const fn own(error: Reason, state: State) -> Rule {
    Rule { on: On::Own(error), state, reason: None }
}

const SYN_RULES: &[Rule] = &[
    rule(On::SynAck, State::Open, Reason::SynAck),
    rule(On::Syn, State::Open, Reason::SplitHandshake),
    rule(On::Reset, State::Closed, Reason::Reset),
];
/// FIN, NULL, Xmas, Maimon: a closed port resets what is no SYN (RFC 9293 section 3.10.7.1), an open one is silent.
const GOODBYE_RULES: &[Rule] = &[rule(On::Reset, State::Closed, Reason::Reset)];

const TCP: Kind = Kind {
    name: "",
    function: "",
    nmap: "",
    xml: "",
    doc: "",
    example: "",
    proto: Proto::Tcp,
    probe: Probe::Tcp(0),
    rules: GOODBYE_RULES,
    silence: State::OpenFiltered,
    weight: 2,
};

/// PSH and URG, beside the flags that decide.
const PSH_URG: u64 = 0x28;

/// All kinds.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "syn",
        function: "syn_scan",
        nmap: "-sS",
        xml: "syn",
        doc: "Half-open: a SYN to each port; SYN/ACK is open, a reset is closed, silence or an ICMP error is filtered.",
        example: r#"syn_scan("web.lab", ports="22,80,81")"#,
        probe: Probe::Tcp(SYN),
        rules: SYN_RULES,
        silence: State::Filtered,
        weight: 3,
        ..TCP
    },
    Kind {
        name: "connect",
        function: "connect_scan",
        nmap: "-sT",
        xml: "connect",
        doc: "Whole connections, made by the system: needs no privilege, and the far program sees them.",
        example: r#"connect_scan("reject.lab", ports="79-81")"#,
        probe: Probe::Connect,
        rules: &[],
        silence: State::Filtered,
        weight: 3,
        ..TCP
    },
    Kind {
        name: "ack",
        function: "ack_scan",
        nmap: "-sA",
        xml: "ack",
        doc: "A stray ACK: a reset says that it came through (unfiltered), and neither open nor closed.",
        example: r#"ack_scan("drop.lab", ports="22,80")"#,
        probe: Probe::Tcp(ACK),
        rules: &[rule(On::Reset, State::Unfiltered, Reason::Reset)],
        silence: State::Filtered,
        ..TCP
    },
    Kind {
        name: "window",
        function: "window_scan",
        nmap: "-sW",
        xml: "window",
        doc: "An ACK scan that reads the reset's window: some old stacks give away open ports by one above 0.",
        example: r#"window_scan("vxworks.lab", ports="80,81")"#,
        probe: Probe::Tcp(ACK),
        rules: &[rule(On::ResetWithWindow, State::Open, Reason::Reset), rule(On::Reset, State::Closed, Reason::Reset)],
        silence: State::Filtered,
        weight: 1,
        ..TCP
    },
    Kind {
        name: "maimon",
        function: "maimon_scan",
        nmap: "-sM",
        xml: "maimon",
        doc: "FIN and ACK: stacks of 1996 dropped it at open ports; those of today reset it everywhere.",
        example: r#"maimon_scan("linux.lab", ports="22,81")"#,
        probe: Probe::Tcp(FIN | ACK),
        weight: 1,
        ..TCP
    },
    Kind {
        name: "fin",
        function: "fin_scan",
        nmap: "-sF",
        xml: "fin",
        doc: "A FIN out of nowhere: closed ports reset it, open ones keep silent, unless the stack resets everything.",
        example: r#"fin_scan("linux.lab", ports="22,81")"#,
        probe: Probe::Tcp(FIN),
        ..TCP
    },
    Kind {
        name: "null",
        function: "null_scan",
        nmap: "-sN",
        xml: "null",
        doc: "A segment without flags, read as the FIN scan is.",
        example: r#"null_scan("windows.lab", ports="80,81")"#,
        probe: Probe::Tcp(0),
        ..TCP
    },
    Kind {
        name: "xmas",
        function: "xmas_scan",
        nmap: "-sX",
        xml: "xmas",
        doc: "FIN, PSH and URG, lit like a tree, read as the FIN scan is.",
        example: r#"xmas_scan("openbsd.lab", ports="80,81")"#,
        probe: Probe::Tcp(FIN | PSH_URG),
        ..TCP
    },
    Kind {
        name: "udp",
        function: "udp_scan",
        nmap: "-sU",
        xml: "udp",
        doc: "Datagrams that usual services answer; ICMP port unreachable from the host is closed, silence may be both.",
        example: r#"udp_scan("dns.lab", ports="53,69")"#,
        proto: Proto::Udp,
        probe: Probe::Udp,
        rules: &[
            rule(On::Datagram, State::Open, Reason::UdpResponse),
            rule(On::DatagramElsewhere, State::Open, Reason::UdpResponse),
            own(Reason::PortUnreach, State::Closed),
        ],
        silence: State::OpenFiltered,
        weight: 3,
    },
    Kind {
        name: "sctp-init",
        function: "sctp_init_scan",
        nmap: "-sY",
        xml: "sctpinit",
        doc: "SCTP's half-open scan: INIT ACK is open, ABORT is closed.",
        example: r#"sctp_init_scan("sctp.lab", ports="36412,9")"#,
        proto: Proto::Sctp,
        probe: Probe::SctpInit,
        rules: &[rule(On::InitAck, State::Open, Reason::InitAck), rule(On::Abort, State::Closed, Reason::Abort)],
        silence: State::Filtered,
        weight: 3,
    },
    Kind {
        name: "sctp-cookie",
        function: "sctp_cookie_scan",
        nmap: "-sZ",
        xml: "sctpcookieecho",
        doc: "A cookie that nobody gave: closed ports abort, open ones drop it in silence.",
        example: r#"sctp_cookie_scan("sctp.lab", ports="36412,9")"#,
        proto: Proto::Sctp,
        probe: Probe::SctpCookie,
        rules: &[rule(On::Abort, State::Closed, Reason::Abort)],
        ..TCP
    },
    Kind {
        name: "protocol",
        function: "protocol_scan",
        nmap: "-sO",
        xml: "ipproto",
        doc: "Which IP protocols a host speaks: one packet of each, and what it says against it.",
        example: r#"protocol_scan("protocols.lab", ports="1,2,6,99")"#,
        proto: Proto::Ip,
        probe: Probe::Protocol,
        rules: &[
            rule(On::EchoReply, State::Open, Reason::EchoReply),
            rule(On::Protocol, State::Open, Reason::ProtoResponse),
            own(Reason::PortUnreach, State::Open),
            own(Reason::ProtoUnreach, State::Closed),
            rule(On::OwnBadField, State::Open, Reason::ParamProblem),
            own(Reason::ParamProblem, State::Closed),
        ],
        silence: State::OpenFiltered,
        weight: 3,
    },
    Kind {
        name: "idle",
        function: "idle_scan",
        nmap: "-sI",
        xml: "syn",
        doc: "SYNs in the name of a zombie, whose IP IDs tell what came of them; the target never hears of you.",
        example: r#"idle_scan("web.lab", zombie="zombie.lab", ports="80,81")"#,
        probe: Probe::Idle,
        rules: &[],
        silence: State::ClosedFiltered,
        weight: 2,
        ..TCP
    },
];

/// What a host discovery beyond the link asks with, one after another: the first answer of the host itself says "up".
pub const PINGS: &[Ping] = &[Ping::Echo, Ping::Tcp(443, SYN), Ping::Tcp(80, ACK), Ping::Timestamp];

/// A probe of the host discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// An ICMP echo request (RFC 792, RFC 4443 section 4.1).
    Echo,
    /// A TCP segment: port and flags.
    Tcp(u16, u64),
    /// An ICMP timestamp request (RFC 792); IPv6 has none.
    Timestamp,
}

impl Kind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Whether silence may mean an open port: later answers weigh differently then.
    pub fn is_open_when_silent(&self) -> bool {
        self.silence == State::OpenFiltered
    }

    /// Whether a SYN/ACK can answer it: only what carries a SYN.
    pub fn sends_syn(&self) -> bool {
        matches!(self.probe, Probe::Tcp(flags) if flags & SYN != 0 && flags & RST == 0)
    }
}
