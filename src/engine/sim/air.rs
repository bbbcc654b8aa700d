//! Test only: datagrams of the network in memory. Behaves like a kernel where a program can tell:
//! whole datagrams, a bounded queue whose excess is lost, errors by errno, membership, batches.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;

use super::world::{Source, World, os};
use super::{Sim, TEST, shown};
use crate::net::{Datagram, Datagrams, MulticastOptions, Ready, Token};

/// The datagram sockets, and how their system behaves.
#[derive(Debug)]
pub(in crate::engine) struct Air {
    pub(super) sockets: Vec<Sock>,
    /// Datagrams that wait at a socket at most; more are lost.
    pub(in crate::engine) room: usize,
    /// Datagrams that one receive takes at most.
    pub(in crate::engine) batch: usize,
    /// Whether sends block.
    pub(super) is_full: bool,
    /// One-time failures of the next such calls; 0 = none.
    pub(in crate::engine) fail_open: VecDeque<i32>,
    pub(in crate::engine) fail_send: VecDeque<i32>,
    /// Joins, leaves and `setBroadcast`.
    pub(in crate::engine) fail_option: VecDeque<i32>,
    /// Longest datagrams of which several can be sent at once; 0 = the system cannot do that.
    pub(in crate::engine) longest_joined: u16,
    /// Whether an error comes while the datagrams before it are received, and is told by the next receive only.
    pub(in crate::engine) error_is_late: bool,
    /// The next receive panics after it has received.
    pub(in crate::engine) receive_panics: bool,
    /// So does the next send, before.
    pub(in crate::engine) send_panics: bool,
}

impl Default for Air {
    fn default() -> Self {
        Self {
            sockets: Vec::new(),
            room: 64,
            batch: 16,
            is_full: false,
            fail_open: VecDeque::new(),
            fail_send: VecDeque::new(),
            fail_option: VecDeque::new(),
            longest_joined: 1472,
            error_is_late: false,
            receive_panics: false,
            send_panics: false,
        }
    }
}

/// One datagram socket.
#[derive(Debug)]
pub(super) struct Sock {
    pub(super) host: usize,
    pub(super) token: Option<Token>,
    local: SocketAddr,
    peer: Option<SocketAddr>,
    options: MulticastOptions,
    queue: VecDeque<(Bytes, SocketAddr)>,
    /// Told by the next receive or send.
    error: Option<i32>,
    groups: BTreeSet<IpAddr>,
    broadcast: bool,
    /// A send found no room; room is worth an event.
    blocked: bool,
    pub(super) gone: bool,
}

const LOCAL_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);
const LOCAL_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);

/// IPv4 in IPv6 clothes is IPv4 on the wire.
fn on_the_wire(at: SocketAddr) -> SocketAddr {
    SocketAddr::new(at.ip().to_canonical(), at.port())
}

impl Sock {
    fn is_dual(&self) -> bool {
        self.local.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    }

    /// What receivers see as the sender when it sends to `to`.
    fn source(&self, to: IpAddr) -> SocketAddr {
        let ip = match (self.local.ip().is_unspecified(), to) {
            (false, _) => self.local.ip(),
            (true, IpAddr::V4(_)) => LOCAL_V4.into(),
            (true, IpAddr::V6(_)) => LOCAL_V6.into(),
        };
        SocketAddr::new(ip, self.local.port())
    }

    /// Whether a datagram for `to` comes here; both as on the wire.
    fn hears(&self, to: SocketAddr, from: SocketAddr) -> bool {
        let reaches = if to.ip().is_multicast() {
            self.groups.contains(&to.ip())
        } else if to.ip() == IpAddr::V4(Ipv4Addr::BROADCAST) {
            self.local.ip().is_unspecified()
        } else {
            let own = self.local;
            let any = own.ip().is_unspecified() && own.is_ipv4() == to.is_ipv4();
            own.ip().to_canonical() == to.ip() || any || self.is_dual()
        };
        let from_peer = self.peer.is_none_or(|peer| on_the_wire(peer) == from);
        !self.gone && reaches && from_peer && self.local.port() == to.port()
    }
}

