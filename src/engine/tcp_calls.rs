//! The calls of `sockets.tcp` and `sockets.tcpServer`, and those that all namespaces have: checks in the
//! specification's order, then the machines. Also the place where permissions are checked, and where every
//! address passes before it is used.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::command::{Answer, Send, SendData};
use super::connecting::Race;
use super::outcomes::{bad_legacy_port, denied, not_found, not_resolved, over_quota};
use super::reply::Replies;
use super::tcp_server::Accepted;
use super::udp::UdpSocket;
use super::{
    Context, Engine, Entry, Event, EventType, Machine, Namespace, Network, Payload, Properties,
    Query, QueryId, Reply, Response, Status, TcpClient, TcpServer, Visit,
};
use crate::api::event::Denied;
use crate::api::properties::{DnsQueryType, SocketProperties, SocketType};
use crate::net::Feature;
use crate::net::address::{Host, parse_host, parse_literal};
use crate::permissions::{Operation, System};

/// Connections accepted before other sockets get their turn.
const ACCEPTS_PER_VISIT: usize = 16;

/// What waits for a host name to be resolved.
#[derive(Debug)]
pub(super) enum Resolving {
    /// A `connect` to this name and port.
    Connect(Reply, Box<str>, u16),
    /// A datagram, in the line of its socket.
    Datagram,
}

/// What is known of a host.
pub(super) enum Lookup {
    /// It is an address.
    Literal(IpAddr),
    /// Its canonical name, and its addresses, at least one.
    Known(Box<str>, Vec<IpAddr>),
    /// That it has none.
    Failed,
    /// Nothing: its canonical name goes to the resolver.
    Ask(Box<str>),
}

