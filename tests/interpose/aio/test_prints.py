"""What a host prints and logs is told by its step; what it asks of the machine in vain is asked once."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import ssl
import sys
from typing import Any

import pytest
from aio_programs import do, ext

from demi.events import Kind
from demi.interpose.aio import AsyncioWorld, Host, Service


def world_of(does: Any) -> AsyncioWorld:
    """One host that does something when it is told to."""

    async def idle(host: Host) -> None:
        """Waits for inputs."""

    async def go(host: Host, args: Any) -> None:
        does(host)

    return AsyncioWorld({"a": Service(idle)}, inputs={"go": go})


def said(does: Any) -> list[str]:
    """What the step that does it has to say."""
    world = world_of(does)
    try:
        return list(do(world, ext(Kind.INJECT, "a", label="go")).log)
    finally:
        world.close()


def test_what_a_host_prints_is_told_by_its_step_and_goes_nowhere_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    early = logging.getLogger("early")
    early.propagate = False
    early.addHandler(handler := logging.StreamHandler())  # holds the stream of now

    def speaks(host: Host) -> None:
        print("one", 1)
        print("half", end="")
        print(" a line", file=sys.stderr)
        print(object())
        early.error("logged")
        late = logging.StreamHandler()
        late.emit(logging.LogRecord("x", 40, "x", 1, "also logged", (), None))

    try:
        lines = said(speaks)
    finally:
        early.removeHandler(handler)
    assert lines == ["one 1", "half a line", "<object object at 0x_>", "logged", "also logged"]
    print("ours")
    handler.stream.write("theirs")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("ours\n", "theirs")


def test_a_host_that_says_too_much_is_cut_short() -> None:
    lines = said(lambda host: [print("x" * 1000, i) for i in range(1000)])
    assert len(lines) == 51
    assert lines[0] == "x" * 200
    assert lines[-1] == "what else this step said is left out"


def test_a_host_that_dies_says_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    async def main(host: Host) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            print("closed by the collector")

    AsyncioWorld({"a": Service(main)}).close()
    assert capsys.readouterr().out == ""


def test_a_package_that_is_not_there_is_looked_for_once() -> None:
    asked: list[str] = []

    class Spy:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            asked.append(name)

    def asks(host: Host) -> None:
        for _ in range(3):
            with pytest.raises(ModuleNotFoundError, match="no_such_option") as caught:
                importlib.import_module("no_such_option")
            assert caught.value.name == "no_such_option"

    finders = list(sys.meta_path)
    spy: Any = Spy()
    sys.meta_path.insert(0, spy)
    try:
        assert said(asks) == []
    finally:
        sys.meta_path.remove(spy)
    assert asked.count("no_such_option") == 1
    assert sys.meta_path == finders


def test_certificates_are_not_loaded_in_hosts() -> None:
    kept: list[ssl.SSLContext] = []
    said(lambda host: kept.append(ssl.create_default_context()))
    assert kept[0].cert_store_stats()["x509"] == 0
    real: Any = ssl.SSLContext.load_verify_locations
    with pytest.raises(FileNotFoundError):
        real(ssl.create_default_context(), "/nowhere")


def test_a_listening_socket_made_by_hand_may_be_inheritable() -> None:
    async def main(host: Host) -> None:
        sock = socket.socket()
        sock.set_inheritable(True)
        sock.bind(("0.0.0.0", 7))
        await asyncio.start_server(lambda reader, writer: None, sock=sock)
        host.state = sorted(host.listeners)

    world = AsyncioWorld({"a": Service(main)})
    try:
        assert world.observe().state(0) == [7]
    finally:
        world.close()
