#!/usr/bin/env python3
"""The other end of the behavioural cases: plain sockets, told what to do line by line.

One request is a JSON array on standard input, `[operation, name, ...]`; one answer is a JSON object:
`ports` (labels for ports that came into being), `gives` (what is to be seen in the trace) or `error`.
Every wait has a deadline.
"""
import json
import random
import re
import socket
import ssl
import struct
import sys

from peer_tls import VERSIONS, Authority

DEADLINE = 60.0


def to_bytes(text):
    """Data in the notation of the cases: hex:00ff, x*4096, or the text itself."""
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    repeated = re.fullmatch(r"(.)\*(\d+)", text, re.S)
    if repeated:
        return repeated[1].encode() * int(repeated[2])
    return text.encode()


def to_text(data):
    """The inverse of to_bytes; long runs of one byte become short."""
    if any(byte < 0x20 or byte > 0x7E for byte in data):
        return "hex:" + data.hex()
    if len(data) > 32 and data == data[:1] * len(data):
        return f"{chr(data[0])}*{len(data)}"
    return data.decode()


def open_socket(kind, address, port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, kind)
    sock.settimeout(DEADLINE)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


class Peer:
    def __init__(self):
        self.sockets = {}
        self._authority = None  # certificates are made when first needed

    def add(self, name, sock, label=True):
        assert name not in self.sockets, f"{name} exists"
        self.sockets[name] = sock
        return {"ports": {name: sock.getsockname()[1]}} if label else {}

    # ---- TCP ----

    def listen(self, name, address="127.0.0.1"):
        sock = open_socket(socket.SOCK_STREAM, address)
        sock.listen(128)
        return self.add(name, sock)

    def accept(self, listener, name):
        sock, _ = self.sockets[listener].accept()
        sock.settimeout(DEADLINE)
        return self.add(name, sock, label=False)

    def connect(self, name, port, address="127.0.0.1"):
        sock = open_socket(socket.SOCK_STREAM, "::1" if ":" in address else "127.0.0.1")
        sock.connect((address, port))
        return self.add(name, sock)

    def connects(self, port, address="127.0.0.1"):
        """Does anybody listen there? For a port of `free`: another one the system may give to others at once."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE)
            try:
                sock.connect((address, port))
                return {"gives": "connected"}
            except ConnectionRefusedError:
                return {"gives": "refused"}

    def send(self, name, data):
        self.sockets[name].sendall(to_bytes(data))
        return {}

    def read(self, name, length):
        data = b""
        while len(data) < length:
            piece = self.sockets[name].recv(length - len(data))
            if not piece:
                raise EOFError(f"the end after {to_text(data)!r}")
            data += piece
        return {"gives": to_text(data)}

    def end(self, name):
        """Everything up to the end, and what kind of end."""
        data = b""
        try:
            while True:
                piece = self.sockets[name].recv(1 << 20)
                if not piece:
                    return {"gives": {"data": to_text(data), "end": "orderly"}}
                data += piece
        except ssl.SSLZeroReturnError:  # the other end's goodbye, after ours
            return {"gives": {"data": to_text(data), "end": "orderly"}}
        except ConnectionResetError:
            return {"gives": {"data": to_text(data), "end": "reset"}}

    def shut(self, name):
        self.sockets[name].shutdown(socket.SHUT_WR)
        return {}

    def close(self, name):
        self.sockets.pop(name).close()
        return {}

    def reset(self, name):
        sock = self.sockets.pop(name)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        return {}

    def refused(self, name):
        """A port that nobody listens on and nobody else can take."""
        return self.add(name, open_socket(socket.SOCK_STREAM, "127.0.0.1"))

    def hole(self, name):
        """A listener whose queue is full: connecting to it does not end."""
        sock = open_socket(socket.SOCK_STREAM, "127.0.0.1")
        sock.listen(0)
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.connect(sock.getsockname())
        self.add(name + " filler", filler, label=False)
        return self.add(name, sock)

    def free(self, name):
        """A port that is free for TCP and UDP and that the system gives to nobody by itself."""
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first, last = map(int, file.read().split())
        for _ in range(1000):
            port = random.randint(2000, 65000)
            if first <= port <= last:
                continue
            try:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    open_socket(kind, "0.0.0.0", port).close()
                return {"ports": {name: port}}
            except OSError:
                pass
        raise OSError("no free port")

    # ---- TLS ----

    @property
    def authority(self):
        self._authority = self._authority or Authority()
        return self._authority

    def roots(self):
        return {"gives": self.authority.roots}

    def handshake(self, name, kind="good", version=None):
        """The server's side of one handshake; gives its version, or how it failed."""
        context = self.authority.context(kind)
        if version:
            context.minimum_version = context.maximum_version = VERSIONS[version]
        try:
            sock = context.wrap_socket(self.sockets[name], server_side=True)
        except (ssl.SSLError, OSError):
            return {"gives": "refused"}
        self.sockets[name] = sock
        return {"gives": sock.version()}

    def goodbye(self, name):
        """The orderly end of TLS; the connection stays."""
        sock = self.sockets[name]
        sock.settimeout(0)
        try:
            sock.unwrap()
        except ssl.SSLError:
            pass  # the answer is not waited for
        sock.settimeout(DEADLINE)
        return {}

    def hello(self, name):
        """Waits until the other end has begun a handshake: gives the kind of its first record."""
        return {"gives": to_text(self.sockets[name].recv(1, socket.MSG_PEEK))}

    # ---- UDP ----

    def udp(self, name, address="127.0.0.1"):
        return self.add(name, open_socket(socket.SOCK_DGRAM, address))

    def sendTo(self, name, data, port, address="127.0.0.1"):
        self.sockets[name].sendto(to_bytes(data), (address, port))
        return {}

    def receive(self, name):
        data, sender = self.sockets[name].recvfrom(1 << 16)
        return {"gives": {"data": to_text(data), "port": sender[1]}}

    def mark(self, port):
        with open_socket(socket.SOCK_DGRAM, "127.0.0.1") as sock:
            sock.sendto(b".", ("127.0.0.1", port))
        return {}

    # ---- the rest ----

    def has(self, what):
        """Whether this machine can do what some cases need."""
        try:
            if what == "ipv6":
                open_socket(socket.SOCK_STREAM, "::1").close()
            else:
                assert what == "multicast"
                with open_socket(socket.SOCK_DGRAM, "0.0.0.0") as sock:
                    group = socket.inet_aton("224.0.0.251") + socket.inet_aton("0.0.0.0")
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            return {"gives": True}
        except OSError:
            return {"gives": False}

    def clear(self):
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()
        return {}


def main():
    peer = Peer()
    for line in sys.stdin:
        operation, *arguments = json.loads(line)
        try:
            answer = getattr(peer, operation)(*arguments)
        except Exception as error:  # everything is the runner's to report
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
