//! The layer tables, walked row by row, and what the layer model promises to a user about single packets.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::bytes;
use pktsh::layers::{self, dissect, ether::ETHER, icmp::ICMP, ip::IP, raw::RAW, tcp::TCP, udp::UDP};
use pktsh::packet::{
    Auto, Extent, Field, Header, Layer, LayerDesc, Many, Meta, Names, Nowhere, Packet, Preset, Shape, Value, Wanted,
    Way,
};

// The tables.

#[test]
fn names_are_unique_and_all_is_documented() {
    let names: BTreeSet<&str> = layers::ALL.iter().map(|desc| desc.name).collect();
    assert_eq!(names.len(), layers::ALL.len(), "two layers have one name");
    for desc in layers::ALL {
        assert!(is_sentence(desc.doc), "{}: {:?}", desc.name, desc.doc);
        assert!(layers::by_name(desc.name) == Some(*desc), "{}", desc.name);
        for field in desc.fields {
            assert!(is_sentence(field.doc), "{}.{}: {:?}", desc.name, field.name, field.doc);
        }
    }
}

fn is_sentence(doc: &str) -> bool {
    doc.ends_with('.') && doc.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
}

#[test]
fn a_header_never_has_two_fields_of_one_name() {
    for desc in layers::ALL {
        // Try every number that a condition names, and another, in every field that one looks at.
        let conditions: Vec<_> = desc.fields.iter().filter_map(|field| field.when).collect();
        let looked_at: BTreeSet<&str> = conditions.iter().map(|when| when.field).collect();
        let mut tries = vec![Layer::new(desc)];
        for name in looked_at {
            let numbers = conditions.iter().filter(|when| when.field == name).flat_map(|when| when.any).copied();
            let bits = desc.fields.iter().find(|field| field.name == name).and_then(Field::width).expect("a number");
            let numbers: BTreeSet<u64> = numbers.chain([pktsh::packet::bits::mask(bits.into())]).collect();
            let with = |layer: &Layer, number| {
                let mut layer = layer.clone();
                let index = layer.index(name).expect("conditions look at fields that are always there");
                layer.set(index, &Wanted::Value(Value::Int(number))).expect("a number of the table fits");
                layer
            };
            tries =
                tries.iter().flat_map(|layer| numbers.iter().map(|n| with(layer, *n)).collect::<Vec<_>>()).collect();
        }
        for layer in tries {
            let there: Vec<&str> = desc.fields.iter().filter(|field| layer.has(field)).map(|f| f.name).collect();
            let unique: BTreeSet<&&str> = there.iter().collect();
            assert_eq!(unique.len(), there.len(), "{}: {there:?}", desc.name);
        }
    }
}

#[test]
fn conditions_look_back_at_fields_that_are_there() {
    for desc in layers::ALL {
        for (index, field) in desc.fields.iter().enumerate() {
            let Some(when) = field.when else { continue };
            let at = desc.fields.iter().position(|f| f.name == when.field);
            assert!(at.is_some_and(|at| at < index), "{}.{} looks at {}", desc.name, field.name, when.field);
        }
    }
}

#[test]
fn defaults_and_named_numbers_fit_and_are_taken_as_values() {
    for desc in layers::ALL {
        for field in desc.fields {
            let is_fitting = |number: u64| {
                let most = field.width().map_or(0, |bits| pktsh::packet::bits::mask(bits.into()));
                assert!(number <= most, "{}.{}: {number} in {:?} bits", desc.name, field.name, field.width());
            };
            if let Preset::Int(number) = field.preset {
                is_fitting(number);
            }
            let tables: Vec<_> = match field.names {
                Names::None => Vec::new(),
                Names::Table(table) => vec![table],
                Names::By(other, tables) => {
                    assert!(desc.has_field(other), "{}.{} is named by {other}", desc.name, field.name);
                    tables.iter().map(|(_, table)| *table).collect()
                }
            };
            for table in tables {
                for (number, _) in table {
                    is_fitting(*number);
                }
                // IPv6 has another number on each system; the first one is Linux'.
                let is_again = |at: usize| desc.name.starts_with("Loopback") && table[at].1 == "IPv6" && at > 1;
                let rows: Vec<_> = (0..table.len()).filter(|at| !is_again(*at)).map(|at| table[at]).collect();
                let names: BTreeSet<&str> = rows.iter().map(|(_, name)| *name).collect();
                assert_eq!(names.len(), rows.len(), "{}.{}: a name twice", desc.name, field.name);
                for (number, name) in &rows {
                    assert_eq!(field.accept(&Value::text(name), table), Ok(Value::Int(*number)), "{name}");
                }
            }
            if let Shape::Flags(bits, names) = field.shape {
                assert!(names.0.len() <= usize::from(bits), "{}.{}: more names than bits", desc.name, field.name);
            }
        }
    }
}

