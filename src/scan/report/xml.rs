//! Nmap's XML, version 1.05: elements in the order that its DTD fixes, so that readers of Nmap's own files read it.
//!
//! A scan that Ctrl-C ended is closed like any other and says `exit="error"`, so that no reader takes it for a whole one.

use std::borrow::Cow;
use std::io::{self, Write};

use quick_xml::escape::escape as escape_xml;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;

use super::fold::{Folded, fold};
use super::{Look, Writer, Written, greppable, when};
use crate::base::Mac;
use crate::base::ports::ports_text;
use crate::base::text::escape;
use crate::scan::outcome::{Host, News, Row, Scan};

/// Attributes of an element.
type Pairs = Vec<(&'static str, String)>;

/// The report.
pub(super) struct Document {
    look: Look,
    written: Written,
    xml: quick_xml::Writer<Vec<u8>>,
    /// `nmaprun` is open.
    is_open: bool,
    hosts: [u64; 2],
    began: i64,
}

impl Document {
    pub(super) fn new(look: Look) -> Self {
        let xml = quick_xml::Writer::new_with_indent(Vec::new(), b' ', 1);
        Self { look, written: Written::default(), xml, is_open: false, hosts: [0; 2], began: 0 }
    }

    fn open(&mut self, name: &'static str, pairs: Pairs) -> io::Result<()> {
        self.xml.write_event(Event::Start(element(name, pairs)))
    }

    fn close(&mut self, name: &'static str) -> io::Result<()> {
        self.xml.write_event(Event::End(BytesEnd::new(name)))
    }

    fn empty(&mut self, name: &'static str, pairs: Pairs) -> io::Result<()> {
        self.xml.write_event(Event::Empty(element(name, pairs)))
    }

    fn begin(&mut self, scan: &Scan) -> io::Result<()> {
        let about = &scan.about;
        (self.is_open, self.began) = (true, about.began);
        self.xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.xml.write_event(Event::DocType(BytesText::new("nmaprun")))?;
        self.open(
            "nmaprun",
            vec![
                ("scanner", "pktsh".into()),
                ("args", about.args.clone()),
                ("start", when::seconds(about.began).to_string()),
                ("startstr", when::text(about.began)),
                ("version", env!("CARGO_PKG_VERSION").into()),
                ("xmloutputversion", "1.05".into()),
            ],
        )?;
        for (kind, ports) in &about.kinds {
            self.empty(
                "scaninfo",
                vec![
                    ("type", kind.xml.into()),
                    ("protocol", kind.proto.name().into()),
                    ("numservices", ports.len().to_string()),
                    ("services", ports_text(ports)),
                ],
            )?;
        }
        self.empty("verbose", vec![("level", "0".into())])?;
        self.empty("debugging", vec![("level", "0".into())])
    }

    fn host(&mut self, scan: &Scan, at: usize) -> io::Result<()> {
        let Some(host) = scan.hosts.get(at) else { return Ok(()) };
        self.hosts[usize::from(host.presence.is_down())] += 1;
        let is_late = !scan.interrupted && scan.unfinished.iter().any(|part| part.host == at);
        let ended = if host.ended == 0 { host.began } else { host.ended };
        let mut pairs =
            vec![("starttime", when::seconds(host.began).to_string()), ("endtime", when::seconds(ended).to_string())];
        if is_late {
            pairs.push(("timedout", "true".into()));
        }
        self.open("host", pairs)?;
        // The DTD has no reason_ip here; who said so is in the table.
        let status = vec![
            ("state", host.presence.word().into()),
            ("reason", host.reason.word().into()),
            ("reason_ttl", host.ttl.unwrap_or(0).to_string()),
        ];
        self.empty("status", status)?;
        self.addresses(host)?;
        let rows = self.look.rows(scan, at);
        if !rows.is_empty() {
            self.ports(&rows)?;
        }
        self.times(host)?;
        self.close("host")
    }

    fn addresses(&mut self, host: &Host) -> io::Result<()> {
        let addr = host.target.addr;
        let family = if addr.is_ipv4() { "ipv4" } else { "ipv6" };
        self.empty("address", vec![("addr", addr.to_string()), ("addrtype", family.into())])?;
        if let Some(mac) = host.mac {
            self.empty("address", vec![("addr", upper(mac)), ("addrtype", "mac".into())])?;
        }
        self.open("hostnames", Vec::new())?;
        if let Some(name) = &host.name {
            self.empty("hostname", vec![("name", name.to_string()), ("type", "user".into())])?;
        }
        self.close("hostnames")
    }

    fn ports(&mut self, rows: &[&Row]) -> io::Result<()> {
        let (listed, folded) = fold(rows);
        self.open("ports", Vec::new())?;
        for folded in &folded {
            self.extra(folded)?;
        }
        for row in listed {
            self.port(row)?;
        }
        self.close("ports")
    }

    fn extra(&mut self, folded: &Folded) -> io::Result<()> {
        self.open("extraports", vec![("state", folded.state.word().into()), ("count", folded.count.to_string())])?;
        for (reason, proto, ports) in &folded.reasons {
            self.empty(
                "extrareasons",
                vec![
                    ("reason", reason.word().into()),
                    ("count", ports.len().to_string()),
                    ("proto", proto.name().into()),
                    ("ports", ports_text(ports)),
                ],
            )?;
        }
        self.close("extraports")
    }

    fn port(&mut self, row: &Row) -> io::Result<()> {
        self.open("port", vec![("protocol", row.proto.name().into()), ("portid", row.port.to_string())])?;
        let mut state = vec![
            ("state", row.state.word().into()),
            ("reason", row.reason.word().into()),
            ("reason_ttl", row.ttl.unwrap_or(0).to_string()),
        ];
        state.extend(row.reason_ip.map(|addr| ("reason_ip", addr.to_string())));
        self.empty("state", state)?;
        if !row.service.is_empty() {
            let name = ("name", row.service.to_string());
            self.empty("service", vec![name, ("method", "table".into()), ("conf", "3".into())])?;
        }
        self.close("port")
    }

    /// The round trip, its variation and what Nmap would wait then, in microseconds.
    fn times(&mut self, host: &Host) -> io::Result<()> {
        let Some((rtt, variation)) = host.rtt else { return Ok(()) };
        let (rtt, variation) = (rtt.as_micros(), variation.as_micros());
        self.empty(
            "times",
            vec![
                ("srtt", rtt.to_string()),
                ("rttvar", variation.to_string()),
                ("to", (rtt + 4 * variation).max(100_000).to_string()),
            ],
        )
    }

    /// `runstats`, and the end. `error` is why not all is there.
    fn finish(&mut self, seconds: f64, summary: String, error: Option<String>) -> io::Result<()> {
        let end = self.began.saturating_add((seconds * 1e9) as i64);
        let mut finished = vec![
            ("time", when::seconds(end).to_string()),
            ("timestr", when::text(end)),
            ("elapsed", format!("{seconds:.2}")),
            ("summary", summary),
            ("exit", if error.is_some() { "error" } else { "success" }.into()),
        ];
        finished.extend(error.map(|error| ("errormsg", error)));
        let [up, down] = self.hosts;
        let hosts = [("up", up), ("down", down), ("total", up + down)].map(|(key, n)| (key, n.to_string()));
        self.open("runstats", Vec::new())?;
        self.empty("finished", finished)?;
        self.empty("hosts", hosts.into())?;
        self.close("runstats")?;
        self.close("nmaprun")?;
        self.is_open = false;
        self.xml.get_mut().push(b'\n');
        Ok(())
    }
}

impl Writer for Document {
    fn news(&mut self, out: &mut dyn Write, scan: &Scan, news: &News) -> io::Result<()> {
        if *news == News::Begun {
            self.begin(scan)?;
        }
        for at in self.written.due(scan, news) {
            self.host(scan, at)?;
        }
        if *news == News::Ended {
            let left: usize = scan.unfinished.iter().map(|part| part.ports.len()).sum();
            let error = scan
                .interrupted
                .then(|| format!("interrupted; {left} ports not finished, {} targets not begun", scan.unbegun));
            self.finish(scan.elapsed.as_secs_f64(), greppable::summary(scan), error)?;
        }
        out.write_all(&std::mem::take(self.xml.get_mut()))
    }

    fn fail(&mut self, out: &mut dyn Write, why: &str) -> io::Result<()> {
        if self.is_open {
            self.finish(0.0, format!("pktsh failed: {why}"), Some(why.to_owned()))?;
        }
        out.write_all(&std::mem::take(self.xml.get_mut()))
    }
}

fn element(name: &'static str, pairs: Pairs) -> BytesStart<'static> {
    let mut element = BytesStart::new(name);
    for (key, value) in pairs {
        // As Nmap writes it: the same text may then stand in a comment.
        let value = escape_xml(clean(&value)).replace("--", "-&#45;");
        element.push_attribute(Attribute { key: QName(key), value: Cow::Owned(value) });
    }
    element
}

/// Without the characters that XML 1.0 has no way to write (section 2.2).
fn clean(text: &str) -> String {
    escape(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// A hardware address as Nmap writes it.
fn upper(mac: Mac) -> String {
    mac.to_string().to_uppercase()
}
