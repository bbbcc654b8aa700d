//! Rules common to all calls: ids, unknown sockets, properties, `getInfo` (tcp.md 1, 2, 8).

use super::{connected, connected_with, listening, rig, settle};
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;

#[test]
fn ids_count_up_from_1_and_are_never_used_again_g_1() {
    Rig::new().play(
        r#"
        > create() > create()
        < create 1: ok
        < create 2: ok
        > close(2) > close(1) > create()
        < close 2: ok
        < close 1: ok
        < create 3: ok
        "#,
    );
}

#[test]
fn one_counter_serves_both_namespaces_s2_instead_of_g_2() {
    Rig::new().play(
        r#"
        > create() > server.create() > create()
        < create 1: ok
        < server.create 2: ok
        < create 3: ok
        # An id of the other namespace is an unknown id.
        > getInfo(2) > server.getInfo(1) > close(2) > server.close(1)
        < getInfo 2: "Socket not found"
        < server.getInfo 1: "Socket not found"
        < close 2: "Socket not found"
        < server.close 1: "Socket not found"
        > getSockets() > server.getSockets()
        < getSockets: [1, 3]
        < server.getSockets: [2]
        "#,
    );
}

#[test]
fn accepted_sockets_take_the_next_id_of_the_tcp_namespace_g_3() {
    listening().play(
        r#"
        > create()
        < create 2: ok
        P connects 10.0.0.9:7
        ! onAccept 1: client 3
        > create() > getSockets() > server.getSockets()
        < create 4: ok
        < getSockets: [2, 3, 4]
        < server.getSockets: [1]
        "#,
    );
}

#[test]
fn creating_sockets_opens_nothing_and_has_no_limit_g_6() {
    let mut rig = Rig::new();
    for _ in 0..10_000 {
        rig.issue("create()");
    }
    assert_eq!(rig.accounts.open_sockets(), 10_000);
    assert!(rig.sim.take_calls().is_empty());
    assert_eq!(rig.sim.live_streams(rig.host), (0, 0));
}

const NOT_FOUND: &str = r#"
    > update(ID, name "x") > setPaused(ID, true) > connect(ID, "10.0.0.1", 80) > disconnect(ID)
    < update ID: "Socket not found"
    < setPaused ID: "Socket not found"
    < connect ID: "Socket not found"
    < disconnect ID: "Socket not found"
    > send(ID, "x") > send(ID, 20000 bytes) > close(ID) > getInfo(ID)
    < send ID: "Socket not found"
    < send ID: "Socket not found"
    < close ID: "Socket not found"
    < getInfo ID: "Socket not found"
    > setKeepAlive(ID, true, 0) > setNoDelay(ID, true)
    < setKeepAlive ID: -2 "Socket not found"
    < setNoDelay ID: -2 "Socket not found"
"#;

const SERVER_NOT_FOUND: &str = r#"
    > server.update(ID, name "x") > server.setPaused(ID, true) > server.listen(ID, "10.0.0.9", 7)
    < server.update ID: "Socket not found"
    < server.setPaused ID: "Socket not found"
    < server.listen ID: "Socket not found"
    > server.disconnect(ID) > server.close(ID) > server.getInfo(ID)
    < server.disconnect ID: "Socket not found"
    < server.close ID: "Socket not found"
    < server.getInfo ID: "Socket not found"
"#;

#[test]
fn unknown_closed_and_foreign_ids_are_not_found_1_3() {
    let mut rig = Rig::new();
    rig.issue("create()> server.create()> create()> server.create()");
    rig.issue("close(3)> server.close(4)");
    settle(&mut rig);
    for id in ["2", "3", "4", "99", "0", "-1", "-2147483648", "2147483647"] {
        rig.play(&NOT_FOUND.replace("ID", id));
    }
    for id in ["1", "3", "4", "99", "0", "-1", "-2147483648", "2147483647"] {
        rig.play(&SERVER_NOT_FOUND.replace("ID", id));
    }
    rig.play(
        r#"
        > getSockets() > server.getSockets()
        < getSockets: [1]
        < server.getSockets: [2]
        "#,
    );
}

// --- 2.1, 8.1

