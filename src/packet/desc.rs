//! The description of a layer: everything that is known of a protocol's header, one `static` in a file of `layers/`.

use std::ptr;

use super::error::PacketError;
use super::field::Field;
use super::layer::Layer;
use crate::base::nearest::did_you_mean;

/// Everything that is known of a protocol's header: one `static` in a file of `layers/`.
pub struct LayerDesc {
    /// Scapy's name: `TCP`.
    pub name: &'static str,
    /// What it is, and the standard that says so.
    pub doc: &'static str,
    /// Its fields, in the order of the wire.
    pub fields: &'static [Field],
    /// The field that the one positional argument sets when it is text (`IP("web.lab")`).
    pub text_field: Option<&'static str>,
    /// The field that the one positional argument sets when it is a number (`TCP(80)`).
    pub int_field: Option<&'static str>,
    /// How a dissector finds the end of the header.
    pub header: Header,
    /// The header is filled with zeros to a multiple of so many bytes; 0 or 1: it is not.
    pub align: u8,
    /// Where the layer says how long it and its payload are; what follows is padding.
    pub length: Option<Length>,
    /// The description that fits bytes which were taken for this layer, where it is another one: an ICMPv6 message by
    /// its type.
    pub refine: Option<Refine>,
    /// The fields that say whether the payload is a fragment: offset, and flags with the mask of "more fragments".
    pub fragment: Option<Fragment>,
    /// The layers that may lie below, and the number by which they name this one.
    pub over: &'static [Over],
    /// What lies above another layer may lie above this one, too, and is named by the same numbers.
    pub carries: Option<Carries>,
    /// What lies above when no number names it.
    pub then: Option<&'static LayerDesc>,
    /// Whether it stands between a network header and its transport without being part of a pseudo-header: the
    /// extension headers of IPv6 (RFC 8200 section 8.1).
    pub extension: bool,
    /// Where the packet really goes, in a routing header: the field with the segments left, and the addresses.
    pub routes: Option<(&'static str, &'static str)>,
    /// The field from which pointers in domain names count (RFC 1035 section 4.1.4).
    pub names_from: Option<&'static str>,
    /// Source and destination fields, for a layer with network addresses: where the packet goes, and what the
    /// pseudo-header of the layer above begins with.
    pub ends: Option<(&'static str, &'static str)>,
    /// Whether it is a header quoted in an ICMP error: it may be cut, and its checksums cannot be verified.
    pub quoted: bool,
    /// Whether it is padding: sent after the packet and counted in no length.
    pub padding: bool,
    /// How a reply is told from other packets.
    pub pairs: Pairs,
    /// Its part of a one-line summary.
    pub summary: Summary,
}

/// Looks at the bytes from a layer's beginning on, and gives the description that fits them better.
pub type Refine = fn(&[u8]) -> Option<&'static LayerDesc>;

/// How a dissector finds the end of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// After the last field.
    Fields,
    /// After the last field, and some fields are lists of records that may be malformed.
    Records,
    /// A field counts it.
    Units {
        /// The field.
        field: &'static str,
        /// Bytes that it counts as one.
        unit: u8,
        /// Bytes that it does not count.
        plus: u8,
    },
    /// So many bytes after this field as it says.
    After(&'static str),
    /// It is all that is left.
    Rest,
}

impl Header {
    /// So many 32-bit words as this field says.
    pub const fn words(field: &'static str) -> Self {
        Self::Units { field, unit: 4, plus: 0 }
    }
}

/// Where a layer says how long it and its payload are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// The field, in bytes.
    pub field: &'static str,
    /// Bytes of the header that it does not count. (Then 0 says nothing: RFC 2675.)
    pub plus: usize,
}

impl Length {
    /// This field counts all bytes of the layer and its payload.
    pub const fn of(field: &'static str) -> Self {
        Self { field, plus: 0 }
    }

    /// This field counts the bytes behind the first `plus`.
    pub const fn behind(field: &'static str, plus: usize) -> Self {
        Self { field, plus }
    }
}

/// Where a layer says that its payload is a fragment (RFC 791 section 3.1).
#[derive(Clone, Copy, Debug)]
pub struct Fragment {
    /// The field with the offset: when not 0, the payload begins in the middle of something.
    pub offset: &'static str,
    /// The flag field with "more fragments".
    pub flags: &'static str,
    /// The bit of "more fragments".
    pub more: u64,
}

/// A binding: below lies `under`, and its `field` holds `number`.
#[derive(Debug)]
pub struct Over {
    /// The lower layer.
    pub under: &'static LayerDesc,
    /// Its field.
    pub field: &'static str,
    /// The number.
    pub number: u64,
    /// In which directions it works.
    pub way: Way,
}

/// In which directions a binding works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In both.
    Both,
    /// Bytes are read by it, but it sets nothing.
    Read,
    /// It sets the field of the lower layer, but names no layer to a reader.
    Write,
}

