//! Nmap's greppable form: a line or two for each host, fields parted by tabs.

use std::io::{self, Write};

use super::fold::fold;
use super::{Look, Writer, Written, when};
use crate::base::text::escape;
use crate::scan::outcome::{Host, News, Presence, Row, Scan};

/// The report.
pub(super) struct Lines {
    look: Look,
    written: Written,
}

impl Lines {
    pub(super) fn new(look: Look) -> Self {
        Self { look, written: Written::default() }
    }

    fn host(&self, out: &mut dyn Write, scan: &Scan, at: usize) -> io::Result<()> {
        let Some(host) = scan.hosts.get(at) else { return Ok(()) };
        let who = who(host);
        let status = if host.presence == Presence::Up { "Up" } else { "Down" };
        writeln!(out, "{who}\tStatus: {status}")?;
        let rows = self.look.rows(scan, at);
        if rows.is_empty() {
            return Ok(());
        }
        // The form has room for one ignored state; the ports of all others are listed.
        let ignored = fold(&rows).1.into_iter().max_by_key(|folded| folded.count);
        let listed = rows.iter().filter(|row| ignored.as_ref().is_none_or(|folded| folded.state != row.state));
        let ports = listed.map(|row| port(row)).collect::<Vec<_>>().join(", ");
        let ports = if ports.is_empty() { ports } else { format!("\tPorts: {ports}") };
        let ignored = ignored.map_or_else(String::new, |f| format!("\tIgnored State: {} ({})", f.state, f.count));
        writeln!(out, "{who}{ports}{ignored}")
    }
}

impl Writer for Lines {
    fn news(&mut self, out: &mut dyn Write, scan: &Scan, news: &News) -> io::Result<()> {
        if *news == News::Begun {
            let (version, when) = (env!("CARGO_PKG_VERSION"), when::text(scan.about.began));
            writeln!(out, "# pktsh {version} scan initiated {when} as: {}", escape(&scan.about.args))?;
        }
        for at in self.written.due(scan, news) {
            self.host(out, scan, at)?;
        }
        if *news == News::Ended { writeln!(out, "# {}", summary(scan)) } else { Ok(()) }
    }
}

/// `pktsh done at .. -- 1 IP address (1 host up) scanned in 1.36 seconds`.
pub(super) fn summary(scan: &Scan) -> String {
    let (up, down) = scan.presence();
    let end = scan.about.began.saturating_add(i64::try_from(scan.elapsed.as_nanos()).unwrap_or(i64::MAX));
    let word = if scan.interrupted { "interrupted" } else { "done" };
    let (addresses, hosts) = (if up + down == 1 { "" } else { "es" }, if up == 1 { "" } else { "s" });
    format!(
        "pktsh {word} at {} -- {} IP address{addresses} ({up} host{hosts} up) scanned in {:.2} seconds",
        when::text(end),
        up + down,
        scan.elapsed.as_secs_f64()
    )
}

fn who(host: &Host) -> String {
    format!("Host: {} ({})", field(&host.target.to_string()), field(host.name.as_deref().unwrap_or_default()))
}

/// Port, state, protocol, owner, service, RPC information, version: what nobody knows is empty.
fn port(row: &Row) -> String {
    format!("{}/{}/{}//{}///", row.port, row.state, row.proto.name(), field(&row.service))
}

/// A text that stays in its field.
fn field(text: &str) -> String {
    escape(text).replace(['/', ','], "|")
}