#[test]
fn every_field_that_a_row_names_exists() {
    for desc in layers::ALL {
        let exists = |name: &str, of: &LayerDesc| assert!(of.has_field(name), "{}: no {}.{name}", desc.name, of.name);
        desc.text_field.iter().chain(&desc.int_field).for_each(|name| exists(name, desc));
        match desc.header {
            Header::Units { field, .. } | Header::After(field) => exists(field, desc),
            Header::Fields | Header::Records | Header::Rest => {}
        }
        desc.length.iter().for_each(|length| exists(length.field, desc));
        desc.names_from.iter().for_each(|name| exists(name, desc));
        if let Some(carries) = desc.carries {
            exists(carries.field, desc);
            exists(carries.their, carries.like);
        }
        if let Some((left, addresses)) = desc.routes {
            exists(left, desc);
            exists(addresses, desc);
        }
        desc.summary.special.iter().for_each(|(name, _, _)| exists(name, desc));
        if let Some((src, dst)) = desc.ends {
            exists(src, desc);
            exists(dst, desc);
        }
        if let Some(fragment) = desc.fragment {
            exists(fragment.offset, desc);
            exists(fragment.flags, desc);
        }
        for (a, b) in desc.pairs.swap {
            exists(a, desc);
            exists(b, desc);
        }
        desc.pairs.quoted.iter().chain(desc.pairs.same).for_each(|name| exists(name, desc));
        for (at, field) in desc.fields.iter().enumerate() {
            if let Preset::Auto(Auto::WidthOf(name) | Auto::SizeOf(name) | Auto::CountOf(name)) = field.preset {
                exists(name, desc);
            }
            if let Extent::Bytes(name) | Extent::Count(name) = field.extent {
                let is_earlier = desc.fields[..at].iter().any(|earlier| earlier.name == name);
                assert!(
                    is_earlier,
                    "{}.{} is measured by {name}, which does not stand before it",
                    desc.name, field.name
                );
            }
            if let Shape::Packets(of) = field.shape {
                assert!(layers::ALL.contains(&of), "{} is not in ALL", of.name);
            }
            if let Shape::HardwareAddr(name) | Shape::ProtocolAddr(name) = field.shape {
                exists(name, desc);
            }
        }
        for over in desc.over {
            exists(over.field, over.under);
            assert!(layers::ALL.contains(&over.under), "{} is not in ALL", over.under.name);
            let bits = over.under.fields.iter().find(|f| f.name == over.field).and_then(Field::width);
            assert!(bits.is_some_and(|bits| over.number < 1 << bits), "{} over {}", desc.name, over.under.name);
        }
    }
}

#[test]
fn bindings_lead_to_one_layer_each() {
    let mut seen = BTreeSet::new();
    for desc in layers::ALL {
        for over in desc.over.iter().filter(|over| over.way != Way::Write) {
            assert!(seen.insert((over.under.name, over.field, over.number)), "{}: bound twice", desc.name);
        }
    }
}

#[test]
fn summaries_name_fields_of_the_layer_or_of_the_one_below() {
    for desc in layers::ALL {
        let special = desc.summary.special.iter().map(|(_, _, template)| *template);
        for template in [desc.summary.within, desc.summary.alone].into_iter().chain(special) {
            for key in template.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(key, _)| key) {
                let below = key.strip_prefix("under.");
                let is_known = match below {
                    Some(name) => desc.over.iter().all(|over| over.under.has_field(name)),
                    None => key == "layer" || desc.has_field(key.strip_prefix("name:").unwrap_or(key)),
                };
                assert!(is_known, "{}: {{{key}}}", desc.name);
            }
        }
        assert!(!desc.summary.alone.is_empty(), "{} has no summary", desc.name);
    }
}

#[test]
fn every_layer_is_built_with_nothing_set() {
    for desc in layers::ALL {
        let built = Packet::new(desc).build(&Nowhere).expect("presets fit");
        assert_eq!(built.to_packet().names(), desc.name);
    }
}

// Values.

fn set(packet: &mut Packet, layer: &LayerDesc, field: &str, value: Value) {
    let at = packet.find(layer, 1).expect("the layer is there");
    packet.set(at, field, &Wanted::Value(value)).expect("the value fits");
}

