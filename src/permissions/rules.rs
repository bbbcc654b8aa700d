//! The entries of one system, indexed for matching.
//!
//! Per operation the different hosts are kept as reversed text in sorted order. All suffixes of a
//! requested host are then prefixes of its reversed text, they lie on one chain, and one binary
//! search finds the longest of them. So a question costs a binary search and a walk along that
//! chain; it makes no hash, and no allocation for hosts of up to 256 bytes.
//!
//! The invariant: `parent` of a host is the index of the longest other host that is a prefix of it
//! (in reversed text), and is smaller than its own index.

use super::Operation;
use super::host_ip;
use super::pattern::{ANY_PORT, Entry, rule_text};

/// A set of entries that answers whether an operation is granted.
#[derive(Clone, Debug)]
pub struct RuleSet {
    entries: Vec<Entry>,
    tables: Vec<Table>,
}

impl PartialEq for RuleSet {
    fn eq(&self, other: &RuleSet) -> bool {
        self.entries == other.entries
    }
}

/// The entries of one operation.
#[derive(Clone, Debug)]
struct Table {
    operation: Operation,
    any_host: Ports,
    hosts: Vec<HostRules>,
    /// Length of the longest host in bytes.
    longest: usize,
}

/// The entries of one operation and one host.
#[derive(Clone, Debug)]
struct HostRules {
    reversed: Box<[u8]>,
    host: Box<str>,
    exact: Ports,
    subdomains: Ports,
    parent: Option<usize>,
}

/// The ports named by entries that are otherwise equal.
#[derive(Clone, Debug, Default)]
struct Ports {
    any: bool,
    listed: Vec<u16>,
}

/// The part of an entry that decides which of several granting entries is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Granting<'a> {
    host: &'a str,
    subdomains: bool,
    port: u16,
}

impl Ports {
    /// Ports must come in ascending order; "any port" is the smallest.
    fn add(&mut self, port: u16) {
        if port == ANY_PORT {
            self.any = true;
        } else {
            self.listed.push(port);
        }
    }

    /// The port of the first entry that covers `port`.
    fn covering(&self, port: i32) -> Option<u16> {
        if self.any {
            return Some(ANY_PORT);
        }
        let port = u16::try_from(port).ok()?;
        self.listed.binary_search(&port).ok().map(|_| port)
    }
}

impl RuleSet {
    /// Makes a set; equal entries collapse.
    pub fn new(mut entries: Vec<Entry>) -> RuleSet {
        entries.sort();
        entries.dedup();
        let tables = entries
            .chunk_by(|a, b| a.operation() == b.operation())
            .filter_map(|entries| Some(Table::new(entries.first()?.operation(), entries)))
            .collect();
        RuleSet { entries, tables }
    }

    /// The entries in canonical order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether an entry grants this; see [`Grants::allows`](super::Grants::allows).
    pub fn allows(&self, operation: Operation, host: &str, port: i32) -> bool {
        self.table(operation).is_some_and(|table| table.granting(host, port).is_some())
    }

    /// The canonical text of the first entry that grants this.
    pub fn rule_for(&self, operation: Operation, host: &str, port: i32) -> Option<String> {
        let found = self.table(operation)?.granting(host, port)?;
        Some(rule_text(operation, found.host, found.subdomains, found.port))
    }

    fn table(&self, operation: Operation) -> Option<&Table> {
        self.tables.iter().find(|table| table.operation == operation)
    }
}

impl Table {
    fn new(operation: Operation, entries: &[Entry]) -> Table {
        let mut any_host = Ports::default();
        let mut hosts = Vec::new();
        for same_host in entries.chunk_by(|a, b| a.host() == b.host()) {
            let mut exact = Ports::default();
            let mut subdomains = Ports::default();
            for entry in same_host {
                let ports = if entry.host().is_empty() {
                    &mut any_host
                } else if entry.covers_subdomains() {
                    &mut subdomains
                } else {
                    &mut exact
                };
                ports.add(entry.raw_port());
            }
            let host = same_host.first().map_or("", Entry::host);
            if !host.is_empty() {
                let reversed = host.bytes().rev().collect();
                hosts.push(HostRules {
                    reversed,
                    host: host.into(),
                    exact,
                    subdomains,
                    parent: None,
                });
            }
        }
        hosts.sort_by(|a, b| a.reversed.cmp(&b.reversed));
        link_parents(&mut hosts);
        let longest = hosts.iter().map(|rules| rules.host.len()).max().unwrap_or(0);
        Table { operation, any_host, hosts, longest }
    }

