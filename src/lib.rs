//! The Chrome Apps networking APIs as a C-ABI shared library.
//!
//! The product is `include/chromesock.h` with `libchromesock.so`; this crate also offers an `rlib`
//! for its own tests. The contracts, in short:
//!
//! **Threads.** A reactor thread owns every socket of its apps. Any function may be called from any
//! thread, also inside callbacks; none blocks except dispatching or pulling with a time-out, and
//! freeing an app outside of callbacks.
//!
//! **Calls.** A call is accepted or refused now, by its return value, and answered later by exactly
//! one completion. The return value judges arguments and the app's life; everything else is in the
//! completion.
//!
//! **Delivery.** The engine appends events to the app's queue in order. The host empties it on its
//! own thread (dispatch, or pull), or has the reactor's thread call it. Callbacks of one app never
//! overlap and run with no lock held.
//!
//! **Ownership.** Inputs are borrowed until the call returns. Events in callbacks are borrowed until
//! the callback returns; a retained or pulled event belongs to the host until released.
//!
//! **Faults.** A panic costs a call, a socket or the app, never the host's process and never a
//! silent wait.

// No lint may be loosened below without a reason beside it.
#![deny(clippy::unwrap_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod api;
mod app;
pub mod delivery;
pub mod engine;
pub mod ffi;
pub mod net;
pub mod permissions;
mod reactor;
mod resolver;
pub mod trust;

#[cfg(test)]
mod tests;
