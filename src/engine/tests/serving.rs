//! `listen`, accepting, the end of servers (tcp.md 9).

use super::{connected, listening};
use crate::engine::sim::Sim;
use crate::engine::tests::driver::{LIMITS, Rig};
use crate::net::{DEFAULT_BACKLOG, Ready, Token};
use crate::permissions::Grants;

// --- 9.2, the checks in order

fn restricted() -> Rig {
    let manifest = r#"{"sockets": {"tcpServer": {"listen": ["10.0.0.9:7", "localhost:*"]}}}"#;
    let grants = Grants::from_manifest(manifest).unwrap().grants;
    Rig::with(&Sim::new(), 0, LIMITS, grants)
}

#[test]
fn listen_steps_1_to_4_in_order_9_2() {
    restricted().play(
        r#"
        > server.listen(1, "10.0.0.8", 7)
        < server.listen 1: "Socket not found"
        > server.create() > server.listen(1, "10.0.0.8", 7)
        < server.create 1: ok
        ! permission denied 1: "10.0.0.8" 7
        < server.listen 1: "Does not have permission"
        > server.listen(1, "10.0.0.9", 70000)
        ! permission denied 1: "10.0.0.9" 70000
        < server.listen 1: "Does not have permission"
        > server.listen(1, "localhost", 70000) > server.listen(1, "localhost", -1)
        < server.listen 1: -4
        < server.listen 1: -4
        > server.listen(1, "10.0.0.9", 7, 0)
        < server.listen 1: -4
        $
        > server.listen(1, "10.0.0.9", 7)
        < server.listen 1: 0
        # Already listening comes before the address and the backlog, but after the permission.
        > server.listen(1, "localhost", 7) > server.listen(1, "10.0.0.9", 7, 0)
        < server.listen 1: -2
        < server.listen 1: -2
        > server.listen(1, "localhost", 70000)
        < server.listen 1: -4
        > server.listen(1, "10.0.0.8", 7)
        ! permission denied 1: "10.0.0.8" 7
        < server.listen 1: "Does not have permission"
        P connects 10.0.0.9:7
        ! onAccept 1: client 2
        "#,
    );
}

#[test]
fn a_denial_says_to_the_host_what_was_wanted_pm_2() {
    let mut rig = restricted();
    rig.issue("server.create()> create()> connect(2, \"a.test\", 80)");
    rig.run();
    assert_eq!(
        rig.trace[2..],
        ["! permission denied 2: \"a.test\" 80", "< connect 2: \"Does not have permission\""]
    );
    // No manifest entry at all.
    let grants = Grants::from_manifest("{}").unwrap().grants;
    Rig::with(&Sim::new(), 0, LIMITS, grants).play(
        r#"
        > server.create() > server.listen(1, "10.0.0.9", 7) > create() > connect(2, "10.0.0.1", 80)
        < server.create 1: ok
        ! permission denied 1: "10.0.0.9" 7
        < server.listen 1: "Does not have permission"
        < create 2: ok
        ! permission denied 2: "10.0.0.1" 80
        < connect 2: "Does not have permission"
        "#,
    );
}

#[test]
fn the_address_must_be_a_literal_9_2_step_4() {
    let names =
        ["localhost", "*", "", "[::1]", "fe80::1%eth0", "a.test", "10.0.0.9:7", " 10.0.0.9"];
    for name in names {
        let mut rig = Rig::new();
        rig.play(&format!(
            r#"
            > server.create() > server.listen(1, "{name}", 7)
            < server.create 1: ok
            < server.listen 1: -4
            $
            "#,
        ));
    }
}

#[test]
fn the_backlog_must_be_above_zero_9_2_step_5() {
    Rig::new().play(
        r#"
        > server.create() > server.listen(1, "10.0.0.9", 7, 0) > server.listen(1, "10.0.0.9", 7, -1)
        < server.create 1: ok
        < server.listen 1: -4
        < server.listen 1: -4
        > server.listen(1, "10.0.0.9", 7, -2147483648) > server.listen(1, "10.0.0.9", 7, 1)
        < server.listen 1: -4
        < server.listen 1: 0
        $
        ~ 1 listen 10.0.0.9:7 backlog 1
        "#,
    );
}

