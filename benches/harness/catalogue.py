"""What is measured: the contestants, the workloads, and the bars that this library has to clear."""
from dataclasses import dataclass, field

BLOCK = 64 * 1024
MIB = 1024 * 1024
MESSAGE = 64
SMALL = 32

# Contestant -> command; {mode} is the workload's. Ours start with "chromesock".
TCP = {
    "epoll": ["server_epoll", "{mode}"],
    "libuv": ["server_uv", "{mode}"],
    "libevent": ["server_event", "{mode}"],
    "asio": ["server_asio", "{mode}"],
    "tokio": ["bench-tokio", "tcp", "{mode}"],
    "chromesock-reactor": ["server_chromesock", "{mode}", "reactor"],
    "chromesock-dispatch": ["server_chromesock", "{mode}", "dispatch"],
    "chromesock-pull": ["server_chromesock", "{mode}", "pull"],
}
SHARING = {**{name: TCP[name] for name in ("epoll", "libuv", "chromesock-reactor")},
           "chromesock-reactors": ["server_chromesock", "{mode}", "reactors"]}
SPINNING = {"epoll-spin": ["server_epoll", "{mode}", "spin"],
            "chromesock-spin": ["server_chromesock", "{mode}", "spin"]}
UDP = {
    "epoll": ["udp_epoll", "{mode}", "plain"],
    "epoll-mmsg": ["udp_epoll", "{mode}", "mmsg"],
    "epoll-gso": ["udp_epoll", "{mode}", "gso"],
    "libuv": ["udp_uv", "{mode}", "plain"],
    "libuv-mmsg": ["udp_uv", "{mode}", "mmsg"],
    "libevent": ["udp_event", "{mode}"],
    "asio": ["udp_asio", "{mode}"],
    "tokio": ["bench-tokio", "udp", "{mode}"],
    "chromesock-reactor": ["udp_chromesock", "{mode}", "reactor"],
    "chromesock-dispatch": ["udp_chromesock", "{mode}", "dispatch"],
    "chromesock-pull": ["udp_chromesock", "{mode}", "pull"],
}


@dataclass(frozen=True)
class Bar:
    """`rate`, `cpu`: at least this ratio to a peer. `most`: of a figure. What is judged is a row's member. `limit`:
    the contestant, written by hand, that shows what this machine's kernel can do; told where the bar is missed."""
    member: str
    bound: float
    peer: str = ""
    limit: str = ""

    @property
    def text(self):
        if self.peer:
            kind = "CPU" if self.member.startswith("cpu") else "rate"
            return f">= {self.bound:g} x {self.peer} ({kind})"
        return f"<= {self.bound:g} {'' if self.member == 'median' else self.member}".rstrip()

    def ratio(self, row):
        """1 or more: held. None: it cannot be told."""
        value = row.get(self.member)
        if value is None:
            return None
        return value / self.bound if self.peer else self.bound / max(value, self.bound / 1000)


def rate(bound, peer, limit=""):
    return Bar(f"ratio_{peer}", bound, peer, limit)


def cpu(bound, peer, limit=""):
    return Bar(f"cpu_ratio_{peer}", bound, peer, limit)


def most(bound, member="median"):
    return Bar(member, bound)


@dataclass(frozen=True)
class Workload:
    name: str
    mode: str
    client: list                # arguments of the load client
    unit: str
    contestants: dict
    size: int = MESSAGE         # bytes of a message
    scale: float = 1            # what a message adds to the figure
    kind: str = "rate"          # how it is measured: see rounds.py
    both_cpus: bool = False     # the server has threads of its own to run side by side
    bars: dict = field(default_factory=dict)  # contestant -> bars

    @property
    def udp(self):
        return any(command[0].startswith("udp") for command in self.contestants.values())

    @property
    def less_is_better(self):
        return self.kind != "rate"


REACTOR, QUEUES = "chromesock-reactor", ("chromesock-dispatch", "chromesock-pull")


def tcp(name, mode, client, unit="msg/s", contestants=TCP, **more):
    return Workload(name, mode, ["--workload", *client.split()], unit, contestants, **more)


def udp(name, mode, client, size, *bars):
    return Workload(name, mode, ["--workload", *client.split(), "--size", str(size)], "msg/s", UDP, size=size,
                    bars={REACTOR: list(bars)})


def echo_bars():
    queue = [rate(0.75, "epoll")]
    return {REACTOR: [rate(0.97, "epoll"), cpu(0.97, "epoll"), cpu(1.10, "libuv", "epoll")], **{name: queue for name in QUEUES}}


