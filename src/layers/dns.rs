//! Domain Name System (RFC 1035): messages over UDP and TCP, questions and resource records.

use super::tcp::TCP;
use super::udp::UDP;
use crate::packet::field::NameTable;
use crate::packet::options::{OptionFormat, OptionKind, OptionShape, OptionTable};
use crate::packet::{Auto, Extent, Field, Header, LayerDesc, Length, Names, Over, Pairs, Preset, Shape, Summary};

/// A DNS message. Over TCP its length stands in front (RFC 1035 section 4.2.2).
pub static DNS: LayerDesc = LayerDesc {
    name: "DNS",
    doc: "Domain Name System message (RFC 1035).",
    fields: FIELDS,
    header: Header::Records,
    length: Some(Length::behind("length", 2)),
    over: &[
        Over::new(&UDP, "dport", 53),
        Over::read(&UDP, "sport", 53),
        Over::read(&UDP, "dport", 5353),
        Over::read(&UDP, "sport", 5353),
        Over::read(&UDP, "dport", 5355),
        Over::read(&UDP, "sport", 5355),
        Over::new(&TCP, "dport", 53),
        Over::read(&TCP, "sport", 53),
    ],
    names_from: Some("id"),
    pairs: Pairs { same: &["id"], ..Pairs::NONE },
    summary: Summary { within: "", alone: "DNS Qry {qd}", special: &[("qr", 1, "DNS Ans {an}")] },
    ..LayerDesc::EMPTY
};

const FIELDS: &[Field] = &[
    Field::bits("length", 16).auto(Auto::After).above(&TCP).doc("Length of the message behind this field, in bytes."),
    Field::bits("id", 16).auto(Auto::Id).hex().doc("Identifier; drawn for each packet that is sent."),
    Field::bits("qr", 1).doc("0 for a query, 1 for a response."),
    Field::bits("opcode", 4)
        .names(Names::Table(&[(0, "QUERY"), (1, "IQUERY"), (2, "STATUS"), (4, "NOTIFY"), (5, "UPDATE")]))
        .doc("Kind of query."),
    Field::bits("aa", 1).doc("Authoritative answer."),
    Field::bits("tc", 1).doc("Truncated: ask again over TCP."),
    Field::bits("rd", 1).default(1).doc("Recursion desired."),
    Field::bits("ra", 1).doc("Recursion available."),
    Field::bits("z", 1).doc("Not used."),
    Field::bits("ad", 1).doc("Authentic data (RFC 4035)."),
    Field::bits("cd", 1).doc("Checking disabled (RFC 4035)."),
    Field::bits("rcode", 4)
        .names(Names::Table(&[
            (0, "ok"),
            (1, "format-error"),
            (2, "server-failure"),
            (3, "name-error"),
            (4, "not-implemented"),
            (5, "refused"),
        ]))
        .doc("Response code."),
    Field::bits("qdcount", 16).auto(Auto::CountOf("qd")).doc("How many questions follow."),
    Field::bits("ancount", 16).auto(Auto::CountOf("an")).doc("How many answers follow."),
    Field::bits("nscount", 16).auto(Auto::CountOf("ns")).doc("How many authority records follow."),
    Field::bits("arcount", 16).auto(Auto::CountOf("ar")).doc("How many additional records follow."),
    Field::records("qd", &DNSQR, "qdcount").preset(Preset::One(&DNSQR)).doc("Questions."),
    Field::records("an", &DNSRR, "ancount").doc("Answers."),
    Field::records("ns", &DNSRR, "nscount").doc("Authority records."),
    Field::records("ar", &DNSRR, "arcount").doc("Additional records."),
];

/// A question (RFC 1035 section 4.1.2).
pub static DNSQR: LayerDesc = LayerDesc {
    name: "DNSQR",
    doc: "A question to the DNS (RFC 1035 section 4.1.2).",
    fields: &[
        Field::name("qname", "www.example.com.").doc("The name that is asked for."),
        Field::bits("qtype", 16).default(1).names(Names::Table(TYPES)).doc("Type of record that is asked for."),
        Field::bits("unicastresponse", 1).doc("An answer to the asker alone will do (RFC 6762)."),
        Field::bits("qclass", 15).default(1).names(Names::Table(CLASSES)).doc("Class."),
    ],
    text_field: Some("qname"),
    summary: Summary { within: "", alone: "{qname} {name:qtype}", special: &[] },
    ..LayerDesc::EMPTY
};

