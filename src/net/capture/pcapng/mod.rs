//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each block with its length before and after it.

mod read;
mod write;

pub(super) use read::Decoder;
pub(super) use write::Encoder;

/// A section header's type, the same in both byte orders (section 4.1).
pub(super) const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const SECTION: u32 = 0x0a0d_0d0a;
/// Tells the byte order of a section.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

// The blocks that we read (sections 4.2 to 4.4, and appendix A for the obsolete one).
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

// Options (sections 3.5, 4.1, 4.2 and 4.3).
const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const EPB_FLAGS: u16 = 2;

// The bits of a packet's flags (section 4.3.1).
const DIRECTION: u32 = 0b11;
const OUTBOUND: u32 = 0b10;
const CHECKSUM_NOT_READY: u32 = 1 << 9;

/// What stands around the body of a block: type and length before it, the length again after it.
const AROUND: usize = 12;
/// A packet block's body before the packet: interface, time and both lengths.
const PACKET_HEAD: usize = 20;

/// Values are filled up to 32 bits.
fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}
