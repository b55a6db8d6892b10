//! Specifications of ports as people write them: `22,80-90,http*,U:53`.

use super::nearest;
use super::services::Services;
use super::spec::{Part, SpecError};

/// What a scan counts: ports of a transport, or protocols of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// Ports of TCP.
    Tcp,
    /// Ports of UDP.
    Udp,
    /// Ports of SCTP.
    Sctp,
    /// Protocol numbers of IP, 0 to 255.
    Ip,
}

impl Proto {
    /// All, in the order in which reports list them.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Sctp, Self::Ip];

    /// Name, letter and greatest number of each.
    const fn row(self) -> (&'static str, char, u16) {
        match self {
            Self::Tcp => ("tcp", 'T', u16::MAX),
            Self::Udp => ("udp", 'U', u16::MAX),
            Self::Sctp => ("sctp", 'S', u16::MAX),
            Self::Ip => ("ip", 'P', 255),
        }
    }

    /// `tcp`, `udp`, `sctp` or `ip`.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The letter that stands before its ports: `T`, `U`, `S`, and `P` for protocols.
    pub const fn letter(self) -> char {
        self.row().1
    }

    /// The greatest number: 65535, or 255 for protocols.
    pub const fn greatest(self) -> u16 {
        self.row().2
    }

    /// The number at which a range without a beginning starts: nobody means port 0, but protocol 0 is one.
    const fn least(self) -> u16 {
        if matches!(self, Self::Ip) { 0 } else { 1 }
    }
}

/// The ports to be scanned, for each protocol in the order written and without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortSpec {
    lists: [Vec<u16>; Proto::ALL.len()],
}

impl PortSpec {
    /// Reads `22,80,8000-8100,-100,60000-,http*,T:53,U:53,[-1024]`.
    ///
    /// | part | what it stands for |
    /// |---|---|
    /// | `22`, `20-25`, `-100`, `60000-`, `-` | a number or a range; an open end is 1 or 65535 (protocols: 0 or 255) |
    /// | `http`, `http*`, `ht?p` | ports with such a service name, protocols with such a keyword |
    /// | `T:`, `U:`, `S:`, `P:` | TCP, UDP, SCTP or protocols, until the next one; all of them before the first |
    /// | `[` to `]` | of what stands between them, only what has a name |
    ///
    /// Blanks around parts are passed over, and one comma at the end. Errors name the part that is wrong.
    pub fn parse(text: &str, services: &Services) -> Result<Self, SpecError> {
        Self::parse_for(&Proto::ALL, text, services)
    }

    /// The same of these protocols alone.
    fn parse_for(all: &'static [Proto], text: &str, services: &Services) -> Result<Self, SpecError> {
        let mut reader = Reader { services, all, protos: all, only_named: false, names: 0, lists: Lists::default() };
        if text.trim().is_empty() {
            return Err(Part::new(text, 0).wrong(format!("no ports given; {HOW}")));
        }
        let (mut at, parts) = (0, text.split(',').collect::<Vec<_>>());
        for (index, piece) in parts.iter().enumerate() {
            let part = Part::new(piece, at).trim();
            at += piece.len() + 1;
            let is_end = index > 0 && index + 1 == parts.len();
            if !(is_end && part.text.is_empty()) {
                reader.read(part)?;
            }
        }
        Ok(Self { lists: reader.lists.taken })
    }

    /// These numbers, of one protocol; what is above its greatest number, or comes again, is dropped.
    pub fn of_numbers(proto: Proto, numbers: impl IntoIterator<Item = u16>) -> Self {
        let mut lists = Lists::default();
        numbers.into_iter().for_each(|number| lists.add(proto, number));
        Self { lists: lists.taken }
    }

    /// These numbers for every protocol.
    pub fn of_all(numbers: &[u16]) -> Self {
        Self { lists: Proto::ALL.map(|proto| Self::of_numbers(proto, numbers.iter().copied()).of(proto)) }
    }

    /// The ports of `proto`, in the order written.
    pub fn of(&self, proto: Proto) -> Vec<u16> {
        self.lists[proto as usize].clone()
    }

