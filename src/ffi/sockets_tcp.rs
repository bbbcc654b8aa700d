//! `chrome.sockets.tcp`, function for function.

use std::ffi::{c_char, c_void};

use super::app::chromesock_app;
use super::types::{
    chrome_sockets_tcp_properties, chromesock_bool, chromesock_callback,
    dns_query_type as dns_query_type_of,
};
use super::{app_of, bytes_of, guard, host_of, listener_of, put, ticket};
use crate::api::net_error::Status;
use crate::api::table::{EventType, Namespace};
use crate::engine::command::Command;

/// Creates a TCP client socket. It uses no system resources before it connects.
///
/// Mirrors:    chrome.sockets.tcp.create
/// Parameters: properties  borrowed until the call returns; NULL = none given.
///             socket_id   the new id, at once: later calls may use it without waiting. NULL = not wanted.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED, INSUFFICIENT_RESOURCES (ids are used up).
/// Completes:  CHROME_SOCKETS_TCP_CREATE with socket_id; never fails.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
/// valid struct with its size; `socket_id` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_create(
    app: *mut chromesock_app,
    properties: *const chrome_sockets_tcp_properties,
    socket_id: *mut i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let properties = unsafe { chrome_sockets_tcp_properties::read(properties) }?;
        let command = Command::Create(Namespace::Tcp, properties);
        let id = inner.create(
            EventType::ChromeSocketsTcpCreate,
            command,
            ticket(callback, user_data),
        )?;
        // SAFETY: the caller's promise.
        unsafe { put(socket_id, id) };
    })
}

