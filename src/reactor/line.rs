//! An app's line to its reactor: how its calls come in, from any thread, callbacks included.

use std::cell::RefMut;
use std::io;
use std::sync::Arc;

use super::batch::{Batch, Change, Message, Watched};
use super::blocks::LARGE;
use super::gate::Gate;
use super::helm::Helper;
use super::inbox::{SharedInbox, State};
use super::shown;
use super::slots::Slot;
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::delivery::Delivery;
use crate::engine::accounts::Accounts;
use crate::engine::command::{BegunSend, Call, Destination, Send, SendData};
use crate::net::os_error;

/// Sends of streams up to this size travel in the common buffer, larger ones in blocks of their own. Datagrams always do:
/// what leaves together has to lie together.
pub(crate) const MAX_BESIDE: usize = 16 * 1024;

/// One app's.
pub(crate) struct Line {
    inbox: SharedInbox,
    accounts: Arc<Accounts>,
    slot: Slot,
    gate: Arc<Gate>,
    helper: Option<Helper>,
}

impl Line {
    pub(super) fn new(
        inbox: &SharedInbox,
        accounts: &Arc<Accounts>,
        slot: Slot,
        helper: Option<Helper>,
    ) -> Self {
        let (inbox, accounts) = (Arc::clone(inbox), Arc::clone(accounts));
        Self { inbox, accounts, slot, gate: Arc::default(), helper }
    }

    pub(super) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// Hands over a call, if the app still takes calls; only then is it made. Whether those that follow it in a hold have
    /// to be here when it starts.
    pub(crate) fn call(&self, leads: bool, call: impl FnOnce() -> Call) -> Result<(), Status> {
        if let Some(mut calls) = self.calls_inside() {
            self.accounts.count_accepted_inside();
            calls.push(Message::Call(self.slot.number, call()));
            return Ok(());
        }
        self.with_open(|state| {
            self.accounts.count_accepted();
            if leads && self.gate.is_held() {
                state.keep_together(self.slot.number);
            }
            state.calls_of(self.slot.number).push(Message::Call(self.slot.number, call()));
        })
    }

    /// Hands over a send, copying its data.
    // What others do stands apart, so that what a callback does for each message is short.
    #[inline(always)]
    pub(crate) fn send(
        &self,
        event_type: EventType,
        socket_id: i32,
        data: &[u8],
        ticket: Ticket,
    ) -> Result<(), Status> {
        // Made where it goes.
        let send = || Send { event_type, socket_id, len: data.len(), ticket };
        if data.len() > MAX_BESIDE {
            return self.send_blocks(send(), data);
        }
        let Some(mut calls) = self.calls_inside() else { return self.send_outside(send(), data) };
        self.accounts.count_accepted_inside();
        calls.push_send(self.slot.number, send(), data);
        Ok(())
    }

    #[inline(never)]
    fn send_blocks(&self, send: Send, data: &[u8]) -> Result<(), Status> {
        if self.send_at_once(&send, data) {
            return Ok(());
        }
        let copy = self.inbox.blocks.copy(data);
        let copy = copy.map_or(SendData::NoMemory(data.len()), SendData::Blocks);
        self.call(false, || send.with_data(copy))
    }

    /// Writes what a callback on the reactor's thread sends from where it lies, if nothing waits that was called
    /// before. False if nothing was done.
    fn send_at_once(&self, send: &Send, data: &[u8]) -> bool {
        let own = &self.inbox.own;
        // Of more there may be no memory for what is left.
        if data.len() > LARGE || !self.may_call_inside() || own.has_calls() {
            return false;
        }
        match shown::begin_send(&self.accounts, send, data) {
            Ok(()) => {}
            Err(None) => return false,
            Err(Some(first)) => {
                let left = self.rest_of(data, first);
                // Not behind what others may have called meanwhile.
                if let Some(mut calls) = own.calls() {
                    calls.push(Message::Call(self.slot.number, send.with_data(left)));
                }
            }
        }
        self.accounts.count_accepted_inside();
        true
    }

