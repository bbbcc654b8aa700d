//! The real network: mio and socket2 behind the traits of this layer; the only maker of sockets.
//!
//! Every socket of an app is non-blocking, every descriptor close-on-exec, no write raises SIGPIPE, and readiness is
//! edge-triggered.
//! A socket is registered when it is made, a connected or accepted one when it has to wait first; room to write
//! may be asked for later. Closing a descriptor ends its registration: only that of a listener is undone by hand.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod alarm;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod batch;
mod datagram;
mod interfaces;
mod of_thread;
mod passed;
mod random;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod rtnetlink;
mod share;
mod signals;
mod tcp;
mod token;
mod transfer;
mod waiting;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use mio::{Interest, Registry, event::Source};
use socket2::Socket;

use super::{Feature, MulticastOptions, Network, SocketSettings, Started, Token};
use crate::api::properties::NetworkInterface;
use datagram::{Scratch, SysDatagram};
use share::Share;
use tcp::{SysListener, SysStream};
use token::pack;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use interfaces::addresses;
pub(super) use interfaces::usable_interfaces;
pub(crate) use of_thread::{OfThread, this_thread};
pub(crate) use passed::Passed;
pub(crate) use random::gives_random_numbers;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use rtnetlink::addresses;
pub(crate) use signals::without_signals;
pub(crate) use token::{MAX_SLOTS, WAKER};
pub(crate) use waiting::{Waiting, has_ended, is_watched, watch};

/// No datagram, and no run of joined ones, is longer.
const LONGEST_RECEIVED: usize = 65_536;

pub(super) const SOMAXCONN: i32 = libc::SOMAXCONN;

/// Sockets of one app, registered with its reactor's poll.
#[derive(Debug)]
pub(crate) struct SysNetwork {
    registry: Rc<Registry>,
    /// Distinguishes this app's tokens from those of others on the same reactor.
    slot: u32,
    settings: SocketSettings,
    /// How many more descriptors its sockets may have.
    left: Rc<Cell<u32>>,
    scratch: Rc<RefCell<Scratch>>,
}

/// What a source can report that is read from.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READING: Interest = Interest::READABLE.add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READING: Interest = Interest::READABLE;
/// Everything a source can report.
const INTEREST: Interest = READING.add(Interest::WRITABLE);

impl SysNetwork {
    pub(crate) fn new(registry: Rc<Registry>, slot: u32, settings: SocketSettings) -> Self {
        // No process has as many as that.
        let left = Rc::new(Cell::new(settings.max_open.map_or(u32::MAX, NonZeroU32::get)));
        Self { registry, slot, settings, left, scratch: Rc::default() }
    }

    fn register(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        self.registry.register(source, pack(self.slot, token), INTEREST)
    }
}

/// Lets other sockets that allow it too have the same address; the system spreads what comes over them.
/// Elsewhere than on Linux the option has another meaning, or none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reuse_port(_: &Socket) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// Whether this system can.
pub(super) fn try_to_reuse_port() -> io::Result<()> {
    reuse_port(&tcp::new_socket(SocketAddr::from(([127, 0, 0, 1], 0)))?)
}

impl Network for SysNetwork {
    type Stream = SysStream;
    type Listener = SysListener;
    type Datagram = SysDatagram;

    fn connect(&mut self, peer: SocketAddr, token: Token) -> io::Result<Started<SysStream>> {
        let mut stream = SysStream::connect(peer, Share::take(&self.left)?)?;
        // Within the host the peer's answer is usually here when `connect` returns.
        let is_local = peer.ip().is_loopback() || peer.ip().is_unspecified();
        let is_watched = !(is_local && self.settings.may_use(Feature::PromptConnect));
        if is_watched {
            self.register(&mut stream.socket, token)?;
        }
        Ok(Started { stream, is_watched })
    }

    fn listen(&mut self, local: SocketAddr, backlog: i32, token: Token) -> io::Result<SysListener> {
        SysListener::listen(self, local, backlog, token)
    }

    fn watch(&mut self, stream: &mut SysStream, token: Token) -> io::Result<()> {
        self.registry.register(&mut stream.socket, pack(self.slot, token), READING)
    }

    fn rewatch(&mut self, stream: &mut SysStream, token: Token) -> io::Result<()> {
        let again = self.registry.reregister(&mut stream.socket, pack(self.slot, token), INTEREST);
        match again {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.register(&mut stream.socket, token)
            }
            result => result,
        }
    }

    fn set_low_water(&mut self, stream: &mut SysStream, bytes: usize) -> io::Result<()> {
        if !self.settings.may_use(Feature::Rcvlowat) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        tcp::set_low_water(&stream.socket, bytes)
    }

    fn bind(
        &mut self,
        local: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SysDatagram> {
        SysDatagram::bind(self, local, options, token)
    }

    fn connect_datagram(
        &mut self,
        peer: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SysDatagram> {
        SysDatagram::connect(self, peer, options, token)
    }

    fn interfaces(&mut self) -> io::Result<Vec<NetworkInterface>> {
        super::interfaces::list()
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn calendar_time(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// Apple systems have SO_NOSIGPIPE instead, which socket2 sets on every socket.
#[cfg(target_vendor = "apple")]
pub(super) const NO_SIGNAL: i32 = 0;
#[cfg(not(target_vendor = "apple"))]
pub(super) const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;

/// Does it again as long as a signal interrupts it.
fn retrying<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
