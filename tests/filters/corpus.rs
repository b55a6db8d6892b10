//! Frames of every kind that a filter can ask for, drawn from a seed.

use pktsh::base::Rng;
use pktsh::net::Medium;

/// What a frame carries: its `EtherType` and the bytes after the link-layer header.
type Carried = (u16, Vec<u8>);

const V4: &[[u8; 4]] = &[
    [10, 0, 0, 1],
    [10, 0, 0, 2],
    [10, 1, 2, 3],
    [192, 0, 2, 1],
    [192, 0, 2, 255],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
];
const V6: &[[u8; 16]] = &[
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
];
const MACS: &[[u8; 6]] = &[
    [2, 0, 0, 0, 0, 1],
    [2, 0, 0, 0, 0, 2],
    [0xff; 6],
    [1, 0, 0x5e, 0, 0, 1],
    [0x33, 0x33, 0, 0, 0, 1],
    [0xff, 0xff, 2, 0, 0, 1],
];
const PORTS: &[u16] = &[22, 53, 80, 85, 90, 443, 1024, 5060, 8080, 40000];
const PROTOCOLS: &[u8] = &[1, 2, 6, 6, 6, 6, 17, 17, 17, 9, 50, 51, 58, 103, 112, 132, 89];

/// The media that tcpdump can be asked for by name.
pub(crate) const MEDIA: &[(Medium, &str)] = &[
    (Medium::Ethernet, "EN10MB"),
    (Medium::Ip, "RAW"),
    (Medium::Sll, "LINUX_SLL"),
    (Medium::Sll2, "LINUX_SLL2"),
    (Medium::Null, "NULL"),
];

/// A captured frame: its bytes and its length on the wire.
pub(crate) type Frame = (Vec<u8>, u32);

/// Frames of one medium.
pub(crate) fn frames(medium: Medium, count: usize, seed: u64) -> Vec<Frame> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| frame(medium, &mut rng)).collect()
}

fn frame(medium: Medium, rng: &mut Rng) -> Frame {
    let (ether_type, payload) = carried(rng);
    let mut bytes = header(medium, ether_type, rng);
    bytes.extend(payload);
    if rng.chance(0.03) {
        bytes = random(rng, 80);
        // What BSD's loopback begins with in the other byte order is ours alone to know.
        if medium == Medium::Null {
            bytes.splice(0..0, [0xff; 4]);
        }
    }
    let wire_len = bytes.len() as u32;
    if rng.chance(0.25) {
        bytes.truncate(rng.below(u64::from(wire_len) + 1) as usize);
    }
    (bytes, wire_len)
}

fn header(medium: Medium, ether_type: u16, rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    match medium {
        Medium::Ethernet => {
            out.extend(pick(rng, MACS));
            out.extend(pick(rng, MACS));
            while rng.chance(0.35) {
                out.extend(pick(rng, &[0x8100_u16, 0x8100, 0x88a8, 0x9100]).to_be_bytes());
                out.extend((pick(rng, &[5_u16, 6, 100]) | pick(rng, &[0_u16, 0x6000])).to_be_bytes());
            }
        }
        Medium::Sll => out.extend([0, rng.below(5) as u8, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]),
        Medium::Sll2 => {
            out.extend(ether_type.to_be_bytes());
            out.extend([0, 0, 0, 0, 0, 3, 0, 1, rng.below(5) as u8, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
            return out;
        }
        Medium::Null => {
            let family: u32 = match ether_type {
                0x0800 => 2,
                0x86dd => 10,
                _ => 7,
            };
            out.extend(family.to_le_bytes());
            return out;
        }
        _ => return out,
    }
    out.extend(ether_type.to_be_bytes());
    out
}

fn carried(rng: &mut Rng) -> Carried {
    match rng.below(20) {
        0..=9 => (0x0800, ip4(rng)),
        10..=14 => (0x86dd, ip6(rng)),
        15 | 16 => (pick(rng, &[0x0806, 0x0806, 0x8035]), arp(rng)),
        // A length, and 802.2.
        17 => (rng.below(1501) as u16, [vec![pick(rng, &[0x42, 0x10, 0xaa, 0xfe]), 0x42, 3], random(rng, 50)].concat()),
        18 => (4, [vec![pick(rng, &[0x42, 0x10]), 0x42, 3], random(rng, 50)].concat()),
        _ => (rng.below(65536) as u16, random(rng, 60)),
    }
}

fn ip4(rng: &mut Rng) -> Vec<u8> {
    let protocol = pick(rng, PROTOCOLS);
    let options = if rng.chance(0.2) { 4 * rng.below(11) as usize } else { 0 };
    let body = body(protocol, rng);
    let fragment: u16 = match rng.below(10) {
        0 => 0x2000,
        1 => 1 + rng.below(0x1fff) as u16,
        2..=5 => 0x4000,
        _ => 0,
    };
    let len = (20 + options + body.len()) as u16;
    let mut out = vec![0x45 + (options / 4) as u8, rng.below(256) as u8];
    out.extend(len.to_be_bytes());
    out.extend((rng.below(65536) as u16).to_be_bytes());
    out.extend(fragment.to_be_bytes());
    out.extend([pick(rng, &[1, 4, 64, 128, 255]), protocol, 0, 0]);
    out.extend(pick(rng, V4));
    out.extend(pick(rng, V4));
    out.extend(vec![1; options]);
    out.extend(body);
    out
}

fn ip6(rng: &mut Rng) -> Vec<u8> {
    let protocol = pick(rng, PROTOCOLS);
    let mut body = body(protocol, rng);
    let mut next = protocol;
    if rng.chance(0.2) {
        body.splice(0..0, [protocol, 0, 0, rng.below(2) as u8, 0, 0, 0, 7]);
        next = 44;
    } else if rng.chance(0.1) {
        body.splice(0..0, [protocol, 0, 1, 4, 0, 0, 0, 0]);
        next = 0;
    }
    let mut out = vec![0x60, 0, 0, 0];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend([next, 64]);
    out.extend(pick(rng, V6));
    out.extend(pick(rng, V6));
    out.extend(body);
    out
}

fn arp(rng: &mut Rng) -> Vec<u8> {
    let mut out = vec![0, 1, 8, 0, 6, 4, 0, 1 + rng.below(2) as u8];
    for _ in 0..2 {
        out.extend(pick(rng, MACS));
        out.extend(pick(rng, V4));
    }
    out
}

/// What an IP header carries.
fn body(protocol: u8, rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    match protocol {
        6 | 17 | 132 => {
            out.extend(pick(rng, PORTS).to_be_bytes());
            out.extend(pick(rng, PORTS).to_be_bytes());
            if protocol == 6 {
                out.extend(random_of(rng, 8));
                out.extend([pick(rng, &[0x50, 0x80]), rng.below(256) as u8]);
                out.extend(random_of(rng, 6));
                if rng.chance(0.3) {
                    out.extend(*b"GET / HTTP/1.1\r\n");
                }
            } else {
                out.extend(random_of(rng, 4));
            }
        }
        1 => out.extend([pick(rng, &[0, 3, 5, 8, 11]), rng.below(4) as u8]),
        58 => out.extend([pick(rng, &[1, 128, 129, 133, 135, 136]), 0]),
        _ => {}
    }
    out.extend(random(rng, 40));
    out
}

fn random(rng: &mut Rng, most: u64) -> Vec<u8> {
    let len = rng.below(most + 1) as usize;
    random_of(rng, len)
}

fn random_of(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    bytes
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}
