//! `chrome.sockets.udp`: multicast groups and broadcast.

use std::ffi::{c_char, c_void};

use super::app::chromesock_app;
use super::types::{chromesock_bool, chromesock_callback};
use super::{app_of, guard, host_of, ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::engine::command::Command;

/// Joins a multicast group on the system's default interface.
///
/// Mirrors:    chrome.sockets.udp.joinGroup
/// State:      bound.
/// Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_JOIN_GROUP with result OK, ADDRESS_INVALID (not a literal, joined already,
///             or of the other family), UNEXPECTED (not bound), INVALID_ARGUMENT (not a multicast address) or
///             another system error; "Socket not found" and "App does not have permission" come without a
///             result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_join_group(
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
            EventType::ChromeSocketsUdpJoinGroup,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Leaves a multicast group.
///
/// Mirrors:    chrome.sockets.udp.leaveGroup
/// State:      the group is joined.
/// Parameters: address  IP literal of a multicast group, UTF-8; borrowed until the call returns.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_LEAVE_GROUP with result OK, ADDRESS_INVALID (not a literal, or not joined)
///             or another system error; "Socket not found" and "App does not have permission" come without a
///             result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `address` is NULL or ends
/// with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_leave_group(
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
            EventType::ChromeSocketsUdpLeaveGroup,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sets how many hops multicast datagrams may take; 1 unless set.
///
/// Mirrors:    chrome.sockets.udp.setMulticastTimeToLive
/// State:      not bound yet.
/// Parameters: ttl  hops, 0 to 255.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_SET_MULTICAST_TIME_TO_LIVE with result OK, SOCKET_IS_CONNECTED (already
///             bound) or INVALID_ARGUMENT; "Socket not found" comes without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_set_multicast_time_to_live(
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
            EventType::ChromeSocketsUdpSetMulticastTimeToLive,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Sets whether multicast datagrams are also received on the sending machine; they are unless this is off.
///
/// Mirrors:    chrome.sockets.udp.setMulticastLoopbackMode
/// State:      not bound yet.
/// Parameters: enabled  true: they are.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_SET_MULTICAST_LOOPBACK_MODE with result OK or SOCKET_IS_CONNECTED (already
///             bound); "Socket not found" comes without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_set_multicast_loopback_mode(
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
            EventType::ChromeSocketsUdpSetMulticastLoopbackMode,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Lists the multicast groups that the socket has joined.
///
/// Mirrors:    chrome.sockets.udp.getJoinedGroups
/// State:      any.
/// Parameters: callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_GET_JOINED_GROUPS with texts, in join order; INSUFFICIENT_RESOURCES: the app
///             holds too many lists; "Socket not found" and "App does not have permission" come without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_get_joined_groups(
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
            EventType::ChromeSocketsUdpGetJoinedGroups,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}

/// Allows or forbids sending to broadcast addresses.
///
/// Mirrors:    chrome.sockets.udp.setBroadcast
/// State:      bound.
/// Parameters: enabled  true allows it; a new socket does not.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_UDP_SET_BROADCAST with result OK, SOCKET_NOT_CONNECTED (not bound) or another
///             system error; "Socket not found" comes without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_udp_set_broadcast(
    app: *mut chromesock_app,
    socket_id: i32,
    enabled: chromesock_bool,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let command = Command::SetBroadcast(enabled != 0);
        inner.call(
            EventType::ChromeSocketsUdpSetBroadcast,
            socket_id,
            command,
            ticket(callback, user_data),
        )?;
    })
}
