//! The words of the filter language, as tables.

/// What carries a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing: it is the link itself.
    Nothing,
    /// The link, by this number of the list of `EtherTypes`.
    Link,
    /// IPv4 alone.
    Ip4,
    /// IPv6 alone.
    Ip6,
    /// IPv4 and IPv6.
    Both,
}

/// Where the bytes of `proto[..]` begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// With the frame.
    Frame,
    /// After the link-layer header.
    Payload,
    /// After an IPv4 header.
    Transport4,
    /// After an IPv6 header.
    Transport6,
    /// The language has no such expression.
    Nowhere,
}

/// A protocol that the language has a word for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    /// Its word.
    pub(super) word: &'static str,
    /// What carries it.
    pub(super) over: Over,
    /// Its number there.
    pub(super) number: u32,
    /// Where its bytes begin.
    pub(super) begin: Begin,
}

const fn row(word: &'static str, over: Over, number: u32, begin: Begin) -> Protocol {
    Protocol { word, over, number, begin }
}

pub(super) const IPV4: u32 = 0x0800;
pub(super) const IPV6: u32 = 0x86dd;
pub(super) const ARP: u32 = 0x0806;
pub(super) const RARP: u32 = 0x8035;
/// The tag protocol identifiers of 802.1Q, 802.1ad and of switches that nested tags before there was 802.1ad.
pub(super) const VLAN_TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];

pub(super) const TCP: u32 = 6;
pub(super) const UDP: u32 = 17;
pub(super) const FRAGMENT: u32 = 44;
pub(super) const ICMP6: u32 = 58;
pub(super) const SCTP: u32 = 132;

/// Its words for protocols. `fddi`, `tr`, `wlan`, `ppp` and `slip` are other words for the link, as in libpcap.
pub(super) static PROTOCOLS: [Protocol; 23] = [
    row("ether", Over::Nothing, 0, Begin::Frame),
    row("link", Over::Nothing, 0, Begin::Frame),
    row("fddi", Over::Nothing, 0, Begin::Frame),
    row("tr", Over::Nothing, 0, Begin::Frame),
    row("wlan", Over::Nothing, 0, Begin::Frame),
    row("ppp", Over::Nothing, 0, Begin::Frame),
    row("slip", Over::Nothing, 0, Begin::Frame),
    row("ip", Over::Link, IPV4, Begin::Payload),
    row("ip6", Over::Link, IPV6, Begin::Payload),
    row("arp", Over::Link, ARP, Begin::Payload),
    row("rarp", Over::Link, RARP, Begin::Payload),
    row("tcp", Over::Both, TCP, Begin::Transport4),
    row("udp", Over::Both, UDP, Begin::Transport4),
    row("sctp", Over::Both, SCTP, Begin::Transport4),
    row("icmp", Over::Ip4, 1, Begin::Transport4),
    row("icmp6", Over::Ip6, ICMP6, Begin::Transport6),
    row("igmp", Over::Ip4, 2, Begin::Transport4),
    row("igrp", Over::Ip4, 9, Begin::Transport4),
    row("pim", Over::Both, 103, Begin::Transport4),
    row("vrrp", Over::Ip4, 112, Begin::Transport4),
    row("carp", Over::Ip4, 112, Begin::Transport4),
    row("ah", Over::Both, 51, Begin::Nowhere),
    row("esp", Over::Both, 50, Begin::Nowhere),
];

/// The protocol with this word.
pub(super) fn protocol(word: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|row| row.word == word)
}

/// The other words, and the signs.
pub(super) const WORDS: &[&str] = &[
    "src",
    "dst",
    "host",
    "net",
    "mask",
    "port",
    "portrange",
    "proto",
    "broadcast",
    "multicast",
    "less",
    "greater",
    "and",
    "or",
    "not",
    "len",
    "vlan",
];

/// Words that mean another one.
pub(super) const SYNONYMS: &[(&str, &str)] =
    &[("length", "len"), ("&&", "and"), ("||", "or"), ("!", "not"), ("==", "=")];

/// Signs, the longer ones first.
pub(super) const SIGNS: &[&str] = &[
    "&&", "||", "<<", ">>", "<=", ">=", "!=", "==", "+", "-", "*", "/", "%", ":", "[", "]", "!", "<", ">", "(", ")",
    "&", "|", "^", "=",
];

/// Words of pcap-filter(7) that this compiler does not know, and what to do instead.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("protochain", "write \"proto\": it looks at the header after IP, and not further"),
    ("gateway", "write \"ether host MAC and not host ADDRESS\""),
    ("mpls", OTHER_LINK),
    ("pppoed", "write \"ether proto 0x8863\""),
    ("pppoes", "write \"ether proto 0x8864\""),
    ("geneve", "write \"udp port 6081\""),
    ("vxlan", "write \"udp port 4789\""),
    ("inbound", DIRECTION),
    ("outbound", DIRECTION),
    ("ifindex", "name the interface where packets are captured"),
    ("ifname", OTHER_LINK),
    ("on", OTHER_LINK),
    ("rnr", OTHER_LINK),
    ("rulenum", OTHER_LINK),
    ("reason", OTHER_LINK),
    ("rset", OTHER_LINK),
    ("ruleset", OTHER_LINK),
    ("srnr", OTHER_LINK),
    ("subrulenum", OTHER_LINK),
    ("action", OTHER_LINK),
    ("byte", "write \"ether[OFFSET]\""),
    ("atalk", "write \"ether proto 0x809b\""),
    ("aarp", "write \"ether proto 0x80f3\""),
    ("decnet", "write \"ether proto 0x6003\""),
    ("lat", "write \"ether proto 0x6004\""),
    ("sca", "write \"ether proto 0x6007\""),
    ("moprc", "write \"ether proto 0x6002\""),
    ("mopdl", "write \"ether proto 0x6001\""),
    ("iso", "write \"ether proto 0xfe\""),
    ("clnp", OTHER_LINK),
    ("esis", OTHER_LINK),
    ("isis", OTHER_LINK),
    ("stp", "write \"ether proto 0x42\""),
    ("ipx", "write \"ether proto 0x8137\""),
    ("netbeui", "write \"ether proto 0xf0\""),
    ("llc", "write \"ether[14]\" and what follows"),
    ("radio", OTHER_LINK),
    ("type", OTHER_LINK),
    ("subtype", OTHER_LINK),
    ("dir", OTHER_LINK),
    ("direction", OTHER_LINK),
    ("vpi", OTHER_LINK),
    ("vci", OTHER_LINK),
];

