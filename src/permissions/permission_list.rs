//! The `permissions` and `optional_permissions` lists.
//!
//! Only the `socket` permission gives grants. All other elements are looked at to tell a known name
//! from an unknown one, and an unknown one is a warning, never an error.

use serde_json::{Map, Value};

use super::known_names;
use super::manifest::ManifestError;
use super::pattern::Entry;

/// The permission that grants `chrome.socket`.
const SOCKET: &str = "socket";

/// The legacy entries that the manifest grants; `None` when the API is not available.
///
/// Warnings of `permissions` come first, then those of `optional_permissions`.
pub(super) fn read(
    manifest: &Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<Entry>>, ManifestError> {
    let granted = read_list(manifest, "permissions", warnings)?;
    let optional = read_list(manifest, "optional_permissions", warnings)?;
    if optional.is_some() {
        warnings.push(format!(
            "Permission '{SOCKET}' cannot be listed as optional. This permission will be omitted."
        ));
    }
    Ok(granted)
}

/// Both lists share their error texts; only the path tells them apart.
fn read_list(
    manifest: &Map<String, Value>,
    key: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<Entry>>, ManifestError> {
    let elements = match manifest.get(key) {
        None => return Ok(None),
        Some(Value::Array(elements)) => elements,
        Some(_) => {
            let message = "Invalid value for 'permissions'.".to_owned();
            return Err(ManifestError::new(message, key.to_owned()));
        }
    };
    let mut granted = None;
    for (index, element) in elements.iter().enumerate() {
        let (name, value) = match element {
            Value::String(name) => (name, None),
            Value::Object(members) if members.len() == 1 => match members.iter().next() {
                Some((name, value)) => (name, Some(value)),
                None => continue,
            },
            _ => {
                let message = format!("Invalid value for 'permissions[{index}]'.");
                return Err(ManifestError::new(message, format!("{key}[{index}]")));
            }
        };
        if name == SOCKET {
            // The last element replaces the earlier ones, also when it has no rules.
            granted = Some(match value {
                None => Vec::new(),
                Some(rules) => read_rules(rules, &format!("{key}[{index}].{SOCKET}"), warnings)?,
            });
        } else if !known_names::is_known(name) && !is_url_pattern(name) {
            warnings.push(unknown(name));
        }
    }
    Ok(granted)
}

fn read_rules(
    value: &Value,
    path: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<Entry>, ManifestError> {
    let Value::Array(items) = value else {
        let message = "Invalid value for 'permissions[socket]': \
                       Cannot parse the permission list. It's not a list..";
        return Err(ManifestError::new(message.to_owned(), path.to_owned()));
    };
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        match item.as_str().map(Entry::parse_rule) {
            Some(Ok(entry)) => entries.push(entry),
            // `Value` prints as compact JSON, so a string keeps its quotes.
            _ => warnings.push(unknown(&item.to_string())),
        }
    }
    Ok(entries)
}

fn unknown(item: &str) -> String {
    format!("Permission '{item}' is unknown or URL pattern is malformed.")
}

/// Whether this reads as a match pattern for URLs: `<all_urls>` or `scheme://host/path`. The host
/// may be `*` or begin with `*.`, and may have a port; only `file` allows it to be empty.
fn is_url_pattern(text: &str) -> bool {
    const SCHEMES: [&str; 10] =
        ["*", "http", "https", "ws", "wss", "ftp", "file", "data", "chrome", "chrome-extension"];
    if text == "<all_urls>" {
        return true;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let Some((authority, _path)) = rest.split_once('/') else {
        return false;
    };
    if !SCHEMES.contains(&scheme) {
        return false;
    }
    if authority.is_empty() {
        return scheme == "file";
    }
    // The colons of an IPv6 literal do not begin a port.
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority.rfind(':') {
        Some(colon) if colon >= end_of_host => authority.split_at(colon),
        _ => (authority, ":*"),
    };
    let port = port.trim_start_matches(':');
    let plain = host.strip_prefix("*.").unwrap_or(if host == "*" { "any" } else { host });
    let host_is_good = !plain.is_empty()
        && !plain.contains(|c: char| c == '*' || c == '@' || c.is_whitespace() || c.is_control());
    host_is_good && (port == "*" || port.parse::<u16>().is_ok())
}
