//! Floor 4: scans. A kind is a row of [`kinds::KINDS`]; one job sends them all and reads what comes back.
//!
//! | file | what lives there |
//! |---|---|
//! | `state` | the six states, and the words for the reasons |
//! | `kinds` | the table of kinds: probe, rules, meaning of silence |
//! | `outcome` | what a scan found: hosts, and a row for each port |
//! | `probe` | a probe to one host, in which ports and numbers are written anew |
//! | `payloads` | what datagrams carry, so that usual services answer |
//! | `view` | a heard frame, looked at where it lies |
//! | `matching` | which probe a heard packet answers |
//! | `read` | what an answer says |
//! | `timing` | round trips, the window, the templates T0 to T5 |
//! | `job` | the one scan job |
//! | `limits` | hosts that answer only so often |
//! | `discover` | who is there |
//! | `idle` | the idle scan's job: a zombie's counter is read |
//! | `targets` | from what people write to the addresses that are scanned |
//! | `run` | targets, discovery and kinds, one after another, with news on the way |
//! | `pieces` | shards: what one of many machines takes; and what tells two scans apart |
//! | `combine` | what several kinds say together |
//! | `report` | what people and programs are told of it |

mod combine;
mod discover;
mod idle;
mod job;
pub mod kinds;
mod limits;
mod matching;
mod outcome;
pub mod payloads;
mod pieces;
mod probe;
mod read;
pub mod report;
mod run;
mod state;
pub mod targets;
mod timing;
mod view;

pub use outcome::{About, Host, News, Pace, Presence, Row, Scan, Unfinished, Watch, Watchers};
pub use pieces::{Identity, Shard, ShardError};
pub use probe::Chosen;
pub use run::{MOST_ROWS, Request, Scanner, Wanted};
pub use state::{Reason, State};
pub use timing::{TIMINGS, Timing};
