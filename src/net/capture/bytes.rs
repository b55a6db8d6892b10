//! Numbers in the byte order of the machine that wrote a file.

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The number of 16 bits at `at`; what is not there reads as zero.
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(array(bytes, at)),
            Self::Big => u16::from_be_bytes(array(bytes, at)),
        }
    }

    /// The number of 32 bits at `at`; what is not there reads as zero.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(array(bytes, at)),
            Self::Big => u32::from_be_bytes(array(bytes, at)),
        }
    }

    /// The number of 64 bits at `at`; what is not there reads as zero.
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(array(bytes, at)),
            Self::Big => u64::from_be_bytes(array(bytes, at)),
        }
    }

    /// Appends a number of 16 bits.
    pub(super) fn put16(self, out: &mut Vec<u8>, number: u16) {
        out.extend_from_slice(&match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        });
    }

    /// Appends numbers of 32 bits.
    pub(super) fn put32<const N: usize>(self, out: &mut Vec<u8>, numbers: [u32; N]) {
        let bytes = match self {
            Self::Little => numbers.map(u32::to_le_bytes),
            Self::Big => numbers.map(u32::to_be_bytes),
        };
        out.extend_from_slice(bytes.as_flattened());
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// `text` up to `most` bytes, cut where a character ends.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
