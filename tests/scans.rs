//! Scans as a script meets them: every kind, what a Scan holds, what is refused, what several kinds say together.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/session.rs"]
mod support;

use pktsh::scan::TIMINGS;
use pktsh::scan::kinds::KINDS;
use pktsh::script::surface;
use support::lab_session;

/// What a line gives, as the prompt shows it.
fn shown(line: &str) -> String {
    let (mut session, heard) = lab_session();
    let value = session.line(line).unwrap_or_else(|trouble| panic!("{line}: {trouble}"));
    let mut shown = heard.printed.take();
    shown.extend(session.display(&value));
    shown.join("\n")
}

/// The words of a line's error.
fn refused(line: &str) -> String {
    let (mut session, _) = lab_session();
    session.line(line).expect_err(line).to_string()
}

#[test]
fn every_kind_is_a_function_with_the_same_keywords() {
    let row = |name: &str| surface::all().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"));
    let syn: Vec<&str> = row("syn_scan").params.iter().map(|param| param.name).collect();
    for kind in KINDS {
        let own: Vec<&str> = row(kind.function).params.iter().map(|param| param.name).collect();
        assert!(own.starts_with(&syn), "{}: {own:?}", kind.function);
        let text = shown(kind.example);
        assert!(text.contains(" is up: ") && text.contains(kind.proto.name()), "{}: {text}", kind.example);
    }
    assert_eq!(row("scan").params.len(), syn.len() + 3);
}

