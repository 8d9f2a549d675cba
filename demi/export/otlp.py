"""OpenTelemetry spans as one line of OTLP JSON (the file exporter's form: ids in hex).

The one insight: causality is a graph and spans form a tree, so each step is a span without a parent and
its direct causes are *links*; a resource per node, and the violation is the status of its step.

Not here: real time.  Step i starts at logical nanosecond i million; the resource says so.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from demi import __version__
from demi.export.steps import Source, Step, lanes, steps, title, violated
from demi.trace_codec import digest

STEP_NS = 1_000_000  # one step is one logical millisecond
SLICE_NS = 900_000
KIND_INTERNAL = 1
STATUS_ERROR = 2


def write(source: Source) -> str:
    """One TracesData object in one line."""
    name = digest(source.trace)
    trace_id = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    shown = steps(source.trace)
    resources = []
    for node in lanes(source.trace):
        spans = [_span(step, shown, trace_id, source) for step in shown if step.node == node]
        facts = {"service.name": node, "demi.target": title(source), "demi.time": "logical"}
        scope = {"scope": {"name": "demi", "version": __version__}, "spans": spans}
        resources.append({"resource": {"attributes": _attributes(facts)}, "scopeSpans": [scope]})
    return msgspec.json.encode({"resourceSpans": resources}).decode() + "\n"


def _span_id(trace_id: str, step: Step) -> str:
    return hashlib.blake2b(f"{trace_id}/{step.number}".encode(), digest_size=8).hexdigest()


def _span(step: Step, shown: list[Step], trace_id: str, source: Source) -> dict[str, Any]:
    start = step.number * STEP_NS
    facts = {
        "demi.id": step.id, "demi.kind": step.kind.name.lower(), "demi.sender": step.sender,
        "demi.changes": "; ".join(step.changes), "demi.payload": step.payload,
        "demi.trouble": step.trouble, "demi.why": step.why,
    }  # fmt: skip
    causes = {*step.causes, *(() if step.sent is None else (step.sent,))}
    span: dict[str, Any] = {
        "traceId": trace_id,
        "spanId": _span_id(trace_id, step),
        "name": step.words,
        "kind": KIND_INTERNAL,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + SLICE_NS),
        "attributes": [
            {"key": "demi.step", "value": {"intValue": str(step.number)}},
            *_attributes({key: value for key, value in facts.items() if value}),
        ],
        "links": [
            {"traceId": trace_id, "spanId": _span_id(trace_id, shown[cause])}
            for cause in sorted(causes)
        ],
    }
    if step.violates:
        text = violated(source.trace)
        span["events"] = [{"timeUnixNano": str(start + SLICE_NS), "name": text}]
        span["status"] = {"code": STATUS_ERROR, "message": text}
    return span


def _attributes(facts: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in facts.items()]
