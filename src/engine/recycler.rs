//! Buffers whose memory is used again once nobody holds a piece of it, so that a steady stream of
//! large blocks does not go through the allocator, which would give pages back and fault them in anew.

use std::collections::VecDeque;

use bytes::BytesMut;

/// Most buffers that wait for reuse.
const MAX_WAITING: usize = 8;

/// Buffers that have pieces somewhere, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recycler {
    waiting: VecDeque<BytesMut>,
}

impl Recycler {
    /// An empty buffer with room for `needed` bytes; of `usual` bytes if it has to be made.
    pub(crate) fn take(&mut self, needed: usize, usual: usize) -> BytesMut {
        if self.waiting.front_mut().is_some_and(|oldest| oldest.try_reclaim(needed))
            && let Some(oldest) = self.waiting.pop_front()
        {
            return oldest;
        }
        BytesMut::with_capacity(needed.max(usual))
    }

    /// Takes back an empty buffer, pieces of which may still be held.
    pub(crate) fn give(&mut self, buffer: BytesMut) {
        self.waiting.push_back(buffer);
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
    }
}

/// Where an engine reads into.
#[derive(Debug, Default)]
pub(super) struct ReadBuffer {
    current: BytesMut,
    used: Recycler,
}

/// Small reads share a buffer of this size.
const READ_BUFFER: usize = 128 * 1024;
/// After this many bytes small reads begin at its start again, if nobody holds a piece of it: the same few
/// pages stay in the cache, and the others are never touched.
const HOT: usize = 8 * 1024;

impl ReadBuffer {
    /// Forgets what a read that failed half-way has left.
    pub(super) fn discard(&mut self) {
        self.current.clear();
    }

    /// The buffer, empty, with room for `max` bytes.
    pub(super) fn with_room(&mut self, max: usize) -> &mut BytesMut {
        if self.current.capacity() < max.max(READ_BUFFER - HOT)
            && !self.current.try_reclaim(max.max(READ_BUFFER))
            && self.current.capacity() < max
        {
            let next = self.used.take(max, READ_BUFFER);
            self.used.give(std::mem::replace(&mut self.current, next));
        }
        &mut self.current
    }
}
