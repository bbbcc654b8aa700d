//! TLS for clients: `secure` (tcp.md 7, socket-legacy.md 7). The only user of `rustls`.
//!
//! A secured socket is a stream over a stream inside the same entry. Verification cannot be turned
//! off; there is no resumption, no early data, no ALPN and no client certificate.

mod failure;
#[cfg(any(test, fuzzing))]
pub(super) mod fixed;
mod stream;
mod verifier;

use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use parking_lot::Mutex;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
pub(super) use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, KeyLog, SignatureScheme, SupportedProtocolVersion};

use crate::api::net_error::Status;
use crate::api::properties::SecureOptions;
use crate::net::{Stream, os_error};
use crate::trust::Trust;
use stream::Outgoing;
pub(super) use stream::TlsStream;
pub(super) use verifier::Verifier;

/// How an app's connections are secured. Can be sent to another thread.
#[derive(Clone, Debug, Default)]
pub struct TlsSetup {
    /// Who may vouch for servers.
    pub trust: Arc<Trust>,
    /// Whether the host is told the keys, with which captured traffic can be decrypted.
    pub logs_keys: bool,
    /// Whether random numbers are replaced by fixed ones.
    #[cfg(any(test, fuzzing))]
    pub is_fixed: bool,
}

impl TlsSetup {
    fn provider(&self) -> CryptoProvider {
        #[cfg(any(test, fuzzing))]
        if self.is_fixed {
            return fixed::provider();
        }
        provider()
    }
}

/// What the secured streams of one app share.
#[derive(Debug)]
pub(super) struct Tls {
    setup: TlsSetup,
    /// One configuration for each span of versions, made when first asked for.
    configs: Vec<(Versions, Arc<ClientConfig>)>,
    common: Rc<Common>,
    preparation: Preparation,
    /// Sockets whose handshake waits for it.
    waiting: Vec<i32>,
}

/// How far this app is with what takes its time when a process does it first: it must not happen on the thread
/// that all sockets need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preparation {
    NotNeeded,
    Needed,
    Running,
    Done,
    /// There can be no TLS.
    Failed,
}

/// Takes that time: entropy is gathered.
fn prepare() {
    // Should it fail, the handshake does, too.
    let _ = provider().secure_random.fill(&mut [0]);
}

#[derive(Debug)]
struct Common {
    /// Where records are read and decrypted.
    incoming: RefCell<BytesMut>,
    /// A block for records to send, lent to the stream that sends.
    outgoing: RefCell<Outgoing>,
    listener: Arc<Listener>,
}

/// Gets what `rustls` reports to its configuration, which all sessions share, and not to the session. It is
/// read after every input, so it is clear which session a report is of. One thread alone uses it; the atomics and
/// the lock are there because `rustls` demands `Sync`.
#[derive(Debug, Default)]
struct Listener {
    /// Seconds since 1970, for certificates.
    now: AtomicU64,
    asked_for_certificate: AtomicBool,
    /// Lines in the format of NSS.
    keys: Mutex<Vec<Box<CStr>>>,
}

/// Versions to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    Only12,
    Only13,
    Both,
}

impl Versions {
    /// tcp.md 7.3, socket-legacy.md 7.1; `None`: the least is above the most.
    pub(super) fn of(options: &SecureOptions) -> Option<Self> {
        let needs_13 = options.tls_version_min.as_deref() == Some("tls1.3");
        let stops_at_12 = options.tls_version_max.as_deref() == Some("tls1.2");
        match (needs_13, stops_at_12) {
            (false, false) => Some(Self::Both),
            (true, false) => Some(Self::Only13),
            (false, true) => Some(Self::Only12),
            (true, true) => None,
        }
    }

    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Only12 => vec![&TLS12],
            Self::Only13 => vec![&TLS13],
            Self::Both => vec![&TLS13, &TLS12],
        }
    }
}

#[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
compile_error!("one of the features `aws-lc-rs` and `ring`, not both");
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("TLS needs one of the features `aws-lc-rs` and `ring`");

