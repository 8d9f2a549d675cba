"""The target `pysyncobj`: a real Raft library from PyPI, unmodified, held still.

The one insight: an installed release is the configuration, so a published defect is looked for in a
release that has it and its trace is replayed on one that has not.

Nothing of the library is imported before a world is made.  Not here: how it is held (`library.py`,
`world.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata

from demi.errors import TargetError
from demi.events import External, Kind
from demi.interpose.world import World
from demi.oracle import Invariant
from demi.target import Bug, Choice, Config, Profile, Target

Draw = Callable[[int], int]
_WEIGHTS = {"!tick": 0.6, "!election": 0.06, "crash": 0.2, "cut": 0.2, "restart": 0.3, "heal": 0.3}


def _make(config: Config) -> World:
    try:
        import pysyncobj  # noqa: F401
    except ImportError as error:
        raise TargetError(
            "pysyncobj is not installed", remedy="pip install 'demi-debugger[pysyncobj]'"
        ) from error
    from targets.pysyncobj.world import PySyncObjWorld

    return PySyncObjWorld(config["nodes"], config["tick"])


def _invariants(config: Config) -> Sequence[Invariant]:
    from targets.pysyncobj.invariants import invariants

    return invariants()


def _version(config: Config) -> str:
    try:
        return metadata.version("pysyncobj")
    except metadata.PackageNotFoundError:
        return ""


def _command(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    return [External(Kind.INJECT, (names[draw(len(names))],), "command", {"value": i + 1})]


def _crash(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    node = (names[draw(len(names))],)
    return [External(Kind.CRASH, node), External(Kind.RESTART, node)]


def _link(draw: Draw, names: Sequence[str], one_way: bool) -> list[External]:
    a = draw(len(names))
    b = (a + 1 + draw(len(names) - 1)) % len(names)
    ends = (names[a], names[b]) if one_way else (names[min(a, b)], names[max(a, b)])
    return [External(kind, ends, one_way=one_way) for kind in (Kind.CUT, Kind.HEAL)]


def _cut(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    return _link(draw, names, False)


def _stall(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    return _link(draw, names, True)


def _profile(config: Config) -> Profile:
    links = config["nodes"] > 1
    return Profile(
        choices=(
            Choice("command", 3.0, _command),
            Choice("crash", 2.0, _crash),
            *((Choice("cut", 0.6, _cut), Choice("stall", 0.3, _stall)) if links else ()),
        ),
        items=(10, 40),
        spacing=(0, 25),
        steps=600,
        weights=_WEIGHTS,
    )


TARGET = Target(
    name="pysyncobj",
    doc="PySyncObj, a Raft library in Python: unmodified nodes on virtual clocks and journals",
    make=_make,
    invariants=_invariants,
    profile=_profile,
    defaults={"nodes": 3, "tick": 0.12},
    bugs={
        "84": Bug(
            "84",
            "a vote is forgotten in a crash, so a term gets two leaders; in releases up to 0.3.15",
            {},
            "ElectionSafety",
        ),
        "166": Bug(
            "166",
            "a follower takes the leader's commit index even if it is lower; in releases up to 0.3.11",
            {},
            "CommitMonotonic",
        ),
    },
    version=_version,
)
