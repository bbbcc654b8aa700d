//! TCP connections and listeners.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mio::Registry;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::{NO_SIGNAL, SysNetwork, retrying, reuse_port, share::Share, transfer};
use crate::net::{Listener, Stream, Token};

/// Keep-alive of a fresh connection, in seconds (tcp.md KA-5).
const DEFAULT_KEEP_ALIVE: u64 = 45;
/// Blocks gathered into one system call; well below IOV_MAX everywhere.
const MAX_BLOCKS: usize = 16;

pub(super) fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let (domain, protocol) = (Domain::for_address(address), Some(Protocol::TCP));
    // Systems without the flag take further calls.
    #[cfg(not(target_vendor = "apple"))]
    return Socket::new(domain, Type::STREAM.nonblocking(), protocol);
    #[cfg(target_vendor = "apple")]
    {
        let socket = Socket::new(domain, Type::STREAM, protocol)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// Options of a fresh connection.
fn set_defaults(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    set_keep_alive(socket, Duration::from_secs(DEFAULT_KEEP_ALIVE))
}

fn set_keep_alive(socket: &SockRef<'_>, period: Duration) -> io::Result<()> {
    let keep_alive = TcpKeepalive::new().with_time(period);
    #[cfg(not(target_vendor = "apple"))]
    let keep_alive = keep_alive.with_interval(period);
    socket.set_tcp_keepalive(&keep_alive)
}

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct SysStream {
    pub(super) socket: mio::net::TcpStream,
    _share: Share,
}

impl SysStream {
    /// Starts a connection attempt.
    pub(super) fn connect(peer: SocketAddr, share: Share) -> io::Result<Self> {
        let socket = new_socket(peer)?;
        set_defaults(&SockRef::from(&socket))?;
        match socket.connect(&SockAddr::from(peer)) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        Ok(Self { socket: mio::net::TcpStream::from_std(socket.into()), _share: share })
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }
}

impl Stream for SysStream {
    #[inline(always)]
    fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize> {
        let Some(spare) = buffer.spare_capacity_mut().get_mut(..max) else {
            buffer.reserve(max);
            return self.read(buffer, max);
        };
        let n = transfer::receive(&self.socket, spare)?;
        // SAFETY: recv has initialised the first n bytes of the spare capacity.
        unsafe { buffer.set_len(buffer.len() + n) };
        Ok(n)
    }

    #[inline]
    fn write(&self, data: &[u8]) -> io::Result<usize> {
        transfer::send(&self.socket, data)
    }

    fn write_blocks(&mut self, blocks: &[Bytes]) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MAX_BLOCKS];
        let mut used = 0;
        for block in blocks.iter().take(MAX_BLOCKS) {
            slices[used] = IoSlice::new(block.chunk());
            used += 1;
        }
        retrying(|| self.socket().send_vectored_with_flags(&slices[..used], NO_SIGNAL))
    }

    fn shut_down_write(&mut self) -> io::Result<()> {
        self.socket().shutdown(std::net::Shutdown::Write)
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        self.socket().take_error()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn peer_address(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }

    fn set_no_delay(&mut self, on: bool) -> io::Result<()> {
        self.socket().set_tcp_nodelay(on)
    }

    fn unacknowledged(&self) -> usize {
        unacknowledged(&self.socket)
    }

    fn peer_has_ended(&self) -> bool {
        has_ended(&self.socket)
    }

    fn set_keep_alive(&mut self, on: bool, delay: i32) -> io::Result<()> {
        self.socket().set_keepalive(on)?;
        if !on || delay == 0 {
            return Ok(());
        }
        let seconds =
            u64::try_from(delay).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        set_keep_alive(&self.socket(), Duration::from_secs(seconds))
    }
}

/// A listening TCP socket.
#[derive(Debug)]
pub(crate) struct SysListener {
    socket: mio::net::TcpListener,
    registry: Rc<Registry>,
    share: Share,
}

impl SysListener {
    /// Listens at an address, which other apps may have too if that is wanted.
    pub(super) fn listen(
        net: &SysNetwork,
        local: SocketAddr,
        backlog: i32,
        token: Token,
    ) -> io::Result<Self> {
        let share = Share::take(&net.left)?;
        let socket = new_socket(local)?;
        socket.set_reuse_address(true)?;
        if net.settings.reuse_port {
            reuse_port(&socket)?;
        }
        socket.bind(&SockAddr::from(local))?;
        set_defaults(&SockRef::from(&socket))?;
        socket.listen(backlog)?;
        let socket = mio::net::TcpListener::from_std(socket.into());
        let mut listener = Self { socket, registry: Rc::clone(&net.registry), share };
        net.register(&mut listener.socket, token)?;
        Ok(listener)
    }
}

