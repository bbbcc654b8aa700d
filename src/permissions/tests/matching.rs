//! Section 3: which request matches which entry.

use super::super::Operation::{
    self, NetworkState, ResolveHost, TcpConnect, TcpListen, UdpBind, UdpMulticastMembership,
    UdpSendTo,
};
use super::rules;

/// Entry, operation asked for, host, port, match.
type Row = (&'static str, Operation, &'static str, i32, bool);

/// The rows of the table, in its order.
const TABLE: &[Row] = &[
    ("tcp-connect", TcpConnect, "www.example.com", 80, true),
    ("tcp-connect", UdpSendTo, "www.example.com", 80, false),
    ("udp-send-to::8800", UdpSendTo, "www.example.com", 8800, true),
    ("udp-send-to::8800", UdpSendTo, "smtp.example.com", 8800, true),
    ("udp-send-to::8800", TcpConnect, "www.example.com", 80, false),
    ("udp-send-to:*.example.com:8800", UdpSendTo, "www.example.com", 8800, true),
    ("udp-send-to:*.example.com:8800", UdpSendTo, "SMTP.example.com", 8800, true),
    ("udp-send-to:*.example.com:8800", UdpSendTo, "example.com", 8800, true),
    ("udp-send-to:*.example.com:8800", UdpSendTo, "www.google.com", 8800, false),
    ("udp-send-to:*.example.com:8800", UdpSendTo, "wwwexample.com", 8800, false),
    ("udp-send-to:*.example.com:8800", UdpSendTo, "www.example.com", 8801, false),
    ("udp-bind::8800", UdpBind, "127.0.0.1", 8800, true),
    ("udp-bind::8800", UdpBind, "127.0.0.1", 8888, false),
    ("udp-bind::8800", UdpBind, "127.0.0.1", 0, false),
    ("udp-bind", UdpBind, "0.0.0.0", 0, true),
    ("udp-bind", UdpBind, "::", 0, true),
    ("tcp-connect:*.168.0.1:8800", TcpConnect, "192.168.0.1", 8800, false),
    ("tcp-connect:192.168.0.1", TcpConnect, "192.168.0.1", 8800, true),
    ("tcp-connect:192.168.0.1", TcpConnect, "192.168.1", 8800, false),
    ("tcp-connect:*:80", TcpConnect, "::1", 80, true),
    ("tcp-connect:localhost:80", TcpConnect, "LOCALHOST", 80, true),
    ("tcp-connect:localhost:80", TcpConnect, "127.0.0.1", 80, false),
    ("udp-multicast-membership", UdpMulticastMembership, "*", 0, true),
    ("udp-multicast-membership", UdpMulticastMembership, "239.1.1.1", 0, true),
    ("udp-multicast-membership", UdpBind, "*", 0, false),
    ("udp-multicast-membership", UdpSendTo, "*", 0, false),
    ("udp-multicast-membership", TcpConnect, "*", 0, false),
    ("udp-multicast-membership", TcpListen, "*", 0, false),
    ("resolve-host", ResolveHost, "www.example.com", 0, true),
    ("resolve-host", ResolveHost, "www.example.com", 80, true),
    ("resolve-host", ResolveHost, "www.example.com", 65535, true),
    ("resolve-host", TcpConnect, "127.0.0.1", 8800, false),
    ("network-state", NetworkState, "", 0, true),
];

