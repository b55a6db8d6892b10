//! 48-bit hardware addresses.

use std::fmt;
use std::str::FromStr;

/// A MAC address (IEEE 802 EUI-48), printed as `02:00:00:00:00:0a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`, every station of the link.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// `00:00:00:00:00:00`, no station.
    pub const ZERO: Self = Self([0; 6]);
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The text was not six two-digit hexadecimal bytes joined by `:` or `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a MAC address (six bytes like 02:00:00:00:00:0a)")]
pub struct NotAMac;

impl FromStr for Mac {
    type Err = NotAMac;

    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let mut mac = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut mac {
            let part = parts.next().ok_or(NotAMac)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(NotAMac);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| NotAMac)?;
        }
        parts.next().is_none().then_some(Self(mac)).ok_or(NotAMac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_refuses_the_rest() {
        assert_eq!("02-0:00:0:00:A".parse(), Ok(Mac([2, 0, 0, 0, 0, 10])));
        assert_eq!(Mac([2, 0, 0, 0, 0, 10]).to_string(), "02:00:00:00:00:0a");
        for wrong in ["", "zz", "02:00:00:00:00", "02:00:00:00:00:0a:0b", "+2:0:0:0:0:0"] {
            assert_eq!(wrong.parse::<Mac>(), Err(NotAMac), "{wrong}");
        }
    }
}
