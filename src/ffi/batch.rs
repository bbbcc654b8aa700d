//! For hosts that reach C slowly and whose loops read streams only, such as JavaScript's: many events
//! at once as flat records, a stream that tells when to take them, and calls that start together.

use std::ffi::CStr;
use std::mem::offset_of;
use std::os::fd::IntoRawFd;
use std::ptr;
use std::sync::Arc;

use super::app::chromesock_app;
use super::event::chromesock_event;
use super::event_box::{EventBox, View};
use super::types::chromesock_bool;
use super::{app_of, guard, put};
use crate::api::event::{Event, Payload};
use crate::api::net_error::Status;
use crate::delivery::Charge;

/// One event as copied by chromesock_app_copy_events: this struct, followed by `data_len` bytes of data,
/// `address_len` bytes of the address and `message_len` bytes of the message. These texts do not end with NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_event_record {
    /// Distance from here to the next record in bytes; a multiple of 8.
    pub size: u32,
    /// As in chromesock_event.
    pub r#type: u32,
    /// As in chromesock_event.
    pub present: u32,
    /// As in chromesock_event.
    pub socket_id: i32,
    /// As in chromesock_event.
    pub client_socket_id: i32,
    /// As in chromesock_event.
    pub result: i32,
    /// As in chromesock_event.
    pub port: i32,
    /// Length of the message in bytes; 0 = NULL.
    pub message_len: u32,
    /// As in chromesock_event.
    pub user_data: u64,
    /// As in chromesock_event.
    pub bytes_sent: u64,
    /// Length of the address in bytes.
    pub address_len: u32,
    /// Length of the data in bytes.
    pub data_len: u32,
    /// NULL, or the event itself, because it has a list or is larger than the buffer. It is owned by the
    /// caller, who releases it with chromesock_event_release; the record has no data, address or message then.
    pub event: *const chromesock_event,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<chromesock_event_record>() == 64);

const HEAD: usize = size_of::<chromesock_event_record>();

/// Bound of an address or message in bytes, for what is to come after it; messages may be longer.
const LONGEST_ADDRESS: usize = 48;

/// Most bytes that the record of an event needs; `None` if it has a list.
fn room(event: &Event) -> Option<usize> {
    let message = event.message.map_or(0, CStr::count_bytes);
    let payload = match &event.payload {
        Payload::None | Payload::BytesSent(_) => 0,
        Payload::Data(_) | Payload::Piece(_) => event.data_len(),
        Payload::Datagram(data, _) => data.len() + LONGEST_ADDRESS,
        Payload::Denied(denied) => denied.host.count_bytes() + denied.explanation.count_bytes(),
        Payload::Sockets(_)
        | Payload::Groups(_)
        | Payload::Text(_)
        | Payload::Interfaces(_)
        | Payload::TlsSession(_) => return None,
    };
    Some((HEAD + payload + message).next_multiple_of(8))
}

/// Writes records one behind the other.
struct Writer {
    to: *mut u8,
    written: usize,
}

impl Writer {
    /// # Safety
    /// The buffer has room for `len` more bytes after what is written, and `from` as many.
    unsafe fn append(&mut self, from: *const u8, len: usize) {
        if len > 0 {
            // SAFETY: the caller's promise.
            unsafe { ptr::copy_nonoverlapping(from, self.to.add(self.written), len) };
            self.written += len;
        }
    }

    /// # Safety
    /// The buffer has room for the record: as `room` says, or a head for an event that is handed over.
    unsafe fn record(&mut self, event: &mut EventBox, hand_over: bool) -> usize {
        // SAFETY: the box stays where it is as long as this is used.
        let c = unsafe { &*event.as_c() };
        let text = |text: *const std::ffi::c_char| match text.is_null() || hand_over {
            true => &[],
            // SAFETY: texts of an event end with NUL.
            false => unsafe { CStr::from_ptr(text) }.to_bytes(),
        };
        let (message, address) = (text(c.message), text(c.address));
        let data_len = if hand_over { 0 } else { c.data_len };
        let size = (HEAD + data_len + address.len() + message.len()).next_multiple_of(8);
        let head = chromesock_event_record {
            size: size as u32,
            r#type: c.r#type,
            present: c.present,
            socket_id: c.socket_id,
            client_socket_id: c.client_socket_id,
            result: c.result,
            port: c.port,
            message_len: message.len() as u32,
            user_data: c.user_data.addr() as u64,
            bytes_sent: c.bytes_sent,
            address_len: address.len() as u32,
            data_len: data_len as u32,
            event: ptr::null(),
        };
        let at = self.written;
        // SAFETY: the caller's promise; all of it lies within `size`.
        unsafe {
            self.append((&raw const head).cast(), HEAD);
            self.append(c.data, data_len);
            self.append(address.as_ptr(), address.len());
            self.append(message.as_ptr(), message.len());
        }
        self.written = at + size;
        at
    }

    /// # Safety
    /// `record` has written a head at `at`.
    unsafe fn hand_over(&mut self, at: usize, event: *const chromesock_event) {
        let member = at + offset_of!(chromesock_event_record, event);
        // SAFETY: the caller's promise.
        unsafe {
            self.to.add(member).cast::<*const chromesock_event>().write_unaligned(event);
        }
    }
}

