//! The calls of `sockets.tcpServer`: checks in the specification's order, then the machine; and the connections
//! that come to a server.

use std::net::SocketAddr;

use super::outcomes::{denied, not_found};
use super::tcp_server::Accepted;
use super::{
    Engine, Entry, Event, EventType, Machine, Namespace, Network, Properties, Reply, Response,
    Status, TcpClient, Visit,
};
use crate::api::properties::SocketType;
use crate::net::address::parse_literal;
use crate::permissions::Operation;

/// Connections accepted before other sockets get their turn.
const ACCEPTS_PER_VISIT: usize = 16;

impl<N: Network> Engine<N> {
    /// tcp.md 9.2.
    pub(super) fn listen(
        &mut self,
        id: i32,
        address: &str,
        port: i32,
        backlog: Option<i32>,
        reply: Reply,
    ) {
        if reply.event_type().is_legacy() {
            return self.listen_legacy(id, address, port, backlog, reply);
        }
        if self.registry.find(Namespace::TcpServer, id).is_none() {
            return not_found(reply);
        }
        if !self.permits(id, reply.event_type(), Operation::TcpListen, address, port) {
            return denied(reply);
        }
        let Ok(port) = u16::try_from(port) else {
            return reply.fail(Status::InvalidArgument);
        };
        let address = parse_literal(address);
        let is_free = self.check_free(SocketType::Tcp, address, port);
        let (registry, ctx) = self.lend(id);
        let Some(Entry { machine: Machine::TcpServer(server), .. }) = registry.get_mut(id) else {
            return not_found(reply);
        };
        if server.is_listening() {
            return reply.fail(Status::Failed);
        }
        let backlog = backlog.unwrap_or(crate::net::DEFAULT_BACKLOG);
        let Some(address) = address.filter(|_| backlog > 0) else {
            return reply.fail(Status::InvalidArgument);
        };
        let local = SocketAddr::new(address, port);
        match is_free.and_then(|()| server.listen(ctx, local, backlog)) {
            Ok(()) => reply.complete(Response::ok_zero()),
            Err(status) => reply.fail(status),
        }
    }

    /// Enters connections that come to a server and announces them (tcp.md 9.3).
    #[inline(never)]
    pub(super) fn admit_clients(&mut self, server_id: i32) -> Visit {
        for _ in 0..ACCEPTS_PER_VISIT {
            let is_full = self.suspended == Some(0);
            let (registry, ctx) = self.lend(server_id);
            let Some(Entry { machine: Machine::TcpServer(server), .. }) =
                registry.get_mut(server_id)
            else {
                return Visit::Rest;
            };
            if is_full && !server.is_on_request() {
                return Visit::Rest;
            }
            match server.accept(ctx) {
                Accepted::Nothing => return Visit::Rest,
                Accepted::Gone => {}
                Accepted::Client(id, client, asked) => {
                    if let Some(left) = self.suspended.as_mut().filter(|_| asked.is_none()) {
                        *left = left.saturating_sub(1);
                    }
                    self.admit(server_id, id, client, asked);
                }
                Accepted::Failure(status, Some(asked)) => asked.fail(status),
                Accepted::Failure(status, None) => {
                    let on_error = EventType::ChromeSocketsTcpServerOnAcceptError;
                    let event = Event::notification(on_error, server_id, Some(status));
                    self.ctx.outbox.notify(event);
                }
            }
        }
        Visit::Again
    }

    fn admit(&mut self, server_id: i32, id: i32, client: TcpClient<N>, asked: Option<Reply>) {
        let namespace = if asked.is_some() { Namespace::Socket } else { Namespace::Tcp };
        let machine = Machine::TcpClient(client);
        self.registry.insert(id, namespace, machine, Properties::default());
        self.note_open_sockets();
        if let Some(reply) = asked {
            reply.complete(Response { client_socket_id: id, ..Response::number(0) });
        } else {
            let on_accept = EventType::ChromeSocketsTcpServerOnAccept;
            let mut event = Event::notification(on_accept, server_id, None);
            event.client_socket_id = id;
            self.ctx.outbox.notify(event);
        }
    }
}
