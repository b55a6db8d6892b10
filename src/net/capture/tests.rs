//! What holds for all files: what is written is read again, and no file does harm.

use std::io::{self, Read};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::net::{Checksum, Medium};

const PCAPNG: Format = Format::PCAPNG;
const MICROS: Format = Format { kind: Kind::PcapMicros, gzip: false };
const FORMATS: [Format; 6] = [
    Format::PCAP,
    MICROS,
    PCAPNG,
    Format { gzip: true, ..Format::PCAP },
    Format { gzip: true, ..MICROS },
    Format { gzip: true, ..PCAPNG },
];

/// A record that owns its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    bytes: Vec<u8>,
    wall: i64,
    wire_len: usize,
    medium: Medium,
    iface: Option<String>,
    outgoing: bool,
    checksum: Checksum,
    comment: Option<String>,
}

impl Owned {
    fn of(record: Record<'_>) -> Self {
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
            bytes: &self.bytes,
            wall: self.wall,
            wire_len: self.wire_len,
            medium: self.medium,
            iface: self.iface.as_deref(),
            outgoing: self.outgoing,
            checksum: self.checksum,
            comment: self.comment.as_deref(),
        }
    }

    /// What a file of this format keeps of it.
    fn kept_by(&self, kind: Kind) -> Self {
        match kind {
            Kind::Pcapng => self.clone(),
            _ => Self {
                wall: if kind == Kind::PcapMicros { self.wall / 1000 * 1000 } else { self.wall },
                iface: None,
                outgoing: false,
                checksum: Checksum::Ready,
                comment: None,
                ..self.clone()
            },
        }
    }
}

fn packets(one_medium: bool) -> impl Strategy<Value = Vec<Owned>> {
    let medium = prop_oneof![Just(Medium::Ethernet), Just(Medium::Ip), Just(Medium::Sll2), Just(Medium::Other(147))];
    let iface = prop_oneof![Just(None), Just(Some("eth0".to_owned())), "[a-zé]{1,9}".prop_map(Some)];
    let comment = prop_oneof![4 => Just(None), 1 => "[ -~é\n]{1,30}".prop_map(Some)];
    let bytes = prop::collection::vec(any::<u8>(), 0..90);
    let wall = 0..4_294_967_295_999_999_999_i64;
    let packet = (bytes, wall, 0..2000_usize, medium, iface, any::<bool>(), any::<bool>(), comment).prop_map(
        |(bytes, wall, cut, medium, iface, outgoing, is_partial, comment)| Owned {
            wire_len: bytes.len() + cut,
            bytes,
            wall,
            medium,
            iface,
            outgoing,
            checksum: if is_partial { Checksum::Partial } else { Checksum::Ready },
            comment,
        },
    );
    prop::collection::vec(packet, 1..12).prop_map(move |mut packets| {
        if one_medium {
            let medium = packets[0].medium;
            for packet in &mut packets {
                packet.medium = medium;
            }
        }
        packets
    })
}

fn written(packets: &[Owned], format: Format) -> Vec<u8> {
    let mut writer = Writer::new("memory", Vec::new(), format).expect("memory");
    for packet in packets {
        writer.write(&packet.record()).expect("memory");
    }
    writer.finish().expect("memory")
}

/// A stream that gives a few bytes at a time.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(7);
        self.0.read(&mut out[..len])
    }
}

/// All packets and the note, by all three ways to read, which agree.
fn read(bytes: &[u8]) -> Result<(Vec<Owned>, Option<String>), FileError> {
    let mut reader = Reader::new("memory", Drops(bytes))?;
    let mut packets = Vec::new();
    while let Some(record) = reader.next() {
        packets.push(Owned::of(record));
    }
    assert_eq!(reader.count(), packets.len() as u64);
    assert_eq!(reader.next(), None);
    let (store, note) = Store::read(Reader::new("memory", bytes)?, usize::MAX);
    assert_eq!(store.iter().map(Owned::of).collect::<Vec<_>>(), packets);
    assert_eq!(note, reader.note());
    Ok((packets, note))
}

fn whole(bytes: &[u8]) -> Vec<Owned> {
    let (packets, note) = read(bytes).expect("it is a capture file");
    assert_eq!(note, None);
    packets
}

