//! Equal datagrams to one place leave with one system call, and nobody can tell (udp.md 4.6, 7).

use super::driver::{LIMITS, Rig};
use super::{settle, udp_bound, udp_bound_to};
use crate::engine::sim::Sim;
use crate::permissions::Grants;

#[test]
fn equal_datagrams_leave_at_once_and_arrive_one_by_one_7() {
    udp_bound().play(
        r#"
        > udp.send(1, "aa", "10.0.0.1", 9) > udp.send(1, "bb", "10.0.0.1", 9) > udp.send(1, "cc", "10.0.0.1", 9)
        < udp.send 1: sent 2
        < udp.send 1: sent 2
        < udp.send 1: sent 2
        $
        ~ 1 send 6 by 2 to 10.0.0.1:9 -> 6
        U sees "aa" from 10.0.0.9:7
        U sees "bb" from 10.0.0.9:7
        U sees "cc" from 10.0.0.9:7
        U sees nothing
        "#,
    );
}

/// As the reactor groups them, which the rig does in its place.
#[test]
fn groups_of_one_leave_by_themselves() {
    let mut rig = udp_bound();
    rig.issue("udp.create()> udp.bind(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    rig.play(
        r#"
        > udp.send(1, "aa", "10.0.0.1", 9) > udp.send(1, "b", "10.0.0.1", 9) > udp.send(1, "c", "10.0.0.1", 10)
        < udp.send 1: sent 2
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        > udp.send(1, "d", "10.0.0.2", 10) > udp.send(2, "e", "10.0.0.2", 10) > udp.send(2, "f", "10.0.0.2", 10, ipv4)
        < udp.send 1: sent 1
        < udp.send 2: sent 1
        < udp.send 2: sent 1
        > udp.send(1, "", "10.0.0.2", 10) > udp.send(1, "", "10.0.0.2", 10)
        < udp.send 1: sent 0
        < udp.send 1: sent 0
        $
        ~ 1 send 2 to 10.0.0.1:9 -> 2
        ~ 1 send 1 to 10.0.0.1:9 -> 1
        ~ 1 send 1 to 10.0.0.1:10 -> 1
        ~ 1 send 1 to 10.0.0.2:10 -> 1
        ~ 2 send 1 to 10.0.0.2:10 -> 1
        ~ 2 send 1 to 10.0.0.2:10 -> 1
        ~ 1 send 0 to 10.0.0.2:10 -> 0
        ~ 1 send 0 to 10.0.0.2:10 -> 0
        "#,
    );
}

#[test]
fn names_leave_one_by_one_7() {
    udp_bound().play(
        r#"
        > udp.send(1, "a", "localhost", 9) > udp.send(1, "b", "localhost", 9)
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        > udp.send(1, "c", "a.test", 9) > udp.send(1, "d", "a.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: a.test Any
        # Literals do not wait for them.
        > udp.send(1, "e", "10.0.0.1", 9) > udp.send(1, "f", "10.0.0.1", 9)
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        A q1 10.0.0.1
        < udp.send 1: sent 1
        A q2 10.0.0.1
        < udp.send 1: sent 1
        U sees "e" from 10.0.0.9:7
        U sees "f" from 10.0.0.9:7
        U sees "c" from 10.0.0.9:7
        U sees "d" from 10.0.0.9:7
        "#,
    );
}

#[test]
fn each_failure_is_told_to_each_send_4_6() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.send(1, "a", "10.0.0.1", 9) > udp.send(1, "b", "10.0.0.1", 9)
        < udp.create 1: ok
        < udp.send 1: -15
        < udp.send 1: -15
        > udp.send(7, "a", "10.0.0.1", 9) > udp.send(7, "b", "10.0.0.1", 9)
        < udp.send 7: "Socket not found"
        < udp.send 7: "Socket not found"
        > udp.send(1, "a", "10.0.0.1", 70000) > udp.send(1, "b", "10.0.0.1", 70000)
        < udp.send 1: -4
        < udp.send 1: -4
        > udp.bind(1, "10.0.0.9", 7) > udp.send(1, "a", "10.0.0.1", 0) > udp.send(1, "b", "10.0.0.1", 0)
        < udp.bind 1: 0
        < udp.send 1: -4
        < udp.send 1: -4
        > udp.send(1, "a", "10.0.0.1", 9, ipv6) > udp.send(1, "b", "10.0.0.1", 9, ipv6)
        < udp.send 1: -105
        < udp.send 1: -105
        > udp.send(1, "a", "::1", 9) > udp.send(1, "b", "::1", 9)
        < udp.send 1: -109
        < udp.send 1: -109
        > udp.send(1, "a", "255.255.255.255", 9) > udp.send(1, "b", "255.255.255.255", 9)
        < udp.send 1: -10
        < udp.send 1: -10
        > udp.send(1, 65508 bytes, "10.0.0.1", 9) > udp.send(1, "b", "10.0.0.1", 9)
        < udp.send 1: -142
        < udp.send 1: sent 1
        "#,
    );
}

