//! The machine's addresses, as `chrome.socket.getNetworkList` lists them (socket-legacy.md 10).

use std::collections::HashSet;
use std::ffi::CString;
use std::io;
use std::net::IpAddr;

use super::{address, sys};
use crate::api::properties::NetworkInterface;

/// All addresses of interfaces that are up and are not loopback: IPv4 before IPv6, ascending; an
/// address of two interfaces once.
pub(super) fn list() -> io::Result<Vec<NetworkInterface>> {
    let usable: HashSet<_> = sys::usable_interfaces()?.into_iter().collect();
    let mut found = sys::addresses()?;
    found.retain(|(ip, name, _)| usable.contains(name) && !is_left_out(*ip));
    found.sort_by_key(|(ip, ..)| *ip);
    found.dedup_by_key(|(ip, ..)| *ip);
    let named = found.into_iter().map(|(ip, name, prefix_length)| NetworkInterface {
        name: CString::new(name).unwrap_or_default().into_boxed_c_str(),
        address: address::text(ip),
        prefix_length,
    });
    Ok(named.collect())
}

/// Unspecified addresses, and IPv6 loopback; 127.0.0.1 on another interface is listed, as in Chromium.
fn is_left_out(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_loopback(),
    }
}
