"""What if: which other events a step could have been, and keeping the run that one of them leads to.

The one insight: another run is a trace like any other, so seeing its consequences is comparing two
traces, and going on from it is asking the same question there.

Not here: running it (`replaying.py`).
"""

from __future__ import annotations

from pathlib import Path

from demi.errors import TraceError
from demi.export.explanation import Reversal, reversals
from demi.trace import Trace
from demi.viewer.answers import Known
from demi.viewer.facts import Facts

INPUTS_MAX = 20  # later inputs of the trace that are offered
LOOKED_MAX = 2000  # steps in which they are looked for


def choices(facts: Facts, step: int, known: Known) -> dict[str, object]:
    """Events that could happen in place of a step, with the content of those from outside.

    What is enabled, then inputs that the trace takes later: those the user may move forward.
    """
    here = facts.entry(step).id
    found: dict[str, object] = {event: None for event in known.enabled if event != here}
    inputs = 0
    for later in range(step + 1, min(len(facts.source), step + LOOKED_MAX) + 1):
        entry = facts.entry(later)
        if entry.is_external and inputs < INPUTS_MAX:
            found[entry.id] = entry.msg
            inputs += 1
    return found


def deciding(facts: Facts, event: str) -> Reversal | None:
    """The race to turn: one in which an event takes part, else the nearest; None where none is known."""
    told = reversals(Trace(facts.source.header, (), facts.source.footer))
    mine = [race for race in told if event in (race.first, race.second)]
    return next(iter([*mine, *told]), None)


def suggested(path: Path, step: int) -> Path:
    """A free name beside a trace for a run that leaves it at a step."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    for number in range(1, 1000):
        made = path.with_name(f"{stem}.step-{step}{'' if number == 1 else f'-{number}'}.jsonl")
        if not made.exists():
            return made
    return path.with_name(f"{stem}.step-{step}-more.jsonl")


def keep(made: Path, path: Path) -> None:
    """Copy a run to where the user wants it; nothing is overwritten.  Raises TraceError."""
    try:
        data = made.read_bytes()
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise TraceError(
            f"cannot save: {error.strerror or error}", where=str(path), remedy="s: another name"
        ) from error
