//! The system's resolver.

use std::net::IpAddr;

use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};

use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::engine::command::Answer;

/// tcp.md DN-5 and DN-7.
pub(super) fn look_up(host: &str, dns_query_type: DnsQueryType) -> Answer {
    let (address, flags) = match dns_query_type {
        // A family that no interface has an address of is not asked for.
        DnsQueryType::Any if has_global_ipv6() => (0, ADDRCONFIG),
        // For the system a link-local address is one, too.
        DnsQueryType::Any | DnsQueryType::Ipv4 => (AddrFamily::Inet.into(), 0),
        DnsQueryType::Ipv6 => (AddrFamily::Inet6.into(), 0),
    };
    let socktype = SockType::Stream.into();
    let hints = AddrInfoHints { socktype, address, flags, protocol: 0 };
    match dns_lookup::getaddrinfo(Some(host), None, Some(hints)) {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for entry in found.flatten() {
                if !addresses.contains(&entry.sockaddr.ip()) {
                    addresses.push(entry.sockaddr.ip());
                }
            }
            // ICANN's address for names that collide with a new top-level domain.
            let collides = addresses.contains(&NAME_COLLISION);
            if addresses.is_empty() || collides {
                Err(Status::NameNotResolved)
            } else {
                Ok(addresses)
            }
        }
        // The resolver is sure that the name does not exist, or has no address of that family.
        Err(error) if matches!(error.kind(), LookupErrorKind::NoName | LookupErrorKind::NoData) => {
            Err(Status::NameNotResolved)
        }
        Err(_) if is_offline() => Err(Status::InternetDisconnected),
        Err(_) => Err(Status::NameNotResolved),
    }
}

const NAME_COLLISION: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 53, 53));

const ADDRCONFIG: i32 = libc::AI_ADDRCONFIG;

/// Whether the machine can be the source of IPv6 beyond its links; if that cannot be told, it may.
fn has_global_ipv6() -> bool {
    let is_global = |interface: &if_addrs::Interface| match interface.ip() {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    if_addrs::get_if_addrs().map_or(true, |all| all.iter().any(is_global))
}

/// Whether the machine is known to have no network: no address beyond loopback.
fn is_offline() -> bool {
    if_addrs::get_if_addrs().is_ok_and(|all| all.iter().all(if_addrs::Interface::is_loopback))
}
