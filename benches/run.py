#!/usr/bin/env python3
"""Runs the contestants side by side and compares them.

For each workload all contestants run in turns (A B C A B C ...), each time with a fresh server process on one
CPU and the load client on the other. The table gives the median of the rounds, their spread, that of each turn's
ratios to hand-written epoll and to libuv by rate and by the server's CPU time for each message, and system calls for
each message. Rounds during which other programs used the machine are repeated, a quarter of all at most, and left
out where at least half are quiet. docs/performance.md tells how each figure comes about.

Files: results.json with one row for each workload and contestant, details.json beside it with everything, and
comparison.svg. The exit code is 1 when something failed to run; a bar that is missed does not change it.
"""
import argparse
import sys
from pathlib import Path

from harness import chart, report
from harness.catalogue import WORKLOADS
from harness.ratios import is_quiet
from harness.rounds import Failure, Machine, one_round, syscalls_per_message, wait_for_quiet

CONTESTANTS = list(dict.fromkeys(name for workload in WORKLOADS.values() for name in workload.contestants))
ONE_ROUND = ("memory", "instructions", "program", "wakeups")  # these hardly differ from round to round


def run_rounds(options, workload, failures):
    """Contestant -> figures of its rounds."""
    count = 1 if workload.kind in ONE_ROUND else options.rounds
    rounds = {name: [] for name in workload.contestants if name in options.contestants}
    spare = len(rounds) * count // 4
    for _ in range(count):
        for contestant in list(rounds):
            try:
                figures = one_round(options, workload, contestant)
                if not is_quiet(figures) and spare > 0:
                    spare -= 1
                    wait_for_quiet()
                    figures = min(figures, one_round(options, workload, contestant), key=lambda one: one["noise"])
                rounds[contestant].append(figures)
            except Failure as failure:
                failures.append(f"{workload.name}, {contestant}: {failure}")
                rounds.pop(contestant)
    return rounds


def count_syscalls(options, workload, contestant, notes):
    """None where the kernel does not let us count; that is told, and no failure."""
    if workload.kind != "rate":
        return None
    try:
        return syscalls_per_message(options, workload, contestant)
    except Failure as failure:
        notes.append(f"{workload.name}, {contestant}: {failure}")
        return None


def run_workload(options, workload, failures, notes):
    rounds = run_rounds(options, workload, failures)
    rows = [report.summarise(workload, contestant, figures,
                             count_syscalls(options, workload, contestant, notes))
            for contestant, figures in rounds.items()]
    rows = report.compare(workload, rows)
    for row in rows:
        report.print_row(row)
    return rows


def parse_arguments():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Side-by-side benchmarks of this library and its peers.")
    parser.add_argument("--rounds", type=int, help="rounds of each contestant (5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="measured time of a round (0.4; quick: 0.1)")
    parser.add_argument("--quick", action="store_true", help="few short rounds: a first impression")
    parser.add_argument("--only", action="append", metavar="WORKLOAD", help="this workload only; may be given again")
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="names, separated by commas (all)")
    parser.add_argument("--list", action="store_true", help="tell the workloads, their contestants and bars")
    parser.add_argument("--programs", type=Path, default=root / "target/benches", help="where the programs are")
    parser.add_argument("--out", type=Path, default=root / "target/bench/results.json", help="the file to write")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (0.1 if options.quick else 0.4)
    options.contestants = options.contestants.split(",")
    for kind, names, known in (("contestants", options.contestants, CONTESTANTS),
                               ("workloads", options.only or [], WORKLOADS)):
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"unknown {kind}: {', '.join(unknown)}; there are {', '.join(known)}")
    options.programs = options.programs.resolve()
    options.machine = Machine()
    return options


def print_list():
    for workload in WORKLOADS.values():
        print(f"{workload.name} [{workload.unit}]: {', '.join(workload.contestants)}")
        for contestant, bars in workload.bars.items():
            for bar in bars:
                print(f"    {contestant}: {bar.text}")


def main():
    options = parse_arguments()
    if options.list:
        print_list()
        return 0
    rows, failures, notes = [], [], []
    print(f"{options.rounds} rounds of {options.seconds} s in turns; " + (
        "server and client have a CPU each" if options.machine.spin else "server and client share one CPU"))
    print("ratios above 1 are better than the peer; cpu ns and syscalls are the server's for each message "
          "(bulk: for each 64 KiB; churn, accept: for each connection)")
    print(report.HEADER, flush=True)
    for name, workload in WORKLOADS.items():
        if options.only is None or name in options.only:
            rows += run_workload(options, workload, failures, notes)
    report.write(rows, options.out)
    options.out.with_name("comparison.svg").write_text(chart.draw(rows))
    report.print_bars(rows)
    print(f"figures: {options.out}")
    for note in notes:
        print(f"system calls not counted: {note}")
    for failure in failures:
        print(f"failed to run: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
