"""chrome.sockets.udp and the older chrome.socket."""

import asyncio
import pathlib
import socket

import pytest

from chromesock import Socket, Status, Udp


async def test_datagrams_both_ways(make, record):
    """udp.md 4.4, 2: one event a datagram, with its sender."""
    udp = make().sockets.udp
    received = record(udp.on_receive)
    socket_id = (await udp.create()).socket_id
    assert await udp.bind(socket_id, "127.0.0.1", 0) == 0
    info = await udp.get_info(socket_id)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        port = peer.getsockname()[1]
        peer.sendto(b"", ("127.0.0.1", info.local_port))
        peer.sendto(b"question", ("127.0.0.1", info.local_port))
        assert await received.get() == Udp.ReceiveInfo(socket_id, b"", "127.0.0.1", port)
        assert (await received.get()).data == b"question"
        assert await udp.send(socket_id, b"answer", "127.0.0.1", port) == Udp.SendInfo(0, 6)
        peer.settimeout(60)
        assert peer.recv(100) == b"answer"


async def test_no_datagram_follows_a_close(make, record):
    """udp.md 5.5: nor one that was there when the program learned of an earlier completion."""
    udp = make().sockets.udp
    received = record(udp.on_receive)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for _ in range(200):
            socket_id = (await udp.create()).socket_id
            assert await udp.bind(socket_id, "127.0.0.1", 0) == 0
            await udp.set_paused(socket_id, True)
            peer.sendto(b"waits", ("127.0.0.1", (await udp.get_info(socket_id)).local_port))
            await udp.set_paused(socket_id, False)
            call = udp.close(socket_id)
            assert received.empty()
            await call
            assert received.empty()


async def test_groups_are_told_in_join_order(make, error_of):
    """udp.md 4.10: joined groups; joining one again fails."""
    udp = make().sockets.udp
    socket_id = (await udp.create()).socket_id
    assert await udp.set_multicast_time_to_live(socket_id, 2) == 0
    await udp.bind(socket_id, "0.0.0.0", 0)
    for group in ("239.1.2.3", "239.1.2.2"):
        assert await udp.join_group(socket_id, group) == 0
    assert await udp.get_joined_groups(socket_id) == ["239.1.2.3", "239.1.2.2"]
    assert (await error_of(udp.join_group(socket_id, "239.1.2.2"))).code == Status.ADDRESS_INVALID
    assert await udp.leave_group(socket_id, "239.1.2.3") == 0
    assert await udp.get_joined_groups(socket_id) == ["239.1.2.2"]


async def test_with_busy_poll_us_the_library_looks_for_more_before_it_sleeps(peers, client, make):
    """README, `create_chrome`: its thread runs on after an event."""

    def states():
        stats = [(task / "stat").read_text() for task in pathlib.Path("/proc/self/task").iterdir()]
        return [stat.split(") ")[1][0] for stat in stats if "(chromesock)" in stat]

    server, port = await peers.echo()
    async with server:
        await client(make(busy_poll_us=2**32 - 1), port)
        assert "R" in states()
    for wrong, error in (("1", TypeError), (-1, OverflowError), (2**32, OverflowError)):
        with pytest.raises(error):
            make(busy_poll_us=wrong)


async def test_objects_that_reuse_ports_all_hear_a_group(make, record, error_of):
    """README "More cores": as SSDP and mDNS need it; without the option the address is in use."""
    heard = []
    port = 0
    for _ in range(3):
        udp = make(reuse_port=True).sockets.udp
        heard.append(record(udp.on_receive))
        socket_id = (await udp.create()).socket_id
        assert await udp.bind(socket_id, "0.0.0.0", port) == 0
        assert await udp.join_group(socket_id, "239.1.2.3") == 0
        port = (await udp.get_info(socket_id)).local_port
    await udp.send(socket_id, b"all", "239.1.2.3", port)
    assert [(await each.get()).data for each in heard] == [b"all"] * 3
    alone = make().sockets.udp
    call = alone.bind((await alone.create()).socket_id, "0.0.0.0", port)
    assert (await error_of(call)).code == Status.ADDRESS_IN_USE


