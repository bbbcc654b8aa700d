//! Memory for the data of larger sends, used again: a steady stream of it does not go through the
//! allocator, which would give pages back and fault them in anew.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::Recycler;

/// The size of a block. Less than that shares one.
const BLOCK: usize = 64 * 1024;
/// Most whole blocks that wait for reuse: what is kept of a time of large sends.
const MAX_FREE: usize = 64;
/// Data of more than that is copied only if the system has memory for all of it.
pub(super) const LARGE: usize = 1024 * 1024;

/// Where the data of larger sends is copied to.
#[derive(Default)]
pub(super) struct Blocks {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    shared: Mutex<Recycler>,
}

/// A whole block, which comes back when nothing of it is left to be sent.
struct Whole {
    data: Vec<u8>,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut free = self.free.lock();
        if free.len() < MAX_FREE {
            self.data.clear();
            free.push(std::mem::take(&mut self.data));
        }
    }
}

impl Blocks {
    /// A copy of `data`, in pieces; `None` if there is no memory for it.
    pub(super) fn copy(&self, data: &[u8]) -> Option<Vec<Bytes>> {
        // All at once first: if it were taken piece by piece, others would find nothing left before this gives up.
        if data.len() > LARGE {
            Vec::<u8>::new().try_reserve_exact(data.len()).ok()?;
        }
        data.chunks(BLOCK).map(|piece| self.piece(piece)).collect()
    }

    fn piece(&self, piece: &[u8]) -> Option<Bytes> {
        if piece.len() == BLOCK {
            let mut data = self.free.lock().pop().unwrap_or_default();
            data.try_reserve_exact(BLOCK).ok()?;
            data.extend_from_slice(piece);
            return Some(Bytes::from_owner(Whole { data, free: Arc::clone(&self.free) }));
        }
        let mut buffer = self.shared.lock().take(piece.len(), BLOCK);
        buffer.extend_from_slice(piece);
        let shared = buffer.split().freeze();
        self.shared.lock().give(buffer);
        Some(shared)
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Blocks, MAX_FREE};

    #[test]
    fn whole_blocks_are_used_again() {
        let blocks = Blocks::default();
        let data: Vec<u8> = (0..3 * BLOCK + 5).map(|at| (at * 7 + at / 1009) as u8).collect();
        let first = blocks.copy(&data).unwrap();
        assert_eq!(first.concat(), data);
        let mut before: Vec<_> = first[..3].iter().map(|block| block.as_ptr()).collect();
        let held = first[1].slice(9..);
        drop(first);
        let second = blocks.copy(&data).unwrap();
        assert_eq!(second.concat(), data);
        let after: Vec<_> = second[..3].iter().map(|block| block.as_ptr()).collect();
        // All but the one of which a piece is held.
        before.remove(1);
        assert!(before.iter().all(|block| after.contains(block)), "{before:?} {after:?}");
        assert_eq!(held, data[BLOCK + 9..2 * BLOCK]);
    }

    #[test]
    fn what_waits_for_reuse_is_bounded() {
        let blocks = Blocks::default();
        drop(blocks.copy(&vec![0; 2 * MAX_FREE * BLOCK]));
        assert_eq!(blocks.free.lock().len(), MAX_FREE);
    }
}
