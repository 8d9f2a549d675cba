"""An asyncio service as a target: a counter that reads, tells its mirror, and writes."""

import asyncio

from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Service
from demi.interpose.aio.framings import Framing
from demi.interpose.framing import Lines
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target

PORT = 9000


# ---- the service: plain asyncio


class Counter:
    def __init__(self):
        self.value = 0
        self.done = 0

    async def handle(self, reader, writer):
        while await reader.readline():
            value = self.value
            _, mirror = await asyncio.open_connection("mirror", PORT)
            mirror.write(b"copy\n")
            await asyncio.sleep(0.01)
            self.value = value + 1
            self.done += 1
            mirror.close()
        writer.close()


async def listen(handle):
    await asyncio.start_server(handle, "0.0.0.0", PORT)


# ---- the target


async def counter(host):
    host.state = Counter()
    await listen(host.state.handle)


async def mirror(host):
    async def ignore(reader, writer):
        await reader.read()

    await listen(ignore)


async def client(host):
    """Waits for inputs."""


async def add(host, args):
    _, writer = await asyncio.open_connection("counter", PORT)
    writer.write(b"add\n")
    writer.close()


def make(config):
    return AsyncioWorld(
        {
            "client": Service(client),
            "counter": Service(counter, lambda state: (state.value, state.done)),
            "mirror": Service(mirror),
        },
        inputs={"add": add},
        framing={PORT: Framing(Lines())},
        timers="free",
    )


def counted(view):
    value, done = view.state(1)
    return (
        Detail(("counter",), f"{done} additions, the counter is {value}") if value < done else None
    )


def one(draw, names, i):
    return [External(Kind.INJECT, ("client",), "add")]


TARGET = Target(
    name="counter",
    doc="an asyncio service that reads, waits and writes",
    make=make,
    invariants=lambda config: (StateInvariant("Counted", "no addition is lost", counted),),
    profile=lambda config: Profile(choices=(Choice("add", 1.0, one),), items=(3, 5), steps=100),
)
