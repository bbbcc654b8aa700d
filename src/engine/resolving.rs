//! From the names of hosts to addresses (tcp.md 10). Every address passes here before a socket talks to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Answer;
use super::outcomes::not_resolved;
use super::{Engine, Network, Query, QueryId, Reply};
use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::net::address::{Host, parse_host};

/// How long an answer is waited for (tcp.md DN-7): longer than the system's resolver asks three silent servers in
/// turn. Where a server takes the question by TCP and says nothing, that one waits without end.
const PATIENCE: Duration = Duration::from_secs(120);

/// What waits for a host name to be resolved.
#[derive(Debug)]
pub(super) enum Resolving {
    /// A `connect` to this name and port.
    Connect(Reply, Box<str>, u16),
    /// The datagram with this number, in the line of its socket.
    Datagram(u64),
}

/// The names that sockets wait for.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: BTreeMap<QueryId, Open>,
    /// When the open ones are given up.
    due: BTreeSet<(Instant, QueryId)>,
    last_serial: u32,
    /// Those that the resolver has not been asked yet.
    pub(super) unasked: Vec<Query>,
}

#[derive(Debug)]
struct Open {
    resolving: Resolving,
    due: Instant,
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
        self.open.insert(query, Open { resolving, due, _wanted: wanted });
        self.due.insert((due, query));
    }

    /// What has waited for the answer, unless nobody does any more.
    fn close(&mut self, query: QueryId) -> Option<Resolving> {
        let open = self.open.remove(&query)?;
        self.due.remove(&(open.due, query));
        Some(open.resolving)
    }

    /// What a socket has waited for.
    pub(super) fn close_all(&mut self, id: i32) -> Vec<Resolving> {
        let first = QueryId { socket_id: id, serial: 0 };
        let last = QueryId { socket_id: id, serial: u32::MAX };
        let open: Vec<_> = self.open.range(first..=last).map(|(query, _)| *query).collect();
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

/// What is known of a host.
pub(super) enum Lookup {
    /// It is an address.
    Literal(IpAddr),
    /// Its canonical name, and its addresses, at least one.
    Known(Box<str>, Vec<IpAddr>),
    /// That it has none.
    Failed,
    /// Nothing: its canonical name goes to the resolver.
    Ask(Box<str>),
}

impl<N: Network> Engine<N> {
    /// What is known of a host without the resolver (tcp.md DN-1 to DN-4).
    pub(super) fn look_up(host: &str, dns_query_type: DnsQueryType) -> Lookup {
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
        let Some(resolving) = self.questions.close(query) else { return };
        match (resolving, answer) {
            (Resolving::Connect(reply, name, port), Ok(addresses)) => {
                self.connect_to(query.socket_id, reply, Some(name), port, addresses);
            }
            (Resolving::Connect(reply, ..), Err(status)) => not_resolved(reply, status),
            (Resolving::Datagram(number), answer) => {
                self.datagram_resolved(query.socket_id, number, answer);
            }
        }
    }

    /// Nobody wants the names any more that a socket has asked for; its connects end so.
    pub(super) fn cancel_connecting(&mut self, id: i32, cancel: impl Fn(Reply)) {
        for resolving in self.questions.close_all(id) {
            if let Resolving::Connect(reply, ..) = resolving {
                cancel(reply);
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
