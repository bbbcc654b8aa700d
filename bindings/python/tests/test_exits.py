"""The end of the interpreter with traffic running; `make test-python-exits` does it 5,000 times."""

import subprocess
import sys
from pathlib import Path

RUNS = 210


def test_programs_end_in_the_middle_of_traffic():
    """The package's own: no crash, no hang, the right exit code."""
    script = Path(__file__).with_name("exits") / "run.py"
    done = subprocess.run([sys.executable, script, str(RUNS)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
