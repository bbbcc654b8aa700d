//! `chrome.socket`, the older API, function for function. Its failures come as a number, mostly
//! without a message.

use std::ffi::{c_char, c_void};

use super::app::chromesock_app;
use super::types::{chromesock_bool, chromesock_callback};
use super::{app_of, bytes_of, guard, host_of, put, ticket};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketType};
use crate::api::table::{EventType, Namespace};
use crate::engine::command::Command;

/// Creates a TCP or UDP socket.
///
/// Mirrors:    chrome.socket.create
/// Parameters: socket_type  one of chrome_socket_type.
///             socket_id    the new id, at once: later calls may use it without waiting. NULL = not wanted.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
/// Completes:  CHROME_SOCKET_CREATE with socket_id; never fails.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `socket_id` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_create(
    app: *mut chromesock_app,
    socket_type: i32,
    socket_id: *mut i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let socket_type = match socket_type {
            0 => SocketType::Tcp,
            1 => SocketType::Udp,
            _ => return Err(Status::InvalidArgument),
        };
        let command = Command::CreateLegacy(socket_type);
        let id =
            inner.create(EventType::ChromeSocketCreate, command, ticket(callback, user_data))?;
        // SAFETY: the caller's promise.
        unsafe { put(socket_id, id) };
    })
}

/// Connects a TCP socket, or gives a UDP socket its one peer.
///
/// Mirrors:    chrome.socket.connect
/// State:      idle; otherwise completes with SOCKET_IS_CONNECTED or CONNECTION_FAILED.
/// Parameters: hostname  name or IP literal, UTF-8; borrowed until the call returns.
///             port      0 to 65535.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_CONNECT with result OK or a code of the network; with a message only "DNS resolution
///             failed", "Socket not found" and "App does not have permission" (result -1); "Port must be a value
///             between 0 and 65535." comes without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `hostname` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_connect(
    app: *mut chromesock_app,
    socket_id: i32,
    hostname: *const c_char,
    port: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let hostname = unsafe { host_of(hostname) }?.into();
        let dns_query_type = DnsQueryType::Any;
        let command = Command::Connect { peer_address: hostname, peer_port: port, dns_query_type };
        inner.call(
            EventType::ChromeSocketConnect,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Ends the connection of a TCP socket, stops a listening one, or closes and frees a UDP one; the socket
/// can be used again for the same purpose, unless it was ever secured. Pending calls complete.
///
/// Mirrors:    chrome.socket.disconnect
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_DISCONNECT, or "Socket not found" without a result. Chrome has no callback here.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_disconnect(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::Disconnect(Namespace::Socket);
        inner.call(
            EventType::ChromeSocketDisconnect,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Closes a socket; its id is invalid for every later call. Pending calls complete.
///
/// Mirrors:    chrome.socket.destroy
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_DESTROY; an unknown id is no error. Chrome has no callback here.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_destroy(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let ticket = ticket(callback, user_data);
        inner.close_socket(EventType::ChromeSocketDestroy, Namespace::Socket, socket_id, ticket)?;
    })
}

/// Reads once from a connected socket: what is there, or the next bytes or datagram to come.
///
/// Mirrors:    chrome.socket.read
/// State:      connected.
/// Parameters: buffer_size  largest number of bytes to read; NULL = not given: 4096.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_READ with result and data: the number of bytes, 0 at the end of a TCP stream or for
///             an empty datagram, or a negative code: IO_PENDING (a read is pending), SOCKET_NOT_CONNECTED,
///             MSG_TOO_BIG, CONNECTION_CLOSED (disconnected meanwhile), CONNECTION_RESET …; "Socket not found"
///             comes with -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `buffer_size` is NULL or
/// readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_read(
    app: *mut chromesock_app,
    socket_id: i32,
    buffer_size: *const i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: NULL or readable, by the caller's promise.
        let buffer_size = unsafe { buffer_size.as_ref() }.copied();
        let command = Command::Read(buffer_size);
        inner.call(EventType::ChromeSocketRead, socket_id, command, ticket(callback, user_data))?;
    })
}