fn refused(desc: &'static LayerDesc, field: &str, value: Value) -> String {
    Packet::new(desc).set(0, field, &Wanted::Value(value)).expect_err("it does not fit").to_string()
}

#[test]
fn a_value_that_does_not_fit_names_field_width_and_value() {
    assert_eq!(refused(&IP, "ttl", Value::Int(256)), "IP.ttl: 256 does not fit 8 bits (0 to 255)");
    assert_eq!(refused(&IP, "frag", Value::Int(9000)), "IP.frag: 9000 does not fit 13 bits (0 to 8191)");
    assert_eq!(refused(&TCP, "flags", Value::Int(0x3ff)), "TCP.flags: 1023 does not fit 9 bits (0 to 511)");
    assert_eq!(refused(&TCP, "dport", Value::text("70000")), "TCP.dport: 70000 does not fit 16 bits (0 to 65535)");
    for desc in layers::ALL {
        for field in desc.fields.iter().filter(|field| field.when.is_none() && field.above.is_none()) {
            let Some(bits) = field.width().filter(|_| matches!(field.shape, Shape::Bits(_) | Shape::Flags(..))) else {
                continue;
            };
            let error = refused(desc, field.name, Value::Int(1 << bits));
            let wanted = format!("{}.{}: {} does not fit {bits} bits", desc.name, field.name, 1u64 << bits);
            assert!(error.starts_with(&wanted), "{error}");
        }
    }
}

#[test]
fn a_range_fits_at_both_ends_or_is_refused() {
    let ports = |high| Packet::new(&TCP).set(0, "dport", &Wanted::Many(Many::Range(1, high)));
    assert!(ports(65535).is_ok());
    assert_eq!(ports(65536).expect_err("too high").to_string(), "TCP.dport: 65536 does not fit 16 bits (0 to 65535)");
}

#[test]
fn a_misspelt_field_gets_the_nearest_one() {
    let error = Packet::new(&TCP).set(0, "dprot", &Wanted::Auto).expect_err("no such field").to_string();
    assert_eq!(error, "TCP has no field \"dprot\"; did you mean \"dport\"?");
    let error = Packet::new(&ICMP).set(0, "gw", &Wanted::Auto).expect_err("an echo has no gateway").to_string();
    assert_eq!(error, "ICMP.gw: not there when type is 8; it needs one of 5");
}

#[test]
fn what_auto_cannot_express_is_an_error_at_build() {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&TCP));
    set(&mut packet, &TCP, "options", Value::List(vec![Value::text("NOP"); 40].into()));
    assert!(packet.bytes(&Nowhere).is_ok());
    set(&mut packet, &TCP, "options", Value::List(vec![Value::text("NOP"); 41].into()));
    let error = packet.bytes(&Nowhere).expect_err("16 words").to_string();
    assert_eq!(error, "TCP.dataofs: the automatic value 16 does not fit 4 bits; set dataofs to send it all the same");
    set(&mut packet, &TCP, "dataofs", Value::Int(15));
    assert!(packet.bytes(&Nowhere).is_ok(), "what is set is sent");

    let mut packet = Packet::new(&IP).stack(&Packet::new(&RAW));
    set(&mut packet, &RAW, "load", Value::bytes(&vec![0; 65515]));
    assert_eq!(bytes(&packet).len(), 65535);
    set(&mut packet, &RAW, "load", Value::bytes(&vec![0; 65516]));
    let error = packet.bytes(&Nowhere).expect_err("too long").to_string();
    assert_eq!(error, "IP.len: the automatic value 65536 does not fit 16 bits; set len to send it all the same");
}

#[test]
fn wrong_values_go_out_as_set() {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&UDP));
    for (field, value) in [("version", 9), ("ihl", 1), ("len", 5), ("chksum", 0)] {
        set(&mut packet, &IP, field, Value::Int(value));
    }
    let bytes = bytes(&packet);
    assert_eq!((bytes[0], &bytes[2..4], &bytes[10..12]), (0x91, &[0, 5][..], &[0, 0][..]));
}

// Sets.

