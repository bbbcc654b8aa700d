//! Servers that break the protocol (tcp.md 7.7).

use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, NamedGroup};

use super::peer::{ALERT, CHANGE_CIPHER_SPEC, DATA, HANDSHAKE, Record, message, messages};
use super::{Case, differ};

/// Where things lie in a ServerHello with its head.
const VERSION: usize = 4;
const RANDOM: usize = 6;
const SESSION: usize = 38;

const CERTIFICATE: u8 = 11;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;

/// A server whose handshake messages are changed on the wire, in its first flight.
fn on_wire(case: &Case, change: impl Fn(&mut Vec<Vec<u8>>) + 'static) -> Case {
    case.clone().wired(move |flight, records| {
        if flight == 0 {
            let (_, payload) = &mut records[0];
            let mut all = messages(payload);
            change(&mut all);
            *payload = all.concat();
        }
    })
}

/// A server whose handshake messages are changed before they are sealed.
fn sealed(case: &Case, change: impl Fn(&mut Vec<Vec<u8>>) + Send + 'static) -> Case {
    case.clone().twisted(move |kind, payload| {
        if *kind == HANDSHAKE {
            let mut all = messages(payload);
            change(&mut all);
            *payload = all.concat();
        }
    })
}

fn tls_12() -> Case {
    Case::good().speaking(&TLS12)
}

fn tls_13() -> Case {
    Case::good().speaking(&TLS13)
}

#[test]
fn an_answer_that_is_not_tls_7_7() {
    Case::good().is_served();
    let answers: &[&[u8]] = &[
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.test ESMTP\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"* OK IMAP4 ready\r\n",
        b"+OK POP3 ready\r\n",
        b"<html>",
        &[0; 64],
        &[0xff; 64],
        // The records of SSL 2, and datagrams.
        &[0x80, 0x2e, 0x04, 0x00, 0x01, 0x00, 0x02],
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ];
    for answer in answers {
        let mut talk = Case::good().begin();
        talk.feed(answer);
        talk.rig.run();
        talk.has_failed(-107);
    }
}

#[test]
fn an_answer_before_the_question_7_7() {
    // The greeting of a server that speaks first, read by nobody, is no TLS either.
    let mut talk = Case::good().connect();
    talk.feed(b"220 mail.test ESMTP\r\n");
    talk.rig.issue("secure(1)");
    talk.rig.run();
    talk.has_failed(-107);
}

#[test]
fn a_random_with_the_mark_of_a_downgrade_7_7() {
    // A server of both versions sets the mark; who wants no other version than this takes it.
    let both = Case { options: ", -, tls1.2", ..Case::good() };
    both.begin().succeeds();
    let bad = on_wire(&tls_12(), |all| {
        all[0][RANDOM + 24..RANDOM + 32].copy_from_slice(b"DOWNGRD\x01");
    });
    differ(&tls_12(), -180, &bad);
}

#[test]
fn versions_that_were_not_offered_7_7() {
    for minor in [0, 1, 2] {
        differ(&tls_12(), -113, &on_wire(&tls_12(), move |all| all[0][VERSION + 1] = minor));
    }
    for minor in [0, 1, 2] {
        let bad = on_wire(&tls_13(), move |all| *version_extension(&mut all[0]) = minor);
        differ(&tls_13(), -113, &bad);
    }
    for minor in [3, 5, 0x7f] {
        let bad = on_wire(&tls_13(), move |all| *version_extension(&mut all[0]) = minor);
        bad.is_refused_by(&[-107, -113]);
    }
}

/// The lower byte of the version in the extension of a ServerHello.
fn version_extension(hello: &mut [u8]) -> &mut u8 {
    let extension = [0, 43, 0, 2, 3];
    let at = hello.windows(5).position(|bytes| bytes == extension).unwrap();
    &mut hello[at + 5]
}

