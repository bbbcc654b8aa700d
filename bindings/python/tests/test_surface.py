"""What is made from the library's table is up to date, and complete."""

import contextlib
import functools
import inspect
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
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


def test_the_version_is_the_librarys():
    """The wheel has it from here too."""
    assert chromesock.__version__ == TABLE["version"]


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


async def test_every_number_is_an_integer(make):
    """What would lose its fraction, or has none by chance, is refused as a text is; what says that it is an
    integer is taken."""

    class Integer:
        def __index__(self):
            return 1

    class Number:
        def __int__(self):
            return 1

    tried = 0
    chrome = make()
    usual = {"str": "127.0.0.1", "Buffer": b"x", "int": 1, "bool": True, "Socket.SocketType": "udp"}
    for member in TABLE["members"]:
        if member["kind"] == "event":
            continue
        _, *path, name = member["name"].split(".")
        method = getattr(functools.reduce(getattr, map(snake, path), chrome), snake(name))
        parameters = inspect.signature(method).parameters.values()
        given = {each.name: usual[each.annotation] for each in parameters if each.default is each.empty}
        for each in parameters:
            if re.fullmatch(r"(Optional\[)?(int|bool)]?", each.annotation):
                for wrong in (Number(), Decimal("1.5"), Fraction(1), 1.0, "1"):
                    with pytest.raises(TypeError):
                        method(**{**given, each.name: wrong})
                with contextlib.suppress(chromesock.ChromeSocketError):
                    await method(**{**given, each.name: Integer()})
                tried += 1
    assert tried > 80
    for wrong in (Decimal(1), 1.0, "1"):
        with pytest.raises(TypeError):
            chromesock.create_chrome(write_quota_bytes=wrong)
    chromesock.create_chrome(write_quota_bytes=Integer()).destroy()


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
