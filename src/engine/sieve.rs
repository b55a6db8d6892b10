//! Capture filters applied to packets that are here already: lists, files, the laboratory's wire.

use std::net::IpAddr;

use super::Network;
use super::error::EngineError;
use crate::layers::medium_of;
use crate::net::bpf::{self, FilterError, Program, Where};
use crate::net::capture::Record;
use crate::net::{Medium, NetError};
use crate::packet::{Packet, Surroundings};

/// A capture filter, compiled anew for each kind of capture that it meets.
pub struct Sieve {
    text: String,
    programs: Vec<(Medium, Program)>,
}

impl Sieve {
    /// Reads a filter in tcpdump's syntax. [`NetError::Filter`] says what is wrong with it, and where.
    pub fn new(network: &Network, text: &str) -> Result<Self, EngineError> {
        let mut sieve = Self { text: text.to_owned(), programs: Vec::new() };
        sieve.program(network, Medium::Ethernet)?;
        Ok(sieve)
    }

    /// Whether it lets a captured packet through.
    pub fn lets_through(&mut self, network: &Network, record: &Record<'_>) -> Result<bool, EngineError> {
        let wire_len = u32::try_from(record.wire_len).unwrap_or(u32::MAX);
        Ok(self.program(network, record.medium)?.matches(record.bytes, wire_len))
    }

    /// Whether it lets a packet through that is built for it. One that no capture begins with is none of its business.
    pub fn lets_through_packet(
        &mut self,
        network: &Network,
        packet: &Packet,
        around: &dyn Surroundings,
    ) -> Result<bool, EngineError> {
        let Some(medium) = packet.layers().first().and_then(|first| medium_of(first.desc())) else { return Ok(false) };
        let bytes = packet.bytes(around)?;
        Ok(self.program(network, medium)?.matches(&bytes, bytes.len() as u32))
    }

    fn program(&mut self, network: &Network, medium: Medium) -> Result<&Program, EngineError> {
        let known = self.programs.iter().position(|(of, _)| *of == medium);
        let at = match known {
            Some(at) => at,
            None => {
                let mut resolve = |name: &str| resolve(network, name);
                let program = bpf::compile(&self.text, medium, Where::Bytes, &mut resolve).map_err(filter_error)?;
                self.programs.push((medium, program));
                self.programs.len() - 1
            }
        };
        Ok(&self.programs[at].1)
    }
}

fn resolve(network: &Network, name: &str) -> Result<Vec<IpAddr>, String> {
    network.resolve(name).map_err(|e| e.to_string())
}

fn filter_error(error: FilterError) -> EngineError {
    NetError::Filter { message: error.message, at: error.at }.into()
}
