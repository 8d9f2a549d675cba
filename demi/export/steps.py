"""What every exporter says of a step: its words, its nodes, its causes, what it changed.

The one insight: a trace's strings come from the system under test, so they are made visible once, here
(`safe`: one line, no control characters), and each format only adds its own quoting.
"""

from __future__ import annotations

from dataclasses import dataclass

from demi.causality import Causality
from demi.events import EventName, Kind
from demi.minimizer.certify import explanation
from demi.render.changes import Fold, phrases, start
from demi.render.glyphs import UNICODE
from demi.render.text import brief, safe
from demi.trace import Entry, Trace

PAYLOAD_MAX = 400  # characters of a payload that an export shows
OUTSIDE = "outside"  # where an event that names no node is drawn


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported.  name: of the file, for titles.  original: the run it was minimized from."""

    trace: Trace
    name: str = "trace.jsonl"
    original: Trace | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One event for people.

    number: from 1.  node: where it happens (`OUTSIDE` when nowhere).  sender: the other end of a
    message, "" otherwise.  words: `deliver Vote#2`, `timer election#1`, `crash`.  payload, changes,
    log, trouble, why: as text, "" or empty where there is none.  sent: index of the step that sent
    the message or armed the timer, None when unknown.  causes: indices of the direct causes.
    """

    number: int
    id: str
    kind: Kind
    node: str
    sender: str
    label: str
    words: str
    payload: str
    changes: tuple[str, ...]
    log: tuple[str, ...]
    trouble: str
    why: str
    sent: int | None
    causes: tuple[int, ...]
    violates: bool

    @property
    def text(self) -> str:
        """All of it in one line."""
        parts = (self.words, *self.changes, self.payload, self.trouble)
        return "  ".join(part for part in parts if part)


def lanes(trace: Trace) -> tuple[str, ...]:
    """The names of all lanes: the nodes, then `OUTSIDE` where some event names no node."""
    homeless = any(not entry.name.nodes for entry in trace.entries)
    return (*trace.header.nodes, *((outside(trace),) if homeless else ()))


def outside(trace: Trace) -> str:
    """`OUTSIDE`, or something longer where a node is called that."""
    name = OUTSIDE
    while name in trace.header.nodes:
        name += "_"
    return name


def steps(trace: Trace, causality: Causality | None = None) -> list[Step]:
    """The steps of a trace in order."""
    order = causality or Causality(trace)
    fold = Fold(start(trace.header, trace.entries))
    made: dict[str, int] = {}
    last = trace.violation.step if trace.violation else -1
    nowhere = outside(trace)
    found: list[Step] = []
    for at, entry in enumerate(trace.entries):
        name = entry.name
        trouble = _trouble(entry, name, fold)
        changes = phrases(fold.take(entry, name).changes, UNICODE, False)
        label = safe(name.label) + (f"#{name.nth}" if name.label else "")
        shown = entry.msg not in (None, {}, [])
        found.append(
            Step(
                number=at + 1,
                id=safe(entry.id),
                kind=name.kind,
                node=name.node or nowhere,
                sender=name.peer if name.kind == Kind.DELIVER else "",
                label=label,
                words=_words(entry, name, label),
                payload=brief(entry.msg, PAYLOAD_MAX) if shown else "",
                changes=tuple(changes),
                log=tuple(safe(line) for line in entry.log),
                trouble=trouble,
                why=safe(explanation(trace, at), scan=2000),
                sent=made.get(entry.cause, made.get(entry.id)),
                causes=order.edges[at],
                violates=at == last,
            )
        )
        made[entry.id] = at
        made.update((produced, at) for produced in (*entry.out, *entry.armed))
    return found


def _words(entry: Entry, name: EventName, label: str) -> str:
    if name.kind == Kind.DELIVER:
        return f"deliver {label} from {name.peer}"
    if name.kind == Kind.TIMER:
        return f"timer {label}"
    if name.kind == Kind.INJECT:
        return f"input {label}"
    return f"{name.kind.name.lower()} {safe(entry.id.partition('(')[2].partition(')')[0])}".strip()


def _trouble(entry: Entry, name: EventName, fold: Fold) -> str:
    parts = []
    if entry.fell:
        down, cut = name.node in fold.down, (name.peer, name.node) in fold.cut
        reason = f"{name.node} is down" if down else "the link is cut" if cut else "not received"
        parts.append(f"lost: {reason}")
    if entry.fail is not None:
        error, where, text = (safe(entry.fail.get(key, "")) for key in ("error", "where", "text"))
        parts.append(f"raised {error} in {where}: {text}")
    if entry.lost:
        parts.append("lost " + " ".join(safe(gone) for gone in entry.lost))
    return "; ".join(parts)


def violated(trace: Trace) -> str:
    """`VIOLATED ElectionSafety: n1 and n2 are both leader of term 2`, "" without a violation."""
    found = trace.violation
    if found is None:
        return ""
    return f"VIOLATED {safe(found.fingerprint)}: {safe(found.detail.text, scan=2000)}"


def title(source: Source) -> str:
    """`raft: ElectionSafety in 22 events`."""
    trace = source.trace
    about = safe(trace.violation.fingerprint) if trace.violation else _verdict(trace)
    count = f"{len(trace)} event{'' if len(trace) == 1 else 's'}"
    return f"{safe(trace.header.target)}: {about} in {count}"


def _verdict(trace: Trace) -> str:
    return trace.footer.verdict.value if trace.footer else "interrupted"
