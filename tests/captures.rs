//! Wireshark's programs and tcpdump as witnesses of capture files: what we write they read, and what they write we read,
//! with the same times, lengths, link types, interfaces, directions and comments.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pktsh::net::capture::{Format, Kind, Reader, Record, Store, Writer, read_file};
use pktsh::net::{Checksum, Medium};

/// UDP from 192.0.2.1 to port 9 of 192.0.2.10.
const DATAGRAM: [u8; 28] =
    [0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0xf6, 0xc4, 192, 0, 2, 1, 192, 0, 2, 10, 0, 7, 0, 9, 0, 8, 0, 0];

/// A medium, what stands there before the datagram, and Wireshark's number for it (`WTAP_ENCAP_`).
const MEDIA: &[(Medium, &[u8], &str)] = &[
    (Medium::Ethernet, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0], "1"),
    (Medium::Ip, &[], "7"),
    (Medium::Sll, &[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], "25"),
    (Medium::Sll2, &[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0], "210"),
    (Medium::Null, &[2, 0, 0, 0], "15"),
    (Medium::Loop, &[0, 0, 0, 2], "174"),
];

const FORMATS: [Format; 6] = [
    Format::PCAP,
    Format { kind: Kind::PcapMicros, gzip: false },
    Format::PCAPNG,
    Format { gzip: true, ..Format::PCAP },
    Format { kind: Kind::PcapMicros, gzip: true },
    Format { gzip: true, ..Format::PCAPNG },
];

/// What a packet is in every reader's words: time, both lengths, encapsulation, interface, flags, comments.
type Line = String;

#[test]
fn wireshark_reads_every_format() {
    for format in FORMATS {
        let folder = Folder::new();
        let ours = folder.write("ours", format, &packets(&MEDIA[..1]));
        agree(&ours, 5);
    }
}

#[test]
fn wireshark_reads_every_medium() {
    let folder = Folder::new();
    for (number, medium) in MEDIA.iter().enumerate() {
        let packets = packets(std::slice::from_ref(medium));
        agree(&folder.write(&format!("{number}.pcap"), Format::PCAP, &packets), 5);
    }
    let mixed = folder.write("mixed.pcapng", Format::PCAPNG, &packets(MEDIA));
    agree(&mixed, 5 * MEDIA.len());
    // All of it, as it was meant.
    let lines = told(&mixed);
    assert_eq!(lines[0], "1700000000.000000000|42|42|1|eth0||");
    assert_eq!(lines[1], "1700000000.123456789|42|1514|1|eth0|0x00000002|");
    assert_eq!(lines[7], "0.000000001|28|28|7||0x00000200|");
    assert_eq!(lines[28], "4294967295.999999999|32|32|174|grün0||a remark, \"quoted\"");
    assert_eq!(lines[29], "1700000000.000000001|32|132|174||0x00000202|x");
}

#[test]
fn wireshark_reads_what_was_appended() {
    for format in FORMATS {
        let folder = Folder::new();
        let path = folder.write("ours", format, &packets(&MEDIA[..1]));
        for round in 2..4 {
            append(&path, &packets(&MEDIA[..1]));
            agree(&path, 5 * round);
        }
        if format.kind == Kind::Pcapng {
            append(&path, &packets(MEDIA));
            agree(&path, 15 + 5 * MEDIA.len());
        }
    }
}

