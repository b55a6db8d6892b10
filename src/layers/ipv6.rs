//! Internet Protocol version 6 (RFC 8200) and its extension headers.

use super::cooked::LOOPBACK;
use super::ether::ETHER;
use super::ip::{IP, IP_ERROR};
use super::names::IP_PROTOCOLS;
use crate::packet::options::{OptionFormat, OptionKind, OptionShape, OptionTable};
use crate::packet::{
    Auto, Carries, Extent, Field, Fragment, Header, Layer, LayerDesc, Length, Names, Over, Pairs, Preset, Shape,
    Summary,
};

/// IPv6 header.
pub static IPV6: LayerDesc = LayerDesc {
    name: "IPv6",
    doc: "Internet Protocol version 6 (RFC 8200).",
    fields: FIELDS,
    text_field: Some("dst"),
    length: Some(Length::behind("plen", 40)),
    over: &[
        Over::new(&ETHER, "type", 0x86dd),
        Over::new(&IP, "proto", 41),
        // BSD's numbers (tcpdump.org, LINKTYPE_NULL) come first: Linux writes no such header.
        Over::new(&LOOPBACK, "type", 24),
        Over::new(&LOOPBACK, "type", 10),
        Over::new(&LOOPBACK, "type", 28),
        Over::new(&LOOPBACK, "type", 30),
    ],
    carries: Some(Carries { like: &IP, their: "proto", field: "nh" }),
    ends: Some(("src", "dst")),
    pairs: Pairs { quoted: &["src", "dst"], check: same_protocol, ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The IPv6 header quoted in an ICMPv6 error (RFC 4443 section 2.4).
pub static IPV6_ERROR: LayerDesc = LayerDesc {
    name: "IPerror6",
    doc: "The IPv6 header quoted in an ICMPv6 error (RFC 4443).",
    fields: FIELDS,
    length: Some(Length::behind("plen", 40)),
    carries: Some(Carries { like: &IP_ERROR, their: "proto", field: "nh" }),
    ends: Some(("src", "dst")),
    quoted: true,
    summary: Summary { alone: "{layer} {src} > {dst} {name:nh}", ..SUMMARY },
    ..LayerDesc::EMPTY
};

const SUMMARY: Summary = Summary { within: "", alone: "{src} > {dst} {name:nh}", special: &[] };

const NEXT: Field = Field::bits("nh", 8)
    .auto(Auto::Next(59))
    .names(Names::Table(IP_PROTOCOLS))
    .doc("Next header: the protocol of what follows.");

const FIELDS: &[Field] = &[
    Field::bits("version", 4).default(6).doc("IP version."),
    Field::bits("tc", 8).hex().doc("Traffic class: DSCP (6 bits) and ECN (2 bits), RFC 2474, RFC 3168."),
    Field::bits("fl", 20).hex().doc("Flow label (RFC 6437)."),
    Field::bits("plen", 16).auto(Auto::PayloadLen).doc("Length of all that follows this header, in bytes."),
    NEXT,
    Field::bits("hlim", 8).default(64).doc("Hop limit."),
    Field::of("src", Shape::Ip6, Preset::Auto(Auto::SourceAddr)).doc("Source; the address that the route gives."),
    Field::of("dst", Shape::Ip6, Preset::Ip6(std::net::Ipv6Addr::LOCALHOST))
        .doc("Destination; fe80::1%eth0 names the interface, too."),
];

/// What an extension header has in common with others: it carries what IPv6 does.
const EXTENSION: LayerDesc = LayerDesc {
    header: Header::Units { field: "len", unit: 8, plus: 8 },
    carries: Some(Carries { like: &IPV6, their: "nh", field: "nh" }),
    extension: true,
    summary: Summary { within: "", alone: "{layer} {name:nh}", special: &[] },
    ..LayerDesc::EMPTY
};

const EXTENSION_LEN: Field = Field::bits("len", 8)
    .auto(Auto::HeaderLen { unit: 8, minus: 1 })
    .doc("Length of the header in units of 8 bytes, the first one not counted.");

/// Hop-by-hop options (RFC 8200 section 4.3).
pub static HOP_BY_HOP: LayerDesc = LayerDesc {
    name: "IPv6ExtHdrHopByHop",
    doc: "IPv6 hop-by-hop options (RFC 8200 section 4.3).",
    fields: OPTIONS_FIELDS,
    over: &[Over::new(&IPV6, "nh", 0)],
    ..EXTENSION
};

/// Destination options (RFC 8200 section 4.6).
pub static DEST_OPT: LayerDesc = LayerDesc {
    name: "IPv6ExtHdrDestOpt",
    doc: "IPv6 destination options (RFC 8200 section 4.6).",
    fields: OPTIONS_FIELDS,
    over: &[Over::new(&IPV6, "nh", 60)],
    ..EXTENSION
};

const OPTIONS_FIELDS: &[Field] = &[
    NEXT,
    EXTENSION_LEN,
    Field::options("options", &OPTIONS).doc("Options, as [[\"RouterAlert\", 0]]; padded to 8 bytes."),
];

/// Options of IPv6 (RFC 8200 section 4.2 and the IANA list), with Scapy's names.
static OPTIONS: OptionTable = OptionTable {
    format: OptionFormat::IPV6,
    kinds: &[
        OptionKind { kind: 5, name: "RouterAlert", shape: OptionShape::Numbers(&[2]) },
        OptionKind { kind: 0, name: "Pad1", shape: OptionShape::Single },
        OptionKind { kind: 1, name: "PadN", shape: OptionShape::Bytes },
        OptionKind { kind: 194, name: "Jumbo", shape: OptionShape::Numbers(&[4]) },
        OptionKind { kind: 201, name: "HAO", shape: OptionShape::Ip6 },
    ],
};

/// Routing header (RFC 8200 section 4.4); of types 0 and 2 (RFC 5095, RFC 6275) with its addresses.
pub static ROUTING: LayerDesc = LayerDesc {
    name: "IPv6ExtHdrRouting",
    doc: "IPv6 routing header (RFC 8200 section 4.4).",
    fields: &[
        NEXT,
        EXTENSION_LEN,
        Field::bits("type", 8).doc("Type of routing; 0 (deprecated, RFC 5095) and 2 have addresses."),
        Field::bits("segleft", 8).auto(Auto::CountOf("addresses")).doc("Segments left: addresses still to visit."),
        Field::bits("reserved", 32).doc("Not used."),
        Field::of("addresses", Shape::Ip6s, Preset::Empty).when("type", &[0, 2]).doc("Addresses to visit."),
        Field::bytes("data").unless("type", &[0, 2]).doc("What other types have."),
    ],
    over: &[Over::new(&IPV6, "nh", 43)],
    routes: Some(("segleft", "addresses")),
    align: 8,
    ..EXTENSION
};

/// Fragment header (RFC 8200 section 4.5).
pub static FRAGMENT: LayerDesc = LayerDesc {
    name: "IPv6ExtHdrFragment",
    doc: "IPv6 fragment header (RFC 8200 section 4.5).",
    fields: &[
        NEXT,
        Field::bits("res1", 8).doc("Not used."),
        Field::bits("offset", 13).doc("Fragment offset, in units of 8 bytes."),
        Field::bits("res2", 2).doc("Not used."),
        Field::bits("m", 1).doc("More fragments."),
        Field::bits("id", 32).hex().doc("Identification."),
    ],
    header: Header::Fields,
    fragment: Some(Fragment { offset: "offset", flags: "m", more: 1 }),
    over: &[Over::new(&IPV6, "nh", 44)],
    ..EXTENSION
};

/// Authentication header (RFC 4302), over IPv6 and IPv4.
pub static AH: LayerDesc = LayerDesc {
    name: "AH",
    doc: "Authentication header (RFC 4302).",
    fields: &[
        NEXT,
        Field::bits("payloadlen", 8)
            .auto(Auto::HeaderLen { unit: 4, minus: 2 })
            .doc("Length of the header in 32-bit words, two not counted."),
        Field::bits("reserved", 16).doc("Not used."),
        Field::bits("spi", 32).default(1).hex().doc("Security parameters index."),
        Field::bits("seq", 32).doc("Sequence number."),
        Field::bytes("icv").extent(Extent::Rest).doc("Integrity check value."),
    ],
    header: Header::Units { field: "payloadlen", unit: 4, plus: 8 },
    over: &[Over::new(&IP, "proto", 51)],
    align: 4,
    ..EXTENSION
};

/// The protocol behind the extension headers is compared by its own layer.
fn same_protocol(probe: &Layer, _payload: usize, reply: &Layer) -> Result<(), String> {
    match (probe.int("version"), reply.int("version")) {
        (_, Some(6)) => Ok(()),
        (_, Some(other)) => Err(format!("version {other}, not 6")),
        _ => Err("no version".into()),
    }
}
