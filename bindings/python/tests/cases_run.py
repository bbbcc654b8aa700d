"""Runs the behavioural cases (c-tests/cases/README.md) over the package's public surface."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
from typing import Any, Callable, Dict, List, Optional

from chromesock import ChromeSocketError, create_chrome

REPOSITORY = pathlib.Path(__file__).parents[3]
FOLDER = REPOSITORY / "c-tests" / "cases"
EVENTS = [
    f"sockets.{name}"
    for name in (
        *("tcp.onReceive", "tcp.onReceiveError", "tcpServer.onAccept", "tcpServer.onAcceptError"),
        *("udp.onReceive", "udp.onReceiveError"),
    )
]
WITHOUT_CALLBACK = ("socket.disconnect", "socket.destroy")
PORTS = ("localPort", "peerPort", "remotePort", "port")
Json = Any


def cases_in(path: pathlib.Path) -> List[Json]:
    return json.loads(path.read_text(encoding="utf-8"))


# ---- names and notation ----


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda letter: letter[1].upper(), name)


def bytes_of(text: str) -> bytes:
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    repeated = re.fullmatch(r"(.)\*(\d+)", text, re.S)
    return repeated[1].encode() * int(repeated[2]) if repeated else text.encode()


def text_of(data: bytes) -> str:
    if any(byte < 0x20 or byte > 0x7E for byte in data):
        return "hex:" + data.hex()
    if len(data) > 32 and data == data[:1] * len(data):
        return f"{chr(data[0])}*{len(data)}"
    return data.decode()


def plain(value: Any) -> Json:
    """A result in Chrome's shape: members by Chrome's names, absent ones left out."""
    if isinstance(value, bytes):
        return text_of(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "_asdict"):
        return {camel(name): plain(its) for name, its in value._asdict().items() if its is not None}
    return value


def properties(given: Json) -> Dict[str, Any]:
    """By Python's names; {"tlsVersion": {"min": …}} is tls_version_min."""
    flat: Dict[str, Any] = {}
    for name, its in given.items():
        if isinstance(its, dict):
            flat.update({f"{snake(name)}_{inner}": value for inner, value in properties(its).items()})
        else:
            flat[snake(name)] = its
    return flat


def line_of(name: str, value: Json = None, message: Optional[str] = None) -> str:
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return name + ("" if value is None else f" {shown}") + ("" if message is None else f" ! {message}")


def shape_of_networks(networks: List[Json]) -> Json:
    """What the machine's interfaces are is its own affair; the shape is not."""
    kinds = {"name": str, "address": str, "prefixLength": int}
    well_formed = all({name: type(its) for name, its in one.items()} == kinds for one in networks)
    return "networks" if well_formed else networks


def expected_lines(test: Json) -> List[str]:
    lines = [f"createChrome ! {test['refused']}"] if "refused" in test else []
    for step in test.get("steps", []):
        gives, fails = step.get("gives"), step.get("fails")
        if "call" in step and step["call"][0] not in WITHOUT_CALLBACK:
            lines.append(line_of(step["call"][0], gives, fails))
        elif "await" in step:
            lines.append(line_of(step["await"], gives, fails))
        elif "peer" in step and "gives" in step:
            lines.append(line_of(f"peer.{step['peer'][0]}", gives))
    return lines


