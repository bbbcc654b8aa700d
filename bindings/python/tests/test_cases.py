"""The behavioural cases of the C suite over this package.

Their traces go to target/cases/python-LOOP.trace and must equal those of the C suite.
"""

import os

import pytest

from cases_run import FOLDER, REPOSITORY, Case, Peer, cases_in

CASES = [case for path in sorted(FOLDER.glob("*.json")) for case in cases_in(path)]
WRONG = cases_in(FOLDER / "wrong" / "cases.json")


def name_of(case):
    return f"{case['rule']}: {case['name']}"


@pytest.fixture(scope="module")
def peer():
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def traces():
    """The text of each case that ran, by loop and name; written in the order of the cases."""
    texts = {}
    yield texts
    folder = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target") / "cases"
    folder.mkdir(parents=True, exist_ok=True)
    for loop in {loop for loop, _ in texts}:
        ran = [texts[loop, name_of(case)] for case in CASES if (loop, name_of(case)) in texts]
        (folder / f"python-{loop}.trace").write_text("".join(ran), encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=name_of)
async def test_case(case, peer, traces, request):
    if "needs" in case and not peer.ask("has", case["needs"])["gives"]:
        pytest.skip(f"no {case['needs']} here")
    result = await Case(case, peer, deadline=15).run()
    traces[request.node.callspec.params["loop"], name_of(case)] = result.text
    assert result.lines == result.expected, result.stopped_at
    assert result.held, result.stopped_at


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case["name"])
async def test_each_wrong_case_fails(case, peer):
    assert not (await Case(case, peer, deadline=1).run()).held
