#!/bin/sh
# The Node binding beside net and dgram, with the load clients that run.sh has built. Arguments go to node_net.py.
set -eu
cd "$(dirname "$0")/.."
out=${CARGO_TARGET_DIR:-target}
exec benches/reno.sh python3 benches/node_net.py --programs "$out/benches" --out "$out/bench/node.json" "$@"
