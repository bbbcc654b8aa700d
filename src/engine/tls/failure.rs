//! What went wrong in TLS as a result (tcp.md 7.7, 7.8).

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription as Alert, CertificateError, Error, OtherError, PeerMisbehaved};

use crate::api::net_error::Status;

/// A result on its way through `rustls` or through an `io::Error`.
#[derive(Debug)]
struct Failure(Status);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl StdError for Failure {}

/// What a stream reports.
pub(super) fn to_io(status: Status) -> io::Error {
    io::Error::other(Failure(status))
}

/// The result within an error of a secured stream, if it is TLS that has failed.
pub(super) fn of_io(error: &io::Error) -> Option<Status> {
    error.get_ref()?.downcast_ref::<Failure>().map(|failure| failure.0)
}

/// How a verifier refuses a certificate: with the alert that fits best, and `status` within where the
/// alert alone does not tell.
pub(super) fn refusal(status: Status) -> Error {
    match status {
        Status::CertAuthorityInvalid => CertificateError::UnknownIssuer,
        Status::CertDateInvalid => CertificateError::Expired,
        Status::CertCommonNameInvalid => CertificateError::NotValidForName,
        Status::SslServerCertBadFormat => CertificateError::BadEncoding,
        other => CertificateError::Other(OtherError(Arc::new(Failure(other)))),
    }
    .into()
}

/// How far a session had come when it failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Whether the server's hello was understood.
    pub(super) answered: bool,
    /// Whether the server asked for a certificate of ours.
    pub(super) asked_for_certificate: bool,
}

/// The result of a failed session.
pub(super) fn status(error: &Error, progress: Progress) -> Status {
    match error {
        Error::AlertReceived(alert) => of_alert(*alert, progress),
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::PeerIncompatible(_) => Status::SslVersionOrCipherMismatch,
        Error::PeerMisbehaved(PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported) => {
            Status::Tls13DowngradeDetected
        }
        Error::General(_) | Error::FailedToGetCurrentTime | Error::FailedToGetRandomBytes => {
            Status::Unexpected
        }
        _ => Status::SslProtocolError,
    }
}

fn of_alert(alert: Alert, progress: Progress) -> Status {
    match alert {
        // The server would have gone on with a certificate (spec README S9).
        Alert::CertificateRequired => Status::SslClientAuthCertNeeded,
        Alert::HandshakeFailure
        | Alert::BadCertificate
        | Alert::NoCertificate
        | Alert::AccessDenied
        | Alert::CertificateUnknown
        // A list of none is nothing that it can decode.
        | Alert::DecodeError
            if progress.asked_for_certificate =>
        {
            Status::SslClientAuthCertNeeded
        }
        Alert::HandshakeFailure if !progress.answered => Status::SslVersionOrCipherMismatch,
        Alert::ProtocolVersion | Alert::InsufficientSecurity => Status::SslVersionOrCipherMismatch,
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => Status::BadSslClientAuthCert,
        Alert::DecompressionFailure => Status::SslDecompressionFailureAlert,
        Alert::BadRecordMac => Status::SslBadRecordMacAlert,
        Alert::DecryptError => Status::SslDecryptErrorAlert,
        Alert::UnrecognisedName => Status::SslUnrecognizedNameAlert,
        _ => Status::SslProtocolError,
    }
}

fn of_certificate(error: &CertificateError) -> Status {
    match error {
        CertificateError::UnknownIssuer => Status::CertAuthorityInvalid,
        CertificateError::Expired => Status::CertDateInvalid,
        CertificateError::NotValidForName => Status::CertCommonNameInvalid,
        CertificateError::BadEncoding => Status::SslServerCertBadFormat,
        CertificateError::Other(OtherError(error)) => match error.downcast_ref::<Failure>() {
            Some(Failure(status)) => *status,
            None => Status::CertInvalid,
        },
        // A signature of the handshake that the certificate's key has not made.
        _ => Status::SslProtocolError,
    }
}
