//! Apps come, sleep, wake, and go, some without a word of their host's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::{Seat, Turn};
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::engine::Engine;
use crate::net::sys::{self, SysNetwork};
use crate::reactor::apps::App;
use crate::reactor::batch::{Change, Watched};
use crate::reactor::gate::Gate;
use crate::reactor::life::{self, Asleep};

impl Turn {
    pub(super) fn attach(&mut self, slot: u32, seat: Seat, gate: Arc<Gate>) {
        let Seat { setup, delivery, busy_poll, helps } = seat;
        self.is_helped |= helps;
        let accounts = Arc::clone(&setup.accounts);
        let network = SysNetwork::new(Rc::clone(&self.registry), slot, setup.sockets);
        let engine = Engine::new(network, setup);
        self.spin.add(slot, busy_poll);
        self.apps.insert(slot, App::new(engine, delivery, accounts, gate, busy_poll));
    }

    /// Of what an app had called before its end so much is carried out; for what is behind that its sockets are gone.
    #[inline]
    pub(super) fn wind_down(&mut self, slot: u32, weight: usize) {
        if let Some(app) = self.apps.get_mut(slot)
            && app.gate.is_closed()
        {
            app.rest = app.rest.saturating_sub(weight);
            if app.rest == 0 {
                self.apps.input(slot, 0, Engine::end);
            }
        }
    }

    pub(super) fn change(&mut self, slot: u32, change: Change) {
        // What callbacks call now goes behind what was called before this, and behind this.
        self.inbox.own.leave();
        // What was raised before belongs to the time before; work that this finds is done in this turn.
        self.apps.input(slot, 0, |_| {});
        self.flush(slot);
        let is_asleep = self.apps.get_mut(slot).is_some_and(|app| app.asleep.is_some());
        match change {
            Change::Suspend if is_asleep => return,
            Change::Suspend => {
                self.apps.input(slot, 0, Engine::suspend);
            }
            Change::Resume => {
                self.apps.input(slot, 0, Engine::resume);
            }
            Change::Unload => self.shut_down(slot),
        }
        let Some(app) = self.apps.get_mut(slot) else { return };
        let App { engine, delivery, events, asleep, .. } = app;
        match change {
            Change::Suspend => {
                engine.take_events(events);
                *asleep = Some(Asleep::begin(engine, delivery, events));
            }
            Change::Resume => {
                if let Some(asleep) = asleep.take() {
                    events.extend(asleep.end(engine, delivery));
                }
            }
            Change::Unload => {
                if let Some(asleep) = asleep.take() {
                    asleep.drop_all(engine, delivery);
                }
                life::drop_queued(engine, delivery);
                delivery.unloaded();
            }
        }
        self.flush(slot);
    }

    /// Closes all sockets of an app. One that fails at it is given up, and the others have their turn.
    fn shut_down(&mut self, slot: u32) {
        let mut before = usize::MAX;
        while let Some(app) = self.apps.get_mut(slot)
            && app.engine.sockets() < before
        {
            before = app.engine.sockets();
            self.apps.input(slot, 0, Engine::shut_down);
        }
    }

    pub(super) fn close(&mut self, slot: u32, status: Status) {
        self.shut_down(slot);
        let Some(mut app) = self.apps.remove(slot) else { return };
        self.resolver.forget(slot);
        self.spin.remove(slot, app.busy_poll);
        if let Some(due) = app.due {
            self.timers.remove(&(due, slot));
        }
        app.engine.take_events(&mut app.events);
        if let Some(asleep) = app.asleep.take() {
            asleep.drop_all(&mut app.engine, &app.delivery);
            app.events.retain(|event| !event.event_type.is_notification());
        }
        app.events.push(app_closed(status));
        // A callback that panics costs itself only: the app is ending.
        while catch_unwind(AssertUnwindSafe(|| app.hand_out_taken())).is_err() {}
        app.delivery.end();
        debug_assert_eq!(
            app.accounts.accepted(),
            app.accounts.completed(),
            "every call completes once"
        );
    }

    pub(super) fn watch_stream(&mut self, app: Watched) {
        self.watched.retain(|known| known.slot != app.slot && known.delivery.strong_count() > 0);
        if let Some(delivery) = app.delivery.upgrade() {
            // Where the system cannot, the app stays.
            let _ = delivery.with_stream(|stream| sys::watch(&self.registry, stream, app.slot));
        }
        self.watched.push(app);
    }

    pub(super) fn free_if_left(&mut self, slot: u32, is_closed: bool) {
        let app = self.watched.iter().find(|app| is_closed && app.slot == slot);
        if let Some(app) = app
            && let Some(delivery) = app.delivery.upgrade()
            // It may be the end of a stream before, which is open still in a thread that writes to it, or a forked child.
            && delivery.with_stream(sys::has_ended) == Some(true)
        {
            self.inbox.close(slot, &app.gate);
            delivery.free_for_host();
        }
    }
}

fn app_closed(status: Status) -> Event {
    Event::notification(EventType::ChromesockAppClosed, 0, Some(status))
}
