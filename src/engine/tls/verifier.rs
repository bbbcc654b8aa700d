//! Checks a server's certificates. The most serious problem is the result (tcp.md 7.8), where
//! `webpki` stops at the first, so a failed check goes on to look for worse.

use std::iter;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext, VerifiedPath,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::oid_registry::OID_X509_EXT_KEY_USAGE;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use super::failure::refusal;
use crate::api::net_error::Status;
use crate::trust::Trust;

/// Certificates between a server's and a root that are looked at; each makes the search longer, and
/// servers may send what they like.
const MAX_INTERMEDIATES: usize = 10;
/// Dates that are passed over in search of worse.
const MAX_DATES: usize = 8;
/// RSA keys below cannot be used (in bits).
const SMALLEST_RSA: usize = 2048;
/// Extended key usages with which a certificate serves: serverAuth, and anyExtendedKeyUsage.
const SERVING: [&[u8]; 2] =
    [&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01], &[0x55, 0x1d, 0x25, 0x00]];

/// Checks certificates against the roots of one app.
#[derive(Debug)]
pub(in crate::engine) struct Verifier {
    pub(in crate::engine) trust: Arc<Trust>,
    pub(in crate::engine) algorithms: WebPkiSupportedAlgorithms,
}

/// A certificate and who is to vouch for it.
struct Presented<'a> {
    der: &'a CertificateDer<'a>,
    leaf: EndEntityCert<'a>,
    /// The same, with what `webpki` does not tell.
    parsed: X509Certificate<'a>,
    intermediates: &'a [CertificateDer<'a>],
}

/// The problems of tcp.md 7.8, the most serious first; those without a rank come last.
const BY_SERIOUSNESS: [Status; 9] = [
    Status::SslServerCertBadFormat,
    Status::CertInvalid,
    Status::CertAuthorityInvalid,
    Status::CertCommonNameInvalid,
    Status::CertNameConstraintViolation,
    Status::CertWeakSignatureAlgorithm,
    Status::CertWeakKey,
    Status::CertDateInvalid,
    Status::SslKeyUsageIncompatible,
];

impl Verifier {
    /// The most serious problem, if there is one.
    pub(super) fn check(
        &self,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Status> {
        let intermediates = &intermediates[..intermediates.len().min(MAX_INTERMEDIATES)];
        let (leaf, parsed) = match (EndEntityCert::try_from(der), X509Certificate::from_der(der)) {
            (Ok(leaf), Ok((_, parsed))) => (leaf, parsed),
            // Without extensions it cannot say for whom it is.
            (Err(webpki::Error::UnsupportedCertVersion), Ok(_)) if self.trust.is_added(der) => {
                return Err(Status::CertCommonNameInvalid);
            }
            // Old versions can be read, but never be trusted.
            (Err(webpki::Error::UnsupportedCertVersion), Ok((_, parsed))) => {
                return Err(self.without_path(&parsed, intermediates));
            }
            (Err(error), _) => return Err(unusable(&error)),
            (Ok(_), Err(_)) => return Err(Status::SslServerCertBadFormat),
        };
        let presented = Presented { der, leaf, parsed, intermediates };
        let mut problems = self.check_path(&presented, now);
        if presented.leaf.verify_is_valid_for_subject_name(name).is_err() {
            problems.push(Status::CertCommonNameInvalid);
        }
        if is_weak(&presented.parsed) {
            problems.push(Status::CertWeakKey);
        }
        let rank = |problem: &Status| BY_SERIOUSNESS.iter().position(|known| known == problem);
        match problems.into_iter().min_by_key(|problem| rank(problem).unwrap_or(0)) {
            None => Ok(()),
            Some(worst) => Err(worst),
        }
    }

    /// Problems of the way from the certificate to a root.
    fn check_path(&self, presented: &Presented<'_>, now: UnixTime) -> Vec<Status> {
        // Trusted as it is: nobody else vouches for it.
        if self.trust.is_added(presented.der) {
            return check_alone(&presented.parsed, now);
        }
        let mut problems = Vec::new();
        let mut at = now;
        // Each date that is wrong is passed over, to see whether anything else is.
        for _ in 0..MAX_DATES {
            let check_others = |path: &VerifiedPath<'_>| {
                check_issuers(path)?;
                self.check_root(path, at)
            };
            let path = presented.leaf.verify_for_usage(
                self.algorithms.all,
                self.trust.anchors(),
                presented.intermediates,
                at,
                Serving,
                None,
                Some(&check_others),
            );
            at = match path {
                Ok(path) => {
                    let is_public = self.trust.is_public(path.anchor());
                    problems.extend(check_use(&presented.parsed, is_public));
                    return problems;
                }
                Err(webpki::Error::CertExpired { not_after, .. }) => not_after,
                Err(webpki::Error::CertNotValidYet { not_before, .. }) => not_before,
                Err(error) => {
                    problems.push(self.untrusted(&error, presented));
                    return problems;
                }
            };
            problems.push(Status::CertDateInvalid);
        }
        // Dates that exclude each other: names have to tell whether the issuer is known.
        problems.push(self.without_path(&presented.parsed, presented.intermediates));
        problems.retain(|problem| *problem != Status::CertInvalid);
        problems
    }

