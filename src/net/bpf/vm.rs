//! The machine that runs a program over a frame, as the kernel does.
//!
//! Jumps lead forward only, so it takes no more steps than the program has instructions.

use super::insn::{self, Insn, WORDS};

/// What a program looks at.
pub(super) struct Packet<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) wire_len: u32,
    pub(super) vlan: Option<u16>,
}

/// The width of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Word,
    Half,
    Byte,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Greater,
    GreaterEqual,
    AnyBit,
}

/// Arithmetic with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Or,
    And,
    Xor,
    Lsh,
    Rsh,
}

/// An instruction, decoded. A and X are the machine's two registers, M its scratch memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// A = the bytes at an offset.
    Word(u32),
    Half(u32),
    Byte(u32),
    /// A = the bytes at X and an offset.
    At(Width, u32),
    /// A = the bytes at an offset, and the comparison that stands next: by far the most frequent pair.
    WordIs(u32, u32, u8, u8),
    HalfIs(u32, u32, u8, u8),
    ByteIs(u32, u32, u8, u8),
    /// Comparisons with a constant.
    IfEqual(u32, u8, u8),
    If(Compare, u32, u8, u8),
    /// Comparisons with X.
    IfX(Compare, u8, u8),
    Goto(u32),
    /// Arithmetic with a constant.
    Alu(Alu, u32),
    /// Arithmetic with X.
    AluX(Alu),
    Negate,
    /// X = four times the low half of a byte: the length of an IPv4 header.
    HeaderLength(u32),
    Length,
    Constant(u32),
    Load(u8),
    LengthX,
    ConstantX(u32),
    LoadX(u8),
    Store(u8),
    StoreX(u8),
    ToX,
    FromX,
    /// A = the tag beside the frame; A = whether there is one.
    Tag,
    HasTag,
    Return(u32),
    ReturnA,
}

/// The program, decoded.
pub(super) fn decode(insns: &[Insn]) -> Vec<Op> {
    let mut ops: Vec<Op> = insns.iter().map(|&insn| decode_one(insn)).collect();
    // The comparison stays where it is too, for jumps to it.
    for at in 1..ops.len() {
        ops[at - 1] = match (ops[at - 1], ops[at]) {
            (Op::Word(offset), Op::IfEqual(k, yes, no)) => Op::WordIs(offset, k, yes, no),
            (Op::Half(offset), Op::IfEqual(k, yes, no)) => Op::HalfIs(offset, k, yes, no),
            (Op::Byte(offset), Op::IfEqual(k, yes, no)) => Op::ByteIs(offset, k, yes, no),
            (op, _) => op,
        };
    }
    ops
}

/// The instruction, decoded. What is unknown rejects every packet, but [`super::Program::new`] lets none through.
fn decode_one(insn: Insn) -> Op {
    match insn.code & insn::CLASS {
        insn::LD | insn::LDX => decode_load(insn),
        insn::ST => Op::Store(insn.k as u8),
        insn::STX => Op::StoreX(insn.k as u8),
        insn::ALU if insn.code & insn::OPERATION == insn::NEG => Op::Negate,
        insn::ALU => match (alu(insn.code), insn.code & insn::X) {
            (Some(alu), insn::X) => Op::AluX(alu),
            (Some(alu), _) => Op::Alu(alu, insn.k),
            (None, _) => Op::Return(0),
        },
        insn::JMP => match (compare(insn.code), insn.code & insn::X) {
            (None, _) => Op::Goto(insn.k),
            (Some(compare), insn::X) => Op::IfX(compare, insn.jt, insn.jf),
            (Some(Compare::Equal), _) => Op::IfEqual(insn.k, insn.jt, insn.jf),
            (Some(compare), _) => Op::If(compare, insn.k, insn.jt, insn.jf),
        },
        insn::RET if insn.code & insn::A == insn::A => Op::ReturnA,
        insn::RET => Op::Return(insn.k),
        _ if insn.code & insn::TXA == insn::TXA => Op::FromX,
        _ => Op::ToX,
    }
}

fn decode_load(insn: Insn) -> Op {
    const MODE: u16 = 0xe0;
    const WIDTH: u16 = 0x18;
    let is_x = insn.code & insn::CLASS == insn::LDX;
    let width = match insn.code & WIDTH {
        insn::H => Width::Half,
        insn::B => Width::Byte,
        _ => Width::Word,
    };
    match (insn.code & MODE, width) {
        (insn::ABS, _) if insn.k == insn::VLAN_TAG => Op::Tag,
        (insn::ABS, _) if insn.k == insn::VLAN_TAG_PRESENT => Op::HasTag,
        (insn::ABS, Width::Word) => Op::Word(insn.k),
        (insn::ABS, Width::Half) => Op::Half(insn.k),
        (insn::ABS, Width::Byte) => Op::Byte(insn.k),
        (insn::IND, _) => Op::At(width, insn.k),
        (insn::MSH, _) => Op::HeaderLength(insn.k),
        (insn::LEN, _) if is_x => Op::LengthX,
        (insn::LEN, _) => Op::Length,
        (insn::MEM, _) if is_x => Op::LoadX(insn.k as u8),
        (insn::MEM, _) => Op::Load(insn.k as u8),
        _ if is_x => Op::ConstantX(insn.k),
        _ => Op::Constant(insn.k),
    }
}

