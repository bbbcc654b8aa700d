//! Connections that the program has closed while bytes of the peer were waiting: closing at once
//! would reset them and could destroy what was sent. They end their sending side, then drain until
//! the peer is done, or for a short while (tcp.md D5, CL-4).

use std::io;
use std::time::{Duration, Instant};

use super::id_map::IdMap;
use super::read_buffer::ReadBuffer;
use crate::net::{Network, Stream, Token};

/// How long a connection may drain.
const MAX_TIME: Duration = Duration::from_secs(2);
/// How many bytes it may drain.
const MAX_BYTES: usize = 1024 * 1024;
const READ: usize = 64 * 1024;

/// The draining connections of one app, under negative owner numbers.
#[derive(Debug)]
pub(super) struct Linger<S> {
    streams: IdMap<i32, Lingering<S>>,
    last_owner: i32,
}

#[derive(Debug)]
struct Lingering<S> {
    stream: S,
    left: usize,
}

impl<S> Default for Linger<S> {
    fn default() -> Self {
        Self { streams: IdMap::default(), last_owner: 0 }
    }
}

impl<S: Stream> Linger<S> {
    /// Takes over a connection; the owner number and the time to call `on_time`.
    pub(super) fn add<N: Network<Stream = S>>(
        &mut self,
        net: &mut N,
        mut stream: S,
        buffer: &mut ReadBuffer,
    ) -> Option<(Instant, i32)> {
        let owner = self.last_owner.checked_sub(1).unwrap_or(-1);
        self.last_owner = owner;
        let token = Token { owner, lane: 0 };
        if stream.shut_down_write().is_err() || net.rewatch(&mut stream, token).is_err() {
            return None;
        }
        let until = net.now() + MAX_TIME;
        self.streams.insert(owner, Lingering { stream, left: MAX_BYTES });
        self.on_ready(owner, buffer);
        self.streams.contains_key(&owner).then_some((until, owner))
    }

    /// Drains; the connection is closed when the peer is done or has said too much.
    pub(super) fn on_ready(&mut self, owner: i32, buffer: &mut ReadBuffer) {
        let Some(lingering) = self.streams.get_mut(&owner) else {
            return;
        };
        while lingering.left > 0 {
            let read = buffer.discard(READ, |buffer| lingering.stream.read(buffer, READ));
            match read {
                Ok(n) if n > 0 => lingering.left = lingering.left.saturating_sub(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                _ => break,
            }
        }
        self.streams.remove(&owner);
    }

    /// The connection's time has come: closes it, if the peer is not done yet.
    pub(super) fn on_time(&mut self, owner: i32) {
        self.streams.remove(&owner);
    }
}
