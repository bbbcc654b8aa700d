//! UDP sockets. On Linux many datagrams come per system call: recvmmsg, and UDP_GRO, which joins
//! equal ones of one sender; they are taken apart again before anybody sees them.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use mio::{Interest, Registry};
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::MsgHdr;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, SockRef, Socket, Type};

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::batch::{self, Batch, Message, Receiving};
use super::{LONGEST_RECEIVED, NO_SIGNAL, SysNetwork, retrying, share::Share, token::pack};
use crate::net::{Datagram, Datagrams, MulticastOptions, Token};

/// Bytes of copied datagrams that share an allocation.
const SHARED: usize = 64 * 1024;
/// Ports tried for a connected socket before the system chooses (socket-legacy.md 4.3).
const RANDOM_TRIES: usize = 10;

/// A control message as the system wants it: its length, level and type, and a number of two bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HEADER: usize = size_of::<usize>() + 2 * size_of::<libc::c_int>();
#[cfg(any(target_os = "linux", target_os = "android"))]
const CONTROL: usize = HEADER + size_of::<usize>();

/// A UDP socket, watched for datagrams, and for room to send once it had none: with the interest in
/// room, a datagram that is taken before its event is reported wakes the thread in vain.
#[derive(Debug)]
pub(crate) struct SysDatagram {
    socket: mio::net::UdpSocket,
    scratch: Rc<RefCell<Scratch>>,
    registry: Rc<Registry>,
    token: mio::Token,
    watches_room: bool,
    /// The IPv4 groups, each with the interfaces that there were when it was joined on one of them.
    joined: Vec<(Ipv4Addr, Vec<u32>)>,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    receiving: Receiving,
    _share: Share,
}

/// Memory for receiving, shared by the sockets of an app.
#[derive(Default)]
pub(super) struct Scratch {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    batch: Option<Batch>,
    /// For one datagram at a time.
    buffer: Vec<u8>,
    copies: Copies,
}

/// What was received last, and room for more: datagrams share allocations. Of two, one is filled while what came
/// with the other is still under way.
#[derive(Default)]
struct Copies {
    block: BytesMut,
    other: BytesMut,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Copies {
    /// One copy of several pieces.
    fn join<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]> + Clone) -> Bytes {
        let len = pieces.clone().map(<[u8]>::len).sum();
        // Memory that nobody uses any more is used from its start, which the cache still has.
        if !self.block.try_reclaim(SHARED.max(len)) && self.block.capacity() < len {
            mem::swap(&mut self.block, &mut self.other);
            if !self.block.try_reclaim(SHARED.max(len)) {
                self.block = BytesMut::with_capacity(SHARED.max(len));
            }
        }
        pieces.for_each(|piece| self.block.extend_from_slice(piece));
        self.block.split().freeze()
    }
}

/// Appends what a message consists of, whose bytes are `data`.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn push(data: Bytes, message: Message<'_>, into: &mut Datagrams) {
    // The system names no other kind of address here.
    let Some(from) = message.from() else { return };
    match message.each() {
        Some(each) => into.push_joined(data, each, from),
        None => into.push(data, from),
    }
}

fn open(family: Domain, options: MulticastOptions) -> io::Result<Socket> {
    let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if family == Domain::IPV4 {
        socket.set_multicast_ttl_v4(options.time_to_live.into())?;
        socket.set_multicast_loop_v4(options.loopback)?;
    } else {
        socket.set_multicast_hops_v6(options.time_to_live.into())?;
        socket.set_multicast_loop_v6(options.loopback)?;
    }
    Ok(socket)
}

