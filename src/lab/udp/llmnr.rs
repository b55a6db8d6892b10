//! Link-local multicast name resolution (RFC 4795).

use std::net::IpAddr;

use simple_dns::Packet;

use super::names::{self, Records};

/// How long an answer may be kept, in seconds (section 2.8).
const TTL: u32 = 30;

/// The answer of the host `name` to a question that went to its group; `None` when it is not for this host. A type that
/// it has no record of is answered, too, by none (section 2.3).
pub(super) fn answer(message: &[u8], name: &str, addrs: &[IpAddr]) -> Option<Vec<u8>> {
    let query = names::question(message)?;
    let [question] = &query.questions[..] else { return None }; // section 2.1.1
    if !query.answers.is_empty() || !query.name_servers.is_empty() {
        return None;
    }
    let records = Records::of_host(name, addrs, TTL);
    if !records.owns(&question.qname) {
        return None;
    }
    let mut answer = Packet::new_reply(query.id());
    answer.questions.push(question.clone());
    let found = records.matching(question).into_iter().map(|at| records.0[at].clone().with_cache_flush(false));
    answer.answers.extend(found);
    answer.build_bytes_vec_compressed().ok()
}
