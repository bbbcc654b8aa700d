//! What the system tells of its network interfaces; on Linux their addresses come from `rtnetlink`.

use std::io;

/// Names of the interfaces that are up, have a carrier and are not loopback.
pub(in crate::net) fn usable_interfaces() -> io::Result<Vec<String>> {
    use nix::net::if_::InterfaceFlags as Flags;
    let wanted = Flags::IFF_UP | Flags::IFF_RUNNING;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let wanted = wanted | Flags::IFF_LOWER_UP;
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
        (without_zone(one.ip()), one.name, prefix_length)
    });
    Ok(all.collect())
}

/// Some systems write the number of the interface into link-local addresses, where there are zeros on the wire.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
fn without_zone(ip: std::net::IpAddr) -> std::net::IpAddr {
    match ip {
        std::net::IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            let mut groups = v6.segments();
            groups[1] = 0;
            groups.into()
        }
        _ => ip,
    }
}

#[cfg(test)]
mod tests {
    /// socket-legacy.md 10: as systems other than Linux may give them.
    #[test]
    fn link_local_addresses_are_listed_without_zone() {
        for (given, listed) in [
            ("fe80:4::1:2", "fe80::1:2"),
            ("fe80::1", "fe80::1"),
            ("fd00:4::1", "fd00:4::1"),
            ("2001:db8:4::1", "2001:db8:4::1"),
            ("169.254.4.1", "169.254.4.1"),
        ] {
            assert_eq!(super::without_zone(given.parse().unwrap()).to_string(), listed);
        }
    }
}
