"""`demi check-history FILE`: can one order of the operations explain what the clients were told?"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from demi.cli.output import Line, Message, count, plural
from demi.cli.session import Session
from demi.errors import ExitCode, TraceError, UsageError

if TYPE_CHECKING:
    from demi.history.linearizability import Finding
    from demi.history.operation import Operation
    from demi.history.transactions import Anomaly

SHOWN_MAX = 12  # operations of a failing prefix that people see without -v
LIST_APPEND = "list-append"


def check_history(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A history: JSON Lines, EDN, or Jepsen's log.")],
    model: Annotated[
        str,
        typer.Option(help="register, kv, queue, set, counter, list-append [from the operations]."),
    ] = "",
    form: Annotated[str, typer.Option("--format", help="auto, text, edn or jsonl.")] = "auto",
    keyed: Annotated[
        bool, typer.Option("--keyed", help="Values are [key value]; keys are judged apart.")
    ] = False,
    level: Annotated[
        str,
        typer.Option(
            help="Of list-append: read-committed, snapshot-isolation, serializable, strict-serializable."
        ),
    ] = "strict-serializable",
    configurations: Annotated[
        int, typer.Option(help="Give up on a key beyond that many.", min=1)
    ] = 20_000,
) -> int:
    """Check a recorded history for linearizability, or transactions for cycles.

    Exit code 0 when it holds, 1 when it does not, 5 when the budget did not suffice to tell.

    \b
    Examples:
      demi check-history history.edn --model register
      demi check-history history.jsonl --level snapshot-isolation
    """
    from demi.history.operation import pair
    from demi.history.reading import read_history

    session: Session = context.obj
    try:
        events = read_history(_text(file), form, keyed=keyed)
    except TraceError as error:
        raise TraceError(
            error.what, where=f"{file}, {error.where}".rstrip(", "), remedy=error.remedy
        ) from None
    operations = pair(events)
    if not operations:
        raise TraceError("the history holds no operation", where=str(file))
    chosen = model or _guess(operations)
    session.writer.note(
        Message(
            "history",
            {"file": str(file), "operations": len(operations), "model": chosen},
            (Line("history", f"{plural(len(operations), 'operation')} of {file}, model {chosen}"),),
        )
    )
    if chosen == LIST_APPEND:
        return int(_transactions(session, operations, level))
    return int(_objects(session, file, operations, chosen, configurations))


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        return data.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise TraceError(f"cannot read: {why}", remedy="give a file with one history") from None


def _guess(operations: list[Operation]) -> str:
    """The model that knows all operations.  Raises UsageError when none or several do."""
    from demi.history.models import MODELS

    used = {one.f for one in operations}
    if used == {"txn"}:
        return LIST_APPEND
    fitting = [name for name, model in MODELS.items() if used <= model.functions]
    if len(fitting) > 1 and "add" in used:  # a set's read gives elements, a counter's a number
        numbers = any(one.f == "read" and isinstance(one.result, int) for one in operations)
        fitting = ["counter" if numbers else "set"]
    if not fitting:
        raise UsageError(
            f"no model knows all of: {', '.join(sorted(used))}",
            where="--model",
            remedy="; ".join(f"{n}: {', '.join(sorted(m.functions))}" for n, m in MODELS.items()),
        )
    return fitting[0]


def _objects(
    session: Session, file: Path, operations: list[Operation], name: str, cap: int
) -> ExitCode:
    from demi.cli.messages import command, summary
    from demi.history.linearizability import Answer, check_linearizable, worst
    from demi.history.models import find_model

    model = find_model(name)
    for one in operations:
        if one.f not in model.functions:
            raise UsageError(
                f"model {name} has no operation {one.f!r}",
                where=f"{file}, line {one.at}",
                remedy=f"known: {', '.join(sorted(model.functions))}",
            )
    try:
        findings = check_linearizable(model, operations, configurations=cap)
    except (TypeError, ValueError) as error:
        raise TraceError(
            f"model {name} cannot apply an operation: {error}",
            where=str(file),
            remedy="look at the values: a cas wants [old new], a counter adds numbers",
        ) from None
    for finding in findings:
        if finding.answer is not Answer.YES:
            session.writer.emit(_finding(finding, session.verbose))
    answer = worst(findings)
    code = {Answer.YES: ExitCode.OK, Answer.NO: ExitCode.VIOLATION}.get(answer, ExitCode.NOTHING)
    keys = plural(len(findings), "key")
    text = {
        Answer.YES: f"linearizable: {plural(len(operations), 'operation')} on {keys}",
        Answer.NO: "not linearizable",
        Answer.UNKNOWN: "unknown: the budget was not enough to tell. This is no verdict.",
    }[answer]
    style = {Answer.YES: "good", Answer.NO: "bad"}.get(answer, "warn")
    more = [command("check-history", file, "--configurations", cap * 10)]
    session.writer.emit(
        summary(
            answer.value, code, (Line("result", text, style),),
            more if answer is Answer.UNKNOWN else (), operations=len(operations), keys=len(findings),
        )
    )  # fmt: skip
    return code


def _finding(finding: Finding, verbose: bool) -> Message:
    from demi.history.linearizability import Answer

    bad = finding.answer is Answer.NO
    where = f" on key {finding.key}" if finding.key is not None else ""
    lines = [
        Line("VIOLATED" if bad else "unknown", f"{finding.text}{where}", "bad" if bad else "warn")
    ]
    at = finding.last.ended_at if finding.last else 0
    if finding.last is not None:
        size = f"{count(len(finding.prefix))} of {plural(finding.operations, 'operation')}"
        lines.append(Line("prefix", f"the smallest failing one ends at line {at}: {size}{where}"))
        shown = finding.prefix if verbose else finding.prefix[-SHOWN_MAX:]
        lines += [Line("", f"{_span(one)}  {one.text}", wrap=False) for one in shown]
    data: dict[str, Any] = {
        "verdict": finding.answer.value, "key": finding.key, "operations": finding.operations,
        "text": finding.text, "line": at, "prefix": [one.text for one in finding.prefix],
    }  # fmt: skip
    return Message("finding", data, tuple(lines))


def _span(one: Operation) -> str:
    return f"{one.at:>6}-{one.ended_at or '':<6}"


def _transactions(session: Session, operations: list[Operation], level: str) -> ExitCode:
    from demi.cli.messages import summary
    from demi.history.transactions import find_anomalies

    anomalies = find_anomalies(operations, level)
    for one in anomalies:
        session.writer.emit(_anomaly(one))
    code = ExitCode.VIOLATION if anomalies else ExitCode.OK
    what = plural(len(operations), "transaction")
    text = f"not {level}: {len(anomalies)} found" if anomalies else f"{level}: no anomaly in {what}"
    line = Line("result", text, "bad" if anomalies else "good")
    verdict = "violated" if anomalies else "holds"
    session.writer.emit(
        summary(verdict, code, (line,), operations=len(operations), anomalies=len(anomalies))
    )
    return code


def _anomaly(one: Anomaly) -> Message:
    lines = [Line("VIOLATED", one.text, "bad")]
    lines += [Line("", step, hang=2) for step in one.steps]
    data = {
        "name": one.name, "text": one.text, "steps": list(one.steps),
        "lines": [transaction.at for transaction in one.transactions],
    }  # fmt: skip
    return Message("anomaly", data, tuple(lines))
