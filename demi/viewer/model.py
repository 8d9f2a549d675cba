"""What is on the screen and what a key does to it, without a terminal.

The one insight: the screen follows from a few numbers (the selected row, which rows there are, what is
pinned), so every key is a method that changes them and says one line, and is tested by calling it.

Work that may take long (a filter over a million steps) is a generator that gives up control all the
time: the application pumps it between keys.  Not here: drawing (`picture.py`, `panels.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from demi.errors import TraceError, UsageError
from demi.events import EventName, Kind
from demi.trace import Entry
from demi.viewer import filters
from demi.viewer.answers import Known
from demi.viewer.facts import Facts
from demi.viewer.finding import SLICE, Work, filtered, looked
from demi.viewer.listing import Folded, Lines, Rows, Spot, Steps
from demi.viewer.live import Live, Nowhere
from demi.viewer.pairs import Pairs

TRAIL_MAX = 1000  # jumps that can be taken back


class Model:
    """sides: the facts of one trace, or of two.  row: the selected one.  note: what the last key said.

    pinned: the send and the delivery (steps) of the message that is followed.  work: what is going on
    in slices.  live: what a replay of the (first) trace's target knows.  version: grows with the file.
    """

    def __init__(
        self,
        *sides: Facts,
        plain: bool = False,
        live: Live | None = None,
        pairs: Pairs | None = None,
    ) -> None:
        self.sides = sides
        self.plain = plain
        self.live: Live = live or Nowhere()
        self.pairs = pairs
        self.note = ""
        self.filter = ""
        self.needle = ""
        self.pinned: tuple[int, int] | None = None
        self.work: Work | None = None
        self.row = 0
        self._side = 0
        self.version = 0
        self._trail: list[Spot] = []
        self.base: Rows = pairs or Steps(sides[0].source)
        self._rows: Rows = self.base
        self._lines = Lines(0)
        self._lined: tuple[Rows, int, int] | None = None  # what `_lines` was made for
        if pairs is not None:
            self.fold()
        broken = [side for side in range(len(sides)) if self.bad(side)]
        if broken:  # where a violation is in sight, else the fold that hides one
            side = max(broken, key=lambda side: (self._rows.has(self.bad(side), side), -side))
            self._side = side
            self.row = self._rows.row(self.bad(side), side)

    # ---- what there is

    @property
    def side(self) -> int:
        """Which trace is looked at; on a row of both it stays the one looked at before."""
        spot = self.spot
        return self._side if spot is None or spot.shared else spot.side

    @property
    def facts(self) -> Facts:
        """Of the trace that the selected row is of."""
        return self.sides[self.side]

    @property
    def steps(self) -> int:
        """How many steps that trace has so far."""
        return len(self.facts.source)

    @property
    def bad_step(self) -> int:
        """The step of that trace that violates, 0 for none."""
        return self.bad(self.side)

    def bad(self, side: int) -> int:
        """The step that violates in a trace, 0 for none."""
        source = self.sides[side].source
        found = source.footer.violation if source.footer else None
        return min(found.step + 1, len(source)) if found else 0

    @property
    def rows(self) -> Rows:
        """The rows there are."""
        return self._rows

    @property
    def lines(self) -> Lines:
        """The rows with what comments on them."""
        rows, state = self._rows, (len(self._rows), self.version)
        if self._lined is None or self._lined[0] is not rows or self._lined[1:] != state:
            found = {row for side in range(len(self.sides)) for row in self._bad_rows(side)}
            self._lines, self._lined = Lines(len(rows), tuple(sorted(found))), (rows, *state)
        return self._lines

    def _bad_rows(self, side: int) -> list[int]:
        bad = self.bad(side)
        return [self._rows.row(bad, side)] if bad and self._rows.has(bad, side) else []

    @property
    def spot(self) -> Spot | None:
        """What is selected; None when there is no row."""
        return self._rows.spot(self.row) if len(self._rows) else None

    @property
    def step(self) -> int:
        """The selected step, 0 when there is none."""
        spot = self.spot
        return spot.on(self.side) if spot else 0

    @property
    def following(self) -> tuple[int, int] | None:
        """(send, delivery) of the message whose way is drawn: the pinned one, else the selected one."""
        if self.pinned is not None:
            return self.pinned
        step = self.step
        sent = self.facts.cause(step)
        return (sent, step) if sent and self.name(step).kind == Kind.DELIVER else None

    def name(self, step: int) -> EventName:
        """The parsed id of a step of the trace that is looked at."""
        return self.facts.entry(step).name

    # ---- moves

    def select(self, row: int) -> None:
        """Select a row, or the nearest one there is."""
        self.row = max(0, min(row, len(self._rows) - 1))
        side, self._side = self._side, self.side
        if side != self._side:
            self.pinned = None  # steps of the other trace
        self.note = ""

    def move(self, rows: int) -> None:
        """So many rows down, or up."""
        self.select(self.row + rows)

    def first(self) -> None:
        """The first row."""
        self._jump_row(0)

    def last(self) -> None:
        """The last row."""
        self._jump_row(len(self._rows) - 1)

    def _jump_row(self, row: int) -> None:
        self._leave()
        self.select(row)

    def jump(self, step: int, missing: str = "") -> None:
        """Select a step of the same trace, showing it whatever hides it; 0 says `missing`."""
        if step:
            self.go(step, self.side)
        else:
            self.note = missing

    def go(self, step: int, side: int) -> None:
        """Select a step of a trace, showing it whatever hides it; `back` comes back."""
        self._leave()
        if not self._rows.has(step, side):
            self._show_all()
        if side != self._side:
            self._side, self.pinned = side, None
        self.select(self._rows.row(step, side))

    def _leave(self) -> None:
        spot = self.spot
        if spot:
            self._trail.append(spot)
            del self._trail[:-TRAIL_MAX]

    def back(self) -> None:
        """Where the last jump came from."""
        if not self._trail:
            self.note = "no jump to take back"
            return
        spot = self._trail.pop()
        self.select(self._rows.row(spot.step, spot.side))

    def release(self) -> None:
        """Let go: first of work and the pinned message, then of the search, then of the filter."""
        if self.work is not None:
            self.work = None
            self.note = "stopped"
        elif self.pinned is not None:
            self.pinned = None
        elif self.needle:
            self.needle = ""
        elif self.filter:
            self._show_all()

    def goto(self, text: str) -> None:
        """A step by number, or an event by its id (or the beginning of one)."""
        word = text.strip()
        if word.isascii() and word.isdigit():
            self.jump(max(1, min(int(word[:12]), self.steps)) if self.steps else 0, "no step")
            return
        self.work = looked(self, lambda entry, name: entry.id.startswith(word), -1, True, word)

    # ---- filter and search

    def set_filter(self, text: str) -> None:
        """Show only steps that pass.  Raises UsageError for what is no filter."""
        test = filters.parse(text)
        if not text.strip():
            self._show_all()
            return
        self.work = filtered(self, text.strip(), test)

    def _show_all(self) -> None:
        self.filter = ""
        self.show(self.base)

    def show(self, rows: Rows) -> None:
        """Show these rows; the selected step stays selected, or the one before it."""
        here = self.spot
        self._rows = rows
        if here:
            self.select(rows.row(here.step, here.side))

    def fold(self) -> None:
        """Fold runs of steps that only one of two traces has, or unfold them."""
        if self.pairs is None:
            self.note = "folds the steps of only one of two traces; d compares two"
        elif isinstance(self._rows, Folded):
            self._show_all()
        else:
            self.filter = ""
            self.show(Folded(self.base, self.pairs.kind))

    def search(self, text: str) -> None:
        """Go to the next step that has the text or passes the expression."""
        self.needle = text.strip()
        if self.needle:
            self.again(True)

    def again(self, forward: bool) -> None:
        """The next hit of the search, or the one before; around the end."""
        if not self.needle:
            self.note = "nothing was searched; /"
            return
        try:
            test = filters.parse(self.needle)
        except UsageError as error:
            self.note = str(error)
            return
        spot = self.spot
        here = self.base.row(spot.step, spot.side) if spot else -1
        self.work = looked(self, test, here, forward, self.needle)

    # ---- time

    def known(self) -> Known | None:
        """What the target knows before the selected step; None while it is asked."""
        return self.live.at(self.facts.source.path, self.step)

    def pump(self, going: Callable[[], bool]) -> bool:
        """Work on while `going()`; True when something is left to do."""
        while self.work is not None and going():
            work = self.work
            if next(work, self) is self and self.work is work:  # its end
                self.work = None
        for facts in self.sides:
            while not facts.complete and going():
                facts.advance(SLICE)
        return self.work is not None or self.reading

    @property
    def reading(self) -> bool:
        """Are there steps without facts?"""
        return any(not facts.complete for facts in self.sides)

    def refresh(self) -> bool:
        """Look whether a file grew; True when it did."""
        at_end = self.row >= len(self._rows) - 1
        if self.pairs is not None:
            return False  # two traces are compared as they were
        try:
            grew = self.facts.source.refresh()
        except TraceError as error:
            self.note = f"{error.what}; what was read stays"
            return False
        if grew:
            self.version += 1
            if at_end and not self.filter:
                self.row = max(0, len(self._rows) - 1)
        return grew

    def ready(self) -> bool:
        """Is the causality of the selected step known yet?"""
        if self.step and self.step <= self.facts.known:
            return True
        known = f"still reading: {self.facts.known} of {self.steps} steps"
        self.note = known if self.step else "no step is selected"
        return False

    def relation(self, spot: Spot) -> str:
        """How a row stands to the selected one: self, cause, effect, past, future, concurrent, ""."""
        one, other, facts = self.step, spot.on(self.side), self.facts
        if other and other == facts.cause(one):
            return "cause"
        if one and facts.cause(other) == one:
            return "effect"
        return facts.relation(one, other)

    def event(self, spot: Spot) -> Entry:
        """The event of a row."""
        return self.sides[spot.side].entry(spot.step)

    def look(self, step: int) -> Entry:
        """The event of a step of the selected row's trace."""
        return self.facts.entry(step)
