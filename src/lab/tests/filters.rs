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
