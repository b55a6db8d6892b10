//! The name server of the laboratory (RFC 1035): the zone `lab.` and the reverse zones of its networks, made from the
//! plan. Messages are read and written with simple-dns, which compresses names.

use std::net::IpAddr;

use simple_dns::rdata::{A, AAAA, CNAME, MX, NS, OPT, PTR, RData, SOA, SRV, TXT};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, SimpleDnsError, TYPE,
    header_buffer,
};

use super::plan::{HostSpec, Plan};

/// How long an answer may be kept, in seconds; that something does not exist as well (RFC 2308 section 5).
const TTL: u32 = 300;

/// The longest answer to a client without EDNS (RFC 1035 section 2.3.4), in bytes.
const SHORT: u16 = 512;

/// The longest answer at all: what fits into every path without fragments (RFC 9715 section 3).
const LONG: u16 = 1232;

/// Aliases that follow each other at most.
const MOST_ALIASES: usize = 8;

/// The tops of the zones: `lab.`, and the networks of RFC 5737 and RFC 3849 in reverse (RFC 1035 section 3.5, RFC 3596
/// section 2.5).
const APEXES: [&str; 5] =
    ["lab", "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"];

/// The records of `lab.` that no host of the plan gives, with the host that each one needs.
const EXTRA: [(&str, &str, Extra); 4] = [
    ("lab", "", Extra::Text("the laboratory of pktsh")),
    ("lab", "web.lab", Extra::Mail(10)),
    ("_http._tcp.lab", "web.lab", Extra::Service { priority: 0, weight: 5, port: 80 }),
    ("www.lab", "web.lab", Extra::Alias),
];

#[derive(Clone, Copy)]
enum Extra {
    Alias,
    Mail(u16),
    Service { priority: u16, weight: u16, port: u16 },
    Text(&'static str),
}

/// All records.
pub(super) struct Zone {
    records: Vec<ResourceRecord<'static>>,
}

impl Zone {
    /// The zone of a plan; one without a name server has none.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut zone = Self { records: Vec::new() };
        let Some(server) = plan.name_server().and_then(|host| name(&host.name)) else { return zone };
        for apex in APEXES {
            zone.add(apex, RData::SOA(start(&server)));
            zone.add(apex, RData::NS(NS(server.clone())));
        }
        let known = plan.hosts().iter().filter(|host| host.dns).flat_map(HostSpec::names);
        for known in known {
            for addr in known.addrs() {
                zone.add(known.name, address(addr));
                if let Some(name) = name(known.name) {
                    zone.add(&reverse(addr), RData::PTR(PTR(name)));
                }
            }
        }
        for (owner, host, extra) in EXTRA {
            if plan.find(owner).is_none() && (host.is_empty() || plan.find(host).is_some()) {
                zone.records.extend(extra.record(owner, host));
            }
        }
        zone
    }

    fn add(&mut self, owner: &str, data: RData<'static>) {
        self.records.extend(record(owner, data));
    }