#[test]
fn errors_of_listen_are_mapped_as_in_the_table_of_9_2() {
    for (errno, code) in [
        (libc::EADDRINUSE, -147),
        (libc::EADDRNOTAVAIL, -108),
        (libc::EACCES, -10),
        (libc::EPERM, -10),
        (libc::EAFNOSUPPORT, -109),
        (libc::EINVAL, -4),
        (libc::EMFILE, -12),
        (libc::ENFILE, -12),
        (libc::ENOBUFS, -176),
        (libc::ENOMEM, -13),
        (libc::EIO, -2),
    ] {
        let mut rig = Rig::new();
        rig.sim.world().fail_listen.push_back(errno);
        // LS-5: the socket can listen afterwards; LS-6: the message is the code's name.
        rig.play(&format!(
            r#"
            > server.create() > server.listen(1, "10.0.0.9", 7) > server.getInfo(1)
            < server.create 1: ok
            < server.listen 1: {code}
            < server.getInfo 1:
            > server.listen(1, "10.0.0.9", 7)
            < server.listen 1: 0
            "#,
        ));
    }
}

#[test]
fn without_a_backlog_it_is_the_platforms_ls_1() {
    Rig::new().play(&format!(
        r#"
        > server.create() > server.listen(1, "10.0.0.9", 7)
        < server.create 1: ok
        < server.listen 1: 0
        $
        ~ 1 listen 10.0.0.9:7 backlog {DEFAULT_BACKLOG}
        "#,
    ));
}

#[test]
fn literals_may_have_any_form_a_url_parser_takes_ls_2() {
    for (text, address) in [
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("::", "::"),
        ("FE80::1", "fe80::1"),
    ] {
        let mut rig = Rig::new();
        rig.play(&format!(
            r#"
            > server.create() > server.listen(1, "{text}", 7) > server.getInfo(1)
            < server.create 1: ok
            < server.listen 1: 0
            < server.getInfo 1: local {address} 7
            "#,
        ));
    }
}

#[test]
fn a_port_in_use_is_refused_and_free_again_at_once_ls_4() {
    listening().play(
        r#"
        > server.create() > server.listen(2, "10.0.0.9", 7)
        < server.create 2: ok
        < server.listen 2: -147
        > server.close(1) > server.listen(2, "10.0.0.9", 7)
        < server.close 1: ok
        < server.listen 2: 0
        P connects 10.0.0.9:7
        ! onAccept 2: client 3
        "#,
    );
}

// --- 9.3

#[test]
fn each_connection_raises_one_on_accept_ac_1() {
    let mut rig = listening();
    for _ in 0..3 {
        let peer = rig.sim.dial("10.0.0.9:7");
        rig.peers.push(Some(peer));
    }
    rig.run();
    assert_eq!(
        rig.trace,
        ["! onAccept 1: client 2", "! onAccept 1: client 3", "! onAccept 1: client 4"]
    );
    assert_eq!(rig.accounts.open_sockets(), 4, "what the diagnostics say");
}

#[test]
fn an_accepted_socket_inherits_nothing_ac_2() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > server.create(persistent true, name "s") > server.listen(1, "10.0.0.9", 7)
        < server.create 1: ok
        < server.listen 1: 0
        P connects 10.0.0.9:7
        ! onAccept 1: client 2
        > getInfo(2)
        < getInfo 2: connected paused local 10.0.0.9 7 peer 10.9.9.9 50001
        # Its options are those the system layer gave it.
        $
        ~ 1 listen 10.0.0.9:7 backlog 4096
        "#
        .replace("4096", &DEFAULT_BACKLOG.to_string())
        .as_str(),
    );
}

#[test]
fn a_wildcard_server_reports_the_address_that_was_reached_d3() {
    Rig::new().play(
        r#"
        > server.create() > server.listen(1, "0.0.0.0", 7) > server.getInfo(1)
        < server.create 1: ok
        < server.listen 1: 0
        < server.getInfo 1: local 0.0.0.0 7
        P connects 10.0.0.5:7
        ! onAccept 1: client 2
        > getInfo(2)
        < getInfo 2: connected paused local 10.0.0.5 7 peer 10.9.9.9 50001
        "#,
    );
}

