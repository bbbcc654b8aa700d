//! Test only: the state of the network in memory, and its rules.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::air::Air;
use super::{ALL, Place, Random, Step, TEST, shown};
use crate::net::{Ready, Token};

const ENDED: Ready = Ready::READABLE.and(Ready::READ_CLOSED);

#[derive(Debug)]
pub(in crate::engine) struct World {
    pub(super) now: Instant,
    /// Since 1970.
    pub(super) calendar_time: Duration,
    pub(super) ends: Vec<End>,
    pub(super) ports: Vec<Port>,
    pub(super) places: BTreeMap<SocketAddr, Place>,
    pub(super) due: Vec<(Instant, usize, Place)>,
    pub(super) ready: Vec<(Source, usize, Token, Ready)>,
    pub(in crate::engine) air: Air,
    /// Bytes each direction of a new connection holds.
    pub(in crate::engine) buffer: usize,
    /// Bytes one write takes at most.
    pub(in crate::engine) most_per_write: usize,
    /// One-time failures of the next such calls; 0 = none.
    pub(in crate::engine) fail_connect: VecDeque<i32>,
    pub(in crate::engine) fail_listen: VecDeque<i32>,
    pub(in crate::engine) fail_watch: VecDeque<i32>,
    pub(in crate::engine) fail_option: VecDeque<i32>,
    pub(in crate::engine) fail_interfaces: VecDeque<i32>,
    pub(in crate::engine) fail_peer_address: VecDeque<i32>,
    /// A system acknowledges what its program has read, not what has arrived.
    pub(in crate::engine) acknowledges_late: bool,
    /// Failures of the next accepts; 0 = none; the waiting connections stay.
    pub(in crate::engine) fail_accept: VecDeque<i32>,
    /// Random `WouldBlock`s and short writes, each followed by a new edge.
    pub(in crate::engine) stutter: Option<Random>,
    /// Attempts are not watched when they begin, and those that can be decided are.
    pub(in crate::engine) is_prompt: bool,
    pub(super) next_port: u16,
    pub(super) calls: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    End(usize),
    Port(usize),
    Sock(usize),
}

/// What an end with a token is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    Reading,
    All,
}

/// One side of a connection.
#[derive(Debug)]
pub(super) struct End {
    pub(super) host: usize,
    pub(super) token: Option<Token>,
    pub(super) watched: Watched,
    pub(super) other: Option<usize>,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) connected: bool,
    pub(super) input: VecDeque<u8>,
    pub(super) capacity: usize,
    /// Input is worth an event from so many bytes on.
    pub(super) low_water: usize,
    /// Nothing more will come in.
    pub(super) input_ended: bool,
    /// This side has ended its sending.
    pub(super) ended: bool,
    /// Reset: nothing goes out any more.
    pub(super) broken: bool,
    pub(super) error: Option<i32>,
    /// A write found no room; room is worth an event.
    pub(super) blocked: bool,
    pub(super) gone: bool,
    pub(super) script: Option<(VecDeque<Step>, VecDeque<Step>)>,
}

#[derive(Debug)]
pub(super) struct Port {
    pub(super) host: usize,
    pub(super) token: Option<Token>,
    pub(super) address: SocketAddr,
    pub(super) backlog: i32,
    pub(super) waiting: VecDeque<usize>,
    pub(super) gone: bool,
}

