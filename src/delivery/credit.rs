//! What the host has not been given yet, or keeps: bounded, since the engine reads on only as far as it
//! has credit, which comes back when the host is done with an event.

use std::sync::atomic::Ordering;

use super::Delivery;
use crate::api::event::Event;

impl Delivery {
    /// Whether `take_released` would find something.
    pub fn any_released(&self) -> bool {
        self.any_released.load(Ordering::Acquire)
    }

    /// Moves what the host has released to `into`. If the engine waits and that is nothing, the host
    /// will ask for the reactor when it releases something.
    pub fn take_released(&self, into: &mut Vec<(i32, isize)>, waits: bool) {
        let mut state = self.state.lock();
        into.append(&mut state.released);
        self.any_released.store(false, Ordering::Release);
        state.wants_release = waits && into.is_empty();
    }

    /// Counts received bytes that wait elsewhere, because the app sleeps; negative: no longer.
    pub fn count_withheld(&self, bytes: isize) {
        // Wraps, which makes an addition of a negative number a subtraction.
        self.undelivered.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The host is done with these events.
    pub fn release_all(&self, events: impl Iterator<Item = Event>) {
        let mut bytes = 0;
        let mut released = events
            .map(|event| {
                bytes += event.data_len().cast_signed();
                (event.socket_id, event.weight().cast_signed())
            })
            .collect();
        self.adjust(&mut released, bytes);
    }

    /// The host is done with an event that it held.
    pub fn release(&self, event: &Event) {
        self.adjust_one(event, 1);
    }

    /// The host keeps an event beyond its delivery, until it releases it.
    pub fn hold(&self, event: &Event) {
        self.adjust_one(event, -1);
    }

    /// Gives back, or takes, credit by socket for `bytes` of data.
    pub(super) fn adjust(&self, released: &mut Vec<(i32, isize)>, bytes: isize) {
        released.retain(|(_, weight)| *weight != 0);
        if !released.is_empty() {
            self.note_released(bytes, |all| all.append(released));
        }
    }

    /// Gives back (1) or takes (-1) the credit of one event.
    fn adjust_one(&self, event: &Event, sign: isize) {
        let (id, weight) = (event.socket_id, sign * event.weight().cast_signed());
        if weight == 0 {
            return;
        }
        self.note_released(sign * event.data_len().cast_signed(), |all| match all.last_mut() {
            Some((last, sum)) if *last == id => *sum += weight,
            _ => all.push((id, weight)),
        });
    }

    fn note_released(&self, bytes: isize, note: impl FnOnce(&mut Vec<(i32, isize)>)) {
        // Wraps, which makes a subtraction of a negative number an addition.
        self.undelivered.fetch_sub(bytes as u64, Ordering::Relaxed);
        let mut state = self.state.lock();
        note(&mut state.released);
        self.any_released.store(true, Ordering::Release);
        let ask = std::mem::take(&mut state.wants_release);
        drop(state);
        if ask {
            (self.ask_reactor)();
        }
    }
}
