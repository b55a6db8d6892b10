//! Waiting for descriptors with `ppoll`, and for Ctrl-C at the same time.

use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// What ended a [`wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// One of the descriptors is ready, or a signal came: look again.
    Ready,
    /// The time is over.
    Timeout,
    /// Something was written to the wake pipe; it is empty again.
    Interrupted,
}

/// The longest single wait: a `timespec` must not overflow, and callers look at their clock again anyway.
const LONGEST: Duration = Duration::from_hours(1);

/// How often to look for Ctrl-C while frames keep coming and no wait is needed.
pub(super) const LISTEN: Duration = Duration::from_millis(10);

/// Waits until one of `fds` has something to read or an error to tell, `wake` is written to, or `span` has passed.
pub(super) fn wait(fds: &[BorrowedFd<'_>], wake: Option<&OwnedFd>, span: Duration) -> Waited {
    const NONE: libc::pollfd = libc::pollfd { fd: -1, events: libc::POLLIN, revents: 0 };
    let mut polled = [NONE; 4];
    debug_assert!(fds.len() < polled.len(), "the last place is the wake pipe's");
    for (slot, fd) in polled.iter_mut().zip(fds) {
        slot.fd = fd.as_raw_fd();
    }
    polled[3].fd = wake.map_or(-1, AsRawFd::as_raw_fd);
    wait_polled(&mut polled, wake, span)
}

/// The same by each one's own events; the last place is the wake pipe's.
fn wait_polled(polled: &mut [libc::pollfd], wake: Option<&OwnedFd>, span: Duration) -> Waited {
    let span = span.min(LONGEST);
    let timeout = libc::timespec { tv_sec: span.as_secs() as i64, tv_nsec: i64::from(span.subsec_nanos()) };
    // SAFETY: `polled` and `timeout` are live for the call, and the count is that of the slice.
    let count =
        unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, &raw const timeout, std::ptr::null()) };
    match (wake, polled.last()) {
        (Some(wake), Some(last)) if count > 0 && last.revents & libc::POLLIN != 0 => {
            drain(wake);
            Waited::Interrupted
        }
        _ if count == 0 => Waited::Timeout,
        _ => Waited::Ready, // also EINTR: the handler has written to the pipe, which the next round sees
    }
}

/// Waits until `fd` takes more to send; false after `span`, or when `wake` was written to (which stays so).
pub(super) fn wait_writable(fd: BorrowedFd<'_>, wake: Option<&OwnedFd>, span: Duration) -> bool {
    let mut polled = [
        libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 },
        libc::pollfd { fd: wake.map_or(-1, AsRawFd::as_raw_fd), events: libc::POLLIN, revents: 0 },
    ];
    // SAFETY: `polled` is live for the call, and the count is that of the array.
    let count = unsafe { libc::poll(polled.as_mut_ptr(), 2, span.as_millis().min(1000) as libc::c_int) };
    count > 0 && polled[0].revents != 0
}

/// Waits until one of `polled` is ready, by its own events, or `wake` is written to, or `span` has passed. What the
/// kernel said of each is then in `polled`, which has one place more.
pub(super) fn wait_each(polled: &mut Vec<libc::pollfd>, wake: Option<&OwnedFd>, span: Duration) -> Waited {
    polled.push(libc::pollfd { fd: wake.map_or(-1, AsRawFd::as_raw_fd), events: libc::POLLIN, revents: 0 });
    wait_polled(polled, wake, span)
}

/// Reads the pipe empty, so that one Ctrl-C ends one wait.
pub(super) fn drain(wake: &OwnedFd) {
    let Ok(copy) = wake.try_clone() else { return };
    let mut pipe = std::fs::File::from(copy);
    let mut bytes = [0; 64];
    while pipe.read(&mut bytes).is_ok_and(|n| n == bytes.len()) {}
}

/// Sets `O_NONBLOCK`: reading the pipe empty must never wait.
pub(super) fn make_nonblocking(fd: &OwnedFd) {
    // SAFETY: F_GETFL and F_SETFL take and give integers only; the descriptor is open.
    unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK);
    }
}
