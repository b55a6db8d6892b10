//! The values of a filter: addresses, networks, ports and protocol numbers, and which qualifiers they go with.

use std::net::IpAddr;
use std::ops::Range;

use super::error::FilterError;
use super::lex::{Kind, Token};
use super::names::{self, Carrier, Over, Protocol};
use super::parse::{Parser, Qualifiers, Wanted};
use super::tree::{Ask, Net};
use crate::base::nearest::did_you_mean;
use crate::base::text::escape;

/// The transports that have ports.
const WITH_PORTS: &[u32] = &[names::SCTP, names::TCP, names::UDP];

impl Parser<'_> {
    /// The question that `token`, the value after these qualifiers, makes. What belongs to it is taken too: `/8`.
    pub(super) fn ask(&mut self, token: &Token, qualifiers: Qualifiers) -> Result<Ask, FilterError> {
        match qualifiers.wanted {
            Wanted::Host | Wanted::Net => self.address(token, qualifiers),
            Wanted::Port | Wanted::PortRange => self.ports(token, qualifiers),
            Wanted::Number => self.number(token, qualifiers.protocol),
        }
    }

    /// The error that a value does not fit the word before it.
    fn unfit(&self, token: &Token, wanted: Wanted) -> FilterError {
        let what = format!("{} is wanted after \"{}\", not {}", wanted.fits(), wanted.word(), self.found(token));
        FilterError::new(what, &token.at)
    }

    fn address(&mut self, token: &Token, qualifiers: Qualifiers) -> Result<Ask, FilterError> {
        let Qualifiers { protocol, direction, wanted } = qualifiers;
        check_address(protocol, wanted, &token.at)?;
        let is_link = protocol.is_some_and(|protocol| protocol.over == Over::Nothing);
        match &token.kind {
            Kind::Mac(mac) if is_link && wanted == Wanted::Host => return Ok(Ask::Station(direction, *mac)),
            Kind::Mac(_) => {
                let what = "a MAC address goes with \"ether\": write \"ether host\", \"ether src\" or \"ether dst\"";
                return FilterError::err(what, &token.at);
            }
            _ if is_link => {
                let what = format!("a MAC address is wanted after \"ether\", not {}", self.found(token));
                return FilterError::err(what, &token.at);
            }
            _ => {}
        }
        let nets = self.nets(token, wanted)?;
        let fits = |net: &Net| match (protocol.map(|protocol| protocol.number), net) {
            (None, _) | (Some(names::IPV6), Net::V6(..)) => true,
            (Some(number), Net::V4(..)) => number != names::IPV6,
            _ => false,
        };
        let fitting: Vec<Net> = nets.into_iter().filter(fits).collect();
        if let (true, Some(protocol)) = (fitting.is_empty(), protocol) {
            let version = if protocol.number == names::IPV6 { "IPv6" } else { "IPv4" };
            let what = format!("\"{}\" wants an {version} address, not {}", protocol.word, self.found(token));
            return FilterError::err(what, &token.at);
        }
        Ok(Ask::Address(protocol, direction, fitting))
    }

    /// The addresses and networks that a value means.
    fn nets(&mut self, token: &Token, wanted: Wanted) -> Result<Vec<Net>, FilterError> {
        match &token.kind {
            Kind::Dotted(bytes) => self.net_v4(bytes, token, wanted).map(|net| vec![net]),
            // A network of one number is one byte of address, without the zeros that follow; a host is all of it.
            Kind::Number(number @ 0..=255) if wanted == Wanted::Net && self.word() == Some("/") => {
                self.net_v4(&[*number as u8], token, wanted).map(|net| vec![net])
            }
            Kind::Number(number) => {
                let empty = if wanted == Wanted::Net { number.leading_zeros() / 8 * 8 } else { 0 };
                let shifted = |bits: u32| bits.checked_shl(empty).unwrap_or(0);
                Ok(vec![Net::V4(shifted(*number), if *number == 0 { u32::MAX } else { shifted(u32::MAX) })])
            }
            Kind::V6(addr) => self.net_v6(u128::from(*addr), token, wanted).map(|net| vec![net]),
            Kind::Name(name) if wanted == Wanted::Net => {
                let what = format!("networks have no names here: write \"{}\" in numbers", escape(name));
                FilterError::err(what, &token.at)
            }
            Kind::Name(name) => {
                let found = (self.resolve)(name).map_err(|message| FilterError::new(message, &token.at))?;
                if found.is_empty() {
                    return FilterError::err(format!("\"{}\" has no address", escape(name)), &token.at);
                }
                Ok(found.into_iter().map(whole).collect())
            }
            _ => Err(self.unfit(token, wanted)),
        }
    }

    fn net_v4(&mut self, bytes: &[u8], token: &Token, wanted: Wanted) -> Result<Net, FilterError> {
        let mut octets = [0; 4];
        octets.iter_mut().zip(bytes).for_each(|(octet, byte)| *octet = *byte);
        let addr = u32::from_be_bytes(octets);
        let start = token.at.start;
        let mask = if self.eat("/") {
            let prefix = self.prefix(32)?;
            u32::MAX.checked_shl(32 - prefix).unwrap_or(0)
        } else if self.eat("mask") {
            self.mask()?
        } else {
            return Ok(Net::V4(addr, u32::MAX << (32 - 8 * bytes.len())));
        };
        let at = self.since(start);
        self.net_only(wanted, &at)?;
        if addr & !mask != 0 {
            return Err(self.bits_beyond(&at, IpAddr::from((addr & mask).to_be_bytes())));
        }
        Ok(Net::V4(addr, mask))
    }

    fn net_v6(&mut self, addr: u128, token: &Token, wanted: Wanted) -> Result<Net, FilterError> {
        if !self.eat("/") {
            return Ok(Net::V6(addr, u128::MAX));
        }
        let mask = u128::MAX.checked_shl(128 - self.prefix(128)?).unwrap_or(0);
        let at = self.since(token.at.start);
        if mask != u128::MAX {
            self.net_only(wanted, &at)?;
        }
        if addr & !mask != 0 {
            return Err(self.bits_beyond(&at, IpAddr::from((addr & mask).to_be_bytes())));
        }
        Ok(Net::V6(addr, mask))
    }

    fn prefix(&mut self, longest: u32) -> Result<u32, FilterError> {
        match self.peek().kind {
            Kind::Number(prefix) if prefix <= longest => {
                self.bump();
                Ok(prefix)
            }
            _ => Err(self.wanted(&format!("a prefix length of 0 to {longest}"))),
        }
    }

    fn mask(&mut self) -> Result<u32, FilterError> {
        let Kind::Dotted(bytes) = &self.peek().kind else {
            return Err(self.wanted("a mask like 255.255.255.0"));
        };
        let mask = bytes.iter().enumerate().fold(0, |mask, (at, byte)| mask | u32::from(*byte) << (24 - 8 * at));
        self.bump();
        Ok(mask)
    }

    fn net_only(&self, wanted: Wanted, at: &Range<usize>) -> Result<(), FilterError> {
        let text = &self.text[at.clone()];
        match wanted {
            Wanted::Net => Ok(()),
            _ => FilterError::err(format!("\"{text}\" is a network: write \"net\" before it, not \"host\""), at),
        }
    }

    fn bits_beyond(&self, at: &Range<usize>, first: IpAddr) -> FilterError {
        let text = &self.text[at.clone()];
        FilterError::new(format!("\"{text}\" has bits beyond its mask; the network's address is {first}"), at)
    }

    fn ports(&mut self, token: &Token, qualifiers: Qualifiers) -> Result<Ask, FilterError> {
        let Qualifiers { protocol, direction, wanted } = qualifiers;
        let transport = match protocol {
            None => None,
            Some(protocol) => match WITH_PORTS.iter().find(|number| **number == protocol.number) {
                Some(number) => Some(number),
                None => {
                    let what = format!("\"{}\" has no ports: those are of tcp, udp and sctp", protocol.word);
                    return FilterError::err(what, &token.at);
                }
            },
        };
        let (low, high, carrier) = match &token.kind {
            Kind::Number(number) => {
                let port = port_number(*number, &token.at)?;
                (port, port, Carrier::Any)
            }
            Kind::Name(name) if wanted == Wanted::PortRange => range(name).ok_or_else(|| self.unfit(token, wanted))?,
            Kind::Name(name) => {
                let (port, carrier) = service(name).ok_or_else(|| no_service(name, &token.at))?;
                (port, port, carrier)
            }
            _ => return Err(self.unfit(token, wanted)),
        };
        let registered = match carrier {
            Carrier::Tcp => &[names::TCP][..],
            Carrier::Udp => &[names::UDP],
            Carrier::Any => WITH_PORTS,
        };
        let transports = match transport {
            Some(number) if !registered.contains(number) => {
                let other = if carrier == Carrier::Tcp { "tcp" } else { "udp" };
                return FilterError::err(format!("{} is a service of {other}", self.found(token)), &token.at);
            }
            Some(number) => std::slice::from_ref(number),
            None => registered,
        };
        Ok(Ask::Ports(transports, direction, vec![(low.min(high), low.max(high))]))
    }

    fn number(&mut self, token: &Token, protocol: Option<&'static Protocol>) -> Result<Ask, FilterError> {
        let is_link = match protocol {
            Some(protocol) if protocol.over == Over::Nothing => true,
            None => false,
            Some(protocol) if [names::IPV4, names::IPV6].contains(&protocol.number) => false,
            Some(protocol) => {
                let what = format!("\"{} proto\" cannot be: only ether, ip and ip6 carry others", protocol.word);
                return FilterError::err(what, &token.at);
            }
        };
        let table = if is_link { names::ETHER_TYPES } else { names::IP_PROTOCOLS };
        match &token.kind {
            Kind::Number(number) => Ok(Ask::Number(protocol, *number)),
            Kind::Name(name) => match table.iter().find(|(known, _)| known == name) {
                Some((_, number)) => Ok(Ask::Number(protocol, *number)),
                None => {
                    let hint = did_you_mean(name, table.iter().map(|(known, _)| *known));
                    let what = format!("no protocol is known as \"{}\"{hint}; its number will do", escape(name));
                    FilterError::err(what, &token.at)
                }
            },
            _ => Err(self.unfit(token, Wanted::Number)),
        }
    }
}

