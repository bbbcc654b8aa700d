#!/usr/bin/env python3
"""The Python binding beside asyncio's streams, on asyncio's loop and on uvloop, under the one load client.

All contestants run in turns, each round with a fresh server on one CPU and the client on the other. The table
gives medians, their spread, and the ratio to the first contestant, asyncio. The rows also go to --out, as run.py writes
its own.
"""
import os
import sys

from python_server import CONTESTANTS
from harness.bindings import ROOT, Bench, tcp_workloads
from harness.rounds import Machine


def main():
    def start(contestant):
        library = ["--library", options.library] if options.library else []
        return [sys.executable, str(ROOT / "benches/python_server.py"), *library, contestant]

    def has_bar(contestant):
        return contestant == "chromesock" and options.contestants[0] == "asyncio"

    workloads = tcp_workloads(tuple(CONTESTANTS), echo_bar=1.0, bulk_bar=1.0)
    bench = Bench("python", __doc__, workloads, start, has_bar)
    parser = bench.parser()
    parser.add_argument("--contestants", type=lambda names: names.split(","), default=list(CONTESTANTS))
    parser.add_argument("--library", help="the shared library; default: the one in the package")
    options = parser.parse_args()
    for name, workload in workloads.items():
        workloads[name] = workload._replace(contestants=tuple(options.contestants))
    bench.environment = {**os.environ, "PYTHONPATH": str(ROOT / "bindings/python")}
    machine = Machine()
    bench.server_cpus, bench.client_cpus = machine.server, machine.client
    bench.run(options)


if __name__ == "__main__":
    main()