impl World {
    fn open_sock(
        &mut self,
        host: usize,
        mut local: SocketAddr,
        peer: Option<SocketAddr>,
        options: MulticastOptions,
        token: Option<Token>,
    ) -> io::Result<usize> {
        if local.port() == 0 {
            local.set_port(self.new_port());
        }
        let taken = |other: &Sock| {
            let (a, b) = (other.local, local);
            let overlap = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
            !other.gone && a.port() == b.port() && a.is_ipv4() == b.is_ipv4() && overlap
        };
        if self.air.sockets.iter().any(taken) {
            return os(libc::EADDRINUSE);
        }
        self.air.sockets.push(Sock {
            host,
            token,
            local,
            peer,
            options,
            queue: VecDeque::new(),
            error: None,
            groups: BTreeSet::new(),
            broadcast: false,
            blocked: false,
            gone: false,
        });
        Ok(self.air.sockets.len() - 1)
    }

    fn log_sock(&mut self, sock: usize, call: impl Display, result: &io::Result<usize>) {
        if let Some(token) = self.air.sockets[sock].token {
            let owner = token.owner;
            self.calls.push(format!("{owner} {call} -> {}", shown(result)));
        }
    }

    fn send_datagram(
        &mut self,
        index: usize,
        data: &[u8],
        to: Option<SocketAddr>,
    ) -> io::Result<usize> {
        if let Some(errno) = self.air.fail_send.pop_front().filter(|errno| *errno != 0) {
            return os(errno);
        }
        let sock = &mut self.air.sockets[index];
        if let Some(errno) = sock.error.take() {
            return os(errno);
        }
        if self.air.is_full && sock.host != TEST {
            sock.blocked = true;
            return os(libc::EAGAIN);
        }
        let Some(to) = to.or(sock.peer) else { return os(libc::EDESTADDRREQ) };
        match (sock.local, to) {
            (SocketAddr::V4(_), SocketAddr::V6(_)) => return os(libc::EAFNOSUPPORT),
            (SocketAddr::V6(_), SocketAddr::V4(_)) => return os(libc::EINVAL),
            _ => {}
        }
        let to = on_the_wire(to);
        let most = if to.is_ipv4() { 65_507 } else { 65_527 };
        if data.len() > most {
            return os(libc::EMSGSIZE);
        }
        if to.port() == 0 {
            return os(libc::EINVAL);
        }
        if to.ip() == IpAddr::V4(Ipv4Addr::BROADCAST) && !sock.broadcast {
            return os(libc::EACCES);
        }
        let from = on_the_wire(sock.source(to.ip()));
        let returns = sock.options.loopback || !to.ip().is_multicast();
        let host = sock.host;
        let hearers: Vec<usize> = (0..self.air.sockets.len())
            .filter(|other| self.air.sockets[*other].hears(to, from))
            .filter(|other| returns || self.air.sockets[*other].host != host)
            .collect();
        if hearers.is_empty() && self.air.sockets[index].peer.is_some() {
            // The port is unreachable, which only a connected socket is told.
            self.air.sockets[index].error = Some(libc::ECONNREFUSED);
            self.post(Source::Sock(index), super::ALL);
        }
        for other in hearers {
            let room = self.air.room;
            let sock = &mut self.air.sockets[other];
            let from = match from.ip() {
                IpAddr::V4(v4) if sock.local.is_ipv6() => {
                    SocketAddr::new(v4.to_ipv6_mapped().into(), from.port())
                }
                _ => from,
            };
            if sock.queue.len() < room {
                sock.queue.push_back((Bytes::copy_from_slice(data), from));
                self.post(Source::Sock(other), Ready::READABLE);
            }
        }
        Ok(data.len())
    }

    fn receive_datagrams(&mut self, index: usize, into: &mut Datagrams) -> io::Result<usize> {
        let batch = self.air.batch;
        let sock = &mut self.air.sockets[index];
        let is_told = !self.air.error_is_late || sock.queue.is_empty();
        if let Some(errno) = sock.error.take_if(|_| is_told) {
            return os(errno);
        }
        if sock.queue.is_empty() {
            return os(libc::EAGAIN);
        }
        let number = sock.queue.len().min(batch);
        sock.queue.drain(..number).for_each(|(data, from)| into.push(data, from));
        Ok(number)
    }

