//! How secured connections end: who says goodbye to whom, and what still arrives (tcp.md CL-4, TLS-43).

use std::io::Write;

use rustls::version::{TLS12, TLS13};

use super::peer::{ALERT, DATA, HANDSHAKE, message, wire};
use super::{Case, Talk};
use crate::net::Stream;

fn versions() -> [Case; 2] {
    [&TLS12, &TLS13].map(|version| Case::good().speaking(version))
}

/// Socket 1, secured and reading.
fn secured(case: &Case) -> Talk {
    let mut talk = case.begin();
    talk.run();
    talk.events();
    talk.works();
    talk.heard.clear();
    talk
}

impl Talk {
    fn has_heard_goodbye(&mut self) -> bool {
        self.hear();
        self.server.process_new_packets().unwrap().peer_has_closed()
    }

    /// What the server says now, as it goes over the wire.
    fn flight_of(&mut self, data: &[u8]) -> Vec<u8> {
        self.server.writer().write_all(data).unwrap();
        self.take_flight()
    }
}

#[test]
fn a_goodbye_is_answered_tls_43() {
    for case in versions() {
        let mut talk = secured(&case);
        assert!(!talk.has_heard_goodbye());
        talk.server.send_close_notify();
        let flight = talk.take_flight();
        talk.feed(&flight);
        talk.rig.run();
        assert_eq!(talk.events(), ["! onReceiveError 1: -100"]);
        assert!(talk.has_heard_goodbye());
    }
}

/// A handshake of TLS 1.2 up to its last flight, which is the server's. `reads`: the socket is read once it is secured.
fn before_the_last_flight(case: &Case, reads: bool) -> Talk {
    let mut talk = case.connect();
    talk.rig.issue(if reads { "secure(1)> setPaused(1, false)" } else { "secure(1)" });
    talk.rig.run();
    talk.events();
    talk.hear();
    let flight = talk.take_flight();
    talk.feed(&flight);
    talk.hear();
    talk
}

#[test]
fn an_end_that_comes_with_the_end_of_the_handshake_is_told_behind_the_data_tls_43() {
    let case = Case::good().speaking(&TLS12);
    for reads in [false, true] {
        let mut talk = before_the_last_flight(&case, reads);
        talk.server.send_close_notify();
        let flight = talk.take_flight();
        assert_eq!(talk.events(), [""; 0]);
        // At once, as one system call reads it.
        let peer = talk.rig.peers[0].as_mut().unwrap();
        assert_eq!(peer.write(&flight).unwrap(), flight.len());
        talk.rig.run();
        if !reads {
            assert_eq!(talk.events(), ["< secure 1: 0"]);
            talk.rig.play(
                r#"
                > setPaused(1, false)
                < setPaused 1: ok
                ! onReceive 1: "welcome"
                ! onReceiveError 1: -100
                "#,
            );
            continue;
        }
        let events = ["< secure 1: 0", "! onReceive 1: \"welcome\"", "! onReceiveError 1: -100"];
        assert_eq!(talk.events(), events);
    }
}

#[test]
fn a_stream_that_ends_with_the_end_of_the_handshake_is_told_behind_the_data_r_6() {
    for is_silent in [false, true] {
        let case = Case::good().speaking(&TLS12).wired(move |_, records| {
            records.retain(|(kind, _)| !is_silent || *kind != DATA);
        });
        let mut talk = before_the_last_flight(&case, true);
        let flight = talk.take_flight();
        let peer = talk.rig.peers[0].as_mut().unwrap();
        assert_eq!(peer.write(&flight).unwrap(), flight.len());
        peer.shut_down_write().unwrap();
        talk.rig.run();
        let mut expected = vec!["< secure 1: 0"];
        expected.extend((!is_silent).then_some("! onReceive 1: \"welcome\""));
        expected.push("! onReceiveError 1: -100");
        assert_eq!(talk.events(), expected);
    }
}

#[test]
fn what_comes_while_decrypted_bytes_wait_is_delivered_behind_them_r_5() {
    for case in versions() {
        let mut talk = case.connect_by("create(bufferSize 4)> setPaused(1, true)> connect");
        talk.rig.issue("secure(1)");
        talk.run();
        assert_eq!(talk.events(), ["< secure 1: 0"]);
        talk.rig.play(
            r#"
            > setPaused(1, false) > setPaused(1, true)
            < setPaused 1: ok
            < setPaused 1: ok
            ! onReceive 1: "welc"
            "#,
        );
        let flight = talk.flight_of(b"!");
        talk.feed(&flight);
        talk.rig.play(
            r#"
            > setPaused(1, false)
            < setPaused 1: ok
            ! onReceive 1: "ome"
            ! onReceive 1: "!"
            "#,
        );
    }
}

