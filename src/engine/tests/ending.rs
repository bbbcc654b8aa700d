//! `disconnect` and `close` of client sockets, and what becomes of bytes on their way (tcp.md 3.6, 3.8).

use super::{connected, connected_with, listening, rig};
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;
use crate::net::Stream;

#[test]
fn disconnect_is_ok_in_every_state_3_6() {
    connected().play(
        r#"
        > create() > disconnect(2) > disconnect(2)
        < create 2: ok
        < disconnect 2: ok
        < disconnect 2: ok
        > connect(2, "10.0.0.7", 80)
        < connect 2: -102
        > disconnect(2)
        < disconnect 2: ok
        P closes
        ! onReceiveError 1: -100
        > disconnect(1) > disconnect(1)
        < disconnect 1: ok
        < disconnect 1: ok
        "#,
    );
}

#[test]
fn disconnect_forgets_the_addresses_and_keeps_the_properties_dc_1() {
    connected_with("create(name \"n\", persistent true, bufferSize 9)").play(
        r#"
        > disconnect(1) > getInfo(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        < getInfo 1: - paused persistent name "n" bufferSize 9
        > connect(1, "10.0.0.1", 80)
        < connect 1: 0
        "#,
    );
}

#[test]
fn disconnect_reports_a_read_in_flight_after_its_own_response_dc_2() {
    connected().play(
        r#"
        > disconnect(1) > disconnect(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        < disconnect 1: ok
        "#,
    );
    // PA-3's leftover read counts.
    connected().play(
        r#"
        > setPaused(1, true) > disconnect(1)
        < setPaused 1: ok
        < disconnect 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    // Used up, it does not, and the flag stays as it is.
    connected().play(
        r#"
        > setPaused(1, true)
        < setPaused 1: ok
        P sends "x"
        ! onReceive 1: "x"
        > disconnect(1) > getInfo(1)
        < disconnect 1: ok
        < getInfo 1: - paused
        "#,
    );
    // Right after an event, the next read is already in flight: never -15.
    connected().play(
        r#"
        P sends "x"
        ! onReceive 1: "x"
        > disconnect(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        "#,
    );
}

#[test]
fn no_data_of_the_old_connection_follows_disconnect_d14() {
    let mut rig = connected();
    rig.peers[0].as_mut().unwrap().write(b"old").unwrap();
    rig.play(
        r#"
        > disconnect(1) > connect(1, "10.0.0.1", 80) > setPaused(1, false)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        < setPaused 1: ok
        < connect 1: 0
        P2 sends "new"
        ! onReceive 1: "new"
        "#,
    );
}

#[test]
fn an_event_of_the_old_connection_does_not_end_the_next_attempt() {
    let mut rig = connected();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play("> disconnect(1)\n < disconnect 1: ok\n ! onReceiveError 1: -100");
    rig.play("> connect(1, \"10.0.0.2\", 80)");
    let token = crate::net::Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, crate::engine::sim::ALL));
    rig.run();
    rig.play("> disconnect(1)\n < connect 1: -3\n < disconnect 1: ok");
}

#[test]
fn disconnect_cancels_a_connect_in_its_tcp_phase_dc_3_and_while_resolving_dc_4() {
    let mut rig = rig();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.2", 80)
        < create 1: ok
        > disconnect(1)
        < connect 1: -3
        < disconnect 1: ok
        > connect(1, "a.test", 80)
        ? q1 of 1: a.test Any
        > disconnect(1)
        < connect 1: -3
        < disconnect 1: ok
        ? q1 unwanted
        > getInfo(1) > connect(1, "10.0.0.1", 80)
        < getInfo 1: -
        < connect 1: 0
        "#,
    );
    // D9: a second connect that resolves on a connected socket is cancelled as well.
    rig.play(
        r#"
        > connect(1, "b.test", 80) > disconnect(1)
        < connect 1: -3
        < disconnect 1: ok
        ! onReceiveError 1: -100
        ? q2 of 1: b.test Any
        ? q2 unwanted
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn disconnect_fails_unfinished_sends_in_order_dc_5() {
    let mut rig = rig();
    rig.sim.world().buffer = 2;
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < connect 1: 0
        > send(1, "abc") > send(1, "") > send(1, 20000 bytes) > disconnect(1)
        < send 1: -15
        < send 1: -15
        < send 1: -15
        < disconnect 1: ok
        ! onReceiveError 1: -100
        "#,
    );
}

#[test]
fn sent_bytes_are_still_delivered_and_followed_by_the_end_dc_7_cl_4() {
    for end in ["disconnect", "close"] {
        connected().play(&format!(
            r#"
            > send(1, "all of it") > {end}(1)
            < send 1: sent 9
            < {end} 1: ok
            ! onReceiveError 1: -100
            P sees "all of it" end
            "#,
        ));
    }
}

#[test]
fn a_closed_id_is_unknown_to_every_later_call_cl_1() {
    connected().play(
        r#"
        > close(1) > getInfo(1) > send(1, "x") > setPaused(1, true) > close(1) > getSockets()
        < close 1: ok
        ! onReceiveError 1: -100
        < getInfo 1: "Socket not found"
        < send 1: "Socket not found"
        < setPaused 1: "Socket not found"
        < close 1: "Socket not found"
        < getSockets: []
        "#,
    );
}

#[test]
fn close_reports_a_read_in_flight_after_its_own_response_cl_2() {
    connected().play(
        r#"
        > close(1)
        < close 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    connected_with("create()> setPaused(1, true)").play("> close(1)\n < close 1: ok");
    Rig::new().play("> create() > close(1)\n < create 1: ok\n < close 1: ok");
    let mut ended = connected();
    ended.play("P closes\n ! onReceiveError 1: -100\n > close(1)\n < close 1: ok");
    // Data that waited is not delivered (D14).
    let mut rig = connected();
    rig.peers[0].as_mut().unwrap().write(b"late").unwrap();
    rig.play("> close(1)\n < close 1: ok\n ! onReceiveError 1: -100");
}

#[test]
fn close_completes_unfinished_calls_with_their_codes_cl_3() {
    let mut rig = rig();
    rig.sim.world().buffer = 2;
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80) > connect(1, "b.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        > close(1)
        < connect 1: "Socket not found"
        < connect 1: "Socket not found"
        < close 1: ok
        ? q1 unwanted
        ? q2 unwanted
        > create() > connect(2, "10.0.0.2", 80) > close(2)
        < create 2: ok
        < connect 2: -3
        < close 2: ok
        > create() > connect(3, "10.0.0.1", 80)
        < create 3: ok
        < connect 3: 0
        > send(3, "abc") > send(3, "d") > connect(3, "c.test", 80) > close(3)
        < connect 3: "Socket not found"
        < send 3: -15
        < send 3: -15
        < close 3: ok
        ! onReceiveError 3: -100
        ? q3 of 3: c.test Any
        ? q3 unwanted
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn server_and_accepted_sockets_close_independently_cl_5_sd_3() {
    listening().play(
        r#"
        P connects 10.0.0.9:7
        ! onAccept 1: client 2
        P connects 10.0.0.9:7
        ! onAccept 1: client 3
        > close(2)
        < close 2: ok
        P connects 10.0.0.9:7
        ! onAccept 1: client 4
        > server.close(1) > setPaused(3, false) > send(4, "x")
        < server.close 1: ok
        < setPaused 3: ok
        < send 4: sent 1
        P2 sends "y"
        ! onReceive 3: "y"
        P1 sees end
        P3 sees "x" open
        "#,
    );
}