    /// The answer to a message; `None` when it gets none: when it is too short, or an answer itself.
    pub(super) fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let id = header_buffer::id(message).ok()?;
        if header_buffer::has_flags(message, PacketFlag::RESPONSE).ok()? {
            return None;
        }
        let opcode = header_buffer::opcode(message).ok()?;
        let error = |code| {
            let mut answer = Packet::new_reply(id);
            *answer.opcode_mut() = opcode;
            *answer.rcode_mut() = code;
            answer.build_bytes_vec_compressed().ok()
        };
        match opcode {
            OPCODE::StandardQuery if has_one_question(message) => {}
            OPCODE::StandardQuery => return error(RCODE::FormatError),
            _ => return error(RCODE::NotImplemented),
        }
        match Packet::parse(message) {
            Ok(query) if query.opt().is_some() && edns_version(message)? > 0 => bad_version(&query),
            Ok(query) => self.answer_query(&query),
            Err(SimpleDnsError::InvalidQType(_)) => {
                self.answer_unknown_type(message).or_else(|| error(RCODE::FormatError))
            }
            Err(_) => error(RCODE::FormatError),
        }
    }

    /// A type that simple-dns has no word for is one without records, not a mistake (RFC 3597 section 3): asks for NULL
    /// records instead, of which there are none, and puts the type back into the question of the answer.
    fn answer_unknown_type(&self, message: &[u8]) -> Option<Vec<u8>> {
        let at = end_of_name(message)?;
        let mut known = message.to_vec();
        let kind = known.get_mut(at..at + 2)?;
        let unknown = [kind[0], kind[1]];
        kind.copy_from_slice(&u16::from(TYPE::NULL).to_be_bytes());
        let mut answer = self.answer_query(&Packet::parse(&known).ok()?)?;
        answer.get_mut(at..at + 2)?.copy_from_slice(&unknown);
        Some(answer)
    }

    fn answer_query(&self, query: &Packet<'_>) -> Option<Vec<u8>> {
        let mut answer = begin(query);
        self.look_up(query.questions.first()?, &mut answer);
        let bytes = answer.build_bytes_vec_compressed().ok()?;
        let longest = query.opt().map_or(SHORT, |opt| opt.udp_packet_size.clamp(SHORT, LONG));
        if bytes.len() <= usize::from(longest) {
            return Some(bytes);
        }
        answer.set_flags(PacketFlag::TRUNCATION);
        (answer.answers, answer.name_servers, answer.additional_records) = Default::default();
        answer.build_bytes_vec_compressed().ok()
    }

    /// The algorithm of RFC 1034 section 4.3.2, without delegations and wildcards.
    fn look_up<'a>(&'a self, question: &Question<'a>, answer: &mut Packet<'a>) {
        let mut owner = question.qname.clone();
        let is_transfer = matches!(question.qtype, QTYPE::AXFR | QTYPE::IXFR);
        let is_internet = matches!(question.qclass, QCLASS::ANY | QCLASS::CLASS(CLASS::IN));
        let Some(apex) = self.apex(&owner).filter(|_| is_internet && !is_transfer) else {
            *answer.rcode_mut() = RCODE::Refused;
            return;
        };
        answer.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
        for _ in 0..MOST_ALIASES {
            let alias = self.records_of(&owner).find_map(|record| match &record.rdata {
                RData::CNAME(CNAME(target)) if !record.match_qtype(question.qtype) => Some((record, target)),
                _ => None,
            });
            let Some((record, target)) = alias else { break };
            // With the name as it was asked, so that it is written once.
            answer.answers.push(ResourceRecord { name: owner, ..record.clone() });
            owner = target.clone();
        }
        let found = self.records_of(&owner).filter(|record| record.match_qtype(question.qtype));
        let before = answer.answers.len();
        answer.answers.extend(found.map(|record| ResourceRecord { name: owner.clone(), ..record.clone() }));
        if answer.answers.len() == before {
            let start = self.records_of(&apex.name).find(|record| record.match_qtype(TYPE::SOA.into()));
            answer.name_servers.extend(start.cloned()); // RFC 2308 section 2
            if !self.exists(&owner) {
                *answer.rcode_mut() = RCODE::NameError;
            }
        }
        let targets: Vec<_> = answer.answers.iter().filter_map(|record| target(&record.rdata)).collect();
        let extra = targets.iter().flat_map(|target| self.records_of(target).filter(|record| is_address(record)));
        answer.additional_records.extend(extra.cloned().collect::<Vec<_>>());
    }

    /// The start of the zone that `name` lies in.
    fn apex(&self, name: &Name<'_>) -> Option<&ResourceRecord<'static>> {
        let is_above = |record: &&ResourceRecord<'_>| record.name == *name || name.is_subdomain_of(&record.name);
        self.records.iter().filter(|record| record.match_qtype(TYPE::SOA.into())).find(is_above)
    }

    fn records_of(&self, owner: &Name<'_>) -> impl Iterator<Item = &ResourceRecord<'static>> {
        self.records.iter().filter(move |record| record.name == *owner)
    }

    /// Whether there are records of that name or below it (RFC 8020).
    fn exists(&self, name: &Name<'_>) -> bool {
        self.records.iter().any(|record| record.name == *name || record.name.is_subdomain_of(name))
    }
}

impl Extra {
    fn record(self, owner: &str, host: &str) -> Option<ResourceRecord<'static>> {
        let target = name(host)?;
        let data = match self {
            Self::Alias => RData::CNAME(CNAME(target)),
            Self::Mail(preference) => RData::MX(MX { preference, exchange: target }),
            Self::Service { priority, weight, port } => RData::SRV(SRV { priority, weight, port, target }),
            Self::Text(text) => RData::TXT(TXT::new().with_string(text).ok()?),
        };
        record(owner, data)
    }
}

