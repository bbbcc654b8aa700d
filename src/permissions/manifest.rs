//! A manifest to grants, with the exact text of every error and warning.
//!
//! Error texts never name the path of the value. It is in a field of its own, so that programs
//! which compare texts and people who look for the cause both get what they need.

use std::fmt;

use serde_json::{Map, Value};

use super::pattern::Entry;
use super::{Access, Grants, Operation, json, permission_list};

/// What reading an acceptable manifest gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What the manifest grants.
    pub grants: Grants,
    /// Things of the manifest that were dropped, in order, with their exact texts.
    pub warnings: Vec<String>,
    /// Hints on accepted entries that cannot do what they seem to say. For authors only; nothing
    /// was dropped.
    pub lints: Vec<String>,
}

/// Why a manifest was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The exact text of the error.
    pub message: String,
    /// Which value of the manifest is meant, such as `sockets.udp.bind[1]`. Empty when the text
    /// as a whole is meant.
    pub path: String,
}

impl ManifestError {
    pub(super) fn new(message: String, path: String) -> ManifestError {
        ManifestError { message, path }
    }

    /// An error of the text as a whole.
    pub(super) fn of_text(message: String) -> ManifestError {
        ManifestError { message, path: String::new() }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ManifestError {}

/// The groups of the `"sockets"` key and their keys, in the order in which they are checked.
const GROUPS: [(&str, &[(&str, Operation)]); 3] = [
    (
        "udp",
        &[
            ("bind", Operation::UdpBind),
            ("send", Operation::UdpSendTo),
            ("multicastMembership", Operation::UdpMulticastMembership),
        ],
    ),
    ("tcp", &[("connect", Operation::TcpConnect)]),
    ("tcpServer", &[("listen", Operation::TcpListen)]),
];

/// Reads a whole manifest.
pub(super) fn load(text: &str) -> Result<Loaded, ManifestError> {
    let manifest = json::parse(text)?;
    let Value::Object(manifest) = &manifest else {
        return Err(ManifestError::of_text(format!(
            "Manifest is not an object: expected dictionary, got {}.",
            type_name(&manifest)
        )));
    };
    let mut warnings = Vec::new();
    let legacy = permission_list::read(manifest, &mut warnings)?;
    let sockets = match manifest.get("sockets") {
        None => None,
        Some(value) => Some(read_sockets(value)?),
    };
    let lints = [&sockets, &legacy]
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(format!("{}: {}", entry.rule_text(), entry.lint()?)))
        .collect();
    let grants =
        Grants { sockets: Access::from_entries(sockets), legacy: Access::from_entries(legacy) };
    Ok(Loaded { grants, warnings, lints })
}

/// A pattern whose place in the structure is right, not yet parsed.
struct Found<'a> {
    operation: Operation,
    path: String,
    pattern: &'a str,
}

/// The structure is checked as a whole before the first pattern is parsed.
fn read_sockets(value: &Value) -> Result<Vec<Entry>, ManifestError> {
    let Value::Object(sockets) = value else {
        let message = format!("expected dictionary, got {}", type_name(value));
        return Err(ManifestError::new(message, "sockets".to_owned()));
    };
    let mut found = Vec::new();
    for (name, keys) in GROUPS {
        match sockets.get(name) {
            None => {}
            Some(Value::Object(group)) => {
                for &(key, operation) in keys {
                    find_patterns(group, key, operation, &mut found)?;
                }
            }
            Some(other) => {
                let message = format!("'{name}': expected dictionary, got {}", type_name(other));
                return Err(ManifestError::new(message, format!("sockets.{name}")));
            }
        }
    }
    found
        .into_iter()
        .map(|Found { operation, path, pattern }| {
            Entry::parse_pattern(operation, pattern).map_err(|_| {
                ManifestError::new(format!("Invalid host:port pattern '{pattern}'"), path)
            })
        })
        .collect()
}

fn find_patterns<'a>(
    group: &'a Map<String, Value>,
    key: &str,
    operation: Operation,
    found: &mut Vec<Found<'a>>,
) -> Result<(), ManifestError> {
    let path = operation.manifest_path().unwrap_or(key);
    match group.get(key) {
        None => {}
        Some(Value::String(pattern)) => {
            found.push(Found { operation, path: path.to_owned(), pattern });
        }
        Some(Value::Array(patterns)) => {
            for (index, pattern) in patterns.iter().enumerate() {
                let path = format!("{path}[{index}]");
                let Value::String(pattern) = pattern else {
                    let message = format!(
                        "Error at key 'strings': Parsing array failed at index {index}: \
                         expected string, got {}",
                        type_name(pattern)
                    );
                    return Err(ManifestError::new(message, path));
                };
                found.push(Found { operation, path, pattern });
            }
        }
        Some(other) => {
            let message = format!("expected string or strings, got {}", type_name(other));
            return Err(ManifestError::new(message, path.to_owned()));
        }
    }
    Ok(())
}

/// The name of a JSON type as error texts give it. A number is an integer if it is written as one
/// and fits into 32 bits.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) => match number.as_i64().map(i32::try_from) {
            Some(Ok(_)) => "integer",
            _ => "double",
        },
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "dictionary",
    }
}
