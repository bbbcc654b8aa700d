//! What the system tells of its network interfaces; on Linux their addresses come from `rtnetlink`.

use std::io;

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

/// All addresses, each with the name of its interface and its prefix length.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::net) fn addresses() -> io::Result<Vec<(std::net::IpAddr, String, u8)>> {
    let all = if_addrs::get_if_addrs()?.into_iter().map(|one| {
        let prefix_length = match &one.addr {
            if_addrs::IfAddr::V4(v4) => v4.prefixlen,
            if_addrs::IfAddr::V6(v6) => v6.prefixlen,
        };
        (one.ip(), one.name, prefix_length)
    });
    Ok(all.collect())
}
