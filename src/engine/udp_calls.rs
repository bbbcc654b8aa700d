//! The calls of `sockets.udp` and the UDP calls of `socket`: checks in the specification's order, then
//! the machine.

use std::net::SocketAddr;

use super::command::{Destination, Send};
use super::outcomes::{bad_legacy_port, denied, not_found, not_resolved, over_quota};
use super::reply::{Replies, Reply};
use super::resolving::{Lookup, Resolving};
use super::udp::{Target, UdpSocket};
use super::{Engine, Machine, Network, Response, Status};
use crate::api::properties::SocketType;
use crate::net::Feature;
use crate::net::address::parse_literal;
use crate::permissions::Operation;

/// Host and port of a membership check (permissions.md 3).
const ANY_GROUP: (&str, i32) = ("*", 0);

impl<N: Network> Engine<N> {
    /// udp.md 4.4, socket-legacy.md 4.4.
    pub(super) fn bind(&mut self, id: i32, address: &str, port: i32, reply: Reply) {
        let is_legacy = reply.event_type().is_legacy();
        let narrow = u16::try_from(port);
        if is_legacy && narrow.is_err() {
            return bad_legacy_port(reply);
        }
        let Some(namespace) = reply.event_type().namespace() else { return };
        match self.registry.find(namespace, id).map(|entry| &entry.machine) {
            None => return not_found(reply),
            Some(Machine::Udp(_)) => {}
            Some(_) => {
                let message =
                    c"TCP socket does not support bind. For TCP server please use listen.";
                return reply.complete(Response::legacy_refused(message));
            }
        }
        if !self.permits(id, reply.event_type(), Operation::UdpBind, address, port) {
            return denied(reply);
        }
        let Ok(port) = narrow else {
            return reply.fail(Status::InvalidArgument);
        };
        let address = parse_literal(address);
        let is_free = self.check_free(SocketType::Udp, address, port);
        let (registry, ctx) = self.lend(id);
        let Some(socket) = registry.udp(namespace, id) else { return not_found(reply) };
        if socket.is_open() {
            return reply.fail(Status::ConnectionFailed);
        }
        let Some(address) = address else {
            return reply.fail(Status::InvalidArgument);
        };
        let local = SocketAddr::new(address, port);
        match is_free.and_then(|()| socket.bind(ctx, local)) {
            Ok(()) => reply.complete(Response::ok_zero()),
            Err(status) => reply.fail(status),
        }
    }

    /// Carries out sends of one socket by one function to one place; their bytes lie in `data` one after the other.
    /// Those of several are of equal size.
    pub fn handle_datagrams(&mut self, data: &[u8], to: Destination<'_>, sends: &[Send]) {
        let Some(first) = sends.first() else { return };
        self.ctx.id = first.socket_id;
        let outbox = self.ctx.outbox.clone();
        // Should one panic, all complete.
        let replies = Replies::new(&outbox, sends);
        if sends.len() > 1 && !self.has_ended && self.send_joined(data, to, first) {
            return replies.complete_all();
        }
        for (own, reply) in replies.with_data(data) {
            self.send_to(first.socket_id, Some(own), to, reply);
        }
    }

    /// Sends datagrams of equal size to a literal address with one system call; false, and nothing was done, if that
    /// is not possible.
    fn send_joined(&mut self, data: &[u8], to: Destination<'_>, first: &Send) -> bool {
        let Send { event_type, socket_id, len, .. } = *first;
        let Destination { address, port, dns_query_type } = to;
        if !self.sockets.may_use(Feature::UdpSegment) {
            return false;
        }
        // A denial is explained for each call, by the way that each goes alone.
        if !self.is_granted(event_type, Operation::UdpSendTo, address, port) {
            return false;
        }
        let literal = self.look_up(address, dns_query_type);
        let (Lookup::Literal(ip), Ok(port)) = (literal, u16::try_from(port)) else {
            return false;
        };
        let Ok(each) = u16::try_from(len) else { return false };
        let socket = event_type.namespace().and_then(|space| self.registry.udp(space, socket_id));
        socket.is_some_and(|socket| socket.send_equal(data, each, SocketAddr::new(ip, port)))
    }

