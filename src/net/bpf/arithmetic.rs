//! Arithmetic as instructions.
//!
//! The machine has two registers, so one side of an operation waits in scratch memory while the other is computed. The
//! side that needs more of it goes first (Sethi and Ullman 1970).

use super::insn::{self, Insn, WORDS};
use super::logic::{Logic, Test};
use super::lower::{IP6_HEADER, Lower};
use super::names::{Begin, Protocol};
use super::tree::Value;
use super::vm::{Alu, Compare};

/// Instructions being written.
#[derive(Default)]
struct Code {
    insns: Vec<Insn>,
    /// The offset of the IPv4 header whose length is in X.
    header: Option<u32>,
}

impl Code {
    fn push(&mut self, code: u16, k: u32) {
        self.insns.push(Insn::new(code, k));
        let to_x = code & insn::CLASS == insn::LDX || code == insn::MISC | insn::TAX;
        if to_x {
            self.header = (code == insn::LDX | insn::B | insn::MSH).then_some(k);
        }
    }

    /// X = the length of the IPv4 header at `at`.
    fn header_length(&mut self, at: u32) {
        if self.header != Some(at) {
            self.push(insn::LDX | insn::B | insn::MSH, at);
        }
    }
}

impl Lower {
    /// A comparison of two numbers, after the questions that must hold before their bytes can be looked at.
    pub(super) fn relation(&self, left: &Value, compare: Compare, right: &Value, holds: bool) -> Result<Logic, String> {
        let mut protocols = Vec::new();
        protocols_of(left, &mut protocols);
        protocols_of(right, &mut protocols);
        let mut parts = protocols.into_iter().map(|protocol| self.guard(protocol)).collect::<Result<Vec<_>, _>>()?;
        parts.push(self.comparison(left, compare, right)?.holds(holds));
        Ok(Logic::all(parts))
    }