/// Queue delivery: takes as many events out of the queue as fit and copies them into the host's memory. No
/// callback runs for them. Does not wait.
///
/// Mirrors:    nothing; host only.
/// Parameters: buffer, buffer_len  where the records go (chromesock_event_record), one after the other; at
///             least 4096 bytes, aligned to 8.
///             written  bytes that were written; 0 = no event was queued, or another thread dispatches.
///             left     number of events that are still queued; NULL = not wanted.
/// Returns:    OK, INVALID_ARGUMENT, RECURSIVE_CALL, WRONG_DELIVERY, CONTEXT_SHUT_DOWN (CHROMESOCK_APP_CLOSED
///             was handed out).
/// Threads:    any, but not inside a callback of this app; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `buffer` is NULL or has
/// `buffer_len` writable bytes; `written` and `left` are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_copy_events(
    app: *mut chromesock_app,
    buffer: *mut u8,
    buffer_len: usize,
    written: *mut usize,
    left: *mut usize,
) -> Status {
    guard!({
        let is_aligned = buffer.addr().is_multiple_of(align_of::<chromesock_event_record>());
        if buffer.is_null() || written.is_null() || buffer_len < 4096 || !is_aligned {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let delivery = Arc::clone(unsafe { app_of(app) }?.delivery());
        let must_hand_over = |event: &Event| room(event).is_none_or(|room| room > buffer_len);
        let needs = |event: &Event| room(event).filter(|room| *room <= buffer_len).unwrap_or(HEAD);
        let mut events = Vec::new();
        let remaining = delivery.take(buffer_len, needs, &mut events)?;
        let mut writer = Writer { to: buffer, written: 0 };
        let mut done = Vec::with_capacity(events.len());
        let mut view = View::new(ptr::null());
        for event in events {
            let hand_over = must_hand_over(&event);
            // SAFETY: the events were taken by the room they need.
            let at = view.show(&event, &[], |shown| unsafe { writer.record(shown, hand_over) });
            if hand_over {
                let given = EventBox::give(event, None, delivery.queue());
                // SAFETY: the head was just written.
                unsafe { writer.hand_over(at, given) };
            } else {
                done.push(Charge::of(&event));
            }
        }
        delivery.queue().release_all(done.into_iter());
        // SAFETY: the caller's promise.
        unsafe {
            put(written, writer.written);
            put(left, remaining);
        }
    })
}

/// Holds the calls of an app back, so that several start together. While they are held, calls are accepted as
/// usual but need not start, and from one that unpauses or connects a socket on, none starts. When the hold ends they
/// start in order, with no socket read, and none connected, in between: setPaused(false) and setPaused(true) made
/// within one hold make a paused socket read exactly once more (chrome_sockets_tcp_set_paused), and what is called
/// behind a connect finds it under way. That holds for some 4,096 calls, of which a list counts as one more for each 64
/// sockets of the app; behind them sockets have their turn. A host that makes many calls in a row also saves
/// wake-ups of the reactor.
///
/// Mirrors:    nothing; host only.
/// Parameters: hold  true: calls may wait from now on, those of chromesock_app_suspend, _resume and _unload
///             too; false: those that wait start now. Holds do not nest. Closing or freeing the app ends one.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block. It holds the calls of all threads.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_hold_calls(
    app: *mut chromesock_app,
    hold: chromesock_bool,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        unsafe { app_of(app) }?.hold_calls(hold != 0);
    })
}

/// Queue delivery: ends a hold of the app's calls, as chromesock_app_hold_calls(app, false) does, for a host that
/// would only wait for what comes of them. If the reactor sleeps and no more than eight calls wait (any number, where
/// the process has one CPU), the calling thread carries them out in its place: a call that is completed at once has
/// its completion in the queue when this returns, and has woken neither the reactor nor the host. What is left then,
/// and else everything, the reactor carries out, as it does for an app with a `wakeup` hook or on a reactor that apps
/// can share. The `release` of chromesock_sockets_tcp_send_owned may run inside.
///
/// Mirrors:    nothing; host only.
/// Parameters: app  as in every call.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks, with 256 KiB of stack, and with the credentials and network namespace
///             that sockets are to be made with; does not wait for the network or another thread.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_run_calls(app: *mut chromesock_app) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        unsafe { app_of(app) }?.run_calls();
    })
}

/// Queue delivery: a stream of wake-ups, for loops that can read streams but not poll a descriptor. One byte
/// is written to it each time the queue becomes non-empty after the host has found it empty, and it ends when
/// the app is gone.
///
/// Unlike the handle of chromesock_app_event_handle it is owned and read by the host, and it says that events
/// came, not whether any are queued. After reading it, take events until a call finds none
/// (chromesock_app_copy_events writes nothing, chromesock_app_next_event times out, chromesock_app_dispatch runs
/// none); only then is the next byte written. A host that stops before that has to continue by itself.
///
/// Mirrors:    nothing; host only.
/// Parameters: stream  a connected, non-blocking stream socket, owned by the caller, who closes it. A further
///             call gives a new one and ends the one before. If the app has `freed_with_stream`, closing
///             it frees the app, unless that was done before.
/// Returns:    OK, INVALID_ARGUMENT, WRONG_DELIVERY, INSUFFICIENT_RESOURCES.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `stream` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_event_stream(
    app: *mut chromesock_app,
    stream: *mut isize,
) -> Status {
    guard!({
        if stream.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let theirs = unsafe { app_of(app) }?.event_stream()?;
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(stream, theirs.into_raw_fd() as isize) };
    })
}
