"""`demi targets [NAME]`: what can be debugged, and whether it can be trusted to repeat.

The one insight: a target that does not repeat makes every later answer worthless, so looking at one
target also checks one schedule of it as `demi check` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from demi.cli.check import SEED, STEPS, not_repeatable, one_schedule, repeatable
from demi.cli.elsewhere import Difference, Schedule, settings
from demi.cli.loading import Loaded, known_targets, load_target
from demi.cli.options import target_names
from demi.cli.output import Line, Message, columns
from demi.cli.session import Session, make_subject
from demi.errors import DemiError, ExitCode

if TYPE_CHECKING:
    from demi.scheduler.execute import Subject


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

    loaded = session.load(name)
    target = loaded.target
    config = session.config(loaded, "", [])
    subject = make_subject(target, config)
    session.writer.emit(_description(loaded, subject))
    subject.world.close()
    schedule = Schedule(name, "", (), SEED, STEPS)
    processes = settings(2)
    found = one_schedule(session, schedule, processes)
    if isinstance(found, Difference):
        return not_repeatable(session, target, schedule, found)
    return repeatable(session, name, found, 1, processes)


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
