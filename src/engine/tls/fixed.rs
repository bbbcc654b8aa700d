//! Test and fuzzing only: cryptography in which nothing is random, so that a server's bytes that were
//! recorded once are a handshake again.

use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret,
    SupportedKxGroup,
};
use rustls::{CipherSuite, Error, NamedGroup};

/// Every number and every key is this one.
#[derive(Debug)]
struct Fixed;

const BYTES: [u8; 32] = [0x5a; 32];

pub(in crate::engine) fn provider() -> CryptoProvider {
    let mut provider = super::provider();
    provider.secure_random = &Fixed;
    provider.kx_groups = vec![&Fixed];
    provider.cipher_suites.retain(|suite| {
        matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        )
    });
    provider
}

impl SecureRandom for Fixed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        buffer.fill(BYTES[0]);
        Ok(())
    }
}

impl SupportedKxGroup for Fixed {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Fixed {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&BYTES[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &BYTES
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
