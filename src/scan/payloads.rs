//! stub
use crate::base::Rng;
pub(super) fn payload(_port: u16, _rng: &mut Rng) -> Vec<u8> { Vec::new() }
