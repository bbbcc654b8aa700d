//! `chrome.socket`: what only UDP sockets have.

use std::ffi::{c_char, c_void};

use super::app::chromesock_app;
use super::types::{chromesock_bool, chromesock_callback};
use super::{app_of, bytes_of, guard, host_of, ticket};
use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::api::table::EventType;
use crate::engine::command::Command;

/// Binds a UDP socket.
///
/// Mirrors:    chrome.socket.bind
/// State:      UDP, neither bound nor connected.
/// Parameters: address  IP literal, not a name; UTF-8, borrowed until the call returns.
///             port     0 to 65535; 0 = chosen by the system (see getInfo).
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_BIND with result OK or a code of the network; messages as for connect, and "TCP
///             socket does not support bind. For TCP server please use listen." (result -1).
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_bind(
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
        inner.call(EventType::ChromeSocketBind, socket_id, command, ticket(callback, user_data))?;
    })
}

/// Receives one datagram on a bound UDP socket.
///
/// Mirrors:    chrome.socket.recvFrom
/// State:      bound.
/// Parameters: buffer_size  largest number of bytes to receive; NULL = not given: 4096.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_RECV_FROM with result as for read, data, and address and port of the sender (""
///             and 0 on failure); "Socket not found", also for TCP, comes with -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `buffer_size` is NULL or
/// readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_recv_from(
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
        let command = Command::RecvFrom(buffer_size);
        inner.call(
            EventType::ChromeSocketRecvFrom,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sends one datagram from a bound UDP socket. The order is that of chrome_sockets_udp_send.
///
/// Mirrors:    chrome.socket.sendTo
/// State:      bound.
/// Parameters: data, data_len  the datagram, copied; (NULL, 0) is an empty one.
///             address         name or IP literal, UTF-8; borrowed until the call returns.
///             port            0 to 65535.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_SEND_TO with result: the number of bytes or a negative code, as for
///             chrome_sockets_udp_send; messages as for connect and write.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `data` is NULL or has
/// `data_len` readable bytes; `address` is NULL or ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_send_to(
    app: *mut chromesock_app,
    socket_id: i32,
    data: *const u8,
    data_len: usize,
    address: *const c_char,
    port: i32,
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
        let ticket = ticket(callback, user_data);
        inner.send_to(
            EventType::ChromeSocketSendTo,
            socket_id,
            data,
            (&address, port),
            DnsQueryType::Any,
            ticket,
        )?;
    })
}

/// Joins a multicast group on the system's default interface.
///
/// Mirrors:    chrome.socket.joinGroup
/// State:      bound.
/// Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_JOIN_GROUP with result OK, ADDRESS_INVALID (not a literal, joined already, or of
///             the other family), UNEXPECTED (not bound), INVALID_ARGUMENT (not a multicast address) or
///             another system error; "Socket not found", "Only UDP socket supports multicast." and "App does
///             not have permission" come with result -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_join_group(
    app: *mut chromesock_app,
    socket_id: i32,
    address: *const c_char,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let address = unsafe { host_of(address) }?.into();
        let command = Command::JoinGroup(address);
        inner.call(
            EventType::ChromeSocketJoinGroup,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Leaves a multicast group.
///
/// Mirrors:    chrome.socket.leaveGroup
/// State:      the group is joined.
/// Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_LEAVE_GROUP with result OK, ADDRESS_INVALID (not a literal, or not joined) or
///             another system error; "Socket not found", "Only UDP socket supports multicast." and "App does
///             not have permission" come with result -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_leave_group(
    app: *mut chromesock_app,
    socket_id: i32,
    address: *const c_char,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let address = unsafe { host_of(address) }?.into();
        let command = Command::LeaveGroup(address);
        inner.call(
            EventType::ChromeSocketLeaveGroup,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sets how many hops multicast datagrams may take; 1 unless set.
///
/// Mirrors:    chrome.socket.setMulticastTimeToLive
/// State:      never bound nor connected yet.
/// Parameters: ttl  hops, 0 to 255.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_SET_MULTICAST_TIME_TO_LIVE with result OK, SOCKET_IS_CONNECTED (already bound)
///             or INVALID_ARGUMENT; "Socket not found" and "Only UDP socket supports multicast." come with
///             result -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_set_multicast_time_to_live(
    app: *mut chromesock_app,
    socket_id: i32,
    ttl: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetMulticastTimeToLive(ttl);
        inner.call(
            EventType::ChromeSocketSetMulticastTimeToLive,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sets whether multicast datagrams are also received on the sending machine; they are unless this is off.
///
/// Mirrors:    chrome.socket.setMulticastLoopbackMode
/// State:      never bound nor connected yet.
/// Parameters: enabled  true: they are.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_SET_MULTICAST_LOOPBACK_MODE with result OK or SOCKET_IS_CONNECTED (already
///             bound); "Socket not found" and "Only UDP socket supports multicast." come with result -1.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_set_multicast_loopback_mode(
    app: *mut chromesock_app,
    socket_id: i32,
    enabled: chromesock_bool,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetMulticastLoopbackMode(enabled != 0);
        inner.call(
            EventType::ChromeSocketSetMulticastLoopbackMode,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Lists the multicast groups that the socket has joined.
///
/// Mirrors:    chrome.socket.getJoinedGroups
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_GET_JOINED_GROUPS with texts, in join order; "Socket not found", "Only UDP
///             socket supports multicast." and "App does not have permission" come with result -1;
///             INSUFFICIENT_RESOURCES: the app holds too many lists.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_get_joined_groups(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::GetJoinedGroups;
        inner.call(
            EventType::ChromeSocketGetJoinedGroups,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}