/// The hybrid key exchange first: what is recorded today must not be readable one day.
#[cfg(feature = "aws-lc-rs")]
pub(super) fn provider() -> CryptoProvider {
    use rustls::crypto::aws_lc_rs;
    let mut provider = aws_lc_rs::default_provider();
    let best = aws_lc_rs::kx_group::X25519MLKEM768;
    provider.kx_groups.retain(|group| group.name() != best.name());
    provider.kx_groups.insert(0, best);
    provider
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(super) fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

impl Tls {
    pub(super) fn new(setup: TlsSetup) -> Self {
        let common = Common {
            incoming: RefCell::default(),
            outgoing: RefCell::default(),
            listener: Arc::default(),
        };
        Self {
            setup,
            configs: Vec::new(),
            common: Rc::new(common),
            preparation: Preparation::NotNeeded,
            waiting: Vec::new(),
        }
    }

    /// Sees to it that `id` hears when `begin` may be called.
    pub(super) fn prepare_for(&mut self, id: i32) {
        if self.preparation == Preparation::NotNeeded {
            self.preparation = Preparation::Needed;
        }
        if !self.is_prepared() {
            self.waiting.push(id);
        }
    }

    /// Whether `begin` may be called.
    pub(super) fn is_prepared(&self) -> bool {
        matches!(self.preparation, Preparation::Done | Preparation::Failed)
    }

    /// Whether somebody has to prepare it.
    pub(super) fn wants_preparation(&self) -> bool {
        self.preparation == Preparation::Needed
    }

    /// What is to be run for it, on another thread.
    pub(super) fn take_preparation(&mut self) -> Option<fn()> {
        self.wants_preparation().then(|| {
            self.preparation = Preparation::Running;
            prepare as fn()
        })
    }

    /// It has been run, or could not be; who waits for it.
    pub(super) fn prepared(&mut self, is_prepared: bool) -> Vec<i32> {
        self.preparation = if is_prepared { Preparation::Done } else { Preparation::Failed };
        std::mem::take(&mut self.waiting)
    }

    /// Sets the time that certificates are checked for.
    pub(super) fn set_time(&self, since_1970: Duration) {
        self.common.listener.now.store(since_1970.as_secs(), Ordering::Relaxed);
    }

    /// Whether the host wants to know the keys that are agreed upon.
    pub(super) fn logs_keys(&self) -> bool {
        self.setup.logs_keys
    }

    /// The keys agreed upon since the last time.
    pub(super) fn take_keys(&self) -> Vec<Box<CStr>> {
        std::mem::take(&mut *self.common.listener.keys.lock())
    }

    /// Puts TLS on a connection to `name`, and writes nothing yet; the stream comes back if there can be none.
    pub(super) fn begin<S: Stream>(
        &mut self,
        stream: S,
        name: ServerName<'static>,
        versions: Versions,
    ) -> Result<TlsStream<S>, (S, Status)> {
        if self.preparation == Preparation::Failed {
            return Err((stream, Status::Unexpected));
        }
        match self.config(versions) {
            Ok(config) => TlsStream::new(stream, config, name, Rc::clone(&self.common)),
            Err(_) => Err((stream, Status::Unexpected)),
        }
    }

    fn config(&mut self, versions: Versions) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some((_, config)) = self.configs.iter().find(|(of, _)| *of == versions) {
            return Ok(Arc::clone(config));
        }
        let provider = self.setup.provider();
        let listener = &self.common.listener;
        let verifier = Verifier {
            trust: Arc::clone(&self.setup.trust),
            algorithms: provider.signature_verification_algorithms,
        };
        let time = Arc::clone(listener) as Arc<dyn TimeProvider>;
        let mut config = ClientConfig::builder_with_details(Arc::new(provider), time)
            .with_protocol_versions(&versions.list())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::clone(listener) as Arc<dyn ResolvesClientCert>);
        config.resumption = Resumption::disabled();
        if self.setup.logs_keys {
            config.key_log = Arc::clone(listener) as Arc<dyn KeyLog>;
        }
        let config = Arc::new(config);
        self.configs.push((versions, Arc::clone(&config)));
        Ok(config)
    }
}

/// The name that a certificate must have, if there can be one for `host`, which is canonical.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(ServerName::try_from(host).ok()?.to_owned())
}

/// The result of a failed operation on a stream, secured or not.
pub(super) fn status(error: &io::Error) -> Status {
    failure::of_io(error).unwrap_or_else(|| os_error::status(error))
}

impl TimeProvider for Listener {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.now.load(Ordering::Relaxed);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl ResolvesClientCert for Listener {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked_for_certificate.store(true, Ordering::Relaxed);
        None
    }

    // Otherwise `resolve` is never asked.
    fn has_certs(&self) -> bool {
        true
    }
}

impl KeyLog for Listener {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let line = format!("{label} {} {}", hex(client_random), hex(secret));
        self.keys.lock().push(CString::new(line).unwrap_or_default().into_boxed_c_str());
    }
}
