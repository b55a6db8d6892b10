//! What a plan says of the programs at UDP ports.

use std::collections::BTreeMap;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

/// An open UDP port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UdpPort {
    /// The port.
    pub port: u16,
    /// What listens there.
    pub service: UdpService,
}

/// What a UDP port answers. Those that tell names are written with them: `service.mdns = { name = "printer.local" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UdpService {
    /// Nothing; but it opens a TCP connection from port 7 to the port that the datagram came from.
    Call,
    /// The date and the time as text (RFC 867); to no port below 1024, as [`Self::Echo`].
    Daytime,
    /// The names and addresses of this laboratory (RFC 1035), and refusals for all other questions.
    Dns,
    /// The same data (RFC 862); not to a port below 1024, or two echo servers would answer each other for ever.
    Echo,
    /// Its name and addresses, when all are asked (RFC 4795).
    Llmnr(Llmnr),
    /// Its name, its addresses and what it offers (RFC 6762, RFC 6763).
    Mdns(Mdns),
    /// Its `NetBIOS` names and its hardware address (RFC 1002 section 4.2.18).
    Netbios(Netbios),
    /// The time of the laboratory (RFC 5905).
    Ntp,
    /// Nothing: it takes what comes.
    Sink,
}

/// What a host says by LLMNR.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Llmnr {
    /// Its name, a single label.
    #[serde(deserialize_with = "label")]
    pub name: String,
}

/// What a host says by mDNS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mdns {
    /// Its name, a label and `.local`.
    #[serde(deserialize_with = "local_name")]
    pub name: String,
    /// The services that it offers, as `"_ipp._tcp"`, and their ports.
    #[serde(default, deserialize_with = "offers")]
    pub offers: BTreeMap<String, u16>,
}

/// What a host says by `NetBIOS`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Netbios {
    /// Its name, in capitals.
    #[serde(deserialize_with = "netbios_name")]
    pub name: String,
    /// Its group.
    #[serde(default = "workgroup", deserialize_with = "netbios_name")]
    pub group: String,
}

impl UdpService {
    /// The name that it tells.
    pub(in crate::lab) fn name(&self) -> Option<&str> {
        match self {
            Self::Call | Self::Daytime | Self::Dns | Self::Echo | Self::Ntp | Self::Sink => None,
            Self::Llmnr(llmnr) => Some(&llmnr.name),
            Self::Mdns(mdns) => Some(&mdns.name),
            Self::Netbios(netbios) => Some(&netbios.name),
        }
    }
}

fn workgroup() -> String {
    "WORKGROUP".to_owned() // of Windows and Samba that nobody has configured
}

/// Whether `text` may be a part of a host's name (RFC 1123 section 2.1).
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn label<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let name = String::deserialize(input)?;
    if is_label(&name) {
        return Ok(name);
    }
    Err(D::Error::custom(format!("a name of LLMNR is letters, digits and -, as \"DESK\"; \"{}\" is not", quote(&name))))
}

fn local_name<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let name = String::deserialize(input)?;
    if name.strip_suffix(".local").is_some_and(is_label) {
        return Ok(name);
    }
    let wanted = "a name of mDNS is letters, digits and - and then .local, as \"printer.local\"";
    Err(D::Error::custom(format!("{wanted}; \"{}\" is not", quote(&name))))
}

fn netbios_name<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let name = String::deserialize(input)?;
    let is_right = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b);
    if (1..=15).contains(&name.len()) && name.bytes().all(is_right) {
        return Ok(name);
    }
    let wanted = "a NetBIOS name is at most 15 capitals, digits, - and _, as \"NAS\"";
    Err(D::Error::custom(format!("{wanted}; \"{}\" is not", quote(&name))))
}

/// RFC 6763 section 7.
fn offers<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, u16>, D::Error> {
    let offers = BTreeMap::<String, u16>::deserialize(input)?;
    let is_service = |text: &str| {
        let service = text.strip_suffix("._tcp").or_else(|| text.strip_suffix("._udp"));
        service.and_then(|service| service.strip_prefix('_')).is_some_and(|name| name.len() <= 15 && is_label(name))
    };
    match offers.keys().find(|key| !is_service(key)) {
        None => Ok(offers),
        Some(wrong) => {
            Err(D::Error::custom(format!("a service is written as \"_ipp._tcp\"; \"{}\" is not one", quote(wrong))))
        }
    }
}

fn quote(text: &str) -> String {
    text.escape_debug().to_string()
}
