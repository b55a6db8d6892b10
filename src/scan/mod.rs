//! Floor 4: scans. A kind is a row of [`kinds::KINDS`]; one job sends them all and reads what comes back.
//!
//! | file | what lives there |
//! |---|---|
//! | `state` | the six states, and the words for the reasons |
//! | `kinds` | the table of kinds: probe, rules, meaning of silence |
//! | `outcome` | what a scan found: hosts, and a row for each port |
//! | `report` | what people and programs are told of it |

pub mod kinds;
mod outcome;
pub mod report;
mod state;

pub use outcome::{About, Host, News, Pace, Presence, Row, Scan, Unfinished, Watch};
pub use state::{Reason, State};