fn alu(code: u16) -> Option<Alu> {
    let known = match code & insn::OPERATION {
        insn::ADD => Alu::Add,
        insn::SUB => Alu::Sub,
        insn::MUL => Alu::Mul,
        insn::DIV => Alu::Div,
        insn::MOD => Alu::Mod,
        insn::OR => Alu::Or,
        insn::AND => Alu::And,
        insn::XOR => Alu::Xor,
        insn::LSH => Alu::Lsh,
        insn::RSH => Alu::Rsh,
        _ => return None,
    };
    Some(known)
}

fn compare(code: u16) -> Option<Compare> {
    match code & insn::OPERATION {
        insn::JEQ => Some(Compare::Equal),
        insn::JGT => Some(Compare::Greater),
        insn::JGE => Some(Compare::GreaterEqual),
        insn::JSET => Some(Compare::AnyBit),
        _ => None,
    }
}

impl Compare {
    /// Whether it holds.
    pub(super) fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Greater => left > right,
            Self::GreaterEqual => left >= right,
            Self::AnyBit => left & right != 0,
        }
    }
}

impl Alu {
    /// The result modulo 2^32; `None` for a division by zero. What is shifted by 32 or more is gone, as in libpcap.
    pub(super) fn apply(self, left: u32, right: u32) -> Option<u32> {
        Some(match self {
            Self::Add => left.wrapping_add(right),
            Self::Sub => left.wrapping_sub(right),
            Self::Mul => left.wrapping_mul(right),
            Self::Div => return left.checked_div(right),
            Self::Mod => return left.checked_rem(right),
            Self::Or => left | right,
            Self::And => left & right,
            Self::Xor => left ^ right,
            Self::Lsh => left.checked_shl(right).unwrap_or(0),
            Self::Rsh => left.checked_shr(right).unwrap_or(0),
        })
    }
}

impl Packet<'_> {
    fn word(&self, at: u32) -> Option<u32> {
        self.bytes.get(at as usize..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn half(&self, at: u32) -> Option<u32> {
        self.bytes.get(at as usize..)?.first_chunk().map(|bytes| u32::from(u16::from_be_bytes(*bytes)))
    }

    fn byte(&self, at: u32) -> Option<u32> {
        self.bytes.get(at as usize).map(|byte| u32::from(*byte))
    }

    fn at(&self, width: Width, at: u32) -> Option<u32> {
        match width {
            Width::Word => self.word(at),
            Width::Half => self.half(at),
            Width::Byte => self.byte(at),
        }
    }
}

/// What the program returns: how many bytes to keep, 0 to reject.
pub(super) fn run(ops: &[Op], packet: &Packet<'_>) -> u32 {
    // No value: a load beyond the end or a division by zero, which reject.
    steps(ops, packet).unwrap_or(0)
}

fn steps(ops: &[Op], packet: &Packet<'_>) -> Option<u32> {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; WORDS]);
    let mut next = 0;
    loop {
        let op = *ops.get(next)?;
        next += 1;
        let jump = |holds: bool, yes: u8, no: u8| usize::from(if holds { yes } else { no });
        match op {
            Op::HalfIs(at, k, yes, no) => {
                a = packet.half(at)?;
                next += 1 + jump(a == k, yes, no);
            }
            Op::ByteIs(at, k, yes, no) => {
                a = packet.byte(at)?;
                next += 1 + jump(a == k, yes, no);
            }
            Op::WordIs(at, k, yes, no) => {
                a = packet.word(at)?;
                next += 1 + jump(a == k, yes, no);
            }
            Op::Half(at) => a = packet.half(at)?,
            Op::Byte(at) => a = packet.byte(at)?,
            Op::Word(at) => a = packet.word(at)?,
            Op::IfEqual(k, yes, no) => next += jump(a == k, yes, no),
            Op::If(compare, k, yes, no) => next += jump(compare.holds(a, k), yes, no),
            Op::IfX(compare, yes, no) => next += jump(compare.holds(a, x), yes, no),
            Op::HeaderLength(at) => x = 4 * (packet.byte(at)? & 0xf),
            Op::At(width, at) => a = packet.at(width, x.checked_add(at)?)?,
            Op::Alu(alu, k) => a = alu.apply(a, k)?,
            Op::AluX(alu) => a = alu.apply(a, x)?,
            Op::Negate => a = a.wrapping_neg(),
            Op::Goto(distance) => next += distance as usize,
            Op::Length => a = packet.wire_len,
            Op::LengthX => x = packet.wire_len,
            Op::Constant(k) => a = k,
            Op::ConstantX(k) => x = k,
            Op::Load(word) => a = *memory.get(usize::from(word))?,
            Op::LoadX(word) => x = *memory.get(usize::from(word))?,
            Op::Store(word) => *memory.get_mut(usize::from(word))? = a,
            Op::StoreX(word) => *memory.get_mut(usize::from(word))? = x,
            Op::ToX => x = a,
            Op::FromX => a = x,
            Op::Tag => a = packet.vlan.map_or(0, u32::from),
            Op::HasTag => a = u32::from(packet.vlan.is_some()),
            Op::Return(k) => return Some(k),
            Op::ReturnA => return Some(a),
        }
    }
}
