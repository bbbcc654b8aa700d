//! Socket id -> entry. Lookups name the namespace and never insert: an unknown id, a closed one and
//! one of another namespace are the same (spec README S2).

use std::ffi::CString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use slab::Slab;

use super::connection::MAX_RECEIVE;
use super::id_map::IdMap;
use super::tcp_client::TcpClient;
use super::tcp_server::TcpServer;
use super::udp::UdpSocket;
use crate::api::event::List;
use crate::api::properties::{SocketInfo, SocketProperties, SocketType};
use crate::api::table::Namespace;
use crate::net::{Network, address};

/// Bytes of a receive when the program set no buffer size (tcp.md 2.1).
const DEFAULT_RECEIVE: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const LARGEST_RECEIVE: NonZeroU32 = NonZeroU32::new(MAX_RECEIVE as u32).unwrap();

/// One live socket: in two lines of the cache, what an open connection needs for an event or a send.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Entry<N: Network> {
    id: i32,
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
    TcpServer(Box<TcpServer<N>>),
    /// `sockets.udp`, and UDP of `socket`
    Udp(Box<UdpSocket<N>>),
}

/// The stored `SocketProperties` of a socket.
#[derive(Debug)]
pub(super) struct Properties {
    pub(super) persistent: bool,
    pub(super) name: Option<Arc<CString>>,
    /// As given; zero and negative values mean the default (tcp.md 2.1).
    pub(super) buffer_size: i32,
    /// Most bytes that one receive brings.
    pub(super) receive_limit: NonZeroU32,
}

impl Default for Properties {
    fn default() -> Self {
        Self { persistent: false, name: None, buffer_size: 0, receive_limit: DEFAULT_RECEIVE }
    }
}

impl Properties {
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
            let given = u32::try_from(buffer_size).ok().and_then(NonZeroU32::new);
            self.receive_limit = given.map_or(DEFAULT_RECEIVE, |size| size.min(LARGEST_RECEIVE));
        }
    }
}

