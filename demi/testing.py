"""What the pytest plugin does once a test asks for it: hunt, drive by hand, replay; and say what failed.

The one insight: a failing test should end as a command of the same purpose does, so the hunt of a test
is the hunt of `demi fuzz` with its words caught, and only the picture is added.

Not here: pytest (`demi/pytest_plugin.py` imports this module only when it is needed).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from demi.cli.hunting import save_all, search, show
from demi.cli.loading import Loaded, load_recorded, load_target
from demi.cli.output import HumanWriter
from demi.cli.prepare import prepare
from demi.cli.session import Session, make_subject
from demi.cli.shrinking import target_words
from demi.errors import DemiError, UsageError
from demi.interpose.hashes import require
from demi.minimizer.regression import violates
from demi.oracle import Invariant
from demi.render.lanes import render
from demi.scheduler.driver import Driver
from demi.scheduler.replay import replay
from demi.target import Target, configure
from demi.trace import Trace
from demi.trace_codec import encode, load

CELLS = 100  # columns of the picture in a report
ROWS_MAX = 60  # a longer picture hides the rest of the report; the last rows matter
SEED = 0  # where nothing says otherwise: the same test does the same runs
EXPECTED = ("passed", "violated")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test wants to hunt.  given: settings by name, as `[tool.demi]` spells them."""

    target: str | Target
    bug: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    expect: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line's: settings that win over the test's own, profile, root of the project."""

    root: Path
    profile: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a test fails: the words, and the picture with the commands to paste next."""

    words: str
    picture: str


def hunt_for(
    wish: Wish, options: Options, invariants: Sequence[Invariant] | None = None, spec: str = ""
) -> Failed | None:
    """Hunt; None when nothing was found.  invariants: instead of the target's own.

    spec: how a command finds a target that was given as an object.  Raises DemiError.
    """
    buffer = io.StringIO()
    session = Session(HumanWriter(buffer, buffer, "never"), quiet=True, profile=options.profile)
    with contextlib.chdir(options.root):
        loaded = find(session, wish.target, spec)
        if invariants is not None:
            own = tuple(invariants)
            loaded = replace(loaded, target=replace(loaded.target, invariants=lambda config: own))
        given = {"workers": 1, **wish.given, **options.given}
        settings = session.settings(loaded.spec, given)
        if settings.seed < 0 and "seed" not in given:
            settings = replace(settings, seed=SEED)
        words = [f"{key}={value}" for key, value in wish.set.items()]
        job = prepare(session, loaded, settings, wish.bug, words, wish.expect)
        try:
            result = search(session, job, settings.workers)
            if result.interrupted:
                raise KeyboardInterrupt
            kept, failure = save_all(session, job, result.found)
            if failure is not None:
                raise failure
            if not result.runs:
                raise UsageError("nothing ran: the budget allows no run", remedy="raise runs=")
            if not kept and result.refused:
                raise result.refused[0].error
            if not kept:
                return None
            path, trace = kept[0]
            best = show(session, job, path, trace, shrink=settings.minimize, last=True)
        finally:
            job.subject.world.close()
        return _failed(buffer.getvalue(), best.trace)


def find(session: Session, target: str | Target, spec: str = "") -> Loaded:
    """A target by name, path or object."""
    if isinstance(target, Target):
        loaded = Loaded(target, spec or target.name, spec)
    else:
        loaded = load_target(target, session.configuration)
    require(loaded.target.hash_seed)
    return loaded


def _failed(said: str, trace: Trace) -> Failed:
    words, _, commands = said.partition("\nnext ")
    rows = render(trace, CELLS)
    if len(rows) > ROWS_MAX:
        rows = render(trace, CELLS, first=max(1, len(trace) - ROWS_MAX + 15))
    after = f"\n\nnext {commands.rstrip()}" if commands else ""
    return Failed(words.rstrip(), "\n".join(row.rstrip() for row in rows) + after)


# ---- by hand


