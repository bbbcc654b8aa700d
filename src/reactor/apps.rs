//! The apps of a reactor, and which of them are to be looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gate::Gate;
use super::life::Asleep;
use super::shown;
use super::slots::Slots;
use crate::api::event::Event;
use crate::delivery::{Delivery, Mode, Snapshot};
use crate::engine::Engine;
use crate::engine::accounts::Accounts;
use crate::net::sys::SysNetwork;

/// How much an app whose end has begun still has carried out of what it called before, as a turn counts.
const REST: usize = 65_536;

/// One app on its reactor.
pub(super) struct App {
    pub(super) engine: Engine<SysNetwork>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) gate: Arc<Gate>,
    /// Once it is closed: what is left of `REST`.
    pub(super) rest: usize,
    pub(super) events: Vec<Event>,
    handlers: Option<Snapshot>,
    pub(super) asleep: Option<Asleep>,
    /// Whether the slot stands in `Apps::dirty`.
    pub(super) dirty: bool,
    /// When the slot is due in `Turn::timers`.
    pub(super) due: Option<Instant>,
    pub(super) busy_poll: Duration,
}

impl App {
    pub(super) fn new(
        engine: Engine<SysNetwork>,
        delivery: Arc<Delivery>,
        accounts: Arc<Accounts>,
        gate: Arc<Gate>,
        busy_poll: Duration,
    ) -> Self {
        let (rest, events, handlers) = (REST, Vec::new(), None);
        let (asleep, dirty, due) = (None, false, None);
        Self {
            engine,
            delivery,
            accounts,
            gate,
            rest,
            events,
            handlers,
            asleep,
            dirty,
            due,
            busy_poll,
        }
    }

    /// Hands what the engine has produced to the host, or to the queue.
    #[inline]
    pub(super) fn hand_out(&mut self) {
        let Self { engine, delivery, events, handlers, asleep, .. } = self;
        if delivery.mode() == Mode::Reactor && asleep.is_none() && events.is_empty() {
            engine.hand_out(|events, beside, engine| {
                shown::during(engine, || delivery.deliver_now(events, beside, handlers));
            });
        } else {
            self.take_and_hand_out();
        }
    }

    #[inline(never)]
    fn take_and_hand_out(&mut self) {
        let Self { engine, delivery, events, asleep, .. } = self;
        engine.take_events(events);
        if let Some(asleep) = asleep {
            asleep.withhold(engine, delivery, events);
        }
        self.hand_out_taken();
    }

    /// The same with what was taken from the engine before.
    pub(super) fn hand_out_taken(&mut self) {
        match self.delivery.mode() {
            Mode::Queue => self.delivery.push(&mut self.events),
            Mode::Reactor => {
                self.delivery.deliver_now(&mut self.events, &[], &mut self.handlers);
            }
        }
    }
}

/// All of them, by slot.
#[derive(Default)]
pub(super) struct Apps {
    slots: Slots<App>,
    /// Slots whose engines had an input or have work left; no other is looked at.
    pub(super) dirty: Vec<u32>,
}

impl Apps {
    pub(super) fn insert(&mut self, slot: u32, app: App) {
        self.slots.insert(slot, app);
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut App> {
        self.slots.get_mut(slot)
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Box<App>> {
        self.slots.remove(slot)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The highest slot that is taken.
    pub(super) fn last(&self) -> Option<u32> {
        self.slots.last()
    }

    /// Gives one input to an app's engine, if there is one; what comes of it. A panic costs the socket it was about.
    #[inline]
    pub(super) fn input<R>(
        &mut self,
        slot: u32,
        socket_id: i32,
        input: impl FnOnce(&mut Engine<SysNetwork>) -> R,
    ) -> Option<R> {
        let app = self.slots.get_mut(slot)?;
        if !app.dirty {
            app.dirty = true;
            self.dirty.push(slot);
        }
        let engine = &mut app.engine;
        match catch_unwind(AssertUnwindSafe(|| input(engine))) {
            Ok(result) => Some(result),
            Err(_) => {
                engine.abandon(socket_id);
                None
            }
        }
    }
}
