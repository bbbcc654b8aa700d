//! Apps and reactors: opening, ending, and the three ways to get events.

use std::ffi::c_void;
use std::mem;
use std::num::NonZeroU32;
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::event::chromesock_event;
use super::event_box::{EventBox, Sender, View};
use super::types::{
    CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP, CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET,
    CHROMESOCK_APP_OPTIONS_WRITE_QUOTA, SizedStruct, chromesock_app_options, chromesock_app_stats,
    chromesock_callback, chromesock_hook, store, without,
};
use super::{app_of, guard, put, release_of, sized_of, text_of, ticket};
use crate::api::event::{Event, Ticket};
use crate::api::net_error::Status;
use crate::app::{App, Options, SharedReactor};
use crate::delivery::{Due, Host, Mode, Queue};
use crate::permissions::Grants;
use crate::trust::{Store, Trust};

/// An app: it owns sockets and a queue of events, and may do what its manifest allows.
pub struct chromesock_app {
    app: OnceLock<App>,
}

impl chromesock_app {
    pub(super) fn get(&self) -> Option<&App> {
        self.app.get()
    }
}

/// A thread that owns sockets and serves one or more apps.
pub struct chromesock_reactor {
    reactor: SharedReactor,
}

/// The C program behind an app, as delivery sees it.
pub(super) struct CHost {
    /// Address of the `chromesock_app`, which lives until `gone`.
    app: usize,
    wakeup: chromesock_hook,
    wakeup_user_data: usize,
    queue: Arc<OnceLock<Arc<Queue>>>,
}

impl CHost {
    fn app(&self) -> *mut chromesock_app {
        ptr::with_exposed_provenance_mut(self.app)
    }

    #[inline(always)]
    fn call(&self, handlers: &[Ticket], event: &Event, shown: &mut EventBox) {
        for handler in handlers {
            // A completion has that of its call.
            if event.ticket.is_none() {
                shown.set_user_data(handler.user_data);
            }
            // SAFETY: a ticket's callback is 0 or was made from a chromesock_callback by `ticket`.
            let callback =
                unsafe { mem::transmute::<usize, chromesock_callback>(handler.callback) };
            if let Some(callback) = callback {
                let user_data = ptr::with_exposed_provenance_mut(handler.user_data);
                // SAFETY: app and event are valid for the call; the rest is the host's contract.
                unsafe { callback(self.app(), shown.as_c(), user_data) };
            }
        }
    }

    /// Where an event that is kept gives back to.
    pub(super) fn queue(&self) -> Arc<Queue> {
        self.queue.get().cloned().unwrap_or_default()
    }
}

impl Host for CHost {
    fn deliver(&self, due: Due<'_>) {
        let (mut view, mut sender) = (View::new(self), Sender::nobody());
        due.for_each(|event, beside, handlers| {
            if let Some(shown) = view.show_piece(event, beside) {
                self.call(handlers, event, shown);
            } else if let Some(shown) = view.show_usual(event, &mut sender) {
                self.call(handlers, event, shown);
            } else {
                view.show(event, beside, |shown| self.call(handlers, event, shown));
            }
        });
    }

    fn wake_up(&self) {
        if let Some(wakeup) = self.wakeup {
            // SAFETY: the host's contract for its hook.
            unsafe { wakeup(ptr::with_exposed_provenance_mut(self.wakeup_user_data)) };
        }
    }

    fn gone(&self) {
        // SAFETY: the box was leaked by chromesock_app_new, and this is called once, after
        // chromesock_app_free.
        drop(unsafe { Box::from_raw(self.app()) });
    }
}

