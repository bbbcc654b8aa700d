//! `chrome.socket`: `destroy` and `disconnect`, also with calls pending; suspension (socket-legacy.md
//! 1, 4.2, 4.5, 8).

use super::driver::Rig;
use super::{rig, settle};
use crate::engine::sim::Place;

/// Socket 1, connected to the peer.
fn stream() -> Rig {
    let mut rig = rig();
    rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig
}

/// Socket 1 over UDP, after this call; and somebody at 10.0.0.1:9.
fn datagrams(call: &str) -> Rig {
    let mut rig = Rig::new();
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    rig.issue("socket.create(udp)");
    rig.issue(call);
    settle(&mut rig);
    rig
}

const BIND: &str = "socket.bind(1, \"10.0.0.9\", 7)";

/// The pending calls, by the two ways to cancel them.
fn cancel(make: impl Fn() -> Rig, pending: &str, expected: &str) {
    for end in ["destroy", "disconnect"] {
        let mut rig = make();
        rig.issue(pending);
        settle(&mut rig);
        rig.play(&format!("> socket.{end}(1)\n {expected}\n < socket.{end} 1: ok"));
    }
}

#[test]
fn reads_end_with_minus_100_8() {
    cancel(stream, "socket.read(1)", "< socket.read 1: -100");
    cancel(|| datagrams(BIND), "socket.recvFrom(1)", "< socket.recvFrom 1: -100");
    let connected = || datagrams("socket.connect(1, \"10.0.0.1\", 9)");
    cancel(connected, "socket.read(1)", "< socket.read 1: -100");
}

#[test]
fn a_running_connect_is_aborted_8() {
    let silent = || {
        let mut rig = Rig::new();
        rig.sim.place("10.0.0.5:80", Place::Silent);
        rig.issue("socket.create(tcp)");
        rig
    };
    cancel(silent, "socket.connect(1, \"10.0.0.5\", 80)", "< socket.connect 1: -3");
}

#[test]
fn writes_get_minus_15_and_the_line_is_empty_afterwards_8() {
    let full = || {
        let mut rig = rig();
        rig.sim.widen(4);
        rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)");
        settle(&mut rig);
        rig
    };
    let two = "< socket.write 1: -15\n < socket.write 1: -15";
    cancel(full, "socket.write(1, \"012345\")> socket.write(1, \"x\")", two);
    let mut rig = full();
    rig.issue("socket.write(1, \"012345\")> socket.disconnect(1)");
    settle(&mut rig);
    rig.play(
        r#"
        > socket.connect(1, "10.0.0.1", 80)
        < socket.connect 1: 0
        > socket.write(1, "new")
        < socket.write 1: 3
        P2 sees "new" open
        "#,
    );
}

#[test]
fn datagrams_in_line_get_minus_15_8() {
    let full = || {
        let rig = datagrams(BIND);
        rig.sim.fill_send_buffers(true);
        rig
    };
    let call = "socket.sendTo(1, \"x\", \"10.0.0.1\", 9)";
    cancel(full, call, "< socket.sendTo 1: -15");
    let full = || {
        let rig = datagrams("socket.connect(1, \"10.0.0.1\", 9)");
        rig.sim.fill_send_buffers(true);
        rig
    };
    cancel(full, "socket.write(1, \"x\")", "< socket.write 1: -15");
}

#[test]
fn what_is_being_resolved_finds_no_socket_after_destroy_8() {
    for (socket_type, call) in [("tcp", "connect"), ("udp", "connect"), ("udp", "sendTo")] {
        let data = if call == "sendTo" { "\"x\", " } else { "" };
        Rig::new().play(&format!(
            r#"
            > socket.create({socket_type}) > socket.{call}(1, {data}"a.test", 80)
            < socket.create 1: ok
            ? q1 of 1: a.test Any
            > socket.destroy(1)
            < socket.{call} 1: -1 "Socket not found"
            < socket.destroy 1: ok
            ? q1 unwanted
            "#,
        ));
    }
}

