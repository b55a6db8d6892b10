//! The probes, and what is written down of each.

use std::fmt::Write;
use std::time::Duration;

use super::peer::{ACK, FIN, FLAGS, Peer, RST, SYN, Segment};
use super::side::Side;
use super::states::State;

/// The sequence number of a probe, seen from what the host expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seq {
    /// What it expects.
    Exact,
    /// Ahead of that, inside of the window.
    Ahead,
    /// One less, as of a SYN that comes again, or a keep-alive.
    Last,
    /// Long past.
    Behind,
    /// Outside of the window.
    Beyond,
}

impl Seq {
    pub(crate) const ALL: [Self; 5] = [Self::Exact, Self::Ahead, Self::Last, Self::Behind, Self::Beyond];

    fn offset(self) -> i32 {
        match self {
            Self::Exact => 0,
            Self::Ahead => 500,
            Self::Last => -1,
            Self::Behind => -500,
            Self::Beyond => 100_000,
        }
    }
}

/// The acknowledgment number of a probe, seen from what the host sends next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acked {
    /// All that was sent.
    Good,
    /// Something that was not yet sent.
    Unsent,
    /// Older than any window.
    Old,
}

impl Acked {
    pub(crate) const ALL: [Self; 3] = [Self::Good, Self::Unsent, Self::Old];

    fn offset(self) -> i32 {
        match self {
            Self::Good => 0,
            Self::Unsent => 1000,
            Self::Old => -100_000,
        }
    }
}

/// The data of a probe, when it has some.
const DATA: &[u8] = b"12345";

/// One probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) flags: u8,
    pub(crate) has_data: bool,
    pub(crate) seq: Seq,
    pub(crate) ack: Acked,
}

impl Probe {
    /// All probes for a state: 64 combinations of flags and all numbers.
    pub(crate) fn all(state: &State) -> Vec<Self> {
        let mut all = Vec::new();
        for &seq in state.seqs {
            for &ack in state.acks {
                for has_data in [false, true] {
                    all.extend((0..64).map(|flags| Self { flags, has_data, seq, ack }));
                }
            }
        }
        all
    }
}

/// Where the numbers of an answer are counted from.
struct Numbers {
    /// SEG.SEQ, the number after the probe, SEG.ACK and its flags.
    seq: u32,
    end: u32,
    ack: u32,
    flags: u8,
    /// RCV.NXT and SND.NXT before the probe.
    next: u32,
    theirs: u32,
}

/// A connection that takes longer than that is begun anew: an ACK that is delayed, by 40 ms at least, or something that
/// is sent again could be taken for an answer.
const IN_TIME: Duration = Duration::from_millis(30);

/// Sends a probe to a new connection in `state`, and tells the answer and what becomes of the connection.
pub(crate) fn outcome(side: &mut Side, state: &State, probe: Probe) -> String {
    loop {
        let start = side.now();
        let mut peer = Peer::new(side, state.port);
        let (numbers, answers) = ask(&mut peer, state, probe);
        let mut text = numbers.tell_all(&answers, state);
        if !state.is_connection {
            peer.reset(numbers.seq.wrapping_add(1)); // the end of what a SYN began
            return text;
        }
        let (fate, is_taken) = fate(&mut peer, &numbers, &answers);
        if side.now() - start > IN_TIME {
            continue;
        }
        if answers.is_empty() && is_taken {
            text = later(&mut Peer::new(side, state.port), state, probe).unwrap_or(text);
        }
        return format!("{text}; {fate}");
    }
}

/// The answer to a probe that was taken in silence, once it comes.
fn later(peer: &mut Peer<'_>, state: &State, probe: Probe) -> Option<String> {
    let (numbers, mut answers) = ask(peer, state, probe);
    let ack = answers.pop().or_else(|| peer.hear_ack())?;
    peer.reset(ack.ack);
    Some(format!("later {}", numbers.tell(&ack, state)))
}

/// Enters the state and sends the probe.
fn ask(peer: &mut Peer<'_>, state: &State, probe: Probe) -> (Numbers, Vec<Segment>) {
    (state.enter)(peer);
    let data = if probe.has_data { DATA } else { b"" };
    let seq = peer.next.wrapping_add_signed(probe.seq.offset());
    let len = data.len() as u32 + (probe.flags & (SYN | FIN)).count_ones();
    let numbers = Numbers {
        seq,
        end: seq.wrapping_add(len),
        ack: peer.theirs.wrapping_add_signed(probe.ack.offset()),
        flags: probe.flags,
        next: peer.next,
        theirs: peer.theirs,
    };
    let answers = peer.ask(probe.flags, numbers.seq, numbers.ack, data);
    (numbers, answers)
}

