"""The end of the interpreter with traffic running; `make test-python-exits` does it 5,000 times."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from conftest import DEADLINE_SECONDS

EXITS = Path(__file__).with_name("exits")
sys.path.insert(0, str(EXITS))
from lent import PIECES, piece  # noqa: E402  # needs the path
from run import ENVIRONMENT  # noqa: E402

RUNS = 210


def test_programs_end_in_the_middle_of_traffic():
    """The package's own: no crash, no hang, the right exit code."""
    done = subprocess.run([sys.executable, EXITS / "run.py", str(RUNS)], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_was_lent_outlives_the_interpreter():
    """tcp.md S-3: nothing else is sent in its place, even when the memory of the program was torn down."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, EXITS / "lent.py", str(server.getsockname()[1])]
        with subprocess.Popen(command, env=ENVIRONMENT) as program:
            try:
                peer, _ = server.accept()
                until = time.monotonic() + DEADLINE_SECONDS
                while os.getsid(program.pid) != program.pid:
                    assert program.poll() is None and time.monotonic() < until
                peer.settimeout(DEADLINE_SECONDS)
                with peer, peer.makefile("rb") as stream:
                    for wanted in map(piece, range(PIECES)):
                        assert stream.read(len(wanted)) == wanted
            finally:
                program.terminate()
            assert program.wait(DEADLINE_SECONDS) == -signal.SIGTERM
