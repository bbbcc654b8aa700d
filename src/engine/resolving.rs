//! From the names of hosts to addresses (tcp.md 10). Every address passes here before a socket talks to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Answer;
use super::outcomes::not_resolved;
use super::udp::Target;
use super::{Engine, Network, Query, QueryId, Reply};
use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::net::address::{Host, parse_host};

/// How long an answer is waited for (tcp.md DN-7): longer than the system's resolver asks three silent servers in
/// turn. Where a server takes the question by TCP and says nothing, that one waits without end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Calls of an app that may wait for names. The resolver's bound is on lookups, and those for the same name share one.
const MAX_OPEN: usize = 65_536;

/// What waits for a host name to be resolved.
#[derive(Debug)]
pub(super) enum Resolving {
    /// A `connect` to this name and port.
    Connect(Reply, Box<str>, u16),
    /// A datagram to this port; without data the call exceeds the write quota.
    Datagram { data: Option<Box<[u8]>>, port: u16, reply: Reply },
}

/// The names that sockets wait for.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: BTreeMap<QueryId, Open>,
    /// Those of them for datagrams, which leave in this order.
    datagrams: BTreeSet<QueryId>,
    /// When those that have no answer are given up.
    due: BTreeSet<(Instant, QueryId)>,
    last_serial: u32,
    /// Those that the resolver has not been asked yet.
    pub(super) unasked: Vec<Query>,
}

#[derive(Debug)]
struct Open {
    resolving: Resolving,
    due: Instant,
    /// What a datagram has that waits for its turn.
    answer: Option<Answer>,
    /// Dropping it tells the resolver that nobody waits any more.
    _wanted: Arc<()>,
}

impl Questions {
    fn add(
        &mut self,
        id: i32,
        host: Box<str>,
        dns_query_type: DnsQueryType,
        resolving: Resolving,
        due: Instant,
    ) {
        self.last_serial = self.last_serial.wrapping_add(1);
        let query = QueryId { socket_id: id, serial: self.last_serial };
        let wanted = Arc::new(());
        self.unasked.push(Query {
            id: query,
            host,
            dns_query_type,
            wanted: Arc::downgrade(&wanted),
        });
        if matches!(resolving, Resolving::Datagram { .. }) {
            self.datagrams.insert(query);
        }
        self.open.insert(query, Open { resolving, due, answer: None, _wanted: wanted });
        self.due.insert((due, query));
    }

    /// Notes an answer, unless nobody waits for it any more.
    fn note(&mut self, query: QueryId, answer: Answer) {
        if let Some(open) = self.open.get_mut(&query) {
            open.answer = Some(answer);
            self.due.remove(&(open.due, query));
        }
    }

    /// Takes out what goes on now that there is an answer to this question: a connect, or a datagram whose turn it is.
    fn take_answered(&mut self, query: QueryId) -> Option<(Resolving, Answer)> {
        let next = match self.open.get(&query) {
            Some(Open { resolving: Resolving::Connect(..), .. }) => query,
            _ => *self.datagrams.range(of_socket(query.socket_id)).next()?,
        };
        let answer = self.open.get_mut(&next)?.answer.take()?;
        Some((self.close(next)?, answer))
    }

    fn close(&mut self, query: QueryId) -> Option<Resolving> {
        let open = self.open.remove(&query)?;
        self.due.remove(&(open.due, query));
        self.datagrams.remove(&query);
        Some(open.resolving)
    }

    /// What of a socket has waited.
    pub(super) fn close_all(&mut self, id: i32) -> Vec<Resolving> {
        let open: Vec<_> = self.open.range(of_socket(id)).map(|(query, _)| *query).collect();
        open.into_iter().filter_map(|query| self.close(query)).collect()
    }

    /// When the next one is given up.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    fn overdue(&self, now: Instant) -> Option<QueryId> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, query)| *query)
    }
}

/// The questions of a socket, in the order of its calls.
fn of_socket(id: i32) -> RangeInclusive<QueryId> {
    QueryId { socket_id: id, serial: 0 }..=QueryId { socket_id: id, serial: u32::MAX }
}

/// What is known of a host.
pub(super) enum Lookup {
    /// It is an address.
    Literal(IpAddr),
    /// Its canonical name, and its addresses, at least one.
    Known(Box<str>, Vec<IpAddr>),
    /// That it has none, or that too many calls wait to ask.
    Failed,
    /// Nothing: its canonical name goes to the resolver.
    Ask(Box<str>),
}

impl<N: Network> Engine<N> {
    /// What is known of a host without the resolver (tcp.md DN-1 to DN-4).
    pub(super) fn look_up(&self, host: &str, dns_query_type: DnsQueryType) -> Lookup {
        let wanted = |address: &IpAddr| match dns_query_type {
            DnsQueryType::Any => true,
            DnsQueryType::Ipv4 => address.is_ipv4(),
            DnsQueryType::Ipv6 => address.is_ipv6(),
        };
        match parse_host(host) {
            Host::Literal(address) if wanted(&address) => Lookup::Literal(address),
            Host::Literal(_) | Host::Invalid => Lookup::Failed,
            Host::Localhost(name) => {
                let both = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
                Lookup::Known(name, both.into_iter().filter(wanted).collect())
            }
            Host::Name(_) if self.questions.open.len() >= MAX_OPEN => Lookup::Failed,
            Host::Name(name) => Lookup::Ask(name),
        }
    }

    /// Asks the resolver; `resolving` waits for the answer.
    pub(super) fn ask(
        &mut self,
        id: i32,
        host: Box<str>,
        dns_query_type: DnsQueryType,
        resolving: Resolving,
    ) {
        let due = self.ctx.net.now() + PATIENCE;
        self.questions.add(id, host, dns_query_type, resolving, due);
    }

    /// The resolver has answered.
    pub fn handle_answer(&mut self, query: QueryId, answer: Answer) {
        let id = query.socket_id;
        self.questions.note(query, answer);
        while let Some((resolving, answer)) = self.questions.take_answered(query) {
            match (resolving, answer) {
                (Resolving::Connect(reply, name, port), Ok(addresses)) => {
                    self.connect_to(id, reply, Some(name), port, addresses);
                }
                (Resolving::Datagram { data, port, reply }, Ok(addresses)) => {
                    let to = Target::Addresses(addresses, port);
                    self.send_datagram(id, data.as_deref(), to, reply);
                }
                (
                    Resolving::Connect(reply, ..) | Resolving::Datagram { reply, .. },
                    Err(status),
                ) => not_resolved(reply, status),
            }
        }
    }

    /// Nobody wants the names any more that a socket has asked for; its connects and its sends end so.
    pub(super) fn cancel_resolving(
        &mut self,
        id: i32,
        end_connect: impl Fn(Reply),
        end_send: impl Fn(Reply),
    ) {
        for resolving in self.questions.close_all(id) {
            match resolving {
                Resolving::Connect(reply, ..) => end_connect(reply),
                Resolving::Datagram { reply, .. } => end_send(reply),
            }
        }
    }

    /// Gives up the names that nobody has answered for long.
    pub(super) fn give_up_names(&mut self) {
        let now = self.ctx.net.now();
        while let Some(query) = self.questions.overdue(now) {
            self.handle_answer(query, Err(Status::NameNotResolved));
        }
    }
}
