//! One connection seen from the prober's end, and what comes back on it.

use std::fmt::Write;
use std::time::Duration;

use etherparse::{Ipv4HeaderSlice, TcpHeader, TcpOptionElement, TcpSlice};

use super::side::Side;

/// The six flags, in the order of their bits: `FSRPAU`.
pub(crate) const FLAGS: [(u8, char); 6] = [(FIN, 'F'), (SYN, 'S'), (RST, 'R'), (PSH, 'P'), (ACK, 'A'), (URG, 'U')];
pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;
pub(crate) const URG: u8 = 0x20;
/// Of explicit congestion notification, only in a SYN and its answer.
pub(crate) const ECE: u8 = 0x40;
pub(crate) const CWR: u8 = 0x80;

/// The window in everything that the prober sends, in bytes.
const WINDOW: u16 = 1024;

/// A segment that the host sent.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) flags: u8,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) window: u16,
    pub(crate) urgent: u16,
    /// In words, without what changes from one to the next.
    pub(crate) options: String,
    /// Bytes of data.
    pub(crate) data: u32,
    pub(crate) ttl: u8,
    pub(crate) dont_fragment: bool,
    pub(crate) id: u16,
}

impl Segment {
    /// `None` when it is something else.
    fn read(frame: &[u8]) -> Option<Self> {
        let ip = Ipv4HeaderSlice::from_slice(&frame[14..]).ok()?;
        if ip.protocol() != etherparse::ip_number::TCP {
            return None;
        }
        let end = 14 + usize::from(ip.total_len());
        let tcp = TcpSlice::from_slice(&frame[34..end]).ok()?;
        Some(Self {
            source_port: tcp.source_port(),
            destination_port: tcp.destination_port(),
            flags: frame[34 + 13],
            seq: tcp.sequence_number(),
            ack: tcp.acknowledgment_number(),
            window: tcp.window_size(),
            urgent: tcp.urgent_pointer(),
            options: options(&tcp),
            data: tcp.payload().len() as u32,
            ttl: ip.ttl(),
            dont_fragment: ip.dont_fragment(),
            id: ip.identification(),
        })
    }

    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// The number after it.
    pub(crate) fn end(&self) -> u32 {
        let flags = u32::from(self.has(SYN)) + u32::from(self.has(FIN));
        self.seq.wrapping_add(self.data).wrapping_add(flags)
    }
}

/// The names of the options in their order, and the values of those that say always the same.
fn options(tcp: &TcpSlice<'_>) -> String {
    let mut text = String::new();
    for option in tcp.options_iterator() {
        let _ = match option.unwrap() {
            TcpOptionElement::Noop => write!(text, " nop"),
            TcpOptionElement::MaximumSegmentSize(mss) => write!(text, " mss={mss}"),
            TcpOptionElement::WindowScale(shift) => write!(text, " ws={shift}"),
            TcpOptionElement::SelectiveAcknowledgementPermitted => write!(text, " sackOK"),
            TcpOptionElement::SelectiveAcknowledgement(..) => write!(text, " sack"),
            TcpOptionElement::Timestamp(_, echo) => match echo {
                STAMP => write!(text, " ts=echoed"),
                _ => write!(text, " ts={echo}"),
            },
        };
    }
    text
}

/// The value of the prober's timestamps.
pub(crate) const STAMP: u32 = 0x0070_6b74;

/// The prober's end of a connection.
pub(crate) struct Peer<'a> {
    side: &'a mut Side,
    source_port: u16,
    pub(crate) port: u16,
    /// What the host expects next of the prober (its RCV.NXT), by what the prober has sent.
    pub(crate) next: u32,
    /// What the host sends next (its SND.NXT), by what the prober has heard.
    pub(crate) theirs: u32,
    /// What of it the prober has not acknowledged (1 for the host's FIN).
    pub(crate) withheld: u32,
}

impl<'a> Peer<'a> {
    /// For a new connection to `port`.
    pub(crate) fn new(side: &'a mut Side, port: u16) -> Self {
        let source_port = side.renew();
        Self { side, source_port, port, next: 1000, theirs: 5000, withheld: 0 }
    }

    /// Sends a segment and gives what comes back for it.
    pub(crate) fn ask(&mut self, flags: u8, seq: u32, ack: u32, data: &[u8]) -> Vec<Segment> {
        let frame = self.frame(flags, seq, ack, data, &[]);
        self.exchange(&frame)
    }

    /// Sends the next segment in order, and waits for nothing.
    pub(crate) fn say(&mut self, flags: u8, data: &[u8]) {
        let frame = self.frame(flags, self.next, self.theirs.wrapping_sub(self.withheld), data, &[]);
        self.side.send(&frame);
        self.next = self.next.wrapping_add(data.len() as u32 + u32::from(flags & FIN));
    }

    /// Ends the connection, when the host expects this number.
    pub(crate) fn reset(&mut self, seq: u32) {
        let frame = self.frame(RST, seq, 0, b"", &[]);
        self.side.send(&frame);
    }

    /// A SYN with these options.
    pub(crate) fn ask_with(&mut self, flags: u8, options: &[TcpOptionElement]) -> Vec<Segment> {
        let frame = self.frame(flags, self.next, 0, b"", options);
        self.exchange(&frame)
    }

    /// The next segment of this connection, which comes sooner or later.
    pub(crate) fn hear(&mut self) -> Segment {
        loop {
            let frame = self.side.hear();
            if let Some(segment) = Segment::read(&frame).filter(|segment| self.is_mine(segment)) {
                return segment;
            }
        }
    }

    /// An ACK without data that comes within a second.
    pub(crate) fn hear_ack(&mut self) -> Option<Segment> {
        let until = self.side.now() + Duration::from_secs(1);
        loop {
            let frame = self.side.hear_until(until)?;
            let segment = Segment::read(&frame).filter(|segment| self.is_mine(segment));
            if let Some(ack) = segment.filter(|segment| segment.flags == ACK && segment.data == 0) {
                return Some(ack);
            }
        }
    }

    /// Sends a datagram of one byte.
    pub(crate) fn send_datagram(&mut self, port: u16) {
        let mut frame = Vec::new();
        self.side.packet().udp(self.source_port, port).write(&mut frame, b"!").unwrap();
        self.side.send(&frame);
    }

    fn exchange(&mut self, frame: &[u8]) -> Vec<Segment> {
        let frames = self.side.exchange(frame);
        frames.iter().filter_map(|frame| Segment::read(frame)).filter(|segment| self.is_mine(segment)).collect()
    }

    fn is_mine(&self, segment: &Segment) -> bool {
        // While the host is to call, its port is not known.
        segment.destination_port == self.source_port && (self.port == 0 || segment.source_port == self.port)
    }

    fn frame(&self, flags: u8, seq: u32, ack: u32, data: &[u8], options: &[TcpOptionElement]) -> Vec<u8> {
        let mut header = TcpHeader::new(self.source_port, self.port, seq, WINDOW);
        header.acknowledgment_number = ack;
        let has = |flag| flags & flag != 0;
        (header.fin, header.syn, header.rst, header.psh) = (has(FIN), has(SYN), has(RST), has(PSH));
        (header.ack, header.urg, header.ece, header.cwr) = (has(ACK), has(URG), has(ECE), has(CWR));
        header.set_options(options).unwrap();
        let mut frame = Vec::new();
        self.side.packet().tcp_header(header).write(&mut frame, data).unwrap();
        frame
    }
}
