//! Tunnels: GRE (RFC 2784, RFC 2890) and VXLAN (RFC 7348).

use super::ether::ETHER;
use super::ip::IP;
use super::names::ETHER_TYPES;
use super::udp::UDP;
use crate::packet::{Auto, Carries, Field, FlagNames, LayerDesc, Names, Over, Summary};

/// Generic Routing Encapsulation.
pub static GRE: LayerDesc = LayerDesc {
    name: "GRE",
    doc: "Generic Routing Encapsulation (RFC 2784, RFC 2890).",
    fields: &[
        Field::bits("chksum_present", 1).doc("C: there is a checksum."),
        Field::bits("routing_present", 1).doc("R: there is a source route (RFC 1701; not used)."),
        Field::bits("key_present", 1).doc("K: there is a key (RFC 2890)."),
        Field::bits("seqnum_present", 1).doc("S: there is a sequence number (RFC 2890)."),
        Field::bits("strict_route_source", 1).doc("Not used."),
        Field::bits("recursion_control", 3).doc("Not used."),
        Field::bits("flags", 5).doc("Not used."),
        Field::bits("version", 3).doc("GRE version."),
        Field::bits("proto", 16)
            .auto(Auto::Next(0))
            .hex()
            .names(Names::Table(ETHER_TYPES))
            .doc("Protocol of the payload (EtherType)."),
        Field::bits("chksum", 16)
            .auto(Auto::Sum)
            .hex()
            .when("chksum_present", &[1])
            .doc("Checksum over header and payload."),
        Field::bits("offset", 16).when("chksum_present", &[1]).doc("Not used."),
        Field::bits("key", 32).hex().when("key_present", &[1]).doc("Key."),
        Field::bits("sequence_number", 32).hex().when("seqnum_present", &[1]).doc("Sequence number."),
    ],
    over: &[Over::new(&IP, "proto", 47)],
    carries: Some(Carries { like: &ETHER, their: "type", field: "proto" }),
    summary: Summary { within: "", alone: "GRE {name:proto}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Virtual eXtensible LAN: an Ethernet frame follows.
pub static VXLAN: LayerDesc = LayerDesc {
    name: "VXLAN",
    doc: "Virtual eXtensible LAN (RFC 7348).",
    fields: &[
        Field::flags("flags", 8, FLAGS).default(8).doc("Instance: the network identifier is valid."),
        Field::bits("reserved1", 24).hex().doc("Not used."),
        Field::bits("vni", 24).hex().doc("Network identifier."),
        Field::bits("reserved2", 8).hex().doc("Not used."),
    ],
    over: &[Over::new(&UDP, "dport", 4789)],
    then: Some(&ETHER),
    summary: Summary { within: "", alone: "VXLAN vni {vni}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Bits of the extensions, too (GPE, GBP), with Scapy's names.
const FLAGS: FlagNames = FlagNames(&["OAM", "R1", "NextProtocol", "Instance", "V1", "V2", "R6", "G"]);
