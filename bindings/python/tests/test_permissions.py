"""A manifest, enforced by the library."""

import logging
from types import MappingProxyType

import pytest

from chromesock import ChromeSocketError, Status, create_chrome

APP = {"name": "app", "version": "1", "manifest_version": 2, "app": {"background": {"scripts": ["a.js"]}}}


async def test_calls_reach_what_the_manifest_permits(peers, make, error_of, caplog):
    """permissions.md, README S7: the exact messages, without a number for chrome.sockets; the host's log says why."""
    server, port = await peers.echo()
    manifest = {**APP, "sockets": {"tcp": {"connect": f"127.0.0.1:{port}"}}}
    async with server:
        chrome = make(manifest)
        tcp, udp = chrome.sockets.tcp, chrome.sockets.udp
        socket_id = (await tcp.create()).socket_id
        with caplog.at_level(logging.WARNING, "chromesock"):
            error = await error_of(tcp.connect(socket_id, "127.0.0.2", port))
        assert (error.code, error.message) == (None, "Does not have permission")
        assert "sockets.tcp.connect" in caplog.text
        udp_id = (await udp.create()).socket_id
        error = await error_of(udp.bind(udp_id, "127.0.0.1", 0))
        assert (error.code, error.message) == (None, "App does not have permission")
        older = (await chrome.socket.create("tcp")).socket_id
        error = await error_of(chrome.socket.connect(older, "127.0.0.1", port))
        assert (error.code, error.message) == (-1, "App does not have permission")
        assert await tcp.connect(socket_id, "127.0.0.1", port) == 0


async def test_what_a_manifest_is_warned_of_is_in_the_log(make, caplog):
    """permissions.md 2.3, 5.2: a rule that cannot be read is dropped, and Chrome says so; others get a hint."""
    with caplog.at_level(logging.WARNING, "chromesock"):
        make({**APP, "sockets": {"tcp": {"connect": "a.com.:80"}}})
        assert [record.message.split(": ")[0] for record in caplog.records] == ["tcp-connect:a.com.:80"]
        caplog.clear()
        make({**APP, "permissions": [{"socket": ["tcp-connect", "bogus:1:2"]}, "nonsense"]})
    texts = [f"Permission '{item}' is unknown or URL pattern is malformed." for item in ('"bogus:1:2"', "nonsense")]
    assert [record.message for record in caplog.records] == texts


async def test_the_manifest_can_be_read_and_is_a_copy(make):
    """chrome.runtime.getManifest."""
    manifest = {**APP, "sockets": {}}
    chrome = make(manifest)
    assert chrome.runtime.get_manifest() == manifest
    chrome.runtime.get_manifest()["sockets"]["tcp"] = {}
    assert chrome.runtime.get_manifest() == manifest
    assert make().runtime.get_manifest() == {}


async def test_any_mapping_is_a_manifest(make, error_of):
    """The package's own: as the types say."""
    chrome = make(MappingProxyType({**APP, "sockets": MappingProxyType({"udp": {"bind": "*"}})}))
    assert chrome.runtime.get_manifest() == {**APP, "sockets": {"udp": {"bind": "*"}}}
    socket_id = (await chrome.sockets.tcp.create()).socket_id
    error = await error_of(chrome.sockets.tcp.connect(socket_id, "127.0.0.1", 1))
    assert error.message == "Does not have permission"


async def test_a_wrong_manifest_is_refused_in_chromes_words():
    """permissions.md: the error of the sockets key."""
    with pytest.raises(ChromeSocketError, match="sockets") as caught:
        create_chrome({**APP, "sockets": {"tcp": {"connect": 5}}})
    assert caught.value.code == Status.INVALID_MANIFEST
    with pytest.raises(ChromeSocketError) as caught:
        create_chrome("{}")
    assert caught.value.message == "Manifest is not an object: expected dictionary, got string."
