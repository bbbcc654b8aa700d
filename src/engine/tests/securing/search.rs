//! What a search for a way to a root may cost, whatever a server sends (tcp.md 7.8).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, ServerName,
    SignatureVerificationAlgorithm, UnixTime,
};

use super::certificates::{AS_USUAL, Authority, Identity, valid};
use super::{Case, NAME};
use crate::engine::tls::{Verifier, provider};
use crate::trust::Trust;

/// A search looks at no more certificates between a server's and a root than this, and there are no
/// more searches than that.
const MOST_CERTIFICATES: usize = 10;
const MOST_SEARCHES: usize = 8;

/// Counts the signatures that are checked.
#[derive(Debug)]
struct Counting(&'static dyn SignatureVerificationAlgorithm, Arc<AtomicUsize>);

impl SignatureVerificationAlgorithm for Counting {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

/// How many signatures it takes to refuse this chain.
fn signatures_checked(root: &Authority, chain: &[CertificateDer<'static>]) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let real = provider().signature_verification_algorithms;
    // Lists of algorithms are `'static`; a test's are few.
    let counting = |real: &&'static dyn SignatureVerificationAlgorithm| {
        let counting: &'static Counting = Box::leak(Box::new(Counting(*real, Arc::clone(&count))));
        counting as &'static dyn SignatureVerificationAlgorithm
    };
    let all: Vec<_> = real.all.iter().map(counting).collect();
    let verifier = Verifier {
        trust: Arc::new(Trust::of_host(std::slice::from_ref(&root.certificate))),
        algorithms: WebPkiSupportedAlgorithms { all: all.leak(), ..real },
    };
    let name = ServerName::try_from(NAME).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NEW_YEAR_2027));
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now).unwrap_err();
    count.load(Ordering::Relaxed)
}

const NEW_YEAR_2027: u64 = 1_798_761_600;

/// A server whose authority was valid once, and will be again.
fn renewed_late(root: &Authority) -> Identity {
    let old = root.below("Lower", &valid(2020, 2026));
    let server = old.server(&[NAME], AS_USUAL);
    let new = root.renewed(&old, &valid(2028, 2030));
    server.showing(&[&server.chain[0], &server.chain[1], &new])
}

/// A server whose authorities are never valid together.
fn never_valid(root: &Authority) -> Identity {
    let upper = root.below("Upper", &valid(2020, 2026));
    upper.below("Lower", &valid(2028, 2030)).server(&[NAME], AS_USUAL)
}

#[test]
fn dates_that_exclude_each_other_send_no_search_back_and_forth_7_8() {
    let root = Authority::root("Root");
    let server = never_valid(&root);
    // Each of these is another way to try, with one signature that is wrong.
    let forger = Authority::root("Root");
    let forged: Vec<_> = (0..60).map(|_| forger.below("Lower", AS_USUAL).certificate).collect();
    let checked = |many: usize| {
        let chain = [&server.chain[..], &forged[..many]].concat();
        signatures_checked(&root, &chain)
    };
    let (few, some, many) = (checked(1), checked(20), checked(60));
    assert!(few > 0, "nothing was searched for");
    assert!(some <= MOST_CERTIFICATES * MOST_SEARCHES, "{some} signatures");
    assert_eq!(some, many, "what it costs depends on what is sent");
}

#[test]
fn dates_that_exclude_each_other_hide_no_unknown_root_rank_5_rank_11() {
    let (known, unknown) = (Authority::root("Known"), Authority::root("Unknown"));
    let server = known.below("Lower", AS_USUAL).server(&[NAME], AS_USUAL);
    let in_time = Case::new(&known, &server);
    in_time.is_served();
    let others: Vec<_> = (0..30).map(|i| Authority::root(&i.to_string()).certificate).collect();
    for (root, code) in [(&known, -201), (&unknown, -202)] {
        for server in [renewed_late(root), never_valid(root)] {
            in_time.clone().showing(&server).is_refused(code);
            // The same among many that do not belong.
            let chain: Vec<_> = server.chain.iter().chain(&others).collect();
            in_time.clone().showing(&server.showing(&chain)).is_refused(code);
        }
    }
}
