#!/usr/bin/env python3
"""Runs the contestants side by side and compares them.

For each workload all contestants run in turns (A B C A B C ...), each time with a fresh server process on
one CPU and the load client on the other. The table gives the median of the rounds, their spread, the ratio
to libuv and to hand-written epoll by rate, and the server's CPU time for each message. A round during which
other programs used the machine is repeated, and in the end left out if there is any quiet one. The figures
go to results.json, a list of rows:

  workload, contestant, median, unit, min, max, rounds, ratio_epoll, ratio_libuv   ratios of medians, above 1 = better
  cpu_ns, cpu_ratio_epoll, cpu_ratio_libuv                     server CPU time of one message, above 1 = cheaper
  syscalls, syscalls_per_mb    system calls of the server for each message, and for each 10^6 bytes; with --syscalls
  bar, bar_against, bar_ratio, pass                            bar_ratio = result / bar, 1 or more passes; only ours

A message of the bulk workloads is one block of 64 KiB, one of the udp workloads a datagram: of 64 bytes, or of
1200 where the name says so. What udp-receive sends, it sends one by one, and as fast as it can; udp-bursts lets
the system cut long ones, which is several times faster. "-mmsg" are contestants with recvmmsg and, where written
by hand, sendmmsg. The exit code is 1 when something failed to run; a bar that is missed does not change it.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BLOCK = 64 * 1024
MIB = 1024 * 1024
MESSAGE = 64

CONTESTANTS = {
    "epoll": ["server_epoll", "{mode}"],
    "libuv": ["server_uv", "{mode}"],
    "chromesock-reactor": ["server_chromesock", "{mode}", "reactor"],
    "chromesock-queue": ["server_chromesock", "{mode}", "queue"],
}
UDP_CONTESTANTS = {
    "epoll": ["udp_epoll", "{mode}", "plain"],
    "epoll-mmsg": ["udp_epoll", "{mode}", "mmsg"],
    "libuv": ["udp_uv", "{mode}", "plain"],
    "libuv-mmsg": ["udp_uv", "{mode}", "mmsg"],
    "chromesock-reactor": ["udp_chromesock", "{mode}", "reactor"],
    "chromesock-queue": ["udp_chromesock", "{mode}", "queue"],
}

# name -> mode of the server, arguments of the client, bytes of a message, unit, what a message adds to it
WORKLOADS = {
    "pingpong": ("echo", ["--workload", "pingpong"], MESSAGE, "msg/s", 1),
    "echo64-64": ("echo", ["--workload", "echo", "--connections", "64"], MESSAGE, "msg/s", 1),
    "echo64-1000": ("echo", ["--workload", "echo", "--connections", "1000"], MESSAGE, "msg/s", 1),
    "bulk-receive": ("sink", ["--workload", "bulk-receive"], BLOCK, "MiB/s", BLOCK / MIB),
    "bulk-send": ("source", ["--workload", "bulk-send"], BLOCK, "MiB/s", BLOCK / MIB),
    "udp-echo": ("echo", ["--workload", "echo"], MESSAGE, "msg/s", 1),
    "udp-receive": ("sink", ["--workload", "receive"], MESSAGE, "msg/s", 1),
    "udp-receive-1200": ("sink", ["--workload", "receive", "--size", "1200"], 1200, "msg/s", 1),
    "udp-bursts": ("sink", ["--workload", "receive", "--bursts"], MESSAGE, "msg/s", 1),
    "udp-bursts-1200": ("sink", ["--workload", "receive", "--bursts", "--size", "1200"], 1200, "msg/s", 1),
    "udp-send": ("source", ["--workload", "send"], MESSAGE, "msg/s", 1),
    "udp-send-1200": ("source", ["--workload", "send", "--size", "1200"], 1200, "msg/s", 1),
}
IDLE = "idle-memory"

# contestant -> workload -> (the contestant it is held against, least ratio)
BARS = {"chromesock-reactor": {name: ("libuv", 1.0 if name.startswith("udp") else 0.9) for name in WORKLOADS}}
IDLE_BAR = 1024  # bytes of user space for an idle connection, at most

# A round is noisy when other programs, or the hypervisor, took more than this part of one CPU.
NOISE = 0.12
START_SECONDS = 10


class Failure(Exception):
    pass


def busy_seconds():
    """CPU time the whole machine has spent so far, time stolen by a hypervisor included."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    used = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        used += usage.ru_utime + usage.ru_stime
    return used


