//! A connection that is there at once, since it was accepted or is one within the host, is watched only once it has to
//! wait, and then nothing is missed.

use std::time::Duration;

use super::{listening, rig};
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;

/// A listener with one connection, socket 2; it holds so many bytes each way.
fn accepted(capacity: usize) -> Rig {
    let mut rig = listening();
    rig.sim.widen(capacity);
    rig.play("P connects 10.0.0.9:7\n ! onAccept 1: client 2");
    assert_eq!(rig.sim.watched_streams(0), 0);
    rig
}

#[test]
fn a_connection_that_has_ended_before_it_is_read_is_never_watched_r_6_ac_3() {
    let mut rig = accepted(1000);
    // It would be an error.
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play(
        r#"
        P ends
        > send(2, "y")
        < send 2: sent 1
        > setPaused(2, false)
        < setPaused 2: ok
        ! onReceiveError 2: -100
        P sees "y" end
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn what_comes_after_the_first_read_is_told_pa_2() {
    for before in ["", "P sends \"x\"\n"] {
        let mut rig = accepted(1000);
        let first = if before.is_empty() { "" } else { "! onReceive 2: \"x\"\n" };
        rig.play(&format!("{before}> setPaused(2, false)\n < setPaused 2: ok\n {first}"));
        assert_eq!(rig.sim.watched_streams(0), 1);
        rig.play(
            r#"
            P sends "z"
            ! onReceive 2: "z"
            P ends
            ! onReceiveError 2: -100
            "#,
        );
    }
}

#[test]
fn room_is_told_to_a_send_that_waits_for_it_s_2_ac_3() {
    // Paused, and reading.
    for is_paused in [true, false] {
        let mut rig = accepted(4);
        if !is_paused {
            rig.play("> setPaused(2, false)\n < setPaused 2: ok");
        }
        rig.play(
            r#"
            > send(2, "abcdef")
            P sees "abcd" open
            < send 2: sent 6
            P sees "ef" open
            "#,
        );
        assert_eq!(rig.sim.watched_streams(0), 1);
    }
    // One that has a block of its own.
    accepted(15_000).play(
        r#"
        > send(2, 20000 bytes)
        P sees 15000 bytes open
        < send 2: sent 20000
        P sees 5000 bytes open
        "#,
    );
}

#[test]
fn a_connection_that_cannot_be_watched_ends_r_7() {
    let mut rig = accepted(1000);
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play(
        r#"
        > setPaused(2, false)
        < setPaused 2: ok
        ! onReceiveError 2: -13
        P sees end
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
    // A send that waits gets the code, and the peer what was written.
    let mut rig = accepted(4);
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play(
        r#"
        > send(2, "abcdef")
        < send 2: -13
        P sees "abcd" end
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn an_unwatched_connection_drains_when_it_is_closed_cl_4() {
    let unread = r#"
        P sends "x"
        > send(2, "y") > close(2)
        < send 2: sent 1
        < close 2: ok
        P sees "y" end
        "#;
    let read_since_it_sent = r#"
        P sends "x"
        > send(2, "y") > setPaused(2, false) > setPaused(2, true)
        < send 2: sent 1
        < setPaused 2: ok
        < setPaused 2: ok
        ! onReceive 2: "x"
        P sends "z"
        > close(2)
        < close 2: ok
        P sees "y" end
        "#;
    for play in [unread, read_since_it_sent] {
        let mut rig = accepted(1000);
        rig.play(play);
        assert_eq!(rig.sim.live_streams(0), (0, 1));
        rig.play("P closes");
        assert_eq!(rig.sim.live_streams(0), (0, 0));
    }
}

/// Attempts are decided when they begin, if they can be.
fn prompt() -> Rig {
    let rig = rig();
    rig.sim.world().is_prompt = true;
    rig
}

/// Socket 1 is connected, paused, and not watched.
fn connected(capacity: usize) -> Rig {
    let mut rig = prompt();
    rig.sim.widen(capacity);
    rig.play(
        r#"
        > create() > setPaused(1, true) > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < setPaused 1: ok
        < connect 1: 0
        "#,
    );
    assert_eq!(rig.sim.watched_streams(0), 0);
    rig.meet();
    rig
}

#[test]
fn a_connect_that_is_over_at_once_is_so_behind_the_calls_made_with_it_3_5_13() {
    let mut rig = prompt();
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80) > connect(1, "10.0.0.1", 80) > getInfo(1)
        < create 1: ok
        < connect 1: -104
        < getInfo 1: -
        < connect 1: 0
        > create() > connect(2, "10.0.0.2", 80) > connect(2, "10.0.0.2", 80)
        < create 2: ok
        < connect 2: -104
        < connect 2: -102
        > connect(2, "10.0.0.1", 80) > disconnect(2)
        < connect 2: -3
        < disconnect 2: ok
        "#,
    );
}

#[test]
fn a_connection_made_at_once_reads_and_writes_like_any_other_r_1_s_2() {
    let mut rig = connected(4);
    rig.play(
        r#"
        P sends "abcd"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "abcd"
        > send(1, "abcdef")
        P sees "abcd" open
        < send 1: sent 6
        P sees "ef" open
        P sends "x"
        ! onReceive 1: "x"
        P ends
        ! onReceiveError 1: -100
        "#,
    );
    // A send that waits while nothing is read.
    connected(4).play(
        r#"
        > send(1, "abcdef")
        P sees "abcd" open
        < send 1: sent 6
        P sees "ef" open
        "#,
    );
    // Nothing was read or written yet.
    connected(4)
        .play("P ends\n > setPaused(1, false)\n < setPaused 1: ok\n ! onReceiveError 1: -100");
}

#[test]
fn a_connection_made_at_once_that_cannot_be_watched_ends_r_7() {
    let mut rig = connected(4);
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play(
        r#"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceiveError 1: -13
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

/// The one read that a pause has left cannot be watched: it fails, though something is there by now. If it brought that,
/// nobody would hear of the end.
#[test]
fn a_paused_connection_that_cannot_be_watched_says_so_pa_3_r_7() {
    let mut rig = connected(4);
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play(
        r#"
        P sends "x"
        > setPaused(1, false) > setPaused(1, true)
        < setPaused 1: ok
        < setPaused 1: ok
        ! onReceiveError 1: -13
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn an_attempt_that_is_not_over_at_once_is_watched_s5() {
    let mut rig = prompt();
    let later = Place::After(Duration::from_millis(100), Box::new(Place::Normal));
    rig.sim.place("10.0.0.1:80", later);
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        T 100
        < connect 1: 0
        P sends "x"
        ! onReceive 1: "x"
        "#,
    );
    // One that cannot be watched has failed.
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play("> create() > connect(2, \"10.0.0.1\", 80)\n < create 2: ok\n < connect 2: -13");
    assert_eq!(rig.sim.live_streams(0), (1, 0));
}

#[test]
fn of_several_addresses_one_that_answers_at_once_is_the_last_to_be_tried_s5() {
    let mut rig = prompt();
    rig.sim.place("10.0.0.3:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        A q1 10.0.0.2 10.0.0.1 10.0.0.3
        < connect 1: 0
        "#,
    );
    assert_eq!(rig.engine.next_due(), None, "there is nothing to wait for");
    // After one that is silent, and at the next one's time.
    rig.play(
        r#"
        > create() > connect(2, "a.test", 80)
        < create 2: ok
        ? q2 of 2: a.test Any
        A q2 10.0.0.3 10.0.0.2 10.0.0.1
        T 249
        T 1
        < connect 2: 0
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (2, 0));
}
