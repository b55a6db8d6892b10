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

    /// The places of the records that answer a question.
    pub(super) fn matching<'a>(&'a self, question: &'a Question<'_>) -> impl Iterator<Item = usize> + 'a {
        let fits = |record: &ResourceRecord<'_>| {
            record.name == question.qname && record.match_qtype(question.qtype) && record.match_qclass(question.qclass)
        };
        self.0.iter().enumerate().filter(move |(_, record)| fits(record)).map(|(at, _)| at)
    }

    /// Whether the host alone has that name.
    pub(super) fn owns(&self, name: &Name<'_>) -> bool {
        self.0.iter().any(|record| record.cache_flush && record.name == *name)
    }

    /// That an own name has no other records than these (RFC 6762 section 6.1).
    pub(super) fn nothing_else(&self, owner: &Name<'static>, ttl: u32) -> ResourceRecord<'static> {
        let mut types: Vec<TYPE> = self.0.iter().filter(|record| record.name == *owner).map(type_of).collect();
        types.dedup();
        let data = RData::NSEC(NSEC::from_types(owner.clone(), &types));
        ResourceRecord::new(owner.clone(), CLASS::IN, ttl, data).with_cache_flush(true)
    }

    /// What whoever gets record `at` will want next: the records of the name that it leads to, and the addresses of
    /// the other family (RFC 6762 section 6.2, RFC 6763 section 12).
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

fn type_of(record: &ResourceRecord<'_>) -> TYPE {
    record.rdata.type_code()
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
