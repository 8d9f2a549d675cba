"""A timeline in the Trace Event Format, which Perfetto and chrome://tracing open.

The one insight: these tools want time, a trace has only order, so one step is one *logical* millisecond
and the process is called so; message flights are flow pairs bound to the sender's slice.
"""

from __future__ import annotations

from typing import Any

import msgspec

from demi.export.steps import Source, Step, lanes, steps, title, violated

STEP_US = 1000  # one step is one logical millisecond
SLICE_US = 900  # a gap, so that neighbours can be told apart


def write(source: Source) -> str:
    """One JSON object."""
    names = lanes(source.trace)
    thread = {name: at + 1 for at, name in enumerate(names)}
    process = f"{title(source)} (logical time: 1 ms is 1 step)"
    events: list[dict[str, Any]] = [_meta("process_name", 0, process)]
    events += [_meta("thread_name", thread[name], name) for name in names]
    shown = steps(source.trace)
    for step in shown:
        events.append(_slice(step, thread, source))
        if step.sent is not None:
            events += _flow(shown[step.sent], step, thread)
    data = {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"time": "logical"}}
    return msgspec.json.encode(data).decode() + "\n"


def _meta(name: str, thread: int, value: str) -> dict[str, Any]:
    return {"name": name, "ph": "M", "pid": 1, "tid": thread, "args": {"name": value}}


def _slice(step: Step, thread: dict[str, int], source: Source) -> dict[str, Any]:
    args = {"id": step.id, "changes": list(step.changes), "payload": step.payload}
    args.update({key: value for key in ("trouble", "why") if (value := getattr(step, key))})
    if step.violates:
        args["violation"] = violated(source.trace)
    return {
        "name": step.words, "cat": "violation" if step.violates else step.kind.name.lower(),
        "ph": "X", "ts": (step.number - 1) * STEP_US, "dur": SLICE_US,
        "pid": 1, "tid": thread[step.node], "args": args,
    }  # fmt: skip


def _flow(sent: Step, step: Step, thread: dict[str, int]) -> list[dict[str, Any]]:
    common = {"name": step.label, "cat": "cause", "id": step.number, "pid": 1}
    start = (sent.number - 1) * STEP_US
    end = (step.number - 1) * STEP_US
    return [
        {**common, "ph": "s", "ts": start, "tid": thread[sent.node]},
        {**common, "ph": "f", "bp": "e", "ts": end, "tid": thread[step.node]},
    ]
