//! From the engine's events to the host: one queue per app, three ways to empty it.
//!
//! The engine's thread only appends. Who empties the queue is the host's choice: the host's thread
//! (`dispatch`), the host pulling events (`pull`, `take`), or the reactor's thread (`deliver_now`). In all
//! three, events come in the same order, never two at once, and host code runs with no lock held.
//! Also owns the app's end: whichever thread is last delivers what remains and says `gone`.
//!
//! One lock guards the queue, the calls that end data, and the credit on its way back; an event that
//! is pulled costs it once, and its release once. Under it hold:
//! - what is queued was taken by nobody: the level is up exactly while the queue is not empty, and what
//!   an app that goes to sleep withdraws, nobody has seen;
//! - an event that is pulled is judged (`interest`) when it is taken: none passes a `close` that was called before;
//! - while the engine waits for credit and the queue is empty, none lies here. Only the engine's own thread
//!   may leave some, when it withdraws events: it takes it in the same turn.

mod credit;
mod due;
mod end;
mod handlers;
mod interest;
mod lent;
mod notify;
mod pull;
mod queue;
mod within;

use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::api::event::{Event, Ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType;
use credit::Returned;
use handlers::Handlers;
use notify::{DueByte, Level, Wakeups};
use queue::State;
use within::{InsideCallback, ThisThread};

pub use credit::Charge;
pub use due::Due;
pub use handlers::{Release, Snapshot};
pub use lent::Lent;
pub use pull::Shell;
pub use queue::{AskReactor, Queue};

/// Who empties the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The host, by dispatching or pulling.
    Queue,
    /// The reactor's thread.
    Reactor,
}

/// The host as seen from here: callbacks that C, Rust tests or bindings provide.
pub trait Host: Send + Sync {
    /// Calls the handlers of each event that is due.
    fn deliver(&self, due: Due<'_>);
    /// The queue became non-empty; called on the reactor's thread.
    fn wake_up(&self);
    /// Nothing will be delivered any more.
    fn gone(&self);
}

/// How a batch of callbacks went: a panic of one comes back to who ran them.
type Outcome = std::thread::Result<()>;

/// Events for which memory is kept, for the next dispatch and in an empty queue.
const MAX_SPARE: usize = 256;
const MAX_KEPT: usize = 8192;
/// The host has freed the app: it hears of calls that it made, and of nothing else.
const FREED: u8 = 1;
/// Calls that end data were not answered yet.
const CLOSING: u8 = 2;

/// The events and handlers of one app.
pub struct Delivery {
    mode: Mode,
    host: Box<dyn Host>,
    handlers: Handlers,
    queue: Arc<Queue>,
    changed: Condvar,
    level: OnceLock<Level>,
    /// `FREED`, and `CLOSING` if `State::closing` is not empty: not all that comes may be told.
    limits: AtomicU8,
    /// How often the app was unloaded: what was raised before is not delivered after.
    unloads: AtomicU64,
    /// How many of these the reactor has carried out.
    unloads_done: AtomicU64,
    tells_unasked: Arc<AtomicBool>,
    /// What is still to run for memory of the host that is not read any more.
    unlent: Mutex<Vec<Release>>,
    /// Whether `unlent` is not empty.
    any_unlent: AtomicBool,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Delivery {
    /// An empty queue in front of `host`.
    pub fn new(mode: Mode, host: Box<dyn Host>, ask_reactor: AskReactor) -> Self {
        Self {
            mode,
            host,
            handlers: Handlers::default(),
            queue: Queue::new(ask_reactor),
            changed: Condvar::new(),
            level: OnceLock::new(),
            limits: AtomicU8::new(0),
            unloads: AtomicU64::new(0),
            unloads_done: AtomicU64::new(0),
            tells_unasked: Arc::new((mode == Mode::Queue).into()),
            unlent: Mutex::default(),
            any_unlent: AtomicBool::new(false),
        }
    }

    /// Who empties the queue.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Its events, and what comes back for them.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Received bytes that the host was not given yet, or keeps.
    pub fn undelivered_bytes(&self) -> u64 {
        self.queue.lock().undelivered as u64
    }

    /// Events that wait in the queue.
    pub fn undelivered_events(&self) -> u64 {
        self.queue.lock().events.len() as u64
    }

    /// Events for which the queue has memory.
    #[cfg(test)]
    pub fn queue_capacity(&self) -> usize {
        self.queue.lock().events.capacity()
    }

    // --- handlers

    /// Adds a listener, at the end; one that is there already stays where it is.
    pub fn add_listener(&self, event_type: EventType, listener: Ticket) {
        self.handlers.add_listener(event_type, listener);
    }

    /// Removes a listener, if it is there.
    pub fn remove_listener(&self, event_type: EventType, listener: Ticket) {
        self.handlers.remove_listener(event_type, listener);
    }

    /// Whether a listener is there.
    pub fn has_listener(&self, event_type: EventType, listener: Ticket) -> bool {
        self.handlers.has_listener(event_type, listener)
    }

    /// Sets or clears the handler of all that nobody else takes.
    pub fn set_default_handler(&self, handler: Option<(Ticket, Option<Release>)>) {
        if handler.is_some() {
            self.tells_unasked.store(true, Ordering::Relaxed);
        }
        self.handlers.set_default(handler);
    }

    /// Whether completions of calls that were made without a callback may be told to anyone: not on the
    /// reactor's thread until there is a default handler.
    pub fn tells_unasked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.tells_unasked)
    }