impl Drop for SysListener {
    /// Frees the port also if a forked child that lives on has the socket, where Linux lets that be done. What is
    /// registered would stay so as well.
    fn drop(&mut self) {
        let _ = self.registry.deregister(&mut self.socket);
        let _ = SockRef::from(&self.socket).shutdown(std::net::Shutdown::Both);
    }
}

impl Listener for SysListener {
    type Stream = SysStream;

    fn accept(&mut self) -> io::Result<(SysStream, SocketAddr)> {
        // Before the system is asked: one that is accepted only to be closed would be reset.
        let share = match self.share.another() {
            Err(_) if !self.has_more() => return Err(io::ErrorKind::WouldBlock.into()),
            taken => taken?,
        };
        let (socket, peer) = accept(&self.socket)?;
        Ok((SysStream { socket, _share: share }, peer))
    }

    fn has_more(&self) -> bool {
        // If that cannot be told, the next accept tells.
        poll_now(&self.socket, PollFlags::IN).unwrap_or(true)
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// The stream comes with the options of its listener.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn accept(listener: &mio::net::TcpListener) -> io::Result<(mio::net::TcpStream, SocketAddr)> {
    retrying(|| listener.accept())
}

/// Elsewhere it may come without them. If its client is gone by now, Apple systems may have no address of it, or
/// refuse close-on-exec: mio reports both as an invalid argument.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn accept(listener: &mio::net::TcpListener) -> io::Result<(mio::net::TcpStream, SocketAddr)> {
    let (stream, peer) = retrying(|| listener.accept()).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => io::Error::from_raw_os_error(libc::ECONNABORTED),
        _ => error,
    })?;
    // Refused for a connection that is over by now, as reading it tells.
    let _ = set_defaults(&SockRef::from(&stream));
    Ok((stream, peer))
}

/// Whether `poll` says at this moment that any of these is the case.
fn poll_now(source: &impl AsFd, events: PollFlags) -> io::Result<bool> {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let found = poll(&mut [PollFd::new(source, events)], Some(&at_once))?;
    Ok(found > 0)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn unacknowledged(stream: &impl AsRawFd) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one int.
    let status = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if status == 0 { usize::try_from(bytes).unwrap_or(0) } else { 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unacknowledged(_: &mio::net::TcpStream) -> usize {
    0
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn set_low_water(stream: &impl AsRawFd, bytes: usize) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    // SAFETY: the option reads one int.
    let status = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            (&raw const bytes).cast(),
            size_of_val(&bytes) as libc::socklen_t,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn set_low_water(_: &mio::net::TcpStream, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the other side of a stream has ended its sending, or the stream is broken: `poll` says that unasked.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_ended(stream: &impl AsFd) -> bool {
    poll_now(stream, PollFlags::RDHUP).unwrap_or(false)
}

/// Elsewhere `poll` may tell only that a stream is broken, and some systems only if asked. The end of the other side's
/// sending is then found if no data waits before it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_ended(stream: &impl AsFd) -> bool {
    use rustix::io::Errno;
    use rustix::net::{RecvFlags, recv};
    let comes_next = match recv(stream, &mut [0_u8], RecvFlags::PEEK) {
        Ok((_, len)) => len == 0,
        Err(error) => !matches!(error, Errno::AGAIN | Errno::INTR),
    };
    comes_next || poll_now(stream, PollFlags::HUP).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::net::SocketSettings;

    /// Readiness may be told in vain: that is no failure, and nothing is taken for it.
    #[test]
    fn without_a_share_only_a_connection_that_waits_is_refused() {
        let poll = mio::Poll::new().unwrap();
        let registry = Rc::new(poll.registry().try_clone().unwrap());
        let settings = SocketSettings { max_open: NonZeroU32::new(1), ..SocketSettings::default() };
        let (net, token) = (SysNetwork::new(registry, 0, settings), Token { owner: 7, lane: 0 });
        let left = Rc::clone(&net.left);
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut listener = SysListener::listen(&net, local, 5, token).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let peer = std::net::TcpStream::connect(listener.local_address().unwrap()).unwrap();
        assert_eq!(listener.accept().unwrap_err().raw_os_error(), Some(libc::EMFILE));
        left.set(1);
        let (stream, from) = listener.accept().unwrap();
        assert_eq!((from, left.get()), (peer.local_addr().unwrap(), 0));
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop((stream, listener));
        assert_eq!(left.get(), 2);
    }
}
