//! `chrome.sockets.udp`, function for function.

use std::ffi::{c_char, c_void};

use super::app::chromesock_app;
use super::types::{
    chrome_sockets_udp_properties, chromesock_bool, chromesock_callback,
    dns_query_type as dns_query_type_of,
};
use super::{app_of, bytes_of, guard, host_of, listener_of, put, ticket};
use crate::api::net_error::Status;
use crate::api::table::{EventType, Namespace};
use crate::engine::command::Command;

/// Creates a UDP socket. It uses no system resources before it is bound.
///
/// Mirrors:    chrome.sockets.udp.create
/// Parameters: properties  borrowed until the call returns; NULL = none given.
///             socket_id   the new id, at once: later calls may use it without waiting. NULL = not wanted.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
/// Completes:  CHROME_SOCKETS_UDP_CREATE with socket_id; never fails.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
/// valid struct with its size; `socket_id` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_create(
    app: *mut chromesock_app,
    properties: *const chrome_sockets_udp_properties,
    socket_id: *mut i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let properties = unsafe { chrome_sockets_udp_properties::read(properties) }?;
        let command = Command::Create(Namespace::Udp, properties);
        let id = inner.create(
            EventType::ChromeSocketsUdpCreate,
            command,
            ticket(callback, user_data),
        )?;
        // SAFETY: the caller's promise.
        unsafe { put(socket_id, id) };
    })
}

/// Changes the properties that are given, and no others. A new buffer size applies from the next datagram on.
///
/// Mirrors:    chrome.sockets.udp.update
/// State:      any.
/// Parameters: properties  borrowed until the call returns; NULL = none given.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_UPDATE, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
/// valid struct with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_update(
    app: *mut chromesock_app,
    socket_id: i32,
    properties: *const chrome_sockets_udp_properties,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let properties = unsafe { chrome_sockets_udp_properties::read(properties) }?;
        let command = Command::Update(Namespace::Udp, properties);
        inner.call(
            EventType::ChromeSocketsUdpUpdate,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Pauses or resumes receiving. While paused, datagrams wait in the system's buffer.
///
/// Mirrors:    chrome.sockets.udp.setPaused
/// State:      any.
/// Parameters: paused  true pauses, false resumes.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_SET_PAUSED, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_set_paused(
    app: *mut chromesock_app,
    socket_id: i32,
    paused: chromesock_bool,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetPaused(Namespace::Udp, paused != 0);
        inner.call(
            EventType::ChromeSocketsUdpSetPaused,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Binds the socket and receives datagrams, unless paused.
///
/// Mirrors:    chrome.sockets.udp.bind
/// State:      not bound.
/// Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
///             port     0 to 65535; 0 = chosen by the system (see getInfo).
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_BIND with result OK, CONNECTION_FAILED (already bound), INVALID_ARGUMENT,
///             ADDRESS_IN_USE, ADDRESS_INVALID, ACCESS_DENIED, INSUFFICIENT_RESOURCES (the app has 6000
///             open, or max_open_sockets) or another system error; "Socket not found" and "App does not have
///             permission" come without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_bind(
    app: *mut chromesock_app,
    socket_id: i32,
    address: *const c_char,
    port: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let address = unsafe { host_of(address) }?.into();
        let command = Command::Bind { address, port };
        inner.call(
            EventType::ChromeSocketsUdpBind,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sends one datagram. Of one socket, datagrams to IP literals leave in the order of the calls, and so do those to
/// names: one whose name is still looked up delays those to names behind it, and no others.
///
/// Mirrors:    chrome.sockets.udp.send
/// State:      bound.
/// Parameters: data, data_len  the datagram, copied; (NULL, 0) is an empty one.
///             address         name or IP literal, UTF-8; borrowed until the call returns.
///             port            0 to 65535; others complete with INVALID_ARGUMENT.
///             dns_query_type  one of chrome_sockets_dns_query_type.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_SEND with result OK and bytes_sent, SOCKET_NOT_CONNECTED (not bound),
///             INSUFFICIENT_RESOURCES (32 sends of the socket wait already, since the system takes none at the
///             moment), NAME_NOT_RESOLVED, INTERNET_DISCONNECTED, MSG_TOO_BIG, ADDRESS_UNREACHABLE, ACCESS_DENIED
///             or another system error; "Exceeded write quota.", "Socket not found" and "App does not have
///             permission" come without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
/// `data_len` readable bytes; `address` is NULL or ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_send(
    app: *mut chromesock_app,
    socket_id: i32,
    data: *const u8,
    data_len: usize,
    address: *const c_char,
    port: i32,
    dns_query_type: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let data = unsafe { bytes_of(data, data_len) }?;
        // SAFETY: the caller's promise.
        let address = unsafe { host_of(address) }?;
        let family = dns_query_type_of(dns_query_type)?;
        let ticket = ticket(callback, user_data);
        inner.send_to(
            EventType::ChromeSocketsUdpSend,
            socket_id,
            data,
            (&address, port),
            family,
            ticket,
        )?;
    })
}

