//! `secure` in both generations (tcp.md 7, socket-legacy.md 7), and what the host may ask about it.

use super::outcomes::not_found;
use super::{
    Engine, Event, EventType, Machine, Namespace, Network, Payload, Reply, Response, Status, Visit,
};
use crate::api::properties::SecureOptions;

impl<N: Network> Engine<N> {
    pub(super) fn secure(&mut self, id: i32, options: &SecureOptions, reply: Reply) {
        let Some(namespace) = reply.event_type().namespace() else { return };
        let is_legacy = namespace == Namespace::Socket;
        let wrong = |message| Response::failed_saying(Status::InvalidArgument, message);
        let (registry, ctx) = self.lend(id);
        let client = match registry.find(namespace, id).map(|entry| &mut entry.machine) {
            None => return reply.complete(wrong(c"Socket not found")),
            Some(Machine::TcpClient(client)) => client,
            Some(Machine::TcpServer(_)) => return reply.complete(wrong(c"Socket not connected")),
            Some(Machine::Udp(_)) => {
                return reply.complete(wrong(c"Only TCP sockets are supported for TLS."));
            }
        };
        if client.was_secured() {
            let message = if is_legacy {
                c"Only TCP sockets are supported for TLS."
            } else {
                c"Socket must be a connected client TCP socket."
            };
            return reply.complete(wrong(message));
        }
        // The handshake that runs is left alone (D15).
        if client.is_securing() {
            return reply.complete(Response::failed(Status::Failed));
        }
        if !client.is_connected() {
            return reply.complete(wrong(c"Socket not connected"));
        }
        match client.secure(ctx, options, reply) {
            Visit::Gone => self.lose(id),
            _ => self.enqueue(id),
        }
    }

    /// TLS has been prepared, and the handshakes that wait for it begin; or it cannot be, and they fail.
    pub fn handle_tls_prepared(&mut self, is_prepared: bool) {
        for id in self.ctx.tls.prepared(is_prepared) {
            self.enqueue(id);
        }
    }

    pub(super) fn get_tls_session(&mut self, id: i32, reply: Reply) {
        let session = match self.registry.get_mut(id).map(|entry| &entry.machine) {
            None => return not_found(reply),
            Some(Machine::TcpClient(client)) => client.tls_session(),
            Some(_) => None,
        };
        reply.complete(match session {
            Some(session) => Response::ok_with(Payload::TlsSession(Box::new(session))),
            None => Response::failed_saying(Status::SocketNotConnected, c"Socket not secured"),
        });
    }

    /// Raises an event for the keys that were agreed upon in this turn, if the host wants them.
    #[inline]
    pub(super) fn tell_keys(&mut self) {
        if self.ctx.tls.logs_keys() {
            self.tell_new_keys();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_new_keys(&mut self) {
        for line in self.ctx.tls.take_keys() {
            let of_host = EventType::ChromesockTlsKeys;
            let mut event = Event::notification(of_host, self.ctx.id, None);
            event.payload = Payload::Text(line);
            self.ctx.outbox.notify(event);
        }
    }
}
