//! `chrome.socket` over UDP (socket-legacy.md 4, 6, 9, 11).

use super::driver::{LIMITS, Rig};
use super::settle;
use crate::api::event::RECEIVE_WEIGHT;
use crate::engine::Limits;

fn with(calls: &str) -> Rig {
    let mut rig = Rig::new();
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    rig.issue("socket.create(udp)");
    rig.issue(calls);
    settle(&mut rig);
    rig
}

/// Socket 1, bound to 10.0.0.9:7; and somebody at 10.0.0.1:9.
fn bound() -> Rig {
    with("socket.bind(1, \"10.0.0.9\", 7)")
}

/// Socket 1, connected to somebody at 10.0.0.1:9.
fn connected() -> Rig {
    with("socket.connect(1, \"10.0.0.1\", 9)")
}

// --- states (6)

#[test]
fn a_fresh_socket_neither_receives_nor_sends_6() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > socket.create(udp) > socket.getInfo(1) > socket.recvFrom(1)
        < socket.create 1: ok
        < socket.getInfo 1: udp -
        < socket.recvFrom 1: -15
        > socket.sendTo(1, "x", "10.0.0.1", 9) > socket.read(1) > socket.write(1, "x")
        < socket.sendTo 1: -15
        < socket.read 1: -15
        < socket.write 1: -15
        > socket.joinGroup(1, "224.0.0.1") > socket.getJoinedGroups(1)
        < socket.joinGroup 1: -9 "net::ERR_UNEXPECTED"
        < socket.getJoinedGroups 1: []
        > socket.setMulticastTimeToLive(1, 0) > socket.setMulticastTimeToLive(1, -3)
        < socket.setMulticastTimeToLive 1: 0
        < socket.setMulticastTimeToLive 1: -4 "net::ERR_INVALID_ARGUMENT"
        > socket.setMulticastLoopbackMode(1, false)
        < socket.setMulticastLoopbackMode 1: 0
        "#,
    );
}

#[test]
fn a_bound_socket_has_no_peer_and_gets_none_6() {
    bound().play(
        r#"
        > socket.getInfo(1) > socket.bind(1, "10.0.0.9", 8) > socket.bind(1, "x", 8)
        < socket.getInfo 1: udp - local 10.0.0.9 7
        < socket.bind 1: -104
        < socket.bind 1: -104
        > socket.connect(1, "10.0.0.1", 9) > socket.read(1) > socket.write(1, "x")
        < socket.connect 1: -104
        < socket.read 1: -15
        < socket.write 1: -15
        > socket.setMulticastTimeToLive(1, 999) > socket.setMulticastLoopbackMode(1, true)
        < socket.setMulticastTimeToLive 1: -23 "net::ERR_SOCKET_IS_CONNECTED"
        < socket.setMulticastLoopbackMode 1: -23 "net::ERR_SOCKET_IS_CONNECTED"
        "#,
    );
}

#[test]
fn a_connected_socket_talks_to_its_peer_only_6() {
    connected().play(
        r#"
        > socket.getInfo(1) > socket.bind(1, "10.0.0.9", 8) > socket.connect(1, "10.0.0.1", 9)
        < socket.getInfo 1: udp connected local 10.9.9.9 50001 peer 10.0.0.1 9
        < socket.bind 1: -104
        < socket.connect 1: -104
        > socket.recvFrom(1) > socket.sendTo(1, "x", "10.0.0.1", 9)
        < socket.recvFrom 1: -15
        < socket.sendTo 1: -15
        > socket.joinGroup(1, "224.0.0.1") > socket.setMulticastTimeToLive(1, 1)
        < socket.joinGroup 1: -9 "net::ERR_UNEXPECTED"
        < socket.setMulticastTimeToLive 1: -23 "net::ERR_SOCKET_IS_CONNECTED"
        > socket.write(1, "ping")
        < socket.write 1: 4
        U sees "ping" from 10.9.9.9:50001
        U sends "pong" to 10.9.9.9:50001
        > socket.read(1)
        < socket.read 1: "pong" from 10.0.0.1 9 4
        U binds 10.0.0.1:10
        U sends "stranger" to 10.9.9.9:50001
        > socket.read(1)
        U1 sends "peer" to 10.9.9.9:50001
        < socket.read 1: "peer" from 10.0.0.1 9 4
        "#,
    );
}

// --- connect, bind (4.3, 4.4)

