//! Any bytes as what a TLS server writes.
#![no_main]

use chromesock::{api, engine, net, permissions, trust};

mod tls_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tls_body::tls(data);
});
