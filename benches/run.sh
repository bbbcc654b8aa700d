#!/bin/sh
# Builds the benchmarks against the release library and runs them. Arguments go to run.py.
set -eu
cd "$(dirname "$0")/.."
out=${CARGO_TARGET_DIR:-target}
out=$(mkdir -p "$out" && cd "$out" && pwd)
cmake -S benches -B "$out/benches" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCHROMESOCK_INCLUDE_DIR="$PWD/include" -DCHROMESOCK_LIBRARY="$out/release/libchromesock.so" >/dev/null
cmake --build "$out/benches"
exec python3 benches/run.py --programs "$out/benches" --out "$out/bench/results.json" "$@"
