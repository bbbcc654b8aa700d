//! The calls of `sockets.tcp` and `sockets.tcpServer`: checks in the specification's order, then the
//! machines. Also the only place where a permission is asked and where a resolved address passes.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::command::{Answer, SendData};
use super::connecting::Race;
use super::tcp_server::Accepted;
use super::{
    Context, Engine, Entry, Event, EventType, Machine, Namespace, Network, Payload, Properties,
    Query, QueryId, Reply, Response, SOCKET_NOT_FOUND, Status, TcpClient, TcpServer, Visit,
    not_found,
};
use crate::api::event::Denied;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::net::address::{Host, parse_host, parse_literal};
use crate::permissions::{Operation, System};

/// A `connect` whose host name is being resolved.
#[derive(Debug)]
pub(super) struct Resolving {
    reply: Reply,
    port: u16,
}

impl<N: Network> Entry<N> {
    /// Ends whatever the socket does, in the order of tcp.md O-6; what is left to drain.
    fn end(&mut self, ctx: &mut Context<'_, N>, reply: Reply) -> Option<N::Stream> {
        match &mut self.machine {
            Machine::TcpClient(client) => client.end_locally(ctx, reply),
            Machine::TcpServer(server) => {
                server.stop();
                reply.complete(Response::ok());
                None
            }
        }
    }
}

impl<N: Network> Engine<N> {
    // --- both namespaces

    pub(super) fn create(
        &mut self,
        namespace: Namespace,
        id: i32,
        given: SocketProperties,
        reply: Reply,
    ) {
        let machine = match namespace {
            Namespace::Tcp => Machine::TcpClient(TcpClient::default()),
            Namespace::TcpServer => Machine::TcpServer(TcpServer::default()),
        };
        let mut properties = Properties::default();
        properties.update(given);
        self.registry.insert(id, Entry::new(machine, properties));
        reply.complete(Response::ok());
    }

    pub(super) fn set_paused(&mut self, namespace: Namespace, id: i32, paused: bool, reply: Reply) {
        let Some(entry) = self.registry.find(namespace, id) else {
            return not_found(reply);
        };
        match &mut entry.machine {
            Machine::TcpClient(client) => client.set_paused(paused, &entry.properties),
            Machine::TcpServer(server) => server.set_paused(paused),
        }
        reply.complete(Response::ok());
        self.enqueue(id);
    }

    pub(super) fn disconnect(&mut self, namespace: Namespace, id: i32, reply: Reply) {
        if self.registry.find(namespace, id).is_none() {
            return not_found(reply);
        }
        self.cancel_resolving(id, |reply| reply.fail(Status::Aborted));
        let (registry, mut ctx) = self.lend(id);
        let stream = registry.find(namespace, id).and_then(|entry| entry.end(&mut ctx, reply));
        self.let_linger(stream);
    }

    pub(super) fn close(&mut self, namespace: Namespace, id: i32, reply: Reply) {
        let Some(mut entry) = self.registry.remove(namespace, id) else {
            return not_found(reply);
        };
        self.cancel_resolving(id, not_found);
        let (_, mut ctx) = self.lend(id);
        let stream = entry.end(&mut ctx, reply);
        self.let_linger(stream);
    }

    pub(super) fn let_linger(&mut self, stream: Option<N::Stream>) {
        if let Some(stream) = stream {
            self.timers.extend(self.linger.add(&mut self.net, stream, &mut self.buffer));
        }
    }

    // --- sockets.tcp

    pub(super) fn set_option(
        &mut self,
        id: i32,
        reply: Reply,
        set: impl FnOnce(&mut TcpClient<N>) -> Response,
    ) {
        match self.registry.client(id) {
            Some((client, _)) => reply.complete(set(client)),
            None => reply.complete(Response::failed_saying(Status::Failed, SOCKET_NOT_FOUND)),
        }
    }

    pub(super) fn send_one(&mut self, id: i32, data: SendData, reply: Reply) {
        let block = match data {
            SendData::OverQuota => {
                return reply.complete(Response::refused(c"Exceeded write quota."));
            }
            SendData::Block(block) => block,
            // Gathered sends come by `handle_sends`; one without bytes beside it has none.
            SendData::Beside(_) => bytes::Bytes::new(),
        };
        let reply = reply.of_send(block.len() as u64);
        let (registry, mut ctx) = self.lend(id);
        match registry.client(id) {
            Some((client, properties)) => client.send_block(&mut ctx, properties, block, reply),
            None => not_found(reply),
        }
    }

    /// tcp.md 3.5 steps 1 to 4.
    pub(super) fn connect(
        &mut self,
        id: i32,
        host: &str,
        port: i32,
        dns_query_type: DnsQueryType,
        reply: Reply,
    ) {
        if self.registry.client(id).is_none() {
            return not_found(reply);
        }
        if !self.permits(id, EventType::ChromeSocketsTcpConnect, Operation::TcpConnect, host, port)
        {
            return reply.complete(Response::refused(DENIED));
        }
        let Ok(port) = u16::try_from(port) else {
            return reply.fail(Status::InvalidArgument);
        };
        let addresses = match parse_host(host) {
            Host::Literal(address) => vec![address],
            Host::Localhost => vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
            Host::Invalid => return reply.fail(Status::NameNotResolved),
            Host::Name(name) => {
                self.last_serial = self.last_serial.wrapping_add(1);
                let query = QueryId { socket_id: id, serial: self.last_serial };
                let wanted = Arc::new(());
                let asked = Arc::downgrade(&wanted);
                self.resolving.insert(query, (Resolving { reply, port }, wanted));
                self.queries.push(Query { id: query, host: name, dns_query_type, wanted: asked });
                return;
            }
        };
        let wanted = |address: &IpAddr| match dns_query_type {
            DnsQueryType::Any => true,
            DnsQueryType::Ipv4 => address.is_ipv4(),
            DnsQueryType::Ipv6 => address.is_ipv6(),
        };
        let addresses = addresses.into_iter().filter(wanted).collect();
        self.connect_to(id, Resolving { reply, port }, addresses);
    }

