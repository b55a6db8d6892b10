//! Wireshark's other filter language, recognised: `tcp.flags.syn == 1` is a display filter and no capture filter.
//!
//! Many people know that language better. So a text that looks like it is answered with the capture filter that says
//! the same, where there is one. Names and meanings are those of Wireshark's display filter reference.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use crate::base::Mac;
use crate::base::text::escape;

/// That a text is a display filter, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The bytes of the text that are of the other language.
    pub at: Range<usize>,
    /// The same text.
    pub said: String,
    /// The capture filter that means it.
    pub capture: Option<String>,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = escape(&self.said);
        match &self.capture {
            Some(capture) => write!(f, "\"{said}\" is a display filter of Wireshark; as a capture filter: {capture}"),
            None => write!(
                f,
                "\"{said}\" is of Wireshark's display filters, and no capture filter says it; \
                 test packets with lfilter=|p| .."
            ),
        }
    }
}

/// What a field becomes.
#[derive(Clone, Copy)]
enum Form {
    /// An expression to compare.
    Number(&'static str),
    /// An expression that is not 0 when the flag is set.
    Flag(&'static str),
    /// Words before `host ADDRESS` or `net NETWORK`.
    Address(&'static str),
    /// Words before a MAC address.
    Station(&'static str),
    /// Words before `port N` or `portrange N-M`.
    Port(&'static str),
    /// Words before a number.
    Value(&'static str),
}

use Form::{Address, Flag, Number, Port, Station, Value};

const FIELDS: &[(&str, Form)] = &[
    ("frame.len", Number("len")),
    ("eth.addr", Station("ether host")),
    ("eth.src", Station("ether src")),
    ("eth.dst", Station("ether dst")),
    ("eth.type", Value("ether proto")),
    ("vlan.id", Value("vlan")),
    ("arp.opcode", Number("arp[6:2]")),
    ("arp.src.proto_ipv4", Address("arp src ")),
    ("arp.dst.proto_ipv4", Address("arp dst ")),
    ("ip.addr", Address("ip ")),
    ("ip.src", Address("ip src ")),
    ("ip.dst", Address("ip dst ")),
    ("ip.host", Address("ip ")),
    ("ip.src_host", Address("ip src ")),
    ("ip.dst_host", Address("ip dst ")),
    ("ip.proto", Value("ip proto")),
    ("ip.ttl", Number("ip[8]")),
    ("ip.len", Number("ip[2:2]")),
    ("ip.id", Number("ip[4:2]")),
    ("ip.version", Number("ip[0] >> 4")),
    ("ip.dsfield", Number("ip[1]")),
    ("ip.dsfield.dscp", Number("ip[1] >> 2")),
    ("ip.dsfield.ecn", Number("ip[1] & 3")),
    ("ip.hdr_len", Number("(ip[0] & 0xf) * 4")),
    ("ip.frag_offset", Number("(ip[6:2] & 0x1fff) * 8")),
    ("ip.flags.df", Flag("ip[6] & 0x40")),
    ("ip.flags.mf", Flag("ip[6] & 0x20")),
    ("ip.checksum", Number("ip[10:2]")),
    ("ipv6.addr", Address("ip6 ")),
    ("ipv6.src", Address("ip6 src ")),
    ("ipv6.dst", Address("ip6 dst ")),
    ("ipv6.nxt", Number("ip6[6]")),
    ("ipv6.hlim", Number("ip6[7]")),
    ("ipv6.plen", Number("ip6[4:2]")),
    ("tcp.port", Port("tcp ")),
    ("tcp.srcport", Port("tcp src ")),
    ("tcp.dstport", Port("tcp dst ")),
    ("tcp.seq_raw", Number("tcp[4:4]")),
    ("tcp.ack_raw", Number("tcp[8:4]")),
    ("tcp.hdr_len", Number("(tcp[12] >> 4) * 4")),
    ("tcp.flags", Number("tcp[12:2] & 0xfff")),
    ("tcp.flags.fin", Flag("tcp[13] & 1")),
    ("tcp.flags.syn", Flag("tcp[13] & 2")),
    ("tcp.flags.reset", Flag("tcp[13] & 4")),
    ("tcp.flags.push", Flag("tcp[13] & 8")),
    ("tcp.flags.ack", Flag("tcp[13] & 16")),
    ("tcp.flags.urg", Flag("tcp[13] & 32")),
    ("tcp.flags.ece", Flag("tcp[13] & 64")),
    ("tcp.flags.cwr", Flag("tcp[13] & 128")),
    ("tcp.flags.ae", Flag("tcp[12] & 1")),
    ("tcp.window_size_value", Number("tcp[14:2]")),
    ("tcp.checksum", Number("tcp[16:2]")),
    ("tcp.urgent_pointer", Number("tcp[18:2]")),
    ("udp.port", Port("udp ")),
    ("udp.srcport", Port("udp src ")),
    ("udp.dstport", Port("udp dst ")),
    ("udp.length", Number("udp[4:2]")),
    ("udp.checksum", Number("udp[6:2]")),
    ("sctp.port", Port("sctp ")),
    ("sctp.srcport", Port("sctp src ")),
    ("sctp.dstport", Port("sctp dst ")),
    ("icmp.type", Number("icmp[0]")),
    ("icmp.code", Number("icmp[1]")),
    ("icmp.ident", Number("icmp[4:2]")),
    ("icmp.seq", Number("icmp[6:2]")),
    ("icmpv6.type", Number("icmp6[0]")),
    ("icmpv6.code", Number("icmp6[1]")),
    ("igmp.type", Number("igmp[0]")),
];

/// Protocols as words of their own: those above the transports by their usual ports.
const PROTOCOLS: &[(&str, &str)] = &[
    ("ipv6", "ip6"),
    ("icmpv6", "icmp6"),
    ("http", "tcp port 80"),
    ("tls", "tcp port 443"),
    ("ssl", "tcp port 443"),
    ("quic", "udp port 443"),
    ("ssh", "tcp port 22"),
    ("ftp", "tcp port 21"),
    ("telnet", "tcp port 23"),
    ("smtp", "tcp port 25"),
    ("dns", "port 53"),
    ("mdns", "udp port 5353"),
    ("llmnr", "udp port 5355"),
    ("nbns", "udp port 137"),
    ("ssdp", "udp port 1900"),
    ("dhcp", "udp port (67 or 68)"),
    ("bootp", "udp port (67 or 68)"),
    ("dhcpv6", "udp port (546 or 547)"),
    ("tftp", "udp port 69"),
    ("ntp", "udp port 123"),
    ("snmp", "udp port 161"),
    ("syslog", "udp port 514"),
    ("sip", "port 5060"),
];

/// Protocols that both languages call the same.
const SHARED: &[&str] =
    &["arp", "rarp", "ip", "tcp", "udp", "sctp", "icmp", "igmp", "igrp", "pim", "vrrp", "carp", "ah", "esp", "vlan"];

/// Protocols whose fields nothing stands for, beside those above.
const OTHERS: &[&str] = &["eth", "frame", "data", "http2", "http3", "smb", "smb2", "rtp", "wlan", "gre", "stp", "lldp"];

/// Words of capture filters after which a name is a name.
const BEFORE_NAMES: &[&str] = &["host", "net", "port", "portrange", "proto", "src", "dst", "gateway"];

/// What a text that is no capture filter means, when it is a display filter of Wireshark; `None` when it is not.
pub fn display_hint(text: &str) -> Option<Hint> {
    let tokens = tokens(text);
    let first = first_of_display(&tokens)?;
    let mut reader = Reader { tokens: &tokens, next: 0, depth: 0 };
    let whole = reader.any().filter(|_| reader.next == tokens.len());
    if let Some(Phrase { text: capture, .. }) = whole {
        let at = tokens.first()?.at..tokens.last()?.end();
        return Some(Hint { said: text[at.clone()].to_owned(), at, capture: Some(capture) });
    }
    // Of a text in both languages, the part in the other one.
    let mut reader = Reader { tokens: &tokens, next: first, depth: 0 };
    let part = reader.comparison();
    let end = if part.is_some() { reader.next - 1 } else { first };
    let at = tokens[first].at..tokens[end].end();
    Some(Hint { said: text[at.clone()].to_owned(), at, capture: part.map(|phrase| phrase.text) })
}

/// The index of the first word that only display filters have.
fn first_of_display(tokens: &[Token<'_>]) -> Option<usize> {
    let is_name = |at: usize| at > 0 && BEFORE_NAMES.contains(&tokens[at - 1].text);
    let is_protocol = |word: &str| {
        SHARED.contains(&word) || OTHERS.contains(&word) || PROTOCOLS.iter().any(|(known, _)| *known == word)
    };
    (0..tokens.len()).filter(|at| !is_name(*at)).find(|at| {
        let word = tokens[*at].text;
        match word.split_once('.') {
            Some((head, _)) => is_protocol(head),
            None => !SHARED.contains(&word) && is_protocol(word),
        }
    })
}

#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// Words, numbers and addresses, and signs.
fn tokens(text: &str) -> Vec<Token<'_>> {
    const SIGNS: &[&str] = &["==", "!=", ">=", "<=", "&&", "||"];
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-');
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let len = if is_part(c) {
            rest.find(|c| !is_part(c)).unwrap_or(rest.len())
        } else {
            SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or(c.len_utf8(), |sign| sign.len())
        };
        if !c.is_whitespace() {
            tokens.push(Token { text: &rest[..len], at });
        }
        at += len;
    }
    tokens
}

/// A piece of a capture filter.
struct Phrase {
    text: String,
    /// Whether it needs brackets beside others.
    is_chain: bool,
}

impl Phrase {
    fn one(text: String) -> Self {
        Self { text, is_chain: false }
    }

    fn in_brackets(&self) -> String {
        if self.is_chain { format!("({})", self.text) } else { self.text.clone() }
    }
}

/// Reads a display filter and says the same as a capture filter; `None` where it cannot.
struct Reader<'a> {
    tokens: &'a [Token<'a>],
    next: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.next).map_or("", |token| token.text)
    }

    fn eat(&mut self, words: &[&str]) -> bool {
        let is_next = words.contains(&self.peek());
        self.next += usize::from(is_next);
        is_next
    }

    /// Here `and` binds tighter than `or`; in capture filters they bind alike, so brackets go around each.
    fn any(&mut self) -> Option<Phrase> {
        self.chain(&["||", "or"], " or ", Self::all)
    }

    fn all(&mut self) -> Option<Phrase> {
        self.chain(&["&&", "and"], " and ", Self::not)
    }

    fn chain(&mut self, joins: &[&str], join: &str, part: impl Fn(&mut Self) -> Option<Phrase>) -> Option<Phrase> {
        let first = part(self)?;
        if !joins.contains(&self.peek()) {
            return Some(first);
        }
        let mut parts = vec![first.in_brackets()];
        while self.eat(joins) {
            parts.push(part(self)?.in_brackets());
        }
        Some(Phrase { text: parts.join(join), is_chain: true })
    }

    fn not(&mut self) -> Option<Phrase> {
        if self.depth == 32 {
            return None;
        }
        self.depth += 1;
        let phrase = if self.eat(&["!", "not"]) {
            self.not().map(|inner| Phrase::one(format!("not {}", inner.in_brackets())))
        } else if self.eat(&["("]) {
            self.any().filter(|_| self.eat(&[")"]))
        } else {
            self.comparison()
        };
        self.depth -= 1;
        phrase
    }

    fn comparison(&mut self) -> Option<Phrase> {
        const SIGNS: &[(&str, &str, &str)] = &[
            ("==", "eq", "="),
            ("!=", "ne", "!="),
            (">", "gt", ">"),
            (">=", "ge", ">="),
            ("<", "lt", "<"),
            ("<=", "le", "<="),
        ];
        let word = self.peek();
        self.next += 1;
        let Some((.., form)) = FIELDS.iter().find(|(field, _)| *field == word) else {
            let protocol = PROTOCOLS.iter().find(|(known, _)| *known == word).map(|(_, capture)| *capture);
            return protocol.or_else(|| SHARED.iter().find(|known| **known == word).copied()).map(one);
        };
        let (.., sign) = SIGNS.iter().find(|(sign, name, _)| [*sign, *name].contains(&self.peek()))?;
        let value = self.tokens.get(self.next + 1)?.text;
        self.next += 2;
        said(*form, sign, value).map(Phrase::one)
    }
}

fn one(text: &str) -> Phrase {
    Phrase::one(text.to_owned())
}

/// A field compared with a value, as a capture filter.
fn said(form: Form, sign: &str, value: &str) -> Option<String> {
    let not = match sign {
        "=" => Some(""),
        "!=" => Some("not "),
        _ => None,
    };
    match form {
        Number(expression) => number(value).map(|_| format!("{expression} {sign} {value}")),
        Flag(expression) => {
            let is_set = match value {
                "1" | "true" | "True" | "TRUE" => true,
                "0" | "false" | "False" | "FALSE" => false,
                _ => return None,
            };
            Some(format!("{expression} {} 0", if is_set == (not?.is_empty()) { "!=" } else { "=" }))
        }
        Address(before) => {
            let (addr, prefix) = value.split_once('/').unwrap_or((value, ""));
            addr.parse::<IpAddr>().ok()?;
            let kind = if prefix.is_empty() { "host" } else { "net" };
            Some(format!("{}{before}{kind} {value}", not?))
        }
        Station(before) => value.parse::<Mac>().ok().and_then(|_| Some(format!("{}{before} {value}", not?))),
        Value(before) => number(value).and_then(|_| Some(format!("{}{before} {value}", not?))),
        Port(before) => {
            let port = number(value).and_then(|port| u16::try_from(port).ok())?;
            Some(match sign {
                ">" => format!("{before}portrange {}-65535", port.checked_add(1)?),
                ">=" => format!("{before}portrange {port}-65535"),
                "<" => format!("{before}portrange 0-{}", port.checked_sub(1)?),
                "<=" => format!("{before}portrange 0-{port}"),
                _ => format!("{}{before}port {port}", not?),
            })
        }
    }
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The fields of the table.
#[cfg(test)]
pub(super) fn fields() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(field, _)| *field)
}
