//! Sections 1, 6 and 9: the two systems are independent; sets and their order.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::{Entry, Grants, Operation, RuleSet, System};
use super::{loaded, with_permissions, with_sockets};

#[test]
fn neither_system_grants_anything_for_the_other_1() {
    let legacy = loaded(&with_permissions(&json!([{"socket":
        ["tcp-connect", "tcp-listen", "udp-bind", "udp-send-to", "udp-multicast-membership"]}])));
    let sockets = loaded(&with_sockets(&json!({
        "udp": {"bind": "", "send": "", "multicastMembership": ""},
        "tcp": {"connect": ""},
        "tcpServer": {"listen": ""}
    })));
    for operation in Operation::ALL.into_iter().filter(|o| o.manifest_path().is_some()) {
        for (grants, has, has_not) in [
            (&legacy.grants, System::Legacy, System::Sockets),
            (&sockets.grants, System::Sockets, System::Legacy),
        ] {
            assert!(grants.available(has) && !grants.available(has_not));
            assert!(grants.allows(has, operation, "a", 80), "{operation:?}");
            assert!(grants.rule_for(has, operation, "a", 80).is_some());
            assert!(!grants.allows(has_not, operation, "a", 80), "{operation:?}");
            assert_eq!(grants.rule_for(has_not, operation, "a", 80), None);
        }
    }
}

#[test]
fn without_a_manifest_everything_is_allowed() {
    let grants = Grants::allow_all();
    for system in [System::Sockets, System::Legacy] {
        assert!(grants.available(system));
        for operation in Operation::ALL {
            for (host, port) in [("", 0), ("::1", -1), ("a", 70000), ("a\0b", 80)] {
                assert!(grants.allows(system, operation, host, port));
                let rule = grants.rule_for(system, operation, host, port);
                assert_eq!(rule.as_deref(), Some("*"));
            }
        }
        assert_eq!(grants.canonical(system), ["*"]);
        assert_eq!(grants.entries(system), []);
    }
    // The text is no rule, so it cannot be mistaken for one.
    assert!(Entry::parse_rule(Grants::ALLOW_ALL_RULE).is_err());
    // An empty manifest is the opposite.
    let empty = loaded(&json!({})).grants;
    for system in [System::Sockets, System::Legacy] {
        assert!(!empty.available(system));
        assert!(!empty.allows(system, Operation::TcpConnect, "a", 80));
    }
}

#[test]
fn entries_are_ordered_by_operation_host_subdomains_and_port_6() {
    // In order; given to the set from the back.
    let sorted = [
        "tcp-connect:*:*",
        "tcp-connect:*:80",
        "tcp-connect:a:*",
        "tcp-connect:a:2",
        "tcp-connect:a:10",
        "tcp-connect:*.a:*",
        "tcp-connect:*.a:1",
        "tcp-connect:a.b:*",
        "tcp-connect:www.example.com:*",
        "tcp-connect:é:*",
        "tcp-listen:*:*",
        "udp-bind:*:*",
        "udp-send-to:*:*",
        "udp-multicast-membership",
        "resolve-host",
        "resolve-proxy",
        "network-state",
    ];
    let reversed: Vec<&str> = sorted.iter().rev().copied().collect();
    let doubled: Vec<&str> = reversed.iter().chain(&sorted).copied().collect();
    for list in [reversed, doubled] {
        let loaded = loaded(&with_permissions(&json!([{"socket": list}])));
        assert_eq!(loaded.grants.canonical(System::Legacy), sorted);
    }
}

#[test]
fn writing_out_and_parsing_again_gives_an_equal_set_6() {
    let first = loaded(&with_permissions(&json!([{"socket": [
        "tcp-connect:*.*.Foo", "tcp-connect:..x:1", "tcp-connect:a. b:+7", "tcp-connect", "udp-bind::9",
        "tcp-listen:[h]", "udp-send-to:MÜ", "resolve-host", "network-state", "tcp-connect:*.."
    ]}])));
    let text = first.grants.canonical(System::Legacy);
    assert_eq!(text.len(), 10);
    let second = loaded(&with_permissions(&json!([{"socket": text}])));
    assert_eq!(first.grants, second.grants);
    assert_eq!(second.grants.canonical(System::Legacy), text);
}

#[test]
fn sets_compare_whole_entries_6() {
    let set = |rules: &[&str]| -> BTreeSet<Entry> {
        rules.iter().map(|rule| Entry::parse_rule(rule).unwrap()).collect()
    };
    let all = set(&["tcp-connect:*:*"]);
    let one = set(&["tcp-connect:a.com:80"]);
    // "Any host and port" matches more but does not contain the narrower entry.
    assert!(!all.is_superset(&one));
    assert_eq!(all.union(&one).count(), 2);
    assert_eq!(all.intersection(&one).count(), 0);
    assert_eq!(all.difference(&one).count(), 1);
    // Equal after normalisation is equal.
    assert!(set(&["tcp-connect:A.com:+080"]).is_superset(&one));
    // All four fields count.
    let different = set(&[
        "tcp-connect:a.com:80",
        "udp-bind:a.com:80",
        "tcp-connect:b.com:80",
        "tcp-connect:*.a.com:80",
        "tcp-connect:a.com:81",
        "tcp-connect:a.com",
    ]);
    assert_eq!(different.len(), 6);
}

#[test]
fn rule_sets_with_equal_entries_are_equal() {
    let entry = |rule| Entry::parse_rule(rule).unwrap();
    let one = RuleSet::new(vec![entry("tcp-connect:a"), entry("udp-bind")]);
    let two = RuleSet::new(vec![entry("udp-bind:*"), entry("tcp-connect:A:*"), entry("udp-bind")]);
    assert_eq!(one, two);
    assert_ne!(one, RuleSet::new(vec![entry("udp-bind")]));
}

#[test]
fn hints_name_the_entry_and_drop_nothing_2_3() {
    let loaded = loaded(&json!({
        "permissions": [{"socket": ["tcp-connect:good", "tcp-connect:a/b"]}],
        "sockets": {"udp": {"send": ["*.168.0.1:53", "fine"]}}
    }));
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(
        loaded.lints,
        [
            "udp-send-to:*.168.0.1:53: a wildcard never covers part of an IP address",
            "tcp-connect:a/b:*: the host is compared as plain text and this text is not a host name",
        ]
    );
    assert!(loaded.grants.allows(System::Legacy, Operation::TcpConnect, "a/b", 80));
}
