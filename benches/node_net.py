#!/usr/bin/env python3
"""The Node binding beside Node's own net and dgram, under the load clients of the other benchmarks.

All contestants run in turns, each round with a fresh server. The table gives medians, their spread, the ratio to
net or dgram, and the server's CPU time for each message, all its threads together. The rows also go to --out, as
run.py writes its own. Nothing is bound to a CPU: the binding has a thread for its sockets beside Node's, and the system
places both. The CPU column tells what that costs.
"""
from pathlib import Path

from harness.bindings import Bench, Workload, tcp_workloads

SERVER = Path(__file__).resolve().parent / "node_server.js"
WORKLOADS = {
    **tcp_workloads(("net", "chromesock"), echo_bar=0.6, bulk_bar=0.8),
    "udp-echo": Workload("udp_load", "echo", ["--workload", "echo"], "msg/s", 1, None, ("dgram", "chromesock-udp")),
}

if __name__ == "__main__":
    bench = Bench("node", __doc__, WORKLOADS, lambda contestant: ["node", str(SERVER), contestant],
                  lambda contestant: contestant == "chromesock")
    bench.run(bench.parser().parse_args())
