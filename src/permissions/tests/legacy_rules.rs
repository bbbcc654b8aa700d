//! Sections 1.1 and 2.7: operation names and legacy rule texts.

use super::super::PatternError::{
    self, HostWhiteSpace, PatternNotAllowed, Port, PortWhiteSpace, TooManyParts, UnknownOperation,
};
use super::super::{Entry, Operation};
use super::{ADDRESS_BOUND, NOT_ADDRESS_BOUND};

#[test]
fn operations_have_these_names_and_paths_1_1() {
    let rows = [
        (Operation::TcpConnect, "tcp-connect", Some("sockets.tcp.connect"), true),
        (Operation::TcpListen, "tcp-listen", Some("sockets.tcpServer.listen"), true),
        (Operation::UdpBind, "udp-bind", Some("sockets.udp.bind"), true),
        (Operation::UdpSendTo, "udp-send-to", Some("sockets.udp.send"), true),
        (
            Operation::UdpMulticastMembership,
            "udp-multicast-membership",
            Some("sockets.udp.multicastMembership"),
            false,
        ),
        (Operation::ResolveHost, "resolve-host", None, false),
        (Operation::ResolveProxy, "resolve-proxy", None, false),
        (Operation::NetworkState, "network-state", None, false),
    ];
    assert_eq!(rows.map(|row| row.0), Operation::ALL);
    for (operation, name, path, address_bound) in rows {
        assert_eq!(operation.legacy_name(), name);
        assert_eq!(Operation::from_legacy_name(name), Some(operation));
        assert_eq!(operation.manifest_path(), path);
        assert_eq!(operation.is_address_bound(), address_bound);
    }
    assert_eq!(Operation::from_legacy_name("TCP-CONNECT"), None);
}

#[test]
fn a_rule_for_any_host_and_port_may_be_written_in_seven_ways_2_7() {
    for operation in ADDRESS_BOUND {
        let name = operation.legacy_name();
        for tail in ["", ":", "::", ":*", ":*:", "::*", ":*:*"] {
            let rule = format!("{name}{tail}");
            let canonical = Entry::parse_rule(&rule).map(|entry| entry.rule_text());
            assert_eq!(canonical, Ok(format!("{name}:*:*")), "{rule:?}");
        }
    }
}

#[test]
fn accepted_rules_have_this_canonical_text_2_7() {
    let rows = [
        ("tcp-connect:www.example.com", "tcp-connect:www.example.com:*"),
        ("udp-send-to:wWW.ExAmPlE.cOm", "udp-send-to:www.example.com:*"),
        ("udp-bind:.example.com", "udp-bind:*.example.com:*"),
        ("udp-bind:*.example.com", "udp-bind:*.example.com:*"),
        ("tcp-listen::99", "tcp-listen:*:99"),
        ("tcp-connect:*.example.com:99", "tcp-connect:*.example.com:99"),
        ("resolve-host", "resolve-host"),
        ("resolve-proxy", "resolve-proxy"),
        ("network-state", "network-state"),
        ("udp-multicast-membership", "udp-multicast-membership"),
        ("tcp-connect:a:+0080", "tcp-connect:a:80"),
        ("tcp-connect:a. b:80", "tcp-connect:a.b:80"),
        ("tcp-connect:tcp-connect:80", "tcp-connect:tcp-connect:80"),
    ];
    for (rule, canonical) in rows {
        let text = Entry::parse_rule(rule).map(|entry| entry.rule_text());
        assert_eq!(text, Ok(canonical.to_owned()), "{rule:?}");
    }
}

#[test]
fn rejected_rules_are_rejected_for_this_reason_2_7() {
    let rows: &[(&str, PatternError)] = &[
        ("", UnknownOperation),
        ("*", UnknownOperation),
        (":", UnknownOperation),
        (":*:*", UnknownOperation),
        ("\t*", UnknownOperation),
        ("\u{1}*", UnknownOperation),
        ("tcp", UnknownOperation),
        ("tcp-connect2:*", UnknownOperation),
        ("tcp-connec:*", UnknownOperation),
        ("tcp_connect:*", UnknownOperation),
        ("connect:*:*", UnknownOperation),
        ("www.example.com:80", UnknownOperation),
        ("sockets.tcp.connect:*", UnknownOperation),
        ("TCP-CONNECT", UnknownOperation),
        ("Tcp-connect:*:*", UnknownOperation),
        (" tcp-connect", UnknownOperation),
        ("tcp-connect ", UnknownOperation),
        ("tcp-connect :*", UnknownOperation),
        ("tcp-connect\0", UnknownOperation),
        ("tcp-connect:www.example.com:-1", Port),
        ("tcp-connect:www.example.com:65536", Port),
        ("tcp-connect::0", Port),
        ("tcp-connect:::", TooManyParts),
        ("tcp-connect:a:80:", TooManyParts),
        ("tcp-connect:::1", TooManyParts),
        ("tcp-connect:[::1]:80", TooManyParts),
        ("tcp-connect:  www.example.com:  99  ", HostWhiteSpace),
        ("tcp-connect:*.example.com :99", HostWhiteSpace),
        ("tcp-connect:*.example.com: 99", PortWhiteSpace),
        ("tcp-connect:*.example.com:99 ", PortWhiteSpace),
        ("tcp-connect:\t*.example.com:99", HostWhiteSpace),
        ("tcp-connect:\n*.example.com:99", HostWhiteSpace),
        ("resolve-host:", PatternNotAllowed),
        ("resolve-host:127.0.0.1", PatternNotAllowed),
        ("resolve-host:example.com:99", PatternNotAllowed),
        ("resolve-proxy:example.com", PatternNotAllowed),
        ("udp-multicast-membership:*", PatternNotAllowed),
        ("udp-multicast-membership:*:*", PatternNotAllowed),
    ];
    for &(rule, reason) in rows {
        assert_eq!(Entry::parse_rule(rule), Err(reason), "{rule:?}");
    }
}

#[test]
fn operations_without_address_take_no_pattern_at_all_2_7() {
    for operation in NOT_ADDRESS_BOUND {
        for tail in [":", "::", ":*", ":*:*", ":a:80", ": ", ":::"] {
            let rule = format!("{}{tail}", operation.legacy_name());
            assert_eq!(Entry::parse_rule(&rule), Err(PatternNotAllowed), "{rule:?}");
        }
    }
}
