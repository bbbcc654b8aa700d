//! What the machines of an engine share: what they work with, and what a visit to one brings and comes to.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::Limits;
use super::accounts::Accounts;
use super::read_buffer::ReadBuffer;
use super::reply::Outbox;
use super::tls::Tls;
use crate::net::{Datagrams, Network, Ready};

/// What the machines of an engine work with.
#[derive(Debug)]
pub(super) struct Context<N: Network> {
    /// The socket whose turn it is, or was last.
    pub(super) id: i32,
    pub(super) net: N,
    pub(super) outbox: Outbox,
    pub(super) accounts: Arc<Accounts>,
    pub(super) buffer: ReadBuffer,
    pub(super) datagrams: Datagrams,
    /// UDP sockets of the app that use the system.
    pub(super) open_udp: Rc<Cell<usize>>,
    pub(super) limits: Limits,
    /// The smaller one of the bounds on undelivered bytes.
    pub(super) smaller_limit: usize,
    /// Received bytes of the whole app that the host has not released yet.
    pub(super) undelivered: usize,
    /// Whether some of the events bring more than little data.
    pub(super) brings_much: bool,
    pub(super) tls: Tls,
}

impl<N: Network> Context<N> {
    /// How much a socket may receive of which so much is undelivered.
    #[inline]
    pub(super) fn room(&self, undelivered: usize) -> usize {
        // As a rule nothing is.
        if undelivered | self.undelivered == 0 {
            return self.smaller_limit;
        }
        let of_socket = self.limits.undelivered_per_socket.saturating_sub(undelivered);
        let of_app = self.limits.undelivered_per_app.saturating_sub(self.undelivered);
        of_socket.min(of_app)
    }

    /// Whether as much of the app is undelivered as may be.
    #[inline(never)]
    pub(super) fn is_full(&self) -> bool {
        self.undelivered >= self.limits.undelivered_per_app
    }
}

/// What the kernel has told of a source of a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    pub(super) lane: u16,
    pub(super) ready: Ready,
}

/// What a visit to a socket came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// Nothing more to do until something happens.
    Rest,
    /// The same, or until this time has come.
    Wait(Instant),
    /// The same, and then to look at a fast stream.
    Look(Instant),
    /// There is more to do.
    Again,
    /// Reading waits for the host to release what it was given.
    Stalled,
    /// The socket has come to its end: its id is to go.
    Gone,
}
