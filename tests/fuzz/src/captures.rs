//! Any bytes as a capture file: it is read to its end, and what was read can be written and read again.
#![no_main]

mod seeds;

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use pktsh::net::capture::{Format, Kind, Reader, Record, Store, Writer};
use pktsh::net::{Checksum, Medium};

/// The packets of a file that are looked at.
const MOST: usize = 500;
/// The bytes that a store may hold of it.
const MOST_HELD: usize = 1 << 20;

const FORMATS: [Format; 4] = [
    Format::PCAPNG,
    Format::PCAP,
    Format { kind: Kind::PcapMicros, gzip: false },
    Format { gzip: true, ..Format::PCAPNG },
];

fuzz_target!(init: seeds::write(files), |input: &[u8]| {
    let Ok(packets) = read(input) else { return };
    stored(input, &packets);
    for format in FORMATS {
        written(format, &packets);
    }
});

/// What a record says, with texts of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    bytes: Vec<u8>,
    wall: i64,
    wire_len: usize,
    medium: Medium,
    iface: Option<String>,
    outgoing: bool,
    checksum: Checksum,
    comment: Option<String>,
}

impl Kept {
    fn of(record: &Record<'_>) -> Self {
        assert!(record.wire_len >= record.bytes.len());
        Self {
            bytes: record.bytes.to_vec(),
            wall: record.wall,
            wire_len: record.wire_len,
            medium: record.medium,
            iface: record.iface.map(str::to_owned),
            outgoing: record.outgoing,
            checksum: record.checksum,
            comment: record.comment.map(str::to_owned),
        }
    }

    fn record(&self) -> Record<'_> {
        Record {
            wire_len: self.wire_len,
            iface: self.iface.as_deref(),
            outgoing: self.outgoing,
            checksum: self.checksum,
            comment: self.comment.as_deref(),
            ..Record::new(&self.bytes, self.wall, self.medium)
        }
    }

    /// What is left of it in a file of this kind.
    fn in_file(&self, kind: Kind) -> Self {
        let second = 1_000_000_000;
        let last = i64::from(u32::MAX) * second + second - 1;
        match kind {
            Kind::Pcapng => Self { wall: self.wall.max(0), ..self.clone() },
            _ => Self {
                wall: match kind {
                    Kind::PcapMicros => self.wall.clamp(0, last) / 1000 * 1000,
                    _ => self.wall.clamp(0, last),
                },
                iface: None,
                outgoing: false,
                checksum: Checksum::Ready,
                comment: None,
                ..self.clone()
            },
        }
    }
}

/// The packets of a file up to its end or the bound; the error is that of a file of no such kind.
fn read(file: impl Read) -> Result<Vec<Kept>, ()> {
    let mut reader = Reader::new("fuzz", file).map_err(|error| printable(&error.to_string()))?;
    let mut packets = Vec::new();
    while let Some(record) = reader.next().filter(|_| packets.len() < MOST) {
        packets.push(Kept::of(&record));
    }
    printable(&reader.note().unwrap_or_default());
    Ok(packets)
}

/// A store holds the same, as far as its bound allows.
fn stored(input: &[u8], packets: &[Kept]) {
    let reader = Reader::new("fuzz", input).expect("it was read before");
    let (store, note) = Store::read(reader, MOST_HELD);
    printable(&note.unwrap_or_default());
    for (record, packet) in store.iter().zip(packets) {
        assert_eq!(&Kept::of(&record), packet);
    }
}

/// What is written is read again: all of it as pcapng, the packets of the first one's medium as pcap.
fn written(format: Format, packets: &[Kept]) {
    let is_taken = |packet: &&Kept| format.kind == Kind::Pcapng || packet.medium == packets[0].medium;
    let mut writer = Writer::new("fuzz", Vec::new(), format).expect("memory takes all");
    for packet in packets.iter().filter(is_taken) {
        writer.write(&packet.record()).expect("it was read from a file");
    }
    let file = writer.finish().expect("memory takes all");
    let again = read(&file[..]).expect("we wrote it");
    let wanted: Vec<Kept> = packets.iter().filter(is_taken).map(|packet| packet.in_file(format.kind)).collect();
    assert_eq!(again, wanted, "{format:?}");
}

fn printable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// Files of all formats and both byte orders.
fn files() -> Vec<Vec<u8>> {
    let media = [Medium::Ethernet, Medium::Ip, Medium::Sll2, Medium::Other(147)];
    let packets: Vec<Kept> = seeds::packets(8)
        .filter_map(|packet| seeds::keyed(&packet))
        .zip(media.iter().cycle())
        .enumerate()
        .map(|(number, (bytes, medium))| Kept {
            wire_len: bytes.len() + number % 2,
            wall: 1_700_000_000_123_456_789 + number as i64,
            medium: *medium,
            iface: (number % 3 > 0).then(|| format!("eth{number}")),
            outgoing: number % 4 == 1,
            checksum: if number % 5 == 1 { Checksum::Partial } else { Checksum::Ready },
            comment: (number == 2).then(|| "a remark".to_owned()),
            bytes,
        })
        .collect();
    let plain = [Format::PCAP, Format { kind: Kind::PcapMicros, gzip: false }, Format::PCAPNG];
    let formats = plain.into_iter().flat_map(|format| [format, Format { gzip: true, ..format }]);
    let mut files: Vec<Vec<u8>> = formats.map(|format| file(format, &packets)).collect();
    files.extend(
        [
            "\
        a1b2c3d4 00020004 00000000 00000000 00040000 00000001 65000000 00000001 00000004 00000005 01020304",
            "a1b2cd34 00020004 00000000 00000000 00040000 00000001 65000000 00000001 00000004 00000004 \
        00000001 0800 04 00 01020304",
            // A section, an interface with a resolution and an offset, a simple, an old and an enhanced packet, names.
            "0a0d0d0a 0000001c 1a2b3c4d 00010000 ffffffff ffffffff 0000001c \
        00000001 0000003c 00010000 00040000 0002000400000000 65746830 0009000100000000 83000000 \
        000e0008 00000000 65000000 00000000 0000003c \
        00000003 00000014 00000002 0102 0000 00000014 \
        00000002 00000024 0000 0001 00000000 00000005 00000004 00000004 01020304 00000024 \
        00000004 00000010 00000000 00000010 \
        00000006 00000034 00000000 00000000 00000007 00000001 00000001 01000000 \
        00010002 68690000 00000000 00000034",
        ]
        .map(bytes),
    );
    files
}

fn file(format: Format, packets: &[Kept]) -> Vec<u8> {
    let mut writer = Writer::new("seed", Vec::new(), format).expect("memory takes all");
    for packet in packets {
        // Pcap refuses all media but the first.
        let _ = writer.write(&packet.record());
    }
    writer.finish().expect("memory takes all")
}

/// The bytes of some hexadecimal digits.
fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
