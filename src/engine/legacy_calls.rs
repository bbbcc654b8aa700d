//! The calls that only `chrome.socket` has, on the machines of `sockets.*` (socket-legacy.md).

use std::net::SocketAddr;

use super::outcomes::{bad_legacy_port, denied, not_found};
use super::reply::Reply;
use super::tcp_server::TcpServer;
use super::udp::UdpSocket;
use super::{
    Engine, Entry, Machine, Namespace, Network, Payload, Properties, Response, Status, TcpClient,
};
use crate::api::properties::SocketType;
use crate::net::address::parse_literal;
use crate::permissions::Operation;

/// Bytes of a `read` that gives no size.
const DEFAULT_READ: i32 = 4096;
/// Backlog of a `listen` that gives none.
const DEFAULT_BACKLOG: i32 = 5;

const COULD_NOT_LISTEN: &std::ffi::CStr = c"Could not listen on the specified port.";

impl<N: Network> Engine<N> {
    /// `getNetworkList` (socket-legacy.md 10).
    pub(super) fn network_list(&mut self, reply: Reply) {
        reply.complete(match self.ctx.net.interfaces() {
            Ok(list) => Response::ok_with(Payload::Interfaces(list.into_boxed_slice())),
            Err(_) => Response::refused(c"Network lookup failed or unsupported"),
        });
    }

    pub(super) fn create_legacy(&mut self, id: i32, socket_type: SocketType, reply: Reply) {
        let machine = match socket_type {
            SocketType::Tcp => Machine::TcpClient(TcpClient::on_request()),
            SocketType::Udp => Machine::Udp(Box::new(UdpSocket::new(true))),
        };
        self.registry.insert(id, Namespace::Socket, machine, Properties::default());
        reply.complete(Response::ok());
    }

    /// socket-legacy.md 4.6.
    pub(super) fn read(&mut self, id: i32, limit: Option<i32>, reply: Reply) {
        let limit = usize::try_from(limit.unwrap_or(DEFAULT_READ));
        let Some(entry) = self.registry.find(Namespace::Socket, id) else {
            return not_found(reply);
        };
        match &mut entry.machine {
            Machine::TcpClient(client) if client.is_connected() => match limit {
                _ if client.is_reading() => reply.fail(Status::IoPending),
                Ok(limit @ 1..) => client.ask(reply, limit),
                _ => reply.fail(Status::InvalidArgument),
            },
            Machine::TcpClient(client) if client.is_used() => {
                reply.fail(Status::SocketNotConnected)
            }
            Machine::TcpClient(_) | Machine::TcpServer(_) => reply.fail(Status::Failed),
            Machine::Udp(socket) => match limit {
                // Pending on a bound socket is a `recvFrom`, not a `read`.
                _ if socket.is_asked() && socket.is_connected() => reply.fail(Status::IoPending),
                Err(_) => reply.fail(Status::InvalidArgument),
                Ok(_) if !socket.is_connected() => reply.fail(Status::SocketNotConnected),
                Ok(limit) => socket.ask(reply, limit),
            },
        }
        self.enqueue(id);
    }

    /// socket-legacy.md 4.8.
    pub(super) fn receive_from(&mut self, id: i32, limit: Option<i32>, reply: Reply) {
        let limit = usize::try_from(limit.unwrap_or(DEFAULT_READ));
        let Some(socket) = self.registry.udp(Namespace::Socket, id) else {
            return not_found(reply);
        };
        match limit {
            _ if socket.is_asked() && socket.is_bound() => reply.fail(Status::IoPending),
            Err(_) => reply.fail(Status::InvalidArgument),
            Ok(_) if !socket.is_bound() => reply.fail(Status::SocketNotConnected),
            Ok(limit) => socket.ask(reply, limit),
        }
        self.enqueue(id);
    }

    /// socket-legacy.md 4.10.
    pub(super) fn listen_legacy(
        &mut self,
        id: i32,
        address: &str,
        port: i32,
        backlog: Option<i32>,
        reply: Reply,
    ) {
        let Ok(narrow) = u16::try_from(port) else {
            return bad_legacy_port(reply);
        };
        if self.registry.find(Namespace::Socket, id).is_none() {
            return not_found(reply);
        }
        if !self.permits(id, reply.event_type(), Operation::TcpListen, address, port) {
            return denied(reply);
        }
        let failed = |status, message| Response::failed_saying(status, message);
        let address = parse_literal(address);
        let is_free = self.check_free(SocketType::Tcp, address, narrow);
        let (registry, ctx) = self.lend(id);
        let Some(Entry { machine, .. }) = registry.find(Namespace::Socket, id) else {
            return not_found(reply);
        };
        let is_listening = match machine {
            Machine::Udp(_) => {
                let message = c"Socket type does not support this API";
                return reply.complete(failed(Status::Failed, message));
            }
            Machine::TcpClient(client) if client.was_secured() => {
                let message = c"Cannot listen on a socket that is already connected.";
                return reply.complete(failed(Status::NotImplemented, message));
            }
            Machine::TcpClient(client) if client.is_used() => {
                let message = c"Cannot call both connect and listen on the same socket.";
                return reply.complete(failed(Status::NotImplemented, message));
            }
            Machine::TcpClient(_) => false,
            Machine::TcpServer(server) => server.is_listening(),
        };
        let Some(address) = address else {
            return reply.complete(failed(Status::InvalidArgument, c"Unknown error."));
        };
        if is_listening {
            return reply.complete(failed(Status::Failed, COULD_NOT_LISTEN));
        }
        // From here on it is a server, whether it succeeds or not.
        if matches!(machine, Machine::TcpClient(_)) {
            *machine = Machine::TcpServer(Box::new(TcpServer::on_request()));
        }
        let Machine::TcpServer(server) = machine else { return };
        let backlog = backlog.unwrap_or(DEFAULT_BACKLOG);
        let listened = if backlog > 0 {
            let local = SocketAddr::new(address, narrow);
            is_free.and_then(|()| server.listen(ctx, local, backlog))
        } else {
            Err(Status::InvalidArgument)
        };
        reply.complete(match listened {
            Ok(()) => Response::ok_zero(),
            Err(status) => failed(status, COULD_NOT_LISTEN),
        });
    }

    /// socket-legacy.md 4.11.
    pub(super) fn accept(&mut self, id: i32, reply: Reply) {
        let Some(entry) = self.registry.find(Namespace::Socket, id) else {
            return not_found(reply);
        };
        let asked = match &mut entry.machine {
            Machine::TcpServer(server) => server.ask(reply),
            _ => Err(reply),
        };
        if let Err(reply) = asked {
            reply.fail(Status::Failed);
        }
        self.enqueue(id);
    }
}
