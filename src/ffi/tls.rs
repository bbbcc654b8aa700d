//! `secure` of both generations, and what the host may learn about a secured connection.

use std::ffi::{c_char, c_void};
use std::ptr;

use super::app::chromesock_app;
use super::types::{SizedStruct, chromesock_callback};
use super::{app_of, guard, host_of, sized_of, ticket};
use crate::api::net_error::Status;
use crate::api::properties::{SecureOptions, TlsSession};
use crate::api::table::EventType;
use crate::engine::command::Command;

/// SecureOptions of chrome.sockets.tcp and chrome.socket. Fill in `size`. Unknown texts are ignored; nothing
/// below TLS 1.2 is ever offered.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chrome_sockets_tcp_secure_options {
    /// sizeof(chrome_sockets_tcp_secure_options).
    pub size: u32,
    /// Reserved; zero.
    pub reserved: u32,
    /// tlsVersion.min: "tls1", "tls1.1", "tls1.2" or "tls1.3"; the first two act as "tls1.2", which is
    /// the default. NULL = not given.
    pub tls_version_min: *const c_char,
    /// tlsVersion.max: "tls1.2" or "tls1.3", the default. NULL = not given.
    pub tls_version_max: *const c_char,
}

// SAFETY: repr(C) with size and a mask without bits first; integers and pointers may be zero.
unsafe impl SizedStruct for chrome_sockets_tcp_secure_options {
    const SMALLEST: usize = 24;
    const KNOWN_BITS: u32 = 0;
    fn present(&self) -> u32 {
        self.reserved
    }
}

impl chrome_sockets_tcp_secure_options {
    /// # Safety
    /// `from` is NULL or a valid struct.
    unsafe fn read(from: *const Self) -> Result<SecureOptions, Status> {
        // SAFETY: the caller's promise.
        let given = unsafe { sized_of(from) }?.unwrap_or(Self::zeroed());
        let text = |text: *const c_char| {
            // SAFETY: a given text is text by the caller's promise.
            if text.is_null() { Ok(None) } else { unsafe { host_of(text) }.map(|t| Some(t.into())) }
        };
        Ok(SecureOptions {
            tls_version_min: text(given.tls_version_min)?,
            tls_version_max: text(given.tls_version_max)?,
        })
    }
}

/// A range of bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_bytes {
    /// The first byte.
    pub data: *const u8,
    /// The number of bytes.
    pub len: usize,
}

/// What client and server of a secured connection have agreed upon. Lives as long as its event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chromesock_tls_session {
    /// Size of this struct in the library that is running.
    pub size: u32,
    /// Reserved; zero.
    pub reserved: u32,
    /// "tls1.2" or "tls1.3".
    pub version: *const c_char,
    /// The registered name, such as "TLS_AES_128_GCM_SHA256".
    pub cipher_suite: *const c_char,
    /// The registered name of the group in which keys were exchanged, such as "X25519MLKEM768".
    pub key_exchange_group: *const c_char,
    /// The name or address that the server's certificate was checked for.
    pub verified_name: *const c_char,
    /// The certificates that the server sent, in DER, its own first.
    pub chain: *const chromesock_bytes,
    /// The number of certificates in `chain`.
    pub chain_len: usize,
}

// Layouts are part of the ABI: members are only ever appended.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<chrome_sockets_tcp_secure_options>() == 24);
    assert!(size_of::<chromesock_tls_session>() == 56);
};

/// A session as C sees it, with the array it points to.
pub(super) struct SessionView {
    c: chromesock_tls_session,
    chain: Box<[chromesock_bytes]>,
}

impl SessionView {
    /// A view of `session`, which must outlive it.
    pub(super) fn new(session: &TlsSession) -> Box<Self> {
        let bytes = |der: &bytes::Bytes| chromesock_bytes { data: der.as_ptr(), len: der.len() };
        let chain: Box<[_]> = session.chain.iter().map(bytes).collect();
        let c = chromesock_tls_session {
            size: size_of::<chromesock_tls_session>() as u32,
            reserved: 0,
            version: session.version.as_ptr(),
            cipher_suite: session.cipher_suite.as_ptr(),
            key_exchange_group: session.key_exchange_group.as_ptr(),
            verified_name: session.verified_name.as_ptr(),
            chain: ptr::null(),
            chain_len: chain.len(),
        };
        let mut view = Box::new(Self { c, chain });
        // Last, when the array is not moved any more.
        view.c.chain = view.chain.as_ptr();
        view
    }

