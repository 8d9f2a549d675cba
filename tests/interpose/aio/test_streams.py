"""TCP and UDP between hosts: what is an event, in which order, and what faults do to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aio_programs import do, enabled, ext, named, run, take

from demi.errors import ContractError
from demi.events import Kind
from demi.interpose.aio import AsyncioWorld, Host, Service
from demi.interpose.aio.framings import Framing
from demi.interpose.framing import Lines

Make = Callable[..., AsyncioWorld]


@pytest.fixture
def make() -> Iterator[Make]:
    worlds: list[AsyncioWorld] = []

    def build(services: dict[str, Any], **options: Any) -> AsyncioWorld:
        worlds.append(AsyncioWorld({n: Service(m) for n, m in services.items()}, **options))
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


async def echo(host: Host) -> None:
    host.state = ()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            host.state = (*host.state, line.strip())
            writer.write(b"you said " + line)
        writer.close()

    await asyncio.start_server(handle, "0.0.0.0", 7)


def caller(*lines: bytes, name: str = "server") -> Callable[[Host], Any]:
    async def main(host: Host) -> None:
        host.state = ()
        try:
            reader, writer = await asyncio.open_connection(name, 7)
            for line in lines:
                writer.write(line)
            for _ in lines:
                host.state = (*host.state, await reader.readline())
            writer.close()
        except OSError as error:
            host.state = (*host.state, type(error).__name__)

    return main


LINES = {7: Framing(Lines())}


def test_a_line_is_a_message_and_a_connection_ends(make: Make) -> None:
    world = make({"server": echo, "client": caller(b"hello\n", b"bye\n")}, framing=LINES)
    assert run(world) == [
        "client>server:hello",
        "client>server:bye",
        "server>client:you",
        "server>client:you",
        "client>server:closed",
    ]
    assert world.observe().state(0) == (b"hello", b"bye")
    assert world.observe().state(1) == (b"you said hello\n", b"you said bye\n")


def test_bytes_cut_anywhere_give_the_same_messages(make: Make) -> None:
    whole = make({"server": echo, "client": caller(b"hello\n", b"bye\n")}, framing=LINES)
    cut = make({"server": echo, "client": caller(b"he", b"llo\nby", b"e\n")}, framing=LINES)
    assert [n for n in run(whole) if "client>server" in n][:2] == [
        n for n in run(cut) if "client>server" in n
    ][:2]


def test_a_message_that_its_sender_does_not_finish_arrives_in_parts(make: Make) -> None:
    async def asks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"login: ")
        writer.write(b"hello " + await reader.readline())
        writer.close()

    async def door(host: Host) -> None:
        await asyncio.start_server(asks, "0.0.0.0", 7)

    async def guest(host: Host) -> None:
        reader, writer = await asyncio.open_connection("door", 7)
        host.state = await reader.readuntil(b": ")
        writer.write(b"me\n")
        host.state += await reader.readline()

    world = make({"door": door, "guest": guest}, framing=LINES)
    assert run(world)[:4] == [
        "guest>door:connect", "door>guest:part", "guest>door:me", "door>guest:login:"
    ]  # fmt: skip
    assert world.observe().state(1) == b"login: hello me\n"


def test_two_connections_of_one_pair_are_not_ordered(make: Make) -> None:
    async def both(host: Host) -> None:
        await asyncio.gather(caller(b"one\n")(host), caller(b"two\n")(host))

    world = make({"server": echo, "client": both}, framing=LINES)
    assert enabled(world) == ["client>server:one", "client>server:two"]
    take(world, "client>server:two")
    take(world, "client>server:one")
    assert world.observe().state(0) == (b"two", b"one")


def test_a_connect_to_a_port_that_opens_later_waits_for_its_answer(make: Make) -> None:
    world = make({"client": caller(b"x\n"), "server": echo}, framing=LINES)
    assert run(world)[:3] == ["client>server:connect", "server>client:accepted", "client>server:x"]


def test_nobody_listens_and_nobody_is_there(make: Make) -> None:
    async def nothing(host: Host) -> None:
        """Listens to nobody."""

    world = make({"server": nothing, "client": caller(b"x\n"), "lost": caller(b"x\n", name="moon")})
    assert run(world) == ["client>server:connect", "server>client:refused"]
    assert world.observe().state(1) == ("ConnectionRefusedError",)
    assert world.observe().state(2) == ("gaierror",)


def test_a_crash_resets_peers_behind_what_is_in_flight(make: Make) -> None:
    world = make({"server": echo, "client": caller(b"a\n", b"b\n")}, framing=LINES)
    take(world, "client>server:a")
    step = do(world, ext(Kind.CRASH, "server"))
    assert [named(world, event) for event in step.sent] == ["server>client:reset"]
    assert len(step.lost) == 1
    assert world.observe().state(0) is None
    assert run(world) == ["server>client:you", "server>client:reset"]
    assert world.observe().state(1) == (b"you said a\n", "ConnectionResetError")
    do(world, ext(Kind.RESTART, "server"))
    assert world.observe().state(0) == ()


def test_a_cut_of_both_ways_resets_and_a_cut_of_one_way_holds(make: Make) -> None:
    for one_way, end in ((False, "ConnectionResetError"), (True, b"you said a\n")):
        world = make({"server": echo, "client": caller(b"a\n")}, framing=LINES)
        take(world, "client>server:a")
        do(world, ext(Kind.CUT, "server", "client", one_way=one_way))
        held = [] if one_way else ["server>client:reset", "client>server:reset"]
        assert sorted(enabled(world)) == sorted(held)
        do(world, ext(Kind.HEAL, "server", "client", one_way=one_way))
        run(world)
        assert world.observe().state(1) == (end,)


async def hearer(host: Host) -> None:
    host.state = ()

    class Protocol(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            host.state = (*host.state, (data, addr[0]))

    await asyncio.get_running_loop().create_datagram_endpoint(Protocol, local_addr=("0.0.0.0", 9))


async def teller(host: Host) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("hearer", 9)
    )
    transport.sendto(b"1")
    transport.sendto(b"2")


def test_datagrams_reorder_drop_and_repeat(make: Make) -> None:
    world = make({"hearer": hearer, "teller": teller})
    first, second = world.enabled()
    world.take(second)
    do(world, ext(Kind.DUPLICATE, "teller", "hearer"))
    world.take(first)
    do(world, ext(Kind.DROP, "teller", "hearer"))
    assert world.enabled() == []
    assert world.observe().state(0) == ((b"2", "10.0.0.2"), (b"1", "10.0.0.2"))


def test_tls_is_refused_with_how_to_turn_it_off(make: Make) -> None:
    async def secure(host: Host) -> None:
        await asyncio.open_connection("server", 7, ssl=True)

    with pytest.raises(ContractError, match="TLS is not held") as caught:
        make({"server": echo, "client": secure})
    assert "ssl=None" in caught.value.remedy
    assert "secure" in caught.value.where


def test_timers_overtake_within_the_horizon_and_in_order(make: Make) -> None:
    async def sleeper(host: Host) -> None:
        async def nap(seconds: float) -> None:
            await asyncio.sleep(seconds)
            host.state = (*host.state, seconds)

        host.state = ()
        await asyncio.gather(nap(0.1), nap(0.2), nap(9.0))

    world = make({"server": echo, "client": caller(b"a\n"), "s": sleeper}, framing=LINES)
    assert len(enabled(world)) == 2
    assert enabled(world)[1].endswith("nap.sleep")
    for _ in range(2):
        world.take(world.enabled()[1])
    assert world.observe().state(2) == (0.1, 0.2)
    assert enabled(world) == ["client>server:a"]
    run(world)
    assert world.observe().state(2) == (0.1, 0.2, 9.0)
