//! pktsh, the packet shell: build, send, receive and read packets at a prompt or in `.rhai` scripts,
//! on the real network or in a built-in laboratory that needs neither privilege nor a network.
//!
//! The rooms stand on floors; each imports only lower floors (a test reads the imports):
//!
//! | floor | room | what lives there |
//! |---|---|---|
//! | 0 | [`base`] | time, checksums, MAC addresses, target and port specifications, random numbers |
//! | 1 | [`packet`] | the layer model: values, fields, stacking, building, dissecting, showing |
//! | 1 | [`net`] | the traits `World` and `Link`, the live Linux link, capture files and capture filters |
//! | 2 | [`layers`] | one file per protocol: a table of fields and its bindings |
//! | 3 | [`engine`] | jobs (`sr`, neighbors, sniffing) and the one loop that joins a job and a link |
//! | 4 | [`scan`] | scans: the table of kinds, one job for all of them, host discovery, reports |
//! | 4 | [`lab`] | the laboratory: simulated hosts behind a `Link` in virtual time |
//! | 5 | [`script`] | the script surface: one row per function, keyword arguments, errors |
//! | 6 | [`shell`] | the prompt, printing, error carets, the command line |

pub mod base;
pub mod engine;
pub mod lab;
pub mod layers;
pub mod net;
pub mod packet;
pub mod scan;
pub mod script;
pub mod shell;