/// Opens an app.
///
/// Mirrors:    nothing; host only.
/// Parameters: options  borrowed until the call returns; NULL = defaults.
///             app      the new app, owned by the caller; free it with chromesock_app_free.
/// Returns:    OK, INVALID_ARGUMENT (also if extra_roots_pem has no certificate, or one that cannot be read),
///             INVALID_MANIFEST (chromesock_manifest_check says why), NOT_IMPLEMENTED (`reuse_port` on a
///             system that cannot), UNEXPECTED (the reactor has failed), INSUFFICIENT_RESOURCES, another system error.
/// Threads:    any, also inside callbacks; does not block, except to read the system's roots.
/// Since:      0.1
///
/// # Safety
/// `options` is NULL or a valid struct with its size; its reactor is NULL or not freed; `app` is
/// NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_new(
    options: *const chromesock_app_options,
    app: *mut *mut chromesock_app,
) -> Status {
    guard!({
        if app.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let given = unsafe { sized_of(options) }?.unwrap_or_else(chromesock_app_options::zeroed);
        // SAFETY: the caller's promise.
        let options = unsafe { read_options(&given) }?;
        // SAFETY: NULL or not freed, by the caller's promise.
        let reactor = match unsafe { given.reactor.as_ref() } {
            Some(shared) => shared.reactor.clone(),
            None => SharedReactor::start()?,
        };
        let opened = Box::into_raw(Box::new(chromesock_app { app: OnceLock::new() }));
        let queue = Arc::new(OnceLock::new());
        let host = CHost {
            app: opened.expose_provenance(),
            wakeup: given.wakeup,
            wakeup_user_data: given.wakeup_user_data.expose_provenance(),
            queue: Arc::clone(&queue),
        };
        match App::new(&options, reactor, Box::new(host)) {
            Ok(inner) => {
                let _ = queue.set(Arc::clone(inner.delivery().queue()));
                // SAFETY: just made and not freed.
                let _ = unsafe { &*opened }.app.set(inner);
                // SAFETY: not NULL; the rest is the caller's promise.
                unsafe { put(app, opened) };
            }
            Err(status) => {
                // SAFETY: just made by Box::into_raw and shown to nobody.
                drop(unsafe { Box::from_raw(opened) });
                return Err(status);
            }
        }
    })
}

/// # Safety
/// The manifest and the roots are NULL or text.
unsafe fn read_options(given: &chromesock_app_options) -> Result<Options, Status> {
    let mode = match given.delivery {
        0 => Mode::Queue,
        1 => Mode::Reactor,
        _ => return Err(Status::InvalidArgument),
    };
    let mut options = Options { mode, ..Options::default() };
    if !given.manifest.is_null() {
        // SAFETY: the caller's promise.
        let text = unsafe { text_of(given.manifest) }?;
        let loaded = Grants::from_manifest(text).map_err(|_| Status::InvalidManifest)?;
        options.grants = Arc::new(loaded.grants);
    }
    options.busy_poll = Duration::from_micros(given.busy_poll_us.into());
    options.sockets.reuse_port = given.reuse_port != 0;
    options.sockets.max_open = NonZeroU32::new(given.max_open_sockets);
    options.freed_with_stream = given.freed_with_stream != 0;
    // Callbacks and the hook belong on the reactor's thread.
    options.helps = mode == Mode::Queue && given.reactor.is_null() && given.wakeup.is_none();
    options.sockets.without = without(given.without)?;
    options.tls.logs_keys = given.tells_tls_keys != 0;
    let roots = given.extra_roots_pem;
    let store = store(given.trust)?;
    if !roots.is_null() || store != Store::default() {
        // SAFETY: the caller's promise.
        let added = if roots.is_null() { None } else { Some(unsafe { text_of(roots) }?) };
        options.tls.trust = Arc::new(Trust::new(store, added.map(str::as_bytes))?);
    }
    let set = |bit: u32, value: u64, option: &mut u64| {
        if given.present & bit != 0 {
            *option = value;
        }
    };
    set(CHROMESOCK_APP_OPTIONS_WRITE_QUOTA, given.write_quota_bytes, &mut options.write_quota);
    set(
        CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET,
        given.undelivered_bytes_per_socket,
        &mut options.undelivered_per_socket,
    );
    set(
        CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP,
        given.undelivered_bytes_per_app,
        &mut options.undelivered_per_app,
    );
    Ok(options)
}

/// Starts the end of an app: its sockets close without onReceiveError, its pending calls complete (connects and
/// handshakes with ABORTED, sends of TCP with SOCKET_NOT_CONNECTED, datagrams whose host is being looked up with
/// "Socket not found"), later calls are refused with CONTEXT_SHUT_DOWN, and CHROMESOCK_APP_CLOSED is the last event.
/// The app's ports are free then; before, an app on another reactor may find them in use. Calling it again does
/// nothing.
///
/// Of calls that have not started by then, at most some 65,000 still do, fewer if they take long: from there on they
/// complete with ABORTED or "Socket not found", so that a host does not wait for all that a page may have called.
///
/// What was sent is left to the system then. It goes on transmitting, but not to a peer that says something meanwhile.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  still to be freed.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_close(app: *mut chromesock_app) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        unsafe { app_of(app) }?.close();
    })
}

