//! Addresses as text: which text is an IP literal, which is a name, and how addresses are printed.

use std::ffi::{CStr, CString};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::api::properties::Endpoint;

/// What a host text means to `connect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address, used directly.
    Literal(IpAddr),
    /// `localhost` or a name under it, canonical: the loopback addresses, without a query (tcp.md DN-2).
    Localhost(Box<str>),
    /// A canonical name for the resolver.
    Name(Box<str>),
    /// No name at all (tcp.md DN-3): not resolved, without a query.
    Invalid,
}

/// Longest name DNS can carry, without the trailing dot.
const MAX_NAME: usize = 253;
/// Longer text is no name, whatever it maps to: mapping it takes long. One character of a name is four bytes at most.
const MAX_TEXT: usize = 4 * (MAX_NAME + 1);

/// Reads an IP literal (tcp.md LS-2): IPv6 without brackets or zone, IPv4 in any form a URL parser
/// takes (`127.1`, `0x7f.1`, `2130706433`).
#[must_use]
pub fn parse_literal(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    // The usual form, which needs no thought.
    if let Ok(plain) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(plain));
    }
    // The URL parser also decodes percent signs and maps Unicode; a literal has neither.
    if !text.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b'x' | b'X')) {
        return None;
    }
    match url::Host::parse(text) {
        Ok(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        _ => None,
    }
}

/// Whether no two sockets can have both as their own at one port: they are the same, or one covers the
/// other. `::` covers IPv4 too (tcp.md LS-3).
#[must_use]
pub fn collide(one: IpAddr, other: IpAddr) -> bool {
    let covers =
        |any: IpAddr, address: IpAddr| any.is_unspecified() && (any.is_ipv6() || address.is_ipv4());
    let (one, other) = (one.to_canonical(), other.to_canonical());
    one == other || covers(one, other) || covers(other, one)
}

/// Classifies the host text of a `connect`, canonicalising names first (tcp.md DN-1 to DN-4).
#[must_use]
pub fn parse_host(text: &str) -> Host {
    if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().map_or(Host::Invalid, |a| Host::Literal(IpAddr::V6(a)));
    }
    if let Some(address) = parse_literal(text) {
        return Host::Literal(address);
    }
    let Some(name) = to_ascii(text) else {
        return Host::Invalid;
    };
    // Unicode digits and dots may have become an address; the resolver would take it as one.
    if let Some(address) = parse_literal(&name) {
        return Host::Literal(address);
    }
    let labels = name.strip_suffix('.').unwrap_or(&name);
    if labels.len() > MAX_NAME || !labels.split('.').all(is_label) {
        return Host::Invalid;
    }
    let last = labels.rsplit('.').next().unwrap_or_default();
    match last {
        "localhost" => Host::Localhost(name.into()),
        // RFC 6761: known not to exist.
        "invalid" => Host::Invalid,
        _ if last.starts_with(|c: char| c.is_ascii_alphanumeric()) => Host::Name(name.into()),
        _ => Host::Invalid,
    }
}

