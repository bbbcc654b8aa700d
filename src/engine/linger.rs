//! Connections that the program has closed while closing them at once could destroy what was sent: the system would
//! answer bytes of the peer, waiting or to come, with a reset. They end their sending side, then drain until the peer
//! is done or has everything, or for a while (tcp.md D5, CL-4). The system does not tell when the peer has more: that
//! is looked at now and then.

use std::io;
use std::time::{Duration, Instant};

use super::id_map::IdMap;
use super::read_buffer::ReadBuffer;
use crate::net::{Network, Stream, Token};

/// How long a peer that talks may do so although it has everything.
const COURTESY: Duration = Duration::from_secs(2);
/// How long a peer that does not have everything may take nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may drain at all.
const MAX_TIME: Duration = Duration::from_secs(60);
/// After how long a connection is looked at first; then after twice that, and so on.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// The longest time between two looks.
const LONGEST_INTERVAL: Duration = Duration::from_secs(2);
/// How many bytes a connection drains until others have their turn, or for good if the peer has everything.
const MAX_BYTES: usize = 1024 * 1024;
const READ: usize = 64 * 1024;

/// The draining connections of one app, under negative owner numbers.
#[derive(Debug)]
pub(super) struct Linger<S> {
    streams: IdMap<i32, Lingering<S>>,
    last_owner: i32,
}

/// A closed connection with something left to do.
#[derive(Debug)]
pub(super) struct Unfinished<S> {
    pub(super) stream: S,
    /// Whether bytes of the peer have come, or are likely to.
    pub(super) is_peer_talking: bool,
}

#[derive(Debug)]
struct Lingering<S> {
    stream: S,
    /// What is left of `MAX_BYTES`.
    left: usize,
    /// What the peer did not have when that was looked at last, and since when that is so.
    unacknowledged: usize,
    since: Instant,
    interval: Duration,
    next_look: Instant,
    courtesy_until: Instant,
    until: Instant,
}

/// What came of draining.
enum Drained {
    /// Nothing is left for now.
    All,
    /// The peer has said as much as it may for now.
    Much,
    /// The peer is done.
    Ended,
}

impl<S> Default for Linger<S> {
    fn default() -> Self {
        Self { streams: IdMap::default(), last_owner: 0 }
    }
}

impl<S: Stream> Linger<S> {
    /// Takes over a connection; its owner number and the time to call `on_time`.
    pub(super) fn add<N: Network<Stream = S>>(
        &mut self,
        net: &mut N,
        Unfinished { mut stream, is_peer_talking }: Unfinished<S>,
        buffer: &mut ReadBuffer,
    ) -> Option<(Instant, i32)> {
        let owner = self.last_owner.checked_sub(1).unwrap_or(-1);
        self.last_owner = owner;
        let token = Token { owner, lane: 0 };
        if stream.shut_down_write().is_err() || net.rewatch(&mut stream, token).is_err() {
            return None;
        }
        let now = net.now();
        let mut lingering = Lingering {
            unacknowledged: stream.unacknowledged(),
            stream,
            left: MAX_BYTES,
            since: now,
            interval: FIRST_LOOK,
            next_look: now,
            courtesy_until: if is_peer_talking { now + COURTESY } else { now },
            until: now + MAX_TIME,
        };
        lingering.look_later(now);
        self.streams.insert(owner, lingering);
        self.on_ready(net, owner, buffer)
    }

    /// The time has come to go on draining, or to look at the connection; when to call this again.
    pub(super) fn on_time<N: Network<Stream = S>>(
        &mut self,
        net: &N,
        owner: i32,
        buffer: &mut ReadBuffer,
    ) -> Option<(Instant, i32)> {
        let now = net.now();
        let it = self.streams.get_mut(&owner)?;
        if now < it.next_look {
            return self.on_ready(net, owner, buffer);
        }
        if it.is_over(now) {
            self.streams.remove(&owner);
            return None;
        }
        it.look_later(now);
        self.on_ready(net, owner, buffer)
    }

    /// Drops what the peer has said; when to call `on_time`. The connection is closed when the peer is done, or says
    /// much although it has everything.
    pub(super) fn on_ready<N: Network<Stream = S>>(
        &mut self,
        net: &N,
        owner: i32,
        buffer: &mut ReadBuffer,
    ) -> Option<(Instant, i32)> {
        let it = self.streams.get_mut(&owner)?;
        match it.drain(buffer) {
            Drained::All => Some((it.next_look, owner)),
            Drained::Much if it.stream.unacknowledged() > 0 => {
                it.left = MAX_BYTES;
                Some((net.now(), owner))
            }
            Drained::Much | Drained::Ended => {
                self.streams.remove(&owner);
                None
            }
        }
    }
}

impl<S: Stream> Lingering<S> {
    /// Whether the peer has everything, or takes nothing more.
    fn is_over(&mut self, now: Instant) -> bool {
        let before = std::mem::replace(&mut self.unacknowledged, self.stream.unacknowledged());
        if self.unacknowledged < before {
            self.since = now;
        }
        let is_waited_for = match self.unacknowledged {
            0 => now < self.courtesy_until,
            _ => now < self.since + PATIENCE && now < self.until,
        };
        !is_waited_for
    }

    fn look_later(&mut self, now: Instant) {
        let is_courtesy = self.unacknowledged == 0 && now < self.courtesy_until;
        self.next_look = if is_courtesy { self.courtesy_until } else { now + self.interval };
        self.interval = (self.interval * 2).min(LONGEST_INTERVAL);
    }

    fn drain(&mut self, buffer: &mut ReadBuffer) -> Drained {
        while self.left > 0 {
            match buffer.discard(READ, |buffer| self.stream.read(buffer, READ)) {
                Ok(n) if n > 0 => self.left = self.left.saturating_sub(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Drained::All,
                _ => return Drained::Ended,
            }
        }
        Drained::Much
    }
}
