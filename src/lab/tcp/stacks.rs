//! How one TCP differs from another: a row for each personality.
//!
//! RFC 9293 leaves a listening port free in what it does with segments that make no sense there, and stacks differ in
//! it to this day. The rows say what a majority of each stack's prints in Nmap's `nmap-os-db` says: its tests T2 (no
//! flags to an open port), T3 (SYN, FIN, PSH and URG to an open port), T4 (ACK to an open port), T5 to T7 (SYN, ACK,
//! and FIN, PSH and URG to a closed port), OPS, WIN, U1 and IE. Linux is measured on a kernel, connection by connection.

use std::time::Duration;

use super::options::Unit::{
    self, Mss, NopNopSack, NopNopTimestamp, NopScale, SackEolEol, SackEolTimestamp, SackNopNop, SackTimestamp,
};
use crate::lab::plan::{IpId, Personality};

/// What a TCP, and the IP under it, does in its own way.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::lab) struct Stack {
    /// What a listening port does with a segment that has none of SYN, RST and ACK: NULL, FIN, Xmas.
    pub(super) nonsense: Nonsense,
    /// What it does with SYN and FIN in one segment.
    pub(super) syn_fin: SynFin,
    /// The form of its resets.
    pub(super) reset: Reset,
    /// The window in a reset, from a closed port and from a listening one, in bytes.
    pub(super) reset_window: [u16; 2],
    /// What the first SYN draws when it comes again to a half-open connection.
    pub(super) resent_syn: ResentSyn,
    /// What a SYN inside the window of a half-open connection draws.
    pub(super) syn_in_half_open: SynInHalfOpen,
    /// Which segments it finds acceptable, and in which order it looks at them.
    pub(super) order: Order,
    /// How long it waits for a program to speak before it acknowledges a FIN.
    pub(super) fin_ack_after: Duration,
    /// The options of its SYN/ACK, of those that were offered, in its order.
    pub(super) options: &'static [Unit],
    /// Whether it agrees to explicit congestion notification (RFC 3168 section 6.1.1).
    pub(super) ecn: bool,
    /// The window that it announces, in bytes: without timestamps and with them.
    pub(in crate::lab) window: [u16; 2],
    /// The TTL, or hop limit, of what it sends.
    pub(in crate::lab) ttl: u8,
    /// How it numbers its IPv4 packets.
    pub(in crate::lab) ip_id: IpId,
    /// Whether its segments set "don't fragment".
    pub(in crate::lab) dont_fragment: DontFragment,
    /// The ICMP beside it.
    pub(in crate::lab) icmp: Icmp,
}

impl Stack {
    /// The shift of its windows, if it knows any.
    pub(super) fn scale(&self) -> Option<u8> {
        self.options.iter().find_map(|unit| if let NopScale(shift) = unit { Some(*shift) } else { None })
    }

    /// Whether it knows timestamps.
    pub(super) fn stamps(&self) -> bool {
        self.options.iter().any(|unit| matches!(unit, SackTimestamp | SackEolTimestamp | NopNopTimestamp))
    }
}

/// Whether segments set "don't fragment".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct DontFragment {
    /// Those of connections.
    pub(in crate::lab) connected: bool,
    /// Resets without ACK.
    pub(in crate::lab) reset: bool,
    /// Resets with ACK.
    pub(in crate::lab) reset_ack: bool,
}

/// What a listening port does with a segment that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nonsense {
    /// Drops it, as RFC 9293 section 3.10.7.2 says.
    Drops,
    /// Resets it, as a closed port does.
    Resets,
}

/// What a listening port does with SYN and FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SynFin {
    /// Drops it.
    Drops,
    /// Takes it for a SYN, as RFC 9293 section 3.10.7.2 says.
    Opens,
    /// Resets it, as a closed port does.
    Resets,
}

/// Which segments of a connection are acceptable, and what is looked at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As RFC 9293 section 3.10.7.4 says.
    Rfc9293,
    /// Once the connection is open, what has none of SYN, RST and ACK is dropped before its number is looked at, and
    /// what ends where the window begins is acceptable. Half-open, a wrong acknowledgment is reset before that.
    Linux,
}

/// What the first SYN draws when it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResentSyn {
    /// An ACK, as everything out of the window: RFC 9293 section 3.10.7.4.
    Ack,
    /// The SYN/ACK once more.
    SynAck,
}

/// What a SYN inside the window of a half-open connection draws, beside its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SynInHalfOpen {
    /// Nothing: the port listens again (RFC 9293 section 3.10.7.4).
    Nothing,
    /// A reset, as from a closed port.
    Reset,
}

