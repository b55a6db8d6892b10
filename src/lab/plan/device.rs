//! What a plan says of a machine beside its services: hardware address, protocols, claimed addresses.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::base::Mac;
use crate::base::targets::Net;
use crate::lab::host::is_group;

/// Protocols that have a key of their own, or that every host speaks (IANA's numbers).
const SPOKEN: [(u8, &str); 5] = [
    (1, "every host speaks ICMP"),
    (6, "every host speaks TCP"),
    (17, "every host speaks UDP"),
    (58, "every host speaks ICMPv6"),
    (132, "SCTP is spoken with open ports, as sctp = \"36412\""),
];

/// A hardware address of one station.
pub(super) fn mac<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Mac>, D::Error> {
    let text = String::deserialize(input)?;
    let mac: Mac = text.parse().map_err(|e| D::Error::custom(format!("\"{}\": {e}", text.escape_debug())))?;
    if is_group(mac) {
        let even = "the second digit is odd, and that of a host is even";
        return Err(D::Error::custom(format!("{mac} is the hardware address of a group: {even}")));
    }
    if mac == Mac::ZERO {
        return Err(D::Error::custom(format!("{mac} is no station's hardware address")));
    }
    Ok(Some(mac))
}

/// Protocol numbers that a host takes in silence.
pub(super) fn protocols<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
    let mut numbers = Vec::<u8>::deserialize(input)?;
    if let Some((number, why)) = SPOKEN.iter().find(|(number, _)| numbers.contains(number)) {
        return Err(D::Error::custom(format!("protocol {number} is not for this list: {why}")));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Addresses, networks and ranges of IPv4, as `"192.0.2.70"` or `"192.0.2.240-247"`.
pub(super) fn claims<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Net>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    let net = |text: &String| {
        let wanted = "an IPv4 address or a range of them, as \"192.0.2.240-247\"";
        let found = Net::parse(text).filter(|net| net.first().is_ipv4());
        found.ok_or_else(|| D::Error::custom(format!("\"{}\" is not {wanted}", text.escape_debug())))
    };
    texts.iter().map(net).collect()
}