impl<N: Network> Entry<N> {
    /// Ends whatever the socket does, in the order of tcp.md O-6; what is left to drain.
    fn end(
        &mut self,
        ctx: &mut Context<N>,
        reply: Reply,
        unresolved: impl Fn(Reply),
    ) -> Option<N::Stream> {
        match &mut self.machine {
            Machine::TcpClient(client) => client.end_locally(ctx, reply),
            Machine::TcpServer(server) => {
                server.stop();
                reply.complete(Response::ok());
                None
            }
            Machine::Udp(socket) => {
                socket.tear_down(unresolved);
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
            Namespace::Udp | Namespace::Socket => Machine::Udp(Box::new(UdpSocket::new(false))),
        };
        let mut properties = Properties::default();
        properties.update(given);
        self.registry.insert(id, Entry::new(namespace, machine, properties));
        reply.complete(Response::ok());
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
        self.cancel_connecting(id, |reply| reply.fail(Status::Aborted));
        let (registry, ctx) = self.lend(id);
        let unresolved = |send: Reply| send.fail(Status::SocketNotConnected);
        let entry = registry.find(namespace, id);
        let stream = entry.and_then(|entry| entry.end(ctx, reply, unresolved));
        self.let_linger(stream);
    }

    pub(super) fn close(&mut self, namespace: Namespace, id: i32, reply: Reply) {
        if self.registry.find(namespace, id).is_none() {
            return not_found(reply);
        }
        self.cancel_connecting(id, not_found);
        let Some(mut entry) = self.registry.remove(namespace, id) else { return };
        let (_, ctx) = self.lend(id);
        let stream = entry.end(ctx, reply, not_found);
        self.let_linger(stream);
    }

    pub(super) fn let_linger(&mut self, stream: Option<N::Stream>) {
        if let Some(stream) = stream {
            self.timers.extend(self.linger.add(&mut self.ctx.net, stream, &mut self.ctx.buffer));
        }
    }

    // --- sockets.tcp

    pub(super) fn set_option(
        &mut self,
        id: i32,
        reply: Reply,
        set: impl FnOnce(&mut TcpClient<N>) -> Response,
    ) {
        let is_legacy = reply.event_type().is_legacy();
        let namespace = if is_legacy { Namespace::Socket } else { Namespace::Tcp };
        let response = match self.registry.find(namespace, id) {
            None => return not_found(reply),
            Some(Entry { machine: Machine::TcpClient(client), .. }) => set(client),
            Some(_) => Response::failed(Status::Failed),
        };
        // `chrome.socket` says true or false.
        let succeeded = response.message.is_none();
        reply.complete(if is_legacy { Response::number(succeeded.into()) } else { response });
    }

    /// Carries out sends that are like each other; their bytes lie in `data` one after the other.
    #[inline(always)]
    pub fn handle_sends(&mut self, data: &[u8], sends: &[Send]) {
        if self.sockets.may_use(Feature::GatheredSends) {
            self.send(data, sends);
        } else {
            self.send_one_by_one(data, sends);
        }
    }

    #[inline(never)]
    fn send_one_by_one(&mut self, mut data: &[u8], sends: &[Send]) {
        for send in sends {
            let (own, behind) = data.split_at(send.len);
            self.send(own, std::slice::from_ref(send));
            data = behind;
        }
    }

    #[inline(always)]
    fn send(&mut self, data: &[u8], sends: &[Send]) {
        let Some(Send { event_type, socket_id: id, .. }) = sends.first().copied() else { return };
        let Some(namespace) = event_type.namespace() else { return };
        let (registry, ctx) = self.lend(id);
        let replies = Replies::new(&ctx.outbox, sends);
        match registry.find(namespace, id) {
            Some(Entry { machine: Machine::TcpClient(client), properties, .. }) => {
                if let Err(error) = client.send(data, replies) {
                    client.fail_write(ctx, properties, &error);
                } else if client.has_unsent() {
                    self.write_on(id);
                }
            }
            other => Self::send_otherwise(other, data, replies),
        }
    }

    #[inline(never)]
    fn send_otherwise(entry: Option<&mut Entry<N>>, data: &[u8], replies: Replies<'_>) {
        match entry.map(|entry| &mut entry.machine) {
            Some(Machine::Udp(socket)) => socket.write_copies(data, replies),
            Some(_) => replies.for_each(|(_, reply)| reply.fail(Status::SocketNotConnected)),
            None => replies.for_each(|(_, reply)| not_found(reply)),
        }
    }

    /// A send has left something unsent.
    #[inline(never)]
    fn write_on(&mut self, id: i32) {
        let (registry, ctx) = self.lend(id);
        if let Some(Entry { machine: Machine::TcpClient(client), properties, .. }) =
            registry.get_mut(id)
        {
            client.watch(ctx, properties);
            if client.has_more_to_write() {
                self.enqueue(id);
            }
        }
    }

    pub(super) fn send_one(&mut self, id: i32, data: SendData, reply: Reply, more_follow: bool) {
        let blocks = match data {
            SendData::OverQuota => return over_quota(reply),
            SendData::NoMemory(bytes) => {
                return reply.of_send(bytes as u64).fail(Status::OutOfMemory);
            }
            SendData::Blocks(blocks) => blocks,
        };
        let reply = reply.of_send(blocks.iter().map(|block| block.len() as u64).sum());
        let Some(namespace) = reply.event_type().namespace() else { return };
        let (registry, ctx) = self.lend(id);
        match registry.find(namespace, id) {
            Some(Entry { machine: Machine::TcpClient(client), properties, .. }) => {
                client.send_blocks(ctx, properties, blocks, reply, more_follow);
                if !more_follow && client.has_more_to_write() {
                    self.enqueue(id);
                }
            }
            Some(Entry { machine: Machine::Udp(socket), .. }) => {
                socket.write_blocks(&blocks, reply)
            }
            Some(_) => reply.fail(Status::SocketNotConnected),
            None => not_found(reply),
        }
    }

    /// tcp.md 3.5 steps 1 to 4, socket-legacy.md 4.3 rows 1 to 5.
    pub(super) fn connect(
        &mut self,
        id: i32,
        host: &str,
        port: i32,
        dns_query_type: DnsQueryType,
        reply: Reply,
    ) {
        let is_legacy = reply.event_type().is_legacy();
        let narrow = u16::try_from(port);
        if is_legacy && narrow.is_err() {
            return bad_legacy_port(reply);
        }
        let namespace = if is_legacy { Namespace::Socket } else { Namespace::Tcp };
        let operation = match self.registry.find(namespace, id).map(|entry| &entry.machine) {
            None => return not_found(reply),
            Some(Machine::Udp(_)) => Operation::UdpSendTo,
            // No rule can allow it (socket-legacy.md 4.3 row 4).
            Some(Machine::TcpClient(client)) if is_legacy && client.was_secured() => {
                return denied(reply);
            }
            Some(_) => Operation::TcpConnect,
        };
        if !self.permits(id, reply.event_type(), operation, host, port) {
            return denied(reply);
        }
        let Ok(port) = narrow else {
            return reply.fail(Status::InvalidArgument);
        };
        match Self::look_up(host, dns_query_type) {
            Lookup::Literal(address) => {
                self.connect_to(id, reply, None, port, vec![address]);
            }
            Lookup::Known(name, addresses) => {
                self.connect_to(id, reply, Some(name), port, addresses);
            }
            Lookup::Failed => not_resolved(reply, Status::NameNotResolved),
            Lookup::Ask(name) => {
                let resolving = Resolving::Connect(reply, name.clone(), port);
                self.ask(id, name, dns_query_type, resolving);
            }
        }
    }

    /// What is known of a host without the resolver (tcp.md DN-1 to DN-4).
    pub(super) fn look_up(host: &str, dns_query_type: DnsQueryType) -> Lookup {
        let wanted = |address: &IpAddr| match dns_query_type {
            DnsQueryType::Any => true,
            DnsQueryType::Ipv4 => address.is_ipv4(),
            DnsQueryType::Ipv6 => address.is_ipv6(),
        };
        match parse_host(host) {
            Host::Literal(address) if wanted(&address) => Lookup::Literal(address),
            Host::Literal(_) | Host::Invalid => Lookup::Failed,
            Host::Localhost(name) => {
                let both = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
                Lookup::Known(name, both.into_iter().filter(wanted).collect())
            }
            Host::Name(name) => Lookup::Ask(name),
        }
    }

    /// Asks the resolver; `resolving` waits for the answer.
    pub(super) fn ask(
        &mut self,
        id: i32,
        host: Box<str>,
        dns_query_type: DnsQueryType,
        resolving: Resolving,
    ) -> QueryId {
        self.last_serial = self.last_serial.wrapping_add(1);
        let query = QueryId { socket_id: id, serial: self.last_serial };
        let wanted = Arc::new(());
        self.queries.push(Query {
            id: query,
            host,
            dns_query_type,
            wanted: Arc::downgrade(&wanted),
        });
        self.resolving.insert(query, (resolving, wanted));
        query
    }

    /// The resolver has answered. Every address passes here or in `look_up` before it is used.
    pub fn handle_answer(&mut self, query: QueryId, answer: Answer) {
        let Some((resolving, _)) = self.resolving.remove(&query) else { return };
        match (resolving, answer) {
            (Resolving::Connect(reply, name, port), Ok(addresses)) => {
                self.connect_to(query.socket_id, reply, Some(name), port, addresses);
            }
            (Resolving::Connect(reply, ..), Err(status)) => not_resolved(reply, status),
            (Resolving::Datagram, answer) => self.datagram_resolved(query, answer),
        }
    }

    /// tcp.md 3.5 steps 5 to 8, socket-legacy.md 4.3 rows 6 to 11.
    fn connect_to(
        &mut self,
        id: i32,
        reply: Reply,
        name: Option<Box<str>>,
        port: u16,
        addresses: Vec<IpAddr>,
    ) {
        if addresses.is_empty() {
            return not_resolved(reply, Status::NameNotResolved);
        }
        let namespace = reply.event_type().namespace().unwrap_or(Namespace::Tcp);
        let (registry, ctx) = self.lend(id);
        let due = match registry.find(namespace, id) {
            None => return not_found(reply),
            Some(Entry { machine: Machine::TcpClient(client), properties, .. }) => {
                let race = Box::new(Race::new(reply, name, port, addresses));
                client.connect(ctx, properties, race)
            }
            Some(Entry { machine: Machine::Udp(socket), .. }) if !socket.is_open() => {
                match socket.connect(ctx, addresses, port) {
                    Ok(()) => reply.complete(Response::ok_zero()),
                    Err(status) => reply.fail(status),
                }
                None
            }
            // A listener, or UDP that is bound or connected.
            Some(_) => {
                reply.fail(Status::ConnectionFailed);
                None
            }
        };
        self.wait_until(id, due);
    }

    /// Nobody wants the names any more that a socket has asked for; its connects end so.
    pub(super) fn cancel_connecting(&mut self, id: i32, cancel: impl Fn(Reply)) {
        let first = QueryId { socket_id: id, serial: 0 };
        let last = QueryId { socket_id: id, serial: u32::MAX };
        let cancelled: Vec<_> =
            self.resolving.range(first..=last).map(|(query, _)| *query).collect();
        for query in cancelled {
            if let Some((Resolving::Connect(reply, ..), _)) = self.resolving.remove(&query) {
                cancel(reply);
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
                    self.admit(server_id, id, client, asked);
                    if let Some(left) = &mut self.suspended {
                        *left = left.saturating_sub(1);
                    }
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
        self.registry.insert(id, Entry::new(namespace, machine, Properties::default()));
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

    /// Whether the manifest allows an operation. A denial is explained to the host; the page gets its
    /// completion only.
    pub(super) fn permits(
        &self,
        id: i32,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) -> bool {
        let allowed = self.is_granted(call, operation, host, port);
        if !allowed {
            self.explain_denial(id, call, operation, host, port);
        }
        allowed
    }

    /// The one place where operations are checked against the manifest.
    pub(super) fn is_granted(
        &self,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) -> bool {
        self.grants.allows(system_of(call), operation, host, port)
    }

    fn explain_denial(
        &self,
        id: i32,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) {
        let system = system_of(call);
        let (rule, place) = match system {
            System::Sockets => (operation.manifest_path().unwrap_or_default(), "\"sockets\" key"),
            System::Legacy => (operation.legacy_name(), "\"socket\" permission"),
        };
        let why = if self.grants.available(system) {
            // Escaped: it is a page's text, on its way to a log.
            format!("no {rule} rule of the manifest allows host {host:?} port {port}")
        } else {
            format!("the manifest has no {place}")
        };
        let call = call.chrome_name().to_string_lossy();
        let text = |text: String| CString::new(text).unwrap_or_default().into_boxed_c_str();
        let mut event = Event::notification(EventType::ChromesockPermissionDenied, id, None);
        event.payload = Payload::Denied(Box::new(Denied {
            host: text(host.to_owned()),
            port,
            explanation: text(format!("{call}: {why}")),
        }));
        self.ctx.outbox.notify(event);
    }
}

/// The system of permissions that governs a call.
fn system_of(call: EventType) -> System {
    if call.is_legacy() { System::Legacy } else { System::Sockets }
}
