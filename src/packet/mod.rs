//! Floor 1: the layer model. A packet is a stack of layers; a layer is a table of fields and what a user set.
//!
//! Nothing here knows a protocol (that is [`crate::layers`]), sends or waits. Building goes from the innermost layer
//! outward and writes what the user set, however wrong; dissecting never fails.

mod accept;
mod auto;
pub mod bits;
mod build;
mod desc;
mod dissect;
mod domain;
mod error;
pub mod field;
pub mod flags;
mod layer;
pub mod options;
mod read;
mod set;
mod show;
mod value;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use build::{Built, Nowhere, Surroundings};
pub use desc::{Carries, Fragment, Header, LayerDesc, Length, Over, Pairs, Refine, Summary, Way};
pub use dissect::Registry;
pub use error::PacketError;
pub use field::{Auto, Extent, Field, Names, Preset, Shape};
pub use flags::{FlagNames, Flags};
pub use layer::{Layer, Wanted};
pub use set::Expand;
pub use show::describe;
pub use value::{Many, Random, Slot, Value};

use crate::base::Time;

/// A packet: layers from the outermost inward.
///
/// Copies share their layers until one is edited. A packet taken out of another one (`p[TCP]`) remembers the layers
/// below it, so that its checksums stay right.
#[derive(Clone, Debug)]
pub struct Packet {
    layers: Arc<Vec<Layer>>,
    /// The first visible layer; those below are only remembered.
    from: usize,
    meta: Option<Arc<Meta>>,
}

/// What is known of a packet beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// When it was sent or received, on the link's clock.
    pub at: Time,
    /// The same in wall time: nanoseconds since 1970 UTC.
    pub wall: i64,
    /// Name of the interface.
    pub iface: Arc<str>,
    /// Length on the wire, in bytes.
    pub wire_len: usize,
    /// Sent by this machine.
    pub outgoing: bool,
    /// The transport checksum was left to a network card that the packet never met.
    pub offload: bool,
    /// The probe that this packet answers.
    pub query: Option<Packet>,
}

impl Packet {
    /// A packet of one layer with nothing set.
    pub fn new(desc: &'static LayerDesc) -> Self {
        Self::from_layers(vec![Layer::new(desc)])
    }

    /// A packet of these layers, the outermost first.
    pub fn from_layers(mut layers: Vec<Layer>) -> Self {
        put_on(&mut layers, 1);
        Self { layers: Arc::new(layers), from: 0, meta: None }
    }