/// D9.
#[test]
fn a_connect_that_is_being_resolved_is_aborted_by_disconnect_8() {
    for socket_type in ["tcp", "udp"] {
        Rig::new().play(&format!(
            r#"
            > socket.create({socket_type}) > socket.connect(1, "a.test", 80)
            < socket.create 1: ok
            ? q1 of 1: a.test Any
            > socket.disconnect(1)
            < socket.connect 1: -3
            < socket.disconnect 1: ok
            ? q1 unwanted
            "#,
        ));
    }
}

// --- 4.2, 4.5

#[test]
fn destroy_ends_the_id_and_says_nothing_the_second_time_4_2() {
    stream().play(
        r#"
        > socket.destroy(1) > socket.destroy(1) > socket.read(1)
        < socket.destroy 1: ok
        < socket.destroy 1: ok
        < socket.read 1: -1 "Socket not found"
        P sees end
        "#,
    );
}

#[test]
fn disconnect_closes_udp_and_it_may_be_bound_or_connected_again_4_5() {
    datagrams("").play(
        r#"
        > socket.bind(1, "0.0.0.0", 7) > socket.joinGroup(1, "224.0.0.1") > socket.disconnect(1)
        < socket.bind 1: 0
        < socket.joinGroup 1: 0
        < socket.disconnect 1: ok
        > socket.getInfo(1) > socket.getJoinedGroups(1) > socket.recvFrom(1)
        < socket.getInfo 1: udp -
        < socket.getJoinedGroups 1: []
        < socket.recvFrom 1: -15
        # The port is free for others.
        > udp.create() > udp.bind(2, "0.0.0.0", 7)
        < udp.create 2: ok
        < udp.bind 2: 0
        > socket.connect(1, "10.0.0.1", 9)
        < socket.connect 1: 0
        > socket.disconnect(1) > socket.disconnect(1) > socket.bind(1, "10.0.0.9", 8)
        < socket.disconnect 1: ok
        < socket.disconnect 1: ok
        < socket.bind 1: 0
        > socket.recvFrom(1)
        U sends "x" to 10.0.0.9:8
        < socket.recvFrom 1: "x" from 10.0.0.1 9 1
        "#,
    );
}

/// 4.5, 4.14: disconnect does not bring the options back.
#[test]
fn multicast_options_stay_consumed_after_disconnect_4_5() {
    for first in [BIND, "socket.connect(1, \"10.0.0.1\", 9)"] {
        let mut rig = datagrams(first);
        rig.play(
            r#"
            > socket.disconnect(1) > socket.setMulticastTimeToLive(1, 1)
            < socket.disconnect 1: ok
            < socket.setMulticastTimeToLive 1: -23 "net::ERR_SOCKET_IS_CONNECTED"
            > socket.setMulticastLoopbackMode(1, true)
            < socket.setMulticastLoopbackMode 1: -23 "net::ERR_SOCKET_IS_CONNECTED"
            "#,
        );
    }
}

#[test]
fn datagrams_held_for_the_next_call_are_gone_after_disconnect_4_5() {
    let mut rig = datagrams(BIND);
    rig.play(
        r#"
        U sends "1" to 10.0.0.9:7
        U sends "2" to 10.0.0.9:7
        > socket.recvFrom(1)
        < socket.recvFrom 1: "1" from 10.0.0.1 9 1
        > socket.disconnect(1) > socket.bind(1, "10.0.0.9", 7) > socket.recvFrom(1)
        < socket.disconnect 1: ok
        < socket.bind 1: 0
        U sends "3" to 10.0.0.9:7
        < socket.recvFrom 1: "3" from 10.0.0.1 9 1
        "#,
    );
}

// --- suspension (1, S3)

