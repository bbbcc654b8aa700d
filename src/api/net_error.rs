//! The closed list of results: Chromium's numbers for what Chromium has, ours from -10001 down.
//!
//! Numbers are written out and never renumbered. One function gives name and text, so that a
//! result without them does not compile.

use std::ffi::CStr;

/// Result of a function, a completion or a notification: 0 or one of the numbers below.
///
/// The names and numbers are those of Chromium's network errors (`net::ERR_…`); numbers from
/// -10001 down are this library's own and are only ever returned by functions, never delivered
/// in an event.
///
/// cbindgen:rename-all=QualifiedScreamingSnakeCase
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Success. Returned by a function that starts a call: exactly one completion follows.
    Ok = 0,
    /// An operation of this kind is already pending.
    IoPending = -1,
    /// The operation failed, and no other result fits.
    Failed = -2,
    /// The operation was cancelled by a close or a disconnect.
    Aborted = -3,
    /// An argument is wrong.
    InvalidArgument = -4,
    /// The operating system's handle is not valid.
    InvalidHandle = -5,
    /// The operation took too long.
    TimedOut = -7,
    /// An internal error; the call or socket was given up.
    Unexpected = -9,
    /// The operating system denied access.
    AccessDenied = -10,
    /// The operation is not supported.
    NotImplemented = -11,
    /// Descriptors or another resource of the system ran out.
    InsufficientResources = -12,
    /// Memory ran out.
    OutOfMemory = -13,
    /// The socket is not connected.
    SocketNotConnected = -15,
    /// The network changed.
    NetworkChanged = -21,
    /// The socket is already connected.
    SocketIsConnected = -23,
    /// The app is closing or closed.
    ContextShutDown = -26,
    /// The connection was closed.
    ConnectionClosed = -100,
    /// The connection was reset by the peer.
    ConnectionReset = -101,
    /// The connection was refused.
    ConnectionRefused = -102,
    /// The connection was aborted.
    ConnectionAborted = -103,
    /// The connection could not be made.
    ConnectionFailed = -104,
    /// The host name could not be resolved.
    NameNotResolved = -105,
    /// There is no connection to a network.
    InternetDisconnected = -106,
    /// The peer broke the TLS protocol.
    SslProtocolError = -107,
    /// The address or port is not valid here.
    AddressInvalid = -108,
    /// The address cannot be reached.
    AddressUnreachable = -109,
    /// The server demands a client certificate.
    SslClientAuthCertNeeded = -110,
    /// No TLS version is enabled.
    NoSslVersionsEnabled = -112,
    /// No common TLS version or cipher.
    SslVersionOrCipherMismatch = -113,
    /// The server asked for a renegotiation.
    SslRenegotiationRequested = -114,
    /// The server refused the client certificate.
    BadSslClientAuthCert = -117,
    /// The connection attempt timed out.
    ConnectionTimedOut = -118,
    /// Too many host names are being resolved.
    HostResolverQueueTooLarge = -119,
    /// The server does not renegotiate.
    SslNoRenegotiation = -123,
    /// TLS alert: decompression failure.
    SslDecompressionFailureAlert = -125,
    /// TLS alert: bad record MAC.
    SslBadRecordMacAlert = -126,
    /// The resolver failed.
    NameResolutionFailed = -137,
    /// Access to the network was denied.
    NetworkAccessDenied = -138,
    /// The message is too long.
    MsgTooBig = -142,
    /// The address is in use.
    AddressInUse = -147,
    /// The peer's public key cannot be used.
    SslBadPeerPublicKey = -149,
    /// A pinned key is missing in the certificate chain.
    SslPinnedKeyNotInCertChain = -150,
    /// TLS alert: decrypt error.
    SslDecryptErrorAlert = -153,
    /// The server's certificate changed.
    SslServerCertChanged = -156,
    /// TLS alert: the server does not know the name.
    SslUnrecognizedNameAlert = -159,
    /// The name collides with a new top-level domain.
    IcannNameCollision = -166,
    /// The server's certificate cannot be parsed.
    SslServerCertBadFormat = -167,
    /// The system has no buffer space.
    NoBufferSpace = -176,
    /// A TLS 1.3 downgrade was detected.
    Tls13DowngradeDetected = -180,
    /// The certificate's key usage forbids the key exchange.
    SslKeyUsageIncompatible = -181,
    /// The certificate is for another name.
    CertCommonNameInvalid = -200,
    /// The certificate is expired or not yet valid.
    CertDateInvalid = -201,
    /// The certificate's issuer is not trusted.
    CertAuthorityInvalid = -202,
    /// The certificate contains errors.
    CertContainsErrors = -203,
    /// The certificate names no way to check revocation.
    CertNoRevocationMechanism = -204,
    /// Revocation could not be checked.
    CertUnableToCheckRevocation = -205,
    /// The certificate was revoked.
    CertRevoked = -206,
    /// The certificate is invalid.
    CertInvalid = -207,
    /// The certificate is signed with a weak algorithm.
    CertWeakSignatureAlgorithm = -208,
    /// The certificate is for a name that is not unique.
    CertNonUniqueName = -210,
    /// The certificate's key is too weak.
    CertWeakKey = -211,
    /// The certificate breaks a name constraint.
    CertNameConstraintViolation = -212,
    /// The certificate is valid for too long.
    CertValidityTooLong = -213,
    /// The certificate lacks proof of transparency.
    CertificateTransparencyRequired = -214,
    /// The certificate comes from a distrusted issuer.
    CertSymantecLegacy = -215,
    /// The certificate is known for interception.
    CertKnownInterceptionBlocked = -217,
    /// Network input and output are suspended.
    NetworkIoSuspended = -331,
    /// An attempt to dispatch or to take events inside a callback of the same app.
    RecursiveCall = -10001,
    /// The app's delivery mode does not offer this function.
    WrongDelivery = -10002,
    /// The app's manifest was rejected.
    InvalidManifest = -10003,
}

