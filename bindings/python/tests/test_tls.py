"""`secure` against Python's own ssl: tcp.md 7, socket-legacy.md 7."""

import asyncio
import contextlib
import functools
import socket
import ssl
import subprocess
import threading

import pytest

from chromesock import ChromeSocketError, Status, create_chrome, streams
from conftest import DEADLINE_SECONDS


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """A certificate for localhost and 127.0.0.1, trusted only by who is told to."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
        " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem".split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def context(identity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity / "cert.pem", identity / "key.pem")
    return context


@pytest.fixture
def roots(identity):
    return (identity / "cert.pem").read_text()


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except ConnectionError:
        pass


def port_of(server):
    return server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_trusted_server_is_secured(context, roots, host):
    """TLS-11 recipe 1, TLS-21, TLS-22."""
    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
        with create_chrome(extra_roots_pem=roots) as chrome:
            reader, writer = await streams.open_connection(chrome, host, port_of(server), secure=True)
            block = bytes(range(256)) * 4096
            writer.write(block)
            assert await reader.readexactly(len(block)) == block
            writer.close()
            await writer.wait_closed()


def start_tls(listener, context, *answer, go_on=None):
    """The server's side of STARTTLS. Of an answer in pieces, each but the first waits for `go_on`."""
    with listener.accept()[0] as plain:
        assert plain.recv(10, socket.MSG_WAITALL) == b"STARTTLS\r\n"
        plain.sendall(answer[0])
        for piece in answer[1:]:
            assert go_on.acquire(timeout=DEADLINE_SECONDS)
            plain.sendall(piece)
        with context.wrap_socket(plain, server_side=True) as secured:
            secured.sendall(b"by TLS\r\n")
            secured.recv(1)


async def asked_for_tls(chrome, listener):
    """The client's side: a stream that has asked for TLS, and reads no more than the answer."""
    reader, writer = await streams.open_connection(chrome, "localhost", listener.getsockname()[1])
    writer.transport.pause_reading()
    writer.write(b"STARTTLS\r\n")
    return reader, writer


@pytest.mark.parametrize("more", [b"", b"injected\r\n"])
async def test_a_stream_is_secured_and_reads_nothing_of_before(context, roots, more):
    """TLS-11 recipe 2, TLS-28: what came with the answer to STARTTLS, and was not read, is never read."""
    with socket.create_server(("127.0.0.1", 0)) as listener, create_chrome(extra_roots_pem=roots) as chrome:
        loop = asyncio.get_running_loop()
        peer = loop.run_in_executor(None, start_tls, listener, context, b"220 go ahead\r\n" + more)
        reader, writer = await asked_for_tls(chrome, listener)
        assert await reader.readline() == b"220 go ahead\r\n"
        await writer.transport.secure()
        assert await reader.readline() == b"by TLS\r\n"
        writer.close()
        await peer


async def test_a_stream_that_cannot_be_secured_has_ended(context):
    """TLS-10: the socket is gone. Whoever reads or waits hears so, as with asyncio's `start_tls`."""
    with socket.create_server(("127.0.0.1", 0)) as listener, create_chrome() as chrome:
        loop = asyncio.get_running_loop()
        peer = loop.run_in_executor(None, start_tls, listener, context, b"220 go ahead\r\n")
        reader, writer = await asked_for_tls(chrome, listener)
        assert await reader.readline() == b"220 go ahead\r\n"
        reading = asyncio.ensure_future(reader.read())
        with pytest.raises(ChromeSocketError) as error:
            await writer.transport.secure()
        assert error.value.code == Status.CERT_AUTHORITY_INVALID
        assert writer.is_closing()
        for waiting in (reading, writer.wait_closed()):
            with pytest.raises(ChromeSocketError) as caught:
                await waiting
            assert caught.value is error.value
        with pytest.raises(ssl.SSLError):
            await peer


async def test_a_stream_whose_securing_is_cancelled_has_ended(peers):
    """asyncio's manner, as of a handshake that takes too long."""
    server, port = await peers.echo()
    async with server:
        with create_chrome() as chrome:
            reader, writer = await streams.open_connection(chrome, "127.0.0.1", port)
            writer.transport.pause_reading()
            writer.write(b"x")
            await reader.readexactly(1)
            securing = asyncio.ensure_future(writer.transport.secure())
            await asyncio.sleep(0)
            securing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await securing
            assert await reader.read() == b"" and writer.is_closing()
            await writer.wait_closed()


async def test_a_stream_that_is_secured_twice_goes_on(context, roots):
    """TLS-2: a failure that leaves the socket as it is is none of the stream."""
    with socket.create_server(("127.0.0.1", 0)) as listener, create_chrome(extra_roots_pem=roots) as chrome:
        loop = asyncio.get_running_loop()
        peer = loop.run_in_executor(None, start_tls, listener, context, b"220 go ahead\r\n")
        reader, writer = await asked_for_tls(chrome, listener)
        assert await reader.readline() == b"220 go ahead\r\n"
        await writer.transport.secure()
        writer.transport.pause_reading()
        with pytest.raises(ChromeSocketError):
            await writer.transport.secure()
        assert not writer.is_closing()
        writer.transport.resume_reading()
        assert await reader.readline() == b"by TLS\r\n"
        writer.close()
        await peer


