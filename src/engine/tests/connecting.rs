//! `connect`: the order of its checks, repeated and failing calls, error codes (tcp.md 3.5).

use super::{connected, rig};
use crate::engine::sim::{Place, Sim};
use crate::engine::tests::driver::{LIMITS, Rig};
use crate::net::{Ready, Token};
use crate::permissions::Grants;

/// An app that may connect to and listen at a few places.
fn restricted() -> Rig {
    let manifest = r#"{"sockets": {
        "tcp": {"connect": ["10.0.0.1:80", "a.test:*", "bad..name:80"]},
        "tcpServer": {"listen": ["10.0.0.9:7", "localhost:*"]}
    }}"#;
    let grants = Grants::from_manifest(manifest).unwrap().grants;
    let rig = Rig::with(&Sim::new(), 0, LIMITS, grants);
    rig.sim.serve("10.0.0.1:80");
    rig
}

#[test]
fn step_1_the_socket_is_looked_up_before_the_permission() {
    restricted().play(
        r#"
        > connect(1, "10.0.0.2", 80)
        < connect 1: "Socket not found"
        "#,
    );
}

#[test]
fn step_3_permission_is_asked_for_the_text_and_port_as_passed() {
    restricted().play(
        r#"
        > create() > connect(1, "10.0.0.2", 80)
        < create 1: ok
        ! permission denied 1: "10.0.0.2" 80
        < connect 1: "Does not have permission"
        # The same address, but not the text of the rule (PM-4).
        > connect(1, "10.1", 80)
        ! permission denied 1: "10.1" 80
        < connect 1: "Does not have permission"
        > connect(1, "10.0.0.1", 81)
        ! permission denied 1: "10.0.0.1" 81
        < connect 1: "Does not have permission"
        # A permitted name may resolve to any address.
        > connect(1, "a.test", 80)
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < connect 1: 0
        "#,
    );
}

#[test]
fn step_3_comes_before_the_port_check_and_3a_before_resolution_d6() {
    let mut rig = restricted();
    for port in ["65536", "-1", "2147483647", "-2147483648", "65616"] {
        rig.issue("create()");
        let id = rig.accounts.open_sockets();
        rig.run();
        rig.play(&format!(
            r#"
            > connect({id}, "b.test", {port})
            ! permission denied {id}: "b.test" {port}
            < connect {id}: "Does not have permission"
            > connect({id}, "a.test", {port})
            < connect {id}: -4
            "#,
        ));
    }
}

#[test]
fn step_4_resolution_comes_before_the_state_checks_cn_1() {
    let mut rig = connected();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        # Connected, but the name has no address: -105, not -23.
        > connect(1, "no.test", 80) > connect(1, "", 80)
        < connect 1: -105
        ? q1 of 1: no.test Any
        A q1 -105
        < connect 1: -105
        > connect(1, "no.test", 80)
        ? q2 of 1: no.test Any
        A q2 -106
        < connect 1: -106
        > connect(1, "a.test", 80) > connect(1, "10.0.0.1", 80)
        < connect 1: -23
        ? q3 of 1: a.test Any
        A q3 10.0.0.1
        < connect 1: -23
        # The connection was never disturbed.
        P sends "x"
        ! onReceive 1: "x"
        # The same in the TCP phase of another connect.
        > create() > connect(2, "10.0.0.2", 80)
        < create 2: ok
        > connect(2, "", 80) > connect(2, "10.0.0.1", 70000) > connect(2, "10.0.0.1", 80)
        < connect 2: -105
        < connect 2: -4
        < connect 2: -104
        > disconnect(2)
        < connect 2: -3
        < disconnect 2: ok
        "#,
    );
}

#[test]
fn step_5_a_socket_closed_while_resolving_is_not_found() {
    rig().play(
        r#"
        > create() > connect(1, "a.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        > close(1)
        < connect 1: "Socket not found"
        < close 1: ok
        ? q1 unwanted
        "#,
    );
}

#[test]
fn steps_6_and_7_a_second_connect_leaves_the_first_alone() {
    let mut rig = rig();
    let later = Place::After(std::time::Duration::from_secs(1), Box::new(Place::Normal));
    rig.sim.place("10.0.0.1:80", later);
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80) > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < connect 1: -104
        T 1000
        < connect 1: 0
        > connect(1, "10.0.0.1", 80)
        < connect 1: -23
        P sends "x"
        ! onReceive 1: "x"
        "#,
    );
    assert_eq!(rig.peers.len(), 1);
}

