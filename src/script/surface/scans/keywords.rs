//! The keywords that scans share, with their places in the functions.

use crate::script::func::{Kind, Param};
use crate::script::surface::{need, opt};

/// A keyword of the scan functions, and an option of `pktsh scan`.
pub struct Keyword {
    /// The parameter.
    pub param: Param,
    /// Nmap's options that mean it, each with the value that it stands for; an empty one takes the next word.
    pub nmap: &'static [(&'static str, &'static str)],
}

const fn word(param: Param, nmap: &'static [(&'static str, &'static str)]) -> Keyword {
    Keyword { param, nmap }
}

/// All keywords of all scan functions, in the order of their parameters.
pub const KEYWORDS: [Keyword; ALL] = [
    word(
        need("targets", Kind::Any, "Names, addresses, networks (/24), ranges (10.0.0-3.1,7), @FILE; text or a list."),
        &[("-iL", "@")],
    ),
    word(
        opt("ports", Kind::Any, "None", "\"22,80,8000-8100,-100,http*,T:53,U:53\", a number, a range or a list."),
        &[("-p", ""), ("-p-", "-")],
    ),
    word(
        opt(
            "top_ports",
            Kind::Count,
            "100",
            "So many of the ports that are most used today, where no ports are given.",
        ),
        &[("--top-ports", ""), ("-F", "100")],
    ),
    word(opt("exclude", Kind::Any, "None", "Targets that are left out."), &[("--exclude", "")]),
    word(opt("discover", Kind::Bool, "true", "Whether hosts are asked first if they are there."), &[("-Pn", "false")]),
    word(
        opt(
            "retry",
            Kind::Count,
            "None",
            "How often a silent port is asked again; else once more than was ever needed.",
        ),
        &[("--max-retries", "")],
    ),
    word(opt("timeout", Kind::Seconds, "None", "Seconds to wait for each answer; else as the round trips say."), &[]),
    word(opt("min_rate", Kind::Count, "None", "Probes a second, at least."), &[("--min-rate", "")]),
    word(opt("max_rate", Kind::Count, "None", "Probes a second, at most."), &[("--max-rate", "")]),
    word(
        opt(
            "timing",
            Kind::Any,
            "\"normal\"",
            "A template: paranoid, sneaky, polite, normal, aggressive, insane (T0 to T5).",
        ),
        &[("-T", "")],
    ),
    word(
        opt("host_timeout", Kind::Seconds, "None", "Seconds after which a host is given up, with what it has."),
        &[("--host-timeout", "")],
    ),
    word(opt("iface", Kind::Text, "None", "The only interface to use; else the route decides."), &[("-e", "")]),
    word(opt("ipv6", Kind::Bool, "false", "Whether a name stands for its IPv6 address."), &[("-6", "true")]),
    word(opt("open", Kind::Bool, "false", "Whether only open ports are shown and kept."), &[("--open", "true")]),
    word(
        opt("probe", Kind::Packet, "None", "A packet that all probes are made from: IP(ttl=12)/TCP(window=1024)."),
        &[],
    ),
    word(
        opt("shard", Kind::Any, "None", "\"1/4\" or [1, 4]: the first of four pieces, which four machines may share."),
        &[],
    ),
    word(
        opt(
            "resume",
            Kind::Text,
            "None",
            "A file that keeps what is found, from which the same scan goes on if stopped.",
        ),
        &[],
    ),
    word(opt("prn", Kind::Function, "None", "Called with each port as it is decided."), &[]),
    word(opt("kind", Kind::Any, "None", "A kind or several: syn connect ack window maimon fin null xmas udp .."), &[]),
    word(opt("zombie", Kind::Text, "None", "The host in whose name an idle scan sends."), &[]),
    word(opt("zombie_port", Kind::Count, "80", "The zombie's port that is asked for its IP IDs."), &[]),
    word(need("flags", Kind::Any, "The TCP flags of the probes: \"SF\", \"\" for none."), &[]),
    word(opt("read_as", Kind::Text, "\"syn\"", "The kind by whose rules the answers are read."), &[]),
];

const ALL: usize = 23;
/// The first of them are every function's.
const COMMON: usize = 18;
const KIND: usize = 18;
const ZOMBIE: usize = 19;
const ZOMBIE_PORT: usize = 20;
const FLAGS_AT: usize = 21;
const READ_AS: usize = 22;

/// The targets, what `before` names, the other common parameters, and what `after` names: places in [`KEYWORDS`].
const fn params<const N: usize>(before: &[usize], after: &[usize]) -> [Param; N] {
    let mut list = [KEYWORDS[0].param; N];
    let (mut at, ends) = (1, before.len() + COMMON);
    while at < N {
        let word = if at <= before.len() {
            before[at - 1]
        } else if at < ends {
            at - before.len()
        } else {
            after[at - ends]
        };
        list[at] = KEYWORDS[word].param;
        at += 1;
    }
    list
}

pub(super) const OF_KIND: &[Param] = &params::<COMMON>(&[], &[]);
pub(super) const OF_SCAN: &[Param] = &params::<{ COMMON + 3 }>(&[], &[KIND, ZOMBIE, ZOMBIE_PORT]);
pub(super) const OF_IDLE: &[Param] = &params::<{ COMMON + 2 }>(&[], &[ZOMBIE, ZOMBIE_PORT]);
pub(super) const OF_TCP: &[Param] = &params::<{ COMMON + 2 }>(&[FLAGS_AT], &[READ_AS]);
