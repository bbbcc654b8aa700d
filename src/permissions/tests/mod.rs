//! Tests of the rules in permissions.md, one file per part of it.
//!
//! The name of a test holds the section whose rows it pins. The tables are data, so that a row can
//! be compared with the specification by reading it.

mod bypass;
mod grants;
mod json_text;
mod legacy_rules;
mod matching;
mod naive;
mod patterns;
mod permission_list;
mod property;
mod scale;
mod seeds;
mod sockets_key;

use serde_json::{Value, json};

use super::{Entry, Grants, Loaded, ManifestError, Operation, RuleSet};

/// The four operations that take a host and a port.
const ADDRESS_BOUND: [Operation; 4] =
    [Operation::TcpConnect, Operation::TcpListen, Operation::UdpBind, Operation::UdpSendTo];

/// The four that take none.
const NOT_ADDRESS_BOUND: [Operation; 4] = [
    Operation::UdpMulticastMembership,
    Operation::ResolveHost,
    Operation::ResolveProxy,
    Operation::NetworkState,
];

/// The rules of one legacy rule text.
fn rules(text: &str) -> RuleSet {
    match Entry::parse_rule(text) {
        Ok(entry) => RuleSet::new(vec![entry]),
        Err(error) => panic!("{text:?}: {error}"),
    }
}

fn load(manifest: &Value) -> Result<Loaded, ManifestError> {
    Grants::from_manifest(&manifest.to_string())
}

fn loaded(manifest: &Value) -> Loaded {
    load(manifest).unwrap_or_else(|error| panic!("{manifest}: {error}"))
}

/// A manifest with this value of the `sockets` key.
fn with_sockets(sockets: &Value) -> Value {
    json!({ "name": "test", "sockets": sockets })
}

/// A manifest with this `permissions` list.
fn with_permissions(permissions: &Value) -> Value {
    json!({ "name": "test", "permissions": permissions })
}
