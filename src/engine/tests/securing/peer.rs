//! A TLS server in the test's hands, which can be made to misbehave: on the wire by changing records,
//! and within encrypted records by changing them before they are sealed.

use std::cmp::min;
use std::sync::{Arc, Mutex};

use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{
    AeadKey, Iv, KeyBlockShape, MessageDecrypter, MessageEncrypter, OutboundChunks,
    OutboundOpaqueMessage, OutboundPlainMessage, Tls12AeadAlgorithm, Tls13AeadAlgorithm,
    UnsupportedOperationError,
};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, NamedGroup, RootCertStore,
    ServerConfig, ServerConnection, SupportedCipherSuite, SupportedProtocolVersion,
    Tls12CipherSuite, Tls13CipherSuite,
};

use super::certificates::{Authority, Identity};
use crate::engine::tls;

/// Changes a record before it is sealed: its type and what is in it.
pub(super) type Twist = Arc<Mutex<dyn FnMut(&mut u8, &mut Vec<u8>) + Send>>;

/// A server, as it is made.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) identity: Identity,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    pub(super) client_certificate: ClientCertificate,
    pub(super) twist: Option<Twist>,
    pub(super) fragment: Option<usize>,
    pub(super) suites: fn(&SupportedCipherSuite) -> bool,
    pub(super) groups: fn(NamedGroup) -> bool,
    /// Whether nothing is random, on both sides.
    pub(super) is_fixed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientCertificate {
    NotAsked,
    Asked,
    Needed,
}

impl Server {
    pub(super) fn start(&self) -> ServerConnection {
        let mut provider = if self.is_fixed { tls::fixed::provider() } else { tls::provider() };
        provider.cipher_suites.retain(self.suites);
        provider.kx_groups.retain(|group| (self.groups)(group.name()));
        if let Some(twist) = &self.twist {
            provider.cipher_suites =
                provider.cipher_suites.iter().map(|s| twisted(s, twist)).collect();
        }
        let certified = self.identity.certified(&provider);
        let provider = Arc::new(provider);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = match self.client_certificate {
            ClientCertificate::NotAsked => builder.with_no_client_auth(),
            wanted => builder.with_client_cert_verifier(verifier(&provider, wanted)),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.max_fragment_size = self.fragment;
        ServerConnection::new(Arc::new(config)).unwrap()
    }
}

fn verifier(
    provider: &Arc<CryptoProvider>,
    wanted: ClientCertificate,
) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(Authority::root("Clients").certificate).unwrap();
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    match wanted {
        ClientCertificate::Needed => builder,
        _ => builder.allow_unauthenticated(),
    }
    .build()
    .unwrap()
}

/// A record on the wire: its type and what is in it.
pub(super) type Record = (u8, Vec<u8>);

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const DATA: u8 = 23;

pub(super) fn records(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let len = usize::from(*high) << 8 | usize::from(*low);
        records.push((*kind, rest[..len].to_vec()));
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty(), "a server writes whole records");
    records
}

pub(super) fn wire(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, payload) in records {
        let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
        bytes.extend([*kind, 3, 3, high, low]);
        bytes.extend_from_slice(payload);
    }
    bytes
}

/// The handshake messages of a payload, each with its head of 4 bytes.
pub(super) fn messages(mut payload: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let [_, high, middle, low, ..] = payload {
        let len = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let (message, rest) = payload.split_at(min(4 + len, payload.len()));
        all.push(message.to_vec());
        payload = rest;
    }
    all
}

/// A handshake message.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    [&[kind, (len >> 16) as u8, (len >> 8) as u8, len as u8], body].concat()
}

// --- sealing something else

fn twisted(suite: &SupportedCipherSuite, twist: &Twist) -> SupportedCipherSuite {
    // A suite is `'static`; a test's are few.
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let aead_alg = Box::leak(Box::new(Twister12(suite.aead_alg, Arc::clone(twist))));
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                aead_alg,
                ..**suite
            })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            let aead_alg = Box::leak(Box::new(Twister13(suite.aead_alg, Arc::clone(twist))));
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                aead_alg,
                ..**suite
            })))
        }
    }
}

fn common(common: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon { ..*common }
}

struct Twister12(&'static dyn Tls12AeadAlgorithm, Twist);
struct Twister13(&'static dyn Tls13AeadAlgorithm, Twist);

impl Tls12AeadAlgorithm for Twister12 {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(TwistingEncrypter(self.0.encrypter(key, iv, extra), Arc::clone(&self.1)))
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }
}

impl Tls13AeadAlgorithm for Twister13 {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(TwistingEncrypter(self.0.encrypter(key, iv), Arc::clone(&self.1)))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }
}

struct TwistingEncrypter(Box<dyn MessageEncrypter>, Twist);

impl MessageEncrypter for TwistingEncrypter {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let (mut kind, mut payload) = (u8::from(message.typ), message.payload.to_vec());
        (self.1.lock().unwrap())(&mut kind, &mut payload);
        let message = OutboundPlainMessage {
            typ: ContentType::from(kind),
            version: message.version,
            payload: OutboundChunks::Single(&payload),
        };
        self.0.encrypt(message, seq)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        // Only a hint of how much room there must be.
        self.0.encrypted_payload_len(payload_len)
    }
}
