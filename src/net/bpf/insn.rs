//! One instruction of the classic Berkeley packet filter, and the numbers that its code is made of.
//!
//! `McCanne` and Jacobson, "The BSD Packet Filter" (1993); the numbers are those of `linux/bpf_common.h`.

use std::fmt;

/// An instruction, with the fields of the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Insn {
    /// What it does.
    pub code: u16,
    /// How many instructions a comparison passes over when it holds.
    pub jt: u8,
    /// How many it passes over when it does not.
    pub jf: u8,
    /// A constant, an offset or a distance.
    pub k: u32,
}

impl Insn {
    /// An instruction that does not jump.
    pub(super) const fn new(code: u16, k: u32) -> Self {
        Self { code, jt: 0, jf: 0, k }
    }
}

// Classes.
pub(super) const LD: u16 = 0x00;
pub(super) const LDX: u16 = 0x01;
pub(super) const ST: u16 = 0x02;
pub(super) const STX: u16 = 0x03;
pub(super) const ALU: u16 = 0x04;
pub(super) const JMP: u16 = 0x05;
pub(super) const RET: u16 = 0x06;
pub(super) const MISC: u16 = 0x07;
/// The bits that hold the class.
pub(super) const CLASS: u16 = 0x07;

// Widths of a load.
pub(super) const W: u16 = 0x00;
pub(super) const H: u16 = 0x08;
pub(super) const B: u16 = 0x10;

// Where a load takes its value.
pub(super) const IMM: u16 = 0x00;
pub(super) const ABS: u16 = 0x20;
pub(super) const IND: u16 = 0x40;
pub(super) const MEM: u16 = 0x60;
pub(super) const LEN: u16 = 0x80;
pub(super) const MSH: u16 = 0xa0;

// Arithmetic.
pub(super) const ADD: u16 = 0x00;
pub(super) const SUB: u16 = 0x10;
pub(super) const MUL: u16 = 0x20;
pub(super) const DIV: u16 = 0x30;
pub(super) const OR: u16 = 0x40;
pub(super) const AND: u16 = 0x50;
pub(super) const LSH: u16 = 0x60;
pub(super) const RSH: u16 = 0x70;
pub(super) const NEG: u16 = 0x80;
pub(super) const MOD: u16 = 0x90;
pub(super) const XOR: u16 = 0xa0;
/// The bits that hold the operation of arithmetic and of a jump.
pub(super) const OPERATION: u16 = 0xf0;

// Jumps.
pub(super) const JA: u16 = 0x00;
pub(super) const JEQ: u16 = 0x10;
pub(super) const JGT: u16 = 0x20;
pub(super) const JGE: u16 = 0x30;
pub(super) const JSET: u16 = 0x40;

// The second operand, or what is returned.
pub(super) const K: u16 = 0x00;
pub(super) const X: u16 = 0x08;
pub(super) const A: u16 = 0x10;

pub(super) const TAX: u16 = 0x00;
pub(super) const TXA: u16 = 0x80;

/// Linux: from here on an offset names something beside the packet (`SKF_AD_OFF`).
pub(super) const BESIDE: u32 = 0xffff_f000;
/// The tag that the kernel took out of the frame (`SKF_AD_VLAN_TAG`).
pub(super) const VLAN_TAG: u32 = BESIDE + 44;
/// 1 when there was one, else 0 (`SKF_AD_VLAN_TAG_PRESENT`).
pub(super) const VLAN_TAG_PRESENT: u32 = BESIDE + 48;

/// How many words of scratch memory a program has (`BPF_MEMWORDS`).
pub(super) const WORDS: usize = 16;

/// How an operand is written.
#[derive(Clone, Copy)]
enum Operand {
    Nothing,
    Offset,
    Indexed,
    Hex,
    Decimal,
    Word,
    HeaderLength,
    Length,
    IndexRegister,
    Distance,
}

