"""What a report says of a trace.

The one insight: a reader asks in this order: what is wrong, what does it look like, how did each guilty
node get there, is every step needed, how do I see it myself; so that is the order.

The way of a node is its own steps in the causal past of the violation, each with the step that caused
it; nothing is inferred beyond happens-before.  Not here: markup.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from demi.causality import Causality, members
from demi.export.explanation import reversals
from demi.export.steps import Source, Step, steps
from demi.minimizer.certify import ONE_MINIMAL, minimality
from demi.render.calls import call_rows
from demi.render.lanes import render
from demi.render.text import brief, safe
from demi.report.blocks import (
    Block,
    Code,
    Heading,
    Items,
    Paragraph,
    Preformatted,
    Table,
    Words,
)
from demi.trace import Trace

CELLS = 100  # columns of the picture: what a ticket shows without scrolling
PICTURE_MAX = 40  # steps of the picture: one screen
STEPS_MAX = 200  # rows of the table; a longer trace wants minimizing, not reading


def blocks(sources: Sequence[Source], target: str = "") -> list[Block]:
    """The whole report: an overview when there are several traces, then one part per trace."""
    told: list[Block] = []
    if len(sources) > 1:
        told.append(Heading(1, (f"{len(sources)} traces",)))
        told.append(Table(("trace", "target", "result", "events"), tuple(map(_row, sources))))
    for source in sources:
        told += _part(source, target)
    return told


def _row(source: Source) -> tuple[Words, ...]:
    trace = source.trace
    name, system = Code(safe(source.name)), Code(safe(trace.header.target))
    return (name,), (system,), (Code(_result(trace)),), (str(len(trace)),)


def _result(trace: Trace) -> str:
    if trace.violation is not None:
        return safe(trace.violation.fingerprint)
    return trace.footer.verdict.value if trace.footer else "interrupted"


def _part(source: Source, target: str) -> list[Block]:
    trace = source.trace
    order = Causality(trace)
    shown = steps(trace, order)
    return [
        Heading(1, (Code(safe(trace.header.target)), ": ", Code(_result(trace)))),
        *_wrong(trace),
        Paragraph(_facts(trace)),
        Heading(2, ("In one screen",)),
        Preformatted(_picture(trace)),
        *_calls(trace),
        *_ways(trace, order, shown),
        *_races(trace),
        Heading(2, ("The steps",)),
        *_table(shown),
        *_certificate(trace, shown),
        Heading(2, ("See it yourself",)),
        Preformatted(_commands(source, target), "console"),
    ]


def _wrong(trace: Trace) -> list[Block]:
    found = trace.violation
    if found is None:
        return [Paragraph(("The run shows no violation.",))]
    text = Code(safe(found.detail.text, scan=2000))
    return [Paragraph((text, f", at step {found.step + 1} of {len(trace)}."))]


def _facts(trace: Trace) -> Words:
    header = trace.header
    facts: list[str | Code] = [
        f"{len(trace)} events, {trace.externals} from outside, {len(header.nodes)} nodes; network ",
        Code(safe(header.network)),
        ", timers ",
        Code(safe(header.timers)),
    ]
    if header.target_version:
        facts += [", release ", Code(safe(header.target_version))]
    for key, value in header.config.items():
        facts += [", ", Code(f"{safe(key)}={brief(value, 60)}")]
    if header.parent:
        facts += ["; minimized from ", Code(safe(header.parent)), f" ({safe(minimality(trace))})"]
    facts.append(".")
    if any(":chunk#" in entry.id for entry in trace):
        facts += [" No framing is known for what is called ", Code("chunk"), ": it is one write."]
    return tuple(facts)


def _picture(trace: Trace) -> str:
    first = max(1, len(trace) - PICTURE_MAX + 1)
    return "\n".join(line.rstrip() for line in render(trace, CELLS, first=first))


def _calls(trace: Trace) -> list[Block]:
    """Which request caused which, where the trace has calls."""
    lines = [row.text for row in call_rows(trace, CELLS)]
    return [Heading(2, ("The calls",)), Preformatted("\n".join(lines))] if lines else []


# ---- how it came to it


def _ways(trace: Trace, order: Causality, shown: list[Step]) -> list[Block]:
    """For each guilty node its steps in the past of the violation, then how their ends relate."""
    found = trace.violation
    if found is None or not shown:
        return []
    guilty = [node for node in found.detail.nodes if node in order.nodes]
    told: list[Block] = [Heading(2, ("How it came to it",))]
    ends: list[Step] = []
    for node in guilty:
        own = [step for step in shown if step.node == node]
        changed = [step for step in own if step.changes]
        if not own:
            continue
        end = changed[-1] if changed else own[-1]
        past = {*members(order.past(end.number - 1)), end.number - 1}
        way = [step for step in own if step.number - 1 in past]
        ends.append(end)
        told.append(Heading(3, (Code(node),)))
        told.append(Items(tuple(_sentence(step, shown) for step in way)))
    if len(ends) == 2:
        told.append(Paragraph(_related(order, ends[0], ends[1])))
    return told if len(told) > 1 else []


def _sentence(step: Step, shown: list[Step]) -> Words:
    words: list[str | Code] = [f"step {step.number}: ", Code(step.words)]
    if step.sender and step.sent is not None:
        words += [f", sent in step {step.sent + 1} (", Code(shown[step.sent].words), ")"]
    for change in step.changes:
        words += ["; ", Code(change)]
    if step.trouble:
        words += ["; ", Code(step.trouble)]
    return tuple(words)


def _related(order: Causality, one: Step, other: Step) -> Words:
    a, b = sorted((one, other), key=lambda step: step.number)
    ends = f"Step {a.number} of ", Code(a.node), f" and step {b.number} of ", Code(b.node)
    if order.concurrent(a.number - 1, b.number - 1):
        return (*ends, " are concurrent: neither could know of the other.")
    if a.node == b.node:
        return (*ends, " follow each other on one node.")
    return (*ends, ": the first could influence the second.")


def _races(trace: Trace) -> list[Block]:
    """The single reversals after which the violation is gone, where the trace tells of them."""
    items: list[Words] = []
    for race in reversals(trace):
        gone = f"; {race.absent} of the events cannot happen then" if race.absent else ""
        swapped = Code(race.second), " before ", Code(race.first), " at ", Code(race.node)
        items.append((*swapped, ": ", Code(race.result), gone))
    if not items:
        return []
    return [Heading(2, ("What would have avoided it",)), Items(tuple(items))]


# ---- the steps


def _table(shown: list[Step]) -> list[Block]:
    hidden = max(0, len(shown) - STEPS_MAX)
    rows: list[tuple[Words, ...]] = []
    for step in shown[hidden:]:
        said = [*step.changes, *([step.trouble] if step.trouble else ())]
        changes: list[str | Code] = []
        for change in said:
            changes += [*(["; "] if changes else ()), Code(change)]
        payload = (Code(step.payload),) if step.payload else ()
        mark = " VIOLATED" if step.violates else ""
        rows.append(((f"{step.number}{mark}",), (Code(step.id),), payload, tuple(changes)))
    note = [Paragraph((f"{hidden} earlier steps are left out.",))] if hidden else []
    return [*note, Table(("step", "event", "content", "what changed"), tuple(rows))]


def _certificate(trace: Trace, shown: list[Step]) -> list[Block]:
    told = tuple((Code(step.why),) for step in shown[-STEPS_MAX:] if step.why)
    if not told:
        return []
    sure = minimality(trace) == ONE_MINIMAL
    head = "Each event was left out once more:" if sure else "What is known without an event:"
    return [Heading(2, ("Why each event is needed",)), Paragraph((head,)), Items(told)]


def _commands(source: Source, target: str) -> str:
    name = shlex.quote(safe(source.name))
    words = f" --target {shlex.quote(safe(target))}" if target else ""
    lines = [f"demi view {name}", f"demi replay {name}{words}"]
    if not source.trace.header.parent and source.trace.violation is not None:
        lines.append(f"demi minimize {name}{words}")
    lines.append(f"demi export {name} --to html -o trace.html")
    return "\n".join(f"$ {line}" for line in lines)
