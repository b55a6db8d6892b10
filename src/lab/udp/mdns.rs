//! Multicast DNS (RFC 6762), and the services that are found by it (RFC 6763).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use simple_dns::{Packet, PacketFlag, ResourceRecord};

use super::names::{self, Records};
use crate::base::{Rng, Time};
use crate::lab::MTU;
use crate::lab::nets::Segment;
use crate::lab::plan::Mdns;

/// The port; a question from another one is asked by a program that knows only plain DNS (section 6.7).
const PORT: u16 = 5353;

/// How long records may be kept, in seconds: those with the host's name, and others (section 10). Programs that know
/// only plain DNS keep them for 10 s at most (section 6.7).
const TTL: u32 = 120;
const LONG: u32 = 4500;
const LEGACY: u32 = 10;

/// A record is not multicast again within that time, and within the second one to somebody who wants to take its name
/// (section 6).
const AGAIN: Duration = Duration::from_secs(1);
const DEFENCE: Duration = Duration::from_millis(250);

/// Where others may answer as well, a host waits so many milliseconds (section 6).
const WAIT: (u64, u64) = (20, 120);

/// The longest answer, in bytes: what fits into a packet of IPv6 on Ethernet.
const LONGEST: usize = MTU as usize - 40 - 8;

/// When each record was last multicast, by its cable and its place.
#[derive(Debug, Default)]
pub(in crate::lab) struct Told(BTreeMap<(Segment, usize), Time>);

/// A question as it came.
pub(super) struct Asked<'a> {
    pub(super) message: &'a [u8],
    /// The port that it came from.
    pub(super) port: u16,
    /// It went to the host alone.
    pub(super) is_unicast: bool,
    pub(super) segment: Segment,
    pub(super) now: Time,
}

/// The answer to it.
pub(super) struct Answer {
    pub(super) message: Vec<u8>,
    pub(super) to_group: bool,
    /// How long the host waits before it sends.
    pub(super) hold: Duration,
}

/// What the host says with its records at `addrs`, if anything.
pub(super) fn answer(
    asked: &Asked<'_>,
    says: &Mdns,
    addrs: &[IpAddr],
    told: &mut Told,
    rng: &mut Rng,
) -> Option<Answer> {
    let query = names::question(asked.message)?;
    let mut records = Records::of_host(&says.name, addrs, TTL);
    records.offer(says, TTL, LONG);
    records.close(TTL);

    let is_legacy = asked.port != PORT;
    let wants_unicast = query.questions.iter().all(|question| question.unicast_response); // section 5.4
    let to_group = !is_legacy && !asked.is_unicast && !wants_unicast;
    let again = if query.name_servers.is_empty() { AGAIN } else { DEFENCE };
    let is_fresh = |at: usize| told.0.get(&(asked.segment, at)).is_some_and(|then| asked.now - *then < again);
    let matching = query.questions.iter().flat_map(|question| records.matching(question));
    let unknown = matching.filter(|at| !knows(&query, &records.0[*at]));
    let answers: BTreeSet<usize> = unknown.filter(|at| !to_group || !is_fresh(*at)).collect();
    if answers.is_empty() {
        return None;
    }
    let message = write(&query, &records, &answers, is_legacy)?;
    if to_group {
        told.0.extend(answers.iter().map(|at| ((asked.segment, *at), asked.now)));
    }
    let is_shared = answers.iter().any(|at| !records.0[*at].cache_flush);
    let wait = if is_shared && !is_legacy { rng.between(WAIT.0, WAIT.1) } else { 0 };
    Some(Answer { message, to_group, hold: Duration::from_millis(wait) })
}

/// The message with the records at these places, and with those that will be asked for next.
fn write(query: &Packet<'_>, records: &Records, answers: &BTreeSet<usize>, is_legacy: bool) -> Option<Vec<u8>> {
    let first: BTreeSet<usize> = answers.iter().flat_map(|at| records.next(*at)).collect();
    let second: BTreeSet<usize> = first.iter().flat_map(|at| records.next(*at)).collect();
    let more = first.union(&second).filter(|at| !answers.contains(at));

    let mut answer = Packet::new_reply(if is_legacy { query.id() } else { 0 }); // section 18.1
    answer.set_flags(PacketFlag::AUTHORITATIVE_ANSWER); // section 18.4
    if is_legacy {
        answer.questions.clone_from(&query.questions);
    }
    let record = |at: &usize| {
        let record = records.0[*at].clone();
        if is_legacy {
            return ResourceRecord { ttl: record.ttl.min(LEGACY), cache_flush: false, ..record };
        }
        record
    };
    answer.answers.extend(answers.iter().map(record));
    answer.additional_records.extend(more.map(record));
    answer.build_bytes_vec_compressed().ok().filter(|message| message.len() <= LONGEST)
}

/// Whether the asker has this record already, for at least half of its time (section 7.1).
fn knows(query: &Packet<'_>, record: &ResourceRecord<'_>) -> bool {
    let is_same = |known: &ResourceRecord<'_>| known.name == record.name && known.rdata == record.rdata;
    query.answers.iter().any(|known| is_same(known) && known.ttl >= record.ttl / 2)
}
