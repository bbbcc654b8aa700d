//! Test only: a network in memory that several engines share, with a clock moved by hand.
//!
//! Behaves like a kernel where a program can tell: bounded buffers, end of stream, reset (also by
//! closing with unread bytes), half-close, edge-triggered readiness, a backlog. Streams can also
//! follow a script. Datagrams are in `air`. Every system call of a watched socket is logged as text.

mod air;
mod world;

use std::cell::{Ref, RefCell, RefMut};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::api::properties::NetworkInterface;
use crate::net::{Listener, MulticastOptions, Network, Ready, Started, Stream, Token};
pub(super) use air::SimDatagram;
use world::{Source, Watched, World, os};

/// The host whose ends the test itself holds; they get no events.
pub(super) const TEST: usize = usize::MAX;

/// Everything became ready.
pub(super) const ALL: Ready = Ready::WRITABLE.and(Ready::READABLE).and(Ready::READ_CLOSED);
/// How an address answers connection attempts.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// As whoever listens there; refused if nobody does.
    Normal,
    /// The attempt ends with this errno.
    Fails(i32),
    /// The attempt is refused by the system call itself.
    FailsAtOnce(i32),
    /// The attempt panics.
    Panics,
    /// No answer.
    Silent,
    /// That answer, but only after a while.
    After(Duration, Box<Place>),
    /// Connected to a script: results of reads, results of writes.
    Script(Vec<Step>, Vec<Step>),
}

/// The result of one read or write of a scripted stream. Without a step left, reads block and
/// writes take everything.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Read: these bytes (the rest later, if the buffer is smaller).
    Data(&'static [u8]),
    /// Read: end of stream.
    End,
    /// Write: at most that many bytes are taken.
    Take(usize),
    /// `WouldBlock`.
    Block,
    /// This errno.
    Fail(i32),
    /// A panic; of a read, after these bytes were put into the buffer.
    Panic(&'static [u8]),
}

/// The network; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Sim(Rc<RefCell<World>>);

/// A small generator of numbers, the same on every machine (xorshift).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % bound as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }
}

impl Sim {
    pub(super) fn new() -> Self {
        Self(Rc::new(RefCell::new(World::new())))
    }

    pub(super) fn world(&self) -> RefMut<'_, World> {
        self.0.borrow_mut()
    }

    fn look(&self) -> Ref<'_, World> {
        self.0.borrow()
    }

    /// The network as one engine sees it.
    pub(super) fn network(&self, host: usize) -> SimNetwork {
        let sim = self.clone();
        SimNetwork { sim, host }
    }

    /// From now on this address answers so.
    pub(super) fn place(&self, address: &str, place: Place) {
        let address = address.parse().unwrap();
        self.world().places.insert(address, place);
    }

    /// The test listens there; `accept` gives what comes.
    pub(super) fn serve(&self, address: &str) {
        self.world().open_port(TEST, address.parse().unwrap(), 128, None).unwrap();
    }

    /// Connections that have come to the test, oldest first.
    pub(super) fn accept(&self) -> Vec<SimStream> {
        let mut world = self.world();
        let ports = world.ports.iter_mut().filter(|port| port.host == TEST);
        let mut ends: Vec<usize> = ports.flat_map(|port| port.waiting.drain(..)).collect();
        ends.sort_unstable();
        let sim = || self.clone();
        let stream = |end| SimStream { sim: sim(), end };
        ends.into_iter().map(stream).collect()
    }

    /// The test connects to a listener.
    pub(super) fn dial(&self, address: &str) -> SimStream {
        let end = self.world().start_connect(TEST, None, address.parse().unwrap());
        let sim = self.clone();
        SimStream { sim, end }
    }

    /// Moves the clock; attempts that were to be answered by then are.
    pub(super) fn advance(&self, by: Duration) {
        let mut world = self.world();
        world.now += by;
        let now = world.now;
        let (due, later) =
            std::mem::take(&mut world.due).into_iter().partition(|(at, ..)| *at <= now);
        world.due = later;
        for (_, end, place) in due {
            world.answer(end, place);
        }
    }

    /// Certificates are checked for this time, since 1970.
    pub(super) fn set_calendar_time(&self, time: Duration) {
        self.world().calendar_time = time;
    }

    /// The events of a host since the last time.
    pub(super) fn take_ready(&self, host: usize) -> Vec<(Token, Ready)> {
        let mut world = self.world();
        let (own, others) =
            std::mem::take(&mut world.ready).into_iter().partition(|(_, whose, ..)| *whose == host);
        world.ready = others;
        let own: Vec<(Source, usize, Token, Ready)> = own;
        own.into_iter().map(|(.., t, r)| (t, r)).collect()
    }

    /// The logged system calls since the last time.
    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world().calls)
    }

    /// From now on every connection holds so many bytes each way.
    pub(super) fn widen(&self, capacity: usize) {
        let mut world = self.world();
        world.buffer = capacity;
        world.ends.iter_mut().for_each(|end| end.capacity = capacity);
    }

    /// No trouble from now on.
    pub(super) fn heal(&self) {
        let mut world = self.world();
        world.stutter = None;
        world.fail_connect.clear();
        world.fail_accept.clear();
        world.fail_watch.clear();
    }

    /// Breaks one of the live connections.
    pub(super) fn break_one(&self, random: &mut Random) {
        let mut world = self.world();
        let ends = world.ends.iter().enumerate();
        let live: Vec<usize> =
            ends.filter(|(_, e)| e.connected && !e.gone).map(|(i, _)| i).collect();
        if live.is_empty() {
            return;
        }
        let end = live[random.below(live.len())];
        let errno = [libc::ECONNRESET, libc::ETIMEDOUT, libc::EPIPE][random.below(3)];
        for end in [Some(end), world.ends[end].other].into_iter().flatten() {
            if !world.ends[end].gone {
                world.break_off(end, errno);
            }
        }
    }

    /// Live streams of a host: those of sockets, and those that only drain.
    pub(super) fn live_streams(&self, host: usize) -> (usize, usize) {
        let world = self.look();
        let waits = |end: &usize| world.ports.iter().any(|port| port.waiting.contains(end));
        let accepted = world.ends.iter().enumerate().filter(|(index, _)| !waits(index));
        let live = accepted.map(|(_, end)| end).filter(|e| e.host == host && !e.gone);
        let drains = |end: &&world::End| end.token.is_some_and(|token| token.owner < 0);
        let (draining, owned): (Vec<_>, Vec<_>) = live.partition(drains);
        (owned.len(), draining.len())
    }

    /// Live streams of a host that it is told about.
    pub(super) fn watched_streams(&self, host: usize) -> usize {
        let world = self.look();
        world.ends.iter().filter(|e| e.host == host && !e.gone && e.token.is_some()).count()
    }

    /// Live listeners of a host.
    pub(super) fn live_listeners(&self, host: usize) -> usize {
        let world = self.look();
        let live = world.ports.iter().filter(|p| p.host == host && !p.gone);
        live.count()
    }
}

