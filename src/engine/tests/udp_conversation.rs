//! Two engines exchange datagrams over a bad network: random calls, random faults, from printed
//! seeds.
//!
//! What must hold whatever happens: each datagram is whole, comes at most once, to a socket that is
//! open and not paused, and those of one sender in the order of its calls, to names and to literals
//! apart; likewise successful sends complete. The driver checks ids, completions and what may follow
//! a close.

use std::collections::{BTreeMap, BTreeSet};

use super::driver::{Rig, render};
use super::talking::{self, Talking};
use crate::api::event::{Event, Payload};
use crate::api::net_error::Status;
use crate::api::table::EventType as T;
use crate::engine::Limits;
use crate::engine::sim::{Random, Sim};

/// Sockets one side has at most at a time.
const SOCKETS: usize = 5;
/// What they send to, besides literals.
const NAME: &str = "name.test";

struct Side {
    rig: Rig,
    sockets: Vec<i32>,
    paused: BTreeSet<i32>,
    /// The number of the last datagram that a socket got from a socket of the other side, by `NAME` or otherwise.
    heard: BTreeMap<(i32, i32, bool), u32>,
    /// The ticket of the last successful send, to `NAME` or otherwise.
    sent: BTreeMap<(i32, bool), usize>,
    /// The tickets of sends to `NAME`.
    by_name: BTreeSet<usize>,
    /// Received and not released yet.
    owed: Vec<(i32, isize)>,
}

struct Talk {
    random: Random,
    sim: Sim,
    sides: [Side; 2],
    /// Datagrams sent so far; each bears its number.
    number: u32,
    received: usize,
}

/// What the datagram with this number says after its head.
fn rest_of(number: u32) -> String {
    "x".repeat(number as usize % 40)
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
            T::ChromeSocketsUdpOnReceive => {
                let Payload::Datagram(data, _) = &event.payload else { panic!("no datagram") };
                assert!(side.sockets.contains(&id), "D14: {}", render(event));
                assert!(!side.paused.contains(&id), "5.3: {}", render(event));
                let text = std::str::from_utf8(data).unwrap();
                let (from, host, number, rest) = {
                    let mut parts = text.split(' ');
                    let mut part = || parts.next().unwrap();
                    (part().parse().unwrap(), part(), part().parse().unwrap(), part())
                };
                assert_eq!(rest, rest_of(number), "whole: {text}");
                let before = side.heard.insert((id, from, host == NAME), number);
                assert!(before < Some(number), "5.5, 7: {text} after {before:?}");
                side.owed.push((id, event.weight().cast_signed()));
                self.received += 1;
            }
            // It is paused now; resuming is up to chance.
            T::ChromeSocketsUdpOnReceiveError => drop(side.paused.insert(id)),
            T::ChromeSocketsUdpSend if event.result == Some(0) => {
                let ticket = event.ticket.unwrap().user_data;
                let before = side.sent.insert((id, side.by_name.contains(&ticket)), ticket);
                assert!(before < Some(ticket), "7: {}", render(event));
            }
            _ => {}
        }
    }
}

impl Talk {
    fn new(seed: u64) -> Self {
        let sim = Sim::new();
        let limits = Limits {
            undelivered_per_socket: 2000,
            undelivered_per_app: 5000,
            count_undelivered: true,
        };
        let sides = [0, 1].map(|host| {
            let rig = talking::rig(&sim, host, limits);
            Side {
                rig,
                sockets: Vec::new(),
                paused: BTreeSet::new(),
                heard: BTreeMap::new(),
                sent: BTreeMap::new(),
                by_name: BTreeSet::new(),
                owed: Vec::new(),
            }
        });
        Self { random: Random::new(seed), sim, sides, number: 0, received: 0 }
    }

    /// Now and then one that is gone or never was.
    fn some(&mut self, who: usize) -> i32 {
        let sockets = &self.sides[who].sockets;
        if sockets.is_empty() || self.random.one_in(50) {
            return i32::try_from(1 + self.random.below(100)).unwrap();
        }
        sockets[self.random.below(sockets.len())]
    }

    fn send(&mut self, who: usize, id: i32, host: &str, port: usize) {
        self.number += 1;
        let (number, rest) = (self.number, rest_of(self.number));
        // Ids of the two sides overlap, but each only hears the other and itself: told apart by sign.
        let from = if who == 0 { id } else { -id };
        if host == NAME {
            let ticket = self.sides[who].rig.last_ticket + 1;
            self.sides[who].by_name.insert(ticket);
        }
        let data = format!("{from} {host} {number} {rest}");
        self.call(who, &format!("udp.send({id}, \"{data}\", \"{host}\", {port})"));
    }

