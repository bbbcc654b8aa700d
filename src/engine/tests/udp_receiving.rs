//! `sockets.udp`: the receive loop, sizes, pauses, pressure (udp.md 4.2, 4.3, 5, 7).

use super::driver::{LIMITS, Rig};
use super::settle;
use crate::api::event::RECEIVE_WEIGHT;
use crate::engine::Limits;
use crate::engine::sim::Sim;
use crate::permissions::Grants;

/// Socket 1, made by these calls, bound to 10.0.0.9:7; and somebody at 10.0.0.1:9.
fn bound_with(calls: &str) -> Rig {
    bound_under(LIMITS, calls)
}

fn bound() -> Rig {
    bound_with("udp.create()")
}

fn bound_under(limits: Limits, calls: &str) -> Rig {
    let mut rig = Rig::with(&Sim::new(), 0, limits, Grants::allow_all());
    rig.issue(calls);
    rig.issue("udp.bind(1, \"10.0.0.9\", 7)");
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    settle(&mut rig);
    rig
}

#[test]
fn datagrams_are_delivered_whole_and_in_order_with_their_sender_5_1() {
    bound().play(
        r#"
        U sends "hello" to 10.0.0.9:7
        ! udp.onReceive 1: "hello" from 10.0.0.1 9
        U binds [fd00::1]:9
        U1 sends "a" to 10.0.0.9:7
        ! udp.onReceive 1: "a" from 10.0.0.1 9
        "#,
    );
}

/// One that had to wait comes once, whether the socket is paused when its time has come or not.
#[test]
fn a_datagram_that_had_to_wait_is_held_again_only_by_a_paused_socket_5_3() {
    for is_paused in [false, true] {
        let mut rig = bound();
        rig.kept = Some(Vec::new());
        rig.play("U sends \"x\" to 10.0.0.9:7\n ! udp.onReceive 1: \"x\" from 10.0.0.1 9");
        let waits = rig.kept.take().unwrap().remove(0);
        rig.play(&format!("> udp.setPaused(1, {is_paused})\n < udp.setPaused 1: ok"));
        assert_eq!(rig.engine.hold_again(&waits), is_paused);
        let again = if is_paused { "\n ! udp.onReceive 1: \"x\" from 10.0.0.1 9" } else { "" };
        rig.play(&format!("> udp.setPaused(1, false)\n < udp.setPaused 1: ok{again}"));
    }
}

#[test]
fn an_empty_datagram_is_an_event_too_5_2() {
    bound().play("U sends \"\" to 10.0.0.9:7\n ! udp.onReceive 1: \"\" from 10.0.0.1 9");
}

#[test]
fn many_datagrams_come_one_by_one_however_they_were_taken_5_1() {
    for batch in [1, 2, 7, 16] {
        let mut rig = bound();
        rig.sim.world().air.batch = batch;
        rig.issue("udp.setPaused(1, true)");
        settle(&mut rig);
        for n in 0..40 {
            rig.play(&format!("U sends \"{n}\" to 10.0.0.9:7"));
        }
        rig.issue("udp.setPaused(1, false)");
        rig.run();
        // The completion comes before the events it releases (7).
        assert_eq!(rig.trace.remove(0), "< udp.setPaused 1: ok");
        let expected: Vec<_> =
            (0..40).map(|n| format!("! udp.onReceive 1: \"{n}\" from 10.0.0.1 9")).collect();
        assert_eq!(rig.trace, expected, "{batch} at a time");
    }
}

#[test]
fn what_the_system_has_no_room_for_is_lost_5_3() {
    let mut rig = bound_with("udp.create()> udp.setPaused(1, true)");
    rig.sim.world().air.room = 2;
    rig.play(
        r#"
        U sends "1" to 10.0.0.9:7
        U sends "2" to 10.0.0.9:7
        U sends "3" to 10.0.0.9:7
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        ! udp.onReceive 1: "1" from 10.0.0.1 9
        ! udp.onReceive 1: "2" from 10.0.0.1 9
        "#,
    );
}