    fn comparison(&self, left: &Value, compare: Compare, right: &Value) -> Result<Logic, String> {
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => Ok(Logic::Known(compare.holds(*left, *right))),
            // One instruction asks for bits.
            (Value::Alu(Alu::And, masked, mask), Value::Number(0)) if compare == Compare::Equal => match **mask {
                Value::Number(mask) => Ok(Logic::test(self.loads(masked)?, Compare::AnyBit, mask).negated()),
                _ => Ok(Logic::test(self.loads(left)?, compare, 0)),
            },
            (_, Value::Number(number)) => Ok(Logic::test(self.loads(left)?, compare, *number)),
            (Value::Number(_), _) => {
                let turned = |compare| Ok(self.comparison(right, compare, left)?.negated());
                match compare {
                    Compare::Greater => turned(Compare::GreaterEqual),
                    Compare::GreaterEqual => turned(Compare::Greater),
                    _ => self.comparison(right, compare, left),
                }
            }
            _ => {
                let mut code = Code::default();
                self.pair(&mut code, left, right, 0)?;
                Ok(Logic::Test(Test { loads: code.insns, compare, with: None }))
            }
        }
    }

    fn loads(&self, value: &Value) -> Result<Vec<Insn>, String> {
        let mut code = Code::default();
        self.value(&mut code, value, 0)?;
        Ok(code.insns)
    }

    /// A = the value. Scratch memory from the word `free` on may be used.
    fn value(&self, code: &mut Code, value: &Value, free: usize) -> Result<(), String> {
        match value {
            Value::Number(number) => code.push(insn::LD | insn::IMM, *number),
            Value::Length => code.push(insn::LD | insn::W | insn::LEN, 0),
            Value::Bytes { protocol, offset, size } => self.bytes(code, protocol, offset, *size, free)?,
            Value::Negative(inner) => {
                self.value(code, inner, free)?;
                code.push(insn::ALU | insn::NEG, 0);
            }
            Value::Alu(alu, left, right) => match **right {
                Value::Number(number) => {
                    self.value(code, left, free)?;
                    code.push(insn::ALU | operation(*alu) | insn::K, number);
                }
                _ => {
                    self.pair(code, left, right, free)?;
                    code.push(insn::ALU | operation(*alu) | insn::X, 0);
                }
            },
        }
        Ok(())
    }

    /// A = `left`, X = `right`.
    fn pair(&self, code: &mut Code, left: &Value, right: &Value, free: usize) -> Result<(), String> {
        if let Value::Number(number) = left {
            self.value(code, right, free)?;
            code.push(insn::MISC | insn::TAX, 0);
            code.push(insn::LD | insn::IMM, *number);
            return Ok(());
        }
        if free == WORDS {
            return Err(format!("the expression needs more than the {WORDS} words of memory that a filter has"));
        }
        let is_left_first = need(left) >= need(right);
        let (first, second) = if is_left_first { (left, right) } else { (right, left) };
        self.value(code, first, free)?;
        code.push(insn::ST, free as u32);
        self.value(code, second, free + 1)?;
        if is_left_first {
            code.push(insn::MISC | insn::TAX, 0);
            code.push(insn::LD | insn::MEM, free as u32);
        } else {
            code.push(insn::LDX | insn::MEM, free as u32);
        }
        Ok(())
    }

    /// A = the bytes of a header.
    fn bytes(&self, code: &mut Code, protocol: &Protocol, offset: &Value, size: u8, free: usize) -> Result<(), String> {
        let width = match size {
            1 => insn::B,
            2 => insn::H,
            _ => insn::W,
        };
        let base = match protocol.begin {
            Begin::Frame | Begin::Nowhere => 0,
            Begin::Payload | Begin::Transport4 => self.payload(),
            Begin::Transport6 => self.payload() + IP6_HEADER,
        };
        let is_after_header = protocol.begin == Begin::Transport4;
        if let Value::Number(number) = offset {
            // Offsets wrap, so a negative one looks at what lies before the header.
            let at = base.wrapping_add(*number);
            if is_after_header {
                code.header_length(self.payload());
                code.push(insn::LD | width | insn::IND, at);
                return Ok(());
            }
            if at > i32::MAX as u32 {
                return Err(format!("no frame has bytes at \"{}[{}]\"", protocol.word, *number as i32));
            }
            code.push(insn::LD | width | insn::ABS, at);
            return Ok(());
        }
        self.value(code, offset, free)?;
        if is_after_header {
            code.header_length(self.payload());
            code.push(insn::ALU | insn::ADD | insn::X, 0);
        }
        code.push(insn::MISC | insn::TAX, 0);
        code.push(insn::LD | width | insn::IND, base);
        Ok(())
    }
}

/// The protocols that a frame must be of, each once, so that a value means something.
///
/// As in libpcap, of the operands of arithmetic only the first one counts: `100 - ip[8] > 50` looks at frames that are
/// no IP too, `ip[8] < 50` does not.
fn protocols_of(value: &Value, found: &mut Vec<&'static Protocol>) {
    match value {
        Value::Number(_) | Value::Length => {}
        Value::Bytes { protocol, offset, .. } => {
            protocols_of(offset, found);
            if !found.contains(protocol) {
                found.push(protocol);
            }
        }
        Value::Negative(inner) => protocols_of(inner, found),
        Value::Alu(_, left, _) => protocols_of(left, found),
    }
}

/// How many words of scratch memory a value needs.
fn need(value: &Value) -> usize {
    match value {
        Value::Number(_) | Value::Length => 0,
        Value::Bytes { offset, .. } => need(offset),
        Value::Negative(inner) => need(inner),
        Value::Alu(_, left, right) => match (need(left), need(right)) {
            (needed, _) if matches!(**right, Value::Number(_)) => needed,
            (_, needed) if matches!(**left, Value::Number(_)) => needed,
            (left, right) if left == right => left + 1,
            (left, right) => left.max(right),
        },
    }
}

fn operation(alu: Alu) -> u16 {
    match alu {
        Alu::Add => insn::ADD,
        Alu::Sub => insn::SUB,
        Alu::Mul => insn::MUL,
        Alu::Div => insn::DIV,
        Alu::Mod => insn::MOD,
        Alu::Or => insn::OR,
        Alu::And => insn::AND,
        Alu::Xor => insn::XOR,
        Alu::Lsh => insn::LSH,
        Alu::Rsh => insn::RSH,
    }
}
