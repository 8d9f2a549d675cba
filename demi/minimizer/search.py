"""Forward search from the reduced run: prove its length, or beat it.

The one insight: after deletion few events are left, so "is there any shorter run made of such events?" can
be asked exhaustively: depth first from a checkpoint, every state once, never deeper than one event less
than the best.  A world that cannot go back is run again from the beginning, which costs steps.

The space: runs that begin with the first `anchor` events of the best and go on with events of the classes
(kind, link, type) that the best holds, none more often than there; inputs are its inputs, each once, in
their order (`ordered`) or in their order at each node.  The anchor moves from the end to the beginning,
and what is known of a state (no violation within so many events) is kept, so any budget gives the
strongest statement it can.

States are told apart by the world's digest, the events used and the memories of the invariants.
Not here: other events, longer runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from demi.events import External
from demi.minimizer.budget import BudgetSpent
from demi.minimizer.hops import Class, class_of, offers
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Bound, Run
from demi.oracle import CRASH, Violation, check_all, check_start
from demi.scheduler.execute import execute
from demi.scheduler.record import Taken
from demi.scheduler.scripted import Scripted
from demi.scheduler.sts import Planner

RESTART = 20  # steps that beginning again counts for, apart from the way
SHORTEST_ENDING = 3  # events: the first anchor leaves so many


class Spent(Exception):
    """No steps left."""


@dataclass(slots=True)
class Search:
    """One best run.  bound: the longest path still of interest.  found: a shorter failing path."""

    problem: Problem
    run: Run
    steps_left: int
    ordered: bool = True
    seen: dict[tuple[object, ...], int] = field(default_factory=dict)
    steps: int = 0
    found: list[Taken] | None = None
    _limits: Counter[Class] = field(default_factory=Counter)
    _path: list[Taken] = field(default_factory=list)
    _bound: int = 0

    def __post_init__(self) -> None:
        self._bound = len(self.run.plan) - 1
        for want in self.run.plan:
            if isinstance(want.choice, tuple):
                self._limits[(*want.choice[:3], want.label)] += 1

    def from_anchor(self, anchor: int) -> bool:
        """Exhaust what begins with the first `anchor` events; False when a shorter run was found.

        Raises Spent, and BudgetSpent of the problem.
        """
        world, subject = self.problem.subject.world, self.problem.subject
        world.reset(self.problem.seed)
        memory, _ = check_start(subject.invariants, world.observe())
        left = Counter(self._limits)
        inputs = [want.choice for want in self.run.plan if isinstance(want.choice, External)]
        self._path = []
        for want in self.run.plan[:anchor]:
            choice = want.choice
            if isinstance(choice, External):
                event = world.offer((choice,))[0]
                inputs.remove(choice)
            else:
                event = choice
                left[class_of(world, event)] -= 1
            if not world.allowed(event):
                raise Spent  # the system does not repeat; nothing can be said
            world.take(event)
            check_all(subject.invariants, world.observe(), memory, 0)
            self._path.append(choice)
        self._explore(left, inputs, memory, [self._text(m) for m in memory])
        return self.found is None

    def _explore(
        self, left: Counter[Class], inputs: list[External], memory: list[Any], texts: list[bytes]
    ) -> None:
        world, problem = self.problem.subject.world, self.problem
        remaining = self._bound - len(self._path)
        if remaining <= 0:
            return
        key = (
            world.digest(), tuple(left.values()), tuple([i.id for i in inputs]), *texts,
        )  # fmt: skip
        if self.seen.get(key, 0) >= remaining:
            return
        here = self._mark()
        moved = False
        for choice, kind in self._moves(left, inputs):
            if moved:
                self._back_to(here)
            moved = True
            self._spend()
            event = world.offer((choice,))[0] if isinstance(choice, External) else choice
            if not world.allowed(event):
                continue
            step = world.take(event)
            after = list(memory)
            broken = (
                Violation(CRASH, step.failure.detail(), 0)
                if step.failure is not None
                else check_all(problem.subject.invariants, world.observe(), after, 0)
            )
            self._path.append(choice)
            if broken is None:
                self._deeper(choice, kind, left, inputs, memory, after, texts)
            elif broken.fingerprint == problem.fingerprint and self._whole():
                self.found = list(self._path)
                self._bound = len(self._path) - 1
            self._path.pop()
            if self._bound - len(self._path) <= 0:
                break
        if moved:
            self._back_to(here)
        self.seen[key] = max(remaining, self.seen.get(key, 0))

    def _mark(self) -> object:
        """Where the world is: a checkpoint, or the way from the beginning."""
        world = self.problem.subject.world
        return world.checkpoint() if world.capabilities.checkpoint else tuple(self._path)

    def _back_to(self, mark: object) -> None:
        world = self.problem.subject.world
        if not isinstance(mark, tuple) or world.capabilities.checkpoint:
            world.restore(mark)
            return
        self.steps_left -= RESTART
        world.reset(self.problem.seed)
        for choice in mark:
            self._spend()
            world.take(world.offer((choice,))[0] if isinstance(choice, External) else choice)

    def _whole(self) -> bool:
        """No atomic group is used in part."""
        used = [c.group for c in self._path if isinstance(c, External) and c.group]
        first = self.problem.first.plan
        every = [w.external.group for w in first if w.external is not None]
        return all(used.count(group) == every.count(group) for group in used)

    def _deeper(
        self, choice: Taken, kind: Class | None, left: Counter[Class], inputs: list[External],
        memory: list[Any], after: list[Any], texts: list[bytes],
    ) -> None:  # fmt: skip
        now = [
            text if new is old else self._text(new)
            for new, old, text in zip(after, memory, texts, strict=True)
        ]
        if kind is None:
            self._explore(left, [i for i in inputs if i is not choice], after, now)
            return
        left[kind] -= 1
        self._explore(left, inputs, after, now)
        left[kind] += 1

    def _moves(
        self, left: Counter[Class], inputs: list[External]
    ) -> list[tuple[Taken, Class | None]]:
        world = self.problem.subject.world
        known = frozenset(kind for kind, count in left.items() if count > 0)
        moves: list[tuple[Taken, Class | None]] = [
            (event, class_of(world, event)) for event in offers(world, world.enabled(), known)
        ]
        nodes: set[tuple[str, ...]] = set()
        for external in inputs[:1] if self.ordered else inputs:
            if external.nodes[:1] not in nodes:
                nodes.add(external.nodes[:1])
                moves.append((external, None))
        return moves

    def _spend(self) -> None:
        self.steps += 1
        self.steps_left -= 1
        if self.steps_left < 0:
            raise Spent
        if not self.steps % 1024:
            self.problem.check_time()

    @staticmethod
    def _text(memory: Any) -> bytes:
        return blake2b(repr(memory).encode(), digest_size=16).digest()


def search(problem: Problem, run: Run, steps: int, ordered: bool = True) -> Run:
    """The shortest run found within so many steps of the world; `problem.bound` says what is proven.

    ordered: inputs come in the order they have; else only those at one node do.

    Raises BudgetSpent, with the problem's best set.
    """
    able = problem.subject.world.capabilities
    if not able.exact or not (able.checkpoint or problem.prove):
        return run  # beginning again for each state is only done for a proof that was asked for
    engine = Search(problem, run, steps, ordered)
    anchor = max(0, len(run.plan) - SHORTEST_ENDING)
    problem.bound = None
    try:
        while True:
            if engine.from_anchor(anchor):
                problem.bound = Bound(
                    len(run.plan), anchor, len(engine.seen), engine.steps, ordered
                )
                if anchor == 0:
                    return run
                anchor -= 1
            else:
                run, problem.bound = _better(problem, run, engine), None
                engine = Search(problem, run, engine.steps_left, ordered, steps=engine.steps)
                anchor = max(0, len(run.plan) - SHORTEST_ENDING)
    except Spent:
        better = _better(problem, run, engine)
        if better is not run:
            problem.bound = None
        return better
    except (BudgetSpent, KeyboardInterrupt):
        _better(problem, run, engine)
        raise


def _better(problem: Problem, run: Run, engine: Search) -> Run:
    """What the search found, or `run`."""
    better = None if engine.found is None else rerun(problem, engine.found)
    return run if better is None or better.size >= run.size else better


def rerun(problem: Problem, choices: list[Taken]) -> Run | None:
    """These choices once more, as a Run; the best, if it is smaller."""
    planner = Planner(problem.subject.world)
    outcome = execute(problem.subject, Scripted(choices), problem.seed, observer=planner)
    found = outcome.violation
    if found is None or found.fingerprint != problem.fingerprint:
        return None
    run = Run(tuple(planner.plan), found, tuple(planner.causes))
    if run.size < problem.best.size:
        problem.better(run)
    return run
