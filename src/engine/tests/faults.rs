//! Faults that were found in the engine and mended, each with the rule it broke.

use super::driver::{LIMITS, Rig};
use super::{connected, scripted, settle, udp_bound};
use crate::api::event::{Payload, RECEIVE_WEIGHT};
use crate::engine::Limits;
use crate::engine::sim::{Place, Sim, Step};
use crate::net::{Ready, Token};
use crate::permissions::Grants;

/// The same of `chrome.socket`.
fn legacy_bound() -> Rig {
    let mut rig = Rig::new();
    rig.issue("socket.create(udp)> socket.bind(1, \"10.0.0.9\", 7)");
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    settle(&mut rig);
    rig
}

/// S-8: the answer that takes nothing is not asked for again.
#[test]
fn a_write_that_takes_nothing_is_a_failure_not_a_loop_s_8() {
    let zeros = vec![Step::Take(0); 100];
    let mut rig = scripted(&[], &zeros);
    rig.play(
        r#"
        > send(1, "abc")
        < send 1: -2
        ! onReceiveError 1: -2
        $
        ~ 1 write 3 -> 0
        # For the peer's last words.
        ~ 1 read 65536 -> blocked
        "#,
    );
}

/// A panic costs a call or a socket, no other. What a read had put into the shared buffer before it
/// panicked must not become another socket's data.
#[test]
fn bytes_of_a_read_that_panicked_reach_no_other_socket() {
    let mut rig = scripted(&[Step::Panic(b"secret ")], &[]);
    rig.sim.serve("10.0.0.2:80");
    rig.issue("create()> connect(2, \"10.0.0.2\", 80)");
    settle(&mut rig);
    rig.contains_panics = true;
    let token = Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, Ready::READABLE));
    rig.run();
    rig.play("P sends \"public\"\n ! onReceive 2: \"public\"");
}

/// A socket whose machine panics is dropped, and its replies complete with UNEXPECTED. Nobody
/// learns whose timer panicked: the reactor abandons 0, the socket in hand.
#[test]
fn a_panic_at_a_timer_costs_the_socket_whose_timer_it_was() {
    let mut rig = connected();
    rig.sim.place("10.0.0.3:80", Place::Silent);
    rig.sim.place("10.0.0.4:80", Place::Panics);
    rig.contains_panics = true;
    rig.play(
        r#"
        > create() > connect(2, "a.test", 80)
        < create 2: ok
        ? q1 of 2: a.test Any
        A q1 10.0.0.3 10.0.0.4
        T 250
        < connect 2: -9
        P sends "unharmed"
        ! onReceive 1: "unharmed"
        "#,
    );
}

