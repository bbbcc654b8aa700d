//! Many rules, long hosts: the answers stay right and the work stays bounded.

use serde_json::json;

use super::super::{Entry, Grants, Operation, RuleSet, System};
use super::{loaded, with_permissions, with_sockets};

#[test]
fn ten_thousand_rules_load_and_match_in_both_systems() {
    let patterns: Vec<String> = (0..10_000)
        .map(|i| match i % 4 {
            0 => format!("host{i}.example.com:443"),
            1 => format!("*.zone{i}.example.net"),
            2 => format!("10.{}.{}.7:{}", i / 250, i % 250, 1024 + i),
            _ => format!("*.d{}.zone{}.example.net:{i}", i % 7, i - 2),
        })
        .collect();
    let rules: Vec<String> = patterns.iter().map(|p| format!("tcp-connect:{p}")).collect();
    let sockets = loaded(&with_sockets(&json!({"tcp": {"connect": patterns}}))).grants;
    let legacy = loaded(&with_permissions(&json!([{"socket": rules}]))).grants;
    for (grants, system) in [(&sockets, System::Sockets), (&legacy, System::Legacy)] {
        assert_eq!(grants.canonical(system).len(), 10_000);
        let rule_for =
            |host: &str, port| grants.rule_for(system, Operation::TcpConnect, host, port);
        for i in 0..10_000i32 {
            let (host, port, pattern) = match i % 4 {
                0 => (format!("HOST{i}.example.com"), 443, format!("host{i}.example.com:443")),
                1 => (format!("a.b.zone{i}.example.net"), 0, format!("*.zone{i}.example.net:*")),
                2 => {
                    let host = format!("10.{}.{}.7", i / 250, i % 250);
                    (host.clone(), 1024 + i, format!("{host}:{}", 1024 + i))
                }
                // The rule for the zone covers this too, but sorts behind.
                _ => {
                    let host = format!("d{}.zone{}.example.net", i % 7, i - 2);
                    (format!("x.{host}"), i, format!("*.{host}:{i}"))
                }
            };
            assert_eq!(rule_for(&host, port), Some(format!("tcp-connect:{pattern}")), "{host}");
            assert_eq!(rule_for(&format!("{host}x"), port), None, "{host}");
        }
    }
}

#[test]
fn hosts_longer_than_any_buffer_match_as_short_ones() {
    for length in [1usize, 254, 255, 256, 257, 300, 5000] {
        let name = "n".repeat(length);
        let rules = RuleSet::new(vec![
            Entry::parse_rule(&format!("tcp-connect:{name}:1")).unwrap(),
            Entry::parse_rule(&format!("tcp-connect:*.{name}.z:2")).unwrap(),
        ]);
        let allows = |host: &str, port| rules.allows(Operation::TcpConnect, host, port);
        assert!(allows(&name, 1) && allows(&name.to_uppercase(), 1), "{length}");
        assert!(!allows(&format!("n{name}"), 1) && !allows(&name[1..], 1), "{length}");
        assert!(allows(&format!("{name}.z"), 2) && allows(&format!("A.{name}.Z"), 2), "{length}");
        assert!(!allows(&format!("{name}.z"), 1) && !allows(&format!("a{name}.z"), 2), "{length}");
        assert!(!allows(&format!(".{name}.z"), 2), "{length}");
    }
}

#[test]
fn a_chain_of_hosts_each_below_the_next_matches_at_every_depth() {
    const DEPTH: usize = 2000;
    let host = |labels: usize| vec!["a"; labels].join(".");
    // Every third depth covers what is below it, each with its own port.
    let rules =
        (1..=DEPTH).step_by(3).map(|depth| format!("udp-send-to:*.{}:{depth}", host(depth)));
    let rules = RuleSet::new(rules.map(|rule| Entry::parse_rule(&rule).unwrap()).collect());
    for (labels, port, expected) in [
        (1, 1, true),
        (2, 1, true),
        (3, 4, false),
        (4, 4, true),
        (DEPTH, 1, true),
        (DEPTH, 1000, true),
        (DEPTH, 1001, false),
        (DEPTH + 5, 1999, true),
        (1998, 1999, false),
        (1999, 1999, true),
    ] {
        let allowed = rules.allows(Operation::UdpSendTo, &host(labels), port);
        assert_eq!(allowed, expected, "{labels} labels, port {port}");
    }
}

#[test]
fn very_long_patterns_and_requests_are_answered() {
    let dots = ".".repeat(2_000_000);
    let grants = loaded(&with_sockets(&json!({"tcp": {"connect": [dots, "*.b"]}}))).grants;
    let long = "a.".repeat(2_000_000);
    let rows = [
        (format!("{long}b"), true),
        (format!("{long}c"), false),
        (long, false),
        // One dot more than the entry's own, and something before it.
        (format!("x{}", ".".repeat(2_000_000)), true),
        (".".repeat(2_000_000), false),
        (".".repeat(1_999_999), true),
    ];
    for (host, expected) in rows {
        let allowed = grants.allows(System::Sockets, Operation::TcpConnect, &host, 1);
        assert_eq!(allowed, expected, "{} bytes", host.len());
    }
}

#[test]
fn grants_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Grants>();
}
