//! Flag fields: bits with names.

use std::fmt;

use crate::base::nearest::did_you_mean;

/// The names of a flag field's bits, the lowest bit first; "" where a bit has none. Names of one letter are written side by side
/// (`SA`), longer ones are joined by `+` (`MF+DF`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagNames(pub &'static [&'static str]);

impl FlagNames {
    /// Reads `SA`, `AS`, `MF+DF` or nothing at all. Errors list the names.
    pub fn parse(self, text: &str) -> Result<u64, String> {
        let single = self.are_letters();
        let mut bits = 0;
        let names: Vec<&str> = if single {
            text.split("").filter(|l| !l.is_empty()).collect()
        } else {
            text.split('+').map(str::trim).filter(|n| !n.is_empty()).collect()
        };
        for name in names {
            match self.0.iter().position(|n| *n == name) {
                Some(bit) => bits |= 1 << bit,
                None => return Err(self.unknown(name)),
            }
        }
        Ok(bits)
    }

    fn unknown(self, name: &str) -> String {
        let names: Vec<&str> = self.0.iter().copied().filter(|name| !name.is_empty()).collect();
        let hint = did_you_mean(name, names.iter().copied());
        format!("no flag \"{}\"{hint} the flags are {}", name.escape_debug(), names.join(" ")).replacen(
            " the flags",
            if hint.is_empty() { "; the flags" } else { " The flags" },
            1,
        )
    }

    fn are_letters(self) -> bool {
        self.0.iter().all(|name| name.len() <= 1)
    }
}

/// The value of a flag field: a number that knows the names of its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// The bits.
    pub bits: u64,
    /// Their names.
    pub names: FlagNames,
}

impl Flags {
    /// Whether all flags of `text` are set. Errors list the names.
    pub fn has(self, text: &str) -> Result<bool, String> {
        let wanted = self.names.parse(text)?;
        Ok(self.bits & wanted == wanted)
    }
}

/// The set flags in the order of their bits (`SA`); bits without a name as a number at the end.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names.0;
        let named: Vec<usize> = (0..names.len()).filter(|bit| !names[*bit].is_empty()).collect();
        let set: Vec<&str> = named.iter().filter(|bit| self.bits >> **bit & 1 == 1).map(|bit| names[*bit]).collect();
        let text = set.join(if self.names.are_letters() { "" } else { "+" });
        let rest = named.iter().fold(self.bits, |rest, bit| rest & !(1 << bit));
        match (text.is_empty(), rest) {
            (_, 0) => f.write_str(&text),
            (true, _) => write!(f, "{rest:#x}"),
            (false, _) => write!(f, "{text}+{rest:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: FlagNames = FlagNames(&["F", "S", "R", "P", "A", "U", "E", "C", "N"]);
    const IP: FlagNames = FlagNames(&["MF", "DF", "evil"]);

    #[test]
    fn letters_in_any_order_and_names_with_plus() {
        assert_eq!(TCP.parse("AS"), Ok(0x12));
        assert_eq!(TCP.parse(""), Ok(0));
        assert_eq!(IP.parse("MF+DF"), Ok(3));
        assert_eq!(Flags { bits: 0x12, names: TCP }.to_string(), "SA");
        assert_eq!(Flags { bits: 3, names: IP }.to_string(), "MF+DF");
        assert_eq!(Flags { bits: 0x14, names: TCP }.has("RA"), Ok(true));
        assert_eq!(Flags { bits: 0x14, names: TCP }.has("SA"), Ok(false));
    }

    #[test]
    fn a_bit_without_a_name_is_a_number() {
        let names = FlagNames(&["", "", "B"]);
        assert_eq!(Flags { bits: 0b101, names }.to_string(), "B+0x1");
        assert_eq!(names.parse("B"), Ok(4));
        assert_eq!(names.parse("X"), Err("no flag \"X\"; the flags are B".into()));
    }

    #[test]
    fn an_unknown_flag_is_answered_with_the_known_ones() {
        assert_eq!(TCP.parse("Z"), Err("no flag \"Z\"; the flags are F S R P A U E C N".into()));
        assert!(TCP.parse("sa").is_err_and(|e| e.contains("did you mean \"S\"?")));
    }
}