/// A resource record (RFC 1035 section 4.1.3).
pub static DNSRR: LayerDesc = LayerDesc {
    name: "DNSRR",
    doc: "A resource record of the DNS (RFC 1035 section 4.1.3).",
    fields: &[
        RRNAME,
        kind(1),
        CACHEFLUSH,
        RCLASS,
        TTL,
        RDLEN,
        data(Shape::Ip4, Preset::Ip4(std::net::Ipv4Addr::UNSPECIFIED)).when("type", &[A]).doc("The address."),
        data(Shape::Ip6, Preset::Ip6(std::net::Ipv6Addr::UNSPECIFIED)).when("type", &[AAAA]).doc("The address."),
        data(Shape::Name, Preset::Text(".")).when("type", NAMES).doc("The name."),
        data(Shape::Strings, Preset::Empty).when("type", TEXTS).doc("Texts of 255 bytes at most."),
        data(Shape::Bytes, Preset::Empty).unless("type", &[A, AAAA, 2, 5, 12, 39, 13, 16, 99]).doc("The data."),
    ],
    summary: Summary { within: "", alone: "{rrname} {name:type} {rdata}", special: &[] },
    ..RECORD
};

const A: u64 = 1;
const AAAA: u64 = 28;
/// NS, CNAME, PTR, DNAME.
const NAMES: &[u64] = &[2, 5, 12, 39];
/// HINFO, TXT, SPF.
const TEXTS: &[u64] = &[13, 16, 99];

const fn data(shape: Shape, preset: Preset) -> Field {
    Field::of("rdata", shape, preset).extent(Extent::Rest)
}

/// What all records have in common: a length, and data behind it.
const RECORD: LayerDesc =
    LayerDesc { header: Header::After("rdlen"), refine: Some(by_type), text_field: Some("rrname"), ..LayerDesc::EMPTY };

const RRNAME: Field = Field::name("rrname", ".").doc("The name that the record is about.");
const CACHEFLUSH: Field = Field::bits("cacheflush", 1).doc("Older records of the name are void (RFC 6762).");
const RCLASS: Field = Field::bits("rclass", 15).default(1).names(Names::Table(CLASSES)).doc("Class.");
const TTL: Field = Field::bits("ttl", 32).doc("Seconds that the record may be kept.");
const RDLEN: Field = Field::bits("rdlen", 16).auto(Auto::After).doc("Length of the data, in bytes.");

const fn kind(number: u64) -> Field {
    Field::bits("type", 16).default(number).names(Names::Table(TYPES)).doc("Type of record.")
}

/// The layer of a record by its type, which stands behind its name.
fn by_type(bytes: &[u8]) -> Option<&'static LayerDesc> {
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            0 => break at += 1,
            len if len < 64 => at += 1 + usize::from(len),
            _ => break at += 2,
        }
    }
    match bytes.get(at..at + 2)? {
        [0, 6] => Some(&DNSRR_SOA),
        [0, 15] => Some(&DNSRR_MX),
        [0, 33] => Some(&DNSRR_SRV),
        [0, 41] => Some(&DNSRR_OPT),
        _ => None,
    }
}

/// Mail exchange (RFC 1035 section 3.3.9).
pub static DNSRR_MX: LayerDesc = LayerDesc {
    name: "DNSRRMX",
    doc: "Mail exchange record (RFC 1035 section 3.3.9).",
    fields: &[
        RRNAME,
        kind(15),
        CACHEFLUSH,
        RCLASS,
        TTL,
        RDLEN,
        Field::bits("preference", 16).doc("Lower is better."),
        Field::name("exchange", ".").doc("The mail server."),
    ],
    summary: Summary { within: "", alone: "{rrname} MX {preference} {exchange}", special: &[] },
    ..RECORD
};

