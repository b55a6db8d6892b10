//! Network Time Protocol (RFC 5905).

use super::udp::UDP;
use crate::packet::{Field, LayerDesc, Names, Over, Pairs, Summary};

/// NTP header; extension fields and the authenticator behind it are bytes.
pub static NTP: LayerDesc = LayerDesc {
    name: "NTP",
    doc: "Network Time Protocol (RFC 5905).",
    fields: &[
        Field::bits("leap", 2)
            .names(Names::Table(&[(0, "no-warning"), (1, "last-minute-61"), (2, "last-minute-59"), (3, "unknown")]))
            .doc("Leap second at the end of the month."),
        Field::bits("version", 3).default(4).doc("NTP version."),
        Field::bits("mode", 3)
            .default(3)
            .names(Names::Table(&[
                (1, "symmetric-active"),
                (2, "symmetric-passive"),
                (3, "client"),
                (4, "server"),
                (5, "broadcast"),
                (6, "control"),
                (7, "private"),
            ]))
            .doc("Mode of the sender."),
        Field::bits("stratum", 8).default(2).doc("Distance from a clock of reference; 1 has one."),
        Field::signed("poll", 8).default(10).doc("Longest interval between messages, log2 of seconds."),
        Field::signed("precision", 8).doc("Precision of the clock, log2 of seconds."),
        Field::fixed("delay", 32, 16).doc("Round trip to the clock of reference, in seconds."),
        Field::fixed("dispersion", 32, 16).doc("Dispersion to the clock of reference, in seconds."),
        Field::ip4("id", 127, 0, 0, 1).unless("stratum", &[0, 1]).doc("The server that this one follows."),
        Field::fill("ref_id", 4).when("stratum", &[0, 1]).doc("Kind of the clock, as GPS; or a kiss code."),
        Field::fixed("ref", 64, 32).doc("When the clock was last set, in seconds since 1900."),
        Field::fixed("orig", 64, 32).doc("When the request left the client, in seconds since 1900."),
        Field::fixed("recv", 64, 32).doc("When it reached the server, in seconds since 1900."),
        Field::fixed("sent", 64, 32).doc("When this message left, in seconds since 1900."),
    ],
    over: &[Over::new(&UDP, "dport", 123), Over::read(&UDP, "sport", 123), Over::write(&UDP, "sport", 123)],
    pairs: Pairs::NONE,
    summary: Summary { within: "", alone: "NTPv{version} {name:mode}", special: &[] },
    ..LayerDesc::EMPTY
};
