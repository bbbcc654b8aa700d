//! One connection attempt over several addresses: Happy Eyeballs (RFC 8305, spec README S5).
//!
//! A slower attempt is never cancelled before one has succeeded. When all have failed, the failure
//! that came last is the result.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::connection::Watched;
use super::reply::Reply;
use crate::api::net_error::Status;
use crate::net::os_error::connect_status;
use crate::net::{MAX_LANES, Network, Started, Stream, Token};

/// Head start of an attempt before the next one begins.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The TCP phase of one `connect` call.
#[derive(Debug)]
pub(super) struct Race<S> {
    pub(super) reply: Reply,
    /// What the winner's certificate must name, should it be secured; `None`: the address that it reaches.
    pub(super) name: Option<Box<Box<str>>>,
    port: u16,
    waiting: VecDeque<IpAddr>,
    attempts: Vec<Attempt<S>>,
    next_lane: u16,
    /// When the next attempt is due, if there is one.
    next_start: Option<Instant>,
    last_failure: Status,
}

#[derive(Debug)]
struct Attempt<S> {
    lane: u16,
    address: IpAddr,
    stream: S,
    is_watched: bool,
}

/// Where a race stands.
#[derive(Debug)]
pub(super) enum Step<S> {
    /// Undecided. The next attempt is due then, if there is one.
    Running(Option<Instant>),
    /// Connected.
    Won(S, SocketAddr, Watched),
    /// Every address failed.
    Lost(Status),
}

impl<S: Stream> Race<S> {
    /// A race to `addresses`, not yet started.
    pub(super) fn new(
        reply: Reply,
        name: Option<Box<str>>,
        port: u16,
        addresses: Vec<IpAddr>,
    ) -> Self {
        Self {
            reply,
            name: name.map(Box::new),
            port,
            waiting: interleave(addresses),
            attempts: Vec::new(),
            next_lane: 0,
            next_start: None,
            last_failure: Status::NameNotResolved,
        }
    }

    /// Starts the next attempt, if the delay before it has passed.
    pub(super) fn on_time<N: Network<Stream = S>>(&mut self, net: &mut N, id: i32) -> Step<S> {
        if self.next_start.is_none_or(|due| due > net.now()) {
            return Step::Running(None);
        }
        let step = self.start_next(net, id);
        self.judge_unwatched(net, id, step)
    }

    /// Starts the next attempt; called to begin, and when one has failed.
    pub(super) fn start_next<N: Network<Stream = S>>(&mut self, net: &mut N, id: i32) -> Step<S> {
        while let Some(address) = self.waiting.pop_front() {
            let lane = self.next_lane;
            self.next_lane = (self.next_lane + 1) % MAX_LANES;
            let peer = SocketAddr::new(address, self.port);
            match net.connect(peer, Token { owner: id, lane }) {
                Ok(Started { stream, is_watched }) => {
                    self.attempts.push(Attempt { lane, address, stream, is_watched });
                    self.next_start = (!self.waiting.is_empty()).then(|| net.now() + ATTEMPT_DELAY);
                    return Step::Running(self.next_start.filter(|_| is_watched));
                }
                Err(error) => {
                    self.last_failure = connect_status(&error);
                    let lacks_descriptor = self.last_failure == Status::InsufficientResources;
                    // An attempt that ends leaves one; so may others by then.
                    if lacks_descriptor && !self.attempts.is_empty() {
                        self.waiting.push_front(address);
                        self.next_start = Some(net.now() + ATTEMPT_DELAY);
                        return Step::Running(self.next_start);
                    }
                }
            }
        }
        if self.attempts.is_empty() { Step::Lost(self.last_failure) } else { Step::Running(None) }
    }

    /// An attempt reports that it may have ended.
    pub(super) fn on_ready<N: Network<Stream = S>>(
        &mut self,
        net: &mut N,
        id: i32,
        lane: u16,
    ) -> Step<S> {
        let Some(index) = self.attempts.iter().position(|attempt| attempt.lane == lane) else {
            return Step::Running(None);
        };
        let step = self.judge(net, id, index);
        self.judge_unwatched(net, id, step)
    }

    /// Those that may have ended by now without telling are looked at.
    pub(super) fn look<N: Network<Stream = S>>(&mut self, net: &mut N, id: i32) -> Step<S> {
        self.judge_unwatched(net, id, Step::Running(None))
    }

    fn judge_unwatched<N: Network<Stream = S>>(
        &mut self,
        net: &mut N,
        id: i32,
        mut step: Step<S>,
    ) -> Step<S> {
        let unwatched = |attempt: &Attempt<S>| !attempt.is_watched;
        while let Step::Running(_) = step
            && let Some(index) = self.attempts.iter().position(unwatched)
        {
            step = self.judge(net, id, index);
        }
        step
    }

    /// Sees whether an attempt has ended; if one has failed, the next one starts.
    fn judge<N: Network<Stream = S>>(&mut self, net: &mut N, id: i32, index: usize) -> Step<S> {
        let Attempt { lane, stream, is_watched, .. } = &mut self.attempts[index];
        // One call for those that are connected, nearly all.
        let failure = match stream.peer_address() {
            // The address that was reached, which is another one than 0.0.0.0 (tcp.md 2.2).
            Ok(peer) => {
                let Attempt { address, stream, is_watched, .. } = self.attempts.swap_remove(index);
                if self.name.is_none() && peer.ip() != address {
                    self.name = Some(Box::new(address.to_string().into()));
                }
                let watched = if is_watched { Watched::All } else { Watched::Nothing };
                return Step::Won(stream, peer, watched);
            }
            Err(unconnected) => match stream.take_error() {
                Ok(Some(error)) | Err(error) => error,
                // Still under way: also an event may be spurious.
                Ok(None) if unconnected.kind() == io::ErrorKind::NotConnected => {
                    let token = Token { owner: id, lane: *lane };
                    let result = if *is_watched { Ok(()) } else { net.rewatch(stream, token) };
                    match result {
                        Ok(()) => {
                            *is_watched = true;
                            return Step::Running(self.next_start);
                        }
                        Err(error) => error,
                    }
                }
                Ok(None) => unconnected,
            },
        };
        self.last_failure = connect_status(&failure);
        self.attempts.swap_remove(index);
        self.start_next(net, id)
    }
}

/// Alternates the families, beginning with the first one (RFC 8305 section 4).
fn interleave(addresses: Vec<IpAddr>) -> VecDeque<IpAddr> {
    if addresses.len() < 2 {
        return addresses.into();
    }
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut mixed = VecDeque::with_capacity(first.len() + second.len());
    while let Some(address) = first.pop_front() {
        mixed.push_back(address);
        mixed.extend(second.pop_front());
    }
    mixed.append(&mut second);
    mixed
}
