#!/usr/bin/env python3
"""Runs the TLS clients side by side: ours, OpenSSL over epoll, and rustls over mio, each against the same server.

For each workload all take turns (A B C A B C ...). Client and server share a CPU: with one each the server is the
slower, and the faster a client, the more often it is charged for falling asleep and waking up (--apart does that).
The table gives the medians, and those of each turn's ratios to OpenSSL and to bare rustls by rate and by the client's
CPU time (above 1 = better). The server has OpenSSL, TLS 1.3, AES-128-GCM and X25519; ours and rustls offer
X25519MLKEM768 too, as they do by default, and pay for that key. In tls-handshakes-mlkem, where that key is agreed upon, the server has rustls.
On a busy machine run this at real-time priority: chrt -f 5 benches/tls/run.sh
The rows go into results.json beside those of the other benchmarks; a unit is a handshake, a message, or 10^6 bytes.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.ratios import median, ratio  # noqa: E402

CONTESTANTS = ["openssl", "rustls", "chromesock"]
NAMES = {"chromesock": "chromesock-reactor"}
PEERS = ("openssl", "rustls")
# name -> work, bytes of a send, kind of key, unit
WORKLOADS = {
    "tls-handshakes-p256": ("handshakes", 1, "p256", "conn/s"),
    "tls-handshakes-rsa2048": ("handshakes", 1, "rsa2048", "conn/s"),
    "tls-handshakes-mlkem": ("handshakes", 1, "p256", "conn/s"),
    "tls-download-16k": ("download", 16 * 1024, "p256", "MB/s"),
    "tls-download-64k": ("download", 64 * 1024, "p256", "MB/s"),
    "tls-upload-16k": ("upload", 16 * 1024, "p256", "MB/s"),
    "tls-upload-64k": ("upload", 64 * 1024, "p256", "MB/s"),
    "tls-echo-64": ("echo", 64, "p256", "msg/s"),
    "tls-echo-1000": ("echo", 1000, "p256", "msg/s"),
    "tls-idle-memory": ("idle", 1, "p256", "B/conn"),
}
NEEDS_MLKEM = "tls-handshakes-mlkem"  # which OpenSSL learns in 3.5
# work -> (member of the row, what it must reach)
BARS = {
    "handshakes": [("cpu_ratio_openssl", 2.0), ("ratio_rustls", 0.95)],
    "download": [("cpu_ratio_openssl", 1.2), ("ratio_openssl", 1.0), ("ratio_rustls", 0.95)],
    "upload": [("cpu_ratio_openssl", 1.5), ("ratio_openssl", 1.0), ("ratio_rustls", 0.95)],
    "echo": [("cpu_ratio_openssl", 1.0), ("ratio_rustls", 0.95)],
}
IDLE_BAR = 12 * 1024


class Failure(Exception):
    pass


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(done.stderr)


def make_certificates(folder):
    """For each kind of key an authority and a server's certificate for 127.0.0.1 below it."""
    for kind, key in {"p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa2048": ["rsa:2048"]}.items():
        at = f"{folder}/{kind}"
        openssl("req", "-x509", "-newkey", *key, "-nodes", "-keyout", f"{at}-ca.key", "-out", f"{at}-ca.pem",
                "-subj", "/CN=Benchmark Authority", "-days", "2", "-addext", "keyUsage=critical,keyCertSign")
        openssl("req", "-newkey", *key, "-nodes", "-keyout", f"{at}.key", "-out", f"{at}.csr", "-subj", "/CN=server")
        Path(f"{at}.ext").write_text("subjectAltName=IP:127.0.0.1\nkeyUsage=critical,digitalSignature\n"
                                     "extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", f"{at}.csr", "-CA", f"{at}-ca.pem", "-CAkey", f"{at}-ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", f"{at}.ext", "-out", f"{at}.pem")


def on(cpus):
    """What a child does first: stays on these CPUs and, where that is allowed, goes before other programs."""
    def prepare():
        os.sched_setaffinity(0, cpus)
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -20)
        except PermissionError:
            pass
    return prepare


def one_round(options, contestant, workload, seconds, wrapper=()):
    work, size, key, _ = WORKLOADS[workload]
    at = f"{options.folder}/{key}"
    command = [options.programs / "tls_server", work, f"{at}.pem", f"{at}.key", str(size)]
    if workload == NEEDS_MLKEM:
        command = [options.programs / "tls_rustls", "serve", f"{at}.pem", f"{at}.key"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              preexec_fn=on(options.server_cpus))
    try:
        port = server.stdout.readline().decode().strip()
        if not port:
            raise Failure("the server did not start")
        done = subprocess.run([*wrapper, options.programs / f"tls_{contestant}", work, port, f"{at}-ca.pem",
                               str(seconds), str(size)], capture_output=True, text=True, timeout=seconds + 60,
                              preexec_fn=on(options.client_cpus))
    except subprocess.TimeoutExpired as error:
        raise Failure("the client does not end") from error
    finally:
        server.stdin.close()
        status = server.wait(30)
        server.stdout.close()
    if done.returncode != 0 or status != 0:
        raise Failure(f"client {done.returncode}, server {status}: {done.stderr.strip()}")
    figures = json.loads(done.stdout)
    return figures if work != "idle" else {"rate": figures["bytes"]}