#[test]
fn one_busy_socket_lets_others_have_their_turn() {
    let mut rig = bound_with("udp.create()> udp.setPaused(1, true)");
    rig.sim.world().air.batch = 1;
    rig.issue("udp.create()> udp.bind(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    for _ in 0..20 {
        rig.play("U sends \"1\" to 10.0.0.9:7");
    }
    rig.mates[0].send_to("2", "10.0.0.9:8");
    rig.issue("udp.setPaused(1, false)");
    rig.run();
    let second = rig.trace.iter().position(|line| line.contains("onReceive 2")).unwrap();
    assert!(second < 10, "{:?}", rig.trace);
}

// --- sizes (5.2)

#[test]
fn a_datagram_as_long_as_the_buffer_fits_5_2() {
    bound().play(
        r#"
        U sends 4096 bytes to 10.0.0.9:7
        ! udp.onReceive 1: 4096 bytes from 10.0.0.1 9
        U sends 4097 bytes to 10.0.0.9:7
        ! udp.onReceiveError 1: -142
        > udp.getInfo(1)
        < udp.getInfo 1: paused local 10.0.0.9 7
        "#,
    );
    bound_with("udp.create(bufferSize 3)").play(
        r#"
        U sends "abc" to 10.0.0.9:7
        ! udp.onReceive 1: "abc" from 10.0.0.1 9
        U sends "abcd" to 10.0.0.9:7
        ! udp.onReceiveError 1: -142
        "#,
    );
}

#[test]
fn odd_buffer_sizes_mean_the_default_or_the_most_2_1() {
    for size in [0, -1, i32::MIN] {
        bound_with(&format!("udp.create(bufferSize {size})")).play(
            r#"
            U sends 4096 bytes to 10.0.0.9:7
            ! udp.onReceive 1: 4096 bytes from 10.0.0.1 9
            U sends 4097 bytes to 10.0.0.9:7
            ! udp.onReceiveError 1: -142
            "#,
        );
    }
    for size in [65536, 65537, i32::MAX] {
        bound_with(&format!("udp.create(bufferSize {size})")).play(
            r#"
            U sends 65507 bytes to 10.0.0.9:7
            ! udp.onReceive 1: 65507 bytes from 10.0.0.1 9
            "#,
        );
    }
}

#[test]
fn a_new_buffer_size_is_in_force_from_the_second_datagram_on_4_2() {
    bound().play(
        r#"
        > udp.update(1, bufferSize 3)
        < udp.update 1: ok
        U sends "1" to 10.0.0.9:7
        ! udp.onReceive 1: "1" from 10.0.0.1 9
        U sends "1234" to 10.0.0.9:7
        ! udp.onReceiveError 1: -142
        "#,
    );
}

#[test]
fn the_datagrams_behind_one_too_long_wait_for_the_resume_5_1_5_2() {
    for batch in [1, 16] {
        let mut rig = bound_with("udp.create()> udp.setPaused(1, true)");
        rig.sim.world().air.batch = batch;
        rig.play(
            r#"
            U sends "1" to 10.0.0.9:7
            U sends 5000 bytes to 10.0.0.9:7
            U sends "2" to 10.0.0.9:7
            U sends 5000 bytes to 10.0.0.9:7
            U sends "3" to 10.0.0.9:7
            > udp.setPaused(1, false)
            < udp.setPaused 1: ok
            ! udp.onReceive 1: "1" from 10.0.0.1 9
            ! udp.onReceiveError 1: -142
            > udp.getInfo(1)
            < udp.getInfo 1: paused local 10.0.0.9 7
            U sends "4" to 10.0.0.9:7
            > udp.setPaused(1, false)
            < udp.setPaused 1: ok
            ! udp.onReceive 1: "2" from 10.0.0.1 9
            ! udp.onReceiveError 1: -142
            > udp.setPaused(1, false)
            < udp.setPaused 1: ok
            ! udp.onReceive 1: "3" from 10.0.0.1 9
            ! udp.onReceive 1: "4" from 10.0.0.1 9
            "#,
        );
    }
}

