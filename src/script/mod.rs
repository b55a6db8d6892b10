//! (to come)

pub mod names;
pub mod sugar;
