//! `chrome.sockets.tcpServer`: listening, accepting, pausing.
//!
//! A paused server accepts nothing; connections wait in the kernel's backlog (tcp.md AC-8).

use std::io;
use std::net::SocketAddr;

use super::reply::Reply;
use super::tcp_client::{Context, TcpClient, Visit};
use crate::api::net_error::Status;
use crate::api::properties::{Endpoint, SocketInfo};
use crate::net::{Listener, Network, Token, address, os_error};

/// Connections accepted before other sockets get their turn.
const ACCEPTS_PER_VISIT: usize = 16;

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

/// What a visit to a server came to.
pub(super) struct Accepted<N: Network> {
    pub(super) clients: Vec<(i32, TcpClient<N>)>,
    /// The `accept` that is answered by this, instead of an event.
    pub(super) asked: Option<Reply>,
    /// Accepting stopped with this (AC-6).
    pub(super) failure: Option<Status>,
    pub(super) visit: Visit,
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

    /// Asks for one connection; false, and the reply is given back, if that is not possible now.
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
        info.local = self
            .local()
            .map(|local| Endpoint { address: address::text(local.ip()), port: local.port() });
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

    /// Accepts what is waiting, at most `most` connections.
    pub(super) fn visit(&mut self, ctx: &mut Context<N>, most: usize) -> Accepted<N> {
        let most = most.min(ACCEPTS_PER_VISIT);
        let mut accepted =
            Accepted { clients: Vec::new(), asked: None, failure: None, visit: Visit::Rest };
        let mut wants_more = self.wants_more();
        while let Some(listening) =
            self.listening.as_mut().filter(|listening| listening.readable && wants_more)
        {
            if accepted.clients.len() == most {
                accepted.visit = Visit::Again;
                break;
            }
            match listening.accept(ctx) {
                Ok((id, stream, peer)) => {
                    listening.readable = listening.listener.has_more();
                    let on_request = match &mut self.accepting {
                        Accepting::Events => false,
                        Accepting::OnRequest(asked) => {
                            wants_more = false;
                            accepted.asked = asked.take();
                            true
                        }
                    };
                    let client =
                        if on_request { TcpClient::on_request() } else { TcpClient::default() };
                    accepted.clients.push((id, client.accepted(stream, peer)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listening.readable = false;
                }
                Err(error) if os_error::client_went_away(&error) => {}
                Err(error) => {
                    wants_more = false;
                    if let Accepting::OnRequest(asked) = &mut self.accepting {
                        accepted.asked = asked.take();
                    } else {
                        self.paused = true;
                    }
                    accepted.failure = Some(os_error::status(&error));
                }
            }
        }
        accepted
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
