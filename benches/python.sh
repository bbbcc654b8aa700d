#!/bin/sh
# The Python binding beside asyncio and uvloop, with the load client that run.sh has built. Arguments go to python_net.py.
set -eu
cd "$(dirname "$0")/.."
out=${CARGO_TARGET_DIR:-target}
exec benches/reno.sh "$out/python/bin/python" benches/python_net.py --programs "$out/benches" --out "$out/bench/python.json" "$@"
