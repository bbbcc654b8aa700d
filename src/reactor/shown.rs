//! The engine whose events the reactor's thread shows to their callbacks: what one of these sends can be written at
//! once, from where it lies.

use std::sync::Arc;

use crate::engine::accounts::Accounts;
use crate::engine::command::Send;
use crate::engine::{Engine, FirstWrite};
use crate::net::sys::SysNetwork;

scoped_tls::scoped_thread_local!(static SHOWN: Engine<SysNetwork>);

/// Shows an engine's events.
#[inline]
pub(super) fn during(engine: &Engine<SysNetwork>, show: impl FnOnce()) {
    SHOWN.set(engine, show);
}

/// Has the engine of the app with these accounts begin a send, if its events are being shown.
pub(super) fn begin_send(
    accounts: &Arc<Accounts>,
    send: &Send,
    data: &[u8],
) -> Result<(), FirstWrite> {
    if !SHOWN.is_set() {
        return Err(None);
    }
    SHOWN.with(
        |engine| {
            if engine.keeps(accounts) { engine.begin_send(send, data) } else { Err(None) }
        },
    )
}