pub(super) fn os<T>(errno: i32) -> io::Result<T> {
    Err(io::Error::from_raw_os_error(errno))
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: Instant::now(),
            calendar_time: Duration::from_secs(1_800_000_000),
            ends: Vec::new(),
            ports: Vec::new(),
            places: BTreeMap::new(),
            due: Vec::new(),
            ready: Vec::new(),
            air: Air::default(),
            buffer: 256 * 1024,
            most_per_write: usize::MAX,
            fail_connect: VecDeque::new(),
            fail_listen: VecDeque::new(),
            fail_watch: VecDeque::new(),
            fail_option: VecDeque::new(),
            fail_interfaces: VecDeque::new(),
            fail_peer_address: VecDeque::new(),
            acknowledges_late: false,
            fail_accept: VecDeque::new(),
            stutter: None,
            is_prompt: false,
            next_port: 50_000,
            calls: Vec::new(),
        }
    }

    pub(super) fn post(&mut self, source: Source, ready: Ready) {
        let (host, token) = match source {
            // Room alone is not told to who watches for reading.
            Source::End(end)
                if self.ends[end].watched == Watched::Reading && !ready.has(Ready::READABLE) =>
            {
                return;
            }
            Source::End(end) => (self.ends[end].host, self.ends[end].token),
            Source::Port(port) => (self.ports[port].host, self.ports[port].token),
            Source::Sock(sock) => (self.air.sockets[sock].host, self.air.sockets[sock].token),
        };
        let Some(token) = token else { return };
        let same = |entry: &&mut (Source, usize, Token, Ready)| entry.0 == source;
        match self.ready.iter_mut().find(same) {
            Some(entry) => entry.3 = entry.3.and(ready),
            None => self.ready.push((source, host, token, ready)),
        }
    }

    pub(super) fn log(
        &mut self,
        end: usize,
        call: &str,
        argument: impl Display,
        outcome: impl Display,
    ) {
        if let Some(token) = self.ends[end].token {
            let owner = token.owner;
            self.calls.push(format!("{owner} {call} {argument} -> {outcome}"));
        }
    }

    pub(super) fn new_end(&mut self, host: usize, local: SocketAddr, peer: SocketAddr) -> usize {
        self.ends.push(End {
            host,
            token: None,
            watched: Watched::All,
            other: None,
            local,
            peer,
            connected: false,
            input: VecDeque::new(),
            capacity: self.buffer,
            low_water: 1,
            input_ended: false,
            ended: false,
            broken: false,
            error: None,
            blocked: false,
            gone: false,
            script: None,
        });
        self.ends.len() - 1
    }

    pub(super) fn new_port(&mut self) -> u16 {
        self.next_port += 1;
        self.next_port
    }

    pub(super) fn start_connect(
        &mut self,
        host: usize,
        token: Option<Token>,
        peer: SocketAddr,
    ) -> usize {
        let own = if peer.is_ipv4() { "10.9.9.9" } else { "fd00::9" };
        let local = SocketAddr::new(own.parse().unwrap(), self.new_port());
        let reached = match peer.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        let end = self.new_end(host, local, SocketAddr::new(reached, peer.port()));
        self.ends[end].token = token;
        let place = self.places.get(&peer).cloned().unwrap_or(Place::Normal);
        self.answer(end, place);
        end
    }

    pub(super) fn answer(&mut self, end: usize, place: Place) {
        if self.ends[end].gone {
            return;
        }
        match place {
            Place::Silent | Place::Panics => {}
            Place::After(delay, place) => self.due.push((self.now + delay, end, *place)),
            Place::Fails(errno) | Place::FailsAtOnce(errno) => self.break_off(end, errno),
            Place::Script(reads, writes) => {
                self.ends[end].script = Some((reads.into(), writes.into()));
                self.ends[end].connected = true;
                self.post(Source::End(end), Ready::WRITABLE);
            }
            Place::Normal => {
                let (local, peer) = (self.ends[end].local, self.ends[end].peer);
                let Some(port) = self.ports.iter().position(|port| port.serves(peer)) else {
                    return self.break_off(end, libc::ECONNREFUSED);
                };
                if self.ports[port].waiting.len() >= self.ports[port].backlog as usize {
                    return; // The backlog is full: no answer.
                }
                let other = self.new_end(self.ports[port].host, peer, local);
                for (one, another) in [(end, other), (other, end)] {
                    self.ends[one].other = Some(another);
                    self.ends[one].connected = true;
                }
                self.ports[port].waiting.push_back(other);
                self.post(Source::End(end), Ready::WRITABLE);
                self.post(Source::Port(port), Ready::READABLE);
            }
        }
    }

    /// The connection, or the attempt, is over with an error.
    pub(super) fn break_off(&mut self, end: usize, errno: i32) {
        let it = &mut self.ends[end];
        it.error = Some(errno);
        it.broken = true;
        it.input_ended = true;
        self.post(Source::End(end), ALL);
    }

    pub(super) fn open_port(
        &mut self,
        host: usize,
        mut address: SocketAddr,
        backlog: i32,
        token: Option<Token>,
    ) -> io::Result<usize> {
        if address.port() == 0 {
            address.set_port(self.new_port());
        }
        if self.ports.iter().any(|port| port.serves(address)) {
            return os(libc::EADDRINUSE);
        }
        self.ports.push(Port {
            host,
            token,
            address,
            backlog,
            waiting: VecDeque::new(),
            gone: false,
        });
        Ok(self.ports.len() - 1)
    }

    /// Whether an injected hiccup hits now; the edge that ends it is on its way.
    pub(super) fn stutters(&mut self, end: usize, ready: Ready) -> bool {
        let hit = self.stutter.as_mut().is_some_and(|r| r.one_in(6));
        if hit {
            self.post(Source::End(end), ready);
        }
        hit
    }

    pub(super) fn read(&mut self, end: usize, max: usize) -> io::Result<Vec<u8>> {
        if let Some((reads, _)) = &mut self.ends[end].script {
            return match reads.pop_front() {
                Some(Step::Data(data)) => {
                    let (now, later) = data.split_at(data.len().min(max));
                    if !later.is_empty() {
                        reads.push_front(Step::Data(later));
                    }
                    Ok(now.to_vec())
                }
                Some(Step::End) => Ok(Vec::new()),
                Some(Step::Fail(errno)) => os(errno),
                _ => os(libc::EAGAIN),
            };
        }
        if self.ends[end].host != TEST && self.stutters(end, Ready::READABLE) {
            return os(libc::EAGAIN);
        }
        let it = &mut self.ends[end];
        if !it.input.is_empty() {
            let data = it.input.drain(..max.min(it.input.len())).collect();
            if let Some(other) = it.other.filter(|other| self.ends[*other].blocked) {
                self.ends[other].blocked = false;
                self.post(Source::End(other), Ready::WRITABLE);
            }
            return Ok(data);
        }
        match it.error.take() {
            Some(errno) => os(errno),
            None if it.input_ended => Ok(Vec::new()),
            None if !it.connected => os(libc::ENOTCONN),
            None => os(libc::EAGAIN),
        }
    }

    pub(super) fn write(&mut self, end: usize, data: &[u8]) -> io::Result<usize> {
        if let Some((_, writes)) = &mut self.ends[end].script {
            return match writes.pop_front() {
                None => Ok(data.len()),
                Some(Step::Take(most)) => Ok(most.min(data.len())),
                Some(Step::Fail(errno)) => os(errno),
                Some(Step::Panic(_)) => panic!("scripted panic in write"),
                Some(_) => os(libc::EAGAIN),
            };
        }
        if self.ends[end].host != TEST && self.stutters(end, Ready::WRITABLE) {
            return os(libc::EAGAIN);
        }
        let it = &mut self.ends[end];
        if let Some(errno) = it.error.take() {
            return os(errno);
        }
        let Some(other) = it.other.filter(|_| !it.broken && !it.ended) else {
            return os(libc::EPIPE);
        };
        if self.ends[other].gone {
            // Nobody is there any more: the other kernel answers with a reset.
            let errno = if self.ends[end].input_ended { libc::EPIPE } else { libc::ECONNRESET };
            self.break_off(end, errno);
            return Ok(data.len());
        }
        let room = self.ends[other].capacity - self.ends[other].input.len();
        if room == 0 {
            self.ends[end].blocked = true;
            return os(libc::EAGAIN);
        }
        let taken = room.min(data.len()).min(self.most_per_write);
        self.ends[other].input.extend(&data[..taken]);
        if self.ends[other].is_worth_an_event() {
            self.post(Source::End(other), Ready::READABLE);
        }
        Ok(taken)
    }

    /// Bytes that one side of a connection has not read yet.
    pub(in crate::engine) fn unread(&self, end: usize) -> usize {
        self.ends[end].input.len()
    }

    pub(super) fn end_sending(&mut self, end: usize) {
        let it = &mut self.ends[end];
        if let Some(other) = it.other.filter(|_| !it.ended && !it.broken) {
            self.ends[end].ended = true;
            self.ends[other].input_ended = true;
            self.post(Source::End(other), ENDED);
        }
    }

    pub(super) fn close_end(&mut self, end: usize) {
        if self.ends[end].input.is_empty() {
            self.end_sending(end);
        } else {
            self.reset(end);
        }
        self.ends[end].gone = true;
        self.ready.retain(|entry| entry.0 != Source::End(end));
    }

    pub(super) fn reset(&mut self, end: usize) {
        self.ends[end].gone = true;
        if let Some(other) = self.ends[end].other.filter(|o| !self.ends[*o].gone) {
            self.break_off(other, libc::ECONNRESET);
        }
    }

    pub(super) fn set_option(
        &mut self,
        end: usize,
        name: &str,
        value: impl Display,
    ) -> io::Result<()> {
        let result = self.fail_option.pop_front().map_or(Ok(0), os);
        self.log(end, name, value, shown(&result));
        result.map(drop)
    }

    pub(super) fn set_low_water(&mut self, end: usize, bytes: usize) -> io::Result<()> {
        self.set_option(end, "low water", bytes)?;
        self.ends[end].low_water = bytes;
        Ok(())
    }

    pub(super) fn watch(&mut self, end: usize, token: Token, what: Watched) -> io::Result<()> {
        match self.fail_watch.pop_front() {
            None | Some(0) => {}
            Some(errno) => return os(errno),
        }
        self.ready.retain(|entry| entry.0 != Source::End(end));
        let it = &mut self.ends[end];
        it.token = Some(token);
        it.watched = what;
        let mut ready = Ready::default();
        ready.set(Ready::READABLE, it.is_worth_an_event());
        ready.set(Ready::WRITABLE, !it.blocked);
        ready.set(Ready::READ_CLOSED, it.input_ended);
        self.post(Source::End(end), ready);
        Ok(())
    }
}

impl End {
    /// Also where no more fits in, however little that is.
    fn is_worth_an_event(&self) -> bool {
        let waits = self.input.len();
        waits >= self.low_water || waits == self.capacity || self.input_ended
    }
}

impl Port {
    pub(super) fn serves(&self, to: SocketAddr) -> bool {
        let own = self.address;
        !self.gone
            && own.port() == to.port()
            && (own.ip() == to.ip() || own.ip().is_unspecified() && own.is_ipv4() == to.is_ipv4())
    }
}