/// Changes the properties that are given, and no others. Pending calls and reads go on.
///
/// Mirrors:    chrome.sockets.tcp.update
/// State:      any.
/// Parameters: properties  borrowed until the call returns; NULL = none given.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_UPDATE, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `properties` is NULL or a
/// valid struct with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_update(
    app: *mut chromesock_app,
    socket_id: i32,
    properties: *const chrome_sockets_tcp_properties,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let properties = unsafe { chrome_sockets_tcp_properties::read(properties) }?;
        let command = Command::Update(Namespace::Tcp, properties);
        inner.call(
            EventType::ChromeSocketsTcpUpdate,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Pauses or resumes receiving. With queue delivery onReceives that wait in the queue still come, before the
/// completion. A read that is in flight when the pause begins may still deliver one more.
///
/// Resuming and pausing again makes a paused socket read exactly once more, if both calls are carried out
/// together: with reactor delivery when they are made inside one callback of the socket's own reactor, otherwise while
/// calls are held (chromesock_app_hold_calls). If not, any number of reads may come in between.
///
/// Mirrors:    chrome.sockets.tcp.setPaused
/// State:      any.
/// Parameters: paused  true pauses, false resumes.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SET_PAUSED, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_set_paused(
    app: *mut chromesock_app,
    socket_id: i32,
    paused: chromesock_bool,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetPaused(Namespace::Tcp, paused != 0);
        inner.call(
            EventType::ChromeSocketsTcpSetPaused,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Turns TCP keep-alive on or off. A new connection has it on, with a delay of 45 seconds.
///
/// Mirrors:    chrome.sockets.tcp.setKeepAlive
/// State:      connected, not secured; otherwise completes with FAILED.
/// Parameters: enable  true turns it on.
///             delay   seconds of silence before and between probes; 0 = leave the system's timing.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SET_KEEP_ALIVE with result OK or FAILED; an unknown id gives FAILED and
///             "Socket not found".
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_set_keep_alive(
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
            EventType::ChromeSocketsTcpSetKeepAlive,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Turns Nagle's algorithm off or on (TCP_NODELAY).
///
/// Mirrors:    chrome.sockets.tcp.setNoDelay
/// State:      connected, not secured; otherwise completes with FAILED.
/// Parameters: no_delay  true turns the algorithm off, as it is on a new connection.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SET_NO_DELAY with result OK or FAILED; an unknown id gives FAILED and
///             "Socket not found".
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_set_no_delay(
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
            EventType::ChromeSocketsTcpSetNoDelay,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Connects to a peer. The addresses of a name are raced (Happy Eyeballs, RFC 8305).
///
/// Mirrors:    chrome.sockets.tcp.connect
/// State:      idle; otherwise completes with SOCKET_IS_CONNECTED or CONNECTION_FAILED.
/// Parameters: peer_address    name or IP literal, UTF-8; borrowed until the call returns.
///             peer_port       0 to 65535; others complete with INVALID_ARGUMENT.
///             dns_query_type  one of chrome_sockets_dns_query_type.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_CONNECT with result OK, NAME_NOT_RESOLVED, INTERNET_DISCONNECTED,
///             CONNECTION_REFUSED, CONNECTION_TIMED_OUT, ADDRESS_UNREACHABLE, ABORTED (disconnected or
///             closed meanwhile) or another system error; "Socket not found" (also if it is closed while
///             its name is looked up) and "Does not have permission" come without a result. Attempts
///             have no time limit but the system's.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `peer_address` is NULL or
/// ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_connect(
    app: *mut chromesock_app,
    socket_id: i32,
    peer_address: *const c_char,
    peer_port: i32,
    dns_query_type: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let peer_address = unsafe { host_of(peer_address) }?;
        let dns_query_type = dns_query_type_of(dns_query_type)?;
        let peer_address = peer_address.into();
        let command = Command::Connect { peer_address, peer_port, dns_query_type };
        inner.call(
            EventType::ChromeSocketsTcpConnect,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Ends the connection, or the attempt to make one; the socket can be connected again, unless it was ever secured
/// (then connect completes with CONNECTION_FAILED). If a read was
/// in flight, onReceiveError with CONNECTION_CLOSED follows the completion and the socket is paused.
///
/// Mirrors:    chrome.sockets.tcp.disconnect
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_DISCONNECT, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_disconnect(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::Disconnect(Namespace::Tcp);
        inner.call(
            EventType::ChromeSocketsTcpDisconnect,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sends bytes. Sends of one socket are written and completed in the order of the calls; a completion
/// means that the system has taken the bytes, not that the peer has.
///
/// Mirrors:    chrome.sockets.tcp.send
/// State:      connected; otherwise completes with SOCKET_NOT_CONNECTED.
/// Parameters: data, data_len  the bytes, which may be written over when the call has returned; (NULL, 0) is an empty
///             {what}. They are copied, unless a callback on the reactor's thread passes more than 16 KiB and at most
///             1 MiB for a connection of its app that is not secured: if no call waits to be carried out, this one may
///             write from where they lie, and copies what the system does not take.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SEND with result OK and bytes_sent (always all of them), SOCKET_NOT_CONNECTED,
///             CONNECTION_RESET or another system error without bytes_sent; "Exceeded write
///             quota." and "Socket not found" come without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
/// `data_len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_send(
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
        inner.send(
            EventType::ChromeSocketsTcpSend,
            socket_id,
            data,
            ticket(callback, user_data),
        )?;
    })
}

/// Closes a socket. Bytes whose send has completed still reach the peer: where closing the connection at once could
/// destroy them, it is kept, and what the peer says is dropped, until the peer has everything, but no longer than about
/// ten seconds in which it takes nothing, or about a minute. (Systems other than Linux do not tell what a peer has: there
/// two seconds if something of the peer is unread.) What the peer says after that resets the connection.
///
/// No onReceive of the socket is delivered after this call; onReceiveError with CONNECTION_CLOSED follows the completion
/// if a read was in flight.
///
/// Mirrors:    chrome.sockets.tcp.close
/// State:      any; the id is invalid for every later call.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_CLOSE, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_close(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let ticket = ticket(callback, user_data);
        inner.close_socket(EventType::ChromeSocketsTcpClose, Namespace::Tcp, socket_id, ticket)?;
    })
}

/// Reports the state of a socket.
///
/// Mirrors:    chrome.sockets.tcp.getInfo
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_GET_INFO with one element of sockets, or "Socket not found" without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_get_info(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetInfo(Namespace::Tcp);
        inner.call(
            EventType::ChromeSocketsTcpGetInfo,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Reports the state of all sockets of the app in chrome.sockets.tcp.
///
/// Mirrors:    chrome.sockets.tcp.getSockets
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_GET_SOCKETS with sockets, ascending by id; without a result, "net::ERR_INSUFFICIENT_RESOURCES"
///             while such lists of more than 64 MiB are neither delivered nor released.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_get_sockets(
    app: *mut chromesock_app,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetSockets(Namespace::Tcp);
        inner.call(
            EventType::ChromeSocketsTcpGetSockets,
            0,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Adds a listener of chrome.sockets.tcp.onReceive: bytes have arrived.
///
/// Mirrors:    chrome.sockets.tcp.onReceive.addListener
/// Parameters: listener, user_data  together identify the listener; added twice, it is called once.
///             Listeners run in the order they were added, and hear of every socket of the app.
/// Delivers:   CHROME_SOCKETS_TCP_ON_RECEIVE with socket_id and data, 1 byte or more.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_on_receive_add_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery
            .add_listener(EventType::ChromeSocketsTcpOnReceive, listener_of(listener, user_data)?);
    })
}

/// Removes a listener of chrome.sockets.tcp.onReceive; it is no error if it was not added.
/// A call of it that is running, or is due for the event being delivered, still takes place.
///
/// Mirrors:    chrome.sockets.tcp.onReceive.removeListener
/// Parameters: listener, user_data  as added.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_on_receive_remove_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.remove_listener(
            EventType::ChromeSocketsTcpOnReceive,
            listener_of(listener, user_data)?,
        );
    })
}

