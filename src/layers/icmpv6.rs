//! Internet Control Message Protocol for IPv6 (RFC 4443) and neighbor discovery (RFC 4861): a layer for each message.

use super::ipv6::{IPV6, IPV6_ERROR};
use super::mld::{DONE, QUERY, QUERY2, REPORT, REPORT2};
use super::nd_options::UNKNOWN_OPTION;
use crate::packet::field::NameTable;
use crate::packet::{Auto, Field, Header, Layer, LayerDesc, Names, Over, Pairs, Slot, Summary};

/// Any message: the layer whose type is none of those below.
pub static ICMPV6: LayerDesc = LayerDesc {
    name: "ICMPv6Unknown",
    doc: "An ICMPv6 message of a type that has no layer of its own (RFC 4443).",
    fields: &[kind(1), CODE, CKSUM, Field::bytes("msgbody").doc("The rest of the message.")],
    header: Header::Rest,
    refine: Some(by_type),
    over: &[Over::new(&IPV6, "nh", 58)],
    ..MESSAGE
};

/// What all messages have in common.
pub(super) const MESSAGE: LayerDesc = LayerDesc {
    over: &[Over::write(&IPV6, "nh", 58)],
    summary: Summary {
        within: "{layer} {under.src} > {under.dst} {name:code}",
        alone: "{layer} {name:code}",
        special: &[],
    },
    ..LayerDesc::EMPTY
};

/// A message of neighbor discovery: it comes from this link alone (RFC 4861 section 11.2), and options follow.
const DISCOVERY: LayerDesc = LayerDesc {
    over: &[Over::write(&IPV6, "nh", 58), Over::write(&IPV6, "hlim", 255)],
    then: Some(&UNKNOWN_OPTION),
    ..MESSAGE
};

/// An error: the packet that it is about follows.
const ERROR: LayerDesc = LayerDesc { then: Some(&IPV6_ERROR), ..MESSAGE };

/// The layer of each type.
const MESSAGES: &[(u8, &LayerDesc)] = &[
    (1, &DEST_UNREACH),
    (2, &PACKET_TOO_BIG),
    (3, &TIME_EXCEEDED),
    (4, &PARAM_PROBLEM),
    (128, &ECHO_REQUEST),
    (129, &ECHO_REPLY),
    (130, &QUERY),
    (131, &REPORT),
    (132, &DONE),
    (133, &ND_RS),
    (134, &ND_RA),
    (135, &ND_NS),
    (136, &ND_NA),
    (137, &ND_REDIRECT),
    (143, &REPORT2),
];

fn by_type(bytes: &[u8]) -> Option<&'static LayerDesc> {
    match bytes {
        // RFC 3810 section 8.1: version 2's query is longer.
        [130, ..] if bytes.len() >= 28 => Some(&QUERY2),
        [kind, ..] => MESSAGES.iter().find(|(number, _)| number == kind).map(|(_, desc)| *desc),
        [] => None,
    }
}

/// The type of a message.
pub(super) const fn kind(number: u64) -> Field {
    Field::bits("type", 8).default(number).names(Names::Table(TYPES)).doc("Type of message.")
}

pub(super) const CODE: Field = Field::bits("code", 8).doc("Code.");
pub(super) const CKSUM: Field = Field::bits("cksum", 16)
    .auto(Auto::PseudoSum { zero_as_ones: false })
    .hex()
    .doc("Checksum over pseudo-header and message.");

const fn codes(names: NameTable) -> Field {
    Field::bits("code", 8).names(Names::Table(names)).doc("Code: the reason.")
}

/// Destination unreachable (RFC 4443 section 3.1).
pub static DEST_UNREACH: LayerDesc = LayerDesc {
    name: "ICMPv6DestUnreach",
    doc: "ICMPv6 destination unreachable (RFC 4443 section 3.1).",
    fields: &[
        kind(1),
        codes(&[
            (0, "no-route"),
            (1, "communication-prohibited"),
            (2, "beyond-scope"),
            (3, "address-unreachable"),
            (4, "port-unreachable"),
            (5, "policy-failed"),
            (6, "reject-route"),
        ]),
        CKSUM,
        Field::bits("length", 8).doc("Length of the quoted packet, in units of 8 bytes (RFC 4884)."),
        Field::bits("unused", 24).doc("Not used."),
    ],
    ..ERROR
};

