//! Why Nmap or the laboratory says something else. A difference without a row fails the test, and so does a row without
//! a difference.

use std::fmt;

/// Who differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nmap,
    Lab,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nmap => "nmap",
            Self::Lab => "lab",
        })
    }
}

/// A difference.
pub(crate) struct Difference {
    who: Who,
    /// How the titles of the sections begin.
    section: &'static str,
    /// The kinds; none is all.
    kinds: &'static [&'static str],
    ports: &'static [u16],
    pub(crate) why: &'static str,
}

impl Difference {
    pub(crate) fn fits(&self, who: Who, section: &str, kind: &str, port: u16) -> bool {
        self.who == who
            && section.starts_with(self.section)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.ports.contains(&port)
    }
}

pub(crate) const DIFFERENCES: &[Difference] = &[];
