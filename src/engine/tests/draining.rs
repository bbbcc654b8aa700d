//! What was sent when a connection is closed still reaches the peer (tcp.md DC-7, CL-4).

use bytes::BytesMut;

use super::{connected, connected_with, rig, settle};
use crate::engine::Engine;
use crate::engine::sim::SimNetwork;
use crate::engine::tests::driver::Rig;
use crate::net::Stream;

/// Socket 1, paused, has sent "bye"; bytes of the peer wait unread.
fn unread() -> Rig {
    let mut rig = connected_with("create()> setPaused(1, true)");
    rig.play("> send(1, \"bye\")\n < send 1: sent 3\n P sends \"unread\"");
    rig
}

#[test]
fn a_connection_closed_with_unread_input_ends_instead_of_resetting_cl_4() {
    for end in ["disconnect", "close"] {
        let mut rig = unread();
        rig.play(&format!(
            r#"
            > {end}(1)
            < {end} 1: ok
            P sees "bye" end
            "#,
        ));
        assert_eq!(rig.sim.live_streams(0), (0, 1), "drains for a while");
        // What the peer still says is drained, then its end closes the connection.
        rig.play("P sends \"more\"\n P sends \"and more\"");
        assert_eq!(rig.sim.live_streams(0), (0, 1));
        rig.play("P closes");
        assert_eq!(rig.sim.live_streams(0), (0, 0));
        rig.pass(10_000);
    }
}

#[test]
fn what_was_sent_from_the_queue_is_protected_as_well_cl_4() {
    let mut rig = connected_with("create()> setPaused(1, true)");
    rig.play("> send(1, 20000 bytes)\n < send 1: sent 20000\n P sends \"unread\"");
    rig.play("> close(1)\n < close 1: ok\n P sees 20000 bytes end");
    assert_eq!(rig.sim.live_streams(0), (0, 1));
}

