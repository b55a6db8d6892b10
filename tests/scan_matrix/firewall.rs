//! `firewall-map` names the filters of a real kernel: those of the matrix's server, one for each port.

use pktsh::net::live::LiveWorld;
use pktsh::script::{Signals, recipes};

use crate::net;
use crate::session::{session_with, with_stack};
use crate::support::wire::inside;

/// What the rules of `net::rules` make of the ports 1001 to 1016.
const NAMED: &[(&str, &str)] = &[
    ("1001", "nothing: the port is open to every probe"),
    ("1002, 1004", "nothing, or a filter that resets: both look closed"),
    ("1003, 1014", "a filter that drops everything"),
    ("1005", "a filter that rejects with ICMP port-unreach"),
    ("1006", "a filter that rejects with ICMP host-unreach"),
    ("1007", "a filter that rejects with ICMP net-unreach"),
    ("1008", "a filter that rejects with ICMP proto-unreach"),
    ("1009", "a filter that rejects with ICMP net-prohibited"),
    ("1010", "a filter that rejects with ICMP host-prohibited"),
    ("1011", "a filter that rejects with ICMP admin-prohibited"),
    ("1012, 1013", "a stateful filter that drops what is new, and lets through what is neither new nor known"),
    ("1015", "a filter without state that drops SYN alone (open behind it)"),
    ("1016", "a filter without state that drops SYN alone (closed behind it)"),
];

#[test]
fn the_firewall_map_names_a_kernels_filters() {
    inside("firewall::the_firewall_map_names_a_kernels_filters", |wire| {
        let _held = net::prepare(wire);
        wire.server_sh(&format!("nft -f - <<'END'\n{}\nEND", net::rules()));
        with_stack(|| {
            let (mut session, heard) = session_with(vec![Box::new(LiveWorld::new(None))], Signals::default());
            let recipe = recipes::ALL.iter().find(|recipe| recipe.name == "firewall-map").unwrap();
            let args = ["10.9.0.2".to_owned(), "1001-1016".to_owned()];
            let _value = session.script(recipe.name, recipe.text, &args).unwrap();
            let printed = heard.printed.take();
            let mut found: Vec<&str> =
                printed.iter().flat_map(|text| text.lines()).filter(|l| l.starts_with("  ")).collect();
            found.sort_unstable();
            let mut named: Vec<String> = NAMED.iter().map(|(ports, what)| format!("  [{ports}]: {what}")).collect();
            named.sort_unstable();
            assert_eq!(found, named);
        });
    });
}
