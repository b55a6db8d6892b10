//! Why the laboratory's Linux differs from a kernel, where it does.

use super::probe::Probe;

/// What a probe drew on both sides.
pub(crate) struct Row<'a> {
    pub(crate) state: &'a str,
    pub(crate) probe: &'a Probe,
    pub(crate) kernel: &'a str,
    pub(crate) lab: &'a str,
}

impl Row<'_> {
    pub(crate) fn differs(&self) -> bool {
        self.kernel != self.lab
    }
}

/// A reason, and the differences that it explains. The first one that fits counts.
pub(crate) struct Reason {
    pub(crate) when: fn(&Row<'_>) -> bool,
    pub(crate) why: &'static str,
}

pub(crate) const REASONS: &[Reason] = &[Reason {
    when: |row| row.state == "syn-sent" && row.kernel.replace("id >0", "id 0") == row.lab,
    why: "Linux counts the packets of each connection in their IP ids, from a random start, once both ends of the
    connection are known to a socket. The laboratory's are 0, as are those of Linux' resets and SYN/ACKs elsewhere:
    RFC 6864 section 4 allows any number where \"don't fragment\" is set, and no scan looks at these.",
}];
