#!/bin/sh
# Builds the benchmarks against the release library and runs them. Arguments go to run.py.
set -eu
cd "$(dirname "$0")/.."
out=${CARGO_TARGET_DIR:-target}
out=$(mkdir -p "$out" && cd "$out" && pwd)
cmake -S benches -B "$out/benches" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCHROMESOCK_INCLUDE_DIR="$PWD/include" -DCHROMESOCK_LIBRARY="$out/release/libchromesock.so" >/dev/null
cmake --build "$out/benches"
cargo build --quiet --release --locked --manifest-path benches/tokio/Cargo.toml --target-dir "$out/tokio"
ln -sf "$out/tokio/release/bench-tokio" "$out/benches/bench-tokio"
exec python3 benches/run.py --programs "$out/benches" --out "$out/bench/results.json" "$@"