#[test]
fn sets_are_expanded_outer_layer_slowest() {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&TCP));
    packet.set(0, "ttl", &Wanted::Many(Many::Range(1, 2))).expect("fits");
    let net = pktsh::base::targets::Net::parse("192.0.2.0/30").expect("a network");
    packet.set(0, "dst", &Wanted::Many(Many::Net(net))).expect("fits");
    let ports = Value::List(vec![Value::Int(22), Value::text("http"), Value::text("443")].into());
    packet.set(1, "dport", &Wanted::Value(ports)).expect("fits");
    assert_eq!(packet.count(), 24);
    assert!(packet.is_set());
    let seen: Vec<(u64, String, u64)> = packet
        .expand()
        .map(|one| {
            assert!(!one.is_set());
            let (ip, tcp) = (&one.layers()[0], &one.layers()[1]);
            let number = |layer: &Layer, name| layer.int(name).expect("one number");
            (number(ip, "ttl"), ip.get("dst").expect("it is there").to_string(), number(tcp, "dport"))
        })
        .collect();
    let mut wanted = Vec::new();
    for ttl in 1..=2 {
        for host in 0..4 {
            for port in [22, 80, 443] {
                wanted.push((ttl, format!("\"192.0.2.{host}\""), port));
            }
        }
    }
    assert_eq!(seen, wanted);
    let first = packet.expand().next().expect("one at least");
    assert_eq!(packet.fixed_bytes(), first.fixed_bytes(), "the bytes of a set are those of its first packet");
}

trait Fixed {
    fn fixed_bytes(&self) -> Arc<[u8]>;
}

impl Fixed for Packet {
    /// The bytes with what would be drawn fixed.
    fn fixed_bytes(&self) -> Arc<[u8]> {
        let mut fixed = self.clone();
        set(&mut fixed, &IP, "id", Value::Int(1));
        set(&mut fixed, &TCP, "sport", Value::Int(1));
        bytes(&fixed)
    }
}

#[test]
fn a_large_set_is_counted_without_being_made() {
    let mut packet = Packet::new(&IP);
    let net = pktsh::base::targets::Net::parse("10.0.0.0/8").expect("a network");
    packet.set(0, "dst", &Wanted::Many(Many::Net(net))).expect("fits");
    assert_eq!(packet.count(), 1 << 24);
    assert_eq!(
        packet.expand().nth(3).and_then(|p| p.layers()[0].get("dst")).map(|s| s.to_string()),
        Some("\"10.0.0.3\"".into())
    );
}

// What was read.

/// `IP / TCP` with a load of two bytes, checksums right.
fn segment() -> Packet {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&TCP)).stack(&Packet::new(&RAW));
    set(&mut packet, &IP, "id", Value::Int(1));
    set(&mut packet, &TCP, "sport", Value::Int(1234));
    set(&mut packet, &RAW, "load", Value::text("ab"));
    packet
}

fn read(packet: &Packet) -> Packet {
    dissect(packet.layers()[0].desc(), &bytes(packet))
}

#[test]
fn the_first_edit_makes_right_values_automatic_and_keeps_wrong_ones() {
    let mut packet = segment();
    set(&mut packet, &IP, "chksum", Value::Int(0x1234));
    let mut received = read(&packet);
    let shown = received.show(&Nowhere);
    assert!(shown.contains("chksum     = 0x1234 (incorrect, should be 0xfbcc)"), "{shown}");

    set(&mut received, &RAW, "load", Value::text("abcd"));
    let shown = received.show(&Nowhere);
    assert!(shown.contains("chksum     = 0x1234 (incorrect, should be 0xfbca)"), "{shown}");
    for field in ["ihl        = auto", "len        = auto", "proto      = auto", "dataofs    = auto"] {
        assert!(shown.contains(field), "{shown}");
    }
    let again = read(&received);
    assert_eq!(again.layers()[0].int("len"), Some(44));
    assert_eq!(again.layers()[0].int("chksum"), Some(0x1234), "the wrong one is kept");
    let shown = again.show(&Nowhere);
    assert_eq!(shown.matches("incorrect").count(), 1, "{shown}");
}

#[test]
fn what_a_user_set_wrong_is_called_incorrect_too() {
    let mut packet = segment();
    set(&mut packet, &IP, "ihl", Value::Int(9));
    set(&mut packet, &TCP, "dataofs", Value::Int(5));
    let shown = packet.show(&Nowhere);
    assert!(shown.contains("ihl        = 9 (incorrect, should be 5)"), "{shown}");
    assert_eq!(shown.matches("incorrect").count(), 1, "{shown}");
}

