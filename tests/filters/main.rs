//! tcpdump as witness: the same filters over the same frames give the same verdicts.

mod corpus;
mod oracle;
mod table;

use std::net::IpAddr;

use corpus::{Frame, MEDIA, frames};
use pktsh::net::Medium;
use pktsh::net::bpf::{self, FilterError, Program, Where};
use table::FILTERS;

fn compile(text: &str, medium: Medium, place: Where) -> Result<Program, FilterError> {
    let mut unknown = |name: &str| -> Result<Vec<IpAddr>, String> { Err(format!("{name} is not known")) };
    bpf::compile(text, medium, place, &mut unknown)
}

/// Where our verdicts and tcpdump's differ: a line for each filter.
fn differences(medium: Medium, link_type: &str, text: &str, frames: &[Frame]) -> Option<String> {
    let ours = compile(text, medium, Where::Bytes);
    let theirs = oracle::compiled(link_type, text);
    match (ours, theirs) {
        (Err(_), None) => None,
        (Ok(_), None) => Some(format!("{link_type} {text}: tcpdump refuses it")),
        (Err(error), Some(_)) => Some(format!("{link_type} {text}: {error}")),
        (Ok(ours), Some(theirs)) => {
            let differs = |(bytes, len): &&Frame| ours.matches(bytes, *len) != theirs.matches(bytes, *len);
            let count = frames.iter().filter(differs).count();
            let (bytes, len) = frames.iter().find(differs)?;
            Some(format!(
                "{link_type} {text}: {count} frames, ours {}: {len} {bytes:02x?}\n{ours}\n{theirs}",
                ours.matches(bytes, *len)
            ))
        }
    }
}

#[test]
fn verdicts_are_those_of_tcpdumps_own_code() {
    let mut wrong = Vec::new();
    for (medium, link_type) in MEDIA {
        let frames = frames(*medium, 1000, 1);
        wrong.extend(FILTERS.iter().filter_map(|text| differences(*medium, link_type, text, &frames)));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
