//! What other threads hand to a reactor: one ordered list, and one wake-up per sleep.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::batch::{Batch, Message};
use super::blocks::Blocks;
use super::gate::Gate;
use super::own::Own;
use crate::net::sys;

#[derive(Default)]
pub(super) struct State {
    pub(super) batch: Box<Batch>,
    /// What apps that hold their calls have called since they unpaused something: the reactor does not
    /// see it, so that it reads nothing before the pause that may follow.
    together: HashMap<u32, Batch>,
    /// The reactor has failed: nobody reads this any more.
    pub(super) dead: bool,
}

impl State {
    /// Where an app's calls go.
    pub(super) fn calls_of(&mut self, slot: u32) -> &mut Batch {
        self.together.get_mut(&slot).unwrap_or(&mut self.batch)
    }

    /// Lets an app's calls wait from now on.
    pub(super) fn keep_together(&mut self, slot: u32) {
        self.together.entry(slot).or_default();
    }

    /// Lets an app's calls start that are to start together.
    pub(super) fn start_together(&mut self, slot: u32) {
        if let Some(mut calls) = self.together.remove(&slot) {
            self.batch.append(&mut calls);
        }
    }

    /// Whether any messages wait, and no more than `most`, with those that are kept together for an app.
    fn has_waiting(&self, slot: u32, most: Option<usize>) -> bool {
        let batches = || [Some(&*self.batch), self.together.get(&slot)].into_iter().flatten();
        let few = |most| batches().map(|it| it.len_up_to(most)).sum::<usize>() <= most;
        batches().any(|it| !it.is_empty()) && most.is_none_or(few)
    }

    /// Begins an app's end. What waits starts before it.
    pub(super) fn close(&mut self, slot: u32) {
        self.start_together(slot);
        self.batch.push(Message::Close(slot));
    }
}

/// The shared end of a reactor.
pub(super) struct Inbox {
    state: Mutex<State>,
    waker: mio::Waker,
    /// Whether `State::batch` is not empty, or nobody reads it any more. Together with `sleeping` it is written before
    /// the other is read, by both sides: one of them sees what the other has done.
    has_messages: AtomicBool,
    /// The reactor sleeps, or is about to, and must be woken.
    sleeping: AtomicBool,
    /// Memory for the data of larger sends.
    pub(super) blocks: Blocks,
    /// What the reactor's own thread hands to it.
    pub(super) own: Own,
}

/// The inbox as the resolver and the host's releases reach it: they may outlive the reactor.
pub(super) type SharedInbox = Arc<Inbox>;

impl Inbox {
    pub(super) fn new(registry: &mio::Registry) -> io::Result<Self> {
        let waker = mio::Waker::new(registry, sys::WAKER)?;
        Ok(Self {
            state: Mutex::default(),
            waker,
            has_messages: AtomicBool::new(false),
            sleeping: AtomicBool::new(false),
            blocks: Blocks::default(),
            own: Own::default(),
        })
    }

    /// Hands over a message; false if nobody will read it.
    pub(super) fn post(self: &Arc<Self>, message: Message) -> bool {
        self.with_state(None, |state| {
            if !state.dead {
                state.batch.push(message);
            }
            !state.dead
        })
    }

    /// Begins an app's end, once: no call is accepted from now on.
    pub(super) fn close(self: &Arc<Self>, slot: u32, gate: &Gate) {
        self.with_state(None, |state| {
            if gate.close() {
                state.close(slot);
            }
        });
    }

    /// Ends the hold of an app's calls. They are seen to be here before the gate is seen open: what a callback
    /// on the reactor's thread calls then must not be carried out before them.
    pub(super) fn end_hold(self: &Arc<Self>, slot: u32, gate: &Gate) {
        let mut state = self.state.lock();
        self.start_held(&mut state, slot, gate);
        self.let_go(state, None);
    }

    /// The same, and the reactor is not woken: the caller takes its place.
    pub(super) fn end_hold_asleep(&self, slot: u32, gate: &Gate) {
        self.start_held(&mut self.state.lock(), slot, gate);
    }

    fn start_held(&self, state: &mut State, slot: u32, gate: &Gate) {
        state.start_together(slot);
        self.show(state);
        gate.hold(false);
    }

    /// Whether any messages wait, and no more than `most`, with those that an app holds.
    pub(super) fn has_waiting(&self, slot: u32, most: Option<usize>) -> bool {
        self.state.lock().has_waiting(slot, most)
    }

    /// Wakes the reactor if it sleeps.
    pub(super) fn wake(&self) {
        if self.must_wake() {
            self.wake_up();
        }
    }

    /// Whether the reactor sleeps and nobody else wakes it.
    fn must_wake(&self) -> bool {
        self.sleeping.load(Ordering::SeqCst) && self.sleeping.swap(false, Ordering::Relaxed)
    }

    fn wake_up(&self) {
        // A waker fails only when the poll is gone, and then nobody sleeps.
        let _ = self.waker.wake();
    }

    /// Changes the state, and wakes the reactor if there is something to read, unless calls are held.
    pub(super) fn with_state<R>(
        self: &Arc<Self>,
        gate: Option<&Gate>,
        change: impl FnOnce(&mut State) -> R,
    ) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        self.show(&state);
        self.let_go(state, gate);
        result
    }

    /// Shows that there is something to read, if there is.
    fn show(&self, state: &State) {
        if !state.batch.is_empty() {
            self.has_messages.store(true, Ordering::SeqCst);
        }
    }

    /// Unlocks the state, which was shown. From then on the caller's app may be freed, by a callback for the very
    /// call that was handed over, and the reactor be gone with it.
    fn let_go(self: &Arc<Self>, state: MutexGuard<'_, State>, gate: Option<&Gate>) {
        let is_to_be_read = !state.batch.is_empty() && !gate.is_some_and(Gate::is_held);
        let asleep = (is_to_be_read && self.must_wake()).then(|| Arc::clone(self));
        drop(state);
        if let Some(asleep) = asleep {
            asleep.wake_up();
        }
    }

    /// Whether `take` would find something.
    #[inline]
    pub(super) fn has_messages(&self) -> bool {
        self.has_messages.load(Ordering::Acquire)
    }

    // --- the reactor's side

    /// Adds the messages that have come to `batch`; exchanges the two if that is finished.
    pub(super) fn take(&self, batch: &mut Box<Batch>) {
        let mut state = self.state.lock();
        if batch.is_empty() {
            std::mem::swap(&mut state.batch, batch);
        } else {
            batch.append(&mut state.batch);
        }
        self.has_messages.store(false, Ordering::Relaxed);
    }

    /// Announces sleep; false if there is something to read instead.
    pub(super) fn go_to_sleep(&self) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        let may_sleep = !self.has_messages.load(Ordering::SeqCst);
        if !may_sleep {
            self.stay_awake();
        }
        may_sleep
    }

    /// Ends the announcement.
    pub(super) fn stay_awake(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn is_asleep(&self) -> bool {
        self.sleeping.load(Ordering::SeqCst)
    }

    /// Refuses messages from now on, the reactor's own, too; those that were not read.
    pub(super) fn die(&self) -> Box<Batch> {
        let mut state = self.state.lock();
        state.dead = true;
        self.has_messages.store(true, Ordering::Relaxed);
        let mut unread = std::mem::take(&mut state.batch);
        state.together.drain().for_each(|(_, mut calls)| unread.append(&mut calls));
        unread
    }
}
