//! The end of a reactor whose turn has failed.

use super::Turn;
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::engine::command::{Call, Send};
use crate::reactor::batch::{Datagrams, Message};

impl Turn {
    /// The turn itself has failed: every app ends, and no caller is left waiting.
    pub(super) fn fail(&mut self) {
        let (begun, inbox) = (std::mem::take(&mut self.batch), self.inbox.die());
        let mut own = Box::default();
        self.inbox.own.take(&mut own);
        for mut batch in [begun, own, inbox] {
            loop {
                if let Some(mut runs) = batch.next_sends(usize::MAX) {
                    while let Some(run) = runs.next(true) {
                        for send in run.sends {
                            self.leave_unanswered(runs.slot, *send);
                        }
                    }
                    let taken = runs.taken();
                    batch.drop_taken(taken);
                    continue;
                }
                let mut datagrams = Vec::new();
                if let Some(Datagrams { slot, .. }) = batch.next_datagrams(1, 0, &mut datagrams) {
                    datagrams.into_iter().for_each(|send| self.leave_unanswered(slot, send));
                    continue;
                }
                match batch.pop() {
                    Some(Message::Attach(slot, seat, gate)) => self.attach(slot, *seat, gate),
                    Some(Message::Call(slot, call)) => {
                        let len = call.unsent_bytes();
                        let Call { event_type, socket_id, ticket, .. } = call;
                        self.leave_unanswered(slot, Send { event_type, socket_id, len, ticket });
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        }
        while let Some(slot) = self.apps.last() {
            self.close(slot, Status::Unexpected);
        }
    }

    /// Completes a call that no engine will see; its length is what it has taken from the write quota.
    fn leave_unanswered(&mut self, slot: u32, call: Send) {
        let Some(app) = self.apps.get_mut(slot) else { return };
        app.accounts.count_completed();
        app.accounts.give_back_unsent(call.len as u64);
        let mut event =
            Event::notification(call.event_type, call.socket_id, Some(Status::Unexpected));
        event.message = Some(Status::Unexpected.name());
        event.ticket = Some(call.ticket);
        app.events.push(event);
    }
}
