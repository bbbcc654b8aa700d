//! An app between awake and asleep: what is withheld while it is suspended.
//!
//! Persistent sockets of a suspended app keep working (tcp.md LC-2). Their notifications wait here,
//! in order, until the app is resumed (LC-3); the first one asks the host to do so. Memory stays
//! bounded, because withheld data counts as undelivered and servers accept only so many connections.

use std::collections::BTreeMap;

use crate::api::event::Event;
use crate::api::table::EventType;
use crate::delivery::{Delivery, Mode};
use crate::engine::Engine;
use crate::net::Network;

/// The notifications that wait for `resume`; `None` in `App` while awake.
#[derive(Debug, Default)]
pub(super) struct Asleep {
    withheld: Vec<Event>,
    /// For each socket of whose connection some of these tell: before which place in `withheld` they tell of
    /// one that the program has ended or replaced since.
    outdated: BTreeMap<i32, usize>,
    asked: bool,
}

impl Asleep {
    /// Begins the sleep with what the host has not taken yet, without the sockets that closed.
    pub(super) fn begin<N: Network>(
        engine: &mut Engine<N>,
        delivery: &Delivery,
        events: &mut Vec<Event>,
    ) -> Self {
        let (alive, dead): (Vec<_>, Vec<_>) = delivery
            .withdraw_notifications()
            .into_iter()
            .partition(|event| is_of_live_socket(engine, event));
        give_back(engine, &dead);
        delivery.queue().count_withheld(bytes(&alive));
        let mut asleep = Self::default();
        asleep.note(&alive);
        asleep.withheld = alive;
        asleep.ask(events);
        asleep
    }

    /// Withholds the notifications among `events`; the rest stays.
    pub(super) fn withhold<N: Network>(
        &mut self,
        engine: &mut Engine<N>,
        delivery: &Delivery,
        events: &mut Vec<Event>,
    ) {
        let first = self.withheld.len();
        self.note(events);
        self.withheld.extend(events.extract_if(.., |event| event.event_type.is_notification()));
        let new = &self.withheld[first..];
        delivery.queue().count_withheld(bytes(new));
        if delivery.mode() == Mode::Reactor {
            // Counted only when it waits, since delivery at once is not worth counting.
            for event in new {
                engine.release(event.socket_id, -event.weight().cast_signed());
            }
        }
        self.ask(events);
    }

    /// Notes of which connections events tell that are to be withheld, and which of them begin anew.
    fn note(&mut self, events: &[Event]) {
        let mut place = self.withheld.len();
        for event in events {
            if is_of_connection(event) {
                self.outdated.entry(event.socket_id).or_default();
            } else if event.event_type.begins_anew()
                && event.message.is_none()
                && let Some(before) = self.outdated.get_mut(&event.socket_id)
            {
                *before = place;
            }
            place += usize::from(event.event_type.is_notification());
        }
    }

    fn ask(&mut self, events: &mut Vec<Event>) {
        if !self.asked && !self.withheld.is_empty() {
            self.asked = true;
            events.push(Event::notification(EventType::ChromesockAppWanted, 0, None));
        }
    }

    /// Ends the sleep: nothing of what waited is delivered.
    pub(super) fn drop_all<N: Network>(self, engine: &mut Engine<N>, delivery: &Delivery) {
        delivery.queue().count_withheld(-bytes(&self.withheld));
        give_back(engine, &self.withheld);
    }

    /// Ends the sleep: what waited and is wanted now, in order.
    pub(super) fn end<N: Network>(self, engine: &mut Engine<N>, delivery: &Delivery) -> Vec<Event> {
        delivery.queue().count_withheld(-bytes(&self.withheld));
        let outdated = |place: usize, event: &Event| {
            is_of_connection(event)
                && self.outdated.get(&event.socket_id).is_some_and(|before| place < *before)
        };
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        // The last one first, as the engine takes them back.
        for (place, event) in self.withheld.into_iter().enumerate().rev() {
            if engine.wants(&event) && !outdated(place, &event) && !engine.hold_again(&event) {
                wanted.push(event);
            } else {
                unwanted.push(event);
            }
        }
        wanted.reverse();
        give_back(engine, &unwanted);
        if delivery.mode() == Mode::Reactor {
            give_back(engine, &wanted);
        }
        wanted
    }
}

/// Whether the socket that an event tells of is still there; an accepted one may be gone while its
/// server is not (tcp.md LC-5).
fn is_of_live_socket<N: Network>(engine: &Engine<N>, event: &Event) -> bool {
    let told = if event.client_socket_id == 0 { event.socket_id } else { event.client_socket_id };
    engine.has_socket(told)
}

fn is_of_connection(event: &Event) -> bool {
    use EventType::{ChromeSocketsTcpOnReceive, ChromeSocketsTcpOnReceiveError};
    matches!(event.event_type, ChromeSocketsTcpOnReceive | ChromeSocketsTcpOnReceiveError)
}

fn bytes(events: &[Event]) -> isize {
    events.iter().map(|event| event.data_len().cast_signed()).sum()
}

/// Drops the notifications that the host has not taken yet.
pub(super) fn drop_queued<N: Network>(engine: &mut Engine<N>, delivery: &Delivery) {
    give_back(engine, &delivery.withdraw_notifications());
}

fn give_back<N: Network>(engine: &mut Engine<N>, events: &[Event]) {
    for event in events {
        engine.release(event.socket_id, event.weight().cast_signed());
    }
    engine.retry_stalled();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections that come and go while the app sleeps leave no memory behind, unless events tell of them.
    #[test]
    fn only_connections_whose_events_wait_are_remembered() {
        let event = |event_type, id| Event::notification(event_type, id, None);
        let mut asleep = Asleep::default();
        let on_accept = event(EventType::ChromeSocketsTcpServerOnAccept, 1);
        asleep.note(std::slice::from_ref(&on_accept));
        asleep.withheld.push(on_accept);
        for id in 2..1000 {
            asleep.note(&[
                event(EventType::ChromeSocketsTcpConnect, id),
                event(EventType::ChromeSocketsTcpDisconnect, id),
            ]);
        }
        assert!(asleep.outdated.is_empty());
        asleep.note(&[
            event(EventType::ChromeSocketsTcpOnReceive, 5),
            event(EventType::ChromeSocketsTcpDisconnect, 5),
            event(EventType::ChromeSocketsTcpOnReceive, 6),
        ]);
        assert_eq!(asleep.outdated, BTreeMap::from([(5, 2), (6, 0)]));
    }
}
