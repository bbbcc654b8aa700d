//! The APIs' vocabulary as plain owned data: results, members, arguments, events.
//!
//! Lowest layer: no threads, no sockets, no C types. Everything above speaks in these words.

pub mod event;
pub mod net_error;
pub mod properties;
pub mod signature;
pub mod table;
