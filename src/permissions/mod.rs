//! May this operation reach this host and port?
//!
//! A manifest grants network operations through two systems that know nothing of each other: the
//! `"sockets"` key, for `chrome.sockets.*`, and the `{"socket": [rules]}` permission, for
//! `chrome.socket`. This module reads a whole manifest and answers the question. It is pure: no
//! I/O, no clock, no threads, no global state.
//!
//! What always holds:
//!
//! - Grants only add. An operation is allowed when any one entry matches; nothing denies.
//! - A [`Grants`] never changes after it is made, so it can be shared between threads.
//! - A manifest is taken whole or refused whole. There are no partial grants after an error.
//! - The host is compared as the text the program passed, with ASCII letters lower-cased and
//!   nothing else changed. Names are not resolved and addresses are not normalised.
//! - Port numbers never wrap: a number outside 1 to 65535 is covered only by "any port".
//! - No input makes this module panic, and the work of one question does not grow with the number
//!   of rules beyond a binary search.
//!
//! A `*.host` entry never covers an IP address or a part of one. Entries for exactly that text, or
//! for any host, still match it. What counts as an address is what could be used as one:
//!
//! - IPv4 in any notation of URLs, also one that only appears when the text is mapped to ASCII,
//!   as names are before they are resolved (full-width digits, ideographic full stops).
//! - IPv6 with and without brackets, with and without a zone, which may hold dots
//!   (`::ffff:1.2.3.4`, `fe80::1%eth0.100`).
//!
//! For the same caution no `*.host` entry covers a host that holds a NUL character: a reader in C
//! would see only the part before it.

mod host_ip;
mod json;
mod known_names;
mod manifest;
mod pattern;
mod permission_list;
mod rules;
#[cfg(test)]
mod tests;

pub use manifest::{Loaded, ManifestError};
pub use pattern::{Entry, PatternError};
pub use rules::RuleSet;

/// A network operation that a manifest can grant.
///
/// The order is the order in which entries are sorted and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Connect a TCP socket to a peer.
    TcpConnect,
    /// Listen for TCP connections on a local address.
    TcpListen,
    /// Bind a UDP socket to a local address.
    UdpBind,
    /// Send a datagram to a peer, or fix the peer of a UDP socket.
    UdpSendTo,
    /// Join, leave or list multicast groups.
    UdpMulticastMembership,
    /// Resolve a host name. Parsed and kept; no call of the API asks for it.
    ResolveHost,
    /// Resolve a proxy. Parsed and kept; no call of the API asks for it.
    ResolveProxy,
    /// Read the state of the network. Parsed and kept; no call of the API asks for it.
    NetworkState,
}

impl Operation {
    /// Every operation, in order.
    pub const ALL: [Operation; 8] = [
        Operation::TcpConnect,
        Operation::TcpListen,
        Operation::UdpBind,
        Operation::UdpSendTo,
        Operation::UdpMulticastMembership,
        Operation::ResolveHost,
        Operation::ResolveProxy,
        Operation::NetworkState,
    ];

    /// The name that begins a rule of the `socket` permission, such as `tcp-connect`.
    pub fn legacy_name(self) -> &'static str {
        match self {
            Operation::TcpConnect => "tcp-connect",
            Operation::TcpListen => "tcp-listen",
            Operation::UdpBind => "udp-bind",
            Operation::UdpSendTo => "udp-send-to",
            Operation::UdpMulticastMembership => "udp-multicast-membership",
            Operation::ResolveHost => "resolve-host",
            Operation::ResolveProxy => "resolve-proxy",
            Operation::NetworkState => "network-state",
        }
    }

    /// The operation with this legacy name; the case of letters counts.
    pub fn from_legacy_name(name: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.legacy_name() == name)
    }

    /// Where the `"sockets"` manifest key grants this operation, such as `sockets.tcp.connect`.
    /// `None` when only the legacy system knows it.
    pub fn manifest_path(self) -> Option<&'static str> {
        match self {
            Operation::TcpConnect => Some("sockets.tcp.connect"),
            Operation::TcpListen => Some("sockets.tcpServer.listen"),
            Operation::UdpBind => Some("sockets.udp.bind"),
            Operation::UdpSendTo => Some("sockets.udp.send"),
            Operation::UdpMulticastMembership => Some("sockets.udp.multicastMembership"),
            Operation::ResolveHost | Operation::ResolveProxy | Operation::NetworkState => None,
        }
    }

    /// Whether entries of this operation may name a host and a port.
    pub fn is_address_bound(self) -> bool {
        matches!(
            self,
            Operation::TcpConnect
                | Operation::TcpListen
                | Operation::UdpBind
                | Operation::UdpSendTo
        )
    }
}

