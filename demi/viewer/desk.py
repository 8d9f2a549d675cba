"""What lies on the desk: the trace that was opened, and what it is compared with.

The one insight: a comparison is another model over the same facts, so going back is keeping the first one.

Not here: asking the user (`app.py`), running another run (`replaying.py`).
"""

from __future__ import annotations

import shlex
from pathlib import Path

from demi.viewer.answers import Branch
from demi.viewer.branches import choices, deciding, keep, suggested
from demi.viewer.model import Model
from demi.viewer.opening import compared, opened
from demi.viewer.pairs import original_of


class Desk:
    """model: what is shown.  branch: the other run that was made last."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.branch: Branch | None = None
        self._first = model

    @property
    def path(self) -> Path:
        """The trace that was opened."""
        return self._first.sides[0].source.path

    def diff(self) -> None:
        """Compare with the original of a minimized trace, or go back to the trace alone."""
        first = self._first
        if self.model is not first:
            self.model = first
            return
        beside = original_of(self.path, first.sides[0].source.header.parent)
        if beside is None:
            first.note = "no trace to compare with: demi view TRACE OTHER"
            return
        self.model = compared(opened(beside), first.sides[0], first.plain, first.live)

    def choices(self) -> dict[str, object]:
        """What could have happened in place of the selected step; empty, with a note, for nothing."""
        model = self.model
        known = model.known() if model.step else None
        if known is None or known.problem:
            model.note = known.problem if known else "the target is asked; again in a moment"
            return {}
        found = choices(model.facts, model.step, known)
        if not found:
            model.note = f"nothing else could happen in place of step {model.step}"
        return found

    def what_if(self, event: str, args: object) -> None:
        """Ask for the run with an event in place of the selected step."""
        model = self.model
        model.note = f"running on with {event} ..."
        model.live.what_if(model.facts.source.path, model.step, event, args)

    def passing(self) -> None:
        """Ask for the run in which the race that decides turns: of the selected event, or the nearest."""
        first, model = self._first, self.model
        here = model.look(model.step).id if model.step else ""
        race = deciding(first.sides[0], here)
        if race is None:
            model.note = "the trace names no race that decides; demi minimize looks for them"
            return
        model.note = f"running with {race.second} before {race.first} ..."
        first.live.reverse(self.path, race.first, race.second)

    def arrived(self) -> bool:
        """Has the other run come?  Then it is compared with."""
        branch = self._first.live.branch()
        if branch is None:
            return False
        if branch.problem:
            self.model.note = branch.problem
            return False
        first, right = self._first, opened(Path(branch.path))
        model = compared(first.sides[0], right, first.plain, first.live)
        footer = right.source.footer
        found = footer.violation if footer else None
        ends = f"still violates {found.fingerprint}" if found else "no violation"
        model.go(min(branch.step, len(right.source)), 1)
        lost = f"{branch.absent} event{'' if branch.absent == 1 else 's'} absent"
        model.note = f"B: {ends}, {lost}; s: save, d: back"
        self.branch, self.model = branch, model
        return True

    def suggested(self) -> str:
        """A name for the other run; "", with a note, when there is none to save."""
        if self.branch is None:
            self.model.note = "no other run to save; w or p makes one"
            return ""
        return str(suggested(self.path, self.branch.step))

    def keep(self, text: str) -> None:
        """Save the other run.  Raises TraceError."""
        if self.branch is not None:
            keep(Path(self.branch.path), Path(text))
            self.model.note = f"saved; demi replay {shlex.quote(text)}"