#[test]
fn step_8_the_last_address_gives_the_code() {
    let mut rig = Rig::new();
    rig.sim.place("10.0.0.1:80", Place::Fails(libc::ECONNREFUSED));
    rig.sim.place("10.0.0.2:80", Place::Fails(libc::EHOSTUNREACH));
    rig.sim.place("10.0.0.3:80", Place::FailsAtOnce(libc::EACCES));
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        A q1 10.0.0.1 10.0.0.2
        < connect 1: -109
        > connect(1, "a.test", 80)
        ? q2 of 1: a.test Any
        A q2 10.0.0.2 10.0.0.1
        < connect 1: -102
        > connect(1, "a.test", 80)
        ? q3 of 1: a.test Any
        A q3 10.0.0.2 10.0.0.3
        < connect 1: -138
        > connect(1, "a.test", 80)
        ? q4 of 1: a.test Any
        A q4 10.0.0.3 10.0.0.1
        < connect 1: -102
        "#,
    );
}

#[test]
fn two_connects_both_resolve_and_the_loser_may_still_try_cn_2() {
    let mut rig = rig();
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80) > connect(1, "b.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        # The first to resolve fails; the other starts its own attempt.
        A q2 10.0.0.7
        < connect 1: -102
        A q1 10.0.0.1
        < connect 1: 0
        "#,
    );
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(2, "a.test", 80) > connect(2, "b.test", 80) > connect(2, "c.test", 80)
        < create 2: ok
        ? q3 of 2: a.test Any
        ? q4 of 2: b.test Any
        ? q5 of 2: c.test Any
        A q4 10.0.0.2
        A q3 10.0.0.1
        < connect 2: -104
        # One in its TCP phase, one resolving: both are cancelled.
        > disconnect(2)
        < connect 2: -3
        < connect 2: -3
        < disconnect 2: ok
        ? q5 unwanted
        "#,
    );
}

#[test]
fn a_socket_can_connect_again_after_a_failure_cn_3() {
    rig().play(
        r#"
        > create() > connect(1, "10.0.0.7", 80)
        < create 1: ok
        < connect 1: -102
        > connect(1, "no.test", 80)
        ? q1 of 1: no.test Any
        A q1 -105
        < connect 1: -105
        > connect(1, "10.0.0.1", 80)
        < connect 1: 0
        P sends "x"
        ! onReceive 1: "x"
        "#,
    );
}

#[test]
fn a_reconnected_socket_stays_paused_if_the_library_paused_it_cn_4() {
    connected().play(
        r#"
        P closes
        ! onReceiveError 1: -100
        > connect(1, "10.0.0.1", 80)
        < connect 1: 0
        P sends "x"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "x"
        > disconnect(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        > setPaused(1, false) > connect(1, "10.0.0.1", 80)
        < setPaused 1: ok
        < connect 1: 0
        P sends "y"
        ! onReceive 1: "y"
        "#,
    );
}

#[test]
fn port_0_is_passed_to_the_system_cn_6() {
    Rig::new().play(
        r#"
        > create() > connect(1, "10.0.0.1", 0)
        < create 1: ok
        < connect 1: -102
        $
        ~ 1 connect 10.0.0.1:0 #0
        "#,
    );
}

#[test]
fn a_peer_that_closes_at_once_was_connected_nevertheless_cn_7() {
    // Connection, data and end have all come before the engine looks.
    for (act, data) in [(false, &b""[..]), (true, b"bye")] {
        let mut rig = rig();
        rig.issue("create()> connect(1, \"10.0.0.1\", 80)");
        rig.meet();
        let peer = rig.peers[0].take().unwrap();
        crate::net::Stream::write(&peer, data).unwrap();
        drop(peer);
        rig.trace.clear();
        rig.run();
        let mut expected =
            vec!["< connect 1: 0", "! onReceive 1: \"bye\"", "! onReceiveError 1: -100"];
        if !act {
            expected.remove(1);
        }
        assert_eq!(rig.trace, expected);
    }
}

#[test]
fn there_is_no_time_limit_on_an_attempt_cn_8() {
    let mut rig = Rig::new();
    rig.sim.place("10.0.0.1:80", Place::Silent);
    rig.sim.place("10.0.0.2:80", Place::Fails(libc::ETIMEDOUT));
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        T 1000000000
        > create() > connect(2, "10.0.0.2", 80)
        < create 2: ok
        < connect 2: -118
        > disconnect(1)
        < connect 1: -3
        < disconnect 1: ok
        "#,
    );
}

