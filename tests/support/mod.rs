//! What several test programs share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

pub mod capture;
pub mod flags;
pub mod golden;
pub mod heard;
pub mod wire;
