//! Any text as a pattern and a request.
#![no_main]

use chromesock::permissions;

mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::pattern(data));