#[test]
fn legacy_sockets_survive_suspension_and_die_at_unload_1() {
    let mut rig = rig();
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)> socket.create(udp)");
    rig.issue("socket.bind(2, \"10.0.0.9\", 7)> socket.create(tcp)");
    rig.issue("socket.listen(3, \"10.0.0.9\", 7)> create()> udp.create()");
    settle(&mut rig);
    rig.input(0, |engine| engine.suspend());
    rig.play(
        r#"
        > getInfo(4) > udp.getInfo(5)
        < getInfo 4: "Socket not found"
        < udp.getInfo 5: "Socket not found"
        > socket.read(1) > socket.recvFrom(2) > socket.accept(3)
        P sends "a"
        < socket.read 1: "a" 1
        U sends "b" to 10.0.0.9:7
        < socket.recvFrom 2: "b" from 10.0.0.1 9 1
        P connects 10.0.0.9:7
        < socket.accept 3: client 6 0
        "#,
    );
    rig.input(0, |engine| engine.shut_down());
    rig.trace.clear();
    for id in [1, 2, 3, 6] {
        rig.play(&format!("> socket.getInfo({id})\n < socket.getInfo {id}: \"Socket not found\""));
    }
}

/// The servers of `sockets.tcpServer` stop after so many; here a call asks for each.
#[test]
fn a_legacy_server_accepts_what_is_asked_for_however_many_came_while_suspended_s3() {
    let mut rig = Rig::new();
    rig.issue("server.create(persistent true)> server.listen(1, \"10.0.0.9\", 7)");
    rig.issue("socket.create(tcp)> socket.listen(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    rig.input(0, |engine| engine.suspend());
    crowd(&mut rig, "10.0.0.9:7", 100);
    let accepted = rig.trace.len();
    assert!(accepted < 100, "{accepted}");
    let id = rig.newest_id() + 1;
    rig.play(&format!(
        "> socket.accept(2)\n P connects 10.0.0.9:8\n < socket.accept 2: client {id} 0"
    ));
}

/// What was asked for leaves the others their number.
#[test]
fn what_a_legacy_server_accepts_counts_for_no_other_lc_2_s3() {
    let mut rig = Rig::new();
    rig.issue("server.create(persistent true)> server.listen(1, \"10.0.0.9\", 7)");
    rig.issue("socket.create(tcp)> socket.listen(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    rig.input(0, |engine| engine.suspend());
    for _ in 0..100 {
        rig.issue("socket.accept(2)");
        crowd(&mut rig, "10.0.0.9:8", 1);
    }
    crowd(&mut rig, "10.0.0.9:7", 1);
    assert_eq!(rig.trace.len(), 1);
}

fn crowd(rig: &mut Rig, at: &str, number: usize) {
    rig.trace.clear();
    let peers: Vec<_> = (0..number).map(|_| Some(rig.sim.dial(at))).collect();
    rig.peers.extend(peers);
    rig.run();
}

/// tcp.md LC-6: the app is awake afterwards, and accepts as many as come.
#[test]
fn unload_ends_suspension_lc_6() {
    let mut rig = Rig::new();
    rig.input(0, |engine| engine.suspend());
    rig.input(0, |engine| engine.shut_down());
    rig.issue("server.create()> server.listen(1, \"10.0.0.9\", 7)");
    settle(&mut rig);
    crowd(&mut rig, "10.0.0.9:7", 100);
    assert_eq!(rig.trace.len(), 100);
}

#[test]
fn unload_completes_what_is_pending_8() {
    let mut rig = rig();
    rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)> socket.create(udp)");
    rig.issue("socket.bind(2, \"10.0.0.9\", 7)> socket.create(tcp)");
    rig.issue("socket.listen(3, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig.issue("socket.read(1)> socket.recvFrom(2)> socket.accept(3)");
    settle(&mut rig);
    rig.input(0, |engine| engine.shut_down());
    assert_eq!(
        rig.trace,
        ["< socket.read 1: -100", "< socket.recvFrom 2: -100", "< socket.accept 3: -3"]
    );
}
