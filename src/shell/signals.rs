//! Ctrl-C, and the thread that scripts run on.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::script;

/// Scripts nest calls and values on the native stack: 64 MiB hold what the script's own limits allow.
const STACK: usize = 64 << 20;

/// What a third Ctrl-C exits with: 128 and the signal's number, as shells count.
pub(super) const BY_SIGNAL: u8 = 130;

/// Ctrl-C as the rooms below see it: counted for the script, told to whatever waits. Clones are one.
#[derive(Clone, Default)]
pub(super) struct Stop {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Presses since the program began, which the script compares with what it has seen.
    presses: script::Signals,
    /// Presses before this line began.
    before: AtomicUsize,
    /// Ends waits in the laboratory while it is set.
    lab: Arc<AtomicBool>,
    /// Ends waits on the real network.
    wake: OnceLock<PipeWriter>,
}

impl Stop {
    /// Asks whatever runs to end. The third time in one line it is not asked: it may be deep in the resolver.
    pub(super) fn press(&self) {
        let presses = self.inner.presses.fetch_add(1, Ordering::Relaxed) + 1;
        self.inner.lab.store(true, Ordering::Relaxed);
        if let Some(mut wake) = self.inner.wake.get() {
            let _ = wake.write_all(b"!");
        }
        if presses - self.inner.before.load(Ordering::Relaxed).min(presses) > 2 {
            std::process::exit(BY_SIGNAL.into());
        }
    }

    /// A line or script begins: what was pressed before it does not count.
    pub(super) fn forget(&self) {
        self.inner.before.store(self.inner.presses.load(Ordering::Relaxed), Ordering::Relaxed);
        self.inner.lab.store(false, Ordering::Relaxed);
    }

    /// The count of presses.
    pub(super) fn presses(&self) -> script::Signals {
        self.inner.presses.clone()
    }

    /// The flag that the laboratory's waits look at.
    pub(super) fn lab_flag(&self) -> Arc<AtomicBool> {
        self.inner.lab.clone()
    }

    /// The pipe that waits on the real network listen to.
    pub(super) fn wake_pipe(&self) -> io::Result<PipeReader> {
        let (read, write) = io::pipe()?;
        let _ = self.inner.wake.set(write); // a session has one real network
        Ok(read)
    }
}

/// Runs `work` on a thread with a deep stack, and tells `stop` of every Ctrl-C until it is done.
pub(super) fn on_a_deep_stack(stop: &Stop, work: impl FnOnce() -> u8 + Send + 'static) -> u8 {
    match deep(stop, work) {
        Ok(code) => code,
        Err(error) => {
            super::print::last_words(&format!("pktsh cannot start: {error}"));
            1
        }
    }
}

#[cfg(unix)]
fn deep(stop: &Stop, work: impl FnOnce() -> u8 + Send + 'static) -> io::Result<u8> {
    use signal_hook::consts::SIGINT;
    use signal_hook::iterator::{Handle, Signals};

    /// Ends the wait for signals, also when `work` panics.
    struct Done(Handle);

    impl Drop for Done {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    let mut signals = Signals::new([SIGINT])?;
    let done = Done(signals.handle());
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let _done = done;
        work()
    })?;
    signals.forever().for_each(|_| stop.press());
    Ok(worker.join().unwrap_or(1))
}

#[cfg(not(unix))]
fn deep(_stop: &Stop, work: impl FnOnce() -> u8 + Send + 'static) -> io::Result<u8> {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(work)?;
    Ok(worker.join().unwrap_or(1))
}