#[test]
fn no_version_in_common_7_7() {
    let wants = |options, case: Case| Case { options, ..case };
    differ(&wants(", tls1.2", tls_12()), -113, &wants(", tls1.3", tls_12()));
    differ(&wants(", -, tls1.3", tls_13()), -113, &wants(", -, tls1.2", tls_13()));
    // 7.3: no value is an error, and what cannot be is told before anything is said.
    differ(&wants(", tls1.3, tls1.3", tls_13()), -107, &wants(", tls1.3, tls1.2", tls_13()));
    let mut talk = wants(", tls1.3, tls1.2", tls_13()).begin();
    talk.rig.run();
    assert_eq!(talk.rig.peers[0].as_mut().unwrap().take().0, b"");
}

#[test]
fn values_of_versions_that_mean_nothing_7_3() {
    for options in
        ["", ", tls1", ", tls1.1", ", -, tls1", ", -, tls1.1", ", ssl3, ssl3", ", TLS1.3, TLS1.2"]
    {
        let case = Case { options, ..Case::good() };
        case.is_served();
        // TLS 1.3 if both can.
        let mut talk = case.begin();
        talk.run();
        assert_eq!(talk.server.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    }
    let mut talk = Case { options: ", -, tls1.2", ..Case::good() }.begin();
    talk.run();
    assert_eq!(talk.server.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
}

#[test]
fn cipher_suites_that_were_not_offered_7_7() {
    for suite in [0x0000_u16, 0x002f, 0x000a, 0x1301, 0x1305, 0xffff] {
        let bad = on_wire(&tls_12(), move |all| set_suite(&mut all[0], suite));
        differ(&tls_12(), -107, &bad);
    }
    for suite in [0x0000_u16, 0x002f, 0xc02f, 0x1305, 0xffff] {
        let bad = on_wire(&tls_13(), move |all| set_suite(&mut all[0], suite));
        differ(&tls_13(), -107, &bad);
    }
}

fn set_suite(hello: &mut [u8], suite: u16) {
    let at = SESSION + 1 + usize::from(hello[SESSION]);
    hello[at..at + 2].copy_from_slice(&suite.to_be_bytes());
}

#[test]
fn every_suite_and_group_that_is_offered_works_7_7() {
    let suites = crate::engine::tls::provider().cipher_suites;
    assert!(suites.len() >= 6);
    let mut one = Case::good();
    one.server.suites = |suite| suite.suite() == CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;
    one.speaking(&TLS13).is_served();
    let mut one = Case::good();
    one.server.suites =
        |suite| suite.suite() == CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    one.speaking(&TLS12).is_served();
    // A server without the best group asks again.
    let mut retry = Case::good();
    retry.server.groups = |group| group == NamedGroup::secp384r1;
    retry.is_served();
}

#[test]
fn a_server_hello_with_something_wrong_7_7() {
    type Change = fn(&mut Vec<Vec<u8>>);
    let changes: &[(&str, Change)] = &[
        ("compression", |all| {
            let at = SESSION + 3 + usize::from(all[0][SESSION]);
            all[0][at] = 1;
        }),
        ("cut short", |all| all[0] = message(2, &all[0][4..30])),
        ("with bytes behind", |all| all[0] = message(2, &[&all[0][4..], &[0]].concat())),
        ("empty", |all| all[0] = message(2, &[])),
        ("twice", |all| all.insert(0, all[0].clone())),
        ("after another message", |all| all.insert(0, message(14, &[]))),
        ("a hello of a client", |all| all[0][0] = 1),
        ("an unknown message", |all| all[0][0] = 99),
        ("a ticket", |all| all[0][0] = 4),
        ("longer than any message", |all| all[0][1..4].fill(0xff)),
    ];
    for case in [tls_12(), tls_13()] {
        case.is_served();
        for (name, change) in changes {
            println!("{name}");
            on_wire(&case, change).is_refused(-107);
        }
    }
    // Another session than the one that was asked for is none of TLS 1.3.
    differ(&tls_13(), -107, &on_wire(&tls_13(), |all| all[0][SESSION + 1] ^= 1));
}

#[test]
fn asked_again_for_what_cannot_be_7_7() {
    // The random by which a ServerHello asks for another hello.
    const RETRY: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
        0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
        0x33, 0x9c,
    ];
    let retry = |extensions: &'static [u8]| {
        on_wire(&tls_13(), move |all| {
            all[0][RANDOM..RANDOM + 32].copy_from_slice(&RETRY);
            let end = SESSION + 4 + usize::from(all[0][SESSION]);
            let len = u16::try_from(extensions.len()).unwrap().to_be_bytes();
            all[0] = message(2, &[&all[0][4..end], &len, extensions].concat());
        })
    };
    let bad: &[&'static [u8]] = &[
        // Nothing to change.
        &[0, 43, 0, 2, 3, 4],
        // A group that was not offered, one whose key was sent, no version.
        &[0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 30],
        &[0, 51, 0, 2, 0, 24],
    ];
    for extensions in bad {
        differ(&tls_13(), -107, &retry(extensions));
    }
}

