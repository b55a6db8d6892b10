//! Stream Control Transmission Protocol (RFC 9260): the common header, and chunks as layers stacked behind it.

use super::ip::{IP, IP_ERROR};
use super::names::PORTS;
use crate::packet::options::{OptionFormat, OptionKind, OptionShape, OptionTable};
use crate::packet::{Auto, Extent, Field, Header, LayerDesc, Names, Over, Pairs, Preset, Shape, Summary};

/// The common header (RFC 9260 section 3.1).
pub static SCTP: LayerDesc = LayerDesc {
    name: "SCTP",
    doc: "Stream Control Transmission Protocol (RFC 9260).",
    fields: FIELDS,
    text_field: Some("dport"),
    int_field: Some("dport"),
    over: &[Over::new(&IP, "proto", 132)],
    then: Some(&CHUNK_UNKNOWN),
    pairs: Pairs { swap: &[("sport", "dport")], quoted: &["sport", "dport"], ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The header quoted in an ICMP error.
pub static SCTP_ERROR: LayerDesc = LayerDesc {
    name: "SCTPerror",
    doc: "The SCTP header quoted in an ICMP error (RFC 792).",
    fields: FIELDS,
    over: &[Over::new(&IP_ERROR, "proto", 132)],
    quoted: true,
    pairs: Pairs { swap: &[("sport", "dport")], ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

const SUMMARY: Summary = Summary {
    within: "{layer} {under.src}:{sport} > {under.dst}:{dport}",
    alone: "{layer} {sport} > {dport}",
    special: &[],
};

const FIELDS: &[Field] = &[
    Field::bits("sport", 16)
        .auto(Auto::SourcePort)
        .names(Names::Table(PORTS))
        .doc("Source port; drawn for each packet that is sent."),
    Field::bits("dport", 16).names(Names::Table(PORTS)).doc("Destination port."),
    Field::bits("tag", 32).hex().doc("Verification tag: the receiver's; 0 with INIT."),
    Field::bits("chksum", 32).auto(Auto::Crc32c).hex().doc("CRC32c over header and chunks."),
];

/// A chunk of a type without a layer of its own.
pub static CHUNK_UNKNOWN: LayerDesc = LayerDesc {
    name: "SCTPChunkUnknown",
    doc: "An SCTP chunk of a type without a layer of its own (RFC 9260 section 3.2).",
    fields: &[kind(255), FLAGS, LEN, Field::bytes("data").doc("What it holds.")],
    refine: Some(by_type),
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// What all chunks have in common: a length without the zeros that fill four bytes.
const CHUNK: LayerDesc = LayerDesc {
    header: Header::Units { field: "len", unit: 1, plus: 0 },
    align: 4,
    summary: Summary { within: "", alone: "{layer}", special: &[] },
    ..LayerDesc::EMPTY
};

/// The layer of each type.
const CHUNKS: &[(u8, &LayerDesc)] = &[
    (0, &DATA),
    (1, &INIT),
    (2, &INIT_ACK),
    (3, &SACK),
    (4, &HEARTBEAT_REQ),
    (5, &HEARTBEAT_ACK),
    (6, &ABORT),
    (7, &SHUTDOWN),
    (8, &SHUTDOWN_ACK),
    (9, &ERROR),
    (10, &COOKIE_ECHO),
    (11, &COOKIE_ACK),
    (14, &SHUTDOWN_COMPLETE),
];

fn by_type(bytes: &[u8]) -> Option<&'static LayerDesc> {
    let number = *bytes.first()?;
    CHUNKS.iter().find(|(n, _)| *n == number).map(|(_, desc)| *desc)
}

const fn kind(number: u64) -> Field {
    Field::bits("type", 8)
        .default(number)
        .names(Names::Table(&[
            (0, "data"),
            (1, "init"),
            (2, "init-ack"),
            (3, "sack"),
            (4, "heartbeat-req"),
            (5, "heartbeat-ack"),
            (6, "abort"),
            (7, "shutdown"),
            (8, "shutdown-ack"),
            (9, "error"),
            (10, "cookie-echo"),
            (11, "cookie-ack"),
            (14, "shutdown-complete"),
            (15, "authentication"),
            (64, "i-data"),
            (128, "address-configuration-ack"),
            (130, "re-config"),
            (132, "pad"),
            (192, "forward-tsn"),
            (193, "address-configuration"),
        ]))
        .doc("Type of chunk.")
}

const FLAGS: Field = Field::bits("flags", 8).hex().doc("Flags; none are defined.");
const LEN: Field = Field::bits("len", 16)
    .auto(Auto::HeaderLen { unit: 1, minus: 0 })
    .doc("Length of the chunk in bytes, the zeros that fill it left out.");
const RESERVED: Field = Field::bits("reserved", 7).doc("Not used.");
const TCB: Field = Field::bits("TCB", 1).doc("T: the sender had no association; the tag is the peer's own.");
const TSN_ACK: Field = Field::bits("cumul_tsn_ack", 32).hex().doc("All up to this TSN has come.");
const PARAMS_FIELD: Field = Field::options("params", &PARAMS).doc("Parameters, as [[\"IPv4\", \"192.0.2.10\"]].");

/// User data (RFC 9260 section 3.3.1).
pub static DATA: LayerDesc = LayerDesc {
    name: "SCTPChunkData",
    doc: "SCTP user data (RFC 9260 section 3.3.1).",
    fields: &[
        kind(0),
        Field::bits("reserved", 4).doc("Not used; the last bit asks for an immediate SACK."),
        Field::bits("delay_sack", 1).doc("I: the SACK is not to be delayed."),
        Field::bits("unordered", 1).doc("U: without a sequence number."),
        Field::bits("beginning", 1).doc("B: the first fragment of a message."),
        Field::bits("ending", 1).doc("E: the last fragment of a message."),
        LEN,
        Field::bits("tsn", 32).hex().doc("Transmission sequence number."),
        Field::bits("stream_id", 16).hex().doc("Stream."),
        Field::bits("stream_seq", 16).hex().doc("Sequence number in the stream."),
        Field::bits("proto_id", 32).doc("Payload protocol identifier."),
        Field::bytes("data").doc("The data."),
    ],
    text_field: Some("data"),
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

const INIT_TAG: Field = Field::bits("init_tag", 32).hex().doc("The tag that the peer is to use.");
const A_RWND: Field = Field::bits("a_rwnd", 32).doc("Receiver window, in bytes.");
const N_OUT: Field = Field::bits("n_out_streams", 16).doc("Outbound streams.");
const N_IN: Field = Field::bits("n_in_streams", 16).doc("Inbound streams, at most.");
const INIT_TSN: Field = Field::bits("init_tsn", 32).hex().doc("The first TSN.");

/// Initiation (RFC 9260 section 3.3.2).
pub static INIT: LayerDesc = LayerDesc {
    name: "SCTPChunkInit",
    doc: "SCTP initiation (RFC 9260 section 3.3.2).",
    fields: &[kind(1), FLAGS, LEN, INIT_TAG, A_RWND, N_OUT, N_IN, INIT_TSN, PARAMS_FIELD],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Initiation acknowledgement (RFC 9260 section 3.3.3).
pub static INIT_ACK: LayerDesc = LayerDesc {
    name: "SCTPChunkInitAck",
    doc: "SCTP initiation acknowledgement (RFC 9260 section 3.3.3).",
    fields: &[kind(2), FLAGS, LEN, INIT_TAG, A_RWND, N_OUT, N_IN, INIT_TSN, PARAMS_FIELD],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Selective acknowledgement (RFC 9260 section 3.3.4).
pub static SACK: LayerDesc = LayerDesc {
    name: "SCTPChunkSACK",
    doc: "SCTP selective acknowledgement (RFC 9260 section 3.3.4).",
    fields: &[
        kind(3),
        FLAGS,
        LEN,
        TSN_ACK,
        A_RWND,
        Field::bits("n_gap_ack", 16).auto(Auto::CountOf("gap_ack_list")).doc("How many gap blocks follow."),
        Field::bits("n_dup_tsn", 16).auto(Auto::CountOf("dup_tsn_list")).doc("How many duplicates follow."),
        Field::of("gap_ack_list", Shape::Words, Preset::Empty)
            .extent(Extent::Count("n_gap_ack"))
            .doc("Blocks received behind a gap: start << 16 | end, both less cumul_tsn_ack."),
        Field::of("dup_tsn_list", Shape::Words, Preset::Empty)
            .extent(Extent::Count("n_dup_tsn"))
            .doc("TSNs received twice."),
    ],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Heartbeat request (RFC 9260 section 3.3.5).
pub static HEARTBEAT_REQ: LayerDesc = LayerDesc {
    name: "SCTPChunkHeartbeatReq",
    doc: "SCTP heartbeat request (RFC 9260 section 3.3.5).",
    fields: &[kind(4), FLAGS, LEN, PARAMS_FIELD],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Heartbeat acknowledgement (RFC 9260 section 3.3.6).
pub static HEARTBEAT_ACK: LayerDesc = LayerDesc {
    name: "SCTPChunkHeartbeatAck",
    doc: "SCTP heartbeat acknowledgement (RFC 9260 section 3.3.6).",
    fields: &[kind(5), FLAGS, LEN, PARAMS_FIELD],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Abort (RFC 9260 section 3.3.7).
pub static ABORT: LayerDesc = LayerDesc {
    name: "SCTPChunkAbort",
    doc: "SCTP abort (RFC 9260 section 3.3.7).",
    fields: &[kind(6), RESERVED, TCB, LEN, Field::bytes("error_causes").doc("Why.")],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Shutdown (RFC 9260 section 3.3.8).
pub static SHUTDOWN: LayerDesc = LayerDesc {
    name: "SCTPChunkShutdown",
    doc: "SCTP shutdown (RFC 9260 section 3.3.8).",
    fields: &[kind(7), FLAGS, LEN, TSN_ACK],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Shutdown acknowledgement (RFC 9260 section 3.3.9).
pub static SHUTDOWN_ACK: LayerDesc = LayerDesc {
    name: "SCTPChunkShutdownAck",
    doc: "SCTP shutdown acknowledgement (RFC 9260 section 3.3.9).",
    fields: &[kind(8), FLAGS, LEN],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Operation error (RFC 9260 section 3.3.10).
pub static ERROR: LayerDesc = LayerDesc {
    name: "SCTPChunkError",
    doc: "SCTP operation error (RFC 9260 section 3.3.10).",
    fields: &[kind(9), FLAGS, LEN, Field::bytes("error_causes").doc("What was wrong.")],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Cookie echo (RFC 9260 section 3.3.11).
pub static COOKIE_ECHO: LayerDesc = LayerDesc {
    name: "SCTPChunkCookieEcho",
    doc: "SCTP cookie echo (RFC 9260 section 3.3.11).",
    fields: &[kind(10), FLAGS, LEN, Field::bytes("cookie").doc("The cookie of the INIT-ACK.")],
    text_field: Some("cookie"),
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Cookie acknowledgement (RFC 9260 section 3.3.12).
pub static COOKIE_ACK: LayerDesc = LayerDesc {
    name: "SCTPChunkCookieAck",
    doc: "SCTP cookie acknowledgement (RFC 9260 section 3.3.12).",
    fields: &[kind(11), FLAGS, LEN],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Shutdown complete (RFC 9260 section 3.3.13).
pub static SHUTDOWN_COMPLETE: LayerDesc = LayerDesc {
    name: "SCTPChunkShutdownComplete",
    doc: "SCTP shutdown complete (RFC 9260 section 3.3.13).",
    fields: &[kind(14), RESERVED, TCB, LEN],
    then: Some(&CHUNK_UNKNOWN),
    ..CHUNK
};

/// Parameters of INIT, INIT-ACK and HEARTBEAT (IANA sctp-parameters), with Scapy's names.
static PARAMS: OptionTable = OptionTable {
    format: OptionFormat::SCTP,
    kinds: &[
        OptionKind { kind: 5, name: "IPv4", shape: OptionShape::Ip4s },
        OptionKind { kind: 1, name: "heartbeat-info", shape: OptionShape::Bytes },
        OptionKind { kind: 6, name: "IPv6", shape: OptionShape::Ip6 },
        OptionKind { kind: 7, name: "state-cookie", shape: OptionShape::Bytes },
        OptionKind { kind: 8, name: "unrecognized-param", shape: OptionShape::Bytes },
        OptionKind { kind: 9, name: "cookie-preservative", shape: OptionShape::Numbers(&[4]) },
        OptionKind { kind: 11, name: "hostname", shape: OptionShape::Bytes },
        OptionKind { kind: 12, name: "addrtypes", shape: OptionShape::Bytes },
        OptionKind { kind: 0x8000, name: "ecn-capable", shape: OptionShape::Numbers(&[]) },
        OptionKind { kind: 0x8002, name: "random", shape: OptionShape::Bytes },
        OptionKind { kind: 0x8003, name: "chunk-list", shape: OptionShape::ByteList },
        OptionKind { kind: 0x8004, name: "requested-HMAC-functions", shape: OptionShape::Bytes },
        OptionKind { kind: 0x8008, name: "supported-extensions", shape: OptionShape::ByteList },
        OptionKind { kind: 0xc000, name: "fwd-tsn-supported", shape: OptionShape::Numbers(&[]) },
        OptionKind { kind: 0xc006, name: "adaptation-layer", shape: OptionShape::Numbers(&[4]) },
    ],
};