def servers(workload):
    """The contestants of a workload, and their commands."""
    return UDP_CONTESTANTS if workload.startswith("udp") else CONTESTANTS


class Machine:
    """Which CPU runs what. With a single CPU nothing is pinned and the client must not spin."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.server = {cpus[0]} if len(cpus) > 1 else set(cpus)
        self.client = {cpus[1]} if len(cpus) > 1 else set(cpus)
        self.spin = len(cpus) > 1


def on(cpus):
    return lambda: os.sched_setaffinity(0, cpus)


class Server:
    """A running server; leaving the block ends it by the end of its input and checks how it ended."""

    def __init__(self, options, contestant, workload):
        mode = WORKLOADS[workload][0]
        program, *arguments = [part.format(mode=mode) for part in servers(workload)[contestant]]
        self.name = f"{contestant} ({mode})"
        self.command = [str(options.programs / program), *arguments]
        self.cpus = options.machine.server

    def __enter__(self):
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            preexec_fn=on(self.cpus))
        except OSError as error:
            raise Failure(f"{self.name}: {error}") from error
        line = self.process.stdout.readline().strip()
        if not line.isdigit():
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} ended without printing its port")
        self.port = line.decode()
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        try:
            status = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "still running after the end of its input"
        self.process.stdout.close()
        if status != 0 and kind is None:
            raise Failure(f"{self.name} ended with {status}")


def client_command(options, server, workload, seconds):
    udp = workload.startswith("udp")
    command = [str(options.programs / ("udp_load" if udp else "load")), *WORKLOADS[workload][1], "--port", server.port,
               "--server", str(server.process.pid), "--seconds", str(seconds)]
    return command + (["--spin"] if options.machine.spin and not udp else [])


def run_client(options, command, seconds):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=seconds + 60, preexec_fn=on(options.machine.client))
    except subprocess.TimeoutExpired as error:
        raise Failure("the load client does not end") from error
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"the load client ended with {done.returncode}")
    return json.loads(done.stdout)


def one_round(options, contestant, workload):
    """The client's figures, with the part of a CPU that others used meanwhile as `noise`."""
    busy, own, start = busy_seconds(), own_seconds(), time.monotonic()
    with Server(options, contestant, workload) as server:
        figures = run_client(options, client_command(options, server, workload, options.seconds), options.seconds)
    elapsed = time.monotonic() - start
    figures["noise"] = ((busy_seconds() - busy) - (own_seconds() - own)) / elapsed
    return figures


def quiet_round(options, contestant, workload):
    """A round without noise, or the least noisy of a few."""
    tries = []
    while True:
        tries.append(one_round(options, contestant, workload))
        if tries[-1]["noise"] <= NOISE or len(tries) > options.repeats:
            return min(tries, key=lambda figures: figures["noise"])


def count_syscalls(options, contestant, workload):
    """System calls of the server for each message, in a short round of its own; None if perf cannot tell."""
    seconds = min(options.seconds, 0.5)
    with tempfile.NamedTemporaryFile(mode="r", suffix=".csv") as counts:
        with Server(options, contestant, workload) as server:
            figures = run_client(options, [
                "perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", str(server.process.pid),
                "-o", counts.name, "--", *client_command(options, server, workload, seconds)], seconds)
        for line in counts:
            value, *_ = line.split(",")
            if "raw_syscalls" in line and value.isdigit():
                return int(value) / figures["total"]
    return None


