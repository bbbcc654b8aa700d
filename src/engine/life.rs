//! Sockets that end although no call asks for it: the app sleeps or goes, or a machine fails.

use super::outcomes::not_found;
use super::{Engine, Machine, Network};
use crate::api::net_error::Status;
use crate::api::table::Namespace;

/// Connections that a suspended app's servers accept; more wait in the system's backlog.
const ACCEPTED_WHILE_SUSPENDED: usize = 64;

impl<N: Network> Engine<N> {
    /// The app goes to sleep: sockets that are not persistent close without an event (tcp.md LC-1,
    /// LC-7), the others keep working (LC-2).
    pub fn suspend(&mut self) {
        for id in self.registry.ids() {
            // Sockets of `chrome.socket` always stay (spec README S3).
            let stays = self.registry.get_mut(id).is_some_and(|entry| {
                entry.properties.persistent || entry.namespace == Namespace::Socket
            });
            if !stays {
                self.close_silently(id);
            }
        }
        self.suspended.get_or_insert(ACCEPTED_WHILE_SUSPENDED);
        self.note_open_sockets();
    }

    /// The app is awake again.
    pub fn resume(&mut self) {
        self.suspended = None;
        for id in self.registry.ids() {
            self.enqueue(id);
        }
    }

    /// Closes every socket: pending calls complete with their codes, no socket raises an event
    /// (tcp.md LC-6).
    pub fn shut_down(&mut self) {
        self.complete_written();
        for id in self.registry.ids() {
            self.close_silently(id);
        }
        self.suspended = None;
        self.note_open_sockets();
    }

    /// The app ends, and too much of what it has called waits still: no call finds a socket any more, or makes one.
    pub fn end(&mut self) {
        if !self.has_ended {
            self.has_ended = true;
            self.shut_down();
        }
    }

    /// Gives up a socket whose machine has failed; 0 = the one whose turn it was. Its calls complete
    /// with UNEXPECTED.
    pub fn abandon(&mut self, id: i32) {
        let id = if id == 0 { self.ctx.id } else { id };
        self.ctx.datagrams.clear();
        let outbox = self.ctx.outbox.clone();
        outbox.while_failing(|| {
            self.questions.close_all(id);
            self.registry.discard(id);
        });
        self.note_open_sockets();
    }

    /// The socket is gone by a failed `secure` (tcp.md TLS-10); so a `connect` finds it that still
    /// resolves (CL-3).
    #[cold]
    #[inline(never)]
    pub(super) fn lose(&mut self, id: i32) {
        self.cancel_resolving(id, not_found, not_found);
        self.close_silently(id);
    }

    fn close_silently(&mut self, id: i32) {
        self.cancel_resolving(id, |connect| connect.fail(Status::Aborted), not_found);
        let (registry, ctx) = self.lend(id);
        let unfinished = registry.get_mut(id).and_then(|entry| match &mut entry.machine {
            Machine::TcpClient(client) => client.tear_down(ctx),
            Machine::TcpServer(server) => {
                server.stop();
                None
            }
            Machine::Udp(socket) => {
                socket.tear_down();
                None
            }
        });
        self.let_linger(unfinished);
        self.registry.discard(id);
    }
}
