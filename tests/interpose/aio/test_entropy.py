"""Clocks and entropy are a host's own, and the real ones come back."""

from __future__ import annotations

import datetime
import os
import random
import secrets
import time
import uuid
from typing import Any

from aio_programs import do, ext

from demi.events import Kind
from demi.interpose.aio import AsyncioWorld, Host, Service

REAL = (time.time, random.random, os.urandom, datetime.datetime, random.Random, open)


async def drawer(host: Host) -> None:
    generator = random.Random()
    host.state = (
        random.random(), random.randint(0, 99), os.urandom(4), uuid.uuid4().hex, uuid.uuid1().hex,
        secrets.token_hex(4), generator.random(), time.time(), time.monotonic(), time.time_ns(),
        datetime.datetime.now().isoformat(), datetime.datetime.now(datetime.UTC).isoformat(), os.getpid(),
    )  # fmt: skip


def states(world: AsyncioWorld, seed: int) -> list[Any]:
    world.reset(seed)
    return [world.observe().state(node) for node in range(len(world.names))]


def test_a_seed_decides_everything_that_a_host_draws() -> None:
    world = AsyncioWorld({"a": Service(drawer), "b": Service(drawer)})
    alone = AsyncioWorld({"b": Service(drawer)})
    try:
        first, other = states(world, 1), states(world, 2)
        assert states(world, 1) == first

        assert first[0][:7] != first[1][:7]
        assert first[0][:7] != other[0][:7]
        assert first[0][7:12] == other[1][7:12] == (
            1.7e9, 0.0, 1_700_000_000 * 10**9, "2023-11-14T22:13:20", "2023-11-14T22:13:20+00:00"
        )  # fmt: skip
        assert states(alone, 1)[0][:7] == first[1][:7]
    finally:
        world.close()
        alone.close()
    assert (time.time, random.random, os.urandom, datetime.datetime, random.Random, open) == REAL


def test_a_skewed_clock_shows_another_time_and_keeps_its_pace() -> None:
    async def clock(host: Host) -> None:
        """Idle."""

    def look(host: Host, args: Any) -> None:
        host.state = (time.time(), time.monotonic())

    world = AsyncioWorld({"a": Service(clock)}, inputs={"look": look})
    try:
        do(world, ext(Kind.INJECT, "a", label="skew", args={"seconds": -5.0}))
        do(world, ext(Kind.INJECT, "a", label="look"))
        assert world.observe().state(0) == (1.7e9 - 5.0, 0.0)
    finally:
        world.close()
