//! UDP: `chrome.sockets.udp`, and the UDP half of `chrome.socket`.
//!
//! Invariants: datagrams are delivered whole, in order and one by one; what was taken from the kernel
//! but may not be delivered yet is held, never dropped (udp.md 5.3). Sends of one socket leave in
//! the order of the calls, also those that wait for a name (udp.md 7).

mod options;

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use bytes::Bytes;

use super::command::{Answer, MAX_DATAGRAM};
use super::context::{Context, Visit};
use super::outcomes::{not_resolved, over_quota};
use super::read_buffer::SMALL;
use super::registry::Properties;
use super::reply::{Replies, Reply};
use crate::api::event::{Event, Payload, RECEIVE_WEIGHT, Response};
use crate::api::net_error::Status;
use crate::api::properties::SocketInfo;
use crate::api::table::EventType;
use crate::net::{Datagram, MulticastOptions, Network, Ready, Token, address, os_error};

/// UDP sockets that one app may have open (udp.md 4.4 row 6).
const MAX_OPEN: usize = 6000;
/// Sends that may wait behind one that the system would not take (udp.md 6.2).
const MAX_WAITING: usize = 32;
/// Batches received before other sockets get their turn.
const BATCHES_PER_VISIT: usize = 4;

/// The state of one UDP socket.
#[derive(Debug)]
pub(super) struct UdpSocket<N: Network> {
    open: Option<Open<N::Datagram>>,
    options: MulticastOptions,
    /// Whether the options were handed over and can no longer be set: for good in `chrome.socket`.
    options_used: bool,
    groups: Vec<IpAddr>,
    paused: bool,
    reading: Reading,
    /// Taken from the kernel and not delivered yet.
    held: VecDeque<(Bytes, SocketAddr)>,
    outgoing: VecDeque<Outgoing>,
    /// How many of them wait for a name.
    resolving: usize,
    last_number: u64,
    /// Datagrams of this size or more cannot be sent several at once.
    too_large_to_join: u16,
    undelivered: usize,
}

/// Who gets datagrams.
#[derive(Debug)]
enum Reading {
    /// Listeners, by `onReceive`.
    Events,
    /// The call that asks for one, if there is one, and how long it may be.
    OnRequest(Option<(Reply, usize)>),
}

#[derive(Debug)]
struct Open<D> {
    socket: D,
    local: SocketAddr,
    /// The one peer of a connected socket.
    peer: Option<SocketAddr>,
    ready: Ready,
    _counted: Counted,
}

/// Counts an open socket of the app for as long as it is open.
#[derive(Debug)]
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(open_sockets: &Rc<Cell<usize>>) -> Self {
        open_sockets.set(open_sockets.get() + 1);
        Self(Rc::clone(open_sockets))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A send that could not leave at once.
#[derive(Debug)]
struct Outgoing {
    /// Rises along the line.
    number: u64,
    /// `None`: the call exceeds the write quota.
    data: Option<Bytes>,
    to: Target,
    reply: Reply,
}

/// Where a datagram goes.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// To the connected peer.
    Peer,
    /// To this address, if the socket can reach it.
    Address(SocketAddr),
    /// To the first of these that the socket can reach, at this port.
    Addresses(Vec<IpAddr>, u16),
    /// To a name that is being resolved, at this port.
    Resolving(u16),
    /// Nowhere: the name could not be resolved. It is told when those before it are done.
    Unresolved(Status),
}

impl<N: Network> UdpSocket<N> {
    /// A socket of `chrome.sockets.udp`, or of `chrome.socket`.
    pub(super) fn new(on_request: bool) -> Self {
        Self {
            open: None,
            options: MulticastOptions { time_to_live: 1, loopback: true },
            options_used: false,
            groups: Vec::new(),
            paused: false,
            reading: if on_request { Reading::OnRequest(None) } else { Reading::Events },
            held: VecDeque::new(),
            outgoing: VecDeque::new(),
            resolving: 0,
            last_number: 0,
            too_large_to_join: u16::MAX,
            undelivered: 0,
        }
    }

