//! What a sniffer's socket lets through, as one program for the kernel.
//!
//! A socket hears one interface or all of them. So "these three" is a question to each frame, and so is what the frame
//! begins with, where the interfaces differ: the kernel tells its interface and that one's link type beside the bytes
//! (`SKF_AD_IFINDEX`, `SKF_AD_HATYPE`; the kernel's `Documentation/networking/filter.rst`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::net::bpf::{self, FilterError, Insn, MAX_INSNS, Where};
use crate::net::{Interface, Medium, NetError};

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IS_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const GO: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const REFUSE: Insn = insn(RETURN, 0, 0, 0);

/// The program of the filter `text` for a capture on `ifaces` (none: all that there are, and that there will be); empty
/// when it would let everything through.
pub(super) fn program(
    text: &str,
    ifaces: &[Interface],
    resolve: impl Fn(&str) -> Result<Vec<IpAddr>, NetError>,
) -> Result<Vec<Insn>, NetError> {
    // The text is compiled for each medium, and its names are to mean the same in all of them.
    let mut known = BTreeMap::new();
    let mut once_resolved = |name: &str| {
        let addrs = known.entry(name.to_owned()).or_insert_with(|| resolve(name).map_err(|e| e.to_string()));
        addrs.clone()
    };
    let part = |medium| {
        let program = bpf::compile(text, medium, Where::Kernel, &mut once_resolved)?;
        Ok(program.insns().to_vec())
    };
    let refused = |e: FilterError| NetError::Filter { message: e.message, at: e.at };
    let filter = by_medium(ifaces, part).map_err(refused)?;
    let insns = [which(ifaces), incoming(ifaces), filter].concat();
    match insns[..] {
        [Insn { code: RETURN, k: 1.., .. }] => Ok(Vec::new()),
        _ if insns.len() > MAX_INSNS => {
            let message = format!(
                "the filter needs {} instructions for these interfaces, and the kernel takes {MAX_INSNS}; \
                 name one interface with `iface`",
                insns.len()
            );
            Err(NetError::Filter { message, at: 0..text.len() })
        }
        _ => Ok(insns),
    }
}

/// Refuses what comes by another interface than these. (One alone is what the socket is bound to.)
fn which(ifaces: &[Interface]) -> Vec<Insn> {
    if ifaces.len() < 2 {
        return Vec::new();
    }
    let mut insns = vec![beside(libc::SKF_AD_IFINDEX)];
    for (place, iface) in ifaces.iter().enumerate() {
        let behind = 2 * (ifaces.len() - place - 1) + 1; // the other interfaces, and the refusal
        insns.extend([insn(IS_EQUAL, 0, 1, iface.index), go(behind)]);
    }
    insns.push(REFUSE);
    insns
}

/// Refuses loopback's outgoing copies: each comes in as well.
fn incoming(ifaces: &[Interface]) -> Vec<Insn> {
    if !ifaces.is_empty() && ifaces.iter().all(|iface| !iface.loopback) {
        return Vec::new();
    }
    vec![
        beside(libc::SKF_AD_HATYPE),
        insn(IS_EQUAL, 0, 3, u32::from(libc::ARPHRD_LOOPBACK)),
        beside(libc::SKF_AD_PKTTYPE),
        insn(IS_EQUAL, 0, 1, u32::from(libc::PACKET_OUTGOING)),
        REFUSE,
    ]
}

/// The filter itself, in as many parts as there are media.
///
/// A filter that makes sense on Ethernet only (`ether host`) refuses everything on the other.
fn by_medium(
    ifaces: &[Interface],
    mut part: impl FnMut(Medium) -> Result<Vec<Insn>, FilterError>,
) -> Result<Vec<Insn>, FilterError> {
    let has = |medium| ifaces.is_empty() || ifaces.iter().any(|iface| iface.medium == medium);
    if !has(Medium::Ip) {
        return part(Medium::Ethernet);
    }
    if !has(Medium::Ethernet) {
        return part(Medium::Ip);
    }
    let ethernet = part(Medium::Ethernet)?;
    let ip = match part(Medium::Ip) {
        // Both parts are of one size nearly: this one was not refused for its length.
        Err(_) if ethernet.len() <= MAX_INSNS / 2 => vec![REFUSE],
        ip => ip?,
    };
    if ethernet == ip {
        return Ok(ip);
    }
    // As `frame::medium` has it.
    let choice = [
        beside(libc::SKF_AD_HATYPE),
        insn(IS_EQUAL, 2, 0, u32::from(libc::ARPHRD_ETHER)),
        insn(IS_EQUAL, 1, 0, u32::from(libc::ARPHRD_LOOPBACK)),
        go(ethernet.len()),
    ];
    Ok([&choice[..], &ethernet, &ip].concat())
}

