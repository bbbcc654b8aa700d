#!/usr/bin/env python3
"""The Node binding beside Node's own net and dgram, under the load clients of the other benchmarks.

All contestants run in turns, each round with a fresh server. The table gives medians, their spread, the ratio to
net or dgram, and the server's CPU time for each message, all its threads together. The rows also go to --out, as
run.py writes its own. Nothing is bound to a CPU: the binding has a thread for its sockets beside Node's, and the system
places both. The CPU column tells what that costs.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from harness.catalogue import BLOCK, MIB
from harness.rounds import START_SECONDS, Failure, on, run_program

HERE = Path(__file__).resolve().parent
TCP, UDP = ("net", "chromesock"), ("dgram", "chromesock-udp")
# name -> contestants (the base first), client, mode of the server, arguments of the client, unit, what a message adds, bar
WORKLOADS = {
    "echo64-64": (TCP, "load", "echo", ["--workload", "echo", "--connections", "64"], "msg/s", 1, 0.6),
    "bulk-receive": (TCP, "load", "sink", ["--workload", "bulk-receive"], "MiB/s", BLOCK / MIB, 0.8),
    "bulk-send": (TCP, "load", "source", ["--workload", "bulk-send"], "MiB/s", BLOCK / MIB, 0.8),
    "udp-echo": (UDP, "udp_load", "echo", ["--workload", "echo"], "msg/s", 1, None),
}


def one_round(options, contestant, workload):
    _, client, mode, arguments, _, scale, _ = WORKLOADS[workload]
    command = ["node", str(HERE / "node_server.js"), contestant, mode]
    cpus = os.sched_getaffinity(0)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=on(cpus)) as server:
        try:
            port = server.stdout.readline().decode().strip()
            if not port.isdigit():
                raise Failure(f"{contestant} ended without printing its port")
            figures = run_program([str(options.programs / client), *arguments, "--port", port,
                                   "--server", str(server.pid), "--seconds", str(options.seconds)],
                                  options.seconds + START_SECONDS, cpus)
            server.stdin.close()
            if server.wait(START_SECONDS) != 0:
                raise Failure(f"{contestant} ended with {server.returncode}")
        finally:
            server.kill()
    return figures["rate"] * scale, figures["cpu_ns"]


def run_workload(options, workload):
    contestants, _, _, _, unit, _, bar = WORKLOADS[workload]
    base = contestants[0]
    rounds = {contestant: [] for contestant in contestants}
    for _ in range(options.rounds):
        for contestant in contestants:
            rounds[contestant].append(one_round(options, contestant, workload))
    medians = {name: statistics.median(rate for rate, _ in figures) for name, figures in rounds.items()}
    for name, figures in rounds.items():
        rates = [rate for rate, _ in figures]
        row = {"workload": workload, "contestant": name, "median": medians[name], "unit": unit, "min": min(rates),
               "max": max(rates), "rounds": len(rates), f"ratio_{base}": medians[name] / medians[base],
               "cpu_ns": statistics.median(cpu for _, cpu in figures)}
        verdict = ""
        if name != base and bar is not None:
            row.update(bar=bar, **{"pass": medians[name] / medians[base] >= bar})
            verdict = f"  bar {bar:.2f}: {'pass' if row['pass'] else 'FAIL'}"
        print(f"{workload:<14}{name:<20}{row['median']:>10.0f} {unit:<6}{row['min']:>10.0f} -{row['max']:>8.0f}"
              f"{medians[name] / medians[base]:>8.2f}{row['cpu_ns']:>10.0f}{verdict}", flush=True)
        yield row


def main():
    root = HERE.parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", action="append", choices=WORKLOADS)
    parser.add_argument("--programs", type=Path, default=root / "target/benches", help="where the load clients are")
    parser.add_argument("--out", type=Path, default=root / "target/bench/node.json")
    options = parser.parse_args()
    print(f"{'workload':<14}{'contestant':<20}{'median':>10} {'unit':<6}{'min':>10} -{'max':>8}{'ratio':>8}{'cpu ns':>10}")
    rows = [row for workload in options.only or WORKLOADS for row in run_workload(options, workload)]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
