"""`demi targets [NAME]`: what can be debugged, and whether it can be trusted to repeat.

The one insight: a target that does not repeat makes every later answer worthless, so looking at one
target also runs one schedule of it twice here and once in a process that hashes strings differently.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from demi.cli.loading import Loaded, known_targets, load_target
from demi.cli.options import target_names
from demi.cli.output import Line, Message, columns
from demi.cli.session import Session, make_subject
from demi.errors import DemiError, ExitCode

if TYPE_CHECKING:
    from demi.scheduler.execute import Subject
    from demi.scheduler.replay import Divergence
    from demi.trace import Trace

CHECK_SEED = 1  # any would do; a fixed one makes the check itself repeatable
CHECK_STEPS = 300  # long enough for elections, crashes and restarts, short enough to wait for
CHECK_SECONDS = 60.0  # for the other process


def targets(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            help="A name, module:attribute, or file.py:ATTRIBUTE.", autocompletion=target_names
        ),
    ] = None,
) -> int:
    """List the targets; with NAME: its settings, bugs, invariants and a determinism check.

    Exit code 4 when the target does not repeat.

    \b
    Examples:
      demi targets
      demi targets my_target.py:TARGET
    """
    session: Session = context.obj
    return int(one_target(session, name) if name else all_targets(session))


def all_targets(session: Session) -> ExitCode:
    """The table.  A target that cannot be loaded is a row, not an end."""
    from demi.cli.messages import command, summary

    known = known_targets(session.configuration)
    facts = [_row(session, name, source) for name, source in known.items()]
    head = ("name", "source", "nodes", "bugs", "invariants")
    cells = [head, *((f["name"], f["source"], *f["cells"]) for f in facts)]
    table = columns(cells, frozenset({2, 3, 4}))
    if facts:
        session.writer.note(Message("note", {}, (Line("", table[0], room=0, wrap=False),)))
    for fact, text in zip(facts, table[1:], strict=True):
        data = {key: value for key, value in fact.items() if key != "cells"}
        lines = [Line("", text, room=0, wrap=False)]
        if fact["error"]:
            lines.append(Line("broken", fact["error"], "bad"))
        session.writer.emit(Message("target", data, tuple(lines)))
    example = next((fact["name"] for fact in facts if not fact["error"]), "TARGET")
    commands = [command("targets", example), command("fuzz", example)]
    session.writer.emit(summary("listed", ExitCode.OK, (), commands, targets=len(facts)))
    return ExitCode.OK


def _row(session: Session, name: str, source: str) -> dict[str, Any]:
    fact: dict[str, Any] = {"name": name, "source": source, "error": "", "cells": ("", "", "")}
    try:
        loaded = load_target(name, session.configuration)
        subject = make_subject(loaded.target, session.config(loaded, "", []))
    except DemiError as error:
        fact["error"] = str(error)
        return fact
    target = loaded.target
    fact["doc"] = target.doc
    fact["nodes"] = len(subject.world.names)
    fact["bugs"] = list(target.bugs)
    fact["invariants"] = [invariant.name for invariant in subject.invariants]
    fact["cells"] = tuple(
        str(number) for number in (fact["nodes"], len(target.bugs), len(subject.invariants))
    )
    subject.world.close()
    return fact


def one_target(session: Session, name: str) -> ExitCode:
    """All about one target, then the determinism check."""
    from demi.cli.messages import command, summary

    loaded = session.load(name)
    target = loaded.target
    config = session.config(loaded, "", [])
    subject = make_subject(target, config)
    session.writer.emit(_description(loaded, subject))
    trace, divergence = _check(subject, target.profile(config))
    subject.world.close()
    if divergence is not None:
        return _not_repeatable(session, name, divergence)
    other = _check_elsewhere(trace, name)
    if other:
        lines = (Line("check", f"NOT repeatable between processes: {other}", "bad"),)
        again = [command("fuzz", name, "--no-minimize", "--seed", CHECK_SEED)]
        code = ExitCode.DIVERGED
        session.writer.emit(summary("diverged", code, lines, again, text=other))
        return code
    text = f"repeatable: {len(trace)} events, twice here and once with another hash seed"
    bug = next(iter(target.bugs), "")
    commands = [command("fuzz", name), *([command("fuzz", name, "--bug", bug)] if bug else [])]
    session.writer.emit(
        summary(
            "repeatable", ExitCode.OK, (Line("check", text, "good"),), commands, steps=len(trace)
        )
    )
    return ExitCode.OK


def _description(loaded: Loaded, subject: Subject) -> Message:
    target, can = loaded.target, subject.world.capabilities
    version = target.version(subject.config)
    lines = [
        Line("target", f"{target.name} {version}".strip() + f"  ({loaded.source})"),
        Line("", target.doc),
        Line("nodes", ", ".join(subject.world.names)),
        Line(
            "models", f"network {can.network}{', lossy' if can.lossy else ''}; timers {can.timers}"
        ),
    ]
    for head, rows in (
        ("settings", [(key, repr(value)) for key, value in subject.config.items()]),
        ("bugs", [(bug.name, f"{bug.doc} -> {bug.finds}") for bug in target.bugs.values()]),
        ("invariant", [(one.name, one.doc) for one in subject.invariants]),
    ):
        wide = max((len(name) for name, _ in rows), default=0)
        for number, (name, text) in enumerate(rows):
            lines.append(Line("" if number else head, f"{name.ljust(wide)}  {text}", hang=wide + 2))
    data = {
        "name": target.name, "source": loaded.source, "doc": target.doc, "version": version,
        "nodes": list(subject.world.names), "network": can.network, "lossy": can.lossy,
        "timers": can.timers, "settings": subject.config,
        "bugs": {bug.name: bug.finds for bug in target.bugs.values()},
        "invariants": [one.name for one in subject.invariants],
    }  # fmt: skip
    return Message("target", data, tuple(lines))


def _check(subject: Subject, profile: Any) -> tuple[Trace, Divergence | None]:
    from demi.fuzz.program import generate
    from demi.scheduler.determinism import check_determinism
    from demi.scheduler.registry import make_strategy

    program = generate(profile, subject.world.names, CHECK_SEED)
    strategy = make_strategy(profile.strategy, profile)
    steps = min(profile.steps, CHECK_STEPS)
    return check_determinism(subject, strategy, program, CHECK_SEED, steps)


def _not_repeatable(session: Session, name: str, divergence: Divergence) -> ExitCode:
    from demi.cli.messages import command, diverged, summary

    again = [command("fuzz", name, "--no-minimize", "--seed", CHECK_SEED)]
    session.writer.emit(diverged(divergence, " (one schedule run twice)", again))
    session.writer.emit(summary("diverged", ExitCode.DIVERGED))
    return ExitCode.DIVERGED


def _check_elsewhere(trace: Trace, spec: str) -> str:
    """Replay a trace in a process with another hash seed; what differed there, or ""."""
    from demi.trace_codec import save

    here = os.environ.get("PYTHONHASHSEED", "")
    environment = {**os.environ, "PYTHONHASHSEED": "2" if here == "1" else "1", "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory(prefix="demi-check-") as folder:
        path = Path(folder) / "check.jsonl"
        save(trace, path)
        words = ["-m", "demi", "--quiet", "replay", str(path), "--target", spec]
        done = subprocess.run(
            [sys.executable, *words], env=environment, capture_output=True, text=True,
            timeout=CHECK_SECONDS, check=False,
        )  # fmt: skip
    if done.returncode in (ExitCode.OK, ExitCode.VIOLATION):
        return ""
    told = [line for line in (done.stdout + done.stderr).splitlines() if "demi-check-" not in line]
    return " ".join(" ".join(told).split())[:600]
