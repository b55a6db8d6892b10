//! Lists of packets as scripts see them, and capture files read and written by scripts. All in the laboratory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/session.rs"]
mod support;

use std::path::PathBuf;

use pktsh::script::Session;
use support::{Heard, lab_session, with_stack};

/// A session with `l`, the five packets of a half-open connection to web.lab as a sniffer heard them (two of them ARP),
/// and a folder for its files.
struct Desk {
    session: Session,
    heard: Heard,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (session, heard) = lab_session();
        let mut desk = Self { session, heard, folder: tempfile::tempdir().unwrap() };
        desk.run("let s = AsyncSniffer(iface=\"lab0\"); s.start(); sr1(IP(\"web.lab\")/TCP(80, sport=61000)); let l = s.stop();");
        desk
    }

    /// Runs a line, in which `@x` stands for the file `x` of the folder, and gives what it shows.
    fn run(&mut self, line: &str) -> String {
        let line = self.with_files(line);
        let value = self.session.line(&line).unwrap_or_else(|trouble| panic!("{line}: {trouble}"));
        let mut shown = self.heard.printed.take();
        shown.extend(self.session.display(&value));
        shown.join("\n")
    }

    fn fails(&mut self, line: &str) -> String {
        let line = self.with_files(line);
        match self.session.line(&line) {
            Err(trouble) => trouble.message.replace(self.folder.path().to_str().unwrap(), ""),
            Ok(value) => panic!("{line} gave {value}"),
        }
    }

    fn with_files(&self, line: &str) -> String {
        line.replace('@', &format!("{}/", self.folder.path().display()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shows(&mut self, rows: &[(&str, &str)]) {
        for (line, wanted) in rows {
            assert_eq!(self.run(line), *wanted, "{line}");
        }
    }
}

#[test]
fn lists_are_sliced_joined_and_picked_from() {
    with_stack(|| {
        Desk::new().shows(&[
            ("l.len()", "5"),
            ("l[0].haslayer(ARP)", "true"),
            ("l[-1][TCP].flags", "R"),
            ("l[2..4].len()", "2"),
            ("l[2..=4].len()", "3"),
            ("l[-2..99].len()", "2"),
            ("l[4..2].len()", "0"),
            ("l[TCP].len()", "3"),
            ("(l + l).len()", "10"),
            ("(l[0..1] + IP()/TCP()).len()", "2"),
            ("l.filter(|p| p.haslayer(TCP) && p[TCP].flags.S).len()", "2"),
            ("l.filter(\"tcp[13] & 2 != 0\").len()", "2"),
            ("l.filter(\"arp or src host 192.0.2.10\").len()", "3"),
            ("l.map(|p| p.layers().len())", "[2, 2, 3, 3, 3]"),
            ("let n = 0; for p in l { n += p.len(); } n", "250"),
            ("for (p, i) in l { if i == 2 { print(i, p[TCP].flags); } }", "2 S"),
            ("l.is_empty()", "false"),
            ("[l.received, l.dropped]", "[5, 0]"),
            ("l[1].iface", "\"lab0\""),
            ("let q = l[2]; q.ttl = 9; l[2].ttl", "64"),
        ]);
    });
}

#[test]
fn lists_show_their_rows() {
    with_stack(|| {
        let mut desk = Desk::new();
        desk.shows(&[
            (
                "l[2..4]",
                "0    02:00:00:00:00:02 > 02:00:00:00:00:0a (IPv4) / IP / TCP 192.0.2.2:61000 > 192.0.2.10:80 S\n\
                 1    02:00:00:00:00:0a > 02:00:00:00:00:02 (IPv4) / IP / TCP 192.0.2.10:80 > 192.0.2.2:61000 SA",
            ),
            (
                "l[0..1].summary()",
                "02:00:00:00:00:02 > ff:ff:ff:ff:ff:ff (ARP) / ARP who has 192.0.2.10 says 192.0.2.2",
            ),
            ("l.nsummary(prn=|p| p.len(), lfilter=|p| p.haslayer(TCP))", "0002 54\n0003 58\n0004 54"),
            (
                "l[TCP].make_table(|p| [p.dport, p[IP].src, p[TCP].flags])",
                "             80  61000\n 192.0.2.2   R   -\n 192.0.2.10  -   SA",
            ),
            (
                "l.conversations()",
                " A              B                BYTES  PACKETS  PROTO  SECONDS\n \
                 192.0.2.10:80  192.0.2.2:61000  166    3        TCP    0.0003\n \
                 192.0.2.10     192.0.2.2        84     2        ARP    0.0003",
            ),
            (
                "l.sessions().keys()",
                "[\"ARP 192.0.2.10 > 192.0.2.2\", \"ARP 192.0.2.2 > 192.0.2.10\", \
                 \"TCP 192.0.2.10:80 > 192.0.2.2:61000\", \"TCP 192.0.2.2:61000 > 192.0.2.10:80\"]",
            ),
        ]);
        let dump = desk.run("l[2..3].hexdump()");
        assert!(dump.starts_with("0000 02:00") && dump.lines().nth(1).unwrap().starts_with("0000  02 00 00"), "{dump}");
    });
}

#[test]
fn what_is_written_is_read_again() {
    with_stack(|| {
        let mut desk = Desk::new();
        for name in ["a.pcap", "a.pcapng", "a.pcap.gz", "a.pcapng.gz"] {
            let line = |text: &str| text.replace('#', name);
            desk.run(&line("wrpcap(\"@#\", l); wrpcap(\"@#\", l[2], append=true)"));
            let same = line("let r = rdpcap(\"@#\"); r.len() == 6 && r[0..5].map(|p| p.hex()) == l.map(|p| p.hex())");
            assert_eq!(desk.run(&same), "true", "{name}");
            assert_eq!(desk.run("r.map(|p| p.time) == (l + l[2..3]).map(|p| p.time)"), "true", "{name}");
            let streamed = line("let n = 0; for p in PcapReader(\"@#\") { n += p.len(); } n");
            assert_eq!(desk.run(&streamed), "304", "{name}");
        }
        desk.shows(&[
            ("let p = l[2]; p.comment = \"the probe\"; wrpcap(\"@c.pcapng\", p); rdpcap(\"@c.pcapng\")[0].comment", "\"the probe\""),
            ("rdpcap(\"@c.pcapng\")[0].iface", "\"lab0\""),
            ("rdpcap(\"@a.pcap\", count=2).len()", "2"),
            ("let w = PcapWriter(\"@w.pcap\"); for p in l { w.write(p); } w.close(); rdpcap(\"@w.pcap\").len()", "5"),
            ("wrpcap(\"@set.pcap\", IP(dst=\"192.0.2.0/30\")/UDP()); rdpcap(\"@set.pcap\").len()", "4"),
            ("wrpcap(\"@micro.pcap\", l, nano=false); rdpcap(\"@micro.pcap\").len()", "5"),
            ("let r = sr(IP(\"web.lab\")/TCP(dport=[22, 23])); wrpcap(\"@sr.pcap\", r); rdpcap(\"@sr.pcap\").map(|p| p[TCP].flags)", "[S, S, SA, RA]"),
        ]);
    });
}

#[test]
fn files_are_sniffed_offline() {
    with_stack(|| {
        let mut desk = Desk::new();
        desk.run("wrpcap(\"@a.pcap\", l)");
        desk.shows(&[
            ("sniff(offline=\"@a.pcap\").len()", "5"),
            ("sniff(offline=\"@a.pcap\", filter=\"tcp\", count=2).len()", "2"),
            (
                "sniff(offline=\"@a.pcap\", lfilter=|p| p.haslayer(TCP), prn=|p| p[TCP].flags, store=false).len()",
                "S\nSA\nR\n0",
            ),
            ("sniff(offline=\"@a.pcap\", stop_filter=|p| p.haslayer(TCP)).len()", "3"),
            ("sniff(offline=l, filter=\"arp\").len()", "2"),
            ("sniff(offline=\"@a.pcap\", filter=\"arp\", write=\"@arp.pcap\"); rdpcap(\"@arp.pcap\").len()", "2"),
        ]);
    });
}

#[test]
fn a_broken_file_gives_what_it_has_and_says_so() {
    with_stack(|| {
        let mut desk = Desk::new();
        desk.run("wrpcap(\"@a.pcap\", l)");
        let bytes = std::fs::read(desk.file("a.pcap")).unwrap();
        std::fs::write(desk.file("cut.pcap"), &bytes[..bytes.len() - 7]).unwrap();
        desk.heard.noted.take();
        assert_eq!(desk.run("rdpcap(\"@cut.pcap\").len()"), "4");
        let noted = desk.heard.noted.take().join("\n");
        assert!(noted.contains("ends inside packet 5"), "{noted}");
        std::fs::write(desk.file("text"), "hello, world, this is text\n").unwrap();
        let rows = [
            ("rdpcap(\"@text\")", "\"/text\" is no capture file (pcap or pcapng): "),
            ("rdpcap(\"@none\")", "cannot read \"/none\": "),
            ("wrpcap(\"@x.pcap\", TCP())", "TCP is not what a capture begins with: write Ether()/TCP or IP()/TCP"),
            ("wrpcap(\"@x.pcap\", 5)", "wrpcap: takes a packet, a list of packets, or answers, found the number 5"),
            (
                "wrpcap(\"@x.pcap\", [l[0], IP()/TCP()])",
                "a pcap file has one link type, a file with the ending .pcapng",
            ),
            ("l.filter(5)", "filter: takes a function like |p| .., or a capture filter in quotes, found the number 5"),
            ("l.filter(|p| 5)", "filter: the function says true or false, found the number 5"),
            ("l.filter(|a, b| true)", "filter: the function has 2 parameters; it gets the packet, |p|"),
            ("l[9]", "no item 9 in a list of 5"),
            ("DNS().qd.qname", "a list has no \"qname\", its items may: take one first, like [0].qname"),
            ("l.make_table(|p| 5)", "make_table: the function gives [column, row, cell], found the number 5"),
        ];
        for (line, wanted) in rows {
            let said = desk.fails(line);
            assert!(said.contains(wanted), "{line}: {said}");
        }
        assert_eq!(desk.run("l.len()"), "5", "nothing is lost by a mistake");
    });
}

#[test]
fn a_filter_that_cannot_be_read_has_its_caret() {
    with_stack(|| {
        let mut desk = Desk::new();
        for line in ["l.filter(\"tcp prt 80\")", "sniff(iface=\"lab0\", filter=\"tcp prt 80\")"] {
            let trouble = desk.session.line(line).unwrap_err();
            let place = trouble.place.expect("a caret");
            assert_eq!(&line[place.column - 1..place.column - 1 + place.length], "prt", "{line}: {}", trouble.message);
        }
    });
}
