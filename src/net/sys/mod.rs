//! The real network: mio and socket2 behind the traits of this layer; the only maker of sockets.
//!
//! Every descriptor is non-blocking and close-on-exec, no write raises SIGPIPE, and readiness is edge-triggered.
//! A socket is registered when it is made, an accepted one when it has to wait first; room to write
//! may be asked for later. Closing a descriptor ends its registration, so none is undone by hand.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod addresses;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod batch;
mod datagram;
mod transfer;
mod waiting;

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use mio::{Interest, Registry, event::Source, unix::SourceFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::{Listener, MAX_LANES, MulticastOptions, Network, SocketSettings, Stream, Token};
use datagram::{Scratch, SysDatagram};

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use addresses::ipv4_addresses;
pub(crate) use waiting::Waiting;

/// Elsewhere the C library tells them right.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn ipv4_addresses() -> io::Result<Vec<(std::net::Ipv4Addr, u8, String)>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) const SOMAXCONN: i32 = libc::SOMAXCONN;

/// Keep-alive of a fresh connection, in seconds (tcp.md KA-5).
const DEFAULT_KEEP_ALIVE: u64 = 45;
/// Blocks gathered into one system call; well below IOV_MAX everywhere.
const MAX_BLOCKS: usize = 16;

/// Sockets of one app, registered with its reactor's poll.
#[derive(Debug)]
pub(crate) struct SysNetwork {
    registry: Rc<Registry>,
    /// Distinguishes this app's tokens from those of others on the same reactor.
    slot: u32,
    settings: SocketSettings,
    scratch: Rc<RefCell<Scratch>>,
}

/// Bits of a `mio::Token`: 31 for the owner and its sign, 12 for the lane, the rest for the slot.
const OWNER_BITS: u32 = 32;
const LANE_BITS: u32 = 12;
const _: () = assert!(MAX_LANES == 1 << LANE_BITS);

/// Slots a token can tell apart.
pub(crate) const MAX_SLOTS: u32 = 1 << (usize::BITS - OWNER_BITS - LANE_BITS);

/// The token of a reactor's own waker: no owner is 0.
pub(crate) const WAKER: mio::Token = mio::Token(0);

fn pack(slot: u32, token: Token) -> mio::Token {
    let lane = usize::from(token.lane) & ((1 << LANE_BITS) - 1);
    let owner = token.owner as u32 as usize;
    mio::Token((slot as usize) << (OWNER_BITS + LANE_BITS) | lane << OWNER_BITS | owner)
}

/// The slot and token that an event is about.
fn unpack(token: mio::Token) -> (u32, Token) {
    let slot = (token.0 >> (OWNER_BITS + LANE_BITS)) as u32;
    let lane = (token.0 >> OWNER_BITS) & ((1 << LANE_BITS) - 1);
    (slot, Token { owner: token.0 as u32 as i32, lane: lane as u16 })
}

/// Watches the other end of a stream that is no socket of an app: no owner is 0.
pub(crate) fn watch(registry: &Registry, stream: BorrowedFd<'_>, slot: u32) -> io::Result<()> {
    let token = pack(slot, Token { owner: 0, lane: 0 });
    registry.register(&mut SourceFd(&stream.as_raw_fd()), token, Interest::READABLE)
}

/// Whether that other end is closed.
pub(crate) fn has_ended(stream: BorrowedFd<'_>) -> bool {
    is(&stream, ENDED).unwrap_or(false)
}

/// Whether an event is about such a stream.
pub(crate) fn is_watched(token: Token) -> bool {
    token.owner == 0
}

/// What a source can report that is read from.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READING: Interest = Interest::READABLE.add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READING: Interest = Interest::READABLE;
/// Everything a source can report.
const INTEREST: Interest = READING.add(Interest::WRITABLE);

impl SysNetwork {
    pub(crate) fn new(registry: Rc<Registry>, slot: u32, settings: SocketSettings) -> Self {
        Self { registry, slot, settings, scratch: Rc::default() }
    }

    fn register(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        self.registry.register(source, pack(self.slot, token), INTEREST)
    }
}

fn new_socket(address: SocketAddr) -> io::Result<Socket> {
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

/// Lets other sockets that allow it too have the same address; the system spreads what comes over them.
/// Elsewhere than on Linux the option has another meaning, or none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reuse_port(_: &Socket) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// Whether this system can.
pub(super) fn try_to_reuse_port() -> io::Result<()> {
    reuse_port(&new_socket(SocketAddr::from(([127, 0, 0, 1], 0)))?)
}

/// Options of a fresh connection; on Linux a listener hands them to what it accepts.
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

impl Network for SysNetwork {
    type Stream = SysStream;
    type Listener = SysListener;
    type Datagram = SysDatagram;

    fn connect(&mut self, peer: SocketAddr, token: Token) -> io::Result<SysStream> {
        let socket = new_socket(peer)?;
        set_defaults(&SockRef::from(&socket))?;
        match socket.connect(&SockAddr::from(peer)) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        let mut stream = SysStream(mio::net::TcpStream::from_std(socket.into()));
        self.register(&mut stream.0, token)?;
        Ok(stream)
    }

    fn listen(&mut self, local: SocketAddr, backlog: i32, token: Token) -> io::Result<SysListener> {
        let socket = new_socket(local)?;
        socket.set_reuse_address(true)?;
        if self.settings.reuse_port {
            reuse_port(&socket)?;
        }
        socket.bind(&SockAddr::from(local))?;
        set_defaults(&SockRef::from(&socket))?;
        socket.listen(backlog)?;
        let mut listener = SysListener(mio::net::TcpListener::from_std(socket.into()));
        self.register(&mut listener.0, token)?;
        Ok(listener)
    }

    fn watch(&mut self, stream: &mut SysStream, token: Token) -> io::Result<()> {
        self.registry.register(&mut stream.0, pack(self.slot, token), READING)
    }

    fn rewatch(&mut self, stream: &mut SysStream, token: Token) -> io::Result<()> {
        let again = self.registry.reregister(&mut stream.0, pack(self.slot, token), INTEREST);
        match again {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.register(&mut stream.0, token)
            }
            result => result,
        }
    }

    fn bind(
        &mut self,
        local: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SysDatagram> {
        let token = pack(self.slot, token);
        SysDatagram::bind(local, self.settings, options, &self.scratch, &self.registry, token)
    }

    fn connect_datagram(
        &mut self,
        peer: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SysDatagram> {
        let token = pack(self.slot, token);
        SysDatagram::connect(peer, self.settings, options, &self.scratch, &self.registry, token)
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn calendar_time(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// Runs what starts a thread of ours: it inherits that the host's signals stay away.
pub(crate) fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both calls only write to the places that they are given, and read a set that is filled.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let started = start();
    // SAFETY: the first call has filled the set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    started
}

/// Names of the interfaces that are up, have a carrier and are not loopback.
pub(super) fn usable_interfaces() -> io::Result<Vec<String>> {
    use nix::net::if_::InterfaceFlags as Flags;
    let mut wanted = Flags::IFF_UP | Flags::IFF_RUNNING;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        wanted |= Flags::IFF_LOWER_UP;
    }
    let all = nix::ifaddrs::getifaddrs()?;
    Ok(all
        .filter(|entry| entry.flags.contains(wanted) && !entry.flags.contains(Flags::IFF_LOOPBACK))
        .map(|entry| entry.interface_name)
        .collect())
}

/// IPv6 addresses that are tentative, duplicate or optimistic, where the system tells.
pub(super) fn unsettled_addresses() -> Vec<IpAddr> {
    const OPTIMISTIC_FAILED_OR_TENTATIVE: u32 = 0x04 | 0x08 | 0x40;
    let table = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let unsettled = table.lines().filter_map(|line| {
        // Address, index, prefix length, scope, flags, name: hexadecimal but for the name.
        let mut fields = line.split_ascii_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        (flags & OPTIMISTIC_FAILED_OR_TENTATIVE != 0).then(|| IpAddr::V6(address.into()))
    });
    unsettled.collect()
}

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct SysStream(mio::net::TcpStream);

impl SysStream {
    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.0)
    }
}

impl Stream for SysStream {
    #[inline(always)]
    fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize> {
        buffer.reserve(max);
        let spare = &mut buffer.spare_capacity_mut()[..max];
        let n = transfer::receive(&self.0, spare)?;
        // SAFETY: recv has initialised the first n bytes of the spare capacity.
        unsafe { buffer.set_len(buffer.len() + n) };
        Ok(n)
    }

    #[inline]
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        transfer::send(&self.0, data)
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
        self.0.local_addr()
    }

    fn peer_address(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }

    fn set_no_delay(&mut self, on: bool) -> io::Result<()> {
        self.socket().set_tcp_nodelay(on)
    }

    fn peer_has_ended(&self) -> bool {
        is(&self.0, ENDED).unwrap_or(false)
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

/// Whether `poll` says at this moment that any of these is the case.
fn is(source: &impl AsFd, events: PollFlags) -> io::Result<bool> {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let found = poll(&mut [PollFd::new(source, events)], Some(&at_once))?;
    Ok(found > 0)
}

/// What `poll` says of a stream whose peer has ended its sending side; of one that broke, it says so unasked.
#[cfg(any(target_os = "linux", target_os = "android"))]
const ENDED: PollFlags = PollFlags::RDHUP;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const ENDED: PollFlags = PollFlags::empty();

/// A listening TCP socket.
#[derive(Debug)]
pub(crate) struct SysListener(mio::net::TcpListener);

impl Listener for SysListener {
    type Stream = SysStream;

    fn accept(&mut self) -> io::Result<(SysStream, SocketAddr)> {
        let (stream, peer) = retrying(|| self.0.accept())?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        set_defaults(&SockRef::from(&stream))?;
        Ok((SysStream(stream), peer))
    }

    fn has_more(&self) -> bool {
        // If that cannot be told, the next accept tells.
        is(&self.0, PollFlags::IN).unwrap_or(true)
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Apple systems have SO_NOSIGPIPE instead, which socket2 sets on every socket.
#[cfg(target_vendor = "apple")]
pub(super) const NO_SIGNAL: i32 = 0;
#[cfg(not(target_vendor = "apple"))]
pub(super) const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;

fn retrying<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
