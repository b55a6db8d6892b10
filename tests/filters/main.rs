//! tcpdump as witness: the same filters over the same frames give the same verdicts.

mod corpus;
mod grammar;
mod oracle;
mod table;

use std::net::IpAddr;

use corpus::{Frame, MEDIA, frames};
use pktsh::base::Rng;
use pktsh::net::Medium;
use pktsh::net::bpf::{self, FilterError, Insn, Program, Where};
use table::FILTERS;

fn compile(text: &str, medium: Medium, place: Where) -> Result<Program, FilterError> {
    let mut unknown = |name: &str| -> Result<Vec<IpAddr>, String> { Err(format!("{name} is not known")) };
    bpf::compile(text, medium, place, &mut unknown)
}

/// What was compared.
#[derive(Debug, Default)]
struct Count {
    /// Filters that both sides took, and that both refused.
    taken: usize,
    refused: usize,
    /// Verdicts that were the same, and how many of them were yes.
    verdicts: usize,
    yes: usize,
    /// Verdicts on which tcpdump's code differs from its own code without its optimizer.
    open: usize,
}

/// Compares verdicts. Where they differ: what to print.
///
/// tcpdump's optimizer asks some questions in another order. Where that changes its verdict on a frame that was cut, its
/// code without the optimizer is the measure.
fn compare(medium: Medium, link_type: &str, text: &str, frames: &[Frame], count: &mut Count) -> Option<String> {
    let ours = compile(text, medium, Where::Bytes);
    let theirs = oracle::compiled(link_type, text, true);
    let (ours, theirs) = match (ours, theirs) {
        (Err(_), None) => {
            count.refused += 1;
            return None;
        }
        (Ok(_), None) => return Some(format!("{link_type} {text}: tcpdump refuses it")),
        (Err(error), Some(_)) => return Some(format!("{link_type} {text}: {error}")),
        (Ok(ours), Some(theirs)) => (ours, theirs),
    };
    count.taken += 1;
    let mut plain = None;
    for (bytes, len) in frames {
        let (one, other) = (ours.matches(bytes, *len), theirs.matches(bytes, *len));
        count.verdicts += 1;
        count.yes += usize::from(one);
        if one == other {
            continue;
        }
        let plain = plain.get_or_insert_with(|| oracle::compiled(link_type, text, false));
        if plain.as_ref().is_none_or(|plain| plain.matches(bytes, *len) != one) {
            return Some(format!("{link_type} {text}: ours {one}: {len} {bytes:02x?}\n{ours}\n{theirs}"));
        }
        count.open += 1;
    }
    None
}

#[test]
fn verdicts_are_those_of_tcpdumps_own_code() {
    let mut count = Count::default();
    let mut wrong = Vec::new();
    for (medium, link_type) in MEDIA {
        let frames = frames(*medium, 1000, 1);
        wrong.extend(FILTERS.iter().filter_map(|text| compare(*medium, link_type, text, &frames, &mut count)));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count.taken > 800 && count.refused > 250, "{count:?}");
    assert!(count.yes * 20 > count.verdicts && count.open * 1000 < count.verdicts, "{count:?}");
}

#[test]
fn verdicts_on_random_filters_are_those_of_tcpdumps_own_code() {
    let mut rng = Rng::new(7);
    let mut count = Count::default();
    let corpora: Vec<Vec<Frame>> = MEDIA.iter().map(|(medium, _)| frames(*medium, 500, 2)).collect();
    let mut wrong = Vec::new();
    for round in 0..1000 {
        let text = grammar::filter(&mut rng);
        let at = round % MEDIA.len();
        let (medium, link_type) = MEDIA[at];
        wrong.extend(compare(medium, link_type, &text, &corpora[at], &mut count));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count.taken > 700, "{count:?}");
    assert!(count.yes * 20 > count.verdicts && count.open * 100 < count.verdicts, "{count:?}");
}

#[test]
fn tcpdump_takes_the_same_frames_from_a_file() {
    for (medium, link_type) in MEDIA {
        let frames = frames(*medium, 600, 3);
        for text in FILTERS.iter().step_by(3) {
            let Ok(ours) = compile(text, *medium, Where::Bytes) else { continue };
            let Some(theirs) = oracle::taken(medium.link_type(), &frames, text) else { continue };
            let plain = oracle::compiled(link_type, text, false).expect("it was taken");
            for ((bytes, len), taken) in frames.iter().zip(theirs) {
                let verdict = ours.matches(bytes, *len);
                assert!(
                    verdict == taken || verdict == plain.matches(bytes, *len),
                    "{text}: {len} {bytes:02x?}\n{ours}"
                );
            }
        }
    }
}

