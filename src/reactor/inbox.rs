//! What other threads (and callbacks) hand to a reactor: one ordered list, with the bytes of small
//! sends beside it, and one wake-up per sleep.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::turn::Seat;
use crate::api::net_error::Status;
use crate::engine::Recycler;
use crate::engine::accounts::Accounts;
use crate::engine::command::{Answer, Call, Command, QueryId, SendData};
use crate::net::sys;

/// Sends up to this size travel in the common buffer, larger ones in blocks of their own.
const MAX_BESIDE: usize = 16 * 1024;
/// Sends up to this size use memory again.
const MAX_BLOCK: usize = 64 * 1024;
/// A buffer that has grown beyond this is not kept for the next batch.
const MAX_KEPT: usize = 1024 * 1024;

/// One message to a reactor. The number is the app's slot.
pub(super) enum Message {
    /// A new app.
    Attach(u32, Box<Seat>),
    /// A call of a page.
    Call(u32, Call),
    /// The app falls asleep, wakes up or is unloaded.
    Change(u32, Change),
    /// The app is to end.
    Close(u32),
    /// The resolver has answered.
    Answer(u32, QueryId, Answer),
    /// The host has released data that an engine waits for.
    Released(u32),
    /// Nobody holds the reactor any more.
    Stop,
}

/// A step in the life of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Sockets that are not persistent close; notifications wait.
    Suspend,
    /// What waited is delivered.
    Resume,
    /// All sockets close; what waits is dropped.
    Unload,
}

/// Messages in order, and the bytes of their small sends one after the other.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) messages: VecDeque<Message>,
    pub(super) bytes: Vec<u8>,
    /// How many of `bytes` are used up.
    pub(super) consumed: usize,
}

impl Batch {
    /// The size of the next message's data, if that is a send like `call`: to the same socket, with its
    /// bytes behind those of `call`.
    pub(super) fn next_send_like(&self, slot: u32, call: &Call) -> Option<usize> {
        match self.messages.front() {
            Some(Message::Call(next_slot, next))
                if *next_slot == slot
                    && next.socket_id == call.socket_id
                    && next.event_type == call.event_type =>
            {
                let Command::Send(SendData::Beside(len)) = next.command else { return None };
                Some(len)
            }
            _ => None,
        }
    }
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// The reactor sleeps, or is about to, and must be woken.
    sleeping: bool,
    /// The reactor has failed: nobody reads this any more.
    dead: bool,
}

/// The shared end of a reactor.
pub(super) struct Inbox {
    state: Mutex<State>,
    waker: mio::Waker,
    has_messages: AtomicBool,
    /// Memory for the data of larger sends.
    blocks: Mutex<Recycler>,
}

/// How an app's calls come in: whether it takes any, changed and read under the inbox lock, so that no
/// call follows the end; and whether the reactor is left asleep for now.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    held: AtomicBool,
}

impl Gate {
    fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }
}

impl Inbox {
    pub(super) fn new(registry: &mio::Registry) -> io::Result<Self> {
        let waker = mio::Waker::new(registry, sys::WAKER)?;
        Ok(Self {
            state: Mutex::default(),
            waker,
            has_messages: AtomicBool::new(false),
            blocks: Mutex::default(),
        })
    }

    /// Hands over a message; false if nobody will read it.
    pub(super) fn post(&self, message: Message) -> bool {
        self.with_state(false, |state| {
            if !state.dead {
                state.batch.messages.push_back(message);
            }
            !state.dead
        })
    }

    /// Hands over a call, if the app still takes calls.
    pub(super) fn post_call(
        &self,
        slot: u32,
        gate: &Gate,
        accounts: &Accounts,
        call: Call,
    ) -> Result<(), Status> {
        self.with_state(gate.is_held(), |state| {
            if state.dead || gate.closed.load(Ordering::Relaxed) {
                return Err(Status::ContextShutDown);
            }
            accounts.count_accepted();
            state.batch.messages.push_back(Message::Call(slot, call));
            Ok(())
        })
    }