    /// The same packet with what is known of it.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(Arc::new(meta));
        self
    }

    /// What is known of it, if it was sent or received.
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_deref()
    }

    /// The visible layers, the outermost first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers[self.from.min(self.layers.len())..]
    }

    /// All layers with the number of those that are only remembered.
    pub(crate) fn all_layers(&self) -> (&[Layer], usize) {
        (&self.layers, self.from)
    }

    /// The position of the `nth` (from 1) visible layer of a kind.
    pub fn find(&self, desc: &LayerDesc, nth: usize) -> Option<usize> {
        let mut found = self.layers().iter().enumerate().filter(|(_, l)| l.desc() == desc).map(|(i, _)| i);
        found.nth(nth.saturating_sub(1))
    }

    /// The first visible layer of a kind.
    pub fn layer(&self, desc: &LayerDesc) -> Option<&Layer> {
        self.layers().iter().find(|l| l.desc() == desc)
    }

    /// The packet from visible layer `index` inward; the layers below are remembered.
    #[must_use]
    pub fn from_layer(&self, index: usize) -> Self {
        Self { from: self.from + index, ..self.clone() }
    }

    /// Replaces everything from visible layer `index` inward by `inner`.
    pub fn replace(&mut self, index: usize, inner: &Self) {
        let at = self.from + index;
        if Arc::ptr_eq(&self.layers, &inner.layers) && inner.from == at {
            return;
        }
        // An edit of a part that was taken from here loosened its remembered layers too; take those as well.
        let kept = if inner.from == at { inner.layers[..at].to_vec() } else { self.loose().layers[..at].to_vec() };
        let inner = if inner.from == at { inner.clone() } else { inner.loose() };
        let mut layers = kept;
        layers.extend_from_slice(inner.layers());
        put_on(&mut layers, at);
        self.layers = Arc::new(layers);
        self.forget_offload();
    }

    /// `self / upper`: the layers of both.
    #[must_use]
    pub fn stack(mut self, upper: &Self) -> Self {
        self.loosen();
        let upper = upper.loose();
        if self.from > 0 {
            self = Self::from_layers(self.layers().to_vec());
        }
        let layers = Arc::make_mut(&mut self.layers);
        let from = layers.len();
        layers.extend_from_slice(upper.layers());
        put_on(layers, from);
        self.meta = None;
        self
    }

    /// Sets a field of visible layer `index`. The first edit of a dissected packet makes the automatic fields that
    /// held the right value automatic again.
    pub fn set(&mut self, index: usize, field: &str, wanted: &Wanted) -> Result<(), PacketError> {
        self.loosen();
        let at = self.from + index;
        let layer = &mut Arc::make_mut(&mut self.layers)[at];
        match layer.settable(field) {
            Some(i) => layer.set(i, wanted),
            None => Err(absent(layer, field)),
        }
    }

    /// The outermost visible layer that has a field of this name now. Headers quoted in an ICMP error are not looked
    /// at, unless the packet begins with one: they are another packet's.
    pub fn owner(&self, field: &str) -> Option<usize> {
        self.own_layers().iter().position(|l| l.index(field).is_some())
    }

    /// The visible layers up to the first quoted one.
    pub fn own_layers(&self) -> &[Layer] {
        let layers = self.layers();
        let quote = layers.iter().skip(1).position(|l| l.desc().quoted).map_or(layers.len(), |at| at + 1);
        if layers.first().is_some_and(|l| l.desc().quoted) { layers } else { &layers[..quote] }
    }

    /// What field `index` of visible layer `at` holds: what is set, else what the layer above asks for, else its preset.
    pub fn slot(&self, at: usize, index: usize) -> Option<Slot> {
        slot(self.layers(), at, index)
    }

    /// The names of the visible layers, as `IP / TCP`.
    pub fn names(&self) -> String {
        self.layers().iter().map(|l| l.desc().name).collect::<Vec<_>>().join(" / ")
    }

    /// Whether any layer holds bytes as they were read.
    fn is_read(&self) -> bool {
        self.layers.iter().any(Layer::is_read)
    }

    fn loose(&self) -> Self {
        let mut copy = self.clone();
        copy.loosen();
        copy
    }

    /// Turns read bytes into set fields; see [`Packet::set`].
    fn loosen(&mut self) {
        if !self.is_read() {
            return;
        }
        let right: Vec<Vec<bool>> = (0..self.layers.len())
            .map(|i| (0..self.layers[i].desc().fields.len()).map(|f| auto::becomes_auto(self, i, f)).collect())
            .collect();
        for (layer, right) in Arc::make_mut(&mut self.layers).iter_mut().zip(right) {
            if layer.is_read() {
                layer.loosen(|field| right[field]);
            }
        }
        self.forget_offload();
    }

    fn forget_offload(&mut self) {
        if let Some(meta) = &mut self.meta
            && meta.offload
        {
            Arc::make_mut(meta).offload = false;
        }
    }
}

/// What field `index` of layer `at` holds; see [`Packet::slot`].
fn slot(layers: &[Layer], at: usize, index: usize) -> Option<Slot> {
    let layer = &layers[at];
    let field = &layer.desc().fields[index];
    let is_set = layer.set_slots().is_none_or(|set| set.iter().any(|(i, _)| usize::from(*i) == index));
    if !is_set && matches!(field.preset, Preset::Int(_) | Preset::Auto(Auto::SourcePort)) && layer.has(field) {
        let asked = layers.get(at + 1).and_then(|upper| upper.desc().number_over(layer.desc(), field.name));
        if let Some(number) = asked {
            return Some(Slot::Set(Value::Int(number)));
        }
    }
    layer.slot(index)
}

/// Tells the layers from `from` on what lies below them.
fn put_on(layers: &mut [Layer], from: usize) {
    for at in from.max(1)..layers.len() {
        let under = layers[at - 1].desc();
        layers[at].put_on(Some(under));
    }
}

/// The error for a field that a layer does not have, or does not have now.
fn absent(layer: &Layer, field: &str) -> PacketError {
    let desc = layer.desc();
    let Some(known) = desc.fields.iter().find(|f| f.name == field) else { return desc.no_field(field) };
    let what = match (known.when, known.above) {
        (_, Some(below)) => format!("there only directly above {}", below.name),
        (Some(when), None) => {
            let held = layer.get(when.field).map_or_else(|| "nothing".to_owned(), |slot| slot.to_string());
            let numbers: Vec<String> = when.any.iter().map(ToString::to_string).collect();
            let which = if when.not { "any but" } else { "one of" };
            format!("not there when {} is {held}; it needs {which} {}", when.field, numbers.join(", "))
        }
        (None, None) => "the header was cut before it".to_owned(),
    };
    PacketError::BadValue { layer: desc.name, field: known.name, what }
}

/// Layer by layer, and field by field: what the user set, not how it was made.
impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        if self.is_read() != other.is_read() {
            return self.loose().layers() == other.loose().layers();
        }
        self.layers() == other.layers()
    }
}

impl Eq for Packet {}

/// What was set, or the bytes that were read.
impl Hash for Packet {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for layer in self.layers() {
            layer.desc().name.hash(hasher);
            layer.set_slots().hash(hasher);
            layer.header_bytes().hash(hasher);
        }
    }
}
