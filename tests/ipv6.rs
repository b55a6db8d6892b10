//! IPv6 between two real kernels: addresses, zones, neighbors, routes, answers.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test shows what ran, and fails by panicking")]

mod support;

use support::wire::Wire;

/// The server's link-local address, by the kernel's own rule from its hardware address (RFC 4291 appendix A).
const SERVER_LINK: &str = "fe80::ff:fe09:2";

#[test]
fn a_real_kernel_answers() {
    let wire = Wire::new();
    wait_for_link_local(&wire);
    let _web = wire.listen(80);
    let rows = [
        (r#"sr1(IPv6("fd00:9::2")/ICMPv6EchoRequest(data="hello")).data.as_string()"#, "\"hello\""),
        (r#"sr1(IPv6("fe80::ff:fe09:2%eth0")/ICMPv6EchoRequest()).src"#, "\"fe80::ff:fe09:2\""),
        (r#"sr1(IPv6("fe80::ff:fe09:2")/ICMPv6EchoRequest(), iface="eth0").src"#, "\"fe80::ff:fe09:2\""),
        (
            r#"sr(IPv6("ff02::1%eth0")/ICMPv6EchoRequest(), multi=true, timeout=0.5).ans.map(|s, r| r.src)"#,
            "[\"fe80::ff:fe09:2\"]",
        ),
        (r#"sr1(IPv6("fd00:9::2")/TCP(80))[TCP].flags"#, "SA"),
        (r#"sr1(IPv6("fd00:9::2")/TCP(81))[TCP].flags"#, "RA"),
        (r#"sr1(IPv6("fd00:9::2")/UDP(81)/"x")[ICMPv6DestUnreach].code"#, "4"),
        (r#"sr1(IPv6("fd00:9::2")/UDP(81)/"x")[UDPerror].dport"#, "81"),
        (r#"sr1(IPv6("fd00:9::2", nh=200)/"x")[ICMPv6ParamProblem].code"#, "1"),
        (r#"sr1(IPv6("fd00:9::2")/IPv6ExtHdrDestOpt()/ICMPv6EchoRequest()).haslayer(ICMPv6EchoReply)"#, "true"),
        (r#"sr1(IPv6("fd00:9::2")/IPv6ExtHdrFragment()/ICMPv6EchoRequest()).haslayer(ICMPv6EchoReply)"#, "true"),
        (
            r#"sr1(IPv6("ff02::1:ff00:2%eth0")/ICMPv6ND_NS("fd00:9::2")/ICMPv6NDOptSrcLLAddr())[ICMPv6NDOptDstLLAddr].lladdr"#,
            "\"02:00:00:09:00:02\"",
        ),
        (r#"sr1(IPv6("::1")/ICMPv6EchoRequest()).src"#, "\"::1\""),
        (r#"sr1(IPv6("fd00:9::1")/ICMPv6EchoRequest()).src"#, "\"fd00:9::1\""),
        (r#"srp1(Ether()/IPv6("fd00:9::2")/ICMPv6EchoRequest())[Ether].src"#, "\"02:00:00:09:00:02\""),
        (r#"sr(IPv6("fd00:9::2/127")/ICMPv6EchoRequest(), timeout=0.5).ans.len()"#, "1"),
        (r#"sr1(IPv6("fd00:9::2")/TCP(80, chksum=1), timeout=0.3) == None"#, "true"),
        (r#"sr1(IPv6("fd00:9::2")/ICMPv6EchoRequest(cksum=1), timeout=0.3) == None"#, "true"),
    ];
    for (code, wanted) in rows {
        let output = wire.client(env!("CARGO_BIN_EXE_pktsh")).args(["--live", "-e", code]).output().unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
        assert_eq!(said.trim_end(), wanted, "{code}");
    }
}

#[test]
fn what_cannot_be_reached_is_told() {
    let wire = Wire::new();
    wait_for_link_local(&wire);
    let rows = [
        (r#"sr1(IPv6("2001:4860::1")/TCP(80))"#, "no route to 2001:4860::1"),
        (r#"sr1(IPv6("fe80::1%eth1")/TCP(80))"#, "no interface \"eth1\"; did you mean \"eth0\"?"),
        (
            r#"sr1(IPv6("10.9.0.2")/TCP(80))"#,
            "expected an IPv6 address like \"2001:db8::10\", found \"10.9.0.2\"; IP(..) takes it",
        ),
        (
            r#"sr1(IP("fd00:9::2")/TCP(80))"#,
            "expected an IPv4 address like \"192.0.2.10\", found \"fd00:9::2\"; IPv6(..) takes it",
        ),
    ];
    for (code, wanted) in rows {
        let output = wire.client(env!("CARGO_BIN_EXE_pktsh")).args(["--live", "-e", code]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(wanted) && output.status.code() == Some(1), "{code}: {said}");
    }
}

/// Waits until both ends have verified their link-local addresses (RFC 4862 section 5.4): the kernel then answers there.
fn wait_for_link_local(wire: &Wire) {
    let wait = "for i in $(seq 100); do
                  ip -6 addr show dev eth0 scope link | grep -q tentative || exit 0; sleep 0.1
                done; exit 1";
    wire.client_sh(wait);
    wire.server_sh(wait);
    wire.server_sh(&format!("ip -6 addr show dev eth0 scope link | grep -q {SERVER_LINK}"));
}
