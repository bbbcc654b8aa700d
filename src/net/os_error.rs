//! Operating-system errors as results: tcp.md 3.5 (connect), 9.2 (listen) and 14.1 (all else).

use std::io;

use crate::api::net_error::Status;

/// The result of a failed operation on an established connection or an option call.
#[must_use]
pub fn status(error: &io::Error) -> Status {
    let Some(errno) = error.raw_os_error() else {
        return Status::Failed;
    };
    match errno {
        libc::EACCES | libc::EPERM | libc::EROFS => Status::AccessDenied,
        libc::ENETDOWN => Status::InternetDisconnected,
        libc::ETIMEDOUT => Status::TimedOut,
        libc::ECONNRESET | libc::ENETRESET | libc::EPIPE => Status::ConnectionReset,
        // What they say to a send while the connection is being broken.
        #[cfg(target_vendor = "apple")]
        libc::EPROTOTYPE => Status::ConnectionReset,
        libc::ECONNABORTED => Status::ConnectionAborted,
        libc::ECONNREFUSED => Status::ConnectionRefused,
        libc::EHOSTUNREACH | libc::EHOSTDOWN | libc::ENETUNREACH | libc::EAFNOSUPPORT => {
            Status::AddressUnreachable
        }
        libc::EADDRNOTAVAIL => Status::AddressInvalid,
        libc::EMSGSIZE => Status::MsgTooBig,
        libc::ENOTCONN => Status::SocketNotConnected,
        libc::EISCONN => Status::SocketIsConnected,
        libc::EINVAL | libc::EFAULT | libc::E2BIG | libc::ENODEV => Status::InvalidArgument,
        libc::EADDRINUSE => Status::AddressInUse,
        libc::EBADF => Status::InvalidHandle,
        libc::EBUSY | libc::EDEADLK | libc::ENFILE | libc::EMFILE | libc::ENOLCK | libc::EUSERS => {
            Status::InsufficientResources
        }
        libc::ENOBUFS => Status::NoBufferSpace,
        libc::ENOMEM => Status::OutOfMemory,
        libc::ECANCELED => Status::Aborted,
        libc::ENOSYS | libc::EOPNOTSUPP | libc::ENOPROTOOPT => Status::NotImplemented,
        _ => Status::Failed,
    }
}

/// The result of a failed connection attempt.
#[must_use]
pub fn connect_status(error: &io::Error) -> Status {
    match error.raw_os_error() {
        Some(libc::EACCES) => Status::NetworkAccessDenied,
        Some(libc::ETIMEDOUT) => Status::ConnectionTimedOut,
        _ => match status(error) {
            Status::Failed => Status::ConnectionFailed,
            mapped => mapped,
        },
    }
}

/// Whether an accept failed only because its client went away meanwhile (tcp.md AC-5).
#[must_use]
pub fn client_went_away(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ECONNABORTED | libc::EPROTO))
}

/// A datagram longer than any.
pub const MESSAGE_TOO_LONG: i32 = libc::EMSGSIZE;
/// An address of a family that the socket cannot reach.
pub const WRONG_FAMILY: i32 = libc::EAFNOSUPPORT;
/// There is no memory for it.
pub const NO_MEMORY: i32 = libc::ENOMEM;

/// Whether the machine has no address of its own, or nothing at all, of the family that was to be used.
#[must_use]
pub fn lacks_own_address(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT))
}

/// Whether datagrams could not be sent together because of their size, or at all.
#[must_use]
pub fn is_about_size(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EMSGSIZE | libc::EIO))
}