    /// udp.md 4.6, socket-legacy.md 4.9. Without data the call exceeds the quota.
    pub(super) fn send_to(
        &mut self,
        id: i32,
        data: Option<&[u8]>,
        Destination { address, port, dns_query_type }: Destination<'_>,
        reply: Reply,
    ) {
        let is_legacy = reply.event_type().is_legacy();
        let narrow = u16::try_from(port);
        // Here the quota comes first, there after the name.
        if data.is_none() && !is_legacy {
            return over_quota(reply);
        }
        if is_legacy && narrow.is_err() {
            return bad_legacy_port(reply);
        }
        let Some(namespace) = reply.event_type().namespace() else { return };
        match self.registry.find(namespace, id).map(|entry| &entry.machine) {
            None => return not_found(reply),
            Some(Machine::Udp(_)) => {}
            Some(_) => return reply.fail(Status::Failed),
        }
        if !self.permits(id, reply.event_type(), Operation::UdpSendTo, address, port) {
            return denied(reply);
        }
        let Ok(port) = narrow else {
            return reply.fail(Status::InvalidArgument);
        };
        let target = match self.look_up(address, dns_query_type) {
            Lookup::Literal(address) => Target::Address(SocketAddr::new(address, port)),
            Lookup::Known(_, addresses) => Target::Addresses(addresses, port),
            Lookup::Failed => return not_resolved(reply, Status::NameNotResolved),
            Lookup::Ask(name) => {
                let data = data.map(Box::from);
                let resolving = Resolving::Datagram { data, port, reply };
                return self.ask(id, name, dns_query_type, resolving);
            }
        };
        self.send_datagram(id, data, target, reply);
    }

    /// The same with what the name has come to.
    pub(super) fn send_datagram(&mut self, id: i32, data: Option<&[u8]>, to: Target, reply: Reply) {
        let Some(namespace) = reply.event_type().namespace() else { return };
        let (registry, _) = self.lend(id);
        match registry.udp(namespace, id) {
            Some(socket) => socket.send(data, to, reply),
            None => not_found(reply),
        }
    }

    /// Calls about groups: a rule is needed (udp.md 4.10 to 4.12).
    pub(super) fn with_groups(
        &mut self,
        id: i32,
        reply: Reply,
        call: impl FnOnce(&mut UdpSocket<N>) -> Response,
    ) {
        let Some(reply) = self.refuse_other_than_udp(id, reply) else { return };
        let (host, port) = ANY_GROUP;
        let membership = Operation::UdpMulticastMembership;
        if !self.permits(id, reply.event_type(), membership, host, port) {
            return denied(reply);
        }
        self.with_udp(id, reply, call);
    }

    /// Calls about a UDP socket that need no rule.
    pub(super) fn with_udp(
        &mut self,
        id: i32,
        reply: Reply,
        call: impl FnOnce(&mut UdpSocket<N>) -> Response,
    ) {
        let Some(reply) = self.refuse_other_than_udp(id, reply) else { return };
        let Some(namespace) = reply.event_type().namespace() else { return };
        match self.registry.udp(namespace, id) {
            Some(socket) => reply.complete(call(socket)),
            None => not_found(reply),
        }
    }

    /// Completes the call if its socket is not UDP; else gives the reply back.
    fn refuse_other_than_udp(&mut self, id: i32, reply: Reply) -> Option<Reply> {
        let namespace = reply.event_type().namespace()?;
        match self.registry.find(namespace, id).map(|entry| &entry.machine) {
            None => not_found(reply),
            Some(Machine::Udp(_)) => return Some(reply),
            Some(_) => {
                let message = c"Only UDP socket supports multicast.";
                reply.complete(Response::legacy_refused(message));
            }
        }
        None
    }
}
