//! A connected client becomes a secured one (tcp.md 7, socket-legacy.md 7).

use std::io;

use super::{Context, Past, Phase, TcpClient, Visit, raise_error};
use crate::api::event::Response;
use crate::api::net_error::Status;
use crate::api::properties::{SecureOptions, TlsSession};
use crate::engine::connection::{Channel, Connection};
use crate::engine::registry::Properties;
use crate::engine::reply::Reply;
use crate::engine::tls::{self, ServerName, Versions};
use crate::net::{Network, Ready};

/// A connection on which TLS is being agreed upon.
#[derive(Debug)]
pub(super) struct Securing<S> {
    pub(super) connection: Connection<S>,
    pub(super) reply: Reply,
    /// What to begin with, until then.
    begin: Option<(ServerName<'static>, Versions)>,
}

impl<N: Network> TcpClient<N> {
    /// The connection is to be secured; the caller has checked all but what ends the socket (tcp.md TLS-4 to
    /// TLS-8, socket-legacy.md 7 row 4), which is the result.
    pub(in crate::engine) fn secure(
        &mut self,
        ctx: &mut Context<N>,
        options: &SecureOptions,
        reply: Reply,
    ) -> Visit {
        let Phase::Connected(mut connection) = std::mem::replace(&mut self.phase, Phase::Idle)
        else {
            reply.complete(Response::failed(Status::Unexpected));
            return Visit::Rest;
        };
        let name = self.check_for_tls(&connection);
        match (name, Versions::of(options).ok_or(Status::SslProtocolError)) {
            (Ok(name), Ok(versions)) => {
                connection.give_up_low_water(&mut ctx.net);
                if let Err(error) = connection.watch_all(&mut ctx.net, ctx.id) {
                    return self.end_for_good(ctx, connection, reply, tls::status(&error));
                }
                ctx.tls.prepare_for(ctx.id);
                let begin = Some((name, versions));
                self.phase = Phase::Securing(Box::new(Securing { connection, reply, begin }));
                Visit::Again
            }
            (Err(status), _) | (_, Err(status)) => {
                self.end_for_good(ctx, connection, reply, status)
            }
        }
    }

    /// Puts TLS on the connection, and writes nothing yet.
    fn begin_tls(
        &mut self,
        ctx: &mut Context<N>,
        name: ServerName<'static>,
        versions: Versions,
    ) -> Visit {
        let Phase::Securing(securing) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Visit::Rest;
        };
        let Securing { connection, reply, .. } = *securing;
        match connection.with_channel(|stream| ctx.tls.begin(stream, name, versions)) {
            Ok(connection) => {
                self.phase = Phase::Securing(Box::new(Securing { connection, reply, begin: None }));
                Visit::Again
            }
            Err((connection, status)) => self.end_for_good(ctx, connection, reply, status),
        }
    }

    /// `secure` has failed, and with it the socket (TLS-10); what it leaves is for `tear_down`.
    fn end_for_good(
        &mut self,
        ctx: &mut Context<N>,
        mut connection: Connection<N::Stream>,
        reply: Reply,
        status: Status,
    ) -> Visit {
        self.fail_asked(Status::ConnectionClosed);
        connection.cancel_sends();
        self.phase = Phase::Connected(connection);
        reply.complete(Response::failed(status));
        if self.read_limit.take().is_some() && !self.on_request {
            raise_error(ctx, Status::ConnectionClosed);
        }
        Visit::Gone
    }

    /// The name to verify, if the connection may be secured.
    fn check_for_tls(
        &self,
        connection: &Connection<N::Stream>,
    ) -> Result<ServerName<'static>, Status> {
        let is_busy = self.is_reading() || connection.unsent.is_some();
        let name = match &connection.name {
            _ if is_busy || connection.is_accepted => None,
            None => Some(connection.peer.ip().into()),
            Some(name) => tls::server_name(name),
        };
        match name {
            None => Err(Status::Failed),
            Some(_) if connection.channel.peer_has_ended() => Err(Status::SocketNotConnected),
            Some(name) => Ok(name),
        }
    }

    /// Goes on agreeing upon TLS; a failure is the end of the socket (TLS-10).
    pub(super) fn carry_handshake_on(
        &mut self,
        ctx: &mut Context<N>,
        properties: &Properties,
    ) -> Visit {
        let Phase::Securing(securing) = &mut self.phase else { return Visit::Rest };
        if let Some((name, versions)) = securing.begin.take_if(|_| ctx.tls.is_prepared()) {
            return self.begin_tls(ctx, name, versions);
        }
        let Connection { channel: Channel::Tls(stream), ready, .. } = &mut securing.connection
        else {
            return Visit::Rest;
        };
        ctx.tls.set_time(ctx.net.calendar_time());
        let outcome = match stream.handshake() {
            Ok(false) => return Visit::Again,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Visit::Rest,
            Ok(true) => {
                let is_readable = stream.has_more() || ready.has(Ready::READ_CLOSED);
                ready.set(Ready::READABLE, is_readable);
                Ok(())
            }
            Err(error) => Err(tls::status(&error)),
        };
        let Phase::Securing(securing) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Visit::Rest;
        };
        let Securing { connection, reply, .. } = *securing;
        if let Err(status) = outcome {
            return self.end_for_good(ctx, connection, reply, status);
        }
        self.phase = Phase::Connected(connection);
        self.past = Past::Secured;
        self.read_limit = (!self.paused).then_some(properties.receive_limit);
        reply.complete(Response::ok_zero());
        Visit::Again
    }

    /// What TLS has agreed upon.
    pub(in crate::engine) fn tls_session(&self) -> Option<TlsSession> {
        match &self.phase {
            Phase::Connected(Connection { channel: Channel::Tls(stream), .. }) => {
                Some(stream.session())
            }
            _ => None,
        }
    }
}
