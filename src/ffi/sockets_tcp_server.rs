//! `chrome.sockets.tcpServer`, function for function.

use std::ffi::{c_char, c_void};

use super::app::chromesock_app;
use super::types::{chrome_sockets_tcp_server_properties, chromesock_bool, chromesock_callback};
use super::{app_of, guard, host_of, listener_of, put, ticket};
use crate::api::net_error::Status;
use crate::api::table::{EventType, Namespace};
use crate::engine::command::Command;

/// Creates a TCP server socket. It uses no system resources before it listens.
///
/// Mirrors:    chrome.sockets.tcpServer.create
/// Parameters: properties  borrowed until the call returns; NULL = none given.
///             socket_id   the new id, at once: later calls may use it without waiting. NULL = not wanted.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
/// Completes:  CHROME_SOCKETS_TCP_SERVER_CREATE with socket_id; never fails.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
/// valid struct with its size; `socket_id` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_create(
    app: *mut chromesock_app,
    properties: *const chrome_sockets_tcp_server_properties,
    socket_id: *mut i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let properties = unsafe { chrome_sockets_tcp_server_properties::read(properties) }?;
        let command = Command::Create(Namespace::TcpServer, properties);
        let id = inner.create(
            EventType::ChromeSocketsTcpServerCreate,
            command,
            ticket(callback, user_data),
        )?;
        // SAFETY: the caller's promise.
        unsafe { put(socket_id, id) };
    })
}

/// Changes the properties that are given, and no others. Pending calls and reads go on.
///
/// Mirrors:    chrome.sockets.tcpServer.update
/// State:      any.
/// Parameters: properties  borrowed until the call returns; NULL = none given.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_UPDATE, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
/// valid struct with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_update(
    app: *mut chromesock_app,
    socket_id: i32,
    properties: *const chrome_sockets_tcp_server_properties,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let properties = unsafe { chrome_sockets_tcp_server_properties::read(properties) }?;
        let command = Command::Update(Namespace::TcpServer, properties);
        inner.call(
            EventType::ChromeSocketsTcpServerUpdate,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Pauses or resumes accepting. While paused, connections wait in the system's backlog.
///
/// Mirrors:    chrome.sockets.tcpServer.setPaused
/// State:      any.
/// Parameters: paused  true pauses, false resumes.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_SET_PAUSED, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_set_paused(
    app: *mut chromesock_app,
    socket_id: i32,
    paused: chromesock_bool,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetPaused(Namespace::TcpServer, paused != 0);
        let event_type = EventType::ChromeSocketsTcpServerSetPaused;
        inner.call(event_type, socket_id, command, ticket(callback, user_data))?;
    })
}

/// Listens for connections and accepts them, unless paused.
///
/// Mirrors:    chrome.sockets.tcpServer.listen
/// State:      not listening; otherwise completes with FAILED.
/// Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
///             port     0 to 65535; 0 = chosen by the system (see getInfo).
///             backlog  length of the system's queue of connections, above 0; NULL = not given.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_LISTEN with result OK, INVALID_ARGUMENT, ADDRESS_IN_USE, ADDRESS_INVALID,
///             ACCESS_DENIED or another system error; "Socket not found" and "Does not have
///             permission" come without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL; `backlog` is NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_listen(
    app: *mut chromesock_app,
    socket_id: i32,
    address: *const c_char,
    port: i32,
    backlog: *const i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let address = unsafe { host_of(address) }?;
        // SAFETY: NULL or readable, by the caller's promise.
        let backlog = unsafe { backlog.as_ref() }.copied();
        let command = Command::Listen { address: address.into(), port, backlog };
        inner.call(
            EventType::ChromeSocketsTcpServerListen,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Stops listening and frees the port; the socket can listen again. Accepted sockets stay open.
///
/// Mirrors:    chrome.sockets.tcpServer.disconnect
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_DISCONNECT, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_disconnect(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::Disconnect(Namespace::TcpServer);
        inner.call(
            EventType::ChromeSocketsTcpServerDisconnect,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Closes a server. The port is free when this completes; accepted sockets stay open, and those not
/// announced yet still are.
///
/// Mirrors:    chrome.sockets.tcpServer.close
/// State:      any; the id is invalid for every later call.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_CLOSE, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_close(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let ticket = ticket(callback, user_data);
        inner.close_socket(
            EventType::ChromeSocketsTcpServerClose,
            Namespace::TcpServer,
            socket_id,
            ticket,
        )?;
    })
}

