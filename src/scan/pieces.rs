//! Pieces of a scan: what one of many machines takes, and what tells two scans apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;

use super::probe::Chosen;
use super::run::Request;
use crate::base::Walk;
use crate::base::ports::Proto;
use crate::base::rng::{hash, mix};
use crate::base::targets::Target;

/// Ports of a host that are left out, with what they are ports of.
pub(super) type LeftOut = BTreeSet<(Proto, u16)>;

/// One piece of a scan that several machines share.
///
/// The hosts stand in an order that the scan itself decides (its targets and ports: not the session's seed, no clock),
/// and behind each its ports in such an order; that row is cut into equal parts. So every machine knows its piece
/// without the others, each port of each host is in just one of them, and all but the first and last host of a piece
/// are whole: few are looked for twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    piece: u32,
    of: u32,
}

/// Why a piece cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not two numbers.
    #[error("a piece and their number are wanted, like 1/4, found \"{0}\"")]
    Unread(String),
    /// The first is not one of the pieces.
    #[error("pieces are counted from 1: of {1} there are 1 to {1}, and no {0}")]
    NoPiece(i64, i64),
    /// There must be one piece at least, and no more than memory can tell apart.
    #[error("a scan has 1 to {max} pieces, found {0}", max = u32::MAX)]
    NoCount(i64),
}

impl Shard {
    /// Piece `piece`, from 1, of `of`.
    pub fn new(piece: i64, of: i64) -> Result<Self, ShardError> {
        let count = u32::try_from(of).ok().filter(|count| *count > 0).ok_or(ShardError::NoCount(of))?;
        let is_one = |piece: &u32| (1..=count).contains(piece);
        let piece = u32::try_from(piece).ok().filter(is_one).ok_or(ShardError::NoPiece(piece, of))?;
        Ok(Self { piece, of: count })
    }

    /// Its part of so many.
    fn range(self, total: u64) -> Range<u64> {
        let end = |piece: u32| (u128::from(piece) * u128::from(total) / u128::from(self.of)) as u64;
        end(self.piece - 1)..end(self.piece)
    }
}

impl FromStr for Shard {
    type Err = ShardError;
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        let (piece, of) = numbers.ok_or_else(|| ShardError::Unread(text.escape_debug().to_string()))?;
        Self::new(piece, of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.piece, self.of)
    }
}

/// Keeps only the targets of a piece. Gives the ports that its first and its last host leave to others.
pub(super) fn cut(request: &mut Request, shard: Shard) -> BTreeMap<Target, LeftOut> {
    let ports: LeftOut = ports_of_a_host(request).collect();
    let ports: Vec<(Proto, u16)> = ports.into_iter().collect();
    // Where hosts are only looked for, each is one thing to do.
    let (each, hosts) = (ports.len().max(1) as u64, request.targets.len() as u64);
    let part = shard.range(hosts.saturating_mul(each));
    let key = mix(key_of_targets(request) ^ each);
    let order = Walk::new(hosts, key);
    let (mut ours, mut left_out) = (BTreeSet::new(), BTreeMap::new());
    let turns = if part.is_empty() { 0..0 } else { part.start / each..part.end.div_ceil(each) };
    for turn in turns {
        let (at, begin) = (order.at(turn) as usize, turn * each);
        let wanted = part.start.max(begin) - begin..part.end.min(begin + each) - begin;
        ours.insert(at);
        if wanted != (0..each) {
            let walk = Walk::new(each, mix(key ^ (turn + 1)));
            let others = (0..each).filter(|at| !wanted.contains(at)).map(|at| ports[walk.at(at) as usize]);
            left_out.insert(request.targets[at].target.clone(), others.collect());
        }
    }
    let mut at = 0..;
    request.targets.retain(|_| at.next().is_some_and(|at| ours.contains(&at)));
    left_out
}

/// All ports that a host is asked for, by whatever kind.
pub(super) fn ports_of_a_host(request: &Request) -> impl Iterator<Item = (Proto, u16)> {
    request.kinds.iter().flat_map(|(chosen, ports)| ports.iter().map(|port| (chosen.kind.proto, *port)))
}

fn key_of_targets(request: &Request) -> u64 {
    let add = |key, Target { addr, zone }: &Target| {
        let key = match addr {
            IpAddr::V4(addr) => hash(key, &addr.octets()),
            IpAddr::V6(addr) => hash(key, &addr.octets()),
        };
        zone.as_ref().map_or(key, |zone| hash(key, zone.as_bytes()))
    };
    request.targets.iter().fold(0, |key, wanted| add(key, &wanted.target))
}

/// What makes a scan this one and no other, in words: a name and a value each. How fast it goes is no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity(pub(super) Vec<(String, String)>);

/// The longest value, in bytes; of longer ones, the hash tells them apart.
const MOST_WORDS: usize = 200;

