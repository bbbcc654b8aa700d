//! What a manifest allows: for hosts that show it, explain it, or ask before they call.

use std::ffi::{CString, c_char};
use std::ptr;

use super::app::chromesock_app;
use super::types::chromesock_bool;
use super::{app_of, guard, host_of, put, text_of};
use crate::api::net_error::Status;
use crate::permissions::{Grants, Operation, System};

/// A list of texts, owned by the caller; free it with chromesock_texts_free.
pub struct chromesock_texts {
    texts: Vec<CString>,
}

impl chromesock_texts {
    /// Gives a list to C.
    pub(super) fn give(texts: impl IntoIterator<Item = String>) -> *mut Self {
        // A text of C ends at its first NUL; a manifest may hold one.
        let visible = |text: String| CString::new(text.replace('\0', "\u{fffd}")).ok();
        let texts = texts.into_iter().filter_map(visible).collect();
        Box::into_raw(Box::new(Self { texts }))
    }
}

/// The two APIs, each with its own system of permissions.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chromesock_api {
    /// chrome.sockets.*, by the manifest key "sockets".
    ChromesockApiSockets = 0,
    /// chrome.socket, by the "socket" permission.
    ChromesockApiSocket = 1,
}

/// An operation that a rule of a manifest may allow.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum chromesock_operation {
    /// Rule tcp-connect, or manifest key sockets.tcp.connect.
    ChromesockOperationTcpConnect = 0,
    /// Rule tcp-listen, or manifest key sockets.tcpServer.listen.
    ChromesockOperationTcpListen = 1,
    /// Rule udp-bind, or manifest key sockets.udp.bind.
    ChromesockOperationUdpBind = 2,
    /// Rule udp-send-to, or manifest key sockets.udp.send.
    ChromesockOperationUdpSendTo = 3,
    /// Rule udp-multicast-membership, or manifest key sockets.udp.multicastMembership; ask with host "*" and
    /// port 0.
    ChromesockOperationUdpMulticastMembership = 4,
    /// Rule resolve-host; no call of the API asks for it.
    ChromesockOperationResolveHost = 5,
    /// Rule resolve-proxy; no call of the API asks for it.
    ChromesockOperationResolveProxy = 6,
    /// Rule network-state; no call of the API asks for it.
    ChromesockOperationNetworkState = 7,
}

fn system(api: i32) -> Result<System, Status> {
    match api {
        0 => Ok(System::Sockets),
        1 => Ok(System::Legacy),
        _ => Err(Status::InvalidArgument),
    }
}

fn operation_of(number: i32) -> Result<Operation, Status> {
    let index = usize::try_from(number).map_err(|_| Status::InvalidArgument)?;
    Operation::ALL.get(index).copied().ok_or(Status::InvalidArgument)
}

/// Checks a manifest without opening an app.
///
/// Mirrors:    nothing; host only.
/// Parameters: manifest  text of a manifest.json, UTF-8; borrowed until the call returns. Comments,
///             a byte-order mark, and in strings control characters, \v and \xHH are accepted.
///             messages  on OK Chrome's warnings, in order, then a hint for each rule that cannot do what
///             it seems to say, as "tcp-connect:a/b:*: ..."; on INVALID_MANIFEST the error as Chrome words
///             it, then where in the manifest it is. Owned by the caller; NULL = not wanted.
/// Returns:    OK, INVALID_ARGUMENT, INVALID_MANIFEST.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `manifest` is NULL or ends with NUL; `messages` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_manifest_check(
    manifest: *const c_char,
    messages: *mut *mut chromesock_texts,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let text = unsafe { text_of(manifest) }?;
        let (messages_now, status) = match Grants::from_manifest(text) {
            Ok(loaded) => ([loaded.warnings, loaded.lints].concat(), Ok(())),
            Err(error) => (vec![error.message, error.path], Err(Status::InvalidManifest)),
        };
        if !messages.is_null() {
            // SAFETY: not NULL; the rest is the caller's promise.
            unsafe { put(messages, chromesock_texts::give(messages_now)) };
        }
        return status;
    })
}