#[test]
fn each_denied_send_is_explained() {
    let manifest = r#"{"sockets": {"udp": {"bind": "*", "send": ":9"}}}"#;
    let grants = Grants::from_manifest(manifest).unwrap().grants;
    let mut rig = Rig::with(&Sim::new(), 0, LIMITS, grants);
    rig.play(
        r#"
        > udp.create() > udp.bind(1, "10.0.0.9", 7) > udp.send(1, "a", "10.0.0.1", 8) > udp.send(1, "b", "10.0.0.1", 8)
        < udp.create 1: ok
        < udp.bind 1: 0
        ! permission denied 1: "10.0.0.1" 8
        < udp.send 1: "App does not have permission"
        ! permission denied 1: "10.0.0.1" 8
        < udp.send 1: "App does not have permission"
        > udp.send(1, "a", "10.0.0.1", 9) > udp.send(1, "b", "10.0.0.1", 9)
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        $
        ~ 1 bind 10.0.0.9:7 ttl 1 loopback true
        ~ 1 send 2 by 1 to 10.0.0.1:9 -> 2
        "#,
    );
}

#[test]
fn what_the_system_cannot_send_at_once_leaves_one_by_one() {
    let mut rig = udp_bound();
    rig.sim.world().air.longest_joined = 2;
    rig.play(
        r#"
        > udp.send(1, "aaa", "10.0.0.1", 9) > udp.send(1, "bbb", "10.0.0.1", 9)
        < udp.send 1: sent 3
        < udp.send 1: sent 3
        # It is not asked for such sizes again, but for smaller ones.
        > udp.send(1, "cccc", "10.0.0.1", 9) > udp.send(1, "dddd", "10.0.0.1", 9)
        < udp.send 1: sent 4
        < udp.send 1: sent 4
        > udp.send(1, "ee", "10.0.0.1", 9) > udp.send(1, "ff", "10.0.0.1", 9)
        < udp.send 1: sent 2
        < udp.send 1: sent 2
        $
        ~ 1 send 6 by 3 to 10.0.0.1:9 -> errno 22
        ~ 1 send 3 to 10.0.0.1:9 -> 3
        ~ 1 send 3 to 10.0.0.1:9 -> 3
        ~ 1 send 4 to 10.0.0.1:9 -> 4
        ~ 1 send 4 to 10.0.0.1:9 -> 4
        ~ 1 send 4 by 2 to 10.0.0.1:9 -> 4
        U sees "aaa" from 10.0.0.9:7
        U sees "bbb" from 10.0.0.9:7
        U sees "cccc" from 10.0.0.9:7
        U sees "dddd" from 10.0.0.9:7
        U sees "ee" from 10.0.0.9:7
        U sees "ff" from 10.0.0.9:7
        "#,
    );
}

