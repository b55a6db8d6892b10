//! From bytes to layers. Never fails: what does not fit becomes `Raw` or `Padding`, with a note.

use std::ptr;
use std::sync::Arc;

use super::Packet;
use super::layer::{Header, Layer, LayerDesc};

/// Layers inside one another, at most: more than any real packet has, few enough to stay cheap on a hostile one.
const MOST_LAYERS: usize = 32;

/// Which layer follows which: the bindings of all layers, turned round for reading.
#[derive(Debug)]
pub struct Registry {
    under: Vec<Under>,
    raw: &'static LayerDesc,
    padding: &'static LayerDesc,
}

#[derive(Debug)]
struct Under {
    desc: &'static LayerDesc,
    field: &'static str,
    upper: Vec<(u64, &'static LayerDesc)>,
}

impl Registry {
    /// Collects the bindings of `all`. `raw` takes what no binding names, `padding` what no length covers.
    pub fn new(all: &[&'static LayerDesc], raw: &'static LayerDesc, padding: &'static LayerDesc) -> Self {
        let mut under: Vec<Under> = Vec::new();
        for desc in all {
            for over in desc.over {
                let same = |u: &&mut Under| ptr::eq(u.desc, over.under) && u.field == over.field;
                match under.iter_mut().find(same) {
                    Some(u) => u.upper.push((over.number, desc)),
                    None => under.push(Under { desc: over.under, field: over.field, upper: vec![(over.number, desc)] }),
                }
            }
        }
        Self { under, raw, padding }
    }

    /// The layer that `layer` names as the next one.
    fn next(&self, layer: &Layer) -> Option<&'static LayerDesc> {
        let bindings = self.under.iter().filter(|u| ptr::eq(u.desc, layer.desc()));
        bindings.into_iter().find_map(|u| {
            let number = layer.int(u.field)?;
            u.upper.iter().find(|(n, _)| *n == number).map(|(_, desc)| *desc)
        })
    }

    /// Dissects `bytes`, which begin with a `first` header.
    pub fn dissect(&self, first: &'static LayerDesc, bytes: &Arc<[u8]>) -> Packet {
        let mut layers = Vec::with_capacity(4);
        let mut paddings: Vec<(usize, usize)> = Vec::new();
        let (mut start, mut stop) = (0, bytes.len());
        let mut next = Some(first);
        let mut note: Option<Arc<str>> = None;
        while start < stop || layers.is_empty() {
            let desc = next.filter(|_| layers.len() < MOST_LAYERS).unwrap_or(self.raw);
            let end = match header_end(desc, bytes, start, stop) {
                Ok((end, said)) => {
                    note = said.map(Into::into).or(note);
                    end
                }
                Err(said) => {
                    layers.push(Layer::read(self.raw, bytes.clone(), start, stop, Some(said.into())));
                    break;
                }
            };
            let mut layer = Layer::read(desc, bytes.clone(), start, end, note.take());
            if let Some((name, len)) = desc.length.and_then(|name| Some((name, layer.int(name)?))) {
                match start + len as usize {
                    whole if whole > stop && !desc.quoted => {
                        let cut = format!("{name} says {len} bytes, {} are here", stop - start);
                        layer = Layer::read(desc, bytes.clone(), start, end, Some(cut.into()));
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
            layers.push(Layer::read(self.padding, bytes.clone(), start, end, None));
        }
        Packet::from_layers(layers)
    }
}

/// Where the header that begins at `start` ends, with a note when it says more than there is; or why there is none.
fn header_end(
    desc: &'static LayerDesc,
    bytes: &Arc<[u8]>,
    start: usize,
    stop: usize,
) -> Result<(usize, Option<String>), String> {
    if desc.header == Header::Rest {
        return Ok((stop, None));
    }
    // The fields that are there may depend on others, so a view over all that is left measures them.
    let view = Layer::read(desc, bytes.clone(), start, stop, None);
    let fixed = view.offset(desc.fields.len()) / 8;
    if start + fixed > stop {
        return if desc.quoted {
            Ok((stop, None))
        } else {
            Err(format!("{} header cut: {} of {fixed} bytes are here", desc.name, stop - start))
        };
    }
    let Header::Words(field) = desc.header else { return Ok((start + fixed, None)) };
    let said = view.int(field).unwrap_or(0) as usize * 4;
    if start + said > stop && !desc.quoted {
        let note = format!("{field} says {said} bytes of header, {} are here", stop - start);
        return Ok((stop, Some(note)));
    }
    Ok(((start + said.max(fixed)).min(stop), None))
}