    fn act(&mut self, who: usize) {
        let id = self.some(who);
        let (own, port) = (1 + who, 101 + self.random.below(4));
        match self.random.below(40) {
            0..=2 if self.sides[who].sockets.len() < SOCKETS => {
                self.call(who, "udp.create()");
                let id = self.sides[who].rig.newest_id();
                self.sides[who].sockets.push(id);
            }
            3..=6 => self.call(who, &format!("udp.bind({id}, \"10.0.0.{own}\", {port})")),
            7..=22 => {
                let host = format!("10.0.0.{}", 1 + self.random.below(2));
                self.send(who, id, &host, port);
            }
            23 | 24 => self.send(who, id, NAME, port),
            25..=27 => {
                let paused = self.random.one_in(3);
                // The id of one that is still to be created means nothing yet.
                if paused && self.sides[who].sockets.contains(&id) {
                    self.sides[who].paused.insert(id);
                } else {
                    self.sides[who].paused.remove(&id);
                }
                self.call(who, &format!("udp.setPaused({id}, {paused})"));
            }
            28 => {
                let size = [0, 20, 1000][self.random.below(3)];
                self.call(who, &format!("udp.update({id}, bufferSize {size})"));
            }
            29 if self.random.one_in(4) => {
                self.sides[who].sockets.retain(|other| *other != id);
                self.call(who, &format!("udp.close({id})"));
            }
            30 => self.call(who, "udp.getSockets()"),
            31 | 32 => self.answer(who),
            33 => self.trouble(),
            _ => self.release(who),
        }
    }

    fn answer(&mut self, who: usize) {
        let queries = &self.sides[who].rig.queries;
        if queries.is_empty() {
            return;
        }
        let serial = *queries.keys().nth(self.random.below(queries.len())).unwrap();
        let answer = if self.random.one_in(3) {
            Err(Status::NameNotResolved)
        } else {
            Ok(vec![format!("10.0.0.{}", 2 - who).parse().unwrap()])
        };
        self.sides[who].rig.answer(serial, answer);
        self.listen_to(who);
    }

    fn trouble(&mut self) {
        match self.random.below(6) {
            0 => self.sim.world().air.fail_send.push_back(libc::ENETUNREACH),
            1 => self.sim.world().air.fail_open.push_back(libc::EMFILE),
            2 => self.sim.world().air.batch = 1 + self.random.below(20),
            3 => self.sim.world().air.room = 1 + self.random.below(60),
            _ => self.sim.fill_send_buffers(self.random.one_in(2)),
        }
    }

    /// The network is good again: every open socket gets what is sent to it now.
    fn part(&mut self) {
        self.sim.fill_send_buffers(false);
        let mut world = self.sim.world();
        (world.air.room, world.air.batch) = (10_000, 16);
        world.air.fail_send.clear();
        world.air.fail_open.clear();
        drop(world);
        for who in [0, 1] {
            while !self.sides[who].rig.queries.is_empty() {
                self.answer(who);
            }
            for id in self.sides[who].sockets.clone() {
                self.call(who, &format!("udp.update({id}, bufferSize 1000)"));
                self.sides[who].paused.remove(&id);
                self.call(who, &format!("udp.setPaused({id}, false)"));
            }
        }
        self.settle();
        for who in [0, 1] {
            self.call(who, "udp.create()");
            let id = self.sides[who].rig.newest_id();
            self.sides[who].sockets.push(id);
            self.call(who, &format!("udp.bind({id}, \"10.0.0.{}\", 99)", 1 + who));
        }
        let before = self.received;
        for who in [0, 1] {
            let id = *self.sides[who].sockets.last().unwrap();
            for _ in 0..50 {
                self.send(who, id, &format!("10.0.0.{}", 2 - who), 99);
            }
        }
        self.settle();
        assert_eq!(self.received - before, 100, "nothing is lost on a good network");
    }
}

#[test]
fn random_datagrams_keep_the_rules_5_5_7() {
    for seed in 1..=8 {
        println!("seed {seed}");
        let mut talk = Talk::new(seed);
        for _ in 0..6000 {
            let who = talk.random.below(2);
            talk.act(who);
            for _ in 0..talk.random.below(4) {
                let who = talk.random.below(2);
                talk.turn(who);
            }
        }
        talk.part();
        // The test is worth something only if something happened.
        println!("{} of {} datagrams came", talk.received, talk.number);
        assert!(talk.received > 300);
    }
}