#[test]
fn messages_out_of_place_7_7() {
    type Change = fn(&mut Vec<Vec<u8>>);
    let changes: &[(&str, Change)] = &[
        ("no extensions", |all| drop(all.remove(0))),
        ("no certificate", |all| all.retain(|message| message[0] != CERTIFICATE)),
        ("no signature", |all| all.retain(|message| message[0] != CERTIFICATE_VERIFY)),
        ("nothing but finished", |all| all.retain(|message| message[0] == FINISHED)),
        ("backwards", |all| all.reverse()),
        ("a ticket", |all| all.insert(1, message(4, &[0; 12]))),
        ("a new key", |all| all.insert(1, message(24, &[0]))),
        ("a protocol nobody offered", |all| {
            all[0] = message(8, &[0, 9, 0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
        }),
    ];
    tls_13().is_served();
    for (name, change) in changes {
        println!("{name}");
        sealed(&tls_13(), change).is_refused(-107);
    }
    let changes: &[(&str, Change)] = &[
        ("no certificate", |all| drop(all.remove(1))),
        ("no key", |all| drop(all.remove(2))),
        ("finished at once", |all| all[1] = message(FINISHED, &[0; 12])),
        ("asked to begin anew", |all| drop(all.splice(1.., [message(14, &[])]))),
    ];
    tls_12().is_served();
    for (name, change) in changes {
        println!("{name}");
        on_wire(&tls_12(), change).is_refused(-107);
    }
}

#[test]
fn proofs_that_prove_nothing_7_7() {
    let flipped = |kind: u8| {
        move |all: &mut Vec<Vec<u8>>| {
            let found = all.iter_mut().find(|message| message[0] == kind).unwrap();
            *found.last_mut().unwrap() ^= 1;
        }
    };
    differ(&tls_13(), -107, &sealed(&tls_13(), flipped(FINISHED)));
    differ(&tls_13(), -107, &sealed(&tls_13(), flipped(CERTIFICATE_VERIFY)));
    differ(&tls_12(), -107, &sealed(&tls_12(), flipped(FINISHED)));
    // ServerKeyExchange ends with its signature.
    differ(&tls_12(), -107, &on_wire(&tls_12(), flipped(12)));
    // Finished, shorter.
    let short = |all: &mut Vec<Vec<u8>>| {
        let last = all.last_mut().unwrap();
        *last = message(FINISHED, &last[4..last.len() - 1]);
    };
    differ(&tls_13(), -107, &sealed(&tls_13(), short));
    differ(&tls_12(), -107, &sealed(&tls_12(), short));
}

#[test]
fn records_that_were_tampered_with_7_7() {
    for case in [tls_12(), tls_13()] {
        let bad = case.clone().wired(|_, records| {
            let sealed = |(kind, payload): &&mut Record| *kind == DATA || payload.len() == 40;
            if let Some((_, payload)) = records.iter_mut().rev().find(sealed) {
                payload[20] ^= 1;
            }
        });
        // The last record has the welcome, if the handshake is done by then.
        bad.is_refused_by_or_ends(-107);
    }
}

#[test]
fn records_of_impossible_length_7_7() {
    Case::good().is_served();
    for length in [[0x48, 0x01], [0x50, 0x00], [0xff, 0xff]] {
        let mut talk = Case::good().begin();
        talk.feed(&[HANDSHAKE, 3, 3, length[0], length[1]]);
        talk.feed(&[0; 1000]);
        talk.rig.run();
        talk.has_failed(-107);
    }
}

#[test]
fn empty_records_within_the_handshake_7_7() {
    for kind in [HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC] {
        let bad = Case::good().wired(move |_, records| {
            records.splice(0..0, vec![(kind, Vec::new()); 1000]);
        });
        differ(&Case::good(), -107, &bad);
    }
}

#[test]
fn data_before_it_is_time_7_7() {
    let early = |case: Case| case.wired(|_, records| records.insert(0, (DATA, b"early".to_vec())));
    differ(&tls_12(), -107, &early(tls_12()));
    differ(&tls_13(), -107, &early(tls_13()));
    // In plain text behind the hello, where TLS 1.3 has only sealed records.
    let behind = |case: Case| {
        case.wired(|flight, records| {
            if flight == 0 {
                records.insert(1, (DATA, b"a piece of plain text, not sealed".to_vec()));
            }
        })
    };
    differ(&tls_12(), -107, &behind(tls_12()));
    differ(&tls_13(), -107, &behind(tls_13()));
}

#[test]
fn a_flood_of_changes_of_the_cipher_7_7() {
    let flooded = |many: usize, case: Case| {
        case.wired(move |flight, records| {
            if flight == 0 {
                records.splice(1..1, vec![(CHANGE_CIPHER_SPEC, vec![1]); many]);
            }
        })
    };
    differ(&flooded(0, tls_13()), -107, &flooded(1000, tls_13()));
    differ(&flooded(0, tls_12()), -107, &flooded(1, tls_12()));
    // One that says something else.
    let odd = tls_13().wired(|_, records| {
        let change = records.iter_mut().find(|(kind, _)| *kind == CHANGE_CIPHER_SPEC);
        change.unwrap().1 = vec![2];
    });
    differ(&tls_13(), -107, &odd);
}

#[test]
fn a_handshake_in_small_records_is_the_same_handshake() {
    let mut small = Case::good();
    small.server.fragment = Some(32);
    small.is_served();
    let bytewise = |flight: usize, records: &mut Vec<Record>| {
        if flight == 0 {
            let (kind, payload) = records.remove(0);
            let pieces = payload.iter().map(|byte| (kind, vec![*byte]));
            records.splice(0..0, pieces);
        }
    };
    Case::good().wired(bytewise).is_served();
}

#[test]
fn a_message_that_never_ends_costs_no_more_than_it_may_7_7() {
    // A certificate of 64 KiB is taken; one that says it is longer is not waited for.
    for (len, code) in [([0x01, 0x00, 0x00], -107), ([0xff, 0xff, 0xff], -107)] {
        let bad = on_wire(&tls_12(), move |all| all[1][1..4].copy_from_slice(&len));
        differ(&tls_12(), code, &bad);
    }
}

impl Case {
    #[track_caller]
    fn is_refused_by(&self, codes: &[i32]) {
        let mut talk = self.begin();
        talk.run();
        let events = talk.events();
        let as_told = codes.iter().any(|code| events == [format!("< secure 1: {code}")]);
        assert!(as_told, "{events:?}");
        talk.is_gone();
    }

    /// Refused, or ended by this code before anything is delivered.
    #[track_caller]
    fn is_refused_by_or_ends(&self, code: i32) {
        let mut talk = self.begin();
        talk.run();
        let mut events = talk.events();
        if events == ["< secure 1: 0"] {
            talk.rig.issue("setPaused(1, false)");
            talk.run();
            events = talk.events();
            assert_eq!(events.remove(0), "< setPaused 1: ok");
            assert_eq!(events, [format!("! onReceiveError 1: {code}")]);
        } else {
            assert_eq!(events, [format!("< secure 1: {code}")]);
        }
        assert!(talk.rig.received.is_empty());
    }
}
