//! Scans: the keywords that all of them take, and their functions.

use super::super::func::{Func, Kind, Param};
use super::opt;

/// A keyword of the scans, and Nmap's options for it: each with the value that it stands for; empty where one follows.
pub struct Keyword {
    /// The keyword.
    pub param: Param,
    /// Nmap's options.
    pub nmap: &'static [(&'static str, &'static str)],
}

const fn key(param: Param, nmap: &'static [(&'static str, &'static str)]) -> Keyword {
    Keyword { param, nmap }
}

/// The keywords of all scans, in the order in which help shows them.
pub static KEYWORDS: &[Keyword] = &[
    key(
        opt("kind", Kind::Any, "None", "the kinds, a list or names with commas [syn, or connect without privilege]"),
        &[],
    ),
    key(opt("ports", Kind::Any, "None", "ports like 22,80-90,http*,U:53; - is all"), &[("-p-", "-"), ("-p", "")]),
    key(opt("top_ports", Kind::Count, "100", "this many of the usual ports"), &[("-F", "100")]),
    key(opt("exclude", Kind::Any, "None", "targets to leave out"), &[]),
    key(opt("discover", Kind::Bool, "true", "first look which hosts are up"), &[("-Pn", "false")]),
    key(opt("retry", Kind::Count, "None", "more tries for a silent port"), &[]),
    key(opt("timeout", Kind::Seconds, "None", "seconds to wait for an answer"), &[]),
    key(opt("min_rate", Kind::Count, "None", "packets a second at least"), &[]),
    key(opt("max_rate", Kind::Count, "None", "packets a second at most"), &[]),
    key(
        opt("timing", Kind::Text, "\"T3\"", "T0 (slow) to T5 (fast)"),
        &[("-T0", "T0"), ("-T1", "T1"), ("-T2", "T2"), ("-T3", "T3"), ("-T4", "T4"), ("-T5", "T5")],
    ),
    key(opt("host_timeout", Kind::Seconds, "None", "seconds after which a host is given up"), &[]),
    key(opt("iface", Kind::Text, "None", "the interface to use"), &[("-e", "")]),
    key(opt("ipv6", Kind::Bool, "false", "names give their IPv6 address first"), &[("-6", "true")]),
    key(opt("open", Kind::Bool, "false", "only ports that are open, or may be"), &[]),
    key(opt("probe", Kind::Packet, "None", "the probe's template, like IP(ttl=12)/TCP(window=1024)"), &[]),
    key(opt("zombie", Kind::Text, "None", "the idle host of an idle scan"), &[]),
    key(opt("zombie_port", Kind::Count, "80", "its port"), &[]),
];

pub(super) const ROWS: &[Func] = &[];
