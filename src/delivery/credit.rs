//! What the host has not been given yet, or keeps: bounded, since the engine reads on only as far as it
//! has credit, which comes back when the host is done with an event.
//!
//! An engine that has stopped reading is not woken for each event: credit waits until there is
//! enough of it, or nothing is queued that the host could take first. So a host that has taken all,
//! and given back anything, never waits for data in vain.

use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::Shell;
use super::queue::{Queue, State};
use crate::api::event::Event;

/// Credit for which an engine that waits is woken while events are queued, and which is given back in
/// the middle of a dispatch.
pub(super) const CREDIT_BATCH: isize = 128 * 1024;

/// So many amounts of credit may wait before those of one socket are brought together.
const MANY: usize = 1024;

/// Most shells that are kept for the next events.
const MAX_SHELLS: usize = 16;

/// What an event counts against the bounds until the host is done with it.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    socket_id: i32,
    bytes: isize,
    weight: isize,
}

impl Charge {
    /// The charge of an event that has its data.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            socket_id: event.socket_id,
            bytes: event.data_len().cast_signed(),
            weight: event.weight().cast_signed(),
        }
    }

    fn negative(self) -> Self {
        Self { bytes: -self.bytes, weight: -self.weight, ..self }
    }
}

/// Credit on its way back.
#[derive(Default)]
pub(super) struct Returned {
    /// Weight of events that the host is done with, by socket; negative: that it keeps beyond delivery.
    by_socket: Vec<(i32, isize)>,
    /// Its sum, and that of the received bytes.
    weight: isize,
    bytes: isize,
}

impl Returned {
    pub(super) fn add(&mut self, charge: Charge) {
        if charge.weight == 0 {
            return;
        }
        self.bytes += charge.bytes;
        self.add_weight(charge.socket_id, charge.weight);
    }

    fn add_weight(&mut self, socket_id: i32, weight: isize) {
        self.weight += weight;
        match self.by_socket.last_mut() {
            Some((last, sum)) if *last == socket_id => *sum += weight,
            _ => {
                if self.by_socket.len() >= MANY.max(self.by_socket.capacity()) {
                    self.bring_together();
                }
                self.by_socket.push((socket_id, weight));
            }
        }
    }

    /// An engine that sleeps takes nothing, however often its host keeps and releases what it has.
    #[cold]
    fn bring_together(&mut self) {
        self.by_socket.sort_unstable_by_key(|(socket_id, _)| *socket_id);
        self.by_socket.dedup_by(|next, first| {
            let is_same = next.0 == first.0;
            first.1 += if is_same { next.1 } else { 0 };
            is_same
        });
        self.by_socket.retain(|(_, weight)| *weight != 0);
        // Not soon again, if it was of little use.
        if self.by_socket.len() > self.by_socket.capacity() / 2 {
            self.by_socket.reserve(self.by_socket.capacity());
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.weight >= CREDIT_BATCH
    }
}

impl State {
    /// Whether the engine has to be told of credit now.
    fn is_credit_due(&self) -> bool {
        let returned = &self.returned;
        self.wants_release
            && (returned.is_enough() || self.events.is_empty() && !returned.by_socket.is_empty())
    }
}

impl Queue {
    /// Whether `take_released` would find something.
    pub fn any_released(&self) -> bool {
        self.any_released.load(Ordering::Acquire)
    }

    /// Moves what the host has released to `into`. If the engine waits and that is nothing, the host
    /// will ask for the reactor when it releases something.
    pub fn take_released(&self, into: &mut Vec<(i32, isize)>, waits: bool) {
        let mut state = self.lock();
        into.append(&mut state.returned.by_socket);
        state.returned.weight = 0;
        self.any_released.store(false, Ordering::Release);
        state.wants_release = waits && into.is_empty();
    }

    /// Counts received bytes that wait elsewhere, because the app sleeps; negative: no longer.
    pub fn count_withheld(&self, bytes: isize) {
        self.lock().count_undelivered(bytes);
    }

