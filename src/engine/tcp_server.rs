//! `chrome.sockets.tcpServer`: listening, accepting, pausing.
//!
//! A paused server accepts nothing; connections wait in the kernel's backlog (tcp.md AC-8).

use std::io;
use std::net::SocketAddr;

use super::context::Context;
use super::reply::Reply;
use super::tcp_client::TcpClient;
use crate::api::net_error::Status;
use crate::api::properties::SocketInfo;
use crate::net::{Listener, Network, Token, address, os_error};

/// The state of one server socket.
#[derive(Debug)]
pub(super) struct TcpServer<N: Network> {
    listening: Option<Listening<N::Listener>>,
    paused: bool,
    accepting: Accepting,
}

/// Who gets connections.
#[derive(Debug)]
enum Accepting {
    /// Listeners, by `onAccept`.
    Events,
    /// The `accept` that asks for one, if there is one.
    OnRequest(Option<Reply>),
}

#[derive(Debug)]
struct Listening<L> {
    listener: L,
    local: SocketAddr,
    readable: bool,
}

/// What came to a server.
pub(super) enum Accepted<N: Network> {
    /// No connection, or none that is wanted now.
    Nothing,
    /// A connection that its client has given up.
    Gone,
    /// A connection: its id and its socket; the `accept` that asked for it, if that is how it is told.
    Client(i32, TcpClient<N>, Option<Reply>),
    /// Accepting has stopped with this (AC-6); the `accept` that is told, if an event is not.
    Failure(Status, Option<Reply>),
}

impl<N: Network> Default for TcpServer<N> {
    fn default() -> Self {
        Self { listening: None, paused: false, accepting: Accepting::Events }
    }
}

impl<N: Network> TcpServer<N> {
    /// A listener of `chrome.socket`: it accepts only what is asked for.
    pub(super) fn on_request() -> Self {
        Self { accepting: Accepting::OnRequest(None), ..Self::default() }
    }

    /// Asks for one connection; the reply is given back if that is not possible now.
    pub(super) fn ask(&mut self, reply: Reply) -> Result<(), Reply> {
        match &mut self.accepting {
            Accepting::OnRequest(asked) if asked.is_none() && self.listening.is_some() => {
                *asked = Some(reply);
                Ok(())
            }
            _ => Err(reply),
        }
    }

    /// Whether each connection is asked for by a call.
    pub(super) fn is_on_request(&self) -> bool {
        matches!(self.accepting, Accepting::OnRequest(_))
    }

    fn wants_more(&self) -> bool {
        match &self.accepting {
            Accepting::Events => !self.paused,
            Accepting::OnRequest(asked) => asked.is_some(),
        }
    }

    pub(super) fn describe(&self, info: &mut SocketInfo) {
        info.paused = self.paused;
        info.local = self.local().map(address::endpoint);
    }

    pub(super) fn is_listening(&self) -> bool {
        self.listening.is_some()
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.listening.as_ref().map(|listening| listening.local)
    }

    /// Opens the listener (9.2 step 6).
    pub(super) fn listen(
        &mut self,
        ctx: &mut Context<N>,
        local: SocketAddr,
        backlog: i32,
    ) -> Result<(), Status> {
        let map = |error: io::Error| os_error::status(&error);
        let token = Token { owner: ctx.id, lane: 0 };
        let listener = ctx.net.listen(local, backlog, token).map_err(map)?;
        let local = listener.local_address().map_err(map)?;
        self.listening = Some(Listening { listener, local, readable: false });
        Ok(())
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Frees the port (SD-1).
    pub(super) fn stop(&mut self) {
        self.listening = None;
        if let Accepting::OnRequest(asked) = &mut self.accepting
            && let Some(reply) = asked.take()
        {
            reply.fail(Status::Aborted);
        }
    }

    pub(super) fn on_ready(&mut self) {
        if let Some(listening) = &mut self.listening {
            listening.readable = true;
        }
    }

    /// Accepts a connection if one is waiting, and wanted.
    #[inline(never)]
    pub(super) fn accept(&mut self, ctx: &mut Context<N>) -> Accepted<N> {
        let wants_more = self.wants_more();
        let Some(listening) = self.listening.as_mut().filter(|it| it.readable && wants_more) else {
            return Accepted::Nothing;
        };
        let error = match listening.accept(ctx) {
            Ok((id, stream, peer)) => {
                listening.readable = listening.listener.has_more();
                let (client, asked) = match &mut self.accepting {
                    Accepting::Events => (TcpClient::default(), None),
                    Accepting::OnRequest(asked) => (TcpClient::on_request(), asked.take()),
                };
                return Accepted::Client(id, client.accepted(stream, peer), asked);
            }
            Err(error) => error,
        };
        if error.kind() == io::ErrorKind::WouldBlock {
            listening.readable = false;
            return Accepted::Nothing;
        }
        if os_error::client_went_away(&error) {
            return Accepted::Gone;
        }
        let asked = match &mut self.accepting {
            Accepting::Events => None,
            Accepting::OnRequest(asked) => asked.take(),
        };
        self.paused |= asked.is_none();
        Accepted::Failure(os_error::status(&error), asked)
    }
}

impl<L: Listener> Listening<L> {
    fn accept<N: Network<Stream = L::Stream, Listener = L>>(
        &mut self,
        ctx: &mut Context<N>,
    ) -> io::Result<(i32, L::Stream, SocketAddr)> {
        let (stream, peer) = self.listener.accept()?;
        let id =
            ctx.accounts.next_id().ok_or_else(|| io::Error::other("socket ids are used up"))?;
        Ok((id, stream, peer))
    }
}
