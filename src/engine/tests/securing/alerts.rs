//! Alerts of every number, in every phase (tcp.md 7.7).

use std::io::Write;

use rustls::version::{TLS12, TLS13};

use super::Case;
use super::peer::{ALERT, ClientCertificate, DATA, HANDSHAKE};

const FATAL: u8 = 2;

/// The code of tcp.md 7.7; -110 is for spec README S9.
fn code(alert: u8, is_answer_to_hello: bool) -> i32 {
    match alert {
        40 if is_answer_to_hello => -113,
        70 | 71 => -113,
        42..=46 | 48 | 49 => -117,
        116 => -110,
        30 => -125,
        20 => -126,
        51 => -153,
        112 => -159,
        _ => -107,
    }
}

#[test]
fn an_alert_instead_of_a_server_hello_7_7() {
    let good = Case::good();
    good.is_served();
    for alert in 0..=255 {
        good.clone()
            .wired(move |_, records| *records = vec![(ALERT, vec![FATAL, alert])])
            .speaking(&TLS13)
            .is_refused(code(alert, true));
    }
}

/// It is a warning, which may be followed by more in TLS 1.2; but nothing follows this one.
#[test]
fn a_goodbye_within_the_handshake_7_7() {
    let goodbye = (ALERT, vec![1, 0]);
    for version in [&TLS13, &TLS12] {
        let good = Case::good().speaking(version);
        for at in 0..2 {
            let goodbye = goodbye.clone();
            good.clone()
                .wired(move |_, records| records.splice(at.., [goodbye.clone()]).for_each(drop))
                .is_refused(-107);
        }
    }
}

#[test]
fn an_alert_after_the_server_hello_of_tls_1_2_7_7() {
    let good = Case::good().speaking(&TLS12);
    for alert in 0..=255 {
        good.clone()
            .wired(move |flight, records| {
                if flight == 0 {
                    let hello = super::peer::messages(&records[0].1).swap_remove(0);
                    *records = vec![(HANDSHAKE, hello), (ALERT, vec![FATAL, alert])];
                }
            })
            .is_refused(code(alert, false));
    }
}

#[test]
fn an_alert_instead_of_the_servers_finished_of_tls_1_2_7_7() {
    let good = Case::good().speaking(&TLS12);
    for alert in 0..=255 {
        good.clone()
            .wired(move |flight, records| {
                if flight == 1 {
                    *records = vec![(ALERT, vec![FATAL, alert])];
                }
            })
            .is_refused(code(alert, false));
    }
}

#[test]
fn a_sealed_alert_within_the_handshake_of_tls_1_3_7_7() {
    let good = Case::good().speaking(&TLS13);
    for alert in 0..=255 {
        good.clone()
            .twisted(move |kind, payload| {
                if *kind == HANDSHAKE {
                    (*kind, *payload) = (ALERT, vec![FATAL, alert]);
                }
            })
            .is_refused(code(alert, false));
    }
}

/// After the handshake it is the end of the connection (TLS-43, D4).
#[test]
fn an_alert_after_the_handshake_7_7() {
    for version in [&TLS13, &TLS12] {
        for alert in 1..=255 {
            let mut talk = Case::good()
                .speaking(version)
                .twisted(move |kind, payload| {
                    if *kind == DATA && payload == b"alert" {
                        (*kind, *payload) = (ALERT, vec![FATAL, alert]);
                    }
                })
                .begin();
            talk.run();
            talk.events();
            talk.works();
            talk.server.writer().write_all(b"alert").unwrap();
            talk.run();
            let expected = format!("! onReceiveError 1: {}", code(alert, false));
            assert_eq!(talk.events(), [expected], "alert {alert}");
        }
    }
}

#[test]
fn a_refusal_after_a_request_for_a_certificate_is_for_lack_of_one_s9() {
    let mut good = Case::good();
    good.server.client_certificate = ClientCertificate::Asked;
    good.is_served();
    // TLS 1.2 tells before the handshake is done.
    let mut bad = good.clone().speaking(&TLS12);
    bad.server.client_certificate = ClientCertificate::Needed;
    bad.is_refused(-110);
    for (alert, code) in
        [(40, -110), (41, -110), (42, -110), (46, -110), (49, -110), (50, -110), (116, -110)]
            .into_iter()
            .chain([(43, -117), (44, -117), (45, -117), (48, -117), (80, -107)])
    {
        good.clone()
            .speaking(&TLS12)
            .wired(move |flight, records| {
                if flight == 1 {
                    *records = vec![(ALERT, vec![FATAL, alert])];
                }
            })
            .is_refused(code);
    }
}

#[test]
fn with_tls_1_3_the_refusal_comes_after_success_s9() {
    let mut case = Case::good().speaking(&TLS13);
    case.server.client_certificate = ClientCertificate::Needed;
    let mut talk = case.begin();
    talk.run();
    assert_eq!(talk.events(), ["< secure 1: 0"]);
    talk.rig.issue("setPaused(1, false)");
    talk.run();
    assert_eq!(talk.events(), ["< setPaused 1: ok", "! onReceiveError 1: -110"]);
    assert!(talk.rig.received.is_empty());
}

#[test]
fn warnings_of_tls_1_2_end_nothing_but_a_flood_does_7_7() {
    let warned = |times: usize| {
        Case::good().speaking(&TLS12).wired(move |flight, records| {
            if flight == 0 {
                let warning = (ALERT, vec![1, 112]);
                let tail = std::mem::take(records);
                *records = vec![warning; times];
                records.extend(tail);
            }
        })
    };
    super::differ(&warned(2), -107, &warned(100));
}
