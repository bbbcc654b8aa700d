//! Events into the host's own hands: one by one, or many that it copies at once.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::{Charge, Delivery, Queue, State, deadline};
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::api::table::EventType;

/// What was around an event that the host has released: of use for the next one it pulls.
pub type Shell = Box<dyn Any + Send>;

impl Delivery {
    /// Takes one event, waiting up to `timeout`, and gives it to `keep`, with a shell to put it into if one was left.
    /// The event's data counts as undelivered until `done_with`.
    pub fn pull<R>(
        &self,
        timeout: Option<Duration>,
        mut keep: impl FnMut(Event, Option<Shell>) -> R,
    ) -> Result<R, Status> {
        let until = deadline(timeout);
        loop {
            let state = self.wait_for_event(until)?.ok_or(Status::TimedOut)?;
            if let Some(kept) = self.pull_first(state, &mut keep) {
                return Ok(kept);
            }
        }
    }

    /// The same if an event is there.
    // In line, and with `keep` in its inside, so that the event is copied no more than twice.
    #[inline(always)]
    pub fn pull_at_once<R>(
        &self,
        keep: impl FnOnce(Event, Option<Shell>) -> R,
    ) -> Result<Option<R>, Status> {
        let state = self.lock_to_take()?;
        if state.may_take()? { Ok(self.pull_first(state, keep)) } else { Ok(None) }
    }

    /// Takes the first event that is of interest from a non-empty queue.
    #[inline(always)]
    fn pull_first<R>(
        &self,
        mut state: MutexGuard<'_, State>,
        keep: impl FnOnce(Event, Option<Shell>) -> R,
    ) -> Option<R> {
        let epoch = self.unloads_done.load(Ordering::Acquire);
        let mut shell = None;
        loop {
            let State { events, closing, .. } = &mut *state;
            let Some(event) = events.front() else { break };
            if self.judge(closing, event, epoch) {
                state.end.said_closed |= event.event_type == EventType::ChromesockAppClosed;
                shell = state.shells.pop();
                break;
            }
            let charge = Charge::of(event);
            events.pop_front();
            self.queue.count_returned(&mut state, charge);
        }
        let event = state.events.pop_front();
        self.lower_if_empty(&mut state);
        Queue::let_go(state);
        event.map(|event| keep(event, shell))
    }

    /// Moves events to `into`, oldest first and without waiting, as many as fit into `room` by what each
    /// `needs`, but one if there is any; how many are left. Their data counts as undelivered until `release_all`.
    pub fn take(
        &self,
        room: usize,
        needs: impl Fn(&Event) -> usize,
        into: &mut Vec<Event>,
    ) -> Result<usize, Status> {
        while let Some(mut state) = self.wait_for_event(deadline(Some(Duration::ZERO)))? {
            let epoch = self.unloads_done.load(Ordering::Acquire);
            let mut used = 0;
            let fits = |event: &&Event| {
                used += needs(event);
                used <= room
            };
            let number = state.events.iter().take_while(fits).count().max(1);
            let State { events, closing, .. } = &mut *state;
            let mut unwanted = Vec::new();
            for event in events.drain(..number) {
                if self.judge(closing, &event, epoch) {
                    into.push(event);
                } else {
                    unwanted.push(event);
                }
            }
            for event in &unwanted {
                self.queue.count_returned(&mut state, Charge::of(event));
            }
            let is_end = |event: &Event| event.event_type == EventType::ChromesockAppClosed;
            state.end.said_closed |= into.last().is_some_and(is_end);
            let left = state.events.len();
            self.lower_if_empty(&mut state);
            Queue::let_go(state);
            if !into.is_empty() {
                return Ok(left);
            }
        }
        Ok(0)
    }
}
