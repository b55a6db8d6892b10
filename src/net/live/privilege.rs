//! `CAP_NET_RAW` is enough, and it is in effect only while a socket is opened (capabilities(7)).

use caps::{CapSet, Capability, CapsHashSet};

use crate::net::NetError;

/// Gives up every capability but `CAP_NET_RAW`, which stays permitted and is not in effect.
///
/// For the calling thread and those that it starts later: call it first thing in `main`. Root is treated like anyone
/// else: its files stay its own, but it no longer reads or writes those of others.
pub fn drop_privileges() {
    let mut kept = CapsHashSet::new();
    if permitted() {
        kept.insert(Capability::CAP_NET_RAW);
    }
    let none = CapsHashSet::new();
    // The order matters: what is not permitted cannot be in effect. A failure leaves a set as small as it was.
    let _ = caps::clear(None, CapSet::Ambient);
    let _ = caps::set(None, CapSet::Inheritable, &none);
    let _ = caps::set(None, CapSet::Effective, &none);
    let _ = caps::set(None, CapSet::Permitted, &kept);
}

/// Runs `open` with `CAP_NET_RAW` in effect, and without it again afterwards.
///
/// [`NetError::NoPrivilege`] when the process may not have it; `doing` says what for, as "opening a packet socket".
pub(super) fn with_net_raw<T>(doing: &'static str, open: impl FnOnce() -> std::io::Result<T>) -> Result<T, NetError> {
    let had = caps::has_cap(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap_or(false);
    if !had && (!permitted() || caps::raise(None, CapSet::Effective, Capability::CAP_NET_RAW).is_err()) {
        return Err(NetError::NoPrivilege { doing, hint: hint() });
    }
    let opened = open();
    if !had {
        let _ = caps::drop(None, CapSet::Effective, Capability::CAP_NET_RAW);
    }
    opened.map_err(|e| NetError::system(doing, &e))
}

fn permitted() -> bool {
    caps::has_cap(None, CapSet::Permitted, Capability::CAP_NET_RAW).unwrap_or(false)
}

/// The command that gives this program the capability.
fn hint() -> String {
    let program = std::env::current_exe().map_or_else(|_| "pktsh".to_owned(), |path| path.display().to_string());
    format!("run `sudo setcap cap_net_raw+ep {program}` once; hosts in .lab need no privilege")
}