#[test]
fn a_replaced_payload_gets_its_own_number() {
    let mut received = read(&segment());
    let mut udp = Packet::new(&UDP);
    set(&mut udp, &UDP, "sport", Value::Int(1));
    received.set(0, "ttl", &Wanted::Value(Value::Int(1))).expect("fits");
    received.replace(1, &udp);
    let again = read(&received);
    assert_eq!(again.names(), "IP / UDP");
    assert!(!again.show(&Nowhere).contains("incorrect"));
}

#[test]
fn checksums_left_to_a_card_are_not_computed() {
    let mut packet = segment();
    set(&mut packet, &TCP, "chksum", Value::Int(0xfe30));
    let mut received = read(&packet).with_meta(Meta { offload: true, ..Meta::default() });
    let shown = received.show(&Nowhere);
    assert!(shown.contains("chksum     = not computed (offload)\n"), "{shown}");
    assert!(!shown.contains("incorrect"), "{shown}");
    set(&mut received, &IP, "ttl", Value::Int(9));
    assert!(!received.show(&Nowhere).contains("offload"));
    assert!(!read(&received).show(&Nowhere).contains("incorrect"), "an edit computes it");
}

#[test]
fn a_udp_checksum_of_zero_is_none_and_stays() {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&UDP)).stack(&Packet::new(&RAW));
    set(&mut packet, &UDP, "chksum", Value::Int(0));
    set(&mut packet, &RAW, "load", Value::text("ab"));
    let mut received = read(&packet);
    assert!(!received.show(&Nowhere).contains("incorrect"));
    set(&mut received, &RAW, "load", Value::text("abc"));
    let again = read(&received);
    assert_eq!((again.layers()[1].int("chksum"), again.layers()[1].int("len")), (Some(0), Some(11)));
}

#[test]
fn a_udp_sum_of_zero_is_sent_as_ones() {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&UDP)).stack(&Packet::new(&RAW));
    set(&mut packet, &UDP, "sport", Value::Int(1));
    set(&mut packet, &RAW, "load", Value::bytes(&[0, 0]));
    let sum = read(&packet).layers()[1].int("chksum").expect("a checksum") as u16;
    set(&mut packet, &RAW, "load", Value::bytes(&sum.to_be_bytes()));
    assert_eq!(read(&packet).layers()[1].int("chksum"), Some(0xffff), "RFC 768");
    assert!(!read(&packet).show(&Nowhere).contains("incorrect"));
}

#[test]
fn fragments_are_not_verified() {
    let mut packet = segment();
    set(&mut packet, &TCP, "chksum", Value::Int(1));
    set(&mut packet, &IP, "flags", Value::text("MF"));
    let first = read(&packet);
    assert_eq!(first.names(), "IP / TCP / Raw");
    assert!(!first.show(&Nowhere).contains("incorrect"));
    set(&mut packet, &IP, "frag", Value::Int(100));
    assert_eq!(read(&packet).names(), "IP / Raw", "a later fragment begins in the middle of something");
}

#[test]
fn a_cut_packet_says_so_and_is_not_called_incorrect() {
    let whole = bytes(&segment());
    let cut: Arc<[u8]> = whole[..41].into();
    let shown = dissect(&IP, &cut).show(&Nowhere);
    assert!(shown.starts_with("###[ IP ]###  (len says 42 bytes, 41 are here)"), "{shown}");
    assert!(!shown.contains("incorrect"), "{shown}");
    let cut: Arc<[u8]> = whole[..30].into();
    let packet = dissect(&IP, &cut);
    assert_eq!(packet.names(), "IP / Raw");
    assert_eq!(packet.layers()[1].note(), Some("TCP header cut: 10 of 20 bytes are here"));
}

#[test]
fn a_length_beyond_a_whole_packet_is_incorrect() {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&UDP));
    set(&mut packet, &UDP, "len", Value::Int(99));
    let shown = read(&packet).show(&Nowhere);
    assert!(shown.contains("len        = 99 (incorrect, should be 8)"), "{shown}");
}

#[test]
fn a_header_length_below_the_least_is_incorrect_and_hides_no_field() {
    let mut packet = segment();
    set(&mut packet, &IP, "ihl", Value::Int(1));
    set(&mut packet, &TCP, "dataofs", Value::Int(15));
    let received = read(&packet);
    assert_eq!(received.names(), "IP / TCP");
    assert_eq!(received.layers()[1].note(), Some("dataofs says 60 bytes of header, 22 are here"));
    let shown = received.show(&Nowhere);
    assert!(shown.contains("ihl        = 1 (incorrect, should be 5)"), "{shown}");
    assert!(shown.contains("dst        = 127.0.0.1"), "{shown}");
}