/// Frees an app, closing it if needed. Completions that are still in the queue, and
/// CHROMESOCK_APP_CLOSED, go to their callbacks; notifications are dropped.
///
/// Outside of callbacks it returns when no callback of the app runs or will run; the last ones run on this thread.
/// Inside a callback, of this or another app, it returns at once and runs none. What remains then follows. If this
/// thread dispatches, it is on this thread, before the outermost chromesock_app_dispatch returns, which waits for it as
/// this function does outside of callbacks. If a reactor runs the outermost callback, it is on a reactor's thread, and
/// not always behind that callback if the app is on another reactor.
///
/// No call may use the pointer after this one but those of the app's own last callbacks, which are refused, and those
/// in which other threads wait for events by then: these return CONTEXT_SHUT_DOWN. It is for the host to see that no
/// other thread is about to begin such a call, or has yet to return from one with an event. Retained events stay valid.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  NULL does nothing.
/// Threads:    any, also inside callbacks; outside of them it waits for the reactor's current turn
///             and for a callback that runs on another thread.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_free(app: *mut chromesock_app) {
    guard!({
        if app.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // The app itself goes within this call, or after it on another thread.
        let delivery = Arc::clone(inner.delivery());
        delivery.free(|| inner.close());
    });
}

/// Starts a reactor that several apps can share.
///
/// Mirrors:    nothing; host only.
/// Parameters: reactor  the new reactor, owned by the caller; free it with chromesock_reactor_free.
/// Returns:    OK, INVALID_ARGUMENT, INSUFFICIENT_RESOURCES, another system error.
/// Threads:    any; does not block.
/// Since:      0.1
///
/// # Safety
/// `reactor` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_reactor_new(reactor: *mut *mut chromesock_reactor) -> Status {
    guard!({
        if reactor.is_null() {
            return Err(Status::InvalidArgument);
        }
        let started = Box::new(chromesock_reactor { reactor: SharedReactor::start()? });
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(reactor, Box::into_raw(started)) };
    })
}

/// Frees a reactor. Its thread ends with the last app that it serves.
///
/// Mirrors:    nothing; host only.
/// Parameters: reactor  gone afterwards; NULL does nothing.
/// Threads:    any, also inside callbacks. If no app is left it waits for the thread, which runs no code of the host any
///             more.
/// Since:      0.1
///
/// # Safety
/// `reactor` is NULL, or comes from `chromesock_reactor_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_reactor_free(reactor: *mut chromesock_reactor) {
    guard!({
        if !reactor.is_null() {
            // SAFETY: made by Box::into_raw, freed once.
            drop(unsafe { Box::from_raw(reactor) });
        }
    });
}

/// Sets the handler of every event that no callback and no listener takes, in place of the last one.
///
/// Mirrors:    nothing; host only.
/// Parameters: handler    NULL = none.
///             user_data  given to `handler` and `release`; never read or freed.
///             release    called once with `user_data`, on any thread, when the handler is replaced or the
///             app is gone, and at once if there is no handler; NULL = none.
/// Returns:    OK, INVALID_ARGUMENT (the handler is then not kept and not released).
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_set_default_handler(
    app: *mut chromesock_app,
    handler: chromesock_callback,
    user_data: *mut c_void,
    release: chromesock_hook,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let release = release_of(release, user_data);
        if handler.is_some() {
            inner.delivery().set_default_handler(Some((ticket(handler, user_data), release)));
        } else {
            inner.delivery().set_default_handler(None);
            release.into_iter().for_each(|release| release());
        }
    })
}

