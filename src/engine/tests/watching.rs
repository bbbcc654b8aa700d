//! An accepted connection is watched only once it has to wait, and then nothing is missed.

use super::listening;
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