#[test]
fn what_others_write_is_read_and_appended_to() {
    let folder = Folder::new();
    let ours = folder.write("ours.pcapng", Format::PCAPNG, &packets(&MEDIA[..1]));
    let raw = folder.write("raw.pcap", Format::PCAP, &packets(&MEDIA[1..2]));
    for kind in ["pcapng", "nsecpcap", "pcap", "modpcap"] {
        let theirs = folder.path(kind);
        run(Command::new("editcap").args(["-F", kind]).args([&ours, &theirs]));
        agree(&theirs, 5);
        if kind != "modpcap" {
            append(&theirs, &packets(&MEDIA[..1]));
            agree(&theirs, 10);
        }
        // Packed by gzip itself, and a member of ours behind it.
        run(Command::new("gzip").arg("--keep").arg(&theirs));
        let packed = folder.path(&format!("{kind}.gz"));
        assert_eq!(read(&packed), read(&theirs));
        if kind != "modpcap" {
            append(&packed, &packets(&MEDIA[..1]));
            agree(&packed, 15);
        }
    }

    let cut = folder.path("cut.pcapng");
    run(Command::new("editcap").args(["-F", "pcapng", "-s", "30"]).args([&ours, &cut]));
    agree(&cut, 5);

    let noted = folder.path("noted.pcapng");
    run(Command::new("editcap").args(["-a", "2:a word on it", "-a", "4:später"]).args([&ours, &noted]));
    agree(&noted, 5);
    let lines = read(&noted);
    assert!(lines[1].ends_with("|a word on it") && lines[3].ends_with("später"), "{lines:?}");

    let merged = folder.path("merged.pcapng");
    run(Command::new("mergecap").args(["-F", "pcapng", "-w"]).args([&merged, &ours, &raw]));
    agree(&merged, 10);
    append(&merged, &packets(MEDIA));
    agree(&merged, 10 + 5 * MEDIA.len());

    let typed = folder.path("typed.pcap");
    run(Command::new("editcap")
        .args(["-F", "nsecpcap", "-T", "linux-sll"])
        .args([&folder.write("sll.pcap", Format::PCAP, &packets(&MEDIA[2..3])), &typed]));
    agree(&typed, 5);
    assert!(told(&typed).iter().all(|line| line.contains("|25|")));
}

