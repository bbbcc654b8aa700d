//! Does this host text read as an IP address?
//!
//! Used only to refuse: a `*.host` entry never covers part of an address. IPv4 is read by the rules
//! for hosts of URLs: decimal, octal or hexadecimal, one to four numbers, percent signs decoded
//! and international characters mapped to ASCII first.

use std::net::Ipv6Addr;

use url::Host;

/// Longer text in international characters is no host, and is refused: mapping it takes long.
const MAX_MAPPED: usize = 4 * 254;

/// Whether the host reads as an IPv4 address in any notation, or as an IPv6 address with or
/// without brackets and with or without a zone.
pub(super) fn reads_as_ip(host: &str) -> bool {
    if host.contains(':') {
        return reads_as_ipv6(host);
    }
    if host.is_ascii() && !host.contains('%') && !ends_in_number(host) {
        return false;
    }
    if host.len() > MAX_MAPPED && !host.is_ascii() {
        return true;
    }
    matches!(Host::parse(host), Ok(Host::Ipv4(_) | Host::Ipv6(_)))
}

fn reads_as_ipv6(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    // A zone may hold any text, also dots, so `fe80::1%eth0.example.com` is still an address.
    let address = inner.split_once('%').map_or(inner, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

/// Whether the last label begins with a digit, as it does in every plain IPv4 address. Saves the
/// full reading for nearly all names.
fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = host.rsplit('.').next().unwrap_or("");
    label.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_any_host_is_refused_without_mapping_it() {
        let letters = |number| "\u{1d41a}".repeat(number);
        assert!(!reads_as_ip(&letters(MAX_MAPPED / 4)));
        assert!(reads_as_ip(&letters(MAX_MAPPED / 4 + 1)));
        assert!(!reads_as_ip(&"a".repeat(MAX_MAPPED + 1)), "plain text is quickly read");
    }
}
