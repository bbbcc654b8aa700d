//! `chrome.sockets.tcpServer`: listening, accepting, pausing.
//!
//! A paused server accepts nothing; connections wait in the kernel's backlog (tcp.md AC-8).

use std::io;
use std::net::SocketAddr;

use super::tcp_client::{Context, TcpClient, Visit};
use crate::api::net_error::Status;
use crate::api::properties::{Endpoint, SocketInfo};
use crate::net::{Listener, Network, Stream, Token, address, os_error};

/// Connections accepted before other sockets get their turn.
const ACCEPTS_PER_VISIT: usize = 16;

/// The state of one server socket.
#[derive(Debug)]
pub(super) struct TcpServer<N: Network> {
    listening: Option<Listening<N::Listener>>,
    paused: bool,
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
    /// Accepting stopped with this (AC-6).
    pub(super) failure: Option<Status>,
    pub(super) visit: Visit,
}

impl<N: Network> Default for TcpServer<N> {
    fn default() -> Self {
        Self { listening: None, paused: false }
    }
}

impl<N: Network> TcpServer<N> {
    pub(super) fn describe(&self, info: &mut SocketInfo) {
        info.paused = self.paused;
        info.local = self.listening.as_ref().map(|listening| Endpoint {
            address: address::text(listening.local.ip()),
            port: listening.local.port(),
        });
    }

    pub(super) fn is_listening(&self) -> bool {
        self.listening.is_some()
    }

    /// Opens the listener (9.2 step 6).
    pub(super) fn listen(
        &mut self,
        ctx: &mut Context<'_, N>,
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
    }

    pub(super) fn on_ready(&mut self) {
        if let Some(listening) = &mut self.listening {
            listening.readable = true;
        }
    }

    /// Accepts what is waiting, at most `most` connections.
    pub(super) fn visit(&mut self, ctx: &mut Context<'_, N>, most: usize) -> Accepted<N> {
        let most = most.min(ACCEPTS_PER_VISIT);
        let mut accepted = Accepted { clients: Vec::new(), failure: None, visit: Visit::Rest };
        while let Some(listening) =
            self.listening.as_mut().filter(|listening| listening.readable && !self.paused)
        {
            if accepted.clients.len() == most {
                accepted.visit = Visit::Again;
                break;
            }
            match listening.accept(ctx) {
                Ok(client) => accepted.clients.push(client),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listening.readable = false;
                }
                Err(error) if os_error::client_went_away(&error) => {}
                Err(error) => {
                    self.paused = true;
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
        ctx: &mut Context<'_, N>,
    ) -> io::Result<(i32, TcpClient<N>)> {
        let (mut stream, peer) = self.listener.accept()?;
        // Only a wildcard listener has to ask which of its addresses was reached.
        let local =
            if self.local.ip().is_unspecified() { stream.local_address()? } else { self.local };
        let id =
            ctx.accounts.next_id().ok_or_else(|| io::Error::other("socket ids are used up"))?;
        ctx.net.watch(&mut stream, Token { owner: id, lane: 0 })?;
        Ok((id, TcpClient::accepted(stream, local, peer)))
    }
}
