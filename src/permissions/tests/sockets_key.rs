//! Sections 5.1 and 5.3: the `sockets` key of a manifest.

use serde_json::{Value, json};

use super::super::{Operation, System};
use super::{load, loaded, with_sockets};

/// The sockets grants of a fragment; `None` when the manifest is rejected.
fn grants(fragment: &Value) -> Option<Vec<String>> {
    let loaded = load(&with_sockets(fragment)).ok()?;
    assert_eq!(loaded.warnings, Vec::<String>::new(), "{fragment}");
    assert_eq!(loaded.grants.canonical(System::Legacy), Vec::<String>::new(), "{fragment}");
    assert!(loaded.grants.available(System::Sockets), "{fragment}");
    Some(loaded.grants.canonical(System::Sockets))
}

#[test]
fn fragments_give_these_grants_5_1() {
    let rows: [(Value, &[&str]); 22] = [
        (json!({}), &[]),
        (json!({"udp": {}}), &[]),
        (json!({"udp": {"send": []}}), &[]),
        (json!({"udp": {"send": ""}}), &["udp-send-to:*:*"]),
        (json!({"udp": {"send": [""]}}), &["udp-send-to:*:*"]),
        (json!({"udp": {"send": ["a:80", "b:10"]}}), &["udp-send-to:a:80", "udp-send-to:b:10"]),
        (
            json!({"udp": {"bind": ["127.0.0.1:3007", "a.com:80"]}}),
            &["udp-bind:127.0.0.1:3007", "udp-bind:a.com:80"],
        ),
        (json!({"udp": {"send": ["", "a.com:80"]}}), &["udp-send-to:*:*", "udp-send-to:a.com:80"]),
        (json!({"udp": {"multicastMembership": ""}}), &["udp-multicast-membership"]),
        (json!({"udp": {"multicastMembership": [""]}}), &["udp-multicast-membership"]),
        (json!({"udp": {"multicastMembership": ["", ""]}}), &["udp-multicast-membership"]),
        (json!({"udp": {"multicastMembership": []}}), &[]),
        (json!({"tcp": {"connect": "*:23"}}), &["tcp-connect:*:23"]),
        (json!({"tcp": {"connect": ["*:23", "*:80"]}}), &["tcp-connect:*:23", "tcp-connect:*:80"]),
        (json!({"tcp": {"connect": "www.example.com:23"}}), &["tcp-connect:www.example.com:23"]),
        (json!({"tcp": {"connect": ""}}), &["tcp-connect:*:*"]),
        (json!({"udp": {"send": ":99"}}), &["udp-send-to:*:99"]),
        (json!({"udp": {"bind": ":8899"}}), &["udp-bind:*:8899"]),
        (json!({"tcpServer": {"listen": ":8080"}}), &["tcp-listen:*:8080"]),
        (json!({"tcp": {"connect": ["*:80", "*:080", "*:80"]}}), &["tcp-connect:*:80"]),
        // Unknown keys are ignored, whatever they hold.
        (json!({"sctp": 5, "udp": {"recv": 5, "bind": "a"}, "TCP": null}), &["udp-bind:a:*"]),
        (json!({"tcp": {"listen": 1, "bind": 2}, "tcpServer": {"connect": 3}}), &[]),
    ];
    for (fragment, expected) in rows {
        assert_eq!(grants(&fragment).as_deref().map(|g| g.join(" ")), Some(expected.join(" ")));
    }
    // Key absent: the API is not available.
    let loaded = loaded(&json!({"name": "test"}));
    assert!(!loaded.grants.available(System::Sockets));
    assert!(loaded.grants.canonical(System::Sockets).is_empty());
    // Membership takes no pattern: manifest rejected.
    assert_eq!(grants(&json!({"udp": {"multicastMembership": "*"}})), None);
}

#[test]
fn errors_have_these_exact_texts_and_paths_5_1() {
    let types = [
        (json!(null), "null"),
        (json!(true), "boolean"),
        (json!(7), "integer"),
        (json!(-2_147_483_648i64), "integer"),
        (json!(2_147_483_648i64), "double"),
        (json!(u64::MAX), "double"),
        (json!(7.0), "double"),
        (json!("text"), "string"),
        (json!([]), "list"),
        (json!({}), "dictionary"),
    ];
    let check = |fragment: Value, message: String, path: &str| {
        let error = load(&with_sockets(&fragment)).expect_err(&fragment.to_string());
        assert_eq!(error.message, message, "{fragment}");
        assert_eq!(error.path, path, "{fragment}");
    };
    let keys = [
        ("udp", "bind"),
        ("udp", "send"),
        ("udp", "multicastMembership"),
        ("tcp", "connect"),
        ("tcpServer", "listen"),
    ];
    for (value, name) in types {
        if name != "dictionary" {
            check(value.clone(), format!("expected dictionary, got {name}"), "sockets");
            for group in ["udp", "tcp", "tcpServer"] {
                let message = format!("'{group}': expected dictionary, got {name}");
                check(json!({group: value}), message, &format!("sockets.{group}"));
            }
        }
        for (group, key) in keys {
            let path = format!("sockets.{group}.{key}");
            if name != "string" && name != "list" {
                let message = format!("expected string or strings, got {name}");
                check(json!({group: {key: value}}), message, &path);
            }
            if name != "string" {
                for index in [0, 1, 3] {
                    let mut list = vec![json!(""); index];
                    list.extend([value.clone(), json!(5)]);
                    let message = format!(
                        "Error at key 'strings': Parsing array failed at index {index}: \
                         expected string, got {name}"
                    );
                    check(json!({group: {key: list}}), message, &format!("{path}[{index}]"));
                }
            }
        }
    }
    for (group, key) in keys {
        let path = format!("sockets.{group}.{key}");
        for pattern in ["a:b:c", "::1", " a", "a:0", "a:65536", "it's:x", "\"\n"] {
            let message = format!("Invalid host:port pattern '{pattern}'");
            check(json!({group: {key: pattern}}), message.clone(), &path);
            check(json!({group: {key: ["", pattern, "b:0"]}}), message, &format!("{path}[1]"));
        }
    }
}