#[test]
fn draining_ends_after_two_seconds_cl_4() {
    let mut rig = unread();
    rig.play("> close(1)\n < close 1: ok\n T 1999");
    assert_eq!(rig.sim.live_streams(0), (0, 1));
    rig.play("T 1");
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn draining_ends_after_a_megabyte_cl_4() {
    let mut rig = unread();
    rig.play("> close(1)\n < close 1: ok");
    let mut taken = 0;
    while rig.sim.live_streams(0).1 > 0 {
        taken += rig.peers[0].as_mut().unwrap().write(&[0; 10_000]).unwrap();
        rig.run();
        assert!(taken <= 2 * 1024 * 1024, "drains without end");
    }
    assert!(taken >= 1024 * 1024, "gave up after {taken}");
}

#[test]
fn a_peer_that_resets_ends_the_draining_cl_4() {
    let mut rig = unread();
    rig.play("> close(1)\n < close 1: ok\n P resets");
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn a_drain_that_cannot_be_set_up_closes_at_once_cl_4() {
    let mut rig = unread();
    rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    rig.play("> close(1)\n < close 1: ok");
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn nothing_drains_where_there_is_nothing_to_protect() {
    // Nothing unread.
    let mut rig = connected();
    rig.play(
        "> send(1, \"x\") > close(1)\n < send 1: sent 1\n < close 1: ok\n ! onReceiveError 1: -100",
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
    // Nothing sent.
    let mut rig = connected_with("create()> setPaused(1, true)");
    rig.play("P sends \"x\"\n > close(1)\n < close 1: ok");
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn a_connection_that_never_sent_ends_in_order_although_it_was_not_read_pa_5() {
    for end in ["disconnect", "close"] {
        let mut rig = connected_with("create()> setPaused(1, true)");
        rig.play(&format!("P sends \"unread\"\n > {end}(1)\n < {end} 1: ok\n P sees end"));
    }
}

#[test]
fn the_end_of_the_app_and_its_suspension_drain_as_well_cl_4() {
    let end: [fn(&mut Engine<SimNetwork>); 2] = [Engine::shut_down, Engine::suspend];
    for end in end {
        let mut rig = unread();
        rig.input(0, end);
        rig.run();
        assert_eq!(rig.sim.live_streams(0), (0, 1));
        rig.play("P sees \"bye\" end\n P closes");
        assert_eq!(rig.sim.live_streams(0), (0, 0));
    }
}

#[test]
fn several_connections_drain_side_by_side_cl_4() {
    let mut rig = rig();
    for id in 1..=20 {
        rig.issue(&format!("create()> setPaused({id}, true)> connect({id}, \"10.0.0.1\", 80)"));
    }
    settle(&mut rig);
    for id in 1..=20 {
        rig.issue(&format!("send({id}, \"x\")"));
        rig.peers[id - 1].as_mut().unwrap().write(b"unread").unwrap();
        rig.issue(&format!("close({id})"));
    }
    rig.run();
    assert_eq!(rig.sim.live_streams(0), (0, 20));
    rig.peers.truncate(10);
    rig.run();
    assert_eq!(rig.sim.live_streams(0), (0, 10));
    rig.pass(2000);
    assert_eq!(rig.sim.live_streams(0), (0, 0));
    assert_eq!(rig.engine.next_due(), None);
}

#[test]
fn the_next_connection_of_the_id_is_not_mixed_with_the_draining_one_cl_4() {
    let mut rig = unread();
    rig.play(
        r#"
        > disconnect(1) > connect(1, "10.0.0.1", 80) > setPaused(1, false)
        < disconnect 1: ok
        < setPaused 1: ok
        < connect 1: 0
        P1 sends "old"
        P2 sends "new"
        ! onReceive 1: "new"
        P1 closes
        T 3000
        P2 sends "newer"
        ! onReceive 1: "newer"
        "#,
    );
}

// --- what the peer does not have yet

/// Socket 1 has sent 20,000 bytes, which its peer has not taken, and is closed.
fn underway(end: &str) -> Rig {
    let mut rig = connected();
    rig.sim.world().acknowledges_late = true;
    rig.play("> send(1, 20000 bytes)\n < send 1: sent 20000");
    rig.play(&format!("> {end}(1)\n < {end} 1: ok\n ! onReceiveError 1: -100"));
    assert_eq!(rig.sim.live_streams(0), (0, 1));
    rig
}

/// Lets time pass, in small steps; how much passes until the connection is closed.
fn wait_closed(rig: &mut Rig) -> u32 {
    let mut passed = 0;
    while rig.sim.live_streams(0).1 > 0 {
        rig.pass(10);
        passed += 10;
        assert!(passed < 1_000_000, "it drains without end");
    }
    assert_eq!(rig.engine.next_due(), None);
    passed
}

#[test]
fn what_the_peer_says_before_it_has_everything_resets_nothing_dc_7_cl_4() {
    for end in ["disconnect", "close"] {
        let mut rig = underway(end);
        rig.play("P sends \"a word\"\n T 1000\n P sends \"another\"\n T 3000");
        rig.play("P sees 20000 bytes end");
        // It is found soon that it has everything.
        assert!(wait_closed(&mut rig) <= 2000);
    }
}

#[test]
fn that_the_peer_has_everything_is_mostly_found_at_once_cl_4() {
    let mut rig = underway("close");
    rig.play("T 30\n P sees 20000 bytes end");
    assert_eq!(wait_closed(&mut rig), 20);
}

#[test]
fn a_peer_that_has_everything_is_not_waited_for_cl_4() {
    let mut rig = connected();
    rig.sim.world().acknowledges_late = true;
    rig.play("> send(1, \"all\")\n < send 1: sent 3\n P sees \"all\" open");
    rig.play("> close(1)\n < close 1: ok\n ! onReceiveError 1: -100");
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn a_peer_that_takes_nothing_is_waited_for_ten_seconds_cl_4() {
    let passed = wait_closed(&mut underway("close"));
    assert!((10_000..=12_000).contains(&passed), "{passed} ms");
}

#[test]
fn a_peer_that_takes_some_is_waited_for_a_minute_cl_4() {
    let mut rig = underway("close");
    let mut passed = 0;
    while rig.sim.live_streams(0).1 > 0 {
        rig.peers[0].as_mut().unwrap().read(&mut BytesMut::new(), 100).unwrap();
        rig.pass(1000);
        passed += 1000;
    }
    assert!((60_000..=62_000).contains(&passed), "{passed} ms");
}

#[test]
fn a_peer_may_say_much_before_it_takes_anything_cl_4() {
    let mut rig = underway("close");
    let mut said = 0;
    while said < 5 * 1024 * 1024 {
        said += rig.peers[0].as_mut().unwrap().write(&[0; 10_000]).unwrap();
        rig.run();
    }
    rig.play("P sees 20000 bytes end\n P closes");
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn what_was_sent_before_a_secure_that_is_under_way_is_protected_as_well_dc_7_cl_4() {
    let mut rig = connected_with("create()> setPaused(1, true)");
    rig.sim.world().acknowledges_late = true;
    rig.play("> send(1, 20000 bytes)\n < send 1: sent 20000");
    rig.issue("secure(1)> close(1)");
    rig.run();
    assert_eq!(rig.trace, ["< secure 1: -3", "< close 1: ok"]);
    assert_eq!(rig.sim.live_streams(0), (0, 1));
}