    /// The resolver has answered.
    pub fn handle_answer(&mut self, query: QueryId, answer: Answer) {
        let Some((resolving, _)) = self.resolving.remove(&query) else {
            return;
        };
        match answer {
            Ok(addresses) => self.connect_to(query.socket_id, resolving, addresses),
            Err(status) => resolving.reply.fail(status),
        }
    }

    /// tcp.md 3.5 steps 5 to 8. Every address passes here before it is used (spec README S6).
    fn connect_to(&mut self, id: i32, resolving: Resolving, addresses: Vec<IpAddr>) {
        let Resolving { reply, port } = resolving;
        if addresses.is_empty() {
            return reply.fail(Status::NameNotResolved);
        }
        let (registry, mut ctx) = self.lend(id);
        let Some((client, properties)) = registry.client(id) else {
            return not_found(reply);
        };
        let race = Box::new(Race::new(reply, port, addresses));
        let due = client.connect(&mut ctx, properties, race);
        self.wait_until(id, due);
    }

    pub(super) fn cancel_resolving(&mut self, id: i32, cancel: impl Fn(Reply)) {
        let first = QueryId { socket_id: id, serial: 0 };
        let last = QueryId { socket_id: id, serial: u32::MAX };
        let cancelled: Vec<_> =
            self.resolving.range(first..=last).map(|(query, _)| *query).collect();
        for query in cancelled {
            if let Some((resolving, _)) = self.resolving.remove(&query) {
                cancel(resolving.reply);
            }
        }
    }

    // --- sockets.tcpServer

    /// tcp.md 9.2.
    pub(super) fn listen(
        &mut self,
        id: i32,
        address: &str,
        port: i32,
        backlog: Option<i32>,
        reply: Reply,
    ) {
        if self.registry.find(Namespace::TcpServer, id).is_none() {
            return not_found(reply);
        }
        let listen = EventType::ChromeSocketsTcpServerListen;
        if !self.permits(id, listen, Operation::TcpListen, address, port) {
            return reply.complete(Response::refused(DENIED));
        }
        let (registry, mut ctx) = self.lend(id);
        let Some(Entry { machine: Machine::TcpServer(server), .. }) = registry.get_mut(id) else {
            return not_found(reply);
        };
        let Ok(port) = u16::try_from(port) else {
            return reply.fail(Status::InvalidArgument);
        };
        if server.is_listening() {
            return reply.fail(Status::Failed);
        }
        let backlog = backlog.unwrap_or(crate::net::DEFAULT_BACKLOG);
        let Some(address) = parse_literal(address).filter(|_| backlog > 0) else {
            return reply.fail(Status::InvalidArgument);
        };
        match server.listen(&mut ctx, SocketAddr::new(address, port), backlog) {
            Ok(()) => reply.complete(Response::ok_zero()),
            Err(status) => reply.fail(status),
        }
    }

    /// Enters accepted connections and announces them (tcp.md 9.3).
    pub(super) fn admit_clients(&mut self, server_id: i32, accepted: Accepted<N>) -> Visit {
        if let Some(left) = &mut self.suspended {
            *left = left.saturating_sub(accepted.clients.len());
        }
        for (id, client) in accepted.clients {
            let machine = Machine::TcpClient(client);
            self.registry.insert(id, Entry::new(machine, Properties::default()));
            let on_accept = EventType::ChromeSocketsTcpServerOnAccept;
            let mut event = Event::notification(on_accept, server_id, None);
            event.client_socket_id = id;
            self.outbox.notify(event);
        }
        if let Some(status) = accepted.failure {
            let on_error = EventType::ChromeSocketsTcpServerOnAcceptError;
            self.outbox.notify(Event::notification(on_error, server_id, Some(status)));
        }
        self.note_open_sockets();
        accepted.visit
    }

    /// The one place where `sockets.*` operations are checked against the manifest. A denial is
    /// explained to the host; the page gets its completion only.
    fn permits(
        &self,
        id: i32,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) -> bool {
        let grants = &self.setup.grants;
        let allowed = grants.allows(System::Sockets, operation, host, port);
        if !allowed {
            let call = call.chrome_name().to_string_lossy();
            let path = operation.manifest_path().unwrap_or_default();
            let why = if grants.available(System::Sockets) {
                format!("no {path} rule of the manifest allows host \"{host}\" port {port}")
            } else {
                "the manifest has no \"sockets\" key".to_owned()
            };
            let text = |text: String| CString::new(text).unwrap_or_default().into_boxed_c_str();
            let mut event = Event::notification(EventType::ChromesockPermissionDenied, id, None);
            event.payload = Payload::Denied(Box::new(Denied {
                host: text(host.to_owned()),
                port,
                explanation: text(format!("{call}: {why}")),
            }));
            self.outbox.notify(event);
        }
        allowed
    }
}

/// Denied `sockets.tcp` and `sockets.tcpServer` operations (spec README S7).
const DENIED: &std::ffi::CStr = c"Does not have permission";
