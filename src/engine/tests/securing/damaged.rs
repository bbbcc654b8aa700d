//! Certificates that are none (tcp.md 7.7 -167, 7.8 rank 1).

use super::certificates::{AS_USUAL, Authority, Identity};
use super::peer::{HANDSHAKE, message, messages};
use super::{Case, NAME, differ};
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};

fn server() -> (Case, Identity) {
    let root = Authority::root("Root");
    let intermediate = root.below("Intermediate", AS_USUAL);
    let server = intermediate.server(&[NAME], AS_USUAL);
    (Case::new(&root, &server), server)
}

#[test]
fn a_certificate_that_cannot_be_read_is_badly_formed_7_7() {
    let (good, server) = server();
    let damages: &[fn(&mut Vec<u8>)] = &[
        |der| der.truncate(der.len() - 1),
        |der| der.truncate(der.len() / 2),
        |der| der.truncate(4),
        |der| der.push(0),
        |der| der.extend_from_slice(b"and more"),
        |der| der[0] = 0x31,
        |der| der.fill(0xff),
        |der| der[4] = 0x02,
    ];
    for damage in damages {
        differ(&good, -167, &good.clone().showing(&server.damaged(0, damage)));
    }
}

#[test]
fn a_certificate_cut_anywhere_is_refused_7_7() {
    let (good, server) = server();
    let good = good.speaking(&TLS13);
    good.is_served();
    for len in 1..server.chain[0].len() {
        let cut = server.damaged(0, |der| der.truncate(len));
        good.clone().showing(&cut).is_refused(-167);
    }
}

#[test]
fn a_certificate_changed_anywhere_is_refused_7_8() {
    let (good, server) = server();
    let good = good.speaking(&TLS13);
    good.is_served();
    for at in 0..server.chain[0].len() {
        let changed = server.damaged(0, |der| der[at] ^= 0x55);
        let mut talk = good.clone().showing(&changed).begin();
        talk.run();
        let events = talk.events();
        let allowed = [-167, -200, -201, -202, -207, -208, -211, -212, -181, -107];
        let is_refused = allowed.iter().any(|code| events == [format!("< secure 1: {code}")]);
        assert!(is_refused, "byte {at}: {events:?}");
        talk.is_gone();
    }
}

#[test]
fn an_intermediate_that_cannot_be_read_vouches_for_nobody_rank_5() {
    let (good, server) = server();
    let garbage: CertificateDer<'static> = b"garbage".to_vec().into();
    let only_garbage = server.showing(&[&server.chain[0], &garbage]);
    differ(&good, -202, &good.clone().showing(&only_garbage));
    // Beside a good one it does no harm.
    let both = server.showing(&[&server.chain[0], &garbage, &server.chain[1]]);
    good.showing(&both).is_served();
}

#[test]
fn no_certificate_at_all_is_no_tls_7_7() {
    let good = Case::good();
    // In TLS 1.2 as it goes over the wire, in TLS 1.3 before it is sealed.
    let bad = good.clone().speaking(&TLS12).wired(|flight, records| {
        if flight == 0 {
            replace(&mut records[..], 11, &[0, 0, 0]);
        }
    });
    differ(&good, -107, &bad);
    let bad = good.clone().speaking(&TLS13).twisted(|kind, payload| {
        if *kind == HANDSHAKE {
            change_message(payload, 11, &[0, 0, 0, 0]);
        }
    });
    differ(&good, -107, &bad);
}

/// Gives the handshake message of this kind another body.
fn replace(records: &mut [super::Record], kind: u8, body: &[u8]) {
    for (record, payload) in records {
        if *record == HANDSHAKE {
            change_message(payload, kind, body);
        }
    }
}

fn change_message(payload: &mut Vec<u8>, kind: u8, body: &[u8]) {
    let changed = messages(payload)
        .into_iter()
        .map(|old| if old[0] == kind { message(kind, body) } else { old });
    *payload = changed.collect::<Vec<_>>().concat();
}
