//! User Datagram Protocol (RFC 768).

use super::ip::{IP, IP_ERROR};
use super::names::PORTS;
use crate::packet::{Auto, Field, LayerDesc, Length, Names, Over, Pairs, Summary};

/// UDP header.
pub static UDP: LayerDesc = LayerDesc {
    name: "UDP",
    doc: "User Datagram Protocol (RFC 768).",
    fields: FIELDS,
    text_field: Some("dport"),
    int_field: Some("dport"),
    length: Some(Length::of("len")),
    over: &[Over::new(&IP, "proto", 17)],
    pairs: Pairs { swap: &[("sport", "dport")], quoted: &["sport", "dport"], ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The UDP header quoted in an ICMP error.
pub static UDP_ERROR: LayerDesc = LayerDesc {
    name: "UDPerror",
    doc: "The UDP header quoted in an ICMP error (RFC 792).",
    fields: FIELDS,
    over: &[Over::new(&IP_ERROR, "proto", 17)],
    length: Some(Length::of("len")),
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
        .doc("Source port; drawn for each packet that is sent, outside the kernel's range."),
    Field::bits("dport", 16).default(53).names(Names::Table(PORTS)).doc("Destination port."),
    Field::bits("len", 16).auto(Auto::Length).doc("Length of header and payload, in bytes."),
    Field::bits("chksum", 16)
        .auto(Auto::PseudoSum { zero_as_ones: true })
        .hex()
        .doc("Checksum over pseudo-header, header and payload; 0 means none."),
];
