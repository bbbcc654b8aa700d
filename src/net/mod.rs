//! Sockets as the engine sees them: traits, so that whole conversations run in tests without a
//! kernel, and one real implementation (`sys`).
//!
//! Everything is non-blocking. Readiness is edge-triggered: a socket that answered `WouldBlock`
//! becomes ready again only by a later event.

pub mod address;
pub mod os_error;
pub(crate) mod sys;

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

/// Which I/O source of a socket an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Owner: positive = a socket id; negative = a connection that outlives its id while it drains.
    pub owner: i32,
    /// Which of the owner's concurrent attempts; 0 unless connecting.
    pub lane: u16,
}

/// What an I/O source became ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Reading or accepting may succeed.
    pub readable: bool,
    /// Writing may succeed, or a connection attempt has ended.
    pub writable: bool,
    /// The peer's end of stream, or an error, is waiting to be read.
    pub read_closed: bool,
}

impl Ready {
    /// Adds what another event reports.
    pub fn merge(&mut self, other: Self) {
        self.readable |= other.readable;
        self.writable |= other.writable;
        self.read_closed |= other.read_closed;
    }
}

/// A connected, or connecting, byte stream.
pub trait Stream: std::fmt::Debug {
    /// Reads at most `max` bytes to the end of `buffer`; 0 = end of stream.
    fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize>;
    /// Writes what fits; never raises SIGPIPE.
    fn write(&mut self, data: &[u8]) -> io::Result<usize>;
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
    /// SO_KEEPALIVE, and its idle time and interval in seconds unless `delay` is 0.
    fn set_keep_alive(&mut self, on: bool, delay: i32) -> io::Result<()>;
}

/// A listening socket.
pub trait Listener: std::fmt::Debug {
    /// The streams it accepts.
    type Stream: Stream;
    /// Accepts one connection, with the options of a fresh connection set.
    fn accept(&mut self) -> io::Result<(Self::Stream, SocketAddr)>;
    /// Own address, with the real port.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// Makes sockets, watches them and tells the time.
pub trait Network: std::fmt::Debug {
    /// Its streams.
    type Stream: Stream;
    /// Its listeners.
    type Listener: Listener<Stream = Self::Stream>;
    /// Starts a connection attempt, watched under `token`.
    fn connect(&mut self, peer: SocketAddr, token: Token) -> io::Result<Self::Stream>;
    /// Listens, watched under `token`.
    fn listen(
        &mut self,
        local: SocketAddr,
        backlog: i32,
        token: Token,
    ) -> io::Result<Self::Listener>;
    /// Watches an accepted stream under `token`.
    fn watch(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()>;
    /// Watches a stream under another token from now on.
    fn rewatch(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()>;
    /// The time, for timers.
    fn now(&self) -> Instant;
}

/// Backlog of a `listen` that gives none: the platform's SOMAXCONN.
pub const DEFAULT_BACKLOG: i32 = sys::SOMAXCONN;
