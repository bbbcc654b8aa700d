"""The wheel carries the library and works where nothing else is."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import chromesock

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import asyncio, chromesock, sys
async def main():
    async with chromesock.create_chrome() as chrome:
        return (await chrome.sockets.tcp.create()).socket_id
assert chromesock.__file__.startswith(sys.prefix)
print(asyncio.run(main()))
"""


def build(folder, without=None):
    """Runs pip on a copy: building writes beside the source."""
    source = folder / "source"
    shutil.copytree(ROOT, source)
    if without is not None:
        (source / without).unlink()
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_without_the_library_no_wheel_is_made(tmp_path):
    """As in a fresh checkout: it is told what is missing."""
    done = build(tmp_path, without="chromesock/lib/libchromesock.so")
    assert done.returncode != 0 and "run `make bindings`" in done.stdout + done.stderr
    assert not list(tmp_path.glob("*.whl"))


def test_the_wheel_is_of_this_platform_and_carries_all(wheel):
    """Any Python 3, one platform; library, declarations, types and licenses are inside."""
    assert wheel.name.startswith(f"chromesock-{chromesock.__version__}-py3-none-linux_")
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("lib/libchromesock.so", "_abi.py", "_surface.py", "py.typed"):
        assert f"chromesock/{part}" in names
    for license in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert any(name.endswith(f".dist-info/licenses/{license}") for name in names)


def test_the_wheel_works_in_a_clean_environment(wheel, tmp_path):
    """pip installs it, without a compiler; the library is found inside it."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, "-m", "pip", "install", "-q", "--only-binary", ":all:", wheel], check=True, env=environment)
    done = subprocess.run([python, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("1\n", "")
