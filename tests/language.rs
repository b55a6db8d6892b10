//! The language, rule by rule: what a line shows, and what a mistake is answered with.

#[path = "support/session.rs"]
mod support;

use pktsh::script::Session;
use support::{Heard, lab_session, with_stack};

/// Types the lines one after another and gives what each showed: its value, what it printed, or its error.
fn typed(session: &mut Session, heard: &Heard, lines: &str) -> String {
    let mut last = String::new();
    for line in lines.split(" ⏎ ") {
        heard.printed.borrow_mut().clear();
        last = match session.line(line) {
            Ok(value) => {
                let mut shown = heard.printed.borrow().clone();
                shown.extend(session.display(&value));
                shown.join("\n")
            }
            Err(trouble) => {
                let at = trouble.place.as_ref().map_or_else(String::new, |place| {
                    let line = place.text.lines().nth(place.line - 1).unwrap_or("");
                    line.chars().skip(place.column - 1).take(place.length).collect()
                });
                format!("error at `{at}`: {}", trouble.message)
            }
        };
    }
    last
}

/// Each row is typed into a session of its own.
fn shows(rows: &'static [(&'static str, &'static str)]) {
    with_stack(move || {
        for (lines, wanted) in rows {
            let (mut session, heard) = lab_session();
            assert_eq!(typed(&mut session, &heard, lines), *wanted, "\n{lines}");
        }
    });
}

/// The same for errors: the marked text, and a part of the message.
fn tells(rows: &'static [(&'static str, &'static str, &'static str)]) {
    with_stack(move || {
        for (lines, marked, wanted) in rows {
            let (mut session, heard) = lab_session();
            let shown = typed(&mut session, &heard, lines);
            assert!(shown.starts_with(&format!("error at `{marked}`: ")), "\n{lines}\n{shown}");
            assert!(shown.contains(wanted), "\n{lines}\n{shown}");
            assert_eq!(typed(&mut session, &heard, "1 + 1"), "2", "the next line works: {lines}");
        }
    });
}

/// Rhai hands a property back to the packet after any method on it.
#[test]
fn looking_at_an_answer_does_not_edit_it() {
    shows(&[
        (
            "let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ let n = r[TCP].options.len() ⏎ [n, r[IP].chksum != None]",
            "[1, true]",
        ),
        ("let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ r.src.len() ⏎ r.ttl.to_string() ⏎ r.chksum != None", "true"),
        ("let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ r.query.hex() == hex(r.query)", "true"),
        ("let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ r.payload.layers() ⏎ r.iface.len()", "4"),
        ("let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ r.payload.dport = 9 ⏎ r.dport", "9"),
        ("let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ r.ttl = 9 ⏎ r.chksum", ""),
        (
            "let r = sr1(IP(\"web.lab\")/TCP(80)) ⏎ r.query = IP()",
            "error at `query`: query says what was seen; it cannot be set",
        ),
    ]);
}

#[test]
fn layers_are_functions_and_values() {
    shows(&[
        ("let p = IP(dst=\"192.0.2.10\")/TCP(dport=80) ⏎ p.haslayer(TCP)", "true"),
        ("let p = IP()/TCP(dport=81) ⏎ p[TCP].dport", "81"),
        ("let p = IP()/TCP(dport=81) ⏎ p[\"TCP\"].dport", "81"),
        ("let p = IP()/TCP(dport=81) ⏎ p[1].dport", "81"),
        ("TCP in IP()/TCP()", "true"),
        ("UDP !in IP()/TCP()", "true"),
        ("TCP == TCP", "true"),
        ("TCP == UDP", "false"),
        ("fn f(p) { p.haslayer(TCP) } ⏎ f(IP()/TCP())", "true"),
        ("(IP()/TCP()).layers()", "[IP, TCP]"),
    ]);
}