class Peer:
    """The other end. Its answers do not need the loop: waiting for one may block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / "peer.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *request: Json) -> Json:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.communicate()


# ---- one case ----


@dataclasses.dataclass(eq=False)
class Call:
    id: Json
    quiet: bool
    done: bool = False
    value: Json = None


@dataclasses.dataclass
class Entry:
    """What was delivered."""

    name: str
    value: Json
    message: Optional[str] = None
    by: Optional[Call] = None


@dataclasses.dataclass
class Line:
    text: str
    name: str = ""
    by: Optional[Call] = None
    used: bool = False


class Case:
    def __init__(self, test: Json, peer: Peer, deadline: float) -> None:
        self.test = test
        self.expected = expected_lines(test)
        self.trace: List[Line] = []
        self.stopped_at: Optional[Json] = None
        self._peer = peer
        self._deadline = deadline
        self._delivered: List[Entry] = []
        self._arrived = asyncio.Event()
        self._ports: Dict[str, int] = {}
        self._marker: Optional[int] = None  # the socket of _settled
        self._marked = 0  # its datagrams
        self._chrome: Any = None

    @property
    def lines(self) -> List[str]:
        return [line.text for line in self.trace]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in [f"== {self.test['rule']}: {self.test['name']}", *self.lines])

    @property
    def held(self) -> bool:
        return self.stopped_at is None and self.lines == self.expected

    async def run(self) -> Case:
        try:
            if self._open():
                await self._run_steps()
        finally:
            if self._chrome is not None:
                self._chrome.destroy()
            self._peer.ask("clear")
        return self

    async def _run_steps(self) -> None:
        for step in self.test.get("steps", []):
            if not await self._step(step):
                self.stopped_at = step
                return
        # An app with a manifest may not bind the socket this takes.
        if "manifest" not in self.test and not await self._settled():
            self.stopped_at = "the end"

    def _open(self) -> bool:
        roots = self._peer.ask("roots")["gives"] if "roots" in self.test else None
        try:
            self._chrome = create_chrome(
                self.test.get("manifest"), extra_roots_pem=roots, write_quota_bytes=self.test.get("quota")
            )
        except ChromeSocketError as error:
            # Chrome's words may come after the place in the manifest.
            refused = self.test.get("refused")
            same = refused is not None and error.message.endswith(f": {refused}")
            self._add(Entry("createChrome", None, refused if same else error.message))
            return False
        for name in EVENTS:
            self._at(name).add_listener(lambda info, name=name: self._deliver(Entry(name, plain(info))))
        return True

    def _at(self, name: str) -> Any:
        found = self._chrome
        for part in name.split("."):
            found = getattr(found, snake(part))
        return found

    def _deliver(self, entry: Entry) -> None:
        self._delivered.append(entry)
        self._arrived.set()

    def _add(self, entry: Entry) -> None:
        self.trace.append(Line(line_of(entry.name, entry.value, entry.message), entry.name, entry.by))

    def _take(self, entry: Entry) -> None:
        value, by = entry.value, entry.by
        if by:
            by.done = True
        if by and by.quiet:
            by.value = value
        elif not by and self._marker is not None and value["socketId"] == self._marker:
            self._marked += 1
        elif entry.name not in WITHOUT_CALLBACK:
            if by and isinstance(value, dict) and "localPort" in value:
                self._learn_port(by.id, value["localPort"])
            if entry.name == "socket.getNetworkList":
                entry.value = shape_of_networks(value)
            self._hide_ports(entry.value)
            self._add(entry)

    def _learn_port(self, socket_id: int, port: int) -> None:
        """getInfo tells the port that the system chose: from then on it is the socket's."""
        if port not in self._ports.values():
            self._ports[str(socket_id)] = port

    def _hide_ports(self, value: Json) -> None:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                for name in PORTS:
                    if item.get(name):
                        labels = [label for label, port in self._ports.items() if port == item[name]]
                        item[name] = f"${labels[-1]}" if labels else "?"

    async def _until(self, done: Callable[[], bool], quiet: bool = False) -> bool:
        """Waits for `done`; false when it did not come in time or the trace went wrong before."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadline
        while True:
            self._arrived.clear()
            delivered, self._delivered = self._delivered, []
            for entry in delivered:
                self._take(entry)
            if done():
                return True
            if not quiet and self.lines != self.expected[: len(self.trace)]:
                return False
            try:
                await asyncio.wait_for(self._arrived.wait(), end - loop.time())
            except asyncio.TimeoutError:
                return False

    def _arguments(self, given: List[Json]) -> List[Any]:
        def argument(value: Json) -> Any:
            if isinstance(value, str) and value.startswith("$"):
                return self._ports[value[1:]]
            if isinstance(value, dict):
                if "data" in value:
                    return bytes_of(value["data"])
                return properties(value)
            return value

        while given and given[-1] is None:  # absent
            given = given[:-1]
        return [argument(value) for value in given]

    def _start(self, name: str, *given: Json, quiet: bool = False) -> Call:
        call = Call(given[0] if given else None, quiet)

        def completed(future: asyncio.Future[Any]) -> None:
            error = future.exception()
            if error is None:
                self._deliver(Entry(name, plain(future.result()), by=call))
            elif isinstance(error, ChromeSocketError):
                self._deliver(Entry(name, plain(error.result), error.message, call))
            else:
                raise error

        self._at(name)(*self._arguments(list(given))).add_done_callback(completed)
        call.done = name in WITHOUT_CALLBACK
        return call

    async def _completed(self, call: Call) -> bool:
        done = await self._until(lambda: call.done, call.quiet)
        for line in self.trace:
            line.used |= line.by is call
        return done

    async def _awaited(self, name: str) -> bool:
        def unused() -> Optional[Line]:
            return next((line for line in self.trace if not line.used and line.name == name), None)

        done = await self._until(lambda: unused() is not None)
        line = unused()
        if line:
            line.used = True
        return done

    def _peer_did(self, operation: str, *given: Json) -> bool:
        answer = self._peer.ask(operation, *self._arguments(list(given)))
        self._ports.update(answer.get("ports", {}))
        gives, error = answer.get("gives"), answer.get("error")
        if gives is not None or error is not None:
            self._hide_ports(gives)
            self.trace.append(Line(line_of(f"peer.{operation}", gives, error)))
        return error is None

    async def _quietly(self, *request: Json) -> Json:
        call = self._start(*request, quiet=True)
        await self._completed(call)
        return call.value

    async def _settled(self) -> bool:
        """Everything that was on the wire has been delivered: datagrams to a socket of our own came after it.

        The second one is read in a later turn of the reactor than all that was readable before the first.
        """
        socket_id = (await self._quietly("sockets.udp.create"))["socketId"]
        self._marker, self._marked = socket_id, 0
        await self._quietly("sockets.udp.bind", socket_id, "127.0.0.1", 0)
        info = await self._quietly("sockets.udp.getInfo", socket_id)
        for count in (1, 2):
            self._peer.ask("mark", info["localPort"])
            if not await self._until(lambda: self._marked >= count, quiet=True):  # noqa: B023
                return False
        await self._quietly("sockets.udp.close", socket_id)
        self._marker = None
        return True

    async def _step(self, step: Json) -> bool:
        if "call" in step:
            return await self._completed(self._start(*step["call"]))
        if "start" in step:
            return bool(self._start(*step["start"]))
        if "await" in step:
            return await self._awaited(step["await"])
        if "peer" in step:
            # The peer blocks the loop, and what is called while events come starts at the end of their turn.
            await asyncio.sleep(0)
            return self._peer_did(*step["peer"])
        assert "settle" in step
        return await self._settled()