#[test]
fn connect_sends_nothing_and_uses_the_first_address_4_3() {
    let mut rig = with("");
    rig.play(
        r#"
        > socket.connect(1, "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.7 10.0.0.1
        < socket.connect 1: 0
        U sees nothing
        > socket.getInfo(1)
        < socket.getInfo 1: udp connected local 10.9.9.9 50001 peer 10.0.0.7 9
        "#,
    );
    let mut rig = with("");
    rig.play(
        r#"
        > socket.connect(1, "x.invalid", 9) > socket.connect(1, "a.test", 9)
        < socket.connect 1: -105 "DNS resolution failed"
        ? q1 of 1: a.test Any
        A q1 -105
        < socket.connect 1: -105 "DNS resolution failed"
        "#,
    );
    rig.sim.world().air.fail_open.push_back(libc::ENETUNREACH);
    rig.play(
        r#"
        > socket.connect(1, "10.0.0.1", 9) > socket.getInfo(1)
        < socket.connect 1: -109
        < socket.getInfo 1: udp -
        > socket.connect(1, "10.0.0.1", 9)
        < socket.connect 1: 0
        "#,
    );
}

/// The machine has no ::1, or the system nothing of IPv6.
#[test]
fn connect_to_localhost_is_to_127_0_0_1_where_there_is_no_ipv6_4_3() {
    for errno in [libc::EADDRNOTAVAIL, libc::EAFNOSUPPORT] {
        let mut rig = with("");
        rig.sim.world().air.fail_open.push_back(errno);
        rig.play(
            r#"
            > socket.connect(1, "localhost", 9) > socket.getInfo(1)
            < socket.connect 1: 0
            < socket.getInfo 1: udp connected local 10.9.9.9 50001 peer 127.0.0.1 9
            "#,
        );
    }
}

#[test]
fn bind_tells_the_number_alone_4_4() {
    let mut rig = with("");
    rig.play(
        r#"
        > socket.bind(1, "localhost", 7) > socket.bind(1, "", 7)
        < socket.bind 1: -4
        < socket.bind 1: -4
        > socket.bind(1, "10.0.0.1", 9) > socket.bind(1, "0.0.0.0", 0) > socket.getInfo(1)
        < socket.bind 1: -147
        < socket.bind 1: 0
        < socket.getInfo 1: udp - local 0.0.0.0 50001
        "#,
    );
}

// --- recvFrom, read (4.6, 4.8)

#[test]
fn one_call_takes_one_datagram_4_8() {
    bound().play(
        r#"
        U sends "1" to 10.0.0.9:7
        U sends "" to 10.0.0.9:7
        U sends "3" to 10.0.0.9:7
        > socket.recvFrom(1)
        < socket.recvFrom 1: "1" from 10.0.0.1 9 1
        > socket.recvFrom(1, 100)
        < socket.recvFrom 1: "" from 10.0.0.1 9 0
        > socket.recvFrom(1)
        < socket.recvFrom 1: "3" from 10.0.0.1 9 1
        > socket.recvFrom(1)
        U sends "later" to 10.0.0.9:7
        < socket.recvFrom 1: "later" from 10.0.0.1 9 5
        "#,
    );
}

#[test]
fn a_second_receive_fails_and_disturbs_nothing_4_8_11() {
    bound().play(
        r#"
        > socket.recvFrom(1) > socket.recvFrom(1) > socket.recvFrom(1, -1)
        < socket.recvFrom 1: -1
        < socket.recvFrom 1: -1
        U sends "x" to 10.0.0.9:7
        < socket.recvFrom 1: "x" from 10.0.0.1 9 1
        > socket.recvFrom(1, -1)
        < socket.recvFrom 1: -4
        "#,
    );
    connected().play(
        r#"
        > socket.read(1) > socket.read(1) > socket.read(1, -1)
        < socket.read 1: -1
        < socket.read 1: -1
        U sends "x" to 10.9.9.9:50001
        < socket.read 1: "x" from 10.0.0.1 9 1
        > socket.read(1, -1)
        < socket.read 1: -4
        "#,
    );
}

#[test]
fn a_negative_size_is_worse_than_the_state_4_6_4_8() {
    with("").play(
        r#"
        > socket.recvFrom(1, -1) > socket.read(1, -1)
        < socket.recvFrom 1: -4
        < socket.read 1: -4
        "#,
    );
}

#[test]
fn a_datagram_too_long_is_lost_and_the_next_call_works_4_8() {
    bound().play(
        r#"
        U sends "abcd" to 10.0.0.9:7
        U sends "abc" to 10.0.0.9:7
        U sends 4097 bytes to 10.0.0.9:7
        U sends 4096 bytes to 10.0.0.9:7
        U sends 65507 bytes to 10.0.0.9:7
        > socket.recvFrom(1, 3)
        < socket.recvFrom 1: -142
        > socket.recvFrom(1, 3)
        < socket.recvFrom 1: "abc" from 10.0.0.1 9 3
        > socket.recvFrom(1)
        < socket.recvFrom 1: -142
        > socket.recvFrom(1)
        < socket.recvFrom 1: 4096 bytes from 10.0.0.1 9 4096
        > socket.recvFrom(1, 2147483647)
        < socket.recvFrom 1: 65507 bytes from 10.0.0.1 9 65507
        # Nothing fits into nothing, except nothing.
        U sends "x" to 10.0.0.9:7
        U sends "" to 10.0.0.9:7
        > socket.recvFrom(1, 0)
        < socket.recvFrom 1: -142
        > socket.recvFrom(1, 0)
        < socket.recvFrom 1: "" from 10.0.0.1 9 0
        "#,
    );
}

#[test]
fn nothing_is_received_that_nobody_asks_for_4_8() {
    let mut rig = bound();
    rig.play("U sends \"x\" to 10.0.0.9:7\n $");
    assert!(rig.trace.is_empty());
}

/// No pause logic.
#[test]
fn an_error_is_told_once_and_the_next_call_works_4_6_4_8() {
    let mut rig = bound();
    rig.sim.break_datagram(1, libc::ENOMEM);
    rig.play(
        r#"
        > socket.recvFrom(1)
        < socket.recvFrom 1: -13
        > socket.recvFrom(1) > socket.getInfo(1)
        < socket.getInfo 1: udp - local 10.0.0.9 7
        U sends "x" to 10.0.0.9:7
        < socket.recvFrom 1: "x" from 10.0.0.1 9 1
        "#,
    );
}

#[test]
fn an_unreachable_port_is_told_to_a_connected_socket_4_6_4_7() {
    let mut rig = connected();
    rig.mates.clear();
    rig.play(
        r#"
        > socket.write(1, "x")
        < socket.write 1: 1
        > socket.read(1)
        < socket.read 1: -102
        > socket.write(1, "x")
        < socket.write 1: 1
        > socket.write(1, "x") > socket.getInfo(1)
        < socket.write 1: -102
        < socket.getInfo 1: udp connected local 10.9.9.9 50001 peer 10.0.0.1 9
        "#,
    );
}

/// The system may tell of it only when it is asked again.
#[test]
fn an_error_behind_a_datagram_is_told_to_the_next_read_4_6() {
    let mut rig = connected();
    rig.sim.world().air.error_is_late = true;
    rig.mates[0].send_to("pong", "10.9.9.9:50001");
    rig.sim.break_datagram(1, libc::ECONNREFUSED);
    rig.play(
        r#"
        > socket.read(1)
        < socket.read 1: "pong" from 10.0.0.1 9 4
        > socket.read(1)
        < socket.read 1: -102
        "#,
    );
}

#[test]
fn receives_are_answered_as_long_as_the_app_has_room_4_8_row_5() {
    let undelivered_per_app = 2 * (1 + RECEIVE_WEIGHT);
    let limits = Limits { undelivered_per_socket: 1, undelivered_per_app, ..LIMITS };
    let mut rig = super::limited(limits);
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    rig.issue("socket.create(udp)> socket.bind(1, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig.play(
        r#"
        U sends "a" to 10.0.0.9:7
        > socket.recvFrom(1)
        < socket.recvFrom 1: "a" from 10.0.0.1 9 1
        > socket.recvFrom(1)
        U sends "b" to 10.0.0.9:7
        < socket.recvFrom 1: "b" from 10.0.0.1 9 1
        > socket.recvFrom(1)
        U sends "c" to 10.0.0.9:7
        "#,
    );
    rig.release(1, (1 + RECEIVE_WEIGHT).cast_signed());
    rig.run();
    assert_eq!(rig.trace, ["< socket.recvFrom 1: \"c\" from 10.0.0.1 9 1"]);
}

// --- sendTo, write (4.7, 4.9)

#[test]
fn send_to_tells_the_length_or_the_code_4_9() {
    let mut rig = bound();
    rig.play(
        r#"
        > socket.sendTo(1, "hello", "10.0.0.1", 9) > socket.sendTo(1, "", "10.0.0.1", 9)
        < socket.sendTo 1: 5
        < socket.sendTo 1: 0
        U sees "hello" from 10.0.0.9:7
        U sees "" from 10.0.0.9:7
        > socket.sendTo(1, 65536 bytes, "10.0.0.1", 9) > socket.sendTo(1, 65508 bytes, "10.0.0.1", 9)
        < socket.sendTo 1: -142
        < socket.sendTo 1: -142
        > socket.sendTo(1, "x", "fd00::1", 9) > socket.sendTo(1, "x", "10.0.0.1", 0)
        < socket.sendTo 1: -109
        < socket.sendTo 1: -4
        > socket.sendTo(1, "x", "255.255.255.255", 9)
        < socket.sendTo 1: -10
        "#,
    );
}

#[test]
fn send_to_an_address_does_not_wait_for_a_name_11() {
    bound().play(
        r#"
        > socket.sendTo(1, "a", "a.test", 9) > socket.sendTo(1, "bb", "10.0.0.1", 9)
        < socket.sendTo 1: 2
        ? q1 of 1: a.test Any
        > socket.sendTo(1, "ccc", "c.test", 9) > socket.connect(1, "d.test", 80)
        ? q2 of 1: c.test Any
        ? q3 of 1: d.test Any
        A q2 10.0.0.1
        # Nor does a connect wait for sends.
        A q3 10.0.0.1
        < socket.connect 1: -104
        A q1 10.0.0.1
        < socket.sendTo 1: 1
        < socket.sendTo 1: 3
        "#,
    );
}

#[test]
fn send_to_resolves_and_says_when_that_failed_4_9_row_4() {
    bound().play(
        r#"
        > socket.sendTo(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 fd00::1 10.0.0.1
        < socket.sendTo 1: 1
        U sees "x" from 10.0.0.9:7
        > socket.sendTo(1, "x", "a.test", 9) > socket.sendTo(1, "x", "x.invalid", 9)
        < socket.sendTo 1: -105 "DNS resolution failed"
        ? q2 of 1: a.test Any
        A q2 -105
        < socket.sendTo 1: -105 "DNS resolution failed"
        "#,
    );
    // Resolving comes before the state.
    with("").play(
        r#"
        > socket.sendTo(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 -105
        < socket.sendTo 1: -105 "DNS resolution failed"
        > socket.sendTo(1, "x", "a.test", 9)
        ? q2 of 1: a.test Any
        A q2 10.0.0.1
        < socket.sendTo 1: -15
        "#,
    );
}

#[test]
fn thirty_two_wait_behind_one_4_9_row_9() {
    let mut rig = bound();
    rig.sim.fill_send_buffers(true);
    for _ in 0..33 {
        rig.play("> socket.sendTo(1, \"x\", \"10.0.0.1\", 9)");
    }
    rig.play("> socket.sendTo(1, \"x\", \"10.0.0.1\", 9)\n < socket.sendTo 1: -12");
    rig.sim.fill_send_buffers(false);
    rig.run();
    assert_eq!(rig.trace, vec!["< socket.sendTo 1: 1"; 33]);
}

#[test]
fn writes_are_datagrams_one_each_4_7() {
    let mut rig = connected();
    rig.play(
        r#"
        > socket.write(1, "ab") > socket.write(1, "") > socket.write(1, "cd")
        < socket.write 1: 2
        < socket.write 1: 0
        < socket.write 1: 2
        U sees "ab" from 10.9.9.9:50001
        U sees "" from 10.9.9.9:50001
        U sees "cd" from 10.9.9.9:50001
        > socket.write(1, 20000 bytes) > socket.write(1, 65536 bytes)
        < socket.write 1: 20000
        < socket.write 1: -142
        U sees 20000 bytes from 10.9.9.9:50001
        "#,
    );
    rig.sim.world().air.fail_send.push_back(libc::ENETUNREACH);
    rig.play(
        r#"
        > socket.write(1, "x") > socket.write(1, "y")
        < socket.write 1: -109
        < socket.write 1: 1
        "#,
    );
}

// --- groups (4.14)

#[test]
fn groups_are_as_in_sockets_udp_4_14() {
    with("socket.bind(1, \"0.0.0.0\", 7)").play(
        r#"
        > socket.joinGroup(1, "0xe0.0.0.251") > socket.joinGroup(1, "224.0.0.251")
        < socket.joinGroup 1: 0
        < socket.joinGroup 1: -108 "net::ERR_ADDRESS_INVALID"
        > socket.joinGroup(1, "x") > socket.joinGroup(1, "10.0.0.1") > socket.joinGroup(1, "ff02::1")
        < socket.joinGroup 1: -108 "net::ERR_ADDRESS_INVALID"
        < socket.joinGroup 1: -4 "net::ERR_INVALID_ARGUMENT"
        < socket.joinGroup 1: -108 "net::ERR_ADDRESS_INVALID"
        > socket.getJoinedGroups(1) > socket.recvFrom(1)
        < socket.getJoinedGroups 1: [224.0.0.251]
        U sends "x" to 224.0.0.251:7
        < socket.recvFrom 1: "x" from 10.0.0.1 9 1
        > socket.leaveGroup(1, "224.0.0.252") > socket.leaveGroup(1, "224.0.0.251")
        < socket.leaveGroup 1: -108 "net::ERR_ADDRESS_INVALID"
        < socket.leaveGroup 1: 0
        > socket.getJoinedGroups(1)
        < socket.getJoinedGroups 1: []
        "#,
    );
}
