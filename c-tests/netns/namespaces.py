"""Machines for tests on one computer: network namespaces, joined by virtual cables.

`enter()` restarts the script in mount, process and network namespaces of its own. Whatever is made inside
is gone when the script ends, however it ends: the kernel takes the namespaces, and every process in them,
down with it. Where they are not permitted, the script exits with 77, which CTest takes as skipped.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading

SKIPPED = 77
DEADLINE = 60
_INSIDE = "CHROMESOCK_TEST_INSIDE_NAMESPACES"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print(f"skipped: {why}", flush=True)
    sys.exit(SKIPPED)


def need(*names):
    os.environ["PATH"] += os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"
    for name in names:
        if shutil.which(name) is None:
            skip(f"{name} is not installed")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip() or done.returncode}"
    return done.stdout


def enter():
    need("unshare", "ip", "mount")
    if os.environ.get(_INSIDE) != "1":
        # The process ids are a namespace of their own so that all of it ends with us, even by SIGKILL.
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.getuid() != 0:
            command += ["--user", "--map-root-user"]
        attempt = "mount -t tmpfs none /run && mkdir /run/netns && ip netns add attempt"
        done = subprocess.run([*command, "sh", "-c", attempt], capture_output=True, text=True, timeout=DEADLINE)
        if done.returncode != 0:
            skip(f"network namespaces are not permitted here: {done.stderr.strip()}")
        os.environ[_INSIDE] = "1"
        os.execvp(command[0], [*command, sys.executable, "-B", *sys.argv])
    run("mount", "-t", "tmpfs", "none", "/run")
    os.mkdir("/run/netns")


def bind_file(path, text):
    """This script and what it starts see another file under this path."""
    own = os.path.join("/run", path.replace("/", "_"))
    with open(own, "w") as file:
        file.write(text)
    run("mount", "--bind", own, path)


class Machine:
    """A network namespace. `ip` configures it; `inside` and `start` run things in it."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        # An address is usable at once: nobody here has it twice.
        self.sysctl("ipv6/conf/all/accept_dad", 0)
        self.sysctl("ipv6/conf/default/accept_dad", 0)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def _join(self):
        if _libc.setns(self.descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def inside(self, function, *arguments):
        """Calls on a thread in the namespace. Sockets made there stay there."""
        result = []

        def call():
            try:
                self._join()
                result.append((True, function(*arguments)))
            except BaseException as error:
                result.append((False, error))

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        good, value = result[0]
        if not good:
            raise value
        return value

    def sysctl(self, name, value):
        def write():
            with open(f"/proc/sys/net/{name}", "w") as file:
                file.write(str(value))

        self.inside(write)

    def socket(self, family, kind, protocol=0):
        sock = self.inside(socket.socket, family, kind, protocol)
        sock.settimeout(DEADLINE)
        return sock

    def start(self, *command, **options):
        return subprocess.Popen(command, preexec_fn=self._join, **options)

    def close(self):
        os.close(self.descriptor)
        run("ip", "netns", "del", self.name)


def cable(one, one_name, other, other_name):
    """Joins two machines; both ends are up."""
    run("ip", "link", "add", one_name, "netns", one.name, "type", "veth",
        "peer", "name", other_name, "netns", other.name)
    one.ip("link", "set", one_name, "up")
    other.ip("link", "set", other_name, "up")