impl<N: Network> Entry<N> {
    /// What `getInfo` says (tcp.md 2.2, 8.2, udp.md 2.2, socket-legacy.md 9).
    pub(super) fn info(&self) -> SocketInfo {
        let size = self.properties.buffer_size;
        let mut info = SocketInfo {
            socket_id: self.id,
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

/// The live sockets of one app. An entry keeps its place, and where an id was found last is looked first: most sockets
/// are asked for again soon.
#[derive(Debug)]
pub(super) struct Registry<N: Network> {
    entries: Slab<Entry<N>>,
    places: IdMap<i32, u32>,
    /// By the last digits of an id: the place where one that ends so was found last.
    found: Vec<u32>,
    /// Bytes of lists that were told and not dropped yet.
    told: Arc<AtomicUsize>,
}

/// How many such places there are at least.
const LEAST_FOUND: usize = 16;
/// No more lists are made while those that the host has not taken or released yet take so many bytes: more than a
/// reactor makes before it delivers.
const MAX_TOLD: usize = 64 << 20;
/// Memory for more sockets than this is given back when the last one is gone.
const MAX_KEPT: usize = 1024;

impl<N: Network> Default for Registry<N> {
    fn default() -> Self {
        Self {
            entries: Slab::new(),
            places: IdMap::default(),
            found: Vec::new(),
            told: Arc::default(),
        }
    }
}

impl<N: Network> Registry<N> {
    /// Adds a socket under an id that was never used.
    pub(super) fn insert(
        &mut self,
        id: i32,
        namespace: Namespace,
        machine: Machine<N>,
        properties: Properties,
    ) {
        let entry = Entry { id, namespace, properties, machine, queued: false, stalled: false };
        let place = self.entries.insert(entry);
        self.places.insert(id, place as u32);
        if self.entries.len() > self.found.len() {
            self.found = vec![0; self.entries.capacity().next_power_of_two().max(LEAST_FOUND)];
        }
    }

    /// The entry of any namespace.
    pub(super) fn get(&self, id: i32) -> Option<&Entry<N>> {
        self.entries.get(*self.places.get(&id)? as usize)
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, id: i32) -> Option<&mut Entry<N>> {
        let last_digits = id as usize & self.found.len().wrapping_sub(1);
        let place = *self.found.get(last_digits)? as usize;
        if self.entries.get(place).is_some_and(|entry| entry.id == id) {
            self.entries.get_mut(place)
        } else {
            self.look_up(id, last_digits)
        }
    }

    #[inline(never)]
    fn look_up(&mut self, id: i32, last_digits: usize) -> Option<&mut Entry<N>> {
        let place = *self.places.get(&id)?;
        self.found[last_digits] = place;
        self.entries.get_mut(place as usize)
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
        self.take(id)
    }

    fn take(&mut self, id: i32) -> Option<Entry<N>> {
        let entry = self.entries.try_remove(self.places.remove(&id)? as usize);
        if self.entries.is_empty() && self.entries.capacity() > MAX_KEPT {
            *self = Self { told: Arc::clone(&self.told), ..Self::default() };
        }
        entry
    }

    /// Whether there is an entry of any namespace.
    pub(super) fn contains(&self, id: i32) -> bool {
        self.places.contains_key(&id)
    }

    /// Drops the entry of any namespace.
    pub(super) fn discard(&mut self, id: i32) {
        self.take(id);
    }

    /// All entries; not by the slab, which would look at all places that were ever taken.
    fn all(&self) -> impl Iterator<Item = &Entry<N>> {
        self.places.values().filter_map(|place| self.entries.get(*place as usize))
    }

    /// The info of a socket, if it is of `namespace`.
    pub(super) fn info(&self, namespace: Namespace, id: i32) -> Option<Arc<List<SocketInfo>>> {
        let entry = self.get(id).filter(|entry| entry.namespace == namespace)?;
        Some(List::new(Box::new([entry.info()]), 0, &self.told))
    }

    /// What one more list counts as; `None` if too many are held.
    pub(super) fn told(&self) -> Option<&Arc<AtomicUsize>> {
        Some(&self.told).filter(|told| told.load(Relaxed) <= MAX_TOLD)
    }

    /// All infos of a namespace, ascending by id (tcp.md 2.2); `None` if too many lists are held.
    pub(super) fn infos(&self, namespace: Namespace) -> Option<Arc<List<SocketInfo>>> {
        let told = self.told()?;
        let of_namespace = self.all().filter(|entry| entry.namespace == namespace);
        let mut infos: Vec<_> = of_namespace.map(Entry::info).collect();
        infos.sort_unstable_by_key(|info| info.socket_id);
        Some(List::new(infos.into_boxed_slice(), 0, told))
    }

    /// All ids, ascending.
    pub(super) fn ids(&self) -> Vec<i32> {
        let mut ids: Vec<_> = self.places.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Whether a socket of this transport listens or is bound where `address` would collide with it.
    pub(super) fn is_taken(&self, transport: SocketType, address: SocketAddr) -> bool {
        self.all().any(|entry| {
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

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::engine::sim::SimNetwork;
    use crate::net::sys::SysNetwork;

    fn insert(registry: &mut Registry<SimNetwork>, id: i32) {
        let machine = Machine::TcpClient(TcpClient::default());
        registry.insert(id, Namespace::Tcp, machine, Properties::default());
    }

    fn is_there(registry: &mut Registry<SimNetwork>, id: i32) -> bool {
        let found = registry.get_mut(id).map(|entry| entry.id);
        assert!(found.is_none_or(|found| found == id));
        assert_eq!(found.is_some(), registry.get(id).is_some());
        found.is_some()
    }

    #[test]
    fn an_id_is_found_whatever_was_found_in_its_place_before() {
        let mut registry = Registry::default();
        assert!([0, 1, -1, i32::MAX].into_iter().all(|id| !is_there(&mut registry, id)));
        // Their last digits are the same.
        let alike: Vec<_> = (0..5).map(|n| 3 + n * LEAST_FOUND as i32).collect();
        alike.iter().for_each(|id| insert(&mut registry, *id));
        for _ in 0..2 {
            assert!(alike.iter().all(|id| is_there(&mut registry, *id)));
            assert!(
                [0, 2, 3 - 16, -1, 3 + 5 * 16].into_iter().all(|id| !is_there(&mut registry, id))
            );
        }
        // Another one gets the place of one that is gone.
        assert!(
            is_there(&mut registry, alike[1])
                && registry.remove(Namespace::Tcp, alike[1]).is_some()
        );
        insert(&mut registry, 1000);
        assert!(!is_there(&mut registry, alike[1]) && is_there(&mut registry, 1000));
    }

    #[test]
    fn all_of_very_many_are_found_and_their_memory_is_given_back() {
        let mut registry = Registry::default();
        let ids = || 1..5 * MAX_KEPT as i32;
        for id in ids() {
            insert(&mut registry, id);
            assert!(is_there(&mut registry, id) && is_there(&mut registry, 1));
        }
        assert!(ids().all(|id| is_there(&mut registry, id)));
        ids().for_each(|id| registry.discard(id));
        assert_eq!((registry.len(), registry.entries.capacity(), registry.found.len()), (0, 0, 0));
        insert(&mut registry, 9999);
        assert!(is_there(&mut registry, 9999) && !is_there(&mut registry, 1));
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "mio's sources are larger with debug assertions")]
    fn what_an_open_socket_of_tcp_needs_lies_in_two_lines_of_the_cache() {
        let mut registry = Registry::<SysNetwork>::default();
        for id in 1..3 {
            let machine = Machine::TcpClient(TcpClient::default());
            registry.insert(id, Namespace::Tcp, machine, Properties::default());
        }
        let at = |place: usize| ptr::from_ref(&registry.entries[place]).addr();
        assert!(at(1) - at(0) <= 128 && at(0).is_multiple_of(64));
    }
}
