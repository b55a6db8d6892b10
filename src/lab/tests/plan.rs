//! Plans of one's own: what is read, and how mistakes are answered.

use super::*;

const GOOD: &str = r#"[[host]]
name = "a.lab"
addrs = ["192.0.2.50"]
about = "One host."
tcp = "22, 80-90"
ttl = 128
"#;

#[test]
fn the_built_in_plan_reads_and_lists_its_hosts() {
    let rows = Plan::builtin().list();
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names[..2], ["you.lab", "gw.lab"]);
    for row in &rows {
        assert!(row.about.ends_with('.') && row.about.len() < 120, "{}", row.about);
    }
    assert_eq!(rows[1].addrs.len(), 6);
}

#[test]
fn a_host_is_shown_in_lines() {
    let plan = Plan::builtin();
    let web = "\
web.lab
A plain server that follows RFC 9293 to the letter: some ports open, the others closed, nothing filtered.

  address     192.0.2.10  02:00:00:00:00:0a
  address     2001:db8::10  02:00:00:00:00:0a
  link-local  fe80::ff:fe00:a
  stack       rfc9293, TTL 64, window 64240, IP id zero
  tcp open    22, 53, 80, 443, 3306, 8443
  tcp says    80 http
  udp open    7 echo
  link        0.15 ms each way";
    assert_eq!(plan.show("web.lab").unwrap(), web);
    let reject = plan.show("REJECT.lab.").unwrap();
    assert!(reject.contains("filter      accept tcp 22, 80\n  filter      admin-prohibited the rest"), "{reject}");
    assert!(plan.show("wb.lab").unwrap_err().to_string().contains("did you mean \"web.lab\"?"));
}

#[test]
fn a_plan_of_ones_own_is_played() {
    let mut bench = Bench::of(Lab::from_plan(Plan::parse(GOOD).unwrap(), 1));
    assert_eq!(bench.ask(&tcp([192, 0, 2, 50], 85, "S")), ["192.0.2.50 ttl 128: SA seq ISS ack 1001 win 64240"]);
    let error = bench.lab.route(FAR.into(), None).unwrap_err().to_string();
    assert!(error.contains("no gateway"), "{error}");
}

