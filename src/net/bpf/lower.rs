//! The tree of a filter as questions to bytes: where the fields lie in frames of one medium.
//!
//! The questions, and the order in which they are asked, are libpcap's, because the order decides what becomes of a
//! frame that was cut: it is rejected by the first look beyond its end.

use std::ops::Range;

use super::error::FilterError;
use super::insn::{self, Insn};
use super::logic::Logic;
use super::names::{self, Begin, Over, Protocol};
use super::program::MAX_INSNS;
use super::tree::{Ask, Condition, Direction, Net};
use super::vm::Compare;
use crate::base::Mac;
use crate::net::Medium;

/// Where the type of what a frame carries is told, and how.
#[derive(Clone, Copy, Debug)]
enum TypeField {
    /// An `EtherType` at this offset, and what tells in its place that an 802.2 header follows.
    EtherType(u32, Llc),
    /// The first half of the first byte.
    Version,
    /// An address family of four bytes; whether its bytes may be in any order.
    Family(bool),
    /// It is not known.
    Nowhere,
}

/// How a frame tells that an IEEE 802.2 header follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Llc {
    /// By a length where the `EtherType` would be.
    Length,
    /// By `LINUX_SLL_P_802_2` there.
    Marked,
    /// It is not looked for.
    Unknown,
}

/// What a medium's frames begin with.
struct Shape {
    name: &'static str,
    field: TypeField,
    /// How long the link-layer header is.
    header: u32,
}

fn shape(medium: Medium) -> Shape {
    let (name, field, header) = match medium {
        Medium::Ethernet => ("Ethernet", TypeField::EtherType(12, Llc::Length), 14),
        Medium::Sll => ("Linux cooked", TypeField::EtherType(14, Llc::Marked), 16),
        Medium::Sll2 => ("Linux cooked", TypeField::EtherType(0, Llc::Unknown), 20),
        Medium::Ip => ("raw IP", TypeField::Version, 0),
        Medium::Null => ("BSD loopback", TypeField::Family(true), 4),
        Medium::Loop => ("OpenBSD loopback", TypeField::Family(false), 4),
        Medium::Other(_) => ("other", TypeField::Nowhere, 0),
    };
    Shape { name, field, header }
}

/// `LINUX_SLL_P_802_2`: an 802.2 header follows.
const LLC_IN_SLL: u32 = 4;
/// The largest value of the `EtherType` that is a length.
const LONGEST: u32 = 1500;
/// The most questions. Many of them turn out to be asked already, so it is more than the kernel takes instructions.
const MOST: usize = 4 * MAX_INSNS;
const INET: &[u32] = &[2];
/// `AF_INET6` of Linux, of `NetBSD` and `OpenBSD`, of `FreeBSD`, of macOS.
const INET6: &[u32] = &[10, 24, 28, 30];

// Offsets in the headers of IPv4 (RFC 791), IPv6 (RFC 8200), ARP (RFC 826) and transports.
const IP4_FRAGMENT: u32 = 6;
const IP4_PROTOCOL: u32 = 9;
const IP4_ADDRESSES: (u32, u32) = (12, 16);
const IP6_NEXT: u32 = 6;
const IP6_ADDRESSES: (u32, u32) = (8, 24);
pub(super) const IP6_HEADER: u32 = 40;
const ARP_ADDRESSES: (u32, u32) = (14, 24);
const PORTS: (u32, u32) = (0, 2);

/// A filter being laid out for one medium.
pub(super) struct Lower {
    medium: Medium,
    shape: Shape,
    /// Whether the kernel took the outermost VLAN tag out of the frame.
    is_tag_beside: bool,
    /// How many `vlan` were met: the offsets of what comes after them in the text shift.
    pub(super) vlans: u32,
    /// How many questions there are, so that no list of addresses grows without bound.
    questions: usize,
}

type Lowered = Result<Logic, String>;

impl Lower {
    pub(super) fn new(medium: Medium, is_tag_beside: bool) -> Self {
        Self { medium, shape: shape(medium), is_tag_beside, vlans: 0, questions: 0 }
    }

    /// The questions that a condition asks.
    pub(super) fn condition(&mut self, condition: &Condition) -> Result<Logic, FilterError> {
        Ok(match condition {
            Condition::Not(inner) => self.condition(inner)?.negated(),
            Condition::Chain(first, others) => {
                let first = self.condition(first)?;
                let others: Result<Vec<_>, FilterError> =
                    others.iter().map(|(join, other)| Ok((*join, self.condition(other)?))).collect();
                Logic::Chain(Box::new(first), others?)
            }
            Condition::Ask(ask, at) => self.ask(ask, at)?,
        })
    }