async def test_the_older_api_reads_on_request(peers, make, error_of):
    """socket-legacy.md 3, 4.6, 4.7: a failure of the network is a number, not an error."""
    chrome = make()
    server, port = await peers.echo()
    async with server:
        socket_id = (await chrome.socket.create("tcp")).socket_id
        assert await chrome.socket.read(socket_id) == Socket.ReadInfo(Status.FAILED, b"")
        assert await chrome.socket.connect(socket_id, "127.0.0.1", port) == 0
        assert await chrome.socket.set_no_delay(socket_id, True) is True
        assert await chrome.socket.write(socket_id, b"hello") == Socket.WriteInfo(5)
        assert await chrome.socket.read(socket_id, 100) == Socket.ReadInfo(5, b"hello")
        info = await chrome.socket.get_info(socket_id)
        assert (info.socket_type, info.connected, info.peer_port) == ("tcp", True, port)
        await chrome.socket.destroy(socket_id)
    error = await error_of(chrome.socket.read(socket_id))
    assert (error.code, error.message) == (-1, "Socket not found")
    assert error.result == Socket.ReadInfo(-1, b"")


async def test_failures_of_the_older_api_have_names_only_where_the_text_is_one_12(make, error_of):
    """socket-legacy.md 4.12, 12: a flag is no number, and -1 stands for no failure of the network."""
    chrome = make()
    for call in (chrome.socket.set_keep_alive(4711, True), chrome.socket.set_no_delay(4711, True)):
        error = await error_of(call)
        assert (error.code, error.name, error.message, error.result) == (None, None, "Socket not found", False)
    error = await error_of(chrome.socket.connect(4711, "127.0.0.1", 1))
    assert (error.code, error.name, error.message, error.result) == (-1, None, "Socket not found", -1)
    error = await error_of(chrome.socket.write(4711, b"x"))
    assert (error.code, error.name, error.result) == (-1, None, Socket.WriteInfo(-1))
    udp = (await chrome.socket.create("udp")).socket_id
    error = await error_of(chrome.socket.secure(udp))
    assert (error.code, error.name, error.message) == (-4, None, "Only TCP sockets are supported for TLS.")


async def test_a_delay_may_be_left_out_or_none(client, make, peers):
    """socket-legacy.md 15: null and absent are the same."""
    chrome = make()
    server, port = await peers.echo()
    async with server:
        socket_id = await client(chrome, port)
        older = (await chrome.socket.create("tcp")).socket_id
        assert await chrome.socket.connect(older, "127.0.0.1", port) == 0
        for delay in ((), (None,), (5,)):
            assert await chrome.sockets.tcp.set_keep_alive(socket_id, True, *delay) == 0
            assert await chrome.socket.set_keep_alive(older, True, *delay) is True
        await chrome.socket.destroy(older)
        await chrome.sockets.tcp.close(socket_id)


async def test_the_older_api_accepts_on_request(make):
    """socket-legacy.md 4.10, 4.11."""
    chrome = make()
    socket_id = (await chrome.socket.create("tcp")).socket_id
    assert await chrome.socket.accept(socket_id) == Socket.AcceptInfo(Status.FAILED, None)
    assert await chrome.socket.listen(socket_id, "127.0.0.1", 0, 3) == 0
    port = (await chrome.socket.get_info(socket_id)).local_port
    accepting = chrome.socket.accept(socket_id)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    accepted = await accepting
    assert accepted.result_code == 0
    assert await chrome.socket.write(accepted.socket_id, b"hi") == Socket.WriteInfo(2)
    await chrome.socket.destroy(accepted.socket_id)
    assert await reader.read() == b"hi"
    writer.close()


async def test_datagrams_of_the_older_api(make):
    """socket-legacy.md 4.8, 4.9."""
    chrome = make()
    one = (await chrome.socket.create("udp")).socket_id
    two = (await chrome.socket.create("udp")).socket_id
    for each in (one, two):
        assert await chrome.socket.bind(each, "127.0.0.1", 0) == 0
    ports = [(await chrome.socket.get_info(each)).local_port for each in (one, two)]
    assert await chrome.socket.send_to(one, b"ping", "127.0.0.1", ports[1]) == Socket.WriteInfo(4)
    assert await chrome.socket.recv_from(two) == Socket.RecvFromInfo(4, b"ping", "127.0.0.1", ports[0])


async def test_the_network_list_is_without_loopback(make):
    """socket-legacy.md 10."""
    for interface in await make().socket.get_network_list():
        assert interface.name and 0 <= interface.prefix_length <= 128
        assert not interface.address.startswith("127.")
