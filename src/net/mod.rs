//! Sockets as the engine sees them: traits, so that whole conversations run in tests without a
//! kernel, and one real implementation (`sys`).
//!
//! Everything is non-blocking. Readiness is edge-triggered: a socket that answered `WouldBlock`
//! becomes ready again only by a later event.

pub mod address;
mod datagrams;
mod interfaces;
pub mod os_error;
pub(crate) mod sys;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::api::net_error::Status;
use crate::api::properties::NetworkInterface;
pub use datagrams::Datagrams;

/// Lanes that a token can tell apart.
pub const MAX_LANES: u16 = 1 << 12;

/// Which I/O source of a socket an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Owner: positive = a socket id; negative = a connection that outlives its id while it drains.
    pub owner: i32,
    /// Which of the owner's concurrent attempts; 0 unless connecting.
    pub lane: u16,
}

/// What an I/O source became ready for: any of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready(u8);

impl Ready {
    /// Reading or accepting may succeed.
    pub const READABLE: Self = Self(1);
    /// Writing may succeed, or a connection attempt has ended.
    pub const WRITABLE: Self = Self(2);
    /// The peer's end of stream, an error or a mark is waiting to be read: a short read does not tell
    /// that nothing is left.
    pub const READ_CLOSED: Self = Self(4);

    /// Whether this is among them.
    #[inline]
    #[must_use]
    pub const fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    /// These and those that another event reports.
    #[inline]
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Notes whether this is among them.
    #[inline]
    pub fn set(&mut self, what: Self, is: bool) {
        self.0 = if is { self.0 | what.0 } else { self.0 & !what.0 };
    }
}

/// A connected, or connecting, byte stream.
pub trait Stream: std::fmt::Debug {
    /// Reads at most `max` bytes to the end of `buffer`; 0 = end of stream.
    fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize>;
    /// Writes what fits; never raises SIGPIPE.
    fn write(&self, data: &[u8]) -> io::Result<usize>;
    /// Writes what fits of several blocks in order; never raises SIGPIPE.
    fn write_blocks(&mut self, blocks: &[Bytes]) -> io::Result<usize>;
    /// Ends the sending side.
    fn shut_down_write(&mut self) -> io::Result<()>;
    /// The error that ended a connection attempt, taken once.
    fn take_error(&mut self) -> io::Result<Option<io::Error>>;
    /// Own address.
    fn local_address(&self) -> io::Result<SocketAddr>;
    /// Peer's address; an error while the attempt is running.
    fn peer_address(&self) -> io::Result<SocketAddr>;
    /// TCP_NODELAY.
    fn set_no_delay(&mut self, on: bool) -> io::Result<()>;
    /// Bytes that were written and that the peer's system does not have yet, as far as it has said; 0 where the own
    /// system does not tell.
    fn unacknowledged(&self) -> usize;
    /// Whether the peer has ended or broken the connection, read or not.
    fn peer_has_ended(&self) -> bool;
    /// SO_KEEPALIVE, and its idle time and interval in seconds unless `delay` is 0.
    fn set_keep_alive(&mut self, on: bool, delay: i32) -> io::Result<()>;
}

/// A connection attempt that has not failed at once.
#[derive(Debug)]
pub struct Started<S> {
    /// What is to be connected.
    pub stream: S,
    /// Whether an event tells how it ends. If not, it may be over by now: who has looked and found that it is not
    /// has it watched.
    pub is_watched: bool,
}