/// An answer with the question of `query`, its "recursion desired" (RFC 1035 section 4.1.1), and EDNS for EDNS.
fn begin<'a>(query: &Packet<'a>) -> Packet<'a> {
    let mut answer = Packet::new_reply(query.id());
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        answer.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    answer.questions.clone_from(&query.questions);
    *answer.opt_mut() = query.opt().map(|_| OPT { opt_codes: Vec::new(), udp_packet_size: LONG, version: 0 });
    answer
}

/// The answer to a version of EDNS that is not known, BADVERS (RFC 6891 section 6.1.3). simple-dns 0.13 has the upper
/// bits of the code, and the version, in the wrong bytes; here the EDNS record comes last, so its place is known.
fn bad_version(query: &Packet<'_>) -> Option<Vec<u8>> {
    const TTL_FROM_END: usize = 6;
    let mut bytes = begin(query).build_bytes_vec_compressed().ok()?;
    let upper = bytes.len().checked_sub(TTL_FROM_END)?;
    *bytes.get_mut(upper)? = (RCODE::BADVERS as u16 >> 4) as u8;
    Some(bytes)
}

/// The version in the EDNS record that follows the only question, the root being its name (RFC 6891 section 6.1.2).
fn edns_version(message: &[u8]) -> Option<u8> {
    message.get(end_of_name(message)? + 4 + 6).copied()
}

/// Where the name of the first question ends.
fn end_of_name(message: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            len @ ..64 => at += 1 + usize::from(len),
            _ => return None, // a pointer: there is nothing before it to point at
        }
    }
}

/// Length of the header of a message, in bytes.
const HEADER: usize = 12;

/// Whether a message has one question and nothing else but one additional record, which is that of EDNS: no client asks
/// otherwise, and what is counted need not be looked for.
fn has_one_question(message: &[u8]) -> bool {
    use header_buffer::{additional_records, answers, name_servers, questions};
    let count = |counted: simple_dns::Result<u16>| counted.unwrap_or(u16::MAX);
    (count(questions(message)), count(answers(message)), count(name_servers(message))) == (1, 0, 0)
        && count(additional_records(message)) <= 1
}

pub(super) fn name(text: &str) -> Option<Name<'static>> {
    Name::new(text).ok().map(Name::into_owned)
}

fn record(owner: &str, data: RData<'static>) -> Option<ResourceRecord<'static>> {
    Some(ResourceRecord::new(name(owner)?, CLASS::IN, TTL, data))
}

/// The start of a zone whose data never change.
fn start(server: &Name<'static>) -> SOA<'static> {
    let rname = Name::new_unchecked("hostmaster.lab");
    SOA { mname: server.clone(), rname, serial: 1, refresh: 3600, retry: 600, expire: 86400, minimum: TTL }
}

pub(super) fn address(addr: IpAddr) -> RData<'static> {
    match addr {
        IpAddr::V4(addr) => RData::A(A { address: addr.to_bits() }),
        IpAddr::V6(addr) => RData::AAAA(AAAA { address: addr.to_bits() }),
    }
}

/// The name under which an address stands: its bytes (RFC 1035 section 3.5) or its half bytes (RFC 3596 section 2.5),
/// the last one first.
pub(super) fn reverse(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => {
            let [a, b, c, d] = addr.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(addr) => {
            let digits: Vec<String> = (0..32).map(|i| format!("{:x}", addr.to_bits() >> (4 * i) & 0xf)).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

/// The host that a record names, whose addresses the client will want next (RFC 1035 section 3.3, RFC 2782).
fn target<'a>(data: &RData<'a>) -> Option<Name<'a>> {
    match data {
        RData::MX(mail) => Some(mail.exchange.clone()),
        RData::NS(NS(server)) => Some(server.clone()),
        RData::SRV(service) => Some(service.target.clone()),
        _ => None,
    }
}

fn is_address(record: &ResourceRecord<'_>) -> bool {
    matches!(record.rdata, RData::A(_) | RData::AAAA(_))
}