    fn ask(&mut self, ask: &Ask, at: &Range<usize>) -> Result<Logic, FilterError> {
        let logic = match ask {
            Ask::Protocol(protocol) => self.protocol(protocol),
            Ask::Number(protocol, number) => self.number(*protocol, *number),
            Ask::Address(protocol, direction, nets) => self.addresses(*protocol, *direction, nets),
            Ask::Station(direction, mac) => self.station(*direction, *mac),
            Ask::Ports(transports, direction, ports) => self.ports(transports, *direction, ports),
            Ask::Broadcast(protocol) => self.broadcast(*protocol),
            Ask::Multicast(protocol) => self.multicast(*protocol),
            Ask::Vlan(id) => self.vlan(*id),
            Ask::Relation(left, compare, right, holds) => self.relation(left, *compare, right, *holds),
        };
        let logic = logic.map_err(|message| FilterError::new(message, at))?;
        self.questions += count(&logic);
        if self.questions > MOST {
            return FilterError::err(format!("the filter is too long: the kernel takes {MAX_INSNS} instructions"), at);
        }
        Ok(logic)
    }

    fn shift(&self) -> u32 {
        4 * (self.vlans - u32::from(self.is_tag_beside && self.vlans > 0))
    }

    /// Where what the link carries begins.
    pub(super) fn payload(&self) -> u32 {
        self.shape.header + self.shift()
    }

    /// Whether the frame carries this `EtherType`.
    fn link_type(&self, number: u32) -> Lowered {
        Ok(match self.shape.field {
            TypeField::EtherType(at, llc) if number <= LONGEST && llc != Llc::Unknown => {
                self.llc(at + self.shift(), llc, number)
            }
            TypeField::EtherType(at, _) => Logic::half(at + self.shift(), number),
            TypeField::Version => match number {
                names::IPV4 => version(0x40),
                names::IPV6 => version(0x60),
                _ => Logic::Known(false),
            },
            TypeField::Family(is_any_order) => match number {
                names::IPV4 => family(INET, is_any_order),
                names::IPV6 => family(INET6, is_any_order),
                _ => Logic::Known(false),
            },
            TypeField::Nowhere => {
                let number = self.medium.link_type();
                return Err(format!(
                    "frames of link type {number} are not known here; \"len\" and \"link[OFFSET]\" can be asked for"
                ));
            }
        })
    }

    /// Whether an 802.2 header follows, and its destination is this service access point.
    fn llc(&self, at: u32, told: Llc, number: u32) -> Logic {
        let follows = match told {
            Llc::Marked => Logic::half(at, LLC_IN_SLL),
            Llc::Length | Llc::Unknown => {
                let load = vec![Insn::new(insn::LD | insn::H | insn::ABS, at)];
                Logic::test(load, Compare::Greater, LONGEST).negated()
            }
        };
        Logic::all([follows, Logic::byte(self.payload(), number)])
    }

    fn ip4(&self, number: u32) -> Lowered {
        Ok(Logic::all([self.link_type(names::IPV4)?, Logic::byte(self.payload() + IP4_PROTOCOL, number)]))
    }

    /// The next header of IPv6, also after a fragment header.
    fn ip6(&self, number: u32) -> Lowered {
        let next = self.payload() + IP6_NEXT;
        let fragment = [Logic::byte(next, names::FRAGMENT), Logic::byte(self.payload() + IP6_HEADER, number)];
        let carried = Logic::any([Logic::byte(next, number), Logic::all(fragment)]);
        Ok(Logic::all([self.link_type(names::IPV6)?, carried]))
    }

    fn protocol(&self, protocol: &Protocol) -> Lowered {
        match protocol.over {
            Over::Nothing => Ok(Logic::Known(true)),
            Over::Link => self.link_type(protocol.number),
            Over::Ip4 => self.ip4(protocol.number),
            Over::Ip6 => self.ip6(protocol.number),
            Over::Both => self.number(None, protocol.number),
        }
    }

    fn number(&self, protocol: Option<&Protocol>, number: u32) -> Lowered {
        match protocol {
            None => Ok(Logic::any([self.ip4(number)?, self.ip6(number)?])),
            Some(Protocol { number: names::IPV4, .. }) => self.ip4(number),
            Some(Protocol { number: names::IPV6, .. }) => self.ip6(number),
            Some(_) => self.link_type(number),
        }
    }

