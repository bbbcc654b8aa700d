//! What the system tells of its network interfaces beyond their addresses.

use std::io;
use std::net::IpAddr;

/// Names of the interfaces that are up, have a carrier and are not loopback.
pub(in crate::net) fn usable_interfaces() -> io::Result<Vec<String>> {
    use nix::net::if_::InterfaceFlags as Flags;
    let mut wanted = Flags::IFF_UP | Flags::IFF_RUNNING;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        wanted |= Flags::IFF_LOWER_UP;
    }
    let all = nix::ifaddrs::getifaddrs()?;
    Ok(all
        .filter(|entry| entry.flags.contains(wanted) && !entry.flags.contains(Flags::IFF_LOOPBACK))
        .map(|entry| entry.interface_name)
        .collect())
}

/// IPv6 addresses that are tentative, duplicate or optimistic, where the system tells.
pub(in crate::net) fn unsettled_addresses() -> Vec<IpAddr> {
    const OPTIMISTIC_FAILED_OR_TENTATIVE: u32 = 0x04 | 0x08 | 0x40;
    let table = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let unsettled = table.lines().filter_map(|line| {
        // Address, index, prefix length, scope, flags, name: hexadecimal but for the name.
        let mut fields = line.split_ascii_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        (flags & OPTIMISTIC_FAILED_OR_TENTATIVE != 0).then(|| IpAddr::V6(address.into()))
    });
    unsettled.collect()
}

/// Elsewhere the C library tells them right.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::net) fn ipv4_addresses() -> io::Result<Vec<(std::net::Ipv4Addr, u8, String)>> {
    Err(io::ErrorKind::Unsupported.into())
}