    /// What a first attempt to write `data` has left.
    fn rest_of(&self, data: &[u8], first: io::Result<usize>) -> SendData {
        let len = data.len();
        let taken = match &first {
            Ok(taken) => *taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            // Nothing more is written.
            Err(_) => len,
        };
        let (first, rest) = match self.inbox.blocks.copy(&data[taken..]) {
            Some(rest) => (first, rest),
            None if taken == 0 => return SendData::NoMemory(len),
            // The peer lacks what follows: that is the connection's end.
            None => (Err(io::Error::from_raw_os_error(os_error::NO_MEMORY)), Vec::new()),
        };
        SendData::Begun(Box::new(BegunSend { len, first, rest }))
    }

    #[inline(never)]
    fn send_outside(&self, send: Send, data: &[u8]) -> Result<(), Status> {
        self.with_open(|state| {
            self.accounts.count_accepted();
            state.calls_of(self.slot.number).push_send(self.slot.number, send, data);
        })
    }

    /// Hands over a datagram, copying its data.
    pub(crate) fn send_datagram(
        &self,
        send: Send,
        to: Destination<'_>,
        data: &[u8],
    ) -> Result<(), Status> {
        let slot = self.slot.number;
        if let Some(mut calls) = self.calls_inside() {
            self.accounts.count_accepted_inside();
            calls.push_datagram(slot, send, to, data);
            return Ok(());
        }
        self.with_open(|state| {
            self.accounts.count_accepted();
            state.calls_of(slot).push_datagram(slot, send, to, data);
        })
    }

    /// Where a call goes that a callback makes on the reactor's thread; not there behind what is in the inbox,
    /// of which the callback may know.
    #[inline]
    fn calls_inside(&self) -> Option<RefMut<'_, Box<Batch>>> {
        if self.may_call_inside() { self.inbox.own.calls() } else { None }
    }

    #[inline]
    fn may_call_inside(&self) -> bool {
        self.gate.is_open() && !self.inbox.has_messages()
    }

    fn with_open(&self, change: impl FnOnce(&mut State)) -> Result<(), Status> {
        self.inbox.with_state(Some(&self.gate), |state| {
            if state.dead || self.gate.is_closed() {
                return Err(Status::ContextShutDown);
            }
            change(state);
            Ok(())
        })
    }

    /// Hands over a step in the app's life, if it has not ended.
    pub(crate) fn change(&self, change: Change) -> Result<(), Status> {
        self.with_open(|state| {
            state.calls_of(self.slot.number).push(Message::Change(self.slot.number, change))
        })
    }

    /// Begins the app's end, once: no call is accepted from now on.
    pub(crate) fn close(&self) {
        self.inbox.close(self.slot.number, &self.gate);
    }

    /// Frees the app if its host closes its end of the stream of wake-ups and has not done so.
    pub(crate) fn watch_stream(&self, delivery: &Arc<Delivery>) {
        let (delivery, gate) = (Arc::downgrade(delivery), Arc::clone(&self.gate));
        let watched = Watched { slot: self.slot.number, delivery, gate };
        self.inbox.post(Message::WatchStream(watched));
    }

    /// From now on the app's calls leave the reactor asleep; or no longer, and what waits is carried out.
    pub(crate) fn hold(&self, hold: bool) {
        if hold {
            self.inbox.with_state(Some(&self.gate), |_| self.gate.hold(true));
        } else {
            self.inbox.end_hold(self.slot.number, &self.gate);
        }
    }

    /// Ends a hold. What waits is carried out by the caller, if it may take the place of the reactor.
    pub(crate) fn run(&self) {
        let slot = self.slot.number;
        let helped = self.helper.as_ref().is_some_and(|helper| {
            helper.help(&self.inbox, slot, || self.inbox.end_hold_asleep(slot, &self.gate))
        });
        if !helped {
            self.inbox.end_hold(slot, &self.gate);
        }
    }
}
