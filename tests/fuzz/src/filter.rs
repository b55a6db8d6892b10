//! Any text as a capture filter: a program that the kernel would take, or an error that points into the text.
//!
//! An input is a text, a zero byte, and a frame.
#![no_main]

mod seeds;
#[path = "../../filters/table.rs"]
mod table;

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use pktsh::net::Medium;
use pktsh::net::bpf::{self, FilterError, Program, Where};

const MEDIA: [Medium; 7] =
    [Medium::Ethernet, Medium::Ip, Medium::Sll, Medium::Sll2, Medium::Null, Medium::Loop, Medium::Other(127)];

/// TCP from 192.0.2.1, without and with a VLAN tag, and the beginning of an IPv6 header.
const FRAMES: &[&[u8]] = &[
    b"",
    b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0\x45\0\0\x28\0\x01\0\0\x40\x06\0\0\xc0\0\x02\x01\xc0\0\x02\x02\
      \0\x14\0\x50\0\0\0\0\0\0\0\0\x50\x02\x20\0\0\0\0\0",
    b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x81\0\0\x05\x08\0\x45\0\0\x28\0\x01\0\0\x40\x11\0\0\xc0\0\x02\x01",
    b"\x60\0\0\0\0\x08\x3a\xff\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
];

fuzz_target!(init: seeds::write(filters), |input: &[u8]| {
    let (text, frame) = input.iter().position(|byte| *byte == 0).map_or((input, &[][..]), |at| input.split_at(at));
    let text = String::from_utf8_lossy(text);
    for medium in MEDIA {
        for place in [Where::Bytes, Where::Kernel] {
            match bpf::compile(&text, medium, place, &mut addresses) {
                Ok(program) => runs(&program, frame),
                Err(error) => points(&error, &text),
            }
        }
    }
});

/// Names in `.lab` have addresses of both families.
fn addresses(name: &str) -> Result<Vec<IpAddr>, String> {
    match name.strip_suffix(".lab") {
        Some(_) => Ok(vec![IpAddr::from([192, 0, 2, 10]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 10])]),
        None => Err(format!("{} is not known", pktsh::base::text::escape(name))),
    }
}

/// The program keeps the kernel's rules, can be printed, and gives a verdict on every frame.
fn runs(program: &Program, frame: &[u8]) {
    assert_eq!(Program::new(program.insns().to_vec()).as_ref(), Ok(program));
    assert_eq!(program.to_string().lines().count(), program.insns().len());
    for frame in FRAMES.iter().copied().chain([frame]) {
        for vlan in [None, Some(5)] {
            program.matches_beside(frame, frame.len() as u32, vlan);
        }
        program.matches(frame, u32::MAX);
    }
}

/// The error is about a part of the text, in words that can be printed.
fn points(error: &FilterError, text: &str) {
    assert!(text.get(error.at.clone()).is_some(), "{:?} is no part of {text:?}: {}", error.at, error.message);
    assert!(!error.message.is_empty() && !error.message.chars().any(char::is_control), "{:?}", error.message);
}

/// The filters that tcpdump is asked about, each with a frame.
fn filters() -> Vec<Vec<u8>> {
    table::FILTERS.iter().map(|text| [text.as_bytes(), b"\0", FRAMES[1]].concat()).collect()
}
