//! Why Nmap or the laboratory says something else. A difference without a row fails the test, and so does a row without
//! a difference.

use std::fmt;

/// Who differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nmap,
    Lab,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nmap => "nmap",
            Self::Lab => "lab",
        })
    }
}

/// A difference.
pub(crate) struct Difference {
    who: Who,
    /// How the titles of the sections begin.
    section: &'static str,
    /// The kinds; none is all.
    kinds: &'static [&'static str],
    ports: &'static [u16],
    pub(crate) why: &'static str,
}

impl Difference {
    pub(crate) fn fits(&self, who: Who, section: &str, kind: &str, port: u16) -> bool {
        self.who == who
            && section.starts_with(self.section)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.ports.contains(&port)
    }
}

use Who::{Lab, Nmap};

const RAW: &[&str] = &["syn", "ack", "window", "maimon", "fin", "null", "xmas", "udp", "sctp-init", "sctp-cookie"];
const CONNECT: &[&str] = &["connect"];
const PROTOCOL: &[&str] = &["protocol"];

#[rustfmt::skip] // a table
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { who: Nmap, section: "", kinds: &["syn"], ports: &[5002],
        why: "A SYN/ACK has to acknowledge our number; Nmap compares addresses and ports alone." },
    Difference { who: Nmap, section: "IPv4: the made-up", kinds: RAW, ports: &[5015],
        why: "So has a reset to refer to our probe." },
    Difference { who: Nmap, section: "IPv4: the made-up", kinds: &["sctp-init", "sctp-cookie"], ports: &[5202, 5204, 5205],
        why: "So has an SCTP chunk to carry our tag." },
    Difference { who: Nmap, section: "IPv4: the made-up", kinds: &[],
        ports: &[5023, 5025, 5026, 5027, 5123, 5124, 5125, 5126, 5127, 5223, 5226, 207],
        why: "Any unreachable stops the probe: filtered, with what came. Nmap leaves these codes out." },
    Difference { who: Nmap, section: "IPv4: the made-up", kinds: RAW, ports: &[5024],
        why: "The same for 3/5." },
    Difference { who: Nmap, section: "", kinds: CONNECT, ports: &[5024, 5030, 5340, 5341, 5342],
        why: "An error number that says nothing of the port (EOPNOTSUPP, EPROTO). Nmap reads it twice: the second time \
              it is gone, and the port looks open." },
    Difference { who: Nmap, section: "", kinds: &["udp"], ports: &[5102],
        why: "A host that answers from another port (as TFTP does) is open there; the note names the port." },
    Difference { who: Nmap, section: "IPv6: the made-up", kinds: &[],
        ports: &[5320, 5330, 5420, 5430, 5342, 5442, 217, 218, 221, 5530],
        why: "Over IPv6 too big, a hop limit that ran out, and an option that is not known stop the probe: filtered. Nmap \
              leaves these types out." },
    Difference { who: Nmap, section: "IPv6: a hop limit", kinds: &[], ports: &[4001],
        why: "The same." },
    Difference { who: Nmap, section: "IPv6: the made-up", kinds: RAW, ports: &[5340, 5440, 5540],
        why: "A field that the host found wrong shows that it speaks the protocol: open in a protocol scan. Of a port it \
              says nothing; Nmap calls it open in every scan." },
    Difference { who: Nmap, section: "IPv6: the made-up", kinds: PROTOCOL, ports: &[201],
        why: "A packet of the probed protocol is an answer over IPv6, too." },
    Difference { who: Nmap, section: "IPv6: a server", kinds: PROTOCOL, ports: &[58],
        why: "An echo reply has the same name over IPv6." },
    Difference { who: Lab, section: "", kinds: PROTOCOL, ports: &[132],
        why: "The laboratory's host speaks SCTP, and this kernel does not." },
    Difference { who: Lab, section: "IPv4: behind", kinds: PROTOCOL, ports: &[47, 50, 51],
        why: "The laboratory's filters have no rules for IP protocols: the host itself answers." },
    Difference { who: Lab, section: "IPv6: ", kinds: &[], ports: &[1008, 2008, 3008, 4008],
        why: "For protocol-unreachable the laboratory's filters say 4/1 over IPv6. nftables has no such word, and its rule \
              says 1/5." },
    Difference { who: Lab, section: "IPv6: ", kinds: &[], ports: &[1009, 2009, 3009, 4009],
        why: "For net-prohibited they say 1/1; the kernel's rule says 1/6, reject route." },
];

/// Where Nmap says now this, now [`WAVERS`]: no run is wrong.
#[rustfmt::skip] // as the table
pub(crate) const WAVERING: &Difference = &Difference { who: Nmap, section: "IPv6: ", kinds: CONNECT,
    ports: &[1005, 1006, 1007, 1008, 1009, 1010, 1011, 4005, 4006, 4007, 4008, 4009, 4010, 4011],
    why: "A namespace of this machine may answer while connect() still runs; over IPv6 the kernel remembers that error \
          and wakes nobody. We ask for it. From further away it comes later, and Nmap sees it: see the made-up host." };
/// See [`WAVERING`].
pub(crate) const WAVERS: &str = "filtered no-response";