/// The form of a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reset {
    /// The sequence number in a reset to a segment without ACK.
    pub(super) seq: ResetSeq,
    /// Whether a FIN counts in the acknowledgment number of it.
    pub(super) counts_fin: bool,
    /// What stands in the acknowledgment field of a reset to a segment with ACK.
    pub(super) ack: ResetAck,
}

/// The sequence number in a reset to a segment without ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResetSeq {
    /// Zero (RFC 9293 section 3.10.7.1).
    Zero,
    /// What the acknowledgment field happens to hold.
    Field,
}

/// What stands in the acknowledgment field of a reset to a segment with ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResetAck {
    /// Zero; the flag is not set (RFC 9293 section 3.10.7.1).
    Zero,
    /// The same number as in the sequence field; the flag is not set.
    SameAsSeq,
    /// The sequence number of the segment; the flag is not set.
    SegSeq,
    /// The number after the segment, and the flag is set.
    Acknowledges,
}

/// How a host's ICMP looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Icmp {
    /// Its TTL.
    pub(in crate::lab) ttl: u8,
    /// Bytes of the transport that an error quotes at most.
    pub(in crate::lab) quote: usize,
    /// Whether an echo reply has "don't fragment" as its request had.
    pub(in crate::lab) echo_keeps_df: bool,
    /// Whether an echo reply has the code of its request; else it has 0.
    pub(in crate::lab) echo_keeps_code: bool,
}

/// The whole packet, as far as an error may be long (RFC 1812 section 4.3.2.3).
const WHOLE: usize = usize::MAX;

/// Eight bytes (RFC 792).
const EIGHT: usize = 8;

/// A reset by the letter of RFC 9293 section 3.10.7.1.
const PLAIN: Reset = Reset { seq: ResetSeq::Zero, counts_fin: true, ack: ResetAck::Zero };

/// The row of a personality.
pub(in crate::lab) fn of(personality: Personality) -> &'static Stack {
    match personality {
        Personality::Rfc9293 => &RFC9293,
        Personality::Linux => &LINUX,
        Personality::Windows => &WINDOWS,
        Personality::WindowsXp => &WINDOWS_XP,
        Personality::Freebsd => &FREEBSD,
        Personality::Macos => &MACOS,
        Personality::Openbsd => &OPENBSD,
        Personality::Netbsd => &NETBSD,
        Personality::CiscoIos => &CISCO_IOS,
        Personality::Zos => &ZOS,
        Personality::Lwip => &LWIP,
        Personality::Vxworks => &VXWORKS,
    }
}

/// RFC 9293 to the letter.
const RFC9293: Stack = Stack {
    nonsense: Nonsense::Drops,
    syn_fin: SynFin::Opens,
    reset: PLAIN,
    reset_window: [0, 0],
    resent_syn: ResentSyn::Ack,
    syn_in_half_open: SynInHalfOpen::Nothing,
    order: Order::Rfc9293,
    fin_ack_after: Duration::ZERO,
    options: &[Mss],
    ecn: false,
    window: [64240, 64240], // 44 segments of 1460 bytes
    ttl: 64,
    ip_id: IpId::Zero,
    dont_fragment: DontFragment { connected: true, reset: true, reset_ack: true },
    icmp: Icmp { ttl: 64, quote: WHOLE, echo_keeps_df: false, echo_keeps_code: true },
};

/// Linux 5 and 6.
const LINUX: Stack = Stack {
    syn_fin: SynFin::Drops, // since 3.x (`tcp_rcv_state_process`)
    resent_syn: ResentSyn::SynAck,
    syn_in_half_open: SynInHalfOpen::Reset,
    order: Order::Linux,
    fin_ack_after: Duration::from_millis(40), // `TCP_DELACK_MIN`
    options: &[Mss, SackTimestamp, NopScale(7)],
    ecn: true,
    window: [64240, 65160], // 45 segments of 1448 bytes with timestamps
    ..RFC9293
};

/// Windows 10 and 11.
const WINDOWS: Stack = Stack {
    nonsense: Nonsense::Resets,
    syn_fin: SynFin::Resets,
    reset: Reset { ack: ResetAck::SameAsSeq, ..PLAIN },
    resent_syn: ResentSyn::SynAck,
    options: &[Mss, NopScale(8), SackTimestamp],
    window: [8192, 8192],
    ttl: 128,
    ip_id: IpId::Counter,
    icmp: Icmp { ttl: 128, quote: WHOLE, echo_keeps_df: false, echo_keeps_code: false },
    ..RFC9293
};

/// Windows XP: takes a SYN with a FIN for a SYN.
const WINDOWS_XP: Stack = Stack {
    syn_fin: SynFin::Opens,
    reset: PLAIN,
    options: &[Mss, NopScale(0), NopNopTimestamp, NopNopSack],
    window: [65535, 65535],
    ..WINDOWS
};

