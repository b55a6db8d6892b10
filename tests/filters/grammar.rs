//! Random filters, from the rules of the language.

use pktsh::base::Rng;

const PLAIN: &[&str] = &[
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "pim",
    "esp",
    "less 60",
    "greater 70",
    "ip multicast",
    "ip6 multicast",
    "ip proto 17",
    "ip6 proto 6",
    "proto 58",
    "ether proto 0x806",
];
const ETHERNET: &[&str] =
    &["broadcast", "multicast", "vlan", "vlan 5", "ether src 2:0:0:0:0:1", "ether host ff:ff:ff:ff:ff:ff"];
const DIRECTIONS: &[&str] = &["", "src ", "dst ", "src or dst ", "src and dst "];
const HOSTS: &[&str] = &["10.0.0.1", "10.0.0.2", "192.0.2.1", "10.1.2.3", "2001:db8::1", "fe80::1"];
const NETS: &[&str] = &["10", "10.1", "192.0.2.0/24", "10.0.0.0/30", "0.0.0.0/0", "2001:db8::/32", "ff00::/8"];
const TRANSPORTS: &[&str] = &["", "tcp ", "udp ", "sctp "];
const PORTS: &[&str] = &["80", "443", "53", "1024", "5060", "0x16"];
const RANGES: &[&str] = &["80-90", "1-1023", "443-80", "1024-65535"];
const FIELDS: &[&str] = &[
    "tcp[13]",
    "tcp[0:2]",
    "tcp[4:4]",
    "udp[4:2]",
    "ip[8]",
    "ip[0]",
    "ip[6:2]",
    "ip[12:4]",
    "ip6[6]",
    "ip6[40]",
    "icmp[0]",
    "icmp6[0]",
    "arp[7]",
    "ether[12:2]",
    "ether[0]",
    "len",
    "ip[ip[0] & 0xf]",
    "tcp[tcp[12] >> 4]",
];
const RELATIONS: &[&str] = &["=", "!=", "<", "<=", ">", ">="];
const OPERATORS: &[&str] = &["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"];
/// Right sides of divisions and shifts. tcpdump takes the 0 of `ip[0]` for a division by zero, and refuses it.
const DIVISORS: &[&str] = &["1", "3", "16", "ip[8]", "tcp[13]", "len"];

/// A filter of a few terms.
pub(crate) fn filter(rng: &mut Rng) -> String {
    chain(rng, 3)
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.below(from.len() as u64) as usize]
}

fn chain(rng: &mut Rng, depth: u32) -> String {
    let mut text = term(rng, depth);
    while rng.chance(0.5) {
        let join = pick(rng, &["and", "or", "&&", "||"]);
        text = format!("{text} {join} {}", term(rng, depth));
    }
    text
}

fn term(rng: &mut Rng, depth: u32) -> String {
    let not = if rng.chance(0.2) { pick(rng, &["not ", "! ", "!"]) } else { "" };
    let body = match rng.below(10) {
        0 | 1 if depth > 0 => format!("({})", chain(rng, depth - 1)),
        0..=3 => pick(rng, PLAIN).to_owned(),
        4 if rng.chance(0.4) => pick(rng, ETHERNET).to_owned(),
        4 | 5 => {
            let head = format!("{}host", pick(rng, DIRECTIONS));
            values(rng, &head, HOSTS)
        }
        6 => {
            let head = format!("{}net", pick(rng, DIRECTIONS));
            values(rng, &head, NETS)
        }
        7 => {
            let head = format!("{}{}port", pick(rng, TRANSPORTS), pick(rng, DIRECTIONS));
            values(rng, &head, PORTS)
        }
        8 => format!("{}{}portrange {}", pick(rng, TRANSPORTS), pick(rng, DIRECTIONS), pick(rng, RANGES)),
        _ => format!("{} {} {}", arithmetic(rng, 2), pick(rng, RELATIONS), arithmetic(rng, 1)),
    };
    format!("{not}{body}")
}

/// A value, and more of its kind without qualifiers.
fn values(rng: &mut Rng, head: &str, from: &[&str]) -> String {
    let mut text = format!("{head} {}", pick(rng, from));
    if rng.chance(0.2) {
        text = format!("{head} ({} or {})", pick(rng, from), pick(rng, from));
    }
    while rng.chance(0.25) {
        text = format!("{text} {} {}{}", pick(rng, &["or", "and"]), pick(rng, &["", "", "not "]), pick(rng, from));
    }
    text
}

fn arithmetic(rng: &mut Rng, depth: u32) -> String {
    match rng.below(6) {
        0 | 1 if depth > 0 => {
            let (left, operator) = (arithmetic(rng, depth - 1), pick(rng, OPERATORS));
            let right = match operator {
                "/" | "%" | "<<" | ">>" => pick(rng, DIVISORS).to_owned(),
                _ => arithmetic(rng, depth - 1),
            };
            // In brackets, so that no operator after it makes the right side another one.
            format!("({left} {operator} {right})")
        }
        2 if depth > 0 => format!("({} {} {})", arithmetic(rng, depth - 1), pick(rng, OPERATORS), number(rng)),
        3 => number(rng),
        _ => pick(rng, FIELDS).to_owned(),
    }
}

fn number(rng: &mut Rng) -> String {
    pick(rng, &["1", "2", "5", "7", "0x0f", "64", "017", "80", "255", "0x1fff"]).to_owned()
}
