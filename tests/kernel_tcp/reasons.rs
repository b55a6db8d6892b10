//! Why the laboratory's Linux differs from a kernel, where it does.

/// What a probe drew on both sides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) state: &'a str,
    pub(crate) kernel: &'a str,
    pub(crate) lab: &'a str,
}

impl Row<'_> {
    pub(crate) fn differs(&self) -> bool {
        self.kernel != self.lab
    }

    /// The number of the first reason that explains the difference.
    pub(crate) fn reason(&self) -> Option<usize> {
        REASONS.iter().position(|reason| self.differs() && (reason.when)(self))
    }
}

/// A reason, and the differences that it explains.
pub(crate) struct Reason {
    pub(crate) when: fn(&Row<'_>) -> bool,
    pub(crate) why: &'static str,
}

pub(crate) const REASONS: &[Reason] = &[Reason {
    when: |row| row.state == "syn-sent" && row.kernel.replace("id >0", "id 0") == row.lab,
    why:
        "Linux counts the packets of each connection in their IP ids, from a random start, and this SYN/ACK comes from a
    connection that it began itself. The laboratory's id is 0, as of all SYN/ACKs and resets of Linux that answer what
    came unasked: RFC 6864 section 4 allows any number where \"don't fragment\" is set, and scans look at those.",
}];
