//! The engine of one app: commands, readiness, answers and time in; events and questions out.
//!
//! Pure: it has no threads, no clock and no system calls of its own, only what `Network` lends, so
//! whole conversations run in one thread under a scripted or an in-memory network. Every input names
//! a socket by id and looks it up anew; an id that is gone is not an error.

pub mod accounts;
pub mod command;
mod common_calls;
mod connecting;
mod connection;
mod context;
mod id_map;
mod legacy_calls;
mod life;
mod linger;
mod low_water;
mod outcomes;
mod permitting;
mod read_buffer;
mod recycler;
mod registry;
mod reply;
mod resolving;
mod send_queue;
mod tcp_calls;
mod tcp_client;
mod tcp_server;
mod tcp_server_calls;
mod times;
pub mod tls;
mod tls_calls;
mod udp;
mod udp_calls;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::api::event::{Event, Payload, Response};
use crate::api::net_error::Status;
use crate::api::properties::SocketType;
use crate::api::table::{EventType, Namespace};
use crate::net::address::parse_literal;
use crate::net::{Datagrams, Feature, Network, Ready, SocketSettings, Token};
use crate::permissions::Grants;
use accounts::Accounts;
use command::{Call, Command, Destination, Query, QueryId, Send};
pub(crate) use connection::FirstWrite;
use context::{Context, News, Visit};
pub(crate) use id_map::IdMap;
use linger::Linger;
use read_buffer::ReadBuffer;
pub(crate) use recycler::Recycler;
use registry::{Entry, Machine, Properties, Registry};
use reply::{Outbox, Reply};
use resolving::Questions;
use tcp_client::TcpClient;
use times::Times;
use tls::{Tls, TlsSetup};

/// Bounds of one app.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Undelivered received bytes of a socket above which it is not read.
    pub undelivered_per_socket: usize,
    /// The same for the whole app.
    pub undelivered_per_app: usize,
    /// Whether events wait in a queue; if not, only what the host keeps is counted.
    pub count_undelivered: bool,
}

/// What an engine is made from; may cross threads, which the engine itself may not.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Ids and counters.
    pub accounts: Arc<Accounts>,
    /// Bounds.
    pub limits: Limits,
    /// What the app's manifest allows.
    pub grants: Arc<Grants>,
    /// How connections are secured.
    pub tls: TlsSetup,
    /// Whether completions of calls that were made without a callback are told to anyone.
    pub tells_unasked: Arc<AtomicBool>,
    /// What the host asks of its sockets.
    pub sockets: SocketSettings,
}

/// Of fewer sockets than that, those that have gone while they waited for the host need not be looked for.
const MANY_STALLED: usize = 64;

/// One app's sockets.
#[derive(Debug)]
pub struct Engine<N: Network> {
    ctx: Context<N>,
    grants: Arc<Grants>,
    sockets: SocketSettings,
    registry: Registry<N>,
    linger: Linger<N::Stream>,
    timers: Times,
    /// When to look at fast streams.
    looks: Times,
    /// Sockets with something to do, each at most once.
    run_queue: VecDeque<i32>,
    /// Sockets that wait for the host to release what it was given, each at most once.
    stalled: VecDeque<i32>,
    /// How many of them are still to be tried since it did.
    to_retry: usize,
    questions: Questions,
    /// Sends that were written while events were shown.
    written: RefCell<Vec<Send>>,
    /// While suspended: connections that may still be accepted.
    suspended: Option<usize>,
    /// No call is carried out any more.
    has_ended: bool,
}

impl<N: Network> Engine<N> {
    /// An engine without sockets.
    pub fn new(net: N, setup: Setup) -> Self {
        let Setup { accounts, limits, grants, tls, tells_unasked, sockets } = setup;
        let ctx = Context {
            id: 0,
            net,
            outbox: Outbox::new(Arc::clone(&accounts), tells_unasked),
            accounts,
            buffer: ReadBuffer::default(),
            datagrams: Datagrams::default(),
            open_udp: Rc::default(),
            smaller_limit: limits.undelivered_per_socket.min(limits.undelivered_per_app),
            limits,
            undelivered: 0,
            brings_much: false,
            tls: Tls::new(tls),
        };
        Self {
            ctx,
            grants,
            sockets,
            registry: Registry::default(),
            linger: Linger::default(),
            timers: Times::default(),
            looks: Times::default(),
            run_queue: VecDeque::new(),
            stalled: VecDeque::new(),
            to_retry: 0,
            questions: Questions::default(),
            written: RefCell::default(),
            suspended: None,
            has_ended: false,
        }
    }

