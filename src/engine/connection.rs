//! A connected stream, plain or secured, with what is unsent.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};

use super::command::BegunSend;
use super::context::Visit;
use super::linger::Unfinished;
use super::low_water::{LOOK, LowWater, MARK};
use super::read_buffer::ReadBuffer;
use super::reply::{Replies, Reply};
use super::send_queue::SendQueue;
use super::tls::TlsStream;
use crate::api::event::RECEIVE_WEIGHT;
use crate::api::net_error::Status;
use crate::net::{Network, Ready, Stream, Token};

/// Most bytes one receive carries (tcp.md ), and most bytes one system call usually reads.
pub(super) const MAX_RECEIVE: usize = 64 * 1024;
/// Most bytes one system call reads of a stream that had more than the last one took.
pub(super) const MAX_BULK: usize = 256 * 1024;

/// What came of a first attempt to write that did not take all at once; `None`: there was none.
pub(crate) type FirstWrite = Option<io::Result<usize>>;

#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) channel: Channel<S>,
    pub(super) peer: SocketAddr,
    /// Whether a server has accepted it: it can't be secured (tcp.md TLS-6).
    pub(super) is_accepted: bool,
    watched: Watched,
    /// What was to be connected to, if not the peer's address, canonical: whose certificate it takes (TLS-21).
    /// Boxed twice, since most connections have none.
    pub(super) name: Option<Box<Box<str>>>,
    pub(super) ready: Ready,
    /// Whether anything was ever sent, so that a close has something to protect (CL-4).
    wrote: bool,
    low_water: LowWater,
    pub(super) unsent: Option<Box<SendQueue>>,
}

/// What the network tells of a connection. One that was there at once is watched only when it has to wait: the first
/// bytes of an accepted one are often there already, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    Nothing,
    Reading,
    All,
}

/// What bytes go through.
#[derive(Debug)]
pub(super) enum Channel<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

/// Whether a first attempt took all of `data`.
#[inline(always)]
fn whole(data: &[u8], first: io::Result<usize>) -> Result<(), FirstWrite> {
    match first {
        Ok(taken) if taken == data.len() => Ok(()),
        first => Err(Some(first)),
    }
}

