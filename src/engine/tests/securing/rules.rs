//! When `secure` may be called, and what other calls do meanwhile and after (tcp.md 7.1, 7.2, 7.4 to 7.6;
//! socket-legacy.md 7).

use bytes::Bytes;

use super::super::{connected, connected_with, listening, rig};
use super::{Case, Talk};
use crate::api::event::{Event, Payload};
use crate::api::table::EventType;
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;

const GONE: &str = r#"
    > close(1) > setPaused(1, true) > secure(1)
    < close 1: "Socket not found"
    < setPaused 1: "Socket not found"
    < secure 1: -4 "Socket not found"
"#;

/// Socket 1, secured and reading.
fn secured() -> Talk {
    let mut talk = Case::good().begin();
    talk.run();
    talk.events();
    talk.works();
    talk
}

/// Socket 1 of `chrome.socket`, connected.
fn legacy() -> Talk {
    Case::good().connect_by("socket.create(tcp)> socket.connect")
}

// --- 7.1

#[test]
fn a_connection_that_was_made_at_once_is_watched_and_secured_like_any_other_7_1() {
    let prompt = Case { is_prompt: true, ..Case::good() };
    prompt.is_served();
    let mut talk = prompt.connect();
    talk.rig.sim.world().fail_watch.push_back(libc::ENOMEM);
    talk.rig.issue("secure(1)");
    talk.fails(-13);
}

#[test]
fn an_unknown_socket_is_not_found_tls_1() {
    let mut rig = Rig::new();
    rig.issue("create()> server.create()> udp.create()> close(1)");
    rig.run();
    for id in ["1", "2", "3", "4", "0", "-1"] {
        rig.play(&format!("> secure({id})\n < secure {id}: -4 \"Socket not found\""));
    }
}

#[test]
fn a_secured_socket_is_not_secured_again_tls_2() {
    let mut talk = secured();
    let refused = r#"
        > secure(1)
        < secure 1: -4 "Socket must be a connected client TCP socket."
    "#;
    talk.rig.play(refused);
    // It stays usable.
    talk.rig.issue("send(1, \"more\")");
    talk.run();
    assert_eq!(talk.heard, b"hellomore");
    talk.rig.play("> disconnect(1)\n < disconnect 1: ok\n ! onReceiveError 1: -100");
    talk.rig.play(refused);
}

#[test]
fn a_socket_that_is_not_connected_cannot_be_secured_tls_3() {
    let refused = "> secure(1)\n < secure 1: -4 \"Socket not connected\"";
    let mut rig = rig();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play("> create()\n < create 1: ok");
    rig.play(refused);
    rig.issue("connect(1, \"10.0.0.2\", 80)");
    rig.run();
    rig.play(refused);
    rig.play("> disconnect(1)\n < connect 1: -3\n < disconnect 1: ok");
    rig.play(refused);
    let mut rig = connected();
    rig.play("> disconnect(1)\n < disconnect 1: ok\n ! onReceiveError 1: -100");
    rig.play(refused);
    rig.play("> getInfo(1)\n < getInfo 1: - paused");
}

#[test]
fn a_socket_that_reads_is_lost_tls_4() {
    let lost = "> secure(1)\n < secure 1: -2\n ! onReceiveError 1: -100";
    let mut rig = connected();
    rig.play(lost);
    rig.play(GONE);
    // Paused too late: the read in flight waits on (PA-3).
    let mut rig = connected();
    rig.play("> setPaused(1, true)\n < setPaused 1: ok");
    rig.play(lost);
    rig.play(GONE);
}

#[test]
fn a_connect_that_resolves_meanwhile_finds_no_socket_3_5_step_5() {
    let mut rig = connected();
    rig.play(
        r#"
        > connect(1, "b.test", 80) > secure(1)
        < secure 1: -2
        ! onReceiveError 1: -100
        < connect 1: "Socket not found"
        ? q1 of 1: b.test Any
        ? q1 unwanted
        "#,
    );
}