/// Reports the state of a socket.
///
/// Mirrors:    chrome.sockets.tcpServer.getInfo
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_GET_INFO with one element of sockets, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_get_info(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetInfo(Namespace::TcpServer);
        inner.call(
            EventType::ChromeSocketsTcpServerGetInfo,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Reports the state of all sockets of the app in chrome.sockets.tcpServer.
///
/// Mirrors:    chrome.sockets.tcpServer.getSockets
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS with sockets, ascending by id; without a result, "net::ERR_INSUFFICIENT_RESOURCES"
///             while such lists of more than 64 MiB are neither delivered nor released.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_get_sockets(
    app: *mut chromesock_app,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetSockets(Namespace::TcpServer);
        inner.call(
            EventType::ChromeSocketsTcpServerGetSockets,
            0,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Adds a listener of chrome.sockets.tcpServer.onAccept: a connection was accepted.
///
/// Mirrors:    chrome.sockets.tcpServer.onAccept.addListener
/// Parameters: listener, user_data  together identify the listener; added twice, it is called once.
///             Listeners run in the order they were added, and hear of every socket of the app.
/// Delivers:   CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT with socket_id (the server) and client_socket_id, a
///             connected and paused socket of chrome.sockets.tcp.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_on_accept_add_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.add_listener(
            EventType::ChromeSocketsTcpServerOnAccept,
            listener_of(listener, user_data)?,
        );
    })
}

/// Removes a listener of chrome.sockets.tcpServer.onAccept; it is no error if it was not added.
/// A call of it that is running, or is due for the event being delivered, still takes place.
///
/// Mirrors:    chrome.sockets.tcpServer.onAccept.removeListener
/// Parameters: listener, user_data  as added.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_on_accept_remove_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.remove_listener(
            EventType::ChromeSocketsTcpServerOnAccept,
            listener_of(listener, user_data)?,
        );
    })
}

/// Whether a listener of chrome.sockets.tcpServer.onAccept was added.
///
/// Mirrors:    chrome.sockets.tcpServer.onAccept.hasListener
/// Parameters: listener, user_data  as added.
///             has_listener  1 or 0.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_on_accept_has_listener(
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
            EventType::ChromeSocketsTcpServerOnAccept,
            listener_of(listener, user_data)?,
        );
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(has_listener, found.into()) };
    })
}

/// Adds a listener of chrome.sockets.tcpServer.onAcceptError: accepting has failed.
/// The server is paused then; chrome_sockets_tcp_server_set_paused resumes it. After INSUFFICIENT_RESOURCES do so when
/// a socket was closed: at once, only the same error comes.
///
/// Mirrors:    chrome.sockets.tcpServer.onAcceptError.addListener
/// Parameters: listener, user_data  together identify the listener; added twice, it is called once.
///             Listeners run in the order they were added, and hear of every socket of the app.
/// Delivers:   CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR with socket_id and result:
///             INSUFFICIENT_RESOURCES or another system error.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_on_accept_error_add_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.add_listener(
            EventType::ChromeSocketsTcpServerOnAcceptError,
            listener_of(listener, user_data)?,
        );
    })
}

/// Removes a listener of chrome.sockets.tcpServer.onAcceptError; it is no error if it was not added.
/// A call of it that is running, or is due for the event being delivered, still takes place.
///
/// Mirrors:    chrome.sockets.tcpServer.onAcceptError.removeListener
/// Parameters: listener, user_data  as added.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_on_accept_error_remove_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.remove_listener(
            EventType::ChromeSocketsTcpServerOnAcceptError,
            listener_of(listener, user_data)?,
        );
    })
}

/// Whether a listener of chrome.sockets.tcpServer.onAcceptError was added.
///
/// Mirrors:    chrome.sockets.tcpServer.onAcceptError.hasListener
/// Parameters: listener, user_data  as added.
///             has_listener  1 or 0.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_server_on_accept_error_has_listener(
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
            EventType::ChromeSocketsTcpServerOnAcceptError,
            listener_of(listener, user_data)?,
        );
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(has_listener, found.into()) };
    })
}
