"""A minimized run as a test of its own: replayed leniently on the user's target, whatever its release.

The one insight: ids and payloads are enough to ask the same question of corrected code, so the emitted
file carries the events themselves and nothing else of demi but one call.

Public: `violates`, which emitted tests import.  Not here: finding targets by name; the emitted file
imports its target like any other code.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from demi.interpose.hashes import require
from demi.scheduler.execute import Subject, execute
from demi.scheduler.plan import Recorded, plan_of
from demi.target import Target, configure
from demi.trace import Entry, Trace
from demi.trace_codec import encode, loads

FEW = 0.5  # of the events; when fewer happen, "no violation" says little


def violates(
    target: Target, trace_text: str, config: Mapping[str, Any] | None = None
) -> str | None:
    """The fingerprint of what a lenient replay of a trace breaks, or None.

    trace_text: a trace file's content.  config: settings instead of the recorded ones.
    Warns when no violation appears and less than half of the events could happen: then the code has
    changed too much for this order of events to say anything.
    Raises TraceError for a text that is no trace, TargetError for settings that the target lacks, UsageError
    in a process of another hash seed than the run needs.
    """
    trace = loads(trace_text.encode())
    header = trace.header
    require(header.hash_seed or target.hash_seed)
    subject = Subject(target, configure(target, "", header.config if config is None else config))
    try:
        plan = plan_of(trace, subject.world.names)
        strategy = Recorded(plan, subject.world)
        outcome = execute(subject, strategy, header.seed, observer=strategy)
    finally:
        subject.world.close()
    if outcome.violation is not None:
        return outcome.violation.fingerprint
    if len(strategy.used) < FEW * len(plan):
        warnings.warn(
            f"only {len(strategy.used)} of {len(plan)} events could happen on {target.name};"
            " this order no longer tests anything, find and minimize the bug again",
            stacklevel=2,
        )
    return None


@dataclass(frozen=True, slots=True)
class Import:
    """How the emitted file gets its target.

    module, attribute: where it is.  folder: what must be importable first, relative to the file, or "".
    """

    module: str
    attribute: str
    folder: str = ""


def emitted(trace: Trace, where: Import) -> str:
    """The source of a pytest file that fails while a violating trace still fails on its target."""
    violation = trace.violation
    assert violation is not None  # the minimizer verified it
    header = trace.header
    name = "".join(c if c.isalnum() else "_" for c in f"{header.target}_{violation.invariant}")
    top, _, rest = where.attribute.partition(".")
    reach = _REACH.format(folder=where.folder) if where.folder else ""
    return _FILE.format(
        title=_plain(f"{violation.fingerprint} in {header.target}: {violation.detail.text}"),
        count=len(trace),
        imports="import sys\nfrom pathlib import Path\n\n" if where.folder else "",
        reach=reach,
        module=where.module,
        top=top,
        bind=f"TARGET = {top}{'.' + rest if rest else ''}\n" if where.attribute != "TARGET" else "",
        noqa="  # noqa: E402" if where.folder else "",
        config=_dict(header.config),
        lines="".join(f"    {line!r},\n" for line in bare(trace)),
        name=name.lower(),
    )


def bare(trace: Trace) -> list[str]:
    """The lines of a trace file with what a lenient replay reads: ids, payloads, groups."""
    header = replace(trace.header, boot={}, parent="", extra={})
    entries = tuple(Entry(e.id, msg=e.msg, group=e.group) for e in trace.entries)
    return encode(Trace(header, entries)).decode().splitlines()


def _dict(config: Mapping[str, Any]) -> str:
    plain = msgspec.json.decode(msgspec.json.encode(dict(config)))
    rows = "".join(f"    {key!r}: {value!r},\n" for key, value in plain.items())
    return "{\n" + rows + "}" if rows else "{}"


def _plain(text: str) -> str:
    """Text that can stand in a docstring, whatever a target said."""
    kept = "".join(c if c.isprintable() and c not in '\\"' else "'" for c in text)
    return kept[:300]


_REACH = """sys.path.insert(0, str((Path(__file__).parent / {folder!r}).resolve()))

"""

_FILE = '''"""{title}

The {count} events below are a minimal causal sequence.  This test fails while they still break the target,
and passes when it is corrected.  Made by `demi minimize --emit-test`; needs demi and the target.
"""

# fmt: off
{imports}from demi.minimizer.regression import violates

{reach}from {module} import {top}{noqa}

{bind}CONFIG = {config}
EVENTS = [
{lines}]


def test_{name}_is_gone():
    seen = violates(TARGET, "\\n".join(EVENTS) + "\\n", CONFIG)
    assert seen is None, f"these events still show {{seen}}"
'''