    pub(super) fn as_c(&self) -> *const chromesock_tls_session {
        debug_assert_eq!(self.c.chain, self.chain.as_ptr());
        &raw const self.c
    }
}

/// Secures a connection with TLS, as its client. The server must have a certificate for the host of the
/// `connect` that made the connection, from an authority that the app trusts: see chromesock_app_options.
///
/// Every failure from the handshake on, and every call while a read or a send is unfinished, closes the
/// socket, and its id is gone. No onReceive after this call has bytes that came before it. To secure a new
/// connection, create the socket, pause it, connect, and once that has completed, secure; unpause. Made earlier, it
/// finds the socket not connected, as may be, and the connection then stays in plain text: send nothing before it has
/// completed with OK. To secure one that began in plain text (STARTTLS), pause before sending the command that asks
/// for it: its answer still comes, and chrome_sockets_tcp_set_paused says how to ask for more of it.
///
/// Mirrors:    chrome.sockets.tcp.secure
/// State:      connected by chrome.sockets.tcp.connect, no read in flight, no send unfinished, not secured yet.
/// Parameters: options  borrowed until the call returns; NULL = defaults.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKETS_TCP_SECURE with result OK; INVALID_ARGUMENT ("Socket not found", "Socket not
///             connected", "Socket must be a connected client TCP socket.": nothing has changed); FAILED (a read
///             or send is unfinished, or the socket was accepted: it is closed; or another secure runs: nothing
///             has changed); SOCKET_NOT_CONNECTED (the peer has ended), CONNECTION_CLOSED,
///             CONNECTION_RESET, SSL_... or CERT_...: the socket is closed; ABORTED (disconnected meanwhile: the
///             socket stays, and can be connected again; or closed). A handshake has no time limit.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `options` is NULL or a valid struct
/// with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_sockets_tcp_secure(
    app: *mut chromesock_app,
    socket_id: i32,
    options: *const chrome_sockets_tcp_secure_options,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let options = unsafe { chrome_sockets_tcp_secure_options::read(options) }?;
        let secure = EventType::ChromeSocketsTcpSecure;
        inner.secure(secure, socket_id, options, ticket(callback, user_data))?;
    })
}

/// Secures a connection with TLS, as its client; see chrome_sockets_tcp_secure.
///
/// Call it after the peer's answer in plain text was read, and before asking for another read.
///
/// Mirrors:    chrome.socket.secure
/// State:      connected TCP, no read and no write pending, not secured yet.
/// Parameters: options  borrowed until the call returns; NULL = defaults.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROME_SOCKET_SECURE with result OK; INVALID_ARGUMENT ("Socket not found", "Only TCP sockets
///             are supported for TLS.", "Socket not connected": nothing has changed); else as for
///             chrome.sockets.tcp.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `options` is NULL or a valid struct
/// with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chrome_socket_secure(
    app: *mut chromesock_app,
    socket_id: i32,
    options: *const chrome_sockets_tcp_secure_options,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        // SAFETY: the caller's promise.
        let options = unsafe { chrome_sockets_tcp_secure_options::read(options) }?;
        let secure = EventType::ChromeSocketSecure;
        inner.secure(secure, socket_id, options, ticket(callback, user_data))?;
    })
}

/// Asks for the TLS version, cipher suite, key exchange, name and certificates of a secured connection.
///
/// Mirrors:    nothing; host only.
/// State:      secured; otherwise completes with SOCKET_NOT_CONNECTED and "Socket not secured".
/// Parameters: socket_id  a socket of chrome.sockets.tcp or chrome.socket.
///             callback, user_data  for the completion; callback may be NULL.
/// Returns:    OK: one completion follows. Else none follows: INVALID_ARGUMENT, CONTEXT_SHUT_DOWN,
///             UNEXPECTED.
/// Completes:  CHROMESOCK_TLS_SESSION with tls_session; "Socket not found" comes without a result.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_get_tls_session(
    app: *mut chromesock_app,
    socket_id: i32,
    callback: chromesock_callback,
    user_data: *mut c_void,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let inner = unsafe { app_of(app) }?;
        let session = EventType::ChromesockTlsSession;
        inner.call(session, socket_id, Command::GetTlsSession, ticket(callback, user_data))?;
    })
}