/// Writes to a connected socket. Writes are carried out and completed in the order of the calls.
///
/// Mirrors:    chrome.socket.write
/// State:      connected; otherwise completes with SOCKET_NOT_CONNECTED.
/// Parameters: data, data_len  the bytes, which may be written over when the call has returned; (NULL, 0) is an empty
///             {what}. They are copied, unless a callback on the reactor's thread passes more than 16 KiB and at most
///             1 MiB for a connection of its app that is not secured: if no call waits to be carried out, this one may
///             write from where they lie, and copies what the system does not take.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_WRITE with result: the number of bytes (always all of them) or a negative code;
///             "Exceeded write quota." comes without a result, "Socket not found" with -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
/// `data_len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_write(
    app: *mut chromesock_app,
    socket_id: i32,
    data: *const u8,
    data_len: usize,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let data = unsafe { bytes_of(data, data_len) }?;
        inner.send(EventType::ChromeSocketWrite, socket_id, data, ticket(callback, user_data))?;
    })
}

/// Listens for connections, which chrome_socket_accept then takes.
///
/// Mirrors:    chrome.socket.listen
/// State:      TCP, never connected.
/// Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
///             port     0 to 65535; 0 = chosen by the system (see getInfo).
///             backlog  length of the system's queue of connections, above 0; NULL = not given: 5.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_LISTEN with result OK, or a code and a message: "Could not listen on the specified
///             port." (ADDRESS_IN_USE and others), "Unknown error." (INVALID_ARGUMENT: not a literal), "Cannot call
///             both connect and listen on the same socket." and "Cannot listen on a socket that is already
///             connected." (NOT_IMPLEMENTED), "Socket type does not support this API" (FAILED), "Socket not
///             found" and "App does not have permission" (-1); "Port must be a value between 0 and 65535." comes
///             without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL; `backlog` is NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_listen(
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
        let address = unsafe { host_of(address) }?.into();
        // SAFETY: NULL or readable, by the caller's promise.
        let backlog = unsafe { backlog.as_ref() }.copied();
        let command = Command::Listen { address, port, backlog };
        inner.call(
            EventType::ChromeSocketListen,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Accepts one connection, now or when it comes.
///
/// Mirrors:    chrome.socket.accept
/// State:      listening.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_ACCEPT with result OK and client_socket_id, a connected socket of chrome.socket, or
///             with a code: FAILED (not listening, or an accept is pending), ABORTED (disconnected meanwhile) …;
///             "Socket not found" comes with FAILED.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_accept(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::Accept;
        inner.call(
            EventType::ChromeSocketAccept,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Turns TCP keep-alive on or off.
///
/// Mirrors:    chrome.socket.setKeepAlive
/// State:      connected.
/// Parameters: enable  true turns it on.
///             delay   seconds of silence before and between probes; 0 = leave the system's timing.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_SET_KEEP_ALIVE with result 1 (true) or 0 (false); "Socket not found" comes with 0.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_set_keep_alive(
    app: *mut chromesock_app,
    socket_id: i32,
    enable: chromesock_bool,
    delay: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetKeepAlive { enable: enable != 0, delay };
        inner.call(
            EventType::ChromeSocketSetKeepAlive,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Turns Nagle's algorithm off or on (TCP_NODELAY).
///
/// Mirrors:    chrome.socket.setNoDelay
/// State:      connected.
/// Parameters: no_delay  true turns the algorithm off.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_SET_NO_DELAY with result 1 (true) or 0 (false); "Socket not found" comes with 0.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_set_no_delay(
    app: *mut chromesock_app,
    socket_id: i32,
    no_delay: chromesock_bool,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetNoDelay(no_delay != 0);
        inner.call(
            EventType::ChromeSocketSetNoDelay,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Reports the state of a socket.
///
/// Mirrors:    chrome.socket.getInfo
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_GET_INFO with one element of sockets, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_get_info(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetInfo(Namespace::Socket);
        inner.call(
            EventType::ChromeSocketGetInfo,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Lists the addresses of the machine's network interfaces, without loopback.
///
/// Mirrors:    chrome.socket.getNetworkList
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_GET_NETWORK_LIST with interfaces, one for each address: IPv4 first, ascending.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_get_network_list(
    app: *mut chromesock_app,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetNetworkList;
        inner.call(
            EventType::ChromeSocketGetNetworkList,
            0,
            command,
            ticket(callback, user_data),
        )?;
    })
}
