"""What an exploration says: a verdict together with what it covers.

The one insight: "nothing found" is worth what was looked at, so the verdict travels with the bounds that
held something back, the relation in use, and whether the orders that were left out could matter.

Not here: words for people (`demi/cli/explore.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from demi.dpor.resume import Saved
from demi.dpor.space import Space
from demi.dpor.tally import Ended, Tally
from demi.interpose.network import network_of
from demi.oracle import Local, Violation
from demi.scheduler.execute import Subject
from demi.scheduler.record import Taken
from demi.verdict import Verdict

WAITS = "waits of the program are ignored: its externals may happen at any time"
MOMENTS = (
    "invariants were checked along one run of each class: what they say of several nodes at one moment "
    "is covered in every order by --global or --algorithm stateful"
)
EVERY_MOMENT = ("naive", "stateful", "delays")  # they see every moment of all that is within bounds


@dataclass(frozen=True, slots=True)
class Result:
    """What an exploration says.

    verdict: exhausted means that every class within the bounds was explored.  complete: and that no
    bound held anything back.  limit: the bounds that did, and what ended the search early, "" if none.
    cut: runs that reached the bound on steps.  classes: explored classes.  depth: longest run.
    violations: first run per fingerprint, as a schedule for `scheduler.execute.record`.
    algorithm, why: what was used in the end.  model: network, timers and dependence.  notes: statements
    about what was not done.  states, transitions: of a stateful search, which has no executions.
    resume: for `explore(resume=...)`, as plain JSON, when the search ended early and can go on.
    sound: no invariant can fail in an order that was left out; see `explore.py`.
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
    resume: Saved | None = None
    sound: bool = True


def all_local(subject: Subject) -> bool:
    """Does one order of independent steps show all that the invariants can see?"""
    return all(isinstance(one, Local) and one.local for one in subject.invariants)


def result_of(space: Space, tally: Tally, name: str, why: str) -> Result:
    """The result of a search that ended.  name: of the algorithm."""
    bit = sorted(space.gate.bit)
    early = [] if tally.ended in (Ended.DONE, Ended.VIOLATION) else [tally.ended.value]
    if tally.violations:
        verdict = Verdict.VIOLATED
    else:
        verdict = Verdict.EXHAUSTED if tally.ended is Ended.DONE else Verdict.NOT_FOUND
    setup = space.setup
    sound = name in EVERY_MOMENT or setup.watched or all_local(setup.subject)
    notes = [] if sound else [MOMENTS]
    if space.ignored_waits:
        notes.append(WAITS)
    if space.relation.hook_ignored:
        notes.append("commutes is ignored: it is honoured for actors over fifo and bag only")
    if setup.watched:
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
        bounds=str(setup.bounds),
        ended=tally.ended,
        notes=tuple(notes),
        sound=sound,
    )