#[test]
fn the_argument_without_a_name() {
    shows(&[
        ("IP(\"192.0.2.10\").dst", "\"192.0.2.10\""),
        ("IP(\"web.lab\").dst", "\"192.0.2.10\""),
        ("Ether(\"02:00:00:00:00:0a\").dst", "\"02:00:00:00:00:0a\""),
        ("TCP(443).dport", "443"),
        ("UDP(53).dport", "53"),
        ("ARP(\"192.0.2.10\").pdst", "\"192.0.2.10\""),
        ("Raw(\"abc\").load.as_string()", "\"abc\""),
        ("let p = IP(IP(dst=\"192.0.2.9\", src=\"192.0.2.1\", id=7).bytes()); [p.dst, p.id]", "[\"192.0.2.9\", 7]"),
        ("TCP(\"https\").dport", "443"),
        ("ICMP(\"echo-reply\").type", "0"),
    ]);
    tells(&[
        ("TCP(80, 81)", "TCP", "one argument without a name"),
        ("Dot1Q(\"x\")", "Dot1Q", "name the field"),
        ("IP(5)", "IP", "name the field that the number 5 is for"),
    ]);
}

#[test]
fn a_slash_stacks() {
    shows(&[
        ("(IP()/TCP()/\"GET /\").layers()", "[IP, TCP, Raw]"),
        ("(IP()/UDP()/unhex(\"ff 00\"))[Raw].load == unhex(\"ff00\")", "true"),
        ("let a = IP(); let b = a/TCP(); a.ttl = 9; b.ttl", "64"),
        ("let a = IP(); let b = a/TCP(); a.layers()", "[IP]"),
        ("(\"x\"/TCP()).layers()", "[Raw, TCP]"),
        ("(IP()/TCP()).proto", ""),
        ("IP((IP(src=\"192.0.2.1\")/TCP(sport=1)).bytes()).proto", "6"),
        ("IP((IP(src=\"192.0.2.1\", proto=17)/TCP(sport=1)).bytes()).proto", "17"),
    ]);
    tells(&[
        ("IP()/UDP()/\"a\" + \"b\"", "+", "p/(\"..\" + \"b\")"),
        ("IP() + TCP()", "+", "IP()/TCP()"),
        ("IP()/TCP", "/", "write TCP()"),
        ("IP/TCP()", "/", "write IP()"),
    ]);
}

#[test]
fn fields_take_what_fits_and_refuse_the_rest() {
    shows(&[
        ("TCP(dport=\"80\").dport", "80"),
        ("TCP(dport=\"0x50\").dport", "80"),
        ("TCP(dport=\"http\").dport", "80"),
        ("IP(flags=\"DF\").flags", "DF"),
        ("IP(flags=\"MF+DF\").flags == 3", "true"),
        ("TCP(flags=\"\").flags == 0", "true"),
        ("TCP(flags=0x1ff).flags", "FSRPAUECN"),
        ("let p = IP()/TCP(); p.dport = 22; p.dport += 1; p[TCP].dport", "23"),
        ("let p = IP()/TCP(); p[TCP].flags = \"SA\"; p[TCP].flags", "SA"),
        ("let p = IP()/TCP(); p.ttl = 3; p.ttl = None; p.ttl", "64"),
        ("let p = IP(len=5); p.len = auto; p.len == None", "true"),
        (
            "IP(version=9, ihl=1, len=5, chksum=0, id=1, src=\"192.0.2.1\", dst=\"192.0.2.2\").hex()",
            "\"910000050001000040000000c0000201c0000202\"",
        ),
        (
            "TCP(options=[\"NOP\", [\"MSS\", 1460], [\"Timestamp\", [1, 0]]]).options",
            "[\"NOP\", [\"MSS\", 1460], [\"Timestamp\", [1, 0]]]",
        ),
        ("(IP()/TCP(dport=81)/\"abc\").len()", "43"),
        ("IP(len=99).len", "99"),
        ("let p = IP()/TCP(); let q = p.copy(); q.ttl = 1; p.ttl", "64"),
        ("IP(ttl=64) == IP()", "true"),
        ("IP(ttl=63) == IP()", "false"),
        ("IP()/TCP() != IP()/UDP()", "true"),
        ("IP(ttl=3).hex() == IP(ttl=3).hex()", "true"),
    ]);
    tells(&[
        ("TCP(dprot=80)", "dprot", "TCP has no field \"dprot\"; did you mean \"dport\"?"),
        ("TCP(dport=70000)", "dport", "TCP.dport: 70000 does not fit 16 bits (0 to 65535)"),
        ("TCP(dport=-1)", "dport", "-1 is below 0"),
        ("TCP(dport=1.5)", "dport", "found the number 1.5"),
        ("TCP(dport=\"foo\")", "dport", "no name \"foo\""),
        ("IP(ttl=300)", "ttl", "IP.ttl: 300 does not fit 8 bits (0 to 255)"),
        ("TCP(flags=\"Z\")", "flags", "the flags are F S R P A U E C N"),
        ("TCP(flags=\"sa\")", "flags", "did you mean"),
        ("Ether(dst=\"zz\")", "dst", "not a MAC address"),
        ("IP(dst=\"300.1.1.1\")", "dst", "300.1.1.1"),
        ("ICMP(type=3, id=4)", "id", "ICMP.id: not there when type is 3"),
        ("TCP(options=[[\"MSS\", 70000]])", "options", "option \"MSS\" takes a number of 16 bits"),
        ("TCP(options=[\"MSSS\"])", "options", "no option \"MSSS\"; did you mean \"MSS\"?"),
        ("let p = IP()/TCP() ⏎ p.dprot = 3", "dprot", "did you mean \"dport\"?"),
        ("let p = IP()/TCP() ⏎ p.flags = \"SA\"", "flags", "did you mean p[TCP].flags?"),
        ("let p = IP()/TCP() ⏎ p[UDP]", "[", "no UDP in IP / TCP"),
        ("let p = IP()/TCP() ⏎ p.tll", "tll", "did you mean \"ttl\"?"),
        (
            "IP()/TCP(options=[unhex(\"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728 29\")]) ⏎ _.bytes()",
            "bytes",
            "TCP.dataofs: the automatic value 16 does not fit 4 bits",
        ),
        ("(IP()/Raw(load=RandBin(65535))).bytes()", "bytes", "IP.len"),
    ]);
}