/// One of the two systems by which a manifest grants operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// The `"sockets"` manifest key: `chrome.sockets.tcp`, `.tcpServer` and `.udp`.
    Sockets,
    /// The `socket` permission: `chrome.socket`.
    Legacy,
}

/// What one app may do. Made once, never changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Grants {
    sockets: Access,
    legacy: Access,
}

/// What one system grants.
#[derive(Clone, Debug, PartialEq)]
enum Access {
    /// There is no manifest: everything is allowed.
    All,
    /// The manifest does not make the API available.
    Absent,
    /// The API is available and these entries are granted, possibly none.
    Rules(RuleSet),
}

impl Access {
    fn from_entries(entries: Option<Vec<Entry>>) -> Access {
        entries.map_or(Access::Absent, |entries| Access::Rules(RuleSet::new(entries)))
    }
}

impl Grants {
    /// The text that stands for "everything" where [`Grants::allow_all`] is asked for a rule.
    /// It is not a rule of either system, so it cannot be mistaken for one of a manifest.
    pub const ALLOW_ALL_RULE: &'static str = "*";

    /// The grants of an app without a manifest: both systems are available and every operation
    /// is allowed on every host and port.
    pub fn allow_all() -> Grants {
        Grants { sockets: Access::All, legacy: Access::All }
    }

    /// Reads the text of a whole `manifest.json`.
    ///
    /// A byte-order mark at the start, `//` and `/* */` comments, and in strings control characters
    /// as they are, `\v` and `\xHH` are tolerated. Of two equal keys in one object the last one
    /// counts. Only `permissions`, `optional_permissions` and `sockets` are read, in this order; the
    /// first error ends the reading.
    ///
    /// # Errors
    /// The manifest is not acceptable, and nothing of it may be used.
    pub fn from_manifest(text: &str) -> Result<Loaded, ManifestError> {
        manifest::load(text)
    }

    /// Whether the manifest makes the API of this system available. An available API without
    /// rules still denies every checked call.
    pub fn available(&self, system: System) -> bool {
        !matches!(self.access(system), Access::Absent)
    }

    /// Whether the operation is allowed on this host and port.
    ///
    /// `host` is the text exactly as the program passed it. Membership of multicast groups is
    /// asked for with host `*` and port 0. Any `port` outside 1 to 65535, also 0, is matched only
    /// by entries for any port.
    pub fn allows(&self, system: System, operation: Operation, host: &str, port: i32) -> bool {
        match self.access(system) {
            Access::All => true,
            Access::Absent => false,
            Access::Rules(rules) => rules.allows(operation, host, port),
        }
    }

    /// The canonical text of the rule that allows this, for example
    /// `tcp-connect:*.example.com:443`; `None` when it is denied.
    ///
    /// When several rules allow it, this is the first of them in the order of
    /// [`Grants::canonical`]. Both systems write the text in the legacy form.
    pub fn rule_for(
        &self,
        system: System,
        operation: Operation,
        host: &str,
        port: i32,
    ) -> Option<String> {
        match self.access(system) {
            Access::All => Some(Grants::ALLOW_ALL_RULE.to_owned()),
            Access::Absent => None,
            Access::Rules(rules) => rules.rule_for(operation, host, port),
        }
    }

    /// Every grant of the system as canonical text, without duplicates, ordered by operation,
    /// host bytes, exact before subdomains, and port (any port first).
    pub fn canonical(&self, system: System) -> Vec<String> {
        match self.access(system) {
            Access::All => vec![Grants::ALLOW_ALL_RULE.to_owned()],
            Access::Absent => Vec::new(),
            Access::Rules(rules) => rules.entries().iter().map(Entry::rule_text).collect(),
        }
    }

    /// The entries of the system in canonical order. Empty for [`Grants::allow_all`], which has
    /// none to show.
    pub fn entries(&self, system: System) -> &[Entry] {
        match self.access(system) {
            Access::All | Access::Absent => &[],
            Access::Rules(rules) => rules.entries(),
        }
    }

    fn access(&self, system: System) -> &Access {
        match system {
            System::Sockets => &self.sockets,
            System::Legacy => &self.legacy,
        }
    }
}
