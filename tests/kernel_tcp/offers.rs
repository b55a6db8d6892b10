//! What a listening port answers to the options of a SYN, and to explicit congestion notification.

use etherparse::TcpOptionElement::{
    self, MaximumSegmentSize, SelectiveAcknowledgementPermitted, Timestamp, WindowScale,
};

use super::peer::{CWR, ECE, FLAGS, Peer, STAMP, SYN};
use super::side::Side;
use super::states::SINK;

/// What may be offered, with its name.
const OPTIONS: [(&str, TcpOptionElement); 4] = [
    ("mss", MaximumSegmentSize(1460)),
    ("sackOK", SelectiveAcknowledgementPermitted),
    ("ts", Timestamp(STAMP, 0)),
    ("ws", WindowScale(7)),
];

/// The bits of explicit congestion notification (RFC 3168 section 6.1.1), with their names.
const ECN: [(u8, &str); 4] = [(0, ""), (ECE, "E"), (CWR, "C"), (ECE | CWR, "EC")];

/// All offers with their answers, one a line.
pub(crate) fn answers(side: &mut Side) -> Vec<String> {
    let mut lines = Vec::new();
    for (bits, letters) in ECN {
        let count = if bits == 0 { 1 << OPTIONS.len() } else { 1 };
        for set in 0..count {
            let offered = OPTIONS.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, option)| option);
            let (names, options): (Vec<&str>, Vec<TcpOptionElement>) = offered.cloned().unzip();
            let offer = format!("S{letters} {}", names.join(" "));
            lines.push(format!("    {:<20}  {}", offer.trim_end(), answer(side, SYN | bits, &options)));
        }
    }
    lines
}

fn answer(side: &mut Side, flags: u8, options: &[TcpOptionElement]) -> String {
    let mut peer = Peer::new(side, SINK);
    let answers = peer.ask_with(flags, options);
    peer.reset(peer.next.wrapping_add(1));
    let [answer] = &answers[..] else { return format!("{answers:?}") };
    let letters = FLAGS.iter().chain(&[(ECE, 'E'), (CWR, 'C')]);
    let flags: String = letters.filter(|(bit, _)| answer.has(*bit)).map(|(_, letter)| *letter).collect();
    format!("{flags} win {}{}", answer.window, answer.options)
}
