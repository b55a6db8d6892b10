//! What stands in front of the hosts.

use super::*;

#[test]
fn a_dropping_filter_is_silent_but_for_what_it_accepts() {
    let mut bench = Bench::new();
    for flags in ["S", "A", "F", "", "FPU", "SA"] {
        assert!(bench.ask(&tcp(DROP, 81, flags)).is_empty(), "{flags}");
    }
    assert!(bench.ask(&udp(DROP, 80, b"")).is_empty());
    assert_eq!(bench.ask(&tcp(DROP, 80, "S")), ["192.0.2.20 ttl 64: SA seq ISS ack 1001 win 64240"]);
    assert_eq!(bench.ask(&echo(DROP, 64)), ["192.0.2.20 ttl 64: icmp 0/0 with 3 bytes"]);
}

#[test]
fn a_rejecting_filter_quotes_the_probe_in_icmp_3_13() {
    let mut bench = Bench::new();
    for flags in ["S", "A", "F", "", "R"] {
        let probe = tcp(REJECT, 443, flags);
        bench.send(&probe);
        let answer = bench.incoming().remove(0);
        assert_eq!(describe(&answer), "192.0.2.26 ttl 64: icmp 3/13 with 40 bytes", "{flags}");
        assert_eq!(answer[42..], probe[14..], "the quote");
    }
    assert_eq!(bench.ask(&echo(REJECT, 64)), ["192.0.2.26 ttl 64: icmp 3/13 with 31 bytes"]);
    assert_eq!(bench.ask(&tcp(REJECT, 80, "S")), ["192.0.2.26 ttl 64: SA seq ISS ack 1001 win 64240"]);
    assert_eq!(bench.ask(&tcp(REJECT, 22, "S")), ["192.0.2.26 ttl 64: RA seq 0 ack 1001 win 0"]);
}

#[test]
fn noping_answers_no_ping_but_is_up() {
    let mut bench = Bench::new();
    assert!(bench.ask(&echo(NOPING, 64)).is_empty());
    assert_eq!(bench.ask(&tcp(NOPING, 443, "S")), ["192.0.2.33 ttl 64: SA seq ISS ack 1001 win 64240"]);
    assert_eq!(bench.ask(&tcp(NOPING, 80, "A")), ["192.0.2.33 ttl 64: R seq 5000 ack 0 win 0"]);
}

#[test]
fn a_reset_rule_looks_like_a_closed_port_and_port_unreachable_like_a_host() {
    let plan = Plan::parse(
        r#"
        [[host]]
        name = "a.lab"
        addrs = ["192.0.2.50"]
        about = "Rejects like a closed port."
        tcp = "80"
        filter = { default = "tcp-reset", rules = [{ action = "port-unreachable", traffic = "udp", ports = "1-9" }] }
        "#,
    );
    let mut bench = Bench::of(Lab::from_plan(plan.unwrap(), 1));
    let host = [192, 0, 2, 50];
    assert_eq!(bench.ask(&tcp(host, 80, "S")), ["192.0.2.50 ttl 64: RA seq 0 ack 1001 win 0"]);
    assert_eq!(bench.ask(&tcp(host, 80, "A")), ["192.0.2.50 ttl 64: R seq 5000 ack 0 win 0"]);
    assert_eq!(bench.ask(&udp(host, 9, b"")), ["192.0.2.50 ttl 64: icmp 3/3 with 28 bytes"]);
    assert!(bench.ask(&udp(host, 10, b"")).is_empty());
}

#[test]
fn filters_with_state_and_flags_do_the_same_in_ipv6() {
    use six::{home, tcp6, udp6};
    // Host, flags; the answers of 8080 (open) and 8081 (closed).
    let rows = [
        (0x21, "S", "", ""),
        (0x21, "F", "", "RA"),
        (0x22, "S", "", ""),
        (0x22, "A", "R", "R"),
        (0x23, "S", "SA", ""),
        (0x23, "A", "", ""),
        (0x24, "S", "SA", ""),
        (0x24, "A", "R", ""),
        (0x24, "FA", "", ""),
        (0x25, "S", "icmp6 1/4", "icmp6 1/4"),
        (0x27, "S", "RA", "RA"),
        (0x27, "A", "R", "R"),
    ];
    for (host, flags, open, closed) in rows {
        for (port, wanted) in [(8080, open), (8081, closed)] {
            let found = six::ask(&tcp6(home(host), port, flags)).join(" ");
            let is_right = if wanted.is_empty() { found.is_empty() } else { found.contains(&format!(": {wanted} ")) };
            assert!(is_right, "{flags:?} to {host:x} port {port}: {found}");
        }
    }
    assert!(six::ask(&udp6(home(0x27), 9, b"")).is_empty(), "a reset answers TCP alone");
}

#[test]
fn a_whole_connection_passes_a_filter_with_state() {
    const STATEFUL: [u8; 4] = [192, 0, 2, 23];
    let mut bench = Bench::new();
    let _quiet = bench.lab.suppress_rst(61000).unwrap();
    bench.send(&tcp(STATEFUL, 8080, "S"));
    let answer = bench.incoming().remove(0);
    let iss = u32::from_be_bytes(answer[38..42].try_into().unwrap());
    let mut ask = |flags, seq, data: &[u8]| bench.ask(&tcp_with(STATEFUL, 8080, flags, seq, iss.wrapping_add(1), data));
    assert!(ask("A", 1001, b"").is_empty());
    let answers = ask("PA", 1001, b"hello");
    assert!(answers[0].contains(": A seq ") && answers[0].contains(" ack 1006 "), "{answers:?}");
    let answers = ask("FA", 1006, b"");
    assert!(answers.iter().any(|line| line.contains(" ack 1007 ")), "{answers:?}");
}

#[test]
fn errors_and_rules_run_out_of_tokens() {
    let mut bench = Bench::new();
    (440..450).for_each(|port| bench.send(&tcp(REJECT, port, "S")));
    assert_eq!(bench.incoming().len(), 6, "six at once");
    (440..450).for_each(|port| bench.send(&tcp(REJECT, port, "S")));
    assert_eq!(bench.incoming().len(), 6, "and six more after six seconds or longer");

    let plan = Plan::parse(
        r#"
        [[host]]
        name = "a.lab"
        addrs = ["192.0.2.50"]
        about = "Takes two pings at once."
        filter = { default = "host-prohibited", rules = [
            { action = "accept", traffic = "echo", limit = { burst = 2, per_second = 1 } },
            { action = "drop", traffic = "echo" } ] }
        "#,
    );
    let mut bench = Bench::of(Lab::from_plan(plan.unwrap(), 1));
    (0..5).for_each(|_| bench.send(&echo([192, 0, 2, 50], 64)));
    assert_eq!(bench.incoming().len(), 2);
    assert_eq!(bench.ask(&tcp([192, 0, 2, 50], 80, "S")), ["192.0.2.50 ttl 64: icmp 3/10 with 40 bytes"]);
}