# A message of a churn workload is a connection, one of the bulk workloads a block of 64 KiB.
WORKLOADS = {workload.name: workload for workload in [
    tcp("pingpong", "echo", "pingpong", contestants={**TCP, **SPINNING},
        bars={REACTOR: [rate(0.97, "epoll"), cpu(0.97, "epoll")], "chromesock-spin": [rate(3, "libuv", "epoll-spin")]}),
    tcp("echo64-64", "echo", "echo --connections 64", bars=echo_bars()),
    tcp("echo64-1000", "echo", "echo --connections 1000", bars=echo_bars()),
    tcp("queued-sends", "queued", "queued", "sends/s", size=SMALL, bars={REACTOR: [rate(20, "libuv")]}),
    tcp("bulk-receive", "sink", "bulk-receive", "MiB/s", size=BLOCK, scale=BLOCK / MIB,
        bars={REACTOR: [rate(0.95, "epoll"), most(18, "syscalls_per_mb")]}),
    tcp("bulk-send", "source", "bulk-send", "MiB/s", size=BLOCK, scale=BLOCK / MIB,
        bars={REACTOR: [rate(0.95, "epoll"), most(18, "syscalls_per_mb")]}),
    tcp("churn", "echo", "churn --connections 64", "conn/s", bars={REACTOR: [cpu(1.05, "libuv", "epoll"), most(9, "syscalls")]}),
    tcp("accept", "echo", "accept --connections 64", "conn/s",
        bars={REACTOR: [cpu(1.05, "libuv", "epoll"), most(9, "syscalls")]}),
    # One port served by two reactors, beside servers of one thread; all may use both CPUs, and the client one.
    tcp("echo-2", "echo", "echo --connections 64", contestants=SHARING, both_cpus=True),
    tcp("churn-2", "echo", "churn --connections 64", "conn/s", contestants=SHARING, both_cpus=True),
    tcp("accept-2", "echo", "accept --connections 64", "conn/s", contestants=SHARING, both_cpus=True),
    tcp("work-2", "work", "echo --connections 64", both_cpus=True,
        contestants={name: SHARING[name] for name in ("chromesock-reactor", "chromesock-reactors")}),
    tcp("foreign-sends", "foreign", "foreign", "sends/s", size=SMALL, both_cpus=True,
        bars={REACTOR: [rate(5, "libuv")]}),
    udp("udp-echo", "echo", "echo", 64, rate(1.05, "libuv", "epoll-gso")),
    udp("udp-echo-gso", "echo", "echo --bursts", 64, rate(2, "libuv", "epoll-gso")),
    udp("udp-receive", "sink", "receive", 64, rate(1, "libuv", "epoll"), cpu(1, "libuv", "epoll")),
    udp("udp-receive-gso", "sink", "receive --bursts", 64, rate(5, "libuv", "epoll-gso")),
    udp("udp-receive-gso-1200", "sink", "receive --bursts", 1200, rate(3, "libuv", "epoll-gso")),
    udp("udp-send", "source", "send", 64, rate(6, "libuv", "epoll-gso")),
    udp("udp-send-1200", "source", "send", 1200, rate(4, "libuv", "epoll-gso")),
    # CPU time that the queue adds to an event: the delivery's less the reactor's, of udp-receive-gso.
    Workload("queue-event", "sink", ["--workload", "receive", "--bursts"], "ns/event",
             {name: UDP[name] for name in (REACTOR, *QUEUES)}, kind="queue",
             bars={name: [most(80)] for name in QUEUES}),
    # Writes to the event handle for each time the host goes to sleep on it.
    Workload("queue-wakeups", "sink", ["--workload", "receive"], "writes/sleep",
             {"chromesock-handle": ["udp_chromesock", "{mode}", "handle"]}, kind="wakeups",
             bars={"chromesock-handle": [most(1)]}),
    tcp("idle-memory", "echo", "idle --connections 5000", "B/conn", kind="memory", bars={REACTOR: [most(300)]}),
    tcp("instructions", "echo", "echo --connections 64", "instr/echo", kind="instructions",
        contestants={name: TCP[name] for name in TCP if name not in QUEUES}, bars={REACTOR: [most(600)]}),
    Workload("permission-check", "", [], "ns/check", {"chromesock": ["permissions", "10000"]}, kind="program",
             bars={"chromesock": [most(1000)]}),
]}

PEERS = ("epoll", "libuv")  # whom ratios are taken to