#[test]
fn what_comes_through_a_pipe_is_read() {
    let folder = Folder::new();
    // (libpcap 1.10.3 refuses pcapng with two interfaces of raw IP.)
    for (medium, format) in [(&MEDIA[1..2], Format::PCAP), (&MEDIA[..1], Format::PCAPNG)] {
        let ours = folder.write("ours", format, &packets(medium));
        for (precision, wanted) in [("nano", Format::PCAP), ("micro", Format { kind: Kind::PcapMicros, gzip: false })] {
            let mut tcpdump = Command::new("tcpdump")
                .args(["-r", "-", "-w", "-", "--time-stamp-precision", precision])
                .stdin(File::open(&ours).expect("it was written"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("tcpdump is installed (Debian: apt-get install tcpdump)");
            let mut reader = Reader::new("tcpdump", tcpdump.stdout.take().expect("a pipe")).expect("a capture");
            let mut lines = Vec::new();
            while let Some(record) = reader.next() {
                lines.push(line(&record));
            }
            let output = tcpdump.wait_with_output().expect("it ends");
            assert!(output.status.success(), "tcpdump: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(reader.note(), None);
            assert_eq!(lines, read(&folder.write("wanted", wanted, &packets(medium))));
        }
    }
}

#[test]
fn tcpdump_reads_what_we_write() {
    let folder = Folder::new();
    for format in [Format::PCAP, Format::PCAPNG] {
        let ours = folder.write("ours", format, &packets(&MEDIA[..1]));
        let printed = run(Command::new("tcpdump")
            .args(["-n", "-tt", "--time-stamp-precision", "nano", "-r", "-"])
            .stdin(File::open(&ours).expect("it was written")));
        assert_eq!(printed.lines().count(), 5);
        assert!(printed.contains("1700000000.123456789 IP 192.0.2.1.7 > 192.0.2.10.9: UDP, length 0"), "{printed}");
    }
}

/// A folder for one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Our own file, read back by ourselves as it was meant.
    fn write(&self, name: &str, format: Format, packets: &Store) -> PathBuf {
        let path = self.path(name);
        let mut writer = Writer::create(&path, format).expect("it can be made");
        write(&mut writer, packets);
        writer.finish().expect("it can be written");
        assert_eq!(read(&path).len(), packets.len());
        if format.kind == Kind::Pcapng {
            assert_eq!(read(&path), packets.iter().map(|record| line(&record)).collect::<Vec<_>>());
        }
        path
    }
}

fn append(path: &Path, packets: &Store) {
    let mut writer = Writer::append(path).expect("it can be appended to");
    write(&mut writer, packets);
    writer.finish().expect("it can be written");
}

fn write(writer: &mut Writer<File>, packets: &Store) {
    packets.iter().for_each(|record| writer.write(&record).expect("it fits"));
}

/// Five packets of each medium, with all that a packet can have.
fn packets(media: &[(Medium, &[u8], &str)]) -> Store {
    let mut store = Store::new();
    for (medium, head, _) in media {
        let bytes = [head, &DATAGRAM[..]].concat();
        let new = |wall| Record::new(&bytes, wall, *medium);
        for record in [
            Record { iface: Some("eth0"), ..new(1_700_000_000_000_000_000) },
            Record { iface: Some("eth0"), outgoing: true, wire_len: 1514, ..new(1_700_000_000_123_456_789) },
            Record { checksum: Checksum::Partial, ..new(1) },
            Record { iface: Some("grün0"), comment: Some("a remark, \"quoted\""), ..new(4_294_967_295_999_999_999) },
            Record {
                outgoing: true,
                checksum: Checksum::Partial,
                comment: Some("x"),
                wire_len: bytes.len() + 100,
                ..new(1_700_000_000_000_000_001)
            },
        ] {
            store.push(&record).expect("it has no bound");
        }
    }
    store
}

/// Whether Wireshark sees in a file what we see, and finds nothing wrong.
fn agree(path: &Path, count: usize) {
    let ours = read(path);
    assert_eq!(ours, told(path), "{}", path.display());
    assert_eq!(ours.len(), count);
    let counted = run(Command::new("capinfos").args(["-T", "-r", "-M", "-c"]).arg(path));
    assert_eq!(counted.trim().rsplit('\t').next(), Some(count.to_string().as_str()), "{counted}");
}

/// What we read.
fn read(path: &Path) -> Vec<Line> {
    let (store, note) = read_file(path).expect("it is a capture file");
    assert_eq!(note, None);
    store.iter().map(|record| line(&record)).collect()
}

fn line(record: &Record<'_>) -> Line {
    let flags = u32::from(record.outgoing) << 1 | u32::from(record.checksum == Checksum::Partial) << 9;
    let encap = MEDIA.iter().find(|(medium, ..)| *medium == record.medium).map_or("none", |(.., number)| number);
    format!(
        "{}.{:09}|{}|{}|{encap}|{}|{}|{}",
        record.wall / 1_000_000_000,
        record.wall % 1_000_000_000,
        record.bytes.len(),
        record.wire_len,
        record.iface.unwrap_or_default(),
        if flags == 0 { String::new() } else { format!("{flags:#010x}") },
        record.comment.unwrap_or_default().replace('\n', ","), // as tshark joins several
    )
}

/// What tshark reads. It has to find our datagram in every packet that is not cut before its ports.
fn told(path: &Path) -> Vec<Line> {
    let fields = [
        "frame.time_epoch",
        "frame.cap_len",
        "frame.len",
        "frame.encap_type",
        "frame.interface_name",
        "frame.packet_flags",
        "frame.comment",
        "udp.dstport",
        "_ws.malformed",
    ];
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-T", "fields", "-E", "separator=|"]).arg("-r").arg(path);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let printed = run(&mut tshark);
    printed
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split('|').collect();
            assert_eq!(cells.len(), fields.len(), "{line}");
            assert_eq!(cells.pop(), Some(""), "malformed: {line}");
            let port = cells.pop();
            assert!(port == Some("9") || cells[1] == "30", "{line}");
            if cells[4] == "unknown" {
                cells[4] = ""; // what it calls an interface without a name
            }
            cells.join("|")
        })
        .collect()
}

/// What a program prints; it has to end well.
fn run(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|e| panic!("{program} is missing, see tests/run: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}
