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