/// Closes the socket; its port is free when this completes. No onReceive of it is delivered after this
/// call.
///
/// Mirrors:    chrome.sockets.udp.close
/// State:      any; the id is invalid for every later call.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_CLOSE, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_close(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let ticket = ticket(callback, user_data);
        inner.close_socket(EventType::ChromeSocketsUdpClose, Namespace::Udp, socket_id, ticket)?;
    })
}

/// Reports the state of a socket.
///
/// Mirrors:    chrome.sockets.udp.getInfo
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_GET_INFO with one element of sockets, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_get_info(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetInfo(Namespace::Udp);
        inner.call(
            EventType::ChromeSocketsUdpGetInfo,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Reports the state of all sockets of the app in chrome.sockets.udp.
///
/// Mirrors:    chrome.sockets.udp.getSockets
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_GET_SOCKETS with sockets, ascending by id; without a result, "net::ERR_INSUFFICIENT_RESOURCES"
///             while such lists of more than 64 MiB are neither delivered nor released.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_get_sockets(
    app: *mut chromesock_app,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetSockets(Namespace::Udp);
        inner.call(
            EventType::ChromeSocketsUdpGetSockets,
            0,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Adds a listener of chrome.sockets.udp.onReceive: a datagram has arrived.
///
/// Mirrors:    chrome.sockets.udp.onReceive.addListener
/// Parameters: listener, user_data  together identify the listener; added twice, it is called once.
///             Listeners run in the order they were added, and hear of every socket of the app.
/// Delivers:   CHROME_SOCKETS_UDP_ON_RECEIVE with socket_id, data (perhaps empty), address and port
///             of the sender.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_on_receive_add_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery
            .add_listener(EventType::ChromeSocketsUdpOnReceive, listener_of(listener, user_data)?);
    })
}

/// Removes a listener of chrome.sockets.udp.onReceive; it is no error if it was not added.
/// A call of it that is running, or is due for the event being delivered, still takes place.
///
/// Mirrors:    chrome.sockets.udp.onReceive.removeListener
/// Parameters: listener, user_data  as added.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_on_receive_remove_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.remove_listener(
            EventType::ChromeSocketsUdpOnReceive,
            listener_of(listener, user_data)?,
        );
    })
}

/// Whether a listener of chrome.sockets.udp.onReceive was added.
///
/// Mirrors:    chrome.sockets.udp.onReceive.hasListener
/// Parameters: listener, user_data  as added.
///             has_listener  1 or 0.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_on_receive_has_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
    has_listener: *mut chromesock_bool,
) -> Status {
    guard!({
        if has_listener.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        let found = delivery
            .has_listener(EventType::ChromeSocketsUdpOnReceive, listener_of(listener, user_data)?);
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(has_listener, found.into()) };
    })
}

/// Adds a listener of chrome.sockets.udp.onReceiveError: receiving has failed.
/// The socket is paused then, and stays bound; chrome_sockets_udp_set_paused resumes it.
///
/// Mirrors:    chrome.sockets.udp.onReceiveError.addListener
/// Parameters: listener, user_data  together identify the listener; added twice, it is called once.
///             Listeners run in the order they were added, and hear of every socket of the app.
/// Delivers:   CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR with socket_id and result: MSG_TOO_BIG (the
///             datagram was longer than the buffer size and is lost) or another system error.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_on_receive_error_add_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.add_listener(
            EventType::ChromeSocketsUdpOnReceiveError,
            listener_of(listener, user_data)?,
        );
    })
}

/// Removes a listener of chrome.sockets.udp.onReceiveError; it is no error if it was not added.
/// A call of it that is running, or is due for the event being delivered, still takes place.
///
/// Mirrors:    chrome.sockets.udp.onReceiveError.removeListener
/// Parameters: listener, user_data  as added.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_on_receive_error_remove_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.remove_listener(
            EventType::ChromeSocketsUdpOnReceiveError,
            listener_of(listener, user_data)?,
        );
    })
}

/// Whether a listener of chrome.sockets.udp.onReceiveError was added.
///
/// Mirrors:    chrome.sockets.udp.onReceiveError.hasListener
/// Parameters: listener, user_data  as added.
///             has_listener  1 or 0.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_on_receive_error_has_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
    has_listener: *mut chromesock_bool,
) -> Status {
    guard!({
        if has_listener.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        let found = delivery.has_listener(
            EventType::ChromeSocketsUdpOnReceiveError,
            listener_of(listener, user_data)?,
        );
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(has_listener, found.into()) };
    })
}
