"""What is on the screen and what a key does to it, without a terminal.

The one insight: the screen follows from a few numbers (the selected row, which rows there are, what is
pinned), so every key is a method that changes them and says one line, and is tested by calling it.

Work that may take long (a filter over a million steps) is a generator that gives up control all the
time: the application pumps it between keys.  Not here: drawing (`picture.py`, `panels.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import chain

from demi.errors import TraceError, UsageError
from demi.events import EventName, Kind
from demi.trace import Entry
from demi.viewer import filters
from demi.viewer.facts import Facts
from demi.viewer.listing import Lines, Rows, Spot, Steps
from demi.viewer.live import Live, Nowhere

SLICE = 256  # steps looked at before other work gets its turn
TRAIL_MAX = 1000  # jumps that can be taken back

Work = Iterator[None]


class Model:
    """facts: of the trace.  row: the selected one.  note: what the last key had to say.

    pinned: the send and the delivery (steps) of the message that is followed.  work: what is going on
    in slices.  live: what a replay of the target knows.
    """

    def __init__(self, facts: Facts, plain: bool = False, live: Live | None = None) -> None:
        self.facts = facts
        self.plain = plain
        self.live: Live = live or Nowhere()
        self.note = ""
        self.filter = ""
        self.needle = ""
        self.pinned: tuple[int, int] | None = None
        self.work: Work | None = None
        self.row = 0
        self._trail: list[tuple[int, int]] = []
        self._rows: Rows = Steps(range(1, len(facts.source) + 1))
        if self.bad_step:
            self.row = self._rows.row(self.bad_step)

    # ---- what there is

    @property
    def steps(self) -> int:
        """How many steps the trace has so far."""
        return len(self.facts.source)

    @property
    def bad_step(self) -> int:
        """The step that violates, 0 for none."""
        footer = self.facts.source.footer
        found = footer.violation if footer else None
        return min(found.step + 1, self.steps) if found else 0

    @property
    def rows(self) -> Rows:
        """The rows there are."""
        return self._rows

    @property
    def lines(self) -> Lines:
        """The rows with what comments on them."""
        rows, bad = self._rows, self.bad_step
        if not bad or not len(rows):
            return Lines(len(rows))
        at = rows.row(bad)
        return Lines(len(rows), (at,) if rows.spot(at).step == bad else ())

    @property
    def spot(self) -> Spot | None:
        """What is selected; None when there is no row."""
        return self._rows.spot(self.row) if len(self._rows) else None

    @property
    def step(self) -> int:
        """The selected step, 0 when there is none."""
        spot = self.spot
        return spot.step if spot else 0

    @property
    def following(self) -> tuple[int, int] | None:
        """(send, delivery) of the message whose way is drawn: the pinned one, else the selected one."""
        if self.pinned is not None:
            return self.pinned
        step = self.step
        sent = self.facts.cause(step)
        return (sent, step) if sent and self._name(step).kind == Kind.DELIVER else None

    def _name(self, step: int) -> EventName:
        return self.facts.entry(step).name

    # ---- moves

    def select(self, row: int) -> None:
        """Select a row, or the nearest one there is."""
        self.row = max(0, min(row, len(self._rows) - 1))
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
        """Select a step, showing it whatever is filtered; 0 says `missing`."""
        if not step:
            self.note = missing
            return
        self._leave()
        if isinstance(self._rows, Steps) and not self._rows.holds(step):
            self._show_all()
        self.select(self._rows.row(step))

    def _leave(self) -> None:
        if self.spot:
            self._trail.append((self.spot.side, self.step))
            del self._trail[:-TRAIL_MAX]

    def back(self) -> None:
        """Where the last jump came from."""
        if not self._trail:
            self.note = "no jump to take back"
            return
        side, step = self._trail.pop()
        self.select(self._rows.row(step, side))

    def on_node(self, forward: bool) -> None:
        """The next step on the selected step's node, or the one before."""
        if not self._ready():
            return
        find = self.facts.next if forward else self.facts.previous
        word = "later" if forward else "earlier"
        node = self._name(self.step).node
        self.jump(find(self.step), f"no {word} step on {node or 'no node'}")

    def cause(self) -> None:
        """The step that sent the message or armed the timer."""
        if not self._ready():
            return
        step = self.step
        outside = self.facts.entry(step).is_external
        said = "comes from outside: no step caused it" if outside else "made at the start"
        self.jump(self.facts.cause(step), said)

    def effect(self) -> None:
        """The first step that this one caused."""
        if not self._ready():
            return
        effects = self.facts.effects(self.step)
        self.jump(effects[0] if effects else 0, "nothing that it sent or armed happens")
        if len(effects) > 1:
            self.note = f"effect 1 of {len(effects)}; E: the next"

    def sibling(self) -> None:
        """The next effect of this step's cause."""
        if not self._ready():
            return
        cause = self.facts.cause(self.step)
        effects = self.facts.effects(cause) if cause else []
        if len(effects) < 2:
            self.note = "its cause has no other effect"
            return
        at = (effects.index(self.step) + 1) % len(effects) if self.step in effects else 0
        self.jump(effects[at])
        self.note = f"effect {at + 1} of {len(effects)} of step {cause}"

    def follow(self) -> None:
        """Pin a message and go to its other end; at either end, to the other."""
        if not self._ready():
            return
        step = self.step
        if self.pinned and step in self.pinned:
            self.jump(self.pinned[0] if step == self.pinned[1] else self.pinned[1])
        elif self._name(step).kind == Kind.DELIVER and self.facts.cause(step):
            self.pinned = self.facts.cause(step), step
            self.jump(self.pinned[0])
        else:
            taken = [e for e in self.facts.effects(step) if self._name(e).kind == Kind.DELIVER]
            if not taken:
                self.note = "no message of this step arrives"
                return
            self.pinned = step, taken[0]
            self.jump(taken[0])
        if self.pinned:
            self.note = f"follows {self.facts.entry(self.pinned[1]).id}; m: other end, esc: let go"

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
            self.jump(max(1, min(int(word[:12]), self.steps)), "the trace is empty")
            return
        self.work = self._look(lambda entry, name: entry.id.startswith(word), 0, True, word)

    # ---- filter and search

    def set_filter(self, text: str) -> None:
        """Show only steps that pass.  Raises UsageError for what is no filter."""
        test = filters.parse(text)
        if not text.strip():
            self._show_all()
            return
        self.work = self._filtered(text.strip(), test)

    def _filtered(self, text: str, test: filters.Test) -> Work:
        kept = array("L")
        for step in range(1, self.steps + 1):
            entry = self.facts.entry(step)
            if test(entry, entry.name):
                kept.append(step)
            if step % SLICE == 0:
                self.note = f"filter: step {step} of {self.steps}, {len(kept)} pass"
                yield
        if not kept:
            self.note = f"no step passes {text!r}"
            return
        here = self.step
        self.filter = text
        self._rows = Steps(kept)
        self.select(self._rows.row(here))
        self.note = f"{len(kept)} of {self.steps} steps; esc: all"

    def _show_all(self) -> None:
        here = self.step
        self.filter = ""
        self._rows = Steps(range(1, self.steps + 1))
        self.select(self._rows.row(here))

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
        self.work = self._look(test, self.step, forward, self.needle)

    def _look(self, test: filters.Test, start: int, forward: bool, what: str) -> Work:
        """Step by step from `start` (not included), around the end."""
        ahead, behind = range(start + 1, self.steps + 1), range(1, start + 1)
        order = chain(ahead, behind) if forward else chain(behind[-2::-1], ahead[::-1])
        for passed, step in enumerate(order, 1):
            entry = self.facts.entry(step)
            if test(entry, entry.name):
                around = step <= start if forward else step > start
                self.jump(step)
                self.note = "around the end" if around and start else ""
                return
            if passed % SLICE == 0:
                self.note = f"looking for {what[:30]}: {passed} of {self.steps} steps"
                yield
        self.note = f"not found: {what[:40]}"

    # ---- time

    def live_changed(self) -> bool:
        """Has an answer of the target arrived since the last question?"""
        return self.live.changed()

    def pump(self, going: Callable[[], bool]) -> bool:
        """Work on while `going()`; True when something is left to do."""
        while self.work is not None and going():
            work = self.work
            if next(work, self) is self and self.work is work:  # its end
                self.work = None
        while not self.facts.complete and going():
            self.facts.advance(SLICE)
        return self.work is not None or not self.facts.complete

    def refresh(self) -> bool:
        """Look whether the file grew; True when it did."""
        at_end = self.row >= len(self._rows) - 1
        try:
            grew = self.facts.source.refresh()
        except TraceError as error:
            self.note = f"{error.what}; what was read stays"
            return False
        if grew and not self.filter:
            self._rows = Steps(range(1, self.steps + 1))
            if at_end:
                self.row = len(self._rows) - 1
        return grew

    def _ready(self) -> bool:
        """Is the causality of the selected step known yet?"""
        if self.step and self.step <= self.facts.known:
            return True
        known = f"still reading: {self.facts.known} of {self.steps} steps"
        self.note = known if self.step else "no step is selected"
        return False

    def relation(self, spot: Spot) -> str:
        """How a row stands to the selected one: self, cause, effect, past, future, concurrent, ""."""
        one, other = self.step, spot.step
        facts = self.facts
        if other == facts.cause(one) and other:
            return "cause"
        if one and facts.cause(other) == one:
            return "effect"
        return facts.relation(one, other)

    def look(self, step: int) -> Entry:
        """The event of a step."""
        return self.facts.entry(step)
