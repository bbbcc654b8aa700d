"""What the benchmarks of the Node and Python bindings share: contestants in turns, each round with a fresh server."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Optional

from .catalogue import BLOCK, MIB
from .ratios import median, ratio
from .rounds import START_SECONDS, Failure, on, run_program

ROOT = Path(__file__).resolve().parent.parent.parent


class Workload(NamedTuple):
    client: str
    mode: str  # of the server
    arguments: list  # of the client
    unit: str
    scale: float  # what a message adds to the unit
    bar: Optional[float]
    contestants: tuple  # what the others are compared with comes first


def tcp_workloads(contestants, echo_bar, bulk_bar):
    return {
        "echo64-64": Workload("load", "echo", ["--workload", "echo", "--connections", "64"], "msg/s", 1, echo_bar, contestants),
        "bulk-receive": Workload("load", "sink", ["--workload", "bulk-receive"], "MiB/s", BLOCK / MIB, bulk_bar, contestants),
        "bulk-send": Workload("load", "source", ["--workload", "bulk-send"], "MiB/s", BLOCK / MIB, bulk_bar, contestants),
        # The next block when the one before is sent.
        "bulk-awaited": Workload("load", "awaited", ["--workload", "bulk-send"], "MiB/s", BLOCK / MIB, None, contestants),
    }


class Bench:
    """`start` gives the command of a server, without its mode; `has_bar` tells whose ratio must reach the bar."""

    def __init__(self, name, description, workloads, start, has_bar):
        self.name, self.description, self.workloads = name, description, workloads
        self.start, self.has_bar = start, has_bar
        # The CPUs of server and client; all, unless a benchmark says otherwise.
        self.server_cpus = self.client_cpus = os.sched_getaffinity(0)
        self.environment = os.environ

    def parser(self):
        parser = argparse.ArgumentParser(description=self.description)
        parser.add_argument("--rounds", type=int, default=5)
        parser.add_argument("--seconds", type=float, default=1.0)
        parser.add_argument("--only", action="append", choices=self.workloads)
        parser.add_argument("--programs", type=Path, default=ROOT / "target/benches", help="where the load clients are")
        parser.add_argument("--out", type=Path, default=ROOT / f"target/bench/{self.name}.json")
        return parser

    def one_round(self, options, contestant, workload):
        command = [*self.start(contestant), workload.mode]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment,
                              preexec_fn=on(self.server_cpus)) as server:
            try:
                port = server.stdout.readline().decode().strip()
                if not port.isdigit():
                    raise Failure(f"{contestant} ended without printing its port")
                figures = run_program([str(options.programs / workload.client), *workload.arguments, "--port", port,
                                       "--server", str(server.pid), "--seconds", str(options.seconds)],
                                      options.seconds + START_SECONDS, self.client_cpus)
                server.stdin.close()
                if server.wait(START_SECONDS) != 0:
                    raise Failure(f"{contestant} ended with {server.returncode}")
            finally:
                server.kill()
        return {"rate": figures["rate"] * workload.scale, "cpu_ns": figures["cpu_ns"]}

    def run_workload(self, options, name):
        workload = self.workloads[name]
        rounds = {contestant: [] for contestant in workload.contestants}
        for _ in range(options.rounds):
            for contestant in rounds:
                rounds[contestant].append(self.one_round(options, contestant, workload))
        base = workload.contestants[0]
        for contestant, figures in rounds.items():
            rates = [one["rate"] for one in figures]
            to_base = ratio(figures, rounds[base], "rate")
            row = {"workload": name, "contestant": contestant, "median": median(rates), "unit": workload.unit,
                   "min": min(rates), "max": max(rates), "rounds": len(rates), f"ratio_{base}": to_base,
                   "cpu_ns": median(one["cpu_ns"] for one in figures)}
            verdict = ""
            if workload.bar is not None and self.has_bar(contestant):
                row.update(bar=workload.bar, **{"pass": to_base >= workload.bar})
                verdict = f"  bar {workload.bar:.2f}: {'pass' if row['pass'] else 'FAIL'}"
            print(f"{name:<14}{contestant:<20}{row['median']:>10.0f} {workload.unit:<6}{min(rates):>10.0f} "
                  f"-{max(rates):>8.0f}{to_base:>8.2f}{row['cpu_ns']:>10.0f}{verdict}", flush=True)
            yield row

    def run(self, options):
        print(f"{'workload':<14}{'contestant':<20}{'median':>10} {'unit':<6}{'min':>10} -{'max':>8}{'ratio':>8}{'cpu ns':>10}")
        try:
            rows = [row for name in options.only or self.workloads for row in self.run_workload(options, name)]
        except Failure as failure:
            sys.exit(str(failure))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
