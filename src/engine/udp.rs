//! UDP: `chrome.sockets.udp`, and the UDP half of `chrome.socket`. How sockets open and end is here, what they do
//! meanwhile in the files below.

mod options;
mod receiving;
mod sending;

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Weak;

use super::context::Context;
use super::reply::Reply;
use crate::api::event::List;
use crate::api::net_error::Status;
use crate::api::properties::SocketInfo;
use crate::net::{Datagram, Datagrams, MulticastOptions, Network, Ready, Token, address, os_error};
use sending::{Outgoing, with_usable};

pub(super) use sending::Target;

/// UDP sockets that one app may have open (udp.md 4.4 row 6).
const MAX_OPEN: usize = 6000;

/// The state of one UDP socket.
#[derive(Debug)]
pub(super) struct UdpSocket<N: Network> {
    open: Option<Open<N::Datagram>>,
    options: MulticastOptions,
    /// Whether the options were handed over and can no longer be set: for good in `chrome.socket`.
    options_used: bool,
    groups: Vec<IpAddr>,
    /// The list of them that was told last, as long as anyone has it.
    told_groups: Weak<List<Box<CStr>>>,
    paused: bool,
    reading: Reading,
    /// Taken from the kernel and not delivered yet.
    held: Datagrams,
    outgoing: VecDeque<Outgoing>,
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

impl<N: Network> UdpSocket<N> {
    /// A socket of `chrome.sockets.udp`, or of `chrome.socket`.
    pub(super) fn new(on_request: bool) -> Self {
        Self {
            open: None,
            options: MulticastOptions { time_to_live: 1, loopback: true },
            options_used: false,
            groups: Vec::new(),
            told_groups: Weak::new(),
            paused: false,
            reading: if on_request { Reading::OnRequest(None) } else { Reading::Events },
            held: Datagrams::default(),
            outgoing: VecDeque::new(),
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

    /// Ends the socket's use of the system: cancelled calls complete, sends in their order (udp.md 6.2, 8,
    /// socket-legacy.md 8).
    pub(super) fn tear_down(&mut self) {
        for send in std::mem::take(&mut self.outgoing) {
            send.reply.fail(Status::SocketNotConnected);
        }
        if let Reading::OnRequest(asked) = &mut self.reading
            && let Some((reply, _)) = asked.take()
        {
            reply.fail(Status::ConnectionClosed);
        }
        self.open = None;
        self.groups.clear();
        self.told_groups = Weak::new();
        self.held.clear();
    }
}
