//! What a UDP scan says to a port so that the service that is expected there has something to answer.
//!
//! An empty datagram is answered by few: most programs take it for a mistake and say nothing. Each row is a question
//! that every implementation of its protocol answers, if only with an error, and that changes nothing at the server.
//! All bytes are made here, from the RFCs.

use crate::base::Rng;

/// A question for the services at some ports.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    /// The ports where it is asked.
    pub ports: &'static [u16],
    /// The service.
    pub name: &'static str,
    /// Where the form is laid down.
    pub source: &'static str,
    make: fn(&mut Rng) -> Vec<u8>,
}

/// All of them; no port stands in two.
pub const PAYLOADS: &[Payload] = &[
    Payload { ports: &[53], name: "dns", source: "RFC 1035 section 4, RFC 9609 section 3", make: dns },
    Payload { ports: &[69], name: "tftp", source: "RFC 1350 section 5", make: tftp },
    Payload { ports: &[111], name: "portmapper", source: "RFC 5531 section 9, RFC 1833 section 3", make: portmapper },
    Payload { ports: &[123], name: "ntp", source: "RFC 5905 section 7.3", make: ntp },
    Payload { ports: &[137], name: "netbios", source: "RFC 1002 section 4.2.17", make: netbios },
    Payload { ports: &[161], name: "snmp", source: "RFC 1157 section 4.1.2", make: snmp },
    Payload { ports: &[443, 8443], name: "quic", source: "RFC 9000 sections 6.3 and 17.2", make: quic },
    Payload { ports: &[500], name: "ike", source: "RFC 7296 section 1.2", make: ike },
    Payload { ports: &[1900], name: "ssdp", source: "UPnP Device Architecture 2.0 section 1.3.3", make: ssdp },
    Payload { ports: &[3478], name: "stun", source: "RFC 8489 section 5", make: stun },
    Payload { ports: &[4500], name: "ike", source: "RFC 3948 section 2.2", make: ike_behind_nat },
    Payload { ports: &[5353], name: "mdns", source: "RFC 6763 section 9, RFC 6762 section 5.4", make: mdns },
    Payload { ports: &[5683], name: "coap", source: "RFC 7252 section 3, RFC 6690 section 4", make: coap },
];

/// What to say to `port`; empty when nothing is known to be better than that. Numbers that tell answers apart are drawn.
pub fn payload(port: u16, rng: &mut Rng) -> Vec<u8> {
    let row = PAYLOADS.iter().find(|row| row.ports.contains(&port));
    row.map_or_else(Vec::new, |row| (row.make)(rng))
}

/// So many random bytes.
fn random<const N: usize>(rng: &mut Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill(&mut bytes);
    bytes
}

/// Who serves the root? A resolver knows, an authoritative server refers or refuses: all answer, where a question in
/// the class CHAOS (version.bind) or with another opcode meets silence at some.
fn dns(rng: &mut Rng) -> Vec<u8> {
    const RECURSION_DESIRED: u16 = 0x0100;
    const NS: u16 = 2;
    const IN: u16 = 1;
    let id = u16::from_be_bytes(random(rng));
    question(id, RECURSION_DESIRED, &[], [NS, IN])
}

/// Which kinds of service are there? Asked for an answer to the asker alone: the top bit of the class.
fn mdns(_rng: &mut Rng) -> Vec<u8> {
    const PTR: u16 = 12;
    const IN_UNICAST: u16 = 0x8001;
    question(0, 0, &["_services", "_dns-sd", "_udp", "local"], [PTR, IN_UNICAST])
}

