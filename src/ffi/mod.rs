//! The C functions: they check and convert arguments, and nothing else. `unsafe` is allowed here and in
//! `net::sys`, and nowhere else.
//!
//! Every exported function is written out, because the header generator does not expand macros; its
//! body runs inside `guard!`, so that no panic crosses the boundary.

// Exported structs and types bear their C names in Rust too, so that one search finds both.
#![allow(non_camel_case_types)]

pub mod app;
pub mod batch;
pub mod event;
mod event_box;
mod event_form;
pub mod lending;
pub mod life;
pub mod permissions;
pub mod socket;
pub mod socket_udp;
pub mod sockets_tcp;
pub mod sockets_tcp_server;
pub mod sockets_udp;
pub mod sockets_udp_groups;
pub mod tls;
pub mod types;
pub mod version;

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::text::shortened;
use crate::delivery::Release;
use app::chromesock_app;
use types::{chromesock_callback, chromesock_hook};

/// Runs the body of an exported function: a panic or an early `Err` becomes the returned status.
macro_rules! guard {
    ($body:block) => {
        $crate::ffi::contain(|| {
            $body
            #[allow(unreachable_code, reason = "a body may end with a return")]
            Ok(())
        })
    };
}
pub(crate) use guard;

pub(crate) fn contain(body: impl FnOnce() -> Result<(), Status>) -> Status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(status)) => status,
        Err(_) => Status::Unexpected,
    }
}

/// The app behind a pointer.
///
/// # Safety
/// `app` is NULL or comes from `chromesock_app_new` and is not freed.
pub(crate) unsafe fn app_of<'a>(app: *mut chromesock_app) -> Result<&'a crate::app::App, Status> {
    // SAFETY: the caller's promise.
    unsafe { app.as_ref() }.and_then(chromesock_app::get).ok_or(Status::InvalidArgument)
}

/// UTF-8 text that must be given.
///
/// # Safety
/// `text` is NULL or ends with NUL, and does not change while it is read.
pub(crate) unsafe fn text_of<'a>(text: *const c_char) -> Result<&'a str, Status> {
    if text.is_null() {
        return Err(Status::InvalidArgument);
    }
    // SAFETY: not NULL; the rest is the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    if text.is_ascii() {
        // SAFETY: ASCII is UTF-8. That is seen faster, and is nearly always so.
        return Ok(unsafe { str::from_utf8_unchecked(text) });
    }
    str::from_utf8(text).map_err(|_| Status::InvalidArgument)
}

/// No host is longer: the 253 characters of a name are at most twelve bytes each, as a percent sign and two digits for
/// every byte of UTF-8.
const LONGEST_HOST: usize = 4096;

/// A host or an address, or another word that means nothing when it is long. Of what is too long for that a beginning
/// is left, and behind it a character that no host has: what a page gives costs neither memory nor time.
///
/// # Safety
/// As for `text_of`.
pub(crate) unsafe fn host_of<'a>(text: *const c_char) -> Result<Cow<'a, str>, Status> {
    // SAFETY: the caller's promise.
    let text = unsafe { text_of(text) }?;
    Ok(shortened(text, LONGEST_HOST))
}

/// Bytes; `(NULL, 0)` is the empty range.
///
/// # Safety
/// `data` is NULL or points to `len` readable bytes.
pub(crate) unsafe fn bytes_of<'a>(data: *const u8, len: usize) -> Result<&'a [u8], Status> {
    if data.is_null() {
        return if len == 0 { Ok(&[]) } else { Err(Status::InvalidArgument) };
    }
    if isize::try_from(len).is_err() {
        return Err(Status::InvalidArgument);
    }
    // SAFETY: not NULL and not longer than an allocation can be; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Writes an out-parameter that may be left out.
///
/// # Safety
/// `out` is NULL or may be written.
pub(crate) unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { out.write(value) }
    }
}

/// Copies a sized struct, as much of it as both sides know; what the caller does not have is zero.
///
/// # Safety
/// `from` is NULL or points to a struct that begins with its own size in bytes as `uint32_t`; `T` is
/// such a struct, in which all zeros is a value.
pub(crate) unsafe fn sized_of<T: types::SizedStruct>(from: *const T) -> Result<Option<T>, Status> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: a sized struct begins with its size.
    let size = unsafe { from.cast::<u32>().read() } as usize;
    // A size that ends within a member would give half a pointer.
    let ends_within_member = size < size_of::<T>() && !size.is_multiple_of(align_of::<T>());
    if size < T::SMALLEST || ends_within_member {
        return Err(Status::InvalidArgument);
    }
    let mut copy = T::zeroed();
    let known = size.min(size_of::<T>());
    // SAFETY: the caller has `size` readable bytes, the copy has at least `known` writable ones.
    unsafe { ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut copy).cast::<u8>(), known) };
    if copy.present() & !T::KNOWN_BITS != 0 {
        return Err(Status::InvalidArgument);
    }
    Ok(Some(copy))
}

/// The callback and `user_data` of a call, which come back with its completion.
pub(crate) fn ticket(callback: chromesock_callback, user_data: *mut c_void) -> Ticket {
    let callback = callback.map_or(0, |function| function as *const () as usize);
    Ticket { callback, user_data: user_data.expose_provenance() }
}

/// The host's function that is called when something it lent is no longer used.
pub(crate) fn release_of(hook: chromesock_hook, user_data: *mut c_void) -> Option<Release> {
    let function = hook?;
    let user_data = user_data.expose_provenance();
    // SAFETY: the host's contract for its hook.
    Some(Box::new(move || unsafe { function(ptr::with_exposed_provenance_mut(user_data)) }))
}

/// A listener, which must have a function.
pub(crate) fn listener_of(
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Result<Ticket, Status> {
    listener.map(|_| ticket(listener, user_data)).ok_or(Status::InvalidArgument)
}
