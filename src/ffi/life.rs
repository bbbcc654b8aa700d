//! The life of an app between opening and closing: suspend, resume, unload.

use super::app::chromesock_app;
use super::{app_of, guard};
use crate::api::net_error::Status;

/// Suspends an app, as Chrome does with one that has been idle. Sockets that are not persistent
/// close without an event; their pending calls complete. Persistent ones keep working: their events
/// wait until the app is resumed, and the first one raises CHROMESOCK_APP_WANTED. Completions are
/// delivered all the time. Doing it again does nothing.
///
/// What waits is bounded: its data counts as undelivered, and servers accept 64 connections, more
/// wait in the system's backlog. When to suspend is the host's decision.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  to be resumed, unloaded or closed later.
/// Returns:    OK, INVALID_ARGUMENT, CONTEXT_SHUT_DOWN.
/// Threads:    any, also inside callbacks; does not block. Carried out in order with calls.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_suspend(app: *mut chromesock_app) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        unsafe { app_of(app) }?.suspend()?;
    })
}

/// Resumes a suspended app: the events that waited are delivered, in order. Add the app's listeners
/// before. The page finds its sockets with getSockets. An app that is awake stays as it is.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  awake afterwards.
/// Returns:    OK, INVALID_ARGUMENT, CONTEXT_SHUT_DOWN.
/// Threads:    any, also inside callbacks; does not block. Carried out in order with calls.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_resume(app: *mut chromesock_app) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        unsafe { app_of(app) }?.resume()?;
    })
}

/// Unloads an app, as Chrome does when it is disabled, updated or reloaded: every socket closes,
/// persistent ones too, pending calls complete, and no onReceive, onAccept or error event raised so
/// far is delivered any more. The app is awake and empty afterwards and may be used again; its ids go
/// on counting.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  empty afterwards.
/// Returns:    OK, INVALID_ARGUMENT, CONTEXT_SHUT_DOWN.
/// Threads:    any, also inside callbacks; does not block. Carried out in order with calls.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_unload(app: *mut chromesock_app) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        unsafe { app_of(app) }?.unload()?;
    })
}
