//! Sends of bytes that stay where they are.

use std::ffi::c_void;

use super::app::chromesock_app;
use super::types::{chromesock_callback, chromesock_hook};
use super::{app_of, bytes_of, guard, release_of, ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType;

/// Sends bytes as chrome_sockets_tcp_send does, but without copying them: the library reads them where they
/// are. Sends of both functions to one socket keep the order of the calls. Not for a page, which may change its
/// buffer after the call.
///
/// `release` is called when the library no longer needs the bytes: on the calling thread before this function
/// returns (if the library copied them, as it does with short ones, or will not send them), or else on the
/// reactor's thread or one that takes its place (chromesock_app_run_calls), before the completion is delivered
/// and perhaps while callbacks run on other threads. On the calling thread it may come after the completion, if
/// that is delivered on another: what `owner` points to has to live until both have come. It may call any function,
/// and should be short. Once chromesock_app_free has returned outside of callbacks, no `release` is called any more.
///
/// Mirrors:    nothing; host only.
/// State:      as for chrome_sockets_tcp_send.
/// Parameters: data, data_len  the bytes, which must not change until `release` is called, or, without one,
///             until the completion is delivered; (NULL, 0) is an empty send.
///             release  as above; NULL = none.
///             owner    given to `release`; never read or freed.
///             callback, user_data  for the completion; callback may be NULL. Without `release` the host
///             needs a callback, or a default handler, to learn when the bytes are its own again.
/// Returns:    OK: `release` is called exactly once and one completion follows. Else neither happens and
///             the bytes are the caller's: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN, UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SEND, as for chrome_sockets_tcp_send.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
/// `data_len` readable bytes, for as long as stated above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_sockets_tcp_send_owned(
    app: *mut chromesock_app,
    socket_id: i32,
    data: *const u8,
    data_len: usize,
    release: chromesock_hook,
    owner: *mut c_void,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise; the bytes are let go of before the completion is handed out.
        let data = unsafe { bytes_of::<'static>(data, data_len) }?;
        let due = inner.send_lent(
            EventType::ChromeSocketsTcpSend,
            socket_id,
            data,
            release_of(release, owner),
            ticket(callback, user_data),
        )?;
        // The last thing: the host may even free the app here.
        if let Some(release) = due {
            release();
        }
    })
}
