//! What a peer can cost: memory, turns, and nobody else's time.

use std::io::Write;

use bytes::Bytes;

use super::peer::{DATA, HANDSHAKE};
use super::{Case, Talk};
use crate::api::event::RECEIVE_WEIGHT;
use crate::api::net_error::Status;
use crate::engine::sim::{Place, Step};
use crate::engine::tests::driver::Rig;
use crate::engine::tests::play::pattern;

fn secured() -> Talk {
    let mut talk = Case::good().begin();
    talk.run();
    talk.events();
    talk.works();
    talk
}

#[test]
fn a_message_that_never_ends_is_read_up_to_a_limit_7_7() {
    // A certificate that grows by whole records, of which none completes it.
    let mut talk = Case::good().speaking(&rustls::version::TLS12).begin();
    talk.rig.run();
    talk.hear();
    let flight = talk.take_flight();
    let mut records = super::records(&flight);
    let mut all = super::peer::messages(&records[0].1);
    all.truncate(2);
    all[1][1..4].copy_from_slice(&[0, 0xff, 0xff]);
    records[0].1 = all.concat();
    talk.feed(&super::wire(&records[..1]));
    let piece = super::wire(&[(HANDSHAKE, vec![0; 16])]);
    let mut fed = 0;
    while talk.rig.trace.is_empty() {
        talk.feed(&piece);
        fed += piece.len();
        assert!(fed < 256 * 1024, "it waits for ever");
    }
    talk.has_failed(-107);
}

#[test]
fn a_paused_socket_is_not_read_and_keeps_what_it_has_r_1() {
    let mut talk = secured();
    talk.rig.play("> setPaused(1, true)\n < setPaused 1: ok");
    // The read in flight (PA-3) takes one piece; the rest stays with the kernel.
    talk.rig.received.clear();
    let data = pattern(400_000);
    talk.server.writer().write_all(&data).unwrap();
    let flight = talk.take_flight();
    let first = flight.len().min(200_000);
    talk.feed(&flight[..first]);
    assert_eq!(talk.events(), ["! onReceive 1: 4096 bytes"]);
    // One system call's worth at most was taken from it.
    assert!(talk.rig.sim.world().unread(0) >= first - 64 * 1024);
    talk.rig.sim.take_calls();
    talk.rig.pass(1000);
    assert_eq!(talk.rig.sim.take_calls(), [""; 0]);
    talk.rig.issue("setPaused(1, false)");
    talk.rig.run();
    talk.feed(&flight[first..]);
    assert!(talk.rig.received[&1] == data);
}

#[test]
fn undelivered_bytes_stop_the_reading_of_a_secured_socket_too() {
    let mut talk = secured();
    talk.rig.releases = false;
    talk.rig.received.clear();
    let data = pattern(60_000);
    let mut written = 0;
    let mut left = Bytes::new();
    while left.is_empty() {
        talk.server.writer().write_all(&data).unwrap();
        written += data.len();
        let flight = talk.take_flight();
        let room = 256 * 1024 - talk.rig.sim.world().unread(0);
        let fits = flight.len().min(room);
        talk.feed(&flight[..fits]);
        left = Bytes::copy_from_slice(&flight[fits..]);
        assert!(written < 4 * 1024 * 1024, "reading never stops");
    }
    let received = talk.rig.received[&1].len();
    let held = received + received.div_ceil(4096) * RECEIVE_WEIGHT;
    // The limit, and at most one read beyond it.
    assert!((1024 * 1024..1024 * 1024 + 128 * 1024).contains(&held), "{held}");
    talk.rig.releases = true;
    talk.rig.release(1, held.cast_signed());
    talk.feed(&left);
    assert_eq!(talk.rig.received[&1].len(), written);
}