#[test]
fn trailing_bytes_are_padding() {
    let mut frame = Packet::new(&ETHER).stack(&segment());
    frame = frame.stack(&Packet::new(&layers::raw::PADDING));
    set(&mut frame, &layers::raw::PADDING, "load", Value::bytes(&[0; 4]));
    let received = read(&frame);
    assert_eq!(received.names(), "Ether / IP / TCP / Raw / Padding");
    assert_eq!(received.layers()[1].int("len"), Some(42));
}

/// `IP / ICMP error / the first `quoted` bytes of a segment`.
fn error_about(quoted: usize) -> Packet {
    let mut packet = Packet::new(&IP).stack(&Packet::new(&ICMP)).stack(&Packet::new(&RAW));
    set(&mut packet, &ICMP, "type", Value::Int(3));
    set(&mut packet, &ICMP, "code", Value::Int(13));
    set(&mut packet, &RAW, "load", Value::bytes(&bytes(&segment())[..quoted]));
    read(&packet)
}

#[test]
fn a_short_quote_has_the_fields_that_are_there() {
    let error = error_about(28);
    assert_eq!(error.names(), "IP / ICMP / IPerror / TCPerror");
    assert!(error.layer(&TCP).is_none() && error.find(&IP, 2).is_none(), "a quoted header is no header of the packet");
    let quoted = &error.layers()[3];
    assert_eq!((quoted.int("sport"), quoted.int("dport"), quoted.int("seq")), (Some(1234), Some(80), Some(0)));
    assert_eq!((quoted.int("ack"), quoted.get("flags"), quoted.get("chksum")), (None, None, None));
    let shown = error.show(&Nowhere);
    assert!(!shown.contains("incorrect") && !shown.contains("window"), "{shown}");
}

#[test]
fn an_edit_leaves_a_short_quote_short() {
    for len in 20..=42 {
        let mut error = error_about(len);
        let before = bytes(&error);
        set(&mut error, &IP, "tos", Value::Int(4));
        let after = bytes(&error);
        assert_eq!(after.len(), before.len(), "{len} bytes quoted");
        assert_eq!(after[12..], before[12..], "{len} bytes quoted");
        assert!(!read(&error).show(&Nowhere).contains("incorrect"));
    }
    let mut error = error_about(28);
    error.set(3, "dport", &Wanted::Value(Value::Int(81))).expect("it is there");
    assert_eq!(bytes(&error).len(), 56, "no field is added");
}

#[test]
fn a_quote_padded_for_extensions_is_summed_with_its_padding() {
    // RFC 4884 section 4: the quoted packet is padded with zeros, and objects follow.
    let mut packet = Packet::new(&IP).stack(&Packet::new(&ICMP)).stack(&Packet::new(&RAW));
    set(&mut packet, &ICMP, "type", Value::Int(11));
    let mut quote = bytes(&segment()).to_vec();
    quote.resize(128, 0);
    quote.extend_from_slice(&[0x20, 0, 0xdf, 0xff, 0, 4, 1, 1]);
    set(&mut packet, &RAW, "load", Value::bytes(&quote));
    let mut received = read(&packet);
    assert_eq!(received.names(), "IP / ICMP / IPerror / TCPerror / Raw / Padding");
    assert!(!received.show(&Nowhere).contains("incorrect"), "{}", received.show(&Nowhere));
    let before = bytes(&received);
    set(&mut received, &IP, "tos", Value::Int(4));
    assert_eq!(bytes(&received)[12..], before[12..]);
    assert!(!read(&received).show(&Nowhere).contains("incorrect"));
}

#[test]
fn a_service_tag_keeps_its_number() {
    let mut frame = Packet::new(&ETHER).stack(&Packet::new(&layers::dot1q::DOT1Q)).stack(&segment());
    set(&mut frame, &ETHER, "type", Value::Int(0x88a8));
    let mut received = read(&frame);
    assert!(!received.show(&Nowhere).contains("incorrect"));
    set(&mut received, &IP, "ttl", Value::Int(1));
    assert_eq!(bytes(&received)[12..14], [0x88, 0xa8]);
}

// Hostile messages: their work is bounded.

/// A DNS message over UDP that says it has 65535 of everything, and goes on with these bytes up to 64 KiB.
fn hostile(unit: &[u8]) -> Arc<[u8]> {
    let mut message = vec![0, 1, 0x81, 0x80, 255, 255, 255, 255, 255, 255, 255, 255];
    while message.len() + unit.len() <= 65507 {
        message.extend_from_slice(unit);
    }
    message.into()
}