/// A listening socket.
pub trait Listener: std::fmt::Debug {
    /// The streams it accepts.
    type Stream: Stream;
    /// Accepts one connection, with the options of a fresh connection set.
    fn accept(&mut self) -> io::Result<(Self::Stream, SocketAddr)>;
    /// Whether one waits to be accepted: to be told so costs less than to be refused one.
    fn has_more(&self) -> bool;
    /// Own address, with the real port.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// Makes sockets, watches them and tells the time.
pub trait Network: std::fmt::Debug {
    /// Its streams.
    type Stream: Stream;
    /// Its datagram sockets.
    type Datagram: Datagram;
    /// Its listeners.
    type Listener: Listener<Stream = Self::Stream>;
    /// Starts a connection attempt, watched under `token` unless it may be over by now.
    fn connect(&mut self, peer: SocketAddr, token: Token) -> io::Result<Started<Self::Stream>>;
    /// Listens, watched under `token`.
    fn listen(
        &mut self,
        local: SocketAddr,
        backlog: i32,
        token: Token,
    ) -> io::Result<Self::Listener>;
    /// Watches a stream under `token` for what can be read; it was not watched before.
    fn watch(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()>;
    /// Watches a stream under `token` for everything from now on, whether or not it was watched before.
    fn rewatch(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()>;
    /// Has it told that a stream can be read once so many bytes can, or its end, and no sooner; for what there is by then
    /// the caller looks itself. An error where the system cannot, or is not to.
    fn set_low_water(&mut self, stream: &mut Self::Stream, bytes: usize) -> io::Result<()>;
    /// Opens a datagram socket at `local`, watched under `token`.
    fn bind(
        &mut self,
        local: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<Self::Datagram>;
    /// Opens a datagram socket at a random port whose one peer is `peer`, watched under `token`.
    fn connect_datagram(
        &mut self,
        peer: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<Self::Datagram>;
    /// The addresses of the machine's interfaces (socket-legacy.md 10).
    fn interfaces(&mut self) -> io::Result<Vec<NetworkInterface>>;
    /// The time, for timers.
    fn now(&self) -> Instant;
    /// The time since 1970, for certificates.
    fn calendar_time(&self) -> Duration;
}

/// What a host asks of an app's sockets beyond what the API knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketSettings {
    /// Whether listeners, and UDP sockets that are bound, share their addresses with those of other apps
    /// that do so too.
    pub reuse_port: bool,
    /// Most of them that have a descriptor at once, if they are limited.
    pub max_open: Option<NonZeroU32>,
    /// Features that are not used, as the sum of their numbers.
    pub without: u32,
}

/// What makes sockets cheaper and can be done without: a system without it, or with a fault in it, shows the
/// same behaviour.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// UDP_SEGMENT: datagrams of equal size to one address leave by one system call.
    UdpSegment = 1,
    /// UDP_GRO: datagrams of equal size from one sender arrive in one piece.
    UdpGro = 2,
    /// recvmmsg: several datagrams, or pieces of them, are received by one system call.
    Recvmmsg = 4,
    /// Sends on a connection that follow one another leave by one system call.
    GatheredSends = 8,
    /// A connection attempt within the host is over when asking for it returns: no event has to tell.
    PromptConnect = 16,
    /// SO_RCVLOWAT: of a fast stream a good deal is told of at once.
    Rcvlowat = 32,
    /// A larger send of a callback on the reactor's thread is written before its call returns.
    PromptSends = 64,
}

impl SocketSettings {
    /// Whether a feature may be used where the system has it.
    #[must_use]
    pub fn may_use(self, feature: Feature) -> bool {
        self.without & feature as u32 == 0
    }

    /// Whether the system can do it.
    pub fn check(self) -> Result<(), Status> {
        if self.reuse_port {
            sys::try_to_reuse_port().map_err(|error| os_error::status(&error))?;
        }
        Ok(())
    }
}

/// Backlog of a `listen` that gives none: the platform's SOMAXCONN.
pub const DEFAULT_BACKLOG: i32 = sys::SOMAXCONN;

/// Flag of a send that raises no SIGPIPE.
pub const NO_SIGNAL: i32 = sys::NO_SIGNAL;

/// A datagram socket.
pub trait Datagram: std::fmt::Debug {
    /// Receives datagrams that are waiting, at most as many as suit one turn, whole and in order;
    /// whether that were all, so that only a new event can bring more.
    fn receive(&mut self, into: &mut Datagrams) -> io::Result<bool>;
    /// Sends one datagram, to `to` or to the connected peer.
    fn send(&mut self, data: &[u8], to: Option<SocketAddr>) -> io::Result<()>;
    /// Sends datagrams of `each` bytes, which lie in `data` one after the other (the last may be
    /// shorter), to `to`: all of them, or none and an error. Not every system can.
    fn send_equal(&mut self, _data: &[u8], _each: u16, _to: SocketAddr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Own address.
    fn local_address(&self) -> io::Result<SocketAddr>;
    /// Joins a multicast group on the system's default interface.
    fn join(&mut self, group: IpAddr) -> io::Result<()>;
    /// Leaves a multicast group that was joined, wherever the default is by now.
    fn leave(&mut self, group: IpAddr) -> io::Result<()>;
    /// SO_BROADCAST.
    fn set_broadcast(&mut self, on: bool) -> io::Result<()>;
}

/// Options of a datagram socket that are fixed when it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MulticastOptions {
    /// Hops of multicast datagrams.
    pub time_to_live: u8,
    /// Whether they come back to the own host.
    pub loopback: bool,
}
