//! `setPaused`, `setKeepAlive`, `setNoDelay` (tcp.md 3.3, 3.4).

use std::io;

use super::{connected, connected_with, listening, rig, scripted};
use crate::engine::sim::{Place, Step};
use crate::engine::tests::driver::Rig;
use crate::net::Stream;

#[test]
fn set_paused_is_ok_in_every_state_pa_1() {
    let mut rig = connected();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > setPaused(2, true) > setPaused(2, true) > setPaused(2, false) > setPaused(2, false)
        < create 2: ok
        < setPaused 2: ok
        < setPaused 2: ok
        < setPaused 2: ok
        < setPaused 2: ok
        > connect(2, "10.0.0.2", 80) > setPaused(2, true) > setPaused(2, false) > disconnect(2)
        < setPaused 2: ok
        < setPaused 2: ok
        < connect 2: -3
        < disconnect 2: ok
        > connect(2, "a.test", 80) > setPaused(2, true) > disconnect(2) > setPaused(2, true)
        < setPaused 2: ok
        < connect 2: -3
        < disconnect 2: ok
        < setPaused 2: ok
        ? q1 of 2: a.test Any
        ? q1 unwanted
        P closes
        ! onReceiveError 1: -100
        > setPaused(1, true) > setPaused(1, false)
        < setPaused 1: ok
        < setPaused 1: ok
        "#,
    );
}

#[test]
fn setting_the_value_it_has_does_nothing_pa_1() {
    let mut rig = connected();
    rig.play(
        r#"
        > setPaused(1, false) > setPaused(1, false)
        < setPaused 1: ok
        < setPaused 1: ok
        P sends "x"
        ! onReceive 1: "x"
        $
        ~ 1 read 65536 -> 1
        > setPaused(1, true)
        < setPaused 1: ok
        P sends "y"
        ! onReceive 1: "y"
        # No second leftover read.
        > setPaused(1, true)
        < setPaused 1: ok
        P sends "z"
        "#,
    );
}

#[test]
fn unpausing_starts_reading_only_when_connected_pa_2() {
    rig().play(
        r#"
        > create() > setPaused(1, true) > setPaused(1, false) > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < setPaused 1: ok
        < setPaused 1: ok
        < connect 1: 0
        P sends "a"
        ! onReceive 1: "a"
        "#,
    );
    connected_with("create()> setPaused(1, true)").play(
        r#"
        P sends "a"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "a"
        P sends "b"
        ! onReceive 1: "b"
        "#,
    );
}

#[test]
fn pausing_lets_the_one_read_in_flight_deliver_pa_3() {
    connected().play(
        r#"
        > setPaused(1, true)
        < setPaused 1: ok
        P sends "a"
        ! onReceive 1: "a"
        P sends "b"
        > getInfo(1)
        < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 80
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "b"
        "#,
    );
}

#[test]
fn the_leftover_read_delivers_no_more_than_its_own_size_pa_3() {
    connected_with("create(bufferSize 4)").play(
        r#"
        > setPaused(1, true)
        < setPaused 1: ok
        P sends "abcdefghij"
        ! onReceive 1: "abcd"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "efgh"
        ! onReceive 1: "ij"
        "#,
    );
}

#[test]
fn the_leftover_read_may_report_the_end_instead_pa_3() {
    for (act, code) in [("closes", -100), ("resets", -101)] {
        connected().play(&format!(
            r#"
            > setPaused(1, true)
            < setPaused 1: ok
            P {act}
            ! onReceiveError 1: {code}
            > getInfo(1)
            < getInfo 1: - paused
            "#,
        ));
    }
}

#[test]
fn pausing_while_data_is_already_waiting_delivers_one_event_pa_3() {
    // The pause is called before the engine has read what the kernel holds.
    let mut rig = connected_with("create(bufferSize 2)");
    rig.peers[0].as_mut().unwrap().write(b"abcdef").unwrap();
    rig.play(
        r#"
        > setPaused(1, true)
        < setPaused 1: ok
        ! onReceive 1: "ab"
        "#,
    );
}

#[test]
fn unpausing_during_the_leftover_read_neither_doubles_nor_reports_pa_4() {
    connected_with("create(bufferSize 4)").play(
        r#"
        > setPaused(1, true) > setPaused(1, false) > getInfo(1)
        < setPaused 1: ok
        < setPaused 1: ok
        < getInfo 1: connected bufferSize 4 local 10.9.9.9 50001 peer 10.0.0.1 80
        P sends "abcdef"
        ! onReceive 1: "abcd"
        ! onReceive 1: "ef"
        P closes
        ! onReceiveError 1: -100
        "#,
    );
}

