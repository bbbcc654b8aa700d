//! An app between awake and asleep: what is withheld while it is suspended.
//!
//! Persistent sockets of a suspended app keep working (tcp.md LC-2). Their notifications wait here,
//! in order, until the app is resumed (LC-3); the first one asks the host to do so. Memory stays
//! bounded, because withheld data counts as undelivered and servers accept only so many connections.

use crate::api::event::Event;
use crate::api::table::EventType;
use crate::delivery::{Delivery, Mode};
use crate::engine::Engine;
use crate::net::Network;

/// The notifications that wait for `resume`; `None` in `App` while awake.
#[derive(Debug, Default)]
pub(super) struct Asleep {
    withheld: Vec<Event>,
    asked: bool,
}

impl Asleep {
    /// Begins the sleep with what the host has not taken yet, without the sockets that closed.
    pub(super) fn begin<N: Network>(
        engine: &mut Engine<N>,
        delivery: &Delivery,
        events: &mut Vec<Event>,
    ) -> Self {
        let mut asleep = Self::default();
        for event in delivery.withdraw_notifications() {
            if engine.has_socket(event.socket_id) {
                asleep.withheld.push(event);
            } else {
                engine.release(event.socket_id, event.data_len().cast_signed());
            }
        }
        asleep.ask(events);
        asleep
    }

    /// Withholds the notifications among `events`; the rest stays.
    pub(super) fn withhold<N: Network>(
        &mut self,
        engine: &mut Engine<N>,
        mode: Mode,
        events: &mut Vec<Event>,
    ) {
        let first = self.withheld.len();
        self.withheld.extend(events.extract_if(.., |event| event.event_type.is_notification()));
        if mode == Mode::Reactor {
            // Counted only when it waits, since delivery at once is not worth counting.
            for event in &self.withheld[first..] {
                engine.release(event.socket_id, -event.data_len().cast_signed());
            }
        }
        self.ask(events);
    }

    fn ask(&mut self, events: &mut Vec<Event>) {
        if !self.asked && !self.withheld.is_empty() {
            self.asked = true;
            events.push(Event::notification(EventType::ChromesockAppWanted, 0, None));
        }
    }

    /// Ends the sleep: nothing of what waited is delivered.
    pub(super) fn drop_all<N: Network>(self, engine: &mut Engine<N>) {
        give_back(engine, &self.withheld);
    }

    /// Ends the sleep: what waited, in order.
    pub(super) fn end<N: Network>(self, engine: &mut Engine<N>, mode: Mode) -> Vec<Event> {
        if mode == Mode::Reactor {
            give_back(engine, &self.withheld);
        }
        self.withheld
    }
}

/// Drops the notifications that the host has not taken yet.
pub(super) fn drop_queued<N: Network>(engine: &mut Engine<N>, delivery: &Delivery) {
    give_back(engine, &delivery.withdraw_notifications());
}

fn give_back<N: Network>(engine: &mut Engine<N>, events: &[Event]) {
    for event in events {
        engine.release(event.socket_id, event.data_len().cast_signed());
    }
}