/// What was held may become too long, or fit, by an `update` meanwhile.
#[test]
fn held_datagrams_are_measured_when_they_are_delivered_4_2() {
    let mut rig = bound();
    rig.issue("udp.setPaused(1, true)");
    settle(&mut rig);
    rig.play(
        r#"
        U sends 5000 bytes to 10.0.0.9:7
        U sends 5001 bytes to 10.0.0.9:7
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        ! udp.onReceiveError 1: -142
        > udp.update(1, bufferSize 65536) > udp.setPaused(1, false)
        < udp.update 1: ok
        < udp.setPaused 1: ok
        ! udp.onReceive 1: 5001 bytes from 10.0.0.1 9
        "#,
    );
}

// --- pauses (4.3, 5.3)

#[test]
fn a_paused_socket_raises_nothing_and_delivers_all_after_the_resume_5_3() {
    let mut rig = bound();
    rig.play(
        r#"
        > udp.setPaused(1, true)
        < udp.setPaused 1: ok
        U sends "1" to 10.0.0.9:7
        U sends "2" to 10.0.0.9:7
        > udp.send(1, "x", "10.0.0.1", 9)
        < udp.send 1: sent 1
        > udp.setPaused(1, true) > udp.getInfo(1)
        < udp.setPaused 1: ok
        < udp.getInfo 1: paused local 10.0.0.9 7
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        ! udp.onReceive 1: "1" from 10.0.0.1 9
        ! udp.onReceive 1: "2" from 10.0.0.1 9
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        "#,
    );
}

#[test]
fn a_socket_paused_before_bind_receives_nothing_5_3() {
    let mut rig = bound_with("udp.create()> udp.setPaused(1, true)");
    rig.play(
        r#"
        U sends "1" to 10.0.0.9:7
        > udp.setPaused(1, false) > udp.setPaused(1, true)
        < udp.setPaused 1: ok
        < udp.setPaused 1: ok
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        ! udp.onReceive 1: "1" from 10.0.0.1 9
        "#,
    );
}

/// 5.3: no stray delivery; what was taken from the system is held.
#[test]
fn a_pause_before_the_turn_holds_what_has_arrived_5_3() {
    let mut rig = bound();
    rig.mates[0].send_to("1", "10.0.0.9:7");
    rig.play(
        r#"
        > udp.setPaused(1, true)
        < udp.setPaused 1: ok
        > udp.setPaused(1, false)
        < udp.setPaused 1: ok
        ! udp.onReceive 1: "1" from 10.0.0.1 9
        "#,
    );
}

// --- errors (5.1, 5.4)

#[test]
fn a_receive_error_pauses_and_the_resume_goes_on_5_1() {
    let mut rig = bound();
    for (errno, code) in [(libc::ENOMEM, -13), (libc::ENETDOWN, -106), (libc::EDOM, -2)] {
        rig.sim.break_datagram(1, errno);
        rig.mates[0].send_to("after", "10.0.0.9:7");
        rig.play(&format!(
            r#"
            > udp.getSockets()
            < udp.getSockets: [1]
            ! udp.onReceiveError 1: {code}
            > udp.getInfo(1)
            < udp.getInfo 1: paused local 10.0.0.9 7
            > udp.setPaused(1, false)
            < udp.setPaused 1: ok
            ! udp.onReceive 1: "after" from 10.0.0.1 9
            "#,
        ));
    }
}

#[test]
fn an_interrupted_receive_is_tried_again() {
    let mut rig = bound();
    rig.mates[0].send_to("1", "10.0.0.9:7");
    rig.sim.break_datagram(1, libc::EINTR);
    rig.play(
        "> udp.getSockets()\n < udp.getSockets: [1]\n ! udp.onReceive 1: \"1\" from 10.0.0.1 9",
    );
}

// --- pressure