#[test]
fn properties_have_defaults_and_update_replaces_only_what_is_given_2_1() {
    Rig::new().play(
        r#"
        > create() > getInfo(1)
        < create 1: ok
        < getInfo 1: -
        > update(1, persistent true, name "x", bufferSize 7) > getInfo(1)
        < update 1: ok
        < getInfo 1: - persistent name "x" bufferSize 7
        > update(1) > getInfo(1)
        < update 1: ok
        < getInfo 1: - persistent name "x" bufferSize 7
        > update(1, name "y") > update(1, persistent false) > getInfo(1)
        < update 1: ok
        < update 1: ok
        < getInfo 1: - name "y" bufferSize 7
        # The empty name clears it.
        > update(1, name "") > getInfo(1)
        < update 1: ok
        < getInfo 1: - bufferSize 7
        > create(persistent true, name "z", bufferSize 1) > getInfo(2)
        < create 2: ok
        < getInfo 2: - persistent name "z" bufferSize 1
        > server.create(persistent true, name "s") > server.getInfo(3)
        < server.create 3: ok
        < server.getInfo 3: persistent name "s"
        > server.update(3, name "") > server.update(3, persistent false) > server.getInfo(3)
        < server.update 3: ok
        < server.update 3: ok
        < server.getInfo 3:
        "#,
    );
}

#[test]
fn buffer_sizes_of_zero_and_less_are_taken_and_mean_4096_2_1() {
    for size in [0, -1, i32::MIN] {
        let mut rig = connected_with(&format!("create(bufferSize {size})"));
        rig.play(
            r#"
            > getInfo(1)
            < getInfo 1: connected local 10.9.9.9 50001 peer 10.0.0.1 80
            P sends 5000 bytes
            ! onReceive 1: 4096 bytes
            ! onReceive 1: 904 bytes
            "#,
        );
    }
}

#[test]
fn update_works_in_every_state_and_disturbs_nothing_2_1() {
    let mut rig = connected();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(2, "10.0.0.2", 80) > update(2, name "a") > getInfo(2)
        < create 2: ok
        < update 2: ok
        < getInfo 2: - name "a"
        > create() > connect(3, "a.test", 80) > update(3, name "b") > getInfo(3)
        < create 3: ok
        < update 3: ok
        < getInfo 3: - name "b"
        ? q1 of 3: a.test Any
        > update(1, persistent true)
        < update 1: ok
        P sends "x"
        ! onReceive 1: "x"
        > setPaused(1, true) > update(1, persistent false)
        < setPaused 1: ok
        < update 1: ok
        P closes
        ! onReceiveError 1: -100
        > update(1, name "c") > getInfo(1)
        < update 1: ok
        < getInfo 1: - paused name "c"
        "#,
    );
}

// --- 2.2, one test per row of the state table

#[test]
fn info_of_a_created_socket_2_2() {
    Rig::new().play(
        r#"
        > create() > getInfo(1)
        < create 1: ok
        < getInfo 1: -
        > setPaused(1, true) > getInfo(1)
        < setPaused 1: ok
        < getInfo 1: - paused
        "#,
    );
}

#[test]
fn info_of_a_connecting_socket_2_2() {
    let mut rig = Rig::new();
    rig.sim.place("10.0.0.1:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        > getInfo(1) > setPaused(1, true) > getInfo(1)
        < getInfo 1: -
        < setPaused 1: ok
        < getInfo 1: - paused
        > create() > connect(2, "a.test", 80)
        < create 2: ok
        ? q1 of 2: a.test Any
        > getInfo(2)
        < getInfo 2: -
        "#,
    );
}

#[test]
fn info_of_a_connected_socket_has_the_addresses_never_the_name_2_2() {
    let mut rig = rig();
    rig.sim.serve("[2001:db8:0:0:0:0:0:1]:80");
    rig.sim.serve("[::ffff:127.0.0.1]:80");
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < connect 1: 0
        > getInfo(1)
        < getInfo 1: connected local 10.9.9.9 50001 peer 10.0.0.1 80
        > create() > connect(2, "2001:DB8::1", 80) > getInfo(2)
        < create 2: ok
        < getInfo 2: -
        < connect 2: 0
        > getInfo(2)
        < getInfo 2: connected local fd00::9 50002 peer 2001:db8::1 80
        # T-1
        > create() > connect(3, "::ffff:127.0.0.1", 80)
        < create 3: ok
        < connect 3: 0
        > getInfo(3)
        < getInfo 3: connected local fd00::9 50003 peer ::ffff:7f00:1 80
        "#,
    );
}

