//! Any text as a manifest.
#![no_main]

use chromesock::permissions;

mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::manifest(data));