/// FreeBSD 10 and later.
const FREEBSD: Stack = Stack {
    resent_syn: ResentSyn::SynAck,
    options: &[Mss, NopScale(6), SackEolTimestamp],
    ecn: true,
    window: [65535, 65535],
    icmp: Icmp { ttl: 64, quote: EIGHT, echo_keeps_df: true, echo_keeps_code: true },
    ..RFC9293
};

/// macOS.
const MACOS: Stack = Stack {
    syn_fin: SynFin::Drops,
    reset: Reset { counts_fin: false, ..PLAIN },
    options: &[Mss, NopScale(6), NopNopTimestamp, SackEolEol],
    ecn: false,
    ip_id: IpId::Random,
    dont_fragment: DontFragment { connected: true, reset: true, reset_ack: false },
    ..FREEBSD
};

/// OpenBSD. Of a listening port its source says: "None of RST, SYN or ACK was set. This is an invalid packet for a TCB in
/// LISTEN state. Send a RST." (`tcp_input.c`)
const OPENBSD: Stack = Stack {
    nonsense: Nonsense::Resets,
    reset: Reset { counts_fin: false, ..PLAIN },
    resent_syn: ResentSyn::SynAck,
    options: &[Mss, NopNopSack, NopScale(3), NopNopTimestamp],
    window: [16384, 16384],
    ip_id: IpId::Random,
    icmp: Icmp { ttl: 255, quote: EIGHT, echo_keeps_df: true, echo_keeps_code: true },
    ..RFC9293
};

/// NetBSD, of the same family.
const NETBSD: Stack = Stack {
    options: &[Mss, NopScale(3), NopNopTimestamp, SackNopNop],
    window: [32768, 32768],
    ip_id: IpId::Zero,
    dont_fragment: DontFragment { connected: true, reset: false, reset_ack: false },
    icmp: Icmp { ttl: 255, quote: EIGHT, echo_keeps_df: false, echo_keeps_code: true },
    ..OPENBSD
};

/// Cisco IOS.
const CISCO_IOS: Stack = Stack {
    nonsense: Nonsense::Resets,
    reset: Reset { seq: ResetSeq::Field, counts_fin: false, ack: ResetAck::Zero },
    resent_syn: ResentSyn::SynAck,
    options: &[Mss],
    window: [4128, 4128],
    ttl: 255,
    ip_id: IpId::Random,
    dont_fragment: DontFragment { connected: false, reset: false, reset_ack: false },
    icmp: Icmp { ttl: 255, quote: EIGHT, echo_keeps_df: true, echo_keeps_code: true },
    ..RFC9293
};

/// z/OS; OS/400 is alike but for its window.
const ZOS: Stack = Stack {
    nonsense: Nonsense::Resets,
    reset: Reset { ack: ResetAck::SegSeq, ..PLAIN },
    resent_syn: ResentSyn::SynAck,
    options: &[Mss, NopScale(1), NopNopTimestamp],
    window: [65535, 65535],
    ip_id: IpId::Counter,
    dont_fragment: DontFragment { connected: false, reset: false, reset_ack: false },
    icmp: Icmp { ttl: 64, quote: EIGHT, echo_keeps_df: false, echo_keeps_code: true },
    ..RFC9293
};

/// lwIP, as in an ESP8266: every reset acknowledges, and has a window.
const LWIP: Stack = Stack {
    reset: Reset { seq: ResetSeq::Field, counts_fin: true, ack: ResetAck::Acknowledges },
    reset_window: [0x16d0, 0x16d0],
    resent_syn: ResentSyn::SynAck,
    options: &[Mss],
    window: [0x16d0, 0x16d0],
    ttl: 255,
    ip_id: IpId::Counter,
    dont_fragment: DontFragment { connected: false, reset: false, reset_ack: false },
    icmp: Icmp { ttl: 255, quote: EIGHT, echo_keeps_df: true, echo_keeps_code: true },
    ..RFC9293
};

/// `VxWorks`: a reset from a listening port has its window, so a Window scan tells it from a closed one.
const VXWORKS: Stack = Stack {
    syn_fin: SynFin::Drops,
    reset: Reset { counts_fin: false, ..PLAIN },
    reset_window: [0, 0x2000],
    resent_syn: ResentSyn::SynAck,
    options: &[Mss, NopScale(0), NopNopTimestamp],
    window: [0x2000, 0x2000],
    ip_id: IpId::Counter,
    dont_fragment: DontFragment { connected: true, reset: false, reset_ack: false },
    icmp: Icmp { ttl: 64, quote: EIGHT, echo_keeps_df: true, echo_keeps_code: true },
    ..RFC9293
};