    fn set_sock_option(
        &mut self,
        index: usize,
        call: impl Display,
        set: impl FnOnce(&mut Sock) -> io::Result<()>,
    ) -> io::Result<()> {
        let injected = self.air.fail_option.pop_front().filter(|errno| *errno != 0);
        let result = match injected {
            Some(errno) => os(errno),
            None => set(&mut self.air.sockets[index]),
        };
        self.log_sock(index, call, &result.as_ref().map(|()| 0).map_err(copy));
        result
    }
}

fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// What is known of an open socket of a host.
#[derive(Debug)]
pub(in crate::engine) struct Known {
    pub(in crate::engine) options: MulticastOptions,
    pub(in crate::engine) groups: Vec<IpAddr>,
    pub(in crate::engine) broadcast: bool,
}

impl Sim {
    /// The test's own datagram socket.
    pub(in crate::engine) fn open_datagram(&self, address: &str) -> SimDatagram {
        let options = MulticastOptions { time_to_live: 1, loopback: true };
        let local = address.parse().unwrap();
        let sock = self.world().open_sock(TEST, local, None, options, None).unwrap();
        SimDatagram { sim: self.clone(), sock }
    }

    /// Live datagram sockets of a host.
    pub(in crate::engine) fn live_datagrams(&self, host: usize) -> usize {
        let world = self.look();
        world.air.sockets.iter().filter(|sock| sock.host == host && !sock.gone).count()
    }

    /// The system's view of the live socket with this id.
    pub(in crate::engine) fn datagram_of(&self, id: i32) -> Known {
        let world = self.look();
        let is = |sock: &&Sock| !sock.gone && sock.token.is_some_and(|token| token.owner == id);
        let sock = world.air.sockets.iter().find(is).expect("an open datagram socket");
        Known {
            options: sock.options,
            groups: sock.groups.iter().copied().collect(),
            broadcast: sock.broadcast,
        }
    }

    /// From now on sends of datagrams block, or no longer.
    pub(in crate::engine) fn fill_send_buffers(&self, is_full: bool) {
        let mut world = self.world();
        world.air.is_full = is_full;
        for index in 0..world.air.sockets.len() {
            if !is_full && std::mem::take(&mut world.air.sockets[index].blocked) {
                world.post(Source::Sock(index), Ready::WRITABLE);
            }
        }
    }

    /// The next receive of the socket with this id tells of an error.
    pub(in crate::engine) fn break_datagram(&self, id: i32, errno: i32) {
        let mut world = self.world();
        let is = |sock: &Sock| !sock.gone && sock.token.is_some_and(|token| token.owner == id);
        let index = world.air.sockets.iter().position(is).expect("an open datagram socket");
        world.air.sockets[index].error = Some(errno);
        let failed = super::ALL;
        world.post(Source::Sock(index), failed);
    }