    // --- out

    /// Moves the events so far to the end of `into`.
    pub fn take_events(&mut self, into: &mut Vec<Event>) {
        self.complete_written();
        self.ctx.outbox.take_into(into, &mut self.ctx.buffer);
        self.ctx.brings_much = false;
    }

    /// Lends the events so far, and what lies beside them, to one that uses them up.
    pub fn hand_out<R>(&mut self, to: impl FnOnce(&mut Vec<Event>, &[u8], &Self) -> R) -> R {
        let result = self.ctx.outbox.lend(|events| to(events, self.ctx.buffer.beside(), self));
        self.ctx.buffer.clear();
        self.ctx.brings_much = false;
        self.complete_written();
        result
    }

    /// Whether this is the engine of the app with these accounts.
    pub fn keeps(&self, accounts: &Arc<Accounts>) -> bool {
        Arc::ptr_eq(&self.ctx.accounts, accounts)
    }

    /// How many events there are so far.
    #[inline]
    pub fn events(&self) -> usize {
        self.ctx.outbox.len()
    }

    /// Whether some of them bring more than little data.
    #[inline]
    pub fn brings_much(&self) -> bool {
        self.ctx.brings_much
    }

    /// Shows the events so far.
    pub fn look_at_events<R>(&self, look: impl FnOnce(&[Event]) -> R) -> R {
        self.ctx.outbox.look(look)
    }

    /// Whether there are questions for the resolver, or TLS is to be prepared.
    pub fn has_errands(&self) -> bool {
        !self.questions.unasked.is_empty() || self.ctx.tls.wants_preparation()
    }

    /// What is to be run on another thread before `handle_tls_prepared`, if TLS is to be prepared.
    pub fn take_tls_preparation(&mut self) -> Option<fn()> {
        self.ctx.tls.take_preparation()
    }

    /// The questions for the resolver so far.
    pub fn take_queries(&mut self) -> Vec<Query> {
        std::mem::take(&mut self.questions.unasked)
    }

    /// The socket that the next `handle_next_work` lets work, if any has something to do.
    pub fn next_work(&self) -> Option<i32> {
        self.run_queue.front().copied()
    }

    /// Whether a socket has something to do.
    pub fn has_work(&self, id: i32) -> bool {
        self.registry.get(id).is_some_and(|entry| entry.queued)
    }

    /// Whether a socket waits for `release`.
    pub fn wants_release(&self) -> bool {
        !self.stalled.is_empty()
    }

    /// Whether a socket is live.
    pub fn has_socket(&self, id: i32) -> bool {
        self.registry.contains(id)
    }

    /// How many sockets are live.
    pub fn sockets(&self) -> usize {
        self.registry.len()
    }

    /// Whether received data may still be delivered that had to wait: not for a socket that is gone, nor
    /// what came in plain text before TLS (tcp.md CL-2, TLS-28).
    pub fn wants(&self, event: &Event) -> bool {
        if !event.has_data() {
            return true;
        }
        match self.registry.get(event.socket_id).map(|entry| &entry.machine) {
            Some(Machine::TcpClient(client)) => {
                event.secured || !(client.was_secured() || client.is_securing())
            }
            Some(_) => true,
            None => false,
        }
    }

    /// Whether a datagram that had to wait goes on waiting for its socket, which is paused by now (udp.md 5.3).
    /// The last one first.
    pub fn hold_again(&mut self, event: &Event) -> bool {
        let entry = self.registry.get_mut(event.socket_id);
        match (entry.map(|entry| &mut entry.machine), &event.payload) {
            (Some(Machine::Udp(socket)), Payload::Datagram(data, from)) => {
                socket.hold_again(data, *from)
            }
            _ => false,
        }
    }

    // --- in