def summarise(workload, contestant, rounds, syscalls):
    _, _, size, unit, scale = WORKLOADS[workload]
    noisy = sum(figures["noise"] > NOISE for figures in rounds)
    if noisy < len(rounds):  # a noisy round counts only where there is no quiet one
        rounds = [figures for figures in rounds if figures["noise"] <= NOISE]
    rates = [figures["rate"] * scale for figures in rounds]
    row = {"workload": workload, "contestant": contestant, "median": statistics.median(rates), "unit": unit,
           "min": min(rates), "max": max(rates), "rounds": len(rounds),
           "noisy_rounds": noisy,
           "cpu_ns": statistics.median(figures["cpu_ns"] for figures in rounds),
           "ratio_epoll": None, "ratio_libuv": None, "cpu_ratio_epoll": None, "cpu_ratio_libuv": None,
           "syscalls": syscalls, "syscalls_per_mb": None if syscalls is None else syscalls * 1e6 / size}
    return row


def compare(rows):
    by_name = {row["contestant"]: row for row in rows}
    for row in rows:
        for peer in ("epoll", "libuv"):
            if peer in by_name:
                row[f"ratio_{peer}"] = row["median"] / by_name[peer]["median"]
                row[f"cpu_ratio_{peer}"] = by_name[peer]["cpu_ns"] / row["cpu_ns"]
        if row["contestant"].startswith("chromesock"):
            against, bar = BARS.get(row["contestant"], {}).get(row["workload"], (None, None))
            ratio = row[f"ratio_{against}"] if against else None
            row.update(bar=bar, bar_against=against, bar_ratio=None, **{"pass": None})
            if ratio is not None:
                row.update(bar_ratio=ratio / bar, **{"pass": ratio >= bar})


