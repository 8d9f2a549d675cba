"""Saving where a search stands, and going on from there in another process.

The one insight: a depth-first search is its stack, and a stack is, per node, the step that led there,
what sleeps and what is planned; everything else is found again by taking the steps once more.

The form is plain JSON, with a header that says what was explored: going on with anything else is
refused.  Not here: files (the caller writes them), wakeup trees (optimal starts over).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demi.dpor.parallel import Left, Part, Task
from demi.dpor.relation import Foot
from demi.dpor.space import Space
from demi.dpor.tree import Walk
from demi.errors import UsageError
from demi.events import Event, External
from demi.interpose.payload import to_json
from demi.oracle import Violation
from demi.scheduler.record import Taken
from demi.verdict import violation_from_json, violation_to_json

VERSION = 1
Saved = Mapping[str, Any]


def header(space: Space, algorithm: str) -> dict[str, Any]:
    """What is being explored."""
    setup = space.setup
    target = setup.subject.target
    can = space.world.capabilities
    return {
        "demi": "explore",
        "version": VERSION,
        "target": target.name,
        "target_version": target.version(setup.subject.config),
        "config": to_json(setup.subject.config),
        "network": can.network,
        "timers": can.timers,
        "program": [[one.id, to_json(one.args)] for one in space.externals],
        "prefix": [one.id if isinstance(one, External) else list(one) for one in setup.prefix],
        "seed": setup.seed,
        "algorithm": algorithm,
        "bounds": str(setup.bounds),
        "global": setup.watched,
        "commutes": setup.use_hook,
    }


def save(walk: Walk, algorithm: str) -> dict[str, Any]:
    """The state of an interrupted walk."""
    frames, space, tally = walk.frames, walk.space, walk.tally
    stack = []
    for frame in frames:
        asleep = [[list(event), *_foot(foot)] for event, foot in frame.asleep.items()]
        planned = [list(event) for event in (frame.enabled if frame.doubts else frame.planned)]
        stack.append([list(frame.event), asleep, planned])
    return {
        **header(space, algorithm),
        "tails": space.relation.tails,
        "counts": [tally.executions, tally.blocked, tally.cut, tally.depth, space.steps],
        "bit": sorted(space.gate.bit),
        "violations": _found(tally.violations),
        "stack": stack,
    }


def save_tasks(space: Space, part: Part, left: Left) -> dict[str, Any]:
    """The state of an interrupted search over several processes."""
    tasks = [
        [
            [list(event) for event in task.path],
            [[list(event), *_foot(foot)] for event, foot in task.asleep.items()],
        ]
        for task in left.tasks
    ]
    return {
        **header(space, "source"),
        "tails": left.tails,
        "counts": [part.executions, part.blocked, part.cut, part.depth, part.steps],
        "bit": sorted(part.bit),
        "violations": _found(part.violations),
        "tasks": tasks,
    }


def _found(violations: Mapping[str, tuple[Violation, tuple[Taken, ...]]]) -> list[Any]:
    return [
        [violation_to_json(violation), [_taken(one) for one in choices]]
        for violation, choices in violations.values()
    ]


def check(saved: Saved, space: Space, algorithm: str) -> None:
    """Is this what was being explored?  Raises UsageError that names the first difference."""
    for name, value in header(space, algorithm).items():
        if saved.get(name) != value:
            raise UsageError(
                f"cannot resume: {name} was {saved.get(name)!r} and is {value!r}",
                remedy="resume with the target, settings and bounds of the interrupted run, or start over",
            )


def load(saved: Saved, walk: Walk) -> None:
    """Put a walk where the saved one stood.  Raises UsageError for a file that is not whole."""
    space, tally = walk.space, walk.tally
    if "tasks" in saved:
        raise UsageError(
            "cannot resume: it was saved by several processes", remedy="go on with several"
        )
    try:
        nodes = [
            (
                _event(event),
                {_event(one): _read_foot(foot) for one, *foot in asleep},
                [_event(one) for one in planned],
            )
            for event, asleep, planned in saved["stack"]
        ]
        executions, blocked, cut, depth, steps = saved["counts"]
        bit = {str(one) for one in saved["bit"]}
        violations = _read_found(saved, space)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise _damaged(error) from error
    walk.rebuild(nodes)
    tally.violations.update(violations)
    tally.executions, tally.blocked, tally.cut, tally.depth = executions, blocked, cut, depth
    space.steps = steps
    space.gate.bit.update(bit)


def load_tasks(saved: Saved, space: Space) -> tuple[Part, Left]:
    """What `save_tasks` saved.  Raises UsageError for a file that is not whole."""
    part = Part()
    if "stack" in saved:
        raise UsageError("cannot resume: it was saved by one process", remedy="go on with one")
    try:
        tasks = [
            Task(
                tuple([_event(event) for event in path]),
                {_event(one): _read_foot(foot) for one, *foot in asleep},
            )
            for path, asleep in saved["tasks"]
        ]
        part.executions, part.blocked, part.cut, part.depth, part.steps = saved["counts"]
        part.bit.update(saved["bit"])
        part.violations.update(_read_found(saved, space))
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise _damaged(error) from error
    return part, Left(bool(saved.get("tails")), tasks)


def _read_found(saved: Saved, space: Space) -> dict[str, tuple[Violation, tuple[Taken, ...]]]:
    violations = {}
    for violation, choices in saved["violations"]:
        found = violation_from_json(violation)
        violations[found.fingerprint] = (found, tuple([_read_taken(one, space) for one in choices]))
    return violations


def _damaged(error: Exception) -> UsageError:
    return UsageError(f"cannot resume: the saved search is damaged ({error!r})")


def _event(numbers: Any) -> Event:
    kind, node, peer, n = map(int, numbers)
    return kind, node, peer, n


def _foot(foot: Foot) -> list[Any]:
    return [hex(foot.writes), hex(foot.reads), list(foot.process), foot.content, hex(foot.pushed)]


def _read_foot(foot: Any) -> Foot:
    writes, reads, process, content, pushed = foot
    return Foot(
        int(writes, 16), int(reads, 16), tuple(map(int, process)), int(content), int(pushed, 16)
    )


def _taken(one: Event | External) -> Any:
    return one.id if isinstance(one, External) else list(one)


def _read_taken(one: Any, space: Space) -> Event | External:
    if not isinstance(one, str):
        return _event(one)
    known = [*space.externals, *[e for e in space.setup.prefix if isinstance(e, External)]]
    return next(external for external in known if external.id == one)
