//! Of a fast stream the kernel tells a good deal at once; nothing that a program sees depends on it.

use super::driver::Rig;
use super::{connected, connected_with, rig, settle};
use crate::engine::sim::Place;
use crate::net::Stream;

const PIECE: usize = 40_000;
const MARK: usize = 128 * 1024;

/// The peer sends so many pieces, each of which finds the one before read if it was told of.
fn send(rig: &mut Rig, pieces: usize) {
    for _ in 0..pieces {
        let peer = rig.peers[0].as_mut().unwrap();
        assert_eq!(peer.write(&[b'x'; PIECE]).unwrap(), PIECE);
        rig.run();
    }
}

/// Which marks the engine has asked for since the last look.
fn marks(rig: &Rig) -> Vec<usize> {
    let calls = rig.sim.take_calls();
    let marks = calls.iter().filter_map(|call| call.split_once(" low water "));
    marks.map(|(_, mark)| mark.split(' ').next().unwrap().parse().unwrap()).collect()
}

fn received(rig: &Rig) -> usize {
    rig.received.get(&1).map_or(0, Vec::len) / PIECE
}

/// A stream that is told of a good deal at once.
fn fast() -> Rig {
    let mut rig = connected();
    send(&mut rig, 31);
    assert!(marks(&rig).is_empty());
    send(&mut rig, 1);
    assert_eq!((marks(&rig), received(&rig)), (vec![MARK], 32));
    rig
}

#[test]
fn a_fast_stream_is_read_once_there_is_a_good_deal() {
    let mut rig = fast();
    for n in 1..100 {
        send(&mut rig, 3);
        assert_eq!(received(&rig), 32 + 4 * (n - 1));
        send(&mut rig, 1);
        assert_eq!(received(&rig), 32 + 4 * n);
        rig.pass(1);
    }
    assert!(marks(&rig).is_empty());
}

#[test]
fn the_end_of_a_burst_comes_a_little_later() {
    let mut rig = fast();
    send(&mut rig, 1);
    assert_eq!(received(&rig), 32);
    rig.pass(1);
    assert_eq!(received(&rig), 33);
    assert_eq!(marks(&rig), [1]);
    assert_eq!(rig.engine.next_due(), None, "there is nothing to wait for");
    send(&mut rig, 1);
    assert_eq!(received(&rig), 34);
}

#[test]
fn the_end_of_the_stream_is_told_at_once() {
    let mut rig = fast();
    send(&mut rig, 1);
    rig.peers[0] = None;
    rig.run();
    assert_eq!(received(&rig), 33);
    assert_eq!(rig.trace.last().unwrap(), "! onReceiveError 1: -100");
    rig.pass(5);
    assert!(marks(&rig).is_empty());
}

#[test]
fn bursts_have_to_be_ever_longer() {
    let mut rig = fast();
    for needed in 6..=8 {
        rig.pass(1);
        assert_eq!(marks(&rig), [1]);
        send(&mut rig, (1 << needed) - 1);
        assert!(marks(&rig).is_empty());
        send(&mut rig, 1);
        assert_eq!(marks(&rig), [MARK]);
        rig.received.clear();
    }
}

/// What was told of is not late by the mark.
#[test]
fn a_program_that_pauses_makes_no_burst_longer() {
    let mut rig = fast();
    for _ in 0..3 {
        rig.issue("setPaused(1, true)");
        send(&mut rig, 4);
        rig.pass(1);
        assert_eq!(marks(&rig), [1]);
        rig.issue("setPaused(1, false)");
        rig.run();
        send(&mut rig, 32);
        assert_eq!(marks(&rig), [MARK]);
    }
}

/// Of the attempts to connect a time is left that comes later.
#[test]
fn another_time_is_no_look() {
    let mut rig = rig();
    rig.sim.place("10.0.0.3:80", Place::Silent);
    rig.issue("create()> connect(1, \"a.test\", 80)");
    settle(&mut rig);
    rig.answer(1, Ok(["10.0.0.3", "10.0.0.1"].map(|it| it.parse().unwrap()).into()));
    rig.pass(250);
    settle(&mut rig);
    send(&mut rig, 32);
    assert_eq!(marks(&rig), [MARK]);
    for _ in 0..1000 {
        send(&mut rig, 4);
        rig.pass(1);
    }
    assert!(marks(&rig).is_empty());
}