    /// Addresses in IPv4, in the ARP and RARP that have one layout, and in IPv6.
    fn addresses(&self, protocol: Option<&Protocol>, direction: Direction, nets: &[Net]) -> Lowered {
        let carriers = [names::IPV4, names::ARP, names::RARP, names::IPV6];
        let carries = |number: u32| match protocol {
            Some(protocol) if protocol.number != number => Ok(Logic::Known(false)),
            _ => self.link_type(number),
        };
        let [ip, arp, rarp, ip6] = carriers.map(carries);
        let of_v4 = |net: &Net| match *net {
            Net::V4(addr, mask) => Some((addr, mask)),
            Net::V6(..) => None,
        };
        let v4 = |(src, dst): (u32, u32)| {
            let end = |offset: u32, (addr, mask)| Logic::masked(self.payload() + offset, addr, mask);
            Logic::any(nets.iter().filter_map(of_v4).map(|net| ends(direction, end(src, net), end(dst, net))))
        };
        let v6 = nets.iter().filter_map(|net| match *net {
            Net::V6(addr, mask) => Some(self.address6(direction, addr, mask)),
            Net::V4(..) => None,
        });
        let mut parts = Vec::new();
        if nets.iter().any(|net| of_v4(net).is_some()) {
            parts.push(Logic::all([ip?, v4(IP4_ADDRESSES)]));
            parts.push(Logic::all([Logic::any([arp?, rarp?]), v4(ARP_ADDRESSES)]));
        }
        let v6: Vec<Logic> = v6.collect();
        if !v6.is_empty() {
            parts.push(Logic::all([ip6?, Logic::any(v6)]));
        }
        Ok(Logic::any(parts))
    }

    fn address6(&self, direction: Direction, addr: u128, mask: u128) -> Logic {
        let (src, dst) = IP6_ADDRESSES;
        let word = |value: u128, part: u32| (value >> (96 - 32 * part)) as u32;
        let end = |offset: u32| {
            Logic::all(
                (0..4)
                    .map(|part| Logic::masked(self.payload() + offset + 4 * part, word(addr, part), word(mask, part))),
            )
        };
        ends(direction, end(src), end(dst))
    }

    fn ethernet_only(&self, what: &str) -> Result<(), String> {
        match self.medium {
            Medium::Ethernet => Ok(()),
            Medium::Other(number) => Err(format!("{what} needs Ethernet frames; these are of link type {number}")),
            _ => Err(format!("{what} needs Ethernet frames; these are {}", self.shape.name)),
        }
    }

    fn station(&self, direction: Direction, mac: Mac) -> Lowered {
        self.ethernet_only("a MAC address")?;
        let [a, b, c, d, e, f] = mac.0;
        let (high, low) = (u32::from(u16::from_be_bytes([a, b])), u32::from_be_bytes([c, d, e, f]));
        let end = |at: u32| Logic::all([Logic::word(at + 2, low), Logic::half(at, high)]);
        Ok(ends(direction, end(6), end(0)))
    }

    /// Ports, in the first fragment.
    fn ports(&self, transports: &[u32], direction: Direction, ports: &[(u16, u16)]) -> Lowered {
        let transport = |at: u32| Logic::any(transports.iter().map(|number| Logic::byte(at, *number)));
        let half = |mode: u16, offset: u32| Insn::new(insn::LD | insn::H | mode, offset);
        let port6 = |offset: u32| vec![half(insn::ABS, self.payload() + IP6_HEADER + offset)];
        let port4 = |offset: u32| {
            let header = Insn::new(insn::LDX | insn::B | insn::MSH, self.payload());
            vec![header, half(insn::IND, self.payload() + offset)]
        };
        let (src, dst) = PORTS;
        let one_of = |port: &dyn Fn(u32) -> Vec<Insn>| {
            let one = |range: &(u16, u16)| ends(direction, in_range(&port(src), *range), in_range(&port(dst), *range));
            Logic::any(ports.iter().map(one))
        };
        let over6 = [self.link_type(names::IPV6)?, transport(self.payload() + IP6_NEXT), one_of(&port6)];
        let over4 = [
            self.link_type(names::IPV4)?,
            transport(self.payload() + IP4_PROTOCOL),
            self.first_fragment(),
            one_of(&port4),
        ];
        Ok(Logic::any([Logic::all(over6), Logic::all(over4)]))
    }

    fn first_fragment(&self) -> Logic {
        let load = vec![Insn::new(insn::LD | insn::H | insn::ABS, self.payload() + IP4_FRAGMENT)];
        Logic::test(load, Compare::AnyBit, 0x1fff).negated()
    }

    fn broadcast(&self, protocol: Option<&Protocol>) -> Lowered {
        match protocol {
            None | Some(Protocol { over: Over::Nothing, .. }) => {
                self.ethernet_only("\"broadcast\"")?;
                self.station(Direction::Destination, Mac::BROADCAST)
            }
            // The broadcast address of a network is not known here; of all networks these are, today and in 4.2BSD.
            Some(Protocol { number: names::IPV4, .. }) => {
                let dst = self.payload() + IP4_ADDRESSES.1;
                let is_all = Logic::any([Logic::word(dst, 0), Logic::word(dst, u32::MAX)]);
                Ok(Logic::all([self.link_type(names::IPV4)?, is_all]))
            }
            Some(protocol) => Err(format!("\"{} broadcast\" cannot be: only ether and ip have it", protocol.word)),
        }
    }

