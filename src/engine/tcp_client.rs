//! `chrome.sockets.tcp`: one socket from idle over connecting to connected and back.
//!
//! Invariants: a connected, unpaused socket always has a read in flight; a paused one has one only
//! if it was in flight when the pause began (tcp.md PA-3). State is committed before a call is
//! completed, and calls an end cancels complete before the event that reports the end (O-6 to O-8).

mod receiving;
mod securing;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Instant;

use bytes::Bytes;

use super::command::BegunSend;
use super::connecting::{Race, Step};
use super::connection::{Channel, Connection, FirstWrite, MAX_RECEIVE};
use super::context::{Context, News, Visit};
use super::linger::Unfinished;
use super::registry::Properties;
use super::reply::{Replies, Reply};
use super::tls::{self};
use crate::api::event::{Event, Response};
use crate::api::net_error::Status;
use crate::api::properties::SocketInfo;
use crate::api::table::EventType;
use crate::net::{Network, Ready, Stream, address};
use securing::Securing;

/// The state of one client socket.
#[derive(Debug)]
pub(super) struct TcpClient<N: Network> {
    phase: Phase<N::Stream>,
    paused: bool,
    /// The size limit of the read in flight, fixed when it started; `None` = none in flight.
    read_limit: Option<NonZeroU32>,
    /// Received bytes that the host has not released yet.
    undelivered: usize,
    /// Whether it reads only what a `read` asks for, not for listeners.
    on_request: bool,
    /// The `read` that asks, if there is one.
    asked: Option<Box<Reply>>,
    past: Past,
}

/// What a socket was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// Nothing yet.
    Fresh,
    /// It was connected, or meant to be (socket-legacy.md 5).
    Used,
    /// It was secured, and can never be connected again (tcp.md CN-5).
    Secured,
}

#[derive(Debug)]
enum Phase<S> {
    Idle,
    Connecting(Box<Race<S>>),
    Connected(Connection<S>),
    /// Connected, while TLS is agreed upon.
    Securing(Box<Securing<S>>),
}

impl<N: Network> Default for TcpClient<N> {
    fn default() -> Self {
        Self {
            phase: Phase::Idle,
            paused: false,
            read_limit: None,
            undelivered: 0,
            on_request: false,
            asked: None,
            past: Past::Fresh,
        }
    }
}

impl<N: Network> TcpClient<N> {
    /// A socket of `chrome.socket`: it reads only what is asked for, like a paused one.
    pub(super) fn on_request() -> Self {
        Self { paused: true, on_request: true, ..Self::default() }
    }

    /// The same socket, connected: a server has accepted it (AC-2).
    pub(super) fn accepted(mut self, stream: N::Stream, peer: SocketAddr) -> Self {
        self.paused = true;
        self.past = Past::Used;
        self.phase = Phase::Connected(Connection::accepted(stream, peer));
        self
    }

    /// Whether it was ever connected, or meant to be.
    pub(super) fn is_used(&self) -> bool {
        self.past != Past::Fresh
    }