/// Number of texts in a list.
///
/// Mirrors:    nothing; host only.
/// Parameters: texts  NULL counts as empty.
/// Returns:    the number.
/// Threads:    any; does not block.
/// Since:      0.1
///
/// # Safety
/// `texts` is NULL, or came from this library and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_texts_count(texts: *const chromesock_texts) -> usize {
    // SAFETY: the caller's promise.
    unsafe { texts.as_ref() }.map_or(0, |list| list.texts.len())
}

/// One text of a list.
///
/// Mirrors:    nothing; host only.
/// Parameters: index  from 0.
/// Returns:    UTF-8 text, borrowed until the list is freed; NULL beyond the end.
/// Threads:    any; does not block.
/// Since:      0.1
///
/// # Safety
/// `texts` is NULL, or came from this library and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_texts_at(
    texts: *const chromesock_texts,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    let list = unsafe { texts.as_ref() };
    list.and_then(|list| list.texts.get(index)).map_or(ptr::null(), |text| text.as_ptr())
}

/// Frees a list of texts.
///
/// Mirrors:    nothing; host only.
/// Parameters: texts  gone afterwards; NULL does nothing.
/// Threads:    any; does not block.
/// Since:      0.1
///
/// # Safety
/// `texts` is NULL, or came from this library and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_texts_free(texts: *mut chromesock_texts) {
    guard!({
        if !texts.is_null() {
            // SAFETY: made by Box::into_raw, freed once.
            drop(unsafe { Box::from_raw(texts) });
        }
    });
}

/// Whether the app's manifest makes an API available. In a browser an API that is not available does not
/// exist; here its sockets can be created, and every call that needs a rule is denied.
///
/// Mirrors:    nothing; host only.
/// Parameters: api        one of chromesock_api.
///             available  1 or 0; 1 for an app without a manifest.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `available` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_has_api(
    app: *mut chromesock_app,
    api: i32,
    available: *mut chromesock_bool,
) -> Status {
    guard!({
        if available.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let found = unsafe { app_of(app) }?.grants().available(system(api)?);
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(available, found.into()) };
    })
}

/// Whether an operation on a host and port would be allowed, and by which rule.
///
/// Mirrors:    nothing; host only.
/// Parameters: api        one of chromesock_api.
///             operation  one of chromesock_operation.
///             host       host text as a page would pass it, UTF-8; borrowed until the call returns.
///             port       as a page would pass it.
///             allowed    1 or 0.
///             rule       the rule that allows it, as canonical text ("*" for an app without a
///             manifest); empty if denied. Owned by the caller; NULL = not wanted.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `host` is NULL or ends with
/// NUL; `allowed` and `rule` are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_check(
    app: *mut chromesock_app,
    api: i32,
    operation: i32,
    host: *const c_char,
    port: i32,
    allowed: *mut chromesock_bool,
    rule: *mut *mut chromesock_texts,
) -> Status {
    guard!({
        // SAFETY: the caller's promise.
        let grants = unsafe { app_of(app) }?.grants();
        // SAFETY: the caller's promise.
        let host = unsafe { host_of(host) }?;
        let found = grants.rule_for(system(api)?, operation_of(operation)?, &host, port);
        // SAFETY: the caller's promise.
        unsafe { put(allowed, found.is_some().into()) };
        if !rule.is_null() {
            // SAFETY: not NULL; the rest is the caller's promise.
            unsafe { put(rule, chromesock_texts::give(found)) };
        }
    })
}

/// All rules of an app's manifest as canonical text, such as "tcp-connect:*.example.com:443".
///
/// Mirrors:    nothing; host only.
/// Parameters: api    one of chromesock_api.
///             rules  sorted; "*" for an app without a manifest. Owned by the caller.
/// Returns:    OK, INVALID_ARGUMENT.
/// Threads:    any, also inside callbacks; does not block.
/// Since:      0.1
///
/// # Safety
/// `app` is NULL, or comes from `chromesock_app_new` and is not freed; `rules` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chromesock_app_get_rules(
    app: *mut chromesock_app,
    api: i32,
    rules: *mut *mut chromesock_texts,
) -> Status {
    guard!({
        if rules.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let all = unsafe { app_of(app) }?.grants().canonical(system(api)?);
        // SAFETY: not NULL; the rest is the caller's promise.
        unsafe { put(rules, chromesock_texts::give(all)) };
    })
}