/// Whether a listener of chrome.sockets.tcp.onReceive was added.
///
/// Mirrors:    chrome.sockets.tcp.onReceive.hasListener
/// Parameters: listener, user_data  as added.
///             has_listener  1 or 0.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_on_receive_has_listener(
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
            .has_listener(EventType::ChromeSocketsTcpOnReceive, listener_of(listener, user_data)?);
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(has_listener, found.into()) };
    })
}

/// Adds a listener of chrome.sockets.tcp.onReceiveError: a connection has ended.
/// The socket is paused and not connected then.
///
/// Mirrors:    chrome.sockets.tcp.onReceiveError.addListener
/// Parameters: listener, user_data  together identify the listener; added twice, it is called once.
///             Listeners run in the order they were added, and hear of every socket of the app.
/// Delivers:   CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR with socket_id and result: CONNECTION_CLOSED at the
///             end of the stream, CONNECTION_RESET, TIMED_OUT or another system error.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_on_receive_error_add_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.add_listener(
            EventType::ChromeSocketsTcpOnReceiveError,
            listener_of(listener, user_data)?,
        );
    })
}

/// Removes a listener of chrome.sockets.tcp.onReceiveError; it is no error if it was not added.
/// A call of it that is running, or is due for the event being delivered, still takes place.
///
/// Mirrors:    chrome.sockets.tcp.onReceiveError.removeListener
/// Parameters: listener, user_data  as added.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_on_receive_error_remove_listener(
    app: *mut chromesock_app,
    listener: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let delivery = unsafe { app_of(app) }?.delivery();
        delivery.remove_listener(
            EventType::ChromeSocketsTcpOnReceiveError,
            listener_of(listener, user_data)?,
        );
    })
}

/// Whether a listener of chrome.sockets.tcp.onReceiveError was added.
///
/// Mirrors:    chrome.sockets.tcp.onReceiveError.hasListener
/// Parameters: listener, user_data  as added.
///             has_listener  1 or 0.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `has_listener` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_on_receive_error_has_listener(
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
            EventType::ChromeSocketsTcpOnReceiveError,
            listener_of(listener, user_data)?,
        );
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(has_listener, found.into()) };
    })
}
