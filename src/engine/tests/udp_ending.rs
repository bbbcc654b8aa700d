//! `sockets.udp`: close, suspension, unload, and what they do to pending calls (udp.md 4.7, 8, 10).

use super::driver::Rig;
use super::{settle, udp_bound};

#[test]
fn close_frees_port_and_id_and_raises_nothing_4_7() {
    let mut rig = udp_bound();
    rig.mates[0].send_to("unread", "10.0.0.9:7");
    rig.play(
        r#"
        > udp.joinGroup(1, "224.0.0.1") > udp.close(1) > udp.close(1) > udp.getInfo(1)
        < udp.joinGroup 1: 0
        < udp.close 1: ok
        < udp.close 1: "Socket not found"
        < udp.getInfo 1: "Socket not found"
        > udp.create() > udp.bind(2, "10.0.0.9", 7) > udp.getJoinedGroups(2)
        < udp.create 2: ok
        < udp.bind 2: 0
        < udp.getJoinedGroups 2: []
        "#,
    );
}

#[test]
fn a_socket_closes_before_bind_4_7() {
    Rig::new().play("> udp.create() > udp.close(1)\n < udp.create 1: ok\n < udp.close 1: ok");
}

#[test]
fn datagrams_held_by_a_pause_go_with_the_socket_4_7() {
    let mut rig = udp_bound();
    rig.play(
        r#"
        > udp.setPaused(1, true)
        < udp.setPaused 1: ok
        U sends "1" to 10.0.0.9:7
        > udp.close(1)
        < udp.close 1: ok
        U sends "2" to 10.0.0.9:7
        "#,
    );
    // One too long holds those behind it.
    let mut rig = udp_bound();
    for text in [5000, 5001] {
        rig.play(&format!(
            "> udp.setPaused(1, true)\n < udp.setPaused 1: ok\n U sends {text} bytes to 10.0.0.9:7"
        ));
    }
    rig.play(
        r#"
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        ! udp.onReceiveError 1: -142
        > udp.setPaused(1, false) > udp.close(1)
        < udp.setPaused 1: ok
        < udp.close 1: ok
        "#,
    );
}

#[test]
fn a_send_that_is_being_resolved_finds_no_socket_8() {
    udp_bound().play(
        r#"
        > udp.send(1, "x", "a.test", 9) > udp.send(1, "y", "b.test", 9) > udp.close(1)
        < udp.send 1: "Socket not found"
        < udp.send 1: "Socket not found"
        < udp.close 1: ok
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        ? q1 unwanted
        ? q2 unwanted
        "#,
    );
}

/// Also one that has its address and waits for its turn only.
#[test]
fn sends_that_a_close_cancels_complete_in_order_6_2_8() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    rig.play(
        r#"
        > udp.send(1, "x", "a.test", 9) > udp.send(1, "y", "10.0.0.1", 9) > udp.send(1, "z", "b.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        A q2 10.0.0.1
        > udp.close(1)
        < udp.send 1: "Socket not found"
        < udp.send 1: "Socket not found"
        < udp.send 1: -15
        < udp.close 1: ok
        ? q1 unwanted
        "#,
    );
}

/// D1.
#[test]
fn sends_that_wait_for_the_system_get_15_8() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    rig.play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9) > udp.send(1, "y", "10.0.0.1", 9) > udp.close(1)
        < udp.send 1: -15
        < udp.send 1: -15
        < udp.close 1: ok
        "#,
    );
    rig.sim.fill_send_buffers(false);
    rig.run();
    assert!(rig.trace.is_empty());
}

#[test]
fn an_answer_after_the_close_does_nothing_8() {
    let mut rig = udp_bound();
    rig.issue("udp.send(1, \"x\", \"a.test\", 9)");
    rig.run();
    let query = rig.queries[&1].id;
    rig.issue("udp.close(1)");
    settle(&mut rig);
    rig.input(1, |engine| engine.handle_answer(query, Ok(vec!["10.0.0.1".parse().unwrap()])));
    rig.run();
    assert!(rig.trace.is_empty(), "{:?}", rig.trace);
    assert!(rig.mates[0].take().is_none());
}

#[test]
fn close_gives_the_quota_back_8() {
    let mut rig = udp_bound();
    rig.quota = 3;
    rig.sim.fill_send_buffers(true);
    rig.play(
        r#"
        > udp.send(1, "abc", "10.0.0.1", 9) > udp.create() > udp.send(2, "a", "10.0.0.1", 9)
        < udp.create 2: ok
        < udp.send 2: "Exceeded write quota."
        > udp.close(1) > udp.send(2, "abc", "10.0.0.1", 9)
        < udp.send 1: -15
        < udp.close 1: ok
        < udp.send 2: -15
        "#,
    );
}

// --- 10

#[test]
fn suspension_closes_what_is_not_persistent_10() {
    let mut rig = Rig::new();
    rig.issue("udp.create()> udp.bind(1, \"10.0.0.9\", 7)");
    rig.issue("udp.create(persistent true)> udp.bind(2, \"10.0.0.9\", 8)");
    rig.issue("udp.create(persistent true)> udp.update(3, persistent false)");
    rig.issue("udp.create()> udp.update(4, persistent true)");
    rig.issue("udp.joinGroup(2, \"224.0.0.1\")");
    settle(&mut rig);
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    rig.input(0, |engine| engine.suspend());
    assert!(rig.trace.is_empty(), "{:?}", rig.trace);
    assert_eq!(rig.sim.live_datagrams(0), 1);
    assert_eq!(rig.accounts.open_sockets(), 2);
    rig.play(
        r#"
        # It keeps receiving.
        U sends "wake up" to 10.0.0.9:8
        ! udp.onReceive 2: "wake up" from 10.0.0.1 9
        > udp.getSockets() > udp.getInfo(2) > udp.getJoinedGroups(2) > udp.getInfo(1)
        < udp.getSockets: [2, 4]
        < udp.getInfo 2: persistent local 10.0.0.9 8
        < udp.getJoinedGroups 2: [224.0.0.1]
        < udp.getInfo 1: "Socket not found"
        # The port is free.
        > udp.bind(4, "10.0.0.9", 7)
        < udp.bind 4: 0
        "#,
    );
}

#[test]
fn suspension_completes_what_it_cancels_10() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    rig.play("> udp.send(1, \"x\", \"10.0.0.1\", 9) > udp.send(1, \"y\", \"a.test\", 9)\n ? q1 of 1: a.test Any");
    rig.input(1, |engine| engine.suspend());
    rig.run();
    assert_eq!(rig.trace.iter().filter(|line| line.starts_with("< udp.send 1:")).count(), 2);
    assert!(rig.trace.contains(&"? q1 unwanted".to_owned()), "{:?}", rig.trace);
    rig.sim.fill_send_buffers(false);
}

#[test]
fn unload_closes_persistent_ones_too_10() {
    let mut rig = Rig::new();
    rig.issue("udp.create(persistent true)> udp.bind(1, \"10.0.0.9\", 7)> udp.create()");
    settle(&mut rig);
    rig.input(0, |engine| engine.shut_down());
    rig.play(
        r#"
        > udp.getSockets()
        < udp.getSockets: []
        > udp.create() > udp.bind(3, "10.0.0.9", 7)
        < udp.create 3: ok
        < udp.bind 3: 0
        "#,
    );
}
