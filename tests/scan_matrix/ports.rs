//! The ports of the matrix, and what stands behind each.

/// A port, or a number of an IP protocol, and what stands there.
pub(crate) type Port = (u16, &'static str);

/// What a filter rejects with: nftables' words for IPv4 and for IPv6, and the laboratory's action. In the order of the
/// ports ..05 to ..11.
pub(crate) const REJECTS: [(&str, &str, &str); 7] = [
    ("port-unreachable", "port-unreachable", "port-unreachable"),
    ("host-unreachable", "addr-unreachable", "host-unreachable"),
    ("net-unreachable", "no-route", "net-unreachable"),
    ("prot-unreachable", "policy-fail", "protocol-unreachable"),
    ("net-prohibited", "reject-route", "net-prohibited"),
    ("host-prohibited", "admin-prohibited", "host-prohibited"),
    ("admin-prohibited", "admin-prohibited", "admin-prohibited"),
];

/// A server's TCP ports, and what Nmap 7.93 said of each over IPv4 when the matrix was measured: to a SYN, a connection,
/// an ACK, a window, a Maimon, a FIN scan. NULL and Xmas are as FIN.
#[rustfmt::skip] // a table
pub(crate) const TCP: &[(Port, [&str; 6])] = &[
    ((1001, "open"),
        ["open syn-ack", "open syn-ack", "unfiltered reset", "closed reset", "closed reset", "open|filtered no-response"]),
    ((1002, "closed"),
        ["closed reset", "closed conn-refused", "unfiltered reset", "closed reset", "closed reset", "closed reset"]),
    ((1003, "dropped"), ["filtered no-response", "filtered no-response", "filtered no-response",
        "filtered no-response", "open|filtered no-response", "open|filtered no-response"]),
    ((1004, "rejected with a reset"),
        ["closed reset", "closed conn-refused", "unfiltered reset", "closed reset", "closed reset", "closed reset"]),
    ((1005, "rejected with 3/3 (1/4)"), ["filtered port-unreach", "closed conn-refused", "filtered port-unreach",
        "filtered port-unreach", "filtered port-unreach", "filtered port-unreach"]),
    ((1006, "rejected with 3/1 (1/3)"), ["filtered host-unreach"; 6]),
    ((1007, "rejected with 3/0 (1/0)"), ["filtered net-unreach"; 6]),
    ((1008, "rejected with 3/2 (1/5)"), ["filtered proto-unreach"; 6]),
    ((1009, "rejected with 3/9 (1/6)"), ["filtered net-prohibited", "filtered net-unreach", "filtered net-prohibited",
        "filtered net-prohibited", "filtered net-prohibited", "filtered net-prohibited"]),
    ((1010, "rejected with 3/10 (1/1)"), ["filtered host-prohibited", "filtered host-unreach",
        "filtered host-prohibited", "filtered host-prohibited", "filtered host-prohibited", "filtered host-prohibited"]),
    ((1011, "rejected with 3/13 (1/1)"), ["filtered admin-prohibited", "filtered host-unreach",
        "filtered admin-prohibited", "filtered admin-prohibited", "filtered admin-prohibited",
        "filtered admin-prohibited"]),
    ((1012, "open, new connections dropped"), ["filtered no-response", "filtered no-response", "filtered no-response",
        "filtered no-response", "closed reset", "open|filtered no-response"]),
    ((1013, "closed, new connections dropped"), ["filtered no-response", "filtered no-response",
        "filtered no-response", "filtered no-response", "closed reset", "closed reset"]),
    ((1014, "open, only established ones pass"), ["filtered no-response", "filtered no-response",
        "filtered no-response", "filtered no-response", "open|filtered no-response", "open|filtered no-response"]),
    ((1015, "open, a bare SYN dropped"), ["filtered no-response", "filtered no-response", "unfiltered reset",
        "closed reset", "closed reset", "open|filtered no-response"]),
    ((1016, "closed, a bare SYN dropped"), ["filtered no-response", "filtered no-response", "unfiltered reset",
        "closed reset", "closed reset", "closed reset"]),
];

/// A server's UDP ports, and what was measured.
pub(crate) const UDP: &[(Port, &str)] = &[
    ((2001, "answers"), "open udp-response"),
    ((2002, "silent"), "open|filtered no-response"),
    ((2003, "closed"), "closed port-unreach"),
    ((2004, "dropped"), "open|filtered no-response"),
    ((2005, "rejected with 3/3 (1/4)"), "closed port-unreach"),
    ((2006, "rejected with 3/1 (1/3)"), "filtered host-unreach"),
    ((2007, "rejected with 3/0 (1/0)"), "filtered net-unreach"),
    ((2008, "rejected with 3/2 (1/5)"), "filtered proto-unreach"),
    ((2009, "rejected with 3/9 (1/6)"), "filtered net-prohibited"),
    ((2010, "rejected with 3/10 (1/1)"), "filtered host-prohibited"),
    ((2011, "rejected with 3/13 (1/1)"), "filtered admin-prohibited"),
    ((2012, "open, new connections dropped"), "open|filtered no-response"),
];

/// A server's SCTP ports, and what was measured: to an INIT, to a COOKIE ECHO.
pub(crate) const SCTP: &[(Port, [&str; 2])] = &[
    ((3001, "open"), ["open init-ack", "open|filtered no-response"]),
    ((3002, "closed"), ["closed abort"; 2]),
    ((3004, "dropped"), ["filtered no-response", "open|filtered no-response"]),
    ((3005, "rejected with 3/3 (1/4)"), ["filtered port-unreach"; 2]),
    ((3006, "rejected with 3/1 (1/3)"), ["filtered host-unreach"; 2]),
    ((3007, "rejected with 3/0 (1/0)"), ["filtered net-unreach"; 2]),
    ((3008, "rejected with 3/2 (1/5)"), ["filtered proto-unreach"; 2]),
    ((3009, "rejected with 3/9 (1/6)"), ["filtered net-prohibited"; 2]),
    ((3010, "rejected with 3/10 (1/1)"), ["filtered host-prohibited"; 2]),
    ((3011, "rejected with 3/13 (1/1)"), ["filtered admin-prohibited"; 2]),
];

/// IP protocols of a server, and what was measured. Its kernel does not speak 132.
pub(crate) const PROTOCOLS: &[(Port, &str)] = &[
    ((1, "ICMP"), "open echo-reply"),
    ((2, "IGMP"), "open|filtered no-response"),
    ((6, "TCP"), "open proto-response"),
    ((17, "UDP"), "open port-unreach"),
    ((47, "GRE"), "closed proto-unreach"),
    ((99, "unknown"), "closed proto-unreach"),
    ((132, "SCTP"), "closed proto-unreach"),
];

/// IP protocols of a server over IPv6.
pub(crate) const PROTOCOLS_V6: &[Port] =
    &[(6, "TCP"), (17, "UDP"), (47, "GRE"), (58, "ICMPv6"), (99, "unknown"), (132, "SCTP")];

/// Ports behind a router that rejects.
pub(crate) const ROUTED: &[Port] = &[
    (4004, "dropped"),
    (4005, "rejected with 3/3 (1/4)"),
    (4006, "rejected with 3/1 (1/3)"),
    (4007, "rejected with 3/0 (1/0)"),
    (4008, "rejected with 3/2 (1/5)"),
    (4009, "rejected with 3/9 (1/6)"),
    (4010, "rejected with 3/10 (1/1)"),
    (4011, "rejected with 3/13 (1/1)"),
];

/// IP protocols behind that router.
pub(crate) const ROUTED_PROTOCOLS: &[Port] =
    &[(47, "rejected with 3/2 (1/5)"), (50, "rejected with 3/13 (1/1)"), (51, "dropped")];

/// A port whose probes live for one hop.
pub(crate) const SHORT_LIVED: &[Port] = &[(4001, "the router is as far as it gets")];

/// TCP ports of the made-up host, see `stack.py`.
pub(crate) const MADE_UP_TCP: &[Port] = &[
    (5001, "closed, its resets have a window"),
    (5002, "SYN/ACK that acknowledges too much"),
    (5003, "SYN for a SYN: a split handshake"),
    (5004, "RST without ACK"),
    (5005, "open, drops FIN and ACK"),
    (5006, "ACK for a SYN"),
    (5007, "FIN for a SYN"),
    (5008, "SYN/ACK from another address"),
    (5009, "3/13 that quotes another number"),
    (5010, "RST, then SYN/ACK"),
    (5011, "SYN/ACK, then 3/13"),
    (5012, "3/3, then SYN/ACK"),
    (5013, "3/13, then RST"),
    (5014, "SYN/ACK from another port"),
    (5015, "RST with a number that is not ours"),
    (5021, "3/3"),
    (5022, "3/3 from another address"),
    (5023, "3/4"),
    (5024, "3/5"),
    (5025, "3/6"),
    (5026, "3/8"),
    (5027, "3/12"),
    (5028, "11/0"),
    (5029, "4/0, source quench"),
    (5030, "12/0, parameter problem"),
];

/// UDP ports of the made-up host.
pub(crate) const MADE_UP_UDP: &[Port] = &[
    (5101, "answers"),
    (5102, "answers from another port"),
    (5103, "answers from another address"),
    (5121, "3/3"),
    (5122, "3/3 from another address"),
    (5123, "3/4"),
    (5124, "3/5"),
    (5125, "3/6"),
    (5126, "3/8"),
    (5127, "3/12"),
    (5128, "11/0"),
    (5129, "4/0, source quench"),
    (5130, "12/0, parameter problem"),
];

/// SCTP ports of the made-up host.
pub(crate) const MADE_UP_SCTP: &[Port] = &[
    (5201, "INIT ACK"),
    (5202, "INIT ACK with another tag"),
    (5203, "ABORT"),
    (5204, "ABORT with another tag"),
    (5205, "ABORT with the T bit"),
    (5206, "COOKIE ACK"),
    (5209, "3/13 that quotes another tag"),
    (5221, "3/3"),
    (5222, "3/3 from another address"),
    (5223, "3/4"),
    (5226, "3/8"),
    (5228, "11/0"),
];

/// IP protocols of the made-up host.
pub(crate) const MADE_UP_PROTOCOLS: &[Port] = &[
    (201, "answers"),
    (202, "answers from another address"),
    (203, "3/2 from another address"),
    (204, "3/3 from another address"),
    (205, "3/3"),
    (206, "3/13"),
    (207, "3/4"),
    (208, "11/0"),
];

/// TCP ports of the made-up host over IPv6.
pub(crate) const MADE_UP_TCP_V6: &[Port] = &[
    (5001, "closed, its resets have a window"),
    (5002, "SYN/ACK that acknowledges too much"),
    (5003, "SYN for a SYN: a split handshake"),
    (5004, "RST without ACK"),
    (5005, "open, drops FIN and ACK"),
    (5008, "SYN/ACK from another address"),
    (5310, "1/0"),
    (5311, "1/1"),
    (5312, "1/2"),
    (5313, "1/3"),
    (5314, "1/4"),
    (5315, "1/5"),
    (5316, "1/6"),
    (5320, "2/0"),
    (5330, "3/0"),
    (5340, "4/0"),
    (5341, "4/1"),
    (5342, "4/2"),
    (5350, "1/4 from another address"),
];

/// UDP ports of the made-up host over IPv6.
pub(crate) const MADE_UP_UDP_V6: &[Port] = &[
    (5101, "answers"),
    (5102, "answers from another port"),
    (5103, "answers from another address"),
    (5410, "1/0"),
    (5411, "1/1"),
    (5412, "1/2"),
    (5413, "1/3"),
    (5414, "1/4"),
    (5415, "1/5"),
    (5416, "1/6"),
    (5420, "2/0"),
    (5430, "3/0"),
    (5440, "4/0"),
    (5441, "4/1"),
    (5442, "4/2"),
    (5450, "1/4 from another address"),
];

/// SCTP ports of the made-up host over IPv6.
pub(crate) const MADE_UP_SCTP_V6: &[Port] =
    &[(5510, "1/0"), (5514, "1/4"), (5530, "3/0"), (5540, "4/0"), (5541, "4/1"), (5550, "1/4 from another address")];

/// IP protocols of the made-up host over IPv6.
pub(crate) const MADE_UP_PROTOCOLS_V6: &[Port] = &[
    (201, "answers"),
    (202, "answers from another address"),
    (210, "1/0"),
    (211, "1/1"),
    (212, "1/2"),
    (213, "1/3"),
    (214, "1/4"),
    (215, "1/5"),
    (216, "1/6"),
    (217, "2/0"),
    (218, "3/0"),
    (219, "4/0"),
    (220, "4/1"),
    (221, "4/2"),
    (222, "1/4 from another address"),
];
