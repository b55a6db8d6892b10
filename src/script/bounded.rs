//! Rhai's functions that make something of any size, with an end: a number too many is an error, not the end of memory.

use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, INT, ImmutableString};

use super::func::say;

/// The most bytes of a text or blob, and items of a list, that one call makes.
pub(super) const MOST: INT = 1 << 24;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Puts ours in the place of Rhai's.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("blob", |len: INT| -> Fallible<Blob> { Ok(vec![0; size("blob", len)?]) });
    engine.register_fn("blob", |len: INT, byte: INT| -> Fallible<Blob> { Ok(vec![byte as u8; size("blob", len)?]) });
    engine.register_fn("pad", |list: &mut Array, len: INT, item: Dynamic| -> Fallible<()> {
        let len = size("pad", len)?.max(list.len());
        list.resize(len, item);
        Ok(())
    });
    engine.register_fn("pad", |blob: &mut Blob, len: INT, byte: INT| -> Fallible<()> {
        let len = size("pad", len)?.max(blob.len());
        blob.resize(len, byte as u8);
        Ok(())
    });
    engine.register_fn("pad", |text: &mut ImmutableString, len: INT, with: char| -> Fallible<()> {
        pad(text, len, &with.to_string())
    });
    engine.register_fn("pad", |text: &mut ImmutableString, len: INT, with: ImmutableString| pad(text, len, &with));
}

/// As Rhai's: `with` is repeated, and cut at the end.
fn pad(text: &mut ImmutableString, len: INT, with: &str) -> Fallible<()> {
    let missing = size("pad", len)?.saturating_sub(text.chars().count());
    let padding: String = with.chars().cycle().take(if with.is_empty() { 0 } else { missing }).collect();
    *text = format!("{text}{padding}").into();
    Ok(())
}

fn size(function: &str, len: INT) -> Fallible<usize> {
    match usize::try_from(len.max(0)) {
        Ok(size) if len <= MOST => Ok(size),
        _ => Err(say(format!("{function}: {len} is too many; one call makes {MOST} at most"))),
    }
}