#[test]
fn info_while_the_peer_has_closed_and_nobody_has_read_the_end_2_2() {
    connected_with("create()> setPaused(1, true)").play(
        r#"
        P closes
        > getInfo(1)
        < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 80
        "#,
    );
}

#[test]
fn info_after_the_end_or_an_error_was_reported_2_2() {
    for (act, code) in [("closes", -100), ("resets", -101)] {
        connected().play(&format!(
            r#"
            P {act}
            ! onReceiveError 1: {code}
            > getInfo(1)
            < getInfo 1: - paused
            "#,
        ));
    }
}

#[test]
fn info_after_a_failed_send_is_paused_only_if_a_read_was_in_flight_2_2() {
    let reset = r#"
        P breaks 104
        > getInfo(1)
    "#;
    let mut paused_before = connected_with("create()> setPaused(1, true)");
    paused_before.play(&format!(
        r#"{reset}
        < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 80
        > send(1, "x") > getInfo(1)
        < send 1: -101
        < getInfo 1: - paused
        "#,
    ));
    // Both in one turn: the send finds the reset before the read does.
    let mut rig = connected();
    rig.peers[0].take().unwrap().reset();
    rig.play(
        r#"
        > send(1, "x") > getInfo(1)
        < send 1: -101
        ! onReceiveError 1: -101
        < getInfo 1: - paused
        "#,
    );
    // A flag set by hand before it, then no read in flight: unchanged.
    let mut rig = connected_with("create()> setPaused(1, true)");
    rig.play(
        r#"
        P breaks 104
        > send(1, "x") > setPaused(1, false) > getInfo(1)
        < send 1: -101
        < setPaused 1: ok
        < getInfo 1: -
        "#,
    );
}

#[test]
fn info_after_disconnect_is_paused_if_a_read_was_in_flight_2_2() {
    connected().play(
        r#"
        > disconnect(1) > getInfo(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        < getInfo 1: - paused
        "#,
    );
    // Never connected: nothing was in flight.
    Rig::new().play(
        r#"
        > create() > disconnect(1) > getInfo(1)
        < create 1: ok
        < disconnect 1: ok
        < getInfo 1: -
        "#,
    );
}

#[test]
fn info_after_a_failed_connect_keeps_the_pause_flag_2_2() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < connect 1: -102
        > getInfo(1) > setPaused(1, true) > connect(1, "10.0.0.1", 80)
        < getInfo 1: -
        < setPaused 1: ok
        < connect 1: -102
        > getInfo(1)
        < getInfo 1: - paused
        "#,
    );
}

#[test]
fn info_of_a_server_has_addresses_while_it_listens_8_2() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > server.create(name "s") > server.listen(1, "10.0.0.9", 0) > server.getInfo(1)
        < server.create 1: ok
        < server.listen 1: 0
        < server.getInfo 1: name "s" local 10.0.0.9 50001
        > server.disconnect(1) > server.getInfo(1)
        < server.disconnect 1: ok
        < server.getInfo 1: name "s"
        "#,
    );
    rig.sim.world().fail_listen.push_back(libc::EACCES);
    rig.play(
        r#"
        > server.listen(1, "10.0.0.9", 80) > server.getInfo(1)
        < server.listen 1: -10
        < server.getInfo 1: name "s"
        "#,
    );
}

#[test]
fn tickets_come_back_with_their_own_completions_g_20() {
    // The driver compares type, socket and ticket of every completion; here out of call order.
    let mut rig = rig();
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80) > create() > connect(2, "10.0.0.1", 80)
        < create 1: ok
        < create 2: ok
        < connect 2: 0
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < connect 1: 0
        "#,
    );
    assert_eq!(rig.accounts.completed(), 4);
}
