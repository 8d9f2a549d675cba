"""A counter over HTTP, unmodified `http.server` and `urllib`: two that add at the same time lose one.

demi fuzz examples/http_counter.py                       # an update is lost
demi fuzz examples/http_counter.py --set checked=true    # nothing to find
"""

from pathlib import Path

from demi.events import External, Kind
from demi.interpose.threads.program import Program
from demi.interpose.threads.world import ThreadsWorld
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target

PROGRAM = Path(__file__).with_name("http_counter_server.py")


def observe(threads, modules):
    program = modules["http_counter_server"]
    return program.COUNT[0], len(program.ADDED)


def every_add_counts(view):
    (count, _), (_, added) = view.state(0), view.state(1)
    if count < added:
        return Detail(("server",), f"{added} were added, and the counter says {count}")
    return None


def add(modules, args):
    modules["http_counter_server"].add("http://server:8000/")


def make(config):
    environ = {"CHECKED": "yes"} if config["checked"] else {}
    return ThreadsWorld(
        {
            "server": Program(f"{PROGRAM}:serve", environ=environ),
            "client": Program(f"{PROGRAM}:idle"),
        },
        observe=observe,
        inputs={"add": add},
    )


TARGET = Target(
    name="http-counter",
    doc="a counter over HTTP and a client that adds to it",
    make=make,
    invariants=lambda config: [
        StateInvariant("EveryAddCounts", "what was added is in the counter", every_add_counts)
    ],
    profile=lambda config: Profile(
        choices=(Choice("add", 1.0, lambda *_: [External(Kind.INJECT, ("client",), "add")]),),
        items=(2, 3),
        spacing=(0, 6),
        steps=200,
    ),
    defaults={"checked": False},
)