    pub(super) fn describe(&self, info: &mut SocketInfo) {
        info.paused = self.paused;
        info.local = self.local().map(address::endpoint);
        info.peer = self.open.as_ref().and_then(|open| open.peer).map(address::endpoint);
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.open.as_ref().map(|open| open.local)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.peer.is_some())
    }

    /// Bound, and not connected.
    pub(super) fn is_bound(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.peer.is_none())
    }

    // --- calls

    /// udp.md 4.4 rows 6 to 8.
    pub(super) fn bind(&mut self, ctx: &mut Context<N>, local: SocketAddr) -> Result<(), Status> {
        let token = Token { owner: ctx.id, lane: 0 };
        self.open(ctx, |net, options| Ok((net.bind(local, options, token)?, None)))
    }

    /// socket-legacy.md 4.3 rows 10 and 11.
    pub(super) fn connect(
        &mut self,
        ctx: &mut Context<N>,
        addresses: Vec<IpAddr>,
        port: u16,
    ) -> Result<(), Status> {
        let token = Token { owner: ctx.id, lane: 0 };
        self.open(ctx, |net, options| {
            with_usable(addresses.into_iter(), |address| {
                let peer = SocketAddr::new(address, port);
                Ok((net.connect_datagram(peer, options, token)?, Some(peer)))
            })
        })
    }

    fn open(
        &mut self,
        ctx: &mut Context<N>,
        open: impl FnOnce(&mut N, MulticastOptions) -> io::Result<(N::Datagram, Option<SocketAddr>)>,
    ) -> Result<(), Status> {
        if ctx.open_udp.get() >= MAX_OPEN {
            return Err(Status::InsufficientResources);
        }
        let map = |error: io::Error| os_error::status(&error);
        let (socket, peer) = open(&mut ctx.net, self.options).map_err(map)?;
        let local = socket.local_address().map_err(map)?;
        let ready = Ready::WRITABLE;
        let _counted = Counted::new(&ctx.open_udp);
        self.open = Some(Open { socket, local, peer, ready, _counted });
        self.options_used = true;
        Ok(())
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether a datagram that was to be delivered is held again, ahead of the others: the socket is paused
    /// by now (udp.md 5.3).
    pub(super) fn hold_again(&mut self, data: &Bytes, from: SocketAddr) -> bool {
        if self.paused {
            self.held.push_front((data.clone(), from));
        }
        self.paused
    }

    /// Asks for one datagram (socket-legacy.md 4.6, 4.8); the caller has checked the state.
    pub(super) fn ask(&mut self, reply: Reply, limit: usize) {
        self.reading = Reading::OnRequest(Some((reply, limit)));
    }

    pub(super) fn is_asked(&self) -> bool {
        matches!(self.reading, Reading::OnRequest(Some(_)))
    }

    /// Ends the socket's use of the system: cancelled calls complete, sends in their order, those that
    /// wait for a name as the caller says (udp.md 6.2, 8, socket-legacy.md 8).
    pub(super) fn tear_down(&mut self, unresolved: impl Fn(Reply)) {
        self.resolving = 0;
        for send in std::mem::take(&mut self.outgoing) {
            if send.is_resolving() {
                unresolved(send.reply);
            } else {
                send.reply.fail(Status::SocketNotConnected);
            }
        }
        if let Reading::OnRequest(asked) = &mut self.reading
            && let Some((reply, _)) = asked.take()
        {
            reply.fail(Status::ConnectionClosed);
        }
        self.open = None;
        self.groups.clear();
        self.held.clear();
    }

    /// The number of the next send.
    pub(super) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    /// The name of the send with this number was resolved, or could not be.
    pub(super) fn resolved(&mut self, number: u64, answer: Answer) {
        let is_full = self.is_line_full();
        let Ok(at) = self.outgoing.binary_search_by_key(&number, |send| send.number) else {
            return;
        };
        let Target::Resolving(port) = self.outgoing[at].to else { return };
        self.resolving -= 1;
        match answer {
            Ok(_) if is_full => {
                if let Some(send) = self.outgoing.remove(at) {
                    send.reply.fail(Status::InsufficientResources);
                }
            }
            Ok(addresses) => self.outgoing[at].to = Target::Addresses(addresses, port),
            Err(status) => self.outgoing[at].to = Target::Unresolved(status),
        }
        self.flush();
    }

    /// Whether as many sends wait for the system as may (udp.md 4.6 row 7).
    fn is_line_full(&self) -> bool {
        let waits_for_system =
            self.open.as_ref().is_some_and(|open| !open.ready.has(Ready::WRITABLE));
        waits_for_system && self.outgoing.len() - self.resolving > MAX_WAITING
    }

    /// Sends one datagram, or lets it wait its turn (udp.md 4.6 rows 6 to 10).
    pub(super) fn send(&mut self, data: Option<Bytes>, to: Target, reply: Reply) {
        let needs_room = !matches!(to, Target::Resolving(_) | Target::Unresolved(_));
        if needs_room && self.is_line_full() {
            return match data {
                Some(_) => reply.fail(Status::InsufficientResources),
                None => over_quota(reply),
            };
        }
        self.last_number += 1;
        self.resolving += usize::from(matches!(to, Target::Resolving(_)));
        self.outgoing.push_back(Outgoing { number: self.last_number, data, to, reply });
        self.flush();
    }

    /// Sends to the one peer of a connected socket (socket-legacy.md 4.7).
    pub(super) fn write(&mut self, data: Bytes, reply: Reply) {
        if self.is_connected() {
            self.send(Some(data), Target::Peer, reply);
        } else {
            reply.fail(Status::SocketNotConnected);
        }
    }

    /// The same for a call whose bytes are in blocks. Of what is too long for a datagram, no more is put
    /// together than shows that it is.
    pub(super) fn write_blocks(&mut self, blocks: &[Bytes], reply: Reply) {
        let mut data = Vec::new();
        for block in blocks {
            data.extend_from_slice(&block[..block.len().min(MAX_DATAGRAM + 1 - data.len())]);
        }
        self.write(data.into(), reply);
    }

    /// The same for several calls, whose bytes lie in `data` one after the other.
    #[inline(never)]
    pub(super) fn write_copies(&mut self, data: &[u8], replies: Replies<'_>) {
        let mut rest = data;
        for (len, reply) in replies {
            let (own, others) = rest.split_at(len);
            rest = others;
            self.write(Bytes::copy_from_slice(own), reply);
        }
    }

    /// Sends several datagrams of equal size at once; false, and nothing was sent, if that is not
    /// possible now.
    pub(super) fn send_equal(&mut self, data: &[u8], each: u16, to: SocketAddr) -> bool {
        let may_join = self.outgoing.is_empty() && each < self.too_large_to_join;
        let Some(open) =
            self.open.as_mut().filter(|open| may_join && open.ready.has(Ready::WRITABLE))
        else {
            return false;
        };
        let address = reachable(open.local, &[to.ip()]).next();
        let Some(address) = address.filter(|_| open.peer.is_none()) else {
            return false;
        };
        let sent = open.socket.send_equal(data, each, SocketAddr::new(address, to.port()));
        // Of anything else the single send will tell.
        if sent.as_ref().is_err_and(os_error::is_about_size) {
            self.too_large_to_join = each;
        }
        sent.is_ok()
    }

    /// Sends what waits, in order, until the system refuses or a name is missing.
    pub(super) fn flush(&mut self) {
        while let Some(send) = self.outgoing.front().filter(|send| !send.is_resolving()) {
            if let Target::Unresolved(status) = send.to {
                let Some(send) = self.outgoing.pop_front() else { return };
                not_resolved(send.reply, status);
                continue;
            }
            let result = match (&mut self.open, &send.data) {
                // The quota is looked at before the state (socket-legacy.md 4.9 row 6).
                (_, None) => Ok(0),
                (None, Some(_)) => Err(Status::SocketNotConnected),
                (Some(open), Some(_)) if !open.can_send_to(&send.to) => {
                    Err(Status::SocketNotConnected)
                }
                (Some(open), Some(_)) if !open.ready.has(Ready::WRITABLE) => return,
                (Some(open), Some(data)) => match open.send(data, &send.to) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        open.ready.set(Ready::WRITABLE, false);
                        return;
                    }
                    Err(error) => Err(os_error::status(&error)),
                    Ok(()) => Ok(data.len() as u64),
                },
            };
            let Some(Outgoing { data, reply, .. }) = self.outgoing.pop_front() else { return };
            match result {
                Ok(_) if data.is_none() => over_quota(reply),
                Ok(bytes) => reply.complete_send(bytes),
                Err(status) => reply.fail(status),
            }
        }
    }

    // --- readiness

    pub(super) fn on_ready(&mut self, ready: Ready) {
        if let Some(open) = &mut self.open {
            open.ready = open.ready.and(ready);
        }
    }

    /// Does what the socket is ready for: waiting sends first, then datagrams.
    #[inline(never)]
    pub(super) fn visit(&mut self, ctx: &mut Context<N>, properties: &Properties) -> Visit {
        self.flush();
        for _ in 0..BATCHES_PER_VISIT {
            if !self.deliver(ctx, properties) {
                return Visit::Rest;
            }
            // Of one socket a call asks for no more than one datagram, but calls have no end.
            let is_socket_full = matches!(self.reading, Reading::Events)
                && self.undelivered >= ctx.limits.undelivered_per_socket;
            if is_socket_full || ctx.is_full() {
                return Visit::Stalled;
            }
            let Some(open) = self.open.as_mut().filter(|open| open.ready.has(Ready::READABLE))
            else {
                return Visit::Rest;
            };
            match open.socket.receive(&mut ctx.datagrams) {
                // A connected socket may have an error waiting behind what it received.
                Ok(is_empty) => {
                    open.ready.set(Ready::READABLE, !is_empty || open.peer.is_some());
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => open.ready.set(Ready::READABLE, false),
                    io::ErrorKind::Interrupted => {}
                    _ => self.fail_receive(ctx, os_error::status(&error)),
                },
            }
        }
        let all_delivered = self.deliver(ctx, properties);
        if all_delivered { Visit::Again } else { Visit::Rest }
    }

    /// Delivers what is held and what was just received, in this order, as far as it may be, and holds
    /// the rest; whether more is wanted.
    fn deliver(&mut self, ctx: &mut Context<N>, properties: &Properties) -> bool {
        loop {
            let wanted = match &self.reading {
                Reading::Events => (!self.paused).then(|| properties.receive_limit.get() as usize),
                Reading::OnRequest(asked) => asked.as_ref().map(|(_, limit)| *limit),
            };
            let Some(limit) = wanted else {
                self.held.append(&mut ctx.datagrams.received);
                return false;
            };
            let next = self.held.pop_front().or_else(|| ctx.datagrams.received.pop_front());
            let Some((data, from)) = next else { return true };
            if data.len() > limit {
                self.fail_receive(ctx, Status::MsgTooBig);
                continue;
            }
            if ctx.limits.count_undelivered {
                self.undelivered += data.len() + RECEIVE_WEIGHT;
                ctx.undelivered += data.len() + RECEIVE_WEIGHT;
            }
            match &mut self.reading {
                Reading::Events => {
                    ctx.brings_much |= data.len() > SMALL;
                    ctx.outbox.notify(Event::datagram(ctx.id, data, from));
                }
                Reading::OnRequest(asked) => {
                    if let Some((reply, _)) = asked.take() {
                        let len = i32::try_from(data.len()).unwrap_or(i32::MAX);
                        let payload = Payload::Datagram(data, from);
                        reply.complete(Response { payload, ..Response::number(len) });
                    }
                }
            }
        }
    }

    /// udp.md 5.1 row 5: the error is raised, and the socket paused until the program resumes it.
    fn fail_receive(&mut self, ctx: &Context<N>, cause: Status) {
        match &mut self.reading {
            Reading::Events => {
                self.paused = true;
                let on_error = EventType::ChromeSocketsUdpOnReceiveError;
                ctx.outbox.notify(Event::notification(on_error, ctx.id, Some(cause)));
            }
            Reading::OnRequest(asked) => {
                if let Some((reply, _)) = asked.take() {
                    reply.fail(cause);
                }
            }
        }
    }

    /// The host has released `bytes` of received data; negative: it keeps them.
    pub(super) fn release(&mut self, bytes: isize) {
        self.undelivered = self.undelivered.saturating_add_signed(-bytes);
    }
}

