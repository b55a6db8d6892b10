//! Captures: files of a million packets beside tcpdump and tshark, and what is heard of a blast of small packets.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use etherparse::PacketBuilder;
use pktsh::net::Medium;
use pktsh::net::capture::{Format, Reader, Record, Writer};

use crate::harness::{Measure, Peer, Row, Unit};
use crate::scapy::{self, Timed};
use crate::wire::{CLIENT, Wire};

/// Packets in the file.
const PACKETS: usize = 1_000_000;
/// Packets of a blast, and of one that lasts longer than a program takes to start and listen.
const BLAST: u32 = 500_000;
const LONG_BLAST: u32 = 4_000_000;
/// Where the blast goes.
const PORT: u16 = 9000;

pub(crate) static ROWS: &[Row] = &[
    Row {
        name: r#"captures: rdpcap(f).filter("tcp[13]&2!=0").len(), 1,000,000 packets, the whole program"#,
        asked: None,
        unit: Unit::Millis,
        wired: false,
        ours: || Some(pktsh(r#"rdpcap("FILE").filter("tcp[13]&2!=0").len()"#)),
        peers: &[
            ("tcpdump --count -r f 'tcp[13]&2!=0'", || {
                program("tcpdump", &["-Z", "root", "--count", "-nr", "FILE", "tcp[13]&2!=0"])
            }),
            TSHARK,
        ],
    },
    Row {
        name: "captures: for p in rdpcap(f) { if p[TCP].flags.S { n += 1 } }, the whole program",
        asked: None,
        unit: Unit::Millis,
        wired: false,
        ours: || Some(pktsh(r#"let n = 0; for p in rdpcap("FILE") { if p[TCP].flags.S { n += 1 } } n"#)),
        peers: &[TSHARK],
    },
    Row {
        name: "captures: memory of rdpcap(f) beyond the file, for each packet",
        asked: Some(150.0),
        unit: Unit::Bytes,
        wired: false,
        ours: || Some(Box::new(memory)),
        peers: &[],
    },
    Row {
        name: "captures: kept in a file of a blast over veth",
        asked: None,
        unit: Unit::Percent,
        wired: true,
        ours: || Some(Box::new(|| kept(ours_to_file))),
        peers: &[("tcpdump -w", || {
            (kept(tcpdump_to_file) > 0.0).then(|| Box::new(|| kept(tcpdump_to_file)) as Measure)
        })],
    },
    Row {
        name: r#"captures: sniff(offline=f, filter="tcp[13]&2!=0", store=false)"#,
        asked: Some(485_000.0),
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(gone_through(r#"filter="tcp[13]&2!=0""#)),
        peers: SCAPY_OFFLINE,
    },
    Row {
        name: "captures: sniff(offline=f, prn=|p| { .. p[TCP].flags .. }, store=false)",
        asked: Some(77_600.0),
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(gone_through("prn=|p| { p[TCP].flags; () }")),
        peers: SCAPY_OFFLINE,
    },
    Row {
        name: "captures: taken in by sniff(store=false) in a second of a blast over veth",
        asked: None,
        unit: Unit::PerSecond,
        wired: true,
        ours: || Some(Box::new(|| heard(""))),
        peers: SCAPY_SNIFFS,
    },
    Row {
        name: "captures: the same with prn=|p| { p.ttl; () }",
        asked: Some(77_600.0),
        unit: Unit::PerSecond,
        wired: true,
        ours: || Some(Box::new(|| heard(", prn=|p| { p.ttl; () }"))),
        peers: SCAPY_SNIFFS,
    },
];

const TSHARK: Peer =
    ("tshark -r f -Y tcp.flags.syn==1", || program("tshark", &["-r", "FILE", "-Y", "tcp.flags.syn==1"]));
const SCAPY_OFFLINE: &[Peer] = &[("Scapy: sniff(offline=f, store=0, prn=count), 20,000 packets", || {
    let path = file().to_str().unwrap();
    let statement = format!("sniff(offline={path:?}, count=20000, store=0, prn=lambda p: p[TCP].flags and None)");
    let mut runs = scapy::measure(&Timed { statement: &statement, ..Timed::default() }, scapy::RATE)?;
    Some(Box::new(move || runs() * 20_000.0))
})];
const SCAPY_SNIFFS: &[Peer] = &[("Scapy: sniff(store=0, prn=count)", || {
    let python = scapy::python()?;
    Some(Box::new(move || scapy_hears(&python)))
})];

/// The file of all rows: small TCP segments, a third of them with SYN.
fn file() -> &'static Path {
    static FILE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FILE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("million.pcap");
        let mut writer = Writer::create(&path, Format::PCAP).unwrap();
        for i in 0..PACKETS {
            let [.., a, b, c] = (i as u32).to_be_bytes();
            let tcp = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, a, b, c], [10, 255, 0, 1], 64);
            let tcp = tcp.tcp(1024 + (i % 60_000) as u16, 80, i as u32, 8192);
            let tcp = match i % 6 {
                0 => tcp.syn(),
                1 => tcp.syn().ack(1),
                2 => tcp.rst(),
                3 => tcp.fin().ack(1),
                4 => tcp.psh().ack(1),
                _ => tcp.ack(1),
            };
            let mut bytes = Vec::new();
            tcp.write(&mut bytes, &[]).unwrap();
            writer.write(&Record::new(&bytes, i as i64 * 1000, Medium::Ethernet)).unwrap();
        }
        writer.finish().unwrap();
        (folder, path)
    });
    path
}

/// Milliseconds that our program takes for some code, in which FILE stands for the file.
fn pktsh(code: &str) -> Measure {
    program(env!("CARGO_BIN_EXE_pktsh"), &["--lab", "-e", code]).unwrap()
}

/// Milliseconds that a program takes, from its start to its end; `None` when it is not here.
fn program(program: &'static str, args: &[&str]) -> Option<Measure> {
    let path = file().to_str().unwrap();
    let args: Vec<String> = args.iter().map(|arg| arg.replace("FILE", path)).collect();
    let run = move || {
        let begin = Instant::now();
        let status = Command::new(program).args(&args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then(|| begin.elapsed().as_secs_f64() * 1e3)
    };
    run()?; // the file is in memory now
    Some(Box::new(move || run().unwrap()))
}

/// Packets that the whole program goes through in a second; `how` is an argument.
fn gone_through(how: &str) -> Measure {
    let mut runs = pktsh(&format!(r#"sniff(offline="FILE", {how}, store=false).received"#));
    Box::new(move || PACKETS as f64 / (runs() / 1e3))
}

/// Bytes for each packet that the program holds more with the file than without, the file's own left out.
fn memory() -> f64 {
    let path = file().to_str().unwrap();
    let with = resident(&format!(r#"let l = rdpcap("{path}"); print("ready"); sleep(60); l.len()"#));
    let without = resident(r#"print("ready"); sleep(60);"#);
    (with - without - std::fs::metadata(path).unwrap().len() as f64) / PACKETS as f64
}

/// Bytes that the program holds when its code has said "ready".
fn resident(code: &str) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pktsh"));
    let mut running = Running(command.args(["--live", "-e", code]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

/// A process, ended with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Ends it as Ctrl-C does, and waits.
    fn interrupt(mut self) {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        self.0.wait().unwrap();
    }
}

/// The share of a blast, in percent, that a program has in its file afterwards.
fn kept(capture: fn(&Path) -> Command) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.pcap");
    let before = packet_sockets();
    let mut command = capture(&path);
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    while packet_sockets() <= before {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200)); // its ring is being made
    let sent = blast(BLAST);
    std::thread::sleep(Duration::from_millis(300)); // what is in the ring is being written
    running.interrupt();
    let mut reader = Reader::new("kept", File::open(&path).unwrap()).unwrap();
    while reader.next().is_some() {}
    reader.count() as f64 / f64::from(sent) * 100.0
}

fn ours_to_file(path: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pktsh"));
    let code = format!(
        r#"sniff(iface="eth0", filter="udp port {PORT}", write="{}", store=false, timeout=60);"#,
        path.display()
    );
    command.args(["--live", "-e", &code]);
    command
}

fn tcpdump_to_file(path: &Path) -> Command {
    let mut command = Command::new("tcpdump");
    command.args(["-i", "eth0", "-Z", "root", "-w"]).arg(path).arg(format!("udp port {PORT}"));
    command
}

/// How many packet sockets there are at this end of the wire.
fn packet_sockets() -> usize {
    std::fs::read_to_string("/proc/net/packet").map_or(0, |text| text.lines().count())
}

/// Packets that our sniffer takes in each second of a blast; `more` are arguments.
fn heard(more: &str) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pktsh"));
    let filter = format!("udp port {PORT}");
    let code = format!(r#"sniff(iface="eth0", filter="{filter}", store=false, timeout=1{more}).received"#);
    counted(command.args(["--live", "-e", &code]))
}

fn scapy_hears(python: &str) -> f64 {
    let code = format!(
        "from scapy.all import *\nn = 0\ndef count(p):\n  global n; n += 1\n\
         sniff(iface='eth0', filter='udp port {PORT}', store=0, prn=count, timeout=1)\nprint(n)"
    );
    counted(Command::new(python).args(["-c", &code]))
}

/// The number that a program prints which listens for a second in the middle of a blast.
fn counted(command: &mut Command) -> f64 {
    let _open = UdpSocket::bind((CLIENT, PORT)).unwrap(); // or the kernel would answer each with an error
    let _blast = Running(blaster(LONG_BLAST).stdout(Stdio::null()).spawn().unwrap());
    let output = command.stderr(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Lets the other end send so many small datagrams as fast as it can; gives how many it were.
fn blast(most: u32) -> u32 {
    let _open = UdpSocket::bind((CLIENT, PORT)).unwrap();
    let output = blaster(most).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// This program at the other end, see [`send_blast`].
fn blaster(most: u32) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Wire::here().unwrap().server(program.to_str().unwrap());
    command.args(["--blast", &most.to_string()]);
    command
}

/// The other end of a blast: what this program is when it is started with `--blast`. Eight seconds at most.
pub(crate) fn send_blast(most: u32) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect((CLIENT, PORT)).unwrap();
    let begin = Instant::now();
    let mut sent = 0;
    while sent < most && (sent % 1024 != 0 || begin.elapsed() < Duration::from_secs(8)) {
        sent += u32::from(socket.send(&[0; 18]).is_ok());
    }
    println!("{sent}");
}
