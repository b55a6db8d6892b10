//! Reading and writing big-endian runs of bits, as headers are drawn in RFCs.

/// The `width` bits (1 to 64) that begin `offset` bits into `bytes`; `None` when they are not all there.
pub fn read(bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
    let last = (offset + width - 1) / 8;
    let run = bytes.get(offset / 8..=last)?;
    let value = run.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
    let below = (last + 1) * 8 - (offset + width);
    Some((value >> below) as u64 & mask(width))
}

/// Writes the low `width` bits (1 to 64) of `value` over those that begin `offset` bits into `bytes`.
///
/// # Panics
/// When `bytes` is too short: the caller has made room.
pub fn write(bytes: &mut [u8], offset: usize, width: usize, value: u64) {
    let (first, last) = (offset / 8, (offset + width - 1) / 8);
    let below = (last + 1) * 8 - (offset + width);
    let keep = !(u128::from(mask(width)) << below);
    let run = &mut bytes[first..=last];
    let old = run.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
    let new = (old & keep) | (u128::from(value & mask(width)) << below);
    let count = run.len();
    for (i, byte) in run.iter_mut().enumerate() {
        *byte = (new >> (8 * (count - 1 - i))) as u8;
    }
}

/// The largest number of `width` bits.
pub const fn mask(width: usize) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_the_rest_stays(
            mut bytes in proptest::collection::vec(any::<u8>(), 17), offset in 0usize..70, width in 1usize..=64, value: u64,
        ) {
            let before = bytes.clone();
            write(&mut bytes, offset, width, value);
            prop_assert_eq!(read(&bytes, offset, width), Some(value & mask(width)));
            for bit in (0..17 * 8).filter(|b| !(offset..offset + width).contains(b)) {
                prop_assert_eq!(read(&bytes, bit, 1), read(&before, bit, 1));
            }
        }
    }

    #[test]
    fn a_cut_field_is_not_there() {
        assert_eq!(read(&[1, 2], 8, 16), None);
        assert_eq!(read(&[], 0, 1), None);
    }
}