    /// Whether a root that the host has added may vouch here, which `webpki` does not look at: of a
    /// root it knows name and key. Those that came with a store are trusted as they are.
    fn check_root(&self, path: &VerifiedPath<'_>, now: UnixTime) -> Result<(), webpki::Error> {
        if self.trust.is_public(path.anchor()) {
            return Ok(());
        }
        let below = path.intermediate_certificates().count();
        let mut outcome = Err(webpki::Error::UnknownIssuer);
        // Several certificates may say different things of one root.
        for root in parse_all(self.trust.added_as(path.anchor())) {
            outcome = check_added(&root, below, now);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Why there is no way to a root.
    fn untrusted(&self, error: &webpki::Error, presented: &Presented<'_>) -> Status {
        use webpki::Error as E;
        match error {
            // An issuer that cannot be read vouches for nobody.
            E::BadDer
            | E::BadDerTime
            | E::TrailingData(_)
            | E::UnknownIssuer
            | E::MaximumPathBuildCallsExceeded
            | E::MaximumPathDepthExceeded
            | E::MaximumSignatureChecksExceeded => Status::CertAuthorityInvalid,
            E::InvalidSignatureForPublicKey if self.has_weak_issuer(presented) => {
                Status::CertWeakKey
            }
            E::InvalidSignatureForPublicKey => Status::CertAuthorityInvalid,
            // Self-signed is found to be an authority before it is found to be unknown.
            E::CaUsedAsEndEntity => self.without_path(&presented.parsed, presented.intermediates),
            E::UnsupportedSignatureAlgorithmContext(context) => {
                if is_weak_signature(&context.signature_algorithm_id) {
                    Status::CertWeakSignatureAlgorithm
                } else {
                    Status::CertInvalid
                }
            }
            E::NameConstraintViolation => Status::CertNameConstraintViolation,
            // Dates that exclude each other are found before the issuer is looked for.
            E::InvalidCertValidity => {
                match self.without_path(&presented.parsed, presented.intermediates) {
                    Status::CertAuthorityInvalid => Status::CertAuthorityInvalid,
                    _ => Status::CertDateInvalid,
                }
            }
            _ => Status::CertInvalid,
        }
    }

    /// Whether one that is named as an issuer has a weak key, of those that were presented or that the host has added.
    fn has_weak_issuer(&self, presented: &Presented<'_>) -> bool {
        let shown = parse_all(presented.intermediates);
        let added = parse_all(self.trust.added());
        let is_named = |issuer: &X509Certificate<'_>| {
            let mut others = iter::once(&presented.parsed).chain(&shown);
            others
                .any(|it| !ptr::eq(it, issuer) && it.issuer().as_raw() == issuer.subject().as_raw())
        };
        shown.iter().chain(&added).any(|issuer| is_weak(issuer) && is_named(issuer))
    }

    /// For a certificate that can't be checked to the end: unusable, or from somebody unknown too.
    fn without_path(
        &self,
        certificate: &X509Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Status {
        let is_known = self.leads_to_root(certificate.issuer().as_raw(), intermediates);
        if is_known && certificate.subject() != certificate.issuer() {
            Status::CertInvalid
        } else {
            Status::CertAuthorityInvalid
        }
    }

    /// Whether names lead from an issuer to a root; that its signatures are right is not said.
    fn leads_to_root(&self, issuer: &[u8], intermediates: &[CertificateDer<'_>]) -> bool {
        let others = parse_all(intermediates);
        let mut name = issuer;
        for _ in 0..=others.len() {
            // Anchors keep names without their outermost tag and length.
            let is_name = |subject: &[u8]| name.ends_with(subject) && !subject.is_empty();
            if self.trust.anchors().iter().any(|anchor| is_name(&anchor.subject)) {
                return true;
            }
            match others.iter().find(|other| other.subject().as_raw() == name) {
                Some(next) => name = next.issuer().as_raw(),
                None => return false,
            }
        }
        false
    }
}

/// Takes certificates that may serve, whatever else they are for.
struct Serving;

impl ExtendedKeyUsageValidator for Serving {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let mut is_limited = false;
        for purpose in purposes {
            is_limited = true;
            let purpose = purpose?;
            if SERVING.into_iter().any(|serving| KeyPurposeId::new(serving) == purpose) {
                return Ok(());
            }
        }
        if !is_limited {
            return Ok(());
        }
        let required = KeyUsage::server_auth();
        let context = RequiredEkuNotFoundContext { required, present: Vec::new() };
        Err(webpki::Error::RequiredEkuNotFoundContext(context))
    }
}

/// Whether all that sign on the way to the root may do so, which `webpki` does not look at.
fn check_issuers(path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
    let signs = |der: &CertificateDer<'_>| {
        X509Certificate::from_der(der).is_ok_and(|(_, issuer)| signs_certificates(&issuer))
    };
    let may_sign = path.intermediate_certificates().all(|issuer| signs(&issuer.der()));
    if may_sign { Ok(()) } else { Err(webpki::Error::EndEntityUsedAsCa) }
}

/// Whether this root may vouch for a server with so many certificates between.
fn check_added(
    root: &X509Certificate<'_>,
    below: usize,
    now: UnixTime,
) -> Result<(), webpki::Error> {
    use webpki::Error as E;
    if root.extensions().iter().any(is_unknown_and_critical) {
        return Err(E::UnsupportedCriticalExtension);
    }
    let constraints = root.basic_constraints().ok().flatten();
    let most = constraints.and_then(|constraints| constraints.value.path_len_constraint);
    if most.is_some_and(|most| below > most as usize) {
        return Err(E::PathLenConstraintViolated);
    }
    if !signs_certificates(root) || !serves(root) {
        return Err(E::EndEntityUsedAsCa);
    }
    check_dates(root, now)
}

/// Those of the certificates that can be read.
fn parse_all<'a, 'b: 'a>(
    ders: impl IntoIterator<Item = &'a CertificateDer<'b>>,
) -> Vec<X509Certificate<'a>> {
    let parsed = ders.into_iter().filter_map(|der| X509Certificate::from_der(der).ok());
    parsed.map(|(_, certificate)| certificate).collect()
}

