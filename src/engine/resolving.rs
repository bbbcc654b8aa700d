//! From the names of hosts to addresses (tcp.md 10). Every address passes here before a socket talks to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::command::Answer;
use super::outcomes::not_resolved;
use super::{Engine, Network, Query, QueryId, Reply};
use crate::api::properties::DnsQueryType;
use crate::net::address::{Host, parse_host};

/// What waits for a host name to be resolved.
#[derive(Debug)]
pub(super) enum Resolving {
    /// A `connect` to this name and port.
    Connect(Reply, Box<str>, u16),
    /// The datagram with this number, in the line of its socket.
    Datagram(u64),
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
        self.last_serial = self.last_serial.wrapping_add(1);
        let query = QueryId { socket_id: id, serial: self.last_serial };
        let wanted = Arc::new(());
        self.queries.push(Query {
            id: query,
            host,
            dns_query_type,
            wanted: Arc::downgrade(&wanted),
        });
        self.resolving.insert(query, (resolving, wanted));
    }

    /// The resolver has answered.
    pub fn handle_answer(&mut self, query: QueryId, answer: Answer) {
        let Some((resolving, _)) = self.resolving.remove(&query) else { return };
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
        let first = QueryId { socket_id: id, serial: 0 };
        let last = QueryId { socket_id: id, serial: u32::MAX };
        let cancelled: Vec<_> =
            self.resolving.range(first..=last).map(|(query, _)| *query).collect();
        for query in cancelled {
            if let Some((Resolving::Connect(reply, ..), _)) = self.resolving.remove(&query) {
                cancel(reply);
            }
        }
    }
}
