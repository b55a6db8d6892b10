//! What an IP packet carries, and the extension headers of IPv6 that stand before it (RFC 8200 section 4).

use etherparse::icmpv6::{self, ParameterProblemCode};
use etherparse::ip_number::{
    ICMP, IPV6_DEST_OPTIONS, IPV6_FRAG, IPV6_HOP_BY_HOP, IPV6_ICMP, IPV6_NO_NEXT_HEADER, IPV6_ROUTE,
};
use etherparse::{IpNumber, Ipv6FragmentHeaderSlice, Ipv6Header, Ipv6RawExtHeaderSlice};

/// Where an IPv6 header names what follows it.
const NEXT_HEADER: usize = 6;

/// The ICMP types that ask or answer (RFC 792, RFC 950, RFC 1256); all others are taken for errors.
const ICMP_QUERIES: [u8; 10] = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18];

/// The payload of a packet.
#[derive(Clone, Debug)]
pub(super) struct Carried<'a> {
    pub(super) protocol: IpNumber,
    /// Where the packet names the protocol, in bytes from its start.
    pub(super) named_at: usize,
    pub(super) payload: &'a [u8],
    /// It is a part of a larger one.
    pub(super) is_fragment: bool,
    /// What is wrong before it: a host goes no further.
    pub(super) problem: Option<Problem>,
}

/// Something in a header that a host must not pass over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It drops the packet.
    Silent,
    /// It drops the packet and says why (RFC 4443 section 3.4).
    Parameter(Parameter),
}

/// What is wrong, and at which byte of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) code: ParameterProblemCode,
    pub(super) pointer: usize,
    /// It is said even when the packet went to a group.
    pub(super) even_to_groups: bool,
}

impl Carried<'_> {
    /// Whether it is an ICMP error, which is never answered by another one (RFC 1122 section 3.2.2), nor is a redirect
    /// (RFC 4443 section 2.4, e.1 and e.2). An ICMP message without a type may be one; the ICMP of the other family is
    /// a protocol like any other.
    pub(super) fn is_error(&self, is_ipv6: bool) -> bool {
        let kind = self.payload.first().copied();
        match self.protocol {
            ICMP if !is_ipv6 => !kind.is_some_and(|kind| ICMP_QUERIES.contains(&kind)),
            IPV6_ICMP if is_ipv6 => kind.is_none_or(|kind| kind < 128 || kind == icmpv6::TYPE_REDIRECT_MESSAGE),
            _ => false,
        }
    }
}

/// Walks from header to header through an IPv6 packet of at least 40 bytes. `None` when the chain leads to no payload:
/// it is cut short, ends with "no next header", or the payload is the rest of one that began in another packet.
///
/// The walk goes on behind a problem, since an answer to it depends on what the packet carries. Every round moves on by
/// at least 8 bytes.
pub(super) fn walk(packet: &[u8]) -> Option<Carried<'_>> {
    let (mut next, mut named_at, mut at) = (IpNumber(*packet.get(NEXT_HEADER)?), NEXT_HEADER, Ipv6Header::LEN);
    let (mut is_fragment, mut problem) = (false, None);
    loop {
        let rest = packet.get(at..)?;
        let len = match next {
            IPV6_HOP_BY_HOP | IPV6_DEST_OPTIONS | IPV6_ROUTE => {
                let header = Ipv6RawExtHeaderSlice::from_slice(rest).ok()?;
                let found = match next {
                    IPV6_HOP_BY_HOP if named_at != NEXT_HEADER => Some(unrecognized(named_at)),
                    IPV6_ROUTE => route(header.payload(), at),
                    _ => options(header.payload(), at + 2),
                };
                problem = problem.or(found);
                header.slice().len()
            }
            IPV6_FRAG => {
                let header = Ipv6FragmentHeaderSlice::from_slice(rest).ok()?;
                if header.fragment_offset().value() != 0 {
                    return None;
                }
                is_fragment |= header.is_fragmenting_payload(); // one that is whole is taken as such (RFC 6946)
                header.slice().len()
            }
            IPV6_NO_NEXT_HEADER => return None,
            protocol => return Some(Carried { protocol, named_at, payload: rest, is_fragment, problem }),
        };
        (next, named_at) = (IpNumber(*rest.first()?), at);
        at += len;
    }
}

/// A header that may not stand there, or that no host knows: sections 4 and 4.1.
fn unrecognized(pointer: usize) -> Problem {
    let code = ParameterProblemCode::UnrecognizedNextHeader;
    Problem::Parameter(Parameter { code, pointer, even_to_groups: false })
}

/// Section 4.4: a routing header with segments left is of a type that no host knows; pointer to the type.
fn route(body: &[u8], at: usize) -> Option<Problem> {
    let code = ParameterProblemCode::ErroneousHeaderField;
    let segments_left = body.get(1).copied().unwrap_or(0);
    (segments_left > 0).then_some(Problem::Parameter(Parameter { code, pointer: at + 2, even_to_groups: false }))
}

/// Section 4.2: options that no host knows say themselves, by their first two bits, what becomes of the packet. `at` is
/// where `options` lie in it.
fn options(options: &[u8], at: usize) -> Option<Problem> {
    const PAD1: u8 = 0;
    let code = ParameterProblemCode::UnrecognizedIpv6Option;
    let mut i = 0;
    while let Some(&kind) = options.get(i) {
        let len = match kind {
            PAD1 => 1,
            _ => match options.get(i + 1) {
                Some(len) => 2 + usize::from(*len),
                None => return Some(Problem::Silent),
            },
        };
        match kind >> 6 {
            _ if i + len > options.len() => return Some(Problem::Silent),
            0 => {} // skipped, as the two that pad are
            1 => return Some(Problem::Silent),
            action => {
                let even_to_groups = action == 2;
                return Some(Problem::Parameter(Parameter { code, pointer: at + i, even_to_groups }));
            }
        }
        i += len;
    }
    None
}
