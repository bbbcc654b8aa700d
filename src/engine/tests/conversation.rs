//! Two engines talk over a bad network: random calls, random faults, from printed seeds.
//!
//! What must hold whatever happens: bytes arrive in order and without gaps, up to where the
//! connection ended; sends complete in order; `getInfo` agrees with what the program was told. The
//! driver checks ids, completions, what may follow a close, and that nothing is left open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::driver::{Rig, render};
use super::talking::{self, Talking};
use crate::api::event::{Event, Payload};
use crate::api::net_error::Status;
use crate::api::table::EventType as T;
use crate::engine::Limits;
use crate::engine::sim::{Place, Random, Sim};

/// Sockets one side has at most at a time.
const SOCKETS: usize = 12;
/// What begins every stream: its key.
const HEAD: usize = 8;

/// Every connection and direction has its own stream of bytes, so that any byte in the wrong place,
/// or of another connection, would show.
fn stream_byte(key: u64, position: usize) -> u8 {
    if position < HEAD {
        return key.to_le_bytes()[position];
    }
    let mixed = (key << 40 | position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

/// One connection as one side's program sees it.
#[derive(Default)]
struct Connection {
    key: u64,
    given: usize,
    /// The peer's stream: its first bytes, then how many came.
    head: Vec<u8>,
    came: usize,
}

struct Side {
    rig: Rig,
    sockets: Vec<i32>,
    servers: Vec<i32>,
    connections: BTreeMap<i32, Connection>,
    /// Unfinished sends by socket: lengths in call order.
    sends: BTreeMap<i32, VecDeque<usize>>,
    /// Received and not released yet.
    owed: Vec<(i32, isize)>,
}

struct Talk {
    random: Random,
    sim: Sim,
    sides: [Side; 2],
    last_key: u64,
    /// Peers' keys that somebody has read: nobody else may.
    read_keys: BTreeSet<u64>,
    received: usize,
    connected: usize,
}

impl Talking for Talk {
    fn rig(&mut self, who: usize) -> &mut Rig {
        &mut self.sides[who].rig
    }

    fn owed(&mut self, who: usize) -> &mut Vec<(i32, isize)> {
        &mut self.sides[who].owed
    }

    fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn hear(&mut self, who: usize, event: &Event) {
        let id = event.socket_id;
        let side = &mut self.sides[who];
        match event.event_type {
            T::ChromeSocketsTcpConnect if event.result == Some(0) => self.connect(who, id),
            T::ChromeSocketsTcpServerOnAccept => {
                side.sockets.push(event.client_socket_id);
                self.connect(who, event.client_socket_id);
            }
            T::ChromeSocketsTcpOnReceive => {
                let Payload::Data(data) = &event.payload else { panic!("no data") };
                side.owed.push((id, event.weight().cast_signed()));
                self.receive(who, id, data);
            }
            T::ChromeSocketsTcpOnReceiveError => {
                let alive = side.connections.remove(&id).is_some();
                assert!(alive || event.result == Some(-100) || event.result < Some(0));
            }
            T::ChromeSocketsTcpDisconnect | T::ChromeSocketsTcpClose => {
                side.connections.remove(&id);
                let left = side.sends.remove(&id).map_or(0, |sends| sends.len());
                assert_eq!(left, 0, "O-6: sends of {id} complete before its end");
            }
            T::ChromeSocketsTcpSend => {
                let len = side.sends.get_mut(&id).and_then(VecDeque::pop_front);
                match event.payload {
                    Payload::BytesSent(sent) => assert_eq!(Some(sent as usize), len, "S-1, S-4"),
                    _ if event.result == Some(-15) || event.result.is_none() => {}
                    _ => drop(side.connections.remove(&id)),
                }
            }
            T::ChromeSocketsTcpGetInfo => {
                let Payload::Sockets(infos) = &event.payload else { return };
                let known = side.connections.contains_key(&id);
                assert_eq!(infos[0].connected, Some(known), "2.2: {}", render(event));
                assert_eq!(infos[0].peer.is_some(), known);
            }
            _ => {}
        }
    }
}

impl Talk {
    fn new(seed: u64) -> Self {
        let sim = Sim::new();
        let limits = Limits {
            undelivered_per_socket: 70_000,
            undelivered_per_app: 300_000,
            count_undelivered: true,
        };
        let side = |host| {
            let mut rig = talking::rig(&sim, host, limits);
            rig.is_prompt = seed % 4 < 2;
            let (sockets, servers, owed) = (Vec::new(), Vec::new(), Vec::new());
            let (connections, sends) = (BTreeMap::new(), BTreeMap::new());
            Side { rig, sockets, servers, connections, sends, owed }
        };
        let sides = [side(0), side(1)];
        let random = Random::new(seed);
        sim.world().stutter = Some(Random::new(!seed));
        sim.world().is_prompt = seed.is_multiple_of(2);
        let read_keys = BTreeSet::new();
        Self { random, sim, sides, last_key: 0, read_keys, received: 0, connected: 0 }
    }

    // --- what the programs are told

    fn connect(&mut self, who: usize, id: i32) {
        self.last_key += 1;
        self.connected += 1;
        let connection = Connection { key: self.last_key, ..Connection::default() };
        let before = self.sides[who].connections.insert(id, connection);
        assert!(before.is_none(), "{id} was connected already");
    }

    fn receive(&mut self, who: usize, id: i32, data: &[u8]) {
        let connection = self.sides[who].connections.get_mut(&id);
        let connection = connection.expect("D14, R-8: data without a connection");
        for byte in data {
            if connection.came < HEAD {
                connection.head.push(*byte);
                if connection.head.len() == HEAD {
                    let key = u64::from_le_bytes(connection.head[..].try_into().unwrap());
                    assert!(key <= self.last_key, "R-5: not the beginning of a stream");
                    assert!(self.read_keys.insert(key), "stream {key} came twice");
                }
            } else {
                let key = u64::from_le_bytes(connection.head[..].try_into().unwrap());
                assert_eq!(*byte, stream_byte(key, connection.came), "R-5: at {}", connection.came);
            }
            connection.came += 1;
        }
        self.received += data.len();
    }

    // --- what the programs do

    /// One send, or several in a row.
    fn send(&mut self, who: usize, id: i32) {
        let number = 1 + self.random.below(3);
        let data: Vec<_> = (0..number).map(|_| self.next_data(who, id)).collect();
        let side = &mut self.sides[who];
        side.sends.entry(id).or_default().extend(data.iter().map(Vec::len));
        side.rig.send(id, &data);
        self.listen_to(who);
    }

    fn next_data(&mut self, who: usize, id: i32) -> Vec<u8> {
        let len = match self.random.below(10) {
            0 => 0,
            1..=6 => self.random.below(300),
            7 | 8 => self.random.below(10_000),
            _ => 16_000 + self.random.below(60_000),
        };
        let Some(connection) = self.sides[who].connections.get_mut(&id) else {
            return vec![0; len];
        };
        let from = connection.given;
        connection.given += len;
        (from..from + len).map(|at| stream_byte(connection.key, at)).collect()
    }

    fn some(&mut self, ids: impl Fn(&Side) -> &Vec<i32>, who: usize) -> i32 {
        let ids = ids(&self.sides[who]);
        // Now and then one that is gone or never was.
        if ids.is_empty() || self.random.one_in(50) {
            return i32::try_from(self.random.below(100)).unwrap();
        }
        ids[self.random.below(ids.len())]
    }

    fn act(&mut self, who: usize) {
        let mut id = self.some(|side| &side.sockets, who);
        let living = &self.sides[who].connections;
        if !living.is_empty() && self.random.one_in(2) {
            id = *living.keys().nth(self.random.below(living.len())).unwrap();
        }
        let server = self.some(|side| &side.servers, who);
        let (own, port) = (1 + who, 1 + self.random.below(3));
        let other = 3 - own;
        match self.random.below(40) {
            0..=2 if self.sides[who].sockets.len() < SOCKETS => {
                self.call(who, "create()");
                let id = self.sides[who].rig.newest_id();
                self.sides[who].sockets.push(id);
            }
            3 if self.sides[who].servers.len() < 3 => {
                self.call(who, "server.create()");
                let id = self.sides[who].rig.newest_id();
                self.sides[who].servers.push(id);
            }
            4 | 5 => self.call(who, &format!("server.listen({server}, \"10.0.0.{own}\", {port})")),
            6..=8 => self.call(who, &format!("connect({id}, \"10.0.0.{other}\", {port})")),
            9 => self.call(who, &format!("connect({id}, \"name.test\", {port})")),
            10..=20 => self.send(who, id),
            21..=24 => {
                let paused = self.random.one_in(3);
                self.call(who, &format!("setPaused({id}, {paused})"));
            }
            25 => {
                let size = [0, 1, 7, 1000, 100_000][self.random.below(5)];
                self.call(who, &format!("update({id}, bufferSize {size})"));
            }
            26 if self.random.one_in(3) => self.call(who, &format!("disconnect({id})")),
            27 if self.random.one_in(3) => {
                self.call(who, &format!("close({id})"));
                self.sides[who].sockets.retain(|other| *other != id);
            }
            28..=30 => self.call(who, &format!("getInfo({id})> getSockets()")),
            31 => {
                let paused = self.random.one_in(4);
                self.call(who, &format!("server.setPaused({server}, {paused})"));
            }
            32 if self.random.one_in(4) => {
                self.call(who, &format!("server.disconnect({server})"));
            }
            33 if self.random.one_in(8) => {
                self.call(who, &format!("server.close({server})"));
                self.sides[who].servers.retain(|other| *other != server);
            }
            34 => self.answer(who),
            35 => self.trouble(),
            _ => self.release(who),
        }
    }

    fn answer(&mut self, who: usize) {
        let Some(serial) = self.sides[who].rig.queries.keys().next().copied() else { return };
        let answer = match self.random.below(4) {
            0 => Err(Status::NameNotResolved),
            number => Ok((0..number)
                .map(|n| format!("10.0.0.{}", 2 - who + 7 * (n % 2)).parse().unwrap())
                .collect()),
        };
        self.sides[who].rig.answer(serial, answer);
        self.listen_to(who);
    }

    fn trouble(&mut self) {
        match self.random.below(10) {
            0 => self.sim.break_one(&mut self.random),
            1 => self.sim.world().fail_connect.push_back(libc::EMFILE),
            2 => self.sim.world().fail_accept.push_back(libc::EMFILE),
            3 => self.sim.world().fail_watch.push_back(libc::ENOMEM),
            4 => {
                let capacity = 1 + self.random.below(100_000);
                self.sim.world().buffer = capacity;
            }
            5 => {
                let place = match self.random.below(6) {
                    0 => Place::Silent,
                    1 => {
                        Place::After(std::time::Duration::from_millis(400), Box::new(Place::Normal))
                    }
                    _ => Place::Normal,
                };
                let address =
                    format!("10.0.0.{}:{}", 1 + self.random.below(2), 1 + self.random.below(3));
                self.sim.place(&address, place);
            }
            _ => self.sim.advance(std::time::Duration::from_millis(self.random.below(600) as u64)),
        }
    }

    /// The network is good again and everybody reads: whatever was sent on a connection that still
    /// lives has arrived, all of it.
    fn part(&mut self) {
        self.sim.heal();
        self.sim.widen(1_000_000_000);
        for who in [0, 1] {
            for id in self.sides[who].servers.clone() {
                self.call(who, &format!("server.setPaused({id}, false)"));
            }
        }
        self.settle();
        for who in [0, 1] {
            for id in self.sides[who].sockets.clone() {
                self.call(who, &format!("setPaused({id}, false)"));
            }
        }
        self.settle();
        let given = |side: &Side| {
            let living = side.connections.values();
            living.map(|c| (c.key, c.given)).collect::<BTreeMap<_, _>>()
        };
        let given = [given(&self.sides[0]), given(&self.sides[1])];
        for who in [0, 1] {
            assert!(self.sides[who].sends.values().all(VecDeque::is_empty), "sends left");
            for connection in self.sides[who].connections.values() {
                let Ok(head) = connection.head[..].try_into() else { continue };
                if let Some(given) = given[1 - who].get(&u64::from_le_bytes(head)) {
                    assert_eq!(connection.came, *given, "R-5: all of it");
                }
            }
        }
    }
}

fn converse(seed: u64, steps: usize) {
    println!("seed {seed}");
    let mut talk = Talk::new(seed);
    for _ in 0..steps {
        let who = talk.random.below(2);
        talk.act(who);
        for _ in 0..talk.random.below(4) {
            let who = talk.random.below(2);
            talk.turn(who);
        }
    }
    talk.part();
    // The test is worth something only if something happened.
    let (connected, received) = (talk.connected, talk.received);
    println!("{connected} connections, {received} bytes");
    assert!(connected > 50 && received > 500_000);
}

#[test]
fn random_conversations_keep_the_rules() {
    for seed in 1..=8 {
        converse(seed, 4000);
    }
}