#[test]
fn paused_before_connect_reads_nothing_cn_10() {
    rig().play(
        r#"
        > create() > setPaused(1, true) > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < setPaused 1: ok
        < connect 1: 0
        P sends "x"
        $
        ~ 1 connect 10.0.0.1:80 #0
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "x"
        "#,
    );
}

/// Every row of the table in 3.5, and 14.1 where 3.5 says nothing else.
const CODES: &[(i32, i32)] = &[
    (libc::ECONNREFUSED, -102),
    (libc::ETIMEDOUT, -118),
    (libc::EHOSTUNREACH, -109),
    (libc::ENETUNREACH, -109),
    (libc::EHOSTDOWN, -109),
    (libc::EAFNOSUPPORT, -109),
    (libc::EADDRNOTAVAIL, -108),
    (libc::EACCES, -138),
    (libc::EPERM, -10),
    (libc::ECONNRESET, -101),
    (libc::EPIPE, -101),
    (libc::ENETRESET, -101),
    (libc::ECONNABORTED, -103),
    (libc::ENETDOWN, -106),
    (libc::EINVAL, -4),
    (libc::EMFILE, -12),
    (libc::ENFILE, -12),
    (libc::ENOMEM, -13),
    (libc::ENOBUFS, -176),
    (libc::EADDRINUSE, -147),
    (libc::ENOSPC, -104),
    (libc::EIO, -104),
    (libc::EPROTO, -104),
];

#[test]
fn errors_of_the_attempt_are_mapped_as_in_the_table_of_3_5() {
    for (errno, code) in CODES {
        for place in [Place::Fails(*errno), Place::FailsAtOnce(*errno)] {
            let mut rig = Rig::new();
            rig.sim.place("10.0.0.1:80", place);
            rig.play(&format!(
                r#"
                > create() > connect(1, "10.0.0.1", 80)
                < create 1: ok
                < connect 1: {code}
                > getInfo(1)
                < getInfo 1: -
                "#,
            ));
        }
    }
}

/// An attempt ends also where nobody may ask for the peer's address; the next one may be luckier.
#[test]
fn a_peer_that_is_not_told_fails_the_attempt() {
    for (errno, code) in [(libc::EPERM, -10), (libc::ENOBUFS, -176), (libc::EIO, -104)] {
        let mut rig = rig();
        rig.sim.serve("10.0.0.2:80");
        rig.sim.world().fail_peer_address.extend([errno, errno]);
        rig.play(&format!(
            r#"
            > create() > connect(1, "10.0.0.1", 80)
            < create 1: ok
            < connect 1: {code}
            > connect(1, "a.test", 80)
            ? q1 of 1: a.test Any
            A q1 10.0.0.1 10.0.0.2
            < connect 1: 0
            > getInfo(1)
            < getInfo 1: connected local 10.9.9.9 50003 peer 10.0.0.2 80
            "#,
        ));
    }
}

#[test]
fn spurious_readiness_does_not_end_an_attempt() {
    let mut rig = rig();
    let later = Place::After(std::time::Duration::from_secs(1), Box::new(Place::Normal));
    rig.sim.place("10.0.0.1:80", later);
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)");
    rig.run();
    for lane in [0, 1, 77] {
        for ready in [Ready::READABLE, Ready::WRITABLE] {
            rig.input(1, |engine| engine.handle_ready(Token { owner: 1, lane }, ready));
        }
    }
    // Sockets that do not exist, and one that only drains.
    for owner in [0, 5, -1, i32::MIN, i32::MAX] {
        rig.input(owner, |engine| engine.handle_ready(Token { owner, lane: 0 }, Ready::WRITABLE));
    }
    rig.run();
    rig.play("T 1000\n < connect 1: 0");
}
