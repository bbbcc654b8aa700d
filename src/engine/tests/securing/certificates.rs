//! Authorities and server certificates, good ones, and bad ones made from them by one change.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// What makes a certificate another one than usual.
pub(super) type Change<'a> = &'a dyn Fn(&mut CertificateParams);

/// Nothing.
pub(super) const AS_USUAL: Change<'static> = &|_| {};

/// An authority.
pub(super) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) pem: String,
    /// The way from here to the root, which is not in it.
    way: Vec<CertificateDer<'static>>,
}

/// What a server shows, and the key it signs with.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    /// A root.
    pub(super) fn root(name: &str) -> Self {
        Self::root_with(name, KeyPair::generate().unwrap(), AS_USUAL)
    }

    /// A root that signs with RSA.
    pub(super) fn rsa_root(name: &str) -> Self {
        Self::root_with(name, rsa_key(), AS_USUAL)
    }

    pub(super) fn root_with(name: &str, key: KeyPair, change: Change<'_>) -> Self {
        let params = authority_params(name, change);
        let certificate = params.self_signed(&key).unwrap();
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Self { params, key, certificate, pem, way: Vec::new() }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// An intermediate below this one.
    pub(super) fn below(&self, name: &str, change: Change<'_>) -> Self {
        self.below_with(name, KeyPair::generate().unwrap(), change)
    }

    pub(super) fn below_with(&self, name: &str, key: KeyPair, change: Change<'_>) -> Self {
        let params = authority_params(name, change);
        let certificate = params.signed_by(&key, &self.issuer()).unwrap();
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        let mut way = vec![certificate.clone()];
        way.extend_from_slice(&self.way);
        Self { params, key, certificate, pem, way }
    }

    /// This authority's key and name, vouched for by another root.
    pub(super) fn cross_signed_by(&self, other: &Self) -> CertificateDer<'static> {
        other.renewed(self, AS_USUAL)
    }

    /// A certificate for the key and name of an authority below this one.
    pub(super) fn renewed(&self, other: &Self, change: Change<'_>) -> CertificateDer<'static> {
        let mut params = other.params.clone();
        change(&mut params);
        params.signed_by(&other.key, &self.issuer()).unwrap().der().clone()
    }

    /// A server with these names.
    pub(super) fn server(&self, names: &[&str], change: Change<'_>) -> Identity {
        self.server_with(names, &KeyPair::generate().unwrap(), change)
    }

    pub(super) fn server_with(
        &self,
        names: &[&str],
        key: &KeyPair,
        change: Change<'_>,
    ) -> Identity {
        let params = server_params(names, change);
        let leaf = params.signed_by(key, &self.issuer()).unwrap().der().clone();
        let mut chain = vec![leaf];
        chain.extend_from_slice(&self.way);
        Identity { chain, key: key.serialize_der() }
    }

    /// A server whose certificate names this key, which it does not have.
    pub(super) fn server_with_public(
        &self,
        names: &[&str],
        public: &impl PublicKeyData,
    ) -> Identity {
        let params = server_params(names, AS_USUAL);
        let leaf = params.signed_by(public, &self.issuer()).unwrap().der().clone();
        let key = KeyPair::generate().unwrap().serialize_der();
        Identity { chain: vec![leaf], key }
    }

    /// The same key and name in a certificate of version 1, which cannot say what it is for.
    pub(super) fn in_version_1(&self) -> CertificateDer<'static> {
        let [to_be_signed, algorithm, signature] = &elements(&self.certificate)[..] else {
            panic!()
        };
        // All between the version and the extensions; who trusts a root asks for no signature.
        let [_version, fields @ .., _extensions] = &elements(to_be_signed)[..] else { panic!() };
        let to_be_signed = sequence(fields);
        sequence(&[to_be_signed, algorithm.clone(), signature.clone()]).into()
    }

    /// The authority as a server itself.
    pub(super) fn as_server(&self) -> Identity {
        Identity { chain: vec![self.certificate.clone()], key: self.key.serialize_der() }
    }

    /// An intermediate whose key is known to nobody.
    pub(super) fn below_with_public(
        &self,
        name: &str,
        public: &impl PublicKeyData,
    ) -> CertificateDer<'static> {
        let params = authority_params(name, AS_USUAL);
        params.signed_by(public, &self.issuer()).unwrap().der().clone()
    }
}