impl SysDatagram {
    pub(super) fn bind(
        net: &SysNetwork,
        local: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<Self> {
        let share = Share::take(&net.left)?;
        let socket = open(Domain::for_address(local), options)?;
        // A port that the system chooses must be one that nobody has; it can be shared from then on.
        let shares_first = net.settings.reuse_port && local.port() != 0;
        if shares_first {
            super::reuse_port(&socket)?;
        }
        socket.bind(&SockAddr::from(local))?;
        if net.settings.reuse_port && !shares_first {
            super::reuse_port(&socket)?;
        }
        Self::watched(net, socket, token, share)
    }

    pub(super) fn connect(
        net: &SysNetwork,
        peer: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<Self> {
        let share = Share::take(&net.left)?;
        let socket = open(Domain::for_address(peer), options)?;
        bind_to_random_port(&socket, peer)?;
        socket.connect(&SockAddr::from(peer))?;
        Self::watched(net, socket, token, share)
    }

    fn watched(net: &SysNetwork, socket: Socket, token: Token, share: Share) -> io::Result<Self> {
        let mut socket = mio::net::UdpSocket::from_std(socket.into());
        let token = pack(net.slot, token);
        net.registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self {
            socket,
            scratch: Rc::clone(&net.scratch),
            registry: Rc::clone(&net.registry),
            token,
            watches_room: false,
            joined: Vec::new(),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            receiving: Receiving::new(net.settings),
            _share: share,
        })
    }

    /// `None`: there is no memory for it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn receive_batch(
        &mut self,
        into: &mut Datagrams,
        joins_if_fast: bool,
    ) -> Option<io::Result<bool>> {
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { batch, copies, .. } = &mut *scratch;
        if batch.is_none() {
            *batch = Batch::new();
        }
        let batch = batch.as_mut()?;
        let is_empty = match batch.receive(&self.socket)? {
            Ok(is_empty) => is_empty,
            Err(error) => return Some(Err(error)),
        };
        // Small ones share a copy; large ones would keep each other's memory.
        if batch.messages().map(|message| message.data().len()).sum::<usize>() <= SHARED {
            let mut all = copies.join(batch.messages().map(Message::data));
            for message in batch.messages() {
                push(all.split_to(message.data().len()), message, into);
            }
        } else {
            for index in 0..batch.messages().count() {
                let taken = batch.take_long(index);
                let Some(message) = batch.messages().nth(index) else { break };
                let data = taken.unwrap_or_else(|| copies.join(std::iter::once(message.data())));
                push(data, message, into);
            }
        }
        if joins_if_fast && batch.is_full() {
            batch::join(&self.socket);
            self.receiving = Receiving::Batches { joins_if_fast: false };
        }
        Some(Ok(is_empty))
    }

    /// After a send: room is told once one has found none, until there was some.
    fn watch_room(&mut self, watch: bool) -> io::Result<()> {
        if self.watches_room != watch {
            let both = Interest::READABLE | Interest::WRITABLE;
            let interest = if watch { both } else { Interest::READABLE };
            self.registry.reregister(&mut self.socket, self.token, interest)?;
            self.watches_room = watch;
        }
        Ok(())
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }
}

/// A port that a stranger cannot guess, unless none of a few tries is free.
fn bind_to_random_port(socket: &Socket, peer: SocketAddr) -> io::Result<()> {
    use std::hash::{BuildHasher, RandomState};
    let any: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    for _ in 0..RANDOM_TRIES {
        let port = RandomState::new().hash_one(peer) % (65_536 - 1024) + 1024;
        let local = SocketAddr::new(any, u16::try_from(port).unwrap_or(0));
        match socket.bind(&SockAddr::from(local)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            result => return result,
        }
    }
    socket.bind(&SockAddr::from(SocketAddr::new(any, 0)))
}

/// Leaves a group that was joined on what was the default interface then, one of `interfaces`, unless these are not
/// known. The system looks only at the one that is it now; for IPv6 it looks at all. One that is gone counts, too: Linux
/// keeps the membership, of which a socket may have few, until it is left.
fn leave_v4(socket: &SockRef<'_>, group: &Ipv4Addr, interfaces: &[u32]) -> io::Result<()> {
    match socket.leave_multicast_v4(group, &Ipv4Addr::UNSPECIFIED) {
        Err(error)
            if matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::ENODEV))
                && !interfaces.is_empty() => {}
        result => return result,
    }
    // If it was none of these, the membership is gone as well.
    let _ = interfaces.iter().any(|index| {
        let index = InterfaceIndexOrAddress::Index(*index);
        socket.leave_multicast_v4_n(group, &index).is_ok()
    });
    Ok(())
}

