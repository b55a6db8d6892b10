//! Multicast Listener Discovery, versions 1 and 2 (RFC 2710, RFC 3810).

use super::icmpv6::{CKSUM, CODE, MESSAGE, kind};
use super::igmp::RECORD_TYPES;
use super::ipv6::IPV6;
use crate::packet::{Auto, Extent, Field, Header, LayerDesc, Over, Preset, Shape, Summary};

/// A message of one link (RFC 2710 section 3).
const LISTENERS: LayerDesc = LayerDesc {
    over: &[Over::write(&IPV6, "nh", 58), Over::write(&IPV6, "hlim", 1)],
    summary: Summary { within: "{layer} {under.src} > {under.dst} {mladdr}", alone: "{layer} {mladdr}", special: &[] },
    ..MESSAGE
};

const fn delay(default: u64) -> Field {
    Field::bits("mrd", 16).default(default).doc("Maximum response delay, in milliseconds.")
}

const RESERVED: Field = Field::bits("reserved", 16).doc("Not used.");
const GROUP: Field = Field::ip6("mladdr").doc("The group; :: asks for all.");

/// Multicast listener query (RFC 2710).
pub static QUERY: LayerDesc = LayerDesc {
    name: "ICMPv6MLQuery",
    doc: "Multicast listener query (RFC 2710).",
    fields: &[kind(130), CODE, CKSUM, delay(10_000), RESERVED, GROUP],
    ..LISTENERS
};

/// Multicast listener report (RFC 2710).
pub static REPORT: LayerDesc = LayerDesc {
    name: "ICMPv6MLReport",
    doc: "Multicast listener report (RFC 2710).",
    fields: &[kind(131), CODE, CKSUM, delay(0), RESERVED, GROUP],
    ..LISTENERS
};

/// Multicast listener done (RFC 2710).
pub static DONE: LayerDesc = LayerDesc {
    name: "ICMPv6MLDone",
    doc: "Multicast listener done (RFC 2710).",
    fields: &[kind(132), CODE, CKSUM, delay(0), RESERVED, GROUP],
    ..LISTENERS
};

/// Multicast listener query of version 2 (RFC 3810 section 5.1).
pub static QUERY2: LayerDesc = LayerDesc {
    name: "ICMPv6MLQuery2",
    doc: "Multicast listener query, version 2 (RFC 3810 section 5.1).",
    fields: &[
        kind(130),
        CODE,
        CKSUM,
        delay(10_000),
        RESERVED,
        GROUP,
        Field::bits("Resv", 4).doc("Not used."),
        Field::bits("S", 1).doc("Suppress router-side processing."),
        Field::bits("QRV", 3).doc("Querier's robustness variable."),
        Field::bits("QQIC", 8).doc("Querier's query interval code."),
        Field::bits("sources_number", 16).auto(Auto::CountOf("sources")).doc("How many sources follow."),
        SOURCES,
    ],
    ..LISTENERS
};

const SOURCES: Field =
    Field::of("sources", Shape::Ip6s, Preset::Empty).extent(Extent::Count("sources_number")).doc("Source addresses.");

/// Multicast listener report of version 2 (RFC 3810 section 5.2).
pub static REPORT2: LayerDesc = LayerDesc {
    name: "ICMPv6MLReport2",
    doc: "Multicast listener report, version 2 (RFC 3810 section 5.2).",
    fields: &[
        kind(143),
        Field::bits("res", 8).doc("Not used."),
        CKSUM,
        RESERVED,
        Field::bits("records_number", 16).auto(Auto::CountOf("records")).doc("How many records follow."),
        Field::records("records", &RECORD, "records_number").doc("A record for each group."),
    ],
    header: Header::Records,
    summary: Summary {
        within: "{layer} {under.src} > {under.dst} {records_number} records",
        alone: "{layer} {records_number} records",
        special: &[],
    },
    ..LISTENERS
};

/// A record of a report (RFC 3810 section 5.2). Auxiliary data is not read: the protocol has none (section 5.2.6).
pub static RECORD: LayerDesc = LayerDesc {
    name: "ICMPv6MLDMultAddrRec",
    doc: "A record of a multicast listener report (RFC 3810 section 5.2).",
    fields: &[
        Field::bits("rtype", 8).default(4).names(RECORD_TYPES).doc("Type of record."),
        Field::bits("auxdata_len", 8).doc("Length of the auxiliary data, in words; there is none."),
        Field::bits("sources_number", 16).auto(Auto::CountOf("sources")).doc("How many sources follow."),
        Field::ip6("dst").doc("The group."),
        SOURCES,
    ],
    text_field: Some("dst"),
    summary: Summary { within: "", alone: "{name:rtype} {dst}", special: &[] },
    ..LayerDesc::EMPTY
};
