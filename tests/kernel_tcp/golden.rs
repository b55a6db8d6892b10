//! The comparison as one page.

use std::fs;
use std::path::Path;

use super::probe::Probe;
use super::reasons::{REASONS, Row};
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

Each group begins with the answer, then says what became of the connection, and then has rows of all probes that draw it:
flags (FSRPAU; a letter is set, `-` is not, `.` is either), bytes of data, sequence number, acknowledgment. Where the two
hosts differ, the group begins with a line for each, and the number of the reason, which stands at the end.

    -                     silence
    later ...             an ACK that is delayed, by 40 ms
    s, a                  the probe's sequence and acknowledgment number
    r, n                  what the host expects, and what it sends next, before the probe
    win 0, win >0         the window
    df, id                \"don't fragment\", and the IP id of resets and SYN/ACKs
    gone                  the port is closed, or listens again
    half-open             the handshake is not complete; `anew` when it is that of a new connection
    open, expects ...     any later state, and what the host expects now
    silent                as before a handshake that the host began
";

/// What both sides answered in a state.
pub(crate) struct Section {
    pub(crate) state: &'static State,
    pub(crate) kernel: Vec<String>,
    pub(crate) lab: Vec<String>,
}

/// Outcomes that belong together: the kernel's, the laboratory's, and the number of the reason why they differ.
type Kind<'a> = (&'a str, &'a str, Option<usize>);

impl Section {
    /// Kinds in the order in which they first come, each with its rows.
    fn groups(&self) -> Vec<(Kind<'_>, Vec<String>)> {
        let all = Probe::all(self.state);
        let mut groups: Vec<(Kind<'_>, Vec<Probe>)> = Vec::new();
        for ((probe, kernel), lab) in all.iter().zip(&self.kernel).zip(&self.lab) {
            let row = Row { state: self.state.name, probe, kernel, lab };
            let kind =
                (kernel.as_str(), lab.as_str(), REASONS.iter().position(|reason| row.differs() && (reason.when)(&row)));
            match groups.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, probes)) => probes.push(*probe),
                None => groups.push((kind, vec![*probe])),
            }
        }
        groups.into_iter().map(|(kind, probes)| (kind, table::rows(self.state, &all, &probes))).collect()
    }
}

/// The whole page; fails when a difference has no reason, or a reason no difference.
pub(crate) fn page(sections: &[Section], offers: &[Vec<String>; 2]) -> String {
    let mut page = HEAD.to_owned();
    let mut unexplained = String::new();
    let mut counts = vec![0; REASONS.len()];
    for section in sections {
        page += &format!("\n\n== {}: {}\n", section.state.name, section.state.about);
        for ((kernel, lab, reason), rows) in section.groups() {
            let rows = rows.join("\n");
            page += &match reason {
                _ if kernel == lab => format!("\n{kernel}\n{rows}\n"),
                Some(number) => format!("\nkernel  {kernel}\nlab     {lab}  ({})\n{rows}\n", number + 1),
                None => {
                    unexplained += &format!("\n{}\nkernel  {kernel}\nlab     {lab}\n{rows}\n", section.state.name);
                    continue;
                }
            };
            if let Some(number) = reason {
                counts[number] += 1;
            }
        }
    }
    assert!(unexplained.is_empty(), "these differences have no reason in tests/kernel_tcp/reasons.rs:\n{unexplained}");
    for (kernel, lab) in offers[0].iter().zip(&offers[1]).filter(|(kernel, lab)| kernel != lab) {
        unexplained += &format!("\noptions of a SYN\nkernel{kernel}\nlab   {lab}\n");
    }
    assert!(unexplained.is_empty(), "these differences have no reason in tests/kernel_tcp/reasons.rs:\n{unexplained}");
    page += &format!(
        "\n\n== options: what a SYN to a listening port offers, and the options and window of the answer\n\n{}\n",
        offers[0].join("\n")
    );
    page += "\n\n== why the two differ\n";
    for (number, (reason, count)) in REASONS.iter().zip(counts).enumerate() {
        assert!(count > 0, "this reason explains nothing any more; take it out: {}", reason.why);
        page += &format!("\n({}) {}\n", number + 1, reason.why);
    }
    page
}

/// Compares the page with what is written down.
pub(crate) fn check(page: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/linux-tcp.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, page).unwrap();
    }
    let wanted = fs::read_to_string(&golden).unwrap_or_default();
    let first = wanted.lines().zip(page.lines()).position(|(wanted, found)| wanted != found);
    let line = first.unwrap_or(wanted.lines().count().min(page.lines().count()));
    assert!(
        wanted == page,
        "{}, line {}: wanted {:?}, found {:?}",
        golden.display(),
        line + 1,
        wanted.lines().nth(line),
        page.lines().nth(line)
    );
}
