//! Whom an app trusts to vouch for servers: the roots that certificates are checked against.
//!
//! There is no value that trusts everybody, and nothing here comes from the environment unless the
//! host asks for the operating system's roots.

use std::borrow::Cow;

use rustls_native_certs::{ErrorKind, load_native_certs};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use webpki::anchor_from_trusted_cert;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::{FromDer, X509Version};

use crate::api::net_error::Status;

/// Which roots are trusted besides those that the host adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// Those of the web, as Mozilla keeps them.
    #[default]
    WebPki,
    /// Those of the operating system.
    System,
    /// None.
    Nothing,
}

/// Trusted roots.
#[derive(Clone, Debug)]
pub struct Trust {
    anchors: Cow<'static, [TrustAnchor<'static>]>,
    /// How many of them, from the first, came with a store and not from the host.
    public: usize,
    /// Certificates that the host has added, roots first: a server may also present one of them itself.
    added: Vec<CertificateDer<'static>>,
}

impl Default for Trust {
    fn default() -> Self {
        let anchors = Cow::Borrowed(webpki_roots::TLS_SERVER_ROOTS);
        Self { public: anchors.len(), anchors, added: Vec::new() }
    }
}

impl Trust {
    /// The roots of a store, and those of a text of certificates in PEM, which must have at least one.
    pub fn new(store: Store, added: Option<&[u8]>) -> Result<Self, Status> {
        let trust = match store {
            Store::WebPki => Self::default(),
            Store::System => Self::of_anchors(system_roots()?),
            Store::Nothing => Self::of_anchors(Vec::new()),
        };
        let Some(text) = added else { return Ok(trust) };
        let added: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        match added {
            Ok(added) if !added.is_empty() => trust.with_added(added),
            _ => Err(Status::InvalidArgument),
        }
    }

    fn with_added(mut self, added: Vec<CertificateDer<'static>>) -> Result<Self, Status> {
        let (roots, others): (Vec<_>, Vec<_>) = added.into_iter().partition(is_authority);
        let anchor = |der| anchor_from_trusted_cert(der).map_err(|_| Status::InvalidArgument);
        for root in &roots {
            self.anchors.to_mut().push(anchor(root)?.to_owned());
        }
        for other in &others {
            anchor(other)?;
        }
        self.added = [roots, others].concat();
        Ok(self)
    }

    fn of_anchors(anchors: Vec<TrustAnchor<'static>>) -> Self {
        Self { public: anchors.len(), anchors: anchors.into(), added: Vec::new() }
    }

    /// Roots of a test, as if the host had added them.
    #[cfg(test)]
    pub(crate) fn of_host(added: &[CertificateDer<'static>]) -> Self {
        Self::of_anchors(Vec::new()).with_added(added.to_vec()).unwrap()
    }

    /// Roots of a test, as if they came with a store.
    #[cfg(test)]
    pub(crate) fn of_web(roots: &[CertificateDer<'static>]) -> Self {
        let anchors = roots.iter().map(|root| anchor_from_trusted_cert(root).unwrap().to_owned());
        Self::of_anchors(anchors.collect())
    }

    /// All roots.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// Whether a root came with a store.
    #[must_use]
    pub fn is_public(&self, anchor: &TrustAnchor<'_>) -> bool {
        self.anchors.iter().take(self.public).any(|public| public == anchor)
    }

    /// Those that the host has added.
    #[must_use]
    pub fn added(&self) -> &[CertificateDer<'static>] {
        &self.added
    }

    /// Those of them that are this root.
    pub fn added_as<'a>(
        &'a self,
        anchor: &'a TrustAnchor<'_>,
    ) -> impl Iterator<Item = &'a CertificateDer<'static>> {
        let added = self.anchors.iter().skip(self.public).zip(&self.added);
        added.filter(move |(added, _)| *added == anchor).map(|(_, der)| der)
    }

    /// Whether the host has added this very certificate.
    #[must_use]
    pub fn is_added(&self, certificate: &CertificateDer<'_>) -> bool {
        self.added.contains(certificate)
    }
}

/// Whether a certificate may vouch for others: it says so, or is of a version that could not say.
/// Others are trusted as they are, for the server that has their key.
fn is_authority(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    certificate.is_ca() || certificate.version() == X509Version::V1
}

/// What the system trusts. A certificate that is malformed, or may not be read, is left out; but if descriptors
/// or memory ran out, it is unknown what is missing.
fn system_roots() -> Result<Vec<TrustAnchor<'static>>, Status> {
    let found = load_native_certs();
    if found.errors.iter().any(|error| ran_out(&error.kind)) {
        return Err(Status::InsufficientResources);
    }
    let anchor = |root| Some(anchor_from_trusted_cert(root).ok()?.to_owned());
    Ok(found.certs.iter().filter_map(anchor).collect())
}

fn ran_out(error: &ErrorKind) -> bool {
    let ErrorKind::Io { inner, .. } = error else { return false };
    matches!(inner.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}
