//! What other threads (and callbacks) hand to a reactor: one ordered list, with the bytes of small
//! sends beside it, and one wake-up per sleep.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::blocks::Blocks;
use super::turn::Seat;
use crate::api::net_error::Status;
use crate::delivery::Delivery;
use crate::engine::accounts::Accounts;
use crate::engine::command::{Answer, Call, Command, QueryId, Send, SendData};
use crate::net::sys;

/// Sends up to this size travel in the common buffer, larger ones in blocks of their own.
pub(crate) const MAX_BESIDE: usize = 16 * 1024;
/// A buffer that has grown beyond this is not kept for the next batch.
const MAX_KEPT: usize = 1024 * 1024;

/// One message to a reactor. The number is the app's slot.
pub(super) enum Message {
    /// A new app.
    Attach(u32, Box<Seat>),
    /// A call of a page.
    Call(u32, Call),
    /// A call whose bytes are the next of `Batch::bytes`.
    Send(u32, Send),
    /// The app falls asleep, wakes up or is unloaded.
    Change(u32, Change),
    /// The app is to end.
    Close(u32),
    /// The app goes when its host closes its end of the stream of wake-ups.
    WatchStream(u32, Weak<Delivery>),
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
    /// Takes over what `next` has, behind what is there.
    fn append(&mut self, next: &mut Self) {
        if self.messages.is_empty() {
            std::mem::swap(self, next);
        } else {
            self.messages.append(&mut next.messages);
            self.bytes.append(&mut next.bytes);
        }
    }

    /// The next message, if it is a send like this one: to the same socket, its bytes behind those of
    /// this one.
    pub(super) fn next_send_like(&self, slot: u32, send: &Send) -> Option<Send> {
        match self.messages.front() {
            Some(Message::Send(next_slot, next)) if *next_slot == slot && next.is_like(send) => {
                Some(*next)
            }
            _ => None,
        }
    }

    /// Whether the next message is a send of a block to the same socket as `call`.
    pub(super) fn next_is_block_like(&self, slot: u32, call: &Call) -> bool {
        matches!(
            self.messages.front(),
            Some(Message::Call(next_slot, next))
                if *next_slot == slot
                    && next.socket_id == call.socket_id
                    && next.event_type == call.event_type
                    && matches!(next.command, Command::Send(SendData::Blocks(_)))
        )
    }
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// What apps that hold their calls have called since they unpaused something: the reactor does not
    /// see it, so that it reads nothing before the pause that may follow.
    together: HashMap<u32, Batch>,
    /// The reactor sleeps, or is about to, and must be woken.
    sleeping: bool,
    /// The reactor has failed: nobody reads this any more.
    dead: bool,
}

impl State {
    /// Where an app's calls go.
    fn calls_of(&mut self, slot: u32) -> &mut Batch {
        self.together.get_mut(&slot).unwrap_or(&mut self.batch)
    }

    /// Lets an app's calls start that are to start together.
    fn start_together(&mut self, slot: u32) {
        if let Some(mut calls) = self.together.remove(&slot) {
            self.batch.append(&mut calls);
        }
    }

    /// Begins an app's end. What waits starts before it.
    fn close(&mut self, slot: u32) {
        self.start_together(slot);
        self.batch.messages.push_back(Message::Close(slot));
    }
}

/// The shared end of a reactor.
pub(super) struct Inbox {
    state: Mutex<State>,
    waker: mio::Waker,
    has_messages: AtomicBool,
    /// Memory for the data of larger sends.
    blocks: Blocks,
}

/// How an app's calls come in: whether it takes any, and whether they are held. Changed and read under the
/// inbox lock, so that no call follows the end.
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
            blocks: Blocks::default(),
        })
    }

    /// Hands over a message; false if nobody will read it.
    pub(super) fn post(&self, message: Message) -> bool {
        self.with_state(None, |state| {
            if !state.dead {
                state.batch.messages.push_back(message);
            }
            !state.dead
        })
    }

    /// Hands over a call, if the app still takes calls; only then is it made.
    pub(super) fn post_call(
        &self,
        slot: u32,
        gate: &Gate,
        accounts: &Accounts,
        call: impl FnOnce() -> Call,
    ) -> Result<(), Status> {
        self.accept(gate, accounts, |state| {
            let call = call();
            if gate.is_held() && matches!(call.command, Command::SetPaused(_, false)) {
                state.together.entry(slot).or_default();
            }
            state.calls_of(slot).messages.push_back(Message::Call(slot, call));
        })
    }

    /// Hands over a send, copying its data.
    pub(super) fn post_send(
        &self,
        slot: u32,
        gate: &Gate,
        accounts: &Accounts,
        send: Send,
        data: &[u8],
    ) -> Result<(), Status> {
        if data.len() > MAX_BESIDE {
            let Send { event_type, socket_id, ticket, .. } = send;
            let command = Command::Send(SendData::Blocks(self.blocks.copy(data)));
            let call = Call { event_type, socket_id, ticket, command };
            return self.post_call(slot, gate, accounts, || call);
        }
        self.accept(gate, accounts, |state| {
            let calls = state.calls_of(slot);
            calls.bytes.extend_from_slice(data);
            calls.messages.push_back(Message::Send(slot, send));
        })
    }

    fn accept(
        &self,
        gate: &Gate,
        accounts: &Accounts,
        push: impl FnOnce(&mut State),
    ) -> Result<(), Status> {
        self.with_state(Some(gate), |state| {
            if state.dead || gate.closed.load(Ordering::Relaxed) {
                return Err(Status::ContextShutDown);
            }
            accounts.count_accepted();
            push(state);
            Ok(())
        })
    }

    /// Hands over a step in an app's life, if it has not ended.
    pub(super) fn post_change(&self, slot: u32, gate: &Gate, change: Change) -> Result<(), Status> {
        self.with_state(Some(gate), |state| {
            if state.dead || gate.closed.load(Ordering::Relaxed) {
                return Err(Status::ContextShutDown);
            }
            state.calls_of(slot).messages.push_back(Message::Change(slot, change));
            Ok(())
        })
    }

    /// Begins an app's end, once: no call is accepted from now on.
    pub(super) fn post_close(&self, slot: u32, gate: &Gate) {
        self.with_state(None, |state| {
            if !gate.closed.swap(true, Ordering::Relaxed) {
                state.close(slot);
            }
        });
    }

    /// Begins the end of an app that nobody can call any more.
    pub(super) fn post_close_of_left(&self, slot: u32) {
        self.with_state(None, |state| state.close(slot));
    }

    /// From now on an app's calls leave the reactor asleep; or no longer, and what waits is carried out.
    pub(super) fn hold(&self, slot: u32, gate: &Gate, hold: bool) {
        self.with_state(Some(gate), |state| {
            gate.held.store(hold, Ordering::Relaxed);
            if !hold {
                state.start_together(slot);
            }
        });
    }

    /// Changes the state, and wakes the reactor if there is something to read, unless calls are held.
    fn with_state<R>(&self, gate: Option<&Gate>, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        let has_messages = !state.batch.messages.is_empty();
        let wake =
            has_messages && !gate.is_some_and(Gate::is_held) && std::mem::take(&mut state.sleeping);
        self.has_messages.store(has_messages, Ordering::Release);
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
        let mut unread = std::mem::take(&mut state.batch);
        state.together.drain().for_each(|(_, mut calls)| unread.append(&mut calls));
        unread
    }
}

/// The inbox as the resolver and the host's releases reach it: they may outlive the reactor.
pub(super) type SharedInbox = Arc<Inbox>;