    pub(super) fn bind_datagram(
        &self,
        host: usize,
        local: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SimDatagram> {
        let MulticastOptions { time_to_live, loopback } = options;
        let mut world = self.world();
        let owner = token.owner;
        world.calls.push(format!("{owner} bind {local} ttl {time_to_live} loopback {loopback}"));
        if let Some(errno) = world.air.fail_open.pop_front().filter(|errno| *errno != 0) {
            return os(errno);
        }
        let sock = world.open_sock(host, local, None, options, Some(token))?;
        Ok(SimDatagram { sim: self.clone(), sock })
    }

    pub(super) fn connect_datagram(
        &self,
        host: usize,
        peer: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SimDatagram> {
        let mut world = self.world();
        world.calls.push(format!("{} connect datagrams {peer}", token.owner));
        if let Some(errno) = world.air.fail_open.pop_front().filter(|errno| *errno != 0) {
            return os(errno);
        }
        let own = if peer.is_ipv4() { LOCAL_V4.into() } else { LOCAL_V6.into() };
        let local = SocketAddr::new(own, 0);
        let sock = world.open_sock(host, local, Some(peer), options, Some(token))?;
        Ok(SimDatagram { sim: self.clone(), sock })
    }
}

/// A datagram socket.
#[derive(Debug)]
pub(in crate::engine) struct SimDatagram {
    sim: Sim,
    sock: usize,
}

impl SimDatagram {
    /// Sends text, without letting anything else happen.
    pub(in crate::engine) fn send_to(&mut self, text: &str, to: &str) {
        self.send(text.as_bytes(), Some(to.parse().unwrap())).unwrap();
    }

    /// The oldest datagram that waits, and its sender.
    pub(in crate::engine) fn take(&mut self) -> Option<(Bytes, SocketAddr)> {
        self.sim.world().air.sockets[self.sock].queue.pop_front()
    }
}

impl Drop for SimDatagram {
    fn drop(&mut self) {
        let mut world = self.sim.world();
        world.air.sockets[self.sock].gone = true;
        let source = Source::Sock(self.sock);
        world.ready.retain(|entry| entry.0 != source);
    }
}

impl Datagram for SimDatagram {
    fn receive(&mut self, into: &mut Datagrams) -> io::Result<bool> {
        let mut world = self.sim.world();
        let result = world.receive_datagrams(self.sock, into);
        world.log_sock(self.sock, "receive", &result);
        if std::mem::take(&mut world.air.receive_panics) {
            drop(world);
            panic!("scripted panic in receive");
        }
        let air = &world.air;
        let is_empty = air.error_is_late && air.sockets[self.sock].queue.is_empty();
        result.map(|_| is_empty)
    }

    fn send(&mut self, data: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
        let mut world = self.sim.world();
        if std::mem::take(&mut world.air.send_panics) {
            drop(world);
            panic!("scripted panic in send");
        }
        let result = world.send_datagram(self.sock, data, to);
        let to = to.map_or("the peer".to_owned(), |to| to.to_string());
        world.log_sock(self.sock, format_args!("send {} to {to}", data.len()), &result);
        result.map(drop)
    }

    fn send_equal(&mut self, data: &[u8], each: u16, to: SocketAddr) -> io::Result<()> {
        let mut world = self.sim.world();
        assert!(world.air.sockets[self.sock].peer.is_none() && data.len() <= 65_507);
        let each_len = usize::from(each);
        let result = if each > world.air.longest_joined {
            os(libc::EINVAL)
        } else {
            // All or none: the first one finds what is wrong.
            let mut parts = data.chunks(each_len);
            let first = parts.next().unwrap();
            world.send_datagram(self.sock, first, Some(to)).map(|_| {
                parts.for_each(|part| {
                    world.send_datagram(self.sock, part, Some(to)).unwrap();
                });
                data.len()
            })
        };
        world.log_sock(self.sock, format_args!("send {} by {each} to {to}", data.len()), &result);
        result.map(drop)
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.sim.look().air.sockets[self.sock].local)
    }

    fn join(&mut self, group: IpAddr) -> io::Result<()> {
        let mut world = self.sim.world();
        world.set_sock_option(self.sock, format_args!("join {group}"), |sock| {
            if !group.is_multicast() {
                return os(libc::EINVAL);
            }
            if sock.groups.insert(group) { Ok(()) } else { os(libc::EADDRINUSE) }
        })
    }

    fn leave(&mut self, group: IpAddr) -> io::Result<()> {
        let mut world = self.sim.world();
        world.set_sock_option(self.sock, format_args!("leave {group}"), |sock| {
            if sock.groups.remove(&group) { Ok(()) } else { os(libc::EADDRNOTAVAIL) }
        })
    }

    fn set_broadcast(&mut self, on: bool) -> io::Result<()> {
        let mut world = self.sim.world();
        world.set_sock_option(self.sock, format_args!("broadcast {on}"), |sock| {
            sock.broadcast = on;
            Ok(())
        })
    }
}
