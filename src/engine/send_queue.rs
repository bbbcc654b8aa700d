//! Sends that the kernel has not taken yet: written strictly in order, each completed once when its
//! last byte is taken (tcp.md S-1, S-4).
//!
//! Exists only while something is unsent, so that an idle connection costs nothing. Small sends are
//! copied together into blocks; a large one keeps its own.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, Bytes, BytesMut};

use super::connection::Channel;
use super::reply::{Replies, Reply};
use crate::net::Stream;

/// Size up to which small sends are gathered into one block.
const BLOCK: usize = 64 * 1024;
/// Bytes written before other sockets get their turn.
const MAX_FLUSH: usize = 1024 * 1024;

/// The unsent rest of a connection's sends.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    blocks: VecDeque<Bytes>,
    gathering: BytesMut,
    /// Unfinished sends in call order: bytes still to be taken, whole length, reply.
    sends: VecDeque<(usize, u64, Reply)>,
}

impl SendQueue {
    /// Appends sends, whose bytes lie in `data` one after the other, copying them; the first `taken` bytes were
    /// taken already.
    #[inline(never)]
    pub(super) fn push_copies(&mut self, data: &[u8], mut taken: usize, sends: Replies<'_>) {
        for (own, reply) in sends.with_data(data) {
            self.push_copy(&own[taken..], own.len() as u64, reply);
            taken = 0;
        }
    }

    fn push_copy(&mut self, rest: &[u8], whole: u64, reply: Reply) {
        if self.gathering.len() + rest.len() > BLOCK {
            self.seal();
        }
        self.gathering.extend_from_slice(rest);
        self.sends.push_back((rest.len(), whole, reply));
    }

    /// Appends a send, keeping its blocks.
    pub(super) fn push_blocks(&mut self, blocks: Vec<Bytes>, reply: Reply) {
        let len = blocks.iter().map(Bytes::len).sum();
        self.push_rest(blocks, len, reply);
    }

    /// The same of a send of `whole` bytes, of which these are left.
    pub(super) fn push_rest(&mut self, blocks: Vec<Bytes>, whole: usize, reply: Reply) {
        self.seal();
        let len = blocks.iter().map(Bytes::len).sum();
        self.sends.push_back((len, whole as u64, reply));
        self.blocks.extend(blocks);
    }

    fn seal(&mut self) {
        if !self.gathering.is_empty() {
            self.blocks.push_back(self.gathering.split().freeze());
        }
    }

    /// Writes until all is taken (`true`), the turn is over (`false`) or the channel refuses
    /// (`WouldBlock` or a failure).
    pub(super) fn flush(&mut self, channel: &mut Channel<impl Stream>) -> io::Result<bool> {
        let mut left = MAX_FLUSH;
        loop {
            if self.blocks.is_empty() {
                if self.gathering.is_empty() {
                    return Ok(true);
                }
                self.seal();
            }
            if left == 0 {
                return Ok(false);
            }
            let taken = self.write(channel, left)?;
            if taken == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            left = left.saturating_sub(taken);
            self.drop_front(taken);
            self.complete_taken(taken);
        }
    }

    /// Writes blocks once, at most `most` bytes of them.
    fn write(&mut self, channel: &mut Channel<impl Stream>, mut most: usize) -> io::Result<usize> {
        let blocks = self.blocks.make_contiguous();
        if let Some(part) = blocks.first().and_then(|first| first.get(..most)) {
            return channel.write(part);
        }
        let fits = |block: &&Bytes| {
            let rest = most.checked_sub(block.len());
            most = rest.unwrap_or(0);
            rest.is_some()
        };
        let fitting = blocks.iter().take_while(fits).count();
        channel.write_blocks(&blocks[..fitting])
    }

    fn drop_front(&mut self, mut taken: usize) {
        while let Some(block) = self.blocks.front_mut() {
            if taken < block.len() {
                block.advance(taken);
                return;
            }
            taken -= block.len();
            self.blocks.pop_front();
        }
        // TLS has taken a chunk before it could write it: what was in it may have been gathered since, and not sealed.
        self.gathering.advance(taken);
    }

    fn complete_taken(&mut self, mut taken: usize) {
        while let Some((left, _, _)) = self.sends.front_mut() {
            if *left > taken {
                *left -= taken;
                return;
            }
            taken -= *left;
            if let Some((_, whole, reply)) = self.sends.pop_front() {
                reply.complete_send(whole);
            }
        }
    }

    /// The unfinished sends in call order; their bytes are given up.
    pub(super) fn into_replies(self) -> impl Iterator<Item = Reply> {
        let Self { blocks, gathering, sends } = self;
        // First: if a block fails to go, the replies still complete.
        drop((blocks, gathering));
        sends.into_iter().map(|(_, _, reply)| reply)
    }
}