def number(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def print_rows(rows):
    for row in rows:
        verdict = ""
        if row.get("bar") is not None:
            verdict = f"bar {row['bar']:.2f} x {row['bar_against']}: " + (
                "not compared" if row["pass"] is None else "pass" if row["pass"] else "FAIL")
        noisy = f"  ({row['noisy_rounds']} noisy)" if row["noisy_rounds"] else ""
        print(f"{row['workload']:<17}{row['contestant']:<20}{row['median']:>10.0f} {row['unit']:<6}"
              f"{row['min']:>10.0f} -{row['max']:>8.0f}{number(row['ratio_epoll']):>8}{number(row['ratio_libuv']):>8}"
              f"{row['cpu_ns']:>10.0f}{number(row['cpu_ratio_epoll']):>8}{number(row['cpu_ratio_libuv']):>8}"
              f"{number(row['syscalls']):>10}  {verdict}{noisy}".rstrip(), flush=True)


HEADER = (f"{'workload':<17}{'contestant':<20}{'median':>10} {'unit':<6}{'min':>10} -{'max':>8}{'/epoll':>8}"
          f"{'/libuv':>8}{'cpu ns':>10}{'/epoll':>8}{'/libuv':>8}{'syscalls':>10}  bar")


def run_workload(options, workload, failures):
    rounds = {contestant: [] for contestant in options.contestants if contestant in servers(workload)}
    for _ in range(options.rounds):
        for contestant in rounds:
            if rounds[contestant] is None:
                continue
            try:
                rounds[contestant].append(quiet_round(options, contestant, workload))
            except Failure as failure:
                failures.append(f"{workload}, {contestant}: {failure}")
                rounds[contestant] = None
    rows = []
    for contestant, figures in rounds.items():
        if figures is None:
            continue
        syscalls = None
        if options.syscalls:
            try:
                syscalls = count_syscalls(options, contestant, workload)
                if syscalls is None:
                    failures.append(f"{workload}, {contestant}: perf counted no system calls")
            except (Failure, OSError) as failure:
                failures.append(f"{workload}, {contestant}, system calls: {failure}")
        rows.append(summarise(workload, contestant, figures, syscalls))
    compare(rows)
    print_rows(rows)
    return rows


def run_idle(options, failures):
    """User-space memory of an idle connection of ours: the larger of its two ends."""
    rows = []
    for contestant in options.contestants:
        if not contestant.startswith("chromesock"):
            continue
        command = [str(options.programs / "many_connections"), "--connections", str(options.connections),
                   "--delivery", CONTESTANTS[contestant][-1]]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            failures.append(f"{IDLE}, {contestant}: {error}")
            continue
        if done.returncode != 0:
            failures.append(f"{IDLE}, {contestant}: {done.stderr.strip() or done.returncode}")
            continue
        figures = json.loads(done.stdout.splitlines()[-1])
        size = max(figures["client_heap"], figures["server_heap"])
        row = {"workload": IDLE, "contestant": contestant, "median": size, "unit": "B", "min": size, "max": size,
               "rounds": 1, "noisy_rounds": 0, "cpu_ns": None, "ratio_epoll": None, "ratio_libuv": None,
               "cpu_ratio_epoll": None, "cpu_ratio_libuv": None, "syscalls": None, "syscalls_per_mb": None,
               "bar": IDLE_BAR, "bar_against": None, "bar_ratio": IDLE_BAR / max(size, 1), "pass": size <= IDLE_BAR}
        rows.append(row)
        print(f"{IDLE:<17}{contestant:<20}{size:>10} B      of user space for each of {options.connections} idle "
              f"connections; bar {IDLE_BAR} B: {'pass' if row['pass'] else 'FAIL'}", flush=True)
    return rows


def parse_arguments():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Side-by-side benchmarks of this library and its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contestant (5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="measured time of a round (1.0)")
    parser.add_argument("--repeats", type=int, default=2, help="how often a noisy round is repeated (2)")
    parser.add_argument("--only", action="append", choices=[*WORKLOADS, IDLE], metavar="WORKLOAD",
                        help="this workload only; may be given again: " + ", ".join([*WORKLOADS, IDLE]))
    known = list(dict.fromkeys([*CONTESTANTS, *UDP_CONTESTANTS]))
    parser.add_argument("--contestants", default=",".join(known), help="names, separated by commas (all)")
    parser.add_argument("--connections", type=int, default=5000, help=f"connections of {IDLE} (5000)")
    parser.add_argument("--syscalls", action="store_true",
                        help="count system calls too, in extra short rounds; needs perf and its permission")
    parser.add_argument("--programs", type=Path, default=root / "target/benches", help="where the programs are")
    parser.add_argument("--out", type=Path, default=root / "target/bench/results.json", help="the file to write")
    options = parser.parse_args()
    options.contestants = [name for name in options.contestants.split(",") if name]
    unknown = [name for name in options.contestants if name not in known]
    if unknown or not options.contestants:
        parser.error(f"unknown contestants: {', '.join(unknown)}; there are {', '.join(known)}")
    if options.rounds < 1 or options.seconds <= 0 or options.repeats < 0 or options.connections < 1:
        parser.error("--rounds, --seconds and --connections must be above 0")
    options.workloads = options.only or [*WORKLOADS, IDLE]
    options.programs = options.programs.resolve()
    options.machine = Machine()
    return options


def main():
    options = parse_arguments()
    rows, failures = [], []
    print(f"{options.rounds} rounds of {options.seconds} s in turns; " + (
        "server and client have a CPU each" if options.machine.spin else "server and client share one CPU"))
    print("ratios above 1 are better than the peer; cpu ns and syscalls are the server's for each message "
          "(bulk: for each 64 KiB)")
    print(HEADER, flush=True)
    for workload in options.workloads:
        rows += run_idle(options, failures) if workload == IDLE else run_workload(options, workload, failures)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    judged = [row["pass"] for row in rows if row.get("pass") is not None]
    print(f"bars: {sum(judged)} of {len(judged)} passed; figures in {options.out}")
    for failure in failures:
        print(f"failed to run: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