class HandDriven:
    """`demi_world(target)`: a run to drive by event names; see `Driver`."""

    def __init__(self, driver: Driver, world: Any) -> None:
        self._driver = driver
        self._world = world

    @property
    def enabled(self) -> tuple[str, ...]:
        """Ids of the deliveries and timers that may happen now."""
        return self._driver.enabled

    @property
    def violation(self) -> str | None:
        """The fingerprint of what broke, None so far."""
        found = self._driver.violation
        return found.fingerprint if found else None

    @property
    def trace(self) -> Trace:
        """The run so far."""
        return self._driver.trace()

    def take(self, *event_ids: str, args: object = None) -> None:
        """Let events happen, in this order.  args: the content of an input from outside."""
        for event_id in event_ids:
            self._driver.take(event_id, args)

    def state(self, node: str) -> Any:
        """What the target observes of a node; None while it is down."""
        names = list(self._world.names)
        if node not in names:
            raise UsageError(f"no node {node!r}", remedy="known: " + ", ".join(names))
        return self._world.observe().state(names.index(node))

    def close(self) -> None:
        """Release the world."""
        self._world.close()


def drive(target: str | Target, options: Options, seed: int, bug: str, sets: Any) -> HandDriven:
    """A fresh run of a target.  Raises DemiError."""
    session = Session(HumanWriter(io.StringIO(), io.StringIO()), quiet=True)
    with contextlib.chdir(options.root):
        loaded = find(session, target)
        subject = make_subject(loaded.target, configure(loaded.target, bug, sets))
    return HandDriven(Driver(subject, seed), subject.world)


# ---- recorded traces


def trace_files(place: str, root: Path) -> list[Path]:
    """The traces in a folder, or of a pattern; a minimized one stands for its original.

    Raises UsageError when there is none: a test without traces cannot fail.
    """
    base = root / place
    pattern = "*.jsonl*" if base.is_dir() else Path(place).name
    folder = base if base.is_dir() else base.parent
    found = sorted(p for p in folder.glob(pattern) if p.name.endswith((".jsonl", ".jsonl.gz")))
    small = {p.name.split(".min")[0] for p in found if ".min" in p.name}
    kept = [p for p in found if ".min" in p.name or stem(p) not in small]
    if not kept:
        raise UsageError("no trace there", where=place, remedy="demi fuzz TARGET --out " + place)
    return kept


def stem(path: Path) -> str:
    """The name of a trace file without what says that it is one."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl")


def recorded(path: Path, options: Options, target: str, expect: str) -> Failed | None:
    """Replay a trace.  expect: `passed` (the bug is gone) or `violated` (it still reproduces).

    Raises DemiError when it cannot be replayed at all.
    """
    if expect not in EXPECTED:
        raise UsageError(f"expect may not be {expect!r}", remedy="passed or violated")
    session = Session(HumanWriter(io.StringIO(), io.StringIO()), quiet=True)
    with contextlib.chdir(options.root):
        trace = load(path)
        require(trace.header.hash_seed)
        if expect == "violated":
            return _reproduces(session, trace, target)
        loaded = load_recorded(trace.header.target, target, session.configuration)
        seen = violates(loaded.target, encode(trace).decode())
        if seen is None:
            return None
        shown = path.relative_to(options.root) if path.is_relative_to(options.root) else path
        words = " ".join(target_words(loaded, trace))
        tail = f" {words}" if words else ""
        said = (
            f"VIOLATED {seen} by {shown}: the {len(trace)} recorded events still break it\n"
            f"next      demi view {shown}\n          demi replay {shown}{tail}"
        )
        return _failed(said, trace)


def _reproduces(session: Session, trace: Trace, target: str) -> Failed | None:
    _, subject = session.recorded(trace, target)
    try:
        divergence = replay(subject, trace).divergence
    finally:
        subject.world.close()
    if divergence is None:
        return None
    return Failed(f"the trace does not reproduce: {divergence.brief()}", divergence.describe())


def told(error: DemiError) -> str:
    """An error of demi as the words of a failing test."""
    return f"demi: {error}"