impl Identity {
    pub(super) fn of(request: &Request) -> Self {
        let mut words = Vec::new();
        let targets = &request.targets;
        let of_targets = match (targets.first(), targets.last()) {
            (Some(first), Some(last)) => ends(&first.target, &last.target),
            _ => String::new(),
        };
        let mark = key_of_targets(request) as u32;
        words.push(("targets".to_owned(), format!("{} ({of_targets}; #{mark:08x})", targets.len())));
        words.extend(request.kinds.iter().map(|(chosen, ports)| of_ports(*chosen, ports)));
        words.push(("discover".to_owned(), request.discover.to_string()));
        let shard = request.shard.map_or_else(|| "none".to_owned(), |shard| shard.to_string());
        words.push(("shard".to_owned(), shard));
        if let Some(packet) = &request.probe {
            words.push(("probe".to_owned(), shortened(packet.command())));
        }
        if let Some((zombie, port)) = &request.zombie {
            words.push(("zombie".to_owned(), format!("{zombie} port {port}")));
        }
        Self(words)
    }

    /// The kinds have changed for want of privilege.
    pub(super) fn fall_back(&mut self, request: &Request) {
        self.0.retain(|(name, _)| !name.starts_with(PORTS_OF));
        let at = self.0.len().min(1);
        self.0.splice(at..at, request.kinds.iter().map(|(chosen, ports)| of_ports(*chosen, ports)));
    }

    /// What differs between a file's scan and this one, in words; empty when they are the same.
    pub fn differences(&self, file: &Self) -> Vec<String> {
        let value = |of: &Self, name: &str| of.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        let names: BTreeSet<&str> = self.0.iter().chain(&file.0).map(|(name, _)| name.as_str()).collect();
        let differing = names.into_iter().filter_map(|name| {
            let (ours, theirs) = (value(self, name), value(file, name));
            let word = |value: Option<String>| value.unwrap_or_else(|| "none".into());
            (ours != theirs).then(|| {
                let (name, theirs) = (name.escape_debug(), word(theirs));
                format!("{name}: the file has {}, this scan {}", theirs.escape_debug(), word(ours))
            })
        });
        differing.collect()
    }
}

/// Before the name of a kind.
const PORTS_OF: &str = "ports of ";

/// The ports of a kind; the order in which they are listed is no part of it.
fn of_ports(chosen: Chosen, ports: &[u16]) -> (String, String) {
    let span = ports.iter().min().zip(ports.iter().max()).map_or_else(String::new, |(first, last)| ends(first, last));
    let mark = ports.iter().fold(0, |mark: u64, port| mark.wrapping_add(mix(u64::from(*port) + 1))) as u32;
    (format!("{PORTS_OF}{}", chosen.name()), format!("{} ({span}; #{mark:08x})", ports.len()))
}

fn ends<T: fmt::Display + PartialEq>(first: &T, last: &T) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

/// The text, or its beginning and a hash of the whole.
fn shortened(text: String) -> String {
    if text.len() <= MOST_WORDS {
        return text;
    }
    let begin: String = text.chars().take(MOST_WORDS / 4).collect();
    format!("{begin}.. #{:016x}", hash(0, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_read_or_refused_in_words() {
        let rows = [
            ("1/4", Ok("1/4")),
            (" 4 / 4", Ok("4/4")),
            ("1/1", Ok("1/1")),
            ("0/4", Err("pieces are counted from 1: of 4 there are 1 to 4, and no 0")),
            ("5/4", Err("pieces are counted from 1: of 4 there are 1 to 4, and no 5")),
            ("1/0", Err("a scan has 1 to 4294967295 pieces, found 0")),
            ("1/-2", Err("a scan has 1 to 4294967295 pieces, found -2")),
            ("1", Err("a piece and their number are wanted, like 1/4, found \"1\"")),
            ("a/b", Err("a piece and their number are wanted, like 1/4, found \"a/b\"")),
        ];
        for (text, wanted) in rows {
            let read = text.parse::<Shard>().map(|shard| shard.to_string()).map_err(|e| e.to_string());
            assert_eq!(read, wanted.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn parts_meet_and_are_equal_but_for_one() {
        for (total, of) in [(0, 1), (1, 1), (1, 7), (10, 3), (65_535, 16), (u64::MAX, u32::MAX), (5, 1000)] {
            let some = if of > 5000 { vec![1, 2, of / 2, of] } else { (1..=of).collect() };
            let mut end = 0;
            for piece in some {
                let range = Shard { piece, of }.range(total);
                assert!(of > 5000 || range.start == end, "{piece}/{of} of {total}");
                let least = total / u64::from(of);
                assert!((least..=least + 1).contains(&(range.end - range.start)), "{piece}/{of} of {total}");
                end = range.end;
            }
            assert_eq!(end, total);
        }
    }
}
