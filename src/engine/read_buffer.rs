//! The buffer that an engine reads into. Data that goes through no queue stays in it until the events are delivered or
//! taken away, and the next read goes behind it; so with reactor delivery all data lies in the same few cache lines.

use bytes::{Bytes, BytesMut};

use super::recycler::Recycler;
use crate::api::event::Piece;

/// Reads share a buffer of this size.
const READ_BUFFER: usize = 128 * 1024;
/// After this many bytes reads begin at its start again, if nobody holds a piece of it: the same few pages
/// stay in the cache, and the others are never touched.
const HOT: usize = 8 * 1024;
/// With more than this beside the events it counts as full: room for a read would take a copy of all of it.
const FULL: usize = READ_BUFFER / 2;
/// The data of a larger read is handed out next. Its events take that part of the buffer with them, if they go through a
/// queue or bring so much that the host may keep it as it is.
pub(super) const SMALL: usize = 1024;

/// That buffer, and those before it whose pieces may still be held.
#[derive(Debug, Default)]
pub(super) struct ReadBuffer {
    current: BytesMut,
    used: Recycler,
}

impl ReadBuffer {
    /// The buffer, with room for `max` more bytes.
    #[inline]
    pub(super) fn with_room(&mut self, max: usize) -> &mut BytesMut {
        if self.room() < max.max(READ_BUFFER - HOT) {
            self.make_room(max);
        }
        &mut self.current
    }

    fn room(&self) -> usize {
        self.current.capacity() - self.current.len()
    }

    #[inline(never)]
    fn make_room(&mut self, max: usize) {
        let len = self.current.len();
        if !self.current.try_reclaim(max.max(READ_BUFFER.saturating_sub(len))) && self.room() < max
        {
            let mut next = self.used.take(len + max, READ_BUFFER);
            next.extend_from_slice(&self.current);
            self.current.clear();
            self.used.give(std::mem::replace(&mut self.current, next));
        }
    }

    /// Reads what nobody wants.
    pub(super) fn discard<R>(&mut self, max: usize, read: impl FnOnce(&mut BytesMut) -> R) -> R {
        let len = self.current.len();
        let result = read(self.with_room(max));
        self.current.truncate(len);
        result
    }

    /// Where the `n` bytes read last lie.
    #[inline]
    pub(super) fn last_read(&self, n: usize) -> Piece {
        Piece { start: (self.current.len() - n) as u32, len: n as u32 }
    }

    /// Whether the events should take away what lies beside them.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.current.len() > FULL
    }

    /// What lies beside the events.
    pub(super) fn beside(&self) -> &[u8] {
        &self.current
    }

    /// The same, taken away.
    pub(super) fn take_beside(&mut self) -> Bytes {
        self.current.split().freeze()
    }

    /// Nothing lies beside the events any more.
    pub(super) fn clear(&mut self) {
        self.current.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(buffer: &mut ReadBuffer, data: &[u8], max: usize) -> Piece {
        buffer.with_room(max).extend_from_slice(data);
        buffer.last_read(data.len())
    }

    #[test]
    fn what_small_events_bring_stays_in_place_whatever_is_read_behind_it() {
        let mut buffer = ReadBuffer::default();
        let first = read(&mut buffer, b"first", 64 * 1024);
        let second = read(&mut buffer, b"second", 64 * 1024);
        buffer.discard(1024 * 1024, |buffer| buffer.extend_from_slice(&[7; 1024]));
        let third = read(&mut buffer, b"third", 1024 * 1024);
        let texts = [first, second, third].map(|piece| piece.of(buffer.beside()));
        assert_eq!(texts, [&b"first"[..], b"second", b"third"]);
        assert_eq!(buffer.beside().len(), 16, "nothing is left of what was discarded");
    }

    #[test]
    fn what_was_shown_makes_room_at_the_start() {
        let mut buffer = ReadBuffer::default();
        read(&mut buffer, b"shown", 1024);
        let at = buffer.beside().as_ptr();
        buffer.clear();
        assert_eq!(read(&mut buffer, b"next", 64 * 1024), Piece { start: 0, len: 4 });
        assert_eq!(buffer.beside().as_ptr(), at);
    }

    #[test]
    fn what_was_taken_away_is_not_written_over() {
        let mut buffer = ReadBuffer::default();
        let taken: Vec<_> = (0..100_u8)
            .map(|i| {
                read(&mut buffer, &[i; 5000], 64 * 1024);
                buffer.take_beside()
            })
            .collect();
        assert!((0..100).zip(taken).all(|(i, taken)| *taken == [i; 5000]));
    }
}
