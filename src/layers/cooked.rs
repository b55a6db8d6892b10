//! What captures begin with where there is no link-layer header, or several kinds of it: Linux' cooked headers and BSD's
//! loopback (the tcpdump.org list of link types).

use super::ether::ETHER;
use super::names::ETHER_TYPES;
use crate::packet::field::NameTable;
use crate::packet::{Auto, Carries, Field, LayerDesc, Names, Summary};

const PACKET_TYPES: NameTable =
    &[(0, "unicast"), (1, "broadcast"), (2, "multicast"), (3, "unicast-to-another-host"), (4, "sent-by-us")];

const PROTO: Field = Field::bits("proto", 16)
    .auto(Auto::Next(0x0800))
    .hex()
    .names(Names::Table(ETHER_TYPES))
    .doc("Protocol of the payload (EtherType).");
const ADDR: Field = Field::fill("src", 8).hex().doc("The sender's hardware address.");
const CARRIES: Option<Carries> = Some(Carries { like: &ETHER, their: "type", field: "proto" });

/// Linux' cooked header (`LINKTYPE_LINUX_SLL`).
pub static SLL: LayerDesc = LayerDesc {
    name: "CookedLinux",
    doc: "Linux cooked capture header (LINKTYPE_LINUX_SLL).",
    fields: &[
        Field::bits("pkttype", 16).names(Names::Table(PACKET_TYPES)).doc("To whom it was sent."),
        Field::bits("lladdrtype", 16).default(512).doc("Kind of interface (ARPHRD)."),
        Field::bits("lladdrlen", 16).doc("Length of the hardware address, in bytes."),
        ADDR,
        PROTO,
    ],
    carries: CARRIES,
    summary: Summary { within: "", alone: "CookedLinux {name:pkttype}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Linux' cooked header with the interface (`LINKTYPE_LINUX_SLL2`).
pub static SLL2: LayerDesc = LayerDesc {
    name: "CookedLinuxV2",
    doc: "Linux cooked capture header with the interface (LINKTYPE_LINUX_SLL2).",
    fields: &[
        PROTO,
        Field::bits("reserved", 16).doc("Not used."),
        Field::bits("ifindex", 32).doc("Index of the interface."),
        Field::bits("lladdrtype", 16).default(512).doc("Kind of interface (ARPHRD)."),
        Field::bits("pkttype", 8).names(Names::Table(PACKET_TYPES)).doc("To whom it was sent."),
        Field::bits("lladdrlen", 8).doc("Length of the hardware address, in bytes."),
        ADDR,
    ],
    carries: CARRIES,
    summary: Summary { within: "", alone: "CookedLinuxV2 {name:pkttype}", special: &[] },
    ..LayerDesc::EMPTY
};

/// BSD's loopback header (`LINKTYPE_NULL`), as little-endian machines write it.
pub static LOOPBACK: LayerDesc = LayerDesc {
    name: "Loopback",
    doc: "BSD loopback header, little-endian (LINKTYPE_NULL).",
    fields: &[Field::little("type", 32).default(2).names(Names::Table(FAMILIES)).doc("Address family.")],
    summary: Summary { within: "", alone: "Loopback {name:type}", special: &[] },
    ..LayerDesc::EMPTY
};

/// OpenBSD's loopback header (`LINKTYPE_LOOP`), and that of big-endian machines.
pub static LOOPBACK_OPENBSD: LayerDesc = LayerDesc {
    name: "LoopbackOpenBSD",
    doc: "OpenBSD loopback header, big-endian (LINKTYPE_LOOP).",
    fields: &[Field::bits("type", 32).default(2).names(Names::Table(FAMILIES)).doc("Address family.")],
    carries: Some(Carries { like: &LOOPBACK, their: "type", field: "type" }),
    summary: Summary { within: "", alone: "LoopbackOpenBSD {name:type}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Address families: IPv6 has another number on each system.
const FAMILIES: NameTable = &[(2, "IPv4"), (10, "IPv6"), (24, "IPv6"), (28, "IPv6"), (30, "IPv6")];