#[test]
fn a_set_is_many_packets() {
    shows(&[
        ("(IP(\"192.0.2.0/24\")/TCP(dport=1..=1024)).count()", "262144"),
        ("(IP(\"10.0.0.0/8\")/TCP(dport=1..=65535)).count()", "1099494850560"),
        (
            "let l = []; for p in IP(dst=\"192.0.2.0/31\")/TCP(dport=[22, 80]) { l += `${p[IP].dst}:${p.dport}`; } l",
            "[\"192.0.2.0:22\", \"192.0.2.0:80\", \"192.0.2.1:22\", \"192.0.2.1:80\"]",
        ),
        ("let l = []; for p in TCP(dport=[1, 3..=5, [9]]) { l.push(p.dport); } l", "[1, 3, 4, 5, 9]"),
        ("let l = []; for p in TCP(dport=3..5) { l.push(p.dport); } l", "[3, 4]"),
        ("(IP(dst=[\"192.0.2.1\", \"192.0.2.4/31\"])).count()", "3"),
        ("IP(\"10.0.0.1-20\").count()", "20"),
        ("IP(\"10.0.0.*\").count()", "256"),
        ("IP(dst=\"192.0.2.0/30\").summary()", "\"192.0.2.2 > 192.0.2.0/30 auto\""),
    ]);
    tells(&[
        ("TCP(dport=[])", "dport", "an empty list makes no packet"),
        ("TCP(dport=5..=1)", "dport", "write it from low to high"),
        ("TCP(dport=1..=70000)", "dport", "70000 does not fit 16 bits"),
    ]);
}

#[test]
fn draws_are_the_seeds() {
    shows(&[
        ("let p = IP()/TCP(); p.hex() == p.hex()", "true"),
        ("let p = IP(\"web.lab\")/TCP(); let a = sr1(p); let b = sr1(p); a.query.sport != b.query.sport", "true"),
        ("let p = IP(\"web.lab\")/TCP(); let a = sr1(p).query.sport; a >= 61000 && a <= 65535", "true"),
        (
            "let l = sr(IP(\"web.lab\")/TCP(dport=[22, 23, 80])).ans.map(|s, r| s.sport); l[0] != l[1] && l[1] != l[2]",
            "true",
        ),
        ("TCP(sport=RandShort()).command()", "\"TCP(sport=RandShort())\""),
        ("TCP(sport=RandNum(5, 5)).hex().sub_string(0, 4)", "\"0005\""),
        ("sr1(IP(dst=RandIP(\"192.0.2.10\"))/TCP(80)).src", "\"192.0.2.10\""),
        ("let r = sr1(IP(\"web.lab\")/TCP(sport=RandShort(), dport=80)); r.dport == r.query.sport", "true"),
    ]);
    tells(&[("IP(ttl=RandShort())", "ttl", "65535 does not fit 8 bits")]);
}