/// Queue delivery: runs the callbacks of events that are queued, on this thread.
///
/// Mirrors:    nothing; host only.
/// Parameters: max_events  largest number of events to take; 0 and below = all that are queued now.
///             timeout_ms  how long to wait for the first event, in ms; 0 = not at all, below 0 = forever.
///             dispatched  number of events that were taken, 0 if none came in time; NULL = not wanted. Also
///             written if the app was freed by one of their callbacks, or meanwhile.
/// Returns:    OK, INVALID_ARGUMENT, RECURSIVE_CALL (inside a callback of this app),
///             WRONG_DELIVERY (the app has reactor delivery), CONTEXT_SHUT_DOWN (the app is closed
///             and CHROMESOCK_APP_CLOSED was handed out; or it was freed meanwhile, also by one of the
///             callbacks that ran: `app` is not valid any more).
/// Threads:    any, but not inside a callback of this app; of several threads one dispatches and the
///             others wait for it, up to their time-outs. Blocks up to `timeout_ms`, as long as the callbacks
///             run, and until apps that they have freed are gone. Inside a callback of another app on the
///             same reactor nothing can come: do not wait there.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `dispatched` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_dispatch(
    app: *mut chromesock_app,
    max_events: i32,
    timeout_ms: i32,
    dispatched: *mut i32,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = Arc::clone(unsafe { app_of(app) }?.delivery());
        let max = usize::try_from(max_events).ok().filter(|max| *max > 0).unwrap_or(usize::MAX);
        let number = delivery.dispatch(max, timeout(timeout_ms))?;
        // SAFETY: the caller's promise.
        unsafe { put(dispatched, i32::try_from(number).unwrap_or(i32::MAX)) };
        // A loop ends here, which knows nothing of it.
        if delivery.is_freed() {
            return Err(Status::ContextShutDown);
        }
    })
}

/// Queue delivery: takes one event out of the queue; no callback runs for it.
///
/// Mirrors:    nothing; host only.
/// Parameters: timeout_ms  how long to wait, in ms; 0 = not at all, below 0 = forever.
///             event       the event, owned by the caller; release with chromesock_event_release.
/// Returns:    OK, INVALID_ARGUMENT, TIMED_OUT (none came), RECURSIVE_CALL, WRONG_DELIVERY,
///             CONTEXT_SHUT_DOWN (CHROMESOCK_APP_CLOSED was handed out, or the app was freed meanwhile).
/// Threads:    any, but not inside a callback of this app. Blocks up to `timeout_ms`.
///             Inside a callback of another app on the same reactor nothing can come: do not wait there.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `event` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_next_event(
    app: *mut chromesock_app,
    timeout_ms: i32,
    event: *mut *const chromesock_event,
) -> Status {
    guard!({
        if event.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        let given = match delivery
            .pull_at_once(|next, shell| EventBox::give(next, shell, delivery.queue()))?
        {
            Some(given) => given,
            None => {
                // The app may be freed while this waits.
                let delivery = Arc::clone(delivery);
                delivery.pull(timeout(timeout_ms), |next, shell| {
                    EventBox::give(next, shell, delivery.queue())
                })?
            }
        };
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(event, given) };
    })
}

fn timeout(ms: i32) -> Option<Duration> {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// A handle that is readable exactly while events are queued, for the host's own loop. With CHROMESOCK_APP_CLOSED,
/// the last event, such a loop should end: it hears nothing of the CONTEXT_SHUT_DOWN that follows.
///
/// Mirrors:    nothing; host only.
/// Parameters: handle  a file descriptor, owned by the app. Poll it for reading; never read, write or
///             close it.
/// Returns:    OK, INVALID_ARGUMENT, WRONG_DELIVERY, INSUFFICIENT_RESOURCES.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `handle` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_event_handle(
    app: *mut chromesock_app,
    handle: *mut isize,
) -> Status {
    guard!({
        if handle.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let level = inner.delivery().handle()?;
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(handle, level) };
    })
}

/// Tells how many calls, sockets, bytes and events an app has.
///
/// Mirrors:    nothing; host only.
/// Parameters: stats  filled in by the caller; the members that fit are written.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `stats` is NULL or a writable
/// struct of the size it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_get_stats(
    app: *mut chromesock_app,
    stats: *mut chromesock_app_stats,
) -> Status {
    guard!({
        if stats.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: a sized struct begins with its size.
        let size = unsafe { stats.cast::<u32>().read() };
        if (size as usize) < size_of::<[u32; 2]>() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let now = unsafe { app_of(app) }?.stats();
        let full = chromesock_app_stats {
            size,
            reserved: 0,
            calls_accepted: now.calls_accepted,
            calls_completed: now.calls_completed,
            sockets_open: now.sockets_open,
            unsent_bytes: now.unsent_bytes,
            undelivered_bytes: now.undelivered_bytes,
            undelivered_events: now.undelivered_events,
        };
        let known = (size as usize).min(size_of::<chromesock_app_stats>());
        // SAFETY: the caller's struct has at least `known` bytes, and so has ours.
        unsafe { ptr::copy_nonoverlapping((&raw const full).cast::<u8>(), stats.cast(), known) };
    })
}