const OTHER_LINK: &str = "write the bytes that it stands for, as \"ether[OFFSET:SIZE]\"";
const DIRECTION: &str = "a frame's direction is not in its bytes";

/// Names for numbers in expressions: `tcp[tcpflags] & tcp-syn != 0`.
pub(super) const CONSTANTS: &[(&str, u32)] = &[
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
];

/// `EtherTypes` for `ether proto \NAME`.
pub(super) const ETHER_TYPES: &[(&str, u32)] = &[
    ("ip", IPV4),
    ("ip6", IPV6),
    ("arp", ARP),
    ("rarp", RARP),
    ("mopdl", 0x6001),
    ("moprc", 0x6002),
    ("decnet", 0x6003),
    ("lat", 0x6004),
    ("sca", 0x6007),
    ("loopback", 0x9000),
];

/// Protocol numbers of IP for `ip proto \NAME`, as IANA lists them.
pub(super) const IP_PROTOCOLS: &[(&str, u32)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", TCP),
    ("egp", 8),
    ("igp", 9),
    ("udp", UDP),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", FRAGMENT),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", ICMP6),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("ipip", 94),
    ("etherip", 97),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("sctp", SCTP),
    ("udplite", 136),
    ("mpls-in-ip", 137),
];

/// What carries a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Tcp,
    Udp,
    Any,
}

use Carrier::{Any, Tcp, Udp};

/// Services for `port NAME`, with the transports that they are registered for.
pub(super) const SERVICES: &[(&str, u16, Carrier)] = &[
    ("echo", 7, Any),
    ("discard", 9, Any),
    ("daytime", 13, Any),
    ("chargen", 19, Any),
    ("ftp-data", 20, Tcp),
    ("ftp", 21, Tcp),
    ("ssh", 22, Tcp),
    ("telnet", 23, Tcp),
    ("smtp", 25, Tcp),
    ("time", 37, Any),
    ("whois", 43, Tcp),
    ("tacacs", 49, Any),
    ("domain", 53, Any),
    ("bootps", 67, Udp),
    ("bootpc", 68, Udp),
    ("tftp", 69, Udp),
    ("gopher", 70, Tcp),
    ("finger", 79, Tcp),
    ("http", 80, Tcp),
    ("www", 80, Tcp),
    ("kerberos", 88, Any),
    ("pop3", 110, Tcp),
    ("sunrpc", 111, Any),
    ("auth", 113, Tcp),
    ("nntp", 119, Tcp),
    ("ntp", 123, Udp),
    ("netbios-ns", 137, Udp),
    ("netbios-dgm", 138, Udp),
    ("netbios-ssn", 139, Tcp),
    ("imap", 143, Tcp),
    ("imap2", 143, Tcp),
    ("snmp", 161, Any),
    ("snmp-trap", 162, Any),
    ("snmptrap", 162, Any),
    ("bgp", 179, Tcp),
    ("ldap", 389, Any),
    ("https", 443, Any),
    ("microsoft-ds", 445, Tcp),
    ("submissions", 465, Tcp),
    ("isakmp", 500, Udp),
    ("exec", 512, Tcp),
    ("login", 513, Tcp),
    ("shell", 514, Tcp),
    ("syslog", 514, Any),
    ("printer", 515, Tcp),
    ("route", 520, Udp),
    ("dhcpv6-client", 546, Udp),
    ("dhcpv6-server", 547, Udp),
    ("rtsp", 554, Any),
    ("submission", 587, Tcp),
    ("ipp", 631, Tcp),
    ("ldaps", 636, Any),
    ("domain-s", 853, Any),
    ("rsync", 873, Tcp),
    ("ftps", 990, Tcp),
    ("imaps", 993, Tcp),
    ("pop3s", 995, Tcp),
    ("socks", 1080, Tcp),
    ("openvpn", 1194, Any),
    ("ms-sql-s", 1433, Tcp),
    ("radius", 1812, Any),
    ("radius-acct", 1813, Any),
    ("nfs", 2049, Any),
    ("mysql", 3306, Tcp),
    ("ms-wbt-server", 3389, Tcp),
    ("ipsec-nat-t", 4500, Udp),
    ("sip", 5060, Any),
    ("sip-tls", 5061, Any),
    ("xmpp-client", 5222, Tcp),
    ("mdns", 5353, Udp),
    ("postgresql", 5432, Tcp),
    ("x11", 6000, Tcp),
    ("redis", 6379, Tcp),
    ("syslog-tls", 6514, Tcp),
    ("http-alt", 8080, Tcp),
    ("git", 9418, Tcp),
];
