//! What goes into an engine: one command per API call; and the questions and answers of name resolution.

use std::io;
use std::net::IpAddr;
use std::sync::Weak;

use bytes::Bytes;

use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SecureOptions, SocketProperties, SocketType};
use crate::api::table::{EventType, Namespace};

/// One accepted call of a page.
#[derive(Debug)]
pub struct Call {
    /// Type of its completion.
    pub event_type: EventType,
    /// The socket it names (for `create`: gives); 0 = none.
    pub socket_id: i32,
    /// Handed back with the completion.
    pub ticket: Ticket,
    /// What to do.
    pub command: Command,
}

impl Call {
    /// The bytes that it has taken from the write quota.
    #[must_use]
    pub fn unsent_bytes(&self) -> usize {
        match &self.command {
            Command::Send(SendData::Blocks(blocks)) => blocks.iter().map(Bytes::len).sum(),
            Command::Send(SendData::NoMemory(bytes)) => *bytes,
            Command::Send(SendData::Begun(begun)) => begun.len,
            _ => 0,
        }
    }
}

/// A `sockets.tcp.send` or `socket.write`, or a datagram, whose bytes travel beside the calls: one after the other,
/// in the order of their calls.
#[derive(Clone, Copy, Debug)]
pub struct Send {
    /// Type of its completion.
    pub event_type: EventType,
    /// The socket it names.
    pub socket_id: i32,
    /// How many bytes it sends.
    pub len: usize,
    /// Handed back with the completion.
    pub ticket: Ticket,
}

impl Send {
    /// Whether both are for the same socket, by the same function.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (self.event_type, self.socket_id) == (other.event_type, other.socket_id)
    }

    /// The call, whose bytes do not travel beside it.
    #[must_use]
    pub fn with_data(self, data: SendData) -> Call {
        let Self { event_type, socket_id, ticket, .. } = self;
        Call { event_type, socket_id, ticket, command: Command::Send(data) }
    }
}

/// Where a datagram of `sockets.udp.send` or `socket.sendTo` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Host text as the program passed it.
    pub address: &'a str,
    /// Port as the program passed it.
    pub port: i32,
    /// Address families wanted.
    pub dns_query_type: DnsQueryType,
}

/// What a call asks for; the socket is `Call::socket_id`.
#[derive(Debug)]
pub enum Command {
    /// `create`
    Create(Namespace, SocketProperties),
    /// `update`
    Update(Namespace, SocketProperties),
    /// `setPaused`
    SetPaused(Namespace, bool),
    /// `disconnect`
    Disconnect(Namespace),
    /// `close`
    Close(Namespace),
    /// `getInfo`
    GetInfo(Namespace),
    /// `getSockets`
    GetSockets(Namespace),
    /// `sockets.tcp.connect`
    Connect {
        /// Host text as the program passed it.
        peer_address: Box<str>,
        /// Port as the program passed it.
        peer_port: i32,
        /// Address families wanted.
        dns_query_type: DnsQueryType,
    },
    /// `sockets.tcp.setKeepAlive`
    SetKeepAlive {
        /// On or off.
        enable: bool,
        /// Seconds; 0 = leave the timing alone.
        delay: i32,
    },
    /// `sockets.tcp.setNoDelay`
    SetNoDelay(bool),
    /// `secure`
    Secure(SecureOptions),
    /// What a secured connection has agreed upon, for the host
    GetTlsSession,
    /// `sockets.tcp.send` or `socket.write` of data that does not travel beside the calls (see `Send`).
    Send(SendData),
    /// `sockets.udp.bind`, `socket.bind`
    Bind {
        /// Address text as the program passed it.
        address: Box<str>,
        /// Port as the program passed it.
        port: i32,
    },
    /// `sockets.udp.send` or `socket.sendTo` of a datagram that has exceeded the write quota: the others travel beside
    /// the calls.
    SendToOverQuota {
        /// Host text as the program passed it.
        address: Box<str>,
        /// Port as the program passed it.
        port: i32,
        /// Address families wanted.
        dns_query_type: DnsQueryType,
    },
    /// `joinGroup`
    JoinGroup(Box<str>),
    /// `leaveGroup`
    LeaveGroup(Box<str>),
    /// `getJoinedGroups`
    GetJoinedGroups,
    /// `setMulticastTimeToLive`
    SetMulticastTimeToLive(i32),
    /// `setMulticastLoopbackMode`
    SetMulticastLoopbackMode(bool),
    /// `sockets.udp.setBroadcast`
    SetBroadcast(bool),
    /// `socket.create`
    CreateLegacy(SocketType),
    /// `socket.read`; `None` = no buffer size given
    Read(Option<i32>),
    /// `socket.recvFrom`; `None` = no buffer size given
    RecvFrom(Option<i32>),
    /// `socket.accept`
    Accept,
    /// `socket.getNetworkList`
    GetNetworkList,
    /// `sockets.tcpServer.listen`
    Listen {
        /// Address text as the program passed it.
        address: Box<str>,
        /// Port as the program passed it.
        port: i32,
        /// `None` = not given.
        backlog: Option<i32>,
    },
}

impl Command {
    /// The host that is to be read as a name; else empty.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Connect { peer_address: host, .. }
            | Self::SendToOverQuota { address: host, .. } => host,
            _ => "",
        }
    }
}

/// Longest datagram that can be sent (udp.md 4.6 row 8).
pub const MAX_DATAGRAM: usize = 65_535;

/// The bytes of one `send`.
#[derive(Debug)]
pub enum SendData {
    /// Blocks of its own.
    Blocks(Vec<Bytes>),
    /// Those of a send that was begun already.
    Begun(Box<BegunSend>),
    /// None: the call exceeded the write quota.
    OverQuota,
    /// None: there was no memory for so many bytes.
    NoMemory(usize),
}

/// A send of which `Engine::begin_send` has not written all.
#[derive(Debug)]
pub struct BegunSend {
    /// All its bytes.
    pub len: usize,
    /// What came of it.
    pub first: io::Result<usize>,
    /// What is left.
    pub rest: Vec<Bytes>,
}

/// Names one question to the resolver, among those of its engine that have no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId {
    /// The socket that asks.
    pub socket_id: i32,
    /// Counts the engine's questions.
    pub serial: u32,
}

/// One question to the resolver.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its name.
    pub id: QueryId,
    /// Canonical host name.
    pub host: Box<str>,
    /// Address families wanted.
    pub dns_query_type: DnsQueryType,
    /// Gone when nobody wants the answer any more.
    pub wanted: Weak<()>,
}

/// The resolver's answer: addresses in the order to try them, or one of the two codes of tcp.md DN-7.
pub type Answer = Result<Vec<IpAddr>, Status>;