/// What became of the connection, and whether something of the probe was taken. Two questions find out: does it refuse
/// an acknowledgment of something that was not sent, as all do that do not know the peer yet; and what does it answer
/// to a byte that is long known?
fn fate(peer: &mut Peer<'_>, numbers: &Numbers, answers: &[Segment]) -> (String, bool) {
    // An answer says what is expected now, and a SYN in it may begin a new connection.
    let told = answers.iter().rfind(|answer| answer.has(ACK) && !answer.has(RST));
    let next = told.map_or(numbers.next, |answer| answer.ack);
    let theirs = told.filter(|answer| answer.has(SYN)).map_or(numbers.theirs, Segment::end);
    let is_refused = peer.ask(ACK, next, theirs.wrapping_add(1000), b"").iter().any(|answer| answer.has(RST));
    let answers = peer.ask(ACK, next.wrapping_sub(1), theirs.wrapping_sub(peer.withheld), b"0");
    let expects = answers.last().map_or(next, |answer| answer.ack);
    peer.reset(expects);
    let is_new = if theirs == numbers.theirs { "" } else { " anew" };
    let stage = if is_refused { "half-open" } else { "open" };
    match &answers[..] {
        [] => (format!("{stage}{is_new}, silent"), false),
        [answer] if answer.has(RST) => ("gone".to_owned(), false),
        [answer] if answer.flags == ACK && answer.seq == theirs && is_new.is_empty() => {
            (format!("{stage}, expects {}", relative("r", expects, numbers.next)), expects != numbers.next)
        }
        [answer] if answer.flags == ACK && answer.seq == theirs => (format!("{stage}{is_new}"), false),
        more => (format!("{stage}, answers {more:?}"), false),
    }
}

impl Numbers {
    fn tell_all(&self, answers: &[Segment], state: &State) -> String {
        if answers.is_empty() {
            return "-".to_owned();
        }
        answers.iter().map(|answer| self.tell(answer, state)).collect::<Vec<_>>().join(" and ")
    }

    /// Every field of an answer that the table states.
    fn tell(&self, answer: &Segment, state: &State) -> String {
        let mut text: String = FLAGS.iter().filter(|(bit, _)| answer.has(*bit)).map(|(_, letter)| *letter).collect();
        let is_reset = answer.has(RST);
        let seq = match answer.seq {
            0 if is_reset => "0".to_owned(),
            seq if is_reset && self.flags & ACK != 0 && seq == self.ack => "a".to_owned(),
            _ if answer.has(SYN) && !state.is_connection => "ISS".to_owned(),
            seq => relative("n", seq, self.theirs),
        };
        let ack = match answer.ack {
            0 if !answer.has(ACK) => "0".to_owned(),
            ack if is_reset && ack == self.end => "s+len".to_owned(),
            ack if is_reset || answer.has(SYN) => relative("s", ack, self.seq),
            ack => relative("r", ack, self.next),
        };
        let _ = write!(text, " seq {seq} ack {ack}");
        let _ = match answer.window {
            0 => write!(text, " win 0"),
            _ => write!(text, " win >0"),
        };
        let _ = write!(text, " ttl {}{}", answer.ttl, if answer.dont_fragment { " df" } else { "" });
        if is_reset || answer.has(SYN) {
            let _ = write!(text, " id {}", if answer.id == 0 { "0" } else { ">0" });
        }
        if answer.data > 0 {
            let _ = write!(text, " data {}", answer.data);
        }
        if answer.urgent > 0 {
            let _ = write!(text, " urgent {}", answer.urgent);
        }
        text.push_str(&answer.options);
        text
    }
}

/// A number as a distance from another, whose name is `base`.
fn relative(base: &str, number: u32, from: u32) -> String {
    match number.wrapping_sub(from) as i32 {
        0 => base.to_owned(),
        distance @ -300_000..=300_000 => format!("{base}{distance:+}"),
        _ => "elsewhere".to_owned(),
    }
}