    /// Whether it is to be connected.
    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.phase, Phase::Connecting(_))
    }

    /// Whether it can send and receive.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected(_))
    }

    /// Whether TLS is being agreed upon.
    pub(super) fn is_securing(&self) -> bool {
        matches!(self.phase, Phase::Securing(_))
    }

    /// Whether it was ever secured.
    pub(super) fn was_secured(&self) -> bool {
        self.past == Past::Secured
    }

    /// Whether a read is in flight.
    pub(super) fn is_reading(&self) -> bool {
        self.read_limit.is_some()
    }

    /// Asks for one read (socket-legacy.md 4.6); the caller has checked the state.
    pub(super) fn ask(&mut self, reply: Reply, limit: usize) {
        self.read_limit = NonZeroU32::new(limit.min(MAX_RECEIVE) as u32);
        self.asked = Some(Box::new(reply));
    }

    pub(super) fn describe(&self, info: &mut SocketInfo) {
        info.paused = self.paused;
        info.connected = Some(false);
        if let Some(connection) = self.connection() {
            info.connected = Some(true);
            info.local = Some(address::endpoint(connection.local()));
            info.peer = Some(address::endpoint(connection.peer));
        }
    }

    fn connection(&self) -> Option<&Connection<N::Stream>> {
        match &self.phase {
            Phase::Connected(connection) => Some(connection),
            Phase::Securing(securing) => Some(&securing.connection),
            Phase::Idle | Phase::Connecting(_) => None,
        }
    }

    // --- calls

    /// Begins the TCP phase of `connect` (3.5 steps 6 to 8); when the next attempt is due, if any.
    pub(super) fn connect(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        mut race: Box<Race<N::Stream>>,
    ) -> Option<Instant> {
        match self.phase {
            _ if self.was_secured() => {
                race.reply.fail(Status::ConnectionFailed);
                None
            }
            Phase::Connecting(_) => {
                race.reply.fail(Status::ConnectionFailed);
                None
            }
            Phase::Connected(_) | Phase::Securing(_) => {
                race.reply.fail(Status::SocketIsConnected);
                None
            }
            Phase::Idle => {
                self.past = Past::Used;
                let step = race.start_next(&mut ctx.net, ctx.id);
                self.phase = Phase::Connecting(race);
                self.after_race(ctx, properties, step)
            }
        }
    }

    pub(super) fn set_paused(&mut self, paused: bool, properties: &Properties) {
        self.paused = paused;
        if !paused && matches!(self.phase, Phase::Connected(_)) && self.read_limit.is_none() {
            self.read_limit = Some(properties.receive_limit);
        }
    }

    pub(super) fn set_no_delay(&mut self, on: bool) -> Response {
        self.with_stream(|stream| stream.set_no_delay(on))
    }

    pub(super) fn set_keep_alive(&mut self, on: bool, delay: i32) -> Response {
        self.with_stream(|stream| stream.set_keep_alive(on, delay))
    }

    /// Option calls succeed with 0 or fail with -2, whatever the reason (3.4); a secured connection
    /// takes none (TLS-44).
    fn with_stream(&mut self, set: impl FnOnce(&mut N::Stream) -> io::Result<()>) -> Response {
        let is_set = match &mut self.phase {
            Phase::Connected(Connection { channel: Channel::Plain(stream), .. }) => {
                set(stream).is_ok()
            }
            _ => false,
        };
        if is_set { Response::ok_zero() } else { Response::failed(Status::Failed) }
    }

    /// Writes `data` if all of it goes out at once; if not, it is for `send`.
    #[inline(always)]
    pub(super) fn write_whole(&mut self, data: &[u8]) -> Result<(), FirstWrite> {
        match &mut self.phase {
            Phase::Connected(connection) => connection.write_whole(data),
            _ => Err(None),
        }
    }

    /// Sends several calls' bytes, which lie in `data` one after the other, of which `write_whole` has begun to write.
    pub(super) fn send(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        data: &[u8],
        begun: FirstWrite,
        sends: Replies<'_>,
    ) {
        let Phase::Connected(connection) = &mut self.phase else {
            return sends.for_each(|(_, reply)| reply.fail(Status::SocketNotConnected));
        };
        match connection.send(data, begun, sends) {
            Ok(()) => self.watch(ctx, properties),
            Err(error) => self.fail_write(ctx, properties, &error),
        }
    }

    /// Sends one call's bytes, which have blocks of their own, and what waits before it; unless
    /// another follows at once, to be written with them.
    pub(super) fn send_blocks(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        blocks: Vec<Bytes>,
        reply: Reply,
        more_follow: bool,
    ) {
        let Phase::Connected(connection) = &mut self.phase else {
            return reply.fail(Status::SocketNotConnected);
        };
        connection.queue().push_blocks(blocks, reply);
        if !more_follow && let Err(error) = connection.flush() {
            self.fail_write(ctx, properties, &error);
        }
        self.watch(ctx, properties);
    }

    /// Writes `data` if all of it goes out at once; what came of it is for `note_write` or `go_on`.
    pub(super) fn begin_write(&self, data: &[u8]) -> Result<(), FirstWrite> {
        match &self.phase {
            Phase::Connected(connection) => connection.begin_write(data),
            _ => Err(None),
        }
    }

    /// Notes that `begin_write` has written all.
    pub(super) fn note_write(&mut self) {
        if let Phase::Connected(connection) = &mut self.phase {
            connection.note_write();
        }
    }

    /// Goes on with a send of which `begin_write` has not written all.
    pub(super) fn go_on(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        begun: BegunSend,
        reply: Reply,
    ) {
        let Phase::Connected(connection) = &mut self.phase else {
            return reply.fail(Status::SocketNotConnected);
        };
        if let Err(error) = connection.go_on(begun, reply) {
            self.fail_write(ctx, properties, &error);
        }
        self.watch(ctx, properties);
    }

    /// Whether a bound has left something that could be written at once.
    pub(super) fn has_more_to_write(&self) -> bool {
        let is_writable = |it: &Connection<_>| it.ready.has(Ready::WRITABLE);
        matches!(&self.phase, Phase::Connected(it) if it.unsent.is_some() && is_writable(it))
    }

    /// The program ends the connection: cancelled calls complete, then this one, then a read in
    /// flight is reported as closed (DC-2, CL-2, O-6). What must drain is left (CL-4).
    pub(super) fn end_locally(
        &mut self,
        ctx: &mut Context<N>,
        reply: Reply,
    ) -> Option<Unfinished<N::Stream>> {
        let unfinished = self.tear_down(ctx);
        let read_was_in_flight = self.read_limit.take().is_some();
        reply.complete(Response::ok());
        if read_was_in_flight && !self.on_request {
            self.paused = true;
            raise_error(ctx, Status::ConnectionClosed);
        }
        unfinished
    }

    /// Ends whatever the socket does, completing the calls this cancels (DC-3, DC-5, CL-3).
    pub(super) fn tear_down(&mut self, ctx: &mut Context<N>) -> Option<Unfinished<N::Stream>> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => None,
            Phase::Connecting(race) => {
                race.reply.fail(Status::Aborted);
                None
            }
            Phase::Connected(mut connection) => {
                self.fail_asked(Status::ConnectionClosed);
                connection.cancel_sends();
                // While it drains, little of the peer's is as much as much.
                connection.give_up_low_water(&mut ctx.net);
                connection.into_unfinished(&mut ctx.buffer)
            }
            Phase::Securing(securing) => {
                let Securing { connection, reply, .. } = *securing;
                reply.complete(Response::failed(Status::Aborted));
                connection.into_unfinished(&mut ctx.buffer)
            }
        }
    }

    // --- readiness and time

    /// The delay before the next attempt has passed.
    pub(super) fn on_time(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
    ) -> Option<Instant> {
        let Phase::Connecting(race) = &mut self.phase else {
            return None;
        };
        let step = race.on_time(&mut ctx.net, ctx.id);
        self.after_race(ctx, properties, step)
    }

    /// It is time to look at a fast stream.
    pub(super) fn look(&mut self, ctx: &mut Context<N>) -> Visit {
        match &mut self.phase {
            Phase::Connected(connection) => connection.look_at_low_water(&mut ctx.net),
            _ => Visit::Rest,
        }
    }

    /// Carries a race on; when the next attempt is due, if there is to be one.
    fn after_race(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        step: Step<N::Stream>,
    ) -> Option<Instant> {
        let outcome = match step {
            Step::Running(due) => return due,
            Step::Lost(status) => Err(status),
            Step::Won(stream, peer, watched) => Ok((stream, peer, watched)),
        };
        let Phase::Connecting(race) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return None;
        };
        match outcome {
            Ok((stream, peer, watched)) => {
                let connection = Connection::new(stream, peer, race.name, watched);
                self.phase = Phase::Connected(connection);
                self.read_limit = (!self.paused).then_some(properties.receive_limit);
                race.reply.complete(Response::ok_zero());
                self.watch(ctx, properties);
            }
            Err(status) => race.reply.fail(status),
        }
        None
    }

    /// Does what the socket is ready for, as `news` may just have told: unsent bytes first, then one read.
    #[inline(always)]
    pub(super) fn visit(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        news: Option<News>,
    ) -> Visit {
        if !self.is_connected()
            && let Some(visit) = self.visit_unconnected(ctx, properties, news)
        {
            return visit;
        }
        let ready = news.map_or(Ready::default(), |news| news.ready);
        self.visit_connected(ctx, properties, ready)
    }

    /// The same of one that is connected.
    #[inline(always)]
    pub(super) fn visit_connected(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        ready: Ready,
    ) -> Visit {
        let Phase::Connected(connection) = &mut self.phase else { return Visit::Rest };
        if connection.may_flush() || connection.is_unwatched() {
            return self.write_and_read(ctx, properties, ready);
        }
        connection.ready = connection.ready.and(ready);
        self.read(ctx, properties)
    }

    #[inline(never)]
    fn write_and_read(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        ready: Ready,
    ) -> Visit {
        let Phase::Connected(connection) = &mut self.phase else { return Visit::Rest };
        connection.on_ready(ready);
        let more_to_write = connection.flush().unwrap_or_else(|error| {
            self.fail_write(ctx, properties, &error);
            false
        });
        let visit = self.read(ctx, properties);
        self.watch(ctx, properties);
        if more_to_write { Visit::Again } else { visit }
    }

    /// Sees to it that the network tells when the socket can go on; if it cannot tell, that is the end.
    #[inline]
    pub(super) fn watch(&mut self, ctx: &mut Context<N>, properties: &Properties) {
        if let Phase::Connected(connection) = &self.phase
            && !connection.is_watched()
        {
            self.start_watching(ctx, properties);
        }
    }

    #[cold]
    fn start_watching(&mut self, ctx: &mut Context<N>, properties: &Properties) {
        let is_reading = self.is_reading();
        if let Phase::Connected(connection) = &mut self.phase
            && let Err(error) = connection.watch(&mut ctx.net, ctx.id, is_reading)
        {
            // The one read of a paused socket fails: if it brought something, nobody would hear of the end.
            let cause = if self.paused { None } else { self.deliver_last_words(ctx, properties) };
            self.fail(ctx, cause.unwrap_or_else(|| tls::status(&error)));
        }
    }

    /// The same before there is a connection, or while TLS is agreed upon; `None` if it may be connected now.
    #[inline(never)]
    fn visit_unconnected(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        news: Option<News>,
    ) -> Option<Visit> {
        match (&mut self.phase, news) {
            (Phase::Connecting(race), news) => {
                let step = match news {
                    Some(News { lane, .. }) => race.on_ready(&mut ctx.net, ctx.id, lane),
                    None => race.look(&mut ctx.net, ctx.id),
                };
                // The news that ended the attempt may already be of data.
                self.after_race(ctx, properties, step).map(Visit::Wait)
            }
            (Phase::Securing(securing), news) => {
                if let Some(News { ready, .. }) = news {
                    securing.connection.on_ready(ready);
                }
                Some(self.carry_handshake_on(ctx, properties))
            }
            _ => None,
        }
    }

    // --- ends

    /// The stream ended or broke while a read was in flight (R-6, R-7, R-20, R-21, O-8).
    #[cold]
    #[inline(never)]
    fn end(&mut self, ctx: &mut Context<N>, cause: Status) {
        if let Phase::Connected(mut connection) = std::mem::replace(&mut self.phase, Phase::Idle) {
            connection.cancel_sends();
            connection.hang_up();
        }
        if self.read_limit.take().is_none() {
            return;
        }
        if !self.on_request {
            self.paused = true;
            raise_error(ctx, cause);
        } else if cause != Status::ConnectionClosed {
            self.fail_asked(cause);
        } else if let Some(reply) = self.asked.take() {
            // The end of the stream is a read of 0 bytes (socket-legacy.md 4.6 row 7).
            reply.complete(Response::number(0));
        }
    }

    fn fail_asked(&mut self, status: Status) {
        if let Some(reply) = self.asked.take() {
            reply.fail(status);
        }
    }

    /// A write failed: the send in progress gets the code, those behind it -15 (S-8 to S-10, O-7).
    #[cold]
    #[inline(never)]
    pub(super) fn fail_write(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
        error: &io::Error,
    ) {
        let cause = self.deliver_last_words(ctx, properties).unwrap_or_else(|| tls::status(error));
        self.fail(ctx, cause);
    }

    /// The connection is broken: the send in progress gets the cause.
    fn fail(&mut self, ctx: &mut Context<N>, cause: Status) {
        self.fail_asked(Status::ConnectionClosed);
        if let Phase::Connected(connection) = &mut self.phase
            && let Some(unsent) = connection.unsent.take()
        {
            let mut replies = unsent.into_replies();
            if let Some(failing) = replies.next() {
                failing.fail(cause);
            }
            replies.for_each(|reply| reply.fail(Status::SocketNotConnected));
        }
        self.end(ctx, cause);
    }
}

fn raise_error<N: Network>(ctx: &Context<N>, cause: Status) {
    ctx.outbox.notify(Event::notification(
        EventType::ChromeSocketsTcpOnReceiveError,
        ctx.id,
        Some(cause),
    ));
}
