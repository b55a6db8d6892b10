//! From bytes to layers. Never fails: what does not fit becomes `Raw` or `Padding`, with a note.

use std::ptr;
use std::sync::Arc;

use super::Packet;
use super::desc::{Header, LayerDesc, Way, named_through};
use super::layer::Layer;
use super::read::Read;

/// Layers inside one another, at most: more than any real packet has, few enough to stay cheap on a hostile one.
const MOST_LAYERS: usize = 32;

/// Which layer follows which: the bindings of all layers, turned round for reading.
#[derive(Debug)]
pub struct Registry {
    /// Sorted by the place of the description in memory.
    under: Vec<Under>,
    raw: &'static LayerDesc,
    padding: &'static LayerDesc,
}

/// What may lie above one layer.
#[derive(Debug)]
struct Under {
    desc: &'static LayerDesc,
    /// Its fields that name what does, each with its numbers.
    fields: Vec<(&'static str, Vec<(u64, &'static LayerDesc)>)>,
}

impl Under {
    fn new(desc: &'static LayerDesc, all: &[&'static LayerDesc]) -> Self {
        let mut fields = Vec::new();
        for field in desc.fields {
            let mut upper: Vec<(u64, &'static LayerDesc)> = Vec::new();
            for (under, named) in named_through(desc, field.name) {
                for above in all {
                    let rows = above.over.iter().filter(|o| o.way != Way::Write);
                    let rows = rows.filter(|o| ptr::eq(o.under, under) && o.field == named);
                    upper.extend(rows.map(|o| (o.number, *above)));
                }
            }
            if !upper.is_empty() {
                fields.push((field.name, upper));
            }
        }
        Self { desc, fields }
    }

    /// The layer's place in memory, by which it is found.
    fn key(&self) -> *const LayerDesc {
        ptr::from_ref(self.desc)
    }
}

impl Registry {
    /// Collects the bindings of `all`. `raw` takes what no binding names, `padding` what no length covers.
    pub fn new(all: &[&'static LayerDesc], raw: &'static LayerDesc, padding: &'static LayerDesc) -> Self {
        let mut under: Vec<Under> = all.iter().map(|desc| Under::new(desc, all)).collect();
        under.retain(|under| !under.fields.is_empty());
        under.sort_by_key(Under::key);
        Self { under, raw, padding }
    }

    /// The layer that `layer` names as the next one.
    fn next(&self, layer: &Layer) -> Option<&'static LayerDesc> {
        let at = self.under.binary_search_by_key(&ptr::from_ref(layer.desc()), Under::key);
        let named = at.ok().and_then(|at| {
            self.under[at].fields.iter().find_map(|(field, upper)| {
                let number = layer.int(field)?;
                upper.iter().find(|(n, _)| *n == number).map(|(_, desc)| *desc)
            })
        });
        named.or(layer.desc().then)
    }

    /// Dissects `bytes`, which begin with a `first` header.
    pub fn dissect(&self, first: &'static LayerDesc, bytes: &Arc<[u8]>) -> Packet {
        let mut layers = Vec::with_capacity(4);
        let mut paddings: Vec<(usize, usize)> = Vec::new();
        let (mut start, mut stop) = (0, bytes.len());
        let mut next = Some(first);
        while start < stop || layers.is_empty() {
            let mut desc = next.filter(|_| layers.len() < MOST_LAYERS).unwrap_or(self.raw);
            if let Some(refined) = desc.refine.and_then(|refine| refine(&bytes[start..stop])) {
                desc = refined;
            }
            // A view over all that is left, until its fields have told where the header ends.
            let mut layer = Layer::read(desc, Read::new(desc, bytes.clone(), start, stop, None));
            layer.put_on(layers.last().map(Layer::desc));
            let end = match header_end(&layer, start, stop) {
                Ok((end, said)) => {
                    layer.end_at(end, said);
                    end
                }
                Err(said) => {
                    layers.push(Layer::read(
                        self.raw,
                        Read::new(self.raw, bytes.clone(), start, stop, Some(said.into())),
                    ));
                    break;
                }
            };
            if let Some(len) = layer.stated_len() {
                match start + len {
                    whole if whole > stop && !desc.quoted => {
                        let field = desc.length.map_or("", |l| l.field);
                        layer.set_note(format!("{field} says {len} bytes, {} are here", stop - start));
                    }
                    whole if whole >= end && whole < stop => {
                        paddings.push((whole, stop));
                        stop = whole;
                    }
                    _ => {}
                }
            }
            let middle = desc.fragment.is_some_and(|f| layer.int(f.offset).is_some_and(|offset| offset != 0));
            next = if middle { None } else { self.next(&layer) };
            layers.push(layer);
            start = end;
        }
        for (start, end) in paddings.into_iter().rev() {
            layers.push(Layer::read(self.padding, Read::new(self.padding, bytes.clone(), start, end, None)));
        }
        Packet::from_layers(layers)
    }
}

/// Where the header ends that begins at `start`, with a note when it says more than there is; or why there is none.
///
/// `view` is a layer over all bytes up to `stop`: which fields are there may depend on others.
pub(super) fn header_end(view: &Layer, start: usize, stop: usize) -> Result<(usize, Option<String>), String> {
    let desc = view.desc();
    if desc.header == Header::Rest {
        return Ok((stop, None));
    }
    let fixed = view.offset(desc.fields.len()) / 8;
    if start + fixed > stop {
        return if desc.quoted {
            Ok((stop, None))
        } else {
            Err(format!("{} header cut: {} of {fixed} bytes are here", desc.name, stop - start))
        };
    }
    let (field, counted) = match desc.header {
        Header::Fields | Header::Rest => return Ok((start + fixed, None)),
        Header::Records => return Ok((start + fixed, view.flaw())),
        Header::Units { field, unit, plus } => {
            let units = view.int(field).unwrap_or(0) as usize;
            (field, units * usize::from(unit) + usize::from(plus))
        }
        Header::After(field) => {
            let index = view.index(field).unwrap_or(0);
            let behind = view.offset(index) + usize::from(desc.fields[index].width().unwrap_or(0));
            (field, behind / 8 + view.int(field).unwrap_or(0) as usize)
        }
    };
    let said = counted.next_multiple_of(desc.align.max(1).into());
    if start + said > stop && !desc.quoted {
        // The zeros that fill a header may be missing at the end of a packet.
        let is_whole = start + counted <= stop;
        let note = format!("{field} says {said} bytes of header, {} are here", stop - start);
        return Ok((stop, (!is_whole).then_some(note)));
    }
    Ok(((start + said.max(fixed)).min(stop), None))
}
