//! The [`Link`] that opens connections as any program does: with ordinary sockets, for which nobody needs a privilege.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::LiveWorld;
use super::wait::{Waited, wait_each};
use crate::base::Time;
use crate::net::connect::only_dials;
use crate::net::{ConnectError, Dial, Event, Link, LinkInfo, NetError, Polled, Via, World};

/// Sockets at a time, where the limit of the process allows as many.
const MOST_OPEN: usize = 1024;
/// Connections that may wait for a socket.
const MOST_WAITING: usize = 1 << 16;
/// A connection with itself happens once in some ten thousand; so often is it tried anew.
const MOST_RETRIES: u8 = 4;

/// Opens connections, closes them at once, and tells what became of them.
pub(super) struct Dialer {
    world: LiveWorld,
    about: LinkInfo,
    open: Vec<Open>,
    /// Those that wait for a socket, in the order in which they were asked for.
    waiting: VecDeque<(Dial, u64, u8)>,
    /// Sockets at a time, less when the system has run out of descriptors.
    most: usize,
}

/// A socket that is connecting.
struct Open {
    socket: Socket,
    dial: Dial,
    token: u64,
    retries: u8,
}

/// How a connection began, or ended.
enum Start {
    Pending(Socket),
    Done(Result<(), ConnectError>),
    /// It was connected with itself: nobody listens there.
    Itself,
    /// The system is out of descriptors, memory or ports.
    Exhausted(io::Error),
}

impl Dialer {
    pub(super) fn new(world: LiveWorld) -> Self {
        let about = LinkInfo { world: "live", wall_zero: world.wall_zero() };
        Self { world, about, open: Vec::new(), waiting: VecDeque::new(), most: most_open() }
    }

    /// Opens what waits, as long as there are sockets. Whether something was told.
    fn begin(&mut self, now: Time, on: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut told = false;
        while self.open.len() < self.most
            && let Some((dial, token, retries)) = self.waiting.pop_front()
        {
            if dial.until <= now {
                continue;
            }
            match start(&dial) {
                Start::Pending(socket) => self.open.push(Open { socket, dial, token, retries }),
                Start::Done(outcome) => told |= tell(outcome, token, self.world.now(), on),
                Start::Itself => told |= self.again(dial, token, retries, on),
                Start::Exhausted(_) if !self.open.is_empty() => {
                    self.waiting.push_front((dial, token, retries));
                    self.most = self.open.len();
                }
                Start::Exhausted(error) => {
                    on(Event::Failed { token, error: NetError::system("opening a connection", &error) });
                    told = true;
                }
            }
        }
        told
    }

