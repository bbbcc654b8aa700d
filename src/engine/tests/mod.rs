//! The engine against the rules of tcp.md, udp.md and socket-legacy.md, in one thread, over the simulated network.

mod draining;
mod driver;
mod play;
mod talking;

mod common;
mod connecting;
mod conversation;
mod crowding;
mod ending;
mod failing;
mod faults;
mod last_words;
mod legacy_datagrams;
mod legacy_ending;
mod legacy_serving;
mod legacy_streams;
mod low_water;
mod ordering;
mod pausing;
mod permitting;
mod racing;
mod receiving;
mod resolving;
mod securing;
mod sending;
mod serving;
mod traces;
mod udp_binding;
mod udp_conversation;
mod udp_ending;
mod udp_groups;
mod udp_joining;
mod udp_receiving;
mod udp_sending;
mod watching;

use crate::engine::Limits;
use crate::engine::sim::{Place, Sim, Step};
use crate::permissions::Grants;
use driver::Rig;

/// A peer that listens here.
const HERE: &str = "10.0.0.1:80";

/// A rig with a peer that listens at 10.0.0.1:80.
fn rig() -> Rig {
    let rig = Rig::new();
    rig.sim.serve(HERE);
    rig
}

/// The same under these limits, with a host that keeps what it receives.
fn limited(limits: Limits) -> Rig {
    let mut rig = Rig::with(&Sim::new(), 0, limits, Grants::allow_all());
    rig.sim.serve(HERE);
    rig.releases = false;
    rig
}

/// Socket 1, connected to the peer and reading.
fn connected() -> Rig {
    connected_with("create()")
}

/// The same, with the socket made by these calls.
fn connected_with(calls: &str) -> Rig {
    let mut rig = rig();
    rig.issue(calls);
    rig.issue("connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    assert_eq!(rig.peers.len(), 1);
    rig
}

/// Socket 1 connected to a script.
fn scripted(reads: &[Step], writes: &[Step]) -> Rig {
    let mut rig = Rig::new();
    let script = Place::Script(reads.to_vec(), writes.to_vec());
    rig.sim.place(HERE, script);
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig
}

/// Socket 1 listens at 10.0.0.9:7.
fn listening() -> Rig {
    let mut rig = Rig::new();
    rig.issue("server.create()> server.listen(1, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig
}

/// Socket 1 of `sockets.udp`, bound to 10.0.0.9:7; and somebody at 10.0.0.1:9.
fn udp_bound() -> Rig {
    udp_bound_to("10.0.0.9")
}

/// The same, bound to this address.
fn udp_bound_to(address: &str) -> Rig {
    let mut rig = Rig::new();
    rig.issue(&format!("udp.create()> udp.bind(1, \"{address}\", 7)"));
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    settle(&mut rig);
    rig
}

/// Lets everything happen and forgets what was said so far.
fn settle(rig: &mut Rig) {
    rig.run();
    rig.meet();
    rig.trace.clear();
    rig.sim.take_calls();
}
