//! Socket id -> entry. Lookups name the namespace and never insert: an unknown id, a closed one and
//! one of another namespace are the same (spec README S2).

use std::ffi::CString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::connection::MAX_RECEIVE;
use super::id_map::IdMap;
use super::tcp_client::TcpClient;
use super::tcp_server::TcpServer;
use super::udp::UdpSocket;
use crate::api::properties::{SocketInfo, SocketProperties, SocketType};
use crate::api::table::Namespace;
use crate::net::{Network, address};

/// Bytes of a receive when the program set no buffer size (tcp.md 2.1).
const DEFAULT_RECEIVE: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const LARGEST_RECEIVE: NonZeroU32 = NonZeroU32::new(MAX_RECEIVE as u32).unwrap();

/// One live socket.
#[derive(Debug)]
pub(super) struct Entry<N: Network> {
    pub(super) namespace: Namespace,
    pub(super) properties: Properties,
    pub(super) machine: Machine<N>,
    /// Whether the id stands in the engine's run queue.
    pub(super) queued: bool,
    /// Whether it stands among those that wait for the host to release something.
    pub(super) stalled: bool,
}

/// The protocol state of a socket.
#[derive(Debug)]
pub(super) enum Machine<N: Network> {
    /// `sockets.tcp`, and a client of `socket`
    TcpClient(TcpClient<N>),
    /// `sockets.tcpServer`, and a listener of `socket`
    TcpServer(TcpServer<N>),
    /// `sockets.udp`, and UDP of `socket`
    Udp(Box<UdpSocket<N>>),
}

/// The stored `SocketProperties` of a socket.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) persistent: bool,
    pub(super) name: Option<Arc<CString>>,
    /// As given; zero and negative values mean the default (tcp.md 2.1).
    pub(super) buffer_size: i32,
}

impl Properties {
    /// Most bytes that one receive brings.
    #[inline]
    pub(super) fn receive_limit(&self) -> NonZeroU32 {
        let given = u32::try_from(self.buffer_size).ok().and_then(NonZeroU32::new);
        given.map_or(DEFAULT_RECEIVE, |size| size.min(LARGEST_RECEIVE))
    }

    /// Replaces what is given, keeps what is not.
    pub(super) fn update(&mut self, given: SocketProperties) {
        if let Some(persistent) = given.persistent {
            self.persistent = persistent;
        }
        if let Some(name) = given.name {
            self.name = (!name.is_empty()).then_some(name);
        }
        if let Some(buffer_size) = given.buffer_size {
            self.buffer_size = buffer_size;
        }
    }
}

impl<N: Network> Entry<N> {
    /// A new socket.
    pub(super) fn new(namespace: Namespace, machine: Machine<N>, properties: Properties) -> Self {
        Self { namespace, properties, machine, queued: false, stalled: false }
    }

    /// What `getInfo` says (tcp.md 2.2, 8.2, udp.md 2.2, socket-legacy.md 9).
    pub(super) fn info(&self, socket_id: i32) -> SocketInfo {
        let size = self.properties.buffer_size;
        let mut info = SocketInfo {
            socket_id,
            persistent: self.properties.persistent,
            name: self.properties.name.clone(),
            buffer_size: Some(size).filter(|size| *size > 0),
            paused: false,
            socket_type: None,
            connected: None,
            local: None,
            peer: None,
        };
        match &self.machine {
            Machine::TcpClient(client) => client.describe(&mut info),
            Machine::TcpServer(server) => server.describe(&mut info),
            Machine::Udp(socket) => socket.describe(&mut info),
        }
        if self.namespace == Namespace::Socket {
            let is_udp = matches!(self.machine, Machine::Udp(_));
            info.socket_type = Some(if is_udp { SocketType::Udp } else { SocketType::Tcp });
            info.connected = Some(info.peer.is_some());
            info.paused = false;
        }
        info
    }
}

/// The live sockets of one app.
#[derive(Debug)]
pub(super) struct Registry<N: Network> {
    entries: IdMap<i32, Entry<N>>,
}

impl<N: Network> Default for Registry<N> {
    fn default() -> Self {
        Self { entries: IdMap::default() }
    }
}

impl<N: Network> Registry<N> {
    /// Adds a socket under an id that was never used.
    pub(super) fn insert(&mut self, id: i32, entry: Entry<N>) {
        self.entries.insert(id, entry);
    }

    /// The entry of any namespace.
    pub(super) fn get(&self, id: i32) -> Option<&Entry<N>> {
        self.entries.get(&id)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, id: i32) -> Option<&mut Entry<N>> {
        self.entries.get_mut(&id)
    }

    /// The entry, if it is of `namespace`.
    pub(super) fn find(&mut self, namespace: Namespace, id: i32) -> Option<&mut Entry<N>> {
        self.get_mut(id).filter(|entry| entry.namespace == namespace)
    }

    /// The UDP socket with this id, of `sockets.udp` or of `socket`.
    pub(super) fn udp(&mut self, namespace: Namespace, id: i32) -> Option<&mut UdpSocket<N>> {
        match &mut self.find(namespace, id)?.machine {
            Machine::Udp(socket) => Some(socket),
            _ => None,
        }
    }

    /// Takes the entry out, if it is of `namespace`.
    pub(super) fn remove(&mut self, namespace: Namespace, id: i32) -> Option<Entry<N>> {
        self.find(namespace, id)?;
        self.entries.remove(&id)
    }

    /// Whether there is an entry of any namespace.
    pub(super) fn contains(&self, id: i32) -> bool {
        self.entries.contains_key(&id)
    }

    /// Drops the entry of any namespace.
    pub(super) fn discard(&mut self, id: i32) {
        self.entries.remove(&id);
    }

    /// All infos of a namespace, ascending by id (tcp.md 2.2).
    pub(super) fn infos(&self, namespace: Namespace) -> Box<[SocketInfo]> {
        let mut infos: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.namespace == namespace)
            .map(|(id, entry)| entry.info(*id))
            .collect();
        infos.sort_unstable_by_key(|info| info.socket_id);
        infos.into_boxed_slice()
    }

    /// All ids, ascending.
    pub(super) fn ids(&self) -> Vec<i32> {
        let mut ids: Vec<_> = self.entries.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Whether a socket of this transport listens or is bound where `address` would collide with it.
    pub(super) fn is_taken(&self, transport: SocketType, address: SocketAddr) -> bool {
        self.entries.values().any(|entry| {
            let local = match (transport, &entry.machine) {
                (SocketType::Tcp, Machine::TcpServer(server)) => server.local(),
                (SocketType::Udp, Machine::Udp(socket)) => socket.local(),
                _ => None,
            };
            local.is_some_and(|local| {
                local.port() == address.port() && address::collide(local.ip(), address.ip())
            })
        })
    }

    /// How many sockets are live.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
