//! Attempts to get past a rule, each with its expected outcome (section 3; sections 2.3 and 7 for
//! what is not checked). Every row is asked of both systems, through a whole manifest.
//!
//! Rows that are allowed are here on purpose: they show where the border runs. Text decides, so a
//! strange text below a permitted domain is allowed as text; it names nothing outside that domain.

mod addresses;
mod names;
mod ports_and_operations;

use serde_json::json;

use super::super::{Grants, Operation, System};
use super::loaded;

/// Marks a row that is allowed.
const YES: bool = true;
/// Marks a row that is denied.
const NO: bool = false;

/// A legacy rule, the operation asked for, and hosts with port and outcome.
type Group = (&'static str, Operation, &'static [(&'static str, i32, bool)]);

/// The same single rule in both systems.
fn grants(rule: &str) -> Grants {
    let (name, pattern) = rule.split_once(':').unwrap_or((rule, ""));
    let operation = Operation::from_legacy_name(name).unwrap();
    let path = operation.manifest_path().unwrap_or("sockets.none.none");
    let mut keys = path.split('.').skip(1);
    let (group, key) = (keys.next().unwrap(), keys.next().unwrap());
    let loaded = loaded(&json!({
        "permissions": [{"socket": [rule]}],
        "sockets": {group: {key: pattern}}
    }));
    assert_eq!(loaded.warnings, Vec::<String>::new(), "{rule:?}");
    loaded.grants
}

/// Checks every row and returns how many there are.
fn check(groups: &[Group]) -> usize {
    let mut rows = 0;
    for &(rule, operation, requests) in groups {
        let grants = grants(rule);
        for &(host, port, expected) in requests {
            for system in [System::Sockets, System::Legacy] {
                if system == System::Sockets && operation.manifest_path().is_none() {
                    continue;
                }
                let allowed = grants.allows(system, operation, host, port);
                assert_eq!(
                    allowed, expected,
                    "{rule:?} with {system:?} {operation:?} {host:?} {port}"
                );
                let shown = grants.rule_for(system, operation, host, port);
                assert_eq!(shown.is_some(), expected, "rule shown for {rule:?} with {host:?}");
            }
            rows += 1;
        }
    }
    rows
}

#[test]
fn at_least_three_hundred_attempts_are_stated() {
    let rows = check(addresses::V4)
        + check(addresses::V6)
        + check(names::TEXT)
        + check(names::UNICODE)
        + check(ports_and_operations::GROUPS);
    println!("{rows} attempts");
    assert!(rows >= 300, "{rows}");
}
