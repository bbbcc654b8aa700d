"""A name server for tests: says what it is told to, and remembers what it was asked."""

import selectors
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
TRUNCATED = 0x200
MOST_BY_UDP = 512
SILENT = object()


def _labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _record(name, kind, data):
    return _labels(name) + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def _address(text):
    if ":" in text:
        return AAAA, socket.inet_pton(socket.AF_INET6, text)
    return A, socket.inet_pton(socket.AF_INET, text)


class NameServer:
    """On port 53 of a machine. `names` leads to a list of addresses, the one name that is meant, a response
    code, bytes to say instead of an answer, or SILENT; what is not in it does not exist."""

    def __init__(self, machine, address, names):
        self.names = names
        self.asked = []
        self.changed = threading.Condition()
        self.by_udp = machine.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.by_tcp = machine.socket(socket.AF_INET, socket.SOCK_STREAM)
        for sock in (self.by_udp, self.by_tcp):
            sock.bind((address, 53))
        self.by_tcp.listen()
        self.end, self.ended = socket.socketpair()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def close(self):
        self.end.close()
        self.thread.join()
        for sock in (self.by_udp, self.by_tcp, self.ended):
            sock.close()

    def wait_for(self, name):
        """Waits until somebody has asked for it."""
        with self.changed:
            assert self.changed.wait_for(lambda: any(asked == name for asked, _, _ in self.asked), 60), self.asked

    def _serve(self):
        with selectors.DefaultSelector() as ready:
            for sock in (self.by_udp, self.by_tcp, self.ended):
                ready.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is self.ended:
                        return
                    if key.fileobj is self.by_udp:
                        query, asker = self.by_udp.recvfrom(65536)
                        answer = self._answer(query, "udp")
                        if answer is not None:
                            self.by_udp.sendto(answer, asker)
                    else:
                        with self.by_tcp.accept()[0] as stream, stream.makefile("rb") as queries:
                            while len(length := queries.read(2)) == 2:
                                answer = self._answer(queries.read(struct.unpack("!H", length)[0]), "tcp")
                                stream.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, query, way):
        at, labels = 12, []
        while query[at] != 0:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels), struct.unpack_from("!H", query, at + 1)[0]
        with self.changed:
            self.asked.append((name, kind, way))
            self.changed.notify_all()

        def message(flags, records=()):
            head = query[:2] + struct.pack("!HHHHH", 0x8180 | flags, 1, len(records), 0, 0)
            return head + query[12 : at + 5] + b"".join(records)

        found, records = self.names.get(name, NXDOMAIN), []
        while isinstance(found, str):
            records.append(_record(name, CNAME, _labels(found)))
            name, found = found, self.names.get(found, NXDOMAIN)
        if found is SILENT:
            return None
        if isinstance(found, bytes):
            return found
        if isinstance(found, int):
            return message(found, records)
        records += [_record(name, kind, data) for its, data in map(_address, found) if its == kind]
        whole = message(0, records)
        return message(TRUNCATED) if way == "udp" and len(whole) > MOST_BY_UDP else whole
