#!/bin/sh
# Builds the TLS benchmarks against the release library and runs them. Arguments go to run.py.
set -eu
cd "$(dirname "$0")/../.."
out=${CARGO_TARGET_DIR:-target}
out=$(mkdir -p "$out" && cd "$out" && pwd)
cmake -S benches/tls -B "$out/benches-tls" -DCHROMESOCK_INCLUDE_DIR="$PWD/include" \
    -DCHROMESOCK_LIBRARY="$out/release/libchromesock.so" >/dev/null
cmake --build "$out/benches-tls"
(cd benches/tls/rustls && cargo build --release --locked --target-dir "$out/bench-tls")
ln -sf "$out/bench-tls/release/tls-rustls" "$out/benches-tls/tls_rustls"
exec python3 benches/tls/run.py --programs "$out/benches-tls" --out "$out/bench/results.json" "$@"
