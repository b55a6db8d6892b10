//! From what people write to the addresses that are scanned.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::run::Wanted;
use crate::base::SpecError;
use crate::base::targets::{Net, Piece, Target, from_file, targets};
use crate::engine::{EngineError, Network};

/// The most addresses of one scan.
pub const MOST_TARGETS: u64 = 1 << 20;

/// Why a list of targets cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TargetError {
    /// A part cannot be read.
    #[error("targets: {0}")]
    Spec(#[from] SpecError),
    /// A name without an address, or an address without a network.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file that cannot be read, or holds something wrong.
    #[error("targets: {0}: {1}")]
    File(String, String),
    /// More addresses than one scan takes.
    #[error("targets: \"{0}\" has {1} addresses, and one scan takes {MOST_TARGETS}: scan it in parts")]
    TooMany(String, u64),
    /// Nothing is left.
    #[error("targets: none is left{0}")]
    None(&'static str),
}

/// The addresses that `text` stands for but `exclude` does not, each once, in the order written.
///
/// A name stands for its first IPv4 address, with `v6` for its first IPv6 address, where it has one. `read` gives the
/// text of an `@FILE`.
pub fn wanted(
    network: &Network,
    text: &str,
    exclude: &str,
    v6: bool,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<Wanted>, TargetError> {
    let excluded = if exclude.trim().is_empty() { Vec::new() } else { pieces(exclude, read)? };
    let mut shut = Vec::new();
    for piece in excluded {
        match &piece {
            Piece::Name(name) => shut.extend(network.resolve(name)?.into_iter().map(|a| Piece::Net(Net::single(a)))),
            Piece::NameNet(name, prefix) => {
                let nets = network.resolve(name)?.into_iter().filter_map(|addr| Net::around(addr, *prefix));
                shut.extend(nets.map(Piece::Net));
            }
            _ => shut.push(piece),
        }
    }
    let (mut list, mut seen) = (Vec::new(), BTreeSet::new());
    let mut add = |wanted: Wanted| {
        let is_shut = shut.iter().any(|piece| piece.contains(wanted.target.addr));
        if !is_shut && seen.insert(wanted.target.clone()) {
            list.push(wanted);
        }
    };
    for piece in pieces(text, read)? {
        match piece {
            Piece::Name(name) => {
                let (addr, others) = first(network.resolve(&name)?, v6, &name)?;
                add(Wanted { target: addr.into(), name: Some(name.into()), others });
            }
            Piece::NameNet(name, prefix) => {
                let (addr, _) = first(network.resolve(&name)?, v6, &name)?;
                let net = Net::around(addr, prefix).ok_or(TargetError::None(" of that network"))?;
                every(&Piece::Net(net), &format!("{name}/{prefix}"), &mut add)?;
            }
            piece => every(&piece, &piece.to_string(), &mut add)?,
        }
    }
    match (list.is_empty(), shut.is_empty()) {
        (false, _) => Ok(list),
        (true, true) => Err(TargetError::None("")),
        (true, false) => Err(TargetError::None(": all are excluded")),
    }
}

/// The pieces of a text, with those of the files that it names in their places.
fn pieces(text: &str, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Vec<Piece>, TargetError> {
    let mut all = Vec::new();
    for piece in targets(text)? {
        match piece {
            Piece::File(path) => {
                let inside = read(&path).map_err(|why| TargetError::File(path.clone(), why))?;
                all.extend(from_file(&inside).map_err(|e| TargetError::File(path, e.to_string()))?);
            }
            piece => all.push(piece),
        }
    }
    Ok(all)
}

/// The address that a name stands for, and the others.
fn first(addrs: Vec<IpAddr>, v6: bool, name: &str) -> Result<(IpAddr, Vec<IpAddr>), TargetError> {
    let chosen = addrs.iter().copied().find(|addr| addr.is_ipv6() == v6).or(addrs.first().copied());
    let chosen = chosen.ok_or_else(|| TargetError::File(name.to_owned(), "it has no address".into()))?;
    Ok((chosen, addrs.into_iter().filter(|addr| *addr != chosen).collect()))
}

/// All addresses of a piece.
fn every(piece: &Piece, text: &str, add: &mut dyn FnMut(Wanted)) -> Result<(), TargetError> {
    let count = piece.count();
    if count > MOST_TARGETS {
        return Err(TargetError::TooMany(text.to_owned(), count));
    }
    for addr in (0..count).filter_map(|index| piece.at(index)) {
        let zone: Option<Arc<str>> = piece.zone().cloned();
        add(Wanted { target: Target { addr, zone }, name: None, others: Vec::new() });
    }
    Ok(())
}