#[test]
fn a_socket_that_sends_is_lost_and_so_are_its_sends_tls_5_d1() {
    let mut rig = super::super::rig();
    rig.sim.world().buffer = 10;
    rig.issue("create()> setPaused(1, true)> connect(1, \"10.0.0.1\", 80)");
    super::super::settle(&mut rig);
    rig.play(
        r#"
        > send(1, 15 bytes) > send(1, "x") > secure(1)
        < send 1: -15
        < send 1: -15
        < secure 1: -2
        "#,
    );
    rig.play(GONE);
}

#[test]
fn an_accepted_socket_is_lost_tls_6() {
    let mut rig = listening();
    rig.play("P connects 10.0.0.9:7\n ! onAccept 1: client 2");
    rig.play("> secure(2)\n < secure 2: -2");
    rig.play(&GONE.replace('1', "2"));
}

#[test]
fn a_peer_that_has_closed_is_lost_tls_8() {
    for act in ["closes", "ends", "resets", "breaks 110"] {
        let mut rig = connected_with("create()> setPaused(1, true)");
        rig.play(&format!("P {act}"));
        rig.play("> secure(1)\n < secure 1: -15");
        rig.play(GONE);
    }
}

#[test]
fn one_handshake_at_a_time_tls_9() {
    let mut talk = Case::good().begin();
    talk.rig.play("> secure(1) > secure(1)\n < secure 1: -2\n < secure 1: -2");
    talk.succeeds();
}

// --- 7.2

#[test]
fn starttls_on_an_unpaused_connection_tls_11() {
    let mut talk = Case::good().connect_by("create()> connect");
    talk.rig.play(
        r#"
        > setPaused(1, true) > send(1, "STARTTLS")
        < setPaused 1: ok
        < send 1: sent 8
        P sees "STARTTLS" open
        P sends "220 go ahead"
        ! onReceive 1: "220 go ahead"
        "#,
    );
    talk.rig.issue("secure(1)");
    talk.rig.received.clear();
    talk.succeeds();
}

#[test]
fn bytes_of_before_are_never_delivered_after_tls_28() {
    for injected in ["250 injected\r\n", "x", "\u{16}\u{3}\u{3}\0\u{1}"] {
        let mut talk = Case::good().connect_by("create()> connect");
        talk.rig.play(
            r#"
            > setPaused(1, true) > send(1, "STARTTLS")
            < setPaused 1: ok
            < send 1: sent 8
            P sees "STARTTLS" open
            P sends "220 go ahead"
            ! onReceive 1: "220 go ahead"
            "#,
        );
        talk.rig.received.clear();
        talk.feed(injected.as_bytes());
        talk.rig.issue("secure(1)");
        talk.run();
        // It is taken for TLS, which it is not: there is no way on.
        assert_eq!(talk.events(), ["< secure 1: -107"]);
        talk.is_gone();
    }
}

#[test]
fn what_was_sent_before_goes_first_and_in_plain_text_tls_29() {
    let mut talk = Case::good().connect();
    talk.rig.issue("send(1, \"STARTTLS\")> secure(1)");
    talk.rig.run();
    assert_eq!(talk.events(), ["< send 1: sent 8"]);
    let (mut bytes, _) = talk.rig.peers[0].as_mut().unwrap().take();
    let hello = bytes.split_off(8);
    assert_eq!(bytes, b"STARTTLS");
    assert_eq!(hello[..3], [22, 3, 1]);
    talk.server.read_tls(&mut &hello[..]).unwrap();
    talk.server.process_new_packets().unwrap();
    talk.succeeds();
}

// --- 7.4

#[test]
fn nothing_is_resumed_tls_24() {
    let case = Case::good();
    for _ in 0..2 {
        let mut talk = case.begin();
        talk.run();
        let kind = talk.server.handshake_kind();
        assert_ne!(kind, Some(rustls::HandshakeKind::Resumed));
        assert_eq!(talk.events(), ["< secure 1: 0"]);
        talk.works();
    }
}

// --- 7.5

