//! Counters of one app, shared with the threads that make calls and read statistics.
//!
//! A number that stands for itself is Relaxed; Acquire and Release keep order between two that are compared.

use std::sync::atomic::{
    AtomicI32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// What an app has done and holds.
#[derive(Debug, Default)]
pub struct Accounts {
    last_id: AtomicI32,
    /// Calls accepted on any thread, and on the engine's own.
    accepted: AtomicU64,
    accepted_inside: AtomicU64,
    completed: AtomicU64,
    /// Bytes of sends that were accepted, and of those that are finished: the one is counted by callers, the
    /// other by the engine's thread alone, which then needs no locked instruction for it.
    sent: AtomicU64,
    finished: AtomicU64,
    open_sockets: AtomicU64,
}

impl Accounts {
    /// The next socket id: one counter for all namespaces, from 1, never reused (spec README S2);
    /// `None` when all are used up. Callers may be on any thread, since `create` tells the id at once.
    pub fn next_id(&self) -> Option<i32> {
        let step = |last: i32| last.checked_add(1);
        self.last_id.fetch_update(Relaxed, Relaxed, step).ok().map(|last| last + 1)
    }

    /// As if all ids up to this one had been used.
    #[cfg(test)]
    pub(super) fn skip_to(&self, last_id: i32) {
        self.last_id.store(last_id, Relaxed);
    }

    /// Takes `bytes` if the sum of unfinished sends then is at most `quota` (tcp.md Q-1).
    pub fn take_unsent(&self, bytes: u64, quota: u64) -> bool {
        // What is finished is read before what was sent, or less would seem to have been sent than is finished.
        let finished = self.finished.load(Acquire);
        let take = |sent: u64| {
            let sum = sent.wrapping_sub(finished).checked_add(bytes)?;
            (sum <= quota).then(|| sent.wrapping_add(bytes))
        };
        self.sent.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    /// Gives back what `take_unsent` took for a call that was then refused.
    pub fn untake_unsent(&self, bytes: u64) {
        self.sent.fetch_sub(bytes, Relaxed);
    }

    /// A send that took `bytes` is finished; only the engine's thread says so.
    pub fn give_back_unsent(&self, bytes: u64) {
        self.finished.store(self.finished.load(Relaxed).wrapping_add(bytes), Release);
    }

    /// Bytes of unfinished sends.
    pub fn unsent(&self) -> u64 {
        // Finished first: no send is finished before it was accepted.
        let finished = self.finished.load(Acquire);
        self.sent.load(Relaxed).wrapping_sub(finished)
    }

    /// Counts an accepted call; callers hold the inbox lock.
    pub fn count_accepted(&self) {
        self.accepted.store(self.accepted.load(Relaxed) + 1, Relaxed);
    }

    /// Counts a call that was accepted on the engine's thread without that lock.
    pub fn count_accepted_inside(&self) {
        self.accepted_inside.store(self.accepted_inside.load(Relaxed) + 1, Relaxed);
    }

    /// Calls accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed) + self.accepted_inside.load(Relaxed)
    }

    /// Counts a completed call; only the engine's thread does.
    pub fn count_completed(&self) {
        self.completed.store(self.completed() + 1, Release);
    }

    /// Calls completed so far.
    pub fn completed(&self) -> u64 {
        self.completed.load(Acquire)
    }

    /// Notes the number of live sockets.
    pub fn note_open_sockets(&self, number: usize) {
        self.open_sockets.store(number as u64, Relaxed);
    }

    /// Live sockets.
    pub fn open_sockets(&self) -> u64 {
        self.open_sockets.load(Relaxed)
    }
}
