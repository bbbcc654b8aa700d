//! What a server may do after the handshake, and what ends the connection (tcp.md 7.6).

use std::io::Write;

use rustls::version::{TLS12, TLS13};

use super::peer::{ALERT, DATA, HANDSHAKE, message, wire};
use super::{Case, NAME, Talk};
use crate::net::Stream;

fn tls_12() -> Case {
    Case::good().speaking(&TLS12)
}

fn tls_13() -> Case {
    Case::good().speaking(&TLS13)
}

/// A talk that works, with data of the server turned into something else: `turned` is what it is to be.
fn turning(case: Case, into: fn(&mut u8, &mut Vec<u8>)) -> Talk {
    let mut talk = case
        .twisted(move |kind, payload| {
            if *kind == DATA && payload == b"turn" {
                into(kind, payload);
            }
        })
        .begin();
    talk.run();
    talk.events();
    talk.works();
    talk.rig.received.clear();
    talk
}

impl Talk {
    fn says(&mut self, data: &[u8], times: usize) {
        for _ in 0..times {
            self.server.writer().write_all(data).unwrap();
            let flight = self.take_flight();
            self.feed(&flight);
        }
        self.run();
    }
}

#[test]
fn what_breaks_the_protocol_after_the_handshake_ends_the_connection_tls_43() {
    type Change = fn(&mut u8, &mut Vec<u8>);
    let changes: &[(&str, Change)] = &[
        ("a hello", |kind, payload| (*kind, *payload) = (HANDSHAKE, message(1, &[0; 40]))),
        ("a server hello", |kind, payload| (*kind, *payload) = (HANDSHAKE, message(2, &[0; 40]))),
        ("finished", |kind, payload| (*kind, *payload) = (HANDSHAKE, message(20, &[0; 32]))),
        ("an unknown record", |kind, _| *kind = 99),
        ("half an alert", |kind, payload| (*kind, *payload) = (ALERT, vec![2])),
        ("no alert", |kind, payload| (*kind, *payload) = (ALERT, vec![])),
    ];
    for case in [tls_12(), tls_13()] {
        for (name, change) in changes {
            println!("{name}");
            let mut talk = turning(case.clone(), *change);
            talk.says(b"turn", 1);
            assert_eq!(talk.events(), ["! onReceiveError 1: -107"]);
            assert!(talk.rig.received.is_empty());
            talk.rig.play("> send(1, \"x\")\n < send 1: -15");
        }
    }
}