/// Packet too big (RFC 4443 section 3.2).
pub static PACKET_TOO_BIG: LayerDesc = LayerDesc {
    name: "ICMPv6PacketTooBig",
    doc: "ICMPv6 packet too big (RFC 4443 section 3.2).",
    fields: &[kind(2), CODE, CKSUM, Field::bits("mtu", 32).default(1280).doc("MTU of the next hop, in bytes.")],
    summary: Summary {
        within: "{layer} {under.src} > {under.dst} mtu {mtu}",
        alone: "{layer} mtu {mtu}",
        special: &[],
    },
    ..ERROR
};

/// Time exceeded (RFC 4443 section 3.3).
pub static TIME_EXCEEDED: LayerDesc = LayerDesc {
    name: "ICMPv6TimeExceeded",
    doc: "ICMPv6 time exceeded (RFC 4443 section 3.3).",
    fields: &[
        kind(3),
        codes(&[(0, "hop-limit-exceeded"), (1, "reassembly-time-exceeded")]),
        CKSUM,
        Field::bits("length", 8).doc("Length of the quoted packet, in units of 8 bytes (RFC 4884)."),
        Field::bits("unused", 24).doc("Not used."),
    ],
    ..ERROR
};

/// Parameter problem (RFC 4443 section 3.4).
pub static PARAM_PROBLEM: LayerDesc = LayerDesc {
    name: "ICMPv6ParamProblem",
    doc: "ICMPv6 parameter problem (RFC 4443 section 3.4).",
    fields: &[
        kind(4),
        codes(&[(0, "erroneous-header"), (1, "unknown-next-header"), (2, "unknown-option")]),
        CKSUM,
        Field::bits("ptr", 32).default(6).doc("Offset of the byte that is wrong."),
    ],
    ..ERROR
};

/// What echo requests and replies have in common.
const ECHO: LayerDesc = LayerDesc {
    header: Header::Rest,
    summary: Summary {
        within: "{layer} {under.src} > {under.dst} seq {seq}",
        alone: "{layer} seq {seq}",
        special: &[],
    },
    ..MESSAGE
};

const SEQ: Field = Field::bits("seq", 16).hex().doc("Sequence number.");
const DATA: Field = Field::bytes("data").doc("Data, which comes back unchanged.");

/// Echo request (RFC 4443 section 4.1).
pub static ECHO_REQUEST: LayerDesc = LayerDesc {
    name: "ICMPv6EchoRequest",
    doc: "ICMPv6 echo request (RFC 4443 section 4.1).",
    fields: &[
        kind(128),
        CODE,
        CKSUM,
        Field::bits("id", 16).auto(Auto::Id).hex().doc("Identifier; drawn for each packet that is sent."),
        SEQ,
        DATA,
    ],
    text_field: Some("data"),
    pairs: Pairs { by: &[&ECHO_REPLY], same: &["id", "seq"], quoted: &["id", "seq"], ..Pairs::NONE },
    ..ECHO
};

/// Echo reply (RFC 4443 section 4.2).
pub static ECHO_REPLY: LayerDesc = LayerDesc {
    name: "ICMPv6EchoReply",
    doc: "ICMPv6 echo reply (RFC 4443 section 4.2).",
    fields: &[kind(129), CODE, CKSUM, Field::bits("id", 16).hex().doc("Identifier of the request."), SEQ, DATA],
    text_field: Some("data"),
    pairs: Pairs { same: &["id", "seq"], ..Pairs::NONE },
    ..ECHO
};

/// The ICMPv6 header quoted in an error: an echo request's, mostly.
pub static ICMPV6_ERROR: LayerDesc = LayerDesc {
    name: "ICMPv6error",
    doc: "The ICMPv6 header quoted in an ICMPv6 error (RFC 4443).",
    fields: &[
        kind(128),
        CODE,
        CKSUM,
        Field::bits("id", 16).hex().when("type", &[128, 129]).doc("Identifier."),
        Field::bits("seq", 16).hex().when("type", &[128, 129]).doc("Sequence number."),
    ],
    over: &[Over::new(&IPV6_ERROR, "nh", 58)],
    quoted: true,
    pairs: Pairs { same: &["id", "seq"], ..Pairs::NONE },
    ..MESSAGE
};

/// Router solicitation (RFC 4861 section 4.1).
pub static ND_RS: LayerDesc = LayerDesc {
    name: "ICMPv6ND_RS",
    doc: "ICMPv6 router solicitation (RFC 4861 section 4.1).",
    fields: &[kind(133), CODE, CKSUM, Field::bits("res", 32).doc("Not used.")],
    pairs: Pairs { by: &[&ND_RA], ..Pairs::NONE },
    ..DISCOVERY
};

