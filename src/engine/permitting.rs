//! What the manifest allows: the one place where operations are checked, and denials explained.

use std::ffi::CString;

use super::{Engine, Event, EventType, Network, Payload};
use crate::api::event::Denied;
use crate::api::text::shortened;
use crate::permissions::{Operation, System};

/// Bytes of a denied host that are told. No name is longer, and a page that is denied everything could else fill the
/// host's memory with texts.
const MOST_TOLD: usize = 256;

impl<N: Network> Engine<N> {
    /// Whether the manifest allows an operation. A denial is explained to the host; the page gets its
    /// completion only.
    pub(super) fn permits(
        &self,
        id: i32,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) -> bool {
        let allowed = self.is_granted(call, operation, host, port);
        if !allowed {
            self.explain_denial(id, call, operation, host, port);
        }
        allowed
    }

    /// The one place where operations are checked against the manifest.
    pub(super) fn is_granted(
        &self,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) -> bool {
        self.grants.allows(system_of(call), operation, host, port)
    }

    fn explain_denial(
        &self,
        id: i32,
        call: EventType,
        operation: Operation,
        host: &str,
        port: i32,
    ) {
        let (system, host) = (system_of(call), shortened(host, MOST_TOLD));
        let (rule, place) = match system {
            System::Sockets => (operation.manifest_path().unwrap_or_default(), "\"sockets\" key"),
            System::Legacy => (operation.legacy_name(), "\"socket\" permission"),
        };
        let why = if !self.grants.available(system) {
            format!("the manifest has no {place}")
        } else if operation.is_address_bound() {
            // Escaped: it is a page's text, on its way to a log.
            format!("no {rule} rule of the manifest allows host {host:?} port {port}")
        } else {
            let value = if system == System::Sockets { ": \"\"" } else { "" };
            format!("the manifest has no {rule} rule{value}")
        };
        let call = call.chrome_name().to_string_lossy();
        let text = |text: String| CString::new(text).unwrap_or_default().into_boxed_c_str();
        let mut event = Event::notification(EventType::ChromesockPermissionDenied, id, None);
        event.payload = Payload::Denied(Box::new(Denied {
            host: text(host.clone().into_owned()),
            port,
            explanation: text(format!("{call}: {why}")),
        }));
        self.ctx.outbox.notify(event);
    }
}

/// The system of permissions that governs a call.
fn system_of(call: EventType) -> System {
    if call.is_legacy() { System::Legacy } else { System::Sockets }
}
