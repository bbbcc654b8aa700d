//! UDP sockets. On Linux many datagrams come per system call: recvmmsg, and UDP_GRO, which joins
//! equal ones of one sender; they are taken apart again before anybody sees them.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use mio::{Interest, Registry};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::{NO_SIGNAL, retrying};
use crate::net::{Datagram, DatagramBuffers, Feature, MulticastOptions, SocketSettings};

/// Datagrams asked for by one system call.
const BATCH: usize = 16;
/// No datagram, and no run of joined ones, is longer.
const MAX_DATAGRAM: usize = 65_536;
/// Bytes of copied datagrams that share an allocation.
const SHARED: usize = 64 * 1024;
/// Ports tried for a connected socket before the system chooses (socket-legacy.md 4.3).
const RANDOM_TRIES: usize = 10;

/// A UDP socket, watched for datagrams, and for room to send once it had none: with the interest in
/// room, a datagram that is taken before its event is reported wakes the thread in vain.
#[derive(Debug)]
pub(crate) struct SysDatagram {
    socket: mio::net::UdpSocket,
    scratch: Rc<RefCell<Scratch>>,
    registry: Rc<Registry>,
    token: mio::Token,
    watches_room: bool,
    /// Whether several are received at once.
    batches: bool,
    /// Buffers to prepare for the next receive; one more than come tells that no more are there.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    expected: usize,
}

/// Memory for receiving, shared by the sockets of an app.
#[derive(Default)]
pub(super) struct Scratch {
    buffers: Vec<Vec<u8>>,
    copies: BytesMut,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("buffers", &self.buffers.len()).finish_non_exhaustive()
    }
}

impl Scratch {
    /// A copy of one received datagram.
    fn copy(copies: &mut BytesMut, data: &[u8]) -> Bytes {
        if copies.capacity() < data.len() && !copies.try_reclaim(data.len()) {
            *copies = BytesMut::with_capacity(SHARED.max(data.len()));
        }
        copies.extend_from_slice(data);
        copies.split().freeze()
    }
}

fn open(family: Domain, settings: SocketSettings, options: MulticastOptions) -> io::Result<Socket> {
    let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if family == Domain::IPV4 {
        socket.set_multicast_ttl_v4(options.time_to_live.into())?;
        socket.set_multicast_loop_v4(options.loopback)?;
    } else {
        socket.set_multicast_hops_v6(options.time_to_live.into())?;
        socket.set_multicast_loop_v6(options.loopback)?;
    }
    // Only recvmmsg tells where joined datagrams are to be taken apart.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if settings.may_use(Feature::UdpGro) && settings.may_use(Feature::Recvmmsg) {
        // A kernel without it delivers datagrams one by one.
        let _ =
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::UdpGroSegment, &true);
    }
    Ok(socket)
}

impl SysDatagram {
    pub(super) fn bind(
        local: SocketAddr,
        settings: SocketSettings,
        options: MulticastOptions,
        scratch: &Rc<RefCell<Scratch>>,
        registry: &Rc<Registry>,
        token: mio::Token,
    ) -> io::Result<Self> {
        let socket = open(Domain::for_address(local), settings, options)?;
        // A port that the system chooses must be one that nobody has; it can be shared from then on.
        let shares_first = settings.reuse_port && local.port() != 0;
        if shares_first {
            super::reuse_port(&socket)?;
        }
        socket.bind(&SockAddr::from(local))?;
        if settings.reuse_port && !shares_first {
            super::reuse_port(&socket)?;
        }
        Self::watched(socket, settings, scratch, registry, token)
    }

    pub(super) fn connect(
        peer: SocketAddr,
        settings: SocketSettings,
        options: MulticastOptions,
        scratch: &Rc<RefCell<Scratch>>,
        registry: &Rc<Registry>,
        token: mio::Token,
    ) -> io::Result<Self> {
        let socket = open(Domain::for_address(peer), settings, options)?;
        bind_to_random_port(&socket, peer)?;
        socket.connect(&SockAddr::from(peer))?;
        Self::watched(socket, settings, scratch, registry, token)
    }

