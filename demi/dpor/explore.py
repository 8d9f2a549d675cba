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

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demi.dpor import classic, naive, source
from demi.dpor.bounds import Bounds
from demi.dpor.optimal import OptimalWalk
from demi.dpor.space import NeedTails, Setup, Space
from demi.dpor.tally import Ended, Leaf, Report, Stop, Tally
from demi.dpor.tree import First, Walk, lowest
from demi.errors import UsageError
from demi.events import Program
from demi.interpose.network import network_of
from demi.oracle import Violation
from demi.scheduler.execute import Subject
from demi.scheduler.record import Taken
from demi.verdict import Verdict

Searches = Walk | OptimalWalk
ALGORITHMS: dict[str, Callable[[Space, Tally, First], Searches]] = {
    "naive": naive.walk,
    "classic": classic.walk,
    "source": source.walk,
    "optimal": OptimalWalk,
}
BLOCKED_SHARE_MAX = 0.5  # above it, optimal's dearer race analysis pays
WAITS = "waits of the program are ignored: its externals may happen at any time"


@dataclass(frozen=True, slots=True)
class Result:
    """What an exploration says.

    verdict: exhausted means that every class within the bounds was explored.  complete: and that no
    bound held anything back.  limit: the bounds that did, and what ended the search early, "" if none.
    cut: runs that reached the bound on steps.  classes: explored classes.  depth: longest run.
    violations: first run per fingerprint, as a schedule for `scheduler.execute.record`.
    algorithm, why: what was used in the end.  model: network, timers and dependence.  notes: statements
    about what was not done.
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
) -> Result:
    """Explore every order in which the externals of `program` and all that follows may happen.

    algorithm: a name in `ALGORITHMS`, or "auto": source, moving to optimal when more than
    `BLOCKED_SHARE_MAX` of the runs are blocked.  prefix: choices taken first, in this order.
    keep: violations to find before stopping, 0 to explore to the end.  sound_for: see the module.
    first: the base strategy.  on_leaf: sees every maximal execution; on_begin is called
    first, and again when the search has to start over (another algorithm, a wider relation).
    verify: run some executions
    twice to catch a target that does not repeat.

    Raises UsageError, DivergenceError, ContractError.
    """
    if algorithm != "auto" and algorithm not in ALGORITHMS:
        raise UsageError(
            f"unknown algorithm {algorithm!r}", remedy="known: auto, " + ", ".join(ALGORITHMS)
        )
    if sound_for not in ("local", "global"):
        raise UsageError(f"sound_for is local or global, not {sound_for!r}")
    setup = Setup(
        subject, program, bounds or Bounds(), tuple(prefix), seed, sound_for == "global", use_commutes
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
            try:
                walk.run()
            except NeedTails:
                tails = True
                continue
            except Stop:
                pass
            except KeyboardInterrupt:
                tally.ended = Ended.INTERRUPTED
            return space, tally

    name, why = algorithm, "as asked"
    if algorithm == "auto":
        name, why = "source", f"at most {BLOCKED_SHARE_MAX:.0%} of the runs were blocked"
        space, tally = search(name, BLOCKED_SHARE_MAX)
        if tally.ended is Ended.BLOCKED:
            why = f"{tally.blocked} of {tally.blocked + tally.executions} runs of source were blocked"
            name = "optimal"
            space, tally = search(name, 1.0)
    else:
        space, tally = search(name, 1.0)
    return _result(space, tally, name, why)


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
    if space.relation.clocked:
        notes.append("timers are not free: one clock makes every two steps dependent")
    if space.world.capabilities.lossy:
        notes.append("lossy channels: losses happen by drop inputs only, not by overtaking")
    if tally.executions == 1 and not tally.depth:
        notes.append("nothing is enabled in the initial state within the bounds")
    can = space.world.capabilities
    return Result(
        verdict=verdict,
        complete=tally.ended is Ended.DONE and not bit,
        limit=", ".join(bit + early),
        executions=tally.executions,
        blocked=tally.blocked,
        cut=tally.cut,
        classes=tally.executions + tally.cut,
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
