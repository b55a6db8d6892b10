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
    when: |row| row.kernel == format!("later {}", row.lab),
    why: "Linux delays the ACK of a FIN by 40 ms, hoping that the program closes too and one segment says both. The \
          laboratory acknowledges at once, which RFC 9293 section 3.8.6.3 allows, so that a FIN is seen to be taken.",
}];