#[test]
fn a_quoted_header_is_never_taken_for_the_packets_own() {
    shows(&[
        (
            "let r = sr1(IP(\"reject.lab\")/TCP(81)); [r.haslayer(TCP), TCP in r, r.haslayer(TCPerror)]",
            "[false, false, true]",
        ),
        ("let r = sr1(IP(\"reject.lab\")/TCP(81)); [r[IPerror].dst, r[TCPerror].dport]", "[\"192.0.2.26\", 81]"),
    ]);
    tells(&[
        ("let r = sr1(IP(\"reject.lab\")/TCP(81)) ⏎ r[TCP]", "[", "no TCP in IP / ICMP / IPerror / TCPerror"),
        ("let r = sr1(IP(\"reject.lab\")/TCP(81)) ⏎ r.dport", "dport", "no field or method \"dport\""),
    ]);
}

#[test]
fn flags_compare_in_both_directions() {
    shows(&[
        (
            "let f = TCP(flags=\"SA\").flags; [f == 0x12, 0x12 == f, f == \"SA\", f == \"AS\", \"SA\" == f]",
            "[true, true, true, true, true]",
        ),
        (
            "let f = TCP(flags=\"SA\").flags; [f != 0x12, f != \"SA\", \"SA\" != f, f != \"R\"]",
            "[false, false, false, true]",
        ),
        ("let f = TCP(flags=\"SA\").flags; [f in [\"SA\", \"R\"], f in [\"R\"], f in [0x12]]", "[true, false, true]"),
        ("let f = TCP(flags=\"SA\").flags; [f.S, f.A, f.SA, f.R, f.SR]", "[true, true, true, false, false]"),
        ("let f = TCP(flags=\"SA\").flags; [f & 0x02, f | 0x01]", "[2, 19]"),
        ("let f = TCP(flags=\"SA\").flags; `${f}`", "\"SA\""),
        ("let f = TCP(flags=\"SA\").flags; switch f { \"RA\" => 1, \"SA\" => 2, _ => 3 }", "2"),
        ("\"S\" in TCP(flags=\"SA\").flags", "true"),
        ("let p = IP()/TCP(); p[TCP].flags.A = true; p[TCP].flags.S = false; p[TCP].flags", "A"),
        ("let p = Raw(\"abc\"); [p.load == \"abc\", p.load != \"abc\"]", "[true, false]"),
        ("TCP(flags=\"SA\").flags == TCP(flags=0x12).flags", "true"),
    ]);
    tells(&[
        ("let p = IP()/TCP() ⏎ p.flags == \"SA\"", "SA", "TCP's flags are p[TCP].flags"),
        ("let f = TCP().flags ⏎ f & 0x12 == 0x12", "&", "(f & 0x12) == 0x12"),
        ("let p = IP()/TCP() ⏎ p.dport == \"80\"", "p", "80 is a number and \"80\" is text"),
        ("let p = IP()/TCP() ⏎ p[TCP].flags.Z", "Z", "no flag \"Z\""),
    ]);
}

#[test]
fn none_is_an_answer_and_explains_itself() {
    shows(&[
        ("sr1(IP(\"drop.lab\")/TCP(22), timeout=1) == None", "true"),
        ("let r = sr1(IP(\"drop.lab\")/TCP(22)); r?.show()", ""),
        ("let r = sr1(IP(\"web.lab\")/TCP(22)); r.query.dport", "22"),
        ("let r = sr1(IP(\"web.lab\")/TCP(22)); r.query == None", "false"),
        ("None == ()", "true"),
        ("print(None)", "None"),
    ]);
    tells(&[
        (
            "let r = sr1(IP(\"drop.lab\")/TCP(22)) ⏎ r.show()",
            "show",
            "no answer to the probe of `let r = sr1(IP(\"drop.lab\")/TCP(22))`",
        ),
        ("let r = sr1(IP(\"drop.lab\")/TCP(22)) ⏎ r.flags", "flags", "write `r?.flags`"),
        ("let r = sr1(IP(\"drop.lab\")/TCP(22)) ⏎ r[TCP].flags", "[", "test `r == None` first"),
        ("let r = None ⏎ r.haslayer(TCP)", "haslayer", "this is None"),
    ]);
}