#[test]
fn a_flood_over_tls_does_not_starve_others() {
    let mut talk = secured();
    talk.rig.sim.serve("10.0.0.2:80");
    talk.rig.issue("create()> connect(2, \"10.0.0.2\", 80)");
    talk.rig.run();
    talk.rig.meet();
    talk.events();
    // Records of one byte, many of them, are there before the other peer says a word.
    let mut flood = Vec::new();
    for _ in 0..8000 {
        talk.server.writer().write_all(b"x").unwrap();
        flood.extend(talk.take_flight());
    }
    let peer = talk.rig.peers[0].as_mut().unwrap();
    assert_eq!(crate::net::Stream::write(peer, &flood).unwrap(), flood.len());
    let other = talk.rig.peers[1].as_mut().unwrap();
    crate::net::Stream::write(other, b"word").unwrap();
    let mut turns = 0;
    while !talk.rig.received.contains_key(&2) {
        assert!(talk.rig.turn());
        turns += 1;
    }
    assert!(turns <= 4, "the other socket waited for {turns} turns");
    talk.rig.run();
    assert_eq!(talk.rig.received[&1].len(), WELCOMED + 8000);
}

const WELCOMED: usize = super::WELCOME.len();

#[test]
fn records_without_data_give_way_to_others() {
    let mut talk = Case::good()
        .speaking(&rustls::version::TLS13)
        .twisted(|kind, payload| {
            if *kind == DATA && payload == b"nothing" {
                payload.clear();
            }
        })
        .begin();
    talk.run();
    talk.events();
    talk.works();
    talk.rig.sim.serve("10.0.0.2:80");
    talk.rig.issue("create()> connect(2, \"10.0.0.2\", 80)");
    talk.rig.run();
    talk.rig.meet();
    talk.events();
    let mut flood = Vec::new();
    for _ in 0..8000 {
        talk.server.writer().write_all(b"nothing").unwrap();
        flood.extend(talk.take_flight());
    }
    crate::net::Stream::write(talk.rig.peers[0].as_mut().unwrap(), &flood).unwrap();
    crate::net::Stream::write(talk.rig.peers[1].as_mut().unwrap(), b"word").unwrap();
    let mut turns = 0;
    while !talk.rig.received.contains_key(&2) {
        assert!(talk.rig.turn());
        turns += 1;
    }
    assert!(turns <= 4, "the other socket waited for {turns} turns");
}

#[test]
fn an_end_of_the_app_ends_handshakes_and_secured_sockets_lc_6() {
    let mut talk = Case::good().begin();
    talk.rig.run();
    talk.rig.engine.shut_down();
    talk.rig.input(0, |_| {});
    assert_eq!(talk.events(), ["< secure 1: -3"]);
    let mut talk = secured();
    talk.rig.engine.shut_down();
    talk.rig.input(0, |_| {});
    assert_eq!(talk.events(), [""; 0]);
}

#[test]
fn a_server_that_reads_nothing_costs_no_turns() {
    let mut talk = Case::good().connect();
    talk.rig.sim.widen(10);
    talk.rig.issue("secure(1)");
    // Comes to rest, or panics.
    talk.rig.run();
    assert_eq!(talk.rig.sim.world().unread(1), 10);
    assert_eq!(talk.events(), [""; 0]);
    // With something to read too.
    talk.feed(&[super::peer::ALERT, 3, 3]);
    talk.rig.run();
    assert_eq!(talk.events(), [""; 0]);
    let mut talk = Case::good().connect();
    talk.rig.sim.widen(10);
    talk.rig.issue("secure(1)> setPaused(1, false)");
    talk.run();
    let events = ["< setPaused 1: ok", "< secure 1: 0", "! onReceive 1: \"welcome\""];
    assert_eq!(talk.events(), events);
}

#[test]
fn a_panic_amid_a_handshake_costs_this_socket_only() {
    let mut rig = Rig::new();
    rig.contains_panics = true;
    let script = |step| Place::Script(vec![step], vec![]);
    rig.sim.place("10.0.0.1:443", script(Step::Panic(b"HTTP")));
    rig.sim.place("10.0.0.2:443", script(Step::Data(b"HTTP/1.1 400 Bad Request")));
    for (id, address) in [(1, "10.0.0.1"), (2, "10.0.0.2")] {
        rig.issue(&format!("create()> setPaused({id}, true)> connect({id}, \"{address}\", 443)"));
    }
    rig.run();
    let unexpected = Status::Unexpected.number();
    rig.play(&format!(
        r#"
        > secure(1) > getInfo(1)
        < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 443
        < secure 1: {unexpected}
        > getInfo(1)
        < getInfo 1: "Socket not found"
        # The buffers that both share are as good as new.
        > secure(2)
        < secure 2: -107
        "#,
    ));
}
