//! The APIs' vocabulary as plain owned data: results, members, arguments, events.
//!
//! Lowest layer: no threads, no sockets, no C types. Everything above speaks in these words.

pub mod event;
pub mod net_error;
pub mod properties;
// The library itself does without: from it a test makes the table of the bindings.
#[cfg(test)]
pub mod signature;
pub mod table;
pub mod text;
