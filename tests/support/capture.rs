//! Capture files of other programs: tcpdump writes them, tshark reads them, and a few lines here do both.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
    "sctp.checksum:TRUE",
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "dns.desegment_dns_messages:FALSE",
];

/// A tcpdump that writes what it hears into a file.
pub struct Capture {
    tcpdump: Child,
}

impl Capture {
    /// Starts the tcpdump of `command` and waits until it listens.
    pub fn start(mut command: Command, interface: &str, options: &[&str], file: &Path) -> Self {
        command.args(["-n", "-U", "--immediate-mode", "-s", "0", "-Z", "root", "-i", interface]).args(options);
        command.arg("-w").arg(file).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut tcpdump = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut said = BufReader::new(tcpdump.stderr.take().expect("it is a pipe")).lines().map_while(Result::ok);
        let mut lines = Vec::new();
        let listens = said.any(|line| {
            let listens = line.contains("listening on");
            lines.push(line);
            listens
        });
        assert!(listens, "tcpdump: {}", lines.join("\n"));
        std::thread::spawn(move || said.for_each(drop)); // or it would wait for a reader
        Self { tcpdump }
    }

    /// Ends it once `file` holds `mark`, which the last packet carries.
    pub fn stop_after(mut self, file: &Path, mark: &[u8]) {
        let late = Instant::now() + Duration::from_secs(20);
        while !fs::read(file).is_ok_and(|bytes| bytes.windows(mark.len()).any(|window| window == mark)) {
            assert!(Instant::now() < late, "{} never came into {}", String::from_utf8_lossy(mark), file.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = Command::new("kill").arg(self.tcpdump.id().to_string()).status();
        let _ = self.tcpdump.wait();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
}