const fn insn(code: u16, jt: u8, jf: u8, k: u32) -> Insn {
    Insn { code, jt, jf, k }
}

/// Passes over so many instructions.
fn go(distance: usize) -> Insn {
    insn(GO, 0, 0, distance as u32)
}

/// Loads what the kernel tells beside the bytes.
fn beside(what: libc::c_int) -> Insn {
    insn(LOAD, 0, 0, (libc::SKF_AD_OFF + what) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::bpf::Program;

    /// What the kernel tells beside a frame's bytes: interface, link type, direction.
    type Beside = (u32, u16, u8);

    const IN: u8 = 0;
    const OUT: u8 = libc::PACKET_OUTGOING;
    const ETHER: u16 = libc::ARPHRD_ETHER;
    const LO: u16 = libc::ARPHRD_LOOPBACK;
    const TUN: u16 = libc::ARPHRD_NONE;

    fn iface(index: u32, medium: Medium, loopback: bool) -> Interface {
        let name = format!("if{index}");
        Interface { index, name, mac: None, mtu: 1500, medium, loopback, up: true, addrs: Vec::new() }
    }

    /// Three interfaces: 1 is loopback, 2 Ethernet, 3 a tunnel.
    fn ifaces(indexes: &[u32]) -> Vec<Interface> {
        let of = |&index: &u32| iface(index, if index == 3 { Medium::Ip } else { Medium::Ethernet }, index == 1);
        indexes.iter().map(of).collect()
    }

    fn compiled(text: &str, indexes: &[u32]) -> Vec<Insn> {
        let resolve = |name: &str| match name {
            "web" => Ok(vec![IpAddr::from([192, 0, 2, 7])]),
            _ => Err(NetError::UnknownName { name: name.to_owned(), hint: "who?".to_owned() }),
        };
        program(text, &ifaces(indexes), resolve).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Whether the program takes a frame: what lies beside the bytes is looked up here, the rest is a program's own.
    fn takes(insns: &[Insn], beside: Beside, bytes: &[u8]) -> bool {
        let told = |what: u32| match what as i32 - libc::SKF_AD_OFF {
            libc::SKF_AD_IFINDEX => Some(beside.0),
            libc::SKF_AD_HATYPE => Some(u32::from(beside.1)),
            libc::SKF_AD_PKTTYPE => Some(u32::from(beside.2)),
            _ => None,
        };
        let mut at = 0;
        while let Some(Insn { code: LOAD, k, .. }) = insns.get(at) {
            let Some(value) = told(*k) else { break };
            at += 1;
            loop {
                match insns[at] {
                    Insn { code: IS_EQUAL, jt, jf, k } => at += 1 + usize::from(if value == k { jt } else { jf }),
                    Insn { code: GO, k, .. } => at += 1 + k as usize,
                    REFUSE => return false,
                    _ => break,
                }
                // A jump leads to the next question, or into the filter itself.
                if insns[at].code == LOAD || insns[at].code == RETURN && insns[at].k > 0 {
                    break;
                }
            }
        }
        Program::new(insns[at..].to_vec()).expect("the kernel takes it").matches(bytes, bytes.len() as u32)
    }

    fn packet() -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes[0] = 0x45;
        bytes[9] = 17;
        bytes[16..20].copy_from_slice(&[192, 0, 2, 7]);
        bytes[22..24].copy_from_slice(&[0, 53]);
        bytes
    }

    fn frame() -> Vec<u8> {
        [&[0; 12][..], &[8, 0], &packet()].concat()
    }

    #[test]
    fn without_a_filter_only_the_interface_is_asked() {
        assert_eq!(compiled("", &[2]), []);
        assert_eq!(compiled("", &[3]), []);
        let two = compiled("", &[2, 3]);
        for (beside, wanted) in [((2, ETHER, IN), true), ((3, TUN, OUT), true), ((4, ETHER, IN), false)] {
            assert_eq!(takes(&two, beside, &frame()), wanted, "{beside:?}");
        }
        for indexes in [&[1][..], &[], &[1, 2]] {
            let insns = compiled("", indexes);
            for (beside, wanted) in [((1, LO, IN), true), ((1, LO, OUT), false)] {
                assert_eq!(takes(&insns, beside, &frame()), wanted, "{indexes:?} {beside:?}");
            }
        }
        assert!(takes(&compiled("", &[]), (9, TUN, OUT), &packet()));
    }

    #[test]
    fn each_medium_has_its_part() {
        for text in ["udp port 53", "dst host web", "ip[9] = 17", "greater 40"] {
            for indexes in [&[][..], &[1, 2, 3]] {
                let insns = compiled(text, indexes);
                for (beside, bytes) in [((1, LO, IN), frame()), ((2, ETHER, OUT), frame()), ((3, TUN, IN), packet())] {
                    assert!(takes(&insns, beside, &bytes), "{text} {indexes:?} {beside:?}");
                    let other = if beside.1 == TUN { frame() } else { packet() };
                    let by_length = text.starts_with("greater");
                    assert_eq!(
                        takes(&insns, beside, &other),
                        by_length,
                        "{text} {indexes:?} {beside:?}, the other medium"
                    );
                }
                assert!(!takes(&insns, (1, LO, OUT), &frame()));
                assert_eq!(takes(&insns, (4, ETHER, IN), &frame()), indexes.is_empty());
            }
        }
    }

    #[test]
    fn a_filter_of_one_medium_refuses_the_other() {
        let insns = compiled("ether src 00:00:00:00:00:00", &[]);
        assert!(takes(&insns, (2, ETHER, IN), &frame()));
        assert!(!takes(&insns, (3, TUN, IN), &packet()));
    }

    #[test]
    fn long_filters_and_many_interfaces_are_jumped_over() {
        let ports: Vec<String> = (0..150).map(|n| format!("udp port {}", 1000 + 2 * n)).collect();
        let insns = compiled(&format!("{} or udp port 53", ports.join(" or ")), &[2, 3]);
        assert!(insns.len() > 1000, "one part is longer than a short jump");
        assert!(takes(&insns, (3, TUN, IN), &packet()) && takes(&insns, (2, ETHER, IN), &frame()));
        let many: Vec<Interface> = (1..=1000).map(|index| iface(index, Medium::Ethernet, false)).collect();
        let insns = program("udp", &many, |_| Ok(Vec::new())).expect("a program");
        for (index, wanted) in [(1, true), (500, true), (1000, true), (1001, false)] {
            assert_eq!(takes(&insns, (index, ETHER, IN), &frame()), wanted, "{index}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let refused = |text: &str, indexes: &[u32]| {
            let resolve = |name: &str| Err(NetError::UnknownName { name: name.to_owned(), hint: "who?".to_owned() });
            match program(text, &ifaces(indexes), resolve) {
                Err(NetError::Filter { message, at }) => (message, text[at].to_owned()),
                other => panic!("{text}: {other:?}"),
            }
        };
        assert_eq!(refused("udp port 53 and", &[]).1, "");
        assert_eq!(refused("host nobody", &[2]), ("cannot resolve \"nobody\": who?".to_owned(), "nobody".to_owned()));
        let long: Vec<String> = (0..400).map(|n| format!("udp port {}", 1000 + 2 * n)).collect();
        assert!(refused(&long.join(" or "), &[]).0.contains("instructions"), "no part is left out for its length");
        let many: Vec<Interface> = (1..=2100).map(|index| iface(index, Medium::Ethernet, false)).collect();
        let error = program("", &many, |_| Ok(Vec::new())).expect_err("too long").to_string();
        assert!(error.starts_with("the filter needs 4203 instructions for these interfaces"), "{error}");
    }
}
