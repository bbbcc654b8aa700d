//! The fuzz target of TLS, run over its seeds, so that both stay alive.
//!
//! Some seeds are whole handshakes, recorded from a server with the cryptography of `tls::fixed`, which
//! makes them handshakes again. Should another version of `rustls` say its hello in other words, record
//! them anew: `cargo test record_the_seeds -- --ignored`.

use std::path::PathBuf;

use crate::{api, engine, net, permissions, trust};

use super::Case;
use super::certificates::{AS_USUAL, Authority};

#[path = "../../../../fuzz/fuzz_targets/tls_body.rs"]
mod tls_body;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}

/// First bytes of the input: versions 1.2 and 1.3.
const VERSIONS: [u8; 2] = [1, 2];

#[test]
fn the_tls_target_holds_over_its_seeds() {
    let mut files = 0;
    for file in std::fs::read_dir(folder().join("tls")).unwrap() {
        let data = std::fs::read(file.unwrap().path()).unwrap();
        files += 1;
        tls_body::tls(&data);
        for at in 0..data.len() {
            tls_body::tls(&data[..at]);
            let mut damaged = data.clone();
            damaged[at] ^= 0x41;
            tls_body::tls(&damaged);
        }
    }
    assert!(files >= 5, "only {files} files");
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn recorded_handshakes_are_handshakes_still() {
    for version in VERSIONS {
        let mut data = std::fs::read(folder().join(format!("tls/handshake-{version}"))).unwrap();
        // However the bytes come.
        for pieces in 0..4 {
            data[0] = version + 3 * pieces;
            assert_eq!(tls_body::tls(&data), (0, super::WELCOME.into()));
        }
    }
}

#[test]
#[ignore = "writes the seeds"]
fn record_the_seeds() {
    let root = Authority::root("Root");
    let server = root.server(&["10.0.0.1"], AS_USUAL);
    let mut case = Case::new(&root, &server).at("10.0.0.1");
    case.server.is_fixed = true;
    std::fs::write(folder().join("root.pem"), &root.pem).unwrap();
    for version in VERSIONS {
        case.options = ["", ", tls1.2, tls1.2", ", tls1.3, tls1.3"][usize::from(version)];
        let mut talk = case.begin();
        let mut seed = vec![version];
        loop {
            talk.rig.run();
            let heard = talk.hear();
            let flight = talk.take_flight();
            seed.extend_from_slice(&flight);
            talk.feed(&flight);
            if !heard && flight.is_empty() {
                break;
            }
        }
        assert_eq!(talk.events(), ["< secure 1: 0"]);
        std::fs::write(folder().join(format!("tls/handshake-{version}")), seed).unwrap();
    }
}