    /// Puts a connection that met itself in front of those that wait. Whether it was given up, and that was told.
    fn again(&mut self, dial: Dial, token: u64, retries: u8, on: &mut dyn FnMut(Event<'_>)) -> bool {
        if retries < MOST_RETRIES {
            self.waiting.push_front((dial, token, retries + 1));
            return false;
        }
        tell(Err(ConnectError::Refused), token, self.world.now(), on)
    }

    /// Tells what became of the sockets that are `ready`, by their places, and closes them.
    fn finish(&mut self, ready: &[usize], on: &mut dyn FnMut(Event<'_>)) -> bool {
        let (at, mut told) = (self.world.now(), false);
        for place in ready.iter().rev() {
            let Open { socket, dial, token, retries } = self.open.swap_remove(*place);
            // Read once: reading clears it, and the next would find none and call the port open.
            match socket.take_error() {
                Ok(None) => match connected(&socket) {
                    Start::Itself => told |= self.again(dial, token, retries, on),
                    Start::Done(outcome) => told |= tell(outcome, token, at, on),
                    Start::Pending(_) | Start::Exhausted(_) => {}
                },
                Ok(Some(error)) | Err(error) => told |= tell(ended(&error), token, at, on),
            }
        }
        told
    }

    /// The next time at which a connection is given up.
    fn soonest(&self) -> Time {
        self.open.iter().map(|open| open.dial.until).min().unwrap_or(Time::NEVER)
    }
}

impl Link for Dialer {
    fn about(&self) -> &LinkInfo {
        &self.about
    }

    fn now(&self) -> Time {
        self.world.now()
    }

    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        let Via::Connect(dial) = via else { return Err(only_dials(bytes)) };
        if self.waiting.len() >= MOST_WAITING {
            let message = format!("{MOST_WAITING} connections wait already; hear of some before asking for more");
            return Err(NetError::System { doing: "opening a connection".to_owned(), message });
        }
        self.waiting.push_back((dial, token, 0));
        Ok(())
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let mut polled = Vec::new();
        loop {
            let now = self.now();
            self.open.retain(|open| open.dial.until > now);
            let mut told = self.begin(now, on);
            let wait_until = if told { now } else { until.min(self.soonest()) };
            polled.clear();
            polled.extend(self.open.iter().map(|open| libc::pollfd {
                fd: open.socket.as_raw_fd(),
                events: libc::POLLOUT,
                revents: 0,
            }));
            let waited = wait_each(&mut polled, self.world.inner.wake.as_ref(), wait_until - now);
            let ready: Vec<usize> = (0..self.open.len()).filter(|place| polled[*place].revents != 0).collect();
            told |= self.finish(&ready, on);
            match waited {
                Waited::Interrupted => return Ok(Polled::Interrupted),
                _ if told => return Ok(Polled::Some),
                _ if self.now() >= until => return Ok(Polled::Timeout),
                _ => {}
            }
        }
    }

    fn pause(&mut self) -> Result<(), NetError> {
        self.open.clear();
        self.waiting.clear();
        self.most = most_open();
        Ok(())
    }
}

fn tell(outcome: Result<(), ConnectError>, token: u64, at: Time, on: &mut dyn FnMut(Event<'_>)) -> bool {
    on(match outcome {
        Ok(()) => Event::Connected { token, at },
        Err(why) => Event::Refused { token, at, why },
    });
    true
}

/// Begins to connect. Closing the socket resets the connection (`SO_LINGER` of zero, socket(7)).
fn start(dial: &Dial) -> Start {
    let connect = || {
        let socket = Socket::new(Domain::for_address(dial.to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        socket.set_linger(Some(Duration::ZERO))?;
        let begun = socket.connect(&dial.to.into());
        Ok::<_, io::Error>((socket, begun))
    };
    match connect() {
        Ok((socket, Ok(()))) => connected(&socket),
        // An answer that comes while connect() still runs, as from a namespace of this machine, wakes nobody over IPv6:
        // the kernel only remembers the error. Where there is none, nothing is cleared by asking.
        Ok((socket, Err(e))) if e.raw_os_error() == Some(libc::EINPROGRESS) => match socket.take_error() {
            Ok(None) => Start::Pending(socket),
            Ok(Some(error)) | Err(error) => Start::Done(ended(&error)),
        },
        Ok((_, Err(e))) | Err(e) => match e.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EADDRNOTAVAIL | libc::EAGAIN) => {
                Start::Exhausted(e)
            }
            _ => Start::Done(Err(why(&e))),
        },
    }
}

/// A socket that has no error: connected, perhaps with itself. A port of this machine that is closed may be the one that
/// the system chose to connect from, and the two SYNs cross (RFC 9293 section 3.5).
fn connected(socket: &Socket) -> Start {
    match (socket.local_addr(), socket.peer_addr()) {
        (Ok(local), Ok(peer)) if local == peer => Start::Itself,
        (_, Ok(_)) => Start::Done(Ok(())),
        (_, Err(e)) if e.raw_os_error() == Some(libc::ENOTCONN) => Start::Done(Ok(())), // made, and closed since
        (_, Err(e)) => Start::Done(Err(why(&e))),
    }
}

/// What an error says of a connection that was begun. A reset means "refused" only until the other side has answered the
/// SYN (`tcp_reset` in Linux): these two came after that, from a program that takes connections and closes them at once.
fn ended(error: &io::Error) -> Result<(), ConnectError> {
    match error.raw_os_error() {
        Some(libc::ECONNRESET | libc::EPIPE) => Ok(()),
        _ => Err(why(error)),
    }
}

fn why(error: &io::Error) -> ConnectError {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => ConnectError::Refused,
        Some(libc::EHOSTUNREACH) => ConnectError::HostUnreachable,
        Some(libc::ENETUNREACH) => ConnectError::NetUnreachable,
        Some(libc::ENOPROTOOPT) => ConnectError::ProtoUnreachable,
        Some(libc::EACCES) => ConnectError::Denied,
        Some(libc::ENONET) => ConnectError::NoNet,
        Some(libc::ETIMEDOUT) => ConnectError::TimedOut,
        Some(libc::EHOSTDOWN) => ConnectError::HostDown,
        other => ConnectError::Other(other.unwrap_or(0)),
    }
}

/// Half of what the process may have open: scripts have files, too.
fn most_open() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is live for the call, and of the type that it fills in.
    let done = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let most = if done == 0 { usize::try_from(limit.rlim_cur / 2).unwrap_or(MOST_OPEN) } else { 64 };
    most.clamp(1, MOST_OPEN)
}
