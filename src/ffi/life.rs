//! The life of an app between opening and closing: suspend, resume, unload.

use super::app::chromesock_app;
use super::{app_of, guard};
use crate::api::net_error::Status;

/// Suspends an app, as Chrome does with one that has been idle. Sockets that are not persistent
/// close without an event; their pending calls complete. That includes accepted ones, also of a persistent server,
/// unless an update has made them persistent. Persistent ones and all of chrome.socket keep working: their events
/// wait until the app is resumed, and the first one raises CHROMESOCK_APP_WANTED. Completions are
/// delivered meanwhile. Suspending a suspended app does nothing. Until the suspension is carried out events of all
/// sockets may still come; behind the completion of a call that was made after it (getSockets, say) none do.
///
/// What waits is bounded: its data counts as undelivered, and servers accept at most 64 connections; more
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

/// Resumes a suspended app: the events that waited are delivered, in order, so add the app's listeners
/// first. The page finds its sockets with getSockets. Resuming an app that is not suspended does nothing.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  awake afterwards; its listeners are as they were.
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
/// far is delivered any more. The app is then awake, without sockets, and may be used again; ids are not
/// used again.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  without sockets afterwards; its listeners are as they were.
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
