//! Options of neighbor discovery (RFC 4861 section 4.6): each a layer, stacked behind the message and one another.

use crate::packet::{Auto, Field, Header, LayerDesc, Preset, Shape, Summary};

/// An option without a layer of its own.
pub static UNKNOWN_OPTION: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptUnknown",
    doc: "A neighbor discovery option without a layer of its own (RFC 4861 section 4.6).",
    fields: &[kind(0), LEN, Field::bytes("data").doc("What it holds.")],
    refine: Some(by_type),
    then: Some(&UNKNOWN_OPTION),
    align: 8,
    ..OPTION
};

const OPTION: LayerDesc = LayerDesc {
    header: Header::Units { field: "len", unit: 8, plus: 0 },
    summary: Summary { within: "", alone: "{layer}", special: &[] },
    ..LayerDesc::EMPTY
};

const fn kind(number: u64) -> Field {
    Field::bits("type", 8).default(number).doc("Type of option.")
}

const LEN: Field =
    Field::bits("len", 8).auto(Auto::HeaderLen { unit: 8, minus: 0 }).doc("Length of the option in units of 8 bytes.");

const fn len(units: u64) -> Field {
    Field::bits("len", 8).default(units).doc("Length of the option in units of 8 bytes.")
}

fn by_type(bytes: &[u8]) -> Option<&'static LayerDesc> {
    let number = *bytes.first()?;
    OPTIONS.iter().find(|(n, _)| *n == number).map(|(_, desc)| *desc)
}

/// The layer of each type.
const OPTIONS: &[(u8, &LayerDesc)] = &[
    (1, &SRC_LL_ADDR),
    (2, &DST_LL_ADDR),
    (3, &PREFIX_INFO),
    (4, &REDIRECTED_HDR),
    (5, &MTU),
    (25, &RDNSS),
    (31, &DNSSL),
];

const LLADDR: Field = Field::mac("lladdr", Auto::SourceMac).doc("Hardware address; the interface's.");

/// Source link-layer address (RFC 4861 section 4.6.1).
pub static SRC_LL_ADDR: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptSrcLLAddr",
    doc: "Source link-layer address (RFC 4861 section 4.6.1).",
    fields: &[kind(1), len(1), LLADDR],
    text_field: Some("lladdr"),
    summary: Summary { within: "", alone: "{layer} {lladdr}", special: &[] },
    then: Some(&UNKNOWN_OPTION),
    ..OPTION
};

/// Target link-layer address (RFC 4861 section 4.6.1).
pub static DST_LL_ADDR: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptDstLLAddr",
    doc: "Target link-layer address (RFC 4861 section 4.6.1).",
    fields: &[kind(2), len(1), LLADDR],
    text_field: Some("lladdr"),
    summary: Summary { within: "", alone: "{layer} {lladdr}", special: &[] },
    then: Some(&UNKNOWN_OPTION),
    ..OPTION
};

/// Prefix information (RFC 4861 section 4.6.2).
pub static PREFIX_INFO: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptPrefixInfo",
    doc: "Prefix information (RFC 4861 section 4.6.2).",
    fields: &[
        kind(3),
        len(4),
        Field::bits("prefixlen", 8).default(64).doc("Bits of the prefix."),
        Field::bits("L", 1).default(1).doc("Addresses of the prefix are on this link."),
        Field::bits("A", 1).default(1).doc("Hosts may make themselves addresses with it."),
        Field::bits("R", 1).doc("The prefix is the router's whole address (RFC 6275)."),
        Field::bits("res1", 5).doc("Not used."),
        Field::bits("validlifetime", 32).default(0xffff_ffff).hex().doc("Seconds that it is valid."),
        Field::bits("preferredlifetime", 32).default(0xffff_ffff).hex().doc("Seconds that it is preferred."),
        Field::bits("res2", 32).hex().doc("Not used."),
        Field::ip6("prefix").doc("The prefix."),
    ],
    summary: Summary { within: "", alone: "{layer} {prefix}/{prefixlen}", special: &[] },
    then: Some(&UNKNOWN_OPTION),
    ..OPTION
};

/// Redirected header (RFC 4861 section 4.6.3).
pub static REDIRECTED_HDR: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptRedirectedHdr",
    doc: "Redirected header (RFC 4861 section 4.6.3).",
    fields: &[
        kind(4),
        LEN,
        Field::fill("res", 6).doc("Not used."),
        Field::bytes("pkt").doc("The packet that was redirected, or its beginning."),
    ],
    then: Some(&UNKNOWN_OPTION),
    align: 8,
    ..OPTION
};

/// MTU (RFC 4861 section 4.6.4).
pub static MTU: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptMTU",
    doc: "MTU of the link (RFC 4861 section 4.6.4).",
    fields: &[
        kind(5),
        len(1),
        Field::bits("res", 16).hex().doc("Not used."),
        Field::bits("mtu", 32).default(1280).doc("MTU, in bytes."),
    ],
    summary: Summary { within: "", alone: "{layer} {mtu}", special: &[] },
    then: Some(&UNKNOWN_OPTION),
    ..OPTION
};

const LIFETIME: Field = Field::bits("lifetime", 32).default(0xffff_ffff).doc("Seconds that it is valid.");
const RES: Field = Field::bits("res", 16).doc("Not used.");

/// Recursive DNS servers (RFC 8106 section 5.1).
pub static RDNSS: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptRDNSS",
    doc: "Recursive DNS servers (RFC 8106 section 5.1).",
    fields: &[
        kind(25),
        LEN,
        RES,
        LIFETIME,
        Field::of("dns", Shape::Ip6s, Preset::Empty).doc("Addresses of the servers."),
    ],
    then: Some(&UNKNOWN_OPTION),
    ..OPTION
};

/// DNS search list (RFC 8106 section 5.2).
pub static DNSSL: LayerDesc = LayerDesc {
    name: "ICMPv6NDOptDNSSL",
    doc: "DNS search list (RFC 8106 section 5.2).",
    fields: &[
        kind(31),
        LEN,
        RES,
        LIFETIME,
        Field::of("searchlist", Shape::Names, Preset::Empty)
            .doc("Domain names; what fills them up to 8 bytes reads as \".\"."),
    ],
    then: Some(&UNKNOWN_OPTION),
    align: 8,
    ..OPTION
};