    // --- the reactor's side

    /// Appends events (queue mode).
    pub fn push(&self, events: &mut Vec<Event>) {
        self.give_back_lent();
        if events.is_empty() {
            return;
        }
        let bytes: usize = events.iter().map(Event::data_len).sum();
        let mut state = self.queue.lock();
        state.count_undelivered(bytes.cast_signed());
        let was_empty = state.events.is_empty();
        state.events.extend(events.drain(..));
        let due = if was_empty {
            self.raise_level();
            state.due_byte()
        } else {
            None
        };
        drop(state);
        due.into_iter().for_each(DueByte::send);
        self.changed.notify_all();
        if was_empty {
            let _inside = InsideCallback::enter();
            self.host.wake_up();
        }
    }

    /// Delivers events at once (reactor mode), some of which bring what lies `beside` them; `handlers` is what
    /// the last time has left. If a callback panics, the events behind it stay.
    #[inline(always)]
    pub fn deliver_now(
        &self,
        events: &mut Vec<Event>,
        beside: &[u8],
        handlers: &mut Option<Snapshot>,
    ) {
        self.give_back_lent();
        if !events.is_empty() {
            self.run_now(events, beside, handlers);
        }
    }

    #[inline(never)]
    fn run_now(&self, events: &mut Vec<Event>, beside: &[u8], kept: &mut Option<Snapshot>) {
        let epoch = self.unloads_done.load(Ordering::Acquire);
        let mut done = 0;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _inside = InsideCallback::enter();
            let mut snapshot = kept.take().unwrap_or_else(|| self.handlers.snapshot());
            let (handlers, done) = (&mut snapshot, &mut done);
            self.host.deliver(Due { delivery: self, handlers, events, done, beside, epoch });
            *kept = Some(snapshot).filter(Snapshot::may_be_kept);
        }));
        if let Err(panic) = outcome {
            events.drain(..done);
            resume_unwind(panic);
        }
        Event::drop_all(events);
    }

    /// Takes the API's notifications back out of the queue, oldest first.
    pub fn withdraw_notifications(&self) -> Vec<Event> {
        let mut state = self.queue.lock();
        let mut withdrawn = Vec::new();
        for event in std::mem::take(&mut state.events) {
            if event.event_type.is_notification() {
                withdrawn.push(event);
            } else {
                state.events.push_back(event);
            }
        }
        if !withdrawn.is_empty() {
            self.lower_if_empty(&mut state);
        }
        let bytes: usize = withdrawn.iter().map(Event::data_len).sum();
        state.count_undelivered(-bytes.cast_signed());
        withdrawn
    }

    // --- the host's side

    /// Runs callbacks for at most `max` events, waiting up to `timeout` for the first; how many ran.
    pub fn dispatch(&self, max: usize, timeout: Option<Duration>) -> Result<usize, Status> {
        let Some(mut state) = self.wait_for_event(deadline(timeout))? else {
            return Ok(0);
        };
        let (mut batch, mut returned) = std::mem::take(&mut state.spare);
        if max >= state.events.len() {
            std::mem::swap(&mut batch, &mut state.events);
        } else {
            batch.extend(state.events.drain(..max));
        }
        let number = batch.len();
        let epoch = self.unloads_done.load(Ordering::Acquire);
        state.drainer = Some(ThisThread::current());
        self.lower_if_empty(&mut state);
        Queue::let_go(state);
        let inside = InsideCallback::enter_waiting();
        let outcome = self.run_and_release(&mut batch, &mut returned, epoch);
        self.end_drain(batch, returned);
        drop(inside);
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
        Ok(number)
    }

    /// A new stream in place of the last one: a byte can be read from it when the queue becomes
    /// non-empty after the host found it empty, and its end when the app is gone.
    pub fn stream(&self) -> Result<OwnedFd, Status> {
        self.only_queued()?;
        let made = Wakeups::new();
        let (wakeups, theirs) = made.map_err(|error| crate::net::os_error::status(&error))?;
        let mut state = self.queue.lock();
        state.wakeups = Some(wakeups);
        let due = state.due_byte();
        drop(state);
        due.into_iter().for_each(DueByte::send);
        Ok(theirs)
    }

    /// Shows our end of the stream, if there is one.
    pub fn with_stream<R>(&self, show: impl FnOnce(BorrowedFd<'_>) -> R) -> Option<R> {
        self.queue.lock().wakeups.as_ref().map(|wakeups| show(wakeups.as_fd()))
    }

    /// The handle that is readable exactly while the queue is not empty.
    pub fn handle(&self) -> Result<isize, Status> {
        self.only_queued()?;
        let state = self.queue.lock();
        if let Some(level) = self.level.get() {
            return Ok(level.handle());
        }
        let level = Level::new().map_err(|error| crate::net::os_error::status(&error))?;
        if !state.events.is_empty() {
            level.raise();
        }
        Ok(self.level.get_or_init(|| level).handle())
    }

    // --- within

    /// The state with a non-empty queue that this thread may empty; `None` if there is none in time.
    fn wait_for_event(
        &self,
        until: Option<Instant>,
    ) -> Result<Option<MutexGuard<'_, State>>, Status> {
        let mut state = self.lock_to_take()?;
        while !state.may_take()? {
            match until {
                Some(until) if Instant::now() >= until => {
                    if let Some(wakeups) = &mut state.wakeups {
                        wakeups.found_empty();
                    }
                    return Ok(None);
                }
                Some(until) => {
                    self.changed.wait_until(&mut state, until);
                }
                None => self.changed.wait(&mut state),
            }
        }
        Ok(Some(state))
    }

    fn lock_to_take(&self) -> Result<MutexGuard<'_, State>, Status> {
        self.only_queued()?;
        Ok(self.queue.lock())
    }

    fn only_queued(&self) -> Result<(), Status> {
        match self.mode {
            Mode::Queue => Ok(()),
            Mode::Reactor => Err(Status::WrongDelivery),
        }
    }

    /// Ends a dispatch. `rest` is what a callback that panicked has left.
    fn end_drain(&self, rest: VecDeque<Event>, returned: Returned) {
        let mut state = self.queue.lock();
        if rest.is_empty() && rest.capacity() <= MAX_SPARE {
            state.spare = (rest, returned);
        } else if !rest.is_empty() {
            if state.events.is_empty() {
                self.raise_level();
            }
            let newer = std::mem::replace(&mut state.events, rest);
            state.events.extend(newer);
        }
        state.drainer = None;
        // Another thread may have found nothing only because this one was at it.
        let due = state.due_byte();
        self.changed.notify_all();
        self.finish_if_last(state);
        due.into_iter().for_each(DueByte::send);
    }

    /// Delivers a batch from the queue and gives its data's credit back.
    fn run_and_release(
        &self,
        batch: &mut VecDeque<Event>,
        returned: &mut Returned,
        epoch: u64,
    ) -> Outcome {
        let next = || batch.pop_front();
        let outcome = self.run(next, epoch, |charge| {
            returned.add(charge);
            if returned.is_enough() {
                self.queue.give_back(returned);
            }
        });
        self.queue.give_back(returned);
        outcome
    }

    /// Delivers the events of a batch that was taken in `epoch`, telling `delivered` the charge of each. A
    /// callback's panic ends it; the events behind stay where they are.
    fn run(
        &self,
        mut next: impl FnMut() -> Option<Event>,
        epoch: u64,
        mut delivered: impl FnMut(Charge),
    ) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| {
            // Letting go of handlers may run the host's release function: host code, too.
            let _inside = InsideCallback::enter();
            let mut snapshot = self.handlers.snapshot();
            while let Some(event) = next() {
                let charge = Charge::of(&event);
                if event.event_type == EventType::ChromesockAppClosed {
                    self.queue.lock().end.said_closed = true;
                }
                let (handlers, events) = (&mut snapshot, slice::from_ref(&event));
                let done = &mut 0;
                let due = Due { delivery: self, handlers, events, done, beside: &[], epoch };
                self.host.deliver(due);
                delivered(charge);
            }
        }))
    }

    /// The queue becomes non-empty.
    fn raise_level(&self) {
        if let Some(level) = self.level.get() {
            level.raise();
        }
    }

    /// After events were taken from a non-empty queue.
    fn lower_if_empty(&self, state: &mut State) {
        if !state.events.is_empty() {
            return;
        }
        if state.events.capacity() > MAX_KEPT {
            state.events = VecDeque::new();
        }
        if let Some(level) = self.level.get() {
            level.lower();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// When a time-out ends; one too far away to be told is none.
fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}
