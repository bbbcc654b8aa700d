//! What is due at a time: sockets' timers, looks at fast streams, names that are given up.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Engine, Entry, Machine, Network};

/// Times, each with the socket that it is about.
#[derive(Debug, Default)]
pub(super) struct Times(BTreeSet<(Instant, i32)>);

impl Times {
    pub(super) fn add(&mut self, due: Instant, id: i32) {
        self.0.insert((due, id));
    }

    fn first(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Takes out a socket whose time has come.
    fn take_due(&mut self, now: Instant) -> Option<i32> {
        self.0.first().filter(|(due, _)| *due <= now)?;
        self.0.pop_first().map(|(_, id)| id)
    }
}

impl Extend<(Instant, i32)> for Times {
    fn extend<I: IntoIterator<Item = (Instant, i32)>>(&mut self, times: I) {
        self.0.extend(times);
    }
}

impl<N: Network> Engine<N> {
    /// When `handle_time` is due next.
    pub fn next_due(&self) -> Option<Instant> {
        let sockets = self.timers.first().into_iter().chain(self.looks.first());
        sockets.chain(self.questions.next_due()).min()
    }

    /// What is due is done.
    pub fn handle_time(&mut self) {
        let now = self.ctx.net.now();
        while let Some(id) = self.timers.take_due(now) {
            self.on_timer(id);
        }
        while let Some(id) = self.looks.take_due(now) {
            self.on_look(id);
        }
        self.give_up_names();
    }

    fn on_timer(&mut self, id: i32) {
        if id < 0 {
            self.ctx.id = 0;
            let ctx = &mut self.ctx;
            return self.timers.extend(self.linger.on_time(&ctx.net, id, &mut ctx.buffer));
        }
        let (registry, ctx) = self.lend(id);
        if let Some(Entry { machine: Machine::TcpClient(client), properties, .. }) =
            registry.get_mut(id)
        {
            let due = client.on_time(ctx, properties);
            self.wait_until(id, due);
        }
    }

    fn on_look(&mut self, id: i32) {
        let (registry, ctx) = self.lend(id);
        if let Some(Entry { machine: Machine::TcpClient(client), .. }) = registry.get_mut(id) {
            let visit = client.look(ctx);
            self.after_visit(id, visit);
        }
    }

    #[inline(never)]
    pub(super) fn wait_until(&mut self, id: i32, due: Option<Instant>) {
        self.timers.extend(due.map(|due| (due, id)));
    }
}