    /// Carries out one call other than a gathered send.
    pub fn handle_call(&mut self, call: Call) {
        let Call { event_type, socket_id: id, ticket, command } = call;
        self.ctx.id = id;
        let reply = Reply::new(&self.ctx.outbox, event_type, id, ticket);
        // A send gives back what it has taken.
        if self.has_ended && !matches!(command, Command::Send(_)) {
            return reply.fail(Status::Aborted);
        }
        match command {
            Command::Create(namespace, given) => self.create(namespace, id, given, reply),
            Command::Update(namespace, given) => self.update(namespace, id, given, reply),
            Command::SetPaused(namespace, paused) => self.set_paused(namespace, id, paused, reply),
            Command::GetInfo(namespace) => self.get_info(namespace, id, reply),
            Command::GetSockets(namespace) => self.get_sockets(namespace, reply),
            Command::Disconnect(namespace) => self.disconnect(namespace, id, reply),
            Command::Close(namespace) => self.close(namespace, id, reply),
            Command::Connect { peer_address, peer_port, dns_query_type } => {
                self.connect(id, &peer_address, peer_port, dns_query_type, reply);
            }
            Command::SetKeepAlive { enable, delay } => {
                self.set_option(id, reply, |client| client.set_keep_alive(enable, delay));
            }
            Command::Secure(options) => self.secure(id, &options, reply),
            Command::GetTlsSession => self.get_tls_session(id, reply),
            Command::SetNoDelay(on) => self.set_option(id, reply, |client| client.set_no_delay(on)),
            Command::Send(data) => self.send_one(id, data, reply, false),
            Command::Listen { address, port, backlog } => {
                self.listen(id, &address, port, backlog, reply);
            }
            Command::Bind { address, port } => self.bind(id, &address, port, reply),
            Command::SendToOverQuota { address, port, dns_query_type } => {
                let to = Destination { address: &address, port, dns_query_type };
                self.send_to(id, None, to, reply);
            }
            Command::JoinGroup(group) => {
                self.with_groups(id, reply, |socket| socket.join(parse_literal(&group)))
            }
            Command::LeaveGroup(group) => {
                self.with_groups(id, reply, |socket| socket.leave(parse_literal(&group)))
            }
            Command::GetJoinedGroups => {
                let told = self.registry.told().cloned();
                self.with_groups(id, reply, |socket| socket.joined_groups(told.as_ref()));
            }
            Command::SetMulticastTimeToLive(hops) => {
                self.with_udp(id, reply, |socket| socket.set_time_to_live(hops));
            }
            Command::SetMulticastLoopbackMode(on) => {
                self.with_udp(id, reply, |socket| socket.set_loopback(on));
            }
            Command::SetBroadcast(on) => {
                self.with_udp(id, reply, |socket| socket.set_broadcast(on));
            }
            Command::CreateLegacy(socket_type) => self.create_legacy(id, socket_type, reply),
            Command::Read(limit) => self.read(id, limit, reply),
            Command::RecvFrom(limit) => self.receive_from(id, limit, reply),
            Command::Accept => self.accept(id, reply),
            Command::GetNetworkList => self.network_list(reply),
        }
        self.note_open_sockets();
    }

    /// Carries out one send of a block. If `more_follow`, it may wait for the next one to be written with it.
    pub fn handle_block(&mut self, call: Call, more_follow: bool) {
        let Call { event_type, socket_id: id, ticket, command } = call;
        let reply = Reply::new(&self.ctx.outbox, event_type, id, ticket);
        if let Command::Send(data) = command {
            let may_wait = more_follow && self.sockets.may_use(Feature::GatheredSends);
            self.send_one(id, data, reply, may_wait);
        }
    }

    /// A source reports readiness, and its socket works for a bounded while.
    #[inline(always)]
    pub fn handle_ready(&mut self, token: Token, ready: Ready) {
        let Token { owner: id, lane } = token;
        if id < 0 {
            return self.handle_lingering(id);
        }
        // What most events are about.
        let (registry, ctx) = self.lend(id);
        if let Some(Entry { machine: Machine::TcpClient(client), properties, .. }) =
            registry.get_mut(id)
            && client.is_connected()
        {
            let visit = client.visit_connected(ctx, properties, ready);
            return self.after_visit(id, visit);
        }
        self.visit(id, Some(News { lane, ready }));
    }

    /// Lets the next socket with something to do work for a bounded while. Whether that was a look at an attempt to
    /// connect.
    pub fn handle_next_work(&mut self) -> bool {
        let Some(id) = self.run_queue.pop_front() else { return false };
        let has_looked = self.visit(id, None);
        if self.to_retry > 0 {
            self.retry_next();
        }
        has_looked
    }

    /// Lets a socket work, because there are news of it or it stood in the run queue. Whether it was to be connected.
    #[inline(never)]
    fn visit(&mut self, id: i32, news: Option<News>) -> bool {
        let (registry, ctx) = self.lend(id);
        let Some(entry) = registry.get_mut(id) else {
            return false;
        };
        entry.queued &= news.is_some();
        let was_connecting =
            matches!(&entry.machine, Machine::TcpClient(client) if client.is_connecting());
        let visit = match &mut entry.machine {
            Machine::TcpClient(client) => client.visit(ctx, &entry.properties, news),
            Machine::TcpServer(server) => {
                if news.is_some() {
                    server.on_ready();
                }
                self.admit_clients(id)
            }
            Machine::Udp(socket) => {
                if let Some(News { ready, .. }) = news {
                    socket.on_ready(ready);
                }
                socket.visit(ctx, &entry.properties)
            }
        };
        self.after_visit(id, visit);
        was_connecting
    }