/// The note of a broken file, and how many packets it gave before.
fn broken(bytes: &[u8]) -> (usize, String) {
    let (packets, note) = read(bytes).expect("it is a capture file");
    (packets.len(), note.expect("it is broken"))
}

/// The places of a file where it could end and be whole.
fn seams(bytes: &[u8], kind: Kind) -> Vec<usize> {
    let number = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().expect("it is there")) as usize;
    let mut seams = vec![if kind == Kind::Pcapng { number(4) } else { 24 }];
    while seams[seams.len() - 1] < bytes.len() {
        let at = seams[seams.len() - 1];
        seams.push(at + if kind == Kind::Pcapng { number(at + 4) } else { 16 + number(at + 8) });
    }
    seams
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(packets in packets(true), mixed in packets(false)) {
        for format in FORMATS {
            let packets = if format.kind == Kind::Pcapng { &mixed } else { &packets };
            let wanted: Vec<_> = packets.iter().map(|packet| packet.kept_by(format.kind)).collect();
            prop_assert_eq!(whole(&written(packets, format)), wanted);
        }
    }

    #[test]
    fn what_is_appended_is_read_behind_it(packets in packets(true), at in 0..12_usize) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        let (first, second) = packets.split_at(at.min(packets.len()));
        for format in FORMATS {
            let bytes = written(first, format);
            let bytes = if first.is_empty() && format.kind != Kind::Pcapng {
                // The header names the medium, also without packets.
                let mut writer = Writer::new("memory", Vec::new(), format).expect("memory");
                writer.set_medium(packets[0].medium).expect("memory");
                writer.finish().expect("memory")
            } else {
                bytes
            };
            std::fs::write(&path, &bytes).expect("it can be written");
            append(&path, second);
            let (store, note) = read_file(&path).expect("it is a capture file");
            let wanted: Vec<_> = packets.iter().map(|packet| packet.kept_by(format.kind)).collect();
            prop_assert_eq!(store.iter().map(Owned::of).collect::<Vec<_>>(), wanted);
            prop_assert_eq!(note, None);
            let now = std::fs::read(&path).expect("it is there");
            prop_assert!(now.starts_with(&bytes));
        }
    }

    #[test]
    fn a_file_cut_anywhere_gives_the_packets_before(packets in packets(true)) {
        for format in [Format::PCAP, PCAPNG] {
            let bytes = written(&packets, format);
            let all = whole(&bytes);
            let seams = seams(&bytes, format.kind);
            for end in 0..bytes.len() {
                match read(&bytes[..end]) {
                    Ok((some, note)) => {
                        prop_assert!(all.starts_with(&some) && some.len() <= seams.iter().filter(|at| **at <= end).count());
                        prop_assert_eq!(note.is_none(), seams.contains(&end), "{:?} at {} of {:?}", note, end, seams);
                    }
                    Err(e) => prop_assert!(end < 4, "{e} at {end}"),
                }
            }
            let packed = written(&packets, Format { gzip: true, ..format });
            for end in 0..packed.len() {
                match read(&packed[..end]) {
                    Ok((some, note)) => {
                        prop_assert!(all.starts_with(&some));
                        prop_assert!(note.is_some());
                    }
                    Err(FileError::System { message, .. }) => prop_assert_eq!(message, "the gzip data ends early"),
                    Err(e) => prop_assert!(end < 2, "{e} at {end}"),
                }
            }
        }
    }

    #[test]
    fn no_flipped_byte_does_harm(
        packets in packets(true),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for format in FORMATS {
            let mut bytes = written(&packets, format);
            for (at, value) in &flips {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if let Ok((read, _)) = read(&bytes) {
                prop_assert!(format.gzip || read.len() <= bytes.len() / 16);
            }
        }
    }

    #[test]
    fn no_bytes_behind_a_header_do_harm(tail in prop::collection::vec(any::<u8>(), 0..400), small in any::<bool>()) {
        // Small numbers get further.
        let tail: Vec<u8> = tail.iter().map(|byte| if small { byte % 8 } else { *byte }).collect();
        for order in [Order::Little, Order::Big] {
            let _ = read(&[Pcap { order, ..Pcap::NANOS }.header(), tail.clone()].concat());
            let _ = read(&[Ng(order).section(), tail.clone()].concat());
            let _ = read(&[Ng(order).section(), Ng(order).block(6, &tail), Ng(order).block(1, &tail)].concat());
            let wild = [Ng(order).block(1, &tail), Ng(order).interface(&tail), Ng(order).block(6, &[&[0; 20], &tail[..]].concat())];
            let _ = read(&[Ng(order).section(), wild.concat()].concat());
        }
    }
}