/// One engine's view of the network.
#[derive(Debug)]
pub(super) struct SimNetwork {
    sim: Sim,
    host: usize,
}

impl Network for SimNetwork {
    type Stream = SimStream;
    type Datagram = SimDatagram;
    type Listener = SimListener;

    fn connect(&mut self, peer: SocketAddr, token: Token) -> io::Result<Started<SimStream>> {
        let mut world = self.sim.world();
        let Token { owner, lane } = token;
        world.calls.push(format!("{owner} connect {peer} #{lane}"));
        let at_once = match world.places.get(&peer) {
            Some(Place::FailsAtOnce(errno)) => Some(*errno),
            Some(Place::Panics) => {
                drop(world);
                panic!("scripted panic in connect");
            }
            _ => None,
        };
        if let Some(errno) = world.fail_connect.pop_front().or(at_once) {
            return os(errno);
        }
        let is_watched = !world.is_prompt;
        let end = world.start_connect(self.host, is_watched.then_some(token), peer);
        Ok(Started { stream: SimStream { sim: self.sim.clone(), end }, is_watched })
    }

    fn listen(&mut self, local: SocketAddr, backlog: i32, token: Token) -> io::Result<SimListener> {
        let mut world = self.sim.world();
        let owner = token.owner;
        world.calls.push(format!("{owner} listen {local} backlog {backlog}"));
        if let Some(errno) = world.fail_listen.pop_front() {
            return os(errno);
        }
        let port = world.open_port(self.host, local, backlog, Some(token))?;
        let sim = self.sim.clone();
        Ok(SimListener { sim, port })
    }

    fn watch(&mut self, stream: &mut SimStream, token: Token) -> io::Result<()> {
        self.sim.world().watch(stream.end, token, Watched::Reading)
    }

    fn rewatch(&mut self, stream: &mut SimStream, token: Token) -> io::Result<()> {
        self.sim.world().watch(stream.end, token, Watched::All)
    }

    fn set_low_water(&mut self, stream: &mut SimStream, bytes: usize) -> io::Result<()> {
        self.sim.world().set_low_water(stream.end, bytes)
    }