    #[inline]
    fn after_visit(&mut self, id: i32, visit: Visit) {
        if visit != Visit::Rest {
            self.take_up(id, visit);
        }
        self.tell_keys();
    }

    /// Sees to it that what a visit has left is done.
    #[inline(never)]
    fn take_up(&mut self, id: i32, visit: Visit) {
        match visit {
            Visit::Rest => {}
            Visit::Wait(due) => self.wait_until(id, Some(due)),
            Visit::Look(due) => self.looks.add(due, id),
            Visit::Again => self.enqueue(id),
            Visit::Stalled => self.wait_for_release(id),
            Visit::Gone => {
                self.lose(id);
                self.note_open_sockets();
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn handle_lingering(&mut self, owner: i32) {
        let ctx = &mut self.ctx;
        self.timers.extend(self.linger.on_ready(&ctx.net, owner, &mut ctx.buffer));
    }

    /// The host has released `bytes` received by a socket, which may be gone; negative: it keeps them
    /// beyond their delivery.
    pub fn release(&mut self, id: i32, bytes: isize) {
        self.ctx.undelivered = self.ctx.undelivered.saturating_add_signed(-bytes);
        match self.registry.get_mut(id).map(|entry| &mut entry.machine) {
            Some(Machine::TcpClient(client)) => client.release(bytes),
            Some(Machine::Udp(socket)) => socket.release(bytes),
            Some(Machine::TcpServer(_)) | None => {}
        }
    }

    /// After releases: sockets that waited for them try again, the one that waited longest first, as long as
    /// there is room: so none of them starves, and few are tried in vain however many wait.
    pub fn retry_stalled(&mut self) {
        self.to_retry = self.stalled.len();
        self.retry_next();
    }

    /// The first that waits, and is still there, stands behind those that have something to do.
    #[inline(never)]
    fn retry_next(&mut self) {
        while self.to_retry > 0
            && self.ctx.undelivered < self.ctx.limits.undelivered_per_app
            && let Some(id) = self.stalled.pop_front()
        {
            self.to_retry -= 1;
            if let Some(entry) = self.registry.get_mut(id) {
                entry.stalled = false;
                return self.enqueue(id);
            }
        }
    }

    // --- within

    /// The registry, and what a machine of it works with: it is this socket's turn.
    fn lend(&mut self, id: i32) -> (&mut Registry<N>, &mut Context<N>) {
        self.ctx.id = id;
        (&mut self.registry, &mut self.ctx)
    }

    /// Refuses an address that another socket of this app has. The system does so by itself unless
    /// addresses are shared, and then they are so with other apps only (tcp.md LS-4, udp.md 4.4).
    fn check_free(
        &self,
        transport: SocketType,
        address: Option<IpAddr>,
        port: u16,
    ) -> Result<(), Status> {
        let Some(address) = address.filter(|_| self.sockets.reuse_port && port != 0) else {
            return Ok(());
        };
        let is_taken = self.registry.is_taken(transport, SocketAddr::new(address, port));
        if is_taken { Err(Status::AddressInUse) } else { Ok(()) }
    }

    #[inline(never)]
    fn enqueue(&mut self, id: i32) {
        if let Some(entry) = self.registry.get_mut(id).filter(|entry| !entry.queued) {
            entry.queued = true;
            self.run_queue.push_back(id);
        }
    }

    #[inline(never)]
    fn wait_for_release(&mut self, id: i32) {
        if let Some(entry) = self.registry.get_mut(id).filter(|entry| !entry.stalled) {
            entry.stalled = true;
            self.stalled.push_back(id);
            self.forget_gone();
        }
    }

    /// Those that have gone while they waited do not add up: at most twice as many wait as there are sockets.
    fn forget_gone(&mut self) {
        if self.stalled.len() > 2 * self.registry.len().max(MANY_STALLED) {
            self.stalled.retain(|id| self.registry.contains(*id));
            self.to_retry = self.to_retry.min(self.stalled.len());
        }
    }

    fn note_open_sockets(&self) {
        self.ctx.accounts.note_open_sockets(self.registry.len());
    }
}