impl Outgoing {
    fn is_resolving(&self) -> bool {
        matches!(self.to, Target::Resolving(_))
    }
}

impl<D: Datagram> Open<D> {
    /// A connected socket sends to its peer only (socket-legacy.md 6).
    fn can_send_to(&self, to: &Target) -> bool {
        self.peer.is_some() == matches!(to, Target::Peer)
    }

    fn send(&mut self, data: &[u8], to: &Target) -> io::Result<()> {
        if data.len() > MAX_DATAGRAM {
            return Err(io::Error::from_raw_os_error(os_error::MESSAGE_TOO_LONG));
        }
        match to {
            Target::Peer => self.socket.send(data, None),
            Target::Address(to) => self.send_to(data, &[to.ip()], to.port()),
            Target::Addresses(addresses, port) => self.send_to(data, addresses, *port),
            Target::Resolving(_) | Target::Unresolved(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn send_to(&mut self, data: &[u8], addresses: &[IpAddr], port: u16) -> io::Result<()> {
        let socket = &mut self.socket;
        with_usable(reachable(self.local, addresses), |address| {
            socket.send(data, Some(SocketAddr::new(address, port)))
        })
    }
}

/// What a socket bound to `local` can send to of these addresses (udp.md 6.1).
fn reachable(local: SocketAddr, addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> {
    let to_v4 = local.is_ipv4();
    let to_mapped = match local.ip() {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.is_unspecified() || v6.to_ipv4_mapped().is_some(),
    };
    addresses.iter().filter_map(move |address| match address {
        IpAddr::V4(v4) if to_v4 => Some(IpAddr::V4(*v4)),
        IpAddr::V4(v4) if to_mapped => Some(IpAddr::V6(v4.to_ipv6_mapped())),
        IpAddr::V6(v6) if !to_v4 => Some(IpAddr::V6(*v6)),
        _ => None,
    })
}

/// Uses the first address that the machine has one of its own for: ::1 comes first, and may not be there.
fn with_usable<T>(
    addresses: impl Iterator<Item = IpAddr>,
    mut attempt: impl FnMut(IpAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut result = Err(io::Error::from_raw_os_error(os_error::WRONG_FAMILY));
    for address in addresses {
        result = attempt(address);
        if !result.as_ref().is_err_and(os_error::lacks_own_address) {
            break;
        }
    }
    result
}
