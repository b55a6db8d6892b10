//! What a scan says of a port: Nmap's six states, and its words for the reasons.

use std::fmt;

/// What is known of a port (Nmap's reference guide, "Port Scanning Basics").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Something answers there.
    Open,
    /// Reached, and nothing listens.
    Closed,
    /// A filter stops the probe or its answer.
    Filtered,
    /// Reached, but open or closed is not known.
    Unfiltered,
    /// Open or filtered: nothing came back, as neither would answer.
    OpenFiltered,
    /// Closed or filtered: an idle scan cannot tell them apart.
    ClosedFiltered,
}

impl State {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Closed, Self::Filtered, Self::Unfiltered, Self::OpenFiltered, Self::ClosedFiltered];

    /// Nmap's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Filtered => "filtered",
            Self::Unfiltered => "unfiltered",
            Self::OpenFiltered => "open|filtered",
            Self::ClosedFiltered => "closed|filtered",
        }
    }

    /// The state of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// What a port may be in this state, as bits: open, closed, filtered.
    pub(super) fn leaves(self) -> u8 {
        match self {
            Self::Open => 0b001,
            Self::Closed => 0b010,
            Self::Filtered => 0b100,
            Self::Unfiltered => 0b011,
            Self::OpenFiltered => 0b101,
            Self::ClosedFiltered => 0b110,
        }
    }

    /// The state that leaves just these, see [`State::leaves`].
    pub(super) fn that_leaves(bits: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.leaves() == bits)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Declares [`Reason`] with the words of each: one row a reason.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $word:literal,)+) => {
        /// Why a port or a host is what it is, in Nmap's words, which readers of its reports know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])+ $name,)+ }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Nmap's word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

reasons! {
    /// Nothing came.
    NoResponse = "no-response",
    /// SYN and ACK, or a connection that was made.
    SynAck = "syn-ack",
    /// SYN without ACK: the far side opens at the same time (RFC 9293 section 3.5).
    SplitHandshake = "split-handshake-syn",
    /// RST, with or without ACK.
    Reset = "reset",
    /// `connect()` was refused: a reset, or ICMP port unreachable, which the system does not tell apart.
    ConnRefused = "conn-refused",
    /// A datagram.
    UdpResponse = "udp-response",
    /// An SCTP INIT ACK.
    InitAck = "init-ack",
    /// An SCTP ABORT.
    Abort = "abort",
    /// A packet of the probed IP protocol.
    ProtoResponse = "proto-response",
    /// An ICMP echo reply.
    EchoReply = "echo-reply",
    /// An ICMP timestamp reply.
    TimestampReply = "timestamp-reply",
    /// ICMP 3/0.
    NetUnreach = "net-unreach",
    /// ICMP 3/1, ICMPv6 1/3.
    HostUnreach = "host-unreach",
    /// ICMP 3/2.
    ProtoUnreach = "proto-unreach",
    /// ICMP 3/3, ICMPv6 1/4.
    PortUnreach = "port-unreach",
    /// ICMP 3/9.
    NetProhibited = "net-prohibited",
    /// ICMP 3/10.
    HostProhibited = "host-prohibited",
    /// ICMP 3/13, ICMPv6 1/1 and 1/5.
    AdminProhibited = "admin-prohibited",
    /// Any other ICMP unreachable.
    DestUnreach = "dest-unreach",
    /// ICMP 11, ICMPv6 3.
    TimeExceeded = "time-exceeded",
    /// ICMPv6 1/0.
    NoRoute = "no-route",
    /// ICMPv6 1/2.
    BeyondScope = "beyond-scope",
    /// ICMPv6 1/6.
    RejectRoute = "reject-route",
    /// ICMPv6 4.
    ParamProblem = "param-problem",
    /// The zombie's IP ID moved.
    IpidChange = "ipid-change",
    /// The zombie's IP ID did not move.
    NoIpidChange = "no-ipid-change",
    /// An ARP reply.
    ArpResponse = "arp-response",
    /// A neighbor advertisement.
    NdResponse = "nd-response",
    /// It is this machine.
    LocalhostResponse = "localhost-response",
    /// Nobody asked: `discover=false`.
    UserSet = "user-set",
}

impl Reason {
    /// The reason of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.word() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