    fn multicast(&self, protocol: Option<&Protocol>) -> Lowered {
        let byte = |at: u32| vec![Insn::new(insn::LD | insn::B | insn::ABS, at)];
        let (_, dst4) = IP4_ADDRESSES;
        let (_, dst6) = IP6_ADDRESSES;
        match protocol {
            None | Some(Protocol { over: Over::Nothing, .. }) => {
                self.ethernet_only("\"multicast\"")?;
                Ok(Logic::test(byte(0), Compare::AnyBit, 1))
            }
            Some(Protocol { number: names::IPV4, .. }) => {
                let group = Logic::test(byte(self.payload() + dst4), Compare::GreaterEqual, 224);
                Ok(Logic::all([self.link_type(names::IPV4)?, group]))
            }
            Some(Protocol { number: names::IPV6, .. }) => {
                Ok(Logic::all([self.link_type(names::IPV6)?, Logic::byte(self.payload() + dst6, 0xff)]))
            }
            Some(protocol) => Err(format!("\"{} multicast\" cannot be: only ether, ip and ip6 have it", protocol.word)),
        }
    }

    /// A VLAN tag, with this identifier. What comes after it in the text is looked for behind it.
    fn vlan(&mut self, id: Option<u32>) -> Lowered {
        self.ethernet_only("\"vlan\"")?;
        let id_is = |load: Insn| {
            let id = id.map(|id| {
                Logic::test(vec![load, Insn::new(insn::ALU | insn::AND | insn::K, 0xfff)], Compare::Equal, id)
            });
            id.unwrap_or(Logic::Known(true))
        };
        let logic = if self.is_tag_beside && self.vlans == 0 {
            // That there is one was asked at the very beginning.
            id_is(Insn::new(insn::LD | insn::H | insn::ABS, insn::VLAN_TAG))
        } else {
            let tagged = names::VLAN_TAGS.map(|number| self.link_type(number));
            let tagged = Logic::any(tagged.into_iter().collect::<Result<Vec<_>, _>>()?);
            Logic::all([tagged, id_is(Insn::new(insn::LD | insn::H | insn::ABS, self.payload()))])
        };
        self.vlans += 1;
        Ok(logic)
    }

    /// What must hold before `protocol[..]` can be looked at.
    pub(super) fn guard(&self, protocol: &Protocol) -> Lowered {
        match protocol.begin {
            Begin::Frame | Begin::Nowhere => Ok(Logic::Known(true)),
            Begin::Payload => self.link_type(protocol.number),
            Begin::Transport4 => Ok(Logic::all([self.ip4(protocol.number)?, self.first_fragment()])),
            Begin::Transport6 => {
                let next = Logic::byte(self.payload() + IP6_NEXT, protocol.number);
                Ok(Logic::all([self.link_type(names::IPV6)?, next]))
            }
        }
    }
}

/// Whether what these instructions load is a port of this range.
fn in_range(loads: &[Insn], (low, high): (u16, u16)) -> Logic {
    let test = |compare: Compare, port: u16| Logic::test(loads.to_vec(), compare, u32::from(port));
    if low == high {
        return test(Compare::Equal, low);
    }
    Logic::all([test(Compare::GreaterEqual, low), test(Compare::Greater, high).negated()])
}

fn ends(direction: Direction, src: Logic, dst: Logic) -> Logic {
    match direction {
        Direction::Source => src,
        Direction::Destination => dst,
        Direction::Either => Logic::any([src, dst]),
        Direction::Both => Logic::all([src, dst]),
    }
}

fn version(high_half: u32) -> Logic {
    let loads = vec![Insn::new(insn::LD | insn::B | insn::ABS, 0), Insn::new(insn::ALU | insn::AND | insn::K, 0xf0)];
    Logic::test(loads, Compare::Equal, high_half)
}

fn family(numbers: &[u32], is_any_order: bool) -> Logic {
    let orders = |number: &u32| [Some(*number), is_any_order.then(|| number.swap_bytes())];
    Logic::any(numbers.iter().flat_map(orders).flatten().map(|number| Logic::word(0, number)))
}

/// How many tests there are, about as many as instructions at least.
fn count(logic: &Logic) -> usize {
    match logic {
        Logic::Known(_) => 0,
        Logic::Test(test) => test.loads.len().max(1),
        Logic::Not(inner) => count(inner),
        Logic::Chain(first, others) => count(first) + others.iter().map(|(_, other)| count(other)).sum::<usize>(),
    }
}
