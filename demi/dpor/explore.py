"""The front: explore a program of a subject with an algorithm, within bounds, and say what was covered.

The one insight: an answer is a verdict together with what it covers: complete or not, which bound held
something back, how many classes, blocked runs and cut runs, and which relation was in use.

What is checked: every invariant after every step of every explored execution, one execution per class
of the dependence in use.  Nodes' own states and everything that depends on them in any order are covered
in full.  A property of several nodes *at one moment* may hold at every moment of the explored executions
and fail in an equivalent one; for such a property pass `sound_for="global"`: then steps that change what
invariants see depend on each other, and every order of what they can see is explored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from demi.dpor import classic, naive, source
from demi.dpor.bounds import Bounds
from demi.dpor.delays import DelayWalk
from demi.dpor.optimal import NeedSource, OptimalWalk
from demi.dpor.space import NeedTails, Setup, Space
from demi.dpor.stateful import Search, StateKey
from demi.dpor.tally import Ended, Leaf, Report, Stop, Tally
from demi.dpor.tree import First, Walk, lowest
from demi.errors import UsageError
from demi.events import Program
from demi.interpose.network import network_of
from demi.oracle import Violation
from demi.scheduler.execute import Subject
from demi.scheduler.record import Taken
from demi.verdict import Verdict

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
BLOCKED_SHARE_MAX = 0.5  # above it, optimal's dearer race analysis pays
CUT_RUNS = "runs reach the bound on steps, where optimal has no advantage"
WAITS = "waits of the program are ignored: its externals may happen at any time"


@dataclass(frozen=True, slots=True)
class Result:
    """What an exploration says.

    verdict: exhausted means that every class within the bounds was explored.  complete: and that no
    bound held anything back.  limit: the bounds that did, and what ended the search early, "" if none.
    cut: runs that reached the bound on steps.  classes: explored classes.  depth: longest run.
    violations: first run per fingerprint, as a schedule for `scheduler.execute.record`.
    algorithm, why: what was used in the end.  model: network, timers and dependence.  notes: statements
    about what was not done.  states, transitions: of a stateful search, which has no executions.
    """

    verdict: Verdict
    complete: bool
    limit: str
    executions: int
    blocked: int
    cut: int
    classes: int
    depth: int
    steps: int
    seconds: float
    violations: tuple[tuple[Violation, tuple[Taken, ...]], ...]
    algorithm: str
    why: str
    model: str
    bounds: str
    ended: Ended
    notes: tuple[str, ...] = ()
    states: int = 0
    transitions: int = 0


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
) -> Result:
    """Explore every order in which the externals of `program` and all that follows may happen.

    algorithm: a name in `ALGORITHMS`, "stateful", or "auto": source, moving to optimal when more than
    `BLOCKED_SHARE_MAX` of the runs are blocked; with a bound on delays, "delays".
    prefix: choices taken first, in this order.
    keep: violations to find before stopping, 0 to explore to the end.  sound_for: see the module.
    first: the base strategy.  on_leaf: sees every maximal execution; on_begin is called
    first, and again when the search has to start over (another algorithm, a wider relation).
    verify: run some executions
    twice to catch a target that does not repeat.  state_key: see `stateful.StateKey`.

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

    def search(name: str, quit_blocked: float) -> tuple[Space, Tally]:
        tails = False
        while True:
            space = Space(setup, tails)
            if on_begin is not None:
                on_begin()
            tally = Tally(
                max_executions=max_executions, seconds=seconds, keep=keep, on_leaf=on_leaf,
                progress=progress, quit_blocked=quit_blocked, verify=verify,
            )  # fmt: skip
            walk = ALGORITHMS[name](space, tally, first)
            classes = walk.classes if isinstance(walk, DelayWalk) else None
            try:
                walk.run()
            except NeedTails:
                tails = True
                continue
            except NeedSource:
                changed.append(CUT_RUNS)
                name = "source"
                continue
            except Stop:
                pass
            except KeyboardInterrupt:
                tally.ended = Ended.INTERRUPTED
            tally.classes = len(classes) if classes is not None else tally.executions + tally.cut
            return space, tally

    changed: list[str] = []
    name, why = algorithm, "as asked"
    if algorithm == STATEFUL:
        space = Space(setup)
        found = Search(space, state_key).run(
            keep=keep, max_states=max_executions, seconds=seconds, progress=progress
        )
        tally = Tally()
        tally.ended, tally.violations, tally.cut = (
            found.ended,
            dict(_named(found.violations)),
            found.cut,
        )
        tally.depth = found.depth
        result = _result(space, tally, name, why)
        return replace(result, states=found.states, transitions=found.transitions, classes=0)
    if algorithm == "auto" and bounds.delays is not None:
        name, why = "delays", "delays are bounded"
        space, tally = search(name, 1.0)
    elif algorithm == "auto":
        name, why = "source", f"at most {BLOCKED_SHARE_MAX:.0%} of the runs were blocked"
        space, tally = search(name, BLOCKED_SHARE_MAX)
        if tally.ended is Ended.BLOCKED:
            why = (
                f"{tally.blocked} of {tally.blocked + tally.executions} runs of source were blocked"
            )
            name = "optimal"
            space, tally = search(name, 1.0)
    else:
        space, tally = search(name, 1.0)
    if changed:
        name, why = "source", changed[0]
    return _result(space, tally, name, why)


def _named(
    violations: Sequence[tuple[Violation, tuple[Taken, ...]]],
) -> Iterator[tuple[str, tuple[Violation, tuple[Taken, ...]]]]:
    return ((violation.fingerprint, (violation, choices)) for violation, choices in violations)


def _result(space: Space, tally: Tally, name: str, why: str) -> Result:
    bit = sorted(space.gate.bit)
    early = [] if tally.ended in (Ended.DONE, Ended.VIOLATION) else [tally.ended.value]
    if tally.violations:
        verdict = Verdict.VIOLATED
    else:
        verdict = Verdict.EXHAUSTED if tally.ended is Ended.DONE else Verdict.NOT_FOUND
    notes = []
    if space.ignored_waits:
        notes.append(WAITS)
    if space.relation.hook_ignored:
        notes.append("commutes is ignored: it is honoured for actors over fifo and bag only")
    if space.setup.watched:
        notes.append(
            "steps that change what invariants see are dependent (sound for global properties)"
        )
    if space.relation.clocked:
        notes.append("timers are not free: one clock makes every two steps dependent")
    if space.world.capabilities.lossy:
        notes.append("lossy channels: losses happen by drop inputs only, not by overtaking")
    if tally.ended is Ended.DONE and not tally.depth:
        notes.append("nothing is enabled in the initial state within the bounds")
    can = space.world.capabilities
    return Result(
        verdict=verdict,
        complete=tally.ended is Ended.DONE and not bit,
        limit=", ".join(bit + early),
        executions=tally.executions,
        blocked=tally.blocked,
        cut=tally.cut,
        classes=tally.classes,
        depth=tally.depth,
        steps=space.steps,
        seconds=tally.seconds(),
        violations=tuple(tally.violations.values()),
        algorithm=name,
        why=why,
        model=f"{network_of(can)}, timers {can.timers}",
        bounds=str(space.setup.bounds),
        ended=tally.ended,
        notes=tuple(notes),
    )
