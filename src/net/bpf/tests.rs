#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn resolve(name: &str) -> Result<Vec<IpAddr>, String> {
    match name {
        "web.lab" => {
            Ok(vec!["192.0.2.10".parse().unwrap(), "192.0.2.11".parse().unwrap(), "2001:db8::10".parse().unwrap()])
        }
        "four.lab" => Ok(vec!["192.0.2.4".parse().unwrap()]),
        "tcp" => Ok(vec!["192.0.2.6".parse().unwrap()]),
        "empty.lab" => Ok(Vec::new()),
        "many.lab" => Ok((0..5000_u32).map(|n| IpAddr::from(n.to_be_bytes())).collect()),
        _ => Err(format!("\"{name}\" is not known")),
    }
}

fn try_on(medium: Medium, text: &str) -> Result<Program, FilterError> {
    compile(text, medium, Where::Bytes, &mut resolve)
}

fn ethernet(text: &str) -> Program {
    try_on(Medium::Ethernet, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn each_mistake_is_named_and_marked() {
    // The caret stands under the mistake; at the end of the text it is one blank further.
    let rows = [
        ("tpc port 80", "^^^        ", r#""tpc" is no word of the filter language; did you mean "tcp"?"#),
        ("web.lab", "^^^^^^^", r#""web.lab" is no word of the filter language; a host is written "host NAME""#),
        ("10.0.0.1", "^^^^^^^^", r#""host", "net" or the like is wanted before "10.0.0.1""#),
        ("ip 10.0.0.1", "   ^^^^^^^^", r#""host" after "ip" is wanted, not "10.0.0.1""#),
        ("tcp 80", "    ^^", r#""port", "host" or "and" after "tcp" is wanted, not "80""#),
        ("tcp port", "        ^", r#"a port's number or name after "port" is wanted, not the end"#),
        ("host and", "     ^^^", r#"an address or a host's name after "host" is wanted, not "and""#),
        ("port htpp", "     ^^^^", r#"no service is known as "htpp"; did you mean "http"?; its port's number will do"#),
        ("port 70000", "     ^^^^^", "ports are 0 to 65535, not 70000"),
        ("port 1.2", "     ^^^", r#"a port's number or name is wanted after "port", not "1.2""#),
        ("udp port ssh", "         ^^^", r#""ssh" is a service of tcp"#),
        ("icmp port 80", "          ^^", r#""icmp" has no ports: those are of tcp, udp and sctp"#),
        ("portrange a-b", "          ^^^", r#"a range like 80-90 is wanted after "portrange", not "a-b""#),
        (
            "net 10.0.0.1/8",
            "    ^^^^^^^^^^",
            r#""10.0.0.1/8" has bits beyond its mask; the network's address is 10.0.0.0"#,
        ),
        ("net 10.0.0.0/40", "             ^^", r#"a prefix length of 0 to 32 is wanted, not "40""#),
        ("host 10.0.0.0/8", "     ^^^^^^^^^^", r#""10.0.0.0/8" is a network: write "net" before it, not "host""#),
        ("net web.lab", "    ^^^^^^^", r#"networks have no names here: write "web.lab" in numbers"#),
        ("host 300.1.1.1", "     ^^^^^^^^^", r#""300.1.1.1" is no IPv4 address: each part is 0 to 255"#),
        (
            "host 1:2:3",
            "     ^^^^^",
            concat!(
                r#""1:2:3" is no address; MAC addresses are written 02:00:00:00:00:0a, "#,
                "IPv6 addresses 2001:db8::1"
            ),
        ),
        ("host nosuch", "     ^^^^^^", r#""nosuch" is not known"#),
        ("host empty.lab", "     ^^^^^^^^^", r#""empty.lab" has no address"#),
        ("ip6 host four.lab", "         ^^^^^^^^", r#""ip6" wants an IPv6 address, not "four.lab""#),
        ("tcp host 10.0.0.1", "         ^^^^^^^^", r#""tcp host" cannot be: write "tcp and host" before it"#),
        (
            "host 02:00:00:00:00:01",
            "     ^^^^^^^^^^^^^^^^^",
            r#"a MAC address goes with "ether": write "ether host", "ether src" or "ether dst""#,
        ),
        ("ether host web.lab", "           ^^^^^^^", r#"a MAC address is wanted after "ether", not "web.lab""#),
        ("ether", "     ^", r#""host", "src", "dst", "proto" or "[" after "ether" is wanted, not the end"#),
        ("ip proto tcp", "         ^^^", r#""tcp" is a word of the language; as a name it is written "\tcp""#),
        (
            "ip proto \\tpc",
            "         ^^^^",
            r#"no protocol is known as "tpc"; did you mean "tcp"?; its number will do"#,
        ),
        ("tcp proto 6", "          ^", r#""tcp proto" cannot be: only ether, ip and ip6 carry others"#),
        ("src proto 6", "^^^        ", r#"a protocol has no direction: leave "src" and "dst" out"#),
        ("tcp and", "       ^", r#"a condition like "tcp port 80" is wanted, not the end"#),
        ("tcp udp", "    ^^^", r#""and" or "or" is wanted, not "udp""#),
        ("(tcp", "    ^", r#"")" for the "(" before is wanted, not the end"#),
        ("tcp)", "   ^", r#"no "(" was written for this ")""#),
        ("len", "^^^", r#""len" is a number: a comparison like "= 5" is wanted after it"#),
        (
            "len-14 > 5",
            "^^^^^^    ",
            r#""len-14" is no word of the filter language; put blanks around "-", it joins a name otherwise"#,
        ),
        ("tcp[0:3] = 1", "      ^     ", r#"a size of 1, 2 or 4 is wanted, not "3""#),
        ("tcp[] = 1", "    ^    ", r#"a number, "len" or bytes like "tcp[13]" is wanted, not "]""#),
        ("esp[0] = 1", "^^^       ", r#""esp[..]" cannot be: where its header begins varies"#),
        ("len / 0 = 1", "      ^    ", "this divides by zero"),
        ("len << 32 = 1", "       ^^    ", "numbers have 32 bits, so a shift is 0 to 31, not 32"),
        ("len = 08", "      ^^", r#""08" begins with 0, so it is octal, and octal numbers have no 8 and 9"#),
        ("len = 5000000000", "      ^^^^^^^^^^", r#""5000000000" does not fit 32 bits"#),
        ("len = ip[-20]", "^^^^^^^^^^^^^", r#"no frame has bytes at "ip[-20]""#),
        ("less tcp", "     ^^^", r#"a length in bytes is wanted, not "tcp""#),
        ("vlan 4096", "     ^^^^", "VLAN 4096 does not exist: they are 0 to 4095"),
        ("tcp # udp", "    ^    ", "'#' has no meaning in a filter"),
        ("tcp \u{1b}", "    ^", r"'\x1b' has no meaning in a filter"),
        (
            "protochain 6",
            "^^^^^^^^^^  ",
            r#""protochain" is not known here; write "proto": it looks at the header after IP, and not further"#,
        ),
        ("inbound", "^^^^^^^", r#""inbound" is not known here; a frame's direction is not in its bytes"#),
        ("tcp multicast", "^^^^^^^^^^^^^", r#""tcp multicast" cannot be: only ether, ip and ip6 have it"#),
        ("host \\", "     ^", r#"a name is wanted after "\""#),
    ];
    for (text, caret, message) in rows {
        let error = try_on(Medium::Ethernet, text).expect_err(text);
        assert_eq!(error.message, message, "{text}");
        let marked = caret.find('^').unwrap()..caret.rfind('^').unwrap() + 1;
        let at = error.at.start..error.at.end.max(error.at.start + 1);
        assert_eq!(at, marked, "{text}: {message}");
    }
}

#[test]
fn what_a_medium_cannot_answer_is_named() {
    let rows = [
        (Medium::Ip, "vlan", r#""vlan" needs Ethernet frames; these are raw IP"#),
        (Medium::Sll, "broadcast", r#""broadcast" needs Ethernet frames; these are Linux cooked"#),
        (Medium::Null, "ether host 2:0:0:0:0:1", "a MAC address needs Ethernet frames; these are BSD loopback"),
        (
            Medium::Other(127),
            "tcp",
            concat!("frames of link type 127 are not known here; ", r#""len" and "link[OFFSET]" can be asked for"#),
        ),
        (Medium::Other(127), "multicast", r#""multicast" needs Ethernet frames; these are of link type 127"#),
    ];
    for (medium, text, message) in rows {
        assert_eq!(try_on(medium, text).expect_err(text).message, message);
    }
    let program = try_on(Medium::Other(127), "len > 3 and link[1] = 7").unwrap();
    assert!(program.matches(&[0, 7, 0, 0], 4) && !program.matches(&[0, 8, 0, 0], 4));
}

#[test]
fn bsd_loopback_is_read_in_either_byte_order() {
    for family in [10_u32, 24, 28, 30] {
        let frame = |family: [u8; 4]| [&family[..], &[0x60, 0, 0, 0, 0, 0, 6, 64], &[0; 32]].concat();
        let (little, big) = (frame(family.to_le_bytes()), frame(family.to_be_bytes()));
        let [null, open] = [Medium::Null, Medium::Loop].map(|medium| try_on(medium, "ip6 and tcp").unwrap());
        assert!(null.matches(&little, 44) && null.matches(&big, 44), "{family}");
        assert!(open.matches(&big, 44) && !open.matches(&little, 44), "{family}");
    }
}

#[test]
fn a_name_means_all_its_addresses() {
    let same = [
        ("host web.lab", "host 192.0.2.10 or 192.0.2.11 or 2001:db8::10"),
        ("dst web.lab", "dst host 192.0.2.10 or 192.0.2.11 or 2001:db8::10"),
        ("ip host web.lab", "ip host 192.0.2.10 or 192.0.2.11"),
        ("arp host web.lab", "arp host 192.0.2.10 or 192.0.2.11"),
        ("ip6 src web.lab", "ip6 src 2001:db8::10"),
        ("host \\tcp", "host 192.0.2.6"),
        ("host four.lab and not web.lab", "host 192.0.2.4 and not (host 192.0.2.10 or 192.0.2.11 or 2001:db8::10)"),
    ];
    for (name, numbers) in same {
        assert_eq!(ethernet(name).to_string(), ethernet(numbers).to_string(), "{name}");
    }
}

#[test]
fn a_filter_longer_than_the_kernel_takes_is_refused() {
    let joined = |count: u32, word: &str| (0..count).map(|n| format!("{word} {n}")).collect::<Vec<_>>().join(" or ");
    assert!(ethernet(&joined(900, "src port")).insns().len() > 3000);
    for text in ["host many.lab", &joined(2000, "src port"), &joined(4000, "len ="), &joined(4000, "vlan or less")] {
        let message = try_on(Medium::Ethernet, text).expect_err("it is too long").message;
        assert!(message.contains("the kernel takes 4096"), "{message}");
    }
}

/// A jump of a comparison reaches 255 instructions; what is further away is reached by a jump of its own.
#[test]
fn far_targets_are_reached() {
    let ports: Vec<String> = (1..400).map(|port| format!("len = {port}")).collect();
    let program = ethernet(&format!("not ({}) and len > 300 or len = 7", ports.join(" or ")));
    for len in 0..500 {
        assert_eq!(program.matches(&[], len), !(1..400).contains(&len) && len > 300 || len == 7, "{len}");
    }
    assert!(program.insns().iter().any(|insn| insn.code == insn::JMP | insn::JA));
}

#[test]
fn nesting_is_bounded() {
    let deep = |count: usize, open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    for (open, inner, close) in [
        ("(", "tcp", ")"),
        ("not (", "tcp", ")"),
        ("(", "len", ") > 3"),
        ("", "port ", ""),
        ("ip[", "0", "]"),
        ("- ", "len", ""),
        ("len + (", "1", ")"),
        ("1 % ", "len", ""),
    ] {
        for count in [10, 100, 100_000] {
            let _ = try_on(Medium::Ethernet, &deep(count, open, inner, close));
        }
    }
    assert!(try_on(Medium::Ethernet, &deep(60, "(", "tcp", ")")).is_ok());
    let refused = try_on(Medium::Ethernet, &deep(65, "(", "tcp", ")")).expect_err("too deep");
    assert_eq!(refused.message, "this is nested more than 64 deep");
    assert!(try_on(Medium::Ethernet, &deep(50_000, "not ", "tcp", "")).is_ok());
    let sum = |count: usize| format!("len{} > 3", " + ip[8]".repeat(count));
    assert!(try_on(Medium::Ethernet, &sum(60)).is_ok());
    assert_eq!(
        try_on(Medium::Ethernet, &sum(5000)).expect_err("too long").message,
        "more than 64 operators stand in one expression"
    );
}

#[test]
fn a_question_is_asked_once() {
    let rows = [
        ("", 1),
        ("ip", 4),
        ("tcp port 80", 20),
        ("host 10.0.0.1", 14),
        ("tcp[13] & 2 != 0", 11),
        ("tcp[13] & 2 != 0 or tcp[13] & 1 != 0", 12),
    ];
    for (text, count) in rows {
        let program = ethernet(text);
        assert_eq!(program.insns().len(), count, "{text}\n{program}");
    }
}

#[test]
fn programs_that_the_kernel_refuses_are_refused() {
    let insn = |code, jt, jf, k| Insn { code, jt, jf, k };
    let end = insn(insn::RET, 0, 0, 0);
    let rows = [
        (vec![], BadProgram::Count(0)),
        (vec![end; 4097], BadProgram::Count(4097)),
        (vec![insn(0xffff, 0, 0, 0), end], BadProgram::Code(0)),
        (vec![insn(insn::JMP | insn::JA, 0, 0, 1), end], BadProgram::Jump(0)),
        (vec![insn(insn::JMP | insn::JA, 0, 0, u32::MAX), end], BadProgram::Jump(0)),
        (vec![insn(insn::JMP | insn::JEQ, 0, 1, 0), end], BadProgram::Jump(0)),
        (vec![insn(insn::ALU | insn::DIV, 0, 0, 0), end], BadProgram::Constant(0)),
        (vec![insn(insn::ALU | insn::LSH, 0, 0, 32), end], BadProgram::Constant(0)),
        (vec![insn(insn::ST, 0, 0, 16), end], BadProgram::Constant(0)),
        (vec![insn(insn::LD | insn::MEM, 0, 0, 1), end], BadProgram::Unwritten(0)),
        (vec![insn(insn::ST, 0, 0, 1)], BadProgram::NoReturn),
        (
            vec![
                insn(insn::JMP | insn::JEQ, 0, 1, 0),
                insn(insn::ST, 0, 0, 1),
                insn(insn::LDX | insn::MEM, 0, 0, 1),
                end,
            ],
            BadProgram::Unwritten(2),
        ),
    ];
    for (insns, wanted) in rows {
        assert_eq!(Program::new(insns).expect_err("the kernel refuses it"), wanted);
    }
}

#[test]
fn display_filters_are_answered_in_the_language_of_captures() {
    let rows = [
        ("tcp.flags.syn==1", "tcp[13] & 2 != 0"),
        ("tcp.flags.syn==1 && tcp.flags.ack==0", "tcp[13] & 2 != 0 and tcp[13] & 16 = 0"),
        ("tcp.flags.reset != 1", "tcp[13] & 4 = 0"),
        ("tcp.flags == 0x02", "tcp[12:2] & 0xfff = 0x02"),
        ("ip.addr == 10.0.0.1", "ip host 10.0.0.1"),
        ("ip.src == 10.0.0.0/8", "ip src net 10.0.0.0/8"),
        ("ip.dst != 10.0.0.1", "not ip dst host 10.0.0.1"),
        ("ipv6.addr eq 2001:db8::1", "ip6 host 2001:db8::1"),
        ("eth.addr == 02:00:00:00:00:01", "ether host 02:00:00:00:00:01"),
        ("tcp.port == 80", "tcp port 80"),
        ("tcp.dstport > 1023", "tcp dst portrange 1024-65535"),
        ("udp.port <= 1023", "udp portrange 0-1023"),
        ("udp.port==53 && ip.src==10.0.0.1", "udp port 53 and ip src host 10.0.0.1"),
        ("icmp.type==8", "icmp[0] = 8"),
        ("icmpv6.type == 135", "icmp6[0] = 135"),
        ("ip.ttl < 5", "ip[8] < 5"),
        ("frame.len > 100", "len > 100"),
        ("vlan.id == 5", "vlan 5"),
        ("eth.type == 0x0806", "ether proto 0x0806"),
        ("http", "tcp port 80"),
        ("dns", "port 53"),
        ("ipv6", "ip6"),
        ("!dns", "not port 53"),
        ("not (http or dns) and ip.ttl == 1", "not (tcp port 80 or port 53) and ip[8] = 1"),
        ("http || dns && ip.ttl == 1", "tcp port 80 or (port 53 and ip[8] = 1)"),
        ("arp || dhcp", "arp or udp port (67 or 68)"),
    ];
    for (text, capture) in rows {
        let error = try_on(Medium::Ethernet, text).expect_err(text);
        assert_eq!(
            error.message,
            format!("\"{text}\" is a display filter of Wireshark; as a capture filter: {capture}")
        );
        assert_eq!(error.at, 0..text.len());
        ethernet(capture);
    }
    let part = try_on(Medium::Ethernet, "host 10.0.0.1 and tcp.port == 80").expect_err("two languages");
    assert_eq!(part.message, "\"tcp.port == 80\" is a display filter of Wireshark; as a capture filter: tcp port 80");
    assert_eq!(part.at, 18..32);
    let none = try_on(Medium::Ethernet, "http.host contains \"lab\"").expect_err("no capture filter");
    assert_eq!(
        none.message,
        "\"http.host\" is of Wireshark's display filters, and no capture filter says it; test packets with lfilter=|p| .."
    );
    for text in ["arp", "!arp", "icmp", "host http.lab", "port dns", "tcp port 80", "gibberish", ""] {
        assert_eq!(display_hint(text), None, "{text}");
    }
}

/// Each field of the table, with every sign that it takes, becomes a filter that can be compiled.
#[test]
fn every_display_field_becomes_a_filter() {
    let values = ["1", "5", "10.0.0.1", "10.0.0.0/8", "2001:db8::1", "02:00:00:00:00:01", "true"];
    for (field, value) in display::fields().flat_map(|field| values.map(|value| (field, value))) {
        for sign in ["==", "!=", "<", ">=", "gt", "le"] {
            let hint = display_hint(&format!("{field} {sign} {value}")).unwrap();
            if let Some(capture) = hint.capture {
                let result = try_on(Medium::Ethernet, &capture);
                let is_family = result.as_ref().is_err_and(|error| error.message.contains(" address, not "));
                assert!(result.is_ok() || is_family, "{field} {sign} {value}: {capture}: {result:?}");
            }
        }
    }
}

fn words() -> impl Strategy<Value = String> {
    let known: Vec<String> = names::WORDS
        .iter()
        .chain(names::SIGNS)
        .map(|word| (*word).to_owned())
        .chain(names::PROTOCOLS.iter().map(|row| row.word.to_owned()))
        .chain(
            [
                "80",
                "0",
                "4294967295",
                "10.0.0.1",
                "10/8",
                "::1",
                "2:0:0:0:0:1",
                "web.lab",
                "80-90",
                "\\tcp",
                "ip[0]",
                "tcp.port",
                "http",
                "==",
            ]
            .map(str::to_owned),
        )
        .collect();
    prop_oneof![9 => proptest::sample::select(known), 1 => "\\PC{0,6}"]
}

fn media() -> impl Strategy<Value = Medium> {
    proptest::sample::select(vec![
        Medium::Ethernet,
        Medium::Ip,
        Medium::Sll,
        Medium::Sll2,
        Medium::Null,
        Medium::Loop,
        Medium::Other(127),
    ])
}

proptest! {
    #[test]
    fn no_text_panics(words in proptest::collection::vec(words(), 0..20), medium in media(), glue in "[ ]{0,1}") {
        let text = words.join(&glue);
        for place in [Where::Bytes, Where::Kernel] {
            match compile(&text, medium, place, &mut resolve) {
                Ok(program) => prop_assert!(!program.matches(&[], 0) || program.matches(&[], 0)),
                Err(error) => {
                    prop_assert!(text.get(error.at.clone()).is_some(), "{:?} {:?}", text, error);
                    prop_assert!(!error.message.is_empty());
                }
            }
        }
    }

    #[test]
    fn no_unicode_panics(text in "\\PC{0,40}", medium in media()) {
        let _ = try_on(medium, &text).map_err(|error| text[error.at].len());
        let _ = display_hint(&text);
    }

    /// Whatever the kernel would take ends, on any frame.
    #[test]
    fn no_program_and_no_frame_panics(
        insns in proptest::collection::vec((any::<proptest::sample::Index>(), 0..4_u8, 0..4_u8, any::<u32>(), any::<bool>()), 1..20),
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        wire_len: u32,
        vlan: Option<u16>,
    ) {
        let codes: Vec<u16> = (0..0x100).filter(|code| insn::is_known(*code)).collect();
        let mut insns: Vec<Insn> = insns
            .into_iter()
            .map(|(code, jt, jf, k, is_small)| Insn { code: *code.get(&codes), jt, jf, k: if is_small { k % 40 } else { k } })
            .collect();
        insns.push(Insn::new(insn::RET | insn::A, 0));
        if let Ok(program) = Program::new(insns) {
            program.matches_beside(&bytes, wire_len, vlan);
            let _ = program.to_string();
        }
    }
}
