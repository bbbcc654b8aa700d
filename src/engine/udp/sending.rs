//! Sends, which leave in their order (udp.md 7). Those to names come here when they have their addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use super::{Open, UdpSocket};
use crate::api::net_error::Status;
use crate::engine::command::MAX_DATAGRAM;
use crate::engine::outcomes::over_quota;
use crate::engine::reply::{Replies, Reply};
use crate::net::{Datagram, Network, Ready, os_error};

/// Sends that may wait behind one that the system would not take (udp.md 6.2).
const MAX_WAITING: usize = 32;

/// A send that could not leave at once.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// `None`: the call exceeds the write quota.
    data: Option<Box<[u8]>>,
    to: Target,
    pub(super) reply: Reply,
}

/// What came of a send.
enum Outcome {
    Sent(u64),
    OverQuota,
    Failed(Status),
}

/// Where a datagram goes.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Target {
    /// To the connected peer.
    Peer,
    /// To this address, if the socket can reach it.
    Address(SocketAddr),
    /// To the first of these that the socket can reach, at this port.
    Addresses(Vec<IpAddr>, u16),
}

impl<N: Network> UdpSocket<N> {
    /// Whether as many sends wait for the system as may (udp.md 4.6 row 7).
    fn is_line_full(&self) -> bool {
        let waits_for_system =
            self.open.as_ref().is_some_and(|open| !open.ready.has(Ready::WRITABLE));
        waits_for_system && self.outgoing.len() > MAX_WAITING
    }

    /// Sends one datagram, or lets it wait its turn (udp.md 4.6 rows 6 to 10). Without data it exceeds the quota.
    pub(in crate::engine) fn send(&mut self, data: Option<&[u8]>, to: Target, reply: Reply) {
        if self.is_line_full() {
            return match data {
                Some(_) => reply.fail(Status::InsufficientResources),
                None => over_quota(reply),
            };
        }
        if self.outgoing.is_empty()
            && let Some(outcome) = self.attempt(data, &to)
        {
            return outcome.complete(reply);
        }
        self.outgoing.push_back(Outgoing { data: data.map(Box::from), to, reply });
    }

    /// Sends to the one peer of a connected socket (socket-legacy.md 4.7).
    pub(in crate::engine) fn write(&mut self, data: &[u8], reply: Reply) {
        if self.is_connected() {
            self.send(Some(data), Target::Peer, reply);
        } else {
            reply.fail(Status::SocketNotConnected);
        }
    }

    /// The same for a call whose bytes are in blocks. Of what is too long for a datagram, no more is put
    /// together than shows that it is.
    pub(in crate::engine) fn write_blocks(&mut self, blocks: &[Bytes], reply: Reply) {
        let mut data = Vec::new();
        for block in blocks {
            data.extend_from_slice(&block[..block.len().min(MAX_DATAGRAM + 1 - data.len())]);
        }
        self.write(&data, reply);
    }

    /// The same for several calls, whose bytes lie in `data` one after the other.
    #[inline(never)]
    pub(in crate::engine) fn write_copies(&mut self, data: &[u8], replies: Replies<'_>) {
        for (own, reply) in replies.with_data(data) {
            self.write(own, reply);
        }
    }

    /// Sends several datagrams of equal size at once; false, and nothing was sent, if that is not
    /// possible now.
    pub(in crate::engine) fn send_equal(&mut self, data: &[u8], each: u16, to: SocketAddr) -> bool {
        let may_join = self.outgoing.is_empty() && each < self.too_large_to_join;
        let Some(open) =
            self.open.as_mut().filter(|open| may_join && open.ready.has(Ready::WRITABLE))
        else {
            return false;
        };
        let address = reachable(open.local, &[to.ip()]).next();
        let Some(address) = address.filter(|_| open.peer.is_none()) else {
            return false;
        };
        let sent = open.socket.send_equal(data, each, SocketAddr::new(address, to.port()));
        // Of anything else the single send will tell.
        if sent.as_ref().is_err_and(os_error::is_about_size) {
            self.too_large_to_join = each;
        }
        sent.is_ok()
    }