/// The state of the node whose name is `*`, which every node answers to: RFC 1002 writes a name as 32 letters, two for
/// each of its 16 bytes.
fn netbios(rng: &mut Rng) -> Vec<u8> {
    const NBSTAT: u16 = 0x21;
    const IN: u16 = 1;
    let id = u16::from_be_bytes(random(rng));
    question(id, 0, &["CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], [NBSTAT, IN])
}

/// A message of one question (RFC 1035 section 4.1): type and class.
fn question(id: u16, flags: u16, name: &[&str], kind: [u16; 2]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [id, flags, 1, 0, 0, 0].into_iter().flat_map(u16::to_be_bytes).collect();
    for label in name {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.into_iter().flat_map(u16::to_be_bytes));
    bytes
}

/// A file that no server has: the answer is an error, and comes from another port.
fn tftp(_rng: &mut Rng) -> Vec<u8> {
    b"\x00\x01pktsh.none\x00octet\x00".to_vec()
}

/// The procedure that does nothing, of program 100000, version 2, without credentials.
fn portmapper(rng: &mut Rng) -> Vec<u8> {
    const CALL: u32 = 0;
    const RPC_VERSION: u32 = 2;
    const PORTMAPPER: u32 = 100_000;
    let xid = u32::from_be_bytes(random(rng));
    [xid, CALL, RPC_VERSION, PORTMAPPER, 2, 0, 0, 0, 0, 0].into_iter().flat_map(u32::to_be_bytes).collect()
}

/// A client's question, version 4, of which only the time of sending is filled in: it comes back as it is.
fn ntp(rng: &mut Rng) -> Vec<u8> {
    const VERSION_4_CLIENT: u8 = 4 << 3 | 3;
    let mut bytes = vec![0; 48];
    bytes[0] = VERSION_4_CLIENT;
    bytes[40..].copy_from_slice(&random::<8>(rng));
    bytes
}

/// `sysDescr.0` of the community "public", by version 1: an agent with another community is silent.
fn snmp(rng: &mut Rng) -> Vec<u8> {
    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    const GET_REQUEST: u8 = 0xa0;
    const SYS_DESCR: [u8; 10] = [0x06, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0]; // 1.3.6.1.2.1.1.1.0 as ASN.1 writes it
    const NULL: [u8; 2] = [0x05, 0];
    // ASN.1's integers have a sign, and no more bytes than needed.
    let mut id = random::<4>(rng);
    id[0] = id[0] & 0x3f | 0x40;
    let number = |value: &[u8]| tagged(INTEGER, &[value]);
    let bindings = tagged(SEQUENCE, &[&tagged(SEQUENCE, &[&SYS_DESCR, &NULL])]);
    let request = tagged(GET_REQUEST, &[&number(&id), &number(&[0]), &number(&[0]), &bindings]);
    tagged(SEQUENCE, &[&number(&[0]), &tagged(OCTETS, &[b"public"]), &request])
}

/// A value with its tag and its length, of less than 128 bytes.
fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut bytes = vec![tag, body.len() as u8];
    bytes.extend(body);
    bytes
}

/// A packet of a version that no server has, as long as a first one must be: the answer lists those that it has.
fn quic(rng: &mut Rng) -> Vec<u8> {
    const LONG_INITIAL: u8 = 0xc0;
    const NO_VERSION: [u8; 4] = [0x1a, 0x2a, 0x3a, 0x4a]; // one of those kept free for this, section 15
    const LONGEST_NEEDED: usize = 1200;
    let mut bytes = vec![LONG_INITIAL];
    bytes.extend(NO_VERSION);
    for _ in 0..2 {
        bytes.push(8); // the length of a connection ID
        bytes.extend(random::<8>(rng));
    }
    // What follows is any version's own. It has the form of version 1, for those who look: no token, the length of the
    // rest in two bytes (section 16), and the rest, which nobody can read.
    let rest = LONGEST_NEEDED - bytes.len() - 3;
    bytes.push(0);
    bytes.extend((0x4000 | rest as u16).to_be_bytes());
    bytes.resize(LONGEST_NEEDED, 0);
    rng.fill(&mut bytes[LONGEST_NEEDED - rest..]);
    bytes
}

/// `IKE_SA_INIT` with one proposal that most take: AES-CBC-128, HMAC-SHA2-256 twice, Curve25519 or MODP 2048. Who takes
/// none of it says so, and who wants another group does, too.
fn ike(rng: &mut Rng) -> Vec<u8> {
    const CURVE25519: u16 = 31; // RFC 8031: any 32 bytes are a public key
    // Transforms: type, number, key length in bits; their numbers are IANA's.
    const TRANSFORMS: [(u8, u16, Option<u16>); 5] =
        [(1, 12, Some(128)), (2, 5, None), (3, 12, None), (4, CURVE25519, None), (4, 14, None)];
    const KEY_LENGTH: u16 = 0x8000 | 0x0e;
    let mut transforms = Vec::new();
    for (index, (kind, number, bits)) in TRANSFORMS.into_iter().enumerate() {
        let attribute: Vec<u8> =
            bits.map(|bits| [KEY_LENGTH, bits]).into_iter().flatten().flat_map(u16::to_be_bytes).collect();
        let more = if index + 1 < TRANSFORMS.len() { 3 } else { 0 };
        let [high, low] = number.to_be_bytes();
        transforms.extend(block(more, &[&[kind, 0, high, low], &attribute]));
    }
    let proposal = block(0, &[&[1, 1, 0, TRANSFORMS.len() as u8], &transforms]); // number 1, protocol IKE, no SPI
    let [high, low] = CURVE25519.to_be_bytes();
    let payloads = [
        block(34, &[&proposal]), // the security association; a key exchange follows
        block(40, &[&[high, low, 0, 0], &random::<32>(rng)]), // the key; a nonce follows
        block(0, &[&random::<32>(rng)]), // the nonce
    ]
    .concat();
    let mut bytes = random::<8>(rng).to_vec(); // the initiator's SPI; the responder's is 0 yet
    bytes.extend([0; 8]);
    bytes.extend([33, 0x20, 34, 0x08]); // a security association follows; version 2.0, IKE_SA_INIT, from the initiator
    bytes.extend([0; 4]); // message 0
    bytes.extend((28 + payloads.len() as u32).to_be_bytes());
    bytes.extend(payloads);
    bytes
}

/// A part of an IKE message: what follows it, its length, its content (RFC 7296 section 3.2).
fn block(next: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let [high, low] = (4 + body.len() as u16).to_be_bytes();
    [&[next, 0, high, low][..], &body].concat()
}

/// The same where `IPsec` goes in UDP: four zeros tell it from that.
fn ike_behind_nat(rng: &mut Rng) -> Vec<u8> {
    [vec![0; 4], ike(rng)].concat()
}

/// Who is there, in at most a second?
fn ssdp(_rng: &mut Rng) -> Vec<u8> {
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n"
        .to_vec()
}

/// From where do you see me? A binding request without attributes.
fn stun(rng: &mut Rng) -> Vec<u8> {
    [&[0x00, 0x01, 0, 0][..], &[0x21, 0x12, 0xa4, 0x42], &random::<12>(rng)].concat()
}

/// `GET /.well-known/core`, confirmable, without a token.
fn coap(rng: &mut Rng) -> Vec<u8> {
    let [high, low] = random(rng);
    // Two options of Uri-Path (11): of 11 and of 4 bytes.
    [&[0x40, 0x01, high, low][..], &[0xbb], b".well-known", &[0x04], b"core"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_has_one_question_and_others_none() {
        let mut ports: Vec<u16> = PAYLOADS.iter().flat_map(|row| row.ports).copied().collect();
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] < pair[1]));
        for port in ports {
            let (one, two) = (payload(port, &mut Rng::new(1)), payload(port, &mut Rng::new(1)));
            assert!(!one.is_empty() && one == two && one.len() <= 1200, "{port}: the seed decides");
        }
        assert!(payload(9, &mut Rng::new(1)).is_empty());
    }

    #[test]
    fn numbers_that_tell_answers_apart_are_drawn() {
        for port in [53, 111, 123, 137, 161, 443, 500, 3478, 4500, 5683] {
            assert_ne!(payload(port, &mut Rng::new(1)), payload(port, &mut Rng::new(2)), "{port}");
        }
    }
}
