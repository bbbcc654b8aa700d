//! Sends that follow one another and go out together.

use super::{HOST_PER_MESSAGE, Turn};
use crate::delivery::Mode;
use crate::engine::command::Call;
use crate::reactor::apps::App;
use crate::reactor::batch::{Datagrams, MAX_GATHERED};

/// Datagrams that one system call sends at most, and their bytes (the limits of UDP_SEGMENT).
const MAX_SEGMENTS: usize = 64;
const MAX_JOINED: usize = 65_000;

impl Turn {
    /// Blocks to the same socket that follow one another are written together.
    pub(super) fn gather_block(&mut self, slot: u32, call: Call) {
        let socket_id = call.socket_id;
        self.gathered += call.unsent_bytes();
        let is_full = self.gathered >= MAX_GATHERED;
        let more_follow = !is_full && self.batch.next_is_block_like(slot, &call);
        self.apps.input(slot, socket_id, |engine| engine.handle_block(call, more_follow));
        if more_follow {
            return;
        }
        self.gathered = 0;
        // A host on another thread makes its next sends while those behind are written.
        let is_queued = |app: &mut App| app.delivery.mode() == Mode::Queue;
        if is_full && self.apps.get_mut(slot).is_some_and(is_queued) {
            self.flush(slot);
        }
    }

    /// Sends the datagrams that come next, if any do: those of equal size to one place that follow one another go out
    /// together; what they count.
    pub(super) fn send_datagrams(&mut self) -> Option<usize> {
        let Self { apps, batch, datagrams, .. } = self;
        let Datagrams { slot, to, bytes } =
            batch.next_datagrams(MAX_SEGMENTS, MAX_JOINED, datagrams)?;
        let id = datagrams[0].socket_id;
        apps.input(slot, id, |engine| engine.handle_datagrams(bytes, to, datagrams));
        let weight = datagrams.len() + to.address.len() / HOST_PER_MESSAGE;
        datagrams.clear();
        self.wind_down(slot, weight);
        Some(weight)
    }
}