fn append(path: &Path, packets: &[Owned]) {
    let mut writer = Writer::append(path).expect("it can be appended to");
    for packet in packets {
        writer.write(&packet.record()).expect("it fits");
    }
    writer.finish().expect("it can be written");
}

// Files of other writers, by hand.

use super::bytes::Order;

/// A pcap file.
#[derive(Clone, Copy)]
struct Pcap {
    order: Order,
    magic: u32,
    link: u32,
}

impl Pcap {
    const NANOS: Self = Self { order: Order::Little, magic: 0xa1b2_3c4d, link: 1 };

    fn header(self) -> Vec<u8> {
        let mut out = Vec::new();
        self.order.put32(&mut out, [self.magic]);
        self.order.put16(&mut out, 2);
        self.order.put16(&mut out, 4);
        self.order.put32(&mut out, [0, 0, 96, self.link]);
        out
    }

    fn packet(self, words: [u32; 4], rest: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.order.put32(&mut out, words);
        out.extend_from_slice(rest);
        out
    }
}

/// A pcapng section.
#[derive(Clone, Copy)]
struct Ng(Order);

impl Ng {
    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let len = body.len().next_multiple_of(4) as u32 + 12;
        self.0.put32(&mut out, [kind, len]);
        out.extend_from_slice(body);
        out.resize(len as usize - 4, 0);
        self.0.put32(&mut out, [len]);
        out
    }

    fn words<const N: usize>(self, words: [u32; N], rest: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.put32(&mut out, words);
        out.extend_from_slice(rest);
        out
    }

    fn section(self) -> Vec<u8> {
        let mut body = self.words([0x1a2b_3c4d], &[]);
        self.0.put16(&mut body, 1);
        self.0.put16(&mut body, 0);
        self.0.put32(&mut body, [u32::MAX, u32::MAX]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// An Ethernet interface.
    fn interface(self, options: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        self.0.put16(&mut body, 1);
        self.0.put16(&mut body, 0);
        self.0.put32(&mut body, [0]);
        body.extend_from_slice(options);
        self.block(1, &body)
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.put16(&mut out, code);
        self.0.put16(&mut out, value.len() as u16);
        out.extend_from_slice(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    /// A packet of three bytes.
    fn packet(self, iface: u32, micros: u32, options: &[u8]) -> Vec<u8> {
        self.block(6, &self.words([iface, 0, micros, 3, 60], &[b"abc\0", options].concat()))
    }
}

#[test]
fn pcap_of_either_order_and_precision_is_read() {
    for order in [Order::Little, Order::Big] {
        for (magic, nanos) in [(0xa1b2_c3d4, 9000), (0xa1b2_3c4d, 9)] {
            let pcap = Pcap { order, magic, link: 0x2000_0071 }; // with a length of check sequences
            let found = whole(&[pcap.header(), pcap.packet([u32::MAX, 9, 3, 60], b"abc")].concat());
            let wall = i64::from(u32::MAX) * 1_000_000_000 + nanos;
            let wanted = Record { wire_len: 60, ..Record::new(b"abc", wall, Medium::Sll) };
            assert_eq!(found, [Owned::of(wanted)]);
        }
    }
}

#[test]
fn the_modified_format_tells_what_was_sent() {
    for order in [Order::Little, Order::Big] {
        let pcap = Pcap { order, magic: 0xa1b2_cd34, link: 1 };
        let packet = |kind: u8| pcap.packet([1, 2, 3, 3], &[&[0, 0, 0, 5, 8, 0, kind, 0], &b"abc"[..]].concat());
        let found = whole(&[pcap.header(), packet(0), packet(4)].concat());
        let wanted = Record::new(b"abc", 1_000_002_000, Medium::Ethernet);
        assert_eq!(found, [Owned::of(wanted), Owned::of(Record { outgoing: true, ..wanted })]);
    }
}

#[test]
fn pcapng_with_all_its_blocks_is_read() {
    for (ng, other) in [(Ng(Order::Little), Ng(Order::Big)), (Ng(Order::Big), Ng(Order::Little))] {
        let wlan = [ng.option(2, b"wlan0\0"), ng.option(9, &[9]), ng.option(0, &[])].concat();
        let notes = [ng.option(1, b"one"), ng.option(2, &ng.words([0x201], &[])), ng.option(1, b"two\xff")].concat();
        let mut old = Vec::new();
        ng.0.put16(&mut old, 1);
        ng.0.put16(&mut old, 7); // losses
        ng.0.put32(&mut old, [0, 5, 3, 3]);
        old.extend_from_slice(&[b"abc\0", &ng.option(2, &ng.words([2], &[]))[..]].concat());
        let file = [
            ng.section(),
            ng.interface(&[]),
            ng.block(4, &[1, 2, 3, 4]), // names
            ng.interface(&wlan),
            ng.packet(0, 7, &[]),
            ng.block(0x0bad, b"whatever"),
            ng.packet(1, 7, &notes),
            ng.block(5, &[0; 12]), // statistics
            ng.block(3, &ng.words([3], b"abc\0")),
            ng.block(2, &old),
            other.section(),
            other.interface(&other.option(2, b"eth9")),
            other.packet(0, 1, &[]),
        ];
        let first = Record { wire_len: 60, ..Record::new(b"abc", 7000, Medium::Ethernet) };
        let wlan = Record { iface: Some("wlan0"), ..first };
        let wanted = [
            first,
            Record { wall: 7, comment: Some("one\ntwo\u{fffd}"), checksum: Checksum::Partial, ..wlan },
            Record { wall: 0, wire_len: 3, ..first },
            Record { wall: 5, wire_len: 3, outgoing: true, ..wlan },
            Record { wall: 1000, iface: Some("eth9"), ..first },
        ];
        assert_eq!(whole(&file.concat()), wanted.map(Owned::of));
    }
}

#[test]
fn an_empty_name_or_comment_is_none() {
    let ng = Ng(Order::Little);
    let notes =
        [&b""[..], b"\0"].map(|empty| [ng.option(1, empty), ng.option(1, b"one"), ng.option(1, empty)].concat());
    let file = [
        ng.section(),
        ng.interface(&ng.option(2, b"\0")),
        ng.packet(0, 7, &ng.option(1, b"")),
        ng.packet(0, 7, &ng.option(1, b"\0")),
        ng.packet(0, 7, &notes.concat()),
    ];
    let bare = Record { wire_len: 60, ..Record::new(b"abc", 7000, Medium::Ethernet) };
    let wanted = [bare, bare, Record { comment: Some("one\none"), ..bare }];
    assert_eq!(whole(&file.concat()), wanted.map(Owned::of));
}

#[test]
fn a_simple_packet_is_cut_by_its_interface() {
    let ng = Ng(Order::Little);
    let interface = ng.block(1, &ng.words([1, 2], &[]));
    let found = whole(&[ng.section(), interface, ng.block(3, &ng.words([60], b"ab\0\0"))].concat());
    assert_eq!(found, [Owned::of(Record { wire_len: 60, ..Record::new(b"ab", 0, Medium::Ethernet) })]);
}

#[test]
fn notes_say_what_is_broken_and_where() {
    let pcap = Pcap::NANOS;
    let good = pcap.packet([1, 2, 3, 3], b"abc");
    let ng = Ng(Order::Big);
    let (section, packet) = ([ng.section(), ng.interface(&[])].concat(), ng.packet(0, 1, &[]));
    let mut uneven = packet.clone();
    uneven.truncate(packet.len() - 4);
    uneven.extend_from_slice(&[0, 0, 0, 40]);
    let cases: &[(Vec<u8>, usize, &str)] = &[
        (pcap.header()[..10].to_vec(), 0, "the file ends inside its header (at byte 0): 10 of 24 bytes are here"),
        (
            [pcap.header(), good.clone(), good[..7].to_vec()].concat(),
            1,
            "the file ends inside packet 2 (at byte 43): 7 of 16 bytes are here",
        ),
        (
            [pcap.header(), good[..17].to_vec()].concat(),
            0,
            "the file ends inside packet 1 (at byte 24): 17 of 19 bytes are here",
        ),
        (
            [pcap.header(), good.clone(), pcap.packet([1, 2, 3_000_000_000, 3], b"abc")].concat(),
            1,
            "packet 2 (at byte 43) is broken: it claims 3000000000 bytes, and 266240 are the most",
        ),
        (
            [&0xa1b2_c3d4_u32.to_be_bytes()[..], &[0, 7, 0, 1], &[0; 16]].concat(),
            0,
            "its header (at byte 0) is broken: version 7.1 of pcap is unknown, 2.4 is known",
        ),
        (
            [section.clone(), packet.clone(), packet[..30].to_vec()].concat(),
            1,
            "the file ends inside packet 2 (at byte 84): 30 of 36 bytes are here",
        ),
        (section[..30].to_vec(), 0, "the file ends inside a block (at byte 28): 2 of 12 bytes are here"),
        (
            [section.clone(), packet.clone(), ng.section()[..20].to_vec()].concat(),
            1,
            "the file ends inside a block after packet 1 (at byte 84): 20 of 28 bytes are here",
        ),
        (
            [section.clone(), uneven].concat(),
            0,
            "packet 1 (at byte 48) is broken: the block has 36 bytes by its begin, and 40 by its end",
        ),
        (
            [section.clone(), ng.packet(3, 1, &[])].concat(),
            0,
            "packet 1 (at byte 48) is broken: it names interface 3, and the section has described 1 so far",
        ),
        (
            [section.clone(), ng.block(6, &ng.words([0, 0, 0, 9, 9], b"abc\0"))].concat(),
            0,
            "packet 1 (at byte 48) is broken: it claims 9 bytes, and its block has room for 4",
        ),
        (
            [section.clone(), ng.words([9, 1 << 30, 0], &[])].concat(),
            0,
            "a block (at byte 48) is broken: a block of 1073741824 bytes cannot be, the most are 16777216",
        ),
        (
            [section, ng.words([9, 8, 0], &[])].concat(),
            0,
            "a block (at byte 48) is broken: a block of 8 bytes cannot be, the most are 16777216",
        ),
    ];
    for (bytes, count, note) in cases {
        assert_eq!(broken(bytes), (*count, (*note).to_owned()));
    }
}

#[test]
fn a_broken_gzip_gives_what_was_before() {
    let packet = Owned::of(Record::new(&[7; 60], 1, Medium::Ethernet));
    let packets = vec![packet; 1000];
    let bytes = written(&packets, Format { gzip: true, ..Format::PCAP });
    let (count, note) = broken(&bytes[..bytes.len() - 3]);
    assert_eq!(count, 1000);
    assert_eq!(note, "reading ended at packet 1001 (at byte 76024 of what gzip holds): the gzip data ends early");
    let mut wrong = bytes.clone();
    let at = bytes.len() - 7;
    wrong[at] ^= 1; // the checksum
    let (count, note) = broken(&wrong);
    assert_eq!(count, 1000);
    assert!(note.contains("the gzip data is broken ("), "{note}");
}

#[test]
fn other_files_are_refused_with_what_they_are() {
    let found = |bytes: &[u8]| read(bytes).expect_err("it is none").to_string();
    assert_eq!(found(b""), "\"memory\" is no capture file (pcap or pcapng): it is empty");
    assert_eq!(
        found(b"No.\tTime\n"),
        "\"memory\" is no capture file (pcap or pcapng): it begins with the text \"No.\\tTime\""
    );
    let packed = written(&[], Format { gzip: true, ..Format::PCAP });
    let mut twice = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut twice, &packed).expect("memory");
    let twice = twice.finish().expect("memory");
    assert!(found(&twice).ends_with("there is gzip inside of gzip: unpack it once with gunzip"));
}

#[test]
fn a_store_takes_no_more_of_a_file_than_it_may() {
    let packets = vec![Owned::of(Record::new(&[7; 100], 1, Medium::Ethernet)); 1000];
    for format in FORMATS {
        let bytes = written(&packets, format);
        let reader = || Reader::new("memory", &bytes[..]).expect("it is a capture file");
        let (store, note) = Store::read(reader(), 10_000);
        assert!((50..100).contains(&store.len()) && store.bytes() <= 10_000, "{} in {}", store.len(), store.bytes());
        assert_eq!(note, Some(format!("only the first {} packets are here: more take over 10000 bytes", store.len())));
        assert_eq!(store.iter().map(Owned::of).collect::<Vec<_>>(), vec![packets[0].kept_by(format.kind); store.len()]);
        let (store, note) = Store::read(reader(), 200_000);
        assert_eq!((store.len(), note), (1000, None));
    }
}

#[test]
fn packets_lie_in_the_blocks_of_the_file() {
    // More than one window, so that packets lie across their ends.
    let packets: Vec<Owned> = (0..20_000)
        .map(|i: i64| Owned::of(Record::new(&i.to_le_bytes().repeat(i as usize % 100), i, Medium::Ethernet)))
        .collect();
    for format in [Format::PCAP, PCAPNG] {
        let bytes = written(&packets, format);
        assert!(whole(&bytes) == packets);
        let (store, _) = Store::read(Reader::new("memory", &bytes[..]).expect("a capture file"), usize::MAX);
        assert!(store.bytes() < bytes.len() + 32 * packets.len() + 300, "{}", store.bytes());
    }
}

/// Blocks without packets, for ever.
struct Endless(Vec<u8>, usize);

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *out {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(out.len())
    }
}

#[test]
fn what_holds_no_packet_is_not_kept() {
    let ng = Ng(Order::Little);
    let stream = io::Cursor::new(ng.section()).chain(Endless(ng.block(77, &[1; 1012]), 0).take(20 << 20));
    let (store, note) = Store::read(Reader::new("endless", stream).expect("a capture file"), 1 << 20);
    assert_eq!((store.len(), note), (0, None));
    assert_eq!(store.bytes(), 0);
}

#[test]
fn long_packets_are_cut_and_long_comments_go_on() {
    let long = Owned::of(Record::new(&vec![7; SNAPLEN + 1], 1, Medium::Ethernet));
    for format in [Format::PCAP, PCAPNG] {
        let found = whole(&written(std::slice::from_ref(&long), format));
        assert_eq!((found[0].bytes.len(), found[0].wire_len), (SNAPLEN, SNAPLEN + 1));
    }
    let text = "é".repeat(50_000);
    let words = Owned { comment: Some(text.clone()), ..Owned::of(Record::new(b"abc", 1, Medium::Ethernet)) };
    let found = whole(&written(&[words], PCAPNG));
    assert_eq!(found[0].comment.as_ref().expect("it is there").replace('\n', ""), text);
    let book = "x".repeat(MOST_BLOCK);
    let mut writer = Writer::new("a.pcapng", Vec::new(), PCAPNG).expect("memory");
    let refused = writer.write(&Record { comment: Some(&book), ..Record::new(b"", 1, Medium::Ip) });
    assert_eq!(
        refused.expect_err("it is too long").to_string(),
        "cannot write a packet to \"a.pcapng\": its comment of 16777216 bytes is too long"
    );
}

#[test]
fn a_time_that_a_file_cannot_hold_is_the_nearest() {
    let times = [i64::MIN, -1, i64::MAX].map(|wall| Owned::of(Record::new(b"", wall, Medium::Ethernet)));
    let walls = |format| whole(&written(&times, format)).iter().map(|packet| packet.wall).collect::<Vec<_>>();
    assert_eq!(walls(PCAPNG), [0, 0, i64::MAX]);
    assert_eq!(walls(Format::PCAP), [0, 0, 4_294_967_295_999_999_999]);
}

#[test]
fn a_pcap_file_has_one_medium() {
    let mut writer = Writer::new("a.pcap", Vec::new(), Format::PCAP).expect("memory");
    writer.write(&Record::new(b"abc", 1, Medium::Ethernet)).expect("the first");
    let refused = writer.write(&Record::new(b"abc", 1, Medium::Ip)).expect_err("another");
    assert_eq!(
        refused.to_string(),
        "\"a.pcap\" holds packets of link type 1 (Ethernet), and this one is of link type 101 (Ip): \
         a pcap file has one link type, a file with the ending .pcapng has as many as it needs"
    );
    writer.write(&Record::new(b"abc", 2, Medium::Ethernet)).expect("as the first");
    assert_eq!(whole(&writer.finish().expect("memory")).len(), 2);
}

#[test]
fn a_file_without_packets_is_whole() {
    for format in FORMATS {
        assert_eq!(whole(&written(&[], format)), []);
    }
}

#[test]
fn appending_keeps_order_precision_and_length() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.pcap");
    let packet = Owned::of(Record::new(&[7; 200], 1_000_002_003, Medium::Ethernet));
    let pcap = Pcap { order: Order::Big, magic: 0xa1b2_c3d4, link: 1 };
    std::fs::write(&path, [pcap.header(), pcap.packet([5, 6, 3, 3], b"abc")].concat()).expect("it can be written");
    append(&path, std::slice::from_ref(&packet));
    let bytes = std::fs::read(&path).expect("it is there");
    assert_eq!(bytes[43..59], *pcap.packet([1, 2, 96, 200], &[]), "cut as the file's header says");
    let (store, note) = read_file(&path).expect("it is a capture file");
    assert_eq!((store.len(), note), (2, None));
}