#[test]
fn a_paused_socket_in_the_end_blocks_its_peer_pa_5() {
    let mut rig = rig();
    rig.sim.world().buffer = 1000;
    rig.play(
        r#"
        > create() > setPaused(1, true) > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < setPaused 1: ok
        < connect 1: 0
        P sends 1000 bytes
        "#,
    );
    let error = rig.peers[0].as_mut().unwrap().write(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    rig.play(
        r#"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: 1000 bytes
        P sends "x"
        ! onReceive 1: "x"
        "#,
    );
}

#[test]
fn a_paused_socket_notices_nothing_pa_6() {
    for (act, code) in [("closes", -100), ("resets", -101)] {
        let mut rig = connected_with("create()> setPaused(1, true)");
        rig.play(&format!(
            r#"
            P sends "last words"
            P {act}
            > getInfo(1)
            < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 80
            # Not even a system call.
            $
            > setPaused(1, false)
            < setPaused 1: ok
            ! onReceive 1: "last words"
            ! onReceiveError 1: {code}
            "#,
        ));
    }
}

#[test]
fn a_server_remembers_its_pause_flag_in_every_state_ac_9() {
    listening().play(
        r#"
        > server.setPaused(1, true) > server.getInfo(1)
        < server.setPaused 1: ok
        < server.getInfo 1: paused local 10.0.0.9 7
        > server.disconnect(1) > server.getInfo(1) > server.setPaused(1, false) > server.getInfo(1)
        < server.disconnect 1: ok
        < server.getInfo 1: paused
        < server.setPaused 1: ok
        < server.getInfo 1:
        "#,
    );
}

// --- 3.4

/// Both option calls on socket 1.
const OPTIONS: &str = r#"
    > setKeepAlive(1, true, 10) > setKeepAlive(1, false, 0) > setNoDelay(1, false) > setNoDelay(1, true)
"#;

fn fail_with_minus_2(rig: &mut Rig) {
    rig.play(&format!(
        r#"{OPTIONS}
        < setKeepAlive 1: -2
        < setKeepAlive 1: -2
        < setNoDelay 1: -2
        < setNoDelay 1: -2
        "#,
    ));
}

#[test]
fn options_fail_on_a_socket_that_is_not_connected_3_4() {
    let mut created = Rig::new();
    created.issue("create()");
    fail_with_minus_2(&mut created);

    created.sim.place("10.0.0.1:80", Place::Silent);
    created.issue("connect(1, \"10.0.0.1\", 80)");
    fail_with_minus_2(&mut created);
    created.issue("disconnect(1)");
    created.run();
    fail_with_minus_2(&mut created);

    created.issue("connect(1, \"a.test\", 80)");
    created.run();
    fail_with_minus_2(&mut created);
    created.play("A q1 10.0.0.7\n < connect 1: -102");
    fail_with_minus_2(&mut created);

    let mut ended = connected();
    ended.play("P closes\n ! onReceiveError 1: -100");
    fail_with_minus_2(&mut ended);
}

#[test]
fn options_reach_the_system_on_a_connected_socket_ka_1_to_ka_4() {
    let expected = r#"
        < setKeepAlive 1: 0
        < setKeepAlive 1: 0
        < setNoDelay 1: 0
        < setNoDelay 1: 0
        $
        ~ 1 keepAlive true 10 -> 0
        ~ 1 keepAlive false 0 -> 0
        ~ 1 noDelay false -> 0
        ~ 1 noDelay true -> 0
        # KA-3: zero leaves the timing alone; what to make of it is the system layer's.
        > setKeepAlive(1, true, 0) > setKeepAlive(1, true, -1)
        < setKeepAlive 1: 0
        < setKeepAlive 1: 0
        $
        ~ 1 keepAlive true 0 -> 0
        ~ 1 keepAlive true -1 -> 0
    "#;
    connected().play(&format!("{OPTIONS}{expected}"));
    connected_with("create()> setPaused(1, true)").play(&format!("{OPTIONS}{expected}"));
}

#[test]
fn options_work_on_an_accepted_socket_3_4() {
    listening().play(
        r#"
        P connects 10.0.0.9:7
        ! onAccept 1: client 2
        # The system calls of what is watched are told.
        > setPaused(2, false)
        < setPaused 2: ok
        > setNoDelay(2, false) > setKeepAlive(2, true, 30)
        < setNoDelay 2: 0
        < setKeepAlive 2: 0
        $
        ~ 2 noDelay false -> 0
        ~ 2 keepAlive true 30 -> 0
        "#,
    );
}

#[test]
fn an_option_the_system_refuses_fails_with_minus_2_whatever_the_reason_ka_4() {
    for errno in [libc::EINVAL, libc::ENOPROTOOPT, libc::EPERM, libc::ECONNRESET] {
        let mut rig = connected();
        rig.sim.world().fail_option.extend([errno, errno]);
        rig.play(
            r#"
            > setKeepAlive(1, true, 40000) > setNoDelay(1, true)
            < setKeepAlive 1: -2
            < setNoDelay 1: -2
            # The connection is unharmed.
            P sends "x"
            ! onReceive 1: "x"
            "#,
        );
    }
}

#[test]
fn the_engine_leaves_the_defaults_of_a_fresh_connection_alone_ka_5() {
    rig().play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < connect 1: 0
        $
        ~ 1 connect 10.0.0.1:80 #0
        "#,
    );
}

#[test]
fn a_read_that_blocks_is_not_tried_again_before_the_next_edge() {
    scripted(&[Step::Block, Step::Data(b"x")], &[]).play(
        r#"
        > getInfo(1)
        < getInfo 1: connected local 10.9.9.9 50001 peer 10.0.0.1 80
        $
        "#,
    );
}
