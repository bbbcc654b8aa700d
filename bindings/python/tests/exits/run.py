"""Runs traffic.py many times, two at a time:   run.py COUNT

Every run has to say that it ends, and to end with its exit code in time, without a word of a crash.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Counter as Counts

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
from traffic import WAYS  # noqa: E402  # needs the path

IN_FLIGHT = 2
SECONDS = 60
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent.parent), "PYTHONFAULTHANDLER": "1"}


def start(way: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(HERE / "traffic.py"), way],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip


def check(way: str, process: subprocess.Popen) -> None:
    try:
        said, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise SystemExit(f"{way}: still running after {SECONDS} seconds") from None
    if said != "ending\n" or process.returncode != WAYS[way][1] or not is_clean(way, errors):
        raise SystemExit(f"{way}: ended with {process.returncode}, said {said!r}, and:\n{errors}")


def is_clean(way: str, errors: str) -> bool:
    """The exception that ends the program is told; sends that nobody waited for may tell how they failed."""
    if way == "exception":
        return errors.count("Traceback") == 1 and errors.endswith("Left\n")
    return not any(word in errors for word in ("Traceback", "Fatal", "panicked"))


def main(count: int) -> Counts[str]:
    """How often each way was taken."""
    ways, taken, running = list(WAYS), Counter(), []
    try:
        for index in range(count):
            way = ways[index % len(ways)]
            taken[way] += 1
            running.append((way, start(way)))
            if len(running) == IN_FLIGHT:
                check(*running.pop(0))
        while running:
            check(*running.pop(0))
    finally:
        for _, process in running:
            process.kill()
    return taken


if __name__ == "__main__":
    begin = time.monotonic()
    for way, runs in main(int(sys.argv[1])).items():
        print(f"{way:<20}{runs:>6} runs")
    print(f"{time.monotonic() - begin:.0f} s")