/// A flood of empty datagrams is bounded too.
#[test]
fn undelivered_datagrams_stop_the_receiving_empty_ones_too() {
    let limits = Limits { undelivered_per_socket: 3 * RECEIVE_WEIGHT, ..LIMITS };
    let mut rig = bound_under(limits, "udp.create()");
    rig.sim.world().air.batch = 1;
    rig.releases = false;
    for _ in 0..10 {
        rig.mates[0].send_to("", "10.0.0.9:7");
    }
    rig.run();
    assert_eq!(rig.trace.len(), 3, "{:?}", rig.trace);
    assert!(rig.engine.wants_release());
    rig.release(1, RECEIVE_WEIGHT.cast_signed());
    rig.run();
    assert_eq!(rig.trace.len(), 4, "{:?}", rig.trace);
    rig.releases = true;
    rig.release(1, 3 * RECEIVE_WEIGHT.cast_signed());
    rig.run();
    assert_eq!(rig.trace.len(), 10, "{:?}", rig.trace);
}

#[test]
fn a_batch_may_exceed_the_bound_once_and_no_more() {
    let limits = Limits { undelivered_per_socket: 1, ..LIMITS };
    let mut rig = bound_under(limits, "udp.create()");
    rig.sim.world().air.batch = 4;
    rig.releases = false;
    for _ in 0..10 {
        rig.mates[0].send_to("x", "10.0.0.9:7");
    }
    rig.run();
    assert_eq!(rig.trace.len(), 4, "{:?}", rig.trace);
    rig.release(1, 4 * (1 + RECEIVE_WEIGHT.cast_signed()));
    rig.run();
    assert_eq!(rig.trace.len(), 8, "{:?}", rig.trace);
}

#[test]
fn the_app_s_bound_holds_all_its_sockets() {
    let limits = Limits { undelivered_per_app: 2 * RECEIVE_WEIGHT, ..LIMITS };
    let mut rig = bound_under(limits, "udp.create()");
    rig.issue("udp.create()> udp.bind(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    rig.sim.world().air.batch = 1;
    rig.releases = false;
    rig.mates[0].send_to("", "10.0.0.9:7");
    rig.mates[0].send_to("", "10.0.0.9:7");
    rig.run();
    rig.mates[0].send_to("", "10.0.0.9:8");
    rig.run();
    assert_eq!(rig.trace.len(), 2, "{:?}", rig.trace);
    // A closed socket's datagrams are released all the same.
    rig.issue("udp.close(1)");
    settle(&mut rig);
    rig.release(1, RECEIVE_WEIGHT.cast_signed());
    rig.run();
    assert_eq!(rig.trace, ["! udp.onReceive 2: \"\" from 10.0.0.1 9"]);
}

#[test]
fn a_host_that_counts_for_itself_is_not_bounded() {
    let limits =
        Limits { undelivered_per_socket: 1, undelivered_per_app: 1, count_undelivered: false };
    let mut rig = bound_under(limits, "udp.create()");
    rig.releases = false;
    for _ in 0..20 {
        rig.play("U sends \"x\" to 10.0.0.9:7\n ! udp.onReceive 1: \"x\" from 10.0.0.1 9");
    }
}

// --- two engines

#[test]
fn two_engines_talk_to_each_other() {
    let sim = Sim::new();
    let mut one = Rig::with(&sim, 0, LIMITS, Grants::allow_all());
    let mut two = Rig::with(&sim, 1, LIMITS, Grants::allow_all());
    one.issue("udp.create()> udp.bind(1, \"10.0.0.1\", 1)");
    two.issue("udp.create()> udp.bind(1, \"10.0.0.2\", 2)");
    settle(&mut one);
    settle(&mut two);
    one.play("> udp.send(1, \"ping\", \"10.0.0.2\", 2)\n < udp.send 1: sent 4");
    two.play("> udp.send(1, \"pong\", \"10.0.0.1\", 1)\n < udp.send 1: sent 4\n ! udp.onReceive 1: \"ping\" from 10.0.0.1 1");
    one.run();
    assert_eq!(one.trace, ["! udp.onReceive 1: \"pong\" from 10.0.0.2 2"]);
}

#[test]
fn delivered_data_is_not_written_over() {
    let mut rig = bound();
    rig.holds = true;
    for n in 0..30 {
        rig.play(&format!(
            "U sends \"data {n}\" to 10.0.0.9:7\n ! udp.onReceive 1: \"data {n}\" from 10.0.0.1 9"
        ));
    }
    assert_eq!(rig.held.len(), 30);
}