impl Status {
    /// Chromium's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The status that has this number.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.number() == number)
    }

    /// `net::ERR_…`, the text programs see as `chrome.runtime.lastError.message`.
    #[must_use]
    pub const fn name(self) -> &'static CStr {
        self.describe().0
    }

    /// One sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static CStr {
        self.describe().1
    }

    #[rustfmt::skip]
    const fn describe(self) -> (&'static CStr, &'static CStr) {
        match self {
            Self::Ok => (c"net::OK", c"Success."),
            Self::IoPending => (c"net::ERR_IO_PENDING", c"An operation of this kind is already pending."),
            Self::Failed => (c"net::ERR_FAILED", c"The operation failed."),
            Self::Aborted => (c"net::ERR_ABORTED", c"The operation was cancelled."),
            Self::InvalidArgument => (c"net::ERR_INVALID_ARGUMENT", c"An argument is not valid."),
            Self::InvalidHandle => (c"net::ERR_INVALID_HANDLE", c"The system handle is not valid."),
            Self::TimedOut => (c"net::ERR_TIMED_OUT", c"The operation timed out."),
            Self::Unexpected => (c"net::ERR_UNEXPECTED", c"An unexpected error occurred."),
            Self::AccessDenied => (c"net::ERR_ACCESS_DENIED", c"The system denied access."),
            Self::NotImplemented => (c"net::ERR_NOT_IMPLEMENTED", c"The operation is not supported."),
            Self::InsufficientResources => (c"net::ERR_INSUFFICIENT_RESOURCES", c"The system is out of resources."),
            Self::OutOfMemory => (c"net::ERR_OUT_OF_MEMORY", c"The system is out of memory."),
            Self::SocketNotConnected => (c"net::ERR_SOCKET_NOT_CONNECTED", c"The socket is not connected."),
            Self::NetworkChanged => (c"net::ERR_NETWORK_CHANGED", c"The network changed."),
            Self::SocketIsConnected => (c"net::ERR_SOCKET_IS_CONNECTED", c"The socket is already connected."),
            Self::ContextShutDown => (c"net::ERR_CONTEXT_SHUT_DOWN", c"The app is closed."),
            Self::ConnectionClosed => (c"net::ERR_CONNECTION_CLOSED", c"The connection was closed."),
            Self::ConnectionReset => (c"net::ERR_CONNECTION_RESET", c"The peer reset the connection."),
            Self::ConnectionRefused => (c"net::ERR_CONNECTION_REFUSED", c"The peer refused the connection."),
            Self::ConnectionAborted => (c"net::ERR_CONNECTION_ABORTED", c"The connection was aborted."),
            Self::ConnectionFailed => (c"net::ERR_CONNECTION_FAILED", c"The connection could not be made."),
            Self::NameNotResolved => (c"net::ERR_NAME_NOT_RESOLVED", c"The host name could not be resolved."),
            Self::InternetDisconnected => (c"net::ERR_INTERNET_DISCONNECTED", c"There is no network connection."),
            Self::SslProtocolError => (c"net::ERR_SSL_PROTOCOL_ERROR", c"The peer broke the TLS protocol."),
            Self::AddressInvalid => (c"net::ERR_ADDRESS_INVALID", c"The address or port is not valid."),
            Self::AddressUnreachable => (c"net::ERR_ADDRESS_UNREACHABLE", c"The address cannot be reached."),
            Self::SslClientAuthCertNeeded => (c"net::ERR_SSL_CLIENT_AUTH_CERT_NEEDED", c"The server demands a client certificate."),
            Self::NoSslVersionsEnabled => (c"net::ERR_NO_SSL_VERSIONS_ENABLED", c"No TLS version is enabled."),
            Self::SslVersionOrCipherMismatch => (c"net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH", c"There is no common TLS version or cipher."),
            Self::SslRenegotiationRequested => (c"net::ERR_SSL_RENEGOTIATION_REQUESTED", c"The server asked for a renegotiation."),
            Self::BadSslClientAuthCert => (c"net::ERR_BAD_SSL_CLIENT_AUTH_CERT", c"The server refused the client certificate."),
            Self::ConnectionTimedOut => (c"net::ERR_CONNECTION_TIMED_OUT", c"The connection attempt timed out."),
            Self::HostResolverQueueTooLarge => (c"net::ERR_HOST_RESOLVER_QUEUE_TOO_LARGE", c"Too many names are being resolved."),
            Self::SslNoRenegotiation => (c"net::ERR_SSL_NO_RENEGOTIATION", c"The server does not renegotiate."),
            Self::SslDecompressionFailureAlert => (c"net::ERR_SSL_DECOMPRESSION_FAILURE_ALERT", c"TLS alert: decompression failure."),
            Self::SslBadRecordMacAlert => (c"net::ERR_SSL_BAD_RECORD_MAC_ALERT", c"TLS alert: bad record MAC."),
            Self::NameResolutionFailed => (c"net::ERR_NAME_RESOLUTION_FAILED", c"The resolver failed."),
            Self::NetworkAccessDenied => (c"net::ERR_NETWORK_ACCESS_DENIED", c"Access to the network was denied."),
            Self::MsgTooBig => (c"net::ERR_MSG_TOO_BIG", c"The message is too long."),
            Self::AddressInUse => (c"net::ERR_ADDRESS_IN_USE", c"The address is in use."),
            Self::SslBadPeerPublicKey => (c"net::ERR_SSL_BAD_PEER_PUBLIC_KEY", c"The peer's public key cannot be used."),
            Self::SslPinnedKeyNotInCertChain => (c"net::ERR_SSL_PINNED_KEY_NOT_IN_CERT_CHAIN", c"A pinned key is missing in the chain."),
            Self::SslDecryptErrorAlert => (c"net::ERR_SSL_DECRYPT_ERROR_ALERT", c"TLS alert: decrypt error."),
            Self::SslServerCertChanged => (c"net::ERR_SSL_SERVER_CERT_CHANGED", c"The server's certificate changed."),
            Self::SslUnrecognizedNameAlert => (c"net::ERR_SSL_UNRECOGNIZED_NAME_ALERT", c"TLS alert: unrecognized name."),
            Self::IcannNameCollision => (c"net::ERR_ICANN_NAME_COLLISION", c"The name collides with a top-level domain."),
            Self::SslServerCertBadFormat => (c"net::ERR_SSL_SERVER_CERT_BAD_FORMAT", c"The server's certificate cannot be parsed."),
            Self::NoBufferSpace => (c"net::ERR_NO_BUFFER_SPACE", c"The system has no buffer space."),
            Self::Tls13DowngradeDetected => (c"net::ERR_TLS13_DOWNGRADE_DETECTED", c"A TLS downgrade was detected."),
            Self::SslKeyUsageIncompatible => (c"net::ERR_SSL_KEY_USAGE_INCOMPATIBLE", c"The certificate's key usage forbids the key exchange."),
            Self::CertCommonNameInvalid => (c"net::ERR_CERT_COMMON_NAME_INVALID", c"The certificate is for another name."),
            Self::CertDateInvalid => (c"net::ERR_CERT_DATE_INVALID", c"The certificate is expired or not yet valid."),
            Self::CertAuthorityInvalid => (c"net::ERR_CERT_AUTHORITY_INVALID", c"The certificate's issuer is not trusted."),
            Self::CertContainsErrors => (c"net::ERR_CERT_CONTAINS_ERRORS", c"The certificate contains errors."),
            Self::CertNoRevocationMechanism => (c"net::ERR_CERT_NO_REVOCATION_MECHANISM", c"The certificate names no way to check revocation."),
            Self::CertUnableToCheckRevocation => (c"net::ERR_CERT_UNABLE_TO_CHECK_REVOCATION", c"Revocation could not be checked."),
            Self::CertRevoked => (c"net::ERR_CERT_REVOKED", c"The certificate was revoked."),
            Self::CertInvalid => (c"net::ERR_CERT_INVALID", c"The certificate is invalid."),
            Self::CertWeakSignatureAlgorithm => (c"net::ERR_CERT_WEAK_SIGNATURE_ALGORITHM", c"The certificate's signature algorithm is weak."),
            Self::CertNonUniqueName => (c"net::ERR_CERT_NON_UNIQUE_NAME", c"The certificate is for a name that is not unique."),
            Self::CertWeakKey => (c"net::ERR_CERT_WEAK_KEY", c"The certificate's key is too weak."),
            Self::CertNameConstraintViolation => (c"net::ERR_CERT_NAME_CONSTRAINT_VIOLATION", c"The certificate breaks a name constraint."),
            Self::CertValidityTooLong => (c"net::ERR_CERT_VALIDITY_TOO_LONG", c"The certificate is valid for too long."),
            Self::CertificateTransparencyRequired => (c"net::ERR_CERTIFICATE_TRANSPARENCY_REQUIRED", c"The certificate lacks proof of transparency."),
            Self::CertSymantecLegacy => (c"net::ERR_CERT_SYMANTEC_LEGACY", c"The certificate comes from a distrusted issuer."),
            Self::CertKnownInterceptionBlocked => (c"net::ERR_CERT_KNOWN_INTERCEPTION_BLOCKED", c"The certificate is known for interception."),
            Self::NetworkIoSuspended => (c"net::ERR_NETWORK_IO_SUSPENDED", c"Network input and output are suspended."),
            Self::RecursiveCall => (c"CHROMESOCK_RECURSIVE_CALL", c"Events cannot be taken inside a callback of the same app."),
            Self::WrongDelivery => (c"CHROMESOCK_WRONG_DELIVERY", c"The app's delivery mode does not offer this function."),
            Self::InvalidManifest => (c"CHROMESOCK_INVALID_MANIFEST", c"The manifest was rejected."),
        }
    }

    /// Every status; a test holds it against the header.
    #[rustfmt::skip]
    const ALL: &'static [Self] = &[
        Self::Ok, Self::IoPending, Self::Failed, Self::Aborted, Self::InvalidArgument, Self::InvalidHandle,
        Self::TimedOut, Self::Unexpected, Self::AccessDenied, Self::NotImplemented, Self::InsufficientResources,
        Self::OutOfMemory, Self::SocketNotConnected, Self::NetworkChanged, Self::SocketIsConnected,
        Self::ContextShutDown, Self::ConnectionClosed, Self::ConnectionReset, Self::ConnectionRefused,
        Self::ConnectionAborted, Self::ConnectionFailed, Self::NameNotResolved, Self::InternetDisconnected,
        Self::SslProtocolError, Self::AddressInvalid, Self::AddressUnreachable, Self::SslClientAuthCertNeeded,
        Self::NoSslVersionsEnabled, Self::SslVersionOrCipherMismatch, Self::SslRenegotiationRequested,
        Self::BadSslClientAuthCert, Self::ConnectionTimedOut, Self::HostResolverQueueTooLarge,
        Self::SslNoRenegotiation, Self::SslDecompressionFailureAlert, Self::SslBadRecordMacAlert,
        Self::NameResolutionFailed, Self::NetworkAccessDenied, Self::MsgTooBig, Self::AddressInUse,
        Self::SslBadPeerPublicKey, Self::SslPinnedKeyNotInCertChain, Self::SslDecryptErrorAlert,
        Self::SslServerCertChanged, Self::SslUnrecognizedNameAlert, Self::IcannNameCollision,
        Self::SslServerCertBadFormat, Self::NoBufferSpace, Self::Tls13DowngradeDetected,
        Self::SslKeyUsageIncompatible, Self::CertCommonNameInvalid, Self::CertDateInvalid,
        Self::CertAuthorityInvalid, Self::CertContainsErrors, Self::CertNoRevocationMechanism,
        Self::CertUnableToCheckRevocation, Self::CertRevoked, Self::CertInvalid,
        Self::CertWeakSignatureAlgorithm, Self::CertNonUniqueName, Self::CertWeakKey,
        Self::CertNameConstraintViolation, Self::CertValidityTooLong, Self::CertificateTransparencyRequired,
        Self::CertSymantecLegacy, Self::CertKnownInterceptionBlocked, Self::NetworkIoSuspended,
        Self::RecursiveCall, Self::WrongDelivery, Self::InvalidManifest,
    ];
}