/// Start of authority (RFC 1035 section 3.3.13).
pub static DNSRR_SOA: LayerDesc = LayerDesc {
    name: "DNSRRSOA",
    doc: "Start of authority record (RFC 1035 section 3.3.13).",
    fields: &[
        RRNAME,
        kind(6),
        Field::bits("rclass", 16).default(1).names(Names::Table(CLASSES)).doc("Class."),
        TTL,
        RDLEN,
        Field::name("mname", ".").doc("The first name server."),
        Field::name("rname", ".").doc("The mailbox of who is responsible; the first dot stands for @."),
        Field::bits("serial", 32).doc("Version of the zone."),
        Field::bits("refresh", 32).doc("Seconds between two looks of a secondary server."),
        Field::bits("retry", 32).doc("Seconds until it looks again after a failure."),
        Field::bits("expire", 32).doc("Seconds after which it gives up."),
        Field::bits("minimum", 32).doc("Seconds that \"there is no such name\" may be kept (RFC 2308)."),
    ],
    summary: Summary { within: "", alone: "{rrname} SOA {mname} {serial}", special: &[] },
    ..RECORD
};

/// Location of a service (RFC 2782).
pub static DNSRR_SRV: LayerDesc = LayerDesc {
    name: "DNSRRSRV",
    doc: "Service location record (RFC 2782).",
    fields: &[
        RRNAME,
        kind(33),
        CACHEFLUSH,
        RCLASS,
        TTL,
        RDLEN,
        Field::bits("priority", 16).doc("Lower is better."),
        Field::bits("weight", 16).doc("Share among servers of one priority."),
        Field::bits("port", 16).doc("The service's port."),
        Field::name("target", ".").doc("The host."),
    ],
    summary: Summary { within: "", alone: "{rrname} SRV {target}:{port}", special: &[] },
    ..RECORD
};

/// The pseudo-record of EDNS (RFC 6891 section 6.1.2).
pub static DNSRR_OPT: LayerDesc = LayerDesc {
    name: "DNSRROPT",
    doc: "EDNS options, in the form of a record (RFC 6891).",
    fields: &[
        RRNAME,
        kind(41),
        Field::bits("rclass", 16).default(4096).doc("Largest UDP payload that the sender takes, in bytes."),
        Field::bits("extrcode", 8).doc("Upper bits of the response code."),
        Field::bits("version", 8).doc("EDNS version."),
        Field::bits("z", 16).default(0x8000).hex().doc("Flags; 0x8000 is DO: DNSSEC records are wanted (RFC 3225)."),
        RDLEN,
        Field::options("rdata", &EDNS).doc("Options, as [[\"COOKIE\", unhex(\"0011223344556677\")]]."),
    ],
    summary: Summary { within: "", alone: "OPT {rclass} bytes", special: &[] },
    ..RECORD
};

/// EDNS options (IANA dns-parameters), with Scapy's names.
static EDNS: OptionTable = OptionTable {
    format: OptionFormat::EDNS,
    kinds: &[
        OptionKind { kind: 10, name: "COOKIE", shape: OptionShape::Bytes },
        OptionKind { kind: 3, name: "NSID", shape: OptionShape::Bytes },
        OptionKind { kind: 5, name: "DAU", shape: OptionShape::Bytes },
        OptionKind { kind: 6, name: "DHU", shape: OptionShape::Bytes },
        OptionKind { kind: 7, name: "N3U", shape: OptionShape::Bytes },
        OptionKind { kind: 8, name: "edns-client-subnet", shape: OptionShape::Bytes },
        OptionKind { kind: 12, name: "Padding", shape: OptionShape::Bytes },
        OptionKind { kind: 15, name: "Extended DNS Error", shape: OptionShape::Bytes },
    ],
};

const CLASSES: NameTable = &[(1, "IN"), (2, "CS"), (3, "CH"), (4, "HS"), (255, "ANY")];

/// Types of records (IANA dns-parameters).
const TYPES: NameTable = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (18, "AFSDB"),
    (24, "SIG"),
    (25, "KEY"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (37, "CERT"),
    (39, "DNAME"),
    (41, "OPT"),
    (43, "DS"),
    (44, "SSHFP"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ALL"),
    (256, "URI"),
    (257, "CAA"),
];
