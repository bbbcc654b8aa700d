//! The calls that all namespaces have.

use super::linger::Unfinished;
use super::outcomes::not_found;
use super::udp::UdpSocket;
use super::{
    Context, Engine, Entry, Machine, Namespace, Network, Payload, Properties, Reply, Response,
    Status, TcpClient,
};
use crate::api::properties::SocketProperties;

impl<N: Network> Entry<N> {
    /// Ends whatever the socket does, in the order of tcp.md O-6; what is left to drain.
    fn end(&mut self, ctx: &mut Context<N>, reply: Reply) -> Option<Unfinished<N::Stream>> {
        match &mut self.machine {
            Machine::TcpClient(client) => client.end_locally(ctx, reply),
            Machine::TcpServer(server) => {
                server.stop();
                reply.complete(Response::ok());
                None
            }
            Machine::Udp(socket) => {
                socket.tear_down();
                reply.complete(Response::ok());
                None
            }
        }
    }
}

impl<N: Network> Engine<N> {
    pub(super) fn create(
        &mut self,
        namespace: Namespace,
        id: i32,
        given: SocketProperties,
        reply: Reply,
    ) {
        let machine = match namespace {
            Namespace::Tcp => Machine::TcpClient(TcpClient::default()),
            Namespace::TcpServer => Machine::TcpServer(Box::default()),
            Namespace::Udp | Namespace::Socket => {
                Machine::Udp(Box::new(UdpSocket::new(namespace == Namespace::Socket)))
            }
        };
        let mut properties = Properties::default();
        properties.update(given);
        self.registry.insert(id, namespace, machine, properties);
        reply.complete(Response::ok());
    }

    pub(super) fn update(
        &mut self,
        namespace: Namespace,
        id: i32,
        given: SocketProperties,
        reply: Reply,
    ) {
        match self.registry.find(namespace, id) {
            Some(entry) => {
                entry.properties.update(given);
                reply.complete(Response::ok());
            }
            None => not_found(reply),
        }
    }

    pub(super) fn get_info(&mut self, namespace: Namespace, id: i32, reply: Reply) {
        match self.registry.info(namespace, id) {
            Some(info) => reply.complete(Response::ok_with(Payload::Sockets(info))),
            None => not_found(reply),
        }
    }

    pub(super) fn get_sockets(&self, namespace: Namespace, reply: Reply) {
        reply.complete(match self.registry.infos(namespace) {
            Some(infos) => Response::ok_with(Payload::Sockets(infos)),
            None => Response::refused(Status::InsufficientResources.name()),
        });
    }

    pub(super) fn set_paused(&mut self, namespace: Namespace, id: i32, paused: bool, reply: Reply) {
        let Some(entry) = self.registry.find(namespace, id) else {
            return not_found(reply);
        };
        match &mut entry.machine {
            Machine::TcpClient(client) => client.set_paused(paused, &entry.properties),
            Machine::TcpServer(server) => server.set_paused(paused),
            Machine::Udp(socket) => socket.set_paused(paused),
        }
        reply.complete(Response::ok());
        self.enqueue(id);
    }

    pub(super) fn disconnect(&mut self, namespace: Namespace, id: i32, reply: Reply) {
        if self.registry.find(namespace, id).is_none() {
            return not_found(reply);
        }
        let unresolved = |send: Reply| send.fail(Status::SocketNotConnected);
        self.cancel_resolving(id, |connect| connect.fail(Status::Aborted), unresolved);
        let (registry, ctx) = self.lend(id);
        let entry = registry.find(namespace, id);
        let unfinished = entry.and_then(|entry| entry.end(ctx, reply));
        self.let_linger(unfinished);
    }

    pub(super) fn close(&mut self, namespace: Namespace, id: i32, reply: Reply) {
        if self.registry.find(namespace, id).is_none() {
            return not_found(reply);
        }
        self.cancel_resolving(id, not_found, not_found);
        let Some(mut entry) = self.registry.remove(namespace, id) else { return };
        let (_, ctx) = self.lend(id);
        let unfinished = entry.end(ctx, reply);
        self.let_linger(unfinished);
    }

    pub(super) fn let_linger(&mut self, unfinished: Option<Unfinished<N::Stream>>) {
        if let Some(it) = unfinished {
            self.timers.extend(self.linger.add(&mut self.ctx.net, it, &mut self.ctx.buffer));
        }
    }
}