/// Problems of a certificate that needs nobody to vouch for it.
fn check_alone(certificate: &X509Certificate<'_>, now: UnixTime) -> Vec<Status> {
    let mut problems = Vec::new();
    if check_dates(certificate, now).is_err() {
        problems.push(Status::CertDateInvalid);
    }
    if !serves(certificate) {
        problems.push(Status::CertInvalid);
    }
    problems.extend(check_use(certificate, false));
    problems
}

fn check_dates(certificate: &X509Certificate<'_>, time: UnixTime) -> Result<(), webpki::Error> {
    let second = |time: ASN1Time| {
        let second = u64::try_from(time.timestamp()).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(second))
    };
    let validity = certificate.validity();
    let (not_before, not_after) = (second(validity.not_before), second(validity.not_after));
    if time < not_before {
        Err(webpki::Error::CertNotValidYet { time, not_before })
    } else if time > not_after {
        Err(webpki::Error::CertExpired { time, not_after })
    } else {
        Ok(())
    }
}

/// What the server's key may be used for, which `webpki` does not look at.
fn check_use(leaf: &X509Certificate<'_>, is_public: bool) -> Option<Status> {
    let Ok(usage) = key_usage(leaf) else { return Some(Status::CertInvalid) };
    let may_sign = usage.is_none_or(|usage| usage.digital_signature());
    // Private authorities often get this wrong for RSA, where it used to make no difference.
    let matters = !is_rsa(leaf) || is_public;
    (!may_sign && matters).then_some(Status::SslKeyUsageIncompatible)
}

/// Whether its purposes, if it names some, have that of a server.
fn serves(certificate: &X509Certificate<'_>) -> bool {
    let purposes = certificate.extended_key_usage();
    purposes.is_ok_and(|usage| usage.is_none_or(|usage| usage.value.server_auth || usage.value.any))
}

/// Whether its key may sign certificates.
fn signs_certificates(certificate: &X509Certificate<'_>) -> bool {
    key_usage(certificate).is_ok_and(|usage| usage.is_none_or(|usage| usage.key_cert_sign()))
}

fn is_unknown_and_critical(extension: &X509Extension<'_>) -> bool {
    let is_known = !matches!(
        extension.parsed_extension(),
        ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::ParseError { .. }
    );
    extension.critical && !is_known
}

/// Why a certificate cannot be used at all.
fn unusable(error: &webpki::Error) -> Status {
    use webpki::Error as E;
    match error {
        E::BadDer | E::BadDerTime | E::TrailingData(_) => Status::SslServerCertBadFormat,
        _ => Status::CertInvalid,
    }
}

/// What the key may be used for, if that is limited; an error if it cannot be read.
fn key_usage<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Result<Option<&'a x509_parser::extensions::KeyUsage>, Status> {
    let extension = certificate.get_extension_unique(&OID_X509_EXT_KEY_USAGE);
    match extension.map_err(|_| Status::CertInvalid)?.map(X509Extension::parsed_extension) {
        None => Ok(None),
        Some(ParsedExtension::KeyUsage(usage)) => Ok(Some(usage)),
        Some(_) => Err(Status::CertInvalid),
    }
}

fn is_rsa(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(_)))
}

fn is_weak(certificate: &X509Certificate<'_>) -> bool {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() < SMALLEST_RSA,
        _ => false,
    }
}

/// Whether this AlgorithmIdentifier (without its tag and length) signs with MD2, MD4, MD5 or SHA-1.
fn is_weak_signature(identifier: &[u8]) -> bool {
    const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA1: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    // pkcs-1 2 to 5: with MD2, MD4, MD5, SHA-1.
    let by_rsa = identifier.strip_prefix(RSA).and_then(|rest| rest.first());
    by_rsa.is_some_and(|hash| (2..=5).contains(hash)) || identifier.starts_with(ECDSA_SHA1)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.check(end_entity, intermediates, server_name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(status) => Err(refusal(status)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
