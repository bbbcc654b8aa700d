//! One grant: its text, its normal form, its canonical text.
//!
//! The invariant: a parsed [`Entry`] is already normalised. Its host holds no `:` and no upper-case
//! ASCII letter; an empty host means any host and then *subdomains* is on; port 0 means any port.
//! Writing an entry out and parsing it again gives an equal entry.

use std::fmt;

use super::Operation;
use super::host_ip;

/// Port value of an entry that covers every port.
pub(super) const ANY_PORT: u16 = 0;

/// Why a pattern or a rule was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// A rule does not begin with the exact name of an operation.
    UnknownOperation,
    /// The operation takes no host and port, but a pattern was given.
    PatternNotAllowed,
    /// More than two parts separated by `:`.
    TooManyParts,
    /// White space at the start or end of the host.
    HostWhiteSpace,
    /// White space at the start or end of the port.
    PortWhiteSpace,
    /// The port is not a decimal number from 1 to 65535.
    Port,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PatternError::UnknownOperation => "unknown operation",
            PatternError::PatternNotAllowed => "this operation takes no host and port",
            PatternError::TooManyParts => "more than one host and one port",
            PatternError::HostWhiteSpace => "white space around the host",
            PatternError::PortWhiteSpace => "white space around the port",
            PatternError::Port => "the port is not a number from 1 to 65535",
        })
    }
}

impl std::error::Error for PatternError {}

/// One grant. Entries order by operation, host bytes, subdomains (off first) and port (any first).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    operation: Operation,
    host: String,
    subdomains: bool,
    port: u16,
}

impl Entry {
    /// Parses a host pattern, the form of the `"sockets"` manifest key.
    ///
    /// # Errors
    /// The pattern is malformed, or the operation takes none.
    pub fn parse_pattern(operation: Operation, pattern: &str) -> Result<Entry, PatternError> {
        if pattern.is_empty() {
            return Ok(Entry::any(operation));
        }
        Entry::parse_parts(operation, pattern)
    }

    /// Parses a rule of the `socket` permission: an operation, or an operation, `:` and a host
    /// pattern.
    ///
    /// # Errors
    /// The operation is unknown, the pattern is malformed, or the operation takes none.
    pub fn parse_rule(rule: &str) -> Result<Entry, PatternError> {
        let (name, pattern) = match rule.split_once(':') {
            Some((name, pattern)) => (name, Some(pattern)),
            None => (rule, None),
        };
        let operation = Operation::from_legacy_name(name).ok_or(PatternError::UnknownOperation)?;
        match pattern {
            None => Ok(Entry::any(operation)),
            Some(pattern) => Entry::parse_parts(operation, pattern),
        }
    }

    fn any(operation: Operation) -> Entry {
        Entry { operation, host: String::new(), subdomains: true, port: ANY_PORT }
    }

    fn parse_parts(operation: Operation, pattern: &str) -> Result<Entry, PatternError> {
        if !operation.is_address_bound() {
            return Err(PatternError::PatternNotAllowed);
        }
        let mut parts = pattern.split(':');
        let host = parts.next().unwrap_or("");
        let port = parts.next().unwrap_or("");
        if parts.next().is_some() {
            return Err(PatternError::TooManyParts);
        }
        let (host, subdomains) = parse_host(host)?;
        Ok(Entry { operation, host, subdomains, port: parse_port(port)? })
    }

    /// The granted operation.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The host, lower-cased, without the leading `*.`; empty means any host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether hosts below [`Entry::host`] are covered too.
    pub fn covers_subdomains(&self) -> bool {
        self.subdomains
    }

    /// The only port covered; `None` means any port.
    pub fn port(&self) -> Option<u16> {
        (self.port != ANY_PORT).then_some(self.port)
    }

    pub(super) fn raw_port(&self) -> u16 {
        self.port
    }

    /// The canonical host pattern, such as `*.example.com:443`. Empty for an operation that takes
    /// no pattern.
    pub fn pattern_text(&self) -> String {
        if !self.operation.is_address_bound() {
            return String::new();
        }
        pattern_text(&self.host, self.subdomains, self.port)
    }

    /// The canonical rule, such as `tcp-connect:*.example.com:443` or `resolve-host`.
    pub fn rule_text(&self) -> String {
        rule_text(self.operation, &self.host, self.subdomains, self.port)
    }

    /// A hint for the author when this entry, though accepted, cannot do what it seems to say.
    pub fn lint(&self) -> Option<&'static str> {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if self.host.contains(odd) {
            Some("the host is compared as plain text and this text is not a host name")
        } else if self.host.ends_with('.') {
            Some("only a host written with the same dots at its end matches")
        } else if self.subdomains && host_ip::reads_as_ip(&self.host) {
            Some("a wildcard never covers part of an IP address")
        } else {
            None
        }
    }
}

pub(super) fn rule_text(operation: Operation, host: &str, subdomains: bool, port: u16) -> String {
    let name = operation.legacy_name();
    if !operation.is_address_bound() {
        return name.to_owned();
    }
    format!("{name}:{}", pattern_text(host, subdomains, port))
}

fn pattern_text(host: &str, subdomains: bool, port: u16) -> String {
    let wildcard = match (host.is_empty(), subdomains) {
        (true, _) => "*",
        (false, true) => "*.",
        (false, false) => "",
    };
    if port == ANY_PORT {
        format!("{wildcard}{host}:*")
    } else {
        format!("{wildcard}{host}:{port}")
    }
}

/// Space, tab, line feed, form feed and carriage return.
fn is_white_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

fn has_outer_white_space(text: &str) -> bool {
    text.starts_with(is_white_space) || text.ends_with(is_white_space)
}

/// The normalised host and whether subdomains are covered.
fn parse_host(text: &str) -> Result<(String, bool), PatternError> {
    if has_outer_white_space(text) {
        return Err(PatternError::HostWhiteSpace);
    }
    let mut host = String::with_capacity(text.len());
    let mut subdomains = false;
    let mut separate = false;
    for (index, label) in text.split('.').enumerate() {
        let label = label.trim_matches(is_white_space);
        if index == 0 && (label.is_empty() || label == "*") {
            subdomains = true;
            continue;
        }
        if separate {
            host.push('.');
        }
        separate = true;
        host.push_str(label);
    }
    host.make_ascii_lowercase();
    Ok((host, subdomains))
}

fn parse_port(text: &str) -> Result<u16, PatternError> {
    if text.is_empty() || text == "*" {
        return Ok(ANY_PORT);
    }
    if has_outer_white_space(text) {
        return Err(PatternError::PortWhiteSpace);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    // Checked first, because the parser of the standard library takes a second sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PatternError::Port);
    }
    match digits.parse::<u16>() {
        Ok(port) if port != ANY_PORT => Ok(port),
        _ => Err(PatternError::Port),
    }
}