/// Which protocols have addresses.
fn check_address(protocol: Option<&'static Protocol>, wanted: Wanted, at: &Range<usize>) -> Result<(), FilterError> {
    let (word, kind) = match protocol {
        Some(Protocol { word, over: Over::Ip4 | Over::Ip6 | Over::Both, .. }) => (word, wanted.word()),
        _ => return Ok(()),
    };
    FilterError::err(format!("\"{word} {kind}\" cannot be: write \"{word} and {kind}\" before it"), at)
}

/// A single address.
fn whole(addr: IpAddr) -> Net {
    match addr {
        IpAddr::V4(addr) => Net::V4(addr.into(), u32::MAX),
        IpAddr::V6(addr) => Net::V6(addr.into(), u128::MAX),
    }
}

fn port_number(number: u32, at: &Range<usize>) -> Result<u16, FilterError> {
    u16::try_from(number).map_err(|_| FilterError::new(format!("ports are 0 to 65535, not {number}"), at))
}

fn service(name: &str) -> Option<(u16, Carrier)> {
    names::SERVICES.iter().find(|(known, ..)| *known == name).map(|(_, port, carrier)| (*port, *carrier))
}

fn no_service(name: &str, at: &Range<usize>) -> FilterError {
    let hint = did_you_mean(name, names::SERVICES.iter().map(|(known, ..)| *known));
    let what = format!("no service is known as \"{}\"{hint}; its port's number will do", escape(name));
    FilterError::new(what, at)
}

/// `80-90`, `http-https`. A name may hold the sign too, so each place is tried.
fn range(text: &str) -> Option<(u16, u16, Carrier)> {
    let end = |text: &str| text.parse().ok().map(|port| (port, Carrier::Any)).or_else(|| service(text));
    text.match_indices('-').find_map(|(at, sign)| {
        let (low, one) = end(&text[..at])?;
        let (high, other) = end(&text[at + sign.len()..])?;
        Some((low, high, if one == other { one } else { Carrier::Any }))
    })
}