impl Over {
    /// A binding in both directions.
    pub const fn new(under: &'static LayerDesc, field: &'static str, number: u64) -> Self {
        Self { under, field, number, way: Way::Both }
    }

    /// A binding for reading alone.
    pub const fn read(under: &'static LayerDesc, field: &'static str, number: u64) -> Self {
        Self { under, field, number, way: Way::Read }
    }

    /// A binding for writing alone.
    pub const fn write(under: &'static LayerDesc, field: &'static str, number: u64) -> Self {
        Self { under, field, number, way: Way::Write }
    }
}

/// A layer that carries what another one carries: a VLAN tag what Ethernet does, IPv6 what IPv4 does.
#[derive(Clone, Copy, Debug)]
pub struct Carries {
    /// The other one.
    pub like: &'static LayerDesc,
    /// Its field that names what lies above.
    pub their: &'static str,
    /// The field of this layer that does.
    pub field: &'static str,
}

/// How a reply is told from other packets: rules over one layer of the probe and the same layer of the reply.
#[derive(Debug)]
pub struct Pairs {
    /// The layers that answer, where they are not of the same kind.
    pub by: &'static [&'static LayerDesc],
    /// Fields that cross over: the reply's first is the probe's second, and the other way round.
    pub swap: &'static [(&'static str, &'static str)],
    /// Fields that a reply repeats, where both headers have them.
    pub same: &'static [&'static str],
    /// Fields that a header quoted in an ICMP error must repeat.
    pub quoted: &'static [&'static str],
    /// What else must hold; the error says in a few words what does not.
    pub check: fn(probe: &Layer, probe_payload: usize, reply: &Layer) -> Result<(), String>,
}

/// A layer's part of a one-line summary. `{field}` stands for a field, `{name:field}` for the
/// name of its number, `{under.field}` for a field of the layer below, `{layer}` for the layer's name.
#[derive(Debug)]
pub struct Summary {
    /// When the layer below has the fields asked for; that layer then shows only its name.
    pub within: &'static str,
    /// Else.
    pub alone: &'static str,
    /// Else, when a field holds this number.
    pub special: &'static [(&'static str, u64, &'static str)],
}

impl LayerDesc {
    /// A description without anything, for `..LayerDesc::EMPTY`.
    pub const EMPTY: Self = Self {
        name: "",
        doc: "",
        fields: &[],
        text_field: None,
        int_field: None,
        header: Header::Fields,
        align: 0,
        length: None,
        refine: None,
        fragment: None,
        over: &[],
        carries: None,
        then: None,
        extension: false,
        routes: None,
        names_from: None,
        ends: None,
        quoted: false,
        padding: false,
        pairs: Pairs::NONE,
        summary: Summary { within: "", alone: "", special: &[] },
    };

    /// The number by which `under` names this layer in `field`.
    pub fn number_over(&self, under: &Self, field: &str) -> Option<u64> {
        let rows = self.over.iter().filter(|over| over.way != Way::Read);
        named_through(under, field).find_map(|(under, field)| {
            rows.clone().find(|o| ptr::eq(o.under, under) && o.field == field).map(|o| o.number)
        })
    }

    /// The layers by which this one is a protocol of `under`, with their numbers: in a pseudo-header, for one.
    pub(super) fn protocol_over(&self, under: &Self) -> Option<u64> {
        let field = under
            .carries
            .map_or_else(|| self.over.iter().find(|o| o.under == under).map(|o| o.field), |c| Some(c.field));
        self.number_over(under, field?)
    }

    /// Whether any field has this name.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|f| f.name == name)
    }

    /// The error for a name that is no field, with the nearest one or all of them.
    pub fn no_field(&self, name: &str) -> PacketError {
        let mut hint = did_you_mean(name, self.fields.iter().map(|f| f.name));
        if hint.is_empty() {
            let mut names: Vec<&str> = self.fields.iter().map(|f| f.name).collect();
            names.dedup();
            hint = format!("; its fields are {}", names.join(" "));
        }
        PacketError::NoField { layer: self.name, field: name.escape_debug().to_string(), hint }
    }
}

/// A layer with its field, and the layers whose bindings hold there, too, with theirs.
pub(super) fn named_through<'a>(
    under: &'a LayerDesc,
    field: &'a str,
) -> impl Iterator<Item = (&'a LayerDesc, &'a str)> {
    std::iter::successors(Some((under, field)), |(under, field)| {
        under.carries.filter(|carries| carries.field == *field).map(|carries| (carries.like, carries.their))
    })
}

impl Pairs {
    /// A reply is of the same kind, and that is all.
    pub const NONE: Self = Self { by: &[], swap: &[], same: &[], quoted: &[], check: |_, _, _| Ok(()) };
}

/// Two descriptions are the same when they are the same `static`.
impl PartialEq for LayerDesc {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for LayerDesc {}

/// Its name: the descriptions refer to one another in circles.
impl std::fmt::Debug for LayerDesc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