#[test]
fn an_accepted_socket_sends_at_once_and_delivers_only_unpaused_ac_3() {
    listening().play(
        r#"
        P connects 10.0.0.9:7
        ! onAccept 1: client 2
        P sends "request"
        > send(2, "greeting")
        < send 2: sent 8
        P sees "greeting" open
        P closes
        > getInfo(2)
        < getInfo 2: connected paused local 10.0.0.9 7 peer 10.9.9.9 50001
        > setPaused(2, false)
        < setPaused 2: ok
        ! onReceive 2: "request"
        ! onReceiveError 2: -100
        "#,
    );
}

#[test]
fn an_accepted_socket_is_a_socket_like_any_other_ac_4() {
    let mut rig = listening();
    rig.sim.serve("10.0.0.1:80");
    rig.play(
        r#"
        P connects 10.0.0.9:7
        ! onAccept 1: client 2
        > getSockets() > disconnect(2) > connect(2, "10.0.0.1", 80)
        < getSockets: [2]
        < disconnect 2: ok
        < connect 2: 0
        > getInfo(2) > close(2)
        < getInfo 2: connected paused local 10.9.9.9 50002 peer 10.0.0.1 80
        < close 2: ok
        "#,
    );
}

#[test]
fn connections_aborted_before_they_were_accepted_are_skipped_ac_5() {
    for errno in [libc::ECONNABORTED, libc::EPROTO] {
        let mut rig = listening();
        rig.sim.world().fail_accept.extend([errno, errno]);
        rig.play(
            r#"
            P connects 10.0.0.9:7
            ! onAccept 1: client 2
            "#,
        );
    }
}

/// They take no longer than as many that are accepted: other sockets have their turn between them.
#[test]
fn many_aborted_connections_are_skipped_a_few_at_a_time_ac_5() {
    const MANY: usize = 10_000;
    let mut rig = listening();
    rig.sim.world().fail_accept.extend([libc::ECONNABORTED; MANY]);
    let token = Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, Ready::READABLE));
    let skipped = MANY - rig.sim.world().fail_accept.len();
    assert!((1..=100).contains(&skipped), "{skipped} by one visit");
    rig.play("P connects 10.0.0.9:7\n ! onAccept 1: client 2");
}

#[test]
fn any_other_failure_stops_accepting_until_resumed_ac_6_ac_7() {
    for (errno, code) in [
        (libc::EMFILE, -12),
        (libc::ENFILE, -12),
        (libc::ENOBUFS, -176),
        (libc::ENOMEM, -13),
        (libc::EPERM, -10),
        (libc::EIO, -2),
    ] {
        let mut rig = listening();
        rig.sim.world().fail_accept.push_back(errno);
        rig.play(&format!(
            r#"
            P connects 10.0.0.9:7
            ! onAcceptError 1: {code}
            > server.getInfo(1)
            < server.getInfo 1: paused local 10.0.0.9 7
            # Not retried by itself.
            P connects 10.0.0.9:7
            T 100000
            > server.setPaused(1, false)
            < server.setPaused 1: ok
            ! onAccept 1: client 2
            ! onAccept 1: client 3
            "#,
        ));
    }
}

#[test]
fn connections_before_the_failure_are_announced_first_ac_6() {
    let mut rig = listening();
    let peers: Vec<_> = (0..3).map(|_| Some(rig.sim.dial("10.0.0.9:7"))).collect();
    rig.peers.extend(peers);
    rig.sim.world().fail_accept.extend([0, libc::ENFILE]);
    rig.run();
    assert_eq!(rig.trace, ["! onAccept 1: client 2", "! onAcceptError 1: -12"]);
    assert_eq!(rig.sim.live_streams(0), (1, 0));
    rig.play(
        r#"
        > server.setPaused(1, false)
        < server.setPaused 1: ok
        ! onAccept 1: client 3
        ! onAccept 1: client 4
        "#,
    );
}