impl Datagram for SysDatagram {
    fn receive(&mut self, into: &mut Datagrams) -> io::Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Receiving::Batches { joins_if_fast } = self.receiving
            && let Some(result) = self.receive_batch(into, joins_if_fast)
        {
            return result;
        }
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { buffer, copies, .. } = &mut *scratch;
        buffer.resize(LONGEST_RECEIVED, 0);
        let (len, from) = retrying(|| self.socket.recv_from(buffer))?;
        into.push(copies.join(std::iter::once(&buffer[..len])), from);
        Ok(false)
    }

    fn send(&mut self, data: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
        let sent = match to {
            Some(to) => {
                let to = SockAddr::from(to);
                retrying(|| self.socket().send_to_with_flags(data, &to, NO_SIGNAL))
            }
            None => retrying(|| self.socket().send_with_flags(data, NO_SIGNAL)),
        };
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.watch_room(true)?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(_) => {
                // If that fails there are events too many.
                let _ = self.watch_room(false);
                Ok(())
            }
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn send_equal(&mut self, data: &[u8], each: u16, to: SocketAddr) -> io::Result<()> {
        let (to, blocks, control) =
            (SockAddr::from(to), [io::IoSlice::new(data)], segments_of(each));
        let message = MsgHdr::new().with_addr(&to).with_buffers(&blocks).with_control(&control);
        retrying(|| self.socket().sendmsg(&message, NO_SIGNAL))?;
        Ok(())
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn join(&mut self, group: IpAddr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => {
                self.socket().join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
                let interfaces = nix::net::if_::if_nameindex();
                let known = interfaces.iter().flatten().map(|interface| interface.index());
                self.joined.push((group, known.collect()));
                Ok(())
            }
            IpAddr::V6(group) => self.socket().join_multicast_v6(&group, 0),
        }
    }

    fn leave(&mut self, group: IpAddr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => {
                let joined = self.joined.iter().find(|(joined, _)| *joined == group);
                let interfaces = joined.map_or(&[][..], |(_, interfaces)| interfaces);
                leave_v4(&self.socket(), &group, interfaces)?;
                self.joined.retain(|(joined, _)| *joined != group);
                Ok(())
            }
            IpAddr::V6(group) => self.socket().leave_multicast_v6(&group, 0),
        }
    }

    fn set_broadcast(&mut self, on: bool) -> io::Result<()> {
        self.socket().set_broadcast(on)
    }
}

