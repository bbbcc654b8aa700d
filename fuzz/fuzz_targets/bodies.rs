//! What the fuzz targets do with their bytes, as plain functions: the unit tests of the library run
//! them too, over the seeds. They panic when something that always holds does not.
#![allow(dead_code, reason = "each target uses one of them")]

use super::permissions::{Entry, Grants, Operation, RuleSet, System};

/// Reads a manifest; what it grants must survive being written out and read again.
pub(super) fn manifest(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let loaded = match Grants::from_manifest(&text) {
        Ok(loaded) => loaded,
        Err(error) => {
            assert!(!error.message.is_empty());
            return;
        }
    };
    let grants = loaded.grants;
    for system in [System::Sockets, System::Legacy] {
        let entries: Option<Vec<Entry>> =
            grants.canonical(system).iter().map(|rule| Entry::parse_rule(rule).ok()).collect();
        let entries = entries.expect("canonical text is a rule");
        assert_eq!(entries, grants.entries(system));
        assert!(entries.is_sorted());
        assert!(grants.available(system) || entries.is_empty());
        for entry in entries.iter().take(50) {
            let port = entry.port().map_or(0, i32::from);
            assert!(grants.allows(system, entry.operation(), entry.host(), port));
            assert!(grants.rule_for(system, entry.operation(), entry.host(), port).is_some());
        }
    }
}

/// The bytes are a pattern, a line break, a host, a line break and a decimal port.
pub(super) fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let pattern = lines.next().unwrap_or("");
    let host = lines.next().unwrap_or("");
    let port = lines.next().and_then(|port| port.parse().ok()).unwrap_or(80);
    for rule in [pattern.to_owned(), format!("tcp-connect:{pattern}")] {
        let Ok(entry) = Entry::parse_rule(&rule) else {
            continue;
        };
        assert_eq!(Entry::parse_rule(&entry.rule_text()).as_ref(), Ok(&entry));
        let operation = entry.operation();
        let rules = RuleSet::new(vec![entry.clone(), entry.clone()]);
        assert_eq!(rules.entries(), std::slice::from_ref(&entry));
        let named = entry.port().map_or(port, i32::from);
        assert!(rules.allows(operation, entry.host(), named), "an entry matches its own host");
        let allowed = rules.allows(operation, host, port);
        assert_eq!(allowed, rules.allows(operation, &host.to_ascii_uppercase(), port));
        assert_eq!(rules.rule_for(operation, host, port), allowed.then(|| entry.rule_text()));
        if allowed {
            let lower = host.to_ascii_lowercase();
            assert!(lower.ends_with(entry.host()));
            assert!(entry.covers_subdomains() || lower == entry.host());
            assert!(entry.port().is_none_or(|named| i32::from(named) == port));
            let is_address = host.parse::<std::net::IpAddr>().is_ok();
            assert!(!is_address || entry.host().is_empty() || lower == entry.host());
        }
        for other in Operation::ALL {
            assert!(other == operation || !rules.allows(other, host, port));
        }
    }
}
