//! Version, and names for people: all static text.

use std::ffi::{CStr, c_char};
use std::ptr;

use crate::api::net_error::Status;
use crate::api::table::EventType;

const fn number(text: &str) -> u32 {
    let digits = text.as_bytes();
    let (mut value, mut i) = (0, 0);
    while i < digits.len() {
        value = value * 10 + (digits[i] - b'0') as u32;
        i += 1;
    }
    value
}

/// Version of the library that is running.
///
/// Mirrors:    nothing; host only.
/// Returns:    major * 65536 + minor * 256 + patch; compare with CHROMESOCK_VERSION_…
/// Threads:    any; does not block.
/// Since:      0.1
#[unsafe(no_mangle)]
pub extern "C" fn chromesock_version_number() -> u32 {
    const {
        number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
            | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
            | number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

/// Version of the library that is running, as text such as "0.1.0".
///
/// Mirrors:    nothing; host only.
/// Returns:    static text.
/// Threads:    any; does not block.
/// Since:      0.1
#[unsafe(no_mangle)]
pub extern "C" fn chromesock_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Name of a result, such as "net::ERR_CONNECTION_REFUSED": what programs read as chrome.runtime.lastError.message.
///
/// Mirrors:    nothing; host only.
/// Parameters: status  a chromesock_status.
/// Returns:    static text; NULL for a number that is not in the list.
/// Threads:    any; does not block.
/// Since:      0.1
#[unsafe(no_mangle)]
pub extern "C" fn chromesock_status_name(status: i32) -> *const c_char {
    Status::from_number(status).map_or(ptr::null(), |status| status.name().as_ptr())
}

/// Meaning of a result, as one sentence.
///
/// Mirrors:    nothing; host only.
/// Parameters: status  a chromesock_status.
/// Returns:    static text; NULL for a number that is not in the list.
/// Threads:    any; does not block.
/// Since:      0.1
#[unsafe(no_mangle)]
pub extern "C" fn chromesock_status_text(status: i32) -> *const c_char {
    Status::from_number(status).map_or(ptr::null(), |status| status.text().as_ptr())
}

/// Chrome's name of what an event is about, such as "chrome.sockets.tcp.onReceive"; for events that are
/// the host's alone a few words, such as "app closed".
///
/// Mirrors:    nothing; host only.
/// Parameters: type  the type of an event.
/// Returns:    static text; NULL for a number that is not in the list.
/// Threads:    any; does not block.
/// Since:      0.1
#[unsafe(no_mangle)]
pub extern "C" fn chromesock_event_type_name(r#type: u32) -> *const c_char {
    EventType::from_number(r#type).map_or(ptr::null(), |found| CStr::as_ptr(found.chrome_name()))
}
