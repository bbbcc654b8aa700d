//! What the peer said before it broke the connection is still delivered when a write finds it broken (tcp.md
//! R-5, S-8).

use super::driver::{LIMITS, Rig};
use super::{HERE, scripted, settle};
use crate::engine::Limits;
use crate::engine::sim::{Place, Step};

#[test]
fn what_the_peer_said_before_the_write_error_is_delivered_first_r_5() {
    let mut rig = scripted(
        &[Step::Data(b"last"), Step::Data(b"words"), Step::End],
        &[Step::Fail(libc::EPIPE)],
    );
    rig.play(
        r#"
        > send(1, "x")
        ! onReceive 1: "last"
        ! onReceive 1: "words"
        < send 1: -101
        ! onReceiveError 1: -101
        "#,
    );
}

#[test]
fn a_paused_socket_delivers_only_the_read_in_flight_pa_3() {
    let mut rig = Rig::new();
    let script = Place::Script(
        vec![Step::Data(b"last"), Step::Data(b"words")],
        vec![Step::Fail(libc::EPIPE)],
    );
    rig.sim.place(HERE, script);
    rig.issue("create(bufferSize 3)> connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig.play(
        r#"
        > setPaused(1, true) > send(1, "x")
        < setPaused 1: ok
        ! onReceive 1: "las"
        < send 1: -101
        "#,
    );
}

/// A peer that talks without end cannot hold up the end, nor the other sockets.
#[test]
fn the_last_words_have_a_limit_r_5() {
    let words = vec![Step::Data(&[b'x'; 60_000]); 100];
    let mut rig = scripted(&words, &[Step::Fail(libc::EPIPE)]);
    rig.issue("send(1, \"x\")");
    let received = rig.received[&1].len();
    assert!((1_000_000..2_000_000).contains(&received), "{received}");
    assert_eq!(rig.trace.last().unwrap(), "! onReceiveError 1: -101");
}

/// Each event counts more than its data.
#[test]
fn the_last_words_in_small_events_have_a_limit_r_5_r_10() {
    let mut rig = Rig::new();
    let words = vec![Step::Data(&[b'x'; 60_000]); 100];
    rig.sim.place(HERE, Place::Script(words, vec![Step::Fail(libc::EPIPE)]));
    rig.issue("create(bufferSize 1)> connect(1, \"10.0.0.1\", 80)> setPaused(1, true)");
    settle(&mut rig);
    rig.issue("setPaused(1, false)> send(1, \"x\")");
    rig.run();
    let events = rig.trace.iter().filter(|line| line.starts_with("! onReceive 1:")).count();
    assert!((1000..10_000).contains(&events), "{events}");
    assert_eq!(rig.trace.last().unwrap(), "! onReceiveError 1: -101");
}

/// However many connections are broken, what they said is no more than as much as the app may have undelivered again.
#[test]
fn the_last_words_of_all_connections_have_a_limit_r_5_r_10() {
    const LIMIT: usize = 100_000;
    let mut rig = super::limited(Limits { undelivered_per_app: LIMIT, ..LIMITS });
    let words = vec![Step::Data(&[b'x'; 60_000]); 10];
    rig.sim.place(HERE, Place::Script(words, vec![Step::Fail(libc::EPIPE)]));
    for id in 1..=5 {
        rig.issue(&format!("create()> connect({id}, \"10.0.0.1\", 80)"));
        settle(&mut rig);
    }
    for id in 1..=5 {
        rig.issue(&format!("send({id}, \"x\")"));
        assert_eq!(rig.trace.last().unwrap(), &format!("! onReceiveError {id}: -101"));
    }
    let received: usize = rig.received.values().map(Vec::len).sum();
    assert!((LIMIT..=2 * LIMIT + 60_000).contains(&received), "{received}");
}

/// D4: why the connection broke is what the read says, not that it can't be written to.
#[test]
fn the_cause_that_can_be_read_is_the_code_of_a_failed_write_s_8_r_7() {
    let mut rig =
        scripted(&[Step::Data(b"last"), Step::Fail(libc::ETIMEDOUT)], &[Step::Fail(libc::EPIPE)]);
    rig.play(
        r#"
        > send(1, "x")
        ! onReceive 1: "last"
        < send 1: -7
        ! onReceiveError 1: -7
        "#,
    );
}