#[test]
fn a_blocked_socket_keeps_the_order_and_the_limit_6_2() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    let calls: Vec<_> =
        (10..50).map(|n| format!("udp.send(1, \"{n}\", \"10.0.0.1\", 9)")).collect();
    rig.play(&format!("> {}\n{}", calls.join(" > "), "< udp.send 1: -12\n".repeat(7)));
    rig.play("$\n ~ 1 send 80 by 2 to 10.0.0.1:9 -> blocked\n ~ 1 send 2 to 10.0.0.1:9 -> blocked");
    rig.sim.fill_send_buffers(false);
    // Comes behind those that wait.
    rig.issue("udp.send(1, \"60\", \"10.0.0.1\", 9)");
    rig.run();
    rig.issue("udp.send(1, \"61\", \"10.0.0.1\", 9)> udp.send(1, \"62\", \"10.0.0.1\", 9)");
    rig.run();
    let line = "< udp.send 1: sent 2".to_owned();
    assert_eq!(rig.trace.iter().filter(|other| **other == line).count(), 35, "{:?}", rig.trace);
    for n in (10..43).chain([61, 62]) {
        rig.play(&format!("U sees \"{n}\" from 10.0.0.9:7"));
    }
}

#[test]
fn the_quota_counts_each_6_3() {
    let mut rig = udp_bound();
    rig.quota = 5;
    rig.play(
        r#"
        > udp.send(1, "aa", "10.0.0.1", 9) > udp.send(1, "bb", "10.0.0.1", 9) > udp.send(1, "cc", "10.0.0.1", 9)
        < udp.send 1: sent 2
        < udp.send 1: sent 2
        < udp.send 1: "Exceeded write quota."
        > udp.send(1, "ddddd", "10.0.0.1", 9)
        < udp.send 1: sent 5
        "#,
    );
}

#[test]
fn a_dual_stack_socket_reaches_ipv4_at_once_too_11() {
    udp_bound_to("::").play(
        r#"
        > udp.send(1, "a", "10.0.0.1", 9) > udp.send(1, "b", "10.0.0.1", 9)
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        $
        ~ 1 send 2 by 1 to [::ffff:10.0.0.1]:9 -> 2
        U sees "a" from 10.9.9.9:7
        U sees "b" from 10.9.9.9:7
        "#,
    );
}

#[test]
fn legacy_datagrams_too_but_not_of_a_connected_socket_legacy_4_9() {
    let mut rig = Rig::new();
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    rig.play(
        r#"
        > socket.create(udp) > socket.bind(1, "10.0.0.9", 7) > socket.sendTo(1, "a", "10.0.0.1", 9) > socket.sendTo(1, "b", "10.0.0.1", 9)
        < socket.create 1: ok
        < socket.bind 1: 0
        < socket.sendTo 1: 1
        < socket.sendTo 1: 1
        U sees "a" from 10.0.0.9:7
        U sees "b" from 10.0.0.9:7
        > socket.create(udp) > socket.connect(2, "10.0.0.1", 9) > socket.sendTo(2, "a", "10.0.0.1", 9) > socket.sendTo(2, "b", "10.0.0.1", 9)
        < socket.create 2: ok
        < socket.connect 2: 0
        < socket.sendTo 2: -15
        < socket.sendTo 2: -15
        > socket.create(tcp) > socket.sendTo(3, "a", "10.0.0.1", 9) > socket.sendTo(3, "b", "10.0.0.1", 9)
        < socket.create 3: ok
        < socket.sendTo 3: -2
        < socket.sendTo 3: -2
        > socket.sendTo(1, "a", "10.0.0.1", -1) > socket.sendTo(1, "b", "10.0.0.1", -1)
        < socket.sendTo 1: "Port must be a value between 0 and 65535."
        < socket.sendTo 1: "Port must be a value between 0 and 65535."
        U sees nothing
        "#,
    );
}