    /// Takes away what `other` has.
    pub fn exclude(&mut self, other: &Self) {
        for (list, others) in self.lists.iter_mut().zip(&other.lists) {
            let mut others = others.clone();
            others.sort_unstable();
            list.retain(|port| others.binary_search(port).is_err());
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.lists.iter().all(Vec::is_empty)
    }
}

/// Reads a list of ports, see [`PortSpec::parse`], and gives those of all transports: TCP's first, then what the others
/// have beside them.
pub fn ports(text: &str) -> Result<Vec<u16>, SpecError> {
    const TRANSPORTS: &[Proto] = &[Proto::Tcp, Proto::Udp, Proto::Sctp];
    let spec = PortSpec::parse_for(TRANSPORTS, text, &Services::default())?;
    let all = TRANSPORTS.iter().flat_map(|proto| spec.of(*proto));
    Ok(PortSpec::of_numbers(Proto::Tcp, all).of(Proto::Tcp))
}

/// Ports as [`ports`] reads them: `22,80-90`. The order and doubles are not kept.
pub fn ports_text(ports: &[u16]) -> String {
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|a, b| a + 1 == *b).filter_map(|run| match run {
        [] => None,
        [one] => Some(one.to_string()),
        [first, .., last] => Some(format!("{first}-{last}")),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// The next step when no better one is known.
const HOW: &str = "write ports as \"22,80-90\"";

/// Names in one list: each is looked for among all that there are.
const MOST_NAMES: usize = 256;
/// A name longer than that is none, and like none.
const LONGEST_NAME: usize = 64;

/// Lists of numbers.
#[derive(Default)]
struct Lists {
    taken: [Vec<u16>; Proto::ALL.len()],
    /// What no list has yet.
    free: [Free; Proto::ALL.len()],
    /// What was not yet asked for its name.
    unasked: [Free; Proto::ALL.len()],
}

impl Lists {
    fn add(&mut self, proto: Proto, number: u16) {
        self.add_range(proto, number, number);
    }

    fn add_range(&mut self, proto: Proto, low: u16, high: u16) {
        let list = &mut self.taken[proto as usize];
        self.free[proto as usize].take(low, high.min(proto.greatest()), |number| list.push(number));
    }

    /// Of a range, what `has_name`.
    fn add_named(&mut self, proto: Proto, low: u16, high: u16, has_name: impl Fn(u16) -> bool) {
        let (list, free) = (&mut self.taken[proto as usize], &mut self.free[proto as usize]);
        self.unasked[proto as usize].take(low, high.min(proto.greatest()), |number| {
            if has_name(number) {
                free.take(number, number, |number| list.push(number));
            }
        });
    }
}

/// Numbers that may be taken once. A list of many wide ranges takes no longer than all numbers and all parts.
#[derive(Default)]
struct Free {
    /// For each number itself while it is free, else one above it from which the next free one is found.
    next: Vec<u32>,
}

impl Free {
    /// Takes all free numbers from `low` to `high`, in their order.
    fn take(&mut self, low: u16, high: u16, mut on: impl FnMut(u16)) {
        if self.next.is_empty() {
            self.next = (0..=1 << 16).collect();
        }
        let mut number = self.find(low.into());
        while number <= u32::from(high) {
            on(number as u16);
            self.next[number as usize] = number + 1;
            number = self.find(number + 1);
        }
    }

    /// The first free number from `number` on; 65536 when there is none. Halves the way for those who come after.
    fn find(&mut self, mut number: u32) -> u32 {
        while self.next[number as usize] != number {
            let next = self.next[number as usize];
            self.next[number as usize] = self.next[next as usize];
            number = next;
        }
        number
    }
}

struct Reader<'a> {
    services: &'a Services,
    /// What may be meant at all.
    all: &'static [Proto],
    /// What a number stands for now.
    protos: &'static [Proto],
    /// Between `[` and `]`.
    only_named: bool,
    /// Names so far.
    names: usize,
    lists: Lists,
}

impl Reader<'_> {
    /// One part, with what may stand around it.
    fn read(&mut self, mut part: Part<'_>) -> Result<(), SpecError> {
        let whole = part;
        loop {
            let mut chars = part.text.chars();
            match (chars.next(), chars.next()) {
                (Some('['), _) if self.only_named => return Err(whole.wrong("a [ within [ ]; close the first one")),
                (Some('['), _) => {
                    self.only_named = true;
                    part = part.skip(1);
                }
                (Some(letter), Some(':')) => {
                    let place = self.all.iter().position(|proto| proto.letter() == letter);
                    let protos = place.and_then(|place| self.all.get(place..=place));
                    self.protos =
                        protos.ok_or_else(|| part.first(letter.len_utf8() + 1).wrong(unknown_letter(self.all)))?;
                    part = part.skip(letter.len_utf8() + 1);
                }
                _ => break,
            }
        }
        let closes = part.text.ends_with(']');
        if closes && !self.only_named {
            return Err(whole.wrong("a ] without a [ before it"));
        }
        if closes {
            part = part.first(part.text.len() - 1).trim();
        }
        self.numbers_or_name(part)?;
        self.only_named &= !closes;
        Ok(())
    }

    fn numbers_or_name(&mut self, part: Part<'_>) -> Result<(), SpecError> {
        match part.text {
            "" => Err(part.wrong(format!("a port is missing between two commas or after a letter; {HOW}"))),
            text if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => self.numbers(part),
            _ => self.name(part),
        }
    }

    fn numbers(&mut self, part: Part<'_>) -> Result<(), SpecError> {
        let (low, high) = match part.text.split_once('-') {
            Some((low, high)) => (self.number(part, low)?, self.number(part, high)?),
            None => (self.number(part, part.text)?, self.number(part, part.text)?),
        };
        if let (Some(low), Some(high)) = (low, high)
            && low > high
        {
            return Err(part.wrong(format!("backwards; did you mean \"{high}-{low}\"?")));
        }
        for proto in self.protos {
            let (low, high) = (low.unwrap_or(proto.least()), high.unwrap_or(proto.greatest()));
            if self.only_named {
                let services = self.services;
                self.lists.add_named(*proto, low, high, |number| services.name(*proto, number).is_some());
            } else {
                self.lists.add_range(*proto, low, high);
            }
        }
        Ok(())
    }

    /// One end of a range; `None` when it is open.
    fn number(&self, part: Part<'_>, text: &str) -> Result<Option<u16>, SpecError> {
        let (kind, greatest) = match self.protos {
            [Proto::Ip] => ("a protocol", Proto::Ip.greatest()),
            _ => ("a port", u16::MAX),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(part.wrong(format!("two hyphens; {HOW}")));
        }
        let number = text.parse().ok().filter(|number| *number <= greatest);
        number.map(Some).ok_or_else(|| part.wrong(format!("{kind} is 0 to {greatest}; {HOW}")))
    }

    fn name(&mut self, part: Part<'_>) -> Result<(), SpecError> {
        self.names += 1;
        if self.names > MOST_NAMES {
            return Err(part.wrong(format!("more than {MOST_NAMES} names; write numbers, or names with * in them")));
        }
        if part.text.len() > LONGEST_NAME {
            return Err(part.first(0).wrong(format!("no service has a name of {} letters; {HOW}", part.text.len())));
        }
        let found = self.services.matching(part.text);
        let mut any = false;
        for (proto, number) in found.into_iter().filter(|(proto, _)| self.protos.contains(proto)) {
            self.lists.add(proto, number);
            any = true;
        }
        if any { Ok(()) } else { Err(part.wrong(self.unknown(part.text))) }
    }

    /// What is said of a name that nothing has.
    fn unknown(&self, name: &str) -> String {
        let among = match self.protos {
            [proto] => format!("no {} service is called", proto.name()),
            _ => "no service is called".to_owned(),
        };
        let names = self.services.names().filter(|(proto, _)| self.protos.contains(proto)).map(|(_, name)| name);
        match nearest::nearest(name, names).filter(|_| !name.contains(['*', '?'])) {
            Some(near) => format!("{among} that; did you mean \"{near}\"?"),
            None => format!("{among} that; {HOW}"),
        }
    }
}

/// What is said of a letter that none of `all` has.
fn unknown_letter(all: &[Proto]) -> String {
    let letters: Vec<String> = all.iter().map(|proto| format!("{}:", proto.letter())).collect();
    format!("no protocol has that letter here; take {}", letters.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_as_runs() {
        let rows: [(&[u16], &str); 4] = [
            (&[], ""),
            (&[22], "22"),
            (&[90, 80, 81, 82, 80, 22], "22,80-82,90"),
            (&[65534, 65535, 0, 1], "0-1,65534-65535"),
        ];
        for (list, text) in rows {
            assert_eq!(ports_text(list), text);
        }
    }

    fn spec(text: &str) -> PortSpec {
        PortSpec::parse(text, &Services::default()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_shapes_of_a_port_list() {
        let rows: [(&str, &[u16]); 12] = [
            ("22", &[22]),
            ("80,22, 80,20-22", &[80, 22, 20, 21]),
            (" 22 , 80 ,", &[22, 80]),
            ("-3", &[1, 2, 3]),
            ("65534-", &[65534, 65535]),
            ("0", &[0]),
            ("0-2", &[0, 1, 2]),
            ("ssh,http,https", &[22, 80, 443]),
            ("ht?p", &[80, 4827]),
            ("mdn*s,22", &[5353, 22]),
            ("T:53,U:53,T:80", &[53, 80]),
            ("U: 53 ,67", &[]),
        ];
        for (text, wanted) in rows {
            assert_eq!(spec(text).of(Proto::Tcp), wanted, "{text}");
        }
        let all = spec("-").of(Proto::Tcp);
        assert_eq!((all.len(), all[0]), (65535, 1));
    }

    #[test]
    fn a_letter_holds_until_the_next_one_and_none_means_all() {
        let four = |text: &str| Proto::ALL.map(|proto| spec(text).of(proto));
        assert_eq!(four("53"), [vec![53], vec![53], vec![53], vec![53]]);
        assert_eq!(
            four("7,T:80,443,U:53,S:36412,P:1,6"),
            [vec![7, 80, 443], vec![7, 53], vec![7, 36412], vec![7, 1, 6]]
        );
        assert_eq!(four("P:-2,250-"), [vec![], vec![], vec![], vec![0, 1, 2, 250, 251, 252, 253, 254, 255]]);
        assert_eq!(four("P:icmp,ospf*,U:ntp"), [vec![], vec![123], vec![], vec![1, 89]]);
        assert_eq!(four("300"), [vec![300], vec![300], vec![300], vec![]], "no protocol has that number");
        assert_eq!(four("S:-"), [vec![], vec![], (1..=65535).collect(), vec![]]);
    }

    #[test]
    fn brackets_take_what_has_a_name() {
        for text in ["T:[20-24,8]", "T:[20-24,8", "[T:20-24,8]", "T: [ 20-24 , 8 ]"] {
            assert_eq!(spec(text).of(Proto::Tcp), [20, 21, 22, 23], "{text}");
        }
        assert_eq!(spec("[22],8").of(Proto::Tcp), [22, 8], "closed again");
    }

    #[test]
    fn a_wrong_part_is_named_with_the_next_step() {
        let rows = [
            ("", "no ports given; write ports as \"22,80-90\"", 0..0),
            ("22,100-50", "\"100-50\": backwards; did you mean \"50-100\"?", 3..9),
            ("22, 70000", "\"70000\": a port is 0 to 65535; write ports as \"22,80-90\"", 4..9),
            ("htpp", "\"htpp\": no service is called that; did you mean \"http\"?", 0..4),
            ("U:htpps", "\"htpps\": no udp service is called that; did you mean \"https\"?", 2..7),
            ("zz*9", "\"zz*9\": no service is called that; write ports as \"22,80-90\"", 0..4),
            ("22,,80", "a port is missing between two commas or after a letter; write ports as \"22,80-90\"", 3..3),
            (",", "a port is missing between two commas or after a letter; write ports as \"22,80-90\"", 0..0),
            ("T:,22", "a port is missing between two commas or after a letter; write ports as \"22,80-90\"", 2..2),
            ("22,X:5", "\"X:\": no protocol has that letter here; take T:, U:, S:, P:", 3..5),
            ("é:5", "\"é:\": no protocol has that letter here; take T:, U:, S:, P:", 0..3),
            ("P:256", "\"256\": a protocol is 0 to 255; write ports as \"22,80-90\"", 2..5),
            ("1-2-3", "\"1-2-3\": two hyphens; write ports as \"22,80-90\"", 0..5),
            ("[22,[23]", "\"[23]\": a [ within [ ]; close the first one", 4..8),
            ("22]", "\"22]\": a ] without a [ before it", 0..3),
            (
                "99999999999999999999",
                "\"99999999999999999999\": a port is 0 to 65535; write ports as \"22,80-90\"",
                0..20,
            ),
        ];
        for (text, message, at) in rows {
            let error = PortSpec::parse(text, &Services::default()).expect_err(text);
            assert_eq!((error.message.as_str(), error.at), (message, at), "{text}");
        }
    }

    #[test]
    fn what_is_excluded_is_gone_from_its_protocol_alone() {
        let mut ports = spec("22,80,U:53");
        ports.exclude(&spec("T:22,53"));
        assert_eq!(ports.of(Proto::Tcp), [80]);
        assert_eq!(ports.of(Proto::Udp), [22, 80, 53]);
        ports.exclude(&spec("-"));
        assert!(ports.is_empty());
        assert_eq!(PortSpec::of_numbers(Proto::Ip, [6, 300, 6, 1]).of(Proto::Ip), [6, 1]);
        assert_eq!(PortSpec::of_all(&[80, 80]), spec("80"));
    }

    #[test]
    fn what_is_written_a_thousand_times_is_read_at_once() {
        let text = format!("{}{}", "[-],".repeat(50_000), "-,".repeat(50_000));
        assert_eq!(spec(&text).of(Proto::Tcp).len(), 65535);
        for (text, said) in [("*,".repeat(50_000), "more than 256 names"), ("x".repeat(1 << 20), "of 1048576 letters")]
        {
            let error = PortSpec::parse(&text, &Services::default()).expect_err("too many");
            assert!(error.message.contains(said), "{error}");
        }
    }

    #[test]
    fn a_list_for_all_transports_has_each_port_once() {
        assert_eq!(ports("T:53,U:53,67"), Ok(vec![53, 67]));
        assert_eq!(ports("80,22"), Ok(vec![80, 22]));
        for wrong in ["P:6", "sctp"] {
            assert!(ports(wrong).is_err(), "{wrong}: protocols are no ports");
        }
    }
}