#[test]
fn calls_during_the_handshake_7_5() {
    let mut talk = Case::good().begin();
    talk.rig.play(
        r#"
        > send(1, "x") > send(1, 20000 bytes) > setNoDelay(1, true) > setKeepAlive(1, true, 0)
        < send 1: -15
        < send 1: -15
        < setNoDelay 1: -2
        < setKeepAlive 1: -2
        > getInfo(1) > connect(1, "10.0.0.1", 443) > update(1, name "x")
        < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 443
        < connect 1: -23
        < update 1: ok
        "#,
    );
    talk.succeeds();
}

#[test]
fn a_pause_that_ends_during_the_handshake_ends_with_it_d15() {
    let mut talk = Case::good().begin();
    talk.rig.play("> setPaused(1, false)\n < setPaused 1: ok");
    talk.run();
    assert_eq!(talk.events(), ["< secure 1: 0", "! onReceive 1: \"welcome\""]);
    let mut talk = Case::good().begin();
    talk.rig.issue("setPaused(1, false)> setPaused(1, true)");
    talk.run();
    assert_eq!(talk.events()[2..], ["< secure 1: 0"]);
    talk.works();
}

#[test]
fn disconnect_and_close_end_the_handshake_dc_6_cl_3() {
    let mut talk = Case::good().begin();
    talk.rig.play("> disconnect(1)\n < secure 1: -3\n < disconnect 1: ok");
    talk.rig.play("> getInfo(1) > close(1)\n < getInfo 1: - paused\n < close 1: ok");
    let mut talk = Case::good().begin();
    talk.rig.play("> close(1)\n < secure 1: -3\n < close 1: ok");
}

// --- 7.6

#[test]
fn properties_and_addresses_stay_tls_40_tls_41_d16() {
    let calls = r#"create(persistent true, name "n", bufferSize 3)> setPaused(1, true)> connect"#;
    let mut talk = Case::good().connect_by(calls);
    let info = r#"
        > getInfo(1)
        < getInfo 1: connected paused persistent name "n" bufferSize 3 local 10.9.9.9 50001 peer 10.0.0.1 443
    "#;
    talk.rig.play(info);
    talk.rig.issue("secure(1)");
    talk.run();
    talk.rig.play(info);
    talk.rig.play(
        r#"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "wel"
        ! onReceive 1: "com"
        ! onReceive 1: "e"
        "#,
    );
}

#[test]
fn nothing_is_delivered_while_paused_tls_42() {
    let mut talk = Case::good().begin();
    talk.run();
    assert_eq!(talk.events(), ["< secure 1: 0"]);
    talk.rig.sim.take_calls();
    talk.feed(b"");
    talk.rig.pass(1000);
    assert!(!talk.rig.sim.take_calls().iter().any(|call| call.contains("read")));
    talk.works();
}

#[test]
fn a_secured_socket_takes_no_options_and_no_connect_tls_44() {
    let mut talk = secured();
    talk.rig.play(
        r#"
        > setNoDelay(1, true) > setKeepAlive(1, true, 1) > connect(1, "10.0.0.1", 443)
        < setNoDelay 1: -2
        < setKeepAlive 1: -2
        < connect 1: -104
        > disconnect(1) > connect(1, "10.0.0.1", 443)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        < connect 1: -104
        "#,
    );
}

#[test]
fn close_and_disconnect_say_goodbye_tls_43() {
    for call in ["close", "disconnect"] {
        let mut talk = secured();
        talk.rig.play(&format!("> {call}(1)\n < {call} 1: ok\n ! onReceiveError 1: -100"));
        let (bytes, state) = talk.rig.peers[0].as_mut().unwrap().take();
        assert_eq!(state, "end");
        talk.server.read_tls(&mut &bytes[..]).unwrap();
        assert!(talk.server.process_new_packets().unwrap().peer_has_closed());
    }
}

// --- socket-legacy.md 7

