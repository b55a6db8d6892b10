//! A program that has been checked, so that it ends and harms nothing, whoever wrote it.

use std::fmt;

use super::insn::{self, Insn};
use super::vm::{self, Op};

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
pub const MAX_INSNS: usize = 4096;

/// A capture filter as instructions of the classic Berkeley packet filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    insns: Vec<Insn>,
    /// The same, decoded once.
    ops: Vec<Op>,
}

/// Why instructions are no program: the rules of the kernel's `bpf_check_classic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProgram {
    /// There are none, or too many.
    #[error("a filter has 1 to 4096 instructions, this one {0}")]
    Count(usize),
    /// The machine has no such instruction.
    #[error("instruction {0}: no such code")]
    Code(usize),
    /// A jump leads out of the program.
    #[error("instruction {0}: jumps past the end")]
    Jump(usize),
    /// A constant that can only be wrong: division by zero, a shift by 32 or more, a word of memory above 15.
    #[error("instruction {0}: the constant cannot be used here")]
    Constant(usize),
    /// A word of scratch memory is read before it was written on every way to it.
    #[error("instruction {0}: reads scratch memory that was not written")]
    Unwritten(usize),
    /// The last instruction does not return.
    #[error("the last instruction does not return")]
    NoReturn,
}

impl Program {
    /// A program of these instructions, if the kernel would take them.
    pub fn new(insns: Vec<Insn>) -> Result<Self, BadProgram> {
        if insns.is_empty() || insns.len() > MAX_INSNS {
            return Err(BadProgram::Count(insns.len()));
        }
        for (at, &insn) in insns.iter().enumerate() {
            check(at, insn, insns.len())?;
        }
        if insns.last().is_none_or(|last| last.code & insn::CLASS != insn::RET) {
            return Err(BadProgram::NoReturn);
        }
        check_memory(&insns)?;
        let ops = vm::decode(&insns);
        Ok(Self { insns, ops })
    }

    /// The instructions, for `SO_ATTACH_FILTER`.
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// Whether the program accepts a frame that was `wire_len` bytes long and of which `bytes` were captured.
    ///
    /// A load beyond the captured bytes rejects it, as in the kernel.
    pub fn matches(&self, bytes: &[u8], wire_len: u32) -> bool {
        self.matches_beside(bytes, wire_len, None)
    }

    /// The same for a frame whose VLAN tag the kernel took out: `vlan` is the tag's control information, where there
    /// was one. Only programs for [`super::Where::Kernel`] look at it.
    pub fn matches_beside(&self, bytes: &[u8], wire_len: u32, vlan: Option<u16>) -> bool {
        vm::run(&self.ops, &vm::Packet { bytes, wire_len, vlan }) != 0
    }
}

/// As `tcpdump -d` prints it: a line for each instruction.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, &insn) in self.insns.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            insn::write(f, at, insn)?;
        }
        Ok(())
    }
}

/// What can be said of one instruction alone.
fn check(at: usize, insn: Insn, count: usize) -> Result<(), BadProgram> {
    if !insn::is_known(insn.code) {
        return Err(BadProgram::Code(at));
    }
    let inside = |distance: usize| distance < count - at - 1;
    let is_right = match insn.code & insn::CLASS {
        insn::JMP if insn.code & insn::OPERATION == insn::JA => inside(insn.k as usize),
        insn::JMP => inside(usize::from(insn.jt)) && inside(usize::from(insn.jf)),
        _ => true,
    };
    if !is_right {
        return Err(BadProgram::Jump(at));
    }
    let is_usable = match insn.code {
        code if code == insn::ALU | insn::DIV | insn::K || code == insn::ALU | insn::MOD | insn::K => insn.k != 0,
        code if code == insn::ALU | insn::LSH | insn::K || code == insn::ALU | insn::RSH | insn::K => insn.k < 32,
        code => !is_memory(code) || (insn.k as usize) < insn::WORDS,
    };
    if is_usable { Ok(()) } else { Err(BadProgram::Constant(at)) }
}

fn is_memory(code: u16) -> bool {
    const { [insn::ST, insn::STX, insn::LD | insn::MEM, insn::LDX | insn::MEM] }.contains(&code)
}

/// Whether every word of scratch memory is written before it is read. Jumps lead forward, so one pass does.
fn check_memory(insns: &[Insn]) -> Result<(), BadProgram> {
    // The words written on every way to an instruction, a bit each. No way leads there yet: all of them.
    let mut written = vec![u16::MAX; insns.len() + 1];
    written[0] = 0;
    for (at, insn) in insns.iter().enumerate() {
        let here = written[at];
        let mut meet = |distance: usize, words: u16| written[at + 1 + distance] &= words;
        match insn.code & insn::CLASS {
            insn::ST | insn::STX => meet(0, here | 1 << insn.k),
            insn::JMP if insn.code & insn::OPERATION == insn::JA => meet(insn.k as usize, here),
            insn::JMP => {
                meet(usize::from(insn.jt), here);
                meet(usize::from(insn.jf), here);
            }
            insn::RET => {}
            _ if is_memory(insn.code) && here & 1 << insn.k == 0 => return Err(BadProgram::Unwritten(at)),
            _ => meet(0, here),
        }
    }
    Ok(())
}
