//! Refusals that every namespace words in its own way (tcp.md 1.3 and 15, udp.md 4, socket-legacy.md 4).

use std::ffi::CStr;

use super::reply::Reply;
use crate::api::event::Response;
use crate::api::net_error::Status;
use crate::api::table::{EventType as T, Namespace};

const SOCKET_NOT_FOUND: &CStr = c"Socket not found";

/// The id is unknown, closed, or of another namespace.
pub(super) fn not_found(reply: Reply) {
    let response = match reply.event_type() {
        T::ChromeSocketsTcpSetKeepAlive | T::ChromeSocketsTcpSetNoDelay | T::ChromeSocketAccept => {
            Response::failed_saying(Status::Failed, SOCKET_NOT_FOUND)
        }
        // The number is the boolean false.
        T::ChromeSocketSetKeepAlive | T::ChromeSocketSetNoDelay => {
            Response::failed_saying(Status::Ok, SOCKET_NOT_FOUND)
        }
        T::ChromeSocketGetInfo | T::ChromeSocketDisconnect => Response::refused(SOCKET_NOT_FOUND),
        // The only method without a message.
        T::ChromeSocketDestroy => Response::ok(),
        legacy if legacy.is_legacy() => Response::legacy_refused(SOCKET_NOT_FOUND),
        _ => Response::refused(SOCKET_NOT_FOUND),
    };
    reply.complete(response);
}

/// No rule of the manifest allows it (spec README S7).
pub(super) fn denied(reply: Reply) {
    const DENIED: &CStr = c"App does not have permission";
    let response = match reply.event_type().namespace() {
        Some(Namespace::Socket) => Response::legacy_refused(DENIED),
        Some(Namespace::Udp) => Response::refused(DENIED),
        _ => Response::refused(c"Does not have permission"),
    };
    reply.complete(response);
}

/// The host name could not be resolved.
pub(super) fn not_resolved(reply: Reply, status: Status) {
    if reply.event_type().is_legacy() {
        reply.complete(Response::failed_saying(status, c"DNS resolution failed"));
    } else {
        reply.fail(status);
    }
}

/// `chrome.socket` refuses ports before anything else, in words.
pub(super) fn bad_legacy_port(reply: Reply) {
    reply.complete(Response::refused(c"Port must be a value between 0 and 65535."));
}

/// The send exceeds the write quota.
pub(super) fn over_quota(reply: Reply) {
    reply.complete(Response::refused(c"Exceeded write quota."));
}
