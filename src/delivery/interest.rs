//! Which events still concern the host when their turn comes.

use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering;

use super::{CLOSING, Delivery};
use crate::api::event::Event;
use crate::api::table::EventType;
use crate::engine::IdMap;

/// Calls that were not answered yet after which data is of no interest, and how often each was made: `close`, and
/// `secure` for what came in plain text (tcp.md TLS-28).
pub(super) type Closing = IdMap<u64, usize>;

impl Delivery {
    /// A `close` or `secure` of a socket is being called: no data of it, or none that came in plain
    /// text, is delivered from now on.
    pub fn note_closing(&self, call: EventType, socket_id: i32) {
        if call.ends_data() {
            let mut state = self.queue.lock();
            *state.closing.entry(key(call, socket_id)).or_default() += 1;
            self.limits.fetch_or(CLOSING, Ordering::Release);
        }
    }

    /// The call was refused, or is completed.
    pub fn forget_closing(&self, call: EventType, socket_id: i32) {
        if call.ends_data() {
            self.forget_call(&mut self.queue.lock().closing, call, socket_id);
        }
    }

    fn forget_call(&self, closing: &mut Closing, call: EventType, socket_id: i32) {
        if let Entry::Occupied(mut calls) = closing.entry(key(call, socket_id)) {
            *calls.get_mut() -= 1;
            if *calls.get() == 0 {
                calls.remove();
            }
        }
        if closing.is_empty() {
            self.limits.fetch_and(!CLOSING, Ordering::Release);
        }
    }

    /// The app is being unloaded: no notification is delivered until that is done (tcp.md LC-6).
    pub fn note_unloading(&self) {
        self.unloads.fetch_add(1, Ordering::AcqRel);
    }

    /// The reactor has unloaded the app; also when the call was refused.
    pub fn unloaded(&self) {
        self.unloads_done.fetch_add(1, Ordering::AcqRel);
    }

    /// False for data of a socket that the host has closed meanwhile, and for notifications of an
    /// app that it has freed, or unloaded since `epoch`: the number of unloads carried out when the
    /// event was taken.
    #[inline]
    pub(super) fn is_of_interest(&self, event: &Event, epoch: u64) -> bool {
        let is_all = self.unloads.load(Ordering::Acquire) == epoch
            && self.limits.load(Ordering::Acquire) == 0;
        is_all || self.is_of_interest_still(event, epoch)
    }

    #[inline(never)]
    fn is_of_interest_still(&self, event: &Event, epoch: u64) -> bool {
        self.judge(&mut self.queue.lock().closing, event, epoch)
    }

    /// The same for who holds the lock.
    #[inline]
    pub(super) fn judge(&self, closing: &mut Closing, event: &Event, epoch: u64) -> bool {
        !self.is_late(event, epoch) && (closing.is_empty() || self.is_open(closing, event))
    }

    fn is_late(&self, event: &Event, epoch: u64) -> bool {
        let is_over = self.unloads.load(Ordering::Acquire) != epoch || self.is_freed();
        is_over && event.event_type.is_notification()
    }

    /// Whether no call that was made, or completes now, ends the data that an event brings.
    fn is_open(&self, closing: &mut Closing, event: &Event) -> bool {
        if event.ticket.is_some() && event.event_type.ends_data() {
            self.forget_call(closing, event.event_type, event.socket_id);
        }
        let is_called = |call| closing.contains_key(&key(call, event.socket_id));
        match event.event_type {
            EventType::ChromeSocketsUdpOnReceive => !is_called(EventType::ChromeSocketsUdpClose),
            EventType::ChromeSocketsTcpOnReceive => {
                !is_called(EventType::ChromeSocketsTcpClose)
                    && (event.secured || !is_called(EventType::ChromeSocketsTcpSecure))
            }
            _ => true,
        }
    }
}

/// A call for a socket.
fn key(call: EventType, socket_id: i32) -> u64 {
    u64::from(call as u32) << 32 | u64::from(socket_id.cast_unsigned())
}