    /// Hands over a send, copying its data.
    pub(super) fn post_send(
        &self,
        slot: u32,
        gate: &Gate,
        accounts: &Accounts,
        mut call: Call,
        data: &[u8],
    ) -> Result<(), Status> {
        if data.len() > MAX_BESIDE {
            call.command = Command::Send(SendData::Block(self.block(data)));
            return self.post_call(slot, gate, accounts, call);
        }
        call.command = Command::Send(SendData::Beside(data.len()));
        self.with_state(gate.is_held(), |state| {
            if state.dead || gate.closed.load(Ordering::Relaxed) {
                return Err(Status::ContextShutDown);
            }
            accounts.count_accepted();
            state.batch.bytes.extend_from_slice(data);
            state.batch.messages.push_back(Message::Call(slot, call));
            Ok(())
        })
    }

    fn block(&self, data: &[u8]) -> Bytes {
        if data.len() > MAX_BLOCK {
            return Bytes::copy_from_slice(data);
        }
        let mut buffer = self.blocks.lock().take(data.len(), MAX_BLOCK);
        buffer.extend_from_slice(data);
        let block = buffer.split().freeze();
        self.blocks.lock().give(buffer);
        block
    }

    /// Hands over a step in an app's life, if it has not ended.
    pub(super) fn post_change(&self, slot: u32, gate: &Gate, change: Change) -> Result<(), Status> {
        self.with_state(false, |state| {
            if state.dead || gate.closed.load(Ordering::Relaxed) {
                return Err(Status::ContextShutDown);
            }
            state.batch.messages.push_back(Message::Change(slot, change));
            Ok(())
        })
    }

    /// Begins an app's end, once: no call is accepted from now on.
    pub(super) fn post_close(&self, slot: u32, gate: &Gate) {
        self.with_state(false, |state| {
            if !gate.closed.swap(true, Ordering::Relaxed) {
                state.batch.messages.push_back(Message::Close(slot));
            }
        });
    }

    /// From now on an app's calls leave the reactor asleep; or no longer, and what waits is carried out.
    pub(super) fn hold(&self, gate: &Gate, hold: bool) {
        gate.held.store(hold, Ordering::Relaxed);
        if !hold {
            self.with_state(false, |_| {});
        }
    }

    /// Changes the state, and wakes the reactor if there is something to read, unless it is held.
    fn with_state<R>(&self, held: bool, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        let wake = !held && !state.batch.messages.is_empty() && std::mem::take(&mut state.sleeping);
        self.has_messages.store(!state.batch.messages.is_empty(), Ordering::Release);
        drop(state);
        if wake {
            // A waker fails only when the poll is gone, and then nobody sleeps.
            let _ = self.waker.wake();
        }
        result
    }

    // --- the reactor's side

    /// Whether `take` would find something.
    pub(super) fn has_messages(&self) -> bool {
        self.has_messages.load(Ordering::Acquire)
    }

    /// Exchanges the finished `batch` for the messages that have come.
    pub(super) fn take(&self, batch: &mut Batch) {
        batch.bytes.clear();
        batch.consumed = 0;
        if batch.bytes.capacity() > MAX_KEPT {
            batch.bytes = Vec::new();
        }
        let mut state = self.state.lock();
        std::mem::swap(&mut state.batch, batch);
        self.has_messages.store(false, Ordering::Release);
    }

    /// Announces sleep; false if there is something to read instead.
    pub(super) fn go_to_sleep(&self) -> bool {
        let mut state = self.state.lock();
        state.sleeping = state.batch.messages.is_empty();
        state.sleeping
    }

    /// Ends the announcement.
    pub(super) fn stay_awake(&self) {
        self.state.lock().sleeping = false;
    }

    #[cfg(test)]
    pub(super) fn is_asleep(&self) -> bool {
        self.state.lock().sleeping
    }

    /// Refuses messages from now on; those that were not read.
    pub(super) fn die(&self) -> Batch {
        let mut state = self.state.lock();
        state.dead = true;
        std::mem::take(&mut state.batch)
    }
}

/// The inbox as the resolver and the host's releases reach it: they may outlive the reactor.
pub(super) type SharedInbox = Arc<Inbox>;
