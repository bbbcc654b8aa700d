"""The examples, and real programs as peers."""

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

from chromesock import streams

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


RESERVED = []


def port_for_a_program() -> int:
    """For those that cannot tell which port they got. A reserved port is given to nobody else, and they may take it."""
    reserved = socket.socket()
    RESERVED.append(reserved)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return int(reserved.getsockname()[1])


@contextlib.asynccontextmanager
async def program(*command, port):
    """A real server; entered when it takes connections."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            assert process.poll() is None, f"{command[0]} ended"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                break
        yield
    finally:
        process.terminate()
        process.wait(60)


async def test_redis_answers(make):
    """A protocol with lengths and lines, pipelined."""
    port = port_for_a_program()
    async with program("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", port=port):
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        value = bytes(range(256)) * 4096
        writer.write(b"SET key x\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\nGET k\r\n" % (len(value), value))
        assert [await reader.readline(), await reader.readline()] == [b"+OK\r\n", b"+OK\r\n"]
        assert await reader.readline() == b"$%d\r\n" % len(value)
        assert (await reader.readexactly(len(value) + 2))[:-2] == value
        writer.close()
        await writer.wait_closed()


async def test_the_http_example_gets_a_file_from_nginx(tmp_path):
    """examples/get.py, byte for byte."""
    port = port_for_a_program()
    page = os.urandom(3_000_000)
    (tmp_path / "page").write_bytes(page)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; error_log stderr; pid {tmp_path}/pid; events {{}} user root;"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; root {tmp_path}; }} }}"
    )
    async with program("nginx", "-p", str(tmp_path), "-c", "nginx.conf", port=port):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "examples/get.py"), "127.0.0.1", str(port), "/page",
            stdout=subprocess.PIPE, env=ENVIRONMENT,
        )  # fmt: skip
        answer, _ = await process.communicate()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK") and body == page


def test_the_echo_example_talks_to_socat():
    """examples/echo.py."""
    with subprocess.Popen(
        [sys.executable, ROOT / "examples/echo.py"], stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as server:
        try:
            port = server.stdout.readline().decode().strip()
            data = os.urandom(1_000_000)
            talk = ["socat", "-t", "10", "-", f"TCP:127.0.0.1:{port}"]
            with subprocess.Popen(talk, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
                # Half-closing would end the connection (tcp.md R-21): keep the input open until all is back.
                feeding = threading.Thread(target=lambda: (client.stdin.write(data), client.stdin.flush()))
                feeding.start()
                assert client.stdout.read(len(data)) == data
                feeding.join()
                client.stdin.close()
                assert client.wait(60) == 0
        finally:
            server.terminate()


def test_the_programs_of_the_readme_run():
    """The complete programs of README.md; the first one is that of the repository's, too."""
    programs = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert f"```python\n{programs[0]}```" in (ROOT.parent.parent / "README.md").read_text()
    said = []
    for program in programs:
        command = [sys.executable, "-W", "error", "-c", program]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        assert (done.stderr, done.returncode) == ("", 0)
        said.append(done.stdout)
    assert said == ["b'hello'\n", "b'HELLO\\n'\n"]
