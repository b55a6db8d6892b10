//! Any traffic into the laboratory: no host panics, says more than it may, or talks for ever.
//!
//! An input is a row of messages: the last byte of a host's address, what it is (see [`frame`]), a length, and so many
//! bytes. Lengths and checksums are put right, or no host would read further.
#![no_main]

mod seeds;

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pktsh::base::checksum::{Sum, checksum, crc32c};
use pktsh::lab::{Lab, Plan};
use pktsh::net::{Event, Hear, Link, Polled, Via, World};
use seeds::packets;

/// The student's machine.
const YOU: [u8; 4] = [192, 0, 2, 2];
const YOU6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// Messages of one input.
const MOST_MESSAGES: usize = 16;

/// Frames that may come after one message and the waiting behind it.
const MOST_FRAMES: usize = 600;

fuzz_target!(init: seeds::write(traffic), |input: &[u8]| {
    let lab = Lab::from_plan(Plan::builtin(), 1);
    let _quiet = lab.suppress_rst(61000);
    let mut link = lab.open().expect("the laboratory opens");
    let mut capture = lab.capture(&Hear::default()).expect("and hears");
    for message in messages(input).take(MOST_MESSAGES) {
        match message {
            [wait, 255, _, ..] => {
                lab.sleep(Duration::from_millis(u64::from(*wait) * 100));
            }
            [host, kind, _, bytes @ ..] => {
                let _ = link.send(Via::Frame(1), &frame(*host, *kind, bytes), 0);
            }
            _ => {}
        }
        hear(&lab, &mut *link);
        hear(&lab, capture.link());
    }
});

/// What comes within 50 ms.
fn hear(lab: &Lab, link: &mut dyn Link) {
    let until = lab.now() + Duration::from_millis(50);
    let mut count = 0;
    let mut on = |event: Event<'_>| count += usize::from(matches!(event, Event::Heard(_)));
    while link.poll(until, &mut on).expect("it can be heard") == Polled::Some {}
    assert!(count <= MOST_FRAMES, "{count} frames");
}

/// The messages of an input, each with its head of three bytes.
fn messages(mut input: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = 3 + usize::from(*input.get(2)?);
        let (message, rest) = input.split_at(length.min(input.len()));
        input = rest;
        Some(message)
    })
}

/// A frame to `host`: of IPv6 when the highest bit of `kind` is set, else of IPv4; the rest of it is the protocol, and
/// 0 a frame as it is.
fn frame(host: u8, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let (is_ipv6, protocol) = (kind & 0x80 != 0, kind & 0x7f);
    if protocol == 0 {
        return bytes.to_vec();
    }
    let protocol = if protocol == 0x7f { 132 } else { protocol };
    let (src, dst) = if is_ipv6 {
        let mut dst = YOU6;
        // As the plan numbers its hosts: ::30 for 192.0.2.30.
        dst[15] = (host / 10 % 10) << 4 | host % 10;
        (YOU6.to_vec(), dst.to_vec())
    } else {
        (YOU.to_vec(), vec![192, 0, 2, host])
    };
    let payload = repaired(protocol, &src, &dst, bytes);
    let length = payload.len() as u16;
    let mut frame = vec![2, 0, 0, 0, 0, host, 2, 0, 0, 0, 0, 2];
    if is_ipv6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend(length.to_be_bytes());
        frame.extend([protocol, 64]);
        frame.extend([src, dst].concat());
    } else {
        frame.extend([8, 0]);
        let mut header = vec![0x45, 0];
        header.extend((20 + length).to_be_bytes());
        header.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
        header.extend([src, dst].concat());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend(header);
    }
    frame.extend(payload);
    frame
}

/// A payload with its length and checksum right.
fn repaired(protocol: u8, src: &[u8], dst: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut payload = bytes.to_vec();
    let length = payload.len() as u16;
    // Where the checksum stands.
    let at = match (protocol, payload.len()) {
        (6, 20..) => 16,
        (17, 8..) => {
            payload[4..6].copy_from_slice(&length.to_be_bytes());
            6
        }
        (1 | 2, 4..) | (58, 4..) => 2,
        (132, 12..) => {
            payload[8..12].fill(0);
            let sum = crc32c(&payload).to_le_bytes();
            payload[8..12].copy_from_slice(&sum);
            return payload;
        }
        _ => return payload,
    };
    payload[at..at + 2].fill(0);
    let pseudo = [src, dst, &[0, protocol], &length.to_be_bytes()].concat();
    let sum = match protocol {
        1 | 2 => checksum(&payload),
        _ => Sum::default().add(&pseudo).add(&payload).finish(),
    };
    payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    payload
}

/// Handshakes and questions that go on where random bytes would not, and random packets.
fn traffic() -> Vec<Vec<u8>> {
    let message = |host: u8, kind: u8, bytes: &[u8]| [&[host, kind, bytes.len() as u8][..], bytes].concat();
    let segment = |port: u8, flags: u8, data: &[u8]| {
        let mut bytes = vec![0xee, 0x48, 0, port, 0, 0, 3, 232, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0];
        bytes.extend(data);
        bytes
    };
    let datagram = |port: u16, data: &[u8]| {
        let mut bytes = vec![0xee, 0x48];
        bytes.extend(port.to_be_bytes());
        bytes.extend([0, 0, 0, 0]);
        bytes.extend(data);
        bytes
    };
    let mut all = Vec::new();
    for host in [10, 11, 12, 13, 14, 15, 16, 17, 23, 24, 30, 40, 42] {
        let flags = [0x02, 0x10, 0x18, 0x11, 0x29, 0x04, 0x12];
        let course: Vec<u8> = flags
            .into_iter()
            .flat_map(|bits| message(host, 6, &segment(80, bits, b"GET / HTTP/1.1\r\n\r\n")))
            .collect();
        all.push([&course[..], &message(30, 255, b"")].concat());
    }
    for (host, port) in [(53, 53), (38, 7), (38, 13), (38, 123), (61, 137), (61, 5353), (66, 5355)] {
        all.push(message(host, 17, &datagram(port, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x03nas\x05local\0\0\x0c\0\x01")));
    }
    let init = b"\xee\x48\x8e\x3c\0\0\0\0\0\0\0\0\x01\0\0\x14\0\0\0\x07\0\0\x80\0\0\x01\0\x01\0\0\0\x01";
    all.push(message(36, 0x7f, init));
    all.push(message(10, 0xba, b"\x80\0\0\0\0\x01\0\x01hello"));
    all.push(message(10, 1, b"\x0d\0\0\0\0\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\0"));
    all.extend(packets(200).filter_map(|packet| {
        let bytes = packet.bytes(&pktsh::packet::Nowhere).ok()?;
        Some(message(11, 6, &bytes[..bytes.len().min(255)]))
    }));
    all
}