async def test_a_stream_is_secured_after_an_answer_in_pieces(context, roots):
    """PA-3, TLS-11 recipe 2: each piece is asked for, and no read is in flight at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener, create_chrome(extra_roots_pem=roots) as chrome:
        loop, go_on = asyncio.get_running_loop(), threading.Semaphore(0)
        pieces = [b"22", b"0 go", b" ahead\r\n"]
        peer = loop.run_in_executor(None, functools.partial(start_tls, listener, context, *pieces, go_on=go_on))
        reader, writer = await asked_for_tls(chrome, listener)
        for piece in pieces:
            assert await reader.readexactly(len(piece)) == piece
            if piece != pieces[-1]:
                writer.transport.read_once()
                go_on.release()
        await writer.transport.secure()
        assert await reader.readline() == b"by TLS\r\n"
        writer.close()
        await peer


async def test_a_stream_that_reads_is_not_secured(peers, make):
    """TLS-4 would end the connection: it is told what is missing, and goes on."""
    server, port = await peers.echo()
    async with server:
        reader, writer = await streams.open_connection(make(), "127.0.0.1", port)
        with pytest.raises(RuntimeError, match="pause_reading"):
            await writer.transport.secure()
        writer.write(b"goes on\n")
        assert await reader.readline() == b"goes on\n"
        writer.close()


async def test_an_unknown_authority_is_refused_and_the_socket_gone(context, error_of):
    """tcp.md 7.8 rank 5, TLS-10."""
    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
        with create_chrome() as chrome:
            tcp = chrome.sockets.tcp
            made = await tcp.create()
            await tcp.set_paused(made.socket_id, True)
            await tcp.connect(made.socket_id, "localhost", port_of(server))
            error = await error_of(tcp.secure(made.socket_id))
            assert (error.code, error.name) == (-202, "net::ERR_CERT_AUTHORITY_INVALID")
            assert (await error_of(tcp.close(made.socket_id))).message == "Socket not found"


@pytest.mark.parametrize("ender, wanted", [("close", [b"one"]), ("secure", [b"one", b"two"])])
async def test_a_close_ends_the_data_of_a_secured_socket_and_another_secure_does_not(ender, wanted, context, roots):
    """tcp.md CL-2, TLS-2: of two pieces that come together, the first one's listener makes the call."""

    async def greet(reader, writer):
        writer.write(b"onetwo")
        with contextlib.suppress(ConnectionError):  # it is closed with this unread
            await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
        with create_chrome(extra_roots_pem=roots) as chrome:
            tcp, received = chrome.sockets.tcp, []
            called = asyncio.get_running_loop().create_future()

            def on_receive(info):
                received.append(info.data)
                if not called.done():
                    called.set_result(getattr(tcp, ender)(info.socket_id))

            tcp.on_receive.add_listener(on_receive)
            made = await tcp.create(buffer_size=3)
            await tcp.set_paused(made.socket_id, True)
            await tcp.connect(made.socket_id, "localhost", port_of(server))
            await tcp.secure(made.socket_id)
            await tcp.set_paused(made.socket_id, False)
            call = await called
            await asyncio.wait([call])
            assert isinstance(call.exception(), ChromeSocketError) is (ender == "secure")
            assert received == wanted


async def test_versions_that_exclude_each_other_fail(context, roots, error_of):
    """tcp.md 7.3."""
    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
        with create_chrome(extra_roots_pem=roots) as chrome:
            tcp = chrome.sockets.tcp
            made = await tcp.create()
            await tcp.set_paused(made.socket_id, True)
            await tcp.connect(made.socket_id, "localhost", port_of(server))
            secure = tcp.secure(made.socket_id, tls_version_min="tls1.3", tls_version_max="tls1.2")
            assert (await error_of(secure)).code == -107


async def test_the_older_api_is_secured_too(context, roots):
    """socket-legacy.md 7 row 6."""
    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
        with create_chrome(extra_roots_pem=roots) as chrome:
            made = await chrome.socket.create("tcp")
            assert await chrome.socket.connect(made.socket_id, "localhost", port_of(server)) == 0
            assert await chrome.socket.secure(made.socket_id) == 0
            assert (await chrome.socket.write(made.socket_id, b"hello")).bytes_written == 5
            assert (await chrome.socket.read(made.socket_id)).data == b"hello"


async def test_roots_that_cannot_be_read_are_refused():
    for roots in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]:
        with pytest.raises(ChromeSocketError) as caught:
            create_chrome(extra_roots_pem=roots)
        assert caught.value.code == Status.INVALID_ARGUMENT
        assert caught.value.message == "extra_roots_pem has no certificate that can be read"