/// The handshake is done with the server's `finished`, whatever has come together with it.
#[test]
fn what_breaks_the_protocol_right_behind_the_handshake_does_not_undo_it_r_5() {
    let broken = [(99, vec![0; 5]), (DATA, vec![0; 40]), (ALERT, vec![1, 0]), (ALERT, vec![2, 40])];
    // The flight of the server's `finished`.
    for (case, last) in [(tls_12(), 1), (tls_13(), 0)] {
        for record in broken.clone() {
            println!("{last} {record:?}");
            let case = case.clone().wired(move |flight, records| {
                if flight == last {
                    records.push(record.clone());
                }
            });
            let mut talk = case.begin();
            talk.run();
            assert_eq!(talk.events(), ["< secure 1: 0"]);
            talk.rig.issue("setPaused(1, false)");
            talk.run();
            let data = (last == 1).then_some("! onReceive 1: \"welcome\"");
            let told = [Some("< setPaused 1: ok"), data, Some("! onReceiveError 1: -107")];
            assert_eq!(talk.events(), told.into_iter().flatten().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_renegotiation_is_declined_tls_24() {
    let mut talk =
        turning(tls_12(), |kind, payload| (*kind, *payload) = (HANDSHAKE, message(0, &[])));
    talk.says(b"turn", 1);
    talk.says(b"more", 1);
    assert_eq!(talk.events(), ["! onReceive 1: \"more\""]);
    // Whoever insists is no server.
    talk.says(b"turn", 100);
    assert_eq!(talk.events(), ["! onReceiveError 1: -107"]);
}

#[test]
fn what_the_session_itself_has_to_say_goes_out_when_there_is_room_tls_24() {
    let mut talk =
        turning(tls_12(), |kind, payload| (*kind, *payload) = (HANDSHAKE, message(0, &[])));
    talk.server.writer().write_all(b"turn").unwrap();
    let asks = talk.take_flight();
    assert_eq!(talk.rig.peers[0].as_mut().unwrap().write(&asks).unwrap(), asks.len());
    talk.rig.sim.widen(10);
    let mut answer = Vec::new();
    loop {
        talk.rig.run();
        let (part, _) = talk.rig.peers[0].as_mut().unwrap().take();
        if part.is_empty() {
            break;
        }
        answer.extend(part);
    }
    // One record, and all of it.
    let len = usize::from(u16::from_be_bytes([answer[3], answer[4]]));
    assert_eq!((answer[0], answer.len()), (ALERT, 5 + len));
}

#[test]
fn new_keys_and_tickets_are_taken() {
    let mut talk = turning(tls_13(), |kind, payload| {
        let ticket = [&[0; 8][..], &[1, 7], &[0, 4, 1, 2, 3, 4], &[0, 0]].concat();
        (*kind, *payload) = (HANDSHAKE, message(4, &ticket));
    });
    talk.says(b"turn", 200);
    talk.says(b"more", 1);
    assert_eq!(talk.events(), ["! onReceive 1: \"more\""]);
    talk.server.refresh_traffic_keys().unwrap();
    talk.says(b"again", 1);
    assert_eq!(talk.events(), ["! onReceive 1: \"again\""]);
}

#[test]
fn a_flood_of_new_keys_ends_the_connection_tls_43() {
    let mut talk = turning(tls_13(), |kind, payload| {
        (*kind, *payload) = (HANDSHAKE, [message(24, &[0]), message(24, &[0])].concat());
    });
    talk.says(b"turn", 1);
    assert_eq!(talk.events(), ["! onReceiveError 1: -107"]);
}

#[test]
fn empty_records_bring_nothing_and_end_nothing() {
    for case in [tls_12(), tls_13()] {
        let mut talk = turning(case, |_, payload| payload.clear());
        talk.says(b"turn", 20);
        talk.says(b"more", 1);
        assert_eq!(talk.events(), ["! onReceive 1: \"more\""]);
    }
}

#[test]
fn both_ends_of_a_connection_are_one_tls_43() {
    for case in [tls_12(), tls_13()] {
        for says_goodbye in [true, false] {
            let mut talk = turning(case.clone(), |_, _| {});
            talk.server.writer().write_all(b"last").unwrap();
            if says_goodbye {
                talk.server.send_close_notify();
            }
            let flight = talk.take_flight();
            talk.feed(&flight);
            if !says_goodbye {
                talk.rig.peers[0] = None;
            }
            talk.rig.run();
            assert_eq!(talk.events(), ["! onReceive 1: \"last\"", "! onReceiveError 1: -100"]);
            talk.rig.play("> getInfo(1)\n < getInfo 1: - paused");
        }
    }
}

#[test]
fn nothing_counts_after_the_goodbye() {
    for case in [tls_12(), tls_13()] {
        let mut talk = turning(case, |_, _| {});
        talk.server.send_close_notify();
        let mut flight = talk.take_flight();
        flight.extend(wire(&[(DATA, vec![0; 40]), (ALERT, vec![2, 80]), (HANDSHAKE, vec![0])]));
        flight.extend(b"and plain text");
        talk.feed(&flight);
        talk.rig.run();
        assert_eq!(talk.events(), ["! onReceiveError 1: -100"]);
        assert!(talk.rig.received.is_empty());
    }
}

#[test]
fn a_record_that_stays_incomplete_is_never_delivered_tls_43() {
    for case in [tls_12(), tls_13()] {
        let mut talk = turning(case, |_, _| {});
        talk.server.writer().write_all(b"cut off").unwrap();
        let flight = talk.take_flight();
        talk.feed(&flight[..flight.len() - 1]);
        talk.rig.peers[0] = None;
        talk.rig.run();
        assert_eq!(talk.events(), ["! onReceiveError 1: -100"]);
        assert!(talk.rig.received.is_empty());
    }
}

#[test]
fn the_name_that_is_verified_is_told_to_the_host() {
    let mut talk = Case::good().begin();
    talk.run();
    talk.events();
    talk.rig.ask_tls_session(1);
    let events = talk.events();
    assert!(events[0].ends_with(&format!("\"tls1.3\" {NAME:?}")), "{events:?}");
}
