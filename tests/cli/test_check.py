"""`demi check`: what repeats is said to, what does not is named with its step, its parents and its line."""

from __future__ import annotations

import pytest

from demi.cli.elsewhere import settings

from .conftest import Demi
from .test_targets import HEAD

SHAKY = """
import os, time, weakref, gc, toy
{extra}
class Bad(Client):
    def on_timer(self, ctx, name):
        {code}
        super().on_timer(ctx, name)
toy.Client = Bad
TARGET = TOY
"""
CASES = {
    "module": ("", "ctx.log(str(next(COUNT)))", "state that one run leaves", "calls next()"),
    "hash": ("", "ctx.log(str(hash(ctx.name)))", "the order of a set", "calls hash()"),
    "set": (
        "",
        "ctx.log(next(iter({'a', 'b', 'c', 'd', 'e', 'f'})))",
        "the order of a set",
        "a set",
    ),
    "time": (
        "BORN = time.time()",
        "ctx.log(str(BORN))",
        "two equal processes",
        "calls time.time()",
    ),
    "process": ("", "ctx.log(str(os.getpid()))", "two equal processes", "calls os.getpid()"),
}


SERVICE = """
import asyncio
from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Service
from demi.target import Choice, Profile, Target

SEEN = []

class Box:
    last = 0

    @staticmethod
    def next():
        Box.last += 1
        return Box.last

async def serve(host):
    host.state = ()
    async def handle(reader, writer):
        host.state = (*host.state, await reader.readline())
    await asyncio.start_server(handle, "0.0.0.0", 7)

async def idle(host):
    pass

async def tell(host, args):
    for word in {words}:
        _, writer = await asyncio.open_connection("b", 7)
        writer.write(str(word).encode())
        writer.close()

def make(config):
    return AsyncioWorld({{"a": Service(idle), "b": Service(serve)}}, inputs={{"tell": tell}})

def choice(draw, names, i):
    return [External(Kind.INJECT, ("a",), "tell")]

TARGET = Target(
    "service", "", make, lambda config: (),
    lambda config: Profile(choices=(Choice("t", 1.0, choice),), items=(1, 1)),
)
"""
SERVICES = {
    "set": ('{"alpha", "beta", "gamma", "delta"}', "the order of a set", "goes through a set"),
    "id": ("[id(object())]", "two equal processes differ", "calls id()"),
    "module": ("[SEEN.append(1) or len(SEEN)]", "state that one run leaves", "changes SEEN"),
    "class": ("[Box.next()]", "state that one run leaves", "changes Box.last"),
}


@pytest.mark.parametrize("case", SERVICES)
def test_an_asyncio_service_that_does_not_repeat_is_named(demi: Demi, case: str) -> None:
    words, cause, line = SERVICES[case]
    demi.write("service.py", SERVICE.format(words=words))
    done = demi("--json", "check", "service.py")
    assert done.code == 4, done.text
    assert done.last("divergence")["event"].split("#")[0] in ("ext:tell(a)", "a>b:chunk")
    assert cause in done.last("summary")["cause"]
    assert any(line in one for one in done.last("suspects")["suspects"]), done.text


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_repeat_is_named(demi: Demi, case: str) -> None:
    extra, code, cause, line = CASES[case]
    demi.write("shaky.py", HEAD + SHAKY.format(extra=extra, code=code))
    done = demi("--json", "check", "shaky.py")
    assert done.code == 4, done.text
    assert (
        done.last("divergence")["event"]
        .split("#")[0]
        .endswith(("!retry", "!lease", "!work", "!done"))
    )
    assert cause in done.last("summary")["cause"]
    found = done.last("suspects")
    assert any(one.startswith("shaky.py:") and line in one for one in found["suspects"]), found


def test_what_repeats_says_in_how_many_processes(demi: Demi) -> None:
    done = demi("--json", "check", "toy.py", "--hash-seeds", 2, "-n", 2, "--steps", 40)
    assert done.code == 0, done.text
    told = done.last("summary")
    assert (told["verdict"], told["processes"], told["hash_seeds"], told["collectors"]) == (
        "repeatable", 4, [0, 1], [0, 1, 700],
    )  # fmt: skip
    assert told["steps"] > 40


def test_nothing_to_compare_is_unknown(demi: Demi) -> None:
    demi.write(
        "idle.py",
        HEAD
        + "TARGET = replace(TOY, profile=lambda c: __import__('demi.target').target.Profile())",
    )
    done = demi("check", "idle.py", "--hash-seeds", 1)
    assert done.code == 5
    assert "unknown: the schedule has no event" in done.out


def test_a_target_that_kills_its_process_is_refused(demi: Demi) -> None:
    demi.write(
        "dead.py",
        HEAD + "import os\nif os.environ.get('PYTHONHASHSEED') == '0': os._exit(7)\nTARGET = TOY",
    )
    done = demi("check", "dead.py", PYTHONHASHSEED="5")
    assert done.code == 2
    assert "died with exit code 7" in done.err


def test_each_process_but_the_first_differs_in_one_thing() -> None:
    first, *others = settings(4)
    assert [one.hash_seed for one in others] == [0, 0, 1, 2, 3]
    assert others[0].threshold == first.threshold
    assert len({one.cause for one in others}) == 3
