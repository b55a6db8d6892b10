//! Capture files of other programs: dumpcap writes them, tshark reads them, and a few lines here do both.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// A capture file's frames.
pub struct Frames {
    /// What they begin with (the tcpdump.org list).
    pub link_type: u16,
    /// Their bytes.
    pub frames: Vec<Vec<u8>>,
}

impl Frames {
    /// Reads a classic pcap file of either byte order.
    pub fn read(file: &Path) -> Self {
        let bytes = fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let is_big = bytes.starts_with(&[0xa1, 0xb2]);
        let word = |at: usize| {
            let word: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
            (if is_big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }) as usize
        };
        let (mut frames, mut at) = (Vec::new(), 24);
        while at + 16 <= bytes.len() && at + 16 + word(at + 8) <= bytes.len() {
            let len = word(at + 8);
            frames.push(bytes[at + 16..at + 16 + len].to_vec());
            at += 16 + len;
        }
        Self { link_type: word(20) as u16, frames }
    }

    /// Writes them as a classic pcap file, all at time 0.
    pub fn write(&self, file: &Path) {
        let mut pcap = Vec::new();
        // Magic, version 2.4, zone and accuracy 0, the most bytes of a packet, the link type.
        for word in [0xa1b2_c3d4, 0x0002_0004, 0, 0, 0x0004_0000, u32::from(self.link_type)] {
            pcap.extend_from_slice(&word.to_be_bytes());
        }
        for frame in &self.frames {
            for word in [0, 0, frame.len() as u32, frame.len() as u32] {
                pcap.extend_from_slice(&word.to_be_bytes());
            }
            pcap.extend_from_slice(frame);
        }
        fs::write(file, pcap).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }
}

/// What tshark reads in the fields of each frame that fits a display filter: all values of a field, in their order.
pub fn tshark(file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<Vec<String>>> {
    const BETWEEN: char = '\x1e';
    const WITHIN: char = '\x1f';
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "occurrence=a"]);
    command.args(["-E", &format!("separator={BETWEEN}"), "-E", &format!("aggregator={WITHIN}")]);
    for option in OPTIONS {
        command.args(["-o", option]);
    }
    command.arg("-r").arg(file);
    if !filter.is_empty() {
        command.args(["-Y", filter]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed (Debian: apt-get install tshark)");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let values = |cell: &str| cell.split(WITHIN).filter(|value| !value.is_empty()).map(str::to_owned).collect();
    text.lines().map(|line| line.split(BETWEEN).map(values).collect()).collect()
}

/// Each frame for itself, and every checksum looked at.
const OPTIONS: &[&str] = &[
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    "sctp.checksum:CRC 32c",
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "dns.desegment_dns_messages:FALSE",
];

/// A dumpcap that listens. (tcpdump wants a user of its own, whom a user namespace lacks.)
pub struct Capture {
    dumpcap: Child,
    heard: Receiver<Vec<u8>>,
}

impl Capture {
    /// Starts the dumpcap of `command` and waits until it listens.
    pub fn start(mut command: Command, interface: &str, options: &[&str]) -> Self {
        command.args(["-P", "-q", "-i", interface, "-w", "-"]).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut dumpcap = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut said = BufReader::new(dumpcap.stderr.take().expect("it is a pipe")).lines().map_while(Result::ok);
        let mut lines = Vec::new();
        let listens = said.any(|line| {
            let listens = line.starts_with("File:");
            lines.push(line);
            listens
        });
        assert!(listens, "dumpcap: {}", lines.join("\n"));
        std::thread::spawn(move || said.for_each(drop)); // or it would wait for a reader
        let (tell, heard) = mpsc::channel();
        let mut stdout = dumpcap.stdout.take().expect("it is a pipe");
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(len) = stdout.read(&mut buffer)
                && len > 0
                && tell.send(buffer[..len].to_vec()).is_ok()
            {}
        });
        Self { dumpcap, heard }
    }

    /// Listens until it hears `mark`, which the last packet carries, and writes all into `file`.
    pub fn stop_after(self, mark: &[u8], file: &Path) {
        let mut bytes = Vec::new();
        while !bytes.windows(mark.len()).any(|window| window == mark) {
            let more = self.heard.recv_timeout(Duration::from_secs(20));
            bytes.extend(more.unwrap_or_else(|_| panic!("{} was not heard", String::from_utf8_lossy(mark))));
        }
        fs::write(file, bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.dumpcap.kill();
        let _ = self.dumpcap.wait();
    }
}