#[test]
fn the_first_error_in_the_fixed_order_is_reported_5_1() {
    let rows = [
        // The whole structure before any pattern.
        (json!({"udp": {"bind": "a:b:c"}, "tcp": 5}), "'tcp': expected dictionary, got integer"),
        (
            json!({"udp": {"bind": "a:b:c"}, "tcpServer": {"listen": null}}),
            "expected string or strings, got null",
        ),
        // The structure: udp (bind, send, multicastMembership), tcp, tcpServer.
        (json!({"tcpServer": 1, "tcp": "", "udp": []}), "'udp': expected dictionary, got list"),
        (json!({"tcpServer": 1, "tcp": ""}), "'tcp': expected dictionary, got string"),
        (json!({"tcp": 1, "udp": {"send": 1.5}}), "expected string or strings, got double"),
        (
            json!({"udp": {"multicastMembership": {}, "send": true, "bind": 1}}),
            "expected string or strings, got integer",
        ),
        (
            json!({"udp": {"multicastMembership": {}, "send": true}}),
            "expected string or strings, got boolean",
        ),
        (
            json!({"tcpServer": {"listen": [1]}, "tcp": {"connect": [null]}}),
            "Error at key 'strings': Parsing array failed at index 0: expected string, got null",
        ),
        // The patterns: the same order, each list from the front.
        (
            json!({"udp": {"multicastMembership": "3:x", "send": ["", "2:x"], "bind": ["a", "1:x", "1:y"]}}),
            "Invalid host:port pattern '1:x'",
        ),
        (
            json!({"udp": {"multicastMembership": "3:x", "send": ["", "2:x"]}}),
            "Invalid host:port pattern '2:x'",
        ),
        (
            json!({"tcpServer": {"listen": "5:x"}, "tcp": {"connect": "4:x"},
                   "udp": {"multicastMembership": "3:x"}}),
            "Invalid host:port pattern '3:x'",
        ),
        (
            json!({"tcpServer": {"listen": "5:x"}, "tcp": {"connect": "4:x"}}),
            "Invalid host:port pattern '4:x'",
        ),
    ];
    for (fragment, message) in rows {
        let error = load(&with_sockets(&fragment)).expect_err(&fragment.to_string());
        assert_eq!(error.message, message, "{fragment}");
    }
}

#[test]
fn the_worked_example_gives_these_grants_and_answers_5_3() {
    let loaded = loaded(&json!({
        "name": "demo", "version": "1", "manifest_version": 2,
        "permissions": [
            "storage",
            {"socket": ["tcp-connect:*.Example.com:443", "udp-bind", "bogus:1:2"]}
        ],
        "sockets": {
            "udp": {
                "bind": "*",
                "send": ["*.example.com:53", "224.0.0.251:5353"],
                "multicastMembership": ""
            },
            "tcpServer": {"listen": "127.0.0.1:8080"}
        }
    }));
    let grants = &loaded.grants;
    assert_eq!(grants.canonical(System::Legacy), ["tcp-connect:*.example.com:443", "udp-bind:*:*"]);
    assert_eq!(
        loaded.warnings,
        ["Permission '\"bogus:1:2\"' is unknown or URL pattern is malformed."]
    );
    assert_eq!(
        grants.canonical(System::Sockets),
        [
            "tcp-listen:127.0.0.1:8080",
            "udp-bind:*:*",
            "udp-send-to:224.0.0.251:5353",
            "udp-send-to:*.example.com:53",
            "udp-multicast-membership",
        ]
    );
    let calls = [
        (System::Sockets, Operation::UdpBind, "0.0.0.0", 0, true),
        (System::Sockets, Operation::UdpSendTo, "ns.example.com", 53, true),
        (System::Sockets, Operation::UdpSendTo, "224.0.0.251", 5353, true),
        (System::Sockets, Operation::UdpSendTo, "224.0.0.251", 5354, false),
        (System::Sockets, Operation::UdpMulticastMembership, "*", 0, true),
        (System::Sockets, Operation::TcpConnect, "www.example.com", 443, false),
        (System::Sockets, Operation::TcpListen, "127.0.0.1", 8080, true),
        (System::Sockets, Operation::TcpListen, "0.0.0.0", 8080, false),
        (System::Legacy, Operation::TcpConnect, "www.example.com", 443, true),
        (System::Legacy, Operation::TcpListen, "127.0.0.1", 8080, false),
        (System::Legacy, Operation::UdpSendTo, "ns.example.com", 53, false),
    ];
    for (system, operation, host, port, expected) in calls {
        let allowed = grants.allows(system, operation, host, port);
        assert_eq!(allowed, expected, "{system:?} {operation:?} {host} {port}");
    }
}
