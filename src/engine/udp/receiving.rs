//! Receiving: datagrams are delivered whole, in order and one by one; what was taken from the kernel but may not
//! be delivered yet is held, never dropped (udp.md 5.3).

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;

use super::{Reading, UdpSocket};
use crate::api::event::{Event, Payload, RECEIVE_WEIGHT, Response};
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::engine::context::{Context, Visit};
use crate::engine::read_buffer::SMALL;
use crate::engine::registry::Properties;
use crate::engine::reply::Reply;
use crate::net::{Datagram, Network, Ready, os_error};

/// Batches received before other sockets get their turn.
const BATCHES_PER_VISIT: usize = 4;

impl<N: Network> UdpSocket<N> {
    pub(in crate::engine) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether a datagram that was to be delivered is held again, ahead of the others: the socket is paused
    /// by now (udp.md 5.3).
    pub(in crate::engine) fn hold_again(&mut self, data: &Bytes, from: SocketAddr) -> bool {
        if self.paused {
            self.held.put_back(data.clone(), from);
        }
        self.paused
    }

    /// Asks for one datagram (socket-legacy.md 4.6, 4.8); the caller has checked the state.
    pub(in crate::engine) fn ask(&mut self, reply: Reply, limit: usize) {
        self.reading = Reading::OnRequest(Some((reply, limit)));
    }

    pub(in crate::engine) fn is_asked(&self) -> bool {
        matches!(self.reading, Reading::OnRequest(Some(_)))
    }

    pub(in crate::engine) fn on_ready(&mut self, ready: Ready) {
        if let Some(open) = &mut self.open {
            open.ready = open.ready.and(ready);
        }
    }

    /// Does what the socket is ready for: waiting sends first, then datagrams.
    #[inline(never)]
    pub(in crate::engine) fn visit(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
    ) -> Visit {
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
            // The host gets those first: then their memory is used again while the cache has it.
            if ctx.brings_much {
                return Visit::Again;
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
                self.held.append(&mut ctx.datagrams);
                return false;
            };
            let next = self.held.take().or_else(|| ctx.datagrams.take());
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
                    ctx.outbox.notify_with(|| Event::datagram(ctx.id, data, from));
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
    pub(in crate::engine) fn release(&mut self, bytes: isize) {
        self.undelivered = self.undelivered.saturating_add_signed(-bytes);
    }
}