#[test]
fn keywords_are_checked_with_suggestions() {
    shows(&[
        ("fn f(a, b) { a - b } ⏎ f(b=1, a=3)", "2"),
        ("fn f(a, opts) { opts.x } ⏎ f(1, x=5)", "5"),
        ("let type = 3; ICMP(type=type).type", "3"),
        ("TCP(dport=80, flags=\"S\") == TCP(#{dport: 80, flags: \"S\"})", "true"),
        ("sr1(IP(\"web.lab\")/TCP(80), timeout=1, retry=0, verbose=false)[TCP].flags", "SA"),
    ]);
    tells(&[
        ("sr1(IP(\"web.lab\"), timout=3)", "timout", "sr1: no keyword \"timout\"; did you mean \"timeout\"?"),
        ("sr1(timeout=3)", "sr1", "packet is missing"),
        ("sr1(IP(\"web.lab\"), timeout=\"x\")", "sr1", "timeout takes seconds"),
        ("sr1(timeout=3, IP())", "IP()", "put the keywords last"),
        ("sr1(IP(\"web.lab\"), timeout=1, timeout=2)", "timeout", "twice"),
        ("fn f(a, b) { a } ⏎ f(a=1, c=2)", "c", "b"),
    ]);
}

#[test]
fn functions_constants_and_earlier_lines() {
    shows(&[
        ("const X = 5 ⏎ fn g() { X + 1 } ⏎ g()", "6"),
        ("const X = [1, 2]; fn g() { X.len() } g()", "2"),
        ("const X = 5 ⏎ const X = 6 ⏎ fn g() { X } ⏎ g()", "6"),
        ("let f = |x| x + 1 ⏎ f.call(80)", "81"),
        ("fn is_up(ip) { ip + \"!\" } ⏎ is_up(\"a\")", "\"a!\""),
        ("1 + 1 ⏎ _ * 3", "6"),
        ("let x = 3 ⏎ let x = x + 1 ⏎ x", "4"),
        ("eval(\"TCP(dport=3).dport\")", "3"),
        ("run(\"syn-scanner\", \"web.lab\", \"22\") ⏎ probe_port(\"192.0.2.10\", 80)", "\"open\""),
        ("ports(\"22,80-82\")", "[22, 80, 81, 82]"),
        ("hosts(\"192.0.2.0/30\")", "[\"192.0.2.0\", \"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]"),
        ("resolve(\"web.lab\")", "\"192.0.2.10\""),
        ("print(1, \"a\", TCP)", "1 a TCP"),
        ("let s = \"ab\"; s.pad(5, \"xy\"); s.pad(6, '-'); s", "\"abxyx-\""),
        ("let l = [1]; l.pad(3, 0); l.pad(2, 9); l", "[1, 0, 0]"),
        ("let b = blob(2, 7); b.pad(3, 1); b", "unhex(\"070701\")"),
        ("let t = timestamp(); sleep(5); t.elapsed", "5.0"),
        ("args", "[]"),
        ("help(\"sr1\") ⏎ 3", "3"),
    ]);
    tells(&[
        ("let f = |x| x + 1 ⏎ f(80)", "f", "f.call(80)"),
        ("let ports = [1] ⏎ fn g() { ports }", "ports", "functions see only their parameters"),
        ("prnt(3)", "prnt", "did you mean \"print\"?"),
        ("fn deep(n) { deep(n + 1) } ⏎ deep(0)", "deep", "too deeply"),
        ("run(\"syn-scaner\")", "syn-scaner", "did you mean \"syn-scanner\"?"),
        ("ports(\"22,x\")", "ports", "22,80-90"),
        ("IP(\"nosuch.lab\")", "nosuch.lab", "cannot resolve \"nosuch.lab\""),
        ("help(\"sr2\")", "sr2", "did you mean \"sr\"?"),
    ]);
}