    fn bind(
        &mut self,
        local: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SimDatagram> {
        self.sim.bind_datagram(self.host, local, options, token)
    }

    fn connect_datagram(
        &mut self,
        peer: SocketAddr,
        options: MulticastOptions,
        token: Token,
    ) -> io::Result<SimDatagram> {
        self.sim.connect_datagram(self.host, peer, options, token)
    }

    fn interfaces(&mut self) -> io::Result<Vec<NetworkInterface>> {
        if let Some(errno) = self.sim.world().fail_interfaces.pop_front() {
            return os(errno);
        }
        let (name, address) = (c"eth0".into(), c"10.9.9.9".into());
        Ok(vec![NetworkInterface { name, address, prefix_length: 24 }])
    }

    fn now(&self) -> Instant {
        self.sim.look().now
    }

    fn calendar_time(&self) -> Duration {
        self.sim.look().calendar_time
    }
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct SimListener {
    sim: Sim,
    port: usize,
}

impl Listener for SimListener {
    type Stream = SimStream;

    fn accept(&mut self) -> io::Result<(SimStream, SocketAddr)> {
        let mut world = self.sim.world();
        match world.fail_accept.pop_front() {
            None | Some(0) => {}
            Some(errno) => return os(errno),
        }
        let Some(end) = world.ports[self.port].waiting.pop_front() else {
            return os(libc::EAGAIN);
        };
        let sim = self.sim.clone();
        Ok((SimStream { sim, end }, world.ends[end].peer))
    }

    fn has_more(&self) -> bool {
        !self.sim.look().ports[self.port].waiting.is_empty()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.sim.look().ports[self.port].address)
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut world = self.sim.world();
        world.ports[self.port].gone = true;
        for end in std::mem::take(&mut world.ports[self.port].waiting) {
            world.reset(end);
        }
        let source = Source::Port(self.port);
        world.ready.retain(|entry| entry.0 != source);
    }
}

/// One end of a connection; the test's own peers are such ends too.
#[derive(Debug)]
pub(super) struct SimStream {
    sim: Sim,
    end: usize,
}

impl SimStream {
    /// Everything that is there, read in one go; and how the stream stands after it.
    pub(super) fn take(&mut self) -> (Vec<u8>, &'static str) {
        let mut all = Vec::new();
        loop {
            match self.sim.world().read(self.end, usize::MAX) {
                Ok(data) if data.is_empty() => return (all, "end"),
                Ok(data) => all.extend(data),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (all, "open"),
                Err(_) => return (all, "reset"),
            }
        }
    }

    /// Closes with a reset, whatever is unread.
    pub(super) fn reset(self) {
        self.sim.world().reset(self.end);
    }

    /// The connection breaks with this errno on this side only, as by a time-out.
    pub(super) fn break_other_side(&mut self, errno: i32) {
        let mut world = self.sim.world();
        let other = world.ends[self.end].other.unwrap();
        world.break_off(other, errno);
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let mut world = self.sim.world();
        if !world.ends[self.end].gone {
            world.close_end(self.end);
        }
    }
}

/// How a call is logged: its number, `blocked`, or the errno.
fn shown(result: &io::Result<usize>) -> String {
    match result {
        Ok(number) => number.to_string(),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => "blocked".into(),
        Err(error) => format!("errno {}", error.raw_os_error().unwrap_or(0)),
    }
}

impl Stream for SimStream {
    fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize> {
        let mut world = self.sim.world();
        if let Some((reads, _)) = &mut world.ends[self.end].script
            && let Some(Step::Panic(data)) = reads.front()
        {
            buffer.extend_from_slice(data);
            reads.pop_front();
            drop(world);
            panic!("scripted panic in read");
        }
        let read = world.read(self.end, max).map(|data| {
            buffer.extend_from_slice(&data);
            data.len()
        });
        world.log(self.end, "read", max, shown(&read));
        read
    }

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        let mut world = self.sim.world();
        let written = world.write(self.end, data);
        world.log(self.end, "write", data.len(), shown(&written));
        written
    }

    fn write_blocks(&mut self, blocks: &[Bytes]) -> io::Result<usize> {
        let mut world = self.sim.world();
        let lengths: Vec<_> = blocks.iter().map(|b| b.len().to_string()).collect();
        let written = world.write(self.end, &blocks.concat());
        world.log(self.end, "write", lengths.join("+"), shown(&written));
        written
    }

    fn shut_down_write(&mut self) -> io::Result<()> {
        let mut world = self.sim.world();
        world.log(self.end, "shutdown", "write", 0);
        world.end_sending(self.end);
        Ok(())
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        let error = self.sim.world().ends[self.end].error.take();
        Ok(error.map(io::Error::from_raw_os_error))
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.sim.look().ends[self.end].local)
    }

    fn peer_address(&self) -> io::Result<SocketAddr> {
        let mut world = self.sim.world();
        match world.fail_peer_address.pop_front() {
            Some(errno) => os(errno),
            None if world.ends[self.end].connected => Ok(world.ends[self.end].peer),
            None => os(libc::ENOTCONN),
        }
    }

    fn set_no_delay(&mut self, on: bool) -> io::Result<()> {
        self.sim.world().set_option(self.end, "noDelay", on)
    }

    fn unacknowledged(&self) -> usize {
        let world = self.sim.look();
        let other = world.ends[self.end].other.filter(|_| world.acknowledges_late);
        other.map_or(0, |other| world.ends[other].input.len())
    }

    fn peer_has_ended(&self) -> bool {
        let end = &self.sim.look().ends[self.end];
        end.input_ended || end.error.is_some() || !end.connected
    }

    fn set_keep_alive(&mut self, on: bool, delay: i32) -> io::Result<()> {
        let value = format!("{on} {delay}");
        self.sim.world().set_option(self.end, "keepAlive", value)
    }
}