#[test]
fn a_server_paused_at_listen_accepts_after_resuming_ac_7_ac_8_ac_9() {
    Rig::new().play(
        r#"
        > server.create() > server.setPaused(1, true) > server.listen(1, "10.0.0.9", 7)
        < server.create 1: ok
        < server.setPaused 1: ok
        < server.listen 1: 0
        P connects 10.0.0.9:7
        P connects 10.0.0.9:7
        > server.setPaused(1, false)
        < server.setPaused 1: ok
        ! onAccept 1: client 2
        ! onAccept 1: client 3
        > server.setPaused(1, true)
        < server.setPaused 1: ok
        P connects 10.0.0.9:7
        # The pause flag survives disconnect and is honoured by the next listen.
        > server.disconnect(1) > server.listen(1, "10.0.0.9", 7)
        < server.disconnect 1: ok
        < server.listen 1: 0
        P connects 10.0.0.9:7
        > server.setPaused(1, false)
        < server.setPaused 1: ok
        ! onAccept 1: client 4
        "#,
    );
}

#[test]
fn a_pause_called_after_the_connection_came_still_holds_it_back_ac_8() {
    let mut rig = listening();
    rig.peers.push(Some(rig.sim.dial("10.0.0.9:7")));
    rig.play(
        r#"
        > server.setPaused(1, true)
        < server.setPaused 1: ok
        > server.setPaused(1, false)
        < server.setPaused 1: ok
        ! onAccept 1: client 2
        "#,
    );
}

#[test]
fn a_crowd_is_accepted_in_turns_with_other_sockets() {
    let mut rig = connected();
    rig.issue("server.create()> server.listen(2, \"10.0.0.9\", 7)");
    super::settle(&mut rig);
    let crowd: Vec<_> = (0..40).map(|_| Some(rig.sim.dial("10.0.0.9:7"))).collect();
    rig.peers.extend(crowd);
    crate::net::Stream::write(rig.peers[0].as_mut().unwrap(), b"hello").unwrap();
    rig.run();
    let at = rig.trace.iter().position(|line| line == "! onReceive 1: \"hello\"").unwrap();
    assert_eq!((at, rig.trace.len()), (16, 41), "16 connections per visit");
}

// --- 9.4

#[test]
fn disconnect_of_a_server_is_ok_in_any_state_and_frees_the_port_sd_1() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > server.create(name "s", persistent true) > server.disconnect(1) > server.disconnect(1)
        < server.create 1: ok
        < server.disconnect 1: ok
        < server.disconnect 1: ok
        > server.listen(1, "10.0.0.9", 7) > server.setPaused(1, true)
        < server.listen 1: 0
        < server.setPaused 1: ok
        # Waits in the backlog, is reset.
        P connects 10.0.0.9:7
        > server.disconnect(1) > server.getInfo(1)
        < server.disconnect 1: ok
        < server.getInfo 1: paused persistent name "s"
        P sees reset
        P connects 10.0.0.9:7
        P sees reset
        "#,
    );
    assert_eq!(rig.sim.live_listeners(0), 0);
}

#[test]
fn close_of_a_server_makes_its_id_unknown_sd_2() {
    listening().play(
        r#"
        > server.close(1) > server.close(1) > server.getSockets()
        < server.close 1: ok
        < server.close 1: "Socket not found"
        < server.getSockets: []
        P connects 10.0.0.9:7
        P sees reset
        "#,
    );
}

#[test]
fn a_connection_that_came_before_close_is_not_announced_after_it_sd_2() {
    let mut rig = listening();
    rig.peers.push(Some(rig.sim.dial("10.0.0.9:7")));
    rig.play("> server.close(1)\n < server.close 1: ok\n P sees reset\n > getSockets()\n < getSockets: []");
}

#[test]
fn listen_completes_in_its_turn_so_that_none_can_be_pending_sd_4_d12a() {
    Rig::new().play(
        r#"
        > server.create() > server.listen(1, "10.0.0.9", 7) > server.listen(1, "10.0.0.9", 8)
        < server.create 1: ok
        < server.listen 1: 0
        < server.listen 1: -2
        > server.disconnect(1) > server.listen(1, "10.0.0.9", 8) > server.close(1)
        < server.disconnect 1: ok
        < server.listen 1: 0
        < server.close 1: ok
        "#,
    );
}