#[test]
fn programs_are_printed_as_tcpdump_prints_them() {
    let mut count = 0;
    for (_, link_type) in MEDIA {
        for text in FILTERS {
            for optimizes in [true, false] {
                let Some(program) = oracle::compiled(link_type, text, optimizes) else { continue };
                if program.insns().len() > 1 {
                    assert_eq!(format!("{program}\n"), oracle::printed(link_type, text, optimizes), "{text}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 1500, "{count}");
}

/// Filters that begin with `vlan`: the kernel took out what they ask for.
const TAGGED: &[&str] = &[
    "vlan",
    "vlan 5",
    "vlan 5 and tcp",
    "vlan and ip and tcp port 80",
    "vlan 6 and host 10.0.0.1",
    "vlan 5 or tcp",
    "vlan and vlan",
    "vlan 5 and vlan 100 and ip6",
    "vlan and tcp[13] & 2 != 0",
    "vlan and ether host 02:00:00:00:00:01",
    "not vlan 5",
    "vlan and not ip",
];

/// A frame as the kernel gives it: the outermost tag beside it, when it has one.
fn as_received((bytes, wire_len): &Frame) -> (Vec<u8>, u32, Option<u16>) {
    match bytes[..] {
        [_, _, _, _, _, _, _, _, _, _, _, _, 0x81 | 0x88 | 0x91, 0 | 0xa8, high, low, ..] => {
            ([&bytes[..12], &bytes[16..]].concat(), wire_len - 4, Some(u16::from_be_bytes([high, low])))
        }
        _ => (bytes.clone(), *wire_len, None),
    }
}

#[test]
fn a_tag_beside_the_frame_is_found_as_one_in_it() {
    let mut tagged = 0;
    for text in TAGGED {
        let in_bytes = compile(text, Medium::Ethernet, Where::Bytes).expect("it is a filter");
        let beside = compile(text, Medium::Ethernet, Where::Kernel).expect("it is a filter");
        for frame in frames(Medium::Ethernet, 1000, 4) {
            let wanted = in_bytes.matches(&frame.0, frame.1);
            assert_eq!(beside.matches(&frame.0, frame.1), wanted, "{text}: the tag was left in");
            let (bytes, wire_len, tag) = as_received(&frame);
            assert_eq!(beside.matches_beside(&bytes, wire_len, tag), wanted, "{text}: {:02x?}", frame.0);
            tagged += usize::from(tag.is_some());
        }
    }
    assert!(tagged > 3000, "{tagged}");
}

#[test]
fn verdicts_in_the_kernel_are_those_of_tcpdump_on_an_interface() {
    let mut yes = 0;
    for text in TAGGED {
        let ours = compile(text, Medium::Ethernet, Where::Kernel).expect("it is a filter");
        let theirs = oracle::compiled_for_loopback(text);
        for frame in frames(Medium::Ethernet, 1000, 6) {
            let received = as_received(&frame);
            for (bytes, wire_len, tag) in [received, (frame.0, frame.1, None)] {
                let verdict = ours.matches_beside(&bytes, wire_len, tag);
                assert_eq!(
                    verdict,
                    theirs.matches_beside(&bytes, wire_len, tag),
                    "{text}: {tag:?} {bytes:02x?}\n{ours}"
                );
                yes += usize::from(verdict);
            }
        }
    }
    assert!(yes > 3000, "{yes}");
}

#[test]
fn the_kernel_takes_every_program() {
    let (socket, _other) = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::DGRAM, None).expect("a pair");
    let mut count = 0;
    let media = MEDIA.iter().map(|(medium, _)| *medium).chain([Medium::Loop]);
    for (medium, place) in media.flat_map(|medium| [(medium, Where::Kernel), (medium, Where::Bytes)]) {
        for text in FILTERS {
            let Ok(program) = compile(text, medium, place) else { continue };
            let attached = socket.attach_filter(&for_socket(&program));
            assert!(attached.is_ok(), "{text}: {attached:?}\n{program}");
            count += 1;
        }
    }
    assert!(count > 1500, "{count}");
}

/// What the kernel's own machine says of frames that go through a socket pair.
#[test]
fn verdicts_are_those_of_the_kernel() {
    let medium = Medium::Ethernet;
    let frames = frames(medium, 200, 5);
    let mut yes = 0;
    for text in FILTERS.iter().step_by(5) {
        // An offset before the frame's begin means something else to the kernel.
        if text.contains("[len") {
            continue;
        }
        let Ok(program) = compile(text, medium, Where::Bytes) else { continue };
        let (near, far) = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::DGRAM, None).expect("a pair");
        far.set_nonblocking(true).expect("it can be set");
        far.attach_filter(&for_socket(&program)).expect("the kernel takes it");
        for (bytes, _) in frames.iter().filter(|(bytes, _)| !bytes.is_empty()) {
            near.send(bytes).expect("there is room");
            let mut room = [std::mem::MaybeUninit::uninit(); 256];
            let is_there = far.recv(&mut room).is_ok();
            assert_eq!(is_there, program.matches(bytes, bytes.len() as u32), "{text}: {bytes:02x?}\n{program}");
            yes += usize::from(is_there);
        }
    }
    assert!(yes > 500, "{yes}");
}

fn for_socket(program: &Program) -> Vec<socket2::SockFilter> {
    program.insns().iter().map(|Insn { code, jt, jf, k }| socket2::SockFilter::new(*code, *jt, *jf, *k)).collect()
}