fn to_ascii(text: &str) -> Option<String> {
    let most = if text.is_ascii() { MAX_NAME + 1 } else { MAX_TEXT };
    if text.len() > most { None } else { idna::domain_to_ascii(text).ok() }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Room for the text of any address and its NUL.
pub type AddressText = [u8; 48];
/// None.
pub const NO_ADDRESS: AddressText = [0; 48];

/// Canonical address text (tcp.md T-1): no brackets, no zone; IPv4-mapped IPv6 in pure hex.
#[must_use]
pub fn text(address: IpAddr) -> Box<CStr> {
    match address {
        IpAddr::V4(v4) => CString::new(v4.to_string()).unwrap_or_default().into_boxed_c_str(),
        IpAddr::V6(v6) => {
            let mut text = NO_ADDRESS;
            write_ipv6(&mut text, v6);
            CStr::from_bytes_until_nul(&text).unwrap_or_default().into()
        }
    }
}

/// The same without allocating.
pub fn write_ipv6(into: &mut AddressText, address: Ipv6Addr) {
    let mut rest = &mut into[..];
    // In brackets, for which there is room.
    let _ = write!(rest, "{}", url::Host::<&str>::Ipv6(address));
    let left = rest.len();
    let end = into.len() - left - 1;
    into[end] = 0;
    into.copy_within(1..=end, 0);
}

/// An address with its port, as programs read it.
#[must_use]
pub fn endpoint(at: SocketAddr) -> Endpoint {
    Endpoint { address: text(at.ip()), port: at.port() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_as_the_system_has_it_ls_3() {
        let collide = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse().unwrap());
            assert_eq!(super::collide(one, other), super::collide(other, one));
            super::collide(one, other)
        };
        for (one, other) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "0.0.0.0"),
            ("127.0.0.1", "::"),
            ("127.0.0.1", "::ffff:127.0.0.1"),
            ("0.0.0.0", "::"),
            ("0.0.0.0", "::ffff:10.0.0.1"),
            ("::1", "::"),
        ] {
            assert!(collide(one, other), "{one} {other}");
        }
        for (one, other) in
            [("127.0.0.1", "127.0.0.2"), ("0.0.0.0", "::1"), ("127.0.0.1", "::1"), ("::1", "::2")]
        {
            assert!(!collide(one, other), "{one} {other}");
        }
    }

    #[test]
    fn literals_are_what_a_url_parser_takes_as_an_address_ls_2() {
        for loopback in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1."] {
            assert_eq!(parse_literal(loopback), Some("127.0.0.1".parse().unwrap()), "{loopback}");
        }
        for v6 in ["::1", "::", "FE80::1", "::ffff:1.2.3.4"] {
            assert!(matches!(parse_literal(v6), Some(IpAddr::V6(_))), "{v6}");
        }
        for name in [
            "",
            " 127.0.0.1",
            "127.0.0.1 ",
            "192.168.0.1:30",
            "localhost",
            "*",
            "[::1]",
            "fe80::1%eth0",
            "256.1.1.1",
            "1.2.3.4.5",
            "1%2e1",
            "１２７.0.0.1",
            "abc",
            "1..2",
        ] {
            assert_eq!(parse_literal(name), None, "{name:?}");
        }
    }

    #[test]
    fn hosts_are_canonicalised_and_bad_ones_never_reach_the_resolver_dn_1_to_dn_4() {
        let name = |n: &str| Host::Name(n.into());
        assert_eq!(parse_host("EXAMPLE.com"), name("example.com"));
        assert_eq!(parse_host("example.com."), name("example.com."));
        assert_eq!(parse_host("münchen.de"), name("xn--mnchen-3ya.de"));
        assert_eq!(parse_host("a_b.example"), name("a_b.example"));
        assert_eq!(parse_host("[::1]"), Host::Literal("::1".parse().unwrap()));
        assert_eq!(parse_host("127.1"), Host::Literal("127.0.0.1".parse().unwrap()));
        for local in ["localhost", "localhost.", "LOCALHOST", "a.localhost", "a.b.localhost."] {
            assert!(matches!(parse_host(local), Host::Localhost(_)), "{local}");
        }
        let long = format!("{}.example", "a".repeat(250));
        let bad = [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "a/b",
            "exa$mple.com",
            "host.-x",
            "fe80::1%eth0",
            "::g",
            "[127.0.0.1]",
            "[::1",
            "x.invalid",
            "a\u{200b}b c",
            long.as_str(),
        ];
        for text in bad {
            assert_eq!(parse_host(text), Host::Invalid, "{text:?}");
        }
    }

    #[test]
    fn no_text_is_longer_than_that_of_the_longest_name_dn_3() {
        // Letters of four bytes, each of which maps to one.
        let letters = |number| "\u{1d41a}".repeat(number);
        let longest = [63, 63, 63, 61].map(letters).join(".");
        assert!(longest.len() <= MAX_TEXT && longest.chars().count() == MAX_NAME);
        let Host::Name(name) = parse_host(&longest) else { panic!("{longest} is a name") };
        assert_eq!((name.len(), &name[..3]), (MAX_NAME, "aaa"));
        // A soft hyphen maps to nothing.
        let hyphens = |number| format!("a{}.example", "\u{ad}".repeat(number));
        assert_eq!(parse_host(&hyphens(500)), Host::Name("a.example".into()));
        assert_eq!(parse_host(&hyphens(505)), Host::Invalid);
    }

    #[test]
    fn mapped_addresses_print_in_hex_t_1() {
        let shown = |a: &str| text(a.parse().unwrap()).to_str().unwrap().to_owned();
        assert_eq!(shown("::ffff:127.0.0.1"), "::ffff:7f00:1");
        assert_eq!(shown("FE80::1"), "fe80::1");
        assert_eq!(shown("::"), "::");
        assert_eq!(shown("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
        assert_eq!(shown("10.0.0.1"), "10.0.0.1");
    }
}