    /// Sends what waits, in order, until the system refuses.
    pub(in crate::engine) fn flush(&mut self) {
        while let Some(send) = self.outgoing.pop_front() {
            match self.attempt(send.data.as_deref(), &send.to) {
                Some(outcome) => outcome.complete(send.reply),
                None => return self.outgoing.push_front(send),
            }
        }
    }

    /// Sends the datagram whose turn it is; `None` if it has to wait.
    fn attempt(&mut self, data: Option<&[u8]>, to: &Target) -> Option<Outcome> {
        // The quota is looked at before the state (socket-legacy.md 4.9 row 6).
        let Some(data) = data else { return Some(Outcome::OverQuota) };
        let Some(open) = self.open.as_mut().filter(|open| open.can_send_to(to)) else {
            return Some(Outcome::Failed(Status::SocketNotConnected));
        };
        if !open.ready.has(Ready::WRITABLE) {
            return None;
        }
        match open.send(data, to) {
            Ok(()) => Some(Outcome::Sent(data.len() as u64)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                open.ready.set(Ready::WRITABLE, false);
                None
            }
            Err(error) => Some(Outcome::Failed(os_error::status(&error))),
        }
    }
}

impl Outcome {
    fn complete(self, reply: Reply) {
        match self {
            Outcome::Sent(bytes) => reply.complete_send(bytes),
            Outcome::OverQuota => over_quota(reply),
            Outcome::Failed(status) => reply.fail(status),
        }
    }
}

impl<D: Datagram> Open<D> {
    /// A connected socket sends to its peer only (socket-legacy.md 6).
    fn can_send_to(&self, to: &Target) -> bool {
        self.peer.is_some() == matches!(to, Target::Peer)
    }

    fn send(&mut self, data: &[u8], to: &Target) -> io::Result<()> {
        if data.len() > MAX_DATAGRAM {
            return Err(io::Error::from_raw_os_error(os_error::MESSAGE_TOO_LONG));
        }
        match to {
            Target::Peer => self.socket.send(data, None),
            Target::Address(to) => self.send_to(data, &[to.ip()], to.port()),
            Target::Addresses(addresses, port) => self.send_to(data, addresses, *port),
        }
    }

    fn send_to(&mut self, data: &[u8], addresses: &[IpAddr], port: u16) -> io::Result<()> {
        let socket = &mut self.socket;
        with_usable(reachable(self.local, addresses), |address| {
            socket.send(data, Some(SocketAddr::new(address, port)))
        })
    }
}

/// What a socket bound to `local` can send to of these addresses (udp.md 6.1).
fn reachable(local: SocketAddr, addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> {
    let to_v4 = local.is_ipv4();
    let to_mapped = match local.ip() {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.is_unspecified() || v6.to_ipv4_mapped().is_some(),
    };
    addresses.iter().filter_map(move |address| match address {
        IpAddr::V4(v4) if to_v4 => Some(IpAddr::V4(*v4)),
        IpAddr::V4(v4) if to_mapped => Some(IpAddr::V6(v4.to_ipv6_mapped())),
        IpAddr::V6(v6) if !to_v4 => Some(IpAddr::V6(*v6)),
        _ => None,
    })
}

/// Uses the first address that the machine has one of its own for: ::1 comes first, and may not be there.
pub(super) fn with_usable<T>(
    addresses: impl Iterator<Item = IpAddr>,
    mut attempt: impl FnMut(IpAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut result = Err(io::Error::from_raw_os_error(os_error::WRONG_FAMILY));
    for address in addresses {
        result = attempt(address);
        if !result.as_ref().is_err_and(os_error::lacks_own_address) {
            break;
        }
    }
    result
}
