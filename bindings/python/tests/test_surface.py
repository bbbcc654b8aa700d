"""What is made from the library's table is up to date, and complete."""

import inspect
import subprocess
import sys
from pathlib import Path

import json

import pytest

import chromesock

ROOT = Path(__file__).resolve().parent.parent
TABLE = json.loads((ROOT.parent / "api.json").read_text())
sys.path.insert(0, str(ROOT))
from surface import snake, surface  # noqa: E402


def test_the_surface_is_what_the_table_says():
    """Drift: make it again with `make bindings`."""
    assert (ROOT / "chromesock/_surface.py").read_text() == surface(TABLE)


async def test_every_member_is_there_under_its_name(make):
    """All documented members, with Chrome's arguments in Chrome's order."""
    chrome = make()
    assert len(TABLE["members"]) >= 59
    for member in TABLE["members"]:
        _, *path, name = member["name"].split(".")
        holder = chrome
        for part in path:
            holder = getattr(holder, snake(part))
        found = getattr(holder, snake(name))
        if member["kind"] == "event":
            assert isinstance(found, chromesock.Event) and member["name"] in repr(found)
            continue
        wanted = [snake(each["name"]) for each in member["parameters"] if "dropped" not in each]
        given = [each for each in inspect.signature(found).parameters.values() if each.kind is not each.KEYWORD_ONLY]
        assert [each.name for each in given] == wanted


def test_every_result_has_its_number():
    """One table of results."""
    numbers = {result["cName"]: result["number"] for result in TABLE["results"]}
    assert {f"CHROMESOCK_{status.name}": status.value for status in chromesock.Status} == numbers


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the last mypy for 3.9 knows less of the standard library")
def test_package_and_examples_are_typed(tmp_path):
    """mypy --strict, and a wrong use is found."""
    checked = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text('import chromesock\ndef f(c: chromesock.Chrome) -> None:\n    c.sockets.tcp.connect("1", "host", 80)\n')
    checked = subprocess.run([sys.executable, "-m", "mypy", wrong], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 1 and 'Argument 1 to "connect"' in checked.stdout