    /// The first entry in canonical order that grants this.
    fn granting(&self, host: &str, port: i32) -> Option<Granting<'_>> {
        if let Some(port) = self.any_host.covering(port) {
            // The empty host sorts before all others.
            return Some(Granting { host: "", subdomains: true, port });
        }
        let mut best: Option<Granting<'_>> = None;
        let mut covered_by_wildcards = None;
        let mut next = self.longest_suffix(host);
        while let Some(rules) = next {
            next = rules.parent.and_then(|parent| self.hosts.get(parent));
            let found = if host.len() == rules.host.len() {
                let exact = rules.exact.covering(port).map(|port| (false, port));
                exact.or_else(|| rules.subdomains.covering(port).map(|port| (true, port)))
            } else if is_below(host, rules.host.len()) {
                let found = rules.subdomains.covering(port).map(|port| (true, port));
                found.filter(|_| *covered_by_wildcards.get_or_insert_with(|| wildcards_cover(host)))
            } else {
                None
            };
            if let Some((subdomains, port)) = found {
                let found = Granting { host: &rules.host, subdomains, port };
                best = Some(best.map_or(found, |best| best.min(found)));
            }
        }
        best
    }

    /// The rules of the longest known host that the lower-cased `host` ends with. All shorter
    /// ones follow along `parent`.
    fn longest_suffix(&self, host: &str) -> Option<&HostRules> {
        let mut short = [0u8; 256];
        let mut long = Vec::new();
        // More than the longest known host never decides anything, so a huge request is cheap.
        let length = host.len().min(self.longest);
        let reversed = host.bytes().rev().take(length).map(|byte| byte.to_ascii_lowercase());
        let wanted: &[u8] = match short.get_mut(..length) {
            Some(buffer) => {
                for (slot, byte) in buffer.iter_mut().zip(reversed) {
                    *slot = byte;
                }
                buffer
            }
            None => {
                long.extend(reversed);
                &long
            }
        };
        // Every known prefix of `wanted` is this candidate or one of its parents.
        let after = self.hosts.partition_point(|rules| rules.reversed.as_ref() <= wanted);
        let mut candidate = self.hosts.get(after.checked_sub(1)?)?;
        let common = common_prefix(&candidate.reversed, wanted);
        while candidate.reversed.len() > common {
            candidate = self.hosts.get(candidate.parent?)?;
        }
        Some(candidate)
    }
}

/// Links each host to the longest other host that is a prefix of it; `hosts` is sorted.
fn link_parents(hosts: &mut [HostRules]) {
    let mut open: Vec<usize> = Vec::new();
    for index in 0..hosts.len() {
        let Some((before, [current, ..])) = hosts.split_at_mut_checked(index) else {
            return;
        };
        while let Some(&last) = open.last() {
            let is_prefix =
                before.get(last).is_some_and(|rules| current.reversed.starts_with(&rules.reversed));
            if is_prefix {
                current.parent = Some(last);
                break;
            }
            open.pop();
        }
        open.push(index);
    }
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Whether `host`, which ends with a known host of `length` bytes, has a dot before that and at
/// least one character before the dot.
fn is_below(host: &str, length: usize) -> bool {
    host.len()
        .checked_sub(length + 1)
        .is_some_and(|dot| dot > 0 && host.as_bytes().get(dot) == Some(&b'.'))
}

/// Whether `*.host` entries may cover this host at all.
fn wildcards_cover(host: &str) -> bool {
    !host.contains('\0') && !host_ip::reads_as_ip(host)
}