/// The same where a name is given up.
#[test]
fn a_panic_behind_a_name_costs_the_socket_that_waited_for_it() {
    let mut rig = udp_bound();
    rig.issue("udp.create()> udp.bind(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    rig.contains_panics = true;
    rig.play(
        r#"
        > udp.send(1, "a", "a.test", 9) > udp.send(1, "b", "b.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        A q2 10.0.0.1
        > udp.getInfo(3)
        < udp.getInfo 3: "Socket not found"
        "#,
    );
    rig.sim.world().air.send_panics = true;
    rig.play(
        r#"
        T 120000
        < udp.send 1: -105
        < udp.send 1: -9
        ? q1 unwanted
        > udp.getSockets()
        < udp.getSockets: [2]
        "#,
    );
}

/// So does the call in which it panics.
#[test]
fn a_panic_within_a_call_completes_it_with_unexpected() {
    let mut rig = connected();
    rig.sim.place("10.0.0.4:80", Place::Panics);
    rig.contains_panics = true;
    rig.play("> create() > connect(2, \"10.0.0.4\", 80)\n < create 2: ok\n < connect 2: -9");
    assert_eq!(rig.accounts.open_sockets(), 1);
}

/// udp.md 7, 8: a send in line is not forgotten because the name before it was not resolved.
#[test]
fn a_send_behind_a_name_that_fails_leaves_at_once_udp_7() {
    let mut rig = udp_bound();
    rig.play(
        r#"
        > udp.send(1, "a", "a.test", 9) > udp.send(1, "b", "b.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        A q2 10.0.0.1
        A q1 -105
        < udp.send 1: -105
        < udp.send 1: sent 1
        U sees "b" from 10.0.0.9:7
        "#,
    );
}

/// socket-legacy.md 4.9 row 6: and nothing may be sent.
#[test]
fn a_legacy_send_to_beyond_the_quota_is_refused_legacy_4_9() {
    let mut rig = legacy_bound();
    rig.quota = 3;
    rig.play(
        r#"
        > socket.sendTo(1, "1234", "10.0.0.1", 9)
        < socket.sendTo 1: "Exceeded write quota."
        U sees nothing
        # Rows 1 to 5 come first.
        > socket.sendTo(1, "1234", "10.0.0.1", -1) > socket.sendTo(77, "1234", "10.0.0.1", 9)
        < socket.sendTo 1: "Port must be a value between 0 and 65535."
        < socket.sendTo 77: -1 "Socket not found"
        > socket.sendTo(1, "1234", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 -105
        < socket.sendTo 1: -105 "DNS resolution failed"
        > socket.sendTo(1, "123", "10.0.0.1", 9)
        < socket.sendTo 1: 3
        "#,
    );
}

/// socket-legacy.md 8: only `connect` is aborted by `disconnect` (D9).
#[test]
fn a_send_to_that_resolves_while_disconnected_ends_with_15_legacy_8() {
    let mut rig = legacy_bound();
    rig.play(
        r#"
        > socket.sendTo(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        > socket.disconnect(1)
        < socket.sendTo 1: -15
        < socket.disconnect 1: ok
        ? q1 unwanted
        "#,
    );
}

/// udp.md 8: "Close (or owner unload)".
#[test]
fn a_send_that_resolves_at_unload_finds_no_socket_udp_8() {
    let mut rig = udp_bound();
    rig.play("> udp.send(1, \"x\", \"a.test\", 9)\n ? q1 of 1: a.test Any");
    rig.input(1, |engine| engine.shut_down());
    assert_eq!(rig.trace, ["< udp.send 1: \"Socket not found\""]);
}

/// socket-legacy.md 4.9: row 4 comes before row 8, also when connected.
#[test]
fn a_connected_legacy_socket_resolves_before_send_to_is_refused_legacy_4_9() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > socket.create(udp) > socket.connect(1, "10.0.0.1", 9) > socket.sendTo(1, "x", "a.test", 9)
        < socket.create 1: ok
        < socket.connect 1: 0
        ? q1 of 1: a.test Any
        A q1 -105
        < socket.sendTo 1: -105 "DNS resolution failed"
        "#,
    );
}

/// udp.md 4.6 row 7, 6.2: also for a send whose name is known by then.
#[test]
fn a_resolved_send_finds_the_line_full_udp_4_6_row_7() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    for _ in 0..33 {
        rig.play("> udp.send(1, \"x\", \"10.0.0.1\", 9)");
    }
    rig.play(
        r#"
        > udp.send(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < udp.send 1: -12
        "#,
    );
    rig.sim.fill_send_buffers(false);
}

/// The host releases what a `read` or `recvFrom` gave it like all received data, but it was never
/// counted: the bound of the app's other sockets moves.
#[test]
fn legacy_reads_do_not_move_the_bound_of_undelivered_bytes() {
    let limits = Limits { undelivered_per_app: 100 + 2 * RECEIVE_WEIGHT, ..LIMITS };
    let mut rig = Rig::with(&Sim::new(), 0, limits, Grants::allow_all());
    rig.sim.serve("10.0.0.1:80");
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)> socket.create(tcp)");
    rig.issue("socket.connect(2, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig.releases = false;
    rig.play(
        r#"
        P1 sends 60 bytes
        ! onReceive 1: 60 bytes
        > socket.read(2)
        P2 sends 60 bytes
        < socket.read 2: 60 bytes 60
        "#,
    );
    rig.release(2, 60 + RECEIVE_WEIGHT.cast_signed());
    rig.play("P1 sends 60 bytes\n ! onReceive 1: 60 bytes\n P1 sends 1 bytes");
}

/// socket-legacy.md 2, 9: there is no such member.
#[test]
fn legacy_infos_never_say_paused_legacy_9() {
    let mut rig = Rig::new();
    rig.kept = Some(Vec::new());
    rig.issue("socket.create(tcp)> socket.getInfo(1)");
    let kept = rig.kept.take().unwrap();
    let Payload::Sockets(infos) = &kept[1].payload else { panic!("{kept:?}") };
    assert!(!infos[0].paused);
}

/// udp.md 4.4 row 6, socket-legacy.md 12 (-12): connected UDP sockets count, and are counted.
#[test]
fn the_limit_of_open_udp_sockets_holds_for_legacy_connect_udp_4_4() {
    let mut rig = Rig::new();
    rig.writes_trace = false;
    for id in 1..=6000 {
        rig.issue(&format!("udp.create()> udp.bind({id}, \"10.0.0.9\", {id})"));
    }
    rig.writes_trace = true;
    rig.play(
        r#"
        > socket.create(udp) > socket.connect(6001, "10.0.0.1", 9)
        < socket.create 6001: ok
        < socket.connect 6001: -12
        "#,
    );
}

/// socket-legacy.md 4.6, 4.8, 11: a `recvFrom` is no `read`, and the state decides; and the reverse.
#[test]
fn a_pending_recv_from_is_no_pending_read_legacy_4_6_4_8() {
    let mut rig = legacy_bound();
    rig.play(
        r#"
        > socket.recvFrom(1) > socket.read(1) > socket.read(1, -1)
        < socket.read 1: -15
        < socket.read 1: -4
        > socket.create(udp) > socket.connect(2, "10.0.0.1", 9)
        < socket.create 2: ok
        < socket.connect 2: 0
        > socket.read(2) > socket.recvFrom(2) > socket.recvFrom(2, -1)
        < socket.recvFrom 2: -15
        < socket.recvFrom 2: -4
        "#,
    );
}

/// As for streams above.
#[test]
fn datagrams_of_a_receive_that_panicked_reach_no_other_socket() {
    let mut rig = udp_bound();
    rig.issue("udp.create()> udp.bind(2, \"10.0.0.9\", 8)");
    settle(&mut rig);
    rig.contains_panics = true;
    rig.sim.world().air.receive_panics = true;
    rig.mates[0].send_to("secret", "10.0.0.9:7");
    let token = Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, Ready::READABLE));
    rig.run();
    rig.play(
        r#"
        U sends "public" to 10.0.0.9:8
        ! udp.onReceive 2: "public" from 10.0.0.1 9
        > udp.getSockets()
        < udp.getSockets: [2]
        "#,
    );
}

/// socket-legacy.md 4.9: row 6 (quota) comes before row 9 (32 in line).
#[test]
fn the_legacy_quota_comes_before_the_full_line_legacy_4_9() {
    let mut rig = legacy_bound();
    rig.quota = 33;
    rig.sim.fill_send_buffers(true);
    for _ in 0..33 {
        rig.play("> socket.sendTo(1, \"x\", \"10.0.0.1\", 9)");
    }
    rig.play(
        "> socket.sendTo(1, \"x\", \"10.0.0.1\", 9)\n < socket.sendTo 1: \"Exceeded write quota.\"",
    );
    rig.sim.fill_send_buffers(false);
}