/// A server that nobody vouches for.
pub(super) fn self_signed(names: &[&str], change: Change<'_>) -> Identity {
    let key = KeyPair::generate().unwrap();
    let leaf = server_params(names, change).self_signed(&key).unwrap().der().clone();
    Identity { chain: vec![leaf], key: key.serialize_der() }
}

impl Identity {
    pub(super) fn certified(&self, provider: &CryptoProvider) -> Arc<CertifiedKey> {
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        Arc::new(CertifiedKey::new(self.chain.clone(), key))
    }

    /// The same with another chain.
    pub(super) fn showing(&self, chain: &[&CertificateDer<'static>]) -> Self {
        let chain = chain.iter().map(|der| (*der).clone()).collect();
        Self { chain, key: self.key.clone() }
    }

    /// The same with one certificate of the chain changed byte by byte.
    pub(super) fn damaged(&self, at: usize, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut changed = self.clone();
        let mut der = changed.chain[at].to_vec();
        damage(&mut der);
        changed.chain[at] = der.into();
        changed
    }
}

fn authority_params(name: &str, change: Change<'_>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    params
}

fn server_params(names: &[&str], change: Change<'_>) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    params
}

/// Valid from the start of the first year to that of the second.
pub(super) fn valid(from: i32, until: i32) -> impl Fn(&mut CertificateParams) {
    move |params| {
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
    }
}

pub(super) fn rsa_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap()
}

/// What a sequence in DER has, each with its head, of less than 64 KiB.
fn elements(der: &[u8]) -> Vec<Vec<u8>> {
    let head = |der: &[u8]| match der[1] {
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        0x81 => (3, usize::from(der[2])),
        len => (2, usize::from(len)),
    };
    let mut rest = &der[head(der).0..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (start, len) = head(rest);
        let (element, behind) = rest.split_at(start + len);
        all.push(element.to_vec());
        rest = behind;
    }
    all
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    let contents = elements.concat();
    let len = match contents.len().to_be_bytes() {
        [.., 0, low @ 0..0x80] => vec![low],
        [.., 0, low] => vec![0x81, low],
        [.., high, low] => vec![0x82, high, low],
    };
    [&[0x30], &len[..], &contents].concat()
}

/// Object identifiers of signatures by RSA differ in the last byte.
const BY_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const SHA_256: u8 = 11;
pub(super) const SHA_1: u8 = 5;
pub(super) const MD5: u8 = 4;

/// Says that a certificate is signed with another hash, which is looked at before the signature is.
pub(super) fn weaken_signature(der: &mut [u8], hash: u8) {
    let mut changed = 0;
    for at in 0..der.len() - BY_RSA.len() {
        if der[at..].starts_with(BY_RSA) && der[at + BY_RSA.len()] == SHA_256 {
            der[at + BY_RSA.len()] = hash;
            changed += 1;
        }
    }
    assert_eq!(changed, 2, "a certificate names the algorithm twice");
}

/// A public RSA key of so many bytes.
pub(super) struct RsaPublic(Vec<u8>);

impl RsaPublic {
    pub(super) fn of_bytes(bytes: usize) -> Self {
        let mut modulus = vec![0u8; bytes + 1];
        for (i, byte) in modulus.iter_mut().enumerate().skip(1) {
            *byte = (i * 37) as u8 | 0x81;
        }
        let exponent = [0x02, 0x03, 0x01, 0x00, 0x01];
        let len = |n: usize| [0x82, (n >> 8) as u8, n as u8];
        let integer = [&[0x02][..], &len(modulus.len()), &modulus, &exponent].concat();
        Self([&[0x30][..], &len(integer.len()), &integer].concat())
    }
}

impl PublicKeyData for RsaPublic {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}