/// The names that `tcpdump -d` gives.
const NAMES: &[(u16, &str, Operand)] = &[
    (RET | K, "ret", Operand::Decimal),
    (RET | A, "ret", Operand::Nothing),
    (LD | W | ABS, "ld", Operand::Offset),
    (LD | H | ABS, "ldh", Operand::Offset),
    (LD | B | ABS, "ldb", Operand::Offset),
    (LD | W | IND, "ld", Operand::Indexed),
    (LD | H | IND, "ldh", Operand::Indexed),
    (LD | B | IND, "ldb", Operand::Indexed),
    (LD | W | LEN, "ld", Operand::Length),
    (LDX | W | LEN, "ldx", Operand::Length),
    (LD | IMM, "ld", Operand::Hex),
    (LDX | IMM, "ldx", Operand::Hex),
    (LDX | B | MSH, "ldxb", Operand::HeaderLength),
    (LD | MEM, "ld", Operand::Word),
    (LDX | MEM, "ldx", Operand::Word),
    (ST, "st", Operand::Word),
    (STX, "stx", Operand::Word),
    (JMP | JA, "ja", Operand::Distance),
    (JMP | JEQ | K, "jeq", Operand::Hex),
    (JMP | JGT | K, "jgt", Operand::Hex),
    (JMP | JGE | K, "jge", Operand::Hex),
    (JMP | JSET | K, "jset", Operand::Hex),
    (JMP | JEQ | X, "jeq", Operand::IndexRegister),
    (JMP | JGT | X, "jgt", Operand::IndexRegister),
    (JMP | JGE | X, "jge", Operand::IndexRegister),
    (JMP | JSET | X, "jset", Operand::IndexRegister),
    (ALU | ADD | K, "add", Operand::Decimal),
    (ALU | SUB | K, "sub", Operand::Decimal),
    (ALU | MUL | K, "mul", Operand::Decimal),
    (ALU | DIV | K, "div", Operand::Decimal),
    (ALU | MOD | K, "mod", Operand::Decimal),
    (ALU | OR | K, "or", Operand::Hex),
    (ALU | AND | K, "and", Operand::Hex),
    (ALU | XOR | K, "xor", Operand::Hex),
    (ALU | LSH | K, "lsh", Operand::Decimal),
    (ALU | RSH | K, "rsh", Operand::Decimal),
    (ALU | ADD | X, "add", Operand::IndexRegister),
    (ALU | SUB | X, "sub", Operand::IndexRegister),
    (ALU | MUL | X, "mul", Operand::IndexRegister),
    (ALU | DIV | X, "div", Operand::IndexRegister),
    (ALU | MOD | X, "mod", Operand::IndexRegister),
    (ALU | OR | X, "or", Operand::IndexRegister),
    (ALU | AND | X, "and", Operand::IndexRegister),
    (ALU | XOR | X, "xor", Operand::IndexRegister),
    (ALU | LSH | X, "lsh", Operand::IndexRegister),
    (ALU | RSH | X, "rsh", Operand::IndexRegister),
    (ALU | NEG, "neg", Operand::Nothing),
    (MISC | TAX, "tax", Operand::Nothing),
    (MISC | TXA, "txa", Operand::Nothing),
];

/// Whether the machine has an instruction with this code.
pub(super) fn is_known(code: u16) -> bool {
    NAMES.iter().any(|(known, ..)| *known == code)
}

/// Writes the instruction at `place` of a program as `tcpdump -d` does.
pub(super) fn write(f: &mut fmt::Formatter<'_>, place: usize, insn: Insn) -> fmt::Result {
    let (name, operand) = NAMES
        .iter()
        .find(|(code, ..)| *code == insn.code)
        .map_or(("unimp", Operand::Hex), |(_, name, operand)| (*name, *operand));
    let signed = insn.k as i32; // as tcpdump prints it
    let operand = match operand {
        Operand::Nothing => String::new(),
        Operand::Offset if insn.k == VLAN_TAG => "[vlan_tci]".to_owned(),
        Operand::Offset if insn.k == VLAN_TAG_PRESENT => "[vlanp]".to_owned(),
        Operand::Offset => format!("[{signed}]"),
        Operand::Indexed => format!("[x + {signed}]"),
        Operand::Hex => format!("#{:#x}", insn.k),
        Operand::Decimal => format!("#{signed}"),
        Operand::Word => format!("M[{signed}]"),
        Operand::HeaderLength => format!("4*([{signed}]&0xf)"),
        Operand::Length => "#pktlen".to_owned(),
        Operand::IndexRegister => "x".to_owned(),
        Operand::Distance => (place as u64 + 1 + u64::from(insn.k)).to_string(),
    };
    if insn.code & CLASS == JMP && insn.code & OPERATION != JA {
        let (yes, no) = (place + 1 + usize::from(insn.jt), place + 1 + usize::from(insn.jf));
        write!(f, "({place:03}) {name:<8} {operand:<16} jt {yes}\tjf {no}")
    } else {
        write!(f, "({place:03}) {name:<8} {operand}")
    }
}
