//! The comparison as one page.

use super::probe::Probe;
use super::reasons::{REASONS, Reason, Row};
use super::states::State;
use super::table;

const HEAD: &str = "\
What a Linux kernel answers to TCP segments, and what the laboratory's Linux does.

Written by `UPDATE_GOLDEN=1 cargo test --test kernel_tcp`, which asks both; the difference is then read, not believed.
The kernel has its defaults but for: tcp_syncookies = 0 (it keeps each connection), tcp_rmem of at most 6 MiB (the shift
of windows), tcp_ecn = 2 (explicit congestion notification when it is asked for), tcp_early_retrans = 0 (no early second
copies), and no limit on challenge ACKs but that of each connection, one in 500 ms. The MTU is 1500.

In each state: all 64 combinations of the six flags, with 0 and 5 bytes of data, each on a new connection, with

    sequence number       exact: what the host expects (RCV.NXT); ahead: 500 more, in the window; last: one less;
                          behind: 500 less; beyond: 100,000 more, outside of the window
    acknowledgment        good: all that was sent (SND.NXT); unsent: 1000 more; old: 100,000 less; the number stands
                          there even when the flag ACK is not set

Each group begins with the answer, says what became of the connection, and then has rows of all probes that draw it:
flags (FSRPAU; a letter is set, `-` is not, `.` is either), bytes of data, sequence number, acknowledgment. Where the
two hosts differ, the group begins with a line for each, and with the number of the reason, which stands at the end.

    -                     silence
    later ...             an ACK that is delayed, by 40 ms
    s, a, len             the probe's sequence number, acknowledgment number, and length; SYN and FIN count one each
    r, n                  what the host expects, and what it sends next, before the probe
    win 0, win >0         the window
    df, id                \"don't fragment\", and the IP id of resets and SYN/ACKs; the other ids of a connection are
                          not compared: Linux counts them from a random start, the laboratory's are 0
    gone                  the port is closed, or listens again
    half-open             the handshake is not complete; `anew` when it is that of a new connection
    open, expects ...     any later state, and what the host expects now
    silent                as before a handshake that the host began
";

/// What both sides answered in a state, probe by probe.
pub(crate) struct Section {
    pub(crate) state: &'static State,
    pub(crate) kernel: Vec<String>,
    pub(crate) lab: Vec<String>,
}

/// Probes that both sides answer alike.
struct Group<'a> {
    row: Row<'a>,
    /// The number of the reason, when the two differ.
    reason: Option<usize>,
    probes: Vec<Probe>,
}

impl Section {
    /// In the order in which they first come.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for ((probe, kernel), lab) in Probe::all(self.state).into_iter().zip(&self.kernel).zip(&self.lab) {
            let row = Row { state: self.state.name, kernel, lab };
            match groups.iter_mut().find(|group| group.row == row) {
                Some(group) => group.probes.push(probe),
                None => groups.push(Group { reason: row.reason(), row, probes: vec![probe] }),
            }
        }
        groups
    }

    /// Its text, of groups that are alike or have a reason.
    fn text(&self) -> String {
        let all = Probe::all(self.state);
        let tell = |group: Group<'_>| {
            let Row { kernel, lab, .. } = group.row;
            let head = match group.reason {
                Some(number) => format!("kernel  {kernel}\nlab     {lab}  ({})", number + 1),
                None => kernel.to_owned(),
            };
            format!("\n{head}\n{}\n", table::rows(self.state, &all, &group.probes).join("\n"))
        };
        let groups: String = self.groups().into_iter().map(tell).collect();
        format!("\n\n== {}: {}\n{groups}", self.state.name, self.state.about)
    }
}

/// Differences without a reason, and reasons without a difference, in words; empty when all is well.
pub(crate) fn complaints(sections: &[Section], offers: &[Vec<String>; 2]) -> String {
    let mut complaints = Vec::new();
    let mut is_used = vec![false; REASONS.len()];
    for section in sections {
        for group in section.groups().into_iter().filter(|group| group.row.differs()) {
            let Row { state, kernel, lab } = group.row;
            match group.reason {
                Some(number) => is_used[number] = true,
                None => {
                    let rows = table::rows(section.state, &Probe::all(section.state), &group.probes).join("\n");
                    complaints.push(format!("without a reason, {state}:\nkernel  {kernel}\nlab     {lab}\n{rows}"));
                }
            }
        }
    }
    for (kernel, lab) in offers[0].iter().zip(&offers[1]).filter(|(kernel, lab)| kernel != lab) {
        complaints.push(format!("without a reason, options:\nkernel{kernel}\nlab   {lab}"));
    }
    let vain = REASONS.iter().zip(is_used).filter(|(_, is_used)| !is_used);
    complaints.extend(vain.map(|(reason, _)| format!("a reason that explains nothing: {}", reason.why)));
    complaints.join("\n\n")
}

/// The whole page.
pub(crate) fn page(sections: &[Section], offers: &[String]) -> String {
    let states: String = sections.iter().map(Section::text).collect();
    let reason = |(number, reason): (usize, &Reason)| format!("\n({}) {}\n", number + 1, reason.why);
    let reasons: String = REASONS.iter().enumerate().map(reason).collect();
    let offers = offers.join("\n");
    format!(
        "{HEAD}{states}\n\n== options: what a SYN to a listening port offers, and the answer of both\n\n{offers}\n\n\n\
         == why the two differ\n{reasons}"
    )
}
