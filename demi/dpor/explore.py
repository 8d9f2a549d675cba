"""The front: explore a program of a subject with an algorithm, within bounds, and say what was covered.

The one insight: an answer is a verdict together with what it covers: complete or not, which bound held
something back, how many classes, blocked runs and cut runs, and which relation was in use.

What is checked: every invariant after every step of every explored execution, one execution per class
of the dependence in use.  Nodes' own states and everything that depends on them in any order are covered
in full.  A property of several nodes *at one moment* may hold at every moment of the explored executions
and fail in an equivalent one; for such a property pass `sound_for="global"`: then steps that change what
invariants see depend on each other, and every order of what they can see is explored.  `Result.sound`
says whether that is needed, and `auto` goes over such a program as states where it can.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from demi.dpor import classic, naive, source
from demi.dpor.auto import classes_or_states
from demi.dpor.bounds import Bounds
from demi.dpor.delays import DelayWalk
from demi.dpor.optimal import NeedSource, OptimalWalk
from demi.dpor.parallel import Part, explore_parallel
from demi.dpor.relation import NeedWider
from demi.dpor.result import Result, all_local, result_of
from demi.dpor.resume import Saved, check, load, load_tasks, save, save_tasks
from demi.dpor.space import Setup, Space
from demi.dpor.stateful import ClockRead, Search, StateKey
from demi.dpor.tally import Ended, Leaf, Report, Stop, Tally
from demi.dpor.tree import First, Walk, lowest
from demi.errors import UsageError
from demi.events import Program
from demi.interpose.actor_world import ActorWorld
from demi.scheduler.execute import Subject
from demi.scheduler.record import Taken

Searches = Walk | OptimalWalk | DelayWalk


def delayed(space: Space, tally: Tally, first: First) -> DelayWalk:
    """Delay bounding over the rotating queue."""
    delays = space.setup.bounds.delays
    if delays is None:
        raise UsageError("algorithm delays needs a bound on delays")
    return DelayWalk(space, tally, delays)


ALGORITHMS: dict[str, Callable[[Space, Tally, First], Searches]] = {
    "naive": naive.walk,
    "classic": classic.walk,
    "source": source.walk,
    "optimal": OptimalWalk,
    "delays": delayed,
}
STATEFUL = "stateful"
CUT_RUNS = "a bound on a total, or a run cut by its length, is beyond wakeup trees"
ALIKE = "nodes are interchangeable: states that differ only in which is which count once"


def explore(
    subject: Subject,
    program: Program,
    *,
    algorithm: str = "auto",
    bounds: Bounds | None = None,
    max_executions: int = 0,
    seconds: float = 0.0,
    prefix: Sequence[Taken] = (),
    seed: int = 0,
    keep: int = 1,
    sound_for: str = "local",
    use_commutes: bool = True,
    first: First = lowest,
    on_leaf: Leaf | None = None,
    on_begin: Callable[[], None] | None = None,
    progress: Report | None = None,
    verify: bool = True,
    state_key: StateKey | None = None,
    resume: Saved | None = None,
    states: bool = True,
) -> Result:
    """Explore every order in which the externals of `program` and all that follows may happen.

    algorithm: a name in `ALGORITHMS`, "stateful", or "auto": source, moving to optimal when more than
    half of the runs are blocked, or to stateful (see `auto.py`); with a bound on delays, "delays".
    states: may "auto" end with stateful, which has no executions and cannot be resumed?
    prefix: choices taken first, in this order.
    keep: violations to find before stopping, 0 to explore to the end.  sound_for: see the module.
    first: the base strategy.  on_leaf: sees every maximal execution; on_begin is called
    first, and again when the search has to start over (another algorithm, a wider relation).
    verify: run some executions twice to catch a target that does not repeat.
    state_key: see `stateful.StateKey`.
    resume: where an earlier exploration of the same ended (`Result.resume`); counts go on.

    Raises UsageError, DivergenceError, ContractError.
    """
    known = ("auto", *ALGORITHMS, STATEFUL)
    if algorithm not in known:
        raise UsageError(f"unknown algorithm {algorithm!r}", remedy="known: " + ", ".join(known))
    if sound_for not in ("local", "global"):
        raise UsageError(f"sound_for is local or global, not {sound_for!r}")
    bounds = bounds or Bounds()
    if bounds.delays is not None and algorithm not in ("auto", "delays"):
        raise UsageError(
            f"a bound on delays is about schedules: {algorithm} explores classes",
            remedy="leave the algorithm to auto",
        )
    setup = Setup(
        subject, program, bounds, tuple(prefix), seed, sound_for == "global", use_commutes
    )

    began = time.monotonic()

    def left() -> float:
        return max(0.001, seconds - (time.monotonic() - began)) if seconds else 0.0

    def visit(why: str, states_max: int) -> Result:
        return _stateful(setup, why, state_key, keep, states_max, left(), progress)

    if algorithm == STATEFUL:
        return visit("as asked", max_executions)

    def search(name: str, why: str, quit_blocked: float = 1.0, runs_max: int = 0) -> Result:
        def tally() -> Tally:
            return Tally(
                max_executions=runs_max or max_executions, seconds=left(), keep=keep, on_leaf=on_leaf,
                progress=progress, quit_blocked=quit_blocked, verify=verify,
            )  # fmt: skip

        return _search(setup, name, why, tally, first, on_begin, resume)

    if resume is not None:
        return search(str(resume.get("algorithm")), "resumed")
    if algorithm != "auto":
        return search(algorithm, "as asked")
    if bounds.delays is not None:
        return search("delays", "delays are bounded")
    world = subject.world
    both = states and on_leaf is None and not max_executions
    sound = setup.watched or all_local(subject)
    return classes_or_states(search, visit, both and type(world) is ActorWorld, sound)


def _search(
    setup: Setup, name: str, why: str, make_tally: Callable[[], Tally], first: First,
    on_begin: Callable[[], None] | None, resume: Saved | None,
) -> Result:  # fmt: skip
    """One search to its end; starts over where an algorithm or the relation turns out too narrow."""
    tails = resume is not None and bool(resume.get("tails"))
    while True:
        space, tally = Space(setup, tails), make_tally()
        if on_begin is not None and resume is None:
            on_begin()
        if resume is not None:
            check(resume, space, name)
        walk = ALGORITHMS[name](space, tally, first)
        try:
            if resume is not None and isinstance(walk, Walk):
                load(resume, walk)
            walk.run()
        except NeedWider:
            tails, resume = True, None
            continue
        except NeedSource:
            name, why = "source", CUT_RUNS
            continue
        except Stop:
            pass
        except KeyboardInterrupt:
            tally.ended = Ended.INTERRUPTED
        classes = walk.classes if isinstance(walk, DelayWalk) else None
        tally.classes = tally.executions + tally.cut if classes is None else len(classes)
        result = result_of(space, tally, name, why)
        early = tally.ended in (Ended.EXECUTIONS, Ended.SECONDS, Ended.INTERRUPTED)
        if early and isinstance(walk, Walk):
            result = replace(result, resume=save(walk, name))
        elif early:
            result = replace(
                result, notes=(*result.notes, f"{name} cannot be resumed: it starts over")
            )
        return result


def explore_processes(
    make: Callable[[], Subject],
    program: Program,
    *,
    workers: int,
    bounds: Bounds | None = None,
    prefix: Sequence[Taken] = (),
    seed: int = 0,
    keep: int = 1,
    sound_for: str = "local",
    use_commutes: bool = True,
    seconds: float = 0.0,
    progress: Callable[[Part, int, int], None] | None = None,
    resume: Saved | None = None,
) -> Result:
    """Source-DPOR over several processes; see `explore` and `parallel.explore_parallel`."""
    bounds = bounds or Bounds()
    if bounds.delays is not None:
        raise UsageError("a bound on delays is explored by one process")

    def setup_of(subject: Subject) -> Setup:
        watched = sound_for == "global"
        return Setup(subject, program, bounds, tuple(prefix), seed, watched, use_commutes)

    tally = Tally()
    space = Space(setup_of(make()))
    before, left = Part(), None
    if resume is not None:
        check(resume, space, "source")
        before, left = load_tasks(resume, space)
    whole, left = explore_parallel(
        make, setup_of, workers=workers, keep=keep, seconds=seconds, progress=progress, resume=left
    )
    whole.add(before)
    space.steps = whole.steps
    space.gate.bit |= whole.bit
    tally.executions, tally.blocked, tally.cut = whole.executions, whole.blocked, whole.cut
    tally.classes = whole.executions + whole.cut
    tally.depth, tally.ended, tally.violations = whole.depth, whole.ended, whole.violations
    result = result_of(space, tally, "source", f"over {workers} processes")
    if whole.ended in (Ended.SECONDS, Ended.INTERRUPTED):
        return replace(result, resume=save_tasks(space, whole, left))
    return result


def _stateful(
    setup: Setup, why: str, key: StateKey | None, keep: int, max_states: int, seconds: float,
    progress: Report | None,
) -> Result:  # fmt: skip
    while True:
        space, tally = Space(setup), Tally()
        search = Search(space, key)
        try:
            found = search.run(keep=keep, max_states=max_states, seconds=seconds, progress=progress)
        except ClockRead:
            continue
        break
    tally.ended, tally.cut, tally.depth = found.ended, found.cut, found.depth
    tally.violations = {
        violation.fingerprint: (violation, run) for violation, run in found.violations
    }
    result = result_of(space, tally, STATEFUL, why)
    notes = (*result.notes, ALIKE) if search.symmetric else result.notes
    if found.ended in (Ended.EXECUTIONS, Ended.SECONDS, Ended.INTERRUPTED):
        notes = (*notes, f"{STATEFUL} cannot be resumed: it starts over")
    return replace(
        result,
        states=found.states,
        transitions=found.transitions,
        seconds=found.seconds,
        notes=notes,
    )