/// The peer may wait for an answer before it sends on.
#[test]
fn a_connection_that_answers_is_told_of_whatever_comes() {
    let mut rig = connected();
    for n in 1..1000 {
        send(&mut rig, 1);
        assert_eq!(received(&rig), n);
        answer(&mut rig);
    }
    assert!(marks(&rig).is_empty());
}

fn answer(rig: &mut Rig) {
    rig.issue("send(1, \"ok\")");
    rig.run();
}

#[test]
fn answers_end_it_and_make_no_burst_longer() {
    let mut rig = fast();
    for n in 0..3 {
        for _ in 0..2 {
            assert!(marks(&rig).is_empty());
            answer(&mut rig);
            send(&mut rig, 4);
        }
        assert_eq!((marks(&rig), received(&rig)), (vec![1], 40 + 40 * n));
        send(&mut rig, 31);
        assert!(marks(&rig).is_empty());
        send(&mut rig, 1);
        assert_eq!((marks(&rig), received(&rig)), (vec![MARK], 72 + 40 * n));
    }
}

/// As who downloads tells how far it has come.
#[test]
fn an_answer_now_and_then_does_not_end_it() {
    let mut rig = fast();
    for n in 1..50 {
        answer(&mut rig);
        for _ in 0..3 {
            send(&mut rig, 3);
            assert_eq!(received(&rig) % 4, 0);
            send(&mut rig, 1);
        }
        rig.pass(1);
        assert_eq!(received(&rig), 32 + 12 * n);
    }
    assert!(marks(&rig).is_empty());
}

#[test]
fn small_reads_are_no_fast_stream() {
    let mut rig = connected();
    for _ in 0..10 {
        send(&mut rig, 31);
        rig.play("P sends \"small\"\n ! onReceive 1: \"small\"");
    }
    assert!(marks(&rig).is_empty());
}

#[test]
fn a_pause_of_the_program_ends_it() {
    let mut rig = fast();
    rig.issue("setPaused(1, true)");
    send(&mut rig, 1);
    rig.pass(1);
    rig.pass(1);
    assert_eq!((marks(&rig), received(&rig)), (vec![1], 32));
    rig.issue("setPaused(1, false)");
    rig.run();
    assert_eq!(received(&rig), 33);
}

/// What the peer says in a handshake is short.
#[test]
fn securing_ends_it() {
    let mut rig = fast();
    rig.issue("setPaused(1, true)");
    send(&mut rig, 4);
    rig.issue("secure(1)");
    assert_eq!(marks(&rig), [1]);
}

#[test]
fn a_connection_that_has_ended_is_forgotten() {
    let mut rig = fast();
    rig.issue("disconnect(1)> connect(1, \"10.0.0.1\", 80)");
    rig.run();
    assert_eq!(marks(&rig), [1], "what it drains is to be told");
    rig.pass(5);
    assert!(marks(&rig).is_empty());
    assert_eq!(rig.engine.next_due(), None);
}

#[test]
fn a_system_that_cannot_is_asked_once() {
    let mut rig = connected();
    rig.sim.world().fail_option.push_back(libc::EOPNOTSUPP);
    send(&mut rig, 1000);
    assert_eq!((marks(&rig), received(&rig)), (vec![MARK], 1000));
    assert_eq!(rig.engine.next_due(), None);
}

/// Who asks for each read is told of what there is.
#[test]
fn reads_that_are_asked_for_are_not_part_of_it() {
    let mut rig = connected_with("create(bufferSize 65536)> setPaused(1, true)");
    for n in 0..100 {
        rig.issue("setPaused(1, false)> setPaused(1, true)");
        send(&mut rig, 1);
        assert_eq!(received(&rig), n + 1);
    }
    assert!(marks(&rig).is_empty());
}