#[test]
fn refusals_of_the_older_api_legacy_7_rows_1_to_3() {
    let mut rig = Rig::new();
    rig.issue("socket.create(tcp)> socket.create(udp)> socket.create(tcp)> create()");
    rig.issue("socket.listen(3, \"10.0.0.9\", 7)");
    rig.run();
    rig.play(
        r#"
        > socket.secure(9) > socket.secure(4) > secure(1)
        < socket.secure 9: -4 "Socket not found"
        < socket.secure 4: -4 "Socket not found"
        < secure 1: -4 "Socket not found"
        > socket.secure(2) > socket.secure(1) > socket.secure(3)
        < socket.secure 2: -4 "Only TCP sockets are supported for TLS."
        < socket.secure 1: -4 "Socket not connected"
        < socket.secure 3: -4 "Socket not connected"
        "#,
    );
}

#[test]
fn a_pending_read_of_the_older_api_ends_first_legacy_7_row_4() {
    let mut talk = legacy();
    talk.rig.issue("socket.read(1)> socket.secure(1)");
    talk.rig.run();
    let events = talk.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[0].starts_with("< socket.read 1: -100"), "{events:?}");
    assert_eq!(events[1], "< socket.secure 1: -2 \"net::ERR_FAILED\"");
    talk.rig.play("> socket.getInfo(1)\n < socket.getInfo 1: \"Socket not found\"");
}

#[test]
fn the_older_api_secures_reads_and_writes_legacy_7_row_6() {
    let mut talk = legacy();
    talk.rig.issue("socket.secure(1)> socket.secure(1)> socket.read(1)> socket.write(1, \"x\")");
    talk.rig.run();
    let events = talk.events();
    assert_eq!(events[0], "< socket.secure 1: -2 \"net::ERR_FAILED\"", "D15");
    assert!(events[1].starts_with("< socket.read 1: -15"), "{events:?}");
    assert!(events[2].starts_with("< socket.write 1: -15"), "{events:?}");
    talk.run();
    assert_eq!(talk.events(), ["< socket.secure 1: 0"]);
    talk.rig.issue("socket.read(1)> socket.write(1, \"hello\")");
    talk.run();
    let events = talk.events();
    assert_eq!(talk.heard, b"hello");
    assert_eq!(talk.rig.received[&1], b"welcome", "{events:?}");
    talk.rig.play(
        r#"
        > socket.secure(1)
        < socket.secure 1: -4 "Only TCP sockets are supported for TLS."
        "#,
    );
}

#[test]
fn a_failed_handshake_ends_a_socket_of_the_older_api_legacy_7_row_5() {
    let root = super::Authority::root("Root");
    let case = Case::new(&root, &root.server(&["other.test"], super::AS_USUAL));
    let mut talk = case.connect_by("socket.create(tcp)> socket.connect");
    talk.rig.issue("socket.secure(1)");
    talk.run();
    let events = talk.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].starts_with("< socket.secure 1: -200"), "{events:?}");
    talk.rig.play("> socket.getInfo(1)\n < socket.getInfo 1: \"Socket not found\"");
}

#[test]
fn what_waited_is_wanted_as_long_as_it_fits_the_socket_cl_2_tls_28_lc_3() {
    let waited = |secured| {
        let mut event = Event::notification(EventType::ChromeSocketsTcpOnReceive, 1, None);
        event.payload = Payload::Data(Bytes::from_static(b"waited"));
        event.secured = secured;
        event
    };
    let (plain, sealed) = (waited(false), waited(true));
    let error = Event::notification(EventType::ChromeSocketsTcpOnReceiveError, 1, None);
    let wanted = |talk: &Talk| [&plain, &sealed, &error].map(|event| talk.rig.engine.wants(event));
    let mut talk = Case::good().connect();
    assert!(wanted(&talk)[0], "before secure");
    talk.rig.issue("secure(1)");
    assert!(!wanted(&talk)[0], "amid the handshake");
    talk.run();
    assert_eq!(wanted(&talk), [false, true, true]);
    // The end of the connection does not make it a plain one.
    talk.rig.issue("setPaused(1, false)");
    talk.server.send_close_notify();
    talk.run();
    assert_eq!(wanted(&talk), [false, true, true]);
    talk.rig.issue("close(1)");
    assert_eq!(wanted(&talk), [false, false, true]);
}
