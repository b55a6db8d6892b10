//! The records by which a host answers for itself, without a name server: those of mDNS and of LLMNR.

use std::net::IpAddr;

use simple_dns::rdata::{NSEC, PTR, RData, SRV, TXT};
use simple_dns::{CLASS, Name, Packet, Question, ResourceRecord, TYPE};

use crate::lab::dns::{address, name, reverse};
use crate::lab::plan::Mdns;

/// The records of a host on one cable. Those that no other host may have are marked for the cache to be flushed.
pub(super) struct Records(pub(super) Vec<ResourceRecord<'static>>);

impl Records {
    /// Its name and its addresses, each of which leads to the other, for `ttl` seconds.
    pub(super) fn of_host(host: &str, addrs: &[IpAddr], ttl: u32) -> Self {
        let mut records = Self(Vec::new());
        for addr in addrs {
            records.add(host, ttl, Some(address(*addr)), true);
            records.add(&reverse(*addr), ttl, name(host).map(|host| RData::PTR(PTR(host))), true);
        }
        records
    }

    /// Adds the services that a host offers (RFC 6763 sections 4 to 6 and 9), named as the host is. `ttl` is for what
    /// has to do with the host's name, `long` for the rest.
    pub(super) fn offer(&mut self, mdns: &Mdns, ttl: u32, long: u32) {
        let host = mdns.name.as_str();
        let label = host.split('.').next().unwrap_or_default();
        for (service, port) in &mdns.offers {
            let (kind, instance) = (format!("{service}.local"), format!("{label}.{service}.local"));
            let pointer = |to: &str| name(to).map(|to| RData::PTR(PTR(to)));
            self.add("_services._dns-sd._udp.local", long, pointer(&kind), false);
            self.add(&kind, long, pointer(&instance), false);
            let server = |target| RData::SRV(SRV { priority: 0, weight: 0, port: *port, target });
            self.add(&instance, ttl, name(host).map(server), true);
            self.add(&instance, long, TXT::new().with_string("").ok().map(RData::TXT), true);
        }
    }

    fn add(&mut self, owner: &str, ttl: u32, data: Option<RData<'static>>, is_unique: bool) {
        let record = name(owner).zip(data).map(|(owner, data)| ResourceRecord::new(owner, CLASS::IN, ttl, data));
        self.0.extend(record.map(|record| record.with_cache_flush(is_unique)));
    }

    /// Adds what says of each name that the host alone has that there is no more of it (RFC 6762 section 6.1).
    pub(super) fn close(&mut self, ttl: u32) {
        let mut owners: Vec<Name<'static>> = Vec::new();
        for record in self.0.iter().filter(|record| record.cache_flush) {
            if !owners.contains(&record.name) {
                owners.push(record.name.clone());
            }
        }
        for owner in owners {
            let types: Vec<TYPE> = self.0.iter().filter(|r| r.name == owner).map(|r| r.rdata.type_code()).collect();
            let data = RData::NSEC(NSEC::from_types(owner.clone(), &types));
            self.0.push(ResourceRecord::new(owner, CLASS::IN, ttl, data).with_cache_flush(true));
        }
    }

    /// The places of the records that answer a question; of what says that there are none, if there are none.
    pub(super) fn matching(&self, question: &Question<'_>) -> Vec<usize> {
        let is_there =
            |record: &ResourceRecord<'_>| record.name == question.qname && record.match_qclass(question.qclass);
        let fits = |record: &ResourceRecord<'_>| record.match_qtype(question.qtype) && !is_end(record);
        let places = |wanted: &dyn Fn(&ResourceRecord<'_>) -> bool| {
            let found = self.0.iter().enumerate().filter(|(_, record)| is_there(record) && wanted(record));
            found.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let found = places(&fits);
        if found.is_empty() { places(&is_end) } else { found }
    }

    /// Whether the host alone has that name.
    pub(super) fn owns(&self, name: &Name<'_>) -> bool {
        self.0.iter().any(|record| record.cache_flush && record.name == *name)
    }

    /// What whoever gets record `at` will want next: the records of the name that it leads to, and the others of its
    /// own name (RFC 6762 section 6.2, RFC 6763 section 12).
    pub(super) fn next(&self, at: usize) -> impl Iterator<Item = usize> {
        let record = &self.0[at];
        let leads_to = match &record.rdata {
            RData::PTR(PTR(target)) => target,
            RData::SRV(service) => &service.target,
            _ => &record.name,
        };
        self.0.iter().enumerate().filter(move |(_, other)| other.name == *leads_to).map(|(at, _)| at)
    }
}

/// Whether a record says that there are no others.
fn is_end(record: &ResourceRecord<'_>) -> bool {
    matches!(record.rdata, RData::NSEC(_))
}

/// A message that asks something: no answer, no other operation, no error (RFC 6762 section 18, RFC 4795 section
/// 2.1.1).
pub(super) fn question(message: &[u8]) -> Option<Packet<'_>> {
    use simple_dns::{OPCODE, PacketFlag, RCODE};
    let query = Packet::parse(message).ok()?;
    let is_plain = !query.has_flags(PacketFlag::RESPONSE)
        && query.opcode() == OPCODE::StandardQuery
        && query.rcode() == RCODE::NoError;
    is_plain.then_some(query)
}
