//! TCP flags by their letters, for frames that etherparse writes.

use etherparse::{PacketBuilderStep, TcpHeader};

/// Sets the flags in `flags` (`S`, `SA`, `FPU`); with `A` comes the acknowledgment number `ack`.
pub(crate) fn with_flags(step: PacketBuilderStep<TcpHeader>, flags: &str, ack: u32) -> PacketBuilderStep<TcpHeader> {
    flags.chars().fold(step, |step, flag| match flag {
        'A' => step.ack(ack),
        'F' => step.fin(),
        'P' => step.psh(),
        'R' => step.rst(),
        'S' => step.syn(),
        'U' => step.urg(0),
        _ => panic!("{flag}"),
    })
}
