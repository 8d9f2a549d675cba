"""The messages of the commands: one function each, from facts to both forms.

The one insight: the order of a report is part of its meaning (what, where it is kept, what next), so it
is written down here once and every command ends alike.

Not here: escaping and colour (`output.py`), the table of targets (`targets.py`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demi.cli.output import HEAD, WIDTH, Line, Message, count, plural
from demi.errors import ExitCode

if TYPE_CHECKING:
    from demi.fuzz.campaign import Refused
    from demi.minimizer.minimize import Report, Stage
    from demi.scheduler.replay import Divergence
    from demi.trace import Trace
    from demi.verdict import Violation


def command(*words: object) -> str:
    """A command to paste."""
    return shlex.join(["demi", *map(str, words)])


def after(commands: Sequence[str]) -> list[Line]:
    """The commands to paste next; a long one goes on behind a backslash."""
    lines = []
    for number, one in enumerate(commands):
        head = "" if number else "next"
        row = ""
        for word in re.findall(r"(?:'[^']*'|[^\s'])+", one):
            if row and len(row) + len(word) + 3 > WIDTH - HEAD:
                lines.append(Line(head, row + " \\", wrap=False))
                head, row = "", "    " + word
            else:
                row = f"{row} {word}" if row else word
        lines.append(Line(head, row, wrap=False))
    return lines


def notice(head: str, text: str, style: str = "head", **data: Any) -> Message:
    """One remark."""
    return Message("note", {"about": head, "text": text, **data}, (Line(head, text, style),))


def started(
    target: str, version: str, plan: str, seed: int, runs: int, workers: int, bug: str
) -> Message:
    """What a hunt is about to do; the seed is enough to do it again."""
    what = f"{target} {version}".strip() + (f", bug {bug}" if bug else "")
    text = f"{what}: {plural(runs, 'run')} from seed {seed}, {plan}, {plural(workers, 'worker')}"
    data = {
        "target": target, "target_version": version, "bug": bug, "plan": plan, "seed": seed,
        "runs": runs, "workers": workers,
    }  # fmt: skip
    return Message("run", data, (Line("fuzz", text),))


def violated(
    trace: Trace,
    violation: Violation,
    *,
    saved: Path | None = None,
    minimized: Path | None = None,
    report: Report | None = None,
    before: int = 0,
    hint: str = "",
    next_commands: Sequence[str] = (),
) -> Message:
    """The block that ends every command which saw a violation.

    trace: the run that showed it.  before: events of the original, if that is another run.
    hint: how to see more of the shrinking.
    """
    shown = trace.header.seed
    before = before or len(trace)
    where = (
        f"seed {shown}, step {violation.step + 1} of {len(trace)}, "
        f"{plural(len(trace.header.nodes), 'node')}"
    )
    title, detail = violation.fingerprint, violation.detail.text
    lines = list(_title(title, detail, where))
    data: dict[str, Any] = {
        "fingerprint": violation.fingerprint,
        "invariant": violation.invariant,
        "text": detail,
        "nodes": list(violation.detail.nodes),
        "seed": shown,
        "step": violation.step + 1,
        "steps": len(trace),
        "externals": trace.externals,
        "target": trace.header.target,
        "saved": str(saved) if saved else None,
        "minimized": None,
        "next": list(next_commands),
    }
    if saved:
        lines.append(Line("saved", str(saved), wrap=False))
    if report is not None:
        small = report.trace
        data["minimized"] = {
            "saved": str(minimized),
            "before": before,
            "after": len(small),
            "externals": small.externals,
            "seconds": round(report.seconds, 3),
            "replays": report.replays,
            "verified": report.verified,
            "complete": not (report.interrupted or report.exhausted),
        }
        lines.append(Line("minimized", _shrunk(before, report, hint)))
    return Message("violation", data, (*lines, *after(next_commands)))


def _title(title: str, detail: str, where: str) -> list[Line]:
    whole = f"{title}  ({detail})   {where}"
    tight = HEAD - 1  # one blank behind the word
    if len(whole) + tight <= WIDTH:
        return [Line("VIOLATED", whole, "bad", room=tight)]
    first = f"{title}  ({detail})"
    return [Line("VIOLATED", first, "bad", room=tight), Line("", where)]


def _shrunk(before: int, report: Report, hint: str) -> str:
    small = report.trace
    text = (
        f"{count(before)} -> {plural(len(small), 'event')} "
        f"({plural(small.externals, 'external')}) in {report.seconds:.1f} s, "
        f"{plural(report.replays, 'replay')}"
    )
    if report.interrupted:
        return text + "; interrupted, the best so far"
    if report.exhausted:
        return text + "; budget spent, the best so far"
    if before == len(small):
        return text + "; nothing could go"
    return text + hint


def stage(one: Stage, first: bool) -> Message:
    """One pass of a minimization; the first brings the head of the table."""
    row = (
        f"{one.name:<14}{count(one.before):>8}{count(one.after):>8}{count(one.replays):>9}"
        f"{one.seconds:>9.2f}"
    )
    head = f"{'':<14}{'before':>8}{'after':>8}{'replays':>9}{'seconds':>9}"
    lines = (Line("stage", head, wrap=False),) if first else ()
    data = {
        "name": one.name, "before": one.before, "after": one.after, "replays": one.replays,
        "seconds": round(one.seconds, 3),
    }  # fmt: skip
    return Message("stage", data, (*lines, Line("", row, wrap=False)))


def diverged(
    divergence: Divergence, times: str, next_commands: Sequence[str], cause: str = ""
) -> Message:
    """Where a replay left the record, and what usually does that.  cause: the one that we know."""
    first, *rest = divergence.describe().split("\n")
    data = {
        "step": divergence.step + 1, "event": divergence.event, "what": divergence.what,
        "expected": divergence.expected, "got": divergence.got,
        "enabled": list(divergence.enabled), "text": divergence.describe(),
        "cause": cause, "next": list(next_commands),
    }  # fmt: skip
    lines = [Line("DIVERGED", f"{first}{times}", "bad", room=HEAD - 1)]
    if cause:
        rest[-1] = f"cause: {cause}"  # in place of the usual ones
    lines += [_divergence_row(row) for row in rest]
    return Message("divergence", data, (*lines, *after(next_commands)))


def _divergence_row(row: str) -> Line:
    word, _, text = row.strip().partition("  ")
    if row.startswith("  ") and text:
        return Line(word, text.strip(), "warn")
    head, _, text = row.partition(": ")
    return Line(head.removeprefix("usual ") if text else "", (text or head).strip(), "warn")


def refused(one: Refused, runs: int, seed: int) -> Message:
    """An error that ended some runs of a hunt, which went on.  seed: of the first of them."""
    error = one.error
    lines = [
        Line("error", f"{plural(one.count, 'run')} of {count(runs)} ended in: {error.what}", "bad")
    ]
    lines += [Line("where", error.where)] if error.where else []
    lines += [Line("remedy", error.remedy)] if error.remedy else []
    lines += [Line("first", f"seed {seed}")]
    data = {
        "error": type(error).__name__, "what": error.what, "where": error.where,
        "remedy": error.remedy, "count": one.count, "seed": seed,
    }  # fmt: skip
    return Message("refused", data, tuple(lines))


def summary(
    verdict: str,
    code: ExitCode,
    lines: Sequence[Line] = (),
    next_commands: Sequence[str] = (),
    **data: Any,
) -> Message:
    """The last message of every command in NDJSON; `lines` is what people still need to hear."""
    payload = {"verdict": verdict, "exit": int(code), **data, "next": list(next_commands)}
    return Message("summary", payload, (*lines, *after(next_commands)))


def failure(what: str, where: str, remedy: str, code: int, next_commands: Sequence[str]) -> Message:
    """Why a command could not do its work."""
    lines = [Line("error", what, "bad")]
    if where:
        lines.append(Line("where", where))
    if remedy:
        lines.append(Line("remedy", remedy))
    data = {"what": what, "where": where, "remedy": remedy, "exit": code}
    data["next"] = list(next_commands)
    return Message("error", data, (*lines, *after(next_commands)))
