//! What a sniffer's socket lets through, as one program for the kernel.
//!
//! A socket hears one interface or all of them. So "these three" is a question to each frame, and so is what the frame
//! begins with, where the interfaces differ: the kernel tells its interface and that one's link type beside the bytes
//! (`SKF_AD_IFINDEX`, `SKF_AD_HATYPE`; the kernel's `Documentation/networking/filter.rst`).

use std::net::IpAddr;

use socket2::SockFilter;

use crate::net::{Hear, Interface, Medium, NetError};

/// How many bytes of a frame to keep: all.
const ALL: u32 = 1 << 18;
/// The longest program that the kernel takes (`BPF_MAXINSNS`).
const MOST: usize = 4096;

/// An instruction: code, jump if true, jump if false, operand.
type Insn = (u16, u8, u8, u32);

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IS_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const GO: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

const REFUSE: Insn = (RETURN, 0, 0, 0);
const TAKE: Insn = (RETURN, 0, 0, ALL);

/// The program for a capture on `ifaces` (none: all that there are, and that there will be); empty when it would let
/// everything through.
pub(super) fn program(
    hear: &Hear,
    ifaces: &[Interface],
    _resolve: &dyn Fn(&str) -> Result<Vec<IpAddr>, NetError>,
) -> Result<Vec<SockFilter>, NetError> {
    if !hear.filter.is_empty() {
        let message = "capture filters are not there yet".to_owned();
        return Err(NetError::Filter { message, at: 0..hear.filter.len() });
    }
    let part = |_medium| Ok(vec![TAKE]);
    let insns = [which(ifaces), once(ifaces), by_medium(ifaces, part)?].concat();
    if insns.len() > MOST {
        let message = format!("the filter has {} instructions, and the kernel takes {MOST}", insns.len());
        return Err(NetError::Filter { message, at: 0..hear.filter.len() });
    }
    if insns == [TAKE] {
        return Ok(Vec::new());
    }
    Ok(insns.iter().map(|&(code, jt, jf, k)| SockFilter::new(code, jt, jf, k)).collect())
}

/// Refuses what comes by another interface than these. (One alone is what the socket is bound to.)
fn which(ifaces: &[Interface]) -> Vec<Insn> {
    if ifaces.len() < 2 {
        return Vec::new();
    }
    let mut insns = vec![beside(libc::SKF_AD_IFINDEX)];
    for (place, iface) in ifaces.iter().enumerate() {
        let behind = 2 * (ifaces.len() - place - 1) + 1; // the other interfaces, and the refusal
        insns.extend([(IS_EQUAL, 0, 1, iface.index), (GO, 0, 0, behind as u32)]);
    }
    insns.push(REFUSE);
    insns
}

/// Refuses loopback's outgoing copies: each comes in as well.
fn once(ifaces: &[Interface]) -> Vec<Insn> {
    if !ifaces.is_empty() && ifaces.iter().all(|iface| !iface.loopback) {
        return Vec::new();
    }
    vec![
        beside(libc::SKF_AD_HATYPE),
        (IS_EQUAL, 0, 3, u32::from(libc::ARPHRD_LOOPBACK)),
        beside(libc::SKF_AD_PKTTYPE),
        (IS_EQUAL, 0, 1, u32::from(libc::PACKET_OUTGOING)),
        REFUSE,
    ]
}

/// The filter itself, in as many parts as there are media.
fn by_medium(
    ifaces: &[Interface],
    part: impl Fn(Medium) -> Result<Vec<Insn>, NetError>,
) -> Result<Vec<Insn>, NetError> {
    let has = |medium| ifaces.is_empty() || ifaces.iter().any(|iface| iface.medium == medium);
    if !has(Medium::Ip) {
        return part(Medium::Ethernet);
    }
    if !has(Medium::Ethernet) {
        return part(Medium::Ip);
    }
    let (ethernet, ip) = (part(Medium::Ethernet)?, part(Medium::Ip)?);
    if ethernet == ip {
        return Ok(ip);
    }
    // As `frame::medium` has it.
    let choice = [
        beside(libc::SKF_AD_HATYPE),
        (IS_EQUAL, 2, 0, u32::from(libc::ARPHRD_ETHER)),
        (IS_EQUAL, 1, 0, u32::from(libc::ARPHRD_LOOPBACK)),
        (GO, 0, 0, ethernet.len() as u32),
    ];
    Ok([&choice[..], &ethernet, &ip].concat())
}

/// Loads what the kernel tells beside the bytes.
fn beside(what: libc::c_int) -> Insn {
    (LOAD, 0, 0, (libc::SKF_AD_OFF + what) as u32)
}
