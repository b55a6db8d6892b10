//! `sniff` and `AsyncSniffer` in the laboratory, where time is virtual.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/session.rs"]
mod support;

use support::{lab_session, with_stack};

#[test]
fn a_sniffer_hears_while_the_script_goes_on_and_its_prn_runs_between() {
    with_stack(|| {
        let (mut session, heard) = lab_session();
        let _ = session
            .line("let s = AsyncSniffer(iface=\"lab0\", filter=\"icmp\", prn=|p| p[ICMP].type); s.start()")
            .unwrap();
        let _ = session.line("let r = sr1(IP(\"web.lab\")/ICMP())").unwrap();
        assert_eq!(heard.printed.take(), ["8", "0"], "after the line that caused them");
        let _ = session.line("sr1(IP(\"web.lab\")/ICMP()); sr1(IP(\"web.lab\")/TCP(80)); print(\"sent\")").unwrap();
        assert_eq!(heard.printed.take(), ["8", "0", "sent"], "at the next network call");
        let show = |session: &mut pktsh::script::Session, line: &str| {
            let value = session.line(line).unwrap();
            session.display(&value).unwrap_or_default()
        };
        assert_eq!(show(&mut session, "[s.running, s.results.len()]"), "[true, 4]");
        assert_eq!(show(&mut session, "s.stop().len()"), "4");
        assert_eq!(show(&mut session, "[s.running, s.results.len()]"), "[false, 4]");
        assert!(session.line("s.stop()").unwrap_err().message.contains("not running"));
        let _ = session.line("s.start(); sr1(IP(\"web.lab\")/ICMP());").unwrap();
        assert!(session.line("s.start()").unwrap_err().message.contains("is running"));
        assert_eq!(show(&mut session, "s.stop().len()"), "2", "each start begins anew");
    });
}

#[test]
fn count_and_stop_filter_end_a_sniffer_by_themselves() {
    with_stack(|| {
        let (mut session, _) = lab_session();
        let script = "let s = AsyncSniffer(iface=\"lab0\", filter=\"tcp\", count=2); s.start();
                      for i in 0..3 { sr1(IP(\"web.lab\")/TCP(80)); }
                      s.stop().len()";
        assert_eq!(session.script("count", script, &[]).unwrap().as_int(), Ok(2));
        let script =
            "let s = AsyncSniffer(iface=\"lab0\", stop_filter=|p| p.haslayer(TCP) && p[TCP].flags.R); s.start();
                      for i in 0..3 { sr1(IP(\"web.lab\")/TCP(80)); }
                      s.stop()[-1][TCP].flags == \"R\"";
        assert_eq!(session.script("stop_filter", script, &[]).unwrap().as_bool(), Ok(true));
        let script = "let s = AsyncSniffer(iface=\"lab0\", filter=\"icmp\", timeout=5); s.start(); let seen = [];
                      for i in 0..3 { sr1(IP(\"web.lab\")/ICMP()); sleep(3); seen.push(s.running); }
                      [seen, s.stop().len(), s.running] == [[true, true, false], 4, false]";
        assert_eq!(session.script("timeout", script, &[]).unwrap().as_bool(), Ok(true));
    });
}

#[test]
fn a_wait_in_the_laboratory_takes_no_time_and_has_an_end() {
    with_stack(|| {
        let (mut session, heard) = lab_session();
        let mut len = |code: &str| session.script("quiet", &format!("{code}.len()"), &[]).unwrap().as_int().unwrap();
        // The hosts talk among themselves.
        assert_eq!(len("sniff(iface=\"lab0\", count=5)"), 5);
        assert!((300..100_000).contains(&len("sniff(iface=\"lab0\", timeout=3600)")));
        assert!((10..20).contains(&len("sniff(iface=\"lab0\")")));
        assert!(!heard.noted.take().iter().any(|note| note.contains("an hour")));
        assert_eq!(len("sniff(iface=\"lab0\", filter=\"tcp port 9\")"), 0);
        assert!(heard.noted.take().iter().any(|note| note.contains("an hour of the laboratory's time")));
    });
}

#[test]
fn functions_may_use_the_network_themselves() {
    with_stack(|| {
        let (mut session, heard) = lab_session();
        let script = "let s = AsyncSniffer(iface=\"lab0\", filter=\"icmp[0] = 8\", prn=|p| sr1(IP(\"noping.lab\")/TCP(443))[TCP].flags);
                      s.start(); sr1(IP(\"web.lab\")/ICMP()); s.stop().len()";
        assert_eq!(session.script("inner", script, &[]).unwrap().as_int(), Ok(1));
        assert_eq!(heard.printed.take(), ["SA"]);
        let script = "let s = AsyncSniffer(iface=\"lab0\", filter=\"icmp\"); s.start();
                      let t = AsyncSniffer(iface=\"lab0\", filter=\"icmp\", prn=|p| s.results.len()); t.start();
                      sr1(IP(\"web.lab\")/ICMP()); [s.stop().len(), t.stop().len()] == [2, 2]";
        assert_eq!(session.script("asked", script, &[]).unwrap().as_bool(), Ok(true));
    });
}

#[test]
fn mistakes_are_told_before_anything_is_opened() {
    with_stack(|| {
        let (mut session, _) = lab_session();
        let rows = [
            ("sniff(iface=\"lab1\")", "no interface \"lab1\"; did you mean \"lab0\"?"),
            ("sniff(iface=5)", "sniff: iface takes a name or a list of names, found the number 5"),
            ("sniff(iface=\"lab0\", filter=\"tcp and\")", ""),
            ("sniff(iface=\"lab0\", count=1, prn=5)", "sniff: prn takes a function"),
            ("AsyncSniffer(offline=\"x.pcap\")", "sniff(offline=..) goes through it"),
            ("sniff(iface=\"lab0\", write=\"/nowhere/x.pcap\", count=1)", "cannot write \"/nowhere/x.pcap\""),
        ];
        for (line, wanted) in rows {
            let said = session.line(line).unwrap_err().message;
            assert!(said.contains(wanted), "{line}: {said}");
        }
    });
}
