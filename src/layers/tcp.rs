//! Transmission Control Protocol (RFC 9293).

use super::ip::{IP, IP_ERROR};
use super::names::PORTS;
use crate::packet::options::{OptionFormat, OptionKind, OptionShape, OptionTable};
use crate::packet::{Auto, Field, FlagNames, Flags, Header, Layer, LayerDesc, Names, Over, Pairs, Summary};

/// TCP header with options.
pub static TCP: LayerDesc = LayerDesc {
    name: "TCP",
    doc: "Transmission Control Protocol (RFC 9293).",
    fields: FIELDS,
    text_field: Some("dport"),
    int_field: Some("dport"),
    header: Header::words("dataofs"),
    over: &[Over::new(&IP, "proto", 6)],
    pairs: Pairs { swap: &[("sport", "dport")], quoted: &["sport", "dport"], check, ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The TCP header quoted in an ICMP error: at least its first eight bytes.
pub static TCP_ERROR: LayerDesc = LayerDesc {
    name: "TCPerror",
    doc: "The TCP header quoted in an ICMP error (RFC 792); often only its first 8 bytes.",
    fields: FIELDS,
    header: Header::words("dataofs"),
    over: &[Over::new(&IP_ERROR, "proto", 6)],
    quoted: true,
    pairs: Pairs { swap: &[("sport", "dport")], ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The nine flag bits: the eight of RFC 9293 and the ninth, AE (RFC 9768, once NS of RFC 3540).
pub const FLAGS: FlagNames = FlagNames(&["F", "S", "R", "P", "A", "U", "E", "C", "N"]);
/// The flags of a header that are lit, by their letters: `SA`; empty when none is.
pub fn letters(bits: u64) -> String {
    Flags { bits, names: FLAGS }.to_string()
}

/// FIN: no more data from the sender.
pub const FIN: u64 = 0x01;
/// SYN: synchronize sequence numbers.
pub const SYN: u64 = 0x02;
/// RST: reset the connection.
pub const RST: u64 = 0x04;
/// ACK: the acknowledgment field is significant.
pub const ACK: u64 = 0x10;

const SUMMARY: Summary = Summary {
    within: "{layer} {under.src}:{sport} > {under.dst}:{dport} {flags}",
    alone: "{layer} {sport} > {dport} {flags}",
    special: &[],
};

const FIELDS: &[Field] = &[
    Field::bits("sport", 16)
        .auto(Auto::SourcePort)
        .names(Names::Table(PORTS))
        .doc("Source port; drawn for each packet that is sent, outside the kernel's range."),
    Field::bits("dport", 16).default(80).names(Names::Table(PORTS)).doc("Destination port."),
    Field::bits("seq", 32).doc("Sequence number of the first data byte, or of SYN."),
    Field::bits("ack", 32).doc("Next sequence number expected, when ACK is set."),
    Field::bits("dataofs", 4).auto(Auto::HEADER_WORDS).doc("Length of the header, in 32-bit words."),
    Field::bits("reserved", 3).doc("Not used."),
    Field::flags("flags", 9, FLAGS).default(SYN).doc("FIN SYN RST PSH ACK URG ECE CWR NS (AE), the lowest bit first."),
    Field::bits("window", 16).default(8192).doc("Bytes that the sender of this segment will accept."),
    Field::bits("chksum", 16)
        .auto(Auto::PseudoSum { zero_as_ones: false })
        .hex()
        .doc("Checksum over pseudo-header, header and payload."),
    Field::bits("urgptr", 16).doc("Offset of the urgent data's end, when URG is set."),
    Field::options("options", &OPTIONS)
        .doc("Options, as [[\"MSS\", 1460], \"NOP\", [\"Timestamp\", [1, 0]]]; padded to 4 bytes."),
];

/// TCP options (IANA tcp-parameters), with Scapy's names.
static OPTIONS: OptionTable = OptionTable {
    format: OptionFormat::TCP_IP,
    kinds: &[
        OptionKind { kind: 2, name: "MSS", shape: OptionShape::Numbers(&[2]) },
        OptionKind { kind: 0, name: "EOL", shape: OptionShape::Single },
        OptionKind { kind: 1, name: "NOP", shape: OptionShape::Single },
        OptionKind { kind: 3, name: "WScale", shape: OptionShape::Numbers(&[1]) },
        OptionKind { kind: 4, name: "SAckOK", shape: OptionShape::Numbers(&[]) },
        OptionKind { kind: 5, name: "SAck", shape: OptionShape::Words },
        OptionKind { kind: 8, name: "Timestamp", shape: OptionShape::Numbers(&[4, 4]) },
        OptionKind { kind: 14, name: "AltChkSum", shape: OptionShape::Numbers(&[1, 2]) },
        OptionKind { kind: 15, name: "AltChkSumOpt", shape: OptionShape::Numbers(&[]) },
        OptionKind { kind: 19, name: "MD5", shape: OptionShape::Bytes },
        OptionKind { kind: 28, name: "UTO", shape: OptionShape::Numbers(&[2]) },
        OptionKind { kind: 29, name: "AO", shape: OptionShape::Bytes },
        OptionKind { kind: 34, name: "TFO", shape: OptionShape::Bytes },
    ],
};

/// How far an acknowledgment may lie beyond what was sent: room for SYN, FIN and an off-by-one stack.
const SLACK: u64 = 2;

/// Whether `reply` is a possible answer to `probe`, by the rules of RFC 9293 section 3.10.7.
///
/// - Nothing answers a reset.
/// - A reset without ACK takes its sequence number from the probe's acknowledgment, if the probe had one
///   (3.5.2, "SEQ=SEG.ACK"); a probe without ACK is reset with ACK and sequence number 0.
/// - A segment with ACK acknowledges what the probe occupied.
fn check(probe: &Layer, payload: usize, reply: &Layer) -> Result<(), String> {
    let number = |layer: &Layer, field| layer.int(field).unwrap_or(0);
    let (sent, got) = (number(probe, "flags"), number(reply, "flags"));
    if sent & RST != 0 {
        return Err("nothing answers a reset".into());
    }
    if sent & (SYN | ACK) == SYN && got & (SYN | ACK | RST) == ACK {
        // An ACK without SYN to a SYN: a challenge ACK (RFC 5961), which need not acknowledge the SYN.
        return Ok(());
    }
    if got & ACK != 0 {
        let first = number(probe, "seq");
        let occupied = payload as u64 + u64::from(sent & SYN != 0) + u64::from(sent & FIN != 0);
        let wanted = (first + occupied) as u32;
        let far = distance(number(reply, "ack") as u32, wanted);
        if far > SLACK + occupied {
            return Err(format!("ack {}, not {wanted}", number(reply, "ack")));
        }
    }
    if sent & ACK != 0 && (got & RST == 0 || got & ACK == 0) {
        let (seq, ack) = (number(reply, "seq") as u32, number(probe, "ack") as u32);
        if distance(seq, ack) > SLACK {
            return Err(format!("seq {seq}, not {ack}"));
        }
    }
    Ok(())
}

/// The distance of two sequence numbers on their circle.
fn distance(a: u32, b: u32) -> u64 {
    a.wrapping_sub(b).min(b.wrapping_sub(a)).into()
}