impl<S: Stream> Channel<S> {
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer, max),
            Self::Tls(stream) => stream.read(buffer, max),
        }
    }

    /// Whether bytes may be left although a read came short.
    pub(super) fn has_more(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.has_more(),
        }
    }

    #[inline]
    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(data),
            Self::Tls(stream) => stream.write(data),
        }
    }

    /// Writes of several blocks what fits; how much was taken of them.
    pub(super) fn write_blocks(&mut self, blocks: &[Bytes]) -> io::Result<usize> {
        match (self, blocks.first()) {
            (Self::Plain(stream), _) => stream.write_blocks(blocks),
            (Self::Tls(stream), Some(first)) => stream.write(first),
            (Self::Tls(_), None) => Ok(0),
        }
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Plain(stream) => stream.local_address(),
            Self::Tls(stream) => stream.local_address(),
        }
    }

    pub(super) fn peer_has_ended(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.peer_has_ended(),
            Self::Tls(stream) => stream.peer_has_ended(),
        }
    }

    pub(super) fn is_secured(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(
        stream: S,
        peer: SocketAddr,
        name: Option<Box<Box<str>>>,
        watched: Watched,
    ) -> Self {
        // Writable until the kernel says otherwise; readable only when it says so.
        let ready = Ready::WRITABLE;
        let channel = Channel::Plain(stream);
        let (is_accepted, wrote, unsent, low_water) = (false, false, None, LowWater::default());
        Self { channel, peer, is_accepted, watched, name, ready, wrote, low_water, unsent }
    }

    pub(super) fn accepted(stream: S, peer: SocketAddr) -> Self {
        let new = Self::new(stream, peer, None, Watched::Nothing);
        // Nobody tells what there is to read.
        let ready = new.ready.and(Ready::READABLE);
        Self { is_accepted: true, ready, ..new }
    }

    /// Whether it is not watched at all yet.
    #[inline]
    pub(super) fn is_unwatched(&self) -> bool {
        self.watched == Watched::Nothing
    }

    /// Whether it is watched for all that it can wait for now.
    pub(super) fn is_watched(&self) -> bool {
        match self.watched {
            Watched::Nothing => false,
            Watched::Reading => self.ready.has(Ready::WRITABLE),
            Watched::All => true,
        }
    }

    /// Has the network tell when what cannot be done now can be.
    pub(super) fn watch<N: Network<Stream = S>>(
        &mut self,
        net: &mut N,
        owner: i32,
        is_reading: bool,
    ) -> io::Result<()> {
        if !self.ready.has(Ready::WRITABLE) {
            return self.watch_all(net, owner);
        }
        match &mut self.channel {
            Channel::Plain(stream) if is_reading && !self.ready.has(Ready::READABLE) => {
                self.watched = Watched::Reading;
                net.watch(stream, Token { owner, lane: 0 })
            }
            _ => Ok(()),
        }
    }

    /// Has the network tell all; that must be so before it is secured.
    pub(super) fn watch_all<N: Network<Stream = S>>(
        &mut self,
        net: &mut N,
        owner: i32,
    ) -> io::Result<()> {
        match &mut self.channel {
            Channel::Plain(stream) if self.watched != Watched::All => {
                self.watched = Watched::All;
                net.rewatch(stream, Token { owner, lane: 0 })
            }
            _ => Ok(()),
        }
    }

    /// Own address, which the kernel keeps.
    pub(super) fn local(&self) -> SocketAddr {
        // Only a descriptor that broke meanwhile has none; the next read will tell.
        self.channel.local_address().unwrap_or(self.peer)
    }

    /// The same connection with another channel over the same stream.
    pub(super) fn with_channel(
        self,
        wrap: impl FnOnce(S) -> Result<TlsStream<S>, (S, Status)>,
    ) -> Result<Self, (Self, Status)> {
        let Self { channel, peer, is_accepted, watched, name, ready, wrote, low_water, unsent } =
            self;
        let (channel, failure) = match channel {
            Channel::Plain(stream) => match wrap(stream) {
                Ok(stream) => (Channel::Tls(Box::new(stream)), None),
                Err((stream, status)) => (Channel::Plain(stream), Some(status)),
            },
            secured @ Channel::Tls(_) => (secured, Some(Status::Unexpected)),
        };
        let connection =
            Self { channel, peer, is_accepted, watched, name, ready, wrote, low_water, unsent };
        match failure {
            None => Ok(connection),
            Some(status) => Err((connection, status)),
        }
    }

    /// The kernel has told that something can be done.
    pub(super) fn on_ready(&mut self, ready: Ready) {
        self.ready = self.ready.and(ready);
        if let Channel::Tls(stream) = &mut self.channel
            && ready.has(Ready::READABLE)
        {
            stream.on_readable();
        }
    }

    /// The most that the next read should bring, if `room` is left for events of at most `limit` bytes; `None` if no
    /// room is. It may go beyond the room, but not further because it is cut into many.
    #[inline]
    pub(super) fn next_read(&self, room: usize, limit: usize) -> Option<usize> {
        // TLS has buffers of its own between here and the kernel.
        let is_bulk = self.low_water.is_fast() && !self.channel.is_secured();
        let usual = if is_bulk { MAX_BULK } else { MAX_RECEIVE };
        // Each event counts at most twice its bytes.
        if limit >= RECEIVE_WEIGHT && room >= 2 * usual {
            return Some(usual);
        }
        if room == 0 {
            return None;
        }
        let size = if room >= usual { usual } else { MAX_RECEIVE };
        let events = room.saturating_add(MAX_RECEIVE) / (limit + RECEIVE_WEIGHT) + 1;
        Some(size.min(events * limit))
    }

    /// A read has brought `n` bytes of at most `max`; whether there may be more.
    #[inline(always)]
    pub(super) fn note_read(&mut self, n: usize, max: usize) -> bool {
        self.low_water.note_read(n);
        // A short read has emptied the kernel's buffer, unless the end is waiting in it.
        if n >= max || self.ready.has(Ready::READ_CLOSED) {
            return true;
        }
        let has_more = self.channel.has_more();
        self.ready.set(Ready::READABLE, has_more);
        has_more
    }

    /// Nothing is left after a large read: if the stream is a fast one, the network tells of a good deal at once from
    /// now on, unless the program answers what it reads. What to do next.
    pub(super) fn after_large_read<N: Network<Stream = S>>(&mut self, net: &mut N) -> Visit {
        if self.low_water.is_in_the_way() {
            self.lift_low_water(net, false);
            return Visit::Again;
        }
        let Channel::Plain(stream) = &mut self.channel else { return Visit::Rest };
        if self.unsent.is_some() || !self.low_water.is_due() {
            return Visit::Rest;
        }
        match net.set_low_water(stream, MARK) {
            Ok(()) => {
                let needs_look = self.low_water.note_set();
                if needs_look { Visit::Look(net.now() + LOOK) } else { Visit::Rest }
            }
            Err(_) => {
                self.low_water.note_refused();
                Visit::Rest
            }
        }
    }

    /// Sees to it that no end of a burst lies untold: what to do next.
    pub(super) fn look_at_low_water<N: Network<Stream = S>>(&mut self, net: &mut N) -> Visit {
        if !self.low_water.look() {
            return Visit::Rest;
        }
        if self.low_water.stays() {
            return Visit::Look(net.now() + LOOK);
        }
        self.give_up_low_water(net);
        Visit::Again
    }

    /// Lifts the mark, if it is set, behind which something may lie by now: that is late.
    pub(super) fn give_up_low_water<N: Network<Stream = S>>(&mut self, net: &mut N) {
        let is_untold = !self.ready.has(Ready::READABLE);
        self.lift_low_water(net, is_untold);
    }

    /// From now on the network tells of whatever can be read. What is there is read without that.
    fn lift_low_water<N: Network<Stream = S>>(&mut self, net: &mut N, is_late: bool) {
        if self.low_water.lift(is_late)
            && let Channel::Plain(stream) = &mut self.channel
        {
            // What could be set can be set back.
            let _ = net.set_low_water(stream, 1);
            self.ready.set(Ready::READABLE, true);
        }
    }

    pub(super) fn queue(&mut self) -> &mut SendQueue {
        self.unsent.get_or_insert_default()
    }

    /// Whether nothing waits to be written before what comes next.
    #[inline(always)]
    fn may_write(&self) -> bool {
        self.unsent.is_none() && self.ready.has(Ready::WRITABLE)
    }

    /// Writes `data`, if nothing waits before it and the kernel takes all of it at once, as it nearly always does.
    #[inline(always)]
    pub(super) fn write_whole(&mut self, data: &[u8]) -> Result<(), FirstWrite> {
        if !self.may_write() || data.is_empty() {
            return Err(None);
        }
        self.note_write();
        whole(data, self.channel.write(data))
    }

    /// Sends several calls' bytes, which lie in `data` one after the other, behind what waits already: those that
    /// `write_whole` has begun.
    pub(super) fn send(
        &mut self,
        data: &[u8],
        begun: FirstWrite,
        mut sends: Replies<'_>,
    ) -> io::Result<()> {
        let (taken, written) = match begun {
            Some(first) => self.write_on(data, first),
            None => (0, Ok(())),
        };
        let of_next = match self.unsent {
            None => sends.complete_covered(taken),
            Some(_) => 0,
        };
        if !sends.is_empty() {
            self.queue().push_copies(&data[taken - of_next..], of_next, sends);
        }
        written
    }

    /// Goes on writing after a first attempt, until nothing more is taken; how much was, before a failure if there
    /// was one.
    fn write_on(&mut self, data: &[u8], first: io::Result<usize>) -> (usize, io::Result<()>) {
        let (mut taken, mut last) = (0, first);
        loop {
            match last {
                Ok(0) => return (taken, Err(io::ErrorKind::WriteZero.into())),
                Ok(n) => taken += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.ready.set(Ready::WRITABLE, false);
                    return (taken, Ok(()));
                }
                Err(error) => return (taken, Err(error)),
            }
            if taken == data.len() {
                return (taken, Ok(()));
            }
            last = self.channel.write(&data[taken..]);
        }
    }

    /// `write_whole` in plain text, to be followed by `note_write` or `go_on`.
    pub(super) fn begin_write(&self, data: &[u8]) -> Result<(), FirstWrite> {
        let Channel::Plain(stream) = &self.channel else { return Err(None) };
        if !self.may_write() {
            return Err(None);
        }
        whole(data, stream.write(data))
    }

    /// Goes on with a send of which `begin_write` has not written all.
    pub(super) fn go_on(&mut self, begun: BegunSend, reply: Reply) -> io::Result<()> {
        let BegunSend { len, first, rest } = begun;
        self.note_write();
        self.queue().push_rest(rest, len, reply);
        match first {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready.set(Ready::WRITABLE, false);
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => self.flush().map(|_| ()),
        }
    }

    pub(super) fn note_write(&mut self) {
        self.wrote = true;
        self.low_water.note_write();
    }

    /// Whether there may be something that `flush` writes.
    #[inline]
    pub(super) fn may_flush(&self) -> bool {
        self.unsent.is_some() || self.channel.is_secured()
    }

    /// Writes what is unsent; whether more could be written at once.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        if !self.ready.has(Ready::WRITABLE) {
            return Ok(false);
        }
        if self.unsent.is_some() {
            self.note_write();
        }
        let flushed = match (&mut self.unsent, &mut self.channel) {
            (Some(unsent), channel) => unsent.flush(channel),
            (None, Channel::Tls(stream)) => stream.flush_own().map(|_| true),
            (None, Channel::Plain(_)) => return Ok(false),
        };
        match flushed {
            Ok(true) => {
                self.unsent = None;
                Ok(false)
            }
            Ok(false) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready.set(Ready::WRITABLE, false);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn cancel_sends(&mut self) {
        if let Some(unsent) = self.unsent.take() {
            unsent.into_replies().for_each(|reply| reply.fail(Status::SocketNotConnected));
        }
    }

    /// The peer has ended or broken the connection: a secured one says goodbye too.
    pub(super) fn hang_up(self) {
        if let Channel::Tls(stream) = self.channel {
            drop(stream.into_plain());
        }
    }

    /// What is left to do, if closing now could destroy what was sent: the system resets a connection for bytes of the
    /// peer that wait in it, or that come before the peer has everything (D5, CL-4). The peer of a secured one writes
    /// by itself, such as tickets. If nothing was sent it is enough to read once, for the peer to see an orderly end:
    /// as much as Chromium reads of a paused socket (PA-5).
    pub(super) fn into_unfinished(self, buffer: &mut ReadBuffer) -> Option<Unfinished<S>> {
        let wrote = self.wrote;
        let (mut stream, is_tls, is_agreed) = match self.channel {
            Channel::Plain(stream) => (stream, false, false),
            Channel::Tls(stream) => {
                let is_agreed = stream.is_agreed();
                (stream.into_plain(), true, is_agreed)
            }
        };
        if is_agreed && !stream.peer_has_ended() {
            return Some(Unfinished { stream, is_peer_talking: true });
        }
        let read = buffer.discard(MAX_RECEIVE, |buffer| stream.read(buffer, MAX_RECEIVE));
        let is_peer_talking = matches!(read, Ok(n) if n > 0);
        // TLS has something to say of its own, why it has failed.
        let is_unread = is_peer_talking && (wrote || is_tls);
        let is_unfinished = is_unread || wrote && stream.unacknowledged() > 0;
        is_unfinished.then_some(Unfinished { stream, is_peer_talking })
    }
}