#[test]
fn what_a_server_says_behind_its_mistake_does_not_cost_it_the_alert_cl_4() {
    let mut talk = Case::good().begin();
    talk.rig.run();
    talk.hear();
    let mistake = [wire(&[(99, vec![0; 10])]), vec![0; 100_000]].concat();
    let peer = talk.rig.peers[0].as_mut().unwrap();
    assert_eq!(peer.write(&mistake).unwrap(), mistake.len());
    talk.rig.run();
    assert_eq!(talk.events(), ["< secure 1: -107"]);
    let (alert, state) = talk.rig.peers[0].as_mut().unwrap().take();
    assert_eq!((alert.first(), state), (Some(&ALERT), "end"));
    assert_eq!(talk.rig.sim.live_streams(talk.rig.host), (0, 1), "drains for a while");
}

#[test]
fn what_a_server_says_late_resets_no_secured_connection_cl_4() {
    for case in versions() {
        for end in ["close", "disconnect"] {
            let mut talk = secured(&case);
            talk.rig.issue(&format!("send(1, \"the last\")> {end}(1)"));
            talk.rig.run();
            let events = talk.events();
            assert_eq!(events[..2], ["< send 1: sent 8".to_owned(), format!("< {end} 1: ok")]);
            // Written before the server has read a byte of it.
            let late = talk.flight_of(b"late");
            let peer = talk.rig.peers[0].as_mut().unwrap();
            assert_eq!(peer.write(&late).unwrap(), late.len());
            talk.rig.run();
            assert_eq!(talk.rig.sim.live_streams(talk.rig.host), (0, 1), "drains for a while");
            assert!(talk.has_heard_goodbye());
            assert_eq!(talk.heard, b"the last");
            assert_eq!(talk.rig.peers[0].as_mut().unwrap().take().1, "end");
            talk.rig.peers[0] = None;
            talk.rig.run();
            assert_eq!(talk.rig.sim.live_streams(talk.rig.host), (0, 0));
        }
    }
}

/// Socket 1, paused, has read as much as it may; a record of the session itself waits behind that.
fn with_record_behind_data(case: &Case, of_session: impl Fn(&mut Talk) -> Vec<u8>) -> Talk {
    let mut talk = secured(case);
    talk.rig.play("> setPaused(1, true)\n < setPaused 1: ok");
    talk.rig.received.clear();
    let mut flight = talk.flight_of(&[b'd'; 4096]);
    flight.extend(of_session(&mut talk));
    let peer = talk.rig.peers[0].as_mut().unwrap();
    assert_eq!(peer.write(&flight).unwrap(), flight.len());
    talk.rig.run();
    // The read in flight (PA-3) was filled.
    assert_eq!(talk.events(), ["! onReceive 1: 4096 bytes"]);
    talk
}

/// A send meets the record first, then a read follows.
#[track_caller]
fn sends_and_reads(mut talk: Talk) {
    talk.rig.issue("send(1, \"between\")");
    talk.run();
    assert_eq!(talk.events(), ["< send 1: sent 7"]);
    talk.rig.issue("setPaused(1, false)");
    talk.run();
    assert_eq!(talk.events(), ["< setPaused 1: ok"]);
    let flight = talk.flight_of(b"more");
    talk.feed(&flight);
    talk.run();
    assert_eq!(talk.events(), ["! onReceive 1: \"more\""]);
    assert_eq!(talk.heard, b"between");
}

#[test]
fn a_record_that_a_send_has_met_is_not_read_again_tls_43() {
    let case = Case::good().speaking(&TLS13);
    sends_and_reads(with_record_behind_data(&case, |talk| {
        talk.server.refresh_traffic_keys().unwrap();
        talk.take_flight()
    }));
    let ticket = case.twisted(|kind, payload| {
        if *kind == DATA && payload == b"ticket" {
            let ticket = [&[0; 8][..], &[1, 7], &[0, 4, 1, 2, 3, 4], &[0, 0]].concat();
            (*kind, *payload) = (HANDSHAKE, message(4, &ticket));
        }
    });
    sends_and_reads(with_record_behind_data(&ticket, |talk| talk.flight_of(b"ticket")));
}