/// The control message that has a block sent as datagrams of this size: `nix`, which knows it as well, would allocate
/// for each send.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn segments_of(each: u16) -> [u8; CONTROL] {
    let mut control = [0; CONTROL];
    let (len, rest) = control.split_at_mut(size_of::<usize>());
    len.copy_from_slice(&(HEADER + size_of::<u16>()).to_ne_bytes());
    rest[..4].copy_from_slice(&libc::SOL_UDP.to_ne_bytes());
    rest[4..8].copy_from_slice(&libc::UDP_SEGMENT.to_ne_bytes());
    rest[8..10].copy_from_slice(&each.to_ne_bytes());
    control
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;
    use crate::net::{Feature, SocketSettings};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn bound(poll: &mio::Poll, without: u32) -> SysDatagram {
        bound_to(Ipv4Addr::LOCALHOST.into(), poll, without, &Rc::default())
    }

    fn bound_to(
        local: IpAddr,
        poll: &mio::Poll,
        without: u32,
        scratch: &Rc<RefCell<Scratch>>,
    ) -> SysDatagram {
        let registry = Rc::new(poll.registry().try_clone().unwrap());
        let settings = SocketSettings { without, ..SocketSettings::default() };
        let mut net = SysNetwork::new(registry, 0, settings);
        net.scratch = Rc::clone(scratch);
        let options = MulticastOptions { time_to_live: 1, loopback: true };
        let local = SocketAddr::new(local, 0);
        SysDatagram::bind(&net, local, options, Token { owner: 7, lane: 0 }).unwrap()
    }

    /// A sender that notes what it has sent.
    struct Sender(SysDatagram, SocketAddr);

    type Sent = Vec<(Bytes, SocketAddr)>;

    impl Sender {
        fn new(poll: &mio::Poll) -> Self {
            let socket = bound(poll, 0);
            let address = socket.local_address().unwrap();
            Self(socket, address)
        }

        fn send(&mut self, data: Vec<u8>, to: SocketAddr, sent: &mut Sent) {
            self.0.send(&data, Some(to)).unwrap();
            sent.push((data.into(), self.1));
        }

        /// As one that the system cuts, where it can.
        fn send_equal(&mut self, data: Vec<u8>, each: u16, to: SocketAddr, sent: &mut Sent) {
            if self.0.send_equal(&data, each, to).is_ok() {
                let pieces = data.chunks(each.into());
                sent.extend(pieces.map(|piece| (Bytes::copy_from_slice(piece), self.1)));
            } else {
                data.chunks(each.into()).for_each(|piece| self.send(piece.into(), to, sent));
            }
        }
    }

    fn drain(poll: &mut mio::Poll, socket: &mut SysDatagram, count: usize) -> Sent {
        let (mut datagrams, mut taken) = (Datagrams::default(), Sent::new());
        let mut events = mio::Events::with_capacity(4);
        while taken.len() < count {
            poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "{} of {count} datagrams came", taken.len());
            loop {
                match socket.receive(&mut datagrams) {
                    Ok(false) => {}
                    Ok(true) => break,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => panic!("receive: {error}"),
                }
            }
            taken.extend(std::iter::from_fn(|| datagrams.take()));
        }
        taken
    }

    /// udp.md 5.2, 5.5: by whatever calls, all come, whole, in order and with their sender; and what came
    /// stays as it is while more comes.
    #[test]
    fn datagrams_come_as_they_were_sent_however_they_are_received() {
        for without in [0, Feature::UdpGro as u32, Feature::Recvmmsg as u32, 15] {
            let (mut poll, senders_poll) = (mio::Poll::new().unwrap(), mio::Poll::new().unwrap());
            let mut socket = bound(&poll, without);
            let to = socket.local_address().unwrap();
            let (mut a, mut b) = (Sender::new(&senders_poll), Sender::new(&senders_poll));
            let (mut kept, mut all_sent) = (Vec::new(), Vec::new());
            for round in 0..12_u8 {
                let mut sent = Sent::new();
                a.send_equal(vec![round; 640], 64, to, &mut sent);
                // More than one call asks for, between joined ones.
                for i in 0..20 {
                    a.send(vec![i ^ round; i.into()], to, &mut sent);
                }
                b.send_equal(vec![round; 40 * 50 - 7], 50, to, &mut sent);
                a.send_equal(vec![!round; 3 * 1200], 1200, to, &mut sent);
                b.send(vec![], to, &mut sent);
                b.send(vec![round; 60_000], to, &mut sent);
                let received = drain(&mut poll, &mut socket, sent.len());
                assert!(received == sent, "round {round} without {without}");
                if round % 3 == 0 {
                    kept.push(received);
                    all_sent.push(sent);
                }
            }
            assert!(kept == all_sent, "what was kept has changed, without {without}");
        }
    }

    /// Those that are still under way to another thread when their block is full keep it for a while only.
    #[test]
    fn datagrams_in_flight_cost_no_allocation_but_the_first_two() {
        let (mut copies, mut in_flight) = (Copies::default(), VecDeque::new());
        let mut blocks = Vec::new();
        for _ in 0..1000 {
            in_flight.push_back(copies.join(std::iter::once(&[7; 4096][..])));
            let block = copies.block.as_ptr() as usize + copies.block.capacity();
            if !blocks.contains(&block) {
                blocks.push(block);
            }
            if in_flight.len() > 6 {
                in_flight.pop_front();
            }
        }
        assert_eq!(blocks.len(), 2);
    }

    /// Joining is switched on for what comes fast, and only then: the first socket to have it stops all CPUs.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn datagrams_are_joined_once_they_come_fast() {
        let (mut poll, senders_poll) = (mio::Poll::new().unwrap(), mio::Poll::new().unwrap());
        let mut socket = bound(&poll, 0);
        let to = socket.local_address().unwrap();
        let mut sender = Sender::new(&senders_poll);
        let mut messages = |many: usize| {
            let mut sent = Sent::new();
            sender.send_equal(vec![1; many * 64], 64, to, &mut sent);
            assert!(drain(&mut poll, &mut socket, many) == sent);
            socket.scratch.borrow().batch.as_ref().unwrap().messages().count()
        };
        let few = batch::BATCH - 1;
        assert_eq!([2, few, few].map(&mut messages), [2, few, few]);
        messages(batch::BATCH);
        assert_eq!([2, few].map(&mut messages), [1, 1]);
    }

    /// They are not copied, and their memory is used again once they are gone.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn long_datagrams_stay_where_they_were_received() {
        let (mut poll, senders_poll) = (mio::Poll::new().unwrap(), mio::Poll::new().unwrap());
        let mut socket = bound(&poll, 0);
        let to = socket.local_address().unwrap();
        let mut sender = Sender::new(&senders_poll);
        let mut two = |with: u8| {
            let mut sent = Sent::new();
            sender.send(vec![with; 60_000], to, &mut sent);
            sender.send(vec![!with; 50_000], to, &mut sent);
            let received = drain(&mut poll, &mut socket, 2);
            assert!(received == sent);
            let places: Vec<_> = received.iter().map(|(data, _)| data.as_ptr()).collect();
            (places, received, sent)
        };
        let (places, ..) = two(1);
        let (again, kept, sent) = two(2);
        assert_eq!(again, places);
        let (others, ..) = two(3);
        assert!(others.iter().all(|place| !places.contains(place)));
        assert!(kept == sent, "what was kept has changed");
    }

    /// udp.md 5.5: sockets of both families receive with the same memory, whose lengths each call changes.
    #[test]
    fn a_sender_is_told_whole_after_one_of_the_other_family() {
        let scratch = Rc::default();
        for local in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].repeat(2) {
            let (mut poll, senders_poll) = (mio::Poll::new().unwrap(), mio::Poll::new().unwrap());
            let mut socket = bound_to(local, &poll, 0, &scratch);
            let to = socket.local_address().unwrap();
            let mut from = bound_to(local, &senders_poll, 0, &Rc::default());
            from.send(b"hello", Some(to)).unwrap();
            let received = drain(&mut poll, &mut socket, 1);
            assert_eq!(received, [(Bytes::from("hello"), from.local_address().unwrap())]);
        }
    }

    /// udp.md 6.2: a send that found no room is carried out once there is some.
    #[test]
    fn room_to_send_is_told_once_it_was_missed() {
        let mut poll = mio::Poll::new().unwrap();
        let mut socket = bound(&poll, 0);
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "room is not told unasked");
        socket.watch_room(true).unwrap();
        poll.poll(&mut events, Some(PATIENCE)).unwrap();
        assert!(events.iter().any(|event| event.is_writable()), "room is told");
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..2 {
            socket.send(b"x", Some(peer.local_addr().unwrap())).unwrap();
            peer.recv(&mut [0; 8]).unwrap();
        }
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "room is not told any more");
    }
}