    /// The host is done with these events.
    pub fn release_all(&self, charges: impl Iterator<Item = Charge>) {
        let mut returned = Returned::default();
        charges.for_each(|charge| returned.add(charge));
        self.give_back(&mut returned);
    }

    /// The host is done with an event that it held, and with the shell around it, which comes back if it is not kept.
    /// That shell may be what keeps this queue, which is not looked at any more once its lock is free.
    #[must_use]
    pub fn done_with(&self, charge: Charge, shell: Option<Shell>) -> Option<Shell> {
        let mut state = self.lock();
        let surplus = match shell {
            // A queue without an app keeps none, since a shell may keep the queue.
            Some(shell) if state.shells.len() < MAX_SHELLS && state.ask_reactor.is_some() => {
                state.shells.push(shell);
                None
            }
            surplus => surplus,
        };
        self.count_returned(&mut state, charge);
        Self::let_go(state);
        surplus
    }

    /// The host keeps an event beyond its delivery, until it is done with it; a shell if one was left.
    pub fn hold(&self, charge: Charge) -> Option<Shell> {
        let mut state = self.lock();
        self.count_returned(&mut state, charge.negative());
        state.shells.pop()
    }

    /// Gives back credit, by socket, that was gathered.
    pub(super) fn give_back(&self, gathered: &mut Returned) {
        if gathered.by_socket.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.count_undelivered(-std::mem::take(&mut gathered.bytes));
        gathered.weight = 0;
        for (socket_id, weight) in gathered.by_socket.drain(..) {
            state.returned.add_weight(socket_id, weight);
        }
        self.any_released.store(true, Ordering::Release);
        Self::let_go(state);
    }

    /// Counts the credit of one event.
    pub(super) fn count_returned(&self, state: &mut State, charge: Charge) {
        if charge.weight == 0 || state.ask_reactor.is_none() {
            return;
        }
        state.count_undelivered(-charge.bytes);
        state.returned.add_weight(charge.socket_id, charge.weight);
        self.any_released.store(true, Ordering::Release);
    }

    /// Unlocks the state, of which events were taken or to which credit was given back.
    pub(super) fn let_go(mut state: MutexGuard<'_, State>) {
        let ask = if state.is_credit_due() {
            state.wants_release = false;
            state.ask_reactor.clone()
        } else {
            None
        };
        drop(state);
        if let Some(ask) = ask {
            ask();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(returned: &mut Returned, socket_id: i32, weight: isize) {
        returned.add(Charge { socket_id, bytes: weight, weight });
    }

    #[test]
    fn what_is_kept_and_released_again_and_again_leaves_no_memory_behind() {
        let mut returned = Returned::default();
        for _ in 0..100 * MANY {
            for (socket_id, weight) in [(1, -7), (2, -7), (1, 7), (2, 7)] {
                add(&mut returned, socket_id, weight);
            }
        }
        add(&mut returned, 3, 5);
        assert!(returned.by_socket.len() <= 2 * MANY, "{}", returned.by_socket.len());
        assert_eq!((returned.weight, returned.bytes), (5, 5));
        let of =
            |id| returned.by_socket.iter().filter(|of| of.0 == id).map(|of| of.1).sum::<isize>();
        assert_eq!([1, 2, 3].map(of), [0, 0, 5]);
    }

    #[test]
    fn credit_of_many_sockets_is_kept_apart() {
        let mut returned = Returned::default();
        let ids = || 0..5 * MANY as i32;
        (0..3).for_each(|_| ids().for_each(|id| add(&mut returned, id, 1)));
        let mut sums = std::collections::BTreeMap::new();
        returned.by_socket.iter().for_each(|(id, weight)| *sums.entry(*id).or_insert(0) += weight);
        assert!(ids().all(|id| sums[&id] == 3) && sums.len() == 5 * MANY);
    }
}