#[test]
fn the_forms_that_python_users_type() {
    shows(&[
        (
            "let r = sr(IP(\"web.lab\")/TCP(dport=[22, 23])); for (s, r) in r { print(s.dport, r[TCP].flags) }",
            "22 SA\n23 RA",
        ),
        (
            "let r = sr(IP(\"web.lab\")/TCP(dport=[22, 23])); for x in r.ans { print(x.query.dport, x[1][TCP].flags) }",
            "22 SA\n23 RA",
        ),
        ("let r = sr(IP(\"web.lab\")/TCP(dport=[22, 23])); r[0].len()", "2"),
        ("sr(IP(\"drop.lab\")/TCP(dport=[22, 23]), timeout=1).unans.len()", "2"),
        ("let r = sr(IP(\"web.lab\")/TCP(dport=[22, 23])); r.ans.filter(|x| x.answer[TCP].flags.SA).len()", "1"),
        ("let r = sr(IP(\"web.lab\")/TCP(dport=[22, 23])); r.ans.filter(|s, r| r[TCP].flags.SA).len()", "1"),
        ("sr([IP(\"web.lab\")/TCP(22), IP(\"noping.lab\")/TCP(443)]).ans.map(|s, r| r[TCP].flags)", "[SA, SA]"),
        ("let r = sr(IP(\"drop.lab\")/TCP(dport=[22, 23])); sr(r.unans).unans.len()", "2"),
        ("for (x, i) in [7, 8] { print(x, i) }", "7 0\n8 1"),
        ("let r = sr(IP(\"web.lab\")/TCP(22)); r.ans.summary(|s, r| r[TCP].flags)", "SA"),
    ]);
    tells(&[
        ("ans, unans = sr(IP(\"web.lab\"))", "ans", "let unans = r.unans"),
        ("let r = sr(IP(\"web.lab\")/TCP(22)) ⏎ r.ans.map(|a, b, c| 1)", "map", "|s, r|"),
        ("TCP(flags='FPU')", "'FPU'", "\"FPU\""),
        ("if 1 { 2 }", "1", "true or false"),
        ("if sr1(IP(\"web.lab\")/ICMP()) { 2 }", "sr1", "if r != None"),
        ("IP().sumary()", "sumary", "did you mean \"summary\"?"),
        ("sr1(IP(\"web.lab\"), timeout=1e30)", "sr1", "found the number 1e30"),
    ]);
}

#[test]
fn one_call_stays_in_one_world_and_at_one_layer() {
    tells(&[
        ("sr1(TCP())", "sr1", "names no destination"),
        ("sr1(Ether()/IP(\"web.lab\"))", "sr1", "srp"),
        ("srp1(IP(\"web.lab\")/ICMP())", "srp1", "no link-layer header"),
        ("sr1(IP(\"127.0.0.1\")/ICMP())", "sr1", "is not in this session"),
        ("sr1(IP(\"192.0.2.10\")/ICMP(), iface=\"eth0\")", "sr1", "no interface \"eth0\""),
    ]);
}

#[test]
fn an_exchange_ends_in_one_line() {
    with_stack(|| {
        let rows = [
            ("sr1(IP(\"web.lab\")/TCP(80))", "1 sent, 1 answered, 0.3 ms (lab0)"),
            ("sr1(IP(\"drop.lab\")/TCP(22), retry=1)", "no answer in 2 s (2 tries) (lab0)"),
            ("sr(IP(\"web.lab\")/TCP(dport=1..=10))", "10 sent, 10 answered, 0 not, 0.3 ms (lab0)"),
            ("send(IP(\"web.lab\")/TCP(80), count=3)", "3 sent (lab0)"),
            (
                "sr1(IP(\"192.0.2.99\")/ICMP())",
                "not sent: 192.0.2.99 does not answer ARP, so no host has that address (lab0)",
            ),
        ];
        for (line, wanted) in rows {
            let (mut session, heard) = lab_session();
            typed(&mut session, &heard, line);
            assert_eq!(*heard.noted.borrow(), [wanted], "{line}");
        }
    });
}