#[test]
fn appending_to_pcapng_goes_on_in_its_section() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.pcapng");
    let ng = Ng(Order::Big);
    let nanos = [ng.option(2, b"eth0"), ng.option(9, &[9])].concat();
    let file = [ng.section(), ng.interface(&[]), ng.interface(&nanos)].concat();
    std::fs::write(&path, &file).expect("it can be written");
    let plain = Owned::of(Record::new(b"abcd", 5, Medium::Ethernet));
    let named = Owned { iface: Some("eth0".to_owned()), ..plain.clone() };
    for _ in 0..2 {
        append(&path, &[named.clone(), plain.clone()]);
    }
    let packet = |iface| ng.block(6, &ng.words([iface, 0, 5, 4, 4], b"abcd"));
    let added = ng.block(1, &[&[0, 1, 0, 0, 0, 4, 0, 0][..], &ng.option(9, &[9]), &ng.option(0, &[])].concat());
    // Interface 0 has microseconds, so another one without a name is needed, once.
    let wanted = [file, packet(1), added, packet(2), packet(1), packet(2)].concat();
    let found = std::fs::read(&path).expect("it is there");
    assert_eq!(found, wanted);
    assert_eq!(whole(&found), [named.clone(), plain.clone(), named, plain.clone()]);

    // A section that has numbered its bytes stays as it is.
    let mut closed = ng.section();
    closed[16..24].copy_from_slice(&[0; 8]);
    std::fs::write(&path, &closed).expect("it can be written");
    append(&path, &[plain]);
    let found = std::fs::read(&path).expect("it is there");
    assert_eq!(found[28..40], [0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 44, 0x1a, 0x2b, 0x3c, 0x4d]);
    assert_eq!(whole(&found).len(), 1);
}