    fn watched(
        socket: Socket,
        settings: SocketSettings,
        scratch: &Rc<RefCell<Scratch>>,
        registry: &Rc<Registry>,
        token: mio::Token,
    ) -> io::Result<Self> {
        let mut socket = mio::net::UdpSocket::from_std(socket.into());
        registry.register(&mut socket, token, Interest::READABLE)?;
        let (scratch, registry) = (Rc::clone(scratch), Rc::clone(registry));
        Ok(Self {
            socket,
            scratch,
            registry,
            token,
            watches_room: false,
            batches: cfg!(any(target_os = "linux", target_os = "android"))
                && settings.may_use(Feature::Recvmmsg),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            expected: 2,
        })
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn receive_batch(&mut self, into: &mut DatagramBuffers) -> io::Result<bool> {
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { buffers, copies } = &mut *scratch;
        buffers.resize_with(BATCH, || vec![0; MAX_DATAGRAM]);
        let asked = self.expected;
        let filled = batch::receive(&self.socket, &mut buffers[..asked], |data, each, from| {
            let mut data = Scratch::copy(copies, data);
            while each > 0 && data.len() > each {
                into.received.push_back((data.split_to(each), from));
            }
            into.received.push_back((data, from));
        })?;
        self.expected = (2 * filled).clamp(2, BATCH);
        Ok(filled < asked)
    }

    /// After a send that found no room.
    fn watch_room(&mut self) -> io::Result<()> {
        if !self.watches_room {
            let both = Interest::READABLE | Interest::WRITABLE;
            self.registry.reregister(&mut self.socket, self.token, both)?;
            self.watches_room = true;
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

impl Datagram for SysDatagram {
    fn receive(&mut self, into: &mut DatagramBuffers) -> io::Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.batches {
            return self.receive_batch(into);
        }
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { buffers, copies } = &mut *scratch;
        if buffers.is_empty() {
            buffers.push(vec![0; MAX_DATAGRAM]);
        }
        let (len, from) = retrying(|| self.socket.recv_from(&mut buffers[0]))?;
        into.received.push_back((Scratch::copy(copies, &buffers[0][..len]), from));
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
                self.watch_room()?;
                Err(error)
            }
            sent => sent.map(|_| ()),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn send_equal(&mut self, data: &[u8], each: u16, to: SocketAddr) -> io::Result<()> {
        use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
        use std::os::fd::AsRawFd;

        let (to, blocks) = (SockaddrStorage::from(to), [io::IoSlice::new(data)]);
        let segments = [ControlMessage::UdpGsoSegments(&each)];
        let flags = MsgFlags::MSG_NOSIGNAL;
        sendmsg(self.socket.as_raw_fd(), &blocks, &segments, flags, Some(&to))?;
        Ok(())
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn join(&mut self, group: IpAddr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.socket().join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(group) => self.socket().join_multicast_v6(&group, 0),
        }
    }

    fn leave(&mut self, group: IpAddr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.socket().leave_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(group) => self.socket().leave_multicast_v6(&group, 0),
        }
    }

    fn set_broadcast(&mut self, on: bool) -> io::Result<()> {
        self.socket().set_broadcast(on)
    }
}

/// recvmmsg, which no library offers in a form that can be used again and again: its lengths must be
/// set anew for each call.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod batch {
    use std::io;
    use std::mem::{MaybeUninit, size_of};
    use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
    use std::os::fd::AsRawFd;
    use std::ptr;

    use super::BATCH;

    /// Room for the one control message that is asked for: UDP_GRO, an int.
    type Control = [u64; 4];

    /// Receives what is waiting into `buffers`, at most one for each and a batch; `each` gets the bytes,
    /// the size of the datagrams they consist of, and their sender. How many buffers were filled.
    pub(super) fn receive(
        socket: &impl AsRawFd,
        buffers: &mut [Vec<u8>],
        mut each: impl FnMut(&[u8], usize, SocketAddr),
    ) -> io::Result<usize> {
        let mut names = [const { MaybeUninit::<libc::sockaddr_storage>::uninit() }; BATCH];
        let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH];
        let mut blocks = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
        let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH];
        for (i, buffer) in buffers.iter_mut().enumerate().take(BATCH) {
            let block = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            // SAFETY: all zeros is a value of this struct: no name, no blocks, no control messages.
            let message = messages[i].write(unsafe { std::mem::zeroed() });
            let header = &mut message.msg_hdr;
            header.msg_name = names[i].as_mut_ptr().cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = blocks[i].write(block);
            header.msg_iovlen = 1;
            header.msg_control = controls[i].as_mut_ptr().cast();
            header.msg_controllen = size_of::<Control>() as _;
        }
        let (fd, count) = (socket.as_raw_fd(), buffers.len().min(BATCH) as libc::c_uint);
        let (flags, no_time) = (libc::MSG_DONTWAIT as _, ptr::null_mut());
        // SAFETY: `count` headers were written; they point to memory that lives until this function
        // returns, and say its size.
        let received =
            unsafe { libc::recvmmsg(fd, messages.as_mut_ptr().cast(), count, flags, no_time) };
        let Ok(received) = usize::try_from(received) else {
            return Err(io::Error::last_os_error());
        };
        for (message, buffer) in messages.iter().zip(buffers.iter()).take(received) {
            // SAFETY: it was written above.
            let message = unsafe { message.assume_init_ref() };
            let data = &buffer[..(message.msg_len as usize).min(buffer.len())];
            // SAFETY: the system has filled in this header, its name and its control messages.
            let (from, joined) = unsafe { (sender(&message.msg_hdr), joined(&message.msg_hdr)) };
            if let Some(from) = from {
                each(data, joined.unwrap_or(data.len()), from);
            }
        }
        Ok(received)
    }

    /// # Safety
    /// The header was filled in by the system, and what it points to is alive.
    unsafe fn sender(header: &libc::msghdr) -> Option<SocketAddr> {
        // SAFETY: a name begins with its family, which tells the struct; both fit into the storage.
        unsafe {
            match libc::c_int::from((*header.msg_name.cast::<libc::sockaddr_storage>()).ss_family) {
                libc::AF_INET => {
                    let v4 = header.msg_name.cast::<libc::sockaddr_in>().read();
                    let ip = u32::from_be(v4.sin_addr.s_addr).into();
                    Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
                }
                libc::AF_INET6 => {
                    let v6 = header.msg_name.cast::<libc::sockaddr_in6>().read();
                    let (ip, port) = (v6.sin6_addr.s6_addr.into(), u16::from_be(v6.sin6_port));
                    Some(SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into())
                }
                _ => None,
            }
        }
    }

    /// The size of the datagrams that the system has joined, if it has.
    ///
    /// # Safety
    /// The header was filled in by the system, and what it points to is alive.
    unsafe fn joined(header: &libc::msghdr) -> Option<usize> {
        // SAFETY: the macros walk the control messages within the length that the system has set.
        unsafe {
            let mut control = libc::CMSG_FIRSTHDR(header);
            while let Some(message) = control.as_ref() {
                if message.cmsg_level == libc::SOL_UDP && message.cmsg_type == libc::UDP_GRO {
                    let size = libc::CMSG_DATA(message).cast::<libc::c_int>().read_unaligned();
                    return usize::try_from(size).ok();
                }
                control = libc::CMSG_NXTHDR(header, message);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// udp.md 6.2: a send that found no room is carried out once there is some.
    #[test]
    fn room_to_send_is_told_once_it_was_missed() {
        let mut poll = mio::Poll::new().unwrap();
        let registry = Rc::new(poll.registry().try_clone().unwrap());
        let options = MulticastOptions { time_to_live: 1, loopback: true };
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let token = mio::Token(7);
        let mut socket = SysDatagram::bind(
            local,
            SocketSettings::default(),
            options,
            &Rc::default(),
            &registry,
            token,
        )
        .unwrap();
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "room is not told unasked");
        socket.watch_room().unwrap();
        poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
        assert!(events.iter().any(|event| event.is_writable()), "room is told");
    }
}