def count_syscalls(options, contestant, workload):
    """The client's system calls for each unit, in a short round of its own; None without perf."""
    with tempfile.NamedTemporaryFile(mode="r", suffix=".csv") as counts:
        try:
            figures = one_round(options, contestant, workload, 0.3, [
                "perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-o", counts.name, "--"])
        except OSError:
            return None
        for line in counts:
            value, *_ = line.split(",")
            if "raw_syscalls" in line and value.isdigit():
                return int(value) / figures["total"]
    return None


def make_row(options, workload, contestant, rounds):
    work, _, _, unit = WORKLOADS[workload]
    values = [figures["rate"] for figures in rounds]
    idle = work == "idle"
    return {"workload": workload, "contestant": NAMES.get(contestant, contestant), "median": median(values),
            "unit": unit, "min": min(values), "max": max(values), "rounds": len(rounds), "ratio_epoll": None,
            "ratio_libuv": None, "cpu_ratio_epoll": None, "cpu_ns": median(figures.get("cpu_ns") for figures in rounds),
            "syscalls": None if idle or not options.syscalls else count_syscalls(options, contestant, workload)}


def compare(workload, rows, rounds):
    by_name = {row["contestant"]: row for row in rows}
    idle = WORKLOADS[workload][0] == "idle"
    for row, figures in zip(rows, rounds.values()):
        for peer in PEERS:
            if peer in rounds:
                pair = (figures, rounds[peer])
                row[f"ratio_{peer}"] = ratio(*(reversed(pair) if idle else pair), "rate")
                row[f"cpu_ratio_{peer}"] = ratio(*reversed(pair), "cpu_ns")
    ours = by_name.get(NAMES["chromesock"])
    if ours is None:
        return
    if idle:
        judged = [(f"<= {IDLE_BAR} B", IDLE_BAR, IDLE_BAR / ours["median"])]
    else:
        judged = [(f"{member} >= {bar:g}", bar, ours[member] / bar)
                  for member, bar in BARS[WORKLOADS[workload][0]] if ours.get(member)]
    if judged:
        _, ours["bar"], ours["bar_ratio"] = min(judged, key=lambda one: one[2])
    ours["verdicts"] = [f"{text}: {'held' if ratio >= 1 else f'MISSED ({ratio:.2f})'}" for text, _, ratio in judged]


def number(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def print_rows(rows):
    for row in rows:
        print(f"{row['workload']:<24}{row['contestant']:<19}{row['median']:>9.0f} {row['unit']:<7}"
              f"{row['min']:>8.0f} -{row['max']:>7.0f}{number(row['cpu_ns'], '{:.0f}'):>9}"
              + "".join(f"{number(row.get(f'{kind}_{peer}')):>9}" for kind in ("ratio", "cpu_ratio") for peer in PEERS)
              + f"{number(row['syscalls']):>9}  {'; '.join(row.pop('verdicts', []))}".rstrip(), flush=True)


def run_workload(options, workload):
    rounds = {contestant: [] for contestant in options.contestants
              if workload != NEEDS_MLKEM or contestant != "openssl"}
    for _ in range(1 if WORKLOADS[workload][0] == "idle" else options.rounds):
        for contestant, figures in rounds.items():
            figures.append(one_round(options, contestant, workload, options.seconds))
    rows = [make_row(options, workload, contestant, figures) for contestant, figures in rounds.items()]
    compare(workload, rows, rounds)
    print_rows(rows)
    return rows


def merge(rows, path):
    """Into the file of the other benchmarks, if there is one; rows of an earlier run are replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    others = json.loads(path.read_text()) if path.exists() else []
    measured = {row["workload"] for row in rows}
    path.write_text(json.dumps([row for row in others if row["workload"] not in measured] + rows, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Side-by-side benchmarks of TLS clients.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contestant (5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="measured time of a round (1.0)")
    parser.add_argument("--only", action="append", choices=list(WORKLOADS), metavar="WORKLOAD",
                        help="this workload only; may be given again: " + ", ".join(WORKLOADS))
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="names, separated by commas (all)")
    parser.add_argument("--apart", action="store_true", help="client and server on a CPU each")
    parser.add_argument("--syscalls", action="store_true", help="count system calls too; needs perf")
    parser.add_argument("--programs", type=Path, required=True, help="where the programs are")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    options.contestants = options.contestants.split(",")
    cpus = sorted(os.sched_getaffinity(0))
    options.client_cpus, options.server_cpus = {cpus[0]}, {cpus[-1] if options.apart else cpus[0]}
    print(f"{options.rounds} rounds of {options.seconds} s in turns; cpu ns of a handshake, a message, or of 10^6 bytes")
    print(f"{'workload':<24}{'contestant':<19}{'median':>9} {'unit':<7}{'min':>8} -{'max':>7}{'cpu ns':>9}"
          f"{'/openssl':>9}{'/rustls':>9}{'cpu/ossl':>9}{'cpu/rust':>9}{'syscalls':>9}  bars", flush=True)
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as options.folder:
        make_certificates(options.folder)
        for workload in options.only or WORKLOADS:
            try:
                rows += run_workload(options, workload)
            except Failure as failure:
                print(f"failed to run: {workload}: {failure}", file=sys.stderr)
                failed = True
    merge(rows, options.out)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
