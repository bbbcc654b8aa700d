"""What the tests of the example programs share: starting programs, raw peers, deadlines."""

import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

DEADLINE = 120  # seconds; far above what anything here needs
LOCAL = "127.0.0.1"
BIN = sys.argv.pop(1) if len(sys.argv) > 1 else "."


def program(name):
    return os.path.join(BIN, name)


def need(*names):
    """Ends the script as skipped if one of these commands is not installed."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    for name in names:
        if shutil.which(name) is None:
            print(f"skipped: {name} is not installed")
            sys.exit(77)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16384 if hard == resource.RLIM_INFINITY else min(hard, 16384)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    unittest.main(verbosity=2)


def run(*command, input=None, code=0):
    """Runs to the end; the exit code must be as said. Gives (stdout, stderr) as bytes."""
    done = subprocess.run(command, input=input, capture_output=True, timeout=DEADLINE)
    assert done.returncode == code, (
        f"{command} ended with {done.returncode}, not {code}\n{done.stderr.decode(errors='replace')[-4000:]}"
    )
    return done.stdout, done.stderr


def read_line(stream, what):
    """The next line of a pipe made with bufsize=0."""
    line = b""
    end = time.monotonic() + DEADLINE
    while not line.endswith(b"\n"):
        left = end - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            raise AssertionError(f"{what}: no line in {DEADLINE} s, only {line!r}")
        byte = stream.read(1)
        if not byte:
            raise AssertionError(f"{what} ended early, after {line!r}")
        line += byte
    return line.decode()


class Server:
    """httpd or echo, from "listening on …" to a clean end by SIGTERM: exit code 0, and on stderr nothing
    but lines with `complaint` in them, if that is given."""

    def __init__(self, name, *arguments, descriptors=None, complaint=None):
        self.name = name
        self.complaint = complaint
        limit = None
        if descriptors is not None:
            limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program(name), *arguments], stdout=subprocess.PIPE, stderr=self.errors, bufsize=0, preexec_fn=limit
        )
        line = ""
        while not line.startswith("listening on "):
            line = read_line(self.process.stdout, name)
        self.line = line.rstrip("\n")
        self.port = int("".join(c if c.isdigit() else " " for c in self.line).split()[-1])
        self.url = f"http://{LOCAL}:{self.port}"
        # Whatever else it prints must not fill the pipe.
        self.output = b""
        self.drain = threading.Thread(target=self._drain)
        self.drain.start()

    def _drain(self):
        while True:
            piece = self.process.stdout.read(65536)
            if not piece:
                return
            self.output += piece

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def wait(self, code=0):
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.drain.join()
            self.process.stdout.close()
            self.errors.seek(0)
            errors = self.errors.read().decode(errors="replace")
            self.errors.close()
        assert self.process.returncode == code, f"{self.name} ended with {self.process.returncode}\n{errors}"
        if code == 0:
            others = [line for line in errors.splitlines() if self.complaint is None or self.complaint not in line]
            assert not others, f"{self.name} complained:\n{errors}"
            assert self.complaint is None or errors, f"{self.name} did not complain"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        elif self.process.poll() is None:
            self.process.kill()
            self.drain.join()


def connect(port):
    return socket.create_connection((LOCAL, port), timeout=DEADLINE)


def read_all(sock):
    """Until the peer closes."""
    pieces = []
    while True:
        piece = sock.recv(65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def exchange(port, request):
    """Sends the bytes as they are and reads until the server closes."""
    with connect(port) as sock:
        sock.sendall(request)
        return read_all(sock)


class Peer:
    """A server for one connection: `serve(sock)` runs on a thread; its exception fails the test."""

    def __init__(self, serve):
        self.listener = socket.create_server((LOCAL, 0))
        self.listener.settimeout(DEADLINE)
        self.port = self.listener.getsockname()[1]
        self.error = None
        self.thread = threading.Thread(target=self._run, args=(serve,))
        self.thread.start()

    def _run(self, serve):
        try:
            sock, _ = self.listener.accept()
            with sock:
                sock.settimeout(DEADLINE)
                serve(sock)
        except Exception as error:  # handed over to the test's own thread
            self.error = error

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.thread.join()
        self.listener.close()
        if kind is None and self.error is not None:
            raise self.error


def read_head(sock):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, f"the request ended after {head!r}"
        head += byte
    return head
