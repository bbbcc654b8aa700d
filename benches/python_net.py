#!/usr/bin/env python3
"""The Python binding beside asyncio's streams, on asyncio's loop and on uvloop, under the one load client.

All contestants run in turns, each round with a fresh server on one CPU and the client on the other. The table
gives medians, their spread, and the ratio to asyncio. The rows also go to --out, as run.py writes its own.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from python_server import CONTESTANTS
from harness.catalogue import BLOCK, MIB
from harness.rounds import START_SECONDS, Failure, Machine, on, run_program

HERE = Path(__file__).resolve().parent
# name -> mode of the server, arguments of the client, unit, what a message adds to it
WORKLOADS = {
    "echo64-64": ("echo", ["--workload", "echo", "--connections", "64"], "msg/s", 1),
    "bulk-receive": ("sink", ["--workload", "bulk-receive"], "MiB/s", BLOCK / MIB),
    "bulk-send": ("source", ["--workload", "bulk-send"], "MiB/s", BLOCK / MIB),
}
BASE, OURS, BAR = "asyncio", "chromesock", 1.0


def one_round(options, contestant, workload):
    mode, arguments, _, scale = WORKLOADS[workload]
    command = [sys.executable, str(HERE / "python_server.py"), contestant, mode]
    if options.library:
        command += ["--library", options.library]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "bindings/python")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
                          preexec_fn=on(options.machine.server)) as server:
        try:
            port = server.stdout.readline().decode().strip()
            if not port.isdigit():
                raise Failure(f"{contestant} ended without printing its port")
            figures = run_program([str(options.programs / "load"), *arguments, "--port", port,
                                   "--server", str(server.pid), "--seconds", str(options.seconds)],
                                  options.seconds + START_SECONDS, options.machine.client)
            server.stdin.close()
            if server.wait(START_SECONDS) != 0:
                raise Failure(f"{contestant} ended with {server.returncode}")
        finally:
            server.kill()
    return figures["rate"] * scale, figures["cpu_ns"]


def run_workload(options, workload):
    rounds = {contestant: [] for contestant in options.contestants}
    for _ in range(options.rounds):
        for contestant in rounds:
            rounds[contestant].append(one_round(options, contestant, workload))
    medians = {name: statistics.median(rate for rate, _ in figures) for name, figures in rounds.items()}
    for name, figures in rounds.items():
        rates = [rate for rate, _ in figures]
        row = {"workload": workload, "contestant": name, "median": medians[name], "unit": WORKLOADS[workload][2],
               "min": min(rates), "max": max(rates), "rounds": len(rates),
               "cpu_ns": statistics.median(cpu for _, cpu in figures)}
        verdict = ""
        if BASE in medians:
            row["ratio_asyncio"] = medians[name] / medians[BASE]
        if name == OURS and BASE in medians:
            row.update(bar=BAR, **{"pass": row["ratio_asyncio"] >= BAR})
            verdict = f"  bar {BAR:.2f}: {'pass' if row['pass'] else 'FAIL'}"
        print(f"{workload:<14}{name:<20}{row['median']:>10.0f} {row['unit']:<6}{row['min']:>10.0f} -{row['max']:>8.0f}"
              f"{row.get('ratio_asyncio', 0):>8.2f}{row['cpu_ns']:>10.0f}{verdict}", flush=True)
        yield row


def main():
    root = HERE.parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", action="append", choices=WORKLOADS)
    parser.add_argument("--contestants", type=lambda names: names.split(","), default=list(CONTESTANTS))
    parser.add_argument("--programs", type=Path, default=root / "target/benches", help="where the load client is")
    parser.add_argument("--library", help="the shared library; default: the one in the package")
    parser.add_argument("--out", type=Path, default=root / "target/bench/python.json")
    options = parser.parse_args()
    options.machine = Machine()
    print(f"{'workload':<14}{'contestant':<20}{'median':>10} {'unit':<6}{'min':>10} -{'max':>8}{'ratio':>8}{'cpu ns':>10}")
    rows = [row for workload in options.only or WORKLOADS for row in run_workload(options, workload)]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