/// What a host says to each kind, by the classroom's table (RFC 9293 section 3.10.7, and the stacks' own ways).
#[test]
fn states_and_reasons_of_the_laboratory() {
    let rows: &[(&str, &str)] = &[
        (r#"syn_scan("web.lab", ports="80,81")"#, "80 open syn-ack, 81 closed reset"),
        (r#"syn_scan("drop.lab", ports="22,80")"#, "22 filtered no-response, 80 open syn-ack"),
        (r#"syn_scan("unreach.lab", ports="8080")"#, "8080 filtered port-unreach"),
        (r#"syn_scan("reject.lab", ports="81")"#, "81 filtered admin-prohibited"),
        (r#"connect_scan("web.lab", ports="80,81")"#, "80 open syn-ack, 81 closed conn-refused"),
        (r#"connect_scan("unreach.lab", ports="8080", discover=false)"#, "8080 closed conn-refused"),
        (r#"ack_scan("loose.lab", ports="8080,8081")"#, "8080 unfiltered reset, 8081 filtered no-response"),
        (r#"window_scan("vxworks.lab", ports="80,81")"#, "80 open reset, 81 closed reset"),
        (r#"maimon_scan("linux.lab", ports="22,81")"#, "22 closed reset, 81 closed reset"),
        (r#"fin_scan("stateless.lab", ports="8080,8081")"#, "8080 open|filtered no-response, 8081 closed reset"),
        (r#"null_scan("windows.lab", ports="445")"#, "445 closed reset"),
        (r#"xmas_scan("freebsd.lab", ports="80,81")"#, "80 open|filtered no-response, 81 closed reset"),
        (r#"tcp_scan("freebsd.lab", flags="SF", ports="80")"#, "80 open syn-ack"),
        (r#"tcp_scan("linux.lab", flags="SF", ports="80")"#, "80 filtered no-response"),
        (r#"udp_scan("dns.lab", ports="53,69")"#, "53 open udp-response, 69 closed port-unreach"),
        (r#"udp_scan("udp.lab", ports="514")"#, "514 open|filtered no-response"),
        (r#"sctp_init_scan("sctp.lab", ports="9,36412")"#, "9 closed abort, 36412 open init-ack"),
        (r#"sctp_cookie_scan("sctp.lab", ports="9,36412")"#, "9 closed abort, 36412 open|filtered no-response"),
        (r#"sctp_init_scan("web.lab", ports="9")"#, "9 filtered proto-unreach"),
        (
            r#"protocol_scan("protocols.lab", ports="1,2,6,17,99")"#,
            "1 open echo-reply, 2 open|filtered no-response, 6 open proto-response, 17 open port-unreach, 99 closed proto-unreach",
        ),
        (r#"syn_scan("192.0.2.99", ports="80", discover=false)"#, "80 filtered host-unreach"),
        (r#"syn_scan("198.51.100.99", ports="80", discover=false, timeout=2)"#, "80 filtered host-unreach"),
        (r#"syn_scan("far.lab", ports="80", probe=IP(ttl=1))"#, "80 filtered time-exceeded"),
        (r#"syn_scan("web.lab", ports="80", ipv6=true)"#, "80 open syn-ack"),
        (r#"syn_scan("2001:db8::26", ports="81")"#, "81 filtered admin-prohibited"),
        (r#"protocol_scan("2001:db8::10", ports="58,99")"#, "58 open echo-reply, 99 closed param-problem"),
    ];
    for (scan, wanted) in rows {
        let line = format!(r"let t = []; for x in {scan} {{ t.push(`${{x.port}} ${{x.state}} ${{x.reason}}`); }} t");
        let said = shown(&line).replace('"', "");
        assert_eq!(said.trim_matches(['[', ']']), *wanted, "{scan}");
    }
}

#[test]
fn a_host_is_up_by_its_own_word_alone() {
    let rows: &[(&str, &str)] = &[
        ("web.lab", "true arp-response"),
        ("2001:db8::10", "true nd-response"),
        ("far.lab", "true echo-reply"),
        ("192.0.2.2", "true localhost-response"),
        ("192.0.2.99", "false no-response"),
        ("198.51.100.99", "false no-response"),
    ];
    for (host, wanted) in rows {
        let line = format!(r#"let h = ping_scan("{host}").hosts[0]; `${{h.up}} ${{h.reason}}`"#);
        assert_eq!(shown(&line), format!("\"{wanted}\""), "{host}");
        let is_up = wanted.starts_with("true");
        assert_eq!(shown(&format!(r#"is_up("{host}")"#)), is_up.to_string(), "{host}");
    }
    // After three seconds the gateway says that nobody is there: an answer, but not the host's.
    let patient = r#"let h = ping_scan("198.51.100.99", timeout=2).hosts[0]; [h.up, h.reason, h.reason_ip]"#;
    assert_eq!(shown(patient), r#"[false, "host-unreach", "192.0.2.1"]"#);
}

#[test]
fn what_a_scan_holds() {
    let begin = r#"let r = syn_scan("web.lab, drop.lab", ports=[22, 80..=82]); "#;
    let rows: &[(&str, &str)] = &[
        ("r.len()", "8"),
        ("r.counts", r#"#{"closed": 2, "filtered": 3, "open": 3}"#),
        (r#"r.ports("open")"#, "[22, 80]"),
        ("r.open.len() + r.closed.len() + r.filtered.len()", "8"),
        (r#"r.state("web.lab", 80)"#, r#""open""#),
        (r#"r.state("192.0.2.20", 81)"#, r#""filtered""#),
        (r#"r.state("192.0.2.20", 9)"#, ""),
        ("[r[0].host, r[0].name, r[0].port, r[0].proto, r[0].kind]", r#"["192.0.2.10", "web.lab", 22, "tcp", "syn"]"#),
        ("[r[0].ttl, r[0].tries, r[0].rtt_us, r[0].service]", r#"[64, 1, 300, "ssh"]"#),
        ("r[0].answer[TCP].flags", r"SA"),
        (r#"r.filter(|x| x.state == "filtered").len()"#, "3"),
        (r#"(r.filter(|x| x.port == 22) + ack_scan("web.lab", ports="22,80")).len()"#, "3"),
        ("r.hosts.map(|h| h.up)", "[true, true]"),
        ("r.unfinished.len()", "0"),
    ];
    for (what, wanted) in rows {
        assert_eq!(shown(&format!("{begin}{what}")), *wanted, "{what}");
    }
}

#[test]
fn several_kinds_are_read_together() {
    let scan = |kinds: &str, ports: &str| {
        shown(&format!(r#"let x = scan("stateless.lab", ports="{ports}", kind={kinds})[0]; [x.state, x.note, x.kind]"#))
    };
    let open = scan(r#"["fin", "ack"]"#, "8080");
    assert!(
        open.contains(r#""open", "open|filtered by fin and unfiltered by ack leave only open", "fin+ack""#),
        "{open}"
    );
    let closed = scan(r#"["fin", "ack"]"#, "8081");
    assert!(closed.contains(r#""closed", None"#) || closed.contains(r#""closed", (), "fin+ack""#), "{closed}");
    let stopped = scan(r#""syn,ack,fin""#, "8080");
    assert!(stopped.contains("behind it: open"), "{stopped}");
}

#[test]
fn the_network_is_free_while_a_port_is_told() {
    let line = r#"let t = []; syn_scan("web.lab", ports="80,81", prn=|x| { t.push(sr1(IP(x.host)/ICMP(), verbose=false)[ICMP].type); }); t"#;
    assert_eq!(shown(line), "[0, 0]");
    // What fails in there ends the scan, with its own words.
    let error = refused(r#"syn_scan("web.lab", ports="80,81", prn=|x| throw "enough")"#);
    assert!(error.contains("enough"), "{error}");
}

#[test]
fn a_host_that_takes_too_long_keeps_what_it_has() {
    let line = r#"let r = syn_scan("drop.lab", ports="1-1000", host_timeout=0.05); [r.unfinished.len(), r.counts]"#;
    assert_eq!(shown(line), r#"[999, #{"open": 1}]"#);
}

/// A slow template waits: in the laboratory's time that costs nothing.
#[test]
fn templates_are_taken_by_all_their_names() {
    for timing in TIMINGS {
        let line = |name: &str| format!(r#"syn_scan("web.lab", ports="80,81", timing="{name}").elapsed"#);
        let [by_name, by_letter] = [timing.name, timing.letter].map(|name| shown(&line(name)));
        assert_eq!(by_name, by_letter);
        let waited: f64 = by_name.parse().unwrap();
        assert!((waited - timing.delay.as_secs_f64()).abs() < 0.1, "{}: {waited} s", timing.name);
    }
}

#[test]
fn what_the_probe_sets_is_sent_as_set() {
    let begin = r#"let s = AsyncSniffer(iface="lab0", filter="src host 192.0.2.2 and tcp"); s.start(); "#;
    let scan = r#"syn_scan("web.lab", ports=80, probe=IP(ttl=12, id=7, flags="DF")/TCP(sport=53, window=1024, seq=9, options=["NOP", ["MSS", 1400]])); "#;
    let look = "let p = s.stop()[0]; [p.ttl, p.id, p[IP].flags.DF, p.sport, p.dport, p.window, p.seq, p[TCP].options]";
    let line = format!("{begin}{scan}{look}");
    assert_eq!(shown(&line), r#"[12, 7, true, 53, 80, 1024, 9, ["NOP", ["MSS", 1400], "EOL"]]"#);
}

#[test]
fn what_would_break_the_matching_is_refused() {
    let rows: &[(&str, &str)] = &[
        (
            r#"syn_scan("web.lab", probe=TCP(flags="F"))"#,
            "probe: TCP.flags is what tells the answers apart: use tcp_scan(flags=..)",
        ),
        (
            r#"syn_scan("web.lab", probe=TCP(dport=9))"#,
            "probe: TCP.dport is what tells the answers apart: the scan sets it for each port",
        ),
        (
            r#"syn_scan("web.lab", probe=IP(src="192.0.2.9"))"#,
            "probe: IP.src: answers would go there, and not come back here",
        ),
        (r#"syn_scan("web.lab", probe=IP(dst="far.lab"))"#, "probe: IP.dst: the targets are the scan's first argument"),
        (r#"syn_scan("web.lab", probe=IP()/UDP())"#, "probe: syn_scan sends TCP, not UDP: IP / UDP"),
        (r#"udp_scan("web.lab", probe=TCP())"#, "probe: udp_scan sends UDP, not TCP: TCP"),
        (
            r#"syn_scan("web.lab", probe=TCP(sport=[1, 2]))"#,
            "probe: TCP is a set of packets; the scan makes the set: give one packet",
        ),
        (r#"connect_scan("web.lab", probe=TCP())"#, "probe: a connect scan leaves its packets to the system"),
        (r#"syn_scan("web.lab", ports="100-50")"#, "ports: \"100-50\": backwards; did you mean \"50-100\"?"),
        (r#"syn_scan("web.lab", ports="htpp")"#, "ports: \"htpp\": no service is called that; did you mean \"http\"?"),
        (r#"syn_scan("192.0.2.0/33")"#, "192.0.2.0/33"),
        (r#"syn_scan("wbe.lab")"#, "did you mean \"web.lab\"?"),
        (r#"syn_scan("web.lab", exclude="192.0.2.0/24")"#, "targets: none is left: all are excluded"),
        (r#"syn_scan("2001:db8::/32")"#, "scan it in parts"),
        (r#"scan("web.lab", kind="sny")"#, "no kind of scan \"sny\"; did you mean \"syn\"?"),
        (r#"syn_scan("web.lab", timing="T9")"#, "no template \"T9\""),
        (r#"udp_scan("web.lab", ports="T:80")"#, "udp_scan: the ports have none for udp"),
        (r#"idle_scan("web.lab")"#, "zombie is missing"),
        (r#"tcp_scan("web.lab", flags="SQ")"#, "flags"),
        (r#"tcp_scan("web.lab", flags="S", read_as="udp")"#, "udp does not read TCP flags"),
    ];
    for (line, wanted) in rows {
        let said = refused(line);
        assert!(said.contains(wanted), "{line}: {said}");
    }
}

#[test]
fn a_saved_scan_is_compared_with_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.json").display().to_string();
    let line = format!(
        r#"syn_scan("later.lab", ports="80,8080").save("{file}"); sleep(61); let d = diff("{file}", syn_scan("later.lab", ports="80,8080")); [d.is_empty(), d.changes.map(|c| `${{c.port}} ${{c.before}} ${{c.now}}`)]"#
    );
    assert_eq!(shown(&line), r#"[false, ["8080 closed open"]]"#);
}
