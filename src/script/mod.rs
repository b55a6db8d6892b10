//! Floor 5: the script surface. Rhai with one pass over its tokens, one row per function, and errors in plain words.

mod bounded;
mod compile;
mod convert;
mod flows;
mod func;
mod help;
mod hidden;
mod listen;
mod modules;
pub mod names;
mod natives;
pub mod recipes;
mod session;
mod state;
pub mod sugar;
pub mod surface;
pub(crate) mod table;
mod trouble;
mod values;

pub use func::{Func, Kind, Param};
pub use session::{Session, Settings};
pub use state::{Console, Signals};
pub use trouble::{Place, Trouble};
pub use values::{Packets, Results, Row, Rows};