/// Router advertisement (RFC 4861 section 4.2).
pub static ND_RA: LayerDesc = LayerDesc {
    name: "ICMPv6ND_RA",
    doc: "ICMPv6 router advertisement (RFC 4861 section 4.2).",
    fields: &[
        kind(134),
        CODE,
        CKSUM,
        Field::bits("chlim", 8).doc("Hop limit that hosts are to use; 0 says nothing."),
        Field::bits("M", 1).doc("Addresses come by DHCPv6."),
        Field::bits("O", 1).doc("Other configuration comes by DHCPv6."),
        Field::bits("H", 1).doc("The router is a home agent (RFC 6275)."),
        Field::bits("prf", 2)
            .default(1)
            .names(Names::Table(&[(0, "medium"), (1, "high"), (2, "reserved"), (3, "low")]))
            .doc("Preference of the router (RFC 4191)."),
        Field::bits("P", 1).doc("Proxied (RFC 4389)."),
        Field::bits("res", 2).doc("Not used."),
        Field::bits("routerlifetime", 16).default(1800).doc("Seconds that the router serves as default router."),
        Field::bits("reachabletime", 32).doc("Milliseconds that a neighbor counts as reachable; 0 says nothing."),
        Field::bits("retranstimer", 32).doc("Milliseconds between two solicitations; 0 says nothing."),
    ],
    ..DISCOVERY
};

/// Neighbor solicitation (RFC 4861 section 4.3).
pub static ND_NS: LayerDesc = LayerDesc {
    name: "ICMPv6ND_NS",
    doc: "ICMPv6 neighbor solicitation (RFC 4861 section 4.3).",
    fields: &[
        kind(135),
        CODE,
        CKSUM,
        Field::bits("res", 32).doc("Not used."),
        Field::ip6("tgt").doc("The address whose owner is asked for."),
    ],
    text_field: Some("tgt"),
    pairs: Pairs { by: &[&ND_NA], check: same_target, ..Pairs::NONE },
    summary: Summary {
        within: "{layer} {under.src} > {under.dst} who has {tgt}",
        alone: "{layer} who has {tgt}",
        special: &[],
    },
    ..DISCOVERY
};

/// Neighbor advertisement (RFC 4861 section 4.4).
pub static ND_NA: LayerDesc = LayerDesc {
    name: "ICMPv6ND_NA",
    doc: "ICMPv6 neighbor advertisement (RFC 4861 section 4.4).",
    fields: &[
        kind(136),
        CODE,
        CKSUM,
        Field::bits("R", 1).default(1).doc("The sender is a router."),
        Field::bits("S", 1).doc("It was solicited."),
        Field::bits("O", 1).default(1).doc("It overrides what is known."),
        Field::bits("res", 29).hex().doc("Not used."),
        Field::ip6("tgt").doc("The address that the sender speaks for."),
    ],
    text_field: Some("tgt"),
    summary: Summary {
        within: "{layer} {under.src} > {under.dst} {tgt} is here",
        alone: "{layer} {tgt} is here",
        special: &[],
    },
    ..DISCOVERY
};

/// Redirect (RFC 4861 section 4.5).
pub static ND_REDIRECT: LayerDesc = LayerDesc {
    name: "ICMPv6ND_Redirect",
    doc: "ICMPv6 redirect (RFC 4861 section 4.5).",
    fields: &[
        kind(137),
        CODE,
        CKSUM,
        Field::bits("res", 32).hex().doc("Not used."),
        Field::ip6("tgt").doc("The better first hop."),
        Field::ip6("dst").doc("The destination that is redirected."),
    ],
    ..DISCOVERY
};

fn same_target(probe: &Layer, _payload: usize, reply: &Layer) -> Result<(), String> {
    match (probe.get("tgt"), reply.get("tgt")) {
        (Some(Slot::Set(asked)), Some(Slot::Set(answered))) if asked != answered => {
            Err(format!("target {answered}, not {asked}"))
        }
        _ => Ok(()),
    }
}

/// Types (IANA icmpv6-parameters).
const TYPES: NameTable = &[
    (1, "dest-unreach"),
    (2, "packet-too-big"),
    (3, "time-exceeded"),
    (4, "parameter-problem"),
    (128, "echo-request"),
    (129, "echo-reply"),
    (130, "mld-query"),
    (131, "mld-report"),
    (132, "mld-done"),
    (133, "router-solicitation"),
    (134, "router-advertisement"),
    (135, "neighbor-solicitation"),
    (136, "neighbor-advertisement"),
    (137, "redirect"),
    (138, "router-renumbering"),
    (139, "node-information-query"),
    (140, "node-information-response"),
    (143, "mldv2-report"),
    (144, "home-agent-address-discovery-request"),
    (145, "home-agent-address-discovery-reply"),
    (155, "rpl"),
];
