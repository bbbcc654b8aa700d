//! Reading of a connected client: how much at a time, and to whom what came goes (tcp.md 5).

use std::io;

use super::{Context, Phase, TcpClient, Visit};
use crate::api::event::{Event, MAX_DETACHED, Payload, Piece, RECEIVE_WEIGHT, Response};
use crate::api::net_error::Status;
use crate::engine::low_water::LARGE;
use crate::engine::read_buffer::SMALL;
use crate::engine::registry::Properties;
use crate::engine::tls;
use crate::net::{Network, Ready};

/// Most bytes still delivered after a failed write (tcp.md R-5).
const MAX_LAST_WORDS: usize = 1024 * 1024;

impl<N: Network> TcpClient<N> {
    /// Reads once, if anything is there and wanted.
    #[inline(always)]
    pub(super) fn read(&mut self, ctx: &mut Context<N>, properties: &Properties) -> Visit {
        let (Phase::Connected(connection), Some(limit)) = (&mut self.phase, self.read_limit) else {
            return Visit::Rest;
        };
        let limit = limit.get() as usize;
        if !connection.ready.has(Ready::READABLE) {
            return Visit::Rest;
        }
        let room = ctx.room(self.undelivered);
        let max = if !self.paused && limit <= properties.receive_limit.get() as usize {
            connection.next_read(room, limit)
        } else {
            // For one event. Of one socket a call asks for no more than one read, but calls have no end.
            let has_room = room > 0 || self.on_request && !ctx.is_full();
            has_room.then_some(limit)
        };
        let Some(max) = max else { return Visit::Stalled };
        match connection.channel.read(ctx.buffer.with_room(max), max) {
            Ok(n @ 1..) => {
                let again = connection.note_read(n, max) && !self.paused;
                self.deliver(ctx, properties, n, limit);
                match again {
                    true => Visit::Again,
                    false if n < LARGE => Visit::Rest,
                    false => self.after_large_read(ctx),
                }
            }
            nothing => self.read_nothing(ctx, nothing),
        }
    }

    /// A read that brought much has left nothing.
    #[cold]
    #[inline(never)]
    fn after_large_read(&mut self, ctx: &mut Context<N>) -> Visit {
        match &mut self.phase {
            Phase::Connected(connection) if !self.paused => {
                connection.after_large_read(&mut ctx.net)
            }
            _ => Visit::Rest,
        }
    }

    /// A read has brought an end, a failure, or nothing.
    #[cold]
    #[inline(never)]
    fn read_nothing(&mut self, ctx: &mut Context<N>, read: io::Result<usize>) -> Visit {
        let cause = match read {
            Ok(_) => Status::ConnectionClosed,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let Phase::Connected(connection) = &mut self.phase else { return Visit::Rest };
                let has_more = connection.channel.has_more();
                connection.ready.set(Ready::READABLE, has_more);
                return if has_more { Visit::Again } else { Visit::Rest };
            }
            Err(error) => tls::status(&error),
        };
        self.end(ctx, cause);
        Visit::Rest
    }

    /// Hands out the `n` bytes read last in events of at most the size each of their reads had.
    #[inline(always)]
    fn deliver(&mut self, ctx: &mut Context<N>, properties: &Properties, n: usize, limit: usize) {
        let rest = ctx.buffer.last_read(n);
        if self.on_request {
            self.read_limit = None;
            if let Some(reply) = self.asked.take() {
                self.count(ctx, n);
                let payload = Payload::Piece(rest);
                let len = i32::try_from(n).unwrap_or(i32::MAX);
                reply.complete(Response { payload, ..Response::number(len) });
            }
        } else {
            if n <= limit {
                self.notify(ctx, rest);
            } else {
                self.notify_in_pieces(ctx, properties, rest, limit);
            }
            self.read_limit = (!self.paused).then_some(properties.receive_limit);
        }
        if n > SMALL || ctx.buffer.is_full() {
            ctx.brings_much = true;
            // What goes through no queue is handed out next. Large events are for the host to keep as they are.
            let are_large = n.min(limit) > MAX_DETACHED;
            if ctx.limits.count_undelivered || are_large || ctx.buffer.is_full() {
                ctx.outbox.own_data(&mut ctx.buffer);
            }
        }
    }

    #[inline(always)]
    fn notify(&mut self, ctx: &mut Context<N>, piece: Piece) {
        self.count(ctx, piece.len as usize);
        ctx.outbox.notify_with(|| Event::received(ctx.id, piece, self.is_secured()));
    }

    #[inline(never)]
    fn notify_in_pieces(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        mut rest: Piece,
        mut limit: usize,
    ) {
        while !rest.is_empty() {
            let piece = rest.split_to(limit);
            self.notify(ctx, piece);
            limit = properties.receive_limit.get() as usize;
        }
    }

    #[inline]
    fn is_secured(&self) -> bool {
        matches!(&self.phase, Phase::Connected(connection) if connection.channel.is_secured())
    }

    /// Counts received bytes that the host will have to release.
    #[inline]
    fn count(&mut self, ctx: &mut Context<N>, bytes: usize) {
        if ctx.limits.count_undelivered {
            self.undelivered += bytes + RECEIVE_WEIGHT;
            ctx.undelivered += bytes + RECEIVE_WEIGHT;
        }
    }

    /// What the peer said before it broke the connection is delivered before the error; why it
    /// did, if that can be read: the alert of a secured connection.
    pub(super) fn deliver_last_words(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
    ) -> Option<Status> {
        // Of all connections that are broken together, no more than as much as the app may have undelivered again.
        let of_app = ctx.limits.undelivered_per_app.saturating_mul(2);
        let mut left = MAX_LAST_WORDS.min(of_app.saturating_sub(ctx.undelivered));
        while let (Phase::Connected(connection), Some(limit), true) =
            (&mut self.phase, self.read_limit, left > 0)
        {
            let limit = limit.get() as usize;
            let is_last = self.paused || limit > properties.receive_limit.get() as usize;
            let max = connection.next_read(left, limit).filter(|_| !is_last).unwrap_or(limit);
            match connection.channel.read(ctx.buffer.with_room(max), max) {
                Ok(0) => return None,
                Ok(n) => {
                    left = left.saturating_sub(n + n.div_ceil(limit) * RECEIVE_WEIGHT);
                    self.deliver(ctx, properties, n, limit);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => return Some(tls::status(&error)),
            }
        }
        None
    }

    /// The host has released `bytes` of received data; negative: it keeps them.
    pub(in crate::engine) fn release(&mut self, bytes: isize) {
        self.undelivered = self.undelivered.saturating_add_signed(-bytes);
    }
}