/// A message of questions and records in which every name leads to one that leads on, as long as names may be.
fn nested() -> Arc<[u8]> {
    let mut message = vec![0, 1, 0x81, 0x80, 0x0a, 0, 0x08, 0, 0x04, 0, 0x04, 0];
    let mut last: Option<usize> = None;
    for n in 0.. {
        let at = message.len();
        // Every 120th name is whole, the others begin with a label and lead to the one before.
        message.extend_from_slice(&[1, b'a']);
        match last.filter(|_| n % 120 != 0) {
            Some(to) => message.extend_from_slice(&[0xc0 | (to >> 8) as u8, to as u8]),
            None => message.push(0),
        }
        message.extend_from_slice(&[0, 1, 0, 1]);
        if n >= 0x0a00 {
            message.extend_from_slice(&[0, 0, 0, 0, 0, 4, 192, 0, 2, 1]);
        }
        if at < 0x4000 && (at < 0x3e00 || n % 120 == 119) {
            last = Some(at);
        }
        if message.len() > 65_000 {
            return message.into();
        }
    }
    unreachable!("a message has an end")
}

#[test]
fn a_message_of_nothing_but_records_is_read_in_one_breath() {
    let question = [0, 0, 1, 0, 1];
    let to_the_header = [0xc0, 0, 0, 1, 0, 1];
    let pointers = [0xc0, 12];
    let record = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
    let mut messages: Vec<Arc<[u8]>> = [&question[..], &to_the_header, &pointers, &record].map(hostile).to_vec();
    messages.push(nested());
    for message in messages {
        let packet = dissect(&layers::dns::DNS, &message);
        let shown = packet.show(&Nowhere);
        assert!(shown.len() < 1 << 18, "{} bytes are shown", shown.len());
        assert!(packet.summary(&Nowhere).len() < 1 << 10);
        let mut edited = packet.clone();
        edited.set(0, "id", &Wanted::Value(Value::Int(5))).expect("it fits");
        assert_eq!(bytes(&edited)[2..], message[2..]);
    }
}

