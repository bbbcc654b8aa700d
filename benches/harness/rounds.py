"""One round of one contestant: a fresh server process, the load client, and what the kernel tells of both."""
import json
import os
import resource
import subprocess
import tempfile
import time

from .ratios import NOISE

START_SECONDS = 30
QUIET_SECONDS = 3  # how long a repeated round waits for other programs to end
COUNTED_SECONDS = 0.3


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


def wait_for_quiet():
    until = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < until:
        busy, start = busy_seconds(), time.monotonic()
        time.sleep(0.2)
        if busy_seconds() - busy <= NOISE * (time.monotonic() - start):
            return


class Machine:
    """Which CPU runs what. With a single CPU nothing is pinned and the client must not spin."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.all = set(cpus)
        self.server = {cpus[0]} if len(cpus) > 1 else self.all
        self.client = {cpus[1]} if len(cpus) > 1 else self.all
        self.spin = len(cpus) > 1


def on(cpus):
    """What a child does first: stays on these CPUs and, where that is allowed, goes before other programs.
    Where the kernel groups processes by session, what counts is the group's priority."""
    def prepare():
        os.sched_setaffinity(0, cpus)
        os.setsid()
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -20)
            with open("/proc/self/autogroup", "w") as group:
                group.write("-20")
        except OSError:
            pass
    return prepare


class Server:
    """A running server; leaving the block ends it by the end of its input and checks how it ended."""

    def __init__(self, options, workload, contestant, wrapper=(), errors=None):
        program, *arguments = [part.format(mode=workload.mode) for part in workload.contestants[contestant]]
        self.name = f"{contestant} ({workload.mode})"
        self.command = [*wrapper, str(options.programs / program), *arguments]
        self.cpus = options.machine.all if workload.both_cpus else options.machine.server
        self.errors = errors

    def __enter__(self):
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=self.errors, preexec_fn=on(self.cpus))
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


def run_client(options, workload, server, seconds, wrapper=(), more=()):
    command = [*wrapper, str(options.programs / ("udp_load" if workload.udp else "load")),
               *workload.client, "--port", server.port, "--server", str(server.process.pid),
               "--seconds", str(seconds), "--warmup", str(min(0.2, seconds / 3)), *more]
    if workload.mode == "echo" and "pingpong" in workload.client and options.machine.spin:
        command.append("--spin")
    return run_program(command, seconds + 60, options.machine.client)


def run_program(command, seconds, cpus):
    """The JSON that a program prints."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds,
                              preexec_fn=on(cpus))
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{os.path.basename(command[0])} does not end") from error
    except OSError as error:
        raise Failure(str(error)) from error
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"{os.path.basename(command[0])} ended with {done.returncode}")
    return json.loads(done.stdout) if done.stdout.strip() else {}


def measure_rate(options, workload, contestant):
    with Server(options, workload, contestant) as server:
        figures = run_client(options, workload, server, options.seconds)
    return {"value": figures["rate"] * workload.scale, "cpu_ns": figures["cpu_ns"]}


def measure_queue(options, workload, contestant):
    """CPU time of an event; what the queue adds is told when the rounds are put together."""
    with Server(options, workload, contestant) as server:
        return {"value": run_client(options, workload, server, options.seconds)["cpu_ns"]}


def measure_memory(options, workload, contestant):
    with Server(options, workload, contestant) as server:
        return {"value": run_client(options, workload, server, options.seconds)["bytes"]}


def measure_program(options, workload, contestant):
    program, *arguments = workload.contestants[contestant]
    return {"value": run_program([str(options.programs / program), *arguments], 60, options.machine.server)["ns"]}


def count_instructions(options, workload, contestant, echoes):
    with tempfile.NamedTemporaryFile(mode="r") as errors:
        with Server(options, workload, contestant, errors=errors.fileno(),
                    wrapper=["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]) as server:
            run_client(options, workload, server, 1, more=["--echoes", str(echoes)])
        errors.seek(0)  # the child has moved the same offset
        for line in errors:
            if "Collected" in line:
                return int(line.rsplit(":", 1)[1])
    raise Failure(f"{contestant}: callgrind has told nothing")


def measure_instructions(options, workload, contestant):
    """User-space instructions of one echo: what many cost more than few, so that the start does not count."""
    few, many = 2000, 12000
    counted = [count_instructions(options, workload, contestant, echoes) for echoes in (few, many)]
    return {"value": (counted[1] - counted[0]) / (many - few)}


def count_calls(options, workload, contestant, events):
    """The client's figures, and how often the server met each event of the kernel; None if perf cannot tell."""
    with tempfile.NamedTemporaryFile(mode="r", suffix=".csv") as counts:
        with Server(options, workload, contestant) as server:
            figures = run_client(options, workload, server, min(COUNTED_SECONDS, 2 * options.seconds), wrapper=[
                "perf", "stat", "-x", ",", "-e", ",".join(events), "-p", str(server.process.pid), "-o", counts.name,
                "--"])
        counted = [line.split(",")[0] for line in counts if any(event in line for event in events)]
    if len(counted) != len(events) or not all(value.isdigit() for value in counted):
        return figures, None
    return figures, [int(value) for value in counted]


def measure_wakeups(options, workload, contestant):
    """Writes for each sleep. One write for each 1024 datagrams wakes the reactor to send a report: it is left out."""
    figures, counted = count_calls(options, workload, contestant, ["syscalls:sys_enter_write", "syscalls:sys_enter_poll"])
    if counted is None:
        raise Failure("perf counted no system calls")
    writes, sleeps = counted
    return {"value": (writes - figures["total"] / 1024) / max(sleeps, 1)}


def syscalls_per_message(options, workload, contestant):
    """In a short round of its own: counting costs time."""
    figures, counted = count_calls(options, workload, contestant, ["raw_syscalls:sys_enter"])
    if counted is None:
        raise Failure("perf counted no system calls")
    return counted[0] / figures["total"]


MEASURES = {"rate": measure_rate, "queue": measure_queue, "memory": measure_memory, "program": measure_program,
            "instructions": measure_instructions, "wakeups": measure_wakeups}


def one_round(options, workload, contestant):
    """The figures, with the part of a CPU that others used meanwhile as `noise`."""
    busy, own, start = busy_seconds(), own_seconds(), time.monotonic()
    figures = MEASURES[workload.kind](options, workload, contestant)
    figures["noise"] = ((busy_seconds() - busy) - (own_seconds() - own)) / (time.monotonic() - start)
    return figures
