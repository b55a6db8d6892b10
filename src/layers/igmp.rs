//! Internet Group Management Protocol, versions 1 to 3 (RFC 2236, RFC 3376).

use super::ip::IP;
use crate::packet::field::NameTable;
use crate::packet::{Auto, Extent, Field, Header, LayerDesc, Names, Over, Preset, Shape, Summary};

const TYPES: NameTable =
    &[(0x11, "membership-query"), (0x12, "v1-report"), (0x16, "v2-report"), (0x17, "leave-group"), (0x22, "v3-report")];

const fn kind(number: u64) -> Field {
    Field::bits("type", 8).default(number).hex().names(Names::Table(TYPES)).doc("Type of message.")
}

const CHKSUM: Field = Field::bits("chksum", 16).auto(Auto::Sum).hex().doc("Checksum over the whole message.");
const SOURCES: Field =
    Field::of("srcaddrs", Shape::Ip4s, Preset::Empty).extent(Extent::Count("numsrc")).doc("Source addresses.");
const NUMSRC: Field = Field::bits("numsrc", 16).auto(Auto::CountOf("srcaddrs")).doc("How many sources follow.");

/// A message of version 1 or 2 (RFC 2236 section 2).
pub static IGMP: LayerDesc = LayerDesc {
    name: "IGMP",
    doc: "Internet Group Management Protocol, version 1 or 2 (RFC 2236).",
    fields: &[
        kind(0x11),
        Field::bits("mrcode", 8)
            .default(20)
            .when("type", &[0x11])
            .doc("Maximum response time, in tenths of a second; 0 from version 1."),
        Field::bits("mrcode", 8).unless("type", &[0x11]).doc("Not used (RFC 2236 section 2.2)."),
        CHKSUM,
        Field::ip4("gaddr", 0, 0, 0, 0).doc("The group; 0.0.0.0 asks for all."),
    ],
    text_field: Some("gaddr"),
    refine: Some(by_version),
    over: &[Over::new(&IP, "proto", 2), Over::write(&IP, "ttl", 1), Over::write(&IP, "tos", 0xc0)],
    summary: Summary { within: "", alone: "IGMP {name:type} {gaddr}", special: &[] },
    ..LayerDesc::EMPTY
};

/// RFC 3376 section 7.1: version 3's query is longer, its report has a type of its own.
fn by_version(bytes: &[u8]) -> Option<&'static LayerDesc> {
    match bytes.first()? {
        0x11 if bytes.len() >= 12 => Some(&QUERY),
        0x22 => Some(&REPORT),
        _ => None,
    }
}

/// What messages of version 3 have in common: how IP carries them (RFC 3376 section 4).
const V3: LayerDesc = LayerDesc {
    over: &[Over::write(&IP, "proto", 2), Over::write(&IP, "ttl", 1), Over::write(&IP, "tos", 0xc0)],
    ..LayerDesc::EMPTY
};

/// A query of version 3 (RFC 3376 section 4.1).
pub static QUERY: LayerDesc = LayerDesc {
    name: "IGMPv3_MQ",
    doc: "IGMPv3 membership query (RFC 3376 section 4.1).",
    fields: &[
        kind(0x11),
        Field::bits("mrcode", 8)
            .default(20)
            .doc("Maximum response time, in tenths of a second; from 128 on a floating-point number."),
        CHKSUM,
        Field::ip4("gaddr", 0, 0, 0, 0).doc("The group; 0.0.0.0 asks for all."),
        Field::bits("flags", 4).hex().doc("Not used."),
        Field::bits("s", 1).doc("Suppress router-side processing."),
        Field::bits("qrv", 3).doc("Querier's robustness variable."),
        Field::bits("qqic", 8).doc("Querier's query interval code."),
        NUMSRC,
        SOURCES,
    ],
    text_field: Some("gaddr"),
    summary: Summary { within: "", alone: "{layer} {gaddr}", special: &[] },
    ..V3
};

/// A report of version 3 (RFC 3376 section 4.2).
pub static REPORT: LayerDesc = LayerDesc {
    name: "IGMPv3_MR",
    doc: "IGMPv3 membership report (RFC 3376 section 4.2).",
    fields: &[
        kind(0x22),
        Field::bits("reserved", 8).hex().doc("Not used."),
        CHKSUM,
        Field::bits("flags", 16).hex().doc("Not used."),
        Field::bits("numgrp", 16).auto(Auto::CountOf("records")).doc("How many records follow."),
        Field::records("records", &GROUP, "numgrp").doc("A record for each group."),
    ],
    header: Header::Records,
    summary: Summary { within: "", alone: "{layer} {numgrp} records", special: &[] },
    ..V3
};

/// What a record of a report says (RFC 3376 section 4.2.12; RFC 3810 section 5.2.12 has the same).
pub(super) const RECORD_TYPES: Names =
    Names::Table(&[(1, "include"), (2, "exclude"), (3, "to-include"), (4, "to-exclude"), (5, "allow"), (6, "block")]);

/// A record of a report (RFC 3376 section 4.2.4). Auxiliary data is not read: the protocol has none (section 4.2.10).
pub static GROUP: LayerDesc = LayerDesc {
    name: "IGMPv3_MR_Group",
    doc: "A record of an IGMPv3 membership report (RFC 3376 section 4.2.4).",
    fields: &[
        Field::bits("rtype", 8).default(4).names(RECORD_TYPES).doc("Type of record."),
        Field::bits("auxdlen", 8).doc("Length of the auxiliary data, in words; there is none."),
        NUMSRC,
        Field::ip4("maddr", 0, 0, 0, 0).doc("The group."),
        SOURCES,
    ],
    text_field: Some("maddr"),
    summary: Summary { within: "", alone: "{name:rtype} {maddr}", special: &[] },
    ..LayerDesc::EMPTY
};
