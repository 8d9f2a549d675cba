"""A log for ShiViz: two lines per event, the text, then `host {"n1":2,"n2":1}` (its vector clock).

The one insight: ShiViz takes its two regular expressions from the first two lines of a log file, the
parser (its own default) and the delimiter of executions, so nobody types one; original and minimized
stand in one log, and its difference view draws what the minimizer removed.

Not here: logs pasted into ShiViz's text field; there only a single execution needs no delimiter.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from demi.causality import Causality
from demi.export.steps import Source, outside, steps, violated
from demi.trace import Trace

PARSER = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})"
DELIMITER = "^=== (?<trace>.*) ===$"


def write(source: Source) -> str:
    """The log: of the minimized run and its original when both are known, else of the one."""
    if source.original is None:
        return "\n".join([PARSER, "", *_events(source.trace)]) + "\n"
    lines = [PARSER, DELIMITER]
    for label, trace in (("original", source.original), ("minimized", source.trace)):
        lines += [f"=== {label} ===", *_events(trace)]
    return "\n".join(lines) + "\n"


def _events(trace: Trace) -> Iterator[str]:
    order = Causality(trace)
    nowhere = outside(trace)
    for at, step in enumerate(steps(trace, order)):
        bad = f"  {violated(trace)}" if step.violates else ""
        clock = {node or nowhere: count for node, count in order.vector_clock(at).items()}
        yield f"{step.id}  {step.text}{bad}"
        yield f"{step.node} {msgspec.json.encode(clock).decode()}"
