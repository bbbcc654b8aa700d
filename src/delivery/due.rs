//! Events whose turn has come, on their way to those whom they concern.

use super::Delivery;
use super::handlers::Snapshot;
use crate::api::event::{Event, Ticket};

/// Events that the host is to be told now, one after the other.
pub struct Due<'a> {
    pub(super) delivery: &'a Delivery,
    /// As of the last event; each is told to those who are there by then.
    pub(super) handlers: &'a mut Snapshot,
    pub(super) events: &'a [Event],
    /// How many of them were told, should a callback panic.
    pub(super) done: &'a mut usize,
    pub(super) beside: &'a [u8],
    /// The number of unloads carried out when they were taken.
    pub(super) epoch: u64,
}

impl Due<'_> {
    /// Gives each event that still concerns anybody to `to`: with what lies beside it, and whom to tell.
    #[inline(always)]
    pub fn for_each(self, mut to: impl FnMut(&Event, &[u8], &[Ticket])) {
        let Self { delivery, handlers, events, done, beside, epoch } = self;
        for event in events {
            *done += 1;
            if delivery.is_of_interest(event, epoch) {
                let ticket = event.ticket.as_ref();
                let handlers = handlers.route(&delivery.handlers, event.event_type, ticket);
                if !handlers.is_empty() {
                    to(event, beside, handlers);
                }
            }
        }
    }
}
