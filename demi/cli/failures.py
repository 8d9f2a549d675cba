"""Failures: whatever goes wrong, one block of text, one exit code, and never a bare traceback.

The one insight: an exception that is not ours was raised *by somebody*, and the innermost frame that is
neither Python's nor a library's of ours says whether that is the target (exit 2, its file and line) or
demi itself (exit 3, a report to send).
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
import traceback

from demi import __version__
from demi.cli.messages import command, failure
from demi.cli.output import Message
from demi.cli.session import Session
from demi.errors import (
    ContractError,
    DemiError,
    DivergenceError,
    ExitCode,
    TargetError,
    TraceError,
    UsageError,
)

_FRAME = re.compile(r'  File "(.+)", line (\d+), in (.+)')
_DEMI = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_STDLIB = os.path.realpath(sysconfig.get_paths()["stdlib"])
_OURS = ("typer", "rich", "msgspec", "psutil")  # our dependencies: their errors are ours
REPORT = "report it with that file, what you ran and what you expected"


def explain(error: BaseException, session: Session) -> tuple[Message, int]:
    """The block for an error and the exit code."""
    if isinstance(error, DemiError):
        code = int(error.exit_code)
        commands = next_commands(error, session)
        return failure(error.what, error.where, error.remedy, code, commands), code
    if is_usage(error):
        return _usage(error, session)
    text = whole_traceback(error)
    at = culprit(text)
    if at is not None and not at[0].startswith(_DEMI):
        path, line, function = at
        what = f"the target raised {type(error).__name__} in {function}: {error}"[:400]
        where = f"{os.path.relpath(path)}:{line}"
        return explain(TargetError(what, where=where, remedy="correct the target's code"), session)
    return _internal(error, text, session)


def is_usage(error: BaseException) -> bool:
    """Is it the option parser's?  (Typer brings its own copy of click or uses the installed one.)"""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _usage(error: BaseException, session: Session) -> tuple[Message, int]:
    what = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    words = str(getattr(context, "command_path", "") or "demi").split()[1:]
    block = failure(what, "", "", int(ExitCode.USAGE), [command(*words, "--help")])
    return block, int(ExitCode.USAGE)


def _internal(error: BaseException, text: str, session: Session) -> tuple[Message, int]:
    code = int(ExitCode.INTERNAL)
    what = f"internal error in demi: {type(error).__name__}: {error}"[:400]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="demi-error-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(f"demi {__version__}, Python {sys.version}, {sys.platform}\n")
            file.write(f"command: {' '.join(sys.argv[1:])}\n\n{text}")
        where = file.name
    except OSError:
        where = " / ".join(line.strip() for line in text.strip().splitlines()[-3:])
    return failure(what, where, REPORT, code, ["demi --version"]), code


def whole_traceback(error: BaseException) -> str:
    """The text of a traceback; of the worker's, if the error comes from one."""
    remote = getattr(error.__cause__, "tb", None)
    if isinstance(remote, str):
        return remote
    return "".join(traceback.format_exception(error))


def culprit(text: str) -> tuple[str, int, str] | None:
    """(file, line, function) of the innermost frame in code of the target or of demi."""
    for path, line, function in reversed(_FRAME.findall(text)):
        real = os.path.realpath(path)
        package = re.search(r"site-packages[/\\](\w+)", real)
        if path.startswith("<") or (package and package[1] in _OURS):
            continue
        if real.startswith(_STDLIB) and not package:
            continue
        return real, int(line), function
    return None


def next_commands(error: DemiError, session: Session) -> list[str]:
    """What to paste after an error, from its kind and what the session was about."""
    target = session.target
    if session.again:
        return list(session.again)
    unknown = isinstance(error, TargetError) and error.what.startswith("unknown target")
    if isinstance(error, TargetError) and session.trace and not target:
        path = "FILE.py:TARGET"
        return [command(session.command, session.trace, "--target", path), "demi targets"]
    if isinstance(error, DivergenceError):
        given = ["--target", session.given] if session.given else []
        replay = [command("replay", session.trace, "--lenient", *given)] if session.trace else []
        return [*replay, command("targets", target)] if target else replay or ["demi targets"]
    if isinstance(error, TraceError):
        return [command("fuzz", target)] if target else ["demi targets", "demi fuzz --help"]
    if isinstance(error, UsageError):
        return [command(session.command, "--help") if session.command else "demi --help"]
    if isinstance(error, (TargetError, ContractError)) and target and not unknown:
        return ["demi targets"] if session.command == "targets" else [command("targets", target)]
    return ["demi targets"]
