//! What goes into an engine: one command per API call; and the questions and answers of name resolution.

use std::net::IpAddr;
use std::sync::Weak;

use bytes::Bytes;

use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
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
    /// `sockets.tcp.send` of data that travels beside the calls (see `SendData`).
    Send(SendData),
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

/// The bytes of one `send`.
#[derive(Debug)]
pub enum SendData {
    /// The next bytes of the buffer that came with this batch of calls.
    Beside(usize),
    /// A block of its own.
    Block(Bytes),
    /// None: the call exceeded the write quota.
    OverQuota,
}

/// Names one question to the resolver. Unique within an engine, never reused.
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
