//! The calls of `sockets.tcp`, and those of `socket` on TCP that they share: checks in the specification's order,
//! then the machine.

use std::net::IpAddr;
use std::slice;

use super::command::{BegunSend, Send, SendData};
use super::connecting::Race;
use super::connection::FirstWrite;
use super::outcomes::{bad_legacy_port, denied, not_found, not_resolved, over_quota};
use super::reply::Replies;
use super::resolving::{Lookup, Resolving};
use super::{Engine, Entry, Machine, Namespace, Network, Reply, Response, Status, TcpClient};
use crate::api::properties::DnsQueryType;
use crate::net::Feature;
use crate::permissions::Operation;

/// Written sends for which memory is kept.
const MAX_WRITTEN: usize = 64;

impl<N: Network> Engine<N> {
    pub(super) fn set_option(
        &mut self,
        id: i32,
        reply: Reply,
        set: impl FnOnce(&mut TcpClient<N>) -> Response,
    ) {
        let Some(namespace) = reply.event_type().namespace() else { return };
        let response = match self.registry.find(namespace, id) {
            None => return not_found(reply),
            Some(Entry { machine: Machine::TcpClient(client), .. }) => set(client),
            Some(_) => Response::failed(Status::Failed),
        };
        // `chrome.socket` says true or false.
        let succeeded = response.message.is_none();
        let is_legacy = namespace == Namespace::Socket;
        reply.complete(if is_legacy { Response::number(succeeded.into()) } else { response });
    }

    /// Carries out one send, whose bytes are `data`.
    #[inline(always)]
    pub fn handle_send(&mut self, data: &[u8], send: &Send) {
        self.send(data, slice::from_ref(send));
    }

    /// Carries out sends that are like each other; their bytes lie in `data` one after the other. All of them may be
    /// written at once: how many there are is the caller's to bound.
    #[inline(never)]
    pub fn handle_sends(&mut self, data: &[u8], sends: &[Send]) {
        self.send(data, sends);
    }

    /// Whether several sends may be carried out together.
    pub fn gathers_sends(&self) -> bool {
        self.sockets.may_use(Feature::GatheredSends)
    }

    #[inline(always)]
    fn send(&mut self, data: &[u8], sends: &[Send]) {
        let Some(Send { event_type, socket_id: id, .. }) = sends.first().copied() else { return };
        let Some(namespace) = event_type.namespace() else { return };
        let (registry, ctx) = self.lend(id);
        // Should a write panic, they complete.
        let replies = Replies::new(&ctx.outbox, sends);
        let begun = match registry.find(namespace, id) {
            Some(Entry { machine: Machine::TcpClient(client), .. }) => client.write_whole(data),
            _ => Err(None),
        };
        match begun {
            Ok(()) => replies.complete_all(),
            Err(begun) => {
                replies.hand_on();
                self.send_rest(namespace, id, data, begun, sends);
            }
        }
    }

    /// Goes on with sends of which not all was written at once.
    #[inline(never)]
    fn send_rest(
        &mut self,
        namespace: Namespace,
        id: i32,
        data: &[u8],
        begun: FirstWrite,
        sends: &[Send],
    ) {
        let (registry, ctx) = self.lend(id);
        let outbox = ctx.outbox.clone();
        let replies = Replies::new(&outbox, sends);
        match registry.find(namespace, id) {
            Some(Entry { machine: Machine::TcpClient(client), properties, .. }) => {
                client.send(ctx, properties, data, begun, replies);
                if client.has_more_to_write() {
                    self.enqueue(id);
                }
            }
            Some(Entry { machine: Machine::Udp(socket), .. }) => socket.write_copies(data, replies),
            Some(_) => replies.for_each(|(_, reply)| reply.fail(Status::SocketNotConnected)),
            None => replies.for_each(|(_, reply)| not_found(reply)),
        }
    }

    /// Writes a send from where its bytes lie, while the engine's events are shown, if nothing waits that was called
    /// before. If that takes all, it completes behind those events.
    pub fn begin_send(&self, send: &Send, data: &[u8]) -> Result<(), FirstWrite> {
        if self.has_ended || !self.sockets.may_use(Feature::PromptSends) {
            return Err(None);
        }
        let entry = self.registry.get(send.socket_id).ok_or(None)?;
        match &entry.machine {
            Machine::TcpClient(client) if send.event_type.namespace() == Some(entry.namespace) => {
                client.begin_write(data)?;
                self.written.borrow_mut().push(*send);
                Ok(())
            }
            _ => Err(None),
        }
    }

    /// Completes what `begin_send` has written.
    #[inline]
    pub(super) fn complete_written(&mut self) {
        if !self.written.get_mut().is_empty() {
            self.complete_all_written();
        }
    }

    #[inline(never)]
    fn complete_all_written(&mut self) {
        let mut written = self.written.take();
        for send in &written {
            if let Some(Entry { machine: Machine::TcpClient(client), .. }) =
                self.registry.get_mut(send.socket_id)
            {
                client.note_write();
            }
        }
        Replies::new(&self.ctx.outbox, &written).complete_all();
        written.clear();
        written.shrink_to(MAX_WRITTEN);
        self.written = written.into();
    }

    pub(super) fn send_one(&mut self, id: i32, data: SendData, reply: Reply, more_follow: bool) {
        let blocks = match data {
            SendData::OverQuota => return over_quota(reply),
            SendData::NoMemory(bytes) => {
                return reply.of_send(bytes as u64).fail(Status::OutOfMemory);
            }
            SendData::Begun(begun) => return self.go_on(id, *begun, reply),
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

    fn go_on(&mut self, id: i32, begun: BegunSend, reply: Reply) {
        let reply = reply.of_send(begun.len as u64);
        let (registry, ctx) = self.lend(id);
        match registry.get_mut(id) {
            Some(Entry { machine: Machine::TcpClient(client), properties, .. }) => {
                client.go_on(ctx, properties, begun, reply);
                if client.has_more_to_write() {
                    self.enqueue(id);
                }
            }
            _ => reply.fail(Status::SocketNotConnected),
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
        let Some(namespace) = reply.event_type().namespace() else { return };
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
        match self.look_up(host, dns_query_type) {
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

    /// tcp.md 3.5 steps 5 to 8, socket-legacy.md 4.3 rows 6 to 11.
    pub(super) fn connect_to(
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
        let Some(namespace) = reply.event_type().namespace() else { return };
        let (registry, ctx) = self.lend(id);
        let due = match registry.find(namespace, id) {
            None => return not_found(reply),
            Some(Entry { machine: Machine::TcpClient(client), properties, .. }) => {
                let race = Box::new(Race::new(reply, name, port, addresses));
                let due = client.connect(ctx, properties, race);
                // Behind the calls that are made with this one, which find it connecting.
                self.enqueue(id);
                due
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
}
