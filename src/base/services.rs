//! Names of ports and protocols: IANA's registries, and over them what a machine's own `/etc/services` says.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::ports::Proto;
use super::protocols;

/// Lines of the registry, see the head of the file.
const REGISTRY: &str = include_str!("services.txt");

/// A longer name is none: the registry allows 15 characters (RFC 6335 section 5.1), and files are a little freer.
const LONGEST_NAME: usize = 32;

/// The names of ports. The default has those of the registry alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// What a file calls a port; the first name counts.
    own: BTreeMap<(Proto, u16), Box<str>>,
    /// Further names that a file gives.
    aliases: Vec<(Proto, u16, Box<str>)>,
}

impl Services {
    /// Lays the names of a text like `/etc/services` over those of the registry: lines of `name port/proto alias ... #
    /// comment` (services(5)). Lines of any other form are passed over.
    pub fn with_text(text: &str) -> Self {
        let mut services = Self::default();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
            let (Some(name), Some(place)) = (words.next().filter(|name| is_name(name)), words.next()) else { continue };
            let Some((port, proto)) = place.split_once('/') else { continue };
            let (Ok(port), Some(proto)) = (port.parse(), transport(proto)) else { continue };
            services.own.entry((proto, port)).or_insert_with(|| name.into());
            let names = std::iter::once(name).chain(words.filter(|name| is_name(name)));
            services.aliases.extend(names.map(|name| (proto, port, name.into())));
        }
        services
    }

    /// The name of a port, or the keyword of a protocol.
    pub fn name(&self, proto: Proto, port: u16) -> Option<&str> {
        match (proto, self.own.get(&(proto, port))) {
            (_, Some(name)) => Some(name),
            (Proto::Ip, None) => protocols::name(u8::try_from(port).ok()?),
            (_, None) => {
                let table = &registry()[proto as usize];
                let place = table.binary_search_by_key(&port, |(port, _)| *port).ok()?;
                Some(table[place].1)
            }
        }
    }

    /// The ports with a name like `pattern`, where `*` stands for any characters and `?` for one; a name of the registry
    /// counts even where a file has another. By protocol, then by port.
    pub fn matching(&self, pattern: &str) -> Vec<(Proto, u16)> {
        let mut found: Vec<(Proto, u16)> =
            self.all().filter(|(.., name)| matches(pattern, name)).map(|(proto, port, _)| (proto, port)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// All names with their protocols, those of the registry in the order of their ports.
    pub fn names(&self) -> impl Iterator<Item = (Proto, &str)> {
        self.all().map(|(proto, _, name)| (proto, name))
    }

    fn all(&self) -> impl Iterator<Item = (Proto, u16, &str)> {
        let tables = Proto::ALL.into_iter().zip(registry());
        let known = tables.flat_map(|(proto, table)| table.iter().map(move |(port, name)| (proto, *port, *name)));
        let protocols = protocols::all().map(|(number, name)| (Proto::Ip, u16::from(number), name));
        known.chain(protocols).chain(self.aliases.iter().map(|(proto, port, name)| (*proto, *port, &**name)))
    }
}

/// The registry, sorted by port: for TCP, UDP and SCTP.
fn registry() -> &'static [Vec<(u16, &'static str)>; 3] {
    static TABLES: OnceLock<[Vec<(u16, &'static str)>; 3]> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = [const { Vec::new() }; 3];
        for line in REGISTRY.lines() {
            let mut words = line.split(' ');
            let (Some(ports), Some(letters), Some(name)) = (words.next(), words.next(), words.next()) else { continue };
            let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
            let (Ok(low), Ok(high)) = (low.parse::<u16>(), high.parse::<u16>()) else { continue };
            for (table, letter) in tables.iter_mut().zip(["t", "u", "s"]) {
                if letters.contains(letter) {
                    table.extend((low..=high).map(|port| (port, name)));
                }
            }
        }
        for table in &mut tables {
            table.sort_by_key(|(port, _)| *port);
        }
        tables
    })
}

fn transport(name: &str) -> Option<Proto> {
    [Proto::Tcp, Proto::Udp, Proto::Sctp].into_iter().find(|proto| proto.name() == name)
}

/// Whether a word of a file may be shown to people and named by them.
fn is_name(word: &str) -> bool {
    word.len() <= LONGEST_NAME && word.bytes().all(|b| b.is_ascii_graphic() && !b"*?,[]:".contains(&b))
}

/// Whether `name` is like `pattern`. The last `*` alone is tried again, so the time is at most that of both lengths
/// multiplied.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, n) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_names_ports_and_protocols() {
        let services = Services::default();
        let rows = [
            (Proto::Tcp, 22, Some("ssh")),
            (Proto::Tcp, 80, Some("http")),
            (Proto::Udp, 53, Some("domain")),
            (Proto::Sctp, 36412, Some("s1-control")),
            (Proto::Udp, 36412, None),
            (Proto::Tcp, 6063, Some("x11")),
            (Proto::Tcp, 4, None),
            (Proto::Ip, 6, Some("tcp")),
            (Proto::Ip, 132, Some("sctp")),
            (Proto::Ip, 300, None),
        ];
        for (proto, port, name) in rows {
            assert_eq!(services.name(proto, port), name, "{proto:?} {port}");
        }
        let lines = REGISTRY.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.clone().all(|line| line.split(' ').count() == 3), "three words a line");
        assert!(lines.clone().count() > 6000);
        for table in registry() {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0), "one name a port");
        }
    }

    #[test]
    fn a_files_names_lie_over_the_registrys() {
        let file = "# a head\nmine\t80/tcp  web www # mine\nother 80/tcp\nlocal 4/udp\nsecond 80/udp\nodd 70000/tcp\n\
                    \u{1b}[2J 81/tcp\nbad\nworse 81\nalso 81/ddp\nx,y 82/tcp\n";
        let services = Services::with_text(file);
        assert_eq!(services.name(Proto::Tcp, 80), Some("mine"));
        assert_eq!(services.name(Proto::Udp, 80), Some("second"));
        assert_eq!(services.name(Proto::Udp, 4), Some("local"));
        assert_eq!(services.name(Proto::Tcp, 443), Some("https"));
        assert_eq!(services.name(Proto::Tcp, 82), Some("xfer"), "the registry's, as no file's is one");
        assert_eq!(services.matching("www"), [(Proto::Tcp, 80)]);
        assert_eq!(services.matching("other"), [(Proto::Tcp, 80)], "a second name is an alias");
        assert_eq!(services.matching("local"), [(Proto::Udp, 4)]);
        assert!(services.matching("http").contains(&(Proto::Tcp, 80)), "the registry's name counts, too");
        assert_eq!(Services::with_text("\0\u{ff}é 1/tcp\n1 2 3/4/5"), Services::default());
    }

    #[test]
    fn patterns_match_whole_names() {
        let rows = [
            ("http", "http", true),
            ("http", "https", false),
            ("http*", "https", true),
            ("*s", "https", true),
            ("h*p*", "https", true),
            ("ht?p", "http", true),
            ("ht?p", "htp", false),
            ("*", "", true),
            ("?", "", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("HTTP", "http", false),
        ];
        for (pattern, name, wanted) in rows {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