#[test]
fn pointers_to_pointers_end() {
    // Each leads to the one before: 8000 steps to the first, for each of 8000 names.
    let mut message = vec![0, 1, 0x81, 0x80, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
    for at in (12..0x3f00).step_by(6) {
        message.extend_from_slice(&[0xc0 | (at >> 8) as u8, at as u8, 0, 1, 0, 1]);
    }
    let packet = dissect(&layers::dns::DNS, &message.into());
    let note = packet.layers()[0].note().expect("it is not as it says");
    assert!(note.starts_with("qdcount says 65535 in qd; number "), "{note}");
}

// Names.

/// An answer with a question, an alias and an address, its names compressed (RFC 1035 section 4.1.4).
fn compressed() -> Vec<u8> {
    let mut message = vec![0, 7, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 1];
    message.extend_from_slice(b"\x03www\x03lab\x00\x00\x01\x00\x01");
    message.extend_from_slice(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03web\xc0\x10");
    message.extend_from_slice(b"\xc0\x25\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x0a");
    message.extend_from_slice(b"\xc0\x10\x00\x0f\x00\x01\x00\x00\x00\x3c\x00\x09\x00\x05\x04mail\xc0\x10");
    message
}

fn records(packet: &Packet, field: &str) -> Vec<String> {
    let Some(pktsh::packet::Slot::Set(Value::List(items))) = packet.layers()[0].get(field) else { return Vec::new() };
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn compressed_names_are_read_and_come_out_as_they_came_while_nothing_moves() {
    let message = compressed();
    let mut packet = dissect(&layers::dns::DNS, &message.clone().into());
    assert_eq!(packet.layers()[0].note(), None);
    assert_eq!(records(&packet, "qd"), [r#"DNSQR(qname="www.lab.")"#]);
    let an = [
        r#"DNSRR(rrname="www.lab.", type=5, ttl=60, rdata="web.lab.")"#,
        r#"DNSRR(rrname="web.lab.", ttl=60, rdata="192.0.2.10")"#,
    ];
    assert_eq!(records(&packet, "an"), an);
    assert_eq!(records(&packet, "ar"), [r#"DNSRRMX(rrname="lab.", ttl=60, preference=5, exchange="mail.lab.")"#]);
    packet.set(0, "id", &Wanted::Value(Value::Int(8))).expect("it fits");
    assert_eq!(bytes(&packet)[2..], message[2..]);
}

#[test]
fn names_that_move_come_out_at_length() {
    let mut packet = dissect(&layers::dns::DNS, &compressed().into());
    let (an, ar) = (records(&packet, "an"), records(&packet, "ar"));
    let mut question = Packet::new(&layers::dns::DNSQR);
    question.set(0, "qname", &Wanted::Value(Value::text("a.longer.name.lab"))).expect("it fits");
    let questions = Value::List([Value::Packet(Arc::new(question))].into());
    packet.set(0, "qd", &Wanted::Value(questions)).expect("it fits");
    let again = dissect(&layers::dns::DNS, &bytes(&packet));
    assert_eq!(records(&again, "qd"), [r#"DNSQR(qname="a.longer.name.lab.")"#]);
    assert_eq!((records(&again, "an"), records(&again, "ar")), (an, ar));
    assert!(!again.show(&Nowhere).contains("incorrect"), "{}", again.show(&Nowhere));
}

#[test]
fn records_of_another_message_come_out_at_length() {
    let read = dissect(&layers::dns::DNS, &compressed().into());
    let mut made = Packet::new(&layers::dns::DNS);
    made.set(
        0,
        "an",
        &Wanted::Value(match read.layers()[0].get("ar") {
            Some(pktsh::packet::Slot::Set(value)) => value,
            other => panic!("records, found {other:?}"),
        }),
    )
    .expect("records fit");
    let again = dissect(&layers::dns::DNS, &bytes(&made));
    assert_eq!(records(&again, "an"), records(&read, "ar"));
    assert!(!again.show(&Nowhere).contains("incorrect"), "{}", again.show(&Nowhere));
}

#[test]
fn a_record_has_no_records() {
    let message = Value::List([Value::Packet(Arc::new(Packet::new(&layers::dns::DNS)))].into());
    let error = refused(&layers::dns::DNS, "an", message);
    assert_eq!(error, "DNS.an: expected records like DNSRR(), found DNS, which has records itself; give its bytes");
}

#[test]
fn a_fixed_point_number_has_one_decimal_and_is_read_back() {
    let ntp = |value| {
        let mut packet = Packet::new(&layers::ntp::NTP);
        packet.set(0, "ref", &Wanted::Value(value)).expect("it fits");
        packet
    };
    for (raw, text) in [
        (0, "0"),
        (1, "0.0000000002"),
        (1 << 31, "0.5"),
        ((3_913_056_000 << 32) + 0x1999_9999, "3913056000.0999999999"),
        (u64::MAX, "4294967295.9999999998"),
    ] {
        let shown = ntp(Value::Int(raw)).show(&Nowhere);
        assert!(shown.contains(&format!("ref        = {text}\n")), "{shown}");
        assert_eq!(ntp(Value::text(text)), ntp(Value::Int(raw)), "{text}");
    }
    for wrong in ["4294967296", "-1", "1e3", ".", "1.", "x"] {
        assert!(refused(&layers::ntp::NTP, "ref", Value::text(wrong)).contains("expected a number of seconds"));
    }
    let mut packet = ntp(Value::Int(0));
    packet.set(0, "poll", &Wanted::Value(Value::text("-6"))).expect("it fits");
    assert!(packet.show(&Nowhere).contains("poll       = -6\n"));
    assert_eq!(bytes(&packet)[2], 0xfa);
    let error = refused(&layers::ntp::NTP, "poll", Value::text("-129"));
    assert_eq!(error, "NTP.poll: -129 does not fit 8 bits (-128 to 127)");
}

#[test]
fn a_field_that_needs_a_layer_below_waits_for_it() {
    let dns = || {
        let mut dns = Packet::new(&layers::dns::DNS);
        set(&mut dns, &layers::dns::DNS, "id", Value::Int(1));
        dns.set(0, "length", &Wanted::Value(Value::Int(5))).expect("it waits for TCP");
        dns
    };
    let (alone, over) = (bytes(&dns()), bytes(&Packet::new(&TCP).stack(&dns())));
    assert_eq!((&alone[..2], &over[20..24]), (&[0, 1][..], &[0, 5, 0, 1][..]));
    let mut datagram = Packet::new(&UDP).stack(&Packet::new(&layers::dns::DNS));
    let error = datagram.set(1, "length", &Wanted::Value(Value::Int(5))).expect_err("there is none over UDP");
    assert_eq!(error.to_string(), "DNS.length: there only directly above TCP");
}