/// The consequences listed above the table, and its numbered steps.
const CONSEQUENCES: &[Row] = &[
    // `*.example.com` covers its base domain and everything below, nothing beside it.
    ("tcp-connect:*.example.com", TcpConnect, "example.com", 1, true),
    ("tcp-connect:*.example.com", TcpConnect, "a.example.com", 1, true),
    ("tcp-connect:*.example.com", TcpConnect, "a.b.example.com", 1, true),
    ("tcp-connect:*.example.com", TcpConnect, "wwwexample.com", 1, false),
    ("tcp-connect:*.example.com", TcpConnect, ".example.com", 1, false),
    ("tcp-connect:*.example.com", TcpConnect, "com", 1, false),
    ("tcp-connect:*.example.com", TcpConnect, "", 1, false),
    // Step 7: one character before the dot is enough, whatever it is.
    ("tcp-connect:*.example.com", TcpConnect, "..example.com", 1, true),
    // Step 4: without subdomains only the same text.
    ("tcp-connect:example.com", TcpConnect, "example.com", 1, true),
    ("tcp-connect:example.com", TcpConnect, "a.example.com", 1, false),
    // Step 2 folds both sides.
    ("tcp-connect:EXAMPLE.com", TcpConnect, "example.COM", 1, true),
    ("tcp-connect:*.EXAMPLE.com", TcpConnect, "WWW.example.COM", 1, true),
    // Step 5: any host, also none.
    ("tcp-connect", TcpConnect, "", 80, true),
    ("tcp-connect:*:80", TcpConnect, "", 80, true),
    // Port 0 needs an entry for any port.
    ("udp-bind:0.0.0.0", UdpBind, "0.0.0.0", 0, true),
    ("udp-bind:0.0.0.0:5353", UdpBind, "0.0.0.0", 0, false),
    ("udp-bind:*", UdpBind, "0.0.0.0", 0, true),
    ("udp-bind:*:65535", UdpBind, "0.0.0.0", 0, false),
    // Text decides.
    ("tcp-connect:127.0.0.1", TcpConnect, "localhost", 1, false),
    ("tcp-connect:127.0.0.1", TcpConnect, "127.1", 1, false),
    ("udp-bind:0.0.0.0", UdpBind, "::", 1, false),
    // An IPv6 literal needs an entry for any host.
    ("tcp-connect", TcpConnect, "::1", 80, true),
    ("tcp-connect", TcpConnect, "[::1]", 80, true),
    ("tcp-connect::80", TcpConnect, "fe80::1", 80, true),
    ("tcp-connect:*.1", TcpConnect, "::ffff:0.0.0.1", 80, false),
    ("tcp-connect:*.1]", TcpConnect, "[::ffff:0.0.0.1]", 80, false),
    // A trailing dot needs a trailing dot.
    ("tcp-connect:example.com", TcpConnect, "example.com.", 1, false),
    ("tcp-connect:example.com.", TcpConnect, "example.com.", 1, true),
    ("tcp-connect:example.com.", TcpConnect, "example.com", 1, false),
    ("tcp-connect:*.example.com", TcpConnect, "www.example.com.", 1, false),
    ("tcp-connect:*.example.com.", TcpConnect, "www.example.com.", 1, true),
    ("tcp-connect", TcpConnect, "example.com.", 1, true),
    // Hosts that only look like addresses are names.
    ("tcp-connect:*.1.2.3", TcpConnect, "0.0.1.2.3", 1, true),
    ("tcp-connect:*.0.1", TcpConnect, "256.0.0.1", 1, true),
    ("tcp-connect:*.0.1", TcpConnect, "host.0.1", 1, true),
];

#[test]
fn requests_match_entries_as_the_table_says_3() {
    for &(rule, operation, host, port, expected) in TABLE {
        let allowed = rules(rule).allows(operation, host, port);
        assert_eq!(allowed, expected, "{rule:?} with {operation:?} {host:?} {port}");
    }
}

#[test]
fn the_consequences_of_matching_hold_3() {
    for &(rule, operation, host, port, expected) in CONSEQUENCES {
        let allowed = rules(rule).allows(operation, host, port);
        assert_eq!(allowed, expected, "{rule:?} with {operation:?} {host:?} {port}");
    }
}

#[test]
fn no_entry_matches_another_operation_3_step_1() {
    for granted in Operation::ALL {
        let rules = rules(granted.legacy_name());
        for asked in Operation::ALL {
            let allowed = rules.allows(asked, "*", 0);
            assert_eq!(allowed, granted == asked, "{granted:?} granted, {asked:?} asked");
        }
    }
}

#[test]
fn ports_out_of_range_are_matched_by_any_port_only_7() {
    let ports = [0, -1, -80, i32::MIN, 65536, 65536 + 80, 131_152, i32::MAX];
    for port in ports {
        assert!(rules("tcp-connect:a:*").allows(TcpConnect, "a", port), "{port}");
        for named in [1u16, 80, 65535] {
            let rule = format!("tcp-connect:a:{named}");
            assert!(!rules(&rule).allows(TcpConnect, "a", port), "{rule} {port}");
        }
    }
}

#[test]
fn the_rule_shown_is_the_first_matching_one_in_canonical_order_6() {
    use super::super::{Entry, RuleSet};
    let set = |texts: &[&str]| {
        RuleSet::new(texts.iter().map(|text| Entry::parse_rule(text).unwrap()).collect())
    };
    let all = set(&[
        "tcp-connect:*.com:80",
        "tcp-connect:*.example.com:80",
        "tcp-connect:www.example.com:80",
        "tcp-connect:www.example.com",
        "tcp-connect:*.www.example.com",
        "tcp-connect:*:443",
    ]);
    let rows = [
        ("www.example.com", 443, Some("tcp-connect:*:443")),
        ("www.example.com", 80, Some("tcp-connect:*.com:80")),
        ("WWW.example.com", 81, Some("tcp-connect:www.example.com:*")),
        ("a.www.example.com", 81, Some("tcp-connect:*.www.example.com:*")),
        ("example.com", 80, Some("tcp-connect:*.com:80")),
        ("example.org", 80, None),
    ];
    for (host, port, expected) in rows {
        let found = all.rule_for(TcpConnect, host, port);
        assert_eq!(found.as_deref(), expected, "{host} {port}");
        assert_eq!(all.allows(TcpConnect, host, port), expected.is_some());
    }
    assert_eq!(set(&[]).rule_for(TcpConnect, "a", 1), None);
}