#[test]
fn nothing_is_appended_where_it_would_be_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.pcapng");
    append(&path, &[Owned::of(Record::new(b"abc", 1, Medium::Ip))]); // there is none: as the name says
    let bytes = std::fs::read(&path).expect("it was made");
    assert_eq!(bytes[..4], pcapng::MAGIC);
    std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("it can be written");
    let why = Writer::append(&path).expect_err("it is cut").to_string();
    assert!(why.contains("the file ends inside packet 1 (at byte"), "{why}");
    std::fs::write(&path, "some words").expect("it can be written");
    assert!(matches!(Writer::append(&path), Err(FileError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).expect("it is there"), b"some words");
    std::fs::write(&path, Pcap { magic: 0xa1b2_cd34, ..Pcap::NANOS }.header()).expect("it can be written");
    assert!(Writer::append(&path).expect_err("none of ours").to_string().contains("Kuznetzov"));
    let missing = read_file(&dir.path().join("none.pcap")).expect_err("it is not there").to_string();
    assert!(missing.starts_with("cannot read \"") && missing.contains("none.pcap\": No such file"), "{missing}");
}

fn moved<T: Send>() {}
fn shared<T: Send + Sync + 'static>() {}

#[test]
fn a_store_may_be_filled_elsewhere_and_shared() {
    shared::<Store>();
    moved::<Reader<std::fs::File>>();
    moved::<Writer<std::fs::File>>();
}