#[test]
fn mistakes_are_named_with_their_place_and_the_nearest_name() {
    // What is written instead of what, and what the error says.
    let rows = [
        ("tcp =", "tpc =", "line 5, column 1: unknown field `tpc`", "did you mean \"tcp\"?"),
        ("ttl = 128", "ttl = 300", "line 6, column 7", "300"),
        ("ttl = 128", "ip_id = \"zeros\"", "line 6, column 9: unknown variant `zeros`", "did you mean \"zero\"?"),
        ("ttl = 128", "link = { los = 0.5 }", "line 6, column 10: unknown field `los`", "did you mean \"loss\"?"),
        ("ttl = 128", "link = { loss = 1.5 }", "line 6, column 17", "0.0 to 1.0, not 1.5"),
        ("ttl = 128", "link = { loss = nan }", "line 6, column 17", "0.0 to 1.0"),
        ("ttl = 128", "filter = { default = \"dorp\" }", "line 6, column 22", "did you mean \"drop\"?"),
        ("ttl = 128", "udp = [{ port = 7, service = \"eco\" }]", "line 6, column 30", "did you mean \"echo\"?"),
        ("80-90", "90-80", "line 5, column 7", "backwards; did you mean \"80-90\"?"),
        ("192.0.2.50", "10.0.0.1", "line 3, column 9", "outside the laboratory"),
        ("192.0.2.50", "192.0.2.255", "line 3, column 9", "hosts have 1 to 254"),
        ("192.0.2.50", "192.0.2", "line 3, column 9", "IPv4 or IPv6 address"),
        ("192.0.2.50", "2001:db8::g", "line 3, column 9", "IPv4 or IPv6 address"),
        ("192.0.2.50", "2001:db8:3::1", "line 1, column 1", "outside the networks of this laboratory: use 2001:db8::x"),
        ("192.0.2.50", "fe80::1", "line 3, column 9", "outside the laboratory"),
        ("192.0.2.50", "2001:db8::", "line 3, column 9", "hosts have ::1 to ::ffff"),
        ("192.0.2.50", "2001:db8::1:0", "line 3, column 9", "hosts have ::1 to ::ffff"),
        ("192.0.2.50", "2001:db8::2", "line 1, column 1", "2001:db8::2 is taken by you.lab"),
        ("\"192.0.2.50\"", "\"2001:db8::50\", \"2001:db8::51\"", "line 1, column 1", "one address in each network"),
        ("ttl = 128", "udp = [{ port = 53, service = \"dsn\" }]", "line 6, column 31", "did you mean \"dns\"?"),
        ("a.lab", "a..lab", "line 2, column 8", "ends in .lab"),
        ("192.0.2.50", "192.0.2.2", "line 1, column 1", "192.0.2.2 is taken by you.lab"),
        ("\"192.0.2.50\"", "\"192.0.2.50\", \"192.0.2.51\"", "line 1, column 1", "one address in each network"),
        ("[\"192.0.2.50\"]", "[]", "line 3, column 9", "at least one address"),
        ("a.lab", "a.example", "line 2, column 8", "ends in .lab"),
        ("a.lab", "you.lab", "line 1, column 1", "the name you.lab is taken"),
        ("[[host]]", "[[hots]]", "line 1, column 3: unknown field `hots`", "did you mean \"host\"?"),
        ("about = \"One host.\"", "", "line 1, column 1", "missing field `about`"),
        ("ttl = 128", "ttl = ", "line 6, column 7", ""),
        ("ttl = 128", "opens = [{ ports = \"8080\", after = 60 }]", "line 6, column 28", "did you mean \"after_s\"?"),
        ("ttl = 128", "busy_per_second = 5", "line 1, column 1", "say ip_id = \"counter\", too"),
        ("ttl = 128", "rst_limit = { burst = 1 }", "line 6, column 13", "missing field `per_second`"),
        ("ttl = 128", "link = { rate = { burst = 1, per_sec = 2 } }", "line 6, column 30", "did you mean"),
    ];
    for (right, wrong, place, said) in rows {
        let error = Plan::parse(&GOOD.replace(right, wrong)).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn mistakes_in_a_second_host_point_at_it() {
    let twice = format!("{GOOD}\n{}", GOOD.replace("192.0.2.50", "192.0.2.51"));
    assert_eq!(Plan::parse(&twice).unwrap_err().to_string(), "line 8, column 1: the name a.lab is taken");
}

#[test]
fn mistakes_in_rules_are_named_with_their_place() {
    // The keys of a rule beside its action, where it is wrong, and what the error says.
    let rows = [
        ("flags = \"S\"", 68, "has no slash; flags are written as \"S/SAFR\""),
        ("flags = \"X/SAFR\"", 68, "'X' is no TCP flag, which are S A F R P U E C"),
        ("flags = \"S/A\"", 68, "fits nothing: a flag is set that is not looked at"),
        ("flags = \"/\"", 68, "looks at no flag"),
        ("state = [\"new\", \"establishd\"]", 76, "did you mean \"established\"?"),
        ("limit = { burst = 1 }", 68, "missing field `per_second`"),
        ("flag = \"S/SAFR\"", 60, "did you mean \"flags\"?"),
    ];
    for (key, column, said) in rows {
        let rule = format!("filter = {{ default = \"drop\", rules = [{{ action = \"accept\", {key} }}] }}");
        let error = Plan::parse(&GOOD.replace("ttl = 128", &rule)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line 6, column {column}")) && error.contains(said), "{key}: {error}");
    }
}

#[test]
fn mistakes_in_networks_and_second_names_are_named() {
    // What stands before the host, what behind it; what the error says.
    let rows = [
        ("[[net]]\nprefixes = [\"10.0.0.0/24\"]\n", "", "line 2, column 12: 10.0.0.0/24 is outside the laboratory"),
        (
            "[[net]]\nprefixes = [\"203.0.113.9/28\"]\n",
            "",
            "line 2, column 12: 203.0.113.9/28 has bits behind its prefix; \
          did you mean 203.0.113.0/28?",
        ),
        ("[[net]]\nprefixes = [\"203.0.113.0/31\"]\n", "", "a prefix of IPv4 has 24 to 30 bits here"),
        ("[[net]]\nprefixes = [\"2001:db8:3::/48\"]\n", "", "a prefix of IPv6 has 64 bits here"),
        ("[[net]]\nprefixes = [\"203.0.113.0\"]\n", "", "a prefix as 203.0.113.64/28"),
        ("[[net]]\nprefixes = []\n", "", "one prefix of IPv4, one of IPv6, or one of each"),
        ("[[net]]\nprefixes = [\"192.0.2.16/28\"]\n", "", "line 1, column 1: 192.0.2.16/28: the network of lab0"),
        (
            "[[net]]\nprefixes = [\"203.0.113.0/24\", \"2001:db8:9::/64\"]\n",
            "",
            "2001:db8:9::/64 is not on the cable of 203.0.113.0/24",
        ),
        (
            "[[net]]\nprefixes = [\"203.0.113.0/28\"]\n[[net]]\nprefixes = [\"203.0.113.0/28\"]\n",
            "",
            "line 3, column 1: the network 203.0.113.0/28 is there twice",
        ),
        ("[[net]]\nprefix = [\"203.0.113.0/28\"]\n", "", "did you mean \"prefixes\"?"),
        (
            "",
            "[[host.alias]]\nname = \"a.lab\"\naddrs = [\"203.0.113.9\"]\nabout = \"Twice.\"\n",
            "the name a.lab is taken",
        ),
        (
            "",
            "[[host.alias]]\nname = \"b.lab\"\naddrs = [\"192.0.2.9\"]\nabout = \"Twice.\"\n",
            "one address in each network",
        ),
        ("", "[[host.alias]]\nname = \"b.lab\"\naddrs = [\"203.0.113.9\"]\n", "missing field `about`"),
    ];
    for (before, behind, said) in rows {
        let error = Plan::parse(&format!("{before}{GOOD}{behind}")).unwrap_err().to_string();
        assert!(error.contains(said), "{before}{behind}: {error}");
    }
    let edge = "[[net]]\nprefixes = [\"203.0.113.16/28\"]\n";
    let edge = format!("{edge}{}", GOOD.replace("192.0.2.50", "203.0.113.31"));
    let error = Plan::parse(&edge).unwrap_err().to_string();
    assert_eq!(error, "line 3, column 1: a.lab: 203.0.113.31 is the address of a network or a broadcast");
    let far = "[[net]]\nprefixes = [\"2001:db8:77::/64\"]\n";
    let far = format!("{far}{}", GOOD.replace("192.0.2.50", "2001:db8:77::5"));
    assert!(Plan::parse(&far).is_ok());
}

#[test]
fn odd_keys_are_shown_in_words() {
    let plan = Plan::builtin();
    let rows = [
        ("stateless.lab", "filter      drop any flags S/SAFR\n"),
        ("loose.lab", "filter      accept tcp 8080 state new\n"),
        ("stateful.lab", "filter      a bare ACK begins no connection\n"),
        ("busy.lab", "busy        50 IP ids each second are used elsewhere\n"),
        ("later.lab", "tcp opens   8080 60 s after the first TCP segment\n"),
        ("rstlimit.lab", "TCP resets  200 at once, then 200 each second"),
        ("quiet.lab", "ICMP errors none"),
        ("quiet.lab", "network     203.0.113.144/28, 2001:db8:b::/64: 40 ms each way\n"),
        ("office.lab", "alias       203.0.113.41, 2001:db8:29::41  office-outside.lab\n"),
        ("fw.lab", "forwards    accept tcp 80 flags S/SAFR state new\n"),
        ("honeypot.lab", "tcp open    0-65535\n"),
    ];
    for (host, line) in rows {
        let shown = plan.show(host).unwrap();
        assert!(shown.contains(line), "{line}: {shown}");
    }
}
